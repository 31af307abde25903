"""An import is removed if the repair has removed its last use, and only then."""

from __future__ import annotations

import ast
import symtable

import pytest

from atomic_fix.finding import Applicability, Edit, Finding, Fix, Position, Span
from atomic_fix.fixes.bindings import Scope, scopes
from atomic_fix.fixes.unused_imports import without_unused_imports
from atomic_fix.rewrite import SAFE_ONLY, rewrite
from atomic_fix.source import Source


def without(head: str, *, used: str = "dump(1)\n", then: str = "", filename: str = "a.py") -> str:
    """The head of a module whose code was `used` before the repair and is `then` afterwards."""
    after = without_unused_imports(filename, head + used, head + then)
    assert after.endswith(then)
    return after.removesuffix(then) if then else after


@pytest.mark.parametrize(
    ("head", "left"),
    [
        ("from json import dump\n", ""),
        ("from json import dump\n\nimport yaml\n", "import yaml\n"),
        ("import os\nfrom json import dump\n", "import os\n"),
        ("import os\n\nfrom json import dump\n\nimport yaml\n", "import os\n\nimport yaml\n"),
        ("from json import dump, load\n", "from json import load\n"),
        ("from json import (dump, load as l)\n", "from json import (load as l)\n"),
        ("from json import (\n    dump,\n)\n", ""),
        ("from json import (\n    dump,\n    load,\n)\n", "from json import (\n    load,\n)\n"),
        (
            "from json import (\n    dump,\n    load,  # why\n)\n",
            "from json import (\n    load,  # why\n)\n",
        ),
        (
            "from json import (dump,\n                  load, loads)\n",
            "from json import load, loads\n",
        ),
        ("import json as dump, os\n", "import os\n"),
        ("from yaml import dump\n", ""),
        ("from .files import dump, load\n", "from .files import load\n"),
        ("import os\r\nfrom json import dump\r\n", "import os\r\n"),
        ("x = 1\n\x0c\nfrom json import dump\n", "x = 1\n\x0c\n"),
    ],
)
def test_it_goes(head: str, left: str) -> None:
    assert without(head) == left


@pytest.mark.parametrize(
    "head",
    [
        "from json import dump  # noqa: F401\n",
        "from json import dump; x = 1\n",
        "from json import \\\n    dump\n",
        "from json import (\n    dump,  # why\n    load,\n)\n",
        "from json import (dump,  # why\n                  load)\n",
        "if True:\n    from json import dump\n",
        "try:\n    from json import dump\nexcept ImportError:\n    pass\n",
        "from json import dump\n\n__all__ = ['dump']\n",
        "from json import dump\n\n\ndef f(x: 'dump') -> None:\n    '''Doc.'''\n",
        "from json import dump\n\nx = []  # type: dump\n",
        "from json import dump\n\n\ndef f():\n    '''\n    >>> dump(1)\n    '''\n",
        "from json import dump\n\n\ndef f(code):\n    return eval(code)\n",
        "from json import dump\n\n\ndef f(name):\n    return globals()[name]\n",
        "from json import *\n",
        "from numpy import dump\n",
        "import dump\n",
        "from .json import dump\n",
        "from json import dump\n\n\ndef f():\n    global dump\n",
    ],
)
def test_it_stays(head: str) -> None:
    assert without(head) == head


IN_FUNCTION = "def save():\n{}"


def inside(head: str, *, used: str = "    dump(1)\n", then: str = "    y = 1\n") -> str:
    """The body of a function whose code was `used` before the repair and is `then` afterwards."""
    before, after = IN_FUNCTION.format(head + used), IN_FUNCTION.format(head + then)
    text = without_unused_imports("a.py", before, after)
    assert text.startswith("def save():\n")
    assert text.endswith(then)
    return text.removeprefix("def save():\n").removesuffix(then)


@pytest.mark.parametrize(
    ("head", "left"),
    [
        ("    from json import dump\n", ""),
        ("    from json import dump\n\n", ""),
        ('    """Doc."""\n    from json import dump\n\n', '    """Doc."""\n\n'),
        ("    import os\n    from json import dump\n\n", "    import os\n\n"),
        ("    from json import dump, load\n", "    from json import load\n"),
        ("    x = 1\n\n    from json import dump\n\n", "    x = 1\n\n"),
        (
            "    with x:\n        from json import dump\n        z()\n",
            "    with x:\n        z()\n",
        ),
        (
            "    try:\n        from json import dump\n        2\n    except OSError:\n        1\n",
            "    try:\n        2\n    except OSError:\n        1\n",
        ),
        # What another function calls so is another thing.
        (
            "    from json import dump\n\n    def inner(dump):\n        dump()\n\n",
            "    def inner(dump):\n        dump()\n\n",
        ),
        (
            "    from json import dump\n\n    def inner():\n        dump = 1\n        dump()\n\n",
            "    def inner():\n        dump = 1\n        dump()\n\n",
        ),
    ],
)
def test_it_goes_in_a_function(head: str, left: str) -> None:
    assert inside(head) == left


@pytest.mark.parametrize(
    "head",
    [
        "    from json import dump  # late\n",
        "    from numpy import dump\n",
        "    from . import dump\n",
        "    with x:\n        from json import dump\n",
        "    if x:\n        from json import dump\n    else:\n        z()\n",
        "    try:\n        from json import dump\n        2\n    except ImportError:\n        1\n",
        "    if TYPE_CHECKING:\n        from json import dump\n        z()\n",
        "    global dump\n    from json import dump\n",
        "    from json import dump\n\n    def inner():\n        dump()\n\n",
        "    from json import dump\n\n    x = [dump() for y in z]\n",
        "    from json import dump\n\n    x = lambda y=dump: y\n",
        "    from json import dump\n\n    x: dump = 1\n",
        "    from json import dump\n\n    x = eval('dump' + '()')\n",
        "    class A:\n        from json import dump\n        dump(1)\n\n",
    ],
)
def test_it_stays_in_a_function(head: str) -> None:
    assert inside(head) == head


def test_it_stays_in_a_class() -> None:
    """There it is an attribute."""
    head = "class A:\n    from json import dump\n"
    assert without(head, used="    dump(1)\n", then="    x = 1\n") == head


def test_a_function_of_the_same_name_is_another_one() -> None:
    function = "def f():\n    import json\n\n    {}\n\n\n"
    before = function.format("json.a()") + function.format("json.b()")
    after = function.format("b()") + function.format("json.b()")
    assert without_unused_imports("a.py", before, after) == (
        "def f():\n    b()\n\n\n" + function.format("json.b()")
    )


def test_that_of_the_module_goes_when_only_a_function_with_its_own_is_left() -> None:
    own = "\n\ndef f():\n    import json\n\n    json.b()\n"
    before = "import json\n\njson.a()\n" + own
    after = "import json\n\na()\n" + own
    assert without_unused_imports("a.py", before, after) == "a()\n" + own


def test_in_the_init_of_a_package_those_in_functions_go() -> None:
    before = IN_FUNCTION.format("    import json\n\n    json.dump(1)\n")
    after = IN_FUNCTION.format("    import json\n\n    y = 1\n")
    text = without_unused_imports("app/__init__.py", before, after)
    assert text == IN_FUNCTION.format("    y = 1\n")


@pytest.mark.parametrize(
    "code",
    [
        "with open(p) as n: pass\n",
        "for n in x: pass\n",
        "try: x\nexcept E as n: n()\n",
        "class n: pass\n",
        "def n(): pass\n",
        "async def n(): pass\n",
        "n += 1\n",
        "del n\n",
        "(n := 1)\n",
        "[(n := x) for x in y]\n",
        "import n.m\n",
        "match x:\n    case n: pass\n",
        "match x:\n    case [*n]: pass\n",
        "match x:\n    case {**n}: pass\n",
        "def f(a=n, *, b: n = 1) -> n: pass\n",
        "[n for n in n]\n",
        "{n: m for n in x for m in n if n}\n",
        "class A(n, metaclass=n):\n    n = 1\n    def f(self): return n\n",
        "def f():\n    global n\n    n = 1\n",
        "def f():\n    n = 1\n    def g():\n        nonlocal n\n        n = 2\n    return n\n",
        "lambda n, *a, **k: n + a + k\n",
    ],
)
def test_names_are_found_where_python_finds_them(code: str) -> None:
    """What a scope binds, and what a name means to code in other scopes."""
    module = scopes(ast.parse(code))

    def compare(table: symtable.SymbolTable, scope: Scope) -> None:
        inner = scope.inner
        # Annotations have tables of their own in Python 3.14.
        children = [x for x in table.get_children() if x.get_type() in {"function", "class"}]
        assert len(children) == len(inner)
        for symbol in table.get_symbols():
            if symbol.get_name().startswith("."):
                continue
            home = scope.home(symbol.get_name())
            if symbol.is_global() and table.get_type() != "module":
                assert isinstance(home.node, ast.Module)
            elif symbol.is_local():
                assert home is scope or isinstance(home.node, ast.Module)
            assert not symbol.is_free() or home is not scope
        for child in children:
            mate = [x for x in inner if getattr(x.node, "lineno", 0) == child.get_lineno()]
            compare(child, mate[0] if len(mate) == 1 else inner[children.index(child)])

    compare(symtable.symtable(code, "a.py", "exec"), module)


def test_what_had_no_use_before_stays() -> None:
    assert without("from json import dump\n", used="x = 1\n") == "from json import dump\n"


def test_what_is_used_after_stays() -> None:
    head = "from json import dump\n"
    assert without(head, used="dump(1)\ndump(2)\n", then="dump(2)\n") == head


def test_a_package_may_hand_it_on() -> None:
    head = "from json import dump\n"
    assert without(head, filename="app/__init__.py") == head


def test_a_package_hands_on_no_module_of_the_standard_library() -> None:
    assert without(
        "import dump\nimport json\n", used="json.x(dump)\n", filename="app/__init__.py"
    ) == ("import dump\n")


@pytest.mark.parametrize("text", ["x = (\n", "x = 1\0\n"])
def test_what_does_not_parse_is_left(text: str) -> None:
    assert without_unused_imports("a.py", "import json\njson\n", text) == text
    assert without_unused_imports("a.py", text, "import json\n") == "import json\n"


def test_remaining_findings_have_their_new_positions() -> None:
    def find(source: Source) -> list[Finding]:
        found = []
        for row, text in enumerate(source.text.splitlines(), 1):
            if "json.dump" in text or "other" in text:
                span = Span(Position(row, 1), Position(row, len(text) + 1))
                fix = Fix("", Applicability.SAFE, (Edit(span, "x"),)) if "dump" in text else None
                found.append(Finding("ATF101", "", source.filename, span, "", fix=fix))
        return found

    source = Source("a.py", "import json\n\njson.dump(1)\nother()\n", "utf-8", False)
    result = rewrite(source, find, SAFE_ONLY)
    assert result.text == "x\nother()\n"
    assert [finding.span.start.row for finding in result.remaining] == [2]
