"""Every function of a fixture that a fix changes, run before and after on the same inputs.

Returned or raised values, the files with their bytes and modes, and whatever else is left in
the folder are compared. `PROMISED` says what may differ, for each kind of fix.
"""

from __future__ import annotations

import ast
import gzip
import itertools
import re
import sys
import tempfile
import types
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from atomic_fix.runtime import CheckpointCorruptedError
from tests.behaviour.calls import CALLS, NOT_RUN, Call, stubs, unbound
from tests.behaviour.test_same_behaviour import as_another_user

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
FIXED = sorted(FIXTURES.glob("*/*.fixed.py"))
ADDRESS = re.compile(r" at 0x[0-9a-f]+")

PROMISED = {
    "write": "a write that fails leaves the content that was there, and no part of the new one; "
    "of two reasons to fail, what cannot be serialised may come before a file that is read-only",
    "load": "of a file that is there but unreadable, a warning names the file and the error; a "
    "plain loader of a checkpoint raises CheckpointCorruptedError from the error that was "
    "swallowed, where the default was given",
    "louder": "of a file that is there but unreadable, what was logged of it is a warning",
    "publish": "a write that fails leaves the content that was there; its temp file may stand "
    "elsewhere, or be gone",
    "uncopied": "as `publish`; a file that is read-only, which a copy could not overwrite, is "
    "replaced",
    "collapse": "as `publish`; the mode of the file stays, and a read-only one is refused",
}
Files = dict[str, tuple[bytes, int]]  # content and mode
INPUTS: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "existing": lambda content: content,
    "read-only": lambda content: content,
    "cut short": lambda content: content[:-1],
    "empty": lambda _: b"",
    "wrong encoding": lambda content: content[:2] + b"\xff\xfe\xff" + content[2:],
}

# The programs as they were leave handles to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def functions(path: Path) -> dict[str, str]:
    """The code of the functions and methods by qualified name."""
    found = {}

    def collect(body: list[ast.stmt], within: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found[within + node.name] = ast.unparse(node)
            elif isinstance(node, ast.ClassDef):
                collect(node.body, f"{within}{node.name}.")

    collect(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return found


def original(fixed: Path) -> Path:
    return fixed.with_name(fixed.name.partition(".")[0] + ".py")


def changed(fixed: Path) -> list[str]:
    before, after = functions(original(fixed)), functions(fixed)
    return [name for name, code in before.items() if after[name] != code]


def title(fixed: Path) -> str:
    return f"{fixed.parent.name}/{original(fixed).stem}"


CHANGED = [(fixed, name) for fixed in FIXED for name in changed(fixed)]


def test_every_function_that_a_fix_changes_is_run_or_has_a_reason() -> None:
    wanted = {(title(fixed), name) for fixed, name in CHANGED}
    run = {(case, name) for case, calls in CALLS.items() for name in calls}
    left = {tuple(each.split(": ")) for each in NOT_RUN}
    assert run | left == wanted
    assert not run & left


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, module in stubs().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    work, temporary = tmp_path / "work", tmp_path / "system"
    for each in (work, temporary):
        each.mkdir()
        each.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    # It is written into the header, in seconds.
    monkeypatch.setattr(gzip, "time", types.SimpleNamespace(time=lambda: 0))
    monkeypatch.chdir(work)
    return work


def program(path: Path) -> Any:
    module = types.ModuleType("program")
    module.__dict__.update(unbound(), __file__="program.py")
    sys.modules["program"] = module
    exec(compile(path.read_text(encoding="utf-8"), "program.py", "exec"), module.__dict__)
    return module


def prepared(folder: Path, call: Call, kind: str) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name in call.files:
        path = folder / name
        content = INPUTS[kind](call.content)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.parent.chmod(0o777)
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o444 if kind == "read-only" else 0o666)


def files(folder: Path) -> Files:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def outcome(call: Call, module: Any, state: object) -> object:
    try:
        return ADDRESS.sub("", repr(call.call(module, state)))
    except Exception as error:
        return error.with_traceback(None)


def shown(value: object) -> object:
    """The parts of a returned or raised value that are compared."""
    if isinstance(value, OSError):
        return type(value), value.errno, str(value.filename)
    return (type(value), str(value)) if isinstance(value, Exception) else value


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(
    ("fixed", "name"),
    [
        pytest.param(*each, id=f"{title(each[0])}:{each[1]}:{each[0].suffixes[0]}")
        for each in CHANGED
        if f"{title(each[0])}: {each[1]}" not in NOT_RUN
    ],
)
def test_a_fixture_does_the_same_but_for_what_is_promised(
    fixed: Path,
    name: str,
    kind: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    call = CALLS[title(fixed)][name]
    modules = [program(original(fixed)), program(fixed)]
    for state in (None,) if call.good is None else (call.good, call.bad):
        ran: list[tuple[object, Files]] = []
        warned: list[list[str]] = []
        for module in modules:
            outcome(call, module, state)  # what is imported late, as another user may not
        caplog.clear()
        for module in modules:
            prepared(folder, call, kind)
            monkeypatch.setattr(
                tempfile, "_get_candidate_names", lambda: map(str, itertools.count(1))
            )
            there = files(folder)
            other = as_another_user(folder) if kind == "read-only" else nullcontext()
            with other:
                value = outcome(call, module, state)
            ran.append((value, files(folder)))
            warned.append([each.getMessage() for each in caplog.records])
            caplog.clear()
        compare(call, kind, state, there, *ran)
        if call.promise in {"load", "louder"}:
            assert len(warned[0]) <= len(warned[1])
            new = [each for each in warned[1] if each not in warned[0]]
            if kind == "cut short" and not isinstance(ran[1][0], Exception):
                assert new
                assert call.promise == "louder" or all(call.files[0] in each for each in new)
            if kind in {"missing", "existing", "read-only"}:
                assert not new


def compare(
    call: Call,
    kind: str,
    state: object,
    there: Files,
    old: tuple[object, Files],
    new: tuple[object, Files],
) -> None:
    if call.promise in {"load", "louder"}:
        assert old[1] == new[1] == there
        if isinstance(new[0], CheckpointCorruptedError):
            assert kind in {"cut short", "empty", "wrong encoding"}
            assert not isinstance(old[0], Exception)
            assert new[0].__cause__ is not None
            assert str(new[0].path) == call.files[0]
        else:
            assert shown(new[0]) == shown(old[0])
        return
    if call.promise == "collapse" and kind == "read-only":
        assert isinstance(new[0], PermissionError if state is call.good else Exception)
        assert new[1] == there
        return
    if call.promise == "uncopied" and kind == "read-only" and state is call.good:
        assert isinstance(old[0], PermissionError)
        assert not isinstance(new[0], Exception)
        assert new[1][call.files[0]] != there[call.files[0]]
        return
    failed = isinstance(old[0], Exception)
    if state is call.bad:
        assert failed
        assert isinstance(new[0], Exception)
    if kind != "read-only" or state is call.good:
        assert shown(new[0]) == shown(old[0])
    main = call.files[0]
    if failed:
        assert new[1].get(main) == there.get(main)
    elif call.promise == "collapse":
        assert new[1][main][0] == old[1][main][0]
        assert new[1][main][1] == there.get(main, old[1][main])[1]
    else:
        # What moves aside is not there where nothing was; what is written always is.
        assert new[1].get(main) == old[1].get(main)
        assert call.files[-1] in new[1]
    if call.promise == "write" or not failed:
        assert without(main, new[1]) == without(main, old[1])


def without(name: str, there: Files) -> Files:
    return {each: content for each, content in there.items() if each != name}
