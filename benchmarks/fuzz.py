"""Checks unusual programs, encodings, configurations and ignore files, until one of them causes a
crash, a hang or a silent failure.

    python benchmarks/fuzz.py --minutes 15 [--seed 1] [--keep FOLDER]

Each case is generated from a number, so that it can be repeated: `--only NUMBER` runs one. Cases
run in a separate process, which they may crash. A case fails if it raises, takes ten seconds of CPU
time, ends the process, is reported as an internal error, or if a repair turns a program that
compiles into one that does not.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from atomic_fix.finding import NOT_ANALYSED, FileResult
from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run.all_files import check_files
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import ConfigError, Resolver

_Result = TypeVar("_Result")

MOST_SECONDS = 10.0
PROGRAMS = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))

# Code around an inner expression, repeated to nest it deeply.
AROUND = [
    ("(", ")"), ("[", "]"), ("{1: ", "}"), ("{", "}"), ("(", ",)"), ("f(", ")"), ("f(k=", ")"),
    ("f(*", ")"), ("f(**", ")"), ("a[", "]"), ("a[1:", "]"), ("a[b, ", "]"), ("(a := ", ")"),
    ("[a for a in ", "]"), ("[", " for a in b]"), ("{a: b for a in ", "}"), ("(yield ", ")"),
    ("lambda: ", ""), ("lambda a=", ": 0"), ("lambda *a, b: ", ""), ("not ", ""), ("-", ""),
    ("await ", ""), ("a if b else ", ""), ("", " if b else c"), ("(a < ", ")"), ("(a + b * ", ")"),
    ("", ".b"), ("", "()"), ("", ".b()"), ("", "[0]"), ("", " + a"), ("", " and a"), ("", " or a"),
    ("", " ** a"), ("", " < a"), ("a | ", ""), ("", ' "x"'), ('f"{', '}"'), ("f'''{", "}'''"),
    ('f"{a:{', '}}"'), ("f(lambda: ", ")"), ("(*", ",)"), ("[*", "]"), ("{**", "}"),
]  # fmt: skip
PATTERNS = [
    ("[", "]"), ("(", ")"), ("(", ",)"), ('{"a": ', "}"), ("A(", ")"), ("A(k=", ")"), ("(1 | ",
    ")"),
    ("[*_, ", "]"), ('{"a": ', ", **r}"), ("(", " as b)"), ("a.", ""), ("[1, ", ", 2]"),
]  # fmt: skip
# Places for an expression or a pattern.
PLACES = [
    "x = {}", "{}", "{} = 1", "del {}", "for {} in x: pass", "with {} as y: pass",
    "with ({} as y, z): pass", "with a as {}: pass", "x: {} = 1", "def g(a={}): pass",
    "def g(a: {}): pass", "@{}\ndef g(): pass", "class A({}): pass", "assert {}", "raise {} from y",
    "if {}: pass\nelif {}: pass", "while {}: pass", "return {}", "import a{}", "{} += 1",
    "path.write_text({})", "x = [{} for a in b if a]", "match {}:\n    case 1: pass",
    "global x; {}", "type X = {}", "class A[T: {}]: pass", "try: pass\nexcept {}: pass",
    "def save_state(path):\n    path.write_text({})", 'open({}, "w").write(x)',
]  # fmt: skip
BLOCKS = [
    "if a:", "for a in b:", "while a:", "with a:", "with open(p, 'w') as f:", "try:", "def f():",
    "async def f():", "class A:", "match a:\n{0} case 1:", "else:", "elif a:", "except A:",
    "finally:",
]  # fmt: skip
FLAT = [
    "a;", "x = 1\n", "elif a: pass\n", "@a\n", "except A: pass\n", "\n", "# c\n", "\\\n", '"a" ',
    "a, ", "a.", "x = ", "case 1: pass\n", "t'a' ", 'f"{a}" ', "\x0c\n", "if a: b\n", "\t",
    "    path.write_text(a)\n", "import a\n", "a = b\n", "with a: b\n",
]  # fmt: skip
ODD_LINES = [
    't"a" t"b"', '"a" t"b"', 'b"a" "b"', "x = `a`", "print 'a'", "exec 'a'", "x <> y", "x = 0777",
    "async = 1", "match = case = type = 1", "except* A: pass", "x = \udc80", "x = '\x00'", "\x1a",
    "lambda (a, b): 1", "def f(a, (b, c)): pass", "from __future__ import braces", "\ufeff",
    "import a as b.c", "del ()", "() = 1", "*a = b", "x = *a, b", "nonlocal x", "x = yield",
    "try: a\nexcept A, B: pass", "def f[*T = int](): pass", "f'{a!x}'", 'f"{', "'''", '"', "\\",
    "    return", "\tx = 1", "  \tx = 1", "with (yield): pass", "class A(*b, **c): pass",
    "# type: ignore", "# noqa: ATF101", "# atomic-fix: off", "# atomic-fix: ignore[ATF101]",
    "x = 1 # c\\", "x: int", "async with a as b, c as (d, e): pass", "raise", "@",
    "f(a for a in b, c)",
]  # fmt: skip
ENDS = [
    "",
    "\n",
    "\\",
    "\\\n",
    " # c",
    "\x0c",
    "\r",
    "\r\n",
    "    ",
    "\t",
    "\n\n\n",
    "\x00",
    "\x1a",
]
COOKIES = [
    "rot13", "hex", "zip", "zlib", "bz2", "base64", "uu", "quopri", "idna", "punycode", "undefined",
    "mbcs", "oem", "utf-7", "utf-8-sig", "utf-16", "utf_32", "latin-1", "cp1252", "cp037", "ascii",
    "unicode_escape", "raw_unicode_escape", "shift_jis", "iso2022_jp", "hz", "gb18030", "big5",
    "koi8-r", "mac-roman", "string_escape", "../x", "aliases", "x" * 300, "utf8\x00", "utf-8-",
]  # fmt: skip
DEPTHS = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
    16,
    24,
    40,
    99,
    101,
    150,
    199,
    201,
    500,
    1000,
    3000,
    10000,
]
CONFIG_LINES = [
    "[tool.atomic-fix]", "[tool.atomic-fix]]", "[tool]", "atomic-fix = 1", 'select = ["ATF1"]',
    "select = 1", 'ignore = ["*"]', 'extend-exclude = ["{}"]', 'exclude = ["!"]', 'helper = "{}"',
    'helper = "a:b:c"', 'durable-words = ["{}"]', "min-confidence = 2", "min-confidence = nan",
    'savers = ["{}:0"]', 'savers = ["a:99999999999999999999"]', 'loaders = ["{}"]',
    'per-file-ignores = {{ "{}" = ["ATF1"] }}', "per-file-ignores = [1]", 'baseline = "{}"',
    'on-corrupt = "warn"', "x = " + "[" * 90 + "]" * 90, 'atomic-helpers = ["{}"]', "\x00", "= 1",
    'src = ["{}"]', 'not-durable-words = ["{}"]', 'a."b".c = 1', 'x = """', "x = 1979-13-01",
    "x = 9" * 40,
]  # fmt: skip
GLOBS = [
    "!", "\\", "[z-a]", "[", "[!", "[]", "**", "***", "/", "//", "a**b", "*" * 30 + "b",
    "*a" * 14 + "*b",
    "[[:alpha:]]", "[\\]", "!!x", "#", "\\#", " ", "\\ ", "a\\", "**/", "/**", "?" * 300,
    "{a,b}", "..",
    "../..", "~", "$x", "x\x00y", "\udc80", "é", "[a-\\]", "[--z]", "(", "(?P<a>", "+",
    "a{9999999}",
]  # fmt: skip


def program(choose: random.Random) -> bytes:
    """A program, or something similar that is not valid."""
    text = choose.choice(PROGRAMS).read_text(encoding="utf-8", errors="replace")
    for _ in range(choose.choice([1, 1, 1, 2, 3, 6])):
        text = choose.choice(MUTATIONS)(choose, text)[:400_000]
    if choose.random() < 0.2:
        text = text.rstrip("\n") + choose.choice(ENDS)
    if choose.random() < 0.15:
        text = text.replace("\n", choose.choice(["\r\n", "\r", "\n\r", "\r\r\n"]))
    encoding = "utf-8"
    if choose.random() < 0.1:
        cookie = choose.choice(COOKIES)
        text = choose.choice(["", "#!/bin/sh\n"]) + f"# -*- coding: {cookie} -*-\n" + text
        encoding = choose.choice(["utf-8", cookie])
    try:
        content = text.encode(encoding, "surrogateescape")
    except Exception:
        content = text.encode("utf-8", "surrogatepass")
    if choose.random() < 0.1:
        content = choose.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + content
    if choose.random() < 0.1:
        for _ in range(choose.randint(1, 8)):
            at = choose.randrange(len(content) + 1)
            content = content[:at] + choose.randbytes(choose.randint(0, 3)) + content[at + 1 :]
    return content


def _nested(choose: random.Random, text: str) -> str:
    around = choose.sample(
        PATTERNS if choose.random() < 0.3 else AROUND, choose.choice([1, 1, 2, 3])
    )
    depth = choose.choice(DEPTHS)
    start = "".join(around[i % len(around)][0] for i in range(depth))
    end = "".join(around[i % len(around)][1] for i in reversed(range(depth)))
    if choose.random() < 0.1:
        end = end[: choose.randrange(len(end) + 1)]  # not closed
    inner = start + choose.choice(["a", "1", "", "a b", "'a'", "*a", "a.b", "open(p, 'w')"]) + end
    is_pattern = around[0] in PATTERNS
    place = "match x:\n    case {}: pass" if is_pattern else choose.choice(PLACES)
    return _with_line(choose, text, place.replace("{}", inner))


def _blocks(choose: random.Random, text: str) -> str:
    step = choose.choice([" ", "    ", "\t"])
    depth = choose.choice([each for each in DEPTHS if each < 300])
    kinds = choose.sample(BLOCKS, choose.choice([1, 1, 2, 4]))
    rows = []
    for i in range(depth):
        indent = step * i
        rows.append(indent + kinds[i % len(kinds)].replace("{0}", indent))
    return _with_line(choose, text, "\n".join([*rows, step * depth + "path.write_text(a)"]))


def _flat(choose: random.Random, text: str) -> str:
    line = choose.choice(FLAT) * choose.choice([*DEPTHS, 20_000])
    return _with_line(choose, text, line)


def _odd(choose: random.Random, text: str) -> str:
    return _with_line(choose, text, choose.choice(ODD_LINES))


def _with_line(choose: random.Random, text: str, line: str) -> str:
    rows = text.split("\n")
    at = choose.randrange(len(rows) + 1)
    near = rows[min(at, len(rows) - 1)]
    indent = near[: len(near) - len(near.lstrip())]
    rows.insert(at, "\n".join(indent + each for each in line.split("\n")))
    return "\n".join(rows)


def _rows_moved(choose: random.Random, text: str) -> str:
    rows = text.split("\n")
    for _ in range(choose.randint(1, 4)):
        at = choose.randrange(len(rows))
        how = choose.randrange(4)
        if how == 0:
            del rows[at : at + choose.randint(1, 3)]
        elif how == 1:
            rows[at:at] = rows[at : at + choose.randint(1, 5)] * choose.choice([1, 2, 50])
        elif how == 2:
            other = choose.randrange(len(rows))
            rows[at], rows[other] = rows[other], rows[at]
        else:
            rows[at] = choose.choice([" ", "    ", "\t", "\x0c"]) + rows[at]
        rows = rows or [""]
    return "\n".join(rows)


def _tokens_moved(choose: random.Random, text: str) -> str:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", text)
    for _ in range(choose.randint(1, 6)):
        if not tokens:
            break
        at = choose.randrange(len(tokens))
        how = choose.randrange(3)
        if how == 0:
            del tokens[at]
        elif how == 1:
            tokens[at] = choose.choice(tokens)
        else:
            tokens.insert(
                at, choose.choice(["(", ")", "{", "'", '"', ":", "=", "\\", "async ", ","])
            )
    return "".join(tokens)


def _joined(choose: random.Random, text: str) -> str:
    other = choose.choice(PROGRAMS).read_text(encoding="utf-8", errors="replace")
    return text[: choose.randrange(len(text) + 1)] + other[choose.randrange(len(other) + 1) :]


def _renamed(choose: random.Random, text: str) -> str:
    names = sorted(set(re.findall(r"\b[a-z_]\w+\b", text))) or ["x"]
    old, new = choose.choice(names), choose.choice([*names, "é", "ﬁ", "𝐱", "match", "_"])
    return re.sub(rf"\b{old}\b", new, text)


MUTATIONS: list[Callable[[random.Random, str], str]] = [
    _nested, _nested, _blocks, _flat, _odd, _odd, _rows_moved, _tokens_moved, _joined, _renamed,
]  # fmt: skip


def configuration(choose: random.Random) -> bytes:
    lines = [choose.choice(["[tool.atomic-fix]", ""])]
    for _ in range(choose.randint(1, 5)):
        glob = choose.choice(GLOBS).replace("\\", "\\\\") if choose.random() < 0.8 else "\\"
        lines.append(choose.choice(CONFIG_LINES).replace("{}", glob))
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def ignore_file(choose: random.Random) -> bytes:
    lines = [choose.choice(GLOBS) for _ in range(choose.randint(1, 6))]
    return choose.choice(["\n", "\r\n", "\r"]).join(lines).encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Outcome:
    """The result of a case: how it is counted, and what is wrong, if anything."""

    kind: str
    wrong: str = ""


def run(number: int) -> Outcome:
    """Generate and run the case with this number."""
    choose = random.Random(number)
    if choose.random() < 0.15:
        return _run_tree(choose)
    return run_program(program(choose))


def _in_time(work: Callable[[], _Result]) -> tuple[_Result, str]:
    """The result of some work, and what is wrong if it takes too long."""
    start = time.process_time()
    result = work()
    took = time.process_time() - start
    return result, f"took {took:.1f} s" if took >= MOST_SECONDS else ""


def run_program(content: bytes) -> Outcome:
    settings = Resolver({}, isolated=True).for_file("program.py")
    result, late = _in_time(lambda: check_file(content, "program.py", settings, ReportFilter()))
    outcome = _judged(result)
    if outcome.wrong or late:
        return Outcome(outcome.kind, outcome.wrong or late)
    repair, late = _in_time(
        lambda: change_file(content, "program.py", settings, ReportFilter(), Apply(SAFE_AND_UNSAFE))
    )
    repaired = _judged(repair.result)
    if repaired.wrong or late:
        return Outcome("repair", repaired.wrong or late)
    if repair.after != repair.before:
        if _compiles(content) and not _compiles(repair.after):
            return Outcome("repair", "the repaired program does not compile")
        return Outcome("repaired")
    return outcome


def _judged(result: FileResult) -> Outcome:
    if result.problem is not None:
        reason = result.problem.reason
        if "internal error" in reason:
            return Outcome("internal error", reason)
        if "longer than" in reason:
            return Outcome("stopped by the time limit")
        return Outcome(f"{NOT_ANALYSED} {reason.split(':')[0]}")
    return Outcome("with findings" if result.findings else "clean")


def _compiles(content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "program.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


def _run_tree(choose: random.Random) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_bytes(configuration(choose))
        (folder / ".git").mkdir()
        (folder / ".gitignore").write_bytes(ignore_file(choose))
        inner = folder / ("a" * 40)
        inner.mkdir()
        (inner / ".gitignore").write_bytes(ignore_file(choose))
        for each in (folder / "state.py", inner / ("a" * 60 + ".py")):
            each.write_bytes(choose.choice(PROGRAMS).read_bytes())
        try:
            results = list(check_files([name], Resolver({}), ReportFilter()))
        except ConfigError:
            return Outcome("configuration refused")
        except Exception as error:
            return Outcome("tree", f"{type(error).__name__}: {error}")
    return next((each for each in map(_judged, results) if each.wrong), Outcome("tree"))


# --- the long run -----------------------------------------------------------------


def _serve(connection: Any) -> None:
    while True:
        number = connection.recv()
        try:
            outcome = run(number)
        except Exception as error:
            outcome = Outcome("raised", f"{type(error).__name__}: {error}")
        connection.send(outcome)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=15.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    options.add_argument("--keep", type=Path, help="a folder for the programs that fail")
    given = options.parse_args()
    if given.only is not None:
        outcome = run(given.only)
        print(outcome)
        return int(bool(outcome.wrong))
    context = multiprocessing.get_context("spawn")
    kinds: Counter[str] = Counter()
    failed: list[tuple[int, str]] = []
    slowest = (0.0, 0)
    number = given.seed * 1_000_000_000
    end = time.monotonic() + given.minutes * 60
    process = None
    while time.monotonic() < end:
        if process is None:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
        number += 1
        began = time.monotonic()
        ours.send(number)
        outcome = Outcome("hung", "no answer in 120 s")
        with contextlib.suppress(EOFError, ConnectionResetError):
            if ours.poll(120):
                outcome = ours.recv()
        process.join(0.001 if outcome.kind != "hung" else 0)
        if outcome.kind == "hung":
            process.join(1)
            if process.exitcode is not None:
                outcome = Outcome("died", f"exit code {process.exitcode}")
            process.kill()
            process.join()
            process = None
        slowest = max(slowest, (time.monotonic() - began, number))
        kinds[outcome.kind] += 1
        if outcome.wrong:
            failed.append((number, f"{outcome.kind}: {outcome.wrong}"))
            print(f"{number}: {outcome.kind}: {outcome.wrong}", flush=True)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                choose = random.Random(number)
                if choose.random() >= 0.15:
                    (given.keep / f"{number}.py").write_bytes(program(choose))
    print(f"{sum(kinds.values())} cases in {given.minutes:.0f} minutes, {len(failed)} failed")
    for kind, count in kinds.most_common():
        print(f"{count:8} {kind}")
    print(f"slowest: {slowest[0]:.1f} s, case {slowest[1]} (waiting for the machine included)")
    sys.stdout.flush()
    if process is not None:
        process.kill()
    return int(bool(failed))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())
