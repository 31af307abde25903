# ruff: noqa: PTH208
"""Many writers of one path, and readers that poll it: promise 5."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from atomic_fix import runtime

HELPER = str(Path(runtime.__file__ or ""))
WRITER = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
path, me = sys.argv[1:]
for turn in range(25):
    state = {{"me": me, "turn": turn, "data": me * 100_000}}
    runtime.atomic_write_json(path, state, backup=path + ".bak")
"""


def poll(path: Path, done: threading.Event, seen: list[str], wrong: list[str]) -> None:
    while not done.is_set():
        try:
            state = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            wrong.append(repr(error))
            continue
        if state["data"] != state["me"] * 100_000:
            wrong.append("mixed")
        seen.append(state["me"])


def test_eight_processes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    runtime.atomic_write_json(path, {"me": "s", "data": "s" * 100_000})
    done, seen, wrong = threading.Event(), list[str](), list[str]()
    readers = [threading.Thread(target=poll, args=(path, done, seen, wrong)) for _ in range(2)]
    for reader in readers:
        reader.start()
    command = [sys.executable, "-S", "-B", "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE, text=True) for n in range(8)
    ]
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    done.set()
    for reader in readers:
        reader.join()
    assert errors == [""] * 8
    assert wrong == []
    assert len(set(seen)) > 3
    assert sorted(os.listdir(tmp_path)) == ["x", "x.bak"]
    for name in ("x", "x.bak"):
        state = json.loads((tmp_path / name).read_text())
        assert state["data"] == state["me"] * 100_000


def test_eight_threads(tmp_path: Path) -> None:
    path = tmp_path / "x"
    runtime.atomic_write_json(path, {"me": "s", "data": "s" * 100_000})
    done, seen, wrong = threading.Event(), list[str](), list[str]()

    def write(me: str) -> None:
        try:
            for turn in range(25):
                state = {"me": me, "turn": turn, "data": me * 100_000}
                runtime.atomic_write_json(path, state)
        except BaseException as error:
            wrong.append(repr(error))
            raise

    readers = [threading.Thread(target=poll, args=(path, done, seen, wrong)) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(str(n),)) for n in range(8)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert seen
    assert os.listdir(tmp_path) == ["x"]
