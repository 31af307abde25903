"""Access to the code that a fix edits: parents, spans, rows, comments, indentation."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.config import Style
from atomic_fix.facts import nodes
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.scopes import Call, FunctionFacts
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.fixes import Refused, layout
from atomic_fix.fixes.cst_tree import CstTree, code_of, cst_around, walk
from atomic_fix.fixes.fitting import fit

__all__ = ["EditContext", "binds", "bound", "keyword", "last_name", "variables", "walk"]

_Result = TypeVar("_Result")
_AstNode = ast.expr | ast.stmt | ast.ExceptHandler
_AnyNode = cst.CSTNode | _AstNode
"""A node of either tree."""


def variables(root: cst.CSTNode) -> list[cst.Name]:
    """The names in some code, in order, without attributes and keywords."""
    nodes = list(walk(root))
    others = {each.attr for each in nodes if isinstance(each, cst.Attribute)}
    others |= {each.keyword for each in nodes if isinstance(each, cst.Arg) and each.keyword}
    return [each for each in nodes if isinstance(each, cst.Name) and each not in others]


def keyword(arg: cst.Arg) -> str:
    """The keyword of an argument; empty if it is positional."""
    return arg.keyword.value if arg.keyword is not None else ""


def last_name(node: cst.CSTNode | None) -> str:
    """`c` for a call of `a.b.c` or `a().c`; empty for anything else."""
    func = node.func if isinstance(node, cst.Call) else None
    if isinstance(func, cst.Attribute):
        func = func.attr
    return func.value if isinstance(func, cst.Name) else ""


def bound(node: cst.CSTNode) -> str:
    """The name that a `with` item or an `except` binds; empty for anything else."""
    found = getattr(node, "asname", None) or getattr(node, "name", None)
    name = getattr(found, "name", None)
    return name.value if isinstance(name, cst.Name) else ""


def binds(node: cst.CSTNode, name: str) -> bool:
    """Whether a `with` or an `except` binds a name."""
    return any(bound(each) == name for each in (node, *getattr(node, "items", ())))


def _bindings(nodes_in: Iterable[ast.AST]) -> dict[str, set[str]]:
    """The qualified names to which imports bind the names of a module or function, in the given
    code. An empty text stands for any other binding."""
    found: dict[str, set[str]] = {}
    stack = list(nodes_in)
    while stack:
        node = stack.pop()
        names: list[tuple[str, str]] = []
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names.append((alias.asname or top, alias.name if alias.asname else top))
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (f"{node.module}." if node.module else "")
            names += [(each.asname or each.name, module + each.name) for each in node.names]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append((node.name, ""))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.append((node.id, ""))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.append((node.name, ""))
        elif isinstance(node, ast.arg):
            names.append((node.arg, ""))
        for name, target in names:
            found.setdefault(name, set()).add(target)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            # Names declared global there are bound here.
            global_statements = [
                each.names for each in ast.walk(node) if isinstance(each, ast.Global)
            ]
            for name in {name for names_ in global_statements for name in names_}:
                found.setdefault(name, set()).add("")
            continue
        stack += ast.iter_child_nodes(node)
    return found


def _replaced(statements: Iterable[ast.AST], last: str) -> set[str]:
    """The modules and classes on which statements set an attribute of this name, `json.dump = ...`;
    for a builtin, also the name itself."""
    found = set[str]()
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if node.attr == last and isinstance(node.value, ast.Name):
                found |= {node.value.id, last} if node.value.id == "builtins" else {node.value.id}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr":
            given = node.args[:2]
            if len(given) == 2 and isinstance(given[1], ast.Constant) and given[1].value == last:
                name = getattr(given[0], "id", "")
                found |= {name, last} if name == "builtins" else {name}
    return found


# Modules of the standard library with an `open` of their own.
_WITH_OPEN = frozenset(
    {
        *("aifc", "bz2", "codecs", "dbm", "gzip", "lzma", "os", "posix", "shelve", "sunau"),
        *("tarfile", "tokenize", "wave", "webbrowser"),
    }
)


def _starred(statements: Iterable[ast.AST]) -> set[str]:
    """Builtins that an `import *` hides."""
    modules = {
        (node.module or "").partition(".")[0]
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and not node.level
    }
    return set() if modules.isdisjoint(apis.MODULES_WITH_OPEN) else {"open"}


class _LookupCache:
    """Results shared by the fixes in one piece of code."""

    def __init__(self) -> None:
        self.uses: dict[cst.CSTNode, dict[str, list[cst.Name]]] = {}
        self.used_outside: dict[str, bool] = {}
        self.removals: list[tuple[Call, ast.expr]] | None = None
        """The calls that remove a file, with their argument."""


class EditContext:
    """One function of a module, or the module-level code, with its text.

    Args:
        first: the nodes that a fix may change, as far as known: its imports must be above them.
        LibCST parses the piece of the file that contains the first one.
    """

    def __init__(
        self, facts: ModuleFacts, function: FunctionFacts, first: Sequence[_AstNode] = ()
    ) -> None:
        self.facts = facts
        self.function = function
        self.first = first
        self.last_row = 0
        """The row that imports must be above, once computed."""
        self.source = facts.source
        self.added: list[Edit] = []
        """The imports that the fix needs."""
        self.applicability = Applicability.SAFE
        self.note = ""

    def mark_unsafe(self, note: str) -> None:
        """Makes the fix unsafe, for a reason."""
        self.applicability = Applicability.UNSAFE
        self.note = note

    def fix(self, title: str, edits: Iterable[Edit]) -> Fix:
        """The fix with these edits and the imports that they need, within the line length."""
        fitted = fit(self.source, list(dict.fromkeys(edits)), self.unit, self.limit, self.style)
        whole = tuple(dict.fromkeys([*self.added, *fitted]))
        return Fix(title, self.applicability, whole, self.note)

    @property
    def style(self) -> Style:
        """How the project lays out its code."""
        return self.facts.config.style

    @cached_property
    def limit(self) -> int:
        """The line length, in characters."""
        return layout.line_limit(self.source, self.style)

    @cached_property
    def tree(self) -> CstTree:
        """LibCST's tree of the function, or of the code outside of functions around the node.

        Raises:
            NotParsed, TooDeep: LibCST cannot parse it.
            Refused: it is unknown where in the module the code is.
        """
        around: ast.AST = self.function.node
        if self.function.is_module:
            if not self.first:
                raise Refused("the place in the module cannot be found")
            around = self.first[0]
        return cst_around(self.facts, around)

    def cst_node(self, ast_node: ast.AST) -> cst.CSTNode:
        """LibCST's node for one of Python's.

        Raises:
            Refused: there is none, because it is in a template string or elsewhere in the file.
        """
        found = self.tree.of(ast_node)
        if found is None:
            raise Refused("the surrounding code cannot be matched to the change")
        return found

    def ast_node(self, node: cst.CSTNode) -> ast.AST | None:
        """Python's node for one of LibCST's."""
        return self.tree.ast_node(node)

    @cached_property
    def roots(self) -> list[cst.CSTNode]:
        """The function, or the module for code outside of functions."""
        return [self.tree.module if self.function.is_module else self.cst_node(self.function.node)]

    @cached_property
    def _lookups(self) -> _LookupCache:
        return self.cached(("around", self.function), _LookupCache)

    @property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        return self.tree.parents

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        parents, root = self.parents, self.roots[0]
        while node is not root and node in parents:
            node = parents[node]
            yield node

    @cached_property
    def _ast_parents(self) -> dict[ast.AST, ast.AST]:
        return nodes.parents_in(self.function.node)

    def parent(self, ast_node: ast.AST) -> ast.AST | None:
        """The parent of one of Python's nodes, within the function."""
        return self._ast_parents.get(ast_node)

    def contains(self, node: ast.AST) -> bool:
        """Whether the function contains one of Python's nodes."""
        return node in self._ast_parents

    def ast_ancestors(self, ast_node: ast.AST) -> Iterator[ast.AST]:
        """The ancestors of one of Python's nodes, within the function, the nearest first."""
        while ast_node in self._ast_parents:
            ast_node = self._ast_parents[ast_node]
            yield ast_node

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        """The nearest statement around a node that has rows of its own.

        Raises:
            Refused: it shares its row with another (`if a: b`, `a; b`).
        """
        for above in self.ancestors(node):
            if isinstance(above, cst.SimpleStatementSuite) or (
                isinstance(above, cst.SimpleStatementLine) and len(above.body) > 1
            ):
                raise Refused("the line holds more than one statement")
            if isinstance(above, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
                return above
        raise Refused("the surrounding statement cannot be found")

    def simple_statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine:
        """The simple statement on its own row that contains a node.

        Raises:
            Refused: it is in another kind of statement, or shares its row.
        """
        found = self.statement(node)
        if not isinstance(found, cst.SimpleStatementLine) or not self.owns_its_rows(found.body[0]):
            raise Refused("the call is part of a larger statement")
        return found

    def siblings(self, statement: cst.CSTNode) -> tuple[list[cst.CSTNode], list[cst.CSTNode]]:
        """The statements of the same block before and after one."""
        lines = list(self.parents[statement].body)  # type: ignore[attr-defined]
        index = lines.index(statement)
        return lines[:index], lines[index + 1 :]

    def is_statement(self, node: cst.CSTNode) -> bool:
        """Whether the result of a call is not used."""
        return isinstance(self.parents.get(node), cst.Expr)

    def imports(self, *packages: str) -> bool:
        """Whether the module imports one of these packages, or from it."""
        imported = self.facts.scopes.imports.values()
        return any(target.partition(".")[0] in packages for target in imported)

    def called(self, node: Call | ast.AST | cst.CSTNode | None) -> str:
        """The qualified name of the function that a call calls; empty if it has none or is not a
        call."""
        if isinstance(node, cst.CSTNode):
            node = self.ast_node(node)
        if not isinstance(node, (Call, ast.Call)):
            return ""
        function = node.function if isinstance(node, Call) else self.function
        return self.facts.paths.call_name(node, function).full

    def is_unshadowed(self, func: ast.expr | cst.BaseExpression) -> bool:
        """Whether a name always refers to what its import says: it is bound once and not
        replaced."""
        ast_node = self.ast_node(func) if isinstance(func, cst.CSTNode) else func
        head, _, rest = (nodes.dotted(ast_node) or "").partition(".")
        qualified = self.facts.paths.qualified(f"{head}.{rest}" if rest else head, self.function)
        if not qualified.full:
            return False
        wanted = qualified.full.removesuffix(f".{rest}") if rest else qualified.full
        around = [] if ast_node is None else self.enclosing_definitions(ast_node)
        scopes = [each for each in around if isinstance(each, nodes.FUNCTIONS)]
        inner = next((b for b in map(self._bound_in, reversed(scopes)) if head in b), None)
        found = self.origins(head) if inner is None else inner[head]
        last = rest.rpartition(".")[2] or head
        # Most files have neither, and walking through them is expensive.
        text = self.source.text
        set_somewhere = self.search_source(rf"\.{last}\b[^\n]*=") or "setattr" in text
        if set_somewhere and head in self._replaced(last):
            return False
        if not found:
            hidden = "import *" in text and head in self._starred
            return wanted == f"builtins.{head}" and not hidden
        return found == {wanted}

    def _bound_in(self, scope: ast.AST) -> dict[str, set[str]]:
        return self.cached(("bound", scope), lambda: _bindings(ast.iter_child_nodes(scope)))

    def _replaced(self, last: str) -> set[str]:
        statements = self.facts.statements
        return self.cached(("replaced", last), lambda: _replaced(statements.naming(last), last))

    @property
    def _starred(self) -> set[str]:
        statements = self.facts.statements
        return self.cached("starred", lambda: _starred(statements.naming("import")))

    def cached(self, key: object, work: Callable[[], _Result]) -> _Result:
        """What `work` returns, computed once for each key and file."""
        return self.facts.cached(key, work)

    def search_source(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        """The first match of a pattern in the text of the file, cached since many fixes need it."""
        return self.cached(("found", pattern), lambda: re.search(pattern, self.source.text))

    def enclosing_definitions(self, node: ast.AST) -> list[ast.ClassDef | nodes.Function]:
        """The classes and functions around one of Python's nodes, the outermost first."""
        return self.facts.statements.enclosing(node)

    def origins(self, name: str) -> set[str]:
        """The bindings of a module-level name: the qualified names of its imports, and an empty
        text for any other binding."""
        statements = self.facts.statements
        bound = self.cached(("origins", name), lambda: _bindings(statements.naming(name)))
        return bound.get(name, set())

    # --- text ---------------------------------------------------------------------

    def span(self, node: _AnyNode) -> Span:
        """The span of a node; for LibCST's nodes, including parentheses."""
        if isinstance(node, ast.AST):
            return self.facts.tree.span(node)
        inner = self.tree.span(node)
        lpar, rpar = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        if not (lpar and rpar) or isinstance(node, (cst.ClassDef, cst.ImportFrom, cst.With)):
            return inner
        return Span(self.tree.span(lpar[0]).start, self.tree.span(rpar[-1]).end)

    def text(self, node: _AnyNode) -> str:
        """The characters of a node, of LibCST's with its parentheses; line ends are `\\n`."""
        return self.source.slice(self.span(node)).replace("\r\n", "\n").replace("\r", "\n")

    def one_line_text(self, node: _AnyNode) -> str:
        """The source text on one row, unless something in it requires several."""
        return layout.joined(self.text(node), self.style)

    def edit(self, node: _AnyNode, text: str) -> Edit:
        return Edit(self.span(node), text)

    @staticmethod
    def insert(position: Position, text: str) -> Edit:
        return Edit(Span(position, position), text)

    def indent(self, row: int) -> str:
        return self.source.indent(row)

    @property
    def unit(self) -> str:
        """One step of indentation."""
        node = self.function.node
        if not isinstance(node, ast.Module):
            code = self.cst_node(node)
            body = code.body if isinstance(code, cst.FunctionDef) else None
            if isinstance(body, cst.IndentedBlock) and body.indent is not None:
                return body.indent
        return str(self.tree.module.default_indent)

    def format_call(
        self,
        callee: str,
        arguments: Sequence[str | cst.Arg],
        span: Span,
        indent: str | None = None,
        end: str = "",
    ) -> str:
        """The text of a new call to replace `span`, or to go below it with another indentation,
        with the end of its last row: on one row if that fits, else with all arguments on a row of
        their own, else one argument per row, as `ruff format` and black do.

        Raises:
            Refused: an argument cannot be moved to other columns.
        """
        source, start = self.source, span.start
        limit = self.limit
        if (
            not self.style.line_length
            and start.row == span.end.row
            and layout.width(source.line(start.row)) > limit
        ):
            limit = 10_000  # it was too long before, so its author decides how to break it
        before = start.column - 1 if indent is None else len(indent)
        after = len(end) or layout.width(source.line(span.end.row)[span.end.column - 1 :])
        indent = self.indent(start.row) if indent is None else indent
        inner = f"\n{indent}{self.unit}"
        one_a_row = False
        texts = []
        for argument in arguments:
            if isinstance(argument, str):
                texts.append(argument)
                continue
            text = self.one_line_text(argument)
            if "\n" in text:
                if self.has_multiline_string(argument):
                    raise Refused("a multi-line string would have to be moved")
                text = text.replace(f"\n{self.indent(self.span(argument).start.row)}", inner)
                one_a_row = True
            texts.append(text)
            call = self.parents.get(argument)
            if (
                self.style.keeps_trailing_commas
                and isinstance(call, cst.Call)
                and isinstance(call.args[-1].comma, cst.Comma)
                and "\n" in self.text(call)
            ):
                one_a_row = True  # the comma makes formatters keep this layout
        flat = ", ".join(texts)
        rows = "".join(f"{inner}{text}," for text in texts)
        if not one_a_row:
            if before + len(f"{callee}({flat})") + after <= limit:
                return f"{callee}({flat}){end}"
            starred = any(text.startswith("*") for text in texts)
            if not starred and len(inner) - 1 + len(flat) <= limit:
                rows = inner + flat
        return f"{callee}({rows}\n{indent}){end}"

    def owns_its_rows(self, node: cst.CSTNode) -> bool:
        """Whether only white space precedes the node on its first row."""
        start = self.span(node).start
        return not self.source.line(start.row)[: start.column - 1].strip(" \t\f")

    def first_comment(self, row: int) -> int:
        """The row of the first comment directly above a row with the same indentation; else
        `row`."""
        start = f"{self.indent(row)}#"
        while row > 1 and self.source.line(row - 1).startswith(start):
            row -= 1
        return row

    def end_of_row(self, row: int) -> Position:
        return Position(row, len(self.source.line(row)) + 1)

    def position_below(self, node: cst.CSTNode) -> Position:
        """The end of the last row of a node."""
        return self.end_of_row(self.tree.span(node).end.row)

    def removal_edits(self, path: str, within: Sequence[cst.CSTNode]) -> list[Edit]:
        """The edit that deletes, from one of these statements, a call that removes a file; none if
        there is no such call.

        Raises:
            Refused: the call does more than that.
        """
        around = self._lookups
        if around.removals is None:
            removers = self.cached("removers", self._removers)
            around.removals = []
            for call in self.function.calls:
                given = call.receiver if call.method == "unlink" else None
                if call in removers:
                    given = call.argument(0, "path")
                if given is not None:
                    around.removals.append((call, given))
        for call, given in around.removals:
            code = self.tree.of(call.node)
            if (
                isinstance(code, cst.Call)
                and any(each in within for each in self.ancestors(code))
                and self.text(given) == path
            ):
                return [self.removal_edit(code)]
        return []

    def _removers(self) -> set[Call]:
        """The calls in the file that remove their argument."""
        return {call for call, _ in self.facts.sites.calls_of(["os.remove", "os.unlink"])}

    def removal_edit(self, removed: cst.Call) -> Edit:
        """Delete the statement of a call, together with an `if` that contains nothing else."""
        statement: cst.CSTNode = self.statement(removed)
        if not self.is_statement(removed):
            raise Refused("the removal is part of a larger expression")
        if self.siblings(statement) == ([], []):
            around = self.parents.get(self.parents[statement], statement)
            outer = self.parents.get(around)
            if (
                not self._asks_for_the_file(around)
                or len(getattr(outer, "body", ())) == 1
                or isinstance(outer, (cst.If, cst.Else))
            ):
                raise Refused("the removal is all that its block does")
            statement = around
        inner = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else statement
        span = self.tree.span(inner)
        # A comment above is kept: it is then above the publishing call.
        if any("#" in self.source.line(row) for row in range(span.start.row, span.end.row + 1)):
            raise Refused("there is a comment where the removal would go")
        return Edit(Span(Position(span.start.row, 1), Position(span.end.row + 1, 1)), "")

    @staticmethod
    def _asks_for_the_file(around: cst.CSTNode) -> bool:
        """Whether a statement only ignores a missing file."""
        if isinstance(around, cst.If):
            asked = re.search(r"exists\(|is_?file\(", code_of(around.test))
            return around.orelse is None and asked is not None
        if isinstance(around, cst.With):
            return all("suppress(" in code_of(item.item) for item in around.items)
        return (
            isinstance(around, cst.Try)
            and around.orelse is None
            and around.finalbody is None
            and all(code_of(each.body).strip() == "pass" for each in around.handlers)
        )

    # --- comments and strings -----------------------------------------------------

    def comments(self, node: cst.CSTNode) -> list[cst.Comment]:
        return [each for each in walk(node) if isinstance(each, cst.Comment)]

    def has_multiline_string(self, node: cst.CSTNode) -> bool:
        """Whether indenting the node's rows would change the value of a string."""
        return any(
            isinstance(each, (cst.SimpleString, cst.FormattedString)) and "\n" in self.text(each)
            for each in walk(node)
        )

    # --- names --------------------------------------------------------------------

    def uses(self, name: str, within: cst.CSTNode | None = None) -> list[cst.Name]:
        """Every occurrence of `name` in the function as a variable, not as an attribute or
        keyword."""
        root = self.roots[0] if within is None else within
        known = self._lookups.uses
        if root not in known:
            found = known[root] = {}
            for each in variables(root):
                found.setdefault(each.value, []).append(each)
        return list(known[root].get(name, ()))

    def _named(self, name: str) -> Sequence[ast.AST]:
        """The nodes in the function that name something; for module-level code, those in the whole
        file."""
        root = self.function.node
        if self.function.is_module:
            found = self.facts.statements.naming
            return self.cached(("named", name), lambda: _names_in(found(name)).get(name, ()))
        return self.cached(("names", root), lambda: _names_in([root])).get(name, ())

    def count(self, name: str) -> int:
        """How often the function uses a name; for module-level code, how often the whole file
        does."""
        return len(self._named(name))

    def is_used_outside(self, name: str) -> bool:
        """Whether a name is used outside of every `with` and `except` that binds it."""
        known = self._lookups.used_outside
        if name not in known:
            known[name] = any(
                not any(_binds(above, name) for above in self.ast_ancestors(use))
                for use in self._named(name)
            )
        return known[name]

    def unused_name(self, *wanted: str) -> str:
        """The first of the names that the function does not use.

        Raises:
            Refused: all of them are taken.
        """
        for name in wanted:
            if not self.count(name):
                return name
        raise Refused(f"the name `{wanted[0]}` is already used")


def _names_in(roots: Iterable[ast.AST]) -> dict[str, list[ast.AST]]:
    """The nodes that name something, by name, without the names of errors in `except`."""
    found: dict[str, list[ast.AST]] = {}
    for node in (node for root in roots for node in nodes.walk(root)):
        names: tuple[str | None, ...] = ()
        match node:
            case ast.Name():
                names = (node.id,)
            case ast.arg():
                names = (node.arg,)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = (node.name,)
            case ast.Global() | ast.Nonlocal():
                names = tuple(node.names)
            case ast.alias():
                names = (node.asname or node.name.partition(".")[0],)
            case ast.MatchAs() | ast.MatchStar():
                names = (node.name,)
            case ast.MatchMapping():
                names = (node.rest,)
        for name in names:
            if name is not None:
                found.setdefault(name, []).append(node)
    return found


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a `with` or an `except` binds a name."""
    if isinstance(node, ast.ExceptHandler):
        return node.name == name
    return isinstance(node, nodes.WITHS) and any(
        isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name
        for item in node.items
    )
