"""`--diff`, `--write` and similar options, as a user runs them.

They use one simple fix made for these tests, so that only the command is tested; the fixes of the
rules are tested with the rules.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import atomic_fix.check as core
import atomic_fix.rewrite as rewriting
from atomic_fix.cli import main
from atomic_fix.config import Config
from atomic_fix.finding import Applicability, Edit, Finding, Fix, Span
from atomic_fix.run import disk
from atomic_fix.source import Source

SAVER = """\
import json


def save_checkpoint(path, payload):
    path.write_text(json.dumps(payload, indent=2), encoding="utf-8")
"""

SOURCES: dict[str, bytes] = {
    "plain.py": SAVER.encode(),
    "windows.py": SAVER.replace("\n", "\r\n").encode(),
    "no_newline_at_the_end.py": SAVER.rstrip().encode(),
    "mark.py": b"\xef\xbb\xbf" + SAVER.encode(),
    "latin.py": b"# coding: latin-1\n# caf\xe9\n" + SAVER.encode(),
    "sp ace.py": SAVER.encode(),
    'quo"te\\.py': SAVER.encode(),
    "tab\tand\nline.py": SAVER.encode(),
    "caf\udce9.py": SAVER.encode(),
    "sub/dir/é.py": SAVER.encode(),
    "feed.py": b"\x0c\n" + SAVER.encode() + b"\x0c# after \x1c\n",
}


IMPORT = "from atomic_fix.runtime import atomic_write_text\n"


@pytest.fixture(autouse=True)
def _fixes_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    real = core.check

    def check(source: Source, config: Config, *_: object, **_options: bool) -> tuple[Finding, ...]:
        return tuple(
            replace(each, fix=by_hand(each, source) if each.code == "ATF101" else None)
            for each in real(source, config)
        )

    monkeypatch.setattr(core, "check", check)


def by_hand(finding: Finding, source: Source) -> Fix:
    """`path.write_text(x, ...)` -> `atomic_write_text(path, x, ...)`, with its import."""
    call = source.slice(finding.span)
    edits = [Edit(finding.span, "atomic_write_text(" + call.replace(".write_text(", ", "))]
    if IMPORT.strip() not in source.text:
        at = source.position(source.text.index("import json"))
        edits.append(Edit(Span(at, at), IMPORT))
    return Fix("call atomic_write_text", Applicability.SAFE, tuple(edits))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def make(root: Path) -> None:
    for name, content in SOURCES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.py")}


def test_diff_writes_nothing_and_git_applies_it_to_what_write_makes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, for every kind of file and name, and also in a subfolder."""
    for top in ("patched", "written"):
        make(here / top / "below")
    subprocess.run(["git", "init", "-q", "patched"], check=True)

    monkeypatch.chdir(here / "patched/below")
    result = run("--diff")
    assert result.exit_code == 1
    assert contents(here / "patched/below") == SOURCES
    count = len(SOURCES)
    assert result.stderr == f"Would fix {count} findings in {count} files.\n"
    subprocess.run(["git", "apply", "-"], input=result.stdout_bytes, check=True)

    monkeypatch.chdir(here / "written/below")
    result = run("--write")
    assert (result.exit_code, result.stderr) == (0, "")
    imports = f"Repaired code imports `atomic_fix.runtime` ({count} files)."
    assert result.stdout == f"Fixed {count} findings in {count} files. {imports}\n"
    written = contents(here / "written/below")
    assert contents(here / "patched/below") == written
    assert all(written[name] != SOURCES[name] for name in SOURCES)

    for arguments, output in (
        (("--write",), f"No findings in {count} files.\n"),
        (("--diff",), "Nothing to fix.\n"),
    ):
        again = run(*arguments)
        assert (again.exit_code, again.output) == (0, output)
    assert contents(here / "written/below") == written


def test_every_byte_outside_the_repair_stays(here: Path) -> None:
    make(here)
    run("--write")
    after = contents(here)
    assert after["windows.py"].replace(b"\r\n", b"\n") == after["plain.py"]
    assert b"\n" not in after["windows.py"].replace(b"\r\n", b"")
    assert after["no_newline_at_the_end.py"] + b"\n" == after["plain.py"]
    assert after["mark.py"] == b"\xef\xbb\xbf" + after["plain.py"]
    assert after["latin.py"].startswith(b"# coding: latin-1\n# caf\xe9\n")
    assert after["feed.py"].startswith(b"\x0c\n")
    assert after["feed.py"].endswith(b"\x0c# after \x1c\n")


def test_a_patch_of_an_absolute_path_is_relative_to_the_current_folder(here: Path) -> None:
    (here / "a.py").write_text(SAVER)
    assert run("--diff", str(here / "a.py")).stdout.splitlines()[0] == "--- a/a.py"


def test_what_remains_is_reported_and_decides_the_exit_code(here: Path) -> None:
    (here / "a.py").write_text(SAVER)
    (here / "broken.py").write_text(SAVER + "def (:\n")
    result = run("--write", "--output-format", "concise")
    assert result.exit_code == 2
    assert "broken.py:6" in result.stdout
    assert result.stdout.endswith(
        "Fixed 1 finding in 1 file. 1 file could not be analysed. "
        "Repaired code imports `atomic_fix.runtime` (1 file).\n"
    )
    assert "broken.py:6" in run("--diff").stderr
    assert run("--diff").exit_code == 2


def test_show_fixes_lists_each(here: Path) -> None:
    (here / "a.py").write_text(SAVER)
    result = run("--write", "--show-fixes", "--output-format", "concise")
    first, _ = result.stdout.splitlines()
    assert first == ("Fixed a.py: ATF101 call atomic_write_text (imports `atomic_fix.runtime`)")


def test_nothing_is_fixed_that_is_in_the_baseline_or_ignored(here: Path) -> None:
    (here / "a.py").write_text(SAVER)
    run("--baseline", "known", "--write-baseline")
    assert run("--write", "--baseline", "known").exit_code == 0
    assert run("--diff", "--baseline", "known").stdout == ""
    assert run("--write", "--ignore", "ATF101").exit_code == 0
    (here / "atomic-fix.toml").write_text('[per-file-ignores]\n"a.py" = ["ATF101"]\n')
    assert run("--write").exit_code == 0
    assert (here / "a.py").read_text() == SAVER


def test_a_baseline_holds_between_the_rounds_of_fixes(here: Path) -> None:
    """There are two equal findings, and one is known: the first one, which is the known one, stays
    as it is."""
    other = SAVER.split("\n\n\n")[1].replace("save_checkpoint", "save_progress")
    (here / "a.py").write_text(SAVER)
    run("--baseline", "known", "--write-baseline")
    (here / "a.py").write_text(f"{SAVER}\n\n{other}")
    assert run("--write", "--baseline", "known").exit_code == 0
    after = (here / "a.py").read_text()
    assert after.count("path.write_text(") == 1
    assert "def save_checkpoint(path, payload):\n    path.write_text(" in after


def test_diff_base_holds_for_write(here: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
            check=True,
            capture_output=True,
        )

    other = SAVER.split("\n\n\n")[1].replace("save_checkpoint", "save_progress")
    git("init", "-q")
    (here / "a.py").write_text(SAVER)
    git("add", ".")
    git("commit", "-qm", "x")
    (here / "a.py").write_text(f"{SAVER}\n\n{other}")
    assert run("--write", "--diff-base", "HEAD").exit_code == 0
    after = (here / "a.py").read_text()
    assert "def save_checkpoint(path, payload):\n    path.write_text(" in after
    assert after.count("path.write_text(") == 1


def test_standard_input_is_repaired_to_standard_output(here: Path) -> None:
    (here / "a.py").write_bytes(SOURCES["windows.py"])
    run("--write")
    result = run("-", "--write", stdin=SOURCES["windows.py"])
    assert result.exit_code == 0
    assert result.stdout_bytes == (here / "a.py").read_bytes()
    assert result.stderr == (
        "Fixed 1 finding in 1 file. Repaired code imports `atomic_fix.runtime` (1 file).\n"
    )
    patch = run("-", "--diff", "--stdin-filename", "x/a.py", stdin=SAVER.encode())
    assert (patch.exit_code, patch.stdout.splitlines()[0]) == (1, "--- a/x/a.py")
    clean = run("-", "--write", stdin=b"x = 1\r")
    assert (clean.exit_code, clean.stdout_bytes) == (0, b"x = 1\r")
    broken = run("-", "--write", stdin=b"caf\xe9")
    assert (broken.exit_code, broken.stdout_bytes) == (2, b"caf\xe9")


def test_the_mode_of_the_file_is_kept_and_a_link_stays_one(here: Path) -> None:
    (here / "real.py").write_text(SAVER)
    (here / "real.py").chmod(0o754)
    (here / "link.py").symlink_to("real.py")
    assert run("--write", "link.py").exit_code == 0
    assert (here / "link.py").is_symlink()
    assert stat.S_IMODE((here / "real.py").stat().st_mode) == 0o754
    assert (here / "real.py").read_text() != SAVER
    assert sorted(path.name for path in here.iterdir()) == ["link.py", "real.py"]


def test_a_file_that_changes_after_it_was_read_is_not_overwritten(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.py").write_text(SAVER)
    real = disk.read
    seen: list[str] = []

    def read(path: str) -> object:
        content = real(path)
        if not seen:  # someone saves the file right after it was read
            Path(path).write_text(SAVER + "# saved\n")
        seen.append(path)
        return content

    monkeypatch.setattr(disk, "read", read)
    result = run("--write", "--no-project", "--output-format", "concise")
    assert result.exit_code == 2
    assert "a.py: not written: it changed on disk after it was read" in result.stderr
    assert (here / "a.py").read_text() == SAVER + "# saved\n"
    assert "a.py:5:5: ATF101" in result.stdout


def test_an_unwritable_file_is_reported_and_others_go_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the refusal is simulated."""
    import atomic_fix.runtime as runtime

    real = runtime.atomic_write_bytes

    def refuse(path: str, data: bytes, **options: Any) -> None:
        if path == "a.py":
            raise PermissionError(13, "Permission denied", path)
        real(path, data, **options)

    monkeypatch.setattr(runtime, "atomic_write_bytes", refuse)
    for name in ("a.py", "b.py"):
        (here / name).write_text(SAVER)
    result = run("--write", "--output-format", "concise")
    assert result.exit_code == 2
    assert "a.py: not written: it cannot be written: Permission denied" in result.stderr
    assert (here / "a.py").read_text() == SAVER
    assert (here / "b.py").read_text() != SAVER


def test_a_pipe_is_checked_but_never_replaced(here: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, SAVER.encode())
    os.close(write_end)
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", f"/dev/fd/{read_end}", "--output-format", "concise"],
        pass_fds=[read_end],
        capture_output=True,
        check=False,
    )
    os.close(read_end)
    assert done.returncode == 1
    assert b":5:5: ATF101" in done.stdout


@pytest.fixture
def breaking(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that every fix would break."""
    real = core.check

    def check(source: object, config: object, *_: object, **_options: bool) -> object:
        return tuple(
            replace(each, fix=Fix("break it", Applicability.SAFE, (Edit(each.span, "("),)))
            for each in real(source, config)  # type: ignore[arg-type]
        )

    monkeypatch.setattr(core, "check", check)
    (here / "a.py").write_text(SAVER)
    return here / "a.py"


def test_a_fix_that_would_break_the_file_is_offered_in_no_format(breaking: Path) -> None:
    for output in ("full", "concise", "json", "jsonl", "sarif", "rdjson", "gitlab", "github"):
        result = run("--output-format", output)
        assert result.exit_code == 1
        assert "break it" not in result.output
    assert "no automatic fix: the result would not compile" in run().stdout
    assert run("--write").exit_code == 1
    assert "+++" not in run("--diff").stdout
    assert breaking.read_text() == SAVER


def test_a_fix_that_would_break_the_file_is_refused_aloud(
    breaking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last guard, in case such a fix is offered after all."""
    monkeypatch.setattr(rewriting, "verified", lambda _source, findings, _find: findings)
    for arguments in (("--write",), ("--diff",)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "a.py: not repaired: the result would not compile" in result.stderr
    result = run("-", "--write", stdin=SAVER.encode())
    assert (result.exit_code, result.stdout_bytes) == (2, SAVER.encode())
    assert breaking.read_text() == SAVER


TWO = SAVER + "\n\n" + SAVER.split("\n\n\n")[1].replace("save_checkpoint", "save_progress")


def answered(text: str, *arguments: str) -> Result:
    return run("--interactive", "--output-format", "concise", *arguments, stdin=text.encode())


def left(path: Path) -> list[str]:
    """The functions of TWO that still write in place."""
    parts = path.read_text().split("def ")[1:]
    return [part.split("(")[0] for part in parts if "path.write_text(" in part]


@pytest.mark.parametrize(
    ("answers", "remaining", "exit_code"),
    [
        ("y\ny\n", [], 0),
        ("y\nn\n", ["save_progress"], 1),
        ("n\ny\n", ["save_checkpoint"], 1),
        ("n\nn\n", ["save_checkpoint", "save_progress"], 1),
        ("a\n", [], 0),
        ("n\na\n", ["save_checkpoint"], 1),
        ("y\nq\n", ["save_progress"], 1),
        ("q\n", ["save_checkpoint", "save_progress"], 1),
        ("what\nY\nq\n", ["save_progress"], 1),
    ],
)
def test_interactive_does_what_is_answered(
    here: Path, answers: str, remaining: list[str], exit_code: int
) -> None:
    (here / "a.py").write_text(TWO)
    result = answered(answers)
    assert left(here / "a.py") == remaining
    assert result.exit_code == exit_code


def test_interactive_ends_where_the_answers_end(here: Path) -> None:
    (here / "a.py").write_text(TWO)
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", "--interactive"],
        input=b"n\n", capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"Found 2 findings" in done.stdout
    assert (here / "a.py").read_text() == TWO


def test_interactive_shows_the_finding_and_what_would_change(here: Path) -> None:
    (here / "a.py").write_bytes(TWO.replace("\n", "\r\n").encode())
    result = answered("n\nn\n")
    assert "a.py:5:5: ATF101" in result.stdout
    assert (
        '-    path.write_text(json.dumps(payload, indent=2), encoding="utf-8")\n' in result.stdout
    )
    assert "Apply? [y]es, [n]o, [a]ll, [s]uppress with a comment, [q]uit" in result.stdout
    assert (here / "a.py").read_bytes() == TWO.replace("\n", "\r\n").encode()


def test_interactive_stops_for_good_at_quit(here: Path) -> None:
    for name in ("a.py", "b.py"):
        (here / name).write_text(TWO)
    result = answered("y\nq\n")
    assert left(here / "a.py") == ["save_progress"]
    assert (here / "b.py").read_text() == TWO
    assert "b.py" not in result.stdout


def test_interactive_refuses_what_it_cannot_do(here: Path) -> None:
    for arguments in (("--write",), ("--diff",), ("-",), ("--write-baseline", "--baseline", "x")):
        result = answered("", *arguments)
        assert result.exit_code == 2
        assert "--interactive" in result.stderr or "--write-baseline" in result.stderr


def test_add_noqa_puts_a_comment_with_the_reason_to_each_finding(here: Path) -> None:
    (here / "a.py").write_bytes(TWO.replace("\n", "\r\n").encode())
    result = run("--add-noqa", "scratch only", "--output-format", "concise")
    assert (result.exit_code, result.stdout) == (0, "Suppressed 2 findings in 1 file.\n")
    text = (here / "a.py").read_bytes().decode()
    comment = "  # noqa: ATF101 -- scratch only\r\n"
    assert text.count(comment) == 2
    assert text.replace(comment, "\r\n").replace("\r\n", "\n") == TWO
    assert run().exit_code == 0
    assert run("--write").exit_code == 0
    assert (here / "a.py").read_bytes().decode() == text, "what is suppressed is not repaired"


def test_add_noqa_leaves_what_cannot_be_analysed(here: Path) -> None:
    (here / "broken.py").write_text(SAVER + "def (:\n")
    result = run("--add-noqa", "x", "--output-format", "concise")
    assert result.exit_code == 2
    assert (here / "broken.py").read_text() == SAVER + "def (:\n"


def test_add_noqa_needs_a_reason_of_one_line(here: Path) -> None:
    assert run("--add-noqa", "two\nlines").exit_code == 2
    assert run("--add-noqa", "").exit_code == 0
    (here / "atomic-fix.toml").write_text("require-reason = true\n")
    assert "needs a reason of one line" in run("--add-noqa", " ").stderr


def test_interactive_can_suppress(here: Path) -> None:
    (here / "a.py").write_text(TWO)
    result = answered("s\n\ny\n")
    assert result.exit_code == 0
    assert "Reason (Enter: none)" in result.stdout
    assert left(here / "a.py") == ["save_checkpoint"]
    assert (here / "a.py").read_text().count("  # noqa: ATF101\n") == 1


def test_interactive_asks_for_the_reason(here: Path) -> None:
    (here / "a.py").write_text(TWO)
    assert answered("s\n rebuilt at start \nn\n").exit_code == 1
    assert (here / "a.py").read_text().count("  # noqa: ATF101 -- rebuilt at start\n") == 1
    # Where one is required it is asked for until it is there.
    (here / "atomic-fix.toml").write_text("require-reason = true\n")
    (here / "a.py").write_text(TWO)
    result = answered("s\n\n \nscratch\ny\n")
    assert result.exit_code == 0
    assert result.stdout.count("Reason (required)") == 3
    assert (here / "a.py").read_text().count("  # noqa: ATF101 -- scratch\n") == 1
    # No answer is no comment.
    (here / "a.py").write_text(TWO)
    assert answered("s\n").exit_code == 1
    assert (here / "a.py").read_text() == TWO
    (here / "a.py").write_text(f"# coding: ascii\n{TWO}")
    result = answered("s\nweil es schön ist\nq\n")
    assert result.exit_code == 2
    assert (here / "a.py").read_text() == f"# coding: ascii\n{TWO}"
    assert "a.py: not repaired: 'ascii' codec can't encode" in result.stderr


def test_interactive_explains_its_answers(here: Path) -> None:
    (here / "a.py").write_text(TWO)
    result = answered("?\ny\nq\n")
    for answer in "ynasq":
        assert f"\n{answer}  " in result.stdout
    assert left(here / "a.py") == ["save_progress"]
