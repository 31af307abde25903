"""A LibCST tree of a file, or of the parts of it that can matter, with positions on demand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from atomic_fix.finding import Position, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atomic_fix.source import Source


@dataclass(frozen=True)
class Tree:
    """`module` is parsed from rows of `source`: all of them, or those that `rows` lists."""

    source: Source
    module: cst.Module
    rows: tuple[int, ...] | None = None

    @cached_property
    def _ranges(self) -> Mapping[cst.CSTNode, object]:
        # Positions are computed only once a finding needs one: most files need none, and
        # the provider costs as much as the parse.
        return MetadataWrapper(self.module, unsafe_skip_copy=True).resolve(PositionProvider)

    def span(self, node: cst.CSTNode) -> Span:
        """Where `node` stands in the file."""
        found = self._ranges[node]
        start, end = found.start, found.end  # type: ignore[attr-defined]
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
