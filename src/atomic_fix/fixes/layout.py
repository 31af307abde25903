"""How a call is laid out over rows, the way `ruff format` and black do it."""

import re
from collections.abc import Sequence
from functools import lru_cache

from atomic_fix.source import Source

_DEFAULT_LIMIT = 88
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
            if not within:
                within = quotes
            elif within == quotes:
                within = ""
        if not was_within and not any(mark in line for mark in "#\"'"):
            lengths.append(len(line))
    longest = max(lengths, default=0)
    for limit in (79, _DEFAULT_LIMIT, 100, 120):
        if longest <= limit:
            return limit if limit > 79 or _is_narrow(lengths) else _DEFAULT_LIMIT
    return longest


def _is_narrow(lengths: Sequence[int]) -> bool:
    return sum(length > 70 for length in lengths) >= 3


def call_text(
    callee: str,
    arguments: Sequence[str],
    indent: str,
    unit: str,
    before: int,
    after: int,
    limit: int,
) -> str:
    """A call on one row if that fits, else with its arguments on one row of their own, else
    one argument a row.

    `before` and `after` count the characters on the rows where the call starts and ends.
    Arguments of several rows must be indented for `indent + unit` already. A limit of 0
    asks for one argument a row.
    """
    flat = ", ".join(arguments)
    inner = indent + unit
    if limit and not any("\n" in argument for argument in arguments):
        if before + len(callee) + len(flat) + 2 + after <= limit:
            return f"{callee}({flat})"
        if len(inner) + len(flat) <= limit and not any(a.startswith("*") for a in arguments):
            return f"{callee}(\n{inner}{flat}\n{indent})"
    rows = "".join(f"{inner}{argument},\n" for argument in arguments)
    return f"{callee}(\n{rows}{indent})"


def reindent(text: str, old: str, new: str) -> str:
    """The text with the rows after its first moved from one indentation to another."""
    first, *rest = text.split("\n")
    moved = [new + row[len(old) :] if row.startswith(old) else row for row in rest]
    return "\n".join([first, *moved])


# Formatters let these go beyond the limit.
_PRAGMA = re.compile(r"#\s*(?:noqa|type:|pyright:|pylint:|flake8:|ruff:|isort:|nosec)")


def width(text: str) -> int:
    """The length of a row, or of its end, as formatters count it."""
    found = _PRAGMA.search(text)
    return len(text if found is None else text[: found.start()].rstrip())
