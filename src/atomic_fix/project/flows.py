"""The values that reach a name of one file from others: a parameter from calls, an attribute from
subclasses and base classes, an imported name from its definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from atomic_fix.facts.outside import Place
from atomic_fix.facts.paths.value import Location
from atomic_fix.project.modules import Found, Modules
from atomic_fix.project.summary import (
    ArgumentSummary,
    CallSummary,
    ClassSummary,
    FileSummary,
    FunctionSummary,
    NameSummary,
    PathSummary,
)

_DEPTH = 4
"""The most successive calls through which a path is followed."""
_MOST = 40
"""The most values that are examined for one name."""

Name = tuple[str, str]
"""A name of a file: the path, and `outside.key` of the name."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One value that another name, or an expression, gives to a name."""

    path: PathSummary
    file: str
    """Where the value is; it consists of names of that file."""
    at: Location
    said: tuple[str, ...] = ()
    call: CallSummary | None = None
    argument: ArgumentSummary | None = None
    depth: int = 0
    tested: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A function that a call in the same or another file runs."""

    file: FileSummary
    function: FunctionSummary

    def given(self, call: CallSummary) -> Iterator[tuple[str, ArgumentSummary]]:
        """The parameters to which a call passes a path."""
        for each in call.arguments:
            name = each.name
            if each.position is not None and not name:
                if each.position >= len(self.function.parameters):
                    continue
                name = self.function.parameters[each.position]
            if name in self.function.parameters:
                yield name, each

    def key(self, parameter: str) -> Name:
        last = self.function.name.rpartition(".")[2]
        return self.file.path, f"parameter {last}:{self.function.row}:{parameter}"


class Flows:
    """Answers for one project."""

    def __init__(self, files: Mapping[str, FileSummary], modules: Modules) -> None:
        self._files = files
        self._modules = modules
        self._into: dict[Name, dict[object, Flow]] = {}
        self._reached: dict[Name, list[Flow]] = {}
        # The values that are passed on, by their destination.
        self._handed: dict[Name, list[tuple[str, PathSummary]]] = {}
        self.targets: dict[tuple[str, Place], Target] = {}
        """The functions of the project that calls run."""
        self.callers: dict[tuple[str, str, int], list[tuple[str, CallSummary]]] = {}
        """The calls of a function, by its file, plain name and row."""
        self.functions = {
            (file.path, each.name.rpartition(".")[2], each.row): each
            for file in files.values()
            for each in file.functions
        }
        for file in files.values():
            for call in file.calls:
                self._call(file, call)
            for path in _paths_in(file):
                for name, dotted in path.refs:
                    self._reference(file, name, dotted)
            for owner in file.classes:
                self._class(file, owner)

    def _add(self, name: Name, flow: Flow) -> None:
        known = (flow.at, flow.path.expr, flow.path.keys)
        self._into.setdefault(name, {}).setdefault(known, flow)

    # --- calls ----------------------------------------------------------------------

    def target(self, file: FileSummary, callee: str) -> Target | None:
        """The function that is called by a dotted name."""
        found = self._modules.resolve(file.path, callee)
        if found is not None and isinstance(found.what, ClassSummary) and not found.attribute:
            found = self._modules.member(found, "__init__")
        if found is None or not isinstance(found.what, FunctionSummary):
            return None
        return Target(found.file, found.what)

    def _call(self, file: FileSummary, call: CallSummary) -> None:
        target = self.target(file, call.callee)
        if target is None:
            return
        self.targets[file.path, call.place] = target
        last = target.function.name.rpartition(".")[2]
        callers = self.callers.setdefault((target.file.path, last, target.function.row), [])
        callers.append((file.path, call))
        for parameter, argument in target.given(call):
            handed = self._handed.setdefault(target.key(parameter), [])
            handed.append((file.path, argument.path))
        if target.file.path == file.path:
            return
        at = Location(file.path, call.place.row, call.function)
        for parameter, argument in target.given(call):
            flow = Flow(argument.path, file.path, at, call.said, call, argument, tested=call.tested)
            self._add(target.key(parameter), flow)

    # --- names ----------------------------------------------------------------------

    def _reference(self, file: FileSummary, name: str, dotted: str) -> None:
        found = self.defined(file.path, dotted)
        if found is None or found.file.path == file.path:
            return
        value, row = value_of(found)
        if isinstance(found.what, FunctionSummary) and found.what.parameters:
            # A path that it builds from arguments of others is another file.
            value = replace(value, own=())
        if value.is_known:
            self._add((file.path, name), Flow(value, found.file.path, _at(found, row)))

    def defined(self, path: str, dotted: str) -> Found | None:
        return self._modules.resolve(path, dotted.removesuffix("()"))

    def imported(self, path: str, dotted: str) -> str:
        """A dotted name with its first part replaced by what is imported under it."""
        head, dot, rest = dotted.partition(".")
        call = "()" if not rest and head.endswith("()") else ""
        target = self._modules.target(path, head.removesuffix("()"))
        return f"{target}{call}{dot}{rest}"

    def _class(self, file: FileSummary, owner: ClassSummary) -> None:
        """Attributes that a class provides to base classes in other files."""
        for above in self._modules.lineage(Found(file, owner)):
            if above.file.path == file.path or not isinstance(above.what, ClassSummary):
                continue
            for name, path, row in owner.attributes:
                at = Location(file.path, row, owner.name)
                key = f"attribute {above.what.name}.{name}"
                self._add((above.file.path, key), Flow(path, file.path, at, (owner.name,)))

    # --- answers --------------------------------------------------------------------

    def into(self, name: Name) -> list[Flow]:
        """The values that reach a name, directly or through others, the nearest first."""
        if name not in self._reached:
            self._reached[name] = self._find(name)
        return self._reached[name]

    def _find(self, name: Name) -> list[Flow]:
        found: list[Flow] = []
        seen = {name}
        nearest = [(name, 0)]
        while nearest and len(found) < _MOST:
            current, depth = nearest.pop(0)
            every = self._into.get(current, {}).values()
            flows = sorted(every, key=lambda flow: (flow.at, flow.path.keys))
            for flow in flows:
                found.append(replace(flow, depth=depth))
                if depth + 1 >= _DEPTH:
                    continue
                for own in (*flow.path.own, *(ref for ref, _ in flow.path.refs)):
                    further = (flow.file, own)
                    if further not in seen:
                        seen.add(further)
                        nearest.append((further, depth + 1))
        return found[:_MOST]

    @cached_property
    def at_sites(self) -> Mapping[Name, Sequence[PathSummary]]:
        """The names whose value reaches a site, in any file, and the paths that contain them."""
        found: dict[Name, list[PathSummary]] = {}
        waiting = [
            (file.path, path)
            for file in self._files.values()
            for site in file.sites
            for path in (site.path, site.source)
        ]
        while waiting:
            file, path = waiting.pop()
            for name in (*path.own, *(name for name, _ in path.refs)):
                known = found.setdefault((file, name), [])
                if not known:
                    waiting += self._handed.get((file, name), ())
                known.append(path)
        return found


def value_of(found: Found) -> tuple[PathSummary, int]:
    """The path that a name is bound to, or that a function returns, and its row."""
    match found.what:
        case NameSummary(path=path, row=row) if not found.attribute:
            return path, row
        case FunctionSummary(returns=path, row=row):
            return path, row
        case ClassSummary(attributes=attributes):
            for name, path, row in attributes:
                if name == found.attribute:
                    return path, row
    return PathSummary(), 0


def _at(found: Found, row: int) -> Location:
    what = found.what
    name = what.name if what is not None else ""
    if found.attribute:
        name = f"{name}.{found.attribute}"
    return Location(found.file.path, row, name)


def _paths_in(file: FileSummary) -> Iterator[PathSummary]:
    for site in file.sites:
        yield site.path
        yield site.source
    yield from file.other_paths()
