"""Python's own syntax tree of a text."""

import ast
import re
import sys
import warnings

from atomic_fix.source import Source, Unreadable

# `except A, B:`, which is Python 3.14, and was Python 2.
_BARE_ERRORS = re.compile(r"^([ \t]*except)[ \t]([^\r\n(:#]*,[^\r\n:#]*):( ?)", re.MULTILINE)


def parse(text: str) -> ast.Module:
    """Python's syntax tree of a text. Exceptions without parentheses (PEP 758) are read by older
    Pythons too.

    Raises:
        SyntaxError, ValueError: this Python cannot parse it.
        RecursionError, MemoryError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are for other linters
        try:
            return ast.parse(text)
        except SyntaxError as error:
            # The parentheses take the place of two spaces, so that all stands where it stood.
            changed = _BARE_ERRORS.sub(r"\1(\2):", text)
            if "must be parenthesized" not in error.msg or changed == text:
                raise
            return ast.parse(changed)


def parsed(source: Source) -> ast.Module | Unreadable:
    """Python's syntax tree of a file, or why there is none."""
    try:
        return parse(source.text)
    except SyntaxError as error:
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        reason = f"cannot be parsed by Python {running}: {error.msg}"
        return Unreadable(source.filename, reason, error.lineno or 1, max(error.offset or 1, 1))
    except (RecursionError, MemoryError):  # the second is that of Python's parser
        return Unreadable(source.filename, "cannot be parsed: nested too deeply")
    except ValueError as error:
        return Unreadable(source.filename, f"cannot be parsed: {error}")
