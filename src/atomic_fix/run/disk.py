"""The only place that reads and writes source files."""

import os
from collections.abc import Iterable

from atomic_fix import files
from atomic_fix.finding import Unreadable
from atomic_fix.source import relative_if_inside


class NotWritten(Exception):
    """A source file was left unchanged; the message is a clause that says why."""


def read(path: str) -> bytes | Unreadable:
    """The bytes of a file, or why it cannot be read."""
    # The shell's name for `<(command)`; no file in a tree has such a name.
    is_given_open = path.startswith("/dev/fd/") and path[len("/dev/fd/") :].isdecimal()
    try:
        return files.read(path, pipes=is_given_open)
    except (OSError, ValueError) as error:
        return Unreadable(path, f"cannot be read: {reason(error)}")


def why_outside(path: str, within: Iterable[str]) -> str:
    """A clause that says where a path leads if it is not inside each of the folders, given as real
    paths; otherwise empty."""
    real = os.path.realpath(path)
    for folder in within:
        if relative_if_inside(real, folder) is None:
            return f"it leads through a link to {real}, outside of {folder}"
    return ""


def write_boundary(path: str) -> tuple[str, ...]:
    """The folder that must contain a path of the command line: the current folder, if the path is
    below it. To write through a link that leads elsewhere, its target has to be named."""
    here = os.getcwd()
    return (
        (os.path.realpath(here),)
        if relative_if_inside(os.path.abspath(path), here) is not None
        else ()
    )


def write(path: str, before: bytes, after: bytes, within: Iterable[str]) -> None:
    """Replace `before` by `after`, atomically, keeping the mode of the file.

    Raises:
        NotWritten: the file no longer holds `before`, is not a regular file, is not in
            each of the folders `within`, or the operating system refuses.
    """
    from atomic_fix.runtime import atomic_write_bytes

    if problem := why_outside(path, within):
        raise NotWritten(problem)
    found = read(path)
    if isinstance(found, Unreadable):
        raise NotWritten(found.reason)
    if found != before:
        raise NotWritten("it changed on disk after it was read")
    try:
        atomic_write_bytes(path, after)
    except OSError as error:
        raise NotWritten(f"it cannot be written: {reason(error)}") from error


def write_new(path: str, content: bytes, within: Iterable[str]) -> None:
    """Atomically write a file that an option names.

    Raises:
        NotWritten: it would not be in each of the folders `within`, or the operating system
            refuses.
    """
    from atomic_fix.runtime import atomic_write_bytes

    if problem := why_outside(path, within):
        raise NotWritten(problem)
    try:
        atomic_write_bytes(path, content)
    except OSError as error:
        raise NotWritten(reason(error)) from error


def reason(error: Exception) -> str:
    """The operating system's message, without error number and path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
