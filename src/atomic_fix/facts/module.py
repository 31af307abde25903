"""What the code of one file does, without judging it, the way rules ask for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from atomic_fix.config import Config
from atomic_fix.facts import durable, fallbacks
from atomic_fix.facts.comments import Comments
from atomic_fix.facts.durable import Durability, Vocabulary
from atomic_fix.facts.pairs import ByFile, Partners, answered, asked
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.paths.expr import is_below
from atomic_fix.facts.platforms import is_posix_only
from atomic_fix.facts.publications import (
    Publication,
    is_filled_for_callers,
    publications,
)
from atomic_fix.facts.scopes import FunctionFacts, Scopes, collect
from atomic_fix.facts.sites import LoadSite, PublishSite, Sites, WriteSite
from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.facts.swallowing import Dismissal, Swallow, dismissals, swallows
from atomic_fix.facts.test_code import is_named_test, is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class ModuleFacts:
    source: Source
    tree: Tree
    config: Config

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
        return Sites(self.scopes, self.paths, self.config, self.tree)

    @cached_property
    def publications(self) -> tuple[Publication, ...]:
        """Temp files given their final name, with the writes that made them."""
        return publications(self.sites)

    @cached_property
    def swallows(self) -> tuple[Swallow, ...]:
        """Handlers around loads that end in a default without a word."""
        return swallows(self.sites, self.tree)

    def is_reported(self, swallow: Swallow) -> bool:
        """Whether a caller in this file tests for the default of a handler and reports it."""
        function = swallow.function
        attributes = frozenset(each for each in swallow.sets if each.startswith("self."))
        return fallbacks.reported_by_caller(self.sites, self.tree.module, function, attributes)

    def callers_of_loader(self, function: FunctionFacts) -> fallbacks.Callers:
        """What the callers in this file do with what a loader returns or raises."""
        return fallbacks.callers(self.sites, self.tree.module, function)

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
        return {write for publication in self.publications for write in publication.writes}

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
        named = self._durability(site.path, site.function)
        if named.ruled_out:
            return named
        most = self._weighed(site, [*named.grounds, *durable.most_read_back(site)])
        if most.confidence < self.config.min_confidence:
            return most
        found = self._weighed(site, [*named.grounds, *self._read_back(site.path, site.function)])
        # Last, since it looks at every caller.
        if found.confidence >= self.config.min_confidence and is_filled_for_callers(
            self.sites, site
        ):
            found.rule_out("its callers have it fill a temp file, and publish that")
        return found

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
        path = load.path
        found = self._durability(path, function)
        writer = self._writer(path, function)
        if writer is not None:
            found.add(f"`{writer.function.name or 'the module'}` writes it", 2.2, writer)
        else:
            durable.foreign_grounds(found, path, function)
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
        return ByFile((write, write.path) for write in self.sites.kept)

    @cached_property
    def _savers(self) -> Partners[WriteSite]:
        return Partners(
            (
                (write, (write.function, *self.callers(write.function)))
                for write in (*self.sites.writes, *self.sites.kept)
            ),
            lambda saver: asked(saver, own=False),
        )

    def publication_durability(self, publication: Publication) -> Durability:
        """How likely it is that what is published is durable state."""
        return self.once(("published", publication), lambda: self._weigh_publication(publication))

    def _weigh_publication(self, publication: Publication) -> Durability:
        site = publication.site
        found = self._durability(site.target, site.function)
        for write in publication.writes[:1]:
            durable.content_grounds(found, write)
            durable.data_grounds(found, self.vocabulary, write.data)
        durable.purpose_grounds(found, site.function)
        found.add("it is written under a temp name first", 0.8)
        found.grounds += self._read_back(site.target, site.function)
        return found

    def callers(self, function: FunctionFacts, depth: int = 2) -> tuple[FunctionFacts, ...]:
        """Functions of the module that call this one, directly or through others."""
        return self.once(("callers", function, depth), lambda: self._callers(function, depth))

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

    def _durability(self, path: PathValue, function: FunctionFacts) -> Durability:
        found = Durability()
        durable.name_grounds(found, self.vocabulary, path, function, self.source.filename)
        durable.trait_grounds(found, path)
        if durable.given_by_caller(path, function):
            durable.caller_grounds(found, self.vocabulary, self.callers(function))
        return found

    def _read_back(self, path: PathValue, function: FunctionFacts) -> tuple[durable.Ground, ...]:
        return durable.read_back(path, function, self._readers, self.callers)

    @cached_property
    def _readers(self) -> durable.Readers:
        return durable.Readers(self.sites.loads, self.callers)
