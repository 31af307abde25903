"""Each feature on its own: a program that has it, and a similar one that does not."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import replace

import pytest

from atomic_fix.catalog.features import FeatureName
from atomic_fix.config import Config
from atomic_fix.facts.elsewhere import View, views
from atomic_fix.facts.evidence import Feature
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.outside import FileSlice, Given, OutsideSite, Place, SiteElsewhere
from atomic_fix.facts.paths import NameOccurrence, OccurrenceKind
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.tree import Tree
from atomic_fix.rules.rule import swallow_match
from atomic_fix.source import Source


def features(program: str, filename: str = "app.py") -> tuple[Feature, ...]:
    """The features of the first write, publication or load of a program, in this order."""
    source = Source(filename, textwrap.dedent(program), "utf-8", bom=False)
    facts = ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())
    for publication in facts.publications:
        return facts.features(publication, View(publication.site.target))
    for write in facts.sites.writes:
        return facts.features(write, View(write.path))
    load = facts.sites.loads[0]
    return facts.features(load, View(load.path))


def strengths(program: str, filename: str = "app.py") -> dict[str, float]:
    return {each.name.label: round(each.strength, 3) for each in features(program, filename)}


def write(path: str, data: str = "x", function: str = "f", before: str = "") -> str:
    head = f"{before}\ndef {function}(x, a):\n"
    return f"{head}    with open({path}, 'w') as f:\n        f.write({data})\n"


def load(path: str, how: str = "json.load(open({}))", function: str = "f") -> str:
    return f"import json\ndef {function}(a):\n    return {how.format(path)}\n"


_FETCHED_ONCE = """
import os, urllib.request
def f(a):
    if os.path.exists(a):
        return load_it(a)
    urllib.request.urlretrieve("http://a", a)
"""

_LINES = """
class A:
    def __init__(self, path):
        self.rows = []
        self.path = path

    def save(self):
        with open(self.path, "w") as file:
            file.writelines(self.rows)

    def fill(self):
        with open(self.path) as file:
            for row in file:
                self.rows.append(row)
"""


_REMEMBERED = """
class Notes:
    def target(self, name, entry):
        path = self.root / name
        before = path.read_text()
        return path, before + entry

    def remember(self, name, entry):
        path, whole = self.target(name, entry)
        self.store(path, whole)

    def store(self, path, whole):
        path.write_text(whole)
"""


def _extended(path: str, more: str = "") -> str:
    return (
        f"from pathlib import Path\ndef f(x):\n    p = Path({path})\n"
        f"    old = p.read_text()\n    p.write_text(old + x)\n{more}"
    )


_KEY = """
import os, secrets
def f(a):
    if not os.path.exists(a):
        with open(a, "w") as file:
            file.write(secrets.token_hex())
    return open(a).read()
"""


_LINE = """
from pathlib import Path
def f(x):
    place = Path("a.conf")
    lines = place.read_text().splitlines()
    lines[0] = x
    place.write_text("\\n".join(lines))
"""


_MADE_ONCE = """
def f(a, b):
    if not a.exists():
        a.write_text(b)
    return a
"""


_RESULTS = """
import json
def f(output, x):
    rows = json.loads(output.read_text())
    rows.append(x)
    output.write_text(json.dumps(rows))
"""


_TABLE = """
import pandas
def f(frame, a):
    frame.to_csv(a + ".csv")
    return pandas.read_csv(a + ".csv")
"""


_REMOVED = """
import os
def f(x, a):
    with open(a, "w") as file:
        file.write(x)
    run(a)
    os.remove(a)
"""


CASES: dict[FeatureName, tuple[str, str]] = {
    FeatureName.REMOVED_AGAIN: (_REMOVED, _REMOVED.replace("os.remove", "if x: os.remove")),
    FeatureName.READ_IN_SAME_RUN: (_TABLE, _TABLE.replace("frame.to", "if frame: frame.to")),
    FeatureName.READ_BACK_LINES: (_LINES, _LINES.replace("self.rows.append(row)", "print(row)")),
    FeatureName.EXTENDED: (
        _extended("'a.dat'", "def g():\n    return Path('a.dat').read_text()\n"),
        write("'a.dat'"),
    ),
    FeatureName.EXTENDED_ALONE: (_REMEMBERED, _REMEMBERED.replace("before + entry", "entry")),
    FeatureName.GROWING: (_extended("'a.md'"), _extended("'a.dat'")),
    FeatureName.GENERATED: (_KEY, _KEY.replace("secrets.token_hex()", "a")),
    FeatureName.LINES_EDITED: (_LINE, _LINE.replace("lines[0] = x", "del x[0]")),
    FeatureName.GIVEN_AS_WHOLE: (_MADE_ONCE, _MADE_ONCE.replace("return a", "return b")),
    FeatureName.CARRIED_ON: (_RESULTS, _RESULTS.replace("dumps(rows)", "dumps(x)")),
    FeatureName.LITERAL_DURABLE: (write("'state.json'"), write("'estate.json'")),
    FeatureName.LITERAL_MAYBE: (write("'store.json'"), write("'restored.json'")),
    FeatureName.LITERAL_DENIED: (write("'report.json'"), write("'state.json'")),
    FeatureName.CONSTANT_DURABLE: (
        write("STATE", before="STATE = make()"),
        write("PLACE", before="PLACE = make()"),
    ),
    FeatureName.CONSTANT_MAYBE: (
        write("STORE", before="STORE = make()"),
        write("PLACE", before="PLACE = make()"),
    ),
    FeatureName.CONSTANT_DENIED: (
        write("REPORT", before="REPORT = make()"),
        write("PLACE", before="PLACE = make()"),
    ),
    FeatureName.ATTRIBUTE_DURABLE: (write("a.state_path"), write("a.state_id")),
    FeatureName.ATTRIBUTE_MAYBE: (write("a.store_path"), write("a.place")),
    FeatureName.ATTRIBUTE_DENIED: (write("a.report_path"), write("a.place")),
    FeatureName.VARIABLE_DURABLE: (write("state_file"), write("place")),
    FeatureName.VARIABLE_MAYBE: (write("store_file"), write("place")),
    FeatureName.VARIABLE_DENIED: (write("report_file"), write("place")),
    FeatureName.PARAMETER_DURABLE: (
        "def f(state_path, x):\n    open(state_path, 'w').write(x)\n",
        "def f(path, x):\n    open(path, 'w').write(x)\n",
    ),
    FeatureName.PARAMETER_MAYBE: (
        "def f(store_path, x):\n    open(store_path, 'w').write(x)\n",
        "def f(path, x):\n    open(path, 'w').write(x)\n",
    ),
    FeatureName.PARAMETER_DENIED: (
        "def f(report_path, x):\n    open(report_path, 'w').write(x)\n",
        "def f(path, x):\n    open(path, 'w').write(x)\n",
    ),
    FeatureName.KEY_DURABLE: (write("a['state']"), write("a['place']")),
    FeatureName.KEY_MAYBE: (write("a['store']"), write("a['place']")),
    FeatureName.KEY_DENIED: (write("a['report']"), write("a['place']")),
    FeatureName.PATH_FUNCTION_DURABLE: (write("state_path()"), write("place()")),
    FeatureName.PATH_FUNCTION_MAYBE: (write("store_path()"), write("place()")),
    FeatureName.PATH_FUNCTION_DENIED: (write("report_path()"), write("place()")),
    FeatureName.FUNCTION_DURABLE: (write("a", function="keep_state"), write("a", function="keep")),
    FeatureName.FUNCTION_MAYBE: (write("a", function="keep_store"), write("a", function="keep")),
    FeatureName.FUNCTION_DENIED: (write("a", function="render"), write("a", function="keep")),
    FeatureName.CLASS_DURABLE: (
        "class State:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
        "class Thing:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
    ),
    FeatureName.CLASS_MAYBE: (
        "class Store:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
        "class Thing:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
    ),
    FeatureName.CLASS_DENIED: (
        "class Report:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
        "class Thing:\n    def f(self, a, x):\n        open(a, 'w').write(x)\n",
    ),
    FeatureName.CALLER_DURABLE: (
        (
            "def save_it(path, x):\n    open(path, 'w').write(x)\n"
            "def keep_state(a):\n    save_it(a, 1)\n"
        ),
        "def save_it(path, x):\n    open(path, 'w').write(x)\ndef keep(a):\n    save_it(a, 1)\n",
    ),
    FeatureName.CALLER_MAYBE: (
        (
            "def write_it(path, x):\n    open(path, 'w').write(x)\n"
            "def keep_config(a):\n    write_it(a, 1)\n"
        ),
        "def write_it(path, x):\n    open(path, 'w').write(x)\ndef keep(a):\n    write_it(a, 1)\n",
    ),
    FeatureName.FUNCTION_SAVES: (write("a", function="save"), write("a", function="dump")),
    FeatureName.FUNCTION_PROMISES: (
        write("a", function="write_atomically"),
        write("a", function="write_again"),
    ),
    FeatureName.DATA_DURABLE: (write("a", "state"), write("a", "thing")),
    FeatureName.DATA_MAYBE: (write("a", "config"), write("a", "thing")),
    FeatureName.DATA_DENIED: (write("a", "report"), write("a", "thing")),
    FeatureName.DATA_EDITED: (write("a", "source"), write("a", "thing")),
    FeatureName.SERIALISED: (write("a", "json.dumps(x)"), write("a", "str(x)")),
    FeatureName.TABLE: (
        "import csv\ndef f(a, x):\n    f = open(a, 'w')\n    csv.writer(f).writerow(x)\n",
        "import json\ndef f(a, x):\n    with open(a, 'w') as f:\n        json.dump(x, f)\n",
    ),
    FeatureName.COPIED: (
        "import shutil\ndef f(a, b):\n    shutil.copy(a, b)\n",
        "import shutil\ndef f(a, state_path):\n    shutil.copy(a, state_path)\n",
    ),
    FeatureName.DOWNLOADED: (
        "import urllib.request\ndef f(a):\n    urllib.request.urlretrieve('http://a', a)\n",
        "import shutil\ndef f(a, b):\n    shutil.copy(a, b)\n",
    ),
    FeatureName.NOT_DOWNLOADED_AGAIN: (
        _FETCHED_ONCE,
        "import urllib.request\ndef f(a):\n    urllib.request.urlretrieve('http://a', a)\n",
    ),
    FeatureName.RESTORED: (
        "import shutil\ndef f(backup, b):\n    shutil.copy(backup, b)\n",
        "import shutil\ndef f(a, b):\n    shutil.copy(a, b)\n",
    ),
    FeatureName.ALWAYS_SAME: (write("a", "'done'"), write("a", "x")),
    FeatureName.RUNNING_PROCESS: (write("a", "os.getpid()"), write("a", "os.getcwd()")),
    FeatureName.SUFFIX_DATA: (write("'a.json'"), write("'a.dat2'")),
    FeatureName.SUFFIX_DENIED: (write("'a.html'"), write("'a.json'")),
    FeatureName.SYSTEM_TEMP: (write("'/tmp/a.json'"), write("'/var/a.json'")),
    FeatureName.BACKUP: (write("a + '.bak'"), write("a + '.json'")),
    FeatureName.FRESH_NAME: (
        "import uuid\n" + write("f'{uuid.uuid4()}.json'"),
        "import uuid\n" + write("f'{a}.json'"),
    ),
    FeatureName.VOLATILE_FOLDER: (write("runtime_dir + '/a'"), write("data_dir + '/a'")),
    FeatureName.READ_BACK: (
        (
            "import json\ndef f(x):\n    open('a.json', 'w').write(x)\n"
            "def g():\n    return json.load(open('a.json'))\n"
        ),
        (
            "import json\ndef f(x):\n    open('a.json', 'w').write(x)\n"
            "def g():\n    return json.load(open('b.json'))\n"
        ),
    ),
    FeatureName.READ_BACK_OWN_RAW: (
        "def f(x):\n    open('a.txt', 'w').write(x)\ndef g():\n    return open('a.txt').read()\n",
        "def f(x):\n    open('a.txt', 'w').write(x)\ndef g():\n    print(open('a.txt').read())\n",
    ),
    FeatureName.READ_BACK_PAIR: (
        (
            "import json\nclass A:\n    def save(self, p, x):\n        open(p, 'w').write(x)\n"
            "    def load(self, q):\n        return json.load(open(q))\n"
        ),
        (
            "import json\nclass A:\n    def save(self, p, x):\n        open(p, 'w').write(x)\n"
            "    def show(self, q):\n        return json.load(open(q))\n"
        ),
    ),
    FeatureName.READ_BACK_PAIR_RAW: (
        (
            "class A:\n    def save(self, p, x):\n        open(p, 'w').write(x)\n"
            "    def load(self, q):\n        return open(q).read()\n"
        ),
        (
            "class A:\n    def save(self, p, x):\n        open(p, 'w').write(x)\n"
            "    def show(self, q):\n        return open(q).read()\n"
        ),
    ),
    FeatureName.READ_BACK_RAW: (
        "def f(p, x):\n    open(p, 'r').read()\n    open(p, 'w').write(x)\n",
        "def f(p, q, x):\n    open(q, 'r').read()\n    open(p, 'w').write(x)\n",
    ),
    FeatureName.READ_BACK_SPLIT: (
        "def f(p, x):\n    rows = open(p).read().splitlines()\n    open(p, 'w').write(x)\n",
        "def f(p, x):\n    rows = open(p).read()\n    open(p, 'w').write(x)\n",
    ),
    FeatureName.WRITTEN: (
        load("'a.json'") + "def g(x):\n    save_json('a.json', x)\n",
        load("'a.json'"),
    ),
    FeatureName.FOREIGN: (load("'a.json'"), load("'checkpoint.json'")),
    FeatureName.NOT_SEEN_READ_BACK: (write("'store.json'"), write("'state.json'")),
    FeatureName.ONLY_WHEN_MISSING: (
        "def f(a, x):\n    if not a.exists():\n        a.write_text(x)\n",
        "def f(a, x):\n    if a.exists():\n        a.write_text(x)\n",
    ),
    FeatureName.SECRET_WHEN_MISSING: (
        "def f(key_path, x):\n    if not key_path.exists():\n        key_path.write_text(x)\n",
        "def f(a, x):\n    if not a.exists():\n        a.write_text(x)\n",
    ),
    FeatureName.TEMP_NAME_FIRST: (
        (
            "import os\ndef f(a, x):\n    open(a + '.tmp', 'w').write(x)\n"
            "    os.replace(a + '.tmp', a)\n"
        ),
        write("a"),
    ),
    FeatureName.PARSED: (load("'a.json'"), load("'a.json'", "open({}).read()")),
    FeatureName.NOT_PARSED: (load("'a.json'", "open({}).read()"), load("'a.json'")),
}


@pytest.mark.parametrize("name", CASES, ids=lambda name: name.label)
def test_a_feature(name: FeatureName) -> None:
    has, has_not = CASES[name]
    assert name.label in strengths(has)
    assert name.label not in strengths(has_not)


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        (FeatureName.MODULE_DURABLE, "app/state.py"),
        (FeatureName.MODULE_DURABLE, "app/state/__init__.py"),
        (FeatureName.MODULE_MAYBE, "app/store.py"),
        (FeatureName.MODULE_DENIED, "app/report.py"),
        (FeatureName.FOR_TESTING, "app/testing.py"),
        (FeatureName.FOR_TESTING, "testing/app.py"),
    ],
)
def test_a_feature_of_the_module(name: FeatureName, filename: str) -> None:
    assert name.label in strengths(write("a"), filename)
    assert name.label not in strengths(write("a"))


OF_OTHER_FILES = {
    FeatureName.CALLERS_DENY,
    FeatureName.READ_BACK_ELSEWHERE,
    FeatureName.READ_BACK_ELSEWHERE_RAW,
    FeatureName.UNCALLED,
    FeatureName.UNREAD,
    FeatureName.WRITTEN_ELSEWHERE,
}


@pytest.mark.parametrize(("parsed", "sure"), [(True, 1.0), (False, 0.5)])
def test_features_of_sites_in_other_files(parsed: bool, sure: float) -> None:
    at = Location("other.py", 7)
    there = OutsideSite(at, parsed=parsed, weight=sure)
    source = Source("app.py", write("a") + load("a", function="g"), "utf-8", bom=False)
    facts = ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())
    (site,) = facts.sites.writes
    read = facts.sites.loads[0]
    said = FileSlice(
        sites=(
            SiteElsewhere(Place.of(site.node), readers=(there,)),
            SiteElsewhere(Place.of(read.node), writers=(there,)),
        )
    )
    facts = replace(facts, outside=said)
    (view,) = views(said, facts.vocabulary, site, site.path, reads=False, is_called_here=False)
    expected = FeatureName.READ_BACK_ELSEWHERE if parsed else FeatureName.READ_BACK_ELSEWHERE_RAW
    (found,) = view.features
    assert (found.name, found.strength, found.elsewhere) == (expected, sure, at)
    assert found in facts.features(site, view)
    (view,) = views(said, facts.vocabulary, read, read.path, reads=True, is_called_here=False)
    assert [each.name for each in view.features] == [FeatureName.WRITTEN_ELSEWHERE]


def test_callers_that_deny() -> None:
    program = "def f(p, x):\n    open(p, 'w').write(x)\n"
    source = Source("app.py", program, "utf-8", bom=False)
    facts = ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())
    (site,) = facts.sites.writes
    said = NameOccurrence(OccurrenceKind.LITERAL, "report.html", 1)
    given = Given("parameter f:1:p", Location("other.py", 7), (said,))
    outside = FileSlice(given=(given,))
    found = views(outside, facts.vocabulary, site, site.path, reads=False, is_called_here=False)
    assert FeatureName.CALLERS_DENY in {each.name for view in found for each in view.features}
    *_, own = views(outside, facts.vocabulary, site, site.path, reads=False, is_called_here=True)
    assert (own.given, own.features) == (None, ())


@pytest.mark.parametrize(
    ("program", "name", "strength"),
    [
        # Each step away from the path counts less.
        (
            "def f(x):\n    state = 'a'\n    p = state\n    open(p, 'w').write(x)\n",
            "variable-durable",
            0.75,
        ),
        # The same word again, further out, adds little.
        (write("'state.json'", function="keep_state"), "function-durable", 0.4),
        (
            "def state():\n    def f(a, x):\n        open(a, 'w').write(x)\n",
            "function-durable",
            0.7,
        ),
    ],
)
def test_strengths(program: str, name: str, strength: float) -> None:
    assert strengths(program)[name] == strength


@pytest.mark.parametrize("after", ["path.unlink()", "path.write_text(json.dumps({}))", "pass"])
def test_what_could_not_be_read_is_lost_for_good(after: str) -> None:
    program = f"""
        import json
        def f(path):
            try:
                return json.loads(path.read_text())
            except ValueError:
                {after}
    """
    source = Source("app.py", textwrap.dedent(program), "utf-8", bom=False)
    facts = ModuleFacts(source, Tree(source, ast.parse(source.text)), Config(min_confidence=0.0))
    (swallow,) = facts.swallows
    found = swallow_match(facts, swallow, "", "").score
    names = {each.name for each in found.features}
    assert (FeatureName.LOST_FOR_GOOD in names) is (after != "pass")


def test_every_feature_is_tested() -> None:
    of_modules = {
        FeatureName.MODULE_DURABLE,
        FeatureName.MODULE_MAYBE,
        FeatureName.MODULE_DENIED,
        FeatureName.FOR_TESTING,
    }
    of_handlers = {FeatureName.LOST_FOR_GOOD}
    of_places = {FeatureName.BESIDE_PROGRAM}  # tests/test_beside_program.py
    tested = {*CASES, *of_modules, *OF_OTHER_FILES, *of_handlers, *of_places}
    assert tested == set(FeatureName)


def test_a_suffix_counts_once_in_however_many_names_it_is() -> None:
    given = ("'settings.json' if x else 'other.json'", "'page.html' if x else 'other.html'")
    for path, name in zip(given, (FeatureName.SUFFIX_DATA, FeatureName.SUFFIX_DENIED), strict=True):
        found = features(write(path))
        assert [each.name for each in found if "suffix" in each.name.label] == [name]


_ENTRIES = """
def f(path, x):
    entries = [each.strip() for each in path.read_text().splitlines()]
    entries.remove(x)
    path.write_text("\\n".join(entries))
"""


@pytest.mark.parametrize(
    ("old", "new", "is_edited"),
    [
        ("", "", True),
        ("entries.remove(x)", "entries = entries[:x][::-1]", True),
        # Any text may be cut, changed or filtered so.
        ("entries.remove(x)", "entries = entries[1:]", False),
        ("entries.remove(x)", "entries[0] = x", False),
        ("entries.remove(x)", "entries = [each for each in entries if each != x]", False),
    ],
)
def test_entries_removed_from_a_file_that_a_caller_names(
    old: str, new: str, is_edited: bool
) -> None:
    assert ("lines-edited" in strengths(_ENTRIES.replace(old, new))) is is_edited


_MOVED = """
import os
def f(path, x):
    {}
    with open(path + ".tmp", "w") as file:
        file.write(x)
    os.replace(path + ".tmp", path)
"""


@pytest.mark.parametrize(
    ("remark", "promises"),
    [
        ('"""Write it atomically."""', True),
        ("# An atomic write.", True),
        ("# This prevents truncated files.", True),
        ("# A safe write.", True),
        ("# This is not atomic.", False),
        ("# A non-atomic write.", False),
        ("# Atoms.", False),
        ("pass" + "\\n    x" * 12 + "  # an atomic write", True),
        ("pass  # an atomic write" + "\\n    x" * 12, False),
    ],
)
def test_a_remark_promises_a_complete_file(remark: str, promises: bool) -> None:
    found = strengths(_MOVED.format(remark.replace("\\n", "\n")))
    assert ("function-promises" in found) is promises
