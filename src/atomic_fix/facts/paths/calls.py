"""The paths that calls return: one small function for each kind of callee, and a table of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atomic_fix.catalog import apis, words
from atomic_fix.facts.modes import is_mode
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.nodes import argument, arguments, dotted, text_of
from atomic_fix.facts.paths.budget import At
from atomic_fix.facts.paths.expr import (
    Called,
    Descriptor,
    Handle,
    InMemory,
    Item,
    Parent,
    Part,
    PartOf,
    PathExpr,
    Returned,
    Suffixed,
    Temp,
    UniqueName,
)
from atomic_fix.facts.paths.names import QualifiedName, parameter_of
from atomic_fix.facts.paths.value import (
    NO_TRAITS,
    NOTHING_KNOWN,
    OF_FOLDERS,
    OF_PARTS,
    NameOccurrence,
    OccurrenceKind,
    PathTrait,
    PathValue,
    aliases_of,
    is_temp_name,
    join,
    suffixed,
    traits_of,
    union,
)
from atomic_fix.facts.scopes import FunctionFacts

if TYPE_CHECKING:
    from atomic_fix.facts.paths.resolve import Paths


@dataclass(frozen=True, slots=True, eq=False)
class PathCall:
    """A call that returns a path, and the position at which its arguments are evaluated."""

    paths: Paths
    node: ast.Call
    name: QualifiedName
    """The called function."""
    at: At

    @property
    def first(self) -> ast.expr | None:
        return argument(self.node, 0)

    @property
    def receiver(self) -> ast.expr | None:
        func = self.node.func
        return func.value if isinstance(func, ast.Attribute) else None

    def resolve(self, node: ast.expr | None) -> PathValue:
        return self.paths.resolve_at(node, self.at) if node is not None else NOTHING_KNOWN

    def given(self, *, starred: bool = True) -> list[PathValue]:
        """Its positional arguments."""
        return [
            self.resolve(a.value)
            for a in arguments(self.node)
            if not a.keyword and (starred or not a.star)
        ]


Resolver = Callable[[PathCall], PathValue | None]
"""Returns None if the call is not of that kind despite its name."""


def resolve_call(paths: Paths, node: ast.Call, at: At) -> PathValue:
    """The path that a call returns, as far as known; its name is resolved `at` a place."""
    name = paths.qualified(dotted(node.func), at.function)
    call = PathCall(paths, node, name, at.nested())
    found = (resolver(call) for resolver in _resolvers(call))
    return next((value for value in found if value is not None), None) or _from_elsewhere(call)


def _resolvers(call: PathCall) -> Iterator[Resolver]:
    """The functions to try, in turn."""
    for table, key in ((_BY_NAME, call.name.full), (_BY_LAST_NAME, call.name.last)):
        if key in table:
            yield table[key]
    if call.name.opener is not None:
        yield _opened
    func = call.node.func
    if isinstance(func, ast.Attribute) and func.attr in _BY_METHOD:
        yield _BY_METHOD[func.attr]
    yield _own_function


# --- by name ---------------------------------------------------------------------------


def _in_memory(_: PathCall) -> PathValue:
    return PathValue(InMemory(), traits=PathTrait.MEMORY | PathTrait.HANDLE)


def _temp(call: PathCall) -> PathValue:
    """A call of `tempfile`."""
    name, node = call.name.full, call.node
    traits = PathTrait.TEMP
    folder = argument(node, 2 if name == "tempfile.mkstemp" else None, "dir")
    derived: frozenset[PathExpr] = frozenset()
    if folder is not None and dotted(folder) != "None":
        traits |= PathTrait.BESIDE
        derived = call.resolve(folder).aliases
    if name.endswith("gettempdir"):
        traits = PathTrait.SYSTEM_TEMP
    elif name.endswith(("Directory", "mkdtemp")):
        traits |= PathTrait.TEMP_DIR
    elif name.endswith("TemporaryFile"):
        traits |= PathTrait.HANDLE
    temp = Temp(node.lineno, node.col_offset)
    return PathValue(temp, frozenset({temp, Handle(temp)}), (), traits, derived)


def _path_class(call: PathCall) -> PathValue:
    values = call.given(starred=False)
    if len(values) == 1:
        return values[0].with_traits(PathTrait.PATH)
    return join(values, PathTrait.PATH)


def _joined(call: PathCall) -> PathValue:
    return join(call.given())


def _same_path(call: PathCall) -> PathValue | None:
    return call.resolve(call.first) if call.first is not None else None


def _cast(call: PathCall) -> PathValue | None:
    return call.resolve(argument(call.node, 1) or call.first) if call.first else None


def _basename(call: PathCall) -> PathValue | None:
    if call.first is None:
        return None
    base = call.resolve(call.first)
    return base.part(lambda path: PartOf(Part.NAME, path), 0, OF_FOLDERS, base.aliases)


def _dirname(call: PathCall) -> PathValue | None:
    if call.first is None:
        return None
    return call.resolve(call.first).part(Parent, 3, OF_FOLDERS, frozenset())


def _descriptor(call: PathCall) -> PathValue:
    place = Descriptor(call.node.lineno, call.node.col_offset)
    return PathValue(place, traits=PathTrait.DESCRIPTOR)


def _fresh(call: PathCall) -> PathValue:
    place = UniqueName(call.node.lineno, call.node.col_offset)
    return PathValue(place, traits=PathTrait.UNIQUE)


def _opened(call: PathCall) -> PathValue:
    opener = call.name.opener
    assert opener is not None
    return call.resolve(argument(call.node, 0, opener.path_keyword))


# --- by method -------------------------------------------------------------------------


def _same_receiver(call: PathCall) -> PathValue:
    return call.resolve(call.receiver)


def _joinpath(call: PathCall) -> PathValue:
    return join([call.resolve(call.receiver), *call.given()], PathTrait.PATH)


def _format(call: PathCall) -> PathValue | None:
    given = [each.value for each in arguments(call.node)]
    receiver = call.receiver
    return call.paths.fill_template(receiver, given, call.at) if receiver is not None else None


def _open_method(call: PathCall) -> PathValue | None:
    opened = call.paths.opened_by_method(call.node)
    if opened is call.receiver and call.first is not None and not is_mode(text_of(call.first)):
        return None  # `archive.open(member)`
    return call.resolve(opened)


def _glob(call: PathCall) -> PathValue | None:
    if call.first is None:
        return None
    return join([call.resolve(call.receiver), call.resolve(call.first)], PathTrait.PATH)


def _renamed(call: PathCall) -> PathValue | None:
    """`path.with_suffix(".tmp")` and `path.with_stem(...)`."""
    if call.first is None:
        return None
    base, made = call.resolve(call.receiver), call.resolve(call.first)
    return suffixed(base, made, text_of(call.first) or None).with_traits(PathTrait.PATH)


def _with_name(call: PathCall) -> PathValue | None:
    if call.first is None:
        return None
    base, made = call.resolve(call.receiver), call.resolve(call.first)
    if made.is_temp or made.derived_from & base.aliases:
        return suffixed(base, made, text_of(call.first) or None).with_traits(PathTrait.PATH)
    folder = PathValue(Parent(base.expr), traits=base.traits & OF_FOLDERS)
    return join([folder, made], PathTrait.PATH)


def _entered(call: PathCall) -> PathValue | None:
    return call.resolve(call.first).with_traits(PathTrait.HANDLE) if call.first else None


def _got(call: PathCall) -> PathValue | None:
    """`config.get("path")`."""
    key = text_of(call.first)
    if key is None:
        return None
    base = call.resolve(call.receiver)
    item = Item(base.expr, key)
    occurrence = NameOccurrence(OccurrenceKind.KEY, key, call.at.distance)
    return PathValue(item, frozenset({item}), (occurrence, *base.occurrences))


# --- functions of the module, and of other ones ----------------------------------------


def _own_function(call: PathCall) -> PathValue | None:
    paths, node = call.paths, call.node
    for function in paths.callees(node, call.at.function)[:1]:
        values = paths.returned(function, call.at)
        given = _given_back(node, function, values)
        if given is not None:
            # `_checked(path)`: returns its argument, and is not a file of its own.
            return call.resolve(given)
        if function.collects_all:
            # `in_data("a", "b.json")`: which file, all its arguments say.
            return _from_elsewhere(call)
        occurrence = NameOccurrence(OccurrenceKind.FUNCTION, function.name, call.at.distance)
        found = union(values).with_occurrence(Returned(function.name, function.row), occurrence)
        for value in (call.resolve(each.value) for each in arguments(node)):
            if isinstance(value.expr, Suffixed):
                # `path_of(f"{name}.new")`: next to the path that `path_of(name)` returns.
                return suffixed(found, value, value.expr.suffix)
        return found
    return None


def _given_back(
    call: ast.Call, function: FunctionFacts, returned: Sequence[PathValue]
) -> ast.expr | None:
    """The argument that a function returns in another form, if that is all it does."""
    for parameter in function.parameters if returned else ():
        name = parameter.name
        if all(parameter_of(function, name) in value.aliases for value in returned):
            return argument(call, function.parameter_position(name), name)
    return None


def _from_elsewhere(call: PathCall) -> PathValue:
    """A function of which only the name and the arguments are known."""
    paths, node = call.paths, call.node
    name = dotted(node.func) or ""
    at = call.at.farther()
    # What stands behind a star may be anything.
    values = [
        NOTHING_KNOWN if each.star else paths.resolve_at(each.value, at) for each in arguments(node)
    ]
    traits = NO_TRAITS
    if call.receiver is not None:
        assert isinstance(node.func, ast.Attribute)
        name = name or node.func.attr
        traits = paths.resolve_at(call.receiver, at).traits & OF_FOLDERS
    made = Called(name, tuple(value.expr for value in values))
    if len(values) == 1 and phrase_in(words.SAME_PATH, name):
        return values[0].with_aliases(made)
    last = name.rpartition(".")[2]
    occurrences = [NameOccurrence(OccurrenceKind.FUNCTION, last, call.at.distance)] if name else []
    occurrences += (occurrence for value in values for occurrence in value.occurrences)
    if is_temp_name(last):
        traits |= PathTrait.TEMP
    return PathValue(
        made,
        frozenset({made} if name and made.is_known else ()),
        tuple(occurrences),
        traits | (traits_of(values) & OF_PARTS),
        aliases_of(values),
    )


# --- the tables ------------------------------------------------------------------------

_FULL_NAMES = {name for name in (*apis.UNIQUE_MAKERS, *apis.PATH_CLASSES) if "." in name}

_BY_NAME: dict[str, Resolver] = {
    **dict.fromkeys(apis.TEMP_MAKERS, _temp),
    **dict.fromkeys(apis.PATH_CLASSES & _FULL_NAMES, _path_class),
    **dict.fromkeys(apis.JOIN_CALLS, _joined),
    **dict.fromkeys(apis.SAME_PATH_CALLS, _same_path),
    "typing.cast": _cast,
    "os.path.basename": _basename,
    "os.path.dirname": _dirname,
    "os.open": _descriptor,
    **dict.fromkeys(_FULL_NAMES.intersection(apis.UNIQUE_MAKERS), _fresh),
}
"""By the qualified name of the called function."""

_BY_LAST_NAME: dict[str, Resolver] = {
    **dict.fromkeys(apis.IN_MEMORY, _in_memory),
    **dict.fromkeys(apis.PATH_CLASSES - _FULL_NAMES, _path_class),
    **dict.fromkeys(set(apis.UNIQUE_MAKERS) - _FULL_NAMES, _fresh),
}
"""By the last part of its name, wherever it comes from."""

_BY_METHOD: dict[str, Resolver] = {
    **dict.fromkeys(apis.SAME_PATH_METHODS, _same_receiver),
    "joinpath": _joinpath,
    "format": _format,
    "open": _open_method,
    **dict.fromkeys(("glob", "rglob"), _glob),
    **dict.fromkeys(("with_suffix", "with_stem"), _renamed),
    "with_name": _with_name,
    "enter_context": _entered,
    "get": _got,
}
"""By the method, whatever the receiver."""
