"""Twice as much code of one kind takes twice the work, not more.

The tests count the calls that Python makes: unlike seconds, their number does not depend on how
busy the machine is. `benchmarks/scaling.py` measures the seconds of the same programs.
"""

from __future__ import annotations

import sys

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.source import Source
from benchmarks import scaling

FEW, MOST_GROWTH = 40, 2.15


def calls(name: str, count: int, *, fixes: bool) -> int:
    """The number of calls made to find the findings in a program and, with `fixes`, repairs."""
    source = Source("module.py", scaling.program(name, count).decode(), "utf-8", bom=False)
    counted = 0

    def count_it(_frame: object, event: str, _of: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    usual = sys.getprofile()
    sys.setprofile(count_it)
    try:
        check(source, Config(), fixes=fixes)
    finally:
        sys.setprofile(usual)
    return counted


@pytest.mark.parametrize("fixes", [False, True], ids=["findings", "repairs"])
@pytest.mark.parametrize("name", scaling.KINDS)
def test_the_work_grows_in_proportion(name: str, fixes: bool) -> None:
    calls(name, 1, fixes=fixes)  # what is loaded once
    most = MOST_GROWTH * calls(name, FEW, fixes=fixes)
    assert calls(name, 2 * FEW, fixes=fixes) < most
