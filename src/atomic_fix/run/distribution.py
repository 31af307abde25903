"""Finds the top-level packages in the distribution of a project, if its files declare them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from atomic_fix.run.dependencies import subtable


@dataclass(frozen=True, slots=True)
class Distribution:
    """Patterns for package names."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def has(self, top: str) -> bool:
        """Whether a top-level package, or any part of it, is included."""
        return any(fnmatchcase(top, each.partition(".")[0]) for each in self.include) and not any(
            fnmatchcase(top, each) for each in self.exclude
        )

    def has_package(self, name: str) -> bool:
        """Whether a package, by its dotted name, is included: `ns.*` does not include `ns`."""
        parts = name.split(".")
        around = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return self.has(parts[0]) and any(
            fnmatchcase(each, pattern) for each in around for pattern in self.include
        )


def distribution(
    pyproject: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, str]],
    keywords: Mapping[str, tuple[str, ...]],
) -> Distribution | None:
    """The packages that the files of a project declare; None if the build tool discovers them.

    Args:
        sections: the sections of its setup.cfg. keywords: the keywords of its setup.py.
    """
    tool = subtable(pyproject, "tool")
    packages = subtable(tool, "setuptools").get("packages")
    find = subtable(packages, "find")
    hatch = subtable(tool, "hatch", "build", "targets", "wheel").get("packages")
    poetry = subtable(tool, "poetry").get("packages")
    options = sections.get("options", {})
    found = sections.get("options.packages.find", {})
    listed = options.get("packages", "")
    includes: tuple[tuple[Iterable[str], Iterable[str]], ...] = (
        (_texts(packages), ()),
        (_texts(find.get("include")), _texts(find.get("exclude"))),
        ([each.rstrip("/").rpartition("/")[2] for each in _texts(hatch)], ()),
        (_of_poetry(poetry), ()),
        ([] if "find" in listed else _words(listed), ()),
        (_words(found.get("include", "")), _words(found.get("exclude", ""))),
        (keywords.get("packages", ()), ()),
        (keywords.get("find_packages.include", ()), keywords.get("find_packages.exclude", ())),
    )
    for include, exclude in includes:
        if include or exclude:
            return Distribution(tuple(include) or ("*",), tuple(exclude))
    return None


def _of_poetry(packages: Any) -> list[str]:
    found = (
        subtable(each).get("include") for each in (packages if isinstance(packages, list) else ())
    )
    return [each.partition("/")[0] for each in found if isinstance(each, str)]


def _words(text: str) -> list[str]:
    return [each for each in re.split(r"[,\s]+", text) if each]


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
