"""Repair files, or show as a patch how, where the program has what the repairs import."""

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
    warn,
)
from atomic_fix.finding import FileResult, Finding
from atomic_fix.report import Report, count, printable, renderer, unified_patch
from atomic_fix.run import disk
from atomic_fix.run.all_files import change_files
from atomic_fix.run.one_file import Find, Repair, check_bytes
from atomic_fix.settings import section
from atomic_fix.source import Source, Unreadable, seen_from

if TYPE_CHECKING:
    from atomic_fix.review import Answer
    from atomic_fix.rewrite import Rewrite
    from atomic_fix.run.helper_import import Missing


class Repairs:
    """Makes the repairs that are asked for and whose imports the files can have. It remembers
    what to say of the others, and what those that were made import."""

    def __init__(self, session: Session) -> None:
        from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY
        from atomic_fix.run.helper_import import HelperImports

        every = session.options["unsafe_fixes"] or session.options["interactive"]
        self._allowed = SAFE_AND_UNSAFE if every else SAFE_ONLY
        self._imports = HelperImports(session.resolver)
        self._only_shown = bool(session.options["diff"])
        self._interactive = bool(session.options["interactive"])
        self._missing: dict[tuple[str, str], tuple[Missing, list[str]]] = {}
        self._remarks: set[str] = set()
        self.imported: dict[Finding, str] = {}
        """The modules that repairs import, where they do."""

    def change(self, source: Source, find: Find) -> Rewrite:
        """The source with its repairs; without any when one of them would leave a program that
        does not start."""
        from atomic_fix.rewrite import Rewrite, rewrite
        from atomic_fix.run.helper_import import Guard

        guarded = Guard(self._imports, find, self._allowed, withhold=not self._only_shown)
        before = guarded(source)
        new = None
        if guarded.missing is None or self._only_shown:
            if self._interactive:
                from atomic_fix.review import review

                new = review(source, guarded, _ask)
            else:
                new = rewrite(source, guarded, self._allowed)
        if guarded.missing is not None:
            key = guarded.missing.module, guarded.missing.reason
            self._missing.setdefault(key, (guarded.missing, []))[1].append(source.filename)
        elif new is not None and new.applied:
            self._remarks |= guarded.remarks
            modules = ((each, self._imports.imported(each, new.text)) for each in new.applied)
            self.imported.update((each, module) for each, module in modules if module)
        if new is None or (guarded.missing is not None and not self._only_shown):
            return Rewrite(source.text, (), before)
        return new

    def tell(self) -> bool:
        """Say on standard error what was not repaired, or could not be, and what to do about it;
        whether anything was left for that."""
        for missing, names in self._missing.values():
            where = names[0]
            if others := len(names) - 1:
                where += f" and {count(others, 'other file')}"
            if self._only_shown:
                pronoun = "they" if others else "it"
                warn(f"{where}: --write would not repair {'them' if others else 'it'}: {pronoun} "
                     f"{missing.told.removeprefix('it ')}; {missing.advice}")  # fmt: skip
            else:
                complain(f"{where}: not repaired: {missing.told}; {missing.advice}")
        for remark in sorted(self._remarks):
            warn(remark)
        return bool(self._missing) and not self._only_shown


def diff(session: Session) -> int:
    """Print what --write would change as a patch; the exit code."""
    made = Repairs(session)
    repairs = []
    failed = False
    for found in change_files(session.paths, session.resolver, session.narrowing, made.change):
        if isinstance(found, Repair):
            failed |= print_patch(found)
            repairs.append(found)
        else:
            failed |= tell_unread(found)
    tell_none(repairs)
    code = diff_exit_code(repairs, failed=failed)
    made.tell()
    return code


def write(session: Session) -> int:
    """Repair the files, or suppress their findings with comments; the exit code."""
    reason = session.options["add_noqa"]
    if reason is not None and (
        not reason.isprintable() or (session.here.require_reason and not reason.strip())
    ):
        raise click.UsageError("--add-noqa needs a reason of one line")

    made = Repairs(session)

    def change(source: Source, find: Find) -> Rewrite:
        if reason is not None:
            return _suppress(source, find, reason.strip())
        return made.change(source, find)

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
            failed |= bool(complain(f"{name}: not repaired: {found.refusal}"))
        if found.after != found.before:
            try:
                disk.write(name, found.before, found.after, found.within)
            except disk.NotWritten as error:
                failed |= bool(complain(f"{name}: not written: {error}"))
                result = check_bytes(
                    disk.read(name), name, session.resolver.for_file(name), session.narrowing
                )
            else:
                fixed.extend(found.applied)
        results.append(result)
    tell_none(results)
    imported = {each: made.imported[each] for each in fixed if each in made.imported}
    print_report(tuple(results), session, tuple(fixed), imported)
    failed |= made.tell()
    if reason is not None and fixed and (ruff := _ruff_that_deletes_our_comments()):
        warn(
            f"{ruff}: ruff's RUF100 or RUF102 would delete these comments, "
            'set external = ["ATF"] below its `lint`'
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
    from atomic_fix.review import Answer

    report = Report(
        (FileResult(finding.filename, (finding,)),), colour=use_colour(sys.stdout.isatty())
    )
    click.echo(next(iter(renderer("full")(report))), nl=False, color=report.colour)
    patch = unified_patch(finding.filename, source.encode(source.text), source.encode(new))
    lines = patch.decode(source.encoding, "backslashreplace").split("\n")
    for line in lines[2:]:  # without the header
        click.echo(printable(line.rstrip("\r")))
    try:
        answer = click.prompt(
            "Apply? [y]es, [n]o, [a]ll, [s]uppress with a comment, [q]uit",
            type=click.Choice([each.value for each in Answer], case_sensitive=False),
            show_choices=False,
        )
    except click.Abort:
        return Answer.QUIT
    return Answer(answer)


def print_patch(repair: Repair) -> bool:
    """Print the patch of one file; whether anything went wrong with it."""
    filename = repair.result.filename
    out = sys.stdout.buffer
    out.write(unified_patch(seen_from(filename, "."), repair.before, repair.after))
    out.flush()
    if repair.refusal:
        return bool(complain(f"{filename}: not repaired: {repair.refusal}"))
    return tell_unread(repair.result)


def diff_exit_code(repairs: Sequence[Repair], *, failed: bool) -> int:
    """Sum up on standard error what --write would do; the exit code."""
    changed = [repair for repair in repairs if repair.after != repair.before]
    applied = sum(len(repair.applied) for repair in changed)
    left = sum(len(repair.result.findings) for repair in repairs if repair.result.analysed)
    told = "Nothing to fix."
    if changed:
        told = f"Would fix {count(applied, 'finding')} in {count(len(changed), 'file')}."
    if left:
        told += f" {count(left, 'finding')} would remain."
    click.echo(told, err=True)
    return FAILED if failed else FOUND if changed else CLEAN


def _ruff_that_deletes_our_comments() -> str:
    """The ruff configuration, nearest to the current folder, that turns RUF100 or RUF102 on and
    does not name ATF as external; empty when there is none. Such a ruff takes
    `# noqa: ATF101` for unused or unknown, and `ruff check --fix` takes it out."""
    from pathlib import Path

    for folder in (Path.cwd(), *Path.cwd().parents):
        for name in (".ruff.toml", "ruff.toml", "pyproject.toml"):
            path = str(folder / name)
            content = disk.read(path) if os.path.isfile(path) else b""
            if isinstance(content, Unreadable) or not content:
                continue
            try:
                table = section(path, content, "ruff")
            except ValueError:
                continue  # ruff's to complain of
            if isinstance(table, dict):
                return path if _would_delete(table) else ""
    return ""


def _would_delete(table: dict[str, Any]) -> bool:
    # The keys stand below `lint`, and in older configurations at the top.
    lint = table.get("lint", {})
    tables = [table, lint] if isinstance(lint, dict) else [table]
    external = _ruff_codes(tables, "external")
    if "ATF".startswith(external) or any(each.startswith("ATF") for each in external):
        return False
    on = _ruff_codes(tables, "select", "extend-select")
    off = _ruff_codes(tables, "ignore", "extend-ignore")
    return any(
        ("ALL" in on or rule.startswith(on)) and not rule.startswith(off)
        for rule in ("RUF100", "RUF102")
    )


def _ruff_codes(tables: list[dict[str, Any]], *keys: str) -> tuple[str, ...]:
    values = [each.get(key) for each in tables for key in keys]
    return tuple(
        code
        for value in values
        if isinstance(value, list)
        for code in value
        if isinstance(code, str) and code
    )
