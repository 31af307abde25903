"""The files of a project: the tree that a file belongs to, and its content. The tree of a file is
that of its nearest configuration or repository, whichever is nearer. It is searched like a folder
of the command line, except for subtrees that are projects of their own and for links: nothing
outside of the tree is ever read.
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
from atomic_fix.settings import (
    DEFAULT_EXCLUDE,
    ConfigError,
    Resolver,
    Settings,
    has_project_file,
)
from atomic_fix.source import is_notebook, relative_if_inside

_MOST_FILES = 50_000
# What calls the functions of a few files may be anywhere, or is yet to be written.
_FEWEST = 10
_MOST_FOLDERS = 100_000
"""The largest tree; a larger one is not treated as a project."""
_DECIDING = ("pyproject.toml", "atomic-fix.toml", ".gitignore")
"""Files that affect which files the search finds below their folder."""
PROSE = (".md", ".rst", ".txt")
_NAMING = (
    *PROSE,
    ".bash", ".bat", ".c", ".cc", ".cfg", ".cmd", ".cpp", ".cs", ".cy", ".go", ".h", ".html",
    ".in", ".ini", ".j2", ".java", ".jl", ".js", ".jsx", ".kt", ".kv", ".lua", ".m", ".mako",
    ".mjs", ".mk", ".nf", ".php", ".pl", ".ps1", ".pxd", ".pxi", ".pyi", ".pyx", ".qmd", ".qml",
    ".r", ".rb", ".rmd",
    ".robot", ".rs", ".rules", ".sage", ".service", ".sh", ".smk", ".spec", ".svelte",
    ".swift", ".tmpl", ".toml", ".ts", ".tsx", ".ui", ".vue", ".xml", ".yaml", ".yml", ".zcml",
    ".zsh",
)  # fmt: skip
"""Suffixes of other files that may name a Python function, to call it or to tell others of it, or a
file, to read it; so may scripts without a suffix."""


class Trees:
    """Finds the tree of a file, during one run. `given` are the paths of the command line, which
    are used if nothing at or above a file marks its project."""

    def __init__(self, resolver: Resolver, given: Iterable[str]) -> None:
        self._resolver = resolver
        self._folders = [os.path.realpath(each) for each in given if os.path.isdir(each)]
        self._here = os.path.realpath(os.getcwd())
        self._is_repository = lru_cache(maxsize=None)(_is_repository)
        self._begins = lru_cache(maxsize=None)(has_project_file)
        self._by_folder: dict[str, str] = {}
        self._real_folder = lru_cache(maxsize=None)(os.path.realpath)

    def real(self, path: str) -> str:
        """A file's path with links in its folders resolved."""
        folder, name = os.path.split(path)
        return os.path.join(self._real_folder(folder or "."), name)

    def of(self, path: str) -> str:
        """The real path of the folder of the project that a file belongs to.

        Raises:
            ConfigError: the configuration of the file cannot be used.
        """
        folder = os.path.dirname(path)
        if folder not in self._by_folder:
            self._by_folder[folder] = self._root(folder)
        return self._by_folder[folder]

    def begins_at(self, folder: str) -> bool:
        """Whether a folder is always a tree of its own."""
        if self._is_repository(folder):
            return True
        try:
            return self._configured(self._resolver.for_folder(folder)) == folder
        except ConfigError:
            return True  # its files belong to no project

    def _root(self, folder: str) -> str:
        configured = self._configured(self._resolver.for_folder(folder))
        for here in _upwards(folder):
            if here == configured or self._is_repository(here):
                return here
        given = self._given(folder)
        found = [here for here in _upwards(folder) if self._begins(here)]
        # Of several, the topmost one below the given path: packages of a repository without its
        # `.git` may each have a `setup.py`.
        inside = [here for here in found if relative_if_inside(here, given) is not None]
        if inside:
            return inside[-1]
        return found[0] if found and _is_no_home(found[0]) else given

    def _configured(self, settings: Settings) -> str:
        return os.path.realpath(settings.root) if settings.origin else ""

    def _given(self, folder: str) -> str:
        """The folder of the command line in which a file was found. For a file that was named
        itself, it is the current folder, or a subfolder of it if the current folder is a shared
        one."""
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


def _is_no_home(folder: str) -> bool:
    """Whether a folder may be a project: not a home folder or another shared one."""
    many = (os.path.expanduser("~"), tempfile.gettempdir())
    return all(relative_if_inside(os.path.realpath(each), folder) is None for each in many)


@dataclass(frozen=True, slots=True)
class Listing:
    """The result of a search. The modification times of `folders` and `watched` show whether
    another search would find the same."""

    files: tuple[str, ...]
    """Paths relative to the root, with `/`, in order."""
    folders: Mapping[str, Any] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = False
    """Whether it has all files of a project, except tests: a repository or a project file shows
    where it begins, and nothing in it is excluded by its configuration, belongs to another tree, or
    cannot be read."""
    others: tuple[str, ...] = ()
    """Other files, in the same form, that may name a function of these; only if `is_whole`."""

    def is_current(self) -> bool:
        """Whether no file was added or removed since, and no configuration has changed."""
        return all(
            stat_of(path) == known
            for states in (self.folders, self.watched)
            for path, known in states.items()
        )


class TooMany(Exception):
    """Raised if a tree has more files than any project."""


def listing(root: str, trees: Trees, resolver: Resolver) -> Listing:
    """The Python files of a tree, without tests unless those are checked.

    Raises:
        TooMany: there are too many.
    """
    walk = _ProjectWalk(root, trees, resolver)
    found: list[str] = []
    for each in walk.start(root):
        file = each.what
        if not isinstance(file, Candidate):
            walk.is_whole = False
        elif is_notebook(file.path):
            walk.others.append(file.path)
        elif not each.is_link and not file.settings.leaves_out(file.path):
            found.append(_name_in(root, file.path))
            if len(found) > _MOST_FILES:
                raise TooMany(f"there are more than {_MOST_FILES:,} Python files")
    is_known = len(found) >= _FEWEST and (_is_repository(root) or has_project_file(root))
    if not walk.is_whole or not is_known:
        return Listing(tuple(found), walk.folders, walk.watched)
    others = tuple(sorted(_name_in(root, each) for each in walk.others))
    return Listing(tuple(found), walk.folders, walk.watched, is_whole=True, others=others)


def _name_in(root: str, path: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


class _ProjectWalk(Walk):
    """Searches one tree, and records the files and folders that the result depends on."""

    def __init__(self, root: str, trees: Trees, resolver: Resolver) -> None:
        super().__init__(resolver)
        self._root = root
        self._trees = trees
        self.folders: dict[str, Any] = {}
        self.watched: dict[str, Any] = {}
        self.is_whole = True
        self.others: list[str] = []
        for folder in _upwards(os.path.dirname(root)):
            # None if it does not exist yet.
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
            self.is_whole = False
            return iter(())
        # Added or removed files change the folder.
        self._watch(real, (n for n in _DECIDING if os.path.lexists(os.path.join(real, n))))
        return super()._entries(folder)

    def _excluded(self, absolute: str, settings: Settings, is_folder: bool) -> bool:
        found = super()._excluded(absolute, settings, is_folder)
        if found and os.path.basename(absolute) not in DEFAULT_EXCLUDE:
            self.is_whole = False
        return found

    def _passes_over(self, entry: os.DirEntry[str], folder: str) -> None:
        suffix = os.path.splitext(entry.name)[1].lower()
        if (not suffix or suffix in _NAMING) and not entry.is_symlink():
            self.others.append(os.path.join(folder, entry.name))


def _state(path: str) -> list[int] | None:
    """An identity of a file or folder that changes with it; None if it does not exist. The time is
    -1 if a later change might not change it."""
    found = stat_of(path)
    return None if found is None else list(settled(found))
