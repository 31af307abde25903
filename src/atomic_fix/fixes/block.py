"""What a block does while its file is being written, and why that may not be the same when the file
appears only at its end: the target looked at, the block left half-way, the handle kept.

What the block calls is followed into the functions of the file, a few calls deep.
"""

import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from atomic_fix.facts.handles import Handles
from atomic_fix.facts.names import children, code_of, dotted, of_kind, words
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.fixes import Refused
from atomic_fix.fixes.place import Place, keyword, last_name, variables, walk

_DEPTH = 3

_EXITS = frozenset(
    {
        "os._exit",
        "os.abort",
        "os.execl",
        "os.execle",
        "os.execlp",
        "os.execv",
        "os.execve",
        "os.execvp",
        "os.execvpe",
        "sys.exit",
        "builtins.exit",
        "builtins.quit",
    }
)
# Calls that are told a path, or work out another one, and open nothing.
_HARMLESS = frozenset(
    {
        *("Path", "PurePath", "PurePosixPath", "abspath", "absolute", "as_posix", "as_uri"),
        *("basename", "commonpath", "dirname", "expanduser", "expandvars", "fspath", "fsdecode"),
        *("fsencode", "is_absolute", "is_relative_to", "joinpath", "match", "normcase"),
        *("normpath", "realpath", "relative_to", "relpath", "resolve", "splitext", "with_name"),
        *("with_stem", "with_suffix"),
        *("add", "append", "bool", "count", "dict", "discard", "encode", "endswith", "extend"),
        *("get", "hash", "id", "index", "isinstance", "join", "len", "list", "lower", "lstrip"),
        *("pop", "quote", "remove_prefix", "removeprefix", "removesuffix", "repr", "rpartition"),
        *("partition", "rsplit", "rstrip", "set", "setdefault", "sorted", "split", "startswith"),
        *("str", "strip", "tuple", "type", "update", "upper", "zfill"),
    }
)
# Of these, what changes the object that it is called on.
_CHANGING = frozenset({"add", "append", "discard", "extend", "pop", "setdefault", "update"})
# The same path in another form.
_SAME = frozenset(
    {
        *("Path", "PurePath", "absolute", "abspath", "as_posix", "expanduser", "fspath", "quote"),
        *("realpath", "resolve", "str"),
    }
)
_TELLING = frozenset(
    {
        *("critical", "debug", "echo", "error", "exception", "format", "info", "log", "pprint"),
        *("print", "secho", "warn", "warning", "write", "writelines", "writerow", "writerows"),
    }
)
_LISTING = frozenset({"fwalk", "glob", "iglob", "iterdir", "listdir", "rglob", "scandir", "walk"})
# Calls that go through what they are given only later.
_LAZY = frozenset(
    {
        *("DictReader", "TextIOWrapper", "chain", "cycle", "enumerate", "filter", "islice"),
        *("iter", "map", "partial", "reader", "starmap", "takewhile", "tee", "zip"),
    }
)
_LOOKING = frozenset({"exists", "is_file", "lstat", "read_bytes", "read_text", "stat"})
_SYNCING = frozenset({"fsync", "fdatasync", "fullfsync"})
_LOCKING = frozenset({"flock", "lockf", "locking"})
_KEEPING = frozenset(
    {
        *("FileHandler", "Popen", "Process", "StreamHandler", "Thread", "Timer", "addHandler"),
        *("add_done_callback", "append", "create_task", "enter_context", "push", "put", "register"),
        *("send", "setStream", "set_stream", "setdefault", "submit"),
    }
)
# Handlers of these answer a write that went wrong; what was written until then is no loss.
_OF_A_FAILED_WRITE = frozenset(
    {
        *("ArithmeticError", "EncodeError", "EnvironmentError", "Exception", "IOError"),
        *("JSONDecodeError", "MemoryError", "OSError", "OverflowError", "PermissionError"),
        *("FileNotFoundError", "IsADirectoryError", "NotADirectoryError", "BlockingIOError"),
        *("FileExistsError", "PickleError", "PicklingError", "RecursionError", "RepresenterError"),
        *("TypeError", "UnicodeEncodeError", "UnicodeError", "ValueError", "YAMLError"),
    }
)
_NO_ERRORS = frozenset(
    {"GeneratorExit", "KeyboardInterrupt", "StopAsyncIteration", "StopIteration", "SystemExit"}
)
# What a handler calls an error that it raises again.
_CAUGHT = frozenset({"e", "err", "error", "ex", "exc", "exception"})
_ERROR_WORDS = frozenset(
    {"error", "exception", "failed", "failure", "fault", "invalid", "warning", "corrupt", "bad"}
)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Code that runs while the block does."""

    function: FunctionFacts
    handles: frozenset[str]
    """What the handle is called in it."""
    attribute: str = ""
    """The last name of the path where `self` is the object that the path belongs to."""
    depth: int = _DEPTH


class Block:
    """The statements that write, while the handle that `site` opens is open."""

    def __init__(
        self, place: Place, site: WriteSite, body: Sequence[cst.CSTNode], handle: str
    ) -> None:
        self.place = place
        self.site = site
        self.body = body
        self.handle = handle
        self.code = place.text(site.path_node)
        self.other_names = self._names_elsewhere()
        """Names of the module that stand for the path too."""
        self.holding = self._names_that_hold_it()
        """Local names of what holds the path, and those of what looks at the file when it is
        called or gone through."""
        self.is_asynchronous = False
        """Whether the write itself is awaited: others run meanwhile in any case."""
        self._seen: set[int] = set()

    @property
    def is_one_write(self) -> bool:
        """Whether a single call writes all there is: what it leaves when it fails is of no use."""
        lines: list[cst.CSTNode] = []
        for each in self.body:
            lines += each.body if isinstance(each, cst.SimpleStatementLine) else [each]
        rest = [each for each in lines if not self._ends(each)]
        if len(rest) != 1 or not isinstance(rest[0], cst.Expr):
            return False
        value = rest[0].value
        if isinstance(value, cst.Await):
            value = value.expression
        if not isinstance(value, cst.Call):
            return False
        if dotted(value.func) == f"{self.handle}.write":
            return True
        given = any(dotted(arg.value) == self.handle for arg in value.args)
        return given and last_name(value) in {"dump", "safe_dump", "save", "pack", "write"}

    def _ends(self, line: cst.CSTNode) -> bool:
        called = line.value if isinstance(line, cst.Expr) else None
        return isinstance(called, cst.Call) and (
            dotted(called.func) in {f"{self.handle}.flush", f"{self.handle}.close"}
            or last_name(called) in _SYNCING
        )

    def look(self) -> None:
        """Looks for what would not be the same.

        Raises:
            Refused: the program would do something else, or lose what it wrote.
        """
        top = _Scope(self.place.function, frozenset({self.handle} - {""}))
        for node in self.body:
            self._look_at(node, top)
        self._look_at_what_is_kept()
        self._look_at_what_is_flushed()
        self._look_at_loops()
        self._look_at_raises()
        if not self.is_one_write:
            self._look_at_handlers()

    def look_for_the_path(self) -> None:
        """Looks only for what is done with the file.

        Raises:
            Refused: something is.
        """
        top = _Scope(self.place.function, frozenset({self.handle} - {""}))
        for node in self.body:
            self._look_at(node, top)

    def _names_elsewhere(self) -> frozenset[str]:
        """Globals that the function binds to the path."""
        names = {
            each.name.value
            for root in (() if self.place.function.is_module else self.place.roots)
            for node in of_kind(root, cst.Global)
            for each in node.names
        }
        return frozenset(
            name
            for name in names
            for each in self.place.function.bindings.get(name, ())
            if self._resolves_to_target(each.value, self.place.function, each.order)
        )

    def _names_that_hold_it(self) -> dict[str, bool]:
        """By name whether to use it is to look at the file: `check = lambda: path.stat()` does,
        `command = ["gzip", path]` when it is run."""
        found: dict[str, bool] = {}
        function = self.place.function
        roots = self.place.roots if not function.is_module else ()
        body = {*self.body}
        for node in (each for root in roots for each in of_kind(root, cst.Assign)):
            if len(node.targets) != 1:
                continue
            name, value = dotted(node.targets[0].target), node.value
            if not name or not body.isdisjoint([node, *self.place.ancestors(node)]):
                continue
            called = last_name(value)
            lazy = any(
                isinstance(each, (cst.Lambda, cst.GeneratorExp))
                or last_name(each) in _LAZY
                or self._is_generator(each)
                for each in _outcomes(value)
            )
            held = isinstance(value, (cst.Dict, cst.List, cst.Set, cst.Tuple)) or called == "dict"
            if isinstance(value, cst.Attribute) and value.attr.value in _LOOKING:
                lazy = True
            if (lazy or held) and any(
                self._resolves_to_target(each, function, self.site.order)
                for each in walk(value)
                if isinstance(each, (cst.Name, cst.Attribute))
            ):
                found[name] = lazy
        return found

    def _is_generator(self, value: cst.BaseExpression) -> bool:
        callees = (
            self.place.facts.paths.callees(value, self.place.function)
            if isinstance(value, cst.Call)
            else ()
        )
        return any(isinstance(each, cst.Yield) for f in callees for each in walk(f.node))

    def _resolves_to_target(
        self, node: cst.BaseExpression, function: FunctionFacts, order: int
    ) -> bool:
        return _same(self.place.facts.paths.resolve(node, function, order), self.site.path)

    # --- the target, and the handle --------------------------------------------------

    def _look_at(self, root: cst.CSTNode, scope: _Scope) -> None:
        for node in walk(root):
            waits = isinstance(node, (cst.Yield, cst.Await)) and scope.depth == _DEPTH
            if waits and not self.is_asynchronous:
                self.place.doubt(
                    "others run while the file is written, and see the old one until the end;"
                    " left half-way, it keeps its old content"
                )
            if isinstance(node, cst.Call):
                self._look_at_call(node, scope)
            elif isinstance(node, cst.Raise) and scope.depth < _DEPTH:
                name = _raised(node)
                if (
                    name
                    and _leaves_on_purpose(name)
                    and not _caught(self._around(node, root), name)
                ):
                    raise Refused(f"the block may be left by `{name}`, and its content wanted")
                if name and not self.is_one_write and self._is_caught_by_name(name):
                    raise Refused(f"`{name}` is raised in the block and caught outside")
            elif isinstance(node, cst.Attribute):
                self._look_at_attribute(node, scope)
                continue
            if isinstance(node, cst.Name):
                if scope.depth == _DEPTH and self.holding.get(node.value):
                    raise Refused("the block uses the path, and the file is there only after it")
                self._follow(node, scope)

    def _around(
        self, node: cst.CSTNode, root: cst.CSTNode
    ) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
        """Each node around one within `root`, and the child that it holds it by."""
        parents = {child: each for each in walk(root) for child in children(each)}
        while node in parents:
            yield parents[node], node
            node = parents[node]

    def _look_at_call(self, node: cst.Call, scope: _Scope) -> None:
        name, last = self._called(node, scope), last_name(node)
        if name in _EXITS or self._exits(node):
            raise Refused(f"the block may end the program (`{last}`), and its content is wanted")
        if scope.depth == _DEPTH and self._is_out_of_sight(node.func):
            self.place.doubt("what the block calls is not in sight, and may end it or use the path")
        if name in {"os.fork", "os.forkpty"}:
            raise Refused("two processes would end the block")
        if last in _LISTING and name != "ast.walk" and self._is_listing(node, name):
            self.place.doubt("a folder is listed meanwhile, and the file is there only after it")
        given = [arg for arg in node.args if dotted(arg.value) in scope.handles]
        if given and last in _LOCKING:
            raise Refused("the file is locked, and a lock goes with the file that is replaced")
        if given and last in _KEEPING:
            raise Refused("the handle outlives its block")
        if isinstance(node.func, cst.Attribute) and dotted(node.func.value) in scope.handles:
            if last == "detach":
                raise Refused("the handle is taken apart")
            return
        if last in _TELLING or last in _HARMLESS or _makes_an_error(last):
            return
        if last in {"dump", "dumps", "safe_dump"} or "fileobj" in map(keyword, given):
            return
        for operand in self._operands(node):
            if self._is_target(operand, node, scope):
                raise Refused("the block uses the path, and the file is there only after it")

    def _is_out_of_sight(self, func: cst.BaseExpression) -> bool:
        """Whether what is called is taken from a container: `hooks["saved"]()`."""
        if not isinstance(func, cst.Name):
            return isinstance(func, cst.Subscript)
        return any(
            each.kind == "for"
            or isinstance(each.value, cst.Subscript)
            or last_name(each.value) in {"get", "pop"}
            for each in self.place.function.bindings.get(func.value, ())
        )

    @staticmethod
    def _exits(node: cst.Call) -> bool:
        """`parser.error(...)`, `ctx.exit()`."""
        if not isinstance(node.func, cst.Attribute):
            return False
        receiver = words((dotted(node.func.value) or "").rpartition(".")[2])[-1:]
        parser = {"error", "exit"} if receiver == ("parser",) else set()
        context = {"abort", "exit", "fail"} if receiver in {("ctx",), ("context",)} else set()
        return node.func.attr.value in parser | context

    def _look_at_attribute(self, node: cst.Attribute, scope: _Scope) -> None:
        if dotted(node.value) in scope.handles and node.attr.value == "fileno":
            above = self._above(node, scope)
            if above not in _SYNCING:
                raise Refused("the block works on the file by its descriptor")
        self._follow(node, scope)

    def _above(self, node: cst.Attribute, scope: _Scope) -> str:
        """What is given the result of a method that is called."""
        roots = self.body if scope.depth == _DEPTH else [scope.function.node]
        for root in roots:
            for each in walk(root):
                if isinstance(each, cst.Call) and any(
                    isinstance(arg.value, cst.Call) and arg.value.func is node for arg in each.args
                ):
                    return last_name(each)
        return ""

    def _called(self, node: cst.Call, scope: _Scope) -> str:
        return self.place.facts.paths.call_name(node, scope.function) or ""

    def _is_listing(self, node: cst.Call, name: str) -> bool:
        return isinstance(node.func, cst.Attribute) or name.partition(".")[0] in {"glob", "os"}

    def _operands(self, node: cst.Call) -> Iterator[cst.BaseExpression]:
        """What a call works on, through what only puts values together."""
        todo: list[cst.BaseExpression] = [arg.value for arg in node.args]
        if isinstance(node.func, cst.Attribute):
            todo.append(node.func.value)
        while todo:
            each = todo.pop()
            yield each
            if isinstance(each, (cst.Dict, cst.List, cst.Set, cst.Tuple)):
                todo += [element.value for element in each.elements]
            elif isinstance(each, cst.IfExp):
                todo += [each.body, each.orelse]
            elif isinstance(each, cst.BooleanOperation):
                todo += [each.left, each.right]
            elif isinstance(each, cst.Call) and last_name(each) in _SAME:
                todo += [arg.value for arg in each.args]
                todo += [each.func.value] if isinstance(each.func, cst.Attribute) else []
            elif isinstance(each, cst.FormattedString) and _is_a_sentence(each):
                todo += [
                    part.expression
                    for part in each.parts
                    if isinstance(part, cst.FormattedStringExpression)
                ]
            elif isinstance(each, cst.BinaryOperation) and isinstance(
                each.operator, (cst.Add, cst.Modulo)
            ):
                todo += [each.right]
                if not isinstance(each.right, (cst.SimpleString, cst.FormattedString)):
                    todo += [each.left]

    def _is_target(self, node: cst.BaseExpression, call: cst.Call, scope: _Scope) -> bool:
        """Whether an expression stands for the file that is written."""
        name = dotted(node)
        if name in {f"{handle}.name" for handle in scope.handles}:
            return True
        if scope.depth == _DEPTH and code_of(node) == self.code:
            return True
        if scope.attribute and name in {f"self.{scope.attribute}", f"cls.{scope.attribute}"}:
            return True
        if isinstance(node, (cst.BaseNumber, cst.Dict, cst.List, cst.Tuple, cst.Set)):
            return False
        if name in self.other_names:
            return True
        held = node.value if isinstance(node, cst.Subscript) else node
        if scope.depth == _DEPTH and dotted(held) in self.holding:
            return True
        order = self._order(call, scope.function)
        return self._resolves_to_target(node, scope.function, order)

    def _order(self, node: cst.Call, function: FunctionFacts) -> int:
        found = next((each.order for each in function.calls if each.node is node), None)
        return 1 << 60 if found is None else found

    def _follow(self, node: cst.Name | cst.Attribute, scope: _Scope) -> None:
        """Into the function of the file that a name stands for, called or given on."""
        if not scope.depth:
            return
        scopes = self.place.facts.scopes
        attribute = scope.attribute
        if isinstance(node, cst.Name):
            named = scopes.functions_named(node.value)
            found = [each for each in named if each.owner is None or each.outer is scope.function]
            owner = scopes.class_named(node.value) if not found else None
            init = owner.methods.get("__init__") if owner is not None else None
            found += [init] if init is not None else []
        else:
            receiver = dotted(node.value)
            if receiver in scope.handles or receiver in scopes.imports:
                return
            owner = scope.function.owner
            method = None
            if receiver in {"self", "cls"} and owner is not None:
                method = self.place.facts.paths.method(owner, node.attr.value)
            named = scopes.functions_named(node.attr.value) if method is None else [method]
            found = [each for each in named if each.owner is not None]
            mine, _, last = self.code.rpartition(".")
            if receiver and receiver not in {"self", "cls"}:
                attribute = last if receiver == mine else ""
        for function in found:
            if id(function) in self._seen or function.is_module:
                continue
            if function is self.place.function:
                continue
            self._seen.add(id(function))
            handles = self._handles_in(function, node, scope)
            self._look_at(function.node, _Scope(function, handles, attribute, scope.depth - 1))

    def _handles_in(
        self, function: FunctionFacts, node: cst.CSTNode, scope: _Scope
    ) -> frozenset[str]:
        """The parameters of a function that are given the handle."""
        names = set()
        for call in scope.function.calls:
            if call.node.func is not node:
                continue
            for parameter in function.parameters:
                name = parameter.name.value
                position = function.parameter_position(name)
                value = call.argument(position, name)
                if value is not None and dotted(value) in scope.handles:
                    names.add(name)
        if function.outer is scope.function:
            names |= scope.handles  # a function within the function sees its names
        return frozenset(names)

    def _look_at_what_is_kept(self) -> None:
        handle = self.handle
        for root in self.body:
            for node in walk(root):
                if isinstance(node, (cst.Assign, cst.AnnAssign, cst.NamedExpr, cst.Return)):
                    value = node.value
                elif isinstance(node, cst.Yield):
                    value = node.value  # type: ignore[assignment]
                elif isinstance(node, cst.Global) and handle in [
                    each.name.value for each in node.names
                ]:
                    raise Refused("the handle outlives its block")
                else:
                    continue
                if isinstance(value, cst.Name) and value.value == handle and handle:
                    raise Refused("the handle outlives its block")
        function = self.place.function
        for root in self.place.roots if not function.is_module else ():
            outer: list[cst.Global | cst.Nonlocal] = [
                *of_kind(root, cst.Global),
                *of_kind(root, cst.Nonlocal),
            ]
            if any(each.name.value == handle for node in outer for each in node.names):
                raise Refused("the handle outlives its block")
        if any(
            isinstance(each, cst.ClassDef) for each in self.place.ancestors(self.site.call.node)
        ) and (function.is_module or function.owner is None):
            raise Refused("the handle becomes an attribute of a class")

    def _look_at_what_is_flushed(self) -> None:
        """A block that flushes, and then does something else, means somebody to look."""
        if not any("flush" in code_of(root) for root in self.body):
            return
        flushed = False
        for node in (each for root in self.body for each in walk(root)):
            if not isinstance(node, cst.Call):
                continue
            name, last = dotted(node.func) or "", last_name(node)
            in_a_loop = any(
                isinstance(above, (cst.For, cst.While)) and above in self._inner(node)
                for above in self.place.ancestors(node)
            )
            if name == f"{self.handle}.flush":
                if in_a_loop:
                    self.place.doubt("what is flushed is seen by others only at the end")
                flushed = True
            elif (
                flushed
                and last not in _HARMLESS | _SYNCING | _TELLING
                and not name.startswith(f"{self.handle}.")
                and all(dotted(arg.value) != self.handle for arg in node.args)
            ):
                self.place.doubt("what is flushed is seen by others only at the end")

    def _inner(self, node: cst.CSTNode) -> list[cst.CSTNode]:
        """What is around a node within the block."""
        return [above for above, _ in self._out_of(node, within=True)]

    # --- how the block is left -------------------------------------------------------

    def _look_at_loops(self) -> None:
        """A loop without an end is left by an exception, with all that it wrote."""
        for root in self.body:
            for node in walk(root):
                if (
                    isinstance(node, cst.While)
                    and code_of(node.test).strip("() ") in {"True", "1"}
                    and not _has_an_end(node)
                ):
                    raise Refused("only an exception ends the loop, and its content is wanted")

    def _look_at_raises(self) -> None:
        for root in self.body:
            for node in walk(root):
                if not isinstance(node, cst.Raise):
                    continue
                name = _raised(node)
                around = self._out_of(node, within=True)
                if not name or _caught(around, name):
                    continue
                if _leaves_on_purpose(name):
                    raise Refused(f"the block may be left by `{name}`, and its content wanted")
                outer = self._out_of(self.site.call.node)
                if _caught(outer, name, broad=True) or self._is_caught_by_callers(name):
                    raise Refused(f"`{name}` is raised in the block and caught outside")

    def _out_of(
        self, node: cst.CSTNode, *, within: bool = False
    ) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
        parents = self.place.parents
        while node in parents:
            if within and node in self.body:
                return
            yield parents[node], node
            node = parents[node]

    def _is_caught_by_name(self, name: str) -> bool:
        """Whether a handler outside is for an exception, and not for any."""
        return any(
            isinstance(above, (cst.Try, cst.TryStar))
            and child is above.body
            and any(
                _catches(_caught_names(handler) - {"", "BaseException", "Exception"}, name)
                and not _raises_again(handler)
                for handler in above.handlers
            )
            for above, child in self._out_of(self.site.call.node)
        )

    def _is_caught_by_callers(self, name: str) -> bool:
        return any(
            name in _caught_names(handler) and not _raises_again(handler)
            for handler in self._handlers_of_callers()
        )

    def _handlers_of_callers(self) -> Iterator[cst.ExceptHandler | cst.ExceptStarHandler]:
        for call in self._callers():
            for inside in call.inside:
                if inside.kind == "try" and isinstance(inside.node, (cst.Try, cst.TryStar)):
                    yield from inside.node.handlers

    def _callers(self) -> Iterable[Call]:
        function, facts = self.place.function, self.place.facts
        if function.is_module:
            return
        for call in facts.scopes.callers_of(function.name):
            if function in facts.paths.callees(call.node, call.function):
                yield call

    def _look_at_handlers(self) -> None:
        """Handlers outside that take the end of the block for something other than a failure."""
        for above, child in self._out_of(self.site.call.node):
            if isinstance(above, (cst.Try, cst.TryStar)):
                if child is above.body:
                    for handler in above.handlers:
                        self._look_at_handler(handler)
                final = above.finalbody
                if final is not None and child is not final and _goes_on(final):
                    raise Refused("a `finally` outside of the block hides how it was left")
            elif isinstance(above, cst.With):
                for item in above.items:
                    if any(each is self.site.call.node for each in walk(item)):
                        break
                    self._look_at_context(item.item)
        for handler in self._handlers_of_callers():
            names = _caught_names(handler) & _NO_ERRORS - {"SystemExit"}
            if names and not _raises_again(handler) and self._has_a_loop:
                name = min(names)
                self.place.doubt(f"a caller goes on after `{name}`: the old content stays")

    @property
    def _has_a_loop(self) -> bool:
        loops = (cst.For, cst.While, cst.CompFor)
        return any(isinstance(node, loops) for root in self.body for node in walk(root))

    def _look_at_handler(self, handler: cst.ExceptHandler | cst.ExceptStarHandler) -> None:
        if _raises_again(handler):
            if "KeyboardInterrupt" in _caught_names(handler):
                self.place.doubt("what was written before an interrupt is not kept")
            return
        names = _caught_names(handler)
        for name in sorted(names - _OF_A_FAILED_WRITE - {"", "BaseException"}):
            raise Refused(
                f"`{name}` is caught outside of the block, and what it wrote until then is wanted"
            )
        if names & {"", "BaseException"} and self._has_a_loop:
            self.place.doubt("what was written before an interrupt is not kept")

    def _look_at_context(self, node: cst.BaseExpression) -> None:
        last = last_name(node)
        if last == "suppress" and isinstance(node, cst.Call):
            names = {(dotted(arg.value) or "").rpartition(".")[2] for arg in node.args}
            for name in sorted(names - _OF_A_FAILED_WRITE):
                raise Refused(
                    f"`{name}` is suppressed outside of the block, and its content wanted"
                )
        elif last in {"raises", "assertRaises", "assertRaisesRegex"}:
            raise Refused("the block is expected to be left by an exception")


_DESCRIPTORS = frozenset({"descriptor", "fd", "fdno", "fileno"})


def is_descriptor(place: Place, site: WriteSite) -> bool:
    """Whether what is opened may be a number: what is open already is never replaced."""
    node = site.path_node
    if isinstance(node, cst.BaseNumber) or last_name(node) in _DESCRIPTORS | {"dup"}:
        return True
    last = (dotted(node) or "").rpartition(".")[2]
    if not _DESCRIPTORS.isdisjoint(words(last)[-1:]):
        return True
    if not isinstance(node, cst.Name):
        return False
    bound = place.facts.paths.bindings(node.value, site.function, site.order)
    if any(
        isinstance(each.value, cst.BaseNumber)
        or last_name(each.value) in _DESCRIPTORS | {"dup"}
        or place.called(each.value) in {"os.open", "os.dup", "os.pipe"}
        for each in bound
        if isinstance(each.value, (cst.BaseNumber, cst.Call))
    ):
        return True
    parameter = site.function.parameter(node.value)
    if parameter is not None and isinstance(parameter.default, cst.BaseNumber):
        return True
    annotation = parameter.annotation if parameter is not None and not bound else None
    return annotation is not None and "int" in re.findall(r"\w+", code_of(annotation.annotation))


def is_open_elsewhere(place: Place, site: WriteSite, handles: Handles) -> bool:
    """Whether another handle of the same file is open while it is written: to replace the file
    would part the two, and a lock on one would no longer keep others from the other."""
    code = place.text(site.path_node)
    ancestors = list(place.ancestors(site.call.place))
    for call, opened in place.once(
        ("opened", site.function, len(site.function.calls)),
        lambda: [(c, o) for c in site.function.calls if (o := handles.opens(c)) is not None],
    ):
        if call.order >= site.order or call.node in {site.call.node, site.call.place}:
            continue
        value = handles.resolve(opened.target, call)
        if code_of(opened.target) != code and not _same(value, site.path):
            continue
        above = place.parents.get(call.node)
        if isinstance(above, cst.WithItem):
            if place.parents.get(above) in ancestors:
                return True
            continue
        handle = handles.handle_name(call)
        if isinstance(above, cst.Arg) and last_name(place.parents.get(above)) in _LAZY:
            return True
        if handle is None:
            continue
        # Closed before, it is no other handle.
        closed = any(
            each.name == f"{handle}.close" and call.order < each.order < site.order
            for each in site.function.calls
        )
        if not closed and _is_used_later(place, site, handle):
            return True
    return False


def _is_used_later(place: Place, site: WriteSite, handle: str) -> bool:
    return any(
        each.order > site.order
        and each.name != f"{handle}.close"
        and (
            (each.name or "").startswith(f"{handle}.")
            or any(dotted(arg.value) == handle for arg in each.node.args)
        )
        for each in site.function.calls
    ) or any(
        # `fcntl.flock(file, LOCK_EX)` before: the file is claimed until the handle is closed.
        each.order < site.order
        and last_name(each.node) in _LOCKING
        and any(handle in code_of(arg.value) for arg in each.node.args)
        for each in site.function.calls
    )


def _outcomes(value: cst.BaseExpression) -> list[cst.BaseExpression]:
    """What an expression may give, as it depends."""
    if isinstance(value, cst.IfExp):
        return [*_outcomes(value.body), *_outcomes(value.orelse)]
    if isinstance(value, cst.BooleanOperation):
        return [*_outcomes(value.left), *_outcomes(value.right)]
    return [value]


def _same(value: PathValue, other: PathValue) -> bool:
    return value.same(other) and "descriptor" not in value.traits


def _is_a_sentence(node: cst.FormattedString) -> bool:
    """`f"gzip {path}"`, and not `f"{path}.bak"`, which is another file."""
    return not isinstance(node.parts[0] if node.parts else None, cst.FormattedStringExpression)


def _makes_an_error(last: str) -> bool:
    return last[:1].isupper() and not _ERROR_WORDS.isdisjoint(words(last))


def _raised(node: cst.Raise) -> str:
    """The name of what is raised; empty for an error that is raised again."""
    value = node.exc.func if isinstance(node.exc, cst.Call) else node.exc
    name = (dotted(value) or "") if value is not None else ""
    last = name.rpartition(".")[2]
    return "" if last in _CAUGHT else last


def _leaves_on_purpose(name: str) -> bool:
    """Whether an exception says that there is enough, and not that something went wrong."""
    if name in _NO_ERRORS:
        return True
    known = getattr(builtins, name, None)
    return known is None and _ERROR_WORDS.isdisjoint(words(name))


def _goes_on(final: cst.Finally) -> bool:
    return any(isinstance(each, (cst.Return, cst.Break, cst.Continue)) for each in walk(final))


def _caught_names(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> set[str]:
    """The last names of what a handler catches; an empty one for all."""
    kind = handler.type
    if kind is None:
        return {""}
    each = [e.value for e in kind.elements] if isinstance(kind, cst.Tuple) else [kind]
    return {(dotted(value) or "?").rpartition(".")[2] for value in each}


def _raises_again(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> bool:
    """Whether a handler ends by raising."""
    lines = handler.body.body
    last: cst.CSTNode = lines[-1]
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    return isinstance(last, cst.Raise)


def _caught(
    around: Iterable[tuple[cst.CSTNode, cst.CSTNode]], name: str, *, broad: bool = False
) -> bool:
    """Whether a `try` around catches an exception by its name, or by one above it, and goes on."""
    for above, child in around:
        if isinstance(above, (cst.Try, cst.TryStar)) and child is above.body:
            for handler in above.handlers:
                if _catches(_caught_names(handler), name) and not _raises_again(handler):
                    return True
        if isinstance(above, cst.With) and child is above.body:
            for item in above.items:
                if last_name(item.item) == "suppress" and isinstance(item.item, cst.Call):
                    names = {(dotted(arg.value) or "").rpartition(".")[2] for arg in item.item.args}
                    if _catches(names, name):
                        return True
    return False


def _catches(names: set[str], name: str) -> bool:
    if names & {"", "BaseException", name}:
        return True
    kind = getattr(builtins, name, None)
    bases = {each.__name__ for each in kind.__mro__} if isinstance(kind, type) else {"Exception"}
    return not names.isdisjoint(bases)


def _has_an_end(loop: cst.While) -> bool:
    """Whether `break`, `return` or `raise` leaves a loop."""
    todo: list[cst.CSTNode] = [loop.body]
    while todo:
        node = todo.pop()
        if isinstance(node, (cst.Break, cst.Return)):
            return True
        if isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
            continue
        if isinstance(node, (cst.For, cst.While)):
            # Its own `break` ends the inner loop.
            if any(isinstance(each, cst.Return) for each in walk(node)):
                return True
            continue
        todo += children(node)
    return False


def changes_order(place: Place, path: cst.BaseExpression, others: Sequence[cst.CSTNode]) -> bool:
    """Whether it matters that a path is worked out before what stood before it: the one may change
    what the other gives.

    Raises:
        Refused: the one binds a name that the other uses.
    """
    bound = {
        each.target.value
        for other in others
        for each in walk(other)
        if isinstance(each, cst.NamedExpr) and isinstance(each.target, cst.Name)
    }
    if not bound.isdisjoint(each.value for each in variables(path)):
        raise Refused("the path is bound in the expression that it is used in")
    acting = any(_acts(each) for each in others)
    if _acts(path):
        return acting or not all(isinstance(each, cst.BaseNumber) for each in others)
    return acting and not all(_is_fixed(place, each) for each in walk(path))


def _acts(node: cst.CSTNode) -> bool:
    """Whether working out an expression may do something besides."""
    return any(
        (isinstance(each, cst.Call) and last_name(each) not in _HARMLESS - _CHANGING)
        or isinstance(each, (cst.NamedExpr, cst.Await, cst.Yield))
        for each in walk(node)
    )


def _is_fixed(place: Place, node: cst.CSTNode) -> bool:
    """Whether no call changes what a part of an expression gives, as far as the file tells."""
    if isinstance(node, cst.Subscript):
        return False
    name = node.attr.value if isinstance(node, cst.Attribute) else ""
    if isinstance(node, cst.Name) and f"global {node.value}" in place.source.text:
        return False
    assigned = re.compile(rf"\.{name}\b\s*(?::[^=\n]+)?[-+/|%]?=(?!=)") if name else None
    return assigned is None or all(
        _is_in_an_init(place, place.source.position(found.start()).row)
        for found in assigned.finditer(place.source.text)
    )


def _is_in_an_init(place: Place, row: int) -> bool:
    """Whether the nearest `def` above a row, less deep, is that of `__init__`."""
    depth = len(place.indent(row))
    if place.source.line(row).strip().startswith("def __init__"):
        return True
    while row > 1:
        row -= 1
        line = place.source.line(row)
        if line.strip() and len(place.indent(row)) < depth:
            depth = len(place.indent(row))
            if (text := line.strip()).startswith(("def ", "async def ")):
                return text.startswith("def __init__")
    return False
