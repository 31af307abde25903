"""Whether a file could import the helper, judged by its own code. `run/helper_import.py` determines
whether the project has the helper."""

import ast
import builtins
import re
from bisect import bisect_right
from functools import lru_cache

from atomic_fix.catalog import python_2
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext
from atomic_fix.source import Source

# A host program loads the file into its own interpreter or on another machine.
_HOSTED = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+(?:ansible\.module_utils|bpy|gdb|hou|idaapi|lldb|machine|maya"
    r"|micropython|nuke|sublime|sublime_plugin|vim)\b"
    r"|__channelexec__|<<INCLUDE_ANSIBLE_MODULE|(?<!\w)__(?:salt|grains|pillar|opts)__\b",
    re.MULTILINE,
)
# A debugger or console, which runs inside any program.
_GUEST = re.compile(
    r"^(?:import[ \t]+__main__\b(?![ \t]*\.)|from[ \t]+__main__[ \t]+import\b)", re.MULTILINE
)
_CELL = re.compile(r"# ?%%(?:\s|$)")
_SHIPPED = re.compile(r"\bgetsource(?:lines|file)?\(\s*(?:[\w.]+\.)?(\w+)")
_BINARY = re.compile(r"""\b(?:json|pickle)\b""")
_SCRIPT = re.compile(r"^# /// script$(.*?)^# ///$", re.MULTILINE | re.DOTALL)


def must_not_be_python_2(context: EditContext) -> None:
    """Refuses a call of what Python 2 does not have in a file that is only for it."""
    if _is_python_2(context.source, context.facts.tree.module):
        raise Refused("the file is written for Python 2, which does not have `os.replace`")


def _has_late_future(module: ast.Module) -> bool:
    """Whether Python refuses a file because of the position of a `__future__` import: it may be a
    collection of cells to paste."""
    rest = module.body[ast.get_docstring(module, clean=False) is not None :]
    is_future = [isinstance(x, ast.ImportFrom) and x.module == "__future__" for x in rest]
    return True in is_future[is_future.index(False) :] if False in is_future else False


def _is_in_cell_of_its_own(context: EditContext) -> bool:
    """Whether the code is in a cell of a script (`# %%`) that imports something itself, below a
    cell that imports something."""
    starts = context.cached("cells", lambda: _cell_starts(context.source))
    row = min((each.lineno for each in context.first), default=0)
    cell = bisect_right(starts, row)
    if not starts or not row:
        return False
    importing = {
        bisect_right(starts, each.lineno)
        for each in context.facts.tree.module.body
        if isinstance(each, (ast.Import, ast.ImportFrom))
    }
    return cell in importing and min(importing) < cell


def _cell_starts(source: Source) -> list[int]:
    rows = source.text.split("\n") if "%%" in source.text else []
    return [number for number, row in enumerate(rows, 1) if _CELL.match(row)]


def must_be_importable(context: EditContext, module: str) -> None:
    """Refuses if the file itself shows that it could not import the helper."""
    source = context.source
    if _is_python_2(source, context.facts.tree.module):
        raise Refused("the file is written for Python 2, the helper for Python 3")
    if _is_sent_on(context):  # it would not find imports of the module either
        raise Refused(
            "the function uses names that its module does not define, so it runs somewhere else"
        )
    if context.cached("late future", lambda: _has_late_future(context.facts.tree.module)):
        raise Refused("a `from __future__` import stands below other code, so this is no module")
    if _is_in_cell_of_its_own(context):
        raise Refused("this cell has its own imports, and may be run without the others")
    top = module.partition(".")[0]
    if context.search_source(rf"(?m)^[ \t]*(?:import|from)[ \t]+{re.escape(module)}\b"):
        return  # it is available
    hosted = context.search_source(_HOSTED)
    shipped = context.cached("shipped", lambda: set(_SHIPPED.findall(source.text)))
    function: FunctionFacts | None = context.function
    around = set()
    while function is not None:
        around |= {function.name, function.owner.name if function.owner is not None else ""}
        function = function.outer
    if hosted or shipped & (around | {"modules", "__name__"} - {""}):
        raise Refused("the code runs without its packages and could not import the helper")
    if top == "atomic_fix" and context.search_source(_GUEST):
        raise Refused(
            "the code runs inside another program (`import __main__`), which may not have the "
            "helper; a copy of it in the same package would do"
        )
    script = context.search_source(_SCRIPT)
    if script and top == "atomic_fix" and not re.search(r"atomic[-_]fix", script[1]):
        raise Refused(
            "the script lists what it needs (`# /// script`), and the helper is not among them"
        )


def _is_sent_on(context: EditContext) -> bool:
    """Whether a decorator seems to run the source of a function elsewhere: the function uses a name
    that nothing in the file binds."""
    module = context.facts.tree.module
    row = min((each.lineno for each in context.first), default=0)
    if not row and not isinstance(context.function.node, ast.Module):
        row = context.function.node.lineno
    index = bisect_right(module.body, row, key=lambda each: each.lineno) - 1
    around = module.body[index] if index >= 0 else None
    if (
        not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef))
        or not around.decorator_list
        or row > (around.end_lineno or 0)
    ):
        return False
    bound = context.cached("bound names", lambda: _bound_names(module))
    return "*" not in bound and any(
        isinstance(node, ast.Name)
        and node.id not in bound
        and not hasattr(builtins, node.id)
        and not node.id.startswith("__")
        for part in around.body
        for node in ast.walk(part)
    )


def _bound_names(module: ast.Module) -> set[str]:
    """All names that are bound anywhere in a file; a star stands for an `import *`."""
    bound = set[str]()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(name := getattr(node, "name", None), str):
            bound.add(name)
    return bound


@lru_cache(maxsize=1)
def _is_python_2(source: Source, tree: ast.Module) -> bool:
    """Whether a file can only be for Python 2."""
    text = source.text
    if text.startswith("#!") and re.match(r"#!.*\bpython3", text):
        return False
    if _BINARY.search(text) and _mixes_text_and_bytes(tree) and python_2.AGE.search(text):
        return True
    if python_2.EITHER.search(text):
        return False
    habits = sum(weight for habit, weight in python_2.HABITS if habit.search(text))
    return (
        python_2.SYNTAX.search(text) is not None
        or python_2.MODULES.search(text) is not None
        or habits > 2
        or (any(name in text for name in python_2.NAMES) and _uses_python_2(tree))
    )


def _mixes_text_and_bytes(tree: ast.Module) -> bool:
    """Whether a file writes JSON to a handle for bytes, or pickles to one for text: each is a
    TypeError in Python 3."""
    opened: dict[str, bool] = {}
    for node in ast.walk(tree):
        match node:
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        is_binary = _is_binary(value)
        if is_binary is not None and opened.setdefault(name, is_binary) is not is_binary:
            return False  # a name for handles of both kinds shows nothing
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=handle, attr="write"),
                args=[ast.Call(func=ast.Attribute(value=ast.Name(id="json"), attr="dumps"))],
            ):
                wrong = True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="json" | "pickle" as module), attr="dump"),
                args=[_, handle, *_],
            ):
                wrong = module == "json"
            case _:
                continue
        found = opened.get(handle.id) if isinstance(handle, ast.Name) else _is_binary(handle)
        if found is wrong:
            return True
    return False


def _is_binary(node: ast.expr) -> bool | None:
    """Whether a call of `open` for writing opens a file for bytes; None for anything else."""
    match node:
        case ast.Call(
            func=ast.Name(id="open" | "file"), args=[_, ast.Constant(value=str(mode)), *_]
        ) if "w" in mode:
            return "b" in mode
    return None


def _uses_python_2(tree: ast.Module) -> bool:
    """Whether a file uses a builtin that Python 3 does not have, without binding it."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    bound = _bound_names(tree)
    return bool(python_2.NAMES & used - bound) and "*" not in bound
