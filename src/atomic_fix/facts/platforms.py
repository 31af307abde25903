"""Determines the platforms on which a module can run."""

import re

from atomic_fix.catalog import apis

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
