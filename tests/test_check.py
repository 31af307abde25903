"""A check leaves no reference cycles behind that the garbage collector would have to find."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.run import looking
from atomic_fix.run.discover import Candidate
from atomic_fix.run.looking import Look
from atomic_fix.settings import Settings
from atomic_fix.source import Source

ROOT = Path(__file__).parent.parent
STAYS = 500
"""Objects of a check that may know each other, of tens of thousands."""


def left_by(text: str, work: Callable[[Source], object]) -> int:
    """The number of objects that only the garbage collector can free after a file was checked."""
    source = Source("state.py", text, "utf-8", False)
    gc.collect()
    gc.disable()
    try:
        work(source)
        return gc.collect()
    finally:
        gc.enable()


def checked(source: Source) -> None:
    check(source, Config(), fixes=False)


def summarised(source: Source) -> None:
    content = source.text.encode()
    seen = looking.seen_in(content, Candidate("state.py", Settings()), Look("state.py"))
    assert seen is not None
    assert seen.summary is not None


@pytest.mark.parametrize("name", ["runtime.py", "facts/sites.py", "run/cache.py", "run/git.py"])
def test_a_file_without_a_finding_is_freed_at_once(name: str) -> None:
    text = (ROOT / "src" / "atomic_fix" / name).read_text(encoding="utf-8")
    left_by(text, checked)  # what is loaded once
    assert left_by(text, checked) < STAYS


@pytest.mark.parametrize("name", ["runtime.py", "run/helper_import.py", "run/store.py"])
def test_a_file_that_is_summarised_is_freed_at_once(name: str) -> None:
    text = (ROOT / "src" / "atomic_fix" / name).read_text(encoding="utf-8")
    left_by(text, summarised)
    assert left_by(text, summarised) < STAYS


def test_a_file_with_findings_is_freed_at_once() -> None:
    block = (ROOT / "fixtures" / "in-place-write" / "bound_again.py").read_text(encoding="utf-8")
    text = block + "\n\ndef other(x):\n    return [y.z for y in x if y.z(x)]\n" * 200
    left_by(text, checked)
    assert left_by(text, checked) < STAYS
