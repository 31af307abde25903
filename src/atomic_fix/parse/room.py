"""Room on the stack, for code that is nested deeply: a thread that has more of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from atomic_fix.parse import TooDeep

_Result = TypeVar("_Result")

MOST = 256_000_000
"""Bytes of stack. It is a range of addresses: memory is taken as far as it is used."""
_FRAMES = 25_000
"""Calls that Python lets nest where there is so much room."""


class _Room(threading.Thread):
    """A thread with a stack of its own size. A program that ends does not wait for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(target=work, daemon=True)


# The size is set for all threads that are started from then on.
_starting = threading.Lock()


def is_here() -> bool:
    """Whether this is such a thread."""
    return isinstance(threading.current_thread(), _Room)


def is_wanted() -> bool:
    """Whether the stack here may be smaller than the main thread's: on some systems that of any
    other thread is."""
    return not is_here() and threading.current_thread() is not threading.main_thread()


def with_room(work: Callable[[], _Result]) -> _Result:
    """What `work` returns or raises where calls may nest as deeply as in the deepest code that is
    looked at.

    Raises:
        TooDeep: there is no memory for that.
    """

    def nested() -> _Result:
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(max(usual, _FRAMES))
        try:
            return work()
        finally:
            sys.setrecursionlimit(usual)

    return with_stack(MOST, nested)


def with_stack(size: int, work: Callable[[], _Result]) -> _Result:
    """What `work` returns or raises in a thread with a stack of so many bytes.

    Raises:
        TooDeep: there is no memory for that.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = _Room(run)
    page = 65_536
    with _starting:
        usual = threading.stack_size((size // page + 16) * page)
        try:
            thread.start()
        except RuntimeError as error:
            raise TooDeep("nested too deeply for the memory at hand") from error
        finally:
            threading.stack_size(usual)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
