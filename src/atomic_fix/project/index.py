"""What is known of a whole project: for each file, what the others say about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atomic_fix.facts.outside import FileSlice


@dataclass(frozen=True)
class ProjectIndex:
    """The linked summaries of a project."""

    slices: Mapping[str, FileSlice] = field(default_factory=dict)
    """By path, of the files about which others say something."""
    words: frozenset[str] = frozenset()
    """Names that a file must hold to matter to other files, where it holds nothing else: those of
    functions that write or load what they are given, of constants and classes that give paths, and
    of modules that are imported for them."""

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

    def may_concern(self, content: bytes) -> bool:
        """Whether a file with these bytes, which the prefilter left out, may say something about
        others: it holds one of the words."""
        return self._some_word is not None and self._some_word.search(content) is not None

    @cached_property
    def _some_word(self) -> re.Pattern[bytes] | None:
        if not self.words:
            return None
        names = sorted(re.escape(word) for word in self.words)
        return re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)".encode())


EMPTY_INDEX = ProjectIndex()
