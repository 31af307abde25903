"""The shortcuts lose no finding: neither the prefilter on bytes, nor the shortlist of likely sites,
nor parsing one function instead of the whole file with LibCST.

`ATOMIC_FIX_CORPUS` may name a folder of Python files to compare as well.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomic_fix.check import check, selected_rules
from atomic_fix.config import Config
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.shortlist import has_likely_finding
from atomic_fix.facts.tree import Tree
from atomic_fix.finding import NotAnalysed, Position, Unreadable
from atomic_fix.fixes.cst_tree import CstTree, cst_around
from atomic_fix.parse import depth, python
from atomic_fix.prefilter import Prefilter
from atomic_fix.rules import RULES
from atomic_fix.source import Source, decode

# Everything is looked at, and what is unlikely is compared too.
CONFIG = Config(
    min_confidence=0.0,
    check_tests=True,
    extend_select=tuple(rule.code for rule in RULES if not rule.default),
)
PREFILTER = Prefilter(CONFIG)
FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
CORPUS = sorted(Path(os.environ.get("ATOMIC_FIX_CORPUS", os.devnull)).rglob("*.py"))


def facts_of(source: Source, config: Config = CONFIG) -> ModuleFacts | None:
    module = python.parsed(source)
    if isinstance(module, Unreadable):
        return None
    return ModuleFacts(source, Tree(source, module), config)


def seen_in_the_whole_file(facts: ModuleFacts) -> set[tuple[str, Position]]:
    """What the visitors of the rules find in LibCST's tree of the whole file."""
    found = set()
    code: CstTree | None = None
    for rule in selected_rules(facts.config):
        wanted = [
            match.node
            for match in rule.matches(facts)
            if match.score.confidence >= facts.config.min_confidence
            and not match.is_handled_elsewhere()
        ]
        if not wanted:
            continue
        code = code or CstTree(facts.tree, facts.source.text, 0, [facts.tree.module])
        detector = rule.detector(code, wanted)
        code.module.visit(detector)
        found |= {(rule.code, code.span(node).start) for node in detector.found.values()}
    return found


def compare(source: Source) -> int:
    """How many findings there are, whichever way they are searched for."""
    facts = facts_of(source)
    if facts is None:
        return 0
    findings = [each for rule in selected_rules(CONFIG) for each in rule.check(facts)]
    assert {(each.code, each.span.start) for each in findings} == seen_in_the_whole_file(facts)
    assert findings == [] or has_likely_finding(facts, shapes=True)
    assert findings == [] or PREFILTER.may_match(source.encode(source.text))
    return len(findings)


def compare_file(path: Path) -> int:
    source = decode(path.read_bytes(), str(path))
    if isinstance(source, Unreadable):
        return 0
    try:
        return compare(source)
    except cst.ParserSyntaxError:
        return 0  # LibCST cannot parse the whole; a part of it may


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fixtures(path: Path) -> None:
    compare_file(path)


def test_fixtures_have_findings() -> None:
    assert sum(compare_file(path) for path in FIXTURES) > 20


def _interesting(path: Path) -> bool:
    text = path.read_bytes()
    return 500 < len(text) < 30_000 and (b'"w' in text or b"'w" in text or b".write_" in text)


@pytest.mark.parametrize("part", range(4))
def test_standard_library(part: int) -> None:
    """A sample that is the same in each run with one Python version."""
    chosen = [p for p in LIBRARY if _interesting(p) and "lib2to3" not in p.parts]
    assert sum(compare_file(path) for path in chosen[part * 3 :: 12]) > 0


@pytest.mark.parametrize("path", CORPUS, ids=str)
def test_corpus(path: Path) -> None:
    compare_file(path)


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
    # Openers and savers under other names.
    "o = open\nwith o({p}, 'w') as f:\n    f.write(json.dumps(state))",
    "opener = gzip.open if zipped else open\nwith opener({p}, 'wt') as f:\n    f.write(text)",
    "store = torch.save\nstore(state, {p})",
    "f = open({p}, 'w')\nf.write(json.dumps(state))\nf.close()",
    "tmp = f'{{path}}.tmp'\nPath(tmp).write_text(text)\nos.replace(tmp, {p})",
    "await asyncio.to_thread({p}.write_text, text)",
    "partial(json.dump, state)(open({p}, 'w'))",
    "state = [json.load(open(each)) for each in {p}.glob('*.json')]",
    "try:\n    state = json.loads({p}.read_text())\nexcept self.ERR:\n    return None",
    "try:\n    state = json.loads({p}.read_text())\nexcept Store.ERR:\n    pass",
    "match state:\n    case {{'path': path}}:\n        path.write_text(x)\n    case _: x",
    "if (f := open({p}, 'w')):\n    f.write(text)",
    "(lambda: {p}.write_text(text))()",
)  # fmt: skip
if sys.version_info >= (3, 12):
    _STATEMENTS += (
        "def keep[T](state: T, path: Path) -> None:\n    path.write_text(json.dumps(state))",
        "type Where = Path\n{p}.write_text(text)",
    )
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
    text = f"import asyncio, gzip, json, os, pickle, torch\nfrom pathlib import Path\n{text}\n"
    compare(Source("src/state_store.py", text.replace("\n", newline), "utf-8", False))


def test_generated_programs_have_findings() -> None:
    text = "from pathlib import Path\ndef save_state(path):\n    path.write_text(x)\n"
    assert compare(Source("state.py", text, "utf-8", False))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        # Each of these was judged differently by a part of the file and by the whole.
        (
            (
                "import json\no = open\n\n\ndef save_state(state):\n"
                "    with o('state.json', 'w') as f:\n        json.dump(state, f)\n"
            ),
            ["ATF101"],
        ),
        (
            (
                "import torch\nsave = torch.save\n\n\ndef save_checkpoint(state):\n"
                "    save(state, 'checkpoint.pt')\n"
            ),
            ["ATF102"],
        ),
        (
            (
                "import json\n\n\nclass Store:\n    ERR = (ValueError,)\n\n"
                "    def load_state(self):\n        try:\n"
                "            return json.loads(self.state_path.read_text())\n"
                "        except self.ERR:\n            return None\n"
            ),
            ["ATF201"],
        ),
        (
            "import json\nf = open('checkpoint.json', 'w')\nf.write(json.dumps(x))\nf.close()\n",
            ["ATF101"],
        ),
    ],
)
def test_other_names_are_followed(text: str, codes: list[str]) -> None:
    source = Source("state.py", text, "utf-8", False)
    compare(source)
    assert [each.code for each in check(source, Config())] == codes


def test_three_statements_of_a_module_are_repaired_as_one() -> None:
    text = "import json\nf = open('checkpoint.json', 'w')\nf.write(json.dumps(x))\nf.close()\n"
    (finding,) = check(Source("job.py", text, "utf-8", False), Config())
    assert finding.fix is not None


def test_what_python_cannot_parse_is_reported_once() -> None:
    text = "def save_state(path, state):\n    path.write_text(state)\n    print 'x'\n"
    with pytest.raises(NotAnalysed) as raised:
        check(Source("state.py", text, "utf-8", False), CONFIG)
    assert raised.value.problem.row == 3
    assert raised.value.problem.reason.startswith("cannot be parsed: ")


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
        compare(Source("till.py", program, "utf-8", False))


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


def test_what_libcst_cannot_parse_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(text: str) -> cst.Module:
        raise cst.ParserSyntaxError("no such block", lines=[""], raw_line=3, raw_column=0)

    monkeypatch.setattr(depth, "parse_module", parse)
    with pytest.raises(NotAnalysed, match="cannot be analysed: LibCST cannot parse"):
        check(Source("till.py", MIXED, "utf-8", False), CONFIG)


def test_a_configured_saver_is_looked_at() -> None:
    text = "from lib import keep\ndef save_state(state, path):\n    keep(path, state)\n"
    source = Source("state.py", text, "utf-8", False)
    facts = facts_of(source)
    assert facts is not None
    assert facts.sites.writes == []
    facts = facts_of(source, replace(CONFIG, savers=("lib.keep",)))
    assert facts is not None
    assert facts.sites.writes


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
    compare(source)
    assert [each.code for each in check(source, CONFIG)] == ["ATF101", "ATF201"]
    only_loads = text.replace('"wt"', '"rt"').encode()
    assert PREFILTER.may_match(only_loads)


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
    compare(source)
    (finding,) = check(source, CONFIG)
    assert ("writes it" in finding.why) is (name != "draw_rows")


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
    facts = facts_of(source)
    assert facts is not None
    assert cst_around(facts, facts.sites.writes[0].node).module.default_indent == "  "
