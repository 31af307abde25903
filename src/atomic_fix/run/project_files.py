"""The files of a project: which tree a file belongs to, and what lies in it.

The tree of a file is that of its nearest configuration or repository, whichever is nearer. It is
walked as a folder of the command line is, but for what belongs to a tree of its own and for links:
nothing outside of the tree is ever looked at.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from atomic_fix.run.cache import settled, stat_of
from atomic_fix.run.discover import Candidate, Entries, Folder, Walk
from atomic_fix.settings import PROJECT_FILES, ConfigError, Resolver, Settings
from atomic_fix.source import is_notebook, relative_if_inside

_MOST_FILES = 50_000
_MOST_FOLDERS = 100_000
"""Of a tree: beyond that it is no project, but a disk."""
_DECIDING = ("pyproject.toml", "atomic-fix.toml", ".gitignore")
"""Files of a folder that decide what the walk finds below it."""


class Trees:
    """Finds the tree of a file, for the length of one run. `given` are the paths of the command
    line: they count where nothing in or above a file says where its project begins."""

    def __init__(self, resolver: Resolver, given: Iterable[str]) -> None:
        self._resolver = resolver
        self._folders = [os.path.realpath(each) for each in given if os.path.isdir(each)]
        self._here = os.path.realpath(os.getcwd())
        self._is_repository = lru_cache(maxsize=None)(_is_repository)
        self._begins = lru_cache(maxsize=None)(_begins_by_other_tools)
        self._by_folder: dict[str, str] = {}
        self._real_folder = lru_cache(maxsize=None)(os.path.realpath)

    def real(self, path: str) -> str:
        """A file's path without links in its folders."""
        folder, name = os.path.split(path)
        return os.path.join(self._real_folder(folder or "."), name)

    def of(self, path: str) -> str:
        """The folder of the project that a file belongs to, by its real path.

        Raises:
            ConfigError: the configuration of the file cannot be used.
        """
        folder = os.path.dirname(path)
        if folder not in self._by_folder:
            self._by_folder[folder] = self._root(folder)
        return self._by_folder[folder]

    def begins_at(self, folder: str) -> bool:
        """Whether a folder is a tree of its own wherever it lies."""
        if self._is_repository(folder):
            return True
        try:
            return self._configured(self._resolver.for_folder(folder)) == folder
        except ConfigError:
            return True  # its files are in no project

    def _root(self, folder: str) -> str:
        configured = self._configured(self._resolver.for_folder(folder))
        for here in _upwards(folder):
            if here == configured or self._is_repository(here):
                return here
        given = self._given(folder)
        found = [here for here in _upwards(folder) if self._begins(here)]
        # Of several, one below what was given that holds most: packages of a repository that came
        # without its `.git` may have a `setup.py` each.
        inside = [here for here in found if relative_if_inside(here, given) is not None]
        if inside:
            return inside[-1]
        return found[0] if found and _is_no_home(found[0]) else given

    def _configured(self, settings: Settings) -> str:
        return os.path.realpath(settings.root) if settings.origin else ""

    def _given(self, folder: str) -> str:
        """The folder of the command line that a file was found in. For one that was named, it is
        the current folder, or what lies in it, should that be one where all kinds of things lie."""
        for each in self._folders:
            if relative_if_inside(folder, each) is not None:
                return each
        inside = relative_if_inside(folder, self._here)
        if inside is None:
            return folder
        if _is_no_home(self._here):
            return self._here
        first = os.path.join(self._here, inside.partition("/")[0])
        return first if inside != "." and _is_no_home(first) else folder


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _is_repository(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, ".git"))


def _begins_by_other_tools(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in PROJECT_FILES)


def _is_no_home(folder: str) -> bool:
    """Whether a folder may be a project: not one that holds everything of a user, or of all."""
    many = (os.path.expanduser("~"), tempfile.gettempdir())
    return all(relative_if_inside(os.path.realpath(each), folder) is None for each in many)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a walk found. `folders` and `watched` tell, by the times of their last change, whether
    another would find the same."""

    files: tuple[str, ...]
    """As seen from the root, with `/`, in order."""
    folders: Mapping[str, Any] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)

    def is_current(self) -> bool:
        """Whether no file has come or gone since, and no configuration has changed."""
        return all(
            stat_of(path) == known
            for states in (self.folders, self.watched)
            for path, known in states.items()
        )


class TooMany(Exception):
    """A tree holds more than any project does."""


def listing(root: str, trees: Trees, resolver: Resolver) -> Listing:
    """The Python files of a tree, without tests where those are not checked.

    Raises:
        TooMany: there are too many.
    """
    walk = _ProjectWalk(root, trees, resolver)
    found: list[str] = []
    for each in walk.start(root):
        file = each.what
        if isinstance(file, Candidate) and not each.is_link and not _leaves_out(file):
            found.append(os.path.relpath(file.path, root).replace(os.sep, "/"))
            if len(found) > _MOST_FILES:
                raise TooMany(f"there are more than {_MOST_FILES:,} Python files")
    return Listing(tuple(found), walk.folders, walk.watched)


def _leaves_out(file: Candidate) -> bool:
    return is_notebook(file.path) or file.settings.leaves_out(file.path)


class _ProjectWalk(Walk):
    """Stays in one tree, and remembers what its way depended on."""

    def __init__(self, root: str, trees: Trees, resolver: Resolver) -> None:
        super().__init__(resolver)
        self._root = root
        self._trees = trees
        self.folders: dict[str, Any] = {}
        self.watched: dict[str, Any] = {}
        for folder in _upwards(os.path.dirname(root)):
            # None where there is none yet.
            self._watch(folder, (*_DECIDING, os.path.join(".git", "info", "exclude")))
        self._watch(root, (os.path.join(".git", "info", "exclude"),))

    def _watch(self, folder: str, names: Iterable[str]) -> None:
        for name in names:
            path = os.path.join(folder, name)
            self.watched[path] = _state(path)

    def _entries(self, folder: Folder) -> Entries:
        real = folder.real
        self.folders[real] = _state(real)
        if len(self.folders) > _MOST_FOLDERS:
            raise TooMany(f"there are more than {_MOST_FOLDERS:,} folders")
        if real != self._root and self._trees.begins_at(real):
            return iter(())
        # That one comes or goes is seen from the folder.
        self._watch(real, (n for n in _DECIDING if os.path.lexists(os.path.join(real, n))))
        return super()._entries(folder)


def _state(path: str) -> list[int] | None:
    """How a file or folder is known again; None if it is not there. The time is -1, which is none,
    where a later change might not show in it."""
    found = stat_of(path)
    return None if found is None else list(settled(found))
