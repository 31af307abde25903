"""The projects of a run: the summaries of their files, linked into an index and cached for the next
run. A project is updated in two steps, so that no file is parsed twice: its files are examined,
unless the result is cached, together with any other work on them; then they are linked. Files that
the prefilter rejects are examined if they contain a name that linking asks for.
"""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from atomic_fix import files
from atomic_fix.config import AUTO
from atomic_fix.run import typed_json
from atomic_fix.run.cache import settled, stat_of
from atomic_fix.run.discover import SUFFIXES, Candidate
from atomic_fix.run.looking import Look, Seen, seen_in, settings_of_summary
from atomic_fix.run.project_files import PROSE, Listing, TooMany, Trees, listing
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.store import Store, digest, hashed, version
from atomic_fix.settings import ConfigError, Resolver, Settings
from atomic_fix.source import is_notebook

if TYPE_CHECKING:
    from atomic_fix.facts.outside import FileSlice
    from atomic_fix.project.index import ProjectIndex
    from atomic_fix.project.summary import FileSummary
    from atomic_fix.run.workers import Engine

_SHARE = 0.1
_LEAST_ROOM = 1 << 17
"""The most bytes of files that are examined a second time: a fraction of those that the prefilter
accepts, and a minimum."""
_ROUNDS = 2
"""How often linking may ask for names for which more files have to be examined."""
_MOST_OTHERS = 1 << 24
"""The most bytes of files in other languages that are searched for names of functions."""
_NOT_KEPT = "-"
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Task:
    """A file of a project that has to be examined."""

    project: Project
    candidate: Candidate
    look: Look


Looker = Callable[[list[Task]], Iterable["Seen | None"]]
"""A function that examines files and returns the results in the same order."""


@dataclass(slots=True)
class _Known:
    """The cached data about one file, by the digest of its content."""

    content: str
    matters: bool
    clues: frozenset[str]
    summary: str
    """As it is kept; empty for none."""

    @property
    def has_summary(self) -> bool:
        """Whether it always has a summary, not only if others ask for names that it contains."""
        return self.matters and bool(self.summary)


class Project:
    """One tree. Its cache consists of two files: data that every run needs, and data needed only by
    a run that finds a changed file."""

    def __init__(
        self, root: str, settings: Settings, trees: Trees, resolver: Resolver, cache_folder: str
    ) -> None:
        self.root = root
        self.settings = settings
        self.warnings: list[str] = []
        self._stats: dict[str, list[int]] = {}
        self._known: dict[str, _Known] = {}
        self._clues = _NOTHING
        """All clues that the files rejected by the prefilter were searched for."""
        self._slices: dict[str, str] = {}
        self._said: dict[str, FileSlice] = {}
        """The same, as far as they are needed."""
        self._searched: dict[str, list[int]] = {}
        """The files in other languages that were searched for names of functions, with their
        states."""
        self._summaries: dict[str, FileSummary] = {}
        self._head, self._body = self._stores(cache_folder)
        head = self._head.read() if self._head is not None else {}
        before = _listing_of(head)
        self._is_changed = False
        """Whether the cache has to be written."""
        self.is_linked = False
        stats = head.get("stats")
        if before is not None and before.is_current():
            self._listing = before
        else:
            self._is_changed = True
            self._listing = self._listed(trees, resolver)
        known = stats if isinstance(stats, dict) else {}
        now = {name: stat_of(self.path_of(name)) for name in self._files()}
        self._stats = {name: list(settled(stat)) for name, stat in now.items() if stat is not None}
        self.stale = [
            name for name, stat in now.items() if stat is not None and known.get(name) != stat
        ]
        """The files that have to be examined."""
        slices = head.get("slices")
        if isinstance(slices, dict):
            self._slices = slices
        self._key = head.get("body")
        self._own = _module_names(self._files())
        """The first parts of the names of its modules."""
        self._searched = _states(head.get("searched"))
        if (
            not self.stale
            and known.keys() == self._stats.keys()
            and before is not None
            and (before.is_whole, before.others) == (self._listing.is_whole, self._listing.others)
            and all(stat_of(self.path_of(x)) == state for x, state in self._searched.items())
        ):
            self.is_linked = True
        else:
            self._load_body()

    def _listed(self, trees: Trees, resolver: Resolver) -> Listing:
        try:
            return listing(self.root, trees, resolver)
        except TooMany as error:
            self.warnings.append(f"{self.root}: its files are judged alone: {error}")
            return Listing((), {self.root: -1})

    def _files(self) -> tuple[str, ...]:
        return self._listing.files

    def path_of(self, name: str) -> str:
        """The path of a file, by its name in the project."""
        return os.path.join(self.root, *name.split("/"))

    def _stores(self, folder: str) -> tuple[Store | None, Store | None]:
        if not folder:
            return None, None
        scope = repr(_scope(self.settings)).encode("utf-8", "surrogatepass")
        name = hashed(os.fsencode(self.root), version().encode(), scope).hex()
        return Store(folder, f"{name}.index"), Store(folder, f"{name}.summaries")

    # --- the cache ----------------------------------------------------------------------

    def _load_body(self) -> None:
        if self._body is None:
            return
        body = self._body.read()
        files, clues = body.get("files"), body.get("clues")
        if body.get("key") == self._key and isinstance(files, dict) and _are_texts(clues):
            self._clues = frozenset(clues)
            for name, row in files.items():
                match row:
                    case [str(content), bool(matters), held, str(summary)] if _are_texts(held):
                        self._known[name] = _Known(content, matters, frozenset(held), summary)
        gained = self._own.difference(own) if _are_texts(own := body.get("own")) else self._own
        stale = {*self.stale, *(x for x in self._known if gained and self._imports(x, gained))}
        for name in stale - set(self.stale):
            self._known[name].content = ""  # its calls of new names are not known
        self.stale = [x for x in self._stats if x in stale or x not in self._known]

    def _imports(self, name: str, modules: frozenset[str]) -> bool:
        """Whether a file that was summarised imports some modules."""
        summary = self._summary(name)
        return summary is not None and any(
            each.target.partition(".")[0] in modules for each in summary.imports
        )

    def save(self) -> None:
        """Cache the data for the next run."""
        if self._head is None or self._body is None:
            return
        if self._is_changed:
            self._is_changed = False
            if self._known:
                files = {
                    name: [each.content, each.matters, sorted(each.clues), each.summary]
                    for name, each in sorted(self._known.items())
                }
                self._key = digest(json.dumps([files, sorted(self._clues)]).encode())
                self._body.write(
                    {
                        "key": self._key,
                        "clues": sorted(self._clues),
                        "own": sorted(self._own),
                        "files": files,
                    }
                )
            self._head.write(
                {
                    "body": self._key,
                    "listing": list(self._listing.files),
                    "folders": self._listing.folders,
                    "watched": self._listing.watched,
                    "whole": self._listing.is_whole,
                    "others": list(self._listing.others),
                    "searched": self._searched,
                    "stats": self._stats,
                    "slices": self._slices,
                }
            )
        self.warnings += [*self._head.warnings, *self._body.warnings]
        self._head.warnings.clear()
        self._body.warnings.clear()

    # --- examining files ------------------------------------------------------------------

    def had_slice(self, name: str) -> bool:
        """Whether other files had evidence about a file when they were last linked."""
        return name in self._slices

    def task(self, name: str, candidate: Candidate | None = None) -> Task:
        """The work needed to examine a file."""
        known = self._known.get(name)
        content = known.content if known is not None else ""
        look = Look(name, self._clues, content, own=self._own)
        return Task(self, candidate or Candidate(self.path_of(name), self.settings), look)

    def take(self, name: str, seen: Seen | None) -> None:
        """Store the result of examining a file."""
        self._is_changed = True
        if seen is None:
            self._known.pop(name, None)
            self.is_linked = False
        elif not seen.is_known:
            new = _Known(seen.digest, seen.matters, seen.clues, self._kept(seen.summary))
            old = self._known.get(name)
            self._known[name] = new
            if old is None or replace(old, content=new.content) != new:
                self.is_linked = False
            self._forget(name)
            if seen.summary is not None:
                self._summaries[name] = seen.summary

    def _kept(self, value: FileSummary | FileSlice | None) -> str:
        """A value in its cached form, or, if nothing is cached, whether there is one."""
        if self._body is None and value is not None:
            return _NOT_KEPT
        return _text(value)

    def _forget(self, name: str) -> None:
        self._summaries.pop(name, None)

    def link(self, looker: Looker) -> None:
        """Link the summaries, and examine more files that contain names that linking asks for."""
        if self.is_linked:
            return
        self._is_changed = True
        gone = self._known.keys() - self._stats.keys()
        for name in gone:
            del self._known[name]
            self._forget(name)
        index, searched = self._linked(looker)
        self._said = {
            name: replace(found, root=self.root)
            for name in self._files()
            if (found := index.slice_of(name)) != _nothing()
        }
        self._slices = {name: self._kept(found) for name, found in self._said.items()}
        # Clues that are no longer needed are not searched for in files that change later.
        for each in self._known.values():
            each.clues &= searched
        self._clues &= searched
        self.is_linked = True
        self.stale = []

    def _linked(self, looker: Looker) -> tuple[ProjectIndex, frozenset[str]]:
        """The index, and the clues that files were searched for."""
        from atomic_fix.project.clues import clues
        from atomic_fix.project.link import Linked

        chosen = {name for name, each in self._known.items() if each.matters}
        room = max(_LEAST_ROOM, int(_SHARE * sum(map(self._size, chosen))))
        linked = Linked(self._summaries_of(chosen))
        searched = _NOTHING
        for _ in range(_ROUNDS):
            if room < 0:
                break
            wanted = clues(linked.wanted)
            asked = wanted.union(linked.absent if self._is_whole() else ())
            searched |= asked
            self._search(asked, looker)
            more, room = self._chosen_by(wanted, linked.unseen, chosen, room)
            if not more:
                break
            self._summarise(more, looker)
            chosen |= more
            linked = Linked(self._summaries_of(chosen))
        held = None
        if self._is_whole() and linked.absent:
            if more := linked.absent.keys() - searched:
                searched |= more
                self._search(frozenset(more), looker)
            held = self._held(linked.absent)
        # Files get it only if their repairs call it.
        return linked.index(helper=self.settings.config.helper == AUTO, held=held), searched

    def _is_whole(self) -> bool:
        """Whether all files of a project are known."""
        return self._listing.is_whole and all(name in self._known for name in self._files())

    def _held(self, absent: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
        """Those of some clues that other files hold than the ones that may; None if they cannot be
        searched for everywhere."""
        from atomic_fix.project.clues import is_of_file_name, mentions

        held = _NOTHING.union(
            clue
            for name, each in self._known.items()
            for clue in each.clues & absent.keys()
            if name not in absent[clue]
        )
        left = absent.keys() - held
        self._searched = {}
        if not left:
            return held
        paths = {name: self.path_of(name) for name in self._listing.others}
        states = {name: stat_of(path) for name, path in paths.items()}
        if sum(state[0] for state in states.values() if state is not None) > _MOST_OTHERS:
            return None
        for name, state in states.items():
            if state is None:
                return None
            self._searched[name] = list(settled(state))
            try:
                content = files.read(paths[name], _MOST_OTHERS, follow=False)
            except OSError:
                return None
            # A document shows a function to its users, but reads no file.
            is_prose = name.endswith(PROSE)
            left -= {
                clue
                for clue in left
                if not (is_prose and is_of_file_name(clue)) and mentions(content, clue)
            }
        return frozenset(absent.keys() - left)

    def _search(self, wanted: frozenset[str], looker: Looker) -> None:
        """Search for clues in the files that the prefilter rejects, and, if they are for all files,
        in the others."""
        from atomic_fix.project.clues import for_all_files

        new = wanted - self._clues
        if not new:
            return
        self._clues |= new
        for_all = for_all_files(new)
        left = [(name, each) for name, each in self._known.items() if for_all or not each.matters]
        looks = [
            Look(name, for_all if each.matters else new, each.content, left_out=True, summary=False)
            for name, each in left
        ]
        for (_, each), seen in zip(left, self._looked(looks, looker), strict=True):
            # Files that have changed meanwhile are examined by the next run.
            if seen is not None and seen.digest == each.content:
                each.clues |= seen.clues

    def _chosen_by(
        self, wanted: frozenset[str], unseen: frozenset[str], chosen: set[str], room: int
    ) -> tuple[set[str], int]:
        """The requested files and those that contain clues, within the byte budget, and the
        remaining budget. Clues that fewer files contain come first."""
        held = {
            name: found
            for name, each in self._known.items()
            if name not in chosen and (found := each.clues & wanted)
        }
        counts = Counter(clue for found in held.values() for clue in found)
        ranks = {name: min(counts[clue] for clue in found) for name, found in held.items()}
        ranks.update(dict.fromkeys(unseen & self._known.keys() - chosen, 0))
        more = set()
        for name in sorted(ranks, key=lambda x: (ranks[x], x)):
            room -= self._size(name)
            if room < 0:
                break
            more.add(name)
        return more, room

    def _summarise(self, names: set[str], looker: Looker) -> None:
        """Get the summaries of files that the prefilter rejects."""
        left = sorted(name for name in names if not self._known[name].summary)
        looks = [Look(name, left_out=True, own=self._own) for name in left]
        for name, seen in zip(left, self._looked(looks, looker), strict=True):
            known = self._known[name]
            if seen is not None and seen.digest == known.content and seen.summary is not None:
                known.summary = self._kept(seen.summary)
                self._summaries[name] = seen.summary

    def _looked(self, looks: list[Look], looker: Looker) -> Iterable[Seen | None]:
        return looker(
            [Task(self, Candidate(self.path_of(each.name), self.settings), each) for each in looks]
        )

    def _size(self, name: str) -> int:
        """The bytes of a file."""
        return self._stats[name][0] if name in self._stats else 0

    def _summaries_of(self, chosen: set[str]) -> list[FileSummary]:
        """The summaries of some files, and only the existence of the others."""
        from atomic_fix.project.summary import FileSummary

        return [
            (self._summary(name) if name in chosen else None) or FileSummary(name)
            for name in self._known
        ]

    def _summary(self, name: str) -> FileSummary | None:
        if name not in self._summaries and (text := self._known[name].summary):
            from atomic_fix.project.summary import FileSummary

            try:
                found = typed_json.read(FileSummary, json.loads(text))
            except ValueError:
                return None
            self._summaries[name] = replace(found, path=name)
        return self._summaries.get(name)

    # --- evidence in other files ------------------------------------------------------------

    def slice_of(self, name: str) -> FileSlice | None:
        """What the other files say of one; None for nothing."""
        text = self._slices.get(name)
        if name not in self._said and isinstance(text, str):
            from atomic_fix.facts.outside import FileSlice

            try:
                self._said[name] = typed_json.read(FileSlice, json.loads(text))
            except ValueError:
                return None
        return self._said.get(name)

    def digest_of(self, name: str) -> str:
        """The digest of the evidence in other files about a file; empty if there is none."""
        text = self._slices.get(name)
        return digest(text.encode()) if isinstance(text, str) else ""

    def slice_of_text(self, name: str, content: bytes, looker: Looker) -> FileSlice | None:
        """The evidence in other files about a file with this content, which may be new. The result
        is not cached."""
        if name not in self._stats and (
            not name.endswith(SUFFIXES) or os.path.lexists(self.path_of(name))
        ):
            return None
        known = self._known.get(name)
        if known is None:
            self._load_body()
            known = self._known.get(name)
        if known is not None and known.content == digest(content):
            return self.slice_of(name)
        trial = copy.copy(self)
        trial._head = trial._body = None
        trial._known = {each: replace(known) for each, known in self._known.items()}
        trial._summaries = dict(self._summaries)
        trial._slices = dict(self._slices)
        trial._said = dict(self._said)
        trial._listing = replace(self._listing, files=(*self._stats, name))
        trial._own = self._own | _module_names([name])
        trial._stats = {**self._stats, name: [len(content), 0, 0]}
        task = trial.task(name)
        trial.take(name, seen_in(content, task.candidate, task.look))
        trial.link(looker)
        return trial.slice_of(name)


def _nothing() -> FileSlice:
    from atomic_fix.facts.outside import NOTHING_OUTSIDE

    return NOTHING_OUTSIDE


def _name_below(root: str, path: str) -> str:
    """The name of a file in its project."""
    start = root if root.endswith(os.sep) else root + os.sep
    name = path[len(start) :] if path.startswith(start) else os.path.relpath(path, root)
    return name.replace(os.sep, "/")


def _module_names(files: Iterable[str]) -> frozenset[str]:
    """The possible first parts of the module names of some files, whatever folder is on the
    program's path."""
    return frozenset(
        part for name in files for part in name.removesuffix(".pyw").removesuffix(".py").split("/")
    )


def _text(value: FileSummary | FileSlice | None) -> str:
    """A value as it is kept; empty for none."""
    return "" if value is None else json.dumps(typed_json.plain(value), separators=(",", ":"))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _scope(settings: Settings) -> Settings:
    """The settings that determine the files of a project and their summaries."""
    return replace(
        settings,
        config=settings_of_summary(settings.config),
        per_file_ignores=(),
        force_exclude=False,
        baseline="",
        require_reason=False,
        fail_on_unused=False,
        assume_helper=False,
        output_format="",
    )


def _listing_of(head: Mapping[str, Any]) -> Listing | None:
    """The results of an earlier run."""
    names, folders, watched = (head.get(each) for each in ("listing", "folders", "watched"))
    is_whole, others = head.get("whole"), head.get("others")
    if (
        _are_texts(names)
        and isinstance(folders, dict)
        and isinstance(watched, dict)
        and isinstance(is_whole, bool)
        and _are_texts(others)
    ):
        return Listing(tuple(names), folders, watched, is_whole, tuple(others))
    return None


def _states(value: object) -> dict[str, list[int]]:
    """The states of files, as an earlier run stored them."""
    return dict(value) if isinstance(value, dict) else {}


class Indexing:
    """The projects of one run, each read once."""

    def __init__(
        self,
        resolver: Resolver,
        given: Iterable[str],
        cache_folder: str = "",
        engine: Engine | None = None,
    ) -> None:
        self._resolver = resolver
        self._trees = Trees(resolver, given)
        self._cache_folder = cache_folder
        self._engine = engine
        self._projects: dict[str, Project] = {}
        self.warnings: list[str] = []
        """Problems that did not stop the work, one line each."""
        self.is_closed = False
        """Whether only projects that are already linked are used."""

    def place(self, path: str) -> tuple[Project, str] | None:
        """The project of a file and its name there; None if the file is judged alone."""
        try:
            if is_notebook(path) or not self._resolver.for_file(path).project:
                return None  # nobody imports a notebook
            real = self._trees.real(path)
            root = self._trees.of(real)
            if root not in self._projects:
                if self.is_closed:
                    return None
                settings = self._resolver.for_folder(root)
                self._projects[root] = Project(
                    root, settings, self._trees, self._resolver, self._cache_folder
                )
        except (ConfigError, OSError, ValueError):
            return None
        return self._projects[root], _name_below(root, real)

    def look(self, tasks: list[Task]) -> Iterable[Seen | None]:
        """Examine files with the engine of this run, or else in this process."""
        from atomic_fix.run.workers import Work, work_through

        works = [Work(each.candidate, checks=False, look=each.look) for each in tasks]
        if self._engine is not None:
            return (done.seen for done in self._engine(works, ReportFilter()))
        return (done.seen for done in work_through(works, ReportFilter(), 1))

    def bring_up_to_date(self, project: Project) -> None:
        """Examine the changes in a project, link it, and cache the result.

        Raises:
            WorkerDied: worker processes end before they come to any file.
        """
        stale = project.stale
        tasks = [project.task(each) for each in stale]
        for name, seen in zip(stale, self.look(tasks), strict=True):
            project.take(name, seen)
        project.link(self.look)
        project.save()
        self.warnings += project.warnings

    def update_project_of(self, path: str) -> None:
        """Update the project of a file, so that `slice_of` does not have to examine files.

        Raises:
            WorkerDied: worker processes end before they come to any file.
        """
        place = self.place(path)
        if place is not None and not place[0].is_linked:
            self.bring_up_to_date(place[0])

    def slice_of(self, path: str, content: bytes | None = None) -> FileSlice | None:
        """What the other files say of one; None for nothing. `content` is what it is to hold, where
        that need not be what lies on the disk.

        Raises:
            WorkerDied: worker processes end before they come to any file.
        """
        place = self.place(path)
        if place is None:
            return None
        project, name = place
        if not self.is_closed:
            self.update_project_of(path)
        if content is not None:
            return project.slice_of_text(name, content, self.look)
        return project.slice_of(name)
