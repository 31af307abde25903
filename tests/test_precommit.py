"""The hooks as pre-commit and prek run them, installed from this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atomic_fix.run.discover import SUFFIXES
from atomic_fix.source import NOTEBOOK

ROOT = Path(__file__).parent.parent
INSTALLED = (
    "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "src",
)  # fmt: skip

UNSAFE = """\
import json


def save_checkpoint(path, payload):
    path.write_text(json.dumps(payload), encoding="utf-8")
"""
CLEAN = "print('nothing durable here')\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with what is needed to install the hooks, as it is in the tree."""
    folder = tmp_path_factory.mktemp("hooks") / "atomic-fix"
    folder.mkdir()
    for name in INSTALLED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Hooks")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environment of the hooks is kept; it is created once for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository with staged files, as before a commit."""
    git(tmp_path, "init", "--quiet")
    return tmp_path


DECLARES = '[project]\nname = "app"\ndependencies = ["atomic-fix"]\n'


def stage(project: Path, **files: str) -> None:
    for name, text in files.items():
        (project / f"{name}.py").write_text(text, encoding="utf-8")
    git(project, "add", "--all")


def run(tool: str, cache: Path, project: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and output of one run of the tool in the project."""
    done = subprocess.run(
        [*_command(tool), *arguments, "--all-files", "--verbose"],
        cwd=project,
        capture_output=True,
        check=False,
        text=True,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "PRE_COMMIT_HOME": str(cache / "pre-commit"),
            "PREK_HOME": str(cache / "prek"),
            "PRE_COMMIT_COLOR": "never",
        },
    )
    return done.returncode, done.stdout + done.stderr


def _command(tool: str) -> list[str]:
    if tool == "pre-commit":
        return [sys.executable, "-m", "pre_commit"]
    found = shutil.which(
        tool, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    assert found is not None, f"{tool} is among the development dependencies"
    return [found]


def outcomes(output: str) -> dict[str, str]:
    """Passed or Failed, by the name of the hook."""
    return dict(re.findall(r"^(atomic-fix \(\w+\))\.+(\w+)$", output, re.MULTILINE))


# `pre-commit try-repo` installs the hooks anew each time, so it tries both of them at once.
@pytest.mark.parametrize("tool", ["pre-commit", "prek"])
def test_try_repo_clean_failing_and_repairing(
    tool: str, cache: Path, hooks: Path, project: Path
) -> None:
    stage(project, clean=CLEAN)
    code, output = run(tool, cache, project, "try-repo", str(hooks))
    assert code == 0, output
    assert outcomes(output) == {"atomic-fix (report)": "Passed", "atomic-fix (repair)": "Passed"}

    # What is installed for the hook is not there when the program runs.
    stage(project, unsafe=UNSAFE)
    code, output = run(tool, cache, project, "try-repo", str(hooks))
    assert code == 1, output
    assert "unsafe.py: not repaired: it would import `atomic_fix.runtime`, and what pre-commit" in (
        output
    )
    assert "run `atomic-fix --vendor atomic_io.py`" in output
    assert "files were modified by this hook" not in output
    assert (project / "unsafe.py").read_text(encoding="utf-8") == UNSAFE

    (project / "pyproject.toml").write_text(DECLARES, encoding="utf-8")
    stage(project)
    code, output = run(tool, cache, project, "try-repo", str(hooks))
    assert code == 1, output
    assert outcomes(output) == {"atomic-fix (report)": "Failed", "atomic-fix (repair)": "Failed"}
    assert " --> unsafe.py:5:5\n" in output
    assert "ATF101 a crash during this write" in output
    assert "Fixed unsafe.py: ATF101 Write with `atomic_write_json` (imports `atomic_fix.runti" in (
        output
    )
    assert "Repaired code imports `atomic_fix.runtime` (1 file)." in output
    assert "files were modified by this hook" in output
    assert "atomic_write_json(path, payload" in (project / "unsafe.py").read_text(encoding="utf-8")


@pytest.fixture
def configured(hooks: Path, project: Path) -> Path:
    """A project with both hooks in its configuration, as the README describes."""
    revision = git(hooks, "rev-parse", "HEAD").strip()
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n"
        "      - id: atomic-fix\n      - id: atomic-fix-write\n",
        encoding="utf-8",
    )
    return project


def test_what_was_repaired_passes(cache: Path, configured: Path) -> None:
    (configured / "pyproject.toml").write_text(DECLARES, encoding="utf-8")
    stage(configured, unsafe=UNSAFE)
    code, output = run("pre-commit", cache, configured, "run", "atomic-fix-write")
    assert code == 1, output
    stage(configured)
    code, output = run("pre-commit", cache, configured, "run")
    assert code == 0, output


def test_a_report_changes_nothing(cache: Path, configured: Path) -> None:
    stage(configured, unsafe=UNSAFE)
    code, output = run("pre-commit", cache, configured, "run", "atomic-fix")
    assert code == 1, output
    assert "exit code: 1" in output
    assert (configured / "unsafe.py").read_text(encoding="utf-8") == UNSAFE


def test_a_file_that_cannot_be_analysed_fails(cache: Path, configured: Path) -> None:
    stage(configured, broken="def broken(:\n    open('checkpoint.json', 'w')\n")
    code, output = run("pre-commit", cache, configured, "run")
    assert code == 1, output
    assert output.count("exit code: 2") == 2
    assert output.count("ATF000 cannot be parsed: invalid syntax\n --> broken.py:1:12\n") == 2


def test_one_process_for_all_files(cache: Path, configured: Path) -> None:
    """Several processes would each print a summary, and divide the counts of the baseline."""
    stage(configured, **{f"case_{number}": UNSAFE for number in range(100)})
    code, output = run("pre-commit", cache, configured, "run", "atomic-fix")
    assert code == 1
    assert output.count("Found 100 findings") == 1


def test_hooks_take_what_is_checked_in_folders_too() -> None:
    from identify import identify

    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert len(hooks) == 2
    for hook in hooks:
        names = ("a.py", "b.pyw", "c.ipynb", "stub.pyi", "d.json")
        taken = [each for each in names if {*hook["types_or"]} & identify.tags_from_filename(each)]
        assert taken == [each for each in names if each.endswith((*SUFFIXES, NOTEBOOK))]
        assert "types" not in hook
