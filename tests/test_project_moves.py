"""Moving a function to another module, and importing it from there, changes no finding."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
from atomic_fix.project.link import link
from atomic_fix.project.summarise import summarise
from atomic_fix.source import Source

FIXTURES = Path(__file__).parent.parent / "fixtures"
CONFIG = Config()

NOT_FOLLOWED = {
    # It is given an open file, and what is done with those is followed within one file.
    "in-place-write/overwritten_and_cut.py put",
    # A `rename` that is imported does its part: the defect is reported at its call, in the function
    # that does not synchronise.
    "unsynced-replace/filled_elsewhere.py rename",
    # A function that makes a temp file for others, as a pair of descriptor and name, is followed
    # within one file: a summary says what path a function returns, not what makes it.
    "unsynced-replace/filled_elsewhere.py new_file",
    # That what a function returns is random is seen within one file.
    "in-place-write/random_values.py new_name",
    # That a file is read only after the same run has written it is seen within one file.
    "in-place-save/same_run.py save_batch",
}


@dataclass(frozen=True)
class Move:
    """A fixture, as one module and as two."""

    name: str
    whole: str
    rest: str
    """With `{imported}` for the statement that imports the function."""
    moved: str
    function: str


def moves() -> Iterator[Move]:
    """Each function of a fixture that is called by another one and needs nothing else from the
    module."""
    for path in sorted(FIXTURES.rglob("*.py")):
        text = path.read_bytes().decode("utf-8", "replace")
        if path.name.endswith(".fixed.py") or "\r" in text or "{" in text.partition("\n\n")[0]:
            continue
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and _can_move(tree, node):
                yield _moved(path, text, tree, node)


def _can_move(tree: ast.Module, node: ast.FunctionDef) -> bool:
    bound = {
        each.name
        for each in tree.body
        if isinstance(each, (ast.AsyncFunctionDef, ast.ClassDef, ast.FunctionDef))
    } - {node.name}
    for each in tree.body:
        if isinstance(each, ast.Assign):
            bound |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    called = {
        each.func.id
        for other in tree.body
        if other is not node
        for each in ast.walk(other)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }
    return used.isdisjoint(bound) and node.name in called


def _moved(path: Path, text: str, tree: ast.Module, node: ast.FunctionDef) -> Move:
    lines = text.splitlines(keepends=True)
    start = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    end = node.end_lineno or node.lineno
    imports = [
        "".join(lines[each.lineno - 1 : each.end_lineno])
        for each in tree.body
        if isinstance(each, (ast.Import, ast.ImportFrom))
        and getattr(each, "module", "") != "__future__"
    ]
    first = [each for each in tree.body if getattr(each, "module", "") == "__future__"]
    at = (first[0].end_lineno or 0) if first else 0
    if not first and ast.get_docstring(tree, clean=False) is not None:
        at = tree.body[0].end_lineno or 0
    rest = [*lines[:start], *lines[end:]]
    return Move(
        f"{path.relative_to(FIXTURES).as_posix()} {node.name}",
        text,
        "".join([*rest[:at], "@IMPORT@\n", *rest[at:]]),
        "".join([*imports, "\n\n", *lines[start:end]]),
        node.name,
    )


MOVES = list(moves())
WAYS = {
    "from": ("from app.more import {name}", ""),
    "relative": ("from .more import {name}", ""),
    "star": ("from app.more import *", ""),
    "passed on": ("from app import {name}", "from .more import {name}\n"),
}


def seen(files: dict[str, str], index: ProjectIndex) -> Counter[tuple[str, str]]:
    found: list[Finding] = []
    for path, text in files.items():
        source = Source(path, text, "utf-8", bom=False)
        found += check(source, CONFIG, index=index, fixes=False)
    return Counter((each.code, each.source_line.strip()) for each in found)


def test_there_are_functions_to_move_that_matter() -> None:
    assert len(MOVES) > 20
    alone = [
        move.name
        for move in MOVES
        if seen({"app/job.py": move.whole}, EMPTY_INDEX)
        != seen({"app/job.py": move.rest.replace("@IMPORT@", ""), "app/more.py": move.moved},
                EMPTY_INDEX)
    ]  # fmt: skip
    assert len(alone) >= 5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("move", MOVES, ids=[move.name for move in MOVES])
def test_a_function_may_stand_in_another_module(move: Move, way: str) -> None:
    if move.name in NOT_FOLLOWED:
        pytest.skip("not followed from file to file")
    statement, passing = (text.format(name=move.function) for text in WAYS[way])
    if way == "star" and move.function.startswith("_"):
        pytest.skip("a star imports no such name")
    files = {"app/job.py": move.rest.replace("@IMPORT@", statement), "app/more.py": move.moved}
    if passing:
        files["app/__init__.py"] = passing
    sources = [Source(path, text, "utf-8", bom=False) for path, text in files.items()]
    index = link(summarise(source, CONFIG) for source in sources)
    assert seen(files, index) == seen({"app/job.py": move.whole}, EMPTY_INDEX)


def test_a_rename_in_another_module_is_still_reported_where_it_is_called() -> None:
    (move,) = (each for each in MOVES if each.name == "unsynced-replace/filled_elsewhere.py rename")
    statement = WAYS["from"][0].format(name=move.function)
    files = {"app/job.py": move.rest.replace("@IMPORT@", statement), "app/more.py": move.moved}
    index = link(summarise(Source(path, text, "utf-8", bom=False), CONFIG)
                 for path, text in files.items())  # fmt: skip
    found, whole = seen(files, index), seen({"app/job.py": move.whole}, EMPTY_INDEX)
    assert list((found - whole).elements()) == [("ATF115", "rename(name, self._info_path())")]
    assert [code for code, _ in (whole - found).elements()] == ["ATF115"]


def test_no_fixture_says_anything_about_itself() -> None:
    said: list[str] = []
    for path in sorted(FIXTURES.rglob("*.py")):
        text = path.read_bytes().decode("utf-8", "replace")
        source = Source(f"app/{path.name}", text, "utf-8", bom=False)
        said += link([summarise(source, CONFIG)]).slices
    assert said == []
