"""Adapts the evidence about a text to another text that edits have produced from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from atomic_fix.alignment import aligned
from atomic_fix.facts.outside import FileSlice, Given, Place


def moved(outside: FileSlice, before: Sequence[str], after: Sequence[str]) -> FileSlice:
    """The slice of a file whose lines were `before` and are now `after`: locations that still exist
    are moved, and evidence about others is left out."""
    rows = _rows(before, after)

    def place(old: Place) -> Place | None:
        row, end = rows.get(old.row), rows.get(old.end_row)
        if row is None or end is None or end - row != old.end_row - old.row:
            return None
        return Place(row, old.column, end, old.end_column)

    sites = [(place(each.place), each) for each in outside.sites]
    calls = [(place(each.place), each) for each in outside.calls]
    callers = [(rows.get(each.row), each) for each in outside.callers]
    given = [(_moved_key(each, rows), each) for each in outside.given]
    return replace(
        outside,
        given=tuple(replace(each, to=to) for to, each in given if to is not None),
        sites=tuple(replace(each, place=at) for at, each in sites if at is not None),
        calls=tuple(replace(each, place=at) for at, each in calls if at is not None),
        callers=tuple(replace(each, row=row) for row, each in callers if row is not None),
    )


def _moved_key(given: Given, rows: dict[int, int]) -> str | None:
    """The key of `outside.key`, in which the parameter of a function has the row of its `def`."""
    kind, _, rest = given.to.partition(" ")
    if kind != "parameter":
        return given.to
    function, row, name = rest.rsplit(":", 2)
    new = rows.get(int(row))
    return None if new is None else f"{kind} {function}:{new}:{name}"


def _rows(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """The new row of each old row that still exists."""
    return {
        match.before + index + 1: match.after + index + 1
        for match in aligned(before, after)
        for index in range(match.size)
    }
