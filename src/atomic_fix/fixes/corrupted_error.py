"""ATF201 and ATF202: a loader says that its file is corrupt instead of taking it for none.

What also meant "missing" keeps its handler and its default; what means "there but
unreadable" gets a handler of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from atomic_fix.catalog import errors
from atomic_fix.config import Config, own_helper
from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import dotted, words
from atomic_fix.facts.scopes import FunctionFacts, Handled
from atomic_fix.facts.swallowing import Swallow, error_names
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.imports import import_module, import_name
from atomic_fix.fixes.place import Place, walk

_ERROR = "CheckpointCorruptedError"
_TITLES = {
    "raise": f"Raise `{_ERROR}`",
    "warn": "Warn of the corrupt file",
    "quarantine": "Move the corrupt file aside with a warning",
}
_PATH_CALLS = frozenset({"Path", "join", "fspath", "str", "expanduser", "abspath", "realpath"})
_PATH_METHODS = frozenset(
    {"with_suffix", "with_name", "joinpath", "absolute", "resolve", "expanduser", "format"}
)
_PATH_WORDS = frozenset({"path", "file", "filename", "dir", "folder", "location"})
# fmt: off
_TELLING_WORDS = frozenset(
    {
        "print", "echo", "log", "debug", "info", "trace", "warn", "warning", "error",
        "exception", "critical", "verbose", "message", "msg", "notify", "report", "emit", "show",
        "display", "say", "secho", "rprint", "status",
    }
)
# fmt: on
_TELLING_STREAMS = frozenset({"sys.stderr.write", "sys.stdout.write"})
# fmt: off
_READING = frozenset(
    {
        "open", "load", "loads", "safe_load", "full_load", "read", "readlines", "read_text",
        "read_bytes", "decode", "exists", "is_file", "isfile", "is_dir", "isdir", "stat",
        "getmtime", "getsize", "time", "get", "Path", "str", "len", "isinstance", "close",
        "dict", "list", "set", "tuple", "int", "float", "bool",
    }
)
# fmt: on
_MOVING = frozenset({"unlink", "remove", "rename", "replace", "move", "rmtree"})
_LOGGERS = {
    "logging.getLogger": "%",
    "structlog.get_logger": "key",
    "structlog.getLogger": "key",
    "structlog.stdlib.get_logger": "key",
}
_OWN_LOGGER = re.compile(r"\bself\.(_?log(?:ger)?)\.(?:debug|info|warning|error|exception)\(")
_MARK = re.compile(r"#\s*(noqa|pragma|pylint|type:|nosec|fmt:|isort:)")


def fix_swallow(facts: ModuleFacts, swallow: Swallow, config: Config) -> Fix:
    """The repair of a handler that takes a corrupt file for a missing one."""
    return _Attempt(facts, swallow, config).fix()


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The errors of a handler, as text: those that keep its default, and those that tell of
    a corrupt file."""

    kept: tuple[str, ...]
    corrupt: tuple[str, ...]


class _Attempt:
    def __init__(self, facts: ModuleFacts, swallow: Swallow, config: Config) -> None:
        self.facts = facts
        self.swallow = swallow
        self.config = config
        self.place = Place(facts, swallow.function)
        self.applicability = Applicability.SAFE
        self.note = "callers get an exception where they got the default"
        if config.on_corrupt != "raise":
            self.note = ""
        self.imports: list[Edit] = []
        self.edits: list[Edit] = []

    def doubt(self, note: str) -> None:
        self.applicability = Applicability.UNSAFE
        self.note = note

    def fix(self) -> Fix:
        handled = self._handled()
        self.path = self._path(handled)
        self._not_taken_further_out(handled)
        node = self.swallow.node
        if isinstance(node, cst.Call):
            self._suppressed(node)
        else:
            self._handler(node)
        return Fix(
            _TITLES[self.config.on_corrupt],
            self.applicability,
            (*self.imports, *self.edits),
            self.note,
        )

    def _handled(self) -> Handled:
        for handled in self.swallow.function.handled:
            if handled.node is self.swallow.statement:
                return handled
        raise Refused("the statement around the load is not in sight")

    # --- except -------------------------------------------------------------------

    def _handler(self, handler: cst.ExceptHandler) -> None:
        place = self.place
        statement = self.swallow.statement
        assert isinstance(statement, cst.Try)
        if self.swallow.broad:
            kinds = self._narrowed(statement, handler)
        else:
            assert handler.type is not None
            kinds = self._split([handler.type])
        if self.swallow.outcome in {"continues", "breaks off"}:
            self.doubt("the first corrupt file or line ends the loop, the others are not looked at")
        bound = _bound(handler)
        lines, comments = self._lines(handler)
        indent = place.indent(place.span(handler).start.row)
        only_told = all(self._is_told(line) for line in lines)
        if kinds.kept and self.swallow.broad and comments and only_told:
            # Comments that are about no default are about the broad handler, and go with it; a
            # new one above it keeps the rest.
            name = bound or self._error_name(handler)
            row = place.span(handler).start.row
            texts = [f"{indent}except {_joined(kinds.kept)}{f' as {name}' if bound else ''}:"]
            texts += [f"{indent}{place.unit}{place.text(line)}" for line in lines]
            self.edits.append(place.insert(Position(row, 1), "".join(f"{t}\n" for t in texts)))
            self._replaced(handler, kinds, name, lines, indent)
            return
        if kinds.kept:
            # The handler stays for what it keeps; a new one below it takes the rest.
            if handler.type is None:
                self.edits.append(self._behind_except(handler, " " + _joined(kinds.kept)))
            else:
                self.edits.append(place.edit(handler.type, _joined(kinds.kept)))
            name = bound or self._error_name(handler)
            rows = self._answer(name, [place.text(line) for line in lines], indent)
            row = place.tree.span(handler.body).end.row
            text = f"\n{indent}except {_joined(kinds.corrupt)} as {name}:\n{rows}"
            self.edits.append(place.insert(place.end_of_row(row), text))
            return
        if comments:
            self.doubt("a comment in the handler may no longer be true")
        name = bound or self._error_name(handler)
        self._replaced(handler, kinds, name, lines, indent)

    def _replaced(
        self,
        handler: cst.ExceptHandler,
        kinds: _Kinds,
        name: str,
        lines: Sequence[cst.SimpleStatementLine],
        indent: str,
    ) -> None:
        """The handler itself becomes that of the corrupt file."""
        place = self.place
        head = f"{_joined(kinds.corrupt)} as {name}"
        texts = [place.text(line) for line in lines]
        body = handler.body
        if isinstance(body, cst.SimpleStatementSuite):
            start = place.span(handler.type).start if handler.type is not None else None
            end = place.tree.span(body).end
            rows = self._answer(name, texts, indent)
            if start is None:
                raise Refused("the handler shares its line with what it does")
            self.edits.append(Edit(Span(start, end), f"{head}:\n{rows}"))
            return
        if handler.type is None:
            self.edits.append(self._behind_except(handler, f" {head}"))
        else:
            end = place.span(handler.type).end
            if handler.name is not None:
                end = place.tree.span(handler.name.name).end
            self.edits.append(Edit(Span(place.span(handler.type).start, end), head))
        kept = [line for line in lines if self._is_told(line)] if self._raises else []
        replaced = [line for line in lines if line not in kept]
        if not replaced:
            end = place.end_of_row(place.tree.span(body).end.row)
            rows = self._answer(name, (), indent)
            self.edits.append(place.insert(end, f"\n{rows}"))
            return
        region = Span(place.span(replaced[0]).start, place.span(replaced[-1]).end)
        if "#" in place.source.slice(region):
            raise Refused("a comment stands among what would be replaced")
        rows = self._answer(name, [place.text(line) for line in replaced], indent)
        self.edits.append(Edit(region, rows.lstrip(" \t")))

    @property
    def _raises(self) -> bool:
        return self.config.on_corrupt == "raise"

    def _behind_except(self, handler: cst.ExceptHandler, text: str) -> Edit:
        start = self.place.span(handler).start
        after = type(start)(start.row, start.column + len("except"))
        return self.place.insert(after, text)

    def _lines(
        self, handler: cst.ExceptHandler
    ) -> tuple[list[cst.SimpleStatementLine], list[cst.Comment]]:
        """The statements of the handler, and the comments among them.

        Raises:
            Refused: they do more than giving a default.
        """
        body = handler.body
        if isinstance(body, cst.SimpleStatementSuite):
            if len(body.body) != 1:
                raise Refused("the statement shares its line with another one")
            return [body], []  # type: ignore[list-item]
        assert isinstance(body, cst.IndentedBlock)
        lines: list[cst.SimpleStatementLine] = []
        for line in body.body:
            if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
                raise Refused("the handler does more than giving a default")
            for node in walk(line):
                if isinstance(node, cst.Call):
                    last = (dotted(node.func) or "").rpartition(".")[2]
                    if last in _MOVING:
                        raise Refused("the handler moves or removes files")
            small = line.body[0]
            if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
                last = (dotted(small.value.func) or "").rpartition(".")[2]
                if last not in {"debug", "info", "trace", "log"} and self._raises:
                    said = set(words(last)) & _TELLING_WORDS
                    if not said and dotted(small.value.func) not in _TELLING_STREAMS:
                        raise Refused("the handler does more than giving a default")
                    self.doubt("what the handler says besides may no longer be right")
            elif isinstance(small, cst.Assign) and dotted(small.value) == "True" and self._raises:
                raise Refused("the handler sets a flag that other code looks at")
            elif self._raises and lines and self._is_told(line):
                raise Refused("the handler does more than giving a default")
            lines.append(line)
        header = body.header.comment
        comments = [
            c for c in self.place.comments(body) if c is not header and not _MARK.match(c.value)
        ]
        return lines, comments

    def _is_told(self, line: cst.BaseStatement | cst.BaseSuite) -> bool:
        """Whether a statement is a call, as of a logger, that is kept before the raise."""
        if not isinstance(line, cst.SimpleStatementLine):
            return False
        small = line.body[0]
        return isinstance(small, cst.Expr) and isinstance(small.value, (cst.Call, cst.Await))

    # --- suppress -----------------------------------------------------------------

    def _suppressed(self, call: cst.Call) -> None:
        place = self.place
        statement = self.swallow.statement
        assert isinstance(statement, cst.With)
        if statement.items[0].item is not call or statement.asynchronous is not None:
            raise Refused("`suppress` is not the first item of its `with`")
        if any(arg.star or arg.keyword is not None for arg in call.args):
            raise Refused("not every error that is suppressed is in sight")
        if self.swallow.broad:
            kinds = self._narrowed(statement, None)
        else:
            kinds = self._split([arg.value for arg in call.args])
        span = place.span(statement)
        indent = place.indent(span.start.row)
        deeper = indent + place.unit
        body = statement.body
        if not isinstance(body, cst.IndentedBlock) or not place.owns_its_rows(statement):
            raise Refused("the statement shares its line with another one")
        if isinstance(statement.lpar, cst.LeftParen):
            raise Refused("the items of the `with` stand in parentheses")
        if len(statement.items) == 1:
            end = place.span(call).end
            if place.span(call).start.row != end.row and place.comments(call):
                raise Refused("comments stand in the call of `suppress`")
            self.edits.append(Edit(Span(span.start, end), "try"))
        else:
            second = place.span(statement.items[1]).start
            if second.row != span.start.row:
                raise Refused("the `with` stands on several lines")
            if place.has_multiline_string(body):
                raise Refused("a string of several lines would have to be moved")
            text = f"try:\n{deeper}with "
            self.edits.append(Edit(Span(span.start, second), text))
            last = place.tree.span(body).end.row
            head = place.span(statement.items[-1]).end.row
            self.edits += [
                place.insert(type(second)(row, 1), place.unit)
                for row in range(head + 1, last + 1)
                if place.source.line(row).strip()
            ]
        name = self._error_name(None)
        handlers = ""
        if kinds.kept:
            handlers += f"\n{indent}except {_joined(kinds.kept)}:\n{deeper}pass"
        rows = self._answer(name, ["pass"], indent)
        handlers += f"\n{indent}except {_joined(kinds.corrupt)} as {name}:\n{rows}"
        row = place.tree.span(body).end.row
        self.edits.append(place.insert(place.end_of_row(row), handlers))

    # --- which errors -------------------------------------------------------------

    def _split(self, types: Sequence[cst.BaseExpression]) -> _Kinds:
        """Parts the errors of a handler that names them."""
        kept: list[str] = []
        corrupt: list[str] = []
        for each in types:
            for node, text in self._elements(each):
                names = error_names(node, self.facts.paths, self.swallow.function)
                if len(names) != 1:
                    raise Refused("not every error of the handler is in sight")
                name = names[0]
                takes_missing = name in errors.MISSING | errors.OPERATING_SYSTEM
                is_corrupt = name in self.swallow.errors or name in errors.WRONG_SHAPE
                (corrupt if is_corrupt and not takes_missing else kept).append(text)
        if not corrupt:
            raise Refused("which error means a corrupt file is not in sight")
        if set(kept) & errors.BROAD:
            raise Refused("the handler is broad")
        if "ValueError" in corrupt:
            # It takes these with it.
            corrupt = [
                c
                for c in corrupt
                if c.rpartition(".")[2] not in {"JSONDecodeError", "UnicodeDecodeError"}
            ]
        return _Kinds(tuple(dict.fromkeys(kept)), tuple(dict.fromkeys(corrupt)))

    def _elements(self, node: cst.BaseExpression) -> list[tuple[cst.BaseExpression, str]]:
        """The single errors of an expression, with their text; aliases are written out."""
        place = self.place
        if isinstance(node, (cst.Tuple, cst.List)):
            return [pair for element in node.elements for pair in self._elements(element.value)]
        name = dotted(node)
        if name is None:
            raise Refused("not every error of the handler is in sight")
        if len(error_names(node, self.facts.paths, self.swallow.function)) > 1:
            bound = self.facts.paths.bindings(name, self.swallow.function, 1 << 60)
            value = bound[-1].value if bound else None
            if not isinstance(value, cst.Tuple):
                raise Refused("not every error of the handler is in sight")
            self.doubt(f"`{name}` is written out")
            return [pair for element in value.elements for pair in self._elements(element.value)]
        text = place.text(node) if place.holds(node) else name
        return [(node, text)]

    def _narrowed(self, statement: cst.Try | cst.With, handler: cst.ExceptHandler | None) -> _Kinds:
        """What a broad handler becomes.

        Raises:
            Refused: more than the load is tried.
        """
        self.doubt("the broad handler may be there for other errors as well")
        processed = self._processed(statement)
        # What a JSON parser raises is known; others, and what makes objects of its result, raise
        # almost anything on torn data.
        plain_json = "json" in self.swallow.load.api and not processed
        corrupt = "ValueError" if plain_json else "Exception"
        earlier: set[str] = set()
        if isinstance(statement, cst.Try):
            for other in statement.handlers:
                if other is handler:
                    break
                names = error_names(other.type, self.facts.paths, self.swallow.function)
                earlier |= set(names)
        if earlier & errors.OPERATING_SYSTEM:
            return _Kinds((), (corrupt,))
        return _Kinds(("OSError",), (corrupt,))

    def _processed(self, statement: cst.Try | cst.With) -> bool:
        """Whether the `try` also makes something of what was loaded.

        Raises:
            Refused: it does more than that.
        """
        more = Refused("more than the load stands in the `try` of the broad handler")
        statements = [
            node
            for node in walk(statement.body)
            if isinstance(node, (cst.BaseCompoundStatement, cst.BaseSmallStatement))
        ]
        guards = [node for node in statements if isinstance(node, cst.If) and _is_guard(node)]
        if any(isinstance(n, (cst.For, cst.While, cst.Try, cst.Yield)) for n in statements):
            raise more
        if len(statements) - 2 * len(guards) > 8:
            raise more
        bound = {
            node.value
            for each in walk(statement.body)
            if isinstance(each, (cst.AssignTarget, cst.AsName, cst.CompFor))
            for node in walk(each.name if isinstance(each, cst.AsName) else each.target)
            if isinstance(node, cst.Name)
        }
        load = self.swallow.load.call.node
        home = self.swallow.load.function
        called = home is not self.swallow.function and not home.is_module
        if called and any(isinstance(each, cst.Raise) for each in walk(home.node)):
            raise Refused("the loader has errors of its own, maybe for a missing file")
        processed = False
        for node in walk(statement.body):
            if not isinstance(node, cst.Call) or node is load:
                continue
            last = (dotted(node.func) or "").rpartition(".")[2]
            if isinstance(node.func, cst.Attribute):
                last = node.func.attr.value
            if last in _READING or set(words(last)) & _PATH_WORDS:
                continue
            inside = list(walk(node))
            given = any(isinstance(each, cst.Name) and each.value in bound for each in inside)
            if not given and not any(
                isinstance(each, cst.Call) and each is not node for each in inside
            ):
                helper = self.facts.paths.callees(node, self.swallow.function)
                if self.swallow.load.function not in helper:
                    raise more
                continue
            processed = True
        return processed

    # --- what is done -------------------------------------------------------------

    def _answer(self, name: str, default: Sequence[str], indent: str) -> str:
        """The rows of a handler for the corrupt file; `default` is what gives the default."""
        place = self.place
        inner = indent + place.unit
        path = self.path
        if self._raises:
            module = self.config.helper
            if own_helper(module) is not None:
                raise Refused(f"the configured helper `{self.config.helper}` has no `{_ERROR}`")
            imported = import_name(place, module, _ERROR)
            self._add(imported.edits)
            return f"{inner}raise {imported.local}({path}) from {name}"
        rows = []
        if self.config.on_corrupt == "quarantine":
            found = import_module(place, "os")
            self._add(found.edits)
            aside = f'f"{{{path}}}.corrupt"'
            if '"' in path or "{" in path:
                aside = f'str({path}) + ".corrupt"'
            rows.append(f"{found.local}.replace({path}, {aside})")
        rows.append(self._warning(name))
        rows += [text for text in default if text != "pass"]
        return "\n".join(inner + row for row in rows)

    def _add(self, edits: Sequence[Edit]) -> None:
        self.imports += [edit for edit in edits if edit not in self.imports]

    def _warning(self, name: str) -> str:
        path = self.path
        logger = self._logger()
        if logger is not None:
            called, style = logger
            if style == "key":
                return (
                    f'{called}.warning("corrupt checkpoint", path=str({path}), error=str({name}))'
                )
            marks = "{} is corrupt: {}" if style == "{" else "%s is corrupt: %s"
            return f'{called}.warning("{marks}", {path}, {name})'
        found = import_module(self.place, "warnings")
        self._add(found.edits)
        text = f'f"{{{path}}} is corrupt: {{{name}}}"'
        if '"' in path or "{" in path:
            text = f'"%s is corrupt: %s" % ({path}, {name})'
        return f"{found.local}.warn({text}, stacklevel=2)"

    def _logger(self) -> tuple[str, str] | None:
        """The logger that the module has, and how it takes its arguments."""
        for local, target in self.facts.scopes.imports.items():
            if target == "loguru.logger":
                return local, "{"
        for line in self.facts.tree.module.body:
            if not isinstance(line, cst.SimpleStatementLine):
                continue
            for small in line.body:
                if isinstance(small, cst.Assign) and isinstance(small.value, cst.Call):
                    called = self.facts.paths.qualified(dotted(small.value.func)) or ""
                    target_node = small.targets[0].target
                    if called in _LOGGERS and isinstance(target_node, cst.Name):
                        return target_node.value, _LOGGERS[called]
        found = _OWN_LOGGER.search(self.facts.source.text)
        if found and self.swallow.function.parameter("self") is not None:
            return f"self.{found.group(1)}", "%"
        return None

    # --- names and paths ----------------------------------------------------------

    def _error_name(self, handler: cst.ExceptHandler | None) -> str:
        place = self.place
        statement = self.swallow.statement
        for name in ("exc", "error", "err", "corruption"):
            outer = [
                a
                for a in place.ancestors(statement)
                if isinstance(a, cst.ExceptHandler) and _bound(a) == name
            ]
            if not outer and not place.is_used_outside(name, cst.ExceptHandler):
                return name
        raise Refused("no name is free for the error")

    def _not_taken_further_out(self, handled: Handled) -> None:
        """Raises:
        Refused: a `try` or `suppress` around it would take the exception.
        """
        if not self._raises:
            return
        catching = {"ValueError", *errors.BROAD}
        for inside in handled.inside:
            if inside.kind == "try" and isinstance(inside.node, cst.Try):
                for handler in inside.node.handlers:
                    names = error_names(handler.type, self.facts.paths, self.swallow.function)
                    if not names or catching & set(names):
                        raise Refused("a handler further out would take the exception")
            if inside.kind == "with" and isinstance(inside.node, cst.With):
                for item in inside.node.items:
                    called = ""
                    if isinstance(item.item, cst.Call):
                        called = dotted(item.item.func) or ""
                    if called.rpartition(".")[2] == "suppress":
                        raise Refused("a `suppress` further out would take the exception")

    def _path(self, handled: Handled) -> str:
        """An expression for the path that holds in the handler.

        Raises:
            Refused: none is in sight.
        """
        load = self.swallow.load
        node = load.path_node
        if node is None:
            raise Refused("the path of the file is not in sight")
        if not self.place.holds(node):
            node = self._seen_from_here(node, load.function, handled)
        return self._evaluable(node, handled, 3)

    def _seen_from_here(
        self, node: cst.BaseExpression, home: FunctionFacts, handled: Handled
    ) -> cst.BaseExpression:
        """The expression in this function for what another one calls `node`."""
        function = self.swallow.function
        for candidate in (home, *self._callees(handled)):
            if not isinstance(node, cst.Name) or candidate.parameter(node.value) is None:
                continue
            position = candidate.parameter_position(node.value)
            for call in function.calls:
                if not handled.order < call.order < handled.body_end:
                    continue
                if candidate in self.facts.paths.callees(call.node, function):
                    given = call.argument(999 if position is None else position, node.value)
                    if given is not None:
                        return given
        called = self._as_called(node, home, handled)
        if called is not None:
            return called
        for each in walk(node):
            if isinstance(each, cst.Name) and self._is_variable(each, node):
                is_self = each.value == "self" and function.parameter("self") is not None
                same_class = home.owner is function.owner or home is function
                constant = each.value in self.facts.scopes.module.bindings or (
                    each.value in self.facts.scopes.imports
                )
                local = each.value in home.bindings or home.parameter(each.value) is not None
                if not (is_self and same_class) and (not constant or local):
                    raise Refused("the path of the file is not in sight from the handler")
        return node

    def _as_called(
        self, node: cst.BaseExpression, home: FunctionFacts, handled: Handled
    ) -> cst.BaseExpression | None:
        """A local path of a function that is called here, made of what it is called with."""
        function = self.swallow.function
        bound = home.bindings.get(node.value, ()) if isinstance(node, cst.Name) else ()
        if len(bound) == 1 and bound[0].kind == "assign":
            node = bound[0].value
        if home is function or not _is_plain(node):
            return None
        for call in function.calls:
            if not handled.order < call.order < handled.body_end:
                continue
            if home not in self.facts.paths.callees(call.node, function):
                continue
            found: cst.BaseExpression = node
            for each in list(walk(node)):
                if not isinstance(each, cst.Name) or not self._is_variable(each, node):
                    continue
                name = each.value
                if home.parameter(name) is None:
                    if name in home.bindings or not (
                        name in self.facts.scopes.module.bindings
                        or name in self.facts.scopes.imports
                    ):
                        return None
                    continue
                position = home.parameter_position(name)
                given = call.argument(999 if position is None else position, name)
                if given is None or not _is_plain(given):
                    return None
                if not isinstance(given, (cst.Name, cst.Attribute, cst.Call, cst.SimpleString)):
                    return None
                replaced = found.deep_replace(each, given)
                assert isinstance(replaced, cst.BaseExpression)
                found = replaced
            return found
        return None

    def _callees(self, handled: Handled) -> list[FunctionFacts]:
        function = self.swallow.function
        return [
            callee
            for call in function.calls
            if handled.order < call.order < handled.body_end
            for callee in self.facts.paths.callees(call.node, function)[:1]
        ]

    def _is_variable(self, name: cst.Name, root: cst.CSTNode) -> bool:
        return not any(
            (isinstance(each, cst.Attribute) and each.attr is name)
            or (isinstance(each, cst.Arg) and each.keyword is name)
            for each in walk(root)
        )

    def _evaluable(self, node: cst.BaseExpression, handled: Handled, depth: int) -> str:
        function = self.swallow.function
        if depth == 0 or not _is_plain(node):
            raise Refused("the path of the file cannot be written again in the handler")
        for each in walk(node):
            if not isinstance(each, cst.Name) or not self._is_variable(each, node):
                continue
            bound = function.bindings.get(each.value, ())
            if not bound:
                continue
            if any(isinstance(b.node, cst.CompFor) for b in bound):
                raise Refused("the path of the file is not in sight from the handler")
            inside = [b for b in bound if handled.order < b.order < handled.body_end]
            before = [b for b in bound if b.order < handled.order]
            known = function.parameter(each.value) is not None or any(
                b.holds_at(handled.order) for b in before
            )
            if inside:
                only = inside[0]
                if each is node and len(inside) == 1 and only.kind == "assign":
                    return self._evaluable(only.value, handled, depth - 1)
                raise Refused("the path of the file is bound within the `try`")
            if not known and not before:
                raise Refused("the path of the file may not be bound in the handler")
            if not known:
                self.doubt(f"`{each.value}` may not be bound on every way to the handler")
        text = (
            self.place.text(node) if self.place.holds(node) else cst.Module([]).code_for_node(node)
        )
        if "\n" in text:
            raise Refused("the expression of the path stands on several lines")
        return text


def _is_guard(node: cst.If) -> bool:
    """Whether it only leaves: `if not path.exists(): return None`."""
    lines = node.body.body
    return (
        node.orelse is None
        and len(lines) == 1
        and isinstance(lines[0], cst.SimpleStatementLine)
        and isinstance(lines[0].body[0], (cst.Return, cst.Continue, cst.Pass))
    )


def _is_plain(node: cst.BaseExpression) -> bool:
    """Whether an expression may be evaluated a second time."""
    for each in walk(node):
        if isinstance(each, (cst.Await, cst.Yield, cst.NamedExpr, cst.Lambda, cst.BaseComp)):
            return False
        if isinstance(each, cst.Call):
            if isinstance(each.func, cst.Attribute):
                last = each.func.attr.value
            else:
                last = dotted(each.func) or ""
            if (
                last not in _PATH_CALLS
                and last not in _PATH_METHODS
                and not set(words(last)) & _PATH_WORDS
            ):
                return False
    return True


def _bound(handler: cst.ExceptHandler) -> str | None:
    if handler.name is not None and isinstance(handler.name.name, cst.Name):
        return handler.name.name.value
    return None


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
