# ruff: noqa: PT012
"""Loading distinguishes missing from corrupted files, and the error says what is known."""

from __future__ import annotations

import asyncio
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
        ("é\r\n".encode() * 9, "line 1 column 1 (char 0)"),
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


def digits_are_limited() -> bool:
    try:
        int("1" * 5000)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("content", ["[" * 200_000, '{"a":' * 200_000, "1" * 5000])
@pytest.mark.parametrize("how", ["load", "async"])
def test_what_no_parser_takes_is_corrupted(tmp_path: Path, content: str, how: str) -> None:
    """It never prevents the next save, and never becomes the backup."""
    if content[0] == "1" and not digits_are_limited():
        pytest.skip("this Python has no limit")
    path, backup = tmp_path / "x.json", tmp_path / "x.bak"
    path.write_text(content)

    def load(**options: Any) -> Any:
        if how == "load":
            return runtime.load_json_checkpoint(path, **options)
        return asyncio.run(runtime.load_json_checkpoint_async(path, **options))

    with pytest.raises(runtime.CheckpointCorruptedError, match=f"{len(content)} bytes"):
        load(default=None)
    backup.write_text("7")
    with pytest.warns(RuntimeWarning, match="using"):
        assert load(backup=backup) == 7
    if how == "load":
        runtime.atomic_write_json(path, 8, backup=backup)
    else:
        asyncio.run(runtime.atomic_write_json_async(path, 8, backup=backup))
    assert (path.read_text(), backup.read_text()) == ("8", "7")


def test_size_is_that_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the size when the error is created, nor of another file."""
    path = tmp_path / "x"
    path.write_text("[1,")
    real = json.loads

    def grows(*given: Any, **options: Any) -> Any:
        path.write_text("[1, 2, 3]")
        return real(*given, **options)

    monkeypatch.setattr(json, "loads", grows)
    with pytest.raises(runtime.CheckpointCorruptedError) as caught:
        runtime.load_json_checkpoint(path)
    assert caught.value.size == 3
    assert runtime.CheckpointCorruptedError(path).size == 9
    assert runtime.CheckpointCorruptedError(path, 0).size == 0
    pickled = pickle.dumps(caught.value)
    path.unlink()
    monkeypatch.delattr(os, "stat")  # nor does it ask
    assert pickle.loads(pickled).size == 3


class Halves(runtime.CheckpointCorruptedError):
    """A subclass with its own constructor."""

    def __init__(self, *, half: int) -> None:
        super().__init__(f"x.{half}", 0)
        self.half = half


def test_subclass_is_pickled(tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(Halves(half=2)))
    assert type(again) is Halves
    assert (again.half, again.path, again.size) == (2, "x.2", 0)


@pytest.mark.parametrize("how", ["load", "async"])
def test_other_formats(tmp_path: Path, how: str) -> None:
    path, backup = tmp_path / "x", tmp_path / "y"

    def load(loads: Any, **options: Any) -> Any:
        if how == "load":
            return runtime.load_checkpoint(path, loads, **options)
        return asyncio.run(runtime.load_checkpoint_async(path, loads, **options))

    with pytest.raises(FileNotFoundError):
        load(pickle.loads)
    assert load(pickle.loads, default=5) == 5
    runtime.atomic_write_bytes(path, pickle.dumps({"a": 1}))
    assert load(pickle.loads) == {"a": 1}
    path.write_bytes("ü\r\n".encode("latin-1"))
    assert load(str, encoding="latin-1") == "ü\n"  # as open() reads it
    backup.write_bytes(pickle.dumps(2))
    with pytest.raises(LookupError):  # nothing is wrong with the file
        load(str, encoding="no-such", backup=backup)
    path.write_bytes(pickle.dumps([1, 2, 3])[:-2])
    with pytest.raises(runtime.CheckpointCorruptedError, match="UnpicklingError") as caught:
        load(pickle.loads, default=None)
    assert isinstance(caught.value.__cause__, pickle.UnpicklingError)
    with pytest.warns(RuntimeWarning, match="using") as told:
        assert load(pickle.loads, backup=backup) == 2
    if how == "load":
        assert told[0].filename == __file__
    with pytest.raises(runtime.CheckpointCorruptedError, match="UnicodeDecodeError"):
        load(str, encoding="ascii")


def test_error_without_cause_or_file(tmp_path: Path) -> None:
    error = runtime.CheckpointCorruptedError(tmp_path / "gone")
    assert str(error) == f"{tmp_path / 'gone'}: corrupted checkpoint (size unknown)"
    assert str(runtime.CheckpointCorruptedError(b"gone")).startswith("gone: ")
    by_keyword = copy.copy(runtime.CheckpointCorruptedError(path="gone"))
    assert by_keyword.path == "gone"
    assert by_keyword.args == ("gone",)


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
    """Programs remove the file to start again. There is a warning, since it may have been an
    accident."""
    path, backup = tmp_path / "x", tmp_path / "x.bak"
    assert runtime.load_json_checkpoint(path, default=0, backup=backup) == 0
    backup.write_text("1")
    text = rf"^{path}: missing; the backup {backup} is not used$"
    with pytest.warns(RuntimeWarning, match=text) as told:
        assert runtime.load_json_checkpoint(path, default=0, backup=backup) == 0
    assert told[0].filename == __file__
    with pytest.raises(FileNotFoundError):
        runtime.load_json_checkpoint(path, backup=backup)
    runtime.atomic_write_json(path, 2, backup=backup)
    assert backup.read_text() == "1"


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
