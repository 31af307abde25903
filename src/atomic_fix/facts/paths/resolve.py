"""Resolves an expression in the code to a path value."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from atomic_fix.catalog import words
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.names import words as name_words
from atomic_fix.facts.nodes import code_of, dotted, is_number, string, text_of
from atomic_fix.facts.paths.budget import BOUNDS, At, Budget
from atomic_fix.facts.paths.calls import resolve_call
from atomic_fix.facts.paths.expr import (
    Attribute,
    Element,
    Global,
    Handle,
    Item,
    Local,
    Parent,
    Part,
    PartOf,
    PathExpr,
    SameText,
    SelfAttribute,
    Temp,
)
from atomic_fix.facts.paths.names import Names, parameter_of
from atomic_fix.facts.paths.value import (
    NO_TRAITS,
    NOTHING_KNOWN,
    OF_FOLDERS,
    Exprs,
    NameOccurrence,
    OccurrenceKind,
    PathTrait,
    PathValue,
    filled,
    is_temp_name,
    join,
    literal,
    suffixed,
    union,
)
from atomic_fix.facts.scopes import Binding, BindingKind, FunctionFacts, Scopes

# The placeholders of templates: `{}`, `{name:03}`, `%s`, `%(name)s`, `%05d`.
_PLACE = re.compile(r"\{[^{}]*\}|%(\(\w+\))?[-+ 0-9.]*[a-zA-Z]")
_END = 1 << 60
"""An order greater than that of any code."""


class Paths(Names):
    """Resolves expressions of one file to path values."""

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes)
        self._budget = Budget()
        self._cache: dict[tuple[ast.expr, int], PathValue] = {}

    def resolve(self, node: ast.expr, function: FunctionFacts, before: int) -> PathValue:
        """The path that `node` evaluates to in `function` at order `before`, as far as known."""
        cached = self._cache.get((node, before))
        if cached is None:
            cached = self.resolve_at(node, At(function, before, 0, BOUNDS.steps))
            self._cache[node, before] = cached
        return cached

    def resolve_at(self, node: ast.expr, at: At) -> PathValue:
        """The same, on the way to another expression."""
        budget = self._budget
        if budget.is_spent(node, at.steps):
            return NOTHING_KNOWN
        budget.entered.add(node)
        try:
            return self._expression(node, at)
        finally:
            budget.entered.discard(node)

    def _expression(self, node: ast.expr, at: At) -> PathValue:
        match node:
            case ast.Constant(value=str() | bytes()):
                return literal(string(node) or "", at.distance)
            case ast.JoinedStr():
                return self._formatted(node, at)
            case ast.Name():
                return self._name(node.id, at)
            case ast.Attribute():
                return self._attribute(node, at)
            case ast.Call():
                return resolve_call(self, node, at)
            case ast.BinOp():
                return self._operation(node, at)
            case ast.IfExp():
                return union([self.resolve_at(each, at) for each in (node.body, node.orelse)])
            case ast.BoolOp():
                return union([self.resolve_at(each, at) for each in node.values])
            case ast.NamedExpr() | ast.Await():
                return self.resolve_at(node.value, at)
            case ast.Subscript():
                return self._item(node, at)
        return NOTHING_KNOWN

    def _operation(self, node: ast.BinOp, at: At) -> PathValue:
        if isinstance(node.op, ast.Mod):
            return self.fill_template(node.left, _elements(node.right), at)
        left, right = self.resolve_at(node.left, at), self.resolve_at(node.right, at)
        if isinstance(node.op, ast.Div):
            return join([left, right], PathTrait.PATH)
        return suffixed(left, right, text_of(node.right))

    def _item(self, node: ast.Subscript, at: At) -> PathValue:
        base = self.resolve_at(node.value, at.farther())
        key = text_of(node.slice)
        occurrences = base.occurrences
        if key is not None and not key.isdigit():
            occurrences = (NameOccurrence(OccurrenceKind.KEY, key, at.distance), *occurrences)
        item = Item(base.expr, key)
        aliases: Exprs = frozenset({item} if key is not None else ())
        traits = base.traits & (PathTrait.TEMP | PathTrait.TEMP_DIR)
        return PathValue(item, aliases, occurrences, traits)

    # --- templates --------------------------------------------------------------

    def _formatted(self, node: ast.JoinedStr, at: At) -> PathValue:
        pieces: list[str] = []
        inner: list[PathValue] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                inner.append(self.resolve_at(part.value, at.nested()))
                pieces.append("{}")
            else:
                pieces.append(string(part) or "")
        return filled("".join(pieces), inner, at.distance)

    def fill_template(self, template: ast.expr, given: Sequence[ast.expr], at: At) -> PathValue:
        """The result of `"{}.json".format(name)` or `"%s.json" % name`."""
        text = text_of(template)
        if text is None:
            return self.resolve_at(template, at)
        inner = [self.resolve_at(each, at.nested()) for each in given]
        return filled(_PLACE.sub("{}", text), inner, at.distance)

    # --- names ------------------------------------------------------------------

    def _name(self, name: str, at: At) -> PathValue:
        found = self.bindings(name, at.function, at.before)
        if found and all(_is_no_path(b.value) for b in found):
            # `_A = None` may be the default of many parameters, which need not be the same file.
            return NOTHING_KNOWN
        home = at.function
        while home.outer is not None and not home.parameter(name) and name not in home.bindings:
            if home.collects(name):
                # Another one for each call, of which none is known.
                return PathValue(
                    occurrences=(NameOccurrence(OccurrenceKind.PARAMETER, name, at.distance),)
                )
            home = home.outer
        is_given = not found and home.parameter(name) is not None
        kind = OccurrenceKind.PARAMETER if is_given else OccurrenceKind.VARIABLE
        if name.isupper() or (name.upper() == name and len(name) > 1):
            kind = OccurrenceKind.CONSTANT
        traits = NO_TRAITS
        if is_given:
            traits |= _traits_of_parameter(home, name)
            values = self._given(home, name, at)
        else:
            # Later bindings first: the nearest one is the most likely.
            values = [self._binding(b, at) for b in found[-BOUNDS.bindings :][::-1]]
        # With more than one binding, the name may stand for different files, so only the traits
        # that all of them share count.
        if is_temp_name(name):
            traits |= PathTrait.TEMP
        if phrase_in(words.BACKUP, name) and name != "old":  # `os.rename(new, old)`
            traits |= PathTrait.BACKUP
        alias = parameter_of(home, name) if is_given else _variable(home, name, found)
        value = (
            union(values)
            .with_occurrence(alias, NameOccurrence(kind, name, at.distance))
            .with_traits(traits)
        )
        # `filename += ".txt"` turns it into another path.
        # A nested function runs later, after every addition.
        since = found[-1].order if found else 0
        until = at.before if home is at.function else _END
        additions = [
            each
            for each in home.bindings.get(name, ())
            if each.kind is BindingKind.ADD and since < each.order < until
        ]
        for addition in additions[-BOUNDS.additions :]:
            value = suffixed(value, self._binding(addition, at), text_of(addition.value))
        return value

    def _given(self, function: FunctionFacts, name: str, at: At) -> list[PathValue]:
        """The possible values of a parameter: its default, and the arguments of callers in this
        file."""
        parameter = function.parameter(name)
        values = []
        if parameter is not None and parameter.default is not None:
            inner = At(function, at.before, at.distance + 1, at.steps - 1)
            values.append(self.resolve_at(parameter.default, inner))
        cost = BOUNDS.caller_cost
        if at.steps <= cost:
            return values
        position = function.parameter_position(name)
        called = function.name
        if called == "__init__" and function.owner is not None:
            called = function.owner.name
        for call in islice(self.scopes.callers_of(called), BOUNDS.callers):
            if called == function.name and function not in self.callees(call.node, call.function):
                continue
            value = call.argument(position, name)
            if value is not None:
                values.append(self.resolve_at(value, at.follow(call, cost)))
        return values

    def _binding(self, binding: Binding, at: At) -> PathValue:
        """The value of a name with this binding."""
        value = self.resolve_at(binding.value, at.follow(binding))
        match binding.kind:
            case BindingKind.WITH if not binding.unpacked:
                return self._entered(binding.value, value)
            case BindingKind.FOR:
                traits = value.traits & (PathTrait.TEMP | PathTrait.PATH)
                return PathValue(Element(value.expr), occurrences=value.occurrences, traits=traits)
            case BindingKind.ASSIGN if binding.unpacked:
                expr = value.expr
                for index in binding.unpacked:
                    expr = Item(expr, str(index))
                traits = value.traits
                if value.is_temp and binding.unpacked == (0,):
                    traits |= PathTrait.DESCRIPTOR  # `descriptor, path = mkstemp()`
                aliases: Exprs = frozenset() if value.is_unknown else frozenset({expr})
                found = PathValue(expr, aliases, value.occurrences, traits)
                return self._item_returned(binding, value, found, at)
        return value

    def _item_returned(
        self, binding: Binding, value: PathValue, found: PathValue, at: At
    ) -> PathValue:
        """The value `found` that `descriptor, path = self._new_file()` binds to one of the names,
        with everything known about it in the function of this file that returns it."""
        node = binding.value
        if len(binding.unpacked) != 1 or not isinstance(node, ast.Call):
            return found
        index = binding.unpacked[0]
        temps = {Item(each, str(index)) for each in value.aliases if isinstance(each, Temp)}
        if temps:
            return found.with_aliases(*temps)
        items = []
        here = at.follow(binding)
        for function in self.callees(node, here.function)[:1]:
            for returned in function.returns[-BOUNDS.returns :]:
                given = returned.value
                if isinstance(given, ast.Tuple) and index < len(given.elts):
                    items.append(self.resolve_at(given.elts[index], here.follow(returned, 0)))
        inner = union(items)
        if not inner.is_temp:
            return found
        return replace(
            found,
            aliases=found.aliases | inner.aliases,
            traits=found.traits | inner.traits,
            derived_from=found.derived_from | inner.derived_from,
        )

    def _entered(self, node: ast.expr, value: PathValue) -> PathValue:
        """The value that `with node as` binds."""
        if PathTrait.MEMORY in value.traits:
            return value
        name = self.qualified(dotted(node.func) if isinstance(node, ast.Call) else None)
        if name.full == "tempfile.TemporaryDirectory":
            return value
        made = PathTrait.HANDLE
        if not words.STAGING.isdisjoint(name_words(name.last)):
            made |= PathTrait.STAGED
        return PathValue(
            Handle(value.expr),
            frozenset(map(Handle, value.aliases)),
            value.occurrences,
            value.traits | made,
        )

    # --- attributes -------------------------------------------------------------

    def _attribute(self, node: ast.Attribute, at: At) -> PathValue:
        name = node.attr
        if (
            isinstance(node.value, ast.Name)
            and node.value.id in {"self", "cls"}
            and at.function.owner
        ):
            return self._own_attribute(name, at)
        base = self.resolve_at(node.value, at.nested())
        if name == "name":
            return _name_of(base)
        if name == "parent":
            # The name of the folder says little about the file.
            return base.part(Parent, 3, OF_FOLDERS | PathTrait.PATH, frozenset())
        if name in {"parents", "stem", "suffix"}:
            derived: Exprs = base.aliases if name == "stem" else frozenset()
            make = partial(PartOf, Part(name))
            return base.part(make, 3, OF_FOLDERS | PathTrait.PATH, derived)
        text = dotted(node)
        bound = self.bindings(text, at.function, at.before) if text is not None else []
        value = union([self._binding(b, at) for b in bound[-BOUNDS.dotted_bindings :]])
        occurrence = NameOccurrence(OccurrenceKind.ATTRIBUTE, name, at.distance)
        value = value.with_occurrence(Attribute(base.expr, name), occurrence)
        if text is not None:
            value = value.with_aliases(SameText(text))
        return value.with_traits(_traits_of_name(name) | (base.traits & OF_FOLDERS))

    def _own_attribute(self, name: str, at: At) -> PathValue:
        """`self.name`."""
        owner = at.function.owner
        assert owner is not None
        bound = self.attribute(owner, name)[-BOUNDS.bindings :]
        values = [self._binding(each, at) for each in bound]
        method = self.method(owner, name)
        if method is not None:
            values += self.returned(method, at.nested())
        alias, plain = SelfAttribute(name, owner.name), SelfAttribute(name)
        occurrence = NameOccurrence(OccurrenceKind.ATTRIBUTE, name, at.distance)
        value = union(values).with_occurrence(alias, occurrence, otherwise=plain)
        return value.with_traits(_traits_of_name(name))

    def returned(self, function: FunctionFacts, at: At) -> list[PathValue]:
        """The values that a function may return."""
        last = function.returns[-BOUNDS.returns :]
        return [self.resolve_at(each.value, at.follow(each, 0)) for each in last]


def _variable(home: FunctionFacts, name: str, bound: Sequence[Binding]) -> PathExpr:
    """A name whose value comes from no caller. The place distinguishes its values before and after
    it was bound again."""
    value = bound[-1].value if bound else None
    place = (value.lineno, value.col_offset) if value is not None else None
    if home.is_module:
        return Global(name, place)
    return Local(home.name, home.row, name, place)


def _traits_of_parameter(function: FunctionFacts, name: str) -> PathTrait:
    """The trait that the annotation of a parameter implies."""
    parameter = function.parameter(name)
    if parameter is None or parameter.annotation is None:
        return NO_TRAITS
    text = code_of(parameter.annotation)
    traits = PathTrait.PATH if "Path" in text else NO_TRAITS
    if any(word in text for word in ("IO", "Writer", "Buffer", "Stream")):
        traits |= PathTrait.HANDLE
    return traits


def _traits_of_name(name: str) -> PathTrait:
    return PathTrait.TEMP if is_temp_name(name) else NO_TRAITS


def _name_of(base: PathValue) -> PathValue:
    """`handle.name` is the path again; `path.name` is its last part."""
    if base.traits & (PathTrait.HANDLE | PathTrait.TEMP):
        paths = {alias.of for alias in base.aliases if isinstance(alias, Handle)}
        traits = base.traits & ~PathTrait.HANDLE
        return PathValue(base.expr, base.aliases | paths, base.occurrences, traits)
    derived = base.derived_from | base.aliases
    return base.part(partial(PartOf, Part.NAME), 0, PathTrait.TEMP | PathTrait.PATH, derived)


def _elements(node: ast.expr) -> list[ast.expr]:
    """The values to the right of `%`: one, or those of a tuple."""
    found = node.elts if isinstance(node, ast.Tuple) else [node]
    return [each.value if isinstance(each, ast.Starred) else each for each in found]


def _is_no_path(node: ast.expr) -> bool:
    return is_number(node) or dotted(node) in {"None", "True", "False"}
