"""Finds the scope in which each name of a module is bound, in Python's own tree."""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Key: TypeAlias = tuple[tuple[str, int], ...]
"""The names of the functions and classes around a scope, each with its number among those of the
same name; empty for the module."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension."""

    node: ast.AST
    key: Key = ()
    outer: "Scope | None" = None
    bound: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    """Names declared `global` or `nonlocal`."""
    read: Counter[str] = field(default_factory=Counter)
    inner: list["Scope"] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)
    """The scopes directly inside it."""

    def all(self) -> Iterator["Scope"]:
        """The scope itself and all scopes inside it."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack.extend(scope.inner)

    def home(self, name: str) -> "Scope":
        """The scope that binds `name` as used in this one."""
        scope = self
        while scope.outer is not None:
            own = name in scope.bound and name not in scope.elsewhere
            if own and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope
            scope = scope.outer
        return scope

    def uses(self, name: str) -> int:
        """How often a name bound in this scope is read."""
        return sum(
            each.read[name] for each in self.all() if name in each.read and each.home(name) is self
        )


def scopes(tree: ast.Module, statements: Collection[ast.stmt] | None = None) -> Scope:
    """The scope of a module, with all scopes inside it.

    Args:
        statements: the module-level statements to analyse; None for all. Functions and classes in
        the other statements are still counted, because scope keys contain these numbers.
    """
    module = Scope(tree)
    wanted = None if statements is None else set(statements)
    for each in tree.body:
        if wanted is not None and each not in wanted:
            if isinstance(each, _DEFINITIONS):
                module.names[each.name] += 1
                continue
            if not hasattr(each, "body") and not isinstance(each, ast.Match):
                continue
        # Not recursive: programs may be nested arbitrarily deeply.
        stack: list[tuple[ast.AST, Scope]] = [(each, module)]
        while stack:
            node, scope = stack.pop()
            stack.extend(reversed(list(_visited(node, scope))))
    return module


def _visited(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """The children of a node, each with the scope that it is evaluated in."""
    _bind(node, scope)
    if isinstance(node, (ast.Name, ast.Constant)):
        return  # the most frequent kind of node
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        inner = _opened(node, scope)
        for name, value in ast.iter_fields(node):
            inside = name in {"body", "type_params"}
            for child in _nodes(value):
                if name == "args":
                    yield from _parameters(child, scope, inner)
                else:
                    yield child, inner if inside else scope
    elif isinstance(node, _COMPREHENSIONS):
        inner = _opened(node, scope)
        for index, generator in enumerate(node.generators):
            yield generator.target, inner
            yield generator.iter, inner if index else scope
            yield from ((each, inner) for each in generator.ifs)
        for name, value in ast.iter_fields(node):
            if name != "generators":
                yield from ((child, inner) for child in _nodes(value))
    elif isinstance(node, ast.NamedExpr):
        # It binds in the function around a comprehension.
        around = scope
        while isinstance(around.node, _COMPREHENSIONS) and around.outer is not None:
            around = around.outer
        around.bound.add(node.target.id)
        yield node.value, scope
    else:
        yield from ((child, scope) for child in ast.iter_child_nodes(node))


def _opened(node: ast.AST, outer: Scope) -> Scope:
    name = getattr(node, "name", type(node).__name__)
    inner = Scope(node, (*outer.key, (name, outer.names[name])), outer)
    outer.names[name] += 1
    outer.inner.append(inner)
    return inner


def _nodes(value: object) -> Iterable[ast.AST]:
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, ast.AST)]


def _parameters(arguments: ast.AST, outer: Scope, inner: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    for child in ast.iter_child_nodes(arguments):
        if isinstance(child, ast.arg):
            inner.bound.add(child.arg)
            if child.annotation is not None:
                yield child.annotation, outer
        else:
            yield child, outer


def _bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            scope.read[name] += 1
        case ast.Name(id=name):
            scope.bound.add(name)
            if isinstance(node.ctx, ast.Del):
                scope.read[name] += 1
        case ast.AugAssign(target=ast.Name(id=name)):
            scope.read[name] += 1
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            scope.bound.update(local(alias) for alias in aliases)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            scope.elsewhere.update(names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            scope.bound.add(name)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            scope.bound.add(name)
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            scope.bound.add(name)


def local(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]
