"""The reads and writes of a project's files, by whatever function performs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from atomic_fix.facts.names import words
from atomic_fix.facts.outside import OutsideSite, Place
from atomic_fix.facts.pairs import is_pair_of_names
from atomic_fix.facts.paths.value import Location, PathTrait
from atomic_fix.project.flows import Flow, Flows
from atomic_fix.project.identity import Identities, is_distinctive
from atomic_fix.project.summary import FileSummary, PathSummary, SiteKind, SiteSummary
from atomic_fix.source import is_test_file

_TEMP = PathTrait.TEMP | PathTrait.TEMP_DIR
_BY_NAME = 0.7
"""The weight of a file's name alone."""
_BY_FUNCTION = 0.8
"""The weight of functions with names like `save_index` and `load_index`."""
_BY_PAIR = 0.7
"""The same in two files of one folder, if no caller of either is visible."""
_HERE = 0.65
_KEEPING = frozenset({"dump", "persist", "save", "serialize", "store"})
"""Verbs of functions for a program's own files; other functions may read and write any file."""
_MOST_SITES = 30
"""The most events of one path; more are not about one particular file."""


@dataclass(frozen=True, slots=True)
class Event:
    """A file is read, or written."""

    site: SiteSummary
    file: str
    """The file that contains the site."""
    at: Location
    """Where the path comes from: the site itself, or a call of its function."""
    path: PathSummary
    said: tuple[str, ...]
    texts: frozenset[str]
    flow: Flow | None = None

    @property
    def is_load(self) -> bool:
        return self.site.kind is SiteKind.LOAD

    @property
    def misses(self) -> bool:
        """Whether the loader of the file, or its caller, silently treats a broken file as a cache
        miss."""
        called = self.flow.call if self.flow is not None else None
        return not self.site.costly and (self.site.misses or (called is not None and called.misses))


def _is_known_there(event: Event, other: Event) -> bool:
    """Whether the file of a site shows by itself that another of its sites uses the same file: both
    are directly in it, or one call gives the path to both."""
    if other.site is event.site:
        return True
    if other.file != event.file:
        return False
    return other.at == event.at or (other.flow is None and event.flow is None)


def _edits(event: Event, other: Event) -> bool:
    """Whether one function reads and writes the file, which may then be any file that it edits."""
    return (other.at.path, other.at.function) == (event.at.path, event.at.function)


class Events:
    """Answers for one project."""

    def __init__(
        self, files: Mapping[str, FileSummary], flows: Flows, identities: Identities
    ) -> None:
        self._flows = flows
        self._identities = identities
        self._loads: dict[str, list[Event]] = {}
        self._writes: dict[str, list[Event]] = {}
        self._loads_of_name: dict[str, list[Event]] = {}
        self._writes_of_name: dict[str, list[Event]] = {}
        self._loads_in: dict[tuple[str, str], list[Event]] = {}
        self._writes_in: dict[tuple[str, str], list[Event]] = {}
        # Of functions that are given the path, by their folder and the last word of their names.
        self._given_loads: dict[tuple[str, str], list[Event]] = {}
        self._given_writes: dict[tuple[str, str], list[Event]] = {}
        self._of_site: dict[tuple[str, SiteKind, Place], list[Event]] = {}
        for file in files.values():
            if is_test_file(file.path):
                continue
            for site in file.sites:
                found = list(self._found(file, site))
                self._of_site[file.path, site.kind, site.place] = found
                for event in found:
                    self._keep(event)

    def _found(self, file: FileSummary, site: SiteSummary) -> Iterator[Event]:
        at = Location(file.path, site.place.row, site.function)
        texts = self._identities.of(site.path, file.path)
        yield Event(site, file.path, at, site.path, site.said, texts)
        reached = (*site.path.own, *(name for name, _ in site.path.refs))
        for name in reached:
            for flow in self._flows.into((file.path, name)):
                if flow.call is None or flow.tested or flow.file == file.path:
                    continue
                texts = self._identities.of(flow.path, flow.file)
                yield Event(site, file.path, flow.at, flow.path, flow.said, texts, flow)

    def _keep(self, event: Event) -> None:
        if event.path.traits & _TEMP or event.site.staged:
            return
        by_text, by_name, by_function = (
            (self._loads, self._loads_of_name, self._loads_in)
            if event.is_load
            else (self._writes, self._writes_of_name, self._writes_in)
        )
        for text in event.texts:
            by_text.setdefault(text, []).append(event)
        for name in event.path.names:
            by_name.setdefault(name, []).append(event)
        owner = event.said[1] if len(event.said) > 1 else ""
        by_function.setdefault((event.at.path, owner), []).append(event)
        pair = _pair(event)
        if pair is not None:
            given = self._given_loads if event.is_load else self._given_writes
            given.setdefault(pair, []).append(event)

    def of(self, file: str, site: SiteSummary) -> list[Event]:
        """The event of a site as it stands, and one for each value that reaches it."""
        return self._of_site.get((file, site.kind, site.place), [])

    def answers(self, event: Event) -> list[OutsideSite]:
        """The loads of a written file, or the writes of a loaded one, except those that the site's
        own file shows. The most certain first."""
        found: dict[Location, OutsideSite] = {}
        misses = not event.is_load
        for weight, other in self._others(event):
            misses = misses and other.misses
            if _is_known_there(event, other) or _edits(event, other):
                continue
            if other.at.path == event.file:
                # A read or write by the file itself, through a function from elsewhere.
                weight *= _HERE
            known = found.get(other.at)
            if known is None or known.weight < weight:
                by = other.site.function if other.flow is not None else ""
                found[other.at] = OutsideSite(other.at, by, other.site.parsed, weight)
        every = (replace(each, misses=misses) for each in found.values())
        return sorted(every, key=lambda each: (-each.weight, not each.parsed, each.at))

    def _others(self, event: Event) -> Iterator[tuple[float, Event]]:
        by_text, by_name, by_function = (
            (self._writes, self._writes_of_name, self._writes_in)
            if event.is_load
            else (self._loads, self._loads_of_name, self._loads_in)
        )
        for text in sorted(event.texts):
            others = by_text.get(text, [])
            if len(others) <= _MOST_SITES:
                for other in others:
                    yield 1.0, other
        for name in event.path.names:
            writes = self._writes_of_name.get(name, [])
            places = {(each.file, each.site.function) for each in writes}
            # A loader of a file with that name may only inspect it, so this is weaker evidence.
            if len(places) == 1 and is_distinctive(name) and not event.is_load:
                for other in by_name.get(name, []):
                    yield _BY_NAME, other
        yield from self._partners(event)
        owner = event.said[1] if len(event.said) > 1 else ""
        if event.flow is not None and event.said:
            for other in by_function.get((event.at.path, owner), []):
                ours, theirs = event.at.function, other.at.function
                if event.is_load:
                    ours, theirs = theirs, ours
                if (
                    other.flow is not None
                    and not _KEEPING.isdisjoint(words(ours))
                    and is_pair_of_names(ours, theirs)
                ):
                    yield _BY_FUNCTION, other

    def _partners(self, event: Event) -> Iterator[tuple[float, Event]]:
        """The partner of `save_index(path, index)`: `load_index(path)` in another file of the same
        folder, if there are no other functions with these names."""
        pair = _pair(event)
        if pair is None:
            return
        sides = (self._given_writes.get(pair, []), self._given_loads.get(pair, []))
        writers, loaders = ({(each.file, each.site.function) for each in side} for side in sides)
        if len(writers) != 1 or len(loaders) != 1:
            return
        for other in sides[0 if event.is_load else 1]:
            saver, loader = (other, event) if event.is_load else (event, other)
            if other.file != event.file and is_pair_of_names(
                saver.site.function, loader.site.function
            ):
                yield _BY_PAIR, other


def _pair(event: Event) -> tuple[str, str] | None:
    """The folder of a plain function that gets the path, and the last word of its name, which says
    what it saves."""
    function = event.site.function
    said = words(function)
    if event.flow is not None or len(event.said) != 1 or len(said) < 2 or event.path.names:
        return None
    if not any(own.startswith(f"parameter {function}:") for own in event.path.own):
        return None
    if not event.is_load and _KEEPING.isdisjoint(said):
        return None
    if event.is_load and not event.site.parsed:
        return None
    return event.file.rpartition("/")[0], said[-1]
