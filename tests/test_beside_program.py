"""Scripts for the developers of a program, which stand next to its package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix.cli import main
from atomic_fix.source import folder_of_scripts

SCRIPT = """\
import json


def update(path):
    with open(path) as file:
        rows = json.load(file)
    rows.sort()
    with open(path, "w") as file:
        json.dump(rows, file)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SCRIPT if path.stem == "job" else "")


def reported(*paths: str) -> list[str]:
    arguments = ["--no-cache", "--isolated", "--output-format", "json", "--exit-zero", *paths]
    result = CliRunner().invoke(main, arguments)
    found = (Path(each["filename"]) for each in json.loads(result.stdout))
    return [each.relative_to(Path.cwd()).as_posix() for each in found]


def test_what_is_no_program_needs_more_evidence(here: Path) -> None:
    put(here, "pyproject.toml", "app/__init__.py", "app/job.py", "tools/job.py", "tools/a/job.py")
    put(here, ".github/scripts/job.py", "app/tools/job.py")
    assert reported(".") == ["app/job.py", "app/tools/job.py"]
    # However it is asked for.
    assert reported("tools/job.py", "tools/a") == []


def test_a_package_and_a_folder_of_programs_are_the_program(here: Path) -> None:
    put(here, "pyproject.toml", "tools/__init__.py", "tools/job.py", "scripts/job.py")
    assert reported("tools") == ["tools/job.py"]
    (here / "pyproject.toml").unlink()
    assert reported("scripts") == ["scripts/job.py"]


@pytest.mark.parametrize("package", ["app", "src/app", "custom_components/app"])
def test_what_stands_beside_a_package_is_no_program_either(here: Path, package: str) -> None:
    put(here, ".git/HEAD", "scripts/job.py", "tools/job.py", "tests/__init__.py")
    assert reported(".") == ["scripts/job.py", "tools/job.py"]
    put(here, f"{package}/__init__.py", "scripts/__init__.py")
    assert reported(".") == []
    put(here, "tools/__init__.py")
    assert reported(".") == ["tools/job.py"]


def test_scripts_of_the_documentation_are_no_program(here: Path) -> None:
    put(here, "pyproject.toml", "docs/job.py", "doc/a/scripts/job.py", "docs/examples/job.py")
    assert reported(".") == ["docs/examples/job.py"]


def test_it_counts_for_loads_and_publications_as_well(here: Path) -> None:
    put(here, "pyproject.toml")
    text = """
import json, os

def load(index_path):
    try:
        with open(index_path) as file:
            return json.load(file)
    except ValueError:
        return {}

def save(index_path, rows):
    with open(index_path + ".tmp", "w") as file:
        json.dump(rows, file)
    os.replace(index_path + ".tmp", index_path)
"""
    for folder in ("app", "devscripts"):
        (here / folder).mkdir()
        (here / folder / "work.py").write_text(text)
    assert reported("app") == ["app/work.py"] * 2
    (here / "app/__init__.py").touch()
    (here / "devscripts/__init__.py").touch()
    assert reported("devscripts") == []


def test_the_reason_is_explained(here: Path) -> None:
    put(here, "pyproject.toml", "tools/job.py")
    result = CliRunner().invoke(main, ["--isolated", "--explain-finding", "tools/job.py:8"])
    assert "beside-program: it is a script beside the program" in result.output


@pytest.mark.parametrize(
    ("folder", "top"),
    [("tools", "tools"), ("Scripts/a/b", "Scripts"), (".github/x", ".github"), ("toolset", ""),
     ("app/tools", ""), ("", ""), ("dev-tools\\a", "dev-tools"), ("devscripts", "devscripts"),
     ("docs", "docs"), ("doc/ci/a", "doc"), ("docs/a", "")],
)  # fmt: skip
def test_folders_of_scripts_are_at_the_top(folder: str, top: str) -> None:
    assert folder_of_scripts(folder) == top
