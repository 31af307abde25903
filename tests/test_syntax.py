"""A file that is not Python never passes in silence, whatever it holds."""

from __future__ import annotations

import pytest

from atomic_fix.check import check_bytes
from atomic_fix.config import Config
from atomic_fix.finding import listed
from atomic_fix.source import is_python


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:\n",
        b"x = (\n",
        b"  x = 1\n",
        b"'''\n",
        b"return = 1\n",
        b"print 'x'\n",
        "x = 'é'\n".encode("latin-1"),
        "#!python\n# coding: ascii\nx = 'é'\n".encode(),
    ],
)
def test_broken_files_without_anything_to_find_are_told(content: bytes) -> None:
    result = check_bytes(content, "broken.py", Config())
    assert result.problem is not None
    assert not result.findings
    assert [finding.code for finding in listed(result)] == ["ATF000"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x = 1\n",
        b"\xef\xbb\xbfx = 1\r\n",
        "# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        "#!python\n# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        b"'A file.'\nfrom __future__ import annotations\n",
        b"x = '\\d'\n",
        b"x = " + b"+".join([b"1"] * 5000) + b"\n",
    ],
)
def test_sound_files_without_anything_to_find_are_clean(content: bytes) -> None:
    assert is_python(content)
    assert check_bytes(content, "sound.py", Config()).findings == ()
