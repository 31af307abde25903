"""Links the summaries of a project's files into an index. Pure: the same summaries, in any order
and grouping, give the same index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from atomic_fix.facts.outside import NOTHING_OUTSIDE
from atomic_fix.project.flows import Flows
from atomic_fix.project.helper import own_helper
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
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
    files: dict[str, FileSummary] = {}
    for each in summaries:
        known = files.get(each.path)
        if known is None or repr(each) > repr(known):
            files[each.path] = each
    files = dict(sorted(files.items()))
    if not files:
        return EMPTY_INDEX
    modules = Modules(files)
    flows = Flows(files, modules)
    found = slices(files, flows)
    own = own_helper(files, flows) if helper else None
    if own is not None:
        for path, file in files.items():
            # The file that defines it cannot import it.
            if path != own.path and any(site.kind is SiteKind.WRITE for site in file.sites):
                found[path] = replace(found.get(path, NOTHING_OUTSIDE), helper=own.setting)
    return ProjectIndex(found, wanted(files, flows), unseen(files, modules, flows))
