"""The comments of a file, which Python's tree does not contain."""

import ast
import io
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from atomic_fix.facts.nodes import first_row
from atomic_fix.source import Source


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment, from its `#` to the end of the row."""

    row: int
    column: int
    """The 1-based column of its `#`, in characters."""
    text: str


@dataclass(frozen=True)
class Comments:
    """The comments of a file by row. The file is tokenized at the first access."""

    source: Source

    def between(self, first_row: int, last_row: int) -> Sequence[Comment]:
        """The comments in some rows, in order."""
        rows = self._rows
        return self._all[bisect_left(rows, first_row) : bisect_right(rows, last_row)]

    def of(self, node: ast.stmt) -> Sequence[Comment]:
        """The comments of a statement: directly above it, in it, and below it if indented like its
        body. Comments at the top of the file belong to no statement."""
        first, last = first_row(node), node.end_lineno or node.lineno
        above = [each for each in self._next_to(first, -1) if each.column <= node.col_offset + 1]
        below = [each for each in self._next_to(last, 1) if each.column > node.col_offset + 1]
        return [*reversed(above), *self.between(first, last), *below]

    def above(self, handler: ast.ExceptHandler) -> Sequence[Comment]:
        """The comments directly above a handler; if indented further, they belong to the code
        before it."""
        found = self._next_to(handler.lineno, -1)
        return [each for each in reversed(found) if each.column <= handler.col_offset + 1]

    def after_colon(self, handler: ast.ExceptHandler) -> Sequence[Comment]:
        """The comment at the end of the `except` row, if there is one."""
        return [
            each
            for each in self.between(handler.lineno, first_row(handler.body[0]) - 1)
            if self.source.line(each.row)[: each.column - 1].rstrip().endswith(":")
        ]

    def among(self, handler: ast.ExceptHandler) -> Sequence[Comment]:
        """The comments on rows of their own among the statements of a handler, without the one
        after its colon."""
        first, last = first_row(handler.body[0]), handler.body[-1].end_lineno or handler.lineno
        if self.source.line(first)[: handler.body[0].col_offset].strip():
            return []
        below = [each for each in self._next_to(last, 1) if each.column > handler.col_offset + 1]
        return [*reversed(self._next_to(first, -1)), *self.between(first, last), *below]

    def _next_to(self, row: int, step: int) -> Sequence[Comment]:
        """The comments above or below a row, separated from it only by blank rows; none if they
        extend up to the top of the file."""
        found: list[Comment] = []
        while row := row + step:
            line = self.source.line(row).strip()
            if (line and not line.startswith("#")) or row > len(self.source.line_starts):
                return found
            found += self.between(row, row)
        return []

    @cached_property
    def _all(self) -> Sequence[Comment]:
        # The tokenizer of some Pythons does not treat a lone `\r` as a line end.
        reader = io.StringIO("\n".join(self.source.lines)).readline
        found = []
        try:
            for token in tokenize.generate_tokens(reader):
                if token.type == tokenize.COMMENT:
                    row, column = token.start
                    found.append(Comment(row, column + 1, token.string))
        except (tokenize.TokenError, SyntaxError):
            pass  # the tokenizer is stricter than the parser now and then, at the end of a file
        return found

    @cached_property
    def _rows(self) -> Sequence[int]:
        return [each.row for each in self._all]
