"""`--add-noqa` puts comments where they take effect and do not break the code."""

from __future__ import annotations

import ast

import pytest

from atomic_fix.finding import Finding, Position, Span
from atomic_fix.source import Source, decode
from atomic_fix.suppress import Suppressions, add_noqa


def source(text: str) -> Source:
    decoded = decode(text.encode(), "a.py")
    assert isinstance(decoded, Source)
    return decoded


def finding(row: int, code: str = "ATF101") -> Finding:
    span = Span(Position(row, 1), Position(row, 2))
    return Finding(code, "in-place-write", "a.py", span, "written in place", noqa_row=row)


@pytest.mark.parametrize(
    ("before", "row", "after"),
    [
        ("f(x)\n", 1, "f(x)  # noqa: ATF101\n"),
        ("f(x)", 1, "f(x)  # noqa: ATF101"),
        ("f(x)   \n", 1, "f(x)  # noqa: ATF101\n"),
        ("f(x)  # why\n", 1, "f(x)  # why  # noqa: ATF101\n"),
        ("f(x)  # noqa: E501\n", 1, "f(x)  # noqa: E501,ATF101\n"),
        ("f(x)  # noqa:E501, W1 -- long\n", 1, "f(x)  # noqa:E501, W1,ATF101 -- long\n"),
        ("f(x)  # noqa: ATF101\n", 1, "f(x)  # noqa: ATF101\n"),
        ("f(\n    x,\n)\n", 1, "f(  # noqa: ATF101\n    x,\n)\n"),
        ("f(x, '''a\nb''')\n", 1, "f(x, '''a\nb''')  # noqa: ATF101\n"),
        ("f(x, f'''a\n{b}\nc''')\n", 2, "f(x, f'''a\n{b}\nc''')  # noqa: ATF101\n"),
        ("f(x, '''a\nb''', [\n1])\n", 1, "f(x, '''a\nb''', [  # noqa: ATF101\n1])\n"),
        ("f(x, '''a\nb''', [\n1])\n", 2, "f(x, '''a\nb''', [  # noqa: ATF101\n1])\n"),
        ("y = \\\n    f(x)\n", 1, "y = \\\n    f(x)  # noqa: ATF101\n"),
        (
            "a\nwith b, \\\n     f(x):\n    c\n",
            2,
            "a\nwith b, \\\n     f(x):  # noqa: ATF101\n    c\n",
        ),
        ("a\r\nf(x)\r\nb\r\n", 2, "a\r\nf(x)  # noqa: ATF101\r\nb\r\n"),
        ("a\rf(x)\rb\r", 2, "a\rf(x)  # noqa: ATF101\rb\r"),
        ("\x0cf('\x1c', '\u2028')\nb\n", 2, "\x0cf('\x1c', '\u2028')\nb  # noqa: ATF101\n"),
    ],
)
def test_the_comment_is_placed_where_it_applies(before: str, row: int, after: str) -> None:
    text = add_noqa(source(before), [finding(row)], "")
    assert text == after
    assert any(each.covers(finding(row)) for each in Suppressions.of(source(text)).comments)
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(before))


def test_codes_of_one_statement_share_a_comment_and_the_reason_follows() -> None:
    found = [finding(1), finding(1, "ATF115"), finding(1), finding(3)]
    assert add_noqa(source("a\nb\nc\n"), found, "a scratch file") == (
        "a  # noqa: ATF101,ATF115 -- a scratch file\nb\nc  # noqa: ATF101 -- a scratch file\n"
    )


def test_flake8_reads_the_codes_out_of_it() -> None:
    from flake8 import defaults

    # Its name has changed between the versions that are supported.
    names = ("NOQA_INLINE_REGEX", "NOQA_INLINE_REGEXP")
    pattern = next(getattr(defaults, name) for name in names if hasattr(defaults, name))
    text = add_noqa(source("a\n"), [finding(1), finding(1, "ATF115")], "E501 is no reason")
    found = pattern.search(text)
    assert found is not None
    assert found["codes"].replace(" ", "") == "ATF101,ATF115"


def test_a_text_that_is_no_python_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be split into tokens"):
        add_noqa(source("f('''\n"), [finding(1)], "")
