"""Resolves called functions and names that another file defines."""

from __future__ import annotations

import ast
import sys

from atomic_fix.facts.nodes import FUNCTIONS, dotted
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.paths.expr import (
    Attribute,
    Called,
    Global,
    Local,
    Parameter,
    PathExpr,
    Returned,
    SelfAttribute,
)
from atomic_fix.facts.scopes import Call, ClassFacts, FunctionFacts, Scopes
from atomic_fix.project.texts import NOT_COMPARED

_STEPS = 4


class Receivers:
    """Answers for one file, with dotted names as used in that file."""

    def __init__(
        self,
        scopes: Scopes,
        paths: Paths,
        has_stars: bool,
        own: frozenset[str] | None = None,
    ) -> None:
        """`own` are the names that modules of the project begin with; None if those are not
        known."""
        self._own = own
        self._scopes = scopes
        self._paths = paths
        self._has_stars = has_stars
        self._functions = {(each.name, each.row): each for each in scopes.functions}
        self._outside: dict[str, bool] = {}

    def is_outside(self, name: str) -> bool:
        """Whether the first part of a dotted name may come from another file of the project."""
        head = name.partition(".")[0]
        found = self._outside.get(head)
        if found is None:
            found = self._outside[head] = self._is_outside(head)
        return found

    def _is_outside(self, head: str) -> bool:
        target = self._scopes.imports.get(head)
        if target is not None:
            first = target.partition(".")[0]
            # A relative one begins with a dot.
            is_own = self._own is None or not first or first in self._own
            return is_own and first not in sys.stdlib_module_names
        return self._has_stars and head not in self._scopes.module.bindings

    def callee(self, call: Call) -> str | None:
        """The dotted name of the called function; None if this file defines it, or if it is
        unknown."""
        func, function, name = call.node.func, call.function, call.name
        if isinstance(func, ast.Name):
            return self._plain(func.id, function)
        if not isinstance(func, ast.Attribute):
            return None
        if isinstance(func.value, ast.Call) and dotted(func.value.func) == "super":
            return self._of_base(function.owner, func.attr)
        head = (name or "").partition(".")[0]
        if name is not None and self._is_imported(head, function):
            return name
        owner = self.type_of(func.value, function, call.order)
        if owner is None:
            return None
        found = self._scopes.class_named(owner)
        if found is not None:
            if self._paths.method(found, func.attr) is not None:
                return None
            return f"{owner}.{func.attr}" if self._has_foreign_base(found) else None
        return f"{owner}.{func.attr}" if self.is_outside(owner) else None

    def _plain(self, name: str, function: FunctionFacts) -> str | None:
        if self._is_imported(name, function):
            return name
        owner = self._scopes.class_named(name)
        if owner is not None and self._has_foreign_base(owner):
            return name if self._paths.method(owner, "__init__") is None else None
        return None

    def _is_imported(self, name: str, function: FunctionFacts) -> bool:
        """Whether a name in a function refers to the import of that name."""
        if not self.is_outside(name) or not self._paths.qualified(name, function).full:
            return False
        return name in self._scopes.imports or name not in dir(__builtins__)

    def _of_base(self, owner: ClassFacts | None, method: str) -> str | None:
        for base in owner.bases if owner is not None else ():
            found = self._scopes.class_named(base)
            if found is not None:
                if self._paths.method(found, method) is not None:
                    return None
                inner = self._of_base(found, method)
                if inner is not None:
                    return inner
            elif self.is_outside(base):
                return f"{base}.{method}"
        return None

    def _has_foreign_base(self, owner: ClassFacts) -> bool:
        return any(
            self._scopes.class_named(base) is None and self.is_outside(base)
            for each in self._paths.lineage(owner)
            for base in each.bases
        )

    # --- types ----------------------------------------------------------------------

    def type_of(
        self, node: ast.expr | None, function: FunctionFacts, before: int, steps: int = _STEPS
    ) -> str | None:
        """The dotted name of the class of an expression, or of the function that creates the
        instance."""
        if node is None or steps == 0:
            return None
        match node:
            case ast.Name(id="self" | "cls") if function.owner is not None:
                return function.owner.name
            case ast.Name(id=name):
                return self._type_of_name(name, function, before, steps)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if function.owner:
                bound = self._paths.attribute(function.owner, name)
                for binding in reversed(bound):
                    found = self.type_of(binding.value, binding.function, binding.order, steps - 1)
                    if found is not None:
                        return found
                if not bound and self._has_foreign_base(function.owner):
                    return f"{function.owner.name}.{name}"
                return None
            case ast.Attribute(value=inner, attr=name):
                outer = self.type_of(inner, function, before, steps - 1)
                return f"{outer}.{name}" if outer is not None else None
            case ast.Call():
                return self._class_or_maker(dotted(node.func))
            case ast.BoolOp(values=[*_, last]):
                return self.type_of(last, function, before, steps - 1)
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.type_of(inner, function, before, steps - 1)
        return None

    def _type_of_name(
        self, name: str, function: FunctionFacts, before: int, steps: int
    ) -> str | None:
        bound = self._paths.bindings(name, function, before)
        if bound:
            last = bound[-1]
            if not last.is_whole:
                return None
            return self.type_of(last.value, last.function, last.order, steps - 1)
        scope: FunctionFacts | None = function
        while scope is not None:
            parameter = scope.parameter(name)
            if parameter is not None:
                return self._annotated(parameter.annotation)
            scope = scope.outer
        if self._scopes.class_named(name) is not None:
            return name
        return name if name in self._scopes.imports and self.is_outside(name) else None

    def _annotated(self, node: ast.expr | None) -> str | None:
        """The class in an annotation: `Store`, `"Store"`, `Store | None`, `Optional[Store]`."""
        match node:
            case ast.Constant(value=str(text)):
                name: str | None = text.partition("|")[0].strip()
            case ast.BinOp(left=left):
                return self._annotated(left)
            case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
                return self._annotated(inner)
            case _:
                name = dotted(node)
        if not name or not all(part.isidentifier() for part in name.split(".")):
            return None
        return self._class_or_maker(name)

    def _class_or_maker(self, name: str | None) -> str | None:
        """A name, if it may be a class, or a function that creates an instance of one."""
        if name is None:
            return None
        is_own = self._scopes.class_named(name) is not None
        return name if is_own or self.is_outside(name) else None

    def made_by(self, function: FunctionFacts) -> str:
        """The class of the instance that a function returns."""
        node = function.node
        annotated = self._annotated(node.returns) if isinstance(node, FUNCTIONS) else None
        if annotated is None and function.returns:
            last = function.returns[-1]
            annotated = self.type_of(last.value, function, last.order)
        return annotated or ""

    # --- names in paths -------------------------------------------------------------

    def reference(self, expr: PathExpr) -> str | None:
        """The dotted name for an expression that another file may define; for a function it ends in
        `()`. See `texts.Reference`."""
        match expr:
            case Returned(function, row):
                # Its result depends on its arguments.
                home = self._functions.get((function, row))
                given = [each.name for each in home.parameters] if home is not None else []
                return NOT_COMPARED if {*given} - {"self", "cls"} else None
            case Global(name, None):
                is_known = name in self._scopes.imports or self._has_stars
                return name if is_known and self.is_outside(name) else None
            case Called(function):
                return f"{function}()" if self.is_outside(function) else None
            case SelfAttribute(name, owner) if owner is not None:
                found = self._scopes.class_named(owner)
                if found is None or self._paths.attribute(found, name):
                    return None
                if self._paths.method(found, name) is not None:
                    return None
                return f"{owner}.{name}" if self._has_foreign_base(found) else None
            case Attribute(of, name):
                outer = self.reference(of) or self._type_of_expr(of)
                # For the result of a call, the class is sufficient.
                return f"{outer.removesuffix('()')}.{name}" if outer is not None else None
        return None

    def _type_of_expr(self, expr: PathExpr) -> str | None:
        match expr:
            case Parameter(function, row, name):
                found = self._functions.get((function, row))
                parameter = found.parameter(name) if found is not None else None
                kind = self._annotated(parameter.annotation) if parameter is not None else None
            case Local(function, row, name, bound) if bound is not None:
                home = self._functions.get((function, row))
                kind = None
                for binding in home.bindings.get(name, ()) if home is not None else ():
                    if (binding.value.lineno, binding.value.col_offset) == bound:
                        kind = self.type_of(binding.value, binding.function, binding.order)
            case SelfAttribute(name, owner) if owner is not None:
                found_class = self._scopes.class_named(owner)
                kind = None
                bindings = self._paths.attribute(found_class, name) if found_class else ()
                for binding in bindings:
                    kind = self.type_of(binding.value, binding.function, binding.order) or kind
            case Called(function):
                kind = function if self.is_outside(function) else None
            case _:
                return None
        return kind if kind is not None and self.is_outside(kind) else None
