"""Imports that a fix needs: what is there is used again, what is missing is added to
`Place.added`, where a person who sorts imports would put it."""

import ast
import builtins
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import libcst as cst

from atomic_fix.facts.names import code_of, dotted
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Edit, Position
from atomic_fix.fixes import Refused
from atomic_fix.fixes.import_order import ImportOrder
from atomic_fix.fixes.place import Place, tree_of
from atomic_fix.source import Source

_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_WORD = re.compile(r"[^\W\d]\w*")
_HEADER = re.compile(r"^#!|coding[:=]|copyright|licen[cs]e|SPDX", re.IGNORECASE)
# A comment over a section of imports, not over the import that is its first.
_HEADING = re.compile(
    r"\b(imports?|part(y|ies)|standard|stdlib|built-?ins?|local|librar(y|ies)|modules?|packages?)\b",
    re.IGNORECASE,
)
_PATH_CHANGES = ("sys.path.", "addsitedir(")


def import_name(place: Place, module: str, name: str) -> str:
    """What a function may call `name` of `module`, once it is imported.

    Raises:
        Refused: the name is taken.
    """
    wanted = tuple(module.split("."))
    if _parts(place.source)[-len(wanted) :] == wanted and len(wanted) > 1:
        raise Refused(f"this is `{module}` itself")
    _may_import(place, module)
    known = _imported(place, module, name, _imports_in_reach(place))
    if known is not None:
        return known
    if not _is_taken(place, module, name):
        statement = _order(place).statement(module, [name])
        place.added.append(_merged(place, module, name) or _inserted(place, statement))
        return name
    if _is_taken(place, module, f"_{name}"):
        raise Refused(f"the name `{name}` is taken in this module")
    place.added.append(_inserted(place, f"from {module} import {name} as _{name}"))
    return f"_{name}"


def imported_at_top(place: Place, module: str, name: str) -> str | None:
    """What a function may call `name` of `module` by the imports at the top of the file."""
    return _imported(place, module, name, _top_imports(place))


def _imported(
    place: Place, module: str, name: str, lines: Sequence[cst.SimpleStatementLine]
) -> str | None:
    for qualified, local in _bindings(lines):
        ways = {f"{module}.{name}": local, f"{module}.*": name, module: f"{local}.{name}"}
        known = ways.get(qualified, "")
        if known and not _shadowed(place, known.partition(".")[0]):
            return known
    return None


def import_module(place: Place, module: str) -> str:
    """What a function may call a module of the standard library, once it is imported.

    Raises:
        Refused: its name is bound to something else.
    """
    imports = place.facts.scopes.imports
    for qualified, local in _bindings(_top_imports(place)):
        if qualified == module == imports.get(local) and not _shadowed(place, local):
            return local
    # A function may import it for itself: then the name means the same there.
    elsewhere = imports.get(module) == module and not _shadowed(place, module)
    if not elsewhere and _is_taken(place, module, module):
        raise Refused(f"the name `{module}` is taken in this module")
    place.added.append(_inserted(place, f"import {module}"))
    return module


# --- files that cannot have it -------------------------------------------------------

# Gone since Python 3.0. What stands in a `try` or an `if` is for either.
_PYTHON_2_MODULES = re.compile(
    r"^(?:import|from)[ \t]+(?:BaseHTTPServer|ConfigParser|Cookie|HTMLParser|Queue|SimpleHTTPServer"
    r"|SocketServer|StringIO|Tkinter|UserDict|__builtin__|cPickle|cStringIO|cookielib|copy_reg"
    r"|dumbdbm|htmlentitydefs|httplib|robotparser|tkFileDialog|tkMessageBox|urllib2|urlparse"
    r"|xmlrpclib)\b",
    re.MULTILINE,
)
_PYTHON_2_NAMES = frozenset(
    {"basestring", "execfile", "long", "raw_input", "reload", "unichr", "unicode", "xrange"}
)
_PYTHON_2_SYNTAX = re.compile(
    r"^[ \t]*except[ \t]+(?:[\w.]+|\([\w., \t]+\))[ \t]*,[ \t]*[a-z_]\w*[ \t]*:"
    r"|\A#!.*\bpython2",
    re.MULTILINE,
)
# Old habits, and how much each of them tells.
_PYTHON_2_HABITS = (
    (re.compile(r"\.has_key\("), 2),
    (re.compile(r"\.iter(?:items|keys|values)\("), 1),
    (re.compile(r"^from __future__ import .*\bwith_statement\b", re.MULTILINE), 1),
    (re.compile(r"\.next\(\)"), 1),
    (re.compile(r"^class \w+\(object\):", re.MULTILINE), 1),
)
# Signs that the same file is for Python 3 too.
_EITHER = re.compile(
    r"\b(?:PY2|PY3|version_info|hexversion|NameError|six|future|past)\b(?!__)|\bbuiltins\b"
)
# A host loads the file by itself, into an interpreter of its own or on another machine.
_HOSTED = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+(?:ansible\.module_utils|bpy|gdb|hou|idaapi|lldb|machine|maya"
    r"|micropython|nuke|sublime|sublime_plugin|vim)\b"
    r"|__channelexec__|<<INCLUDE_ANSIBLE_MODULE|(?<!\w)__(?:salt|grains|pillar|opts)__\b",
    re.MULTILINE,
)
# A debugger, a console: it works within whatever program it is started in.
_GUEST = re.compile(
    r"^(?:import[ \t]+__main__\b(?![ \t]*\.)|from[ \t]+__main__[ \t]+import\b)", re.MULTILINE
)
_SHIPPED = re.compile(r"\bgetsource(?:lines|file)?\(\s*(?:[\w.]+\.)?(\w+)")
_SCRIPT = re.compile(r"^# /// script$(.*?)^# ///$", re.MULTILINE | re.DOTALL)


def _may_import(place: Place, module: str) -> None:
    """Refuses where the helper could not be imported, as the file itself says."""
    source = place.source
    if is_python_2(source):
        raise Refused("the file is for Python 2, and the helper for Python 3")
    if _is_sent_on(place):  # it would not find an import that the module has, either
        raise Refused("the function uses names that its module has not: it runs somewhere else")
    text, top = source.text, module.partition(".")[0]
    if re.search(rf"^[ \t]*(?:import|from)[ \t]+{re.escape(module)}\b", text, re.MULTILINE):
        return  # it is there
    hosted = _HOSTED.search(text)
    shipped = set(_SHIPPED.findall(text))
    function: FunctionFacts | None = place.function
    around = set()
    while function is not None:
        around |= {function.name, function.owner.name if function.owner is not None else ""}
        function = function.outer
    if hosted or shipped & (around | {"modules", "__name__"} - {""}):
        raise Refused("the code runs where its packages are not, and could not import the helper")
    if top == "atomic_fix" and _GUEST.search(text):
        raise Refused(
            "the code works within the program that runs (`import __main__`), which need not have "
            "the helper; a copy of it in the same package would do"
        )
    script = _SCRIPT.search(text)
    if script and top == "atomic_fix" and not re.search(r"atomic[-_]fix", script[1]):
        raise Refused(
            "the script names what it needs (`# /// script`), and the helper is not there"
        )


def _is_sent_on(place: Place) -> bool:
    """Whether a decorator seems to run the source of a function elsewhere: it uses a name that
    nothing in the file binds."""
    tree = tree_of(place.source)
    rows = [place.tree.row(node) for node in place.first] or [place.tree.row(place.function.node)]
    for line in tree.body if tree is not None else ():
        if (
            isinstance(line, (ast.FunctionDef, ast.AsyncFunctionDef))
            and line.decorator_list
            and line.lineno <= rows[0] <= (line.end_lineno or 0)
        ):
            bound = set[str]()
            for node in ast.walk(tree):  # type: ignore[arg-type]
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                    bound.add(node.id)
                elif isinstance(node, ast.arg):
                    bound.add(node.arg)
                elif isinstance(node, ast.alias):
                    bound.add((node.asname or node.name).partition(".")[0])
                elif isinstance(getattr(node, "name", None), str):
                    bound.add(node.name)  # type: ignore[attr-defined]
            return "*" not in bound and any(
                isinstance(node, ast.Name)
                and node.id not in bound
                and not hasattr(builtins, node.id)
                and not node.id.startswith("__")
                for part in line.body
                for node in ast.walk(part)
            )
    return False


@lru_cache(maxsize=1)
def is_python_2(source: Source) -> bool:
    """Whether a file can only be for Python 2."""
    text = source.text
    if text.startswith("#!") and re.match(r"#!.*\bpython3", text):
        return False
    if _EITHER.search(text):
        return False
    habits = sum(weight for habit, weight in _PYTHON_2_HABITS if habit.search(text))
    return (
        _PYTHON_2_SYNTAX.search(text) is not None
        or _PYTHON_2_MODULES.search(text) is not None
        or habits > 2
        or (any(name in text for name in _PYTHON_2_NAMES) and _uses_python_2(source))
    )


def _uses_python_2(source: Source) -> bool:
    """Whether a file uses a builtin that Python 3 has not, and binds it nowhere."""
    tree = tree_of(source)
    used, bound = set[str](), set[str]()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
    return not _PYTHON_2_NAMES.isdisjoint(used - bound) and "*" not in bound


# --- what is there already ----------------------------------------------------------


def _bindings(lines: Sequence[cst.SimpleStatementLine]) -> Iterator[tuple[str, str]]:
    """What import statements bind: its qualified name, and what the code calls it."""
    for small in (small for line in lines for small in line.body):
        if isinstance(small, cst.Import):
            for alias in small.names:
                name = alias.evaluated_name
                yield name, alias.evaluated_alias or name
                if alias.asname is None:
                    top = name.partition(".")[0]
                    yield top, top
        elif isinstance(small, cst.ImportFrom):
            module = _module_of(small)
            if isinstance(small.names, cst.ImportStar):
                yield f"{module}.*", ""
                continue
            for alias in small.names:
                name = alias.evaluated_name
                yield f"{module}.{name}", alias.evaluated_alias or name


def _imports_in_reach(place: Place) -> list[cst.SimpleStatementLine]:
    """Import statements of the module, and of the function that the place is in."""
    found = _top_imports(place)
    body = getattr(place.function.node, "body", None)
    if isinstance(body, cst.IndentedBlock):
        known = place.facts.looked_up
        if body not in known:
            known[body] = [line for line in body.body if _is_import(line)]
        first = min(map(place.tree.row, place.first), default=None)
        found += [line for line in known[body] if first is None or place.tree.row(line) < first]
    return found


def _top_imports(place: Place) -> list[cst.SimpleStatementLine]:
    """The import statements that have run where the names are used."""
    known = place.facts.looked_up
    if "top imports" not in known:
        known["top imports"] = [line for line in place.tree.module.body if _is_import(line)]
    last = _last_row(place)
    return [line for line in known["top imports"] if place.tree.row(line.body[0]) < last]


def _last_row(place: Place) -> int:
    """The first row of the file that an import must stand above: that of the module's statement
    which uses it, or which may run the function that does."""
    place.last_row = place.last_row or _looked_up(place)
    return place.last_row


def _looked_up(place: Place) -> int:
    row = min(map(place.tree.row, place.first), default=0)
    if not row:
        return 1 << 60
    body = place.tree.module.body
    rows = [
        place.tree.row(getattr(line, "body", [line])[0] if _is_simple(line) else line)
        for line in body
    ]
    index = max((i for i, each in enumerate(rows) if each <= row), default=0)
    if place.function.is_module:
        return rows[index]
    defined = set(_DEFINED.findall(place.source.text))
    for each, line in zip(rows[index:], body[index:], strict=True):
        if _is_import(line):
            continue
        if isinstance(line, (cst.FunctionDef, cst.ClassDef)):
            # A decorator of the file may run what it is given.
            above = place.source.line(each).strip(), place.source.line(each - 1).strip()
            named = {name for row in above if row[:1] == "@" for name in _WORD.findall(row)}
            if named & defined:
                return each
            continue
        if not defined.isdisjoint(_WORD.findall(code_of(line))):
            return each
    return 1 << 60


def _is_simple(line: cst.CSTNode) -> bool:
    return isinstance(line, cst.SimpleStatementLine)


def _is_import(line: cst.CSTNode) -> bool:
    # The type, not `isinstance`: nodes are abstract classes, and every statement is asked.
    return type(line) is cst.SimpleStatementLine and all(
        isinstance(small, (cst.Import, cst.ImportFrom)) for small in line.body
    )


def _module_of(line: cst.ImportFrom) -> str:
    name = dotted(line.module) if line.module is not None else ""
    return "." * len(line.relative) + (name or "")


def _shadowed(place: Place, name: str) -> bool:
    scope: FunctionFacts | None = place.function
    while scope is not None and not scope.is_module:
        if name in scope.bindings or scope.parameter(name) is not None:
            return True
        scope = scope.outer
    return name in place.facts.scopes.module.bindings


def _parts(source: Source) -> tuple[str, ...]:
    """The folders and the name of the module that a file is."""
    return PurePath(source.filename.replace("\\", "/")).with_suffix("").parts


def _is_taken(place: Place, module: str, name: str) -> bool:
    # Most files hold nothing of the kind, and to take them into tokens is dear.
    return name in place.source.text and name in _identifiers(place, module)


def _identifiers(place: Place, module: str) -> set[str]:
    """Every name that the file uses in code, attributes and the helper's own import left out."""
    skipped: set[int] = set()
    for line in _top_imports(place):
        if any(isinstance(x, cst.ImportFrom) and _module_of(x) == module for x in line.body):
            span = place.tree.span(line)
            skipped.update(range(span.start.row, span.end.row + 1))
    found: set[str] = set()
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(place.source.text).readline):
            if token.type == tokenize.NAME and before != "." and token.start[0] not in skipped:
                found.add(token.string)
            elif token.type == tokenize.STRING and "f" in token.string[:3].lower():
                found.update(_WORD.findall(token.string))
            if token.type not in {tokenize.NL, tokenize.COMMENT}:
                before = token.string
    except (tokenize.TokenError, SyntaxError):
        return set(_WORD.findall(place.source.text))
    return found


# --- adding -------------------------------------------------------------------------


def _order(place: Place) -> ImportOrder:
    style = place.style.imports
    limit = style.line_length or place.limit
    return ImportOrder(style, _parts(place.source)[:-1], limit, place.tree.module.default_indent)


def _merged(place: Place, module: str, name: str) -> Edit | None:
    """The import statement of the module that is there, with the name added to it."""
    off = _left_alone(place.source)
    order = _order(place)
    for line in () if order.stands_alone(module) else _top_imports(place):
        small = line.body[0]
        if (
            len(line.body) != 1
            or not isinstance(small, cst.ImportFrom)
            or isinstance(small.names, cst.ImportStar)
            or _module_of(small) != module
        ):
            continue
        aliases = [each for each in small.names if each.asname is not None]
        span = place.tree.span(small)
        if "#" in place.source.slice(span) or span.start.row in off:
            continue
        if aliases and not place.style.imports.aliases_together:
            continue
        bare = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in small.names]
        # That of the last of several rows tells formatters to keep them.
        comma = isinstance(small.names[-1].comma, cst.Comma)
        exploded = span.start.row != span.end.row and comma
        names = [*map(code_of, bare), name]
        return Edit(span, order.statement(module, names, exploded=exploded))
    return None


def _inserted(place: Place, statement: str) -> Edit:
    groups = _groups(place)
    if not groups:
        return _below_the_head(place, statement)
    rank = _rank(place, cst.parse_statement(statement))
    new = rank[0]

    def sections(group: Sequence[cst.CSTNode]) -> list[tuple[int, bool]]:
        return [_rank(place, line)[0] for line in group]

    own = [group for group in groups if new in sections(group)]
    if own:
        # Empty rows may part a section too, above comments. Where all of it is in order, the new
        # one belongs below the last that comes before it.
        ranks = [_rank(place, line) for group in own for line in group]
        above = [group for group in own if _rank(place, group[0]) <= rank]
        in_order = above and ranks == sorted(ranks)
        return _into_group(place, above[-1] if in_order else own[0], statement)
    before = [group for group in groups if max(sections(group)) < new]
    mixed = [group for group in groups if min(sections(group)) < new < max(sections(group))]
    # Right below `from __future__` it would stand above those of the standard library.
    if before and not (mixed and all(map(_is_future, before[-1]))):
        return place.insert(place.below(before[-1][-1]), f"\n\n{statement}")
    if mixed:  # no empty row parts them
        return _into_group(place, mixed[0], statement)
    return place.insert(Position(_first_row(place, groups[0][0]), 1), f"{statement}\n\n")


def _into_group(place: Place, group: list[cst.SimpleStatementLine], statement: str) -> Edit:
    new = _rank(place, cst.parse_statement(statement))
    ranks = [_rank(place, line) for line in group]
    # Where the imports are in no order: below those of its section, or of the one before.
    sections = [rank[0] for rank in ranks]
    nearest = max([each for each in sections if each <= new[0]] or sections)
    above = len(sections) - sections[::-1].index(nearest)
    by_name = [(section, *name) for section, _, *name in ranks]
    if ranks == sorted(ranks):
        above = sum(rank <= new for rank in ranks)
    elif by_name == sorted(by_name):
        above = sum(rank <= (new[0], *new[2:]) for rank in by_name)
    if above:
        return place.insert(place.below(group[above - 1]), f"\n{statement}")
    row = _first_row(place, group[0])
    parted = place.style.imports.parts_comments and place.source.line(row).startswith("#")
    return place.insert(Position(row, 1), f"{statement}\n\n" if parted else f"{statement}\n")


def _block(place: Place) -> list[cst.SimpleStatementLine]:
    """The run of imports that a new one belongs to: the first, or the first below the last
    change of `sys.path` if imports follow that."""
    known = place.facts.looked_up
    if "imports" not in known:
        known["imports"] = _found_block(place)
    block: list[cst.SimpleStatementLine] = known["imports"]
    return block


def _found_block(place: Place) -> list[cst.SimpleStatementLine]:
    off = _left_alone(place.source)
    blocks: list[list[cst.SimpleStatementLine]] = [[]]
    for line in place.tree.module.body:
        if not _is_import(line):
            blocks.append([])
        elif place.tree.row(line.body[0]) not in off:  # type: ignore[index]
            blocks[-1].append(line)  # type: ignore[arg-type]
    filled = [block for block in blocks if block]
    changed = _row_of_the_path_change(place)
    later = [block for block in filled if place.tree.row(block[0]) > changed]
    last = _last_row(place)
    above = [block for block in filled if place.tree.row(block[0].body[0]) < last]
    later = [block for block in above if block in later]
    found = later or above or [[]]
    if len(found) > 1 and all(_is_future(line) for line in found[0]):
        # `__all__`, `DOCUMENTATION` and the like may stand between it and the other imports.
        body = list(place.tree.module.body)
        between = body[body.index(found[0][-1]) : body.index(found[1][0])]
        if all(isinstance(line, cst.SimpleStatementLine) for line in between):
            return found[1]
    return found[0]


def _first_row(place: Place, line: cst.SimpleStatementLine) -> int:
    """The row of an import, or of the comment above that belongs to it."""
    source, first = place.source, place.tree.row(line)
    row = place.first_comment(first)
    above = "\n".join(source.line(r) for r in range(row, first))
    if row == 1 or _HEADER.search(above) or _HEADING.search(above) or row in _left_alone(source):
        return first
    return row


def _row_of_the_path_change(place: Place) -> int:
    if not any(word in place.source.text for word in _PATH_CHANGES):
        return 0
    rows = [
        place.tree.row(line)
        for line in place.tree.module.body
        if not isinstance(line, (cst.FunctionDef, cst.ClassDef))
        and any(word in code_of(line) for word in _PATH_CHANGES)
    ]
    return max(rows, default=0)


def _groups(place: Place) -> list[list[cst.SimpleStatementLine]]:
    """The run of imports that a new one belongs to, parted where empty rows part it."""
    groups: list[list[cst.SimpleStatementLine]] = []
    end = 0
    for line in _block(place):
        start = place.tree.row(line.body[0])
        parted = any(not place.source.line(row).strip(" \t\f") for row in range(end + 1, start))
        if parted or not groups:
            groups.append([])
        groups[-1].append(line)
        end = place.tree.span(line.body[-1]).end.row
    return groups


def _is_future(line: cst.SimpleStatementLine) -> bool:
    small = line.body[0]
    return isinstance(small, cst.ImportFrom) and _module_of(small) == "__future__"


def _rank(place: Place, line: cst.CSTNode) -> tuple[Any, ...]:
    """By what imports are sorted."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else line
    module = name = ""
    if isinstance(small, cst.ImportFrom):
        module = _module_of(small)
        if not isinstance(small.names, cst.ImportStar):
            name = small.names[0].evaluated_name
    elif isinstance(small, cst.Import):
        module = small.names[0].evaluated_name
    return _order(place).rank(module, name, is_from=isinstance(small, cst.ImportFrom))


def _left_alone(source: Source) -> set[int]:
    """Rows between `# isort: off` and `# isort: on`."""
    rows: set[int] = set()
    off = False
    for row in range(1, len(source.line_starts) + 1) if "isort" in source.text else ():
        line = source.line(row).strip().replace(" ", "")
        off = line.startswith("#isort:off") or (off and not line.startswith("#isort:on"))
        if off:
            rows.add(row)
    return rows


def _below_the_head(place: Place, statement: str) -> Edit:
    """Below docstring, `__future__` imports, licence and encoding comments."""
    source, module = place.source, place.tree.module
    if module.body and module.get_docstring() is not None:
        end = place.below(module.body[0])
        gap = _missing_rows(place, end.row, module.body[1:])
        return place.insert(end, f"\n\n{statement}{gap}")
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
        gap = _missing_rows(place, comment, module.body)
        return place.insert(place.end_of_row(comment), f"\n\n{statement}{gap}")
    first = 1 if comment else row
    gap = _missing_rows(place, first - 1, module.body)
    return place.insert(Position(first, 1), f"{statement}\n{gap}")


def _missing_rows(place: Place, row: int, below: Sequence[cst.CSTNode]) -> str:
    """The empty rows to add to those behind `row`, so that enough part an import from what
    stands below it."""
    wanted = place.style.imports.lines_after
    if wanted < 0:
        wanted = 2 if below and isinstance(below[0], (cst.FunctionDef, cst.ClassDef)) else 1
    there = 0
    while row < len(place.source.line_starts) and not place.source.line(row + 1).strip(" \t\f"):
        row, there = row + 1, there + 1
    return "\n" * (wanted - there)
