"""What follows a handler that gives a default: another attempt in the same function, and what the
callers in the same file do with the default."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from atomic_fix.facts.caught import takes_value_error
from atomic_fix.facts.names import children, dotted, of_kind, parents_in, words
from atomic_fix.facts.reports import reports
from atomic_fix.facts.scopes import Call, FunctionFacts, Handled, Inside
from atomic_fix.facts.sites import LoadSite, Sites

_WAITING = frozenset({"backoff", "delay", "pause", "sleep", "wait"})
# What gives the content of a file: the same each time, unless the file has changed.
_CONTENT = frozenset({"open", "read", "read_bytes", "read_text", "load", "loads", "Path", "join"})
# In the name of a call that makes another attempt: `raw_decode`, `load_backup`.
_ATTEMPTING = frozenset({"decode", "load", "recover", "restore", "salvage", "unpickle"})
_CALLERS = 2
"""Callers of callers are looked at, no further."""
_SUPPRESSING = frozenset({"suppress", "ignored", "ignoring"})

_LOOPS = (cst.For, cst.While, cst.CompFor, cst.BaseComp)


# --- the same function ------------------------------------------------------------


def is_retry(sites: Sites, handled: Handled, load: LoadSite) -> bool:
    """Whether a loop around the handler reads the same file again: it waits between attempts, or
    is left by the first one that succeeds."""
    loop = next((each for each in reversed(handled.inside) if each.kind == "loop"), None)
    if loop is None or not isinstance(loop.node, (cst.For, cst.While)):
        return False
    if _changes(load.call.node, handled.function, loop, load.order, depth=4):
        return False
    if load.path_node is not None and _changes(
        load.path_node, handled.function, loop, load.order, depth=4
    ):
        return False
    body = list(_walk(loop.node.body))
    if any(isinstance(node, cst.Call) and _WAITING & {*words(_last(node))} for node in body):
        return True
    assert isinstance(handled.node, (cst.Try, cst.With))
    successful: list[cst.CSTNode] = [handled.node.body]
    if isinstance(handled.node, cst.Try) and handled.node.orelse is not None:
        successful.append(handled.node.orelse)
    return any(
        isinstance(node, (cst.Break, cst.Return)) for part in successful for node in _walk(part)
    )


def _changes(
    node: cst.CSTNode, function: FunctionFacts, loop: Inside, before: int, depth: int
) -> bool:
    """Whether an expression may stand for something else in the next turn of a loop."""
    if depth == 0:
        return True
    head = set(_walk(loop.node.test)) if isinstance(loop.node, cst.While) else set()
    for name in _walk(node):
        if not isinstance(name, (cst.Name, cst.Attribute)):
            continue
        for binding in function.bindings.get(dotted(name) or "", ()):
            in_head = binding.node is loop.node or binding.node in head
            if not in_head and loop not in binding.inside:
                continue
            if in_head or binding.kind not in {"assign", "with"}:
                return True
            if binding.order > before:
                return True
            calls = [each for each in _walk(binding.value) if isinstance(each, cst.Call)]
            if any(_last(call) not in _CONTENT for call in calls):
                return True
            if _changes(binding.value, function, loop, binding.order, depth - 1):
                return True
    return False


def is_of_one_item(handled: Handled, load: LoadSite) -> bool:
    """Whether a loop around the handler goes over the lines, or items, of one file."""
    loop = next((each for each in reversed(handled.inside) if each.kind == "loop"), None)
    if loop is None or load.function is not handled.function or load.path_node is None:
        return False
    around = (handled.function, loop, load.order)
    return _changes(load.call.node, *around, depth=4) and not _changes(
        load.path_node, *around, depth=4
    )


def attempts_again(sites: Sites, handled: Handled) -> bool:
    """Whether code that runs after the statement tries to get the same thing in another way."""
    return next(_second_attempts(sites, handled), None) is not None


def warns_in_second_attempt(sites: Sites, handled: Handled) -> bool:
    """Whether code that runs after the statement makes another attempt, and reports from there
    on."""
    return any(reports(each, sites) for each in _second_attempts(sites, handled))


def _second_attempts(sites: Sites, handled: Handled) -> Iterator[cst.CSTNode]:
    """The statements after the handler from the first one that makes another attempt."""
    function = handled.function
    trail = trail_to([function.node], handled.node)
    if trail is None:
        return  # the module's own code: its pieces do not hang together
    tried = list(_walk(handled.node.body))
    wanted = {name for node in tried if (name := _target(node)) is not None}
    is_result = any(isinstance(node, cst.Return) for node in tried)
    attempted = False
    for statement in following(trail, handled.node):
        attempted = attempted or (
            (is_result or not wanted.isdisjoint(_targets(statement)))
            and _attempts(sites, function, statement)
        )
        if attempted:
            yield statement


def _targets(statement: cst.CSTNode) -> set[str | None]:
    return {
        _target(node)
        for kind in (cst.AssignTarget, cst.AnnAssign)
        for node in of_kind(statement, kind)
    }


def _target(node: cst.CSTNode) -> str | None:
    return dotted(node.target) if isinstance(node, (cst.AssignTarget, cst.AnnAssign)) else None


def _attempts(sites: Sites, function: FunctionFacts, statement: cst.CSTNode) -> bool:
    loads = {load.call.node for load in sites.loads_in(function)}
    return any(
        node in loads
        or not _ATTEMPTING.isdisjoint(words(_last(node)))
        or any(sites.loads_in(callee) for callee in sites.paths.callees(node, function)[:1])
        for node in _walk(statement)
        if isinstance(node, cst.Call)
    )


# --- callers ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class CallSite:
    """A call of a function, and the nodes around it, the outermost first."""

    call: Call
    trail: Sequence[cst.CSTNode]


@dataclass(frozen=True, slots=True)
class Callers:
    """What the callers of a loader in the same file do: `_CALLERS` levels of them."""

    loops: bool = False
    """One calls it in a loop."""
    catches: bool = False
    """One has a handler that would take a `ValueError` from it."""
    looks: bool = False
    """One tests the result, or gives it to code that may do so."""


def call_sites(
    sites: Sites, roots: Iterable[cst.CSTNode], function: FunctionFacts
) -> list[CallSite]:
    """The calls of a function in its file. Methods of objects whose class is not in sight count
    when they have its name."""
    found: list[CallSite] = []
    for call in sites.scopes.callers_of(function.name) if function.name else ():
        if call.function is function:
            continue
        callees = sites.paths.callees(call.node, call.function)
        if function not in callees and (callees or call.method is None):
            continue
        within = list(roots) if call.function.is_module else [call.function.node]
        found.append(CallSite(call, trail_to(within, call.place) or ()))
    return found


def callers(
    sites: Sites, roots: Sequence[cst.CSTNode], function: FunctionFacts, depth: int = _CALLERS
) -> Callers:
    """What the callers of a function would do with its result, and with a new exception."""
    loops = catches = looks = False
    for site in call_sites(sites, roots, function):
        caller = site.call.function
        loops = loops or any(isinstance(each, _LOOPS) for each in site.trail)
        catches = catches or not site.trail or _is_caught(sites, site)
        used = _use(sites, site)
        looks = looks or used == "looked at"
        if depth > 1 and not caller.is_module:
            further = callers(sites, roots, caller, depth - 1)
            loops = loops or further.loops
            catches = catches or further.catches
            looks = looks or (used == "returned" and further.looks)
    return Callers(loops, catches, looks)


def _is_caught(sites: Sites, site: CallSite) -> bool:
    function = site.call.function
    for node, inner in zip(site.trail, [*site.trail[1:], site.call.place], strict=True):
        if isinstance(node, (cst.Try, cst.TryStar, cst.With)) and inner is node.body:
            if isinstance(node, cst.Try):
                taken = any(takes_value_error(e, sites.paths, function) for e in node.handlers)
            else:
                taken = isinstance(node, cst.TryStar) or any(
                    _last(item.item) in _SUPPRESSING for item in node.items
                )
            if taken:
                return True
    return False


def _use(sites: Sites, site: CallSite) -> str:
    """What becomes of the result: `unused`, `returned`, `taken apart` (an attribute or an item is
    taken, which fails for None as well), or `looked at` in any other way."""
    if not site.trail:
        return "looked at"
    parent = next(
        (each for each in reversed(site.trail) if not isinstance(each, cst.Await)), site.trail[-1]
    )
    if isinstance(parent, cst.Expr):
        return "unused"
    if isinstance(parent, cst.Return):
        return "returned"
    if isinstance(parent, (cst.Attribute, cst.Subscript)):
        return "looked at" if _is_of_a_default(parent) else "taken apart"
    name = _assigned(parent)
    if name is None or "." in name or site.call.function.is_module:
        return "looked at"
    uses = "unused"
    root = site.call.function.node
    for node in _walk(root):
        if isinstance(node, cst.Name) and node.value == name:
            trail = trail_to([root], node) or ()
            around = trail[-1] if trail else None
            if isinstance(around, cst.AssignTarget) or (
                isinstance(around, cst.AnnAssign) and around.target is node
            ):
                continue
            if isinstance(around, cst.Return):
                uses = "returned"
            elif isinstance(around, cst.Attribute) and around.value is not node:
                continue  # `other.name`
            elif not isinstance(around, (cst.Attribute, cst.Subscript)) or _is_of_a_default(around):
                return "looked at"
    return uses


def _is_of_a_default(node: cst.CSTNode) -> bool:
    """`state.get`: of an empty dictionary it gives what the caller goes on with."""
    return isinstance(node, cst.Attribute) and node.attr.value in {"get", "pop", "setdefault"}


def _assigned(node: cst.CSTNode) -> str | None:
    """The one name that an assignment binds."""
    if isinstance(node, cst.Assign) and len(node.targets) == 1:
        return dotted(node.targets[0].target)
    return dotted(node.target) if isinstance(node, cst.AnnAssign) else None


def is_passed_around(text: str, name: str) -> bool:
    """Whether a function is used as a value, so that who calls it cannot be seen; true if that
    is not known."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    if any(_takes_by_name(node, name) for node in ast.walk(tree)):
        return True
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return any(
        id(node) not in called and name in {getattr(node, "id", None), getattr(node, "attr", None)}
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute))
    )


def _takes_by_name(node: ast.AST, name: str) -> bool:
    """`getattr(self, f"load_{kind}")`, which may be any."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) > 1
        and (not isinstance(node.args[1], ast.Constant) or node.args[1].value == name)
    )


def reported_by_caller(
    sites: Sites,
    roots: Sequence[cst.CSTNode],
    function: FunctionFacts,
    attributes: frozenset[str] = frozenset(),
    depth: int = 3,
) -> bool:
    """Whether a caller tests the default and reports, in the branch for the default.

    Args:
        attributes: `self.state` and the like, which the handler leaves empty.
    """
    for site in call_sites(sites, roots, function):
        caller = site.call.function
        if function not in sites.paths.callees(site.call.node, caller) or not site.trail:
            continue
        names = set(attributes)
        parent = next(each for each in reversed(site.trail) if not isinstance(each, cst.Await))
        if (name := _assigned(parent)) is not None:
            names.add(name)
        within = roots if caller.is_module else [caller.node]
        for test in caller.tests:
            # What is tested before the call is something else.
            later = test.order > site.call.order or test.node in site.trail
            if later and _reports_default(sites, within, test.node, names, site.call.node):
                return True
        returned = isinstance(parent, cst.Return) or any(
            dotted(each.value) in names for each in caller.returns
        )
        if depth and returned and reported_by_caller(sites, roots, caller, depth=depth - 1):
            return True
    return False


def _reports_default(
    sites: Sites, roots: Sequence[cst.CSTNode], test: cst.If, names: set[str], call: cst.Call
) -> bool:
    branch = _branch_of_default(test.test, names, call)
    if branch == "body":
        return reports(test.body, sites)
    if branch != "orelse":
        return False
    if test.orelse is not None:
        return reports(test.orelse, sites)
    if not _leaves(test.body):
        return False
    trail = trail_to(roots, test)
    return trail is not None and any(reports(each, sites) for each in following(trail, test))


def _branch_of_default(test: cst.BaseExpression, names: set[str], call: cst.Call) -> str | None:
    """The branch that runs when the value is None or empty: `body` or `orelse`."""
    if isinstance(test, cst.Await):
        return _branch_of_default(test.expression, names, call)
    if isinstance(test, cst.NamedExpr):
        return "orelse" if test.value is call or dotted(test.target) in names else None
    if test is call or (isinstance(test, (cst.Name, cst.Attribute)) and dotted(test) in names):
        return "orelse"
    if isinstance(test, cst.Call):
        first = test.args[0].value if test.args else None
        if dotted(test.func) in {"isinstance", "len", "bool"} and first is not None:
            return _branch_of_default(first, names, call)
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = _branch_of_default(test.expression, names, call)
        return {"body": "orelse", "orelse": "body"}.get(inner or "")
    if isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        if _branch_of_default(test.left, names, call) is None:
            return None
        operator = test.comparisons[0].operator
        if isinstance(operator, (cst.Is, cst.Equal)):
            return "body"
        return "orelse" if isinstance(operator, (cst.IsNot, cst.NotEqual)) else None
    if isinstance(test, cst.BooleanOperation):
        return _branch_of_default(test.left, names, call) or _branch_of_default(
            test.right, names, call
        )
    return None


# --- the tree ---------------------------------------------------------------------


def trail_to(roots: Iterable[cst.CSTNode], node: cst.CSTNode) -> list[cst.CSTNode] | None:
    """The nodes around a node, the outermost first; None when it is in none of the roots."""
    for root in roots:
        parents = parents_in(root)
        trail: list[cst.CSTNode] = []
        above = node
        while above in parents:
            above = parents[above]
            trail.append(above)
        if above is root:
            return trail[::-1]
    return None


def following(trail: Sequence[cst.CSTNode], node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The statements that run after one, up to the end of its function or to what leaves it."""
    inner = node
    for around in reversed(trail):
        if isinstance(around, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
            return
        if isinstance(around, (cst.IndentedBlock, cst.Module)):
            block: list[cst.CSTNode] = list(around.body)
            below = block[block.index(inner) + 1 :] if inner in block else []
            yield from below
            if any(map(_leaves, below)):
                return
        inner = around


def _leaves(node: cst.CSTNode) -> bool:
    """Whether a statement, or the last one of a block, always leaves the block."""
    if isinstance(node, (cst.IndentedBlock, cst.SimpleStatementSuite)):
        return bool(node.body) and _leaves(node.body[-1])
    if isinstance(node, cst.SimpleStatementLine):
        return _leaves(node.body[-1])
    return isinstance(node, (cst.Return, cst.Raise, cst.Continue, cst.Break))


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def _last(node: cst.CSTNode) -> str:
    """`c` for a call of `a.b.c`; empty for anything else."""
    func = node.func if isinstance(node, cst.Call) else None
    if isinstance(func, cst.Attribute):
        func = func.attr
    return func.value if isinstance(func, cst.Name) else ""
