"""Tests are not checked unless `check-tests` is set: files are recognised by name, functions by
their content."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix import check_source
from atomic_fix.cli import main
from atomic_fix.config import Config
from atomic_fix.flake8_plugin import AtomicFixPlugin
from atomic_fix.run.one_file import check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver
from atomic_fix.source import Source, is_test_file

PROGRAM = """\
import json


def save_checkpoint(path, state):
    path.write_text(json.dumps(state))


def load_checkpoint(path):
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
"""
CODES = ["ATF101", "ATF201"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What lies above the project says nothing.
    folder = tmp_path / "tests" / "project"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def put(folder: Path, name: str, text: str = PROGRAM) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(*arguments: str, stdin: str | None = None) -> tuple[int, list[str]]:
    """The exit code, and the code of each finding."""
    options = ("--output-format", "concise", "--no-cache")
    result = CliRunner().invoke(main, [*options, *arguments], input=stdin)
    codes = [line.split(" ")[1] for line in result.stdout.splitlines() if ": ATF" in line]
    return result.exit_code, codes


TESTS = [
    "test_store.py", "store_test.py", "store_tests.py", "tests.py", "conftest.py", "StoreTest.py",
    "TestStore.py", "tests/store.py", "src/app/tests/deep/store.py", "test/store.py",
    "unit_tests/store.py", "integration-tests/store.py", "features/environment.py",
    "app/features/steps/store.py",
]  # fmt: skip
PROGRAMS = [
    "store.py", "latest.py", "contest.py", "attestation.py", "testing/store.py", "testing.py",
    "testament.py", "src/latest/store.py", "contests/store.py", "protest.py", "Latest.py",
    "features/store.py", "environment.py", "steps/store.py", "my_features/environment.py",
]  # fmt: skip


@pytest.mark.parametrize("name", [*TESTS, *PROGRAMS])
def test_test_files_are_recognised_by_name(name: str) -> None:
    assert is_test_file(name) is (name in TESTS)
    assert is_test_file(name.replace("/", "\\")) is (name in TESTS)
    assert is_test_file(f"/srv/tests/project/{name}") is (name in TESTS and "deep" not in name)


def test_the_command_skips_tests_unless_check_tests(here: Path) -> None:
    put(here, "tests/helpers.py")
    put(here, "app/test_store.py")
    assert run() == (0, [])
    assert run("tests/helpers.py", "app/test_store.py") == (0, [])
    assert run("--check-tests") == (1, [*CODES, *CODES])
    put(here, "app/store.py")
    assert run() == (1, CODES)
    (here / "atomic-fix.toml").write_text("check-tests = true\n")
    assert run() == (1, CODES * 3)


def test_folders_count_from_the_configuration_or_the_project(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here, "store.py")
    put(here, "tests/helpers.py")
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert run(str(here)) == (1, CODES)
    monkeypatch.chdir("tests")
    assert run() == (0, [])
    monkeypatch.chdir("/")
    assert run(str(here)) == (1, CODES)
    (here / "tests/atomic-fix.toml").write_text("")
    assert run(str(here)) == (1, CODES * 2)
    (here / "tests/atomic-fix.toml").unlink()
    (here / ".git").rename(here / "elsewhere")
    (here / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert run(str(here)) == (1, CODES)


def test_standard_input_goes_by_the_name_it_is_given(here: Path) -> None:
    assert run("-", stdin=PROGRAM) == (1, CODES)
    assert run("--stdin-filename", "app/store.py", "-", stdin=PROGRAM) == (1, CODES)
    assert run("--stdin-filename", "tests/store.py", "-", stdin=PROGRAM) == (0, [])
    name = str(here / "tests/store.py")
    assert run("--stdin-filename", name, "-", stdin=PROGRAM) == (0, [])
    assert run("--check-tests", "--stdin-filename", name, "-", stdin=PROGRAM) == (1, CODES)


def test_flake8_and_editors_do_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pyproject.toml").write_text("[tool.atomic-fix]\n")

    def flake8(path: Path) -> int:
        monkeypatch.setattr(AtomicFixPlugin, "_resolver", Resolver({}))  # it remembers
        lines = PROGRAM.splitlines(keepends=True)
        return len(list(AtomicFixPlugin(ast.parse(PROGRAM), str(path), lines).run()))

    def editor(path: Path) -> int:
        source = Source(str(path), PROGRAM, "utf-8", bom=False)
        settings = Resolver({}).for_file(str(path))
        return len(check_file(source, str(path), settings, ReportFilter()).findings)

    for front_end in (flake8, editor):
        assert front_end(put(here, "store.py")) == 2
        assert front_end(put(here, "tests/store.py")) == 0
        (here / "pyproject.toml").write_text("[tool.atomic-fix]\ncheck-tests = true\n")
        assert front_end(here / "tests/store.py") == 2
        (here / "pyproject.toml").write_text("[tool.atomic-fix]\n")


def test_the_library_does_too() -> None:
    def found(name: str, *, check_tests: bool = False) -> list[str]:
        config = Config(check_tests=check_tests)
        return [each.code for each in check_source(PROGRAM.encode(), name, config)]

    assert found("app/store.py") == found("/tests/app/store.py") == CODES
    assert found("tests/store.py") == found("/app/tests/store.py") == []
    assert found("tests/store.py", check_tests=True) == CODES
    broken = check_source(PROGRAM.encode() + b"def broken(:\n", "tests/store.py")
    assert [each.code for each in broken] == ["ATF000"]


def test_an_unparsable_test_is_still_reported(here: Path) -> None:
    put(here, "tests/store.py", PROGRAM + "def broken(:\n")
    assert run() == (2, ["ATF000"])


def test_comments_in_tests_are_not_called_unused(here: Path) -> None:
    put(here, "tests/store.py", PROGRAM.replace("state))", "state))  # noqa: ATF101"))
    assert run("--fail-on-unused") == (0, [])
    put(here, "tests/store.py", PROGRAM.replace("import json", "import json  # noqa: ATF101"))
    assert run("--fail-on-unused", "--check-tests") == (1, CODES)


def test_they_are_not_repaired(here: Path) -> None:
    path = put(here, "tests/store.py")
    run("--write")
    assert path.read_text() == PROGRAM


# --- tests beside the program -------------------------------------------------------

SCRATCH = """\
import json
import unittest

import pytest
"""

FUNCTIONS = {
    "fixture": """
def test_save_state(tmp_path, state):
    (tmp_path / "state.json").write_text(json.dumps(state))
""",
    "fixture of a helper": """
def save_state(tmpdir, state):
    (tmpdir / "nested" / "state.json").write_text(json.dumps(state))
""",
    "asserts": """
def test_round_trip(state_path, state):
    state_path.write_text(json.dumps(state))
    assert json.loads(state_path.read_text()) == state
""",
    "reads it itself": """
def test_round_trip(state_path, state):
    state_path.write_text(json.dumps(state))
    print(json.loads(state_path.read_text()))
""",
    "method of a TestCase": """
class StoreCase(unittest.TestCase):
    def write(self, state):
        with open(self.state_path, "w") as file:
            json.dump(state, file)


class BackedUpStoreCase(StoreCase):
    def write_backed_up(self, state):
        with open(self.state_path, "w") as file:
            json.dump(state, file)
""",
    "class of tests": """
class TestStore:
    def setup_method(self):
        with open(self.state_path, "w") as file:
            json.dump(self.state, file)
""",
    "class called a test": """
class StoreTest(Base):
    def test_saving(self):
        with open(self.state_path, "w") as file:
            json.dump(self.state, file)
""",
    "made for tests": """
@pytest.fixture
def saved_state(state_path, state):
    with open(state_path, "w") as file:
        json.dump(state, file)
""",
    "within a test": """
def test_concurrent_saves(state_path):
    def save_state(state):
        state_path.write_text(json.dumps(state))
    save_state(object())
    assert state_path.exists()
""",
    "handler": """
def test_a_broken_checkpoint(checkpoint_path):
    try:
        json.loads(checkpoint_path.read_text())
    except ValueError:
        pass
    assert checkpoint_path.exists()
""",
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_tests_in_the_file_of_a_program_are_left_out(function: str) -> None:
    program = (SCRATCH + function).encode()
    assert check_source(program, "store.py") == ()


# What is read only after the same run has written it is no state, in a test or elsewhere.
NO_STATE = ("fixture of a helper", "reads it itself")


@pytest.mark.parametrize(
    "function", [text for name, text in FUNCTIONS.items() if name not in NO_STATE]
)
def test_they_are_checked_with_check_tests(function: str) -> None:
    # A scratch folder of pytest is a temp folder in any case.
    program = (SCRATCH + function).replace("tmp_path", "folder")
    assert check_source(program.encode(), "store.py", Config(check_tests=True)) != ()


@pytest.mark.parametrize(
    "function",
    [
        """
def test_connection(self, state_path, state):
    state_path.write_text(json.dumps(state))
    return self.ping()
""",
        """
class TestBench:
    def save_state(self, state):
        with open(self.state_path, "w") as file:
            json.dump(state, file)
""",
        """
def attest_state(state_path, state):
    assert state
    state_path.write_text(json.dumps(state))
""",
    ],
)
def test_what_only_sounds_like_a_test_is_reported(function: str) -> None:
    found = check_source((SCRATCH + function).encode(), "store.py")
    assert [each.code for each in found] == ["ATF101"]
