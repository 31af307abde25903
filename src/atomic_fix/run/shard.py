"""One part of the files, for a run that is split over several machines."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` (from 1) of `count`."""

    index: int
    count: int

    def holds(self, path: str) -> bool:
        """Whether a file is in this part: by its name below the current folder, whatever it
        holds, so that it does not move when files change or others are added."""
        name = os.path.relpath(path).replace(os.sep, "/")
        return zlib.crc32(os.fsencode(name)) % self.count == self.index - 1


def parse(text: str) -> Shard:
    """`2/8` as a shard.

    Raises:
        ValueError: it is not I/N with 1 <= I <= N; the message says so.
    """
    first, slash, second = text.partition("/")
    if slash and first.isascii() and second.isascii() and first.isdigit() and second.isdigit():
        index, count = int(first), int(second)
        if 1 <= index <= count:
            return Shard(index, count)
    raise ValueError(f"`{text}` is not I/N with 1 <= I <= N, as in 2/8")
