"""Which calls of a file may be of a function, by the last part of its name.

Most calls are of nothing in the catalogue. What a name stands for at each of them costs far more
to know than what it can stand for anywhere in the file.
"""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from atomic_fix.facts.nodes import dotted
from atomic_fix.facts.scopes import Binding, Call, Scopes


def lasts(names: Iterable[str]) -> frozenset[str]:
    """The last parts of dotted names."""
    return frozenset(name.rpartition(".")[2] for name in names)


class Candidates:
    """The calls of one file by what may be called in them."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._places = {function: index for index, function in enumerate(scopes.functions)}
        # By the last part of a name under which something is called: what it may be called
        # elsewhere.
        self._known_as: dict[str, set[str]] = {}
        for name, target in scopes.imports.items():
            if name in scopes.callers:
                self._known_as.setdefault(name, set()).update(lasts([target]))
        for function in scopes.functions:
            self._look_through(function.bindings)
        owners = [*scopes.classes.values(), *(each.owner for each in scopes.functions)]
        for owner in dict.fromkeys(owners):
            if owner is not None:
                self._look_through(owner.attributes)

    def _look_through(self, bindings: Mapping[str, Iterable[Binding]]) -> None:
        for name, bound in bindings.items():
            # An attribute of an object other than `self` is bound under its dotted name.
            if name in self._scopes.callers:
                for binding in bound:
                    self._known_as.setdefault(name, set()).update(self._named(binding.value))

    def _named(self, value: ast.expr) -> Iterator[str]:
        """The last parts of the names of functions that a value can be."""
        match value:
            case ast.Name(id=name):
                yield name
                yield from lasts([self._scopes.imports.get(name, name)])
            case ast.Attribute(attr=name):
                yield name
            case ast.IfExp(body=one, orelse=other):
                yield from self._named(one)
                yield from self._named(other)
            case ast.BoolOp(values=values):
                for each in values:
                    yield from self._named(each)
            case ast.Call(func=func) if dotted(func) == "getattr":
                # `getattr(path, f"write_{kind}")`: see `Handles.bound_method`.
                yield from ("read_text", "write_text")

    def names(self, is_wanted: Callable[[str], bool]) -> set[str]:
        """The last parts of the names, as they stand in the file, that may be those of functions
        whose own names end in what is wanted."""
        return {
            last
            for last in self._scopes.callers
            if is_wanted(last) or any(map(is_wanted, self._known_as.get(last, ())))
        }

    def calls(self, names: Collection[str]) -> list[Call]:
        """The calls by these names: those of one function after those of another, as in
        `Scopes.calls`."""
        found = [call for name in names for call in self._scopes.callers_of(name)]
        return sorted(found, key=lambda call: (self._places[call.function], call.order))
