"""Which comments belong to a statement, and which are among the statements of a handler."""

from __future__ import annotations

import ast
import textwrap

import pytest

from atomic_fix.facts.comments import Comment, Comments
from atomic_fix.source import Source

PROGRAM = """\
    # top of the file

    import os  # behind an import

    # above the function

    # right above it
    @decorated  # behind a decorator
    def load():
        # first
        try:
            return read()  # in the try
        except (
            ValueError,  # an error
            OSError,
        ):  # behind the colon
            # among the statements

            log("# no comment")  # behind one
            return None
            # below the last one
        # next to the handler
    # of what follows
    def other():
        pass
    """


def comments(text: str, *, ends: str = "\n") -> tuple[Comments, ast.Module]:
    text = textwrap.dedent(text).replace("\n", ends)
    return Comments(Source("app.py", text, "utf-8", bom=False)), ast.parse(text)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_of_a_function(ends: str) -> None:
    found, module = comments(PROGRAM, ends=ends)
    assert [each.text for each in found.of(module.body[1])] == [
        "# above the function",
        "# right above it",
        "# behind a decorator",
        "# first",
        "# in the try",
        "# an error",
        "# behind the colon",
        "# among the statements",
        "# behind one",
        "# below the last one",
        "# next to the handler",
    ]


def test_those_at_the_top_of_the_file_belong_to_no_statement() -> None:
    found, module = comments(PROGRAM)
    assert found.of(module.body[0]) == [Comment(3, 12, "# behind an import")]


def test_among_the_statements_of_a_handler() -> None:
    found, module = comments(PROGRAM)
    handler = next(each for each in ast.walk(module) if isinstance(each, ast.ExceptHandler))
    assert [each.text for each in found.among(handler)] == [
        "# among the statements",
        "# behind one",
        "# below the last one",
    ]


def test_a_handler_on_one_row_has_none_among_its_statements() -> None:
    found, module = comments("try: load()\nexcept ValueError: pass  # why not\n")
    handler = next(each for each in ast.walk(module) if isinstance(each, ast.ExceptHandler))
    assert not found.among(handler)


def test_a_column_is_counted_in_characters() -> None:
    found, _ = comments('name = "ä€🙂"  # say\n')
    assert found.between(1, 1) == [Comment(1, 15, "# say")]
    assert not found.between(2, 9)


def handler_in(text: str) -> tuple[Comments, ast.ExceptHandler]:
    found, module = comments(text)
    return found, next(n for n in ast.walk(module) if isinstance(n, ast.ExceptHandler))


def test_above_a_handler() -> None:
    found, handler = handler_in(
        """\
        try:
            load()
            # of the try

        # of the handler
        # and more
        except ValueError:
            pass
        """
    )
    assert [each.text for each in found.above(handler)] == ["# of the handler", "# and more"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("except ValueError:", []),
        ("except ValueError:  # why", ["# why"]),
        ("except (\n    ValueError,  # an error\n):  # why", ["# why"]),
        ("except (ValueError,  # an error\n        OSError):", []),
    ],
)
def test_comment_after_the_colon_of_a_handler(head: str, expected: list[str]) -> None:
    found, handler = handler_in(f"try:\n    load()\n{head}\n    # among\n    pass  # behind\n")
    assert [each.text for each in found.after_colon(handler)] == expected


def test_a_one_row_handler_has_no_comment_after_its_colon() -> None:
    found, handler = handler_in("try: load()\nexcept ValueError: pass  # why not\n")
    assert not found.after_colon(handler)
