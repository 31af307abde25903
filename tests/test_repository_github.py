"""The GitHub action and the workflows: valid, and the action's own steps are run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

UNSAFE = "def save_checkpoint(path, text):\n    path.write_text(text)\n"


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", [ROOT / "action.yml"])],
    ids=["workflows", "action"],
)
def test_files_for_github_follow_its_schema(schema: str, paths: list[Path]) -> None:
    assert paths
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_for_pre_commit_follow_its_schema() -> None:
    for what, name in (
        ("validate-manifest", ".pre-commit-hooks.yaml"),
        ("validate-config", ".pre-commit-config.yaml"),
    ):
        command = [sys.executable, "-m", "pre_commit", what, name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_is_put_into_a_script() -> None:
    """It would be run as code; through the environment it stays text."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")


def test_only_publishing_may_ask_for_an_identity() -> None:
    allowed = {
        (path.name, name): job.get("permissions")
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items()
        if job.get("permissions")
    }
    assert allowed == {("release.yml", "publish"): {"id-token": "write"}}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the runner's temporary files, after the action's first step."""
    folder = tmp_path_factory.mktemp("runner")
    source = tmp_path_factory.mktemp("action")
    for name in ("pyproject.toml", "README.md", "LICENSE", "src"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    _run_step(ACTION["runs"]["steps"][0], folder, {"github.action_path": str(source)}, folder)
    return folder


def _run_step(
    step: dict[str, Any], temporary: Path, values: dict[str, str], folder: Path
) -> tuple[int, str]:
    """Run one `run` step as a runner does, with its expressions replaced by `values`."""
    values = {"runner.temp": str(temporary), **values}
    environment = {
        name: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values[match[1]], text)
        for name, text in step["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder, capture_output=True, check=False, text=True,
        env={**os.environ, **environment, "GITHUB_OUTPUT": str(temporary / "output")},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def run_action(temporary: Path, folder: Path, **inputs: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, log and SARIF of the action after it was installed, without the upload."""
    values = {
        f"inputs.{name}": inputs.get(name, spec["default"])
        for name, spec in ACTION["inputs"].items()
    }
    check, result = (
        next(step for step in ACTION["runs"]["steps"] if step["name"] == name)
        for name in ("Check", "Result")
    )
    (temporary / "output").write_text("")
    code, log = _run_step(check, temporary, values, folder)
    assert code == 0, log
    for line in (temporary / "output").read_text().splitlines():
        name, _, value = line.partition("=")
        values[f"steps.check.outputs.{name}"] = value
    sarif = json.loads(Path(values["steps.check.outputs.sarif"]).read_text(encoding="utf-8"))
    code, _ = _run_step(result, temporary, values, folder)
    return code, log, sarif


def test_the_action_finds_and_fails(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "with space" / "a.py").write_text(UNSAFE)
    (tmp_path / "b.py").write_text(UNSAFE)
    code, log, sarif = run_action(installed, tmp_path)
    assert code == 1
    assert len(sarif["runs"][0]["results"]) == 2
    assert log.count("title=ATF101") + log.count("ATF101") >= 2
    code, _, sarif = run_action(installed, tmp_path, paths="with space\n", fail="false")
    assert code == 0
    assert len(sarif["runs"][0]["results"]) == 1
    code, _, sarif = run_action(installed, tmp_path, arguments="--ignore=ATF1\n")
    assert (code, sarif["runs"][0]["results"]) == (0, [])


def test_the_action_fails_on_what_could_not_be_analysed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def broken(:\n    open('checkpoint.json', 'w')\n")
    code, _, _ = run_action(installed, tmp_path, fail="false")
    assert code == 2
