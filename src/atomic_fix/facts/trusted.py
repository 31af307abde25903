"""Files that are written only if they do not exist, and trusted if they do. The first write can be
interrupted like any other. If later runs only check that the file exists, each of them fails on the
truncated file.
"""

import ast
from collections.abc import Sequence

from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.calls import ASKING
from atomic_fix.catalog.words import LOADING
from atomic_fix.facts.evidence import guarded_by_absence
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import WITHS, code_of, last_name
from atomic_fix.facts.scopes import BlockKind
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.swallowing import is_handled
from atomic_fix.facts.writes import WriteSite

_LEAVING = (ast.Return, ast.Raise, ast.Continue)


def is_trusted(sites: Sites, write: WriteSite) -> bool:
    """Whether the module parses the written file without handling the error of an incomplete one,
    and does not write it again once it exists."""
    if write.content is Content.TABLE:
        return False  # a dataset that is prepared once
    if any(isinstance(block.node, ast.ExceptHandler) for block in write.call.enclosing):
        return False
    if not (guarded_by_absence(write) or is_left_before(sites, write)):
        return False
    if write.content is Content.DOWNLOAD and _is_loaded_by_name(sites, write):
        return True
    loads = [load for load in sites.loads if not load.raw and load.path.same(write.path)]
    return bool(loads) and not any(is_handled(load.call) for load in loads)


def is_given_as_whole(sites: Sites, write: WriteSite) -> bool:
    """Whether a function creates a missing file, and returns the path of an existing one without
    examining it."""
    if write.content is Content.TABLE or write.constant:
        return False
    if any(isinstance(block.node, ast.ExceptHandler) for block in write.call.enclosing):
        return False
    given = [
        each
        for each in write.function.returns
        if isinstance(each.value, (ast.Attribute, ast.Call, ast.Name))
        and sites.handles.resolve(each.value, write.call.at(each)).same(write.path)
    ]
    if not given:
        return False
    values = {each.value for each in given}
    return _is_made_where_missing(sites, write) or any(
        branch.order < write.order
        and isinstance(last := branch.node.body[-1], ast.Return)
        and last.value in values
        and sites.handles.resolve(asked, call).same(write.path)
        for branch, call, asked in sites.asked_in(write.function)
    )


def _is_made_where_missing(sites: Sites, write: WriteSite) -> bool:
    """Whether a test around the write asks only whether the file exists."""
    for block in write.call.enclosing:
        if not isinstance(block.node, ast.If) or block.kind not in {BlockKind.IF, BlockKind.ELSE}:
            continue
        test = block.node.test
        if block.kind is BlockKind.IF:
            if not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
                continue
            test = test.operand
        if isinstance(test, ast.Call) and last_name(test.func) in ASKING:
            asked = test.args[0] if test.args else getattr(test.func, "value", None)
            if asked is not None and sites.handles.resolve(asked, write.call).same(write.path):
                return True
    return False


def is_left_before(sites: Sites, write: WriteSite) -> bool:
    """`if path.exists(): return ...` above the write."""
    return any(
        branch.order < write.order
        and _leaves(branch.node.body)
        and not any(block.node is branch.node for block in write.call.enclosing)
        and sites.handles.resolve(asked, call).same(write.path)
        for branch, call, asked in sites.asked_in(write.function)
    )


def _is_loaded_by_name(sites: Sites, write: WriteSite) -> bool:
    """`if path.exists(): return load_table(path)`, whatever `load_table` does."""
    return any(
        call.order < write.order
        and any(
            block.kind is BlockKind.IF and "exist" in code_of(block.node.test)
            for block in call.enclosing
            if isinstance(block.node, ast.If)
        )
        and not LOADING.isdisjoint(words(last_name(call.node.func) or ""))
        and any(sites.handles.resolve(each.value, call).same(write.path) for each in call.arguments)
        and not is_handled(call)
        for call in write.function.calls
    )


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether code after a block cannot be reached from it."""
    last = body[-1]
    return isinstance(last, _LEAVING) or (isinstance(last, WITHS) and _leaves(last.body))
