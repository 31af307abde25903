# ruff: noqa: PTH208
"""Every system call of a write is killed once and failed once: promises 1 and 2."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from strace_sweep import Call, inject, record, run, sweep

from atomic_fix import runtime

CHILD = Path(__file__).with_name("write_once.py")
OLD = b"old" * 1000
HELPER = str(Path(runtime.__file__ or ""))
ERRORS = ["ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS", "EINTR"]


def new(size: int) -> bytes:
    return b"new" + b"n" * (size - 3)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bytecode of what the child imports, so that each run makes the same calls."""
    made = tmp_path_factory.mktemp("cache")
    done = run(CHILD, [HELPER, "bytes", str(made / "target"), "5", "{}"], made)
    assert done.returncode == 0, done.stderr
    return made


class Place:
    """A directory for one run."""

    def __init__(self, root: Path, variant: str) -> None:
        root.mkdir(parents=True)
        self.root = root
        self.target = root / "state.json"
        self.given = self.target
        self.names = {"state.json"}
        if variant == "symlink":
            (root / "real").mkdir()
            self.target = root / "real" / "data.json"
            self.given.symlink_to("real/data.json")
            self.names = {"data.json"}
        self.options = "{}"
        if variant == "backup":
            self.names.add("state.json.bak")
            self.options = json.dumps({"backup": str(root / "state.json.bak")})
        if variant == "unsynced":
            self.options = json.dumps({"fsync": False})
        if variant == "parents":
            self.target = self.given = root / "made" / "also" / "state.json"
            self.options = json.dumps({"make_parents": True})
        self.absent = variant in {"absent", "parents"}
        if not self.absent:
            self.target.write_bytes(OLD)
            # Something to carry over, so that those calls are swept too.
            self.target.chmod(0o640)
            if os.geteuid() == 0:
                os.chown(self.target, 12, 34)
            with contextlib.suppress(OSError):  # this file system has none
                os.setxattr(self.target, "user.kept", b"yes")

    def content(self) -> bytes | None:
        return self.target.read_bytes() if self.target.exists() else None

    def old(self) -> bytes | None:
        return None if self.absent else OLD

    def litter(self) -> set[str]:
        folder = self.target.parent
        return set(os.listdir(folder)) - self.names if folder.exists() else set()


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        ("bytes", "existing"),
        ("stream", "existing"),
        ("bytes", "absent"),
        ("bytes", "symlink"),
        ("bytes", "unsynced"),
        ("bytes", "parents"),
    ],
)
def test_killed_at_each_call(
    strace: str, cache: Path, tmp_path: Path, kind: str, variant: str
) -> None:
    size = 8 << 20
    first = Place(tmp_path / "record", variant)
    given = [HELPER, kind, str(first.given), str(size), first.options]
    calls = record(strace, CHILD, given, cache)
    assert first.content() == new(size)
    assert {"openat", "write", "fsync", "rename", "renameat"} & {c.name for c in calls}

    def kill(case: tuple[int, Call]) -> str:
        number, call = case
        place = Place(tmp_path / str(number), variant)
        arguments = [HELPER, kind, str(place.given), str(size), place.options]
        done = inject(strace, CHILD, arguments, cache, call, "signal=KILL")
        assert done.returncode != 0, f"not killed at {call}"
        content = place.content()
        assert content in {place.old(), new(size)}, f"torn when killed at {call}"
        for name in place.litter():
            assert name.startswith(".")
            assert name.endswith(".tmp")
        assert (place.given.is_symlink()) == (variant == "symlink")
        # The next run is not hindered, and a sweep clears what was left.
        runtime.atomic_write_bytes(place.given, b"next", make_parents=variant == "parents")
        runtime.sweep_leftovers(place.target.parent, older_than=0)
        assert place.litter() == set()
        assert place.content() == b"next"
        place.target.unlink()
        return "old" if content == place.old() else "new"

    outcomes = sweep(kill, list(enumerate(calls)))
    assert set(outcomes) == {"old", "new"}, "the sweep reached both sides of the replace"
    logging.info(f"{kind} {variant}: {len(calls)} kill points")


def test_killed_with_backup(strace: str, cache: Path, tmp_path: Path) -> None:
    def make(name: str) -> tuple[Place, Path, list[str]]:
        place = Place(tmp_path / name, "existing")
        backup = place.root / "state.bak"
        backup.write_bytes(b"older")
        place.names.add("state.bak")
        options = json.dumps({"backup": str(backup)})
        return place, backup, [HELPER, "bytes", str(place.given), "5000", options]

    _, backup, arguments = make("record")
    calls = record(strace, CHILD, arguments, cache)
    assert backup.read_bytes() == OLD

    def kill(case: tuple[int, Call]) -> None:
        number, call = case
        place, backup, arguments = make(str(number))
        inject(strace, CHILD, arguments, cache, call, "signal=KILL")
        states = (place.content(), backup.read_bytes())
        assert states in {(OLD, b"older"), (new(5000), b"older"), (new(5000), OLD)}, call

    sweep(kill, list(enumerate(calls)))
    logging.info(f"backup: {len(calls)} kill points")


def is_harmless(number: int, calls: list[Call], variant: str) -> bool:
    """Calls of the interpreter whose failure changes nothing. A new stream asks whether it can
    seek, and whether the file, which is still empty or has just been opened, is a directory. Before
    anything is opened, but after the target was examined, realpath asks whether the backup is
    another file."""
    call, before = calls[number], [call.name for call in calls[:number]]
    if call.name in {"lseek", "ioctl"}:
        return True
    if call.name not in {"fstat", "newfstatat"} or not before:
        return False
    asks_for_backup = variant == "backup" and "openat" not in before
    return "st_size=0," in call.text or before[-1] == "openat" or asks_for_backup


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        ("bytes", "existing"),
        ("text", "absent"),
        ("stream", "symlink"),
        ("bytes", "backup"),
        ("stream", "unsynced"),
        ("bytes", "parents"),
    ],
)
def test_each_call_fails(strace: str, cache: Path, tmp_path: Path, kind: str, variant: str) -> None:
    size = 3 << 20
    first = Place(tmp_path / "record", variant)
    arguments = [HELPER, kind, str(first.given), str(size), first.options]
    calls = record(strace, CHILD, arguments, cache)
    cases = [(n, call, error) for n, call in enumerate(calls) for error in ERRORS]

    def fail(case: tuple[int, Call, str]) -> str:
        number, call, error = case
        place = Place(tmp_path / f"{number}-{error}", variant)
        arguments = [HELPER, kind, str(place.given), str(size), place.options]
        done = inject(strace, CHILD, arguments, cache, call, f"error={error}")
        where = f"{error} at {call}"
        assert done.returncode == 0, f"{where}: {done.stderr}"
        report: dict[str, Any] = json.loads(done.stdout)
        content = place.content()
        assert place.litter() == set(), where
        if call.name != "close":  # a close that strace fails is a close that did not happen
            assert report["after"] == report["before"], where
        if report["error"] is None:
            assert content == new(size), where
            # Python itself repeats a call that was interrupted.
            assert error == "EINTR" or is_harmless(number, calls, variant), f"swallowed: {where}"
            outcome = "harmless"
        else:
            assert report["error"]["errno"] == getattr(errno, error), where
            assert str(place.given) in report["error"]["text"], f"{where}: {report}"
            assert content in {place.old(), new(size)}, where
            outcome = "old" if content == place.old() else "new"
        place.target.unlink(missing_ok=True)
        return outcome

    outcomes = sweep(fail, cases)
    tally = {o: outcomes.count(o) for o in sorted(set(outcomes))}
    logging.info(f"{kind} {variant}: {len(cases)} errors injected into {len(calls)} calls: {tally}")


def test_error_at_close_stops_an_unsynced_write(strace: str, cache: Path, tmp_path: Path) -> None:
    """This is how NFS reports a full disk, and FUSE whatever its server encounters."""
    place = Place(tmp_path / "record", "unsynced")
    arguments = [HELPER, "bytes", str(place.given), "5000", place.options]
    calls = record(strace, CHILD, arguments, cache)
    names = [call.name for call in calls]
    published = next(n for n, name in enumerate(names) if name.startswith("rename"))
    (close,) = [call for call in calls[:published] if call.name == "close"]
    assert calls.index(close) > names.index("write")
    place.target.write_bytes(OLD)
    done = inject(strace, CHILD, arguments, cache, close, "error=EDQUOT")
    assert json.loads(done.stdout)["error"]["errno"] == errno.EDQUOT
    assert (place.content(), place.litter()) == (OLD, set())


def test_fsync_is_never_retried(strace: str, cache: Path, tmp_path: Path) -> None:
    """A second fsync that succeeds would prove nothing, since the first one has marked the pages as
    clean."""
    place = Place(tmp_path / "record", "existing")
    arguments = [HELPER, "bytes", str(place.given), "5000", "{}"]
    calls = record(strace, CHILD, arguments, cache)
    first = next(call for call in calls if call.name == "fsync")
    place.target.write_bytes(OLD)
    done = inject(strace, CHILD, arguments, cache, first, "error=EIO")
    assert json.loads(done.stdout)["error"]["errno"] == errno.EIO
    assert place.content() == OLD
