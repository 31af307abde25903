"""No worker process outlives the command, however the command ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SAVE = (
    "def save_{0}(state):\n"
    "    with open('checkpoint_{0}.json', 'w') as file:\n        json.dump(state, file)\n\n"
)
PROGRAM = "import json\n" + "".join(SAVE.format(number) for number in range(40))

# In a worker that runs in C, and so in no thread of Python.
BUSY = """
import re, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, ())
from atomic_fix.run import workers
def busy(*_):
    re.match("(a*)*b", "a" * 60)
workers.check_bytes = busy
from atomic_fix.cli import main
main(["--isolated", "--no-cache", "--jobs", "2", "."])
"""
# As on systems that do not kill a process with its parent.
NO_KERNEL = """
from atomic_fix.run import parent_watch
parent_watch._libc = lambda: None
from atomic_fix.cli import main
main(["--isolated", "--no-cache", "--jobs", "2", "."])
"""
PLAIN = "from atomic_fix.cli import main\nmain(['--isolated', '--no-cache', '--jobs', '2', '.'])\n"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(600):
        (tmp_path / f"m{number}.py").write_text(PROGRAM)
    return tmp_path


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def is_alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


@pytest.mark.parametrize("program", [PLAIN, BUSY, NO_KERNEL], ids=["plain", "busy", "no kernel"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_workers_end_with_the_command(many: Path, program: str, by: signal.Signals) -> None:
    if signal.getsignal(by) is signal.SIG_IGN:
        pytest.skip("started by nohup or the like, which the command heeds")
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=many, stdout=subprocess.DEVNULL
    ) as command:
        deadline = time.monotonic() + 60
        while len(workers := children(command.pid)) < 2:
            assert time.monotonic() < deadline
            assert command.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)  # so that they have something in hand
        assert all(map(is_alive, workers))
        os.kill(command.pid, by)
        command.wait(10)
    ended = time.monotonic()
    while any(map(is_alive, workers)) and time.monotonic() - ended < 10:
        time.sleep(0.05)
    seconds = time.monotonic() - ended
    for worker in filter(is_alive, workers):
        os.kill(worker, signal.SIGKILL)
    assert seconds < 2
