"""Other writes in place of the same file that run before a write: in its function, or in a caller.
Whatever they leave behind is what is lost if the later write does not happen."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from atomic_fix.facts.evidence import implies_absence
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.nodes import last_name
from atomic_fix.facts.outside import Effect
from atomic_fix.facts.paths import PathValue, parameter_of
from atomic_fix.facts.paths.expr import PathExpr
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.scopes import BlockKind, Call, FunctionFacts
from atomic_fix.facts.sites import Sites, WriteSite

_DEPTH = 2
"""How many levels of callers are examined."""
_MOST = 20
"""The most callers, and the most earlier writes of one file, that are examined."""
_BRANCHES = frozenset({BlockKind.IF, BlockKind.ELSE})
_LEAVING = (ast.Break, ast.Continue, ast.Raise, ast.Return)


@dataclass(frozen=True, slots=True)
class _Event:
    at: Call
    """The call in the function."""
    write: Call
    """The call that writes: the same one, or one in a function that is called."""
    path: PathValue


class EarlierWrites:
    """Answers for one module.

    Args:
        repaired: the calls that will no longer write in place.
    """

    def __init__(self, facts: ModuleFacts, repaired: AbstractSet[ast.AST]) -> None:
        self._facts = facts
        self._repaired = repaired
        self._known: dict[FunctionFacts, dict[PathExpr, list[_Event]]] = {}

    def before(self, site: WriteSite) -> Call | Location | None:
        """A write in place of a file before a write of it: a call, or a location in another file.
        None if there is none."""
        found = next(self._before(site, site.call, site.path, _DEPTH), None)
        if found is not None:
            return found
        given = self._facts.outside.given_for(site.path)
        return next((x.written_before for x in given if x.written_before and not x.tested), None)

    def _before(self, site: WriteSite, at: Call, path: PathValue, depth: int) -> Iterator[Call]:
        """The writes of a path that run before a call: the write itself, or one that leads to
        it."""
        function = at.function
        known = self._events(function)
        for alias in path.aliases:
            events = known.get(alias, [])
            end = bisect_left(events, at.order, key=lambda each: each.at.order)
            for event in reversed(events[max(0, end - _MOST) : end]):
                if event.write.source_node is not site.node and _comes_first(event.at, at):
                    yield event.write
        if not depth:
            return
        for caller in islice(self._facts.scopes.callers_of(function.name), _MOST):
            is_other = caller.function is not function
            if is_other and function in self._facts.paths.callees(caller.node, caller.function):
                given = self._as_given(function, path, caller)
                yield from self._before(site, caller, given, depth - 1)

    def _events(self, function: FunctionFacts) -> dict[PathExpr, list[_Event]]:
        """What a function writes, itself or through other functions, by file and in order."""
        if function not in self._known:
            found = [
                _Event(call, call, path)
                for call, path in _writes_in(self._facts, function)
                if call.source_node not in self._repaired
            ]
            for call in function.calls:
                for callee in self._facts.paths.callees(call.node, function):
                    if callee is not function:
                        found += (
                            _Event(call, inner, self._as_given(callee, path, call))
                            for inner, path in _writes_in(self._facts, callee)
                            if inner.source_node not in self._repaired
                        )
            known = self._known[function] = {}
            for event in sorted(found, key=lambda each: each.at.order):
                for alias in event.path.aliases:
                    known.setdefault(alias, []).append(event)
        return self._known[function]

    def _as_given(self, function: FunctionFacts, path: PathValue, call: Call) -> PathValue:
        """A path in a function, as the call of that function gives it."""
        for parameter in function.parameters:
            if parameter_of(function, parameter.name) in path.aliases:
                position = function.parameter_position(parameter.name)
                node = call.argument(position, parameter.name)
                if node is not None:
                    return self._facts.sites.handles.resolve(node, call)
        return path


def _writes_in(facts: ModuleFacts, function: FunctionFacts) -> list[tuple[Call, PathValue]]:
    """The calls of one function that empty or overwrite a file, with the file."""
    return facts.cached(("written in place", function), lambda: [*_find_writes(facts, function)])


def _find_writes(facts: ModuleFacts, function: FunctionFacts) -> Iterator[tuple[Call, PathValue]]:
    sites = facts.sites
    writes = facts.cached("writes by function", lambda: _by_function(facts)).get(function, [])
    for write in writes:
        yield write.call, write.path
    yield from emptied_in(sites, function, {write.node for write in writes})
    for call in function.calls:
        node = None
        if last_name(call.node.func) == "truncate":
            if facts.paths.call_name(call, function).full == "os.truncate":
                node = call.argument(0, "path")
        elif facts.outside.calls:
            for effect in sites.effects_of(call, Effect.WRITES):
                if effect.path is not None:
                    node = call.argument(effect.path.position, effect.path.name)
        if node is not None:
            yield call, sites.handles.resolve(node, call)


def emptied_in(
    sites: Sites, function: FunctionFacts, writes: AbstractSet[ast.AST]
) -> Iterator[tuple[Call, PathValue]]:
    """The calls of a function that open a file for writing and only empty it, with the file: they
    write no content, and so are not among its writes."""
    for call, opened in sites.opened_in(function):
        if call.source_node in writes:
            continue
        if any("w" in mode for mode in sites.handles.modes_of(opened, call)):
            yield call, sites.handles.resolve(opened.target, call)


def _by_function(facts: ModuleFacts) -> dict[FunctionFacts, list[WriteSite]]:
    found: dict[FunctionFacts, list[WriteSite]] = {}
    for write in facts.sites.writes:
        found.setdefault(write.function, []).append(write)
    return found


def _comes_first(call: Call, at: Call) -> bool:
    """Whether a call that stands above another also runs before it, and finds old content."""
    around = {id(block.node): block.kind for block in at.enclosing}
    for block in call.enclosing:
        kind = around.get(id(block.node))
        if kind is block.kind:
            continue
        if block.kind is BlockKind.HANDLER:
            return False  # what could not be read is overwritten
        if block.kind not in _BRANCHES or not isinstance(block.node, ast.If):
            continue
        if kind is not None:
            return False  # in the other branch
        holds = block.kind is BlockKind.IF
        if implies_absence(block.node.test, holds=holds):
            return False
        body = block.node.body if holds else block.node.orelse
        if isinstance(body[-1], _LEAVING):
            return False
    return True
