"""Comments that suppress findings: flake8 itself defines what `# noqa` means, on every Python."""

from __future__ import annotations

import argparse

import pytest
from flake8 import defaults
from flake8.processor import FileProcessor
from flake8.violation import Violation
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix.finding import Finding, Position, Span
from atomic_fix.source import Source
from atomic_fix.suppress import Reach, Suppressions


def source_of(text: str) -> Source:
    return Source("module.py", text, "utf-8", bom=False)


def finding_on(row: int, code: str = "ATF101") -> Finding:
    start = Position(row, 1)
    return Finding(code, "in-place-write", "module.py", Span(start, start), "message")


def covered_rows(text: str, code: str = "ATF101") -> list[int]:
    source = source_of(text)
    suppressions = Suppressions.of(source)
    rows = range(1, len(source.line_starts) + 1)
    return [
        row
        for row in rows
        if any(each.covers(finding_on(row, code)) for each in suppressions.comments)
    ]


def rows_covered_by_flake8(text: str, code: str) -> list[int]:
    """The rows on which flake8 would report nothing, according to flake8's own code."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number_of_rows = len(lines)
    options = argparse.Namespace(
        hang_closing=False,
        indent_size=4,
        max_line_length=79,
        max_doc_length=None,
        verbose=0,
        disable_noqa=False,
        stdin_display_name="stdin",
    )
    with_ends = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    processor = FileProcessor("module.py", options, lines=with_ends)
    if processor.should_ignore_file():
        return list(range(1, number_of_rows + 1))
    covered = []
    for row in range(1, number_of_rows + 1):
        # Without a mapping flake8 reads the physical line from the disk.
        line = processor.noqa_line_for(row)
        physical = line if line is not None else lines[row - 1]
        if Violation(code, "module.py", row, 1, "", physical).is_inline_ignored(False):
            covered.append(row)
    return covered


TEXTS = {
    "bare": "a = 1  # noqa\nb = 2\n",
    "code": "a = 1  # noqa: ATF101\nb = 2  # noqa: ATF201\n",
    "several codes": "a = 1  # noqa: E501,ATF101\nb = 2  # noqa:E501 ATF101\n",
    "prefix": "a = 1  # noqa: ATF1\nb = 2  # noqa: ATF2\nc = 3  # noqa: A1\n",
    "lower case": "a = 1  # NOQA\nb = 2  # NoQA: ATF101\nc = 3  # noqa: atf101\n",
    "reason": "a = 1  # noqa: ATF101 -- the file is scratch\nb = 2  # noqa: scratch file\n",
    "digits in the reason": "a = 1  # noqa: ATF201 as of py3\n",
    "no space, many spaces": "a = 1  #noqa\nb = 2  #  noqa\nc = 3  # noqa:  ATF201\n",
    "space before the colon": "a = 1  # noqa : ATF201\n",
    "glued": "a = 1  # noqaATF201\nb = 2  # noqa:ATF201ATF101\n",
    "first one counts": "a = 1  # noqa: E501  # noqa: ATF101\n",
    "inside a string": 'a = "# noqa"\nb = "# noqa: E501"  # noqa: ATF101\n',
    "string over rows": 'a = """one\ntwo\nthree"""  # noqa: ATF101\nb = 1\n',
    "noqa inside a string over rows": 'a = """one\n# noqa\nthree"""\nb = 1\n',
    "f-string over rows": 'a = f"""one {\n1}\nthree"""  # noqa\nb = 1\n',
    "backslash": "a = 1 + \\\n    2 + \\\n    3  # noqa\nb = 1\n",
    "parentheses": "a = (\n    1,\n    2,  # noqa\n    3,\n)\n",
    "string in parentheses": 'a = f(\n    """x\n    y""",  # noqa\n    1,\n)\n',
    "block": "def f():\n    return 1  # noqa\n\n\n# noqa\nx = 1\n",
    "file": "# flake8: noqa\na = 1\nb = 2\n",
    "file, further down": "a = 1\n    # flake8: NOQA\nb = 2\n",
    "file with codes": "# flake8: noqa: E501\na = 1\n",
    "file, with an equals sign": "# flake8=noqa\na = 1\n",
    "file, behind code": "a = 1  # flake8: noqa\nb = 1\n",
    "file, in a string": '"""\n# flake8: noqa\n"""\na = 1\n',
    "crlf": "a = 1  # noqa\r\nb = \\\r\n  2  # noqa\r\nc = 3\r\n",
    "lone carriage returns": "a = 1  # noqa\rb = 2\rc = 3  # noqa",
    "form feed": "a = 1\n\x0c\nb = 2  # noqa\n",
    "line separator in a string": 'a = "\u2028"  # noqa\nb = 1\n',
    "no end of the last row": "a = 1\nb = 2  # noqa",
    "does not tokenize": "a = (\nb = 1  # noqa\n'''\nc = 2\n",
    "does not indent": "  a = 1  # noqa\n b = 1\nc = 1\n",
    "codes run on in a string": 'a = """# noqa: E501,\nATF101 """\nb = 1\n',
    "empty": "",
}


@pytest.mark.parametrize("code", ["ATF101", "ATF201"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_noqa_means_what_it_means_to_flake8(text: str, code: str) -> None:
    assert covered_rows(text, code) == rows_covered_by_flake8(text, code)


def test_the_texts_above_have_covered_and_uncovered_rows() -> None:
    """Comparing nothing with nothing would prove nothing."""
    covered = {name: covered_rows(text) for name, text in TEXTS.items()}
    other = {name: covered_rows(text, "ATF201") for name, text in TEXTS.items()}
    assert sum(map(len, covered.values())) > 30
    assert sum(covered[name] != other[name] for name in TEXTS) > 5
    assert sum(text.count("\n") for text in TEXTS.values()) - sum(map(len, covered.values())) > 30


PIECES = st.sampled_from(
    [
        "# noqa", "# noqa: ATF101", "# noqa:E501", "# flake8: noqa", "# atomic-fix: off",
        "# atomic-fix: on", "\n", "\n", "\r\n", "\r", " ", "    ", "a = 1", '"""', "'''", "'", "(",
        ")", "\\", "\\\n", "def f():", 'f"', "{", "}", "é", "\x0c", "\t", ",", "$", "\ufeff",
        "\u2028",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_read_as_flake8_reads_it(text: str) -> None:
    # Decoding takes one off, flake8 a second one; what has two is no Python, and never analysed.
    text = text.lstrip("\ufeff")
    without_ranges = text.replace("atomic-fix", "other")
    assert covered_rows(without_ranges) == rows_covered_by_flake8(without_ranges, "ATF101")
    covered_rows(text)


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    covered_rows("# noqa # atomic-fix: off\n" + text)


def test_a_text_without_such_comments_is_not_split_into_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tokenize.generate_tokens", None)
    assert Suppressions.of(source_of("a = 1\n")) == Suppressions()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a\n# atomic-fix: off\nb\nc\n# atomic-fix: on\nd\n", [2, 3, 4, 5]),
        ("a\n# atomic-fix: off\nb\n", [2, 3, 4]),
        ("a  # atomic-fix: off\nb  # atomic-fix: on\nc\n", [1, 2]),
        ("#atomic-fix:off -- an old format\na\n", [1, 2, 3]),
        ("a  # type: ignore  # atomic-fix: off\n", [1, 2]),
        ("# atomic-fix: on\na\n", []),
        ("# atomic-fix: of\na\n", []),
        ("# atomic-fix: offline\na\n", []),
        ('a = "# atomic-fix: off"\nb\n', []),
    ],
)
def test_ranges(text: str, rows: list[int]) -> None:
    assert covered_rows(text) == rows


def test_ranges_hold_in_a_text_that_cannot_be_split_into_tokens() -> None:
    assert covered_rows("a\n# atomic-fix: off\n  b = (\n c\n# atomic-fix: on\n'''\nd\n") == [
        2,
        3,
        4,
        5,
    ]


def test_a_comment_has_place_codes_and_reason() -> None:
    text = 'a = """x\ny"""  # noqa: E501, ATF1 -- scratch: gone at exit\n# atomic-fix: off, old\n'
    line, whole_range = Suppressions.of(source_of(text)).comments
    assert line.reach is Reach.LINE
    assert source_of(text).slice(line.span) == "# noqa: E501, ATF1"
    assert line.codes == ("E501", "ATF1")
    assert line.reason == "scratch: gone at exit"
    assert (line.first_row, line.last_row) == (1, 2)
    assert source_of(text).slice(whole_range.span) == "# atomic-fix: off"
    assert whole_range.reason == "old"


def test_comments_are_filtered_by_reach() -> None:
    text = "# flake8: noqa\na  # noqa\n# atomic-fix: on\n# atomic-fix: off\n"
    suppressions = Suppressions.of(source_of(text))
    reaches = [each.reach for each in suppressions.comments]
    assert reaches == [Reach.FILE, Reach.LINE, Reach.NOTHING, Reach.RANGE]
    for reach in Reach:
        assert [each.reach for each in suppressions.only(reach).comments] == [reach]


def test_our_own_patterns_are_those_of_flake8() -> None:
    """If flake8 changes its patterns, ours need another look."""
    assert "# noqa(?::" in defaults.NOQA_INLINE_REGEXP.pattern
    assert defaults.NOQA_FILE.pattern == r"\s*# flake8[:=]\s*noqa"
