"""LibCST's tree of a text, each node in the place where the text has it."""

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
        # To LibCST, a block must begin with the white space of the block around it. What Python
        # takes is as deep with each tab as one space.
        try:
            return depth.parse_module(_without_tabs(text))
        except (SyntaxError, tokenize.TokenError, cst.ParserSyntaxError):
            raise error from None


def _without_tabs(text: str) -> str:
    """The text with each tab that a row begins with as one space."""
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
        # For providers that share one walk. There are none, and the walk costs as much as
        # the positions do.
        return self.module


def ranges(module: cst.Module) -> Mapping[cst.CSTNode, CodeRange]:
    """Where each node of a tree is. It costs as much as the parse.

    Raises:
        RecursionError: the nodes are in one another too deeply for the room at hand.
    """
    try:
        return _Wrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    except KeyError as error:
        # On the way out of a `RecursionError`, LibCST looks up places that it has not found yet.
        # The key is a node, whose text is made by a recursion as well: it must not get further.
        raise RecursionError("maximum recursion depth exceeded") from error.__context__
