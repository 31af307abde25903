"""Repairs of writes whose file the program has already emptied or overwritten in place. If such a
repaired write fails where writing in place would have succeeded (in a folder that is not writable,
through a second name of the file), the old content is gone all the same. So these repairs are safe
only together with one of the earlier write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from atomic_fix.facts.earlier_writes import EarlierWrites
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.scopes import Call
from atomic_fix.finding import Applicability, Finding, Position


def unsafe_after_earlier_writes(facts: ModuleFacts, findings: list[Finding]) -> list[Finding]:
    """The findings, with repairs that are unsafe where an earlier write of the same file stays as
    it is."""
    safe = {each.span.start for each in findings if _is_safe(each)}
    if not safe:
        return findings
    start_of = {write.node: facts.tree.span(write.node).start for write in facts.sites.writes}
    repaired = {node for node, start in start_of.items() if start in safe}
    notes: dict[Position, str] = {}
    # A repair that becomes unsafe may be the earlier write of another one.
    while True:
        earlier = EarlierWrites(facts, repaired)
        found = {
            write.node: _note(facts, before)
            for write in facts.sites.writes
            if write.node in repaired and (before := earlier.before(write)) is not None
        }
        if not found:
            break
        repaired -= found.keys()
        notes.update((start_of[node], note) for node, note in found.items())
    return [_with_note(each, notes) for each in findings] if notes else findings


def _is_safe(finding: Finding) -> bool:
    # A repair that a comment suppresses is not applied.
    return (
        finding.fix is not None
        and finding.fix.applicability is Applicability.SAFE
        and "noqa" not in finding.source_line
    )


def _note(facts: ModuleFacts, before: Call | Location) -> str:
    if isinstance(before, Location):
        where = str(before)
    else:
        where = f"line {facts.tree.span(before.source_node).start.row}"
    return f"{where} has already written the file in place; {_CONSEQUENCE}"


_CONSEQUENCE = "if it cannot be replaced then, its old content is lost all the same"


def _with_note(finding: Finding, notes: Mapping[Position, str]) -> Finding:
    note = notes.get(finding.span.start, "")
    fix = finding.fix
    if not note or fix is None or fix.applicability is not Applicability.SAFE:
        return finding
    note = "; ".join(filter(None, (fix.note, note)))
    return replace(finding, fix=replace(fix, applicability=Applicability.UNSAFE, note=note))
