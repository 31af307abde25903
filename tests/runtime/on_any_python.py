# ruff: noqa: PT017, PTH110, PTH118, PTH123, PTH208, T201
"""Child of the test of a copy: its main calls, and an interrupt at each bytecode, on a Python
that is too old for the tests themselves. Arguments: file of the helper, empty directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pickle
import sys
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
    """Whether the write was interrupted at that bytecode, and how many there were."""
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
