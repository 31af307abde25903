"""Paths of the command line -> files to check, each with its settings, in a fixed order."""

from __future__ import annotations

import errno
import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from atomic_fix import files
from atomic_fix.finding import Unreadable
from atomic_fix.run import disk
from atomic_fix.settings import DEFAULT_EXCLUDE, ConfigError, PatternList, Resolver, Settings
from atomic_fix.source import NOTEBOOK, relative_if_inside

if TYPE_CHECKING:
    from atomic_fix.patterns import Patterns

SUFFIXES = (".py", ".pyw")
"""The suffixes of files that are found in a folder. Stubs contain no code that runs."""
_MOST_IGNORED = 1 << 20
"""The largest .gitignore, in bytes, that is read."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to check, with the name to report."""

    path: str
    settings: Settings
    within: tuple[str, ...] = ()
    """The real paths of the folders that the file has to be in to be changed, since it may be a
    link that leads anywhere."""
    known: str | None = None
    """The digest of a content whose result is cached, empty if there is none; None if no digest of
    the content is needed."""


def discover(paths: Iterable[str], resolver: Resolver) -> Iterator[Candidate | Unreadable]:
    """Every file that the paths refer to, once, sorted by name within each path. A named file is
    checked whatever its name, unless `force-exclude` is set; a folder is searched, without
    following links to folders. Of a file and a link to it, the file is kept. Paths that cannot be
    read yield `Unreadable`, as do folders whose configuration cannot be used.
    """
    walk = Walk(resolver)
    found = [each for path in paths for each in walk.start(path)]
    # Under two names (a link, `a.py ./a.py`) it is still one file.
    no_links = {each.identity for each in found if not each.is_link}
    seen: set[str] = set()
    for each in found:
        if each.identity not in seen and not (each.is_link and each.identity in no_links):
            seen.add(each.identity)
            yield each.what


class _Found(NamedTuple):
    what: Candidate | Unreadable
    identity: str
    """The real path."""
    is_link: bool = False


class Folder(NamedTuple):
    """A folder to search: its name to report, its absolute and real path, where the search began,
    and the ignore patterns of git above it."""

    path: str
    absolute: str
    real: str
    within: tuple[str, ...]
    above: tuple[Patterns, ...]


Entries: TypeAlias = "Iterator[_Found | Folder]"


class Walk:
    """The search of one run; caches the patterns it has read."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._excludes: dict[tuple[PatternList, ...], tuple[Patterns, ...]] = {}
        self._real_path = lru_cache(maxsize=None)(os.path.realpath)
        self._excludes_file: str | None = None

    def start(self, path: str) -> Iterator[_Found]:
        try:
            is_folder = os.path.isdir(path)
            if not is_folder:
                os.stat(path)
        except (OSError, ValueError) as error:
            yield _unwalked(path, f"cannot be read: {disk.reason(error)}")
            return
        absolute = os.path.abspath(path)
        try:
            settings = self._resolver.for_folder(path if is_folder else os.path.dirname(path))
        except ConfigError as error:
            yield _unwalked(path, str(error))
            return
        if settings.force_exclude and self._excluded_on_the_way(absolute, settings, is_folder):
            return
        within = self._named_within(absolute)
        if not is_folder:
            real = os.path.join(self._real_path(os.path.dirname(absolute)), os.path.basename(path))
            is_link = os.path.islink(real)
            yield _Found(
                Candidate(path, settings, self._within(absolute, within, settings)),
                os.path.realpath(real) if is_link else real,
                is_link,
            )
            return
        above: tuple[Patterns, ...] = ()
        if settings.respect_gitignore:
            folders = self._gitignores_above(absolute)
            problems = [each for each in folders if isinstance(each, Unreadable)]
            yield from (_Found(each, each.filename) for each in problems)
            above = tuple(each for each in folders if not isinstance(each, Unreadable))
            if _ignored_on_the_way(absolute, above):
                above = ()  # it was named explicitly, so patterns above it do not matter
        real = os.path.realpath(absolute)
        yield from self._walked(Folder(path, absolute, real, (*within, real), above))

    def _gitignores_above(self, absolute: str) -> list[Patterns | Unreadable]:
        """The patterns of the user, and of the folders from the root of the git repository down to,
        but not including, `absolute`; none outside of a repository."""
        folders = []
        folder = absolute
        while not os.path.exists(os.path.join(folder, ".git")):
            parent = os.path.dirname(folder)
            if parent == folder:
                return []
            folders.append(parent)
            folder = parent
        if self._excludes_file is None:
            from atomic_fix.run.git import excludes_file

            self._excludes_file = excludes_file()
        found = [_gitignore(folder, self._excludes_file, follow=True)]
        found.append(_gitignore(folder, os.path.join(".git", "info", "exclude")))
        found += map(_gitignore, reversed(folders))
        return [patterns for patterns in found if patterns is not None]

    def _named_within(self, absolute: str) -> tuple[str, ...]:
        """The folder that must contain a path of the command line: the current folder if the path
        is below it, otherwise the path's own folder. So it may be given through links, but must not
        be a link that leads elsewhere."""
        here = os.getcwd()
        base = here if relative_if_inside(absolute, here) is not None else os.path.dirname(absolute)
        return (self._real_path(base),)

    def _within(
        self, absolute: str, within: tuple[str, ...], settings: Settings
    ) -> tuple[str, ...]:
        """`within`, and the folder of the configuration if it is above the path."""
        if not settings.origin or relative_if_inside(absolute, settings.root) is None:
            return within
        return tuple(dict.fromkeys((*within, self._real_path(settings.root))))

    def _walked(self, top: Folder) -> Iterator[_Found]:
        # Not recursive, because recursion depth is limited.
        ways = [self._entries(top)]
        while ways:
            found = next(ways[-1], None)
            if found is None:
                ways.pop()
            elif isinstance(found, Folder):
                ways.append(self._entries(found))
            else:
                yield found

    def _entries(self, folder: Folder) -> Entries:
        path, absolute, real, within, above = folder
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield _unwalked(path, f"the folder cannot be read: {disk.reason(error)}")
            return
        try:
            settings = self._resolver.for_folder(absolute)
        except ConfigError as error:
            yield _unwalked(path, str(error))
            return
        own = _gitignore(path) if settings.respect_gitignore else None
        if isinstance(own, Unreadable):
            yield _Found(own, own.filename)
            own = None
        if own is not None and _are_too_many(above, own):
            name = os.path.join(path, ".gitignore")
            yield _unwalked(name, "is not used: with those above it, its patterns are too many")
            own = None
        gitignores = (*above, own) if own is not None else above
        file_within = self._within(absolute, within, settings)
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.name.lower().endswith((*SUFFIXES, NOTEBOOK)):
                self._passes_over(entry, real)
                continue
            if entry.name.startswith(".#"):
                continue  # an Emacs lock file: a dangling link
            whole = os.path.join(absolute, entry.name)
            is_link = entry.is_symlink()
            name = entry.name if path == "." else os.path.join(path, entry.name)
            if is_link and os.path.isdir(name):
                continue  # a link to a folder is not followed
            if self._excluded(whole, settings, is_folder):
                continue
            if settings.respect_gitignore and _ignored(whole, gitignores, is_folder):
                continue
            identity = os.path.join(real, entry.name)
            if is_folder:
                yield Folder(name, whole, identity, within, gitignores)
            else:
                yield _Found(
                    Candidate(name, settings, file_within),
                    os.path.realpath(name) if is_link else identity,
                    is_link,
                )

    def _passes_over(self, entry: os.DirEntry[str], folder: str) -> None:
        """Called for each file that is not Python, with the real path of its folder."""

    def _excluded(self, absolute: str, settings: Settings, is_folder: bool) -> bool:
        lists: tuple[PatternList, ...] = settings.extend_exclude
        if settings.exclude.lines == DEFAULT_EXCLUDE:
            # Plain names do not need the pattern library.
            if os.path.basename(absolute) in DEFAULT_EXCLUDE:
                return True
        else:
            lists = (settings.exclude, *lists)
        if not lists:
            return False
        if lists not in self._excludes:
            from atomic_fix.patterns import Patterns, encoded

            by_folder: dict[str, list[bytes]] = {}
            for each in lists:
                by_folder.setdefault(each.folder, []).extend(map(encoded, each.lines))
            self._excludes[lists] = tuple(
                Patterns(folder, lines) for folder, lines in by_folder.items()
            )
        return _ignored(absolute, self._excludes[lists], is_folder)

    def _excluded_on_the_way(self, absolute: str, settings: Settings, is_folder: bool) -> bool:
        """Whether the path, or a folder above it and below those of the patterns, is excluded."""
        lists = (settings.exclude, *settings.extend_exclude)
        folders = {settings.root, *(each.folder for each in lists if each.folder)}
        while any(absolute.startswith(each.rstrip(os.sep) + os.sep) for each in folders):
            if self._excluded(absolute, settings, is_folder):
                return True
            absolute, is_folder = os.path.dirname(absolute), True
        return False


def _unwalked(path: str, reason: str) -> _Found:
    return _Found(Unreadable(path, reason), path)


def _gitignore(
    folder: str, name: str = ".gitignore", *, follow: bool = False
) -> Patterns | Unreadable | None:
    """The patterns of an ignore file for a folder, or why they cannot be used; None if there are
    none. The name is relative to the folder, or absolute."""
    path = os.path.join(folder, name)
    try:
        # As in git, a link is not followed, and an unreadable file is ignored.
        content = files.read(path, _MOST_IGNORED, follow=follow)
    except OSError as error:
        if error.errno == errno.EFBIG:
            return Unreadable(path, f"is not used: {disk.reason(error)}")
        return None
    if not content.strip():
        return None
    from atomic_fix.patterns import Patterns, too_many

    lines = [line.removesuffix(b"\r") for line in content.removeprefix(BOM_UTF8).split(b"\n")]
    if problem := too_many(lines):
        return Unreadable(path, f"is not used: {problem}")
    return Patterns(os.path.abspath(folder), lines)


def _are_too_many(above: tuple[Patterns, ...], own: Patterns) -> bool:
    from atomic_fix.patterns import MOST_AT_ONCE

    return sum(each.count for each in above) + own.count > MOST_AT_ONCE


def _ignored(absolute: str, gitignores: tuple[Patterns, ...], is_folder: bool) -> bool:
    """Decided by the nearest .gitignore with a matching pattern."""
    for patterns in reversed(gitignores):
        decision = patterns.decide(absolute, is_folder=is_folder)
        if decision is not None:
            return decision
    return False


def _ignored_on_the_way(absolute: str, gitignores: tuple[Patterns, ...]) -> bool:
    """Whether the folder, or one above it, is ignored."""
    while gitignores:
        if _ignored(absolute, gitignores, is_folder=True):
            return True
        parent = os.path.dirname(absolute)
        if parent == absolute:
            break
        absolute = parent
    return False
