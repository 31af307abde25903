"""The code style of the project that a file belongs to, from the settings of ruff, black, isort,
flake8 and EditorConfig. Errors in these settings are for those tools to report; here they are
ignored.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from atomic_fix import files
from atomic_fix.config import ImportStyle, Style
from atomic_fix.settings import section, toml

_FILES = (
    ".ruff.toml", "ruff.toml", "pyproject.toml", ".isort.cfg", "setup.cfg", "tox.ini", ".flake8",
    ".editorconfig",
)  # fmt: skip
_ROOTS = (".git", ".hg")
_LARGEST = 1 << 20
"""The largest settings file, in bytes; a larger one is ignored."""
_MOST_EXTENDED = 10
_MOST = 1 << 20
"""Bytes."""

_RUFF_LENGTH = _BLACK_LENGTH = 88
_ISORT_LENGTH = _FLAKE8_LENGTH = 79
_WITH_PARENTHESES = (3, 9)

_SECTIONS = {
    "future": "future",
    "stdlib": "standard-library",
    "thirdparty": "third-party",
    "firstparty": "first-party",
    "localfolder": "local-folder",
}
_LAYOUTS = {0: "grid", 1: "aligned", 5: "grouped"}
_LAYOUT_NAMES = (
    "grid", "vertical", "hanging_indent", "vertical_hanging_indent", "vertical_grid",
    "vertical_grid_grouped",
)  # fmt: skip
_BLACK_PROFILE: dict[str, Any] = {
    "multi_line_output": 3,
    "include_trailing_comma": True,
    "split_on_trailing_comma": True,
    "ensure_newline_before_comments": True,
    "line_length": _BLACK_LENGTH,
}
_PROFILES: dict[str, dict[str, Any]] = {
    "black": _BLACK_PROFILE,
    "django": {
        "combine_as_imports": True, "include_trailing_comma": True, "multi_line_output": 5,
    },
    "pycharm": {"multi_line_output": 3, "force_grid_wrap": 2, "lines_after_imports": 2},
    "google": {
        "force_single_line": True, "force_sort_within_sections": True, "line_length": 1000,
        "single_line_exclusions": ["collections.abc", "six.moves", "typing", "typing_extensions"],
        "order_by_type": False,
    },
    "open_stack": {"force_single_line": True, "force_sort_within_sections": True},
    "plone": {
        **_BLACK_PROFILE, "force_single_line": True, "force_sort_within_sections": True,
    },
    "attrs": {
        "include_trailing_comma": True, "lines_after_imports": 2, "lines_between_types": 1,
        "multi_line_output": 3,
    },
    "hug": {"multi_line_output": 3, "include_trailing_comma": True, "line_length": 100},
    "wemake": {"multi_line_output": 3, "include_trailing_comma": True, "line_length": 80},
    "appnexus": {
        **_BLACK_PROFILE, "force_sort_within_sections": True, "order_by_type": False,
        "sections": ["FUTURE", "STDLIB", "THIRDPARTY", "FIRSTPARTY", "APPLICATION", "LOCALFOLDER"],
    },
}  # fmt: skip


def style_of(filename: str) -> Style:
    """The style of the project that a file belongs to: each tool's nearest configuration in the
    folders from that of the file up to the root of its repository. Results are cached as long as
    none of these files changes.
    """
    folder = os.path.dirname(os.path.abspath(filename))
    found: list[tuple[str, int, int]] = []
    while True:
        for name in _FILES:
            seen = _seen(os.path.join(folder, name))
            if seen is not None:
                found.append(seen)
        parent = os.path.dirname(folder)
        if parent == folder or any(os.path.exists(os.path.join(folder, x)) for x in _ROOTS):
            break
        folder = parent
    return _style(tuple(found)) if found else Style()


def _seen(path: str) -> tuple[str, int, int] | None:
    """A file and values that change with it; None if there is no such file, reading it could block,
    or it is too large to be written by hand."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    # An empty file has no settings, and may be a kernel file on which reading blocks.
    if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= _MOST:
        return None
    return path, status.st_mtime_ns, status.st_size


@dataclass
class _Found:
    """The nearest table of each tool, and its folder."""

    ruff: dict[str, Any] | None = None
    black: dict[str, Any] | None = None
    isort: dict[str, Any] | None = None
    flake8: dict[str, Any] | None = None
    editor: dict[str, Any] | None = None
    python: str = ""
    """The Python versions that the project requires (`>=3.9`)."""
    folders: dict[str, str] = field(default_factory=dict)

    def take(self, tool: str, table: object, folder: str) -> None:
        if getattr(self, tool) is None and isinstance(table, dict):
            setattr(self, tool, table)
            self.folders[tool] = folder


@lru_cache(maxsize=64)
def _style(files: tuple[tuple[str, int, int], ...]) -> Style:
    found = _Found()
    for path, _, _ in files:
        folder, name = os.path.split(path)
        found.folders.setdefault("", folder)
        content = _read(path)
        if name.endswith(".toml"):
            _take_toml(found, path, content)
            continue
        sections = _ini(content)
        if name == ".editorconfig":
            found.take("editor", _editor_section(sections), folder)
            continue
        found.take("isort", sections.get("settings") if name == ".isort.cfg" else None, folder)
        found.take("isort", sections.get("isort", sections.get("tool:isort")), folder)
        found.take("flake8", sections.get("flake8", sections.get("pycodestyle")), folder)
    return _combined(found)


def _take_toml(found: _Found, path: str, content: bytes) -> None:
    folder, name = os.path.split(path)
    try:
        table = toml(content)
    except (ValueError, RecursionError):
        return
    if name != "pyproject.toml":
        found.take("ruff", _extended(table, folder), folder)
        return
    tools = _table(table, "tool")
    found.take("ruff", _extended(_table(tools, "ruff"), folder), folder)
    for tool in ("black", "isort", "flake8"):
        found.take(tool, _table(tools, tool), folder)
    needed = (_table(table, "project") or {}).get("requires-python")
    if isinstance(needed, str) and not found.python:
        found.python = needed


def _read(path: str) -> bytes:
    if _seen(path) is None:
        return b""
    try:
        return files.read(path, _LARGEST)
    except (OSError, ValueError):
        return b""


def _extended(table: Any, folder: str) -> Any:
    """A ruff table merged with the one that it extends, as ruff does."""
    for _ in range(_MOST_EXTENDED):
        wanted = table.get("extend") if isinstance(table, dict) else None
        if not isinstance(wanted, str):
            break
        path = os.path.join(folder, os.path.expanduser(os.path.expandvars(wanted)))
        try:
            below = section(path, _read(path), "ruff")
        except (ValueError, RecursionError):
            break
        if not isinstance(below, dict):
            break
        # `src` and `extend` are relative to the file that contains them.
        above = {key: value for key, value in table.items() if key != "extend"}
        table, folder = _over(below, above), os.path.dirname(path)
    return table


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _over(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _ini(content: bytes) -> dict[str, dict[str, Any]]:
    """The sections of an INI file, as far as it can be parsed."""
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    # Settings above the first section (`root = true`) have none.
    start = re.search(r"^\[", text, re.MULTILINE)
    try:
        parser.read_string(text[start.start() :] if start is not None else "")
    except configparser.Error:
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _editor_section(sections: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The settings of an .editorconfig for Python files; later sections take precedence."""
    merged: dict[str, Any] = {}
    for pattern, values in sections.items():
        if pattern == "*" or re.search(r"\*\.(?:py\b|[{\[][^}\]]*\bpyi?\b)", pattern):
            merged.update(values)
    return merged if "max_line_length" in merged else None


# --- the combined style -------------------------------------------------------------


def _combined(found: _Found) -> Style:
    ruff, black = found.ruff, found.black
    formatting = _table(ruff, "format")
    is_ruffs = ruff is not None and (black is None or formatting is not None)
    if is_ruffs:
        explicit = _number(ruff, "line-length") or _number(formatting, "line-length")
        usual = _RUFF_LENGTH
    else:
        explicit = _number(black, "line-length")
        usual = _BLACK_LENGTH if black is not None else 0
    isort = _isort_table(found.isort)
    if not explicit and not (black is not None or formatting is not None):
        flake8 = _number(found.flake8, "max-line-length")
        explicit = _number(isort, "line_length") or flake8
        explicit = explicit or _number(found.editor, "max_line_length")
        if not usual and found.flake8 is not None:
            usual = _FLAKE8_LENGTH
    return Style(
        line_length=explicit,
        usual_line_length=usual,
        parenthesised_with=_has_parenthesised_with(found, is_ruffs),
        keeps_trailing_commas=not _flag(
            formatting if is_ruffs else black, "skip-magic-trailing-comma", default=False
        ),
        quotes=_quotes(found, formatting),
        imports=_imports(found, isort),
    )


def _has_parenthesised_with(found: _Found, is_ruffs: bool) -> bool:
    if is_ruffs:
        # Without a configured version, ruff formats for one that supports them.
        target = (found.ruff or {}).get("target-version") or found.python
        return not target or _oldest(target) >= _WITH_PARENTHESES
    target = (found.black or {}).get("target-version") or found.python
    return bool(target) and _oldest(target) >= _WITH_PARENTHESES


def _oldest(target: object) -> tuple[int, int]:
    """The oldest Python that `py39`, `["py39", "py310"]` or `>=3.9,<4` allows."""
    if isinstance(target, list):
        return min(map(_oldest, target), default=(0, 0))
    text = str(target)
    if found := re.fullmatch(r"py(\d)(\d+)", text):
        return int(found[1]), int(found[2])
    bounds = re.findall(r"(?:>=|~=|==|>|\^)\s*(\d+)(?:\.(\d+))?", text)
    return max(((int(major), int(minor or 0)) for major, minor in bounds), default=(0, 0))


def _quotes(found: _Found, formatting: dict[str, Any] | None) -> str:
    lint = _table(found.ruff, "lint")
    said = (formatting or {}).get("quote-style")
    if said is None and formatting is None:
        wanted = _table(lint, "flake8-quotes") or _table(found.ruff, "flake8-quotes")
        said = (wanted or {}).get("inline-quotes") or (found.flake8 or {}).get("inline-quotes")
    return {"single": "'", "'": "'", "double": '"', '"': '"'}.get(str(said), "")


def _table(table: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    found = table.get(name) if table is not None else None
    return found if isinstance(found, dict) else None


def _number(table: Mapping[str, Any] | None, name: str) -> int:
    """A positive integer, also as text and with `_` in the key; otherwise 0."""
    if table is None:
        return 0
    value = table.get(name, table.get(name.replace("-", "_"), 0))
    try:
        number = int(str(value).split("#")[0])
    except ValueError:
        return 0
    return number if 0 < number < 10_000 else 0


def _flag(table: Mapping[str, Any] | None, name: str, *, default: bool) -> bool:
    value = (table or {}).get(name, default)
    if isinstance(value, str):
        return value.strip().lower() in {"true", "1", "yes", "on", "t", "y"}
    return bool(value)


def _list(value: object) -> tuple[str, ...]:
    """A list of strings, also as text separated by commas or line ends."""
    if isinstance(value, str):
        value = re.split(r"[,\n]", re.sub(r"#.*", "", value))
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(each.strip() for each in value if isinstance(each, str) and each.strip())


# --- imports ------------------------------------------------------------------------


def _isort_table(table: dict[str, Any] | None) -> dict[str, Any] | None:
    """isort's settings merged with those of the profile."""
    if table is None:
        return None
    own = {key.replace("-", "_").lower(): value for key, value in table.items()}
    return {**_PROFILES.get(str(own.get("profile", "")), {}), **own}


def _imports(found: _Found, isort: dict[str, Any] | None) -> ImportStyle:
    lint = _table(found.ruff, "lint") or {}
    chosen = [code for key in ("select", "extend-select") for table in (lint, found.ruff or {})
              for code in _list(table.get(key))]  # fmt: skip
    sorts = any(code == "ALL" or code.startswith("I0") or code == "I" for code in chosen)
    if found.ruff is not None and (isort is None or sorts):
        table = _table(lint, "isort") or _table(found.ruff, "isort") or {}
        return _ruff_imports(found, table, sorts=sorts)
    if isort is not None:
        return _isort_imports(found, isort)
    folder = found.folders.get("", "")
    return ImportStyle(own=_own(folder, (".", "src")))


def _ruff_imports(found: _Found, table: dict[str, Any], *, sorts: bool) -> ImportStyle:
    ruff = found.ruff or {}
    custom = {name: _list(value) for name, value in (_table(table, "sections") or {}).items()}
    known = {
        "first-party": _list(table.get("known-first-party")),
        "third-party": _list(table.get("known-third-party")),
        "local-folder": _list(table.get("known-local-folder")),
        "standard-library": _list(table.get("extra-standard-library")),
        **custom,
    }
    sections = ImportStyle().sections
    sections = _list(table.get("section-order")) or (*sections, *custom)
    if _flag(table, "no-sections", default=False):
        sections = ("future",)
    return ImportStyle(
        line_length=_number(ruff, "line-length") or (_RUFF_LENGTH if sorts else 0),
        keeps_rows=_flag(table, "split-on-trailing-comma", default=True),
        one_a_statement=_flag(table, "force-single-line", default=False),
        one_a_statement_except=_list(table.get("single-line-exclusions")),
        mixed=_flag(table, "force-sort-within-sections", default=False),
        from_first=_flag(table, "from-first", default=False),
        by_type=_flag(table, "order-by-type", default=True),
        case_sensitive=_flag(table, "case-sensitive", default=False),
        aliases_together=_flag(table, "combine-as-imports", default=False),
        first=_list(table.get("force-to-top")),
        sections=sections,
        known=tuple((name, patterns) for name, patterns in known.items() if patterns),
        own=_own(found.folders["ruff"], _list(ruff.get("src")) or (".", "src")),
        default_section=str(table.get("default-section", "third-party")),
        lines_after=_lines(table.get("lines-after-imports")),
        lines_between_types=_number(table, "lines-between-types"),
        parts_comments=True,
    )


def _isort_imports(found: _Found, table: dict[str, Any]) -> ImportStyle:
    layout = table.get("multi_line_output", 0)
    name = str(layout).strip().lower()
    number = int(name) if name.isdigit() else None
    if number is None:
        number = _LAYOUT_NAMES.index(name) if name in _LAYOUT_NAMES else 0
    sections = tuple(map(_section_name, _list(table.get("sections")))) or ImportStyle().sections
    known = tuple(
        (_section_name(key.removeprefix("known_").replace("_", "")), _list(value))
        for key, value in table.items()
        if key.startswith("known_") and _list(value)
    )
    if _flag(table, "no_sections", default=False):
        sections = ("future",)
    return ImportStyle(
        line_length=_number(table, "line_length") or _ISORT_LENGTH,
        layout=_LAYOUTS.get(number, "vertical"),
        trailing_comma=_flag(table, "include_trailing_comma", default=False),
        keeps_rows=_flag(table, "split_on_trailing_comma", default=False),
        wrapped_from=_number(table, "force_grid_wrap"),
        one_a_statement=_flag(table, "force_single_line", default=False),
        one_a_statement_except=_list(table.get("single_line_exclusions")),
        mixed=_flag(table, "force_sort_within_sections", default=False),
        from_first=_flag(table, "from_first", default=False),
        by_type=_flag(table, "order_by_type", default=True),
        case_sensitive=_flag(table, "case_sensitive", default=False),
        aliases_together=_flag(table, "combine_as_imports", default=False),
        first=_list(table.get("force_to_top")),
        sections=sections,
        known=known,
        own=_own(found.folders["isort"], _list(table.get("src_paths")) or (".", "src")),
        default_section=_section_name(str(table.get("default_section", "THIRDPARTY"))),
        lines_after=_lines(table.get("lines_after_imports")),
        lines_between_types=_number(table, "lines_between_types"),
        parts_comments=_flag(table, "ensure_newline_before_comments", default=False),
    )


def _section_name(name: str) -> str:
    """ruff's name for a section of isort."""
    plain = name.replace("_", "").replace("-", "").lower()
    return {**_SECTIONS, "standardlibrary": "standard-library"}.get(plain, plain)


def _lines(value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        return -1
    return number if 0 <= number < 10 else -1


def _own(root: str, folders: Sequence[str]) -> tuple[str, ...]:
    """The packages and modules in the source folders of a project."""
    names = {name for folder in folders for name in _modules(os.path.join(root, folder))}
    return tuple(sorted(names))


def _modules(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    yield entry.name.removesuffix(".py")
                elif entry.name.isidentifier() and entry.is_dir():
                    yield entry.name
    except (OSError, ValueError):
        return


def deleting_ruff() -> str:
    """The ruff configuration, nearest to the current folder, that turns RUF100 or RUF102 on and
    does not list ATF as external; empty if there is none. ruff then treats `# noqa: ATF101` as
    unused or unknown, and `ruff check --fix` removes it."""
    from pathlib import Path

    for folder in (Path.cwd(), *Path.cwd().parents):
        for name in (".ruff.toml", "ruff.toml", "pyproject.toml"):
            path = str(folder / name)
            content = _read(path)
            if not content:
                continue
            try:
                table = section(path, content, "ruff")
            except ValueError:
                continue  # for ruff to report
            if isinstance(table, dict):
                return path if _would_delete(table) else ""
    return ""


def _would_delete(table: dict[str, Any]) -> bool:
    # The keys are under `lint`, and in older configurations at the top level.
    lint = table.get("lint", {})
    tables = [table, lint] if isinstance(lint, dict) else [table]
    external = _ruff_codes(tables, "external")
    if "ATF".startswith(external) or any(each.startswith("ATF") for each in external):
        return False
    on = _ruff_codes(tables, "select", "extend-select")
    off = _ruff_codes(tables, "ignore", "extend-ignore")
    return any(
        ("ALL" in on or rule.startswith(on)) and not rule.startswith(off)
        for rule in ("RUF100", "RUF102")
    )


def _ruff_codes(tables: list[dict[str, Any]], *keys: str) -> tuple[str, ...]:
    values = [each.get(key) for each in tables for key in keys]
    return tuple(
        code
        for value in values
        if isinstance(value, list)
        for code in value
        if isinstance(code, str) and code
    )
