"""`python -m atomic_fix`, the same as the command `atomic-fix`."""

from __future__ import annotations

from atomic_fix.cli import main

if __name__ == "__main__":
    main(prog_name="atomic-fix")
