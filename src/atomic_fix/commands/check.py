"""Report the findings."""

from __future__ import annotations

from dataclasses import replace

from atomic_fix.commands.known import tell_stale
from atomic_fix.commands.session import (
    Session,
    complain,
    effort,
    exit_code,
    print_report,
    tell_none,
    tell_notes,
)
from atomic_fix.run.all_files import check_files
from atomic_fix.run.workers import WorkerDied


def check(session: Session) -> int:
    """Check the paths of the session and print what is to be told; the exit code."""
    # The baseline is applied to all results at once: what it holds too many of is told.
    known = session.narrowing.baseline
    everything = replace(session.narrowing, baseline=None)
    try:
        results = tuple(check_files(session.paths, session.resolver, everything, effort(session)))
    except WorkerDied as error:
        return complain(str(error))
    tell_none(results)
    if known is not None:
        if not session.narrowing.diff_base:
            tell_stale(known, results)
        results = tuple(
            replace(each, findings=known.unknown(each.findings)) if each.analysed else each
            for each in results
        )
    print_report(results, session)
    tell_notes(results)
    return exit_code(results)
