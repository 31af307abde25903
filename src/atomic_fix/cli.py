"""The command line: options in, exit code out.

Exit codes: 0 nothing to tell, 1 findings (with --diff: something to change), 2 it could not
do its work on some path, or on all of them.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from atomic_fix import __version__
from atomic_fix.settings import KEYS, OUTPUT_FORMATS, ConfigError, Resolver

_Function = TypeVar("_Function", bound="Callable[..., Any]")


HEADINGS = {
    "select": "What to check",
    "diff": "Repair",
    "add_noqa": "Known findings",
    "vendor": "Helper",
    "output_format": "Output",
    "config_file": "Configuration",
    "jobs": "Speed",
    "explain": "About",
}
"""What --help says above which option."""


_WAYS = (
    "diff", "write", "interactive", "add_noqa", "write_baseline",
    "vendor", "vendor_check", "vendor_update",
)  # fmt: skip
"""The options that do something else than report; one at a time."""


@contextmanager
def _ending() -> Iterator[None]:
    """Ends with 130, as a shell has it, when it is interrupted, and with 2 when the output cannot
    be written: the 1 of a traceback, or of click, would stand for findings."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise click.exceptions.Exit(130) from error
    except OSError as error:
        reason = error.strerror or str(error)
        # What is left in a buffer would fail once more, at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            _say(f"the output cannot be written: {reason}")
        except OSError:
            os.dup2(1, 2)
        raise click.exceptions.Exit(2) from error


def _say(problem: str) -> None:
    sys.stderr.write(f"atomic-fix: error: {problem}\n")
    sys.stderr.flush()


def _hold_streams() -> None:
    """See that the standard streams are open: no other file must get the number of one."""
    # What is opened gets the lowest number that is free.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.BytesIO())
    if sys.stdout is None:
        _say("the output cannot be written: standard output is closed")
        sys.exit(2)


class _GroupedCommand(click.Command):
    """A command whose --help shows its options under headings."""

    def main(self, *args: Any, **extra: Any) -> Any:
        _hold_streams()
        return super().main(*args, **extra)

    @_ending()
    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        return super().make_context(*args, **extra)

    @_ending()
    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if option.name in HEADINGS:
                records = sections[HEADINGS[option.name]] = []
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
                records.append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


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
@_code_option("--select", "Check only these codes; ATF1 is all that begin so.")
@_code_option("--extend-select", "Check these codes too.")
@_code_option("--ignore", "Do not check these codes.")
@click.option("--check-tests", is_flag=True, help="Check tests too.")
@click.option(
    "--project/--no-project",
    default=None,
    help="Whether the other files of the project count.",
)
@click.option("--force-exclude", is_flag=True, help="Leave out excluded files even if named.")
@click.option(
    "--diff-base",
    metavar="REV",
    help="Tell only findings on lines changed since then.",
)
@click.option("--stdin-filename", metavar="PATH", help="What to call the source read from `-`.")
@click.option("--diff", is_flag=True, help="Print what --write would change, as a patch.")
@click.option("--write", is_flag=True, help="Repair the files, then report what remains.")
@click.option("--interactive", is_flag=True, help="Ask about each repair.")
@click.option("--unsafe-fixes", is_flag=True, help="Take the fixes that a person should read too.")
@click.option(
    "--on-corrupt",
    type=click.Choice(("auto", "raise", "warn", "quarantine")),
    metavar="ANSWER",
    help="Of repaired loaders: auto, raise, warn, quarantine.",
)
@click.option(
    "--assume-helper", is_flag=True, help="Repair whether or not the helper can be imported."
)
@click.option("--show-fixes", is_flag=True, help="List each repair that was made.")
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
    help="Make that file, or take out of it what is gone.",
)
@click.option("--fail-on-unused", is_flag=True, help="Exit with 1 for what suppresses nothing.")
@click.option(
    "--vendor",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Copy the helper that repaired code calls to this new file.",
)
@click.option("--vendor-check", is_flag=True, help="Find edited or outdated copies of it.")
@click.option("--vendor-update", is_flag=True, help="Update the copies that nobody has edited.")
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
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Use N processes; 0: one a processor.",
)
@click.option("--no-cache", is_flag=True, help="Neither use nor keep results of earlier runs.")
@click.option(
    "--cache-dir",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=str),
    help="Keep results there, not in the user's cache.",
)
@click.option("--shard", metavar="I/N", help="Check only part I of N parts of the files.")
@click.option(
    "--explain",
    metavar="CODE",
    shell_complete=_complete_code,
    help="Print the page of a rule.",
)
@click.version_option(__version__, prog_name="atomic-fix", message="%(prog)s %(version)s")
def main(paths: tuple[str, ...], **options: Any) -> None:
    """Find, explain and repair checkpoints that a crash cuts short.

    PATHS are files and folders, or `-`: standard input. Without any: this folder.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from atomic_fix.commands import report_error

    try:
        code = _start(paths, options)
    except ConfigError as error:
        code = report_error(str(error))
    sys.exit(code)


def _start(paths: tuple[str, ...], options: dict[str, Any]) -> int:
    """Do what the options ask for; the exit code.

    Raises:
        ConfigError: a configuration file, baseline, revision or option cannot be used.
    """
    if options["explain"] is not None:
        from atomic_fix.commands.about import explain

        return explain(options["explain"])
    _refuse_contradictions(paths, options)
    paths = paths or (".",)
    if sys.stdin is None and ("-" in paths or options["interactive"]):
        raise ConfigError("standard input is closed")
    try:
        os.getcwd()
    except OSError as error:
        raise ConfigError(f"the current folder cannot be used: {error.strerror}") from error
    resolver = Resolver(
        {
            key.name: options[key.attribute]
            for key in KEYS
            # The option is relative to the current folder, the key to its file.
            if (options.get(key.attribute) and key.name != "baseline")
            or (key.name == "project" and options["project"] is not None)
        },
        options["config_file"] or "",
        isolated=options["isolated"],
    )
    if options["vendor"] is not None:
        from atomic_fix.commands.vendor import vendor

        return vendor(options["vendor"], resolver)
    if options["vendor_check"] or options["vendor_update"]:
        from atomic_fix.commands.vendor import check_copies

        return check_copies(paths, resolver, update=options["vendor_update"])
    here = resolver.for_folder(".")
    if options["show_settings"]:
        from atomic_fix.commands.about import show_settings

        return show_settings(here)
    if options["show_files"]:
        from atomic_fix.commands.about import show_files

        return show_files(paths, resolver)

    from atomic_fix.commands import Session
    from atomic_fix.run.git import revision
    from atomic_fix.run.report_filter import ReportFilter, read_baseline

    baseline = options["baseline"] or (here.baseline and os.path.join(here.root, here.baseline))
    if options["write_baseline"] and not baseline:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    made_now = options["write_baseline"] and not os.path.lexists(baseline)
    report_filter = ReportFilter(
        read_baseline(baseline) if baseline and not made_now else None,
        revision(options["diff_base"]) if options["diff_base"] else None,
    )
    session = Session(paths, options, resolver, here, report_filter)
    if options["write_baseline"]:
        from atomic_fix.commands.check import write_baseline

        return write_baseline(session, baseline)
    if "-" in paths:
        from atomic_fix.commands.check import standard_input

        return standard_input(session)
    if options["diff"]:
        from atomic_fix.commands.repair import diff

        return diff(session)
    if options["write"] or options["interactive"] or options["add_noqa"] is not None:
        from atomic_fix.commands.repair import write

        return write(session)
    from atomic_fix.commands.check import check

    return check(session)


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
    if options["vendor"] is not None and paths:
        raise click.UsageError(f"--vendor FILE takes no other path: {' '.join(paths)}")
    if options["stdin_filename"] and "-" not in paths:
        raise click.UsageError("--stdin-filename needs the path `-`")
    if options["show_fixes"] and not (options["write"] or options["interactive"]):
        raise click.UsageError("--show-fixes needs --write")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
