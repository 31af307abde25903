"""CONTRIBUTING.md shows how to add things; the same is done here, in copies of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# What each section leaves in generated files.
SECTIONS = {
    "Add a rule in ten minutes": {
        "README.md": "| ATF119 | temp-written-twice |",
        "mkdocs.yml": "- ATF119 temp-written-twice: rules/temp-written-twice.md\n",
        "docs/rules/temp-written-twice.md": "# ATF119 temp-written-twice\n",
    },
    "Add an API": {"docs/rules/apis.md": "| `onnx.save` | with a handle of `atomic_open`"},
    "Add a word": {},
    "Add a kind of fact": {},
    "Add an output format": {
        "docs/command-line.md": "github, gitlab, junit, rdjson, pylint.\n",
        "docs/configuration.md": "`rdjson`, `pylint`.",
        "docs/atomic-fix.schema.json": '"pylint"',
    },
}
_FILE = re.compile(
    r"^`(\S+)`(, at the end)?:\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
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
    return copy


def _steps(section: str) -> str:
    # A page in a docstring has headings of its own, and they are no sections.
    _, found, rest = TEXT.partition(f"\n## {section}\n")
    assert found
    return re.split(r"\n## (?=Add |Release\n)", rest)[0]


def _change(copy: Path, section: str) -> list[str]:
    """Make the changes that a section shows; return the Python files that it changes."""
    files = _FILE.findall(_steps(section))
    assert len(files) == _steps(section).count("```python") + _steps(section).count("```diff")
    for name, at_the_end, language, block in files:
        path = copy / name
        if language == "diff":
            _apply(path, block)
        elif at_the_end:
            path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{block}", encoding="utf-8")
        else:
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(block, encoding="utf-8")
    return [name for name, *_ in files if name.endswith(".py")]


def _apply(path: Path, diff: str) -> None:
    text = path.read_text(encoding="utf-8")
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        assert all(line[0] in " +-" for line in lines)
        old, new = ("".join(each[1:] for each in lines if each[0] != mark) for mark in "+-")
        assert old != new
        assert f"\n{text}".count(f"\n{old}") == 1, old
        text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
    path.write_text(text, encoding="utf-8")


def _run(copy: Path, *arguments: str) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        "PYTHONPATH": str(copy / "src"),
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy, capture_output=True, check=False, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_section_on_adding_something_is_followed() -> None:
    assert re.findall(r"^## (Add .+)$", TEXT, re.MULTILINE) == [*SECTIONS]


@pytest.mark.parametrize("section", SECTIONS)
def test_what_a_section_shows_is_all_that_is_needed(copy: Path, section: str) -> None:
    _change(copy, section)
    commands = re.findall(r"^\$ python (.*)$", _steps(section), re.MULTILINE)
    assert commands
    for command in commands:
        _run(copy, *shlex.split(command))
    for name, line in SECTIONS[section].items():
        assert line in (copy / name).read_text(encoding="utf-8")
        assert not (ROOT / name).exists() or line not in (ROOT / name).read_text(encoding="utf-8")


def test_what_the_sections_show_has_the_style_and_types_of_the_rest(copy: Path) -> None:
    names = [name for section in SECTIONS for name in _change(copy, section)]
    _run(copy, "-m", "ruff", "check", ".")
    _run(copy, "-m", "ruff", "format", "--check", ".")
    _run(copy, "-m", "mypy", *(name for name in names if not name.startswith("fixtures/")))
    layers = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    _run(copy, "-c", layers)
