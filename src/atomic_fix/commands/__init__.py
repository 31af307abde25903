"""What the command can be asked to do: a session in, an exit code out.

Here is what all of that has in common: what was asked, how it is told, how it ends.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any

import click

from atomic_fix.finding import FileResult, Finding, listed
from atomic_fix.report import (
    Report,
    display_name,
    escape_commands,
    one_per_call,
    printable,
    renderer,
)
from atomic_fix.run import disk, store, workers
from atomic_fix.run.all_files import RunOptions, shard_of
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import ConfigError, Resolver, Settings
from atomic_fix.source import Source

CLEAN, FOUND, FAILED = 0, 1, 2
"""The exit codes: nothing to tell, something was found, some of the work could not be done."""


@dataclass(frozen=True, slots=True)
class Session:
    """What every way to run has in common. `here` are the settings of the current folder."""

    paths: tuple[str, ...]
    options: Mapping[str, Any]
    resolver: Resolver
    here: Settings
    report_filter: ReportFilter


def run_options(session: Session) -> RunOptions:
    """How the work on many files is to be done.

    Raises:
        ConfigError: --shard cannot be understood.
    """
    options = session.options
    part = None
    if options["shard"] is not None:
        try:
            part = shard_of(options["shard"])
        except ValueError as error:
            raise ConfigError(f"--shard: {error}") from error
    folder = ""
    if not options["no_cache"]:
        folder = options["cache_dir"] or store.default_folder()
    return RunOptions(
        jobs=options["jobs"] or workers.default_jobs(),
        cache_folder=folder,
        shard=part,
        progress=True,
        warn=warn,
    )


def print_report(
    results: tuple[FileResult, ...],
    session: Session,
    fixed: tuple[Finding, ...] = (),
    imported: Mapping[Finding, str] | None = None,
    *,
    to_stderr: bool = False,
) -> None:
    """Print the report in the format that is configured, or write it to --output-file.

    Several findings at one call become one. `imported` has the modules that the repairs of some
    of `fixed` import.

    Raises:
        ConfigError: the file cannot be written.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    options = session.options
    to_file = options["output_file"]
    colour = not to_file and use_colour(stream.isatty())
    report = Report(
        tuple(replace(each, findings=one_per_call(each.findings)) for each in results),
        unsafe_fixes=options["unsafe_fixes"],
        colour=colour,
        width=0 if to_file or not stream.isatty() else shutil.get_terminal_size().columns,
        fixed=fixed,
        imported=imported or {},
        done="Suppressed" if options["add_noqa"] is not None else "Fixed",
        show_fixes=options["show_fixes"],
        source_of=sources(results),
    )
    name = "statistics" if options["statistics"] else session.here.output_format
    pieces = renderer(name)(report)
    if to_file:
        within = disk.write_boundary(to_file)
        write_file(to_file, "".join(pieces), within, "--output-file: ")
        return
    for piece in pieces:
        click.echo(piece, nl=False, color=colour, err=to_stderr)


def write_file(path: str, text: str, within: tuple[str, ...], option: str = "") -> None:
    """Write a file that was asked for.

    Raises:
        ConfigError: it cannot be written, or does not lie in each of the folders `within`; the
            message starts with `option`.
    """
    try:
        disk.write_new(path, text.encode("utf-8", "backslashreplace"), within)
    except disk.NotWritten as error:
        raise ConfigError(f"{option}{path}: cannot be written: {error}") from error


def sources(results: Iterable[FileResult]) -> Callable[[str], Source | None]:
    """Gives the text that a finding is in, if it has a fix."""
    texts = {each.filename: each.text for each in results if each.text is not None}

    def source_of(filename: str) -> Source | None:
        text = texts.get(filename)
        return Source(filename, text, "utf-8", bom=False) if text is not None else None

    return source_of


def report_unreadable(result: FileResult) -> bool:
    """Say on standard error why a file could not be analysed, if so; whether it is so."""
    if result.analysed:
        return False
    for finding in listed(result):
        start = finding.span.start
        place = f"{display_name(finding.filename)}:{start.row}:{start.column}"
        said = f"{finding.code} {printable(finding.message)}"
        click.echo(escape_commands(f"{place}: {said}"), err=True)
    return True


def warn_no_files(found: Sized) -> None:
    """Say on standard error that there was no file at all, which is no mistake but may be
    one."""
    if not len(found):
        warn("no Python files found under the given paths")


def warn_unused_suppressions(results: Iterable[FileResult]) -> bool:
    """Say on standard error which suppressing comments suppress nothing; whether any do."""
    lines = [f"{each.filename}:{row}: {remark}" for each in results for row, remark in each.notes]
    for line in lines:
        warn(line)
    return bool(lines)


def exit_code(results: Iterable[FileResult]) -> int:
    """The worst that the results call for."""
    codes = (
        FAILED if not result.analysed else FOUND if result.findings else CLEAN for result in results
    )
    return max(codes, default=CLEAN)


def warn(message: str) -> None:
    """Say on standard error what changes no exit code."""
    click.echo(escape_commands(f"warning: {printable(message)}"), err=True)


def report_error(message: str) -> int:
    """Say on standard error what could not be done; the exit code for that."""
    click.echo(escape_commands(f"atomic-fix: error: {printable(message)}"), err=True)
    return FAILED


def use_colour(is_terminal: bool) -> bool:
    """Whether to colour: NO_COLOR and FORCE_COLOR decide when set, NO_COLOR first."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"
