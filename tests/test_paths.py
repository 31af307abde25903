"""What the facts make of the expressions that give paths."""

from __future__ import annotations

import libcst as cst

from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.scopes import collect

LAST = 1 << 30


def resolved(program: str, expression: cst.BaseExpression | str, function: str = "") -> PathValue:
    """What an expression at the end of a function, or of the module, is known of as a path."""
    scopes = collect(cst.parse_module(program))
    home = next(each for each in scopes.functions if each.name == function)
    node = cst.parse_expression(expression) if isinstance(expression, str) else expression
    return Paths(scopes).resolve(node, home, LAST)


def test_a_sum_of_any_length_is_resolved() -> None:
    node: cst.BaseExpression = cst.Name("folder")
    for _ in range(5_000):
        node = cst.BinaryOperation(node, cst.Add(), cst.Name("part"))
    node = cst.BinaryOperation(node, cst.Add(), cst.SimpleString('"state.json.tmp"'))
    value = resolved("folder = part = 'a'", node)
    assert "temp" in value.traits
    assert "state.json.tmp" in {mention.text for mention in value.mentions}


def test_names_bound_in_a_circle_are_resolved() -> None:
    program = "a = b\nb = c\nc = a + '.tmp'\n"
    assert "temp" in resolved(program, "c").traits
    assert resolved("def save(path):\n    path = path\n", "path", "save").aliases
