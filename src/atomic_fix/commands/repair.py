"""Repair files, or show the repairs as a patch, if the program can import what they need."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from atomic_fix.commands import (
    CLEAN,
    FAILED,
    FOUND,
    Session,
    exit_code,
    inform,
    print_report,
    report_error,
    report_unreadable,
    run_options,
    use_colour,
    warn,
    warn_no_files,
)
from atomic_fix.finding import FileResult, Finding
from atomic_fix.report import (
    ONCE_IMPORTED,
    Report,
    count,
    places,
    printable,
    renderer,
    unified_patch,
)
from atomic_fix.run import disk
from atomic_fix.run.all_files import change_files, said_of_text
from atomic_fix.run.one_file import Repair, check_file
from atomic_fix.run.workers import WorkerDied
from atomic_fix.settings import ConfigError
from atomic_fix.source import Source, relative_posix
from atomic_fix.style import deleting_ruff

if TYPE_CHECKING:
    from atomic_fix.review import Answer
    from atomic_fix.run.fix_policy import FixPolicy
    from atomic_fix.run.helper_import import Missing


class Repairs:
    """The policy for the requested repairs. It records messages about repairs that cannot be made,
    and what the ones that were made import."""

    def __init__(self, session: Session) -> None:
        from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY
        from atomic_fix.run.fix_policy import Apply, Ask, OnMissing, Suppress
        from atomic_fix.run.helper_import import HelperImports

        options = session.options
        self._only_shown = bool(options["diff"])
        self._missing: dict[str, Missing] = {}
        self._remarks: set[str] = set()
        self.imported: dict[Finding, str] = {}
        """The modules that the repairs of a file import."""
        self.policy: FixPolicy
        self._imports = imports = HelperImports(session.resolver)
        if options["add_noqa"] is not None:
            self.policy = Suppress(options["add_noqa"].strip())
        elif options["interactive"]:
            self.policy = Ask(_ask, imports, partial(_ask_why, session))
        else:
            allowed = SAFE_AND_UNSAFE if options["unsafe_fixes"] else SAFE_ONLY
            on_missing = OnMissing.APPLY if self._only_shown else OnMissing.LEAVE_FILE
            self.policy = Apply(allowed, imports, on_missing)

    def add(self, repair: Repair) -> None:
        """Record the messages about a repair."""
        if repair.missing is not None:
            self._missing[repair.result.filename] = repair.missing
        self._remarks |= repair.remarks
        self.imported.update(repair.imported)

    @property
    def left_alone(self) -> bool:
        """Whether files were left alone until the project has what they would import."""
        return not self._only_shown and any(each.is_setup for each in self._missing.values())

    def report_problems(self) -> bool:
        """Report on standard error what was not repaired and what to do about it; return whether
        there is anything."""
        from atomic_fix.run.helper_import import is_in_package

        causes: dict[Missing, list[str]] = {}
        for name, missing in self._imports.plan(self._missing).items():
            causes.setdefault(missing, []).append(name)
        # The first command sets the helper of the project, and others those of folders.
        for missing in sorted(causes, key=lambda each: not is_in_package(each.place)):
            names = causes[missing]
            where = names[0]
            if others := len(names) - 1:
                where += f" and {count(others, 'other file')}"
            pronoun = "they" if others else "it"
            why = f"{pronoun} {missing.message.removeprefix('it ')}; {missing.advice}"
            if self._only_shown:
                warn(f"{where}: --write would not repair {'them' if others else 'it'}: {why}")
            elif missing.is_setup:
                report_error(f"{where}: not repaired: {why}")
            else:
                warn(f"{where}: not repaired: {why}")
        for remark in sorted(self._remarks):
            warn(remark)
        return self.left_alone


def diff(session: Session) -> int:
    """Print as a patch what --write would change; return the exit code."""
    made = Repairs(session)
    repairs = []
    failed = False
    for found in _changes(session, made.policy):
        if isinstance(found, Repair):
            made.add(found)
            failed |= print_patch(found)
            repairs.append(found)
        else:
            failed |= report_unreadable(found)
    warn_no_files(repairs)
    code = diff_exit_code(repairs, failed=failed)
    made.report_problems()
    return code


def _changes(session: Session, policy: FixPolicy) -> Iterator[FileResult | Repair]:
    """Apply the policy to the files of the session.

    Raises:
        ConfigError: a configuration file that applies cannot be used, or worker processes die.
    """
    try:
        yield from change_files(
            session.paths, session.resolver, session.report_filter, policy, run_options(session)
        )
    except WorkerDied as error:
        raise ConfigError(str(error)) from error


def _checked_again(name: str, session: Session) -> FileResult:
    """The result for a file that could not be written: its content may have changed."""
    content = disk.read(name)
    outside = None
    if isinstance(content, bytes):
        outside = said_of_text(content, name, session.resolver, run_options(session))
    settings = session.resolver.for_file(name)
    return check_file(content, name, settings, session.report_filter, outside=outside)


def write(session: Session) -> int:
    """Repair the files, or suppress their findings with comments; return the exit code."""
    reason = session.options["add_noqa"]
    if reason is not None and (
        not reason.isprintable() or (session.here.require_reason and not reason.strip())
    ):
        raise click.UsageError("--add-noqa needs a reason of one line")

    made = Repairs(session)
    results: list[FileResult] = []
    fixed: list[Finding] = []
    failed = False
    for found in _changes(session, made.policy):
        if not isinstance(found, Repair):
            results.append(found)
            continue
        made.add(found)
        result = found.result
        name = result.filename
        if found.refusal:
            failed |= bool(report_error(f"{name}: not repaired: {found.refusal}"))
        if found.after != found.before:
            try:
                disk.write(name, found.before, found.after, found.within)
            except disk.NotWritten as error:
                failed |= bool(report_error(f"{name}: not written: {error}"))
                result = _checked_again(name, session)
            else:
                fixed.extend(found.applied)
        results.append(result)
    warn_no_files(results)
    if session.options["fix_only"]:
        results = [replace(each, findings=()) for each in results]
    imported = {each: made.imported[each] for each in fixed if each in made.imported}
    shown = tuple(results)
    if made.left_alone:
        # The findings of what was left alone keep their repairs, and say why they were not made.
        from atomic_fix.commands.check import with_notes

        shown = with_notes(shown, session)
    print_report(shown, session, tuple(fixed), imported)
    failed |= made.report_problems()
    if reason is not None and fixed and (ruff := deleting_ruff()):
        warn(
            f"{ruff}: ruff's RUF100 or RUF102 would delete these comments, "
            'set external = ["ATF"] below its `lint`'
        )
    return max(exit_code(results), FAILED if failed else CLEAN)


def _ask(finding: Finding, source: Source, new: str) -> Answer:
    """Show what a fix would change, and ask whether to apply it."""
    from atomic_fix.review import Answer

    report = Report(
        (FileResult(finding.filename, (finding,)),), colour=use_colour(sys.stdout.isatty())
    )
    click.echo(next(iter(renderer("full")(report))), nl=False, color=report.colour)
    patch = unified_patch(finding.filename, source.encode(source.text), source.encode(new))
    lines = patch.decode(source.encoding, "backslashreplace").split("\n")
    for line in lines[2:]:  # without the header
        click.echo(printable(line.rstrip("\r")))
    while True:
        try:
            answer = click.prompt(
                "Apply? [y]es, [n]o, [a]ll, [s]uppress with a comment, [q]uit, [?] help",
                type=click.Choice([*(each.value for each in Answer), "?"], case_sensitive=False),
                show_choices=False,
            )
        except click.Abort:
            return Answer.QUIT
        if answer != "?":
            return Answer(answer)
        click.echo(_HELP)


_HELP = """\
y  make this change
n  leave the code as it is, and go on
a  make this change and all that follow
s  leave the code as it is, with a `# noqa` comment for this finding
q  leave the rest as it is; what was answered so far is written"""


def _ask_why(session: Session, finding: Finding) -> str | None:
    """Ask for the reason to put into a comment; None if input has ended."""
    is_required = session.resolver.for_file(finding.filename).require_reason
    hint = "required" if is_required else "Enter: none"
    while True:
        try:
            reason: str = click.prompt(f"Reason ({hint})", default="", show_default=False)
        except click.Abort:
            return None
        reason = reason.strip()
        if reason.isprintable() and (reason or not is_required):
            return reason


def print_patch(repair: Repair) -> bool:
    """Print the patch of one file; return whether there was a problem."""
    filename = repair.result.filename
    out = sys.stdout.buffer
    out.write(unified_patch(relative_posix(filename, "."), repair.before, repair.after))
    out.flush()
    if repair.refusal:
        return bool(report_error(f"{filename}: not repaired: {repair.refusal}"))
    return report_unreadable(repair.result)


def _fixes_in(repairs: Sequence[Repair]) -> str:
    applied = places(each for repair in repairs for each in repair.applied)
    return f"{count(applied, 'finding')} in {count(len(repairs), 'file')}"


def diff_exit_code(repairs: Sequence[Repair], *, failed: bool) -> int:
    """Print the summary of a patch; return the exit code."""
    changed = [repair for repair in repairs if repair.after != repair.before]
    waiting = [each for each in changed if each.missing is not None and each.missing.is_setup]
    now = [each for each in changed if each not in waiting]
    left = places(each for repair in repairs for each in repair.result.findings)
    summary = "Nothing to fix."
    if changed:
        said = [_fixes_in(now)] if now else []
        if waiting:
            said.append(f"{_fixes_in(waiting)} {ONCE_IMPORTED}")
        summary = f"Would fix {', and '.join(said)}."
    if left:
        summary += f" {count(left, 'finding')} would remain."
    inform(summary)
    return FAILED if failed else FOUND if changed else CLEAN
