"""The command as its user runs it: options, output and exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from atomic_fix import __version__
from atomic_fix.cli import HEADINGS, main
from atomic_fix.rules import RULES

SAVER = b"""\
import json


def save_checkpoint(path, payload):
    path.write_text(json.dumps(payload, indent=2), encoding="utf-8")
"""

LOADER = b"""\
import json


def load_checkpoint(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError:
        return None
"""

CLEAN = b"print('nothing durable here')\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "atomic_fix", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_clean_is_zero_and_says_how_many_files(here: Path) -> None:
    (here / "a.py").write_bytes(CLEAN)
    result = run()
    assert (result.exit_code, result.output) == (0, "No findings in 1 file.\n")


def test_findings_are_one_and_show_place_message_line_and_caret(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    result = run("state.py")
    assert result.exit_code == 1
    first, place, _, line, caret, *rest = result.output.splitlines()
    assert first == "ATF101 a crash during this write destroys the saved state"
    assert place == " --> state.py:5:5"
    assert "the function name contains `checkpoint`" in result.output
    assert line == '5 |     path.write_text(json.dumps(payload, indent=2), encoding="utf-8")'
    assert caret.startswith("  |     ^^^^")
    assert rest[-1].startswith("Found 1 finding (")


def test_the_repair_is_shown_whole(here: Path) -> None:
    (here / "state.py").write_bytes(LOADER)
    lines = [
        "    + from atomic_fix.runtime import CheckpointCorruptedError",
        "    -     except json.JSONDecodeError:",
        "    -         return None",
        "    +     except json.JSONDecodeError as exc:",
        "    +         raise CheckpointCorruptedError(path) from exc",
    ]
    for result in (run(), run("-", "--stdin-filename", "state.py", stdin=LOADER)):
        assert [
            each for each in result.stdout.splitlines() if each[:5] in ("    -", "    +")
        ] == lines


def test_concise_is_one_line_each(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    (here / "both.py").write_bytes(LOADER + SAVER)
    result = run("--output-format", "concise")
    lines = result.output.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["both.py:9:5:", "ATF201"],
        ["both.py:15:5:", "ATF101"],
        ["state.py:5:5:", "ATF101"],
    ]
    assert len(lines) == 4


def test_json_has_the_shape_of_ruff(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    result = run("--output-format", "json")
    (finding,) = json.loads(result.stdout)
    assert finding["code"] == "ATF101"
    assert finding["filename"] == str(here / "state.py")
    assert finding["location"] == {"row": 5, "column": 5}
    assert finding["end_location"]["row"] == 5
    assert finding["noqa_row"] == 5
    assert finding["name"] == "in-place-write"
    assert 0 < finding["confidence"] <= 1
    assert any(
        "function name contains `checkpoint`" in ground["text"] for ground in finding["evidence"]
    )


def test_json_of_nothing_is_an_empty_list(here: Path) -> None:
    (here / "a.py").write_bytes(CLEAN)
    assert json.loads(run("--output-format", "json").stdout) == []


@pytest.mark.parametrize(
    ("name", "content", "place", "reason"),
    [
        ("broken.py", SAVER + b"def (:\n", "6:5", "cannot be parsed: "),
        ("open.py", SAVER + b"x = (1,\n", "6:5", "cannot be parsed: '(' was never closed"),
        ("latin.py", SAVER + b"# caf\xe9\n", "6:1", "cannot be decoded as utf-8"),
        (
            "cookie.py",
            b"# coding: nonsense\n" + SAVER,
            "1:1",
            "cannot be decoded: unknown encoding",
        ),
        ("null.py", SAVER + b"\0", "6:1", "it contains a null byte"),
    ],
)
def test_an_unanalysed_file_is_one_line_and_exit_code_two(
    here: Path, name: str, content: bytes, place: str, reason: str
) -> None:
    (here / name).write_bytes(content)
    (here / "state.py").write_bytes(SAVER)
    result = run("--output-format", "concise")
    assert result.exit_code == 2
    told, other, last = result.output.splitlines()
    assert told.startswith(f"{name}:{place}:")
    assert ": ATF000 " in told
    assert reason in told
    assert other.startswith("state.py:5:5: ATF101")
    assert last.endswith("1 file could not be analysed.")


@pytest.mark.parametrize(
    "content", [b"x = 1\n\n# caf\xe9\n", b"x = 1\0\n", b"# coding: nonsense\n"]
)
def test_a_file_with_nothing_durable_in_it_does_not_pass_undecoded(
    here: Path, content: bytes
) -> None:
    """However quickly such files are skipped."""
    (here / "a.py").write_bytes(content)
    assert run().exit_code == 2
    assert run("--write").exit_code == 2
    assert run("--diff").exit_code == 2
    assert (here / "a.py").read_bytes() == content


def test_a_missing_path_is_one_line_and_two(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    result = run("nope.py", "state.py", "--output-format", "concise")
    assert result.exit_code == 2
    assert result.output.splitlines()[0] == (
        "nope.py:1:1: ATF000 cannot be read: No such file or directory"
    )
    assert "state.py:5:5: ATF101" in result.output


def test_a_file_that_is_no_notebook_is_refused_aloud(here: Path) -> None:
    (here / "a.ipynb").write_text('{"cells": []}')
    for paths in (["a.ipynb"], []):
        result = run(*paths, "--output-format", "concise")
        assert result.exit_code == 2
        assert "a.ipynb:1:1: ATF000 cannot be read as a notebook" in result.output
    (here / "atomic-fix.toml").write_text('extend-exclude = ["*.ipynb"]\n')
    assert run().exit_code == 0


def test_what_cannot_be_analysed_cannot_be_ignored(here: Path) -> None:
    (here / "broken.py").write_bytes(SAVER + b"def (:\n")
    assert run("--ignore", "ATF").exit_code == 2
    result = run("--ignore", "ATF000")
    assert result.exit_code == 2
    assert "unknown rule code `ATF000`" in result.output


def test_finding_no_files_is_reported(here: Path) -> None:
    result = run(str(here))
    assert result.exit_code == 0
    assert "warning: no Python files found" in result.stderr


def test_a_defect_of_ours_does_not_stop_the_others(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import atomic_fix.check as core

    real = core.check

    def check(source: object, config: object, *_: object, **_options: bool) -> object:
        if source.filename == "a.py":  # type: ignore[attr-defined]
            raise KeyError("x")
        return real(source, config)  # type: ignore[arg-type]

    monkeypatch.setattr(core, "check", check)
    (here / "a.py").write_bytes(SAVER)
    (here / "b.py").write_bytes(SAVER)
    result = run("--output-format", "concise")
    assert result.exit_code == 2
    assert "a.py:1:1: ATF000 internal error: KeyError: 'x'" in result.output
    assert "b.py:5:5: ATF101" in result.output


def test_an_interrupt_within_clean_up_is_an_interrupt(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LibCST computes positions in a `finally`, which fails after an interrupt."""

    def check(_source: object, *_: object, **_options: bool) -> object:
        try:
            raise KeyboardInterrupt
        finally:
            dict[str, int]()["a node"]

    monkeypatch.setattr("atomic_fix.check.check", check)
    (here / "a.py").write_bytes(SAVER)
    assert run("--write").exit_code == 130


def test_a_defect_is_one_line_that_can_be_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_source: object, *_: object, **_options: bool) -> object:
        raise ValueError("a\n  whole\n  tree " * 1_000)

    monkeypatch.setattr("atomic_fix.check.check", check)
    (here / "a.py").write_bytes(SAVER)
    (line,) = (row for row in run("--output-format", "concise").output.splitlines() if "ATF" in row)
    assert "internal error: ValueError: a whole tree a whole" in line
    assert len(line) < 300


def test_an_interrupt_is_not_taken_for_findings(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import atomic_fix.check as core

    def interrupt(_source: object, *_: object, **_options: bool) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(core, "check", interrupt)
    (here / "a.py").write_bytes(SAVER)
    assert run("a.py").exit_code == 130


def test_an_interrupt_before_the_first_file_is_none_either(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.Command.parse_args", interrupt)
    result = run("a.py")
    assert result.exit_code == 130
    assert result.output == ""


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ((), ["ATF201", "ATF101"]),
        (("--select", "ATF1"), ["ATF101"]),
        (("--select", "atf101,ATF201"), ["ATF201", "ATF101"]),
        (("--select", "ATF101", "--select", "ATF201"), ["ATF201", "ATF101"]),
        (("--select", "ATF101", "--extend-select", "ATF2"), ["ATF201", "ATF101"]),
        (("--ignore", "ATF2"), ["ATF101"]),
        (("--ignore", "ATF"), []),
    ],
)
def test_select_and_ignore(here: Path, options: tuple[str, ...], codes: list[str]) -> None:
    (here / "both.py").write_bytes(LOADER + SAVER)
    result = run("--output-format", "json", *options)
    assert [finding["code"] for finding in json.loads(result.stdout)] == codes
    assert result.exit_code == (1 if codes else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--select", "ATF999"), "option: `select`: unknown rule code `ATF999`"),
        (("--ignore", "AFT101"), "unknown rule code `AFT101`, did you mean `ATF101`?"),
        (("--explain", "ATF19"), "unknown rule code `ATF19`, did you mean `ATF"),
        (("--config", "durability=atomic"),
         ', as in durability="atomic"'),
        (("--config", "select=ATF1"), ', as in select=["ATF1"]'),
        (("--config", "slect=[]"), "option: unknown key `slect`, did you mean `select`?"),
        (("--config", 'extend="x"'), "--config: `extend` can only stand in a file"),
        (("--config", "a.toml", "--config", "b.toml"), "only one file can be used"),
        (("--min-confidence", "2"), "`min-confidence` must be a number between 0 and 1, not 2.0"),
        (("--per-file-ignores", "a.py"), "'a.py' is not PATTERN:CODE, as in `scripts/:ATF1`"),
        (("--per-file-ignores", "a.py:"), "'a.py:' is not PATTERN:CODE"),
        (("--per-file-ignores", "a.py:X1"), "`per-file-ignores`: unknown rule code `X1`"),
        (("--color", "yes"), "'yes'"),
        (("--fix", "--diff"), "--diff and --write exclude each other"),
        (("--output-format", "xml"), "'xml'"),
        (("--wriet",), "--wri"),
        (("--diff", "--write"), "--diff and --write exclude each other"),
        (("--isolated", "--config", "x"), "--isolated and --config exclude each other"),
        (("--config", "nope.toml"), "nope.toml: cannot be read: No such file or directory"),
        (("-", "a.py"), "cannot be combined with other paths"),
        (("--stdin-filename", "a.py"), "needs the path `-`"),
        (("--show-fixes",), "--show-fixes needs --write"),
        (("--output-file", "no/such/folder/x"), "no/such/folder/x: cannot be written: No such"),
    ],
)  # fmt: skip
def test_wrong_use_is_two_and_says_what_is_wrong(
    here: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_broken_configuration_is_one_line_and_two(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.atomic-fix]\nslect = []\n")
    result = run()
    assert result.exit_code == 2
    assert result.stderr == (
        f"atomic-fix: error: {here / 'pyproject.toml'}: unknown key `slect`, "
        "did you mean `select`?\n"
    )
    assert run("--isolated").exit_code == 0


def test_configuration_holds_for_the_files_below_it(here: Path) -> None:
    for folder in ("a", "b"):
        (here / folder).mkdir()
        (here / folder / "state.py").write_bytes(SAVER)
    (here / "a/pyproject.toml").write_text('[tool.atomic-fix]\nignore = ["ATF101"]\n')
    result = run("--output-format", "concise")
    assert [line.split(":")[0] for line in result.output.splitlines()[:-1]] == ["b/state.py"]


def test_what_is_excluded_stays_out_under_pre_commit(here: Path) -> None:
    """pre-commit names each file."""
    (here / "a.py").write_bytes(SAVER)
    (here / "atomic-fix.toml").write_text('extend-exclude = ["a.py"]\n')
    assert run("a.py").exit_code == 1
    assert run("--force-exclude", "a.py").exit_code == 0
    hooks = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"
    assert hooks.read_text().count("entry: atomic-fix --force-exclude") == 2


def test_per_file_ignores(here: Path) -> None:
    (here / "tools").mkdir()
    (here / "tools/state.py").write_bytes(LOADER + SAVER)
    (here / "state.py").write_bytes(SAVER)
    (here / "atomic-fix.toml").write_text('[per-file-ignores]\n"tools/" = ["ATF1"]\n')
    result = run("--output-format", "concise")
    told = [line.split(" ")[:2] for line in result.output.splitlines()[:-1]]
    assert told == [["state.py:5:5:", "ATF101"], ["tools/state.py:9:5:", "ATF201"]]
    assert run("tools/state.py", "--select", "ATF1").exit_code == 0


def test_standard_input(here: Path) -> None:
    result = run("-", "--output-format", "concise", stdin=SAVER)
    assert result.exit_code == 1
    assert result.output.startswith("-:5:5: ATF101")
    result = run("-", "--stdin-filename", "x/y.py", "--output-format", "concise", stdin=SAVER)
    assert result.output.startswith("x/y.py:5:5: ATF101")
    assert run("-", stdin=b"caf\xe9\n" + SAVER).exit_code == 2


def test_standard_input_has_the_configuration_of_its_file_name(here: Path) -> None:
    (here / "x").mkdir()
    (here / "x/atomic-fix.toml").write_text('ignore = ["ATF101"]\n')
    assert run("-", "--stdin-filename", "x/y.py", stdin=SAVER).exit_code == 0
    assert run("-", "--stdin-filename", "y.py", stdin=SAVER).exit_code == 1


def test_explain_prints_the_page_of_every_rule() -> None:
    for rule in RULES:
        for name in (rule.code, rule.code.lower(), rule.name):
            result = run("--explain", name)
            assert result.exit_code == 0
            assert result.output == f"{rule.code} {rule.name}\n\n{rule.page.strip()}\n"


def test_explain_has_a_page_for_atf000() -> None:
    assert run("--explain", "ATF000").output.startswith("ATF000 not-analysed\n\nThe file could")


def test_version() -> None:
    assert run("--version").output == f"atomic-fix {__version__}\n"


def test_help_is_grouped_fits_one_screen_and_leaves_no_option_out() -> None:
    result = run("--help")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    options = [each for each in main.params if isinstance(each, click.Option)]
    assert set(HEADINGS) <= {each.name for each in options}
    for heading in HEADINGS.values():
        assert lines.count(f"{heading}:") == 1
    for option in ("--help", *(name for each in options for name in each.opts)):
        found = re.findall(rf"^  (?:--?\w+, )?{option}\b(?!-)", result.output, re.MULTILINE)
        assert len(found) == 1


def test_statistics(here: Path) -> None:
    (here / "both.py").write_bytes(LOADER + SAVER)
    (here / "state.py").write_bytes(SAVER)
    result = run("--statistics")
    assert result.output.splitlines()[:2] == [
        "2  ATF101  in-place-write",
        "1  ATF201  swallowed-load-error",
    ]
    assert result.exit_code == 1
    counts = json.loads(run("--statistics", "--output-format", "json").stdout)
    assert [(each["code"], each["count"]) for each in counts] == [("ATF101", 2), ("ATF201", 1)]
    text = run("--statistics", "--output-format", "junit")
    assert text.stdout == result.stdout
    assert (
        text.stderr
        == "warning: --statistics: `junit` has no statistics of its own; printing text\n"
    )


def test_output_file(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    result = run("--output-format", "json", "--output-file", "report.json")
    assert (result.exit_code, result.output) == (1, "")
    assert json.loads((here / "report.json").read_text())[0]["code"] == "ATF101"


def test_show_settings_and_show_files(here: Path) -> None:
    (here / "state.py").write_bytes(SAVER)
    (here / "atomic-fix.toml").write_text("min-confidence = 0.7\n")
    result = run("--show-settings", "--ignore", "ATF2")
    assert result.exit_code == 0
    assert f"# {here / 'atomic-fix.toml'}" in result.output
    assert "min-confidence = 0.7\n" in result.output
    assert 'ignore = ["ATF2"]\n' in result.output
    result = run("--show-files", ".")
    assert (result.exit_code, result.output) == (0, "state.py\n")
    assert run("--show-files", "nope").exit_code == 2


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"NO_COLOR": "", "FORCE_COLOR": ""}, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(here: Path, environment: dict[str, str], coloured: bool) -> None:
    (here / "state.py").write_bytes(SAVER)
    assert (b"\x1b[" in command("state.py", **environment).stdout) is coloured
    assert b"\x1b[" not in command("--output-format", "json", **environment).stdout


def test_names_that_are_not_text_are_printed_on_one_line(here: Path) -> None:
    for name in (b"caf\xe9.py", b"new\nline.py", b"sp ace.py", b"esc\x1b[31m.py"):
        (here / os.fsdecode(name)).write_bytes(SAVER)
    result = command("--output-format", "concise")
    assert result.returncode == 1
    names = sorted(line.split(b":5:5: ")[0] for line in result.stdout.splitlines()[:-1])
    assert names == [b"caf\\xe9.py", b"esc\\x1b[31m.py", b"new\\nline.py", b"sp ace.py"]
    assert json.loads(command("--output-format", "json").stdout)


def test_a_terminal_of_few_characters_does_not_end_the_run(here: Path) -> None:
    (here / "stäte.py").write_bytes(SAVER.rstrip() + "  # ✓ é\n".encode())
    result = command(PYTHONIOENCODING="latin-1")
    assert result.returncode == 1, result.stderr
    assert b"st\xe4te.py:5:5" in result.stdout
    assert b"# \\u2713 \xe9" in result.stdout


def test_modules_in_the_current_folder_are_not_taken_for_pythons_own(here: Path) -> None:
    for name in ("copy.py", "json.py", "click.py", "libcst.py"):
        (here / name).write_text("raise SystemExit('the wrong module')\n")
    (here / "state.py").write_bytes(SAVER)
    for options in ([], ["-P"] if sys.version_info >= (3, 11) else ["-I"]):
        done = subprocess.run(
            [sys.executable, *options, "-m", "atomic_fix", "--output-format=concise", "state.py"],
            cwd=here, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (1, ""), done
        assert done.stdout.startswith("state.py:5:5: ATF101")


def test_shell_completion_offers_codes() -> None:
    words = "atomic-fix --select ATF101,AT"
    result = command(_ATOMIC_FIX_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="2")
    assert b"ATF101,ATF201" in result.stdout
    for shell in ("bash", "zsh", "fish"):
        script = command(_ATOMIC_FIX_COMPLETE=f"{shell}_source").stdout
        assert b"_ATOMIC_FIX_COMPLETE" in script


def is_bash_new_enough() -> bool:
    """For click; the one that comes with macOS is older."""
    check = "((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404))"
    return shutil.which("bash") is not None and not subprocess.run(["bash", "-c", check]).returncode


def line_for(shell: str) -> str:
    """The line that the documentation says to put into the shell's configuration."""
    page = (Path(__file__).parent.parent / "docs/command-line.md").read_text(encoding="utf-8")
    return page.partition(f"\n```{shell}\n# ")[2].splitlines()[1]


@pytest.fixture
def on_the_path(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of programs that has only this command, under the name that is completed."""
    (here / "bin").mkdir()
    program = here / "bin" / "atomic-fix"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m atomic_fix "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


COMPLETED = [
    ("--sel", {"--select"}),
    ("--output-fi", {"--output-file"}),
    ("--write-b", {"--write-baseline"}),
    ("--output-format sa", {"sarif"}),
    ("--explain ATF20", {rule.code for rule in RULES if rule.code.startswith("ATF20")}),
]


@pytest.mark.usefixtures("on_the_path")
@pytest.mark.skipif(not is_bash_new_enough(), reason="it is bash 4.4 that completes")
@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_bash_completes(typed: str, offered: set[str]) -> None:
    program = (
        f"{line_for('bash')}\nCOMP_WORDS=(atomic-fix {typed})\n"
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "complete -p atomic-fix >/dev/null && _atomic_fix_completion atomic-fix\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, check=False, text=True
    )
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.usefixtures("on_the_path")
@pytest.mark.skipif(shutil.which("fish") is None, reason="it is fish that completes")
@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_fish_completes(here: Path, typed: str, offered: set[str]) -> None:
    folder = here / "config/fish/completions"
    folder.mkdir(parents=True)
    (folder / "atomic-fix.fish").write_text(f"{line_for('fish')}\n")
    done = subprocess.run(
        ["fish", "--command", f"complete --do-complete 'atomic-fix {typed}'"],
        capture_output=True, check=False, text=True,
        env={**os.environ, "HOME": str(here), "XDG_CONFIG_HOME": str(here / "config")},
    )  # fmt: skip
    found = dict(line.split("\t") for line in done.stdout.splitlines() if "\t" in line)
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == offered, done.stderr
    for option in main.params:
        if (name := f"--{(option.name or '').replace('_', '-')}") in found:
            assert isinstance(option, click.Option)
            assert found[name] == (option.help or "").replace(",", ";")


@pytest.mark.usefixtures("on_the_path")
@pytest.mark.skipif(shutil.which("zsh") is None, reason="it is zsh that completes")
@pytest.mark.parametrize(("typed", "offered"), COMPLETED)
def test_zsh_completes(here: Path, typed: str, offered: set[str]) -> None:
    """In a terminal, when the key is pressed: zsh cannot be asked in any other way."""
    import pty

    (here / ".zshrc").write_text(
        f"autoload -Uz compinit && compinit -u -d {here}/dump\n{line_for('zsh')}\n"
        "setopt no_beep no_list_ambiguous\nPS1='ready> '\nLISTMAX=1000\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        settings = {"ZDOTDIR": str(here), "TERM": "dumb", "COLUMNS": "200", "LINES": "50"}
        os.execvpe("zsh", ["zsh", "-o", "no_global_rcs", "-i"], {**os.environ, **settings})
    try:
        _until(terminal, {"ready> "})
        os.write(terminal, f"atomic-fix {typed}\t".encode())
        seen = _until(terminal, offered)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    others = {rule.code for rule in RULES} - offered
    assert not [code for code in others if code in seen]


def _until(terminal: int, wanted: set[str]) -> str:
    """What a terminal shows until all of the texts have appeared; without them, the test fails."""
    import select

    seen = ""
    while not all(each in seen for each in wanted):
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"not all of {wanted} come in {seen!r}"
        seen += os.read(terminal, 4096).decode("utf-8", "replace")
    return seen


def test_a_clean_file_loads_no_more_than_it_needs(here: Path) -> None:
    """Starting up takes most of the time of a pre-commit run."""
    (here / "a.py").write_bytes(CLEAN)
    program = (
        "import sys, click\n"
        "of_click = set(sys.modules)\n"
        "from atomic_fix.cli import main\n"
        "try:\n"
        "    main(['a.py'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(*[name for name in sys.argv[1:] if name in sys.modules and name not in of_click])\n"
    )
    heavy = [
        "libcst",
        "json",
        "difflib",
        "tomllib",
        "pathlib",
        "subprocess",
        "tempfile",
    ]
    result = subprocess.run(
        [sys.executable, "-c", program, *heavy], capture_output=True, check=True, text=True
    )
    assert result.stdout.splitlines() == ["No findings in 1 file.", ""]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
@pytest.mark.parametrize(("term", "coloured"), [("xterm", True), ("dumb", False)])
def test_a_real_terminal_gets_colour_and_its_width(here: Path, term: str, coloured: bool) -> None:
    import pty

    (here / "state.py").write_bytes(
        SAVER.replace(b'"utf-8"', b'"utf-8", errors="' + b"x" * 90 + b'"')
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": term}
    with subprocess.Popen(
        [sys.executable, "-m", "atomic_fix"], stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment, cwd=here,
    ) as process:  # fmt: skip
        os.close(theirs)
        output = b""
        try:
            while chunk := os.read(ours, 4096):
                output += chunk
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(ours)
    assert process.returncode == 1
    assert (b"\x1b[" in output) is coloured
    text = re.sub(r"\x1b\[[\d;]*m", "", output.decode())
    snippet = [line for line in text.splitlines() if " | " in line]
    assert len(snippet) == 3  # the line, what marks it, and the label, for which there is no room
    assert all(40 < len(line) <= 60 for line in snippet)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize(
    "arguments",
    [["state.py"], ["--output-format=sarif", "state.py"], ["--diff", "state.py"],
     ["--write", "-"], ["--show-settings"], ["--show-files"], ["--explain", "ATF101"], ["--help"],
     ["--version"], ["clean.py"]],
    ids=" ".join,
)  # fmt: skip
def test_a_full_disk_is_one_line_and_two(here: Path, arguments: list[str]) -> None:
    (here / "state.py").write_bytes(SAVER)
    (here / "clean.py").write_bytes(CLEAN)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "atomic_fix", *arguments],
            check=False, input=SAVER, stdout=full, stderr=subprocess.PIPE,
        )  # fmt: skip
    line = b"atomic-fix: error: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, line)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has such files")
def test_what_is_no_file_costs_only_itself(here: Path) -> None:
    (here / "a.py").write_bytes(SAVER)
    os.mkfifo(here / "pipe.py")
    (here / "zero.py").symlink_to("/dev/zero")
    (here / "input.py").symlink_to("/dev/stdin")
    (here / "z").mkdir()
    (here / "z/b.py").write_bytes(SAVER)
    (here / "z/pyproject.toml").symlink_to("/dev/zero")
    for arguments in (["."], ["--diff", "."], ["--write", "."]):
        with subprocess.Popen(
            [sys.executable, "-m", "atomic_fix", "--no-cache", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            # The input stays open: whoever reads it waits.
            process.wait(60)
            assert process.stdout is not None
            output = process.stdout.read()
        assert process.returncode == 2
        text = "ATF000 cannot be read: not a regular file\n"
        for name in ("pipe.py", "zero.py", "input.py"):
            on_a_line, in_full = f"{name}:1:1: {text}", f"{text} --> {name}:1:1\n"
            assert (on_a_line if "--diff" in arguments else in_full) in output
        if "--diff" in arguments:
            assert "\nz:1:1: ATF000 " in f"\n{output}"
            assert "+++ b/a.py" in output
        else:
            (folder,) = (each for each in output.split("\n\n") if each.endswith("\n --> z:1:1"))
            assert folder.startswith("ATF000 ")
            assert ("Fixed 1" if "--write" in arguments else "\n --> a.py:5:5\n") in output


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has such files")
@pytest.mark.parametrize("kind", ["config", "baseline", "option"])
def test_a_missing_configuration_or_baseline_is_one_line(here: Path, kind: str) -> None:
    (here / "a.py").write_bytes(SAVER)
    os.mkfifo(here / "pipe")
    arguments = []
    if kind == "config":
        os.mkfifo(here / "pyproject.toml")
    elif kind == "baseline":
        (here / "atomic-fix.toml").write_text('baseline = "/dev/zero"\n')
    else:
        arguments = ["--baseline", "pipe"]
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", *arguments],
        capture_output=True, check=False, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(": cannot be read: not a regular file\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be removed there")
def test_a_current_folder_that_is_gone_is_one_line(here: Path) -> None:
    program = (
        "import os, atomic_fix.cli\n"
        "os.mkdir('x')\nos.chdir('x')\nos.rmdir('../x')\n"
        "atomic_fix.cli.main([])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        b"atomic-fix: error: the current folder cannot be used: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("options", "collects"), [([], False), (["--write"], True), (["--diff"], True)]
)
def test_garbage_is_searched_for_where_a_run_may_go_on_for_long(
    options: list[str], collects: bool
) -> None:
    program = (
        "import gc, sys\n"
        "from atomic_fix.commands import check, repair\n"
        "def say(session):\n"
        "    print(gc.isenabled())\n"
        "    return 0\n"
        "check.check = repair.write = repair.diff = say\n"
        "from atomic_fix.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *options, "--isolated"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{collects}\n"
