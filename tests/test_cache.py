"""The cache: an entry is valid for one content and one configuration, and a damaged entry is a
miss."""

from __future__ import annotations

import json
import os
import pickle
import stat
import sys
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix.cli import main
from atomic_fix.config import Config
from atomic_fix.finding import (
    Applicability,
    Cells,
    Edit,
    Evidence,
    FileResult,
    Finding,
    Fix,
    Position,
    RelatedLocation,
    Span,
    Unreadable,
)
from atomic_fix.run import cache as module
from atomic_fix.run import disk, store, typed_json
from atomic_fix.run.cache import WORTH_A_CACHE, Cache
from atomic_fix.run.discover import Candidate
from atomic_fix.run.store import default_folder
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


DIGEST = store.digest(b"x = 1\n")


def known() -> FileResult | None:
    """What the cache knows about the file, which is read first if necessary."""
    cache = Cache("c")
    found = cache.find(candidate())
    if found is None and cache.digest_of("a.py") == store.digest(Path("a.py").read_bytes()):
        return cache.renew("a.py")
    return found


def fill(result: FileResult) -> None:
    cache = Cache("c")
    assert cache.find(candidate()) is None
    cache.add(candidate(), result, DIGEST)
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
    assert known() is None


def test_the_same_content_under_another_time_is_a_hit(here: Path) -> None:
    fill(RESULT)
    os.utime(here / "a.py", ns=(OLD + 1, OLD + 1))
    assert known() == RESULT


@pytest.mark.parametrize(
    ("arguments", "reads"),
    [
        (("--no-project",), 2),
        (("--write", "--unsafe-fixes", "--no-project"), 3),
        (("--diff", "--no-project"), 2),
        # Once more, to see what they say to each other.
        ((), 3),
        (("--diff",), 3),
    ],
)
def test_a_file_is_read_once_for_each_purpose(
    here: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reads: int
) -> None:
    """To be checked; again as part of its project, which is searched for reasons why its files
    cannot import the helper; and again right before it is replaced, since somebody may have changed
    it meanwhile."""
    text = 'def save_state(x):\n    with open("state.json", "w") as f:\n        f.write(x)\n'
    (here / "pyproject.toml").write_text('[project]\nname = "app"\ndependencies = ["atomic-fix"]\n')
    package = here / "app"
    package.mkdir()
    (package / "__init__.py").touch()
    names = {f"m{number}.py" for number in range(WORTH_A_CACHE)}
    for name in names:
        (package / name).write_text(text)
        os.utime(package / name, ns=(OLD, OLD))
    counts: Counter[str] = Counter()
    real = disk.read

    def read(path: str) -> bytes | Unreadable:
        counts[Path(path).name] += 1
        return real(path)

    def run() -> set[int]:
        counts.clear()
        CliRunner().invoke(main, [*arguments, "--jobs", "1", "--cache-dir", "c", "app"])
        return {counts[name] for name in names}

    monkeypatch.setattr(disk, "read", read)
    assert run() == {reads}
    if arguments == ("--no-project",):
        os.utime("app/m0.py", ns=(OLD + 1, OLD + 1))
        assert run() == {1, 3}, "to show the fixes; that it is the same; as a part of its project"


def test_a_fresh_time_is_not_trusted(here: Path) -> None:
    """There may be a second change within the resolution of the file system's clock."""
    (here / "a.py").write_text("x = 1\n")
    now = Path("a.py").stat().st_mtime_ns
    fill(RESULT)
    (here / "a.py").write_text("x = 2\n")
    os.utime("a.py", ns=(now, now))
    assert known() is None


def test_other_settings_are_a_miss(here: Path) -> None:
    fill(RESULT)
    assert Cache("c").find(candidate(Config(min_confidence=0.9))) is None


def test_another_version_is_a_miss(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(RESULT)
    monkeypatch.setattr(module, "version", lambda: "other")
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
    cache.add(candidate(), RESULT, DIGEST)
    cache.save()
    assert Cache("c").find(candidate()) == RESULT


def plant(folder: Path, content: bytes) -> None:
    """Put content where the cache is, as anybody who knows its format could."""
    stored = next((folder / "c").glob("*.cache"))
    stored.write_bytes(store._MAGIC + store.hashed(content) + content)


class Planted:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("made",)


def test_a_cache_is_no_pickle(here: Path) -> None:
    fill(RESULT)
    for content in (pickle.dumps(Planted()), pickle.dumps({"a.py": Planted()})):
        plant(here, content)
        cache = Cache("c")
        assert cache.find(candidate()) is None
        assert "is damaged and will be rebuilt" in cache.warnings[0]
    assert not (here / "made").exists()
    sources = Path(module.__file__).parents[1].rglob("*.py")
    assert not [path for path in sources if "import pickle" in path.read_text(encoding="utf-8")]


def entry() -> tuple[list[object], list[object]]:
    """The cache entry of `a.py`, and the finding in it."""
    (row,) = Cache("c")._entries.values()
    return row, row[-1][1][0]


@pytest.mark.parametrize(
    "content",
    [
        b"[]", b"null", b"{", b"[" * 200_000, b'{"a.py":' * 200_000, b"\xff", b"1" * 10_000,
        b'{"a.py": 1}', b'{"a.py": []}', b'{"a.py": [1, 2, 3, 4, 5, null]}', b"{}",
    ],
)  # fmt: skip
def test_what_is_no_entry_is_a_miss(here: Path, content: bytes) -> None:
    fill(RESULT)
    plant(here, content)
    cache = Cache("c")
    assert cache.find(candidate()) is None
    cache.add(candidate(), RESULT, DIGEST)
    cache.save()
    assert Cache("c").find(candidate()) == RESULT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, 1), (1, None), (2, "b.py"), (3, []), (3, [[1, 2]]), (3, [[-1, 1], [1, 1]]),
        (3, [[True, 1], [1, 1]]), (4, ["x"]), (8, "1"), (8, float("nan")), (8, float("inf")),
        (9, {}), (9, [["x"]]), (10, ["t", "no such", [], ""]), (10, ["t", [], [], ""]),
        (12, 1 << 80), (12, 1.5), (16, [["x"]]), (17, [[1], ["x"]]),
    ],
)  # fmt: skip
def test_an_entry_of_another_shape_is_a_miss(here: Path, field: int, value: object) -> None:
    fill(RESULT)
    row, finding = entry()
    finding[field] = value
    plant(here, json.dumps({"a.py": row}).encode())
    if field == 2:
        assert Cache("c").find(candidate()) is not None  # a name of no consequence
    else:
        assert Cache("c").find(candidate()) is None


ROW = st.integers(0, 1 << 53)
TEXT = st.text(st.characters(exclude_categories=()))  # file names hold halves of characters
POSITION = st.builds(Position, ROW, ROW)
SPAN = st.builds(Span, POSITION, POSITION)
EDITS = st.lists(st.builds(Edit, SPAN, TEXT), max_size=2).map(tuple)
EVIDENCE = st.lists(st.builds(Evidence, TEXT, st.none() | ROW), max_size=2).map(tuple)
FIX = st.builds(Fix, TEXT, st.sampled_from(Applicability), EDITS, TEXT)
SHARE = st.floats(0, 1)
RELATED = st.lists(st.builds(RelatedLocation, TEXT, SPAN, TEXT), max_size=2).map(tuple)
CELLS = st.builds(Cells, st.just((1, 3)), st.just((1, 8)))
FINDING = st.builds(
    Finding, TEXT, TEXT, TEXT, SPAN, TEXT, TEXT, TEXT, TEXT, SHARE, EVIDENCE, st.none() | FIX,
    TEXT, ROW, TEXT, precedence=st.none() | ROW, related=RELATED, cells=st.none() | CELLS,
)  # fmt: skip
FINDINGS = st.lists(FINDING, max_size=2).map(tuple)
NOTES = st.lists(st.tuples(ROW, TEXT), max_size=2).map(tuple)


@given(
    st.builds(FileResult, TEXT, FINDINGS, NOTES, suppressed=ROW, known=ROW, cells=st.none() | CELLS)
)
def test_whatever_a_result_holds_comes_back(result: FileResult) -> None:
    told = json.loads(json.dumps(typed_json.plain(result)))
    assert typed_json.read(FileResult, told) == result


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("how", ["group", "others", "link", "owner", "read", "file link", "pipe"])
def test_a_cache_that_others_could_write_is_not_used(
    here: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fill(RESULT)
    folder, stored_file = here / "c", next((here / "c").glob("*.cache"))
    if how in ("group", "others"):
        folder.chmod(0o720 if how == "group" else 0o702)
    elif how == "read":  # as one that came with a tree
        stored_file.chmod(0o644)
    elif how == "owner":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    elif how == "link":
        folder.rename(here / "real")
        folder.symlink_to("real")
    else:
        stored_file.rename(here / "elsewhere")
        if how == "pipe":
            os.mkfifo(stored_file, 0o600)
        else:
            stored_file.symlink_to(here / "elsewhere")
    before = (here / "elsewhere").read_bytes() if (here / "elsewhere").exists() else b""
    cache = Cache("c")
    assert cache.find(candidate()) is None
    cache.add(candidate(), FileResult("a.py"), DIGEST)
    cache.save()
    assert len(cache.warnings) == 1
    assert "is not used: " in cache.warnings[0]
    if before:
        assert (here / "elsewhere").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_folder_and_file_are_made_for_the_user_alone(here: Path) -> None:
    fill(RESULT)
    assert stat.S_IMODE((here / "c").stat().st_mode) == 0o700
    assert stat.S_IMODE(next((here / "c").glob("*.cache")).stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_a_warning(here: Path) -> None:
    (here / "c").write_text("a file")
    cache = Cache("c")
    cache.find(candidate())
    cache.add(candidate(), RESULT, DIGEST)
    cache.save()
    assert cache.warnings


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert default_folder() == "/c/atomic-fix"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/h")
    assert default_folder() == "/h/.cache/atomic-fix"


def test_the_version_hangs_on_the_code_and_on_libcst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "libcst"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (tmp_path / "libcst-1.0.dist-info").mkdir()
    own = sorted(Path(store.__file__).parents[1].rglob("*.py"))

    def version() -> str:
        store.version.cache_clear()
        return store.version()

    try:
        rows = version().splitlines()
        assert [row for path in own for row in rows if row.startswith(f"{path} ")] == sorted(
            row for row in rows if row.startswith(str(own[0].parent))
        )
        real = version()
        monkeypatch.syspath_prepend(tmp_path)
        first = version()
        (tmp_path / "libcst-1.0.dist-info").rename(tmp_path / "libcst-1.1.dist-info")
        second = version()
        (package / "__init__.py").write_text("x = 1\n")
        third = version()
    finally:
        store.version.cache_clear()
    assert len({real, first, second, third}) == 4
