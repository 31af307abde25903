"""Finds packages and single files that a program sends to another machine, or copies to another
folder: only what is sent exists there.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator

from atomic_fix.facts.nodes import dotted
from atomic_fix.run import dependencies
from atomic_fix.run.project import modules_below, text_of
from atomic_fix.source import is_test_file

_MOST_READ = 2000
_QUICK = re.compile(r"\b(?:rsync|scp|s?ftp|copytree|docker|kubectl|put_dir|ssh)", re.IGNORECASE)
_INSTALLS = re.compile(
    r"\bpip3?\b[\"', \t]+install\b|\brequirements[\w-]*\.txt\b|\buv\b.{0,5}\bsync\b"
)
# A row of a shell that copies files.
_COPIES = re.compile(
    r"(?m)^[ \t]*(?:sudo[ \t]+)?(?:cp|rsync|scp|copy|xcopy|Copy-Item)[ \t]+[^\n]*"
    r"|[;&|][ \t]*(?:cp|rsync|scp)[ \t]+[^\n]*"
)
_COPYING_CALLS = frozenset({
    "copy", "copy2", "copy_file", "copyfile", "put", "upload", "upload_file",
})  # fmt: skip
_COPYING_PROGRAMS = frozenset({"cp", "rsync", "scp"})
_SCRIPTS = (".py", ".sh", ".bash", ".ps1", ".bat", ".cmd")
_QUICKLY_COPIES = re.compile(r"\b(?:copy|put|upload|cp|rsync|scp)")
_NAMES_A_MODULE = re.compile(r"""\w\.py["']""")
_MODULE_PATH = re.compile(r"[\w./-]*\w\.py")
_STARTS_PROCESSES = re.compile(
    r"\bsubprocess\b|\bPopen\b|\bos\.(?:system|exec\w+|spawn\w+|popen)\b|\brunpy\b|\bexec\(|"
    r"\bspec_from_file_location\b|\bSourceFileLoader\b|\bsetup\("
)
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
    for path, text in modules_below(package):
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


def scripts_that_copy(root: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The scripts in a tree that copy single modules, with their text and the names of these
    modules as they are written there."""
    found: list[tuple[str, str, tuple[str, ...]]] = []
    number = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(each for each in folders if not _NO_FOLDER.search(each))
        for name in sorted(each for each in names if each.endswith(_SCRIPTS)):
            path = os.path.join(folder, name)
            number += 1
            if number > _MOST_READ:
                return tuple(found)
            text = "" if is_test_file(path) else text_of(path) or ""
            copied = tuple(_copied(text, path)) if ".py" in text else ()
            if copied:
                found.append((path, text, copied))
    return tuple(found)


def modules_that_hand_over(root: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """The modules of a tree that name other modules by their paths and start no process, with
    their text and those names: what they hand over may run on another machine."""
    found = []
    for path, text in modules_below(root):
        if not _NAMES_A_MODULE.search(text) or _STARTS_PROCESSES.search(text):
            continue
        tree = None if is_test_file(path) else dependencies.parsed(text)
        names = tuple(_handed_over(tree)) if tree is not None else ()
        if names:
            found.append((path, text, names))
    return tuple(found)


def _handed_over(tree: ast.Module) -> Iterator[str]:
    """The names of modules in the arguments of calls, and in constants that may be arguments."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Call, ast.Return)):
            values: list[ast.expr | None] = [getattr(node, "value", None)]
            if isinstance(node, ast.Call):
                values = [*node.args, *(each.value for each in node.keywords)]
            for value in values:
                # In a path such as `folder / "task.py"`, the last part counts.
                last = value.right if isinstance(value, ast.BinOp) else value
                if (
                    isinstance(last, ast.Constant)
                    and isinstance(last.value, str)
                    and _MODULE_PATH.fullmatch(last.value)
                ):
                    yield last.value


def _copied(text: str, path: str) -> Iterator[str]:
    """The names of modules that a script copies."""
    if not path.endswith(".py"):
        for row in _COPIES.findall(text.replace("\\\n", " ")):
            yield from (each.strip("\"',;") for each in row.split() if ".py" in each)
        return
    tree = dependencies.parsed(text) if _QUICKLY_COPIES.search(text) else None
    if tree is None:
        return
    # The names of all functions: what is copied is often put together first.
    bound = dependencies.bound_by(ast.walk(tree))
    for node in ast.walk(tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            given = _copied_by(node)
        elif isinstance(node, ast.For) and any(
            isinstance(each, ast.Call) and _copied_by(each)
            for statement in node.body
            for each in ast.walk(statement)
        ):
            given = [node.iter]
        for value in given:
            for each in dependencies.strings_in(value, bound):
                if each.endswith(".py"):
                    yield each


def _copied_by(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that name the files which it copies."""
    name = (dotted(call.func) or "").rpartition(".")[2]
    if name in _COPYING_CALLS:
        return call.args[:1]
    command = call.args[0] if call.args else None
    if isinstance(command, ast.List) and command.elts:
        first = command.elts[0]
        if isinstance(first, ast.Constant) and first.value in _COPYING_PROGRAMS:
            return command.elts[1:]
    return []


def names_file(copied: Iterable[str], text: str, path: str, root: str) -> bool:
    """Whether one of the names of files that a script copies is that of a module: its path, or its
    name and, anywhere in the script, that of the folder above it."""
    folder, name = os.path.split(os.path.relpath(path, root))
    if name in _NOT_BY_NAME:
        return False
    above = os.path.basename(folder)
    for each in copied:
        *folders, last = each.replace("\\", "/").split("/")
        if last != name:
            continue
        written = [x for x in folders if x not in {"", ".", ".."} and "$" not in x and "{" not in x]
        if written:
            if f"/{path}".replace(os.sep, "/").endswith("/" + "/".join([*written, name])):
                return True
        elif not above or re.search(rf"(?<![\w.-]){re.escape(above)}(?![\w-])", text):
            return True
    return False


def installs_lists(text: str) -> bool:
    """Whether a script installs packages where it copies files to."""
    return _INSTALLS.search(text) is not None


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
