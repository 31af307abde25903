"""Determines the names by which files without sites of their own may provide evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping

from atomic_fix.project.flows import Flows
from atomic_fix.project.identity import is_distinctive
from atomic_fix.project.modules import Modules
from atomic_fix.project.plausible import loads_something
from atomic_fix.project.summary import FileSummary, SiteKind
from atomic_fix.source import is_test_file

_MOST_HOMES = 12
"""The maximum number of modules that define a name; a name that more define is not distinctive."""


def wanted(files: Mapping[str, FileSummary], flows: Flows) -> dict[str, frozenset[str]]:
    """Names by which a file may provide evidence, each with the modules and classes that define it:
    see `ProjectIndex.wanted`."""
    found: dict[str, set[str]] = {}
    for path, name, home in sorted(_names(files, flows)):
        homes = found.setdefault(name, set())
        homes.update((home, _stem(path)) if home else (_stem(path),))
    for name in sorted(_file_names(files, flows)):
        found.setdefault(token_of(name), set()).add(f'"{name}')
    for file in files.values():
        # Packages that re-export a name.
        for each in file.imports:
            last = each.target.rpartition(".")[2]
            if each.name in found and last in found:
                found[each.name].add(_stem(file.path))
    return {
        name: frozenset(homes)
        for name, homes in sorted(found.items())
        if name and len(homes) <= _MOST_HOMES
    }


def _names(files: Mapping[str, FileSummary], flows: Flows) -> set[tuple[str, str, str]]:
    """The names that other files may have to use, the files that define them, and their classes."""
    found = set()
    for path, own in flows.at_sites:
        if is_test_file(path):
            continue
        kind, _, named = own.partition(" ")
        if kind == "attribute":
            owner, _, name = named.partition(".")
            found.add((path, name, owner))
        elif kind == "parameter":
            name, row, _ = named.split(":")
            function = flows.functions.get((path, name, int(row)))
            if function is not None:
                owner, _, name = function.name.rpartition(".")
                found.add((path, owner if name == "__init__" else name, owner))
    for file in files.values():
        for site in file.sites:
            # Its callers show how a default is treated.
            function = flows.functions.get((file.path, site.function, site.row))
            if site.handled and function is not None and not is_test_file(file.path):
                owner, _, name = function.name.rpartition(".")
                found.add((file.path, name, owner))
    return found


def _file_names(files: Mapping[str, FileSummary], flows: Flows) -> set[str]:
    """The names of written files, by which other files may read them."""
    found: set[str] = set()
    for file in files.values():
        if is_test_file(file.path):
            continue
        for site in file.sites:
            if site.kind is SiteKind.LOAD or site.staged:
                continue
            found.update(site.path.names)
            for own in site.path.own:
                for flow in flows.into((file.path, own)):
                    if not flow.tested:
                        found.update(flow.path.names)
    return {name for name in found if is_distinctive(name) and " " not in name and token_of(name)}


def token_of(name: str) -> str:
    """The longest word of a file name; it occurs in each file that mentions that name."""
    stem = name.rpartition(".")[0] or name
    return max(re.findall(r"\w+", stem), key=len, default="")


def unseen(files: Mapping[str, FileSummary], modules: Modules, flows: Flows) -> frozenset[str]:
    """The files without a summary that define a name on which a path depends, or a loader whose
    errors a caller handles: it may turn them into others."""
    heads: dict[str, set[str]] = {}
    for (path, _), values in flows.at_sites.items():
        for value in values:
            for _, dotted in value.refs:
                heads.setdefault(path, set()).add(dotted.removesuffix("()").partition(".")[0])
    for file in files.values():
        for call in file.calls:
            head, _, rest = call.callee.partition(".")
            if call.tried and loads_something(rest.rpartition(".")[2] or head):
                heads.setdefault(file.path, set()).add(head)
    found = set()
    for path, names in heads.items():
        if is_test_file(path):
            continue
        file = files[path]
        for owner in file.classes:
            if owner.name in names:
                names |= {base.partition(".")[0] for base in owner.bases}
        imported = {each.target for each in file.imports if each.name in names}
        known = {each.name for each in file.imports}
        if not names <= known:
            # A star import may provide any of them.
            imported.update(each.target for each in file.imports if each.name == "*")
        for target in imported:
            for module in (target, target.rpartition(".")[0]):
                other = modules.module(path, module) if module else None
                if other is not None and files[other] == FileSummary(other):
                    found.add(other)
    return frozenset(found)


def _stem(path: str) -> str:
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0]
    return folders[-1] if stem == "__init__" and folders else stem
