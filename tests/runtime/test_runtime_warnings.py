# ruff: noqa: PT031
"""A warning points at the line that calls the helper, wherever in the helper it is raised."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomic_fix import runtime


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A file with two names, so that each replacement causes a warning."""
    path = tmp_path / "state.json"
    path.write_text("{}")
    os.link(path, tmp_path / "other")
    return path


def line() -> int:
    """The line of the call."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def write_bytes(path: Path) -> int:
    runtime.atomic_write_bytes(path, b"{}")
    return line() - 1


def write_text(path: Path) -> int:
    runtime.atomic_write_text(path, "{}")
    return line() - 1


def write_json(path: Path) -> int:
    runtime.atomic_write_json(path, {})
    return line() - 1


def open_block(path: Path) -> int:
    with runtime.atomic_open(path) as file:
        file.write("{}")
    return line() - 2


def open_on_a_stack(path: Path) -> int:
    with contextlib.ExitStack() as stack:
        stack.enter_context(runtime.atomic_open(path))
        return line() - 1


@contextlib.contextmanager
def opened(path: Path, lines: list[int]) -> Iterator[Any]:
    lines.append(line() + 1)
    with runtime.atomic_open(path) as file:
        yield file


def open_by_another_context_manager(path: Path) -> int:
    lines: list[int] = []
    with opened(path, lines) as file:
        file.write("{}")
    return lines[0]


def write_bytes_async(path: Path) -> int:
    async def main() -> int:
        await runtime.atomic_write_bytes_async(path, b"{}")
        return line() - 1

    return asyncio.run(main())


def write_text_async(path: Path) -> int:
    async def main() -> int:
        await runtime.atomic_write_text_async(path, "{}")
        return line() - 1

    return asyncio.run(main())


def write_json_async(path: Path) -> int:
    async def main() -> int:
        await runtime.atomic_write_json_async(path, {})
        return line() - 1

    return asyncio.run(main())


WAYS: list[Callable[[Path], int]] = [
    write_bytes,
    write_text,
    write_json,
    open_block,
    open_on_a_stack,
    open_by_another_context_manager,
    write_bytes_async,
    write_text_async,
    write_json_async,
]


@pytest.mark.parametrize("way", WAYS)
def test_before_the_content_is_written(linked: Path, way: Callable[[Path], int]) -> None:
    with pytest.warns(runtime.AtomicWriteWarning, match="has 2 hard links") as told:
        row = way(linked)
    assert [(w.filename, w.lineno) for w in told] == [(__file__, row)]


@pytest.mark.parametrize("way", WAYS)
def test_while_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Path], int]
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    path = tmp_path / "state.json"
    path.write_text("{}")
    monkeypatch.setattr(os, "replace", busy)
    with pytest.warns(runtime.AtomicWriteWarning, match="is a mount point") as told:
        row = way(path)
    (warning,) = told
    assert warning.filename == __file__
    # Published where the stack ends; until Python 3.9, a block ends at its last line.
    last = row + (sys.version_info < (3, 10) and "open" in way.__name__)
    assert warning.lineno == last or way is open_on_a_stack


def test_of_a_backup(linked: Path, tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    path.write_text("{}")
    with pytest.warns(runtime.AtomicWriteWarning, match=f"{linked} has 2 hard links") as told:
        runtime.atomic_write_text(path, "", backup=linked)
        row = line() - 1
    assert [(w.filename, w.lineno) for w in told] == [(__file__, row)]


@pytest.mark.parametrize("content", ["", None])
@pytest.mark.parametrize("how", ["json", "other", "json async", "other async"])
def test_of_a_load(tmp_path: Path, content: str | None, how: str) -> None:
    path, backup = tmp_path / "x", tmp_path / "y"
    backup.write_text("1")
    if content is not None:
        path.write_text(content)

    async def main() -> int:
        if how == "json async":
            await runtime.load_json_checkpoint_async(path, default=0, backup=backup)
            return line() - 1
        await runtime.load_checkpoint_async(path, int, default=0, backup=backup)
        return line() - 1

    with pytest.warns(RuntimeWarning) as told:
        if how == "json":
            runtime.load_json_checkpoint(path, default=0, backup=backup)
            row = line() - 1
        elif how == "other":
            runtime.load_checkpoint(path, int, default=0, backup=backup)
            row = line() - 1
        else:
            row = asyncio.run(main())
    assert [(w.filename, w.lineno) for w in told] == [(__file__, row)]


def test_each_line_is_shown_once(tmp_path: Path) -> None:
    """As with the default filter: by the registry of the calling module."""
    path, other = tmp_path / "x", tmp_path / "y"
    path.write_text("0")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for turn in range(4):
            os.link(path, other)
            if turn < 3:
                runtime.atomic_write_text(path, "1")
            else:
                runtime.atomic_write_text(path, "2")
            other.unlink()
    assert len(told) == 2


def test_filtered_by_module(linked: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=__name__.replace(".", r"\."))
        runtime.atomic_write_text(linked, "1")
