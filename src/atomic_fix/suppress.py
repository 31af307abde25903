"""Reads and writes comments that suppress findings.

They are `# noqa`, `# flake8: noqa`, `# atomic-fix: off` and `# atomic-fix: on`. The first two mean
exactly the same as in flake8, including edge cases, so that one comment works in both front ends:
flake8 searches text, not comments, takes the first match, compares codes by prefix and case, and
joins the rows of a multi-line string and of lines continued by a backslash. `# flake8: noqa` counts
only at the start of a row, and then for every code, whatever follows it.
"""

from __future__ import annotations

import enum
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atomic_fix.finding import Finding, Position, Span
from atomic_fix.source import Source

if TYPE_CHECKING:
    from atomic_fix.config import Config

_MARKER = re.compile(r"noqa|atomic-fix:", re.IGNORECASE)
_LINE = re.compile(r"# noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
_FILE = re.compile(r"\s*(?P<comment># flake8[:=]\s*noqa)", re.IGNORECASE)
_RANGE = re.compile(r"#\s*atomic-fix:\s*(?P<word>[\w-]*)")
_REASON_SEPARATORS = " \t,:;-–—"
_CODES = re.compile(r"#\s*noqa:\s?(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)

# Python 3.12 and later split a formatted string into tokens.
_FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
_FSTRING_END = getattr(tokenize, "FSTRING_END", -1)


class Reach(enum.Enum):
    """The rows that a comment applies to."""

    LINE = "line"
    """`# noqa`: its own row, and the rows joined with it."""
    FILE = "file"
    """`# flake8: noqa`."""
    RANGE = "range"
    """`# atomic-fix: off`, up to the next `# atomic-fix: on` or the end of the file."""
    NOTHING = "nothing"
    """`# atomic-fix:` with another word, or `on` if nothing is off: a mistake."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that suppresses findings on the rows from `first_row` to `last_row`. `span` is
    the comment itself, without the text after its codes. `codes` are the codes, or prefixes of
    codes, that it names; empty means all. `reason` is the rest of the comment.
    """

    reach: Reach
    span: Span
    first_row: int
    last_row: int
    codes: tuple[str, ...] = ()
    reason: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether it suppresses the finding, whose first row counts."""
        if not self.first_row <= finding.span.start.row <= self.last_row:
            return False
        return not self.codes or finding.code.startswith(self.codes)


@dataclass(frozen=True, slots=True)
class Suppressions:
    """The suppressing comments of one source, in order of position."""

    comments: tuple[Suppression, ...] = ()

    @classmethod
    def of(cls, source: Source) -> Suppressions:
        """Read them; never raises. Cheap for a text without such comments."""
        if _MARKER.search(source.text) is None:
            return cls()
        lines = source.lines
        found = [*_of_file(lines), *_of_lines_and_ranges(lines)]
        return cls(tuple(sorted(found, key=lambda each: each.span)))

    def only(self, *reaches: Reach) -> Suppressions:
        """Those of the given kinds: flake8 handles its own ones itself."""
        return Suppressions(tuple(each for each in self.comments if each.reach in reaches))


NO_REASON = "the comment that suppresses this finding gives no reason"
"""The headline of a finding that such a comment does not suppress; the label still describes the
defect."""


def unsuppressed(
    findings: Iterable[Finding], source: Source, *, noqa: bool, require_reason: bool
) -> tuple[Finding, ...]:
    """The findings that no comment suppresses. Without `noqa`, comments that flake8 also knows are
    ignored; if a reason is required, those without one suppress nothing."""
    suppressions = Suppressions.of(source)
    if not noqa:
        suppressions = suppressions.only(Reach.RANGE)
    left = []
    for finding in findings:
        comments = [each for each in suppressions.comments if each.covers(finding)]
        if not comments:
            left.append(finding)
        elif require_reason and not any(each.reason for each in comments):
            left.append(replace(finding, headline=NO_REASON))
    return tuple(left)


def unused(
    findings: Sequence[Finding], source: Source, config: Config
) -> tuple[tuple[int, str], ...]:
    """Remarks, each with its row, on comments that suppress none of the findings. `findings` must
    be complete."""
    if "ATF" not in source.text and "atomic-fix:" not in source.text:
        return ()
    from atomic_fix.check import selected_rules
    from atomic_fix.rules import RULES

    on = {rule.code for rule in selected_rules(config)}
    # Rules that are off have no findings, so their comments may still be needed.
    off = {rule.code for rule in RULES if rule.code not in on}
    usual = {rule.code for rule in RULES if rule.default} & off
    notes = []
    for comment in _real_comments(Suppressions.of(source), source):
        row = comment.span.start.row
        covered = [each for each in findings if comment.covers(each)]
        if comment.reach is Reach.NOTHING:
            notes.append((row, f"`{source.slice(comment.span)}` switches nothing off or on"))
        elif comment.reach is Reach.RANGE and not covered and not usual:
            notes.append((row, f"`{source.slice(comment.span)}` suppresses nothing"))
        notes.extend(
            (row, f"`# noqa: {code}` suppresses nothing")
            for code in comment.codes
            if code.startswith("ATF")
            and not any(each.code.startswith(code) for each in covered)
            and code not in off
            and not any(each.startswith(code) for each in usual)
        )
    return tuple(notes)


def _real_comments(suppressions: Suppressions, source: Source) -> Iterator[Suppression]:
    """Those that are comments for Python too: flake8, and so this module, also accepts them in
    strings, but remarks are only made on real comments."""
    if not suppressions.comments:
        return
    try:
        columns = CommentRows(source).comments
    except ValueError:
        return
    for each in suppressions.comments:
        start = each.span.start
        if start.row in columns and start.column > columns[start.row]:
            yield each


def _of_file(lines: list[str]) -> Iterator[Suppression]:
    for row, line in enumerate(lines, 1):
        found = _FILE.match(line)
        if found is not None:
            yield Suppression(
                Reach.FILE,
                _span(row, found.start("comment"), found.end()),
                first_row=1,
                last_row=len(lines),
                reason=line[found.end() :].strip(_REASON_SEPARATORS),
            )


def _of_lines_and_ranges(lines: list[str]) -> Iterator[Suppression]:
    try:
        tokens = _tokens(lines)
    except (tokenize.TokenError, SyntaxError, RecursionError):
        # flake8 then looks at each physical line separately.
        groups = [(row, row) for row in range(1, len(lines) + 1)]
        comments = [
            (row, found.start(), line[found.start() :])
            for row, line in enumerate(lines, 1)
            if (found := _RANGE.search(line)) is not None
        ]
    else:
        groups = list(_joined_rows(tokens, len(lines)))
        comments = [
            (*token.start, token.string) for token in tokens if token.type == tokenize.COMMENT
        ]
    yield from _of_lines(lines, groups)
    yield from _of_ranges(comments, len(lines))


def _tokens(lines: list[str]) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline))


def _joined_rows(
    tokens: list[tokenize.TokenInfo], number_of_rows: int
) -> Iterator[tuple[int, int]]:
    """First and last row of each group of rows that flake8 treats as one line, in order."""
    next_row = 1
    first = 0
    for token in tokens:
        if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
            continue
        first = first or token.start[0]
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            # A row without a token is handled by itself.
            yield from ((row, row) for row in range(next_row, first))
            yield first, token.end[0]
            next_row = token.end[0] + 1
            first = 0
    yield from ((row, row) for row in range(next_row, number_of_rows + 1))


def _of_lines(lines: list[str], groups: Iterable[tuple[int, int]]) -> Iterator[Suppression]:
    for first, last in groups:
        joined = "\n".join(lines[first - 1 : last])
        found = _LINE.search(joined)
        if found is None:
            continue
        before = joined[: found.start()]
        row = first + before.count("\n")
        column = len(before.rpartition("\n")[2])
        # A list of codes may continue in the next row of a string; the comment does not.
        comment = found.group().split("\n")[0].rstrip(", \t")
        line = lines[row - 1]
        yield Suppression(
            Reach.LINE,
            _span(row, column, column + len(comment)),
            first,
            last,
            tuple(re.findall(r"[^,\s]+", found["codes"] or "")),
            line[column + len(comment) :].strip(_REASON_SEPARATORS),
        )


def _of_ranges(
    comments: Iterable[tuple[int, int, str]], number_of_rows: int
) -> Iterator[Suppression]:
    """Create from comments, each given as row, 0-based column, and text."""
    off: Suppression | None = None
    for row, column, text in comments:
        for found in _RANGE.finditer(text):
            span = _span(row, column + found.start(), column + found.end())
            reason = text[found.end() :].strip(_REASON_SEPARATORS)
            if found["word"] == "off" and off is None:
                off = Suppression(Reach.RANGE, span, row, number_of_rows, reason=reason)
            elif found["word"] == "on" and off is not None:
                yield replace(off, last_row=row)
                off = None
            else:
                yield Suppression(Reach.NOTHING, span, row, row - 1, reason=reason)
    if off is not None:
        yield off


def _span(row: int, start: int, end: int) -> Span:
    """A span on one row from 0-based columns."""
    return Span(Position(row, start + 1), Position(row, end + 1))


def add_noqa(source: Source, findings: Iterable[Finding], reason: str) -> str:
    """The text with every finding suppressed by a comment on the row where it starts, which
    is where flake8 looks.

    An existing comment gets the code added. Where no comment is possible, because the row ends
    inside a string or with a backslash, it goes to the end of those rows, which flake8 joins.

    Args:
        reason: one line to put after the codes, if not empty.

    Raises:
        ValueError: this Python cannot split the text into tokens.
    """
    rows = CommentRows(source)
    codes: dict[int, list[str]] = {}
    for finding in findings:
        wanted = codes.setdefault(rows.comment_row(finding.span.start.row), [])
        if finding.code not in wanted:
            wanted.append(finding.code)
    text = source.text
    for row in sorted(codes, reverse=True):
        line = source.line(row)
        start = source.offset(Position(row, 1))
        new = _with_codes(line, rows.comments.get(row), codes[row], reason)
        text = text[:start] + new + text[start + len(line) :]
    return text


def _with_codes(line: str, comment_column: int | None, codes: list[str], reason: str) -> str:
    """One line with the codes in its comment, which starts at `comment_column`, 0-based."""
    if comment_column is not None:
        found = _CODES.search(line, comment_column)
        if found is not None:
            there = re.split(r"[,\s]+", found["codes"].upper())
            added = "".join(f",{code}" for code in codes if code not in there)
            end = found.end("codes")
            return line[:end] + added + line[end:]
    why = f" -- {reason}" if reason else ""
    return f"{line.rstrip()}  # noqa: {','.join(codes)}{why}"


class CommentRows:
    """The positions of comments and possible comments, by row."""

    def __init__(self, source: Source) -> None:
        """Raises:
        ValueError: this Python cannot split the text into tokens.
        """
        lines = source.lines
        try:
            tokens = _tokens(lines)
        except (tokenize.TokenError, SyntaxError) as error:
            raise ValueError(f"it cannot be split into tokens: {error}") from error
        self.comments = {
            token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT
        }
        """The 0-based column of the comment in each row that has one."""
        self._last_row = {
            row: last
            for first, last in _joined_rows(tokens, len(lines))
            for row in range(first, last + 1)
        }
        self._closed: set[int] = set()
        string_start = 0
        end = 1
        for token in tokens:
            # Only a backslash continues a row without a token.
            self._closed.update(range(end, token.start[0]))
            end = token.end[0] + (token.type in (tokenize.NL, tokenize.NEWLINE))
            if token.type == _FSTRING_START:
                string_start = token.start[0]
            elif token.type == _FSTRING_END:
                self._closed.update(range(string_start, token.end[0]))
            elif token.type == tokenize.STRING:
                self._closed.update(range(token.start[0], token.end[0]))

    def comment_row(self, row: int) -> int:
        """The row itself, or the last one that flake8 joins with it if a comment there would be
        inside a string or after a backslash."""
        return self._last_row.get(row, row) if row in self._closed else row
