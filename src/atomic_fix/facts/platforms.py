"""Determines the platforms on which a module, or a part of it, can run."""

import ast
import re

from atomic_fix.catalog import apis
from atomic_fix.facts.nodes import code_of
from atomic_fix.facts.scopes import BlockKind, Call

# An import in the first column is not guarded against failure on other platforms.
_POSIX_IMPORT = re.compile(
    r"^(?P<indent>[ \t]*)(?:import|from)[ \t]+(?:[\w., \t]+,[ \t]*)?"
    rf"(?:{'|'.join(sorted(apis.POSIX_MODULES))})\b",
    re.MULTILINE,
)
_GUARD = re.compile(r"\b(?:ImportError|ModuleNotFoundError)\b")
_POSIX_NAME = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(apis.POSIX_NAMES)))})\b")
# Code that mentions Windows may run there.
_PORTABLE = re.compile(
    r"\bos\.name\b|\bsys\.platform\b|\bplatform\.|\b(?:has|get)attr\((?:os|signal)\b"
    r"|\bWindows\b|WINDOWS|[Ww]in32|WIN32|(?:\b|_)(?:is|on)_win|\bmsvcrt\b"
)


def is_posix_only(text: str) -> bool:
    """Whether a module needs modules or names that only POSIX systems have, and never checks the
    platform."""
    needs = _POSIX_NAME.search(text) is not None or any(
        not found["indent"] or _GUARD.search(text) is None for found in _POSIX_IMPORT.finditer(text)
    )
    return needs and _PORTABLE.search(text) is None


_WINDOWS = re.compile(r"(?i)windows|win32|win64|[\"']win|[\"']nt[\"']|(?:\b|_)(?:is|on)_?win\b")
_NOT_WINDOWS = re.compile(r"(?i)posix|linux|darwin|macos|unix")


def is_off_windows(call: Call) -> bool:
    """Whether a test excludes Windows at a call: it is in the `else` of `if os.name == "nt":`, or
    below one that returns."""
    for block in call.enclosing:
        if isinstance(block.node, ast.If):
            on_windows = _asks_for_windows(block.node.test)
            if on_windows is (block.kind is BlockKind.ELSE) and on_windows is not None:
                return True
    body = getattr(call.function.node, "body", None)
    row = call.source_node.lineno
    return isinstance(body, list) and any(
        isinstance(each, ast.If)
        and (each.end_lineno or each.lineno) < row
        and isinstance(each.body[-1], (ast.Return, ast.Raise))
        and _asks_for_windows(each.test) is True
        for each in body
    )


def _asks_for_windows(test: ast.expr) -> bool | None:
    """True if a test holds only on Windows, False if it never holds there, and None if it also
    depends on something else, or is no test of the platform."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _asks_for_windows(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp) or (isinstance(test, ast.Compare) and len(test.ops) != 1):
        return None
    text = code_of(test)
    windows = _WINDOWS.search(text) is not None
    if windows is (_NOT_WINDOWS.search(text) is not None):
        return None
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn, ast.IsNot)):
        return not windows
    return windows
