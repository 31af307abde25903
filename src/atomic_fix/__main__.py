"""`python -m atomic_fix`, the same as the command `atomic-fix`."""

import atexit
import gc
import sys


def main(**extra: str) -> None:
    """The command as a process of its own."""
    # Most objects of a run live until its end, and garbage is collected after each file that is
    # checked. Searching all of them again and again took a fifth of the time.
    gc.disable()
    atexit.register(gc.freeze)  # otherwise Python would collect once more at exit
    from atomic_fix.cli import main as command

    command(**extra)


if __name__ == "__main__":
    # Python has put the current folder first on the path: a `copy.py` in it would be imported
    # instead of the standard library's module. Not with -P or PYTHONSAFEPATH, nor for the command.
    if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
        del sys.path[0]
    main(prog_name="atomic-fix")
