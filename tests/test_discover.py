"""From paths to files, as git and its users expect."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

import pytest

from atomic_fix.finding import Unreadable
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.run.git import _git
from atomic_fix.settings import Resolver


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def files(*paths: str, **options: object) -> list[str]:
    found = []
    for each in discover(paths, Resolver(options)):
        assert isinstance(each, Candidate), each
        found.append(each.path)
    return found


def test_a_folder_is_walked_in_order_and_named_as_it_was_given(here: Path) -> None:
    (here / ".#b.py").symlink_to("user@host.123")
    make(here, "b.py", "a/z.py", "a/y.pyw", "a/x.txt", "a/stub.pyi", "B.PY")
    assert files(".") == ["B.PY", "a/y.pyw", "a/z.py", "b.py"]
    assert files("a") == ["a/y.pyw", "a/z.py"]
    assert files("./a/") == ["./a/y.pyw", "./a/z.py"]
    assert files(str(here / "a")) == [str(here / "a/y.pyw"), str(here / "a/z.py")]


def test_a_named_file_is_checked_whatever_it_is_called(here: Path) -> None:
    make(here, "script", "venv/x.py")
    assert files("script", "venv/x.py", "venv") == ["script", "venv/x.py"]
    assert files(".") == []


def test_a_file_under_two_names_is_checked_once(here: Path) -> None:
    make(here, "a.py")
    (here / "link.py").symlink_to("a.py")
    assert files("a.py", "./a.py", ".") == ["a.py"]


def test_the_usual_folders_are_left_out_and_exclude_replaces_them(here: Path) -> None:
    make(here, ".git/x.py", ".venv/x.py", "build/x.py", "node_modules/x.py", "a/__pycache__/x.py",
         "src/x.py", "src/x_pb2.py", "third_party/x.py")  # fmt: skip
    assert files(".") == ["src/x.py", "src/x_pb2.py", "third_party/x.py"]
    assert files(".", **{"extend-exclude": ["*_pb2.py", "/third_party/"]}) == ["src/x.py"]
    assert files(".", exclude=["src", ".*", "third_party"]) == [
        "a/__pycache__/x.py", "build/x.py", "node_modules/x.py"
    ]  # fmt: skip


def test_force_exclude_holds_for_named_paths_too(here: Path) -> None:
    make(here, "gen/a.py", "src/b.py")
    options: dict[str, object] = {"extend-exclude": ["gen/"], "force-exclude": True}
    assert files("gen/a.py", "src/b.py", "gen", **options) == ["src/b.py"]
    assert files("gen/a.py", **{"extend-exclude": ["gen/"]}) == ["gen/a.py"]


def test_each_folder_has_the_settings_nearest_to_it(here: Path) -> None:
    make(here, "a/keep.py", "a/drop.py", "b/drop.py")
    (here / "a/atomic-fix.toml").write_text('extend-exclude = ["/drop.py"]\n')
    assert files(".") == ["a/keep.py", "b/drop.py"]


def test_what_git_ignores_is_left_out_just_as_git_does(here: Path) -> None:
    """The expected names come from git itself."""
    make(here, "a.py", "gen.py", "sub/gen.py", "sub/keep.py", "sub/deep/data/x.py", "data/x.py",
         "sub/out/x.py", "out/x.py", "out/keep/x.py", "only/here.py", "sub/only/here.py",
         "sp ace.py", "local.py", "#hash.py", "ü.py", "z/gen.py")  # fmt: skip
    (here / ".gitignore").write_text(
        "gen.py\n/only/\nout/*\n!out/keep\n\\#hash.py\nü.py\n*.txt\r\n", encoding="utf-8"
    )
    (here / "sub/.gitignore").write_text("!gen.py\ndata/\nout\n")
    (here / "z/.gitignore").write_text("!/gen.py\n")
    subprocess.run(["git", "init", "-q"], check=True)
    (here / ".git/info").mkdir(exist_ok=True)
    (here / ".git/info/exclude").write_text("local.py\n")
    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=", "ls-files", "-z", "-co", "--exclude-standard", "*.py"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    wanted = sorted(os.fsdecode(name) for name in listed.split(b"\0") if name)
    assert sorted(files(".")) == wanted
    assert "gen.py" not in wanted
    assert "sub/gen.py" in wanted
    # From a folder below, what lies above still counts, up to the root of the repository.
    assert files("sub") == [name for name in files(".") if name.startswith("sub/")]
    assert "gen.py" in files(".", **{"respect-gitignore": False})


def test_what_git_ignores_in_every_repository_of_the_user(
    here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    make(here, "a.py", "mine.py", "sub/mine.py", "kept/mine.py", "usual.py", "of_tree.py")
    (here / "kept/.gitignore").write_text("!mine.py\n")
    make(home, ".config/git/ignore", "dotfiles/ignore", "xdg/git/ignore")
    (home / ".config/git/ignore").write_text("usual.py\n")
    (home / "dotfiles/ignore").write_text("mine.py\n/sub/../x\n")
    (home / "linked").symlink_to("dotfiles/ignore")

    def as_git() -> list[str]:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard", "*.py"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        wanted = sorted(os.fsdecode(name) for name in listed.split(b"\0") if name)
        assert sorted(files(".")) == wanted
        return wanted

    # Outside a repository there is nothing to ignore.
    assert "usual.py" in files(".")
    subprocess.run(["git", "init", "-q"], check=True)
    assert "usual.py" not in as_git()
    for value in ("~/dotfiles/ignore", f"{home}/linked"):
        (home / ".gitconfig").write_text(f"[core]\nexcludesFile = {value}\n")
        found = as_git()
        assert "usual.py" in found
        assert [each for each in found if "mine" in each] == ["kept/mine.py"]
    assert files("sub") == []
    assert "mine.py" in files(".", **{"respect-gitignore": False})
    assert files("mine.py") == ["mine.py"]
    # An empty setting is none, and so is a file that is not there.
    (home / ".gitconfig").write_text("[core]\nexcludesFile =\n")
    assert {"mine.py", "usual.py"} <= {*as_git()}
    (home / ".gitconfig").write_text("[core]\nexcludesFile = ~/nowhere\n")
    assert {"mine.py", "usual.py"} <= {*as_git()}
    # The settings of the tree have no say: a stranger wrote them, perhaps.
    (here / "theirs").write_text("of_tree.py\n")
    subprocess.run(["git", "config", "core.excludesFile", str(here / "theirs")], check=True)
    assert "of_tree.py" in files(".")
    (home / ".gitconfig").unlink()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    (home / "xdg/git/ignore").write_text("a.py\n")
    assert "a.py" not in files(".")


def test_git_is_asked_for_the_users_patterns_once_and_not_needed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted() -> str:
        calls.append("asked")
        return str(here / "nowhere")

    subprocess.run(["git", "init", "-q"], check=True)
    make(here, "a/x.py", "b/y.py")
    monkeypatch.setattr("atomic_fix.run.git.excludes_file", counted)
    assert files("a", "b", ".") == ["a/x.py", "b/y.py"]
    assert calls == ["asked"]
    assert files("a/x.py") == ["a/x.py"]
    assert calls == ["asked"], "a file that is named is not looked up"
    monkeypatch.undo()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("atomic_fix.run.git._git", lru_cache(_git.__wrapped__))
    assert files("a", "b") == ["a/x.py", "b/y.py"]


def test_a_folder_that_is_named_is_walked_though_git_ignores_it(here: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    make(here, "scratch/a.py")
    (here / ".gitignore").write_text("scratch/\n")
    assert files(".") == []
    assert files("scratch") == ["scratch/a.py"]


def test_a_loop_of_links_ends(here: Path) -> None:
    make(here, "a/x.py")
    (here / "a/back").symlink_to("..")
    (here / "self.py").symlink_to("self.py")
    assert files("a") == ["a/x.py"]
    found = list(discover(["."], Resolver({})))
    assert [each.path for each in found if isinstance(each, Candidate)] == ["a/x.py", "self.py"]


def test_a_missing_path_and_a_loop_are_said_and_do_not_stop_the_others(here: Path) -> None:
    make(here, "a.py")
    (here / "self.py").symlink_to("self.py")
    found = list(discover(["nope.py", "self.py", "a.py", "nul\0.py"], Resolver({})))
    assert isinstance(found[0], Unreadable)
    assert found[0].reason == "cannot be read: No such file or directory"
    assert isinstance(found[1], Unreadable)
    assert isinstance(found[2], Candidate)
    assert isinstance(found[3], Unreadable)


def test_a_folder_that_cannot_be_listed_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may list every folder, so the refusal is simulated."""
    make(here, "a.py", "shut/b.py", "z.py")
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    found = list(discover(["."], Resolver({})))
    assert [type(each) for each in found] == [Candidate, Unreadable, Candidate]
    assert isinstance(found[1], Unreadable)
    assert found[1].reason == "the folder cannot be read: Permission denied"


def test_names_that_are_not_text_are_found(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    make(here, name, "new\nline.py", "sp ace.py")
    assert files(".") == sorted([name, "new\nline.py", "sp ace.py"])


def test_of_a_file_and_a_link_to_it_the_file_stays(here: Path) -> None:
    """The configuration beside a link does not apply to a file elsewhere."""
    make(here, "z/a.py")
    (here / "b").mkdir()
    (here / "b/link.py").symlink_to("../z/a.py")
    (here / "b/atomic-fix.toml").write_text('helper = "evil.pwn"\n')
    (found,) = discover(["."], Resolver({}))
    assert isinstance(found, Candidate)
    assert found.path == "z/a.py"
    assert found.settings.config.helper == "atomic_fix.runtime"


def nest(folder: Path, name: str, depth: int) -> None:
    """A file in nested folders whose path is longer than a system call accepts."""
    ways = [os.open(folder, os.O_RDONLY)]
    for _ in range(depth):
        os.mkdir(name, dir_fd=ways[-1])
        ways.append(os.open(name, os.O_RDONLY, dir_fd=ways[-1]))
    os.close(os.open("deep.py", os.O_CREAT | os.O_WRONLY, dir_fd=ways[-1]))
    for each in ways:
        os.close(each)


def remove_nested(folder: Path) -> None:
    """`shutil.rmtree` recurses on some Pythons."""
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="paths of Windows are shorter")
def test_a_thousand_folders_in_one_another(here: Path) -> None:
    top = here / "top"
    top.mkdir()
    nest(top, "d", 1_000)
    make(here, "z.py")
    deep = "top/" + "d/" * 1_000 + "deep.py"
    try:
        began = time.perf_counter()
        assert files(".") == [deep, "z.py"]
        assert files(deep) == [deep]
        assert time.perf_counter() - began < 10
    finally:
        remove_nested(top)


@pytest.mark.skipif(sys.platform == "win32", reason="paths of Windows are shorter")
@pytest.mark.parametrize("lines", ["*.x\n!y.x\nbuild/\n", "/build\nd/*.x\n"])
def test_a_thousand_gitignores_in_one_another(here: Path, lines: str) -> None:
    (here / ".git").mkdir()
    folder = str(here)
    for _ in range(1_000):
        folder += "/d"
        Path(folder).mkdir()
        Path(folder, ".gitignore").write_text(lines)
    Path(folder, "deep.py").touch()
    try:
        began = time.process_time()
        assert files(".") == ["d/" * 1_000 + "deep.py"]
        assert time.process_time() - began < 10
    finally:
        remove_nested(here / "d")


def test_what_patterns_in_one_another_may_cost_has_an_end(here: Path) -> None:
    (here / ".git").mkdir()
    make(here, "a/b/y1.py", "a/b/z1.py")
    for folder, letter in ((here, "x"), (here / "a", "y"), (here / "a/b", "z")):
        lines = (f"{letter}{number}.py\n" for number in range(4_000))
        (folder / ".gitignore").write_text("".join(lines))
    problem, found = discover(["."], Resolver({}))
    assert isinstance(problem, Unreadable)
    assert problem.filename == "a/b/.gitignore"
    assert problem.reason == "is not used: with those above it, its patterns are too many"
    assert isinstance(found, Candidate)
    assert found.path == "a/b/z1.py"


@pytest.mark.skipif(sys.platform == "win32", reason="paths of Windows are shorter")
def test_a_folder_whose_path_is_too_long_is_said_and_does_not_stop_the_others(here: Path) -> None:
    top = here / "top"
    top.mkdir()
    nest(top, "d" * 200, 30)
    make(here, "z.py")
    try:
        problem, other = discover(["."], Resolver({}))
    finally:
        remove_nested(top)
    assert isinstance(problem, Unreadable)
    assert problem.reason == "the folder cannot be read: File name too long"
    assert isinstance(other, Candidate)
    assert other.path == "z.py"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_configuration_that_cannot_be_used_costs_its_folder(here: Path) -> None:
    make(here, "a.py", "pipe/x.py", "wrong/x.py", "z.py")
    os.mkfifo(here / "pipe/pyproject.toml")
    (here / "wrong/atomic-fix.toml").write_text("x = [")
    found = list(discover([".", "wrong/x.py"], Resolver({})))
    assert [each.path for each in found if isinstance(each, Candidate)] == ["a.py", "z.py"]
    problems = [(each.filename, each.reason) for each in found if isinstance(each, Unreadable)]
    assert [name for name, _ in problems] == ["pipe", "wrong", "wrong/x.py"]
    assert problems[0][1].endswith("pipe/pyproject.toml: cannot be read: not a regular file")
    assert "wrong/atomic-fix.toml: not valid TOML: " in problems[1][1]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "link", "unreadable"])
def test_a_gitignore_that_is_none_is_passed_by(here: Path, kind: str) -> None:
    make(here, "a.py")
    ignored = here / ".gitignore"
    if kind == "pipe":
        os.mkfifo(ignored)
    elif kind == "device":
        ignored.symlink_to("/dev/zero")
    elif kind == "link":  # which git does not follow
        (here / "list").write_text("a.py\n")
        ignored.symlink_to("list")
    else:
        ignored.mkdir()
    assert files(".") == ["a.py"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("".join(f"a{number}\n" for number in range(6_000)), "6,001 patterns are more than 5,000"),
        ("#\n" * 600_000, "larger than 1 MB"),
    ],
)
def test_a_gitignore_that_is_too_large_is_said(here: Path, content: str, reason: str) -> None:
    make(here, "a.py")
    (here / ".gitignore").write_text(content)
    problem, found = discover(["."], Resolver({}))
    assert isinstance(problem, Unreadable)
    assert problem.filename == "./.gitignore"
    assert problem.reason == f"is not used: {reason}"
    assert isinstance(found, Candidate)


def test_a_gitignore_with_a_mark_of_its_encoding(here: Path) -> None:
    make(here, "a.py", "b.py")
    (here / ".gitignore").write_bytes(b"\xef\xbb\xbfa.py\n")
    assert files(".") == ["b.py"]
