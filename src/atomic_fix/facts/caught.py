"""Which exceptions a handler takes."""

import libcst as cst

from atomic_fix.catalog import errors
from atomic_fix.facts.names import dotted, words
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.scopes import FunctionFacts


def error_names(
    node: cst.BaseExpression | None, paths: Paths, function: FunctionFacts, depth: int = 3
) -> list[str]:
    """Last parts of the names of exceptions: tuples and aliases are seen through."""
    if node is None or depth == 0:
        return []
    if isinstance(node, (cst.Tuple, cst.List)):
        return [
            name
            for element in node.elements
            for name in error_names(element.value, paths, function, depth)
        ]
    if isinstance(node, cst.BinaryOperation):
        return error_names(node.left, paths, function, depth) + error_names(
            node.right, paths, function, depth
        )
    name = dotted(node)
    if name is None:
        return []
    if "." not in name or name.startswith(("self.", "cls.")):
        bound = paths.bindings(name, function, 1 << 60)
        if name.startswith(("self.", "cls.")) and function.owner is not None:
            bound = paths.attribute(function.owner, name.partition(".")[2])
        for binding in bound[-1:]:
            found = error_names(binding.value, paths, binding.function, depth - 1)
            if found:
                return found
    full = paths.qualified(name) or name
    last = full.rpartition(".")[2]
    head = full.rpartition(".")[0].rpartition(".")[2]
    if last in {"Error", "error", "LZMAError", "PickleError"}:
        return [f"{head}.{last}"]
    return [last]


def corrupt_errors(names: list[str]) -> tuple[tuple[str, ...], bool]:
    """Those that say "there but unreadable", and whether all errors are taken."""
    found = (n for n in names if n in errors.CORRUPT or errors.CORRUPT_WORDS & {*words(n)})
    return tuple(found), not names or not errors.BROAD.isdisjoint(names)


def takes_value_error(handler: cst.ExceptHandler, paths: Paths, function: FunctionFacts) -> bool:
    """Whether a `ValueError` would end in the handler; true when it cannot be known."""
    names = error_names(handler.type, paths, function)
    return not names or not {"ValueError", *errors.BROAD}.isdisjoint(names)
