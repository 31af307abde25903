"""Imports of the standard library that a repair left without a use.

`import json` above a `json.dump` that became `atomic_write_json` would be the next finding of
every linter. Only what the repair itself took the last use of goes.
"""

import ast
import re
import sys
import warnings
from collections import Counter
from pathlib import PurePath

_WORD = re.compile(r"(?<![.\w])[^\W\d]\w*")
# A string that may be an annotation, or a name of `__all__`.
_CODE = re.compile(r"[\w\s.,|\[\]]+")
_TYPE_COMMENT = re.compile(r"#\s*type:(.*)")


def without_unused_imports(filename: str, before: str, after: str) -> str:
    """`after` without the imports that `before` used and `after` does not.

    Those of a package's `__init__`, of other people's modules, with a comment, or below an
    `if` or `try` stay: who imports them from here is not in sight.
    """
    if PurePath(filename.replace("\\", "/")).name == "__init__.py":
        return after
    old, new = parsed(before), parsed(after)
    if old is None or new is None:
        return after
    used_before, used_after = _uses(old, before), _uses(new, after)
    rows = _rows(after)
    changes: list[tuple[int, int, list[str]]] = []
    for statement in new.body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)) or statement.col_offset:
            continue
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        if set("".join(rows[first:last])) & set("#;\\"):
            continue  # a comment, or another statement, shares its rows
        kept = [
            alias
            for alias in statement.names
            if used_after[_local(alias)]
            or not used_before[_local(alias)]
            or not _is_standard(statement, alias)
        ]
        if len(kept) == len(statement.names):
            continue
        if not kept:
            changes.append((*_with_gap(rows, first, last), []))
        elif last - first == 1:
            changes.append((first, last, [_shortened(statement, kept, rows[first])]))
    for first, last, replacement in reversed(changes):
        rows[first:last] = replacement
    return "".join(rows)


def parsed(text: str) -> ast.Module | None:
    """Python's own tree of a text; None where this Python cannot parse it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _rows(text: str) -> list[str]:
    """Rows as the parser counts them: a form feed ends none."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)


def _uses(tree: ast.Module, text: str) -> Counter[str]:
    """How often each name is used, or may be: in annotations, type comments,
    `__all__`, examples for doctest."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found[node.id] += 1
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update(node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            short = len(node.value) < 200 and _CODE.fullmatch(node.value)
            if short or ">>>" in node.value:
                found.update(_WORD.findall(node.value))
    for comment in _TYPE_COMMENT.findall(text):
        found.update(_WORD.findall(comment))
    return found


def _local(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_standard(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    module: str | None = alias.name
    if isinstance(statement, ast.ImportFrom):
        module = None if statement.level or alias.name == "*" else statement.module
    top = (module or "").partition(".")[0]
    return top in sys.stdlib_module_names and top != "__future__"


def _with_gap(rows: list[str], first: int, last: int) -> tuple[int, int]:
    """The rows to remove: of the empty ones around an import that stood alone, one side goes."""
    if last < len(rows) and not rows[last].strip():
        if first == 0:
            return first, last + 1
        if not rows[first - 1].strip():
            return first - 1, last
    return first, last


def _shortened(statement: ast.Import | ast.ImportFrom, kept: list[ast.alias], row: str) -> str:
    statement.names = kept
    head, _, names = ast.unparse(statement).partition("import ")
    if "(" in row:
        names = f"({names})"
    return f"{head}import {names}{row[len(row.rstrip()) :]}"
