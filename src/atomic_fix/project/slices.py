"""What each file of a project is told about the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atomic_fix.facts.outside import FileSlice, Given
from atomic_fix.project.flows import Flow, Flows, Name
from atomic_fix.project.modules import Modules
from atomic_fix.project.summary import FileSummary


def slices(
    files: Mapping[str, FileSummary], modules: Modules, flows: Flows
) -> dict[str, FileSlice]:
    """By path, of the files about which others say something."""
    given: dict[str, list[Given]] = {}
    wanted = {
        (file.path, name)
        for file in files.values()
        for site in file.sites
        for name in (*site.path.own, *(ref for ref, _ in site.path.refs))
    }
    for name in sorted(wanted):
        for flow in flows.into(name):
            if flow.file != name[0]:
                given.setdefault(name[0], []).append(_given(name, flow))
    return {path: FileSlice(given=tuple(found)) for path, found in sorted(given.items())}


def _given(name: Name, flow: Flow) -> Given:
    away = flow.depth + 1
    return Given(
        name[1],
        flow.at,
        tuple(replace(each, distance=each.distance + away) for each in flow.path.mentions),
        flow.path.traits,
        flow.said,
        tested=flow.tested,
    )
