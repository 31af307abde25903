"""Distributes files over processes, and returns their results in the order of the files."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import disk, parent_watch, time_limit
from atomic_fix.run.discover import Candidate
from atomic_fix.run.looking import Look, Seen, looked_at
from atomic_fix.run.one_file import check_file, gc_paused
from atomic_fix.run.report_filter import ReportFilter

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

    from atomic_fix.facts.outside import FileSlice

WORTH_A_POOL = 250
"""With fewer files, starting processes costs more than it saves."""
_CHUNK = 24
_FORKS = sys.platform == "linux"
# A new Python process would search the current, possibly untrusted folder for modules first; 3.10
# has no option to prevent that.
_MAY_START = _FORKS or sys.version_info >= (3, 11)
_MUCH_GARBAGE = 100_000
"""The number of remaining objects at which garbage is collected before the next file."""

_is_stopped: Callable[[], bool] = bool
"""Whether the results of a worker are no longer needed. Set once in each worker, by `_begin`."""


_HANGS_AFTER = 9.0
"""Seconds of CPU time after which the system ends a worker that is in native code, in which the
limit of `time_limit` has no effect."""
_ALONE = 60.0
"""Seconds of wall time that a file may take in a separate process."""


class Work(NamedTuple):
    """The work on one file: to check it, with the evidence in other files, or to summarise it for
    them, or both."""

    candidate: Candidate
    checks: bool = True
    outside: FileSlice | None = None
    look: Look | None = None


class Checked(NamedTuple):
    """The result for one file, or None if the cached one is valid or no check was requested; the
    digest of its content and its summary, if requested."""

    result: FileResult | None
    digest: str = ""
    seen: Seen | None = None


Engine: TypeAlias = Callable[[Sequence[Work], ReportFilter], Iterable[Checked]]
"""A function that processes work items anywhere, and returns the results in the same order."""


_in_hand: MutableSequence[int] = []
"""For each chunk, the 1-based number of the file that a worker is processing. Shared, and set once
in each worker."""
_chunks: Sequence[Sequence[Work]] = ()
_report_filter = ReportFilter()
"""Data that a worker is sent once, and a forked one inherits: see `_begin`."""


class WorkerDied(Exception):
    """Worker processes end before they reach any file; the message says so."""


def default_jobs() -> int:
    """The number of processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def work_through(
    works: Sequence[Work], report_filter: ReportFilter, jobs: int
) -> Iterator[Checked]:
    """Check and summarise files, in one process or several, with the same results. A file that
    kills its worker is reported as one that could not be analysed.

    Raises:
        WorkerDied: worker processes end before they reach any file.
    """
    alone = jobs <= 1 or len(works) < WORTH_A_POOL or not _MAY_START
    with gc_paused():
        if not alone and _FORKS:
            _load()
        gc.freeze()  # everything loaded so far is kept
        try:
            if alone:
                for each in works:
                    yield do(each, report_filter)
            else:
                yield from _in_processes(works, report_filter, jobs)
        finally:
            gc.unfreeze()


def _load() -> None:
    """Import in advance what workers will need, once for all of them: among so many files, there is
    nearly always one with a finding."""
    import atomic_fix.project.summarise
    import atomic_fix.rewrite
    import atomic_fix.rules
    import atomic_fix.suppress  # noqa: F401


def do(work: Work, report_filter: ReportFilter) -> Checked:
    """Do the work on one file, here."""
    if gc.get_count()[0] > _MUCH_GARBAGE:
        gc.collect()
        gc.freeze()  # the remaining objects are not garbage, and need not be searched again
    candidate, look = work.candidate, work.look
    content = disk.read(candidate.path)
    digest = ""
    if (candidate.known is not None or look is not None) and isinstance(content, bytes):
        from atomic_fix.run import store

        digest = store.digest(content)
    is_checked = work.checks and not (digest and digest == candidate.known)
    result, seen = None, None
    if look is not None:
        result, seen = looked_at(content, digest, candidate, look, report_filter, checks=is_checked)
    elif is_checked:
        result = check_file(
            content, candidate.path, candidate.settings, report_filter, outside=work.outside
        )
    return Checked(result, digest, seen)


def _in_processes(
    works: Sequence[Work], report_filter: ReportFilter, jobs: int
) -> Iterator[Checked]:
    import multiprocessing
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    chunks = [tuple(works[i : i + _CHUNK]) for i in range(0, len(works), _CHUNK)]
    # A forked worker has everything loaded; there is no other thread yet that fork could harm.
    context = multiprocessing.get_context("fork" if _FORKS else "spawn")
    if not _FORKS:
        os.environ["PYTHONSAFEPATH"] = "1"
    parent_watch.load()
    stop = context.Event()
    in_hand = context.RawArray("i", len(chunks))
    # The results of files that were processed alone, because a worker died on one of them.
    known: list[dict[int, Checked]] = [{} for _ in chunks]
    executor: ProcessPoolExecutor
    futures: dict[int, Future[dict[int, Checked]]] = {}

    def start(todo: Iterable[int]) -> None:
        nonlocal executor
        executor = ProcessPoolExecutor(
            min(jobs, len(chunks)),
            mp_context=context,
            initializer=_begin,
            initargs=(stop.is_set, in_hand, chunks, report_filter),
        )
        for each in todo:
            in_hand[each] = 0
            skipped = frozenset(known[each])
            try:
                futures[each] = executor.submit(_do_chunk, each, skipped)
            except BrokenProcessPool as error:  # it broke while chunks were still being distributed
                futures[each] = Future()
                futures[each].set_exception(error)

    start(range(len(chunks)))
    try:
        for number, chunk in enumerate(chunks):
            while True:
                try:
                    finished = {**futures[number].result(), **known[number]}
                    break
                except BrokenProcessPool as error:
                    executor.shutdown(wait=True, cancel_futures=True)
                    todo = [i for i in range(number, len(chunks)) if not _is_done(futures[i])]
                    begun = [i for i in todo if in_hand[i]]
                    if not begun:
                        raise WorkerDied(
                            "worker processes end before they reach any file: --jobs 1 works "
                            "without them"
                        ) from error
                    for i in begun:
                        index = in_hand[i] - 1
                        known[i][index] = _done_alone(chunks[i][index], report_filter, context)
                    start(todo)
            for index, each in enumerate(chunk):
                yield finished.get(index) or _nothing(each)
    finally:
        # After an interrupt, running work is not awaited. Workers exit by themselves after the
        # current file: one that is killed may leave half an answer in the pipe, and waiting for the
        # rest would block forever.
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _is_done(future: Future[dict[int, Checked]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _done_alone(work: Work, report_filter: ReportFilter, context: BaseContext) -> Checked:
    """Do the work on a file in a separate process, in case the file kills it."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, work, report_filter))  # type: ignore[attr-defined]
    process.start()
    sender.close()
    try:
        if receiver.poll(_ALONE):
            return cast("Checked", receiver.recv())
        waits = True
    except EOFError:
        waits = False  # it died
        process.join()
    finally:
        process.kill()
        process.join()
        receiver.close()
    how = f"ended with {process.exitcode}"
    if process.exitcode is not None and process.exitcode < 0:
        how = f"was ended by signal {-process.exitcode}"
    reason = (
        f"internal error: the process that analysed it {how} (please report this, with the file)"
    )
    if waits or time_limit.is_over(process.exitcode):
        reason = time_limit.REASON
    path = work.candidate.path
    return Checked(FileResult(path, problem=Unreadable(path, reason)))


def _send_result(sender: Connection, work: Work, report_filter: ReportFilter) -> None:
    parent_watch.end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in `_begin`
    time_limit.end_with_process(_HANGS_AFTER)
    with gc_paused():
        sender.send(do(work, report_filter))


def _begin(
    is_stopped: Callable[[], bool],
    in_hand: MutableSequence[int],
    chunks: Sequence[Sequence[Work]],
    report_filter: ReportFilter,
) -> None:
    global _is_stopped, _in_hand, _chunks, _report_filter
    _is_stopped, _in_hand, _chunks, _report_filter = is_stopped, in_hand, chunks, report_filter
    parent_watch.end_with_parent()
    # The parent handles interrupts: it stops its workers and reports that once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing(work: Work) -> Checked:
    """The result of a file that is not in the mapping."""
    return Checked(FileResult(work.candidate.path) if work.checks else None)


def _do_chunk(number: int, skipped: frozenset[int]) -> dict[int, Checked]:
    """The results with content; a file without one has nothing to report or is skipped."""
    finished = {}
    for index, each in enumerate(_chunks[number]):
        if _is_stopped():
            break
        if index in skipped:
            continue
        _in_hand[number] = index + 1
        time_limit.end_with_process(_HANGS_AFTER)
        done = do(each, _report_filter)
        if done != _nothing(each):
            finished[index] = done
    time_limit.end_with_process(0)
    return finished
