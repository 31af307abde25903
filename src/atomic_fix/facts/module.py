"""The facts about one file, without judgement, as an interface for rules."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.features import FeatureName
from atomic_fix.catalog.words import ORIGINALS, RESULTS
from atomic_fix.config import Config
from atomic_fix.facts import evidence, fallbacks
from atomic_fix.facts.comments import Comments
from atomic_fix.facts.elsewhere import View, views
from atomic_fix.facts.evidence import Feature, Score, Vocabulary
from atomic_fix.facts.extended import (
    Lists,
    is_carried_on,
    is_edited,
    is_extended,
    lists,
    loses_entries,
)
from atomic_fix.facts.generated import is_generated
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.nodes import FUNCTIONS, called_name
from atomic_fix.facts.outside import NOTHING_OUTSIDE, FileSlice, OutsideCallers, Place
from atomic_fix.facts.pairs import ByFile, Partners, answered, asked
from atomic_fix.facts.paths import Paths, PathValue, parameter_of
from atomic_fix.facts.paths.expr import is_below
from atomic_fix.facts.platforms import is_posix_only
from atomic_fix.facts.publications import (
    IndirectCalls,
    Publication,
    is_filled_for_callers,
    publications,
    removals_in,
)
from atomic_fix.facts.remade import NewFiles, is_tolerated_cache, why_nothing_is_lost
from atomic_fix.facts.same_run import SameRun
from atomic_fix.facts.scopes import BlockKind, FunctionFacts, Scopes, Site, collect
from atomic_fix.facts.sites import LoadSite, PublishSite, Sites, WriteSite
from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.facts.swallowing import Dismissal, Swallow, dismissals, swallows
from atomic_fix.facts.testing import is_named_test, is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.facts.trusted import is_given_as_whole, is_trusted
from atomic_fix.facts.uncalled import is_chosen_by_caller
from atomic_fix.source import Source

_Result = TypeVar("_Result")

_EMPTY = frozenset({"", "None", "False", "0", "{}", "[]", "()", "''", '""', "dict()", "list()"})
"""Defaults that a caller can distinguish from loaded data by a simple test."""

_UNREAD = "no code of the project reads it back"
_ROWS_ABOVE = 12
_MAKING_FOLDERS = frozenset({"TemporaryDirectory", "mkdtemp"})

_FILLED_FOR_CALLERS = "its callers pass it a temp file, which they publish"


@dataclass(frozen=True)
class ModuleFacts:
    source: Source
    tree: Tree
    config: Config
    outside: FileSlice = NOTHING_OUTSIDE
    """The evidence in the other files of the project about this one."""

    @cached_property
    def scopes(self) -> Scopes:
        return collect(self.tree.module)

    @cached_property
    def statements(self) -> Statements:
        """The module's own statements, with their text."""
        return Statements(self.tree.module, rows_of(self.source.text))

    @cached_property
    def comments(self) -> Comments:
        return Comments(self.source)

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.scopes)

    @cached_property
    def sites(self) -> Sites:
        return Sites(self.scopes, self.paths, self.config, self.tree, self.outside)

    @cached_property
    def _every_publication(self) -> tuple[Publication, ...]:
        return publications(self.sites)

    @cached_property
    def publications(self) -> tuple[Publication, ...]:
        """Temp files given their final name, with the writes that made them."""
        return tuple(each for each in self._every_publication if not each.is_reported_elsewhere)

    @cached_property
    def swallows(self) -> tuple[Swallow, ...]:
        """Handlers around loads that silently end in a default."""
        return swallows(self.sites, self.tree)

    def is_reported(self, swallow: Swallow) -> bool:
        """Whether a caller in this file tests for the default of a handler and reports it."""
        function = swallow.function
        attributes = frozenset(each for each in swallow.sets if each.startswith("self."))
        if fallbacks.reported_by_caller(self.sites, self.tree.module, function, attributes):
            return True
        if swallow.outcome.value not in _EMPTY:
            return False  # a test for None or emptiness would not find this default
        given_on = (function, *self._giving_on(function))
        return any(callers.reports for callers in self._callers_elsewhere(given_on))

    def _giving_on(self, function: FunctionFacts) -> list[FunctionFacts]:
        """The functions of this file that return the result of another one unchanged."""
        return [
            call.function
            for call in self.scopes.callers_of(function.name)
            if any(each.value is call.node for each in call.function.returns)
        ]

    def callers_of_loader(self, function: FunctionFacts) -> fallbacks.Callers:
        """How callers use the result of a loader or handle its exceptions."""
        found = fallbacks.callers(self.sites, self.tree.module, function)
        for callers in self._callers_elsewhere((function, *self.callers(function))):
            found = fallbacks.Callers(
                found.loops or callers.loops,
                found.catches or callers.catches,
                found.looks or callers.looks,
            )
        return found

    def _callers_elsewhere(self, functions: Iterable[FunctionFacts]) -> list[OutsideCallers]:
        """What the callers of some functions in other files do."""
        if not self.outside.callers:
            return []
        found = (self.outside.callers_of(each.name, each.row) for each in functions)
        return [each for each in found if each is not None]

    @cached_property
    def dismissals(self) -> tuple[Dismissal, ...]:
        """Tests of a loaded object's shape that silently end in a default."""
        return dismissals(self.sites, self.tree)

    @cached_property
    def posix_only(self) -> bool:
        """Whether the module can run only on POSIX systems."""
        return is_posix_only(self.source.text)

    @cached_property
    def _cache(self) -> dict[object, Any]:
        return {}

    def cached(self, key: object, work: Callable[[], _Result]) -> _Result:
        """What `work` returns, computed once for each key."""
        if key not in self._cache:
            self._cache[key] = work()
        found: _Result = self._cache[key]
        return found

    def forget(self) -> None:
        """Free the facts once they are no longer needed: see `Scopes.take_apart`."""
        known = vars(self)
        if "scopes" in known:
            self.scopes.take_apart()
        for name in [name for name in known if name not in self.__dataclass_fields__]:
            del known[name]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.config.durable_words, self.config.not_durable_words)

    def is_scratch_of_test(self, function: FunctionFacts, score: Score) -> bool:
        """Whether a function uses a file as part of a test: the function is a test, or is named
        like one and reads the file itself."""
        return is_test(function, self.paths) or (
            is_named_test(function)
            and any(g.site is not None and g.site.function is function for g in score.features)
        )

    @cached_property
    def _published(self) -> set[WriteSite]:
        return {write for each in self._every_publication for write in each.writes}

    def is_staged(self, site: WriteSite) -> bool:
        """Whether what the site writes is a temp file that is published later."""
        return site in self._published or any(
            # Its folder is moved to its final name as a whole.
            publish.order > site.order and is_below(site.path.expr, publish.source.expr)
            for publish in self.sites.publishes_in(site.function)
        )

    @cached_property
    def _indirect_calls(self) -> IndirectCalls:
        return IndirectCalls(self.sites)

    def write_score(self, site: WriteSite) -> Score:
        """How likely it is that what the site writes is durable state. Below the minimum confidence
        that is reported, it is an upper bound, because readers of the file are then not looked
        up."""
        return self.cached(("written", site), lambda: self._score_write(site))

    def _score_write(self, site: WriteSite) -> Score:
        return self._likeliest(
            [self._weigh_write_as(site, view) for view in self._views(site, site.path, reads=False)]
        )

    def _weigh_write_as(self, site: WriteSite, view: View) -> Score:
        named = (*self._path_features(view.path, site.function), *view.features)
        if excluded := evidence.exclusion(view.path):
            return Score(named, excluded)
        most = Score(
            self._with_write_features(site, (*named, *evidence.best_possible_read_back(site)))
        )
        if most.confidence < self.config.min_confidence:
            return most
        found = Score(self._write_features(site, named))
        # Last, since it examines every caller.
        if (
            view.given is None
            and found.confidence >= self.config.min_confidence
            and is_filled_for_callers(self.sites, self._indirect_calls, site)
        ):
            return Score(found.features, _FILLED_FOR_CALLERS)
        if found.confidence >= self.config.min_confidence:
            reason = why_nothing_is_lost(
                self.sites, site, view, self._readers, self._new_files, found
            )
            return Score(found.features, found.ruled_out or reason)
        return found

    def features(
        self,
        site: WriteSite | Publication | LoadSite,
        view: View,
        loader: FunctionFacts | None = None,
    ) -> tuple[Feature, ...]:
        """All evidence for and against the file of a site being durable state, with its path as one
        caller gives it; `loader`: the function that loads it."""
        match site:
            case WriteSite():
                named = (*self._path_features(view.path, site.function), *view.features)
                return self._write_features(site, named)
            case Publication():
                return self._publication_features(site, view)
        return self._load_features(site, loader or site.function, view)

    def _views(self, site: Site, path: PathValue, *, reads: bool) -> list[View]:
        """The variants of a site's path."""
        if not self.outside or (not reads and self._is_removed_after(site, path)):
            return [View(path)]
        if isinstance(site, WriteSite) and (
            # Few copied files are state, whatever their target.
            site.content is Content.COPY
            # Files that came with the program can be recreated.
            or any(phrase_in(ORIGINALS, name) for name in site.data)
        ):
            return [View(path)]
        given_here = any(
            next(iter(self.scopes.callers_of(function.name)), None) is not None
            for function in self.scopes.functions
            for parameter in function.parameters
            if parameter_of(function, parameter.name) in path.aliases
        )
        return views(
            self.outside, self.vocabulary, site, path, reads=reads, is_called_here=given_here
        )

    def _is_removed_after(self, site: Site, path: PathValue) -> bool:
        """Whether the function that writes a file also removes it: it empties it, or tests whether
        it is writable."""
        return any(
            call.order > site.order and removed.same(path)
            for call, removed in removals_in(self.sites, site.function)
        )

    def _is_removed_again(self, site: WriteSite) -> bool:
        """Whether the function that writes a file always removes it. If it writes in a loop and
        removes the file after it, the file may say how far it has come."""
        around = site.call.enclosing
        return any(
            call.order > site.order
            # An alias may be one of several values: `old_folder`, which was `folder` once.
            and removed.same(site.path)
            and removed.expr == site.path.expr
            and all(block in around or block.kind is BlockKind.FINALLY for block in call.enclosing)
            and not any(
                block.kind is BlockKind.LOOP and block not in call.enclosing for block in around
            )
            for call, removed in self.cached(
                ("removed", site.function), lambda: removals_in(self.sites, site.function)
            )
        )

    @staticmethod
    def _likeliest(found: list[Score]) -> Score:
        """The one with the strongest evidence for durable state."""
        if not found:
            return Score(ruled_out=_FILLED_FOR_CALLERS)
        return max(found, key=lambda each: (not each.ruled_out, each.log_odds))

    def _write_features(self, site: WriteSite, named: tuple[Feature, ...]) -> tuple[Feature, ...]:
        return self._with_write_features(site, (*named, *self._read_back(site.path, site.function)))

    def _with_write_features(
        self, site: WriteSite, found: tuple[Feature, ...]
    ) -> tuple[Feature, ...]:
        """The features of the path and its readers, with those of the write itself."""
        found += tuple(evidence.content_features(site, found))
        if not site.constant:
            found += tuple(evidence.data_features(self.vocabulary, site.data))
        found += tuple(evidence.purpose_features(site.function))
        found += tuple(self._unread(site, found))
        found += tuple(self._uncalled(site.path, site.function))
        if self._is_removed_again(site):
            text = "the function removes it again"
            found += (Feature(FeatureName.REMOVED_AGAIN, text),)
        if not evidence.is_read_back(found) and self._is_read_in_same_run(site):
            text = "it is read only after the same run has written it"
            found += (Feature(FeatureName.READ_IN_SAME_RUN, text),)
        if self._is_extended(site):
            is_read = evidence.is_read_back(found)
            name = FeatureName.EXTENDED if is_read else FeatureName.EXTENDED_ALONE
            found += (Feature(name, "its old content is written again, with additions"),)
            if any(each.name is FeatureName.SUFFIX_DENIED for each in found):
                found += (Feature(FeatureName.GROWING, "it grows with each entry"),)
        elif evidence.is_read_back(found) and self._is_edited(site):
            found += (Feature(FeatureName.LINES_EDITED, "its lines are edited"),)
        if evidence.is_read_back(found):
            found += tuple(self._carried_on(site, found))
        if evidence.is_read_back(found) and self._is_generated(site):
            found += (Feature(FeatureName.GENERATED, "it holds a random value"),)
        elif self._is_given_as_whole(site):
            # Because it is downloaded, no later run creates it again.
            found = tuple(each for each in found if each.word != "download" or each.weight > 0)
            text = "an existing file is passed on to callers unchanged"
            found += (Feature(FeatureName.GIVEN_AS_WHOLE, text),)
        elif not self._is_trusted(site):
            if not self._is_saved_for_others(site):
                found += tuple(evidence.absence_features(site))
            if site.content is Content.DOWNLOAD:
                found += (Feature(FeatureName.DOWNLOADED, "it can be downloaded again"),)
        elif site.content is Content.DOWNLOAD and not evidence.is_read_back(found):
            text = "what exists is loaded, and not downloaded again"
            found += (Feature(FeatureName.NOT_DOWNLOADED_AGAIN, text),)
        return found

    def _unread(self, site: WriteSite, found: tuple[Feature, ...]) -> Iterator[Feature]:
        """Evidence against a file that no code reads back."""
        if self._is_unread(site, found) and not (
            self._is_extended(site) or self._is_trusted(site) or self._is_given_as_whole(site)
        ):
            yield Feature(FeatureName.UNREAD, _UNREAD)
        else:
            yield from evidence.hint_features(found)

    def _is_unread(self, site: Site, found: tuple[Feature, ...]) -> bool:
        return (
            bool(self.outside.unread)
            and Place.of(site.call.source_node) in self.outside.unread
            and not evidence.is_read_back(found)
        )

    def _uncalled(self, path: PathValue, function: FunctionFacts) -> Iterator[Feature]:
        """Evidence that a write never happens, because its function has no callers."""
        if (function.name, function.row) in self.outside.uncalled and is_chosen_by_caller(
            path, function
        ):
            yield Feature(FeatureName.UNCALLED, "no code of the project calls the function")

    @cached_property
    def _lists(self) -> Lists:
        return lists(self.sites)

    def _is_extended(self, site: WriteSite) -> bool:
        """Whether the written data is the old content with something added."""
        return self.cached(("extended", site), lambda: is_extended(self.sites, self._lists, site))

    def _carried_on(self, site: WriteSite, found: Iterable[Feature]) -> Iterator[Feature]:
        """Evidence that a later run continues with the results in a file, if its words mean
        results."""
        if any(each.weight < 0 and each.word in RESULTS for each in found) and self.cached(
            ("carried on", site), lambda: is_carried_on(self.sites, site)
        ):
            yield Feature(FeatureName.CARRIED_ON, "the next run continues from its content")

    def _is_edited(self, site: WriteSite) -> bool:
        """Whether the written data are the old lines, of which some were changed. A function that
        gets the path from a caller may edit any text, unless it keeps up a list."""
        is_given = evidence.given_by_caller(site.path, site.function)
        shows = loses_entries if is_given else is_edited
        return self.cached(("edited", site), lambda: shows(self.sites, self._lists, site))

    def _is_generated(self, site: WriteSite) -> bool:
        """Whether the written data is random, so that it cannot be created again."""
        return self.cached(("generated", site), lambda: is_generated(self.sites, site))

    def _is_saved_for_others(self, site: WriteSite) -> bool:
        """Whether a library saves objects that nothing in this file loads: if they are written only
        once, a loader may take an incomplete file for the whole one."""
        return (
            site.saver is not None
            and site.content is Content.STATE
            and not any(load.path.same(site.path) for load in self.sites.loads)
        )

    def _is_given_as_whole(self, site: WriteSite) -> bool:
        """Whether callers get the path of the written file, or of one that was there."""
        return self.cached(("given", site), lambda: is_given_as_whole(self.sites, site))

    def _is_trusted(self, site: WriteSite) -> bool:
        """Whether the code only tests that the written file exists, not its content."""
        return self.cached(("trusted", site), lambda: is_trusted(self.sites, site))

    def load_score(self, load: LoadSite, function: FunctionFacts) -> Score:
        """How likely it is that the file which `function` loads is durable state."""
        return self.cached(("loaded", load, function), lambda: self._score_load(load, function))

    def _score_load(self, load: LoadSite, function: FunctionFacts) -> Score:
        return self._likeliest(
            [
                self._weigh_load_as(load, function, view)
                for view in self._views(load, load.path, reads=True)
            ]
        )

    def _weigh_load_as(self, load: LoadSite, function: FunctionFacts, view: View) -> Score:
        return Score(self.features(load, view, function), evidence.exclusion(view.path))

    def _load_features(
        self, load: LoadSite, function: FunctionFacts, view: View
    ) -> tuple[Feature, ...]:
        path = view.path
        found = (*self._path_features(path, function), *view.features)
        writer = self._writer(load.path, function)
        if writer is not None:
            who = "this module" if writer.function.is_module else f"`{writer.function.name}`"
            found += (Feature(FeatureName.WRITTEN, f"{who} writes it", site=writer),)
            if isinstance(writer, WriteSite):
                found += tuple(self._carried_on(writer, found))
        elif not any(feature.of_file for feature in view.features):
            found += tuple(evidence.foreign_features(path, function))
        if load.raw:
            return (*found, Feature(FeatureName.NOT_PARSED, "its content is read but not parsed"))
        return (*found, Feature(FeatureName.PARSED, "its content is parsed"))

    def _writer(self, path: PathValue, loader: FunctionFacts) -> WriteSite | PublishSite | None:
        """The write of the loaded file: found by its path, or else by the functions' names."""
        found: WriteSite | PublishSite | None = next(
            (
                each
                for sites in (self.sites.writes_of, self._targets.same, self._kept.same)
                for each in sites(path)
            ),
            None,
        )
        if found is not None:
            return found
        loaders = (loader, *self.callers(loader))
        return self._savers.first(loaders, answered)

    @cached_property
    def _targets(self) -> ByFile[PublishSite]:
        return ByFile((each.site, each.site.target) for each in self.publications)

    @cached_property
    def _kept(self) -> ByFile[WriteSite]:
        return ByFile((write, write.path) for write in self.sites.project_writes)

    @cached_property
    def _savers(self) -> Partners[WriteSite]:
        return Partners(
            (
                (write, (write.function, *self.callers(write.function)))
                for write in (*self.sites.writes, *self.sites.project_writes)
            ),
            lambda saver: asked(saver, own=False),
        )

    def publication_score(self, publication: Publication) -> Score:
        """How likely it is that the published file is durable state."""
        return self.cached(("published", publication), lambda: self._score_publication(publication))

    def _score_publication(self, publication: Publication) -> Score:
        site = publication.site
        return self._likeliest(
            [
                self._weigh_publication_as(publication, view)
                for view in self._views(site, site.target, reads=False)
            ]
        )

    def _weigh_publication_as(self, publication: Publication, view: View) -> Score:
        found = Score(self.features(publication, view), evidence.exclusion(view.path))
        site = publication.site
        if found.confidence >= self.config.min_confidence and is_tolerated_cache(
            self.sites, view.path, site.function, self._readers, view.readers
        ):
            return Score(found.features, "it is a cache, and a broken one is a miss")
        return found

    def _publication_features(self, publication: Publication, view: View) -> tuple[Feature, ...]:
        site = publication.site
        found = (*self._path_features(view.path, site.function), *view.features)
        for write in publication.writes[:1]:
            found += tuple(evidence.content_features(write, found))
            found += tuple(evidence.data_features(self.vocabulary, write.data))
        purpose = tuple(evidence.purpose_features(site.function))
        # A folder may be complete at any time without any of its files being state.
        is_file = any(each.path.same(site.source) for each in publication.writes) or any(
            called_name(each.node) not in _MAKING_FOLDERS for each in publication.made
        )
        if is_file and not any(each.name is FeatureName.FUNCTION_PROMISES for each in purpose):
            purpose += tuple(evidence.promise_in(self._remarks_on(site)))
        found += purpose
        found += tuple(self._uncalled(site.target, site.function))
        first = Feature(FeatureName.TEMP_NAME_FIRST, "it is written under a temp name first")
        found = (*found, first, *self._read_back(site.target, site.function))
        if self._is_unread(site, found):
            found += (Feature(FeatureName.UNREAD, _UNREAD),)
        return found

    def _remarks_on(self, site: PublishSite) -> Iterator[str]:
        """The docstring of the function that publishes a file, and the comments that are near above
        the call."""
        node, row = site.function.node, site.node.lineno
        start = 1
        if isinstance(node, FUNCTIONS):
            yield ast.get_docstring(node) or ""
            start = node.lineno
        first = max(start, row - _ROWS_ABOVE)
        if any("#" in self.source.line(each) for each in range(first, row + 1)):
            yield from (each.text for each in self.comments.between(first, row))

    def written_elsewhere(self, function: FunctionFacts) -> list[WriteSite]:
        """The calls in one function by which functions from other files write to a path passed to
        them."""
        if not self.outside.calls:
            return []
        return [each for each in self.sites.written_elsewhere if each.function is function]

    def callers(self, function: FunctionFacts, depth: int = 2) -> tuple[FunctionFacts, ...]:
        """Functions of the module that call this one, directly or through others."""
        return self.cached(("callers", function, depth), lambda: self._callers(function, depth))

    def _callers(self, function: FunctionFacts, depth: int) -> tuple[FunctionFacts, ...]:
        found: dict[FunctionFacts, None] = {}
        for call in self.scopes.callers_of(function.name):
            caller = call.function
            if caller is function or caller in found or caller.is_module:
                continue
            if function in self.paths.callees(call.node, caller):
                found[caller] = None
                if depth > 1:
                    found.update(dict.fromkeys(self.callers(caller, depth - 1)))
        return tuple(found)

    def _path_features(self, path: PathValue, function: FunctionFacts) -> tuple[Feature, ...]:
        """The features in the words around a path, however the file is used."""
        filename = self.source.filename
        found = (
            *evidence.name_features(self.vocabulary, path, function, filename),
            *evidence.trait_features(path),
        )
        if evidence.given_by_caller(path, function):
            found += tuple(evidence.caller_features(self.vocabulary, self.callers(function)))
        if self.config.beside_program:
            text = "it is a script beside the program"
            found += (Feature(FeatureName.BESIDE_PROGRAM, text),)
        return found

    def _read_back(self, path: PathValue, function: FunctionFacts) -> tuple[Feature, ...]:
        return evidence.read_back(path, function, self._readers, self.callers)

    @cached_property
    def _readers(self) -> evidence.Readers:
        return evidence.Readers(self.sites.loads, self.callers, self._is_fed)

    @cached_property
    def _same_run(self) -> SameRun:
        return SameRun(self.sites)

    def _is_read_in_same_run(self, site: WriteSite) -> bool:
        """Whether whoever reads a file has written it before, in the same run. A file that is only
        written where it is missing is one that later runs use."""
        if evidence.guarded_by_absence(site):
            return False
        loads = self._readers.of(site.path)
        return bool(loads) and all(map(self._is_fed, loads))

    def _is_fed(self, load: LoadSite) -> bool:
        """Whether a load only reads what the same run has written. The cells of a notebook are run
        one by one, so that any of them may be the first of a run."""
        return self.source.cells is None and self._same_run.is_fed(load)

    @cached_property
    def _new_files(self) -> NewFiles:
        return NewFiles()
