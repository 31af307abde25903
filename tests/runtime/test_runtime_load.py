# ruff: noqa: PT012
"""Loading tells missing from corrupted, and the error tells what is known."""

from __future__ import annotations

import copy
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from atomic_fix import runtime


def test_missing(tmp_path: Path) -> None:
    assert runtime.load_json_checkpoint(tmp_path / "x", default=None) is None
    with pytest.raises(FileNotFoundError):
        runtime.load_json_checkpoint(tmp_path / "x")


def test_good(tmp_path: Path) -> None:
    runtime.atomic_write_json(tmp_path / "x", {"a": 1.5})
    assert runtime.load_json_checkpoint(tmp_path / "x", default=7) == {"a": 1.5}
    assert runtime.load_json_checkpoint(os.fsencode(tmp_path / "x"), parse_float=str) == {
        "a": "1.5"
    }
    (tmp_path / "x").write_bytes('"ü"'.encode("latin-1"))
    assert runtime.load_json_checkpoint(tmp_path / "x", encoding="latin-1") == "ü"


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b"", "line 1 column 1 (char 0)"),
        (b'{"a": 1', "line 1 column 8 (char 7)"),
        (b'{"a":\n "\xff"}', "position 8"),
        (b"\0" * 9, "line 1 column 1 (char 0)"),
    ],
)
def test_corrupted(tmp_path: Path, content: bytes, position: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(runtime.CheckpointCorruptedError) as caught:
        runtime.load_json_checkpoint(path, default=None)
    error = caught.value
    assert error.path == path
    assert isinstance(error, ValueError)
    assert isinstance(error.__cause__, ValueError)
    for part in (str(path), f"{len(content)} bytes", position, type(error.__cause__).__name__):
        assert part in str(error)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is runtime.CheckpointCorruptedError
        assert (str(again), again.path, again.size) == (str(error), path, len(content))
        assert str(pickle.loads(pickle.dumps(again))) == str(error)


def test_error_without_cause_or_file(tmp_path: Path) -> None:
    error = runtime.CheckpointCorruptedError(tmp_path / "gone")
    assert str(error) == f"{tmp_path / 'gone'}: corrupted checkpoint (size unknown)"
    assert str(runtime.CheckpointCorruptedError(b"gone")).startswith("gone: ")
    by_keyword = copy.copy(runtime.CheckpointCorruptedError(path="gone"))
    assert by_keyword.path == "gone"


def test_unreadable_is_neither(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        runtime.load_json_checkpoint(tmp_path, default=None)
    (tmp_path / "file").write_text("{}")
    with pytest.raises(NotADirectoryError):
        runtime.load_json_checkpoint(tmp_path / "file" / "x", default=None)


def write(path: Path, value: Any, how: str) -> None:
    backup = path.with_suffix(".bak")
    if how == "json":
        runtime.atomic_write_json(path, value, backup=backup)
    elif how == "text":
        runtime.atomic_write_text(path, json.dumps(value), backup=backup)
    elif how == "bytes":
        runtime.atomic_write_bytes(path, json.dumps(value).encode(), backup=backup)
    else:
        with runtime.atomic_open(path, backup=backup) as file:
            json.dump(value, file)


@pytest.mark.parametrize("how", ["json", "text", "bytes", "open"])
def test_backup(tmp_path: Path, how: str) -> None:
    path, backup = tmp_path / "x.json", tmp_path / "x.bak"
    write(path, 1, how)
    assert not backup.exists()
    path.chmod(0o600)
    write(path, 2, how)
    assert json.loads(backup.read_text()) == 1
    assert backup.stat().st_mode & 0o777 == 0o600  # no more readable than what it keeps
    write(path, 3, how)
    assert json.loads(backup.read_text()) == 2
    assert sorted(tmp_path.iterdir()) == [backup, path]

    path.write_text('{"cut')
    text = r"x\.json: corrupted checkpoint \(5 bytes\).*x\.bak"
    with pytest.warns(RuntimeWarning, match=text) as told:
        assert runtime.load_json_checkpoint(path, default=0, backup=backup) == 2
    assert told[0].filename == __file__
    with pytest.raises(runtime.CheckpointCorruptedError):
        runtime.load_json_checkpoint(path, default=0)


def test_corrupted_content_is_no_good_version(tmp_path: Path) -> None:
    path, backup = tmp_path / "x.json", tmp_path / "x.bak"
    write(path, 1, "json")
    write(path, 2, "json")
    path.write_text('{"cut')
    write(path, 3, "json")
    assert json.loads(backup.read_text()) == 1


def test_missing_is_not_taken_from_the_backup(tmp_path: Path) -> None:
    (tmp_path / "x.bak").write_text("1")
    assert runtime.load_json_checkpoint(tmp_path / "x", default=0, backup=tmp_path / "x.bak") == 0


@pytest.mark.parametrize("second", [None, "", "{"])
def test_corrupted_with_no_good_backup(tmp_path: Path, second: str | None) -> None:
    path, backup = tmp_path / "x.json", tmp_path / "x.bak"
    path.write_text("[1,")
    if second is not None:
        backup.write_text(second)
    with pytest.raises(runtime.CheckpointCorruptedError) as caught:
        runtime.load_json_checkpoint(path, default=0, backup=backup)
    assert caught.value.path == path
    assert "char 3" in str(caught.value)


@pytest.mark.parametrize("spelling", ["x.json", "../{}/x.json", "link"])
def test_backup_must_be_another_file(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "x.json"
    path.write_text("1")
    (tmp_path / "link").symlink_to("x.json")
    with pytest.raises(ValueError, match="another file"):
        runtime.atomic_write_text(path, "2", backup=tmp_path / spelling.format(tmp_path.name))
    assert path.read_text() == "1"


def test_failed_write_leaves_the_backup(tmp_path: Path) -> None:
    path, backup = tmp_path / "x.json", tmp_path / "x.bak"
    write(path, 1, "json")
    write(path, 2, "json")
    with pytest.raises(KeyError), runtime.atomic_open(path, backup=backup) as file:
        file.write("half")
        raise KeyError
    assert (path.read_text(), backup.read_text()) == ("2", "1")
    assert sorted(tmp_path.iterdir()) == [backup, path]
