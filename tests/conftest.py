"""The environment that all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long anything takes says nothing: the machine may be busy.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

QUICK = frozenset(
    {
        "test_baseline", "test_catalog", "test_comments", "test_config", "test_evidence",
        "test_evidence_features",
        "test_paths", "test_report", "test_review", "test_rewrite", "test_rules",
        "test_source", "test_suppress", "test_swallowing",
    }
)  # fmt: skip
"""What `--quick` runs: files whose tests start no processes, over each layer."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="run tests of a few seconds only")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Not by a marker: to collect all tests takes longer than to run these.
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if is_test and config.getoption("quick") and collection_path.stem not in QUICK:
        return True
    return None


def pytest_configure() -> None:
    # Under it, what this Python can import does not count.
    os.environ.pop("PRE_COMMIT", None)
    # `readline`, which pytest imports, sets COLUMNS for the processes that it starts, as are the
    # workers of `-n`: reports would be wrapped there. It is not in the `os.environ` of this one.
    os.environ.pop("COLUMNS", None)
    os.unsetenv("COLUMNS")
    # A shell without job control starts what it puts into the background deaf to Ctrl-C, and
    # the programs that tests start inherit that: a test that interrupts one would never end.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
