"""What an attempt to repair gives: a `Fix`, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from atomic_fix.finding import Fix

_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True, slots=True)
class NoFix:
    """`reason` completes the sentence "no fix: ..."."""

    reason: str


class Refused(Exception):
    """Ends an attempt from within; never leaves the package.

    Args:
        reason: as in `NoFix`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def attempt(make: Callable[_Arguments, Fix]) -> Callable[_Arguments, Fix | NoFix]:
    """`make`, with the reason in place of a `Refused`."""

    @wraps(make)
    def made(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Fix | NoFix:
        try:
            return make(*args, **kwargs)
        except Refused as refused:
            return NoFix(refused.reason)

    return made


def parts(outcome: Fix | NoFix) -> tuple[Fix | None, str]:
    """The fix and the reason why there is none, as a `Finding` holds them."""
    if isinstance(outcome, NoFix):
        return None, outcome.reason
    return outcome, ""
