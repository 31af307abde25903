"""Finds tests that replace `open` or a saver where they test the code of a file: they would fail
after a repair that no longer calls it.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator

from atomic_fix.run import dependencies
from atomic_fix.run.project import modules_below
from atomic_fix.run.search_path import names_imported
from atomic_fix.source import is_test_file

_REPLACED = "open|write_text|write_bytes|dump|dumps|save|savez|savetxt|to_csv|replace|rename|fdopen"
_REPLACES = re.compile(
    r"\bmock_open\b"
    rf"|\bpatch\(\s*[\"'][\w.]*\.(?:{_REPLACED})[\"']"
    rf"|\bpatch\.object\([^()\n]*,\s*[\"'](?:{_REPLACED})[\"']"
    rf"|\bsetattr\(\s*(?:[\"'][\w.]*\.(?:{_REPLACED})[\"']|[\w.]+,\s*[\"'](?:{_REPLACED})[\"'])"
)


class TestDoubles:
    """The tests of trees. Caches what it has read, for one run."""

    __test__ = False  # for pytest

    def __init__(self) -> None:
        self._of: dict[str, tuple[tuple[str, str], ...]] = {}

    def testing(self, path: str, text: str, row: int, root: str) -> str:
        """A test that replaces a function of this kind and names the code around a row of a file;
        empty if there is none."""
        if root not in self._of:
            self._of[root] = tuple(_replacing(root))
        if not self._of[root]:
            return ""
        stem = os.path.splitext(os.path.basename(path))[0]
        module = os.path.basename(os.path.dirname(path)) if stem == "__init__" else stem
        around = "|".join(map(re.escape, _names_around(text, row)))
        if not around:
            return ""
        named = re.compile(rf"\b(?:{around})\b")
        for test, content in self._of[root]:
            is_about_it = any(module in name.split(".") for name in names_imported(content))
            if is_about_it and named.search(content):
                return test
        return ""


def _replacing(root: str) -> Iterator[tuple[str, str]]:
    for path, text in modules_below(root):
        if is_test_file(os.path.relpath(path, root)) and _REPLACES.search(text):
            yield path, text


def _names_around(text: str, row: int) -> list[str]:
    """The names of the functions and classes around a row, without special methods."""
    tree = dependencies.parsed(text)
    return [
        node.name
        for node in ast.walk(tree if tree is not None else ast.Module([], []))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and node.lineno <= row <= (node.end_lineno or row)
        and not node.name.startswith("__")
    ]
