"""Whether ruff, as the project configures it, would delete our `# noqa` comments."""

from __future__ import annotations

import os
import sys
from typing import Any

from atomic_fix.run import disk

_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")
# Unused codes in comments, and in newer versions unknown ones.
_RULES = ("RUF100", "RUF102")


def deletes_our_comments(folder: str) -> str:
    """The ruff configuration, nearest to the folder, that turns these rules on and does not
    name ATF as external; empty when there is none. Such a ruff takes `# noqa: ATF101` for
    unused or unknown, and `ruff check --fix` takes it out."""
    folder = os.path.abspath(folder)
    while True:
        for name in _FILES:
            path = os.path.join(folder, name)
            table = _ruff_table(path)
            if table is not None:
                return path if _would_delete(table) else ""
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent


def _ruff_table(path: str) -> dict[str, Any] | None:
    """The configuration of ruff in a file; None when it has none or cannot be read, which is
    ruff's to complain of."""
    content = disk.read(path) if os.path.isfile(path) else b""
    if not isinstance(content, bytes) or not content:
        return None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: Any = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    if os.path.basename(path) == "pyproject.toml":
        tool = table.get("tool", {})
        table = tool.get("ruff") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _would_delete(table: dict[str, Any]) -> bool:
    # The keys stand below `lint`, and in older configurations at the top.
    lint = table.get("lint", {})
    tables = [table, lint] if isinstance(lint, dict) else [table]
    on = _codes(tables, "select", "extend-select")
    off = _codes(tables, "ignore", "extend-ignore")
    external = _codes(tables, "external")
    if any("ATF".startswith(each) or each.startswith("ATF") for each in external if each):
        return False
    return any(
        any(each == "ALL" or rule.startswith(each) for each in on if each)
        and not any(rule.startswith(each) for each in off if each)
        for rule in _RULES
    )


def _codes(tables: list[dict[str, Any]], *keys: str) -> list[str]:
    values = [each.get(key, []) for each in tables for key in keys]
    return [
        code
        for value in values
        if isinstance(value, list)
        for code in value
        if isinstance(code, str)
    ]
