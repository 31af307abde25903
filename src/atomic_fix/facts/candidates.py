"""Finds the calls in a file that may call a given function, by the last part of its name. Most
calls are not in the catalogue, and resolving the name at each of them costs far more than finding
everything that it can refer to anywhere in the file.
"""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from atomic_fix.facts.nodes import dotted, last_name
from atomic_fix.facts.scopes import Binding, Call, Scopes


def last_parts(names: Iterable[str]) -> frozenset[str]:
    """The last parts of dotted names."""
    return frozenset(name.rpartition(".")[2] for name in names)


class Candidates:
    """The calls of one file by the functions that they may call."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._called = scopes.callers.keys()
        # By the last part of a called name: the original names that it may refer to.
        self._known_as: dict[str, set[str]] = {}
        for name in self._called & scopes.imports.keys():
            self._known_as[name] = {*last_parts([scopes.imports[name]])}
        for function in scopes.functions:
            if function.bindings:
                self._look_through(function.bindings)
            for parameter in function.parameters:
                if parameter.default is not None and parameter.name in self._called:
                    known_as = self._known_as.setdefault(parameter.name, set())
                    known_as.update(self._named(parameter.default))
        owners = [*scopes.classes.values(), *(each.owner for each in scopes.functions)]
        for owner in dict.fromkeys(owners):
            if owner is not None and owner.attributes:
                self._look_through(owner.attributes)

    def _look_through(self, bindings: Mapping[str, Iterable[Binding]]) -> None:
        for name in self._called & bindings.keys():
            known_as = self._known_as.setdefault(name, set())
            for binding in bindings[name]:
                known_as.update(self._named(binding.value))

    def _named(self, value: ast.expr, depth: int = 6) -> Iterator[str]:
        """The last parts of the names of functions that a value can be: see `Names.call_name`."""
        inner: list[ast.expr] = []
        match value:
            case ast.Name(id=name):
                yield name
                yield from last_parts([self._scopes.imports.get(name, name)])
                # `OPENERS = {".gz": gzip.open}`
                inner = [each.value for each in self._scopes.module.bindings.get(name, ())]
            case ast.Attribute(attr=name):
                yield name
            case ast.IfExp(body=one, orelse=other):
                inner = [one, other]
            case ast.BoolOp(values=inner) | ast.Dict(values=inner):
                pass
            case ast.Subscript(value=table):
                inner = [table]
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *others]):
                inner = [table, *others]
            case ast.Call(func=func, args=[made, *_]) if last_name(func) == "partial":
                inner = [made]
            case ast.Call(func=func) if dotted(func) == "getattr":
                # `getattr(path, f"write_{kind}")`: see `Handles.bound_method`.
                yield from ("read_text", "write_text")
        if depth:
            for each in inner:
                yield from self._named(each, depth - 1)

    def names(
        self, wanted: frozenset[str], is_wanted: Callable[[str], bool] | None = None
    ) -> set[str]:
        """The last parts of names in the file that may refer to functions whose own names end in
        one of these."""
        found = {*wanted & self._called}
        found.update(name for name, each in self._known_as.items() if each & wanted)
        if is_wanted is not None:
            found.update(filter(is_wanted, self._called))
            found.update(name for name, each in self._known_as.items() if any(map(is_wanted, each)))
        return found

    def calls(self, names: Collection[str]) -> list[Call]:
        """The calls by these names, grouped by function, as in `Scopes.calls`."""
        found = [call for name in names for call in self._scopes.callers_of(name)]
        return sorted(found, key=lambda call: (call.function.order, call.order))
