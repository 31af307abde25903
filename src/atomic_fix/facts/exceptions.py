"""Determines the exceptions that a handler catches."""

import ast

from atomic_fix.catalog import errors
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import dotted
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.scopes import FunctionFacts


def error_names(
    node: ast.expr | None, paths: Paths, function: FunctionFacts, depth: int = 3
) -> list[str]:
    """Last parts of the names of exceptions: tuples and aliases are followed."""
    if node is None or depth == 0:
        return []
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            pass
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.Starred(value=value):
            parts = [value]
        case _:
            return _named(node, paths, function, depth)
    return [name for part in parts for name in error_names(part, paths, function, depth)]


def _named(node: ast.expr, paths: Paths, function: FunctionFacts, depth: int) -> list[str]:
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
    full = paths.qualified(name).full or name
    last = full.rpartition(".")[2]
    head = full.rpartition(".")[0].rpartition(".")[2]
    if last in {"Error", "error", "LZMAError", "PickleError"}:
        return [f"{head}.{last}"]
    return [last]


def corrupt_errors(names: list[str]) -> tuple[tuple[str, ...], bool]:
    """The caught errors that mean "exists but unreadable", and whether all errors are caught."""
    found = (n for n in names if n in errors.CORRUPT or errors.CORRUPT_WORDS & {*words(n)})
    return tuple(found), not names or not errors.BROAD.isdisjoint(names)


def takes_value_error(handler: ast.ExceptHandler, paths: Paths, function: FunctionFacts) -> bool:
    """Whether the handler would catch a `ValueError`; true if unknown."""
    names = error_names(handler.type, paths, function)
    return not names or not {"ValueError", *errors.BROAD}.isdisjoint(names)
