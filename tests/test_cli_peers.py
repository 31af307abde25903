"""The options that users of ruff and flake8 know."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main
from atomic_fix.settings import KEYS

SAVER = (
    "import json\n\n\ndef save_checkpoint(path, payload):\n"
    "    path.write_text(json.dumps(payload))\n"
)
UNSYNCED = (
    "import os\n\n\ndef save_checkpoint(path, text):\n    tmp = path.with_suffix('.tmp')\n"
    "    tmp.write_text(text)\n    os.replace(tmp, path)\n"
)
"""Its repair is unsafe."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def make(root: Path, *names: str, text: str = SAVER) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["--no-cache", *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def found(*arguments: str) -> list[str]:
    """The file and code of each finding."""
    result = run("--output-format", "json", *arguments)
    assert (
        result.stderr.removeprefix("warning: no Python files found under the given paths\n") == ""
    )
    return [f"{Path(each['filename']).name} {each['code']}" for each in json.loads(result.stdout)]


def test_each_option_for_a_key_comes_from_the_settings() -> None:
    options = {each.name: each for each in main.params if isinstance(each, click.Option)}
    page = (Path(__file__).parent.parent / "docs/configuration.md").read_text(encoding="utf-8")
    # The option is a path from the current folder, the key one from its file.
    elsewhere = {"baseline"}
    for key in KEYS:
        described = page.partition(f"\n### `{key.name}`\n")[2].partition("\n### ")[0]
        assert f" Option: `--{key.name}`." in described or not key.option
        if key.name not in elsewhere:
            assert (key.attribute in options) is bool(key.option), key.name
        if key.option:
            assert options[key.attribute].help == key.option
            assert options[key.attribute].opts == [f"--{key.name}"]


def test_check_is_understood_unless_it_is_a_path(here: Path) -> None:
    make(here, "a.py")
    assert found("check") == found("check", ".") == found("check", "a.py") == ["a.py ATF101"]
    make(here, "check/b.py")
    assert found("check") == ["b.py ATF101"]


def test_fix_is_write(here: Path) -> None:
    make(here, "a.py")
    result = run("--fix", "--assume-helper", ".")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "atomic_fix.runtime" in (here / "a.py").read_text()


def test_fix_only_reports_nothing_that_is_left(here: Path) -> None:
    make(here, "a.py")
    make(here, "b.py", text=UNSYNCED)
    assert run("--fix", "--assume-helper", ".").exit_code == 1
    make(here, "a.py")
    result = run("--fix-only", "--assume-helper", ".")
    assert result.exit_code == 0
    assert result.stdout == (
        "Fixed 1 finding in 1 file. Repaired code imports `atomic_fix.runtime` (1 file).\n"
    )
    result = run("--fix-only", "--assume-helper", ".")
    assert (result.exit_code, result.stdout) == (0, "Fixed nothing.\n")
    assert json.loads(run("--fix-only", "--output-format", "json", ".").stdout) == []
    result = run("--fix-only", "-", stdin=UNSYNCED)
    assert (result.exit_code, result.stdout, result.stderr) == (0, UNSYNCED, "Fixed nothing.\n")
    (here / "c.py").write_text("open('checkpoint.json', 'w'\n")
    result = run("--fix-only", ".")
    assert result.exit_code == 2
    assert "c.py:1:" in result.stdout


@pytest.mark.parametrize("option", ["--exit-zero", "-e"])
def test_exit_zero_is_for_findings_alone(here: Path, option: str) -> None:
    make(here, "a.py")
    result = run(option)
    assert (result.exit_code, "ATF101" in result.stdout) == (0, True)
    assert run(option, "--diff").exit_code == 0
    assert run("--diff").exit_code == 1
    assert run(option, "missing.py").exit_code == 2


@pytest.mark.parametrize("option", ["--quiet", "-q"])
@pytest.mark.parametrize("style", ["full", "concise", "grouped"])
def test_quiet_leaves_findings_and_errors(here: Path, option: str, style: str) -> None:
    make(here, "a.py")
    loud = run("--output-format", style)
    quiet = run("--output-format", style, option)
    assert (quiet.exit_code, quiet.stderr) == (1, "")
    last = loud.stdout.splitlines()[-1]
    assert last.startswith("Found 1 finding")
    assert quiet.stdout == loud.stdout.removesuffix(f"{last}\n")
    missing = run(option, "--output-format", style, "missing.py").stdout
    error = "ATF000 cannot be read: No such file or directory\n"
    assert (
        missing
        == {
            "full": f"{error} --> missing.py:1:1\n\n",
            "concise": f"missing.py:1:1: {error}",
            "grouped": f"missing.py:\n  1:1  {error}\n",
        }[style]
    )
    assert run("--diff", "--assume-helper").stderr == "Would fix 1 finding in 1 file.\n"
    assert run("--diff", "--assume-helper", option).stderr == ""
    (here / "a.py").write_text("x = 1  # noqa: ATF101\n")
    assert run().stderr.startswith("warning: a.py:1: ")
    result = run(option)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert run(option, "--select", "X").stderr.startswith("atomic-fix: error: ")


@pytest.mark.parametrize("option", ["--verbose", "-v"])
def test_verbose_says_what_came_of_each_file_and_by_whose_settings(here: Path, option: str) -> None:
    make(here, "a.py", "b/c.py")
    make(here, "b/d.py", text=f"{SAVER}x = (\n")
    (here / "b/atomic-fix.toml").write_text("ignore = ['ATF1']\n")
    result = run(option)
    assert result.stdout == run().stdout
    assert result.stderr.splitlines() == [
        "a.py: 1 finding (no configuration file)",
        f"b/c.py: 0 findings ({here}/b/atomic-fix.toml)",
        f"b/d.py: not analysed ({here}/b/atomic-fix.toml)",
    ]
    (here / "b/atomic-fix.toml").write_text("wrong")
    assert run(option).stderr.splitlines()[1] == "b: not analysed (no configuration file)"
    assert run(option, "b/c.py").stderr == "b/c.py: not analysed (a wrong configuration)\n"


def test_colour_goes_by_the_option_before_the_environment(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(here, "a.py")
    assert "\x1b[" not in run().stdout
    assert "\x1b[" in run("--color", "always").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in run("--color", "always").stdout
    assert "\x1b[" not in run("--color", "auto").stdout
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("--color=auto").stdout
    assert "\x1b[" not in run("--color=never").stdout
    assert "\x1b[" not in run("--color=always", "--output-file", "report").stdout
    assert "\x1b[" not in (here / "report").read_text()


def test_exclude_replaces_and_extend_exclude_adds(here: Path) -> None:
    make(here, "a.py", "gen/b.py", "sub/gen/c.py", "venv/d.py", "sub/e_pb2.py")
    everything = ["a.py", "b.py", "e_pb2.py", "c.py"]
    assert found() == [f"{each} ATF101" for each in everything]
    assert found("--exclude", "gen,*_pb2.py") == ["a.py ATF101", "d.py ATF101"]
    assert found("--extend-exclude", "gen", "--extend-exclude", "*_pb2.py") == ["a.py ATF101"]
    # A file that is named is checked, unless --force-exclude says otherwise.
    assert found("--exclude", "a.py", "a.py") == ["a.py ATF101"]
    assert found("--exclude", "a.py", "--force-exclude", "a.py") == []


def test_patterns_of_options_are_relative_to_the_current_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(here, "gen/a.py", "sub/gen/b.py", "sub/c.py", "sub/drop/d.py")
    (here / "atomic-fix.toml").write_text(
        'extend-exclude = ["/sub/drop/"]\nper-file-ignores = { "/gen/" = ["ATF"] }\n'
    )
    assert found() == ["c.py ATF101", "b.py ATF101"]
    monkeypatch.chdir(here / "sub")
    assert found() == ["c.py ATF101", "b.py ATF101"]
    assert found("--extend-exclude", "/gen/") == ["c.py ATF101"]
    assert found("--exclude", "/gen/") == ["c.py ATF101"]
    assert found("--per-file-ignores", "/gen/:ATF1,/c.py:ATF1") == []
    assert found("--per-file-ignores", "/sub/gen/:ATF1", "..") == [
        "a.py ATF101", "c.py ATF101", "b.py ATF101"
    ]  # fmt: skip
    # Above the folder of the configuration, too.
    monkeypatch.chdir(here)
    (here / "sub/atomic-fix.toml").write_text("")
    assert found("--exclude", "/sub/", "--force-exclude", "sub/c.py", "gen/a.py") == []


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("a.py:ATF1", ["b.py", "c.py"]),
        ("a.py:ATF1,b.py:ATF101", ["c.py"]),
        ("a.py:ATF2,ATF1,b.py:ATF101", ["c.py"]),  # as flake8 has it
        ("a.py,b.py:ATF1", ["c.py"]),
        ("a.py:ATF2 b.py:ATF1\n  c.py:ATF1", ["a.py"]),
        ("[ab].py:atf101", ["c.py"]),
        ("a.py:ATF2,ATF1,b.py,c.py:ATF1", []),
    ],
)
def test_per_file_ignores(here: Path, value: str, left: list[str]) -> None:
    make(here, "a.py", "b.py", "c.py")
    assert found("--per-file-ignores", value) == [f"{each} ATF101" for each in left]


def test_per_file_ignores_of_one_pattern_add_up(here: Path) -> None:
    make(here, "a.py")
    for values in (("a.py:ATF1", "a.py:ATF2"), ("a.py:ATF2,a.py:ATF1",)):
        assert found(*(word for each in values for word in ("--per-file-ignores", each))) == []


def test_min_confidence(here: Path) -> None:
    make(here, "a.py")
    (finding,) = json.loads(run("--output-format", "json").stdout)
    assert 0.5 < finding["confidence"] < 1
    assert found("--min-confidence", "1") == []
    assert found("--min-confidence", "0") == ["a.py ATF101"]
    (here / "atomic-fix.toml").write_text("min-confidence = 1\n")
    assert found() == []
    assert found("--min-confidence", "0") == ["a.py ATF101"]


def test_config_sets_any_key(here: Path) -> None:
    make(here, "a.py", "b.py")
    (here / "atomic-fix.toml").write_text("min-confidence = 1\n")
    (here / "other.toml").write_text('per-file-ignores = { "a.py" = ["ATF"] }\n')
    assert found("--config", "min-confidence=0.5") == ["a.py ATF101", "b.py ATF101"]
    assert found("--config", "other.toml") == ["b.py ATF101"]
    # A key beside a file, keys of keys, and an option before a key.
    assert found("--config", "other.toml", "--config", 'ignore=["ATF101"]') == []
    assert found("--config", 'per-file-ignores."b.py"=["ATF1"]', "--config=min-confidence=0") == [
        "a.py ATF101"
    ]
    assert found("--isolated", "--config", "min-confidence=1") == []
    assert found("--isolated", "--config", "min-confidence=1", "--min-confidence=0") == [
        "a.py ATF101", "b.py ATF101"
    ]  # fmt: skip
    assert (
        'loaders = ["mylib.load"]'
        in run("--config", 'loaders=["mylib.load"]', "--show-settings").stdout.splitlines()
    )
    # A file may be called like that.
    (here / "min-confidence=1").write_text('ignore = ["ATF101"]\n')
    assert found("--config", "min-confidence=1") == []


def test_explain_takes_the_beginning_of_codes() -> None:
    pages = [run("--explain", code).stdout.strip() for code in ("ATF201", "ATF202", "ATF203")]
    assert run("--explain", "atf2").stdout.strip() == "\n\n\n".join(pages)
    assert run("--explain", "ATF").stdout.startswith("ATF000 not-analysed\n")
    assert run("--explain", "").exit_code == 2
