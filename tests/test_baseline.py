"""Existing code: a baseline that only shrinks, and reports about changed lines only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.baseline import Baseline, Entry, parse, text_of
from atomic_fix.cli import main

HEAD = "import json\n\n\n"
ONE = (
    "def save_checkpoint(path, payload):\n"
    '    path.write_text(json.dumps(payload), encoding="utf-8")\n'
)
TWO = ONE.replace("save_checkpoint", "save_progress")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["--output-format", "concise", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(result: Result) -> list[str]:
    return [line.split(" ")[0] for line in result.stdout.splitlines()[:-1]]


def test_known_findings_are_not_reported_and_new_ones_are(here: Path) -> None:
    (here / "a.py").write_text(HEAD + ONE)
    made = run("--baseline", "known", "--write-baseline")
    assert (made.exit_code, made.output.splitlines()[0]) == (0, "known: 1 known finding.")
    assert (here / "known").read_text() == (
        "# Findings that atomic-fix is not to report. Counts may only shrink.\n"
        'a.py ATF101 1 path.write_text(json.dumps(payload), encoding="utf-8")\n'
    )
    assert run("--baseline", "known").exit_code == 0
    (here / "a.py").write_text(HEAD + ONE + TWO)
    again = run("--baseline", "known")
    assert again.exit_code == 1
    assert rows(again) == ["a.py:7:5:"]


def test_code_may_move_and_be_indented(here: Path) -> None:
    (here / "a.py").write_text(HEAD + ONE)
    run("--baseline", "known", "--write-baseline")
    indented = "".join(f"    {line}\n" for line in ONE.splitlines())
    (here / "a.py").write_text("# moved\n" + HEAD + "if True:\n" + indented)
    assert run("--baseline", "known").exit_code == 0


def test_counts_only_shrink_and_stale_entries_are_reported_then_removed(here: Path) -> None:
    (here / "a.py").write_text(HEAD + ONE + TWO)
    (here / "b.py").write_text(HEAD + ONE)
    run("--baseline", "known", "--write-baseline")
    (here / "a.py").write_text(HEAD + ONE)
    (here / "b.py").unlink()
    line = 'path.write_text(json.dumps(payload), encoding="utf-8")'
    told = run("--baseline", "known")
    assert told.exit_code == 0
    assert told.stderr.splitlines() == [
        f"warning: no longer found; update with --write-baseline: a.py ATF101 2 -> 1: {line}",
        f"warning: no longer found; update with --write-baseline: b.py ATF101 1 -> 0: {line}",
    ]
    assert run("--baseline", "known", "--fail-on-unused").exit_code == 1
    pruned = run("--baseline", "known", "--write-baseline")
    assert run("--baseline", "known", "--fail-on-unused").exit_code == 0
    assert pruned.output.splitlines() == [
        f"taken out: a.py ATF101 2 -> 1: {line}",
        f"taken out: b.py ATF101 1 -> 0: {line}",
        "known: 1 known finding.",
        "It holds with --baseline, or once `baseline` names it in the configuration.",
    ]
    before = (here / "known").read_bytes()
    (here / "a.py").write_text(HEAD + ONE + TWO)
    run("--baseline", "known", "--write-baseline")
    assert (here / "known").read_bytes() == before, "a new finding must not slip in"


def test_a_run_on_some_files_leaves_the_entries_of_others(here: Path) -> None:
    for name in ("a.py", "b.py"):
        (here / name).write_text(HEAD + ONE)
    run("--baseline", "known", "--write-baseline")
    before = (here / "known").read_bytes()
    assert run("--baseline", "known", "a.py").stderr == ""
    run("--baseline", "known", "--write-baseline", "a.py")
    assert (here / "known").read_bytes() == before
    (here / "b.py").write_text(f"{HEAD}{ONE}def (:\n")
    assert run("--baseline", "known", "--write-baseline").exit_code == 2
    assert (here / "known").read_bytes() == before, "b.py could not be analysed"


def test_paths_are_relative_to_the_baseline_wherever_it_is_run(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "sub").mkdir()
    (here / "sub/a b.py").write_text(HEAD + ONE)
    (here / "pyproject.toml").write_text('[tool.atomic-fix]\nbaseline = "known"\n')
    assert run("--write-baseline").output.endswith("/known: 1 known finding.\n")
    assert "sub/a%20b.py ATF101 1" in (here / "known").read_text()
    assert run().exit_code == 0
    monkeypatch.chdir(here / "sub")
    assert run().exit_code == 0
    assert run(str(here / "sub/a b.py")).exit_code == 0
    assert run("--isolated").exit_code == 1


def test_branches_that_both_prune_merge_and_conflicts_are_read_by_a_person(here: Path) -> None:
    def git(*arguments: str) -> int:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        return subprocess.run(["git", *identity, *arguments], capture_output=True).returncode

    def prune(message: str) -> None:
        run("--baseline", "known", "--write-baseline")
        assert git("commit", "--all", f"--message={message}") == 0

    names = [f"{letter}.py" for letter in "abcdefgh"]
    for name in names:
        (here / name).write_text(HEAD + ONE + ONE)
    run("--baseline", "known", "--write-baseline")
    git("init", "--initial-branch=main")
    git("add", "--all")
    assert git("commit", "--message=all") == 0
    git("branch", "far")
    git("branch", "near")
    (here / "a.py").write_text(HEAD + ONE)
    prune("one less in a.py")

    git("checkout", "far")
    (here / "h.py").unlink()
    prune("h.py is gone")
    assert git("merge", "main", "--message=merged") == 0
    assert run("--baseline", "known").stderr == ""

    git("checkout", "near")
    (here / "a.py").unlink()
    prune("a.py is gone")
    assert git("merge", "main") == 1
    line = 'path.write_text(json.dumps(payload), encoding="utf-8")'
    conflict = (here / "known").read_text().partition("<<<<<<< HEAD\n")[2].partition(">>>>>>>")[0]
    assert conflict == f"=======\na.py ATF101 1 {line}\n"
    assert "known:2: not an entry of a baseline" in run("--baseline", "known").stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"<<<<<<< HEAD\n", "known:1: not an entry of a baseline"),
        (b"# x\n\na.py ATF101 many x\n", "known:3: not an entry of a baseline"),
        (b"a.py ATF101 1 x\na.py ATF101 1 x\n", "known:2: duplicate entry"),
        (b"\xff\n", "not a baseline"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_one_line_and_two(
    here: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (here / "known").write_bytes(content)
    result = run("--baseline", "known")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("--write-baseline",), ("--write-baseline", "--baseline", "x", "--write"),
     ("--write-baseline", "--baseline", "x", "-")],
)  # fmt: skip
def test_write_baseline_says_what_it_needs(here: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "--write-baseline" in result.stderr


def test_the_text_reads_back_as_it_was(tmp_path: Path) -> None:
    path = os.fsdecode(b"od d/\xff%\n#.py")
    counts = {Entry(path, "ATF101", "x = 'é'  # y"): 3, Entry("b.py", "ATF201", ""): 1}
    text = text_of(Baseline(str(tmp_path), counts))
    assert parse(text, str(tmp_path / "known")) == Baseline(str(tmp_path), counts)
    assert text.isprintable() or text.count("\n") == 3
    with pytest.raises(ValueError, match=r"^known:1: not an entry"):
        parse("x\n", "known")


def git(*arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        check=True,
        capture_output=True,
    )


def test_only_findings_on_lines_changed_since_a_revision(here: Path) -> None:
    git("init", "-q")
    (here / "old.py").write_text(HEAD + ONE)
    git("add", ".")
    git("commit", "-qm", "one")
    (here / "old.py").write_text("# a line above\n" + HEAD + ONE + TWO)
    (here / "new.py").write_text(HEAD + ONE)
    assert rows(run()) == ["new.py:5:5:", "old.py:6:5:", "old.py:8:5:"]
    changed = run("--diff-base", "HEAD")
    assert changed.exit_code == 1
    assert rows(changed) == ["new.py:5:5:", "old.py:8:5:"]
    git("add", ".")
    git("commit", "-qm", "two")
    assert run("--diff-base", "HEAD").exit_code == 0
    assert rows(run("--diff-base", "HEAD~1", "old.py")) == ["old.py:8:5:"]


def test_an_unknown_revision_exits_with_two(here: Path) -> None:
    (here / "a.py").write_text(HEAD + ONE)
    for _ in range(2):
        result = run("--diff-base", "nope")
        assert result.exit_code == 2
        assert "--diff-base: git knows no revision `nope` here" in result.stderr
        git("init", "-q")
