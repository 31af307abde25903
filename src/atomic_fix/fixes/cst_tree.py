"""LibCST's tree of one function, or of module-level statements, and the mapping between its nodes
and Python's. Facts and evidence use Python's tree. Reports and edits use LibCST's tree of one piece
of the file: a top-level function, a method of a top-level class, or the code outside of all
functions.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import CodeRange

from atomic_fix.facts import nodes
from atomic_fix.facts.tree import Tree
from atomic_fix.finding import Position, Span
from atomic_fix.parse import NotParsed
from atomic_fix.parse.concrete import parse, ranges

if TYPE_CHECKING:
    from atomic_fix.facts.module import ModuleFacts

_WINDOW = 200
"""The number of module-level statements before and after the requested one."""
_MOST_STATEMENTS = 2_000
"""If a module has more statements, only those in the window are parsed."""
_MOST_ROWS = 400
"""A module-level statement with more rows is left out if it is not the requested one."""

_MOST_BLANK_ROWS = 1_000
_BLANK_ROWS = 10
"""How many of them are kept next to a statement."""

# For each type of Python node, the corresponding LibCST types.
_STATEMENTS: dict[type[ast.AST], tuple[type[cst.CSTNode], ...]] = {
    ast.AnnAssign: (cst.AnnAssign,),
    ast.Assert: (cst.Assert,),
    ast.Assign: (cst.Assign,),
    ast.AsyncFor: (cst.For,),
    ast.AsyncFunctionDef: (cst.FunctionDef,),
    ast.AsyncWith: (cst.With,),
    ast.AugAssign: (cst.AugAssign,),
    ast.Break: (cst.Break,),
    ast.ClassDef: (cst.ClassDef,),
    ast.Continue: (cst.Continue,),
    ast.Delete: (cst.Del,),
    ast.ExceptHandler: (cst.ExceptHandler, cst.ExceptStarHandler),
    ast.Expr: (cst.Expr,),
    ast.For: (cst.For,),
    ast.FunctionDef: (cst.FunctionDef,),
    ast.Global: (cst.Global,),
    ast.If: (cst.If,),
    ast.Import: (cst.Import,),
    ast.ImportFrom: (cst.ImportFrom,),
    ast.Match: (cst.Match,),
    ast.Nonlocal: (cst.Nonlocal,),
    ast.Pass: (cst.Pass,),
    ast.Raise: (cst.Raise,),
    ast.Return: (cst.Return,),
    ast.Try: (cst.Try, cst.TryStar),
    ast.While: (cst.While,),
    ast.With: (cst.With,),
}
_EXPRESSIONS: dict[type[ast.AST], tuple[type[cst.CSTNode], ...]] = {
    ast.Attribute: (cst.Attribute,),
    ast.Await: (cst.Await,),
    ast.BinOp: (cst.BinaryOperation,),
    ast.BoolOp: (cst.BooleanOperation,),
    ast.Call: (cst.Call,),
    ast.Compare: (cst.Comparison,),
    ast.Constant: (
        *(cst.SimpleString, cst.ConcatenatedString, cst.Integer, cst.Float, cst.Imaginary),
        *(cst.Name, cst.Ellipsis),
    ),
    ast.Dict: (cst.Dict,),
    ast.DictComp: (cst.DictComp,),
    ast.GeneratorExp: (cst.GeneratorExp,),
    ast.IfExp: (cst.IfExp,),
    ast.JoinedStr: (cst.FormattedString, cst.ConcatenatedString),
    ast.Lambda: (cst.Lambda,),
    ast.List: (cst.List,),
    ast.ListComp: (cst.ListComp,),
    ast.Name: (cst.Name,),
    ast.NamedExpr: (cst.NamedExpr,),
    ast.Set: (cst.Set,),
    ast.SetComp: (cst.SetComp,),
    ast.Subscript: (cst.Subscript,),
    ast.Tuple: (cst.Tuple,),
    ast.UnaryOp: (cst.UnaryOperation,),
    ast.Yield: (cst.Yield,),
    ast.YieldFrom: (cst.Yield,),
}
# In one of the two trees, parentheses are part of these nodes.
_WITH_PARENTHESES = (ast.Tuple, ast.GeneratorExp)


# --- fast access to LibCST's nodes ---------------------------------------------------


def dotted(node: cst.CSTNode | None) -> str | None:
    """`a.b.c` for a chain of plain names, else None."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    parts.append(node.value)
    return ".".join(reversed(parts))


def code_of(node: cst.CSTNode) -> str:
    """The source code of a node."""
    return cst.Module([]).code_for_node(node)


class _Fields(cst.CSTVisitor):
    """Records the fields of one node in the order in which LibCST visits them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def on_visit(self, node: cst.CSTNode) -> bool:
        inside, self._inside = self._inside, True
        return not inside

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        self.found.append(attribute)


# By type of value: the fields of a node that LibCST visits, and the others, which only sometimes
# contain nodes; None for values that are not nodes.
_fields: dict[type, tuple[tuple[str, ...], tuple[str, ...]] | None] = {}


def _fields_of(value: object) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    kind = type(value)
    if kind not in _fields:
        _fields[kind] = None
        if isinstance(value, cst.CSTNode):
            visitor = _Fields()
            value.visit(visitor)
            visited = tuple(dict.fromkeys(visitor.found))
            others = {each.name for each in fields(value)} - {*visited}
            _fields[kind] = visited, tuple(others)
    return _fields[kind]


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The same as `node.children`, for which LibCST copies the node, which is much slower."""
    known = _fields_of(node)
    assert known is not None
    visited, others = known
    for name in others:
        value = getattr(node, name)
        if isinstance(value, (tuple, list)) or _fields_of(value) is not None:
            return [*node.children]
    found: list[cst.CSTNode] = []
    for name in visited:
        value = getattr(node, name)
        if isinstance(value, (tuple, list)):
            found += [each for each in value if _fields_of(each) is not None]
        elif value is not None and _fields_of(value) is not None:
            found.append(value)
    return found


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and everything below it, in the order of the file."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


# --- the piece of a file -------------------------------------------------------------


class CstTree:
    """LibCST's tree of a piece of a file.

    Args:
        tree: the tree of the whole file. text: the piece, preceded by rows that the parser needs.
        shift: how many rows of the file are above the first row of `text`; negative for more
            rows in the text than in the file.
        models: Python's nodes of the piece. without_functions: whether the bodies of functions are
        left out of the text.

    Raises:
        NotParsed, TooDeep: LibCST cannot parse it.
    """

    def __init__(
        self,
        tree: Tree,
        text: str,
        shift: int,
        ast_nodes: Sequence[ast.AST],
        *,
        without_functions: bool = False,
    ) -> None:
        self.source = tree.source
        self._tree = tree
        self._shift = shift
        self._models = ast_nodes
        self._without_functions = without_functions
        self._spans: dict[cst.CSTNode, Span] = {}
        try:
            self.module = parse(text)
        except cst.ParserSyntaxError as error:
            row = error.raw_line + shift
            raise NotParsed(f"LibCST cannot parse the code in line {row}") from error

    @cached_property
    def _ranges(self) -> Mapping[cst.CSTNode, CodeRange]:
        return ranges(self.module)

    def span(self, node: cst.CSTNode | ast.stmt | ast.expr | ast.ExceptHandler) -> Span:
        """The span in the file of a node of either tree."""
        if isinstance(node, ast.AST):
            return self._tree.span(node)
        known = self._spans.get(node)
        if known is None:
            found = self._ranges[node]
            start, end = found.start, found.end
            known = self._spans[node] = Span(
                Position(start.line + self._shift, start.column + 1),
                Position(end.line + self._shift, end.column + 1),
            )
        return known

    def row(self, node: cst.CSTNode | ast.stmt | ast.expr | ast.ExceptHandler) -> int:
        """The first row in the file of a node of either tree."""
        return node.lineno if isinstance(node, ast.AST) else self.span(node).start.row

    def text(self, node: cst.CSTNode | ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        """The source text of a node."""
        return self.source.slice(self.span(node))

    # --- one node, two trees ------------------------------------------------------

    def of(self, ast_node: ast.AST) -> cst.CSTNode | None:
        """LibCST's node for one of Python's; None if this piece does not contain it."""
        return self._pairs[0].get(ast_node)

    def ast_node(self, node: cst.CSTNode) -> ast.AST | None:
        """Python's node for one of LibCST's; None if there is none."""
        return self._pairs[1].get(node)

    @cached_property
    def _pairs(self) -> tuple[dict[ast.AST, cst.CSTNode], dict[cst.CSTNode, ast.AST]]:
        starts: dict[tuple[int, int], list[cst.CSTNode]] = {}
        for node in walk(self.module):
            if type(node) in _PAIRED:
                start = self._ranges[node].start
                starts.setdefault((start.line, start.column), []).append(node)
        ast_nodes = [each for root in self._models for each in self._nodes_of(root)]
        found: dict[ast.AST, cst.CSTNode] = {}
        for ast_node in ast_nodes:
            if (paired := self._pair(ast_node, starts)) is not None:
                found[ast_node] = paired
        for ast_node in reversed(ast_nodes):
            if isinstance(ast_node, _WITH_PARENTHESES) and ast_node not in found:
                self._pair_by_first(ast_node, found)
        return found, {node: ast_node for ast_node, node in found.items()}

    def _nodes_of(self, root: ast.AST) -> Iterator[ast.AST]:
        stack = [root]
        while stack:
            node = stack.pop()
            if self._without_functions and isinstance(node, nodes.FUNCTIONS):
                continue
            if not isinstance(node, ast.FormattedValue):
                yield node
            stack.extend(reversed(_paired_children(node)))

    def _pair(
        self, ast_node: ast.AST, starts: Mapping[tuple[int, int], list[cst.CSTNode]]
    ) -> cst.CSTNode | None:
        kind = type(ast_node)
        is_statement = kind in _STATEMENTS or kind.__name__ == "TryStar"
        kinds = _STATEMENTS.get(kind, _TRIES) if is_statement else _EXPRESSIONS.get(kind)
        if kinds is None:
            return None
        # LibCST's statements may end one row later.
        node: ast.expr = ast_node  # type: ignore[assignment]
        start = self._context(node.lineno, node.col_offset)
        for each in starts.get(start, ()):
            if type(each) in kinds:
                if is_statement:
                    return each
                end = self._ranges[each].end
                wanted = self._context(node.end_lineno or 0, node.end_col_offset or 0)
                if (end.line, end.column) == wanted:
                    return each
        return None

    def _context(self, row: int, column: int) -> tuple[int, int]:
        """Convert a position in Python's tree to LibCST's position in this piece."""
        context = self._tree.position(row, column)
        return context.row - self._shift, context.column - 1

    def _pair_by_first(self, ast_node: ast.AST, found: dict[ast.AST, cst.CSTNode]) -> None:
        """Found by its first part, since its parentheses are not part of LibCST's node."""
        inner: cst.CSTNode | None = next(
            (found[each] for each in nodes.children(ast_node) if each in found), None
        )
        while inner is not None:
            inner = self.parents.get(inner)
            if isinstance(inner, _EXPRESSIONS[type(ast_node)]):
                found[ast_node] = inner
                return

    @cached_property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        """The parent of each node."""
        found = {}
        stack: list[cst.CSTNode] = [self.module]
        while stack:
            node = stack.pop()
            for child in children(node):
                found[child] = node
                stack.append(child)
        return found


_TRIES = _STATEMENTS[ast.Try]
# Compared by exact type: LibCST's base classes are abstract, and `isinstance` is slow for those.
_PAIRED = frozenset(
    {kind for table in (_STATEMENTS, _EXPRESSIONS) for kinds in table.values() for kind in kinds}
)
_HOLDING_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def cst_around(facts: ModuleFacts, node: ast.AST) -> CstTree:
    """LibCST's tree of the piece that contains a node, parsed once.

    Raises:
        NotParsed, TooDeep: LibCST cannot parse it.
    """
    units = facts.cached("units", lambda: _Units(facts.tree))
    unit = units.of(node)
    return facts.cached(("code", unit), lambda: units.parse(unit))


class _Units:
    """The pieces of one file: functions, by their node, and windows of what is outside, by
    their number."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._source = tree.source
        self._rows = tree.source.lines
        self._functions: list[nodes.Function] = []
        """The nodes that are not inside another one."""
        stack: list[ast.AST] = [*tree.module.body]
        while stack:
            node = stack.pop()
            if isinstance(node, nodes.FUNCTIONS):
                self._functions.append(node)
            elif isinstance(node, _HOLDING_STATEMENTS):
                for name in ("body", "handlers", "cases", "orelse", "finalbody"):
                    stack += getattr(node, name, ())
        self._functions.sort(key=nodes.first_row)
        self._starts = [nodes.first_row(each) for each in self._functions]

    def of(self, node: ast.AST) -> nodes.Function | int:
        """The piece that contains a node."""
        row = node.lineno  # type: ignore[attr-defined]
        index = bisect_right(self._starts, row) - 1
        if index >= 0:
            function = self._functions[index]
            if row <= (function.end_lineno or row):
                return function
        index = max(0, bisect_right(self._rows_of_body, row) - 1)
        if self._tree.module.body and self._is_long(self._tree.module.body[index]):
            return -1 - index
        return index // _WINDOW if len(self._rows_of_body) > _MOST_STATEMENTS else 0

    @cached_property
    def _rows_of_body(self) -> list[int]:
        return [each.lineno for each in self._tree.module.body]

    @staticmethod
    def _is_long(statement: ast.stmt) -> bool:
        rows = (statement.end_lineno or statement.lineno) - statement.lineno
        return rows > _MOST_ROWS and not hasattr(statement, "body")

    def parse(self, unit: nodes.Function | int) -> CstTree:
        """LibCST's tree of a piece.

        Raises:
            NotParsed, TooDeep: LibCST cannot parse it.
        """
        if isinstance(unit, int):
            return self._outside(unit)
        first, last = nodes.first_row(unit), self._last_row(unit)
        # LibCST treats the first indentation as the default, and does not record it for blocks that
        # use it.
        above = ["if 1:", f"{self.indent}pass"]
        if self._source.indent(first):
            above.append("if 1:")
        text = "\n".join([*above, *self._rows[first - 1 : last]]) + "\n"
        return CstTree(self._tree, text, first - 1 - len(above), [unit])

    def _last_row(self, function: nodes.Function) -> int:
        """The last row of a function, with the comments below its last statement."""
        last = row = function.end_lineno or function.lineno
        while row < len(self._rows):
            line = self._rows[row].strip(" \t\f")
            row += 1
            if line.startswith("#") and len(self._source.indent(row)) > function.col_offset:
                last = row
            elif line:
                break
        return last

    @cached_property
    def indent(self) -> str:
        """The white space before the first indented block."""
        for statement in self._tree.module.body:
            for part in ("body", "handlers", "cases", "orelse", "finalbody"):
                for inner in getattr(statement, part, ())[:1]:
                    first = inner
                    if isinstance(inner, ast.ExceptHandler):
                        first = inner.body[0]
                    elif isinstance(inner, ast.match_case):
                        first = inner.pattern
                    row = nodes.first_row(first)
                    if row > statement.lineno and first.col_offset > 0:
                        blank = self._source.indent(row)
                        if blank:
                            return blank
        return "    "

    def _outside(self, unit: int) -> CstTree:
        """The module-level statements and those of classes, with the bodies of functions
        removed."""
        rows = [*self._rows]
        body = self._tree.module.body
        for function in self._functions:
            first = nodes.first_row(function)
            blank = self._source.indent(first)
            _leave_out(rows, first, function.end_lineno or first)
            rows[first - 1] = f"{blank}def {function.name}(): pass"
        wanted = -1 - unit if unit < 0 else None
        window = unit if wanted is None else wanted // _WINDOW
        kept = range(len(body))
        if len(body) > _MOST_STATEMENTS:
            kept = range((window - 1) * _WINDOW, (window + 2) * _WINDOW)
        ast_nodes: list[ast.AST] = []
        end = 0
        """The last row included so far."""
        for index, statement in enumerate(body):
            if isinstance(statement, nodes.FUNCTIONS):
                _fill(rows, end, nodes.first_row(statement))
                end = nodes.first_row(statement)
                continue
            is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
            if is_import or index == wanted or (index in kept and not self._is_long(statement)):
                ast_nodes.append(statement)
                _fill(rows, end, nodes.first_row(statement))
                end = statement.end_lineno or statement.lineno
                continue
            first, last = nodes.first_row(statement), statement.end_lineno or statement.lineno
            shares = index > 0 and (body[index - 1].end_lineno or 0) >= first
            shares |= index + 1 < len(body) and nodes.first_row(body[index + 1]) <= last
            if shares:
                end = last
            else:
                _leave_out(rows, first, last)
        text = "\n".join(rows) + "\n"
        return CstTree(self._tree, text, 0, ast_nodes, without_functions=True)


def _paired_children(node: ast.AST) -> list[ast.AST]:
    # In older Pythons, the text parts of a template string have no positions.
    if isinstance(node, ast.JoinedStr):
        return [each for each in node.values if isinstance(each, ast.FormattedValue)]
    if isinstance(node, ast.FormattedValue):
        inner = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
        return [node.value, *(each for each in inner if isinstance(each, ast.FormattedValue))]
    return nodes.children(node)


def _leave_out(rows: list[str], first: int, last: int) -> None:
    rows[first - 1 : last] = [""] * (last - first + 1)


def _fill(rows: list[str], above: int, below: int) -> None:
    """Replace runs of many blank rows between module-level statements by one string. LibCST creates
    a node for each blank row, and a file may consist mostly of those."""
    first, last = above + _BLANK_ROWS, below - 2 - _BLANK_ROWS
    if (
        above
        and last - first > _MOST_BLANK_ROWS
        and not any(map(str.strip, rows[first : last + 1]))
    ):
        rows[first] = rows[last] = "'''"
