"""A file that is not Python never passes in silence, whatever it holds."""

from __future__ import annotations

import sys

import pytest

from atomic_fix.check import check_bytes
from atomic_fix.config import Config
from atomic_fix.finding import listed
from atomic_fix.parse.syntax_version import needed_version
from atomic_fix.source import is_python


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:\n",
        b"x = (\n",
        b"  x = 1\n",
        b"'''\n",
        b"return = 1\n",
        b"print 'x'\n",
        "x = 'é'\n".encode("latin-1"),
        "#!python\n# coding: ascii\nx = 'é'\n".encode(),
    ],
)
def test_unparsable_files_are_reported_even_if_nothing_matches(content: bytes) -> None:
    result = check_bytes(content, "broken.py", Config())
    assert result.problem is not None
    assert not result.findings
    assert [finding.code for finding in listed(result)] == ["ATF000"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x = 1\n",
        b"\xef\xbb\xbfx = 1\r\n",
        "# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        "#!python\n# coding: latin-1\nx = 'é'\n".encode("latin-1"),
        b"'A file.'\nfrom __future__ import annotations\n",
        b"x = '\\d'\n",
        b"x = " + b"+".join([b"1"] * 5000) + b"\n",
    ],
)
def test_sound_files_without_anything_to_find_are_clean(content: bytes) -> None:
    assert is_python(content)
    assert check_bytes(content, "sound.py", Config()).findings == ()


NEWER = {
    "try:\n    pass\nexcept* ValueError:\n    pass\n": (3, 11),
    "a[*b]\n": (3, 11),
    "type X = int\n": (3, 12),
    "def f[T](x: T) -> T:\n    return x\n": (3, 12),
    "class A[T]:\n    pass\n": (3, 12),
    "x = f'{d['a']}'\n": (3, 12),
    "x = f'{f'{1}'}'\n": (3, 12),
    'x = f"{a:{b["c"]}}"\n': (3, 12),
    "x = f'{\"\\n\".join(a)}'\n": (3, 12),
    "x = f'''{\na # why\n}'''\n": (3, 12),
    "x = f'{\na\n}'\n": (3, 12),
    "type X = int\ndef f[T = int](x): pass\n": (3, 13),
    "x = t'{a}'\n": (3, 14),
}


@pytest.mark.parametrize("text", NEWER)
def test_newer_syntax_names_the_version_it_needs(text: str) -> None:
    found = needed_version(text)
    assert found is not None
    assert found[0] == NEWER[text]
    result = check_bytes(f"import json\n{text}json.dump(1, open('state.json', 'w'))\n".encode(),
                         "a.py", Config())  # fmt: skip
    if sys.version_info >= found[0]:
        assert result.problem is None
    else:
        assert result.problem is not None
        major, minor = found[0]
        assert f" needs Python {major}.{minor} or newer; this is Python " in result.problem.reason


@pytest.mark.parametrize(
    "text",
    [
        "x = f'{d[\"a\"]:{w}}'\n",
        "x = f'\\n{a}#'\n",
        "x = f'''{d['a']}{\na}'''\n",
        "match x:\n    case 1: pass\n",
        "with (a as b, c as d): pass\n",
        "try:\n    pass\nexcept (KeyError, ValueError):\n    pass\n",
    ],
)
def test_what_every_python_has_needs_no_newer_one(text: str) -> None:
    compile(text, "a.py", "exec")
    assert needed_version(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "type X = \n",
        "print 'x'\n",
        "x = f'{d['a' b]}'\n",
        "f() = 1\ntype X = int\n",
    ],
)
def test_what_no_python_takes_is_told_in_the_words_of_this_one(text: str) -> None:
    assert needed_version(text) is None
    result = check_bytes(text.encode(), "a.py", Config())
    assert result.problem is not None
    assert result.problem.reason.startswith("cannot be parsed: ")
