"""Decides from an expression alone whether it may be a path: most are not, and resolving them would
cost more than the rest of a summary."""

from __future__ import annotations

import ast
from functools import lru_cache

from atomic_fix.catalog.words import (
    DURABLE,
    LOADING,
    MAYBE_DURABLE,
    PATHS,
    RESUMING,
    SAVE_VERBS,
    TEMP,
    WRITING,
)
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import dotted

_DEPTH = 4
_SAYING_PATH = PATHS | DURABLE | MAYBE_DURABLE | TEMP | {"filepath", "fn", "p"}
_DOING = (
    WRITING | LOADING | SAVE_VERBS | RESUMING | {"atomic", "move", "publish", "rename", "replace"}
)
_MAKING = frozenset({"abspath", "Path", "PurePath", "expanduser", "join", "joinpath", "str"})
"""Calls that return a path, although `join` may also build text."""
_ASKED = LOADING | RESUMING | {"fetch", "open"}


@lru_cache(maxsize=8192)
def says_path(name: str) -> bool:
    """Whether a name may be that of a path."""
    return not _SAYING_PATH.isdisjoint(words(name))


@lru_cache(maxsize=8192)
def does_something(name: str) -> bool:
    """Whether a function may write, load or move a file, by its name."""
    return not _DOING.isdisjoint(words(name))


@lru_cache(maxsize=8192)
def loads_something(name: str) -> bool:
    """Whether a function may return loaded data, by its name."""
    return not _ASKED.isdisjoint(words(name))


def may_be_path(node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression itself may be a path."""
    if depth == 0:
        return False
    match node:
        case ast.Constant(value=str(text)):
            return "\n" not in text and len(text) < 200 and ("." in text or "/" in text)
        case ast.Name(id=name):
            return says_path(name)
        case ast.Attribute(attr=name, value=value):
            return says_path(name) or (name == "name" and may_be_path(value, depth - 1))
        case ast.BinOp(op=ast.Div() | ast.Add() | ast.Mod(), left=left, right=right):
            return may_be_path(left, depth - 1) or may_be_path(right, depth - 1)
        case ast.JoinedStr(values=values):
            return any(may_be_path(each, depth - 1) for each in values)
        case ast.FormattedValue(value=value) | ast.Await(value=value):
            return may_be_path(value, depth - 1)
        case ast.IfExp(body=one, orelse=other):
            return may_be_path(one, depth - 1) or may_be_path(other, depth - 1)
        case ast.BoolOp(values=values):
            return any(may_be_path(each, depth - 1) for each in values)
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return says_path(name)
        case ast.Call():
            last = (dotted(node.func) or "").rpartition(".")[2]
            if isinstance(node.func, ast.Attribute):
                last = node.func.attr
                if last in {"with_suffix", "with_name", "joinpath", "resolve", "format"}:
                    return may_be_path(node.func.value, depth - 1) or last != "format"
            return last in _MAKING or says_path(last)
    return False
