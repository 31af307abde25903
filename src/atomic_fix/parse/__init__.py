"""Text of a file -> syntax trees: Python's own, and LibCST's if something may be changed. Both
parsers are native code that cannot be interrupted, so texts that are too demanding are refused
first.
"""


class NotParsed(Exception):
    """A parser cannot read a text, for the reason given."""


class TooDeep(RecursionError):
    """A text is nested so deeply, or is so long a chain, that a parser must not see it."""
