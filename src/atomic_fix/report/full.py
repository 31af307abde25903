"""For people: each finding with its line, a caret, the grounds and what can be done."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from atomic_fix.report.content import fix_hint, printable, repairs, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.finding import Finding, Fix
    from atomic_fix.report.content import Report

_TAB = 4
_ELLIPSIS = "…"


def render(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield "".join(f"{line}\n" for line in _lines(finding, report))
        yield "\n"
    for line in repairs(report):
        yield f"{line}\n"
    yield f"{summary(report)}\n"


def _lines(finding: Finding, report: Report) -> Iterator[str]:
    paint = _paint if report.colour else _plain
    start = finding.span.start
    yield (
        f"{paint(printable(finding.filename), _BOLD)}:{start.row}:{start.column}: "
        f"{paint(finding.code, _RED)} {printable(finding.message)}"
    )
    gutter = len(str(start.row))
    bar = paint("|", _BLUE)
    if finding.source_line.strip():
        room = max(20, report.width - gutter - 4) if report.width else 0
        line, caret = _snippet(finding, room)
        yield f"{' ' * gutter} {bar}"
        yield f"{paint(str(start.row), _BLUE)} {bar} {line}"
        yield f"{' ' * gutter} {bar} {paint(caret, _RED)}"
    mark = f"{' ' * gutter} {paint('=', _BLUE)}"
    for ground in finding.evidence:
        if ground.text in finding.message:
            continue  # said already, in the line above
        at = f" (line {ground.row})" if ground.row is not None else ""
        yield f"{mark} {paint('evidence:', _BOLD)} {printable(ground.text)}{at}"
    if finding.fix is not None:
        hint = paint(f"[{fix_hint(finding)}]", _GREEN)
        yield f"{mark} {paint('fix:', _BOLD)} {printable(finding.fix.title)} {hint}"
        for line in _preview(finding, finding.fix):
            yield f"{mark} {paint('+', _GREEN)} {line}"
        if finding.fix.note:
            yield f"{mark} {paint('note:', _BOLD)} {printable(finding.fix.note)}"
    elif finding.why_no_fix:
        yield f"{mark} {paint('no fix:', _BOLD)} {printable(finding.why_no_fix)}"


def _preview(finding: Finding, fix: Fix) -> Iterator[str]:
    """The new lines that the fix would make, as far as the finding's own line tells them:
    whole lines that are inserted, and the line itself."""
    row = finding.span.start.row
    line = finding.source_line
    touched = False
    for edit in sorted(fix.edits, reverse=True):
        if edit.span.start.row == row and finding.source_line:
            # What follows on the row where a longer edit ends is not known here.
            after = line[edit.span.end.column - 1 :] if edit.span.end.row == row else ""
            line = line[: edit.span.start.column - 1] + edit.text + after
            touched = True
    inserted = [
        edit.text
        for edit in sorted(fix.edits)
        if edit.span.start == edit.span.end and "\n" in edit.text and edit.span.start.row != row
    ]
    for text in (*inserted, line if touched else ""):
        for each in text.split("\n"):
            if each.strip():
                yield printable(each.expandtabs(_TAB))


def _snippet(finding: Finding, room: int) -> tuple[str, str]:
    """The source line as a terminal shows it and the carets below it, both at most `room`
    columns wide (0: as wide as they are)."""
    start, end = finding.span.start, finding.span.end
    text = finding.source_line
    last = end.column - 1 if end.row == start.row else len(text.rstrip())
    cells = [_cell(character) for character in text]
    first = min(start.column - 1, len(cells))
    last = max(min(last, len(cells)), first + 1)
    if room and sum(_width(cell) for cell in cells) > room:
        # Keep the caret's beginning in sight, with a third of the room before it.
        left = first
        used = 0
        while left > 0 and used + _width(cells[left - 1]) <= room // 3:
            left -= 1
            used += _width(cells[left])
        head = [_ELLIPSIS] if left else []
        taken: list[str] = []
        used = len(head)
        for cell in cells[left:]:
            if used + _width(cell) > room - 1:
                taken.append(_ELLIPSIS)
                break
            taken.append(cell)
            used += _width(cell)
        shift = left - len(head)
        cells = head + taken
        first, last = first - shift, min(last - shift, len(cells))
    before = sum(_width(cell) for cell in cells[:first])
    under = sum(_width(cell) for cell in cells[first:last]) or 1
    return "".join(cells).rstrip(), " " * before + "^" * under


def _cell(character: str) -> str:
    return " " * _TAB if character == "\t" else printable(character)


def _width(cell: str) -> int:
    """Columns that a cell takes on a terminal."""
    if cell.isascii():
        return len(cell)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in cell
    )


_BOLD, _RED, _GREEN, _BLUE = "1", "1;31", "32", "1;34"


def _paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m"


def _plain(text: str, _style: str) -> str:
    return text
