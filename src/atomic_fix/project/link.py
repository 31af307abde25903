"""Links the summaries of a project's files into an index. Pure: the same summaries, in any order
and grouping, give the same index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from atomic_fix.facts.outside import NOTHING_OUTSIDE, FileSlice
from atomic_fix.project.clues import anywhere
from atomic_fix.project.flows import Flows
from atomic_fix.project.helper import own_helper
from atomic_fix.project.index import ProjectIndex
from atomic_fix.project.modules import Modules
from atomic_fix.project.slices import slices
from atomic_fix.project.summary import FileSummary, FunctionSummary, SiteKind
from atomic_fix.project.unread import Unread, unread
from atomic_fix.project.wanted import unseen, wanted
from atomic_fix.source import is_test_file


def link(
    summaries: Iterable[FileSummary], *, helper: bool = False, held: frozenset[str] | None = None
) -> ProjectIndex:
    """The index of a project.

    Args:
        summaries: one for each file. Files without content should be included as
        `FileSummary(path)`, because they show which names are modules of the project. Of two
        summaries of one path, the last in their sort order counts. helper: whether files that write
        get the project's own atomic writer. held: see `Linked.index`.
    """
    return Linked(summaries).index(helper=helper, held=held)


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
    def uncalled(self) -> Mapping[str, tuple[FunctionSummary, ...]]:
        """By path: the functions that write files which their callers choose, if no file is known
        to call them."""
        found = {
            path: tuple(each for each in file.functions if self._is_uncalled(path, each))
            for path, file in self._files.items()
        }
        # What several files define under one name is called by something that need not name it.
        defined = Counter(_plain(each) for functions in found.values() for each in functions)
        single = {
            path: tuple(each for each in functions if defined[_plain(each)] == 1)
            for path, functions in found.items()
        }
        return {path: functions for path, functions in single.items() if functions}

    @cached_property
    def absent(self) -> Mapping[str, frozenset[str]]:
        """Clues for all files of a project, each with the only files that may hold it: if others do
        not, nobody calls a function of these, or reads a file that they write."""
        found: dict[str, set[str]] = {}
        for path, functions in self.uncalled.items():
            for each in functions:
                found.setdefault(_clue(each), set()).add(path)
        for path, writes in self.unread.items():
            for write in writes:
                for clue in write.clues:
                    found.setdefault(clue, set()).add(path)
        return {clue: frozenset(paths) for clue, paths in found.items()}

    @cached_property
    def unread(self) -> Mapping[str, tuple[Unread, ...]]:
        """By path: the writes of files whose names no summary mentions."""
        return unread(self._files)

    def _is_uncalled(self, path: str, function: FunctionSummary) -> bool:
        return (
            function.named_once
            and not is_test_file(path)
            and not self._flows.callers.get((path, _plain(function), function.row))
        )

    @cached_property
    def unseen(self) -> frozenset[str]:
        """See `ProjectIndex.unseen`."""
        return unseen(self._files, self._modules, self._flows)

    def index(self, *, helper: bool = False, held: frozenset[str] | None = None) -> ProjectIndex:
        """The evidence, as `link` returns it. `held`: those of the clues in `absent` that other
        files hold; None if not all files of the project are known."""
        found = slices(self._files, self._flows)
        if held is not None:
            self._add_absent(found, held)
        own = own_helper(self._files, self._flows) if helper else None
        if own is not None:
            for path, file in self._files.items():
                # The file that defines it cannot import it.
                if path != own.path and any(site.kind is SiteKind.WRITE for site in file.sites):
                    found[path] = replace(found.get(path, NOTHING_OUTSIDE), helper=own.setting)
        return ProjectIndex(found, self.wanted, self.unseen)

    def _add_absent(self, found: dict[str, FileSlice], held: frozenset[str]) -> None:
        """Add what no code of the project does."""
        for path in sorted({*self.uncalled, *self.unread}):
            functions = tuple(
                (_plain(each), each.row)
                for each in self.uncalled.get(path, ())
                if _clue(each) not in held
            )
            writes = tuple(
                each.place for each in self.unread.get(path, ()) if held.isdisjoint(each.clues)
            )
            if functions or writes:
                known = found.get(path, NOTHING_OUTSIDE)
                found[path] = replace(known, uncalled=functions, unread=writes)


def _plain(function: FunctionSummary) -> str:
    return function.name.rpartition(".")[2]


def _clue(function: FunctionSummary) -> str:
    return anywhere(_plain(function))
