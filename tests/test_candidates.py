"""Examining only the candidate calls is enough: examining every call finds no more."""

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from atomic_fix.config import Config
from atomic_fix.facts.candidates import Candidates
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.scopes import collect
from atomic_fix.facts.sites import Sites
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source

FIXTURES = sorted(Path(__file__).parent.parent.joinpath("fixtures").glob("*/*.py"))

CONFIG = Config(
    savers=("mylib.store:1", ".keep_in:0"),
    loaders=("mylib.fetch",),
    atomic_helpers=("app.io:put",),
)

# What is found, and code that does it under another name.
CASES = {
    "alias_of_open": (
        "open",
        """
        o = open
        def save():
            with o('state.json', 'w') as f:
                f.write('x')
        """,
    ),
    "alias_of_saver": (
        "torch.save",
        """
        import torch
        save = torch.save
        save(x, 'model.pt')
        """,
    ),
    "alias_of_import": (
        "gzip.open",
        """
        from gzip import open as gz
        g = gz
        with g(p, 'wt') as f:
            f.write(x)
        """,
    ),
    "imported_as": (
        "os.replace",
        """
        from os import replace as move
        move(a, b)
        """,
    ),
    "module_imported_as": (
        "shutil.copy2",
        """
        import shutil as sh
        sh.copy2(a, b)
        """,
    ),
    "bound_method": (
        "Path.write_text",
        """
        def save(path, x):
            put = path.write_text
            put(x)
        """,
    ),
    "bound_to_self": (
        "Path.write_text",
        """
        class Store:
            def __init__(self, path):
                self.put = path.write_text
            def save(self, x):
                self.put(x)
        """,
    ),
    "getattr": (
        "Path.write_text",
        """
        def save(path, kind, x):
            put = getattr(path, f'write_{kind}')
            put(x)
        """,
    ),
    "in_a_thread": (
        "Path.write_text",
        """
        import asyncio
        async def save(path, x):
            await asyncio.to_thread(path.write_text, x)
        """,
    ),
    "runner_imported_as": (
        "Path.write_text",
        """
        from asyncio import to_thread as run
        async def save(path, x):
            await run(path.write_text, x)
        """,
    ),
    "wrapper": (
        "smart_open",
        """
        from lib import smart_open
        with smart_open(p, 'w') as f:
            f.write(x)
        """,
    ),
    "tree": (
        "ElementTree.write",
        """
        from lxml.etree import parse as read_tree
        t = read_tree(p)
        t.write(p)
        """,
    ),
    "own_helper": (
        "publish",
        """
        import os
        def publish(tmp, final):
            os.replace(tmp, final)
        def save(path):
            publish(f'{path}.tmp', path)
        """,
    ),
    "own_method": (
        "_move",
        """
        import os
        class A:
            def _move(self, tmp, final):
                os.rename(tmp, final)
            def save(self):
                self._move('a.tmp', 'a')
        """,
    ),
    "configured_saver": (
        "mylib.store",
        """
        import mylib as m
        m.store(x, p)
        x.keep_in(q_path)
        """,
    ),
    "configured_loader": (
        "mylib.fetch",
        """
        from mylib import fetch as get
        get('state.json')
        """,
    ),
    "loader_by_its_name": (
        "load_state",
        """
        from lib import load_state as get
        def load(state_path):
            return get(state_path)
        """,
    ),
    "atomic_package": (
        "helper",
        """
        import safer
        w = safer.open
        with w('a', 'w') as f:
            f.write(x)
        safer.foo('b')
        """,
    ),
    "atomic_helper": (
        "helper",
        """
        from app.io import put as p
        p('state.json', x)
        """,
    ),
    "in_an_atomic_helper": (
        "helper",
        """
        def put(x):
            elsewhere(x)
            open('a', 'w').write(x)
        """,
    ),
}


def found(code: str) -> dict[str, list[tuple[str, int]]]:
    tree = Tree(Source("x.py", code, "utf-8", bom=False), ast.parse(code))
    scopes = collect(tree.module)
    sites = Sites(scopes, Paths(scopes), CONFIG, tree)
    return {
        "writes": [(site.api, site.order) for site in sites.writes],
        "publishes": [(site.api, site.order) for site in sites.publishes],
        "loads": [(site.api, site.order) for site in sites.loads],
        "kept": [(site.kind.name.lower(), site.order) for site in sites.project_writes],
    }


def is_the_same_for_every_call(code: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    few = found(code)
    monkeypatch.setattr(Candidates, "names", lambda self, *_: {*self._called})
    return few == found(code)


@pytest.mark.parametrize("case", CASES)
def test_a_call_is_seen_under_every_name(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    api, code = CASES[case]
    code = dedent(code)
    assert api in {name for sites in found(code).values() for name, _ in sites}
    assert is_the_same_for_every_call(code, monkeypatch)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_looking_at_every_call_finds_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_the_same_for_every_call(path.read_text("utf-8"), monkeypatch)


def test_loads_of_one_function_are_looked_for_alone() -> None:
    code = "import json\ndef a(p):\n    json.load(open(p))\ndef b(p):\n    json.load(open(p))\n"
    tree = Tree(Source("x.py", code, "utf-8", bom=False), ast.parse(code))
    scopes = collect(tree.module)
    sites = Sites(scopes, Paths(scopes), Config(), tree)
    (first,) = scopes.functions_named("a")
    in_first = sites.loads_in(first)
    assert [load.api for load in in_first] == ["json.load", "open"]
    assert sites.loads[:2] == in_first
    assert len(sites.loads) == 4
