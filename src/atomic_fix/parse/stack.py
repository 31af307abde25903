"""Runs work in a thread with a larger stack, for deeply nested code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from atomic_fix.parse import TooDeep

_Result = TypeVar("_Result")

MOST = 256_000_000
"""The stack size in bytes. This reserves addresses; memory is only used as needed."""
_FRAMES = 25_000
"""The recursion limit on such a stack."""


class _DeepThread(threading.Thread):
    """A thread with its own stack size. The program does not wait for it at exit."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(target=work, daemon=True)


# The size applies to all threads that are started afterwards.
_starting = threading.Lock()


def is_deep_thread() -> bool:
    """Whether this is such a thread."""
    return isinstance(threading.current_thread(), _DeepThread)


def may_be_small() -> bool:
    """Whether the stack here may be smaller than the main thread's: on some systems that of any
    other thread is."""
    return not is_deep_thread() and threading.current_thread() is not threading.main_thread()


def with_deep_stack(work: Callable[[], _Result]) -> _Result:
    """Run `work` with a stack for the deepest code that is analysed.

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


def with_enough_stack(work: Callable[[], _Result]) -> _Result:
    """Run `work` here, or in a thread with a larger stack if necessary.

    Raises:
        RecursionError: even the largest stack is not enough.
    """
    if not may_be_small():
        try:
            return work()
        except TooDeep:
            raise
        except RecursionError:
            pass  # long chains are valid code, and can be analysed with a larger stack
    return with_deep_stack(work)


def raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Raise an error in a thread; `None` cancels one that is still pending. Native code in the
    thread is not interrupted."""
    import ctypes

    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), None if error is None else ctypes.py_object(error)
        )


def with_stack(size: int, work: Callable[[], _Result]) -> _Result:
    """What `work` returns or raises in a thread with a stack of so many bytes.

    Raises:
        TooDeep: there is no memory for that.
    """
    # While another thread is busy, importing it would take long.
    import ctypes  # noqa: F401

    results: list[_Result] = []
    errors: list[BaseException] = []
    # Not `join`: if interrupted, it considers the thread finished.
    done = threading.Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    thread = _DeepThread(run)
    page = 65_536
    with _starting:
        usual = threading.stack_size((size // page + 16) * page)
        try:
            thread.start()
        except RuntimeError as error:
            raise TooDeep("nested too deeply for the available memory") from error
        finally:
            threading.stack_size(usual)
    try:
        # A signal for the main thread, such as that of the time limit, may arrive in another one.
        # It is handled when a wait is over.
        while not done.wait(0.2):
            pass
    except BaseException as error:
        # Interrupted, or out of time: the work must not go on during the next file.
        raise_in(thread, type(error))
        done.wait(1.0)
        raise
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
