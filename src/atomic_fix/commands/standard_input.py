"""Check or repair the source on standard input."""

from __future__ import annotations

import sys

from atomic_fix.commands.repair import diff_exit_code, print_patch
from atomic_fix.commands.session import (
    Session,
    complain,
    exit_code,
    print_report,
    tell_notes,
)
from atomic_fix.report.content import printable


def standard_input(session: Session) -> int:
    """Check what comes on standard input; with --write the repaired source goes to standard
    output, and the report to standard error."""
    from atomic_fix.run.one_file import change_bytes, check_bytes

    filename = session.options["stdin_filename"] or "-"
    settings = session.settings_of(filename)
    content = sys.stdin.buffer.read()
    if not (session.options["diff"] or session.options["write"]):
        results = (check_bytes(content, filename, settings, session.narrowing),)
        print_report(results, session, content=content)
        tell_notes(results)
        return exit_code(results)

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
