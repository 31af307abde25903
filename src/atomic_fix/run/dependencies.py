"""Extracts the names of the distributions that a project declares from the text of its files. No
code of the project is run, so values that a `setup.py` computes are not found. Names are normalised
as in PEP 503.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from atomic_fix.settings import toml

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?=$|[\[<>=!~;@,(\s])")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_SEPARATORS = re.compile(r"[-_.]+")
_LINE = re.compile(r"(?:-r|--requirement)[\s=]*(\S.*)|(?:-e|--editable)[\s=]*(\S.*)|-")
_IS_PATH = re.compile(r"\.{0,2}[/\\]|[A-Za-z]:\\|~/|\.{1,2}(?:\[|$)|[^\s;@]*\.whl\b|[^\s;@\[]*/")
_IS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z]+\+[A-Za-z]+:|git@")
_ARCHIVE = re.compile(r"(?:-[0-9].*)?\.(?:git|zip|whl|tar\.(?:gz|bz2|xz)|tgz)$")
_ITEM = re.compile(r"""\s*-\s+["']?(?:[\w.-]+::)?([^"'\n]*)""")
_PYTHON = "python"


def normalised(name: str) -> str:
    """The normalised name of a distribution."""
    return _SEPARATORS.sub("-", name).lower()


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Normalised names. `extra` are those that an installation need not include: optional ones,
    those of groups, and those in files for development. `files` are more files with requirements,
    relative to the one that names them, each with whether it is for an extra."""

    names: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()
    files: tuple[tuple[str, bool], ...] = ()

    def __or__(self, other: Dependencies) -> Dependencies:
        return Dependencies(
            self.names | other.names, self.extra | other.extra, self.files + other.files
        )


@dataclass(slots=True)
class _Found:
    names: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)
    files: list[tuple[str, bool]] = field(default_factory=list)

    def requirements(self, value: Any, *, extra: bool = False) -> None:
        """Add a list of requirements in the format of PEP 508."""
        for each in value if isinstance(value, list) else ():
            if isinstance(each, str) and (name := requirement(each)):
                (self.extra if extra else self.names).add(name)

    def lists(self, value: Any) -> None:
        """Add a table of such lists: extras, or groups."""
        for each in value.values() if isinstance(value, dict) else ():
            self.requirements(each, extra=True)

    def keys(self, value: Any, *, extra: bool = False) -> None:
        """Add a table whose keys are the names."""
        for each, how in value.items() if isinstance(value, dict) else ():
            optional = isinstance(how, dict) and how.get("optional") is True
            (self.extra if extra or optional else self.names).add(normalised(each))

    def listed_files(self, value: Any, *, extra: bool = False) -> None:
        """Add the names of files with requirements."""
        for each in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
            if isinstance(each, str):
                self.files.append((each.strip(), extra))

    def result(self) -> Dependencies:
        return Dependencies(
            frozenset(self.names - {_PYTHON}),
            frozenset(self.extra - {_PYTHON}),
            tuple(self.files),
        )


def requirement(text: str) -> str:
    """The normalised name in a requirement; empty if it has none."""
    if (found := _NAME.match(text)) is not None:
        return normalised(found[1])
    return ""


def of_requirements(text: str, *, extra: bool = False) -> Dependencies:
    """The requirements in a file for `pip install -r`."""
    found = _Found()
    names = found.extra if extra else found.names
    for raw in re.sub(r"\\\r?\n", "", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line:
            continue
        option = _LINE.match(line)
        if option is not None and option[1]:
            found.files.append((option[1].strip("\"'"), extra))
        elif option is None or option[2]:
            names.add(_asked_for(option[2] if option is not None else line))
    names.discard("")
    return found.result()


def _asked_for(line: str) -> str:
    """The name in a line of such a file, which may be a URL or a path instead."""
    line = line.strip("\"'")
    if (egg := _EGG.search(line)) is not None:
        return normalised(egg[1])
    if _IS_URL.match(line) or _IS_PATH.match(line):
        place = re.split(r"\s|;|#|\[", line, maxsplit=1)[0].replace("\\", "/").rstrip("/")
        last = place.rpartition("/")[2].partition("@")[0].partition("?")[0]
        return normalised(_ARCHIVE.sub("", last)) if last.strip(".") else ""
    return requirement(line)


def of_pyproject(table: Mapping[str, Any]) -> Dependencies:
    """The dependencies in a pyproject.toml, in any of the tables used for them. Build dependencies
    are left out: the program does not run with them."""
    found = _Found()
    project = subtable(table, "project")
    found.requirements(project.get("dependencies"))
    found.lists(project.get("optional-dependencies"))
    # An included group is also in the table, under its own name.
    found.lists(table.get("dependency-groups"))

    poetry = subtable(table, "tool", "poetry")
    found.keys(poetry.get("dependencies"))
    found.keys(poetry.get("dev-dependencies"), extra=True)
    for group in subtable(poetry, "group").values():
        found.keys(subtable(group, "dependencies"), extra=True)

    found.lists(subtable(table, "tool", "pdm").get("dev-dependencies"))
    for tool in ("uv", "rye"):
        found.requirements(subtable(table, "tool", tool).get("dev-dependencies"), extra=True)
    for environment in subtable(table, "tool", "hatch", "envs").values():
        for key in ("dependencies", "extra-dependencies"):
            found.requirements(subtable(environment).get(key), extra=True)

    flit = subtable(table, "tool", "flit", "metadata")
    found.requirements(flit.get("requires"))
    found.lists(flit.get("requires-extra"))
    _pixi(found, subtable(table, "tool", "pixi"))

    briefcase = subtable(table, "tool", "briefcase")
    for app in (briefcase, *subtable(briefcase, "app").values()):
        found.requirements(subtable(app).get("requires"))

    dynamic = subtable(table, "tool", "setuptools", "dynamic")
    found.listed_files(subtable(dynamic, "dependencies").get("file"))
    for each in subtable(dynamic, "optional-dependencies").values():
        found.listed_files(subtable(each).get("file"), extra=True)
    hook = subtable(table, "tool", "hatch", "metadata", "hooks", "requirements_txt")
    found.listed_files(hook.get("files"))
    return found.result()


def of_pixi(content: bytes) -> Dependencies:
    """The dependencies in a pixi.toml."""
    found = _Found()
    _pixi(found, read_toml(content))
    return found.result()


def _pixi(found: _Found, table: Mapping[str, Any]) -> None:
    for key in ("dependencies", "pypi-dependencies"):
        found.keys(table.get(key))
        for feature in subtable(table, "feature").values():
            found.keys(subtable(feature).get(key), extra=True)


def of_pipfile(content: bytes) -> Dependencies:
    """The dependencies in a Pipfile."""
    table = read_toml(content)
    found = _Found()
    found.keys(table.get("packages"))
    found.keys(table.get("dev-packages"), extra=True)
    return found.result()


def of_setup_cfg(sections: Mapping[str, Mapping[str, str]]) -> Dependencies:
    """The dependencies in a setup.cfg."""
    found = _Found()

    def take(value: str, *, extra: bool = False) -> None:
        if value.strip().startswith("file:"):
            files = value.strip().removeprefix("file:")
            found.listed_files(re.split(r"[,\n]", files), extra=extra)
        else:
            found.requirements(re.split(r"[\n]", value), extra=extra)

    take(sections.get("options", {}).get("install_requires", ""))
    for value in sections.get("options.extras_require", {}).values():
        take(value, extra=True)
    return found.result()


def of_setup_py(keywords: Mapping[str, tuple[str, ...]]) -> Dependencies:
    """The dependencies in a setup.py, given the keywords of its call of `setup`."""
    found = _Found()
    found.requirements(list(keywords.get("install_requires", ())))
    for key in ("extras_require", "tests_require"):
        found.requirements(list(keywords.get(key, ())), extra=True)
    return found.result()


def of_environment(text: str) -> Dependencies:
    """The dependencies in a conda environment.yml, for both conda and pip."""
    items = []
    inside = False
    for line in text.splitlines():
        if re.match(r"\w", line):
            inside = line.startswith("dependencies:")
        elif inside and (item := _ITEM.match(line)) is not None and item[1].strip() != "pip:":
            items.append(item[1])
    return of_requirements("\n".join(items))


def of_script(text: str) -> Dependencies | None:
    """The dependencies in the PEP 723 comment of a script; None without one."""
    table = table_of_script(text)
    if table is None:
        return None
    found = _Found()
    found.requirements(table.get("dependencies"))
    return found.result()


def table_of_script(text: str) -> dict[str, Any] | None:
    """The PEP 723 comment of a script; None without one."""
    block = re.search(r"(?m)^# /// script\r?\n((?:^#(?: .*)?\r?\n)+?)^# ///\r?$", text)
    if block is None:
        return None
    return read_toml("\n".join(line[2:] for line in block[1].splitlines()).encode())


# --- reading files --------------------------------------------------------------------


def read_toml(content: bytes) -> dict[str, Any]:
    """The content of a TOML file; empty if it is invalid."""
    try:
        return toml(content)
    except (ValueError, RecursionError):
        return {}


def read_ini(text: str) -> dict[str, dict[str, str]]:
    """The sections of a setup.cfg; empty if it is invalid."""
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def read_setup(text: str) -> dict[str, tuple[str, ...]]:
    """The keywords of the call of `setup` in a setup.py: the strings in each, also in a list or
    table assigned to a name above, and `package_dir` in the format of setup.cfg. Calls of
    `find_packages` are included, with their folders and what they include and exclude."""
    tree = parsed(text)
    if tree is None:
        return {}
    bound = bound_by(tree.body)
    keywords: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _called(node)
        if name == "setup":
            for keyword in node.keywords:
                if keyword.arg == "package_dir" and isinstance(keyword.value, ast.Dict):
                    keywords[keyword.arg] = tuple(_pairs(keyword.value))
                elif keyword.arg is not None and not (
                    keyword.arg == "packages" and isinstance(keyword.value, ast.Call)
                ):
                    keywords[keyword.arg] = tuple(strings_in(keyword.value, bound))
        elif name in {"find_packages", "find_namespace_packages"}:
            where = [*node.args[:1], *(x.value for x in node.keywords if x.arg == "where")]
            keywords[name] = tuple(each for value in where for each in strings_in(value, bound))
            for x in node.keywords:
                if x.arg in {"include", "exclude"}:
                    keywords[f"find_packages.{x.arg}"] = tuple(strings_in(x.value, bound))
    return keywords


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def strings_in(value: ast.expr, bound: Mapping[str, ast.expr], depth: int = 2) -> Iterator[str]:
    """The strings in an expression and in the values of the names in it."""
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Name) and depth and node.id in bound:
            yield from strings_in(bound[node.id], bound, depth - 1)


def _pairs(value: ast.Dict) -> Iterator[str]:
    """A table in the format of setup.cfg: `key=value`."""
    for key, each in zip(value.keys, value.values, strict=True):
        pair = [x.value for x in (key, each) if isinstance(x, ast.Constant)]
        if len(pair) == 2 and all(isinstance(x, str) for x in pair):
            yield "=".join(map(str, pair))


def bound_by(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """The values of names, from the plain assignments among some nodes."""
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a source; None if it cannot be parsed."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SyntaxWarning is the project's own affair
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def subtable(value: Any, *keys: str) -> dict[str, Any]:
    """The table at these keys; empty if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
