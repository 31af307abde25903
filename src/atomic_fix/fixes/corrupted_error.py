"""ATF201 and ATF202: a loader says that its file is corrupt instead of taking it for none.

What also meant "missing" keeps its handler and its default; what means "there but
unreadable" gets a handler of its own.
"""

import re
from collections.abc import Sequence

import libcst as cst

from atomic_fix.catalog import errors
from atomic_fix.config import own_helper
from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import code_of, dotted, words
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.facts.swallowing import Swallow, error_names
from atomic_fix.finding import Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.imports import import_module, import_name
from atomic_fix.fixes.place import Place, binds, bound, last_name, variables, walk

_ERROR = "CheckpointCorruptedError"
_TITLES = {
    "raise": f"Raise `{_ERROR}`",
    "warn": "Warn of the corrupt file",
    "quarantine": "Move the corrupt file aside with a warning",
}
# fmt: off
_PATH_CALLS = frozenset(
    {
        "join", "fspath", "str", "expanduser", "abspath", "realpath", "with_suffix",
        "with_name", "joinpath", "absolute", "resolve", "format",
    }
)
# fmt: on
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
        "read_bytes", "decode", "exists", "isfile", "isdir", "stat", "getmtime", "getsize", "time",
        "get", "str", "len", "isinstance", "close",
        "dict", "list", "set", "tuple", "int", "float", "bool",
    }
)
# fmt: on
_MOVING = frozenset({"unlink", "remove", "rename", "replace", "move", "rmtree"})
_LOGGERS = {"logging": "%", "structlog": "key"}
_OWN_LOGGER = re.compile(r"\bself\.(_?log(?:ger)?)\.(?:debug|info|warning|error|exception)\(")
_MARK = re.compile(r"#\s*(noqa|pragma|pylint|type:|nosec|fmt:|isort:)")


def fix_swallow(facts: ModuleFacts, swallow: Swallow) -> Fix:
    """The repair of a handler that takes a corrupt file for a missing one."""
    return _Attempt(facts, swallow).fix()


class _Attempt:
    """Each step may raise `Refused`."""

    def __init__(self, facts: ModuleFacts, swallow: Swallow) -> None:
        self.facts = facts
        self.swallow = swallow
        self.config = facts.config
        self.function = swallow.function
        self.place = Place(facts, swallow.function)
        self.raises = facts.config.on_corrupt == "raise"
        if self.raises:
            self.place.note = "callers get an exception where they got the default"
        self.edits: list[Edit] = []

    def fix(self) -> Fix:
        node, statement = self.swallow.node, self.swallow.statement
        handled = next((h for h in self.function.handled if h.node is statement), None)
        if handled is None:
            raise Refused("the statement around the load is not in sight")
        self.handled = handled
        self.path = self._path()
        self._not_taken_further_out()
        if isinstance(node, cst.Call):
            if any(arg.star or arg.keyword is not None for arg in node.args):
                raise Refused("not every error that is suppressed is in sight")
            types = [arg.value for arg in node.args]
        else:
            types = [node.type] if node.type is not None else []
        kept, corrupt = self._narrowed() if self.swallow.broad else self._split(types)
        self.kept = _joined(kept) if kept else ""
        self.name = bound(node) or self._error_name()
        self.head = f"{_joined(corrupt)} as {self.name}"
        self.indent = self.place.indent(self.place.tree.row(statement))
        self.inner = f"\n{self.indent}{self.place.unit}"
        if isinstance(node, cst.Call):
            self._suppressed(node)
        else:
            self._handler(node)
        return self.place.fix(_TITLES[self.config.on_corrupt], self.edits)

    # --- except -------------------------------------------------------------------

    def _handler(self, handler: cst.ExceptHandler) -> None:
        place = self.place
        if self.swallow.outcome in {"continues", "breaks off"}:
            place.doubt(
                "the first corrupt file or line ends the loop, the others are not looked at"
            )
        lines, comments = self._lines(handler)
        default = [place.text(line) for line in lines]
        about_broad = self.swallow.broad and comments and all(_is_told(line) for line in lines)
        if self.kept and not about_broad:
            # The handler stays for what it keeps; a new one below it takes the rest.
            self._take(handler, self.kept, handler.type)
            text = "\n" + self._clause(self.head, self._answer(default))
            self.edits.append(place.insert(place.below(handler.body), text))
            return
        if self.kept:
            # Comments that are about no default are about the broad handler, and go with it; a
            # new one above it keeps the rest.
            text = self._clause(
                f"{self.kept} as {self.name}" if bound(handler) else self.kept, default
            )
            above = Position(place.tree.row(handler), 1)
            self.edits.append(place.insert(above, f"{text}\n"))
        elif comments:
            place.doubt("a comment in the handler may no longer be true")
        self._replace(handler, lines)

    def _replace(
        self, handler: cst.ExceptHandler, lines: Sequence[cst.SimpleStatementLine]
    ) -> None:
        """The handler itself becomes that of the corrupt file."""
        place, body = self.place, handler.body
        if isinstance(body, cst.SimpleStatementSuite):
            if handler.type is None:
                raise Refused("the handler shares its line with what it does")
            rows = self._answer([place.text(line) for line in lines])
            self._take(handler, self.inner.join([f"{self.head}:", *rows]), body)
            return
        self._take(handler, self.head, handler.name.name if handler.name else handler.type)
        replaced = [line for line in lines if not (self.raises and _is_told(line))]
        text = self.inner.join(self._answer([place.text(line) for line in replaced]))
        if not replaced:
            self.edits.append(place.insert(place.below(body), self.inner + text))
            return
        region = Span(place.span(replaced[0]).start, place.span(replaced[-1]).end)
        if "#" in place.source.slice(region):
            raise Refused("a comment stands among what would be replaced")
        self.edits.append(Edit(region, text))

    def _take(self, handler: cst.ExceptHandler, text: str, last: cst.CSTNode | None) -> None:
        """What follows `except`, up to and with a node, becomes another text."""
        if handler.type is not None and last is not None:
            start = self.place.span(handler.type).start
            self.edits.append(Edit(Span(start, self.place.span(last).end), text))
            return
        start = self.place.span(handler).start
        behind = Position(start.row, start.column + len("except"))
        self.edits.append(self.place.insert(behind, f" {text}"))

    def _clause(self, head: str, rows: Sequence[str]) -> str:
        return self.inner.join([f"{self.indent}except {head}:", *rows])

    def _lines(
        self, handler: cst.ExceptHandler
    ) -> tuple[list[cst.SimpleStatementLine], list[cst.Comment]]:
        """The statements of the handler, which give no more than a default, and the comments
        among them."""
        body = handler.body
        if isinstance(body, cst.SimpleStatementSuite):
            if len(body.body) != 1:
                raise Refused("the statement shares its line with another one")
            return [body], []  # type: ignore[list-item]
        assert isinstance(body, cst.IndentedBlock)
        more = Refused("the handler does more than giving a default")
        lines: list[cst.SimpleStatementLine] = []
        for line in body.body:
            if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
                raise more
            if any(last_name(node) in _MOVING for node in walk(line)):
                raise Refused("the handler moves or removes files")
            small = line.body[0]
            if self.raises and isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
                last = last_name(small.value)
                if last not in {"debug", "info", "trace", "log"}:
                    said = set(words(last)) & _TELLING_WORDS
                    if not said and dotted(small.value.func) not in _TELLING_STREAMS:
                        raise more
                    self.place.doubt("what the handler says besides may no longer be right")
            elif self.raises and isinstance(small, cst.Assign) and dotted(small.value) == "True":
                raise Refused("the handler sets a flag that other code looks at")
            elif self.raises and lines and _is_told(line):
                raise more
            lines.append(line)
        header = body.header.comment
        comments = [
            c for c in self.place.comments(body) if c is not header and not _MARK.match(c.value)
        ]
        return lines, comments

    # --- suppress -----------------------------------------------------------------

    def _suppressed(self, call: cst.Call) -> None:
        place = self.place
        statement = self.swallow.statement
        assert isinstance(statement, cst.With)
        if statement.items[0].item is not call or statement.asynchronous is not None:
            raise Refused("`suppress` is not the first item of its `with`")
        start, body = place.span(statement).start, statement.body
        if not isinstance(body, cst.IndentedBlock) or not place.owns_its_rows(statement):
            raise Refused("the statement shares its line with another one")
        if isinstance(statement.lpar, cst.LeftParen):
            raise Refused("the items of the `with` stand in parentheses")
        if len(statement.items) == 1:
            span = place.span(call)
            if span.start.row != span.end.row and place.comments(call):
                raise Refused("comments stand in the call of `suppress`")
            self.edits.append(Edit(Span(start, span.end), "try"))
        else:
            second = place.span(statement.items[1]).start
            if second.row != start.row:
                raise Refused("the `with` stands on several lines")
            if place.has_multiline_string(body):
                raise Refused("a string of several lines would have to be moved")
            self.edits.append(Edit(Span(start, second), f"try:{self.inner}with "))
            last = place.tree.span(body).end.row
            head = place.span(statement.items[-1]).end.row
            self.edits += [
                place.insert(Position(row, 1), place.unit)
                for row in range(head + 1, last + 1)
                if place.source.line(row).strip()
            ]
        clauses = [self._clause(self.kept, ["pass"])] if self.kept else []
        clauses.append(self._clause(self.head, self._answer(["pass"])))
        text = "".join(f"\n{clause}" for clause in clauses)
        self.edits.append(place.insert(place.below(body), text))

    # --- which errors -------------------------------------------------------------

    def _names(self, node: cst.BaseExpression | None) -> list[str]:
        return error_names(node, self.facts.paths, self.function)

    def _split(self, types: Sequence[cst.BaseExpression]) -> tuple[list[str], list[str]]:
        """Parts the errors of a handler that names them, as text: those that keep its default,
        and those that tell of a corrupt file."""
        kept: list[str] = []
        corrupt: list[str] = []
        for node, text in (pair for each in types for pair in self._elements(each)):
            names = self._names(node)
            if len(names) != 1:
                raise Refused("not every error of the handler is in sight")
            takes_missing = names[0] in errors.MISSING | errors.OPERATING_SYSTEM
            is_corrupt = names[0] in {*self.swallow.errors, *errors.WRONG_SHAPE}
            (corrupt if is_corrupt and not takes_missing else kept).append(text)
        if not corrupt:
            raise Refused("which error means a corrupt file is not in sight")
        if set(kept) & errors.BROAD:
            raise Refused("the handler is broad")
        if "ValueError" in corrupt:
            # It takes these with it.
            own = {"JSONDecodeError", "UnicodeDecodeError"}
            corrupt = [each for each in corrupt if each.rpartition(".")[2] not in own]
        return list(dict.fromkeys(kept)), list(dict.fromkeys(corrupt))

    def _elements(self, node: cst.BaseExpression) -> list[tuple[cst.BaseExpression, str]]:
        """The single errors of an expression, with their text; aliases are written out."""
        name = dotted(node)
        if name is not None and len(self._names(node)) > 1:
            found = self.facts.paths.bindings(name, self.function, 1 << 60)
            if found:
                node = found[-1].value
            self.place.doubt(f"`{name}` is written out")
        if isinstance(node, (cst.Tuple, cst.List)):
            return [pair for element in node.elements for pair in self._elements(element.value)]
        if name is None or len(self._names(node)) > 1:
            raise Refused("not every error of the handler is in sight")
        return [(node, self.place.text(node) if self.place.holds(node) else name)]

    def _narrowed(self) -> tuple[list[str], list[str]]:
        """What a broad handler becomes, as `_split` says it."""
        self.place.doubt("the broad handler may be there for other errors as well")
        # What a JSON parser raises is known; others, and what makes objects of its result, raise
        # almost anything on torn data.
        processed = self._processed()
        plain_json = "json" in self.swallow.load.api and not processed
        kept = ["OSError"]
        for other in getattr(self.swallow.statement, "handlers", ()):
            if other is self.swallow.node:
                break
            if set(self._names(other.type)) & errors.OPERATING_SYSTEM:
                kept = []
        return kept, ["ValueError" if plain_json else "Exception"]

    def _processed(self) -> bool:
        """Whether the `try` also makes something of what was loaded, and no more than that."""
        more = Refused("more than the load stands in the `try` of the broad handler")
        nodes = list(walk(self.swallow.statement.body))
        statements = [
            node
            for node in nodes
            if isinstance(node, (cst.BaseCompoundStatement, cst.BaseSmallStatement))
        ]
        guards = [node for node in statements if isinstance(node, cst.If) and _is_guard(node)]
        if len(statements) - 2 * len(guards) > 8 or any(
            isinstance(node, (cst.For, cst.While, cst.Try, cst.Yield)) for node in statements
        ):
            raise more
        loaded = {
            name.value
            for each in nodes
            if isinstance(each, (cst.AssignTarget, cst.AsName, cst.CompFor))
            for name in walk(each.name if isinstance(each, cst.AsName) else each.target)
            if isinstance(name, cst.Name)
        }
        home = self.swallow.load.function
        called = home is not self.function and not home.is_module
        if called and any(isinstance(each, cst.Raise) for each in walk(home.node)):
            raise Refused("the loader has errors of its own, maybe for a missing file")
        processed = False
        for node in nodes:
            if not isinstance(node, cst.Call) or node is self.swallow.load.call.node:
                continue
            last = last_name(node)
            if last in _READING or set(words(last)) & _PATH_WORDS:
                continue
            if any(
                (isinstance(each, cst.Name) and each.value in loaded)
                or (isinstance(each, cst.Call) and each is not node)
                for each in walk(node)
            ):
                processed = True
            elif home not in self.facts.paths.callees(node, self.function):
                raise more
        return processed

    # --- what is done -------------------------------------------------------------

    def _answer(self, default: Sequence[str]) -> list[str]:
        """The statements of a handler for the corrupt file; `default` is what gives the
        default."""
        place, path = self.place, self.path
        if self.raises:
            module = self.config.helper
            if own_helper(module) is not None:
                raise Refused(f"the configured helper `{module}` has no `{_ERROR}`")
            error = import_name(place, module, _ERROR)
            return [f"raise {error}({path}) from {self.name}"]
        rows = []
        if self.config.on_corrupt == "quarantine":
            aside = f'f"{{{path}}}.corrupt"'
            if '"' in path or "{" in path:
                aside = f'str({path}) + ".corrupt"'
            rows.append(f"{import_module(place, 'os')}.replace({path}, {aside})")
        return [*rows, self._warning(), *(text for text in default if text != "pass")]

    def _warning(self) -> str:
        path, name = self.path, self.name
        logger, style = self._logger()
        if style == "key":
            return f'{logger}.warning("corrupt checkpoint", path=str({path}), error=str({name}))'
        if logger:
            marks = "{} is corrupt: {}" if style == "{" else "%s is corrupt: %s"
            return f'{logger}.warning("{marks}", {path}, {name})'
        text = f'f"{{{path}}} is corrupt: {{{name}}}"'
        if '"' in path or "{" in path:
            text = f'"%s is corrupt: %s" % ({path}, {name})'
        return f"{import_module(self.place, 'warnings')}.warn({text}, stacklevel=2)"

    def _logger(self) -> tuple[str, str]:
        """The logger that the module has, and how it takes its arguments; empty for none."""
        for local, target in self.facts.scopes.imports.items():
            if target == "loguru.logger":
                return local, "{"
        for line in self.facts.tree.module.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(small, cst.Assign) and isinstance(small.value, cst.Call):
                    called = self.facts.paths.qualified(dotted(small.value.func)) or ""
                    package, _, last = called.partition(".")
                    name = small.targets[0].target
                    if (
                        package in _LOGGERS
                        and last.endswith(("getLogger", "get_logger"))
                        and isinstance(name, cst.Name)
                    ):
                        return name.value, _LOGGERS[package]
        found = _OWN_LOGGER.search(self.facts.source.text)
        if found and self.function.parameter("self") is not None:
            return f"self.{found.group(1)}", "%"
        return "", ""

    # --- names and paths ----------------------------------------------------------

    def _error_name(self) -> str:
        for name in ("exc", "error", "err", "corruption"):
            around = self.place.ancestors(self.swallow.statement)
            if not any(binds(each, name) for each in around) and not self.place.is_used_outside(
                name
            ):
                return name
        raise Refused("no name is free for the error")

    def _not_taken_further_out(self) -> None:
        """Refuses where a `try` or `suppress` around it would take the exception."""
        catching = {"ValueError", *errors.BROAD}
        for inside in self.handled.inside if self.raises else ():
            node = inside.node
            for handler in node.handlers if isinstance(node, cst.Try) else ():
                names = self._names(handler.type)
                if inside.kind == "try" and (not names or catching & set(names)):
                    raise Refused("a handler further out would take the exception")
            for item in node.items if isinstance(node, cst.With) else ():
                if last_name(item.item) == "suppress":
                    raise Refused("a `suppress` further out would take the exception")

    def _path(self) -> str:
        """An expression for the path that holds in the handler."""
        load = self.swallow.load
        node = load.path_node
        if node is None:
            raise Refused("the path of the file is not in sight")
        if not self.place.holds(node):
            node = self._seen_from_here(node, load.function)
        return self._evaluable(node, 3)

    def _is_tried(self, order: int) -> bool:
        return self.handled.order < order < self.handled.body_end

    def _seen_from_here(self, node: cst.BaseExpression, home: FunctionFacts) -> cst.BaseExpression:
        """The expression in this function for what another one calls `node`."""
        function = self.function
        tried = [
            (call, callee)
            for call in function.calls
            if self._is_tried(call.order)
            for callee in self.facts.paths.callees(call.node, function)
        ]
        tried.sort(key=lambda pair: pair[1] is not home)
        name = dotted(node) or ""
        for call, callee in tried:
            if callee.parameter(name) is not None:
                given = call.argument(callee.parameter_position(name), name)
                if given is not None:
                    return given
        if tried and tried[0][1] is home and home is not function:
            given = self._as_called(node, home, tried[0][0])
            if given is not None:
                return given
        for each in variables(node):
            is_self = each.value == "self" and function.parameter("self") is not None
            same_class = home.owner is function.owner or home is function
            if not (is_self and same_class) and not self._is_constant(each.value, home):
                raise Refused("the path of the file is not in sight from the handler")
        return node

    def _is_constant(self, name: str, home: FunctionFacts) -> bool:
        """Whether a function means by a name what the module does."""
        scopes = self.facts.scopes
        return (
            (name in scopes.module.bindings or name in scopes.imports)
            and name not in home.bindings
            and home.parameter(name) is None
        )

    def _as_called(
        self, node: cst.BaseExpression, home: FunctionFacts, call: Call
    ) -> cst.BaseExpression | None:
        """A local path of a function that is called here, made of what it is called with."""
        local = home.bindings.get(dotted(node) or "", ())
        if len(local) == 1 and local[0].kind == "assign":
            node = local[0].value
        if not _is_plain(node):
            return None
        found = node
        for each in variables(node):
            name = each.value
            if self._is_constant(name, home):
                continue
            given = call.argument(home.parameter_position(name), name)
            if (
                home.parameter(name) is None
                or not isinstance(given, (cst.Name, cst.Attribute, cst.Call, cst.SimpleString))
                or not _is_plain(given)
            ):
                return None
            replaced = found.deep_replace(each, given)
            assert isinstance(replaced, cst.BaseExpression)
            found = replaced
        return found

    def _evaluable(self, node: cst.BaseExpression, depth: int) -> str:
        place, function, order = self.place, self.function, self.handled.order
        if depth == 0 or not _is_plain(node):
            raise Refused("the path of the file cannot be written again in the handler")
        for each in variables(node):
            known = function.bindings.get(each.value, ())
            if any(isinstance(b.node, cst.CompFor) for b in known):
                raise Refused("the path of the file is not in sight from the handler")
            inside = [b for b in known if self._is_tried(b.order)]
            if inside:
                if each is node and len(inside) == 1 and inside[0].kind == "assign":
                    return self._evaluable(inside[0].value, depth - 1)
                raise Refused("the path of the file is bound within the `try`")
            if (
                known
                and function.parameter(each.value) is None
                and not any(b.holds_at(order) for b in known)
            ):
                if not any(b.order < order for b in known):
                    raise Refused("the path of the file may not be bound in the handler")
                self.place.doubt(f"`{each.value}` may not be bound on every way to the handler")
        text = place.text(node) if place.holds(node) else code_of(node)
        if "\n" in text:
            raise Refused("the expression of the path stands on several lines")
        return text


def _is_told(line: cst.BaseStatement | cst.BaseSuite) -> bool:
    """Whether a statement is a call, as of a logger, that is kept before the raise."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return isinstance(small, cst.Expr) and isinstance(small.value, (cst.Call, cst.Await))


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
        last = last_name(each)
        known = last in _PATH_CALLS or set(words(last)) & _PATH_WORDS
        if isinstance(each, cst.Call) and not known:
            return False
    return True


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
