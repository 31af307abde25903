"""Python's own syntax tree as a knife: a file -> pieces, and which of them can matter.

Nothing here loads LibCST. A piece that may hold a site is marked; a mark too many costs
time, a mark too few would lose a finding.
"""

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain

from atomic_fix.catalog import apis
from atomic_fix.catalog import words as catalog
from atomic_fix.config import Config
from atomic_fix.islands.needles import (
    BUILTIN_ERRORS,
    CORRUPT,
    HARMFUL,
    LOADING_WORD,
    OPENERS,
    TEMP_WORD,
    TREES,
    TRUNCATES,
    WRITING_MODE,
    loaders_of_paths,
    saver_names,
)
from atomic_fix.source import Source

WRITE, LOAD, PUBLISH, TEMP, HANDLER, TEST, KEEP = 1, 2, 4, 8, 16, 32, 64
"""What a piece may hold, as bits; `KEEP` is a write that is no finding."""

_SITES = WRITE | LOAD | PUBLISH | TEMP

# What parts words becomes a space. Bytes, since that is three times as fast as `\w+`.
_APART = bytes(each if each > 127 or re.match(rb"\w", bytes([each])) else 32 for each in range(256))
# No `\b` in front: a pattern that begins with plain text is found many times faster.
_DEF = re.compile(r"def\s+(\w+)")
_CLASS = re.compile(r"class\s+(\w+)")
_MODE = re.compile(r"[rwaxbtU+]+")
_METHOD_AS_VALUE = re.compile(r"\.\s*(write|read)_(?:text|bytes)\b(?!\s*\()")
# As a word of a name: `load_json`, `_read`, `fromFile`.
_LOADING = re.compile(LOADING_WORD)
_LOADING_FIRST = re.compile(rf"[\d_]*(?:{LOADING_WORD})")
_NO_FILES = re.compile(rf"(?:\w*_)?from_(?:{'|'.join(sorted(catalog.NOT_FILES))})s?")
# Methods that make something of what was read.
_OF_CONTENT = apis.SPLITTERS | {"load", "loads"}
# What may be given a path, or what was read from a file.
_GIVEN = (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Starred)
_SHAPING = re.compile("|".join(sorted(catalog.SHAPING)), re.IGNORECASE)

_OPENER_NAMES = {opener.name.removeprefix("builtins.") for opener in apis.OPENERS}
# Last parts of names whose calls are looked at, less those of savers and loaders.
_WRITING = {"write_text", "write_bytes", "getattr", *apis.RUNNERS} | {
    name.rpartition(".")[2] for name in (*apis.PUBLISHERS, *apis.PUBLISH_METHODS, *apis.TEMP_MAKERS)
}
_READING = OPENERS | {"read_text", "read_bytes", "load", "loads"}
# Fields that hold no expression and no statement.
_PLAIN = frozenset(
    {"arg", "asname", "attr", "ctx", "id", "kind", "level", "module", "name", "names", "op", "ops"}
)
# What follows a name that is a target.
_BOUND = re.compile(r"\s*(?:,[^=\n()]*|:[^=\n]+)?=(?!=)")
# The fields of a statement that hold other statements, or what these stand in.
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(slots=True, eq=False)
class Class:
    """A class in the module's own body."""

    name: str
    bases: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Piece:
    """Rows of the file that are parsed together: a function, a method, or statements."""

    start: int
    end: int
    nodes: list[ast.stmt]
    text: str
    owner: Class | None = None
    name: str = ""
    """The function's name; empty for statements."""
    heading: bool = False
    """Whether it is the head of a class without its body."""
    marks: int = 0
    words: frozenset[str] = frozenset()
    defines: tuple[str, ...] = ()
    """Names of the functions in it, its own one included."""
    classes: tuple[str, ...] = ()
    tried: set[str] = field(default_factory=set)
    """Names of what is called in a `try` whose handlers may be silent."""
    _bound: frozenset[str | None] | None = None

    @property
    def only_loads(self) -> bool:
        """Whether all that may matter in it is what speaks for another piece's finding."""
        return not self.marks & ~(LOAD | KEEP)

    def may_bind(self, *names: str) -> bool:
        """Whether one of these dotted names may be bound here."""
        if self._bound is None:
            self._bound = frozenset(
                dotted(node)
                for statement in self.nodes
                for node in ast.walk(statement)
                if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store)
            )
        return not self._bound.isdisjoint(names)


@dataclass(slots=True)
class Cut:
    """The pieces of a file in their order, and what is known of it without parsing them."""

    pieces: list[Piece]
    imports: dict[str, str]
    marked: list[Piece]
    """The pieces that may hold a site, or a handler that matters."""
    indent: str
    """The white space before the first indented block."""


def parse(text: str) -> ast.Module:
    """Python's syntax tree of a text.

    Raises:
        SyntaxError: this Python cannot parse it.
        RecursionError, MemoryError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are for other linters
        return ast.parse(text)


def cut(tree: ast.Module, source: Source, config: Config, *, tests: bool) -> Cut | None:
    """The pieces of a file; None when no rule can find anything in it.

    Args:
        tests: whether tests of a loaded object's shape matter too.
    """
    pieces = _pieces(tree, source)
    imports = _imports(pieces)
    _Marker(source.text, imports, config).mark(pieces, tests=tests)
    marked = _marked(pieces, source.text)
    if not marked:
        return None
    return Cut(pieces, imports, marked, _indent(tree, source))


# --- cutting ----------------------------------------------------------------------


def _pieces(tree: ast.Module, source: Source) -> list[Piece]:
    pieces: list[Piece] = []

    def add(statement: ast.stmt, owner: Class | None) -> None:
        start = _first_row(statement)
        end = statement.end_lineno or start
        last = pieces[-1] if pieces else None
        if last is not None and start <= last.end:
            # `a = 1; b = 2`: they share a row, so they are one piece.
            last.end = max(last.end, end)
            last.nodes.append(statement)
            last.name = ""
        else:
            name = statement.name if isinstance(statement, _Function) else ""
            pieces.append(Piece(start, end, [statement], "", owner, name))

    for statement in tree.body:
        start = _first_row(statement)
        if isinstance(statement, ast.ClassDef) and start > (pieces[-1].end if pieces else 0):
            first = _first_row(statement.body[0])
            if first > _head_end(statement):
                bases = tuple(dotted(base) or "" for base in statement.bases)
                owner = Class(statement.name, bases)
                head = ast.ClassDef(
                    statement.name, statement.bases, statement.keywords, [],
                    statement.decorator_list,
                )  # fmt: skip
                pieces.append(Piece(start, first - 1, [head], "", owner, heading=True))
                for inner in statement.body:
                    add(inner, owner)
                continue
        add(statement, None)
    starts = source.line_starts
    for piece in pieces:
        stop = starts[piece.end] if piece.end < len(starts) else len(source.text)
        piece.text = source.text[starts[piece.start - 1] : stop]
        parted = piece.text.encode("utf-8", "surrogatepass").translate(_APART)
        piece.words = frozenset(parted.decode("utf-8", "surrogatepass").split())
        if "def" in piece.words:
            piece.defines = tuple(_DEF.findall(piece.text))
        if "class" in piece.words and not piece.heading:
            piece.classes = tuple(_CLASS.findall(piece.text))
    return pieces


def _indent(tree: ast.Module, source: Source) -> str:
    for statement in tree.body:
        for part in _BLOCKS:
            for inner in getattr(statement, part, ())[:1]:
                first = getattr(inner, "pattern", inner)
                if isinstance(inner, ast.ExceptHandler):
                    first = inner.body[0]
                row = _first_row(first)
                if row > statement.lineno and first.col_offset > 0:
                    blank = source.indent(row)
                    if blank:
                        return blank
    return "    "


def _first_row(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(each.lineno for each in decorators)])


def _head_end(node: ast.ClassDef) -> int:
    parts: list[ast.expr] = [*node.bases, *(each.value for each in node.keywords)]
    return max([node.lineno, *(part.end_lineno or 0 for part in parts)])


def dotted(node: ast.expr) -> str | None:
    """`a.b.c` for a chain of plain names, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def _imports(pieces: Iterable[Piece]) -> dict[str, str]:
    """What each imported name stands for; of several imports the last one counts."""
    found: dict[str, str] = {}
    importing = (piece.nodes for piece in pieces if "import" in piece.words)
    for node in _imports_in(chain.from_iterable(importing)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname is not None:
                    found[alias.asname] = alias.name
                else:
                    top = alias.name.partition(".")[0]
                    found[top] = top
        else:
            prefix = "." * node.level + (f"{node.module}." if node.module else "")
            for alias in node.names:
                if alias.name != "*":
                    found[alias.asname or alias.name] = prefix + alias.name
    return found


def _imports_in(statements: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for statement in statements:
        if isinstance(statement, IMPORTS):
            yield statement
            continue
        for part in _BLOCKS:
            yield from _imports_in(getattr(statement, part, ()))


# --- marking ----------------------------------------------------------------------


@cache
def _children(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold calls and handlers."""
    if kind is ast.Constant:
        return ()
    return tuple(name for name in getattr(kind, "_fields", ()) if name not in _PLAIN)


class _Called:
    """What is looked for in one configuration: names of savers and loaders, of those loaders
    that take a path, and the last parts of all names whose calls may write, or load."""

    def __init__(self, config: Config) -> None:
        self.savers = saver_names(config)
        self.loaders = {loader.name for loader in apis.LOADERS}.union(config.loaders)
        self.of_paths = loaders_of_paths(config)
        self.writing = _WRITING.union(name.rpartition(".")[2] for name in self.savers)
        self.reading = _READING.union(name.rpartition(".")[2] for name in self.loaders)


_called = lru_cache(maxsize=8)(_Called)


def _words_of(pieces: Iterable[Piece]) -> frozenset[str]:
    return frozenset[str]().union(*(piece.words for piece in pieces))


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _last_name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


class _Marker:
    """Marks the pieces of one file."""

    def __init__(self, text: str, imports: dict[str, str], config: Config) -> None:
        self._text = text
        self._openers = {*OPENERS}
        # A search of the whole text: once a name.
        self._bound: dict[str, bool] = {}
        self._shadowed: dict[str, bool] = {}
        self._imports = imports
        self._called = _called(config)
        self._may_write = re.search(WRITING_MODE, text) is not None
        self._trees = any(maker in text for maker in TREES)
        self._parsers = "ConfigParser" in text
        self._may_update = re.search(TRUNCATES, text) is not None
        self._may_truncate = "O_TRUNC" in text
        # `save = path.write_text`: what is called `save` anywhere may be a write.
        self._hidden = 0
        for match in _METHOD_AS_VALUE.finditer(text):
            self._hidden |= WRITE if match[1] == "write" else LOAD

    def mark(self, pieces: list[Piece], *, tests: bool) -> None:
        words = self._words = _words_of(pieces)
        self._openers |= {w for w in words if "open" in w and apis.WRAPPER.fullmatch(w)}
        # Whether some expression can give what is in a file.
        self._may_read = (
            not words.isdisjoint({*self._openers, "read_text", "read_bytes"})
            or self._hidden != 0
            or ("getattr" in words and "read_" in self._text)
        )
        self._loaders = self._called.loaders if self._may_read else self._called.of_paths
        self._own = {(piece.owner, piece.name) for piece in pieces}
        writing = {*self._called.writing, "except", "suppress"}
        if self._trees:
            writing.add("write")
        if self._may_write or self._may_update or self._may_truncate:
            writing |= self._openers
        writing |= self._imported_as(writing.__contains__)
        others = []
        for piece in pieces:
            if tests and "isinstance" in piece.words:
                piece.marks |= TEST
            if writing.isdisjoint(piece.words):
                others.append(piece)
            else:
                self._look_through(piece)
        self._mark_loads(pieces, others)
        for piece in pieces:
            piece.marks |= self._hidden
            if self._hidden & LOAD and piece.tried:
                piece.marks |= HANDLER
        loading = {name for piece in pieces if piece.marks & LOAD for name in piece.defines}
        publishing = {name for piece in pieces if piece.marks & PUBLISH for name in piece.defines}
        for piece in pieces:
            if piece.tried & loading:
                piece.marks |= HANDLER
            if publishing & piece.words:
                # `publish(tmp, path)`: a helper of the module.
                piece.marks |= PUBLISH

    def _mark_loads(self, pieces: list[Piece], others: list[Piece]) -> None:
        """Look through those pieces that can only load, as far as loads matter."""
        keepers = set(filter(apis.KEEPER.fullmatch, self._words))
        if not self._hidden and not any(piece.marks & ~LOAD for piece in pieces):
            asked = _words_of(piece for piece in pieces if piece.tried)
            others = [
                piece
                for piece in others
                if not asked.isdisjoint(piece.defines) or not keepers.isdisjoint(piece.words)
            ]
        reading = {*self._called.reading, *self._openers, *apis.SPLITTERS}
        if self._parsers:
            reading.add("read")
        reading |= self._imported_as(reading.__contains__) | self._imported_as(_LOADING.search)
        reading.update(filter(_LOADING.search, self._words))
        # A file that is written well is still loaded with care or without.
        judging = any(piece.tried or piece.marks & TEST for piece in pieces)
        if judging:
            reading |= keepers
        for piece in others:
            if not reading.isdisjoint(piece.words):
                self._look_through(piece)
        if not judging:
            for piece in pieces:
                piece.marks &= ~KEEP

    def _imported_as(self, is_wanted: Callable[[str], object]) -> set[str]:
        """What the file calls things of whose names the last part is wanted."""
        return {
            name for name, target in self._imports.items() if is_wanted(target.rpartition(".")[2])
        }

    def _look_through(self, piece: Piece) -> None:
        self._piece = piece
        todo: list[ast.AST] = [*piece.nodes]
        while todo:
            node = todo.pop()
            kind: type[ast.AST] = type(node)
            if kind is ast.Call:
                piece.marks |= self._call(node)  # type: ignore[arg-type]
            elif kind.__name__ in {"Try", "TryStar"}:
                if any(map(self._may_be_silent, node.handlers)):  # type: ignore[attr-defined]
                    self._note_tried(node.body)  # type: ignore[attr-defined]
            elif kind.__name__ in {"With", "AsyncWith"}:
                self._suppress(node)  # type: ignore[arg-type]
            for name in _children(kind):  # type: ignore[arg-type]
                value = getattr(node, name, None)
                if type(value) is list:
                    todo += value
                elif value is not None:
                    todo.append(value)

    def _qualified(self, name: str) -> str:
        head, dot, rest = name.partition(".")
        return self._imports.get(head, head) + dot + rest

    def _call(self, node: ast.Call) -> int:
        marks = self._named(node.func, node)
        last = _last_name(node.func)
        if last == "getattr" and len(node.args) > 1:
            # `getattr(path, f"write_{kind}")`
            for inner in ast.walk(node.args[1]):
                text = getattr(inner, "value", getattr(inner, "id", ""))
                for verb, mark in (("write_", WRITE), ("read_", LOAD)):
                    if isinstance(text, str) and verb in text:
                        self._hidden |= mark
        if last in apis.RUNNERS or self._qualified(last).rpartition(".")[2] in apis.RUNNERS:
            # `to_thread(path.write_text, text)`
            for given in node.args:
                marks |= self._named(given, None)
        return marks

    def _named(self, func: ast.expr, call: ast.Call | None) -> int:
        """The marks that a function's name gives to a call of it."""
        if not isinstance(func, (ast.Attribute, ast.Name)):
            return 0
        method = func.attr if isinstance(func, ast.Attribute) else ""
        full = self._qualified(dotted(func) or "")
        last = method or full.rpartition(".")[2]
        names = {full, f".{method}", f"builtins.{full}"}
        marks = 0
        if last in self._openers:
            marks |= LOAD
            if self._opens_to_write(call, known=full in _OPENER_NAMES or not method):
                marks |= WRITE
        if (
            method in {"write_text", "write_bytes"}
            or (method == "write" and self._trees)
            or not names.isdisjoint(self._called.savers)
        ):
            marks |= WRITE
        if (
            method in {"read_text", "read_bytes"}
            or (method in _OF_CONTENT and self._may_read)
            or (method == "read" and self._parsers)
            or not names.isdisjoint(self._loaders)
            or (
                (_LOADING.search if self._may_read else _LOADING_FIRST.match)(last)
                and _NO_FILES.fullmatch(last) is None
                and (names.isdisjoint(self._called.loaders) or self._is_shadowed(full))
                and (call is None or self._may_take_file(call))
            )
        ):
            marks |= LOAD
        if apis.KEEPER.fullmatch(last) or full.partition(".")[0] in apis.ATOMIC_PACKAGES:
            marks |= KEEP
        if full in apis.PUBLISHERS or (
            method in apis.PUBLISH_METHODS and (call is None or len(_given(call)) == 1)
        ):
            marks |= PUBLISH
        if full in apis.TEMP_MAKERS:
            marks |= TEMP
        return marks

    def _is_shadowed(self, name: str) -> bool:
        """Whether an imported name may be bound to something else."""
        head = name.partition(".")[0]
        if name not in self._shadowed:
            pattern = rf"(?<![.\w]){head}\s*(?:[,)=:]|in\b)"
            self._shadowed[name] = re.search(pattern, self._text) is not None
        return self._shadowed[name]

    def _may_take_file(self, call: ast.Call) -> bool:
        """Whether a call of something from elsewhere may be given a path or what was read."""
        func = call.func
        piece = self._piece
        if isinstance(func, ast.Name):
            if (None, func.id) in self._own:
                return False  # what it does is seen in its own body
        elif (
            isinstance(func, ast.Attribute)
            and isinstance(func.value, ast.Name)
            and func.value.id in {"self", "cls"}
            and (piece.owner, func.attr) in self._own
            and "class" not in piece.words
        ):
            return False
        return any(isinstance(each, _GIVEN) for each in _given(call))

    def _opens_to_write(self, call: ast.Call | None, *, known: bool) -> bool:
        if self._may_truncate:
            return True
        if not self._may_write and not self._may_update:
            return False
        if call is None:
            return True
        for index, value in enumerate(_given(call)):
            if isinstance(value, ast.Constant):
                mode = value.value
                if not isinstance(mode, str) or not _MODE.fullmatch(mode):
                    continue
                if "w" in mode or (self._may_update and ("+" in mode or "a" in mode)):
                    return True
            elif index > 0 or not known:
                # In the first place of `open` stands the path, in that of `path.open` the mode.
                return True
        return False

    # --- handlers ---------------------------------------------------------------

    def _suppress(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call):
                name = self._qualified(dotted(call.func) or "")
                if name.rpartition(".")[2] == "suppress":
                    self._note_tried(node.body)

    def _note_tried(self, body: list[ast.stmt]) -> None:
        piece = self._piece
        for statement in body:
            for node in ast.walk(statement):
                if not isinstance(node, ast.Call):
                    continue
                name = _last_name(node.func)
                if self._call(node) & LOAD or (self._may_read and _SHAPING.search(name)):
                    piece.marks |= HANDLER
                piece.tried.add(name)

    def _may_be_silent(self, handler: ast.ExceptHandler) -> bool:
        if handler.type is not None and self._is_harmless(handler.type):
            return False
        todo: list[ast.AST] = list(handler.body)
        while todo:
            node = todo.pop()
            if isinstance(node, ast.Raise):
                return False
            if not isinstance(node, _Function):
                todo += ast.iter_child_nodes(node)
        return True

    def _is_bound(self, name: str) -> bool:
        if name not in self._bound:
            text = self._text
            # A pattern that begins with plain text is found many times faster.
            self._bound[name] = any(
                _BOUND.match(text, met.end())
                or "for" in text[text.rfind("\n", 0, met.start()) + 1 : met.start()]
                for met in re.finditer(rf"{re.escape(name)}\b", text)
            )
        return self._bound[name]

    def _is_harmless(self, node: ast.expr) -> bool:
        """Whether an exception surely does not mean "there but unreadable"."""
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(self._is_harmless(each) for each in node.elts)
        name = dotted(node)
        if name is None:
            return False
        if "." not in name or name.startswith(("self.", "cls.")):
            known = name in BUILTIN_ERRORS or name in self._imports
            if not known or self._is_bound(name):
                return False  # it may be bound to a tuple of exceptions
        last = self._qualified(name).rpartition(".")[2]
        return last not in HARMFUL and CORRUPT.search(last) is None


def _marked(pieces: list[Piece], text: str) -> list[Piece]:
    """The pieces that are to be looked at; none when they cannot lead to a finding."""
    every = 0
    for piece in pieces:
        every |= piece.marks
    published = every & PUBLISH and (every & TEMP or re.search(TEMP_WORD, text) is not None)
    if every & (WRITE | TEST) or published:
        # Any load may read back what is written.
        return [piece for piece in pieces if piece.marks]
    if not every & HANDLER:
        return []
    # Nothing is written, so a load matters only where a handler's function calls it.
    asked = _words_of(piece for piece in pieces if piece.marks & HANDLER)
    return [
        piece
        for piece in pieces
        if piece.marks & ~LOAD or (piece.marks & LOAD and not asked.isdisjoint(piece.defines))
    ]
