"""Replace a file's content so that a crash leaves the old content or the new, never a part.

Standard library only, Python 3.8 and later; this one file may be copied into a project.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import json
import os
import re
import stat
import sys
import time
import warnings
from typing import IO, TYPE_CHECKING, Any

try:
    import fcntl as _posix_fcntl
except ImportError:  # Windows
    fcntl: Any = None
else:
    fcntl = _posix_fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeVar, Union

    from typing_extensions import Buffer

    _T = TypeVar("_T")
    # No `|`: a checker that targets Python 3.8 takes it in annotations only.
    _Path = Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]  # noqa: UP007

__all__ = [
    "AtomicWriteWarning",
    "CheckpointCorruptedError",
    "atomic_open",
    "atomic_write_bytes",
    "atomic_write_bytes_async",
    "atomic_write_json",
    "atomic_write_json_async",
    "atomic_write_text",
    "atomic_write_text_async",
    "load_json_checkpoint",
    "sweep_leftovers",
]

_WINDOWS = os.name == "nt"
_REQUIRED: Any = object()
_PREFIX, _SUFFIX = ".atomic-", ".tmp"
_TEMP = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}" + re.escape(_SUFFIX))

# "This file system cannot do that", never "it went wrong": write-back errors are EIO, ENOSPC
# and EDQUOT. CIFS, VirtualBox and Ceph answer fsync of a directory so.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LOCKS = _UNSUPPORTED | {errno.ENOLCK, errno.ENOSYS}


# Windows has none of the first three and alone has the last.
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)


class AtomicWriteWarning(RuntimeWarning):
    """Told before the target changes: something about it cannot be kept.

    Turn it into an error (`warnings.simplefilter("error", AtomicWriteWarning)`) and the
    write is refused instead, with the old content in place.
    """


class CheckpointCorruptedError(ValueError):
    """A checkpoint is there but cannot be read. Raise it `from` the error that said so.

    `size` is that of the file in bytes, None when it cannot be told.
    """

    def __init__(self, path: _Path) -> None:
        super().__init__(path)
        self.path = path
        self.size: int | None = None
        with contextlib.suppress(OSError):
            self.size = os.stat(path).st_size
        self._reason = ""

    def __str__(self) -> str:
        size = "size unknown" if self.size is None else f"{self.size} bytes"
        return f"{os.fsdecode(self.path)}: corrupted checkpoint ({size}){self._why()}"

    def _why(self) -> str:
        # The cause is known only after __init__, and pickling drops it.
        cause = self.__cause__
        return self._reason if cause is None else f": {type(cause).__name__}: {cause}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {**self.__dict__, "_reason": self._why()}


def atomic_open(
    path: _Path,
    mode: str = "w",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    perm: int | None = None,
    backup: _Path | None = None,
) -> AbstractContextManager[IO[Any]]:
    """Open `path` for writing as `open` does, but publish only when the block ends cleanly.

    The block gets a real file; its `name` is `path`, as with `open`. Any exception, also
    KeyboardInterrupt, leaves the old content. Without `fsync` it is whole after a kill, not
    after a loss of power. `perm` sets the permission bits exactly; without it an existing file
    keeps its own and a new one obeys the umask. `backup` names a file that keeps the content
    from before.

    Raises ValueError for a mode that does not replace the whole content (`a`, `r`, `x`), and
    OSError with `path` in it when the file cannot be written.
    """
    if sorted(mode.replace("t", "", 1).replace("b", "", 1).replace("+", "", 1)) != ["w"] or (
        "t" in mode and "b" in mode
    ):
        raise ValueError(f"atomic_open replaces the whole content: mode {mode!r} does not")
    if "b" in mode and (encoding, errors, newline) != (None, None, None):
        raise ValueError("binary mode takes no encoding, errors or newline")
    if "b" not in mode and buffering == 0:
        raise ValueError("can't have unbuffered text I/O")
    layers = (mode, buffering, encoding, errors, newline)
    return _opening(path, fsync, perm, backup, layers)


def atomic_write_bytes(
    path: _Path,
    data: Buffer,
    *,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
) -> int:
    """Replace the content of `path` as `Path.write_bytes` does; returns the number of bytes.

    The options are those of `atomic_open`, `mode` is what it calls `perm`. Raises TypeError
    when `data` is no buffer, OSError as `atomic_open` does.
    """
    view = memoryview(data)
    next(_replacing(path, fsync, mode, backup, data=view), None)
    return view.nbytes


def atomic_write_text(
    path: _Path,
    text: str,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
) -> int:
    """Replace the content of `path` as `Path.write_text` does; returns the number of characters.

    Raises TypeError when `text` is no str, UnicodeEncodeError when it cannot be encoded,
    both before any file is touched; OSError as `atomic_open` does.
    """
    # The codec and newline machinery of open(), on memory.
    buffer = io.BytesIO()
    encoder = io.TextIOWrapper(buffer, encoding, errors, newline)
    encoder.write(text)
    encoder.flush()
    # Not getbuffer(): kept by a traceback, it crashed the collector of Python 3.12.1.
    atomic_write_bytes(path, buffer.getvalue(), fsync=fsync, mode=mode, backup=backup)
    return len(text)


def atomic_write_json(
    path: _Path,
    obj: Any,
    *,
    encoding: str | None = "utf-8",
    newline: str | None = None,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
    **options: Any,
) -> None:
    """Write what `path.write_text(json.dumps(obj, **options), encoding)` would write.

    Raises TypeError or ValueError when `obj` is not serialisable, before any file is
    touched; OSError as `atomic_open` does. A corrupted file does not become the `backup`.
    """
    text = json.dumps(obj, **options)
    _write_json(path, text, encoding, newline, fsync, mode, backup)


async def atomic_write_bytes_async(
    path: _Path,
    data: Buffer,
    *,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
) -> int:
    """`atomic_write_bytes` in a thread of the asyncio loop; `data` is copied first."""
    kept = bytes(memoryview(data))
    return await _in_thread(
        lambda: atomic_write_bytes(path, kept, fsync=fsync, mode=mode, backup=backup)
    )


async def atomic_write_text_async(
    path: _Path,
    text: str,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
) -> int:
    """`atomic_write_text` in a thread of the asyncio loop."""
    return await _in_thread(
        lambda: atomic_write_text(
            path, text, encoding, errors, newline, fsync=fsync, mode=mode, backup=backup
        )
    )


async def atomic_write_json_async(
    path: _Path,
    obj: Any,
    *,
    encoding: str | None = "utf-8",
    newline: str | None = None,
    fsync: bool = True,
    mode: int | None = None,
    backup: _Path | None = None,
    **options: Any,
) -> None:
    """`atomic_write_json` in a thread of the asyncio loop.

    `obj` is serialised before the first await, so that other tasks may change it meanwhile.
    """
    text = json.dumps(obj, **options)
    await _in_thread(lambda: _write_json(path, text, encoding, newline, fsync, mode, backup))


def load_json_checkpoint(
    path: _Path,
    *,
    default: Any = _REQUIRED,
    encoding: str = "utf-8",
    backup: _Path | None = None,
    **options: Any,
) -> Any:
    """Read JSON state, telling a missing file from a corrupted one.

    Missing: `default`, or FileNotFoundError when none is given. There but unreadable (empty,
    cut short, wrong encoding): CheckpointCorruptedError, or, when `backup` holds a good
    version, that one with a RuntimeWarning. `options` go to `json.loads`. Other OSErrors are
    raised as they are: a file that may not be read is neither missing nor corrupted.
    """
    try:
        return _load_json(path, encoding, options)
    except FileNotFoundError:
        if default is _REQUIRED:
            raise
        return default
    except CheckpointCorruptedError as corrupted:
        if backup is None:
            raise
        try:
            value = _load_json(backup, encoding, options)
        except (FileNotFoundError, CheckpointCorruptedError):
            raise corrupted from corrupted.__cause__
        warnings.warn(f"{corrupted}; using {os.fsdecode(backup)}", RuntimeWarning, stacklevel=2)
        return value


def sweep_leftovers(directory: _Path, *, older_than: float = 3600.0) -> list[str]:
    """Remove what killed writers left in `directory`; returns the paths removed.

    A file goes only when its name is one that this module makes, its last change is
    `older_than` seconds ago, and no living writer holds its lock. The age is for file systems
    whose locks other hosts don't see (NFS mounted with nolock); elsewhere 0 is safe. Raises
    OSError when `directory` cannot be listed or a lock fails.
    """
    removed = []
    for name in sorted(os.listdir(os.fsdecode(directory))):
        if not _TEMP.fullmatch(name):
            continue
        path = os.path.join(os.fsdecode(directory), name)
        # Gone meanwhile, locked by its writer, or not ours to remove: leave it.
        with contextlib.suppress(FileNotFoundError, BlockingIOError, PermissionError):
            if _sweep(path, older_than):
                removed.append(path)
    return removed


def _sweep(path: str, older_than: float) -> bool:
    found = os.lstat(path)
    # Windows has no locks. An open file cannot be removed there (error 32), but a writer closes
    # its file just before the replace: a fresh one is never touched.
    least = older_than if fcntl is not None else max(older_than, 60.0)
    if not stat.S_ISREG(found.st_mode) or time.time() - found.st_mtime < least:
        return False
    if fcntl is None:
        os.unlink(path)
        return True
    fd = os.open(path, os.O_RDWR | _O_NOFOLLOW)  # NFS locks what is open for writing
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False  # no telling whether its writer lives
        raise
    else:
        # A writer that has made this file but not yet locked it will find it gone and make
        # another; one that has published it meanwhile no longer uses this name.
        os.unlink(path)
        return True
    finally:
        os.close(fd)


def _write_json(
    path: _Path,
    text: str,
    encoding: str | None,
    newline: str | None,
    fsync: bool,
    mode: int | None,
    backup: _Path | None,
) -> None:
    if backup is not None and os.path.isfile(path):
        try:
            _load_json(path, encoding, {})
        except CheckpointCorruptedError:
            backup = None  # what is there now is no good version: keep the one before
    atomic_write_text(path, text, encoding, None, newline, fsync=fsync, mode=mode, backup=backup)


def _load_json(path: _Path, encoding: str | None, options: dict[str, Any]) -> Any:
    with open(path, encoding=encoding) as file:
        try:
            return json.loads(file.read(), **options)
        except ValueError as error:
            raise CheckpointCorruptedError(path) from error


async def _in_thread(write: Callable[[], _T]) -> _T:
    import asyncio

    future = asyncio.get_running_loop().run_in_executor(None, write)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError as cancelled:
        # A thread cannot be stopped. Were it left behind, this write could overtake a later
        # one of the same file; so the cancellation waits for it.
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({future})
        cancelled.__cause__ = future.exception()
        raise


def _name(error: OSError, path: _Path) -> None:
    """Errors speak of the caller's path, not of a descriptor or a temporary name."""
    error.filename = os.fspath(path)
    del error.filename2


def _replacing(
    path: _Path,
    fsync: bool,
    perm: int | None,
    backup: _Path | None,
    layers: tuple[Any, ...] = ("wb",),
    data: memoryview | None = None,
) -> Iterator[IO[Any]]:
    """Replace the content of `path`: by `data`, or by what is written to the file yielded.

    One generator, not one around another: dropped half-way through by an interrupt, the inner
    one would live until the garbage is collected.
    """
    try:
        place = _locate(os.fsdecode(path))
    except OSError as error:
        _name(error, path)
        raise
    if place is None:
        with open(path, *layers) as file:
            if data is None:
                yield file
            else:
                file.write(data)
        return
    with contextlib.nullcontext() if backup is None else _keeping(path, backup, fsync):
        staged = _Staged(path, *place, fsync, perm)
        ours = True
        try:
            try:
                staged.make()
                if data is None:
                    ours = False  # errors of the block are left as they are
                    yield staged.open(*layers)
                    ours = True
                else:
                    staged.write(data)
                staged.publish()
            finally:
                staged.discard()
        except BaseException as error:
            staged.discard()  # an interrupt may have cut the first one short
            if ours and isinstance(error, OSError):
                _name(error, path)
            raise


_opening = contextlib.contextmanager(_replacing)


@contextlib.contextmanager
def _keeping(path: _Path, backup: _Path, fsync: bool) -> Iterator[None]:
    """Stage the old content for `backup`; it is published after the new content is."""
    if os.path.realpath(os.fsdecode(backup)) == os.path.realpath(os.fsdecode(path)):
        raise ValueError(f"the backup of {os.fsdecode(path)} must be another file")
    try:
        old = open(path, "rb")  # noqa: SIM115 -- closed by the with below
        perm = stat.S_IMODE(os.fstat(old.fileno()).st_mode)
    except FileNotFoundError:
        old = None
    except OSError as error:
        _name(error, path)
        raise
    if old is None:
        yield
        return
    with old, atomic_open(backup, "wb", fsync=fsync, perm=perm) as copy:
        try:
            _copy(old, copy)
        except OSError as error:
            if error.filename is None:  # what cannot be written has a name already
                _name(error, path)
            raise
        yield


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    for block in iter(functools.partial(source.read, 1 << 20), b""):
        target.write(block)
    source.close()


class _File(io.FileIO):
    """The temporary file under the target's name, so that a failed write tells that name."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


class _Staged:
    """New content on its way: a hidden file beside the target until it is published."""

    def __init__(
        self, path: _Path, directory: str, name: str, fsync: bool, perm: int | None
    ) -> None:
        self.path = os.fspath(path)
        self.directory = directory or os.curdir
        self.name = name
        self.fsync = fsync
        self.perm = perm
        self.held: list[int] = []
        self.files: list[IO[Any]] = []
        self.dir_fd: int | None = None
        self.old: int | None = None
        self.prefix = ""
        self.temp = ""

    def make(self) -> None:
        if not self.name:
            number = errno.EISDIR if self.path else errno.ENOENT  # "new/" or ""
            raise OSError(number, os.strerror(number))
        if _WINDOWS:
            self._find_old_on_windows()
        else:
            self._find_old()
        self._make_temp()

    def write(self, data: memoryview) -> None:
        """All of the content at once: no file object, no buffer."""
        done = 0
        while done < data.nbytes:
            done += os.write(self.new, data.cast("B")[done:])

    def open(
        self,
        mode: str,
        buffering: int,
        encoding: str | None,
        errors: str | None,
        newline: str | None,
    ) -> IO[Any]:
        raw = _File(self.new, "w+" if "+" in mode else "w", closefd=False)
        self.files.append(raw)
        raw.name = self.path
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffered: IO[Any] = kind(raw, size)
        self.files.append(buffered)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]
        self.files.append(text)
        return text

    def _find_old(self) -> None:
        # One descriptor for the directory: it stays the right one when the body changes the
        # working directory or someone renames it, and running out of descriptors shows now.
        self.dir_fd = self._hold(self.directory, os.O_RDONLY | _O_DIRECTORY)
        # Asks the kernel what open(path, "w") would ask, and truncates nothing.
        flags = os.O_WRONLY | _O_NOFOLLOW | _O_NONBLOCK
        try:  # noqa: SIM105 -- suppress() would take 2 % of a small write
            self.old = self._hold(self.name, flags, dir_fd=self.dir_fd)
        except FileNotFoundError:
            pass

    def _find_old_on_windows(self) -> None:
        # No directory descriptors there.
        self.prefix = os.path.join(os.path.abspath(self.directory), "")
        self.name = self.prefix + self.name
        if os.path.exists(self.name) and not os.access(self.name, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _make_temp(self) -> None:
        # What exists may be secret, so its successor is not readable by others even while
        # empty; for a new file the kernel applies umask and default ACL.
        mode = 0o666 if self.old is None and self.perm is None else 0o600
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_BINARY
        for _ in range(100):
            self.temp = self.prefix + _PREFIX + os.urandom(8).hex() + _SUFFIX
            try:
                self.new = self._hold(self.temp, flags, mode, self.dir_fd)
            except FileExistsError:
                self.temp = ""  # not ours to remove
                continue
            if self._lock_temp():
                return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _lock_temp(self) -> bool:
        """Show `sweep_leftovers` that this one lives; false when it came first."""
        if fcntl is not None:
            try:
                fcntl.flock(self.new, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
        try:
            self.made = os.stat(self.temp, dir_fd=self.dir_fd)
        except FileNotFoundError:
            return False
        return True

    def publish(self) -> None:
        for file in reversed(self.files):
            file.close()
        if self.old is not None:
            _inherit(self.old, self.new, self.made, self.path)
        if self.perm is not None and hasattr(os, "fchmod"):
            os.fchmod(self.new, self.perm)
        if self.fsync:
            _sync(self.new)
        if _WINDOWS:
            self._release()  # an open file cannot be renamed there
        self._replace()
        self.temp = ""
        if self.fsync and self.dir_fd is not None:
            try:
                _sync(self.dir_fd)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
        self._release()

    def _replace(self) -> None:
        delay = 0.001
        while True:
            try:
                os.replace(self.temp, self.name, src_dir_fd=self.dir_fd, dst_dir_fd=self.dir_fd)
                return
            except OSError as error:
                if error.errno == errno.EBUSY and self.old is not None:
                    break
                # Windows, while a reader or a scanner has the target open: access denied,
                # sharing violation, lock violation.
                if getattr(error, "winerror", None) not in {5, 32, 33} or delay > 0.6:
                    raise
            time.sleep(delay)
            delay *= 2
        # A file that is itself a mount point (a container's bind mount) cannot be replaced.
        # The whole content is on disk by now; copy it, and should the copy fail, leave it there.
        _warn(self.path, "is a mount point: written in place, not atomically")
        temp, self.temp = self.temp, ""
        with open(self.new, "rb", closefd=False) as new:
            new.seek(0)
            with open(self.old, "wb", closefd=False) as old:  # truncates nothing
                _copy(new, old)
                old.truncate()
        if self.fsync:
            _sync(self.old)
        os.unlink(temp, dir_fd=self.dir_fd)

    def discard(self) -> None:
        """Leave nothing behind; may be called again. An error here would hide the first."""
        for file in reversed(self.files):
            with contextlib.suppress(Exception):
                file.close()
        if self.temp:
            with contextlib.suppress(OSError):
                os.unlink(self.temp, dir_fd=self.dir_fd)
            self.temp = ""
        while self.held:
            with contextlib.suppress(OSError):
                self._release()

    # A KeyboardInterrupt comes between two bytecodes. These two go from the system call to
    # the list, and back, within one call into C, so that it never loses a descriptor.

    def _hold(self, path: str, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> int:
        opening = functools.partial(os.open, dir_fd=dir_fd)
        self.held.extend(map(opening, (path,), (flags,), (mode,)))
        return self.held[-1]

    def _release(self) -> None:
        list(map(os.close, map(self.held.pop, [-1] * len(self.held))))


def _locate(path: str) -> tuple[str, str] | None:
    """Directory and name of the file to replace, links followed; None when it is something
    that can only be written through: a FIFO, a device, an open descriptor.
    """
    if _WINDOWS:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
        return os.path.split(os.path.realpath(path))
    # Only the last part: the kernel walks the rest, so that `missing/../x` stays an error.
    for _ in range(40):
        directory, name = os.path.split(path)
        # /dev/stdout may well lead to a regular file: the one that the shell has opened.
        if directory == "/dev/fd" or (directory[:6] == "/proc/" and directory[-3:] == "/fd"):
            return None
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            return directory, name
        if stat.S_ISREG(mode):
            return directory, name
        # The kernel judges a link: also whether it may be followed at all
        # (fs.protected_symlinks).
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
        path = os.path.join(directory, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _inherit(old: int, new: int, now: os.stat_result, path: str | bytes) -> None:
    """Give the new file owner, group, extended attributes (so ACLs) and mode of the old.

    Before the fsync, by descriptor: after it they would not be durable. The set-id bits go,
    as they do when an unprivileged process writes to a file.
    """
    if sys.platform == "win32":  # for type checkers: nothing old is open there
        return
    was = os.fstat(old)
    if was.st_nlink > 1:
        _warn(path, f"has {was.st_nlink} names: the others keep the old content")
    mode = stat.S_IMODE(was.st_mode) & ~(stat.S_ISUID | stat.S_ISGID)
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        mode = _inherit_owner(was, new, mode, path)
    if _inherit_xattrs(old, new, path):
        now = os.fstat(new)  # an ACL sets the mode, perhaps to more than is allowed now
    if stat.S_IMODE(now.st_mode) != mode:
        os.fchmod(new, mode)


def _inherit_owner(was: os.stat_result, new: int, mode: int, path: str | bytes) -> int:
    if sys.platform == "win32":
        return mode
    for uid, gid in [(was.st_uid, was.st_gid), (-1, was.st_gid)]:
        try:
            os.fchown(new, uid, gid)
        except OSError as error:
            # EINVAL: an id that this user namespace does not map.
            if error.errno not in {errno.EPERM, errno.EINVAL}:
                raise
            continue
        if uid == -1:
            _warn(path, f"cannot keep its owner, uid {was.st_uid}")
        return mode
    _warn(path, f"cannot keep its owner and group, uid {was.st_uid} gid {was.st_gid}")
    # What one group was allowed must not be allowed to another.
    return mode & ~0o070 | (mode & 0o007) << 3 & mode


def _inherit_xattrs(old: int, new: int, path: str | bytes) -> bool:
    """Give the new file those of the old and no others; whether the old had any."""
    if sys.platform != "linux":
        return False
    try:
        names = os.listxattr(old)
        inherited = os.listxattr(new)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    for name in {*names, *inherited}:
        # They vouch for the old content.
        if name in {"security.capability", "security.ima", "security.evm"}:
            continue
        try:
            if name not in names:
                os.removexattr(new, name)  # a default ACL of the directory
                continue
            value = os.getxattr(old, name)
            if name not in inherited or os.getxattr(new, name) != value:
                os.setxattr(new, name, value)
        except OSError as error:
            foreign = not name.startswith(("user.", "system.posix_acl"))
            denied = foreign and error.errno in {errno.EPERM, errno.EACCES}
            if not denied and error.errno not in _UNSUPPORTED:
                raise
            _warn(path, f"cannot keep its attribute {name}")
    return bool(names)


def _sync(fd: int) -> None:
    """Return when the device has it. An error is final: a second fsync would hide it."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:  # macOS: fsync stops at the drive's cache
        try:
            fcntl.fcntl(fd, full)
            return
        except OSError as error:
            # Which of these depends on the file system (libuv/libuv#2135, golang/go#64215).
            if error.errno not in _UNSUPPORTED | {errno.ENOTTY}:
                raise
    os.fsync(fd)


def _warn(path: str | bytes, message: str) -> None:
    warnings.warn(f"{os.fsdecode(path)} {message}", AtomicWriteWarning, stacklevel=2)
