"""The lookups in syntax trees agree with Python and LibCST."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst

from atomic_fix.facts import nodes
from atomic_fix.facts.tree import Tree
from atomic_fix.finding import Position
from atomic_fix.fixes import cst_tree
from atomic_fix.source import Source

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))
# Of some kinds of nodes LibCST visits a field only when there is something in it.
ODD = "x = f'{a}{b:{c}>{d}}{e!r:f}'\ndef f[T](a, /, *b: int, c=1, **d) -> T: pass\n"


def texts() -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in FIXTURES]


def test_children_are_those_of_libcst() -> None:
    for text in [ODD, *texts()]:
        try:
            stack: list[cst.CSTNode] = [cst.parse_module(text)]
        except cst.ParserSyntaxError:
            continue
        while stack:
            node = stack.pop()
            found = cst_tree.children(node)
            assert [id(each) for each in found] == [id(each) for each in node.children]
            stack += found


def test_every_node_of_python_is_met_once_and_in_order() -> None:
    for text in texts():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        marks = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
        met = list(nodes.walk(tree))
        assert len(met) == len(set(met))
        assert {*met} == {each for each in ast.walk(tree) if not isinstance(each, marks)}
        rows = [each.lineno for each in met if isinstance(each, ast.stmt)]
        assert rows == sorted(rows)


def test_arguments_are_in_the_order_of_the_file() -> None:
    call = ast.parse("f(a, *b, k=1, *c, **d)").body[0].value  # type: ignore[attr-defined]
    found = [(a.star, a.keyword, nodes.code_of(a.value)) for a in nodes.arguments(call)]
    assert found == [
        ("", "", "a"),
        ("*", "", "b"),
        ("", "k", "1"),
        ("*", "", "c"),
        ("**", "", "d"),
    ]
    assert nodes.argument(call, 0) is call.args[0]
    assert nodes.argument(call, 1) is None  # nobody knows how many `b` is
    assert nodes.argument(call, None, "k") is call.keywords[0].value


def test_a_number_that_python_does_not_print_has_code() -> None:
    assert nodes.code_of(ast.parse(f"f(0x{'f' * 9000})")) == "?"


def test_nodes_are_found_in_the_order_of_the_file() -> None:
    module = ast.parse("a = 1\ndef f():\n    b = 2\n    c = 3\n")
    names = [node.targets[0] for node in nodes.of_kind(module, ast.Assign)]
    assert [each.id for each in names if isinstance(each, ast.Name)] == ["a", "b", "c"]
    assert nodes.parents_in(module)[module.body[0]] is module
    assert nodes.of_kind(module, ast.Assign) is nodes.of_kind(module, ast.Assign)
    nodes.forget_nodes()
    assert nodes.of_kind.cache_info().currsize == nodes.parents_in.cache_info().currsize == 0


def test_columns_count_characters() -> None:
    source = Source("a.py", "# é\nx = 'éé' + open(p)\r\ny = 1\n", "utf-8", False)
    tree = Tree(source, ast.parse(source.text))
    (call,) = nodes.of_kind(tree.module, ast.Call)
    assert tree.span(call).start == Position(2, 12)
    assert tree.text(call) == "open(p)"


def pairs(text: str) -> tuple[int, list[str]]:
    """How many of Python's nodes have one of LibCST's, and the nodes that have none."""
    source = Source("a.py", text, "utf-8", False)
    tree = Tree(source, ast.parse(text))
    whole = cst_tree.CstTree(tree, text, 0, [tree.module])
    found, lost = 0, []
    for node in nodes.walk(tree.module):
        other = whole.of(node)
        if other is not None:
            found += 1
            assert whole.ast_node(other) is node
        elif isinstance(node, (ast.stmt, ast.Call, ast.ExceptHandler)):
            lost.append(ast.dump(node))
    return found, lost


def test_python_s_statements_calls_and_handlers_are_libcst_s() -> None:
    total = 0
    for text in texts():
        if "\f" in text or "\r" in text.replace("\r\n", ""):
            continue
        try:
            found, lost = pairs(text)
        except (SyntaxError, ValueError, cst.ParserSyntaxError):
            continue
        assert lost == []
        total += found
    assert total > 10_000


def test_parentheses_are_part_of_no_node() -> None:
    found, lost = pairs("x = ((a), b)\ny = sum((c) for c in (d))\nwith (open(p)) as f: pass\n")
    assert lost == []
    assert found > 12
