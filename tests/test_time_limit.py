"""The time that a file may take, and what fails within it."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from atomic_fix.parse import room
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, rewrite
from atomic_fix.run import one_file, time_limit
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.one_file import Find, change_bytes, check_bytes, told
from atomic_fix.run.time_limit import TooLong, limited
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

SAVE = b"import json\ndef save_state(path, state):\n    path.write_text(json.dumps(state))\n"
SETTINGS = Resolver({}, isolated=True).for_file("a.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such timers")


def busy() -> None:
    while True:
        pass


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
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
        limited(lambda: room.with_room(count))
    before = rounds
    time.sleep(0.1)
    assert rounds == before


def test_what_waits_takes_no_time() -> None:
    limited(lambda: time.sleep(0.3))


def test_the_outer_limit_holds() -> None:
    with pytest.raises(TooLong):
        limited(lambda: limited(busy))


def test_no_other_thread_is_limited() -> None:
    done = []
    thread = threading.Thread(target=lambda: done.append(limited(lambda: 1)))
    thread.start()
    thread.join()
    assert done == [1]


def test_whose_timer_it_is_keeps_it() -> None:
    signal.signal(signal.SIGVTALRM, lambda *_given: None)
    try:
        assert limited(lambda: signal.getitimer(signal.ITIMER_VIRTUAL)[0]) == 0
    finally:
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def test_a_file_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_file, "_found", lambda *_given: busy())
    found = check_bytes(SAVE, "a.py", SETTINGS, Narrowing())
    assert [each.message for each in found.findings] == [time_limit.REASON]
    assert not found.analysed
    source = Source("a.py", SAVE.decode(), "utf-8", bom=False)
    assert [each.code for each in told(source, SETTINGS, Narrowing())] == ["ATF000"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IndexError("x"), "internal error: IndexError: x (please report this, with the file)"),
        (MemoryError(), "cannot be analysed: it takes more memory than there is"),
        (TooLong(), time_limit.REASON),
    ],
)
def test_a_repair_that_fails_leaves_the_file_alone(error: BaseException, said: str) -> None:
    def change(_source: Source, _find: Find) -> Rewrite:
        raise error

    repair = change_bytes(SAVE, "a.py", SETTINGS, Narrowing(), change)
    assert repair.before == repair.after == SAVE
    assert [each.message for each in repair.result.findings] == [said]
    assert not repair.result.analysed


def test_who_reads_no_more_of_a_review_ends_it() -> None:
    def change(_source: Source, _find: Find) -> Rewrite:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        change_bytes(SAVE, "a.py", SETTINGS, Narrowing(), change)


@pytest.mark.parametrize("encoding", ["unicode_escape", "utf-7"])
def test_an_encoding_that_does_not_give_its_bytes_back_is_not_written(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limit, "SECONDS", 8.0)  # what is repaired first loads LibCST
    content = f"# coding: {encoding}\n".encode() + SAVE + b"x = '+AOk-\\x41'\n"
    repair = change_bytes(
        content, "a.py", SETTINGS, Narrowing(), lambda s, f: rewrite(s, f, SAFE_AND_UNSAFE)
    )
    assert repair.after == content
    if encoding == "unicode_escape":
        assert "does not give its bytes back" in repair.refusal
    assert [each.code for each in repair.result.findings] == ["ATF101"]


def test_an_error_whose_text_cannot_be_made_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deep(Exception):
        def __str__(self) -> str:
            return str(self)

    def check(*_: object) -> None:
        raise Deep

    monkeypatch.setattr("atomic_fix.check.check", check)
    found = check_bytes(SAVE, "a.py", SETTINGS, Narrowing()).findings
    assert [finding.code for finding in found] == ["ATF000"]
    assert "internal error: Deep: ..." in found[0].message
