"""Handlers around loads: the errors that they catch, and their outcome."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from atomic_fix.catalog import errors
from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.calls import MAKING_EMPTY
from atomic_fix.catalog.errors import TRUNCATION_ERRORS
from atomic_fix.catalog.words import ASKING, BROKEN, DEFAULT, LOADING, SHAPING
from atomic_fix.facts import fallbacks
from atomic_fix.facts.exceptions import corrupt_errors, error_names
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    FORS,
    FUNCTIONS,
    With,
    arguments,
    code_of,
    dotted,
    parents_in,
    string,
    walk,
)
from atomic_fix.facts.outside import Effect
from atomic_fix.facts.reports import BodyScan, is_collected, is_report, moves_to_backup, reports
from atomic_fix.facts.scopes import BlockKind, Branch, Call, FunctionFacts, GuardedRegion
from atomic_fix.facts.sites import LoadSite, Sites
from atomic_fix.facts.tree import Tree

_OF_MISSING = errors.MISSING | errors.OPERATING_SYSTEM


class Ending(Enum):
    """How a silent block ends."""

    RETURNS = "returns"
    SETS = "assigns"
    CONTINUES = "goes to the next item"
    BREAKS = "leaves the loop"
    PASSES = "does nothing"
    GOES_ON = "continues after the block"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens after a silent error. As text it is a clause: "returns `None`"."""

    kind: Ending
    value: str = ""
    """The returned or assigned value, as written in the file, abbreviated."""

    def __str__(self) -> str:
        return f"{self.kind.value} `{self.value}`" if self.value else self.kind.value


@dataclass(frozen=True, slots=True, eq=False)
class Swallow:
    """A handler that silently treats "exists but unreadable" as harmless."""

    node: ast.ExceptHandler | ast.Call
    """The handler, or the `suppress(...)` call."""
    region: GuardedRegion
    """The `try`, or the `with suppress(...)`."""
    load: LoadSite
    errors: tuple[str, ...]
    """The caught errors that mean "exists but unreadable"."""
    broad: bool
    missing_too: bool
    """Whether the handler also catches the error for a missing file."""
    outcome: Outcome

    @property
    def function(self) -> FunctionFacts:
        return self.region.function

    @property
    def statement(self) -> ast.Try | With:
        return self.region.node

    @property
    def sets(self) -> frozenset[str]:
        """The names and attributes that the handler gives a default."""
        return assigned(self.node.body if isinstance(self.node, ast.ExceptHandler) else ())

    @property
    def falls_through(self) -> bool:
        """Whether the code below the statement runs with the default."""
        return self.outcome.kind in _FALLING_THROUGH


_FALLING_THROUGH = frozenset({Ending.SETS, Ending.PASSES, Ending.GOES_ON})


def swallows(sites: Sites, tree: Tree) -> tuple[Swallow, ...]:
    found: list[Swallow] = []
    for function in sites.scopes.functions:
        for region in function.guarded_regions:
            if isinstance(region.node, ast.Try):
                found += _handlers(sites, tree, region, region.node)
            else:
                found += _suppressed(sites, region, region.node)
    return tuple(sorted(found, key=lambda s: s.region.order))


def _handlers(sites: Sites, tree: Tree, region: GuardedRegion, node: ast.Try) -> list[Swallow]:
    found = []
    taken: set[str] = set()
    load: LoadSite | None = None
    for handler in node.handlers:
        names = error_names(handler.type, sites.paths, region.function)
        corrupt, broad = corrupt_errors(names)
        already, taken = taken, taken.union(names)
        if not corrupt and not broad:
            continue
        if broad and not already.isdisjoint(TRUNCATION_ERRORS):
            continue
        load = load or _load_in(sites, region)
        if load is None:
            return []
        if not broad and _never_come(sites, load.call, corrupt):
            continue
        outcome = _outcome(sites, tree, region, handler)
        if outcome is None or (set(names) == {"EOFError"} and _is_a_stream(sites, region, load)):
            continue
        if _tries_the_next(sites, region) or _keeps_the_text(sites, load, handler):
            continue
        if load.raw and _keeps_the_line(region, handler):
            continue
        swallow = Swallow(
            handler,
            region,
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
    region = swallow.region
    kind = swallow.outcome.kind
    if kind in {Ending.CONTINUES, Ending.PASSES, Ending.GOES_ON} and fallbacks.is_retry(
        sites, region, swallow.load
    ):
        return True
    return swallow.falls_through and (
        fallbacks.warns_in_second_attempt(sites, region)
        # Text that cannot be parsed is used as it is.
        or any(
            other.raw and other.order > region.end and other.path.same(swallow.load.path)
            for other in sites.loads_in(region.function)
        )
    )


def _is_a_stream(sites: Sites, region: GuardedRegion, load: LoadSite) -> bool:
    """EOFError ends `while True: try: yield pickle.load(file)`, and also code that asks for one
    more object after the first."""
    return any(isinstance(block.node, ast.While) for block in region.enclosing) or any(
        other.order < region.order and not other.raw and other.path.same(load.path)
        for other in sites.loads_in(region.function)
    )


def _tries_the_next(sites: Sites, region: GuardedRegion) -> bool:
    """`for kind in kinds: try: return load(kind)`, where code after the loop reports that none was
    found."""
    function = region.function
    loop = next((i for i in reversed(region.enclosing) if isinstance(i.node, FORS)), None)
    if loop is None or not any(region.order < r.order < region.body_end for r in function.returns):
        return False
    return any(r.order > loop.end for r in function.raises) or any(
        call.order > loop.end and is_report(call.node, sites) for call in function.calls
    )


def _keeps_the_text(sites: Sites, load: LoadSite, handler: ast.ExceptHandler) -> bool:
    """Whether the handler uses the text that could not be parsed as it is."""
    text = load.call.argument(0)
    if not isinstance(text, ast.Name) or text is load.path_node:
        return False
    if sites.handles.handle_of(text, load.call) is not None:
        return False
    if _is_written_serialised(sites, load) and not _asks(handler):
        return False  # a truncated file is not a text in another format
    return BodyScan(handler.body, text.id).uses_error


def _keeps_the_line(region: GuardedRegion, handler: ast.ExceptHandler) -> bool:
    """`except ValueError: kept.append(line)`, in a loop over the lines of a file."""
    lines = {
        node.id
        for block in region.enclosing
        if isinstance(block.node, FORS)
        for node in walk(block.node.target)
        if isinstance(node, ast.Name)
    }
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"append", "write"}
        and any(isinstance(each, ast.Name) and each.id in lines for each in node.args)
        for statement in handler.body
        for node in walk(statement)
    )


def _is_written_serialised(sites: Sites, load: LoadSite) -> bool:
    """Whether the file that is loaded is written in one format by the module itself."""
    written = [*sites.writes_of(load.path)]
    for publish in sites.publishes:
        if publish.target.same(load.path):
            written += sites.writes_of(publish.source)
    return bool(written) and all(each.content is Content.STATE for each in written)


def _asks(handler: ast.ExceptHandler) -> bool:
    """Whether a handler examines the text that it uses: `if text.startswith("{")`."""
    return any(
        isinstance(node, (ast.If, ast.IfExp, ast.Match, ast.Try))
        for statement in handler.body
        for node in walk(statement)
    )


def _suppressed(sites: Sites, region: GuardedRegion, node: With) -> list[Swallow]:
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        name = sites.paths.call_name(call, region.function)
        if name.full not in {"contextlib.suppress", "builtins.suppress"}:
            continue
        names: list[str] = []
        for arg in arguments(call):
            names += error_names(arg.value, sites.paths, region.function)
        corrupt, broad = corrupt_errors(names)
        load = _load_in(sites, region) if corrupt or broad else None
        if load is None or _reports_later(sites, region, node.body) or _raises_after(region):
            return []
        missing_too = not _OF_MISSING.isdisjoint(names)
        outcome = Outcome(Ending.GOES_ON)
        swallow = Swallow(call, region, load, corrupt, broad, missing_too, outcome)
        return [] if _comes_right(sites, swallow) else [swallow]
    return []


def loads_tried(sites: Sites, region: GuardedRegion) -> list[LoadSite]:
    """The loads in the body of a `try` or `suppress`: its own, and those of the module's functions
    that it calls. Loads in a nearer `try` are left out."""
    found = _own_loads(sites, region)
    for call in region.function.calls:
        if region.order < call.order < region.body_end and not _inner(region, call):
            for callee in sites.run_by(call)[:1]:
                if callee is not region.function:
                    found += [
                        load
                        for load in sites.loads_in(callee)
                        if not any(map(_takes_corrupt, _tries_around(load.call)))
                    ]
    return found


def _own_loads(sites: Sites, region: GuardedRegion) -> list[LoadSite]:
    return [
        load
        for load in sites.loads_in(region.function)
        if region.order < load.order < region.body_end
        and not _inner(region, load.call)
        and not _recovers(sites, load.call)
    ]


def _recovers(sites: Sites, call: Call) -> bool:
    """Whether a call is of a function from another file that handles a corrupt file itself."""
    if not sites.outside.calls or not sites.effects_of(call, Effect.RECOVERS):
        return False
    return not sites.effects_of(call, Effect.PARSES, Effect.READS)


def _load_in(sites: Sites, region: GuardedRegion) -> LoadSite | None:
    """The load that is tried: in the body, or by a function of the module called there."""
    # The first one that parses, or else the first one.
    best = min(_own_loads(sites, region), key=lambda load: load.raw, default=None)
    if best is not None and not best.raw:
        return best
    for call in region.function.calls:
        if not region.order < call.order < region.body_end or _inner(region, call):
            continue
        for callee in sites.run_by(call)[:1]:
            if callee is region.function:
                continue
            inner = [load for load in sites.loads_in(callee) if not load.raw]
            if inner and not any(
                _takes_corrupt(each) for load in inner for each in _tries_around(load.call)
            ):
                return sites.as_loaded_by(call, inner[0])
        # `State.from_dict(payload)`: converts data that was loaded just before.
        if best is None and _shapes(region, call):
            for arg in call.arguments[:1]:
                origin = sites.handles.origin(arg.value, call)
                # `date_from(payload["at"])` does not concern the file as a whole.
                if origin is not None and not isinstance(arg.value, ast.Subscript):
                    return LoadSite(call, call.name or "", *origin, raw=False)
    return best


def _shapes(region: GuardedRegion, call: Call) -> bool:
    """Whether a call returns something made of its argument, by its name. It does not if nothing
    uses the result of a call such as `strip_notes_from_text(text)`."""
    said = SHAPING.intersection(words(call.method or call.name or ""))
    if said != {"from"}:
        return bool(said)
    return not isinstance(parents_in(region.node).get(call.source_node), ast.Expr)


def _inner(region: GuardedRegion, call: Call) -> bool:
    """Whether a nearer `try` of the same function already handles the errors of the call."""
    tries = _tries_around(call)
    return (
        isinstance(region.node, ast.Try)
        and tries != []
        and tries[-1] is not region.node
        and _takes_corrupt(tries[-1])
    )


def _tries_around(call: Call) -> list[ast.Try]:
    return [
        i.node for i in call.enclosing if i.kind is BlockKind.TRY and isinstance(i.node, ast.Try)
    ]


def is_tried(call: Call) -> bool:
    """Whether a call is in a `try` of its function."""
    return bool(_tries_around(call))


def is_handled(call: Call) -> bool:
    """Whether the called function itself handles an error for a corrupt file, and raises no other
    one."""
    return any(
        not BodyScan(handler.body).raises
        for statement in _tries_around(call)
        for handler in statement.handlers
        if _says_corrupt(code_of(handler.type) if handler.type is not None else "Exception")
    )


def _never_come(sites: Sites, call: Call, names: Sequence[str]) -> bool:
    """Whether a function from another file turns these errors into one of its own, so that a
    handler around its call never gets them."""
    if not sites.outside.calls:
        return False
    effects = sites.effects_of(call, Effect.PARSES, Effect.READS)
    return bool(effects) and all(_covers(each.turned, names) for each in effects)


def _covers(turned: Sequence[str], names: Sequence[str]) -> bool:
    caught = {*turned, *(errors.OF_VALUE if "ValueError" in turned else ())}
    return not errors.BROAD.isdisjoint(caught) or (bool(turned) and caught.issuperset(names))


def turned_errors(sites: Sites, call: Call) -> tuple[str, ...]:
    """The errors for a corrupt file that a handler around a load always turns into one that does
    not mean that; empty if there are none, or if what is raised instead is not known."""
    found: list[str] = []
    for statement in _tries_around(call):
        for handler in statement.handlers:
            names = error_names(handler.type, sites.paths, call.function) or ["BaseException"]
            corrupt, broad = corrupt_errors(names)
            last = handler.body[-1]
            if not (corrupt or broad):
                continue
            raised = last.exc if isinstance(last, ast.Raise) else None
            if isinstance(raised, ast.Call):
                raised = raised.func
            if raised is None or not _is_of_its_own(dotted(raised) or "", sites):
                return ()
            found += names
    return tuple(found)


def _is_of_its_own(name: str, sites: Sites, depth: int = 5) -> bool:
    """Whether an exception, by its name and its base classes, does not mean a corrupt file."""
    if corrupt_errors([name.rpartition(".")[2]])[0] or not depth:
        return False
    owner = sites.scopes.class_named(name)
    if owner is None:
        return name in _OTHER_ERRORS
    return bool(owner.bases) and all(_is_of_its_own(base, sites, depth - 1) for base in owner.bases)


_OTHER_ERRORS = errors.BROAD | errors.MISSING | errors.OPERATING_SYSTEM | {
    "KeyError", "LookupError", "RuntimeError", "SystemExit", "TypeError",
}  # fmt: skip


def _takes_corrupt(node: ast.Try) -> bool:
    return _says_corrupt(
        "".join(code_of(h.type) if h.type is not None else "Exception" for h in node.handlers)
    )


def _says_corrupt(text: str) -> bool:
    return any(
        n in text for n in ("Exception", "ValueError", "DecodeError", "Unpickl", "YAMLError")
    )


@dataclass(frozen=True, slots=True, eq=False)
class Dismissal:
    """Loaded data of the wrong shape is silently treated as missing."""

    node: ast.If
    function: FunctionFacts
    load: LoadSite
    outcome: Outcome


def dismissals(sites: Sites, tree: Tree) -> tuple[Dismissal, ...]:
    """`if not isinstance(payload, dict): return None` after the load of `payload`."""
    found = []
    for function in sites.scopes.functions:
        for test in function.branches:
            asked = _shape_asked_of(test.node.test)
            if asked is None or test.node.orelse:
                continue
            call = Call(test.order, asked, function, (), None)
            origin = sites.handles.origin(asked.args[0], call)
            load = next(
                (s for s in sites.loads if origin and not s.raw and s.path is origin[0]), None
            )
            outcome = _ending_of(test.node.body, tree)
            if load is None or outcome is None or outcome.kind is not Ending.RETURNS:
                continue
            if not reports(test.node.body, sites):
                found.append(Dismissal(test.node, function, load, outcome))
    return tuple(found)


def _shape_asked_of(test: ast.expr) -> ast.Call | None:
    """The call in `not isinstance(name, ...)`."""
    match test:
        case (
            ast.UnaryOp(
                op=ast.Not(), operand=ast.Call(func=ast.Name("isinstance"), args=[ast.Name(), *_])
            ) as negated
        ):
            assert isinstance(negated.operand, ast.Call)
            return negated.operand
    return None


def _outcome(
    sites: Sites, tree: Tree, region: GuardedRegion, handler: ast.ExceptHandler
) -> Outcome | None:
    """The outcome of a silent handler, or None if it is not silent."""
    seen = BodyScan(handler.body, handler.name)
    if seen.raises or seen.uses_error or seen.mentions_failure:
        return None
    if seen.returns_false and _is_question(region.function):
        return None  # it is a predicate, and an unreadable file means "no"
    if seen.returns_true and not BROKEN.isdisjoint(words(region.function.name)):
        return None  # it is a predicate for bad files
    if _is_counted(sites, region, handler.body) or _gives_a_status(region, handler.body):
        return None
    for call in seen.calls:
        if is_report(call, sites) or moves_to_backup(call, sites):
            return None
        if any(load.call.node is call for load in sites.loads_in(region.function)):
            return None  # tries another file or format, which alone is not silent
        for callee in sites.paths.callees(call, region.function)[:1]:
            if reports(callee.node.body, sites) or sites.loads_in(callee):
                return None
    # The variables that the `try` would have set are as empty as before.
    if _reports_later(sites, region, handler.body, region.node.body):
        return None
    ending = _ending_of(handler.body, tree)
    if ending is None or (ending.kind in {Ending.PASSES, Ending.GOES_ON} and _raises_after(region)):
        return None
    return ending


def _is_question(function: FunctionFacts) -> bool:
    """Whether a function is a predicate, by its name or by what it returns."""
    said = {*words(function.name)}
    if not ASKING.isdisjoint(said):
        return True
    if not said.isdisjoint(LOADING):
        return False  # it returns whether it could load
    returns = function.node.returns if isinstance(function.node, FUNCTIONS) else None
    if returns is not None:
        return dotted(returns) == "bool"
    return all(
        isinstance(each.value, (ast.Compare, ast.UnaryOp))
        or dotted(each.value) in {"True", "False"}
        for each in function.returns
    )


def _gives_a_status(region: GuardedRegion, body: Sequence[ast.stmt]) -> bool:
    """`return False, None` where success gives `True, state`; `ok = False`, which is returned."""
    function = region.function
    returned = [each.value for each in function.returns]
    for statement in body:
        match statement:
            case ast.Return(value=ast.expr() as value):
                if any(_differ(value, other) for other in returned):
                    return True
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=False)):
                bound = [dotted(each.value) for each in function.bindings.get(name, ())]
                if "True" in bound and any(
                    isinstance(node, ast.Name) and node.id == name
                    for value in returned
                    for node in walk(value)
                ):
                    return True
    return False


def _differ(value: ast.expr, other: ast.expr) -> bool:
    """Whether two results have different constants of one type in the same place."""
    match value, other:
        case ast.Tuple(elts=ours), ast.Tuple(elts=theirs):
            pairs = list(zip(ours, theirs, strict=False))
        case ast.Dict(), ast.Dict():
            named = {string(key): each for key, each in zip(other.keys, other.values, strict=True)}
            keyed = zip(value.keys, value.values, strict=True)
            pairs = [(each, named[string(key)]) for key, each in keyed if string(key) in named]
        case _:
            return False
    return any(
        isinstance(one, ast.Constant)
        and isinstance(another, ast.Constant)
        and type(one.value) is type(another.value)
        and one.value != another.value
        for one, another in pairs
    )


def _is_counted(sites: Sites, region: GuardedRegion, body: Sequence[ast.stmt]) -> bool:
    """`skipped += 1` or `bad.append(path)`, and that is reported or returned later."""
    names: set[str | None] = set()
    for statement in body:
        match statement:
            case ast.AugAssign(target=target):
                names.add(dotted(target))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=kept, attr="add" | "append"))):
                names.add(dotted(kept))
    names.discard(None)
    if not names:
        return False
    function = region.function
    if any(name and is_collected(name) and function.parameter(name) is not None for name in names):
        return True  # the caller has it
    reported: list[ast.expr] = [
        call.node
        for call in function.calls
        if call.order > region.end and is_report(call.node, sites)
    ]
    reported += [each.value for each in function.returns if each.order > region.end]
    return any(
        test.order > region.end and _counts(test, names, sites) for test in function.branches
    ) or any(_occurrences(node, names) for node in reported)


def _counts(test: Branch, names: set[str | None], sites: Sites) -> bool:
    return _occurrences(test.node.test, names) and reports(test.node.body, sites)


def _occurrences(node: ast.expr, names: set[str | None]) -> bool:
    return any(
        isinstance(each, (ast.Name, ast.Attribute)) and dotted(each) in names for each in walk(node)
    )


def _raises_after(region: GuardedRegion) -> bool:
    """Whether the code that runs next ends in a `raise`."""
    return any(
        r.order > region.end and r.enclosing == region.enclosing[: len(r.enclosing)]
        for r in region.function.raises
    )


def _reports_later(sites: Sites, region: GuardedRegion, *blocks: Sequence[ast.stmt]) -> bool:
    """Whether later code tests for the empty variable, and raises or warns."""
    names = frozenset[str]().union(*map(assigned, blocks))
    return any(
        test.order >= region.end
        and not names.isdisjoint(_names_in(test.node.test))
        and reports(test.node.body, sites)
        for test in region.function.branches
    )


def assigned(block: Iterable[ast.stmt]) -> frozenset[str]:
    """The names and attributes that the statements of a block bind."""
    return frozenset(
        name
        for statement in block
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if (name := dotted(target)) is not None
    )


def _names_in(test: ast.expr) -> list[str]:
    """The names that a test finds empty: `not x`, `x is None`, joined by `or` and `and`."""
    match test:
        case ast.Name() | ast.Attribute():
            return [dotted(test) or ""]
        case ast.UnaryOp(operand=inner) | ast.Compare(left=inner):
            return _names_in(inner)
        case ast.BoolOp(values=values):
            return [name for each in values for name in _names_in(each)]
    return []


def _ending_of(body: Sequence[ast.stmt], tree: Tree) -> Outcome | None:
    """How a block ends that results in a default; None for any other block."""
    match body[-1]:
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return _ending_of(inner, tree)
        case ast.Return(value=None):
            return Outcome(Ending.RETURNS, "None")
        case ast.Return(value=value):
            kind = Ending.RETURNS
        case ast.Assign(value=value) | ast.AnnAssign(value=value):
            kind = Ending.SETS
        case ast.Continue():
            return Outcome(Ending.CONTINUES)
        case ast.Break():
            return Outcome(Ending.BREAKS)
        case ast.Pass():
            return Outcome(Ending.PASSES)
        case ast.Expr() | ast.If():
            return Outcome(Ending.GOES_ON)
        case _:
            return None
    if value is None or not _is_default(value):
        # `self.state = {}`, then `self.since = time()`
        set_before = _ending_of(body[:-1], tree) if kind is Ending.SETS and body[1:] else None
        return set_before if set_before is not None and set_before.kind is kind else None
    return Outcome(kind, _short(tree.text(value)))


def _is_default(node: ast.expr) -> bool:
    """Whether an expression is a value that means "nothing"."""
    match node:
        case ast.Constant(value=value):
            return value is not ...
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.UnaryOp():
            return True
        case ast.Dict() | ast.List() | ast.Set():
            return True
        case ast.DictComp(value=value) | ast.ListComp(elt=value):
            # `{key: 0 for key in KEYS}`
            return isinstance(value, (ast.Constant, ast.Dict, ast.List)) and _is_default(value)
        case ast.Tuple(elts=elements):
            return all(map(_is_default, elements))
        case ast.Starred(value=value):
            return _is_default(value)
        case ast.Call():
            last = (dotted(node.func) or "").rpartition(".")[2]
            if last in MAKING_EMPTY or not DEFAULT.isdisjoint(words(last)):
                return True
            # A new, empty object: `State()`, `cls()`, `DataFrame()`.
            return (last[:1].isupper() or last == "cls") and len(arguments(node)) <= 1
        case ast.BoolOp(values=[first, *_]):
            return _is_default(first)
        case ast.IfExp(body=one, orelse=other):
            return _is_default(one) and _is_default(other)
    return False


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 24 else text[:21] + "..."
