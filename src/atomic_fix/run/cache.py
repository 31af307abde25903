"""Results of earlier runs, for files that have not changed since.

One file of the user's cache folder holds what is known below one working folder. An entry
holds for one content of a file, under one configuration, one version of this tool and of
Python. That a file is the same is seen from its size, its inode and the time of its last
change; where those differ or are too fresh to be trusted, its content is compared.
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

# Time stamps of files have a resolution of up to two seconds.
_FRESH_NS = 2_000_000_000
_MOST = 200_000


class Cache:
    """The results for files below the current folder. Nothing here raises: what cannot be
    read is as good as empty, what cannot be written is left, and `warnings` says so."""

    def __init__(self, folder: str) -> None:
        name = hashed(os.fsencode(os.getcwd()), version().encode()).hex()
        self._store = Store(folder, f"{name}.cache")
        self._stats: dict[str, list[int]] = {}
        self._same_size: dict[str, tuple[str, FileResult]] = {}
        """By path: the digest and the result of a content that may be the present one."""
        self._entries: dict[str, Any] = self._store.read()
        """By path: size, time and inode, digests of settings, of what other files say and of the
        content, and the result, null if there is nothing to tell. Each is looked at when it is
        asked for."""
        self._changed = False

    @property
    def warnings(self) -> list[str]:
        return self._store.warnings

    def find(self, candidate: Candidate, outside: str = "") -> FileResult | None:
        """What is known of the file, if it looks as it did then, and other files say the same of
        it: `outside` is the digest of that. If it may still be the same, `digest_of` tells by which
        content, and `renew` gives the result."""
        path = candidate.path
        self._same_size.pop(path, None)
        now = stat_of(path)
        if now is None or not self._store.usable:
            return None
        self._stats[path] = now
        match self._entries.get(path):
            case [size, changed, inode, settings, said, content, told] if (
                said == outside and settings == _settings_of(candidate, told is not None)
            ):
                pass
            case _:
                return None
        if told is None:
            result = FileResult(path, ())
        else:
            from atomic_fix.run import stored

            try:
                result = stored.read(FileResult, told)
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
        """The digest of the content whose result `renew` gives; empty for none."""
        return self._same_size[path][0] if path in self._same_size else ""

    def renew(self, path: str) -> FileResult:
        """What is known of the content with the digest `digest_of`, which the file turned out to
        hold."""
        *_, settings, said, content, told = self._entries[path]
        self._entries[path] = [*settled(self._stats[path]), settings, said, content, told]
        self._changed = True
        return self._same_size[path][1]

    def add(
        self, candidate: Candidate, result: FileResult, content: str, outside: str = ""
    ) -> None:
        """Remember the result of a content, given by its digest, if the file still is what `find`
        saw; `outside` is the digest of what other files say of it."""
        path = candidate.path
        before = self._stats.get(path)
        if before is None or result.problem is not None or before != stat_of(path):
            return
        told = None
        if result.findings or result.notes:
            from atomic_fix.run import stored

            told = stored.plain(replace(result, text=None))
        self._changed = True
        settings = _settings_of(candidate, told is not None)
        self._entries[path] = [*settled(before), settings, outside, content, told]

    def save(self) -> None:
        """Write what was added; a run at the same time may win, and nothing breaks."""
        if not self._changed:
            return
        if len(self._entries) > _MOST:
            self._entries = {k: v for k, v in self._entries.items() if k in self._stats}
        self._store.write(self._entries)


def _settings_of(candidate: Candidate, has_findings: bool) -> str:
    """What a result hangs on besides the file. The style of the project shapes fixes only, so it
    is not looked up where there is nothing to tell."""
    # What other files say is looked at by itself.
    settings = replace(candidate.settings, project=True)
    if not has_findings or settings.isolated:
        return _settings(settings, None)
    from atomic_fix.style import style_of

    return _settings(settings, style_of(candidate.path))


@lru_cache
def _settings(settings: Settings, style: Style | None) -> str:
    return digest(repr((settings, style)).encode("utf-8", "surrogatepass"))


def stat_of(path: str) -> list[int] | None:
    """Size, time of the last change and inode of a file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def settled(status: list[int]) -> tuple[int, int, int]:
    """The same with -1 as the time, if a later change of the file may not show in that."""
    size, changed, inode = status
    return size, changed if time.time_ns() - changed > _FRESH_NS else -1, inode
