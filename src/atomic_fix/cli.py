"""The command line: options in, exit code out.

Exit codes: 0 nothing to tell, 1 findings (with --diff: something to change), 2 it could not
do its work on some path, or on all of them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from atomic_fix import __version__
from atomic_fix.settings import OUTPUT_FORMATS, ConfigError, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from atomic_fix.baseline import Baseline
    from atomic_fix.finding import Applicability, FileResult, Finding
    from atomic_fix.review import Answer
    from atomic_fix.run.narrowing import Narrowing
    from atomic_fix.run.one_file import Repair
    from atomic_fix.settings import Settings
    from atomic_fix.source import Source

_Function = TypeVar("_Function", bound="Callable[..., Any]")

CLEAN, FOUND, FAILED = 0, 1, 2

GROUPS: dict[str, tuple[str, ...]] = {
    "What to check": ("select", "extend_select", "ignore", "diff_base", "stdin_filename"),
    "Repair": ("diff", "write", "interactive", "unsafe_fixes", "on_corrupt", "show_fixes"),
    "Known findings": ("add_noqa", "baseline", "write_baseline"),
    "Output": ("output_format", "output_file", "statistics"),
    "Configuration": ("config_file", "isolated", "show_settings", "show_files"),
    "About": ("explain", "version", "help"),
}
"""The options under each heading of --help."""


_OPTION_KEYS = ("select", "extend-select", "ignore", "on-corrupt", "output-format")
"""The options that are configuration keys too."""


_WAYS = ("diff", "write", "interactive", "add_noqa", "write_baseline")
"""The options that do something else than report; one at a time."""


class _GroupedCommand(click.Command):
    """A command whose --help shows its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            # click has a name of its own for the parameter of --help
            "help" if "--help" in parameter.opts else parameter.name: record
            for parameter in self.get_params(ctx)
            if (record := parameter.get_help_record(ctx)) is not None
        }
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([records[name] for name in names])


def _codes(_ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> list[str]:
    return [code.strip() for value in values for code in value.split(",") if code.strip()]


def _complete_code(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    from atomic_fix.rules import RULES

    before, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(before + comma + rule.code, help=rule.name)
        for rule in RULES
        if rule.code.startswith(last.upper())
    ]


def _code_option(name: str, text: str) -> Callable[[_Function], _Function]:
    return click.option(
        name,
        multiple=True,
        metavar="CODES",
        callback=_codes,
        shell_complete=_complete_code,
        help=text,
    )


@click.command(
    cls=_GroupedCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    options_metavar="[OPTIONS]",
    epilog="Exit code: 0 clean, 1 findings, 2 something could not be analysed or written.",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=str))
@_code_option("--select", "Check only these codes (ATF1 stands for all that begin so).")
@_code_option("--extend-select", "Check these codes too.")
@_code_option("--ignore", "Do not check these codes.")
@click.option(
    "--diff-base",
    metavar="REV",
    help="Tell only findings on lines changed since this git revision.",
)
@click.option(
    "--add-noqa",
    metavar="REASON",
    help="Put a `# noqa` comment with this reason to each finding.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Do not tell the findings that stand in this file.",
)
@click.option(
    "--write-baseline",
    is_flag=True,
    help="Make that file, or take out of it what is no longer found.",
)
@click.option("--stdin-filename", metavar="PATH", help="What to call the source read from `-`.")
@click.option("--diff", is_flag=True, help="Print what --write would change, as a patch.")
@click.option("--write", is_flag=True, help="Repair the files, then report what remains.")
@click.option("--interactive", is_flag=True, help="Ask about each repair.")
@click.option("--unsafe-fixes", is_flag=True, help="Take the fixes that a person should read too.")
@click.option(
    "--on-corrupt",
    type=click.Choice(("raise", "warn", "quarantine")),
    metavar="ANSWER",
    help="What a repaired loader does: raise, warn or quarantine.",
)
@click.option("--show-fixes", is_flag=True, help="List each repair that was made.")
@click.option(
    "--output-format",
    type=click.Choice(OUTPUT_FORMATS),
    metavar="FORMAT",
    help=f"One of {', '.join(OUTPUT_FORMATS)}.",
)
@click.option(
    "--output-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=str),
    help="Write the report there.",
)
@click.option("--statistics", is_flag=True, help="Count the findings of each code instead.")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Use this pyproject.toml or atomic-fix.toml.",
)
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("--show-settings", is_flag=True, help="Print the settings that hold here.")
@click.option("--show-files", is_flag=True, help="Print the files that would be checked.")
@click.option(
    "--explain",
    metavar="CODE",
    shell_complete=_complete_code,
    help="Print the page of a rule.",
)
@click.version_option(__version__, prog_name="atomic-fix", message="%(prog)s %(version)s")
def main(paths: tuple[str, ...], **options: Any) -> None:
    """Find, explain and repair checkpoints that a crash cuts short.

    PATHS are files and folders; `-` is the source on standard input. Without any, the
    current folder is checked.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _start(paths or (".",), options)
    except ConfigError as error:
        code = _complain(_name(str(error)))
    except KeyboardInterrupt:
        code = 130  # as a shell has it; click would end with 1, which stands for findings
    sys.exit(code)


@dataclass(frozen=True, slots=True)
class _Run:
    """What every way to run has in common. `here` are the settings of the current folder."""

    paths: tuple[str, ...]
    options: Mapping[str, Any]
    resolver: Resolver
    here: Settings
    narrowing: Narrowing

    @property
    def allowed(self) -> AbstractSet[Applicability]:
        from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY

        return SAFE_AND_UNSAFE if self.options["unsafe_fixes"] else SAFE_ONLY

    def settings_of(self, filename: str) -> Settings:
        return self.resolver.for_folder(os.path.dirname(filename) or ".")


def _start(paths: tuple[str, ...], options: dict[str, Any]) -> int:
    if options["explain"] is not None:
        return _explain(options["explain"])
    _refuse_contradictions(paths, options)
    try:
        os.getcwd()
    except OSError as error:
        raise ConfigError(f"the current folder cannot be used: {error.strerror}") from error
    resolver = Resolver(
        {
            key: options[key.replace("-", "_")]
            for key in _OPTION_KEYS
            if options[key.replace("-", "_")]
        },
        options["config_file"] or "",
        isolated=options["isolated"],
    )
    here = resolver.for_folder(".")
    if options["show_settings"]:
        return _show_settings(here)
    if options["show_files"]:
        return _show_files(paths, resolver)

    from atomic_fix.run.narrowing import Narrowing, commit, read_baseline

    baseline = options["baseline"] or (here.baseline and os.path.join(here.root, here.baseline))
    if options["write_baseline"] and not baseline:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    made_now = options["write_baseline"] and not os.path.lexists(baseline)
    run = _Run(
        paths,
        options,
        resolver,
        here,
        Narrowing(
            read_baseline(baseline) if baseline and not made_now else None,
            commit(options["diff_base"]) if options["diff_base"] else "",
        ),
    )
    if options["write_baseline"]:
        return _write_baseline(run, baseline)
    if "-" in paths:
        return _standard_input(run)
    if options["diff"]:
        return _diff(run)
    if options["write"] or options["interactive"] or options["add_noqa"] is not None:
        return _write(run)
    return _check(run)


def _refuse_contradictions(paths: tuple[str, ...], options: dict[str, Any]) -> None:
    if options["isolated"] and options["config_file"]:
        raise click.UsageError("--isolated and --config exclude each other")
    ways = [name for name in _WAYS if options[name] not in (None, False)]
    if len(ways) > 1:
        raise click.UsageError(f"{_flag(ways[0])} and {_flag(ways[1])} exclude each other")
    if "-" in paths and ways and ways[0] not in ("diff", "write"):
        raise click.UsageError(f"{_flag(ways[0])} needs files, not standard input")
    if "-" in paths and len(paths) > 1:
        raise click.UsageError("`-` (standard input) cannot be combined with other paths")
    if options["stdin_filename"] and "-" not in paths:
        raise click.UsageError("--stdin-filename needs the path `-`")
    if options["show_fixes"] and not (options["write"] or options["interactive"]):
        raise click.UsageError("--show-fixes needs --write")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check(run: _Run) -> int:
    from atomic_fix.run.all_files import check_files

    # The baseline is applied to all results at once: what it holds too many of is told.
    known = run.narrowing.baseline
    everything = replace(run.narrowing, baseline=None)
    results = tuple(check_files(run.paths, run.resolver, everything))
    if not results:
        click.echo("warning: no Python files found under the given paths", err=True)
    if known is not None:
        if not run.narrowing.diff_base:
            _tell_stale(known, results)
        results = tuple(
            replace(each, findings=known.unknown(each.findings)) if each.analysed else each
            for each in results
        )
    _print(results, run)
    _tell_notes(results)
    return _exit_code(results)


def _diff(run: _Run) -> int:
    from atomic_fix.run.all_files import repair_files
    from atomic_fix.run.one_file import Repair

    repairs = []
    failed = False
    for found in repair_files(run.paths, run.resolver, run.narrowing, run.allowed):
        if isinstance(found, Repair):
            failed |= _print_patch(found)
            repairs.append(found)
        else:
            failed |= _tell_unread(found)
    return _diff_exit_code(repairs, failed=failed)


def _write(run: _Run) -> int:
    from atomic_fix.run import disk
    from atomic_fix.run.all_files import repair_files, review_files, suppress_files
    from atomic_fix.run.one_file import Repair, check_bytes

    reason = run.options["add_noqa"]
    if reason is not None:
        if not reason.isprintable() or (run.here.require_reason and not reason.strip()):
            raise click.UsageError("--add-noqa needs a reason of one line")
        repaired = suppress_files(run.paths, run.resolver, run.narrowing, reason.strip())
    elif run.options["interactive"]:
        repaired = review_files(run.paths, run.resolver, run.narrowing, _ask)
    else:
        repaired = repair_files(run.paths, run.resolver, run.narrowing, run.allowed)
    results: list[FileResult] = []
    fixed: list[Finding] = []
    failed = False
    for found in repaired:
        if not isinstance(found, Repair):
            results.append(found)
            continue
        result = found.result
        name = result.filename
        if found.refusal:
            failed |= bool(_complain(f"{_name(name)}: not repaired: {found.refusal}"))
        if found.after != found.before:
            try:
                disk.write(name, found.before, found.after)
            except disk.NotWritten as error:
                failed |= bool(_complain(f"{_name(name)}: not written: {error}"))
                result = check_bytes(disk.read(name), name, run.settings_of(name), run.narrowing)
            else:
                fixed.extend(found.applied)
        results.append(result)
    if not results:
        click.echo("warning: no Python files found under the given paths", err=True)
    _print(tuple(results), run, tuple(fixed))
    if reason is not None and fixed:
        from atomic_fix.run.ruff_config import deletes_our_comments

        if ruff := deletes_our_comments("."):
            click.echo(
                f"warning: {_name(ruff)}: ruff's RUF100 or RUF102 would delete these comments, "
                'set external = ["ATF"] below its `lint`',
                err=True,
            )
    return max(_exit_code(results), FAILED if failed else CLEAN)


def _ask(finding: Finding, source: Source, new: str) -> Answer:
    """Show what a fix would change, and ask whether it is wanted."""
    from atomic_fix.finding import FileResult
    from atomic_fix.report import renderer
    from atomic_fix.report.content import Report
    from atomic_fix.report.patch import unified_patch
    from atomic_fix.review import Answer

    report = Report(
        (FileResult(finding.filename, (finding,)),), colour=_colour(sys.stdout.isatty())
    )
    click.echo(next(iter(renderer("full")(report))), nl=False, color=report.colour)
    patch = unified_patch(finding.filename, source.encode(source.text), source.encode(new))
    click.echo(_shown(patch, source.encoding))
    try:
        answer = click.prompt(
            "Apply? [y]es, [n]o, [a]ll, [s]uppress with a comment, [q]uit",
            type=click.Choice([each.value for each in Answer], case_sensitive=False),
            show_choices=False,
        )
    except click.Abort:
        return Answer.QUIT
    return Answer(answer)


def _shown(patch: bytes, encoding: str) -> str:
    """A patch for the eye: its lines without the two of the header."""
    lines = patch.decode(encoding, "backslashreplace").split("\n")[2:]
    return "\n".join(_name(line.rstrip("\r")) for line in lines)


def _standard_input(run: _Run) -> int:
    """Check what comes on standard input; with --write the repaired source goes to standard
    output, and the report to standard error."""
    from atomic_fix.run.one_file import check_bytes, repair_bytes

    filename = run.options["stdin_filename"] or "-"
    settings = run.settings_of(filename)
    content = sys.stdin.buffer.read()
    if not (run.options["diff"] or run.options["write"]):
        results = (check_bytes(content, filename, settings, run.narrowing),)
        _print(results, run)
        _tell_notes(results)
        return _exit_code(results)

    repair = repair_bytes(content, filename, settings, run.narrowing, run.allowed)
    if run.options["diff"]:
        failed = _print_patch(repair)
        return _diff_exit_code([repair], failed=failed)
    sys.stdout.buffer.write(repair.after)
    sys.stdout.buffer.flush()
    _print((repair.result,), run, repair.applied, to_stderr=True)
    if repair.refusal:
        return _complain(f"{_name(filename)}: not repaired: {repair.refusal}")
    return _exit_code([repair.result])


def _write_baseline(run: _Run, path: str) -> int:
    from atomic_fix import baseline
    from atomic_fix.report.content import count
    from atomic_fix.run import disk
    from atomic_fix.run.all_files import check_files

    known = run.narrowing.baseline
    results = tuple(check_files(run.paths, run.resolver, replace(run.narrowing, baseline=None)))
    failed = [result for result in results if _tell_unread(result)]
    if known is None:
        found = [each for result in results if result.analysed for each in result.findings]
        new = baseline.of(found, os.path.dirname(os.path.abspath(path)))
    else:
        new = _pruned(known, results)
        for line in baseline.stale(known, new):
            click.echo(f"taken out: {_name(line)}")
    try:
        disk.write_report(path, baseline.text_of(new))
    except OSError as error:
        raise ConfigError(f"{_name(path)}: cannot be written: {disk.reason(error)}") from error
    click.echo(f"{_name(path)}: {count(sum(new.counts.values()), 'known finding')}.")
    return FAILED if failed else CLEAN


def _pruned(known: Baseline, results: Sequence[FileResult]) -> Baseline:
    from atomic_fix import baseline

    analysed = [result for result in results if result.analysed]
    found = baseline.of((each for result in analysed for each in result.findings), known.folder)
    return baseline.shrunk(known, found, {known.path_of(each.filename) for each in analysed})


def _tell_stale(known: Baseline, results: Sequence[FileResult]) -> None:
    from atomic_fix import baseline

    for line in baseline.stale(known, _pruned(known, results)):
        click.echo(f"warning: no longer found, see --write-baseline: {_name(line)}", err=True)


def _print(
    results: tuple[FileResult, ...],
    run: _Run,
    fixed: tuple[Finding, ...] = (),
    *,
    to_stderr: bool = False,
) -> None:
    from atomic_fix.report import renderer
    from atomic_fix.report.content import Report

    stream = sys.stderr if to_stderr else sys.stdout
    options = run.options
    to_file = options["output_file"]
    colour = not to_file and _colour(stream.isatty())
    report = Report(
        results,
        unsafe_fixes=options["unsafe_fixes"],
        colour=colour,
        width=0 if to_file or not stream.isatty() else _terminal_width(),
        fixed=fixed,
        done="Suppressed" if options["add_noqa"] is not None else "Fixed",
        show_fixes=options["show_fixes"],
    )
    name = "statistics" if options["statistics"] else run.here.output_format
    pieces = renderer(name)(report)
    if to_file:
        from atomic_fix.run import disk

        try:
            disk.write_report(to_file, "".join(pieces))
        except OSError as error:
            raise ConfigError(
                f"--output-file: {to_file}: cannot be written: {disk.reason(error)}"
            ) from error
        return
    for piece in pieces:
        click.echo(piece, nl=False, color=colour, err=to_stderr)


def _print_patch(repair: Repair) -> bool:
    """Print the patch of one file; whether anything went wrong with it."""
    from atomic_fix.relative import seen_from
    from atomic_fix.report.patch import unified_patch

    filename = repair.result.filename
    out = sys.stdout.buffer
    out.write(unified_patch(seen_from(filename, "."), repair.before, repair.after))
    out.flush()
    if repair.refusal:
        return bool(_complain(f"{_name(filename)}: not repaired: {repair.refusal}"))
    return _tell_unread(repair.result)


def _tell_unread(result: FileResult) -> bool:
    """Say on standard error why a file could not be analysed, if so; whether it is so."""
    if result.analysed:
        return False
    for finding in result.findings:
        start = finding.span.start
        place = f"{_name(finding.filename)}:{start.row}:{start.column}"
        click.echo(f"{place}: {finding.code} {finding.message}", err=True)
    return True


def _tell_notes(results: Iterable[FileResult]) -> None:
    for result in results:
        for row, remark in result.notes:
            click.echo(f"warning: {_name(result.filename)}:{row}: {_name(remark)}", err=True)


def _diff_exit_code(repairs: Sequence[Repair], *, failed: bool) -> int:
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


def _exit_code(results: Iterable[FileResult]) -> int:
    worst = CLEAN
    for result in results:
        if not result.analysed:
            return FAILED
        if result.findings:
            worst = FOUND
    return worst


def _explain(code: str) -> int:
    from atomic_fix.check import UNREADABLE, UNREADABLE_NAME
    from atomic_fix.report.content import UNREADABLE_PAGE
    from atomic_fix.rules import RULES
    from atomic_fix.settings import nearest

    pages = {(rule.code, rule.name): rule.page for rule in RULES}
    pages[UNREADABLE, UNREADABLE_NAME] = UNREADABLE_PAGE
    for (known, name), page in pages.items():
        if code.upper() == known or code.lower() == name:
            click.echo(f"{known} {name}\n\n{page.strip()}")
            return CLEAN
    hint = nearest(code.upper(), [known for known, _ in pages])
    return _complain(f"--explain: unknown rule code `{_name(code)}`{hint}")


def _show_settings(settings: Settings) -> int:
    import json

    from atomic_fix.settings import shown

    click.echo(f"# {_name(settings.origin) or 'no configuration file'}")
    for name, value in shown(settings).items():
        click.echo(f"{name} = {json.dumps(value)}")
    return CLEAN


def _show_files(paths: tuple[str, ...], resolver: Resolver) -> int:
    from atomic_fix.run.discover import Candidate, discover

    code = CLEAN
    for found in discover(paths, resolver):
        if isinstance(found, Candidate):
            click.echo(_name(found.path))
        else:
            code = _complain(f"{_name(found.filename)}: {found.reason}")
    return code


def _complain(message: str) -> int:
    click.echo(f"atomic-fix: error: {message}", err=True)
    return FAILED


def _name(path: str) -> str:
    from atomic_fix.report.content import printable

    return printable(path)


def _colour(is_terminal: bool) -> bool:
    """Whether to colour: NO_COLOR and FORCE_COLOR decide when set, NO_COLOR first."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def _terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size().columns
