"""Reads the bytes of an untrusted file without blocking and with a limit on the size."""

import errno
import os
import stat

MOST = 64 << 20
"""The largest file, in bytes, that is read; larger ones are not written by hand."""

# Does not block on a pipe without a writer or on some devices, and does not make a terminal the
# controlling one.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_FLAGS = (
    os.O_RDONLY
    | _NO_WAIT
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read(path: str, most: int = MOST, *, follow: bool = True, pipes: bool = False) -> bytes:
    """The content of a regular file of at most `most` bytes. Without `follow`, the path must not be
    a link itself. With `pipes`, a pipe is read to its end.

    Raises:
        OSError: it cannot be read, is not regular (a pipe, socket, device), or is too large.
        ValueError: the path contains a null character.
    """
    # Opening a device may have side effects, so the kind of file is checked first.
    status = os.stat(path, follow_symlinks=follow)
    is_pipe = pipes and stat.S_ISFIFO(status.st_mode)
    if not is_pipe:
        _refuse_special(status, path)
    flags = _FLAGS & ~_NO_WAIT if is_pipe else _FLAGS
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, flags)) as file:
        status = os.fstat(file.fileno())
        if not is_pipe:
            _refuse_special(status, path)
        parts = []
        room = most
        # The size is not reliable: for files in /proc it is 0, whatever their content.
        wanted = min(status.st_size, room) + 1
        while part := file.read(wanted):
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise OSError(errno.EFBIG, f"larger than {_size(most)}", path)
            wanted = min(1 << 16, room + 1)
        if part is None:  # for example, a kernel log on which the read would block
            raise BlockingIOError(errno.EAGAIN, "it would have to be waited for", path)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refuse_special(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)


def _size(number: int) -> str:
    return f"{number >> 20} MB" if number >= 1 << 20 else f"{number >> 10} kB"
