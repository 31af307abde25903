"""Analyses what follows a handler that gives a default: another attempt in the same function, and
how callers in the same file use the default."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from atomic_fix.catalog.calls import RETURNING_CONTENT, SUPPRESSING
from atomic_fix.catalog.words import ATTEMPTING, PAUSING, POLLING, SCHEDULING, WAITING
from atomic_fix.facts.exceptions import takes_value_error
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    FUNCTIONS,
    LOOPS,
    arguments,
    assigned_in,
    called_name,
    dotted,
    last_name,
    parents_in,
    walk,
)
from atomic_fix.facts.reports import reports
from atomic_fix.facts.scopes import BlockKind, Call, EnclosingBlock, FunctionFacts, GuardedRegion
from atomic_fix.facts.sites import LoadSite, Sites

_CALLERS = 2
"""How many levels of callers are followed."""

_POLLS = 4
"""How many calls a polling loop may be away."""

_LOOPING = (*LOOPS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# `except*` was added in Python 3.11.
_TRY_STAR: tuple[type[ast.AST], ...] = tuple(
    kind for kind in (getattr(ast, "TryStar", None),) if kind is not None
)


# --- the same function ------------------------------------------------------------


def is_retry(sites: Sites, region: GuardedRegion, load: LoadSite) -> bool:
    """Whether a loop around the handler reads the same file again: it waits between attempts, or is
    left after the first success."""
    loop = next((each for each in reversed(region.enclosing) if each.kind is BlockKind.LOOP), None)
    if loop is None or not isinstance(loop.node, LOOPS):
        return False
    if _changes(load.call.node, region.function, loop, load.order, depth=4):
        return False
    if load.path_node is not None and _changes(
        load.path_node, region.function, loop, load.order, depth=4
    ):
        return False
    if any(not WAITING.isdisjoint(words(called_name(node))) for node in _walk(loop.node.body)):
        return True
    successful = [*region.node.body, *getattr(region.node, "orelse", ())]
    return any(isinstance(node, (ast.Break, ast.Return)) for node in _walk(successful))


def _changes(
    node: ast.AST, function: FunctionFacts, loop: EnclosingBlock, before: int, depth: int
) -> bool:
    """Whether an expression may have another value in the next iteration of a loop."""
    if depth == 0:
        return True
    head = set(walk(loop.node.test)) if isinstance(loop.node, ast.While) else set()
    for name in walk(node):
        if not isinstance(name, (ast.Name, ast.Attribute)):
            continue
        for binding in function.bindings.get(dotted(name) or "", ()):
            in_head = binding.node is loop.node or binding.node in head
            if not in_head and loop not in binding.enclosing:
                continue
            if in_head or not binding.is_whole:
                return True
            if binding.order > before:
                return True
            calls = [each for each in walk(binding.value) if isinstance(each, ast.Call)]
            if any(called_name(call) not in RETURNING_CONTENT for call in calls):
                return True
            if _changes(binding.value, function, loop, binding.order, depth - 1):
                return True
    return False


def is_of_loop_item(region: GuardedRegion, load: LoadSite) -> bool:
    """Whether a loop around the handler iterates over the lines, or items, of one file."""
    loop = next((each for each in reversed(region.enclosing) if each.kind is BlockKind.LOOP), None)
    if loop is None or load.function is not region.function or load.path_node is None:
        return False
    around = (region.function, loop, load.order)
    return _changes(load.call.node, *around, depth=4) and not _changes(
        load.path_node, *around, depth=4
    )


def attempts_again(sites: Sites, region: GuardedRegion) -> bool:
    """Whether code that runs after the statement tries to get the same thing in another way."""
    return next(_second_attempts(sites, region), None) is not None


def warns_in_second_attempt(sites: Sites, region: GuardedRegion) -> bool:
    """Whether code that runs after the statement makes another attempt, and reports from there
    on."""
    return reports(_second_attempts(sites, region), sites)


def _second_attempts(sites: Sites, region: GuardedRegion) -> Iterator[ast.stmt]:
    """The statements after the handler from the first one that makes another attempt."""
    function = region.function
    trail = trail_to(function.node, region.node)
    if trail is None:
        return
    wanted = frozenset[str]().union(*map(assigned_in, region.node.body))
    is_result = any(isinstance(node, ast.Return) for node in _walk(region.node.body))
    attempted = False
    for statement in following(trail, region.node):
        attempted = attempted or (
            (is_result or not wanted.isdisjoint(assigned_in(statement)))
            and _attempts(sites, function, statement)
        )
        if attempted:
            yield statement


def _attempts(sites: Sites, function: FunctionFacts, statement: ast.stmt) -> bool:
    loads = {load.call.node for load in sites.loads_in(function)}
    return any(
        node in loads
        or not ATTEMPTING.isdisjoint(words(called_name(node)))
        or any(sites.loads_in(callee) for callee in sites.paths.callees(node, function)[:1])
        for node in walk(statement)
        if isinstance(node, ast.Call)
    )


# --- callers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class CallSite:
    """A call of a function, and its ancestors, the outermost first."""

    call: Call
    trail: Sequence[ast.AST]


@dataclass(frozen=True, slots=True)
class Callers:
    """What `_CALLERS` levels of callers of a loader in the same file do."""

    loops: bool = False
    """One calls it in a loop."""
    catches: bool = False
    """One has a handler that would catch a `ValueError` from it."""
    looks: bool = False
    """One tests the result, or passes it to code that may do so."""


def call_sites(sites: Sites, module: ast.Module, function: FunctionFacts) -> list[CallSite]:
    """The calls of a function in its file, including method calls of the same name on objects of
    unknown class."""
    found: list[CallSite] = []
    for call in sites.scopes.callers_of(function.name) if function.name else ():
        if call.function is function:
            continue
        callees = sites.paths.callees(call.node, call.function)
        if function not in callees and (callees or call.method is None):
            continue
        within = module if call.function.is_module else call.function.node
        found.append(CallSite(call, trail_to(within, call.source_node) or ()))
    return found


def callers(
    sites: Sites, module: ast.Module, function: FunctionFacts, depth: int = _CALLERS
) -> Callers:
    """What the callers of a function would do with its result, and with a new exception."""
    loops = catches = looks = False
    for site in call_sites(sites, module, function):
        caller = site.call.function
        loops = loops or any(isinstance(each, _LOOPING) for each in site.trail)
        catches = catches or not site.trail or _is_caught(sites, site)
        used = _use(site)
        looks = looks or used is _Use.INSPECTED
        if depth > 1 and not caller.is_module:
            further = callers(sites, module, caller, depth - 1)
            loops = loops or further.loops
            catches = catches or further.catches
            looks = looks or (used is _Use.RETURNED and further.looks)
    return Callers(loops, catches, looks)


def _is_caught(sites: Sites, site: CallSite) -> bool:
    function = site.call.function
    for node, inner in pairwise([*site.trail, site.call.source_node]):
        match node:
            case ast.Try(body=body, handlers=handlers) if inner in body:
                if any(takes_value_error(each, sites.paths, function) for each in handlers):
                    return True
            case ast.With(body=body, items=items) | ast.AsyncWith(body=body, items=items) if (
                inner in body
            ):
                if any(called_name(item.context_expr) in SUPPRESSING for item in items):
                    return True
            case _ if isinstance(node, _TRY_STAR) and inner in getattr(node, "body", ()):
                return True
    return False


def is_polled(
    sites: Sites, module: ast.Module, function: FunctionFacts, scheduled: Container[str]
) -> bool:
    """Whether a loop that waits between its rounds calls a function, or a timer does: it runs for
    as long as the program, on the same files.

    Args:
        scheduled: the `scheduled_names` of the module.
    """
    seen = {function}
    level = [function]
    for _ in range(_POLLS):
        above: list[FunctionFacts] = []
        for each in level:
            if not POLLING.isdisjoint(words(each.name)) or _is_scheduled(each, scheduled):
                return True
            for site in call_sites(sites, module, each):
                if any(_waits(node) for node in site.trail):
                    return True
                caller = site.call.function
                if not caller.is_module and caller not in seen:
                    seen.add(caller)
                    above.append(caller)
        level = above
    return False


def is_in_polling_loop(region: GuardedRegion) -> bool:
    """Whether a handler is in such a loop, and the loop continues after it."""
    if not any(_waits(block.node) for block in region.enclosing if block.kind is BlockKind.LOOP):
        return False
    handlers = getattr(region.node, "handlers", ())
    return not any(_leaves_loop(each.body[-1]) for each in handlers)


def _leaves_loop(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Return, ast.Raise, ast.Break))


def _waits(node: ast.AST) -> bool:
    return isinstance(node, ast.While) and any(
        isinstance(each, ast.Call) and not PAUSING.isdisjoint(words(called_name(each)))
        for each in (*walk(node.test), *_walk(node.body))
    )


def _is_scheduled(function: FunctionFacts, scheduled: Container[str]) -> bool:
    """Whether a function is passed to a timer, or has a timer's decorator."""
    node = function.node
    for decorator in node.decorator_list if isinstance(node, FUNCTIONS) else ():
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not SCHEDULING.isdisjoint(words(dotted(called) or "")):
            return True
    return bool(function.name) and function.name in scheduled


def scheduled_names(module: ast.Module) -> frozenset[str]:
    """The last names of everything that a module passes to timers."""
    return frozenset(
        name
        for call in walk(module)
        if isinstance(call, ast.Call) and _schedules(call)
        for given in arguments(call)
        for each in walk(given.value)
        if isinstance(each, (ast.Name, ast.Attribute)) and (name := last_name(each)) is not None
    )


def _schedules(call: ast.Call) -> bool:
    """`Timer(5, check)`, `loop.call_later(5, check)`, `every(5).minutes.do(check)`."""
    said = {*words(called_name(call))}
    return not SCHEDULING.isdisjoint(said) or (
        said <= {"do", "connect"}
        and any(
            isinstance(each, (ast.Name, ast.Attribute))
            and not SCHEDULING.isdisjoint(words(last_name(each) or ""))
            for each in walk(call.func)
        )
    )


class _Use(Enum):
    """What happens to the result of a call."""

    UNCHECKED = auto()
    """Not used, or an attribute or item is accessed, which fails for None as well."""
    RETURNED = auto()
    INSPECTED = auto()
    """Anything else."""


def _use(site: CallSite) -> _Use:
    if not site.trail:
        return _Use.INSPECTED
    parent, result = _around(site)
    match parent:
        case ast.Expr():
            return _Use.UNCHECKED
        case ast.Return():
            return _Use.RETURNED
        case ast.Attribute() | ast.Subscript() if parent.value is result:
            return _Use.INSPECTED if _is_of_a_default(parent) else _Use.UNCHECKED
    name = _assigned(parent)
    if name is None or "." in name or site.call.function.is_module:
        return _Use.INSPECTED
    uses = _Use.UNCHECKED
    root = site.call.function.node
    parents = parents_in(root)
    for node in walk(root):
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return _Use.INSPECTED  # by other functions
        if not isinstance(node, ast.Name) or node.id != name:
            continue
        match around := parents.get(node):
            case ast.Assign(targets=targets) if node in targets:
                pass
            case ast.AnnAssign(target=target) if target is node:
                pass
            case ast.Return():
                uses = _Use.RETURNED
            case ast.Attribute() | ast.Subscript() if around.value is node and not _is_of_a_default(
                around
            ):
                pass
            case _:
                return _Use.INSPECTED
    return uses


def _around(site: CallSite) -> tuple[ast.AST, ast.AST]:
    """The parent of a call, and the call itself, including a preceding `await`."""
    result: ast.AST = site.call.source_node
    for node in reversed(site.trail):
        if not isinstance(node, ast.Await):
            return node, result
        result = node
    return result, result


def _is_of_a_default(node: ast.AST) -> bool:
    """`state.get`: for an empty dictionary it returns a default that the caller continues with."""
    return isinstance(node, ast.Attribute) and node.attr in {"get", "pop", "setdefault"}


def _assigned(node: ast.AST) -> str | None:
    """The one name that an assignment binds."""
    match node:
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            return dotted(target)
    return None


def is_passed_around(module: ast.Module, name: str) -> bool:
    """Whether a function is used as a value, so that its callers are unknown."""
    nodes = list(walk(module))
    if any(_takes_by_name(node, name) for node in nodes):
        return True
    functions = {node.func for node in nodes if isinstance(node, ast.Call)}
    return any(
        last_name(node) == name
        for node in nodes
        if isinstance(node, (ast.Name, ast.Attribute)) and node not in functions
    )


def _takes_by_name(node: ast.AST, name: str) -> bool:
    """`getattr(self, f"load_{kind}")`, which may be any."""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func) == "getattr"
        and len(node.args) > 1
        and (not isinstance(node.args[1], ast.Constant) or node.args[1].value == name)
    )


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one call uses the returned value or handles the exception."""

    loops: bool = False
    catches: bool = False
    looks: bool = False
    returned: bool = False
    reports: bool = False
    """Whether the default is tested for and reported."""


def treatment(sites: Sites, module: ast.Module, call: Call) -> Treatment:
    """How the result of a call of a function from another file is used."""
    within = module if call.function.is_module else call.function.node
    site = CallSite(call, trail_to(within, call.source_node) or ())
    used = _use(site)
    return Treatment(
        any(isinstance(each, _LOOPING) for each in site.trail),
        not site.trail or _is_caught(sites, site),
        used is _Use.INSPECTED,
        used is _Use.RETURNED,
        bool(site.trail) and _is_reported(sites, site, frozenset()),
    )


def _is_reported(sites: Sites, site: CallSite, attributes: Set[str]) -> bool:
    """Whether the function of a call tests for the default and reports."""
    caller = site.call.function
    parent, _ = _around(site)
    name = _assigned(parent)
    names = attributes if name is None else {*attributes, name}
    return any(
        # A value tested before the call is something else.
        (test.order > site.call.order or test.node in site.trail)
        and _reports_default(sites, caller, test.node, names, site.call.node)
        for test in caller.branches
    )


def reported_by_caller(
    sites: Sites,
    module: ast.Module,
    function: FunctionFacts,
    attributes: frozenset[str] = frozenset(),
    depth: int = 3,
) -> bool:
    """Whether a caller tests the default and reports, in the branch for the default.

    Args:
        attributes: `self.state` and the like, which the handler leaves empty.
    """
    for site in call_sites(sites, module, function):
        caller = site.call.function
        if function not in sites.paths.callees(site.call.node, caller) or not site.trail:
            continue
        if _is_reported(sites, site, attributes):
            return True
        parent, _ = _around(site)
        name = _assigned(parent)
        names = attributes if name is None else {*attributes, name}
        returned = isinstance(parent, ast.Return) or any(
            dotted(each.value) in names for each in caller.returns
        )
        if depth and returned and reported_by_caller(sites, module, caller, depth=depth - 1):
            return True
    return False


def _reports_default(
    sites: Sites, caller: FunctionFacts, test: ast.If, names: Set[str], call: ast.Call
) -> bool:
    branch = _branch_of_default(test.test, names, call)
    if branch == "body":
        return reports(test.body, sites)
    if branch != "orelse":
        return False
    if test.orelse:
        return reports(test.orelse, sites)
    if not _leaves(test.body[-1]):
        return False
    trail = trail_to(caller.node, test)
    return trail is not None and reports(following(trail, test), sites)


def _branch_of_default(test: ast.expr, names: Set[str], call: ast.Call) -> str | None:
    """The branch that runs if the value is None or empty: `body` or `orelse`."""
    if test is call:
        return "orelse"
    match test:
        case ast.Await(value=value):
            return _branch_of_default(value, names, call)
        case ast.NamedExpr(target=target, value=value):
            return "orelse" if value is call or dotted(target) in names else None
        case ast.Name() | ast.Attribute() if dotted(test) in names:
            return "orelse"
        case ast.Call(func=func):
            if dotted(func) in {"isinstance", "len", "bool"} and (given := arguments(test)):
                return _branch_of_default(given[0].value, names, call)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _branch_of_default(operand, names, call)
            return {"body": "orelse", "orelse": "body"}.get(inner or "")
        case ast.Compare(left=left, ops=[operator]):
            if _branch_of_default(left, names, call) is None:
                return None
            if isinstance(operator, (ast.Is, ast.Eq)):
                return "body"
            return "orelse" if isinstance(operator, (ast.IsNot, ast.NotEq)) else None
        case ast.BoolOp(values=values):
            found = (_branch_of_default(each, names, call) for each in values)
            return next((each for each in found if each is not None), None)
    return None


# --- the tree ---------------------------------------------------------------------


def trail_to(root: ast.AST, node: ast.AST) -> list[ast.AST] | None:
    """The ancestors of a node, the outermost first; None if it is not below the root."""
    parents = parents_in(root)
    trail: list[ast.AST] = []
    above = node
    while above in parents:
        above = parents[above]
        trail.append(above)
    return trail[::-1] if above is root else None


def following(trail: Sequence[ast.AST], node: ast.AST) -> Iterator[ast.stmt]:
    """The statements that run after one, up to the end of its function or a statement that leaves
    it."""
    inner = node
    for around in reversed(trail):
        if isinstance(around, ast.Lambda):
            return
        for name in ("body", "orelse", "finalbody"):
            block = getattr(around, name, None)
            if isinstance(block, list) and inner in block:
                below: list[ast.stmt] = block[block.index(inner) + 1 :]
                yield from below
                if any(map(_leaves, below)):
                    return
        if isinstance(around, (*FUNCTIONS, ast.ClassDef)):
            return
        inner = around


def _leaves(statement: ast.AST) -> bool:
    """Whether the statements after one in its block never run."""
    return isinstance(statement, (ast.Return, ast.Raise, ast.Continue, ast.Break))


def _walk(block: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for statement in block:
        yield from walk(statement)
