"""Where a module writes files, loads them, and gives temp files their final name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.catalog.words import LOADING
from atomic_fix.facts.names import dotted, words
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.scopes import Binding, Call, FunctionFacts, Scopes, argument

if TYPE_CHECKING:
    from atomic_fix.config import Config

# Calls that run a function given as an argument: position of the function.
_RUNNERS = {
    "to_thread": 0,
    "run_sync": 0,
    "run_in_executor": 1,
    "submit": 0,
    "apply_async": 0,
    "partial": 0,
    "sync_to_async": 0,
}

_PATH_METHODS = frozenset({"write_text", "write_bytes", "read_text", "read_bytes"})

# Receivers of `write_bytes` and `.open(...)` that are no paths.
_NOT_PATHS = frozenset(
    {
        "archive",
        "buf",
        "buffer",
        "conn",
        "connection",
        "fs",
        "filesystem",
        "protocol",
        "request",
        "resp",
        "response",
        "sock",
        "socket",
        "stream",
        "tar",
        "transport",
        "webbrowser",
        "writer",
        "zf",
        "zip",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class WriteSite:
    """A call that overwrites, or creates, the file at a path."""

    call: Call
    kind: str
    """`open` (a handle in a truncating mode), `write` (`write_text`, `write_bytes`), `save`."""
    api: str
    """How a message calls it: `open`, `Path.write_text`, `torch.save`."""
    path_node: cst.BaseExpression
    path: PathValue
    mode: str
    content: str
    """`state` for serialised data, `table`, `copy`, `archive`, `hdf5`, or empty: unknown."""
    data: tuple[str, ...] = ()
    """Names in the expression that is written, nearest first."""

    @property
    def function(self) -> FunctionFacts:
        return self.call.function

    @property
    def order(self) -> int:
        return self.call.order

    @property
    def node(self) -> cst.CSTNode:
        """What to point at in the file."""
        return self.call.place


@dataclass(frozen=True, slots=True, eq=False)
class LoadSite:
    """A call that reads a file, and parses it unless `raw`."""

    call: Call
    api: str
    path: PathValue
    path_node: cst.BaseExpression | None
    raw: bool

    @property
    def function(self) -> FunctionFacts:
        return self.call.function

    @property
    def order(self) -> int:
        return self.call.order

    @property
    def node(self) -> cst.CSTNode:
        """What to point at in the file."""
        return self.call.place


@dataclass(frozen=True, slots=True, eq=False)
class PublishSite:
    """A call that moves or copies a finished file to its final name."""

    call: Call
    how: str
    """`replace`, `rename`, `link`, `move`, `copy`."""
    api: str
    source_node: cst.BaseExpression
    target_node: cst.BaseExpression
    source: PathValue
    target: PathValue

    @property
    def function(self) -> FunctionFacts:
        return self.call.function

    @property
    def order(self) -> int:
        return self.call.order

    @property
    def node(self) -> cst.CSTNode:
        """What to point at in the file."""
        return self.call.place


class Sites:
    """Finds the sites of one module."""

    def __init__(self, scopes: Scopes, paths: Paths, config: Config) -> None:
        self._scopes = scopes
        self._paths = paths
        self._savers = {s.name: s for s in (*apis.SAVERS, *_more_savers(config.savers))}
        more = (apis.Loader(name, source="any") for name in config.loaders)
        self._loaders = {row.name: row for row in (*apis.LOADERS, *more)}
        self._openers = {row.name: row for row in apis.OPENERS}
        self._helpers = frozenset(config.atomic_helpers)
        self.writes: list[WriteSite] = []
        self.loads: list[LoadSite] = []
        self.publishes: list[PublishSite] = []
        for call in scopes.calls():
            self._look_at(call)

    def _look_at(self, call: Call) -> None:
        name = self._paths.call_name(call, call.function) or ""
        bound = self._bound_method(call)
        if bound is not None:
            node = cst.Call(func=bound, args=call.node.args)
            call = Call(call.order, node, call.function, call.inside, dotted(bound), call.node)
            name = ""
        position = _RUNNERS.get((call.method or name).rpartition(".")[2])
        if position is not None:
            inner = call.argument(position)
            if isinstance(inner, (cst.Attribute, cst.Name)):
                # `to_thread(path.write_text, text)` is the call `path.write_text(text)`.
                rest = [a for a in call.node.args if a.value is not inner][position:]
                node = cst.Call(func=inner, args=rest)
                call = Call(call.order, node, call.function, call.inside, dotted(inner), call.place)
                name = self._paths.call_name(call, call.function) or ""
        if name.split(".", 1)[0] in apis.ATOMIC_PACKAGES or self._is_helper(call, name):
            return
        write = self._write(call, name)
        if write is not None:
            self.writes.append(write)
        load = self._load(call, name)
        if load is not None:
            self.loads.append(load)
        publish = self._publish(call, name)
        if publish is not None:
            self.publishes.append(publish)

    def _bound_method(self, call: Call) -> cst.Attribute | None:
        """`path.write_text` where it is called through a name or attribute bound to it."""
        name = call.name
        if name is None or name.count(".") > 1:
            return None
        found: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            if name[5:] not in call.function.owner.methods:
                found = self._paths.attribute(call.function.owner, name[5:])
        elif "." not in name:
            found = self._paths.bindings(name, call.function, call.order)
        if len(found) != 1:
            return None
        value = found[0].value
        if isinstance(value, cst.Attribute) and value.attr.value in _PATH_METHODS:
            return value
        if isinstance(value, cst.Call) and dotted(value.func) == "getattr":
            # `getattr(path, f"write_{kind}")` with `kind` text or bytes.
            target, wanted = argument(value, 0), argument(value, 1)
            if target is not None and wanted is not None:
                text = _code(wanted)
                for verb in ("write", "read"):
                    if f"{verb}_" in text:
                        return cst.Attribute(target, cst.Name(f"{verb}_text"))
        return None

    def _is_helper(self, call: Call, name: str) -> bool:
        """Whether configuration vouches for what is called, or for the function around it."""
        lasts = {helper.replace(":", ".").rpartition(".")[2] for helper in self._helpers}
        return call.function.name in lasts or name.removeprefix("?.").rpartition(".")[2] in lasts

    # --- writes -----------------------------------------------------------------

    def _write(self, call: Call, name: str) -> WriteSite | None:
        method = call.method
        receiver = call.receiver
        if method in {"write_text", "write_bytes"} and receiver is not None:
            path = self._resolve(receiver, call)
            if {"handle", "memory"} & path.traits or _is_no_path(receiver, path):
                return None
            content = self._text_content(call.argument(0, "data"), call)
            data = _names(call.argument(0, "data"))
            return WriteSite(call, "write", f"Path.{method}", receiver, path, "w", content, data)
        opener = self._openers.get(name)
        if opener is not None:
            target = call.argument(opener.path, opener.path_keyword)
            return self._open(call, name, target, call.argument(opener.mode, "mode"), opener)
        if name == "os.open":
            return self._os_open(call)
        if method == "open" and receiver is not None and not name.startswith("os."):
            mode = call.argument(0, "mode")
            if mode is not None and self.modes(mode, call):
                path = self._resolve(receiver, call)
                if _is_no_path(receiver, path) or dotted(receiver) in self._scopes.imports:
                    return None
                opener = apis.Opener("Path.open")
                return self._open(call, "Path.open", receiver, mode, opener)
            return None
        saver = self._savers.get(name)
        if (
            saver is None
            and method is not None
            and dotted(receiver or cst.Name("_"))
            not in {
                "self",
                "cls",
            }
        ):
            saver = self._savers.get(f".{method}")
        if saver is not None:
            target = call.argument(saver.path, saver.keyword)
            api = saver.name if saver.name[0] != "." else f"{method}"
            return self._saver(call, api, saver, target)
        if (
            method == "write"
            and receiver is not None
            and self._made_by(receiver, call, apis.TREE_MAKERS)
        ):
            target = call.argument(0, "file_or_filename")
            saver = apis.Saver("ElementTree.write", 0, "file_or_filename", "state")
            return self._saver(call, "ElementTree.write", saver, target)
        return None

    def _open(
        self,
        call: Call,
        name: str,
        target: cst.BaseExpression | None,
        mode_node: cst.BaseExpression | None,
        opener: apis.Opener,
    ) -> WriteSite | None:
        if target is None:
            return None
        modes = self.modes(mode_node, call) if mode_node is not None else {opener.default_mode}
        mode = next((m for m in sorted(modes) if "w" in m), None)
        if mode is None:
            mode = next((m for m in sorted(modes) if m.startswith("r") and "+" in m), None)
            if mode is None or not self._truncates(call):
                return None
        path = self._resolve(target, call)
        if {"handle", "memory", "descriptor"} & path.traits:
            return None
        content = opener.content or self._handle_content(call)
        api = name.removeprefix("builtins.")
        data = self._handle_data(call)
        return WriteSite(call, "open", api, target, path, mode, content, data)

    def _os_open(self, call: Call) -> WriteSite | None:
        target = call.argument(0, "path")
        flags = call.argument(1, "flags")
        if target is None or flags is None:
            return None
        text = _code(flags)
        if isinstance(flags, cst.Name):
            bound = self._paths.bindings(flags.value, call.function, call.order)
            text += "".join(_code(b.value) for b in bound)
        if "O_TRUNC" not in text or "O_EXCL" in text:
            return None
        path = self._resolve(target, call)
        return WriteSite(call, "open", "os.open", target, path, "w", "")

    def _saver(
        self,
        call: Call,
        name: str,
        saver: apis.Saver,
        target: cst.BaseExpression | None,
    ) -> WriteSite | None:
        if target is None:
            return None
        path = self._resolve(target, call)
        if {"handle", "memory"} & path.traits or self.handle_of(target, call) is not None:
            return None
        if saver.name[0] == "." and not path.mentions and path.key == "?":
            return None
        if saver.content == "copy" and not call.argument(0, "src"):
            return None
        data = _names(next((a.value for a in call.node.args if a.value is not target), None))
        return WriteSite(call, "save", name, target, path, "w", saver.content, data)

    def _truncates(self, call: Call) -> bool:
        """Whether the handle that a call opens for update is cut with `truncate()`."""
        handle = self.handle_name(call)
        return handle is not None and any(
            c.name == f"{handle}.truncate" for c in call.function.calls
        )

    def modes(self, node: cst.BaseExpression, call: Call, depth: int = 4) -> set[str]:
        """The open modes that an expression can stand for, as far as it can be told."""
        if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
            value = node.evaluated_value
            text = value if isinstance(value, str) else ""
            # `tarfile` writes its compression behind a bar or colon: no mode of `open`.
            return {text} if text and set(text) <= set("rwaxbtU+") else set()
        if depth == 0:
            return set()
        if isinstance(node, cst.IfExp):
            return self.modes(node.body, call, depth) | self.modes(node.orelse, call, depth)
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            left = self.modes(node.left, call, depth)
            right = self.modes(node.right, call, depth)
            return {a + b for a in left for b in right or {""}}
        if isinstance(node, cst.FormattedString):
            text = "".join(p.value for p in node.parts if isinstance(p, cst.FormattedStringText))
            return {text} if text and set(text) <= set("rwaxbtU+") else set()
        if isinstance(node, cst.Name):
            found = set[str]()
            bound = self._paths.bindings(node.value, call.function, call.order)
            for binding in bound:
                inner = Call(binding.order, call.node, binding.function, (), None)
                found |= self.modes(binding.value, inner, depth - 1)
            parameter = call.function.parameter(node.value)
            if parameter is not None and not bound:
                if parameter.default is not None:
                    found |= self.modes(parameter.default, call, depth - 1)
                position = call.function.parameter_position(node.value)
                for other in self._scopes.callers.get(call.function.name, ()):
                    given = other.argument(999 if position is None else position, node.value)
                    if given is not None:
                        found |= self.modes(given, other, depth - 1)
            return found
        if isinstance(node, cst.Attribute) and call.function.owner is not None:
            found = set()
            if isinstance(node.value, cst.Name) and node.value.value in {"self", "cls"}:
                for binding in self._paths.attribute(call.function.owner, node.attr.value):
                    inner = Call(binding.order, call.node, binding.function, (), None)
                    found |= self.modes(binding.value, inner, depth - 1)
            return found
        return set()

    # --- what is written --------------------------------------------------------

    def handle_name(self, call: Call) -> str | None:
        """The dotted name that the handle opened by a call is bound to."""
        for name, bindings in call.function.bindings.items():
            if any(_opens(b, call.node) for b in bindings):
                return name
        owner = call.function.owner
        if owner is not None:
            for name, bindings in owner.attributes.items():
                if any(_opens(b, call.node) for b in bindings):
                    return f"self.{name}"
        return None

    def handle_of(self, node: cst.BaseExpression, call: Call) -> Call | None:
        """The call that opened the handle which `node` names, if it is one."""
        name = dotted(node)
        if name is None:
            if isinstance(node, cst.Call):
                inner = next((c for c in call.function.calls if c.node is node), None)
                if inner is not None and self._is_open(inner):
                    return inner
            return None
        bound: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            bound = self._paths.attribute(call.function.owner, name[5:])
        if not bound:
            bound = self._paths.bindings(name, call.function, call.order)
        for binding in reversed(bound):
            for candidate in binding.function.calls:
                if _opens(binding, candidate.node) and self._is_open(candidate):
                    return candidate
        return None

    def _is_open(self, call: Call) -> bool:
        name = self._paths.call_name(call, call.function) or ""
        return (
            call.method == "open"
            or name == "os.fdopen"
            or name in apis.TEMP_MAKERS
            or name in self._openers
        )

    def _handle_content(self, call: Call) -> str:
        handle = self.handle_name(call)
        outer = [c for c in call.function.calls if any(a.value is call.node for a in c.node.args)]
        for other in (*call.function.calls,) if handle is not None else outer:
            if other.order <= call.order and other not in outer:
                continue
            content = self._given_to(other, handle, call)
            if content:
                return content
        return ""

    def _handle_data(self, call: Call) -> tuple[str, ...]:
        handle = self.handle_name(call)
        found: list[str] = []
        for other in call.function.calls:
            if other.order <= call.order or handle is None:
                continue
            given = [dotted(a.value) for a in other.node.args]
            if handle in given or other.name in {f"{handle}.write", f"{handle}.writelines"}:
                for arg in other.node.args:
                    if dotted(arg.value) != handle:
                        found += _names(arg.value)
                        break
        return tuple(found[:4])

    def _given_to(self, other: Call, handle: str | None, call: Call) -> str:
        """What a call that is given the handle, or is its method, writes into it."""
        name = self._paths.call_name(other, other.function) or ""
        if handle is not None and other.name == f"{handle}.write":
            return self._text_content(other.argument(0), other)
        given = [
            a.value for a in other.node.args if a.value is call.node or dotted(a.value) == handle
        ]
        if not given:
            return ""
        if name in apis.DUMPERS or name.rpartition(".")[2] in {"dump", "safe_dump", "Pickler"}:
            return "state"
        if name in {"csv.writer", "csv.DictWriter"}:
            return "table"
        if other.method == "write" and name != f"{handle}.write":
            return "state"  # `parser.write(handle)`: a configuration object
        return "state" if (other.method or "") in {"save", "serialize", "dump"} else ""

    def _text_content(self, node: cst.BaseExpression | None, call: Call, depth: int = 4) -> str:
        """`state` if an expression gives serialised data."""
        if node is None or depth == 0:
            return ""
        if isinstance(node, cst.Call):
            name = self._paths.call_name(node, call.function) or ""
            last = name.rpartition(".")[2] or (
                node.func.attr.value if isinstance(node.func, cst.Attribute) else ""
            )
            if isinstance(node.func, cst.Attribute):
                last = node.func.attr.value
            if apis.DUMPERS.get(name) == -1 or last in apis.DUMP_METHODS or last == "dumps":
                return "state"
            if name in apis.DUMPERS:
                return "state"
            for callee in self._paths.callees(node, call.function)[:1]:
                for returned in callee.returns:
                    inner = Call(returned.order, node, callee, (), None)
                    if self._text_content(returned.value, inner, depth - 1):
                        return "state"
            if isinstance(node.func, cst.Attribute):
                found = self._text_content(node.func.value, call, depth - 1)
                if found:
                    return found
            for arg in node.args[:2]:
                found = self._text_content(arg.value, call, depth - 1)
                if found:
                    return found
            return ""
        if isinstance(node, cst.BinaryOperation):
            return self._text_content(node.left, call, depth - 1) or self._text_content(
                node.right, call, depth - 1
            )
        if isinstance(node, cst.FormattedString):
            for part in node.parts:
                if isinstance(part, cst.FormattedStringExpression):
                    found = self._text_content(part.expression, call, depth - 1)
                    if found:
                        return found
            return ""
        if isinstance(node, cst.Name):
            for binding in self._paths.bindings(node.value, call.function, call.order)[-2:]:
                inner = Call(binding.order, call.node, binding.function, (), None)
                if binding.value is not node:
                    found = self._text_content(binding.value, inner, depth - 1)
                    if found:
                        return found
        if isinstance(node, cst.Await):
            return self._text_content(node.expression, call, depth - 1)
        return ""

    # --- loads ------------------------------------------------------------------

    def _load(self, call: Call, name: str) -> LoadSite | None:
        method = call.method
        receiver = call.receiver
        loader = self._loaders.get(name)
        if loader is None and method is not None:
            loader = self._loaders.get(f".{method}")
        if loader is not None:
            return self._known_load(call, name, loader)
        if method in {"read_text", "read_bytes"} and receiver is not None:
            return LoadSite(call, f"Path.{method}", self._resolve(receiver, call), receiver, True)
        if method in {"read", "load"} and receiver is not None:
            if method == "read" and self._is_parser(receiver, call):
                node = call.argument(0, "filenames")
                if node is not None:
                    return LoadSite(
                        call, "ConfigParser.read", self._resolve(node, call), node, raw=False
                    )
            if method == "load" and call.node.args:
                # `json_lib.load(handle)`, `yaml.load(stream)`: a parser under another name.
                origin = self.origin(call.node.args[0].value, call)
                if origin is not None:
                    return LoadSite(call, "load", origin[0], origin[1], raw=False)
        if method == "loads" and call.node.args:
            origin = self.origin(call.node.args[0].value, call)
            if origin is not None:
                return LoadSite(call, "loads", origin[0], origin[1], raw=False)
        if self._is_open(call) and name not in apis.TEMP_MAKERS and name != "os.fdopen":
            return self._read_open(call, name)
        return self._project_load(call, name)

    def _project_load(self, call: Call, name: str) -> LoadSite | None:
        """`load_json(path)`, `Space.from_json(path)`: a loader from elsewhere, by its name."""
        last = call.method or name.rpartition(".")[2]
        found = words(last)
        if not found or found[0] not in LOADING or not call.node.args:
            return None
        if self._paths.callees(call.node, call.function):
            return None  # what it does is seen in its own body
        node = call.node.args[0].value
        if not isinstance(node, (cst.Name, cst.Attribute, cst.Call, cst.BinaryOperation)):
            return None
        origin = self.origin(node, call)
        path = origin[0] if origin is not None else self._resolve(node, call)
        if {"memory"} & path.traits or not path.aliases:
            return None
        return LoadSite(call, last, path, origin[1] if origin else node, raw=False)

    def _known_load(self, call: Call, name: str, loader: apis.Loader) -> LoadSite | None:
        node = call.argument(loader.argument) or (
            call.node.args[0].value if call.node.args else None
        )
        if node is None:
            return None
        if name in {"zipfile.ZipFile", "h5py.File"}:
            mode = call.argument(1, "mode")
            if mode is not None and "r" not in self.modes(mode, call):
                return None
        origin = self.origin(node, call)
        if origin is None and loader.source in {"path", "any"}:
            origin = (self._resolve(node, call), node)
        if origin is None:
            return None
        return LoadSite(call, loader.name.lstrip("."), origin[0], origin[1], raw=False)

    def _read_open(self, call: Call, name: str) -> LoadSite | None:
        opener = self._openers.get(name)
        if opener is not None:
            target = call.argument(opener.path, opener.path_keyword)
            mode = call.argument(opener.mode, "mode")
            default = opener.default_mode
        else:
            target, mode, default = call.receiver, call.argument(0, "mode"), "r"
            if mode is not None and not self.modes(mode, call):
                return None
        if target is None:
            return None
        modes = self.modes(mode, call) if mode is not None else {default}
        if not any("r" in m or "+" in m for m in modes):
            return None
        return LoadSite(call, "open", self._resolve(target, call), target, raw=True)

    def origin(
        self, node: cst.BaseExpression, call: Call, depth: int = 6
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        """The path of the file whose content an expression gives, if it is a file's.

        Follows `raw = path.read_text()`, `handle.read()`, decoding and decompression,
        `for line in handle`, helper functions of the module, and parameters.
        """
        if depth == 0:
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
            bound: list[Binding] = []
            if name.startswith("self.") and call.function.owner is not None:
                bound = self._paths.attribute(call.function.owner, name[5:])
            bound = bound or self._paths.bindings(name, call.function, call.order)
            for binding in reversed(bound[-3:]):
                inner = Call(binding.order, call.node, binding.function, (), None)
                found = self.origin(binding.value, inner, depth - 1)
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

    def _argument_origin(
        self, name: str, call: Call, depth: int
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        function = call.function
        if function.parameter(name) is None:
            return None
        position = function.parameter_position(name)
        for other in self._scopes.callers.get(function.name, ())[:4]:
            if function not in self._paths.callees(other.node, other.function):
                continue
            given = other.argument(999 if position is None else position, name)
            if given is not None:
                found = self.origin(given, other, depth - 2) if depth > 2 else None
                if found is not None:
                    return found
        return None

    def _opened_path(self, opened: Call) -> tuple[PathValue, cst.BaseExpression] | None:
        name = self._paths.call_name(opened, opened.function) or ""
        opener = self._openers.get(name)
        target = (
            opened.argument(opener.path, opener.path_keyword)
            if opener is not None
            else opened.receiver
        )
        if target is None or name in apis.TEMP_MAKERS or name == "os.fdopen":
            return None
        inner = self.handle_of(target, opened)
        if inner is not None and inner is not opened:
            return self._opened_path(inner)
        return self._resolve(target, opened), target

    def _call_origin(
        self, node: cst.Call, call: Call, depth: int
    ) -> tuple[PathValue, cst.BaseExpression] | None:
        inner = Call(call.order, node, call.function, (), dotted(node.func))
        name = self._paths.call_name(node, call.function) or ""
        if inner.method in {"read_text", "read_bytes"} and inner.receiver is not None:
            return self._resolve(inner.receiver, inner), inner.receiver
        if self._is_open(inner) and name not in apis.TEMP_MAKERS:
            if inner.method == "open" and name not in self._openers:
                mode = inner.argument(0, "mode")
                if mode is not None and not self.modes(mode, inner):
                    return None
            return self._opened_path(inner)
        position = _RUNNERS.get((inner.method or name).rpartition(".")[2])
        if position is not None:
            func = inner.argument(position)
            if isinstance(func, cst.Attribute) and func.attr.value in {"read_text", "read_bytes"}:
                return self._resolve(func.value, call), func.value
        for callee in self._paths.callees(node, call.function)[:1]:
            for returned in callee.returns[-3:]:
                within = Call(returned.order, node, callee, (), None)
                found = self.origin(returned.value, within, depth - 2) if depth > 2 else None
                if found is not None:
                    return found
        if isinstance(node.func, cst.Attribute):
            found = self.origin(node.func.value, call, depth - 1)
            if found is not None:
                return found
        for arg in node.args[:2]:
            if arg.star:
                continue
            found = self.origin(arg.value, call, depth - 1)
            if found is not None:
                return found
        return None

    def _is_parser(self, receiver: cst.BaseExpression, call: Call) -> bool:
        makers = frozenset(
            f"configparser.{kind}"
            for kind in ("ConfigParser", "RawConfigParser", "SafeConfigParser")
        )
        return self._made_by(receiver, call, makers)

    def _made_by(
        self, node: cst.BaseExpression, call: Call, makers: frozenset[str], depth: int = 3
    ) -> bool:
        """Whether an expression is an object made by one of these calls."""
        if depth == 0:
            return False
        if isinstance(node, cst.Call):
            return (self._paths.call_name(node, call.function) or "") in makers
        name = dotted(node)
        if name is None:
            return False
        bound: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            bound = self._paths.attribute(call.function.owner, name[5:])
        bound = bound or self._paths.bindings(name, call.function, call.order)
        return any(
            self._made_by(
                b.value, Call(b.order, call.node, b.function, (), None), makers, depth - 1
            )
            for b in bound[-2:]
        )

    # --- publishing -------------------------------------------------------------

    def _publish(self, call: Call, name: str) -> PublishSite | None:
        how = apis.PUBLISHERS.get(name)
        if how is not None:
            source, target = call.argument(0, "src"), call.argument(1, "dst")
            if source is None or target is None:
                return None
            return self._publish_site(call, how, name, source, target)
        method = call.method
        receiver = call.receiver
        if (
            method in apis.PUBLISH_METHODS
            and receiver is not None
            and len(call.node.args) == 1
            and call.node.args[0].star == ""
            and (call.node.args[0].keyword is None or call.node.args[0].keyword.value == "target")
        ):
            target = call.node.args[0].value
            if isinstance(target, cst.Dict):
                return None  # DataFrame.rename({...})
            how = apis.PUBLISH_METHODS[method]
            return self._publish_site(call, how, f"Path.{method}", receiver, target)
        # A helper of the module whose body publishes its parameters.
        for callee in self._paths.callees(call.node, call.function)[:1]:
            if callee is call.function:
                continue
            for inner in callee.calls:
                inner_name = self._paths.call_name(inner, callee) or ""
                how = apis.PUBLISHERS.get(inner_name)
                if how is None:
                    continue
                source, target = inner.argument(0, "src"), inner.argument(1, "dst")
                positions = [
                    callee.parameter_position(n.value) if isinstance(n, cst.Name) else None
                    for n in (source, target)
                ]
                if None in positions:
                    continue
                given = [call.argument(p if p is not None else 999) for p in positions]
                if given[0] is not None and given[1] is not None:
                    return self._publish_site(call, how, callee.name, given[0], given[1])
        return None

    def _publish_site(
        self,
        call: Call,
        how: str,
        api: str,
        source: cst.BaseExpression,
        target: cst.BaseExpression,
    ) -> PublishSite:
        return PublishSite(
            call,
            how,
            api,
            source,
            target,
            self._resolve(source, call),
            self._resolve(target, call),
        )

    def _resolve(self, node: cst.BaseExpression, call: Call) -> PathValue:
        return self._paths.resolve(node, call.function, call.order)


def _opens(binding: Binding, node: cst.BaseExpression) -> bool:
    """Whether a binding holds the handle that `node` opens, plainly or wrapped."""
    value = binding.value
    for _ in range(3):
        if value is node:
            return binding.kind in {"with", "assign"}
        if isinstance(value, cst.Await):
            value = value.expression
        elif isinstance(value, cst.Call) and value.args:
            # `stack.enter_context(open(...))`, `closing(open(...))`, `TextIOWrapper(open(...))`
            name = (dotted(value.func) or "").rpartition(".")[2]
            if name not in {"enter_context", "enter_async_context", "closing", "TextIOWrapper"}:
                return False
            value = value.args[0].value
        else:
            return False
    return False


def _names(node: cst.BaseExpression | None, depth: int = 4) -> tuple[str, ...]:
    """The names in an expression that is written, through calls that convert it."""
    if node is None or depth == 0:
        return ()
    if isinstance(node, cst.Name):
        return (node.value,)
    if isinstance(node, cst.Attribute):
        return (node.attr.value, *_names(node.value, depth - 1)[:1])
    if isinstance(node, cst.Call):
        inner = _names(node.args[0].value, depth - 1) if node.args else ()
        if isinstance(node.func, cst.Attribute):
            return (*inner, node.func.attr.value, *_names(node.func.value, depth - 1))
        return (*inner, *_names(node.func, depth - 1))
    if isinstance(node, cst.BinaryOperation):
        return _names(node.left, depth - 1)
    return ()


def _more_savers(rows: tuple[str, ...]) -> tuple[apis.Saver, ...]:
    found = []
    for row in rows:
        name, _, position = row.partition(":")
        found.append(apis.Saver(name, int(position or 0), "", "state", takes_handle=False))
    return tuple(found)


def _is_no_path(receiver: cst.BaseExpression, path: PathValue) -> bool:
    if {"path", "temp"} & path.traits:
        return False
    name = dotted(receiver)
    if name is None:
        return False
    last = words(name.rpartition(".")[2])
    return bool(last) and last[-1] in _NOT_PATHS


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)
