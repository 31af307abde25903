"""Converts path expressions of one file to texts with the same meaning in every file: see
`summary`."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable

from atomic_fix.facts.outside import key
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.paths.expr import (
    Anything,
    Attribute,
    Called,
    Element,
    FileName,
    Filled,
    Global,
    Handle,
    Item,
    Join,
    Literal,
    Local,
    Parameter,
    Parent,
    PartOf,
    PathExpr,
    Returned,
    SelfAttribute,
    Suffixed,
    Temp,
    UniqueName,
)
from atomic_fix.project.summary import CLOSE, HERE, OPEN, PathSummary

Reference = Callable[[PathExpr], "str | None"]
"""The dotted name for an expression that may come from another file; `NOT_COMPARED` for one that
need not be the same path at two locations."""
NOT_COMPARED = ""


_MOST_WORDS = 8
_PATH_CLASSES = frozenset({"Path", "PurePath", "environ", "expanduser", "getenv"})


def text(expr: PathExpr, reference: Reference) -> str | None:
    """The text of an expression; None if it is not compared."""
    outside = reference(expr)
    if outside == NOT_COMPARED:
        return None
    if outside is not None:
        return f"{OPEN}{outside}{CLOSE}"
    match expr:
        case Literal(value):
            return repr(value)
        case Anything():
            return "*"
        case Global(name):
            return f"{HERE}:{name}"
        case SelfAttribute(name, owner):
            return f"{HERE}:{owner or 'self'}.{name}"
        case Returned(function):
            return f"{HERE}:{function}()"
        case Parameter(function, row, name):
            return f"{HERE}:{function}:{row}:{name}"
        case Local(function, row, name, bound):
            place = "" if bound is None else f"{bound[0]}.{bound[1]}"
            return f"{HERE}:{function}:{row}:{name}:{place}"
        case Temp(row, column) | UniqueName(row, column):
            return f"{HERE}:{type(expr).__name__}:{row}.{column}"
    inner = [text(each, reference) for each in expr.inner]
    if None in inner:
        return None
    parts = [each for each in inner if each is not None]
    match expr:
        case Join():
            return f"({'/'.join(parts)})"
        case Suffixed(_, suffix) if suffix is not None:
            return f"({parts[0]}+{suffix!r})"
        case Filled(template):
            return f"({template!r}%{','.join(parts)})"
        case Parent():
            return f"parent({parts[0]})"
        case PartOf(part):
            return f"{part.value}({parts[0]})"
        case Attribute(_, name):
            return f"{parts[0]}.{name}"
        case Item(_, item) if item is not None:
            return f"{parts[0]}[{item!r}]"
        case Handle():
            return f"handle({parts[0]})"
        case Called(function):
            owner = _owner(function)
            # `path.canonical()`: `path` may be another object in another function.
            if owner and "." in function and not function.startswith(("self.", "cls.")):
                return None
            return f"{owner}{function}({','.join(parts)})"
        case Element():
            return None
    return None


def _owner(function: str) -> str:
    """What precedes the name of a called function: `HERE`, unless the function is Python's own. The
    same name, or the object of a method, may be another one in other files."""
    head, _, rest = function.partition(".")
    known = (
        head in sys.stdlib_module_names
        or head in _PATH_CLASSES
        or (not rest and hasattr(builtins, head))
    )
    return "" if known else f"{HERE}:"


def summary_of_path(
    value: PathValue, reference: Reference, node: ast.expr | None = None
) -> PathSummary:
    """The summary of a path for other files.

    Args:
        node: the expression whose value is the path.
    """
    keys, own, refs, names = set(), set(), set(), set()
    for alias in value.aliases:
        if isinstance(alias, FileName):
            if alias.home is None:
                names.add(alias.name)
            continue
        name = key(alias)
        outside = reference(alias)
        if name is not None and outside:
            refs.add((name, outside))
        elif name is not None and isinstance(alias, (Parameter, SelfAttribute)):
            own.add(name)
        found = text(alias, reference)
        if found is not None:
            keys.add(found)
    given = _name_given(node)
    if given:
        names = {given}
    elif len(names) > 1:
        names = set()  # for example with many calls: none of them is certain
    return PathSummary(
        text(value.expr, reference) or "",
        tuple(sorted(keys)),
        tuple(sorted(own)),
        tuple(sorted(refs)),
        tuple(sorted(names)),
        value.occurrences[:_MOST_WORDS],
        value.traits,
    )


def _name_given(node: ast.expr | None) -> str:
    """The file name from which a function builds a path: `_in_folder("state.json")`."""
    if not isinstance(node, ast.Call):
        return ""
    texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
    found = {
        each.replace("\\", "/").rpartition("/")[2]
        for each in texts
        if isinstance(each, str) and "." in each.strip(".")
    }
    return found.pop() if len(found) == 1 else ""
