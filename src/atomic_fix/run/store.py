"""Files in the user's cache folder, which are only read as data.

Their content could hide findings, so the folder and the files must belong to the user, and nobody
else may write to them. A damaged file is treated as missing.
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
    """The folder for cached data of this user, by the conventions of the platform."""
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
    """One file of a folder, which contains a JSON object. Nothing here raises: a file that cannot
    be read counts as empty, one that cannot be written is left alone, and `warnings` says so."""

    def __init__(self, folder: str, name: str) -> None:
        self.warnings: list[str] = []
        self._folder = folder
        self._path = os.path.join(folder, name)
        self.usable = not os.path.lexists(folder) or self._is_ours()

    def read(self) -> dict[str, Any]:
        """The content of the file; empty if there is no usable one."""
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
        """Replace the content of the file. A concurrent run may overwrite it, which does no
        harm."""
        import json

        from atomic_fix.runtime import atomic_write_bytes

        content = json.dumps(entries, separators=(",", ":")).encode("ascii")
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            if not self._is_ours():
                return
            # A cache that is lost in a power failure is rebuilt.
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
        # A folder in a checkout may pass these tests, but a file that only the user can read, as
        # the cache creates them, does not occur there.
        if os.path.lexists(self._path) and (problem := _not_ours(self._path, stat.S_ISREG, 0o077)):
            self.warnings.append(f"the cache {self._path} is not used: {problem}")
            return False
        return True


_MOST = 1 << 28
"""The largest file, in bytes, that is read."""


def _not_ours(path: str, is_right: Callable[[int], bool], forbidden: int) -> str:
    """A clause that says why a folder or file is not private to the user; empty if it is. Windows
    permissions are not checked."""
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
    """The digest that identifies a content."""
    return hashed(content).hex()


def hashed(*parts: bytes) -> bytes:
    made = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()


@lru_cache
def version() -> str:
    """Everything besides file and settings that results depend on."""
    from atomic_fix import __version__

    # The code itself, because the version is not enough during development.
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return "\n".join([__version__, sys.version, *_libcst(), *sorted(_code_in(own))])


def _libcst() -> list[str]:
    """The installed version of LibCST, from the name of its metadata folder: `importlib.metadata`
    takes longer than checking a file."""
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
