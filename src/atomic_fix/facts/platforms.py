"""On which platforms a module can run at all."""

import re

from atomic_fix.catalog import apis

# In the first column: an import that fails elsewhere is not guarded there.
_POSIX_IMPORT = re.compile(
    rf"^(?:import|from)[ \t]+(?:[\w., \t]+,[ \t]*)?(?:{'|'.join(sorted(apis.POSIX_MODULES))})\b",
    re.MULTILINE,
)
_POSIX_NAME = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(apis.POSIX_NAMES)))})\b")
# Whoever thinks of Windows may well run there.
_PORTABLE = re.compile(
    r"\bos\.name\b|\bsys\.platform\b|\bplatform\.|\b(?:has|get)attr\((?:os|signal)\b"
    r"|(?i:\bwin(?:32|dows|nt)?\b|win32|windows)|\bmsvcrt\b|\bcygwin\b"
)


def is_posix_only(text: str) -> bool:
    """Whether a module needs what only POSIX systems have, and asks nowhere what it runs on."""
    if _POSIX_IMPORT.search(text) is None and _POSIX_NAME.search(text) is None:
        return False
    return _PORTABLE.search(text) is None
