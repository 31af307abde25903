"""Presents findings to a reader. A format makes no decisions; it only presents. A format is a
function `render(report) -> Iterator[str]`; the pieces of text are printed one after the other. Its
module is imported when it is needed. This module has the table of formats, the contents of a
report, helpers that formats share, and patches.
"""

import enum
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from atomic_fix.baseline import normalised
from atomic_fix.finding import (
    NOT_ANALYSED_NAME,
    Applicability,
    FileResult,
    Finding,
    Fix,
    Position,
    Span,
    listed,
)
from atomic_fix.source import Source, relative_if_inside

FORMATS: dict[str, str] = {
    "full": "text.full",
    "concise": "text.concise",
    "grouped": "text.grouped",
    "json": "machine_readable.json_array",
    "jsonl": "machine_readable.json_lines",
    "sarif": "sarif.render",
    "github": "machine_readable.github",
    "gitlab": "machine_readable.gitlab",
    "junit": "machine_readable.junit",
    "rdjson": "machine_readable.rdjson",
    "statistics": "text.statistics",
}
"""Module and function of each output format; `statistics` has an option of its own."""
STATISTICS = {
    "full": "text.statistics",
    "concise": "text.statistics",
    "grouped": "text.statistics",
    "json": "machine_readable.statistics_array",
    "jsonl": "machine_readable.statistics_lines",
}
"""The formats that have their own form of `--statistics`."""


@dataclass(frozen=True, slots=True)
class Severity:
    """A severity in the terms of each format."""

    name: str
    """JSON's, GitHub's and SARIF's."""
    gitlab: str
    junit: str
    """The child element of a test case."""
    lsp: int
    """A `DiagnosticSeverity`."""


DEFECT = Severity("warning", gitlab="major", junit="failure", lsp=2)
"""Of a finding."""
NOT_CHECKED = Severity("error", gitlab="critical", junit="error", lsp=1)
"""Of a file that could not be analysed."""


NOT_ANALYSED_PAGE = """\
The file could not be analysed.

## What it does

Stands for a file or folder that could not be read, decoded or parsed, or a defect
in atomic-fix itself. The message says which.

## Why is this bad

The contents of the file were not checked. The exit code is 2, so that the run does not look clean.

## Use instead

Correct the file, or leave it out with `exclude`. ATF000 can neither be ignored nor suppressed.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one run and how to show them. `unsafe_fixes` says whether unsafe fixes were
    requested, `colour` whether terminal colours may be used, and `width` is the number of columns;
    0 means no limit. `fixed` are the findings that --write has repaired, and `done` is the verb for
    it; `results` then contain the remaining findings. `imported` has the modules that some of the
    repairs import. `fixes_only` means that `results` lack the remaining findings, and `quiet` that
    only findings are shown. `docs_url` is the address of the published documentation, or empty.
    `source_of` returns the text of a file as it was checked, or None if it is no longer available;
    changes are then not shown.
    """

    results: tuple[FileResult, ...]
    unsafe_fixes: bool = False
    colour: bool = False
    width: int = 0
    fixed: tuple[Finding, ...] = ()
    show_fixes: bool = False
    fixes_only: bool = False
    quiet: bool = False
    imported: Mapping[Finding, str] = field(default_factory=dict)
    done: str = "Fixed"
    docs_url: str = ""
    source_of: Callable[[str], Source | None] = lambda _filename: None

    @property
    def findings(self) -> Iterator[Finding]:
        for result in self.results:
            yield from listed(result)

    @property
    def rated(self) -> Iterator[tuple[Finding, Severity]]:
        """The findings, each with its severity."""
        for result in self.results:
            for finding in listed(result):
                yield finding, severity_of(result)


def one_per_call(
    findings: Sequence[Finding], is_hidden: Callable[[Finding], bool] = lambda _: False
) -> tuple[Finding, ...]:
    """The findings, with those about one publishing call merged into one, which has the others in
    `also`. This is for reports only: suppressions, baselines and repairs treat each code
    separately, so that if one is suppressed, the next one is reported. A finding that `is_hidden`
    is not merged.
    """
    groups: dict[Span, list[Finding]] = {}
    for each in findings:
        if each.precedence is not None and not is_hidden(each):
            groups.setdefault(each.span, []).append(each)
    merged: dict[int, Finding | None] = {}
    for group in groups.values():
        # A call that does its work in two ways may have the same defect twice: that with a
        # repair stands for both.
        first, *others = sorted(group, key=lambda each: (-(each.precedence or 0), each.fix is None))
        if others:
            merged.update((id(each), None) for each in others)
            others.sort(key=lambda each: (each.code, each.headline, each.fix is None))
            distinct = {(each.code, each.headline): each for each in reversed(others)}
            distinct.pop((first.code, first.headline), None)
            merged[id(first)] = replace(first, also=tuple(reversed(distinct.values())))
    return tuple(kept for each in findings if (kept := merged.get(id(each), each)) is not None)


def places(findings: Iterable[Finding]) -> int:
    """How many findings a report counts these as: those at one call are one."""
    return len(_by_place(findings))


def _by_place(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings in groups, each of which a report counts as one finding."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        own = () if each.precedence is not None else (id(each),)
        found.setdefault((each.filename, each.span, *own), []).append(each)
    return list(found.values())


def details(finding: Finding) -> list[str]:
    """The rows below the headline, for formats that have no separate fields for them."""
    rows = [f"{finding.label} ({finding.confidence_level} confidence)"] if finding.label else []
    rows += [f"why this file: {finding.why}"] if finding.why else []
    rows += [f"also: {each.code} {each.headline}" for each in finding.also]
    rows += [f"what to do: {finding.what_to_do}"] if finding.what_to_do else []
    return rows


def paragraph(finding: Finding) -> str:
    """The headline, and the details below it."""
    return "\n".join([finding.headline, *details(finding)])


def severity_of(result: FileResult) -> Severity:
    return DEFECT if result.analysed else NOT_CHECKED


def page_url(docs_url: str, rule: str) -> str:
    """The URL of the page of a rule, given by name, in the documentation at `docs_url`."""
    page = "index" if rule == NOT_ANALYSED_NAME else rule
    return f"{docs_url.rstrip('/')}/rules/{page}.html"


def renderer(name: str, *, statistics: bool = False) -> Callable[[Report], Iterator[str]]:
    """The function that renders a format of `FORMATS`, or its statistics, as text if the format has
    no form for them."""
    from pkgutil import resolve_name

    where = STATISTICS.get(name, FORMATS["statistics"]) if statistics else FORMATS[name]
    render: Callable[[Report], Iterator[str]] = resolve_name(f"atomic_fix.report.{where}")
    return render


def printable(text: str) -> str:
    """`text` on one line, with control characters and undecodable bytes escaped."""
    return text if text.isprintable() else "".join(map(_spelled, text))


def display_name(filename: str) -> str:
    """A file name for the beginning of a line, changed so that GitHub does not take the line for a
    workflow command, not even after blanks."""
    shown = escape_commands(printable(filename))
    return f"./{shown}" if shown.lstrip().startswith("::") else shown


def escape_commands(text: str, escape: str = "\\x23") -> str:
    """`text` with the commands escaped that GitHub's and Azure's runners recognise anywhere in a
    line."""
    return _COMMAND.sub(lambda _: f"#{escape}", text) if "##" in text else text


def as_json(value: object, **options: Any) -> str:
    import json

    return escape_commands(json.dumps(value, **options), "\\u0023")


def _spelled(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # an undecodable byte of a file name, see os.fsdecode
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def relative_path(filename: str) -> str:
    """The path relative to the current folder if it is below it, otherwise absolute."""
    return relative_if_inside(filename, ".") or os.path.abspath(filename)  # noqa: PTH100


def place_of(finding: Finding, position: Position | None = None) -> str:
    """The position of a finding, or another position in its file: row and column, in a notebook
    with the cell."""
    position = finding.span.start if position is None else position
    if finding.cells is None:
        return f"{position.row}:{position.column}"
    cell, row = finding.cells.place(position.row)
    return f"cell {cell}:{row}:{position.column}"


def in_file(finding: Finding) -> Finding:
    """The finding for a format that only knows rows of files. For a notebook, the whole file is
    marked and the headline begins with the cell; repairs, whose rows are those of cells, are left
    out."""
    if finding.cells is None:
        return finding
    start = Span(Position(1, 1), Position(1, 1))

    def said(text: str, span: Span) -> str:
        return f"{place_of(finding, span.start)}: {text}"

    related = tuple(
        each if each.path else replace(each, span=start, message=said(each.message, each.span))
        for each in finding.related
    )
    return replace(
        finding,
        span=start,
        headline=said(finding.headline, finding.span),
        related=related,
        fix=None,
        why_no_fix=finding.why_no_fix or "one is shown by the command",
        source_line="",
        cells=None,
    )


def fingerprints(report: Report) -> Iterator[tuple[FileResult, Finding, str]]:
    """Each finding with its result and an identifier that does not change when other lines are
    added or removed: it is made of the file, the code, the line without indentation, and a number
    among equal ones."""
    import hashlib

    seen: Counter[tuple[str, str, str]] = Counter()
    for result, finding in ((each, one) for each in report.results for one in listed(each)):
        key = (relative_path(finding.filename), finding.code, normalised(finding.source_line))
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        yield (
            result,
            in_file(finding),
            hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        )


_COMMAND = re.compile(r"##(?=(?:vso)?\[)")
FIX_HINTS = {
    Applicability.SAFE: "--write",
    Applicability.UNSAFE: "--write --unsafe-fixes",
    Applicability.DISPLAY: "shown only",
}
"""A short hint on what can be done about a finding from the command line."""
ONCE_IMPORTED = "once the helper can be imported"


def fix_hint(fix: Fix, options: str = "") -> str:
    """The hint for a fix that needs more `options`; a note says why if it has to wait."""
    return FIX_HINTS[fix.applicability] + options + (", not yet" if fix.waits else "")


def repairs_and_summary(report: Report) -> Iterator[str]:
    """The end of a report for people: the repairs, if they are to be listed, and the summary."""
    if report.show_fixes:
        for group in _by_place(report.fixed):
            made = "; ".join(_repair_named(each, report) for each in group)
            yield escape_commands(f"Fixed {printable(group[0].filename)}: {made}\n")
    if not report.quiet:
        yield f"{summary(report)}\n"


def _repair_named(finding: Finding, report: Report) -> str:
    title = finding.fix.title if finding.fix is not None else ""
    module = report.imported.get(finding)
    more = f" (imports `{module}`)" if module else ""
    return f"{finding.code} {printable(title)}{more}"


def summary(report: Report) -> str:
    """The last line: what was found, what can be fixed, what remains and why, what repaired code
    imports, and how many findings are hidden."""
    findings = [each for result in report.results for each in result.findings]
    unread = sum(not result.analysed for result in report.results)
    parts = []
    if report.fixed:
        files = len({finding.filename for finding in report.fixed})
        parts.append(
            f"{report.done} {count(places(report.fixed), 'finding')} in {count(files, 'file')}."
        )
    if findings:
        numbers = Counter(way for result in report.results for _, way in repairable(result, report))
        safe, unsafe = numbers[Repairable.SAFELY], numbers[Repairable.UNSAFELY]
        hints = []
        if report.unsafe_fixes and safe + unsafe:
            hints.append(f"{safe + unsafe} fixable with --write --unsafe-fixes")
        elif safe:
            hints.append(f"{safe} fixable with --write")
        if unsafe and not report.unsafe_fixes:
            hints.append(f"{unsafe}{' more' if safe else ''} with --write --unsafe-fixes")
        if later := numbers[Repairable.LATER]:
            word = "more" if hints else "fixable"
            hints.append(f"{later} {word} {ONCE_IMPORTED}")
        if unfixable := numbers[Repairable.NOT]:
            hints.append(f"{unfixable} without a fix")
        verb = "Left" if report.fixed else "Found"
        parts.append(f"{verb} {count(len(findings), 'finding')} ({', '.join(hints)}).")
    if unread:
        parts.append(f"{count(unread, 'file')} could not be analysed.")
    if report.imported:
        pairs = {(module, finding.filename) for finding, module in report.imported.items()}
        modules = Counter(module for module, _ in pairs)
        named = (f"`{each}` ({count(modules[each], 'file')})" for each in sorted(modules))
        parts.append(f"Repaired code imports {', '.join(named)}.")
    if not parts:
        clean = f"No findings in {count(len(report.results), 'file')}."
        parts.append("Fixed nothing." if report.fixes_only else clean)
    suppressed = sum(each.suppressed for each in report.results)
    known = sum(each.known for each in report.results)
    hidden = [f"{suppressed} suppressed by comments"] if suppressed else []
    hidden += [f"{known} in the baseline"] if known else []
    if hidden:
        parts.append(f"Not shown: {', '.join(hidden)}.")
    return " ".join(parts)


class Repairable(enum.Enum):
    """What it takes to repair a finding."""

    SAFELY = enum.auto()
    """--write does it."""
    UNSAFELY = enum.auto()
    """--write --unsafe-fixes does it."""
    LATER = enum.auto()
    """The program has to be able to import the helper first."""
    NOT = enum.auto()
    """There is no fix that can be applied."""


def repairable(result: FileResult, report: Report) -> Iterator[tuple[Finding, Repairable]]:
    """The findings of a file, each with what it takes to repair something at its place. A file is
    repaired as a whole or not at all, so one fix that waits for the helper holds up the others."""
    fixes = [
        one.fix
        for finding in result.findings
        for one in (finding, *finding.also)
        if one.fix is not None
    ]
    waiting = {fix.applicability for fix in fixes if fix.waits}
    no_unsafe = bool(waiting & {Applicability.SAFE, Applicability.UNSAFE})
    no_safe = no_unsafe if report.unsafe_fixes else Applicability.SAFE in waiting
    for finding in result.findings:
        given = {one.applicability for one in (finding, *finding.also)}
        if Applicability.SAFE in given:
            yield finding, Repairable.LATER if no_safe else Repairable.SAFELY
        elif Applicability.UNSAFE in given:
            yield finding, Repairable.LATER if no_unsafe else Repairable.UNSAFELY
        else:
            yield finding, Repairable.NOT


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unified_patch(path: str, before: bytes, after: bytes) -> bytes:
    """The patch as bytes, since a source file need not be UTF-8; empty if nothing changes. `path`
    is relative to the folder in which the patch will be applied. There is no `diff --git` line on
    purpose: git would then treat the path as relative to the top of the repository, and the patch
    would not apply in a subfolder.
    """
    import difflib

    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _lines(before),
        _lines(after),
        _header_name(b"a/" + os.fsencode(path)),
        _header_name(b"b/" + os.fsencode(path)),
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for each in lines
        for line in _no_command(each)
    )


def _no_command(line: bytes) -> tuple[bytes, ...]:
    """A line of a patch. A context line begins with a blank and may therefore be a workflow
    command; such a line is removed and added again, which changes nothing."""
    if line.startswith(b" ") and line.lstrip().startswith(b"::"):
        return b"-" + line[1:], b"+" + line[1:]
    return (line,)


def _lines(content: bytes) -> list[bytes]:
    """Lines as git sees them: only \\n ends one, so the \\r of \\r\\n belongs to the line."""
    return re.findall(rb"[^\n]*\n|[^\n]+", content)


def _header_name(name: bytes) -> bytes:
    """The name as git writes it: quoted like a C string if it contains unusual characters; a name
    with spaces is followed by a tab that marks its end."""
    escaped = re.sub(rb'["\\]', rb"\\\g<0>", name)
    escaped = re.sub(rb"[^ -~]", lambda found: b"\\%03o" % ord(found[0]), escaped)
    if escaped != name:
        return b'"%b"' % escaped
    return name + b"\t" if b" " in name else name
