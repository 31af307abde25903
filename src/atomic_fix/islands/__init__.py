"""The parts of a file that can matter: found without LibCST, and parsed only when asked for.

`needles` looks at the raw bytes, `knife` at Python's own syntax tree, and `pieces` gives the
facts a module whose functions LibCST parses one by one, on demand. Rules and facts do not
know of it: what they find is what they would find in the whole file.
"""

from atomic_fix.source import Unreadable


class NotParsed(Exception):
    """LibCST cannot parse a piece; `reason` says where and why."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(reason.reason)
        self.reason = reason
