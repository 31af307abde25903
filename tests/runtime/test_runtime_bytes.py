# ruff: noqa: PT012, PTH123
"""The helper writes the bytes that the code it replaces would write."""

from __future__ import annotations

import array
import asyncio
import csv
import gzip
import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomic_fix import runtime

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "latin-1", "utf-32-le", None])
FAST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def outcome(write: Any, path: Path) -> Any:
    """The bytes written, or the type of the error."""
    path.unlink(missing_ok=True)
    try:
        returned = write(path)
    except (ValueError, TypeError, LookupError) as error:
        return type(error)
    return returned, path.read_bytes()


@FAST
@given(
    value=VALUES,
    indent=st.none() | st.integers(0, 4) | st.just("\t"),
    ensure_ascii=st.booleans(),
    sort_keys=st.booleans(),
    encoding=ENCODINGS,
)
def test_json(tmp_path: Path, value: Any, encoding: str | None, **options: Any) -> None:
    expected = outcome(
        lambda p: p.write_text(json.dumps(value, **options), encoding=encoding), tmp_path / "x"
    )
    got = outcome(
        lambda p: runtime.atomic_write_json(p, value, encoding=encoding, **options), tmp_path / "y"
    )
    assert got[1:] == expected[1:] if isinstance(got, tuple) else got is expected


@FAST
@given(
    text=st.text(st.characters(codec=None) | st.sampled_from("\r\n\ud800ü")),
    encoding=ENCODINGS,
    errors=st.sampled_from([None, "strict", "replace", "surrogatepass", "xmlcharrefreplace"]),
    newline=st.sampled_from([None, "", "\n", "\r", "\r\n"]),
)
def test_text(tmp_path: Path, text: str, **options: Any) -> None:
    def plain(path: Path) -> int:
        with path.open("w", **options) as file:
            return int(file.write(text))

    def streamed(path: Path) -> int:
        with runtime.atomic_open(path, "w", **options) as file:
            return int(file.write(text))

    expected = outcome(plain, tmp_path / "x")
    assert (
        outcome(lambda p: runtime.atomic_write_text(p, text, **options), tmp_path / "y") == expected
    )
    assert outcome(streamed, tmp_path / "z") == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abc",
        bytearray(b"xy"),
        memoryview(b"abcdef")[1:3],
        array.array("i", [1, 2]),
        array.array("i"),
    ],
)
def test_bytes(tmp_path: Path, data: Any) -> None:
    plain = tmp_path / "x"
    returned = plain.write_bytes(data)
    assert runtime.atomic_write_bytes(tmp_path / "y", data) == returned
    assert asyncio.run(runtime.atomic_write_bytes_async(tmp_path / "z", data)) == returned
    assert (tmp_path / "y").read_bytes() == plain.read_bytes() == (tmp_path / "z").read_bytes()


def test_async_forms(tmp_path: Path) -> None:
    write = runtime.atomic_write_text_async(tmp_path / "t", "a\n", newline="\r\n")
    assert asyncio.run(write) == 2
    assert (tmp_path / "t").read_bytes() == b"a\r\n"
    asyncio.run(runtime.atomic_write_json_async(tmp_path / "j", {"ü": 1}, ensure_ascii=False))
    assert (tmp_path / "j").read_bytes() == '{"ü": 1}'.encode()


def test_async_json_is_serialised_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        state = {"step": 1}
        write = asyncio.ensure_future(runtime.atomic_write_json_async(tmp_path / "j", state))
        await asyncio.sleep(0)
        state["step"] = 2
        await write

    asyncio.run(main())
    assert json.loads((tmp_path / "j").read_text()) == {"step": 1}


def test_async_bytes_are_copied(tmp_path: Path) -> None:
    async def main() -> None:
        data = bytearray(b"aaaa")
        write = asyncio.ensure_future(runtime.atomic_write_bytes_async(tmp_path / "j", data))
        await asyncio.sleep(0)
        data[:] = b"bbbb"
        await write

    asyncio.run(main())
    assert (tmp_path / "j").read_bytes() == b"aaaa"


MODES = ["w", "wt", "tw", "w+", "+w", "wb", "bw", "wb+", "w+b", "+bw"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("buffering", [-1, 0, 1, 2, 9000])
def test_file_is_as_from_open(tmp_path: Path, mode: str, buffering: int) -> None:
    if buffering == 0 and "b" not in mode:
        with pytest.raises(ValueError, match="unbuffered"):
            runtime.atomic_open(tmp_path / "x", mode, 0)
        return
    if buffering == 1 and "b" in mode:
        return  # open warns that there are no lines in binary mode
    path = tmp_path / "x"
    with open(path, mode, buffering) as plain, runtime.atomic_open(path, mode, buffering) as ours:
        layers = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.FileIO)
        assert [isinstance(ours, c) for c in layers] == [isinstance(plain, c) for c in layers]
        for attribute in ("name", "mode", "encoding", "errors", "newlines", "line_buffering"):
            assert getattr(ours, attribute, 0) == getattr(plain, attribute, 0)
        for method in ("readable", "writable", "seekable", "isatty", "tell"):
            assert getattr(ours, method)() == getattr(plain, method)()
        ours.write(b"abc" if "b" in mode else "abc")
        if "+" in mode:
            ours.seek(1)
            assert ours.read() in {b"bc", "bc"}
            ours.truncate(2)
    assert path.read_bytes() == (b"ab" if "+" in mode else b"abc")


def test_line_buffering_and_buffer_size(tmp_path: Path) -> None:
    with runtime.atomic_open(tmp_path / "x", "w", 1) as file:
        file.write("line\n")
        (temp,) = tmp_path.glob(".atomic-*")
        assert temp.read_text() == "line\n"
    with runtime.atomic_open(tmp_path / "x", "wb", 4) as file:
        file.write(b"ab")
        (temp,) = tmp_path.glob(".atomic-*")
        assert temp.read_bytes() == b""
        file.write(b"cdef")
        assert temp.read_bytes() != b""


@pytest.mark.parametrize(
    "mode", ["r", "a", "x", "xb", "r+", "", "ww", "wtt", "wbb", "wbt", "wU", "w++", "rb"]
)
def test_modes_that_do_not_replace(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ValueError, match="mode"):
        runtime.atomic_open(tmp_path / "x", mode)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["encoding", "errors", "newline"])
def test_binary_takes_no_text_options(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match="binary"):
        runtime.atomic_open(tmp_path / "x", "wb", **{option: "utf-8"})  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"encoding": "no-such"}, {"newline": "x"}])
def test_wrong_text_options(tmp_path: Path, options: Any) -> None:
    target = tmp_path / "x"
    target.write_text("old")
    with pytest.raises((LookupError, ValueError)), runtime.atomic_open(target, **options):
        pass
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("write", "value"),
    [
        (runtime.atomic_write_text, b"bytes"),
        (runtime.atomic_write_bytes, "text"),
        (runtime.atomic_write_bytes, 5),
        (runtime.atomic_write_json, {1, 2}),
        (runtime.atomic_write_json, {"deep": [object()]}),
    ],
)
def test_wrong_type_touches_nothing(tmp_path: Path, write: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        write(tmp_path / "absent-directory" / "x", value)


def test_unencodable_text_touches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        runtime.atomic_write_json(tmp_path / "absent" / "x", "\ud800", ensure_ascii=False)


def test_writers_of_the_standard_library(tmp_path: Path) -> None:
    rows = [["a", "b"], ["1", "ü"]]

    def fill(opened: Any, folder: Path) -> None:
        with opened(folder / "j", "w") as f:
            json.dump({"a": 1}, f, indent=1)
        with opened(folder / "c", "w", newline="") as f:
            csv.writer(f).writerows(rows)
        with opened(folder / "p", "wb") as f:
            pickle.dump(rows, f)
        with opened(folder / "z", "wb") as f, gzip.GzipFile(fileobj=f, mode="wb", mtime=0) as z:
            z.write(b"data")

    for name, opened in (("plain", open), ("atomic", runtime.atomic_open)):
        (tmp_path / name).mkdir()
        fill(opened, tmp_path / name)
    for name in "jcpz":
        assert (tmp_path / "atomic" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def test_numpy_save(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    with runtime.atomic_open(tmp_path / "a.npy", "wb") as file:
        numpy.save(file, numpy.arange(100000))
    assert (numpy.load(tmp_path / "a.npy") == numpy.arange(100000)).all()


def test_body_that_closes_the_file(tmp_path: Path) -> None:
    with runtime.atomic_open(tmp_path / "x") as file:
        file.write("all")
        file.close()
    assert (tmp_path / "x").read_text() == "all"
    assert file.closed


def test_body_that_detaches_the_buffer_publishes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="detached"), runtime.atomic_open(tmp_path / "x") as file:
        file.write("part")
        buffer = file.detach()  # type: ignore[attr-defined]
        buffer.write(b"more")
    assert list(tmp_path.iterdir()) == []
    assert buffer.raw.closed


@pytest.mark.parametrize(("mode", "buffering"), [("w", -1), ("wb", -1), ("wb", 0)])
def test_file_is_unusable_afterwards(tmp_path: Path, mode: str, buffering: int) -> None:
    """By then, its descriptor number may belong to another file."""
    with runtime.atomic_open(tmp_path / "x", mode, buffering) as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        file.write("late" if mode == "w" else b"late")
