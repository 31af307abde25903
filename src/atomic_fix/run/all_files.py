"""Paths of the command line -> one result for each file, in the order of discovery."""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import disk
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.run.one_file import Repair, change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver

if TYPE_CHECKING:
    from atomic_fix.run.fix_policy import FixPolicy


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 1) of `count`."""

    index: int
    count: int

    def holds(self, path: str) -> bool:
        """Whether a file is in this part: by its name below the current folder, whatever it
        holds, so that it does not move when files change or others are added."""
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
"""Seconds after which the bar shows."""
_REFRESH = 0.1
_WIDTH = 30


def _say_nothing(_warning: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the work is done.

    `jobs` is the number of processes, `cache_folder` where results are kept (empty: nowhere),
    `shard` the part of the files to check, `progress` whether to show a bar on a terminal.
    `warn` gets problems that do not stop the work, one line each.
    """

    jobs: int = 1
    cache_folder: str = ""
    shard: Shard | None = None
    progress: bool = False
    warn: Callable[[str], None] = _say_nothing


DEFAULT_RUN_OPTIONS = RunOptions()


def check_files(
    paths: Iterable[str],
    resolver: Resolver,
    report_filter: ReportFilter,
    run_options: RunOptions = DEFAULT_RUN_OPTIONS,
) -> Iterator[FileResult]:
    """Check every file that the paths stand for. `run_options` never changes a result.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
        WorkerDied: the operating system ended a worker process.
    """
    notebooks: list[str] = []
    found = [
        each
        for each in discover(paths, resolver, notebooks)
        if run_options.shard is None
        or run_options.shard.holds(each.filename if isinstance(each, Unreadable) else each.path)
    ]
    if notebooks:
        run_options.warn(f"notebooks are not checked: {notebooks[0]}, {len(notebooks)} in all")
    results = _checked(found, report_filter, run_options)
    if run_options.progress:
        results = _tracked(results, len(found))
    return results


def _tracked(results: Iterator[FileResult], total: int) -> Iterator[FileResult]:
    """The results, with a progress bar on standard error if that is a terminal."""
    stream = sys.stderr
    if not stream.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield from results
        return
    shown = 0.0
    began = time.monotonic()
    try:
        for count, result in enumerate(results, 1):
            now = time.monotonic()
            if now - began > _DELAY and now - shown > _REFRESH:
                shown = now
                filled = _WIDTH * count // max(total, 1)
                bar = "#" * filled + "." * (_WIDTH - filled)
                stream.write(f"\r[{bar}] {count}/{total} files")
                stream.flush()
            yield result
    finally:
        if shown:
            stream.write("\r\x1b[2K")
            stream.flush()


def _checked(
    found: list[Candidate | Unreadable], report_filter: ReportFilter, run_options: RunOptions
) -> Iterator[FileResult]:
    from atomic_fix.run.workers import check_all

    cache = None
    # With a git revision to compare with, a result hangs on more than the file.
    if run_options.cache_folder and not report_filter.diff_base and report_filter.baseline is None:
        from atomic_fix.run.cache import WORTH_A_CACHE, Cache

        cache = Cache(run_options.cache_folder) if len(found) >= WORTH_A_CACHE else None
    known: list[FileResult | None] = []
    unknown = []
    for each in found:
        if isinstance(each, Unreadable):
            known.append(FileResult(each.filename, problem=each))
            continue
        known.append(cache.find(each) if cache is not None else None)
        if known[-1] is None:
            digest = cache.digest_of(each.path) if cache is not None else None
            unknown.append(replace(each, known=digest))
    fresh = zip(unknown, check_all(unknown, report_filter, run_options.jobs), strict=True)
    for each, result in zip(found, known, strict=True):
        if result is None:
            candidate, checked = next(fresh)
            if checked.result is None:
                assert cache is not None
                result = cache.renew(candidate.path)
            else:
                result = checked.result
                if cache is not None:
                    cache.add(candidate, result, checked.digest)
        yield _as_written(each, result)
    if cache is not None:
        cache.save()
        for warning in cache.warnings:
            run_options.warn(warning)


def _as_written(found: Candidate | Unreadable, result: FileResult) -> FileResult:
    """The result without fixes if the file is not to be written."""
    if not result.findings or isinstance(found, Unreadable):
        return result
    problem = disk.why_outside(found.path, found.within)
    return _unfixed(result, problem) if problem else result


def _unfixed(result: FileResult, reason: str) -> FileResult:
    findings = tuple(
        replace(each, fix=None, why_no_fix=each.why_no_fix or reason) for each in result.findings
    )
    return replace(result, findings=findings)


def change_files(
    paths: Iterable[str], resolver: Resolver, report_filter: ReportFilter, policy: FixPolicy
) -> Iterator[FileResult | Repair]:
    """Change, in memory, every file that the paths stand for, until the user quits;
    a path that cannot be walked gives the result that says so.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    for found in discover(paths, resolver):
        if isinstance(found, Unreadable):
            yield FileResult(found.filename, problem=found)
            continue
        content = disk.read(found.path)
        if isinstance(content, bytes) and (problem := disk.why_outside(found.path, found.within)):
            result = check_file(content, found.path, found.settings, report_filter)
            result = _as_written(found, result)
            refusal = problem if result.findings else ""
            yield Repair(content, content, (), result, refusal)
            continue
        repair = change_file(content, found.path, found.settings, report_filter, policy)
        yield replace(repair, within=found.within)
        if repair.quit:
            return
