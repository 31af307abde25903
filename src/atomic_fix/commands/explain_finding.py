"""Explain one row: the evidence for and against a finding there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from atomic_fix.catalog.weights import START
from atomic_fix.commands import CLEAN, report_error
from atomic_fix.facts.explaining import explanations
from atomic_fix.finding import Explanation, Finding, Unreadable, in_a_word
from atomic_fix.report import as_json, display_name, escape_commands, printable
from atomic_fix.run import disk
from atomic_fix.run.all_files import said_of_text
from atomic_fix.run.one_file import check_file, looked_at
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import WorkerDied
from atomic_fix.settings import Resolver, Settings

_JSON = {"json", "jsonl"}


def explain_finding(place: str, here: Settings, resolver: Resolver) -> int:
    """Print the explanation of a row, given as `FILE:ROW`; the exit code.

    Raises:
        ConfigError: a configuration file that applies cannot be used.
    """
    path, _, number = place.rpartition(":")
    if not path or not number.isdecimal():
        return report_error(f"--explain-finding: `{place}` is not FILE:ROW, as in `app.py:12`")
    row = int(number)
    content = disk.read(path)
    if isinstance(content, Unreadable):
        return report_error(f"{content.filename}: {content.reason}")
    settings = resolver.for_file(path)
    try:
        outside = said_of_text(content, path, resolver) if settings.project else None
    except WorkerDied as error:
        return report_error(str(error))
    # Below the minimum confidence, some evidence is not computed.
    everything = replace(settings, config=replace(settings.config, min_confidence=0.0))
    found = looked_at(content, path, everything, lambda facts: explanations(facts, row), outside)
    if isinstance(found, Unreadable):
        return report_error(f"{found.filename}: {found.reason}")
    result = check_file(content, path, settings, ReportFilter(), fixes=False, outside=outside)
    least = settings.config.min_confidence
    said = [(each, _verdict(each, result.findings, least)) for each in found]
    if here.output_format in _JSON:
        places = [_as_data(each, *verdict, least) for each, verdict in said]
        click.echo(as_json({"filename": path, "row": row, "places": places}, indent=2))
        return CLEAN
    if not said:
        click.echo(f"{display_name(path)}:{row}: no file is seen to be written or loaded there")
    for each, (codes, why_not) in said:
        click.echo(
            escape_commands("".join(f"{line}\n" for line in _lines(each, codes, why_not, path)))
        )
    return CLEAN


def _verdict(
    explained: Explanation, findings: tuple[Finding, ...], least: float
) -> tuple[list[str], str]:
    """The codes that are reported at a location, or the reason why none is."""
    codes = [each.code for each in findings if each.span.start == explained.span.start]
    if codes:
        return codes, ""
    if explained.excluded:
        return [], explained.excluded
    if explained.confidence < least:
        return [], f"the confidence is below {least:g} (`min-confidence`)"
    return [], "no rule that is on finds a defect there, or a comment suppresses it"


def _lines(explained: Explanation, codes: list[str], why_not: str, path: str) -> Iterator[str]:
    start = explained.span.start
    verdict = f"reported as {', '.join(codes)}" if codes else f"not reported: {why_not}"
    yield f"{display_name(path)}:{start.row}:{start.column}: {printable(explained.what)}"
    yield f"  {printable(verdict)}"
    yield f"  confidence {explained.confidence:.2f}, {in_a_word(explained.confidence)}"
    yield f"  {START:+6.2f}  start"
    for each in sorted(explained.features, key=lambda each: -each.contribution):
        at = ""
        if each.row is not None:
            at = f" ({each.path}:{each.row})" if each.path else f" (line {each.row})"
        scale = f" = {each.weight:g} x {each.strength:.2g}" if each.strength != 1 else ""
        said = f"{each.name}{scale}: {each.text}{at}"
        yield f"  {each.contribution:+6.2f}  {printable(said)}"
    total = START + sum(each.contribution for each in explained.features)
    yield f"  {total:+6.2f}  sum (log odds)"


def _as_data(
    explained: Explanation, codes: list[str], why_not: str, least: float
) -> dict[str, object]:
    return {
        "kind": explained.kind,
        "row": explained.span.start.row,
        "column": explained.span.start.column,
        "what": explained.what,
        "codes": codes,
        "not_reported": why_not or None,
        "confidence": explained.confidence,
        "min_confidence": least,
        "start": START,
        "features": [
            {
                "name": each.name,
                "text": each.text,
                "weight": each.weight,
                "strength": round(each.strength, 4),
                "contribution": round(each.contribution, 4),
                "word": each.word or None,
                "row": each.row,
                "path": each.path or None,
            }
            for each in explained.features
        ],
    }
