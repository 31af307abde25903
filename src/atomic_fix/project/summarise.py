"""Converts the facts of one file to the summary that other files of its project need."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from atomic_fix.catalog.apis import Move
from atomic_fix.catalog.words import PATHS
from atomic_fix.config import Config
from atomic_fix.facts import fallbacks
from atomic_fix.facts.earlier_writes import emptied_in
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    FUNCTIONS,
    Argument,
    code_of,
    dotted,
    forget_nodes,
    last_name,
)
from atomic_fix.facts.outside import Place
from atomic_fix.facts.paths import PathValue, parameter_of
from atomic_fix.facts.publications import Publication, Syncs, is_given_a_temp
from atomic_fix.facts.remade import is_costly, is_miss
from atomic_fix.facts.scopes import Call, FunctionFacts, Site
from atomic_fix.facts.shown import is_only_shown
from atomic_fix.facts.swallowing import is_handled, is_tried, turned_errors
from atomic_fix.facts.testing import is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.facts.uncalled import is_chosen_by_caller, is_named_once
from atomic_fix.finding import Unreadable
from atomic_fix.parse import stack
from atomic_fix.parse.python import parsed
from atomic_fix.project.plausible import (
    does_something,
    loads_something,
    may_be_path,
    says_path,
)
from atomic_fix.project.receivers import Receivers
from atomic_fix.project.summary import (
    ArgumentSummary,
    CallSummary,
    ClassSummary,
    FileSummary,
    FunctionSummary,
    Import,
    NameSummary,
    PathSummary,
    SiteKind,
    SiteSummary,
)
from atomic_fix.project.texts import summary_of_path
from atomic_fix.source import Source, is_test_file

_MOST_ARGUMENTS = 6


def summarise(
    source: Source, config: Config, tree: ast.Module | None = None, *, path: str = ""
) -> FileSummary:
    """The summary of a file; empty if it cannot be parsed.

    Args:
        path: relative to the project folder, with `/`; if empty, the name of the source is used.
    """
    path = path or source.filename
    module = tree if tree is not None else parsed(source)
    if isinstance(module, Unreadable):
        return FileSummary(path)
    facts = ModuleFacts(source, Tree(source, module), config)
    try:
        return stack.with_enough_stack(lambda: summary_of(facts, path=path))
    except RecursionError:
        return FileSummary(path)
    finally:
        forget_nodes()
        facts.forget()


def summary_of(
    facts: ModuleFacts, *, path: str = "", own: frozenset[str] | None = None
) -> FileSummary:
    """The same, from existing facts. With `own`, the first parts of the names of the project's
    modules, calls of other modules are left out, since they have no effect."""
    return _Summary(facts, path or facts.source.filename, own).made()


class _Summary:
    """Creates the summary of one file."""

    def __init__(self, facts: ModuleFacts, path: str, own: frozenset[str] | None) -> None:
        self._facts = facts
        self._path_of_file = path
        self._scopes = facts.scopes
        self._paths = facts.paths
        self._syncs = Syncs(self._paths)
        self._sites = facts.sites
        self._module = facts.tree.module
        self._stars = [*_stars(self._module)]
        self._receivers = Receivers(facts.scopes, facts.paths, bool(self._stars), own)
        self._is_test_file = is_test_file(path)

    def made(self) -> FileSummary:
        imports = [Import(name, target) for name, target in self._scopes.imports.items()]
        imports += [Import("*", target) for target in self._stars]
        return FileSummary(
            self._path_of_file,
            tuple(imports),
            _exports(self._module),
            tuple(self._functions()),
            tuple(self._classes()),
            tuple(self._names()),
            tuple(self._sites_in_order()),
            tuple(self._calls()),
            tuple(self._emptied()),
        )

    def _path(self, value: PathValue, node: ast.expr | None = None) -> PathSummary:
        return summary_of_path(value, self._receivers.reference, node)

    # --- definitions --------------------------------------------------------------

    def _functions(self) -> Iterator[FunctionSummary]:
        for function in self._scopes.functions:
            if not self._can_be_called(function):
                continue
            names = [each.name for each in function.parameters]
            is_method = function.owner is not None
            if is_method and names[:1] and names[0] in {"self", "cls"}:
                names = names[1:]
            if function.collects_all:
                names.append("*")
            yield FunctionSummary(
                _qualified(function),
                function.row,
                tuple(names),
                self._returned_path(function),
                self._receivers.made_by(function),
                is_method,
                self._keeps(function),
                function in self._writing and is_named_once(self._facts.source, function),
            )

    @cached_property
    def _writing(self) -> frozenset[FunctionFacts]:
        """The functions that write files which their callers choose."""
        paths = [(each.function, each.path) for each in self._sites.writes]
        paths += [(each.function, each.target) for each in self._sites.publishes]
        return frozenset(
            function for function, path in paths if is_chosen_by_caller(path, function)
        )

    def _can_be_called(self, function: FunctionFacts) -> bool:
        """Whether other files can, by the function's own name."""
        if function.is_module or function.outer is None or not function.outer.is_module:
            return False
        return function.owner is None or function.owner.methods.get(function.name) is function

    def _returned_path(self, function: FunctionFacts) -> PathSummary:
        node = function.node
        returns = node.returns if isinstance(node, FUNCTIONS) else None
        says = returns is not None and "Path" in code_of(returns)
        if function.collects_all:
            return PathSummary()  # each call gives another one
        if not function.returns or not (says or not PATHS.isdisjoint(words(function.name))):
            return PathSummary()
        last = function.returns[-1]
        return self._path(self._paths.resolve(last.value, function, last.order))

    def _keeps(self, function: FunctionFacts) -> str:
        """The arguments of a function that writes an object as JSON, if it does so atomically."""
        node = function.node
        if function.owner is not None or not isinstance(node, ast.FunctionDef):
            return ""
        required = [each.name for each in function.parameters if each.default is None]
        first = [each.name for each in function.parameters[:2]]
        if len(required) != 2 or required != first or node.decorator_list:
            return ""
        targets = [
            publication.site.target
            for publication in self._facts.publications
            if publication.function is function and _is_sound(publication)
        ]
        dumped = [
            dotted(call.argument(0))
            for call in function.calls
            if self._paths.call_name(call, function).full in {"json.dump", "json.dumps"}
        ]
        for path, obj in (required, required[::-1]):
            alias = parameter_of(function, path)
            if obj in dumped and any(alias in target.aliases for target in targets):
                return "path, obj" if path == required[0] else "obj, path"
        return ""

    def _classes(self) -> Iterator[ClassSummary]:
        for owner in self._scopes.classes.values():
            attributes, types = [], []
            for name, bindings in owner.attributes.items():
                last = bindings[-1]
                if last.is_whole and (says_path(name) or may_be_path(last.value)):
                    value = self._paths.resolve(last.value, last.function, last.order)
                    attributes.append((name, self._path(value, last.value), last.value.lineno))
                kind = self._receivers.type_of(last.value, last.function, last.order)
                if kind:
                    types.append((name, kind))
            yield ClassSummary(owner.name, owner.bases, tuple(attributes), tuple(types))

    def _names(self) -> Iterator[NameSummary]:
        module = self._scopes.module
        for name, bindings in module.bindings.items():
            last = bindings[-1]
            if "." in name or not last.is_assigned:
                continue
            path = PathSummary()
            if says_path(name) or may_be_path(last.value):
                value = self._paths.resolve(last.value, module, last.order)
                path = self._path(value, last.value)
            kind = self._receivers.type_of(last.value, module, last.order) or ""
            if path.is_known or kind:
                yield NameSummary(name, last.value.lineno, path, kind)

    # --- effects ------------------------------------------------------------------

    def _sites_in_order(self) -> Iterator[SiteSummary]:
        found = [*self._writes(), *self._loads(), *self._publications()]
        yield from sorted(found, key=lambda site: (site.place, site.kind.value))

    def _site(
        self, kind: SiteKind, site: Site, path: PathValue, node: ast.expr | None
    ) -> SiteSummary:
        function = site.function
        return SiteSummary(
            kind,
            Place.of(site.call.source_node),
            function.name,
            function.row,
            _said(function),
            self._path(path),
        )

    def _writes(self) -> Iterator[SiteSummary]:
        for write in self._sites.writes:
            found = self._site(SiteKind.WRITE, write, write.path, write.path_node)
            synced = any(self._syncs.in_call(call, 2) for call in write.function.calls)
            yield replace(found, staged=self._facts.is_staged(write), synced=synced)

    def _emptied(self) -> Iterator[SiteSummary]:
        writes = {write.node for write in self._sites.writes}
        for function in self._scopes.functions:
            for call, path in emptied_in(self._sites, function, writes):
                yield SiteSummary(
                    SiteKind.WRITE,
                    Place.of(call.source_node),
                    function.name,
                    function.row,
                    _said(function),
                    self._path(path),
                )

    def _loads(self) -> Iterator[SiteSummary]:
        for load in self._sites.loads:
            if load.raw and is_only_shown(load):
                continue  # as in the file itself, this is no evidence
            found = self._site(SiteKind.LOAD, load, load.path, load.path_node)
            yield replace(
                found,
                parsed=not load.raw,
                handled=is_handled(load.call),
                misses=is_miss(self._sites, load.call),
                turned=turned_errors(self._sites, load.call),
                costly=is_costly(load.api),
            )

    def _publications(self) -> Iterator[SiteSummary]:
        known = {publication.site: publication for publication in self._facts.publications}
        for publish in self._sites.publishes:
            found = self._site(SiteKind.PUBLISH, publish, publish.target, publish.target_node)
            publication = known.get(publish)
            yield replace(
                found,
                source=self._path(publish.source),
                how=publish.how,
                synced=(publication is not None and publication.synced)
                or any(self._syncs.in_call(call, 2) for call in publish.function.calls),
                reported=publication is not None,
                sound=publication is not None and _is_sound(publication),
            )

    def _calls(self) -> Iterator[CallSummary]:
        for call in self._scopes.calls():
            last = last_name(call.node.func)
            if last is None:
                continue
            asked = loads_something(last)
            if not asked and not call.node.args and not call.node.keywords:
                continue
            callee = self._receivers.callee(call)
            if callee is None:
                continue
            candidates = _candidates(call, does=does_something(last))
            given = tuple(self._arguments(call, candidates))
            if not given and not asked:
                continue
            treated = fallbacks.Treatment()
            if asked:
                treated = fallbacks.treatment(self._sites, self._module, call)
            yield CallSummary(
                callee,
                Place.of(call.source_node),
                call.function.name,
                call.function.row,
                _said(call.function),
                given,
                tested=self._is_test_file or is_test(call.function, self._paths),
                loops=treated.loops,
                tried=is_tried(call),
                catches=treated.catches,
                handled=is_handled(call),
                misses=is_miss(self._sites, call),
                looks=treated.looks,
                returned=treated.returned,
                reports=treated.reports,
            )

    def _arguments(
        self, call: Call, candidates: Iterable[tuple[int | None, Argument, bool]]
    ) -> Iterator[ArgumentSummary]:
        for place, each, named in candidates:
            value = self._paths.resolve(each.value, call.function, call.order)
            if value.aliases if named else (value.shows_path or value.is_temp):
                published = is_given_a_temp(self._sites, call, each.value)
                yield ArgumentSummary(place, each.keyword, self._path(value, each.value), published)


def _candidates(call: Call, *, does: bool) -> Iterator[tuple[int | None, Argument, bool]]:
    """The arguments of a call that may be paths, with position, and whether only the call suggests
    that: if a function seems to handle files by its name, any name may be a path."""
    position: int | None = 0
    for each in call.arguments[:_MOST_ARGUMENTS]:
        if each.star:
            position = None
            continue
        place = None if each.keyword else position
        if not each.keyword:
            if position is None:
                continue
            position += 1
        named = does and isinstance(each.value, (ast.Attribute, ast.Name))
        if named or may_be_path(each.value):
            yield place, each, named


def _qualified(function: FunctionFacts) -> str:
    return f"{function.owner.name}.{function.name}" if function.owner else function.name


def _said(function: FunctionFacts) -> tuple[str, ...]:
    """The names of a function and its class."""
    said = [function.name] if function.name else []
    return (*said, function.owner.name) if function.owner is not None else tuple(said)


def _is_sound(publication: Publication) -> bool:
    """Whether a publication has no defects."""
    return (
        publication.site.how is Move.REPLACE
        and publication.synced
        and not publication.still_open
        and not publication.elsewhere
        and publication.removed is None
    )


def _exports(module: ast.Module) -> tuple[str, ...] | None:
    """`__all__`, if it is a plain list."""
    for statement in module.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name("__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)
            ):
                texts = [each.value for each in names if isinstance(each, ast.Constant)]
                return tuple(each for each in texts if isinstance(each, str))
    return None


def _stars(module: ast.Module) -> Iterator[str]:
    """Targets of `from target import *`, in the order of the file."""
    for statement in _statements(module.body):
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            yield "." * statement.level + (statement.module or "")


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is imported, including those in branches."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try)):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)
            for handler in getattr(statement, "handlers", ()):
                yield from _statements(handler.body)
