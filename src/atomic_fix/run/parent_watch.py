"""A worker ends with the process that started it, however that ends."""

import os
import signal
import sys
from typing import Any


def load() -> None:
    """Load in the parent, once, what each of its workers needs."""
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
        # The kernel does it, whatever this process is busy with. It means the thread that has
        # started it, which here is the main one.
        pr_set_pdeathsig = 1
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent.pid:
            os._exit(1)  # it was gone before

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _libc() -> Any:
    """None where it cannot be called."""
    try:
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, OSError):
        return None
