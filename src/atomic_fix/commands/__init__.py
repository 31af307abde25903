"""The things that the command can do: a session in, an exit code out. This module has what they
share: the session, printing and exit codes.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TextIO

import click

from atomic_fix.finding import FileResult, Finding, listed
from atomic_fix.report import (
    STATISTICS,
    Report,
    count,
    display_name,
    escape_commands,
    one_per_call,
    place_of,
    printable,
    renderer,
)
from atomic_fix.run import disk, store, workers
from atomic_fix.run.all_files import RunOptions, shard_of
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import ConfigError, Resolver, Settings
from atomic_fix.source import Source, decode

CLEAN, FOUND, FAILED = 0, 1, 2
"""The exit codes: no findings, findings, some of the work could not be done."""


@dataclass(frozen=True, slots=True)
class Session:
    """The options and state of one run. `here` has the settings of the current folder."""

    paths: tuple[str, ...]
    options: Mapping[str, Any]
    resolver: Resolver
    here: Settings
    report_filter: ReportFilter


def run_options(session: Session) -> RunOptions:
    """How to process many files.

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
    """Print the report in the configured format, or write it to --output-file. Several findings at
    one call are merged. `imported` has the modules that the repairs of some of `fixed` import.

    Raises:
        ConfigError: the file cannot be written.
    """
    results = tuple(replace(each, findings=one_per_call(each.findings)) for each in results)
    if _option("verbose"):
        _tell_details(results, session)
    stream = sys.stderr if to_stderr else sys.stdout
    options = session.options
    to_file = options["output_file"]
    colour = not to_file and use_colour(stream.isatty())
    report = Report(
        results,
        unsafe_fixes=options["unsafe_fixes"],
        colour=colour,
        width=_columns(stream) if not to_file else 0,
        fixed=fixed,
        imported=imported or {},
        done="Suppressed" if options["add_noqa"] is not None else "Fixed",
        show_fixes=options["show_fixes"],
        fixes_only=options["fix_only"],
        quiet=options["quiet"],
        docs_url=session.here.docs_url,
        source_of=sources(results, fixed),
    )
    name = session.here.output_format
    if options["statistics"] and name not in STATISTICS:
        warn(f"--statistics: `{name}` has no statistics of its own; printing text")
    pieces = renderer(name, statistics=options["statistics"])(report)
    if to_file:
        within = disk.write_boundary(to_file)
        write_file(to_file, "".join(pieces), within, "--output-file: ")
        return
    for piece in pieces:
        click.echo(piece, nl=False, color=colour, err=to_stderr)


def _columns(stream: TextIO) -> int:
    """The width of the terminal in columns, or that of COLUMNS; 0 if there is neither."""
    if stream.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size().columns
    return 0


def write_file(path: str, text: str, within: tuple[str, ...], option: str = "") -> None:
    """Write a file that an option names.

    Raises:
        ConfigError: it cannot be written, or is not in each of the folders `within`; the
            message starts with `option`.
    """
    try:
        disk.write_new(path, text.encode("utf-8", "backslashreplace"), within)
    except disk.NotWritten as error:
        raise ConfigError(f"{option}{path}: cannot be written: {error}") from error


def sources(
    results: Iterable[FileResult], fixed: Iterable[Finding] = ()
) -> Callable[[str], Source | None]:
    """A function that returns the text of a file that has a fix or that a finding refers to."""
    texts = {each.filename: each.text for each in results if each.text is not None}
    changed = {each.filename for each in fixed}

    @cache
    def source_of(filename: str) -> Source | None:
        text = texts.get(filename)
        if text is not None:
            return Source(filename, text, "utf-8", bom=False)
        if filename in changed:
            return None  # the rows of the findings are no longer valid
        content = disk.read(filename)
        found = decode(content, filename) if isinstance(content, bytes) else content
        return found if isinstance(found, Source) else None

    return source_of


def report_unreadable(result: FileResult) -> bool:
    """If a file could not be analysed, report why on standard error; return whether that is so."""
    if result.analysed:
        return False
    for finding in listed(result):
        place = f"{display_name(finding.filename)}:{place_of(finding)}"
        said = f"{finding.code} {printable(finding.headline)}"
        click.echo(escape_commands(f"{place}: {said}"), err=True)
    return True


def warn_no_files(found: Sized) -> None:
    """Warn on standard error that no file was found, which is not an error but may be
    a mistake."""
    if not len(found):
        warn("no Python files found under the given paths")


def warn_unused_suppressions(results: Iterable[FileResult]) -> bool:
    """Warn on standard error about comments that suppress nothing; return whether there are any."""
    lines = [f"{each.filename}:{row}: {remark}" for each in results for row, remark in each.notes]
    for line in lines:
        warn(line)
    return bool(lines)


def exit_code(results: Iterable[FileResult]) -> int:
    """The highest exit code of the results."""
    codes = (
        FAILED if not result.analysed else FOUND if result.findings else CLEAN for result in results
    )
    return max(codes, default=CLEAN)


def warn(message: str) -> None:
    """Print a warning that does not change the exit code on standard error, unless --quiet is
    set."""
    inform(f"warning: {message}")


def inform(message: str) -> None:
    """Print information on standard error, unless --quiet is set."""
    if not _option("quiet"):
        click.echo(escape_commands(printable(message)), err=True)


def _tell_details(results: Iterable[FileResult], session: Session) -> None:
    """Print on standard error how many findings each file has, and which settings apply to it."""
    for result in results:
        said = count(len(result.findings), "finding") if result.analysed else "not analysed"
        try:
            settings = session.resolver.for_file(result.filename)
        except ConfigError:
            origin = "a wrong configuration"  # which the report tells
        else:
            origin = settings.origin or "no configuration file"
        click.echo(escape_commands(printable(f"{result.filename}: {said} ({origin})")), err=True)


def _option(name: str) -> object:
    """The value of a global output option, available anywhere in a run."""
    context = click.get_current_context(silent=True)
    return context.params.get(name) if context is not None else None


def report_error(message: str) -> int:
    """Print an error; return the exit code for it."""
    click.echo(escape_commands(f"atomic-fix: error: {printable(message)}"), err=True)
    return FAILED


def use_colour(is_terminal: bool) -> bool:
    """Whether to colour: --color decides, then NO_COLOR, then FORCE_COLOR."""
    when = _option("color")
    if when in ("always", "never"):
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"
