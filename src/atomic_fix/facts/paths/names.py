"""What names stand for in one file: imports, aliases, functions that are called, bindings."""

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


class QualifiedName(NamedTuple):
    """What a dotted name of the file stands for."""

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
        """What the catalogue knows of it, if it opens files."""
        return apis.opener(*self)


class Names:
    """What the names of one file stand for."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self._call_names: dict[tuple[Call, FunctionFacts], QualifiedName] = {}

    def qualified(self, name: str | None, function: FunctionFacts | None = None) -> QualifiedName:
        """What a dotted name stands for in a function, or at the module's level."""
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
        """What is called; aliases are followed."""
        if not isinstance(call, Call):
            return self.qualified(dotted(call.func), function)
        known = self._call_names.get((call, function))
        if known is None:
            known = self._call_names[call, function] = self._call_name(call, function)
        return known

    def _call_name(self, call: Call, function: FunctionFacts) -> QualifiedName:
        node = call.node
        name = self.qualified(dotted(node.func), function)
        if isinstance(node.func, ast.Name):
            bound = self.bindings(node.func.id, function, call.order)
            if len(bound) == 1 and isinstance(bound[0].value, (ast.Name, ast.Attribute)):
                # `opener = gzip.open`, called under that name.
                name = self.qualified(dotted(bound[0].value), bound[0].function)
        return name

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
        """The class and those of the module that it inherits from."""
        yield owner
        for base in owner.bases if depth else ():
            parent = self.scopes.class_named(base)
            if parent is not None and parent is not owner:
                yield from self.lineage(parent, depth - 1)

    def bindings(self, name: str, function: FunctionFacts, before: int) -> list[Binding]:
        """What a local or enclosing name was last bound to before a place.

        Loops make later bindings reach earlier places; the last one before wins all the
        same, and when there is none every binding counts.
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
                    # What was bound before a binding that is passed in any case is gone.
                    if bound[index].holds_at(before):
                        break
                if earlier:
                    return earlier[::-1]
            found = [b for b in bound if b.kind is not BindingKind.ADD]
            if found:
                if scope is function and scope.parameter(name) is not None:
                    return []  # it still is what the caller gave
                return found
            if scope.parameter(name) is not None:
                break
            scope = scope.outer
        return []


def parameter_of(function: FunctionFacts, name: str) -> Parameter:
    """What the callers of a function give for one of its parameters."""
    return Parameter(function.name, function.row, name)
