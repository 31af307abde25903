"""Splits the errors of a handler into those that mean "exists but unreadable" and the rest."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from atomic_fix.catalog import errors
from atomic_fix.catalog.calls import CONVERTING, RAISING_VALUE_ERRORS, READING, WRITING
from atomic_fix.catalog.errors import BY_PARSER, RAISING_ANYTHING, SHAPE_ERRORS
from atomic_fix.catalog.words import PATH_WORDS
from atomic_fix.facts.exceptions import error_names
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import FORS, arguments, called_name, dotted, walk
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext
from atomic_fix.fixes.imports import import_module, imported_at_top

_ANSWERS_MISSING = re.compile(
    r"\b(?:exists|is_file|isfile|access|FileNotFoundError|OSError|IOError|EnvironmentError)\b"
)


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors as text, in a form that the handler can use."""

    corrupt: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """The errors that silently keep the default."""
    stays: bool = False
    """Whether the handler's own list of errors is kept, because it is broad or has a name."""
    any_error: bool = False
    """Whether every error except those in `kept` may mean a corrupt file."""

    @property
    def test(self) -> tuple[bool, tuple[str, ...]]:
        """The `isinstance` test for a corrupt file: whether it must be true, and for which
        errors."""
        return (False, self.kept) if self.any_error else (True, self.corrupt)


def split_errors(context: EditContext, swallow: Swallow) -> Errors:
    """The errors that the handler of a swallow catches.

    Raises:
        Refused: they cannot be determined, or may come from something else.
    """
    parts = _ErrorSplitter(context, swallow)
    return parts.of_broad() if swallow.broad else parts.of_list()


class _ErrorSplitter:
    """Each step may raise `Refused`."""

    def __init__(self, context: EditContext, swallow: Swallow) -> None:
        self._context = context
        self._swallow = swallow
        self._body = [node for each in swallow.statement.body for node in walk(each)]

    # --- a list of errors -----------------------------------------------------------

    def of_list(self) -> Errors:
        node = self._swallow.node
        types: list[ast.expr] = []
        if isinstance(node, ast.Call):
            if any(arg.star or arg.keyword for arg in arguments(node)):
                raise Refused("some of the suppressed errors cannot be determined")
            types += node.args
        elif node.type is not None:
            self._is_python_3(node.type)
            types.append(node.type)
        kept: list[str] = []
        corrupt: list[str] = []
        aliased = False
        for each in types:
            for error, text in self._elements(each):
                names = self._names(error)
                if len(names) != 1:
                    raise Refused("some errors of the handler cannot be determined")
                aliased = aliased or (
                    isinstance(node, ast.ExceptHandler) and not self._context.contains(error)
                )
                is_missing = names[0] in errors.MISSING | errors.OPERATING_SYSTEM
                is_corrupt = names[0] in self._swallow.errors and not is_missing
                (corrupt if is_corrupt else kept).append(text)
        if not corrupt:
            raise Refused("it is unknown which error means a corrupt file")
        if set(kept) & errors.BROAD:
            raise Refused("the handler catches nearly every error")
        if set(corrupt) == {"ValueError"}:
            self._must_answer_missing()
        if {"ValueError", "UnicodeDecodeError", "UnicodeError"} & set(self._swallow.errors):
            self._parses_nothing_else()
        if "ValueError" in corrupt and self._names_the_parser(corrupt):
            # It is raised if valid data lacks a value that is used.
            corrupt.remove("ValueError")
            if not any(each.startswith("Unicode") for each in corrupt):
                corrupt.append("UnicodeDecodeError")
            kept.append("ValueError")
            aliased = True  # a clause for it would catch the others first
        elif "ValueError" in corrupt and kept:
            # It includes these.
            own = {"JSONDecodeError", "UnicodeDecodeError", "UnicodeError"}
            corrupt = [each for each in corrupt if each.rpartition(".")[2] not in own]
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            # A comment among the errors stays with them.
            aliased = aliased or "#" in self._context.text(self._context.cst_node(node.type))
        if kept and any(each.rpartition(".")[2] == "BadGzipFile" for each in corrupt):
            aliased = True  # an `OSError` clause would catch it first
        return Errors(tuple(dict.fromkeys(corrupt)), tuple(dict.fromkeys(kept)), stays=aliased)

    def _names_the_parser(self, corrupt: Sequence[str]) -> bool:
        """Whether the handler names the parser's error in addition to `ValueError`, and its `try`
        converts values of the data."""
        return any(each.rpartition(".")[2] == "JSONDecodeError" for each in corrupt) and any(
            isinstance(node, ast.Call) and called_name(node) in CONVERTING for node in self._body
        )

    def _must_answer_missing(self) -> None:
        """Refuses a loader from elsewhere that may raise this error for a missing file as well, if
        nothing else handles a missing file."""
        load = self._swallow.load
        function = self._swallow.function
        if self._package() in BY_PARSER or isinstance(function.node, ast.Module):
            return
        if not _ANSWERS_MISSING.search(self._context.text(function.node)):
            raise Refused(f"`{load.api}` may also raise `ValueError` for a missing file")

    def _is_python_3(self, node: ast.expr) -> None:
        """Refuses `except ValueError, error`, which binds a name in Python 2."""
        match node:
            case ast.Tuple(elts=[_, ast.Name(id=last)]) if last.islower():
                if not self._context.facts.tree.text(node).startswith("("):
                    raise Refused("this is Python 2 code")

    def _names(self, node: ast.expr | None) -> list[str]:
        return error_names(node, self._context.facts.paths, self._swallow.function)

    def _elements(self, node: ast.expr) -> list[tuple[ast.expr, str]]:
        """The individual errors of an expression, with their text; a name of a tuple is
        resolved."""
        name = dotted(node)
        if name is not None and len(self._names(node)) > 1:
            function = self._swallow.function
            found = self._context.facts.paths.bindings(name, function, 1 << 60)
            if found:
                node = found[-1].value
        if isinstance(node, (ast.Tuple, ast.List)):
            return [pair for element in node.elts for pair in self._elements(element)]
        if isinstance(node, ast.Starred):
            return self._elements(node.value)
        name = dotted(node)
        if name is None or len(self._names(node)) > 1:
            raise Refused("some errors of the handler cannot be determined")
        return [(node, name)]

    def _parses_nothing_else(self) -> None:
        """Refuses if a `ValueError` may come from code unrelated to the file."""
        loaded = self._loaded
        load = self._swallow.load.call.node
        for node in self._body:
            if not WRITING.isdisjoint(words(called_name(node))):
                raise Refused("the `try` writes a file as well")
            if (
                not isinstance(node, ast.Call)
                or node is load
                or called_name(node) not in RAISING_VALUE_ERRORS
            ):
                continue
            inside = [each for each in walk(node) if each is not node]
            if load not in inside and loaded.isdisjoint(_names_in(inside)):
                raise Refused("the error may come from something else in the `try`")

    @property
    def _loaded(self) -> set[str]:
        """The names that the `try` binds, or that contain data from the file."""
        found: list[ast.expr] = [arg.value for arg in self._swallow.load.call.arguments]
        for each in self._body:
            match each:
                case ast.Assign(targets=targets):
                    found += targets
                case ast.withitem(optional_vars=ast.expr() as target):
                    found.append(target)
                case (
                    ast.For(target=target)
                    | ast.AsyncFor(target=target)
                    | ast.comprehension(target=target)
                    | ast.NamedExpr(target=target)
                ):
                    found.append(target)
        inside = (node for each in found for node in walk(each))
        return {*_names_in(inside)} - {"self", "cls"}

    # --- a broad handler ------------------------------------------------------------

    def of_broad(self) -> Errors:
        self._no_more_than_the_load()
        load = self._swallow.load
        package = self._package()
        if package in RAISING_ANYTHING:
            if isinstance(self._swallow.node, ast.ExceptHandler) and (
                self._swallow.node.type is None
                or not self._names(self._swallow.node.type) == ["Exception"]
            ):
                raise Refused(f"it is unknown what `{load.api}` raises for a corrupt file")
            return Errors(("Exception",), ("OSError", *SHAPE_ERRORS), stays=True, any_error=True)
        known = BY_PARSER.get(package)
        if known is None:
            raise Refused(f"it is unknown what `{load.api}` raises for a corrupt file")
        return Errors(tuple(map(self._imported, known)), stays=True)

    def _package(self) -> str:
        load = self._swallow.load
        name = self._context.facts.paths.call_name(load.call, load.function)
        if "." in (name.full or ".") and name.last == load.api.rpartition(".")[2]:
            return name.package
        return load.api.partition(".")[0]

    def _imported(self, error: str) -> str:
        module, _, name = error.rpartition(".")
        if not module:
            return name
        # An import in a function may not have run when the error is compared.
        found = imported_at_top(self._context, module, name)
        if found is None and module not in sys.stdlib_module_names:
            raise Refused(f"`{error}` is not imported")
        return found or f"{import_module(self._context, module)}.{name}"

    def _no_more_than_the_load(self) -> None:
        """Refuses if the `try` contains more than the load and the use of its result."""
        more = Refused("the `try` with the broad handler does more than load")
        statements = [node for node in self._body if isinstance(node, ast.stmt)]
        guards = [node for node in statements if _is_guard(node)]
        more_than_one = (*FORS, ast.While, ast.Try, ast.Yield, ast.YieldFrom)
        if len(statements) - 2 * len(guards) > 8 or any(
            isinstance(node, more_than_one) for node in self._body
        ):
            raise more
        swallow = self._swallow
        loaded = self._loaded
        home = swallow.load.function
        elsewhere = home is not swallow.function and not home.is_module
        if elsewhere and any(isinstance(each, ast.Raise) for each in walk(home.node)):
            raise Refused("the loader raises its own errors, possibly for a missing file")
        for node in self._body:
            if not isinstance(node, ast.Call) or node is swallow.load.call.node:
                continue
            last = called_name(node)
            if not WRITING.isdisjoint(words(last)):
                raise Refused("the `try` writes a file as well")
            if last in READING or set(words(last)) & PATH_WORDS:
                continue
            inside = [each for each in walk(node) if each is not node]
            of_loaded = any(isinstance(each, ast.Call) for each in inside) or not (
                loaded.isdisjoint(_names_in(inside))
            )
            if not of_loaded and home not in self._context.facts.paths.callees(
                node, swallow.function
            ):
                raise more


def joined(names: Sequence[str]) -> str:
    """The errors in the form that `except` and `isinstance` use."""
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names of variables and attributes."""
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name


def _is_guard(node: ast.stmt) -> bool:
    """Whether a statement only leaves the function: `if not path.exists(): return None`."""
    match node:
        case ast.If(body=[ast.Return() | ast.Continue() | ast.Pass()], orelse=[]):
            return True
    return False
