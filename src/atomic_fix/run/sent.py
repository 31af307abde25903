"""Finds packages and single files that a program sends to another machine, or copies to another
folder: only what is sent exists there.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator

from atomic_fix.facts.nodes import dotted
from atomic_fix.run import dependencies
from atomic_fix.run.project import text_of
from atomic_fix.source import is_test_file

_MOST_READ = 2000
_QUICK = re.compile(r"\b(?:rsync|scp|s?ftp|copytree|docker|kubectl|put_dir|ssh)", re.IGNORECASE)
_INSTALLS = re.compile(
    r"\bpip3?\b[\"', \t]+install\b|\brequirements[\w-]*\.txt\b|\buv\b.{0,5}\bsync\b"
)
_COPIES = re.compile(
    r"\bcopy(?:2|file|_file)?\(|\b(?:rsync|scp|s?ftp)\b|(?m:^|[;&|\t ])cp[ \t]+\S|\bCopy-Item\b"
    r"|\bupload(?:_\w+)?\(|\bZipFile\(|\.put\("
)
_SCRIPTS = (".py", ".sh", ".bash", ".ps1", ".bat", ".cmd")
_FILE = re.compile(r"""["'][\w./-]*\w\.\w{2,5}["']""")
_NOT_BY_NAME = frozenset({"__init__.py", "__main__.py", "conftest.py", "setup.py"})
_NO_FOLDER = re.compile(r"(?i)^(?:\..*|tests?|venv|env|site-packages|node_modules|__pycache__)$")
_PROGRAMS = re.compile(r"(?:^|[\s/])(?:rsync|scp|sftp)(?:\s|$)")
_GOES_ON = re.compile(r"%s/\w")
_CALLS = frozenset({"copytree", "put", "put_dir", "rsync", "scp", "upload", "upload_dir"})
_SAME = frozenset({
    "Path", "PurePath", "abspath", "absolute", "as_posix", "expanduser", "fspath", "join",
    "normpath", "realpath", "resolve", "str",
})  # fmt: skip


def sending(package: str) -> tuple[str, str]:
    """The module of a package that sends its own folder elsewhere, and that folder; empty if none
    does."""
    for number, (path, text) in enumerate(_modules(package)):
        if number >= _MOST_READ:
            break
        if "__file__" not in text or not _QUICK.search(text) or _INSTALLS.search(text):
            continue
        tree = dependencies.parsed(text)
        levels = _sent(tree) if tree is not None else None
        if levels is not None:
            folder = path
            for _ in range(levels):
                folder = os.path.dirname(folder)
            return path, folder
    return "", ""


def scripts_that_copy(root: str) -> tuple[tuple[str, str], ...]:
    """The scripts in a tree that copy single files and name modules, with their text."""
    found: list[tuple[str, str]] = []
    number = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(each for each in folders if not _NO_FOLDER.search(each))
        for name in sorted(each for each in names if each.endswith(_SCRIPTS)):
            path = os.path.join(folder, name)
            number += 1
            if number > _MOST_READ:
                return tuple(found)
            text = "" if is_test_file(path) else text_of(path) or ""
            if ".py" in text and _COPIES.search(text):
                found.append((path, text))
    return tuple(found)


def names_file(text: str, path: str, root: str) -> bool:
    """Whether a script names a module with its extension as one that it copies: its path, its name
    and somewhere the folder above it, or, at the top of a tree, its name in a row that copies or in
    a list of files."""
    folder, name = os.path.split(os.path.relpath(path, root))
    if name in _NOT_BY_NAME:
        return False
    above = os.path.basename(folder)
    for found in re.finditer(
        rf"""["'/ \t]((?:[\w.-]+/)*){re.escape(name)}(?=["' \t\n,)]|$)""", text
    ):
        written = [each for each in found[1].split("/") if each not in {"", ".", ".."}]
        if written:
            whole = "/".join([*written, name])
            if f"/{path}".replace(os.sep, "/").endswith(f"/{whole}"):
                return True
        elif above:
            if re.search(rf"(?<![\w.-]){re.escape(above)}(?![\w-])", text):
                return True
        else:
            start = text.rfind("\n", 0, found.start() + 1) + 1
            row = text[start : text.find("\n", found.end()) + 1 or None]
            before = re.split(r"[(\[{]", text[: found.start()])[-1]
            inside = before + re.split(r"[)\]}]", text[found.start() :])[0]
            if _COPIES.search(row) or len(_FILE.findall(inside)) > 1:
                return True
    return False


def installs_lists(text: str) -> bool:
    """Whether a script installs packages where it copies files to."""
    return _INSTALLS.search(text) is not None


def _modules(package: str) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(each for each in folders if each.isidentifier())
        for name in sorted(names):
            if name.endswith(".py") and (text := text_of(os.path.join(folder, name))):
                yield os.path.join(folder, name), text


def _sent(tree: ast.Module) -> int | None:
    """How many levels above the module's file the folder that it sends is."""
    named: dict[str, int] = {}
    senders = set(_CALLS)
    calls = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            levels = _levels(node.value, named)
            if levels:
                named |= {each.id: levels for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _runs_a_program(node):
                senders.add(node.name)
        elif isinstance(node, ast.Call):
            calls.append(node)
    for call in calls:
        name = (dotted(call.func) or "").rpartition(".")[2]
        if name not in senders and not _runs_a_program(call):
            continue
        # In a copy, the second argument is the destination.
        given = call.args[:1] if name == "copytree" else call.args
        for argument in (*given, *(each.value for each in call.keywords)):
            for part in _parts(argument):
                if levels := _levels(part, named):
                    return levels
    return None


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """The parts of a command, each without additions to its path."""
    if isinstance(node, (ast.List, ast.Tuple)):
        for each in node.elts:
            yield from _parts(each)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        if not _GOES_ON.search(ast.unparse(node.left)):
            yield from _parts(node.right)
    elif isinstance(node, ast.JoinedStr) and len(node.values) > 2:
        for each, after in zip(node.values, [*node.values[1:], None], strict=True):
            goes_on = isinstance(after, ast.Constant) and re.match(r"/\w", str(after.value))
            if isinstance(each, ast.FormattedValue) and not goes_on:
                yield each.value
    else:
        yield node


def _runs_a_program(node: ast.AST) -> bool:
    """Whether some code contains a command that sends files."""
    return any(
        isinstance(each, ast.Constant)
        and isinstance(each.value, str)
        and len(each.value) < 100
        and _PROGRAMS.search(each.value)
        for each in ast.walk(node)
    )


def _levels(node: ast.expr, named: dict[str, int]) -> int | None:
    """How many levels above the module's file the path of an expression is: 0 for the file itself;
    None for any other path."""
    match node:
        case ast.Name(id="__file__"):
            return 0
        case ast.Name(id=name):
            return named.get(name)
        case ast.Attribute(value=value, attr="parent"):
            levels = _levels(value, named)
            return None if levels is None else levels + 1
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[]) if name in _SAME:
            return _levels(value, named)
        case ast.Call(func=function, args=[value]):
            name = (dotted(function) or "").rpartition(".")[2]
            levels = _levels(value, named)
            if levels is None or name not in {*_SAME, "dirname"}:
                return None
            return levels + (name == "dirname")
        case ast.JoinedStr(values=[ast.FormattedValue(value=value), *rest]):
            is_whole = all(isinstance(each, ast.Constant) and each.value == "/" for each in rest)
            return _levels(value, named) if is_whole else None
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value="/")):
            return _levels(left, named)
    return None
