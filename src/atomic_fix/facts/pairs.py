"""Pairs functions that save and load the same data, and loads and writes of the same file, without
comparing every load with every write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeAlias, TypeVar

from atomic_fix.catalog.words import ANSWERS, FORMATS, MANNERS, PRIMITIVE
from atomic_fix.facts.names import words
from atomic_fix.facts.paths.expr import PathExpr
from atomic_fix.facts.paths.value import PathValue
from atomic_fix.facts.scopes import ClassFacts, FunctionFacts, Site

_Site = TypeVar("_Site", bound=Site)
Key: TypeAlias = "tuple[ClassFacts | None, str, frozenset[str]]"
"""The class, or None for the module; the word for a load; the other words of the name."""

_ALL_ANSWERS = frozenset(answer for answers in ANSWERS.values() for answer in answers)


class ByFile(Generic[_Site]):
    """Sites by the file that each is about."""

    def __init__(self, sites: Iterable[tuple[_Site, PathValue]]) -> None:
        self._sites: list[_Site] = []
        self._indices: dict[PathExpr, list[int]] = {}
        for index, (site, path) in enumerate(sites):
            self._sites.append(site)
            for alias in path.aliases:
                self._indices.setdefault(alias, []).append(index)

    def same(self, path: PathValue) -> list[_Site]:
        """The sites for the same file, in order."""
        found = {index for alias in path.aliases for index in self._indices.get(alias, ())}
        return [self._sites[index] for index in sorted(found)]


def are_paired(saver: FunctionFacts, loader: FunctionFacts, *, own: bool = False) -> bool:
    """`save` and `load`, `dump_index` and `load_index`: of one class, or both of the module."""
    return saver is not loader and not {*asked(saver, own=own)}.isdisjoint(answered(loader))


def is_pair_of_names(saver: str, loader: str) -> bool:
    """Whether two functions of different files save and load the same data, by their names."""
    return not {*_asked(saver, is_method=False, own=False)}.isdisjoint(_answered(loader))


def asked(saver: FunctionFacts, *, own: bool) -> Iterator[Key]:
    """The possible names of a function that is its partner."""
    for answer, rest in _asked(saver.name, is_method=saver.owner is not None, own=own):
        yield saver.owner, answer, rest


def answered(loader: FunctionFacts) -> Iterator[Key]:
    """The names that a function may ask for whose partner this one is."""
    for answer, rest in _answered(loader.name):
        yield loader.owner, answer, rest


def _asked(saver: str, *, is_method: bool, own: bool) -> Iterator[tuple[str, frozenset[str]]]:
    ours = words(saver)
    for verb, answers in ANSWERS.items():
        if verb not in ours:
            continue
        rest = frozenset({word for word in ours if word != verb} - FORMATS - MANNERS)
        for answer in answers:
            if verb == "to" and not is_method and not own:
                continue  # `to_json(x, path)` of a module: a conversion
            if verb == "write" and answer == "read" and set(ours) <= PRIMITIVE and not own:
                continue  # `write_text` and `read_text`: a file system layer, not a store
            yield answer, rest


def _answered(loader: str) -> Iterator[tuple[str, frozenset[str]]]:
    theirs = words(loader)
    for answer in _ALL_ANSWERS.intersection(theirs):
        yield answer, frozenset({word for word in theirs if word != answer} - FORMATS - MANNERS)


class Partners(Generic[_Site]):
    """Sites by the names of the partners of the functions that contain or call them.

    Args:
        sites: each with these functions.
        keys: the names of the partners of a function.
    """

    def __init__(
        self,
        sites: Iterable[tuple[_Site, Iterable[FunctionFacts]]],
        keys: Callable[[FunctionFacts], Iterable[Key]],
    ) -> None:
        self._sites: list[_Site] = []
        self._found: dict[Key, list[tuple[int, FunctionFacts]]] = {}
        known: dict[FunctionFacts, tuple[Key, ...]] = {}
        for index, (site, functions) in enumerate(sites):
            self._sites.append(site)
            for function in functions:
                if function not in known:
                    known[function] = tuple(keys(function))
                for key in known[function]:
                    self._found.setdefault(key, []).append((index, function))

    def first(
        self,
        partners: Iterable[FunctionFacts],
        keys: Callable[[FunctionFacts], Iterable[Key]],
        is_wanted: Callable[[_Site], bool] = lambda _: True,
    ) -> _Site | None:
        """The first wanted site that has a function which is the partner of one of others."""
        best = len(self._sites)
        for partner in partners:
            for key in keys(partner):
                for index, function in self._found.get(key, ()):
                    if index >= best:
                        break
                    if function is not partner and is_wanted(self._sites[index]):
                        best = index
                        break
        return self._sites[best] if best < len(self._sites) else None
