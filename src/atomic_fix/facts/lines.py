"""Files that are read line by line into a container, from which they were written."""

import ast

from atomic_fix.facts.loads import LoadSite
from atomic_fix.facts.nodes import dotted, of_kind

_KEEPING = frozenset({"add", "append", "extend", "insert", "setdefault"})


def keeps_lines(load: LoadSite) -> bool:
    """Whether the function that opens a file iterates over its lines and stores their content."""
    function = load.function
    handles = {
        name
        for name, bound in function.bindings.items()
        if any(each.value is load.call.node for each in bound)
    }
    if not handles:
        return False
    for loop in of_kind(function.node, ast.For):
        if _is_of_lines(loop.iter, handles) and any(map(_keeps, loop.body)):
            return True
    return any(
        _is_of_lines(comprehension.generators[0].iter, handles)
        for kind in (ast.ListComp, ast.SetComp, ast.DictComp)
        for comprehension in of_kind(function.node, kind)
    )


def _is_of_lines(node: ast.expr, handles: set[str]) -> bool:
    """`handle`, `handle.readlines()`, `enumerate(handle)`."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "readlines":
            return dotted(node.func.value) in handles
        return dotted(node.func) == "enumerate" and any(dotted(a) in handles for a in node.args[:1])
    return dotted(node) in handles


def _keeps(statement: ast.stmt) -> bool:
    calls = (each.func for each in of_kind(statement, ast.Call))
    return any(isinstance(each, ast.Attribute) and each.attr in _KEEPING for each in calls) or any(
        isinstance(target, ast.Subscript)
        for each in of_kind(statement, ast.Assign)
        for target in each.targets
    )
