"""Code that a repair must not change, whatever surrounds it: one case for each trap."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

import pytest

from atomic_fix.check import check, check_bytes
from atomic_fix.config import Config
from atomic_fix.rewrite import SAFE_AND_UNSAFE, rewrite
from atomic_fix.source import Source, decode

IMPORT = "from atomic_fix.runtime import atomic_write_text\n"
WRITE = "path.write_text(text)"
FIXED = "atomic_write_text(path, text)"
SAVE = f"def save_checkpoint(path, text):\n    {WRITE}\n"


def repaired(content: bytes) -> bytes:
    source = decode(content, "/repository/service/jobs.py")
    assert isinstance(source, Source)
    result = rewrite(source, lambda each: check(each, Config()), SAFE_AND_UNSAFE)
    assert result.refusal == ""
    again = Source(source.filename, result.text, source.encoding, source.bom)
    assert rewrite(again, lambda each: check(each, Config()), SAFE_AND_UNSAFE).text == result.text
    return source.encode(result.text)


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


# Head of the file before, and after; the saver follows both.
HEADS = {
    "isort off": (
        "# isort: off\nimport os\n# isort: on\nimport abc\n\n\n",
        f"# isort: off\nimport os\n# isort: on\nimport abc\n\n{IMPORT}\n\n",
    ),
    "isort off to the end": (
        "import abc\n\n# isort: off\nimport os\n\n\n",
        f"import abc\n\n{IMPORT}\n# isort: off\nimport os\n\n\n",
    ),
    "licence": (
        "# Copyright 2020 The Authors\n# SPDX-License-Identifier: MIT\n\n\n",
        f"# Copyright 2020 The Authors\n# SPDX-License-Identifier: MIT\n\n{IMPORT}\n\n",
    ),
    "docstring and future": (
        '"""Doc."""\nfrom __future__ import annotations\n\n\n',
        f'"""Doc."""\nfrom __future__ import annotations\n\n{IMPORT}\n\n',
    ),
    "sys.path": (
        "import sys\nsys.path.insert(0, 'lib')\nimport local\n\n\n",
        f"import sys\nsys.path.insert(0, 'lib')\nimport local\n{IMPORT}\n\n",
    ),
    "star import": (
        "from os.path import *\n\n\n",
        f"from os.path import *\n\n{IMPORT}\n\n",
    ),
    "star import of the helper": (
        "from atomic_fix.runtime import *\n\n\n",
        "from atomic_fix.runtime import *\n\n\n",
    ),
    "form feed": (
        "import os\n\x0c\n\n",
        f"import os\n\n{IMPORT}\x0c\n\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), HEADS.values(), ids=list(HEADS))
def test_the_head_of_the_file(before: str, after: str) -> None:
    assert repaired((before + SAVE).encode()).decode() == after + SAVE.replace(WRITE, FIXED)


def test_an_import_for_type_checkers_is_not_taken_for_one() -> None:
    head = f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    {IMPORT}\n\n"
    text = repaired((head + SAVE).encode()).decode()
    assert "import atomic_write_text as _atomic_write_text\n" in text
    assert "    _atomic_write_text(path, text)\n" in text


def test_an_import_within_the_function_is_used() -> None:
    save = f"def save_checkpoint(path, text):\n    {IMPORT}\n    {WRITE}\n"
    assert repaired(save.encode()).decode() == save.replace(WRITE, FIXED)


def test_an_import_within_another_function_is_not() -> None:
    other = f"def other():\n    {IMPORT}    return atomic_write_text\n\n\n"
    text = repaired((other + SAVE).encode()).decode()
    assert f"{IMPORT[:-1]} as _atomic_write_text\n" in text
    assert "\n    _atomic_write_text(path, text)\n" in text


@pytest.mark.parametrize("shadow", ["atomic_write_text = print", "def atomic_write_text(): ..."])
def test_a_name_that_is_taken_is_not_hidden(shadow: str) -> None:
    text = repaired(f"{shadow}\n\n\n{SAVE}".encode()).decode()
    assert f"{shadow}\n" in text
    assert "    _atomic_write_text(path, text)\n" in text


BODIES = {
    "decorator": f"@final\n@cached(  # why\n    1\n)\n{SAVE}",
    "type comment": SAVE.replace("):\n", "):  # type: (Path, str) -> None\n"),
    "match": (
        "def save_checkpoint(path, text):\n    match text:\n        case 'a' | 'b':\n"
        f"            {WRITE}\n        case _:\n            pass\n"
    ),
    "walrus": f"def save_checkpoint(path, text):\n    if (n := len(text)) > 1:\n        {WRITE}\n",
    "nested f-string": (
        "def save_checkpoint(path, text):\n    x = f\"{f'{path}'}{text!r:>{10}}\"\n"
        f"    {WRITE}\n    return x\n"
    ),
    "nested f-string of the same quotes (701)": (
        f'def save_checkpoint(path, text):\n    x = f"{{f"{{path}}"}}"\n    {WRITE}\n    return x\n'
    ),
    "type parameters (695)": (
        f"type Path[T] = T\n\n\ndef save_checkpoint[T](path: Path[T], text: T):\n    {WRITE}\n"
    ),
    "except without parentheses (758)": (
        f"def save_checkpoint(path, text):\n    try:\n        {WRITE}\n"
        "    except KeyError, IndexError:\n        raise\n"
    ),
    "except star (654)": (
        f"def save_checkpoint(path, text):\n    try:\n        {WRITE}\n"
        "    except* KeyError:\n        raise\n"
    ),
    "string of several rows": (
        f'def save_checkpoint(path, text):\n    x = """a\n  b\\\n"""\n    {WRITE}\n    return x\n'
    ),
    "continued row": f"def save_checkpoint(path, text):\n    x = 1 + \\\n        2\n    {WRITE}\n",
    "trailing spaces": f"def save_checkpoint(path, text):   \n    {WRITE}   \n\n  \n    \n",
}


# The first Python that knows the syntax.
SINCE = {
    "nested f-string of the same quotes (701)": (3, 12),
    "type parameters (695)": (3, 12),
    "except star (654)": (3, 11),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_code_around(kind: str, newline: str) -> None:
    if sys.version_info < SINCE.get(kind, ()):
        pytest.skip("this Python cannot parse it")
    body = BODIES[kind]
    content = f"import os\n\n\n{body}".replace("\n", newline).encode()
    expected = f"import os\n\n{IMPORT}\n\n{body.replace(WRITE, FIXED)}"
    assert repaired(content) == expected.replace("\n", newline).encode()


@pytest.mark.parametrize("kind", SINCE)
def test_syntax_that_is_newer_than_the_running_python_is_not_analysed(kind: str) -> None:
    content = f"import os\n\n\n{BODIES[kind]}".encode()
    found = check_bytes(content, "/repository/service/jobs.py", Config())
    assert found.analysed == (sys.version_info >= SINCE[kind])
    if not found.analysed:
        assert found.problem is not None
        assert "needs Python {}.{} or newer".format(*SINCE[kind]) in found.problem.reason
        assert not found.findings


def test_mixed_line_ends_stay_where_they_are() -> None:
    content = f"import os\r\n\r\n\r\ndef save_checkpoint(path, text):\n    {WRITE}\r\n".encode()
    new = repaired(content)
    assert new.endswith(f"def save_checkpoint(path, text):\n    {FIXED}\r\n".encode())
    assert new.startswith(b"import os\r\n")
    assert new.count(b"\n") == content.count(b"\n") + 2


def test_a_missing_last_line_end_stays_missing() -> None:
    content = f"import os\n\n\n{SAVE}".encode().rstrip(b"\n")
    assert repaired(content).endswith(FIXED.encode())


@pytest.mark.parametrize("indent", ["\t", "  ", "        "])
def test_the_indentation_is_that_of_the_file(indent: str) -> None:
    body = f"def save_checkpoint(path, a):\n{indent}torch.save(a, path)\n"
    text = repaired(f"import torch\n\n\n{body}".encode()).decode()
    assert f'\n{indent}with atomic_open(path, "wb") as file:\n{indent}{indent}torch.save(' in text


@pytest.mark.parametrize(
    ("encoding", "cookie"), [("latin-1", "latin-1"), ("cp1252", "cp1252"), ("utf-8", "utf8")]
)
def test_the_encoding_of_a_cookie_is_kept(encoding: str, cookie: str) -> None:
    text = f"# -*- coding: {cookie} -*-\nname = 'caf\xe9'\nimport os\n\n\n{SAVE}"
    new = repaired(text.encode(encoding))
    assert "name = 'caf\xe9'\n".encode(encoding) in new
    assert FIXED.encode() in new


def test_comments_are_never_fewer() -> None:
    for case in sorted((Path(__file__).parent.parent / "fixtures").glob("*/*.py")):
        if case.name.endswith(".fixed.py") or not parses(case.read_text("utf-8")):
            continue
        before, after = (
            Counter(
                token.string
                for token in tokenize.tokenize(io.BytesIO(content).readline)
                if token.type == tokenize.COMMENT
            )
            for content in (case.read_bytes(), repaired(case.read_bytes()))
        )
        assert before - after == Counter()


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "atomic_fix", "--isolated", "--no-cache", *options, "."]
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, env=environment)


def test_what_is_shown_is_what_is_written(tmp_path: Path) -> None:
    """`git apply` of the output of `--diff` gives what `--write` writes, for every case."""
    written, shown = tmp_path / "written", tmp_path / "shown"
    for folder in (written, shown):
        for case in sorted((Path(__file__).parent.parent / "fixtures").glob("*/*.py")):
            if not case.name.endswith(".fixed.py"):
                target = folder / case.parent.name / case.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(case.read_bytes())
    patch = run(shown, "--diff", "--unsafe-fixes").stdout
    assert patch
    subprocess.run(["git", "init", "-q"], cwd=shown, check=True)
    subprocess.run(["git", "apply", "-p1", "-"], cwd=shown, input=patch, check=True)
    run(written, "--write", "--unsafe-fixes")
    for target in sorted(written.glob("*/*.py")):
        assert (shown / target.relative_to(written)).read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    ("imported", "called"),
    [
        ("import tensorflow as tf", "tf.io.gfile.GFile"),
        ("import smart_open", "smart_open.open"),
        ("from shop.tools import zopen", "zopen"),
        ("from shop.tools import fs", "fs.open"),
    ],
)
def test_what_may_open_a_remote_file_is_reported_and_left_alone(imported: str, called: str) -> None:
    program = (
        f"import json\n{imported}\n\n\ndef save_state(path, state):\n"
        f'    with {called}(path, "w") as file:\n        json.dump(state, file)\n'
    )
    source = decode(program.encode(), "/repository/service/jobs.py")
    assert isinstance(source, Source)
    (finding,) = check(source, Config())
    assert finding.fix is None
    assert "may be remote" in finding.why_no_fix
    local = program.replace(imported, "import io").replace(called, "io.open")
    assert b"atomic_write_json" in repaired(local.encode())


def test_the_repair_of_a_write_does_not_hide_its_swallowed_load() -> None:
    program = (
        "import json\nfrom pathlib import Path\n\n"
        'SETTINGS = Path.home() / "settings.json"\n\n\n'
        "def store(values):\n    SETTINGS.write_text(json.dumps(values))\n\n\n"
        "def fetch():\n    try:\n        return json.loads(SETTINGS.read_text())\n"
        "    except ValueError:\n        return {}\n"
    )
    text = repaired(program.encode()).decode()
    assert "atomic_write_json(SETTINGS, values)" in text
    assert '.warning("could not load %s: %s", SETTINGS, exc)\n' in text


def test_what_is_awaited_step_by_step_has_no_fix_and_the_reason() -> None:
    text = (
        "import aiofiles\n\n\nasync def save_state(state_path, head, state):\n"
        '    async with aiofiles.open(state_path, "w") as file:\n'
        "        await file.write(head)\n        await file.write(state)\n"
    )
    (finding,) = check_bytes(text.encode(), "app.py", Config()).findings
    assert finding.fix is None
    assert "written in several steps" in finding.why_no_fix


CELL = """\
import json


def save_state(state, state_path):
    with open(state_path, "w") as file:
        json.dump(state, file)


def load_state(state_path):
    return json.load(open(state_path))
"""


@pytest.mark.parametrize(
    ("before", "is_repaired"),
    [
        ("# %%\nimport os\n\n# %% Training\n", False),
        ("import os\n\n# %%\nprint(os)\n#%%\n", False),
        ("import os\nprint(os)\nfrom __future__ import annotations\n", False),
        ("# %%\n", True),
        ("# %%\nprint()\n\n# %%\n", True),
        ('"""State."""\nfrom __future__ import annotations\n', True),
        ("from __future__ import annotations\nfrom __future__ import division\n", True),
        ("import os\n# 50%% of it\n", True),
    ],
)
def test_cells_and_collections_of_cells(before: str, is_repaired: bool) -> None:
    after = repaired(f"{before}{CELL}".encode()).decode()
    assert ("atomic_write_json" in after) == is_repaired
