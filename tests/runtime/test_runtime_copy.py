"""The file can be copied: it needs nothing but Python 3.8 and its standard library."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from atomic_fix import runtime

HELPER = Path(runtime.__file__ or "")


def test_syntax_of_python_3_8() -> None:
    ast.parse(HELPER.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_importing_is_cheap() -> None:
    """It imports nothing that a program which reads and writes JSON would not import anyway."""
    code = f"""
from __future__ import annotations
import sys, contextlib, errno, functools, io, itertools, json, os, stat, time, typing, warnings
try:
    import fcntl
except ImportError:
    pass
before = set(sys.modules)
sys.path.insert(0, {str(HELPER.parent)!r})
import {HELPER.stem}
print(*sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-S", "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [HELPER.stem]


def test_every_public_name_is_listed() -> None:
    tree = ast.parse(HELPER.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [n.name for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]
    assert sorted(public) == runtime.__all__


def test_missing_strace_fails_in_ci(tmp_path: Path) -> None:
    """A sweep that is skipped unnoticed proves nothing."""
    test = Path(__file__).with_name("test_runtime_syscalls.py")
    for ci, word in (("1", "strace is not installed: the helper's promises"), ("", "1 skipped")):
        command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"{test}::test_fsync_is_never_retried", f"--basetemp={tmp_path / 'base'}"],
            env={**os.environ, "PATH": str(tmp_path), "CI": ci},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == (not ci), done.stdout
        assert word in done.stdout
