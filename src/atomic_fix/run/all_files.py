"""Paths of the command line -> one result for each file, in the order of discovery."""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import disk
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.run.one_file import Repair, change_file, check_file, is_clean_anyway
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Checked, Engine, Work, work_through
from atomic_fix.settings import Resolver

if TYPE_CHECKING:
    from atomic_fix.facts.outside import FileSlice
    from atomic_fix.run.cache import Cache
    from atomic_fix.run.fix_policy import FixPolicy
    from atomic_fix.run.indexing import Indexing, Project


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 1) of `count`."""

    index: int
    count: int

    def holds(self, path: str) -> bool:
        """Whether a file is in this part. Depends only on its name relative to the current folder,
        so that it stays in the same part when files change or are added."""
        name = os.path.relpath(path).replace(os.sep, "/")
        return zlib.crc32(os.fsencode(name)) % self.count == self.index - 1


def shard_of(text: str) -> Shard:
    """`2/8` as a shard.

    Raises:
        ValueError: it is not I/N with 1 <= I <= N; the message says so.
    """
    found = re.fullmatch("([0-9]+)/([0-9]+)", text)
    if found is not None:
        shard = Shard(*map(int, found.groups()))
        if 1 <= shard.index <= shard.count:
            return shard
    raise ValueError(f"`{text}` is not I/N with 1 <= I <= N, as in 2/8")


_DELAY = 2.0
"""Seconds after which the progress bar appears."""
_REFRESH = 0.1
_FEW = 20
"""The most files whose bytes are examined before anything else."""
_WIDTH = 30


def _say_nothing(_warning: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to process the files. `jobs` is the number of processes, `cache_folder` the folder for
    cached results (empty: no cache), `shard` the part of the files to check, `progress` whether to
    show a progress bar on a terminal. `warn` gets problems that do not stop the run, one line each.
    `engine` processes the files instead of the processes of this run.
    """

    jobs: int = 1
    cache_folder: str = ""
    shard: Shard | None = None
    progress: bool = False
    warn: Callable[[str], None] = _say_nothing
    engine: Engine | None = None

    def work_through(self, works: Sequence[Work], report_filter: ReportFilter) -> Iterable[Checked]:
        """A function that processes work items and returns the results in the same order."""
        if self.engine is not None:
            return self.engine(works, report_filter)
        return work_through(works, report_filter, self.jobs)


DEFAULT_RUN_OPTIONS = RunOptions()


def check_files(
    paths: Iterable[str],
    resolver: Resolver,
    report_filter: ReportFilter,
    run_options: RunOptions = DEFAULT_RUN_OPTIONS,
) -> Iterator[FileResult]:
    """Check every file that the paths refer to. `run_options` never changes a result.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
        WorkerDied: the operating system ended a worker process.
    """
    paths = tuple(paths)
    found = [
        each
        for each in discover(paths, resolver)
        if run_options.shard is None
        or run_options.shard.holds(each.filename if isinstance(each, Unreadable) else each.path)
    ]
    progress = _Progress(len(found)) if run_options.progress else None
    if len(found) < _FEW and all(map(_is_clean, found)):
        # True for most commits; no other file has to be read to find out.
        return (FileResult(each.path) for each in found if isinstance(each, Candidate))
    from atomic_fix.run.indexing import Indexing

    indexing = Indexing(resolver, paths, run_options.cache_folder, run_options.work_through)
    return _checked(found, indexing, report_filter, run_options, progress)


def _is_clean(found: Candidate | Unreadable) -> bool:
    """Whether there is nothing to report for a file, whatever other files contain. Content that can
    be read only once is not examined."""
    return (
        isinstance(found, Candidate)
        and found.settings.project
        and os.path.isfile(found.path)
        and is_clean_anyway(disk.read(found.path), found.path, found.settings)
    )


class _Progress:
    """A progress bar on standard error, if that is a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._began = time.monotonic()
        self._shown = 0.0
        stream = sys.stderr
        self._is_wanted = (
            stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
        )

    def advance(self) -> None:
        """One more file is done."""
        self._count = min(self._count + 1, self._total)
        now = time.monotonic()
        if self._is_wanted and now - self._began > _DELAY and now - self._shown > _REFRESH:
            self._shown = now
            filled = _WIDTH * self._count // max(self._total, 1)
            bar = "#" * filled + "." * (_WIDTH - filled)
            sys.stderr.write(f"\r[{bar}] {self._count}/{self._total} files")
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def _checked(
    found: list[Candidate | Unreadable],
    indexing: Indexing,
    report_filter: ReportFilter,
    run_options: RunOptions,
    progress: _Progress | None,
) -> Iterator[FileResult]:
    cache = None
    # With --diff-base, a result depends on more than the file.
    if run_options.cache_folder and not report_filter.diff_base and report_filter.baseline is None:
        from atomic_fix.run.cache import WORTH_A_CACHE, Cache

        cache = Cache(run_options.cache_folder) if len(found) >= WORTH_A_CACHE else None
    try:
        run = _Run(found, indexing, cache, report_filter, run_options, progress)
        run.link()
        yield from run.results()
    finally:
        if progress is not None:
            progress.end()
    for warning in [*indexing.warnings, *(cache.warnings if cache is not None else ())]:
        run_options.warn(warning)


class _Run:
    """Processes the files of one run: they are examined, together with the other files of their
    projects, and checked as if each were alone; a file for which other files have evidence is
    checked again."""

    def __init__(
        self,
        found: list[Candidate | Unreadable],
        indexing: Indexing,
        cache: Cache | None,
        report_filter: ReportFilter,
        run_options: RunOptions,
        progress: _Progress | None,
    ) -> None:
        self._found = found
        self._indexing = indexing
        self._cache = cache
        self._narrowing = report_filter
        self._effort = run_options
        self._progress = progress
        self._places = [
            None if isinstance(each, Unreadable) else indexing.place(each.path) for each in found
        ]
        self._alone: dict[int, tuple[Candidate, Checked]] = {}
        """The results of the files that were checked as if they were alone."""

    def link(self) -> None:
        """Bring the projects of the files up to date."""
        projects = dict.fromkeys(place[0] for place in self._places if place is not None)
        numbers = {place: i for i, place in enumerate(self._places) if place is not None}
        stale = [(project, name) for project in projects for name in project.stale]
        works = [self._first_work(*place, numbers.get(place)) for place in stale]
        for place, work, done in zip(stale, works, self._work(works), strict=True):
            project, name = place
            project.take(name, done.seen)
            if work.checks and (done.result is not None or done.digest == work.candidate.known):
                self._alone[numbers[place]] = work.candidate, done
                self._advance()
        for project in projects:
            project.link(self._indexing.look)
            project.save()
            self._indexing.warnings += project.warnings

    def _first_work(self, project: Project, name: str, number: int | None) -> Work:
        """The work on a file before its project is linked."""
        task = project.task(name)
        if number is None:
            return Work(task.candidate, checks=False, look=task.look)
        candidate = self._found[number]
        assert isinstance(candidate, Candidate)
        # If other files had evidence about it before, they probably have now.
        checks = not project.had_slice(name) and (
            self._cache is None or self._cache.find(candidate) is None
        )
        return Work(self._with_known(candidate), checks, look=task.look)

    def results(self) -> Iterator[FileResult]:
        """The results, in the order of the files."""
        known: list[FileResult | None] = []
        works = []
        for number, each in enumerate(self._found):
            if isinstance(each, Unreadable):
                known.append(FileResult(each.filename, problem=each))
                continue
            outside = self._outside_of(number)
            place = self._places[number]
            if number in self._alone and (not outside or self._stays_clean(number)):
                known.append(self._finished(*self._alone[number], outside))
                continue
            cached = self._cache.find(each, outside) if self._cache is not None else None
            known.append(cached)
            if cached is None:
                said = place[0].slice_of(place[1]) if place is not None else None
                works.append(Work(self._with_known(each), outside=said))
        fresh = zip(works, self._work(works), strict=True)
        for number, (each, result) in enumerate(zip(self._found, known, strict=True)):
            if result is None:
                work, done = next(fresh)
                result = self._finished(work.candidate, done, self._outside_of(number))
            if number not in self._alone:
                self._advance()
            yield _as_written(each, result)
        if self._cache is not None:
            self._cache.save()

    def _stays_clean(self, number: int) -> bool:
        """Whether a file that has nothing to report by itself stays so, even with evidence from
        other files."""
        place, result = self._places[number], self._alone[number][1].result
        if place is None or result != FileResult(self._alone[number][0].path):
            return False
        said = place[0].slice_of(place[1])
        return said is not None and not (said.given or said.sites or said.calls)

    def _outside_of(self, number: int) -> str:
        """The digest of the evidence in other files about a file; empty if there is none."""
        place = self._places[number]
        return "" if place is None else place[0].digest_of(place[1])

    def _with_known(self, candidate: Candidate) -> Candidate:
        digest = self._cache.digest_of(candidate.path) if self._cache is not None else None
        return replace(candidate, known=digest)

    def _finished(self, candidate: Candidate, done: Checked, outside: str) -> FileResult:
        cache = self._cache
        if done.result is None:
            assert cache is not None
            return cache.renew(candidate.path)
        if cache is not None:
            cache.add(candidate, done.result, done.digest, outside)
        return done.result

    def _work(self, works: list[Work]) -> Iterable[Checked]:
        return self._effort.work_through(works, self._narrowing)

    def _advance(self) -> None:
        if self._progress is not None:
            self._progress.advance()


def _as_written(found: Candidate | Unreadable, result: FileResult) -> FileResult:
    """The result, without fixes if the file must not be written."""
    if not result.findings or isinstance(found, Unreadable):
        return result
    problem = disk.why_outside(found.path, found.within)
    return _unfixed(result, problem) if problem else result


def _unfixed(result: FileResult, reason: str) -> FileResult:
    findings = tuple(
        replace(each, fix=None, why_no_fix=each.why_no_fix or reason) for each in result.findings
    )
    return replace(result, findings=findings)


def said_of_text(
    content: bytes, filename: str, resolver: Resolver, run_options: RunOptions = DEFAULT_RUN_OPTIONS
) -> FileSlice | None:
    """The evidence in other files of the project about a file with this content; None if there is
    none.

    Raises:
        WorkerDied: the operating system ended a worker process.
    """
    if is_clean_anyway(content, filename, resolver.for_file(filename)):
        return None
    from atomic_fix.run.indexing import Indexing

    indexing = Indexing(resolver, (), run_options.cache_folder, run_options.work_through)
    said = indexing.slice_of(filename, content)
    for warning in indexing.warnings:
        run_options.warn(warning)
    return said


def change_files(
    paths: Iterable[str],
    resolver: Resolver,
    report_filter: ReportFilter,
    policy: FixPolicy,
    run_options: RunOptions = DEFAULT_RUN_OPTIONS,
) -> Iterator[FileResult | Repair]:
    """Change, in memory, every file that the paths refer to, until the user quits. A path that
    cannot be read yields a result that says so.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    from atomic_fix.run.indexing import Indexing

    paths = tuple(paths)
    indexing = Indexing(resolver, paths, run_options.cache_folder, run_options.work_through)
    every = list(discover(paths, resolver))
    # Computed before any file changes, so that the evidence is that of the original program.
    clean = {each for each in every if len(every) < _FEW and _is_clean(each)}
    for found in every:
        if isinstance(found, Candidate) and found not in clean:
            indexing.update_project_of(found.path)
    for warning in indexing.warnings:
        run_options.warn(warning)
    for found in every:
        if isinstance(found, Unreadable):
            yield FileResult(found.filename, problem=found)
            continue
        path, settings = found.path, found.settings
        content = disk.read(path)
        outside = None
        if isinstance(content, bytes) and found not in clean:
            outside = indexing.slice_of(path, content)
        if isinstance(content, bytes) and (problem := disk.why_outside(path, found.within)):
            result = check_file(content, path, settings, report_filter, outside=outside)
            result = _as_written(found, result)
            refusal = problem if result.findings else ""
            yield Repair(content, content, (), result, refusal)
            continue
        repair = change_file(content, path, settings, report_filter, policy, outside=outside)
        yield replace(repair, within=found.within)
        if repair.quit:
            return
