"""Results of earlier runs, for files that have not changed since.

One file of the user's cache folder holds what is known below one working folder. An entry
holds for one content of a file, under one configuration, one version of this tool and of
Python. That a file is the same is seen from its size, its inode and the time of its last
change; where those differ or are too fresh to be trusted, its content is compared.
"""

import hashlib
import os
import pickle
import sys
import time
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from atomic_fix.config import Style
from atomic_fix.finding import FileResult
from atomic_fix.run import disk
from atomic_fix.run.discover import Candidate
from atomic_fix.settings import Settings

WORTH_A_CACHE = 20
"""With fewer files, the cache costs more than it saves."""

_MAGIC = b"atomic-fix cache 1\n"
_DIGEST = 16
# Time stamps of files have a resolution of up to two seconds.
_FRESH_NS = 2_000_000_000
_MOST = 200_000


def default_folder() -> str:
    """The folder for cached data of this user, by the customs of the platform."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
        return os.path.join(base, "atomic-fix", "Cache")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/atomic-fix")
    base = os.environ.get("XDG_CACHE_HOME") or ""
    # The specification says that a relative path is to be ignored.
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    return os.path.join(base, "atomic-fix")


class _Entry(NamedTuple):
    size: int
    changed: int
    inode: int
    settings: bytes
    content: bytes
    result: FileResult | None
    """None for a file of which there is nothing to tell."""


class Cache:
    """The results for files below the current folder. Nothing here raises: what cannot be
    read is as good as empty, what cannot be written is left, and `warnings` says so."""

    def __init__(self, folder: str) -> None:
        self.warnings: list[str] = []
        name = _digest(os.fsencode(os.getcwd()), _version().encode()).hex()
        self._path = os.path.join(folder, f"{name}.cache")
        self._stats: dict[str, tuple[int, int, int]] = {}
        self._entries = self._read()
        self._changed = False

    def find(self, candidate: Candidate) -> FileResult | None:
        """What is known of the file as it is now."""
        path = candidate.path
        now = _stat(path)
        if now is None:
            return None
        self._stats[path] = now
        entry = self._entries.get(path)
        if entry is None or entry.settings != _settings_of(candidate, entry.result):
            return None
        if entry[:3] != now:
            if entry.size != now[0] or entry.content != _content(path):
                return None
            self._entries[path] = _Entry(*_settled(now), *entry[3:])
            self._changed = True
        return entry.result or FileResult(path, ())

    def add(self, candidate: Candidate, result: FileResult) -> None:
        """Remember a result, if the file still is what `find` saw."""
        path = candidate.path
        before = self._stats.get(path)
        if before is None or not result.analysed:
            return
        content = _content(path)
        if content is None or before != _stat(path):
            return
        self._changed = True
        kept = result if result.findings or result.notes else None
        self._entries[path] = _Entry(
            *_settled(before), _settings_of(candidate, kept), content, kept
        )

    def save(self) -> None:
        """Write what was added; a run at the same time may win, and nothing breaks."""
        if not self._changed:
            return
        from atomic_fix.runtime import atomic_write_bytes

        if len(self._entries) > _MOST:
            self._entries = {k: v for k, v in self._entries.items() if k in self._stats}
        rows = {path: tuple(entry) for path, entry in self._entries.items()}
        content = pickle.dumps(rows, protocol=5)
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            # A cache that a power loss takes is filled again.
            atomic_write_bytes(self._path, _MAGIC + _digest(content) + content, fsync=False)
        except OSError as error:
            self.warnings.append(f"the cache {self._path} cannot be written: {disk.reason(error)}")

    def _read(self) -> dict[str, _Entry]:
        try:
            with open(self._path, "rb") as file:
                stored = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.warnings.append(f"the cache {self._path} cannot be read: {disk.reason(error)}")
            return {}
        start = len(_MAGIC) + _DIGEST
        content = stored[start:]
        if not stored.startswith(_MAGIC) or stored[len(_MAGIC) : start] != _digest(content):
            self.warnings.append(f"the cache {self._path} is damaged; it is made anew")
            return {}
        try:
            rows = _Unpickler(BytesIO(content)).load()
            return {path: _Entry(*row) for path, row in rows.items()}
        except Exception as error:
            self.warnings.append(f"the cache {self._path} cannot be used: {error}; it is made anew")
            return {}


class _Unpickler(pickle.Unpickler):
    """Makes the values of `atomic_fix.finding`, and nothing else, from what a file says."""

    def find_class(self, module: str, name: str) -> Any:
        if module != "atomic_fix.finding":
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def _settings_of(candidate: Candidate, result: FileResult | None) -> bytes:
    """What a result hangs on besides the file. The style of the project shapes fixes only, so it
    is not looked up where there is nothing to tell."""
    settings = candidate.settings
    if result is None or settings.isolated:
        return _settings(settings, None)
    from atomic_fix.style import style_of

    return _settings(settings, style_of(candidate.path))


@lru_cache
def _settings(settings: Settings, style: Style | None) -> bytes:
    return _digest(repr((settings, style)).encode("utf-8", "surrogatepass"))


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _settled(stat: tuple[int, int, int]) -> tuple[int, int, int]:
    """The same with -1 as the time, if a later change of the file may not show in that."""
    size, changed, inode = stat
    return size, changed if time.time_ns() - changed > _FRESH_NS else -1, inode


def _content(path: str) -> bytes | None:
    found = disk.read(path)
    return _digest(found) if isinstance(found, bytes) else None


def _digest(*parts: bytes) -> bytes:
    made = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()


def _version() -> str:
    """What the results of this tool depend on besides file and settings."""
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    from atomic_fix import __version__

    parts = [__version__, sys.version]
    try:
        parts.append(version("libcst"))
    except PackageNotFoundError:
        parts.append("?")
    # The code itself, for those who work on it: a version says too little then.
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        found = path.stat()
        parts.append(f"{path.name} {found.st_size} {found.st_mtime_ns}")
    return "\n".join(parts)
