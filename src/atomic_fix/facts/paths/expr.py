"""Path expressions: how a path is built, as values. They are frozen, compare by content, and can be
hashed and pickled. Functions are identified by name and row, code by row and column: no nodes, and
nothing that depends on the order of a run. Two paths are the same file if they share an expression
(`PathValue.same`). Each class says whether its expressions count in that comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class PathExpr:
    """How a path is built: the base of the classes below."""

    __slots__ = ()

    @property
    def inner(self) -> tuple[PathExpr, ...]:
        """The expressions that it consists of."""
        return ()

    @property
    def is_known(self) -> bool:
        """Whether every part of it is known: only then does it name the same file in two places."""
        return all(each.is_known for each in self.inner)

    def walk(self) -> Iterator[PathExpr]:
        """The expression itself and all its parts."""
        yield self
        for each in self.inner:
            yield from each.walk()


class _OfOne(PathExpr):
    """Derived from one other path, `of`."""

    __slots__ = ()
    of: PathExpr

    @property
    def inner(self) -> tuple[PathExpr, ...]:
        return (self.of,)


# --- expressions without other paths ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unknown(PathExpr):
    """Nothing is known of it. Two of them need not be the same file."""

    @property
    def is_known(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Literal(PathExpr):
    """A text in the code. Not compared: the same file is found by its `FileName`."""

    text: str


class Home(Enum):
    """A folder whose files are not those of the same name elsewhere."""

    CODE = "beside the code"
    TEMP = "in a folder that is removed again"


@dataclass(frozen=True, slots=True)
class FileName(PathExpr):
    """The last part of a literal path. In one module the same file name is the same file, whatever
    the folder, unless one of them is beside the code or in a temp folder."""

    name: str
    home: Home | None = None


@dataclass(frozen=True, slots=True)
class Parameter(PathExpr):
    """A parameter. The same file throughout the function, until it is bound again."""

    function: str
    row: int
    """The row of the function's `def`, which no other function of this name has."""
    name: str


@dataclass(frozen=True, slots=True)
class Local(PathExpr):
    """A name of a function. The same file as long as it was bound in the same place."""

    function: str
    row: int
    name: str
    bound_at: tuple[int, int] | None = None
    """Row and column of the value that it was bound to last; None where it is not bound before."""


@dataclass(frozen=True, slots=True)
class Global(PathExpr):
    """A name of the module, or one that nothing binds. The same file as long as it was bound in
    the same place."""

    name: str
    bound_at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SelfAttribute(PathExpr):
    """`self.name`. The same file in all methods of a class; without an `owner`, as a part of other
    paths, in those of every class of the module."""

    name: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class SameText(PathExpr):
    """A dotted name as it is written: the same object in most functions of a module."""

    text: str


@dataclass(frozen=True, slots=True)
class Returned(PathExpr):
    """The result of a function of the module. The same file at each call, whatever its arguments
    are."""

    function: str
    row: int


@dataclass(frozen=True, slots=True)
class Temp(PathExpr):
    """A temp file created at one place in the code. Each place creates another file."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class UniqueName(PathExpr):
    """A text that is new each time, such as a time or a random number, made at one place."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Descriptor(PathExpr):
    """The result of `os.open`. Not compared."""

    row: int
    column: int


@dataclass(frozen=True, slots=True)
class InMemory(PathExpr):
    """A handle without a file. Not compared."""


@dataclass(frozen=True, slots=True)
class Anything(PathExpr):
    """In `folder / f"{name}.json"`, the part before the suffix: such files are of one kind, and
    count as one if folder and suffix are the same."""


# --- expressions derived from other paths ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Join(PathExpr):
    """A path below a folder: `folder / "state.json"`. The same file when each part is the same."""

    parts: tuple[PathExpr, ...]

    @property
    def inner(self) -> tuple[PathExpr, ...]:
        return self.parts


@dataclass(frozen=True, slots=True)
class Suffixed(_OfOne):
    """A path with something appended to its name: `path + ".tmp"`. The same file when path and
    suffix are the same."""

    of: PathExpr
    suffix: str | None
    """None: not known."""

    @property
    def is_known(self) -> bool:
        return self.suffix is not None and self.of.is_known


@dataclass(frozen=True, slots=True)
class Filled(PathExpr):
    """A template with values in it: `f"{folder}/state-{name}.json"`. The same file when text and
    values are the same."""

    template: str
    """With `{}` for each value."""
    values: tuple[PathExpr, ...]

    @property
    def inner(self) -> tuple[PathExpr, ...]:
        return self.values


@dataclass(frozen=True, slots=True)
class Parent(_OfOne):
    """The folder of a path."""

    of: PathExpr


class Part(Enum):
    """A part of a path that code can ask for by name."""

    NAME = "name"
    STEM = "stem"
    SUFFIX = "suffix"
    PARENTS = "parents"


@dataclass(frozen=True, slots=True)
class PartOf(_OfOne):
    """The name, stem or suffix of a path, or all the folders above it."""

    part: Part
    of: PathExpr


@dataclass(frozen=True, slots=True)
class Attribute(_OfOne):
    """An attribute of something other than `self`: `config.path`. The same file when the object and
    the name are the same."""

    of: PathExpr
    name: str


@dataclass(frozen=True, slots=True)
class Item(_OfOne):
    """`config["path"]`, `pair[1]`, or the value unpacked from it. The same file when object and key
    are the same."""

    of: PathExpr
    key: str | None
    """None: not known."""

    @property
    def is_known(self) -> bool:
        return self.key is not None and self.of.is_known


@dataclass(frozen=True, slots=True)
class Element(_OfOne):
    """The elements that a loop goes through, one after the other. Not compared."""

    of: PathExpr


@dataclass(frozen=True, slots=True)
class Handle(_OfOne):
    """The name bound by `with ... as`: an open file, whose `.name` is the path."""

    of: PathExpr


@dataclass(frozen=True, slots=True)
class Called(PathExpr):
    """The result of a function from elsewhere. The same file if all arguments are known and the
    same."""

    function: str
    arguments: tuple[PathExpr, ...]

    @property
    def inner(self) -> tuple[PathExpr, ...]:
        return self.arguments


UNKNOWN = Unknown()


def is_beside_code(expr: PathExpr) -> bool:
    """Whether a path is derived from `__file__`."""
    return any(
        each.name == "__file__"
        for each in expr.walk()
        if isinstance(each, (Attribute, Global, Local, Parameter))
    )


def is_below(expr: PathExpr, above: PathExpr) -> bool:
    """Whether a path is another one with something joined to it."""
    match expr:
        case Join((first, _, *_)):
            return first == above
    return False


def folder(expr: PathExpr) -> PathExpr:
    """The first part of a path: paths that begin alike may be in one folder."""
    match expr:
        case Join((first, *_)):
            return Join((folder(first),))
        case Suffixed(of=path):
            return Suffixed(folder(path), None)
    return expr
