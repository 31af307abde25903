"""A LibCST tree of a file, or of the parts of it that can matter, with positions on demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from atomic_fix.finding import Position, Span
from atomic_fix.source import Source


class _Wrapper(MetadataWrapper):
    """A module whose metadata is that of `PositionProvider` alone."""

    def visit_batched(self, *_visitors: object, **_hooks: object) -> cst.CSTNode:
        # For providers that share one walk. There are none, and the walk costs as much as
        # the positions do.
        return self.module


def ranges(module: cst.Module) -> Mapping[cst.CSTNode, CodeRange]:
    """Where each node of a tree stands. It costs as much as the parse."""
    return _Wrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)


@dataclass(frozen=True)
class Tree:
    """`module` is parsed from rows of `source`: all of them, or those that `rows` lists."""

    source: Source
    module: cst.Module
    rows: tuple[int, ...] | None = None

    @cached_property
    def _ranges(self) -> Mapping[cst.CSTNode, CodeRange]:
        # Only once a finding needs a position: most files need none.
        return ranges(self.module)

    def span(self, node: cst.CSTNode) -> Span:
        """Where `node` stands in the file."""
        found = self._ranges[node]
        start, end = found.start, found.end
        return Span(
            Position(self._row(start.line), start.column + 1),
            Position(self._row(end.line), end.column + 1),
        )

    @property
    def roots(self) -> tuple[cst.Module, ...]:
        """Everything that is parsed: of a file in parts, each part."""
        return (self.module,)

    def row(self, node: cst.CSTNode) -> int:
        return self.span(node).start.row

    def text(self, node: cst.CSTNode) -> str:
        """The characters of `node` as they stand in the file."""
        return self.source.slice(self.span(node))

    def _row(self, line: int) -> int:
        return line if self.rows is None else self.rows[line - 1]
