"""Adapts edits so that their result stays within the line length."""

from collections.abc import Sequence
from dataclasses import dataclass

from atomic_fix.config import Style
from atomic_fix.finding import Edit, Position, Span
from atomic_fix.fixes import layout
from atomic_fix.source import Source


@dataclass(frozen=True, slots=True)
class _Change:
    """An edit, and its range of characters in the new text."""

    edit: Edit
    start: int
    end: int


def fit(
    source: Source, edits: Sequence[Edit], unit: str, limit: int, style: Style
) -> Sequence[Edit]:
    """The edits; those in a line that would become too long are merged into one that lays it out on
    several rows. A line that was too long before stays so, unless a setting defines the line
    length: its author decides how to break it.
    """
    if style.quotes:
        edits = [Edit(each.span, layout.requoted(each.text, style.quotes)) for each in edits]
    text, changes = _applied(source, edits)
    if not _may_be_too_long(source, text, changes, limit, style):
        return edits
    regions: list[tuple[int, int, str]] = []
    for line in layout.logical_lines(text):
        row = text.rfind("\n", 0, line.start) + 1
        own = [
            each
            for each in changes
            if each.start <= line.end and row < each.end and not _adds_rows(each, line)
        ]
        if not own or (not style.line_length and _was_too_long(source, own, limit)):
            continue
        end = text.find("\n", line.end)
        last = text[line.end : end if end >= 0 else len(text)]
        before = text[line.start : line.end]
        rows = text[row : line.end].split("\n")
        rows[-1] += last
        if all(layout.width(each) <= limit for each in rows) and not _wants_parentheses(
            before, style
        ):
            continue
        after = layout.laid_out(before, text[row : line.start], unit, limit, style, len(last))
        if after != before:
            regions.append((line.start, line.end, after))
    return _merged(source, text, changes, regions) if regions else edits


def _applied(source: Source, edits: Sequence[Edit]) -> tuple[str, list[_Change]]:
    """The new text of the file, with `\\n` as its line ends, and what of it is new."""
    pieces: list[str] = []
    changes = []
    position = length = 0
    for edit in sorted(edits, key=lambda each: each.span):
        start = source.offset(edit.span.start)
        kept = _plain(source.text[position:start])
        pieces += [kept, edit.text]
        length += len(kept)
        changes.append(_Change(edit, length, length + len(edit.text)))
        length += len(edit.text)
        position = max(position, source.offset(edit.span.end))
    pieces.append(_plain(source.text[position:]))
    return "".join(pieces), changes


def _adds_rows(change: _Change, line: layout.LogicalLine) -> bool:
    """Whether a change adds whole rows below or above a line without altering the line."""
    span, text = change.edit.span, change.edit.text
    if change.start >= line.end:
        return text.startswith("\n")
    return (
        span.start == span.end
        and change.end <= line.start
        and "\n" in text
        and not text.rpartition("\n")[2].strip()
    )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _may_be_too_long(
    source: Source, text: str, changes: Sequence[_Change], limit: int, style: Style
) -> bool:
    """Whether a changed row is too long, or is the head of a `with` that can be put in parentheses.
    Tokenising the whole file is expensive and rarely needed."""
    for change in changes:
        start = text.rfind("\n", 0, change.start) + 1
        end = text.find("\n", change.end)
        rows = text[start : end if end >= 0 else len(text)].split("\n")
        if any(layout.width(row) > limit for row in rows):
            return True
        if style.parenthesised_with and any(_opens_a_with(row) for row in rows):
            return True
    return False


def _opens_a_with(row: str) -> bool:
    return row.lstrip().startswith(("with ", "async with ")) and not row.rstrip().endswith(":")


def _wants_parentheses(line: str, style: Style) -> bool:
    first = line.split("\n")[0]
    is_open = first != line and _opens_a_with(first) and "with (" not in first
    return style.parenthesised_with and is_open


def _was_too_long(source: Source, changes: Sequence[_Change], limit: int) -> bool:
    return any(
        layout.width(source.line(row)) > limit
        for change in changes
        for row in range(change.edit.span.start.row, change.edit.span.end.row + 1)
    )


def _merged(
    source: Source,
    text: str,
    changes: Sequence[_Change],
    regions: Sequence[tuple[int, int, str]],
) -> list[Edit]:
    """The edits; those that touch a region of the new text are merged into one that lays it out."""
    left = list(changes)
    edits: list[Edit] = []
    pending = list(regions)
    while pending:
        start, end, _ = pending[0]
        # Grow the region by everything that touches it: other edits, and further regions in them.
        while True:
            own = [each for each in left if each.start <= end and start <= each.end]
            inside = [each for each in pending if each[0] <= end and start <= each[1]]
            low = min([start, *(each.start for each in own), *(each[0] for each in inside)])
            high = max([end, *(each.end for each in own), *(each[1] for each in inside)])
            if (low, high) == (start, end):
                break
            start, end = low, high
        new = text[start:end]
        for low, high, replacement in reversed(inside):
            new = new[: low - start] + replacement + new[high - start :]
        before = [each for each in changes if each.start < start and each not in own]
        first = _old_offset(source, text, before, start)
        last = _old_offset(source, text, [*before, *own], end)
        edits.append(Edit(Span(source.position(first), source.position(last)), new))
        left = [each for each in left if each not in own]
        pending = [each for each in pending if each not in inside]
    return sorted([*(each.edit for each in left), *edits], key=lambda each: each.span)


def _old_offset(source: Source, text: str, before: Sequence[_Change], offset: int) -> int:
    """The position in the old text for one in the new text; `before` are the changes before it."""
    position = before[-1].end if before else 0
    start = before[-1].edit.span.end if before else Position(1, 1)
    passed = text[position:offset]
    rows = passed.count("\n")
    column = len(passed) - passed.rfind("\n") if rows else start.column + len(passed)
    return source.offset(Position(start.row + rows, column))
