"""Determines whether code is a test: its files are temporary, and its failing loads are
intended."""

import ast
import re

from atomic_fix.catalog.words import SCRATCH_FIXTURES
from atomic_fix.facts.nodes import FUNCTIONS, dotted, of_kind
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.scopes import FunctionFacts

_TEST = re.compile(r"test(?:_|[A-Z0-9]|\Z)")
_TEST_CLASS = re.compile(r"^Test(?:[A-Z0-9_]|\Z)|(?:[a-z0-9]|_)Tests?\Z")
_SETTING_UP = re.compile(r"(?:setup|teardown)(?:_\w+)?\Z", re.IGNORECASE)
_ASSERTING_CALL = re.compile(r"\w+\.assert\w+|pytest\.(?:raises|warns)")


def is_test(function: FunctionFacts, paths: Paths) -> bool:
    """Whether a function, or its class or outer function, is a test or part of one, by the
    conventions of pytest and unittest.

    A name alone is not enough: a program may have a `test_connection` of its own.
    """
    return any(_is_part_of_test(each, paths) for each in function.with_outer())


def is_named_test(function: FunctionFacts) -> bool:
    return _TEST.match(function.name) is not None


def _is_part_of_test(function: FunctionFacts, paths: Paths) -> bool:
    owner = function.owner
    if owner is not None:
        if any(
            base.rpartition(".")[2].endswith("TestCase")
            for each in paths.lineage(owner)
            for base in each.bases
        ):
            return True
        if _TEST_CLASS.search(owner.name) and (
            is_named_test(function) or _SETTING_UP.match(function.name)
        ):
            return True
    node = function.node
    if isinstance(node, FUNCTIONS) and any(map(_is_of_test_library, node.decorator_list)):
        return True
    return is_named_test(function) and (
        any(function.parameter(name) is not None for name in SCRATCH_FIXTURES) or _asserts(node)
    )


def _asserts(node: ast.AST) -> bool:
    return bool(of_kind(node, ast.Assert)) or any(
        _ASSERTING_CALL.fullmatch(dotted(call.func) or "") is not None
        for call in of_kind(node, ast.Call)
    )


def _is_of_test_library(decorator: ast.expr) -> bool:
    """`@pytest.fixture`, `@pytest.mark.slow`, `@given(...)`."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = dotted(called) or ""
    return name.partition(".")[0] in {"pytest", "hypothesis"} or name in {"fixture", "given"}
