"""Imports that a fix needs: what is there is used again, what is missing is added to
`Place.added`, where a person who sorts imports would put it."""

import ast
import builtins
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Edit, Position
from atomic_fix.fixes import Refused
from atomic_fix.fixes.import_order import ImportOrder
from atomic_fix.fixes.place import Place
from atomic_fix.source import Source

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Line = list[ast.stmt]
"""The statements of one logical line, parted by semicolons."""

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
        place.added.append(
            place.once(
                ("merged", module, name, _last_row(place), place.unit),
                lambda: _merged(place, module, name) or _inserted(place, statement),
            )
        )
        return name
    if _is_taken(place, module, f"_{name}"):
        raise Refused(f"the name `{name}` is taken in this module")
    place.added.append(_inserted(place, f"from {module} import {name} as _{name}"))
    return f"_{name}"


def imported_at_top(place: Place, module: str, name: str) -> str | None:
    """What a function may call `name` of `module` by the imports at the top of the file."""
    return _imported(place, module, name, _top_imports(place))


def _imported(place: Place, module: str, name: str, lines: Sequence[Line]) -> str | None:
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
    if any((module, module) in _bindings([line]) for line in _imports_of_the_module(place)):
        raise Refused(f"`{module}` is imported below its first use")
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
    if is_python_2(source, place.facts.tree.module):
        raise Refused("the file is for Python 2, and the helper for Python 3")
    if _is_sent_on(place):  # it would not find an import that the module has, either
        raise Refused("the function uses names that its module has not: it runs somewhere else")
    top = module.partition(".")[0]
    if place.finds(rf"(?m)^[ \t]*(?:import|from)[ \t]+{re.escape(module)}\b"):
        return  # it is there
    hosted = place.finds(_HOSTED)
    shipped = place.once("shipped", lambda: set(_SHIPPED.findall(source.text)))
    function: FunctionFacts | None = place.function
    around = set()
    while function is not None:
        around |= {function.name, function.owner.name if function.owner is not None else ""}
        function = function.outer
    if hosted or shipped & (around | {"modules", "__name__"} - {""}):
        raise Refused("the code runs where its packages are not, and could not import the helper")
    if top == "atomic_fix" and place.finds(_GUEST):
        raise Refused(
            "the code works within the program that runs (`import __main__`), which need not have "
            "the helper; a copy of it in the same package would do"
        )
    script = place.finds(_SCRIPT)
    if script and top == "atomic_fix" and not re.search(r"atomic[-_]fix", script[1]):
        raise Refused(
            "the script names what it needs (`# /// script`), and the helper is not there"
        )


def _is_sent_on(place: Place) -> bool:
    """Whether a decorator seems to run the source of a function elsewhere: it uses a name that
    nothing in the file binds."""
    module = place.facts.tree.module
    row = min((each.lineno for each in place.first), default=0)
    if not row and not isinstance(place.function.node, ast.Module):
        row = place.function.node.lineno
    index = bisect_right(module.body, row, key=lambda each: each.lineno) - 1
    around = module.body[index] if index >= 0 else None
    if (
        not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef))
        or not around.decorator_list
        or row > (around.end_lineno or 0)
    ):
        return False
    bound = place.once("bound names", lambda: _bound_names(module))
    return "*" not in bound and any(
        isinstance(node, ast.Name)
        and node.id not in bound
        and not hasattr(builtins, node.id)
        and not node.id.startswith("__")
        for part in around.body
        for node in ast.walk(part)
    )


def _bound_names(module: ast.Module) -> set[str]:
    """The names that anything in a file binds; a star for those of an `import *`."""
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
def is_python_2(source: Source, tree: ast.Module) -> bool:
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
        or (any(name in text for name in _PYTHON_2_NAMES) and _uses_python_2(tree))
    )


def _uses_python_2(tree: ast.Module) -> bool:
    """Whether a file uses a builtin that Python 3 has not, and binds it nowhere."""
    used, bound = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
        elif isinstance(node, _DEFINITIONS):
            bound.add(node.name)
    return not _PYTHON_2_NAMES.isdisjoint(used - bound) and "*" not in bound


# --- what is there already ----------------------------------------------------------


def _bindings(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """What import statements bind: its qualified name, and what the code calls it."""
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


def _imports_in_reach(place: Place) -> list[Line]:
    """Import statements of the module, and of the function that the place is in."""
    found = _top_imports(place)
    function = place.function.node
    if not isinstance(function, ast.Module):
        own = place.once(
            ("imports of", function), lambda: [*filter(_is_import, _lines(function.body))]
        )
        first = min((each.lineno for each in place.first), default=None)
        found += [line for line in own if first is None or _row(line) < first]
    return found


def _top_imports(place: Place) -> list[Line]:
    """The import statements that have run where the names are used."""
    last = _last_row(place)
    return [line for line in _imports_of_the_module(place) if _row(line) < last]


def _imports_of_the_module(place: Place) -> list[Line]:
    return place.once("top imports", lambda: [*filter(_is_import, _body(place))])


def _body(place: Place) -> list[Line]:
    """The module's own statements, by logical lines."""
    return place.once("lines", lambda: _lines(place.facts.tree.module.body))


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


def _last_row(place: Place) -> int:
    """The first row of the file that an import must stand above: that of the module's statement
    which uses it, or which may run the function that does."""
    place.last_row = place.last_row or _looked_up(place)
    return place.last_row


def _looked_up(place: Place) -> int:
    row = min((each.lineno for each in place.first), default=0)
    if not row:
        return 1 << 60
    body = _body(place)
    index = max(bisect_right(body, row, key=_row) - 1, 0)
    if place.function.is_module:
        return _row(body[index])
    return place.once("first runs", lambda: _first_runs(place))[index]


def _first_runs(place: Place) -> list[int]:
    """For each line of the module, the row of the first one from there on that may run a function
    of the file: which one, and when, is not looked into."""
    body = _body(place)
    defined = set(_DEFINED.findall(place.source.text))
    rows = [1 << 60] * (len(body) + 1)
    for index in reversed(range(len(body))):
        rows[index] = (
            _row(body[index]) if _may_run(place, body[index], defined) else rows[index + 1]
        )
    return rows


def _may_run(place: Place, line: Line, defined: set[str]) -> bool:
    if _is_import(line):
        return False
    first = line[0]
    if isinstance(first, _DEFINITIONS):
        # A decorator of the file may run what it is given.
        texts = [place.facts.tree.text(each) for each in first.decorator_list]
    else:
        texts = [place.facts.tree.text(each) for each in line]
    return any(not defined.isdisjoint(_WORD.findall(text)) for text in texts)


def _is_import(line: Line) -> bool:
    return all(isinstance(each, (ast.Import, ast.ImportFrom)) for each in line)


def _module_of(statement: ast.ImportFrom) -> str:
    return "." * statement.level + (statement.module or "")


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
        if any(isinstance(each, ast.ImportFrom) and _module_of(each) == module for each in line):
            skipped.update(range(_row(line), _end(line) + 1))
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
    return ImportOrder(style, _parts(place.source)[:-1], limit, place.unit)


def _merged(place: Place, module: str, name: str) -> Edit | None:
    """The import statement of the module that is there, with the name added to it."""
    off = _left_alone(place)
    order = _order(place)
    for line in () if order.stands_alone(module) else _top_imports(place):
        statement = line[0]
        if (
            len(line) != 1
            or not isinstance(statement, ast.ImportFrom)
            or statement.names[0].name == "*"
            or _module_of(statement) != module
        ):
            continue
        aliases = [each for each in statement.names if each.asname is not None]
        span, text = place.span(statement), place.text(statement)
        if "#" in text or span.start.row in off:
            continue
        if aliases and not place.style.imports.aliases_together:
            continue
        # A comma behind the last of several rows tells formatters to keep them.
        exploded = span.start.row != span.end.row and text.rstrip(") \t\n").endswith(",")
        names = [f"{x.name} as {x.asname}" if x.asname else x.name for x in statement.names]
        return Edit(span, order.statement(module, [*names, name], exploded=exploded))
    return None


def _inserted(place: Place, statement: str) -> Edit:
    """A new statement among the imports that have run where it is needed."""
    key = ("inserted", statement, _last_row(place), place.unit)
    return place.once(key, lambda: _insertion(place, statement))


def _insertion(place: Place, statement: str) -> Edit:
    groups = _groups(place)
    if not groups:
        return _below_the_head(place, statement)
    rank = _rank(place, ast.parse(statement).body)
    new = rank[0]

    def sections(group: Sequence[Line]) -> list[tuple[int, bool]]:
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
        return place.insert(place.end_of_row(_end(before[-1][-1])), f"\n\n{statement}")
    if mixed:  # no empty row parts them
        return _into_group(place, mixed[0], statement)
    return place.insert(Position(_first_row(place, groups[0][0]), 1), f"{statement}\n\n")


def _into_group(place: Place, group: list[Line], statement: str) -> Edit:
    new = _rank(place, ast.parse(statement).body)
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
        return place.insert(place.end_of_row(_end(group[above - 1])), f"\n{statement}")
    row = _first_row(place, group[0])
    parted = place.style.imports.parts_comments and place.source.line(row).startswith("#")
    return place.insert(Position(row, 1), f"{statement}\n\n" if parted else f"{statement}\n")


def _block(place: Place) -> list[Line]:
    """The run of imports that a new one belongs to: the first, or the first below the last
    change of `sys.path` if imports follow that."""
    return place.once(("imports", _last_row(place)), lambda: _found_block(place))


def _found_block(place: Place) -> list[Line]:
    off = _left_alone(place)
    blocks: list[list[Line]] = [[]]
    for line in _body(place):
        if not _is_import(line):
            blocks.append([])
        elif _row(line) not in off:
            blocks[-1].append(line)
    filled = [block for block in blocks if block]
    changed = _row_of_the_path_change(place)
    later = [block for block in filled if _row(block[0]) > changed]
    last = _last_row(place)
    above = [block for block in filled if _row(block[0]) < last]
    later = [block for block in above if block in later]
    found = later or above or [[]]
    if len(found) > 1 and all(_is_future(line) for line in found[0]):
        # `__all__`, `DOCUMENTATION` and the like may stand between it and the other imports.
        rows = range(_row(found[0][-1]), _row(found[1][0]))
        between = [line for line in _body(place) if _row(line) in rows]
        if not any(hasattr(line[0], "body") for line in between):
            return found[1]
    return found[0]


def _first_row(place: Place, line: Line) -> int:
    """The row of an import, or of the comment above that belongs to it."""
    source, first = place.source, _row(line)
    row = place.first_comment(first)
    above = "\n".join(source.line(r) for r in range(row, first))
    if row == 1 or _HEADER.search(above) or _HEADING.search(above) or row in _left_alone(place):
        return first
    return row


def _row_of_the_path_change(place: Place) -> int:
    if not any(word in place.source.text for word in _PATH_CHANGES):
        return 0
    rows = [
        _row(line)
        for line in _body(place)
        if not isinstance(line[0], _DEFINITIONS)
        and any(word in place.text(each) for each in line for word in _PATH_CHANGES)
    ]
    return max(rows, default=0)


def _groups(place: Place) -> list[list[Line]]:
    """The run of imports that a new one belongs to, parted where empty rows part it."""
    groups: list[list[Line]] = []
    end = 0
    for line in _block(place):
        start = _row(line)
        parted = any(not place.source.line(row).strip(" \t\f") for row in range(end + 1, start))
        if parted or not groups:
            groups.append([])
        groups[-1].append(line)
        end = _end(line)
    return groups


def _is_future(line: Line) -> bool:
    return isinstance(line[0], ast.ImportFrom) and _module_of(line[0]) == "__future__"


def _rank(place: Place, line: Line) -> tuple[Any, ...]:
    """By what imports are sorted."""
    statement = line[0]
    module = name = ""
    if isinstance(statement, ast.ImportFrom):
        module = _module_of(statement)
        if statement.names[0].name != "*":
            name = statement.names[0].name
    elif isinstance(statement, ast.Import):
        module = statement.names[0].name
    return _order(place).rank(module, name, is_from=isinstance(statement, ast.ImportFrom))


def _left_alone(place: Place) -> set[int]:
    """Rows between `# isort: off` and `# isort: on`."""
    return place.once("left alone", lambda: _rows_left_alone(place.source))


def _rows_left_alone(source: Source) -> set[int]:
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
    source, body = place.source, place.facts.tree.module.body
    if ast.get_docstring(place.facts.tree.module, clean=False) is not None:
        end = place.end_of_row(body[0].end_lineno or body[0].lineno)
        gap = _missing_rows(place, end.row, body[1:])
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
        gap = _missing_rows(place, comment, body)
        return place.insert(place.end_of_row(comment), f"\n\n{statement}{gap}")
    first = 1 if comment else row
    gap = _missing_rows(place, first - 1, body)
    return place.insert(Position(first, 1), f"{statement}\n{gap}")


def _missing_rows(place: Place, row: int, below: Sequence[ast.stmt]) -> str:
    """The empty rows to add to those behind `row`, so that enough part an import from what
    stands below it."""
    wanted = place.style.imports.lines_after
    if wanted < 0:
        wanted = 2 if below and isinstance(below[0], _DEFINITIONS) else 1
    there = 0
    while row < len(place.source.line_starts) and not place.source.line(row + 1).strip(" \t\f"):
        row, there = row + 1, there + 1
    return "\n" * (wanted - there)
