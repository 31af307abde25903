"""What the code of one file does, without judging it, the way rules ask for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.words import ORIGINALS
from atomic_fix.config import Config
from atomic_fix.facts import durable, fallbacks
from atomic_fix.facts.comments import Comments
from atomic_fix.facts.durable import Durability, Vocabulary
from atomic_fix.facts.elsewhere import View, views
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.outside import NOTHING_OUTSIDE, FileSlice, OutsideCallers
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
from atomic_fix.facts.swallowing import Dismissal, Swallow, dismissals, swallows
from atomic_fix.facts.test_code import is_named_test, is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source

_Result = TypeVar("_Result")

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
        """Handlers around loads that end in a default without a word."""
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
        """Tests of a loaded object's shape that end in a default without a word."""
        return dismissals(self.sites, self.tree)

    @cached_property
    def posix_only(self) -> bool:
        """Whether the module can run on POSIX systems alone."""
        return is_posix_only(self.source.text)

    @cached_property
    def _known(self) -> dict[object, Any]:
        return {}

    def once(self, key: object, work: Callable[[], _Result]) -> _Result:
        """What `work` gives, worked out once for all that ask for it by this key."""
        if key not in self._known:
            self._known[key] = work()
        found: _Result = self._known[key]
        return found

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.config.durable_words, self.config.not_durable_words)

    def is_scratch_of_test(self, function: FunctionFacts, durability: Durability) -> bool:
        """Whether what a function does with a file is part of a test: of its own, or, in what is
        called a test, a file that it reads itself."""
        return is_test(function, self.paths) or (
            is_named_test(function)
            and any(g.site is not None and g.site.function is function for g in durability.grounds)
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

    def write_durability(self, site: WriteSite) -> Durability:
        """How likely it is that what the site writes is durable state. Below the least confidence
        that is reported, it is the most that it could be: nobody looks who reads it back then."""
        return self.once(("written", site), lambda: self._weigh_write(site))

    def _weigh_write(self, site: WriteSite) -> Durability:
        return self._likeliest(
            [self._weigh_write_as(site, view) for view in self._views(site, site.path, reads=False)]
        )

    def _weigh_write_as(self, site: WriteSite, view: View) -> Durability:
        named = self._durability(view.path, site.function)
        if named.ruled_out:
            return named
        named.grounds += view.grounds
        most = self._weighed(site, [*named.grounds, *durable.most_read_back(site)])
        if most.confidence < self.config.min_confidence:
            return most
        found = self._weighed(site, [*named.grounds, *self._read_back(site.path, site.function)])
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
    def _likeliest(found: list[Durability]) -> Durability:
        """The one that speaks most for durable state."""
        if not found:
            nothing = Durability()
            nothing.rule_out("its callers have it fill a temp file, and publish that")
            return nothing
        return max(found, key=lambda each: (not each.ruled_out, each.score))

    def _weighed(self, site: WriteSite, grounds: list[durable.Ground]) -> Durability:
        """The grounds in what names and reads the file, with those in the write itself."""
        found = Durability(grounds)
        durable.content_grounds(found, site)
        if not site.constant:
            durable.data_grounds(found, self.vocabulary, site.data)
        durable.purpose_grounds(found, site.function)
        durable.hint_grounds(found)
        durable.absence_grounds(found, site)
        return found

    def load_durability(self, load: LoadSite, function: FunctionFacts) -> Durability:
        """How likely it is that what `function` loads is durable state."""
        return self.once(("loaded", load, function), lambda: self._weigh_load(load, function))

    def _weigh_load(self, load: LoadSite, function: FunctionFacts) -> Durability:
        return self._likeliest(
            [
                self._weigh_load_as(load, function, view)
                for view in self._views(load, load.path, reads=True)
            ]
        )

    def _weigh_load_as(self, load: LoadSite, function: FunctionFacts, view: View) -> Durability:
        path = view.path
        found = self._durability(path, function)
        writer = self._writer(load.path, function)
        found.grounds += view.grounds
        if writer is not None:
            text = f"`{writer.function.name or 'the module'}` writes it"
            found.add(text, durable.WRITTEN, writer)
        elif not any(ground.of_file for ground in view.grounds):
            durable.foreign_grounds(found, path, function)
        if load.raw:
            found.add("it is read, not parsed", -0.8)
        else:
            found.add("the data is parsed", 0.6)
        return found

    def _writer(self, path: PathValue, loader: FunctionFacts) -> WriteSite | PublishSite | None:
        """What writes the file that is loaded: by its path, or else by the functions' names."""
        for write in self.sites.writes_of(path):
            return write
        for publication in self.publications:
            if publication.site.target.same(path):
                return publication.site
        for write in self.sites.kept:
            if write.path.same(path):
                return write
        loaders = (loader, *self.callers(loader))
        for write in (*self.sites.writes, *self.sites.kept):
            savers = (write.function, *self.callers(write.function))
            if any(durable.paired(saver, each) for saver in savers for each in loaders):
                return write
        return None

    def publication_durability(self, publication: Publication) -> Durability:
        """How likely it is that what is published is durable state."""
        return self.once(("published", publication), lambda: self._weigh_publication(publication))

    def _weigh_publication(self, publication: Publication) -> Durability:
        site = publication.site
        return self._likeliest(
            [
                self._weigh_publication_as(publication, view)
                for view in self._views(site, site.target, reads=False)
            ]
        )

    def _weigh_publication_as(self, publication: Publication, view: View) -> Durability:
        site = publication.site
        found = self._durability(view.path, site.function)
        found.grounds += view.grounds
        for write in publication.writes[:1]:
            durable.content_grounds(found, write)
            durable.data_grounds(found, self.vocabulary, write.data)
        durable.purpose_grounds(found, site.function)
        found.add("it is written under a temp name first", 0.8)
        found.grounds += self._read_back(site.target, site.function)
        return found

    def callers(self, function: FunctionFacts, depth: int = 2) -> tuple[FunctionFacts, ...]:
        """Functions of the module that call this one, directly or through others."""
        found: list[FunctionFacts] = []
        for call in self.scopes.callers_of(function.name):
            caller = call.function
            if caller is function or caller in found or caller.is_module:
                continue
            if function in self.paths.callees(call.node, caller):
                found.append(caller)
                if depth > 1:
                    found += [c for c in self.callers(caller, depth - 1) if c not in found]
        return tuple(found)

    def _durability(self, path: PathValue, function: FunctionFacts) -> Durability:
        found = Durability()
        durable.name_grounds(found, self.vocabulary, path, function, self.source.filename)
        durable.trait_grounds(found, path)
        if durable.given_by_caller(path, function):
            durable.caller_grounds(found, self.vocabulary, self.callers(function))
        return found

    def _read_back(self, path: PathValue, function: FunctionFacts) -> tuple[durable.Ground, ...]:
        return durable.read_back(path, function, self.sites.loads, self.callers, self._parsed)

    @cached_property
    def _parsed(self) -> durable.Parsed:
        return durable.parsed(self.sites.loads)
