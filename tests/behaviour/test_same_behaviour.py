"""Programs are run before and after their repair, on the same files.

Bytes on disk, return values and exceptions are compared. The differences that a fix promises
are listed here, and no others are allowed:

- a write that fails leaves the old content, instead of a part of the new one;
- a read-only file in a writable folder is refused in both;
- a loader that treated a corrupt file as missing raises `CheckpointCorruptedError`, from the error
that it swallowed, or logs a warning with the path.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

# The programs as they were leave handles to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HEAD = """\
import csv
import gzip
import io
import json
import os
import pickle
from contextlib import suppress
from pathlib import Path


"""

# What is durable is not the question here.
CONFIG = Config(min_confidence=0.1)

STATE = {"step": 3, "name": "caf\xe9", "losses": [0.5, 0.25], "text": "a\nb"}

SAVERS = {
    "write_text": "path.write_text(json.dumps(state, indent=2), encoding='utf-8')",
    "no encoding": "path.write_text(json.dumps(state, ensure_ascii=False))",
    "utf-16": "path.write_text(json.dumps(state), encoding='utf-16')",
    "latin-1": "path.write_text(json.dumps(state, ensure_ascii=False), encoding='latin-1')",
    "newline": "path.write_text(json.dumps(state, indent=1), newline='\\r\\n')",
    "count": "return path.write_text(json.dumps(state) + '\\n')",
    "bytes": "return path.write_bytes(json.dumps(state).encode())",
    "dump": "with open(path, 'w') as file:\n        json.dump(state, file, sort_keys=True)",
    "method": "with path.open('w', encoding='ascii') as file:\n        json.dump(state, file)",
    "dumps": "with io.open(str(path), 'w') as file:\n        file.write(json.dumps(state))",
    "line end": (
        "with open(path, 'w') as file:\n        json.dump(state, file)\n        file.write('\\n')"
    ),
    "pickle": "with open(path, 'wb') as file:\n        pickle.dump(state, file)",
    "csv": (
        "with open(path, 'w', newline='') as file:\n"
        "        csv.writer(file).writerows(state.items())"
    ),
    "gzip": "with gzip.open(path, 'wb') as file:\n        pickle.dump(state, file)",
    "argument": "json.dump(state, open(path, 'w'))",
    "pickle argument": "pickle.dump(state, open(path, 'wb'))",
    "at once": "open(path, 'w').write(json.dumps(state))",
    "finally": (
        "file = open(path, 'w')\n    try:\n        json.dump(state, file)\n"
        "    finally:\n        file.close()"
    ),
    "close": "file = open(path, 'w')\n    json.dump(state, file)\n    file.close()",
    "return inside": (
        "with open(path, 'w') as file:\n        file.write(json.dumps(state))\n        return 1"
    ),
}

# Blocks that look at their file, or that an exception leaves with their content wanted.
DELICATE = {
    "alias": """\
    target = path
    with open(path, 'w') as file:
        json.dump(state, file)
        file.flush()
        return os.path.getsize(target)
""",
    "name of the handle": """\
    with open(path, 'w') as file:
        json.dump(state, file)
        file.flush()
        return os.stat(file.name).st_size
""",
    "function within": """\
    def size():
        return path.stat().st_size

    with path.open('w') as file:
        json.dump(state, file)
        file.flush()
        return size()
""",
    "partial": """\
    size = functools.partial(os.path.getsize, path)
    with open(path, 'w') as file:
        json.dump(state, file)
        file.flush()
        return size()
""",
    "default": """\
    with open(path, 'w') as file:
        json.dump([object], file, default=lambda _: path.exists())
""",
    "reads itself": """\
    with open(path, 'w') as file:
        json.dump([path.read_text(), state], file)
""",
    "generator of its lines": """\
    lines = (line for line in path.open() if line) if path.exists() else ()
    with open(path, 'w') as file:
        file.writelines(lines)
        file.write('end')
""",
    "another program": """\
    with open(path, 'w') as file:
        json.dump(state, file)
        file.flush()
        return subprocess.run(['cat', path], capture_output=True).stdout
""",
    "another program writes": """\
    with open(path, 'w') as file:
        subprocess.run(['echo', json.dumps(state)], stdout=file, check=True)
        file.write('end')
""",
    "open twice": """\
    with open(path, 'a') as other:
        with open(path, 'w') as file:
            json.dump(state, file)
        other.write('end')
""",
    "removed": """\
    with open(path, 'w') as file:
        json.dump(state, file)
        os.unlink(path)
""",
    "descriptor": """\
    with open(path, 'w') as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(state, file)
        file.flush()
        return oct(os.fstat(file.fileno()).st_mode)
""",
    "exit": """\
    try:
        with open(path, 'w') as file:
            json.dump(state, file)
            sys.exit(0)
    except SystemExit:
        pass
""",
    "leaves a loop": """\
    try:
        with open(path, 'w') as file:
            for each in state:
                file.write(each)
                if each == 'name':
                    raise LookupError
    except LookupError:
        pass
""",
    "until there is no more": """\
    names = iter(state)
    try:
        with open(path, 'w') as file:
            while True:
                file.write(next(names))
    except StopIteration:
        pass
""",
    "suppressed": """\
    names = iter(state)
    with suppress(StopIteration), open(path, 'w') as file:
        for _ in range(9):
            file.write(next(names))
""",
    "interrupted": """\
    def names():
        yield from state
        raise KeyboardInterrupt

    try:
        with open(path, 'w') as file:
            for each in names():
                file.write(each)
    except KeyboardInterrupt:
        pass
""",
    "generator that is closed": """\
    def saved():
        with open(path, 'w') as file:
            for each in state:
                file.write(each)
                yield each

    next(saved())
""",
    "leaves by break": """\
    with open(path, 'w') as file:
        for each in state:
            file.write(each)
            if each == 'name':
                break
        return file.tell()
""",
    "changed directory": """\
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        with open(path.name, 'w') as checkpoint_file:
            os.chdir('/')
            json.dump(state, checkpoint_file)
    finally:
        os.chdir(here)
""",
    "bound again": """\
    where = path
    with open(where, 'w') as file:
        where = None
        file.write(json.dumps(state))
        file.seek(1)
        file.truncate()
""",
    "json of its own": """\
    class json:
        dump = staticmethod(lambda value, file: file.write(repr(value)))

    with open(path, 'w') as file:
        json.dump(state, file)
""",
    "encoder of its own": """\
    class Encoder(json.JSONEncoder):
        def encode(self, o):
            return 'encoded'

    with open(path, 'w') as file:
        json.dump(state, file, cls=Encoder)
""",
    "content that moves the path": """\
    class Store:
        where = path

        def move(self):
            Store.where = path.with_name('other.json')
            return state

    json.dump(Store().move(), open(Store.where, 'w'))
    return sorted(os.listdir(path.parent))
""",
    "listed": """\
    with open(path, 'w') as file:
        json.dump(sorted(os.listdir(path.parent)), file)
""",
}

LOADERS = {
    "decode error": ("json.JSONDecodeError", "return json.loads(path.read_text())"),
    "both": (
        "(FileNotFoundError, ValueError)",
        "with open(path, encoding='utf-8') as file:\n            return json.load(file)",
    ),
    "all": ("(OSError, ValueError)", "return json.loads(path.read_bytes())"),
    "pickle": (
        "(FileNotFoundError, EOFError, pickle.UnpicklingError)",
        "return pickle.loads(path.read_bytes())",
    ),
}

FILES: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "whole": b'{"step": 2}',
    "cut short": b'{"step": ',
    "wrong encoding": b'{"step": "\xff\xfe"}',
    "longer than the new one": b'{"step": ' + b"1" * 9000 + b"}",
}


def function(text: str, name: str) -> Callable[..., Any]:
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(text, "<program>", "exec"), names)
    made: Callable[..., Any] = names[name]
    return made


def repaired(text: str) -> str:
    source = Source("/repository/service/jobs.py", text, "utf-8", False)
    result = rewrite(source, lambda each: check(each, CONFIG), SAFE_ONLY)
    assert result.refusal == ""
    assert result.text != text, "nothing was repaired: the comparison would say nothing"
    assert not result.remaining
    return result.text


def outcome(call: Callable[..., Any], path: Path, *arguments: object) -> tuple[Any, ...]:
    """What is returned or raised, and the bytes on disk afterwards."""
    try:
        value: object = call(path, *arguments)
    except Exception as error:
        value = error.with_traceback(None)
    return value, path.read_bytes() if path.exists() else None


def made(folder: Path, content: bytes | None, *, mode: int = 0o644) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "checkpoint.json"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    return path


def saver(body: str) -> str:
    return f"{HEAD}def save_checkpoint(path, state):\n    {body}\n"


@pytest.fixture(autouse=True)
def _same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # gzip writes the time into its header.
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)


@pytest.mark.parametrize(
    "state", [STATE, {}, {1: object}], ids=["state", "empty", "unserialisable"]
)
@pytest.mark.parametrize("content", FILES.values(), ids=list(FILES))
@pytest.mark.parametrize("body", SAVERS.values(), ids=list(SAVERS))
def test_a_saver_writes_the_same(
    body: str, content: bytes | None, state: object, tmp_path: Path
) -> None:
    text = saver(body)
    before = function(text, "save_checkpoint")
    after = function(repaired(text), "save_checkpoint")
    old, old_bytes = outcome(before, made(tmp_path, content), state)
    new, new_bytes = outcome(after, made(tmp_path, content), state)
    if isinstance(old, Exception):
        assert (type(new), str(new)) == (type(old), str(old))
        assert new_bytes == content  # promised: nothing is lost
    else:
        assert (new, new_bytes) == (old, old_bytes)
    assert len(list(tmp_path.iterdir())) == (new_bytes is not None)


@pytest.mark.parametrize("content", FILES.values(), ids=list(FILES))
@pytest.mark.parametrize("body", DELICATE.values(), ids=list(DELICATE))
def test_a_delicate_block_does_the_same(body: str, content: bytes | None, tmp_path: Path) -> None:
    text = f"import functools\nimport subprocess\nimport sys\n{HEAD}"
    text += f"def save_checkpoint(path, state):\n{body}"
    source = Source("/repository/service/jobs.py", text, "utf-8", False)
    after = rewrite(source, lambda each: check(each, CONFIG), SAFE_ONLY).text
    ran = []
    for each in (text, after):
        made(tmp_path, content)
        (tmp_path / "other.json").unlink(missing_ok=True)
        value, there = outcome(
            function(each, "save_checkpoint"), tmp_path / "checkpoint.json", STATE
        )
        ran.append((str(value), there, sorted(path.name for path in tmp_path.iterdir())))
    assert ran[0] == ran[1]


@contextmanager
def as_another_user(folder: Path) -> Iterator[None]:
    """Root may write to a read-only file, so the program runs as another user."""
    if os.geteuid() != 0:
        yield
        return
    for above in (folder, *folder.parents):
        if above.stat().st_uid == 0 and not above.stat().st_mode & 0o001:
            above.chmod(0o755)
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("body", SAVERS.values(), ids=list(SAVERS))
def test_a_read_only_file_is_refused_in_both(body: str, tmp_path: Path) -> None:
    text = saver(body)
    # What a program imports on its first run may not be readable for another user.
    programs = [function(each, "save_checkpoint") for each in (text, repaired(text))]
    for program in programs:
        outcome(program, made(tmp_path, b"old"), STATE)
    for program in programs:
        path = made(tmp_path, b"old", mode=0o444)
        with as_another_user(tmp_path):
            value, content = outcome(program, path, STATE)
        assert isinstance(value, PermissionError)
        assert content == b"old"


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What programs log at warning level."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler = Kept(logging.WARNING)
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def loader(errors: str, body: str, default: str) -> str:
    return (
        f"{HEAD}def load_checkpoint(path):\n    try:\n        {body}\n"
        f"    except {errors}:\n        {default}\n"
    )


@pytest.mark.parametrize("default", ["return None", "return {}", "pass"])
@pytest.mark.parametrize("content", FILES.values(), ids=list(FILES))
@pytest.mark.parametrize(("errors", "body"), LOADERS.values(), ids=list(LOADERS))
def test_a_loader_differs_for_a_corrupt_file_only(
    errors: str,
    body: str,
    default: str,
    content: bytes | None,
    tmp_path: Path,
    warnings: list[str],
) -> None:
    text = loader(errors, body, default)
    before = function(text, "load_checkpoint")
    after = function(repaired(text), "load_checkpoint")
    path = made(tmp_path, content)
    old, new = outcome(before, path)[0], outcome(after, path)[0]
    if isinstance(new, CheckpointCorruptedError):
        assert content is not None
        assert old == (None if default != "return {}" else {})
        assert new.path == path
        assert new.__cause__ is not None
    elif isinstance(old, Exception):
        assert (type(new), str(new)) == (type(old), str(old))
    else:
        assert new == old
    assert all(str(path) in each for each in warnings)
    assert not warnings or (content is not None and not isinstance(new, Exception))


ERRORS = st.lists(
    st.sampled_from(["FileNotFoundError", "OSError", "KeyError", "TypeError"]), unique=True
)
MEANS_CORRUPT = st.lists(
    st.sampled_from(["ValueError", "json.JSONDecodeError", "UnicodeDecodeError"]),
    unique=True,
    min_size=1,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    others=ERRORS,
    corrupt=MEANS_CORRUPT,
    turned=st.booleans(),
    load=st.sampled_from(
        [
            "return json.loads(path.read_text(encoding='utf-8'))",
            "return json.loads(path.read_bytes())",
            "with open(path, encoding='utf-8') as file:\n            return json.load(file)",
        ]
    ),
    default=st.sampled_from(["return None", "return {}", "return [1, 2]", "pass"]),
    bound=st.booleans(),
    content=st.one_of(st.none(), st.binary(max_size=12), st.just(b'{"step": 2}')),
)
def test_generated_loaders_differ_for_a_corrupt_file_only(
    tmp_path: Path,
    others: list[str],
    corrupt: list[str],
    turned: bool,
    load: str,
    default: str,
    bound: bool,
    content: bytes | None,
    warnings: list[str],
) -> None:
    names = [*corrupt, *others] if turned else [*others, *corrupt]
    errors = f"({', '.join(names)},)" + (" as exc" if bound else "")
    text = loader(errors, load, default)
    path = made(tmp_path, content)
    old = outcome(function(text, "load_checkpoint"), path)[0]
    assert not warnings
    new = outcome(function(repaired(text), "load_checkpoint"), path)[0]
    told, warnings[:] = [*warnings], []
    if isinstance(new, CheckpointCorruptedError):
        assert content is not None
        assert not isinstance(old, Exception)
        assert new.path == path
        assert isinstance(new.__cause__, ValueError)
    elif isinstance(old, Exception):
        assert (type(new), str(new)) == (type(old), str(old))
    else:
        assert new == old
        if content is None:
            assert not told
        elif told:
            assert str(path) in told[0]
        else:
            # A file that is there is no longer taken for a missing one.
            assert new == json.loads(content)


OPTIONS = st.lists(
    st.sampled_from(
        [
            "indent=2",
            "sort_keys=True",
            "ensure_ascii=False",
            "separators=(',', ':')",
            "default=str",
            "allow_nan=False",
        ]
    ),
    unique=True,
    max_size=4,
)
ENCODINGS = st.sampled_from(["", "utf-8", "UTF8", "latin-1", "ascii", "utf-16", "utf-8-sig"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    options=OPTIONS,
    encoding=ENCODINGS,
    shape=st.sampled_from(["text", "open", "path", "write", "try"]),
    newline=st.sampled_from(["", "'\\n'", "'\\r\\n'", "''"]),
    state=JSON,
)
def test_generated_savers_write_the_same(
    tmp_path: Path, options: list[str], encoding: str, shape: str, newline: str, state: object
) -> None:
    given_options = "".join(f", {option}" for option in options)
    more = (f", encoding={encoding!r}" if encoding else "") + (
        f", newline={newline}" if newline else ""
    )
    body = {
        "text": f"path.write_text(json.dumps(state{given_options}){more})",
        "open": f"with open(path, 'w'{more}) as f:\n        json.dump(state, f{given_options})",
        "path": f"with path.open('w'{more}) as f:\n        json.dump(state, f{given_options})",
        "write": (
            f"with open(path, 'w'{more}) as f:\n        f.write(json.dumps(state{given_options}))"
        ),
        "try": (
            f"f = open(path, 'w'{more})\n    try:\n        json.dump(state, f{given_options})\n"
            "    finally:\n        f.close()"
        ),
    }[shape]
    text = saver(body)
    before = outcome(function(text, "save_checkpoint"), made(tmp_path, b"old"), state)
    after = outcome(function(repaired(text), "save_checkpoint"), made(tmp_path, b"old"), state)
    if isinstance(before[0], Exception):
        assert type(after[0]) is type(before[0])
        assert after[1] == b"old"
    else:
        assert after == before
