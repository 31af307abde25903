"""Handlers around loads: which errors they take, and what becomes of them."""

from dataclasses import dataclass

import libcst as cst

from atomic_fix.catalog import errors
from atomic_fix.catalog.words import ASKING, LOADING, SHAPING
from atomic_fix.facts import fallbacks
from atomic_fix.facts.caught import corrupt_errors, error_names
from atomic_fix.facts.names import children, code_of, dotted, words
from atomic_fix.facts.reports import BodyScan, is_report, moves_aside, reports
from atomic_fix.facts.scopes import Call, FunctionFacts, Handled, Test
from atomic_fix.facts.sites import LoadSite, Sites

_OF_MISSING = errors.MISSING | errors.OPERATING_SYSTEM
# Who takes one of these takes what a torn file raises.
_OF_TORN = frozenset({"Exception", "JSONDecodeError", "UnpicklingError", "ValueError", "YAMLError"})
_DEFAULT_WORDS = frozenset(
    {"blank", "default", "empty", "fresh", "initial", "new", "null", "reset"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Swallow:
    """A handler that takes "there but unreadable" for something harmless, without a word."""

    node: cst.ExceptHandler | cst.Call
    """The handler, or the `suppress(...)` call."""
    handled: Handled
    """The `try`, or the `with suppress(...)`."""
    load: LoadSite
    errors: tuple[str, ...]
    """Those of its errors that mean "there but unreadable"."""
    broad: bool
    missing_too: bool
    """Whether the handler also takes a missing file."""
    outcome: str
    """A clause: "returns None", "passes", "continues"."""

    @property
    def function(self) -> FunctionFacts:
        return self.handled.function

    @property
    def statement(self) -> cst.Try | cst.With:
        return self.handled.node

    @property
    def sets(self) -> frozenset[str]:
        """The names and attributes that the handler gives a default."""
        body = self.node.body if isinstance(self.node, cst.ExceptHandler) else None
        return assigned(body) if body is not None else frozenset()

    @property
    def falls_through(self) -> bool:
        """Whether the code below the statement runs with the default."""
        return not self.outcome.startswith(("returns", "continues", "breaks"))


def swallows(sites: Sites) -> tuple[Swallow, ...]:
    found: list[Swallow] = []
    for function in sites.scopes.functions:
        for handled in function.handled:
            if isinstance(handled.node, cst.With):
                found += _suppressed(sites, handled, handled.node)
            else:
                found += _handlers(sites, handled, handled.node)
    return tuple(sorted(found, key=lambda s: s.handled.order))


def _handlers(sites: Sites, handled: Handled, node: cst.Try) -> list[Swallow]:
    found = []
    taken: set[str] = set()
    load: LoadSite | None = None
    for handler in node.handlers:
        names = error_names(handler.type, sites.paths, handled.function)
        corrupt, broad = corrupt_errors(names)
        already, taken = taken, taken.union(names)
        if not corrupt and not broad:
            continue
        if broad and not already.isdisjoint(_OF_TORN):
            continue
        load = load or _load_in(sites, handled)
        if load is None:
            return []
        outcome = _outcome(sites, handled, handler)
        if outcome is None or (set(names) == {"EOFError"} and _is_a_stream(sites, handled, load)):
            continue
        if _tries_the_next(sites, handled) or _keeps_the_text(sites, load, handler):
            continue
        swallow = Swallow(
            handler,
            handled,
            load,
            errors=corrupt,
            broad=broad,
            missing_too=not _OF_MISSING.isdisjoint(names) and _OF_MISSING.isdisjoint(already),
            outcome=outcome,
        )
        if not _comes_right(sites, swallow):
            found.append(swallow)
    return found


def _comes_right(sites: Sites, swallow: Swallow) -> bool:
    """Whether the same function tries again: the same file later, or another way that warns."""
    handled = swallow.handled
    if swallow.outcome in {"continues", "passes", "goes on"} and fallbacks.is_retry(
        sites, handled, swallow.load
    ):
        return True
    return swallow.falls_through and fallbacks.warns_in_second_attempt(sites, handled)


def _is_a_stream(sites: Sites, handled: Handled, load: LoadSite) -> bool:
    """`while True: try: yield pickle.load(file)` is left by its EOFError, as is what asks for
    one more object behind the first."""
    return any(isinstance(inside.node, cst.While) for inside in handled.inside) or any(
        other.order < handled.order and not other.raw and other.path.same(load.path)
        for other in sites.loads_in(handled.function)
    )


def _tries_the_next(sites: Sites, handled: Handled) -> bool:
    """`for kind in kinds: try: return load(kind)`, and finding none is reported after the loop."""
    function = handled.function
    loop = next((i for i in reversed(handled.inside) if isinstance(i.node, cst.For)), None)
    if loop is None or not any(
        handled.order < r.order < handled.body_end for r in function.returns
    ):
        return False
    return any(r.order > loop.end for r in function.raises) or any(
        call.order > loop.end and is_report(call.node, sites) for call in function.calls
    )


def _keeps_the_text(sites: Sites, load: LoadSite, handler: cst.ExceptHandler) -> bool:
    """Whether the handler takes the text that could not be parsed as it is."""
    text = load.call.argument(0)
    if not isinstance(text, cst.Name) or text is load.path_node:
        return False
    if sites.handles.handle_of(text, load.call) is not None:
        return False
    seen = BodyScan(text.value)
    handler.body.visit(seen)
    return seen.uses_error


def _suppressed(sites: Sites, handled: Handled, node: cst.With) -> list[Swallow]:
    for item in node.items:
        call = item.item
        if not isinstance(call, cst.Call):
            continue
        name = sites.paths.call_name(call, handled.function)
        if name not in {"contextlib.suppress", "builtins.suppress"}:
            continue
        names: list[str] = []
        for arg in call.args:
            names += error_names(arg.value, sites.paths, handled.function)
        corrupt, broad = corrupt_errors(names)
        load = _load_in(sites, handled) if corrupt or broad else None
        if load is None or _tells_later(sites, handled, node.body) or _raises_behind(handled):
            return []
        missing_too = not _OF_MISSING.isdisjoint(names)
        swallow = Swallow(call, handled, load, corrupt, broad, missing_too, outcome="goes on")
        return [] if _comes_right(sites, swallow) else [swallow]
    return []


def loads_tried(sites: Sites, handled: Handled) -> list[LoadSite]:
    """The loads in the body of a `try` or `suppress`: its own, and those of the module's functions
    that it calls. What a nearer `try` handles is left out."""
    found = _own_loads(sites, handled)
    for call in handled.function.calls:
        if handled.order < call.order < handled.body_end and not _inner(handled, call):
            for callee in sites.paths.callees(call.node, call.function)[:1]:
                if callee is not handled.function:
                    found += [
                        load
                        for load in sites.loads_in(callee)
                        if not any(map(_takes_corrupt, _tries_around(load.call)))
                    ]
    return found


def _own_loads(sites: Sites, handled: Handled) -> list[LoadSite]:
    return [
        load
        for load in sites.loads_in(handled.function)
        if handled.order < load.order < handled.body_end and not _inner(handled, load.call)
    ]


def _load_in(sites: Sites, handled: Handled) -> LoadSite | None:
    """The load that is tried: in the body, or by a function of the module called there."""
    # The first one that parses, or else the first one.
    best = min(_own_loads(sites, handled), key=lambda load: load.raw, default=None)
    if best is not None and not best.raw:
        return best
    for call in handled.function.calls:
        if not handled.order < call.order < handled.body_end or _inner(handled, call):
            continue
        for callee in sites.paths.callees(call.node, call.function)[:1]:
            if callee is handled.function:
                continue
            inner = [load for load in sites.loads_in(callee) if not load.raw]
            if inner and not any(
                _takes_corrupt(each) for load in inner for each in _tries_around(load.call)
            ):
                return inner[0]
        # `State.from_dict(payload)`: gives shape to what was loaded just before.
        if best is None and set(words(call.method or call.name or "")) & SHAPING:
            for arg in call.node.args[:1]:
                origin = sites.handles.origin(arg.value, call)
                # Of `date_from(payload["at"])` the file as a whole is no matter.
                if origin is not None and not isinstance(arg.value, cst.Subscript):
                    return LoadSite(call, call.name or "", *origin, raw=False)
    return best


def _inner(handled: Handled, call: Call) -> bool:
    """Whether a nearer `try` of the same function already handles what the call raises."""
    tries = _tries_around(call)
    return (
        isinstance(handled.node, cst.Try)
        and tries != []
        and tries[-1] is not handled.node
        and _takes_corrupt(tries[-1])
    )


def _tries_around(call: Call) -> list[cst.Try]:
    return [i.node for i in call.inside if i.kind == "try" and isinstance(i.node, cst.Try)]


def _takes_corrupt(node: cst.Try) -> bool:
    text = "".join(code_of(h.type) if h.type is not None else "Exception" for h in node.handlers)
    return any(
        n in text for n in ("Exception", "ValueError", "DecodeError", "Unpickl", "YAMLError")
    )


@dataclass(frozen=True, slots=True, eq=False)
class Dismissal:
    """Loaded data of the wrong shape is taken for none, without a word."""

    node: cst.If
    function: FunctionFacts
    load: LoadSite
    outcome: str


def dismissals(sites: Sites) -> tuple[Dismissal, ...]:
    """`if not isinstance(payload, dict): return None` behind the load of `payload`."""
    found = []
    for function in sites.scopes.functions:
        for test in function.tests:
            asked = _shape_asked_of(test.node.test)
            if asked is None or test.node.orelse is not None:
                continue
            call = Call(test.order, cst.Call(asked), function, (), None)
            origin = sites.handles.origin(asked, call)
            load = next(
                (s for s in sites.loads if origin and not s.raw and s.path is origin[0]), None
            )
            outcome = _ending_of(test.node.body)
            if load is None or outcome is None or not outcome.startswith("returns"):
                continue
            if not reports(test.node.body, sites):
                found.append(Dismissal(test.node, function, load, outcome))
    return tuple(found)


def _shape_asked_of(test: cst.BaseExpression) -> cst.Name | None:
    """The name in `not isinstance(name, ...)`."""
    if not isinstance(test, cst.UnaryOperation) or not isinstance(test.operator, cst.Not):
        return None
    call = test.expression
    if not isinstance(call, cst.Call) or dotted(call.func) != "isinstance" or not call.args:
        return None
    value = call.args[0].value
    return value if isinstance(value, cst.Name) else None


def _outcome(sites: Sites, handled: Handled, handler: cst.ExceptHandler) -> str | None:
    """How a silent handler ends, or None when it is not silent."""
    seen = BodyScan(dotted(handler.name.name) if handler.name is not None else None)
    handler.body.visit(seen)
    if seen.raises or seen.uses_error or seen.says_bad_news:
        return None
    if seen.says_no and _is_question(handled.function):
        return None  # it was asked, and a file that can't be read is a "no"
    if _is_counted(sites, handled, handler.body):
        return None
    for call in seen.calls:
        if is_report(call, sites) or moves_aside(call, sites):
            return None
        if any(load.call.node is call for load in sites.loads_in(handled.function)):
            return None  # tries another file or format, and that is not silent by itself
        for callee in sites.paths.callees(call, handled.function)[:1]:
            body = callee.node.body
            if isinstance(body, cst.BaseSuite) and reports(body, sites):
                return None
            if sites.loads_in(callee):
                return None
    # What the `try` would have set is as empty as before.
    if _tells_later(sites, handled, handler.body, handled.node.body):
        return None
    ending = _ending_of(handler.body)
    if ending in {"passes", "goes on"} and _raises_behind(handled):
        return None
    return ending


def _is_question(function: FunctionFacts) -> bool:
    """Whether a function answers yes or no, by its name or by what it returns."""
    said = {*words(function.name)}
    if not ASKING.isdisjoint(said):
        return True
    if not said.isdisjoint(LOADING):
        return False  # it answers whether it could load
    returns = function.node.returns if isinstance(function.node, cst.FunctionDef) else None
    if returns is not None:
        return dotted(returns.annotation) == "bool"
    return all(
        isinstance(each.value, (cst.Comparison, cst.UnaryOperation))
        or dotted(each.value) in {"True", "False"}
        for each in function.returns
    )


def _is_counted(sites: Sites, handled: Handled, body: cst.BaseSuite) -> bool:
    """`skipped += 1` or `bad.append(path)`, and that is reported or returned later."""
    names = set()
    for line in body.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.AugAssign):
                names.add(dotted(small.target))
            elif isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
                func = small.value.func
                if isinstance(func, cst.Attribute) and func.attr.value in {"add", "append"}:
                    names.add(dotted(func.value))
    names.discard(None)
    if not names:
        return False
    function = handled.function
    told: list[cst.CSTNode] = [
        call.node
        for call in function.calls
        if call.order > handled.end and is_report(call.node, sites)
    ]
    told += [each.value for each in function.returns if each.order > handled.end]
    return any(
        test.order > handled.end and _counts(test, names, sites) for test in function.tests
    ) or any(_mentions(node, names) for node in told)


def _counts(test: Test, names: set[str | None], sites: Sites) -> bool:
    return _mentions(test.node.test, names) and reports(test.node.body, sites)


def _mentions(node: cst.CSTNode, names: set[str | None]) -> bool:
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, (cst.Name, cst.Attribute)) and dotted(current) in names:
            return True
        stack.extend(children(current))
    return False


def _raises_behind(handled: Handled) -> bool:
    """Whether what falls through ends in a `raise`."""
    return any(
        r.order > handled.end and r.inside == handled.inside[: len(r.inside)]
        for r in handled.function.raises
    )


def _tells_later(sites: Sites, handled: Handled, *blocks: cst.BaseSuite) -> bool:
    """Whether what is left empty is tested for later, and that raises or warns."""
    names = frozenset[str]().union(*map(assigned, blocks))
    return any(
        test.order >= handled.end
        and not names.isdisjoint(_names_in(test.node.test))
        and reports(test.node.body, sites)
        for test in handled.function.tests
    )


def assigned(block: cst.BaseSuite) -> frozenset[str]:
    """The names and attributes that the statements of a block bind."""
    lines = (
        line.body if isinstance(line, cst.SimpleStatementLine) else [line] for line in block.body
    )
    return frozenset(
        name
        for line in lines
        for statement in line
        if isinstance(statement, cst.Assign)
        for target in statement.targets
        if (name := dotted(target.target)) is not None
    )


def _names_in(test: cst.BaseExpression) -> list[str]:
    """The names that a test finds empty: `not x`, `x is None`, joined by `or` and `and`."""
    if isinstance(test, (cst.Name, cst.Attribute)):
        return [dotted(test) or ""]
    if isinstance(test, cst.UnaryOperation):
        return _names_in(test.expression)
    if isinstance(test, cst.Comparison):
        return _names_in(test.left)
    if isinstance(test, cst.BooleanOperation):
        return _names_in(test.left) + _names_in(test.right)
    return []


def _ending_of(body: cst.BaseSuite) -> str | None:
    """A clause for a block that ends in a default; None for any other."""
    last: cst.CSTNode = body.body[-1]
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    if isinstance(last, cst.Return) and last.value is None:
        return "returns None"
    if isinstance(last, (cst.Return, cst.Assign, cst.AnnAssign)):
        verb = "returns" if isinstance(last, cst.Return) else "sets"
        value = last.value
        return f"{verb} {_short(value)}" if value is not None and _is_default(value) else None
    if isinstance(last, cst.Continue):
        return "continues"
    if isinstance(last, cst.Break):
        return "breaks off"
    if isinstance(last, cst.Pass):
        return "passes"
    return "goes on" if isinstance(last, (cst.Expr, cst.If)) else None


def _is_default(node: cst.BaseExpression) -> bool:
    """Whether an expression is a value that stands for "nothing there"."""
    plain = (cst.SimpleString, cst.Integer, cst.Float, cst.Name, cst.Attribute, cst.Subscript)
    if isinstance(node, (*plain, cst.Dict, cst.List, cst.Set, cst.UnaryOperation)):
        return True
    if isinstance(node, cst.Tuple):
        return all(_is_default(e.value) for e in node.elements)
    if isinstance(node, cst.Call):
        name = dotted(node.func) or ""
        last = name.rpartition(".")[2]
        if last in {
            "dict",
            "list",
            "set",
            "tuple",
            "defaultdict",
            "Counter",
            "OrderedDict",
            "deque",
            "copy",
            "deepcopy",
        } or not _DEFAULT_WORDS.isdisjoint(words(last)):
            return True
        # A new, empty object: `State()`, `cls()`, `DataFrame()`.
        return (last[:1].isupper() or last == "cls") and len(node.args) <= 1
    if isinstance(node, cst.BooleanOperation):
        return _is_default(node.left)
    return False


def _short(node: cst.BaseExpression) -> str:
    text = " ".join(code_of(node).split())
    return text if len(text) <= 24 else text[:21] + "..."
