"""The index of a project: for each file, the evidence in the others."""

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
    """By path, for the files about which others have evidence."""
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names by which a file without sites of its own may provide evidence: of functions that write
    or load their arguments, of constants with paths, of classes that contain them. For each, the
    names of modules and classes, of which the file has to contain one as well. Also words of the
    names of written files, with those names after a quotation mark."""

    unseen: frozenset[str] = frozenset()
    """Files without a summary in which a relevant name is defined."""

    def slice_of(self, path: str) -> FileSlice:
        """The evidence in other files about a file; empty for an unknown file."""
        # Imported here because most files are finished before facts are needed.
        from atomic_fix.facts.outside import NOTHING_OUTSIDE

        return self.slices.get(path, NOTHING_OUTSIDE)


EMPTY_INDEX = ProjectIndex()
