"""What every test may count on."""

from __future__ import annotations

import os
import signal


def pytest_configure() -> None:
    # Under it, what this Python can import does not count.
    os.environ.pop("PRE_COMMIT", None)
    # A shell without job control starts what it puts into the background deaf to Ctrl-C, and
    # the programs that tests start inherit that: a test that interrupts one would never end.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
