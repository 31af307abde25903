"""The flake8 plugin: the findings of the command, in a flake8 run.

flake8 handles `# noqa`, `select`, `ignore` and `exclude`. Other settings come from
`[tool.atomic-fix]`, as for the command, overridden by flake8's `atf-…` options. flake8 does not
tell plugins that it runs with `--isolated`.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from atomic_fix import __version__
from atomic_fix.finding import FileResult, Finding, Unreadable, listed
from atomic_fix.report import one_per_call, printable
from atomic_fix.run import disk
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.run.indexing import Indexing
from atomic_fix.run.one_file import Content, Parsed, check_file, defect
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import KEYS, ConfigError, Kind, Resolver, Settings
from atomic_fix.source import Source
from atomic_fix.suppress import Reach, Suppressions

if TYPE_CHECKING:
    from atomic_fix.facts.outside import FileSlice

_OPTIONS = tuple(
    key for key in KEYS if (key.of_config or key.name == "project") and key.kind is not Kind.CODES
)
"""The keys that are flake8 options too: those that affect findings. flake8 selects codes."""


def _let_no_file_end_the_run() -> None:
    """Make flake8 report two kinds of files, before it runs any plugin, like other unusable files.
    It would otherwise end with a traceback and report no file at all.

    A file with a coding cookie that does not name a text encoding (`rot13`) is read as latin-1, as
    if the cookie's name were unknown. Code that is nested too deeply for Python's parser, or
    contains a null byte, is a syntax error, E999.
    """
    from flake8.processor import FileProcessor

    read, build = FileProcessor.read_lines_from_filename, FileProcessor.build_ast
    if read.__module__ == __name__:
        return  # already registered

    def read_lines_from_filename(self: FileProcessor) -> list[str]:
        try:
            return read(self)
        except LookupError:
            with open(self.filename, encoding="latin-1") as file:  # noqa: PTH123
                return file.readlines()

    def build_ast(self: FileProcessor) -> ast.AST:
        try:
            return build(self)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "nested too deeply") from error

    FileProcessor.read_lines_from_filename = read_lines_from_filename  # type: ignore[method-assign]
    FileProcessor.build_ast = build_ast  # type: ignore[method-assign]


class AtomicFixPlugin:
    """Run by flake8 once for each file that it can parse; it reports the others as E999 itself."""

    name = "atomic-fix"
    version = __version__
    # flake8 gives options to the class and makes an object for each file.
    _resolver: ClassVar[Resolver] = Resolver({})
    _wanted: ClassVar[tuple[str, ...]] = ()
    """The codes that flake8 is configured to select; a rule that is off by default is on if its
    full code is among them."""
    _guides: ClassVar[Any] = None
    """flake8's own object that decides which codes it reports for a file; None if unknown."""
    _noqa: ClassVar[bool] = True
    """Whether flake8 obeys `# noqa`."""
    _stdin_name: ClassVar[str] = ""
    """The name that flake8 uses for standard input; empty if it does not read that."""
    _indexing: ClassVar[Indexing | None] = None
    """The project indexes, linked before flake8 distributes files to processes, which inherit
    them."""

    def __init__(self, tree: ast.Module, filename: str, lines: list[str]) -> None:
        self._tree = tree
        self._filename = filename
        self._lines = lines

    @classmethod
    def add_options(cls, manager: Any) -> None:
        """Register the options, called by flake8."""
        for key in _OPTIONS:
            if key.kind is Kind.BOOLEAN and not key.holds_by_default:
                manager.add_option(
                    f"--atf-{key.name}",
                    action="store_true",
                    default=None,
                    parse_from_config=True,
                    help=key.help.replace("%", "%%"),
                )
                continue
            is_list = key.kind in (Kind.STRINGS, Kind.SAVERS)
            manager.add_option(
                f"--atf-{key.name}",
                parse_from_config=True,
                comma_separated_list=is_list,
                default=None,
                metavar=key.name.upper(),
                help=key.help.replace("%", "%%"),
            )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take the options, called by flake8 before it reads any file.

        Raises:
            ExecutionError: of flake8, which says it in one line and ends; an option cannot
                be used.
        """
        values: dict[str, object] = {}
        for key in _OPTIONS:
            value = getattr(options, f"atf_{key.attribute}")
            if value is not None:
                values[key.name] = value
                if key.kind is Kind.BOOLEAN and isinstance(value, str):
                    # Anything else is refused by name.
                    values[key.name] = {"true": True, "false": False}.get(value.lower(), value)
                if key.kind is Kind.FRACTION:
                    with suppress(ValueError):  # what is not a number is refused by name
                        values[key.name] = float(value)
        try:
            cls._resolver = Resolver(values)
        except ConfigError as error:
            # Here, and not above: flake8 is there when this is called.
            from flake8.exceptions import ExecutionError

            raise ExecutionError(f"atomic-fix: {error}") from error
        _let_no_file_end_the_run()
        cls._wanted = (*(options.select or ()), *(options.extend_select or ()))
        cls._noqa = not options.disable_noqa
        with suppress(Exception):  # it is flake8's own affair, and may change
            from flake8.style_guide import StyleGuideManager

            cls._guides = StyleGuideManager(options, formatter=cast(Any, None))
        cls._stdin_name = options.stdin_display_name if "-" in options.filenames else ""
        cls._indexing = cls._linked(options)

    @classmethod
    def _linked(cls, options: argparse.Namespace) -> Indexing | None:
        """The projects of the files that flake8 was given. None if they cannot be determined: every
        file is then judged alone."""
        from atomic_fix.run import store

        given = [each for each in options.filenames if each != "-"] or ["."]
        wanted = [cls._stdin_name] if cls._stdin_name else given
        try:
            # One process: flake8 may be part of another program.
            indexing = Indexing(cls._resolver, given, store.default_folder())
            for path in wanted:
                # The files of a folder may belong to several projects.
                inside = discover([path], cls._resolver) if Path(path).is_dir() else ()
                for name in [path, *(x.path for x in inside if isinstance(x, Candidate))]:
                    indexing.update_project_of(name)
        except Exception:
            return None
        indexing.is_closed = True
        return indexing

    def run(self) -> Iterator[tuple[int, int, str, type[AtomicFixPlugin]]]:
        """Row, column from 0, text and class of each finding.

        Never raises: an exception here would end the whole flake8 run.
        """
        try:
            result = self._result()
        except ConfigError as error:
            reason = " ".join(str(error).split())
            result = FileResult(self._filename, problem=Unreadable(self._filename, reason))
        except Exception as error:
            result = FileResult(self._filename, problem=defect(error, self._filename))
        for finding in listed(result):
            start = finding.span.start
            said = f"{finding.code} {printable(finding.headline)}"
            yield start.row, start.column - 1, said, type(self)

    def _result(self) -> FileResult:
        settings = self._settings()
        text = "".join(self._lines)
        content: Content
        if self._filename == self._stdin_name:
            # Standard input is available only as lines; positions in them are the same.
            content = Source(self._filename, text, "utf-8", bom=False)
        else:
            # Read from disk: if the file cannot be decoded, flake8's lines are decoded as latin-1,
            # and it splits a file with \r into other lines.
            content = disk.read(self._filename)
        outside = self._said_by_others(content)
        known = settings.baseline and str(Path(settings.root, settings.baseline))
        report_filter, parsed = ReportFilter(baseline_file=known), Parsed(text, self._tree)
        result = check_file(
            content,
            self._filename,
            settings,
            report_filter,
            parsed,
            noqa=False,
            fixes=False,
            outside=outside,
        )
        if not result.findings:
            return result
        findings = one_per_call(result.findings, self._hidden_by_flake8())
        return replace(result, findings=findings)

    def _said_by_others(self, content: Content) -> FileSlice | None:
        """The evidence in other files of the project about this one; None if there is none."""
        if self._indexing is None:
            return None
        if isinstance(content, Source):
            return self._indexing.slice_of(self._filename, content.encode(content.text))
        return self._indexing.slice_of(self._filename)

    def _hidden_by_flake8(self) -> Callable[[Finding], bool]:
        """Finds out whether flake8 will not report a finding, so that it must not hide another
        one."""
        source = Source(self._filename, "".join(self._lines), "utf-8", bom=False)
        comments = Suppressions.of(source).only(Reach.LINE, Reach.FILE).comments
        guide = self._guides and self._guides.style_guide_for(self._filename)

        def is_hidden(finding: Finding) -> bool:
            if self._noqa and any(each.covers(finding) for each in comments):
                return True
            return guide is not None and not _is_selected(guide, finding.code)

        return is_hidden

    def _settings(self) -> Settings:
        """The settings of this file, with the rules that flake8 is configured to select by their
        full code. Rules that are off by default are not put into flake8's ignore list, because
        `--ignore` would replace that list."""
        settings = self._resolver.for_file(self._filename)
        config, wanted = settings.config, self._wanted
        return replace(
            settings,
            config=replace(
                config,
                extend_select=(*config.extend_select, *wanted),
                ignore=tuple(code for code in config.ignore if code not in wanted),
            ),
        )


def _is_selected(guide: Any, code: str) -> bool:
    """Whether a style guide of flake8 reports a code."""
    try:
        return bool(guide.should_report_error(code).value.startswith("selected"))
    except Exception:
        return True
