"""What the facts make of the expressions that give paths."""

from __future__ import annotations

import ast

import pytest

from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.scopes import collect

LAST = 1 << 30


def resolved(program: str, expression: ast.expr | str, function: str = "") -> PathValue:
    """What an expression at the end of a function, or of the module, is known of as a path."""
    scopes = collect(ast.parse(program))
    home = next(each for each in scopes.functions if each.name == function)
    node = expression
    if isinstance(node, str):
        node = ast.parse(node, mode="eval").body
    return Paths(scopes).resolve(node, home, LAST)


def test_a_sum_of_any_length_is_resolved() -> None:
    node: ast.expr = ast.Name("folder", ast.Load())
    for _ in range(5_000):
        node = ast.BinOp(node, ast.Add(), ast.Name("part", ast.Load()))
    node = ast.BinOp(node, ast.Add(), ast.Constant("state.json.tmp"))
    value = resolved("folder = part = 'a'", node)
    assert "temp" in value.traits
    assert "state.json.tmp" in {mention.text for mention in value.mentions}


def test_names_bound_in_a_circle_are_resolved() -> None:
    program = "a = b\nb = c\nc = a + '.tmp'\n"
    assert "temp" in resolved(program, "c").traits
    assert resolved("def save(path):\n    path = path\n", "path", "save").aliases


@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("'a/state.json'", "'a/state.json'"),
        ("b'state.json'", "'state.json'"),
        ("'state' '.json'", "'state.json'"),
        ("f'{folder}/state' '.json'", "{'data'}/state.json"),
        ("folder + '.tmp'", "append('data',.tmp)"),
        ("f'{folder}.tmp'", "append('data',.tmp)"),
        ("folder + '.' 'tmp'", "append('data',.tmp)"),
        ("'%s.tmp' % folder", "append('data',.tmp)"),
        ("'{}.tmp'.format(*[folder])", "append(?,.tmp)"),
        ("os.path.join(folder, 'state.json')", "join('data','state.json')"),
        ("os.path.join(*[folder], 'state.json')", "join(?,'state.json')"),
        ("Path(folder) / 'state.json'", "join('data','state.json')"),
        ("Path(folder, 'state.json', **more)", "join('data','state.json')"),
        ("config['path']", "#0:config[path]"),
        ("config[1]", "#0:config[1]"),
        ("config[True]", "#0:config[?]"),
        ("config[:1]", "#0:config[?]"),
        ("None or folder", "'data'"),
        ("(await folder)", "'data'"),
        ("(found := folder)", "'data'"),
        ("tempfile.mkdtemp()", "temp:1:0"),
        ("None", "?"),
        ("3", "?"),
    ],
)
def test_key(expression: str, key: str) -> None:
    program = "import os, tempfile\nfrom pathlib import Path\nfolder = 'data'\n"
    assert resolved(program, expression).key == key


def test_a_very_large_number_is_no_key() -> None:
    assert resolved("", f"config[0x{'f' * 5_000}]").key == "#0:config[?]"


def test_choices_of_any_number_are_weighed_alike() -> None:
    chosen = "'a.json' or 'b.json' or 'c.json'"
    for expression in (chosen, "'a.json' or ('b.json' or 'c.json')"):
        value = resolved("", expression)
        assert value.aliases == {"lit:a.json", "lit:b.json", "lit:c.json"}
    assert resolved("", chosen).key == "?"


def test_two_temp_files_are_not_the_same() -> None:
    program = "import tempfile\na, b = tempfile.mktemp(), tempfile.mktemp()\n"
    assert not resolved(program, "a").same(resolved(program, "b"))
    assert resolved(program, "a").same(resolved(program + "c = a\n", "c"))
