"""Reading a path ends whatever is there: a pipe, a device, a folder, an endless file."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from atomic_fix import files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX has such files")


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"", b"x", bytes(range(256)) * 1000):
        path.write_bytes(content)
        assert files.read(str(path)) == content


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has such files")
def test_a_file_that_hides_its_size_is_read_whole() -> None:
    content = files.read("/proc/self/status")
    assert content.startswith(b"Name:")
    assert content.endswith(b"\n")


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to a pipe", "link to a device"])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "a"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            monkeypatch.chdir(tmp_path)  # a longer name is no name of a socket
            made.bind("a")
            with pytest.raises(OSError, match="not a regular file"):
                files.read("a")
        return
    if "pipe" in kind:
        os.mkfifo(tmp_path / "pipe")
    target = "/dev/zero" if "device" in kind else "pipe"
    path.symlink_to(target)
    with pytest.raises(OSError, match="not a regular file"):
        files.read(str(path if "link" in kind else path.resolve()))


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a file when it is examined, and a pipe when it is opened."""
    path = tmp_path / "a"
    path.write_text("x")
    status = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *_, **__: status)
    with pytest.raises(OSError, match="not a regular file"):
        files.read(str(path))


def test_there_is_a_largest_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 2048)
    assert files.read(str(path), 2048) == b"x" * 2048
    with pytest.raises(OSError, match="larger than 1 kB"):
        files.read(str(path), 2047)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # no disk is needed for what holds nothing
    with pytest.raises(OSError, match="larger than 64 MB"):
        files.read(str(path))


def test_a_link_is_not_followed_if_so_wanted(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    assert files.read(str(tmp_path / "link")) == b"x"
    assert files.read(str(tmp_path / "a"), follow=False) == b"x"
    with pytest.raises(OSError, match="not a regular file"):
        files.read(str(tmp_path / "link"), follow=False)


def test_a_folder_and_a_path_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        files.read(str(tmp_path))
    with pytest.raises(ValueError, match="null"):
        files.read("a\0b")
