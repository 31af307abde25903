"""Repair files, or show as a patch how."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from atomic_fix.check import UNREADABLE
from atomic_fix.commands import (
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
from atomic_fix.finding import FileResult, Finding
from atomic_fix.report import Report, count, printable, renderer, unified_patch
from atomic_fix.run import disk
from atomic_fix.source import Source

if TYPE_CHECKING:
    from atomic_fix.review import Answer
    from atomic_fix.rewrite import Rewrite
    from atomic_fix.run.one_file import Find, Repair


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
    if reason is not None and fixed and (ruff := _ruff_that_deletes_our_comments(".")):
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
    from atomic_fix.source import seen_from

    filename = repair.result.filename
    out = sys.stdout.buffer
    out.write(unified_patch(seen_from(filename, "."), repair.before, repair.after))
    out.flush()
    if repair.refusal:
        return bool(complain(f"{printable(filename)}: not repaired: {repair.refusal}"))
    return tell_unread(repair.result)


def diff_exit_code(repairs: Sequence[Repair], *, failed: bool) -> int:
    """Sum up on standard error what --write would do; the exit code."""
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


_RUFF_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")
# Unused codes in comments, and in newer versions unknown ones.
_RUFF_RULES = ("RUF100", "RUF102")


def _ruff_that_deletes_our_comments(folder: str) -> str:
    """The ruff configuration, nearest to the folder, that turns these rules on and does not
    name ATF as external; empty when there is none. Such a ruff takes `# noqa: ATF101` for
    unused or unknown, and `ruff check --fix` takes it out."""
    folder = os.path.abspath(folder)
    while True:
        for name in _RUFF_FILES:
            path = os.path.join(folder, name)
            table = _ruff_table(path)
            if table is not None:
                return path if _would_delete(table) else ""
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent


def _ruff_table(path: str) -> dict[str, Any] | None:
    """The configuration of ruff in a file; None when it has none or cannot be read, which is
    ruff's to complain of."""
    content = disk.read(path) if os.path.isfile(path) else b""
    if not isinstance(content, bytes) or not content:
        return None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: Any = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    if os.path.basename(path) == "pyproject.toml":
        tool = table.get("tool", {})
        table = tool.get("ruff") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _would_delete(table: dict[str, Any]) -> bool:
    # The keys stand below `lint`, and in older configurations at the top.
    lint = table.get("lint", {})
    tables = [table, lint] if isinstance(lint, dict) else [table]
    on = _ruff_codes(tables, "select", "extend-select")
    off = _ruff_codes(tables, "ignore", "extend-ignore")
    external = _ruff_codes(tables, "external")
    if any("ATF".startswith(each) or each.startswith("ATF") for each in external if each):
        return False
    return any(
        any(each == "ALL" or rule.startswith(each) for each in on if each)
        and not any(rule.startswith(each) for each in off if each)
        for rule in _RUFF_RULES
    )


def _ruff_codes(tables: list[dict[str, Any]], *keys: str) -> list[str]:
    values = [each.get(key, []) for each in tables for key in keys]
    return [
        code
        for value in values
        if isinstance(value, list)
        for code in value
        if isinstance(code, str)
    ]
