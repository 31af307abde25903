"""A call that publishes a file in several wrong ways is reported once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix import check_source
from atomic_fix.cli import main

MOVED = """\
import json
import shutil
import tempfile


def save_session(session_path, session):
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        json.dump(session, file)
    shutil.move(file.name, session_path)
"""
RENAMED = """\
import json
import os


def save_session(session_path, session):
    tmp = session_path + ".tmp"
    with open(tmp, "w") as file:
        json.dump(session, file)
    os.rename(tmp, session_path)
"""
COPIED = RENAMED.replace("import os", "import shutil").replace("os.rename", "shutil.copy")
CALL = "shutil.move(file.name, session_path)"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*arguments, "--no-cache"])
    return result.exit_code, result.output


def told(text: str, *arguments: str) -> list[tuple[str, list[str]]]:
    """The code of each finding of the command, and those that were merged into it."""
    path = Path("app.py")
    path.write_text(text)
    found = json.loads(run("--output-format", "json", *arguments, str(path))[1])
    return [(each["code"], [other["code"] for other in each["also"]]) for each in found]


def by_flake8(text: str, *arguments: str) -> list[str]:
    """The codes that flake8 prints."""
    Path("app.py").write_text(text)
    options = ("--isolated", "--select=ATF", "--format=%(code)s %(text)s", *arguments)
    command = [sys.executable, "-m", "flake8", *options, "app.py"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.stderr == ""
    return [line[:6] for line in done.stdout.splitlines()]


def test_the_worst_is_reported_and_names_the_others(here: Path) -> None:
    codes = {each.code for each in check_source(MOVED.encode(), "app.py")}
    assert codes == {"ATF112", "ATF114", "ATF115"}
    assert told(MOVED) == [("ATF112", ["ATF114", "ATF115"])]
    assert by_flake8(MOVED) == ["ATF112"]
    assert told(RENAMED) == [("ATF115", ["ATF114"])]
    assert by_flake8(RENAMED) == ["ATF115"]
    assert told(COPIED) == [("ATF114", ["ATF115"])]
    assert by_flake8(COPIED) == ["ATF114"]
    open_yet = COPIED.replace("    shutil.copy", "        shutil.copy")
    assert told(open_yet) == [("ATF111", ["ATF114", "ATF115"])]
    assert by_flake8(open_yet) == ["ATF111"]


def test_what_is_not_selected_makes_room(here: Path) -> None:
    assert told(MOVED, "--ignore", "ATF112") == [("ATF115", ["ATF114"])]
    assert told(MOVED, "--select", "ATF114") == [("ATF114", [])]
    assert by_flake8(MOVED, "--ignore=ATF112") == ["ATF115"]
    assert by_flake8(MOVED, "--per-file-ignores=app.py:ATF112,ATF114") == ["ATF115"]


def test_what_is_suppressed_makes_room(here: Path) -> None:
    one = MOVED.replace(CALL, f"{CALL}  # noqa: ATF112")
    another = MOVED.replace(CALL, f"{CALL}  # noqa: ATF114")
    assert told(one) == [("ATF115", ["ATF114"])]
    assert by_flake8(one) == ["ATF115"]
    assert told(another) == [("ATF112", ["ATF115"])]
    assert by_flake8(another) == ["ATF112"]
    # Each of them suppresses something.
    Path("app.py").write_text(another)
    assert "suppresses nothing" not in run()[1]
    assert by_flake8(one, "--disable-noqa") == ["ATF112"]


def test_a_baseline_knows_each(here: Path) -> None:
    Path("app.py").write_text(MOVED)
    run("--baseline", "known", "--write-baseline", "app.py")
    entries = [line.split(" ")[1] for line in Path("known").read_text().splitlines()[1:]]
    assert entries == ["ATF112", "ATF114", "ATF115"]
    assert told(MOVED, "--baseline", "known") == []
    rows = Path("known").read_text().splitlines(keepends=True)
    Path("known").write_text("".join(row for row in rows if "ATF112" in row))
    assert told(MOVED, "--baseline", "known") == [("ATF115", ["ATF114"])]


def test_comments_and_repairs_see_each(here: Path) -> None:
    Path("app.py").write_text(MOVED)
    run("--add-noqa", "known", "app.py")
    assert "# noqa: ATF112,ATF114,ATF115 -- known" in Path("app.py").read_text()
    Path("app.py").write_text(RENAMED)
    run("--write", "app.py")
    assert "os.replace(tmp" in Path("app.py").read_text()
    assert "os.fsync" in Path("app.py").read_text()


def test_the_report_shows_what_is_written(here: Path) -> None:
    """The safe repairs of merged findings, if that of the first one is unsafe."""
    path = Path("app.py")
    path.write_text(RENAMED.replace("    os.rename", "    os.remove(session_path)\n    os.rename"))
    (found,) = json.loads(run("--output-format", "json", "app.py")[1])
    assert (found["code"], found["fix"]["applicability"]) == ("ATF113", "unsafe")
    safe = [each for each in found["also"] if each["fix"]["applicability"] == "safe"]
    assert [each["code"] for each in safe] == ["ATF114", "ATF115"]
    full = run("--output-format", "full", "app.py")[1]
    assert "+         os.fsync(file.fileno())" in full
    diff = run("--diff", "app.py")[1]
    assert "+        os.fsync(file.fileno())" in diff
    run("--write", "app.py")
    after = path.read_text()
    assert "os.fsync(file.fileno())" in after
    assert "os.remove(session_path)" in after
    for each in safe:
        assert all(edit["content"].strip() in after for edit in each["fix"]["edits"])


def test_two_calls_on_one_row_are_two(here: Path) -> None:
    twice = RENAMED + "    os.rename(tmp, session_path); os.rename(tmp, session_path)\n"
    assert len(told(twice, "--select", "ATF114")) == 3
