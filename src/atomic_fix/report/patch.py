"""Old and new bytes of a file -> a unified patch that `git apply` and `patch -p1` take."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def unified_patch(path: str, before: bytes, after: bytes) -> bytes:
    """The patch as bytes, since a source file need not be UTF-8; empty when nothing changes.

    `path` is given as seen from the folder in which the patch is to be applied. There is no
    `diff --git` line on purpose: with it git would take the path as relative to the top
    of the repository, and the patch would not apply in a folder below.
    """
    return b"".join(_patch_lines(os.fsencode(path), before, after))


def _patch_lines(path: bytes, before: bytes, after: bytes) -> Iterator[bytes]:
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _split(before),
        _split(after),
        _header_name(b"a/" + path),
        _header_name(b"b/" + path),
    )
    for line in lines:
        yield line
        if not line.endswith(b"\n"):
            yield b"\n\\ No newline at end of file\n"


def _split(content: bytes) -> list[bytes]:
    """Lines as git sees them: only \\n ends one, so the \\r of \\r\\n belongs to the line."""
    lines = [line + b"\n" for line in content.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _header_name(name: bytes) -> bytes:
    """The name as git writes it: quoted like a C string when it holds anything unusual; a tab
    at the end of a name with spaces keeps them from being taken for its end."""
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in name):
        return name + b"\t" if b" " in name else name
    quoted = bytearray(b'"')
    for byte in name:
        if byte in b'"\\':
            quoted += b"\\" + bytes([byte])
        elif 0x20 <= byte < 0x7F:
            quoted.append(byte)
        else:
            quoted += b"\\%03o" % byte
    return bytes(quoted + b'"')
