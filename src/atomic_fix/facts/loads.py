"""Calls that read a file, and usually parse it."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from atomic_fix.catalog import apis
from atomic_fix.catalog.calls import CONVERTING, PARSING
from atomic_fix.catalog.words import LOADING, NOT_FILES
from atomic_fix.facts.handles import Handles
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import argument, called_name, walk
from atomic_fix.facts.paths import PathTrait, PathValue, QualifiedName
from atomic_fix.facts.scopes import Call, Site

_LOADING = frozenset(keeper.loads for keeper in apis.KEEPERS if keeper.loads)
_ERRORS = frozenset({"error", "errors", "exception", "failure", "warning"})
_CALLERS = 4
# `payload.get("step")`, `payload.items()`
_TAKING_A_PART = frozenset({"get", "items", "pop", "setdefault", "values"})


@dataclass(frozen=True, slots=True, eq=False)
class LoadSite(Site):
    """A call that reads a file, and parses it unless `raw`."""

    api: str
    path: PathValue
    path_node: ast.expr | None
    raw: bool
    far: bool = False
    """Whether a function from another file does it."""


class Loads:
    """Determines whether a call is a load."""

    def __init__(self, handles: Handles, loaders: Mapping[str, apis.Loader]) -> None:
        self._handles = handles
        self._loaders = loaders

    def find(self, call: Call, name: QualifiedName) -> LoadSite | None:
        method, receiver = call.method, call.receiver
        loader = self._loaders.get(name.full)
        if loader is None:
            loader = self._loaders.get(f".{method}")
        if loader is not None:
            return self._known_load(call, name, loader)
        if method in {"read_text", "read_bytes"} and receiver is not None:
            path = self._handles.resolve(receiver, call)
            return LoadSite(call, f"Path.{method}", path, receiver, raw=True)
        if (
            method == "read"
            and receiver is not None
            and self._handles.made_by(receiver, call, apis.PARSER_MAKERS)
        ):
            node = call.argument(0, "filenames")
            if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
                node = node.elts[-1]  # the last one decides
                node = node.value if isinstance(node, ast.Starred) else node
            if node is not None:
                path = self._handles.resolve(node, call)
                return LoadSite(call, "ConfigParser.read", path, node, raw=False)
        if method in apis.TOOLKIT_READERS and receiver is not None:
            made = self._handles.maker(receiver, call, apis.TOOLKIT_FILES)
            node = argument(made[0], 0) if made is not None else None
            if made is not None and node is not None:
                return LoadSite(call, method, self._handles.resolve(node, made[1]), node, raw=True)
        if method in _LOADING and receiver is not None:
            kept = self._handles.kept(call, call.argument(0, "filename"))
            if kept is not None and kept[0].loads == method:
                return LoadSite(call, method, kept[1], kept[2], raw=False)
        if method in {"load", "loads"} and call.arguments:
            # `json_lib.load(handle)`, `yaml.load(stream)`: a parser under another name.
            origin = self._handles.origin(call.arguments[0].value, call)
            if origin is not None:
                return LoadSite(call, method, *origin, raw=False)
        if self._handles.is_open(call) and name.full not in {*apis.TEMP_MAKERS, "os.fdopen"}:
            return self._read_open(call)
        return self._project_load(call, name)

    def _project_load(self, call: Call, name: QualifiedName) -> LoadSite | None:
        """`load_json(path)`, `Space.from_json(path)`, `text.splitlines()`: a loader from
        elsewhere, by its name."""
        last = call.method or name.last
        found = words(last)
        # A project may have its own copy of the library.
        if ".".join(name.full.split(".")[-2:]) in apis.RECOGNISERS:
            return None
        if last in apis.SPLITTERS and call.receiver is not None:
            origin = self._handles.origin(call.receiver, call)
            return LoadSite(call, last, *origin, raw=False) if origin is not None else None
        if not found or not call.arguments or LOADING.isdisjoint(found):
            return None
        if self._handles.paths.callees(call.node, call.function):
            return None  # its own body shows what it does
        if last[0].isupper() and found[-1] in _ERRORS:
            return None  # `LoadError(path)`
        if found[-2:-1] == ("from",) and found[-1] in NOT_FILES:
            return None  # `Config.from_name(model)`
        for given in call.arguments[:2]:
            node = given.value
            if not isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.BinOp)):
                continue
            origin = self._handles.origin(node, call)
            if origin is not None:
                return LoadSite(call, last, *origin, raw=False)
            path = self._handles.resolve(node, call)
            if found[0] not in LOADING or PathTrait.MEMORY in path.traits:
                continue
            # `parse_cursor(token)`: a text that came from elsewhere
            if path.shows_path and path.aliases:
                return LoadSite(call, last, path, node, raw=False)
        return None

    def _known_load(self, call: Call, name: QualifiedName, loader: apis.Loader) -> LoadSite | None:
        if not call.arguments:
            return None
        node = call.argument(loader.position) or call.arguments[0].value
        if name.last in CONVERTING and self._was_parsed(node, call):
            return None  # the file has already been read; a value in it may be wrong
        if name.full in {"zipfile.ZipFile", "h5py.File"}:
            mode = call.argument(1, "mode")
            if mode is not None and "r" not in self._handles.modes(mode, call):
                return None
        origin = self._handles.origin(node, call)
        if origin is None and loader.takes_path:
            origin = (self._handles.resolve(node, call), node)
        if origin is None:
            return None
        return LoadSite(call, loader.name.lstrip("."), *origin, raw=False)

    def _was_parsed(self, node: ast.expr, call: Call, depth: int = 6) -> bool:
        """Whether an expression is part of a parser's result in an earlier statement."""
        if depth == 0:
            return False
        match node:
            case ast.BoolOp(values=[inner, *_]) | ast.Subscript(value=inner):
                return self._was_parsed(inner, call, depth - 1)
            case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in _TAKING_A_PART:
                return self._was_parsed(inner, call, depth - 1)
            case ast.Name() | ast.Attribute():
                bound = self._handles.bound(node, call)
                if not bound and isinstance(node, ast.Name):
                    return self._is_given_parsed(node.id, call, depth - 1)
                return any(
                    self._parses(binding.value, call)
                    or self._was_parsed(binding.value, call.at(binding), depth - 1)
                    for binding in bound
                )
        return False

    def _is_given_parsed(self, name: str, call: Call, depth: int) -> bool:
        """Whether callers that pass something from a file pass part of a parser's result:
        `limit_of(data.get("limit"))`."""
        function = call.function
        if function.parameter(name) is None:
            return False
        position = function.parameter_position(name)
        callers = islice(self._handles.scopes.callers_of(function.name), _CALLERS)
        given = [
            (value, other)
            for other in callers
            if (value := other.argument(position, name)) is not None
            and self._handles.origin(value, other) is not None
        ]
        return bool(given) and all(self._was_parsed(value, at, depth) for value, at in given)

    def _parses(self, node: ast.expr, call: Call) -> bool:
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.BoolOp):
            node = node.values[0]
        if not isinstance(node, ast.Call):
            return False
        if called_name(node) in PARSING:
            return True
        return any(
            isinstance(each, ast.Call) and called_name(each) in PARSING
            for callee in self._handles.paths.callees(node, call.function)[:1]
            for each in walk(callee.node)
        )

    def _read_open(self, call: Call) -> LoadSite | None:
        opened = self._handles.opens(call)
        if opened is None:
            return None
        # `w+` could read what it wrote, but not what was there before.
        if not any(
            "w" not in m and ("r" in m or "+" in m) for m in self._handles.modes_of(opened, call)
        ):
            return None
        path = self._handles.resolve(opened.target, call)
        return LoadSite(call, "open", path, opened.target, raw=True)
