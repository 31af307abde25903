"""The report, `--diff` and `--write` count the same: places, however many codes a place has."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main

# One helper that moves in two ways: two codes at its call, and one of them twice.
TWO_WAYS = """\
import json
import os
import shutil


def publish(temporary, final, across):
    if across:
        shutil.move(temporary, final)
    else:
        os.rename(temporary, final)
"""
SAVER = """\
import json

from .moving import publish


class Store:
    def load(self):
        with open(self.state_path) as file:
            return json.load(file)

    def save(self, state, across):
        with open(self.state_path + ".tmp", "w") as file:
            json.dump(state, file)
        publish(self.state_path + ".tmp", self.state_path, across)
"""

NAMELESS = """\
import json
import os
from pathlib import Path


class Store:
    def load(self):
        with open(self.state_path) as file:
            return json.load(file)

    async def save(self, state):
        Path(self.state_path + ".tmp").write_text(json.dumps(state))
        os.rename(self.state_path + ".tmp", self.state_path)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("app/__init__.py").touch()
    Path("app/moving.py").write_text(TWO_WAYS)
    Path("app/store.py").write_text(SAVER)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--no-cache"])


def test_all_count_places() -> None:
    report = run("--output-format", "full").output
    assert report.endswith("\nFound 1 finding (1 fixable with --write).\n")
    assert run("--verbose").stderr.count("app/store.py: 1 finding ") == 1
    assert run("--diff").stderr == "Would fix 1 finding in 1 file. 1 finding would remain.\n"
    assert run("--write").output.endswith(
        "\nFixed 1 finding in 1 file. Left 1 finding (1 without a fix).\n"
    )


def test_what_is_wrong_twice_at_a_call_is_said_once() -> None:
    report = run("--output-format", "full").output
    assert report.count("can leave the file empty") == 1
    also = [row for row in report.splitlines() if "= also" in row]
    assert [row.split(":")[0].strip() for row in also] == ["= also ATF114"] * 2


def test_a_report_says_which_of_several_defects_write_repairs() -> None:
    # The rename becomes a replace; the headline, that nothing was synchronised, is for a person.
    Path("app/store.py").write_text(NAMELESS)
    report = run("--output-format", "full").output
    assert report.startswith("ATF115 ")
    assert "= also ATF114: this rename fails on Windows if the target exists [--write]\n" in report
    assert report.endswith("\nFound 1 finding (1 fixable with --write).\n")
    assert "Fixed 1 finding in 1 file. Left 1 finding" in run("--write").output


def test_a_move_that_another_file_makes_is_named_by_its_place() -> None:
    report = run("--select", "ATF114", "--output-format", "full").output
    assert "(no automatic fix: `publish` (app/moving.py:8) moves it)" in report


def test_repairs_of_one_call_are_listed_as_the_one_finding_that_is_counted() -> None:
    Path("a.py").write_text(
        "import json, shutil\n\n\n"
        "def save_state(path, state):\n"
        '    tmp = path + ".tmp"\n'
        '    with open(tmp, "w") as file:\n'
        "        json.dump(state, file)\n"
        "    shutil.move(tmp, path)\n"
    )
    result = run("--write", "--unsafe-fixes", "--show-fixes", "a.py")
    assert result.stdout == (
        "Fixed a.py: ATF114 Replace with `os.replace`; "
        "ATF115 Sync the temp file to disk before publishing it\n"
        "Fixed 1 finding in 1 file.\n"
    )
