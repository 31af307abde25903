"""The LibCST codemod makes the same changes as `atomic-fix --write`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import libcst as cst
import pytest
from libcst.codemod import CodemodContext, SkipFile

from atomic_fix.codemod import AtomicFixCommand

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASE = FIXTURES / "in-place-write" / "two_step_loader.py"


def test_the_tool_runs_it(tmp_path: Path) -> None:
    target = tmp_path / CASE.name
    target.write_bytes(CASE.read_bytes())
    command = [sys.executable, "-m", "libcst.tool", "codemod", "-x"]
    done = subprocess.run(
        [*command, "atomic_fix.codemod.AtomicFixCommand", "--no-format", target.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == CASE.with_suffix(".fixed.py").read_bytes()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_it_makes_the_same_bytes(tmp_path: Path, newline: str) -> None:
    before = CASE.read_bytes().replace(b"\n", newline.encode())
    after = CASE.with_suffix(".fixed.py").read_bytes().replace(b"\n", newline.encode())
    command = AtomicFixCommand(CodemodContext(filename=str(tmp_path / CASE.name)))
    assert command.transform_module(cst.parse_module(before)).bytes == after


def test_unsafe_fixes_are_asked_for(tmp_path: Path) -> None:
    case = FIXTURES / "remove-before-replace" / "window.py"
    module = cst.parse_module(case.read_bytes())
    context = CodemodContext(filename=str(tmp_path / case.name))
    assert AtomicFixCommand(context).transform_module(module).bytes == module.bytes
    changed = AtomicFixCommand(context, unsafe_fixes=True).transform_module(module)
    assert changed.bytes == case.with_suffix(".unsafe.fixed.py").read_bytes()


def test_a_comment_that_suppresses_is_obeyed() -> None:
    text = "def save_checkpoint(path, state):\n    path.write_text(state)  # noqa: ATF101\n"
    module = cst.parse_module(text)
    command = AtomicFixCommand(CodemodContext(filename="a.py"))
    assert command.transform_module(module).code == text


def test_a_file_that_cannot_import_the_helper_is_skipped_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'app'\n")
    command = AtomicFixCommand(CodemodContext(filename=str(tmp_path / CASE.name)))
    with pytest.raises(SkipFile, match="declares no dependency on atomic-fix; run `atomic-fix --v"):
        command.transform_module(cst.parse_module(CASE.read_bytes()))


def test_a_file_that_cannot_be_analysed_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **_options: bool) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("atomic_fix.check.check", fail)
    command = AtomicFixCommand(CodemodContext(filename="a.py"))
    with pytest.raises(SkipFile, match="internal error: RuntimeError: a defect"):
        command.transform_module(cst.parse_module(CASE.read_bytes()))
