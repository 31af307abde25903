"""What is known of a whole project: for each file, what the others say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    each, the names of modules and classes of which the file has to name one as well. So too words
    of the names of files that are written, with those names behind a quotation mark."""

    unseen: frozenset[str] = frozenset()
    """Files of which nothing is known, and in which a name that matters is defined."""

    def slice_of(self, path: str) -> FileSlice:
        """What other files say about one; of a file that is not known, nothing."""
        # Here, and not above: most files are done with before anything of the facts is needed.
        from atomic_fix.facts.outside import NOTHING_OUTSIDE

        return self.slices.get(path, NOTHING_OUTSIDE)


EMPTY_INDEX = ProjectIndex()
