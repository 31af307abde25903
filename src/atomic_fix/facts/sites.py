"""Where a module writes files, loads them, and gives temp files their final name."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import Content, Move
from atomic_fix.catalog.calls import ASKING
from atomic_fix.catalog.words import LOADING, PROMISING_ATOMICITY, WRITING
from atomic_fix.config import Config
from atomic_fix.facts.candidates import Candidates, last_parts
from atomic_fix.facts.handed import call_of_handed, handed_function
from atomic_fix.facts.handles import Handles, Opened
from atomic_fix.facts.loads import Loads, LoadSite
from atomic_fix.facts.modes import is_mode
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import call_of, dotted, last_name, text_of
from atomic_fix.facts.outside import NOTHING_OUTSIDE, CallEffect, Effect, FileSlice
from atomic_fix.facts.pairs import ByFile
from atomic_fix.facts.paths import Paths, PathValue, QualifiedName, parameter_of
from atomic_fix.facts.platforms import is_off_windows
from atomic_fix.facts.scopes import Branch, Call, FunctionFacts, Scopes, Site
from atomic_fix.facts.tree import Tree
from atomic_fix.facts.writes import WriteKind, Writes, WriteSite

__all__ = ["LoadSite", "PublishSite", "Sites", "WriteSite"]

# Last parts of names, in addition to those that open, save and load files. A call that runs a
# function passed to it may do anything.
_WRITING = frozenset({*apis.RUNNERS, "write_text", "write_bytes"})
_KEPT = frozenset(row.loads for row in apis.KEEPERS if row.loads)
_HANDED = frozenset({"write_text", "write_bytes"})
_READING = frozenset(
    {*apis.RUNNERS, *apis.SPLITTERS, *apis.TOOLKIT_READERS, "read_text", "read_bytes"}
)
_PUBLISHING = frozenset({*apis.RUNNERS, *last_parts(apis.PUBLISHERS), *apis.PUBLISH_METHODS})
_TREE_MAKERS = last_parts(apis.TREE_MAKERS)


_OPENERS = last_parts(opener.name for opener in apis.OPENERS)


def _is_wrapper(last: str) -> bool:
    return "open" in last and apis.WRAPPER.fullmatch(last) is not None


def _may_load(last: str) -> bool:
    return _is_wrapper(last) or not LOADING.isdisjoint(words(last))


_NOT_KNOWN = (
    "whether `{}` takes a handle in place of the path is not known; save to a temp file, then "
    "`os.replace` it"
)


@lru_cache(maxsize=8)
def _savers(rows: tuple[str, ...]) -> Mapping[str, apis.Saver]:
    """The savers by name: rows of the catalogue and of the configuration."""
    parts = (row.partition(":") for row in rows)
    known = {saver.name: saver for saver in apis.SAVERS}
    for name, _, place in parts:
        row = known.get(name, apis.Saver(name, 0, "", Content.STATE, refusal=_NOT_KNOWN))
        known[name] = replace(row, path=int(place or 0), keyword="", content=Content.STATE)
    return known


@lru_cache(maxsize=8)
def _loaders(names: tuple[str, ...]) -> Mapping[str, apis.Loader]:
    own = (apis.Loader(name, takes_path=True) for name in names)
    return {loader.name: loader for loader in (*apis.LOADERS, *own)}


@lru_cache(maxsize=8)
def _writing(savers: tuple[str, ...]) -> frozenset[str]:
    return _WRITING | _OPENERS | last_parts(_savers(savers))


@lru_cache(maxsize=8)
def _reading(loaders: tuple[str, ...]) -> frozenset[str]:
    return _READING | _OPENERS | last_parts(_loaders(loaders))


@dataclass(frozen=True, slots=True, eq=False)
class PublishSite(Site):
    """A call that moves or copies a finished file to its final name."""

    how: Move
    api: str
    source_node: ast.expr
    target_node: ast.expr
    source: PathValue
    target: PathValue
    elsewhere: CallEffect | None = None
    """What the call does, if it is a function from another file that does it."""


class Sites:
    """Finds the sites of one module. Writes and publishing calls are found immediately, since
    nearly everything needs them; the others on demand.
    """

    def __init__(
        self,
        scopes: Scopes,
        paths: Paths,
        config: Config,
        tree: Tree,
        outside: FileSlice = NOTHING_OUTSIDE,
    ) -> None:
        self.outside = outside
        self.scopes = scopes
        self.paths = paths
        self.tree = tree
        self.handles = Handles(scopes, paths)
        self._load = Loads(self.handles, _loaders(config.loaders))
        self._write = Writes(self.handles, _savers(config.savers))
        # Functions that the configuration declares safe: calls of them, and everything that they
        # call.
        self._helpers = last_parts(helper.replace(":", ".") for helper in config.atomic_helpers)
        self._candidates = Candidates(scopes)
        self._config = config
        self._seen: dict[Call, tuple[Call, QualifiedName]] = {}
        self._opened_in: dict[FunctionFacts, list[tuple[Call, Opened]]] = {}
        self._loads_of: dict[FunctionFacts, list[LoadSite]] = {}
        self._asked_in: dict[FunctionFacts, list[tuple[Branch, Call, ast.expr]]] = {}
        self.writes: list[WriteSite] = []
        self.publishes: list[PublishSite] = []
        # The calls in the file that write: these are not loads.
        self._written: set[Call] = set()
        self._find_writes()

    def _find_writes(self) -> None:
        """Fills `writes` and `publishes`."""
        named = self._candidates.names
        writing = named(_writing(self._config.savers), _is_wrapper)
        if named(_TREE_MAKERS):
            writing.add("write")
        writing |= {row.saves for row in apis.KEEPERS if named(last_parts([row.name]))}
        publish = _Publishes(self.handles, self.calls_of(apis.PUBLISHERS))
        publishing = named(_PUBLISHING) | publish.helpers
        for given in self._candidates.calls(writing | publishing):
            call, name = self._seen_through(given)
            if self._is_vouched_for(call, name):
                continue
            last = last_name(given.node.func)
            write = self._write.find(call, name) if last in writing else None
            if write is not None and not self._is_given_beforehand(given, write):
                self.writes.append(write)
                self._written.add(given)
            published = publish.find(call, name) if last in publishing else None
            if published is not None:
                self.publishes.append(published)
        self._find_handed_writes()
        if self.outside.calls:
            self._publish_elsewhere(publish)

    def _find_handed_writes(self) -> None:
        """The writes by functions that are passed as arguments to a call, which then runs them."""
        wanted = _HANDED | last_parts(_savers(self._config.savers))
        found: list[WriteSite] = []
        for given in self.scopes.calls():
            function = handed_function(given, wanted)
            if function is None or last_name(given.node.func) in apis.RUNNERS:
                continue
            if given in self._written:
                continue
            call = call_of_handed(given, function)
            runner = self.paths.call_name(given, given.function)
            if not call.arguments or self._is_vouched_for(given, runner):
                continue
            if last_name(function) not in _HANDED and (
                # It may pass another path to the saver than the one that it gets itself.
                self.paths.callees(given.node, given.function)
                or not WRITING.isdisjoint(words(given.method or runner.last))
            ):
                continue
            write = self._write.find(call, self.paths.call_name(call, call.function))
            if write is not None:
                found.append(write)
                self._written.add(given)
        if found:
            self.writes = sorted(
                [*self.writes, *found], key=lambda site: (site.function.order, site.order)
            )

    def _is_given_beforehand(self, call: Call, write: WriteSite) -> bool:
        """Whether it is the `partial` that gets the path: the write is reported there."""
        return self.paths.completed(call) is not call and not any(
            each.value is write.path_node for each in call.arguments
        )

    def _publish_elsewhere(self, publish: "_Publishes") -> None:
        """The calls of functions from other files that publish their arguments."""
        for call in self.scopes.calls():
            for effect in self.effects_of(call, Effect.PUBLISHES):
                found = publish.elsewhere(call, effect)
                if found is not None:
                    self.publishes.append(found)
        self.publishes.sort(key=lambda site: (site.function.order, site.order))

    def effects_of(self, call: Call, *wanted: Effect) -> list[CallEffect]:
        """Which of the wanted effects a call has, if another file defines the function."""
        return [each for each in self.outside.effects_of(call.source_node) if each.effect in wanted]

    def calls_of(self, names: Iterable[str]) -> Iterator[tuple[Call, str]]:
        """The calls of functions with these qualified names, each with the name."""
        wanted = frozenset(names)
        for call in self._candidates.calls(self._candidates.names(last_parts(wanted))):
            name = self.paths.call_name(call, call.function)
            if name.full in wanted:
                yield call, name.full

    def writes_of(self, path: PathValue) -> list[WriteSite]:
        """The writes of a file."""
        return self._writes_by_file.same(path)

    def moves_of(self, path: PathValue) -> list[PublishSite]:
        """The calls that give a file its final name, or move it away."""
        return self._moves_by_file.same(path)

    def publishes_in(self, function: FunctionFacts) -> Sequence[PublishSite]:
        """Those in one function."""
        return self._publishes_of.get(function, ())

    @cached_property
    def _writes_by_file(self) -> ByFile[WriteSite]:
        return ByFile((write, write.path) for write in self.writes)

    @cached_property
    def _moves_by_file(self) -> ByFile[PublishSite]:
        return ByFile((publish, publish.source) for publish in self.publishes)

    def asked_in(self, function: FunctionFacts) -> Sequence[tuple[Branch, Call, ast.expr]]:
        """The tests in a function of whether a file exists and nothing else, as calls, with the
        file. Computed once, since each write needs them."""
        found = self._asked_in.get(function)
        if found is None:
            found = self._asked_in[function] = []
            for branch in function.branches:
                test = branch.node.test
                if isinstance(test, ast.Call) and last_name(test.func) in ASKING:
                    asked = test.args[0] if test.args else getattr(test.func, "value", None)
                    if asked is not None:
                        call = Call(branch.order, test, function, (), None)
                        found.append((branch, call, asked))
        return found

    @cached_property
    def _publishes_of(self) -> dict[FunctionFacts, list[PublishSite]]:
        found: dict[FunctionFacts, list[PublishSite]] = {}
        for publish in self.publishes:
            found.setdefault(publish.function, []).append(publish)
        return found

    @cached_property
    def loads(self) -> list[LoadSite]:
        """The loads in the order of the file."""
        found = (load for function in self.scopes.functions for load in self.loads_in(function))
        return sorted(found, key=lambda load: load.order)

    def loads_in(self, function: FunctionFacts) -> list[LoadSite]:
        """The loads of one function in the order of the file."""
        if function not in self._loads_of:
            self._loads_of[function] = [*self._find_loads(function)]
        return self._loads_of[function]

    def _find_loads(self, function: FunctionFacts) -> Iterator[LoadSite]:
        for given in function.calls:
            elsewhere = self._load_elsewhere(given) if self.outside.calls else None
            load = None
            if last_name(given.node.func) in self._loading and given not in self._written:
                call, name = self._seen_through(given)
                if not self._is_vouched_for(call, name):
                    load = self._load.find(call, name)
            # If its name is sufficient, other files need not be consulted.
            if load is None or (load.raw and elsewhere is not None and not elsewhere.raw):
                load = elsewhere
            if load is not None and given.source_node not in self._raised:
                yield load

    @cached_property
    def _raised(self) -> set[ast.expr | None]:
        """The raised calls: `raise LoadFailed(path)` creates an error and reads nothing."""
        return {each.error for function in self.scopes.functions for each in function.raises}

    def _load_elsewhere(self, call: Call) -> LoadSite | None:
        """The load by a function from another file of the path that is passed to it."""
        api = call.method or (call.name or "").rpartition(".")[2]
        if not WRITING.isdisjoint(words(api)) and LOADING.isdisjoint(words(api)):
            return None  # it may read the old content first, but is not a load
        if _opens_to(call, reads=False):
            return None
        found = self.effects_of(call, Effect.PARSES, Effect.READS)
        for effect in sorted(found, key=lambda each: each.effect is not Effect.PARSES):
            raw = effect.effect is Effect.READS
            if effect.path is None:
                occurrences = tuple(replace(each, origin=effect.at) for each in effect.occurrences)
                return LoadSite(call, api, PathValue(occurrences=occurrences), None, raw, True)
            node = call.argument(effect.path.position, effect.path.name)
            if node is not None:
                return LoadSite(call, api, self.handles.resolve(node, call), node, raw, True)
        return None

    def opened_in(self, function: FunctionFacts) -> list[tuple[Call, Opened]]:
        """The calls of a function that open a file, in the order of the file."""
        if function not in self._opened_in:
            self._opened_in[function] = [
                (call, opened)
                for call in function.calls
                if last_name(call.node.func) in self._opening
                and (opened := self.handles.opens(call)) is not None
            ]
        return self._opened_in[function]

    @cached_property
    def _opening(self) -> set[str]:
        """Last parts of the names of functions that may open a file."""
        return self._candidates.names(_OPENERS | {"open"}, _is_wrapper)

    @cached_property
    def _loading(self) -> set[str]:
        """Last parts of the names of functions that may load a file."""
        return self._candidates.names(_reading(self._config.loaders) | _KEPT, _may_load)

    @cached_property
    def project_writes(self) -> list[WriteSite]:
        """Calls of imported functions that write a file. They are not findings themselves."""
        writers = sorted(self._project_writers(), key=lambda call: call.order)
        found = [
            WriteSite(call, WriteKind.HELPER, "", arg.value, self.handles.resolve(arg.value, call))
            for call in writers
            for arg in call.arguments[:3]
        ]
        return [*found, *self.written_elsewhere]

    @cached_property
    def written_elsewhere(self) -> list[WriteSite]:
        """The calls of functions from other files that write to a path passed to them."""
        return list(self._find_written_elsewhere())

    def _find_written_elsewhere(self) -> Iterator[WriteSite]:
        for call in self.scopes.calls() if self.outside.calls else ():
            if _opens_to(call, reads=True):
                continue
            for effect in self.effects_of(call, Effect.WRITES, Effect.KEEPS):
                given = effect.path
                node = call.argument(given.position, given.name) if given is not None else None
                if node is not None:
                    path = self.handles.resolve(node, call)
                    yield WriteSite(call, WriteKind.HELPER, "", node, path)

    def _project_writers(self) -> Iterator[Call]:
        writing = self._candidates.names(
            self._helpers.union(apis.RUNNERS),
            lambda last: apis.PROJECT_WRITER.fullmatch(last) is not None,
        )
        imported = {target.partition(".")[0] for target in self.scopes.imports.values()}
        every = not apis.ATOMIC_PACKAGES.isdisjoint(imported)
        for given in self.scopes.calls():
            if not (
                every
                or last_name(given.node.func) in writing
                or given.function.name in self._helpers
                or (given.name or "").partition(".")[0] in apis.ATOMIC_PACKAGES
            ):
                continue
            call, name = self._seen_through(given)
            last = call.method or name.last
            keeps = self._is_vouched_for(call, name) or apis.PROJECT_WRITER.fullmatch(last)
            if keeps and not self.paths.callees(call.node, call.function):
                yield call

    @cached_property
    def given_to_atomic_writers(self) -> frozenset[str]:
        """Names of functions that are passed to a function from elsewhere whose name promises an
        atomic write."""
        return frozenset(
            (dotted(write.path_node) or "").rpartition(".")[2]
            for write in self.project_writes
            if not PROMISING_ATOMICITY.isdisjoint(words(write.call.method or write.call.name or ""))
        )

    def _is_vouched_for(self, call: Call, name: QualifiedName) -> bool:
        return (
            name.package in apis.ATOMIC_PACKAGES
            or name.last in self._helpers
            or call.function.name in self._helpers
        )

    def run_by(self, call: Call) -> Sequence[FunctionFacts]:
        """The functions of this module that a call may run, also in a thread or an executor."""
        return self.paths.callees(self._seen_through(call)[0].node, call.function)

    def as_loaded_by(self, call: Call, load: LoadSite) -> LoadSite:
        """A load in a function that a call runs, with the path that the call passes to it."""
        run, _ = self._seen_through(call)
        function = load.function
        for parameter in function.parameters if run is not call else ():
            if parameter_of(function, parameter.name) in load.path.aliases:
                position = function.parameter_position(parameter.name)
                node = run.argument(position, parameter.name)
                if node is not None:
                    return replace(load, path=self.handles.resolve(node, call))
        return load

    def _seen_through(self, call: Call) -> tuple[Call, QualifiedName]:
        """The function that a call in the file finally runs, and its qualified name."""
        if call not in self._seen:
            self._seen[call] = self._see_through(call)
        return self._seen[call]

    def _see_through(self, call: Call) -> tuple[Call, QualifiedName]:
        name = self.paths.call_name(call, call.function)
        bound = self.handles.bound_method(call)
        if bound is not None:
            node = call_of(bound, call.node, call.node.args)
            call = Call(call.order, node, call.function, call.enclosing, dotted(bound), call.node)
            name = QualifiedName()
        call = self.paths.completed(call)
        position = apis.RUNNERS.get(call.method or name.last)
        if position is not None:
            inner = call.argument(position)
            if isinstance(inner, (ast.Attribute, ast.Name)):
                call = call_of_handed(call, inner)
                name = self.paths.call_name(call, call.function)
        return call, name


def _ends(call: Call) -> tuple[ast.expr | None, ast.expr | None]:
    """The arguments of `os.replace` and similar calls."""
    return call.argument(0, "src"), call.argument(1, "dst")


def _how_it_runs(call: Call, how: Move) -> Move:
    """How a call moves a file: in code that never runs on Windows, a rename replaces the target."""
    return Move.REPLACE if how is Move.RENAME and is_off_windows(call) else how


class _Publishes:
    """Determines whether a call gives a file its final name."""

    def __init__(self, handles: Handles, moves: Iterable[tuple[Call, str]]) -> None:
        self._handles = handles
        # Functions of the module that move files, with the calls that do it, and how.
        self._moves: dict[FunctionFacts, list[tuple[Call, Move]]] = {}
        for call, name in moves:
            how = _how_it_runs(call, apis.PUBLISHERS[name])
            self._moves.setdefault(call.function, []).append((call, how))

    @property
    def helpers(self) -> set[str]:
        """Names of functions of the module that may publish their parameters."""
        return {function.name for function in self._moves}

    def find(self, call: Call, name: QualifiedName) -> PublishSite | None:
        how = apis.PUBLISHERS.get(name.full)
        if how is not None:
            return self._publish_site(call, _how_it_runs(call, how), name.full, *_ends(call))
        method = call.method
        target = call.argument(0, "target")
        if method in apis.PUBLISH_METHODS and target is not None and len(call.arguments) == 1:
            if isinstance(target, ast.Dict):
                return None  # DataFrame.rename({...})
            how = _how_it_runs(call, apis.PUBLISH_METHODS[method])
            return self._publish_site(call, how, f"Path.{method}", call.receiver, target)
        # A helper of the module whose body publishes its parameters.
        for callee in self._handles.paths.callees(call.node, call.function)[:1]:
            for inner, how in self._moves.get(callee, ()) if callee is not call.function else ():
                positions = [
                    callee.parameter_position(end.id) if isinstance(end, ast.Name) else None
                    for end in _ends(inner)
                ]
                if None in positions:
                    continue
                source, target = map(call.argument, positions)
                found = self._publish_site(call, how, callee.name, source, target)
                if found is not None:
                    return found
        return None

    def elsewhere(self, call: Call, effect: CallEffect) -> PublishSite | None:
        """What a function from another file does."""
        source = effect.source
        target = effect.path
        if source is None or target is None or effect.how is None:
            return None
        ends = (call.argument(each.position, each.name) for each in (source, target))
        api = call.method or (call.name or "").rpartition(".")[2]
        found = self._publish_site(call, effect.how, api, *ends)
        return replace(found, elsewhere=effect) if found is not None else None

    def _publish_site(
        self,
        call: Call,
        how: Move,
        api: str,
        source: ast.expr | None,
        target: ast.expr | None,
    ) -> PublishSite | None:
        if source is None or target is None:
            return None
        resolve = self._handles.resolve
        return PublishSite(
            call, how, api, source, target, resolve(source, call), resolve(target, call)
        )


def _opens_to(call: Call, *, reads: bool) -> bool:
    """Whether a function from another file is called as `open` is, with a mode that only reads, or
    only writes: it does both where it is defined."""
    modes = [
        each
        for argument in call.arguments[1:3]
        if is_mode(each := text_of(argument.value)) and each is not None
    ]
    return bool(modes) and not any(
        "+" in each or ("r" in each) is not reads or not set("rwax") & set(each) for each in modes
    )
