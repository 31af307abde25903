"""Every file that atomic-fix writes goes through `atomic_fix.runtime`."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import atomic_fix
from atomic_fix import files

SOURCES = Path(atomic_fix.__file__).parent

# What changes files, by where it comes from. Making a folder is no write: there is nothing in
# it that could be cut short.
FUNCTIONS = {
    "codecs": {"open"},
    "io": {"FileIO", "open"},
    "os": {
        "chmod", "copy_file_range", "fdopen", "ftruncate", "link", "mkfifo", "mknod", "open",
        "pwrite", "pwritev", "remove", "removedirs", "rename", "renames", "replace", "rmdir",
        "sendfile", "symlink", "truncate", "unlink", "write", "writev",
    },
    "shutil": {
        "chown", "copy", "copy2", "copyfile", "copyfileobj", "copymode", "copystat", "copytree",
        "make_archive", "move", "rmtree", "unpack_archive",
    },
}  # fmt: skip
# What is there to write files, so that loading it says enough.
MODULES = {
    "_io", "aiofiles", "dbm", "fileinput", "mailbox", "mmap", "posix", "shelve", "sqlite3",
    "tempfile", "zipapp",
}  # fmt: skip
METHODS = {
    "hardlink_to", "open", "rename", "symlink_to", "touch", "unlink", "write_bytes", "write_text",
}  # fmt: skip
# Where they come from, the mode decides.
OPENERS = {"bz2.open", "gzip.open", "lzma.open", "tarfile.open", "zipfile.ZipFile"}
WATCHED = {*FUNCTIONS, *MODULES, "bz2", "gzip", "lzma", "pathlib", "tarfile", "zipfile"}


def writes(source: str) -> list[tuple[int, str]]:
    """Row and name of whatever in the source may write a file, other than by the helper."""
    return sorted(set(_found(ast.parse(source))))


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    names = dict(_imported(tree))
    judged = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            dotted = _dotted(node.func, names)
            if dotted == "open" or dotted in OPENERS:
                judged.add(node.func)
                if not _reads(node, 1):
                    yield node.lineno, dotted
            elif dotted == "os.open" and _dotted(node.args[0], names) == "os.devnull":
                judged.add(node.func)
            elif isinstance(node.func, ast.Attribute) and node.func.attr == "open":
                if dotted.partition(".")[0] not in WATCHED:
                    judged.add(node.func)
                    if not _reads(node, 0):
                        yield node.lineno, "open"
            elif isinstance(node.func, ast.Attribute) and node.func.attr == "replace":
                # Those of strings and dates take two arguments or keywords, `Path`'s takes one.
                if len(node.args) == 1 and not node.keywords:
                    yield node.lineno, "replace"
            elif dotted == "getattr" and _dotted(node.args[0], names) in WATCHED:
                yield node.lineno, "getattr"
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and node not in judged:
            dotted = _dotted(node, names)
            module, _, name = dotted.rpartition(".")
            if dotted == "open" or dotted in OPENERS or name in FUNCTIONS.get(module, ()):
                yield node.lineno, dotted
            elif isinstance(node, ast.Attribute) and node.attr in METHODS:
                yield node.lineno, node.attr
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for dotted in _origins(node):
                module, _, name = dotted.rpartition(".")
                whole = dotted.split(".")[0] in MODULES or (name == "*" and module in WATCHED)
                if whole or name in FUNCTIONS.get(module, ()):
                    yield node.lineno, dotted


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What each imported name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias, dotted in zip(node.names, _origins(node), strict=True):
                if alias.asname is None and isinstance(node, ast.Import):
                    dotted = dotted.split(".")[0]  # `import os.path` binds `os`
                yield alias.asname or alias.name.split(".")[0], dotted


def _origins(node: ast.Import | ast.ImportFrom) -> list[str]:
    module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return [module + alias.name for alias in node.names]


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return ""


def _reads(call: ast.Call, position: int) -> bool:
    """Whether the mode of the call is in plain sight, and one for reading."""
    if any(isinstance(each, ast.Starred) for each in call.args):
        return False
    modes = [keyword.value for keyword in call.keywords if keyword.arg in {"mode", None}]
    modes += call.args[position : position + 1]
    return all(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and not set(mode.value) & set("wax+")
        for mode in modes
    )


def test_nothing_else_writes() -> None:
    paths = sorted(SOURCES.rglob("*.py"))
    assert len(paths) > 70
    found = {
        path.relative_to(SOURCES).as_posix(): writes(path.read_text(encoding="utf-8"))
        for path in paths
    }
    assert {name for row, name in found.pop("runtime.py")} >= {"os.open", "os.replace", "open"}
    # It opens by `os.open`, to read without waiting.
    assert {name for _, name in found.pop("files.py")} == {"getattr", "os.open"}
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    assert not files._FLAGS & writing
    assert {path: rows for path, rows in found.items() if rows} == {}


@pytest.mark.parametrize(
    "line",
    [
        "open(p, 'w')",
        "open(p, mode='ab')",
        "open(p, 'r+')",
        "open(p, how)",
        "open(p, **options)",
        "open(*arguments)",
        "save = open",
        "Path(p).open('w')",
        "p.open(mode=how)",
        "p.write_text(t)",
        "p.write_bytes(t)",
        "run(p.write_text, t)",
        "p.replace(q)",
        "p.rename(q)",
        "p.unlink()",
        "p.touch()",
        "import os; os.replace(p, q)",
        "import os as system; system.rename(p, q)",
        "from os import replace",
        "from os import replace as publish",
        "from os import *",
        "import os; partial(os.unlink, p)()",
        "import os; os.open(p, os.O_RDONLY)",
        "import os; os.fdopen(3, 'w')",
        "import os; getattr(os, 'replace')(p, q)",
        "import shutil; shutil.copy(p, q)",
        "from shutil import move",
        "import tempfile",
        "from tempfile import NamedTemporaryFile",
        "import io; io.open(p, 'w')",
        "import codecs; codecs.open(p, 'w', 'utf-8')",
        "from io import FileIO",
        "import gzip; gzip.open(p, 'wb')",
        "from gzip import open; open(p, 'wb')",
        "import zipfile; zipfile.ZipFile(p, 'w')",
        "import sqlite3.dbapi2",
    ],
)
def test_each_way_to_write_is_seen(line: str) -> None:
    source = (SOURCES / "baseline.py").read_text(encoding="utf-8")
    rows = len(source.splitlines())
    found = writes(f"{source}\n\ndef mutant(p, q, t, how):\n    {line}\n")
    assert {row for row, _ in found} == {rows + 4}


def test_a_write_that_leaves_the_helper_is_seen() -> None:
    source = (SOURCES / "run" / "cache.py").read_text(encoding="utf-8")
    call = "atomic_write_bytes(self._path, "
    assert source.count(call) == 1
    assert writes(source) == []
    assert [name for _, name in writes(source.replace(call, "open(self._path, 'wb').write("))] == [
        "open"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "open(p)",
        "open(p, 'rb', buffering=0)",
        "p.open()",
        "p.open(mode='rb')",
        "t.replace('a', 'b')",
        "when.replace(tzinfo=None)",
        "from dataclasses import replace; replace(p, name=q)",
        "import os; os.makedirs(p); os.path.join(p, q); os.stat(p)",
        "import shutil; shutil.get_terminal_size()",
        "import gzip; gzip.open(p)",
        "import io; io.BytesIO()",
        "import os; os.open(os.devnull, os.O_WRONLY)",
        "sys.stdout.write(t)",
        "'os.replace'",
    ],
)
def test_what_does_not_write_is_let_be(line: str) -> None:
    assert writes(f"def f(p, q, t):\n    {line}\n") == []
