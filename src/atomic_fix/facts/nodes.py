"""Access to Python's syntax tree as facts need it: dotted names, arguments, children in the order
of the file."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeVar

Function = ast.FunctionDef | ast.AsyncFunctionDef
With = ast.With | ast.AsyncWith
For = ast.For | ast.AsyncFor

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WITHS = (ast.With, ast.AsyncWith)
FORS = (ast.For, ast.AsyncFor)
LOOPS = (ast.For, ast.AsyncFor, ast.While)

_Node = TypeVar("_Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call."""

    value: ast.expr
    """Of `*a` and `**a`: what is after the stars."""
    keyword: str = ""
    star: str = ""
    """`*`, `**`, or empty."""


@lru_cache(maxsize=4096)
def arguments(call: ast.Call) -> tuple[Argument, ...]:
    """The arguments of a call, in the order of the file."""
    found: list[tuple[tuple[int, int], Argument]] = []
    for value in call.args:
        place = (value.lineno, value.col_offset)
        if isinstance(value, ast.Starred):
            found.append((place, Argument(value.value, star="*")))
        else:
            found.append((place, Argument(value)))
    for each in call.keywords:
        place = (each.lineno, each.col_offset)
        star = "" if each.arg is not None else "**"
        found.append((place, Argument(each.value, each.arg or "", star)))
    if call.args and call.keywords:
        found.sort(key=lambda pair: pair[0])
    return tuple(argument for _, argument in found)


def argument(call: ast.Call, position: int | None, keyword: str = "") -> ast.expr | None:
    """The argument at a position or with a name; without a position, only by name."""
    index = 0
    for arg in arguments(call):
        if arg.star:
            # Arguments after a starred one have no known position.
            index = 1000
            continue
        if arg.keyword:
            if keyword and arg.keyword == keyword:
                return arg.value
            continue
        if index == position:
            return arg.value
        index += 1
    return None


def dotted(node: ast.AST | None) -> str | None:
    """`a.b.c` for a chain of plain names, also `None`, `True` and `False`; else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
        parts.append(str(node.value))
    else:
        return None
    return ".".join(reversed(parts))


def first_row(node: ast.AST) -> int:
    """The row that a statement begins on, with its decorators."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    row: int = node.lineno  # type: ignore[attr-defined]
    return min([row, *(each.lineno for each in decorators)])


def string(node: ast.AST | None) -> str | None:
    """The text of a string literal; bytes by their characters."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, bytes):
            return node.value.decode("latin-1")
    return None


def text_of(node: ast.AST | None) -> str | None:
    """The text of a plain string literal, or of a whole number."""
    match node:
        # No digits of numbers too large to be a key: Python itself may refuse to convert them.
        case ast.Constant(value=int(number)) if is_number(node) and number.bit_length() < 64:
            return str(number)
    return string(node)


def is_number(node: ast.AST | None) -> bool:
    """Whether an expression is a literal number; `True` is not."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float, complex))
        and not isinstance(node.value, bool)
    )


def last_name(func: ast.expr) -> str | None:
    """`c` for `a.b.c` and `a().c`; None if the expression does not end in a name."""
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else None


def called_name(node: ast.AST | None) -> str:
    """`c` for a call of `a.b.c` or `a().c`; empty for anything else."""
    return (last_name(node.func) or "") if isinstance(node, ast.Call) else ""


@lru_cache(maxsize=4096)
def code_of(node: ast.AST) -> str:
    """The code of a node, as `ast.unparse` writes it: the same for code that differs only in
    layout.

    For the characters in the file, see `Tree.text`. A question mark stands for a number with too
    many digits for Python to print.
    """
    try:
        return ast.unparse(node)
    except ValueError:
        return "?"


# Fields without code, of all kinds of nodes.
_PLAIN = frozenset(
    {
        *("arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "kwd_attrs"),
        *("level", "module", "name", "op", "ops", "rest", "simple", "tag", "type_comment"),
    }
)


_LEAVES = frozenset({ast.Constant, ast.Name})
"""Half of all nodes, which contain no others."""


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields with nodes of a kind of node, in the order in which they are written."""
    if issubclass(kind, FUNCTIONS):
        return ("decorator_list", "type_params", "args", "returns", "body")
    if kind is ast.ClassDef:
        return ("decorator_list", "type_params", "bases", "keywords", "body")
    if kind is ast.IfExp:
        return ("body", "test", "orelse")
    if kind in {ast.Constant, ast.Global, ast.Nonlocal, ast.MatchSingleton, ast.alias}:
        return ()
    if kind.__name__ == "TypeAlias":
        return ("name", "type_params", "value")
    return tuple(name for name in kind._fields if name not in _PLAIN)


def children(node: ast.AST) -> list[ast.AST]:
    """The children of a node, in the order in which they are written.

    This includes `a if b else c` and comprehensions, where the value is written before its
    conditions.
    """
    kind = type(node)
    if kind is ast.Call:
        found: list[ast.AST] = [node.func, *node.args]  # type: ignore[attr-defined]
        keywords = node.keywords  # type: ignore[attr-defined]
        return [found[0], *_in_order([*found[1:], *keywords])] if keywords else found
    if kind is ast.Dict:
        return [
            each
            for pair in zip(node.keys, node.values, strict=True)  # type: ignore[attr-defined]
            for each in pair
            if each is not None
        ]
    found = []
    for name in _fields(kind):  # type: ignore[arg-type]
        value = getattr(node, name, None)
        if type(value) is list:
            found += value
        elif value is not None:
            found.append(value)
    if kind is ast.arguments:
        return _in_order([*filter(None, found)])
    return found


def _in_order(nodes: Sequence[ast.AST]) -> list[ast.AST]:
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))  # type: ignore[attr-defined]


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and everything in it, in the order of the file."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if type(current) not in _LEAVES:
            stack.extend(reversed(children(current)))


@lru_cache(maxsize=1024)
def of_kind(node: ast.AST, kind: type[_Node]) -> Sequence[_Node]:
    """The nodes of one kind in some code, in order. Cached until `forget_nodes`: code that asks
    this for each handler of a function would otherwise walk through all of it each time."""
    return [each for each in walk(node) if isinstance(each, kind)]


@lru_cache(maxsize=256)
def parents_in(root: ast.AST) -> dict[ast.AST, ast.AST]:
    """The parent of each node in some code. Cached until `forget_nodes`."""
    found = {}
    stack = [root]
    while stack:
        current = stack.pop()
        for child in children(current):
            found[child] = current
            if type(child) not in _LEAVES:
                stack.append(child)
    return found


@lru_cache(maxsize=4096)
def assigned_in(node: ast.AST) -> frozenset[str]:
    """The names and attributes that assignments in some code bind. Cached until `forget_nodes`."""
    targets: list[ast.expr] = []
    for each in walk(node):
        if isinstance(each, ast.Assign):
            targets += each.targets
        elif isinstance(each, ast.AnnAssign):
            targets.append(each.target)
    return frozenset(name for each in targets if (name := dotted(each)) is not None)


@lru_cache(maxsize=256)
def times_bound(node: ast.AST) -> Counter[str]:
    """How often each name is bound within a function or module, by any of its functions. Cached
    until `forget_nodes`."""
    found: Counter[str] = Counter()
    for each in walk(node):
        if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
            found[each.id] += 1
        elif isinstance(each, ast.alias):
            found[each.asname or each.name] += 1
        elif isinstance(each, (ast.Global, ast.Nonlocal)):
            found.update(set(each.names))
    return found


def forget_nodes() -> None:
    """Clear the caches of this module, which refer to syntax trees."""
    for known in (arguments, assigned_in, code_of, of_kind, parents_in, times_bound):
        known.cache_clear()


def call_of(func: ast.expr, like: ast.Call, args: Sequence[ast.expr]) -> ast.Call:
    """A call that is derived from another one, with its position in the file."""
    return ast.copy_location(ast.Call(func, [*args], [*like.keywords]), like)
