"""Calls that overwrite, or create, the file at a path."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.words import GENERIC_HANDLE_NAMES, NOT_PATHS, TEMP
from atomic_fix.facts.candidates import last_parts
from atomic_fix.facts.handles import Handles, Opened
from atomic_fix.facts.modes import WRITE, Mode
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    WITHS,
    argument,
    arguments,
    code_of,
    dotted,
    is_number,
    last_name,
    string,
)
from atomic_fix.facts.paths import PathTrait, PathValue, QualifiedName
from atomic_fix.facts.scopes import BlockKind, Call, Site

_TABLES = re.compile(r"Frame|Series|Index|Table$")
"""In the names of table classes of any library."""
_ENCODING = re.compile(r"(?i:.*cod)|[\"'][\w-]+[\"']\Z")

_SAVING = frozenset(keeper.saves for keeper in apis.KEEPERS)
_OVER_HANDLES = last_parts(apis.COMPRESSORS) | {"DictWriter", "Pickler", "TextIOWrapper", "writer"}

_TRYING_AGAIN = frozenset({BlockKind.HANDLER, BlockKind.LOOP})

_NO_FILE = PathTrait.HANDLE | PathTrait.MEMORY
_BUFFERS = frozenset(f"io.{name}" for name in apis.IN_MEMORY)


class WriteKind(Enum):
    """How a file is written."""

    OPEN = auto()
    """By a handle in a truncating mode."""
    WHOLE = auto()
    """By `write_text` or `write_bytes`."""
    SAVE = auto()
    """By a library that is given the path."""
    HELPER = auto()
    """By a function from elsewhere: it is not a finding itself."""


@dataclass(frozen=True, slots=True, eq=False)
class WriteSite(Site):
    """A call that overwrites, or creates, the file at a path."""

    kind: WriteKind
    api: str
    """Its name in messages: `open`, `Path.write_text`, `torch.save`."""
    path_node: ast.expr
    path: PathValue
    mode: Mode = WRITE
    content: Content = Content.UNKNOWN
    data: tuple[str, ...] = ()
    """Names in the expression that is written, nearest first."""
    constant: bool = False
    """Whether the written data is a constant in the code, so that it can be written again."""
    saver: apis.Saver | None = None
    """The row of the catalogue, for a `save`."""


class Writes:
    """Determines whether a call is a write."""

    def __init__(self, handles: Handles, savers: Mapping[str, apis.Saver]) -> None:
        self._handles = handles
        self._savers = savers

    @cached_property
    def _packages(self) -> frozenset[str]:
        """The packages that the module imports."""
        imports = self._handles.scopes.imports.values()
        return frozenset(each.lstrip(".").partition(".")[0] for each in imports)

    def find(self, call: Call, name: QualifiedName) -> WriteSite | None:
        method, receiver = call.method, call.receiver
        if method in {"write_text", "write_bytes"} and receiver is not None:
            path = self._handles.resolve(receiver, call)
            if _NO_FILE & path.traits or _is_no_path(receiver, path):
                return None
            if not _is_as_of_paths(call.node):
                return None
            given = call.argument(0, "data")
            content = self._content_of(given, call)
            return WriteSite(
                call,
                WriteKind.WHOLE,
                f"Path.{method}",
                receiver,
                path,
                WRITE,
                content,
                _names(given),
                self._is_constant(given, call),
            )
        if name.full == "os.open" or (method == "open" and name.opener is None):
            found = self._os_open(call)
            if found is not None or name.full == "os.open":
                return found
        opened = self._handles.opens(call)
        if name.full == "fsspec.open" and _in_transaction(call):
            return None
        if opened is not None:
            if name.opener is not None:
                return self._open(call, opened.row.name, opened)
            if opened.mode is None or not self._handles.modes(opened.mode, call):
                return None
            if opened.target is not receiver:
                return None if _in_transaction(call) else self._open(call, "open", opened)
            path = self._handles.resolve(opened.target, call)
            imported = dotted(opened.target) in self._handles.scopes.imports
            if imported or _is_no_path(opened.target, path):
                return None
            return self._open(call, "Path.open", opened)
        saver = self._savers.get(name.full)
        if saver is None and receiver is not None and dotted(receiver) not in {"self", "cls"}:
            saver = self._savers.get(f".{method}")
            if saver is not None and saver.packages and saver.packages.isdisjoint(self._packages):
                saver = None
        if saver is not None:
            return self._saver(call, saver)
        if (
            method == "write"
            and receiver is not None
            and self._handles.made_by(receiver, call, apis.TREE_MAKERS)
        ):
            return self._saver(call, apis.TREE_WRITE)
        return self._kept(call)

    def _open(self, call: Call, name: str, opened: Opened) -> WriteSite | None:
        modes = sorted(self._handles.modes_of(opened, call))
        mode = next((m for m in modes if "w" in m), None)
        if mode is None and any("x" in m for m in modes) and self._is_removed_first(call, opened):
            mode = next(m for m in modes if "x" in m)
        if mode is None:
            mode = next((m for m in modes if m.startswith("r") and "+" in m), None)
            mode = mode or next((m for m in modes if m.startswith("a")), None)
            if mode is None or not self._handles.rewrites(call, appends=mode.startswith("a")):
                return None
        target = opened.target
        path = self._handles.resolve(target, call)
        if (_NO_FILE | PathTrait.DESCRIPTOR) & path.traits:
            return None
        handle = self._handles.handle_name(call)
        uses = self._handles.uses(handle, call) if handle is not None else []
        if self._is_only_opened(call, handle, uses):
            return None
        content = opened.row.content
        if content is Content.UNKNOWN:
            content = self._handle_content(call, handle, uses)
        written = written_to(self._handles, call)
        data = [name for node in written for name in _names(node)][:4]
        last = (handle or "").rpartition(".")[2]
        if last and set(words(last)).isdisjoint(GENERIC_HANDLE_NAMES | TEMP):
            data.append(last)
        constant = bool(written) and all(self._is_constant(node, call) for node in written)
        api = name.removeprefix("builtins.")
        return WriteSite(
            call, WriteKind.OPEN, api, target, path, Mode(mode), content, tuple(data), constant
        )

    def _is_only_opened(self, call: Call, handle: str | None, uses: Sequence[Call]) -> bool:
        """`with open(path, "w"):` creates an empty file, which cannot be truncated."""
        method = self._handles.method_called_on(call)
        if method is not None and method.method == "close":
            return True  # `open(path, "w").close()`
        for other in uses:
            name = other.name or ""
            given = [dotted(arg.value) for arg in other.arguments]
            if name.startswith(f"{handle}.") or handle in given:
                if name == f"{handle}.close":
                    return True  # `open(path, "w").close()` in two steps
                break
        return any(
            not _is_mentioned(item, self._handles.names_in(statement))
            for statement, item in self._handles.withs_of(call)
        )

    def _is_constant(self, node: ast.expr | None, call: Call) -> bool:
        """Whether the value of an expression is a constant in the code."""
        match node:
            case ast.Constant():
                return True
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Dict(values=parts):
                return all(self._is_constant(part, call) for part in parts)
            case ast.Starred():
                return self._is_constant(node.value, call)
            case ast.BinOp():
                return self._is_constant(node.left, call) and self._is_constant(node.right, call)
            case ast.Name():
                bound = self._handles.paths.bindings(node.id, call.function, call.order)
                return (
                    len(bound) == 1
                    and bound[0].function.is_module
                    and (string(bound[0].value) is not None or is_number(bound[0].value))
                )
            case ast.Call():
                name = self._handles.paths.call_name(node, call.function)
                if name.full == "builtins.str" or name.last == "dumps":
                    given = arguments(node)
                    return bool(given) and self._is_constant(given[0].value, call)
                return (
                    isinstance(node.func, ast.Attribute)
                    and node.func.attr in {"encode", "strip", "lstrip"}
                    and self._is_constant(node.func.value, call)
                )
        return False

    def _os_open(self, call: Call) -> WriteSite | None:
        target = call.argument(0, "path")
        flags = call.argument(1, "flags")
        if target is None or flags is None:
            return None
        text = code_of(flags)
        if isinstance(flags, ast.Name):
            bound = self._handles.paths.bindings(flags.id, call.function, call.order)
            text += "".join(code_of(b.value) for b in bound)
        if any(each in text for each in ("O_APPEND", "O_DIRECTORY", "O_TMPFILE")):
            return None
        if "O_EXCL" in text:
            opened = Opened(target, None, apis.PATH_OPEN)
            if not self._is_removed_first(call, opened):
                return None
            path = self._handles.resolve(target, call)
            return WriteSite(call, WriteKind.OPEN, "os.open", target, path)
        # Overwriting the beginning can be interrupted just like a write after truncation.
        if "O_TRUNC" not in text and not (
            ("O_WRONLY" in text or "O_RDWR" in text) and self._is_written_over(call)
        ):
            return None
        path = self._handles.resolve(target, call)
        return WriteSite(call, WriteKind.OPEN, "os.open", target, path)

    def _is_removed_first(self, call: Call, opened: Opened) -> bool:
        """Whether the function has just removed the file that it creates exclusively. Claiming a
        lock whose owner is gone does not count: that file is removed in a handler, or created in a
        loop."""
        if any(block.kind in _TRYING_AGAIN for block in call.enclosing):
            return False
        path = self._handles.resolve(opened.target, call)
        for other in call.function.calls:
            if other.order >= call.order:
                return False
            target = other.receiver if other.method == "unlink" else None
            name = self._handles.paths.call_name(other, other.function)
            if name.full in apis.REMOVERS:
                target = other.argument(0, "path")
            if (
                target is not None
                and not any(block.kind in _TRYING_AGAIN for block in other.enclosing)
                and self._handles.resolve(target, other).same(path)
            ):
                return True
        return False

    def _is_written_over(self, call: Call) -> bool:
        """Whether a descriptor, which is opened at the beginning of its file, is written to."""
        name = self._handles.handle_name(call)
        uses = self._handles.uses(name, call) if name is not None else []
        overwritten = False
        for other in (*self._handles.calls_given(call.source_node, call.function), *uses):
            full = self._handles.paths.call_name(other, other.function).full
            if full == "os.lseek" and not (
                code_of(other.node).endswith((", 0, os.SEEK_SET)", ", 0, 0)"))
            ):
                return False  # writing continues at the current position
            if full == "os.write":
                overwritten = True
            elif full in {"os.fdopen", "builtins.open", "io.open"}:
                mode = other.argument(1, "mode")
                modes = self._handles.modes(mode, other) if mode is not None else set()
                overwritten = overwritten or any(
                    "w" in m or ("r+" in m and self._handles.rewrites(other, appends=False))
                    for m in modes
                )
        return overwritten

    def _saver(self, call: Call, saver: apis.Saver) -> WriteSite | None:
        target = call.argument(saver.path, saver.keyword)
        if target is None:
            return None
        if saver.name[0] == "." and self._is_of_another_class(call, saver):
            return None
        path = self._handles.resolve(target, call)
        if _NO_FILE & path.traits or self._handles.handle_of(target, call) is not None:
            return None
        if self._handles.made_by(target, call, _BUFFERS):
            return None  # a buffer, at least in one branch
        is_named = target is not call.argument(saver.path)  # `path=...` counts as one
        if saver.name[0] == "." and not is_named and not path.shows_path:
            return None
        if saver.content is Content.COPY:
            source = call.argument(0, "src")
            if source is None:
                return None
            copied = self._handles.resolve(source, call)
            if not copied.is_temp and path.is_sibling_of(copied):
                path = path.with_traits(PathTrait.BACKUP)  # `shutil.copy(path, f"{path}.1")`
        data = _names(next((a.value for a in call.arguments if a.value is not target), None))
        api, content = saver.shown, saver.content
        return WriteSite(call, WriteKind.SAVE, api, target, path, WRITE, content, data, saver=saver)

    def _is_of_another_class(self, call: Call, saver: apis.Saver) -> bool:
        """Whether the object is visibly of a class that is not the library's, although its method
        has the same name."""
        if call.receiver is None:
            return False
        of_tables = saver.handle is not None and saver.handle.module in {"pandas", "polars"}
        for binding in self._handles.bound(call.receiver, call)[-1:]:
            if not isinstance(binding.value, ast.Call):
                continue
            made = last_name(binding.value.func) or ""
            own = self._handles.paths.scopes.class_named(made)
            if own is not None:
                return saver.shown in own.methods
            return of_tables and made[:1].isupper() and _TABLES.search(made) is None
        return False

    def _kept(self, call: Call) -> WriteSite | None:
        """`jar.save()`, for an object that was created with its path."""
        if call.receiver is None or call.method not in _SAVING:
            return None
        found = self._handles.kept(call, call.argument(0, "filename"))
        if found is None or call.method != found[0].saves:
            return None
        keeper, path, node = found
        if _NO_FILE & path.traits:
            return None
        api = f"{keeper.name.rpartition('.')[2]}.{keeper.saves}"
        saver = apis.Saver(api, 0, keeper.keyword, Content.STATE, refusal=keeper.refusal)
        return WriteSite(call, WriteKind.SAVE, api, node, path, WRITE, Content.STATE, saver=saver)

    def _handle_content(self, call: Call, handle: str | None, uses: list[Call]) -> Content:
        given = self._handles.calls_given(call.node, call.function)
        method = self._handles.method_called_on(call)
        if method is not None and method.method == "write":
            return self._content_of(method.argument(0), method)
        contents = (self._given_to(other, handle, call) for other in (*given, *uses))
        return next((each for each in contents if each is not Content.UNKNOWN), Content.UNKNOWN)

    def _given_to(self, other: Call, handle: str | None, call: Call) -> Content:
        """The data that a call writes which gets the handle, or is a method of it."""
        name = self._handles.paths.call_name(other, other.function)
        if handle is not None and other.name == f"{handle}.write":
            return self._content_of(other.argument(0), other)
        if not any(a.value is call.node or dotted(a.value) == handle for a in other.arguments):
            return Content.UNKNOWN
        if name.full in apis.DUMPERS or name.last in apis.DUMP_NAMES | {"Pickler"}:
            return Content.STATE
        if name.full in {"csv.writer", "csv.DictWriter"}:
            return Content.TABLE
        # `parser.write(handle)`: a configuration object
        is_state = other.method in {"write", "save", "serialize", "dump"}
        return Content.STATE if is_state else Content.UNKNOWN

    def _content_of(self, node: ast.expr | None, call: Call) -> Content:
        """The kind of a written value."""
        return Content.STATE if self._is_serialised(node, call) else Content.UNKNOWN

    def _is_serialised(self, node: ast.expr | None, call: Call, depth: int = 4) -> bool:
        """Whether an expression results in serialised data."""
        if node is None or depth == 0:
            return False
        places: list[tuple[ast.expr, Call]] = []
        match node:
            case ast.Call():
                name = self._handles.paths.call_name(node, call.function)
                last = name.last
                if isinstance(node.func, ast.Attribute):
                    last = node.func.attr
                    places.append((node.func.value, call))
                if name.full in apis.DUMPERS or last in apis.DUMP_METHODS:
                    return True
                places += [(arg.value, call) for arg in arguments(node)[:2]]
                for callee in self._handles.paths.callees(node, call.function)[:1]:
                    places += [(r.value, call.at(r)) for r in callee.returns]
            case ast.BinOp():
                places = [(node.left, call), (node.right, call)]
            case ast.JoinedStr():
                filled = (part for part in node.values if isinstance(part, ast.FormattedValue))
                places = [(part.value, call) for part in filled]
            case ast.Name():
                bound = self._handles.paths.bindings(node.id, call.function, call.order)
                places = [(b.value, call.at(b)) for b in bound[-2:]]
            case ast.Await():
                places = [(node.value, call)]
        return any(self._is_serialised(each, at, depth - 1) for each, at in places)


def _names(node: ast.expr | None, depth: int = 4) -> tuple[str, ...]:
    """The names in an expression that is written, through calls that convert it."""
    if node is None or depth == 0:
        return ()
    match node:
        case ast.Name():
            return (node.id,)
        case ast.Attribute():
            return (node.attr, *_names(node.value, depth - 1)[:1])
        case ast.Call():
            given = arguments(node)
            inner = _names(given[0].value, depth - 1) if given else ()
            if isinstance(node.func, ast.Attribute):
                return (*inner, node.func.attr, *_names(node.func.value, depth - 1))
            return (*inner, *_names(node.func, depth - 1))
        case ast.BinOp():
            return _names(node.left, depth - 1)
    return ()


def data_of(handles: Handles, write: WriteSite) -> list[ast.expr]:
    """The expressions for the data that is written, as far as visible."""
    if write.kind is WriteKind.OPEN:
        return written_to(handles, write.call)
    return [arg.value for arg in write.call.arguments if arg.value is not write.path_node]


def written_to(handles: Handles, call: Call) -> list[ast.expr]:
    """The data that is written into the handle which a call opens, as far as visible."""
    handle = handles.handle_name(call)
    if handle is not None:
        return _written(handle, handles.uses(handle, call))
    method = handles.method_called_on(call)
    if method is not None and method.method in {"write", "writelines"}:
        return [each.value for each in method.arguments[:1]]
    return []


def _written(handle: str, uses: list[Call]) -> list[ast.expr]:
    """The data written into the handle by these uses, as far as visible."""
    found: list[ast.expr] = []
    for other in uses:
        given = [arg.value for arg in other.arguments if dotted(arg.value) != handle]
        is_given = len(given) < len(other.arguments)
        if is_given and other.method == "write" and other.receiver is not None:
            found.append(other.receiver)  # `parser.write(handle, True)`
        elif is_given and (other.name or "").rpartition(".")[2] in _OVER_HANDLES:
            found.append(other.node)  # the data comes later, and `mode="wb"` is not part of it
        elif is_given or other.name in {f"{handle}.write", f"{handle}.writelines"}:
            found.append(given[0] if given else other.node)
    return found


def _is_as_of_paths(node: ast.Call) -> bool:
    """Whether the arguments are those of `Path.write_text`, and not `storage.write_text(text,
    path)`."""
    keywords = {arg.keyword for arg in arguments(node) if arg.keyword}
    second = argument(node, 1)
    return keywords <= {"data", "encoding", "errors", "newline"} and (
        second is None or _ENCODING.match(code_of(second)) is not None
    )


def _in_transaction(call: Call) -> bool:
    """Whether the call is in `with file_system.transaction:`, which publishes at its end."""
    statements = [block.node for block in call.enclosing]
    # `with fs.transaction, fs.open(path, "w") as file:`
    statements += [
        region.node
        for region in call.function.guarded_regions
        if isinstance(region.node, WITHS)
        and any(item.context_expr is call.source_node for item in region.node.items)
    ]
    entered = [
        item.context_expr
        for statement in statements
        if isinstance(statement, WITHS)
        for item in statement.items
    ]
    return any(
        "transaction" in words(code_of(each.func if isinstance(each, ast.Call) else each))
        for each in entered
    )


def _is_mentioned(item: ast.withitem, names: frozenset[str]) -> bool:
    """Whether one of the names in a `with` is what its item binds."""
    bound = item.optional_vars
    return bound is not None and (not isinstance(bound, ast.Name) or bound.id in names)


def _is_no_path(receiver: ast.expr, path: PathValue) -> bool:
    if (PathTrait.PATH | PathTrait.TEMP) & path.traits:
        return False
    last = words((dotted(receiver) or "").rpartition(".")[2])[-1:]
    return not NOT_PATHS.isdisjoint(last)
