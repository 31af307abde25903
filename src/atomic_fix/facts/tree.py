"""Python's tree of a file, and the positions of its nodes in the text."""

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
        """The position for a row and an offset in bytes of UTF-8, as Python counts."""
        line = self.source.line(row)
        if not line.isascii():
            column = len(line.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))
        return Position(row, column + 1)

    def span(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> Span:
        """The span of a node in the file, without the parentheses around an expression and the
        decorators of a function."""
        end_row = node.end_lineno if node.end_lineno is not None else node.lineno
        end_column = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return Span(self.position(node.lineno, node.col_offset), self.position(end_row, end_column))

    def text(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        """The characters of a node as they are in the file."""
        return self.source.slice(self.span(node))
