"""Limits how far an expression is followed through a file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import NamedTuple

from atomic_fix.facts.scopes import Binding, Call, FunctionFacts, Return


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits for one query."""

    steps: int = 6
    """How many names and calls are followed one after the other; the depth of a single expression
    does not count."""
    nested: int = 50
    """How deep expressions may be nested; of a longer sum, the last terms are examined."""
    bindings: int = 3
    """How many bindings of a name or attribute are examined: the last ones."""
    additions: int = 20
    """How many additions to a name by `+=` are examined: the last ones."""
    dotted_bindings: int = 2
    """How many bindings of a dotted name, such as `config.path`, are examined: the last ones."""
    returns: int = 3
    """How many `return` statements of a function are examined: the last ones."""
    callers: int = 6
    """How many callers of a function are examined for their arguments: the first ones."""
    caller_cost: int = 2
    """The number of steps that going on in a caller counts as."""
    bases: int = 4
    """How many base classes are followed, one after the other."""
    arguments: int = 2
    """How many arguments of an unknown call are examined, for the handle or content that it may
    read: the first ones."""


BOUNDS = Bounds()
"""For paths."""


class Budget:
    """The rest of the limits during one query."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self.entered: set[ast.expr] = set()
        """The expressions that are being resolved."""

    def is_spent(self, node: ast.expr, steps: int) -> bool:
        """Whether an expression is not resolved: because no steps are left, because it is nested
        too deeply, or because it contains itself, as with names that are defined by each other."""
        return steps <= 0 or node in self.entered or len(self.entered) >= self._bounds.nested


class At(NamedTuple):
    """Where an expression is evaluated, and how many steps led there."""

    function: FunctionFacts
    before: int
    """The order: only earlier bindings of a name count."""
    distance: int
    """Steps from the expression of the query: see `NameOccurrence`."""
    steps: int
    """How many steps may still be followed."""

    def nested(self) -> At:
        """For a part of the expression, one level deeper."""
        return At(self.function, self.before, self.distance, self.steps - 1)

    def farther(self, cost: int = 1) -> At:
        """For an expression at the same place, whose words are one step further away."""
        return At(self.function, self.before, self.distance + 1, self.steps - cost)

    def follow(self, place: Binding | Call | Return, cost: int = 1) -> At:
        """For a binding, call or return elsewhere."""
        return At(place.function, place.order, self.distance + 1, self.steps - cost)
