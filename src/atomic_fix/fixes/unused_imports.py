"""Removes imports that a repair left unused. `import json` above a `json.dump` that became
`atomic_write_json` would be reported by every linter. Only imports whose last use the repair itself
removed are removed.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeAlias

from atomic_fix.catalog.apis import IMPORTED_WITHOUT_EFFECT
from atomic_fix.facts.statements import Statements, words_of
from atomic_fix.fixes.bindings import Scope, local, scopes
from atomic_fix.fixes.texts import statements_of

Import: TypeAlias = ast.Import | ast.ImportFrom

_WORD = re.compile(r"(?<![.\w])[^\W\d]\w*")
# A string that may be an annotation, or a name of `__all__`.
_CODE = re.compile(r"[\w\s.,|\[\]]+")
_TYPE_COMMENT = re.compile(r"#\s*type:(.*)")
# A name of an import on a row of its own.
_NAME = re.compile(r"\s*[\w.]+(\s+as\s+\w+)?\s*,\s*")
_DYNAMIC = frozenset({"eval", "exec", "locals", "vars"})
_LOOKING_UP = ("eval", "exec", "globals", "locals", "vars")
_ABSENT = frozenset({"ImportError", "ModuleNotFoundError"})


def without_unused_imports(filename: str, before: str, after: str) -> str:
    """`after` without the imports that `before` used and `after` does not.

    Handles imports at the top of a module and in functions. These are kept: imports of modules that
    may do more than define names, imports with a comment, module-level imports below an `if` or
    `try`, and names at the top of a package's `__init__`, since other files may import them from
    there.
    """
    try:
        old, new = statements_of(before), statements_of(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return after
    names = _that_may_go(old, new)
    if not names or _looks_names_up(old.that_may_name(_LOOKING_UP)):
        return after
    # In a long file, only statements that mention one of them are examined.
    used, left = old.that_may_name(names), new.that_may_name(names)
    mentions_before, mentions_after = _mentions(used, before), _mentions(left, after)
    known = {scope.key: scope for scope in scopes(old.module, used).all()}
    is_package = PurePath(filename.replace("\\", "/")).stem == "__init__"
    rows = [*new.rows]
    changes: list[tuple[int, int, list[str]]] = []
    for scope in scopes(new.module, left).all():
        was = known.get(scope.key)
        if was is None:
            continue
        # Other files may import names from a package, but hardly ever a foreign module.
        may_be_handed_on = is_package and isinstance(scope.node, ast.Module)
        for block in _blocks(scope):
            found = []
            for statement in block.statements:
                if isinstance(statement, ast.Import) or (
                    isinstance(statement, ast.ImportFrom) and not may_be_handed_on
                ):
                    unused = {
                        name
                        for name in map(local, statement.names)
                        if name in names
                        and was.uses(name) + mentions_before[name]
                        and not scope.uses(name) + mentions_after[name]
                        and name not in scope.elsewhere
                    }
                    change = _change(statement, unused, was, used, rows, block)
                    if change is not None:
                        found.append(change)
            if sum(not kept for _, _, kept in found) == len(block.statements) and (
                not isinstance(scope.node, ast.Module)
            ):
                continue  # a block must not become empty
            changes += found
    for first, last, replacement in sorted(changes, reverse=True):
        rows[first:last] = replacement
    return "".join(rows)


def _that_may_go(old: Statements, new: Statements) -> set[str]:
    """The names bound by the imports of a text that the code removed by the repair may have
    used."""
    words = {word for row in old.rows_not_in(new) for word in words_of(row)}
    return {
        name
        for statement in new.that_may_name(["import"])
        for node in ast.walk(statement)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in map(local, node.names)
        if name in words
    }


def _looks_names_up(statements: Iterable[ast.stmt]) -> bool:
    """Whether code may use a name indirectly: by `eval`, or `globals()["json"]`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (
            node.func.id in {"eval", "exec"}
            or (node.func.id in {"globals", "locals", "vars"} and not node.args)
        )
        for statement in statements
        for node in ast.walk(statement)
    )


def _mentions(statements: Iterable[ast.stmt], text: str) -> Counter[str]:
    """How often each name is used, or may be, outside of what scopes record: in type comments,
    `__all__`, doctest examples and quoted annotations."""
    found: Counter[str] = Counter()
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Global):
            found.update(node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            short = len(node.value) < 200 and _CODE.fullmatch(node.value)
            if short or ">>>" in node.value:
                found.update(_WORD.findall(node.value))
    for comment in _TYPE_COMMENT.findall(text):
        found.update(_WORD.findall(comment))
    return found


# --- where imports may be removed ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """Consecutive statements in a scope."""

    statements: Sequence[ast.stmt]
    is_body: bool
    """Whether they are the whole body of a function, so that nothing is above the first."""


def _blocks(scope: Scope) -> Iterator[_Block]:
    """The blocks of a scope whose imports may be removed."""
    node = scope.node
    if isinstance(node, ast.Module):
        yield _Block(node.body, is_body=False)
        return
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return  # in a class body, an import is an attribute of the class
    if any(not _DYNAMIC.isdisjoint(each.read) for each in scope.all()):
        return
    yield _Block(node.body, is_body=True)
    stack = list(node.body)
    while stack:
        statement = stack.pop()
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        inner = [
            value
            for each in _parts(statement)
            for _, value in ast.iter_fields(each)
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt)
        ]
        for block in inner:
            if not _may_be_absent(statement):
                yield _Block(block, is_body=False)
            stack += block


def _parts(statement: ast.stmt) -> list[ast.AST]:
    """A statement and its handlers or cases, which contain statements too."""
    more = (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ()))
    return [statement, *more]


def _may_be_absent(statement: ast.stmt) -> bool:
    """Whether imports below a statement may fail or are conditional."""
    if isinstance(statement, ast.If):
        return "TYPE_CHECKING" in ast.unparse(statement.test)
    names = {
        getattr(node, "id", "")
        for handler in getattr(statement, "handlers", ())
        if handler.type is not None
        for node in ast.walk(handler.type)
    }
    return not _ABSENT.isdisjoint(names)


# --- what is removed ----------------------------------------------------------------


def _change(
    statement: Import,
    unused: set[str],
    was: Scope,
    used: Collection[ast.stmt],
    rows: list[str],
    block: _Block,
) -> tuple[int, int, list[str]] | None:
    """The rows of an import, and their replacement; None if all of it is kept."""
    first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
    statement_text = "".join(rows[first:last])
    if not unused or set(statement_text) & set(";\\"):
        return None  # another statement shares its rows
    kept = [alias for alias in statement.names if local(alias) not in unused]
    gone = [alias for alias in statement.names if local(alias) in unused]
    if isinstance(statement, ast.Import) or not kept:
        gone = [alias for alias in gone if _is_without_effect(statement, alias)]
    else:
        # The module is still imported. A name that is not a module has no other effect.
        gone = [
            alias
            for alias in gone
            if _is_without_effect(statement, alias) or not _is_module(was, used, local(alias))
        ]
    kept = [alias for alias in statement.names if alias not in gone]
    if not gone:
        return None
    if not kept:
        if "#" in statement_text:
            return None
        is_first = block.is_body and statement is block.statements[0]
        return *_with_gap(rows, first, last, is_first=is_first), []
    if last - first == 1:
        return (
            None
            if "#" in statement_text
            else (first, last, [_shortened(statement, kept, rows[first])])
        )
    return first, last, _without_rows(statement, gone, rows[first:last])


def _is_without_effect(statement: Import, alias: ast.alias) -> bool:
    """Whether an import only binds a name."""
    module: str | None = alias.name
    if isinstance(statement, ast.ImportFrom):
        module = None if statement.level or alias.name == "*" else statement.module
    top = (module or "").partition(".")[0]
    known = top in sys.stdlib_module_names or top in IMPORTED_WITHOUT_EFFECT
    return known and top not in {"__future__", "antigravity", "readline", "rlcompleter", "this"}


def _is_module(scope: Scope, used: Iterable[ast.stmt], name: str) -> bool:
    """Whether a name may be a module: its attributes are used."""
    within = used if isinstance(scope.node, ast.Module) else [scope.node]
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        for part in within
        for node in ast.walk(part)
    )


def _with_gap(rows: list[str], first: int, last: int, *, is_first: bool) -> tuple[int, int]:
    """The rows to remove: with an import that stood alone, the blank rows on one side of it; below
    the head of a function, all of them."""
    if is_first:
        while last < len(rows) and not rows[last].strip():
            last += 1
    elif last < len(rows) and not rows[last].strip():
        if first == 0:
            return first, last + 1
        if not rows[first - 1].strip():
            return first - 1, last
    return first, last


def _shortened(statement: Import, kept: list[ast.alias], row: str) -> str:
    indent = row[: len(row) - len(row.lstrip())]
    head, _, _ = ast.unparse(statement).partition("import ")
    names = ", ".join(map(ast.unparse, kept))
    if "(" in row:
        names = f"({names})"
    return f"{indent}{head}import {names}{row[len(row.rstrip()) :]}"


def _without_rows(statement: Import, gone: Sequence[ast.alias], rows: list[str]) -> list[str]:
    """The rows of an import without those of the removed names. If names share rows, all on one row
    if that is no longer than the longest was; unchanged if there are comments."""
    kept = [alias for alias in statement.names if alias not in gone]
    own = [rows[alias.lineno - statement.lineno] for alias in gone]
    if all(_NAME.fullmatch(row) for row in own):
        taken = {alias.lineno - statement.lineno for alias in gone}
        return [row for index, row in enumerate(rows) if index not in taken]
    if "#" in "".join(rows):
        return rows
    flat = _shortened(statement, kept, rows[0]).replace("(", "").replace(")", "")
    return [flat] if len(flat) <= max(map(len, rows)) else rows
