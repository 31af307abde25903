"""The texts that repairs of a file produce, each parsed and split into statements once."""

from functools import lru_cache

from atomic_fix.facts.statements import Statements, rows_of
from atomic_fix.parse.python import forget_trees, parse


@lru_cache(maxsize=4)
def statements_of(text: str) -> Statements:
    """The statements of a text. Like its tree, they are cached until `forget_texts`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `parse` does.
    """
    return Statements(parse(text), rows_of(text))


def forget_texts() -> None:
    """Clear the cached texts and trees."""
    statements_of.cache_clear()
    forget_trees()
