"""Python's own syntax tree of a text."""

import ast
import sys
import warnings

from atomic_fix.finding import Unreadable
from atomic_fix.source import Source


def parse(text: str) -> ast.Module:
    """Python's syntax tree of a text.

    Raises:
        SyntaxError, ValueError: this Python cannot parse it.
        RecursionError, MemoryError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are for other linters
        return ast.parse(text)


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
