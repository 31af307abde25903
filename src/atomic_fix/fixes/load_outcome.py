"""Decides what a repaired loader may do with a corrupt file, from the facts alone. docs/fixes.md
has this as a table.
"""

import ast
import re
from dataclasses import dataclass

from atomic_fix.catalog.calls import PARSING, RAISING_NO_VALUE_ERROR
from atomic_fix.catalog.errors import PARSER_ONLY_ERRORS
from atomic_fix.catalog.remarks import (
    ABSENCE,
    ANSWER,
    BAD_FILE,
    DECIDED,
    DEFAULT_IF,
    NEVER_RAISES,
    OLDER_FORMAT,
    SILENT,
)
from atomic_fix.catalog.words import CHECKPOINT, PROBING, RESUMING
from atomic_fix.config import own_helper
from atomic_fix.facts import fallbacks
from atomic_fix.facts.exceptions import takes_value_error
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.names import phrase_in, words
from atomic_fix.facts.nodes import (
    FUNCTIONS,
    LOOPS,
    WITHS,
    arguments,
    called_name,
    dotted,
    first_row,
    of_kind,
    walk,
)
from atomic_fix.facts.scopes import BlockKind
from atomic_fix.facts.swallowing import Ending, Swallow
from atomic_fix.finding import Applicability

CALLERS_DIFFER = "callers get an exception instead of the default"

_MARK = re.compile(r"#\s*(noqa|pragma|pylint|type:|nosec|fmt:|isort:)")
# On the row of the `except`: `# type: ignore`, `# pragma: no cover`.
_DIRECTIVE = re.compile(r"#\s*(noqa|nosec|[\w-]+:)")


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """The allowed alternatives to a warning, which is always allowed."""

    raising: Applicability | None
    """How safe raising an exception is; None if it is wrong."""
    reason: str
    """Why it is not safe, or wrong: a clause."""
    may_move: bool
    """Whether the file may be moved away."""


def outcome(facts: ModuleFacts, swallow: Swallow) -> LoadOutcome:
    """The possible outcomes of a handler."""
    wrong = _why_wrong(facts, swallow)
    if wrong:
        return LoadOutcome(None, wrong, may_move=False)
    unsafe_reason = _why_unsafe(facts, swallow)
    raising = Applicability.UNSAFE if unsafe_reason else Applicability.SAFE
    return LoadOutcome(raising, unsafe_reason, may_move=_may_move(facts, swallow))


def _why_wrong(facts: ModuleFacts, swallow: Swallow) -> str:
    """Why an exception would do harm; empty if nothing shows that."""
    function, region = swallow.function, swallow.region
    if any(block.kind is BlockKind.LOOP for block in region.enclosing):
        return "a loop continues with the next file, line or attempt"
    if swallow.falls_through and fallbacks.attempts_again(facts.sites, region):
        return "another attempt follows"
    if own_helper(facts.config.helper) is not None:
        return f"the configured helper `{facts.config.helper}` has no exception"
    if function.is_module:
        return "the program would not start"
    if _asks(swallow):
        return "the function answers a question"
    if is_decided(facts, swallow) or _is_decided_around(facts, swallow):
        return "a comment says what should happen"
    if isinstance(swallow.statement, ast.Try) and _leaves_in_the_end(swallow.statement):
        return "the `finally` would hide the exception"
    for block in region.enclosing:
        if _would_take_it(facts, swallow, block.kind, block.node):
            return "an outer handler would catch the exception"
    if any(of_kind(function.node, kind) for kind in (ast.Yield, ast.YieldFrom, ast.GeneratorExp)):
        return "a generator would end"
    callers = facts.callers_of_loader(function)
    if callers.loops:
        return "a caller loads one file after another"
    if callers.catches:
        return "a caller's handler would catch the exception"
    return ""


def _would_take_it(facts: ModuleFacts, swallow: Swallow, kind: BlockKind, node: ast.AST) -> bool:
    if isinstance(node, ast.Try):
        if _leaves_in_the_end(node):
            return True
        return kind is BlockKind.TRY and any(
            takes_value_error(each, facts.paths, swallow.function) for each in node.handlers
        )
    return isinstance(node, WITHS) and any(
        called_name(item.context_expr) == "suppress" for item in node.items
    )


def _leaves_in_the_end(node: ast.Try) -> bool:
    """Whether a `finally` would swallow an exception."""
    leaving = (ast.Return, ast.Break, ast.Continue)
    return any(isinstance(each, leaving) for part in node.finalbody for each in walk(part))


def _why_unsafe(facts: ModuleFacts, swallow: Swallow) -> str:
    """Why a user has to decide whether to raise; empty if raising is known to be right."""
    function = swallow.function
    if swallow.broad or not isinstance(swallow.node, ast.ExceptHandler):
        return f"{CALLERS_DIFFER}, also of errors that are not the file's"
    if not _is_plain_loader(facts, swallow):
        return CALLERS_DIFFER
    if _gives_what_it_was_given(swallow):
        return "the caller chooses the default"
    if not _parses_only(swallow):
        return "the processing of the data may have failed, not the parser"
    callers = facts.callers_of_loader(function)
    if callers.looks or fallbacks.is_passed_around(facts.tree.module, function.name):
        return f"{CALLERS_DIFFER}, and one of them may go on with something else"
    return ""


def _is_plain_loader(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a function only returns the content of one checkpoint file."""
    function, load = swallow.function, swallow.load
    node = function.node
    if not isinstance(node, FUNCTIONS) or function.outer is not facts.scopes.module:
        return False
    if swallow.outcome.kind is not Ending.RETURNS or swallow.region.enclosing:
        return False
    if RESUMING.isdisjoint(words(function.name)) or load.function is not function:
        return False
    decorators = {dotted(each) for each in node.decorator_list}
    if decorators - {"staticmethod", "classmethod"}:
        return False
    mentioned = [function.name, *(each.text for each in load.path.occurrences)]
    if not any(phrase_in(CHECKPOINT, text) for text in mentioned):
        return False
    if any(isinstance(each, (*LOOPS, ast.comprehension)) for each in walk(node)):
        return False
    return _is_the_only_file(facts, swallow)


def _is_the_only_file(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a function loads one file, which its caller names or which is always the same. If the
    caller only gives a folder or a number, it is one of several files."""
    function, load = swallow.function, swallow.load
    path = load.path_node
    if isinstance(path, ast.Call) and called_name(path) == "Path" and len(arguments(path)) == 1:
        path = arguments(path)[0].value
    if path is None or not all(
        other.path.same(load.path) for other in facts.sites.loads_in(function)
    ):
        return False
    parameters = {each.name for each in function.parameters} - {"self", "cls"}
    names = {each.id for each in walk(path) if isinstance(each, ast.Name)}
    made_of = {
        each.id
        for name in names
        for binding in function.bindings.get(name, ())
        for each in walk(binding.value)
        if isinstance(each, ast.Name)
    }
    is_given = isinstance(path, ast.Name) and not made_of & parameters
    return is_given or not (names | made_of) & parameters


def _asks(swallow: Swallow) -> bool:
    """Whether the function is a predicate, or searches several files."""
    node = swallow.function.node
    if not PROBING.isdisjoint(words(swallow.function.name)):
        return True
    returns = node.returns if isinstance(node, FUNCTIONS) else None
    if returns is not None and dotted(returns) == "bool":
        return True
    given = swallow.outcome
    return given.kind is Ending.RETURNS and given.value in {"True", "False"}


def _remarks(facts: ModuleFacts, swallow: Swallow) -> list[str]:
    """The comments around a handler, and the docstring of its function."""
    node = swallow.function.node
    around = swallow.statement if isinstance(node, ast.Module) else node
    found = [each.text for each in facts.comments.of(around) if not _MARK.match(each.text)]
    if isinstance(node, FUNCTIONS):
        found.append(ast.get_docstring(node) or "")
    return found


def comes_again(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a warning about the same file would be repeated again and again."""
    if fallbacks.is_in_polling_loop(swallow.region):
        return True
    function, module = swallow.function, facts.tree.module
    if function.is_module:
        return False
    scheduled = facts.cached(("scheduled",), lambda: fallbacks.scheduled_names(module))
    return fallbacks.is_polled(facts.sites, module, function, scheduled)


def is_silent_on_purpose(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a comment or docstring says that this should be silent."""
    return any(SILENT.search(text) for text in _remarks(facts, swallow))


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<!\be\.g)(?<!\bi\.e)[.;]\s", " ".join(text.split()))


def is_met_in_older_formats(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a comment at the handler, or a docstring sentence about a bad file, says that files
    in an older format are expected here."""
    node, handler, comments = swallow.function.node, swallow.node, facts.comments
    found = []
    if isinstance(handler, ast.ExceptHandler):
        remarks = (comments.above(handler), comments.among(handler), comments.after_colon(handler))
        found += [each.text for some in remarks for each in some]
    if isinstance(node, FUNCTIONS):
        found += [
            each
            for each in _sentences(ast.get_docstring(node) or "")
            if BAD_FILE.search(each) and ANSWER.search(each)
        ]
    return any(OLDER_FORMAT.search(text) for text in found)


def is_decided(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether a comment or docstring says what should happen to an unreadable file."""
    if any(_decides(text) for text in _remarks(facts, swallow)):
        return True
    # Any comment among the statements of the handler, or right above it, is about it.
    handler, comments = swallow.node, facts.comments
    if not isinstance(handler, ast.ExceptHandler):
        return False
    remarks = (*comments.above(handler), *comments.among(handler))
    return any(not _MARK.match(each.text) for each in remarks) or any(
        not _DIRECTIVE.match(each.text) for each in comments.after_colon(handler)
    )


def _decides(text: str) -> bool:
    if DECIDED.search(text.replace("_", " ")):
        return True
    sentences = re.split(r"[.;]\s|\n\s*\n", " ".join(text.split()))
    return any(DEFAULT_IF.search(each) and not ABSENCE.search(each) for each in sentences)


def _is_decided_around(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether the comment above the function, or the docstring of its class or of the module, says
    what happens to an unreadable file."""
    module = facts.tree.module
    if swallow.function.is_module:
        return False
    above, documented = [], [ast.get_docstring(module) or ""]
    for each in reversed(facts.statements.enclosing(swallow.node)):
        if isinstance(each, ast.ClassDef):
            documented.append(ast.get_docstring(each) or "")
        first = first_row(each)
        while (text := facts.source.line(first - 1).strip() if first > 1 else "").startswith("#"):
            above.append(text.lstrip("#"))
            first -= 1
    if _decides(" ".join(reversed(above))):
        return True
    sentences = [each for text in documented for each in _sentences(text)]
    return any(
        NEVER_RAISES.search(each) or (BAD_FILE.search(each) and ANSWER.search(each))
        for each in sentences
    )


def _gives_what_it_was_given(swallow: Swallow) -> bool:
    """`return default`, which is a parameter."""
    return any(
        isinstance(each, ast.Return)
        and isinstance(each.value, ast.Name)
        and swallow.function.parameter(each.value.id) is not None
        for each in walk(swallow.node)
    )


def _parses_only(swallow: Swallow) -> bool:
    """Whether only the parser raises the errors that the handler treats as a corrupt file."""
    if {*swallow.errors} <= PARSER_ONLY_ERRORS or _only_load(swallow):
        return True
    inside = _parts_of_the_load(swallow.load.call.node)
    return all(
        each in inside or called_name(each) in RAISING_NO_VALUE_ERROR
        for statement in swallow.statement.body
        for each in walk(statement)
        if isinstance(each, ast.Call)
    )


def _may_move(facts: ModuleFacts, swallow: Swallow) -> bool:
    """Whether it is certain that the file itself is bad, not something derived from it."""
    if swallow.broad or swallow.load.function is not swallow.function:
        return False
    if called_name(swallow.load.call.node) not in PARSING:
        return False  # the data was parsed before, and is processed here
    if _only_load(swallow):
        return True
    return {*swallow.errors} <= PARSER_ONLY_ERRORS


def _parts_of_the_load(load: ast.Call) -> set[ast.AST]:
    """The nested calls of a load; nothing for `int(json.load(file)["step"])`, which processes the
    parsed data."""
    parts = {*walk(load)}
    parsed_before = any(each is not load and called_name(each) in PARSING for each in parts)
    return set() if parsed_before else parts


def _only_load(swallow: Swallow) -> bool:
    """Whether the `try` parses the file without processing the result."""
    inside = _parts_of_the_load(swallow.load.call.node)
    return not swallow.load.raw and all(
        each in inside or called_name(each) in {"Path", "open", "read", "read_text", "read_bytes"}
        for statement in swallow.statement.body
        for each in walk(statement)
        if isinstance(each, ast.Call)
    )
