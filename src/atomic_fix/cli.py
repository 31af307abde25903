"""The command line: options in, exit code out.

Exit codes: 0 no findings, 1 findings (with --diff: something to change), 2 some or all
of the paths could not be processed.
"""

import gc
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from atomic_fix import __version__
from atomic_fix.settings import KEYS, ConfigError, Key, Kind, Resolver

_Function = TypeVar("_Function", bound="Callable[..., Any]")


HEADINGS = {
    "select": "What to check",
    "diff": "Repair",
    "add_noqa": "Known findings",
    "output_format": "Output",
    "configs": "Configuration and speed",
    "explain": "About",
}
"""The headings of --help, each by the option that it comes before."""


_WAYS = (
    "diff", "write", "interactive", "add_noqa", "write_baseline",
    "vendor", "vendor_check", "vendor_update",
)  # fmt: skip
"""The options that do something other than report; only one can be used at a time."""


@contextmanager
def _ending() -> Iterator[None]:
    """Exits with 130, as in a shell, if interrupted, and with 2 if the output cannot be written:
    exit code 1, which a traceback or click would cause, means findings."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise click.exceptions.Exit(130) from error
    except OSError as error:
        reason = error.strerror or str(error)
        # Otherwise data left in a buffer would fail again at exit.
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
    """Make sure that the descriptors 0 to 2 are open, so that no other file gets one of them."""
    # A file that is opened gets the lowest free descriptor.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.BytesIO())
    if sys.stdout is None:
        _say("the output cannot be written: standard output is closed")
        sys.exit(2)


class _GroupedCommand(click.Command):
    """A command whose --help groups its options under headings."""

    def main(self, *args: Any, **extra: Any) -> Any:
        _hold_streams()
        return super().main(*args, **extra)

    @_ending()
    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        return super().make_context(*args, **extra)

    @_ending()
    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        found = super().shell_complete(ctx, incomplete)
        for each in found:
            # click's completion for fish truncates a description at its first comma.
            each.help = each.help and each.help.replace(",", ";")
        return found

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if option.name in HEADINGS:
                records = sections[HEADINGS[option.name]] = []
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
                records.append(record)
        # Without blank lines in between, so that it fits on one screen.
        formatter.write_paragraph()
        for heading, records in sections.items():
            formatter.write_heading(heading)
            with formatter.indentation():
                formatter.write_dl(records)


def _split(_ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def _complete_code(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    from atomic_fix.rules import RULES

    before, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(before + comma + rule.code, help=rule.name)
        for rule in RULES
        if rule.code.startswith(last.upper())
    ]


def _ignores(
    _ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> dict[str, list[str]]:
    """`a.py:ATF1,b.py:ATF101,ATF2`, as in ruff and flake8: consecutive patterns share the codes
    after the last of them."""
    found: dict[str, list[str]] = {}
    for value in values:
        patterns: list[str] = []
        is_complete = False
        for word in re.split(r"[,\s]+", value.strip(", \t\n")):
            pattern, colon, code = word.rpartition(":")
            if not colon and is_complete and re.fullmatch("[A-Za-z]+[0-9]*", word):
                code = word
            else:
                if is_complete:
                    patterns = []
                patterns.append(pattern if colon else word)
                is_complete = bool(colon)
            if is_complete:
                for each in patterns:
                    found.setdefault(each, []).append(code)
        if not is_complete or "" in found or any("" in codes for codes in found.values()):
            raise click.BadParameter(f"{value!r} is not PATTERN:CODE, as in `scripts/:ATF1`")
    return found


def _setting(name: str, metavar: str = "") -> Callable[[_Function], _Function]:
    """The option for a configuration key; without `metavar` it is a flag."""
    key = next(each for each in KEYS if each.name == name)
    given: dict[str, Any] = {"metavar": metavar} if metavar else {"is_flag": True}
    match key.kind:
        case Kind.CODES:
            given |= {"multiple": True, "callback": _split, "shell_complete": _complete_code}
        case Kind.PATTERNS:
            given |= {"multiple": True, "callback": _split}
        case Kind.TABLE:
            given |= {"multiple": True, "callback": _ignores}
        case Kind.FRACTION:
            given |= {"type": float}
        case Kind.STRING:
            given |= {"type": click.Choice(key.choices)}
    negation = ""
    if key.holds_by_default:
        negation = f"/--no-{name}"
        given["default"] = None
    return click.option(f"--{name}{negation}", help=key.option, **given)


@click.command(
    cls=_GroupedCommand,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    options_metavar="[OPTIONS]",
    epilog="Exit code: 0 clean, 1 findings, 2 some files could not be analysed or written.",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=str))
@_setting("select", "CODES")
@_setting("extend-select", "CODES")
@_setting("ignore", "CODES")
@_setting("per-file-ignores", "LIST")
@_setting("min-confidence", "NUMBER")
@_setting("check-tests")
@_setting("check-syntax")
@_setting("project")
@_setting("exclude", "PATTERNS")
@_setting("extend-exclude", "PATTERNS")
@_setting("force-exclude")
@click.option(
    "--diff-base",
    metavar="REV",
    help="Report only findings on lines changed since REV.",
)
@click.option(
    "--stdin-filename", metavar="PATH", help="The file name of standard input, the path `-`."
)
@click.option("--diff", is_flag=True, help="Print what --write would change, as a patch.")
@click.option(
    "--write", "--fix", "write", is_flag=True, help="Repair the files, then report what remains."
)
@click.option("--fix-only", is_flag=True, help="Repair the files, but do not report findings.")
@click.option("--interactive", is_flag=True, help="Ask about each repair.")
@click.option("--unsafe-fixes", is_flag=True, help="Include fixes that should be reviewed.")
@_setting("on-corrupt", "ANSWER")
@_setting("assume-helper")
@click.option("--show-fixes", is_flag=True, help="List each repair that was made.")
@click.option(
    "--add-noqa",
    metavar="REASON",
    help="Add a `# noqa` comment with this reason to each finding.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Do not report the findings listed in this file.",
)
@click.option(
    "--write-baseline",
    is_flag=True,
    help="Create the baseline, or remove entries no longer found.",
)
@_setting("fail-on-unused")
@click.option(
    "--vendor",
    metavar="FILE",
    type=click.Path(path_type=str),
    help="Copy the helper module to this new file.",
)
@click.option("--vendor-check", is_flag=True, help="Find edited or outdated copies of the helper.")
@click.option("--vendor-update", is_flag=True, help="Update copies that have not been edited.")
@_setting("output-format", "FORMAT")
@click.option(
    "--output-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=str),
    help="Write the report to this file.",
)
@click.option("--statistics", is_flag=True, help="Count the findings per code instead.")
@click.option("-e", "--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Show which files and settings are used.")
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    metavar="WHEN",
    help="Colour the output: auto, always, never.",
)
@click.option(
    "--config",
    "configs",
    multiple=True,
    metavar="FILE|KEY=VALUE",
    type=click.Path(path_type=str),
    help="Use this file, or set one key (as TOML).",
)
@click.option("--isolated", is_flag=True, help="Read no configuration file.")
@click.option("--show-settings", is_flag=True, help="Print the settings of the current folder.")
@click.option("--show-files", is_flag=True, help="Print the files that would be checked.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Use N processes; 0: one per processor.",
)
@click.option("--no-cache", is_flag=True, help="Do not use or store results of earlier runs.")
@click.option(
    "--cache-dir",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=str),
    help="Store results here, not in the user's cache.",
)
@click.option("--shard", metavar="I/N", help="Check only part I of N parts of the files.")
@click.option(
    "--explain",
    metavar="CODE",
    shell_complete=_complete_code,
    help="Print the page of a rule, or of all with a prefix.",
)
@click.option(
    "--explain-finding",
    metavar="FILE:ROW",
    help="Print the evidence for and against a finding.",
)
@click.version_option(__version__, prog_name="atomic-fix", message="%(prog)s %(version)s")
def main(paths: tuple[str, ...], **options: Any) -> None:
    """Find and repair unsafe writes and loads of state in PATHS (default: `.`)."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from atomic_fix.commands import report_error

    try:
        code = _start(paths, options)
    except ConfigError as error:
        code = report_error(str(error))
    sys.exit(0 if code == 1 and options["exit_zero"] else code)


def _start(paths: tuple[str, ...], options: dict[str, Any]) -> int:
    """Do what the options ask for; return the exit code.

    Raises:
        ConfigError: a configuration file, baseline, revision or option cannot be used.
    """
    if options["explain"] is not None:
        from atomic_fix.commands.about import explain

        return explain(options["explain"])
    if paths[:1] == ("check",) and not os.path.lexists("check"):
        paths = paths[1:]  # ruff's sub-command; here, checking is the default
    options["write"] |= options["fix_only"]
    config_file, inline = _configured(options["configs"])
    if options["isolated"] and config_file:
        raise click.UsageError("--isolated and --config exclude each other")
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
            **inline,
            **{
                key.name: options[key.attribute]
                for key in KEYS
                if key.option and _is_given(options[key.attribute], key)
            },
        },
        config_file,
        isolated=options["isolated"],
    )
    if options["vendor"] is not None:
        from atomic_fix.commands.vendor import vendor

        return vendor(options["vendor"], resolver)
    if options["vendor_check"] or options["vendor_update"]:
        from atomic_fix.commands.vendor import check_copies

        return check_copies(paths, resolver, update=options["vendor_update"])
    here = resolver.for_folder(".")
    if options["explain_finding"] is not None:
        from atomic_fix.commands.explain_finding import explain_finding

        return explain_finding(options["explain_finding"], here, resolver)
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
    is_writing = options["write"] or options["interactive"] or options["add_noqa"] is not None
    if is_writing or options["diff"]:
        gc.enable()  # it may run for a long time and handle many files
    if options["diff"]:
        from atomic_fix.commands.repair import diff

        return diff(session)
    if is_writing:
        from atomic_fix.commands.repair import write

        return write(session)
    from atomic_fix.commands.check import check

    return check(session)


def _is_given(value: object, key: Key) -> bool:
    """Whether the option of a key was given; 0 is a valid value."""
    if value is False:
        return key.holds_by_default
    return value is not None and value not in ([], {})


def _configured(configs: Sequence[str]) -> tuple[str, dict[str, object]]:
    """The configuration file, empty for none, and the keys that `--config` gives.

    Raises:
        ConfigError: a value is neither, or there are two files.
    """
    named, inline = "", dict[str, object]()
    for each in configs:
        if "=" not in each or os.path.lexists(each):
            if named:
                raise ConfigError(f"--config: {named} and {each}: only one file can be used")
            named = each
            continue
        from atomic_fix.settings import toml

        try:
            values = toml(each.encode("utf-8", "surrogateescape"))
        except ValueError as error:
            name = each.partition("=")[0].strip()
            hint = "".join(f", as in {key.name}={key.example}" for key in KEYS if key.name == name)
            raise ConfigError(f"--config: `{each}` is not valid TOML: {error}{hint}") from error
        if "extend" in values:
            raise ConfigError("--config: `extend` can only stand in a file")
        inline.update(values)
    return named, inline


def _refuse_contradictions(paths: tuple[str, ...], options: dict[str, Any]) -> None:
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
