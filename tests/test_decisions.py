"""Silent handlers that are silent on purpose, and those after which the file is lost."""

from __future__ import annotations

import ast
import textwrap

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.facts.decisions import destroys, is_intended
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source


def facts_of(program: str) -> ModuleFacts:
    source = Source("app.py", textwrap.dedent(program), "utf-8", bom=False)
    return ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())


def loader(docstring: str = "", remark: str = "", body: str = "return {}", after: str = "") -> str:
    return (
        "import json\n"
        "def load_state(state_path):\n"
        f'    """{docstring or "Load it."}"""\n'
        "    try:\n"
        "        state = json.loads(state_path.read_text())\n"
        "    except ValueError:\n"
        f"        {remark and '# ' + remark}\n"
        f"{textwrap.indent(body, ' ' * 8)}\n"
        f"{textwrap.indent(after, ' ' * 4)}\n"
        "    return state\n"
    )


def only(program: str) -> tuple[bool, bool]:
    facts = facts_of(program)
    (swallow,) = facts.swallows
    return is_intended(facts, swallow), destroys(facts, swallow)


@pytest.mark.parametrize(
    "docstring",
    [
        "Return the state, or {} if it is corrupt.",
        "Never raises: the caller begins with an empty one.",
        "Return the state. Treats a truncated file as absent.",
        "Unreadable means none.",
    ],
)
def test_a_docstring_explains_the_default(docstring: str) -> None:
    assert only(loader(docstring)) == (True, False)


@pytest.mark.parametrize(
    "docstring", ["Load the state.", "Return the state, or {} for a first run.", "Not for threads."]
)
def test_a_docstring_that_explains_nothing(docstring: str) -> None:
    assert only(loader(docstring)) == (False, False)


@pytest.mark.parametrize(
    "remark",
    ["malformed: as if there was none", "best effort", "must not crash the server", "start over"],
)
def test_a_remark_at_the_handler_explains_it(remark: str) -> None:
    assert only(loader(remark=remark)) == (True, False)


@pytest.mark.parametrize("remark", ["ok", "TODO", "see the manual"])
def test_a_remark_that_explains_nothing(remark: str) -> None:
    assert only(loader(remark=remark)) == (False, False)


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("state_path.unlink()\nreturn {}", ""),
        ("state = {}", "state_path.write_text(json.dumps(state))"),
        ("state = {}\nstate_path.write_text('{}')", ""),
    ],
)
def test_no_remark_explains_that_the_file_is_lost(body: str, after: str) -> None:
    assert only(loader("Return {} if it is corrupt.", body=body, after=after)) == (False, True)


def test_what_a_caller_overwrites_is_lost() -> None:
    program = loader("Return {} if it is corrupt.") + textwrap.dedent(
        """
        def add(state_path, key):
            state = load_state(state_path)
            state[key] = True
            save_state(state_path, state)

        def save_state(state_path, state):
            state_path.write_text(json.dumps(state))
        """
    )
    assert only(program) == (False, True)
    before = program.replace("    state = load_state(state_path)\n    state[key] = True\n", "")
    assert only(before) == (True, False)


def test_a_file_lost_afterwards_raises_the_confidence() -> None:
    def confidence(after: str) -> float:
        text = loader(body="state = {}", after=after)
        found = check(Source("app.py", text, "utf-8", bom=False), Config())
        return next(each.confidence for each in found if each.code == "ATF201")

    assert confidence("state_path.write_text(json.dumps(state))") > confidence("")
