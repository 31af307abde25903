"""`python -m atomic_fix`, the same as the command `atomic-fix`."""

import atexit
import gc
import sys


def main(**extra: str) -> None:
    """The command as a process of its own."""
    # Most of what a run makes it keeps to its end, and files are rid of their garbage where they
    # are checked: to search all that for garbage, again and again, took a fifth of the time.
    gc.disable()
    atexit.register(gc.freeze)  # Python would search once more as it ends
    from atomic_fix.cli import main as command

    command(**extra)


if __name__ == "__main__":
    # Python has put the current folder first: a `copy.py` in it would be imported instead of the
    # standard library's module. Not so with -P or PYTHONSAFEPATH, or for the command.
    if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
        del sys.path[0]
    main(prog_name="atomic-fix")
