"""The properties of a path, and how they follow from those of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, Flag, auto
from functools import reduce
from itertools import chain, repeat
from operator import or_

from atomic_fix.catalog import words
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.names import words as name_words
from atomic_fix.facts.paths.expr import (
    UNKNOWN,
    Anything,
    FileName,
    Filled,
    Home,
    Join,
    Literal,
    Parent,
    PathExpr,
    Suffixed,
    Unknown,
    is_beside_code,
)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in another file. As text: "`resume` (app/main.py:12)"."""

    path: str
    row: int
    function: str = ""
    """The function around it, without its class; empty for the module's own code."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.row}"
        return f"`{self.function}` ({place})" if self.function else place


class OccurrenceKind(Enum):
    """Where a word of a path comes from; the value is its name in messages."""

    LITERAL = "literal"
    VARIABLE = "variable"
    ATTRIBUTE = "attribute"
    CONSTANT = "constant"
    PARAMETER = "parameter"
    FUNCTION = "function"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class NameOccurrence:
    """A name or literal with words, found on the way from an expression to its path.

    `distance` counts the steps from the expression of the query: 0 for its own names, more for
    those that they were assigned from.
    """

    kind: OccurrenceKind
    text: str
    distance: int
    origin: Location | None = None
    """The place in another file that passes it."""


class PathTrait(Flag):
    """Other properties of a path."""

    TEMP = auto()
    """A temp file."""
    TEMP_DIR = auto()
    """In a folder that is removed again."""
    SYSTEM_TEMP = auto()
    """In the system's temp folder."""
    BESIDE = auto()
    """A temp file made in a given folder."""
    UNIQUE = auto()
    """Has a new name each time."""
    HANDLE = auto()
    """An open file."""
    MEMORY = auto()
    """A file in memory alone."""
    PATH = auto()
    """Certainly a path, not a text or another object."""
    BACKUP = auto()
    """A backup copy."""
    DEVICE = auto()
    DESCRIPTOR = auto()
    """The number of an open file."""
    STAGED = auto()
    """Created in a `with` that publishes it."""


NO_TRAITS = PathTrait(0)
OF_FOLDERS = PathTrait.STAGED | PathTrait.SYSTEM_TEMP | PathTrait.TEMP_DIR
"""What is true of a folder is true of its files."""
OF_PARTS = OF_FOLDERS | PathTrait.UNIQUE | PathTrait.TEMP
"""What is true of a part of a name is true of the whole."""
_OF_JOINED = OF_FOLDERS | PathTrait.BESIDE | PathTrait.DEVICE
_OF_LAST = PathTrait.TEMP | PathTrait.UNIQUE | PathTrait.BACKUP
_OF_STEMS = OF_FOLDERS | PathTrait.UNIQUE | PathTrait.PATH | PathTrait.BACKUP

_TEMP_WORDS = words.TEMP - {"new"}

_TELLS_APART = 3
"""How much further away words are that only tell files of one kind apart."""

Exprs = frozenset[PathExpr]


@dataclass(frozen=True, slots=True)
class PathValue:
    """Everything known about a path."""

    expr: PathExpr = UNKNOWN
    """The expression for it that is resolved furthest."""
    aliases: Exprs = frozenset()
    """All expressions that stand for it."""
    occurrences: tuple[NameOccurrence, ...] = ()
    traits: PathTrait = NO_TRAITS
    derived_from: Exprs = frozenset()
    """Aliases of the paths from which this one was derived by a suffix, or next to a name."""

    @property
    def is_unknown(self) -> bool:
        return isinstance(self.expr, Unknown)

    def same(self, other: PathValue) -> bool:
        """Whether the two are the same file."""
        return not self.aliases.isdisjoint(other.aliases)

    def is_sibling_of(self, other: PathValue) -> bool:
        """Whether its name is derived from that of the other path, and its folder is the same."""
        if self.derived_from.isdisjoint(other.aliases):
            return False
        match self.expr:
            case Join((Parent(of=path), _, *_)):
                return path == other.expr
            case Join():
                return False
        return True

    @property
    def shows_path(self) -> bool:
        """Whether it is known to be a path, and not a text or another object."""
        return PathTrait.PATH in self.traits or any(
            ("." in m.text or "/" in m.text)
            if m.kind is OccurrenceKind.LITERAL
            else not words.PATHS.isdisjoint(name_words(m.text))
            for m in self.occurrences
            if m.distance <= 3
        )

    @property
    def is_temp(self) -> bool:
        return PathTrait.TEMP in self.traits

    def with_occurrence(
        self, alias: PathExpr, occurrence: NameOccurrence, *, otherwise: PathExpr | None = None
    ) -> PathValue:
        """The same path under one more name, or, when nothing else is known of it, under
        `otherwise`."""
        return replace(
            self,
            expr=(otherwise or alias) if self.is_unknown else self.expr,
            aliases=self.aliases | {alias},
            occurrences=(occurrence, *self.occurrences),
        )

    def with_aliases(self, *aliases: PathExpr) -> PathValue:
        """The same path under more names."""
        return replace(self, aliases=self.aliases.union(aliases))

    def part(
        self,
        make: Callable[[PathExpr], PathExpr],
        away: int,
        traits: PathTrait,
        derived_from: Exprs,
    ) -> PathValue:
        """A path derived from this one, whose words are `away` steps further away."""
        expr = make(self.expr)
        return PathValue(
            expr,
            frozenset({expr}),
            tuple(replace(m, distance=m.distance + away) for m in self.occurrences),
            self.traits & traits,
            derived_from,
        )

    def with_traits(self, traits: PathTrait) -> PathValue:
        return replace(self, traits=self.traits | traits) if traits else self


NOTHING_KNOWN = PathValue()


def is_temp_name(name: str) -> bool:
    """Whether a name says that its value is temporary."""
    found = phrase_in(_TEMP_WORDS, name)
    if found == "part" and name.lower().rpartition("_")[2] == "parts":
        return False  # `parts = key.split(".")`: the parts of a name
    return found is not None and "template" not in name.lower()


def traits_of(values: Iterable[PathValue]) -> PathTrait:
    """The traits that any of them has."""
    return reduce(or_, (value.traits for value in values), NO_TRAITS)


def aliases_of(values: Iterable[PathValue]) -> Exprs:
    return frozenset[PathExpr]().union(*(value.aliases for value in values))


def literal(template: str, distance: int) -> PathValue:
    """A text, with `{}` for each placeholder."""
    text = template.replace("{}", "")
    traits = NO_TRAITS
    if template.startswith(("/dev/", "/proc/", "/sys/", "\\\\.\\")):
        traits |= PathTrait.DEVICE
    if template.startswith(("/tmp/", "/var/tmp/")) or template == "/tmp":
        traits |= PathTrait.SYSTEM_TEMP
    base = template.replace("\\", "/").rstrip("/").rpartition("/")[2]
    tail = [part for part in base.lower().split(".")[1:] if part]
    if any(part.rstrip("0123456789") in _TEMP_WORDS for part in tail) or base.lower().startswith(
        ("tmp", "temp_", "temp.", ".tmp")
    ):
        traits |= PathTrait.TEMP
    if any(part in words.BACKUP for part in tail):
        traits |= PathTrait.BACKUP
    # `{}.csv` may be the name of any table.
    named = (base.rpartition(".")[0] or base).replace("{}", "").strip("._-")
    aliases: Exprs = frozenset({FileName(base)} if named else ())
    occurrences = (
        (NameOccurrence(OccurrenceKind.LITERAL, text, distance),) if text.strip("./_- ") else ()
    )
    return PathValue(Literal(template), aliases, occurrences, traits)


def filled(text: str, inner: Sequence[PathValue], distance: int) -> PathValue:
    """A text with values in place of each `{}`."""
    given = literal(text, distance)
    if not inner:
        return given
    if text.startswith("{}") and text.count("{}") == 1 and not text[2:].startswith(("/", "\\")):
        # f"{path}.tmp": the path with a suffix.
        return suffixed(inner[0], given, text[2:]).with_aliases(*given.aliases)
    expr = Filled(text, tuple(value.expr for value in inner[: text.count("{}")]))
    filled_in = (
        replace(m, distance=m.distance + away)
        for value, away in zip(inner, chain(_distances(text), repeat(0)), strict=False)
        for m in value.occurrences
    )
    return PathValue(
        expr,
        given.aliases | {expr},
        (*given.occurrences, *filled_in),
        given.traits | (traits_of(inner) & OF_PARTS),
        aliases_of(inner),
    )


def _distances(text: str) -> Iterator[int]:
    """By each `{}` of a text, how much further its words are from saying what the file is. What
    comes after the beginning of a name tells files of one kind apart: `run_{offset}.json`."""
    start = 0
    while (at := text.find("{}", start)) >= 0:
        before = text[:at].replace("\\", "/").rpartition("/")[2]
        # `{folder}{name}`: the first may end with a slash.
        yield _TELLS_APART if before.replace("{}", "") else 0
        start = at + 2


def join(values: Sequence[PathValue], traits: PathTrait = NO_TRAITS) -> PathValue:
    """The last of the values, in the folders that the other values name."""
    if not values:
        return NOTHING_KNOWN
    *folders, last = values
    expr = Join(tuple(value.expr for value in values))
    folder_occurrences = tuple(
        NameOccurrence(m.kind, m.text, m.distance + 2) for v in folders for m in v.occurrences
    )
    inherited = (traits_of(values) & _OF_JOINED) | (last.traits & _OF_LAST)
    if any(
        occurrence.kind is OccurrenceKind.PARAMETER and occurrence.text in words.SCRATCH_FIXTURES
        for value in folders
        for occurrence in value.occurrences
    ):
        inherited |= PathTrait.TEMP_DIR
    home = Home.CODE if any(is_beside_code(v.expr) for v in folders) else None
    if PathTrait.TEMP_DIR in inherited:
        home = Home.TEMP
    aliases: set[PathExpr] = {
        FileName(alias.name, home or alias.home)
        for alias in last.aliases
        if isinstance(alias, FileName)
    }
    if all(value.expr.is_known for value in folders):
        if last.expr.is_known:
            aliases.add(expr)
        if isinstance(last.expr, Suffixed) and last.expr.suffix is not None:
            # `folder / f"{one}.json"` and `folder / f"{other}.json"` are of one kind.
            aliases.add(Join((*expr.parts[:-1], Suffixed(Anything(), last.expr.suffix))))
    return PathValue(
        expr,
        frozenset(aliases),
        (*last.occurrences, *folder_occurrences),
        inherited | traits,
        last.derived_from,
    )


def suffixed(left: PathValue, right: PathValue, suffix: str | None) -> PathValue:
    """`left` with something appended to its name."""
    expr = Suffixed(left.expr, suffix)
    traits = (left.traits | right.traits) & _OF_STEMS
    if left.is_temp or right.is_temp:
        traits |= PathTrait.TEMP
    if suffix is not None and (suffix == "~" or suffix.strip("._-~").lower() in words.BACKUP):
        traits |= PathTrait.BACKUP
    aliases = {Suffixed(alias, suffix) for alias in left.aliases}
    if not left.is_unknown:
        aliases.add(expr)
    return PathValue(
        expr,
        frozenset[PathExpr](aliases),
        (*right.occurrences, *left.occurrences),
        traits,
        left.aliases | left.derived_from,
    )


def union(values: Sequence[PathValue]) -> PathValue:
    """A value that may be any of these."""
    if len(values) == 1:
        return values[0]
    if not values:
        return NOTHING_KNOWN
    known = [value for value in values if not value.is_unknown]
    traits = known[0].traits if known else NO_TRAITS
    for value in known[1:]:
        traits = (traits & value.traits) | ((traits | value.traits) & PathTrait.PATH)
    return PathValue(
        known[0].expr if len(known) == 1 else UNKNOWN,
        aliases_of(values),
        tuple(dict.fromkeys(m for v in values for m in v.occurrences)),
        traits,
        frozenset[PathExpr]().union(*(v.derived_from for v in values)),
    )
