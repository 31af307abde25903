"""Finds an expression for the handler that gives the path of the file that could not be loaded."""

import ast
import copy
from collections.abc import Sequence

from atomic_fix.catalog.calls import CHANGING_THE_NAME, RETURNING_A_PATH, RETURNING_A_TEXT
from atomic_fix.catalog.errors import PARSER_ERRORS
from atomic_fix.catalog.words import PATH_WORDS
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import (
    arguments,
    called_name,
    code_of,
    dotted,
    of_kind,
    string,
    walk,
)
from atomic_fix.facts.scopes import BindingKind, BlockKind, Call, EnclosingBlock, FunctionFacts
from atomic_fix.facts.sites import LoadSite
from atomic_fix.facts.swallowing import Swallow, loads_tried
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext

_NAMED = (ast.Name, ast.Attribute, ast.Call)
_NOT_PLAIN = (
    *(ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def load_path(context: EditContext, swallow: Swallow) -> str:
    """The expression. It is valid in the handler, and evaluates to the path without raising.

    Raises:
        Refused: there is none, or more than one file is loaded.
    """
    return _LoadPath(context, swallow).text()


class _LoadPath:
    """Searches for the expression. Each step may raise `Refused`."""

    def __init__(self, context: EditContext, swallow: Swallow) -> None:
        self._context = context
        self._facts = context.facts
        self._function = swallow.function
        self._region = swallow.region
        self._swallow = swallow
        self._texts: dict[ast.expr, str] = {}
        """The text of composed expressions."""

    def text(self) -> str:
        load = self._swallow.load
        self._is_the_only_one()
        node = load.path_node
        if node is None:
            raise Refused("the path of the file cannot be determined")
        if not self._context.contains(node):
            node = self._seen_from_here(node, load.function)
        return self._evaluable(node, 3)

    # --- which file -----------------------------------------------------------------

    def _is_the_only_one(self) -> None:
        """Refuses if the error may come from another file."""
        load = self._swallow.load
        only_parsers = self._only_parsers_raise
        for other in loads_tried(self._facts.sites, self._region):
            if other is load or (other.raw and only_parsers):
                continue
            if not _is_same_file(load, other):
                raise Refused("one `try` loads several files")
        if not load.raw and load.function is self._function:
            text = load.call.argument(0)
            name = dotted(text) if text is not None else None
            found = self._facts.paths.bindings(name, self._function, load.order) if name else []
            sources = {
                origin[0].expr
                for each in found
                if (origin := self._facts.sites.handles.origin(each.value, load.call.at(each)))
            }
            if len(sources) > 1:
                raise Refused("it is unknown which of several files was read")

    @property
    def _only_parsers_raise(self) -> bool:
        """Whether reading the bytes or text of a file never raises these errors."""
        return not self._swallow.broad and PARSER_ERRORS.issuperset(self._swallow.errors)

    def _is_tried(self, order: int) -> bool:
        return self._region.order < order < self._region.body_end

    # --- from another function ------------------------------------------------------

    def _seen_from_here(self, node: ast.expr, home: FunctionFacts) -> ast.expr:
        """The expression in this function for `node` in another function."""
        function = self._function
        tried = [
            (call, callee)
            for call in function.calls
            if self._is_tried(call.order)
            for callee in self._facts.paths.callees(call.node, function)
        ]
        tried.sort(key=lambda pair: pair[1] is not home)
        name = dotted(node) or ""
        for call, callee in tried:
            if callee.parameter(name) is not None:
                given = call.argument(callee.parameter_position(name), name)
                if given is not None:
                    return given
        if tried and tried[0][1] is home and home is not function:
            given = self._as_called(node, home, tried[0][0])
            if given is not None:
                return given
        for each in of_kind(node, ast.Name):
            is_self = each.id == "self" and function.parameter("self") is not None
            same_class = home.owner is function.owner or home is function
            if not (is_self and same_class) and not self._is_constant(each.id, home):
                raise Refused("the handler has no access to the path")
        return node

    def _is_constant(self, name: str, home: FunctionFacts) -> bool:
        """Whether a name means the same in a function as at module level."""
        scopes = self._facts.scopes
        return (
            (name in scopes.module.bindings or name in scopes.imports)
            and name not in home.bindings
            and home.parameter(name) is None
        )

    def _as_called(self, node: ast.expr, home: FunctionFacts, call: Call) -> ast.expr | None:
        """A local path of a called function, built from its arguments."""
        local = home.bindings.get(dotted(node) or "", ())
        if len(local) == 1 and local[0].is_assigned:
            node = local[0].value
        if not self._is_plain(node):
            return None
        in_strings = {each for text in of_kind(node, ast.JoinedStr) for each in walk(text)}
        taken: dict[ast.Name, ast.expr] = {}
        for each in of_kind(node, ast.Name):
            name = each.id
            if self._is_constant(name, home):
                continue
            given = call.argument(home.parameter_position(name), name)
            if (
                home.parameter(name) is None
                or given is None
                or not (isinstance(given, _NAMED) or string(given) is not None)
                or (each in in_strings and dotted(given) is None)
                or not self._is_plain(given)
            ):
                return None
            taken[each] = given
        return self._with_taken(node, taken)

    def _with_taken(self, node: ast.expr, taken: dict[ast.Name, ast.expr]) -> ast.expr | None:
        """An expression with some of its names replaced; None if that is impossible."""
        tree = self._facts.tree
        start = tree.source.offset(tree.span(node).start)
        text = tree.text(node)
        for name in sorted(taken, key=lambda each: (each.lineno, each.col_offset), reverse=True):
            span = tree.span(name)
            first, last = (tree.source.offset(each) - start for each in (span.start, span.end))
            text = text[:first] + tree.text(taken[name]) + text[last:]
        memo: dict[int, ast.expr] = {id(name): given for name, given in taken.items()}
        made = copy.deepcopy(node, memo)
        try:
            written = ast.parse(text, mode="eval").body
        except SyntaxError:
            return None
        if ast.dump(written) != ast.dump(made):
            return None  # before 3.12, positions of names in f-strings are not reliable
        self._texts[made] = text
        return made

    # --- in the handler -------------------------------------------------------------

    def _evaluable(self, node: ast.expr, depth: int) -> str:
        function, order = self._function, self._region.order
        if depth == 0 or not self._is_plain(node):
            raise Refused("the path cannot be repeated in the handler")
        for each in of_kind(node, ast.Name):
            known = function.bindings.get(each.id, ())
            if any(isinstance(b.node, ast.comprehension) for b in known):
                raise Refused("the handler has no access to the path")
            inside = [b for b in known if self._is_tried(b.order)]
            if inside:
                binding = inside[0]
                if (
                    each is node
                    and len(inside) == 1
                    and binding.is_assigned
                    and binding.order < self._swallow.load.order
                ):
                    return self._evaluable(binding.value, depth - 1)
                raise Refused("the path is assigned within the `try`")
            before = [b for b in known if b.order < order]
            if any(
                b.order > self._read_at
                for b in before
                if b.kind is not BindingKind.FOR or b.unpacked
            ):
                raise Refused("the path is reassigned before the handler")
            if known and function.parameter(each.id) is None:
                ways = [[i for i in b.enclosing if i.end < order] for b in before]
                if not _is_bound(ways):
                    raise Refused("the path may be unassigned in the handler")
        # Without the parentheses around it: it becomes an argument.
        text = self._texts.get(node) or self._facts.tree.text(node)
        if "\n" in text:
            raise Refused("the path expression spans several lines")
        return text

    @property
    def _read_at(self) -> int:
        """The expression that used the path: `raw = path.read_text()` may be above the `try`."""
        load = self._swallow.load
        return min(
            (
                other.order
                for other in self._facts.sites.loads_in(self._function)
                if other.order <= load.order and other.path_node is load.path_node
            ),
            default=load.order,
        )

    def _is_plain(self, node: ast.expr) -> bool:
        """Whether an expression can be evaluated again in the handler."""
        return not any(
            isinstance(each, _NOT_PLAIN)
            or (isinstance(each, ast.Call) and not self._is_plain_call(each))
            for each in walk(node)
        )

    def _is_plain_call(self, call: ast.Call) -> bool:
        last = called_name(call)
        if last in RETURNING_A_PATH:
            return True
        if last in CHANGING_THE_NAME:
            # An invalid suffix is a `ValueError`.
            return self._only_parsers_raise or all(_is_suffix(arg.value) for arg in arguments(call))
        if not PATH_WORDS.isdisjoint(words(last)) or last == "format":
            # It may be the call that raised, or have side effects.
            return self._only_parsers_raise or self._only_names(call, self._function, 3)
        return False

    def _only_names(self, call: ast.Call, function: FunctionFacts, depth: int) -> bool:
        """Whether the called function only builds a name, and cannot raise."""
        for callee in self._facts.paths.callees(call, function)[:1]:
            nodes = list(walk(callee.node))
            calls = [
                each
                for each in nodes
                if isinstance(each, ast.Call)
                and called_name(each) not in RETURNING_A_PATH | RETURNING_A_TEXT
            ]
            return not any(isinstance(each, (ast.Raise, ast.Try)) for each in nodes) and all(
                depth > 0 and self._only_names(each, callee, depth - 1) for each in calls
            )
        return False


def _is_suffix(value: ast.expr) -> bool:
    """Whether an argument is `".bak"` or `path.suffix + ".bak"`."""
    match value:
        case ast.BinOp(left=ast.Attribute(attr="suffix"), right=right):
            value = right
    return string(value) is not None


def _is_bound(ways: Sequence[Sequence[EnclosingBlock]]) -> bool:
    """Whether a name is bound in any case.

    Args:
        ways: for each binding, the blocks around it that are left before the code in question.
    """
    if any(all(block.kind is BlockKind.WITH for block in way) for way in ways):
        return True
    for node in {way[0].node for way in ways}:
        branches = [
            [way[1:] for way in ways if way[0].node is node and way[0].kind is kind]
            for kind in (BlockKind.IF, BlockKind.ELSE)
        ]
        if all(branch and _is_bound(branch) for branch in branches):
            return True
    return False


def _is_same_file(one: LoadSite, other: LoadSite) -> bool:
    return (
        one.path.same(other.path)
        or one.path_node is other.path_node
        or (
            one.path_node is not None
            and other.path_node is not None
            and one.function is other.function
            and code_of(one.path_node) == code_of(other.path_node)
        )
    )
