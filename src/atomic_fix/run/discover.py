"""Paths of the command line -> files to check, each with its settings, in a fixed order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atomic_fix.run import disk
from atomic_fix.settings import Resolver, Settings
from atomic_fix.source import Unreadable, below

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIXES = (".py", ".pyw")
"""What a file's name must end in to be found in a folder. Stubs hold no code that runs."""
NOTEBOOK = ".ipynb"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to check, named as it is to be reported."""

    path: str
    settings: Settings


def discover(
    paths: Iterable[str], resolver: Resolver, notebooks: list[str] | None = None
) -> Iterator[Candidate | Unreadable]:
    """Every file that the paths stand for, once, sorted by name within each path.

    A file that is named is checked whatever it is called, unless `force-exclude` is set;
    a folder is walked, without following links to folders. What cannot be walked comes as
    `Unreadable`, and the names of notebooks in it are added to `notebooks`.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    seen: set[str] = set()
    walk = _Walk(resolver, [] if notebooks is None else notebooks)
    for path in paths:
        for found in walk.start(path):
            if isinstance(found, Unreadable):
                identity = found.filename
            else:  # under two names (a link, `a.py ./a.py`) it is still one file
                identity = walk.real_path(found.path)
            if identity not in seen:
                seen.add(identity)
                yield found


class Patterns:
    """Patterns as in .gitignore, of one file or setting, relative to one folder."""

    def __init__(self, folder: str, lines: Iterable[str]) -> None:
        from pathspec import GitIgnoreSpec

        self._folder = folder
        self._spec: GitIgnoreSpec = GitIgnoreSpec.from_lines(lines)

    def decide(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the patterns leave the absolute path out (True), take it back in (False),
        or have nothing to say of it."""
        relative = below(path, self._folder)
        if relative is None:
            return None
        return self._spec.check_file(relative + "/" if is_folder else relative).include

    def match(self, path: str) -> bool:
        """Whether the patterns match the file, given as the command line names it."""
        return self.decide(os.path.abspath(path), is_folder=False) is True


class _Walk:
    """One run's walk; remembers the patterns it has read."""

    def __init__(self, resolver: Resolver, notebooks: list[str]) -> None:
        self._resolver = resolver
        self._notebooks = notebooks
        self._excludes: dict[tuple[str, tuple[str, ...]], Patterns] = {}
        self._real_folders: dict[str, str] = {}

    def real_path(self, path: str) -> str:
        """`os.path.realpath`, with the folders remembered: it asks the disk about each part."""
        if os.path.islink(path):
            return os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)

    def start(self, path: str) -> Iterator[Candidate | Unreadable]:
        try:
            is_folder = os.path.isdir(path)
            if not is_folder:
                os.stat(path)
        except (OSError, ValueError) as error:
            yield Unreadable(path, f"cannot be read: {disk.reason(error)}")
            return
        absolute = os.path.abspath(path)
        settings = self._resolver.for_folder(path if is_folder else os.path.dirname(path))
        if settings.force_exclude and self._excluded_on_the_way(absolute, settings, is_folder):
            return
        if not is_folder:
            yield Candidate(path, settings)
            return
        above = self._gitignores_above(absolute) if settings.respect_gitignore else ()
        if _ignored(absolute, above, is_folder=True):
            above = ()  # it is named, so it is wanted; what lies above it has no say
        yield from self._folder(path, absolute, above)

    def _folder(
        self, path: str, absolute: str, above: tuple[Patterns, ...]
    ) -> Iterator[Candidate | Unreadable]:
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield Unreadable(path, f"the folder cannot be read: {disk.reason(error)}")
            return
        settings = self._resolver.for_folder(absolute)
        own = _gitignore(absolute) if settings.respect_gitignore else None
        gitignores = (*above, own) if own is not None else above
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.name.lower().endswith((*SUFFIXES, NOTEBOOK)):
                continue
            if entry.name.startswith(".#"):
                continue  # a lock of Emacs: a link that leads nowhere
            whole = os.path.join(absolute, entry.name)
            if entry.is_symlink() and os.path.isdir(whole):
                continue  # a link to a folder: what it leads to is walked where it stands
            if self._excluded(whole, settings, is_folder):
                continue
            if settings.respect_gitignore and _ignored(whole, gitignores, is_folder):
                continue
            name = entry.name if path == "." else os.path.join(path, entry.name)
            if is_folder:
                yield from self._folder(name, whole, gitignores)
            elif name.lower().endswith(NOTEBOOK):
                self._notebooks.append(name)
            else:
                yield Candidate(name, settings)

    def _excluded(self, absolute: str, settings: Settings, is_folder: bool) -> bool:
        from atomic_fix.settings import DEFAULT_EXCLUDE

        lines: tuple[str, ...] = settings.extend_exclude
        if settings.exclude == DEFAULT_EXCLUDE:
            # Plain names: no need to load the pattern library for them.
            if os.path.basename(absolute) in DEFAULT_EXCLUDE:
                return True
        else:
            lines = settings.exclude + lines
        if not lines:
            return False
        key = (settings.root, lines)
        if key not in self._excludes:
            self._excludes[key] = Patterns(*key)
        return self._excludes[key].decide(absolute, is_folder=is_folder) is True

    def _excluded_on_the_way(self, absolute: str, settings: Settings, is_folder: bool) -> bool:
        """Whether the path, or a folder above it and below the settings' root, is excluded."""
        while absolute.startswith(settings.root.rstrip(os.sep) + os.sep):
            if self._excluded(absolute, settings, is_folder):
                return True
            absolute, is_folder = os.path.dirname(absolute), True
        return False

    @staticmethod
    def _gitignores_above(absolute: str) -> tuple[Patterns, ...]:
        """The patterns of the folders from the root of the git repository down to, but not
        with, `absolute`; outside a repository there are none."""
        folders = []
        folder = absolute
        while not os.path.exists(os.path.join(folder, ".git")):
            parent = os.path.dirname(folder)
            if parent == folder:
                return ()
            folders.append(parent)
            folder = parent
        found = [_gitignore(folder, os.path.join(".git", "info", "exclude"))]
        found += map(_gitignore, reversed(folders))
        return tuple(patterns for patterns in found if patterns is not None)


def _gitignore(folder: str, name: str = ".gitignore") -> Patterns | None:
    path = os.path.join(folder, name)
    content = disk.read(path) if os.path.isfile(path) else b""
    if isinstance(content, Unreadable) or not content.strip():
        return None  # git, too, goes on without a .gitignore that it cannot read
    return Patterns(folder, [line.rstrip("\r") for line in os.fsdecode(content).split("\n")])


def _ignored(absolute: str, gitignores: tuple[Patterns, ...], is_folder: bool) -> bool:
    """The nearest .gitignore that has something to say of the path decides."""
    for patterns in reversed(gitignores):
        decision = patterns.decide(absolute, is_folder=is_folder)
        if decision is not None:
            return decision
    return False
