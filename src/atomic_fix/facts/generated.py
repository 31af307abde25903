"""Random values that are kept in a file: keys, salts, identities. No later run can create the same
value again."""

import ast

from atomic_fix.catalog.calls import GENERATING
from atomic_fix.facts.extended import written_values
from atomic_fix.facts.nodes import called_name, dotted
from atomic_fix.facts.scopes import Binding, Call
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.writes import WriteSite

_STEPS = 6
_CONVERTING = frozenset({"bytes", "str"})


def is_generated(sites: Sites, write: WriteSite) -> bool:
    """Whether the written data is only a random value that the program has created."""
    return any(
        _is_generated(sites, each, write.call, _STEPS) for each in written_values(sites, write)
    )


def _is_generated(sites: Sites, node: ast.expr, at: Call, steps: int) -> bool:
    if steps == 0:
        return False
    match node:
        case ast.Name() | ast.Attribute():
            if _is_bound_to_one(sites, node, at, steps):
                return True
            # `identity.hex`
            return isinstance(node, ast.Attribute) and _is_generated(
                sites, node.value, at, steps - 1
            )
        case ast.Call(func=func, args=args):
            if called_name(node) in GENERATING:
                return True
            if dotted(func) in _CONVERTING:
                return bool(args) and _is_generated(sites, args[0], at, steps - 1)
            if any(
                _is_generated(sites, returned.value, at.at(returned), steps - 1)
                for callee in sites.paths.callees(node, at.function)[:1]
                for returned in callee.returns[-1:]
            ):
                return True
            # `key.private_bytes(...)`, `salt.encode()`
            return isinstance(func, ast.Attribute) and _is_generated(
                sites, func.value, at, steps - 1
            )
        case ast.IfExp(body=one, orelse=other):
            return any(_is_generated(sites, each, at, steps - 1) for each in (one, other))
        case ast.BoolOp(values=values):
            return any(_is_generated(sites, each, at, steps - 1) for each in values)
        case ast.BinOp(left=left, right=right):
            pieces = [each for each in (left, right) if not isinstance(each, ast.Constant)]
        case ast.JoinedStr(values=values):
            pieces = [each.value for each in values if isinstance(each, ast.FormattedValue)]
        case _:
            return False
    return len(pieces) == 1 and _is_generated(sites, pieces[0], at, steps - 1)


def _is_bound_to_one(sites: Sites, node: ast.Name | ast.Attribute, at: Call, steps: int) -> bool:
    bound: list[Binding] = sites.handles.bound(node, at)
    return any(
        binding.is_assigned and _is_generated(sites, binding.value, at.at(binding), steps - 1)
        for binding in bound
    )
