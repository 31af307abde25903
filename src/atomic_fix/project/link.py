"""Links the summaries of a project's files into an index. Pure: the same summaries, in any order
and grouping, give the same index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from atomic_fix.facts.outside import NOTHING_OUTSIDE
from atomic_fix.project.flows import Flows
from atomic_fix.project.helper import own_helper
from atomic_fix.project.index import ProjectIndex
from atomic_fix.project.modules import Modules
from atomic_fix.project.slices import slices
from atomic_fix.project.summary import FileSummary, SiteKind
from atomic_fix.project.wanted import unseen, wanted


def link(summaries: Iterable[FileSummary], *, helper: bool = False) -> ProjectIndex:
    """The index of a project.

    Args:
        summaries: one for each file. Files without content should be included as
        `FileSummary(path)`, because they show which names are modules of the project. Of two
        summaries of one path, the last in their sort order counts. helper: whether files that write
        get the project's own atomic writer.
    """
    return Linked(summaries).index(helper=helper)


class Linked:
    """The summaries of a project, linked. Each answer is computed when it is asked for: what other
    files have to be summarised is known before there is any evidence."""

    def __init__(self, summaries: Iterable[FileSummary]) -> None:
        files: dict[str, FileSummary] = {}
        for each in summaries:
            known = files.get(each.path)
            if known is None or repr(each) > repr(known):
                files[each.path] = each
        self._files = dict(sorted(files.items()))
        self._modules = Modules(self._files)
        self._flows = Flows(self._files, self._modules)

    @cached_property
    def wanted(self) -> Mapping[str, frozenset[str]]:
        """See `ProjectIndex.wanted`."""
        return wanted(self._files, self._flows)

    @cached_property
    def unseen(self) -> frozenset[str]:
        """See `ProjectIndex.unseen`."""
        return unseen(self._files, self._modules, self._flows)

    def index(self, *, helper: bool = False) -> ProjectIndex:
        """The evidence, as `link` returns it."""
        found = slices(self._files, self._flows)
        own = own_helper(self._files, self._flows) if helper else None
        if own is not None:
            for path, file in self._files.items():
                # The file that defines it cannot import it.
                if path != own.path and any(site.kind is SiteKind.WRITE for site in file.sites):
                    found[path] = replace(found.get(path, NOTHING_OUTSIDE), helper=own.setting)
        return ProjectIndex(found, self.wanted, self.unseen)
