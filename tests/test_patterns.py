"""Patterns have the same meaning as in git, and none takes long to match."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomic_fix.patterns import Patterns, encoded, too_many

PIECES = [
    "a", "b", "ab", "foo", ".py", "é", "/", "*", "**", "**/", "/**", "***", "?", "!", "#", " ", "-",
    "\\", "\\*", "\\/", "\\ ", "[", "]", "[ab]", "[!a]", "[^]]", "[]a]", "[a-b]", "[z-a]", "[a-",
    "[a-]", "[\\]]", "[*-/]", "[[:alpha:]]", "[[:nothing:]]", "[[:]", "foo**/",
]  # fmt: skip
NAMES = ["a", "b", "ab", "foo", ".py", "é", "*", "-", "[", "]", "\\", "!", "#", " ", "x"]
LINES = st.lists(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join), min_size=1, max_size=3
)
PATHS = st.lists(
    st.lists(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("".join),
        min_size=1,
        max_size=4,
    ).map("/".join),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def git_leaves_out(folder: Path, lines: list[str], paths: list[str]) -> set[str]:
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "-c", "core.ignoreCase=false",
         "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=folder, input="\0".join(paths).encode() + b"\0", capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return {os.fsdecode(path) for path in done.stdout.split(b"\0") if path}


def leave_out(lines: list[str], paths: list[str]) -> set[str]:
    patterns = Patterns("/r", [line.encode() for line in lines])
    return {path for path in paths if patterns.leave_out(f"/r/{path}")}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(LINES, PATHS)
def test_any_pattern_means_what_it_means_to_git(
    repository: Path, lines: list[str], paths: list[str]
) -> None:
    paths = [path for path in paths if not {".", "..", ".git"} & set(path.split("/"))]
    assert leave_out(lines, paths) == git_leaves_out(repository, lines, paths)


@pytest.mark.parametrize(
    ("line", "left_out", "kept"),
    [
        ("*.py", ["a.py", "d/a.py"], ["a.txt"]),
        ("/*.py", ["a.py"], ["d/a.py"]),
        ("d/", ["d/a.py"], ["d"]),
        ("**/d/*", ["d/a", "x/y/d/a"], ["a", "d"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["ab", "a/bx"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("*a*b*/c*d", ["xaxbx/cd", "ab/c/d"[:2] + "/cxd"], ["ba/cd", "ab/cdx"]),
        ("[[:digit:]]?", ["1x"], ["xx", "1"]),
        ("a ", ["a"], ["a "]),
        ("a\\ ", ["a "], ["a"]),
        ("\\!a", ["!a"], ["a"]),
    ],
)
def test_some_patterns(line: str, left_out: list[str], kept: list[str]) -> None:
    assert leave_out([line], left_out + kept) == set(left_out)


@pytest.mark.parametrize(
    "line", ["!", "\\", "[z-a]", "[", "a[b", "/", "", " ", "#a", "!/", "[[:x:]]"]
)
def test_a_broken_pattern_is_skipped_alone(line: str) -> None:
    assert leave_out(["b.py", line], ["a.py", "b.py", "[", "!", "\\", "#a"]) == {"b.py"}


A_LONG = "a" * 250


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 14 + "*b", "a" * 60 + ".py"),
        ("*a" * 120 + "*b", A_LONG),
        ("d/" + "*a" * 120 + "*b", f"d/{A_LONG}"),
        ("**/" * 500 + "b", "a/" * 1000 + "x.py"),
        ("**/a/" * 500 + "b", "a/" * 1000 + "x.py"),
        ("**/*a*a/" * 300 + "**/b", "aaaa/" * 800 + "x.py"),
        ("**/" + "*a*/" * 300 + "b/**/c", "aaaa/" * 800 + "x.py"),
        ("[!b]*" * 800 + "b", A_LONG),
        ("**/" + "a/" * 500 + "b/**/c", "a/" * 1000 + "x.py"),
        ("*" * 100_000 + "b", A_LONG),
        ("?" * 100_000, A_LONG),
        ("a" * 100_000, A_LONG),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    patterns = Patterns("/r", [pattern.encode()])
    # Of this thread alone, so that other work of the machine does not count.
    began = time.thread_time()
    assert not patterns.decide(f"/r/{path}", is_folder=False)
    assert time.thread_time() - began < 1


def test_a_path_elsewhere_is_not_mentioned() -> None:
    patterns = Patterns("/r", [b"*"])
    assert patterns.decide("/other/a.py", is_folder=False) is None
    assert not patterns.leave_out("/other/a.py")
    assert patterns.decide("/r/a.py", is_folder=False) is True


def test_names_that_are_not_text(tmp_path: Path) -> None:
    patterns = Patterns(str(tmp_path), [b"caf\xe9.*"])
    assert patterns.leave_out(str(tmp_path / os.fsdecode(b"caf\xe9.py")))


def test_more_patterns_than_anybody_writes_are_refused() -> None:
    assert too_many([b"a"] * 5_000) == ""
    assert too_many([b"a"] * 5_001) == "5,001 patterns are more than 5,000"
    assert too_many([b"a" * 200_000]) == "its patterns are longer than 128 kB"


def test_a_setting_that_no_name_of_the_system_can_match(monkeypatch: pytest.MonkeyPatch) -> None:
    def fsencode(name: str) -> bytes:
        return name.encode("ascii")

    monkeypatch.setattr(os, "fsencode", fsencode)
    assert encoded("a*.py") == b"a*.py"
    assert encoded("é*.py") == b"\xc3\xa9*.py"
