"""How the facts resolve expressions for paths."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix.facts.paths import Paths, PathTrait, PathValue, QualifiedName
from atomic_fix.facts.paths.expr import (
    UNKNOWN,
    Anything,
    Attribute,
    Called,
    Descriptor,
    Element,
    FileName,
    Filled,
    Global,
    Handle,
    Home,
    InMemory,
    Item,
    Join,
    Literal,
    Local,
    Parameter,
    Parent,
    Part,
    PartOf,
    PathExpr,
    Returned,
    SameText,
    SelfAttribute,
    Suffixed,
    Temp,
    UniqueName,
    Unknown,
    folder,
    is_below,
)
from atomic_fix.facts.scopes import collect

LAST = 1 << 30


def resolved(program: str, expression: ast.expr | str, function: str = "") -> PathValue:
    """What is known about an expression, at the end of a function or of the module, as a path."""
    scopes = collect(ast.parse(program))
    home = next(each for each in scopes.functions if each.name == function)
    node = expression
    if isinstance(node, str):
        node = ast.parse(node, mode="eval").body
    return Paths(scopes).resolve(node, home, LAST)


def test_a_sum_of_any_length_is_resolved() -> None:
    node: ast.expr = ast.Name("folder", ast.Load())
    for _ in range(5_000):
        node = ast.BinOp(node, ast.Add(), ast.Name("part", ast.Load()))
    node = ast.BinOp(node, ast.Add(), ast.Constant("state.json.tmp"))
    value = resolved("folder = part = 'a'", node)
    assert PathTrait.TEMP in value.traits
    assert "state.json.tmp" in {occurrence.text for occurrence in value.occurrences}


def test_any_number_of_additions_is_resolved() -> None:
    program = "path = 'a'\n" + "path += 'b'\n" * 5_000 + "path += '.tmp'\n"
    value = resolved(program, "path")
    assert PathTrait.TEMP in value.traits
    assert hash(value) == hash(resolved(program, "path"))


def test_names_bound_in_a_circle_are_resolved() -> None:
    program = "a = b\nb = c\nc = a + '.tmp'\n"
    assert PathTrait.TEMP in resolved(program, "c").traits
    assert resolved("def save(path):\n    path = path\n", "path", "save").aliases


FOLDER = Literal("data")
STATE = Literal("state.json")
CONFIG = Global("config")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a/state.json'", Literal("a/state.json")),
        ("b'state.json'", STATE),
        ("'state' '.json'", STATE),
        ("f'{folder}/state' '.json'", Filled("{}/state.json", (FOLDER,))),
        ("'%s-%s.json' % (folder, config)", Filled("{}-{}.json", (FOLDER, CONFIG))),
        ("folder + '.tmp'", Suffixed(FOLDER, ".tmp")),
        ("f'{folder}.tmp'", Suffixed(FOLDER, ".tmp")),
        ("folder + '.' 'tmp'", Suffixed(FOLDER, ".tmp")),
        ("folder + config", Suffixed(FOLDER, None)),
        ("'%s.tmp' % folder", Suffixed(FOLDER, ".tmp")),
        ("'{}.tmp'.format(*[folder])", Suffixed(UNKNOWN, ".tmp")),
        ("os.path.join(folder, 'state.json')", Join((FOLDER, STATE))),
        ("os.path.join(*[folder], 'state.json')", Join((UNKNOWN, STATE))),
        ("Path(folder) / 'state.json'", Join((FOLDER, STATE))),
        ("Path(folder).joinpath('state.json')", Join((FOLDER, STATE))),
        ("Path(folder).glob('state.json')", Join((FOLDER, STATE))),
        ("Path(folder, 'state.json', **more)", Join((FOLDER, STATE))),
        ("str(Path(folder).resolve())", FOLDER),
        ("typing.cast(Path, folder)", FOLDER),
        ("open(folder)", FOLDER),
        ("Path(folder).open()", FOLDER),
        ("stack.enter_context(open(folder))", FOLDER),
        ("Path(folder).with_suffix('.tmp')", Suffixed(FOLDER, ".tmp")),
        ("Path(folder).with_suffix('')", Suffixed(FOLDER, None)),
        ("Path(folder).with_name('x')", Join((Parent(FOLDER), Literal("x")))),
        ("Path(folder).with_name(f'{Path(folder).name}.x')", Suffixed(FOLDER, None)),
        ("Path(folder).parent", Parent(FOLDER)),
        ("os.path.dirname(folder)", Parent(FOLDER)),
        ("os.path.basename(folder)", PartOf(Part.NAME, FOLDER)),
        ("Path(folder).name", PartOf(Part.NAME, FOLDER)),
        ("Path(folder).stem", PartOf(Part.STEM, FOLDER)),
        ("Path(folder).parents[1]", Item(PartOf(Part.PARENTS, FOLDER), "1")),
        ("config.path", Attribute(CONFIG, "path")),
        ("config['path']", Item(CONFIG, "path")),
        ("config.get('path')", Item(CONFIG, "path")),
        ("config[1]", Item(CONFIG, "1")),
        ("config[True]", Item(CONFIG, None)),
        ("config[:1]", Item(CONFIG, None)),
        ("None or folder", FOLDER),
        ("folder if config else config", UNKNOWN),
        ("(await folder)", FOLDER),
        ("(found := folder)", FOLDER),
        ("tempfile.mkdtemp()", Temp(1, 0)),
        ("uuid.uuid4()", UniqueName(1, 0)),
        ("os.open(folder, 0)", Descriptor(1, 0)),
        ("io.BytesIO()", InMemory()),
        ("user_dir(folder, 'x')", Called("user_dir", (FOLDER, Literal("x")))),
        ("Library().user_dir()", Called("user_dir", ())),
        ("None", UNKNOWN),
        ("3", UNKNOWN),
    ],
)
def test_expression(expression: str, expected: PathExpr) -> None:
    program = "import io, os, tempfile, typing, uuid\nfrom pathlib import Path\nfolder = 'data'\n"
    assert resolved(program, expression).expr == expected


@pytest.mark.parametrize(
    ("body", "expression", "expected"),
    [
        ("pass", "folder", Parameter("save", 3, "folder")),
        (
            "pass",
            "folder / 'state.json'",
            Join((Parameter("save", 3, "folder"), STATE)),
        ),
        ("path = config()", "path", Called("config", ())),
        ("path = [1]", "path", Local("save", 3, "path", (4, 11))),
        ("path = [1]; path += '.tmp'", "path", Suffixed(Local("save", 3, "path", (4, 11)), ".tmp")),
        ("with open(folder) as f: pass", "f", Handle(Parameter("save", 3, "folder"))),
        ("with open(folder) as f: pass", "f.name", Handle(Parameter("save", 3, "folder"))),
        ("for path in folder: pass", "path", Element(Parameter("save", 3, "folder"))),
        ("fd, path = mkstemp()", "path", Item(Temp(4, 15), "1")),
        ("a, (b, path) = folder", "path", Item(Item(Parameter("save", 3, "folder"), "1"), "1")),
        ("pass", "self.path", SelfAttribute("path")),
        ("self.path = 'data'", "self.path", FOLDER),
        ("pass", "self.file()", Returned("file", 5)),
    ],
)
def test_expression_in_a_method(body: str, expression: str, expected: PathExpr) -> None:
    program = (
        "from tempfile import mkstemp\n"
        "class Store:\n"
        f"  def save(self, folder):\n    {body}\n"
        "  def file(self):\n    return [1]\n"
    )
    assert resolved(program, expression, "save").expr == expected


@pytest.mark.parametrize(
    ("expression", "aliases"),
    [
        ("'a/state.json'", {FileName("state.json")}),
        ("config.path", {Attribute(CONFIG, "path"), SameText("config.path")}),
        ("user_dir(config)", {Called("user_dir", (CONFIG,))}),
        ("user_dir(3)", set()),
        ("config[1]", {Item(CONFIG, "1")}),
        ("config[x:]", set()),
        ("3 / Path('state.json')", {FileName("state.json")}),
        (
            "config / 'state.json'",
            {FileName("state.json"), Join((CONFIG, Literal("state.json")))},
        ),
        (
            "config / (name + '.json')",
            {
                Join((CONFIG, Suffixed(Global("name"), ".json"))),
                Join((CONFIG, Suffixed(Anything(), ".json"))),
            },
        ),
        (
            "Path(__file__).parent / 'state.json'",
            {
                FileName("state.json", Home.CODE),
                Join((Parent(Global("__file__")), Literal("state.json"))),
            },
        ),
        (
            "Path(tempfile.mkdtemp()) / 'state.json'",
            {FileName("state.json", Home.TEMP), Join((Temp(1, 5), Literal("state.json")))},
        ),
        ("'what, is (this)?.json'", {FileName("what, is (this)?.json")}),
    ],
)
def test_aliases(expression: str, aliases: set[PathExpr]) -> None:
    program = "import tempfile\nfrom pathlib import Path\n"
    assert resolved(program, expression).aliases == aliases


def test_a_path_whose_text_looks_like_code_is_a_path_like_others() -> None:
    program = "from pathlib import Path\n"
    for name in ("a,b.json", "join(x).json", "lit:x.json", "is it?.json", "handle(x)"):
        value = resolved(program, f"config / {name!r}")
        assert Join((CONFIG, Literal(name))) in value.aliases
        assert FileName(name) in value.aliases


def test_a_very_large_number_is_no_key() -> None:
    assert resolved("", f"config[0x{'f' * 5_000}]").expr == Item(CONFIG, None)


def test_choices_of_any_number_are_weighed_alike() -> None:
    chosen = "'a.json' or 'b.json' or 'c.json'"
    for expression in (chosen, "'a.json' or ('b.json' or 'c.json')"):
        value = resolved("", expression)
        assert value.aliases == {FileName("a.json"), FileName("b.json"), FileName("c.json")}
    assert resolved("", chosen).expr == Unknown()


def test_two_temp_files_are_not_the_same() -> None:
    program = "import tempfile\na, b = tempfile.mktemp(), tempfile.mktemp()\n"
    assert not resolved(program, "a").same(resolved(program, "b"))
    assert resolved(program, "a").same(resolved(program + "c = a\n", "c"))


def test_a_name_bound_anew_is_another_file() -> None:
    program = "def save():\n    path = [1]\n"
    before = resolved(program, "path", "save")
    assert not before.same(resolved(program + "    path = [2]\n", "path", "save"))
    assert before.same(resolved(program, "path", "save"))


@pytest.mark.parametrize(
    ("expression", "traits"),
    [
        ("'/dev/null'", PathTrait.DEVICE),
        ("'/tmp/a.json'", PathTrait.SYSTEM_TEMP),
        ("'state.json.tmp2'", PathTrait.TEMP),
        ("'state.json.bak'", PathTrait.BACKUP),
        ("x + '~'", PathTrait.BACKUP),
        ("Path(x)", PathTrait.PATH),
        ("Path('/tmp') / 'a.json'", PathTrait.PATH | PathTrait.SYSTEM_TEMP),
        ("tempfile.gettempdir() + '/a.json'", PathTrait.SYSTEM_TEMP),
        ("tempfile.mkstemp(dir=x)", PathTrait.TEMP | PathTrait.BESIDE),
        ("tempfile.mkstemp('.a', 'b', x)", PathTrait.TEMP | PathTrait.BESIDE),
        ("tempfile.mkstemp(dir=None)", PathTrait.TEMP),
        ("tempfile.TemporaryDirectory()", PathTrait.TEMP | PathTrait.TEMP_DIR),
        ("tempfile.NamedTemporaryFile()", PathTrait.TEMP | PathTrait.HANDLE),
        ("tempfile.NamedTemporaryFile().name", PathTrait.TEMP),
        ("io.StringIO()", PathTrait.MEMORY | PathTrait.HANDLE),
        ("f'{x}-{uuid.uuid4()}-{y}.json'", PathTrait.UNIQUE),
        ("make_temp_name(x)", PathTrait.TEMP),
        ("temp_template(x)", PathTrait(0)),
        ("self.tmp_path", PathTrait.TEMP),
        ("backup_path", PathTrait.BACKUP),
        ("tmp_path / 'a.json'", PathTrait.PATH),
        ("os.open(x, 0)", PathTrait.DESCRIPTOR),
        ("stack.enter_context(x)", PathTrait.HANDLE),
        ("Path('/tmp/a') or '/tmp/b'", PathTrait.PATH | PathTrait.SYSTEM_TEMP),
        ("Path('/tmp/a') or 'b'", PathTrait.PATH),
    ],
)
def test_traits(expression: str, traits: PathTrait) -> None:
    program = "import io, os, tempfile, uuid\nfrom pathlib import Path\n"
    assert resolved(program, expression).traits == traits


def test_what_parameters_are_by_their_annotations() -> None:
    program = "def save(a: Path, b: 'str | None', c: TextIO, d, tmp_path): ...\n"
    traits = [resolved(program, name, "save").traits for name in "abcd"]
    assert traits == [PathTrait.PATH, PathTrait(0), PathTrait.HANDLE, PathTrait(0)]
    in_folder = resolved(program, "tmp_path / 'a.json'", "save")
    assert PathTrait.TEMP_DIR in in_folder.traits
    assert FileName("a.json", Home.TEMP) in in_folder.aliases


def test_a_parameter_is_known_by_its_default_and_by_what_callers_give() -> None:
    program = (
        "def save(path='a.json'): ...\n"
        "def each(folder):\n    save(folder + '/b.json')\n    save(path='c.json')\n    save(*x)\n"
        "class Store:\n    def __init__(self, path): ...\n"
        "Store('d.json')\n"
    )
    value = resolved(program, "path", "save")
    assert value.expr == Parameter("save", 1, "path")
    assert {FileName("a.json"), FileName("c.json")} < value.aliases
    assert Suffixed(Parameter("each", 2, "folder"), "/b.json") in value.aliases
    assert FileName("d.json") in resolved(program, "path", "__init__").aliases


def test_the_callers_that_are_looked_at_are_the_first() -> None:
    program = "def save(path): ...\n" + "".join(f"save('{row}.json')\n" for row in range(20))
    names = {
        each for each in resolved(program, "path", "save").aliases if isinstance(each, FileName)
    }
    assert names == {FileName(f"{row}.json") for row in range(6)}


def test_what_functions_of_the_module_give() -> None:
    program = (
        "def checked(path):\n    return Path(path)\n"
        "def file_of(name):\n    return folder() / [name]\n"
        "class Base:\n    def file(self): return 'base.json'\n"
        "class Store(Base):\n    def save(self): ...\n"
        "    @property\n    def path(self): return 'state.json'\n"
        "from pathlib import Path\n"
    )
    assert resolved(program, "checked('a.json')").expr == Literal("a.json")
    assert Returned("file_of", 3) in resolved(program, "file_of(x)").aliases
    beside = resolved(program, "file_of(x + '.new')")
    assert Suffixed(Returned("file_of", 3), ".new") in beside.aliases
    assert beside.is_sibling_of(resolved(program, "file_of(x)"))
    for own in ("self.file()", "Store.file(self)", "super().file()"):
        assert FileName("base.json") in resolved(program, own, "save").aliases, own
    assert FileName("state.json") in resolved(program, "self.path", "save").aliases


def test_what_is_put_beside_a_path() -> None:
    program = "from pathlib import Path\nimport os\n"
    path = resolved(program, "Path(x)")
    for expression in (
        "x + '.tmp'",
        "Path(x).with_suffix('.tmp')",
        "Path(x).with_name(Path(x).name + '.tmp')",
        "Path(x).parent / f'{Path(x).name}.tmp'",
        "os.path.join(os.path.dirname(x), os.path.basename(x) + '.tmp')",
    ):
        assert resolved(program, expression).is_sibling_of(path), expression
    for expression in ("x", "Path('other') / f'{Path(x).name}.tmp'", "y + '.tmp'"):
        assert not resolved(program, expression).is_sibling_of(path), expression


def test_what_shows_that_it_is_a_path() -> None:
    program = "from pathlib import Path\n"
    for expression in ("Path(x)", "'a.json'", "x + '/a'", "config.path", "file_name"):
        assert resolved(program, expression).shows_path, expression
    for expression in ("x", "'abc'", "config.value", "make(x)"):
        assert not resolved(program, expression).shows_path, expression


def test_names_of_functions_around() -> None:
    program = (
        "def outer(folder):\n    path = folder / [1]\n    def save(): ...\n    path += '.tmp'\n"
    )
    folder_of = Parameter("outer", 1, "folder")
    assert resolved(program, "folder", "save").expr == folder_of
    joined = Join((folder_of, UNKNOWN))
    assert resolved(program, "path", "save").expr == Suffixed(joined, ".tmp")
    assert Suffixed(Local("outer", 1, "path", (2, 11)), ".tmp") in (
        resolved(program, "path", "save").aliases
    )


def test_names_that_are_no_path_are_no_file() -> None:
    program = (
        "from tempfile import TemporaryDirectory\nDEFAULT = None\ndef save(path=DEFAULT): ...\n"
    )
    assert resolved(program, "DEFAULT").is_unknown
    assert resolved(program, "path", "save").aliases == {Parameter("save", 3, "path")}
    in_memory = "with BytesIO() as f, TemporaryDirectory() as d, staged_folder(x) as s: pass\n"
    assert resolved(program + in_memory, "f").traits == PathTrait.MEMORY | PathTrait.HANDLE
    assert PathTrait.HANDLE not in resolved(program + in_memory, "d").traits


def test_what_lies_in_a_folder() -> None:
    assert is_below(Join((CONFIG, STATE)), CONFIG)
    assert not is_below(Join((CONFIG,)), CONFIG)
    assert not is_below(CONFIG, CONFIG)
    assert folder(Join((CONFIG, STATE))) == folder(Join((CONFIG, FOLDER, STATE)))
    assert folder(Suffixed(CONFIG, ".a")) == folder(Suffixed(CONFIG, ".b")) != folder(CONFIG)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.sampled_from(["({} / {})", "({} or {})", "os.path.join({}, {})"])
    of_one = ["({} + '.tmp')", "Path({}).parent", "make({})", "elsewhere({})", "{}['key']"]
    of_one += ["('%s.json' % {})", "'{{}}/a'.format({})", "Path({}).with_name('b')", "str({}).name"]
    return st.one_of(
        st.builds(str.format, pairs, inner, inner),
        st.builds(str.format, st.sampled_from(of_one), inner),
    )


_LEAVES = ["'a/b.json'", "folder", "path", "self.path", "config.x", "mkdtemp()", "uuid4()", "None"]


def test_the_order_in_which_a_file_is_read_is_no_part_of_a_value() -> None:
    program = "def save(folder):\n    path = folder / [1]\n"
    plain, busy = "y = 2\n", "y = f(g(h(z := 3)))\n"
    assert resolved(plain + program, "path", "save") == resolved(busy + program, "path", "save")


def test_values_are_equal_in_another_process() -> None:
    program = "def save(folder):\n    path = folder / 'state.json'\n"
    code = (
        "import ast, pickle, sys\n"
        "from atomic_fix.facts.paths import Paths\n"
        "from atomic_fix.facts.scopes import collect\n"
        f"scopes = collect(ast.parse({program!r}))\n"
        "node = ast.parse('path', mode='eval').body\n"
        "value = Paths(scopes).resolve(node, scopes.functions[1], 1 << 30)\n"
        "sys.stdout.buffer.write(pickle.dumps(value))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    there, here = pickle.loads(done.stdout), resolved(program, "path", "save")
    assert there == here
    assert there.same(here)
    assert {there: 1}[here] == 1


@given(expression=st.recursive(st.sampled_from(_LEAVES), _larger, max_leaves=6))
def test_values_are_equal_in_each_run_and_after_pickling(expression: str) -> None:
    program = (
        "import os\n"
        "from pathlib import Path\nfrom tempfile import mkdtemp, mkstemp\nfrom uuid import uuid4\n"
        "def make(x):\n    with open(x) as f:\n        return f.name + '.new'\n"
        "class Store:\n    def save(self, folder):\n        fd, path = mkstemp()\n"
    )
    value = resolved(program, expression, "save")
    again = resolved(program, expression, "save")
    assert value == again
    assert hash(value) == hash(again)
    assert pickle.loads(pickle.dumps(value)) == value


NAMES = """
import gzip, os.path
from json import dump as save

def keep(): pass

def f(store, path):
    local = store
    inner = gzip.open
    keep(path), open(path), inner(path), local.dump(path), store.dump(path)
    gzip.open(path), os.path.join(path), save(path), other.write(path), store().dump(path)
"""


def test_qualified_names() -> None:
    scopes = collect(ast.parse(NAMES))
    paths = Paths(scopes)
    assert [paths.call_name(call, call.function) for call in scopes.calls()] == [
        QualifiedName("", "keep"),
        QualifiedName("builtins.open", "open"),
        QualifiedName("gzip.open", "gzip.open"),
        QualifiedName("", "local.dump"),
        QualifiedName("", "store.dump"),
        QualifiedName("gzip.open", "gzip.open"),
        QualifiedName("os.path.join", "os.path.join"),
        QualifiedName("json.dump", "save"),
        QualifiedName("other.write", "other.write"),
        QualifiedName("", ""),
        QualifiedName("", "store"),
    ]


@pytest.mark.parametrize(
    ("name", "last", "package", "opener"),
    [
        (QualifiedName("builtins.open", "open"), "open", "builtins", "builtins.open"),
        (QualifiedName("json.dump", "save"), "dump", "json", None),
        (QualifiedName("", "gzip.open"), "open", "", None),
        (QualifiedName("", "open_file"), "open_file", "", None),
        (QualifiedName("", "store.open_file"), "open_file", "", "open_file"),
        (QualifiedName(), "", "", None),
    ],
)
def test_parts_of_a_qualified_name(
    name: QualifiedName, last: str, package: str, opener: str | None
) -> None:
    row = name.opener
    found = (name.last, name.package, row.name if row is not None else None)
    assert found == (last, package, opener)
