"""Whole programs before and after `--write`: a writer, a loader and their caller.

Whether the repair of a loader is right depends on its callers, so these programs consist of all
three, and run on files as a crash, a full disk or another version of the program leaves them. Which
differences are allowed is defined once, in `Caller.may_raise` and `compare`:

- everywhere: a warning that names the file, if the file exists but is unreadable;
- where no code acts on the default: `CheckpointCorruptedError` instead of it;
- a write that fails leaves the old content.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.rewrite import SAFE_ONLY, rewrite
from atomic_fix.runtime import CheckpointCorruptedError
from atomic_fix.source import Source
from tests.behaviour.test_same_behaviour import as_another_user

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# What is durable is not the question here.
CONFIG = Config(min_confidence=0.1)

NEW, OLD = "checkpoint.json", "checkpoint.old.json"
WHOLE = b'{"step": 2}'
OLDER = b'{"step": 1}'

INPUTS: dict[str, bytes | None] = {
    "missing": None,
    "existing": WHOLE,
    "empty": b"",
    "cut short": WHOLE[:-3],
    "wrong encoding": b'{"step": "\xff\xfe"}',
    "valid without the key": b"{}",
    "valid, of another shape": b"[1, 2]",
}
UNREADABLE = frozenset({"empty", "cut short", "wrong encoding"})

HEADS = {
    "bare": "import json\nfrom pathlib import Path\n\n\n",
    "with a logger": (
        "import json\nimport logging\nfrom pathlib import Path\n\n"
        "logger = logging.getLogger(__name__)\n\n\n"
    ),
}

WRITERS = {
    "write_text": "    path.write_text(json.dumps(state))\n",
    "dump": "    with open(path, 'w') as file:\n        json.dump(state, file)\n",
    "block": (
        "    with path.open('w', encoding='utf-8') as file:\n"
        "        for line in json.JSONEncoder().iterencode(state):\n"
        "            file.write(line)\n"
    ),
}

LOADS = {
    "whole": "        return json.loads(path.read_text(encoding='utf-8'))\n",
    "a key": "        return json.loads(path.read_text(encoding='utf-8'))['step']\n",
    "from a handle": (
        "        with open(path, encoding='utf-8') as file:\n            return json.load(file)\n"
    ),
    "kept in a name": (
        "        state = json.loads(path.read_text(encoding='utf-8'))\n"
        "        return {'step': state['step']}\n"
    ),
}

ERRORS = {
    "json.JSONDecodeError": "json.JSONDecodeError",
    "ValueError": "ValueError",
    "missing or corrupt": "(FileNotFoundError, ValueError)",
    "all of the system": "(OSError, json.JSONDecodeError, UnicodeDecodeError)",
    "with the key": "(ValueError, KeyError)",
    "with the key and the shape": "(FileNotFoundError, ValueError, KeyError, TypeError)",
    "broad": "Exception",
}


@dataclass(frozen=True)
class Caller:
    """`main(folder)`, which calls `load_checkpoint(path)` and `save_checkpoint(path, state)`.
    `may_raise` means that it neither acts on the loader's default nor would mistake the new error
    for another one."""

    code: str
    may_raise: bool = False


CALLERS = {
    "returns it": Caller(
        "def main(folder):\n    return load_checkpoint(folder / 'checkpoint.json')\n",
        may_raise=True,
    ),
    "nobody": Caller("", may_raise=True),
    "starts again, and saves": Caller(
        "def main(folder):\n"
        "    state = load_checkpoint(folder / 'checkpoint.json') or {'step': 0}\n"
        "    save_checkpoint(folder / 'checkpoint.json', state)\n"
        "    return state\n",
        may_raise=True,
    ),
    "falls back on an older file": Caller(
        "def main(folder):\n"
        "    state = load_checkpoint(folder / 'checkpoint.json')\n"
        "    if state is None:\n"
        "        state = load_checkpoint(folder / 'checkpoint.old.json')\n"
        "    return state\n"
    ),
    "falls back by or": Caller(
        "def main(folder):\n"
        "    return load_checkpoint(folder / 'checkpoint.json') or load_checkpoint(\n"
        "        folder / 'checkpoint.old.json'\n"
        "    )\n"
    ),
    "falls back, early return": Caller(
        "def main(folder):\n"
        "    state = load_checkpoint(folder / 'checkpoint.json')\n"
        "    if state:\n"
        "        return state\n"
        "    return load_checkpoint(folder / 'checkpoint.old.json')\n"
    ),
    "falls back in a wrapper's caller": Caller(
        "def newest(folder):\n"
        "    return load_checkpoint(folder / 'checkpoint.json')\n\n\n"
        "def main(folder):\n"
        "    state = newest(folder)\n"
        "    if state is not None:\n"
        "        return state\n"
        "    return load_checkpoint(folder / 'checkpoint.old.json')\n"
    ),
    "the first that loads": Caller(
        "def main(folder):\n"
        "    for path in sorted(folder.glob('*.json')):\n"
        "        state = load_checkpoint(path)\n"
        "        if state is not None:\n"
        "            return state\n"
        "    return None\n"
    ),
    "lists all": Caller(
        "def main(folder):\n"
        "    found = []\n"
        "    for path in sorted(folder.glob('*.json')):\n"
        "        found.append(load_checkpoint(path))\n"
        "    return found\n"
    ),
    "lists all in a comprehension": Caller(
        "def main(folder):\n"
        "    return [load_checkpoint(path) for path in sorted(folder.glob('*.json'))]\n"
    ),
    "maps over all": Caller(
        "def main(folder):\n    return list(map(load_checkpoint, sorted(folder.glob('*.json'))))\n"
    ),
    "tries again": Caller(
        "def main(folder):\n"
        "    for attempt in range(3):\n"
        "        state = load_checkpoint(folder / 'checkpoint.json')\n"
        "        if state is not None:\n"
        "            return state\n"
        "    return 'gave up'\n"
    ),
    "waits until it is there": Caller(
        "def main(folder):\n"
        "    attempt = 0\n"
        "    while load_checkpoint(folder / 'checkpoint.json') is None:\n"
        "        attempt += 1\n"
        "        if attempt == 3:\n"
        "            return 'gave up'\n"
        "    return 'there'\n"
    ),
    "asks whether it can be read": Caller(
        "def is_readable(path):\n"
        "    return load_checkpoint(path) is not None\n\n\n"
        "def main(folder):\n"
        "    return is_readable(folder / 'checkpoint.json')\n"
    ),
    "has a handler of ValueError": Caller(
        "def main(folder):\n"
        "    try:\n"
        "        return load_checkpoint(folder / 'checkpoint.json')\n"
        "    except ValueError:\n"
        "        return 'an argument is wrong'\n"
    ),
    "has a broad handler": Caller(
        "def main(folder):\n"
        "    try:\n"
        "        return load_checkpoint(folder / 'checkpoint.json')\n"
        "    except Exception:\n"
        "        return 'failed'\n"
    ),
    "suppresses": Caller(
        "import contextlib\n\n\n"
        "def main(folder):\n"
        "    state = 'nothing'\n"
        "    with contextlib.suppress(Exception):\n"
        "        state = load_checkpoint(folder / 'checkpoint.json')\n"
        "    return state\n"
    ),
    "has a handler two calls up": Caller(
        "def resume(folder):\n"
        "    return load_checkpoint(folder / 'checkpoint.json')\n\n\n"
        "def main(folder):\n"
        "    try:\n"
        "        return resume(folder)\n"
        "    except (ValueError, KeyError):\n"
        "        return 'an argument is wrong'\n"
    ),
    "asks somebody else": Caller(
        "def from_the_server(folder):\n"
        "    return {'step': 7}\n\n\n"
        "def main(folder):\n"
        "    state = load_checkpoint(folder / 'checkpoint.json')\n"
        "    if not state:\n"
        "        state = from_the_server(folder)\n"
        "    return state\n"
    ),
    "method": Caller(
        "class Job:\n"
        "    def __init__(self, folder):\n"
        "        self.folder = folder\n\n"
        "    def resume(self):\n"
        "        state = load_checkpoint(self.folder / 'checkpoint.json')\n"
        "        if state is None:\n"
        "            state = load_checkpoint(self.folder / 'checkpoint.old.json')\n"
        "        return state\n\n\n"
        "def main(folder):\n"
        "    return Job(folder).resume()\n"
    ),
}

DEFAULTS = {"None": "return None", "pass": "pass", "empty": "return {}"}


def program(head: str, writer: str, load: str, errors: str, default: str, caller: Caller) -> str:
    return (
        f"{HEADS[head]}def save_checkpoint(path, state):\n{WRITERS[writer]}\n\n"
        f"def load_checkpoint(path):\n    try:\n{LOADS[load]}    except {ERRORS[errors]}:\n"
        f"        {DEFAULTS[default]}\n\n\n{caller.code}"
    )


def repaired(text: str) -> str:
    source = Source("/repository/service/jobs.py", text, "utf-8", False)
    result = rewrite(source, lambda each: check(each, CONFIG), SAFE_ONLY)
    assert result.refusal == ""
    return result.text


@dataclass(frozen=True)
class Ran:
    """The result of running a program: a value or error, the files, and what the user was told."""

    value: object
    files: dict[str, bytes]
    warned: tuple[str, ...]


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def prepared(folder: Path, content: bytes | None, *, mode: int = 0o666) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    for path in folder.iterdir():
        path.unlink()
    (folder / OLD).write_bytes(OLDER)
    (folder / OLD).chmod(0o666)
    if content is not None:
        (folder / NEW).write_bytes(content)
        (folder / NEW).chmod(mode)
    return folder


def run(text: str, folder: Path, call: str, *arguments: object) -> Ran:
    module = types.ModuleType("program")
    sys.modules["program"] = module
    records = _Records()
    root = logging.getLogger()
    root.addHandler(records)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(compile(text, "program.py", "exec"), module.__dict__)
            value: Any
            try:
                value = getattr(module, call)(*arguments)
            except Exception as error:
                value = error.with_traceback(None)
    finally:
        root.removeHandler(records)
        del sys.modules["program"]
    said = [str(each.message) for each in caught if each.category is UserWarning]
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return Ran(value, files, (*records.texts, *said))


def compare(caller: Caller, kind: str, old: Ran, new: Ran) -> None:
    assert not old.warned
    if isinstance(new.value, CheckpointCorruptedError):
        assert caller.may_raise
        assert kind in UNREADABLE
        assert not isinstance(old.value, Exception)
        assert isinstance(new.value.__cause__, ValueError)
        assert Path(os.fsdecode(new.value.path)).name == NEW
        return
    if isinstance(old.value, Exception):
        assert (type(new.value), str(new.value)) == (type(old.value), str(old.value))
    else:
        assert new.value == old.value
    assert new.files == old.files
    if kind not in UNREADABLE:
        assert not new.warned, "no person is to be told of a file that is missing or valid"
    for each in new.warned:
        assert NEW in each


def entry(caller: Caller, folder: Path) -> tuple[str, Path]:
    return ("main", folder) if caller.code else ("load_checkpoint", folder / NEW)


def both(text: str, caller: Caller, content: bytes | None, folder: Path) -> tuple[Ran, Ran]:
    ran = [
        run(each, prepared(folder, content), *entry(caller, folder))
        for each in (text, repaired(text))
    ]
    return ran[0], ran[1]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("caller", CALLERS)
def test_a_program_goes_on_as_before_wherever_a_caller_acts_on_the_default(
    caller: str, kind: str, head: str, tmp_path: Path
) -> None:
    who = CALLERS[caller]
    text = program(head, "dump", "whole", "ValueError", "None", who)
    old, new = both(text, who, INPUTS[kind], tmp_path / "work")
    compare(who, kind, old, new)
    if kind in UNREADABLE and not isinstance(new.value, CheckpointCorruptedError):
        assert new.warned, "the error is still swallowed"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    head=st.sampled_from(sorted(HEADS)),
    writer=st.sampled_from(sorted(WRITERS)),
    load=st.sampled_from(sorted(LOADS)),
    errors=st.sampled_from(sorted(ERRORS)),
    default=st.sampled_from(sorted(DEFAULTS)),
    caller=st.sampled_from(sorted(CALLERS)),
    kind=st.sampled_from(sorted(INPUTS)),
)
def test_generated_programs_differ_only_where_their_page_says_so(
    tmp_path: Path,
    head: str,
    writer: str,
    load: str,
    errors: str,
    default: str,
    caller: str,
    kind: str,
) -> None:
    who = CALLERS[caller]
    text = program(head, writer, load, errors, default, who)
    compare(who, kind, *both(text, who, INPUTS[kind], tmp_path / "work"))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("kind", INPUTS)
def test_a_write_that_fails_leaves_what_was_there(kind: str, writer: str, tmp_path: Path) -> None:
    text = program("bare", writer, "whole", "ValueError", "None", CALLERS["nobody"])
    fixed = repaired(text)
    assert "atomic_" in fixed
    folder = tmp_path / "work"
    unwritable = {"step": 3, "model": object()}
    old = run(text, prepared(folder, INPUTS[kind]), "save_checkpoint", folder / NEW, unwritable)
    new = run(fixed, prepared(folder, INPUTS[kind]), "save_checkpoint", folder / NEW, unwritable)
    assert isinstance(old.value, TypeError)
    assert (type(new.value), str(new.value)) == (type(old.value), str(old.value))
    assert new.files.get(NEW) == INPUTS[kind]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_read_only_file_is_refused_as_before(writer: str, tmp_path: Path) -> None:
    text = program("bare", writer, "whole", "ValueError", "None", CALLERS["nobody"])
    folder = tmp_path / "work"
    for each in (text, repaired(text)):
        # What a program imports on its first run may not be readable for another user.
        run(each, prepared(folder, WHOLE), "save_checkpoint", folder / NEW, {"step": 3})
        prepared(folder, WHOLE, mode=0o444)
        with as_another_user(tmp_path):
            ran = run(each, folder, "save_checkpoint", folder / NEW, {"step": 3})
        assert isinstance(ran.value, PermissionError)
        assert ran.files[NEW] == WHOLE


def test_what_is_written_is_loaded_again(tmp_path: Path) -> None:
    caller = CALLERS["starts again, and saves"]
    fixed = repaired(program("bare", "dump", "whole", "missing or corrupt", "None", caller))
    folder = prepared(tmp_path / "work", None)
    assert run(fixed, folder, "main", folder).value == {"step": 0}
    assert json.loads((folder / NEW).read_bytes()) == {"step": 0}
    assert run(fixed, folder, "main", folder).value == {"step": 0}


def test_the_comparison_sees_a_repair_that_hides_the_older_file(tmp_path: Path) -> None:
    caller = CALLERS["falls back on an older file"]
    text = program("bare", "dump", "whole", "ValueError", "None", caller)
    raising = text.replace(
        "        return None",
        "        from atomic_fix.runtime import CheckpointCorruptedError\n\n"
        "        raise CheckpointCorruptedError(path)",
    )
    folder = tmp_path / "work"
    old, new = (
        run(each, prepared(folder, INPUTS["cut short"]), "main", folder) for each in (text, raising)
    )
    assert old.value == {"step": 1}
    with pytest.raises(AssertionError):
        compare(caller, "cut short", old, new)


def test_the_comparison_sees_a_warning_of_a_missing_file(tmp_path: Path) -> None:
    caller = CALLERS["returns it"]
    text = program("bare", "dump", "whole", "missing or corrupt", "None", caller)
    loud = text.replace(
        "        return None", "        import logging\n\n        logging.warning(path)"
    )
    folder = tmp_path / "work"
    old, new = (run(each, prepared(folder, None), "main", folder) for each in (text, loud))
    with pytest.raises(AssertionError):
        compare(caller, "missing", old, new)
