"""Findings -> the text with a `# noqa` comment for each: the core of `--add-noqa`."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from atomic_fix.finding import Position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atomic_fix.finding import Finding
    from atomic_fix.source import Source

# As flake8 reads it: codes follow `noqa:`, separated by commas or blanks.
_CODES = re.compile(r"#\s*noqa:\s?(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)

# Python 3.12 and later split a formatted string into tokens.
_FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
_FSTRING_END = getattr(tokenize, "FSTRING_END", -1)


def add_noqa(source: Source, findings: Iterable[Finding], reason: str) -> str:
    """The text with every finding suppressed by a comment on the row where it starts, which
    is where flake8 looks.

    A comment that is there already gets the code added. Where no comment may stand, because
    the row ends inside a string or with a backslash, it goes to the end of those rows: flake8
    takes them together.

    Args:
        reason: put behind the codes when it is not empty; one line.

    Raises:
        ValueError: this Python cannot split the text into tokens.
    """
    rows = CommentRows(source.text)
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
    """One line with the codes in its comment; `comment_column` is where that starts, from 0."""
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
    """Where comments stand and may stand, by row."""

    def __init__(self, text: str) -> None:
        """Raises:
        ValueError: this Python cannot split the text into tokens.
        """
        self.comments: dict[int, int] = {}
        """Column, from 0, of the comment of each row that has one."""
        self._last_row: dict[int, int] = {}
        self._closed: set[int] = set()
        try:
            self._read(text)
        except (tokenize.TokenError, SyntaxError) as error:
            raise ValueError(f"it cannot be split into tokens: {error}") from error

    def comment_row(self, row: int) -> int:
        """The row itself, or the last one that flake8 takes together with it when a comment
        there would end up inside a string or behind a backslash."""
        return self._last_row.get(row, row) if row in self._closed else row

    def _read(self, text: str) -> None:
        first = 1
        string_start = 0
        previous: tokenize.TokenInfo | None = None
        # `newline=None` makes \r and \r\n a row's end too, as they are for `Source`.
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            if token.type == tokenize.COMMENT:
                self.comments[token.start[0]] = token.start[1]
            elif token.type in (tokenize.NL, tokenize.NEWLINE):
                last = token.start[0]
                self._last_row.update(dict.fromkeys(range(first, last + 1), last))
                first = last + 1
            elif token.type == _FSTRING_START:
                string_start = token.start[0]
            elif token.type == _FSTRING_END:
                self._closed.update(range(string_start, token.end[0]))
            elif token.type == tokenize.STRING:
                self._closed.update(range(token.start[0], token.end[0]))
            if previous is not None and previous.type not in (tokenize.NL, tokenize.NEWLINE):
                # Only a backslash gets from one row to the next without a token for it.
                self._closed.update(range(previous.end[0], token.start[0]))
            previous = token
