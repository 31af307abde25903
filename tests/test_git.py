"""How `--diff-base` uses git, and that nothing in a checked tree can run a command through it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atomic_fix.run import git as module
from atomic_fix.run.git import revision
from atomic_fix.run.report_filter import _changed_rows
from atomic_fix.settings import ConfigError
from atomic_fix.source import Source

SAVER = (
    "import json\n\n\ndef save_state(path, state):\n"
    "    with open(path, 'w') as file:\n        json.dump(state, file)\n"
)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the planted command is of a shell")


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org",
         "-c", "protocol.file.allow=always", *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


def atomic_fix(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "atomic_fix", "--no-cache", *arguments],
        capture_output=True, check=False, text=True, env={**os.environ, **environment},
        timeout=120,
    )  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    Path("a.py").write_text(SAVER)
    git("add", ".")
    git("commit", "-qm", "one")
    return folder


def plant(folder: Path, *, worktree: str = ".") -> Path:
    """Create a folder that git takes for a repository, whose settings name a command; return the
    file that the command would create."""
    made = folder.parent / "made"
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    command = f"touch {made}; false"
    (folder / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = false\n"
        f'\tworktree = {worktree}\n\tfsmonitor = "{command}"\n\thooksPath = hooks\n'
        f'\tsshCommand = "{command}"\n\tpager = "{command}"\n'
        f'[diff]\n\texternal = "{command}"\n'
        "[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = ./\n\tpromisor = true\n\tuploadpack = "{command}"\n'
    )
    (folder / "save.py").write_text(SAVER)
    return made


def test_a_repository_within_the_tree_is_never_asked(here: Path) -> None:
    made = plant(here / "tools")
    done = atomic_fix("--diff-base", "HEAD", "--output-format", "concise", ".")
    assert done.returncode == 1
    assert "tools/save.py:5:10: ATF101" in done.stdout
    assert "\na.py" not in f"\n{done.stdout}"
    assert not made.exists()


def test_a_folder_that_looks_like_a_repository_is_no_place_to_start(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plant(here / "tools")
    (here / "tools/below").mkdir()
    for folder in ("tools", "tools/below"):
        monkeypatch.chdir(here / folder)
        done = atomic_fix("--diff-base", "HEAD", ".")
        assert done.returncode == 2
        assert done.stdout == ""
        assert "looks like a bare repository of git" in done.stderr
        assert done.stderr.count("\n") == 1
    assert not made.exists()


def test_the_environment_does_not_send_git_elsewhere(here: Path, tmp_path: Path) -> None:
    made = plant(tmp_path / "repository/tools")
    Path("b.py").write_text(SAVER)
    elsewhere = str(here / "tools")
    done = atomic_fix(
        "--diff-base", "HEAD", "--output-format", "concise", ".",
        GIT_DIR=elsewhere, GIT_WORK_TREE=elsewhere, GIT_OBJECT_DIRECTORY=f"{elsewhere}/objects",
        GIT_INDEX_FILE="nowhere", GIT_EXTERNAL_DIFF=f"touch {made}", GIT_PAGER=f"touch {made}",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("b.py:")
    assert "\na.py" not in done.stdout
    assert not made.exists()


def test_what_a_partial_clone_lacks_is_said_and_not_fetched(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("config", "uploadpack.allowFilter", "true")
    old = git("rev-parse", "HEAD")
    Path("a.py").write_text("# new\n" + SAVER)
    git("commit", "-qam", "two")
    clone = tmp_path / "clone"
    git("clone", "-q", "--filter=blob:none", f"file://{here}", str(clone))
    monkeypatch.chdir(clone)
    done = atomic_fix("--diff-base", old, "--output-format", "concise", ".")
    assert done.returncode == 2
    assert "a.py:1:1: ATF000 git cannot read the old version" in done.stdout
    assert atomic_fix("--diff-base", "HEAD", ".").returncode == 0


def test_nested_repositories_and_links_are_reported_in_full(here: Path, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(SAVER)
    Path("link.py").symlink_to("../other.py")
    Path("within").mkdir()
    git("init", "-q", "within")
    Path("within/save.py").write_text(SAVER)
    git("-C", "within", "add", ".")
    git("-C", "within", "commit", "-qm", "x")
    git("add", ".")
    git("commit", "-qm", "two")
    done = atomic_fix("--diff-base", "HEAD", "--output-format", "concise", ".")
    assert [line.split(":")[0] for line in done.stdout.splitlines()[:-1]] == [
        "link.py", "within/save.py",
    ]  # fmt: skip


def test_from_a_folder_below_and_through_a_link(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("d").mkdir()
    Path("d/a*.py").write_text(SAVER)  # git would take it for a pattern
    git("add", ".")
    git("commit", "-qm", "two")
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(here / "d")
    assert atomic_fix("--diff-base", "HEAD", "..").returncode == 0
    assert atomic_fix("--diff-base", "HEAD", str(tmp_path / "link")).returncode == 0
    assert atomic_fix("--diff-base", "HEAD~1", ".").returncode == 1


def test_what_git_says_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^--diff-base: .* `HEAD` here: fatal: not a git"):
        revision("HEAD")
    git("init", "-q")
    with pytest.raises(ConfigError, match=r"^--diff-base: git knows no revision `-x` here$"):
        revision("-x")


def test_git_is_not_taken_from_the_current_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("git").write_text("#!/bin/sh\ntouch made\n")
    Path("git").chmod(0o755)
    module._git.cache_clear()
    try:
        monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
        assert revision("HEAD").top == str(here)
        assert not Path("made").exists()
        module._git.cache_clear()
        monkeypatch.setenv("PATH", ".")
        with pytest.raises(ConfigError, match="git cannot be run: it is not in any folder"):
            revision("HEAD")
    finally:
        module._git.cache_clear()


def test_large_files_are_compared_quickly(here: Path) -> None:
    text = "\n" * 400_000
    Path("large.py").write_text(text)
    git("add", ".")
    git("commit", "-qm", "large")
    source = Source("large.py", text + "x = 1\n", "utf-8", bom=False)
    began = time.perf_counter()
    assert _changed_rows(source, revision("HEAD")) == {400_001}
    assert time.perf_counter() - began < 10
