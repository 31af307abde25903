"""The summary of one file for the other files of its project. It depends on that file alone, and
consists of plain values, without nodes, which can be compared, sent between processes and stored.

Paths are written as texts, and equal texts mean the same file. In a text, `HERE` stands for the
summarised file, and names that may come from another file are between `OPEN` and `CLOSE`; `link`
replaces them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.outside import Place
from atomic_fix.facts.paths.value import NO_TRAITS, NameOccurrence, PathTrait

HERE = "\x01"
OPEN, CLOSE = "\x02", "\x03"


@dataclass(frozen=True, slots=True)
class PathSummary:
    """Everything known about a path."""

    expr: str = ""
    """The text that is resolved furthest; empty if there is none."""
    keys: tuple[str, ...] = ()
    """All its texts, sorted."""
    own: tuple[str, ...] = ()
    """Its names that other files may set, in the form of `outside.key`: parameters and
    attributes."""
    refs: tuple[tuple[str, str], ...] = ()
    """Names in it that other files define: each in the form of `outside.key`, with its dotted
    name."""
    names: tuple[str, ...] = ()
    """The file names with which it may end."""
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
    """The positional parameters first, without `self` and `cls`, and a star at the end for any
    number of others."""
    returns: PathSummary = PathSummary()
    """The path that it returns."""
    makes: str = ""
    """The class, by its name in this file, of which it returns an instance."""
    is_method: bool = False
    keeps: str = ""
    """If the function writes an object to a path as JSON, atomically and with fsync: its arguments
    in the form of the setting `helper`, `path, obj`."""
    named_once: bool = False
    """Whether it writes a file that its caller chooses, and its file names it only where it defines
    it."""


@dataclass(frozen=True, slots=True)
class ClassSummary:
    name: str
    bases: tuple[str, ...]
    """As they are written."""
    attributes: tuple[tuple[str, PathSummary, int], ...] = ()
    """The attributes of the class and its instances that are paths, with the rows that assign
    them."""
    types: tuple[tuple[str, str], ...] = ()
    """The class of other attributes, by its name in this file."""


@dataclass(frozen=True, slots=True)
class NameSummary:
    """A module-level name of a path, or of an instance of a class."""

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
    """The function that contains it; empty for module-level code."""
    row: int
    """The row of the function's `def`; 0 for the module."""
    said: tuple[str, ...]
    """The names of the function and the class around it."""
    path: PathSummary
    """The file that is written or loaded, or the final name."""
    parsed: bool = False
    handled: bool = False
    """Of a load: whether the function itself handles the error of a corrupt file."""
    misses: bool = False
    """Of a load: whether the function silently treats a broken file as a miss."""
    turned: tuple[str, ...] = ()
    """Of a load: the errors for a corrupt file that the function turns into one of its own."""
    costly: bool = False
    """Of a load: whether the content of such a file takes long to compute."""
    staged: bool = False
    """Of a write: whether the file is moved to its final name later."""
    source: PathSummary = PathSummary()
    """Of a publication: the temp file."""
    how: Move | None = None
    synced: bool = False
    """Whether the file is synced, as far as visible."""
    reported: bool = False
    """Of a publication: whether its defects are reported in its own file."""
    sound: bool = False
    """Of a publication: whether it has no defects."""


@dataclass(frozen=True, slots=True)
class ArgumentSummary:
    position: int | None
    name: str
    """The keyword; empty for a positional argument."""
    path: PathSummary
    published: bool = False
    """Whether the caller gives that file its final name afterwards."""


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call of a function that another file may define."""

    callee: str
    """Its dotted name in this file; for a method, prefixed by the class."""
    place: Place
    function: str
    row: int
    said: tuple[str, ...]
    arguments: tuple[ArgumentSummary, ...] = ()
    tested: bool = False
    """Whether the call is in a test."""
    loops: bool = False
    tried: bool = False
    """Whether the call is in a `try`."""
    catches: bool = False
    """Whether the caller has a handler for an error that the call raises."""
    handled: bool = False
    """Whether that handler is for a corrupt file and does not raise another error."""
    misses: bool = False
    """Whether that handler is silent as well."""
    looks: bool = False
    """Whether the caller tests the result of the call, or may do so."""
    returned: bool = False
    reports: bool = False
    """Whether the caller tests for a default and reports it."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """One file, with everything in source order."""

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
    emptied: tuple[SiteSummary, ...] = ()
    """The calls that only empty a file, as writes: they are no sites of content."""

    def other_paths(self) -> Iterator[PathSummary]:
        """The paths in arguments, constants, returned values and attributes."""
        for call in self.calls:
            for argument in call.arguments:
                yield argument.path
        for name in self.names:
            yield name.path
        for function in self.functions:
            yield function.returns
        for owner in self.classes:
            for _, path, _ in owner.attributes:
                yield path
