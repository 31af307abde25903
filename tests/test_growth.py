"""The work for twice as much of one kind is twice the work.

Counted are the calls that Python makes: unlike seconds, they are the same on a busy machine.
`benchmarks/scaling.py` measures the seconds of the same programs, with their repairs.
"""

from __future__ import annotations

import sys

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.source import Source
from benchmarks import scaling

FEW, MOST_GROWTH = 40, 2.15


def calls(name: str, count: int) -> int:
    """The calls to look for the findings in a program."""
    source = Source("module.py", scaling.program(name, count).decode(), "utf-8", bom=False)
    counted = 0

    def count_it(_frame: object, event: str, _of: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    usual = sys.getprofile()
    sys.setprofile(count_it)
    try:
        check(source, Config(), fixes=False)
    finally:
        sys.setprofile(usual)
    return counted


@pytest.mark.parametrize("name", scaling.KINDS)
def test_the_work_grows_in_proportion(name: str) -> None:
    calls(name, 1)  # what is loaded once
    assert calls(name, 2 * FEW) < MOST_GROWTH * calls(name, FEW)
