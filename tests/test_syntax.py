"""A file that is not Python is reported if it has to be parsed: because its bytes do not exclude a
finding, or because `check-syntax` is set."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix.check import check_bytes
from atomic_fix.cli import main
from atomic_fix.config import Config
from atomic_fix.finding import listed
from atomic_fix.parse.syntax_version import needed_version
from atomic_fix.source import is_python

NOT_PYTHON = [
    b"def broken(:\n",
    b"x = (\n",
    b"  x = 1\n",
    b"'''\n",
    b"return = 1\n",
    b"print 'x'\n",
]
SAVER = b"import json\njson.dump(state, open('state.json', 'w'))\n"


@pytest.mark.parametrize("content", NOT_PYTHON)
def test_a_broken_file_that_has_to_be_parsed_is_reported(content: bytes) -> None:
    result = check_bytes(SAVER + content, "broken.py", Config())
    assert result.problem is not None
    assert not result.findings
    assert [finding.code for finding in listed(result)] == ["ATF000"]


@pytest.mark.parametrize("content", NOT_PYTHON)
def test_a_broken_file_whose_bytes_rule_out_a_finding_is_clean(content: bytes) -> None:
    assert not is_python(content)
    assert list(listed(check_bytes(content, "broken.py", Config()))) == []


@pytest.mark.parametrize("content", NOT_PYTHON)
@pytest.mark.parametrize("way", ["option", "key"])
def test_check_syntax_reports_every_broken_file(
    content: bytes, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_bytes(content)
    (tmp_path / "sound.py").write_bytes(b"x = 1\n")

    def run(*options: str) -> tuple[int, list[str]]:
        arguments = ["--no-cache", "--output-format", "concise", *options]
        result = CliRunner().invoke(main, arguments)
        return result.exit_code, [row for row in result.output.splitlines() if ": ATF000 " in row]

    assert run() == (0, [])
    if way == "key":
        (tmp_path / "atomic-fix.toml").write_text("check-syntax = true\n")
    for options in ([], ["--diff"], ["--write"]):
        code, rows = run(*options, *(["--check-syntax"] if way == "option" else []))
        assert code == 2
        assert [row.partition(":")[0] for row in rows] == ["broken.py"]


@pytest.mark.parametrize(
    "content",
    [
        "x = 'é'\n".encode("latin-1"),
        "#!python\n# coding: ascii\nx = 'é'\n".encode(),
        b"# coding: nonsense\nx = 1\n",
        b"x = 1\0\n",
    ],
)
def test_a_file_without_a_text_is_reported_whatever_it_holds(content: bytes) -> None:
    result = check_bytes(content, "broken.py", Config())
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
def test_syntax_that_no_python_accepts_is_reported_in_the_words_of_this_one(text: str) -> None:
    assert needed_version(text) is None
    result = check_bytes(SAVER + text.encode(), "a.py", Config())
    assert result.problem is not None
    assert result.problem.reason.startswith("cannot be parsed: ")
