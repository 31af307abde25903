"""Suppressing comments, held against flake8's own reading."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from flake8 import defaults
from flake8.processor import FileProcessor
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix import suppress
from atomic_fix.finding import Finding, Position, Span
from atomic_fix.source import Source
from atomic_fix.suppress import Suppressions


def source(text: str) -> Source:
    return Source("case.py", text, "utf-8", bom=False)


def finding(row: int, code: str = "ATF101") -> Finding:
    span = Span(Position(row, 1), Position(row, 2))
    return Finding(code, "in-place-write", "case.py", span, "m")


def covered(text: str, row: int, code: str = "ATF101") -> bool:
    return Suppressions.of(source(text)).covers(finding(row, code))


def test_the_patterns_are_those_of_flake8() -> None:
    assert suppress.NOQA_INLINE.pattern == defaults.NOQA_INLINE_REGEXP.pattern
    assert suppress.NOQA_FILE.pattern == defaults.NOQA_FILE.pattern


PIECES = st.sampled_from(
    ["a = 1", "b = (", ")", '"""', "x  # noqa", "y  # noqa: ATF101", "\\", "", "    z = 2", "é"]
)


@given(st.lists(PIECES, max_size=12))
def test_lines_that_noqa_covers_are_those_of_flake8(pieces: list[str]) -> None:
    text = "\n".join(pieces) + "\n"
    options = argparse.Namespace(
        hang_closing=False, indent_size=4, max_doc_length=None, max_line_length=79,
        stdin_display_name="stdin", disable_noqa=False, verbose=0,
    )  # fmt: skip
    lines = [f"{line}\n" for line in pieces]
    mapping = FileProcessor("case.py", options, lines=lines)._noqa_line_mapping
    ours = Suppressions.of(source(text)).lines
    for row in range(1, len(pieces) + 1):
        theirs = suppress.NOQA_INLINE.search(mapping.get(row) or "")
        mine = suppress.NOQA_INLINE.search(ours.get(row, ""))
        assert (theirs and theirs["codes"]) == (mine and mine["codes"]), row


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("x = 1\n", 1, False),
        ("x = 1  # noqa\n", 1, True),
        ("x = 1  # NOQA:ATF101\n", 1, True),
        ("x = 1  # noqa: ATF1\n", 1, True),
        ("x = 1  # noqa: E501,ATF101\n", 1, True),
        ("x = 1  # noqa: ATF201\n", 1, False),
        ("x = 1  # noqa: atf101\n", 1, False),
        ("# flake8: noqa\nx = 1\n", 2, True),
        ("x = (  # noqa\n    1)\n", 2, False),
        ('x = """\n"""  # noqa\n', 1, True),
        ("x = (\n", 1, False),
        ("x = 1\r\ny = 2  # noqa\r\n", 2, True),
        ("x = 1\x0c\ny = 2  # noqa\n", 2, True),
    ],
)
def test_noqa(text: str, row: int, expected: bool) -> None:
    assert covered(text, row) is expected


def test_ranges() -> None:
    text = "a\n# atomic-fix: off\nb\nc\n#atomic-fix: on (again)\nd\n# atomic-fix: off\ne\n"
    assert [row for row in range(1, 9) if covered(text, row)] == [3, 4, 8]


def test_ranges_need_a_line_of_their_own() -> None:
    assert not covered("a = 1  # atomic-fix: off\nb\n", 2)


def test_unused_comments_are_told() -> None:
    text = "a  # noqa: ATF101\nb  # noqa: ATF101, ATF201\nc  # noqa\nd  # noqa: E501\n"
    found = Suppressions.of(source(text)).unused([finding(1), finding(2, "ATF201"), finding(3)])
    assert found == ((2, "ATF101"),)


def test_fixtures_of_this_repository_hold_no_suppressions() -> None:
    for path in (Path(__file__).parent.parent / "fixtures").glob("*/*.py"):
        assert "noqa" not in path.read_text(encoding="utf-8"), path
