"""The texts that repairs make of a file, each parsed and taken apart once."""

from functools import lru_cache

from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.parse.python import forget_trees, parse


@lru_cache(maxsize=4)
def statements_of(text: str) -> Statements:
    """The statements of a text. Kept until `forget_texts`, as its tree is.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `parse` does.
    """
    return Statements(parse(text), rows_of(text))


def forget_texts() -> None:
    """Let go of the texts and trees that are known."""
    statements_of.cache_clear()
    forget_trees()
