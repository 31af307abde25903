"""How long rows may be, and are, the way `ruff format` and black count."""

import re
from functools import lru_cache

from atomic_fix.source import Source

_TRIPLE = re.compile(r"\"\"\"|'''")


@lru_cache(maxsize=1)
def line_limit(source: Source) -> int:
    """The line length that the file is written to, as far as its rows tell.

    Rows with strings or comments prove nothing: formatters leave those long.
    """
    lengths = []
    within = ""  # the quotes of the string of several rows that a row stands in
    for row in range(1, len(source.line_starts) + 1):
        line = source.line(row)
        was_within = within
        for quotes in _TRIPLE.findall(line):
            if within in {"", quotes}:
                within = "" if within else quotes
        if not was_within and not any(mark in line for mark in "#\"'"):
            lengths.append(len(line))
    longest = max(lengths, default=0)
    narrow = sum(length > 70 for length in lengths) >= 3
    limits = (79, 88, 100, 120) if narrow else (88, 100, 120)
    return next((limit for limit in limits if longest <= limit), longest)


# Formatters let these go beyond the limit.
_PRAGMA = re.compile(r"#\s*(?:noqa|type:|pyright:|pylint:|flake8:|ruff:|isort:|nosec)")


def width(text: str) -> int:
    """The length of a row, or of its end, as formatters count it."""
    found = _PRAGMA.search(text)
    return len(text if found is None else text[: found.start()].rstrip())
