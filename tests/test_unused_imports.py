"""An import goes with its last use, when the repair took that use, and only then."""

from __future__ import annotations

import pytest

from atomic_fix.finding import Applicability, Edit, Finding, Fix, Position, Span
from atomic_fix.fixes.unused_imports import without_unused_imports
from atomic_fix.rewrite import SAFE_ONLY, rewrite
from atomic_fix.source import Source


def without(head: str, *, used: str = "dump(1)\n", then: str = "", filename: str = "a.py") -> str:
    """The head of a module whose code was `used` before the repair and is `then` after it."""
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
        "from json import (\n    dump,\n    load,\n)\n",
        "if True:\n    from json import dump\n",
        "try:\n    from json import dump\nexcept ImportError:\n    pass\n",
        "from json import dump\n\n__all__ = ['dump']\n",
        "from json import dump\n\n\ndef f(x: 'dump') -> None:\n    '''Doc.'''\n",
        "from json import dump\n\nx = []  # type: dump\n",
        "from json import dump\n\n\ndef f():\n    '''\n    >>> dump(1)\n    '''\n",
        "from json import *\n",
        "from yaml import dump\n",
        "from .json import dump\n",
        "from json import dump\n\n\ndef f():\n    global dump\n",
    ],
)
def test_it_stays(head: str) -> None:
    assert without(head) == head


def test_what_had_no_use_before_stays() -> None:
    assert without("from json import dump\n", used="x = 1\n") == "from json import dump\n"


def test_what_is_used_after_stays() -> None:
    head = "from json import dump\n"
    assert without(head, used="dump(1)\ndump(2)\n", then="dump(2)\n") == head


def test_a_package_may_hand_it_on() -> None:
    head = "from json import dump\n"
    assert without(head, filename="app/__init__.py") == head


@pytest.mark.parametrize("text", ["x = (\n", "x = 1\0\n"])
def test_what_does_not_parse_is_left(text: str) -> None:
    assert without_unused_imports("a.py", "import json\njson\n", text) == text
    assert without_unused_imports("a.py", text, "import json\n") == "import json\n"


def test_what_remains_stands_where_it_is_told() -> None:
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
