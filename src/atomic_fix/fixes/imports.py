"""Imports that a fix needs: what is there is used again, what is missing is added where a
person who sorts imports would put it."""

import io
import re
import sys
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import libcst as cst

from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import dotted
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Edit, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.layout import line_limit
from atomic_fix.fixes.place import Place
from atomic_fix.source import Source

_WORD = re.compile(r"[^\W\d]\w*")
_HEADER = re.compile(r"^#!|coding[:=]|copyright|licen[cs]e|SPDX", re.IGNORECASE)
# A comment over a section of imports, not over the import that is its first.
_HEADING = re.compile(
    r"\b(imports?|part(y|ies)|standard|stdlib|built-?ins?|local|librar(y|ies)|modules?|packages?)\b",
    re.IGNORECASE,
)
_PATH_CHANGES = ("sys.path.", "addsitedir(")
_FUTURE, _STDLIB, _THIRD_PARTY, _FIRST_PARTY, _LOCAL = range(5)


@dataclass(frozen=True, slots=True)
class Imported:
    """`local` is what the code calls it."""

    local: str
    edits: tuple[Edit, ...]


def import_name(place: Place, module: str, name: str) -> Imported:
    """What it takes to use `name` of `module` in a function.

    Raises:
        Refused: the name is taken.
    """
    facts = place.facts
    if _is_the_module_itself(facts.source.filename, module):
        raise Refused(f"this is `{module}` itself")
    known = _known_name(place, module, name)
    if known is not None:
        return Imported(known, ())
    if not _is_taken(facts, module, name):
        statement = _from_import(facts.source, module, [name])
        edit = _merged(facts, module, name)
        return Imported(name, (edit or _inserted(facts, statement, module, is_from=True),))
    if _is_taken(facts, module, f"_{name}"):
        raise Refused(f"the name `{name}` is taken in this module")
    statement = f"from {module} import {name} as _{name}"
    return Imported(f"_{name}", (_inserted(facts, statement, module, is_from=True),))


def import_module(place: Place, module: str) -> Imported:
    """What it takes to use a module of the standard library in a function.

    Raises:
        Refused: its name is bound to something else.
    """
    facts = place.facts
    for name, target in facts.scopes.imports.items():
        if target == module and _is_bound_at_top(facts, name) and not _shadowed(place, name):
            return Imported(name, ())
    if _is_taken(facts, module, module):
        raise Refused(f"the name `{module}` is taken in this module")
    edit = _inserted(facts, f"import {module}", module, is_from=False)
    return Imported(module, (edit,))


# --- what is there already ----------------------------------------------------------


def _known_name(place: Place, module: str, name: str) -> str | None:
    for node in _imports_in_reach(place):
        for line in node.body:
            found = _provided(line, module, name)
            if found is not None and not _shadowed(place, found.partition(".")[0]):
                return found
    return None


def _provided(line: cst.BaseSmallStatement, module: str, name: str) -> str | None:
    """What an import statement lets the code call `module.name`."""
    if isinstance(line, cst.ImportFrom):
        source = _module_of(line)
        if source == module:
            if isinstance(line.names, cst.ImportStar):
                return name
            for alias in line.names:
                if alias.evaluated_name == name:
                    return alias.evaluated_alias or name
        package, _, last = module.rpartition(".")
        if package and source == package and not isinstance(line.names, cst.ImportStar):
            for alias in line.names:
                if alias.evaluated_name == last:
                    return f"{alias.evaluated_alias or last}.{name}"
    if isinstance(line, cst.Import):
        for alias in line.names:
            if alias.evaluated_name == module:
                return f"{alias.evaluated_alias or module}.{name}"
    return None


def _imports_in_reach(place: Place) -> list[cst.SimpleStatementLine]:
    """Import statements of the module, and of the function that the place is in."""
    found = _top_imports(place.facts)
    body = getattr(place.function.node, "body", None)
    if isinstance(body, cst.IndentedBlock):
        found += [line for line in body.body if _is_import(line)]  # type: ignore[misc]
    return found


def _top_imports(facts: ModuleFacts) -> list[cst.SimpleStatementLine]:
    return [line for line in facts.tree.module.body if _is_import(line)]  # type: ignore[misc]


def _is_import(line: cst.CSTNode) -> bool:
    # The type, not `isinstance`: nodes are abstract classes, and every statement is asked.
    return type(line) is cst.SimpleStatementLine and all(
        isinstance(small, (cst.Import, cst.ImportFrom)) for small in line.body
    )


def _module_of(line: cst.ImportFrom) -> str:
    name = dotted(line.module) if line.module is not None else ""
    return "." * len(line.relative) + (name or "")


def _is_bound_at_top(facts: ModuleFacts, name: str) -> bool:
    return any(
        (alias.evaluated_alias or alias.evaluated_name.partition(".")[0]) == name
        for line in _top_imports(facts)
        for small in line.body
        if isinstance(small, (cst.Import, cst.ImportFrom))
        and not isinstance(small.names, cst.ImportStar)
        for alias in small.names
    )


def _shadowed(place: Place, name: str) -> bool:
    scope: FunctionFacts | None = place.function
    while scope is not None and not scope.is_module:
        if name in scope.bindings or scope.parameter(name) is not None:
            return True
        scope = scope.outer
    return name in place.facts.scopes.module.bindings


def _is_the_module_itself(filename: str, module: str) -> bool:
    parts = PurePath(filename.replace("\\", "/")).with_suffix("").parts
    wanted = tuple(module.split("."))
    return parts[-len(wanted) :] == wanted and len(wanted) > 1


def _is_taken(facts: ModuleFacts, module: str, name: str) -> bool:
    # Most files hold nothing of the kind, and to take them into tokens is dear.
    return name in facts.source.text and name in _identifiers(facts, module)


def _identifiers(facts: ModuleFacts, module: str) -> set[str]:
    """Every name that the file uses in code, attributes and the helper's own import left out."""
    skipped = {
        row
        for line in _top_imports(facts)
        for small in line.body
        if isinstance(small, cst.ImportFrom) and _module_of(small) == module
        for row in range(facts.tree.span(line).start.row, facts.tree.span(line).end.row + 1)
    }
    found: set[str] = set()
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(facts.source.text).readline):
            if token.type == tokenize.NAME and before != "." and token.start[0] not in skipped:
                found.add(token.string)
            elif token.type == tokenize.STRING and "f" in token.string[:3].lower():
                found.update(_WORD.findall(token.string))
            if token.type not in {tokenize.NL, tokenize.COMMENT}:
                before = token.string
    except (tokenize.TokenError, SyntaxError):
        return set(_WORD.findall(facts.source.text))
    return found


# --- adding -------------------------------------------------------------------------


def _merged(facts: ModuleFacts, module: str, name: str) -> Edit | None:
    """The import statement of the module that is there, with the name added to it."""
    off = _left_alone(facts.source)
    for line in _top_imports(facts):
        small = line.body[0]
        if (
            len(line.body) != 1
            or not isinstance(small, cst.ImportFrom)
            or isinstance(small.names, cst.ImportStar)
            or _module_of(small) != module
            or any(alias.asname is not None for alias in small.names)
        ):
            continue
        span = facts.tree.span(small)
        if "#" in facts.source.slice(span) or span.start.row in off:
            continue
        there = [alias.evaluated_name for alias in small.names]
        exploded = span.start.row != span.end.row
        return Edit(span, _from_import(facts.source, module, [*there, name], exploded=exploded))
    return None


def _from_import(
    source: Source, module: str, names: Sequence[str], *, exploded: bool = False
) -> str:
    # isort's order: constants, classes, the rest.
    ordered = sorted(set(names), key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    flat = f"from {module} import {', '.join(ordered)}"
    if not exploded and len(flat) <= line_limit(source):
        return flat
    rows = "".join(f"    {name},\n" for name in ordered)
    return f"from {module} import (\n{rows})"


def _inserted(facts: ModuleFacts, statement: str, module: str, *, is_from: bool) -> Edit:
    source = facts.source
    block = _block(facts)
    if not block:
        return _below_the_head(facts, statement)
    section = _section(module, source.filename)
    groups = _groups(facts, block)
    ours = [g for g in groups if any(_section_of(x, source.filename) == section for x in g)]
    if ours:
        return _into_group(facts, ours[0], statement, (section, module, is_from))
    before = [g for g in groups if max(_section_of(x, source.filename) for x in g) < section]
    if before:
        return _after_row(source, facts.tree.span(before[-1][-1]).end.row, f"\n\n{statement}")
    for group in groups:
        # Sections that no empty row parts.
        if any(_section_of(x, source.filename) < section for x in group):
            return _into_group(facts, group, statement, (section, module, is_from))
    first = Position(_first_row(facts, groups[0][0]), 1)
    return Edit(Span(first, first), f"{statement}\n\n")


def _into_group(
    facts: ModuleFacts,
    group: list[cst.SimpleStatementLine],
    statement: str,
    new: tuple[int, str, bool],
) -> Edit:
    filename = facts.source.filename

    def sorted_by_kind(item: tuple[int, str, bool]) -> tuple[object, ...]:
        return (item[0], item[2], item[1].lower())

    def sorted_by_name(item: tuple[int, str, bool]) -> tuple[object, ...]:
        return (item[0], item[1].lower())

    members = [(_section_of(x, filename), *_name_of(x)) for x in group]
    # Where the imports are in no order: below those of its section, or of the one before.
    nearest = max((m[0] for m in members if m[0] <= new[0]), default=max(m[0] for m in members))
    previous = max(i for i, member in enumerate(members) if member[0] == nearest)
    for key in (sorted_by_kind, sorted_by_name):
        keys = [key(member) for member in members]
        if keys == sorted(keys):
            previous = sum(k <= key(new) for k in keys) - 1
            break
    if previous < 0:
        first = Position(_first_row(facts, group[0]), 1)
        return Edit(Span(first, first), f"{statement}\n")
    row = facts.tree.span(group[previous]).end.row
    return _after_row(facts.source, row, f"\n{statement}")


def _block(facts: ModuleFacts) -> list[cst.SimpleStatementLine]:
    """The run of imports that a new one belongs to: the first, or the first below the last
    change of `sys.path` if imports follow that."""
    off = _left_alone(facts.source)
    blocks: list[list[cst.SimpleStatementLine]] = [[]]
    for line in facts.tree.module.body:
        if not _is_import(line):
            blocks.append([])
        elif facts.tree.span(line.body[0]).start.row not in off:  # type: ignore[index]
            blocks[-1].append(line)  # type: ignore[arg-type]
    filled = [block for block in blocks if block]
    changed = _row_of_the_path_change(facts)
    later = [block for block in filled if facts.tree.span(block[0]).start.row > changed]
    found = later or filled or [[]]
    if len(found) > 1 and all(_name_of(line)[0] == "__future__" for line in found[0]):
        # `__all__`, `DOCUMENTATION` and the like may stand between it and the other imports.
        body = list(facts.tree.module.body)
        between = body[body.index(found[0][-1]) : body.index(found[1][0])]
        if all(isinstance(line, cst.SimpleStatementLine) for line in between):
            return found[1]
    return found[0]


def _first_row(facts: ModuleFacts, line: cst.SimpleStatementLine) -> int:
    """The row of an import, or of the comment above that belongs to it."""
    source = facts.source
    row = first = facts.tree.span(line).start.row
    while row > 1 and source.line(row - 1).lstrip().startswith("#"):
        row -= 1
    above = "\n".join(source.line(r) for r in range(row, first))
    if row == 1 or _HEADER.search(above) or _HEADING.search(above) or row in _left_alone(source):
        return first
    return row


def _row_of_the_path_change(facts: ModuleFacts) -> int:
    if not any(word in facts.source.text for word in _PATH_CHANGES):
        return 0
    rows = [
        facts.tree.span(line).start.row
        for line in facts.tree.module.body
        if _changes_the_path(line)
    ]
    return max(rows, default=0)


def _changes_the_path(line: cst.CSTNode) -> bool:
    code = (
        cst.Module([]).code_for_node(line)
        if not isinstance(line, (cst.FunctionDef, cst.ClassDef))
        else ""
    )
    return any(word in code for word in _PATH_CHANGES)


def _groups(
    facts: ModuleFacts, block: list[cst.SimpleStatementLine]
) -> list[list[cst.SimpleStatementLine]]:
    """The block, parted where empty rows part it."""
    groups: list[list[cst.SimpleStatementLine]] = []
    end = 0
    for line in block:
        start = facts.tree.span(line.body[0]).start.row
        parted = any(not facts.source.line(row).strip(" \t\f") for row in range(end + 1, start))
        if parted or not groups:
            groups.append([])
        groups[-1].append(line)
        end = facts.tree.span(line.body[-1]).end.row
    return groups


def _name_of(line: cst.SimpleStatementLine) -> tuple[str, bool]:
    small = line.body[0]
    if isinstance(small, cst.ImportFrom):
        return _module_of(small), True
    if isinstance(small, cst.Import):
        return small.names[0].evaluated_name, False
    return "", False


def _section_of(line: cst.SimpleStatementLine, filename: str) -> int:
    return _section(_name_of(line)[0], filename)


def _section(module: str, filename: str) -> int:
    top = module.partition(".")[0]
    if module.startswith("."):
        return _LOCAL
    if top == "__future__":
        return _FUTURE
    if top in sys.stdlib_module_names:
        return _STDLIB
    parts = PurePath(filename.replace("\\", "/")).with_suffix("").parts[:-1]
    return _FIRST_PARTY if top in parts else _THIRD_PARTY


def _left_alone(source: Source) -> set[int]:
    """Rows between `# isort: off` and `# isort: on`."""
    rows: set[int] = set()
    if "isort" not in source.text:
        return rows
    off = False
    for row in range(1, len(source.line_starts) + 1):
        line = source.line(row).strip().replace(" ", "")
        if line.startswith("#isort:off"):
            off = True
        elif line.startswith("#isort:on"):
            off = False
        if off:
            rows.add(row)
    return rows


def _after_row(source: Source, row: int, text: str) -> Edit:
    end = Position(row, len(source.line(row)) + 1)
    return Edit(Span(end, end), text)


def _below_the_head(facts: ModuleFacts, statement: str) -> Edit:
    """Below docstring, `__future__` imports, licence and encoding comments."""
    source = facts.source
    body = facts.tree.module.body
    if body and facts.tree.module.get_docstring() is not None:
        return _after_row(source, facts.tree.span(body[0]).end.row, f"\n\n{statement}")
    row = 1
    last_comment = 0
    while row <= len(source.line_starts):
        line = source.line(row).strip(" \t\f")
        if line.startswith("#"):
            last_comment = row
        elif line:
            break
        row += 1
    if last_comment:
        parted = not source.line(last_comment + 1).strip(" \t\f")
        head = "\n".join(source.line(r) for r in range(1, last_comment + 1))
        if parted:
            return _after_row(source, last_comment, f"\n\n{statement}")
        if _HEADER.search(head):
            return _after_row(source, last_comment, f"\n\n{statement}\n")
    gap = 2 if body and isinstance(body[0], (cst.FunctionDef, cst.ClassDef)) else 1
    start = Position(1 if last_comment else row, 1)
    return Edit(Span(start, start), statement + "\n" * (gap + 1))
