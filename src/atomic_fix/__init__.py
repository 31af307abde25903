"""atomic-fix: finds, explains and repairs checkpoints that a crash cuts short."""

from __future__ import annotations

__version__ = "0.1.0"
