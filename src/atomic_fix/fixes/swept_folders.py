"""Detects folders whose files are all taken, whatever their names: the entries of a queue, or what
a clean-up removes. The temp file is beside the file that it replaces, and would be taken as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import called_name, last_name, walk
from atomic_fix.facts.paths.expr import FileName
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.fixes.edit_context import EditContext

_LISTS = frozenset({"iterdir", "listdir", "scandir"})
_TAKES = frozenset({"move", "remove", "rename", "unlink"})
_REMOVING = re.compile(r"(?i)^_*(?:delete|remove|unlink)_?file$")
_READS = frozenset({"load", "open", "read_bytes", "read_text"})
# A function that calls one of these, or reads one of these attributes, does not take every name.
_FILTERS = frozenset({
    "endswith", "filter", "fnmatch", "fullmatch", "isdir", "is_dir", "isdigit", "match", "search",
    "splitext", "startswith", "suffix", "suffixes",
})  # fmt: skip
_NAMES = frozenset({"inbox", "incoming", "mailbox", "outbox", "queue", "spool"})
# Two functions that call a folder so may mean different ones.
_ANY_FOLDER = frozenset({"base", "dir", "directory", "dirname", "folder", "path", "root"})
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A function that takes all files of a folder, which is known by a name in the code, if any."""

    function: str
    folder: str
    removes: bool


def mark_swept(context: EditContext, site: WriteSite) -> None:
    """Makes the repair unsafe if other code takes every file of the folder."""
    folder = _folder_of(site.path_node, site.function)
    for each in context.cached("sweeps", lambda: [*_sweeps(context)]):
        is_same = folder == each.folder != "" and (each.removes or folder not in _ANY_FOLDER)
        is_unknown = each.removes and not (folder and each.folder)
        if is_same or is_unknown:
            context.mark_unsafe(
                f"`{each.function}` takes every file of a folder, whatever its name, and would "
                "take the temp file as well"
            )
            return
    is_entry = not any(isinstance(each, FileName) for each in site.path.aliases)
    if is_entry and not _NAMES.isdisjoint(words(folder)):
        context.mark_unsafe(
            "a program that takes every file of this folder would take the temp file as well"
        )


def _sweeps(context: EditContext) -> Iterator[_Sweep]:
    if not context.search_source(r"\b(?:iterdir|listdir|scandir)\("):
        return
    for function in context.facts.scopes.functions:
        called = {called_name(call.node) for call in function.calls}
        if _LISTS.isdisjoint(called) or not _FILTERS.isdisjoint(called):
            continue
        node = function.node
        if any(isinstance(each, ast.Attribute) and each.attr in _FILTERS for each in walk(node)):
            continue
        removes = any(_takes(call) for call in function.calls)
        if not removes and _READS.isdisjoint(called):
            continue
        for call in function.calls:
            if called_name(call.node) in _LISTS and isinstance(call.node, ast.Call):
                func = call.node.func
                if called_name(call.node) == "iterdir" and isinstance(func, ast.Attribute):
                    given: ast.expr | None = func.value
                else:
                    given = next(iter(call.node.args), None)
                yield _Sweep(function.name, _name_of(given, function), removes)


def _takes(call: Call) -> bool:
    """Whether a call removes or moves a file; `names.remove(x)` does not."""
    name = called_name(call.node)
    if name == "remove":
        return call.receiver is not None and last_name(call.receiver) == "os"
    return name in _TAKES or _REMOVING.search(name) is not None


def _folder_of(path: ast.expr, function: FunctionFacts, depth: int = _DEPTH) -> str:
    """The name of the folder in which a path is, in the code; empty if it has none."""
    match path:
        case ast.Call(args=[folder, _, *_]) if called_name(path) in {"join", "joinpath"}:
            return _name_of(folder, function)
        case ast.Call(args=[value]) if called_name(path) in {"Path", "str", "fspath"}:
            return _folder_of(value, function, depth)
        case ast.BinOp(op=ast.Div(), left=left):
            return _name_of(left, function)
        case ast.JoinedStr(values=[ast.FormattedValue(value=folder), _, *_]):
            return _name_of(folder, function)
        case ast.Name(id=name) if depth:
            for each in function.bindings.get(name, ()):
                if each.is_assigned:
                    return _folder_of(each.value, function, depth - 1)
    return ""


def _name_of(node: ast.expr | None, function: FunctionFacts, depth: int = _DEPTH) -> str:
    """What a folder is called in the code, without the object that has it."""
    match node:
        case ast.Name(id=name):
            for each in function.bindings.get(name, ()) if depth else ():
                if each.is_assigned and isinstance(each.value, (ast.Call, ast.Attribute)):
                    return _name_of(each.value, function, depth - 1) or name
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Call(args=[value]) if called_name(node) in {"Path", "str", "fspath"}:
            return _name_of(value, function, depth)
        case ast.Call():
            return called_name(node)
    return ""
