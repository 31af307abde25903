"""Which files belong to a project: those of its own tree, whatever else is there."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from atomic_fix.finding import FileResult
from atomic_fix.run import project_files
from atomic_fix.run.all_files import RunOptions, check_files
from atomic_fix.run.indexing import Indexing
from atomic_fix.run.project_files import Trees, listing
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver

CONFIGURED = "[tool.atomic-fix]\n"
UTILS = "import json\n\n\ndef save_json(path, obj):\n    path.write_text(json.dumps(obj))\n"
JOB = (
    'from utils import save_json\n\n\ndef save_progress(x):\n    save_json("checkpoint.json", x)\n'
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "top"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


def make(root: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def root_of(path: Path, *given: Path) -> Path:
    trees = Trees(Resolver({}), map(str, given))
    return Path(trees.of(trees.real(str(path))))


def files_of(root: Path) -> list[str]:
    resolver = Resolver({})
    return list(listing(str(root), Trees(resolver, [str(root)]), resolver).files)


def test_it_begins_at_the_nearest_configuration_or_repository(here: Path) -> None:
    make(here, "a.py", "sub/b.py", "sub/deep/c.py", "sub/deep/er/d.py")
    (here / ".git").mkdir()
    make(here, "sub/deep/pyproject.toml", text=CONFIGURED)
    make(here, "sub/pyproject.toml", text="[project]\n")
    assert root_of(here / "a.py") == here
    assert root_of(here / "sub" / "b.py") == here
    assert root_of(here / "sub" / "deep" / "c.py") == here / "sub" / "deep"
    assert root_of(here / "sub" / "deep" / "er" / "d.py") == here / "sub" / "deep"
    assert files_of(here) == ["a.py", "sub/b.py"]
    assert files_of(here / "sub" / "deep") == ["c.py", "er/d.py"]
    (here / "sub" / "deep" / "er" / ".git").mkdir()
    assert root_of(here / "sub" / "deep" / "er" / "d.py") == here / "sub" / "deep" / "er"


def test_without_either_other_project_files_count_and_then_what_is_given(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(here, "tree/app/a.py", "tree/examples/b.py")
    file = here / "tree" / "app" / "a.py"
    assert root_of(file) == here
    assert root_of(file, here / "tree") == here / "tree"
    monkeypatch.chdir("/")
    assert root_of(file) == file.parent
    monkeypatch.chdir(here)
    make(here, "tree/pyproject.toml", "tree/examples/setup.py")
    assert root_of(file) == here / "tree"
    # What is deeper may be a part that is built by itself.
    assert root_of(here / "tree" / "examples" / "b.py", here / "tree") == here / "tree"


def test_a_home_or_a_folder_for_all_is_no_project(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(here, "tree/app/a.py", "b.py")
    monkeypatch.setenv("HOME", str(here / "home"))
    assert root_of(here / "tree" / "app" / "a.py") == here / "tree"
    assert root_of(here / "b.py") == here


def test_what_is_left_out_of_a_walk_is_left_out_of_the_project(here: Path) -> None:
    (here / ".git").mkdir()
    make(here, "a.py", "tests/test_a.py", "gen/b.py", "build/c.py", "d.txt")
    make(here, ".gitignore", text="gen/\n")
    assert files_of(here) == ["a.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")
def test_nothing_outside_of_the_tree_is_looked_at(here: Path, tmp_path: Path) -> None:
    (here / ".git").mkdir()
    make(tmp_path, "outside/job.py", text=JOB)
    make(here, "utils.py", text=UTILS)
    (here / "job.py").symlink_to(tmp_path / "outside" / "job.py")
    (here / "folder").symlink_to(tmp_path / "outside")
    (here / "circle").symlink_to(here)
    os.mkfifo(here / "pipe.py")
    assert files_of(here) == ["pipe.py", "utils.py"]
    told = {each.filename: each for each in check_files(["utils.py"], Resolver({}), ReportFilter())}
    assert told == {"utils.py": FileResult("utils.py")}


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no text")
def test_a_hostile_tree_breaks_nothing_and_is_no_obstacle(here: Path, tmp_path: Path) -> None:
    (here / ".git").mkdir()
    make(here, "utils.py", text=UTILS)
    make(here, "job.py", text=JOB)
    make(here, "broken.py", text="def save_json(:\n")
    make(here, "deep.py", text="from utils import save_json\nx = " + "(" * 5_000 + ")" * 5_000)
    make(here, "chain.py", text="import utils\nx = utils.save_json" + ".a" * 20_000 + "\n")
    (here / "null.py").write_bytes(b"from utils import save_json\n\0")
    (here / "latin.py").write_bytes(b"# coding: latin-1\nfrom utils import save_json\nx = '\xe9'\n")
    make(here, os.fsdecode(b"n\xff\n.py"), text=JOB.replace("progress", "more"))
    large = "from utils import save_json\n" + "x = 1\n" * 500_000
    make(here, "large.py", text=large)
    folder = here
    for _ in range(60):
        folder = folder / ("d" * 10)
        folder.mkdir()
    (folder / "job.py").write_text(JOB)
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    warnings: list[str] = []
    before = time.process_time()
    for _ in range(2):
        (told,) = check_files(["utils.py"], Resolver({}), ReportFilter(), run_options)
        assert [each.code for each in told.findings] == ["ATF101"]
        assert "save_progress" in told.findings[0].why
    assert not warnings
    assert time.process_time() - before < 60


def test_a_tree_that_is_too_large_is_no_project(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".git").mkdir()
    make(here, "utils.py", text=UTILS)
    make(here, "job.py", text=JOB)
    warnings: list[str] = []
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"), warn=warnings.append)
    (told,) = check_files(["utils.py"], Resolver({}), ReportFilter(), run_options)
    assert told.findings
    for limit, said in (("_MOST_FILES", "Python files"), ("_MOST_FOLDERS", "folders")):
        with monkeypatch.context() as patch:
            patch.setattr(project_files, limit, 0)
            make(here, "more.py")
            (told,) = check_files(["utils.py"], Resolver({}), ReportFilter(), run_options)
            assert not told.findings
            assert "judged alone" in warnings[-1]
            assert said in warnings[-1]
    (told,) = check_files(["utils.py"], Resolver({}), ReportFilter(), run_options)
    assert told.findings


def test_an_earlier_walk_holds_as_long_as_nothing_has_changed(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".git").mkdir()
    make(here, "utils.py", "deep/job.py", text=UTILS)
    make(here, "deep/pyproject.toml", text="[project]\n")
    walks: list[str] = []
    usual = project_files.listing

    def counted(root: str, trees: Trees, resolver: Resolver) -> project_files.Listing:
        walks.append(root)
        return usual(root, trees, resolver)

    monkeypatch.setattr("atomic_fix.run.indexing.listing", counted)
    old = 1_000_000_000_000_000_000

    def settle() -> None:
        for path in [here, *here.rglob("*"), here / ".git"]:
            os.utime(path, ns=(old, old))

    def names() -> list[str]:
        indexing = Indexing(Resolver({}), ["."], str(tmp_path / "cache"))
        place = indexing.place("utils.py")
        assert place is not None
        indexing.bring_up_to_date(place[0])
        return sorted(place[0]._stats)

    settle()
    assert names() == names() == ["deep/job.py", "utils.py"]
    assert len(walks) == 1
    make(here, "deep/new.py")
    assert names() == ["deep/job.py", "deep/new.py", "utils.py"]
    settle()
    names()
    before = len(walks)
    names()
    assert len(walks) == before
    # A configuration makes it a tree of its own, without a change of the folder.
    make(here, "deep/pyproject.toml", text=CONFIGURED)
    os.utime(here / "deep", ns=(old, old))
    assert names() == ["utils.py"]


@pytest.mark.parametrize(
    "content",
    [
        {}, {"stats": 1}, {"listing": ["utils.py"], "folders": {}, "watched": {}, "stats": {}},
        {"slices": {"utils.py": "["}}, {"slices": {"utils.py": "[[[]]]"}}, {"slices": []},
        {"key": None, "files": {"job.py": [1]}, "clues": []},
    ],
)  # fmt: skip
def test_what_is_kept_is_looked_at_before_it_is_used(
    here: Path, tmp_path: Path, content: dict[str, object]
) -> None:
    """Whatever the files of the cache folder contain."""
    (here / ".git").mkdir()
    make(here, "utils.py", text=UTILS)
    make(here, "job.py", text=JOB)
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    whole = list(check_files(["utils.py"], Resolver({}), ReportFilter(), run_options))
    assert whole[0].findings
    for name in ("index", "summaries"):
        (path,) = (tmp_path / "cache").glob(f"*.{name}")
        kept = path.read_bytes()
        from atomic_fix.run.store import Store

        known = Store(str(tmp_path / "cache"), path.name).read()
        for planted in (content, {**known, **content}):
            Store(str(tmp_path / "cache"), path.name).write(planted)
            list(check_files(["utils.py"], Resolver({}), ReportFilter(), run_options))
        path.write_bytes(b"x")
        assert list(check_files(["utils.py"], Resolver({}), ReportFilter(), run_options)) == whole
        path.write_bytes(kept)
        path.chmod(0o600)
