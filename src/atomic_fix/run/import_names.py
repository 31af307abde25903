"""Finds out under which names the modules of a tree import a file: a program that imports it under
a shorter name than the folders suggest has another folder on its path.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator

from atomic_fix.facts.nodes import dotted
from atomic_fix.run import dependencies
from atomic_fix.run.apart import handles_import_errors
from atomic_fix.run.module_files import find_module, is_below, names_in
from atomic_fix.run.project import modules_below, text_of
from atomic_fix.run.search_path import names_with_packages

_MOST_READ = 2000
_FEWEST = 10
"""The fewest modules of a tree in which the absence of an import says something."""
_RELATIVE = re.compile(
    r"(?m)^[ \t]*from[ \t]+(\.+)[ \t]*([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)"
)


class ImportNames:
    """The names in the imports of trees. Caches what it has read, for one run."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, list[str]]] = {}
        self._relative: dict[str, dict[str, list[str]]] = {}
        self._sizes: dict[str, int] = {}

    def shorter(self, path: str, root: str, top: str) -> tuple[str, str]:
        """A module of a tree that imports a file, or one that leads to it by relative imports,
        under a shorter name than it has in a source root, and that name; empty if there is none."""
        self._read(top)
        for file in self._leading_to(path, root, top):
            if found := self._directly(file, root, top):
                return found
        return "", ""

    def _read(self, top: str) -> None:
        if top in self._of:
            return
        # By dotted name, and by file.
        importers: dict[str, list[str]] = {}
        relative: dict[str, list[str]] = {}
        number = 0
        for path, text in modules_below(top):
            number += 1
            for name in names_with_packages(text):
                importers.setdefault(name, []).append(path)
            for file in _relatively_imported(path, text):
                relative.setdefault(file, []).append(path)
        self._of[top], self._relative[top], self._sizes[top] = importers, relative, number

    def _leading_to(self, path: str, root: str, top: str) -> Iterator[str]:
        """A file, and the modules that import it by relative imports, directly or not: it has the
        name of the package through which it is imported."""
        seen = {path}
        waiting = [path]
        while waiting and len(seen) < _MOST_READ:
            file = waiting.pop()
            yield file
            for each in self._relative[top].get(file, ()):
                if each not in seen and is_below(each, root):
                    seen.add(each)
                    waiting.append(each)

    def is_never_in_full(self, path: str, root: str, top: str) -> bool:
        """Whether no module of a tree imports a file, or one that leads to it by relative imports,
        under the name that it has in a source root. In a tree of a few modules that says nothing:
        others may use them."""
        self._read(top)
        if self._sizes[top] < _FEWEST:
            return False
        for file in self._leading_to(path, root, top):
            name = os.path.relpath(os.path.splitext(file)[0], root).replace(os.sep, ".")
            if any(each != file for each in self._of[top].get(name.removesuffix(".__init__"), ())):
                return False
        return True

    def longer(self, root: str, top: str) -> str:
        """A module of a tree that imports what is in a source root by way of the folder that this
        root is: `from gui.store import x` below `gui/`. Empty if there is none."""
        name = os.path.basename(root)
        if os.path.isdir(os.path.join(root, name)):
            return ""
        self._read(top)
        for each in sorted({x.removesuffix(".py") for x in names_in(root)} - {"__init__"}):
            importers = self._of[top].get(f"{name}.{each}", ())
            if importers and not find_module(root, [name]):
                return importers[0]
        return ""

    def _directly(self, path: str, root: str, top: str) -> tuple[str, str] | None:
        parts = os.path.relpath(os.path.splitext(path)[0], root).split(os.sep)
        inside: list[str] = []
        if parts[-1] == "__init__":
            parts.pop()
            inside = [each.removesuffix(".py") for each in names_in(os.path.dirname(path))]
        for number in range(1, len(parts)):
            name = parts[number:]
            if name[0] in sys.stdlib_module_names:
                continue
            base = os.path.join(root, *parts[:number])
            for importer in self._of[top].get(".".join(name), ()):
                folder = os.path.dirname(importer)
                # A bare name may be of anything, unless it is that of a package with its modules.
                is_beside = len(name) > 1 or folder == base
                is_beside = is_beside or any(
                    importer in self._of[top].get(f"{name[0]}.{each}", ()) for each in inside
                )
                others = (find_module(each, name) for each in dict.fromkeys((folder, root, top)))
                if (
                    importer != path
                    and is_beside
                    and not any(x not in {"", path} for x in others)
                    # It may never succeed.
                    and name[0] not in optional_imports(text_of(importer) or "")
                ):
                    return importer, ".".join(name)
        return None


def _relatively_imported(path: str, text: str) -> Iterator[str]:
    """The files that a module imports by relative imports."""
    for dots, module, imported in _RELATIVE.findall(text):
        folder = os.path.dirname(path)
        for _ in dots[1:]:
            folder = os.path.dirname(folder)
        start = module.split(".") if module else []
        names = [[*start, each] for each in re.findall(r"\w+", imported)]
        for each in (*names, *([start] if start else ())):
            if file := find_module(folder, each):
                yield file


def optional_imports(text: str) -> frozenset[str]:
    """The top-level names of the modules without which a source goes on: it handles the error of
    each import of them, and does not end there."""
    tree = dependencies.parsed(text) if "except" in text else None
    optional: set[str] = set()
    needed: set[str] = set()
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)] if tree is not None else []
    while waiting:
        node, is_handled = waiting.pop()
        if isinstance(node, ast.Import):
            tops = {alias.name.partition(".")[0] for alias in node.names}
            (optional if is_handled else needed).update(tops)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                (optional if is_handled else needed).add(node.module.partition(".")[0])
        elif isinstance(node, ast.Try) and handles_import_errors(node) and _goes_on(node):
            waiting += [(each, True) for each in node.body]
            rest = (*node.handlers, *node.orelse, *node.finalbody)
            waiting += [(each, is_handled) for each in rest]
        else:
            waiting += [(each, is_handled) for each in ast.iter_child_nodes(node)]
    return frozenset(optional - needed)


def _goes_on(statement: ast.Try) -> bool:
    """Whether no handler of a statement raises an error or ends the program."""
    ends = {"exit", "quit", "_exit", "abort", "SystemExit"}
    return not any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in ends)
        for handler in statement.handlers
        for node in ast.walk(handler)
    )
