"""The only place that reads and writes source files."""

import os
import stat

from atomic_fix import files
from atomic_fix.source import Unreadable


class NotWritten(Exception):
    """A source file was left as it is; the message says why, in one clause."""


def read(path: str) -> bytes | Unreadable:
    """The bytes of a file, or why there are none."""
    try:
        return files.read(path)
    except (OSError, ValueError) as error:
        return Unreadable(path, f"cannot be read: {reason(error)}")


def write(path: str, before: bytes, after: bytes) -> None:
    """Replace `before` by `after`, atomically, keeping the mode of the file.

    Raises:
        NotWritten: the file no longer holds `before`, is not a regular file, or the
            operating system refuses.
    """
    from atomic_fix.runtime import atomic_write_bytes

    found = read(path)
    if isinstance(found, Unreadable):
        raise NotWritten(found.reason)
    if found != before:
        raise NotWritten("it changed on disk after it was read")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise NotWritten("it is not a regular file")
        atomic_write_bytes(path, after)
    except OSError as error:
        raise NotWritten(f"it cannot be written: {reason(error)}") from error


def write_report(path: str, text: str) -> None:
    """Write the text of a report as UTF-8, atomically.

    Raises:
        OSError: the operating system refuses.
    """
    from atomic_fix.runtime import atomic_write_bytes

    atomic_write_bytes(path, text.encode("utf-8", "backslashreplace"))


def reason(error: Exception) -> str:
    """What the operating system says, without number and path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
