"""Module-level statements with their text: which of them contain a name, and which differ between
two texts. A file may have a hundred thousand, of which a finding and its repair concern a few.
Searching text for a name takes a fraction of the time of walking the tree.
"""

from __future__ import annotations

import ast
import io
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from atomic_fix.facts.nodes import FUNCTIONS, Function, first_row

Definition = (ast.ClassDef, *FUNCTIONS)

_ROW = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_WORD = re.compile(r"\\?\w+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole rows, with the statements that begin in them, usually one, and the comments and blank
    rows above it."""

    text: str
    statements: tuple[ast.stmt, ...]

    def may_name(self, names: Collection[str]) -> bool:
        """Whether one of these names may occur in it, in code or in a string."""
        # Python normalises some letters of identifiers.
        return not self.text.isascii() or any(name in self.text for name in names)


@dataclass(frozen=True)
class Statements:
    """A module's own statements, in the order of the file."""

    module: ast.Module
    rows: Sequence[str]
    """With their line ends, as the parser counts rows: a form feed does not end one."""

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The whole text in pieces, of which the last may have no statement."""
        found: list[Chunk] = []
        rows, body = self.rows, self.module.body
        above = 0
        index = 0
        while index < len(body):
            first = index
            end = body[index].end_lineno or body[index].lineno
            index += 1
            # `a; b`, also where `a` ends a row that `b` begins on.
            while index < len(body) and first_row(body[index]) <= end:
                end = body[index].end_lineno or body[index].lineno
                index += 1
            text = rows[above] if end - above == 1 else "".join(rows[above:end])
            found.append(Chunk(text, tuple(body[first:index])))
            above = end
        if above < len(rows):
            found.append(Chunk("".join(rows[above:]), ()))
        return tuple(found)

    def that_may_name(self, names: Collection[str]) -> list[ast.stmt]:
        """Those whose text may contain one of these names or strings."""
        return [each for chunk in self.chunks if chunk.may_name(names) for each in chunk.statements]

    def naming(self, name: str) -> list[ast.stmt]:
        """Those that contain a word. For queries of many words, one after the other."""
        chunks = self.chunks
        return [each for index in self._by_word.get(name, ()) for each in chunks[index].statements]

    def enclosing(self, node: ast.AST) -> list[ast.ClassDef | Function]:
        """The classes and functions around a node, the outermost first. The node must be in their
        bodies or heads, not in a part without a position, such as the `for` of a comprehension."""
        found: list[ast.ClassDef | Function] = []
        around = _holding(self.module.body, node)
        if around is None or around is node:
            return found
        if isinstance(around, Definition):
            found.append(around)
        while True:
            inner = _holding(self._definitions_in(around), node)
            if inner is None or inner is node or not isinstance(inner, Definition):
                return found
            found.append(inner)
            around = inner

    def _definitions_in(self, outer: ast.stmt) -> list[ast.stmt]:
        """The classes and functions in the blocks of a statement, in the order of the file, without
        nested ones. Cached, because a chain of a thousand `elif` is a thousand levels deep."""
        known = self._definitions.get(outer)
        if known is None:
            known = self._definitions[outer] = []
            blocks = [outer]
            while blocks:
                for each in _blocks_of(blocks.pop()):
                    (known if isinstance(each, Definition) else blocks).append(each)
            known.sort(key=_start)
        return known

    @cached_property
    def _definitions(self) -> dict[ast.stmt, list[ast.stmt]]:
        return {}

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, chunk in enumerate(self.chunks):
            for word in words_of(chunk.text):
                found.setdefault(word, []).append(index)
        return found

    def not_in(self, other: Statements) -> list[Chunk]:
        """The chunks of this text that the other one does not have, or has fewer of."""
        there = Counter(each.text for each in other.chunks)
        found = []
        for chunk in self.chunks:
            if there[chunk.text] > 0:
                there[chunk.text] -= 1
            else:
                found.append(chunk)
        return found

    def rows_not_in(self, other: Statements) -> Counter[str]:
        """The rows of this text that the other one has fewer of."""
        own, others = (
            Counter(row for chunk in chunks for row in rows_of(chunk.text))
            for chunks in (self.not_in(other), other.not_in(self))
        )
        return own - others


def words_of(text: str) -> set[str]:
    """The names that may occur in a text, in code or in a string, as Python normalises them."""
    words = set(_WORD.findall(text))
    if "\\" in text:
        # `"\njson"` ends a row in a string, and names `json` below it.
        words.update(word[skipped:] for word in [*words] if word[0] == "\\" for skipped in (1, 2))
    if not text.isascii():
        words.update([unicodedata.normalize("NFKC", word) for word in words])
    return words


def _blocks_of(statement: ast.stmt) -> list[ast.stmt]:
    """The statements of a statement's own blocks."""
    parts = (statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ()))
    found: list[ast.stmt] = []
    for part in parts:
        for name in ("body", "orelse", "finalbody"):
            found += getattr(part, name, ())
    return found


def _holding(block: Sequence[ast.stmt], node: ast.AST) -> ast.stmt | None:
    """The statement of a block that contains a node."""
    wanted = _start(node)
    index = bisect_right(block, wanted, key=_start) - 1
    return block[index] if index >= 0 and wanted < _end(block[index]) else None


def _start(node: ast.AST) -> tuple[int, int]:
    """Where a node starts, with its decorators."""
    first: ast.stmt = node  # type: ignore[assignment]
    decorators = getattr(node, "decorator_list", ())
    # The `@` is in front of a decorator.
    return (decorators[0].lineno, 0) if decorators else (first.lineno, first.col_offset)


def _end(node: ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def rows_of(text: str) -> list[str]:
    """The rows of a text, as `Statements.rows`."""
    if "\r" in text:
        return _ROW.findall(text)
    return io.StringIO(text, newline="\n").readlines()
