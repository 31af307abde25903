"""Formats for people: each finding on one line, or with its source, the reasons and what to do."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from atomic_fix.finding import (
    NOT_ANALYSED,
    Applicability,
    Edit,
    Finding,
    Fix,
    Position,
    RelatedLocation,
    Span,
    listed,
)
from atomic_fix.report import (
    Report,
    display_name,
    escape_commands,
    fix_hint,
    place_of,
    printable,
    repairs_and_summary,
)

_TAB = 4
_ELLIPSIS = "…"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_PROSE_WIDTH = 88
"""The total width of a source line and its label if the width of the terminal is unknown."""
_MOST_PLACES = 2
"""How many locations are shown besides that of the finding; reports for programs have all."""


def full(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield escape_commands("".join(f"{line}\n" for line in _lines(finding, report)))
        yield "\n"
    yield from _ending(report)


def concise(report: Report) -> Iterator[str]:
    """`path:row:column: CODE headline`."""
    for finding in report.findings:
        yield escape_commands(
            f"{display_name(finding.filename)}:{place_of(finding)}: {_said(finding)}\n"
        )
    yield from _ending(report)


def grouped(report: Report) -> Iterator[str]:
    """The findings of each file under its name."""
    for result in report.results:
        findings = tuple(listed(result))
        if not findings:
            continue
        yield f"{display_name(result.filename)}:\n"
        width = max(len(place_of(finding)) for finding in findings)
        for finding in findings:
            yield escape_commands(f"  {place_of(finding):<{width}}  {_said(finding)}\n")
        yield "\n"
    yield from _ending(report)


def statistics(report: Report) -> Iterator[str]:
    """The number of findings for each code, the most frequent first."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    width = max((len(str(number)) for number in counts.values()), default=0)
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{number:>{width}}  {code}  {name}\n"
    yield from _ending(report)


def _ending(report: Report) -> Iterator[str]:
    for line in repairs_and_summary(report):
        yield "\n".join(_wrapped(line.removesuffix("\n"), report.width)) + "\n"


def _said(finding: Finding) -> str:
    return f"{finding.code} {printable(finding.headline)}"


def _lines(finding: Finding, report: Report) -> Iterator[str]:
    def paint(text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if report.colour else text

    others = _shown_places(finding, report)
    here = RelatedLocation(finding.label, finding.span, source_line=finding.source_line)
    cell_here, row_here = _row(here, finding)
    gutter = len(str(max(row_here, *(_row(each, finding)[1] for each in others), 0)))
    margin = " " * gutter
    bar = paint("|", _BLUE)
    # The longest code and headline fit in a terminal with 80 columns.
    first, *more = _wrapped(printable(finding.headline), report.width - len(finding.code) - 1)
    yield f"{paint(finding.code, _RED)} {paint(first, _BOLD)}"
    for line in more:
        yield f"{' ' * len(finding.code)} {paint(line, _BOLD)}"
    place = f"{display_name(finding.filename)}:{place_of(finding)}"
    yield f"{margin}{paint('-->', _BLUE)} {place}"

    room = max(20, report.width - gutter - 3) if report.width else 0
    places = [*others]
    if finding.source_line.strip():
        own = here

        def order(each: RelatedLocation) -> tuple[object, ...]:
            """Those in this file, or cell, in order of their rows, then the others."""
            is_elsewhere = bool(each.path) or _row(each, finding)[0] != cell_here
            return is_elsewhere, each.path, each.span

        places = sorted([own, *others], key=order)
        yield f"{margin} {bar}"
    else:
        own = None
    above: tuple[tuple[str, int], int] = ("", cell_here), 0
    for each in places:
        cell, row = _row(each, finding)
        is_elsewhere = each.path or cell
        where = each.path, cell
        if is_elsewhere and where != above[0]:
            at = f"cell {cell}:{row}" if cell else f"{row}"
            name = display_name(each.path or finding.filename)
            yield f"{margin}{paint(':::', _BLUE)} {name}:{at}"
            yield f"{margin} {bar}"
        elif above[1] and row > above[1] + 1:
            yield paint("...", _BLUE)
        above = where, row
        line, before, length = _snippet(each.source_line, each.span, room)
        yield f"{paint(f'{row:>{gutter}}', _BLUE)} {bar} {line}"
        mark, colour = ("^", _RED) if each is own else ("-", _BLUE)
        for line in _underlined(before, mark * length, each.message, room):
            yield f"{margin} {bar} {paint(line, colour)}"
    if places:
        yield f"{margin} {bar}"

    mark = f"{margin} {paint('=', _BLUE)}"

    def row_of(name: str, text: str, hint: str = "") -> Iterator[str]:
        """A labelled entry, with continuation lines indented."""
        words = f"{name}: {printable(text)}"
        mark_of_hint = f"[{hint}]".replace(" ", _NO_BREAK) if hint else ""
        lines = _wrapped(
            f"{words} {mark_of_hint}".rstrip(),
            report.width - gutter - 3,
            indent="  ",
        )
        for number, line in enumerate(lines):
            if hint and number == len(lines) - 1:
                line = line.removesuffix(mark_of_hint) + paint(f"[{hint}]", _GREEN)
            if number:
                yield f"{margin}   {line}"
            else:
                yield f"{mark} {paint(f'{name}:', _BOLD)}{line.removeprefix(f'{name}:')}"

    if finding.why:
        yield from row_of("why this file", finding.why)
        yield from row_of("confidence", finding.confidence_level)
    for other in finding.also:
        hint = fix_hint(other.fix) if other.fix is not None else ""
        yield from row_of(f"also {other.code}", other.headline, hint)
        if other.fix is not None and _is_safer(other.fix, finding.fix):
            # This is what --write does here, and not the repair below.
            for sign, line in _preview(other, other.fix, report):
                yield f"{margin}   {paint(sign, _GREEN if sign == '+' else _RED)} {line}"
    fix = finding.fix
    if fix is None and finding.what_to_do:
        yield from row_of("what to do", finding.what_to_do)
    if fix is not None:
        yield from row_of("what to do", fix.title, fix_hint(fix))
        for sign, line in _preview(finding, fix, report):
            yield f"{margin}   {paint(sign, _GREEN if sign == '+' else _RED)} {line}"
        if fix.note:
            yield from row_of("note", fix.note)
        if fix.alternative is not None:
            hint = fix_hint(fix.alternative, " --on-corrupt raise")
            yield from row_of("or", fix.alternative.title, hint)
            if fix.alternative.note:
                yield from row_of("note", fix.alternative.note)
    if finding.code != NOT_ANALYSED:
        yield f"{mark} {paint('more:', _BOLD)} atomic-fix --explain {finding.code}"


def _row(place: RelatedLocation, finding: Finding) -> tuple[int, int]:
    """The cell and the row of a location; the cell is 0 if there is none."""
    row = place.span.start.row
    if finding.cells is None or place.path:
        return 0, row
    return finding.cells.place(row)


def _shown_places(finding: Finding, report: Report) -> list[RelatedLocation]:
    """The other locations that are shown with their lines, if these are available."""
    shown: list[RelatedLocation] = []
    taken = {(finding.filename, finding.span.start.row)}
    for each in finding.related:
        path = each.path or finding.filename
        place = (path, each.span.start.row)
        if place in taken or len(shown) == _MOST_PLACES:
            continue
        line = each.source_line
        if not line and each.path:
            source = report.source_of(path)
            if source is not None and place[1] <= len(source.line_starts):
                line = source.line(place[1])
        if line.strip():
            taken.add(place)
            shown.append(replace(each, source_line=line))
    return shown


def _underlined(before: int, marks: str, label: str, room: int) -> Iterator[str]:
    """The marks below a source line with the label after them, or below them if it is long."""
    indent = " " * before
    label = printable(label)
    wanted = before + len(marks) + 1 + len(label)
    if not label or wanted <= (room or _PROSE_WIDTH):
        yield f"{indent}{marks} {label}".rstrip()
        return
    yield f"{indent}{marks}"
    start = min(before, max(0, (room or _PROSE_WIDTH) - len(label)))
    for line in _wrapped(label, room - start):
        yield f"{' ' * start}{line}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """`text` in lines of at most `width` columns, broken between words. Continuation lines begin
    with `indent`. Without a positive width there is one line."""
    if width <= 0 or _columns(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in filter(None, text.split(" ")):
        wider = f"{line} {word}" if line.strip() else f"{line}{word}"
        if line.strip() and _columns(wider) > width:
            lines.append(line)
            wider = f"{indent}{word}"
        line = wider
    return [*lines, line]


def _is_safer(fix: Fix, other: Fix | None) -> bool:
    order = list(Applicability)
    return other is None or order.index(fix.applicability) < order.index(other.applicability)


def _preview(finding: Finding, fix: Fix, report: Report) -> Iterator[tuple[str, str]]:
    """The lines that the fix removes and adds, in order, each with `-` or `+`."""
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
    """The edits grouped by the rows that they touch, in order."""
    blocks: list[list[Edit]] = []
    last = -1
    for edit in sorted(fix.edits):
        if edit.span.start.row > last + 1:
            blocks.append([])
        blocks[-1].append(edit)
        last = max(last, edit.span.end.row)
    return blocks


def _snippet(text: str, span: Span, room: int) -> tuple[str, int, int]:
    """A source line for a terminal, at most `room` columns wide (0: no limit), and where to
    underline the span in it: the number of columns before it, and its own. An empty span stands for
    the whole line."""
    start, end = span.start, span.end
    if start == end and start.column == 1:
        start = Position(start.row, len(text) - len(text.lstrip()) + 1)
        end = Position(start.row, len(text.rstrip()) + 1)
    last = end.column - 1 if end.row == start.row else len(text.rstrip())
    cells = [" " * _TAB if each == "\t" else printable(each) for each in text]
    columns = [0, *accumulate(map(_width, cells))]
    first = min(start.column - 1, len(cells))
    last = max(min(last, len(cells)), first + 1)
    left, right = 0, len(cells)
    head = tail = ""
    if room and columns[-1] > room:
        # Keep the beginning of the span visible, with a third of the available width before it.
        left = bisect_left(columns, columns[first] - room // 3)
        head = _ELLIPSIS if left else ""
        right = bisect_right(columns, columns[left] + room - len(head) - 1) - 1
        tail = _ELLIPSIS if right < len(cells) else ""
    before = len(head) + columns[first] - columns[left]
    under = columns[min(last, right)] - columns[first] + (len(tail) if last > right else 0)
    return f"{head}{''.join(cells[left:right])}{tail}".rstrip(), before, under or 1


def _columns(text: str) -> int:
    return sum(map(_width, text))


def _width(cell: str) -> int:
    """The number of terminal columns of a character."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in cell
    )


_BOLD, _RED, _GREEN, _BLUE = "1", "1;31", "32", "1;34"
