"""The parts of a file that can matter: found without LibCST, and parsed only when asked for.

`needles` looks at the raw bytes, `knife` at Python's own syntax tree, and `pieces` gives the
facts a module whose functions LibCST parses one by one, on demand. Rules and facts do not
know of it: what they find is what they would find in the whole file.
"""


class NotParsed(Exception):
    """LibCST cannot parse a text, for the reason given; that of a piece is looked for again in
    the whole file, which tells where."""


class TooDeep(RecursionError):
    """A text is nested so deeply, or is so long a chain, that LibCST's parser must not see it."""
