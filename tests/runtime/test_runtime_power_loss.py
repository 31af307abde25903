"""Whenever the power fails, the disk has either the old content or the new one: promise 3."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from crash_states import State, crash_states
from strace_sweep import Call, record, run

from atomic_fix import runtime

CHILD = Path(__file__).with_name("write_once.py")
HELPER = str(Path(runtime.__file__ or ""))
OLD, OLDER, SIZE = 3000, 2000, (3 << 20) + 5


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cache")
    run(CHILD, [HELPER, "bytes", str(made / "target"), "5", "{}"], made)
    return made


def recorded(
    strace: str, cache: Path, directory: Path, kind: str, files: dict[str, int], **options: Any
) -> list[Call]:
    for name, size in files.items():
        (directory / name).write_bytes(b"o" * size)
        (directory / name).chmod(0o640)
        if os.geteuid() == 0:
            os.chown(directory / name, 12, 34)
    arguments = [HELPER, kind, str(directory / "state"), str(SIZE), json.dumps(options)]
    calls: list[Call] = record(strace, CHILD, arguments, cache)
    assert (directory / "state").stat().st_size == SIZE
    return calls


def torn(calls: list[Call], files: dict[str, int]) -> list[str]:
    """What is wrong with the states that a crash may leave, one line for each."""
    complete = {("old", files.get("state", -1)), ("new", SIZE)}
    wrong = []
    count = 0
    for number, state in crash_states(calls, files):
        count += 1
        where = f"after {calls[number - 1]}: {state}" if number else f"at the start: {state}"
        if "state" not in state:
            if "state" in files or number == len(calls):
                wrong.append(f"gone {where}")
            continue
        content, attributes = state["state"]
        if content not in complete or not attributes:
            wrong.append(f"torn {where}")
        if number == len(calls) and content != ("new", SIZE):
            wrong.append(f"lost {where}")
        if set(state) - {"state", "state.bak"} and number == len(calls):
            wrong.append(f"litter {where}")
        wrong.extend(f"{line} {where}" for line in torn_backup(state, files))
    logging.info(f"{count} crash states of {len(calls)} calls")
    return wrong


def torn_backup(state: State, files: dict[str, int]) -> list[str]:
    if "state.bak" not in files:
        return []
    content, attributes = state.get("state.bak", (("gone", 0), True))
    good = {("old", OLDER), ("new", OLD)}  # to the model, any content written is new
    if content not in good or not attributes:
        return ["backup torn"]
    if content == ("new", OLD) and state["state"][0] != ("new", SIZE):
        return ["backup ahead of the target: where that was corrupted, no good version is left"]
    return []


@pytest.mark.parametrize("kind", ["bytes", "stream"])
@pytest.mark.parametrize("files", [{}, {"state": OLD}])
def test_power_loss(
    strace: str, cache: Path, tmp_path: Path, kind: str, files: dict[str, int]
) -> None:
    calls = recorded(strace, cache, tmp_path, kind, files)
    assert torn(calls, files) == []


def test_power_loss_with_backup(strace: str, cache: Path, tmp_path: Path) -> None:
    files = {"state": OLD, "state.bak": OLDER}
    backup = str(tmp_path / "state.bak")
    calls = recorded(strace, cache, tmp_path, "bytes", files, backup=backup)
    assert torn(calls, files) == []


def test_power_loss_while_folders_are_made(strace: str, cache: Path, tmp_path: Path) -> None:
    """Each folder is on disk before anything is put into it, so that no name is lost once it has
    been promised."""
    target = tmp_path / "a" / "b" / "state"
    options = json.dumps({"make_parents": True})
    arguments = [HELPER, "bytes", str(target), "5000", options]
    calls = record(strace, CHILD, arguments, cache)
    opened: dict[str, str] = {}
    steps = []
    for call in calls:
        path, result = call.text.split('"')[1:2], call.text.rsplit("= ", 1)[1].split()[0]
        if call.name == "openat" and "O_DIRECTORY" in call.text:
            opened[result] = os.path.relpath(path[0], tmp_path)
        elif call.name in {"mkdir", "mkdirat"} and result == "0":
            steps.append("make " + os.path.relpath(path[0], tmp_path))
        elif call.name == "fsync":
            steps.append("sync " + opened.get(call.text.split(")")[0], "file"))
    assert steps == ["make a", "sync .", "make a/b", "sync a", "sync file", "sync a/b"]


def test_the_model_sees_each_missing_fsync(strace: str, cache: Path, tmp_path: Path) -> None:
    """A check of the check: if any one of the fsyncs is missing, there are bad states."""
    files = {"state": OLD}
    calls = recorded(strace, cache, tmp_path, "bytes", files)
    syncs = [call for call in calls if call.name == "fsync"]
    assert len(syncs) == 2
    verdicts = []
    for sync in syncs:
        wrong = torn([call for call in calls if call != sync], files)
        verdicts.append({line.split()[0] for line in wrong})
    assert "torn" in verdicts[0]
    assert "lost" in verdicts[1]
    # Attributes set after the fsync are not durable.
    late = [call for call in calls if call.name == "fchmod"]
    first = calls.index(syncs[0])
    moved = [c for c in calls[: first + 1] if c not in late] + late + calls[first + 1 :]
    assert torn(moved, files) != []


def test_the_model_sees_a_plain_write(strace: str, cache: Path, tmp_path: Path) -> None:
    files = {"state": OLD}
    calls = recorded(strace, cache, tmp_path, "plain", files)
    assert torn(calls, files) != []


def test_without_fsync_only_the_process_is_covered(
    strace: str, cache: Path, tmp_path: Path
) -> None:
    files = {"state": OLD}
    calls = recorded(strace, cache, tmp_path, "bytes", files, fsync=False)
    assert torn(calls, files) != []
