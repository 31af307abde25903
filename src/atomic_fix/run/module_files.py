"""Finds the files that the imports of a module refer to, without running any of them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES

_LISTS_MODULES = re.compile(r"\b(?:iter_modules|walk_packages)\(\s*(?:path\s*=\s*)?__path__")
_LISTS = re.compile(r"\b(?:glob|iterdir|iter_modules|listdir|rglob|scandir|walk_packages)\(")
_IMPORTS_BY_NAME = re.compile(
    r"\b(?:__import__|exec_module|import_module|load_module|spec_from_file_location)\("
)


def loads_all_beside(folder: str) -> str:
    """The `__init__.py` of a package that lists its folder and imports what it finds, as plug-ins,
    so that any new module there is imported, too; empty if it does not."""
    path = os.path.join(folder, "__init__.py")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return ""
    by_name = _LISTS.search(text) and _IMPORTS_BY_NAME.search(text)
    return path if by_name or _LISTS_MODULES.search(text) else ""


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or something in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def find_module(folder: str, parts: Sequence[str]) -> str:
    """The file of a module below a folder, as an import would find it; empty if it does not exist.
    A folder without an `__init__.py` may contain modules, but is not one."""
    *packages, last = parts
    for each in packages:
        if not os.path.isfile(os.path.join(folder, each, "__init__.py")) and os.path.isfile(
            os.path.join(folder, f"{each}.py")
        ):
            return ""  # that module is found, and contains no others
        folder = os.path.join(folder, each)
    path = os.path.join(folder, last)
    tries = [os.path.join(path, "__init__.py"), f"{path}.py"]
    tries += [path + suffix for suffix in EXTENSION_SUFFIXES]
    return next((each for each in tries if os.path.isfile(each)), "")


def run_imports(body: Iterable[ast.AST], file: str, root: str) -> Iterator[str]:
    """The files in a source root that statements import when they run."""
    for node in body:
        names: list[tuple[str, list[str]]] = []
        if isinstance(node, ast.Import):
            names = [(root, alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            folder = root
            for number in range(node.level):
                folder = os.path.dirname(file if not number else folder)
            start = node.module.split(".") if node.module else []
            names = [(folder, [*start, alias.name]) for alias in node.names]
            names += [(folder, start)] if start else []
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                yield from run_imports(node.orelse, file, root)
                continue
            for name in ("body", "orelse", "handlers", "finalbody"):
                yield from run_imports(getattr(node, name, ()), file, root)
        for folder, parts in names:
            for number, _ in enumerate(parts, 1):
                if found := find_module(folder, parts[:number]):
                    yield found


def names_in(folder: str) -> list[str]:
    """The names in a folder, sorted; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
