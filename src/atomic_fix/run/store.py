"""Files in the user's cache folder, which are only read as data.

What is kept there could hide findings, so folder and file have to be the user's own, and nobody
else may write to them. A file that is damaged is as good as none.
"""

import contextlib
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from atomic_fix import files
from atomic_fix.run import disk

_MAGIC = b"atomic-fix cache 3\n"
_DIGEST = 16


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


class Store:
    """One file of a folder, which holds a JSON object. Nothing here raises: what cannot be read is
    as good as empty, what cannot be written is left, and `warnings` says so."""

    def __init__(self, folder: str, name: str) -> None:
        self.warnings: list[str] = []
        self._folder = folder
        self._path = os.path.join(folder, name)
        self.usable = not os.path.lexists(folder) or self._is_ours()

    def read(self) -> dict[str, Any]:
        """What the file holds; empty where there is none that can be used."""
        import json

        if not self.usable:
            return {}
        try:
            content = files.read(self._path, _MOST, follow=False)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.warnings.append(f"the cache {self._path} cannot be read: {disk.reason(error)}")
            return {}
        start = len(_MAGIC) + _DIGEST
        entries = None
        if content.startswith(_MAGIC) and content[len(_MAGIC) : start] == hashed(content[start:]):
            with contextlib.suppress(ValueError, RecursionError):
                entries = json.loads(content[start:])
        if not isinstance(entries, dict):
            self.warnings.append(f"the cache {self._path} is damaged and will be rebuilt")
            return {}
        return entries

    def write(self, entries: Mapping[str, Any]) -> None:
        """Replace what the file holds; a run at the same time may win, and nothing breaks."""
        import json

        from atomic_fix.runtime import atomic_write_bytes

        content = json.dumps(entries, separators=(",", ":")).encode("ascii")
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            if not self._is_ours():
                return
            # A cache that a power loss takes is filled again.
            content = _MAGIC + hashed(content) + content
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


_MOST = 1 << 28
"""Bytes of the largest file that is read."""


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


def digest(content: bytes) -> str:
    """What a content is known by."""
    return hashed(content).hex()


def hashed(*parts: bytes) -> bytes:
    made = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()


@lru_cache
def version() -> str:
    """What the results of this tool depend on besides file and settings."""
    from atomic_fix import __version__

    # The code itself, for development, where the version is not enough.
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return "\n".join([__version__, sys.version, *_libcst(), *sorted(_code_in(own))])


def _libcst() -> list[str]:
    """Which LibCST is installed, by the folder of what pip writes of it: `importlib.metadata` would
    tell its version, and takes longer than the check of a file."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("libcst")
    if spec is None or not spec.origin:
        return ["?"]
    package = os.path.dirname(spec.origin)
    try:
        found = os.stat(spec.origin)
        installed = sorted(
            each for each in os.listdir(os.path.dirname(package)) if each.startswith("libcst-")
        )
    except OSError:
        return [package]
    return [f"{package} {found.st_size} {found.st_mtime_ns}", *installed]


def _code_in(folder: str) -> Iterator[str]:
    """The size and time of each file of a package."""
    with os.scandir(folder) as entries:
        for each in entries:
            if each.is_dir():
                yield from _code_in(each.path)
            elif each.name.endswith(".py"):
                found = each.stat()
                yield f"{each.path} {found.st_size} {found.st_mtime_ns}"
