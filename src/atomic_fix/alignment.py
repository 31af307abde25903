"""Finds the rows that two texts have in common."""

from collections.abc import Sequence
from typing import NamedTuple

_MUCH = 4_000_000
"""The most pairs of rows to compare between the common beginning and end; more take too long."""


class Match(NamedTuple):
    """A run of equal rows, from these indices on."""

    before: int
    after: int
    size: int


def aligned(before: Sequence[str], after: Sequence[str]) -> list[Match]:
    """The runs of unchanged rows, in order; the last one is empty and marks both ends. If too much
    has changed, only the rows above and below the changes."""
    from difflib import SequenceMatcher

    # Equal rows above and below the edits need not be compared.
    above = 0
    most = min(len(before), len(after))
    while above < most and before[above] == after[above]:
        above += 1
    below = 0
    while below < most - above and before[-1 - below] == after[-1 - below]:
        below += 1
    end, last = len(before) - below, len(after) - below
    found = [Match(0, 0, above)]
    if (end - above) * (last - above) <= _MUCH:
        matcher = SequenceMatcher(None, before[above:end], after[above:last], autojunk=False)
        found += [Match(above + i, above + j, size) for i, j, size in matcher.get_matching_blocks()]
    return [*found, Match(end, last, below), Match(len(before), len(after), 0)]
