"""Determines which paths in a project refer to the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from atomic_fix.facts.names import words
from atomic_fix.project.flows import Flows, value_of
from atomic_fix.project.modules import Found
from atomic_fix.project.summary import CLOSE, HERE, OPEN, ClassSummary, FunctionSummary, PathSummary

_REFERENCE = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
_STEPS = 4
_MOST = 32
"""The most references that are substituted in one text."""
_LONGEST = 400
"""The longest text, in characters, that is built."""

_GENERIC = frozenset(
    {
        "app", "auth", "base", "cache", "cfg", "checkpoint", "conf", "config", "configuration",
        "content", "context", "credential", "data", "database", "dataset", "db", "default", "dump",
        "env", "environment", "example", "file", "history", "id", "index", "info", "input", "item",
        "key", "latest", "list", "local", "lock", "log", "main", "manifest", "map", "meta",
        "metadata", "metric", "model", "name", "option", "output", "package", "param",
        "parameter", "preference", "project", "record", "report", "request", "requirement",
        "response", "result", "schema", "secret", "session", "setting", "setup", "spec", "stat",
        "state", "status", "summary", "table", "task", "template", "test", "token", "train", "user",
        "value", "version",
    }
)  # fmt: skip
"""A file name that consists only of these words is not distinctive."""


class Identities:
    """Answers for one project."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._left = 0
        self._known: dict[tuple[str, PathSummary], frozenset[str]] = {}

    def of(self, path: PathSummary, file: str) -> frozenset[str]:
        """The texts for a path that have the same meaning in all files."""
        known = (file, path)
        if known not in self._known:
            found: set[str] = set()
            for key in path.keys:
                found.update(self._texts(key, file))
            self._known[known] = frozenset(found)
        return self._known[known]

    def _texts(self, key: str, file: str) -> Iterator[str]:
        whole = _REFERENCE.fullmatch(key)
        if whole is not None:
            found = self._flows.defined(file, whole[1])
            if found is None or _takes_something(found):
                return  # its result depends on its arguments
            yield _name(found)
            value, _ = value_of(found)
            for text in value.keys:
                self._left = _MOST
                yield self._put_in(text, found.file.path, _STEPS)
            return
        for steps in (0, _STEPS):
            self._left = _MOST
            text = self._put_in(key, file, steps)
            if len(text) <= _LONGEST:
                yield text

    def _put_in(self, text: str, file: str, steps: int) -> str:
        """A text with its references replaced by names, or, if steps are left, by paths."""

        def one(match: re.Match[str]) -> str:
            found = self._flows.defined(file, match[1])
            if found is None:
                return f"{self._flows.imported(file, match[1])}"
            value, _ = value_of(found)
            self._left -= 1
            if steps and value.expr and self._left > 0:
                return self._put_in(value.expr, found.file.path, steps - 1)
            return _name(found)

        return _REFERENCE.sub(one, text).replace(HERE, file)


def _takes_something(found: Found) -> bool:
    return isinstance(found.what, FunctionSummary) and bool(found.what.parameters)


def _name(found: Found) -> str:
    what = found.what
    if what is None:
        return found.file.path
    name = f"{found.file.path}:{what.name}"
    if isinstance(what, FunctionSummary):
        return f"{found.file.path}:{what.name.rpartition('.')[2]}()"
    return f"{name}.{found.attribute}" if isinstance(what, ClassSummary) else name


@lru_cache(maxsize=4096)
def is_distinctive(name: str) -> bool:
    """Whether two files of a project are unlikely to share this name by chance."""
    if "{}" in name:
        return False
    stem = name.rpartition(".")[0] or name
    said = [word for word in words(stem) if not word.isdigit() and len(word) > 1]
    return bool(said) and any(word.removesuffix("s") not in _GENERIC for word in said)
