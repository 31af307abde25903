"""Temp files of killed writers are removed, those of running ones never: promise 8."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from atomic_fix import runtime

HELPER = str(Path(runtime.__file__ or ""))
LOAD = f"""
import importlib.util, os, sys, time
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
"""
NAME = ".atomic-0123456789abcdef.tmp"


def python(code: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-S", "-B", "-c", LOAD + code]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **options)


def leftover(directory: Path, name: str = NAME, age: float = 7200) -> Path:
    path = directory / name
    path.write_text("half")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.mark.usefixtures("no_leak")
def test_leftover_of_a_killed_writer(tmp_path: Path) -> None:
    code = f"""
with runtime.atomic_open({str(tmp_path / "x")!r}) as file:
    file.write("half")
    os._exit(1)
"""
    with python(code) as process:
        process.wait(30)
    (left,) = tmp_path.iterdir()
    assert runtime.sweep_leftovers(tmp_path) == []  # it may be young because it is alive
    assert runtime.sweep_leftovers(tmp_path, older_than=0) == [str(left)]
    assert list(tmp_path.iterdir()) == []


def test_living_writer_is_left_alone(tmp_path: Path) -> None:
    code = f"""
with runtime.atomic_open({str(tmp_path / "x")!r}) as file:
    file.write("whole")
    print("ready", flush=True)
    sys.stdin.read()
"""
    with python(code, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        with runtime.atomic_open(tmp_path / "y") as file:  # one in this process as well
            file.write("whole")
            assert runtime.sweep_leftovers(tmp_path, older_than=0) == []
        process.stdin.close()
        assert process.wait(30) == 0
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"x": "whole", "y": "whole"}


def test_swept_before_it_was_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the gap between creating the file and locking it: the writer creates another one."""
    real = fcntl.flock
    swept: list[str] = []

    def flock(fd: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        swept.extend(runtime.sweep_leftovers(tmp_path, older_than=0))
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    runtime.atomic_write_text(tmp_path / "x", "new")
    assert len(swept) == 1
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"x": "new"}


def test_being_swept_while_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep has the lock, but has not removed the file yet: the writer creates another one."""
    real = fcntl.flock
    held: list[tuple[int, Path]] = []

    def flock(fd: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        (temp,) = tmp_path.iterdir()
        held.append((os.open(temp, os.O_RDWR), temp))
        real(held[0][0], how)
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with runtime.atomic_open(tmp_path / "x") as file:
        fd, temp = held[0]
        temp.unlink()
        os.close(fd)
        file.write("new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"x": "new"}


def test_names_that_never_come_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that exists under the temporary name is neither used nor removed."""
    monkeypatch.setattr(os, "urandom", lambda n: b"\x01" * n)
    taken = tmp_path / f".atomic-{'01' * 8}.tmp"
    taken.symlink_to("victim")
    with pytest.raises(FileExistsError, match=str(tmp_path / "x")):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert [p.name for p in tmp_path.iterdir()] == [taken.name]


def test_writers_and_sweeps_at_once(tmp_path: Path) -> None:
    code = f"""
until = time.monotonic() + 1.5
while time.monotonic() < until:
    runtime.atomic_write_text({str(tmp_path / "x")!r}, "new", fsync=False)
"""
    writers = [python(code) for _ in range(2)]
    swept = 0
    while any(w.poll() is None for w in writers):
        swept += len(runtime.sweep_leftovers(tmp_path, older_than=0))
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    runtime.sweep_leftovers(tmp_path, older_than=0)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    logging.info(f"{swept} swept before they were locked")


@pytest.mark.parametrize(("age", "goes"), [(3590, False), (3700, True), (-100, False)])
def test_age(tmp_path: Path, age: float, goes: bool) -> None:
    left = leftover(tmp_path, age=age)
    assert runtime.sweep_leftovers(tmp_path) == ([str(left)] if goes else [])
    assert left.exists() == (not goes)


@pytest.mark.parametrize(
    "name",
    [
        "state.json",
        ".atomic-.tmp",
        ".atomic.tmp",
        ".atomic-0123456789abcde.tmp",
        ".atomic-0123456789abcdef0.tmp",
        ".atomic-0123456789abcdefxtmp",
        "x.atomic-0123456789abcdef.tmp",
        ".atomic-my-own-file-name.tmp",
        ".atomic-notes-of-mine-.tmp",
    ],
)
def test_other_names_stay(tmp_path: Path, name: str) -> None:
    leftover(tmp_path, name)
    assert runtime.sweep_leftovers(tmp_path) == []
    assert (tmp_path / name).exists()


def test_what_is_no_file_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    os.utime(tmp_path / "precious", (0, 0))
    (tmp_path / NAME).symlink_to("precious")
    os.mkfifo(tmp_path / NAME.replace("0", "9"))
    (tmp_path / NAME.replace("0", "8")).mkdir()
    for path in tmp_path.iterdir():
        if not path.is_symlink():
            os.utime(path, (0, 0))
    assert runtime.sweep_leftovers(tmp_path, older_than=0) == []
    assert len(list(tmp_path.iterdir())) == 4


def test_leftover_swapped_after_it_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / NAME).symlink_to("precious")
    os.utime(tmp_path / "precious", (0, 0))
    monkeypatch.setattr(os, "lstat", os.stat)
    with pytest.raises(OSError, match="symbolic links"):
        runtime.sweep_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_bytes_and_missing_directory(tmp_path: Path) -> None:
    left = leftover(tmp_path)
    assert runtime.sweep_leftovers(os.fsencode(tmp_path)) == [str(left)]
    with pytest.raises(FileNotFoundError):
        runtime.sweep_leftovers(tmp_path / "none")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_no_locks_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The writer continues without a lock; the sweep cannot tell which writers are running, and
    removes nothing."""

    def flock(_: int, __: int) -> None:
        raise OSError(number, os.strerror(number))

    leftover(tmp_path)
    monkeypatch.setattr(fcntl, "flock", flock)
    runtime.atomic_write_text(tmp_path / "x", "new")
    assert runtime.sweep_leftovers(tmp_path) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [NAME, "x"]


@pytest.mark.usefixtures("no_leak")
def test_failing_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_: int, __: int) -> None:
        raise OSError(errno.EIO, "lost")

    left = leftover(tmp_path)
    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="lost"):
        runtime.atomic_write_text(tmp_path / "x", "new")
    with pytest.raises(OSError, match="lost"):
        runtime.sweep_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [left]


def test_a_sweep_that_never_ends_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def swept(path: str, flags: int, *given: Any, **options: Any) -> int:
        fd = real(path, flags, *given, **options)
        if flags & os.O_EXCL:
            os.unlink(path, dir_fd=options["dir_fd"])
        return fd

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", swept)
        with pytest.raises(OSError, match="removes each temporary file") as caught:
            runtime.atomic_write_text(tmp_path / "x", "new")
    assert caught.value.errno == errno.EAGAIN
    assert list(tmp_path.iterdir()) == []


def test_no_files_are_left_where_stat_looks_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a test that replaces `os.stat`, but not the functions that open and remove files."""
    made = 0
    real = os.open

    def counted(path: str, flags: int, *given: Any, **options: Any) -> int:
        nonlocal made
        made += bool(flags & os.O_EXCL)
        return real(path, flags, *given, **options)

    def elsewhere(path: str, **options: Any) -> os.stat_result:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", counted)
        patched.setattr(os, "stat", elsewhere)
        with pytest.raises(OSError, match="removes each temporary file"):
            runtime.atomic_write_text(tmp_path / "x", "new")
    assert made == 10
    assert list(tmp_path.iterdir()) == []
