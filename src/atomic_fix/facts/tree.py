"""Python's tree of a file, and where its nodes are in the text."""

import ast
from dataclasses import dataclass

from atomic_fix.finding import Position, Span
from atomic_fix.source import Source


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file."""

    source: Source
    module: ast.Module

    def position(self, row: int, column: int) -> Position:
        """A place that Python gives as a row and a number of bytes of UTF-8."""
        line = self.source.line(row)
        if not line.isascii():
            column = len(line.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))
        return Position(row, column + 1)

    def span(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> Span:
        """Where a node is in the file; the parentheses around an expression are not part of it.
        Its decorators are not part of a function."""
        end_row = node.end_lineno if node.end_lineno is not None else node.lineno
        end_column = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return Span(self.position(node.lineno, node.col_offset), self.position(end_row, end_column))

    def text(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        """The characters of a node as they are in the file."""
        return self.source.slice(self.span(node))
