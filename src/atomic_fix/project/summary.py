"""What is said of one file to the others of its project: plain values, without a node, that can be
compared, sent between processes and stored, and depend on the file alone.

Paths are texts here: two of one text are one file. In them, `HERE` stands for the file itself, and
a name that may come from another file stands between `OPEN` and `CLOSE`; `link` puts in what they
stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.outside import Place
from atomic_fix.facts.paths.value import NO_TRAITS, NameOccurrence, PathTrait

HERE = "\x01"
OPEN, CLOSE = "\x02", "\x03"


@dataclass(frozen=True, slots=True)
class PathSummary:
    """What is known of a path."""

    expr: str = ""
    """The most resolved of the texts that it is known under; empty for nothing."""
    keys: tuple[str, ...] = ()
    """All texts that it is known under, sorted."""
    own: tuple[str, ...] = ()
    """Of the names that it is known under, those that other files may give, as `outside.key` has
    them: parameters and attributes."""
    refs: tuple[tuple[str, str], ...] = ()
    """Names in it that other files define: as `outside.key` has them, and the dotted name."""
    names: tuple[str, ...] = ()
    """The file names that end it."""
    occurrences: tuple[NameOccurrence, ...] = ()
    traits: PathTrait = NO_TRAITS

    @property
    def is_known(self) -> bool:
        return bool(self.expr or self.keys or self.occurrences)


@dataclass(frozen=True, slots=True)
class Import:
    """`from target import name`, or `import target as name`. A relative target begins with dots; of
    `from target import *`, the name is `*`."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """A function or method that other files may call."""

    name: str
    """`Store.save` for a method."""
    row: int
    parameters: tuple[str, ...]
    """Those that can be given by place first, `self` and `cls` left out."""
    returns: PathSummary = PathSummary()
    """The path that it returns."""
    makes: str = ""
    """The class, by its name in this file, of which it returns an instance."""
    is_method: bool = False
    keeps: str = ""
    """Of one that writes an object to a path as JSON, atomically and synchronised: what it is
    given, as the setting `helper` has it, `path, obj`."""


@dataclass(frozen=True, slots=True)
class ClassSummary:
    name: str
    bases: tuple[str, ...]
    """As they are written."""
    attributes: tuple[tuple[str, PathSummary, int], ...] = ()
    """Paths among those of its instances and of itself, and the rows that bind them."""
    types: tuple[tuple[str, str], ...] = ()
    """Of other attributes, the class that they are instances of, by its name in this file."""


@dataclass(frozen=True, slots=True)
class NameSummary:
    """A name of the module that stands for a path, or for an instance of a class."""

    name: str
    row: int
    path: PathSummary = PathSummary()
    type: str = ""


class SiteKind(Enum):
    WRITE = "write"
    LOAD = "load"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """A call that does something with a file."""

    kind: SiteKind
    place: Place
    function: str
    """The function that it stands in; empty for the module."""
    row: int
    """Of the function's `def`; 0 for the module."""
    said: tuple[str, ...]
    """What the function and the class around it are called."""
    path: PathSummary
    """The file that is written or loaded, or the final name."""
    parsed: bool = False
    handled: bool = False
    """Of a load: whether the function itself handles the error of a corrupt file."""
    misses: bool = False
    """Of a load: whether the function silently takes a broken file for a miss."""
    costly: bool = False
    """Of a load: whether what such a file holds took long to compute."""
    staged: bool = False
    """Of a write: whether the file is moved to its final name later."""
    source: PathSummary = PathSummary()
    """Of a publication: the temp file."""
    how: Move | None = None
    synced: bool = False
    """Whether the file is synchronised, as far as that is seen."""
    told: bool = False
    """Of a publication: whether what is wrong with it is found in its own file."""
    sound: bool = False
    """Of a publication: whether nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class ArgumentSummary:
    position: int | None
    name: str
    """The keyword, empty when it is given by place."""
    path: PathSummary
    published: bool = False
    """Whether the caller gives that file its final name afterwards."""


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call of what other files may define."""

    callee: str
    """By its dotted name in this file; of a method, behind the name of the class."""
    place: Place
    function: str
    row: int
    said: tuple[str, ...]
    arguments: tuple[ArgumentSummary, ...] = ()
    tested: bool = False
    """Whether it stands in a test."""
    loops: bool = False
    catches: bool = False
    """Whether the caller has a handler for an error of it."""
    handled: bool = False
    """Whether that is one for a corrupt file, and raises nothing in its place."""
    misses: bool = False
    """Whether it also says nothing of it."""
    looks: bool = False
    """Whether the caller tests its result, or may."""
    returned: bool = False
    reports: bool = False
    """Whether the caller tests for a default and reports."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """One file. All that is in it stands in the order of the file."""

    path: str
    """Relative to the folder of the project, with `/`."""
    imports: tuple[Import, ...] = ()
    exports: tuple[str, ...] | None = None
    """`__all__`, if it is plain."""
    functions: tuple[FunctionSummary, ...] = ()
    classes: tuple[ClassSummary, ...] = ()
    names: tuple[NameSummary, ...] = ()
    sites: tuple[SiteSummary, ...] = ()
    calls: tuple[CallSummary, ...] = ()
