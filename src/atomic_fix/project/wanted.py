"""What a file must hold to matter to other files when it holds nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from atomic_fix.project.flows import Flows
from atomic_fix.project.modules import Modules
from atomic_fix.project.summary import FileSummary, FunctionSummary, PathSummary, SiteKind
from atomic_fix.source import is_test_file

_MOST_HOMES = 12
"""Modules of one name: what more of them define is no name that tells anything."""


def wanted(files: Mapping[str, FileSummary], flows: Flows) -> dict[str, frozenset[str]]:
    """Names by which a file may matter to others, each with those of the modules and classes that
    define it: see `ProjectIndex.wanted`."""
    found: dict[str, set[str]] = {}
    for file in files.values():
        if is_test_file(file.path):
            continue
        for name, home in _names(file, flows):
            homes = found.setdefault(name, set())
            homes.update((home, _stem(file.path)) if home else (_stem(file.path),))
    for file in files.values():
        # Packages that pass a name on.
        for each in file.imports:
            last = each.target.rpartition(".")[2]
            if each.name in found and last in found:
                found[each.name].add(_stem(file.path))
    return {
        name: frozenset(homes)
        for name, homes in sorted(found.items())
        if name and len(homes) <= _MOST_HOMES
    }


def _names(file: FileSummary, flows: Flows) -> Iterator[tuple[str, str]]:
    """The names of one file that others may have to use, and the class that each is in."""
    methods = {(each.name.rpartition(".")[2], each.row): each for each in file.functions}
    for site in file.sites:
        yield from _holders(site.path, methods)
        if site.kind is SiteKind.LOAD and (site.function, site.row) in methods:
            owner, _, name = methods[site.function, site.row].name.rpartition(".")
            yield name, owner
    for call in file.calls:
        # Wrappers of what does something.
        if (file.path, call) in flows.targets:
            for argument in call.arguments:
                yield from _holders(argument.path, methods)


def _holders(
    path: PathSummary, methods: Mapping[tuple[str, int], FunctionSummary]
) -> Iterator[tuple[str, str]]:
    """What other files have to name to give a path something."""
    for own in path.own:
        if own.startswith("attribute "):
            owner, _, name = own.removeprefix("attribute ").partition(".")
            yield name, owner
            continue
        name, row, _ = own.removeprefix("parameter ").split(":")
        function = methods.get((name, int(row)))
        if function is None:
            continue
        owner, _, name = function.name.rpartition(".")
        if name == "__init__":
            yield owner, owner
        else:
            yield name, owner


def unseen(files: Mapping[str, FileSummary], modules: Modules) -> frozenset[str]:
    """The files of which nothing is known yet, and in which a name is defined that a path or a
    class hangs on."""
    found = set()
    for file in files.values():
        if is_test_file(file.path):
            continue
        heads = {
            dotted.removesuffix("()").partition(".")[0]
            for path in (*(site.path for site in file.sites), *_arguments(file))
            for _, dotted in path.refs
        }
        heads.update(base.partition(".")[0] for each in file.classes for base in each.bases)
        targets = {each.target for each in file.imports if each.name in heads}
        # What is imported all at once may be any of them.
        targets.update(each.target for each in file.imports if each.name == "*")
        for target in targets:
            for module in (target, target.rpartition(".")[0]):
                path = modules.module(file.path, module) if module else None
                if path is not None and files[path] == FileSummary(path):
                    found.add(path)
    return frozenset(found)


def _arguments(file: FileSummary) -> Iterator[PathSummary]:
    return (argument.path for call in file.calls for argument in call.arguments)


def _stem(path: str) -> str:
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0]
    return folders[-1] if stem == "__init__" and folders else stem
