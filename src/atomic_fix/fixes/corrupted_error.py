"""ATF201 and ATF202: a loader no longer silently treats a corrupt file as missing.

`load_outcome` decides what is allowed, `load_errors` for which errors, `load_path` finds an
expression for the file and `load_warning` writes the warning; this module makes the edits.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

import libcst as cst

from atomic_fix.catalog.calls import MOVING
from atomic_fix.catalog.reporting import QUIET
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.nodes import called_name, of_kind
from atomic_fix.facts.reports import is_logger, quiet_words
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.cst_tree import dotted
from atomic_fix.fixes.edit_context import EditContext, binds, last_name, walk
from atomic_fix.fixes.imports import import_module, import_name
from atomic_fix.fixes.load_errors import Errors, joined, split_errors
from atomic_fix.fixes.load_outcome import (
    CALLERS_DIFFER,
    LoadOutcome,
    comes_again,
    is_met_in_older_formats,
    is_silent_on_purpose,
    outcome,
)
from atomic_fix.fixes.load_path import load_path
from atomic_fix.fixes.load_warning import warning

_ERROR = "CheckpointCorruptedError"
_TITLES = {
    "raise": f"Raise `{_ERROR}`",
    "warn": "Log a warning about the corrupt file",
    "quarantine": "Move the corrupt file aside with a warning",
}
_SIMPLE = (cst.SimpleStatementLine, cst.SimpleStatementSuite)


def fix_swallow(facts: ModuleFacts, swallow: Swallow) -> Fix:
    """The repair of a handler that treats a corrupt file as a missing one.

    Raises:
        Refused: there is none.
    """
    wanted = facts.config.on_corrupt
    if wanted == "auto" and is_silent_on_purpose(facts, swallow):
        raise Refused("a comment says that silence is intended")
    if wanted == "auto" and is_met_in_older_formats(facts, swallow):
        raise Refused("a comment says that files in an older format are expected here")
    possible = outcome(facts, swallow)
    if wanted == "quarantine" and possible.may_move:
        return _fix(facts, swallow, "quarantine")
    raising = _raising(facts, swallow, possible) if wanted in {"auto", "raise"} else None
    if raising is not None and (wanted == "raise" or raising.applicability is Applicability.SAFE):
        return raising
    fix = replace(_fix(facts, swallow, "warn"), alternative=raising)
    if wanted == "auto" and comes_again(facts, swallow):
        note = "this is called by polling code: the warning would repeat until the file is repaired"
        return replace(fix, applicability=Applicability.UNSAFE, note=note)
    logging_calls = _logging_calls(swallow)
    if logging_calls and wanted == "auto":
        name = called_name(logging_calls[0])
        note = f"the handler already logs it with `{name}`, which may be intended"
        return replace(fix, applicability=Applicability.UNSAFE, note=note)
    return fix


def _logging_calls(swallow: Swallow) -> list[ast.Call]:
    """The calls with which a handler itself logs the error at a low level."""
    return quiet_words(swallow.node) if isinstance(swallow.node, ast.ExceptHandler) else []


def _raising(facts: ModuleFacts, swallow: Swallow, possible: LoadOutcome) -> Fix | None:
    """The repair that raises, if it is not wrong and can be written."""
    if possible.raising is None:
        return None
    try:
        found = _fix(facts, swallow, "raise")
    except Refused:
        return None
    if possible.raising is Applicability.SAFE:
        return found
    return replace(found, applicability=possible.raising, note=possible.reason)


def _fix(facts: ModuleFacts, swallow: Swallow, answer: str) -> Fix:
    context = EditContext(facts, swallow.function, [swallow.statement])
    edits = _Rewriting.of(context, swallow, answer).edits()
    if answer == "raise":
        context.note = CALLERS_DIFFER
    return context.fix(_TITLES[answer], edits)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """Everything that is known before the first edit. Each step may raise `Refused`."""

    context: EditContext
    swallow: Swallow
    answer: str
    """`raise`, `warn` or `quarantine`."""
    errors: Errors
    path: str
    error: str
    """The name of the error in the handler."""
    indent: str
    """The indentation of the `try`."""
    inner: str
    """The indentation of the statements in its handlers."""
    logging_calls: Sequence[ast.Call]
    """The calls that already log the error, so that it is not logged twice."""

    @classmethod
    def of(cls, context: EditContext, swallow: Swallow, answer: str) -> "_Rewriting":
        errors = split_errors(context, swallow)
        indent = context.indent(swallow.statement.lineno)
        inner = indent + context.unit
        name = None
        if isinstance(swallow.node, ast.ExceptHandler):
            name = swallow.node.name
            code = context.cst_node(swallow.node)
            if isinstance(code, cst.ExceptHandler) and isinstance(code.body, cst.IndentedBlock):
                inner = context.indent(context.span(code.body.body[0]).start.row)
        return cls(
            context,
            swallow,
            answer,
            errors,
            path=load_path(context, swallow),
            error=name or _free_name(context, swallow),
            indent=indent,
            inner=inner,
            logging_calls=_logging_calls(swallow),
        )

    def edits(self) -> list[Edit]:
        code = self.context.cst_node(self.swallow.node)
        if isinstance(code, cst.Call):
            return self._of_suppress(code)
        assert isinstance(code, cst.ExceptHandler)
        return self._of_handler(code)

    # --- the response -----------------------------------------------------------------

    def _response(self, indent: str) -> list[str]:
        """The statements for a corrupt file, before the handler's own statements."""
        context, path = self.context, self.path
        if self.answer == "raise":
            error = import_name(context, context.facts.config.helper, _ERROR)
            return [f"raise {error}({path}) from {self.error}"]
        return [warning(context, self.swallow, path, self.error, indent), *self._quarantine()]

    def _quarantine(self) -> list[str]:
        """The statements that move the file, if `quarantine` is chosen."""
        if self.answer != "quarantine":
            return []
        # If the file cannot be moved, the program should still continue as before.
        suppress = f"with {import_module(self.context, 'contextlib')}.suppress(OSError):"
        target = f'str({self.path}) + ".corrupt"'
        move = f"{import_module(self.context, 'os')}.replace({self.path}, {target})"
        return [suppress, self.context.unit + move]

    def _clause(self, head: str, rows: Sequence[str]) -> str:
        return f"\n{self.inner}".join([f"{self.indent}except {head}:", *rows])

    @property
    def _corrupt(self) -> str:
        return f"{joined(self.errors.corrupt)} as {self.error}"

    # --- except -----------------------------------------------------------------------

    def _of_handler(self, handler: cst.ExceptHandler) -> list[Edit]:
        if not self.errors.kept and not self.errors.stays:
            return self._for_all(handler)
        if self.answer == "raise":
            _must_only_give_a_default(handler.body)
        short = self._short(handler)
        if short is None or (self.errors.stays and not self.swallow.broad):
            return self._guarded(handler)
        if self.errors.any_error:
            # The errors to keep get a clause above; the handler is for the rest.
            above = self._above(handler, self._clause(joined(self.errors.kept), short))
            return [above, *self._for_all(handler)]
        ours = self._clause(self._corrupt, self._with_default(short))
        if self.errors.stays:
            return [self._above(handler, ours)]
        assert handler.type is not None
        # The handler keeps these errors; a new one below it handles the rest.
        below = self.context.insert(self.context.position_below(handler.body), f"\n{ours}")
        span, kept = self.context.span(handler.type), joined(self.errors.kept)
        if not handler.whitespace_after_except.value:
            kept = f" {kept}"  # `except(OSError, ValueError):`
        return [Edit(span, kept), below]

    def _for_all(self, handler: cst.ExceptHandler) -> list[Edit]:
        """The response to all errors that the handler catches."""
        if not self.logging_calls or self.answer == "raise":
            return self._into(handler, self._response(self.inner))
        move = self._quarantine()
        return [*(self._into(handler, move) if move else ()), self._louder()]

    def _louder(self) -> Edit:
        """Turn the handler's own log call into a warning."""
        logging_call = self.logging_calls[0]
        statement = self.context.parent(logging_call)
        call = self.context.cst_node(logging_call)
        assert isinstance(self.swallow.node, ast.ExceptHandler)
        if (
            isinstance(statement, ast.Expr)
            and statement in self.swallow.node.body
            and isinstance(logging_call.func, ast.Attribute)
            and logging_call.func.attr in QUIET
            and is_logger(logging_call.func.value)
            and isinstance(call, cst.Call)
            and isinstance(call.func, cst.Attribute)
        ):
            return self.context.edit(call.func.attr, "warning")
        raise Refused("the handler logs the error itself, at a low level")

    def _with_default(self, default: Sequence[str]) -> list[str]:
        rows = self._response(self.inner)
        if self.answer == "raise":
            return rows
        logged = {self.context.text(self.context.cst_node(each)) for each in self.logging_calls}
        return [*rows, *(text for text in default if text != "pass" and text.strip() not in logged)]

    def _above(self, handler: cst.ExceptHandler, clause: str) -> Edit:
        return self.context.insert(Position(self.context.span(handler).start.row, 1), f"{clause}\n")

    def _short(self, handler: cst.ExceptHandler) -> list[str] | None:
        """The handler's statements, if they can be duplicated: few, simple, and without
        comments."""
        body = handler.body
        lines = body.body if isinstance(body, cst.IndentedBlock) else [body]
        if len(lines) > 2 or not all(
            isinstance(line, (cst.SimpleStatementLine, cst.SimpleStatementSuite))
            and len(line.body) == 1
            for line in lines
        ):
            return None
        assert isinstance(self.swallow.node, ast.ExceptHandler)
        own, comments = self.swallow.node.body, self.context.facts.comments
        last = own[-1].end_lineno or own[-1].lineno
        if comments.between(own[0].lineno, last) or comments.among(self.swallow.node):
            return None
        if any(last_name(node) in MOVING for node in walk(body)):
            return None
        texts = [self.context.text(line) for line in lines]
        return None if any("\n" in text for text in texts) else texts

    def _guarded(self, handler: cst.ExceptHandler) -> list[Edit]:
        """Keep the handler, and insert a test of the error at its beginning."""
        if self.logging_calls and self.answer != "raise":
            raise Refused(
                "the handler logs the error itself, at a low level, and cannot be split: "
                "it has a comment or more than two simple lines"
            )
        holds, names = self.errors.test
        test = f"isinstance({self.error}, {joined(names)})"
        head = f"if {test}:" if holds else f"if not {test}:"
        unit = self.context.unit
        rows = [f"{unit}{row}" for row in self._response(self.inner + unit)]
        return self._into(handler, [head, *rows], keep=True)

    def _into(
        self, handler: cst.ExceptHandler, rows: Sequence[str], *, keep: bool = False
    ) -> list[Edit]:
        """Insert the rows at the beginning of the handler; one that raises replaces the default,
        unless that is to be kept."""
        context, body = self.context, handler.body
        keep = keep or self.answer != "raise"
        if isinstance(body, cst.SimpleStatementSuite):
            if len(body.body) != 1:
                raise Refused("the line holds more than one statement")
            default = context.text(body)
            after = [default] if keep and default != "pass" else []
            text = f"\n{self.inner}".join([f"{self._head(handler)}:", *rows, *after])
            return [Edit(Span(self._head_start(handler), context.span(body).end), text)]
        assert isinstance(body, cst.IndentedBlock)
        edits = []
        if handler.name is None:
            start = self._head_start(handler)
            end = start if handler.type is None else context.span(handler.type).end
            edits.append(Edit(Span(start, end), self._head(handler)))
        if not keep:
            return [*edits, self._replaced(body, rows)]
        text = f"\n{self.inner}".join(rows)
        first = body.body[0]
        is_pass = len(body.body) == 1 and context.text(first).strip() == "pass"
        if is_pass and isinstance(first, cst.SimpleStatementLine) and len(first.body) == 1:
            return [*edits, Edit(context.span(first.body[0]), text)]
        row = context.span(first).start.row
        return [*edits, context.insert(Position(row, 1), f"{self.inner}{text}\n")]

    def _head_start(self, handler: cst.ExceptHandler) -> Position:
        if handler.type is not None:
            return self.context.span(handler.type).start
        start = self.context.span(handler).start
        return Position(start.row, start.column + len("except"))

    def _head(self, handler: cst.ExceptHandler) -> str:
        """The text after `except`, with a name for the error."""
        if handler.type is None:
            return f" BaseException as {self.error}"
        types = self.context.text(handler.type)
        if isinstance(handler.type, cst.Tuple) and not handler.type.lpar:
            types = f"({types})"  # they are only needed with a name
        return f"{types} as {self.error}"

    def _replaced(self, body: cst.IndentedBlock, rows: Sequence[str]) -> Edit:
        """Replace the default, after statements that log, by other statements."""
        context = self.context
        _must_only_give_a_default(body)
        last = body.body[-1]
        if not isinstance(last, cst.SimpleStatementLine) or len(last.body) != 1:
            raise Refused("the handler does more than return a default")
        if any(last_name(node) in MOVING for node in walk(last)):
            raise Refused("the handler moves or removes files")
        region = context.span(last.body[0])
        if "#" in context.source.slice(region):
            raise Refused("the replaced code contains a comment")
        return Edit(region, f"\n{self.inner}".join(rows))

    # --- suppress ---------------------------------------------------------------------

    def _of_suppress(self, call: cst.Call) -> list[Edit]:
        context = self.context
        statement = context.cst_node(self.swallow.statement)
        assert isinstance(statement, cst.With)
        if statement.items[0].item is not call or statement.asynchronous is not None:
            raise Refused("`suppress` is not the first item of its `with`")
        start, body = context.span(statement).start, statement.body
        if not isinstance(body, cst.IndentedBlock) or not context.owns_its_rows(statement):
            raise Refused("the line holds more than one statement")
        if isinstance(statement.lpar, cst.LeftParen):
            raise Refused("the items of the `with` are in parentheses")
        edits = []
        if len(statement.items) == 1:
            span = context.span(call)
            if span.start.row != span.end.row and context.comments(call):
                raise Refused("the call of `suppress` contains comments")
            edits.append(Edit(Span(start, span.end), "try"))
        else:
            second = context.span(statement.items[1]).start
            if second.row != start.row:
                raise Refused("the `with` spans several lines")
            if context.has_multiline_string(body):
                raise Refused("a multi-line string would have to be moved")
            edits.append(Edit(Span(start, second), f"try:\n{self.inner}with "))
            last = context.span(body).end.row
            head = context.span(statement.items[-1]).end.row
            edits += [
                context.insert(Position(row, 1), context.unit)
                for row in range(head + 1, last + 1)
                if context.source.line(row).strip()
            ]
        kept = self.errors.kept
        if self.errors.stays and not kept:
            kept = tuple(context.text(arg.value) for arg in call.args)  # broad ones
        quiet = [self._clause(joined(kept), ["pass"])] if kept else []
        ours = self._clause(self._corrupt, self._response(self.inner))
        broad_last = self.errors.stays and not self.errors.any_error
        clauses = [ours, *quiet] if broad_last else [*quiet, ours]
        text = "".join(f"\n{clause}" for clause in clauses)
        return [*edits, context.insert(context.position_below(body), text)]


def _free_name(context: EditContext, swallow: Swallow) -> str:
    """A name for the error that does not hide one that the function uses."""
    for name in ("exc", "error", "err", "corruption"):
        around = context.ancestors(context.cst_node(swallow.statement))
        if any(binds(each, name) for each in around) or context.is_used_outside(name):
            continue
        if not _is_declared(swallow.function, name):
            return name
    raise Refused("there is no unused name for the error")


def _is_declared(function: FunctionFacts, name: str) -> bool:
    """Whether a name is a parameter or belongs to another scope, which `except` would unbind."""
    return function.parameter(name) is not None or any(
        name in each.names
        for kind in (ast.Global, ast.Nonlocal)
        for each in of_kind(function.node, kind)
    )


def _must_only_give_a_default(body: cst.BaseSuite) -> None:
    """Refuses a handler that also does something else, which an exception would skip."""
    *before, last = body.body if isinstance(body, cst.IndentedBlock) else [body]
    small = last.body[0] if isinstance(last, _SIMPLE) and len(last.body) == 1 else None
    if small is None or isinstance(small, cst.Expr) or not all(map(_is_quiet_log, before)):
        raise Refused("the handler does more than return a default")


def _is_quiet_log(line: cst.CSTNode) -> bool:
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return (
        isinstance(small, cst.Expr)
        and isinstance(small.value, cst.Call)
        and last_name(small.value) in QUIET
        and isinstance(small.value.func, cst.Attribute)
        and dotted(small.value.func) is not None
    )
