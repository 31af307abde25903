"""A progress bar for runs that one would wait for; nothing where nobody watches."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

_Item = TypeVar("_Item")

DELAY = 2.0
"""Seconds after which the bar shows."""
_REFRESH = 0.1
_WIDTH = 30


def tracked(items: Iterable[_Item], total: int, stream: TextIO | None = None) -> Iterator[_Item]:
    """The items, with a bar on a terminal's standard error while they come."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield from items
        return
    shown = 0.0
    began = time.monotonic()
    try:
        for count, item in enumerate(items, 1):
            now = time.monotonic()
            if now - began > DELAY and now - shown > _REFRESH:
                shown = now
                filled = _WIDTH * count // max(total, 1)
                bar = "#" * filled + "." * (_WIDTH - filled)
                stream.write(f"\r[{bar}] {count}/{total} files")
                stream.flush()
            yield item
    finally:
        if shown:
            stream.write("\r\x1b[2K")
            stream.flush()
