"""What the code of one file does, without judging it, the way rules ask for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.words import ORIGINALS
from atomic_fix.config import Config
from atomic_fix.facts import evidence, fallbacks
from atomic_fix.facts.comments import Comments
from atomic_fix.facts.elsewhere import View, views
from atomic_fix.facts.evidence import Score, Vocabulary
from atomic_fix.facts.extended import is_extended
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.outside import NOTHING_OUTSIDE, FileSlice, OutsideCallers
from atomic_fix.facts.pairs import ByFile, Partners, answered, asked
from atomic_fix.facts.paths import Paths, PathValue, parameter_of
from atomic_fix.facts.paths.expr import is_below
from atomic_fix.facts.platforms import is_posix_only
from atomic_fix.facts.publications import (
    Publication,
    is_filled_for_callers,
    publications,
    removals_in,
)
from atomic_fix.facts.scopes import FunctionFacts, Scopes, Site, collect
from atomic_fix.facts.sites import LoadSite, PublishSite, Sites, WriteSite
from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.facts.swallowing import Dismissal, Swallow, dismissals, swallows
from atomic_fix.facts.testing import is_named_test, is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.facts.trusted import is_trusted
from atomic_fix.source import Source

_Result = TypeVar("_Result")

_EXTENDED = 0.6
_GROWING = 3.0
"""Takes back what the suffix of a text for people says against it."""
_DOWNLOADED = -3.0
"""Against what is fetched again each time, or where it cannot be read."""
_EMPTY = frozenset({"", "None", "False", "0", "{}", "[]", "()", "''", '""', "dict()", "list()"})
"""Defaults that a caller can tell from what was loaded by a plain test."""


@dataclass(frozen=True)
class ModuleFacts:
    source: Source
    tree: Tree
    config: Config
    outside: FileSlice = NOTHING_OUTSIDE
    """What the other files of the project say about this one."""

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
        return tuple(each for each in self._every_publication if not each.is_told_elsewhere)

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
            return False  # a caller that tests for nothing at all does not mean this default
        given_on = (function, *self._giving_on(function))
        return any(callers.reports for callers in self._callers_elsewhere(given_on))

    def _giving_on(self, function: FunctionFacts) -> list[FunctionFacts]:
        """The functions of this file that return what another one returns, as it is."""
        return [
            call.function
            for call in self.scopes.callers_of(function.name)
            if any(each.value is call.node for each in call.function.returns)
        ]

    def callers_of_loader(self, function: FunctionFacts) -> fallbacks.Callers:
        """What the callers do with what a loader returns or raises."""
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
        """Whether the module can run on POSIX systems alone."""
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
        """Let go of what is known, when all questions are answered: see `Scopes.take_apart`."""
        known = vars(self)
        if "scopes" in known:
            self.scopes.take_apart()
        for name in [name for name in known if name not in self.__dataclass_fields__]:
            del known[name]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.config.durable_words, self.config.not_durable_words)

    def is_scratch_of_test(self, function: FunctionFacts, score: Score) -> bool:
        """Whether what a function does with a file is part of a test: of its own, or, in what is
        called a test, a file that it reads itself."""
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
            # The folder that it is in is moved to its final name as a whole.
            publish.order > site.order and is_below(site.path.expr, publish.source.expr)
            for publish in self.sites.publishes_in(site.function)
        )

    def write_score(self, site: WriteSite) -> Score:
        """How likely it is that what the site writes is durable state. Below the least confidence
        that is reported, it is an upper bound: who reads the file back is not looked up then."""
        return self.cached(("written", site), lambda: self._score_write(site))

    def _score_write(self, site: WriteSite) -> Score:
        return self._likeliest(
            [self._weigh_write_as(site, view) for view in self._views(site, site.path, reads=False)]
        )

    def _weigh_write_as(self, site: WriteSite, view: View) -> Score:
        named = self._path_score(view.path, site.function)
        if named.ruled_out:
            return named
        named.features += view.features
        most = self._with_write_features(
            site, [*named.features, *evidence.best_possible_read_back(site)]
        )
        if most.confidence < self.config.min_confidence:
            return most
        found = self._with_write_features(
            site, [*named.features, *self._read_back(site.path, site.function)]
        )
        # Last, since it looks at every caller.
        if (
            view.given is None
            and found.confidence >= self.config.min_confidence
            and is_filled_for_callers(self.sites, site)
        ):
            found.rule_out("its callers have it fill a temp file, and publish that")
        return found

    def _views(self, site: Site, path: PathValue, *, reads: bool) -> list[View]:
        """The ways in which the path of a site is known."""
        if not self.outside or (not reads and self._is_removed_after(site, path)):
            return [View(path)]
        if isinstance(site, WriteSite) and (
            # Of what is copied, few files are state, wherever they go.
            site.content is Content.COPY
            # What came with the program can be written again.
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
        """Whether the function that writes a file removes it: it empties it, or tries whether it
        can be written."""
        return any(
            call.order > site.order and removed.same(path)
            for call, removed in removals_in(self.sites, site.function)
        )

    @staticmethod
    def _likeliest(found: list[Score]) -> Score:
        """The one that speaks most for durable state."""
        if not found:
            nothing = Score()
            nothing.rule_out("its callers have it fill a temp file, and publish that")
            return nothing
        return max(found, key=lambda each: (not each.ruled_out, each.log_odds))

    def _with_write_features(self, site: WriteSite, features: list[evidence.Feature]) -> Score:
        """The features of the path and its readers, with those of the write itself."""
        found = Score(features)
        evidence.add_content_features(found, site)
        if not site.constant:
            evidence.add_data_features(found, self.vocabulary, site.data)
        evidence.add_purpose_features(found, site.function)
        evidence.add_hint_features(found)
        if self._is_extended(site):
            weight = _EXTENDED if found.read_back else evidence.READ_BACK_RAW
            found.add("what it held is written again, with more", weight)
            if any(each.text.startswith("the suffix is") and each.weight < 0 for each in features):
                found.add("it grows with each entry", _GROWING)
        if not self._is_trusted(site):
            evidence.add_absence_features(found, site)
            if site.content is Content.DOWNLOAD:
                found.add("it can be downloaded again", _DOWNLOADED)
        elif site.content is Content.DOWNLOAD and not found.read_back:
            found.add("what exists is loaded, and not downloaded again", evidence.READ_BACK_SAME)
        return found

    def _is_extended(self, site: WriteSite) -> bool:
        """Whether what is written is the old content and more."""
        return self.cached(("extended", site), lambda: is_extended(self.sites, site))

    def _is_trusted(self, site: WriteSite) -> bool:
        """Whether what is written is not looked at once it exists."""
        return self.cached(("trusted", site), lambda: is_trusted(self.sites, site))

    def load_score(self, load: LoadSite, function: FunctionFacts) -> Score:
        """How likely it is that what `function` loads is durable state."""
        return self.cached(("loaded", load, function), lambda: self._score_load(load, function))

    def _score_load(self, load: LoadSite, function: FunctionFacts) -> Score:
        return self._likeliest(
            [
                self._weigh_load_as(load, function, view)
                for view in self._views(load, load.path, reads=True)
            ]
        )

    def _weigh_load_as(self, load: LoadSite, function: FunctionFacts, view: View) -> Score:
        path = view.path
        found = self._path_score(path, function)
        writer = self._writer(load.path, function)
        found.features += view.features
        if writer is not None:
            text = f"`{writer.function.name or 'the module'}` writes it"
            found.add(text, evidence.WRITTEN, writer)
        elif not any(feature.of_file for feature in view.features):
            evidence.add_foreign_features(found, path, function)
        if load.raw:
            found.add("it is read, not parsed", -0.8)
        else:
            found.add("the data is parsed", 0.6)
        return found

    def _writer(self, path: PathValue, loader: FunctionFacts) -> WriteSite | PublishSite | None:
        """What writes the file that is loaded: by its path, or else by the functions' names."""
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
        """How likely it is that what is published is durable state."""
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
        site = publication.site
        found = self._path_score(view.path, site.function)
        found.features += view.features
        for write in publication.writes[:1]:
            evidence.add_content_features(found, write)
            evidence.add_data_features(found, self.vocabulary, write.data)
        evidence.add_purpose_features(found, site.function)
        found.add("it is written under a temp name first", 0.8)
        found.features += self._read_back(site.target, site.function)
        return found

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

    def _path_score(self, path: PathValue, function: FunctionFacts) -> Score:
        found = Score()
        evidence.add_name_features(found, self.vocabulary, path, function, self.source.filename)
        evidence.add_trait_features(found, path)
        if evidence.given_by_caller(path, function):
            evidence.add_caller_features(found, self.vocabulary, self.callers(function))
        return found

    def _read_back(self, path: PathValue, function: FunctionFacts) -> tuple[evidence.Feature, ...]:
        return evidence.read_back(path, function, self._readers, self.callers)

    @cached_property
    def _readers(self) -> evidence.Readers:
        return evidence.Readers(self.sites.loads, self.callers)
