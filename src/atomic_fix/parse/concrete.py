"""LibCST's tree of a text, with the positions of its nodes."""

import io
import tokenize
from collections.abc import Mapping

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from atomic_fix.parse import depth


def parse(text: str) -> cst.Module:
    """LibCST's tree of a text.

    Raises:
        ParserSyntaxError: LibCST cannot parse it.
        NotParsed, TooDeep: see `depth.parse_module`.
    """
    try:
        return depth.parse_module(text)
    except cst.ParserSyntaxError as error:
        if "\t" not in text:
            raise
        # LibCST requires the indentation of a block to begin with that of the enclosing block. What
        # Python accepts is nested equally if each tab is replaced by one space.
        try:
            return depth.parse_module(_without_tabs(text))
        except (SyntaxError, tokenize.TokenError, cst.ParserSyntaxError):
            raise error from None


def _without_tabs(text: str) -> str:
    """The text with each tab in indentation replaced by one space."""
    rows = text.split("\n")
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            continue
        row, column = token.start
        if end < row <= len(rows):  # and not within a string, or after the text
            line = rows[row - 1]
            rows[row - 1] = line[:column].replace("\t", " ") + line[column:]
        end = token.end[0]
    return "\n".join(rows)


class _Wrapper(MetadataWrapper):
    """A module whose metadata is that of `PositionProvider` alone."""

    def visit_batched(self, *_visitors: object, **_hooks: object) -> cst.CSTNode:
        # Only needed for providers that share one traversal. There are none, and it costs as much
        # as computing positions.
        return self.module


def ranges(module: cst.Module) -> Mapping[cst.CSTNode, CodeRange]:
    """The position of each node of a tree. Costs as much as parsing.

    Raises:
        RecursionError: the nodes are nested too deeply for the available stack.
    """
    try:
        return _Wrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    except KeyError as error:
        # On the way out of a `RecursionError`, LibCST looks up places that it has not found yet.
        # The key is a node, whose text is made by a recursion as well: it must not get further.
        raise RecursionError("maximum recursion depth exceeded") from error.__context__
