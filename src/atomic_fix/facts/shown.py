"""Files that are only read to be printed to standard output."""

from __future__ import annotations

import ast

from atomic_fix.facts.loads import LoadSite
from atomic_fix.facts.nodes import dotted, of_kind, parents_in

_SHOWING = frozenset({
    "click.echo", "pprint", "pprint.pprint", "print", "sys.stderr.write", "sys.stderr.writelines",
    "sys.stdout.buffer.write", "sys.stdout.write", "sys.stdout.writelines",
})  # fmt: skip
_COPYING = frozenset({"copyfileobj", "shutil.copyfileobj"})
_STREAMS = frozenset({"sys.stderr", "sys.stdout", "sys.stdout.buffer"})
_MOST_NAMES = 3


def is_only_shown(load: LoadSite) -> bool:
    """Whether the content of a file is only printed."""
    return _goes_there(load.call.node, load.function.node, _MOST_NAMES)


def _goes_there(node: ast.AST, code: ast.AST, depth: int) -> bool:
    """Whether a value is only printed to standard output."""
    parents = parents_in(code)
    above = parents.get(node)
    while isinstance(
        above,
        (ast.Attribute, ast.BinOp, ast.FormattedValue, ast.JoinedStr, ast.Starred, ast.Subscript),
    ) or (isinstance(above, ast.Call) and above.func is node):
        node, above = above, parents.get(above)
    match above:
        case ast.Call(func=function, args=arguments):
            name = dotted(function)
            if name in _COPYING:
                return len(arguments) > 1 and dotted(arguments[1]) in _STREAMS
            return name in _SHOWING
        case ast.withitem(optional_vars=ast.Name(id=name)):
            pass
        case ast.Assign(targets=[ast.Name(id=name)]):
            pass
        case ast.For(target=ast.Name(id=name), iter=source) if source is node:
            pass
        case _:
            return False
    if not depth:
        return False
    uses = [
        each
        for each in of_kind(code, ast.Name)
        if each.id == name and isinstance(each.ctx, ast.Load) and not _is_closed(parents.get(each))
    ]
    return bool(uses) and all(_goes_there(each, code, depth - 1) for each in uses)


def _is_closed(above: ast.AST | None) -> bool:
    return isinstance(above, ast.Attribute) and above.attr == "close"
