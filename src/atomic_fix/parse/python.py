"""Python's own syntax tree of a text."""

import ast
import re
import sys
import warnings
from functools import lru_cache

from atomic_fix.finding import Unreadable
from atomic_fix.source import Source

# `except A, B:`, which is Python 3.14, and was Python 2.
_BARE_ERRORS = re.compile(r"^([ \t]*except)[ \t]([^\r\n(:#]*,[^\r\n:#]*):( ?)", re.MULTILINE)


@lru_cache(maxsize=4)
def parse(text: str) -> ast.Module:
    """Python's syntax tree of a text. Exceptions without parentheses (PEP 758) are read by older
    Pythons too. Cached until `forget_trees`: the result of a repair is examined more than once
    before it is offered.

    Raises:
        SyntaxError, ValueError: this Python cannot parse it.
        RecursionError, MemoryError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are for other linters
        try:
            return ast.parse(text)
        except SyntaxError as error:
            # The parentheses replace two spaces, so that positions do not change.
            changed = _BARE_ERRORS.sub(r"\1(\2):", text)
            if "must be parenthesized" not in error.msg or changed == text:
                raise
            return ast.parse(changed)


def forget_trees() -> None:
    """Clear the cached trees."""
    parse.cache_clear()


def parsed(source: Source) -> ast.Module | Unreadable:
    """Python's syntax tree of a file, or why there is none."""
    try:
        return parse(source.text)
    except SyntaxError as error:
        reason = f"cannot be parsed: {error.msg}"
        # Imported here because it imports LibCST.
        from atomic_fix.parse.syntax_version import needed_version

        needed = needed_version(source.text)
        if needed is not None and needed[0] > sys.version_info[:2]:
            (major, minor), syntax = needed
            running = f"{sys.version_info.major}.{sys.version_info.minor}"
            reason = (
                f"cannot be parsed: {syntax} needs Python {major}.{minor} or newer; this is "
                f"Python {running}, run atomic-fix with that one"
            )
        return Unreadable(source.filename, reason, error.lineno or 1, max(error.offset or 1, 1))
    except (RecursionError, MemoryError):  # the second is that of Python's parser
        return Unreadable(source.filename, "cannot be parsed: nested too deeply")
    except ValueError as error:
        return Unreadable(source.filename, f"cannot be parsed: {error}")
