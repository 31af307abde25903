"""Finds the Python versions that a project declares, and the lowest of them. Ranges are parsed as
in PEP 440 and Poetry (`^3.8`, `~3.8`, `3.8.*`, `||`). Invalid ranges are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from atomic_fix.run.dependencies import subtable
from atomic_fix.run.python_signs import Sign

Version: TypeAlias = tuple[int, ...]

# The first version with everything that the copied helper uses, and the first that the package
# supports.
FIRST_OF_COPIES = (3, 8)
FIRST_OF_PACKAGE = (3, 10)
FIRST_WITH_REPLACE = (3, 3)
"""The first version with `os.replace`."""

_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*|\.x)?(?:[a-z.+-].*)?")
_CLASSIFIER = re.compile(r"(?m)^[^#\n]*Programming Language :: Python :: 3\.(\d+)(?![\d.])")
_LATER_THAN_ALL = 1000  # as the last part of a version: after each release of a series


@dataclass(frozen=True, slots=True)
class Admitted:
    """The lowest Python that a project supports, the file that says so, and its wording; whether
    that is a range."""

    lowest: Version
    file: str
    words: str
    is_range: bool = False

    def __str__(self) -> str:
        number = ".".join(map(str, self.lowest))
        return f"{self.file} admits Python {number} (`{self.words}`)"


def admitted(
    pyproject: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, str]],
    keywords: Mapping[str, tuple[str, ...]],
    texts: Mapping[str, str],
    others: tuple[int | None, Iterable[Sign]] = (None, ()),
) -> Admitted | None:
    """The supported versions of a project: from the first file with a range, else the lowest that
    any file names, if the start script accepts it.

    Args:
        sections: the sections of its setup.cfg. keywords: the keywords of its setup.py. texts: the
        texts of all its files. others: the versions in other files, as returned by `signs`.
    """
    for file, key, range_ in _ranges(pyproject, sections, keywords):
        lowest = lowest_in(range_)
        if lowest is not None:
            lowest = (2, 7) if _names_python_2(range_) else lowest
            return Admitted(lowest, file, f"{key} {range_}", is_range=True)
    found = [
        (int(number), file, f"Programming Language :: Python :: 3.{number}")
        for file, text in texts.items()
        for number in _CLASSIFIER.findall(text)
    ]
    least, named = others
    found += [each for each in named if least is None or each[0] >= least]
    if not found:
        return None
    number, file, words = min(found)
    return Admitted((3, min(number, FIRST_OF_PACKAGE[1])), file, words)


def admitted_by_script(table: Mapping[str, Any]) -> Admitted | None:
    """The versions that a script with a PEP 723 comment supports."""
    range_ = table.get("requires-python")
    lowest = lowest_in(range_) if isinstance(range_, str) else None
    if lowest is None:
        return None
    return Admitted(lowest, "the script itself", f"requires-python {range_}")


def _ranges(
    pyproject: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, str]],
    keywords: Mapping[str, tuple[str, ...]],
) -> Iterator[tuple[str, str, str]]:
    """The ranges, each with its file and key."""
    poetry = subtable(pyproject, "tool", "poetry", "dependencies").get("python")
    if isinstance(poetry, dict):
        poetry = poetry.get("version")
    flit = subtable(pyproject, "tool", "flit", "metadata").get("requires-python")
    for key, value in (
        ("requires-python", subtable(pyproject, "project").get("requires-python")),
        ("python", poetry),
        ("requires-python", flit),
    ):
        if isinstance(value, str):
            yield "pyproject.toml", key, value.strip()
    value = sections.get("options", {}).get("python_requires", "")
    yield "setup.cfg", "python_requires", value.strip()
    literal = keywords.get("python_requires", ())
    if len(literal) == 1:
        yield "setup.py", "python_requires", literal[0].strip()


def lowest_in(text: str) -> Version | None:
    """The lowest minor version of Python 3 in a range, up to the first that the package supports;
    None if the range has no lower bound or is invalid."""
    ranges = [_clauses(each) for each in text.split("||")]
    known = [each for each in ranges if each]
    if not known or len(known) < len(ranges):
        return None
    for minor in range(FIRST_OF_PACKAGE[1]):
        tried = [(3, minor), (3, minor, _LATER_THAN_ALL)]
        tried += [
            version
            for clauses in known
            for _, version, _ in clauses
            if version[:2] == (3, minor) and len(version) > 2
        ]
        if any(all(_holds(each, c) for c in clauses) for each in tried for clauses in known):
            return 3, minor
    return FIRST_OF_PACKAGE


def _names_python_2(text: str) -> bool:
    """Whether a range names Python 2 and includes 2.7."""
    return any(
        any(version[:1] == (2,) for _, version, _ in clauses)
        and all(_holds((2, 7, _LATER_THAN_ALL), each) for each in clauses)
        for clauses in map(_clauses, text.split("||"))
    )


_Clause: TypeAlias = tuple[str, Version, bool]


def _clauses(text: str) -> list[_Clause]:
    """The clauses of a range, each with whether it ends in a star; none if one is unknown."""
    found = []
    # In Poetry, blanks may separate them too.
    parts = re.split(r"[,\s]+", re.sub(r"([<>=~!^])\s+", r"\1", text.strip()))
    for part in filter(None, parts):
        clause = _CLAUSE.fullmatch(part)
        if clause is None:
            return []
        version = tuple(map(int, clause[2].split(".")))
        # A bare version is Poetry syntax.
        found.append((clause[1] or "==", version, bool(clause[3]) or not clause[1]))
    return found


def _holds(version: Version, clause: _Clause) -> bool:
    operator, bound, has_star = clause
    if operator in {"==", "==="}:
        return _starts(version, bound) if has_star else _padded(version) == _padded(bound)
    if operator == "!=":
        return not (_starts(version, bound) if has_star else _padded(version) == _padded(bound))
    if operator == "~=":
        return _padded(version) >= _padded(bound) and _starts(version, bound[:-1])
    if operator == "^":
        return _padded(version) >= _padded(bound) and _starts(version, bound[:1])
    if operator == "~":
        return _padded(version) >= _padded(bound) and _starts(version, bound[:2])
    if operator == "<=":
        return _padded(version) <= _padded(bound)
    if operator == ">=":
        return _padded(version) >= _padded(bound)
    if operator == "<":
        return _padded(version) < _padded(bound)
    # As in PEP 440, 3.7.1 is greater than 3.7.
    return _padded(version) > _padded(bound)


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0)[:3]


def _starts(version: Version, with_: Version) -> bool:
    return _padded(version)[: len(with_)] == with_
