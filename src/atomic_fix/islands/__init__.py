"""The parts of a file that can matter: found without LibCST, and parsed only when asked for.

`needles` looks at the raw bytes, `knife` at Python's own syntax tree, and `pieces` gives the
facts a module whose functions LibCST parses one by one, on demand. Rules and facts do not
know of it: what they find is what they would find in the whole file.
"""


class NotParsed(Exception):
    """LibCST cannot parse a piece: the whole file will tell why, and where."""
