"""If another tool rewrites a program without changing its meaning, the findings stay the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_fix.check import check_bytes
from atomic_fix.config import Config
from atomic_fix.rules import RULES

FIXTURES = Path(__file__).parent.parent / "fixtures"
ALL_RULES = Config(extend_select=tuple(rule.code for rule in RULES))
REWRITES = {
    "ruff-fix": [
        "check", "--fix", "--unsafe-fixes", "--preview", "--exit-zero",
        "--select", "FURB,PTH,SIM,UP",
    ],
    "ruff-format": ["format"],
}  # fmt: skip

# `open(os.open(...), "w")`, of a descriptor, for which there is no path: what ruff makes of it is
# another program, which raises `TypeError`. It is undone.
MISREAD = re.compile(rb"(?:pathlib\.)?Path\((os\.open\([^()]*\))\)\.open\(")


def sites(content: bytes, name: str) -> list[tuple[str, str]]:
    """(enclosing function, code) of every finding, in order."""
    tree = ast.parse(content)
    functions = [
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    found = []
    for finding in check_bytes(content, name, ALL_RULES).findings:
        row = finding.span.start.row
        around = [f for f in functions if f.lineno <= row <= (f.end_lineno or row)]
        found.append((around[-1].name if around else "", finding.code))
    return found


@pytest.mark.parametrize("how", REWRITES)
def test_sites_stay_the_same_when_others_rewrite_the_code(how: str, tmp_path: Path) -> None:
    before = {}
    for path in sorted(FIXTURES.glob("*/*.py")):
        if path.name.endswith(".fixed.py"):
            continue
        copy = tmp_path / path.parent.name / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        before[copy] = sites(copy.read_bytes(), str(copy))
    command = [sys.executable, "-m", "ruff", *REWRITES[how], "--isolated", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    for copy in before:
        copy.write_bytes(MISREAD.sub(rb"open(\1, ", copy.read_bytes()))

    rewritten = [
        path
        for path in before
        if path.read_bytes() != (FIXTURES / path.relative_to(tmp_path)).read_bytes()
    ]
    assert rewritten, "nothing was rewritten, so nothing is tested"

    after = {copy: sites(copy.read_bytes(), str(copy)) for copy in before}

    changed = {
        f"{copy.parent.name}/{copy.name}": (
            sorted(set(before[copy]) - set(after[copy])),
            sorted(set(after[copy]) - set(before[copy])),
        )
        for copy in before
        if before[copy] != after[copy]
    }
    assert changed == {}
