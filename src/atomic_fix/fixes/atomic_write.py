"""ATF101: a write in place becomes a call of the helper.

JSON goes to `atomic_write_json` where the bytes stay equal; a handle that does no more than
that goes with it. All else keeps its code and gets another opener: `with atomic_open(...)`.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import libcst as cst

from atomic_fix.config import Config, own_helper
from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import dotted, words
from atomic_fix.facts.sites import WriteSite
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.imports import Imported, import_name
from atomic_fix.fixes.layout import line_limit, width
from atomic_fix.fixes.place import Place, walk

# Keywords that the helper keeps for itself: an option of `json.dumps` by such a name would
# not get there.
_OWN_KEYWORDS = frozenset(
    {"path", "obj", "encoding", "newline", "fsync", "mode", "backup", "errors", "text", "fp"}
)
# JSON with ensure_ascii holds ASCII alone, and these write it alike.
_ASCII_SUPERSETS = re.compile(
    r"(utf[-_]?8|ascii|us[-_]ascii|latin[-_]?1|iso[-_]?8859[-_]\d+|cp125\d|windows[-_]125\d)",
    re.IGNORECASE,
)
_UTF_8 = re.compile(r"utf[-_]?8", re.IGNORECASE)
_REMOTE_PATHS = ("upath", "cloudpathlib", "s3path", "fsspec", "universal_pathlib")
# Where the parameters of an opener stand: path, mode, buffering, encoding, errors, newline.
_OPEN = ("file", "mode", "buffering", "encoding", "errors", "newline")
_COMPRESSORS = frozenset(
    {"gzip.open", "bz2.open", "lzma.open", "bz2.BZ2File", "lzma.LZMAFile", "zipfile.ZipFile"}
)
# Modules whose functions open a file of the local file system, and do what is known here.
_OPENING = frozenset(
    {"aiofiles", "anyio", "builtins", "bz2", "codecs", "gzip", "io", "lzma", "zipfile"}
)
_TELLING = frozenset({"debug", "info", "warning", "error", "exception", "log", "print", "format"})


@dataclass(frozen=True, slots=True)
class _Json:
    """A call that serialises: what, with which options."""

    value: cst.Arg
    options: tuple[cst.Arg, ...]

    @property
    def is_ascii(self) -> bool:
        for option in self.options:
            name = option.keyword.value if option.keyword is not None else ""
            if name == "cls":
                return False
            if name == "ensure_ascii":
                return dotted(option.value) == "True"
        return True


@dataclass(frozen=True, slots=True)
class _Opened:
    """The arguments of an opener, by name; what was not given is not there."""

    path: str
    given: dict[str, cst.Arg]

    def literal(self, name: str) -> str | None:
        return _literal(self.given[name].value) if name in self.given else None


def fix_write(facts: ModuleFacts, site: WriteSite, config: Config) -> Fix:
    """The repair of a write in place."""
    if any(module.partition(".")[0] in _REMOTE_PATHS for module in facts.scopes.imports.values()):
        raise Refused("the path may not be one of the local file system")
    if site.path.traits & {"device", "memory", "handle"}:
        raise Refused("what is written is no regular file")
    place = Place(facts, site.function)
    _must_be_a_path(place, site)
    _must_not_be_a_retreat(place, site)
    kind = _WholeWrite if site.kind == "write" else _OpenedWrite
    fix = kind(place, site, config).fix()
    # To remove the file first would take back what the repair gives.
    before: list[cst.CSTNode] = []
    with suppress(Refused):
        line = place.statement(site.call.place)
        lines = list(getattr(place.parents[line], "body", ()))
        before = lines[: lines.index(line)][-1:]
    try:
        edits = place.without_removal(place.text(site.path_node), before)
    except Refused as refused:
        raise Refused(f"the file is removed first, and {refused}") from refused
    if not edits:
        return fix
    note = "the file is not removed first: it keeps its mode, and a read-only one is refused"
    return Fix(fix.title, Applicability.UNSAFE, (*fix.edits, *edits), note)


def fix_staged(
    place: Place, site: WriteSite, config: Config, target: cst.BaseExpression, region: Span
) -> Fix:
    """One call of the helper in place of a write to a temp file and its publication.

    Args:
        site: the write of the temp file, `write_text` or `write_bytes`.
        target: where the file is published.
        region: from the first to the last of the statements that go.

    Raises:
        Refused: the call cannot be made from what is in sight.
    """
    attempt = _WholeWrite(place, site, config, target, region)
    attempt.doubt("the target keeps its mode and links, and a read-only one is refused")
    return attempt.fix()


def _must_be_a_path(place: Place, site: WriteSite) -> None:
    """Raises:
    Refused: the method is one of an object of another kind.
    """
    func, receiver = site.call.node.func, site.path_node
    if not (isinstance(func, cst.Attribute) and func.value is receiver):
        return
    if isinstance(receiver, cst.Call):
        last = (dotted(receiver.func) or "").rpartition(".")[2]
        if last[:1].isupper() and not last.endswith("Path"):
            raise Refused(f"whether `{last}` is a path of the local file system cannot be seen")


def _must_not_be_a_retreat(place: Place, site: WriteSite) -> None:
    """Raises:
    Refused: it is what is done where an atomic write of the file failed.
    """
    path = place.text(site.path_node) if place.holds(site.path_node) else ""
    for each in place.ancestors(site.call.place):
        tried = place.parents.get(each)
        if not isinstance(each, cst.ExceptHandler) or not isinstance(tried, cst.Try):
            continue
        for node in walk(tried.body):
            if (
                isinstance(node, cst.Call)
                and "atomic" in words(place.text(node.func))
                and path in [place.text(arg.value) for arg in node.args]
            ):
                raise Refused("it stands in for an atomic write that failed")


class _Attempt:
    def __init__(self, place: Place, site: WriteSite, config: Config) -> None:
        self.place = place
        self.site = site
        self.config = config
        self.own = own_helper(config.helper)
        self.call = site.call.node
        self.applicability = Applicability.SAFE
        self.note = ""

    def doubt(self, note: str) -> None:
        self.applicability = Applicability.UNSAFE
        self.note = note

    def is_asynchronous(self) -> None:
        """Raises:
        Refused: the event loop is another than asyncio's.
        """
        if "trio" in self.place.facts.scopes.imports:
            raise Refused("the asynchronous helper runs on asyncio only")
        self.doubt("right on asyncio, not on trio")

    def helper(self, name: str, *, plain: bool = True) -> Imported:
        """The helper's function; `plain` when it is called with nothing but path and object."""
        own = self.own
        if own is None:
            return import_name(self.place, self.config.helper, name)
        if name != "atomic_write_json":
            raise Refused(f"the configured helper `{self.config.helper}` writes JSON only")
        if not plain:
            raise Refused(f"what `{own.function}` does with these options is not known")
        self.doubt(f"what `{own.function}` writes is not known here: compare the bytes")
        return import_name(self.place, own.module, own.function)

    def made(self, name: str, edits: Sequence[Edit], imported: Imported) -> Fix:
        shown = name if self.own is None else self.own.function
        return Fix(
            f"Write with `{shown}`",
            self.applicability,
            (*imported.edits, *edits),
            self.note,
        )

    def json_call(self, node: cst.BaseExpression | None) -> _Json | None:
        """`json.dumps(value, **options)` if it is that and every option is in sight."""
        if not isinstance(node, cst.Call) or not self.place.is_called(node, "json.dumps"):
            return None
        return _json_of(node.args, ("obj",))

    def json_fix(
        self,
        path: str,
        dumped: _Json,
        given: Mapping[str, cst.Arg],
        span: Span,
        name: str = "atomic_write_json",
        *,
        before: str = "",
        after: str = "",
    ) -> Fix:
        """The call of `atomic_write_json` that gives the same bytes, in the place of `span`.

        Args:
            given: the arguments of the opener or writer, by name.

        Raises:
            Refused: it cannot be made from what is in sight.
        """
        found: list[str | cst.Arg] = [path, dumped.value, *dumped.options]
        encoding, newline = given.get("encoding"), given.get("newline")
        literal = _literal(encoding.value) if encoding is not None else None
        if encoding is None:
            if not dumped.is_ascii:
                found.append("encoding=None")
        elif not (
            literal is not None
            and (
                _UTF_8.fullmatch(literal)
                or (dumped.is_ascii and _ASCII_SUPERSETS.fullmatch(literal))
            )
        ):
            found.append(f"encoding={self.place.text(encoding.value)}")
        if newline is not None:
            found.append(f"newline={self.place.text(newline.value)}")
        plain = len(found) == 2
        if self.own is not None and plain:
            by_name: dict[str, str | cst.Arg] = {"path": path, "obj": dumped.value}
            found = [self._named(name, by_name[what]) for name, what in self.own.arguments]
        imported = self.helper(name, plain=plain)
        text = self.place.laid_out(before + imported.local, found, span)
        return self.made(name, [Edit(span, text + after)], imported)

    def _named(self, name: str, given: str | cst.Arg) -> str | cst.Arg:
        if not name:
            return given
        text = given if isinstance(given, str) else self.place.text(given)
        if "\n" in text:
            raise Refused("an argument of several lines would have to be named")
        return f"{name}={text}"

    def path_text(self, node: cst.BaseExpression) -> str:
        text = self.place.text(node)
        if node.lpar and not isinstance(node, (cst.NamedExpr, cst.Tuple, cst.GeneratorExp)):
            inner = self.place.source.slice(self.place.tree.span(node))
            text = text if "\n" in inner or "\r" in inner else inner  # no argument needs them
        if "\n" in text:
            raise Refused("the expression of the path stands on several lines")
        return text


class _WholeWrite(_Attempt):
    """`path.write_text(...)`, `path.write_bytes(...)`."""

    def __init__(
        self,
        place: Place,
        site: WriteSite,
        config: Config,
        target: cst.BaseExpression | None = None,
        region: Span | None = None,
    ) -> None:
        super().__init__(place, site, config)
        self.target = target
        self.region = region

    def fix(self) -> Fix:
        call = self.call
        func = call.func
        if self.site.call.shown is not None:
            return self._in_a_runner()
        if not isinstance(func, cst.Attribute):
            raise Refused("it is called under another name")
        path = self.path_text(self.target or func.value)
        awaited = isinstance(self.place.parents.get(call), cst.Await)
        if awaited:
            self.is_asynchronous()
        text = func.attr.value == "write_text"
        suffix = "_async" if awaited else ""
        if text:
            with suppress(Refused):
                return self._as_json(path, suffix)
        name = f"atomic_write_{'text' if text else 'bytes'}{suffix}"
        return self._spliced(path, name)

    def _as_json(self, path: str, suffix: str) -> Fix:
        call = self.call
        given = _by_name(call.args, ("data", "encoding", "errors", "newline")) or {}
        dumped = self.json_call(given["data"].value) if "data" in given else None
        outer = self.place.parents.get(self.place.parents.get(call, call), call) if suffix else call
        statement = outer if suffix else self.place.parents.get(call)
        if (
            dumped is None
            or "errors" in given
            or not isinstance(statement, cst.Expr)
            or self.place.comments(call)
        ):
            raise Refused
        span = self.region or self.place.span(call)
        return self.json_fix(path, dumped, given, span, f"atomic_write_json{suffix}")

    def _spliced(self, path: str, name: str) -> Fix:
        """The same arguments behind the path."""
        call = self.call
        keywords = {arg.keyword.value for arg in call.args if arg.keyword is not None}
        if "data" in keywords and name.startswith("atomic_write_text"):
            raise Refused("the text is given by keyword")
        if not call.args:
            raise Refused("the text is not in sight")
        imported = self.helper(name)
        place, local = self.place, imported.local
        if not place.comments(call):
            with suppress(Refused):
                span = self.region or place.span(call)
                text = place.laid_out(local, [path, *call.args], span)
                return self.made(name, [Edit(span, text)], imported)
        if self.region is not None:
            raise Refused
        first = place.insert(place.span(call.args[0]).start, f"{path}, ")
        return self.made(name, [place.edit(call.func, local), first], imported)

    def _in_a_runner(self) -> Fix:
        """`to_thread(path.write_text, text)`: the function given becomes the helper and its
        first argument."""
        func = self.call.func
        if not isinstance(func, cst.Attribute) or func not in self.place.parents:
            raise Refused("it is called under another name")
        if not isinstance(self.place.parents[func], cst.Arg):
            raise Refused("it is called under another name")
        name = "atomic_write_text" if func.attr.value == "write_text" else "atomic_write_bytes"
        if any(a.keyword is not None and a.keyword.value == "data" for a in self.call.args):
            raise Refused("the text is given by keyword")
        imported = self.helper(name)
        shown = self.site.call.place
        if not isinstance(shown, cst.Call) or self.place.comments(shown):
            raise Refused("comments stand in the call")
        given: list[str | cst.Arg] = []
        for arg in shown.args:
            given += [imported.local, self.path_text(func.value)] if arg.value is func else [arg]
        span = self.place.span(shown)
        text = self.place.laid_out(self.place.text(shown.func), given, span)
        return self.made(name, [Edit(span, text)], imported)


class _OpenedWrite(_Attempt):
    """A handle in a truncating mode."""

    def fix(self) -> Fix:
        call, site = self.call, self.site
        name = self.place.facts.paths.call_name(call, site.function) or ""
        if site.call.shown is not None:
            raise Refused("the handle is opened in another function")
        if site.api == "os.open":
            raise Refused("the file is opened as a bare descriptor")
        if "r" in site.mode:
            raise Refused("the file is updated in place, not written anew")
        if site.content == "hdf5":
            raise Refused("h5py writes through its own library; write to a temp file, then replace")
        by_method = isinstance(call.func, cst.Attribute) and site.path_node is call.func.value
        if not by_method and name.partition(".")[0] not in _OPENING:
            raise Refused(f"what else `{site.api}` does is not in sight; the file may be remote")
        opened = self._opened(name)
        self._check_modes(opened)
        parent = self.place.parents.get(call)
        if name in {"aiofiles.open", "anyio.open_file"}:
            return self._awaited(opened, name)
        if isinstance(parent, cst.WithItem):
            return self._in_with(parent, opened, name)
        if name in _COMPRESSORS or name.startswith(("gzip.", "codecs.")):
            raise Refused("the handle is not opened by a `with` of its own")
        if isinstance(parent, cst.Arg):
            return self._in_argument(parent, opened, name)
        if isinstance(parent, cst.Attribute) and parent.attr.value == "write":
            return self._written_at_once(parent, opened)
        if isinstance(parent, cst.Assign):
            return self._assigned(parent, opened, name)
        raise Refused("the handle outlives the statement that opens it")

    # --- the opener ---------------------------------------------------------------

    def _opened(self, name: str) -> _Opened:
        call = self.call
        own = self.site.path_node
        if isinstance(call.func, cst.Attribute) and own is call.func.value:
            names: tuple[str, ...] = _OPEN[1:]
        elif name == "codecs.open":
            names = ("filename", "mode", "encoding", "errors", "buffering")
        elif name in {"gzip.open", "bz2.open"}:
            names = ("filename", "mode", "compresslevel", "encoding", "errors", "newline")
        elif name in _COMPRESSORS or name == "gzip.GzipFile":
            names = ("filename", "mode")
        else:
            names = _OPEN
        given = _by_name(call.args, names, open_end=name in _COMPRESSORS)
        if given is None:
            raise Refused("not every argument of the opener is in sight")
        for option in ("opener", "closefd"):
            if option in given:
                raise Refused(f"the opener is given `{option}`")
        return _Opened(self.path_text(own), given)

    def _check_modes(self, opened: _Opened) -> None:
        mode = opened.given.get("mode")
        if mode is None:
            return
        modes = self.place.facts.sites.handles.modes(mode.value, self.site.call)
        if not modes or any(set(m) - set("wbt+") or "w" not in m for m in modes):
            raise Refused("the mode is not always one that writes the file anew")

    def _open_edit(self, opened: _Opened, name: str, local: str) -> Edit:
        """The opener's call, as a call of `atomic_open`."""
        call, place = self.call, self.place
        arguments: list[str | cst.Arg] = []
        method = isinstance(call.func, cst.Attribute) and self.site.path_node is call.func.value
        if method:
            arguments.append(opened.path)
        if name == "codecs.open":
            arguments += [opened.path, opened.given["mode"]]
            for option in ("encoding", "errors", "buffering"):
                if option in opened.given:
                    value = place.text(opened.given[option].value)
                    arguments.append(f"{option}={value}")
            if "b" not in self.site.mode:
                arguments.append('newline=""')
        else:
            for arg in call.args:
                if arg.keyword is not None and arg.keyword.value == "file":
                    arguments.append(f"path={opened.path}")
                else:
                    arguments.append(arg)
        span = place.span(call)
        if place.comments(call):
            edits = place.span(call.func)
            if method or name == "codecs.open" or any(isinstance(a, str) for a in arguments):
                raise Refused("comments stand in the call")
            return Edit(edits, local)
        return Edit(span, self.place.laid_out(local, arguments, span))

    # --- with ---------------------------------------------------------------------

    def _in_with(self, item: cst.WithItem, opened: _Opened, name: str) -> Fix:
        place = self.place
        statement = place.parents[item]
        assert isinstance(statement, cst.With)
        handle = _bound_name(item)
        if len(statement.items) == 1 and handle is not None and name not in _COMPRESSORS:
            with suppress(Refused):
                return self._collapsed(statement, handle, opened, name)
        self._look_into(statement, handle, opened)
        if name in _COMPRESSORS:
            return self._compressed(statement, item, opened, name)
        if name == "gzip.GzipFile":
            raise Refused("give `GzipFile` a handle of `atomic_open` as `fileobj`")
        if name == "codecs.open":
            self._only_writes(statement, handle)
        imported = self.helper("atomic_open")
        edit = self._open_edit(opened, name, imported.local)
        return self.made("atomic_open", [edit], imported)

    def _only_writes(self, statement: cst.With, handle: str | None) -> None:
        for use in self.place.uses(handle or "", statement.body):
            above = self.place.parents.get(use)
            if isinstance(above, cst.Attribute) and above.attr.value not in {"write", "writelines"}:
                self.doubt("the handle of `codecs.open` has other methods")

    def _look_into(self, statement: cst.With, handle: str | None, opened: _Opened) -> None:
        """What the block does that is not the same when the file appears only at its end.

        Raises:
            Refused: it would go wrong.
        """
        place = self.place
        for node in walk(statement.body):
            if isinstance(node, (cst.Yield, cst.Await)):
                self.doubt(
                    "others run while the file is written, and see the old one until the end"
                )
            if isinstance(node, cst.Call) and self._uses_path(node, opened.path):
                raise Refused("the block uses the path, and the file is there only after it")
            if handle is not None and isinstance(node, (cst.Return, cst.Assign, cst.Yield)):
                value = node.value
                if isinstance(value, cst.Name) and value.value == handle:
                    raise Refused("the handle outlives its block")
            if (
                handle is not None
                and isinstance(node, cst.Call)
                and dotted(node.func) == f"{handle}.flush"
                and any(isinstance(a, (cst.For, cst.While)) for a in place.ancestors(node))
            ):
                self.doubt("what is flushed is seen by others only at the end of the block")
        for item in statement.items:
            if item.item is not self.call and self._uses_path(item.item, opened.path):
                raise Refused("the same file is opened twice")

    def _uses_path(self, node: cst.BaseExpression, path: str) -> bool:
        if not isinstance(node, cst.Call):
            return False
        name = dotted(node.func) or ""
        if name.rpartition(".")[2] in _TELLING:
            return False
        if isinstance(node.func, cst.Attribute):
            receiver = cst.Module([]).code_for_node(node.func.value)
            if receiver == path and node.func.attr.value not in {"write_text", "with_suffix"}:
                return True
        return any(
            cst.Module([]).code_for_node(arg.value) in {path, f"str({path})"} for arg in node.args
        )

    def _collapsed(self, statement: cst.With, handle: str, opened: _Opened, name: str) -> Fix:
        """One call in place of a block that only dumps JSON into the handle."""
        lines = statement.body.body
        small = lines[0]
        if isinstance(small, cst.SimpleStatementLine) and len(small.body) == 1:
            small = small.body[0]
        if (
            len(lines) != 1
            or not isinstance(small, cst.Expr)
            or name == "codecs.open"
            or {"errors", "buffering"} & set(opened.given)
            or self.site.mode.replace("t", "").replace("+", "") != "w"
        ):
            raise Refused
        dumped = self._dumped_into(small.value, lambda node: _is_name(node, handle))
        comment = self._kept_comment(statement)
        if dumped is None or comment is None or self.place.is_used_outside(handle, cst.With):
            raise Refused
        span = self.place.span(statement)
        return self.json_fix(opened.path, dumped, opened.given, span, after=comment)

    def _dumped_into(
        self, node: cst.BaseExpression, is_handle: Callable[[cst.BaseExpression], bool]
    ) -> _Json | None:
        """`json.dump(value, handle)` or `handle.write(json.dumps(value))`."""
        if not isinstance(node, cst.Call):
            return None
        if self.place.is_called(node, "json.dump"):
            given = _by_name(node.args, ("obj", "fp"), open_end=True)
            if given is None or not {"obj", "fp"} <= set(given):
                return None
            if not is_handle(given["fp"].value):
                return None
            rest = [a for a in node.args if a is not given["fp"]]
            return _json_of(rest, ("obj",))
        func = node.func
        if (
            isinstance(func, cst.Attribute)
            and func.attr.value == "write"
            and is_handle(func.value)
            and len(node.args) == 1
        ):
            return self.json_call(node.args[0].value)
        return None

    def _compressed(
        self, statement: cst.With, item: cst.WithItem, opened: _Opened, name: str
    ) -> Fix:
        place = self.place
        if name == "zipfile.ZipFile":
            handle = _bound_name(item)
            for use in place.uses(handle or "", statement.body):
                above = place.parents.get(use)
                if not isinstance(above, cst.Attribute) or above.attr.value not in {
                    "write",
                    "writestr",
                }:
                    raise Refused("the archive is not only written to")
        if place.comments(self.call):
            raise Refused("comments stand in the call")
        imported = self.helper("atomic_open")
        raw = place.fresh("raw", "raw_file", "binary_file")
        local = imported.local
        span = place.span(item.item)
        rest = [a for a in self.call.args if a is not opened.given.get("filename")]
        first = f'{local}({opened.path}, "wb") as {raw}, '
        if span.start.row != span.end.row:
            raise Refused("the opener stands on several lines")
        source_row = place.source.line(span.start.row)
        callee = place.text(self.call.func)
        flat = ", ".join([raw, *(place.text(arg) for arg in rest)])
        text = f"{callee}({flat})"
        limit = line_limit(place.source)
        longer = len(first) + len(text) - (span.end.column - span.start.column)
        if width(source_row) + longer > limit >= width(source_row):
            raise Refused("the line would become too long")
        return self.made("atomic_open", [Edit(span, first + text)], imported)

    # --- other shapes -------------------------------------------------------------

    def _in_argument(self, arg: cst.Arg, opened: _Opened, name: str) -> Fix:
        """`json.dump(value, open(path, "w"))`."""
        place = self.place
        outer = place.parents[arg]
        if not isinstance(outer, cst.Call):
            raise Refused("the handle outlives the statement that opens it")
        last = (dotted(outer.func) or "").rpartition(".")[2]
        if last in {"enter_context", "enter_async_context"}:
            imported = self.helper("atomic_open")
            self.doubt("the file appears when the stack is left")
            edit = self._open_edit(opened, name, imported.local)
            return self.made("atomic_open", [edit], imported)
        statement = place.parents.get(outer)
        if last not in {"dump", "safe_dump", "dump_all", "safe_dump_all", "save", "savez"}:
            raise Refused("the handle is given away")
        if not isinstance(statement, cst.Expr):
            raise Refused("the handle is opened within an expression")
        dumped = self._dumped_into(outer, lambda node: node is self.call)
        span = place.span(outer)
        if (
            dumped is not None
            and not {"errors", "buffering"} & set(opened.given)
            and not place.comments(outer)
        ):
            return self.json_fix(opened.path, dumped, opened.given, span)
        return self._wrapped(outer, opened, name)

    def _wrapped(self, outer: cst.Call, opened: _Opened, name: str) -> Fix:
        """`with atomic_open(...) as file:` around the statement."""
        place = self.place
        place.line(outer)
        span = place.span(outer)
        if span.start.row != span.end.row:
            raise Refused("the statement stands on several lines")
        imported = self.helper("atomic_open")
        handle = place.fresh("file", "handle", "output")
        indent = place.indent(span.start.row)
        opener = self._open_edit(opened, name, imported.local).text
        header = f"with {opener} as {handle}:\n{indent}{place.unit}"
        edits = [place.insert(span.start, header), place.edit(self.call, handle)]
        return self.made("atomic_open", edits, imported)

    def _written_at_once(self, func: cst.Attribute, opened: _Opened) -> Fix:
        """`open(path, "w").write(text)`."""
        place = self.place
        outer = place.parents[func]
        if not isinstance(outer, cst.Call) or len(outer.args) != 1 or outer.args[0].star:
            raise Refused("the handle outlives the statement that opens it")
        if place.comments(outer) or "buffering" in opened.given or outer.args[0].keyword:
            raise Refused("the call cannot be taken over as it stands")
        as_json = isinstance(place.parents.get(outer), cst.Expr)
        return self._at_once(outer.args[0], opened, place.span(outer), as_json=as_json)

    def _at_once(
        self,
        content: cst.Arg,
        opened: _Opened,
        span: Span,
        suffix: str = "",
        *,
        as_json: bool = True,
        before: str = "",
        after: str = "",
    ) -> Fix:
        """The call that writes all that a handle is given, in the place of `span`."""
        binary = "b" in self.site.mode
        dumped = self.json_call(content.value)
        if dumped is not None and as_json and not binary and "errors" not in opened.given:
            name = f"atomic_write_json{suffix}"
            return self.json_fix(
                opened.path, dumped, opened.given, span, name, before=before, after=after
            )
        name = f"atomic_write_{'bytes' if binary else 'text'}{suffix}"
        imported = self.helper(name)
        arguments: list[str | cst.Arg] = [opened.path, content]
        arguments += [
            f"{option}={self.place.text(opened.given[option].value)}"
            for option in ("encoding", "errors", "newline")
            if option in opened.given
        ]
        text = self.place.laid_out(before + imported.local, arguments, span)
        return self.made(name, [Edit(span, text + after)], imported)

    def _assigned(self, assign: cst.Assign, opened: _Opened, name: str) -> Fix:
        """`file = open(...)`, then `try: ... finally: file.close()`, or plainly `file.close()`."""
        place = self.place
        target = assign.targets[0].target
        if len(assign.targets) != 1 or not isinstance(target, cst.Name):
            raise Refused("the handle outlives the statement that opens it")
        handle = target.value
        line = place.line(assign)
        lines = list(getattr(place.parents[line], "body", ()))
        rest = lines[lines.index(line) + 1 :]
        end = next((i for i, each in enumerate(rest) if self._closes(each, handle)), None)
        if end is None:
            raise Refused("where the handle is closed is not in sight")
        closing = rest[end]
        for later in rest[end + 1 :]:
            if place.uses(handle, later):
                raise Refused("the handle is used after it was closed")
        if isinstance(closing, cst.Try):
            if end != 0:
                raise Refused("something stands between the opener and the `try`")
            edits = self._from_try(line, closing)
        else:
            if end == 0:
                raise Refused("nothing is written")
            edits = self._from_close(line, rest[:end], closing)
        probe = cst.With([cst.WithItem(self.call)], cst.IndentedBlock(rest[: end + 1]))
        self._look_into(probe, handle, opened)
        imported = self.helper("atomic_open")
        opener = self._open_edit(opened, name, imported.local).text
        header = Edit(place.span(assign), f"with {opener} as {handle}:")
        return self.made("atomic_open", [header, *edits], imported)

    def _closes(self, line: cst.CSTNode, handle: str) -> bool:
        if isinstance(line, cst.Try) and line.finalbody is not None:
            lines = line.finalbody.body.body
            return len(lines) == 1 and self._closes(lines[0], handle)
        return (
            isinstance(line, cst.SimpleStatementLine)
            and len(line.body) == 1
            and isinstance(line.body[0], cst.Expr)
            and isinstance(line.body[0].value, cst.Call)
            and dotted(line.body[0].value.func) == f"{handle}.close"
        )

    def _from_try(self, line: cst.SimpleStatementLine, closing: cst.Try) -> list[Edit]:
        place = self.place
        final = closing.finalbody
        if closing.handlers or closing.orelse is not None or final is None:
            raise Refused("the `try` handles errors too")
        head = place.span(closing).start.row
        first = place.tree.span(closing.body).start.row
        last = place.tree.span(closing.body).end.row
        end = place.tree.span(final).end.row
        opening = place.span(line.body[0]).end.row
        for row in (*range(opening + 1, first), *range(last + 1, end + 1)):
            text = place.source.line(row).strip()
            if "#" in text or row == first:
                raise Refused("a comment stands where the `try` would go")
        if first == head:
            raise Refused("the statement shares its line with another one")
        # From the end of the opener's row to the end of the row of `try:`; and what follows
        # the body up to the end of `finally`.
        return [
            Edit(Span(place.end_of_row(opening), place.end_of_row(head)), ""),
            Edit(Span(place.end_of_row(last), place.end_of_row(end)), ""),
        ]

    def _from_close(
        self, line: cst.SimpleStatementLine, body: Sequence[cst.CSTNode], closing: cst.CSTNode
    ) -> list[Edit]:
        place = self.place
        opening = place.span(line.body[0]).end.row
        last = place.tree.span(closing.body[0]).start.row  # type: ignore[attr-defined]
        if any(place.has_multiline_string(each) for each in body):
            raise Refused("a string of several lines would have to be moved")
        if place.comments(closing):
            raise Refused("a comment stands where the handle is closed")
        edits = []
        limit = line_limit(place.source)
        for row in range(opening + 1, last):
            text = place.source.line(row)
            if text.strip():
                if len(text) <= limit < len(text) + len(place.unit):
                    raise Refused("the block would become too wide")
                edits.append(place.insert(Position(row, 1), place.unit))
        edits.append(Edit(Span(place.end_of_row(last - 1), place.end_of_row(last)), ""))
        return edits

    def _awaited(self, opened: _Opened, name: str) -> Fix:
        """`async with aiofiles.open(...) as file: await file.write(...)`."""
        place = self.place
        if name == "anyio.open_file":
            self.is_asynchronous()
        statement = next((a for a in place.ancestors(self.call) if isinstance(a, cst.With)), None)
        if statement is None or len(statement.items) != 1:
            raise Refused("the handle is not opened by a `with` of its own")
        handle = _bound_name(statement.items[0])
        lines = statement.body.body
        small = lines[0]
        if isinstance(small, cst.SimpleStatementLine):
            small = small.body[0]
        value = small.value if isinstance(small, cst.Expr) else None
        if (
            handle is None
            or len(lines) != 1
            or not isinstance(value, cst.Await)
            or not isinstance(value.expression, cst.Call)
            or dotted(value.expression.func) != f"{handle}.write"
            or len(value.expression.args) != 1
            or {"buffering"} & set(opened.given)
        ):
            raise Refused("there is no asynchronous handle that is atomic")
        comment = self._kept_comment(statement)
        if self.place.is_used_outside(handle, cst.With) or comment is None:
            raise Refused("comments stand in the block")
        content = value.expression.args[0]
        span = place.span(statement)
        return self._at_once(content, opened, span, "_async", before="await ", after=comment)

    def _kept_comment(self, statement: cst.With) -> str | None:
        """What a call in the place of a `with` of one statement takes over behind it; None when
        a comment would be lost."""
        body = statement.body
        header = body.header.comment if isinstance(body, cst.IndentedBlock) else None
        line = body.body[0] if isinstance(body, cst.IndentedBlock) else body
        assert isinstance(line, (cst.SimpleStatementLine, cst.SimpleStatementSuite))
        trailing = line.trailing_whitespace.comment
        leading = sum(line.comment is not None for line in statement.leading_lines)
        stays = leading + ((header is None) != (trailing is None))
        if len(self.place.comments(statement)) > stays:
            return None
        return f"  {header.value}" if header is not None else ""


def _json_of(arguments: Sequence[cst.Arg], names: tuple[str, ...]) -> _Json | None:
    given = _by_name(arguments, names, open_end=True)
    if given is None or "obj" not in given:
        return None
    value = given["obj"]
    if value.keyword is not None:
        return None
    options = tuple(a for a in arguments if a is not given["obj"])
    for option in options:
        if option.keyword is None or option.keyword.value in _OWN_KEYWORDS:
            return None
    return _Json(value, options)


def _by_name(
    arguments: Sequence[cst.Arg], names: tuple[str, ...], *, open_end: bool = False
) -> dict[str, cst.Arg] | None:
    """Arguments by the names of the parameters; None when a star hides which is which."""
    found = {}
    for position, arg in enumerate(arguments):
        if arg.star:
            return None
        if arg.keyword is not None:
            found[arg.keyword.value] = arg
        elif position < len(names):
            found[names[position]] = arg
        elif not open_end:
            return None
    return found


def _bound_name(item: cst.WithItem) -> str | None:
    if item.asname is not None and isinstance(item.asname.name, cst.Name):
        return item.asname.name.value
    return None


def _is_name(node: cst.BaseExpression, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _literal(node: cst.BaseExpression) -> str | None:
    if isinstance(node, cst.SimpleString):
        value = ast.literal_eval(node.value)
        return value if isinstance(value, str) else None
    return None
