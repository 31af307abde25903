"""The evidence in other files about a place stays valid when edits have moved the place."""

from __future__ import annotations

from atomic_fix.facts.outside import (
    FileSlice,
    Given,
    OutsideCallers,
    Place,
    SiteElsewhere,
)
from atomic_fix.facts.paths.value import Location
from atomic_fix.project.moved import moved

AT = Location("b.py", 1)
BEFORE = ["import json", "def f(p):", "    open(p)", "def g(p):", "    open(p,", "    'w')"]


def said(f: int, g: int) -> FileSlice:
    return FileSlice(
        given=(Given(f"parameter f:{f}:p", AT), Given(f"parameter g:{g}:p", AT), Given("x", AT)),
        sites=(SiteElsewhere(Place(f + 1, 4, f + 1, 11)), SiteElsewhere(Place(g + 1, 4, g + 2, 8))),
        callers=(OutsideCallers("f", f), OutsideCallers("g", g)),
    )


def test_rows_follow_their_lines() -> None:
    assert moved(said(2, 4), BEFORE, BEFORE) == said(2, 4)
    assert moved(said(2, 4), BEFORE, ["import os", *BEFORE]) == said(3, 5)
    assert moved(said(2, 4), BEFORE, BEFORE[1:]) == said(1, 3)
    split = [*BEFORE[:3], "", "", *BEFORE[3:]]
    assert moved(said(2, 4), BEFORE, split) == said(2, 6)


def test_what_is_gone_is_left_out() -> None:
    new = moved(said(2, 4), BEFORE, [*BEFORE[:2], "    write(p)", *BEFORE[3:]])
    assert new.given == said(2, 4).given
    assert new.sites == said(2, 4).sites[1:]
    new = moved(said(2, 4), BEFORE, [BEFORE[0], *BEFORE[3:]])
    assert [each.function for each in new.callers] == ["g"]
    # A call that is torn apart is another one.
    new = moved(said(2, 4), BEFORE, [*BEFORE[:5], "", BEFORE[5]])
    assert len(new.sites) == 1
