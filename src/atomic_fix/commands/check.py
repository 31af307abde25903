"""Report the findings in files or standard input, or write a baseline."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from atomic_fix import baseline, files
from atomic_fix.baseline import Baseline
from atomic_fix.commands import (
    CLEAN,
    FAILED,
    FOUND,
    Session,
    exit_code,
    print_report,
    report_error,
    report_unreadable,
    run_options,
    sources,
    warn,
    warn_no_files,
    warn_unused_suppressions,
    write_file,
)
from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.report import count, display_name, escape_commands, printable
from atomic_fix.run import disk
from atomic_fix.run.all_files import check_files, said_of_text
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.workers import WorkerDied
from atomic_fix.settings import ConfigError
from atomic_fix.source import Source, decode


def check(session: Session) -> int:
    """Check the paths of the session and print the report; return the exit code."""
    # The baseline is applied to all results at once: entries with too high a count are reported.
    known = session.report_filter.baseline
    everything = replace(session.report_filter, baseline=None)
    try:
        results = tuple(
            check_files(session.paths, session.resolver, everything, run_options(session))
        )
    except WorkerDied as error:
        return report_error(str(error))
    warn_no_files(results)
    unused = False
    if known is not None:
        if not session.report_filter.diff_base:
            unused = warn_stale_entries(known, results)
        results = tuple(_without(known, each) for each in results)
    results = with_notes(results, session)
    print_report(results, session)
    unused |= warn_unused_suppressions(results)
    return max(exit_code(results), FOUND if unused and session.here.fail_on_unused else CLEAN)


def _without(known: Baseline, result: FileResult) -> FileResult:
    """The result without the findings in the baseline."""
    left = known.unknown(result.findings)
    return replace(result, findings=left, known=len(result.findings) - len(left))


def with_notes(results: tuple[FileResult, ...], session: Session) -> tuple[FileResult, ...]:
    """The results, with a note on each repair whose import the file cannot resolve yet."""
    if all(each.fix is None for result in results for each in result.findings):
        return results
    from atomic_fix.run.helper_import import HelperImports, with_import_notes

    results = tuple(map(_with_text, results))
    briefly = session.here.output_format == "full"
    return with_import_notes(
        results, HelperImports(session.resolver), sources(results), briefly=briefly
    )


def _with_text(result: FileResult) -> FileResult:
    """Read the text of a cached result again if needed, since its fixes are shown as well."""
    if result.text is not None or all(each.fix is None for each in result.findings):
        return result
    content = disk.read(result.filename)
    source = content if isinstance(content, Unreadable) else decode(content, result.filename)
    return replace(result, text=source.text) if isinstance(source, Source) else result


def standard_input(session: Session) -> int:
    """Check standard input; with --write, print the repaired source to standard output and the
    report to standard error.

    Raises:
        ConfigError: the input is too large.
    """
    from atomic_fix.commands.repair import Repairs, diff_exit_code, print_patch

    filename = session.options["stdin_filename"] or "-"
    settings = session.resolver.for_file(filename)
    content = sys.stdin.buffer.read(files.MOST + 1)
    if len(content) > files.MOST:
        raise ConfigError(f"{filename}: cannot be read: larger than {files.MOST >> 20} MB")
    work = run_options(session)
    try:
        outside = said_of_text(content, filename, session.resolver, work)
    except WorkerDied as error:
        return report_error(str(error))
    if not (session.options["diff"] or session.options["write"]):
        result = check_file(content, filename, settings, session.report_filter, outside=outside)
        results = with_notes((result,), session)
        print_report(results, session)
        unused = warn_unused_suppressions(results) and settings.fail_on_unused
        return max(exit_code(results), FOUND if unused else CLEAN)

    made = Repairs(session)
    repair = change_file(
        content, filename, settings, session.report_filter, made.policy, outside=outside
    )
    made.add(repair)
    if session.options["diff"]:
        failed = print_patch(repair)
        code = diff_exit_code([repair], failed=failed)
        made.report_problems()
        return code
    sys.stdout.buffer.write(repair.after)
    sys.stdout.buffer.flush()
    result = repair.result
    if session.options["fix_only"]:
        result = replace(result, findings=())
    shown = with_notes((result,), session) if made.left_alone else (result,)
    print_report(
        shown,
        session,
        repair.applied,
        made.imported,
        to_stderr=True,
    )
    if made.report_problems():
        return FAILED
    if repair.refusal:
        return report_error(f"{filename}: not repaired: {repair.refusal}")
    return exit_code([result])


def write_baseline(session: Session, path: str) -> int:
    """Create the baseline, or remove entries no longer found; return the exit code.

    Raises:
        ConfigError: it cannot be written.
    """
    known = session.report_filter.baseline
    results = tuple(
        check_files(session.paths, session.resolver, replace(session.report_filter, baseline=None))
    )
    failed = [result for result in results if report_unreadable(result)]
    if known is None:
        new = _found(results, os.path.dirname(os.path.abspath(path)))
    else:
        new = pruned(known, results)
        for line in baseline.stale(known, new):
            click.echo(escape_commands(f"taken out: {printable(line)}"))
    within = disk.write_boundary(path)
    if not session.options["baseline"]:  # its name comes from a file in the checked tree
        within = (os.path.realpath(session.here.root),)
    write_file(path, baseline.text_of(new), within)
    click.echo(f"{display_name(path)}: {count(sum(new.counts.values()), 'known finding')}.")
    if not session.here.baseline:
        click.echo("It holds with --baseline, or once `baseline` names it in the configuration.")
    return FAILED if failed else CLEAN


def pruned(known: Baseline, results: Sequence[FileResult]) -> Baseline:
    """`known` without entries that the results no longer contain."""
    analysed = {known.path_of(each.filename) for each in results if each.analysed}
    return baseline.shrunk(known, _found(results, known.folder), analysed)


def _found(results: Sequence[FileResult], folder: str) -> Baseline:
    findings = [each for result in results for each in result.findings]
    return baseline.of(findings, folder)


def warn_stale_entries(known: Baseline, results: Sequence[FileResult]) -> bool:
    """Warn on standard error about baseline entries without findings; return whether there are
    any."""
    stale = tuple(baseline.stale(known, pruned(known, results)))
    for line in stale:
        warn(f"no longer found; update with --write-baseline: {line}")
    return bool(stale)
