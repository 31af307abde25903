"""What an attempt to repair gives: a `Fix`, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from atomic_fix.finding import Fix


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


def parts(outcome: Fix | NoFix) -> tuple[Fix | None, str]:
    """The fix and the reason why there is none, as a `Finding` holds them."""
    if isinstance(outcome, NoFix):
        return None, outcome.reason
    return outcome, ""
