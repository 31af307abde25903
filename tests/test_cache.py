"""The cache: an entry holds for one content under one configuration, and damage is a miss."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from atomic_fix.config import Config
from atomic_fix.finding import FileResult, Finding, Position, Span
from atomic_fix.run import cache as module
from atomic_fix.run.cache import Cache, default_folder
from atomic_fix.run.discover import Candidate
from atomic_fix.settings import Settings

OLD = 1_000_000_000_000_000_000
START = Span(Position(1, 1), Position(1, 2))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    os.utime(tmp_path / "a.py", ns=(OLD, OLD))
    return tmp_path


def candidate(config: Config | None = None) -> Candidate:
    return Candidate("a.py", Settings(config or Config()))


def fill(result: FileResult) -> None:
    cache = Cache("c")
    assert cache.find(candidate()) is None
    cache.add(candidate(), result)
    cache.save()
    assert cache.warnings == []


RESULT = FileResult("a.py", (Finding("ATF101", "in-place-write", "a.py", START, "why"),))


@pytest.mark.parametrize("result", [RESULT, FileResult("a.py", ())])
def test_a_result_is_found_again(here: Path, result: FileResult) -> None:
    fill(result)
    assert Cache("c").find(candidate()) == result


def test_another_content_is_a_miss(here: Path) -> None:
    fill(RESULT)
    (here / "a.py").write_text("x = 2\n")
    os.utime(here / "a.py", ns=(OLD + 1, OLD + 1))
    assert Cache("c").find(candidate()) is None


def test_the_same_content_under_another_time_is_a_hit(here: Path) -> None:
    fill(RESULT)
    os.utime(here / "a.py", ns=(OLD + 1, OLD + 1))
    assert Cache("c").find(candidate()) == RESULT


def test_a_fresh_time_is_not_trusted(here: Path) -> None:
    """A second change within the resolution of the file system's clock."""
    (here / "a.py").write_text("x = 1\n")
    now = Path("a.py").stat().st_mtime_ns
    fill(RESULT)
    (here / "a.py").write_text("x = 2\n")
    os.utime("a.py", ns=(now, now))
    assert Cache("c").find(candidate()) is None


def test_other_settings_are_a_miss(here: Path) -> None:
    fill(RESULT)
    assert Cache("c").find(candidate(Config(min_confidence=0.9))) is None


def test_another_version_is_a_miss(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(RESULT)
    monkeypatch.setattr(module, "_version", lambda: "other")
    assert Cache("c").find(candidate()) is None


@pytest.mark.parametrize("damage", [b"", b"x", b"atomic-fix cache 1\n"])
def test_damage_is_a_miss_with_one_warning(here: Path, damage: bytes) -> None:
    fill(RESULT)
    stored = next((here / "c").glob("*.cache"))
    stored.write_bytes(damage or stored.read_bytes()[:-1])
    cache = Cache("c")
    assert cache.find(candidate()) is None
    assert len(cache.warnings) == 1
    assert "damaged" in cache.warnings[0]
    cache.add(candidate(), RESULT)
    cache.save()
    assert Cache("c").find(candidate()) == RESULT


def test_a_cache_runs_no_code_that_it_names(here: Path) -> None:
    fill(RESULT)
    stored = next((here / "c").glob("*.cache"))
    content = pickle.dumps({"a.py": os.getcwd})
    stored.write_bytes(module._MAGIC + module._digest(content) + content)
    cache = Cache("c")
    assert cache.find(candidate()) is None
    assert "getcwd" in cache.warnings[0]


def test_a_folder_that_cannot_be_written_is_a_warning(here: Path) -> None:
    (here / "c").write_text("a file")
    cache = Cache("c")
    cache.find(candidate())
    cache.add(candidate(), RESULT)
    cache.save()
    assert cache.warnings


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert default_folder() == "/c/atomic-fix"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/h")
    assert default_folder() == "/h/.cache/atomic-fix"
