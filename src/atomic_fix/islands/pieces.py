"""The facts' view of a module, of which LibCST parses only the pieces that are asked for.

Where the pass over a whole file fills lists and dictionaries, these fill themselves when
facts look something up: a function when its body is looked at, the callers of a name when
they are wanted, the statements that bind a name. What is looked up is the same as in the
whole file, in the same order.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import CodeRange

from atomic_fix.config import Config
from atomic_fix.facts import ModuleFacts, Tree, ranges
from atomic_fix.facts.scopes import (
    Binding,
    Call,
    ClassFacts,
    Collector,
    FunctionFacts,
    Scopes,
)
from atomic_fix.finding import Position, Span
from atomic_fix.islands import NotParsed, depth
from atomic_fix.islands.knife import IMPORTS, KEEP, LOAD, Class, Cut, Piece
from atomic_fix.islands.walk import Walk
from atomic_fix.source import Source

_LINE_END = re.compile(r"\r\n|\n|\r")

_Found = TypeVar("_Found")
# Orders of one row and the next are this far apart: more than there are places in a piece.
_STRIDE = 1 << 24


def facts_of(source: Source, cut: Cut, config: Config) -> ModuleFacts:
    """The facts of a file that was cut into pieces.

    The facts raise `NotParsed` when they ask for a piece that LibCST cannot parse.
    """
    tree = _PiecesTree(source, cut)
    facts = ModuleFacts(source, tree, config)
    # In the place where `ModuleFacts.scopes` would keep what it collects from a whole tree.
    facts.__dict__["scopes"] = _Pieces(cut, tree).scopes
    return facts


def parse(text: str) -> cst.Module:
    """LibCST's tree, each node in the place where the text has it.

    Raises:
        ParserSyntaxError: LibCST cannot parse it.
        NotParsed, TooDeep: see `depth.parse_module`.
    """
    try:
        return depth.parse_module(text)
    except cst.ParserSyntaxError as error:
        if "\t" not in text:
            raise
        # To LibCST, a block must begin with the white space of the block around it. What Python
        # takes is as deep with each tab as one space.
        try:
            return depth.parse_module(_without_tabs(text))
        except (SyntaxError, tokenize.TokenError, cst.ParserSyntaxError):
            raise error from None


def _without_tabs(text: str) -> str:
    """The text with each tab that a row begins with as one space."""
    rows = text.split("\n")
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            continue
        row, column = token.start
        if end < row <= len(rows):  # and not within a string, or behind the text
            line = rows[row - 1]
            rows[row - 1] = line[:column].replace("\t", " ") + line[column:]
        end = token.end[0]
    return "\n".join(rows)


class _PiecesTree(Tree):
    """Finds the piece that a node stands in, and its place in the file."""

    index: _Index
    _cut: Cut
    _spans: dict[cst.CSTNode, Span]

    def __init__(self, source: Source, cut: Cut) -> None:
        # `module` stays unset here: it is parsed when it is asked for.
        self.__dict__.update(source=source, _cut=cut, index=_Index(), _spans={})

    @property
    def roots(self) -> tuple[cst.Module, ...]:
        return tuple(parsed.module for parsed in self.index.parsed)

    @cached_property
    def module(self) -> cst.Module:
        """The module's own statements; the bodies of functions and classes are left out."""
        rows = [""] * (len(self.source.line_starts) + 1)
        for piece in self._cut.pieces:
            if piece.heading:
                rows[piece.start] = "class _: pass"
            elif piece.owner is None and piece.name:
                rows[piece.start] = "def _(): pass"
            elif piece.owner is None:
                size = piece.end - piece.start + 1
                rows[piece.start : piece.end + 1] = _LINE_END.split(piece.text)[:size]
        try:
            outline = _Parsed(parse("\n".join(rows[1:]) + "\n"), 0)
        except cst.ParserSyntaxError as error:
            raise NotParsed from error
        seen = set(map(id, outline.module.body))
        for line in outline.module.body:
            if isinstance(line, cst.SimpleStatementLine):
                seen.update(map(id, line.body))
        self.index.add(outline, seen)
        return outline.module.with_changes(default_indent=self._cut.indent)

    def span(self, node: cst.CSTNode) -> Span:
        found = self._spans.get(node)
        if found is None:
            found = self._spans[node] = self.index.find(node)
        return found


class _Index:
    """What was parsed, and which node stands where in it."""

    def __init__(self) -> None:
        self.parsed: list[_Parsed] = []
        self._by_node: dict[int, _Parsed] = {}
        self._last: tuple[_Parsed, ...] = ()

    def add(self, parsed: _Parsed, seen: set[int]) -> None:
        """File a piece with the identities of nodes in it."""
        self.parsed.append(parsed)
        self._by_node.update(dict.fromkeys(seen, parsed))

    def find(self, node: cst.CSTNode) -> Span:
        seen = self._by_node.get(id(node))
        # The walk leaves punctuation out, so what it has not seen is looked for everywhere,
        # first where something was found last.
        places = [seen] if seen is not None else [*self._last, *self.parsed]
        for parsed in places:
            found = parsed.find(node)
            if found is not None:
                self._last = (parsed,)
                return found
        raise KeyError(node)


class _Parsed:
    """A parsed piece."""

    def __init__(self, module: cst.Module, shift: int) -> None:
        self.module = module
        self.shift = shift

    @cached_property
    def _ranges(self) -> Mapping[cst.CSTNode, CodeRange]:
        return ranges(self.module)

    def find(self, node: cst.CSTNode) -> Span | None:
        found = self._ranges.get(node)
        if found is None:
            return None
        start, end = found.start, found.end
        return Span(
            Position(start.line + self.shift, start.column + 1),
            Position(end.line + self.shift, end.column + 1),
        )


class _Pieces:
    """Parses pieces and files what is found in them. `scopes` is what facts are given."""

    def __init__(self, cut: Cut, tree: _PiecesTree) -> None:
        self._tree = tree
        self._indent = cut.indent
        self._done: set[Piece] = set()
        self.pieces = cut.pieces
        self.module = FunctionFacts("", cst.Module([]), None, None, 0)
        self.module.bindings = _Bindings(self)
        self.calls_by_name: dict[str, list[Call]] = {}
        self.defining: dict[str, list[Piece]] = {}
        self.loose = [piece for piece in self.pieces if not piece.name]
        self.functions: dict[Piece, FunctionFacts] = {}
        self.nested: dict[Piece, list[FunctionFacts]] = {}
        self.classes: dict[Class | None, _Class] = {}
        self.class_pieces: dict[str, list[Piece | _Class]] = {}
        self.nested_classes: dict[Piece, dict[str, ClassFacts]] = {}
        for piece in self.pieces:
            if piece.heading:
                assert piece.owner is not None
                made = self.classes[piece.owner] = _Class(self, piece.owner)
                self.class_pieces.setdefault(made.name, []).append(made)
            elif piece.owner is not None:
                self.classes[piece.owner].members.append(piece)
            for name in dict.fromkeys(piece.defines):
                self.defining.setdefault(name, []).append(piece)
            for name in dict.fromkeys(piece.classes):
                self.class_pieces.setdefault(name, []).append(piece)
            if piece.name:
                self.functions[piece] = _Function(self, piece)
        self.scopes = _Scopes(self, cut)

    def load(self, piece: Piece) -> None:
        """Parse a piece, unless that was done before."""
        if piece in self._done:
            return
        self._done.add(piece)
        text = piece.text
        is_member = piece.owner is not None and not piece.heading
        if piece.heading:
            text = text.rstrip("\r\n") + "\n pass\n"
        elif is_member:
            text = "class _:\n" + text
        # LibCST takes the first indent for the usual one, and says nothing of it elsewhere.
        text = f"if 1:\n{self._indent}pass\n{text}"
        shift = piece.start - (4 if is_member else 3)
        try:
            parsed = _Parsed(parse(text), shift)
        except cst.ParserSyntaxError as error:
            raise NotParsed from error
        body: Sequence[cst.CSTNode] = parsed.module.body[1:]
        if is_member:
            made = parsed.module.body[1]
            assert isinstance(made, cst.ClassDef)
            body = made.body.body
        collector = _PieceCollector(self, piece)
        seen: set[int] = set()
        walk = Walk(collector, seen)
        for node in body:
            walk(node)
        self._tree.index.add(parsed, seen)
        self.nested[piece] = collector.scopes.functions[1:]
        self.nested_classes[piece] = collector.scopes.classes
        for name, calls in collector.scopes.callers.items():
            self.calls_by_name.setdefault(name, []).extend(calls)

    def forget(self) -> None:
        """Take apart what refers to itself in rings: to find those takes long (and most of
        the trees hang on them), and nothing needs them once the findings are there."""
        loaded = [self.functions[key] for key in self._done if key in self.functions]
        for function in chain([self.module], loaded, *self.nested.values()):
            for kind in (function.bindings, function.calls, function.handled):
                kind.clear()
        nested = (each.values() for each in self.nested_classes.values())
        for owner in chain[ClassFacts](self.classes.values(), *nested):
            owner.methods.clear()
            owner.attributes.clear()
        vars(self).clear()

    def functions_of(self, piece: Piece) -> list[FunctionFacts]:
        """The functions in a piece; it is parsed if there is more than its own one."""
        own = self.functions.get(piece)
        if own is not None and len(piece.defines) == 1:
            return [own]
        self.load(piece)
        return self.nested[piece]


class _PieceCollector(Collector):
    """The pass over one piece, filed under the functions and classes of the whole file."""

    def __init__(self, pieces: _Pieces, piece: Piece) -> None:
        super().__init__(cst.Module([]))
        self._pieces = pieces
        self._own = pieces.functions.get(piece)
        self.scopes.module = pieces.module
        self._functions = [pieces.module]
        self._order = piece.start * _STRIDE
        owner = pieces.classes.get(piece.owner)
        self._classes = [None] if owner is None or piece.heading else [None, owner]
        self._heading = owner if piece.heading else None

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        super().visit_FunctionDef(node)
        if self._own is not None and len(self._functions) == 2:
            # What stands for the function already becomes it.
            fresh, own = self._functions[-1], self._own
            for each in fields(FunctionFacts):
                setattr(own, each.name, getattr(fresh, each.name))
            self._functions[-1] = self.scopes.functions[-1] = own

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        if self._heading is not None:
            self._classes.append(self._heading)
            return
        super().visit_ClassDef(node)

    def visit_Import(self, node: cst.Import) -> bool:
        return False  # the imports of all pieces are known already

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return False


class _Function(FunctionFacts):
    """A function whose body is parsed when it is looked at."""

    __slots__ = ("_piece", "_pieces")

    def __init__(self, pieces: _Pieces, piece: Piece) -> None:
        # The other fields stay unset, so that `__getattr__` is asked for them.
        self._pieces = pieces
        self._piece = piece
        self.name = piece.name
        self.owner = pieces.classes.get(piece.owner)
        self.outer = pieces.module
        self.order = piece.start * _STRIDE + 1

    def may_call(self, names: frozenset[str]) -> bool:
        words = self._piece.words
        return not names.isdisjoint(words) or any(
            name in words and target.rpartition(".")[2] in names
            for name, target in self._pieces.scopes.imports.items()
        )

    @property
    def may_load(self) -> bool:
        return self._piece.marks != 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        self._pieces.load(self._piece)
        return object.__getattribute__(self, name)


class _Class(ClassFacts):
    """A class whose methods and attributes are parsed when they are looked up."""

    __slots__ = ("members",)

    def __init__(self, pieces: _Pieces, made_from: Class) -> None:
        self.name = made_from.name
        self.bases = made_from.bases
        self.members: list[Piece] = []
        """The pieces of its body."""
        self.methods = _Methods(pieces, self)
        self.attributes = _Attributes(pieces, self)


class _LookedUp(dict[str, _Found]):
    """A mapping that finds a value, and parses what it takes, when it is looked up."""

    def __init__(self, pieces: _Pieces) -> None:
        super().__init__()
        self._pieces = pieces

    def _find(self, name: str) -> _Found | None:
        raise NotImplementedError

    def __contains__(self, name: object) -> bool:
        return self._find(str(name)) is not None

    def __getitem__(self, name: str) -> _Found:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        found = self._find(name)
        return default if found is None else found


class _Methods(_LookedUp[FunctionFacts]):
    """Methods by name; of several of one name the first one counts."""

    def __init__(self, pieces: _Pieces, owner: _Class) -> None:
        super().__init__(pieces)
        self._owner = owner

    def _find(self, name: str) -> FunctionFacts | None:
        for piece in self._owner.members:
            if name not in piece.defines:
                continue
            if piece.name == name:
                return self._pieces.functions[piece]
            if not piece.name:  # a method under `if`, or in a class within the class
                for function in self._pieces.functions_of(piece):
                    if (
                        function.name == name
                        and function.owner is self._owner
                        and function.outer is self._pieces.module
                    ):
                        return function
        return None


class _Bindings(_LookedUp["list[Binding]"]):
    """Bindings of the module's own names."""

    def __init__(self, pieces: _Pieces) -> None:
        super().__init__(pieces)
        self._asked: set[str] = set()

    def _find(self, name: str) -> list[Binding] | None:
        if name not in self._asked:
            self._asked.add(name)
            for piece in self._binding(name):
                self._pieces.load(piece)
        found = dict.get(self, name)
        if found is not None:
            found.sort(key=lambda binding: binding.order)
        return found

    def _binding(self, name: str) -> Iterable[Piece]:
        """The pieces that may bind a name."""
        words = name.split(".")
        return (
            piece
            for piece in self._pieces.loose
            # A class's own names are its attributes.
            if piece.words.issuperset(words)
            and (piece.owner is None or len(words) > 1)
            and piece.may_bind(name)
        )


class _Attributes(_Bindings):
    """Bindings of a class's attributes, in its body and through `self` in its methods."""

    def __init__(self, pieces: _Pieces, owner: _Class) -> None:
        super().__init__(pieces)
        self._owner = owner

    def _binding(self, name: str) -> Iterable[Piece]:
        names = (f"self.{name}", f"cls.{name}")
        return (
            piece
            for piece in self._owner.members
            if name in piece.words and piece.may_bind(*names, *(() if piece.name else (name,)))
        )


class _Scopes(Scopes):
    """What facts look things up in."""

    __slots__ = ("_callers", "_loading", "_loose", "_named", "_pieces")

    def __init__(self, pieces: _Pieces, cut: Cut) -> None:
        self._pieces = pieces
        self._loading = [piece for piece in cut.marked if piece.only_loads]
        self._loose = False
        self.module = pieces.module
        self.imports = cut.imports
        self._named: dict[str, list[FunctionFacts]] = {}
        self._callers: dict[str, list[Call]] = {}
        self.functions = self._load([piece for piece in cut.marked if not piece.only_loads])

    def loading(self) -> list[FunctionFacts]:
        return self._load([piece for piece in self._loading if piece.marks & LOAD])

    def keeping(self) -> list[FunctionFacts]:
        return self._load([piece for piece in self._loading if piece.marks & KEEP])

    def forget(self) -> None:
        self._pieces.forget()

    def callers_of(self, name: str) -> Sequence[Call]:
        if name not in self._callers:
            self._callers[name] = [*self._callers_of(name)]
        return self._callers[name]

    def _callers_of(self, name: str) -> Iterator[Call]:
        called = re.compile(rf"(?<!def )\b{name}[\s\\)]*[(#]")
        for piece in self._pieces.pieces:
            if name not in piece.words or called.search(piece.text) is None:
                continue
            self._pieces.load(piece)
            low, high = piece.start * _STRIDE, (piece.end + 1) * _STRIDE
            calls = self._pieces.calls_by_name.get(name, ())
            found = [call for call in calls if low <= call.order < high]
            yield from sorted(found, key=lambda call: call.order)

    def functions_named(self, name: str) -> Sequence[FunctionFacts]:
        if name not in self._named:
            self._named[name] = [
                function
                for piece in self._pieces.defining.get(name, ())
                for function in self._pieces.functions_of(piece)
                if function.name == name
            ]
        return self._named[name]

    def class_named(self, name: str) -> ClassFacts | None:
        for place in self._pieces.class_pieces.get(name, ()):
            if isinstance(place, _Class):
                return place
            self._pieces.load(place)
            found = self._pieces.nested_classes[place].get(name)
            if found is not None:
                return found
        return None

    def _load(self, marked: list[Piece]) -> list[FunctionFacts]:
        pieces = self._pieces
        found: list[FunctionFacts] = []
        # What stands outside of functions is one body: if part of it is looked at, all is.
        if not self._loose and any(not piece.name for piece in marked):
            self._loose = True
            for piece in pieces.loose:
                # What a piece imports is known already.
                if not all(isinstance(each, IMPORTS) for each in piece.nodes):
                    pieces.load(piece)
            found.append(pieces.module)
        for piece in marked:
            pieces.load(piece)
            found += pieces.nested[piece]
        pieces.module.calls.sort(key=lambda call: call.order)
        return found
