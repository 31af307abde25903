"""Files spread over processes, their results in the order of the files."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import disk, lifetime, time_limit
from atomic_fix.run.discover import Candidate
from atomic_fix.run.looking import Look, Seen, looked_at
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.one_file import check_file, uncollected

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

    from atomic_fix.facts.outside import FileSlice

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


_HANGS_AFTER = 9.0
"""Seconds of the processor after which the system ends a worker that is in native code, where the
limit of `time_limit` has no effect."""
_ALONE = 60.0
"""Seconds that a file may take in a process of its own, whatever it waits for."""


class Work(NamedTuple):
    """What is wanted of one file: to check it, with what other files say of it, or to look at what
    it says to them, or both."""

    candidate: Candidate
    checks: bool = True
    outside: FileSlice | None = None
    look: Look | None = None


class Checked(NamedTuple):
    """The result of one file, None if it holds what is `known` of it or was not to be checked; the
    digest of its content, if that was wanted; and what it says to other files, if that was."""

    result: FileResult | None
    digest: str = ""
    seen: Seen | None = None


Engine: TypeAlias = Callable[[Sequence[Work], Narrowing], Iterable[Checked]]
"""Does works, wherever it has that done, and gives what came of them in their order."""


_in_hand: MutableSequence[int] = []
"""Of each chunk, the file that a worker is at, from 1: shared, and set once in each worker."""


class WorkerDied(Exception):
    """Worker processes end before they come to any file; the message says so."""


def default_jobs() -> int:
    """As many processes as this one may use processors."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def work_through(works: Sequence[Work], narrowing: Narrowing, jobs: int) -> Iterator[Checked]:
    """Check and look at files, in one process or several: the results are the same.

    A file that ends its worker is told as one that could not be analysed.

    Raises:
        WorkerDied: worker processes end before they come to any file.
    """
    with uncollected():
        gc.freeze()  # what is loaded by now is no garbage
        try:
            if jobs <= 1 or len(works) < WORTH_A_POOL or not _MAY_START:
                for each in works:
                    yield do(each, narrowing)
            else:
                yield from _in_processes(works, narrowing, jobs)
        finally:
            gc.unfreeze()


def do(work: Work, narrowing: Narrowing) -> Checked:
    """Do the work on one file, here."""
    candidate, look = work.candidate, work.look
    content = disk.read(candidate.path)
    digest = ""
    if (candidate.known is not None or look is not None) and isinstance(content, bytes):
        from atomic_fix.run import store

        digest = store.digest(content)
    is_checked = work.checks and not (digest and digest == candidate.known)
    result, seen = None, None
    if look is not None:
        result, seen = looked_at(content, digest, candidate, look, narrowing, checks=is_checked)
    elif is_checked:
        result = check_file(
            content, candidate.path, candidate.settings, narrowing, outside=work.outside
        )
    if gc.get_count()[0] > _MUCH_GARBAGE:
        gc.collect()
    return Checked(result, digest, seen)


def _in_processes(works: Sequence[Work], narrowing: Narrowing, jobs: int) -> Iterator[Checked]:
    import multiprocessing
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    chunks = [tuple(works[i : i + _CHUNK]) for i in range(0, len(works), _CHUNK)]
    # A forked worker has everything loaded; there is no other thread yet that fork could harm.
    context = multiprocessing.get_context("fork" if _FORKS else "spawn")
    if not _FORKS:
        os.environ["PYTHONSAFEPATH"] = "1"
    lifetime.load()
    stop = context.Event()
    in_hand = context.RawArray("i", len(chunks))
    # What is known of files that were looked at alone, since a worker died of one of them.
    known: list[dict[int, Checked]] = [{} for _ in chunks]
    executor: ProcessPoolExecutor
    futures: dict[int, Future[dict[int, Checked]]] = {}

    def start(todo: Iterable[int]) -> None:
        nonlocal executor
        executor = ProcessPoolExecutor(
            min(jobs, len(chunks)),
            mp_context=context,
            initializer=_begin,
            initargs=(stop.is_set, in_hand),
        )
        for each in todo:
            in_hand[each] = 0
            skipped = frozenset(known[each])
            try:
                futures[each] = executor.submit(_do_chunk, each, chunks[each], skipped, narrowing)
            except BrokenProcessPool as error:  # it broke while chunks were still handed out
                futures[each] = Future()
                futures[each].set_exception(error)

    start(range(len(chunks)))
    try:
        for number, chunk in enumerate(chunks):
            while True:
                try:
                    told = {**futures[number].result(), **known[number]}
                    break
                except BrokenProcessPool as error:
                    executor.shutdown(wait=True, cancel_futures=True)
                    todo = [i for i in range(number, len(chunks)) if not _is_done(futures[i])]
                    begun = [i for i in todo if in_hand[i]]
                    if not begun:
                        raise WorkerDied(
                            "worker processes end before they come to any file: --jobs 1 does "
                            "without"
                        ) from error
                    for i in begun:
                        index = in_hand[i] - 1
                        known[i][index] = _done_alone(chunks[i][index], narrowing, context)
                    start(todo)
            for index, each in enumerate(chunk):
                yield told.get(index) or _nothing(each)
    finally:
        # Whoever interrupts does not want to wait for what was begun. Workers end behind the
        # file in hand, by themselves: one that is killed may leave half an answer behind, whose
        # other half would be waited for without end.
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)


def _is_done(future: Future[dict[int, Checked]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _done_alone(work: Work, narrowing: Narrowing, context: BaseContext) -> Checked:
    """Do the work on a file in a process of its own, which may die of it."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, work, narrowing))  # type: ignore[attr-defined]
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


def _send_result(sender: Connection, work: Work, narrowing: Narrowing) -> None:
    lifetime.end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in `_begin`
    time_limit.end_with_process(_HANGS_AFTER)
    with uncollected():
        sender.send(do(work, narrowing))


def _begin(is_stopped: Callable[[], bool], in_hand: MutableSequence[int]) -> None:
    global _is_stopped, _in_hand
    _is_stopped = is_stopped
    _in_hand = in_hand
    lifetime.end_with_parent()
    # The parent answers for an interrupt: it stops its workers and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing(work: Work) -> Checked:
    """What is said of a file that is not spoken of."""
    return Checked(FileResult(work.candidate.path) if work.checks else None)


def _do_chunk(
    number: int, chunk: tuple[Work, ...], skipped: frozenset[int], narrowing: Narrowing
) -> dict[int, Checked]:
    """What says something; a file that is not in it is clean, or skipped."""
    told = {}
    for index, each in enumerate(chunk):
        if _is_stopped():
            break
        if index in skipped:
            continue
        _in_hand[number] = index + 1
        time_limit.end_with_process(_HANGS_AFTER)
        done = do(each, narrowing)
        if done != _nothing(each):
            told[index] = done
    time_limit.end_with_process(0)
    return told
