"""Report the findings, of files or of standard input."""

from __future__ import annotations

import sys
from dataclasses import replace

from atomic_fix.commands.known import tell_stale
from atomic_fix.commands.session import (
    CLEAN,
    FOUND,
    Session,
    complain,
    effort,
    exit_code,
    print_report,
    tell_none,
    tell_notes,
)
from atomic_fix.report.content import printable
from atomic_fix.run.all_files import check_files
from atomic_fix.run.one_file import change_bytes, check_bytes
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
    unused = False
    if known is not None:
        if not session.narrowing.diff_base:
            unused = tell_stale(known, results)
        results = tuple(
            replace(each, findings=known.unknown(each.findings)) if each.analysed else each
            for each in results
        )
    print_report(results, session)
    unused |= tell_notes(results)
    return max(exit_code(results), FOUND if unused and session.here.fail_on_unused else CLEAN)


def standard_input(session: Session) -> int:
    """Check what comes on standard input; with --write the repaired source goes to standard
    output, and the report to standard error."""
    from atomic_fix.commands.repair import diff_exit_code, print_patch

    filename = session.options["stdin_filename"] or "-"
    settings = session.settings_of(filename)
    content = sys.stdin.buffer.read()
    if not (session.options["diff"] or session.options["write"]):
        results = (check_bytes(content, filename, settings, session.narrowing),)
        print_report(results, session, content=content)
        unused = tell_notes(results) and settings.fail_on_unused
        return max(exit_code(results), FOUND if unused else CLEAN)

    repair = change_bytes(
        content, filename, settings, session.narrowing, session.fix_what_is_allowed
    )
    if session.options["diff"]:
        failed = print_patch(repair)
        return diff_exit_code([repair], failed=failed)
    sys.stdout.buffer.write(repair.after)
    sys.stdout.buffer.flush()
    print_report((repair.result,), session, repair.applied, content=repair.after, to_stderr=True)
    if repair.refusal:
        return complain(f"{printable(filename)}: not repaired: {repair.refusal}")
    return exit_code([repair.result])
