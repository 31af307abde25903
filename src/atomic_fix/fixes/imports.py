"""Imports that a fix needs: existing ones are reused, missing ones are added to
`EditContext.added`, at the position where sorted imports would have them."""

import ast
import io
import re
import sys
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from atomic_fix.finding import Edit, Position
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext
from atomic_fix.fixes.import_order import ImportOrder
from atomic_fix.fixes.importable import must_be_importable
from atomic_fix.source import Source

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Line = list[ast.stmt]
"""The statements of one logical line, separated by semicolons."""

_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_WORD = re.compile(r"[^\W\d]\w*")
_HEADER = re.compile(r"^#!|coding[:=]|copyright|licen[cs]e|SPDX", re.IGNORECASE)
# A comment about a section of imports, not about its first import.
_HEADING = re.compile(
    r"\b(imports?|part(y|ies)|standard|stdlib|built-?ins?|local|librar(y|ies)|modules?|packages?)\b",
    re.IGNORECASE,
)
_PATH_CHANGES = ("sys.path.", "sys.path =", "sys.path +", "sys.path[", "addsitedir(")


def import_name(context: EditContext, module: str, name: str) -> str:
    """The name by which a function can use `name` of `module`, importing it if necessary.

    Raises:
        Refused: the name is taken.
    """
    wanted = tuple(module.split("."))
    if _parts(context.source)[-len(wanted) :] == wanted and len(wanted) > 1:
        raise Refused(f"this is `{module}` itself")
    must_be_importable(context, module)
    known = _imported(context, module, name, _imports_in_reach(context))
    if known is not None:
        return known
    if not _is_taken(context, module, name):
        statement = _order(context).statement(module, [name])
        context.added.append(
            context.cached(
                ("merged", module, name, _last_row(context), context.unit),
                lambda: _merged(context, module, name) or _inserted(context, statement),
            )
        )
        return name
    if _is_taken(context, module, f"_{name}"):
        raise Refused(f"this module already uses the name `{name}`")
    context.added.append(_inserted(context, f"from {module} import {name} as _{name}"))
    return f"_{name}"


def imported_at_top(context: EditContext, module: str, name: str) -> str | None:
    """The name by which a function can use `name` of `module` through imports at the top of the
    file."""
    return _imported(context, module, name, _top_imports(context))


def _imported(context: EditContext, module: str, name: str, lines: Sequence[Line]) -> str | None:
    for qualified, local in _bindings(lines):
        ways = {f"{module}.{name}": local, f"{module}.*": name, module: f"{local}.{name}"}
        known = ways.get(qualified, "")
        if known and not _shadowed(context, known.partition(".")[0], qualified):
            return known
    return None


def import_module(context: EditContext, module: str) -> str:
    """The name by which a function can use a standard library module, importing it if necessary.

    Raises:
        Refused: its name is bound to something else.
    """
    imports = context.facts.scopes.imports
    for qualified, local in _bindings(_imports_in_reach(context)):
        if qualified == module == imports.get(local) and not _shadowed(context, local, module):
            return local
    at_top = _imports_of_the_module(context)
    if not _imported_later(context, module) and any(
        (module, module) in _bindings([line]) for line in at_top
    ):
        raise Refused(f"`{module}` is imported below its first use")
    # Another function may import it itself; the name then means the same there.
    elsewhere = imports.get(module) == module and not _shadowed(context, module, module)
    if not elsewhere and _is_taken(context, module, module):
        if not _imported_later(context, module) or _is_taken(context, module, f"_{module}"):
            raise Refused(f"this module already uses the name `{module}`")
        context.added.append(_inserted(context, f"import {module} as _{module}"))
        return f"_{module}"
    context.added.append(_inserted(context, f"import {module}"))
    return module


def _imported_later(context: EditContext, module: str) -> bool:
    """Whether a function that uses a module, or one around it, imports it, maybe only later: until
    then the name is unbound there, whatever it means at the top."""
    is_same = context.facts.scopes.imports.get(module) == module
    return is_same and any(module in each.imported for each in context.function.with_outer())


# --- existing imports ---------------------------------------------------------------


def _bindings(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """The names that import statements bind: the qualified name, and the name in the code."""
    for statement in (statement for line in lines for statement in line):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.name, alias.asname or alias.name
                if alias.asname is None:
                    top = alias.name.partition(".")[0]
                    yield top, top
        elif isinstance(statement, ast.ImportFrom):
            module = _module_of(statement)
            for alias in statement.names:
                if alias.name == "*":
                    yield f"{module}.*", ""
                else:
                    yield f"{module}.{alias.name}", alias.asname or alias.name


def _imports_in_reach(context: EditContext) -> list[Line]:
    """Import statements of the module, and of the function that contains the code."""
    return [*_top_imports(context), *_own_imports(context)]


def _own_imports(context: EditContext) -> list[Line]:
    """The import statements of a function that have run whenever the code is reached."""
    function = context.function.node
    if isinstance(function, ast.Module):
        return []
    own = context.cached(
        ("imports of", function), lambda: [*filter(_is_import, _lines(function.body))]
    )
    first = min((each.lineno for each in context.first), default=None)
    return [line for line in own if first is None or _row(line) < first]


def _top_imports(context: EditContext) -> list[Line]:
    """The import statements that have run when the names are used."""
    last = _last_row(context)
    return [line for line in _imports_of_the_module(context) if _row(line) < last]


def _imports_of_the_module(context: EditContext) -> list[Line]:
    return context.cached("top imports", lambda: [*filter(_is_import, _body(context))])


def _body(context: EditContext) -> list[Line]:
    """The module-level statements, by logical lines."""
    return context.cached("lines", lambda: _lines(context.facts.tree.module.body))


def _lines(body: Sequence[ast.stmt]) -> list[Line]:
    lines: list[Line] = []
    end = 0
    for statement in body:
        if statement.lineno > end or not lines:
            lines.append([])
        lines[-1].append(statement)
        end = statement.end_lineno or statement.lineno
    return lines


def _row(line: Line) -> int:
    return line[0].lineno


def _end(line: Line) -> int:
    return line[-1].end_lineno or line[-1].lineno


def _last_row(context: EditContext) -> int:
    """The row that an import must be above: that of the first module-level statement that uses it,
    or that may run the function that does."""
    context.last_row = context.last_row or _looked_up(context)
    return context.last_row


def _looked_up(context: EditContext) -> int:
    row = min((each.lineno for each in context.first), default=0)
    if not row:
        return 1 << 60
    body = _body(context)
    index = max(bisect_right(body, row, key=_row) - 1, 0)
    if context.function.is_module:
        return _row(body[index])
    return context.cached("first runs", lambda: _first_runs(context))[index]


def _first_runs(context: EditContext) -> list[int]:
    """For each module-level line, the row of the next one that may run a function of the file;
    which function it runs is not analysed."""
    body = _body(context)
    defined = set(_DEFINED.findall(context.source.text))
    rows = [1 << 60] * (len(body) + 1)
    for index in reversed(range(len(body))):
        rows[index] = (
            _row(body[index]) if _may_run(context, body[index], defined) else rows[index + 1]
        )
    return rows


def _may_run(context: EditContext, line: Line, defined: set[str]) -> bool:
    if _is_import(line):
        return False
    first = line[0]
    if isinstance(first, _DEFINITIONS):
        # A decorator of the file may run its argument.
        texts = [context.facts.tree.text(each) for each in first.decorator_list]
    else:
        texts = [context.facts.tree.text(each) for each in line]
    return any(not defined.isdisjoint(_WORD.findall(text)) for text in texts)


def _is_import(line: Line) -> bool:
    return all(isinstance(each, (ast.Import, ast.ImportFrom)) for each in line)


def _module_of(statement: ast.ImportFrom) -> str:
    return "." * statement.level + (statement.module or "")


def _shadowed(context: EditContext, name: str, qualified: str) -> bool:
    """Whether a name may mean something else than `qualified` where a function uses it, or be
    unbound there."""
    own = {local: each for each, local in _bindings(_own_imports(context))}
    for scope in context.function.with_outer():
        if name in scope.bindings or scope.parameter(name) is not None:
            return True
        if name in scope.imported and (scope is not context.function or own.get(name) != qualified):
            return True
    return name in context.facts.scopes.module.bindings


def _parts(source: Source) -> tuple[str, ...]:
    """The folders and the module name of a file."""
    return PurePath(source.filename.replace("\\", "/")).with_suffix("").parts


def _is_taken(context: EditContext, module: str, name: str) -> bool:
    # Most files have none, and tokenising them is expensive.
    return name in context.source.text and name in _identifiers(context, module)


def _identifiers(context: EditContext, module: str) -> set[str]:
    """Every name that the file uses in code, attributes and the helper's own import left out."""
    skipped: set[int] = set()
    for line in _top_imports(context):
        if any(isinstance(each, ast.ImportFrom) and _module_of(each) == module for each in line):
            skipped.update(range(_row(line), _end(line) + 1))
    found: set[str] = set()
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(context.source.text).readline):
            if token.type == tokenize.NAME and before != "." and token.start[0] not in skipped:
                found.add(token.string)
            elif token.type == tokenize.STRING and "f" in token.string[:3].lower():
                found.update(_WORD.findall(token.string))
            if token.type not in {tokenize.NL, tokenize.COMMENT}:
                before = token.string
    except (tokenize.TokenError, SyntaxError):
        return set(_WORD.findall(context.source.text))
    return found


# --- adding -------------------------------------------------------------------------


def _order(context: EditContext) -> ImportOrder:
    style = context.style.imports
    limit = style.line_length or context.limit
    return ImportOrder(style, _parts(context.source)[:-1], limit, context.unit)


def _merged(context: EditContext, module: str, name: str) -> Edit | None:
    """The existing import statement of the module, with the name added."""
    off = _left_alone(context)
    order = _order(context)
    for line in () if order.stands_alone(module) else _top_imports(context):
        statement = line[0]
        if (
            len(line) != 1
            or not isinstance(statement, ast.ImportFrom)
            or statement.names[0].name == "*"
            or _module_of(statement) != module
        ):
            continue
        aliases = [each for each in statement.names if each.asname is not None]
        span, text = context.span(statement), context.text(statement)
        if "#" in text or span.start.row in off:
            continue
        if aliases and not context.style.imports.aliases_together:
            continue
        # A trailing comma makes formatters keep several rows.
        exploded = span.start.row != span.end.row and text.rstrip(") \t\n").endswith(",")
        names = [f"{x.name} as {x.asname}" if x.asname else x.name for x in statement.names]
        return Edit(span, order.statement(module, [*names, name], exploded=exploded))
    return None


def _inserted(context: EditContext, statement: str) -> Edit:
    """A new statement among the imports that have run when it is needed."""
    key = ("inserted", statement, _last_row(context), context.unit)
    return context.cached(key, lambda: _insertion(context, statement))


def _insertion(context: EditContext, statement: str) -> Edit:
    groups = _groups(context, statement)
    if not groups:
        return _below_the_head(context, statement)
    rank = _rank(context, ast.parse(statement).body)
    new = rank[0]

    def sections(group: Sequence[Line]) -> list[tuple[int, bool]]:
        return [_rank(context, line)[0] for line in group]

    own = [group for group in groups if new in sections(group)]
    if own:
        # Blank rows may also separate parts of a section, above comments. If the section is sorted,
        # the new import goes below the last one that sorts before it.
        ranks = [_rank(context, line) for group in own for line in group]
        above = [group for group in own if _rank(context, group[0]) <= rank]
        if above and ranks == sorted(ranks):
            return _into_group(context, above[-1], statement)
        # If they are not sorted, it goes into a group that has only this section.
        alone = [group for group in own if set(sections(group)) == {new}]
        return _into_group(context, (alone or own)[0], statement)
    before = [group for group in groups if max(sections(group)) < new]
    mixed = [group for group in groups if min(sections(group)) < new < max(sections(group))]
    # Right below `from __future__` it would be above those of the standard library.
    if before and not (mixed and all(map(_is_future, before[-1]))):
        return context.insert(context.end_of_row(_end(before[-1][-1])), f"\n\n{statement}")
    if mixed:  # no blank row separates them
        return _into_group(context, mixed[0], statement)
    return context.insert(Position(_first_row(context, groups[0][0]), 1), f"{statement}\n\n")


def _into_group(context: EditContext, group: list[Line], statement: str) -> Edit:
    new = _rank(context, ast.parse(statement).body)
    ranks = [_rank(context, line) for line in group]
    # If the imports are not sorted: below those of its section, or of the section before.
    sections = [rank[0] for rank in ranks]
    nearest = max([each for each in sections if each <= new[0]] or sections)
    above = len(sections) - sections[::-1].index(nearest)
    # Not between two imports of an earlier section.
    while above < len(sections) and min(sections[above:]) < new[0]:
        above += 1
    by_name = [(section, *name) for section, _, *name in ranks]
    if ranks == sorted(ranks):
        above = sum(rank <= new for rank in ranks)
    elif by_name == sorted(by_name):
        above = sum(rank <= (new[0], *new[2:]) for rank in by_name)
    if above:
        return context.insert(context.end_of_row(_end(group[above - 1])), f"\n{statement}")
    row = _first_row(context, group[0])
    parted = context.style.imports.parts_comments and context.source.line(row).startswith("#")
    return context.insert(Position(row, 1), f"{statement}\n\n" if parted else f"{statement}\n")


def _block(context: EditContext, statement: str) -> list[Line]:
    """The block of imports that a new one belongs to: the first, or the first below the last change
    of `sys.path` if imports follow that may depend on it."""
    is_standard = statement.split()[1].partition(".")[0] in sys.stdlib_module_names
    key = ("imports", _last_row(context), is_standard)
    return context.cached(key, lambda: _found_block(context, is_standard=is_standard))


def _found_block(context: EditContext, *, is_standard: bool) -> list[Line]:
    off = _left_alone(context)
    blocks: list[list[Line]] = [[]]
    for line in _body(context):
        if not _is_import(line):
            blocks.append([])
        elif _row(line) not in off:
            blocks[-1].append(line)
    filled = [block for block in blocks if block]
    changed = 0 if is_standard else _row_of_the_path_change(context)
    later = [block for block in filled if _row(block[0]) > changed]
    last = _last_row(context)
    above = [block for block in filled if _row(block[0]) < last]
    later = [block for block in above if block in later]
    found = later or above or [[]]
    if len(found) > 1 and all(_is_future(line) for line in found[0]):
        # `__all__`, `DOCUMENTATION` and the like may be between it and the other imports.
        rows = range(_row(found[0][-1]), _row(found[1][0]))
        between = [line for line in _body(context) if _row(line) in rows]
        if not any(hasattr(line[0], "body") for line in between):
            return found[1]
    return found[0]


def _first_row(context: EditContext, line: Line) -> int:
    """The row of an import, or of the comment above it that belongs to it."""
    source, first = context.source, _row(line)
    row = context.first_comment(first)
    above = "\n".join(source.line(r) for r in range(row, first))
    if row == 1 or _HEADER.search(above) or _HEADING.search(above) or row in _left_alone(context):
        return first
    return row


def _row_of_the_path_change(context: EditContext) -> int:
    if not any(word in context.source.text for word in _PATH_CHANGES):
        return 0
    rows = [
        _row(line)
        for line in _body(context)
        if not isinstance(line[0], _DEFINITIONS)
        and any(word in context.text(each) for each in line for word in _PATH_CHANGES)
    ]
    return max(rows, default=0)


def _groups(context: EditContext, statement: str) -> list[list[Line]]:
    """The block of imports that a new one belongs to, split at blank rows."""
    groups: list[list[Line]] = []
    end = 0
    for line in _block(context, statement):
        start = _row(line)
        parted = any(not context.source.line(row).strip(" \t\f") for row in range(end + 1, start))
        if parted or not groups:
            groups.append([])
        groups[-1].append(line)
        end = _end(line)
    return groups


def _is_future(line: Line) -> bool:
    return isinstance(line[0], ast.ImportFrom) and _module_of(line[0]) == "__future__"


def _rank(context: EditContext, line: Line) -> tuple[Any, ...]:
    """The sort key of imports."""
    statement = line[0]
    module = name = ""
    if isinstance(statement, ast.ImportFrom):
        module = _module_of(statement)
        if statement.names[0].name != "*":
            name = statement.names[0].name
    elif isinstance(statement, ast.Import):
        module = statement.names[0].name
    return _order(context).rank(module, name, is_from=isinstance(statement, ast.ImportFrom))


def _left_alone(context: EditContext) -> set[int]:
    """Rows between `# isort: off` and `# isort: on`."""
    return context.cached("left alone", lambda: _rows_left_alone(context.source))


def _rows_left_alone(source: Source) -> set[int]:
    rows: set[int] = set()
    off = False
    for row in range(1, len(source.line_starts) + 1) if "isort" in source.text else ():
        line = source.line(row).strip().replace(" ", "")
        off = line.startswith("#isort:off") or (off and not line.startswith("#isort:on"))
        if off:
            rows.add(row)
    return rows


def _below_the_head(context: EditContext, statement: str) -> Edit:
    """The position below docstring, `__future__` imports, licence and encoding comments."""
    source, body = context.source, context.facts.tree.module.body
    if ast.get_docstring(context.facts.tree.module, clean=False) is not None:
        end = context.end_of_row(body[0].end_lineno or body[0].lineno)
        gap = _missing_rows(context, end.row, body[1:])
        return context.insert(end, f"\n\n{statement}{gap}")
    row = 1
    comment = 0
    while row <= len(source.line_starts):
        line = source.line(row).strip(" \t\f")
        if line.startswith("#"):
            comment = row
        elif line:
            break
        row += 1
    parted = not source.line(comment + 1).strip(" \t\f")
    head = "\n".join(source.line(r) for r in range(1, comment + 1))
    if comment and (parted or _HEADER.search(head)):
        gap = _missing_rows(context, comment, body)
        return context.insert(context.end_of_row(comment), f"\n\n{statement}{gap}")
    first = 1 if comment else row
    gap = _missing_rows(context, first - 1, body)
    return context.insert(Position(first, 1), f"{statement}\n{gap}")


def _missing_rows(context: EditContext, row: int, below: Sequence[ast.stmt]) -> str:
    """The blank rows to add after `row`, so that enough of them separate an import from the code
    below."""
    wanted = context.style.imports.lines_after
    if wanted < 0:
        wanted = 2 if below and isinstance(below[0], _DEFINITIONS) else 1
    there = 0
    while row < len(context.source.line_starts) and not context.source.line(row + 1).strip(" \t\f"):
        row, there = row + 1, there + 1
    return "\n" * (wanted - there)
