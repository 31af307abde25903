"""Results of earlier runs, for files that have not changed since.

One file in the user's cache folder holds the results below one working folder. An entry is valid
for one content of a file, under one configuration, one version of this tool and of Python. A file
counts as unchanged if its size, inode and modification time are the same; if they differ or are too
recent to be trusted, the content is compared.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

from atomic_fix.config import Style
from atomic_fix.finding import FileResult
from atomic_fix.run.discover import Candidate
from atomic_fix.run.store import Store, digest, hashed, version
from atomic_fix.settings import Settings

WORTH_A_CACHE = 20
"""With fewer files, the cache costs more than it saves."""

# File time stamps can have a resolution of two seconds.
_FRESH_NS = 2_000_000_000
_MOST = 200_000


class Cache:
    """The cached results for files below the current folder. Nothing here raises: a cache that
    cannot be read counts as empty, one that cannot be written is left alone, and `warnings` says
    so."""

    def __init__(self, folder: str) -> None:
        name = hashed(os.fsencode(os.getcwd()), version().encode()).hex()
        self._store = Store(folder, f"{name}.cache")
        self._stats: dict[str, list[int]] = {}
        self._same_size: dict[str, tuple[str, FileResult]] = {}
        """By path: the digest and the result of a content that may be the current one."""
        self._entries: dict[str, Any] = self._store.read()
        """By path: size, time and inode, the digests of settings, of evidence in other files and of
        the content, and the result, or null if there is nothing to report. Entries are decoded on
        demand."""
        self._changed = False

    @property
    def warnings(self) -> list[str]:
        return self._store.warnings

    def find(self, candidate: Candidate, outside: str = "") -> FileResult | None:
        """The cached result, if the file appears unchanged and the evidence in other files is the
        same: `outside` is the digest of that. If the file may still be the same, `digest_of` has
        the content's digest, and `renew` the result."""
        path = candidate.path
        self._same_size.pop(path, None)
        now = stat_of(path)
        if now is None or not self._store.usable:
            return None
        self._stats[path] = now
        match self._entries.get(path):
            case [size, changed, inode, settings, said, content, encoded] if (
                said == outside and settings == _settings_of(candidate, encoded is not None)
            ):
                pass
            case _:
                return None
        if encoded is None:
            result = FileResult(path, ())
        else:
            from atomic_fix.run import typed_json

            try:
                result = typed_json.read(FileResult, encoded)
            except ValueError:
                return None
            if result.filename != path:
                return None
        if [size, changed, inode] == now:
            return result
        if size == now[0] and isinstance(content, str):
            self._same_size[path] = content, result
        return None

    def digest_of(self, path: str) -> str:
        """The digest of the content whose result `renew` returns; empty if there is none."""
        return self._same_size[path][0] if path in self._same_size else ""

    def renew(self, path: str) -> FileResult:
        """The cached result for the content with the digest `digest_of`, which the file turned out
        to have."""
        *_, settings, said, content, encoded = self._entries[path]
        self._entries[path] = [*settled(self._stats[path]), settings, said, content, encoded]
        self._changed = True
        return self._same_size[path][1]

    def add(
        self, candidate: Candidate, result: FileResult, content: str, outside: str = ""
    ) -> None:
        """Store the result for a content, given by its digest, if the file is still the one that
        `find` saw; `outside` is the digest of the evidence in other files."""
        path = candidate.path
        before = self._stats.get(path)
        if before is None or result.problem is not None or before != stat_of(path):
            return
        encoded = None
        if result.findings or result.notes or result.suppressed:
            from atomic_fix.run import typed_json

            encoded = typed_json.plain(replace(result, text=None))
        self._changed = True
        settings = _settings_of(candidate, encoded is not None)
        self._entries[path] = [*settled(before), settings, outside, content, encoded]

    def save(self) -> None:
        """Write the new entries. A concurrent run may overwrite them, which does no harm."""
        if not self._changed:
            return
        if len(self._entries) > _MOST:
            self._entries = {k: v for k, v in self._entries.items() if k in self._stats}
        self._store.write(self._entries)


def _settings_of(candidate: Candidate, has_findings: bool) -> str:
    """Everything that a result depends on besides the file. The style of the project affects only
    fixes, so it is not looked up if there is nothing to report."""
    # The evidence in other files has its own digest.
    settings = replace(candidate.settings, project=True)
    if not has_findings or settings.isolated:
        return _settings(settings, None)
    from atomic_fix.style import style_of

    return _settings(settings, style_of(candidate.path))


@lru_cache
def _settings(settings: Settings, style: Style | None) -> str:
    return digest(repr((settings, style)).encode("utf-8", "surrogatepass"))


def stat_of(path: str) -> list[int] | None:
    """Size, modification time and inode of a file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def settled(status: list[int]) -> tuple[int, int, int]:
    """The same, with -1 as the time if a later change might not change it."""
    size, changed, inode = status
    return size, changed if time.time_ns() - changed > _FRESH_NS else -1, inode
