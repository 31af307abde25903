"""Names in code: dotted names, and the words inside an identifier."""

import re
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import TypeVar

import libcst as cst

_Node = TypeVar("_Node", bound=cst.CSTNode)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def dotted(node: cst.BaseExpression) -> str | None:
    """`a.b.c` for a chain of plain names, else None."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    parts.append(node.value)
    return ".".join(reversed(parts))


def code_of(node: cst.CSTNode) -> str:
    """The code of a node, as it stands in the file."""
    return cst.Module([]).code_for_node(node)


class _Fields(cst.CSTVisitor):
    """Notes the fields of one node in the order in which LibCST visits them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def on_visit(self, node: cst.CSTNode) -> bool:
        inside, self._inside = self._inside, True
        return not inside

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        self.found.append(attribute)


# By kind of value: the fields that LibCST visits in a node, and the others, in which some kinds
# hold nodes only now and then; None for what is no node.
_fields: dict[type, tuple[tuple[str, ...], tuple[str, ...]] | None] = {}


def _fields_of(value: object) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    kind = type(value)
    if kind not in _fields:
        _fields[kind] = None
        if isinstance(value, cst.CSTNode):
            visitor = _Fields()
            value.visit(visitor)
            visited = tuple(dict.fromkeys(visitor.found))
            others = {each.name for each in fields(value)} - {*visited}
            _fields[kind] = visited, tuple(others)
    return _fields[kind]


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """What `node.children` gives. LibCST makes the node anew for it, which takes far longer."""
    known = _fields_of(node)
    assert known is not None
    visited, others = known
    for name in others:
        value = getattr(node, name)
        if isinstance(value, (tuple, list)) or _fields_of(value) is not None:
            return [*node.children]
    found: list[cst.CSTNode] = []
    for name in visited:
        value = getattr(node, name)
        if isinstance(value, (tuple, list)):
            found += [each for each in value if _fields_of(each) is not None]
        elif value is not None and _fields_of(value) is not None:
            found.append(value)
    return found


@lru_cache(maxsize=1024)
def of_kind(node: cst.CSTNode, kind: type[_Node]) -> Sequence[_Node]:
    """The nodes of one kind in some code, in order. Kept until `forget_nodes`: whoever asks about
    each handler of a function would go through all of it each time."""
    found = []
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, kind):
            found.append(current)
        stack.extend(reversed(children(current)))
    return found


@lru_cache(maxsize=256)
def parents_in(root: cst.CSTNode) -> dict[cst.CSTNode, cst.CSTNode]:
    """What each node in some code stands in. Kept until `forget_nodes`."""
    found = {}
    stack = [root]
    while stack:
        current = stack.pop()
        for child in children(current):
            found[child] = current
            stack.append(child)
    return found


def forget_nodes() -> None:
    """Let go of the trees that `of_kind` and `parents_in` know."""
    of_kind.cache_clear()
    parents_in.cache_clear()


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words of an identifier or path, lower case and singular, in order.

    Case, underscores and punctuation part words, so `estate` and `restate` hold no
    `state`, and `lastRunIDs` gives `last`, `run`, `id`.
    """
    return tuple(_singular(word.lower()) for word in _WORD.findall(text) if not word.isdigit())


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def phrase_in(phrases: frozenset[str], text: str) -> str | None:
    """The first word or phrase of `phrases` that the words of `text` hold."""
    found = words(text)
    for size in (1, 2, 3):
        for start in range(len(found) - size + 1):
            phrase = " ".join(found[start : start + size])
            if phrase in phrases:
                return phrase
    return None
