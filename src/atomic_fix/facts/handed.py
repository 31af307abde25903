"""Functions that are passed to another one, which calls them: an executor, a thread, a loop."""

import ast
from collections.abc import Sequence

from atomic_fix.facts.nodes import dotted, last_name, string
from atomic_fix.facts.scopes import Call


def handed_function(call: Call, wanted: frozenset[str]) -> ast.expr | None:
    """The argument of a call that is a function with one of these last names."""
    # Runs for every call of a file.
    for node in call.node.args:
        kind = type(node)
        if kind is ast.Attribute:
            if node.attr in wanted:  # type: ignore[attr-defined]
                return node
        elif kind is ast.Name and node.id in wanted:  # type: ignore[attr-defined]
            return node
    for each in call.node.keywords:
        value = each.value
        if isinstance(value, (ast.Attribute, ast.Name)) and last_name(value) in wanted:
            return value
    return None


def call_of_handed(call: Call, function: ast.expr) -> Call:
    """The call of a function that another call makes with it, as far as visible.

    `to_thread(path.write_text, text)`, `Thread(target=path.write_text, args=(text,))` and
    `apply_async(path.write_text, [text])` are all the call `path.write_text(text)`.
    """
    given = call.node.args
    positional: Sequence[ast.expr] = ()
    keywords: list[ast.keyword] = []
    if function in given:
        positional = given[given.index(function) + 1 :]
        keywords = [*call.node.keywords]
    else:
        # Its other keywords are about the thread.
        keywords = [each for each in call.node.keywords if each.arg in {"args", "kwargs"}]
    if len(positional) == 1 and isinstance(positional[0], (ast.Tuple, ast.List)):
        positional = positional[0].elts
    for each in keywords:
        if each.arg == "args" and isinstance(each.value, (ast.Tuple, ast.List)):
            positional = [*positional, *each.value.elts]
    own = [each for each in keywords if each.arg not in {"args", "kwargs"}]
    for each in keywords:
        if each.arg == "kwargs" and isinstance(each.value, ast.Dict):
            own += [
                ast.copy_location(ast.keyword(string(key), value), value)
                for key, value in zip(each.value.keys, each.value.values, strict=True)
                if string(key)
            ]
    node = ast.copy_location(ast.Call(function, [*positional], own), call.node)
    return Call(call.order, node, call.function, call.enclosing, dotted(function), call.source_node)
