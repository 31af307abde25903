"""Finds the project's own function that writes JSON atomically, by what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from atomic_fix.project.flows import Flows
from atomic_fix.project.summary import FileSummary
from atomic_fix.source import is_test_file

_SOURCE_FOLDERS = frozenset({"lib", "python", "src"})


@dataclass(frozen=True, slots=True)
class OwnHelper:
    path: str
    """Of the file that defines it."""
    setting: str
    """In the form of the setting `helper`: `app.files:write_json(obj, path)`."""


def own_helper(files: Mapping[str, FileSummary], flows: Flows) -> OwnHelper | None:
    """The function with the most calls; None if there is no such function, or several with equally
    many calls."""
    found: list[tuple[int, OwnHelper]] = []
    for file in files.values():
        module = module_name(file.path, files)
        if not module or is_test_file(file.path):
            continue
        for function in file.functions:
            if function.keeps:
                calls = len(flows.callers.get((file.path, function.name, function.row), ()))
                setting = f"{module}:{function.name}({function.keeps})"
                found.append((calls, OwnHelper(file.path, setting)))
    found.sort(key=lambda each: (-each[0], each[1].path, each[1].setting))
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def module_name(path: str, files: Mapping[str, FileSummary]) -> str:
    """The dotted name by which the project imports a file; empty if it has none."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0]
    start = len(folders)
    while start and f"{'/'.join(folders[:start])}/__init__.py" in files:
        start -= 1
    if start == len(folders):
        # No packages: a source folder, and everything below it by name.
        start = max((i + 1 for i, each in enumerate(folders) if each in _SOURCE_FOLDERS), default=0)
    parts = [*folders[start:], *([] if stem == "__init__" else [stem])]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""
