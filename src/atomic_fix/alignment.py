"""Which rows two texts have in common."""

from collections.abc import Sequence
from typing import NamedTuple

_MUCH = 4_000_000
"""Pairs of rows, beyond which it takes too long to align what is between the common ends."""


class Match(NamedTuple):
    """As many rows that are the same, from these indices on."""

    before: int
    after: int
    size: int


def aligned(before: Sequence[str], after: Sequence[str]) -> list[Match]:
    """The runs of rows that are still there, in order; the last one is empty and stands at both
    ends. Of texts in which too much has changed, only what is above and below that."""
    from difflib import SequenceMatcher

    # What is the same above and below the edits need not be compared.
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
