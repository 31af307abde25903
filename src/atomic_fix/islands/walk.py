"""A visitor taken through a tree without making the tree anew.

`CSTNode.visit` builds a copy of each node on its way, also for a visitor that changes
nothing; that costs more than the parse. This walk calls the same methods in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import libcst as cst

# Fields that hold white space and punctuation: no visitor of ours asks for them.
_SKIPPED = re.compile(
    "asynchronous|colon|comma|dot|equal|footer|header|semicolon|star|[lr](brace|bracket|par)"
    "|.*(lines|whitespace).*"
)


class _Probe(cst.CSTVisitor):
    """Notes the fields of one node in the order in which LibCST visits them."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[str] = []
        self._inside = False

    def on_visit(self, node: cst.CSTNode) -> bool:
        inside, self._inside = self._inside, True
        return not inside

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        self.fields.append(attribute)


_Visit: TypeAlias = "Callable[[cst.CSTVisitor, cst.CSTNode], bool | None] | None"
_Plan: TypeAlias = "tuple[_Visit, _Visit, tuple[tuple[str, _Visit, _Visit], ...]]"
"""What a visitor wants to be told of a kind of node, before and behind it and its fields."""


def _plan(visitor: type[cst.CSTVisitor], node: cst.CSTNode) -> _Plan:
    def method(name: str) -> _Visit:
        # Visitors inherit an empty method for each kind of node.
        found: _Visit = getattr(visitor, name, None)
        return None if found is getattr(cst.CSTVisitor, name, None) else found

    probe = _Probe()
    node.visit(probe)
    name = type(node).__name__
    steps = tuple(
        (field, method(f"visit_{name}_{field}"), method(f"leave_{name}_{field}"))
        for field in dict.fromkeys(probe.fields)
        if not _SKIPPED.fullmatch(field)
    )
    return method(f"visit_{name}"), method(f"leave_{name}"), steps


# What was planned so far, by kind of visitor and of value; None for what is no node.
_plans: dict[type, dict[type, _Plan | None]] = {}


class Walk:
    """One visitor's way through trees; `seen` takes the identity of each node met."""

    def __init__(self, visitor: cst.CSTVisitor, seen: set[int]) -> None:
        self._visitor = visitor
        self._seen = seen
        self._plans = _plans.setdefault(type(visitor), {})

    def __call__(self, node: cst.CSTNode) -> None:
        kind = type(node)
        if kind not in self._plans:
            # Asked once a kind: that it is abstract makes `isinstance` dear.
            is_node = isinstance(node, cst.CSTNode)
            self._plans[kind] = _plan(type(self._visitor), node) if is_node else None
        plan = self._plans[kind]
        if plan is None:
            return
        self._seen.add(id(node))
        visitor = self._visitor
        enter, leave, steps = plan
        if enter is None or enter(visitor, node) is not False:
            for name, before, after in steps:
                if before is not None:
                    before(visitor, node)
                value = getattr(node, name)
                if isinstance(value, (tuple, list)):
                    for each in value:
                        self(each)
                elif value is not None:
                    self(value)
                if after is not None:
                    after(visitor, node)
        if leave is not None:
            leave(visitor, node)
