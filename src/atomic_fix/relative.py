"""Paths as they stand in reports, patches, patterns and baselines: seen from some folder, with
forward slashes on every system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def seen_from(path: str, folder: str, flavour: ModuleType = os.path) -> str:
    """`path` as seen from `folder`; whole when it lies on another drive.

    `flavour` is the module with the path rules of the system.
    """
    try:
        seen: str = flavour.relpath(path, folder)
    except ValueError:  # on Windows there is no way from one drive to another
        seen = flavour.abspath(path)
    return seen.replace(flavour.sep, "/")


def below(path: str, folder: str, flavour: ModuleType = os.path) -> str | None:
    """`path` as seen from `folder` when it lies in it, otherwise None."""
    seen = seen_from(path, folder, flavour)
    if seen == ".." or seen.startswith("../") or flavour.isabs(seen):
        return None
    return seen
