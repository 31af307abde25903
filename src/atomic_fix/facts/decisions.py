"""Silent handlers that are intended: the code explains that an unreadable file is treated as
missing, or shows that nothing can be lost."""

import ast
import re
from collections.abc import Iterable, Iterator

from atomic_fix.catalog.remarks import (
    ANSWER,
    BAD_FILE,
    CONSEQUENCE,
    DEFAULT_IF,
    NEVER_RAISES,
    ON_ERROR,
)
from atomic_fix.catalog.words import INTERPRETING, LOADING, RESUMING
from atomic_fix.facts.caches import is_cache
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    FUNCTIONS,
    called_name,
    dotted,
    first_row,
    of_kind,
    parents_in,
    walk,
)
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.facts.swallowing import Ending, Swallow

_LOADING = LOADING | RESUMING | {"fetch", "open", "retrieve"}
_REMOVING = frozenset({"remove", "rmtree", "unlink"})


def is_intended(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a silent handler is a decision that the code explains, or hides no corrupt file."""
    if _holds_no_load(facts, swallow) or _only_passes_text_on(swallow):
        return True
    if is_cache(swallow.load.path, swallow.function) or _is_compared_only(swallow):
        return True
    if _answers_with_failure(swallow):
        return True
    return _is_explained(facts, swallow) and not destroys(facts, swallow)


# --- remarks ----------------------------------------------------------------------


def _is_explained(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a remark mentions the bad file and how it is treated."""
    handler, comments = swallow.node, facts.comments
    if isinstance(handler, ast.ExceptHandler):
        at_handler = " ".join(
            each.text.lstrip("# ")
            for some in (
                comments.above(handler),
                comments.after_colon(handler),
                comments.among(handler),
            )
            for each in some
        )
        # A remark at the handler is about the error that it catches.
        if any(
            BAD_FILE.search(each) or NEVER_RAISES.search(each) or CONSEQUENCE.search(each)
            for each in _sentences(at_handler)
        ):
            return True
    return any(
        NEVER_RAISES.search(each)
        or ON_ERROR.search(each)
        or (BAD_FILE.search(each) and (ANSWER.search(each) or DEFAULT_IF.search(each)))
        for text in _documented(facts, swallow)
        for each in _sentences(text)
    )


def _documented(facts: ModuleFacts, swallow: Swallow) -> Iterator[str]:
    """The docstrings of the classes and functions around a handler, the comments above them, and
    those in the function. A module docstring does not explain a single load."""
    node = swallow.function.node
    if isinstance(node, ast.Module):
        return
    yield " ".join(each.text.lstrip("# ") for each in facts.comments.of(node))
    for each in facts.statements.enclosing(swallow.node):
        yield ast.get_docstring(each) or ""
        above: list[str] = []
        row = first_row(each) - 1
        while row > 0 and (text := facts.source.line(row).strip()).startswith("#"):
            above.append(text.lstrip("# "))
            row -= 1
        yield " ".join(reversed(above))


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<!\be\.g)(?<!\bi\.e)[.;]\s", " ".join(text.split()))


# --- the response -----------------------------------------------------------------


def _answers_with_failure(swallow: Swallow) -> bool:
    """`return Response(status=400)`, `return {}, 500`, or the exit status 1 of a function that
    gives an integer."""
    if not isinstance(swallow.node, ast.ExceptHandler):
        return False
    node = swallow.function.node
    gives_integer = isinstance(node, FUNCTIONS) and dotted(node.returns) == "int"
    for each in of_kind(swallow.node, ast.Return):
        match each.value:
            case ast.Call(keywords=keywords) if any(
                keyword.arg in {"code", "status", "status_code"} and _is_failure(keyword.value)
                for keyword in keywords
            ):
                return True
            case ast.Tuple(elts=[_, *others]) if any(map(_is_failure, others)):
                return True
            case ast.Constant(value=1) if gives_integer and swallow.outcome.value == "1":
                return True
    return False


def _is_failure(node: ast.expr) -> bool:
    """Whether a value is an HTTP error status."""
    return isinstance(node, ast.Constant) and type(node.value) is int and 400 <= node.value < 600


# --- what happens to the file -----------------------------------------------------


def destroys(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether the unreadable file is removed or overwritten afterwards, in the same function or in
    a caller."""
    if isinstance(swallow.node, ast.ExceptHandler) and any(
        isinstance(node, ast.Call) and called_name(node) in _REMOVING
        for statement in swallow.node.body
        for node in walk(statement)
    ):
        return True
    writers = _writers(facts, swallow.load.path)
    loader = swallow.function
    after = swallow.region.body_end
    if any(order > after for order in writers.get(loader, ())) or any(
        call.order > after
        and any(callee in writers for callee in facts.paths.callees(call.node, loader)[:1])
        for call in loader.calls
    ):
        return True
    for call in facts.scopes.callers_of(loader.name) if loader.name else ():
        caller = call.function
        if caller is loader or loader not in facts.paths.callees(call.node, caller):
            continue
        if any(order > call.order for order in writers.get(caller, ())) or any(
            later.order > call.order
            and any(callee in writers for callee in facts.paths.callees(later.node, caller)[:1])
            for later in caller.calls
        ):
            return True
        given = [facts.sites.handles.resolve(each.value, call) for each in call.arguments]
        if any(
            write.order > call.order and any(map(write.path.same, given))
            for write in facts.written_elsewhere(caller)
        ):
            return True
    elsewhere = facts.outside.callers_of(loader.name, loader.row)
    return elsewhere is not None and elsewhere.overwrites


def _writers(facts: ModuleFacts, path: PathValue) -> dict[FunctionFacts, list[int]]:
    """The functions that write a file, each with where."""
    found: dict[FunctionFacts, list[int]] = {}
    for write in facts.sites.writes_of(path):
        found.setdefault(write.function, []).append(write.order)
    for each in facts.publications:
        if each.site.target.same(path):
            found.setdefault(each.site.function, []).append(each.site.order)
    return found


# --- what can be lost -------------------------------------------------------------


def _only_passes_text_on(swallow: Swallow) -> bool:
    """Whether the text of a file is used as it is, so that it cannot be corrupt."""
    load, region = swallow.load, swallow.region
    # A handler for one specific error expects text that cannot be decoded.
    if not swallow.broad or not load.raw or load.function is not region.function:
        return False
    return not any(
        isinstance(node, ast.Call) and not INTERPRETING.isdisjoint(words(called_name(node)))
        for statement in region.node.body
        for node in walk(statement)
    )


def _is_compared_only(swallow: Swallow) -> bool:
    """Whether the loaded content is only compared with the content to be written."""
    names = {each for each in swallow.sets if "." not in each}
    if len(names) != 1 or swallow.outcome.kind is not Ending.SETS:
        return False
    root = swallow.function.node
    parents = parents_in(root)
    uses = [
        node
        for node in walk(root)
        if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load)
    ]
    return bool(uses) and all(_is_in_comparison(parents.get(each)) for each in uses)


def _is_in_comparison(node: ast.AST | None) -> bool:
    match node:
        case ast.Compare(ops=[ast.Eq() | ast.NotEq()], comparators=[other]):
            return not isinstance(other, ast.Constant)
    return False


def _holds_no_load(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a broad handler is around other code that happens to load a file."""
    region, load = swallow.region, swallow.load
    if not swallow.broad or (load.function is region.function and not load.far):
        return False
    through = [*_calls_to(facts, swallow)]
    if not through:
        return False
    parents = parents_in(region.node)
    return all(_is_beside_the_point(facts, swallow, call, parents) for call in through)


def _calls_to(facts: ModuleFacts, swallow: Swallow) -> Iterable[Call]:
    """The calls in the `try` by which a function loads the file."""
    region, load = swallow.region, swallow.load
    if load.function is region.function:
        return [load.call]
    return [
        call
        for call in region.function.calls
        if region.order < call.order < region.body_end
        and load.function in facts.sites.run_by(call)[:1]
    ]


def _is_beside_the_point(
    facts: ModuleFacts, swallow: Swallow, call: Call, parents: dict[ast.AST, ast.AST]
) -> bool:
    node: ast.AST = call.source_node
    said = {
        *words(called_name(node)),
        *(w for f in facts.sites.run_by(call) for w in words(f.name)),
    }
    # What other files define is known to load.
    if not swallow.load.far and _LOADING.isdisjoint(said):
        return True  # it does more than load
    around = parents.get(node)
    if isinstance(around, ast.Await):
        node, around = around, parents.get(around)
    if isinstance(around, ast.Expr) and said & _LOADING == {"from"}:
        return True  # `strip_attachments_from_file(path)`
    match around:
        case ast.Attribute() if getattr(parents.get(around), "func", None) is not around:
            return True  # one setting
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name not in swallow.sets and _goes_on(swallow, around)
    return False


def _goes_on(swallow: Swallow, statement: ast.AST) -> bool:
    """Whether the `try` uses the loaded data in a call whose result is not used."""
    body = swallow.region.node.body
    if swallow.outcome.kind not in {Ending.PASSES, Ending.GOES_ON} or statement not in body:
        return False
    below = body[body.index(statement) + 1 :]
    return any(
        isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await))
        for each in below
        for node in walk(each)
    )
