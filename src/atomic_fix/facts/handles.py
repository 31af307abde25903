"""Handles and contents: which call opened a handle, in which mode, and which file's content
an expression gives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.catalog.words import LOADING
from atomic_fix.facts.names import code_of, dotted, words
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.scopes import Binding, Call, FunctionFacts, Scopes, argument


@dataclass(frozen=True, slots=True)
class Opened:
    """What a call opens."""

    target: cst.BaseExpression
    mode: cst.BaseExpression | None
    row: apis.Opener


_READING = frozenset({"open", "read_text", "read_bytes"})
_READING_METHODS = frozenset({"read", "readline", "readlines", "readinto", "__next__"})
_WRITING_METHODS = frozenset({"write", "writelines"})
_WRITING_WORDS = frozenset({"dump", "encode", "save", "serialise", "serialize", "store", "write"})
_PATH_METHODS = frozenset({"write_text", "write_bytes", "read_text", "read_bytes"})


class _Calls:
    """The calls of one function by what they are asked for, so that nobody goes through all of
    them for each."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.count = len(calls)
        """There are more in a module once more of it is parsed."""
        self.by_node: dict[cst.CSTNode, Call] = {}
        self.given: dict[cst.CSTNode, list[Call]] = {}
        """By an argument."""
        self.naming: dict[str, list[Call]] = {}
        """By each name that is an argument, or has the method that is called."""
        self.of_handle: dict[str, dict[cst.CSTNode, list[Call]]] = {}
        """By a name, and by what opened the handle that it stands for then."""
        for call in calls:
            self.by_node.setdefault(call.node, call)
            names = set()
            owner = (call.name or "").rpartition(".")[0]
            while owner:
                names.add(owner)
                owner = owner.rpartition(".")[0]
            for value in dict.fromkeys(arg.value for arg in call.node.args):
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
        self._withs: dict[
            FunctionFacts, tuple[int, dict[cst.CSTNode, list[tuple[cst.With, cst.WithItem]]]]
        ] = {}
        self._bodies: dict[cst.With, str] = {}
        self._handle_names: dict[FunctionFacts, dict[cst.CSTNode, str]] = {}

    def _calls_of(self, function: FunctionFacts) -> _Calls:
        found = self._calls.get(function)
        if found is None or found.count != len(function.calls):
            found = self._calls[function] = _Calls(function.calls)
        return found

    def calls_given(self, node: cst.CSTNode, function: FunctionFacts) -> Sequence[Call]:
        """The calls of a function that have a node as their argument."""
        return self._calls_of(function).given.get(node, ())

    def code_of_body(self, statement: cst.With) -> str:
        """The code in a `with`. It may have many items, and each is asked for in it."""
        if statement not in self._bodies:
            self._bodies[statement] = code_of(statement.body)
        return self._bodies[statement]

    def withs_of(self, call: Call) -> Sequence[tuple[cst.With, cst.WithItem]]:
        """The `with` statement of which a call is an item, and the item."""
        function = call.function
        known = self._withs.get(function)
        if known is None or known[0] != len(function.handled):
            found: dict[cst.CSTNode, list[tuple[cst.With, cst.WithItem]]] = {}
            for handled in function.handled:
                if isinstance(handled.node, cst.With):
                    for item in handled.node.items:
                        found.setdefault(item.item, []).append((handled.node, item))
            known = self._withs[function] = (len(function.handled), found)
        return known[1].get(call.place, ())

    def resolve(self, node: cst.BaseExpression, call: Call) -> PathValue:
        """What an argument of a call is known of as a path."""
        return self.paths.resolve(node, call.function, call.order)

    def modes(self, node: cst.BaseExpression, call: Call, depth: int = 4) -> set[str]:
        """The open modes that an expression can stand for, as far as it can be told."""
        if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
            value = node.evaluated_value
            return _mode(value if isinstance(value, str) else "")
        if depth == 0:
            return set()
        if isinstance(node, cst.IfExp):
            return self.modes(node.body, call, depth) | self.modes(node.orelse, call, depth)
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            left = self.modes(node.left, call, depth)
            right = self.modes(node.right, call, depth)
            return {a + b for a in left for b in right or {""}}
        if isinstance(node, cst.FormattedString):
            parts = (p.value for p in node.parts if isinstance(p, cst.FormattedStringText))
            return _mode("".join(parts))
        function = call.function
        found = set[str]()
        bound: list[Binding] = []
        if isinstance(node, cst.Name):
            bound = self.paths.bindings(node.value, function, call.order)
            parameter = function.parameter(node.value)
            if parameter is not None and not bound:
                if parameter.default is not None:
                    found |= self.modes(parameter.default, call, depth - 1)
                position = function.parameter_position(node.value)
                for other in self.scopes.callers_of(function.name):
                    given = other.argument(position, node.value)
                    if given is not None:
                        found |= self.modes(given, other, depth - 1)
        elif (
            isinstance(node, cst.Attribute)
            and function.owner is not None
            and dotted(node.value) in {"self", "cls"}
        ):
            bound = self.paths.attribute(function.owner, node.attr.value)
        for binding in bound:
            found |= self.modes(binding.value, call.at(binding), depth - 1)
        return found

    def modes_of(self, opened: Opened, call: Call) -> set[str]:
        """The modes in which a call may open what it opens."""
        return {opened.row.default_mode} if opened.mode is None else self.modes(opened.mode, call)

    def handle_name(self, call: Call) -> str | None:
        """The dotted name that the handle opened by a call is bound to."""
        function = call.function
        if function.is_module:  # parts of it may not be parsed yet
            found = _names_of_handles(function.bindings).get(call.node)
        else:
            if function not in self._handle_names:
                self._handle_names[function] = _names_of_handles(function.bindings)
            found = self._handle_names[function].get(call.node)
        if found is None and function.owner is not None:
            for name, bindings in function.owner.attributes.items():
                if any(call.node in _opened(b) for b in bindings):
                    return f"self.{name}"
        return found

    def uses(self, handle: str, call: Call) -> list[Call]:
        """The later calls of a handle's methods, or with it as an argument, at which its name
        still stands for the handle that a call opens."""
        calls = self._calls_of(call.function)
        if handle not in calls.of_handle:
            found: dict[cst.CSTNode, list[Call]] = {}
            for other in calls.naming.get(handle, ()):
                nodes = (node for b in self._bound(handle, other) for node in _opened(b))
                for node in dict.fromkeys(nodes):
                    found.setdefault(node, []).append(other)
            calls.of_handle[handle] = found
        found = calls.of_handle[handle]
        return [other for other in found.get(call.node, ()) if other.order > call.order]

    def _bound(self, name: str, call: Call) -> list[Binding]:
        """What a name, or an attribute of `self`, may stand for at a call."""
        found: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            found = self.paths.attribute(call.function.owner, name[5:])
        return found or self.paths.bindings(name, call.function, call.order)

    def handle_of(self, node: cst.BaseExpression, call: Call) -> Call | None:
        """The call that opened the handle which `node` names, if it is one."""
        name = dotted(node)
        if name is None:
            places: Iterable[tuple[FunctionFacts, Sequence[cst.CSTNode]]] = [
                (call.function, [node])
            ]
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
        row = apis.opener(name)
        if row is not None:
            target = call.argument(0, row.path_keyword)
            mode = call.argument(1, "mode")
            return Opened(target, mode, row) if target is not None else None
        if call.method != "open" or call.receiver is None or name.startswith("os."):
            return None
        target = self.paths.opened_by_method(call.node)
        mode = call.argument(0 if target is call.receiver else 1, "mode")
        return Opened(target, mode, apis.Opener("Path.open"))

    def is_open(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return (
            call.method == "open"
            or name == "os.fdopen"
            or name in apis.TEMP_MAKERS
            or apis.opener(name) is not None
        )

    def origin(
        self, node: cst.BaseExpression, call: Call, depth: int = 6
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        """The path of the file whose content an expression gives, if it is a file's.

        Follows `raw = path.read_text()`, `handle.read()`, decoding and decompression,
        `for line in handle`, helper functions of the module, and parameters.
        """
        if depth <= 0:
            return None
        if isinstance(node, cst.Await):
            return self.origin(node.expression, call, depth)
        if isinstance(node, cst.NamedExpr):
            return self.origin(node.value, call, depth)
        if isinstance(node, cst.Subscript):
            return self.origin(node.value, call, depth - 1)
        if isinstance(node, (cst.Name, cst.Attribute)):
            opened = self.handle_of(node, call)
            if opened is not None:
                return self._opened_path(opened)
            name = dotted(node)
            if name is None:
                return None
            bound = self._bound(name, call)
            for binding in reversed(bound[-3:]):
                found = self.origin(binding.value, call.at(binding), depth - 1)
                if found is not None:
                    return found
            if not bound and isinstance(node, cst.Name):
                return self._argument_origin(node.value, call, depth)
            return None
        if isinstance(node, cst.IfExp):
            return self.origin(node.body, call, depth - 1) or self.origin(
                node.orelse, call, depth - 1
            )
        if isinstance(node, cst.BooleanOperation):
            return self.origin(node.left, call, depth - 1)
        if isinstance(node, cst.Call):
            return self._call_origin(node, call, depth)
        return None

    def bound_method(self, call: Call) -> cst.Attribute | None:
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
        if isinstance(value, cst.Attribute) and value.attr.value in _PATH_METHODS:
            return value
        if isinstance(value, cst.Call) and dotted(value.func) == "getattr":
            # `getattr(path, f"write_{kind}")` with `kind` text or bytes.
            target, wanted = argument(value, 0), argument(value, 1)
            if target is not None and wanted is not None:
                text = code_of(wanted)
                for verb in ("write", "read"):
                    if f"{verb}_" in text:
                        return cst.Attribute(target, cst.Name(f"{verb}_text"))
        return None

    def _argument_origin(
        self, name: str, call: Call, depth: int
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        function = call.function
        if function.parameter(name) is None:
            return None
        position = function.parameter_position(name)
        for other in islice(self.scopes.callers_of(function.name), 4):
            if function not in self.paths.callees(other.node, other.function):
                continue
            given = other.argument(position, name)
            found = self.origin(given, other, depth - 2) if given is not None else None
            if found is not None:
                return found
        return None

    def _opened_path(
        self, opened: Call, depth: int = 4
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        """The path of the file that a call opens, also through a handle of it.

        A name that is bound again to what was opened under it leads in a circle; after `depth`
        steps what the last call is given has to do.
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
        self, node: cst.Call, call: Call, depth: int
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        inner = Call(call.order, node, call.function, (), dotted(node.func))
        name = self.paths.call_name(node, call.function)
        bound = self.bound_method(inner)
        if bound is not None and bound.attr.value.startswith("read_"):
            return self.resolve(bound.value, inner), bound.value
        if inner.method in {"read_text", "read_bytes"} and inner.receiver is not None:
            return self.resolve(inner.receiver, inner), inner.receiver
        if self.is_open(inner) and name not in apis.TEMP_MAKERS:
            opened = self.opens(inner)
            mode = opened.mode if opened is not None and apis.opener(name) is None else None
            if mode is not None and not self.modes(mode, inner):
                return None
            return self._opened_path(inner)
        position = apis.RUNNERS.get((inner.method or name).rpartition(".")[2])
        if position is not None:
            func = inner.argument(position)
            if isinstance(func, cst.Attribute) and func.attr.value in _READING:
                return self.resolve(func.value, call), func.value
        for callee in self.paths.callees(node, call.function)[:1]:
            for returned in callee.returns[-3:]:
                found = self.origin(returned.value, call.at(returned), depth - 2)
                if found is not None:
                    return found
        given = [arg.value for arg in node.args[:2] if not arg.star]
        if isinstance(node.func, cst.Attribute):
            given.insert(0, node.func.value)
        for each in given:
            found = self.origin(each, call, depth - 1)
            if found is not None:
                return found
        return None

    def made_by(
        self, node: cst.BaseExpression, call: Call, makers: frozenset[str], depth: int = 3
    ) -> bool:
        """Whether an expression is an object made by one of these calls."""
        if depth == 0:
            return False
        if isinstance(node, cst.Call):
            return self.paths.call_name(node, call.function) in makers
        name = dotted(node)
        return name is not None and any(
            self.made_by(b.value, call.at(b), makers, depth - 1)
            for b in self._bound(name, call)[-2:]
        )

    def rewrites(self, call: Call, *, appends: bool) -> bool:
        """Whether what was in the file is lost through a handle opened for update, or to append.

        It is when `truncate` empties the file, or cuts off the rest behind what may be written
        over its beginning. To cut back to a length behind what is kept, as a log loses its torn
        last record, overwrites nothing.
        """
        handle = self.handle_name(call)
        if handle is None:
            return False
        at_start = not appends
        behind = appends  # whatever the position, what is appended goes to the end
        overwritten = maybe_overwritten = truncated = False
        for other in self.uses(handle, call):
            given = any(dotted(arg.value) == handle for arg in other.node.args)
            method = (other.name or "").removeprefix(f"{handle}.")
            if method == "seek":
                at_start = _is_zero(other.argument(0)) and _is_zero(other.argument(1), absent=True)
                behind = appends or not at_start
            elif method == "truncate":
                truncated = True
                size = other.argument(0, "size")
                if _is_zero(size) or (size is None and (at_start or maybe_overwritten)):
                    return True
            elif method in _READING_METHODS or (given and self._is_read(other)):
                at_start = False
            elif method in _WRITING_METHODS or (given and self._is_dump(other)):
                overwritten = overwritten or not behind
                at_start = False
            elif given and not appends and not self._is_lock(other):
                # A function that is given the handle may go back to the beginning.
                writes = self._writes_to(other, handle)
                overwritten = overwritten or writes is True
                maybe_overwritten = maybe_overwritten or writes is None
        return overwritten and truncated

    def _writes_to(self, call: Call, handle: str, depth: int = 2) -> bool | None:
        """Whether a call writes to the handle that it is given; None where it cannot be told."""
        name = self.paths.call_name(call, call.function).rpartition(".")[2] or call.method or ""
        if not _WRITING_WORDS.isdisjoint(words(name)):
            return True
        for callee in self.paths.callees(call.node, call.function)[:1] if depth else ():
            for parameter in callee.parameters:
                given = call.argument(
                    callee.parameter_position(parameter.name.value), parameter.name.value
                )
                if given is not None and dotted(given) == handle:
                    return self._is_written(callee, parameter.name.value, depth - 1)
        return None

    def _is_written(self, function: FunctionFacts, handle: str, depth: int) -> bool:
        """Whether a function writes to the handle that is one of its parameters."""
        return any(
            call.name in {f"{handle}.write", f"{handle}.writelines"}
            or (
                any(dotted(arg.value) == handle for arg in call.node.args)
                and (self._is_dump(call) or self._writes_to(call, handle, depth) is True)
            )
            for call in function.calls
        )

    def _is_dump(self, call: Call) -> bool:
        """Whether a call writes at the position of the handle that it is given."""
        name = self.paths.call_name(call, call.function)
        return name in apis.DUMPERS or name.rpartition(".")[2] in {"dump", "safe_dump"}

    def _is_read(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return name.startswith("builtins.") or not LOADING.isdisjoint(
            words(name.rpartition(".")[2])
        )

    def _is_lock(self, call: Call) -> bool:
        name = self.paths.call_name(call, call.function)
        return any("lock" in word for word in words(name.rpartition(".")[2]))


def _is_zero(node: cst.BaseExpression | None, *, absent: bool = False) -> bool:
    """Whether an argument is a literal 0, or `os.SEEK_SET`; `absent`: what a missing one is."""
    if node is None:
        return absent
    if isinstance(node, cst.Integer):
        return node.evaluated_value == 0
    return (dotted(node) or "").rpartition(".")[2] == "SEEK_SET"


def _mode(text: str) -> set[str]:
    # `tarfile` writes its compression behind a bar or colon: no mode of `open`.
    return {text} if text and set(text) <= set("rwaxbtU+") else set()


def _opened(binding: Binding) -> list[cst.CSTNode]:
    """The nodes of which each, if it opens a handle, does so for a binding, plainly or wrapped."""
    found: list[cst.CSTNode] = []
    if binding.kind not in {"with", "assign"}:
        return found
    value = binding.value
    for _ in range(3):
        found.append(value)
        if isinstance(value, cst.Await):
            value = value.expression
        elif isinstance(value, cst.Call) and value.args:
            # `stack.enter_context(open(...))`, `closing(open(...))`, `TextIOWrapper(open(...))`
            name = (dotted(value.func) or "").rpartition(".")[2]
            if name not in {"enter_context", "enter_async_context", "closing", "TextIOWrapper"}:
                break
            value = value.args[0].value
        else:
            break
    return found


def _names_of_handles(bindings: Mapping[str, Iterable[Binding]]) -> dict[cst.CSTNode, str]:
    """The first name that each node's handle is bound to."""
    found: dict[cst.CSTNode, str] = {}
    for name, bound in bindings.items():
        for binding in bound:
            for node in _opened(binding):
                found.setdefault(node, name)
    return found
