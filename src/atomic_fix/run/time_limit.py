"""A limit to the time that one file may take."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_Result = TypeVar("_Result")

SECONDS = 8.0
"""Of the processor, so that a busy machine changes no result."""
_AGAIN = 0.5
"""Seconds until the next try, where the exception went down in what cannot raise."""


class TooLong(BaseException):
    """The time is over. No `Exception`, so that nothing on the way takes it for its own."""


REASON = f"cannot be analysed: it takes longer than {SECONDS:.0f} seconds"


def limited(work: Callable[[], _Result]) -> _Result:
    """What `work` returns, as long as it comes in time.

    Native code is not interrupted. Nor is there a limit on Windows, in a thread other than the
    main one, or where the timer is in use.

    Raises:
        TooLong: it takes longer than `SECONDS`.
    """
    if sys.platform == "win32" or not _is_free():
        return work()
    usual = signal.signal(signal.SIGVTALRM, _stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, _AGAIN)
        return work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, usual)


def end_with_process(seconds: float) -> None:
    """Have the system end this process once it has used so many seconds from now on, whatever it
    is in then; 0 takes that back. Nothing happens on Windows."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def is_over(exit_code: int | None) -> bool:
    """Whether a process with this exit code was ended for its time."""
    return sys.platform != "win32" and exit_code == -signal.SIGPROF


def _is_free() -> bool:
    import threading

    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0
    )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong
