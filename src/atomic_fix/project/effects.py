"""Determines what the functions of a project do with paths that they get, directly or through
calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.outside import Argument, CallEffect, Effect
from atomic_fix.facts.paths.value import Location
from atomic_fix.project.flows import Flows, Target
from atomic_fix.project.plausible import loads_something
from atomic_fix.project.summary import (
    HERE,
    ArgumentSummary,
    CallSummary,
    FileSummary,
    SiteKind,
    SiteSummary,
)

_DEPTH = 4


@dataclass(frozen=True, slots=True)
class _Done:
    """What a function does with one of its parameters."""

    effect: Effect
    at: Location
    source: str = ""
    """For a publication: the parameter with the temp file."""
    how: Move | None = None
    synced: bool = False
    reported: bool = False
    turned: tuple[str, ...] = ()


class Effects:
    """Answers for one project."""

    def __init__(self, files: Mapping[str, FileSummary], flows: Flows) -> None:
        self._flows = flows
        # By file and name: the sites that use it, and the calls that pass it on.
        self._sites: dict[tuple[str, str], list[SiteSummary]] = {}
        self._calls: dict[tuple[str, str], list[tuple[CallSummary, ArgumentSummary]]] = {}
        self._loads_in: dict[tuple[str, str], list[SiteSummary]] = {}
        self._by_function: dict[tuple[str, str, int], list[CallSummary]] = {}
        self._writes_of: dict[tuple[str, str], list[SiteSummary]] = {}
        self._emptied: dict[tuple[str, str], list[SiteSummary]] = {}
        self._known: dict[tuple[str, str], list[_Done]] = {}
        for file in files.values():
            for site in file.emptied:
                for key in site.path.keys:
                    self._emptied.setdefault((file.path, key), []).append(site)
            for site in file.sites:
                if site.kind is SiteKind.LOAD:
                    key = f"parameter {site.function}:{site.row}:"
                    self._loads_in.setdefault((file.path, key), []).append(site)
                else:
                    for key in site.path.keys:
                        self._writes_of.setdefault((file.path, key), []).append(site)
                for name in site.path.own:
                    self._sites.setdefault((file.path, name), []).append(site)
            for call in file.calls:
                if (file.path, call.place) in flows.targets:
                    around = (file.path, call.function, call.row)
                    self._by_function.setdefault(around, []).append(call)
                for argument in call.arguments:
                    for name in argument.path.own:
                        self._calls.setdefault((file.path, name), []).append((call, argument))

    def of_call(self, file: str, call: CallSummary) -> Iterator[CallEffect]:
        """The effects of a call on its arguments."""
        target = self._flows.targets.get((file, call.place))
        if target is None or target.file.path == file:
            return
        yield from self._own_loads(call, target)
        given = {name: Argument(each.position, each.name) for name, each in target.given(call)}
        for name, argument in given.items():
            for done in self._of(target, name):
                source = given.get(done.source)
                if done.effect is Effect.PUBLISHES and source is None:
                    continue
                yield CallEffect(
                    call.place, done.effect, argument, done.at, (), source, done.how, done.synced,
                    done.reported, done.turned,
                )  # fmt: skip

    def _own_loads(self, call: CallSummary, target: Target) -> Iterator[CallEffect]:
        """The loads of files that the called function chooses itself."""
        if not loads_something(call.callee.rpartition(".")[2]):
            return
        around = (target.file.path, target.key("")[1])
        for site in self._loads_in.get(around, ()):
            if not site.handled and not any(_parameter(own) for own in site.path.own):
                effect = Effect.PARSES if site.parsed else Effect.READS
                at = Location(target.file.path, site.place.row, site.function)
                yield CallEffect(
                    call.place, effect, None, at, site.path.occurrences, turned=site.turned
                )

    def overwrites(self, file: str, call: CallSummary) -> bool:
        """Whether the caller of a loader afterwards writes the file that it passed, itself or
        through another function."""
        keys = {key for each in call.arguments for key in each.path.keys}
        if not keys or not call.function:
            return False
        around = (file, call.function, call.row)
        own = f"{HERE}:{call.function}:{call.row}:"
        if any(
            site.place > call.place
            if (site.function, site.row) == around[1:]
            # A function of the same file that gets the path: it is usually called later.
            else key.startswith(own)
            for key in keys
            for site in self._writes_of.get((file, key), ())
        ):
            return True
        for other in self._by_function.get(around, ()):
            if other.place <= call.place:
                continue
            target = self._flows.targets[file, other.place]
            for name, argument in target.given(other):
                if not keys.isdisjoint(argument.path.keys) and any(
                    done.effect in {Effect.WRITES, Effect.KEEPS, Effect.PUBLISHES}
                    for done in self._of(target, name)
                ):
                    return True
        return False

    def written_before(
        self, file: str, call: CallSummary, argument: ArgumentSummary
    ) -> Location | None:
        """The write in place, in the caller of a function, of the file that it then passes."""
        for key in argument.path.keys:
            for site in (
                *self._writes_of.get((file, key), ()),
                *self._emptied.get((file, key), ()),
            ):
                if (
                    site.kind is SiteKind.WRITE
                    and not site.staged
                    and (site.function, site.row) == (call.function, call.row)
                    and site.place < call.place
                ):
                    return Location(file, site.place.row, site.function)
        return None

    def is_published(self, file: str, call: CallSummary, argument: ArgumentSummary) -> bool:
        """Whether the caller lets a function write a file, and later lets another function from
        elsewhere give it its final name."""
        keys = set(argument.path.keys)
        return argument.published or any(
            not keys.isdisjoint(other.path.keys)
            for later, other in self._published_in(file, call)
            if later.place > call.place
        )

    def _published_in(
        self, file: str, call: CallSummary
    ) -> Iterator[tuple[CallSummary, ArgumentSummary]]:
        for other in self._by_function.get((file, call.function, call.row), ()):
            target = self._flows.targets[file, other.place]
            given = dict(target.given(other))
            for name in given:
                for done in self._of(target, name):
                    if done.effect is Effect.PUBLISHES and done.source in given:
                        yield other, given[done.source]

    def _of(self, target: Target, parameter: str, depth: int = _DEPTH) -> list[_Done]:
        file, name = target.key(parameter)
        if (file, name) in self._known:
            return self._known[file, name]
        self._known[file, name] = []  # part of a circle
        found = [done for site in self._sites.get((file, name), ()) if (done := _done(file, site))]
        for call, argument in self._calls.get((file, name), ()) if depth else ():
            inner = self._flows.targets.get((file, call.place))
            if inner is None:
                continue
            given = dict(inner.given(call))
            for given_name, each in given.items():
                if each is argument:
                    found += self._handed_on(inner, given_name, call, given, depth)
        self._known[file, name] = list(dict.fromkeys(found))
        return self._known[file, name]

    def _handed_on(
        self,
        target: Target,
        parameter: str,
        call: CallSummary,
        given: Mapping[str, ArgumentSummary],
        depth: int,
    ) -> Iterator[_Done]:
        for done in self._of(target, parameter, depth - 1):
            if call.handled and done.effect in {Effect.PARSES, Effect.READS}:
                yield replace(done, effect=Effect.RECOVERS)
            elif done.effect is Effect.WRITES:
                # A function that passes the path on may sync the file afterwards.
                yield replace(done, synced=True)
            elif not done.source:
                yield done
            elif done.source in given:
                names = [_parameter(own) for own in given[done.source].path.own]
                yield replace(done, source=names[0] if names else "")


def _done(file: str, site: SiteSummary) -> _Done | None:
    at = Location(file, site.place.row, site.function)
    if site.kind is SiteKind.LOAD:
        if site.handled:
            return _Done(Effect.RECOVERS, at)
        effect = Effect.PARSES if site.parsed else Effect.READS
        return _Done(effect, at, turned=site.turned)
    if site.kind is SiteKind.WRITE:
        return None if site.staged else _Done(Effect.WRITES, at, synced=site.synced)
    source = next((_parameter(own) for own in site.source.own if _parameter(own)), "")
    if not source:
        return _Done(Effect.KEEPS, at, how=site.how, synced=site.synced, reported=site.reported)
    return _Done(Effect.PUBLISHES, at, source, site.how, site.synced, site.reported)


def _parameter(own: str) -> str:
    """The parameter for a name in the form of `outside.key`."""
    return own.rpartition(":")[2] if own.startswith("parameter ") else ""
