"""Deeply nested and long code: analysed, or refused before LibCST's parser runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atomic_fix.check import check, check_bytes
from atomic_fix.config import Config
from atomic_fix.parse import NotParsed, TooDeep, depth, stack
from atomic_fix.rewrite import SAFE_ONLY, apply_fixes
from atomic_fix.source import Source

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))
HEAD = "import json\n"
SAVE = "import json\ndef save_state(path, state):\n    path.write_text(json.dumps(state))\n"

# Every kind of nesting that the fuzz target knows, in the main thread and in one with a stack as
# small as some systems give threads.
EVERY_NESTING = """
import sys, threading
from atomic_fix.check import check, check_bytes
from atomic_fix.config import Config
from benchmarks.fuzz import AROUND, BLOCKS, PATTERNS

def programs():
    for n in (60, 2_000):
        for start, end in AROUND:
            yield "    x = " + start * n + "a" + end * n
        for start, end in PATTERNS:
            yield "    match x:\\n        case " + start * n + "a" + end * n + ": pass"
            yield "    del " + start * n + "a" + end * n
        for line in ("elif a: pass\\n    ", "'a' ", "a.", "a = ", "@a\\n    "):
            yield "    if a: pass\\n    " + line * n + "a"
        for block in BLOCKS:
            if n < 200:
                rows = [" " * i + block.replace("{0}", " " * i) for i in range(4, n)]
                yield "\\n".join([*rows, " " * n + "path.write_text(x)"])

def run():
    for text in programs():
        text = "def save_state(path):\\n    path.write_text(x)\\n" + text + "\\n"
        found = check_bytes(text.encode(), "a.py", Config())
        assert found.findings or found.problem, text[:200]

if sys.argv[1] == "main":
    run()
else:
    threading.stack_size(512 * 1024)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
print("done")
"""


@pytest.mark.parametrize("where", ["main", "thread"])
def test_no_nesting_ends_the_process(where: str) -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EVERY_NESTING, where],
        capture_output=True, text=True, check=False, cwd=root, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "+".join(["a"] * n),
        lambda n: " and ".join(["a"] * n),
        lambda n: "a" + ".b" * n,
        lambda n: "(" + "'a' " * n + ")",
        lambda n: "[a" + " for a in b" * n + "]",
        lambda n: "not " * n + "a",
    ],
)
def test_long_chains_are_analysed(make: Callable[[int], str]) -> None:
    text = f"{SAVE}    x = {make(700)}\n"
    found = check_bytes(text.encode(), "a.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]


@pytest.mark.parametrize(("count", "code"), [(6_000, "ATF101"), (22_000, "")])
@pytest.mark.parametrize("link", [" and a", " and a or b"])
def test_long_chains_in_what_is_reported(count: int, code: str, link: str) -> None:
    text = SAVE + f"    with open(a{link * (count // link.count(' a'))}, 'w') as f:\n"
    text += "        json.dump(path, f)\n"
    found = check_bytes(text.encode(), "a.py", Config())
    assert {finding.code for finding in found.findings} == {code} - {""}
    if not code:
        assert found.problem is not None
        assert "nested too deeply" in found.problem.reason


def test_a_long_elif_chain_is_analysed() -> None:
    text = SAVE + "    if a: pass\n" + "    elif a: pass\n" * 700
    found = check_bytes(text.encode(), "a.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]


@pytest.mark.parametrize(
    "line",
    [
        'match x:\n        case ' + '{"a": ' * 11 + "b" + "}" * 11 + ": pass",
        "match x:\n        case " + "[" * 40 + "b" + "]" * 40 + ": pass",
        "match x:\n        case " + "A(b=" * 30 + "b" + ")" * 30 + ": pass",
        "del " + "(" * 60 + "b" + ",)" * 60,
        "x = " + "+".join(["a"] * 20_000),
        "x = " + "-" * 20_000 + "a",
        "x = " + "lambda: " * 2_000 + "a",
        "x = " + "lambda: " * 1_500 + "a" + ", b" * 1_500,
        "x = " + "lambda a=0, *b: " * 1_500 + "a",
        "x = " + "lambda a=lambda b=0: 0: " * 1_500 + "a",
        "x = [1, {2: [" + "lambda: " * 2_000 + "a]}]",
        "x = y = {a: " + "(lambda: a if b else " * 20 + "lambda: " * 2_000 + "b" + ")" * 20 + "}",
    ],
)  # fmt: skip
def test_what_would_take_for_ever_is_refused(line: str) -> None:
    found = check_bytes(f"{SAVE}    {line}\n".encode(), "a.py", Config())
    assert found.problem is not None
    assert "nested too deeply" in found.problem.reason


@pytest.mark.parametrize(
    "line",
    [
        'match x:\n        case {"a": {"b": [C(d=[{"e": f}]), *_], **g}}: pass',
        "match x:\n        case [] if " + "f(" * 40 + "a" + ")" * 40 + ": pass",
        "match x:\n        case []: y = " + "f(" * 40 + "a" + ")" * 40,
        "case = " + "f(" * 40 + "a" + ")" * 40,
        "x = '" + "(" * 5_000 + "'",
        "x = '''" + "[\n" * 5_000 + "'''",
        "x = f'" + "(" * 5_000 + "{a}'",
        "# " + "(" * 5_000,
        "x = [" + "lambda: 1, " * 2_000 + "]",
        "x = {" + "a: lambda b, c=0: (lambda: b), " * 2_000 + "}",
        "x = [" + "f(a, key=lambda b, c=0: b[0]), " * 2_000 + "]",
        "x = lambda: 1; " * 2_000,
        "x = {" + "a.b: f(c)[d], " * 2_000 + "}",
    ],
)
def test_what_only_looks_deep_is_not_refused(line: str) -> None:
    found = check_bytes(f"{SAVE}    {line}\n".encode(), "a.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]


def test_ordinary_code_needs_no_thread() -> None:
    for path in FIXTURES:
        assert depth.stack_needed(path.read_text(encoding="utf-8", errors="replace")) < 600_000


def test_deeper_code_needs_more() -> None:
    for inner in ("({})", "f({})", "a + {}", "not {}", "lambda: {}", 'f"{{{}}}"', "a.b[{}]"):
        text, needs = "a", []
        for _ in range(20):
            text = inner.format(text)
            needs.append(depth.stack_needed(f"x = {text}\n"))
        assert needs[0] < needs[4] < needs[9] < needs[19]


TEXTS = st.lists(
    st.sampled_from(
        ["(", ")", "[", "]", "{", "}", "'", '"', '"""', "f'", 'rf"""', "\\", "\n", "\r", " ",
         "    ", "\t", "\f", "#", ":", ",", ";", "=", ".", "a", "case", "del", "lambda", "elif",
         "if", "!r"]
    )
).map("".join)  # fmt: skip


# Without a deadline: a busy machine makes hypothesis say that a text takes too long.
@settings(deadline=None)
@example("")
@given(TEXTS | st.text())
def test_any_text_is_weighed(text: str) -> None:
    try:
        assert depth.stack_needed(text) >= depth.stack_needed("") > 0
    except TooDeep:
        assert len(text) > 10


@settings(deadline=None)
@given(TEXTS)
def test_any_text_is_parsed_or_not(text: str) -> None:
    found = check_bytes(f"{SAVE}{text}".encode("utf-8", "surrogatepass"), "a.py", Config())
    if found.problem is None:
        assert found.findings or "'" in text or '"' in text or "\\" in text
    else:
        assert found.problem.reason.startswith("cannot be ")


@pytest.mark.parametrize("text", ['x = t"a" t"b"\n', 'x = b"a" "b"\n'])
def test_what_libcst_fails_at_is_not_parsed(text: str) -> None:
    with pytest.raises(NotParsed, match="LibCST cannot parse it"):
        depth.parse_module(text)
    found = check_bytes(f"{SAVE}{text}".encode(), "a.py", Config())
    assert found.problem is not None
    assert "cannot be parsed" in found.problem.reason


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_statements_of_a_module_that_libcst_alone_refuses(end: str) -> None:
    """They do not prevent the check of a function, but are a problem where they are to be reported
    themselves."""
    refused = 'f"{a}" ' * 3_000 + "'a'\n"
    found = check_bytes((refused + SAVE).replace("\n", end).encode(), "a.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]
    among = refused + "open('state.json', 'w').write(json.dumps(state))\n"
    found = check_bytes((HEAD + among).replace("\n", end).encode(), "a.py", Config())
    assert found.findings == ()
    assert found.problem is not None
    assert "LibCST cannot parse" in found.problem.reason


def test_a_panic_of_the_parser_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(_text: str) -> None:
        raise PanicException("index out of bounds")

    monkeypatch.setattr(cst, "parse_module", panic)
    with pytest.raises(NotParsed, match="PanicException: index out of bounds"):
        depth.parse_module("x = 1\n")


def test_an_interrupt_passes_through_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_text: str) -> None:
        raise GeneratorExit

    monkeypatch.setattr(cst, "parse_module", interrupted)
    with pytest.raises(GeneratorExit):
        depth.parse_module("x = 1\n")


def deepest(count: int = 0) -> int:
    try:
        return deepest(count + 1)
    except RecursionError:
        return count


def test_there_is_room_for_more_calls() -> None:
    usual = sys.getrecursionlimit()
    assert stack.with_deep_stack(deepest) > 5 * usual
    assert sys.getrecursionlimit() == usual


def test_what_is_raised_in_the_room_comes_out() -> None:
    with pytest.raises(KeyError, match="x"):
        stack.with_deep_stack(lambda: {"y": 1}["x"])


def test_where_there_is_no_memory_for_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(stack._DeepThread, "start", start)
    found = check_bytes(f"{SAVE}    x = {'-' * 990}a\n".encode(), "a.py", Config())
    assert found.problem is not None


def test_only_threads_of_others_want_room() -> None:
    assert not stack.may_be_small()
    assert not stack.with_deep_stack(stack.may_be_small)
    assert stack.with_deep_stack(stack.is_deep_thread)


@pytest.mark.parametrize("above", ["", "'''Text.'''\n", "def f():\n    pass\n", "# Comment.\n"])
def test_many_blank_rows_change_nothing_else(above: str) -> None:
    def repaired(blank: int) -> str:
        text = (
            f"{above}import json\nfrom pathlib import Path\n{blank * chr(10)}"
            f"STATE = Path('state.json')\n{blank * chr(10)}"
            "# As it was.\nSTATE.write_text(json.dumps(state))\n"
        )
        source = Source("a.py", text, "utf-8", bom=False)
        found = check(source, Config())
        assert [(each.code, each.span.start.row) for each in found] == [
            ("ATF101", text.count("\n", 0, text.index("STATE.write")) + 1)
        ]
        return apply_fixes(source, found, SAFE_ONLY)[0]

    assert re.sub("\n{9,}", "\n\n\n", repaired(3_000)) == repaired(2)
    assert "atomic_write_json(STATE, state)" in repaired(2)
