"""Put into README.md what its example command prints, and the table of rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from atomic_fix.rules import RULES
from atomic_fix.runtime import atomic_write_text

ROOT = Path(__file__).parent.parent
_EXAMPLE = re.compile(r"(?<=^<!-- example -->\n)```console\n(\$ .*)\n(?:.*\n)*?```$", re.MULTILINE)
_TABLE = re.compile(
    r"(?<=^\| code \| name \| reports \|\n\| --- \| --- \| --- \|\n)(?:\|.*\n)*", re.MULTILINE
)


def refreshed(text: str) -> str:
    """The text of README.md as it should be.

    Raises:
        ValueError: a place to fill is missing.
    """
    example = _EXAMPLE.search(text)
    if example is None or _TABLE.search(text) is None:
        raise ValueError("README.md has no example or no table of rules")
    block = f"```console\n{example[1]}\n{_printed(example[1])}```"
    table = "".join(
        f"| {rule.code} | {rule.name}{'' if rule.default else ' (off by default)'}"
        f" | {rule.summary} |\n"
        for rule in RULES
    )
    return _TABLE.sub(lambda _: table, _EXAMPLE.sub(lambda _: block, text))


def _printed(command: str) -> str:
    """What the last part of a command line prints, run from the root of the repository."""
    program, *arguments = command.rpartition("&& ")[2].split()
    if Path(program).name != "atomic-fix":
        raise ValueError(f"the example does not run atomic-fix: {command}")
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", *arguments],
        cwd=ROOT, capture_output=True, check=False, text=True, env={**os.environ, "COLUMNS": "88"},
    )  # fmt: skip
    if done.returncode != 1 or done.stderr:
        raise ValueError(f"the example ends with {done.returncode}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Refresh the file in place."""
    readme = ROOT / "README.md"
    atomic_write_text(readme, refreshed(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
