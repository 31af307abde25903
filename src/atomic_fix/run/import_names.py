"""Finds out under which names the modules of a tree import a file: a program that imports it under
a shorter name than the folders suggest has another folder on its path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from atomic_fix.run.module_files import find_module
from atomic_fix.run.project import modules_below

_MOST_READ = 2000
_IMPORT = re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+([A-Za-z_][\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)"
    r"|import[ \t]+([^\n#]*))"
)


class ImportNames:
    """The names in the imports of trees. Caches what it has read, for one run."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, list[str]]] = {}

    def shorter(self, path: str, root: str, top: str) -> tuple[str, str]:
        """A module of a tree that imports a file under a shorter name than it has in a source root,
        and that name; empty if there is none."""
        if top not in self._of:
            self._of[top] = _importers(top)
        parts = os.path.relpath(os.path.splitext(path)[0], root).split(os.sep)
        for number in range(1, len(parts)):
            name = parts[number:]
            if name[0] in sys.stdlib_module_names or name[-1] == "__init__":
                continue
            base = os.path.join(root, *parts[:number])
            for importer in self._of[top].get(".".join(name), ()):
                folder = os.path.dirname(importer)
                is_beside = len(name) > 1 or folder == base
                others = (find_module(each, name) for each in dict.fromkeys((folder, root, top)))
                if importer != path and is_beside and not any(x not in {"", path} for x in others):
                    return importer, ".".join(name)
        return "", ""


def _importers(top: str) -> dict[str, list[str]]:
    """By absolute dotted name, the modules of a tree that import it, or may do so."""
    found: dict[str, list[str]] = {}
    for number, (path, text) in enumerate(modules_below(top)):
        if number >= _MOST_READ:
            break
        for name in dict.fromkeys(_names(text)):
            found.setdefault(name, []).append(path)
    return found


def _names(text: str) -> Iterator[str]:
    for module, imported, modules in _IMPORT.findall(text):
        if module:
            yield module
            for each in re.findall(r"(\w+)(?:[ \t]+as[ \t]+\w+)?", imported):
                yield f"{module}.{each}"
        for each in modules.split(","):
            if words := each.split():
                yield words[0]
