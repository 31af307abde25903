"""The module-level statements, found by their text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from atomic_fix.facts.nodes import FUNCTIONS, parents_in, walk
from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.fixes.texts import forget_texts, statements_of
from atomic_fix.parse.python import parse

FIXTURES = Path(__file__).parent.parent / "fixtures"
PROGRAM = '''\
"""What it is."""
from __future__ import annotations
import json; import os

# why
@decorated(
    by=json
)
class Store:
    x = 1; y = 2

    @property
    async def path(self): return self._path

    def load(self):
        try:
            with open(self.path) as file:
                return json.load(file)
        except ValueError as error:
            def inner(a=[each for each in os.environ]):
                return lambda: a
        else:
            pass
        finally:
            del self._path
    # below
match x:
    case {"a": b} if b:
        def late(): "a\\njson"
if x: pass; \\
y = 1
z = 2  # last
# end'''
PROGRAMS = {
    "made up": PROGRAM,
    "with returns": PROGRAM.replace("\n", "\r\n"),
    "empty": "",
    "comment": "# alone",
    **{
        str(path.relative_to(FIXTURES)): path.read_text("utf-8")
        for path in sorted(FIXTURES.rglob("*.py"))[::7]
    },
}


def of(text: str) -> Statements:
    return Statements(parse(text), rows_of(text))


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_chunks_are_the_text_and_hold_each_statement_once(text: str) -> None:
    statements = of(text)
    assert "".join(each.text for each in statements.chunks) == text
    held = [each for chunk in statements.chunks for each in chunk.statements]
    assert held == statements.module.body
    for chunk in statements.chunks:
        alone = ast.parse(chunk.text).body
        assert [*map(ast.dump, alone)] == [*map(ast.dump, chunk.statements)]


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_what_stands_around_a_node(text: str) -> None:
    statements = of(text)
    parents = parents_in(statements.module)
    for node in walk(statements.module):
        if isinstance(node, (ast.expr, ast.stmt, ast.ExceptHandler)):
            around: list[ast.AST] = []
            above: ast.AST = node
            while above in parents:
                above = parents[above]
                if isinstance(above, (ast.ClassDef, *FUNCTIONS)):
                    around.insert(0, above)
            assert statements.enclosing(node) == around


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_no_statement_that_names_something_is_left_out(text: str) -> None:
    statements = of(text)
    for statement in statements.module.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                assert statement in statements.naming(node.id)
                assert statement in statements.that_may_name([node.id])


def test_names_are_those_that_python_takes() -> None:
    statements = of("ｊson = 1\na = '\\njson'\nb = jsons\n")
    assert statements.naming("json") == statements.module.body[:2]
    assert statements.naming("nothing") == []
    # A string may stand in a longer one.
    assert statements.that_may_name(["json"]) == statements.module.body


def test_what_two_texts_do_not_have_in_common() -> None:
    old, new = of("a\nb\n\n# c\nc\nb\n"), of("a\nd\n\n# c\nc\nb\n# end\n")
    assert [each.text for each in old.not_in(new)] == ["b\n"]
    assert [each.text for each in new.not_in(old)] == ["d\n", "# end\n"]
    assert old.not_in(old) == []


def test_rows_that_another_text_has_not() -> None:
    old = of("a\nif b:\n    c  # c\n    d\n    d\n")
    new = of("a\nif b:\n    d\n    e\n    c  # c\n")
    assert old.rows_not_in(new) == {"    d\n": 1}
    assert new.rows_not_in(old) == {"    e\n": 1}
    assert not old.rows_not_in(old)


def test_a_text_is_parsed_once_until_it_is_let_go() -> None:
    text = "x = 1  # parsed once\n"
    assert statements_of(text).module is statements_of(text).module is parse(text)
    known = parse(text)
    forget_texts()
    assert parse(text) is not known
    assert statements_of(text).module is parse(text)
    forget_texts()
