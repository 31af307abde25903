"""`python -m atomic_fix`, the same as the command `atomic-fix`."""

import sys

if __name__ == "__main__":
    # Python has put the current folder first: a `copy.py` in it would be imported instead of the
    # standard library's module. Not so with -P or PYTHONSAFEPATH, or for the command.
    if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
        del sys.path[0]
    from atomic_fix.cli import main

    main(prog_name="atomic-fix")
