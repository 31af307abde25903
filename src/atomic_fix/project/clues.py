"""What makes a file worth a second look that holds nothing of interest by itself.

A clue is a name, and those of which another must stand in the file too: the module that defines
the name, a package that passes it on, or the class whose method it is. A name alone, whose
definition no summary has, must be defined or passed on in the file. As text: the names with blanks
between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from atomic_fix.project.summary import FileSummary

_MOST_COMPANIONS = 40


def clues(words: frozenset[str], summaries: Iterable[FileSummary]) -> frozenset[str]:
    """The clues for the words of an index."""
    companions: dict[str, set[str]] = {}
    below: dict[str, set[str]] = {}
    files = list(summaries)
    for file in files:
        module = _stem(file.path)
        for function in file.functions:
            owner, _, name = function.name.rpartition(".")
            if name in words:
                companion = owner.rpartition(".")[2] if owner else module
                companions.setdefault(name, set()).add(companion)
        for each in file.classes:
            if each.name in words:
                companions.setdefault(each.name, set()).add(module)
            for base in each.bases:
                below.setdefault(base.rpartition(".")[2], set()).add(each.name)
        for known in file.names:
            if known.name in words:
                companions.setdefault(known.name, set()).add(module)
    for file in files:
        if file.path.endswith("__init__.py"):  # what passes a name on
            for imported in file.imports:
                if imported.name in companions:
                    companions[imported.name].add(_stem(file.path))
    return frozenset(
        " ".join([word, *sorted(_with_subclasses(companions.get(word, set()), below))])
        for word in words
    )


def _with_subclasses(names: set[str], below: Mapping[str, set[str]]) -> set[str]:
    found = set(names)
    todo = list(names)
    while todo and len(found) < _MOST_COMPANIONS:
        new = below.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


def _stem(path: str) -> str:
    """What a file is called where it is imported."""
    found = PurePosixPath(path)
    return found.parent.name if found.stem == "__init__" else found.stem


def name_of(clue: str) -> str:
    """The name that a clue is about."""
    return clue.partition(" ")[0]


def held_by(content: bytes, some: frozenset[str]) -> frozenset[str]:
    """The clues that a file holds."""
    if not some:
        return some
    by_name = _by_name(some)
    # One pass for all names, however many they are.
    tokens = set(content.translate(_SEPARATED).split())
    return frozenset(
        each.text
        for name in by_name.keys() & tokens
        for each in by_name[name]
        if not tokens.isdisjoint(each.companions)
        or _is_bound(name, content, is_defined=not each.companions)
    )


_SEPARATED = bytes(
    each if chr(each).isalnum() or chr(each) == "_" or each > 127 else 0x20 for each in range(256)
)
_DEFINITION = re.compile(rb"[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+")
_ASSIGNED = re.compile(rb"[ \t]*(?::[^=\n]*)?=(?!=)")
_ONE_OF_SEVERAL = re.compile(rb"[ \t]*(?:as[ \t]+\w+[ \t]*)?[,)\n\r#]")
_FROM_PACKAGE = re.compile(rb"from\s+\.+\s*import\s*\(?[^()]*\Z")
_FROM_ANY = re.compile(rb"import\s*\(?[^()]*\Z")
_IMPORT_BYTES = 2_000
"""How far above a name the import may begin that it stands in."""


def _is_bound(name: bytes, content: bytes, *, is_defined: bool) -> bool:
    """Whether a name is imported from the package that a file is in, whose name need not stand
    there. With `is_defined`, whether it is imported from anywhere, or defined."""
    at = content.find(name)
    while at >= 0:
        end = at + len(name)
        row = content[content.rfind(b"\n", 0, at) + 1 : at]
        if is_defined and (
            _DEFINITION.fullmatch(row)
            or (row.strip() in (b"", b"self.") and _ASSIGNED.match(content, end))
        ):
            return True
        if _ONE_OF_SEVERAL.match(content, end) and (b"import" in row or not row.strip(b" \t,")):
            start = content.rfind(b"import", max(0, at - _IMPORT_BYTES), at)
            start = max(content.rfind(b"\n", 0, start) + 1, 0) if start >= 0 else at
            imported = _FROM_ANY if is_defined else _FROM_PACKAGE
            if imported.search(content, start, at):
                return True
        at = content.find(name, end)
    return False


@dataclass(frozen=True, slots=True)
class _Clue:
    text: str
    companions: frozenset[bytes]


@lru_cache(maxsize=8)
def _by_name(some: frozenset[str]) -> dict[bytes, list[_Clue]]:
    found: dict[bytes, list[_Clue]] = {}
    for text in some:
        name, *companions = (each.encode("utf-8", "surrogatepass") for each in text.split(" "))
        found.setdefault(name, []).append(_Clue(text, frozenset(companions)))
    return found
