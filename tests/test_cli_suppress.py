"""Comments that suppress findings, through the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main

SAVER = """\
import json


def save_checkpoint(path, payload):
    path.write_text(json.dumps(payload)){comment}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, ["--output-format", "concise", *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


HIDDEN = "Not shown: 1 suppressed by comments."


def test_the_summary_counts_what_is_hidden(here: Path) -> None:
    for name, comment in (("a", ""), ("b", "  # noqa"), ("c", "  # noqa: ATF101 -- why")):
        (here / f"{name}.py").write_text(SAVER.format(comment=comment))
    options = ("--baseline", "known")
    assert run("--write-baseline", *options).exit_code == 0
    (here / "d.py").write_text(SAVER.format(comment=""))
    hidden = "Not shown: 2 suppressed by comments, 1 in the baseline."
    for result in (run(*options), run("--output-format", "full", *options), run("-v", *options)):
        assert result.exit_code == 1
        assert result.stdout.splitlines()[-1] == (
            f"Found 1 finding (1 fixable with --write). {hidden}"
        )
    both = SAVER.format(comment="") + SAVER.format(comment="  # noqa")
    for way, last in (((), "Found 1"), (("--write", "--assume-helper"), "Fixed 1")):
        said = run("-", *way, stdin=both).output.splitlines()[-1]
        assert said.startswith(last)
        assert said.endswith(HIDDEN)
    assert run("--write", "--assume-helper", *options).stdout == (
        "Fixed 1 finding in 1 file. Repaired code imports `atomic_fix.runtime` (1 file). "
        f"{hidden}\n"
    )
    # Neither of the two, but left out of the run.
    assert run("--ignore", "ATF1").stdout == "No findings in 4 files.\n"
    assert run("--per-file-ignores", "*:ATF1").stdout == "No findings in 4 files.\n"
    assert run("--output-format", "json", "b.py").stdout == "[]\n"


def test_the_count_is_the_same_out_of_the_cache(here: Path) -> None:
    for number in range(20):
        (here / f"a{number}.py").write_text(SAVER.format(comment="  # noqa"))
        os.utime(here / f"a{number}.py", (1, 1))
    first = run("--cache-dir", "cache")
    assert first.stdout == "No findings in 20 files. Not shown: 20 suppressed by comments.\n"
    assert list((here / "cache").iterdir())
    assert run("--cache-dir", "cache").stdout == first.stdout


@pytest.mark.parametrize(
    "comment", ["  # noqa", "  # noqa: ATF101", "  # noqa: ATF", "  # noqa: E501,ATF1 -- why"]
)
def test_a_comment_suppresses_and_nothing_is_repaired_under_it(here: Path, comment: str) -> None:
    text = SAVER.format(comment=comment)
    (here / "a.py").write_text(text)
    result = run()
    assert (result.exit_code, result.output) == (0, f"No findings in 1 file. {HIDDEN}\n")
    assert run("--write", "--unsafe-fixes").exit_code == 0
    assert (here / "a.py").read_text() == text


def test_a_comment_for_another_code_does_not(here: Path) -> None:
    (here / "a.py").write_text(SAVER.format(comment="  # noqa: E501"))
    assert run().exit_code == 1


@pytest.mark.parametrize("form", ["# flake8: noqa\n{}", "# atomic-fix: off\n{}# atomic-fix: on\n"])
def test_a_file_or_a_range_may_be_switched_off(here: Path, form: str) -> None:
    (here / "a.py").write_text(form.format(SAVER.format(comment="")))
    assert run().exit_code == 0
    assert run("--write", "--unsafe-fixes").exit_code == 0
    assert "path.write_text(" in (here / "a.py").read_text()
    (here / "a.py").write_text(form.format("x = 1\n") + SAVER.format(comment=""))
    assert run().exit_code == (0 if "flake8" in form else 1)


def test_unused_suppressions_are_warnings(here: Path) -> None:
    (here / "a.py").write_text(
        "# atomic-fix: off\nx = 1\n# atomic-fix: on\n# atomic-fix: of\n"
        "y = 2  # noqa: ATF101, E501\n" + SAVER.format(comment="  # noqa: ATF101,ATF201")
    )
    result = run()
    assert (result.exit_code, result.stdout) == (0, f"No findings in 1 file. {HIDDEN}\n")
    assert result.stderr.splitlines() == [
        "warning: a.py:1: `# atomic-fix: off` suppresses nothing",
        "warning: a.py:4: `# atomic-fix: of` switches nothing off or on",
        "warning: a.py:5: `# noqa: ATF101` suppresses nothing",
        "warning: a.py:10: `# noqa: ATF201` suppresses nothing",
    ]


@pytest.mark.parametrize("configured", [True, False])
def test_what_suppresses_nothing_may_fail_the_run(here: Path, configured: bool) -> None:
    (here / "a.py").write_text("x = 1  # noqa: ATF101\n")
    options = [] if configured else ["--fail-on-unused"]
    if configured:
        (here / "atomic-fix.toml").write_text("fail-on-unused = true\n")
    result = run(*options)
    assert (result.exit_code, result.stderr) == (
        1, "warning: a.py:1: `# noqa: ATF101` suppresses nothing\n"
    )  # fmt: skip
    result = run(*options, "-", stdin="x = 1  # noqa: ATF101\n")
    assert (result.exit_code, result.stdout) == (1, "No findings in 1 file.\n")
    (here / "a.py").write_text("x = 1\n")
    assert run(*options).exit_code == 0
    (here / "a.py").write_text('with open(path, "w") as file:\n    def (:\n')
    assert run(*options).exit_code == 2


def test_what_only_stands_in_a_string_is_not_worth_a_word(here: Path) -> None:
    (here / "a.py").write_text("'''\nf(x)  # noqa: ATF101\n'''\nf('# noqa: ATF101')\n")
    assert run().stderr == ""


def test_what_was_not_looked_for_is_not_missed(here: Path) -> None:
    (here / "a.py").write_text("# atomic-fix: off\nx = 1  # noqa: ATF101\n")
    assert run("--select", "ATF2").stderr == ""
    assert run("--ignore", "ATF101").stderr == ""
    assert "ATF101" in run("--select", "ATF1").stderr


def test_a_reason_may_be_required(here: Path) -> None:
    (here / "atomic-fix.toml").write_text("require-reason = true\n")
    (here / "a.py").write_text(SAVER.format(comment="  # noqa: ATF101 -- rebuilt at start"))
    assert run().exit_code == 0
    for comment in ("  # noqa: ATF101", "  # noqa"):
        (here / "a.py").write_text(SAVER.format(comment=comment))
        result = run()
        assert result.exit_code == 1
        assert "the comment that suppresses this finding gives no reason" in result.stdout


def test_add_noqa_holds(here: Path) -> None:
    (here / "a.py").write_text(SAVER.format(comment=""))
    assert run("--add-noqa", "why").exit_code == 0
    assert (here / "a.py").read_text() == SAVER.format(comment="  # noqa: ATF101 -- why")
    assert run().stdout == f"No findings in 1 file. {HIDDEN}\n"


@pytest.mark.parametrize(
    ("name", "text", "deleted"),
    [
        ("pyproject.toml", '[tool.ruff.lint]\nselect = ["E", "RUF"]\n', True),
        ("pyproject.toml", '[tool.ruff.lint]\nextend-select = ["RUF102"]\n', True),
        ("ruff.toml", 'lint.select = ["ALL"]\n', True),
        (".ruff.toml", 'lint.select = ["ALL"]\nlint.external = ["ATF"]\n', False),
        ("ruff.toml", 'lint.select = ["ALL"]\nlint.ignore = ["RUF1"]\n', False),
        ("ruff.toml", 'lint.select = ["E"]\n', False),
        ("pyproject.toml", "[tool.black]\n", False),
        ("ruff.toml", "lint = [\n", False),
    ],
)
def test_a_ruff_that_would_delete_the_comments_is_named(
    here: Path, name: str, text: str, deleted: bool
) -> None:
    """ruff itself is run to see what it does."""
    (here / name).write_text(text)
    (here / "a.py").write_text(SAVER.format(comment=""))
    told = run("--add-noqa", "why").stderr
    assert ("ruff's RUF100 or RUF102 would delete these comments" in told) is deleted
    assert (str(here / name) in told) is deleted
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--fix", "--quiet", "a.py"],
        check=False,
        capture_output=True,
    )
    assert ("ATF101" in (here / "a.py").read_text()) is not deleted
