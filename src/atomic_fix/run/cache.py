"""Results of earlier runs, for files that have not changed since.

One file of the user's cache folder holds what is known below one working folder. An entry
holds for one content of a file, under one configuration, one version of this tool and of
Python. That a file is the same is seen from its size, its inode and the time of its last
change; where those differ or are too fresh to be trusted, its content is compared.

A cache could hide findings, so it has to be the user's own: the folder and the file belong to
the user, and nobody else may write to them. Even so, it is only read as data.
"""

import contextlib
import hashlib
import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from atomic_fix import files
from atomic_fix.config import Style
from atomic_fix.finding import FileResult
from atomic_fix.run import disk
from atomic_fix.run.discover import Candidate
from atomic_fix.settings import Settings

WORTH_A_CACHE = 20
"""With fewer files, the cache costs more than it saves."""

_MAGIC = b"atomic-fix cache 2\n"
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


class Cache:
    """The results for files below the current folder. Nothing here raises: what cannot be
    read is as good as empty, what cannot be written is left, and `warnings` says so."""

    def __init__(self, folder: str) -> None:
        self.warnings: list[str] = []
        name = _digest(os.fsencode(os.getcwd()), _version().encode()).hex()
        self._folder = folder
        self._path = os.path.join(folder, f"{name}.cache")
        self._stats: dict[str, list[int]] = {}
        self._same_size: dict[str, tuple[str, FileResult]] = {}
        """By path: the digest and the result of a content that may be the present one."""
        self._entries: dict[str, Any] = {}
        """By path: size, time and inode, digests of settings and content, and the result, null
        if there is nothing to report. Each is decoded when it is asked for."""
        self._changed = False
        self._usable = True
        if os.path.lexists(folder):
            self._usable = self._is_ours()
            if self._usable:
                self._entries = self._read()

    def find(self, candidate: Candidate) -> FileResult | None:
        """What is known of the file, if it looks as it did then. If it may still be the same,
        `digest_of` has the content's digest, and `renew` the result."""
        path = candidate.path
        now = _stat(path)
        if now is None or not self._usable:
            return None
        self._stats[path] = now
        match self._entries.get(path):
            case [size, changed, inode, settings, content, encoded] if settings == _settings_of(
                candidate, encoded is not None
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
        """The digest of the content whose result `renew` gives; empty for none."""
        return self._same_size[path][0] if path in self._same_size else ""

    def renew(self, path: str) -> FileResult:
        """What is known of the content with the digest `digest_of`, which the file turned out to
        hold."""
        *_, settings, content, encoded = self._entries[path]
        self._entries[path] = [*_settled(self._stats[path]), settings, content, encoded]
        self._changed = True
        return self._same_size[path][1]

    def add(self, candidate: Candidate, result: FileResult, content: str) -> None:
        """Remember the result of a content, given by its digest, if the file still is what `find`
        saw."""
        path = candidate.path
        before = self._stats.get(path)
        if before is None or result.problem is not None or before != _stat(path):
            return
        encoded = None
        if result.findings or result.notes or result.suppressed:
            from atomic_fix.run import typed_json

            encoded = typed_json.plain(replace(result, text=None))
        self._changed = True
        settings = _settings_of(candidate, encoded is not None)
        self._entries[path] = [*_settled(before), settings, content, encoded]

    def save(self) -> None:
        """Write what was added; a run at the same time may win, and nothing breaks."""
        if not self._changed:
            return
        import json

        from atomic_fix.runtime import atomic_write_bytes

        if len(self._entries) > _MOST:
            self._entries = {k: v for k, v in self._entries.items() if k in self._stats}
        content = json.dumps(self._entries, separators=(",", ":")).encode("ascii")
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            if not self._is_ours():
                return
            # A cache that a power loss takes is filled again.
            content = _MAGIC + _digest(content) + content
            atomic_write_bytes(self._path, content, fsync=False, mode=0o600)
        except OSError as error:
            self.warnings.append(f"the cache {self._path} cannot be written: {disk.reason(error)}")

    def _is_ours(self) -> bool:
        """Whether folder and file are the user's own, and only the user may write there."""
        problem = _not_ours(self._folder, stat.S_ISDIR, 0o022)
        if problem:
            self.warnings.append(f"the cache folder {self._folder} is not used: {problem}")
            return False
        # In a tree that was checked out, a folder may well be ours by these signs; a file that
        # only the user may read, as the cache creates them, is not found there.
        if os.path.lexists(self._path) and (problem := _not_ours(self._path, stat.S_ISREG, 0o077)):
            self.warnings.append(f"the cache {self._path} is not used: {problem}")
            return False
        return True

    def _read(self) -> dict[str, Any]:
        import json

        try:
            content = files.read(self._path, follow=False)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.warnings.append(f"the cache {self._path} cannot be read: {disk.reason(error)}")
            return {}
        start = len(_MAGIC) + _DIGEST
        entries = None
        if content.startswith(_MAGIC) and content[len(_MAGIC) : start] == _digest(content[start:]):
            with contextlib.suppress(ValueError, RecursionError):
                entries = json.loads(content[start:])
        if not isinstance(entries, dict):
            self.warnings.append(f"the cache {self._path} is damaged; it is made anew")
            return {}
        return entries


def _not_ours(path: str, is_right: Callable[[int], bool], forbidden: int) -> str:
    """Why a folder or file is not the user's alone, in a clause; empty if it is. Windows has
    other means, which are not checked."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return disk.reason(error)
    if stat.S_ISLNK(found.st_mode):
        return "it is a link"
    if not is_right(found.st_mode):
        return "something else is there"
    if sys.platform != "win32":
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        if found.st_mode & forbidden:
            others = "write to" if stat.S_ISDIR(found.st_mode) else "read"
            return f"others may {others} it"
    return ""


def _settings_of(candidate: Candidate, has_findings: bool) -> str:
    """What a result hangs on besides the file. The style of the project shapes fixes only, so it
    is not looked up where there is nothing to report."""
    settings = candidate.settings
    if not has_findings or settings.isolated:
        return _settings(settings, None)
    from atomic_fix.style import style_of

    return _settings(settings, style_of(candidate.path))


@lru_cache
def _settings(settings: Settings, style: Style | None) -> str:
    return _digest(repr((settings, style)).encode("utf-8", "surrogatepass")).hex()


def _stat(path: str) -> list[int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _settled(status: list[int]) -> tuple[int, int, int]:
    """The same with -1 as the time, if a later change of the file may not show in that."""
    size, changed, inode = status
    return size, changed if time.time_ns() - changed > _FRESH_NS else -1, inode


def digest(content: bytes) -> str:
    """What a content is known by."""
    return _digest(content).hex()


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
    # The code itself, for development, where the version is not enough.
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        found = path.stat()
        parts.append(f"{path.name} {found.st_size} {found.st_mtime_ns}")
    return "\n".join(parts)
