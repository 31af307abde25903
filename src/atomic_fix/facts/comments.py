"""The comments of a file. Python's tree holds none of them."""

import io
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from atomic_fix.source import Source


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment, from its `#` to the end of the row."""

    row: int
    column: int
    """Of its `#`, in characters; that of the first one is 1."""
    text: str


@dataclass(frozen=True)
class Comments:
    """The comments of a file by their rows. The file is tokenized when they are first asked for."""

    source: Source

    def between(self, first_row: int, last_row: int) -> Sequence[Comment]:
        """Those of some rows, in order."""
        rows = self._rows
        return self._all[bisect_left(rows, first_row) : bisect_right(rows, last_row)]

    @cached_property
    def _all(self) -> Sequence[Comment]:
        # The tokenizer of some Pythons takes no lone `\r` for the end of a row.
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
