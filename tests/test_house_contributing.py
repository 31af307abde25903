"""CONTRIBUTING.md adds a rule; the same is done here, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_rule_is_added_in_the_steps_that_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in names:
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)

    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    # A page in a docstring has headings of its own.
    steps = text.partition("## Add a rule in ten minutes\n")[2].partition("\n## Release")[0]
    files = re.findall(
        r"^`(\S+)`:\n\n```(python|diff)\n(.*?)^```$", steps, re.MULTILINE | re.DOTALL
    )
    assert files
    for name, language, block in files:
        if language == "python":
            (copy / name).parent.mkdir(exist_ok=True)
            assert not (copy / name).exists()
            (copy / name).write_text(block, encoding="utf-8")
        else:
            _add_lines(copy / name, block)

    commands = re.findall(r"^\$ python (.*)$", steps, re.MULTILINE)
    assert commands
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        "PYTHONPATH": str(copy / "src"),
    }
    for command in commands:
        done = subprocess.run(
            [sys.executable, *shlex.split(command)],
            cwd=copy, capture_output=True, check=False, text=True, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert "| ATF119 | temp-written-twice |" in (copy / "README.md").read_text(encoding="utf-8")
    assert (copy / "docs" / "rules" / "temp-written-twice.md").is_file()
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, "src/atomic_fix/rules"],
            cwd=copy, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def _add_lines(path: Path, diff: str) -> None:
    """Put each `+` line behind the one that stands before it in the diff."""
    text = path.read_text(encoding="utf-8")
    before = ""
    for line in diff.splitlines():
        if line.startswith("+"):
            assert text.count(before + "\n") == 1, before
            text = text.replace(before + "\n", f"{before}\n{line[1:]}\n")
        before = line[1:]
    path.write_text(text, encoding="utf-8")
