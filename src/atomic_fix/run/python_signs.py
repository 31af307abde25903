"""Finds the Python versions of a program in files other than those of its packaging: the versions
that its start script refuses, that its tests and containers use, and that its tools check for.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from atomic_fix.run.dependencies import parsed, subtable
from atomic_fix.run.module_files import names_in

Sign = tuple[int, str, str]
"""The minor version of a Python 3, the file that names it, and its wording."""

_MOST = 100
_VERSION = r"3\.(\d{1,2})(?![\d])"
_HAS_VERSION = re.compile(rf"(?<![\d.]){_VERSION}")
_PYTHON_IN_YAML = re.compile(
    r"(?m)^(?P<indent>[ \t]*)(?:-[ \t]+)?(?:python|python[-_]versions?|py)[ \t]*:"
    r"(?P<value>[^\n]*(?:\n(?:(?P=indent)[ \t]*-|(?P=indent)[ \t]+[\"'\d\]])[^\n]*)*)"
)
_IN_CONDA = re.compile(rf"(?mi)^[ \t]*-[ \t]*[\"']?python[ \t]*(?:[=~>]=?|[ \t])[ \t]*=?{_VERSION}")
_IN_TOX = re.compile(r"(?<![\w.])py3(\d{1,2})\b")
_IN_NOX = re.compile(r"\bpython[ \t]*=[ \t]*(\[[^\]]*\]|[\"'][^\"']*[\"'])")
_IMAGE = re.compile(
    rf"(?mi)^[ \t]*(?:FROM[ \t]+(?:--\S+[ \t]+)?(?:[\w./-]*/)?(?:python|pypy|uv|miniconda3?|"
    rf"[\w-]*python[\w-]*):\S*?|ARG[ \t]+PY(?:THON)?_?VERSION[ \t]*=[ \t]*[\"']?){_VERSION}"
)
_ARGUMENT = re.compile(r"""(?mi)^[ \t]*ARG[ \t]+(\w+)=["']?([^\s"']+)""")
_FROM = re.compile(r"(?mi)^[ \t]*FROM[ \t][^\n]*")
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?")
_SYSTEM_IMAGE = re.compile(
    r"(?mi)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)?(?:[\w./-]*/)?(?:ubuntu|debian|buildpack-deps):"
    r"([\w.]+)"
)
_PYTHON_OF_SYSTEM = {
    "14.04": 4, "trusty": 4, "16.04": 5, "xenial": 5, "18.04": 6, "bionic": 6, "20.04": 8,
    "focal": 8, "22.04": 10, "jammy": 10, "24.04": 12, "noble": 12,
    "8": 4, "jessie": 4, "9": 5, "stretch": 5, "10": 7, "buster": 7, "11": 9, "bullseye": 9,
    "12": 11, "bookworm": 11, "13": 13, "trixie": 13,
}  # fmt: skip
_IN_TEXT = re.compile(
    r"(?i)\bpython[ \t]*(?:version[ \t]*)?(?:(?:>=|≥)[ \t]*v?3\.(\d{1,2})(?![\d])|"
    r"v?3\.(\d{1,2})(?:\.\d+)?[ \t]*(?:\+|\(?(?:or|and)[ \t]+"
    r"(?:above|greater|higher|later|newer|up|upwards?)\b))"
)
_GUARD = re.compile(r"sys\.version_info|\bversion_info\b")
_STOPS = re.compile(r"\bexit\b|\b_exit\b|\braise\b|\bquit\(")

_MAKES_PYTHON_2 = re.compile(
    r"\bvirtualenv\b[^\n;&|]*?(?:-p|--python)[ \t=]*[\"']?(?:[\w./$(){}-]*/)?"
    r"python2(?:\.\d)?\b(?![-\w])"
    r"|(?:(?<=[\s/(])|^)python2(?:\.\d)?[ \t]+-m[ \t]+\w+|\bpip2(?:\.\d)?[ \t]+install\b",
    re.MULTILINE,
)
_SHEBANG_2 = re.compile(r"\A#![^\n]*\bpython2(?:\.\d)?\b")
_IS_STARTED = re.compile(r"(?m)^if[ \t]+__name__\b")
_PYTHON_2_IN_YAML = re.compile(r"(?<![\d.])2\.[67](?![\d.])")
_PYTHON_2_IN_TOX = re.compile(r"(?<![\w.])py2[67]\b")
_FOLDERS_OF_INSTALLERS = re.compile(r"(?i)^(?:scripts?|bin|install\w*|setup|deploy\w*|ci|\.ci)$")
_NOT_STARTED = re.compile(
    r"(?i)^(?:\..*|.*tests?|docs?|examples?|lib|legacy|old|py2|python2|samples?|third[_-]?party|"
    r"_?vendor(?:ed)?|externals?|venv|env|build|dist|contrib|tools)$"
)


def python_2(root: str, names: list[str], text_of: Any) -> str:
    """Evidence that a program runs on Python 2, with the file that shows it: a start script, an
    installer, a test configuration. Empty if there is none."""

    def read(name: str) -> str:
        return text_of(os.path.join(root, name)) or ""

    folders = [each for each in names[:_MOST] if os.path.isdir(os.path.join(root, each))]
    installers = [each for each in names if each.endswith(".sh")]
    for folder in filter(_FOLDERS_OF_INSTALLERS.search, folders):
        inside = _listed(os.path.join(root, folder))
        installers += [f"{folder}/{each}" for each in inside if each.endswith(".sh")]
    for name in installers[:_MOST]:
        text = re.sub(r"(?m)(?:^|[ \t])#.*", "", read(name))
        if found := _MAKES_PYTHON_2.search(text):
            return f"{name} (`{found[0].strip()}`)"
    modules = [each for each in names if each.endswith(".py")]
    for folder in folders:
        if not _NOT_STARTED.search(folder) and not _FOLDERS_OF_INSTALLERS.search(folder):
            inside = _listed(os.path.join(root, folder))
            modules += [f"{folder}/{each}" for each in inside if each.endswith(".py")]
    for name in modules[: 5 * _MOST]:
        text = read(name)
        if (found := _SHEBANG_2.search(text)) and _IS_STARTED.search(text):
            return f"{name} (`{found[0]}`)"
    workflows = [each for each in _below(root, names) if each.endswith((".yml", ".yaml"))]
    for name in [*(each for each in (".travis.yml", "appveyor.yml") if each in names), *workflows]:
        text = re.sub(r"(?m)(?:^|[ \t])#.*", "", read(name))
        for value in _PYTHON_IN_YAML.finditer(text):
            if found := _PYTHON_2_IN_YAML.search(value["value"]):
                return f"{name} (`python {found[0]}`)"
    tox = read("tox.ini") if "tox.ini" in names else ""
    environments = re.search(r"(?m)^envlist\s*=([^\n]*(?:\n[ \t]+[^\n]*)*)", tox)
    if environments and (found := _PYTHON_2_IN_TOX.search(_spread(environments[1]))):
        return f"tox.ini (`{found[0]}`)"
    return ""


def signs(
    root: str,
    names: list[str],
    table: Mapping[str, Any],
    text_of: Any,
    environments: Iterable[str] = (),
) -> tuple[int | None, list[Sign]]:
    """The lowest Python 3 that a start script accepts, if it checks, and the versions that other
    files name.

    Args:
        names: the names of the files in the project folder. table: the content of its
        pyproject.toml. text_of: reads a file. environments: files with environments of conda that
        installers name.
    """

    def read(name: str) -> str:
        return text_of(os.path.join(root, name)) or ""

    found: list[Sign] = []
    for name in environments:
        minors = _IN_CONDA.findall(read(name))
        found += [(int(each), name, f"python 3.{each}") for each in minors]
    guards = []
    modules = [each for each in names if each.endswith(".py")][:_MOST]
    for name in modules:
        text = read(name)
        if _GUARD.search(text) and (minor := _refused_below(text)) is not None:
            guards.append(minor)
            found.append((minor, name, "sys.version_info"))
        if name == "noxfile.py":
            found += _each(_IN_NOX, text, name, "python")
    found += _of_tools(table)
    for name in names:
        if name in {".python-version", "runtime.txt", "Pipfile", "mypy.ini", "tox.ini",
                    "setup.cfg", "ruff.toml", ".ruff.toml", ".travis.yml", ".readthedocs.yml",
                    "environment.yml", "environment.yaml", "meta.yaml", "appveyor.yml",
                    ".mypy.ini"}:  # fmt: skip
            found += _of_file(name, read(name))
        elif name.lower().startswith(("readme", "install")):
            for one, other in _IN_TEXT.findall(read(name)):
                found.append((int(one or other), name, f"Python 3.{one or other}"))
    for name in _below(root, names):
        found += _of_file(name, read(name))
    return min(guards, default=None), [each for each in found if 0 <= each[0] < 30]


def _below(root: str, names: list[str]) -> Iterator[str]:
    """Container files, CI configurations and conda recipes."""
    for name in names:
        if re.search(r"(?i)^(?:docker|container)file|\.dockerfile$", name):
            yield name
    for name in names:
        folder = os.path.join(root, name)
        if name == ".github":
            for each in _listed(os.path.join(folder, "workflows")):
                if each.endswith((".yml", ".yaml")):
                    yield f".github/workflows/{each}"
        elif "." not in name[1:] and os.path.isdir(folder):
            for each in _listed(folder):
                if re.search(r"(?i)^(?:docker|container)file|\.dockerfile$|^meta\.yaml$", each):
                    yield f"{name}/{each}"
                elif re.fullmatch(r"(?i)(?:docker|containers?|conda|recipe)[\w-]*", each):
                    for inner in _listed(os.path.join(folder, each)):
                        if re.search(r"(?i)^dockerfile|\.dockerfile$|^meta\.yaml$", inner):
                            yield f"{name}/{each}/{inner}"


def _listed(folder: str) -> list[str]:
    return names_in(folder)[:_MOST]


def _of_file(name: str, text: str) -> list[Sign]:
    base = os.path.basename(name).lower()
    text = re.sub(r"(?m)(?:^|[ \t])#.*", "", text)
    if base == ".python-version" or base == "runtime.txt":
        return [(int(each), name, f"3.{each}") for each in _HAS_VERSION.findall(text)]
    if base == "pipfile":
        return _each(re.compile(r"(?m)^python_(?:full_)?version\s*=([^\n]*)"), text, name, "python")
    if base.endswith(".ini") or base == "setup.cfg":
        found = _each(re.compile(r"(?m)^python_version\s*=([^\n]*)"), text, name, "python_version")
        environments = re.search(r"(?m)^envlist\s*=([^\n]*(?:\n[ \t]+[^\n]*)*)", text)
        for each in _IN_TOX.findall(_spread(environments[1])) if environments else ():
            found.append((int(each), name, f"py3{each}"))
        return found
    if base.endswith("ruff.toml"):
        return [
            (int(each), name, f"py3{each}")
            for each in re.findall(r"""(?m)^target-version\s*=\s*["']py3(\d+)""", text)
        ]
    if base in {"environment.yml", "environment.yaml", "meta.yaml"}:
        return [(int(each), name, f"python 3.{each}") for each in _IN_CONDA.findall(text)]
    if base.endswith((".yml", ".yaml")):
        found = []
        for each in _PYTHON_IN_YAML.finditer(text):
            for minor in _HAS_VERSION.findall(each["value"]):
                found.append((int(minor), name, f"python 3.{minor}"))
        return found
    text = _with_defaults(text)
    found = [(int(each), name, f"python 3.{each}") for each in _IMAGE.findall(text)]
    if not found and not re.search(r"\bpython3\.\d|conda|pyenv|\buv\b", text):
        for each in _SYSTEM_IMAGE.findall(text):
            minor = _PYTHON_OF_SYSTEM.get(each.lower().partition("-")[0])
            if minor is not None and "python" in text:
                found.append((minor, name, each))
    return found


def _with_defaults(text: str) -> str:
    """A container file with the defaults of its `ARG`s in its `FROM`s."""
    defaults = dict(_ARGUMENT.findall(text))

    def default(name: re.Match[str]) -> str:
        return str(defaults.get(name[1], name[2] or name[0]))

    return _FROM.sub(lambda row: _VARIABLE.sub(default, row[0]), text) if defaults else text


def _spread(text: str) -> str:
    """The names in a tox list such as `py{37,38}`."""
    return re.sub(
        r"py\{([^}]*)\}",
        lambda each: ",".join(
            x.strip() if x.strip().startswith("py") else f"py{x.strip()}"
            for x in each[1].split(",")
        ),
        text,
    )


def _each(pattern: re.Pattern[str], text: str, name: str, words: str) -> list[Sign]:
    return [
        (int(minor), name, f"{words} 3.{minor}")
        for value in pattern.findall(text)
        for minor in _HAS_VERSION.findall(value)
    ]


def _of_tools(table: Mapping[str, Any]) -> Iterator[Sign]:
    """The versions in the settings of tools in pyproject.toml."""
    version = subtable(table, "tool", "mypy").get("python_version")
    for minor in _HAS_VERSION.findall(str(version)):
        yield int(minor), "pyproject.toml", f"python_version 3.{minor}"
    for tool in ("ruff", "black"):
        target = subtable(table, "tool", tool).get("target-version")
        for minor in re.findall(r"py3(\d+)", str(target)):
            yield int(minor), "pyproject.toml", f"target-version py3{minor}"


def _refused_below(text: str) -> int | None:
    """The minor version below which a program exits at start."""
    tree = parsed(text)
    if tree is None:
        return None
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _STOPS.search("\n".join(map(ast.unparse, node.body))):
            found += _lowest_that_passes(node.test)
        elif isinstance(node, ast.Assert):
            found += _lowest_that_passes(ast.UnaryOp(ast.Not(), node.test))
    return max(found, default=None)


def _lowest_that_passes(test: ast.expr, *, negated: bool = False) -> list[int]:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _lowest_that_passes(operand, negated=not negated)
        case ast.BoolOp(values=values):
            return [x for each in values for x in _lowest_that_passes(each, negated=negated)]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if "version_info" in ast.dump(
            left
        ):
            below = ast.GtE if negated else ast.Lt
            up_to = ast.Gt if negated else ast.LtE
            match right:
                case ast.Tuple(elts=[ast.Constant(value=3), ast.Constant(value=int(minor)), *_]):
                    pass
                case ast.Tuple(elts=[ast.Constant(value=3)]):
                    minor = 0
                case ast.Constant(value=int(number)) if _is_part(left, "minor", 1):
                    minor = number
                case _:
                    return []
            if isinstance(op, below):
                return [minor]
            # `<= (3, 5)` lets 3.5.1 through.
            return [minor + ("slice" in ast.dump(left))] if isinstance(op, up_to) else []
    return []


def _is_part(node: ast.expr, name: str, index: int) -> bool:
    match node:
        case ast.Attribute(attr=attr):
            return attr == name
        case ast.Subscript(slice=ast.Constant(value=number)):
            return bool(number == index)
    return False
