"""Functions that write a file which only a caller can choose: if nothing names such a function, the
write never happens."""

from __future__ import annotations

import ast
import re

from atomic_fix.facts.nodes import FUNCTIONS, last_name
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.paths.expr import Filled, Join, Parameter, PathExpr, Suffixed
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.source import Source

_OWN_INSTANCE = frozenset({"cls", "self"})
_REGISTERING_NOTHING = frozenset({"classmethod", "staticmethod"})
_NO_BASES = frozenset({"", "object"})
_BY_ANY_NAME = re.compile(
    r"(?<![\w.])(?:dir|eval|exec|globals|locals|vars)\("
    r"|\b(?:fire|getmembers)\b"
    r"|\b__dict__(?:\[|\.get\b|\.items\b)"
    r"|^def __getattr__"
    r"|\bgetattr\(\s*[\w.]+\s*,\s*(?![\"'])",
    re.MULTILINE,
)
"""Code that may reach functions whose names it does not contain."""


def is_chosen_by_caller(path: PathValue, function: FunctionFacts) -> bool:
    """Whether a path is a parameter of the function that every caller has to pass, or is below
    it."""
    start = _start(path.expr)
    if not isinstance(start, Parameter) or start.name in _OWN_INSTANCE:
        return False
    if (start.function, start.row) != (function.name, function.row):
        return False
    parameter = function.parameter(start.name)
    return parameter is not None and parameter.default is None


def _start(expr: PathExpr) -> PathExpr:
    """The folder at which a path begins."""
    while True:
        match expr:
            case Join((first, *_)):
                expr = first
            case Suffixed(of=path):
                expr = path
            case Filled(template, (first, *_)) if template.startswith("{}/"):
                expr = first
            case _:
                return expr


def is_named_once(source: Source, function: FunctionFacts) -> bool:
    """Whether a file names a function only where it defines it, and nothing there can register the
    function or reach it by a name that the file does not contain."""
    node, name = function.node, function.name
    if not isinstance(node, FUNCTIONS) or (name.startswith("__") and name.endswith("__")):
        return False
    if not _registers_nothing(node.decorator_list):
        return False
    owner = function.owner
    # A base class may call it.
    if owner is not None and not _NO_BASES.issuperset(owner.bases):
        return False
    text = source.text
    return (
        len(re.findall(rf"\b{re.escape(name)}\b", text)) == 1 and _BY_ANY_NAME.search(text) is None
    )


def _registers_nothing(decorators: list[ast.expr]) -> bool:
    return all(last_name(each) in _REGISTERING_NOTHING for each in decorators)
