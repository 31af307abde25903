"""A file that the prefilter rejects has no finding: every row of the catalogue has a needle for
it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_fix.catalog import apis, errors
from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.prefilter import Prefilter
from atomic_fix.source import Source, decode

CONFIG = Config()
PREFILTER = Prefilter(CONFIG)
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))


def call(name: str, arguments: str) -> str:
    """A program that calls a row of the catalogue."""
    if name.startswith("."):
        return f"def save(state, path):\n    state{name}({arguments})\n"
    package = name.rpartition(".")[0].removeprefix("builtins")
    imported = f"import {package}\n" if package else ""
    return f"{imported}def save(state, path):\n    {name.removeprefix('builtins.')}({arguments})\n"


@pytest.mark.parametrize("saver", apis.SAVERS, ids=lambda row: row.name)
def test_a_saver_is_let_through(saver: apis.Saver) -> None:
    imported = "".join(f"import {each}\n" for each in saver.packages)
    assert PREFILTER.may_match((imported + call(saver.name, "state, path")).encode())


@pytest.mark.parametrize("keeper", apis.KEEPERS, ids=lambda row: row.name)
def test_what_saves_to_its_own_path_is_let_through(keeper: apis.Keeper) -> None:
    package, _, name = keeper.name.rpartition(".")
    text = f"from {package} import {name} as Kept\nx = Kept(path)\nx.{keeper.saves}()\n"
    assert PREFILTER.may_match(text.encode())


@pytest.mark.parametrize("saver", apis.SAVERS, ids=lambda row: row.name)
def test_a_saver_under_another_name_is_let_through(saver: apis.Saver) -> None:
    package, _, last = saver.name.rpartition(".")
    if package:
        text = f"from {package} import {last} as keep\ndef save(x, path):\n    keep(x, path)\n"
        assert PREFILTER.may_match(text.encode())
        text = f"import {package} as p\ndef save(x, path):\n    p . {last}(x, path)\n"
        assert PREFILTER.may_match(text.encode())


@pytest.mark.parametrize("opener", apis.OPENERS, ids=lambda row: row.name)
@pytest.mark.parametrize("mode", ["'w'", '"wb"', "'r' 'w'", "f'w{kind}'", r"'\x77'", "'xw'"])
def test_an_opener_is_let_through(opener: apis.Opener, mode: str) -> None:
    assert PREFILTER.may_match(call(opener.name, f"path, mode={mode}").encode())


@pytest.mark.parametrize("name", sorted(apis.PUBLISHERS))
def test_a_publisher_is_let_through(name: str) -> None:
    assert PREFILTER.may_match(call(name, "tmp_path, path").encode())


@pytest.mark.parametrize(
    "text",
    [
        "path.write_text(x)",
        "os.open(path, os.O_TRUNC)",
        "d = os.open(path, os.O_CREAT | os.O_WRONLY)\nos.write(d, x)",
        "getattr(path, f'write_{kind}')(x)",
        "with open(p, 'r+') as f: f.truncate()",
        "import lxml.etree as e\nt = e.parse(p)\nt.write(p)",
        "path.with_suffix('.tmp').rename(path)",
        "tmp.replace(path)",
        "(tmp.\n replace)(path)",
        "tmp.replace('state.json',)",
        "tmp.replace(path, # there\n)",
        "from torch import jit as j\nj.save(x, p)",
        "import torch . jit as j\nj.save(x, p)",
        "from x import parse_state as p\ntry: y = p(path)\nexcept ValueError: pass",
        "from x import parse_state as p\ntry:\n    y = p(path)\nexcept ValueError: pass",
        "try:\n    x = (load  # why\n         (path))\nexcept ValueError:\n    x = None",
        "try:\n    x = '''\n    try:\n''' + load(path)\nexcept ValueError:\n    x = None",
        "get = load if quick else other\ntry:\n    x = get(open(p))\nexcept ValueError:\n    x = 1",
        "a, get = f(x), load\ntry:\n    x = get(open(p))\nexcept ValueError:\n    x = 1",
        "get = f(\n    y,\n) or load\ntry:\n    x = get(open(p))\nexcept ValueError:\n    x = 1",
        "from contextlib import suppress as quiet\nwith quiet(ValueError):\n    x = load(path)",
        "with suppress(ValueError):\n    x = f(\n0, load(path))",
        "with (\n    suppress(\n        ValueError\n    ),\n    open(p) as f,\n):\n    f.read()",
        "x = getattr(path, f'write_{kind}')\nx(text)",
        "start = gzip.open if quick else open\nwith start(p, 'wb') as f: f.write(x)",
        "import torch\nkinds = {'pt': torch.save}\nkinds[kind](x, p)",
        "import torch\nkeep = partial(torch.save, x)\nkeep(p)",
    ],
)
def test_what_no_row_names_is_let_through(text: str) -> None:
    assert PREFILTER.may_match(text.encode())


@pytest.mark.parametrize("loader", apis.LOADERS, ids=lambda row: row.name)
@pytest.mark.parametrize("caught", ["", " Exception", " (KeyError, ValueError)", " BROKEN as e"])
def test_a_swallowed_load_is_let_through(loader: apis.Loader, caught: str) -> None:
    text = (
        f"def load(path):\n    try:\n        return {loader.name.lstrip('.')}(path)\n"
        f"    except{caught}:\n        return None\n"
    )
    opened = text + "def main(path):\n    return load(open(path))\n"
    assert PREFILTER.may_match(opened.encode())
    if loader.takes_path:
        assert PREFILTER.may_match(text.encode())
    elif not PREFILTER.may_match(text.encode()):
        # What was never opened, and is no path, is no file.
        assert check(Source("load.py", text, "utf-8", False), Config(min_confidence=0.0)) == ()


@pytest.mark.parametrize("name", sorted(errors.CORRUPT | errors.BROAD))
def test_every_error_is_let_through(name: str) -> None:
    text = f"try:\n    x = restore()(path)\nexcept {name}:\n    x = None\n"
    assert PREFILTER.may_match(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "x = path.read_text()",
        "try:\n    x = load(p)\nexcept ImportError:\n    x = None\n",
        "try:\n    x = load(p)\nexcept Exception:\n    # why\n    raise\n",
        "text = text.replace('a', 'b')",
        "text = text.replace('\\\\', names[0])  # a temp file",
        "text = text.replace(old, new)  # a temp file",
        "import os.path as op, numpy.random as r\nmodel.save(text.replace(a, b))  # temp",
        "try:\n    x = int(y)\nexcept ValueError:\n    pass\n",
        "# you may use this file except in compliance",
        "with open(p) as f: x = f.read()",
        "parser = argparse.ArgumentParser()\nargs = parser.parse_args()\nout.write(args.x)\n",
        "x = getattr(model, 'name')\n" + "# why\n" * 200 + "model.write_row(x)\n",
        "try:\n    x = load(p)\nexcept Exception:\n    log.warning('bad')\n    x = None\n",
        # The load is not what is tried.
        "x = load(p)\ntry:\n    y = x[0]\nexcept IndexError:\n    y = None\n",
        "def f(p):\n    return load(p)\n\ntry:\n    y = x.get()\nexcept Exception:\n    pass\n",
        "from contextlib import suppress\nx = load(p)\nwith suppress(ValueError):\n    y = f(x)\n",
        "x = load(p)\ntry:\n    y = x()\nexcept Exception:\n    y = None  # load (again)\n",
    ],
)
def test_what_cannot_matter_is_kept_back(text: str) -> None:
    assert not PREFILTER.may_match(text.encode())


def test_a_file_that_the_prefilter_rejects_has_no_finding() -> None:
    """In a sample of the standard library, at any confidence."""
    kept = 0
    for path in LIBRARY[::9]:
        content = path.read_bytes()
        source = decode(content, str(path))
        if isinstance(source, Source) and not PREFILTER.may_match(content):
            kept += 1
            found = check(source, Config(min_confidence=0.0), fixes=False)
            assert [each for each in found if each.code != "ATF000"] == [], path
    assert kept > 50


def test_a_configured_saver_is_let_through() -> None:
    content = b"from lib import keep\nkeep(path, state)\n"
    assert not PREFILTER.may_match(content)
    assert Prefilter(Config(savers=("lib.keep:0",))).may_match(content)


def test_a_test_of_shape_matters_to_whom_it_was_asked_for() -> None:
    content = b"state = load(p)\nif not isinstance(state, dict):\n    pass\n"
    assert not PREFILTER.may_match(content)
    assert Prefilter(Config(extend_select=("ATF203",))).may_match(content)


# --- generated programs -----------------------------------------------------------

_HEADS = (
    "", "import json, pickle, yaml", "from json import load as get", "get = json.load",
    "from pickle import load, loads", "from contextlib import suppress",
    "from contextlib import suppress as quiet", "get = f(\n    x\n) or json.load",
    "get = pickle.load if BINARY else json.load", "first, get = f(x), json.load",
)  # fmt: skip
_LOADS = (
    "state = json.load(open(path))", "state = get(open(path))", "state = self.get(path)",
    "state = self.reader()", "state = restore(path)", "state = int(path.read_text())",
    "kind, state = open(path).read().split(',')", "state = State.validate(text)", "f(x)",
    "state = json.loads(text)", "with open(path) as file:\n    state = get(file)",
    "with open(path) as file:\n    for line in file:\n        state = int(line)",
    "state = (\n    json.load(\nopen(path)))", "text = '''\ntry:\n'''\nstate = restore(path)",
    "state = parse_state(path)", "state = partial(json.load, open(path))()",
    "try:\n    state = restore(path)\nexcept KeyError:\n    raise",
)  # fmt: skip
_HANDLERS = (
    "except ValueError:\n    state = None", "except (OSError, ValueError):\n    return None",
    "except:\n    pass", "except Exception as error:\n    log.debug(error)\n    return {}",
    "except BROKEN: return None", "except KeyError:\n    raise\nexcept Exception:\n    return 1",
    "except Exception:\n    log.warning('bad')", "except ValueError:  # why\n\n    continue",
)  # fmt: skip
_BEFORE = (
    "", "text = path.read_text()", "file = open(path)", "self.reader = get",
    "reader = getattr(path, f'read_{kind}')", "path = self.path", "text = x",
)  # fmt: skip
_FUNCTIONS = (
    "def restore(path):\n    return json.load(open(path))",
    'async def restore(path):\n    """Loads.\n\ndef it\n"""\n    return pickle.load(open(path))',
    "def restore(path):\n    return f(path)",
    "class Store:\n    def get(self, path):\n        return json.loads(path.read_text())",
    "",
)


def _deeper(text: str) -> str:
    return "\n".join(f"    {row}" if row else row for row in text.split("\n"))


def _program(
    head: str, before: str, load: str, handler: str, function: str, with_: str, end: str
) -> str:
    if with_:
        block = f"{with_}(ValueError):\n{_deeper(load)}"
    else:
        block = f"try:\n{_deeper(load)}\n{handler}"
    if "continue" in block:
        block = f"for path in paths:\n{_deeper(block)}"
    body = _deeper(_deeper(f"{before}\n{block}"))
    text = f"{head}\n{function}\nclass Till:\n    def state(self, path):\n{body}\n"
    return text.replace("\n", end)


programs = st.builds(
    _program,
    st.sampled_from(_HEADS),
    st.sampled_from(_BEFORE),
    st.sampled_from(_LOADS),
    st.sampled_from(_HANDLERS),
    st.sampled_from(_FUNCTIONS),
    st.sampled_from(("", "", "with suppress", "with quiet")),
    st.sampled_from(("\n", "\n", "\r\n")),
)


@given(programs)
@settings(deadline=None, max_examples=400)
def test_no_swallowed_load_is_kept_back(text: str) -> None:
    if not PREFILTER.may_match(text.encode()):
        source = Source("till.py", text, "utf-8", False)
        assert check(source, Config(min_confidence=0.0), fixes=False) == ()


def test_the_generated_programs_have_both_kinds() -> None:
    kept = {True: 0, False: 0}
    for load in _LOADS:
        for handler in _HANDLERS:
            text = _program("import json", "", load, handler, "", "", "\n")
            kept[PREFILTER.may_match(text.encode())] += 1
    assert min(kept.values()) > 10
