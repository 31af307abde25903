"""ATF111 to ATF115: temp file and replace, repaired by the step that is missing or misplaced."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import libcst as cst

from atomic_fix.config import Config
from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import dotted
from atomic_fix.facts.publications import Publication
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.atomic_write import fix_staged
from atomic_fix.fixes.imports import import_module
from atomic_fix.fixes.place import Place

_MKSTEMP = "tempfile.mkstemp"
_NAMED_TEMP = "tempfile.NamedTemporaryFile"
_OPENERS = frozenset({"open", "io.open", "os.fdopen", "Path.open", _NAMED_TEMP})
# What these make of a handle writes through, or ends before the handle does.
_LEFT_OPEN = frozenset({"csv", "json", "pickle", "gzip", "bz2", "lzma", "tarfile", "zipfile"})
_SYNCHRONISE = "Synchronise before publishing"
# A comment on a temp file would lie over a call of the helper.
_STEPS = re.compile(r"te?mp|renam|replac|swap|\bmov", re.IGNORECASE)


def fix_still_open(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF111: the publishing call moves behind what closes the file; where it cannot, `flush`
    and `fsync` go before it."""
    opener, handle = _opener(facts, publication)
    place = Place(facts, publication.function)
    if opener.function is not publication.function:
        raise Refused("close the handle before the file is published")
    line = place.line(publication.site.call.node)
    edits = _moved_behind(place, line, opener, handle)
    if edits:
        return Fix("Publish after the file is closed", Applicability.SAFE, tuple(edits))
    end = place.tree.span(line.body[0]).end
    if any(place.span(use).start > end and _is_written(place, use) for use in place.uses(handle)):
        raise Refused("the handle is used after the file is published")
    found = import_module(place, "os")
    rows = [f"{handle}.flush()", f"{found.local}.fsync({handle}.fileno())"]
    edits = [*found.edits, _inserted(place, line, rows)]
    return Fix(_SYNCHRONISE, Applicability.SAFE, tuple(edits))


def fix_elsewhere(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF112: the temp file is made in the target's folder."""
    return Fix(
        "Make the temp file beside the target",
        Applicability.UNSAFE,
        tuple(_beside(Place(facts, publication.function), publication)),
        "the target's folder must be writable",
    )


def fix_removed(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF113: the removal goes, or becomes a copy, and the rename replaces."""
    place = Place(facts, publication.function)
    removed = publication.removed
    assert removed is not None
    called = facts.paths.call_name(removed, removed.function) or ""
    if called in {"os.remove", "os.unlink"} or removed.method == "unlink":
        note = "the target is no longer removed when the write fails half-way"
        edits = [place.without(removed.node)]
    else:
        note = "the old file is copied to its other name, and stays until it is replaced"
        edits = _copied_aside(place, publication, removed)
    # What `shutil.move` lacks is told by a rule of its own.
    if publication.site.how != "move":
        edits += _replacing(place, publication)
    return Fix("Replace the target in one step", Applicability.UNSAFE, tuple(edits), note)


def fix_copied(facts: ModuleFacts, publication: Publication) -> Fix:
    """ATF114: `os.replace` in place of `os.rename`, `shutil.move` and `shutil.copy`."""
    place = Place(facts, publication.function)
    site = publication.site
    title = "Replace with `os.replace`"
    if site.how == "rename":
        return Fix(title, Applicability.SAFE, tuple(_replacing(place, publication)))
    if site.api not in {"shutil.move", "shutil.copy", "shutil.copy2"}:
        raise Refused(f"after `{site.api}` the temp file may stay; publish it with `os.replace`")
    call = site.call.node
    if not isinstance(place.parents.get(call), cst.Expr) or len(call.args) != 2:
        raise Refused(f"`{site.api}` is given options, or what it returns is used")
    edits: list[Edit] = []
    note = "`os.replace` does not move into a folder, nor across file systems"
    if site.how == "copy":
        line = place.line(call)
        lines = list(getattr(place.parents[line], "body", ()))
        following = lines[lines.index(line) + 1 :][:1]
        edits += place.without_removal(place.text(site.source_node), following)
        if not edits:
            raise Refused("after a copy the temp file stays; rename it with `os.replace` instead")
        note = "the target becomes another file, also where it is read-only or has links"
    if publication.elsewhere:
        edits += _beside(place, publication)
    found = import_module(place, "os")
    edits += [*found.edits, place.edit(call.func, f"{found.local}.replace")]
    return Fix(title, Applicability.UNSAFE, tuple(dict.fromkeys(edits)), note)


def fix_unsynced(facts: ModuleFacts, publication: Publication, config: Config) -> Fix:
    """ATF115: the helper, where the file is named, written and published in neighbouring
    statements; or `flush` and `fsync` at the end of what writes; or the finished file is opened
    once more for `fsync`."""
    if publication.still_open:
        raise Refused("the file must be closed before it is published")
    with suppress(Refused):
        return _collapsed(facts, publication, config)
    with suppress(Refused):
        return _synced_handle(facts, publication)
    return _synced_again(facts, publication)


# --- steps that are missing ---------------------------------------------------------


def _opener(facts: ModuleFacts, publication: Publication) -> tuple[Call, str]:
    """The only call that opens the temp file, or that makes a bare descriptor of it, and the
    name of the handle or descriptor."""
    opened = [(write.call, write.api) for write in publication.writes]
    opened += [(m, facts.paths.call_name(m, m.function) or "") for m in publication.made]
    if len(opened) == 1:
        call, api = opened[0]
        place = Place(facts, call.function)
        if api == _MKSTEMP:
            descriptor = _bound_to(place, call)
            for other in _given(facts, call.function, descriptor, _OPENERS):
                return other, _bound_to(place, other)
            return call, descriptor
        if call.shown is None and api in _OPENERS:
            return call, _bound_to(place, call)
    raise Refused("the handle of the temp file is not in sight")


def _given(
    facts: ModuleFacts, function: FunctionFacts, name: str, callees: frozenset[str]
) -> list[Call]:
    """The calls of some functions whose first argument is a variable."""
    return [
        call
        for call in function.calls
        if call.node.args
        and dotted(call.node.args[0].value) == name
        and (facts.paths.call_name(call, function) or "").removeprefix("builtins.") in callees
    ]


def _bound_to(place: Place, call: Call) -> str:
    """The variable that a `with` or an assignment binds what a call returns to, or its first
    part."""
    above = place.parents.get(call.node)
    name: cst.CSTNode | None = None
    if isinstance(above, cst.WithItem) and above.asname is not None:
        name = above.asname.name
    elif isinstance(above, cst.Assign) and len(above.targets) == 1:
        name = above.targets[0].target
        if isinstance(name, cst.Tuple):
            name = name.elements[0].value
    if not isinstance(name, cst.Name):
        raise Refused("the handle of the temp file has no name")
    return name.value


def _synced_handle(facts: ModuleFacts, publication: Publication) -> Fix:
    """`flush` and `fsync` where all is written and the handle is still open."""
    opener, handle = _opener(facts, publication)
    function = opener.function
    place = Place(facts, function)
    found = import_module(place, "os")
    fix = Fix(_SYNCHRONISE, Applicability.SAFE, found.edits, "each save waits for the disk")
    if facts.paths.call_name(opener, function) == _MKSTEMP:
        closing = _given(facts, function, handle, frozenset({"os.close"}))
        if not _given(facts, function, handle, frozenset({"os.write"})):
            raise Refused
        spot = _spot(place, opener, closing, publication)
        rows = [f"{found.local}.fsync({handle})"]
    else:
        rows = [f"{handle}.flush()", f"{found.local}.fsync({handle}.fileno())"]
        uses = [use for use in place.uses(handle) if place.span(use) > place.span(opener.node)]
        items = [place.parents[each] for each in (opener.node, *uses)]
        blocks = [place.parents[item] for item in items if isinstance(item, cst.WithItem)]
        if blocks:
            spot = blocks[-1].body  # type: ignore[attr-defined]
            start, end = place.tree.span(spot).start, place.tree.span(spot).end
            if any(
                isinstance(place.parents[use], cst.Arg)
                for use in uses
                if place.span(use).start < start
            ):
                raise Refused  # another handle of the same `with` may hold a part back
        else:
            closing = [call for call in function.calls if call.name == f"{handle}.close"]
            spot = _spot(place, opener, closing, publication)
            end = place.tree.span(spot).end
        writing = [use for use in uses if place.span(use).start < end and _is_written(place, use)]
        if not writing:
            raise Refused  # another handle writes
        if any(isinstance(place.parents[use], cst.Yield) for use in writing):
            note = "who is given the handle must leave it open"
            fix = replace(fix, applicability=Applicability.UNSAFE, note=note)
    return replace(fix, edits=(*found.edits, _inserted(place, spot, rows)))


def _is_written(place: Place, use: cst.Name) -> bool:
    """Whether more is done with a handle than to ask for its name or to close it.

    Raises:
        Refused: it goes to what may hold a part back, or close it.
    """
    above = place.parents[use]
    if isinstance(above, cst.Arg):
        call = place.parents[above]
        called = place.facts.paths.call_name(call, place.function) or ""  # type: ignore[arg-type]
        if called.partition(".")[0] not in _LEFT_OPEN and not isinstance(
            place.parents[call], cst.Expr
        ):
            raise Refused("the handle is given away before it is closed")
        return True
    if isinstance(above, cst.Attribute):
        return above.attr.value not in {"name", "close", "flush", "fileno"}
    return isinstance(above, cst.Yield)


def _spot(
    place: Place, opener: Call, closing: Sequence[Call], publication: Publication
) -> cst.CSTNode:
    """The statement that closes before it is published, or the block of the `try` whose
    `finally` or `else` does."""
    site = publication.site
    ahead = [
        call
        for call in closing
        if call.order > opener.order
        and (call.order < site.order or call.function is not site.function)
        and not any(inside.kind == "handler" for inside in call.inside)
    ]
    if len(ahead) != 1 or not isinstance(place.parents.get(ahead[0].node), cst.Expr):
        raise Refused
    line = place.line(ahead[0].node)
    opening = list(place.ancestors(opener.node))
    for each in place.ancestors(line):
        above = place.parents.get(each)
        if isinstance(each, (cst.Finally, cst.Else)) and isinstance(above, cst.Try):
            return line if each in opening else above.body
    return line


def _inserted(place: Place, spot: cst.CSTNode, rows: Sequence[str]) -> Edit:
    """Rows at the end of a block, or above a statement and its comments. The first goes when it
    stands there already."""
    if isinstance(spot, cst.SimpleStatementLine):
        suite = place.parents[spot]
        ahead = list(suite.body)  # type: ignore[attr-defined]
        ahead = ahead[: ahead.index(spot)]
    elif isinstance(spot, cst.IndentedBlock):
        ahead = list(spot.body)
    else:
        raise Refused("the statement shares its line with another one")
    last = ahead[-1].body[-1] if ahead and isinstance(ahead[-1], cst.SimpleStatementLine) else None
    if last is not None and place.text(last) == rows[0]:
        rows = rows[1:]
    if isinstance(spot, cst.IndentedBlock):
        if isinstance(last, (cst.Return, cst.Raise, cst.Continue, cst.Break)):
            raise Refused("the block is left before its end")
        span = place.tree.span(spot)
        indent = place.indent(span.start.row)
        return place.insert(
            place.end_of_row(span.end.row), "".join(f"\n{indent}{row}" for row in rows)
        )
    row = place.span(spot.body[0]).start.row
    indent = place.indent(row)
    first = place.first_comment(row)
    return place.insert(Position(first, 1), "".join(f"{indent}{row}\n" for row in rows))


def _synced_again(facts: ModuleFacts, publication: Publication) -> Fix:
    """`fsync` of the finished file through a handle of its own."""
    site = publication.site
    place = Place(facts, site.function)
    source = dotted(site.source_node)
    _must_be_a_file(place, publication)
    if source is None or "open" in {*facts.scopes.imports, *facts.scopes.module.bindings}:
        raise Refused("the temp file has no name: write with the helper")
    if getattr(site.function.node, "asynchronous", None) is not None:
        raise Refused("to synchronise would block the event loop: write with the helper")
    line = place.line(site.call.place)
    if not isinstance(place.parents[site.call.place], (cst.Expr, cst.Return, cst.Assign)):
        raise Refused("whether the file is published is said within the statement")
    handle = place.fresh("file", "handle", "temp_file")
    found = import_module(place, "os")
    rows = [
        f'with open({source}, "r+b") as {handle}:',
        f"{place.unit}{found.local}.fsync({handle}.fileno())",
    ]
    return Fix(
        _SYNCHRONISE,
        Applicability.UNSAFE,
        (*found.edits, _inserted(place, line, rows)),
        "the temp file is opened once more, so it must be a writable file",
    )


def _must_be_a_file(place: Place, publication: Publication) -> None:
    makers = {place.facts.paths.call_name(made, made.function) for made in publication.made}
    if makers - {_MKSTEMP, _NAMED_TEMP} or not (makers or publication.writes):
        raise Refused("whether a file or a folder is published is not in sight")


def _collapsed(facts: ModuleFacts, publication: Publication, config: Config) -> Fix:
    """`tmp = ...`, `tmp.write_text(...)`, `tmp.replace(path)` become one call of the helper.

    Raises:
        Refused: there is more to the pattern than these statements.
    """
    site = publication.site
    if len(publication.writes) != 1 or publication.made:
        raise Refused
    write = publication.writes[0]
    if (
        write.kind != "write"
        or write.function is not site.function
        or write.call.shown is not None
        or site.how not in {"replace", "rename", "move"}
        or publication.removed is not None
        or not isinstance(write.path_node, cst.Name)
    ):
        raise Refused
    place = Place(facts, site.function)
    name = write.path_node.value
    lines = [place.line(write.call.node), place.line(site.call.node)]
    body = list(getattr(place.parents.get(lines[0]), "body", ()))
    first = body.index(lines[0]) - 1
    made = body[first]
    if first < 0 or body[first:][1:3] != lines or not isinstance(made, cst.SimpleStatementLine):
        raise Refused
    small, last = made.body[0], lines[1].body[0]
    if (
        len(made.body) != 1
        or not isinstance(small, cst.Assign)
        or len(small.targets) != 1
        or dotted(small.targets[0].target) != name
        or place.count(name) != 3
        or sum(len(place.uses(name, line)) for line in (made, *lines)) != 3
        or not all(isinstance(place.parents.get(c.node), cst.Expr) for c in (write.call, site.call))
    ):
        raise Refused
    region = Span(place.tree.span(small).start, place.tree.span(last).end)
    if "#" in place.source.slice(region):
        raise Refused
    told = place.source.line(region.end.row)[region.end.column - 1 :]
    row = region.start.row
    above = [place.source.line(each) for each in range(place.first_comment(row), row)]
    if _STEPS.search("".join([told, *above])):
        raise Refused
    return fix_staged(place, write, config, site.target_node, region)


# --- steps that are misplaced, or too many ------------------------------------------


def _beside(place: Place, publication: Publication) -> list[Edit]:
    made = publication.made[0] if len(publication.made) == 1 else None
    if made is None or made.function is not publication.function:
        raise Refused("the call that makes the temp file is not in sight")
    called = place.facts.paths.call_name(made, made.function) or ""
    if called not in {_MKSTEMP, _NAMED_TEMP}:
        raise Refused("make the temp folder beside the target, by `dir=`")
    if any(arg.star for arg in made.node.args):
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
    if place.comments(made.node):
        raise Refused("comments stand in the call that makes the temp file")
    span = place.span(made.node)
    text = place.laid_out(place.text(made.node.func), [*made.node.args, option], span)
    return [*new, Edit(span, text)]


def _copied_aside(place: Place, publication: Publication, moved: Call) -> list[Edit]:
    """`shutil.copy2` in place of the call that moves the old file to another name."""
    paths = place.facts.paths
    _must_be_a_file(place, publication)
    call = moved.node
    if not isinstance(place.parents.get(call), cst.Expr) or place.comments(call):
        raise Refused("what moves the old file away is part of more")
    found = import_module(place, "shutil")
    copy = f"{found.local}.copy2"
    if paths.call_name(moved, moved.function) in {"os.rename", "os.replace", "shutil.move"}:
        return [*found.edits, place.edit(call.func, copy)]
    if moved.receiver is None or len(call.args) != 1 or call.args[0].star:
        raise Refused("the old file is kept under another name: copy it instead of moving it")
    text = f"{copy}({place.text(moved.receiver)}, {place.text(call.args[0].value)})"
    return [*found.edits, place.edit(call, text)]


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


def _moved_behind(
    place: Place, line: cst.SimpleStatementLine, opener: Call, handle: str
) -> list[Edit]:
    """The publishing statement behind what closes the file; none where it cannot move."""
    named = place.facts.paths.call_name(opener, opener.function) == _NAMED_TEMP
    kept = opener.argument(999, "delete")
    if named and (kept is None or dotted(kept) != "False"):
        return []  # to close it is to remove it
    suite = place.parents[line]
    block = place.parents.get(suite)
    span = place.tree.span(line.body[0])
    lines = list(suite.body) if isinstance(suite, (cst.IndentedBlock, cst.Module)) else []
    following = lines[lines.index(line) + 1 :] if span.start.row == span.end.row else lines
    if isinstance(block, cst.With) and block is place.parents[place.parents[opener.node]]:
        if following or len(lines) < 2 or len(block.items) > 1:
            return []
        outer = place.indent(place.span(block).start.row)
        row, column = span.start.row, span.start.column
        return [
            Edit(Span(Position(each, 1), Position(each, column)), outer)
            for each in range(place.first_comment(row), row + 1)
        ]
    end = Position(span.start.row + 1, 1)
    if following and place.text(following[0]) == f"{handle}.close()":
        closing = place.span(following[0]).start
        if closing.row == end.row:
            first, second = place.source.line(span.start.row), place.source.line(end.row)
            whole = Span(Position(span.start.row, 1), place.end_of_row(end.row))
            return [Edit(whole, f"{second}\n{first}")]
    return []
