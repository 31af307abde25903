"""Repair files, or show as a patch how."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from atomic_fix.check import UNREADABLE
from atomic_fix.commands.session import (
    CLEAN,
    FAILED,
    FOUND,
    Session,
    complain,
    exit_code,
    print_report,
    tell_none,
    tell_unread,
    use_colour,
)
from atomic_fix.report.content import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atomic_fix.finding import FileResult, Finding
    from atomic_fix.review import Answer
    from atomic_fix.rewrite import Rewrite
    from atomic_fix.run.one_file import Find, Repair
    from atomic_fix.source import Source


def diff(session: Session) -> int:
    """Print what --write would change as a patch; the exit code."""
    from atomic_fix.run.all_files import change_files
    from atomic_fix.run.one_file import Repair

    repairs = []
    failed = False
    for found in change_files(
        session.paths, session.resolver, session.narrowing, session.fix_what_is_allowed
    ):
        if isinstance(found, Repair):
            failed |= print_patch(found)
            repairs.append(found)
        else:
            failed |= tell_unread(found)
    tell_none(repairs)
    return diff_exit_code(repairs, failed=failed)


def write(session: Session) -> int:
    """Repair the files, or suppress their findings with comments; the exit code."""
    from atomic_fix.run import disk
    from atomic_fix.run.all_files import change_files
    from atomic_fix.run.one_file import Repair, check_bytes

    reason = session.options["add_noqa"]
    if reason is not None and (
        not reason.isprintable() or (session.here.require_reason and not reason.strip())
    ):
        raise click.UsageError("--add-noqa needs a reason of one line")

    def change(source: Source, find: Find) -> Rewrite:
        if reason is not None:
            return _suppress(source, find, reason.strip())
        if session.options["interactive"]:
            from atomic_fix.review import review

            return review(source, find, _ask)
        return session.fix_what_is_allowed(source, find)

    results: list[FileResult] = []
    fixed: list[Finding] = []
    failed = False
    for found in change_files(session.paths, session.resolver, session.narrowing, change):
        if not isinstance(found, Repair):
            results.append(found)
            continue
        result = found.result
        name = result.filename
        if found.refusal:
            failed |= bool(complain(f"{printable(name)}: not repaired: {found.refusal}"))
        if found.after != found.before:
            try:
                disk.write(name, found.before, found.after)
            except disk.NotWritten as error:
                failed |= bool(complain(f"{printable(name)}: not written: {error}"))
                result = check_bytes(
                    disk.read(name), name, session.settings_of(name), session.narrowing
                )
            else:
                fixed.extend(found.applied)
        results.append(result)
    tell_none(results)
    print_report(tuple(results), session, tuple(fixed))
    if reason is not None and fixed:
        from atomic_fix.run.ruff_config import deletes_our_comments

        if ruff := deletes_our_comments("."):
            click.echo(
                f"warning: {printable(ruff)}: ruff's RUF100 or RUF102 would delete these comments, "
                'set external = ["ATF"] below its `lint`',
                err=True,
            )
    return max(exit_code(results), FAILED if failed else CLEAN)


def _suppress(source: Source, find: Find, reason: str) -> Rewrite:
    """The source with a `# noqa` comment for each finding; those are the `applied` ones."""
    from atomic_fix.rewrite import Rewrite
    from atomic_fix.suppress import add_noqa

    findings = tuple(find(source))
    if not findings or findings[0].code == UNREADABLE:
        return Rewrite(source.text, (), findings)
    try:
        new = replace(source, text=add_noqa(source, findings, reason))
        new.encode(new.text)
    except ValueError as error:  # a UnicodeEncodeError, of the reason, is one
        return Rewrite(source.text, (), findings, str(error))
    return Rewrite(new.text, findings, tuple(find(new)))


def _ask(finding: Finding, source: Source, new: str) -> Answer:
    """Show what a fix would change, and ask whether it is wanted."""
    from atomic_fix.finding import FileResult
    from atomic_fix.report import renderer
    from atomic_fix.report.content import Report, unified_patch
    from atomic_fix.review import Answer

    report = Report(
        (FileResult(finding.filename, (finding,)),), colour=use_colour(sys.stdout.isatty())
    )
    click.echo(next(iter(renderer("full")(report))), nl=False, color=report.colour)
    patch = unified_patch(finding.filename, source.encode(source.text), source.encode(new))
    click.echo(_for_the_eye(patch, source.encoding))
    try:
        answer = click.prompt(
            "Apply? [y]es, [n]o, [a]ll, [s]uppress with a comment, [q]uit",
            type=click.Choice([each.value for each in Answer], case_sensitive=False),
            show_choices=False,
        )
    except click.Abort:
        return Answer.QUIT
    return Answer(answer)


def _for_the_eye(patch: bytes, encoding: str) -> str:
    """A patch for the eye: its lines without the two of the header."""
    lines = patch.decode(encoding, "backslashreplace").split("\n")[2:]
    return "\n".join(printable(line.rstrip("\r")) for line in lines)


def print_patch(repair: Repair) -> bool:
    """Print the patch of one file; whether anything went wrong with it."""
    from atomic_fix.relative import seen_from
    from atomic_fix.report.content import unified_patch

    filename = repair.result.filename
    out = sys.stdout.buffer
    out.write(unified_patch(seen_from(filename, "."), repair.before, repair.after))
    out.flush()
    if repair.refusal:
        return bool(complain(f"{printable(filename)}: not repaired: {repair.refusal}"))
    return tell_unread(repair.result)


def diff_exit_code(repairs: Sequence[Repair], *, failed: bool) -> int:
    """Sum up on standard error what --write would do; the exit code."""
    from atomic_fix.report.content import count

    changed = [repair for repair in repairs if repair.after != repair.before]
    applied = sum(len(repair.applied) for repair in changed)
    left = sum(len(repair.result.findings) for repair in repairs if repair.result.analysed)
    rest = f" {count(left, 'finding')} would remain." if left else ""
    if changed:
        click.echo(
            f"Would fix {count(applied, 'finding')} in {count(len(changed), 'file')}.{rest}",
            err=True,
        )
    else:
        click.echo(f"Nothing to fix.{rest}", err=True)
    if failed:
        return FAILED
    return FOUND if changed else CLEAN
