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
    """Names and calls that are followed one from another; how deep a single expression is does not
    count."""
    nested: int = 50
    """Expressions within each other; of a sum of more terms, the last ones are examined."""
    bindings: int = 3
    """Of a name or attribute: the last ones."""
    additions: int = 20
    """To a name, by `+=`: the last ones."""
    dotted_bindings: int = 2
    """Of a dotted name, such as `config.path`."""
    returns: int = 3
    """Of a function: the last ones."""
    callers: int = 6
    """Of a function, for what they give it: the first ones."""
    caller_cost: int = 2
    """The steps that it takes to go on at a caller."""
    bases: int = 4
    """Classes above a class, one above another."""
    arguments: int = 2
    """Of a call of which nothing else is known, for the handle or content that it may read: the
    first ones."""


BOUNDS = Bounds()
"""For paths."""


class Budget:
    """What is left of the bounds while a question is answered."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self.entered: set[ast.expr] = set()
        """The expressions that are being resolved."""

    def is_spent(self, node: ast.expr, steps: int) -> bool:
        """Whether an expression is not resolved: with no steps left, too deep in others, or
        within itself, as names are that are bound in a circle."""
        return steps <= 0 or node in self.entered or len(self.entered) >= self._bounds.nested


class At(NamedTuple):
    """Where an expression is evaluated, and what it has cost to get there."""

    function: FunctionFacts
    before: int
    """The order: names stand for what they were bound to before."""
    distance: int
    """Steps from the expression that was asked about: see `NameOccurrence`."""
    steps: int
    """How many may still be followed."""

    def nested(self) -> At:
        """For a part of the expression, a step deeper."""
        return At(self.function, self.before, self.distance, self.steps - 1)

    def farther(self, cost: int = 1) -> At:
        """For an expression of the same place, whose words are a step further."""
        return At(self.function, self.before, self.distance + 1, self.steps - cost)

    def follow(self, place: Binding | Call | Return, cost: int = 1) -> At:
        """For a binding, call or return elsewhere."""
        return At(place.function, place.order, self.distance + 1, self.steps - cost)
