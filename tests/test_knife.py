"""The pieces of a file give the findings of the whole file, byte for byte.

`ATOMIC_FIX_CORPUS` may name a folder of Python files to compare as well.
"""

from __future__ import annotations

import os
import sysconfig
from dataclasses import replace
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_fix.check import check, module_facts, selected_rules, whole_facts
from atomic_fix.config import Config
from atomic_fix.finding import Finding, Position
from atomic_fix.islands import pieces
from atomic_fix.islands.needles import Needles
from atomic_fix.rules import RULES
from atomic_fix.source import Source, Unreadable, decode

# Everything is looked at, and what is unlikely is compared too.
CONFIG = Config(
    min_confidence=0.0, extend_select=tuple(rule.code for rule in RULES if not rule.default)
)
FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
CORPUS = sorted(Path(os.environ.get("ATOMIC_FIX_CORPUS", os.devnull)).rglob("*.py"))


def found(source: Source, *, whole: bool) -> list[Finding] | str:
    facts = whole_facts(source, CONFIG) if whole else module_facts(source, CONFIG)
    if facts is None:
        return []
    if isinstance(facts, Unreadable):
        return facts.reason
    findings = [each for rule in selected_rules(CONFIG) for each in rule.check(facts)]
    return sorted(findings, key=lambda each: each.sort_key)


def compare(path: Path) -> int:
    source = decode(path.read_bytes(), str(path))
    if isinstance(source, Unreadable):
        return 0
    expected = found(source, whole=True)
    if isinstance(expected, str):
        return 0  # the whole cannot be parsed; a part of it may
    assert found(source, whole=False) == expected
    return len(expected)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fixtures(path: Path) -> None:
    compare(path)


def test_fixtures_have_findings() -> None:
    assert sum(compare(path) for path in FIXTURES) > 20


def _interesting(path: Path) -> bool:
    text = path.read_bytes()
    return 500 < len(text) < 30_000 and (b'"w' in text or b"'w" in text or b".write_" in text)


@pytest.mark.parametrize("part", range(4))
def test_standard_library(part: int) -> None:
    """A sample that is the same on each run of one Python version."""
    chosen = [p for p in LIBRARY if _interesting(p) and "lib2to3" not in p.parts]
    assert sum(compare(path) for path in chosen[part * 3 :: 12]) > 0


@pytest.mark.parametrize("path", CORPUS, ids=str)
def test_corpus(path: Path) -> None:
    compare(path)


# --- generated programs -----------------------------------------------------------

_NAMES = ("state", "path", "tmp", "index", "report")
_PATHS = (
    "path", "self.path", "STATE", "self.folder / 'state.json'", "locate(name)", "tmp",
    "Path('session.json')", "self._path()", "f'{path}.tmp'", "config.path", "HERE / 'x.pkl'",
    "owner.state_path", "os.path.join(path, 'index.json')",
)  # fmt: skip
_STATEMENTS = (
    "{p}.write_text(json.dumps(state))",
    "with open({p}, 'w') as f: json.dump(state, f)",
    "with open({p}, mode) as f:\n    f.write(dumps(state))",
    "self.path = {p}",
    "path = {p}",
    "tmp = path.with_suffix('.tmp')",
    "save({p}, state)",
    "self.save({p})",
    "store = self.write",
    "os.replace({p}, {q})",
    "publish({p}, {q})",
    "torch.save(state, {p})",
    "return {p}",
    "state = json.loads({p}.read_text())",
    "with open({p}, 'a') as f:\n    f.truncate(0)\n    f.write(text)",
    "text = {p}.read_text()\nreturn text",
    "state = text.splitlines()",
    "state = load_checkpoint(path={p}, strict=True)",
    "try:\n    state = json.load(open({p}))\nexcept (ValueError, OSError):\n    state = None",
    "try:\n    state = self.load({p})\nexcept Exception:\n    return None",
    "try:\n    return load({p})\nexcept BROKEN:\n    pass",
    "with suppress(ValueError):\n    state = read_state({p})",
    "if not isinstance(state, dict):\n    return None",
    "os.fsync(f.fileno())",
    "writer = {p}.write_text; writer(text)",
    "for path in {p}.iterdir():\n    path.write_bytes(data)",
    "def locate(name):\n    return {p}",
    "self.handle = open({p}, 'wb')",
    "pickle.dump(state, self.handle)",
    "import json as js, os",
    "from pickle import dump as put, load as get",
    "os.remove({p})",
    "if path.exists():\n    raise RuntimeError({p})",
    "x = 1; y = {p}",
)  # fmt: skip
_FUNCTIONS = (
    "save", "load", "__init__", "locate", "_path", "write", "read_state", "publish", "run",
    "save_state", "load_state", "path",
)  # fmt: skip
_PARAMETERS = ("path", "state, path=STATE", "name", "src, dst", "path, mode='w'", "")

statement = st.builds(
    lambda text, p, q: text.format(p=p, q=q),
    st.sampled_from(_STATEMENTS),
    st.sampled_from(_PATHS),
    st.sampled_from(_PATHS),
)


def _indent(text: str, by: str = "    ") -> str:
    return "\n".join(by + line for line in text.split("\n"))


def _function(name: str, parameters: str, body: list[str], method: bool, head: str) -> str:
    first = "self" if method else ""
    given = ", ".join(each for each in (first, parameters) if each)
    return f"{head}def {name}({given}):\n" + "\n".join(map(_indent, body))


functions = {
    method: st.builds(
        _function,
        st.sampled_from(_FUNCTIONS),
        st.sampled_from(_PARAMETERS),
        st.lists(statement, min_size=1, max_size=5),
        st.just(method),
        st.sampled_from(("", "", "@property\n" if method else "@cache\n", "# note\n")),
    )
    for method in (True, False)
}
classes = st.builds(
    lambda name, base, doc, members: (
        f"class {name}({base}):\n{doc}" + "\n\n".join(map(_indent, members))
    ),
    st.sampled_from(("Store", "Base", "Session")),
    st.sampled_from(("Base", "Store", "", "make('x')")),
    st.sampled_from(("", '    """Kept state."""\n', "    # kept\n    path = STATE\n")),
    st.lists(
        st.one_of(functions[True], st.sampled_from(("path = HERE / 'a.json'", "mode = 'w'"))),
        min_size=1,
        max_size=4,
    ),
)
programs = st.lists(
    st.one_of(
        functions[False],
        classes,
        statement.filter(lambda text: "return" not in text and "self" not in text),
        st.sampled_from(
            (
                "STATE = Path('state.json')",
                "BROKEN = (ValueError, KeyError)",
                "HERE = Path(__file__).parent",
                "mode = 'w'",
                "from contextlib import suppress",
                "if True:\n    def save(path, mode='w'):\n        path.write_text('x')",
            )
        ),
    ),
    min_size=1,
    max_size=7,
).map("\n\n".join)


@settings(max_examples=150, deadline=None)
@given(programs, st.sampled_from(("\n", "\r\n")))
def test_generated_programs(text: str, newline: str) -> None:
    text = f"import json, os, pickle, torch\nfrom pathlib import Path\n{text}\n"
    source = Source("src/state_store.py", text.replace("\n", newline), "utf-8", False)
    assert found(source, whole=False) == found(source, whole=True)


def test_generated_programs_have_findings() -> None:
    text = "from pathlib import Path\ndef save_state(path):\n    path.write_text(x)\n"
    assert found(Source("state.py", text, "utf-8", False), whole=False)


def test_what_python_cannot_parse_is_left_to_libcst() -> None:
    text = "def save_state(path, state):\n    path.write_text(state)\n    print 'x'\n"
    reason = found(Source("state.py", text, "utf-8", False), whole=False)
    assert isinstance(reason, str)
    assert reason.startswith("cannot be parsed")


SWALLOWED = [
    # What a handler may be around.
    "rows = [line.split(',') for line in open(self.path)]",
    "row, self.state = open(self.path).readline().split(',', 1)",
    "self.state = int(self.path.read_text())",
    "self.state = safe_load(self.path)",
    "self.state = load_state(self.path)",
    "self.state = state_from_dict(self.path)",
    "self.state = json.loads(self.path)",
    "self.state = self.load_it(self.path)",
    "self.state = load_here(self.path)",
    "self.state = State.from_dict(json.load(open(self.path)))",
    "self.state = loads('state.json')",
    "self.state = parse(1, *[self.path])",
    "self.state = partial(load_state, self.path)()",
]


@pytest.mark.parametrize("statement", SWALLOWED)
@pytest.mark.parametrize("head", ["import json", "import json\nx = open(p)", "json = y"])
def test_whatever_a_handler_is_around(statement: str, head: str) -> None:
    text = (
        f"from there import State, load_state, parse\n{head}\n\n\n"
        f"def load_here(path):\n    return int(open(path).read())\n\n\n"
        f"class Till:\n"
        f"    def load_it(self, name):\n        return json.load(open(name))\n\n"
        f"    def restore(self):\n"
        f"        try:\n            {statement}\n"
        f"        except (OSError, ValueError):\n            return None\n"
    )
    for program in (text, text.replace("open(", "find(")):
        source = Source("till.py", program, "utf-8", False)
        expected = found(source, whole=True)
        assert found(source, whole=False) == expected
        assert not expected or Needles(CONFIG).may_matter(program.encode())


MIXED = """\
import json


class Till:
\tdef save_state(self, state):
\t\ttext = '''
\tkept
\t\t''' + json.dumps(
\t\tstate)
\t\tif state:
                        # As deep as three tabs.
                        self.path.write_text(text)
\t\treturn self.state()

\tdef state(self):
\t\ttry:
                        return json.loads(self.path.read_text())
\t\texcept ValueError:
\t\t\treturn None
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_blocks_whose_white_space_differs_from_that_around_them(newline: str) -> None:
    source = Source("till.py", MIXED.replace("\n", newline), "utf-8", False)
    findings = check(source, CONFIG)
    assert [(each.code, each.span.start) for each in findings] == [
        ("ATF101", Position(12, 25)),
        ("ATF201", Position(18, 3)),
    ]
    whole, parts = found(source, whole=True), found(source, whole=False)
    assert isinstance(whole, list)
    assert isinstance(parts, list)
    assert [(each.message, each.span) for each in whole] == [
        (each.message, each.span) for each in parts
    ]


def test_a_piece_that_cannot_be_parsed_is_looked_at_in_the_whole_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Source("till.py", MIXED, "utf-8", False)
    expected = [(each.message, each.span) for each in check(source, CONFIG)]
    whole = pieces.parse

    def parse(text: str) -> cst.Module:
        if text != MIXED:
            raise cst.ParserSyntaxError("no", lines=[""], raw_line=1, raw_column=0)
        return whole(text)

    monkeypatch.setattr(pieces, "parse", parse)
    assert [(each.message, each.span) for each in check(source, CONFIG)] == expected


def test_what_libcst_cannot_parse_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> cst.Module:
        raise cst.ParserSyntaxError("no such block", lines=[""], raw_line=3, raw_column=0)

    monkeypatch.setattr(pieces, "parse", parse)
    (finding,) = check(Source("till.py", MIXED, "utf-8", False), CONFIG)
    assert (finding.code, finding.span.start.row) == ("ATF000", 3)
    assert finding.message == "cannot be parsed: no such block"


def test_a_configured_saver_is_looked_at() -> None:
    text = "from lib import keep\ndef save_state(state, path):\n    keep(path, state)\n"
    source = Source("state.py", text, "utf-8", False)
    assert module_facts(source, CONFIG) is None
    facts = module_facts(source, replace(CONFIG, savers=("lib.keep",)))
    assert facts is not None
    assert not isinstance(facts, Unreadable)
    assert facts.sites.writes


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_outline_has_the_module_s_own_statements(path: Path) -> None:
    """What fixes need of the file around a finding: imports, docstring, indentation."""
    source = decode(path.read_bytes(), str(path))
    assert isinstance(source, Source)
    facts, whole = module_facts(source, CONFIG), whole_facts(source, CONFIG)
    if facts is None:
        return
    assert not isinstance(facts, Unreadable)
    assert not isinstance(whole, Unreadable)
    assert facts.tree.module.default_indent == whole.tree.module.default_indent
    assert facts.tree.module.get_docstring() == whole.tree.module.get_docstring()
    ours, theirs = facts.tree.module.body, whole.tree.module.body
    assert [type(line) for line in ours] == [type(line) for line in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if not isinstance(other, (cst.FunctionDef, cst.ClassDef)):
            assert facts.tree.text(mine) == whole.tree.text(other)
    assert dict(facts.scopes.imports) == whole.scopes.imports


@pytest.mark.parametrize("name", ["smart_open", "zopen", "open_file", "zopen as z", "files"])
def test_openers_from_elsewhere_are_looked_at(name: str) -> None:
    called = name.rpartition(" ")[2].replace("files", "files.read_open")
    text = (
        f"from shop.tools import {name}\n\n\n"
        f"class Till:\n"
        f"    def save_state(self):\n"
        f'        with {called}(self.path, "wt") as file:\n'
        f"            file.write(self.text)\n\n"
        f"    def last(self):\n"
        f"        try:\n"
        f"            return {called}(self.path).read()\n"
        f"        except ValueError:\n"
        f"            return None\n"
    )
    source = decode(text.encode(), "till.py")
    assert isinstance(source, Source)
    findings = found(source, whole=False)
    assert findings == found(source, whole=True)
    assert [each.code for each in findings if isinstance(each, Finding)] == ["ATF101", "ATF201"]
    only_loads = text.replace('"wt"', '"rt"').encode()
    assert Needles(CONFIG).may_matter(only_loads)


@pytest.mark.parametrize("loaded", ["json.loads(path.read_text())", "inner(path)"])
@pytest.mark.parametrize("name", ["atomic_write_json", "save_rows", "draw_rows"])
def test_what_keeps_the_file_that_a_handler_guards_is_looked_at(name: str, loaded: str) -> None:
    text = (
        f"import json\nfrom shop.tools import {name}\n\n\n"
        f"def put(path, rows):\n    {name}(path, rows)\n\n\n"
        "def get(path):\n"
        f"    try:\n        return {loaded}\n"
        "    except ValueError:\n        return None\n\n\n"
        "def inner(path):\n    return json.loads(path.read_text())\n\n\n"
        "def both(folder):\n"
        '    path = folder / "settings.json"\n    put(path, get(path))\n'
    )
    source = decode(text.encode(), "till.py")
    assert isinstance(source, Source)
    findings = found(source, whole=False)
    assert findings == found(source, whole=True)
    (finding,) = (each for each in findings if isinstance(each, Finding))
    assert ("writes it" in finding.message) is (name != "draw_rows")


@pytest.mark.parametrize(
    "block",
    [
        "if ON:\n  x = 1\n",
        "try:\n  x = 1\nfinally:\n  x = 2\n",
        "match KIND:\n  case 1:\n    x = 1\n  case _:\n    x = 2\n",
        "class Empty:\n  x = 1\n",
    ],
)
def test_the_first_block_of_any_kind_tells_the_indent(block: str) -> None:
    text = f"{block}def save_state(state):\n  open('state.json', 'w').write(state)\n"
    source = Source("program.py", text, "utf-8", False)
    assert [finding.code for finding in check(source, CONFIG)] == ["ATF101"]
    facts = module_facts(source, CONFIG)
    assert facts is not None
    assert not isinstance(facts, Unreadable)
    assert facts.tree.module.default_indent == "  "
