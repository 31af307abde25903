"""Finds the programs of a tree that run a file without a package of the same tree: what the package
needs when it is imported need not be there for them.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence

from atomic_fix.run import dependencies
from atomic_fix.run.module_files import names_in, run_imports
from atomic_fix.run.project import Project, neighbours, text_of
from atomic_fix.run.search_path import added

_IS_PROGRAM = re.compile(r"""(?m)\A#!.*python|^if[ (]+__name__ *== *["']__main__["']""")
_NO_PROGRAM = re.compile(r"^(?:setup|conftest|noxfile|fabfile|tasks|test_\w+|\w+_tests?)\.py$")
_NO_FOLDER = re.compile(r"(?i)^(?:\..*|tests?|docs?|examples?|venv|env|build|dist|node_modules)$")
_MOST_READ = 1000
_MOST_PROGRAMS = 50
_DEPTH = 3


class Programs:
    """The programs of trees and what they import. Caches what it has read, for one run."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, frozenset[str]]] = {}
        self._from: dict[str, frozenset[str]] = {}
        self._imports: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def without(self, path: str, package: str, project: Project) -> tuple[str, bool]:
        """A program that imports a file, and not the package of a folder; empty if there is none.
        And whether any program is known to import the file."""
        start = os.path.join(package, "__init__.py")
        runs = {each: all_ for each, all_ in self._in(project).items() if path in all_}
        return next((each for each, all_ in runs.items() if start not in all_), ""), bool(runs)

    def importing(self, path: str, project: Project) -> list[str]:
        """The other programs that import a file, directly or not."""
        return [each for each, all_ in self._in(project).items() if each != path and path in all_]

    def reaches(self, start: str, path: str, project: Project) -> bool:
        """Whether a module is a file, or imports it, directly or not."""
        if start not in self._from:
            self._from[start] = self._reached(start, project)
        return path in self._from[start]

    def _in(self, project: Project) -> dict[str, frozenset[str]]:
        if project.root not in self._of:
            self._of[project.root] = self._found(project)
        return self._of[project.root]

    def _found(self, project: Project) -> dict[str, frozenset[str]]:
        started = list(_programs(project.root))
        found = {each: self._reached(each, project) for each in started[:_MOST_PROGRAMS]}
        at_top = [
            each
            for each in neighbours(project.root)
            if each not in found and not _NO_PROGRAM.search(os.path.basename(each))
        ]
        others = {each: self._reached(each, project) for each in at_top[:_MOST_PROGRAMS]}
        for each, all_ in others.items():
            if not any(
                each in other and name != each for name, other in {**found, **others}.items()
            ):
                found[each] = all_
        return found

    def _reached(self, program: str, project: Project) -> frozenset[str]:
        """A program and all modules of the tree that it imports, directly or not."""
        folders = added(program, text_of(program) or "", project.root)
        roots = dict.fromkeys(
            (os.path.dirname(program), project.root, *(each for _, each in project.roots), *folders)
        )
        found = {program}
        waiting = [program]
        while waiting and len(found) < _MOST_READ:
            for each in self._imported(waiting.pop(), tuple(roots)):
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)

    def _imported(self, path: str, roots: tuple[str, ...]) -> tuple[str, ...]:
        if (path, roots) not in self._imports:
            self._imports[path, roots] = tuple(_imported(path, roots))
        return self._imports[path, roots]


def _imported(path: str, roots: Sequence[str]) -> Iterator[str]:
    tree = dependencies.parsed(text_of(path) or "") if path.endswith(".py") else None
    nodes = [
        each
        for each in (ast.walk(tree) if tree is not None else ())
        if isinstance(each, (ast.Import, ast.ImportFrom))
    ]
    for root in roots:
        yield from run_imports(nodes, path, root)


def _programs(root: str) -> Iterator[str]:
    """The modules that are started as programs: at the top, and in folders that are no packages."""
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        names = names_in(folder)
        if folder == root or "__init__.py" not in names:
            for path, text in neighbours(folder).items():
                if _IS_PROGRAM.search(text) and not _NO_PROGRAM.search(os.path.basename(path)):
                    yield path
        if depth < _DEPTH:
            waiting += [
                (inside, depth + 1)
                for each in names
                if not _NO_FOLDER.search(each)
                and "." not in each
                and os.path.isdir(inside := os.path.join(folder, each))
            ]


def needs_others(package: str, root: str) -> bool:
    """Whether importing a package imports modules other than those of the standard library."""
    while len(package) > len(root):
        text = text_of(os.path.join(package, "__init__.py")) or ""
        tree = dependencies.parsed(text)
        if tree is None:
            return True
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                tops = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                tops = ["."] if node.level else [(node.module or "").partition(".")[0]]
            else:
                continue
            if not sys.stdlib_module_names.issuperset(tops):
                return True
        package = os.path.dirname(package)
    return False
