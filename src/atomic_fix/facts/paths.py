"""What can be told of a path from the expression that gives it.

A `PathValue` says under which names the same path is known (`aliases`: two paths that
share one are the same file), which words are in sight (`mentions`), and a few traits.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter

from atomic_fix.catalog import apis, words
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.names import words as name_words
from atomic_fix.facts.nodes import argument, arguments, code_of, dotted, is_number, string
from atomic_fix.facts.scopes import Binding, Call, ClassFacts, FunctionFacts, Scopes

_DEPTH = 6
_MOST_NESTED = 50
"""Expressions within each other; of a sum of more terms, the last ones are looked at."""
_order = attrgetter("order")
# Where a template is filled in: `{}`, `{name:03}`, `%s`, `%(name)s`, `%05d`.
_PLACE = re.compile(r"\{[^{}]*\}|%(\(\w+\))?[-+ 0-9.]*[a-zA-Z]")
# What is true of a folder is true of what lies in it.
_OF_FOLDERS = frozenset({"staged", "systemp", "tempdir"})
# What is true of a part of a name is true of the whole.
_OF_PARTS = _OF_FOLDERS | {"fresh", "temp"}
_TEMP = words.TEMP - {"new"}
_FRESH_CALLS = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "getpid",
        "strftime",
        "time.time",
        "time_ns",
        "token_hex",
        "uuid",
        "uuid1",
        "uuid4",
    }
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A word-bearing name or literal met on the way to the path.

    `distance` counts the steps from the expression that was asked about: 0 for what
    stands in it, more for what its names were assigned from.
    """

    kind: str
    """`literal`, `variable`, `attribute`, `constant`, `parameter`, `function`, `key`."""
    text: str
    distance: int


@dataclass(frozen=True, slots=True)
class PathValue:
    key: str = "?"
    """The most resolved of the aliases."""
    aliases: frozenset[str] = frozenset()
    mentions: tuple[Mention, ...] = ()
    traits: frozenset[str] = frozenset()
    """Of `temp`, `tempdir` (a folder that is removed again), `systemp` (the system's temp
    folder), `beside` (a temp file made in a given folder), `fresh` (a new name each time),
    `handle`, `memory`, `path`, `aside`, `device`, `descriptor`, `staged` (made in a `with`
    that publishes it)."""
    derived_from: frozenset[str] = frozenset()
    """Aliases of the paths that this one was made from by a suffix or beside a name."""

    def same(self, other: PathValue) -> bool:
        return not self.aliases.isdisjoint(other.aliases)

    def is_put_beside(self, other: PathValue) -> bool:
        """Whether its name is made from that of the other path, and its folder is the same."""
        if self.derived_from.isdisjoint(other.aliases):
            return False
        folders = tuple(f"join({part}({other.key})," for part in ("parent", "dirname"))
        return not self.key.startswith("join(") or self.key.startswith(folders)

    @property
    def shows_path(self) -> bool:
        """Whether something in sight says that this is a path, and no text or object."""
        return "path" in self.traits or any(
            ("." in m.text or "/" in m.text)
            if m.kind == "literal"
            else not words.PATHS.isdisjoint(name_words(m.text))
            for m in self.mentions
            if m.distance <= 3
        )

    @property
    def is_temp(self) -> bool:
        return "temp" in self.traits

    def named(self, alias: str, mention: Mention, *, key: str = "") -> PathValue:
        """The same path under one more name; `key` is for a path of which nothing else is known."""
        return replace(
            self,
            key=(key or alias) if self.key == "?" else self.key,
            aliases=self.aliases | {alias},
            mentions=(mention, *self.mentions),
        )

    def part(
        self, kind: str, away: int, traits: frozenset[str], derived_from: frozenset[str]
    ) -> PathValue:
        """A path made of this one, whose words lie `away` steps further."""
        key = f"{kind}({self.key})"
        return PathValue(
            key,
            frozenset({key}),
            tuple(replace(m, distance=m.distance + away) for m in self.mentions),
            self.traits & traits,
            derived_from,
        )

    def having(self, *traits: str) -> PathValue:
        return replace(self, traits=self.traits.union(traits))


_UNKNOWN = PathValue()


class Paths:
    """Resolves expressions of one module to path values."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._cache: dict[tuple[ast.expr, int], PathValue] = {}
        self._active: set[ast.expr] = set()
        self._call_names: dict[tuple[Call, FunctionFacts], str] = {}

    # --- names ------------------------------------------------------------------

    def qualified(self, name: str | None, function: FunctionFacts | None = None) -> str | None:
        """A dotted name with its head replaced by what the module imports under it."""
        if name is None:
            return None
        head, _, rest = name.partition(".")
        # `Path = make()` inside the function hides an import; a plain builtin keeps
        # its name only while the module does not bind it.
        scope = function
        while scope is not None:
            if head in scope.bindings or scope.parameter(head) is not None:
                return f"?.{name}"
            scope = scope.outer
        if head in self._scopes.imports:
            target = self._scopes.imports[head]
            return f"{target}.{rest}" if rest else target
        if not rest and any(f.owner is None for f in self._scopes.functions_named(head)):
            return f"?.{name}"
        return f"builtins.{name}" if not rest else name

    def call_name(self, call: Call | ast.Call, function: FunctionFacts) -> str:
        """The qualified name of what is called, if it has one; aliases are seen through."""
        if not isinstance(call, Call):
            return self.qualified(dotted(call.func), function) or ""
        known = self._call_names.get((call, function))
        if known is None:
            known = self._call_names[call, function] = self._call_name(call, function)
        return known

    def _call_name(self, call: Call, function: FunctionFacts) -> str:
        node = call.node
        name = self.qualified(dotted(node.func), function)
        if isinstance(node.func, ast.Name):
            bound = self.bindings(node.func.id, function, call.order)
            if len(bound) == 1 and isinstance(bound[0].value, (ast.Name, ast.Attribute)):
                # `opener = gzip.open`, called under that name.
                name = self.qualified(dotted(bound[0].value), bound[0].function)
        return name or ""

    def callees(self, call: ast.Call, function: FunctionFacts) -> Sequence[FunctionFacts]:
        """The functions of this module that a call may run."""
        func = call.func
        if isinstance(func, ast.Name):
            named = self._scopes.functions_named(func.id)
            return [f for f in named if f.owner is None or f.outer is function]
        if isinstance(func, ast.Attribute):
            receiver = func.value
            owner = function.owner
            if isinstance(receiver, ast.Name):
                if owner is None or receiver.id not in {"self", "cls", owner.name}:
                    owner = self._scopes.class_named(receiver.id)
                found = self.method(owner, func.attr) if owner is not None else None
                return [found] if found is not None else []
            if isinstance(receiver, ast.Call) and dotted(receiver.func) == "super":
                return self._scopes.functions_named(func.attr)
        return []

    def opened_by_method(self, call: ast.Call) -> ast.expr:
        """The path in `path.open(mode)` or `file_system.open(path, mode)`."""
        assert isinstance(call.func, ast.Attribute)
        receiver = call.func.value
        first = argument(call, 0)
        if first is not None and not _is_mode(_text(first)):
            called = receiver.func if isinstance(receiver, ast.Call) else receiver
            last = name_words((dotted(called) or "").rpartition(".")[2])
            layer = last[-1:] if last[-2:] != ("file", "system") else ("filesystem",)
            if not apis.FILE_SYSTEMS.isdisjoint(layer):
                return first
        return receiver

    def method(self, owner: ClassFacts, name: str) -> FunctionFacts | None:
        return next((c.methods[name] for c in self.lineage(owner) if name in c.methods), None)

    def attribute(self, owner: ClassFacts, name: str) -> list[Binding]:
        return next((c.attributes[name] for c in self.lineage(owner) if name in c.attributes), [])

    def lineage(self, owner: ClassFacts, depth: int = 4) -> Iterator[ClassFacts]:
        """The class and those of the module that it inherits from."""
        yield owner
        for base in owner.bases if depth else ():
            parent = self._scopes.class_named(base)
            if parent is not None and parent is not owner:
                yield from self.lineage(parent, depth - 1)

    def bindings(self, name: str, function: FunctionFacts, before: int) -> list[Binding]:
        """What a local or enclosing name was last bound to before a place.

        Loops make later bindings reach earlier places; the last one before wins all the
        same, and when there is none every binding counts.
        """
        scope: FunctionFacts | None = function
        while scope is not None:
            bound: Sequence[Binding] = scope.bindings.get(name, ())
            if scope is function:
                earlier = []
                # They stand in the order of the file.
                for index in range(bisect_left(bound, before, key=_order) - 1, -1, -1):
                    if bound[index].kind == "add":
                        continue
                    earlier.append(bound[index])
                    # What was bound before a binding that is passed in any case is gone.
                    if bound[index].holds_at(before):
                        break
                if earlier:
                    return earlier[::-1]
            found = [b for b in bound if b.kind != "add"]
            if found:
                if scope is function and scope.parameter(name) is not None:
                    return []  # it still is what the caller gave
                return found
            if scope.parameter(name) is not None:
                break
            scope = scope.outer
        return []

    # --- paths ------------------------------------------------------------------

    def resolve(self, node: ast.expr, function: FunctionFacts, before: int) -> PathValue:
        """What `node`, evaluated in `function` at order `before`, is known of as a path."""
        cached = self._cache.get((node, before))
        if cached is None:
            cached = self._resolve(node, function, before, 0, _DEPTH)
            self._cache[node, before] = cached
        return cached

    def _resolve(
        self,
        node: ast.expr,
        function: FunctionFacts,
        before: int,
        distance: int,
        depth: int,
    ) -> PathValue:
        # `depth` counts the names and calls that were followed, and not how deep a single
        # expression is.
        if depth <= 0 or node in self._active or len(self._active) >= _MOST_NESTED:
            return _UNKNOWN
        self._active.add(node)
        try:
            return self._expression(node, function, before, distance, depth)
        finally:
            self._active.discard(node)

    def _expression(
        self,
        node: ast.expr,
        function: FunctionFacts,
        before: int,
        distance: int,
        depth: int,
    ) -> PathValue:
        again = (function, before, distance, depth)
        match node:
            case ast.Constant(value=str() | bytes()):
                return _literal_value(string(node) or "", distance)
            case ast.JoinedStr():
                return self._formatted(node, *again)
            case ast.Name():
                return self._name(node, *again)
            case ast.Attribute():
                return self._attribute(node, *again)
            case ast.Call():
                return self._call(node, *again)
            case ast.BinOp():
                left = self._resolve(node.left, *again)
                right = self._resolve(node.right, *again)
                if isinstance(node.op, ast.Div):
                    return _join([left, right], "path")
                if isinstance(node.op, ast.Mod):
                    return self._filled_in(node.left, _elements(node.right), *again)
                return _append(left, right, _text(node.right))
            case ast.IfExp():
                choices = [node.body, node.orelse]
                return _union([self._resolve(each, *again) for each in choices])
            case ast.BoolOp():
                return _union([self._resolve(each, *again) for each in node.values])
            case ast.NamedExpr() | ast.Await():
                return self._resolve(node.value, *again)
            case ast.Subscript():
                base = self._resolve(node.value, function, before, distance + 1, depth - 1)
                literal = _text(node.slice)
                mentions = base.mentions
                if literal is not None and not literal.isdigit():
                    mentions = (Mention("key", literal, distance), *mentions)
                key = f"{base.key}[{literal or '?'}]"
                aliases = frozenset({key}) if literal is not None else frozenset[str]()
                return PathValue(key, aliases, mentions, base.traits & {"temp", "tempdir"})
        return _UNKNOWN

    def _formatted(
        self, node: ast.JoinedStr, function: FunctionFacts, before: int, distance: int, depth: int
    ) -> PathValue:
        pieces: list[str] = []
        inner: list[PathValue] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                inner.append(self._resolve(part.value, function, before, distance, depth - 1))
                pieces.append("{}")
            else:
                pieces.append(string(part) or "")
        return _filled("".join(pieces), inner, distance)

    def _filled_in(
        self,
        template: ast.expr,
        given: Sequence[ast.expr],
        function: FunctionFacts,
        before: int,
        distance: int,
        depth: int,
    ) -> PathValue:
        """What `"{}.json".format(name)` and `"%s.json" % name` give."""
        text = _text(template)
        if text is None:
            return self._resolve(template, function, before, distance, depth)
        inner = [self._resolve(each, function, before, distance, depth - 1) for each in given]
        return _filled(_PLACE.sub("{}", text), inner, distance)

    def _name(
        self, node: ast.Name, function: FunctionFacts, before: int, distance: int, depth: int
    ) -> PathValue:
        name = node.id
        found = self.bindings(name, function, before)
        if found and all(_is_no_path(b.value) for b in found):
            # `_A = None`, which many parameters may have for a default: not one and the same file.
            return _UNKNOWN
        home = function
        while home.outer is not None and not home.parameter(name) and name not in home.bindings:
            home = home.outer
        parameter = home.parameter(name)
        # The order tells apart what a name stood for before and after it was bound anew.
        bound_at = f"@{found[-1].order}" if found else ""
        alias = f"{home.path}:{name}{bound_at}"
        if name.isupper() or (name.upper() == name and len(name) > 1):
            kind = "constant"
        else:
            kind = "parameter" if parameter is not None and not found else "variable"
        mention = Mention(kind, name, distance)
        traits: set[str] = set()
        values: list[PathValue] = []
        if found:
            # Later bindings first: the nearest one is the likeliest.
            values += [self._binding(b, distance + 1, depth - 1) for b in found[-3:][::-1]]
        elif parameter is not None:
            if parameter.default is not None:
                values.append(
                    self._resolve(parameter.default, home, before, distance + 1, depth - 1)
                )
            if parameter.annotation is not None:
                text = code_of(parameter.annotation)
                if "Path" in text:
                    traits.add("path")
                if any(word in text for word in ("IO", "Writer", "Buffer", "Stream")):
                    traits.add("handle")
            values += self._arguments(home, name, distance, depth)
        # More than one binding: the name may stand for different files, so only what all
        # of them say of its nature counts.
        if _is_temp_name(name):
            traits.add("temp")
        if phrase_in(words.ASIDE, name) and name != "old":  # `os.rename(new, old)`
            traits.add("aside")
        value = _union(values).named(alias, mention).having(*traits)
        for addition in home.bindings.get(name, ()):
            # `filename += ".txt"` makes another path of it.
            # A nested function runs later, when all is added.
            since, until = found[-1].order if found else 0, before if home is function else 1 << 60
            if addition.kind == "add" and since < addition.order < until:
                right = self._binding(addition, distance + 1, depth - 1)
                value = _append(value, right, _text(addition.value))
        return value

    def _binding(self, binding: Binding, distance: int, depth: int) -> PathValue:
        value = self._resolve(binding.value, binding.function, binding.order, distance, depth)
        if binding.kind == "with":
            if "memory" in value.traits:
                return value
            name = self.qualified(
                dotted(binding.value.func) if isinstance(binding.value, ast.Call) else None
            )
            if name == "tempfile.TemporaryDirectory":
                return value
            made = {"handle"}
            if not words.STAGING.isdisjoint(name_words((name or "").rpartition(".")[2])):
                made.add("staged")
            return PathValue(
                f"handle({value.key})",
                frozenset({f"handle({alias})" for alias in value.aliases}),
                value.mentions,
                value.traits | made,
            )
        if binding.kind.startswith("for"):
            return PathValue(
                f"item({value.key})", frozenset(), value.mentions, value.traits & {"temp", "path"}
            )
        if binding.kind.startswith("assign["):
            index = binding.kind.removeprefix("assign")
            key = f"{value.key}{index}"
            traits = value.traits
            if "temp" in traits and index == "[0]":
                traits |= {"descriptor"}
            aliases = frozenset({key}) if value.key != "?" else frozenset[str]()
            return PathValue(key, aliases, value.mentions, traits)
        return value

    def _arguments(
        self, function: FunctionFacts, name: str, distance: int, depth: int
    ) -> list[PathValue]:
        """What callers in this module pass for a parameter."""
        if depth <= 2:
            return []
        position = function.parameter_position(name)
        called = function.name
        if called == "__init__" and function.owner is not None:
            called = function.owner.name
        values = []
        for call in islice(self._scopes.callers_of(called), 6):
            if called == function.name and function not in self.callees(call.node, call.function):
                continue
            value = call.argument(position, name)
            if value is not None:
                values.append(
                    self._resolve(value, call.function, call.order, distance + 1, depth - 2)
                )
        return values

    def _attribute(
        self, node: ast.Attribute, function: FunctionFacts, before: int, distance: int, depth: int
    ) -> PathValue:
        name = node.attr
        owner = function.owner
        mention = Mention("attribute", name, distance)
        own = {"temp"} if _is_temp_name(name) else set[str]()
        if isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"} and owner:
            values = [
                self._binding(b, distance + 1, depth - 1) for b in self.attribute(owner, name)[-3:]
            ]
            method = self.method(owner, name)
            if method is not None:
                values += self._returned(method, distance, depth)
            alias = f"self.{name}@{owner.name}"
            return _union(values).named(alias, mention, key=f"self.{name}").having(*own)
        text = dotted(node)
        base = self._resolve(node.value, function, before, distance, depth - 1)
        if name == "name":
            # `handle.name` is the path again; `path.name` is its last part.
            if "handle" in base.traits or "temp" in base.traits:
                inner = frozenset(
                    a[len("handle(") : -1] for a in base.aliases if a[:7] == "handle("
                )
                traits = base.traits - {"handle"}
                return PathValue(base.key, inner | base.aliases, base.mentions, traits)
            derived = base.derived_from | base.aliases
            return base.part(name, 0, frozenset({"temp", "path"}), derived)
        if name in {"parent", "parents", "stem", "suffix"}:
            # What the folder is called says little of the file.
            derived = base.aliases if name == "stem" else frozenset()
            return base.part(name, 3, _OF_FOLDERS | {"path"}, derived)
        bound = self.bindings(text, function, before)[-2:] if text is not None else ()
        value = _union([self._binding(b, distance + 1, depth - 1) for b in bound])
        value = value.named(f"{base.key}.{name}", mention)
        if text is not None:
            # The same dotted name means the same object in most of a module's functions.
            value = replace(value, aliases=value.aliases | {f"~{text}"})
        return value.having(*own, *(base.traits & _OF_FOLDERS))

    def _given_back(
        self, call: ast.Call, callee: FunctionFacts, returned: list[PathValue]
    ) -> ast.expr | None:
        """The argument that a function returns in another form, if that is all it does."""
        for parameter in callee.parameters:
            name = parameter.name
            if returned and all(f"{callee.path}:{name}" in v.aliases for v in returned):
                return argument(call, callee.parameter_position(name), name)
        return None

    def _returned(self, function: FunctionFacts, distance: int, depth: int) -> list[PathValue]:
        return [
            self._resolve(r.value, function, r.order, distance + 1, depth - 1)
            for r in function.returns[-3:]
        ]

    def _call(
        self, node: ast.Call, function: FunctionFacts, before: int, distance: int, depth: int
    ) -> PathValue:
        again = (function, before, distance, depth - 1)
        name = self.qualified(dotted(node.func), function) or ""
        first = argument(node, 0)
        last = name.rpartition(".")[2]
        if last in apis.IN_MEMORY:
            return PathValue("memory", frozenset(), (), frozenset({"memory", "handle"}))
        if name in apis.TEMP_MAKERS:
            return self._temp(node, name, again)
        if not apis.PATH_CLASSES.isdisjoint({name, last}):
            parts = [a.value for a in arguments(node) if not a.keyword and not a.star]
            values = [self._resolve(part, *again) for part in parts]
            if len(values) == 1:
                return values[0].having("path")
            return _join(values, "path")
        if name in apis.JOIN_CALLS:
            values = [self._resolve(a.value, *again) for a in arguments(node) if not a.keyword]
            return _join(values)
        if name in apis.SAME_PATH_CALLS and first is not None:
            target = argument(node, 1) if name == "typing.cast" else None
            return self._resolve(target or first, *again)
        if name in {"os.path.basename", "os.path.dirname"} and first is not None:
            base = self._resolve(first, *again)
            if name == "os.path.basename":
                return base.part("basename", 0, _OF_FOLDERS, base.aliases)
            return base.part("dirname", 3, _OF_FOLDERS, frozenset())
        if name == "os.open":
            return PathValue(f"fd:{before}", frozenset(), (), frozenset({"descriptor"}))
        opener = apis.opener(name)
        if opener is not None:
            target = argument(node, 0, opener.path_keyword)
            return self._resolve(target, *again) if target is not None else _UNKNOWN
        if isinstance(node.func, ast.Attribute):
            known = self._method_call(node, node.func, first, again)
            if known is not None:
                return known
        if not _FRESH_CALLS.isdisjoint({name, last}):
            return PathValue(f"fresh:{before}", frozenset(), (), frozenset({"fresh"}))
        for callee in self.callees(node, function)[:1]:
            values = self._returned(callee, distance, depth)
            given = self._given_back(node, callee, values)
            if given is not None:
                # `_checked(path)`: what it is given, and no file of its own.
                return self._resolve(given, *again)
            mention = Mention("function", callee.name, distance)
            found = _union(values).named(f"call:{callee.path}()", mention)
            for value in (self._resolve(a.value, *again) for a in arguments(node)):
                if value.key.startswith("append("):
                    # `path_of(f"{name}.new")`: beside what `path_of(name)` gives.
                    return _append(found, value, value.key[:-1].rpartition(",")[2])
            return found
        # A function from elsewhere: its name and what it is given are all there is to see.
        called = dotted(node.func) or ""
        given_values = [
            self._resolve(a.value, function, before, distance + 1, depth - 2)
            for a in arguments(node)
            if not a.star
        ]
        receiver = _UNKNOWN
        if isinstance(node.func, ast.Attribute):
            called = called or node.func.attr
            receiver = self._resolve(node.func.value, function, before, distance + 1, depth - 2)
        last = called.rpartition(".")[2]
        keys = ",".join(a.key for a in given_values)
        alias = f"call:{called}({keys})"
        if len(given_values) == 1 and phrase_in(words.SAME_PATH, called):
            return replace(given_values[0], aliases=given_values[0].aliases | {alias})
        aliases = frozenset({alias} if called and "?" not in keys else ())
        mentions = [Mention("function", last, distance)] if called else []
        mentions += (m for value in given_values for m in value.mentions)
        traits = receiver.traits & _OF_FOLDERS
        if _is_temp_name(last):
            traits |= {"temp"}
        for value in given_values:
            traits |= value.traits & _OF_PARTS
        derived = frozenset[str]().union(*(value.aliases for value in given_values))
        return PathValue(alias, aliases, tuple(mentions), traits, derived)

    def _method_call(
        self,
        node: ast.Call,
        func: ast.Attribute,
        first: ast.expr | None,
        again: tuple[FunctionFacts, int, int, int],
    ) -> PathValue | None:
        method = func.attr
        if method in apis.SAME_PATH_METHODS:
            return self._resolve(func.value, *again)
        if method == "joinpath":
            values = [self._resolve(a.value, *again) for a in arguments(node) if not a.keyword]
            return _join([self._resolve(func.value, *again), *values], "path")
        if method == "format":
            return self._filled_in(func.value, [arg.value for arg in arguments(node)], *again)
        if method == "open":
            opened = self.opened_by_method(node)
            if opened is not func.value or first is None or _is_mode(_text(first)):
                return self._resolve(opened, *again)
        if first is None:
            return None
        if method in {"glob", "rglob"}:
            return _join([self._resolve(func.value, *again), self._resolve(first, *again)], "path")
        if method in {"with_suffix", "with_name", "with_stem"}:
            base = self._resolve(func.value, *again)
            made = self._resolve(first, *again)
            if method == "with_name" and not made.derived_from & base.aliases and not made.is_temp:
                folder = PathValue(
                    f"parent({base.key})", frozenset(), (), base.traits & _OF_FOLDERS
                )
                return _join([folder, made], "path")
            return _append(base, made, _text(first) or "?").having("path")
        if method == "enter_context":
            return self._resolve(first, *again).having("handle")
        literal = _text(first)
        if method == "get" and literal is not None:
            base = self._resolve(func.value, *again)
            key = f"{base.key}[{literal}]"
            mention = Mention("key", literal, again[2])
            return PathValue(key, frozenset({key}), (mention, *base.mentions))
        return None

    def _temp(
        self, node: ast.Call, name: str, again: tuple[FunctionFacts, int, int, int]
    ) -> PathValue:
        key = f"temp:{node.lineno}:{node.col_offset}"
        aliases = frozenset({key, f"handle({key})"})
        traits = {"temp"}
        folder = argument(node, 2 if name == "tempfile.mkstemp" else None, "dir")
        derived = frozenset[str]()
        if folder is not None and dotted(folder) != "None":
            value = self._resolve(folder, *again)
            traits.add("beside")
            derived = value.aliases
        if name.endswith("gettempdir"):
            traits = {"systemp"}
        elif name.endswith(("Directory", "mkdtemp")):
            traits |= {"tempdir"}
        elif name.endswith("TemporaryFile"):
            traits.add("handle")
        return PathValue(key, aliases, (), frozenset(traits), derived)


def _text(node: ast.expr | None) -> str | None:
    """The text of a plain string literal, or of a whole number."""
    match node:
        # No digits of what is too large to be anybody's key: Python itself may refuse them.
        case ast.Constant(value=int(number)) if is_number(node) and number.bit_length() < 64:
            return str(number)
    return string(node)


def _elements(node: ast.expr) -> list[ast.expr]:
    """What stands right of `%`: one value, or those of a tuple."""
    found = node.elts if isinstance(node, ast.Tuple) else [node]
    return [each.value if isinstance(each, ast.Starred) else each for each in found]


def _is_no_path(node: ast.expr) -> bool:
    return is_number(node) or dotted(node) in {"None", "True", "False"}


def _is_mode(text: str | None) -> bool:
    return text is not None and 0 < len(text) <= 4 and set(text) <= set("rwaxbtU+")


def _is_temp_name(name: str) -> bool:
    found = phrase_in(_TEMP, name)
    return found is not None and "template" not in name.lower()


def _literal_value(template: str, distance: int) -> PathValue:
    text = template.replace("{}", "")
    traits: set[str] = set()
    if template.startswith(("/dev/", "/proc/", "/sys/", "\\\\.\\")):
        traits.add("device")
    if template.startswith(("/tmp/", "/var/tmp/")) or template == "/tmp":
        traits.add("systemp")
    base = template.replace("\\", "/").rstrip("/").rpartition("/")[2]
    tail = [part for part in base.lower().split(".")[1:] if part]
    if any(part.rstrip("0123456789") in _TEMP for part in tail) or base.lower().startswith(
        ("tmp", "temp_", "temp.", ".tmp")
    ):
        traits.add("temp")
    if any(part in words.ASIDE for part in tail):
        traits.add("aside")
    # `{}.csv` is any table's name.
    named = (base.rpartition(".")[0] or base).replace("{}", "").strip("._-")
    aliases = frozenset({f"lit:{base}"}) if named else frozenset[str]()
    mentions = (Mention("literal", text, distance),) if text.strip("./_- ") else ()
    return PathValue(f"'{template}'", aliases, mentions, frozenset(traits))


def _filled(text: str, inner: list[PathValue], distance: int) -> PathValue:
    """A text with values in place of each `{}`."""
    literal = _literal_value(text, distance)
    if not inner:
        return literal
    if text.startswith("{}") and text.count("{}") == 1 and not text[2:].startswith(("/", "\\")):
        # f"{path}.tmp": made from the path by a suffix.
        made = _append(inner[0], literal, text[2:])
        return replace(made, aliases=made.aliases | literal.aliases)
    mentions = (*literal.mentions, *(m for value in inner for m in value.mentions))
    traits = literal.traits | frozenset[str]().union(*(v.traits for v in inner)) & _OF_PARTS
    derived = frozenset[str]().union(*(v.aliases for v in inner))
    key = text
    for value in inner:
        key = key.replace("{}", "{" + value.key + "}", 1)
    return PathValue(key, literal.aliases | {key}, mentions, traits, derived)


def _join(values: list[PathValue], *traits: str) -> PathValue:
    if not values:
        return _UNKNOWN
    last = values[-1]
    key = "join(" + ",".join(v.key for v in values) + ")"
    folder_mentions = tuple(
        Mention(m.kind, m.text, m.distance + 2) for v in values[:-1] for m in v.mentions
    )
    inherited = frozenset[str]().union(
        *(v.traits & (_OF_FOLDERS | {"beside", "device"}) for v in values)
    ) | (last.traits & {"temp", "fresh", "aside"})
    if any(
        mention.kind == "parameter" and mention.text in words.SCRATCH_FIXTURES
        for value in values[:-1]
        for mention in value.mentions
    ):
        inherited |= {"tempdir"}
    # A file beside the code, or in a temp folder, is not the one of that name elsewhere.
    home = "code/" if any("__file__" in v.key for v in values[:-1]) else ""
    if "tempdir" in inherited:
        home = "temp/"
    aliases = {key} | {
        f"lit:{home}{alias[4:]}" for alias in last.aliases if alias.startswith("lit:")
    }
    if last.key.startswith("append("):
        # `folder / f"{one}.json"` and `folder / f"{other}.json"` are of one kind.
        aliases.add(f"{key.removesuffix(last.key + ')')}{{}}{last.key.rpartition(',')[2]}")
    aliases = {alias for alias in aliases if "?" not in alias}
    return PathValue(
        key,
        frozenset(aliases),
        (*last.mentions, *folder_mentions),
        inherited | frozenset(traits),
        last.derived_from,
    )


def _append(left: PathValue, right: PathValue, suffix: str | None) -> PathValue:
    """`left` with something put behind its name."""
    shown = "?" if suffix is None else suffix
    key = f"append({left.key},{shown})"
    traits = set((left.traits | right.traits) & (_OF_FOLDERS | {"fresh", "path", "aside"}))
    if left.is_temp or right.is_temp:
        traits.add("temp")
    if suffix == "~" or (suffix is not None and suffix.strip("._-~").lower() in words.ASIDE):
        traits.add("aside")
    mentions = (*right.mentions, *left.mentions)
    aliases = frozenset({key}) if left.key != "?" else frozenset[str]()
    aliases |= {f"append({alias},{shown})" for alias in left.aliases}
    return PathValue(key, aliases, mentions, frozenset(traits), left.aliases | left.derived_from)


def _union(values: list[PathValue]) -> PathValue:
    if len(values) == 1:
        return values[0]
    known = [v for v in values if v.key != "?"]
    traits: frozenset[str] = frozenset()
    if known:
        traits = known[0].traits
        for value in known[1:]:
            traits = (traits & value.traits) | ((traits | value.traits) & {"path"})
    return PathValue(
        known[0].key if len(known) == 1 else "?",
        frozenset[str]().union(*(v.aliases for v in values)),
        tuple(dict.fromkeys(m for v in values for m in v.mentions)),
        traits,
        frozenset[str]().union(*(v.derived_from for v in values)),
    )
