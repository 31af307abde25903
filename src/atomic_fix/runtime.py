"""Replace a file's content so that a crash leaves either the old content or the new, never a mix.

Standard library only, Python 3.8 and later; this file can be copied into a project.
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
    # No `|`: a type checker that targets Python 3.8 accepts it in annotations only.
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

# These mean "not supported by this file system", never "the write failed": write-back errors are
# EIO, ENOSPC and EDQUOT. CIFS, VirtualBox and Ceph return them for fsync of a directory.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_NO_LOCKS = _UNSUPPORTED | {errno.ENOLCK, errno.ENOSYS}
# A regular or missing file has meanwhile become a link (ELOOP) or a FIFO (ENXIO).
_SWAPPED = frozenset({errno.ELOOP, errno.ENXIO})
# Attributes that are only valid for the old content.
_VOUCHING = frozenset({"security.capability", "security.ima", "security.evm"})
_NOT = (False, False, False)

# Windows lacks the first three; only Windows has the last.
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)


class AtomicWriteWarning(RuntimeWarning):
    """Issued before the target changes: some property of it cannot be preserved.

    Turn it into an error (`warnings.simplefilter("error", AtomicWriteWarning)`) and the write fails
    instead, leaving the old content in place.
    """


class CheckpointCorruptedError(ValueError):
    """A checkpoint exists but its content cannot be read. Raise it `from` the original error.

    `path` is the file, `size` the number of bytes that were read. If `size` is not given, it is the
    current size of the file in bytes, or None if that cannot be determined.
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
        # `raise ... from` sets the cause only after __init__, and pickling drops it.
        cause = self.__cause__
        return self._reason if cause is None else f": {type(cause).__name__}: {cause}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Does not call __init__: where this is unpickled, the path may be another file's.
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
    """Open `path` for writing as `open` does, but replace it only if the block succeeds.

    Use it as a context manager. The block gets a real file; its `name` is `path`, as with `open`.
    After any exception, including KeyboardInterrupt, the old content is still there. Only the
    process that enters the block replaces the file; a child process forked inside it does not.

    With `fsync=False`, the content is complete if the process is killed, but may not be after a
    power failure. `permissions` sets the exact permission bits, such as 0o600 (`perm` is its older
    name); by default an existing file keeps its own, and a new one follows the umask. `backup` is
    the path of a file that keeps the previous content. `make_parents` creates missing folders.

    Raises ValueError for a mode that does not replace the whole content (`a`, `r`, `x`), and
    OSError with `path` as its file name if the file cannot be written.
    """
    if sorted(mode.replace("t", "", 1).replace("b", "", 1).replace("+", "", 1)) != ["w"] or (
        "t" in mode and "b" in mode
    ):
        raise ValueError(f"atomic_open replaces the whole content; mode {mode!r} is not supported")
    if "b" in mode and (encoding, errors, newline) != (None, None, None):
        raise ValueError("binary mode doesn't take encoding, errors or newline")
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
    """Replace the content of `path` as `Path.write_bytes` does; return the number of bytes.

    The options are those of `atomic_open`; `mode` is an older name of `permissions`. Raises
    TypeError if `data` is not bytes-like, and OSError as `atomic_open` does.
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
    """Replace the content of `path` as `Path.write_text` does; return the number of characters.

    Raises TypeError if `text` is not a str and UnicodeEncodeError if it cannot be encoded, both
    before any file is touched; OSError as `atomic_open` does.
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
    """Write the same content as `path.write_text(json.dumps(obj, **options), encoding)`.

    Raises TypeError or ValueError if `obj` cannot be serialised, before any file is touched;
    OSError as `atomic_open` does. A corrupted file never replaces the `backup`.
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
    """`atomic_write_bytes` in a worker thread of the asyncio loop; `data` is copied first.

    If it is cancelled before a thread is free, nothing is written. Once the write has begun,
    cancellation waits until it ends, so a timeout cannot interrupt a write to a disk that hangs.
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

    `obj` is serialised before the first await, so other tasks may change it in the meantime.
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
    """Read JSON state and distinguish a missing file from a corrupted one.

    Missing: returns `default`, or raises FileNotFoundError if none is given. Corrupted (empty,
    truncated, wrong encoding, nested too deeply): raises CheckpointCorruptedError; but if `backup`
    holds a good version, returns that one with a RuntimeWarning. `options` are passed to
    `json.loads`. Other OSErrors are raised unchanged: a file without read permission is neither
    missing nor corrupted.

    A missing file is not restored from the backup, because programs remove their checkpoint to
    start afresh. If a backup exists then, there is a RuntimeWarning.
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
    """`load_json_checkpoint` in a worker thread of the asyncio loop."""
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
    """Read state of any format: `loads` is called with the bytes, or with text if `encoding` is
    set.

    Like `load_json_checkpoint`, but any Exception that `loads` raises means that the file is
    corrupted, since each format has its own errors (UnpicklingError, EOFError, YAMLError,
    ValidationError). Raises LookupError if `encoding` is unknown.
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
    """`load_checkpoint` in a worker thread of the asyncio loop; `loads` runs there too."""
    loads = _loader(loads, encoding)
    caller = _caller()
    return await _in_thread(
        lambda: _load(path, loads, Exception, default, backup, caller), finish=False
    )


def sweep_leftovers(directory: _Path, *, older_than: float = 3600.0) -> list[str]:
    """Remove temporary files that killed writers left in `directory`; return the removed paths.

    A file is removed only if its name is one that this module makes, it was last changed at least
    `older_than` seconds ago, and no running writer holds its lock. The age matters on file systems
    whose locks other hosts cannot see (NFS mounted with nolock); elsewhere 0 is safe. Raises
    OSError if `directory` cannot be listed or a lock fails.
    """
    removed = []
    for name in sorted(os.listdir(os.fsdecode(directory))):
        if not _TEMP.fullmatch(name):
            continue
        path = os.path.join(os.fsdecode(directory), name)
        # Removed meanwhile, locked by its writer, or no permission to remove it: leave it.
        with contextlib.suppress(FileNotFoundError, BlockingIOError, PermissionError):
            if _sweep(path, older_than):
                removed.append(path)
    return removed


def _sweep(path: str, older_than: float) -> bool:
    found = os.lstat(path)
    # There is no flock on Windows. An open file cannot be removed there (error 32), but a writer
    # closes its file just before the replace, so recent files are never touched.
    least = older_than if fcntl is not None else max(older_than, 60.0)
    if not stat.S_ISREG(found.st_mode) or time.time() - found.st_mtime < least:
        return False
    if fcntl is None:
        os.unlink(path)
        return True
    fd = os.open(path, os.O_RDWR | _O_NOFOLLOW)  # NFS can only lock a file that is open for writing
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False  # its writer may still be running
        raise
    else:
        # A writer that has created this file but not yet locked it will notice that it is gone and
        # create another; one that has published it meanwhile no longer uses this name.
        os.unlink(path)
        return True
    finally:
        os.close(fd)


def _permissions(permissions: int | None, old: int | None, name: str) -> int | None:
    if permissions is not None and old is not None:
        raise TypeError(f"permissions is given twice: {name} is an older name of it")
    return old if permissions is None else permissions


def _encoded(text: str, encoding: str | None, errors: str | None, newline: str | None) -> bytes:
    # Encodes text and newlines in memory exactly as open() does.
    buffer = io.BytesIO()
    encoder = io.TextIOWrapper(buffer, encoding, errors, newline)
    encoder.write(text)
    encoder.flush()
    # Not getbuffer(): kept alive by a traceback, it crashed Python 3.12.1's garbage collector.
    return buffer.getvalue()


# Too deep nesting raises RecursionError; too many digits for an int, ValueError.
_JSON_ERRORS = (ValueError, RecursionError)


def _loader(loads: Callable[[Any], Any], encoding: str | None) -> Callable[[bytes], Any]:
    if encoding is None:
        return loads
    "".encode(encoding)  # an unknown encoding raises LookupError, not "corrupted"
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
            text = f"{os.fsdecode(path)}: missing; the backup {os.fsdecode(backup)} is not used"
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
    """`backup`, or None if the file at `path` is corrupted, so that the older backup is kept."""
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

    first = threading.Lock()  # acquired by whichever comes first: the thread, or a cancellation

    def run() -> Any:
        return call() if first.acquire(blocking=False) else None

    context = contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(None, context.run, run)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError as cancelled:
        if not finish or first.acquire(blocking=False):
            future.cancel()  # removes it from the executor's queue
            raise
        # A thread cannot be stopped. If it kept running, this write could happen after a later one
        # to the same file, so the cancellation waits for it.
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
    """Write all of the content at once, without a file object or buffer."""
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
    """The same as `_write` around a block. It is a generator because a generator is closed even if
    an interrupt comes between __enter__ and the block, or if the block is never left.
    """
    try:
        try:
            with replacement:
                replacement.begin()
                file = replacement.open()
            yield file  # errors raised in the block are not changed
            with replacement:
                replacement.commit()
        finally:
            replacement.discard()
    except BaseException:
        replacement.discard()
        raise


class _Block:
    """The context manager that `atomic_open` returns, for one block."""

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
    """The temporary file with the target's name, so that errors of a failed write show that
    name."""

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
    """New content in a hidden temporary file beside the target, until it replaces the target.

    Call `begin`, then `write` or `open`, then `commit`; and always `discard` at the end. Within
    `with`, errors name the caller's path, not a descriptor or a temporary file.
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
            self.copy is None or error.filename is not self.copy.path  # already names the backup
        ):
            error.filename = self.path
            del error.filename2

    def begin(self) -> None:
        """Create the file for the new content, with the attributes of the old one."""
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
                self._warn(f"has {self.was.st_nlink} hard links: the others keep the old content")
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
            self._warn("is written by the process that opened it, not by this child process")
            return
        self.settle()
        self.publish()
        if self.copy is not None:
            with self.copy:
                self.copy.publish()

    def settle(self) -> None:
        """Flush the new content and its attributes to disk, before it is renamed."""
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
        """Rename the new content to its final name."""
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
        """Clean up; may be called again. Errors are ignored, as they would hide the original
        one."""
        ours = os.getpid() == self.pid
        if not ours:  # in a forked child: the temporary file and buffered data belong to the parent
            self.temps.clear()
        # Closing the outermost file first writes buffered data; the innermost first drops it.
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

    # A KeyboardInterrupt can come between any two bytecodes. These two methods combine the system
    # call and the change of the list in one call into C, so that no descriptor is lost.

    def _hold(self, path: str, flags: int, mode: int = 0o777, dir_fd: int | None = None) -> int:
        opening = functools.partial(os.open, dir_fd=dir_fd)
        self.held.extend(map(opening, (path,), (flags,), (mode,)))
        return self.held[-1]

    def _release(self) -> None:
        list(map(os.close, map(self.held.pop, [-1] * len(self.held))))

    def _find(self) -> bool:
        """Open the file at `path`; False if it is a FIFO, device or the like, to be written
        directly."""
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
                # The path changed in between: try again.
                attempts += 1
                if error.errno not in _SWAPPED or attempts == 100:
                    raise
            self._release()

    def _find_old(self) -> None:
        # A descriptor of the directory stays valid if the block changes the working directory or
        # the directory is renamed, and running out of descriptors is noticed now.
        flags = os.O_RDONLY | _O_DIRECTORY
        try:
            self.dir_fd = self._hold(self.directory, flags)
        except FileNotFoundError:
            if not self.make_parents:
                raise self._no_folder() from None
            self._make_folder(self.directory)
            self.dir_fd = self._hold(self.directory, flags)
        # Checks the same permissions as open(path, "w"), without truncating the file.
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
        # Windows has no directory descriptors.
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
        """Create the folder and its missing parents, each flushed to disk before it is used."""
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
        """Copy the old content to disk for `backup`. The copy is renamed to `backup` after the new
        content has its final name, so that a good version exists at all times.
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
            return True  # Windows: the names are full paths
        return os.path.samestat(os.fstat(self.dir_fd), os.fstat(other.dir_fd))

    def _make_temp(self) -> None:
        # An existing file may be secret, so the new one is not readable by others even while it is
        # empty; for a new file the kernel applies the umask and the default ACL.
        mode = 0o666 if self.old is None and self.permissions is None else 0o600
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_BINARY
        for _ in range(10):
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
            self.temps.clear()  # removed by sweep_leftovers, or about to be
            reason = (errno.EAGAIN, "another process removes each temporary file at once")
        raise OSError(*reason)

    def _hidden(self, suffix: str) -> str:
        return self.prefix + _PREFIX + os.urandom(8).hex() + suffix

    def _lock_temp(self, temp: str) -> bool:
        """Lock the file so that `sweep_leftovers` keeps it; False if a sweep got there first."""
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
            # It is still there if tests have replaced `os.stat`, and not what opens files.
            with contextlib.suppress(OSError):
                os.unlink(temp, dir_fd=self.dir_fd)
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
                # Windows, while a reader or a virus scanner has the target open: access denied,
                # sharing violation, lock violation.
                if getattr(error, "winerror", None) not in {5, 32, 33} or delay > 0.6:
                    raise
            time.sleep(delay)
            delay *= 2
        self._write_in_place(temp, self.old)

    def _write_in_place(self, temp: str, old: int) -> None:
        """Copy over a file that is a mount point (a bind mount in a container): it cannot be
        replaced.

        While it is overwritten, the temporary file is the only complete version. Until the copy is
        complete, it has a name that `sweep_leftovers` does not remove.
        """
        self._warn("is a mount point: it is overwritten in place, not atomically")
        rescued = self._hidden(_RESCUED)
        self.temps.append(rescued)
        os.rename(temp, rescued, src_dir_fd=self.dir_fd, dst_dir_fd=self.dir_fd)
        if self.fsync and self.dir_fd is not None:
            _sync_directory(self.dir_fd)
        self.temps.clear()
        try:
            with open(self.new, "rb", closefd=False) as source:
                source.seek(0)
                with open(old, "wb", closefd=False) as target:  # does not truncate
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
        """Give the new file the owner, group, extended attributes (including ACLs) and mode of the
        old.

        This is done by descriptor before the fsync, because later changes would not be durable, and
        before the block, so that what the block sets by descriptor takes precedence. The set-id
        bits are cleared, as when an unprivileged process writes to a file.
        """
        if sys.platform == "win32":  # for type checkers: the old file is never open on Windows
            return
        owner_set, xattrs_set, mode_set = by_block
        owner, wanted = (now.st_uid, now.st_gid), (was.st_uid, was.st_gid)
        mode = stat.S_IMODE(was.st_mode) & ~(stat.S_ISUID | stat.S_ISGID)
        if owner != wanted and not owner_set:
            owner = self._inherit_owner(owner, wanted)
            if owner[1] != wanted[1]:
                # Rights of the old group must not be given to another group.
                mode = mode & ~0o070 | (mode & 0o007) << 3 & mode
        if mode_set:
            mode = stat.S_IMODE(now.st_mode)
        elif self.permissions is not None:
            mode = 0o600  # until the content is complete
        xattrs = {} if xattrs_set else self._inherit_xattrs(old)
        if xattrs:
            now = os.fstat(self.new)  # an ACL changes the mode, perhaps to a wider one
        if stat.S_IMODE(now.st_mode) != mode:
            os.fchmod(self.new, mode)
        self.left = (owner, xattrs, mode)

    def _inherit_changes(self, old: int) -> None:
        """Copy attributes of the target that others have changed since `begin`, except those that
        the block itself has set by descriptor.
        """
        was = os.fstat(old)
        if _status(was) == _status(self.was):
            return
        now = os.fstat(self.new)
        found = ((now.st_uid, now.st_gid), _xattrs(self.new), stat.S_IMODE(now.st_mode))
        self._inherit(old, was, now, [self.left[n] != found[n] for n in range(3)])

    def _inherit_owner(self, owner: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
        """Set owner and group, or at least the group; return what the new file then has."""
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
        """Give the new file exactly the attributes of the old one; return what it then has."""
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
    """Directory and name of the file to replace, after following links. None if it cannot be
    replaced, only written to: a FIFO, a device, an open descriptor.
    """
    if _WINDOWS:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
        return os.path.split(os.path.realpath(path))
    # Only the last part is resolved here; the kernel resolves the rest, so that `missing/../x`
    # stays an error.
    for _ in range(100):
        head, slash, name = path.rpartition("/")  # os.path.split would take 2 % of a small write
        directory = head.rstrip("/") or slash
        # /dev/stdout may lead to a regular file, which the shell has opened.
        if name.isdigit() and _holds_descriptors(directory):
            return None
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            # Must not return a value here: if interrupted, Python 3.8 to 3.10 treat the value as an
            # exception.
            mode = stat.S_IFREG
        if stat.S_ISREG(mode):
            return directory, name
        # Let the kernel check the link: whether it may be followed at all (fs.protected_symlinks),
        # and how many links are allowed.
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
        try:
            path = os.path.join(directory, os.readlink(path))
        except OSError as error:
            # No longer a link (EINVAL), or removed: look at what is there now.
            if error.errno not in {errno.EINVAL, errno.ENOENT}:
                raise
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _holds_descriptors(directory: str) -> bool:
    real = os.path.realpath(directory)
    return real == "/dev/fd" or (real.startswith("/proc/") and os.path.basename(real) == "fd")


def _status(found: os.stat_result) -> tuple[int, ...]:
    """The values that change when owner, mode or attributes are changed."""
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
    """Detect write errors before the content gets its final name."""
    if fsync:
        _sync(fd)
    else:
        # NFS, CIFS, FUSE and some quotas report them when a descriptor is closed, even a duplicate.
        # In one call into C, as in _release.
        list(map(os.close, map(os.dup, (fd,))))


def _sync(fd: int) -> None:
    """Return when the device has the data. Never retried: a second fsync would hide the error."""
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:  # macOS: fsync does not flush the drive's own cache
        try:
            fcntl.fcntl(fd, full)
            return
        except OSError as error:
            # Which one depends on the file system (libuv/libuv#2135, golang/go#64215).
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
    """The location in the code that called this module, for warnings."""
    ours = (globals(), vars(contextlib))
    frame = sys._getframe(1)
    while frame.f_back is not None and any(frame.f_globals is names for names in ours):
        frame = frame.f_back
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return frame.f_code.co_filename, frame.f_lineno, names.get("__name__", "<string>"), registry
