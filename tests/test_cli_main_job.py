"""The main task, through the command and with the real fixes of the rules: find, show, repair."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main

STORE = """\
\"\"\"Where the crawl left off.\"\"\"

import json
from pathlib import Path


def load_checkpoint(path: Path):
    try:
        raw = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return json.loads(raw)
    except json.JSONDecodeError:
        return None


def save_checkpoint(path: Path, payload):  # called after every page
    path.write_text(json.dumps(payload, indent=2), encoding="utf-8")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "store.py").write_text(STORE)
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["--output-format", "concise", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_both_halves_are_found_shown_repaired_and_stay_so(here: Path) -> None:
    found = run()
    assert found.exit_code == 1
    assert [line.split()[1] for line in found.stdout.splitlines()[:-1]] == ["ATF201", "ATF101"]

    shown = run("--diff", "--unsafe-fixes")
    assert shown.exit_code == 1
    assert (here / "store.py").read_text() == STORE
    repaired = run("--write", "--unsafe-fixes")
    assert (repaired.exit_code, repaired.stdout) == (
        0,
        "Fixed 2 findings in 1 file. Repaired code imports `atomic_fix.runtime` (1 file).\n",
    )
    by_write = (here / "store.py").read_text()

    (here / "store.py").write_text(STORE)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=shown.stdout_bytes, check=True)
    assert (here / "store.py").read_text() == by_write

    again = run("--write", "--unsafe-fixes")
    assert (again.exit_code, again.stdout) == (0, "No findings in 1 file.\n")
    assert (here / "store.py").read_text() == by_write


def test_what_is_repaired_behaves(here: Path) -> None:
    run("--write", "--unsafe-fixes")
    old: dict[str, object] = {}
    new: dict[str, object] = {}
    exec(STORE, old)
    exec((here / "store.py").read_text(), new)
    path = here / "crawl.json"
    load, save = new["load_checkpoint"], new["save_checkpoint"]
    assert callable(load)
    assert callable(save)
    assert load(path) is None
    payload = {"page": 3, "é": [1.5, None, "x"]}
    save(path, payload)
    by_new = path.read_bytes()
    assert load(path) == payload
    old_save = old["save_checkpoint"]
    assert callable(old_save)
    old_save(path, payload)
    assert path.read_bytes() == by_new
    path.write_bytes(by_new[:-4])
    with pytest.raises(ValueError, match=r"crawl\.json") as error:
        load(path)
    assert type(error.value).__name__ == "CheckpointCorruptedError"
