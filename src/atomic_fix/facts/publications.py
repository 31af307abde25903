"""Temp files that are given their final name, and whether that is done correctly."""

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import Content, Move
from atomic_fix.catalog.words import FOLDERS
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import WITHS, arguments, call_of, dotted, of_kind, string
from atomic_fix.facts.outside import CallEffect, Effect
from atomic_fix.facts.paths import Paths, PathTrait, PathValue, parameter_of
from atomic_fix.facts.paths.expr import Handle, Item, PathExpr, Temp
from atomic_fix.facts.scopes import BlockKind, Call, FunctionFacts
from atomic_fix.facts.sites import PublishSite, Sites, WriteSite
from atomic_fix.facts.writes import WriteKind

_order = attrgetter("order")
_Removals = dict[FunctionFacts, list[tuple[Call, PathValue]]]


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """One publishing call with the writes of its source that are visible."""

    site: PublishSite
    writes: tuple[WriteSite, ...]
    made: tuple[Call, ...]
    """`mkstemp` and `NamedTemporaryFile` calls that made the source."""
    synced: bool
    """Whether the file is synced between writing and publishing."""
    still_open: bool
    """Whether the handle is open, and not flushed, when the file is published."""
    elsewhere: bool
    """Whether the temp file is created in the system's temp folder."""
    removed: Call | None
    """The call that removes the target, or moves it away, before."""

    @property
    def function(self) -> FunctionFacts:
        return self.site.function

    @property
    def is_reported_elsewhere(self) -> bool:
        """Whether its defects are reported in the file of the function that publishes."""
        return self.site.elsewhere is not None and self.site.elsewhere.reported


class Syncs:
    """Determines which calls sync a file to disk, directly or through functions of the module."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._calls: dict[tuple[Call, int], bool] = {}
        self._functions: dict[FunctionFacts, bool] = {}

    def in_function(self, function: FunctionFacts) -> bool:
        """Whether one of the calls of a function does."""
        if function not in self._functions:
            self._functions[function] = any(map(self.in_call, function.calls))
        return self._functions[function]

    def in_call(self, call: Call, depth: int = 3) -> bool:
        """Whether a call does, through at most `depth` functions."""
        if (call, depth) not in self._calls:
            self._calls[call, depth] = self._in_call(call, depth)
        return self._calls[call, depth]

    def _in_call(self, call: Call, depth: int) -> bool:
        name = self._paths.call_name(call, call.function)
        if (
            name.full in apis.SYNCERS
            or "sync" in words(name.last)
            or "fsync" in words(".".join(name))
            or any(dotted(a.value) in {"os.fsync", "os.fdatasync"} for a in call.arguments)
        ):
            return True
        return depth > 0 and any(
            self.in_call(inner, depth - 1)
            for callee in self._paths.callees(call.node, call.function)[:1]
            for inner in callee.calls
        )


def publications(sites: Sites) -> tuple[Publication, ...]:
    found = []
    makers = [call for call, _ in sites.calls_of(apis.TEMP_MAKERS)] if sites.publishes else []
    removals: _Removals = {}
    syncs = Syncs(sites.paths)
    for site in sites.publishes:
        publication = _publication(sites, site, makers, removals, syncs)
        if publication is not None:
            found.append(publication)
    helpers = {publication.function.name for publication in found}
    return tuple(
        publication
        for publication in found
        # The defects of a helper are reported at its own rename.
        if publication.site.api not in helpers and not _falls_back(publication, found)
    )


def _falls_back(publication: Publication, others: list[Publication]) -> bool:
    """Whether it is in a handler for the failure of the same step, which is reported instead."""
    site = publication.site
    return any(block.kind is BlockKind.HANDLER for block in site.call.enclosing) and any(
        other is not publication
        and other.function is publication.function
        and other.site.order < site.order
        and other.site.source.same(site.source)
        and other.site.target.same(site.target)
        for other in others
    )


def _publication(
    sites: Sites,
    site: PublishSite,
    makers: Sequence[Call],
    removals: _Removals,
    syncs: Syncs,
) -> Publication | None:
    if _ages(sites, site):
        return None
    beside = not site.source.derived_from.isdisjoint(site.target.aliases)
    staged = beside or site.source.is_temp or PathTrait.UNIQUE in site.source.traits
    made = tuple(call for call in makers if site.source.aliases & _names_of_temp(call))
    writes = tuple(
        write
        for write in sites.writes_of(site.source)
        if write.node is not site.node
        and not write.path.same(site.target)
        and _before(sites, write, site, staged)
    )
    # If no other write is visible, a call that appends to the file or begins an archive counts, and
    # so does a function from another file.
    archives = [] if made or writes else list(_archiving(sites, site))
    fills = [] if made or writes else [*_appending(sites, site), *archives]
    filled = [] if made or writes or fills else list(_filling_elsewhere(sites, site))
    fills += [call for call, _ in filled]
    unseen = not made and not writes and not fills
    if not FOLDERS.isdisjoint(words((dotted(site.source_node) or "").rpartition(".")[2])[-1:]):
        return None  # moved as a whole; its files were written and read one by one
    fresh = any(w.function is site.function and w.content is not Content.COPY for w in writes)
    if PathTrait.BACKUP in site.target.traits or (
        PathTrait.BACKUP in site.source.traits and not fresh
    ):
        return None  # a backup is created or restored
    if site.how is Move.COPY and not staged:
        return None
    if unseen and not (beside and site.source.is_temp):
        # A temp folder whose files were written one by one, or a file made elsewhere.
        return None
    return Publication(
        site,
        writes,
        made,
        # A writer that is not visible may sync the file itself.
        unseen
        or (site.elsewhere is not None and site.elsewhere.synced)
        or any(effect.synced for _, effect in filled)
        or _synced(sites, syncs, site, [*(w.call for w in writes), *made, *fills]),
        _still_open(sites, syncs, site, writes, (*made, *archives)),
        _elsewhere(made, site),
        _removed(sites, site, removals),
    )


def _appending(sites: Sites, site: PublishSite) -> Iterator[Call]:
    """The calls that open the source for appending, after which it is published. They do not count
    as writes, since they do not destroy old content."""
    if not site.source.is_temp:
        return
    for function in sites.scopes.functions:
        for call, opened in sites.opened_in(function):
            modes = sites.handles.modes_of(opened, call)
            if any(mode.startswith("a") for mode in modes) and (
                sites.handles.resolve(opened.target, call).same(site.source)
            ):
                yield call


def _archiving(sites: Sites, site: PublishSite) -> Iterator[Call]:
    """The calls that begin a tar archive at the source."""
    for call, _ in sites.calls_of(apis.TAR_OPENERS):
        path, mode = call.argument(0, "name"), call.argument(1, "mode")
        if (
            path is not None
            and mode is not None
            and (string(mode) or "").startswith(("w", "x"))
            and sites.handles.resolve(path, call).same(site.source)
        ):
            yield call


def _filling_elsewhere(sites: Sites, site: PublishSite) -> Iterator[tuple[Call, CallEffect]]:
    """The earlier calls of functions from other files that write the source."""
    if not sites.outside.calls or site.elsewhere is not None:
        return
    for call in site.function.calls:
        if call.order >= site.order:
            return
        for effect in sites.effects_of(call, Effect.WRITES):
            given = effect.path
            node = call.argument(given.position, given.name) if given is not None else None
            if node is not None and sites.handles.resolve(node, call).same(site.source):
                yield call, effect


def _names_of_temp(call: Call) -> frozenset[PathExpr]:
    """The aliases of the path that a call returns which creates a temp file."""
    temp = Temp(call.node.lineno, call.node.col_offset)
    return frozenset({temp, Handle(temp), Item(temp, "1")})


def _ages(sites: Sites, site: PublishSite) -> bool:
    """Whether a file with old content is moved to a name derived from its own, as in
    `os.replace(path, path + ".1")`: this does not publish later writes. A file that was written
    just before under its own name is published, though.
    """
    source, target = site.source, site.target
    if source.is_temp or PathTrait.UNIQUE in source.traits or not target.is_sibling_of(source):
        return False
    return not any(_comes_first(sites, write, site) for write in sites.writes_of(source))


def _before(sites: Sites, write: WriteSite, site: PublishSite, staged: bool) -> bool:
    """Whether a write of the source can be the one that is published."""
    if write.function is site.function or not staged:
        return _comes_first(sites, write, site)
    return True


def _comes_first(sites: Sites, write: WriteSite, site: PublishSite) -> bool:
    """Whether a write visibly runs before a move: in the same function, in one that is called
    before it, or in one that later calls the function with the move."""
    if write.function is site.function:
        return write.order < site.order
    callees = sites.paths.callees
    return any(
        call.order < site.order and write.function in callees(call.node, site.function)
        for call in site.function.calls
    ) or any(
        write.order < call.order and site.function in callees(call.node, write.function)
        for call in sites.scopes.callers_of(site.function.name)
        if call.function is write.function
    )


class IndirectCalls:
    """The calls, in functions that publish a file, that may call a function under another name.

    Computed once per module, since every function that writes needs them.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    def of(self, function: FunctionFacts) -> list[Call]:
        """The calls that may call this function."""
        by_part, unnamed = self._looked_up
        found = [call for call, parts in by_part if all(p in function.name for p in parts)]
        found += self._handed.get(function.name, ())
        return found + unnamed if unnamed and self._is_value(function) else found

    @cached_property
    def _calls(self) -> list[Call]:
        publishing = dict.fromkeys(publish.function for publish in self._sites.publishes)
        return [call for each in publishing for call in each.calls]

    @cached_property
    def _looked_up(self) -> tuple[list[tuple[Call, list[str]]], list[Call]]:
        """The calls of functions that are looked up at run time: those where parts of the name are
        known, and the others."""
        looked_up = [(call, _indirectly_called(self._sites, call)) for call in self._calls]
        return (
            [(call, parts) for call, parts in looked_up if parts],
            [call for call, parts in looked_up if parts == []],
        )

    @cached_property
    def _handed(self) -> dict[str, list[Call]]:
        """The calls that runners such as `to_thread(function, path)` make, by the called
        function."""
        found: dict[str, list[Call]] = {}
        for call in self._calls:
            last = (call.name or call.method or "").rpartition(".")[2]
            position = apis.RUNNERS.get(last)
            inner = call.argument(position) if position is not None else None
            name = dotted(inner) if inner is not None else None
            if inner is None or name is None:
                continue
            rest = [each for each in call.node.args if each is not inner][position:]
            made = call_of(inner, call.node, rest)
            run = Call(call.order, made, call.function, call.enclosing, name)
            found.setdefault(name.rpartition(".")[2], []).append(run)
        return found

    def _is_value(self, function: FunctionFacts) -> bool:
        """Whether a function is used as a value somewhere, not only called."""
        names, attributes = self._values
        return function.name in attributes or (function.owner is None and function.name in names)

    @cached_property
    def _values(self) -> tuple[set[str], set[str]]:
        """The names and attributes that the module uses as values, not only calls."""
        module = self._sites.tree.module
        called = {call.node.func for call in self._sites.scopes.calls()}
        names = {each.id for each in of_kind(module, ast.Name) if each not in called}
        return names, {each.attr for each in of_kind(module, ast.Attribute) if each not in called}


def is_filled_for_callers(sites: Sites, indirect: IndirectCalls, write: WriteSite) -> bool:
    """Whether a function writes to a path from its callers, and every visible caller passes it a
    temp file that is published afterwards.

    A caller may not name the function: it may get it by `getattr`, from a table or as an argument,
    or call the method of a base class.
    """
    function = write.function
    name = next(
        (
            parameter.name
            for parameter in function.parameters
            if parameter_of(function, parameter.name) in write.path.aliases
        ),
        None,
    )
    if name is None or function.is_module:
        return False
    position = function.parameter_position(name)
    calls = [c for c in sites.scopes.callers_of(function.name) if _may_call(sites, c, function)]
    calls += indirect.of(function)
    if not calls:
        return function.name in sites.given_to_atomic_writers
    return all(is_given_a_temp(sites, call, call.argument(position, name)) for call in calls)


def _may_call(sites: Sites, call: Call, function: FunctionFacts) -> bool:
    """Whether a call by the function's name may be one of the function."""
    head, dot, _ = (call.name or "").partition(".")
    if dot and head in sites.scopes.imports:
        return False  # `pickle.dump(...)` in a class that has a `dump`
    is_method = function.owner is not None and function is function.owner.methods.get(function.name)
    if is_method and isinstance(call.node.func, ast.Name):
        return False  # a method is called through its object
    callees = sites.paths.callees(call.node, call.function)
    if not callees or function in callees:
        return True
    above = list(sites.paths.lineage(function.owner)) if function.owner is not None else []
    return any(callee.owner in above for callee in callees)


def is_given_a_temp(sites: Sites, call: Call, given: ast.expr | None) -> bool:
    """Whether the path passed to a call is a temp file that the calling function publishes
    afterwards."""
    if given is None:
        return False
    value = sites.handles.resolve(given, call)
    return any(
        publish.function is call.function
        and publish.order > call.order
        and not _ages(sites, publish)
        for publish in sites.moves_of(value)
    )


def _indirectly_called(sites: Sites, call: Call) -> list[str] | None:
    """The known parts of the name of a function that is looked up at run time and called; None for
    a call of a function by its name."""
    func = call.node.func
    if isinstance(func, ast.Name):
        if call.function.parameter(func.id) is not None:
            return []
        bound = call.function.bindings.get(func.id, ())
        values = [binding.value for binding in bound]
    else:
        values = [func]
    for value in values:
        if isinstance(value, ast.Call) and dotted(value.func) == "getattr":
            given = arguments(value)
            named = given[1].value if len(given) > 1 else value
            if isinstance(named, ast.Name):
                name = sites.paths.bindings(named.id, call.function, call.order)
                named = name[-1].value if name else named
            return _literal_parts(named)
    # `callback = None` names no function either.
    table = any(not isinstance(v, ast.Attribute) and dotted(v) is None for v in values)
    return [] if table else None


def _literal_parts(node: ast.expr) -> list[str]:
    """The string literals in an expression that computes a name."""
    match node:
        case ast.BinOp():
            return _literal_parts(node.left) + _literal_parts(node.right)
        case ast.JoinedStr():
            return [text for part in node.values if (text := string(part)) is not None]
        case ast.Call(func=ast.Attribute(value=template)):
            return _literal_parts(template)  # `"_save_{}".format(kind)`
        case ast.Constant(value=str(text)):
            return [part for part in re.split(r"\{\w*\}|%s", text) if part]
    return []


def _synced(sites: Sites, syncs: Syncs, site: PublishSite, begun: list[Call]) -> bool:
    start = min((c.order for c in begun if c.function is site.function), default=0)
    if any(map(syncs.in_call, _between(site.function, start, site.order))):
        return True
    others = {c.function: None for c in begun if c.function is not site.function}
    if any(map(syncs.in_function, others)):
        return True
    # If one function makes the temp file and another one publishes it, their caller writes to it in
    # between.
    return bool(others) and any(
        syncs.in_function(call.function)
        for function in (*others, site.function)
        for call in sites.scopes.callers_of(function.name)
        if call.function not in others and call.function is not site.function
    )


def _between(function: FunctionFacts, first: int, last: int) -> Sequence[Call]:
    """The calls of a function between two positions."""
    calls = function.calls
    start = bisect_left(calls, first, key=_order)
    return calls[start : bisect_right(calls, last, key=_order)]


def _still_open(
    sites: Sites,
    syncs: Syncs,
    site: PublishSite,
    writes: tuple[WriteSite, ...],
    made: tuple[Call, ...],
) -> bool:
    opening = [w.call for w in writes if w.kind is WriteKind.OPEN]
    for call in (*opening, *made, *_opened_descriptors(sites, site, made)):
        if call.function is not site.function:
            continue
        handle = sites.handles.handle_name(call)
        after = _between(call.function, call.order + 1, site.order - 1)
        if handle is None or any(
            c.name in {f"{handle}.close", f"{handle}.flush"} or syncs.in_call(c, 2) for c in after
        ):
            continue
        if any(
            i.kind is BlockKind.WITH and item.context_expr is call.node
            for i in site.call.enclosing
            if isinstance(i.node, WITHS)
            for item in i.node.items
        ):
            return True
        if not any(
            b.is_assigned and b.value is call.node for b in call.function.bindings.get(handle, ())
        ):
            continue
        closed_by_with = any(
            isinstance(item.context_expr, ast.Name) and item.context_expr.id == handle
            for c in after
            for i in c.enclosing
            if isinstance(i.node, WITHS)
            for item in i.node.items
        )
        given = [c for c in after if any(dotted(a.value) == handle for a in c.arguments)]
        # A compressor that was given a handle leaves it open when it is closed itself.
        if not closed_by_with and any(_compresses(sites, each) for each in given):
            return True
        written = bool(given) or any(c.name == f"{handle}.write" for c in after)
        # Bound by assignment, written to, published, and closed only afterwards.
        if written and not closed_by_with:
            closings = (c for c in sites.scopes.callers_of("close") if c.name == f"{handle}.close")
            if any(c.function is call.function and c.order > site.order for c in closings):
                return True
    return False


def unclosed_compressor(sites: Sites, site: PublishSite, handle: str) -> str | None:
    """The name of the compressor that writes to a handle and is not closed when the file is
    published."""
    before = _between(site.function, 0, site.order - 1)
    for call in before:
        if not any(dotted(a.value) == handle for a in call.arguments):
            continue
        name = sites.handles.handle_name(call) if _compresses(sites, call) else None
        if (
            name is not None
            and not sites.handles.withs_of(call)
            and not any(each.name == f"{name}.close" for each in before)
        ):
            return name
    return None


def _opened_descriptors(sites: Sites, site: PublishSite, made: tuple[Call, ...]) -> Iterator[Call]:
    """The calls that open a descriptor from `mkstemp`, in the function that publishes its file."""
    wanted = {Item(Temp(call.node.lineno, call.node.col_offset), "0") for call in made}
    for call in site.function.calls if wanted else ():
        if sites.paths.call_name(call, call.function).full == "os.fdopen":
            given = call.argument(0, "fd")
            if given is not None and wanted & sites.handles.resolve(given, call).aliases:
                yield call


def _compresses(sites: Sites, call: Call) -> bool:
    """Whether a call returns a compressed file or an archive that writes to a handle."""
    return sites.paths.call_name(call, call.function).full in apis.COMPRESSORS


def _elsewhere(made: tuple[Call, ...], site: PublishSite) -> bool:
    if PathTrait.BESIDE in site.source.traits:
        return False
    folders = [
        call.argument(2 if (call.name or "").endswith("mkstemp") else None, "dir")
        for call in made
        if not any(arg.star for arg in call.arguments)  # a wrapper: its callers may choose
    ]
    if folders:
        # If there are several, it is unknown which one is used.
        return all(folder is None for folder in folders)
    return (
        not made
        and PathTrait.TEMP_DIR in site.source.traits
        and PathTrait.TEMP_DIR not in site.target.traits
    )


def removals_in(sites: Sites, function: FunctionFacts) -> list[tuple[Call, PathValue]]:
    """The calls of a function that remove a file, in order, and the removed paths."""
    found = []
    for call in function.calls:
        name = sites.paths.call_name(call, call.function)
        target = call.receiver if call.method == "unlink" else None
        if name.full in apis.REMOVERS:
            target = call.argument(0, "path")
        if target is None or any(i.kind is BlockKind.HANDLER for i in call.enclosing):
            continue
        found.append((call, sites.paths.resolve(target, call.function, call.order)))
    return found


def _removed(sites: Sites, site: PublishSite, removals: _Removals) -> Call | None:
    if site.function not in removals:
        removals[site.function] = removals_in(sites, site.function)
    for call, value in removals[site.function]:
        if call.order >= site.order:
            break
        if value.same(site.target) and not value.same(site.source):
            return call
    moves = (
        other.call
        for other in sites.moves_of(site.target)
        if other.function is site.function
        and other.order < site.order
        and other.how in {Move.RENAME, Move.REPLACE, Move.MOVE}
        and not any(i.kind is BlockKind.HANDLER for i in other.call.enclosing)
    )
    return next(moves, None)
