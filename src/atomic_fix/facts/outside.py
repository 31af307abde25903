"""The evidence in the other files of a project about one file. `project` computes it, and facts use
it wherever they examine the functions of the file itself. It consists of plain values that can be
compared, sent between processes and stored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.paths.expr import (
    Attribute,
    Called,
    Global,
    Parameter,
    PathExpr,
    SelfAttribute,
)
from atomic_fix.facts.paths.value import NO_TRAITS, Location, NameOccurrence, PathTrait, PathValue


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The position of a call in the file itself, as in Python's tree. The end distinguishes calls
    that begin together, such as those in `Store(path).save()`."""

    row: int
    column: int
    end_row: int
    end_column: int

    @classmethod
    def of(cls, node: ast.Call) -> Place:
        end_row = node.end_lineno if node.end_lineno is not None else node.lineno
        end_column = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return cls(node.lineno, node.col_offset, end_row, end_column)


@dataclass(frozen=True, slots=True)
class OutsideSite:
    """A call in another file that reads a file, or writes it."""

    at: Location
    """The call itself, or one that gives it the path."""
    by: str = ""
    """The function that contains the call, if `at` is one that gives it the path."""
    parsed: bool = False
    """Of a load: whether the content is parsed."""
    weight: float = 1.0
    """How certain it is that it is the same file: 1 if both paths are built in the same way."""
    misses: bool = False
    """Of loads: whether every load of the file silently treats a broken one as a miss."""

    @property
    def who(self) -> str:
        """What reads or writes the file, as messages name it: "`load_state`"."""
        return f"`{self.by or self.at.function or self.at.path}`"

    def does(self, what: str) -> str:
        """A clause that says so: "`load_state` (app/state.py:12) reads it back"."""
        if not self.by or self.by == self.at.function:
            return f"{self.at} {what}"
        return f"`{self.by}`, which {self.at} calls, {what}"


@dataclass(frozen=True, slots=True)
class Given:
    """The value that another file provides for a name of this one: for a parameter, in a call; for
    an attribute of a class, in a subclass; for an imported name, in its definition."""

    to: str
    """The name in this file, in the form of `key`."""
    at: Location
    occurrences: tuple[NameOccurrence, ...] = ()
    """The words in it; their distances count from the name in this file."""
    traits: PathTrait = NO_TRAITS
    said: tuple[str, ...] = ()
    """The names of the function and the class around it."""
    reader: OutsideSite | None = None
    """The loads of the file."""
    writer: OutsideSite | None = None
    """The writes of the file."""
    published: bool = False
    """Whether it is a temp name that is published afterwards."""
    tested: bool = False
    """Whether it comes from a test."""
    written_before: Location | None = None
    """A write in place of the file that the caller makes before the call."""


class Effect(Enum):
    """The effect of a function that another file defines on a path that it gets."""

    WRITES = "writes in place"
    KEEPS = "writes atomically"
    PARSES = "loads and parses"
    READS = "reads"
    RECOVERS = "loads, and handles what is corrupt"
    PUBLISHES = "gives a temp file its final name"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call, by position or keyword."""

    position: int | None
    """None for a keyword argument."""
    name: str


@dataclass(frozen=True, slots=True)
class CallEffect:
    """The effect of a call in this file of a function that another file defines."""

    place: Place
    effect: Effect
    path: Argument | None
    """The file that is written or loaded, or the final name; None if the file is not an argument of
    the call."""
    at: Location
    """The location of the effect."""
    occurrences: tuple[NameOccurrence, ...] = ()
    """The words in the path, if the file is not an argument."""
    source: Argument | None = None
    """For a publication: the temp file."""
    how: Move | None = None
    synced: bool = False
    reported: bool = False
    """Whether its defects are reported there."""
    turned: tuple[str, ...] = ()
    """For a load: the errors for a corrupt file that are turned into another one there."""


@dataclass(frozen=True, slots=True)
class OutsideCallers:
    """How callers in other files use the result of a function of this file or handle its
    exceptions."""

    function: str
    row: int
    """The row of its `def`."""
    loops: bool = False
    catches: bool = False
    looks: bool = False
    reports: bool = False
    """Whether a caller tests for the default and reports it."""
    overwrites: bool = False
    """Whether a caller writes the file after that."""


@dataclass(frozen=True, slots=True)
class SiteElsewhere:
    """The loads or writes in other files of the file that a call in this file writes or loads."""

    place: Place
    readers: tuple[OutsideSite, ...] = ()
    writers: tuple[OutsideSite, ...] = ()


@dataclass(frozen=True)
class FileSlice:
    """All evidence in other files about one file."""

    given: tuple[Given, ...] = ()
    sites: tuple[SiteElsewhere, ...] = ()
    calls: tuple[CallEffect, ...] = ()
    callers: tuple[OutsideCallers, ...] = ()
    helper: str = ""
    """The project's own atomic writer of JSON, in the form of the setting `helper`; empty if there
    is none."""
    uncalled: tuple[tuple[str, int], ...] = ()
    """The functions of this file, by name and row, that write files which their callers choose,
    and that no code of the project names."""
    unread: tuple[Place, ...] = ()
    """The writes of this file whose file names no other code of the project mentions."""
    root: str = field(default="", compare=False)
    """The folder of the project, to which locations in other files are relative."""

    def __bool__(self) -> bool:
        return self != NOTHING_OUTSIDE

    @cached_property
    def _given_to(self) -> dict[str, list[Given]]:
        found: dict[str, list[Given]] = {}
        for each in self.given:
            found.setdefault(each.to, []).append(each)
        return found

    @cached_property
    def _sites_at(self) -> dict[Place, SiteElsewhere]:
        return {each.place: each for each in self.sites}

    @cached_property
    def _calls_at(self) -> dict[Place, list[CallEffect]]:
        found: dict[Place, list[CallEffect]] = {}
        for each in self.calls:
            found.setdefault(each.place, []).append(each)
        return found

    @cached_property
    def _callers_of(self) -> dict[tuple[str, int], OutsideCallers]:
        return {(each.function, each.row): each for each in self.callers}

    def given_for(self, path: PathValue) -> list[Given]:
        """The values that other files provide for a path of this file."""
        if not self.given:
            return []
        keys = sorted(keys_of(path.aliases))
        return [each for name in keys for each in self._given_to.get(name, ())]

    def site_at(self, node: ast.Call) -> SiteElsewhere | None:
        return self._sites_at.get(Place.of(node)) if self.sites else None

    def effects_of(self, node: ast.Call) -> list[CallEffect]:
        """The effects of a call in this file."""
        return self._calls_at.get(Place.of(node), []) if self.calls else []

    def callers_of(self, function: str, row: int) -> OutsideCallers | None:
        return self._callers_of.get((function, row)) if self.callers else None


NOTHING_OUTSIDE = FileSlice()


def key(expr: PathExpr) -> str | None:
    """The text that identifies a name of this file that other files may define: a parameter, an
    attribute, an imported name. None for anything else."""
    match expr:
        case Parameter(function, row, name):
            return f"parameter {function}:{row}:{name}"
        case SelfAttribute(name, owner) if owner is not None:
            return f"attribute {owner}.{name}"
        case Global(name, None):
            return f"name {name}"
        case Called(function, _):
            return f"name {function}()"
        case Attribute(of, name):
            inner = key(of)
            return f"{inner}.{name}" if inner is not None else None
    return None


def keys_of(exprs: Iterable[PathExpr]) -> set[str]:
    return {name for expr in exprs if (name := key(expr)) is not None}
