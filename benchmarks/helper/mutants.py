# ruff: noqa: T201
"""Damages the helper in one place at a time, and checks whether its tests fail.

    python benchmarks/helper/mutants.py                    # every mutant, more than an hour
    python benchmarks/helper/mutants.py --statements       # only those without one statement
    python benchmarks/helper/mutants.py --since REVISION   # only in rows changed since then
    python benchmarks/helper/mutants.py --only 12 45       # only these, by number

Statements are deleted, conditions fixed, operands and elements dropped, numbers increased, `with`
blocks, handlers and `finally` emptied. First the tests that reach the row run, then all tests that
run in one process, then, for mutants that survive, those under strace. Mutants are made from the
syntax tree, so that they do not depend on how the helper is formatted.

`survivors.txt` says why a mutant may survive. If one survives that is not in it, the exit code is
1, and also if a line of it is for a mutant that does not exist or does not survive.

Run it only as root in a separate container: a damaged helper may replace a file that it should
write through, such as `/dev/stdout`.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from coverage import CoverageData

ROOT = Path(__file__).parents[2]
HELPER = ROOT / "src" / "atomic_fix" / "runtime.py"
TESTS = ROOT / "tests" / "runtime"
SURVIVORS = Path(__file__).with_name("survivors.txt")
QUICK = ("target", "bytes", "load", "platforms", "failures", "sweep", "warnings")
TIMEOUT = 400.0
SLOW = ("power_loss", "syscalls", "concurrent")


@dataclass(frozen=True)
class Mutant:
    row: int
    name: str
    """A name that does not depend on the row: the function, the damage, and the damaged code."""
    source: str


class Mutants:
    """All mutants of a source, in the order of its tree."""

    def __init__(self, source: str) -> None:
        self._raw = source.encode()
        self._starts = [0]
        for line in self._raw.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._tree = ast.parse(source)
        self._names: Counter[str] = Counter()
        self._parents = {
            child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)
        }

    def __iter__(self) -> Iterator[Mutant]:
        for node in ast.walk(self._tree):
            if not self._never_runs(node):
                yield from self.without(node)
                yield from self._of(node)

    def without(self, node: ast.AST) -> Iterator[Mutant]:
        removable = (ast.Expr, ast.Raise, ast.Return, ast.Continue, ast.Break)
        removable += (ast.AugAssign, ast.Assign)
        inside = not isinstance(self._parents.get(node), ast.Module)
        if isinstance(node, removable) and inside:
            yield self._mutant([node], "pass", "deleted")

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield self._mutant([node.test], "False", "never")
            if not isinstance(node, ast.While):
                yield self._mutant([node.test], "True", "always")
        if isinstance(node, ast.BoolOp):
            word = " or " if isinstance(node.op, ast.Or) else " and "
            for each in node.values:
                rest = [f"({self._text([v])})" for v in node.values if v is not each]
                yield self._mutant([node], f"({word.join(rest)})", f"without {self._text([each])}")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            yield self._mutant([node], f"({self._text([node.left])})", "without the right of |")
            yield self._mutant([node], f"({self._text([node.right])})", "without the left of |")
        if isinstance(node, ast.Set):
            for each in node.elts:
                rest = [self._text([e]) for e in node.elts if e is not each]
                text = "{" + ", ".join(rest) + "}" if rest else "set()"
                yield self._mutant([node], text, f"without {self._text([each])}")
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield self._mutant([node], repr(node.value + 1), "one more")
        if isinstance(node, ast.With):
            for item in node.items:
                if item.optional_vars is None:
                    void = "contextlib.nullcontext()"
                    yield self._mutant([item.context_expr], void, "without the context")
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield self._mutant(handler.body, "raise", "the handler raises")
            if node.finalbody:
                yield self._mutant(node.finalbody, "pass", "without finally")

    def _never_runs(self, node: ast.AST) -> bool:
        """Docstrings, annotations, and code for type checkers."""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        while (parent := self._parents.get(node)) is not None:
            if isinstance(parent, ast.arg):
                return True
            if isinstance(parent, ast.FunctionDef) and parent.returns is node:
                return True
            if isinstance(parent, ast.AnnAssign) and parent.annotation is node:
                return True
            if isinstance(parent, ast.If) and ast.unparse(parent.test) == "TYPE_CHECKING":
                return True
            node = parent
        return False

    def _span(self, nodes: list[ast.AST]) -> tuple[int, int]:
        first, last = nodes[0], nodes[-1]
        start = self._starts[first.lineno - 1] + first.col_offset  # type: ignore[attr-defined]
        end = self._starts[last.end_lineno - 1] + last.end_col_offset  # type: ignore[attr-defined]
        return start, end

    def _text(self, nodes: list[ast.AST]) -> str:
        start, end = self._span(nodes)
        return self._raw[start:end].decode()

    def _mutant(self, nodes: list, new: str, what: str) -> Mutant:
        start, end = self._span(nodes)
        source = self._raw[:start] + new.encode() + self._raw[end:]
        was = ast.unparse(nodes[0]).partition("\n")[0]
        name = f"{self._function(nodes[0])}: {what}: {was}"
        self._names[name] += 1
        if self._names[name] > 1:
            name += f" ({self._names[name]})"
        return Mutant(nodes[0].lineno, name, source.decode())

    def _function(self, node: ast.AST) -> str:
        names = []
        while (parent := self._parents.get(node)) is not None:
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.append(parent.name)
            node = parent
        return ".".join(reversed(names)) or "module"


def reaching() -> dict[int, list[str]]:
    """Row of the helper -> the tests that run it in their own process, which are tried first."""
    files = [str(TESTS / f"test_runtime_{name}.py") for name in QUICK]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "coverage.ini"
        data = f"{folder}/data"
        settings.write_text(
            f"[run]\ndata_file = {data}\nsource = {HELPER.parent}\n"
            "dynamic_context = test_function\n"
        )
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest"]
        options = ["-q", "-p", "no:cacheprovider", "-k", "not interrupted_at_each"]
        subprocess.run([*command, *options, *files], cwd=ROOT, capture_output=True, check=True)
        found = CoverageData(data)
        found.read()
        by_row = found.contexts_by_lineno(str(HELPER))
    tests = {}
    for row, contexts in by_row.items():
        ours = sorted(c.split(".")[-2:] for c in contexts if "test_runtime_" in c)
        tests[row] = [f"{TESTS / file}.py::{name}" for file, name in ours]
    return tests


def survives(mutant: Mutant, first: dict[int, list[str]]) -> bool:
    """Whether all tests pass. To be called in a separate process."""
    try:
        compile(mutant.source, "mutant", "exec")
    except SyntaxError:
        return False
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mutant.py"
        copy.write_text(mutant.source, encoding="utf-8")
        os.environ["ATOMIC_FIX_RUNTIME"] = str(copy)
        groups = [first.get(mutant.row, [])]
        groups += [[str(TESTS / f"test_runtime_{n}.py") for n in names] for names in (QUICK, SLOW)]
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/base"]
        options += [f"--rootdir={ROOT}", "--hypothesis-seed=1"]
        for tests in filter(None, groups):
            pid = os.fork()  # pytest does not load modules again
            if pid == 0:
                os._exit(int(pytest.main([*options, *tests])))
            if os.waitpid(pid, 0)[1]:
                return False
    return True


def survivors(mutants: list[Mutant], first: dict[int, list[str]]) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant and whether it survives, as many at once as there are processors. Forked, so
    that pytest is imported once; killed, with the processes that it has started, after a while.
    """
    waiting, running = list(reversed(mutants)), dict[int, tuple[Mutant, float]]()
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop()
            pid = os.fork()
            if pid == 0:
                os.setsid()
                silent = os.open(os.devnull, os.O_RDWR)
                for fd in range(3):
                    os.dup2(silent, fd)
                os._exit(7 if survives(mutant, first) else 0)
            running[pid] = (mutant, time.monotonic() + TIMEOUT)
        for pid, (mutant, until) in list(running.items()):
            if time.monotonic() > until:
                os.killpg(pid, signal.SIGKILL)
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                _, status = os.waitpid(pid, 0)
                del running[pid]
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what it has left behind
                yield mutant, status == 7 << 8
        time.sleep(0.02)


def rows_since(revision: str) -> set[int]:
    command = ["git", "diff", "--unified=0", revision, "--", str(HELPER)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows: set[int] = set()
    for start, count in re.findall(r"^@@ .*\+(\d+)(?:,(\d+))? @@", done.stdout, re.MULTILINE):
        rows.update(range(int(start), int(start) + int(count or 1)))
    return rows


def allowed() -> dict[str, str]:
    """Name of a mutant -> why it may survive."""
    lines = SURVIVORS.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("  # ") for line in lines if line and not line.startswith("#")]
    return dict(pairs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--statements", action="store_true")
    options.add_argument("--since")
    options.add_argument("--only", type=int, nargs="+")
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    every = list(Mutants(HELPER.read_text(encoding="utf-8")))
    numbered = list(enumerate(every))
    if chosen.statements:
        numbered = [(n, m) for n, m in numbered if ": deleted: " in m.name]
    if chosen.since:
        rows = rows_since(chosen.since)
        numbered = [(n, m) for n, m in numbered if m.row in rows]
    if chosen.only:
        numbered = [(n, m) for n, m in numbered if n in chosen.only]
    if chosen.list:
        for number, mutant in numbered:
            print(f"{number}: row {mutant.row}: {mutant.name}")
        return
    reasons = allowed()
    wrong = [f"is gone: {name}" for name in sorted(set(reasons) - {m.name for m in every})]
    numbers = {id(mutant): number for number, mutant in numbered}
    first = reaching()
    whole = Mutant(0, "no damage", HELPER.read_text(encoding="utf-8"))
    if not all(lives for _, lives in survivors([whole], first)):
        sys.exit("the tests fail without any damage")
    alive = 0
    for done, (mutant, lives) in enumerate(survivors([m for _, m in numbered], first), 1):
        alive += lives
        if lives != (mutant.name in reasons):
            wrong.append(f"{'not' if lives else 'is'} noticed: {mutant.name}")
            print(f"{numbers[id(mutant)]}: row {mutant.row}: {wrong[-1]}", flush=True)
        if done % 20 == 0:
            print(f"{done} of {len(numbered)}", file=sys.stderr, flush=True)
    print(f"{len(numbered)} mutants, {alive} noticed by no test, {len(wrong)} unexpected")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
