"""Pairs of savers and loaders, found through an index: the same as by comparing all of them."""

from __future__ import annotations

import ast
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_fix.config import Config
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.pairs import ByFile, Partners, answered, are_paired, asked
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source

SAVERS = ("save", "save_index", "dump", "to_json", "write_text", "write_state", "helper")
LOADERS = ("load", "load_index", "read", "from_json", "read_text", "read_state", "restore_part")
names = st.sampled_from(SAVERS + LOADERS)
paths = st.sampled_from(["path", "self.path", "Path('state.json')", "Path('a') / 'other.json'"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    rows = ["import json", "from pathlib import Path"]
    for owner in draw(st.lists(st.sampled_from(["", "One", "Two"]), min_size=1, max_size=3)):
        if owner:
            rows.append(f"class {owner}:")
        indent = "    " if owner else ""
        for name in draw(st.lists(names, min_size=1, max_size=4)):
            path = draw(paths)
            body = draw(
                st.sampled_from(
                    [
                        f"{path}.write_text(json.dumps(state))",
                        f"return json.loads({path}.read_text())",
                        f"return {path}.read_text()",
                        f"return {draw(names)}(path)",
                    ]
                )
            )
            rows.append(f"{indent}def {name}(self, path, state=None):\n{indent}    {body}")
    return "\n".join(rows) + "\n"


def facts_of(text: str) -> ModuleFacts:
    source = Source("app.py", text, "utf-8", bom=False)
    return ModuleFacts(source, Tree(source, ast.parse(text)), Config())


@settings(deadline=None, max_examples=60)
@given(programs())
def test_the_first_partner_is_that_of_a_search_through_all(text: str) -> None:
    facts = facts_of(text)
    functions = facts.scopes.functions
    loads = [(load, (load.function, *facts.callers(load.function))) for load in facts.sites.loads]
    index = Partners(loads, answered)
    for saver in functions:
        for own in (False, True):
            expected = next(
                (
                    load
                    for load, loaders in loads
                    if any(are_paired(saver, each, own=own) for each in loaders)
                ),
                None,
            )
            assert index.first([saver], partial(asked, own=own)) is expected


@settings(deadline=None, max_examples=60)
@given(programs())
def test_the_sites_of_a_file_are_those_whose_path_is_the_same(text: str) -> None:
    facts = facts_of(text)
    loads = facts.sites.loads
    index = ByFile((load, load.path) for load in loads)
    for write in facts.sites.writes:
        assert index.same(write.path) == [load for load in loads if load.path.same(write.path)]


@settings(deadline=None, max_examples=60)
@given(programs())
def test_who_reads_a_file_back_is_the_strongest_of_all(text: str) -> None:
    """The reader found by the index is the strongest of those found by examining each load."""
    facts = facts_of(text)
    if is_read_twice_in_a_function(facts):
        return
    for write in facts.sites.writes:
        found = facts._read_back(write.path, write.function)
        weights: list[float] = []
        for load in facts.sites.loads:
            one = facts_of(text)
            same = next(each for each in one.sites.loads if each.order == load.order)
            one.sites.__dict__["loads"] = [same]
            there = next(each for each in one.sites.writes if each.order == write.order)
            weights += [each.weight for each in one._read_back(there.path, there.function)]
        assert [each.weight for each in found] == sorted(weights, reverse=True)[:1]


def is_read_twice_in_a_function(facts: ModuleFacts) -> bool:
    """Whether a function has several loads: one may parse what another one only reads."""
    return len({load.function for load in facts.sites.loads}) < len(facts.sites.loads)
