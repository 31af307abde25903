# ruff: noqa: PTH101, PTH208, T201
"""Compares the helper with its peers: faults, power loss, kept attributes, time.

    python benchmarks/helper/run.py            # Linux, strace; some rows want root

Creates a virtual environment next to this file, installs the peers there, and prints one table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "runtime"))
import strace_sweep  # noqa: E402
from crash_states import crash_states  # noqa: E402
from writers import WRITERS  # noqa: E402

ERRORS = ["ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS", "EINTR"]
OLD, SIZE = b"old" * 1000, 300_000
NEW = b"new" + b"n" * (SIZE - 3)
CHILD = HERE / "write_once.py"


def python() -> str:
    """The interpreter of the environment with the peers."""
    home = HERE / ".venv"
    interpreter = home / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(HERE / "peers.txt")], check=True)
    return str(interpreter)


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.cache.mkdir()
        self.strace = shutil.which("strace") or sys.exit("strace is not installed")
        self.number = 0
        strace_sweep.INTERPRETER[:] = [python(), "-E", "-s"]

    def place(self, exists: bool = True) -> Path:
        self.number += 1
        directory = self.root / f"{self.number:06}"
        directory.mkdir()
        target = directory / "state"
        if exists:
            target.write_bytes(OLD)
            target.chmod(0o640)
        return target

    def arguments(self, name: str, target: Path) -> list[str]:
        return [name, str(target), str(SIZE), str(self.cache / f"warm-{target.parent.name}")]

    def write(self, name: str, target: Path, *more: str) -> dict[str, object]:
        arguments = [*self.arguments(name, target), *more]
        done = strace_sweep.run(CHILD, arguments, self.cache)
        return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr}

    def faults(self, name: str) -> Counter[str]:
        """How many of the injected kills and errors go wrong, by kind."""
        self.write(name, self.place())
        target = self.place()
        calls = strace_sweep.record(self.strace, CHILD, self.arguments(name, target), self.cache)
        found = Counter(self.power_loss(calls))
        found["calls"] = len(calls)
        cases = [(self.place(), call, "KILL") for call in calls]
        cases += [(self.place(), call, error) for call in calls for error in ERRORS]

        def run(case: tuple[Path, strace_sweep.Call, str]) -> list[str]:
            target, call, fault = case
            kill = fault == "KILL"
            done = strace_sweep.inject(
                self.strace,
                CHILD,
                [name, str(target), str(SIZE), str(self.cache / f"warm-{target.parent.name}")],
                self.cache,
                call,
                "signal=KILL" if kill else f"error={fault}",
            )
            content = target.read_bytes() if target.exists() else None
            litter = len(os.listdir(target.parent)) - 1
            wrong = []
            if kill:
                if content not in {OLD, NEW}:
                    wrong.append("torn by kill")
                if litter and self.write(name, target)["error"]:
                    wrong.append("blocked after kill")
            else:
                if content not in {OLD, NEW}:
                    wrong.append("torn by error")
                report = json.loads(done.stdout) if done.stdout else {"error": {"text": ""}}
                if report["error"] is None and content != NEW:
                    wrong.append("error swallowed")
                if report["error"] and str(target) not in report["error"]["text"]:
                    wrong.append("error without path")
                if litter > 0:
                    wrong.append("litter after error")
                if report.get("left") and call.name != "close":
                    wrong.append("descriptor left")
            shutil.rmtree(target.parent)
            return wrong

        for wrong in strace_sweep.sweep(run, cases):
            found.update(wrong)
        return found

    def power_loss(self, calls: list[strace_sweep.Call]) -> dict[str, int]:
        bad: Counter[str] = Counter()
        for number, state in crash_states(calls, {"state": len(OLD)}):
            content = state["state"][0] if "state" in state else None
            if content not in {("old", len(OLD)), ("new", SIZE)}:
                bad["torn by power loss"] += 1
            elif number == len(calls) and content != ("new", SIZE):
                bad["lost after return"] += 1
        return bad

    def kept(self, name: str) -> list[str]:
        """The attributes that an overwrite in place keeps and this writer does not."""
        lost = []
        target = self.place()
        self.write(name, target)
        if stat.S_IMODE(target.stat().st_mode) != 0o640:
            lost.append("mode")
        if os.geteuid() == 0:
            target = self.place()
            os.chown(target, 12, 34)
            self.write(name, target)
            if (target.stat().st_uid, target.stat().st_gid) != (12, 34):
                lost.append("owner")
        target = self.place()
        os.setxattr(target, "user.kept", b"1")
        self.write(name, target)
        if "user.kept" not in os.listxattr(target):
            lost.append("xattr")
        target = self.place()
        link = target.with_name("link")
        link.symlink_to("state")
        self.write(name, link)
        if not link.is_symlink() or target.read_bytes() != NEW:
            lost.append("symlink")
        target = self.place(exists=False)
        self.write(name, target)
        if not target.exists() or stat.S_IMODE(target.stat().st_mode) != 0o666 & ~umask():
            lost.append("umask")
        target = self.place().with_name("n" * 255)
        if self.write(name, target)["error"]:
            lost.append("255-byte name")
        if os.geteuid() == 0:
            target = self.place()
            target.parent.chmod(0o777)
            target.chmod(0o444)
            self.write(name, target, "as nobody")
            if target.read_bytes() != OLD:
                lost.append("read-only")
        fifo = self.place().with_name("fifo")
        os.mkfifo(fifo)
        reader = threading.Thread(target=lambda: fifo.read_bytes(), daemon=True)
        reader.start()
        self.write(name, fifo)
        if not stat.S_ISFIFO(fifo.lstat().st_mode) or reader.is_alive():
            lost.append("fifo")
        return lost


def umask() -> int:
    value = os.umask(0o022)
    os.umask(value)
    return value


def timing(directories: dict[str, str]) -> dict[str, dict[str, float]]:
    command = [python(), str(HERE / "timing.py"), json.dumps(directories)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, dict[str, float]] = json.loads(done.stdout)
    return result


FAULTS = [
    "torn by kill",
    "blocked after kill",
    "torn by error",
    "error swallowed",
    "error without path",
    "litter after error",
    "descriptor left",
    "torn by power loss",
    "lost after return",
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=sorted(WRITERS), action="append")
    options.add_argument("--no-timing", action="store_true")
    chosen = options.parse_args()
    names = chosen.only or list(WRITERS)
    columns: dict[str, dict[str, str]] = {name: {} for name in names}
    with tempfile.TemporaryDirectory(dir=HERE) as root:
        os.chmod(root, 0o755)
        bench = Bench(Path(root))
        for name in names:
            found = bench.faults(name)
            calls = found["calls"]
            columns[name]["calls swept"] = str(calls)
            for fault in FAULTS:
                columns[name][fault] = str(found[fault] or "–")
            columns[name]["not kept"] = ", ".join(bench.kept(name)) or "–"
            print(f"{name}: {calls} calls", file=sys.stderr)
    if not chosen.no_timing:
        with (
            tempfile.TemporaryDirectory(dir=HERE) as disk,
            tempfile.TemporaryDirectory(dir="/dev/shm") as memory,
        ):
            for case, seconds in timing({"disk": disk, "tmpfs": memory}).items():
                where, size = case.split()
                label = f"time, {where}, {'2 kB' if size == '2000' else '8 MB'}"
                for name in names:
                    ratio = seconds[name] / seconds["recipe + dir fsync"]
                    columns[name][label] = f"{ratio:.2f}"
    rows = list(next(iter(columns.values())))
    print("| | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    for row in rows:
        print(f"| {row} | " + " | ".join(columns[name].get(row, "") for name in names) + " |")


if __name__ == "__main__":
    main()
