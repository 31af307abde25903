"""For people: each finding on one line, or with its source, the grounds and what can be done."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

from atomic_fix.finding import Edit, Finding, Fix, Position, Span
from atomic_fix.report import Report, fix_hint, printable, repairs_and_summary

_TAB = 4
_ELLIPSIS = "…"


def full(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield "".join(f"{line}\n" for line in _lines(finding, report))
        yield "\n"
    yield from repairs_and_summary(report)


def concise(report: Report) -> Iterator[str]:
    """`path:row:column: CODE message`."""
    for finding in report.findings:
        yield f"{printable(finding.filename)}:{_place(finding)}: {_said(finding)}\n"
    yield from repairs_and_summary(report)


def grouped(report: Report) -> Iterator[str]:
    """The findings of each file under its name."""
    for result in report.results:
        if not result.findings:
            continue
        yield f"{printable(result.filename)}:\n"
        width = max(len(_place(finding)) for finding in result.findings)
        for finding in result.findings:
            yield f"  {_place(finding):<{width}}  {_said(finding)}\n"
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
    hint = f" [{fix_hint(finding)}]" if finding.fix is not None else ""
    return f"{finding.code} {printable(finding.message)}{hint}"


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
        for sign, line in _preview(finding, finding.fix, report):
            yield f"{mark} {paint(sign, _GREEN if sign == '+' else _RED)} {line}"
        if finding.fix.note:
            yield f"{mark} {paint('note:', _BOLD)} {printable(finding.fix.note)}"
    elif finding.why_no_fix:
        yield f"{mark} {paint('no fix:', _BOLD)} {printable(finding.why_no_fix)}"


def _preview(finding: Finding, fix: Fix, report: Report) -> Iterator[tuple[str, str]]:
    """The lines that the fix takes away and puts in, in order, each with `-` or `+`."""
    source = report.source_of(finding.filename)
    if source is None or source.line(finding.span.start.row) != finding.source_line:
        return  # somebody has changed the file meanwhile
    if max(edit.span.end.row for edit in fix.edits) > len(source.line_starts):
        return
    from difflib import unified_diff

    for first, last, edits in _blocks(fix):
        start, end = Position(first, 1), Position(last, len(source.line(last)) + 1)
        old = source.slice(Span(start, end))
        new = old
        offset = source.offset(start)
        for edit in sorted(edits, reverse=True):
            before = new[: source.offset(edit.span.start) - offset]
            new = before + edit.text + new[source.offset(edit.span.end) - offset :]
        for line in unified_diff(old.splitlines(), new.splitlines(), n=0):
            if line[0] in "-+" and line[1:].strip() and line not in ("--- \n", "+++ \n"):
                yield line[0], printable(line[1:].expandtabs(_TAB))


def _blocks(fix: Fix) -> Iterator[tuple[int, int, list[Edit]]]:
    """The edits by the rows that they touch: first row, last row, and the edits of them."""
    first, last = 0, -1
    edits: list[Edit] = []
    for edit in sorted(fix.edits):
        if edits and edit.span.start.row > last + 1:
            yield first, last, edits
            edits = []
        if not edits:
            first, last = edit.span.start.row, edit.span.end.row
        last = max(last, edit.span.end.row)
        edits.append(edit)
    if edits:
        yield first, last, edits


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
