"""What is looked up in LibCST's trees is what LibCST says."""

from pathlib import Path

import libcst as cst

from atomic_fix.facts.names import children, forget_nodes, of_kind, parents_in

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))
# Of some kinds of nodes LibCST visits a field only when there is something in it.
ODD = "x = f'{a}{b:{c}>{d}}{e!r:f}'\ndef f[T](a, /, *b: int, c=1, **d) -> T: pass\n"


def test_children_are_those_of_libcst() -> None:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in FIXTURES]
    for text in [ODD, *texts]:
        try:
            stack: list[cst.CSTNode] = [cst.parse_module(text)]
        except cst.ParserSyntaxError:
            continue
        while stack:
            node = stack.pop()
            found = children(node)
            assert [id(each) for each in found] == [id(each) for each in node.children]
            stack += found


def test_nodes_are_found_in_the_order_of_the_file() -> None:
    module = cst.parse_module("a = 1\ndef f():\n    b = 2\n    c = 3\n")
    names = [node.targets[0].target for node in of_kind(module, cst.Assign)]
    assert [each.value for each in names if isinstance(each, cst.Name)] == ["a", "b", "c"]
    assert parents_in(module)[module.body[0]] is module
    assert of_kind(module, cst.Assign) is of_kind(module, cst.Assign)
    forget_nodes()
    assert of_kind.cache_info().currsize == parents_in.cache_info().currsize == 0
