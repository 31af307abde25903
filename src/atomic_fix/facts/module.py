"""All facts of one file, the way rules ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from atomic_fix.facts import durable
from atomic_fix.facts.durable import Durability, Vocabulary
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.publishing import Publication, publications
from atomic_fix.facts.scopes import FunctionFacts, Scopes, collect
from atomic_fix.facts.sites import PublishSite, Sites, WriteSite
from atomic_fix.facts.swallowing import Swallow, swallows

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.facts.tree import Tree
    from atomic_fix.source import Source


@dataclass(frozen=True)
class ModuleFacts:
    source: Source
    tree: Tree
    config: Config

    @cached_property
    def scopes(self) -> Scopes:
        return collect(self.tree.module)

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.scopes)

    @cached_property
    def sites(self) -> Sites:
        return Sites(self.scopes, self.paths)

    @cached_property
    def publications(self) -> tuple[Publication, ...]:
        """Temp files given their final name, with the writes that made them."""
        return publications(self.scopes, self.paths, self.sites)

    @cached_property
    def swallows(self) -> tuple[Swallow, ...]:
        """Handlers around loads that end in a default without a word."""
        return swallows(self.scopes, self.paths, self.sites)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.config.durable_words, self.config.not_durable_words)

    def is_staged(self, site: WriteSite) -> bool:
        """Whether what the site writes is a temp file that is published later."""
        return any(site in publication.writes for publication in self.publications)

    def write_durability(self, site: WriteSite) -> Durability:
        found = Durability()
        durable.name_grounds(found, self.vocabulary, site.path, site.function, self.source.filename)
        durable.trait_grounds(found, site.path)
        durable.content_grounds(found, site)
        for ground in durable.read_back(site.path, site.function, self.sites.loads):
            found.grounds.append(ground)
        if durable.guarded_by_absence(site):
            found.add("it is written only when it does not exist", -1.5)
        return found

    def load_durability(self, path: PathValue, function: FunctionFacts) -> Durability:
        """For a file that is loaded: named, or written by the same module."""
        found = Durability()
        durable.name_grounds(found, self.vocabulary, path, function, self.source.filename)
        durable.trait_grounds(found, path)
        writer: WriteSite | PublishSite | None
        writer = next((w for w in self.sites.writes if w.path.same(path)), None)
        if writer is None:
            writer = next((p.site for p in self.publications if p.site.target.same(path)), None)
        if writer is None:
            writer = next(
                (w for w in self.sites.writes if durable.paired(w.function, function)), None
            )
        if writer is not None:
            found.add(f"`{writer.function.name or 'the module'}` writes it", 2.2, writer)
        return found

    def publication_durability(self, publication: Publication) -> Durability:
        site = publication.site
        found = Durability()
        durable.name_grounds(
            found, self.vocabulary, site.target, site.function, self.source.filename
        )
        durable.trait_grounds(found, site.target)
        for write in publication.writes[:1]:
            durable.content_grounds(found, write)
        found.add("it is written under a temp name first", 0.6)
        for ground in durable.read_back(site.target, site.function, self.sites.loads):
            found.grounds.append(ground)
        return found
