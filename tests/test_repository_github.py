"""The GitHub action and the workflows: valid, and the action's own steps are run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.test_precommit import git
from tests.test_repository import script

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
    """It would be run as code; in an environment variable it remains text."""
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


def test_zizmor_finds_nothing() -> None:
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [program, "--offline", "--no-progress", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_step_needs_more_than_every_runner_has() -> None:
    """macOS has bash 3.2, and Windows has no `bin` in a virtual environment."""
    for step in ACTION["runs"]["steps"]:
        assert not re.search(r"mapfile|readarray|declare|\[@\]|/bin/", step.get("run", ""))
        assert step.get("shell", "bash") == "bash"


def test_inputs_reach_python_on_windows_as_they_were_given() -> None:
    """Git's bash rewrites variables that look like POSIX paths, such as `--exclude=/docs/`."""
    steps = [each for each in ACTION["runs"]["steps"] if "action.py" in each.get("run", "")]
    assert [each["name"] for each in steps] == ["Key of the cache", "Install", "Check"]
    for step in steps:
        assert step["env"]["MSYS2_ENV_CONV_EXCL"] == "*"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of this repository that a runner has."""
    source = tmp_path_factory.mktemp("action")
    for name in ("pyproject.toml", "README.md", "LICENSE", "src", ".github"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    return source


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """A folder for the runner's temporary files, after the action was installed."""
    folder = tmp_path_factory.mktemp("runner")
    code, log = _run_step(_step("Install"), folder, _values(source), folder)
    assert code == 0, log
    return folder


def _step(name: str) -> dict[str, Any]:
    (found,) = [step for step in ACTION["runs"]["steps"] if step["name"] == name]
    return dict(found)


def _values(source: Path, **inputs: str) -> dict[str, str]:
    """The values of the action's expressions."""
    given = {name.replace("_", "-"): each for name, each in inputs.items()}
    assert set(given) <= set(ACTION["inputs"])
    return {
        "github.action_path": str(source),
        "steps.python.outputs.python-path": sys.executable,
        **{
            f"inputs.{name}": given.get(name, spec["default"])
            for name, spec in ACTION["inputs"].items()
        },
    }


def _run_step(
    step: dict[str, Any], temporary: Path, values: dict[str, str], folder: Path, event: str = ""
) -> tuple[int, str]:
    """Run one `run` step as a runner does, with its expressions replaced by `values`."""
    folder_of_key = str(temporary / "atomic-fix" / "key")
    values = {
        "runner.temp": str(temporary),
        "steps.key.outputs.folder": folder_of_key,
        **values,
    }
    environment = {
        name: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values[match[1]], text)
        for name, text in step["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder, capture_output=True, check=False, text=True,
        env={
            **os.environ, **environment,
            "GITHUB_EVENT_PATH": event, "GITHUB_OUTPUT": str(temporary / "output"),
        },
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def run_action(
    temporary: Path, folder: Path, source: Path, event: str = "", **inputs: str
) -> tuple[int, str, dict[str, Any]]:
    """The exit code, log and SARIF of the action once it is installed, without the upload."""
    values = _values(source, **inputs)
    (temporary / "output").write_text("")
    code, log = _run_step(_step("Check"), temporary, values, folder, event)
    assert code == 0, log
    for line in (temporary / "output").read_text().splitlines():
        name, _, value = line.partition("=")
        values[f"steps.check.outputs.{name}"] = value
    sarif = json.loads(Path(values["steps.check.outputs.sarif"]).read_text(encoding="utf-8"))
    code, _ = _run_step(_step("Result"), temporary, values, folder)
    return code, log, sarif


def test_the_action_finds_and_fails(installed: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "with space" / "a.py").write_text(UNSAFE)
    (tmp_path / "b.py").write_text(UNSAFE)
    code, log, sarif = run_action(installed, tmp_path, source)
    assert code == 1
    assert len(sarif["runs"][0]["results"]) == 2
    assert len(re.findall("^::warning .*title=.*ATF101", log, re.MULTILINE)) == 2
    code, _, sarif = run_action(installed, tmp_path, source, paths="with space\n", fail="false")
    assert code == 0
    assert len(sarif["runs"][0]["results"]) == 1
    code, _, sarif = run_action(installed, tmp_path, source, arguments="--ignore=ATF1\n")
    assert (code, sarif["runs"][0]["results"]) == (0, [])


def test_the_action_takes_a_configuration_and_a_baseline(
    installed: Path, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(UNSAFE)
    (tmp_path / "my config.toml").write_text('ignore = ["ATF1"]\n')
    code, _, sarif = run_action(installed, tmp_path, source, config="my config.toml")
    assert (code, sarif["runs"][0]["results"]) == (0, [])
    (tmp_path / "known").write_text("a.py ATF101 1 path.write_text(text)\n")
    code, _, sarif = run_action(installed, tmp_path, source, baseline="known")
    assert (code, sarif["runs"][0]["results"]) == (0, [])


def test_the_action_fails_on_what_could_not_be_analysed(
    installed: Path, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("def broken(:\n    open('checkpoint.json', 'w')\n")
    code, _, _ = run_action(installed, tmp_path, source, fail="false")
    assert code == 2


def test_an_error_of_the_command_fails_the_step(
    installed: Path, source: Path, tmp_path: Path
) -> None:
    # Not even if an earlier use in the same job has left a report.
    (installed / "atomic-fix" / "key" / "atomic-fix.sarif").write_text("{}")
    values = _values(source, arguments="--no-such-option")
    code, log = _run_step(_step("Check"), installed, values, tmp_path)
    assert code == 2
    assert "No such option" in log


@pytest.fixture
def pull_request(tmp_path: Path) -> tuple[Path, Path]:
    """A repository at the merge of a pull request, and the event for it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "old.py").write_text(UNSAFE)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Base")
    base = git(folder, "rev-parse", "HEAD").strip()
    git(folder, "checkout", "--quiet", "-b", "change")
    (folder / "new.py").write_text(UNSAFE)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Change")
    git(folder, "checkout", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "--message=Merge", "change")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    return folder, event


@pytest.mark.parametrize("ref", ["main", "change"])
def test_only_what_a_pull_request_changes(
    installed: Path, source: Path, pull_request: tuple[Path, Path], ref: str
) -> None:
    folder, event = pull_request
    git(folder, "checkout", "--quiet", ref)
    code, _, sarif = run_action(installed, folder, source, str(event), diff_base="auto")
    (result,) = sarif["runs"][0]["results"]
    assert code == 1
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "new.py"
    # Other events have no base.
    event.write_text("{}")
    _, _, sarif = run_action(installed, folder, source, str(event), diff_base="auto")
    assert len(sarif["runs"][0]["results"]) == 2


def test_a_commit_message_may_be_in_any_encoding(
    installed: Path, source: Path, pull_request: tuple[Path, Path]
) -> None:
    folder, event = pull_request
    (folder.parent / "message").write_bytes(b"Merge of Zo\xeb\n")
    named = ("--amend", f"--file={folder.parent / 'message'}")
    git(folder, "-c", "i18n.commitEncoding=latin1", "commit", "--quiet", *named)
    code, log, _ = run_action(installed, folder, source, str(event), diff_base="auto")
    assert code == 1
    assert len(re.findall("^::warning .*title=.*ATF101", log, re.MULTILINE)) == 1


def test_what_the_runner_reads_is_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    action = _action()
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        (tmp_path / "atomic-fix.sarif").touch()
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(action.subprocess, "run", run)
    assert action.check(tmp_path, ["--", "."]) == (tmp_path / "atomic-fix.sarif", 1)
    for command in ran:
        assert command[1:6] == ["-I", "-X", "utf8", "-m", "atomic_fix"]
    assert "--output-format=github" in ran[-1]


@pytest.mark.parametrize(("depth", "enough"), [(1, False), (2, True)])
def test_a_shallow_checkout_has_the_base_or_the_step_says_what_to_do(
    installed: Path, source: Path, pull_request: tuple[Path, Path], depth: int, enough: bool
) -> None:
    folder, event = pull_request
    shallow = folder.parent / "shallow"
    git(folder, "clone", "--quiet", f"--depth={depth}", folder.as_uri(), str(shallow))
    values = _values(source, diff_base="auto")
    code, log = _run_step(_step("Check"), installed, values, shallow, str(event))
    assert (code == 0) == enough, log
    assert ("::error::diff-base: auto needs the base of the pull request" in log) != enough


def test_what_is_installed(installed: Path, source: Path, tmp_path: Path) -> None:
    action = _action()
    assert action.requirement("", "/action") == "/action"
    assert action.requirement("1.2.0", "/action") == "atomic-fix==1.2.0"
    assert action.requirement("git+https://host/x@abc", "/action") == "git+https://host/x@abc"
    # With the wheels of the cache, nothing is built: here, nothing could be.
    wheels = Path("atomic-fix", "key", "wheels")
    shutil.copytree(installed / wheels, tmp_path / wheels)
    values = _values(source, version="git+file:///nowhere@main")
    code, log = _run_step(_step("Install"), tmp_path, values, tmp_path)
    assert code == 0, log


def test_the_key_of_the_cache_follows_what_is_installed(source: Path, tmp_path: Path) -> None:
    code, log = _run_step(_step("Key of the cache"), tmp_path, _values(source), tmp_path)
    assert code == 0, log
    output = dict(each.split("=", 1) for each in (tmp_path / "output").read_text().splitlines())
    first = output["key"]
    assert re.fullmatch(r"atomic-fix-[\w-]+-3\.\d+-[0-9a-f]{32}", first)
    action = _action()
    copy = tmp_path / "copy"
    shutil.copytree(source, copy)
    assert action.key("", copy) == first
    assert action.key("1.0", copy) != first
    with (copy / "src" / "atomic_fix" / "cli.py").open("a") as file:
        file.write("# changed\n")
    assert action.key("", copy) != first
    # A second use in the same job, with another version, does not find the wheels of the first.
    folders = {output["folder"]}
    for version in ("1.0", "2.0"):
        (tmp_path / "output").unlink()
        code, log = _run_step(
            _step("Key of the cache"), tmp_path, _values(source, version=version), tmp_path
        )
        assert code == 0, log
        folders.add((tmp_path / "output").read_text().splitlines()[1])
    assert len(folders) == 3
    assert Path(output["folder"]).parent == tmp_path / "atomic-fix"


def test_pythons_of_one_version_that_need_other_wheels_have_other_keys(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = _action()
    keys = set()
    for suffix in (".cp314-win_amd64.pyd", ".cp314t-win_amd64.pyd"):
        monkeypatch.setattr(action.sysconfig, "get_config_var", {"EXT_SUFFIX": suffix}.get)
        keys.add(action.key("", source))
    assert len(keys) == 2


def test_the_environment_has_its_python_where_the_system_puts_it() -> None:
    python_of = _action().python_of
    assert python_of(Path(sys.prefix)).is_file()
    assert python_of(Path("e"), "nt") == Path("e", "Scripts", "python.exe")
    assert python_of(Path("e"), "posix") == Path("e", "bin", "python")


def _action() -> ModuleType:
    return script("action", ".github")
