"""Texts that are read, extended and written back to the same file: notes, memories, diaries. And
lines that are read, edited and written back: settings of a system or of another program."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from atomic_fix.facts.nodes import FORS, arguments, dotted, of_kind
from atomic_fix.facts.paths.expr import Element, Join, PathExpr
from atomic_fix.facts.scopes import BindingKind, Call, FunctionFacts
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.writes import WriteKind, WriteSite, data_of

_STEPS = 6
_CALLERS = 3
_LOOPS = 8
_NAMES = 16
_SHAPING = frozenset({"lstrip", "rstrip", "strip"})
_ADDING = frozenset({"add", "append", "extend", "insert", "update"})
_REMOVING = frozenset({"discard", "pop", "remove"})
_SAME_ITEMS = frozenset({"list", "reversed", "set", "sorted"})
_BINDINGS = 3

Place = tuple[ast.expr, Call]


@dataclass(frozen=True)
class Lists:
    """How the functions of a module change their lists: found once, since each write needs it. The
    keys are a function and the name of the list."""

    added: dict[tuple[FunctionFacts, str], int]
    """Where something is first added."""
    filled: dict[tuple[FunctionFacts, str], list[tuple[ast.expr, Call]]]
    """What is iterated over while something is added, with the call that adds it."""
    removed: dict[tuple[FunctionFacts, str], int]
    """Where an item is first removed by a method."""
    changed: dict[FunctionFacts, frozenset[str]] = field(default_factory=dict)
    """The lists with an item that is set or removed, by function: filled by `is_changed`."""

    def is_changed(self, function: FunctionFacts, name: str) -> bool:
        """Whether an item is set or removed."""
        if function not in self.changed:
            self.changed[function] = frozenset(
                target.value.id
                for kind in (ast.Assign, ast.Delete)
                for statement in of_kind(function.node, kind)
                for target in statement.targets
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)
            )
        return name in self.changed[function]


def lists(sites: Sites) -> Lists:
    """How the functions of a module change their lists."""
    found = Lists({}, {}, {})
    for method in sorted(_REMOVING):
        for call in sites.scopes.callers_of(method):
            name = dotted(call.receiver)
            if name is not None:
                key = call.function, name
                found.removed[key] = min(call.order, found.removed.get(key, call.order))
    for method in sorted(_ADDING):
        for call in sites.scopes.callers_of(method):
            name = dotted(call.receiver)
            if name is not None and arguments(call.node):
                key = call.function, name
                found.added[key] = min(call.order, found.added.get(key, call.order))
                for block in call.enclosing:
                    if isinstance(block.node, FORS) and len(found.filled.get(key, ())) < _LOOPS:
                        found.filled.setdefault(key, []).append((block.node.iter, call))
    return found


def is_edited(sites: Sites, lists: Lists, write: WriteSite) -> bool:
    """Whether the written lines are the old ones, of which some were changed. A loop over files
    edits the texts of a project."""
    return not _is_one_of_many(write.path.expr) and any(
        _is_of_edited_lines(sites, lists, piece, at, write)
        or _is_of_kept_entries(sites, lists, piece, at, write)
        for piece, at in _written_pieces(sites, write)
    )


def loses_entries(sites: Sites, lists: Lists, write: WriteSite) -> bool:
    """Whether the written lines are the old ones without some of them, which were removed by value
    or are too many: so lists are kept up, and no texts are edited."""
    return not _is_one_of_many(write.path.expr) and any(
        _is_of_kept_entries(sites, lists, piece, at, write)
        for piece, at in _written_pieces(sites, write)
    )


def _written_pieces(sites: Sites, write: WriteSite) -> Iterator[Place]:
    for written in written_values(sites, write):
        for node, at in _followed(sites, written, write.call):
            for piece in _pieces(node):
                yield piece, at


def _is_one_of_many(path: PathExpr) -> bool:
    return isinstance(path, Element) or (isinstance(path, Join) and _is_one_of_many(path.parts[-1]))


def _is_of_edited_lines(
    sites: Sites, lists: Lists, node: ast.expr, at: Call, write: WriteSite
) -> bool:
    match node:
        case ast.ListComp(generators=[source, *_]) | ast.GeneratorExp(generators=[source, *_]):
            return _is_held(sites, source.iter, at, write)
        case ast.Name(id=name):
            if lists.is_changed(at.function, name) and _is_held(sites, node, at, write):
                return True
            if any(
                _is_choice(value) and _has_items_of(sites, value, place, write)
                for value, place in _bound_to(sites, name, at)
            ):
                return True
            return any(
                call.order < at.order and _is_held(sites, _iterated(lines), call, write)
                for lines, call in lists.filled.get((at.function, name), ())
            )
    return False


def _is_choice(node: ast.expr) -> bool:
    """`[line for line in lines if line]`"""
    return isinstance(node, (ast.ListComp, ast.SetComp)) and bool(node.generators[0].ifs)


def _is_of_kept_entries(
    sites: Sites, lists: Lists, node: ast.expr, at: Call, write: WriteSite
) -> bool:
    """Whether a list holds the old lines after `lines.remove(entry)`, or the first or last of them:
    `lines[-limit:]`."""
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)) and len(node.generators) == 1:
        node = node.generators[0].iter
    if not isinstance(node, ast.Name):
        return False
    if lists.removed.get((at.function, node.id), at.order) < at.order:
        return _has_items_of(sites, node, at, write)
    return any(
        _is_cut(value) and _has_items_of(sites, value, place, write)
        for value, place in _bound_to(sites, node.id, at)
    )


def _is_cut(node: ast.expr) -> bool:
    """`lines[-limit:]`, also in reverse order. The limit is no literal: `lines[1:]` leaves out a
    heading."""
    while isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        bounds = (node.slice.lower, node.slice.upper)
        if any(each is not None and list(of_kind(each, ast.Name)) for each in bounds):
            return True
        node = node.value
    return False


def _has_items_of(
    sites: Sites, node: ast.expr, at: Call, write: WriteSite, steps: int = _STEPS
) -> bool:
    """Whether an expression is a list of the old lines: stripped, chosen, cut or in another
    order."""
    if steps == 0:
        return False
    match node:
        case ast.ListComp(generators=[source]) | ast.SetComp(generators=[source]):
            return _has_items_of(sites, source.iter, at, write, steps - 1)
        case ast.Subscript(value=inner, slice=ast.Slice()):
            return _has_items_of(sites, inner, at, write, steps - 1)
        case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _SAME_ITEMS:
            return _has_items_of(sites, inner, at, write, steps - 1)
        case ast.Name(id=name) if any(
            _has_items_of(sites, value, place, write, steps - 1)
            for value, place in _bound_to(sites, name, at)
            if not isinstance(value, ast.Name)
        ):
            return True
    return _is_held(sites, node, at, write)


def _bound_to(sites: Sites, name: str, at: Call) -> Iterator[Place]:
    """The values that a name had last."""
    for binding in sites.paths.bindings(name, at.function, at.order)[-_BINDINGS:]:
        if binding.kind is BindingKind.ASSIGN and not binding.unpacked:
            yield binding.value, at.at(binding)


def _iterated(node: ast.expr) -> ast.expr:
    """`lines` in `enumerate(lines)`."""
    match node:
        case ast.Call(func=ast.Name("enumerate"), args=[lines, *_]):
            return lines
    return node


def is_carried_on(sites: Sites, write: WriteSite) -> bool:
    """Whether the data that is written has been parsed from the file, at least in part."""
    if not any(not load.raw and load.path.same(write.path) for load in sites.loads):
        return False
    names = {
        dotted(each): each
        for data in data_of(sites.handles, write)
        for kind in (ast.Name, ast.Attribute)
        for each in of_kind(data, kind)
    }
    return any(
        origin[0].same(write.path)
        for each in islice(names.values(), _NAMES)
        if (origin := sites.handles.origin(each, write.call)) is not None
    )


def is_extended(sites: Sites, lists: Lists, write: WriteSite) -> bool:
    """Whether the written content is the old content with something added."""
    return not _is_one_of_many(write.path.expr) and any(
        _is_extension(sites, lists, node, at, write)
        for written in written_values(sites, write)
        for node, at in _followed(sites, written, write.call)
    )


def written_values(sites: Sites, write: WriteSite) -> list[ast.expr]:
    """The whole content that is written; nothing where it is written in pieces."""
    if write.kind is WriteKind.WHOLE:
        return [each.value for each in write.call.arguments[:1]]
    if write.kind is not WriteKind.OPEN:
        return []
    method = sites.handles.method_called_on(write.call)
    if method is not None and method.method in {"write", "writelines"}:
        return [each.value for each in method.arguments[:1]]
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


def _is_extension(sites: Sites, lists: Lists, node: ast.expr, at: Call, write: WriteSite) -> bool:
    pieces = _pieces(node)
    if len(pieces) == 1:
        return _is_added_to(sites, lists, pieces[0], at, write)
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
        case ast.Call(
            func=ast.Attribute(attr="join"),
            args=[ast.Name() | ast.ListComp() | ast.GeneratorExp() as lines],
        ):
            return [lines]
        case ast.Call(
            func=ast.Attribute(attr="join"),
            args=[ast.Call(func=ast.Name("list" | "sorted"), args=[ast.Name() as lines, *_])],
        ):
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


def _is_added_to(sites: Sites, lists: Lists, node: ast.expr, at: Call, write: WriteSite) -> bool:
    """`text += entry`, `lines.append(entry)`, where that was read from the file."""
    if not isinstance(node, ast.Name):
        return False
    name = node.id
    adds = (
        any(
            each.kind is BindingKind.ADD and each.order < at.order
            for each in at.function.bindings.get(name, ())
        )
        or lists.added.get((at.function, name), at.order) < at.order
    )
    return adds and _has_items_of(sites, node, at, write)
