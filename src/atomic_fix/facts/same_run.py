"""Files that are read only after the same run has written them: tables between two steps, the input
of a child process, archives that are unpacked at once. Such a read does not show that a later run
needs the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from atomic_fix.facts.loads import LoadSite
from atomic_fix.facts.nodes import (
    FUNCTIONS,
    WITHS,
    called_name,
    of_kind,
    parents_in,
    walk,
)
from atomic_fix.facts.pairs import ByFile
from atomic_fix.facts.paths import PathValue, parameter_of
from atomic_fix.facts.paths.expr import (
    Anything,
    Called,
    Element,
    FileName,
    Item,
    Literal,
    PathExpr,
    Returned,
    SameText,
)
from atomic_fix.facts.scopes import BlockKind, Call, EnclosingBlock, FunctionFacts, Site
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.writes import WriteKind, WriteSite

_CALLERS = 6
_CALLS = 20
"""The most calls of one function that are followed."""
_DEPTH = 4
_INNER = 2
_LEAVING = (ast.Return, ast.Raise, ast.Continue)


@dataclass(frozen=True, slots=True, eq=False)
class _Written(Site):
    """A call that gives a file new content."""

    path: PathValue


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A place in a function, and the file that is read there or below it."""

    call: Call
    path: PathValue

    @property
    def function(self) -> FunctionFacts:
        return self.call.function


class SameRun:
    """Answers for one module."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._known: dict[LoadSite, bool] = {}
        self._compared: dict[FunctionFacts, frozenset[ast.AST | str]] = {}

    def is_fed(self, load: LoadSite) -> bool:
        """Whether each way to a load passes a write of the same file in the same run. Comparing
        what was written with what should have been does not count: it shows that the file
        matters."""
        if load not in self._known:
            self._known[load] = self._is_written_before(
                _Place(load.call, load.path), _DEPTH
            ) and not self._is_check(load)
        return self._known[load]

    def _is_check(self, load: LoadSite) -> bool:
        """Whether the content of a file is compared with something."""
        function = load.function
        if function not in self._compared:
            self._compared[function] = _compared_in(function.node)
        compared = self._compared[function]
        if not compared or load.node in compared:
            return bool(compared)
        parents = parents_in(function.node)
        above = parents.get(load.node)
        while isinstance(above, ast.expr):
            above = parents.get(above)
        return isinstance(above, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id in compared for each in above.targets
        )

    def _is_written_before(self, place: _Place, depth: int) -> bool:
        if any(self._earlier(place)):
            return True
        function = place.function
        if depth == 0 or function.is_module:
            return False
        callers = [
            call
            for call in self._sites.scopes.callers_of(function.name)
            if call.function is not function and function in self._sites.run_by(call)
        ]
        if not 0 < len(callers) <= _CALLERS or self._is_given_elsewhere(place):
            return False
        if self._runs_at_any_time(function):
            return False
        return all(
            self._is_written_before(
                _Place(call, self._as_given(function, place.path, call)), depth - 1
            )
            for call in callers
        )

    def _is_given_elsewhere(self, place: _Place) -> bool:
        """Whether another file passes the path."""
        return any(not each.tested for each in self._sites.outside.given_for(place.path))

    def _as_given(self, function: FunctionFacts, path: PathValue, call: Call) -> PathValue:
        """A path of a function, as one of its callers passes it."""
        for parameter in function.parameters:
            if parameter_of(function, parameter.name) in path.aliases:
                given = call.argument(function.parameter_position(parameter.name), parameter.name)
                if given is not None:
                    return self._sites.handles.resolve(given, call)
        return path

    # --- what happens before ------------------------------------------------------------

    def _earlier(self, place: _Place) -> Iterator[bool]:
        """Whether calls before a place of a function certainly write the file."""
        for each in self._by_file.same(place.path):
            if each.function is place.function and _precedes(each.call, place):
                yield _is_exactly(each.path, place.path)
        for call in islice(self._writing.get(place.function, ()), _CALLS):
            if _precedes(call, place):
                yield self._always_writes(call, place.path, _INNER)

    @cached_property
    def _writing(self) -> dict[FunctionFacts, list[Call]]:
        """The calls in each function of functions that may write, by name."""
        found: dict[FunctionFacts, list[Call]] = {}
        for name in sorted(self._writers):
            for call in self._sites.scopes.callers_of(name):
                found.setdefault(call.function, []).append(call)
        return found

    @cached_property
    def _writers(self) -> frozenset[str]:
        """The names of functions that write a file, or call one that does."""
        found = {function.name for function in self._written}
        for _ in range(_INNER):
            found |= {
                call.function.name
                for name in [*found]
                for call in self._sites.scopes.callers_of(name)
            }
        return frozenset(found - {""})

    @cached_property
    def _by_file(self) -> ByFile[_Written]:
        return ByFile((each, each.path) for every in self._written.values() for each in every)

    def _always_writes(self, call: Call, path: PathValue, depth: int) -> bool:
        """Whether a call runs a function of the module that writes a file in any case."""
        for function in self._sites.run_by(call)[:1]:
            if not isinstance(function.node, FUNCTIONS):
                continue
            end = min((each.lineno for each in of_kind(function.node, ast.Return)), default=1 << 30)
            for each in self._written.get(function, ()):
                if (
                    each.call.source_node.lineno <= end
                    and _is_certain(each.call.enclosing)
                    and _is_exactly(self._as_given(function, each.path, call), path)
                ):
                    return True
            if depth:
                for inner in islice(self._writing.get(function, ()), _CALLS):
                    if (
                        inner.source_node.lineno <= end
                        and _is_certain(inner.enclosing)
                        and self._always_writes(inner, path, depth - 1)
                    ):
                        return True
        return False

    @cached_property
    def _written(self) -> dict[FunctionFacts, list[_Written]]:
        found: dict[FunctionFacts, list[_Written]] = {}
        for write in (*self._sites.writes, *self._sites.project_writes):
            if self._replaces(write):
                found.setdefault(write.function, []).append(_Written(write.call, write.path))
        for publish in self._sites.publishes:
            written = _Written(publish.call, publish.target)
            found.setdefault(publish.function, []).append(written)
        return found

    def _replaces(self, write: WriteSite) -> bool:
        """Whether nothing remains of what the file held before."""
        if write.kind is not WriteKind.OPEN:
            return True
        opened = self._sites.handles.opens(write.call)
        if opened is None or (
            opened.mode is not None and not isinstance(opened.mode, ast.Constant)
        ):
            return False
        return all("w" in each for each in self._sites.handles.modes_of(opened, write.call))

    def _runs_at_any_time(self, function: FunctionFacts) -> bool:
        """Whether a function is also used as a value, decorated, called by Python itself, or a
        public method, which other files call with no path."""
        name = function.name
        if getattr(function.node, "decorator_list", None) or name.startswith("__"):
            return True
        if function.owner is not None and not name.startswith("_"):
            return True
        # Most names are only defined and called, and the nodes of a long file are many.
        text = self._sites.tree.source.text
        return text.count(name) != text.count(f"{name}(") and name in self._named

    @cached_property
    def _named(self) -> frozenset[str]:
        """The names of functions that are also used as values."""
        found: set[str] = set()
        called: set[int] = set()
        names: list[ast.Name | ast.Attribute] = []
        for node in ast.walk(self._sites.scopes.module.node):
            if isinstance(node, ast.Call):
                called.add(id(node.func))
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                names.append(node)
        for each in names:
            name = each.id if isinstance(each, ast.Name) else each.attr
            if id(each) not in called and name in self._sites.scopes.by_name:
                found.add(name)
        return frozenset(found)


def _compared_in(code: ast.AST) -> frozenset[ast.AST | str]:
    """What is found equal to something else, or not, in a function: calls, and names."""
    found: set[ast.AST | str] = set()
    for compare in of_kind(code, ast.Compare):
        if isinstance(compare.ops[0], (ast.Eq, ast.NotEq)):
            for each in (compare.left, *compare.comparators):
                if isinstance(each, ast.Name):
                    found.add(each.id)
                elif isinstance(each, ast.Call):
                    found.update(node for node in walk(each) if isinstance(node, ast.Call))
    return frozenset(found)


def _precedes(call: Call, place: _Place) -> bool:
    """Whether whoever is at a place has passed a call in the same function."""
    inner, outer = place.call.source_node, call.source_node
    return (outer.end_lineno or 0, outer.end_col_offset or 0) <= (
        inner.lineno,
        inner.col_offset,
    ) and _is_certain(tuple(each for each in call.enclosing if each not in place.call.enclosing))


def _is_certain(blocks: tuple[EnclosingBlock, ...]) -> bool:
    """Whether code behind these blocks is reached only through their content."""
    for block in blocks:
        match block.kind:
            case BlockKind.WITH if isinstance(block.node, WITHS) and not any(
                called_name(each.context_expr) == "suppress" for each in block.node.items
            ):
                continue
            case BlockKind.FINALLY | BlockKind.LOOP:
                continue
            case BlockKind.TRY if isinstance(block.node, ast.Try) and all(
                isinstance(handler.body[-1], _LEAVING) for handler in block.node.handlers
            ):
                continue
        return False
    return True


def _is_exactly(written: PathValue, loaded: PathValue) -> bool:
    """Whether two paths are certainly one file: a name alone may be in two folders."""
    if any(map(_names_one_file, written.aliases & loaded.aliases)):
        return True
    return isinstance(written.expr, Literal) and written.expr == loaded.expr


def _names_one_file(expr: PathExpr) -> bool:
    if isinstance(expr, (FileName, SameText, Returned)):
        return False
    parts = list(expr.walk())
    if any(isinstance(each, (Anything, Element)) for each in parts):
        return False
    return not isinstance(expr, (Called, Item)) or not all(
        isinstance(each, (Called, Item, Literal)) for each in parts
    )
