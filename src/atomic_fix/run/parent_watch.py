"""Ends a worker together with the process that started it, however that ends."""

import os
import signal
import sys
from typing import Any


def load() -> None:
    """Import in the parent, once, what each of its workers needs."""
    if sys.platform == "linux":
        _libc()


def end_with_parent() -> None:
    """End this worker as soon as its parent is gone, killed for example."""
    import threading
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is None:
        return
    if sys.platform == "linux" and (libc := _libc()) is not None:
        # The kernel does this, whatever this process is doing. The parent is the thread that
        # started the process, here the main one.
        pr_set_pdeathsig = 1
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent.pid:
            os._exit(1)  # the parent had already exited

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _libc() -> Any:
    """None if it cannot be called."""
    try:
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, OSError):
        return None
