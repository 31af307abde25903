"""Resolves names in one file: imports, aliases, called functions, bindings."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from atomic_fix.catalog import apis
from atomic_fix.facts.modes import is_mode
from atomic_fix.facts.names import words as name_words
from atomic_fix.facts.nodes import argument, dotted, text_of
from atomic_fix.facts.paths.budget import BOUNDS
from atomic_fix.facts.paths.expr import Parameter
from atomic_fix.facts.scopes import (
    Binding,
    BindingKind,
    Call,
    ClassFacts,
    FunctionFacts,
    Scopes,
)

_order = attrgetter("order")

_KNOWN = frozenset(
    {
        *(row.name for rows in (apis.OPENERS, apis.SAVERS, apis.LOADERS) for row in rows),
        *apis.DUMPERS,
    }
) - frozenset(apis.PUBLISHERS)
"""Functions that count even if a variable may stand for several."""
_CHOICES = 6
"""How many steps are followed from a called variable to its function."""


class QualifiedName(NamedTuple):
    """The meaning of a dotted name in the file."""

    full: str = ""
    """The name with its head replaced by what the module imports under it, and with `builtins.`
    before that of a builtin. Empty when the head is a variable, a parameter or a function of the
    module, or when there is no name at all."""
    written: str = ""
    """The name as written."""

    @property
    def last(self) -> str:
        return (self.full or self.written).rpartition(".")[2]

    @property
    def package(self) -> str:
        return self.full.partition(".")[0]

    @property
    def opener(self) -> apis.Opener | None:
        """Its row of the catalogue, if it opens files."""
        return apis.opener(*self)


class Called(NamedTuple):
    """The called function."""

    name: QualifiedName
    partial: ast.Call | None = None
    """The `partial` call that gives it arguments beforehand."""
    is_chosen: bool = False
    """Whether it is one of several functions that a variable may stand for."""


class Names:
    """The meanings of the names in one file."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self._call_names: dict[tuple[Call, FunctionFacts], Called] = {}

    def qualified(self, name: str | None, function: FunctionFacts | None = None) -> QualifiedName:
        """The meaning of a dotted name in a function, or at module level."""
        if name is None:
            return QualifiedName()
        head, _, rest = name.partition(".")
        # `Path = make()` inside the function hides an import; a plain builtin keeps
        # its name only while the module does not bind it.
        scope = function
        while scope is not None:
            if head in scope.bindings or scope.parameter(head) is not None:
                return QualifiedName("", name)
            scope = scope.outer
        if head in self.scopes.imports:
            target = self.scopes.imports[head]
            return QualifiedName(f"{target}.{rest}" if rest else target, name)
        if not rest and any(f.owner is None for f in self.scopes.functions_named(head)):
            return QualifiedName("", name)
        return QualifiedName(name if rest else f"builtins.{name}", name)

    def call_name(self, call: Call | ast.Call, function: FunctionFacts) -> QualifiedName:
        """The called function; aliases are followed. If a variable may stand for several functions,
        it is one that opens, saves or loads files."""
        if not isinstance(call, Call):
            return self.qualified(dotted(call.func), function)
        return self._called(call, function).name

    def is_chosen(self, call: Call) -> bool:
        """Whether the called function is one of several, or gets arguments beforehand."""
        return self._called(call, call.function).is_chosen

    def completed(self, call: Call) -> Call:
        """A call with the arguments that a `partial` adds."""
        made = self._called(call, call.function).partial
        if made is None or call.shown is not None:
            return call
        own = {each.arg for each in call.node.keywords}
        keywords = [each for each in made.keywords if each.arg not in own]
        node = ast.Call(
            call.node.func, [*made.args[1:], *call.node.args], [*keywords, *call.node.keywords]
        )
        ast.copy_location(node, call.node)
        return Call(call.order, node, call.function, call.enclosing, call.name, call.source_node)

    def _called(self, call: Call, function: FunctionFacts) -> Called:
        known = self._call_names.get((call, function))
        if known is None:
            known = self._call_names[call, function] = self._find_called(call, function)
        return known

    def _find_called(self, call: Call, function: FunctionFacts) -> Called:
        func = call.node.func
        text = dotted(func)
        name = self.qualified(text, function)
        if isinstance(func, ast.Name):
            bound = self.bindings(func.id, function, call.order)
            if len(bound) == 1 and isinstance(bound[0].value, (ast.Name, ast.Attribute)):
                # `opener = gzip.open`, called under that name.
                name = self.qualified(dotted(bound[0].value), bound[0].function)
            if not bound and function.parameter(func.id) is None:
                return Called(name)
        elif text is None or not text.startswith(("self.", "cls.")):
            return Called(name)
        if _is_known(name):
            return Called(name)
        chosen = self._chosen(func, function, call.order, _CHOICES)
        return next((each for each in chosen if _is_known(each.name)), Called(name))

    def _chosen(
        self, node: ast.expr, function: FunctionFacts, before: int, depth: int
    ) -> Iterator[Called]:
        """The functions that an expression may stand for."""
        if depth == 0:
            return
        again = (function, before, depth - 1)
        match node:
            case ast.IfExp(body=one, orelse=other):
                yield from self._chosen(one, *again)
                yield from self._chosen(other, *again)
            case ast.BoolOp(values=values) | ast.Dict(values=values):
                for each in values:
                    yield from self._chosen(each, *again)
            case ast.Subscript(value=table):
                yield from self._chosen(table, *again)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *others]):
                for each in (table, *others):
                    yield from self._chosen(each, *again)
            case ast.Call(args=[made, *_]) if self._is_partial(node, function):
                for choice in self._chosen(made, *again):
                    if choice.partial is None:
                        yield Called(choice.name, node, is_chosen=True)
            case ast.Name() | ast.Attribute():
                yield from self._of_name(node, function, before, depth)

    def _is_partial(self, node: ast.Call, function: FunctionFacts) -> bool:
        return self.qualified(dotted(node.func), function).full == "functools.partial"

    def _of_name(
        self, node: ast.Name | ast.Attribute, function: FunctionFacts, before: int, depth: int
    ) -> Iterator[Called]:
        text = dotted(node) or ""
        owner = function.owner
        bound: Sequence[Binding] = ()
        default: ast.expr | None = None
        if isinstance(node, ast.Name):
            bound = self.bindings(text, function, before)
            parameter = function.parameter(text) if not bound else None
            default = parameter.default if parameter is not None else None
        elif text.startswith(("self.", "cls.")) and owner is not None:
            name = text.partition(".")[2]
            bound = self.attribute(owner, name) if self.method(owner, name) is None else ()
        if default is not None:
            yield from self._chosen(default, function, 0, depth - 1)
        for each in bound:
            if each.is_assigned:
                yield from self._chosen(each.value, each.function, each.order, depth - 1)
        if not bound:
            yield Called(self.qualified(text, function), is_chosen=True)

    def callees(self, call: ast.Call, function: FunctionFacts) -> Sequence[FunctionFacts]:
        """The functions of this module that a call may run."""
        func = call.func
        if isinstance(func, ast.Name):
            named = self.scopes.functions_named(func.id)
            return [f for f in named if f.owner is None or f.outer is function]
        if isinstance(func, ast.Attribute):
            receiver = func.value
            owner = function.owner
            if isinstance(receiver, ast.Name):
                if owner is None or receiver.id not in {"self", "cls", owner.name}:
                    owner = self.scopes.class_named(receiver.id)
                found = self.method(owner, func.attr) if owner is not None else None
                return [found] if found is not None else []
            if isinstance(receiver, ast.Call) and dotted(receiver.func) == "super":
                return self.scopes.functions_named(func.attr)
        return []

    def opened_by_method(self, call: ast.Call) -> ast.expr:
        """The path in `path.open(mode)` or `file_system.open(path, mode)`."""
        assert isinstance(call.func, ast.Attribute)
        receiver = call.func.value
        first = argument(call, 0)
        if first is not None and not is_mode(text_of(first)):
            called = receiver.func if isinstance(receiver, ast.Call) else receiver
            last = name_words((dotted(called) or "").rpartition(".")[2])
            layer = last[-1:] if last[-2:] != ("file", "system") else ("filesystem",)
            if not apis.FILE_SYSTEMS.isdisjoint(layer):
                return first
        return receiver

    def method(self, owner: ClassFacts, name: str) -> FunctionFacts | None:
        return next((c.methods[name] for c in self.lineage(owner) if name in c.methods), None)

    def attribute(self, owner: ClassFacts, name: str) -> list[Binding]:
        return next((c.attributes[name] for c in self.lineage(owner) if name in c.attributes), [])

    def lineage(self, owner: ClassFacts, depth: int = BOUNDS.bases) -> Iterator[ClassFacts]:
        """The class and its base classes in the module."""
        yield owner
        for base in owner.bases if depth else ():
            parent = self.scopes.class_named(base)
            if parent is not None and parent is not owner:
                yield from self.lineage(parent, depth - 1)

    def bindings(self, name: str, function: FunctionFacts, before: int) -> list[Binding]:
        """The last binding of a local or enclosing name before a position. In loops, later bindings
        can reach earlier positions; the last earlier one still takes precedence, and if there is
        none, every binding counts.
        """
        scope: FunctionFacts | None = function
        while scope is not None:
            bound: Sequence[Binding] = scope.bindings.get(name, ())
            if scope is function:
                earlier = []
                # They are in the order of the file.
                for index in range(bisect_left(bound, before, key=_order) - 1, -1, -1):
                    if bound[index].kind is BindingKind.ADD:
                        continue
                    earlier.append(bound[index])
                    # A binding that always runs hides the earlier ones.
                    if bound[index].holds_at(before):
                        break
                if earlier:
                    return earlier[::-1]
            found = [b for b in bound if b.kind is not BindingKind.ADD]
            if found:
                if scope is function and scope.parameter(name) is not None:
                    return []  # it still has the value from the caller
                return found
            if scope.parameter(name) is not None:
                break
            scope = scope.outer
        return []


def _is_known(name: QualifiedName) -> bool:
    return name.full in _KNOWN or (name.full != "" and name.last in apis.DUMP_NAMES)


def parameter_of(function: FunctionFacts, name: str) -> Parameter:
    """The arguments that callers of a function pass for one of its parameters."""
    return Parameter(function.name, function.row, name)
