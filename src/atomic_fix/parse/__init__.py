"""Text of a file -> syntax trees: Python's own, and LibCST's where something is to be changed.

Both parsers are native code that cannot be interrupted, so what is too much for them is refused
before they are asked.
"""


class NotParsed(Exception):
    """A parser cannot read a text, for the reason given."""


class TooDeep(RecursionError):
    """A text is nested so deeply, or is so long a chain, that a parser must not see it."""
