"""The time limit per file, and failures within it."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from atomic_fix.finding import Unreadable
from atomic_fix.parse import stack
from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run import fix_policy, one_file, time_limit
from atomic_fix.run.fix_policy import Apply, Ask
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.time_limit import TooLong, limited
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

SAVE = b"import json\ndef save_state(path, state):\n    path.write_text(json.dumps(state))\n"
SETTINGS = Resolver({}, isolated=True).for_file("a.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such timers")


def busy() -> None:
    while True:
        pass


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_given: object, **_options: object) -> None:
        raise error

    return fail


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("atomic_fix.rules")  # to load LibCST takes longer
    monkeypatch.setattr(time_limit, "SECONDS", 0.1)


def test_what_takes_too_long_is_stopped() -> None:
    with pytest.raises(TooLong):
        limited(busy)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL


def test_what_swallows_it_is_stopped_the_next_time() -> None:
    def deaf() -> None:
        try:
            busy()
        except TooLong:
            busy()

    with pytest.raises(TooLong):
        limited(deaf)


def test_what_is_stopped_in_a_thread_with_more_room_does_not_go_on() -> None:
    rounds = 0

    def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1

    with pytest.raises(TooLong):
        limited(lambda: stack.with_deep_stack(count))
    before = rounds
    time.sleep(0.1)
    assert rounds == before


def test_what_waits_takes_no_time() -> None:
    limited(lambda: time.sleep(0.3))


def test_the_outer_limit_holds() -> None:
    with pytest.raises(TooLong):
        limited(lambda: limited(busy))


def in_a_thread(work: Callable[[], Any]) -> list[object]:
    """What `limited` returns or raises in a thread that is not the main one."""
    seen: list[object] = []

    def run() -> None:
        try:
            seen.append(limited(work))
        except TooLong:
            seen.append(TooLong)
        sum(range(100_000))  # what comes too late would be raised here

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return seen


def watchers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if "time limit" in each.name]


def test_another_thread_is_limited() -> None:
    assert in_a_thread(busy) == [TooLong]
    assert in_a_thread(lambda: 1) == [1]
    assert in_a_thread(lambda: limited(busy)) == [TooLong]
    for each in watchers():
        each.join(5)
    assert watchers() == []


def test_what_waits_in_another_thread_takes_no_time() -> None:
    assert in_a_thread(lambda: time.sleep(0.3)) == [None]


def test_what_is_stopped_in_a_deep_thread_of_another_one_does_not_go_on() -> None:
    rounds = 0

    def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1

    assert in_a_thread(lambda: stack.with_deep_stack(count)) == [TooLong]
    before = rounds
    time.sleep(0.1)
    assert rounds == before


def test_whose_timer_it_is_keeps_it() -> None:
    signal.signal(signal.SIGVTALRM, lambda *_given: None)
    try:
        assert limited(lambda: signal.getitimer(signal.ITIMER_VIRTUAL)[0]) == 0
        with pytest.raises(TooLong):
            limited(busy)
    finally:
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def test_where_there_is_no_timer_a_file_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "_has_free_timer", lambda: False)
    with pytest.raises(TooLong):
        limited(busy)
    monkeypatch.setattr(one_file, "_found", lambda *_given, **_options: busy())
    found = check_file(SAVE, "a.py", SETTINGS, ReportFilter())
    assert found.problem == Unreadable("a.py", time_limit.REASON)


def test_a_timeout_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_file, "_found", lambda *_given, **_options: busy())
    source = Source("a.py", SAVE.decode(), "utf-8", bom=False)
    for content in (SAVE, source):
        found = check_file(content, "a.py", SETTINGS, ReportFilter())
        assert found.problem == Unreadable("a.py", time_limit.REASON)
        assert found.findings == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IndexError("x"), "internal error: IndexError: x (please report this, with the file)"),
        (MemoryError(), "cannot be analysed: it needs more memory than there is"),
        (TooLong(), time_limit.REASON),
    ],
)
def test_a_repair_that_fails_leaves_the_file_alone(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_policy, "rewrite", raising(error))
    repair = change_file(SAVE, "a.py", SETTINGS, ReportFilter(), Apply(SAFE_AND_UNSAFE))
    assert repair.before == repair.after == SAVE
    assert repair.result.problem == Unreadable("a.py", said)


def test_who_reads_no_more_of_a_review_ends_it() -> None:
    policy = Ask(raising(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        change_file(SAVE, "a.py", SETTINGS, ReportFilter(), policy)


@pytest.mark.parametrize("encoding", ["unicode_escape", "utf-7"])
def test_an_encoding_that_does_not_give_its_bytes_back_is_not_written(
    encoding: str,
) -> None:
    content = f"# coding: {encoding}\n".encode() + SAVE + b"x = '+AOk-\\x41'\n"
    repair = change_file(content, "a.py", SETTINGS, ReportFilter(), Apply(SAFE_AND_UNSAFE))
    assert repair.after == content
    if encoding == "unicode_escape":
        assert "does not reproduce the bytes of the file" in repair.refusal
    assert [each.code for each in repair.result.findings] == ["ATF101"]


def test_an_error_that_cannot_be_formatted_does_not_end_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deep(Exception):
        def __str__(self) -> str:
            return str(self)

    monkeypatch.setattr("atomic_fix.check.check", raising(Deep()))
    problem = check_file(SAVE, "a.py", SETTINGS, ReportFilter()).problem
    assert problem is not None
    assert "internal error: Deep: ..." in problem.reason


def test_where_no_thread_can_be_started_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(time_limit, "_has_free_timer", lambda: False)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert time_limit.limited(lambda: 7) == 7
