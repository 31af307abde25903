"""Run a small Python program under strace and make its system calls fail, one at a time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

BEGIN, END = "/begin-of-the-write", "/end-of-the-write"
"""Paths whose `access` marks the part of a program that is swept."""

# The same calls in every run: no site, no environment, byte code in a place of its own.
INTERPRETER = [sys.executable, "-S", "-E", "-s"]

_CALL = re.compile(r"^(?:\[[^]]*\] |\d+ +)?(?P<name>\w+)\((?P<arguments>.*)$")
_MEMORY = {"mmap", "munmap", "mprotect"}


@dataclass(frozen=True)
class Call:
    """The `nth` call of `name` since the program started."""

    name: str
    nth: int
    text: str

    def __str__(self) -> str:
        return f"{self.name} #{self.nth}: {self.text[:120]}"


def _command(program: Path, arguments: list[str], cache: Path) -> list[str]:
    return [*INTERPRETER, "-X", f"pycache_prefix={cache}", str(program), *arguments]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def run(program: Path, arguments: list[str], cache: Path) -> subprocess.CompletedProcess[str]:
    command = _command(program, arguments, cache)
    return subprocess.run(
        command, env=_environment(), capture_output=True, text=True, check=False, timeout=60
    )


def record(strace: str, program: Path, arguments: list[str], cache: Path) -> list[Call]:
    """Every file-related call between the markers. The bytecode must already be in `cache`."""
    log = cache / f"record-{os.getpid()}.txt"
    command = [strace, "-o", str(log), "-s", "300", "-e", "trace=%file,%desc"]
    done = subprocess.run(
        [*command, *_command(program, arguments, cache)],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    counts: dict[str, int] = {}
    calls: list[Call] = []
    inside = False
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        name = found["name"]
        counts[name] = counts.get(name, 0) + 1
        if BEGIN in line:
            inside = True
        elif END in line:
            return calls
        elif inside and name not in _MEMORY:
            calls.append(Call(name, counts[name], found["arguments"]))
    raise AssertionError(f"no markers in the recorded run: {done.stderr}")


def inject(
    strace: str, program: Path, arguments: list[str], cache: Path, call: Call, fault: str
) -> subprocess.CompletedProcess[str]:
    """Run again, with `fault` (`signal=KILL`, `error=EIO`) at one recorded call."""
    rule = f"inject={call.name}:{fault}:when={call.nth}"
    command = [strace, "-o", "/dev/null", "-e", f"trace={call.name}", "-e", rule]
    return subprocess.run(
        [*command, *_command(program, arguments, cache)],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def sweep(work: Callable[[_T], _R], cases: list[_T]) -> list[_R]:
    """Run `work` on each case, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, cases))
