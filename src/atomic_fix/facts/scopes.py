"""One pass over the tree: functions, classes, and their bindings, calls and handlers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from atomic_fix.facts.nodes import (
    Argument,
    For,
    Function,
    With,
    argument,
    arguments,
    children,
    dotted,
    last_name,
)


class BindingKind(Enum):
    """How a name gets its value."""

    ASSIGN = "="
    WITH = "with ... as"
    FOR = "for ... in"
    """It is bound to the elements of the value, one after the other."""
    ADD = "+="


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A name or attribute gets a value. `order` grows along the file."""

    order: int
    value: ast.expr
    kind: BindingKind
    function: FunctionFacts
    node: ast.AST
    enclosing: tuple[EnclosingBlock, ...]
    unpacked: tuple[int, ...] = ()
    """Which part of the value it is: `(0,)` for `a` and `(1, 0)` for `b` in `a, (b, c) = value`."""

    @property
    def is_assigned(self) -> bool:
        """Whether the name refers to the value itself."""
        return self.kind is BindingKind.ASSIGN and not self.unpacked

    @property
    def is_whole(self) -> bool:
        """Whether the name refers to the value itself, or to the result of entering it with
        `with`."""
        return self.kind in {BindingKind.ASSIGN, BindingKind.WITH} and not self.unpacked

    def holds_at(self, order: int) -> bool:
        """Whether later code of the function is reached only through this binding."""
        # Of the blocks around a place, the innermost one ends first.
        return self.order < order and (not self.enclosing or self.enclosing[-1].end >= order)


class BlockKind(Enum):
    """Which part of a statement a block is."""

    WITH = auto()
    TRY = auto()
    HANDLER = auto()
    TRY_ELSE = auto()
    FINALLY = auto()
    IF = auto()
    ELSE = auto()
    """Of an `if`."""
    LOOP = auto()
    """The body of one, not its `else`."""


@dataclass(slots=True, eq=False)
class EnclosingBlock:
    """A statement that encloses a place, and which part of it."""

    kind: BlockKind
    node: ast.AST
    end: int = 0
    """The order at which that part ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    order: int
    node: ast.Call
    function: FunctionFacts
    enclosing: tuple[EnclosingBlock, ...]
    name: str | None
    """The dotted name as written, if it is one."""
    shown: ast.Call | None = None
    """The call in the file, if `node` was derived from it (`to_thread(path.write_text, x)`)."""

    @property
    def source_node(self) -> ast.Call:
        """The call as written in the file."""
        return self.node if self.shown is None else self.shown

    def at(self, place: Binding | Return) -> Call:
        """The call moved to another place, so that its names are resolved there."""
        return Call(place.order, self.node, place.function, (), None)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Its arguments, in the order of the file."""
        return arguments(self.node)

    def argument(self, position: int | None, keyword: str = "") -> ast.expr | None:
        """The value of an argument by position or keyword; None if absent or starred."""
        return argument(self.node, position, keyword)

    @property
    def method(self) -> str | None:
        """`write_text` for `anything.write_text(...)`."""
        func = self.node.func
        return func.attr if isinstance(func, ast.Attribute) else None

    @property
    def receiver(self) -> ast.expr | None:
        func = self.node.func
        return func.value if isinstance(func, ast.Attribute) else None


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A call that does something with a file."""

    call: Call

    @property
    def function(self) -> FunctionFacts:
        return self.call.function

    @property
    def order(self) -> int:
        return self.call.order

    @property
    def node(self) -> ast.Call:
        """The node in the file to report."""
        return self.call.source_node


@dataclass(slots=True, eq=False)
class GuardedRegion:
    """A `try` statement with its handlers, or a `with suppress(...)`."""

    order: int
    node: ast.Try | With
    function: FunctionFacts
    enclosing: tuple[EnclosingBlock, ...]
    body_end: int = 0
    """Calls with an order between `order` and `body_end` are in the body."""
    end: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    order: int
    value: ast.expr
    function: FunctionFacts


@dataclass(frozen=True, slots=True, eq=False)
class Raise:
    order: int
    error: ast.expr | None
    enclosing: tuple[EnclosingBlock, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """An `if` statement."""

    order: int
    node: ast.If


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that can be passed by position or by name, or only by name."""

    name: str
    annotation: ast.expr | None = None
    default: ast.expr | None = None


@dataclass(slots=True, eq=False)
class ClassFacts:
    name: str
    bases: tuple[str, ...]
    methods: dict[str, FunctionFacts] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class FunctionFacts:
    """A function, or the module's own code when `node` is the module."""

    name: str
    node: Function | ast.Module
    owner: ClassFacts | None
    outer: FunctionFacts | None
    order: int
    parameters: tuple[Parameter, ...] = ()
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    guarded_regions: list[GuardedRegion] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)
    """The names that it imports itself: unbound until that has run, like every local name."""

    @property
    def row(self) -> int:
        """Where its `def` is: no other function of the module has its name and row. 0 for the
        module."""
        return 0 if isinstance(self.node, ast.Module) else self.node.lineno

    @property
    def is_module(self) -> bool:
        return isinstance(self.node, ast.Module)

    def parameter(self, name: str) -> Parameter | None:
        for each in self.parameters:  # not a generator: it is called very often
            if each.name == name:
                return each
        return None

    def hides(self, name: str) -> bool:
        """Whether a name is local to this function, or to one around it."""
        return any(
            name in each.bindings or name in each.imported or each.parameter(name) is not None
            for each in self.with_outer()
        )

    def with_outer(self) -> Iterator[FunctionFacts]:
        """This function and those around it, the innermost first, without the module."""
        scope: FunctionFacts | None = self
        while scope is not None and not scope.is_module:
            yield scope
            scope = scope.outer

    def collects(self, name: str) -> bool:
        """Whether a name stands for all remaining arguments: `*parts`, `**options`."""
        if isinstance(self.node, ast.Module):
            return False
        given = self.node.args
        return any(each is not None and each.arg == name for each in (given.vararg, given.kwarg))

    @property
    def collects_all(self) -> bool:
        """Whether it takes any number of arguments: `*parts`."""
        return not isinstance(self.node, ast.Module) and self.node.args.vararg is not None

    def parameter_position(self, name: str) -> int | None:
        """Position among the arguments of a call, without `self` and `cls`."""
        names = [p.name for p in self.parameters]
        if names and self.owner is not None and names[0] in {"self", "cls"}:
            names = names[1:]
        return names.index(name) if name in names else None


@dataclass(slots=True)
class Scopes:
    """Everything the pass found."""

    module: FunctionFacts
    functions: list[FunctionFacts] = field(default_factory=list)
    classes: dict[str, ClassFacts] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    by_name: dict[str, list[FunctionFacts]] = field(default_factory=dict)
    """Functions and methods of the module by their plain name."""
    callers: dict[str, list[Call]] = field(default_factory=dict)
    """Calls by the last part of the name that is called."""

    def calls(self) -> Iterator[Call]:
        for function in self.functions:
            yield from function.calls

    def callers_of(self, name: str) -> Iterable[Call]:
        """The calls of functions or methods with this name, in the order of the file."""
        return self.callers.get(name, ())

    def functions_named(self, name: str) -> Sequence[FunctionFacts]:
        return self.by_name.get(name, ())

    def class_named(self, name: str) -> ClassFacts | None:
        """The first class of this name."""
        return self.classes.get(name)

    def take_apart(self) -> None:
        """Break all references between the collected objects: functions and their content refer to
        each other, and only the garbage collector would free such cycles."""
        for function in self.functions:
            for held in (
                function.bindings,
                function.calls,
                function.guarded_regions,
                function.returns,
                function.branches,
                function.raises,
            ):
                held.clear()
            owner = function.owner
            if owner is not None:
                owner.methods.clear()
                owner.attributes.clear()
        for owner in self.classes.values():
            owner.attributes.clear()


def collect(module: ast.Module) -> Scopes:
    """The result of one pass over a file.

    Raises:
        RecursionError: it is nested too deeply for the available stack.
    """
    collector = _Collector(module)
    try:
        for statement in module.body:
            collector.visit(statement)
    finally:
        collector.visits.clear()  # its own methods, which refer to it
    return collector.scopes


_OF_ONE = frozenset({ast.Attribute, ast.Await, ast.Expr, ast.Starred, ast.keyword})
"""Nodes that contain only a `value`."""


class _Collector:
    """Fills a `Scopes` on its way through a tree, in the order of the file."""

    def __init__(self, module: ast.Module) -> None:
        top = FunctionFacts("", module, None, None, 0)
        self.scopes = Scopes(top, [top])
        self._order = 0
        self._function = top
        # The class whose body is being read, None inside a function.
        self._class: ClassFacts | None = None
        self._enclosing: tuple[EnclosingBlock, ...] = ()
        self.visits: dict[type[ast.AST], Callable[[Any], None]] = {
            ast.AnnAssign: self._annotated,
            ast.Assign: self._assign,
            ast.AsyncFor: self._for,
            ast.AsyncFunctionDef: self._def,
            ast.AsyncWith: self._with,
            ast.AugAssign: self._augmented,
            ast.Call: self._call,
            ast.ClassDef: self._class_def,
            ast.For: self._for,
            ast.FunctionDef: self._def,
            ast.If: self._if,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.NamedExpr: self._annotated,
            ast.Raise: self._raise,
            ast.Return: self._return,
            ast.Try: self._try,
            ast.While: self._while,
            ast.With: self._with,
            ast.Yield: self._return,
            ast.comprehension: self._comprehension,
        }

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        while kind in _OF_ONE:
            node = node.value  # type: ignore[attr-defined]
            kind = type(node)
        if kind is ast.Name or kind is ast.Constant:
            return
        visit = self.visits.get(kind)
        if visit is not None:
            visit(node)
        else:
            self._all(children(node))

    def _all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            kind = type(node)
            # Half of all nodes, which contain no others.
            if kind is not ast.Name and kind is not ast.Constant:
                self.visit(node)

    def _tick(self) -> int:
        self._order += 1
        return self._order

    # --- scopes -----------------------------------------------------------------

    def _def(self, node: Function) -> None:
        home, outer, enclosing = self._class, self._function, self._enclosing
        # A function nested in a method sees the method's `self`.
        owner = home or outer.owner
        parameters = _parameters(node.args)
        function = FunctionFacts(node.name, node, owner, outer, self._tick(), parameters)
        self.scopes.functions.append(function)
        self.scopes.by_name.setdefault(function.name, []).append(function)
        if home is not None:
            home.methods.setdefault(function.name, function)
        self._class, self._function, self._enclosing = None, function, ()
        self._all(children(node))
        self._class, self._function, self._enclosing = home, outer, enclosing

    def _class_def(self, node: ast.ClassDef) -> None:
        bases = tuple(dotted(base) or "" for base in node.bases)
        owner = ClassFacts(node.name, bases)
        self.scopes.classes.setdefault(owner.name, owner)
        home, self._class = self._class, owner
        self._all(children(node))
        self._class = home

    # --- imports ----------------------------------------------------------------

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.scopes.imports[alias.asname or top] = alias.name if alias.asname else top
            self._function.imported.add(alias.asname or top)

    def _import_from(self, node: ast.ImportFrom) -> None:
        prefix = "." * node.level + (f"{node.module}." if node.module else "")
        for alias in node.names:
            if alias.name != "*":
                self.scopes.imports[alias.asname or alias.name] = prefix + alias.name
                self._function.imported.add(alias.asname or alias.name)

    # --- bindings ---------------------------------------------------------------

    def _assign(self, node: ast.Assign) -> None:
        order = self._tick()
        for target in node.targets:
            self._bind(target, node.value, BindingKind.ASSIGN, order, node)
        self._all(children(node))

    def _annotated(self, node: ast.AnnAssign | ast.NamedExpr) -> None:
        if node.value is not None:
            self._bind(node.target, node.value, BindingKind.ASSIGN, self._tick(), node)
        self._all(children(node))

    def _augmented(self, node: ast.AugAssign) -> None:
        self._bind(node.target, node.value, BindingKind.ADD, self._tick(), node)
        self._all(children(node))

    def _comprehension(self, node: ast.comprehension) -> None:
        self._bind(node.target, node.iter, BindingKind.FOR, self._tick(), node)
        self._all(children(node))

    def _bind(
        self,
        target: ast.expr,
        value: ast.expr,
        kind: BindingKind,
        order: int,
        node: ast.AST,
        unpacked: tuple[int, ...] = (),
    ) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            values: Sequence[ast.expr] = ()
            is_assigned = kind is BindingKind.ASSIGN and not unpacked
            if isinstance(value, (ast.Tuple, ast.List)) and is_assigned:
                values = value.elts
            for index, element in enumerate(target.elts):
                element = element.value if isinstance(element, ast.Starred) else element
                if len(values) == len(target.elts):
                    given = values[index]
                    given = given.value if isinstance(given, ast.Starred) else given
                    self._bind(element, given, kind, order, node)
                else:
                    self._bind(element, value, kind, order, node, (*unpacked, index))
            return
        name = dotted(target)
        if name is None:
            return
        head, _, rest = name.partition(".")
        owner = self._class if not rest else None
        if head in {"self", "cls"} and rest and "." not in rest and self._function.owner:
            owner, name = self._function.owner, rest
        home = self._function.bindings if owner is None else owner.attributes
        binding = Binding(order, value, kind, self._function, node, self._enclosing, unpacked)
        home.setdefault(name, []).append(binding)

    # --- calls, returns ---------------------------------------------------------

    def _call(self, node: ast.Call) -> None:
        name = dotted(node.func)
        call = Call(self._tick(), node, self._function, self._enclosing, name)
        self._function.calls.append(call)
        last = last_name(node.func)
        if last is not None:
            self.scopes.callers.setdefault(last, []).append(call)
        self._all(children(node))

    def _return(self, node: ast.Return | ast.Yield) -> None:
        if node.value is not None:
            function = self._function
            function.returns.append(Return(self._tick(), node.value, function))
            self.visit(node.value)

    def _raise(self, node: ast.Raise) -> None:
        self._function.raises.append(Raise(self._tick(), node.exc, self._enclosing))
        self._all(children(node))

    # --- enclosing statements ---------------------------------------------------

    def _block(self, kind: BlockKind, node: ast.AST, nodes: Iterable[ast.AST]) -> None:
        """Visits one part of a statement."""
        around = self._enclosing
        block = EnclosingBlock(kind, node)
        self._enclosing = (*around, block)
        self._all(nodes)
        block.end = self._tick()
        self._enclosing = around

    def _with(self, node: With) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._bind(
                    item.optional_vars, item.context_expr, BindingKind.WITH, self._tick(), item
                )
            self._all(children(item))
        # `suppress(...)` is treated as a `try` that has only a body.
        region = GuardedRegion(self._tick(), node, self._function, self._enclosing)
        self._block(BlockKind.WITH, node, node.body)
        region.body_end = self._tick()
        region.end = self._tick()
        self._function.guarded_regions.append(region)

    def _try(self, node: ast.Try) -> None:
        region = GuardedRegion(self._tick(), node, self._function, self._enclosing)
        self._block(BlockKind.TRY, node, node.body)
        region.body_end = self._tick()
        for handler in node.handlers:
            self._block(BlockKind.HANDLER, handler, children(handler))
        if node.orelse:
            self._block(BlockKind.TRY_ELSE, node, node.orelse)
        if node.finalbody:
            self._block(BlockKind.FINALLY, node, node.finalbody)
        region.end = self._tick()
        self._function.guarded_regions.append(region)

    def _if(self, node: ast.If) -> None:
        self._function.branches.append(Branch(self._tick(), node))
        self.visit(node.test)
        self._block(BlockKind.IF, node, node.body)
        if node.orelse:
            self._block(BlockKind.ELSE, node, node.orelse)

    def _for(self, node: For) -> None:
        self._bind(node.target, node.iter, BindingKind.FOR, self._tick(), node)
        self.visit(node.target)
        self.visit(node.iter)
        self._block(BlockKind.LOOP, node, node.body)
        self._all(node.orelse)

    def _while(self, node: ast.While) -> None:
        self.visit(node.test)
        self._block(BlockKind.LOOP, node, node.body)
        self._all(node.orelse)


def _parameters(args: ast.arguments) -> tuple[Parameter, ...]:
    places = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(places) - len(args.defaults))
    defaults += [*args.defaults, *args.kw_defaults]
    return tuple(
        Parameter(each.arg, each.annotation, default)
        for each, default in zip([*places, *args.kwonlyargs], defaults, strict=True)
    )
