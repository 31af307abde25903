"""Finds out whether a block would behave differently if its file appeared only at its end: because
the target is used, the block is left early, or the handle is kept. Calls are followed into the
functions of the file, a few levels deep.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from atomic_fix.catalog.calls import (
    CHANGING_A_CONTAINER,
    CHECKING,
    EXIT_CALLS,
    INSPECTING_A_FILE,
    KEEPING,
    LAZY,
    LISTING,
    LOCKING,
    NOT_OPENING,
    SAME_PATH,
    SYNCING,
    WAITING_FOR_A_PERSON,
)
from atomic_fix.catalog.errors import CAUGHT_ERROR_NAMES, ERROR_WORDS, NO_ERRORS, WRITE_ERRORS
from atomic_fix.catalog.reporting import SHOWING
from atomic_fix.catalog.words import DESCRIPTORS
from atomic_fix.facts import nodes
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    arguments,
    called_name,
    code_of,
    dotted,
    of_kind,
    parents_in,
    walk,
)
from atomic_fix.facts.paths import PathTrait
from atomic_fix.facts.scopes import BindingKind, BlockKind
from atomic_fix.fixes import Refused

if TYPE_CHECKING:
    from atomic_fix.facts.handles import Handles
    from atomic_fix.facts.paths import PathValue
    from atomic_fix.facts.scopes import Call, FunctionFacts
    from atomic_fix.facts.sites import WriteSite
    from atomic_fix.fixes.edit_context import EditContext

_DEPTH = 3
# A comment on the effect of opening the file, ...
_EMPTIED = re.compile(
    r"\b(truncat(e|es|ed|ing|ion)|empt(y|ies|ied|ying)|(clear|wipe|blank|reset)\w*( out)?"
    r" (it|the|any|an?|existing|old|previous)\b|(clean|fresh) (file|start)|stale|on purpose"
    r"|deliberate(ly)?|intentional(ly)?)\b",
    re.IGNORECASE,
)
# ... and one on how the file might be lost, or why it must not be.
_LOST = re.compile(
    r"\b(avoid\w*|cannot|corrupt\w*|crash\w*|half|interrupt\w*|kill\w*|lost|lose|never|no|not|partial\w*"
    r"|power|skip|todo|fixme|torn|unless|without)\b|n't\b",
    re.IGNORECASE,
)


_TRIES: tuple[type[ast.AST], ...] = (ast.Try, getattr(ast, "TryStar", ast.Try))
_YIELDS = (ast.Yield, ast.YieldFrom)
_LOOPS = (*nodes.LOOPS, ast.comprehension)
_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.Tuple)


def given_to(context: EditContext, node: ast.AST) -> ast.Call | None:
    """The call that a node is an argument of."""
    above = context.parent(node)
    if isinstance(above, (ast.keyword, ast.Starred)):
        above = context.parent(above)
    return above if isinstance(above, ast.Call) and above.func is not node else None


@dataclass(frozen=True, slots=True)
class _Scope:
    """Code that runs within the block."""

    function: FunctionFacts
    handles: frozenset[str]
    """The names of the handle in it."""
    attribute: str = ""
    """The attribute name of the path if `self` is the object that has it."""
    depth: int = _DEPTH


class HandleBlock:
    """The statements that run while the handle opened by `site` is open."""

    def __init__(
        self, context: EditContext, site: WriteSite, body: Sequence[ast.AST], handle: str
    ) -> None:
        self.context = context
        self.site = site
        self.body = body
        self.handle = handle
        self.nodes = [node for each in body for node in walk(each)]
        self.code = code_of(site.path_node)
        self.other_names = self._names_elsewhere()
        """Other module-level names of the path."""
        self.holding = self._names_that_hold_it()
        """Local names of values that contain the path, and of values that access the file when they
        are called or iterated over."""
        self.is_asynchronous = False
        """Whether the write itself is awaited: other tasks run meanwhile in any case."""
        self._parents = parents_in(context.function.node)
        self._lines = frozenset(body)
        self._seen: set[FunctionFacts] = set()

    @cached_property
    def is_one_write(self) -> bool:
        """Whether a single call writes all of the content, so that a partial result is of no
        use."""
        rest = [each for each in self.body if not self._ends(each)]
        if len(rest) != 1 or not isinstance(rest[0], ast.Expr):
            return False
        value = rest[0].value
        if isinstance(value, ast.Await):
            value = value.value
        if not isinstance(value, ast.Call):
            return False
        if dotted(value.func) == f"{self.handle}.write":
            return True
        given = any(dotted(arg.value) == self.handle for arg in arguments(value))
        return given and called_name(value) in {"dump", "safe_dump", "save", "pack", "write"}

    def _ends(self, line: ast.AST) -> bool:
        called = line.value if isinstance(line, ast.Expr) else None
        return isinstance(called, ast.Call) and (
            dotted(called.func) in {f"{self.handle}.flush", f"{self.handle}.close"}
            or called_name(called) in SYNCING
        )

    def check(self) -> None:
        """Check that the behaviour would not change.

        Raises:
            Refused: the program would behave differently, or lose what it wrote.
        """
        self.check_path_uses()
        self._check_what_is_kept()
        self._check_what_is_flushed()
        self._check_loops()
        self._check_raises()
        self._check_what_comes_first()
        self._check_remarks()
        if not self.is_one_write:
            self._check_handlers()

    def check_path_uses(self) -> None:
        """Check only how the file itself is used.

        Raises:
            Refused: the use of the file would behave differently.
        """
        self._check_nodes(
            self.nodes, _Scope(self.context.function, frozenset({self.handle} - {""}))
        )

    def _names_elsewhere(self) -> frozenset[str]:
        """Globals that the function binds to the path."""
        function = self.context.function
        if function.is_module:
            return frozenset()
        names = {name for node in of_kind(function.node, ast.Global) for name in node.names}
        return frozenset(
            name
            for name in names
            for each in function.bindings.get(name, ())
            if self._resolves_to_target(each.value, function, each.order)
        )

    def _names_that_hold_it(self) -> dict[str, bool]:
        """For each name, whether any use accesses the file (`check = lambda: path.stat()`) or only
        running it does (`command = ["gzip", path]`)."""
        function = self.context.function
        if function.is_module:
            return {}
        holders = self.context.cached(("holders", function), lambda: [*self._holders(function)])
        if not holders:
            return {}
        inside = {*self.nodes}
        used = {dotted(each) for each in inside}
        used |= {each.attr for each in inside if isinstance(each, ast.Attribute)}
        return {
            holder.name: holder.is_lazy
            for holder in holders
            if holder.name in used
            and holder.node not in inside
            and any(self._resolves_to_target(e, function, self.site.order) for e in holder.names)
        }

    def _holders(self, function: FunctionFacts) -> Iterator[_Holder]:
        """The assignments of a function whose values may contain a path or access one later."""
        for node in of_kind(function.node, ast.Assign):
            name, value = dotted(node.targets[0]), node.value
            if len(node.targets) != 1 or not name:
                continue
            is_lazy = (isinstance(value, ast.Attribute) and value.attr in INSPECTING_A_FILE) or any(
                isinstance(each, (ast.Lambda, ast.GeneratorExp))
                or called_name(each) in LAZY
                or self._is_generator(each)
                for each in _outcomes(value)
            )
            if is_lazy or isinstance(value, _DISPLAYS) or called_name(value) == "dict":
                names = [e for e in walk(value) if isinstance(e, (ast.Name, ast.Attribute))]
                yield _Holder(node, name, is_lazy, names)

    def _is_generator(self, value: ast.expr) -> bool:
        callees = (
            self.context.facts.paths.callees(value, self.context.function)
            if isinstance(value, ast.Call)
            else ()
        )
        return any(of_kind(each.node, kind) for each in callees for kind in _YIELDS)

    def _resolves_to_target(self, node: ast.expr, function: FunctionFacts, order: int) -> bool:
        return _same(self.context.facts.paths.resolve(node, function, order), self.site.path)

    # --- the target, and the handle --------------------------------------------------

    def _check_nodes(self, found: Iterable[ast.AST], scope: _Scope) -> None:
        is_block = scope.depth == _DEPTH
        for node in found:
            if isinstance(node, (*_YIELDS, ast.Await)):
                if is_block and not self.is_asynchronous:
                    self.context.mark_unsafe(
                        "other code runs while the file is written and sees the old one until the"
                        " end; if the block is left half-way, the old content stays"
                    )
            elif isinstance(node, ast.Call):
                self._check_call(node, scope)
            elif isinstance(node, ast.Raise) and not is_block:
                self._check_raise_in(scope.function, node)
            elif isinstance(node, ast.Attribute):
                self._check_attribute(node, scope)
                self._check_name(node.attr, None, scope)
            elif isinstance(node, ast.Name):
                self._check_name(node.id, node, scope)

    def _check_raise_in(self, function: FunctionFacts, node: ast.Raise) -> None:
        """An exception of a function that the block calls."""
        name = _raised(node)
        if not name:
            return
        around = _around(node, parents_in(function.node))
        if _leaves_on_purpose(name) and not _caught(around, name):
            raise Refused(f"`{name}` may leave the block, and what was written before must be kept")
        if not self.is_one_write and self._is_caught_by_name(name):
            raise Refused(f"the block raises `{name}`, which is caught outside")

    def _check_name(self, name: str, node: ast.Name | None, scope: _Scope) -> None:
        """A name, or, without a node, the last one of an attribute."""
        if scope.depth == _DEPTH and self.holding.get(name):
            raise Refused(
                "the block uses the path, but the file will not exist until the block ends"
            )
        self._follow_name(name, node, scope)

    def _check_call(self, node: ast.Call, scope: _Scope) -> None:
        name, last = self._called(node, scope), called_name(node)
        if name in EXIT_CALLS or self._exits(node):
            raise Refused(f"`{last}` may end the program, and what was written before must be kept")
        if scope.depth == _DEPTH and self._is_out_of_sight(node.func):
            self.context.mark_unsafe(
                "the block calls unknown code, which may leave the block or use the path"
            )
        if scope.depth == _DEPTH and name in WAITING_FOR_A_PERSON:
            self.context.mark_unsafe("what was written before an interrupt is not kept")
        if name in {"os.fork", "os.forkpty"}:
            raise Refused("two processes would leave the block")
        if last in LISTING and name != "ast.walk" and self._is_listing(node, name):
            self.context.mark_unsafe(
                "the block lists a folder, and the file would not exist there until the block ends"
            )
        given = [arg for arg in arguments(node) if dotted(arg.value) in scope.handles]
        if given and last in LOCKING:
            raise Refused("the file is locked, and replacing it would lose the lock")
        if given and last in KEEPING:
            raise Refused("the file object outlives its block")
        if isinstance(node.func, ast.Attribute) and dotted(node.func.value) in scope.handles:
            if last == "detach":
                raise Refused("the file object is detached or wrapped")
            return
        if last in SHOWING or last in NOT_OPENING or _makes_an_error(last):
            return
        if last in {"dump", "dumps", "safe_dump"} or any(a.keyword == "fileobj" for a in given):
            return
        for operand in self._operands(node):
            if self._is_target(operand, node, scope):
                raise Refused(
                    "the block uses the path, but the file will not exist until the block ends"
                )

    def _is_out_of_sight(self, func: ast.expr) -> bool:
        """Whether what is called is taken from a container: `hooks["saved"]()`."""
        if not isinstance(func, ast.Name):
            return isinstance(func, ast.Subscript)
        return any(
            (each.kind is BindingKind.FOR and not each.unpacked)
            or isinstance(each.value, ast.Subscript)
            or called_name(each.value) in {"get", "pop"}
            for each in self.context.function.bindings.get(func.id, ())
        )

    @staticmethod
    def _exits(node: ast.Call) -> bool:
        """`parser.error(...)`, `ctx.exit()`."""
        if not isinstance(node.func, ast.Attribute):
            return False
        receiver = words((dotted(node.func.value) or "").rpartition(".")[2])[-1:]
        parser = {"error", "exit"} if receiver == ("parser",) else set()
        context = {"abort", "exit", "fail"} if receiver in {("ctx",), ("context",)} else set()
        return node.func.attr in parser | context

    def _check_attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        if dotted(node.value) in scope.handles and node.attr == "fileno":
            above = self._above(node, scope)
            if above not in SYNCING:
                raise Refused("the block uses the file descriptor")
        self._follow_attribute(node, scope)

    @staticmethod
    def _above(node: ast.Attribute, scope: _Scope) -> str:
        """The call that gets the result of a method call."""
        parents = parents_in(scope.function.node)
        call = parents.get(node)
        above = parents.get(call) if isinstance(call, ast.Call) else None
        if isinstance(above, ast.keyword):
            above = parents.get(above)
        return called_name(above)

    def _called(self, node: ast.Call, scope: _Scope) -> str:
        return self.context.facts.paths.call_name(node, scope.function).full

    def _is_listing(self, node: ast.Call, name: str) -> bool:
        return isinstance(node.func, ast.Attribute) or name.partition(".")[0] in {"glob", "os"}

    def _operands(self, node: ast.Call) -> Iterator[ast.expr]:
        """The values that a call uses, including those nested in literals and string operations."""
        todo = _given_and_receiver(node)
        while todo:
            each = todo.pop()
            yield each
            match each:
                case ast.Dict(values=values) | ast.BoolOp(values=values):
                    todo += values
                case ast.List(elts=values) | ast.Set(elts=values) | ast.Tuple(elts=values):
                    todo += map(_unstarred, values)
                case ast.IfExp(body=body, orelse=orelse):
                    todo += [body, orelse]
                case ast.Call() if called_name(each) in SAME_PATH:
                    todo += _given_and_receiver(each)
                case ast.JoinedStr(values=values) if _is_a_sentence(each):
                    todo += [e.value for e in values if isinstance(e, ast.FormattedValue)]
                case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
                    todo.append(right)
                    if nodes.string(right) is None and not isinstance(right, ast.JoinedStr):
                        todo.append(left)

    def _is_target(self, node: ast.expr, call: ast.Call, scope: _Scope) -> bool:
        """Whether an expression denotes the file that is written."""
        name = dotted(node)
        is_block = scope.depth == _DEPTH
        if name in {f"{handle}.name" for handle in scope.handles}:
            return True
        if is_block and type(node) is type(self.site.path_node) and code_of(node) == self.code:
            return True
        if scope.attribute and name in {f"self.{scope.attribute}", f"cls.{scope.attribute}"}:
            return True
        if nodes.is_number(node) or isinstance(node, _DISPLAYS):
            return False
        if name in self.other_names:
            return True
        held = node.value if isinstance(node, ast.Subscript) else node
        if is_block and dotted(held) in self.holding:
            return True
        order = self._order(call, scope.function)
        return self._resolves_to_target(node, scope.function, order)

    def _order(self, node: ast.Call, function: FunctionFacts) -> int:
        orders = self.context.cached(
            ("orders", function), lambda: {each.node: each.order for each in function.calls}
        )
        return orders.get(node, 1 << 60)

    def _follow_name(self, name: str, node: ast.Name | None, scope: _Scope) -> None:
        """Follow a name, called or passed on, into the function of the file that it refers to."""
        if not scope.depth:
            return
        scopes = self.context.facts.scopes
        named = scopes.functions_named(name)
        found = [each for each in named if each.owner is None or each.outer is scope.function]
        owner = scopes.class_named(name) if not found else None
        init = owner.methods.get("__init__") if owner is not None else None
        found += [init] if init is not None else []
        self._follow(found, node, scope, scope.attribute)

    def _follow_attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        """Follow an attribute into the methods of the file that it may refer to."""
        if not scope.depth:
            return
        scopes = self.context.facts.scopes
        receiver = dotted(node.value)
        if receiver in scope.handles or receiver in scopes.imports:
            return
        owner = scope.function.owner
        method = None
        if receiver in {"self", "cls"} and owner is not None:
            method = self.context.facts.paths.method(owner, node.attr)
        named = scopes.functions_named(node.attr) if method is None else [method]
        attribute = scope.attribute
        mine, _, last = self.code.rpartition(".")
        if receiver and receiver not in {"self", "cls"}:
            attribute = last if receiver == mine else ""
        found = [each for each in named if each.owner is not None]
        self._follow(found, node, scope, attribute)

    def _follow(
        self,
        functions: Iterable[FunctionFacts],
        node: ast.Name | ast.Attribute | None,
        scope: _Scope,
        attribute: str,
    ) -> None:
        for function in functions:
            if function in self._seen or function.is_module or function is self.context.function:
                continue
            self._seen.add(function)
            handles = self._handles_in(function, node, scope)
            self._check_nodes(
                self._run_by(function), _Scope(function, handles, attribute, scope.depth - 1)
            )

    def _run_by(self, function: FunctionFacts) -> Sequence[ast.AST]:
        """Check a function that the block calls."""
        scopes = self.context.facts.scopes

        def counts(node: ast.AST) -> bool:
            if isinstance(node, (ast.Attribute, ast.Name)):
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                return name == "fileno" or name in scopes.by_name or name in scopes.classes
            return isinstance(node, (ast.Call, ast.Raise))

        return self.context.cached(
            ("run", function), lambda: [*filter(counts, walk(function.node))]
        )

    def _handles_in(
        self, function: FunctionFacts, node: ast.Name | ast.Attribute | None, scope: _Scope
    ) -> frozenset[str]:
        """The parameters of a function that receive the handle."""
        names = set()
        calls = self.context.cached(
            ("by what is called", scope.function),
            lambda: {each.node.func: each for each in scope.function.calls},
        )
        call = calls.get(node) if node is not None else None
        if call is not None:
            for parameter in function.parameters:
                position = function.parameter_position(parameter.name)
                value = call.argument(position, parameter.name)
                if value is not None and dotted(value) in scope.handles:
                    names.add(parameter.name)
        if function.outer is scope.function:
            names |= scope.handles  # a nested function can use the names of the outer one
        return frozenset(names)

    def _check_what_is_kept(self) -> None:
        handle, function = self.handle, self.context.function
        kept = any(
            handle in node.names
            if isinstance(node, ast.Global)
            else isinstance(node.value, ast.Name) and node.value.id == handle
            for node in self.nodes
            if isinstance(
                node,
                (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.Global),
            )
        )
        if not kept and not function.is_module:
            kept = any(
                handle in each.names
                for kind in (ast.Global, ast.Nonlocal)
                for each in of_kind(function.node, kind)
            )
        if kept:
            raise Refused("the file object outlives its block")
        if (function.is_module or function.owner is None) and any(
            isinstance(above, ast.ClassDef) for above, _ in self._out_of(self.site.call.node)
        ):
            raise Refused("the file object becomes a class attribute")

    def _check_what_is_flushed(self) -> None:
        """A block that flushes, and then does something else, expects others to read the file."""
        flushed = False
        for node in self.nodes:
            if not isinstance(node, ast.Call):
                continue
            name, last = dotted(node.func) or "", called_name(node)
            if name == f"{self.handle}.flush":
                around = self._out_of(node, within=True)
                if any(isinstance(above, nodes.LOOPS) for above, _ in around):
                    self.context.mark_unsafe("others see flushed data only at the end")
                flushed = True
            elif (
                flushed
                and last not in NOT_OPENING | SYNCING | SHOWING
                and not name.startswith(f"{self.handle}.")
                and all(dotted(arg.value) != self.handle for arg in arguments(node))
            ):
                self.context.mark_unsafe("others see flushed data only at the end")

    # --- how the block is left -------------------------------------------------------

    def _check_loops(self) -> None:
        """An endless loop is left by an exception, and everything that it wrote is wanted."""
        for node in self.nodes:
            if (
                isinstance(node, ast.While)
                and isinstance(node.test, ast.Constant)
                and node.test.value == 1
                and not _has_an_end(node)
            ):
                raise Refused("only an exception ends the loop, and what it wrote must be kept")

    def _check_raises(self) -> None:
        for node in self.nodes:
            if not isinstance(node, ast.Raise):
                continue
            name = _raised(node)
            if not name or _caught(self._out_of(node, within=True), name):
                continue
            if _leaves_on_purpose(name):
                raise Refused(
                    f"`{name}` may leave the block, and what was written before must be kept"
                )
            outer = self._out_of(self.site.call.node)
            if _caught(outer, name) or self._is_caught_by_callers(name):
                raise Refused(f"the block raises `{name}`, which is caught outside")

    def _check_what_comes_first(self) -> None:
        """Exceptions that may leave the block before anything is written: the file was then empty,
        which may be intended, and would now keep its old content."""
        written = [
            (node.lineno, node.col_offset)
            for node in self.nodes
            if isinstance(node, ast.Name) and node.id == self.handle
        ]
        first = min(written, default=(0, 0))
        for node in self.nodes:
            if not isinstance(node, (ast.Raise, ast.Call)):
                continue
            if (node.lineno, node.col_offset) >= first:
                continue
            if isinstance(node, ast.Raise):
                name = _raised(node) or "Exception"
            elif not _checks(node):
                continue
            else:
                name = "CalledProcessError"
            around = [*self._out_of(node, within=True)]
            if any(isinstance(above, (*nodes.FUNCTIONS, ast.Lambda)) for above, _ in around):
                continue
            if not _caught(around, name):
                self.context.mark_unsafe(
                    "if the block is left before it writes, the file is no longer emptied"
                )

    def _check_remarks(self) -> None:
        """A comment that says that the file is emptied on purpose."""
        statement = next(
            (
                above
                for above, _ in self._out_of(self.site.call.node)
                if isinstance(above, ast.stmt)
            ),
            None,
        )
        if statement is None or not self.body:
            return
        first = self.body[0]
        rows = statement.lineno, getattr(first, "lineno", statement.lineno)
        comments = self.context.facts.comments
        found = [each for each in comments.of(statement) if each.row <= rows[1]]
        text = " ".join(each.text.lstrip("# ") for each in found)
        sentences = re.split(r"[.:;]\s", text)
        if any(_EMPTIED.search(each) and not _LOST.search(each) for each in sentences):
            self.context.mark_unsafe(
                "a comment says that the file is emptied, which no longer happens at once"
            )

    def _out_of(self, node: ast.AST, *, within: bool = False) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Each ancestor of a node, with its child on the way to the node; only `within` the block,
        if given."""
        for above, child in _around(node, self._parents):
            if within and child in self._lines:
                return
            yield above, child

    def _is_caught_by_name(self, name: str) -> bool:
        """Whether an outer handler is for a specific exception."""
        return any(
            _catches(_caught_names(handler) - {"", "BaseException", "Exception"}, name)
            and not _raises_again(handler)
            for above, child in self._out_of(self.site.call.node)
            for handler in _handlers(above, child)
        )

    def _is_caught_by_callers(self, name: str) -> bool:
        return any(
            name in _caught_names(handler) and not _raises_again(handler)
            for handler in self._handlers_of_callers()
        )

    def _handlers_of_callers(self) -> Iterator[ast.ExceptHandler]:
        for call in self._callers():
            for block in call.enclosing:
                if block.kind is BlockKind.TRY and isinstance(block.node, ast.Try):
                    yield from block.node.handlers

    def _callers(self) -> Iterable[Call]:
        function, facts = self.context.function, self.context.facts
        if function.is_module:
            return
        for call in facts.scopes.callers_of(function.name):
            if function in facts.paths.callees(call.node, call.function):
                yield call

    def _check_handlers(self) -> None:
        """Outer handlers that do not treat the exception as a failure."""
        for above, child in self._out_of(self.site.call.node):
            for handler in _handlers(above, child):
                self._check_handler(handler)
            if isinstance(above, _TRIES):
                final = above.finalbody  # type: ignore[attr-defined]
                if final and not _stands_in(child, final) and _goes_on(final):
                    raise Refused("an outer `finally` hides how the block was left")
            elif isinstance(above, nodes.WITHS):
                for item in above.items:
                    if item is child:
                        break
                    self._check_context(item.context_expr)
        for handler in self._handlers_of_callers():
            names = _caught_names(handler) & NO_ERRORS - {"SystemExit"}
            if names and not _raises_again(handler) and self._has_a_loop:
                name = min(names)
                self.context.mark_unsafe(
                    f"a caller continues after `{name}`: the file keeps its old content"
                )

    @property
    def _has_a_loop(self) -> bool:
        return any(isinstance(node, _LOOPS) for node in self.nodes)

    def _check_handler(self, handler: ast.ExceptHandler) -> None:
        names = _caught_names(handler)
        if _raises_again(handler):
            if "KeyboardInterrupt" in names:
                self.context.mark_unsafe("what was written before an interrupt is not kept")
            return
        for name in sorted(names - WRITE_ERRORS - {"", "BaseException"}):
            raise Refused(
                f"`{name}` is caught outside the block, and what was written before must be kept"
            )
        if names & {"", "BaseException"} and self._has_a_loop:
            self.context.mark_unsafe("what was written before an interrupt is not kept")

    def _check_context(self, node: ast.expr) -> None:
        last = called_name(node)
        if last == "suppress":
            for name in sorted(_suppressed(node) - WRITE_ERRORS):
                raise Refused(
                    f"`{name}` is suppressed outside the block, "
                    "and what was written before must be kept"
                )
        elif last in {"raises", "assertRaises", "assertRaisesRegex"}:
            raise Refused("the block is expected to be left by an exception")


@dataclass(frozen=True, slots=True)
class _Holder:
    """An assignment whose value may contain a path."""

    node: ast.Assign
    name: str
    is_lazy: bool
    names: Sequence[ast.expr]
    """The names and attributes in what is assigned."""


def is_descriptor(context: EditContext, site: WriteSite) -> bool:
    """Whether the argument may be a descriptor number: a file that is already open is never
    replaced."""
    node = site.path_node
    if nodes.is_number(node) or called_name(node) in DESCRIPTORS | {"dup"}:
        return True
    last = (dotted(node) or "").rpartition(".")[2]
    if not DESCRIPTORS.isdisjoint(words(last)[-1:]):
        return True
    if not isinstance(node, ast.Name):
        return False
    bound = context.facts.paths.bindings(node.id, site.function, site.order)
    if any(
        nodes.is_number(each.value)
        or called_name(each.value) in DESCRIPTORS | {"dup"}
        or context.called(each.value) in {"os.open", "os.dup", "os.pipe"}
        for each in bound
    ):
        return True
    parameter = site.function.parameter(node.id)
    if parameter is not None and nodes.is_number(parameter.default):
        return True
    annotation = parameter.annotation if parameter is not None and not bound else None
    return annotation is not None and "int" in re.findall(r"\w+", code_of(annotation))


def is_open_elsewhere(context: EditContext, site: WriteSite, handles: Handles) -> bool:
    """Whether another handle of the same file is open while it is written. After a replace, the two
    would be different files, and a lock on one would not protect the other."""
    code = code_of(site.path_node)
    ancestors = {*context.ast_ancestors(site.call.source_node)}

    for call, opened in context.facts.sites.opened_in(site.function):
        if call.order >= site.order or call.node in {site.call.node, site.call.source_node}:
            continue
        value = handles.resolve(opened.target, call)
        if code_of(opened.target) != code and not _same(value, site.path):
            continue
        above = context.parent(call.node)
        if isinstance(above, ast.withitem):
            if context.parent(above) in ancestors:
                return True
            continue
        if called_name(given_to(context, call.node)) in LAZY:
            return True
        handle = handles.handle_name(call)
        if handle is None:
            continue
        # It was closed before, so this is not a second handle.
        closed = any(
            each.name == f"{handle}.close" and call.order < each.order < site.order
            for each in site.function.calls
        )
        if not closed and _is_used_later(site, handle):
            return True
    return False


def _is_used_later(site: WriteSite, handle: str) -> bool:
    return any(
        each.order > site.order
        and each.name != f"{handle}.close"
        and (
            (each.name or "").startswith(f"{handle}.")
            or any(dotted(arg.value) == handle for arg in each.arguments)
        )
        for each in site.function.calls
    ) or any(
        # `fcntl.flock(file, LOCK_EX)` before: the file is locked until the handle is closed.
        each.order < site.order
        and called_name(each.node) in LOCKING
        and any(handle in code_of(arg.value) for arg in each.arguments)
        for each in site.function.calls
    )


def _around(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Each ancestor of a node, with its child on the way to the node."""
    while node in parents:
        yield parents[node], node
        node = parents[node]


def _stands_in(statement: ast.AST, block: Sequence[ast.stmt]) -> bool:
    """Whether a child of a compound statement is in one of its blocks."""
    if not isinstance(statement, ast.stmt) or not block:
        return False
    context = (statement.lineno, statement.col_offset)
    first, last = block[0], block[-1]
    return (first.lineno, first.col_offset) <= context <= (last.lineno, last.col_offset)


def _handlers(above: ast.AST, child: ast.AST) -> Sequence[ast.ExceptHandler]:
    """The handlers of a `try` for the given child, if it is in the body."""
    if isinstance(above, _TRIES):
        tried: ast.Try = above  # type: ignore[assignment]
        return tried.handlers if _stands_in(child, tried.body) else ()
    return ()


def _given_and_receiver(node: ast.Call) -> list[ast.expr]:
    receiver = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    return [*(arg.value for arg in arguments(node)), *receiver]


def _outcomes(value: ast.expr) -> list[ast.expr]:
    """The alternative values of an expression."""
    if isinstance(value, ast.IfExp):
        return [*_outcomes(value.body), *_outcomes(value.orelse)]
    if isinstance(value, ast.BoolOp):
        return [outcome for each in value.values for outcome in _outcomes(each)]
    return [value]


def _same(value: PathValue, other: PathValue) -> bool:
    return value.same(other) and PathTrait.DESCRIPTOR not in value.traits


def _is_a_sentence(node: ast.JoinedStr) -> bool:
    """`f"gzip {path}"`, and not `f"{path}.bak"`, which is another file."""
    return not isinstance(node.values[0] if node.values else None, ast.FormattedValue)


def _makes_an_error(last: str) -> bool:
    return last[:1].isupper() and not ERROR_WORDS.isdisjoint(words(last))


def _raised(node: ast.Raise) -> str:
    """The name of the raised exception; empty for a bare `raise`."""
    value = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    last = (dotted(value) or "").rpartition(".")[2]
    return "" if last in CAUGHT_ERROR_NAMES else last


def _leaves_on_purpose(name: str) -> bool:
    """Whether an exception signals the end of input, not a failure."""
    if name in NO_ERRORS:
        return True
    known = getattr(builtins, name, None)
    return known is None and ERROR_WORDS.isdisjoint(words(name))


def _goes_on(final: Sequence[ast.stmt]) -> bool:
    kinds = (ast.Return, ast.Break, ast.Continue)
    return any(isinstance(each, kinds) for line in final for each in walk(line))


def _caught_names(handler: ast.ExceptHandler) -> set[str]:
    """The last names of the exceptions that a handler catches; an empty one for all."""
    kind = handler.type
    if kind is None:
        return {""}
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return {(dotted(_unstarred(each)) or "?").rpartition(".")[2] for each in kinds}


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler ends by raising."""
    return isinstance(handler.body[-1], ast.Raise)


def _checks(node: ast.Call) -> bool:
    """Whether a call runs a program and raises if that fails."""
    last = called_name(node)
    return last in CHECKING or (
        last == "run"
        and any(a.keyword == "check" and dotted(a.value) == "True" for a in arguments(node))
    )


def _caught(around: Iterable[tuple[ast.AST, ast.AST]], name: str) -> bool:
    """Whether an enclosing `try` catches an exception by its name or a base class, and
    continues."""
    for above, child in around:
        for handler in _handlers(above, child):
            if _catches(_caught_names(handler), name) and not _raises_again(handler):
                return True
        if isinstance(above, nodes.WITHS) and _stands_in(child, above.body):
            for item in above.items:
                if called_name(item.context_expr) == "suppress" and _catches(
                    _suppressed(item.context_expr), name
                ):
                    return True
    return False


def _suppressed(node: ast.expr) -> set[str]:
    """The last names of the arguments of `suppress(...)`."""
    given = arguments(node) if isinstance(node, ast.Call) else ()
    return {(dotted(arg.value) or "").rpartition(".")[2] for arg in given}


def _catches(names: set[str], name: str) -> bool:
    if names & {"", "BaseException", name}:
        return True
    kind = getattr(builtins, name, None)
    bases = {each.__name__ for each in kind.__mro__} if isinstance(kind, type) else {"Exception"}
    return not names.isdisjoint(bases)


def _has_an_end(loop: ast.While) -> bool:
    """Whether `break` or `return` leaves a loop."""
    todo: list[ast.AST] = [*loop.body]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Break, ast.Return)):
            return True
        if isinstance(node, (*nodes.FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, nodes.LOOPS):
            # A `break` in an inner loop ends only that loop.
            if any(isinstance(each, ast.Return) for each in walk(node)):
                return True
            continue
        todo += nodes.children(node)
    return False


def changes_order(context: EditContext, path: ast.expr, others: Sequence[ast.AST]) -> bool:
    """Whether it may make a difference that a path is computed before expressions that used to
    precede it: each may change the value of the other.

    Raises:
        Refused: one of them binds a name that the other uses.
    """
    bound = {
        each.target.id
        for other in others
        for each in walk(other)
        if isinstance(each, ast.NamedExpr) and isinstance(each.target, ast.Name)
    }
    if not bound.isdisjoint(each.id for each in walk(path) if isinstance(each, ast.Name)):
        raise Refused("the path is assigned within the expression that uses it")
    acting = any(_acts(each) for each in others)
    if _acts(path):
        return acting or not all(nodes.is_number(each) for each in others)
    return acting and not all(_is_fixed(context, each) for each in walk(path))


def _acts(node: ast.AST) -> bool:
    """Whether evaluating an expression may have side effects."""
    return any(
        (isinstance(each, ast.Call) and called_name(each) not in NOT_OPENING - CHANGING_A_CONTAINER)
        or isinstance(each, (ast.NamedExpr, ast.Await, *_YIELDS))
        for each in walk(node)
    )


def _is_fixed(context: EditContext, node: ast.AST) -> bool:
    """Whether no call changes the value of this part of an expression, as far as the file shows."""
    if isinstance(node, ast.Subscript):
        return False
    if isinstance(node, ast.Name):
        return f"global {node.id}" not in context.source.text
    if not isinstance(node, ast.Attribute):
        return True
    name = node.attr
    return context.cached(("set in an init", name), lambda: _is_set_in_an_init_alone(context, name))


def _is_set_in_an_init_alone(context: EditContext, name: str) -> bool:
    """Whether only `__init__` methods set an attribute of this name."""
    assigned = re.compile(rf"\.{name}\b\s*(?::[^=\n]+)?[-+/|%]?=(?!=)")
    return all(
        _is_in_an_init(context, context.source.position(found.start()).row)
        for found in assigned.finditer(context.source.text)
    )


def _is_in_an_init(context: EditContext, row: int) -> bool:
    """Whether the nearest less indented `def` above a row is `__init__`."""
    depth = len(context.indent(row))
    if context.source.line(row).strip().startswith("def __init__"):
        return True
    while row > 1:
        row -= 1
        line = context.source.line(row)
        if line.strip() and len(context.indent(row)) < depth:
            depth = len(context.indent(row))
            if (text := line.strip()).startswith(("def ", "async def ")):
                return text.startswith("def __init__")
    return False
