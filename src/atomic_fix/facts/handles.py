"""Handles and contents: which call opened a handle, in which mode, and of which file an expression
is the content."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from atomic_fix.catalog import apis
from atomic_fix.catalog.calls import (
    READING_A_PATH,
    READING_METHODS,
    WRAPPING_A_HANDLE,
    WRITING_METHODS,
)
from atomic_fix.catalog.words import LOADING, WRITING
from atomic_fix.facts.handed import handed_function
from atomic_fix.facts.modes import of_letters
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    WITHS,
    With,
    argument,
    arguments,
    code_of,
    dotted,
    is_number,
    of_kind,
    times_bound,
)
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.paths.budget import Bounds
from atomic_fix.facts.scopes import Binding, Call, ClassFacts, FunctionFacts, Scopes


@dataclass(frozen=True, slots=True)
class Opened:
    """The file or handle that a call opens."""

    target: ast.expr
    mode: ast.expr | None
    row: apis.Opener


_CONTENTS = Bounds(callers=4)
"""For the file whose content an expression is."""
_MAKER = Bounds(steps=3, bindings=2)
"""For the call that created an object."""

_HANDED = frozenset({"read_text", "read_bytes"})
"""Methods that read a file, whatever their receiver."""
_KEEPERS = {keeper.name: keeper for keeper in apis.KEEPERS}
PATH_METHODS = frozenset({"write_text", "write_bytes", "read_text", "read_bytes"})
"""Methods of a path that may be called through a name that is bound to them."""


class _Calls:
    """An index of the calls of one function, so that lookups need not iterate over all of them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.by_node: dict[ast.AST, Call] = {}
        self.given: dict[ast.AST, list[Call]] = {}
        """Calls by an argument."""
        self.naming: dict[str, list[Call]] = {}
        """Calls by each name that is an argument, or whose method is called."""
        self.of_handle: dict[str, dict[ast.AST, list[Call]]] = {}
        """Calls by a name, and by the call that opened its handle at that point."""
        self.on: dict[ast.AST, Call] = {}
        """The call of a method of what another call returns, by that call: `open(path).read()`."""
        for call in calls:
            self.by_node.setdefault(call.node, call)
            if isinstance(call.receiver, ast.Call):
                self.on.setdefault(call.receiver, call)
            names = set()
            owner = (call.name or "").rpartition(".")[0]
            while owner:
                names.add(owner)
                owner = owner.rpartition(".")[0]
            for value in dict.fromkeys(arg.value for arg in call.arguments):
                self.given.setdefault(value, []).append(call)
                names.add(dotted(value) or "")
            for name in names:
                self.naming.setdefault(name, []).append(call)


class Handles:
    """Answers for one module."""

    def __init__(self, scopes: Scopes, paths: Paths) -> None:
        self.scopes = scopes
        self.paths = paths
        self._calls: dict[FunctionFacts, _Calls] = {}
        self._withs: dict[FunctionFacts, dict[ast.AST, list[tuple[With, ast.withitem]]]] = {}
        self._bodies: dict[With, frozenset[str]] = {}
        self._handle_names: dict[FunctionFacts | ClassFacts, dict[ast.AST, str]] = {}

    def _calls_of(self, function: FunctionFacts) -> _Calls:
        found = self._calls.get(function)
        if found is None:
            found = self._calls[function] = _Calls(function.calls)
        return found

    def calls_given(self, node: ast.AST, function: FunctionFacts) -> Sequence[Call]:
        """The calls of a function that have a node as their argument."""
        return self._calls_of(function).given.get(node, ())

    def method_called_on(self, call: Call) -> Call | None:
        """`open(path, "w").write(text)`, for the `open`: the call of a method of a handle that has
        no name."""
        return self._calls_of(call.function).on.get(call.source_node)

    def names_in(self, statement: With) -> frozenset[str]:
        """The names in the body of a `with`. Cached, since it may have many items, each with a
        lookup."""
        if statement not in self._bodies:
            self._bodies[statement] = frozenset(
                node.id for each in statement.body for node in of_kind(each, ast.Name)
            )
        return self._bodies[statement]

    def withs_of(self, call: Call) -> Sequence[tuple[With, ast.withitem]]:
        """The `with` statement that a call is an item of, and the item."""
        function = call.function
        found = self._withs.get(function)
        if found is None:
            found = self._withs[function] = {}
            for region in function.guarded_regions:
                if isinstance(region.node, WITHS):
                    for item in region.node.items:
                        found.setdefault(item.context_expr, []).append((region.node, item))
        return found.get(call.source_node, ())

    def resolve(self, node: ast.expr, call: Call) -> PathValue:
        """The path that an argument of a call is, as far as known."""
        return self.paths.resolve(node, call.function, call.order)

    def modes(self, node: ast.expr, call: Call, depth: int = 4) -> set[str]:
        """The possible open modes of an expression, as far as they can be determined."""
        if isinstance(node, ast.Constant):
            return _mode(node.value if isinstance(node.value, str) else "")
        if depth == 0:
            return set()
        if isinstance(node, ast.IfExp):
            return self.modes(node.body, call, depth) | self.modes(node.orelse, call, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left = self.modes(node.left, call, depth)
            right = self.modes(node.right, call, depth)
            return {a + b for a in left for b in right or {""}}
        if isinstance(node, ast.JoinedStr):
            texts = (p.value for p in node.values if isinstance(p, ast.Constant))
            return _mode("".join(text for text in texts if isinstance(text, str)))
        function = call.function
        found = set[str]()
        bound: list[Binding] = []
        if isinstance(node, ast.Name):
            bound = self.paths.bindings(node.id, function, call.order)
            parameter = function.parameter(node.id)
            if parameter is not None and not bound:
                if parameter.default is not None:
                    found |= self.modes(parameter.default, call, depth - 1)
                position = function.parameter_position(node.id)
                for other in self.scopes.callers_of(function.name):
                    given = other.argument(position, node.id)
                    if given is not None:
                        found |= self.modes(given, other, depth - 1)
        elif (
            isinstance(node, ast.Attribute)
            and function.owner is not None
            and dotted(node.value) in {"self", "cls"}
        ):
            bound = self.paths.attribute(function.owner, node.attr)
        for binding in bound:
            found |= self.modes(binding.value, call.at(binding), depth - 1)
        return found

    def is_seen_whole(self, mode: ast.expr, call: Call, depth: int = 4) -> bool:
        """Whether a mode is a literal at the call, or a name bound only to literals. The value of a
        parameter or an attribute is decided elsewhere, whatever its default."""
        if isinstance(mode, ast.Constant):
            return True
        if depth == 0:
            return False
        if isinstance(mode, ast.IfExp):
            parts = [mode.body, mode.orelse]
        elif isinstance(mode, ast.BinOp):
            parts = [mode.left, mode.right]
        elif isinstance(mode, ast.JoinedStr):
            parts = list(mode.values)
        elif isinstance(mode, ast.Name):
            bound = self._all_bound(mode.id, call.function)
            return bool(bound) and all(
                each.is_assigned and self.is_seen_whole(each.value, call.at(each), depth - 1)
                for each in bound
            )
        else:
            return False
        return all(self.is_seen_whole(part, call, depth - 1) for part in parts)

    def _all_bound(self, name: str, function: FunctionFacts) -> list[Binding]:
        """All values of a name that is bound only in one function, or once in the module; nothing
        if other code may bind it."""
        if function.parameter(name) is not None:
            return []
        bound = function.bindings.get(name, [])
        home = function if bound else self.scopes.module
        bound = bound or home.bindings.get(name, [])
        if home is not function and len(bound) > 1:
            return []
        return bound if times_bound(home.node)[name] == len(bound) else []

    def modes_of(self, opened: Opened, call: Call) -> set[str]:
        """The modes in which a call may open a file."""
        return {opened.row.default_mode} if opened.mode is None else self.modes(opened.mode, call)

    def handle_name(self, call: Call) -> str | None:
        """The dotted name that the handle opened by a call is bound to."""
        function = call.function
        found = self._named(function, function.bindings).get(call.source_node)
        if found is None and function.owner is not None:
            name = self._named(function.owner, function.owner.attributes).get(call.source_node)
            found = f"self.{name}" if name is not None else None
        return found

    def _named(
        self, home: FunctionFacts | ClassFacts, bindings: Mapping[str, Iterable[Binding]]
    ) -> Mapping[ast.AST, str]:
        """The names of the handles that a function or class binds, by what opens them."""
        if home not in self._handle_names:
            self._handle_names[home] = _names_of_handles(bindings)
        return self._handle_names[home]

    def uses(self, handle: str, call: Call) -> list[Call]:
        """The later calls of a handle's methods, or with it as an argument, at which its name still
        refers to the handle that a call opens."""
        calls = self._calls_of(call.function)
        if handle not in calls.of_handle:
            found: dict[ast.AST, list[Call]] = {}
            for other in calls.naming.get(handle, ()):
                nodes = (node for b in self._bound(handle, other) for node in _opened(b))
                for node in dict.fromkeys(nodes):
                    found.setdefault(node, []).append(other)
            calls.of_handle[handle] = found
        found = calls.of_handle[handle]
        return [other for other in found.get(call.source_node, ()) if other.order > call.order]

    def _bound(self, name: str, call: Call) -> list[Binding]:
        """What a name, or an attribute of `self`, may stand for at a call."""
        found: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            found = self.paths.attribute(call.function.owner, name[5:])
        return found or self.paths.bindings(name, call.function, call.order)

    def bound(self, node: ast.expr, call: Call) -> list[Binding]:
        """What a name, or an attribute of `self`, may stand for at a call."""
        name = dotted(node)
        return self._bound(name, call)[-_CONTENTS.bindings :] if name is not None else []

    def handle_of(self, node: ast.expr, call: Call) -> Call | None:
        """The call that opened the handle which `node` names, if it is one."""
        name = dotted(node)
        if name is None:
            places: Iterable[tuple[FunctionFacts, Sequence[ast.AST]]] = [(call.function, [node])]
        else:
            bound = reversed(self._bound(name, call))
            places = ((binding.function, _opened(binding)) for binding in bound)
        found = (
            self._calls_of(function).by_node[each]
            for function, nodes in places
            for each in nodes
            if each in self._calls_of(function).by_node
        )
        return next(filter(self.is_open, found), None)

    def opens(self, call: Call) -> Opened | None:
        """The path and the mode of a call that opens a file."""
        name = self.paths.call_name(call, call.function)
        row = name.opener
        if row is not None:
            given = self.paths.completed(call)
            target = given.argument(0, row.path_keyword)
            mode = given.argument(1, "mode")
            return Opened(target, mode, row) if target is not None else None
        if call.method != "open" or call.receiver is None or name.package == "os":
            return None
        target = self.paths.opened_by_method(call.node)
        mode = call.argument(0 if target is call.receiver else 1, "mode")
        return Opened(target, mode, apis.PATH_OPEN)

    def is_open(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return (
            call.method == "open"
            or name.full == "os.fdopen"
            or name.full in apis.TEMP_MAKERS
            or name.opener is not None
        )

    def origin(
        self, node: ast.expr, call: Call, depth: int = _CONTENTS.steps
    ) -> tuple[PathValue, ast.expr] | None:
        """The path of the file whose content an expression is, if any.

        Follows `raw = path.read_text()`, `handle.read()`, decoding and decompression,
        `for line in handle`, helper functions of the module, and parameters.
        """
        if depth <= 0:
            return None
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.origin(node.value, call, depth)
        if isinstance(node, ast.Subscript):
            return self.origin(node.value, call, depth - 1)
        if isinstance(node, (ast.Name, ast.Attribute)):
            opened = self.handle_of(node, call)
            if opened is not None:
                return self._opened_path(opened)
            name = dotted(node)
            if name is None:
                return None
            bound = self._bound(name, call)
            for binding in reversed(bound[-_CONTENTS.bindings :]):
                found = self.origin(binding.value, call.at(binding), depth - 1)
                if found is not None:
                    return found
            if not bound and isinstance(node, ast.Name):
                return self._argument_origin(node.id, call, depth)
            return None
        if isinstance(node, ast.IfExp):
            return self.origin(node.body, call, depth - 1) or self.origin(
                node.orelse, call, depth - 1
            )
        if isinstance(node, ast.BoolOp):
            return self.origin(node.values[0], call, depth - 1)
        if isinstance(node, ast.Call):
            return self._call_origin(node, call, depth)
        return None

    def bound_method(self, call: Call) -> ast.Attribute | None:
        """`path.write_text` where it is called through a name or attribute bound to it."""
        name = call.name
        if name is None or name.count(".") > 1:
            return None
        found: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            if name[5:] not in call.function.owner.methods:
                found = self.paths.attribute(call.function.owner, name[5:])
        elif "." not in name:
            found = self.paths.bindings(name, call.function, call.order)
        if len(found) != 1:
            return None
        value = found[0].value
        if isinstance(value, ast.Attribute) and value.attr in PATH_METHODS:
            return value
        if isinstance(value, ast.Call) and dotted(value.func) == "getattr":
            # `getattr(path, f"write_{kind}")` with `kind` text or bytes.
            target, wanted = argument(value, 0), argument(value, 1)
            if target is not None and wanted is not None:
                text = code_of(wanted)
                for verb in ("write", "read"):
                    if f"{verb}_" in text:
                        method = ast.Attribute(target, f"{verb}_text", ast.Load())
                        return ast.copy_location(method, value)
        return None

    def _argument_origin(
        self, name: str, call: Call, depth: int
    ) -> tuple[PathValue, ast.expr] | None:
        function = call.function
        if function.parameter(name) is None:
            return None
        position = function.parameter_position(name)
        for other in islice(self.scopes.callers_of(function.name), _CONTENTS.callers):
            if function not in self.paths.callees(other.node, other.function):
                continue
            given = other.argument(position, name)
            if given is None:
                continue
            found = self.origin(given, other, depth - _CONTENTS.caller_cost)
            if found is not None:
                return found
        return None

    def _opened_path(self, opened: Call, depth: int = 4) -> tuple[PathValue, ast.expr] | None:
        """The path of the file that a call opens, also through a handle of it. A name that is
        rebound to a file opened through it is circular; after `depth` steps, the argument of the
        last call is used.
        """
        found = self.opens(opened)
        if found is None:
            return None
        target = found.target
        inner = self.handle_of(target, opened) if depth else None
        if inner is not None and inner is not opened:
            return self._opened_path(inner, depth - 1)
        return self.resolve(target, opened), target

    def _call_origin(
        self, node: ast.Call, call: Call, depth: int
    ) -> tuple[PathValue, ast.expr] | None:
        inner = Call(call.order, node, call.function, (), dotted(node.func))
        name = self.paths.call_name(node, call.function)
        bound = self.bound_method(inner)
        if bound is not None and bound.attr.startswith("read_"):
            return self.resolve(bound.value, inner), bound.value
        if inner.method in {"read_text", "read_bytes"} and inner.receiver is not None:
            return self.resolve(inner.receiver, inner), inner.receiver
        if self.is_open(inner) and name.full not in apis.TEMP_MAKERS:
            opened = self.opens(inner)
            mode = opened.mode if opened is not None and name.opener is None else None
            if mode is not None and not self.modes(mode, inner):
                return None
            return self._opened_path(inner)
        position = apis.RUNNERS.get(inner.method or name.last)
        if position is not None:
            func = inner.argument(position)
            if isinstance(func, ast.Attribute) and func.attr in READING_A_PATH:
                return self.resolve(func.value, call), func.value
        read = handed_function(inner, _HANDED)
        if isinstance(read, ast.Attribute):
            return self.resolve(read.value, call), read.value
        for callee in self.paths.callees(node, call.function)[:1]:
            for returned in callee.returns[-_CONTENTS.returns :]:
                found = self.origin(
                    returned.value, call.at(returned), depth - _CONTENTS.caller_cost
                )
                if found is not None:
                    return found
        given = [arg.value for arg in arguments(node)[: _CONTENTS.arguments] if not arg.star]
        if isinstance(node.func, ast.Attribute):
            given.insert(0, node.func.value)
        for each in given:
            found = self.origin(each, call, depth - 1)
            if found is not None:
                return found
        return None

    def made_by(self, node: ast.expr, call: Call, makers: frozenset[str]) -> bool:
        """Whether an expression is an object made by one of these calls."""
        return self.maker(node, call, makers) is not None

    def maker(
        self, node: ast.expr, call: Call, makers: frozenset[str], depth: int = _MAKER.steps
    ) -> tuple[ast.Call, Call] | None:
        """Which of these calls created the object of an expression, and where."""
        if depth == 0:
            return None
        if isinstance(node, ast.Call):
            is_maker = self.paths.call_name(node, call.function).full in makers
            return (node, call) if is_maker else None
        name = dotted(node)
        bound = self._bound(name, call)[-_MAKER.bindings :] if name is not None else ()
        found = (self.maker(b.value, call.at(b), makers, depth - 1) for b in bound)
        return next((each for each in found if each is not None), None)

    def kept(
        self, call: Call, given: ast.expr | None
    ) -> tuple[apis.Keeper, PathValue, ast.expr] | None:
        """The class of an object that saves to the path it was created with, at a method call.

        Args:
            given: the path that the method itself is given.
        """
        name = dotted(call.receiver)
        for binding in self._bound(name, call)[-_MAKER.bindings :] if name is not None else ():
            made = binding.value
            if not isinstance(made, ast.Call):
                continue
            keeper = _KEEPERS.get(self.paths.call_name(made, binding.function).full)
            node = argument(made, 0, keeper.keyword) if keeper is not None else None
            if keeper is None or (node is None and given is None):
                continue
            if given is not None:
                return keeper, self.resolve(given, call), given
            assert node is not None
            return keeper, self.resolve(node, call.at(binding)), node
        return None

    def rewrites(self, call: Call, *, appends: bool) -> bool:
        """Whether old content is lost through a handle opened for update or append. It is if
        `truncate` empties the file, or cuts off the rest after a write over its beginning.
        Truncating to a known length, as when a log drops a torn last record, overwrites nothing.
        """
        handle = self.handle_name(call)
        if handle is None:
            return False
        at_start = not appends
        behind = appends  # appended data goes to the end, whatever the position
        overwritten = maybe_overwritten = truncated = False
        for other in self.uses(handle, call):
            given = any(dotted(arg.value) == handle for arg in other.arguments)
            method = (other.name or "").removeprefix(f"{handle}.")
            if method == "seek":
                at_start = _is_zero(other.argument(0)) and _is_zero(other.argument(1), absent=True)
                behind = appends or not at_start
            elif method == "truncate":
                truncated = True
                size = other.argument(0, "size")
                if _is_zero(size) or (size is None and (at_start or maybe_overwritten)):
                    return True
            elif method in READING_METHODS or (given and self._is_read(other)):
                at_start = False
            elif method in WRITING_METHODS or (given and self._is_dump(other)):
                overwritten = overwritten or not behind
                at_start = False
            elif given and not appends and not self._is_lock(other):
                # A function that gets the handle may seek to the beginning.
                writes = self._writes_to(other, handle)
                overwritten = overwritten or writes is True
                maybe_overwritten = maybe_overwritten or writes is None
        return overwritten and truncated

    def _writes_to(self, call: Call, handle: str, depth: int = 2) -> bool | None:
        """Whether a call writes to the handle that it gets; None if unknown."""
        name = self.paths.call_name(call, call.function).last or call.method or ""
        if not WRITING.isdisjoint(words(name)):
            return True
        for callee in self.paths.callees(call.node, call.function)[:1] if depth else ():
            for parameter in callee.parameters:
                own = parameter.name
                given = call.argument(callee.parameter_position(own), own)
                if given is not None and dotted(given) == handle:
                    return self._is_written(callee, own, depth - 1)
        return None

    def _is_written(self, function: FunctionFacts, handle: str, depth: int) -> bool:
        """Whether a function writes to the handle that is one of its parameters."""
        return any(
            call.name in {f"{handle}.write", f"{handle}.writelines"}
            or (
                any(dotted(arg.value) == handle for arg in call.arguments)
                and (self._is_dump(call) or self._writes_to(call, handle, depth) is True)
            )
            for call in function.calls
        )

    def _is_dump(self, call: Call) -> bool:
        """Whether a call writes at the position of the handle that it is given."""
        name = self.paths.call_name(call, call.function)
        return name.full in apis.DUMPERS or name.last in apis.DUMP_NAMES

    def _is_read(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return name.package == "builtins" or not LOADING.isdisjoint(words(name.last))

    def _is_lock(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return any("lock" in word for word in words(name.last))


def _is_zero(node: ast.expr | None, *, absent: bool = False) -> bool:
    """Whether an argument is a literal 0, or `os.SEEK_SET`; `absent` is the answer if it is
    missing."""
    if node is None:
        return absent
    if isinstance(node, ast.Constant):
        return is_number(node) and node.value == 0
    return (dotted(node) or "").rpartition(".")[2] == "SEEK_SET"


def _mode(text: str) -> set[str]:
    return {text} if of_letters(text) else set()


def _opened(binding: Binding) -> list[ast.AST]:
    """The nodes that may open the handle of a binding, directly or wrapped."""
    found: list[ast.AST] = []
    if not binding.is_whole:
        return found
    value = binding.value
    for _ in range(3):
        found.append(value)
        if isinstance(value, ast.Await):
            value = value.value
        elif isinstance(value, ast.Call):
            # `stack.enter_context(open(...))`, `closing(open(...))`, `TextIOWrapper(open(...))`
            name = (dotted(value.func) or "").rpartition(".")[2]
            given = arguments(value) if name in WRAPPING_A_HANDLE else ()
            if not given:
                break
            value = given[0].value
        else:
            break
    return found


def _names_of_handles(bindings: Mapping[str, Iterable[Binding]]) -> dict[ast.AST, str]:
    """The first name that each node's handle is bound to."""
    found: dict[ast.AST, str] = {}
    for name, bound in bindings.items():
        for binding in bound:
            for node in _opened(binding):
                found.setdefault(node, name)
    return found
