"""Python's own tree of a file, or why there is none."""

from __future__ import annotations

import ast

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.facts.tree import Tree
from atomic_fix.parse.python import parse
from atomic_fix.source import Source

LOADER = (
    "import json\n\n\ndef load_state(path):\n"
    "    try:\n        return json.loads(path.read_text())\n"
    "    except ValueError, TypeError: return None\n"
)


def test_exceptions_without_parentheses_keep_their_positions() -> None:
    source = Source("state.py", LOADER, "utf-8", False)
    tree = Tree(source, parse(LOADER))
    (handler,) = (each for each in ast.walk(tree.module) if isinstance(each, ast.ExceptHandler))
    assert isinstance(handler.type, ast.Tuple)
    assert [tree.text(each) for each in handler.type.elts] == ["ValueError", "TypeError"]
    assert tree.text(handler.body[0]) == "return None"
    assert [each.code for each in check(source, Config())] == ["ATF201"]
