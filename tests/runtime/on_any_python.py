# ruff: noqa: PT017, PTH101, PTH103, PTH106, PTH108, PTH110, PTH116, PTH118, PTH120, PTH123, PTH208, T201
"""Child process of the test of a copy: the main calls, and an interrupt at each bytecode, on a
Python that is too old for the tests themselves. Arguments: file of the helper, empty directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pickle
import sys
import warnings
from typing import Any

helper, directory = sys.argv[1:]
spec = importlib.util.spec_from_file_location("runtime_under_test", helper)
assert spec is not None
assert spec.loader is not None
runtime: Any = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
path = os.path.join(directory, "x")
backup = os.path.join(directory, "b")


def read(name: str) -> bytes:
    with open(name, "rb") as file:
        return file.read()


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def main_calls() -> None:
    runtime.atomic_write_text(path, "a\n", newline="\r\n")
    assert read(path) == b"a\r\n"
    runtime.atomic_write_json(path, {"ü": 1}, backup=backup, indent=1)
    assert json.loads(read(path)) == {"ü": 1}
    assert not os.path.exists(backup), "what was there was no JSON"
    runtime.atomic_write_json(path, 2, backup=backup)
    assert json.loads(read(backup)) == {"ü": 1}
    asyncio.run(runtime.atomic_write_json_async(path, 3))
    assert runtime.load_json_checkpoint(path) == 3
    for mode in ("w", "wb", "w+", "w+b"):
        with runtime.atomic_open(path, mode) as file:
            file.write(b"x" if "b" in mode else "x")
        assert read(path) == b"x"
    with contextlib.suppress(KeyError), runtime.atomic_open(path) as file:
        file.write("half")
        raise KeyError
    try:
        runtime.load_json_checkpoint(path, default=None)
    except runtime.CheckpointCorruptedError as error:
        assert "char 0" in str(pickle.loads(pickle.dumps(error)))
    else:
        raise AssertionError("a corrupted checkpoint was loaded")
    try:
        runtime.atomic_write_bytes(os.path.join(directory, "no", "x"), b"")
    except OSError as error:
        assert str(error).endswith("x'"), error
    else:
        raise AssertionError("written where there is no directory")


def corners() -> None:
    """Answers of the operating system that tests do not get by chance."""
    runtime.atomic_write_bytes(path, b"old")
    os.chmod(path, 0o644)
    with runtime.atomic_open(path) as file:
        os.fchmod(file.fileno(), 0o600)
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.chmod(path, 0o644)

    manager = runtime.atomic_open(path)
    with manager as file:
        file.write("of the parent")
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            sys.exit(0)
        os.waitpid(child, 0)
    assert read(path) == b"of the parent"
    try:
        manager.__enter__()
    except RuntimeError as error:
        assert "entered twice" in str(error)
    else:
        raise AssertionError("entered twice")

    def busy(*_: Any, **__: Any) -> None:
        raise OSError(16, "busy")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "full")

    replace, copy = os.replace, runtime._copy
    os.replace, runtime._copy = busy, full
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runtime.atomic_write_bytes(path, b"new")
    except OSError as error:
        (rescued,) = [name for name in os.listdir(directory) if name.endswith(".rescued")]
        assert rescued in str(error)
        assert read(os.path.join(directory, rescued)) == b"new"
        assert runtime.sweep_leftovers(directory, older_than=0) == []
        os.unlink(os.path.join(directory, rescued))
    else:
        raise AssertionError("written in place")
    finally:
        os.replace, runtime._copy = replace, copy

    close = os.close

    def over_quota(fd: int) -> None:
        close(fd)
        raise OSError(122, "over quota")

    os.close = over_quota
    try:
        runtime.atomic_write_bytes(path, b"new", fsync=False)
    except OSError as error:
        assert "over quota" in str(error)
    finally:
        os.close = close
    assert read(path) == b"of the parent"

    for content in ("[" * 100_000, "1" * 5000):
        with open(path, "w") as file:
            file.write(content)
        if content[0] == "1" and not hasattr(sys, "get_int_max_str_digits"):
            continue
        try:
            runtime.load_json_checkpoint(path, default=None)
        except runtime.CheckpointCorruptedError as error:
            assert error.size == len(content)
        else:
            raise AssertionError("too deep or too long, and loaded")
        runtime.atomic_write_json(path, 1, backup=backup)
    os.makedirs(os.path.join(directory, "d"))
    inner = os.path.join(directory, "d", "e", "x")
    runtime.atomic_write_bytes(inner, pickle.dumps([1]), make_parents=True, permissions=0o640)
    assert asyncio.run(runtime.load_checkpoint_async(inner, pickle.loads)) == [1]
    os.unlink(inner)
    os.rmdir(os.path.dirname(inner))
    os.rmdir(os.path.join(directory, "d"))


async def cancelled() -> None:
    task = asyncio.ensure_future(runtime.atomic_write_json_async(path, 4))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise AssertionError("the cancellation got lost")


def interrupted(at: int) -> tuple[bool, int]:
    """Whether the write was interrupted at that bytecode instruction, and how many of them there
    were."""
    steps = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal steps
        if frame.f_code.co_filename not in {runtime.__file__, contextlib.__file__}:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == at:
                raise KeyboardInterrupt
        return trace

    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        with runtime.atomic_open(path) as file:
            file.write("y")
    except KeyboardInterrupt:
        return True, steps
    finally:
        sys.settrace(None)
    return False, steps


before = descriptors()
main_calls()
kept = read(backup)
corners()
assert read(backup) == kept, "a corrupted file has become the backup"
asyncio.run(cancelled())
assert runtime.load_json_checkpoint(backup) == {"ü": 1}
runtime.atomic_write_bytes(path, b"x")
os.fsync = lambda fd: None
at, hit, steps = 0, True, 0
while hit or steps >= at:
    at += 1
    hit, steps = interrupted(at)
    assert read(path) in {b"x", b"y"}
    assert set(os.listdir(directory)) == {"x", "b"}, os.listdir(directory)
    assert descriptors() == before, at
assert runtime.sweep_leftovers(directory, older_than=0) == []
print(at - 1)
