"""The output of the command on a terminal. `python tests/snapshots.py` renews the files."""

from __future__ import annotations

import os
import re
import unicodedata

import pytest

from tests import snapshots

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")

_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def test_the_reports_are_those_that_were_looked_at() -> None:
    wanted = {
        each.name: each.read_text(encoding="utf-8") for each in snapshots.FOLDER.glob("*.txt")
    }
    assert dict(snapshots.snapshots()) == wanted


@pytest.mark.parametrize("width", snapshots.WIDTHS)
def test_no_line_is_wider_than_the_terminal_but_those_of_a_patch(width: int) -> None:
    text = (snapshots.FOLDER / f"full-{width}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not re.match(r" +[-+] ", line):
            assert sum(unicodedata.east_asian_width(x) in "WF" or 1 for x in line) <= width, line


@pytest.mark.parametrize("width", snapshots.WIDTHS)
def test_colour_is_only_added(width: int) -> None:
    plain, coloured = (
        (snapshots.FOLDER / f"full-{width}{suffix}.txt").read_text(encoding="utf-8")
        for suffix in ("", "-colour")
    )
    assert coloured != plain
    assert _COLOURS.sub("", coloured) == plain
