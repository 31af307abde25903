"""Handlers around loads: which errors they take, and what becomes of them."""

import re
from dataclasses import dataclass

import libcst as cst

from atomic_fix.catalog import errors
from atomic_fix.catalog.words import ASKING, SHAPING
from atomic_fix.facts.names import code_of, dotted, words
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.scopes import Call, FunctionFacts, Handled
from atomic_fix.facts.sites import LoadSite, Sites

_TELLING_METHODS = frozenset(
    {"warning", "warn", "error", "exception", "critical", "fatal", "capture_exception", "abort"}
)
_TELLING_CALLS = frozenset(
    {
        "warnings.warn",
        "traceback.print_exc",
        "traceback.print_exception",
        "sys.exit",
        "sys.stderr.write",
        "os._exit",
        "builtins.exit",
        "builtins.quit",
        "builtins.SystemExit",
        "sentry_sdk.capture_exception",
    }
)
# Words in a called function's name that say it tells somebody or stops.
_TELLING_WORDS = frozenset(
    {"abort", "alert", "complain", "die", "error", "fail", "fatal", "notify", "warn", "warning"}
)
_OF_MISSING = errors.MISSING | errors.OPERATING_SYSTEM
# Who takes one of these takes what a torn file raises.
_OF_TORN = frozenset({"Exception", "JSONDecodeError", "UnpicklingError", "ValueError", "YAMLError"})
# In the name of a call that logs: `log_trace`, `log_err`.
_LOGGED = frozenset({"err", "exc", "trace", "traceback"})
_ASIDE_WORDS = frozenset({"backup", "quarantine", "recover", "repair", "restore"})
_QUIET_METHODS = frozenset({"debug", "info", "trace", "log"})
# Calls that show a text to whoever runs the program.
_SHOWING = frozenset({"echo", "print", "pprint", "secho"})
_BAD_NEWS = re.compile(
    r"\b(bad|broken|cannot|can't|corrupt\w*|could not|couldn't|damaged|error\w*|fail\w*|invalid"
    r"|malformed|not (a )?valid|unable|unreadable|warn\w*)\b",
    re.IGNORECASE,
)
_DEFAULT_WORDS = frozenset(
    {"blank", "default", "empty", "fresh", "initial", "new", "null", "reset"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Swallow:
    """A handler that takes "there but unreadable" for something harmless, without a word."""

    node: cst.ExceptHandler | cst.Call
    """The handler, or the `suppress(...)` call."""
    statement: cst.Try | cst.With
    function: FunctionFacts
    load: LoadSite
    errors: tuple[str, ...]
    """Those of its errors that mean "there but unreadable"."""
    broad: bool
    missing_too: bool
    """Whether the handler also takes a missing file."""
    outcome: str
    """A clause: "returns None", "passes", "continues"."""
    order: int


def swallows(sites: Sites) -> tuple[Swallow, ...]:
    found: list[Swallow] = []
    for function in sites.scopes.functions:
        for handled in function.handled:
            if isinstance(handled.node, cst.With):
                found += _suppressed(sites, handled, handled.node)
            else:
                found += _handlers(sites, handled, handled.node)
    return tuple(sorted(found, key=lambda s: s.order))


def _handlers(sites: Sites, handled: Handled, node: cst.Try) -> list[Swallow]:
    found = []
    taken: set[str] = set()
    load: LoadSite | None = None
    for handler in node.handlers:
        names = error_names(handler.type, sites.paths, handled.function)
        corrupt, broad = _corrupt(names)
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
        if _tries_the_next(handled) or _keeps_the_text(sites, load, handler):
            continue
        missing = not _OF_MISSING.isdisjoint(names) and _OF_MISSING.isdisjoint(already)
        place = (handled.function, load, corrupt, broad, missing)
        found.append(Swallow(handler, node, *place, outcome, handled.order))
    return found


def _is_a_stream(sites: Sites, handled: Handled, load: LoadSite) -> bool:
    """`while True: try: yield pickle.load(file)` is left by its EOFError, as is what asks for
    one more object behind the first."""
    return any(isinstance(inside.node, cst.While) for inside in handled.inside) or any(
        other.order < handled.order and not other.raw and other.path.same(load.path)
        for other in sites.loads_in(handled.function)
    )


def _tries_the_next(handled: Handled) -> bool:
    """`for kind in kinds: try: return load(kind)`, and who finds none is told behind the loop."""
    loop = next((i for i in reversed(handled.inside) if isinstance(i.node, cst.For)), None)
    returns = any(handled.order < r.order < handled.body_end for r in handled.function.returns)
    return loop is not None and returns and any(r.order > loop.end for r in handled.function.raises)


def _keeps_the_text(sites: Sites, load: LoadSite, handler: cst.ExceptHandler) -> bool:
    """Whether the handler takes the text that could not be parsed as it is."""
    text = load.call.argument(0)
    if not isinstance(text, cst.Name) or text is load.path_node:
        return False
    if sites.handles.handle_of(text, load.call) is not None:
        return False
    seen = _Handler(text.value)
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
        corrupt, broad = _corrupt(names)
        load = _load_in(sites, handled) if corrupt or broad else None
        if load is None or _tells_later(sites, handled, node.body) or _raises_behind(handled):
            return []
        place = (handled.function, load, corrupt, broad, not _OF_MISSING.isdisjoint(names))
        return [Swallow(call, node, *place, "goes on", handled.order)]
    return []


def error_names(
    node: cst.BaseExpression | None, paths: Paths, function: FunctionFacts, depth: int = 3
) -> list[str]:
    """Last parts of the names of exceptions: tuples and aliases are seen through."""
    if node is None or depth == 0:
        return []
    if isinstance(node, (cst.Tuple, cst.List)):
        return [
            name
            for element in node.elements
            for name in error_names(element.value, paths, function, depth)
        ]
    if isinstance(node, cst.BinaryOperation):
        return error_names(node.left, paths, function, depth) + error_names(
            node.right, paths, function, depth
        )
    name = dotted(node)
    if name is None:
        return []
    if "." not in name or name.startswith(("self.", "cls.")):
        bound = paths.bindings(name, function, 1 << 60)
        if name.startswith(("self.", "cls.")) and function.owner is not None:
            bound = paths.attribute(function.owner, name.partition(".")[2])
        for binding in bound[-1:]:
            found = error_names(binding.value, paths, binding.function, depth - 1)
            if found:
                return found
    full = paths.qualified(name) or name
    last = full.rpartition(".")[2]
    head = full.rpartition(".")[0].rpartition(".")[2]
    if last in {"Error", "error", "LZMAError", "PickleError"}:
        return [f"{head}.{last}"]
    return [last]


def _corrupt(names: list[str]) -> tuple[tuple[str, ...], bool]:
    """Those that say "there but unreadable", and whether all errors are taken."""
    found = (n for n in names if n in errors.CORRUPT or errors.CORRUPT_WORDS & {*words(n)})
    return tuple(found), not names or not errors.BROAD.isdisjoint(names)


def _load_in(sites: Sites, handled: Handled) -> LoadSite | None:
    """The load that is tried: in the body, or by a function of the module called there."""
    loads = (
        load
        for load in sites.loads_in(handled.function)
        if handled.order < load.order < handled.body_end and not _inner(handled, load.call)
    )
    # The first one that parses, or else the first one.
    best = min(loads, key=lambda load: load.raw, default=None)
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
            if not _speaks(test.node.body, sites):
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


# --- what the handler does --------------------------------------------------------


class _Handler(cst.CSTVisitor):
    """Collects what decides whether a handler is silent."""

    def __init__(self, bound: str | None) -> None:
        super().__init__()
        self.bound = bound
        self.raises = False
        self.calls: list[cst.Call] = []
        self.uses_error = False
        self.says_bad_news = False
        self.says_no = False
        self._quiet = 0

    def visit_Raise(self, node: cst.Raise) -> None:
        self.raises = True

    def visit_Call(self, node: cst.Call) -> None:
        self.calls.append(node)
        if _is_quiet(node):
            self._quiet += 1

    def leave_Call(self, original_node: cst.Call) -> None:
        if _is_quiet(original_node):
            self._quiet -= 1

    def visit_Name(self, node: cst.Name) -> None:
        if node.value == self.bound and not self._quiet:
            self.uses_error = True

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self._hear(node.raw_value)

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self._hear(node.value)

    def _hear(self, text: str) -> None:
        if not self._quiet and _BAD_NEWS.search(text.replace("_", " ")):
            self.says_bad_news = True

    def visit_DictElement(self, node: cst.DictElement) -> bool:
        node.value.visit(self)  # a key says what stands behind it, and nothing of this case
        return False

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None and dotted(node.value) == "False":
            self.says_no = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False


def _is_quiet(node: cst.Call) -> bool:
    if isinstance(node.func, cst.Attribute):
        return node.func.attr.value in _QUIET_METHODS and not _warns(node)
    return dotted(node.func) in {"isinstance", "type"}


def _warns(node: cst.Call) -> bool:
    """`logger.log(logging.WARNING, ...)`, `log("...", level="error")`."""
    for arg in node.args:
        if isinstance(arg.value, cst.SimpleString):
            level = str(arg.value.evaluated_value).upper()
        else:
            level = (dotted(arg.value) or "").rpartition(".")[2]
        if level in {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}:
            return True
    return False


def _outcome(sites: Sites, handled: Handled, handler: cst.ExceptHandler) -> str | None:
    """How a silent handler ends, or None when it is not silent."""
    seen = _Handler(dotted(handler.name.name) if handler.name is not None else None)
    handler.body.visit(seen)
    if seen.raises or seen.uses_error or seen.says_bad_news:
        return None
    if seen.says_no and not ASKING.isdisjoint(words(handled.function.name)):
        return None  # it was asked, and a file that can't be read is a "no"
    for call in seen.calls:
        if _tells(call, sites) or _moves_aside(call, sites):
            return None
        if any(load.call.node is call for load in sites.loads_in(handled.function)):
            return None  # tries another file or format, and that is not silent by itself
        for callee in sites.paths.callees(call, handled.function)[:1]:
            body = callee.node.body
            if isinstance(body, cst.BaseSuite) and _speaks(body, sites):
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


def _raises_behind(handled: Handled) -> bool:
    """Whether what falls through ends in a `raise`."""
    return any(
        r.order > handled.end and r.inside == handled.inside[: len(r.inside)]
        for r in handled.function.raises
    )


def _tells_later(sites: Sites, handled: Handled, *blocks: cst.BaseSuite) -> bool:
    """Whether what is left empty is tested for later, and that raises or warns."""
    names = {
        dotted(target.target)
        for block in blocks
        for line in block.body
        if isinstance(line, cst.SimpleStatementLine)
        for statement in line.body
        if isinstance(statement, cst.Assign)
        for target in statement.targets
    }
    return any(
        test.order >= handled.end
        and not names.isdisjoint(_names_in(test.node.test))
        and _speaks(test.node.body, sites)
        for test in handled.function.tests
    )


def _speaks(node: cst.CSTNode, sites: Sites) -> bool:
    """Whether a block raises, tells somebody, or moves the file aside."""
    seen = _Handler(None)
    node.visit(seen)
    return seen.raises or any(_tells(c, sites) or _moves_aside(c, sites) for c in seen.calls)


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


def _tells(call: cst.Call, sites: Sites) -> bool:
    name = sites.paths.qualified(dotted(call.func)) or ""
    if name in _TELLING_CALLS:
        return True
    last = name.rpartition(".")[2]
    if isinstance(call.func, cst.Attribute):
        last = call.func.attr.value
    said = set(words(last))
    if last in _TELLING_METHODS or ("log" in said and (_warns(call) or said & _LOGGED)):
        return True
    if last in _SHOWING and _BAD_NEWS.search(code_of(call)):
        return True
    for arg in call.args:
        if arg.keyword is not None:
            value = dotted(arg.value)
            if arg.keyword.value == "err" and value == "True":
                return True
            if arg.keyword.value == "file" and value is not None and "stderr" in value:
                return True
            if arg.keyword.value == "exc_info" and value != "False":
                return last not in _QUIET_METHODS
    return bool(said & _TELLING_WORDS) and last != "isinstance"


def _moves_aside(call: cst.Call, sites: Sites) -> bool:
    if any(p.call.node is call for p in sites.publishes):
        return True
    last = (dotted(call.func) or "").rpartition(".")[2]
    return bool(set(words(last)) & _ASIDE_WORDS)


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
