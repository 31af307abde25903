"""A function's code, seen by whoever edits it: parents, spans, rows, comments, indentation."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property

import libcst as cst

from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.names import dotted
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Edit, Position, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.layout import call_text, line_limit, reindent, width


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and everything below it, in the order of the file."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _bound_by(node: cst.CSTNode) -> set[str]:
    """The names that a `with` or an `except` binds."""
    names: list[cst.AsName | None] = []
    if isinstance(node, cst.With):
        names = [item.asname for item in node.items]
    elif isinstance(node, cst.ExceptHandler):
        names = [node.name]
    return {
        each.name.value for each in names if each is not None and isinstance(each.name, cst.Name)
    }


class Place:
    """One function of a module, or the module's own code, and the text that it stands in."""

    def __init__(self, facts: ModuleFacts, function: FunctionFacts) -> None:
        self.facts = facts
        self.function = function
        self.source = facts.source
        self.tree = facts.tree

    @cached_property
    def roots(self) -> list[cst.CSTNode]:
        """The function, or every parsed piece of the file for what stands outside of one."""
        if not self.function.is_module:
            return [self.function.node]
        return list(self.tree.roots)

    @cached_property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        found = {}
        stack: list[cst.CSTNode] = list(self.roots)
        while stack:
            node = stack.pop()
            for child in node.children:
                found[child] = node
                stack.append(child)
        return found

    def holds(self, node: cst.CSTNode) -> bool:
        return node in self.parents or node in self.roots

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        """The nearest statement around a node that has rows of its own.

        Raises:
            Refused: it shares its row with another (`if a: b`, `a; b`).
        """
        for above in self.ancestors(node):
            if isinstance(above, cst.SimpleStatementSuite):
                raise Refused("the statement shares its line with another one")
            if isinstance(above, cst.SimpleStatementLine):
                if len(above.body) > 1:
                    raise Refused("the statement shares its line with another one")
                return above
            if isinstance(above, cst.BaseCompoundStatement):
                return above
        raise Refused("the statement around it is not in sight")

    def line(self, node: cst.CSTNode) -> cst.SimpleStatementLine:
        """The simple statement of its own that a node is in.

        Raises:
            Refused: it is in another kind of statement, or shares its row.
        """
        found = self.statement(node)
        if not isinstance(found, cst.SimpleStatementLine) or not self.owns_its_rows(found.body[0]):
            raise Refused("the call is part of a larger statement")
        return found

    # --- text ---------------------------------------------------------------------

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands, with the parentheses around it."""
        inner = self.tree.span(node)
        lpar, rpar = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        if not (lpar and rpar) or isinstance(node, (cst.ClassDef, cst.ImportFrom, cst.With)):
            return inner
        return Span(self.tree.span(lpar[0]).start, self.tree.span(rpar[-1]).end)

    def text(self, node: cst.CSTNode) -> str:
        """The characters of a node with its parentheses; line ends are `\\n`."""
        return self.between(self.span(node).start, self.span(node).end)

    def between(self, start: Position, end: Position) -> str:
        return self.source.slice(Span(start, end)).replace("\r\n", "\n").replace("\r", "\n")

    def edit(self, node: cst.CSTNode, text: str) -> Edit:
        return Edit(self.span(node), text)

    @staticmethod
    def insert(position: Position, text: str) -> Edit:
        return Edit(Span(position, position), text)

    def indent(self, row: int) -> str:
        line = self.source.line(row)
        return line[: len(line) - len(line.lstrip(" \t\f"))].replace("\f", "")

    @property
    def unit(self) -> str:
        """One step of indentation."""
        body = getattr(self.function.node, "body", None)
        if isinstance(body, cst.IndentedBlock) and body.indent is not None:
            return body.indent
        return str(self.tree.module.default_indent)

    def laid_out(
        self,
        callee: str,
        arguments: Sequence[str | cst.Arg],
        span: Span,
        indent: str | None = None,
    ) -> str:
        """The text of a new call in the place of `span`, or below with another indentation.

        Raises:
            Refused: an argument cannot be moved to other columns.
        """
        source, start, end = self.source, span.start, span.end
        limit = line_limit(source)
        if start.row == end.row and width(source.line(start.row)) > limit:
            limit = 10_000  # too long before: how to break it is for its author to say
        before = start.column - 1 if indent is None else len(indent)
        indent = self.indent(start.row) if indent is None else indent
        texts = []
        for argument in arguments:
            if isinstance(argument, str):
                texts.append(argument)
                continue
            text = self.text(argument)
            if "\n" in text:
                if self.has_multiline_string(argument):
                    raise Refused("a string of several lines would have to be moved")
                old = self.indent(self.span(argument).start.row)
                text = reindent(text, old, indent + self.unit)
            texts.append(text)
            call = self.parents.get(argument)
            comma = call.args[-1].comma if isinstance(call, cst.Call) else None
            if call is not None and isinstance(comma, cst.Comma) and "\n" in self.text(call):
                limit = 0  # so one tells formatters to keep one argument a row
        after = width(source.line(end.row)[end.column - 1 :])
        return call_text(callee, texts, indent, self.unit, before, after, limit)

    def owns_its_rows(self, node: cst.CSTNode) -> bool:
        """Whether nothing but white space stands before the node on its first row."""
        start = self.span(node).start
        return not self.source.line(start.row)[: start.column - 1].strip(" \t\f")

    def first_comment(self, row: int) -> int:
        """The first of the comments right above a row, as deep as it; else `row`."""
        start = f"{self.indent(row)}#"
        while row > 1 and self.source.line(row - 1).startswith(start):
            row -= 1
        return row

    def end_of_row(self, row: int) -> Position:
        return Position(row, len(self.source.line(row)) + 1)

    def without_removal(self, path: str, within: Sequence[cst.CSTNode]) -> list[Edit]:
        """The edit that takes a call that removes a file out of one of some statements; none
        where there is no such call.

        Raises:
            Refused: there is more to the call.
        """
        for call in self.function.calls:
            given = call.receiver if call.method == "unlink" else None
            if self.facts.paths.call_name(call, self.function) in {"os.remove", "os.unlink"}:
                given = call.argument(0, "path")
            if (
                given is not None
                and any(each in within for each in self.ancestors(call.node))
                and self.text(given) == path
            ):
                return [self.without(call.node)]
        return []

    def without(self, removed: cst.Call) -> Edit:
        """The statement of a call goes, with the `if` around it when it is all of that."""
        statement: cst.CSTNode = self.statement(removed)
        if not isinstance(self.parents.get(removed), cst.Expr):
            raise Refused("the removal is part of a larger expression")
        body = self.parents[statement]
        around = self.parents.get(body)
        lines = list(body.body) if isinstance(body, (cst.IndentedBlock, cst.Module)) else []
        if len(lines) == 1:
            outer = self.parents.get(around) if around is not None else None
            if around is None or not self._asks_for_the_file(around):
                raise Refused("the removal is all that its block does")
            if len(getattr(outer, "body", ())) == 1 or isinstance(outer, (cst.If, cst.Else)):
                raise Refused("the removal is all that its block does")
            statement = around
        inner = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else statement
        span = self.tree.span(inner)
        # A comment above stays: it stands over the publishing call then.
        if any("#" in self.source.line(row) for row in range(span.start.row, span.end.row + 1)):
            raise Refused("a comment stands where the removal would go")
        return Edit(Span(Position(span.start.row, 1), Position(span.end.row + 1, 1)), "")

    @staticmethod
    def _asks_for_the_file(around: cst.CSTNode) -> bool:
        """Whether a statement does no more than to pass over a file that is not there."""
        text = cst.Module([]).code_for_node
        if isinstance(around, cst.If):
            asked = re.search(r"exists\(|is_?file\(", text(around.test))
            return around.orelse is None and asked is not None
        if isinstance(around, cst.With):
            return all("suppress(" in text(item.item) for item in around.items)
        return (
            isinstance(around, cst.Try)
            and around.orelse is None
            and around.finalbody is None
            and all(text(each.body).strip() == "pass" for each in around.handlers)
        )

    # --- comments and strings -----------------------------------------------------

    def comments(self, node: cst.CSTNode) -> list[cst.Comment]:
        return [each for each in walk(node) if isinstance(each, cst.Comment)]

    def has_multiline_string(self, node: cst.CSTNode) -> bool:
        """Whether indenting the node's rows would change what a string says."""
        return any(
            isinstance(each, (cst.SimpleString, cst.FormattedString))
            and self.tree.span(each).start.row != self.tree.span(each).end.row
            for each in walk(node)
        )

    # --- names --------------------------------------------------------------------

    def uses(self, name: str, within: cst.CSTNode | None = None) -> list[cst.Name]:
        """Every `name` of the function that is a variable, not an attribute or a keyword."""
        found = []
        roots = self.roots if within is None else [within]
        for node in (each for root in roots for each in walk(root)):
            if isinstance(node, cst.Name) and node.value == name:
                above = self.parents.get(node)
                if isinstance(above, cst.Attribute) and above.attr is node:
                    continue
                if isinstance(above, cst.Arg) and above.keyword is node:
                    continue
                found.append(node)
        return found

    def count(self, name: str) -> int:
        """How often the function uses a name; for the module's own code, how often the whole
        file does, whatever of it is parsed."""
        if not self.function.is_module:
            return len(self.uses(name))
        return sum(used == name for _, used in self._names_of_the_file)

    def is_used_outside(self, name: str, kind: type[cst.With | cst.ExceptHandler]) -> bool:
        """Whether a name is used outside of every `with` (or `except`) that binds it."""
        if self.function.is_module:
            binders = [
                rows
                for each, bound, rows in self._binders_of_the_file
                if (each, bound) == (kind, name)
            ]
            return any(
                used == name and not any(row in rows for rows in binders)
                for row, used in self._names_of_the_file
            )
        return any(
            not any(isinstance(a, kind) and name in _bound_by(a) for a in self.ancestors(use))
            for use in self.uses(name)
        )

    @cached_property
    def _file(self) -> ast.Module | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @cached_property
    def _names_of_the_file(self) -> list[tuple[int, str]]:
        if self._file is None:
            raise Refused("which names are used cannot be seen in syntax newer than this Python")
        return [
            (node.lineno, node.id) for node in ast.walk(self._file) if isinstance(node, ast.Name)
        ]

    @cached_property
    def _binders_of_the_file(self) -> list[tuple[type[cst.CSTNode], str, range]]:
        found: list[tuple[type[cst.CSTNode], str, range]] = []
        for node in ast.walk(self._file) if self._file is not None else ():
            if isinstance(node, (ast.With, ast.AsyncWith, ast.ExceptHandler)):
                rows = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if isinstance(node, ast.ExceptHandler):
                    found.append((cst.ExceptHandler, node.name or "", rows))
                    continue
                names = [item.optional_vars for item in node.items]
                found += [(cst.With, each.id, rows) for each in names if isinstance(each, ast.Name)]
        return found

    def fresh(self, *wanted: str) -> str:
        """The first of the names that the function does not use.

        Raises:
            Refused: all of them are taken.
        """
        for name in wanted:
            if not self.count(name):
                return name
        raise Refused(f"the name `{wanted[0]}` is taken")

    def is_called(self, node: cst.BaseExpression, *names: str) -> bool:
        """Whether an expression is a call of one of these functions, by qualified name."""
        return (
            isinstance(node, cst.Call)
            and self.facts.paths.call_name(node, self.function) in names
            and dotted(node.func) is not None
        )
