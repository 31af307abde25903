"""Relative paths, by the rules of POSIX and of Windows."""

from __future__ import annotations

import ntpath
import posixpath
from types import ModuleType

import pytest

from atomic_fix.source import relative_if_inside, relative_posix


@pytest.mark.parametrize(
    ("flavour", "path", "folder", "seen", "inside"),
    [
        (posixpath, "/a/b/c.py", "/a", "b/c.py", True),
        (posixpath, "/a/b", "/a/b", ".", True),
        (posixpath, "/x/c.py", "/a", "../x/c.py", False),
        (posixpath, "/a/..b/c.py", "/a", "..b/c.py", True),
        (posixpath, "/a/b\\c.py", "/a", "b\\c.py", True),
        (ntpath, r"C:\a\b\c.py", "C:\\a", "b/c.py", True),
        (ntpath, r"c:\A\b\c.py", "C:\\a", "b/c.py", True),
        (ntpath, r"C:\x\c.py", "C:\\a", "../x/c.py", False),
        (ntpath, r"D:\a\c.py", "C:\\a", "D:/a/c.py", False),
        (ntpath, r"\\host\share\c.py", "C:\\a", "//host/share/c.py", False),
        (ntpath, "C:/a/b/c.py", "C:\\a", "b/c.py", True),
    ],
)
def test_paths_are_seen_from_a_folder_with_forward_slashes(
    flavour: ModuleType, path: str, folder: str, seen: str, inside: bool
) -> None:
    assert relative_posix(path, folder, flavour) == seen
    assert relative_if_inside(path, folder, flavour) == (seen if inside else None)
