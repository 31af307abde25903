"""ATF102: a saver gets a handle from `atomic_open` instead of the path."""

import ast
from collections.abc import Sequence
from pathlib import PurePath

import libcst as cst

from atomic_fix.catalog.apis import Handle
from atomic_fix.catalog.calls import SAME_ENDING
from atomic_fix.facts import nodes
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.nodes import called_name, dotted
from atomic_fix.facts.scopes import Binding, Call
from atomic_fix.facts.sites import WriteSite
from atomic_fix.finding import Edit, Fix
from atomic_fix.fixes import Refused
from atomic_fix.fixes.atomic_write import WriteRewriter
from atomic_fix.fixes.block import changes_order, is_open_elsewhere
from atomic_fix.fixes.edit_context import EditContext, keyword
from atomic_fix.fixes.swept_folders import mark_swept
from atomic_fix.fixes.watched import must_not_be_watched


def fix_save(facts: ModuleFacts, site: WriteSite) -> Fix:
    """The repair of a library's save straight to its final path."""
    assert site.saver is not None
    row = site.saver.handle
    if row is None:
        raise Refused(site.saver.refusal.format(site.api))
    if facts.paths.is_chosen(site.call):
        raise Refused("which function saves is decided while the program runs")
    if site.call.shown is not None:
        raise Refused("the save function is called by another function")
    attempt = WriteRewriter(EditContext(facts, site.function, [site.node]), site)
    context, saver = attempt.context, site.call.node
    local = attempt.helper("atomic_open")
    if row.module and not context.imports(row.module):
        raise Refused(f"it is unknown whether this is the `{site.api}` of {row.module}")
    if row.unsafe_reason:
        context.mark_unsafe(row.unsafe_reason)
    arguments = site.call.arguments
    for given in arguments:
        if given.star:
            raise Refused("the save function is passed `*args` or `**kwargs`")
        if given.keyword in row.refused:
            raise Refused(
                f"with `{given.keyword}`, the save function treats a file object differently"
            )
    # The others are methods.
    if context.called(saver) == site.api and not context.is_unshadowed(saver.func):
        raise Refused(f"it is unknown whose `{site.api}` is called")
    appended = _appended(context, site, row)
    if not isinstance(context.parent(saver), ast.Expr):
        raise Refused("the result of the save function is used")
    call = attempt.call
    context.simple_statement(call)
    path = attempt.path_text(site.path_node)
    if appended:
        path = f"{path[:-1]}{appended}{path[-1]}"
    values = [argument.value for argument in arguments]
    if site.path_node not in values:
        raise Refused("the path is not an argument of the save function")
    index = values.index(site.path_node)
    if is_open_elsewhere(context, site, facts.sites.handles):
        raise Refused("the same file is open meanwhile")
    must_not_be_watched(context, site)
    mark_swept(context, site)
    if changes_order(context, site.path_node, [saver.func, *values[:index]]):
        context.mark_unsafe("the path would be evaluated in another order than the content")
    handle = context.unused_name("file", "handle", "output")
    if context.comments(call):
        raise Refused("the call contains comments")
    span = context.span(call)
    indent = context.indent(span.start.row)
    deeper = indent + context.unit
    opened, end = [path, *row.arguments.split(", ")], f" as {handle}:"
    opener = context.format_call(f"with {local}", opened, span, indent, end)
    taken: list[str | cst.Arg] = [*call.args]
    name = keyword(call.args[index])
    taken[index] = f"{name}={handle}" if name else handle
    saved = context.format_call(context.text(call.func), taken, span, deeper)
    return attempt.made(Edit(span, f"{opener}\n{deeper}{saved}"))


def _appended(context: EditContext, site: WriteSite, row: Handle) -> str:
    """The suffix to append to the path so that it names the file that the saver writes.

    Raises:
        Refused: the code does not show which file that is, or in which format.
    """
    if not row.suffixes:
        return ""
    ends = endings(context, site.path_node, site.call)
    known = {PurePath("_" + end).suffix.lower() for end in ends}
    if not ends or "" in ends:
        raise Refused(f"`{site.api}` depends on the suffix of the path, which is unknown")
    # numpy compares case-sensitively, and adds the suffix to any other path.
    if all(end.endswith(row.suffixes) for end in ends) or (not row.appends and known <= {""}):
        return ""
    if not row.appends:
        raise Refused(f"`{site.api}` treats the suffix {max(known)} specially")
    if any(end.endswith(row.suffixes) for end in ends) or not _ends_in_a_literal(
        context.cst_node(site.path_node)
    ):
        raise Refused(f"`{site.api}` appends {row.suffixes[0]} to the path")
    return row.suffixes[0]


def _ends_in_a_literal(node: cst.CSTNode) -> bool:
    """Whether the source of an expression ends with the string that ends its value."""
    if node.rpar if hasattr(node, "rpar") else ():
        return False
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, (cst.Add, cst.Divide)):
        return _ends_in_a_literal(node.right)
    if isinstance(node, cst.FormattedString):
        return isinstance(node.parts[-1], cst.FormattedStringText) and len(node.end) == 1
    return isinstance(node, cst.SimpleString) and len(node.quote) == 1


def endings(
    context: EditContext, node: ast.expr | None, call: Call, depth: int = 5
) -> frozenset[str]:
    """The texts with which a path may end, each as far as it is visible. If the end is not visible,
    one of them is empty, or there are none."""
    unknown = frozenset({""})
    again = (call, depth - 1)
    if node is None or depth == 0:
        return unknown
    match node:
        case ast.Constant(value=str(text)):
            return frozenset({text})
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            return frozenset({text})
        case ast.JoinedStr(values=[*_, ast.FormattedValue(value=end, format_spec=None)]):
            return endings(context, end, *again)
        case ast.BinOp(op=ast.Add() | ast.Div(), right=right):
            return endings(context, right, *again)
        case ast.BinOp(left=ast.Constant(value=str(template)), op=ast.Mod()):
            return _of_a_template(template, "%")
        case ast.IfExp(body=body, orelse=orelse):
            return endings(context, body, *again) | endings(context, orelse, *again)
        case ast.Call():
            return _endings_of_a_call(context, node, call, depth)
        case ast.Name(id=name):
            bound = context.facts.paths.bindings(name, call.function, call.order)
            if bound and call.function.parameter(name) is None:
                return _of_all(context, bound, call, depth)
        case ast.Attribute(attr=name) if dotted(node.value) in {"self", "cls"}:
            owner = call.function.owner
            bound = context.facts.paths.attribute(owner, name) if owner is not None else []
            if bound:
                return _of_all(context, bound, call, depth)
    return unknown


def _endings_of_a_call(
    context: EditContext, node: ast.Call, call: Call, depth: int
) -> frozenset[str]:
    last, receiver = called_name(node), getattr(node.func, "value", None)
    if last in SAME_ENDING | {"join", "joinpath", "with_name", "with_suffix"}:
        given = nodes.arguments(node)
        if given and not any(arg.star or arg.keyword for arg in given):
            return endings(context, given[-1].value, call, depth - 1)
    if last in {"absolute", "expanduser", "resolve", "as_posix"}:
        return endings(context, receiver, call, depth - 1)
    if last == "format" and isinstance(receiver, ast.Constant) and isinstance(receiver.value, str):
        return _of_a_template(receiver.value, "}")
    return frozenset({""})


def _of_all(
    context: EditContext, bound: Sequence[Binding], call: Call, depth: int
) -> frozenset[str]:
    found = frozenset[str]()
    for each in bound:
        if not each.is_assigned:
            return frozenset({""})
        found |= endings(context, each.value, call.at(each), depth - 1)
    return found


def _of_a_template(text: str, mark: str) -> frozenset[str]:
    """The text after the last placeholder of a template."""
    tail = text.rpartition(mark)[2]
    if mark == "%":
        tail = tail.lstrip("-+ #0123456789.")[1:]
    return frozenset({tail})
