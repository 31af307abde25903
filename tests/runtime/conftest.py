# ruff: noqa: PERF203, PTH115, PTH208
"""Fixtures for the helper's tests.

`ATOMIC_FIX_RUNTIME=FILE` runs them against that file, for instance a copy in another project.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_COPY = os.environ.get("ATOMIC_FIX_RUNTIME")
if _COPY:
    _spec = importlib.util.spec_from_file_location("atomic_fix.runtime", _COPY)
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["atomic_fix.runtime"] = _module
    _spec.loader.exec_module(_module)
    import atomic_fix

    atomic_fix.runtime = _module  # type: ignore[attr-defined]


def descriptors() -> list[str]:
    """The open descriptors of this process, except the one used to list them."""
    found = []
    for name in sorted(os.listdir("/proc/self/fd")):
        try:
            found.append(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            continue
    return found


@pytest.fixture
def no_leak() -> Iterator[Callable[[], list[str]]]:
    """Fails the test if descriptors are open at its end that were not open before."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc/self/fd")
    before = descriptors()
    yield descriptors
    assert descriptors() == before


@pytest.fixture(scope="session")
def strace() -> str:
    """The path of strace. Without it, tests are skipped; in CI they fail, so that the sweeps cannot
    go missing unnoticed."""
    found = shutil.which("strace")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("strace is not installed: the helper's promises cannot be proven")
        pytest.skip("strace is not installed")
    return found
