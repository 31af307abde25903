"""ATF101: a write in place becomes a call of the helper. JSON is written by `atomic_write_json` if
the bytes stay the same; a handle used only for that is removed. Other code is kept and gets another
opener: `with atomic_open(...)`.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import REMOTE_PATH_PACKAGES, Content, Rewriting
from atomic_fix.config import own_helper
from atomic_fix.facts import nodes
from atomic_fix.facts.exceptions import error_names
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import called_name
from atomic_fix.facts.paths import PathTrait
from atomic_fix.facts.scopes import BlockKind, FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.facts.writes import WriteKind
from atomic_fix.finding import Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.block import (
    HandleBlock,
    changes_order,
    given_to,
    is_descriptor,
    is_open_elsewhere,
)
from atomic_fix.fixes.cst_tree import dotted
from atomic_fix.fixes.edit_context import EditContext, bound, keyword, last_name
from atomic_fix.fixes.imports import import_name
from atomic_fix.fixes.swept_folders import mark_swept
from atomic_fix.fixes.watched import must_not_be_watched

# Keywords of the helper itself: an option for `json.dumps` with such a name, or without one, would
# not reach it.
_OWN_KEYWORDS = frozenset(
    {"", "path", "obj", "encoding", "newline", "fsync", "mode", "backup", "errors", "text", "fp"}
    | {"permissions", "make_parents"}
)
_UTF_8 = re.compile(r"([\"'])utf[-_]?8\1", re.IGNORECASE)
# With ensure_ascii, JSON is pure ASCII, which these encodings write in the same way.
_ASCII_SUPERSETS = re.compile(
    r"None|([\"'])(utf[-_]?8|(us[-_])?ascii|latin[-_]?1|iso[-_]?8859[-_]\d+|(cp|windows[-_])125\d)\1",
    re.IGNORECASE,
)
_UNKNOWN = apis.Opener("")
_LEAVING = (ast.Break, ast.Continue, ast.Raise, ast.Return, ast.Yield, ast.YieldFrom)


def fix_write(facts: ModuleFacts, site: WriteSite) -> Fix:
    """The repair of a write in place."""
    context = EditContext(facts, site.function, [site.node])
    if context.imports(*REMOTE_PATH_PACKAGES):
        raise Refused("the path may not be on the local file system")
    if site.path.traits & (PathTrait.DEVICE | PathTrait.MEMORY | PathTrait.HANDLE):
        raise Refused("the target is not a regular file")
    if is_descriptor(context, site):
        raise Refused("the path may be a file descriptor")
    func, receiver = site.call.node.func, site.path_node
    if isinstance(func, ast.Attribute) and func.value is receiver:
        last = called_name(receiver)
        if last[:1].isupper() and not last.endswith("Path"):
            raise Refused(f"it is unknown whether `{last}` is a local path")
        _must_be_pathlib(context, site, func.attr)
    _refuse_if_fallback(context, site)
    if is_open_elsewhere(context, site, facts.sites.handles):
        raise Refused("the same file is open meanwhile")
    must_not_be_watched(context, site)
    mark_swept(context, site)
    kind = _WholeWrite if site.kind is WriteKind.WHOLE else _OpenedWrite
    fix = kind(context, site).fix()
    # Removing the file first would undo the effect of the repair.
    before: list[cst.CSTNode] = []
    with suppress(Refused):
        before = context.siblings(context.statement(context.cst_node(site.call.source_node)))[0][
            -1:
        ]
    try:
        edits = context.removal_edits(context.text(receiver), before)
    except Refused as refused:
        raise Refused(f"the file is removed first, and {refused}") from refused
    if not edits:
        return fix
    context.mark_unsafe(
        "the file is not removed first: it keeps its mode, and a read-only one is refused"
    )
    return context.fix(fix.title, [*fix.edits, *edits])


def fix_staged(context: EditContext, site: WriteSite, target: ast.expr, region: Span) -> Fix:
    """One call of the helper instead of a write to a temp file and its publication.

    Args:
        site: the write of the temp file, `write_text` or `write_bytes`. target: the final path of
        the file. region: from the first to the last of the statements that are replaced.

    Raises:
        Refused: the code does not show enough to create the call.
    """
    context.mark_unsafe("the target keeps its mode and links, and a read-only one is refused")
    if changes_order(context, target, [arg.value for arg in site.call.arguments]):
        raise Refused("the path would be evaluated before the content")
    attempt = _WholeWrite(context, site)
    attempt.target, attempt.region = target, region
    return attempt.fix()


def _refuse_if_fallback(context: EditContext, site: WriteSite) -> None:
    """Refuses a write in a handler for a failed atomic write of the same file."""
    path = nodes.code_of(site.path_node)
    for block in site.call.enclosing:
        if isinstance(block.node, ast.ExceptHandler) and _is_of_an_import(
            context, block.node, site
        ):
            continue
        tried = context.parent(block.node) if block.kind is BlockKind.HANDLER else None
        for line in tried.body if isinstance(tried, ast.Try) else ():
            for call in nodes.of_kind(line, ast.Call):
                if "atomic" in words(nodes.code_of(call.func)) and path in [
                    nodes.code_of(arg.value) for arg in nodes.arguments(call)
                ]:
                    raise Refused("this is the fallback for an atomic write that failed")


def _is_of_an_import(context: EditContext, handler: ast.ExceptHandler, site: WriteSite) -> bool:
    """Whether a handler is only for a module that is not installed."""
    names = error_names(handler.type, context.facts.paths, site.function)
    return bool(names) and {"ImportError", "ModuleNotFoundError"}.issuperset(names)


_PATHLIB = re.compile(r"\.*(aiopath|anyio|pathlib2?)\.\w+")


_MOST_EXPRESSIONS = 20


def _must_be_pathlib(context: EditContext, site: WriteSite, method: str) -> None:
    """Refuses a method named like one of `pathlib.Path` that may be another class's."""
    node, facts = site.path_node, context.facts
    name = nodes.dotted(node) or ""
    if name in {"self", "cls"} or called_name(node) == "super":
        raise Refused("the class may have a method of its own")
    for kind in _classes_of(facts, node, site.function, site.order):
        full = nodes.dotted(kind) or ""
        called = full.rpartition(".")[2]
        if not called[:1].isupper():
            continue
        origins = context.origins(full) if full == called else {facts.paths.qualified(full).full}
        if facts.scopes.class_named(called) is not None or (
            called == "Path" and not all(_PATHLIB.fullmatch(origin) for origin in origins)
        ):
            raise Refused(f"it is unknown whether `{full}` is a local path")
    own = [each for each in facts.scopes.functions_named(method) if each.owner is not None]
    if own and PathTrait.PATH not in site.path.traits:
        raise Refused(f"a class in this file has its own `{method}`")


def _classes_of(
    facts: ModuleFacts, node: ast.expr, function: FunctionFacts, order: int
) -> Iterator[ast.expr]:
    """The expressions for the classes of which a path may be, as calls and annotations name them:
    through names, attributes, and the parts of a path that it is joined to."""
    waiting = [(node, function, order)]
    seen: set[ast.expr] = set()
    while waiting and len(seen) < _MOST_EXPRESSIONS:
        node, function, order = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        match node:
            case ast.Name(id=name):
                yield node
                parameter = function.parameter(name)
                if parameter is not None and parameter.annotation is not None:
                    yield parameter.annotation
                bound = facts.paths.bindings(name, function, order)[-_MOST_EXPRESSIONS:]
                waiting += [(each.value, each.function, each.order) for each in bound]
            case ast.Attribute(value=ast.Name(id="self"), attr=attr) if function.owner is not None:
                bound = facts.paths.attribute(function.owner, attr)[-_MOST_EXPRESSIONS:]
                waiting += [(each.value, each.function, each.order) for each in bound]
            case ast.BinOp(left=left, op=ast.Div()):
                waiting.append((left, function, order))
            case ast.Attribute(value=value, attr="parent"):
                waiting.append((value, function, order))
            case ast.Call(func=func):
                yield func
                if isinstance(func, ast.Attribute):
                    waiting.append((func.value, function, order))


class WriteRewriter:
    """One write, and the fix as far as it has been built. Each step may raise `Refused`."""

    def __init__(self, context: EditContext, site: WriteSite) -> None:
        self.context = context
        self.site = site
        self.module = context.facts.config.helper
        self.own = own_helper(self.module)
        self.path = ""
        self.given: dict[str, cst.Arg] = {}
        """The arguments of the opener or writer that were given, by name."""
        self.suffix = ""
        self.title = ""

    @cached_property
    def call(self) -> cst.Call:
        """The call in the file."""
        found = self.context.cst_node(self.site.call.source_node)
        assert isinstance(found, cst.Call)
        return found

    def is_asynchronous(self) -> None:
        if self.context.imports("trio"):
            raise Refused("the asynchronous helper runs on asyncio only")
        self.context.mark_unsafe("correct under asyncio, but not under trio")

    def helper(self, name: str, *, plain: bool = True) -> str:
        """The name by which the code calls a function of the helper; `plain` if it gets only path
        and object."""
        own, module = self.own, self.module
        name += self.suffix
        if own is not None:
            if name != "atomic_write_json":
                raise Refused(f"the configured helper `{module}` writes JSON only")
            if not plain:
                raise Refused(f"it is unknown what `{own.function}` does with these options")
            self.context.mark_unsafe(
                f"it is unknown what `{own.function}` writes; compare the bytes"
            )
            module, name = own.module, own.function
        self.title = f"Write with `{name}`"
        self.context.added.clear()
        return import_name(self.context, module, name)

    def made(self, *edits: Edit) -> Fix:
        return self.context.fix(self.title, edits)

    def json_call(self, node: cst.BaseExpression) -> Sequence[cst.Arg] | None:
        """The arguments of `json.dumps(value, **options)`, if every option is visible."""
        if (
            isinstance(node, cst.Call)
            and self.context.called(node) == "json.dumps"
            and self.context.is_unshadowed(node.func)
        ):
            return _json_of(node.args)
        return None

    def json_fix(
        self, dumped: Sequence[cst.Arg], span: Span, *, before: str = "", after: str = ""
    ) -> Fix:
        """The call of `atomic_write_json` that writes the same bytes, to replace `span`."""
        found: list[str | cst.Arg] = [self.path, *dumped]
        options = {keyword(arg): dotted(arg.value) for arg in dumped}
        is_ascii = "cls" not in options and options.get("ensure_ascii", "True") == "True"
        encoding = self.options("encoding") or ["encoding=None"]
        known = _ASCII_SUPERSETS if is_ascii else _UTF_8
        if not known.fullmatch(encoding[0].removeprefix("encoding=")):
            found += encoding
        found += self.options("newline")
        plain = len(found) == 2
        if self.own is not None and plain:
            by_name: dict[str, str | cst.Arg] = {"path": self.path, "obj": dumped[0]}
            found = [self._named(name, by_name[what]) for name, what in self.own.arguments]
        local = self.helper("atomic_write_json", plain=plain)
        return self.made(Edit(span, self.context.format_call(before + local, found, span) + after))

    def options(self, *names: str) -> list[str]:
        """The arguments with these names, in the form in which they are passed on."""
        given = self.given
        return [f"{n}={self.context.text(given[n].value)}" for n in names if n in given]

    def _named(self, name: str, given: str | cst.Arg) -> str | cst.Arg:
        if not name:
            return given
        text = given if isinstance(given, str) else self.context.text(given)
        if "\n" in text:
            raise Refused("a multi-line argument would have to be moved")
        return f"{name}={text}"

    def path_text(self, path: ast.expr) -> str:
        node = self.context.cst_node(path)
        assert isinstance(node, cst.BaseExpression)
        text = self.context.one_line_text(node)
        bare = text[1:-1].strip()
        needed = isinstance(node, (cst.NamedExpr, cst.Tuple, cst.GeneratorExp))
        if node.lpar and not needed and "\n" not in bare:
            text = bare  # no argument needs its parentheses
        if "\n" in text:
            raise Refused("the path expression spans several lines")
        return text


class _WholeWrite(WriteRewriter):
    """`path.write_text(...)`, `path.write_bytes(...)`."""

    target: ast.expr | None = None
    region: Span | None = None

    def fix(self) -> Fix:
        context, written = self.context, self.site.call
        func = written.node.func
        in_a_runner = written.shown is not None
        if not isinstance(func, ast.Attribute) or (in_a_runner and given_to(context, func) is None):
            raise Refused("the function is called by another name")
        runner = last_name(self.call)
        if in_a_runner and runner not in apis.RUNNERS:
            raise Refused(f"how `{runner}` calls what it is given cannot be seen")
        self.path = self.path_text(self.target or func.value)
        call, args = self.call, self._arguments()
        self.given = _by_name(args, ("data", "encoding", "errors", "newline"))
        is_text = func.attr == "write_text"
        if not in_a_runner and isinstance(context.parents.get(call), cst.Await):
            self.is_asynchronous()
            self.suffix = "_async"
        if is_text and not in_a_runner:
            with suppress(Refused):
                return self._as_json()
        if is_text and "data" in {keyword(arg) for arg in args}:
            raise Refused("the text is passed by keyword")
        if not args:
            raise Refused("the text cannot be found")
        local = self.helper(f"atomic_write_{'text' if is_text else 'bytes'}")
        if in_a_runner:
            return self._in_a_runner(context.cst_node(func), local)
        if not context.comments(call):
            with suppress(Refused):
                span = self.region or context.span(call)
                text = context.format_call(local, [self.path, *args], span)
                return self.made(Edit(span, text))
        if self.region is not None:
            raise Refused
        first = context.insert(context.span(args[0]).start, f"{self.path}, ")
        return self.made(context.edit(call.func, local), first)

    def _arguments(self) -> list[cst.Arg]:
        """The arguments of the method; if a runner calls it, the runner's other arguments."""
        given = [arg.value for arg in self.site.call.arguments]
        pairs = zip(self.call.args, nodes.arguments(self.site.call.source_node), strict=True)
        return [arg for arg, model in pairs if model.value in given]

    def _as_json(self) -> Fix:
        call, parents = self.call, self.context.parents
        dumped = self.json_call(self.given["data"].value) if "data" in self.given else None
        statement = parents.get(parents[call] if self.suffix else call)
        if (
            dumped is None
            or "errors" in self.given
            or not isinstance(statement, cst.Expr)
            or self.context.comments(call)
        ):
            raise Refused
        return self.json_fix(dumped, self.region or self.context.span(call))

    def _in_a_runner(self, func: cst.CSTNode, local: str) -> Fix:
        """`to_thread(path.write_text, text)`: the function becomes the helper, followed by the
        path."""
        context, call = self.context, self.call
        if context.comments(call):
            raise Refused("the call contains comments")
        given: list[str | cst.Arg] = []
        for arg in call.args:
            given += [local, self.path] if arg.value is func else [arg]
        span = context.span(call)
        return self.made(Edit(span, context.format_call(context.text(call.func), given, span)))


class _OpenedWrite(WriteRewriter):
    """A handle in a truncating mode."""

    def fix(self) -> Fix:
        site, context = self.site, self.context
        name = context.facts.paths.call_name(site.call.node, context.function)
        self.name = name.full
        if context.facts.paths.is_chosen(site.call):
            raise Refused("which function opens the file is decided while the program runs")
        if site.call.shown is not None:
            raise Refused("the file is opened in another function")
        if site.api == "os.open":
            raise Refused("the file is opened as a file descriptor")
        if site.mode.is_update:
            raise Refused("the file is updated, not rewritten as a whole")
        self.opener = apis.PATH_OPEN if self._is_method else name.opener or _UNKNOWN
        if self.opener.refusal:
            raise Refused(self.opener.refusal)
        if self.opener.rewriting is Rewriting.UNKNOWN_EFFECTS:
            raise Refused(f"it is unknown what else `{site.api}` does; the file may be remote")
        if not self._is_method and not context.is_unshadowed(site.call.node.func):
            raise Refused(f"it is unknown whether `{site.api}` is Python's own")
        self._look_at_the_arguments()
        parent = context.parents.get(self.call)
        rewriting = self.opener.rewriting
        if rewriting is Rewriting.AWAITS:
            return self._awaited()
        if isinstance(parent, cst.WithItem):
            return self._in_with(parent)
        if rewriting is not Rewriting.OPENS:
            raise Refused("the file is not opened in a `with` of its own")
        if isinstance(parent, cst.Arg):
            return self._in_argument(parent)
        if isinstance(parent, cst.Attribute) and parent.attr.value == "write":
            return self._written_at_once(parent)
        if isinstance(parent, cst.Assign):
            return self._assigned(parent)
        raise Refused("the file object outlives the statement that opens it")

    # --- the opener ---------------------------------------------------------------

    @property
    def _is_method(self) -> bool:
        func = self.site.call.node.func
        return isinstance(func, ast.Attribute) and self.site.path_node is func.value

    @cached_property
    def _statement(self) -> nodes.With:
        """The `with` around it."""
        around = self.context.ast_ancestors(self.site.call.node)
        found = next((each for each in around if isinstance(each, nodes.WITHS)), None)
        if found is None:
            raise Refused("the file is not opened in a `with` of its own")
        return found

    def _look_at_the_arguments(self) -> None:
        self.given = _by_name(self.call.args, self.opener.parameters)
        if not self.given:
            raise Refused("the opener is passed `*args` or `**kwargs`")
        for option in ("opener", "closefd"):
            if option in self.given:
                raise Refused(f"the opener is passed `{option}`")
        self.path = self.path_text(self.site.path_node)
        if "mode" in self.given:
            index = self.call.args.index(self.given["mode"])
            mode = self.site.call.arguments[index].value
            modes = self.context.facts.sites.handles.modes(mode, self.site.call)
            if not modes or any(set(m) - set("wbt+") or "w" not in m for m in modes):
                raise Refused("the mode does not always rewrite the whole file")
            if not self.context.facts.sites.handles.is_seen_whole(mode, self.site.call):
                raise Refused("the mode is decided elsewhere")

    def _reopened(self) -> Edit:
        """The opener's call, as a call of `atomic_open`."""
        call, context = self.call, self.context
        local = self.helper("atomic_open")
        arguments: list[str | cst.Arg] = [
            f"path={self.path}" if keyword(arg) == "file" else arg for arg in call.args
        ]
        if self.opener.rewriting is Rewriting.RECODES:
            mode: str | cst.Arg = self.given["mode"]
            encoding = self.given.get("encoding")
            if encoding and self.site.mode.is_binary:
                # With an encoding it writes text, whatever the mode.
                if not isinstance(encoding.value, cst.SimpleString):
                    raise Refused("it is unknown whether `codecs.open` writes text or bytes")
                mode = f'"{self.site.mode.of_text}"'
            arguments = [self.path, mode, *self.options("encoding", "errors", "buffering")]
            if encoding or not self.site.mode.is_binary:
                arguments.append('newline=""')
        elif self._is_method:
            arguments.insert(0, self.path)
        if not context.comments(call):
            return context.edit(call, context.format_call(local, arguments, context.span(call)))
        if arguments != list(call.args):
            raise Refused("the call contains comments")
        return context.edit(call.func, local)

    def _header(self, handle: str) -> str:
        """The first row of a `with` that opens the file."""
        if self.context.comments(self.call):
            raise Refused("the call contains comments")
        return f"with {self._reopened().text} as {handle}:"

    # --- with ---------------------------------------------------------------------

    def _in_with(self, item: cst.WithItem) -> Fix:
        statement = self.context.parents[item]
        assert isinstance(statement, cst.With)
        handle = bound(item)
        if not handle:
            raise Refused("the file object is stored in an object and may be used elsewhere")
        self._look_into(self._statement.body, handle)
        self._look_beside()
        rewriting = self.opener.rewriting
        if len(statement.items) == 1 and rewriting is not Rewriting.COMPRESSES:
            with suppress(Refused):
                return self._collapsed(statement, handle)
        if rewriting is Rewriting.COMPRESSES:
            return self._compressed(statement, item)
        if rewriting is Rewriting.TAKES_FILEOBJ:
            raise Refused("pass `GzipFile` a file from `atomic_open` as `fileobj`")
        methods = self._uses_of(handle, statement)
        if rewriting is Rewriting.RECODES and methods - {"", "write", "writelines"}:
            self.context.mark_unsafe("the file object of `codecs.open` has other methods")
        return self.made(self._reopened())

    def _uses_of(self, handle: str, statement: cst.With) -> set[str]:
        """The methods of a handle that a block uses; an empty text stands for other uses."""
        above = [self.context.parents.get(use) for use in self.context.uses(handle, statement.body)]
        return {each.attr.value if isinstance(each, cst.Attribute) else "" for each in above}

    def _look_into(self, body: Sequence[ast.stmt], handle: str) -> None:
        """Check that the block does nothing that differs if the file appears only at its end."""
        HandleBlock(self.context, self.site, body, handle).check()
        if {"buffering"} & set(self.given):
            self.context.mark_unsafe("others see each write only at the end")

    def _look_beside(self) -> None:
        """The other items of the `with`: those after the opener are evaluated while it is open."""
        items = self._statement.items
        index = next(i for i, e in enumerate(items) if e.context_expr is self.site.call.node)
        HandleBlock(self.context, self.site, items[index + 1 :], "").check_path_uses()

    def _collapsed(self, statement: cst.With, handle: str) -> Fix:
        """One call instead of a block that only dumps JSON into the handle."""
        dumped = self._dumped_into(self._only_expression(statement), handle)
        if (
            dumped is None
            or self.opener.rewriting is Rewriting.RECODES
            or {"errors", "buffering"} & set(self.given)
            or not self.site.mode.is_text
        ):
            raise Refused
        comment = self._kept_comment(statement, handle)
        return self.json_fix(dumped, self.context.span(statement), after=comment)

    def _only_expression(self, statement: cst.With) -> cst.BaseExpression:
        """The expression of a block that consists of nothing else."""
        lines: Sequence[cst.CSTNode] = statement.body.body
        if isinstance(lines[0], cst.SimpleStatementLine):
            lines = [*lines[0].body, *lines[1:]]
        if len(lines) == 1 and isinstance(lines[0], cst.Expr):
            return lines[0].value
        raise Refused("there is no asynchronous atomic file object")

    def _dumped_into(self, node: cst.BaseExpression, handle: str) -> Sequence[cst.Arg] | None:
        """The value that `json.dump(value, handle)` or `handle.write(json.dumps(value))` dumps."""
        context = self.context
        if isinstance(node, cst.Call) and context.called(node) == "json.dump":
            file = _by_name(node.args, ("obj", "fp")).get("fp")
            if (
                file is not None
                and context.text(file.value) == handle
                and context.is_unshadowed(node.func)
                and self._encodes_alike(node)
            ):
                return _json_of([arg for arg in node.args if arg is not file])
        elif isinstance(node, cst.Call) and context.text(node.func) == f"{handle}.write":
            return self.json_call(node.args[0].value) if len(node.args) == 1 else None
        return None

    def _encodes_alike(self, node: cst.Call) -> bool:
        """Whether `json.dumps` returns what `json.dump` writes: only `json.dumps` calls `encode`,
        which a custom encoder may override."""
        given = next((arg.value for arg in node.args if keyword(arg) == "cls"), None)
        if given is None:
            return True
        owner = self.context.facts.scopes.class_named(dotted(given) or "")
        bases = {base.rpartition(".")[2] for base in owner.bases} if owner is not None else set()
        return (
            owner is not None
            and bases == {"JSONEncoder"}
            and not any(
                owner.methods.get(name) or owner.attributes.get(name)
                for name in ("encode", "iterencode")
            )
        )

    def _compressed(self, statement: cst.With, item: cst.WithItem) -> Fix:
        context, call = self.context, self.call
        written = {"write", "writestr"}
        if (
            self.opener.content is Content.ARCHIVE
            and self._uses_of(bound(item), statement) - written
        ):
            raise Refused("the archive is also read")
        if context.comments(call):
            raise Refused("the call contains comments")
        local = self.helper("atomic_open")
        raw = context.unused_name("raw", "raw_file", "binary_file")
        span = context.span(item.item)
        rest = [
            context.one_line_text(a)
            for a in call.args
            if a is not self.given.get(self.opener.path_keyword)
        ]
        compressor = f"{context.text(call.func)}({', '.join([raw, *rest])})"
        if "\n" in compressor:
            raise Refused("the opener spans several lines")
        text = f'{local}({self.path}, "wb") as {raw}, {compressor}'
        return self.made(Edit(span, text))

    # --- other shapes -------------------------------------------------------------

    def _in_argument(self, arg: cst.Arg) -> Fix:
        """`json.dump(value, open(path, "w"))`."""
        context = self.context
        outer = context.parents[arg]
        if not isinstance(outer, cst.Call):
            raise Refused("the file object outlives the statement that opens it")
        last = last_name(outer)
        if last in {"enter_context", "enter_async_context"}:
            self.context.mark_unsafe("the file would appear only when the exit stack closes")
            return self.made(self._reopened())
        if last not in {"dump", "safe_dump", "dump_all", "safe_dump_all", "save", "savez"}:
            raise Refused("the file object is passed to other code")
        if not isinstance(context.parents.get(outer), cst.Expr):
            raise Refused("the file is opened within an expression")
        around = given_to(context, self.site.call.node)
        assert around is not None
        given = [each.value for each in nodes.arguments(around)]
        index = given.index(self.site.call.node)
        if changes_order(context, self.site.path_node, [around.func, *given[:index]]):
            context.mark_unsafe("the path is worked out before what is written")
        # Code after the opener finds the file already empty.
        HandleBlock(context, self.site, given[index + 1 :], "").check_path_uses()
        dumped = self._dumped_into(outer, context.text(self.call))
        span = context.span(outer)
        if (
            dumped is not None
            and not {"errors", "buffering"} & set(self.given)
            and not context.comments(outer)
        ):
            return self.json_fix(dumped, span)
        # `with atomic_open(...) as file:` around the statement.
        context.simple_statement(outer)
        if span.start.row != span.end.row:
            raise Refused("the statement spans several lines")
        handle = context.unused_name("file", "handle", "output")
        header = f"{self._header(handle)}\n{context.indent(span.start.row)}{context.unit}"
        return self.made(context.insert(span.start, header), context.edit(self.call, handle))

    def _written_at_once(self, func: cst.Attribute) -> Fix:
        """`open(path, "w").write(text)`."""
        context = self.context
        outer = context.parents[func]
        if not isinstance(outer, cst.Call) or len(outer.args) != 1 or outer.args[0].star:
            raise Refused("the file object outlives the statement that opens it")
        if context.comments(outer) or "buffering" in self.given or outer.args[0].keyword:
            raise Refused("the call cannot be reused as it is")
        _, written = islice(context.ast_ancestors(self.site.call.node), 2)
        assert isinstance(written, ast.Call)
        HandleBlock(context, self.site, written.args, "").check_path_uses()
        as_json = isinstance(context.parents.get(outer), cst.Expr)
        return self._at_once(outer.args[0], context.span(outer), as_json=as_json)

    def _at_once(
        self,
        content: cst.Arg,
        span: Span,
        *,
        as_json: bool = True,
        before: str = "",
        after: str = "",
    ) -> Fix:
        """The call that writes everything that a handle gets, to replace `span`."""
        binary = self.site.mode.is_binary
        dumped = self.json_call(content.value)
        if dumped is not None and as_json and not binary and "errors" not in self.given:
            return self.json_fix(dumped, span, before=before, after=after)
        local = self.helper(f"atomic_write_{'bytes' if binary else 'text'}")
        arguments: list[str | cst.Arg] = [self.path, content]
        arguments += self.options("encoding", "errors", "newline")
        return self.made(
            Edit(span, self.context.format_call(before + local, arguments, span) + after)
        )

    def _assigned(self, assign: cst.Assign) -> Fix:
        """`file = open(...)`, then `try: ... finally: file.close()`, or plainly `file.close()`."""
        context = self.context
        target = assign.targets[0].target
        if len(assign.targets) != 1 or not isinstance(target, cst.Name):
            raise Refused("the file object outlives the statement that opens it")
        handle = target.value
        line = context.simple_statement(assign)
        rest = context.siblings(line)[1]
        end = next((i for i, each in enumerate(rest) if self._closes(each, handle)), None)
        if end is None:
            raise Refused("it is unknown where the file is closed")
        closing = rest[end]
        if any(context.uses(handle, later) for later in rest[end + 1 :]):
            raise Refused("the file object is used after it is closed")
        if isinstance(closing, cst.Try):
            if end != 0:
                raise Refused("there is code between the opener and the `try`")
            edits = self._from_try(line, closing)
        else:
            if end == 0:
                raise Refused("nothing is written")
            edits = self._from_close(line, rest[:end], closing)
        last = context.span(closing).end.row
        body = [each for each in self._following() if each.lineno <= last]
        if isinstance(closing, cst.Try):
            body = body[0].body  # type: ignore[attr-defined]
        self._look_into(body, handle)
        return self.made(context.edit(assign, self._header(handle)), *edits)

    def _following(self) -> Sequence[ast.stmt]:
        """The statements after the one that assigns the opener's handle."""
        assign, above = islice(self.context.ast_ancestors(self.site.call.node), 2)
        for part in ("body", "orelse", "finalbody"):
            block: list[ast.stmt] = getattr(above, part, [])
            if isinstance(assign, ast.stmt) and assign in block:
                return block[block.index(assign) + 1 :]
        return ()

    def _closes(self, line: cst.CSTNode, handle: str) -> bool:
        if isinstance(line, cst.Try) and line.finalbody is not None:
            lines = line.finalbody.body.body
            return len(lines) == 1 and self._closes(lines[0], handle)
        return self.context.text(line) == f"{handle}.close()"

    def _from_try(self, line: cst.SimpleStatementLine, closing: cst.Try) -> list[Edit]:
        context = self.context
        final = closing.finalbody
        if closing.handlers or closing.orelse is not None or final is None:
            raise Refused("the `try` also handles errors")
        head = context.span(closing).start.row
        body = context.span(closing.body)
        first, last = body.start.row, body.end.row
        end = context.span(final).end.row
        opening = context.span(line.body[0]).end.row
        for row in (*range(opening + 1, first), *range(last + 1, end + 1)):
            if "#" in context.source.line(row):
                raise Refused("there is a comment where the `try` would go")
        if first == head:
            raise Refused("the line holds more than one statement")
        # From the end of the opener's row to the end of the row of `try:`; and from the end of the
        # body to the end of `finally`.
        return [
            Edit(Span(context.end_of_row(opening), context.end_of_row(head)), ""),
            Edit(Span(context.end_of_row(last), context.end_of_row(end)), ""),
        ]

    def _from_close(
        self, line: cst.SimpleStatementLine, body: Sequence[cst.CSTNode], closing: cst.CSTNode
    ) -> list[Edit]:
        context = self.context
        last = context.span(closing).start.row
        if any(context.has_multiline_string(each) for each in body):
            raise Refused("a multi-line string would have to be moved")
        if context.comments(closing):
            raise Refused("there is a comment where the file is closed")
        edits = [
            context.insert(Position(row, 1), context.unit)
            for row in range(context.span(line.body[0]).end.row + 1, last)
            if context.source.line(row).strip()
        ]
        edits.append(Edit(Span(context.end_of_row(last - 1), context.end_of_row(last)), ""))
        return edits

    def _awaited(self) -> Fix:
        """`async with aiofiles.open(...) as file: await file.write(...)`."""
        context = self.context
        self.suffix = "_async"
        if self.name == "anyio.open_file":
            self.is_asynchronous()
        statement = context.cst_node(self._statement)
        assert isinstance(statement, cst.With)
        if len(statement.items) != 1:
            raise Refused("the file is not opened in a `with` of its own")
        handle = bound(statement.items[0])
        body = statement.body
        last = body.body[-1]
        small: cst.CSTNode = last.body[-1] if isinstance(last, cst.SimpleStatementLine) else last
        value = small.value if isinstance(small, cst.Expr) else None
        if (
            not isinstance(value, cst.Await)
            or not isinstance(value.expression, cst.Call)
            or dotted(value.expression.func) != f"{handle}.write"
            or len(value.expression.args) != 1
            or "buffering" in self.given
        ):
            raise Refused("there is no asynchronous atomic file object")
        block = HandleBlock(context, self.site, self._statement.body, handle)
        block.is_asynchronous = True
        block.check_path_uses()
        content = value.expression.args[0]
        if len(body.body) > 1:
            return self._awaited_last(statement, handle, small, content)
        if isinstance(last, cst.SimpleStatementLine) and len(last.body) > 1:
            raise Refused("the line holds more than one statement")
        comment = self._kept_comment(statement, handle)
        return self._at_once(content, context.span(statement), before="await ", after=comment)

    def _awaited_last(
        self, statement: cst.With, handle: str, last: cst.CSTNode, content: cst.Arg
    ) -> Fix:
        """The preparing statements are kept, dedented, and the last statement writes."""
        context, body = self.context, statement.body
        if not isinstance(body, cst.IndentedBlock):
            raise Refused("the line holds more than one statement")
        header = body.header.comment
        if header is not None and "#" in context.source.line(context.span(last).end.row):
            raise Refused("the block contains comments")
        last_row = context.span(body.body[-1]).start.row
        ahead = [each for each in self._statement.body if each.lineno < last_row]
        for node in (each for line in ahead for each in nodes.walk(line)):
            if isinstance(node, ast.Name) and node.id == handle:
                raise Refused(
                    "it is written in several steps, and there is no asynchronous atomic file: "
                    "put the content together first"
                )
            if isinstance(node, _LEAVING):
                raise Refused("the block is left before its end")
            if isinstance(node, ast.Assign) and any(
                _names(self.site.path_node) & _names(target) for target in node.targets
            ):
                raise Refused("the block changes the path")
        if changes_order(context, self.site.path_node, ahead):
            context.mark_unsafe("the path is evaluated after the content is prepared")
        if any(context.has_multiline_string(line) for line in body.body):
            raise Refused("a multi-line string would have to be moved")
        if context.is_used_outside(handle):
            raise Refused("the file object is used after its block")
        after = f"  {header.value}" if header is not None else ""
        fix = self._at_once(content, context.span(last), before="await ", after=after)
        top, end = context.span(statement).start.row, context.span(last).start.row
        opener = context.span(statement.items[-1].item).end.row
        outer, inner = context.indent(top), context.indent(end)
        edits = [Edit(Span(Position(top, 1), Position(opener + 1, 1)), "")]
        for row in range(opener + 1, end + 1):
            if context.source.line(row).startswith(inner):
                shift = Span(Position(row, len(outer) + 1), Position(row, len(inner) + 1))
                edits.append(Edit(shift, ""))
        for edit in fix.edits:
            text = edit.text
            if edit.span == context.span(last):
                text = text.replace(f"\n{inner}", f"\n{outer}")
            edits.append(Edit(edit.span, text))
        return Fix(fix.title, fix.applicability, tuple(edits), fix.note)

    def _kept_comment(self, statement: cst.With, handle: str) -> str:
        """The comment to keep if a call replaces a `with` of one statement. It must be the only
        one, and the handle must not be used elsewhere."""
        body = statement.body
        header = body.header.comment if isinstance(body, cst.IndentedBlock) else None
        line = body.body[0] if isinstance(body, cst.IndentedBlock) else body
        assert isinstance(line, (cst.SimpleStatementLine, cst.SimpleStatementSuite))
        trailing = line.trailing_whitespace.comment
        leading = sum(line.comment is not None for line in statement.leading_lines)
        stays = leading + ((header is None) != (trailing is None))
        if len(self.context.comments(statement)) > stays or self.context.is_used_outside(handle):
            raise Refused("the block contains comments")
        return f"  {header.value}" if header is not None else ""


def _names(node: ast.expr) -> set[str]:
    return {each.id for each in nodes.walk(node) if isinstance(each, ast.Name)}


def _json_of(arguments: Sequence[cst.Arg]) -> Sequence[cst.Arg] | None:
    """The value that a call serialises, and its options, if the helper accepts them all."""
    if not arguments or arguments[0].star or arguments[0].keyword is not None:
        return None
    taken = any(keyword(option) in _OWN_KEYWORDS for option in arguments[1:])
    return None if taken else arguments


def _by_name(arguments: Sequence[cst.Arg], names: Sequence[str]) -> dict[str, cst.Arg]:
    """Arguments by parameter name; none if a star argument makes that ambiguous."""
    if any(arg.star for arg in arguments):
        return {}
    positional = zip(names, [arg for arg in arguments if not keyword(arg)], strict=False)
    return {**dict(positional), **{keyword(arg): arg for arg in arguments if keyword(arg)}}
