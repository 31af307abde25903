"""ATF111 to ATF115: repairs temp-and-replace code by adding or moving the wrong step."""

import ast
import itertools
import re
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import Move
from atomic_fix.catalog.calls import CHANGING_A_FILE
from atomic_fix.facts import nodes
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.names import words
from atomic_fix.facts.publications import Publication, unclosed_compressor
from atomic_fix.facts.scopes import BlockKind, Call, FunctionFacts
from atomic_fix.facts.writes import WriteKind
from atomic_fix.finding import Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.atomic_write import fix_staged
from atomic_fix.fixes.cst_tree import dotted
from atomic_fix.fixes.edit_context import EditContext, last_name
from atomic_fix.fixes.importable import must_not_be_python_2
from atomic_fix.fixes.imports import import_module

_MKSTEMP = "tempfile.mkstemp"
_NAMED_TEMP = "tempfile.NamedTemporaryFile"
_SYNCHRONISE = "Sync the temp file to disk before publishing it"
# A comment about a temp file would be wrong above a call of the helper.
_STEPS = re.compile(r"te?mp|renam|replac|swap|\bmov", re.IGNORECASE)


def fix_still_open(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF111: the publishing call moves after the code that closes the file; if it cannot, `flush`
    and `fsync` are added before it."""
    opener, handle = _opener(facts, publication)
    context = _context(facts, publication)
    if opener.function is not publication.function:
        raise Refused("close the handle before the file is published")
    line = context.simple_statement(_code(context, publication.site.call))
    edits = _moved_behind(context, line, opener, handle)
    if not edits and (wrapper := unclosed_compressor(facts.sites, publication.site, handle)):
        raise Refused(f"close `{wrapper}` before the file is published: it still holds data")
    if edits:
        return context.fix("Publish after the file is closed", edits)
    end = context.span(line.body[0]).end
    if any(
        context.span(use).start > end and _is_written(context, use) for use in context.uses(handle)
    ):
        raise Refused("the file object is used after the file is published")
    _must_stay_open(context, handle, Position(1, 1))
    rows = [f"{handle}.flush()", f"{import_module(context, 'os')}.fsync({handle}.fileno())"]
    return context.fix(_SYNCHRONISE, [_inserted(context, line, rows)])


def fix_elsewhere(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF112: the temp file is created in the target's folder."""
    context = _context(facts, publication)
    context.mark_unsafe("the folder of the target must be writable")
    return context.fix("Create the temp file next to the target", [_beside(context, publication)])


def fix_removed(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF113: the removal is deleted or becomes a copy, and the rename becomes a replace."""
    context = _context(facts, publication)
    removed = publication.removed
    assert removed is not None
    if context.called(removed) in {"os.remove", "os.unlink"} or removed.method == "unlink":
        context.mark_unsafe("the target is no longer removed when the write fails half-way")
        edits = [context.removal_edit(_code(context, removed))]
    else:
        context.mark_unsafe(
            "the old file is copied to its other name, and stays until it is replaced"
        )
        edits = [_copied_to_backup(context, publication, removed)]
    # The problem of `shutil.move` is reported by a separate rule.
    if publication.site.how is not Move.MOVE:
        edits += _replacing(context, publication)
    return context.fix("Replace the target in one step", edits)


def fix_copied(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF114: `os.replace` instead of `os.rename`, `shutil.move` and `shutil.copy`."""
    context = _context(facts, publication)
    site = publication.site
    title = "Replace with `os.replace`"
    if site.how is Move.RENAME:
        if _fails_over(context, publication):
            raise Refused("a handler that renames again would be left over")
        return context.fix(title, _replacing(context, publication))
    if site.elsewhere is not None:
        raise Refused(f"{site.elsewhere.at} moves it")
    if site.api not in {"shutil.move", "shutil.copy", "shutil.copy2"}:
        raise Refused(f"the temp file may remain after `{site.api}`; publish it with `os.replace`")
    if not _is_statement(context, site.call) or len(site.call.arguments) != 2:
        raise Refused(f"`{site.api}` is passed options, or its result is used")
    call = _code(context, site.call)
    edits: list[Edit] = []
    context.mark_unsafe("`os.replace` moves neither into a folder nor across file systems")
    if site.how is Move.COPY:
        following = context.siblings(context.simple_statement(call))[1][:1]
        edits += context.removal_edits(context.text(site.source_node), following)
        if not edits:
            raise Refused(
                "the temp file would remain after the copy; rename it with `os.replace` instead"
            )
        context.mark_unsafe("the target becomes a new file, even if it is read-only or has links")
    if publication.elsewhere:
        edits.append(_beside(context, publication))
    must_not_be_python_2(context)
    edits.append(context.edit(call.func, f"{import_module(context, 'os')}.replace"))
    return context.fix(title, edits)


def _fails_over(context: EditContext, publication: Publication) -> bool:
    """Whether a handler around the rename renames again, for systems on which the target must not
    exist. If the first call becomes a replace, that handler and its comments would be useless."""
    site = publication.site
    others = [
        each.call.source_node
        for each in context.facts.sites.publishes
        if each is not site and each.function is site.function and each.target.same(site.target)
    ]
    inner: ast.AST = site.call.source_node
    for outer in context.ast_ancestors(inner) if others else ():
        if isinstance(outer, ast.Try) and inner in outer.body:
            inside = {node for handler in outer.handlers for node in nodes.walk(handler)}
            if not inside.isdisjoint(others):
                return True
        inner = outer
    return False


def fix_unsynced(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF115: the helper, if the file is named, written and published in adjacent statements; or
    `flush` and `fsync` at the end of the write; or the finished file is reopened for `fsync`."""
    if publication.still_open:
        raise Refused("the file must be closed before it is published")
    with suppress(Refused):
        return _collapsed(facts, publication)
    site = publication.site
    if site.how is Move.COPY:
        raise Refused(
            f"`{site.api}` writes the target again; publish the temp file by `os.replace`"
        )
    with suppress(Refused):
        return _synced_handle(facts, publication)
    return _synced_again(facts, publication)


def _context(
    facts: ModuleFacts, publication: Publication, function: FunctionFacts | None = None
) -> EditContext:
    calls = [publication.site.call, *(w.call for w in publication.writes), *publication.made]
    function = function or publication.function
    return EditContext(
        facts, function, [each.source_node for each in calls if each.function is function]
    )


def _code(context: EditContext, call: Call) -> cst.Call:
    """LibCST's node of a call."""
    found = context.cst_node(call.node)
    assert isinstance(found, cst.Call)
    return found


def _is_statement(context: EditContext, call: Call) -> bool:
    """Whether the result of a call is unused."""
    return isinstance(context.parent(call.node), ast.Expr)


# --- missing steps ------------------------------------------------------------------


def _opener(facts: ModuleFacts, publication: Publication) -> tuple[Call, str]:
    """The only call that opens the temp file, as a handle or bare descriptor, and the name of the
    handle or descriptor."""
    opened = [*(write.call for write in publication.writes), *publication.made]
    if len(opened) == 1:
        call = opened[0]
        context = EditContext(facts, call.function)
        api = context.called(call) if publication.made else publication.writes[0].api
        if api == _MKSTEMP:
            descriptor = _bound_to(context, call)
            for other in _given(context, descriptor, *apis.PLAIN_HANDLES):
                return other, _bound_to(context, other)
            return call, descriptor
        if call.shown is None and api in apis.PLAIN_HANDLES:
            return call, _bound_to(context, call)
    raise Refused("the file object of the temp file cannot be found")


def _given(context: EditContext, name: str, *callees: str) -> list[Call]:
    """The calls of some functions whose first argument is a variable."""
    return [
        call
        for call in context.function.calls
        if call.arguments
        and nodes.dotted(call.arguments[0].value) == name
        and context.called(call).removeprefix("builtins.") in callees
    ]


def _bound_to(context: EditContext, call: Call) -> str:
    """The variable to which a `with` or an assignment binds the result of a call, or its first
    element."""
    target: ast.AST | None = None
    match context.parent(call.node):
        case ast.withitem(optional_vars=target):
            pass
        case ast.Assign(targets=[ast.Tuple(elts=[first, *_])]):
            target = first.value if isinstance(first, ast.Starred) else first
        case ast.Assign(targets=[target]):
            pass
    name = target.id if isinstance(target, ast.Name) else ""
    if not name:
        raise Refused("the file object of the temp file has no name")
    return name


def _synced_handle(facts: ModuleFacts, publication: Publication) -> Fix:
    """`flush` and `fsync` at the point where everything is written and the handle is still open."""
    opener, handle = _opener(facts, publication)
    if _is_written_again(publication, opener):
        raise Refused  # the synced file would not be the published one
    function = opener.function
    context = _context(facts, publication, function)
    synchronise = f"{import_module(context, 'os')}.fsync"
    context.note = "each save waits until the disk has the data"
    if context.called(opener) == _MKSTEMP:
        closing = _given(context, handle, "os.close")
        if not _given(context, handle, "os.write"):
            raise Refused
        spot = _spot(context, opener, closing, publication)
        rows = [f"{synchronise}({handle})"]
    else:
        rows = [f"{handle}.flush()", f"{synchronise}({handle}.fileno())"]
        opening = _code(context, opener)
        uses = _uses_after(context, handle, context.span(opening).end)
        blocks = [context.parents[item] for item in _with_items(context, opening, handle)]
        if blocks:
            spot = blocks[-1].body  # type: ignore[attr-defined]
            start = context.span(spot).start
            before = itertools.takewhile(lambda use: context.span(use).start < start, uses)
            if any(isinstance(context.parents[use], cst.Arg) for use in before):
                raise Refused  # another handle of the same `with` may still buffer data
            spot, end = _before_its_close(context, spot, handle, publication)
        else:
            closing = [call for call in function.calls if call.name == f"{handle}.close"]
            spot = _spot(context, opener, closing, publication)
            end = context.span(spot).end
        _must_stay_open(context, handle, context.span(opening).end)
        within = itertools.takewhile(lambda use: context.span(use).start < end, uses)
        writing = [use for use in within if _is_written(context, use)]
        if not writing:
            raise Refused  # another handle writes
        if any(isinstance(context.parents[use], cst.Yield) for use in writing):
            context.mark_unsafe("the code that gets the handle must leave it open")
    return context.fix(_SYNCHRONISE, [_inserted(context, spot, rows)])


def _uses_after(context: EditContext, name: str, position: Position) -> Sequence[cst.Name]:
    """The uses of a variable after a place, in order."""
    starts = context.cached(
        ("starts", context.function, name),
        lambda: [context.span(u).start for u in context.uses(name)],
    )
    return context.uses(name)[bisect_left(starts, position) :]


def _with_items(context: EditContext, opening: cst.CSTNode, name: str) -> list[cst.CSTNode]:
    """The items of `with` statements that are the opening call, or a name bound to its result."""
    known = context.cached(
        ("items", context.function, name),
        lambda: [
            (context.span(use).start, context.parents[use])
            for use in context.uses(name)
            if isinstance(context.parents[use], cst.WithItem)
        ],
    )
    after = context.span(opening).end
    items = [context.parents[opening], *(item for start, item in known if start >= after)]
    return [item for item in items if isinstance(item, cst.WithItem)]


def _must_stay_open(context: EditContext, name: str, position: Position) -> None:
    """Refuses if anything but its own `close` call may close the handle after a node."""
    known = context.cached(("closings", context.function, name), lambda: _closings(context, name))
    for start, reason in known:
        if start >= position:
            raise Refused(reason)


def _closings(context: EditContext, name: str) -> list[tuple[Position, str]]:
    """The nodes at which something other than its own `close` call may close a handle, with the
    reason."""
    found = []
    for use in context.uses(name):
        above = context.parents[use]
        outer = context.parents.get(above)
        taken = isinstance(above, cst.Attribute) and above.attr.value == "close"
        if taken and not isinstance(outer, cst.Call):
            found.append((context.span(use).start, "the handle may be closed under another name"))
        if not isinstance(above, cst.Arg) or not isinstance(outer, cst.Call):
            continue
        found += [
            (context.span(use).start, f"`{callee.name}` may close the handle")
            for callee in context.facts.scopes.functions_named(last_name(outer))
            if any(_closes(node) for node in nodes.of_kind(callee.node, ast.AST))
        ]
    return found


def _closes(node: ast.AST) -> bool:
    """Whether a node closes something: `file.close()`, or `with file:`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "close"
    return isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Name)


def _before_its_close(
    context: EditContext, block: cst.CSTNode, handle: str, publication: Publication
) -> tuple[cst.CSTNode, Position]:
    """The end of a `with`, or the statement inside it that closes the handle earlier."""
    closing = [
        call
        for call in context.function.calls
        if call.name in {f"{handle}.close", f"{handle}.file.close", f"{handle}.__exit__"}
        and block in context.ancestors(_code(context, call))
    ]
    if not closing:
        return block, context.span(block).end
    line = context.simple_statement(_code(context, closing[0]))
    if len(closing) > 1 or context.parents[line] is not block:
        raise Refused("it is unclear where the file is closed")
    return line, context.span(line).start


def _is_written(context: EditContext, use: cst.Name) -> bool:
    """Whether a handle is used for anything but its name and `close`.

    Raises:
        Refused: it is passed to code that may buffer data, or close it.
    """
    above = context.parents[use]
    if isinstance(above, cst.Arg):
        call = context.parents[above]
        package = context.called(call).partition(".")[0]
        if package not in apis.WRITING_THROUGH and not context.is_statement(call):
            raise Refused("the file object is passed on before it is closed")
        return True
    if isinstance(above, cst.Attribute):
        return above.attr.value not in {"name", "close", "flush", "fileno"}
    return isinstance(above, cst.Yield)


def _spot(
    context: EditContext, opener: Call, closing: Sequence[Call], publication: Publication
) -> cst.CSTNode:
    """The statement that closes the file before it is published, or the block of the `try` whose
    `finally` or `else` does."""
    site = publication.site
    ahead = [
        call
        for call in closing
        if call.order > opener.order
        and (call.order < site.order or call.function is not site.function)
        and not any(block.kind is BlockKind.HANDLER for block in call.enclosing)
    ]
    if len(ahead) != 1 or not _is_statement(context, ahead[0]):
        raise Refused
    line = context.simple_statement(_code(context, ahead[0]))
    opening = list(context.ancestors(_code(context, opener)))
    for each in context.ancestors(line):
        above = context.parents.get(each)
        if isinstance(each, (cst.Finally, cst.Else)) and isinstance(above, cst.Try):
            if each in opening:
                return line
            if not _is_always_open(context, opening, above.body):
                raise Refused("the file is opened in only some of the cases")
            return above.body
    return line


def _is_always_open(
    context: EditContext, opening: Sequence[cst.CSTNode], block: cst.CSTNode
) -> bool:
    """Whether the end of a block is reached only after a call, given the nodes around the call."""
    around = {block, *context.ancestors(block)}
    for each in opening:
        if isinstance(each, (cst.IndentedBlock, cst.Module)):
            above = context.parents.get(each)
            if each in around:
                return True
            runs_on = isinstance(above, cst.With) or (
                isinstance(above, cst.Try)
                and each is above.body
                and all(_ends(handler.body) for handler in above.handlers)
            )
            if not runs_on:
                return False
    return False


def _ends(body: cst.BaseSuite) -> bool:
    """Whether a block leaves the code around it."""
    last = body.body[-1] if body.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    return isinstance(last, (cst.Return, cst.Raise, cst.Continue, cst.Break))


def _inserted(context: EditContext, spot: cst.CSTNode, rows: Sequence[str]) -> Edit:
    """Rows to insert at the end of a block, or above a statement and its comments. The first is
    left out if it already exists."""
    if isinstance(spot, cst.SimpleStatementLine):
        ahead = context.siblings(spot)[0]
    elif isinstance(spot, cst.IndentedBlock):
        ahead = list(spot.body)
    else:
        raise Refused("the line holds more than one statement")
    last = ahead[-1].body[-1] if ahead and isinstance(ahead[-1], cst.SimpleStatementLine) else None
    if last is not None and context.text(last) == rows[0]:
        rows = rows[1:]
    row = context.span(spot).start.row
    indent = context.indent(row)
    if isinstance(spot, cst.SimpleStatementLine):
        text = "".join(f"{indent}{each}\n" for each in rows)
        return context.insert(Position(context.first_comment(row), 1), text)
    if isinstance(last, (cst.Return, cst.Raise, cst.Continue, cst.Break)):
        raise Refused("the block is left before its end")
    return context.insert(
        context.position_below(spot), "".join(f"\n{indent}{each}" for each in rows)
    )


def _is_written_again(publication: Publication, opener: Call) -> bool:
    """Whether a call between the write and the publishing call gets the path of the temp file, and
    may write the file again: `write_metadata(temp_path, tags)`."""
    site = publication.site
    source = nodes.dotted(site.source_node)
    return source is not None and any(
        opener.node.lineno < call.node.lineno < site.call.node.lineno
        and not CHANGING_A_FILE.isdisjoint(words((call.name or "").rpartition(".")[2]))
        and any(nodes.dotted(each.value) == source for each in call.arguments)
        for call in publication.function.calls
    )


def _synced_again(facts: ModuleFacts, publication: Publication) -> Fix:
    """`fsync` of the finished file through a new handle."""
    site = publication.site
    context = _context(facts, publication)
    source = nodes.dotted(site.source_node)
    _must_be_a_file(context, publication)
    if source is None or "open" in {*facts.scopes.imports, *facts.scopes.module.bindings}:
        raise Refused("the temp file has no name; write with the helper instead")
    if isinstance(site.function.node, ast.AsyncFunctionDef):
        raise Refused("`os.fsync` would block the event loop; write with the helper instead")
    line = context.simple_statement(context.cst_node(site.call.source_node))
    if not isinstance(context.parent(site.call.source_node), (ast.Expr, ast.Return, ast.Assign)):
        raise Refused("the statement itself decides whether the file is published")
    handle = context.unused_name("file", "handle", "temp_file")
    rows = [
        f'with open({source}, "r+b") as {handle}:',
        f"{context.unit}{import_module(context, 'os')}.fsync({handle}.fileno())",
    ]
    context.mark_unsafe("the temp file is opened once more, so it must be a writable file")
    return context.fix(_SYNCHRONISE, [_inserted(context, line, rows)])


def _must_be_a_file(context: EditContext, publication: Publication) -> None:
    makers = {context.called(made) for made in publication.made}
    if makers - {_MKSTEMP, _NAMED_TEMP} or not (makers or publication.writes):
        raise Refused("it is unknown whether a file or a folder is published")


def _collapsed(facts: ModuleFacts, publication: Publication) -> Fix:
    """`tmp = ...`, `tmp.write_text(...)` and `tmp.replace(path)` become one call of the helper."""
    site = publication.site
    if len(publication.writes) != 1 or publication.made:
        raise Refused
    write = publication.writes[0]
    if (
        write.kind is not WriteKind.WHOLE
        or write.function is not site.function
        or write.call.shown is not None
        or site.how not in {Move.REPLACE, Move.RENAME, Move.MOVE}
        or publication.removed is not None
        or not isinstance(write.path_node, ast.Name)
    ):
        raise Refused
    context = _context(facts, publication)
    name = write.path_node.id
    line, end = (
        context.simple_statement(_code(context, write.call)),
        context.simple_statement(_code(context, site.call)),
    )
    above, below = context.siblings(line)
    made = above[-1] if above else None
    if below[:1] != [end] or not isinstance(made, cst.SimpleStatementLine):
        raise Refused
    small, last = made.body[0], end.body[0]
    if (
        len(made.body) != 1
        or not isinstance(small, cst.Assign)
        or len(small.targets) != 1
        or dotted(small.targets[0].target) != name
        or context.count(name) != 3
        or sum(len(context.uses(name, each)) for each in (made, line, end)) != 3
        or not all(_is_statement(context, each) for each in (write.call, site.call))
    ):
        raise Refused
    region = Span(context.span(small).start, context.span(last).end)
    if "#" in context.source.slice(region):
        raise Refused
    trailing = context.source.line(region.end.row)[region.end.column - 1 :]
    row = region.start.row
    comments = [context.source.line(each) for each in range(context.first_comment(row), row)]
    if _STEPS.search("".join([trailing, *comments])):
        raise Refused
    return fix_staged(context, write, site.target_node, region)


# --- misplaced or superfluous steps -------------------------------------------------


def _beside(context: EditContext, publication: Publication) -> Edit:
    made = publication.made[0] if len(publication.made) == 1 else None
    if made is None or made.function is not publication.function:
        raise Refused("the call that creates the temp file cannot be found")
    if context.called(made) not in {_MKSTEMP, _NAMED_TEMP}:
        raise Refused("create the temp folder next to the target, with `dir=`")
    if any(arg.star for arg in made.arguments):
        raise Refused("the call is passed `*args` or `**kwargs`")
    target = publication.site.target_node
    if not isinstance(target, (ast.Name, ast.Attribute)):
        raise Refused("the target has no name yet where the temp file is created")
    name = (nodes.dotted(target) or "").partition(".")[0]
    known = publication.function.bindings.get(name, ())
    if known and not any(each.order < made.order for each in known):
        raise Refused("the target is not known yet where the temp file is created")
    path = context.text(target)
    option = f"dir={path}.parent"  # a `Path`, then
    if f"{path}.parent" not in context.source.text:
        module = import_module(context, "os")
        option = f"dir={module}.path.dirname({path}) or {module}.curdir"
    call = _code(context, made)
    if context.comments(call):
        raise Refused("the call that creates the temp file contains comments")
    span = context.span(call)
    text = context.format_call(context.text(call.func), [*call.args, option], span)
    return Edit(span, text)


def _copied_to_backup(context: EditContext, publication: Publication, moved: Call) -> Edit:
    """`shutil.copy2` instead of the call that moves the old file to another name."""
    _must_be_a_file(context, publication)
    if not _is_statement(context, moved) or context.comments(_code(context, moved)):
        raise Refused("the call that moves the old file is part of a larger statement")
    call = _code(context, moved)
    copy = f"{import_module(context, 'shutil')}.copy2"
    if context.called(moved) in {"os.rename", "os.replace", "shutil.move"}:
        return context.edit(call.func, copy)
    if not isinstance(call.func, cst.Attribute) or len(call.args) != 1 or call.args[0].star:
        raise Refused("the old file is kept under another name: copy it instead of moving it")
    text = f"{copy}({context.text(call.func.value)}, {context.text(call.args[0].value)})"
    return context.edit(call, text)


def _replacing(context: EditContext, publication: Publication) -> list[Edit]:
    """The publishing call's name becomes `replace`."""
    site = publication.site
    if site.how is Move.REPLACE:
        return []
    if (
        site.how is not Move.RENAME
        or not isinstance(site.call.node.func, ast.Attribute)
        or site.call.shown is not None
    ):
        raise Refused("the publishing call is not one that can replace")
    func = _code(context, site.call).func
    assert isinstance(func, cst.Attribute)
    if func.attr.value != "rename":
        raise Refused("`os.renames` creates folders, `os.replace` does not")
    must_not_be_python_2(context)
    return [context.edit(func.attr, "replace")]


def _moved_behind(
    context: EditContext, line: cst.SimpleStatementLine, opener: Call, handle: str
) -> list[Edit]:
    """The edits that move the publishing statement after the code that closes the file; none if it
    cannot move."""
    block = context.parents.get(context.parents[line])
    span = context.span(line.body[0])
    ahead, following = context.siblings(line)
    kept = opener.argument(None, "delete")
    removed = context.called(opener) == _NAMED_TEMP and nodes.dotted(kept) != "False"
    if removed or span.start.row != span.end.row:
        return []  # closing it removes it
    opening = _code(context, opener)
    if isinstance(block, cst.With) and block is context.parents[context.parents[opening]]:
        if following or not ahead or len(block.items) > 1:
            return []
        outer = context.indent(context.span(block).start.row)
        row, column = span.start.row, span.start.column
        return [
            Edit(Span(Position(each, 1), Position(each, column)), outer)
            for each in range(context.first_comment(row), row + 1)
        ]
    if following and context.text(following[0]) == f"{handle}.close()":
        row, end = span.start.row, context.span(following[0]).start.row
        if end == row + 1:
            whole = Span(Position(row, 1), context.end_of_row(end))
            return [Edit(whole, f"{context.source.line(end)}\n{context.source.line(row)}")]
    return []
