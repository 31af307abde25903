"""What is known of a whole project: for each file, what the others say about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

_NAME = re.compile(rb"[A-Za-z_]\w*")

if TYPE_CHECKING:
    from atomic_fix.facts.outside import FileSlice


@dataclass(frozen=True)
class ProjectIndex:
    """The linked summaries of a project."""

    slices: Mapping[str, FileSlice] = field(default_factory=dict)
    """By path, of the files about which others say something."""
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names by which a file that holds nothing else may matter to other files: of functions that
    write or load what they are given, of constants that give paths, of classes that hold them. For
    each, the names of modules and classes of which the file has to name one as well."""

    unseen: frozenset[str] = frozenset()
    """Files of which nothing is known, and in which a name that matters is defined."""

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.wanted)

    def slice_of(self, path: str) -> FileSlice:
        """What other files say about one; of a file that is not known, nothing."""
        # Here, and not above: most files are done with before anything of the facts is needed.
        from atomic_fix.facts.outside import NOTHING_OUTSIDE

        return self.slices.get(path, NOTHING_OUTSIDE)

    def only(self, path: str, filename: str = "") -> ProjectIndex:
        """The part of the index that one file needs, under the name that the file is checked by
        where that is another one."""
        found = self.slices.get(path)
        return ProjectIndex({filename or path: found}) if found is not None else EMPTY_INDEX

    def may_concern(self, path: str, content: bytes) -> bool:
        """Whether a file that the prefilter left out may say something about others: it holds one
        of the words, and the name of a module or class that has it."""
        if path in self.unseen:
            return True
        if not self.wanted:
            return False
        said = frozenset(_NAME.findall(content))
        return any(
            not self._wanted[name].isdisjoint(said) for name in self._wanted.keys() & said
        ) or any(star in content for star in self._stars)

    @cached_property
    def _wanted(self) -> dict[bytes, frozenset[bytes]]:
        return {
            name.encode(): frozenset(each.encode() for each in homes)
            for name, homes in self.wanted.items()
        }

    @cached_property
    def _stars(self) -> list[bytes]:
        """What passes on all names of a module at once."""
        homes = frozenset[str]().union(*self.wanted.values())
        return [f"{home} import *".encode() for home in sorted(homes)]


EMPTY_INDEX = ProjectIndex()
