"""Texts that are read, extended and written back to the same file: notes, memories, diaries."""

import ast
from collections.abc import Iterator
from itertools import islice

from atomic_fix.facts.nodes import arguments, dotted
from atomic_fix.facts.scopes import BindingKind, Call, FunctionFacts
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.writes import WriteKind, WriteSite

_STEPS = 6
_CALLERS = 3
_SHAPING = frozenset({"lstrip", "rstrip", "strip"})
_ADDING = frozenset({"append", "extend", "insert"})

Place = tuple[ast.expr, Call]


FirstAdditions = dict[tuple[FunctionFacts, str], int]
"""Where a function first adds to a list, by function and the name of the list."""


def first_additions(sites: Sites) -> FirstAdditions:
    """Where the functions of a module first add to their lists: computed once, since each write
    needs it."""
    found: FirstAdditions = {}
    for method in sorted(_ADDING):
        for call in sites.scopes.callers_of(method):
            name = dotted(call.receiver)
            if name is not None and arguments(call.node):
                key = call.function, name
                found[key] = min(call.order, found.get(key, call.order))
    return found


def is_extended(sites: Sites, additions: FirstAdditions, write: WriteSite) -> bool:
    """Whether the written content is the old content with something added."""
    return any(
        _is_extension(sites, additions, node, at, write)
        for written in written_values(sites, write)
        for node, at in _followed(sites, written, write.call)
    )


def written_values(sites: Sites, write: WriteSite) -> list[ast.expr]:
    """The whole content that is written; nothing where it is written in pieces."""
    if write.kind is WriteKind.WHOLE:
        return [each.value for each in write.call.arguments[:1]]
    if write.kind is not WriteKind.OPEN:
        return []
    handle = sites.handles.handle_name(write.call)
    uses = sites.handles.uses(handle, write.call) if handle is not None else []
    writes = [each for each in uses if each.name in {f"{handle}.write", f"{handle}.writelines"}]
    # If it is written in several pieces, their content is unknown.
    return [arg.value for each in writes for arg in each.arguments[:1]] if len(writes) == 1 else []


def _followed(sites: Sites, node: ast.expr, at: Call, steps: int = _STEPS) -> Iterator[Place]:
    """An expression and its possible values: through names, parameters, and return values of the
    module's functions."""
    yield node, at
    if steps == 0 or not isinstance(node, ast.Name):
        return
    bound = sites.paths.bindings(node.id, at.function, at.order)
    for binding in bound[-1:]:
        if binding.kind is not BindingKind.ASSIGN:
            return
        value, place = binding.value, at.at(binding)
        if not binding.unpacked:
            yield from _followed(sites, value, place, steps - 1)
        if not isinstance(value, ast.Call):
            continue
        for callee in sites.paths.callees(value, binding.function)[:1]:
            for returned in callee.returns[-1:]:
                part: ast.expr | None = returned.value
                for index in binding.unpacked:
                    elements = part.elts if isinstance(part, ast.Tuple) else []
                    part = elements[index] if index < len(elements) else None
                if part is not None:
                    yield from _followed(sites, part, at.at(returned), steps - 1)
    function = at.function
    if bound or function.parameter(node.id) is None:
        return
    position = function.parameter_position(node.id)
    for other in islice(sites.scopes.callers_of(function.name), _CALLERS):
        given = other.argument(position, node.id)
        if given is not None and function in sites.paths.callees(other.node, other.function):
            yield from _followed(sites, given, other, steps - 1)


def _is_extension(
    sites: Sites, additions: FirstAdditions, node: ast.expr, at: Call, write: WriteSite
) -> bool:
    pieces = _pieces(node)
    if len(pieces) == 1:
        return _is_added_to(sites, additions, pieces[0], at, write)
    held = [_is_held(sites, each, at, write) for each in pieces]
    return any(held) and any(
        not isinstance(piece, ast.Constant) and not old
        for piece, old in zip(pieces, held, strict=True)
    )


def _pieces(node: ast.expr) -> list[ast.expr]:
    """The parts of a text."""
    match node:
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [*_pieces(left), *_pieces(right)]
        case ast.JoinedStr(values=values):
            return [each.value if isinstance(each, ast.FormattedValue) else each for each in values]
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _SHAPING:
            return _pieces(inner)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.List(elts=parts)]):
            return parts
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.Name() as lines]):
            return [lines]
    return [node]


def _is_held(sites: Sites, node: ast.expr, at: Call, write: WriteSite) -> bool:
    """Whether an expression is the old text of the file."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _SHAPING:
            return _is_held(sites, inner, at, write)
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            return _is_held(sites, first, at, write)
        case ast.Name() | ast.Attribute() | ast.Call():
            origin = sites.handles.origin(node, at)
            return origin is not None and any(
                sites.handles.resolve(each, place).same(origin[0])
                for each, place in _followed(sites, write.path_node, write.call)
            )
    return False


def _is_added_to(
    sites: Sites, additions: FirstAdditions, node: ast.expr, at: Call, write: WriteSite
) -> bool:
    """`text += entry`, `lines.append(entry)`, where that was read from the file."""
    if not isinstance(node, ast.Name):
        return False
    name = node.id
    adds = (
        any(
            each.kind is BindingKind.ADD and each.order < at.order
            for each in at.function.bindings.get(name, ())
        )
        or additions.get((at.function, name), at.order) < at.order
    )
    return adds and _is_held(sites, node, at, write)
