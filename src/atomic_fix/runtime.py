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
    from collections.abc import Callable, Iterable, Iterator
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
    "load_checkpoint",
    "load_checkpoint_async",
    "load_json_checkpoint",
    "load_json_checkpoint_async",
    "sweep_leftovers",
]

_WINDOWS = os.name == "nt"
_REQUIRED: Any = object()
_PREFIX, _SUFFIX = ".atomic-", ".tmp"
_TEMP = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}" + re.escape(_SUFFIX))
_RESCUED = ".rescued"  # no name that `sweep_leftovers` takes

# "This file system cannot do that", never "it went wrong": write-back errors are EIO, ENOSPC
# and EDQUOT. CIFS, VirtualBox and Ceph answer fsync of a directory so.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LOCKS = _UNSUPPORTED | {errno.ENOLCK, errno.ENOSYS}
# What was a regular file, or not there, is a link (ELOOP) or a FIFO (ENXIO) by now.
_SWAPPED = frozenset({errno.ELOOP, errno.ENXIO})
# They vouch for the old content.
_VOUCHING = frozenset({"security.capability", "security.ima", "security.evm"})
_NOT = (False, False, False)

# Windows has none of the first three and alone has the last.
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)


class AtomicWriteWarning(RuntimeWarning):
    """Given before the target changes: something about it cannot be kept.

    Turn it into an error (`warnings.simplefilter("error", AtomicWriteWarning)`) and the
    write is refused instead, with the old content in place.
    """


class CheckpointCorruptedError(ValueError):
    """A checkpoint is there but cannot be read. Raise it `from` the error that said so.

    `size` is the number of bytes that were read. Without it, it is that of the file now, or
    None when that cannot be told.
    """

    def __init__(self, path: _Path, size: int | None = None) -> None:
        super().__init__(path)
        self.path = path
        self.size = size
        if size is None:
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
        # Not by way of __init__: where it is unpickled, the path may be that of another file.
        kind = type(self)
        state = {**self.__dict__, "_reason": self._why()}
        return kind.__new__, (kind, *self.args), state


def atomic_open(
    path: _Path,
    mode: str = "w",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    perm: int | None = None,
) -> AbstractContextManager[IO[Any]]:
    """Open `path` for writing as `open` does, but publish only when the block ends cleanly.

    The block gets a real file; its `name` is `path`, as with `open`. Any exception, also
    KeyboardInterrupt, leaves the old content. Only the process that enters the block publishes:
    a child forked inside it does not.

    Without `fsync` the content is whole after a kill, not after a loss of power. `permissions`
    sets the permission bits exactly (`perm` is its older name); without it an existing file
    keeps its own and a new one obeys the umask. `backup` names a file that keeps the content
    from before. `make_parents` makes the folders that are missing.

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
    bits = _permissions(permissions, perm, "perm")
    layers = (mode, buffering, encoding, errors, newline)
    return _Block(_Replacement(path, fsync, bits, backup, make_parents, layers=layers))


def atomic_write_bytes(
    path: _Path,
    data: Buffer,
    *,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
) -> int:
    """Replace the content of `path` as `Path.write_bytes` does; returns the number of bytes.

    The options are those of `atomic_open`; `mode` is an older name of `permissions`. Raises
    TypeError when `data` is no buffer, OSError as `atomic_open` does.
    """
    view = memoryview(data)
    _write(path, view, fsync, _permissions(permissions, mode, "mode"), backup, make_parents)
    return view.nbytes


def atomic_write_text(
    path: _Path,
    text: str,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
) -> int:
    """Replace the content of `path` as `Path.write_text` does; returns the number of characters.

    Raises TypeError when `text` is no str, UnicodeEncodeError when it cannot be encoded,
    both before any file is touched; OSError as `atomic_open` does.
    """
    data = _encoded(text, encoding, errors, newline)
    _write(path, data, fsync, _permissions(permissions, mode, "mode"), backup, make_parents)
    return len(text)


def atomic_write_json(
    path: _Path,
    obj: Any,
    *,
    encoding: str | None = "utf-8",
    newline: str | None = None,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
    **options: Any,
) -> None:
    """Write what `path.write_text(json.dumps(obj, **options), encoding)` would write.

    Raises TypeError or ValueError when `obj` is not serialisable, before any file is
    touched; OSError as `atomic_open` does. A corrupted file does not become the `backup`.
    """
    data = _encoded(json.dumps(obj, **options), encoding, None, newline)
    bits = _permissions(permissions, mode, "mode")
    _write(path, data, fsync, bits, _good_backup(path, encoding, backup), make_parents)


async def atomic_write_bytes_async(
    path: _Path,
    data: Buffer,
    *,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
) -> int:
    """`atomic_write_bytes` in a thread of the asyncio loop; `data` is copied first.

    Cancelled before a thread is free, it writes nothing. Once the write has begun, a
    cancellation waits for its end: no timeout cuts a write short on a disk that hangs.
    """
    kept = bytes(memoryview(data))
    bits = _permissions(permissions, mode, "mode")
    caller = _caller()
    await _in_thread(lambda: _write(path, kept, fsync, bits, backup, make_parents, caller))
    return len(kept)


async def atomic_write_text_async(
    path: _Path,
    text: str,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    *,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
) -> int:
    """`atomic_write_text` in a thread, with cancellation as in `atomic_write_bytes_async`."""
    data = _encoded(text, encoding, errors, newline)
    bits = _permissions(permissions, mode, "mode")
    caller = _caller()
    await _in_thread(lambda: _write(path, data, fsync, bits, backup, make_parents, caller))
    return len(text)


async def atomic_write_json_async(
    path: _Path,
    obj: Any,
    *,
    encoding: str | None = "utf-8",
    newline: str | None = None,
    fsync: bool = True,
    permissions: int | None = None,
    backup: _Path | None = None,
    make_parents: bool = False,
    mode: int | None = None,
    **options: Any,
) -> None:
    """`atomic_write_json` in a thread, with cancellation as in `atomic_write_bytes_async`.

    `obj` is serialised before the first await, so that other tasks may change it meanwhile.
    """
    data = _encoded(json.dumps(obj, **options), encoding, None, newline)
    bits = _permissions(permissions, mode, "mode")
    caller = _caller()

    def write() -> None:
        good = _good_backup(path, encoding, backup)
        _write(path, data, fsync, bits, good, make_parents, caller)

    await _in_thread(write)


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
    cut short, wrong encoding, nested too deeply): CheckpointCorruptedError, or, when `backup`
    holds a good version, that one with a RuntimeWarning. `options` go to `json.loads`. Other
    OSErrors are raised as they are: a file that may not be read is neither missing nor corrupted.

    A missing file is not taken from the backup: programs remove their checkpoint to start anew.
    A backup that is still there then is worth a RuntimeWarning.
    """
    return _load(path, _json_loader(encoding, options), _JSON_ERRORS, default, backup, _caller())


async def load_json_checkpoint_async(
    path: _Path,
    *,
    default: Any = _REQUIRED,
    encoding: str = "utf-8",
    backup: _Path | None = None,
    **options: Any,
) -> Any:
    """`load_json_checkpoint` in a thread of the asyncio loop."""
    loads = _json_loader(encoding, options)
    caller = _caller()
    return await _in_thread(
        lambda: _load(path, loads, _JSON_ERRORS, default, backup, caller), finish=False
    )


def load_checkpoint(
    path: _Path,
    loads: Callable[[Any], Any],
    *,
    default: Any = _REQUIRED,
    encoding: str | None = None,
    backup: _Path | None = None,
) -> Any:
    """Read state of any format: what `loads` makes of the bytes, or of the text in `encoding`.

    As `load_json_checkpoint`, but each Exception of `loads` means corrupted: who writes the
    format decides how it says so (UnpicklingError, EOFError, YAMLError, ValidationError).
    """
    loads = _loader(loads, encoding)
    return _load(path, loads, Exception, default, backup, _caller())


async def load_checkpoint_async(
    path: _Path,
    loads: Callable[[Any], Any],
    *,
    default: Any = _REQUIRED,
    encoding: str | None = None,
    backup: _Path | None = None,
) -> Any:
    """`load_checkpoint` in a thread of the asyncio loop; `loads` runs there too."""
    loads = _loader(loads, encoding)
    caller = _caller()
    return await _in_thread(
        lambda: _load(path, loads, Exception, default, backup, caller), finish=False
    )


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


def _permissions(permissions: int | None, old: int | None, name: str) -> int | None:
    if permissions is not None and old is not None:
        raise TypeError(f"permissions is given twice: {name} is its older name")
    return old if permissions is None else permissions


def _encoded(text: str, encoding: str | None, errors: str | None, newline: str | None) -> bytes:
    # The codec and newline machinery of open(), on memory.
    buffer = io.BytesIO()
    encoder = io.TextIOWrapper(buffer, encoding, errors, newline)
    encoder.write(text)
    encoder.flush()
    # Not getbuffer(): kept by a traceback, it crashed the collector of Python 3.12.1.
    return buffer.getvalue()


# Nested too deeply is a RecursionError; too many digits for an int, a ValueError.
_JSON_ERRORS = (ValueError, RecursionError)


def _loader(loads: Callable[[Any], Any], encoding: str | None) -> Callable[[bytes], Any]:
    if encoding is None:
        return loads
    "".encode(encoding)  # LookupError for a name that is none: no corrupted file
    return lambda data: loads(io.TextIOWrapper(io.BytesIO(data), encoding).read())


def _json_loader(encoding: str | None, options: dict[str, Any]) -> Callable[[bytes], Any]:
    def loads(data: bytes) -> Any:
        return json.loads(io.TextIOWrapper(io.BytesIO(data), encoding).read(), **options)

    return loads


def _load(
    path: _Path,
    loads: Callable[[bytes], Any],
    errors: Any,
    default: Any,
    backup: _Path | None,
    caller: tuple[Any, ...],
) -> Any:
    try:
        return _read(path, loads, errors)
    except FileNotFoundError:
        if default is _REQUIRED:
            raise
        if backup is not None and os.path.exists(backup):
            text = f"{os.fsdecode(path)}: missing; its backup {os.fsdecode(backup)} is not used"
            warnings.warn_explicit(text, RuntimeWarning, *caller)
        return default
    except CheckpointCorruptedError as corrupted:
        if backup is None:
            raise
        try:
            value = _read(backup, loads, errors)
        except (FileNotFoundError, CheckpointCorruptedError):
            raise corrupted from corrupted.__cause__
        text = f"{corrupted}; using {os.fsdecode(backup)}"
        warnings.warn_explicit(text, RuntimeWarning, *caller)
        return value


def _read(path: _Path, loads: Callable[[bytes], Any], errors: Any) -> Any:
    with open(path, "rb") as file:
        data = file.read()
    try:
        return loads(data)
    except errors as error:
        raise CheckpointCorruptedError(path, len(data)) from error


def _good_backup(path: _Path, encoding: str | None, backup: _Path | None) -> _Path | None:
    """`backup`, or None when what is at `path` now is no good version: keep the one before."""
    if backup is not None and os.path.isfile(path):
        try:
            _read(path, _json_loader(encoding, {}), _JSON_ERRORS)
        except FileNotFoundError:
            pass  # removed meanwhile
        except CheckpointCorruptedError:
            return None
    return backup


async def _in_thread(call: Callable[[], _T], *, finish: bool = True) -> _T:
    import asyncio
    import contextvars
    import threading

    first = threading.Lock()  # held by who comes first: the thread, or a cancellation

    def run() -> Any:
        return call() if first.acquire(blocking=False) else None

    context = contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(None, context.run, run)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError as cancelled:
        if not finish or first.acquire(blocking=False):
            future.cancel()  # and leaves the queue
            raise
        # A thread cannot be stopped. Were it left behind, this write could overtake a later
        # one of the same file; so the cancellation waits for it.
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({future})
        cancelled.__cause__ = future.exception()
        raise


def _write(
    path: _Path,
    data: Buffer,
    fsync: bool,
    permissions: int | None,
    backup: _Path | None,
    make_parents: bool,
    caller: tuple[Any, ...] | None = None,
) -> None:
    """All of the content at once: no file object, no buffer."""
    replacement = _Replacement(path, fsync, permissions, backup, make_parents, caller)
    try:
        try:
            with replacement:
                replacement.begin()
                replacement.write(memoryview(data))
                replacement.commit()
        finally:
            replacement.discard()
    except BaseException:
        replacement.discard()  # an interrupt may have cut the first one short
        raise


@contextlib.contextmanager
def _block(replacement: _Replacement) -> Iterator[IO[Any]]:
    """The same around a block. A generator, since it is closed also when an interrupt comes
    between __enter__ and the block, or when nobody ever leaves the block.
    """
    try:
        try:
            with replacement:
                replacement.begin()
                file = replacement.open()
            yield file  # errors of the block are left as they are
            with replacement:
                replacement.commit()
        finally:
            replacement.discard()
    except BaseException:
        replacement.discard()
        raise


class _Block:
    """What `atomic_open` returns: good for one block."""

    def __init__(self, replacement: _Replacement) -> None:
        self._replacement = replacement
        self._manager = _block(replacement)

    def __enter__(self) -> IO[Any]:
        if self._replacement.pid is not None:
            path = os.fsdecode(self._replacement.path)
            raise RuntimeError(f"{path}: entered twice; each block needs its own atomic_open()")
        return self._manager.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._manager.__exit__(*error)


class _File(io.FileIO):
    """The temporary file under the target's name, so that a failed write tells that name."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    for block in iter(functools.partial(source.read, 1 << 20), b""):
        target.write(block)


class _Replacement:
    """New content on its way: a hidden file beside the target until it is published.

    `begin`, then `write` or `open`, then `commit`; and `discard`, whatever happens. In a `with`,
    errors speak of the caller's path, not of a descriptor or a temporary name.
    """

    pid: int | None = None
    through: IO[Any] | None = None
    copy: _Replacement | None = None
    dir_fd: int | None = None
    old: int | None = None
    prefix = ""
    left: tuple[Any, ...] = ()

    def __init__(
        self,
        path: _Path,
        fsync: bool,
        permissions: int | None,
        backup: _Path | None,
        make_parents: bool,
        caller: tuple[Any, ...] | None = None,
        layers: tuple[Any, ...] = ("wb", -1, None, None, None),
    ) -> None:
        self.path = os.fspath(path)
        self.fsync = fsync
        self.permissions = permissions
        self.backup = backup
        self.make_parents = make_parents
        self.caller = caller
        self.layers = layers
        self.held: list[int] = []
        self.temps: list[str] = []
        self.files: list[IO[Any]] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, OSError) and (
            self.copy is None or error.filename is not self.copy.path  # named already
        ):
            error.filename = self.path
            del error.filename2

    def begin(self) -> None:
        """Everything up to a file that takes the new content, with the old one's attributes."""
        self.pid = os.getpid()
        if not self._find():
            self.through = open(self.path, *self.layers)  # noqa: SIM115 -- settle closes it
            self.files.append(self.through)
            return
        if self.backup is not None:
            self._keep(self.backup)
        self._make_temp()
        if self.old is not None:
            if self.was.st_nlink > 1:
                self._warn(f"has {self.was.st_nlink} names: the others keep the old content")
            self._inherit(self.old, self.was, self.made)

    def write(self, data: memoryview) -> None:
        if self.through is not None:
            self.through.write(data)
            return
        done = 0
        while done < data.nbytes:
            done += os.write(self.new, data.cast("B")[done:])

    def open(self) -> IO[Any]:
        if self.through is not None:
            return self.through
        mode, buffering, encoding, errors, newline = self.layers
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

    def commit(self) -> None:
        if os.getpid() != self.pid:
            self._warn("is published by the process that opened it, not by this child of it")
            return
        self.settle()
        self.publish()
        if self.copy is not None:
            with self.copy:
                self.copy.publish()

    def settle(self) -> None:
        """Bring the new content to the disk, with its attributes; its name comes later."""
        for file in reversed(self.files):
            file.close()
        if self.through is not None:
            return
        if self.files and self.old is not None:
            self._inherit_changes(self.old)
        if self.permissions is not None and hasattr(os, "fchmod"):
            os.fchmod(self.new, self.permissions)
        _flush(self.new, self.fsync)

    def publish(self) -> None:
        """Give the new content its name."""
        if self.through is not None:
            return
        if _WINDOWS:
            self._release()  # an open file cannot be renamed there
        self._replace()
        self.temps.clear()
        if self.fsync and self.dir_fd is not None:
            _sync_directory(self.dir_fd)
        self._release()

    def discard(self) -> None:
        """Leave nothing behind; may be called again. An error here would hide the first."""
        ours = os.getpid() == self.pid
        if not ours:  # forked since: what is there, and what is yet to be written, is the parent's
            self.temps.clear()
        # Outermost first, so that it is written; innermost first, so that it is not.
        for file in reversed(self.files) if ours else self.files:
            with contextlib.suppress(Exception):
                file.close()
        for temp in self.temps:
            with contextlib.suppress(OSError):
                os.unlink(temp, dir_fd=self.dir_fd)
        self.temps.clear()
        while self.held:
            with contextlib.suppress(OSError):
                self._release()
        if self.copy is not None:
            self.copy.discard()

    # A KeyboardInterrupt comes between two bytecodes. These two go from the system call to
    # the list, and back, within one call into C, so that it never loses a descriptor.

    def _hold(self, path: str, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> int:
        opening = functools.partial(os.open, dir_fd=dir_fd)
        self.held.extend(map(opening, (path,), (flags,), (mode,)))
        return self.held[-1]

    def _release(self) -> None:
        list(map(os.close, map(self.held.pop, [-1] * len(self.held))))

    def _find(self) -> bool:
        """Open what is at `path`; false when that can only be written through."""
        path = self.path if isinstance(self.path, str) else os.fsdecode(self.path)
        attempts = 0
        while True:
            place = _locate(path)
            if place is None:
                return False
            self.directory, self.name = place[0] or os.curdir, place[1]
            if not self.name:
                number = errno.EISDIR if self.path else errno.ENOENT  # "new/" or ""
                raise OSError(number, os.strerror(number))
            try:
                if _WINDOWS:
                    self._find_on_windows()
                else:
                    self._find_old()
                return True
            except OSError as error:
                # open() would find one or the other: look again.
                attempts += 1
                if error.errno not in _SWAPPED or attempts == 100:
                    raise
            self._release()

    def _find_old(self) -> None:
        # One descriptor for the directory: it stays the right one when the body changes the
        # working directory or someone renames it, and running out of descriptors shows now.
        flags = os.O_RDONLY | _O_DIRECTORY
        try:
            self.dir_fd = self._hold(self.directory, flags)
        except FileNotFoundError:
            if not self.make_parents:
                raise self._no_folder() from None
            self._make_folder(self.directory)
            self.dir_fd = self._hold(self.directory, flags)
        # Asks the kernel what open(path, "w") would ask, and truncates nothing.
        flags = os.O_WRONLY | _O_NOFOLLOW | _O_NONBLOCK
        try:
            self.old = self._hold(self.name, flags, dir_fd=self.dir_fd)
        except FileNotFoundError:
            self.old = None
            return
        self.was = os.fstat(self.old)
        if not stat.S_ISREG(self.was.st_mode):
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def _find_on_windows(self) -> None:
        # No directory descriptors there.
        directory = os.path.abspath(self.directory)
        if not os.path.isdir(directory):
            if not self.make_parents:
                raise self._no_folder()
            self._make_folder(directory)
        self.prefix = os.path.join(directory, "")
        self.name = self.prefix + self.name
        if os.path.exists(self.name) and not os.access(self.name, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _no_folder(self) -> OSError:
        text = f"{os.strerror(errno.ENOENT)} (there is no folder {self.directory!r})"
        return FileNotFoundError(errno.ENOENT, text)

    def _make_folder(self, path: str) -> None:
        """Make it and those above it, each on disk before it is used."""
        parent = os.path.dirname(path) or os.curdir
        with contextlib.suppress(FileExistsError):
            try:
                os.mkdir(path)
            except FileNotFoundError:
                if parent == path:
                    raise
                self._make_folder(parent)
                os.mkdir(path)
        if self.fsync and not _WINDOWS:
            _sync_directory(self._hold(parent, os.O_RDONLY | _O_DIRECTORY))
            self._release()

    def _keep(self, backup: _Path) -> None:
        """Bring the old content to the disk for `backup`: it gets that name after the new
        content has its own, so that at each moment one good version has a name.
        """
        try:
            old = open(self.path, "rb")  # noqa: SIM115 -- closed by the with below
        except FileNotFoundError:
            return
        with old:
            bits = stat.S_IMODE(os.fstat(old.fileno()).st_mode)
            copy = _Replacement(backup, self.fsync, bits, None, self.make_parents, self.caller)
            self.copy = copy
            with copy:
                copy.begin()
            if self._is_place_of(copy):
                raise ValueError(f"the backup of {os.fsdecode(self.path)} must be another file")
            for block in iter(functools.partial(old.read, 1 << 20), b""):
                with copy:
                    copy.write(memoryview(block))
        with copy:
            copy.settle()

    def _is_place_of(self, other: _Replacement) -> bool:
        if other.through is not None or self.name != other.name:
            return False
        if self.dir_fd is None or other.dir_fd is None:
            return True  # Windows: the names are whole paths
        return os.path.samestat(os.fstat(self.dir_fd), os.fstat(other.dir_fd))

    def _make_temp(self) -> None:
        # What exists may be secret, so its successor is not readable by others even while
        # empty; for a new file the kernel applies umask and default ACL.
        mode = 0o666 if self.old is None and self.permissions is None else 0o600
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_BINARY
        for _ in range(100):
            temp = self._hidden(_SUFFIX)
            self.temps.append(temp)
            try:
                self.new = self._hold(temp, flags, mode, self.dir_fd)
            except FileExistsError:
                self.temps.clear()  # not ours to remove
                reason = (errno.EEXIST, os.strerror(errno.EEXIST))
                continue
            if self._lock_temp(temp):
                return
            self.temps.clear()  # removed by a sweep, or about to be
            reason = (errno.EAGAIN, "another process takes each temporary file away at once")
        raise OSError(*reason)

    def _hidden(self, suffix: str) -> str:
        return self.prefix + _PREFIX + os.urandom(8).hex() + suffix

    def _lock_temp(self, temp: str) -> bool:
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
            self.made = os.stat(temp, dir_fd=self.dir_fd)
        except FileNotFoundError:
            return False
        return True

    def _replace(self) -> None:
        (temp,) = self.temps
        delay = 0.001
        while True:
            try:
                os.replace(temp, self.name, src_dir_fd=self.dir_fd, dst_dir_fd=self.dir_fd)
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
        self._write_in_place(temp, self.old)

    def _write_in_place(self, temp: str, old: int) -> None:
        """A file that is itself a mount point (a container's bind mount) cannot be replaced.

        From the first byte that is copied over it, the hidden file is the only whole version:
        until the copy is complete, it has a name that no sweep takes.
        """
        self._warn("is a mount point: written in place, not atomically")
        rescued = self._hidden(_RESCUED)
        self.temps.append(rescued)
        os.rename(temp, rescued, src_dir_fd=self.dir_fd, dst_dir_fd=self.dir_fd)
        if self.fsync and self.dir_fd is not None:
            _sync_directory(self.dir_fd)
        self.temps.clear()
        try:
            with open(self.new, "rb", closefd=False) as source:
                source.seek(0)
                with open(old, "wb", closefd=False) as target:  # truncates nothing
                    _copy(source, target)
                    target.truncate()
            _flush(old, self.fsync)
        except BaseException as error:
            text = f"the complete new content is in {os.path.join(self.directory, rescued)}"
            if isinstance(error, OSError):
                error.strerror = f"{error.strerror}; {text}"
            elif hasattr(error, "add_note"):  # Python 3.11
                error.add_note(text)
            raise
        os.unlink(rescued, dir_fd=self.dir_fd)

    def _inherit(
        self, old: int, was: os.stat_result, now: os.stat_result, by_block: Iterable[bool] = _NOT
    ) -> None:
        """Give the new file owner, group, extended attributes (so ACLs) and mode of the old.

        Before the fsync, by descriptor: after it they would not be durable. Before the block:
        what that sets by descriptor counts. The set-id bits go, as they do when an
        unprivileged process writes to a file.
        """
        if sys.platform == "win32":  # for type checkers: nothing old is open there
            return
        owner_set, xattrs_set, mode_set = by_block
        owner, wanted = (now.st_uid, now.st_gid), (was.st_uid, was.st_gid)
        mode = stat.S_IMODE(was.st_mode) & ~(stat.S_ISUID | stat.S_ISGID)
        if owner != wanted and not owner_set:
            owner = self._inherit_owner(owner, wanted)
            if owner[1] != wanted[1]:
                # What one group was allowed must not be allowed to another.
                mode = mode & ~0o070 | (mode & 0o007) << 3 & mode
        if mode_set:
            mode = stat.S_IMODE(now.st_mode)
        elif self.permissions is not None:
            mode = 0o600  # until all of it is there
        xattrs = {} if xattrs_set else self._inherit_xattrs(old)
        if xattrs:
            now = os.fstat(self.new)  # an ACL sets the mode, perhaps to more than is allowed now
        if stat.S_IMODE(now.st_mode) != mode:
            os.fchmod(self.new, mode)
        self.left = (owner, xattrs, mode)

    def _inherit_changes(self, old: int) -> None:
        """What others have changed on the target since then counts too, but what the block has
        set by descriptor comes first.
        """
        was = os.fstat(old)
        if _status(was) == _status(self.was):
            return
        now = os.fstat(self.new)
        found = ((now.st_uid, now.st_gid), _xattrs(self.new), stat.S_IMODE(now.st_mode))
        self._inherit(old, was, now, [self.left[n] != found[n] for n in range(3)])

    def _inherit_owner(self, owner: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
        """Owner and group that the new file has then: those wanted, or the group at least."""
        if sys.platform == "win32":
            return owner
        for uid in (wanted[0], -1):
            try:
                os.fchown(self.new, uid, wanted[1])
            except OSError as error:
                # EINVAL: an id that this user namespace does not map.
                if error.errno not in {errno.EPERM, errno.EINVAL}:
                    raise
                continue
            if uid == wanted[0]:
                return wanted
            self._warn(f"cannot keep its owner, uid {wanted[0]}")
            return owner[0], wanted[1]
        self._warn(f"cannot keep its owner and group, uid {wanted[0]} gid {wanted[1]}")
        return owner

    def _inherit_xattrs(self, old: int) -> dict[str, bytes]:
        """Give the new file those of the old and no others; what it has then."""
        left: dict[str, bytes] = {}
        if sys.platform != "linux":
            return left
        try:
            wanted, there = os.listxattr(old), os.listxattr(self.new)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            return left
        for name in {*wanted, *there}:
            if name in _VOUCHING:
                continue
            try:
                if name not in wanted:
                    os.removexattr(self.new, name)  # a default ACL of the directory
                    continue
                value = os.getxattr(old, name)
                if name not in there or os.getxattr(self.new, name) != value:
                    os.setxattr(self.new, name, value)
                left[name] = value
            except OSError as error:
                foreign = not name.startswith(("user.", "system.posix_acl"))
                denied = foreign and error.errno in {errno.EPERM, errno.EACCES}
                if not denied and error.errno not in _UNSUPPORTED:
                    raise
                self._warn(f"cannot keep its attribute {name}")
        return left

    def _warn(self, message: str) -> None:
        place = self.caller or _caller()
        warnings.warn_explicit(f"{os.fsdecode(self.path)} {message}", AtomicWriteWarning, *place)


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
    for _ in range(100):
        head, slash, name = path.rpartition("/")  # os.path.split would take 2 % of a small write
        directory = head.rstrip("/") or slash
        # /dev/stdout may well lead to a regular file: the one that the shell has opened.
        if name.isdigit() and _holds_descriptors(directory):
            return None
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            # No `return` of a value here: interrupted there, Python 3.8 to 3.10 take the value
            # for an exception.
            mode = stat.S_IFREG
        if stat.S_ISREG(mode):
            return directory, name
        # The kernel judges a link: also whether it may be followed at all
        # (fs.protected_symlinks), and how many there may be.
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
        try:
            path = os.path.join(directory, os.readlink(path))
        except OSError as error:
            # No link any more (EINVAL), or gone: open() would find what is there now.
            if error.errno not in {errno.EINVAL, errno.ENOENT}:
                raise
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _holds_descriptors(directory: str) -> bool:
    real = os.path.realpath(directory)
    return real == "/dev/fd" or (real.startswith("/proc/") and os.path.basename(real) == "fd")


def _status(found: os.stat_result) -> tuple[int, ...]:
    """What differs when someone has changed owner, mode or attributes."""
    return found.st_mode, found.st_uid, found.st_gid, found.st_ctime_ns


def _xattrs(fd: int) -> dict[str, bytes]:
    if sys.platform != "linux":
        return {}
    try:
        names = os.listxattr(fd)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return {}
    return {name: os.getxattr(fd, name) for name in names if name not in _VOUCHING}


def _flush(fd: int, fsync: bool) -> None:
    """Learn of write errors before the content gets its name."""
    if fsync:
        _sync(fd)
    else:
        # NFS, CIFS, FUSE and some quotas report them at close, of a duplicate too. In one call
        # into C, as in _release.
        list(map(os.close, map(os.dup, (fd,))))


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


def _sync_directory(fd: int) -> None:
    try:
        _sync(fd)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _caller() -> tuple[Any, ...]:
    """Where the code that uses this file is now: that is where a warning belongs."""
    ours = (globals(), vars(contextlib))
    frame = sys._getframe(1)
    while frame.f_back is not None and any(frame.f_globals is names for names in ours):
        frame = frame.f_back
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return frame.f_code.co_filename, frame.f_lineno, names.get("__name__", "<string>"), registry
