"""For people: each finding on one line, or with its source, the evidence and what can be done."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from atomic_fix.catalog.confidence import in_words
from atomic_fix.finding import NOT_ANALYSED, Edit, Finding, Fix, Position, Span, listed
from atomic_fix.report import (
    FIX_HINTS,
    Report,
    display_name,
    escape_commands,
    printable,
    repairs_and_summary,
)

_TAB = 4
_ELLIPSIS = "…"


def full(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield escape_commands("".join(f"{line}\n" for line in _lines(finding, report)))
        yield "\n"
    yield from repairs_and_summary(report)


def concise(report: Report) -> Iterator[str]:
    """`path:row:column: CODE message`."""
    for finding in report.findings:
        yield escape_commands(
            f"{display_name(finding.filename)}:{_place(finding)}: {_said(finding)}\n"
        )
    yield from repairs_and_summary(report)


def grouped(report: Report) -> Iterator[str]:
    """The findings of each file under its name."""
    for result in report.results:
        findings = tuple(listed(result))
        if not findings:
            continue
        yield f"{display_name(result.filename)}:\n"
        width = max(len(_place(finding)) for finding in findings)
        for finding in findings:
            yield escape_commands(f"  {_place(finding):<{width}}  {_said(finding)}\n")
        yield "\n"
    yield from repairs_and_summary(report)


def statistics(report: Report) -> Iterator[str]:
    """How many findings each code has, the most first."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    width = max((len(str(number)) for number in counts.values()), default=0)
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{number:>{width}}  {code}  {name}\n"
    yield from repairs_and_summary(report)


def _place(finding: Finding) -> str:
    return f"{finding.span.start.row}:{finding.span.start.column}"


def _said(finding: Finding) -> str:
    hint = f" [{FIX_HINTS[finding.applicability]}]" if finding.applicability else ""
    return f"{finding.code} {printable(finding.message)}{hint}"


def _lines(finding: Finding, report: Report) -> Iterator[str]:
    def paint(text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if report.colour else text

    start = finding.span.start
    yield (
        f"{paint(display_name(finding.filename), _BOLD)}:{start.row}:{start.column}: "
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
    if finding.code != NOT_ANALYSED:
        sure = f"{in_words(finding.confidence)} ({finding.confidence:.2f})"
        yield f"{mark} {paint('confidence:', _BOLD)} {sure}"
    for ground in finding.evidence:
        if ground.text in finding.message:
            continue  # said already, in the line above
        at = f" (line {ground.row})" if ground.row is not None else ""
        yield f"{mark} {paint('evidence:', _BOLD)} {printable(ground.text)}{at}"
    if finding.fix is not None:
        hint = paint(f"[{FIX_HINTS[finding.fix.applicability]}]", _GREEN)
        yield f"{mark} {paint('fix:', _BOLD)} {printable(finding.fix.title)} {hint}"
        for sign, line in _preview(finding, finding.fix, report):
            yield f"{mark} {paint(sign, _GREEN if sign == '+' else _RED)} {line}"
        if finding.fix.note:
            yield f"{mark} {paint('note:', _BOLD)} {printable(finding.fix.note)}"
        other = finding.fix.alternative
        if other is not None:
            hint = paint(f"[{FIX_HINTS[other.applicability]} --on-corrupt raise]", _GREEN)
            yield f"{mark} {paint('or:', _BOLD)} {printable(other.title)} {hint}"
            if other.note:
                yield f"{mark} {paint('note:', _BOLD)} {printable(other.note)}"
    elif finding.why_no_fix:
        yield f"{mark} {paint('no fix:', _BOLD)} {printable(finding.why_no_fix)}"


def _preview(finding: Finding, fix: Fix, report: Report) -> Iterator[tuple[str, str]]:
    """The lines that the fix takes away and puts in, in order, each with `-` or `+`."""
    source = report.source_of(finding.filename)
    if source is None or source.line(finding.span.start.row) != finding.source_line:
        return  # the file was changed meanwhile
    if max(edit.span.end.row for edit in fix.edits) > len(source.line_starts):
        return
    from difflib import unified_diff

    for edits in _blocks(fix):
        start = Position(edits[0].span.start.row, 1)
        last = max(edit.span.end.row for edit in edits)
        new = old = source.slice(Span(start, Position(last, len(source.line(last)) + 1)))
        offset = source.offset(start)
        for edit in reversed(edits):
            before = new[: source.offset(edit.span.start) - offset]
            new = before + edit.text + new[source.offset(edit.span.end) - offset :]
        for line in unified_diff(old.splitlines(), new.splitlines(), n=0):
            if line[0] in "-+" and line[1:].strip() and line not in ("--- \n", "+++ \n"):
                yield line[0], printable(line[1:].expandtabs(_TAB))


def _blocks(fix: Fix) -> list[list[Edit]]:
    """The edits by the rows that they touch, in order."""
    blocks: list[list[Edit]] = []
    last = -1
    for edit in sorted(fix.edits):
        if edit.span.start.row > last + 1:
            blocks.append([])
        blocks[-1].append(edit)
        last = max(last, edit.span.end.row)
    return blocks


def _snippet(finding: Finding, room: int) -> tuple[str, str]:
    """The source line as a terminal shows it and the carets below it, both at most `room`
    columns wide (0: as wide as they are)."""
    start, end = finding.span.start, finding.span.end
    text = finding.source_line
    last = end.column - 1 if end.row == start.row else len(text.rstrip())
    cells = [" " * _TAB if each == "\t" else printable(each) for each in text]
    columns = [0, *accumulate(map(_width, cells))]
    first = min(start.column - 1, len(cells))
    last = max(min(last, len(cells)), first + 1)
    left, right = 0, len(cells)
    head = tail = ""
    if room and columns[-1] > room:
        # Keep the caret's beginning visible, with a third of the room before it.
        left = bisect_left(columns, columns[first] - room // 3)
        head = _ELLIPSIS if left else ""
        right = bisect_right(columns, columns[left] + room - len(head) - 1) - 1
        tail = _ELLIPSIS if right < len(cells) else ""
    before = len(head) + columns[first] - columns[left]
    under = columns[min(last, right)] - columns[first] + (len(tail) if last > right else 0)
    return f"{head}{''.join(cells[left:right])}{tail}".rstrip(), " " * before + "^" * (under or 1)


def _width(cell: str) -> int:
    """Columns that a cell takes on a terminal."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in cell
    )


_BOLD, _RED, _GREEN, _BLUE = "1", "1;31", "32", "1;34"
