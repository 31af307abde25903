"""Finds the written files whose names no other code of a project mentions, so that none can read
them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from atomic_fix.facts.outside import Place
from atomic_fix.project.clues import anywhere
from atomic_fix.project.summary import FileSummary, PathSummary, SiteKind
from atomic_fix.project.wanted import token_of
from atomic_fix.source import is_test_file

_ANY = "{}"
_LEAST_LETTERS = 4
"""The fewest letters of a part of a name by which other files can be searched for it."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A write of a file whose names no path of another call contains."""

    place: Place
    names: tuple[str, ...]

    @property
    def clues(self) -> frozenset[str]:
        """What every file is searched for that mentions one of the names."""
        return frozenset(_clue(name) for name in self.names)


def unread(files: Mapping[str, FileSummary]) -> dict[str, tuple[Unread, ...]]:
    """By path, the writes of files that no load, argument, constant or attribute may name."""
    written = {path: tuple(_written(file)) for path, file in files.items()}
    written = {path: found for path, found in written.items() if found}
    if not written:
        return {}
    mentioned = {name for file in files.values() for path in _mentions(file) for name in path.names}
    names = {name for found in written.values() for each in found for name in each.names}
    free = names - mentioned
    free -= _matching(free, mentioned)
    return {
        path: left
        for path, found in written.items()
        if (left := tuple(each for each in found if free.issuperset(each.names)))
    }


def _written(file: FileSummary) -> Iterator[Unread]:
    if is_test_file(file.path):
        return
    for site in file.sites:
        path = site.path
        if site.kind is SiteKind.LOAD or site.staged or path.own or not path.names:
            continue
        if all(_is_searchable(name) for name in path.names):
            yield Unread(site.place, path.names)


def _mentions(file: FileSummary) -> Iterator[PathSummary]:
    for site in file.sites:
        if site.kind is SiteKind.LOAD:
            yield site.path
    yield from file.other_paths()


def _matching(names: Iterable[str], mentioned: Iterable[str]) -> set[str]:
    """The names that may be equal to one that is mentioned, where parts of either are unknown."""
    found = set()
    patterns = [_pattern(each) for each in mentioned if _ANY in each]
    for name in names:
        own = _pattern(name) if _ANY in name else None
        if any(each.fullmatch(name) for each in patterns) or (
            own is not None and any(own.fullmatch(each) for each in mentioned)
        ):
            found.add(name)
    return found


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split(_ANY))), re.DOTALL)


def _fragment(name: str) -> str:
    """The longest known part of a name."""
    return max(name.split(_ANY), key=len)


def _is_searchable(name: str) -> bool:
    part = _fragment(name)
    return " " not in part and len(token_of(part)) >= _LEAST_LETTERS


def _clue(name: str) -> str:
    part = _fragment(name)
    return anywhere(token_of(part), part, is_part=part != name)
