# ruff: noqa: PTH100, PTH112, PTH115
"""macOS and Windows, simulated: fakes replace their system calls (promise 7)."""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atomic_fix import runtime

FULL = 51


class Mac:
    """`fcntl` of macOS: each call of F_FULLFSYNC gets the next prepared answer."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.flushed = 0
        self.module = SimpleNamespace(
            F_FULLFSYNC=FULL,
            fcntl=self.fcntl,
            flock=fcntl.flock,
            LOCK_EX=fcntl.LOCK_EX,
            LOCK_NB=fcntl.LOCK_NB,
        )

    def fcntl(self, _: int, command: int) -> None:
        assert command == FULL
        answer = self.answers.pop(0) if self.answers else 0
        if answer:
            raise OSError(answer, os.strerror(answer))
        self.flushed += 1


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    return calls


def test_mac_flushes_the_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[int]
) -> None:
    mac = Mac()
    monkeypatch.setattr(runtime, "fcntl", mac.module)
    runtime.atomic_write_text(tmp_path / "x", "new")
    assert mac.flushed == 2  # the file and its directory
    assert synced == []


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY])
def test_mac_falls_back_where_the_volume_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[int], number: int
) -> None:
    monkeypatch.setattr(runtime, "fcntl", Mac(number, number).module)
    runtime.atomic_write_text(tmp_path / "x", "new")
    assert len(synced) == 2


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_mac_error_is_no_reason_to_fall_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[int], number: int
) -> None:
    monkeypatch.setattr(runtime, "fcntl", Mac(number).module)
    with pytest.raises(OSError, match=os.strerror(number)):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert synced == []
    assert list(tmp_path.iterdir()) == []


def test_mac_has_no_attributes_within_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(runtime, "fcntl", Mac().module)
    for missing in ("listxattr", "getxattr", "setxattr", "removexattr"):
        monkeypatch.delattr(os, missing)
    runtime.atomic_write_text(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with runtime.atomic_open(path) as file:
        file.write("newer")
        path.chmod(0o604)  # what has changed meanwhile is looked at again
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


class WindowsError(OSError):
    """`winerror` is an attribute of OSError on Windows only."""

    def __init__(self, winerror: int) -> None:
        super().__init__(errno.EACCES, "in use")
        self.winerror = winerror


class Windows:
    """Neither fcntl nor directory descriptors; `replace` gives the prepared answers, then works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: int) -> None:
        self.answers = list(answers)
        self.slept: list[float] = []
        self.replace = os.replace
        self.open = os.open
        self.opened: list[str] = []
        monkeypatch.setattr(runtime, "_WINDOWS", True)
        monkeypatch.setattr(runtime, "fcntl", None)
        monkeypatch.setattr(os, "replace", self._replace)
        monkeypatch.setattr(os, "open", self._open)
        monkeypatch.setattr(time, "sleep", self.slept.append)
        for missing in ("fchmod", "fchown"):
            monkeypatch.delattr(os, missing)

    def _replace(self, source: Any, target: Any, **options: Any) -> None:
        assert options == {"src_dir_fd": None, "dst_dir_fd": None}
        held = [os.readlink(f"/proc/self/fd/{n}") for n in range(3, 20) if self._is_open(n)]
        assert os.path.abspath(source) not in held, "an open file cannot be renamed"
        answer = self.answers.pop(0) if self.answers else 0
        if answer:
            raise WindowsError(answer)
        self.replace(source, target)

    @staticmethod
    def _is_open(fd: int) -> bool:
        return os.path.lexists(f"/proc/self/fd/{fd}")

    def _open(self, path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        assert not os.path.isdir(path), "a directory cannot be opened"
        assert options in ({}, {"dir_fd": None})
        self.opened.append(os.fsdecode(path))
        return self.open(path, flags, mode)


@pytest.mark.parametrize("error", [5, 32, 33])
@pytest.mark.parametrize("exists", [True, False])
def test_windows_waits_for_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, exists: bool
) -> None:
    path = tmp_path / "x"
    if exists:
        path.write_text("old")
    windows = Windows(monkeypatch, *[error] * 5)
    runtime.atomic_write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    assert len(windows.slept) == 5
    assert windows.slept == sorted(windows.slept)
    assert len(windows.opened) == 1


def test_windows_waits_no_longer_than_about_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    windows = Windows(monkeypatch, *[32] * 1000)
    with pytest.raises(OSError, match="in use") as caught:
        runtime.atomic_write_text(path, "new")
    assert caught.value.filename == str(path)
    assert 0.5 < sum(windows.slept) < 2
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [1, 2, 3, 17, 112])
def test_windows_repeats_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    windows = Windows(monkeypatch, error)
    with pytest.raises(OSError, match="in use"):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert windows.slept == []


def test_posix_repeats_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def replace(*_: object, **__: object) -> None:
        calls.append(1)
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(PermissionError):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert len(calls) == 1


def test_there_is_no_fcntl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("without_fcntl", runtime.__file__ or "")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.atomic_write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "new"


def test_windows_body_may_change_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    Windows(monkeypatch)
    with runtime.atomic_open("x") as file:
        os.chdir(tmp_path / "elsewhere")
        file.write("new")
    assert (tmp_path / "x").read_text() == "new"


def test_windows_follows_links_and_refuses_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_text("old")
    (tmp_path / "link").symlink_to("real/x")
    Windows(monkeypatch)
    runtime.atomic_write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "x").read_text() == "new"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="link"):
        runtime.atomic_write_text(tmp_path / "link", "newer")
    runtime.atomic_write_text(tmp_path / "absent", "new")


def test_windows_leaves_links_to_realpath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`readlink` returns paths in a special form there, which `realpath` can read."""
    Windows(monkeypatch)
    monkeypatch.setattr(os.path, "realpath", lambda _: str(tmp_path / "real"))
    runtime.atomic_write_text(tmp_path / "given", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["real"]


def test_windows_writes_through_what_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "device")
    Windows(monkeypatch)
    assert runtime._locate(str(tmp_path / "device")) is None
    assert runtime._locate(str(tmp_path / "x")) is not None


def test_windows_makes_the_folders_and_knows_the_target_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Windows(monkeypatch)
    path = tmp_path / "a" / "b" / "x"
    runtime.atomic_write_text(path, "new", make_parents=True)
    assert path.read_text() == "new"
    with pytest.raises(ValueError, match="must be another file"):
        runtime.atomic_write_text(path, "newer", backup=path.parent / ".." / "b" / "x")
    runtime.atomic_write_text(path, "newer", backup=tmp_path / "x")
    assert (path.read_text(), (tmp_path / "x").read_text()) == ("newer", "new")


def test_windows_makes_no_folders_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Windows(monkeypatch)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        runtime.atomic_write_text(tmp_path / "a" / "x", "new")
    assert list(tmp_path.iterdir()) == []


def test_windows_failed_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Windows(monkeypatch)
    with pytest.raises(KeyError), runtime.atomic_open(tmp_path / "x", perm=0o600):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    runtime.atomic_write_text(tmp_path / "x", "new", mode=0o600)


def test_windows_bytes_are_not_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = os.O_APPEND  # any bit that shows
    monkeypatch.setattr(runtime, "_O_BINARY", binary)
    windows = Windows(monkeypatch)
    seen = []
    real = windows._open

    def note(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        seen.append(flags & binary)
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", note)
    runtime.atomic_write_bytes(tmp_path / "x", b"a\n")
    assert seen == [binary]


def test_windows_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open file cannot be removed there, and a closed one is about to be renamed, so the sweep
    waits."""
    old, young, living = (tmp_path / f".atomic-{c * 16}.tmp" for c in "abc")
    for path, age in ((old, 120), (young, 30), (living, 120)):
        path.write_text("half")
        os.utime(path, (time.time() - age, time.time() - age))
    real = os.unlink

    def unlink(path: Any) -> None:
        if path == str(living):
            raise PermissionError(errno.EACCES, "in use")
        real(path)

    monkeypatch.setattr(runtime, "fcntl", None)
    monkeypatch.setattr(os, "unlink", unlink)
    assert runtime.sweep_leftovers(tmp_path, older_than=0) == [str(old)]
    assert sorted(tmp_path.iterdir()) == [young, living]
    assert runtime.sweep_leftovers(tmp_path, older_than=3600) == []
