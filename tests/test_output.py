"""The output cannot control a CI runner or a terminal, and a closed pipe is no error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main
from atomic_fix.report import FORMATS, unified_patch

SAVER = (
    "import json\n\n\ndef save_state(path, state):\n"
    "    with open(path, 'w') as file:\n        json.dump(state, file)\n"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="no such names, no such streams")
NAMES = [
    "::add-mask::state.py",
    " ::warning::x.py",
    "##[add-matcher]x.py",
    "x##vso[task.setvariable]y.py",
    "new\n::error::line.py",
    "return\r::error::line.py",
    "\x1b]0;title\x07.py",
    "right\u202eleft.py",
]
# What GitHub's runner takes for a command: at the beginning of a line, behind blanks too, or, in
# its old form and Azure's, anywhere.
COMMAND = re.compile(r"(?m)^\s*::|##(?:vso)?\[")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--no-cache", *arguments])


def shown(result: Result) -> str:
    text: str = result.stdout + result.stderr
    assert text.replace("\n", "").isprintable()
    return text


TEXTS = ["full", "concise", "grouped"]


@posix
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [SAVER, "def broken(:\n"])
def test_a_file_name_is_no_command(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    ways = [["--output-format", each] for each in TEXTS]
    ways += [["--statistics"], ["--show-files"], ["--write-baseline", "--baseline", "known"]]
    ways += [["--vendor-check", "."], ["--show-fixes", "--write"]]
    for way in ways:
        assert not COMMAND.search(shown(run(*way))), way


@posix
@pytest.mark.parametrize("name", NAMES)
def test_formats_for_programs_hold_no_other_command(here: Path, name: str) -> None:
    (here / name).write_text(SAVER)
    for each in FORMATS.keys() - {*TEXTS, "github", "statistics"}:
        text = shown(run("--output-format", each))
        assert not COMMAND.search(text), each
        if each != "junit":
            assert json.loads(text)
        else:
            ET.fromstring(text)
    lines = shown(run("--output-format", "github")).splitlines()
    assert len([line for line in lines if line.startswith("::warning ")]) == len(lines) == 1


@posix
def test_a_name_is_shown_as_it_is_otherwise(here: Path) -> None:
    for name in ("::a.py", "b::c.py", "#d.py", "e f.py"):
        (here / name).write_text(SAVER)
    lines = run("--output-format", "concise").stdout.splitlines()[:-1]
    assert [line.split(":5:10:")[0] for line in lines] == ["#d.py", "./::a.py", "b::c.py", "e f.py"]
    # What JSON says is still the name.
    (here / "g##[h.py").write_text(SAVER)
    found = json.loads(run("--output-format", "json", "g##[h.py").stdout)
    assert found[0]["filename"].endswith("/g##[h.py")


def test_an_excerpt_is_no_command(here: Path) -> None:
    line = "open('state.json', 'w').write('##[add-matcher]x')  # ##vso[x] \x1b[31m \u202e"
    (here / "a.py").write_text(f"def save(x):\n    {line}\n", encoding="utf-8")
    assert not COMMAND.search(shown(run("--output-format", "full")))


@pytest.mark.parametrize("end", ["\n", ""])
def test_the_context_of_a_patch_is_no_command_and_the_patch_holds(here: Path, end: str) -> None:
    before = f"a\n::add-mask::x\n  ::y\nold\n::z\n ::last{end}"
    after = before.replace("old", "new")
    patch = unified_patch("a.txt", before.encode(), after.encode())
    assert not COMMAND.search(patch.decode())
    (here / "a.txt").write_text(before)
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    assert (here / "a.txt").read_text() == after


@posix
@pytest.mark.parametrize("arguments", [["."], ["--diff", "."], ["--output-format", "json", "."]])
def test_a_reader_that_goes_away_is_one_line(here: Path, arguments: list[str]) -> None:
    for number in range(30):
        (here / f"m{number}.py").write_text(SAVER)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "atomic_fix", "--no-cache", *arguments],
            check=False, stdout=writing, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert done.stderr == b"atomic-fix: error: the output cannot be written: Broken pipe\n"
    assert done.returncode == 2


def closed(redirection: str, *arguments: str) -> tuple[int, str]:
    command = f'"$0" -m atomic_fix --no-cache "$@" {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    return done.returncode, done.stderr


@posix
def test_streams_that_are_closed(here: Path) -> None:
    (here / "a.py").write_text(SAVER)
    line = "atomic-fix: error: the output cannot be written: standard output is closed\n"
    for arguments in ([], ["--write"], ["--version"], ["--show-settings"]):
        assert closed(">&-", *arguments) == (2, line)
        assert closed(">&- 2>&-", *arguments) == (2, "")
    assert (here / "a.py").read_text() == SAVER
    assert closed("2>&-") == (1, "")
    line = "atomic-fix: error: standard input is closed\n"
    assert closed("<&-", "-") == closed("<&-", "--interactive") == (2, line)
    assert closed("<&-") == (1, "")
    # A baseline must not get the number of a stream, and be written into.
    assert closed(">&- 2>&- <&-", "--write-baseline", "--baseline", "known") == (2, "")
    assert closed("2>&- <&-", "--write-baseline", "--baseline", "known") == (0, "")
    assert (here / "known").read_text().startswith("# Findings")
