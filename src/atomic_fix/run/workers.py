"""Files spread over processes, their results in the order of the files."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from atomic_fix.finding import FileResult
from atomic_fix.run import disk, lifetime
from atomic_fix.run.discover import Candidate
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.one_file import check_bytes, uncollected

WORTH_A_POOL = 250
"""With fewer files, starting processes costs more than it saves."""
_CHUNK = 24
_FORKS = sys.platform == "linux"
# A new Python would look for its modules in the current folder first, which may be anybody's;
# 3.10 cannot be told not to.
_MAY_START = _FORKS or sys.version_info >= (3, 11)
_MUCH_GARBAGE = 100_000
"""Objects left over, at which garbage is collected between two files."""

_is_stopped: Callable[[], bool] = bool
"""Whether what a worker finds is no longer wanted: set once in each worker, by `_begin`."""


class WorkerDied(Exception):
    """A worker process ended without a result; the message says during which files."""


def default_jobs() -> int:
    """As many processes as this one may use processors."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_all(
    candidates: Sequence[Candidate], narrowing: Narrowing, jobs: int
) -> Iterator[FileResult]:
    """Check the files, in one process or several: the results are the same.

    Raises:
        WorkerDied: the operating system ended a worker process.
    """
    with uncollected():
        gc.freeze()  # what is loaded by now is no garbage
        try:
            if jobs <= 1 or len(candidates) < WORTH_A_POOL or not _MAY_START:
                for each in candidates:
                    yield _check(each, narrowing)
            else:
                yield from _in_processes(candidates, narrowing, jobs)
        finally:
            gc.unfreeze()


def _check(candidate: Candidate, narrowing: Narrowing) -> FileResult:
    content = disk.read(candidate.path)
    result = check_bytes(content, candidate.path, candidate.settings, narrowing)
    if gc.get_count()[0] > _MUCH_GARBAGE:
        gc.collect()
    return result


def _in_processes(
    candidates: Sequence[Candidate], narrowing: Narrowing, jobs: int
) -> Iterator[FileResult]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    chunks = [candidates[i : i + _CHUNK] for i in range(0, len(candidates), _CHUNK)]
    # A forked worker has everything loaded; there is no other thread yet that fork could harm.
    context = multiprocessing.get_context("fork" if _FORKS else "spawn")
    if not _FORKS:
        os.environ["PYTHONSAFEPATH"] = "1"
    lifetime.load()
    stop = context.Event()
    executor = ProcessPoolExecutor(
        min(jobs, len(chunks)), mp_context=context, initializer=_begin, initargs=(stop.is_set,)
    )
    try:
        futures = [executor.submit(_check_chunk, tuple(chunk), narrowing) for chunk in chunks]
        for chunk, future in zip(chunks, futures, strict=True):
            try:
                told = future.result()
            except BrokenProcessPool as error:
                first, last = chunk[0].path, chunk[-1].path
                raise WorkerDied(
                    f"a worker process died, in or after the files from {first} to {last}"
                ) from error
            for index, each in enumerate(chunk):
                yield told.get(index) or FileResult(each.path, ())
    finally:
        # Whoever interrupts does not want to wait for what was begun. Workers end behind the
        # file in hand, by themselves: one that is killed may leave half an answer behind, whose
        # other half would be waited for without end.
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(is_stopped: Callable[[], bool]) -> None:
    global _is_stopped
    _is_stopped = is_stopped
    lifetime.end_with_parent()
    # The parent answers for an interrupt: it stops its workers and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_chunk(chunk: tuple[Candidate, ...], narrowing: Narrowing) -> dict[int, FileResult]:
    """The results that say something; a file that is not in it is clean."""
    told = {}
    for index, each in enumerate(chunk):
        if _is_stopped():
            break
        result = _check(each, narrowing)
        if result.findings or result.notes or not result.analysed:
            told[index] = result
    return told
