"""One pass over the tree: functions, classes, and what is bound, called and handled in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from atomic_fix.facts.names import dotted


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A name or attribute gets a value. `order` grows along the file."""

    order: int
    value: cst.BaseExpression
    kind: str
    """`assign`, `with` (bound by `as`), `for` (bound to items of `value`), `add`."""
    function: FunctionFacts
    node: cst.CSTNode
    inside: tuple[Inside, ...]

    def holds_at(self, order: int) -> bool:
        """Whether a later place of the function is reached only through this binding."""
        return self.order < order and all(inside.end >= order for inside in self.inside)


@dataclass(slots=True, eq=False)
class Inside:
    """A statement that encloses a place, and which part of it."""

    kind: str
    """`with`, `try`, `handler`, `else`, `finally`, `if`, `orelse`, `loop`."""
    node: cst.CSTNode
    end: int = 0
    """The order at which that part is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    order: int
    node: cst.Call
    function: FunctionFacts
    inside: tuple[Inside, ...]
    name: str | None
    """The dotted name as written, if it is one."""
    shown: cst.CSTNode | None = None
    """The call in the file, when `node` was made from it (`to_thread(path.write_text, x)`)."""

    @property
    def place(self) -> cst.CSTNode:
        """What to point at."""
        return self.node if self.shown is None else self.shown

    def at(self, place: Binding | Return) -> Call:
        """A call that stands elsewhere, and sees what names stand for there."""
        return Call(place.order, self.node, place.function, (), None)

    def argument(self, position: int | None, keyword: str = "") -> cst.BaseExpression | None:
        """The value of an argument by position or keyword; None if absent or starred."""
        return argument(self.node, position, keyword)

    @property
    def method(self) -> str | None:
        """`write_text` for `anything.write_text(...)`."""
        func = self.node.func
        return func.attr.value if isinstance(func, cst.Attribute) else None

    @property
    def receiver(self) -> cst.BaseExpression | None:
        func = self.node.func
        return func.value if isinstance(func, cst.Attribute) else None


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
    def node(self) -> cst.CSTNode:
        """What to point at in the file."""
        return self.call.place


@dataclass(slots=True, eq=False)
class Handled:
    """A `try` statement with its handlers, or a `with suppress(...)`."""

    order: int
    node: cst.Try | cst.With
    function: FunctionFacts
    inside: tuple[Inside, ...]
    body_end: int = 0
    """Calls with an order between `order` and `body_end` stand in what is tried."""
    end: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    order: int
    value: cst.BaseExpression
    function: FunctionFacts


@dataclass(frozen=True, slots=True, eq=False)
class Raise:
    order: int
    inside: tuple[Inside, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """An `if` statement."""

    order: int
    node: cst.If


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
    node: cst.FunctionDef | cst.Module
    owner: ClassFacts | None
    outer: FunctionFacts | None
    order: int
    parameters: tuple[cst.Param, ...] = ()
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)

    @property
    def path(self) -> str:
        """A name that no other function of the module has."""
        return f"{self.name}#{self.order}"

    @property
    def is_module(self) -> bool:
        return isinstance(self.node, cst.Module)

    def may_call(self, names: frozenset[str]) -> bool:
        """Whether a call by one of these last names can stand in the body; true if unknown."""
        return True

    @property
    def may_load(self) -> bool:
        """Whether the body may load a file, or keep one; true if unknown."""
        return True

    def parameter(self, name: str) -> cst.Param | None:
        return next((p for p in self.parameters if p.name.value == name), None)

    def parameter_position(self, name: str) -> int | None:
        """Position among the arguments of a call, `self` and `cls` left out."""
        names = [p.name.value for p in self.parameters if not p.star]
        if names and self.owner is not None and names[0] in {"self", "cls"}:
            names = names[1:]
        return names.index(name) if name in names else None


def argument(call: cst.Call, position: int | None, keyword: str = "") -> cst.BaseExpression | None:
    """What a call gives in a place, or by a name; None for the place: by the name alone."""
    index = 0
    for arg in call.args:
        if arg.star:
            # What follows a star has no known position.
            index = 1000
            continue
        if arg.keyword is not None:
            if keyword and arg.keyword.value == keyword:
                return arg.value
            continue
        if index == position:
            return arg.value
        index += 1
    return None


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
        """The calls of what is called by this name, or method, in the order of the file."""
        return self.callers.get(name, ())

    def functions_named(self, name: str) -> Sequence[FunctionFacts]:
        return self.by_name.get(name, ())

    def class_named(self, name: str) -> ClassFacts | None:
        """The first class of this name."""
        return self.classes.get(name)

    def loading(self) -> list[FunctionFacts]:
        """Functions beside `functions` that may load a file and do nothing else that matters."""
        return []

    def keeping(self) -> list[FunctionFacts]:
        """Functions beside `functions` that call what writes a file in a way of its own."""
        return []

    def forget(self) -> None:
        """Let go of what was found, where that spares the search for rings of references."""


def collect(module: cst.Module) -> Scopes:
    collector = Collector(module)
    module.visit(collector)
    return collector.scopes


class Collector(cst.CSTVisitor):
    """Fills a `Scopes` on its way through a tree."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        top = FunctionFacts("", module, None, None, 0)
        self.scopes = Scopes(top, [top])
        self._order = 0
        self._functions = [top]
        # The class whose body is being read, None inside a function; innermost last.
        self._classes: list[ClassFacts | None] = [None]
        self._inside: tuple[Inside, ...] = ()
        self._saved_inside: list[tuple[Inside, ...]] = []
        self._tries: list[Handled] = []

    @property
    def _function(self) -> FunctionFacts:
        return self._functions[-1]

    def _tick(self) -> int:
        self._order += 1
        return self._order

    # --- scopes -----------------------------------------------------------------

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        home = self._classes[-1]
        outer = self._function
        # A function nested in a method sees the method's `self`.
        owner = home or outer.owner
        params = node.params
        parameters = (*params.posonly_params, *params.params, *params.kwonly_params)
        function = FunctionFacts(node.name.value, node, owner, outer, self._tick(), parameters)
        self.scopes.functions.append(function)
        self.scopes.by_name.setdefault(function.name, []).append(function)
        if home is not None:
            home.methods.setdefault(function.name, function)
        self._functions.append(function)
        self._saved_inside.append(self._inside)
        self._inside = ()
        self._classes.append(None)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._classes.pop()
        self._functions.pop()
        self._inside = self._saved_inside.pop()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        bases = tuple(dotted(arg.value) or "" for arg in node.bases)
        owner = ClassFacts(node.name.value, bases)
        self.scopes.classes.setdefault(owner.name, owner)
        self._classes.append(owner)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._classes.pop()

    # --- imports ----------------------------------------------------------------

    def visit_Import(self, node: cst.Import) -> bool:
        for alias in node.names:
            name = alias.evaluated_name
            top = name.partition(".")[0]
            self.scopes.imports[alias.evaluated_alias or top] = name if alias.asname else top
        return False

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        package = dotted(node.module) if node.module is not None else None
        prefix = "." * len(node.relative) + (f"{package}." if package is not None else "")
        for alias in node.names if not isinstance(node.names, cst.ImportStar) else ():
            name = alias.evaluated_name
            self.scopes.imports[alias.evaluated_alias or name] = prefix + name
        return False

    # --- bindings ---------------------------------------------------------------

    def visit_Assign(self, node: cst.Assign) -> None:
        order = self._tick()
        for target in node.targets:
            self._bind(target.target, node.value, "assign", order, node)

    def visit_AnnAssign(self, node: cst.AnnAssign | cst.NamedExpr) -> None:
        if node.value is not None:
            self._bind(node.target, node.value, "assign", self._tick(), node)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._bind(node.target, node.value, "add", self._tick(), node)

    visit_NamedExpr = visit_AnnAssign

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname is not None:
            self._bind(node.asname.name, node.item, "with", self._tick(), node)

    def visit_For(self, node: cst.For | cst.CompFor) -> None:
        self._bind(node.target, node.iter, "for", self._tick(), node)

    visit_CompFor = visit_For

    def _bind(
        self,
        target: cst.BaseExpression,
        value: cst.BaseExpression,
        kind: str,
        order: int,
        node: cst.CSTNode,
    ) -> None:
        if isinstance(target, (cst.Tuple, cst.List)):
            values: Sequence[cst.BaseElement] = ()
            if isinstance(value, (cst.Tuple, cst.List)) and kind == "assign":
                values = value.elements
            for index, element in enumerate(target.elements):
                if len(values) == len(target.elements):
                    self._bind(element.value, values[index].value, kind, order, node)
                else:
                    self._bind(element.value, value, f"{kind}[{index}]", order, node)
            return
        name = dotted(target)
        if name is None:
            return
        head, _, rest = name.partition(".")
        owner = self._classes[-1] if not rest else None
        if head in {"self", "cls"} and rest and "." not in rest and self._function.owner:
            owner, name = self._function.owner, rest
        home = self._function.bindings if owner is None else owner.attributes
        binding = Binding(order, value, kind, self._function, node, self._inside)
        home.setdefault(name, []).append(binding)

    # --- calls, returns ---------------------------------------------------------

    def visit_Call(self, node: cst.Call) -> None:
        name = dotted(node.func)
        call = Call(self._tick(), node, self._function, self._inside, name)
        self._function.calls.append(call)
        last = node.func.attr.value if isinstance(node.func, cst.Attribute) else name
        if last is not None:
            self.scopes.callers.setdefault(last, []).append(call)

    def visit_Return(self, node: cst.Return | cst.Yield) -> None:
        if isinstance(node.value, cst.BaseExpression):
            function = self._function
            function.returns.append(Return(self._tick(), node.value, function))

    visit_Yield = visit_Return

    def visit_Raise(self, node: cst.Raise) -> None:
        self._function.raises.append(Raise(self._tick(), self._inside))

    # --- what encloses what -----------------------------------------------------

    def _enter(self, kind: str, node: cst.CSTNode) -> None:
        self._saved_inside.append(self._inside)
        self._inside = (*self._inside, Inside(kind, node))

    def _leave(self) -> None:
        self._inside[-1].end = self._tick()
        self._inside = self._saved_inside.pop()

    def visit_With_body(self, node: cst.With) -> None:
        # As a `try` with nothing but a body, for `suppress(...)`.
        self.visit_Try(node)
        self._enter("with", node)

    def leave_With_body(self, node: cst.With) -> None:
        self.leave_Try_body(node)
        self.leave_Try(node)

    def visit_Try(self, node: cst.Try | cst.With) -> None:
        self._tries.append(Handled(self._tick(), node, self._function, self._inside))

    def visit_Try_body(self, node: cst.Try) -> None:
        self._enter("try", node)

    def leave_Try_body(self, node: cst.Try | cst.With) -> None:
        self._leave()
        self._tries[-1].body_end = self._tick()

    def leave_Try(self, original_node: cst.Try | cst.With) -> None:
        self._tries[-1].end = self._tick()
        self._function.handled.append(self._tries.pop())

    def visit_ExceptHandler(self, node: cst.ExceptHandler) -> None:
        self._enter("handler", node)

    def visit_Finally(self, node: cst.Finally) -> None:
        self._enter("finally", node)

    def leave_ExceptHandler(self, original_node: cst.ExceptHandler | cst.Finally) -> None:
        self._leave()

    leave_Finally = leave_ExceptHandler

    def visit_Try_orelse(self, node: cst.Try) -> None:
        self._enter("else", node)

    def visit_If(self, node: cst.If) -> None:
        self._function.tests.append(Test(self._tick(), node))

    def visit_If_body(self, node: cst.If) -> None:
        self._enter("if", node)

    def visit_If_orelse(self, node: cst.If) -> None:
        self._enter("orelse", node)

    def visit_For_body(self, node: cst.For | cst.While) -> None:
        self._enter("loop", node)

    visit_While_body = visit_For_body

    def leave_For_body(self, node: cst.For | cst.While | cst.If | cst.Try) -> None:
        self._leave()

    leave_While_body = leave_For_body
    leave_If_body = leave_For_body
    leave_If_orelse = leave_For_body
    leave_Try_orelse = leave_For_body
