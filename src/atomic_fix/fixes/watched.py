"""Detects files that are watched or locked by name: the watch or lock stays with the old file when
it is replaced; and files that are known by name among the content of a folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from atomic_fix.catalog.calls import WATCHING
from atomic_fix.facts import nodes
from atomic_fix.facts.names import words
from atomic_fix.facts.paths.expr import FileName
from atomic_fix.facts.scopes import Call
from atomic_fix.facts.sites import WriteSite
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext

_WATCHES = re.compile(r"watch|inotify|monitor_file|addPath|lock\(", re.IGNORECASE)


def must_not_be_watched(context: EditContext, site: WriteSite) -> None:
    """Refuses a file that the module itself watches or locks, rather than its folder or a separate
    lock file, or tells apart from the other content of its folder.

    Raises:
        Refused: the module does that.
    """
    _must_not_be_left_out(context, site)
    if not context.search_source(_WATCHES):
        return
    code = nodes.code_of(site.path_node)
    paths = context.facts.paths
    for call in context.cached("watches", lambda: [*_watches(context)]):
        for each in _watched(call):
            if (
                isinstance(each, (ast.Attribute, ast.Call, ast.Constant))
                and nodes.code_of(each) == code
            ) or paths.resolve(each, call.function, call.order).same(site.path):
                last = nodes.called_name(call.node)
                if "lock" in words(last):
                    raise Refused(
                        f"`{last}` locks the file itself, and would not lock its replacement"
                    )
                raise Refused(f"`{last}` watches the file itself, and would miss its replacement")


def _must_not_be_left_out(context: EditContext, site: WriteSite) -> None:
    """Refuses `.marker` if the module has `(".lock", ".marker")`.

    Raises:
        Refused: the module does that.
    """
    names = {each.name for each in site.path.aliases if isinstance(each, FileName)}
    hidden = {each for each in names if each.startswith(".") and "{" not in each}
    lists = context.cached("hidden", lambda: [*_lists_of_hidden(context)]) if hidden else []
    if any(not hidden.isdisjoint(each) for each in lists):
        raise Refused(
            "its name is in a list of hidden files: code that treats the other files of the "
            "folder as content would treat the temp file as content too"
        )


def _lists_of_hidden(context: EditContext) -> Iterator[frozenset[str]]:
    for node in nodes.walk(context.facts.tree.module):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            found = [nodes.string(each) for each in node.elts]
            names = frozenset(each for each in found if each is not None and each.startswith("."))
            if len(names) == len(found) > 1:
                yield names


def _watches(context: EditContext) -> Iterator[Call]:
    scheduled = context.imports("watchdog", "watchdog_gevent")
    for function in context.facts.scopes.functions:
        for call in function.calls:
            last = nodes.called_name(call.node)
            is_schedule = scheduled and last == "schedule"
            # `lockfile.LockFile(path)` creates a separate lock file.
            is_lock = words(last)[-1:] == ("lock",) and not context.imports("lockfile")
            is_watch = last in {"addPath", "addPaths"} or not WATCHING.isdisjoint(words(last))
            if is_schedule or is_lock or is_watch:
                yield call


def _watched(call: Call) -> Iterator[ast.expr]:
    """The arguments of a watch, also those in a list or converted to text."""
    todo = [arg.value for arg in call.arguments]
    while todo:
        each = todo.pop()
        if isinstance(each, (ast.List, ast.Tuple, ast.Set)):
            todo += each.elts
        else:
            yield each
