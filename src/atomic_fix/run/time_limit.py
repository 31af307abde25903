"""A limit on the time for one file."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from atomic_fix.parse.stack import raise_in

_Result = TypeVar("_Result")

SECONDS = 8.0
"""CPU time, so that a busy machine does not change results."""
_AGAIN = 0.5
"""Seconds until the next attempt, if the exception was lost in code that cannot raise."""


class TooLong(BaseException):
    """The time is over. Not an `Exception`, so that no handler on the way catches it."""


REASON = f"cannot be analysed: it takes longer than {SECONDS:.0f} seconds"


def limited(work: Callable[[], _Result]) -> _Result:
    """Return the result of `work` if it finishes in time. Native code is not interrupted. Within
    another limit, the outer one applies.

    Raises:
        TooLong: it takes longer than `SECONDS`.
    """
    if getattr(_here, "is_limited", False):
        return work()
    _here.is_limited = True
    try:
        return _limited_by_timer(work) if _has_free_timer() else _limited_by_thread(work)
    finally:
        _here.is_limited = False


_here = threading.local()


def _limited_by_timer(work: Callable[[], _Result]) -> _Result:
    usual = signal.signal(signal.SIGVTALRM, _stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, _AGAIN)
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, usual)


def _limited_by_thread(work: Callable[[], _Result]) -> _Result:
    """For Windows, for threads other than the main one, and if the timer is in use: another thread
    watches the CPU time of the process, and raises the exception in this one."""
    is_done = threading.Event()
    raising = threading.Lock()
    this = threading.current_thread()

    def watch() -> None:
        end = time.process_time() + SECONDS
        wait = SECONDS
        while not is_done.wait(wait):
            left = end - time.process_time()
            with raising:
                if left <= 0 and not is_done.is_set():
                    raise_in(this, TooLong)
            wait = max(left, _AGAIN)

    watcher = threading.Thread(target=watch, name="atomic-fix time limit", daemon=True)
    try:
        watcher.start()
    except RuntimeError:  # there are no threads in a browser, and elsewhere there may be too many
        return work()
    try:
        try:
            return work()
        finally:
            is_done.set()
    finally:
        with raising:
            is_done.set()  # in case the exception came just before
            raise_in(this, None)


def end_with_process(seconds: float) -> None:
    """Let the system end this process after so many more seconds of CPU time, even in native code;
    0 cancels that. Does nothing on Windows."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def is_over(exit_code: int | None) -> bool:
    """Whether a process with this exit code was ended by the time limit."""
    return sys.platform != "win32" and exit_code == -signal.SIGPROF


def _has_free_timer() -> bool:
    return (
        sys.platform != "win32"
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong
