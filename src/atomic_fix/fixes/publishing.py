"""ATF111 to ATF115: temp file and replace, repaired by the step that is missing or misplaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from atomic_fix.facts.names import dotted
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.atomic_write import fix_staged
from atomic_fix.fixes.imports import import_module
from atomic_fix.fixes.layout import call_text, line_limit, width
from atomic_fix.fixes.place import Place

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.publications import Publication
    from atomic_fix.facts.scopes import Call


def fix_still_open(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF111: the publishing call moves behind the block that writes."""
    place = Place(facts, publication.function)
    return _moved_behind(place, publication)


def fix_elsewhere(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF112: the temp file is made in the target's folder."""
    place = Place(facts, publication.function)
    if len(publication.made) != 1:
        raise Refused("the call that makes the temp file is not in sight")
    made = publication.made[0]
    if made.function is not publication.function:
        raise Refused("the temp file is made in another function")
    called = facts.paths.call_name(made, made.function) or ""
    if called not in {"tempfile.mkstemp", "tempfile.NamedTemporaryFile"}:
        raise Refused("make the temp folder beside the target, by `dir=`")
    if any(arg.star for arg in made.node.args) or made.node.args:
        last = made.node.args[-1]
        if last.star or isinstance(last.comma, cst.Comma):
            raise Refused("not every argument of the call is in sight")
    target = publication.site.target_node
    if not isinstance(target, (cst.Name, cst.Attribute)):
        raise Refused("the target has no name where the temp file is made")
    name = (dotted(target) or "").partition(".")[0]
    bound = publication.function.bindings.get(name, ())
    if bound and not any(b.order < made.order for b in bound):
        raise Refused("the target is not known yet where the temp file is made")
    path = place.text(target)
    new: tuple[Edit, ...] = ()
    if f"{path}.parent" in place.source.text:
        option = f"dir={path}.parent"  # a `Path`, then
    else:
        found = import_module(place, "os")
        new = found.edits
        option = f"dir={found.local}.path.dirname({path}) or {found.local}.curdir"
    span = place.span(made.node)
    if span.start.row != span.end.row:
        raise Refused("the call that makes the temp file stands on several lines")
    row = place.source.line(span.start.row)
    text = call_text(
        place.text(made.node.func),
        [*(place.text(arg) for arg in made.node.args), option],
        place.indent(span.start.row),
        place.unit,
        span.start.column - 1,
        width(row[span.end.column - 1 :]),
        line_limit(place.source),
    )
    edit = Edit(span, text)
    return Fix(
        "Make the temp file beside the target",
        Applicability.UNSAFE,
        (*new, edit),
        "the target's folder must be writable",
    )


def fix_removed(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF113: the removal goes, and the rename replaces."""
    place = Place(facts, publication.function)
    removed = publication.removed
    assert removed is not None
    called = facts.paths.call_name(removed, removed.function) or ""
    if called not in {"os.remove", "os.unlink"} and removed.method != "unlink":
        raise Refused("the old file is kept under another name: copy it instead of moving it")
    edits = [_without(place, removed), *_replacing(place, publication)]
    return Fix(
        "Replace the target in one step",
        Applicability.UNSAFE,
        tuple(edits),
        "the target is no longer removed when the write fails half-way",
    )


def fix_copied(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF114: `os.replace` in place of `os.rename` and `shutil.move`."""
    place = Place(facts, publication.function)
    how = publication.site.how
    if how == "rename":
        return Fix(
            "Replace with `os.replace`",
            Applicability.SAFE,
            tuple(_replacing(place, publication)),
        )
    if how != "move":
        raise Refused("after a copy the temp file stays; rename it with `os.replace` instead")
    call = publication.site.call
    if not isinstance(place.parents.get(call.node), cst.Expr) or len(call.node.args) != 2:
        raise Refused("what `shutil.move` returns is used")
    if publication.elsewhere:
        raise Refused("`os.replace` needs the temp file beside its target")
    found = import_module(place, "os")
    edit = place.edit(call.node.func, f"{found.local}.replace")
    return Fix(
        "Replace with `os.replace`",
        Applicability.UNSAFE,
        (*found.edits, edit),
        "`os.replace` does not move into a folder, nor across file systems",
    )


def fix_unsynced(facts: ModuleFacts, publication: Publication, config: Config) -> Fix:
    """ATF115: `flush` and `fsync` at the end of the block that writes, or the helper where
    the file is written and published in neighbouring statements."""
    if publication.still_open:
        raise Refused("the file must be closed before it is published")
    writes, made = publication.writes, publication.made
    if len(writes) == 1 and not made and writes[0].kind == "write":
        return _collapsed(facts, publication, config)
    if len(writes) + len(made) != 1:
        raise Refused("the handle of the temp file is not in sight")
    function = writes[0].function if writes else made[0].function
    place = Place(facts, function)
    edits = _synced_handle(place, publication)
    return Fix(
        "Synchronise before publishing",
        Applicability.SAFE,
        tuple(edits),
        "each save waits for the disk",
    )


def _synced_handle(place: Place, publication: Publication) -> list[Edit]:
    if publication.writes:
        write = publication.writes[0]
        if write.kind != "open" or write.call.shown is not None:
            raise Refused("the handle of the temp file is not in sight: write with the helper")
        called = place.facts.paths.call_name(write.call, write.function) or ""
        if called not in {"builtins.open", "io.open"} and write.api != "Path.open":
            raise Refused("the handle of the temp file is not one of `open` in a `with`")
        return _synced_block(place, write.call.node)
    made = publication.made[0]
    called = place.facts.paths.call_name(made, made.function) or ""
    if called == "tempfile.NamedTemporaryFile":
        return _synced_block(place, made.node)
    assigned = place.parents.get(made.node)
    if called != "tempfile.mkstemp" or not isinstance(assigned, cst.Assign):
        raise Refused("the handle of the temp file is not in sight")
    target = assigned.targets[0].target
    first = target.elements[0].value if isinstance(target, cst.Tuple) else None
    if not isinstance(first, cst.Name):
        raise Refused("the descriptor of the temp file has no name")
    given = [
        call
        for call in made.function.calls
        if made.order < call.order < publication.site.order or call.function is not made.function
        if call.node.args and dotted(call.node.args[0].value) == first.value
    ]
    for call in given:
        name = place.facts.paths.call_name(call, call.function) or ""
        if name in {"os.fdopen", "builtins.open", "io.open"}:
            return _synced_block(place, call.node)
    closing = [
        call for call in given if place.facts.paths.call_name(call, call.function) == "os.close"
    ]
    written = any(place.facts.paths.call_name(call, call.function) == "os.write" for call in given)
    if not written or len(closing) != 1:
        raise Refused("the handle of the temp file is not in sight")
    statement = place.statement(closing[0].node)
    if not isinstance(place.parents.get(closing[0].node), cst.Expr):
        raise Refused("the descriptor is closed within an expression")
    start = place.span(closing[0].node).start
    found = import_module(place, "os")
    indent = place.indent(place.tree.span(statement).start.row)
    text = f"{found.local}.fsync({first.value})\n{indent}"
    return [*found.edits, place.insert(start, text)]


def _synced_block(place: Place, call: cst.Call) -> list[Edit]:
    """`flush` and `fsync` at the end of the `with` that a call opens a handle for."""
    item = place.parents.get(call)
    if not isinstance(item, cst.WithItem) or item.asname is None:
        raise Refused("the handle of the temp file is not one of `open` in a `with`")
    statement = place.parents[item]
    handle = item.asname.name
    if not isinstance(handle, cst.Name) or not isinstance(statement, cst.With):
        raise Refused("the handle of the temp file has no name")
    if not isinstance(statement.body, cst.IndentedBlock):
        raise Refused("the statement shares its line with another one")
    last = statement.body.body[-1]
    flushed = False
    if isinstance(last, cst.SimpleStatementLine):
        small = last.body[-1]
        if isinstance(small, (cst.Return, cst.Raise, cst.Continue, cst.Break)):
            raise Refused("the block is left before its end")
        flushed = (
            isinstance(small, cst.Expr)
            and isinstance(small.value, cst.Call)
            and dotted(small.value.func) == f"{handle.value}.flush"
        )
    found = import_module(place, "os")
    end = place.tree.span(statement.body).end.row
    indent = place.indent(place.tree.span(statement.body).start.row)
    name = handle.value
    text = "" if flushed else f"\n{indent}{name}.flush()"
    text += f"\n{indent}{found.local}.fsync({name}.fileno())"
    return [*found.edits, place.insert(place.end_of_row(end), text)]


def _collapsed(facts: ModuleFacts, publication: Publication, config: Config) -> Fix:
    """`tmp = ...`, `tmp.write_text(...)`, `tmp.replace(path)` become one call of the helper.

    Raises:
        Refused: there is more to the pattern than these statements.
    """
    write, site = publication.writes[0], publication.site
    if write.function is not site.function or write.call.shown is not None:
        raise Refused("the temp file is written in another function: write with the helper")
    if site.how not in {"replace", "rename", "move"} or publication.removed is not None:
        raise Refused("the publishing call is not one that replaces")
    place = Place(facts, site.function)
    if not isinstance(write.path_node, cst.Name):
        raise Refused("the temp file has no name: write with the helper")
    name = write.path_node.value
    lines = [place.statement(write.call.node), place.statement(site.call.node)]
    suite = place.parents.get(lines[0])
    body = list(suite.body) if isinstance(suite, (cst.IndentedBlock, cst.Module)) else []
    if not all(line in body for line in lines):
        raise Refused("writing and publishing stand in different blocks: write with the helper")
    first = body.index(lines[0]) - 1
    if first < 0 or body.index(lines[1]) != first + 2:
        raise Refused("other statements stand between: write with the helper")
    made = body[first]
    small = made.body[0] if isinstance(made, cst.SimpleStatementLine) else None
    if (
        not isinstance(small, cst.Assign)
        or len(small.targets) != 1
        or dotted(small.targets[0].target) != name
        or not isinstance(made, cst.SimpleStatementLine)
        or len(made.body) != 1
    ):
        raise Refused("where the temp file gets its name is not in sight: write with the helper")
    all_three = [made, *lines]
    within = sum(len(place.uses(name, line)) for line in all_three)
    if within != place.count(name) or within != 3:
        raise Refused("the temp file is used elsewhere: write with the helper")
    for line, call in ((lines[0], write.call), (lines[1], site.call)):
        if not isinstance(place.parents.get(call.node), cst.Expr) or len(line.body) != 1:  # type: ignore[arg-type]
            raise Refused("what a call returns is used: write with the helper")
    last = lines[1].body[0]  # type: ignore[index]
    region = Span(place.tree.span(small).start, place.tree.span(last).end)
    if "#" in place.source.slice(region):
        raise Refused("comments stand in the pattern: write with the helper")
    return fix_staged(place, write, config, site.target_node, region)


def _replacing(place: Place, publication: Publication) -> list[Edit]:
    """The publishing call's name becomes `replace`."""
    site = publication.site
    if site.how == "replace":
        return []
    func = site.call.node.func
    if site.how != "rename" or not isinstance(func, cst.Attribute) or site.call.shown is not None:
        raise Refused("the publishing call is not one that can replace")
    if func.attr.value != "rename":
        raise Refused("`os.renames` makes folders, `os.replace` does not")
    return [place.edit(func.attr, "replace")]


def _without(place: Place, removed: Call) -> Edit:
    """The statement of a call goes, with the `if` around it when it is all of that."""
    statement: cst.CSTNode = place.statement(removed.node)
    if not isinstance(place.parents.get(removed.node), cst.Expr):
        raise Refused("the removal is part of a larger expression")
    body = place.parents[statement]
    around = place.parents.get(body)
    lines = list(body.body) if isinstance(body, (cst.IndentedBlock, cst.Module)) else []
    if len(lines) == 1:
        if not isinstance(around, cst.If) or around.orelse is not None:
            raise Refused("the removal is all that its block does")
        above = place.parents.get(around)
        if isinstance(above, cst.If) and above.orelse is around:
            raise Refused("the removal is all that its block does")
        code = cst.Module([]).code_for_node(around.test)
        if "exists(" not in code and "is_file(" not in code and "isfile(" not in code:
            raise Refused("the removal depends on a condition")
        statement = around
        outer = place.parents[around]
        if isinstance(outer, cst.IndentedBlock) and len(outer.body) == 1:
            raise Refused("the removal is all that its block does")
    inner = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else statement
    span = place.tree.span(inner)
    # A comment above stays: it stands over the publishing call then.
    if any("#" in place.source.line(row) for row in range(span.start.row, span.end.row + 1)):
        raise Refused("a comment stands where the removal would go")
    return Edit(Span(Position(span.start.row, 1), Position(span.end.row + 1, 1)), "")


def _moved_behind(place: Place, publication: Publication) -> Fix:
    call = publication.site.call
    line = place.statement(call.node)
    body = place.parents.get(line)
    block = place.parents.get(body) if body is not None else None
    if not isinstance(body, cst.IndentedBlock) or not isinstance(block, cst.With):
        raise Refused("close the handle before the file is published")
    if (
        body.body[-1] is not line
        or len(body.body) < 2
        or not isinstance(line, cst.SimpleStatementLine)
    ):
        raise Refused("the publishing call is not the last statement of its block")
    span = place.tree.span(line.body[0])
    if span.start.row != span.end.row:
        raise Refused("the publishing call stands on several lines")
    outer = place.indent(place.span(block).start.row)
    start = Position(span.start.row, 1)
    return Fix(
        "Publish after the file is closed",
        Applicability.SAFE,
        (Edit(Span(start, span.start), outer),),
    )
