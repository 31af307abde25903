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


def told(text: str, *arguments: str) -> list[tuple[str, str]]:
    """Code and end of the message of each finding of the command."""
    path = Path("app.py")
    path.write_text(text)
    found = json.loads(run("--output-format", "json", *arguments, str(path))[1])
    return [(each["code"], each["message"].rpartition(")")[2]) for each in found]


def by_flake8(text: str, *arguments: str) -> list[tuple[str, str]]:
    Path("app.py").write_text(text)
    options = ("--isolated", "--select=ATF", "--format=%(code)s %(text)s", *arguments)
    command = [sys.executable, "-m", "flake8", *options, "app.py"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.stderr == ""
    return [(line[:6], line.rpartition(")")[2]) for line in done.stdout.splitlines()]


def test_the_worst_is_reported_and_names_the_others(here: Path) -> None:
    codes = {each.code for each in check_source(MOVED.encode(), "app.py")}
    assert codes == {"ATF112", "ATF114", "ATF115"}
    for front_end in (told, by_flake8):
        assert front_end(MOVED) == [("ATF112", "; also ATF114, ATF115")]
        assert front_end(RENAMED) == [("ATF115", "; also ATF114")]
        assert front_end(COPIED) == [("ATF114", "; also ATF115")]
        open_yet = COPIED.replace("    shutil.copy", "        shutil.copy")
        assert front_end(open_yet) == [("ATF111", "; also ATF114, ATF115")]


def test_what_is_not_selected_makes_room(here: Path) -> None:
    assert told(MOVED, "--ignore", "ATF112") == [("ATF115", "; also ATF114")]
    assert told(MOVED, "--select", "ATF114") == [("ATF114", "")]
    assert by_flake8(MOVED, "--ignore=ATF112") == [("ATF115", "; also ATF114")]
    assert by_flake8(MOVED, "--per-file-ignores=app.py:ATF112,ATF114") == [("ATF115", "")]


def test_what_is_suppressed_makes_room(here: Path) -> None:
    one = MOVED.replace(CALL, f"{CALL}  # noqa: ATF112")
    another = MOVED.replace(CALL, f"{CALL}  # noqa: ATF114")
    for front_end in (told, by_flake8):
        assert front_end(one) == [("ATF115", "; also ATF114")]
        assert front_end(another) == [("ATF112", "; also ATF115")]
    # Each of them suppresses something.
    Path("app.py").write_text(another)
    assert "suppresses nothing" not in run()[1]
    assert by_flake8(one, "--disable-noqa") == [("ATF112", "; also ATF114, ATF115")]


def test_a_baseline_knows_each(here: Path) -> None:
    Path("app.py").write_text(MOVED)
    run("--baseline", "known", "--write-baseline", "app.py")
    entries = [line.split(" ")[1] for line in Path("known").read_text().splitlines()[1:]]
    assert entries == ["ATF112", "ATF114", "ATF115"]
    assert told(MOVED, "--baseline", "known") == []
    rows = Path("known").read_text().splitlines(keepends=True)
    Path("known").write_text("".join(row for row in rows if "ATF112" in row))
    assert told(MOVED, "--baseline", "known") == [("ATF115", "; also ATF114")]


def test_comments_and_repairs_see_each(here: Path) -> None:
    Path("app.py").write_text(MOVED)
    run("--add-noqa", "known", "app.py")
    assert "# noqa: ATF112,ATF114,ATF115 -- known" in Path("app.py").read_text()
    Path("app.py").write_text(RENAMED)
    run("--write", "app.py")
    assert "os.replace(tmp" in Path("app.py").read_text()
    assert "os.fsync" in Path("app.py").read_text()


def test_two_calls_on_one_row_are_two(here: Path) -> None:
    twice = RENAMED + "    os.rename(tmp, session_path); os.rename(tmp, session_path)\n"
    assert len(told(twice, "--select", "ATF114")) == 3
