"""A long run on a terminal: it shows its progress, and Ctrl-C ends it immediately."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")

SAVE = """
def save_{number}(state):
    with open("checkpoint_{number}.json", "w") as file:
        json.dump(state, file)

"""
PROGRAM = "import json\n" + "".join(SAVE.format(number=number) for number in range(20))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More files than can be checked during a test."""
    for number in range(1_500):
        (tmp_path / f"m{number}.py").write_text(PROGRAM)
    return tmp_path


class Terminal:
    """The command in a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        import pty

        self.shown = ""
        self.process, self._master = pty.fork()
        if not self.process:  # the child
            environment = {k: v for k, v in os.environ.items() if k not in {"CI", "TERM"}}
            command = [sys.executable, "-m", "atomic_fix", "--isolated", "--no-cache", *arguments]
            os.chdir(folder)
            os.execve(sys.executable, command, {**environment, "TERM": "xterm"})

    def read_until(self, text: str) -> None:
        while text not in self.shown:
            self._read()

    def interrupt(self) -> tuple[int, float]:
        """The exit code, and how many seconds the command took to end."""
        began = time.monotonic()
        os.write(self._master, b"\x03")
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while True:
                self._read()
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status), time.monotonic() - began

    def _read(self) -> None:
        some = os.read(self._master, 65536)
        if not some:
            raise OSError("closed")
        self.shown += some.decode()


def left_of_session(session: int) -> list[str]:
    """The commands of processes that the session left running."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, _, _, owner = rest.split()[:4]
            if int(owner) == session and state not in "ZX":
                found.append(name)
    return found


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bar_is_shown_and_an_interrupt_ends_the_run(many: Path, jobs: str) -> None:
    terminal = Terminal(many, "--jobs", jobs, ".")
    terminal.read_until("/1500 files")
    code, seconds = terminal.interrupt()
    assert code == 130
    assert seconds < 20
    assert "Traceback" not in terminal.shown
    if sys.platform == "linux":
        deadline = time.monotonic() + 10
        while left_of_session(terminal.process) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert left_of_session(terminal.process) == []


def test_an_interrupted_repair_leaves_whole_files(many: Path) -> None:
    terminal = Terminal(many, "--write", ".")
    # By their sizes: reading all of them may take longer than repairing the rest.
    while all(path.stat().st_size == len(PROGRAM) for path in many.glob("m*.py")):
        time.sleep(0.01)
    code, _ = terminal.interrupt()
    assert code == 130
    repaired = 0
    for path in many.glob("m*.py"):
        text = path.read_text()
        if text != PROGRAM:
            repaired += 1
            assert text.count("atomic_write_json(") == 20
            compile(text, str(path), "exec")
    assert 0 < repaired < 1_500
    assert sorted(path.name for path in many.iterdir()) == sorted(
        f"m{number}.py" for number in range(1_500)
    )
