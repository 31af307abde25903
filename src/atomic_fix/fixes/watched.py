"""Whether a file is watched by its name: the watch stays with the file that is replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from atomic_fix.catalog.calls import WATCHING
from atomic_fix.facts import nodes
from atomic_fix.facts.names import words
from atomic_fix.facts.scopes import Call
from atomic_fix.facts.sites import WriteSite
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext

_WATCHES = re.compile(r"watch|inotify|monitor_file|addPath", re.IGNORECASE)


def must_not_be_watched(context: EditContext, site: WriteSite) -> None:
    """Refuses a file that the module watches, and not its folder.

    Raises:
        Refused: it does.
    """
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
                watch = f"`{nodes.called(call.node)}` watches the file itself"
                raise Refused(f"{watch}, and would see no other that takes its place")


def _watches(context: EditContext) -> Iterator[Call]:
    scheduled = context.imports("watchdog", "watchdog_gevent")
    for function in context.facts.scopes.functions:
        for call in function.calls:
            last = nodes.called(call.node)
            is_schedule = scheduled and last == "schedule"
            if is_schedule or last in {"addPath", "addPaths"} or WATCHING & {*words(last)}:
                yield call


def _watched(call: Call) -> Iterator[ast.expr]:
    """What a watch is given, also in a list and as text."""
    todo = [arg.value for arg in call.arguments]
    while todo:
        each = todo.pop()
        if isinstance(each, (ast.List, ast.Tuple, ast.Set)):
            todo += each.elts
        else:
            yield each
