"""Computes the evidence that each file of a project gets from the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from atomic_fix.facts.outside import (
    FileSlice,
    Given,
    OutsideCallers,
    OutsideSite,
    SiteElsewhere,
)
from atomic_fix.facts.paths.value import Location
from atomic_fix.project.effects import Effects
from atomic_fix.project.events import Event, Events
from atomic_fix.project.flows import Flow, Flows
from atomic_fix.project.identity import Identities
from atomic_fix.project.summary import FileSummary, SiteKind
from atomic_fix.source import is_test_file

_MOST = 5
"""The most locations in other files that are listed for one site."""
_CALLERS = 2
"""How many levels of callers are examined."""


def slices(files: Mapping[str, FileSummary], flows: Flows) -> dict[str, FileSlice]:
    """By path, for the files about which others have evidence."""
    maker = _Slices(files, flows)
    made = ((path, maker.slice_of(file)) for path, file in files.items())
    return {path: found for path, found in made if found}


class _Slices:
    def __init__(self, files: Mapping[str, FileSummary], flows: Flows) -> None:
        self._flows = flows
        self._events = Events(files, flows, Identities(flows))
        self._effects = Effects(files, flows)
        self._loading = {
            file.path
            for file in files.values()
            if any(site.kind is SiteKind.LOAD for site in file.sites)
        }

    def slice_of(self, file: FileSummary) -> FileSlice:
        if is_test_file(file.path):
            return FileSlice()
        return FileSlice(
            tuple(self._given(file)),
            tuple(self._sites(file)),
            tuple(
                effect for call in file.calls for effect in self._effects.of_call(file.path, call)
            ),
            tuple(self._callers(file)),
        )

    def _given(self, file: FileSummary) -> Iterator[Given]:
        answers: dict[Flow, dict[bool, list[OutsideSite]]] = {}
        names: dict[str, None] = {}
        for site in file.sites:
            names |= dict.fromkeys(site.path.own)
            names |= dict.fromkeys(name for name, _ in site.path.refs)
            for event in self._events.of(file.path, site):
                if event.flow is not None:
                    found = answers.setdefault(event.flow, {})
                    found.setdefault(event.is_load, []).extend(self._answers(event))
        for name in names:
            for flow in self._flows.into((file.path, name)):
                if flow.file == file.path:
                    continue
                known = answers.get(flow, {})
                readers, writers = known.get(False, []), known.get(True, [])
                yield Given(
                    name,
                    flow.at,
                    tuple(
                        replace(each, distance=each.distance + flow.depth + 1)
                        for each in flow.path.occurrences
                    ),
                    flow.path.traits,
                    flow.said,
                    readers[0] if readers else None,
                    writers[0] if writers else None,
                    self._is_published(flow),
                    flow.tested,
                    self._written_before(flow),
                )

    def _answers(self, event: Event) -> list[OutsideSite]:
        return self._events.answers(event)[:_MOST]

    def _is_published(self, flow: Flow) -> bool:
        return (
            flow.call is not None
            and flow.argument is not None
            and self._effects.is_published(flow.file, flow.call, flow.argument)
        )

    def _written_before(self, flow: Flow) -> Location | None:
        if flow.call is None or flow.argument is None:
            return None
        return self._effects.written_before(flow.file, flow.call, flow.argument)

    def _sites(self, file: FileSummary) -> Iterator[SiteElsewhere]:
        for site in file.sites:
            for event in self._events.of(file.path, site):
                if event.flow is not None:
                    continue
                found = tuple(self._answers(event))
                if found and site.kind is SiteKind.LOAD:
                    yield SiteElsewhere(site.place, writers=found)
                elif found:
                    yield SiteElsewhere(site.place, readers=found)

    def _callers(self, file: FileSummary) -> Iterator[OutsideCallers]:
        for function in file.functions:
            found = OutsideCallers(function.name.rpartition(".")[2], function.row)
            made = self._treated(file.path, found, _CALLERS)
            if made != found:
                yield made

    def _treated(self, path: str, found: OutsideCallers, depth: int) -> OutsideCallers:
        """How callers in other files use the result of a function."""
        for file, call in self._flows.callers.get((path, found.function, found.row), ()):
            if file == path or call.tested:
                continue
            found = replace(
                found,
                loops=found.loops or call.loops,
                catches=found.catches or call.catches,
                looks=found.looks or call.looks,
                reports=found.reports or call.reports,
                overwrites=found.overwrites
                or (path in self._loading and self._effects.overwrites(file, call)),
            )
            if depth > 1 and call.row:
                above = OutsideCallers(call.function, call.row)
                above = self._treated(file, above, depth - 1)
                found = replace(
                    found,
                    loops=found.loops or above.loops,
                    catches=found.catches or above.catches,
                    looks=found.looks or (call.returned and above.looks),
                    reports=found.reports or (call.returned and above.reports),
                )
        return found
