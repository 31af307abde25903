# ruff: noqa: T201
"""Damage the helper in one place at a time and see whether its tests notice.

    python benchmarks/helper/mutants.py                    # every mutant, about an hour
    python benchmarks/helper/mutants.py --since REVISION   # only in rows changed since then
    python benchmarks/helper/mutants.py --only 12 45       # only these, by number

Statements are deleted, conditions fixed, operands and elements dropped, numbers increased,
`with` blocks, handlers and `finally` made void. First the tests that run in one process, then,
for what survives, those under strace. Prints what no test notices.

As root in a container of its own only: a damaged helper may replace what it should write
through, `/dev/stdout` for instance.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HELPER = ROOT / "src" / "atomic_fix" / "runtime.py"
TESTS = ROOT / "tests" / "runtime"
QUICK = ("target", "bytes", "load", "platforms", "failures", "sweep")
SLOW = ("power_loss", "syscalls", "concurrent")


@dataclass(frozen=True)
class Mutant:
    row: int
    what: str
    was: str
    source: str


class Mutants:
    """All mutants of a source, in the order of its tree."""

    def __init__(self, source: str) -> None:
        self._raw = source.encode()
        self._starts = [0]
        for line in self._raw.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._tree = ast.parse(source)
        self._parents = {
            child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)
        }

    def __iter__(self) -> Iterator[Mutant]:
        for node in ast.walk(self._tree):
            if not self._never_runs(node):
                yield from self._of(node)

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        inside = not isinstance(self._parents.get(node), ast.Module)
        removable = (ast.Expr, ast.Raise, ast.Return, ast.Continue, ast.AugAssign, ast.Assign)
        if isinstance(node, removable) and inside:
            yield self._mutant([node], "pass", "deleted")
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
        """Docstrings, annotations, what is there for type checkers."""
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
        return Mutant(nodes[0].lineno, what, self._text(nodes), source.decode())


def noticed(mutant: Mutant) -> bool:
    """Whether any test fails."""
    try:
        compile(mutant.source, "mutant", "exec")
    except SyntaxError:
        return True
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mutant.py"
        copy.write_text(mutant.source, encoding="utf-8")
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/base"]
        for names in (QUICK, SLOW):
            tests = [str(TESTS / f"test_runtime_{name}.py") for name in names]
            command = [sys.executable, "-m", "pytest", *options, "--hypothesis-seed=1", *tests]
            try:
                done = subprocess.run(
                    command,
                    cwd=ROOT,
                    env={**os.environ, "ATOMIC_FIX_RUNTIME": str(copy)},
                    capture_output=True,
                    check=False,
                    timeout=300,
                )
            except subprocess.TimeoutExpired:
                return True
            if done.returncode:
                return True
    return False


def rows_since(revision: str) -> set[int]:
    command = ["git", "diff", "--unified=0", revision, "--", str(HELPER)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows: set[int] = set()
    for start, count in re.findall(r"^@@ .*\+(\d+)(?:,(\d+))? @@", done.stdout, re.MULTILINE):
        rows.update(range(int(start), int(start) + int(count or 1)))
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--since")
    options.add_argument("--only", type=int, nargs="+")
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    numbered = list(enumerate(Mutants(HELPER.read_text(encoding="utf-8"))))
    if chosen.since:
        rows = rows_since(chosen.since)
        numbered = [(n, m) for n, m in numbered if m.row in rows]
    if chosen.only:
        numbered = [(n, m) for n, m in numbered if n in chosen.only]
    survived = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        work = (lambda _: True) if chosen.list else (lambda pair: noticed(pair[1]))
        for (number, mutant), dead in zip(numbered, pool.map(work, numbered), strict=True):
            if chosen.list or not dead:
                survived += not dead
                was = mutant.was.partition("\n")[0]
                print(f"{number}: row {mutant.row}: {mutant.what}: {was}", flush=True)
    print(f"{len(numbered)} mutants, {survived} noticed by no test")


if __name__ == "__main__":
    main()
