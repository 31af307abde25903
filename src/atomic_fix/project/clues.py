"""Clues by which files without sites of their own are selected for a second look: the names that an
index asks for, as texts that can be cached.

A clue is a name, followed by names of which the file must contain at least one, separated by
blanks; or, after a quotation mark, by the file name that it is a word of; or a star and a module
that is imported completely. A clue that begins with an equals sign is for all files: a name that
suffices by itself, or a word of a file name and that name after a quotation mark; with a star
before it, it is only a part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_SEPARATED = bytes(
    each if chr(each).isalnum() or chr(each) == "_" or each > 127 else 0x20 for each in range(256)
)
_ONE_OF_SEVERAL = re.compile(rb"[ \t]*(?:as[ \t]+\w+[ \t]*)?[,)\n\r#]")
_LAST_NAME = re.compile(rb"[\w\x80-\xff]+\Z")
_LONG_NAME = 100
_FROM_PACKAGE = re.compile(rb"from\s+\.+\s*import\s*\(?[^()]*\Z")
_FEW = 8
"""Up to this number, names are searched for one by one."""
_IMPORT_BYTES = 2_000
"""How far before a name its import statement may begin."""


def clues(wanted: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The clues for the names that an index asks for: see `ProjectIndex.wanted`."""
    every = frozenset[str]().union(*wanted.values())
    return frozenset(
        [" ".join([name, *sorted(homes)]) for name, homes in wanted.items()]
        + [f"* {home}" for home in every if not home.startswith('"')]
    )


def anywhere(name: str, text: str = "", *, is_part: bool = False) -> str:
    """The clue for a name, or for a file name that contains it, in all files."""
    if not text:
        return f"= {name}"
    return f'= {name} "{"*" if is_part else ""}{text}'


def is_of_file_name(clue: str) -> bool:
    return '"' in clue


def mentions(content: bytes, clue: str) -> bool:
    """Whether a file in any language contains what a clue of `anywhere` is about."""
    name, _, text = clue.removeprefix("= ").partition(' "')
    return _contains(content, (text or f"*{name}").encode("utf-8", "surrogatepass"))


def _contains(content: bytes, text: bytes) -> bool:
    """Whether a text occurs, not as the end of a longer file name; with a star before it, in any
    way."""
    if text.startswith(b"*"):
        return text[1:] in content
    at = content.find(text)
    while at >= 0:
        before = content[at - 1 : at] if at else b" "
        if not (before.isalnum() or before in b"_-"):
            return True
        at = content.find(text, at + 1)
    return False


def for_all_files(some: frozenset[str]) -> frozenset[str]:
    """The clues of `anywhere`."""
    return frozenset(each for each in some if each.startswith("= "))


def held_by(content: bytes, some: frozenset[str]) -> frozenset[str]:
    """The clues that a file contains."""
    if not some:
        return some
    by_name = _by_name(some)
    is_starred = b"import *" in content
    if len(by_name) < _FEW and not is_starred and not any(name in content for name in by_name):
        return frozenset()
    # One pass for all names.
    tokens = _tokens(some).intersection(content.translate(_SEPARATED).split())
    if not is_starred and by_name.keys().isdisjoint(tokens):
        return frozenset()
    found = {
        each.text
        for name in by_name.keys() & tokens
        for each in by_name[name]
        if not (each.homes or each.texts)
        or not tokens.isdisjoint(each.homes)
        or any(_contains(content, text) for text in each.texts)
        or (each.homes and _is_from_package(name, content))
    }
    if is_starred:
        modules = {
            name[0]
            for before in content.split(b" import *")[:-1]
            if (name := _LAST_NAME.search(before[-_LONG_NAME:]))
        }
        found.update(
            each.text for each in by_name.get(b"*", ()) if not modules.isdisjoint(each.homes)
        )
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Clue:
    text: str
    homes: frozenset[bytes]
    texts: frozenset[bytes]
    """Of which one may stand there instead."""


@lru_cache(maxsize=8)
def _by_name(some: frozenset[str]) -> dict[bytes, list[_Clue]]:
    found: dict[bytes, list[_Clue]] = {}
    for text in some:
        words = text.removeprefix("= ").split(" ")
        name, *homes = (each.encode("utf-8", "surrogatepass") for each in words)
        # The words of an ordinary clue may be part of a longer file name.
        star = b"" if text.startswith("= ") else b"*"
        texts = frozenset(star + each[1:] for each in homes if each.startswith(b'"'))
        modules = frozenset(each for each in homes if not each.startswith(b'"'))
        found.setdefault(name, []).append(_Clue(text, modules, texts))
    return found


@lru_cache(maxsize=8)
def _tokens(some: frozenset[str]) -> frozenset[bytes]:
    """The names that clues consist of."""
    every = _by_name(some)
    return frozenset(every).union(*(each.homes for found in every.values() for each in found))


def _is_from_package(name: bytes, content: bytes) -> bool:
    """Whether a name is imported from the package of the file, whose name need not occur there."""
    if b"from ." not in content:
        return False
    at = content.find(name)
    while at >= 0:
        end = at + len(name)
        row = content[content.rfind(b"\n", 0, at) + 1 : at]
        if _ONE_OF_SEVERAL.match(content, end) and (b"import" in row or not row.strip(b" \t,")):
            start = content.rfind(b"from", max(0, at - _IMPORT_BYTES), at)
            if start >= 0 and _FROM_PACKAGE.search(content, start, at):
                return True
        at = content.find(name, end)
    return False
