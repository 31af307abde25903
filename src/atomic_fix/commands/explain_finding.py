"""Explain one row: the evidence for and against a finding there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import click

from atomic_fix.catalog.weights import START
from atomic_fix.commands import CLEAN, report_error
from atomic_fix.facts.explaining import explanations
from atomic_fix.finding import Cells, Explanation, Finding, Unreadable, in_a_word
from atomic_fix.report import as_json, display_name, escape_commands, printable
from atomic_fix.run import disk
from atomic_fix.run.all_files import said_of_text
from atomic_fix.run.one_file import check_file, looked_at
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import WorkerDied
from atomic_fix.settings import Resolver, Settings

_JSON = {"json", "jsonl"}
_PLACE = re.compile(r"(?P<file>.+?):(?P<row>[0-9]+)(?::[0-9]+)?")
_NOTEBOOK_PLACE = re.compile(
    r"(?P<file>.+\.(?i:ipynb)):(?:cell )?(?P<cell>[0-9]+):(?P<row>[0-9]+)(?::[0-9]+)?"
)


def explain_finding(place: str, here: Settings, resolver: Resolver) -> int:
    """Print the explanation of a row, given as `FILE:ROW`, in a notebook as `FILE:CELL:ROW`, or as
    a report prints it; the exit code.

    Raises:
        ConfigError: a configuration file that applies cannot be used.
    """
    named = _NOTEBOOK_PLACE.fullmatch(place)
    found_place = named or _PLACE.fullmatch(place)
    if found_place is None:
        return report_error(f"--explain-finding: `{place}` is not FILE:ROW, as in `app.py:12`")
    path, row = found_place["file"], int(found_place["row"])
    if named is None and path.lower().endswith(".ipynb"):
        example = f"{path}:2:{row}"
        return report_error(
            f"--explain-finding: a row of a notebook needs its cell, as in `{example}` for cell 2"
        )
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
    result = check_file(content, path, settings, ReportFilter(), fixes=False, outside=outside)
    cells = result.cells if named is not None else None
    shown = f"{display_name(path)}:{row}"
    if cells is not None and named is not None:
        cell = int(named["cell"])
        shown = f"{display_name(path)}:cell {cell}:{row}"
        in_module = cells.row(cell, row)
        if in_module is None and result.analysed:
            return report_error(f"{shown}: the notebook has no such row in a code cell")
        row = in_module or row
    found = looked_at(content, path, everything, lambda facts: explanations(facts, row), outside)
    if isinstance(found, Unreadable):
        return report_error(f"{found.filename}: {found.reason}")
    least = settings.config.min_confidence
    said = [(each, _verdict(each, result.findings, least)) for each in found]
    if here.output_format in _JSON:
        places = [_as_data(each, *verdict, least, cells) for each, verdict in said]
        given = {"filename": path, **_row_as_data(row, cells), "places": places}
        click.echo(as_json(given, indent=2))
        return CLEAN
    if not said:
        click.echo(f"{shown}: no write or load of a file is recognised there")
    for each, (codes, why_not) in said:
        click.echo(
            escape_commands(
                "".join(f"{line}\n" for line in _lines(each, codes, why_not, path, cells))
            )
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


def _lines(
    explained: Explanation, codes: list[str], why_not: str, path: str, cells: Cells | None
) -> Iterator[str]:
    start = explained.span.start
    place = "cell {}:{}".format(*cells.place(start.row)) if cells is not None else f"{start.row}"
    verdict = f"reported as {', '.join(codes)}" if codes else f"not reported: {why_not}"
    yield f"{display_name(path)}:{place}:{start.column}: {printable(explained.what)}"
    yield f"  {printable(verdict)}"
    yield f"  confidence {explained.confidence:.2f}, {in_a_word(explained.confidence)}"
    yield f"  {START:+6.2f}  start"
    for each in sorted(explained.features, key=lambda each: -each.contribution):
        at = ""
        if each.row is not None:
            if each.path:
                at = f" ({each.path}:{each.row})"
            elif cells is not None:
                at = " (cell {}, line {})".format(*cells.place(each.row))
            else:
                at = f" (line {each.row})"
        scale = f" = {each.weight:g} x {each.strength:.2g}" if each.strength != 1 else ""
        said = f"{each.name}{scale}: {each.text}{at}"
        yield f"  {each.contribution:+6.2f}  {printable(said)}"
    total = START + sum(each.contribution for each in explained.features)
    yield f"  {total:+6.2f}  sum (log odds)"


def _row_as_data(row: int | None, cells: Cells | None) -> dict[str, int | None]:
    """A row, in a notebook with its cell."""
    if cells is None or row is None:
        return {"row": row}
    cell, row = cells.place(row)
    return {"cell": cell, "row": row}


def _as_data(
    explained: Explanation, codes: list[str], why_not: str, least: float, cells: Cells | None
) -> dict[str, object]:
    return {
        "kind": explained.kind,
        **_row_as_data(explained.span.start.row, cells),
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
                **_row_as_data(each.row, None if each.path else cells),
                "path": each.path or None,
            }
            for each in explained.features
        ],
    }
