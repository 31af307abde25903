"""Whether repaired code is still well formatted: `python benchmarks/tidiness.py FOLDER ...`.

Each folder is a checkout of a project. In a copy of it, every finding is repaired as by `--write
--unsafe-fixes`, and the project's own tools check the changed files under the project's own
settings: `ruff format --check`, `black --check`, F401, and I or isort. A file that was clean before
must be clean afterwards. Formatters without settings in the project are not run, and files that
were not clean before are ignored. The output has a row for each project: how many of the changed
files that were clean before are clean afterwards.

Needs ruff, black and isort, which are in the group `dev`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from atomic_fix.report import unified_patch
from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run.all_files import change_files
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import Repair
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver, toml


@dataclass(frozen=True)
class Check:
    """A tool, and how its output names a file that is not clean."""

    name: str
    command: tuple[str, ...]
    complaint: str
    failures: tuple[int, ...] = (0, 1)
    """The exit codes of a run that could read the files."""


_RUFF = ("ruff", "check", "--no-cache", "--force-exclude", "--output-format", "concise", "--select")
CHECKS = (
    Check(
        "ruff format",
        ("ruff", "format", "--no-cache", "--force-exclude", "--check"),
        r"^Would reformat: (.+)$",
    ),
    Check("black", ("black", "--check", "--no-color"), r"^would reformat (.+)$"),
    Check("F401", (*_RUFF, "F401"), r"^(.+?):\d+:\d+: F401 "),
    Check("I (ruff)", (*_RUFF, "I"), r"^(.+?):\d+:\d+: I00\d "),
    Check("isort", ("isort", "--check-only"), r"^ERROR: (.+?) Imports are incorrectly sorted"),
)


def measure(folders: Sequence[Path], diffs: Path | None) -> int:
    """Print the table and the files that are no longer clean, and return the exit code."""
    out = sys.stdout.write
    out(f"| project | files changed | {' | '.join(check.name for check in CHECKS)} |\n")
    out(f"| --- | ---: |{' ---: |' * len(CHECKS)}\n")
    patches: list[bytes] = []
    failed: list[str] = []
    for folder in folders:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch).resolve() / folder.resolve().name
            shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            _prepare(copy)
            repairs = list(_repairs(copy))
            cells, bad = _judged(copy, repairs)
            for each in repairs:
                name = str(Path(each.result.filename).relative_to(copy.parent))
                patches.append(unified_patch(name, each.before, each.after))
        out(f"| {folder.resolve().name} | {len(repairs)} | {' | '.join(cells)} |\n")
        failed += [f"{folder.resolve().name}/{each}" for each in bad]
    for line in failed:
        out(f"BAD  {line}\n")
    if diffs is not None:
        # For a person to read; rewritten each time.
        diffs.write_bytes(b"".join(patches))
    return 1 if failed else 0


def _prepare(folder: Path) -> None:
    """Prepare a copy of a project for its tools: it must be a repository, and accept any version of
    them."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for name in ("pyproject.toml", "ruff.toml", ".ruff.toml"):
        path = folder / name
        if path.is_file():
            text = path.read_text("utf-8")
            text = re.sub(
                r"^(required-version|tool\.\w+\.required-version)\b.*$",
                "",
                text,
                flags=re.MULTILINE,
            )
            path.write_text(text, "utf-8")


def _repairs(folder: Path) -> Iterator[Repair]:
    for found in change_files(
        [str(folder)],
        Resolver({}),
        ReportFilter(),
        Apply(SAFE_AND_UNSAFE),
    ):
        if isinstance(found, Repair) and found.after != found.before:
            yield found


def _judged(folder: Path, repairs: Sequence[Repair]) -> tuple[list[str], list[str]]:
    """For each check, how many changed files were clean and how many still are, and which are
    not."""
    paths = [each.result.filename for each in repairs]
    asked = [check for check in CHECKS if paths and _is_asked(check.name, folder)]
    before = {check: _clean(check, folder, paths) for check in asked}
    for each in repairs:
        Path(each.result.filename).write_bytes(each.after)
    cells, bad = [], []
    for check in CHECKS:
        if check not in asked:
            cells.append("")
            continue
        was = before[check]
        left = was & _clean(check, folder, paths)
        cells.append(f"{len(left)} of {len(was)}")
        bad += [f"{Path(each).relative_to(folder)}: {check.name}" for each in sorted(was - left)]
    return cells, bad


def _is_asked(name: str, folder: Path) -> bool:
    """Whether the project has settings of the tool that makes a check."""
    path = folder / "pyproject.toml"
    tools = toml(path.read_bytes()).get("tool", {}) if path.is_file() else {}
    has_ruff = "ruff" in tools or any((folder / each).is_file() for each in _RUFF_FILES)
    has_isort = (
        "isort" in tools
        or (folder / ".isort.cfg").is_file()
        or any(
            re.search(
                r"^\[(tool:)?isort\]", (folder / each).read_text("utf-8", "replace"), re.MULTILINE
            )
            for each in ("setup.cfg", "tox.ini")
            if (folder / each).is_file()
        )
    )
    # If both are configured, black formats the code unless the settings say that ruff does.
    formats = has_ruff and ("black" not in tools or "format" in tools.get("ruff", {}))
    asked = {"ruff format": formats, "black": "black" in tools, "F401": True}
    return asked.get(name, has_isort if name == "isort" else has_ruff and not has_isort)


_RUFF_FILES = ("ruff.toml", ".ruff.toml")


def _clean(check: Check, folder: Path, paths: Sequence[str]) -> set[str]:
    """The files in which a check finds nothing.

    Raises:
        SystemExit: the tool could not read them.
    """
    command = [sys.executable, "-m", *check.command, *paths]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    said = done.stdout + done.stderr
    # black exits with 123 for a file that it cannot parse, and names that file.
    if done.returncode not in {0, 1, 123}:
        sys.exit(f"{folder.name}: {check.name} cannot be asked: {said.strip()}")
    named = re.findall(check.complaint, said, re.MULTILINE)
    named += re.findall(r"^error: cannot format (.+?): ", said, re.MULTILINE)
    unclean = {str((folder / each).resolve()) for each in named}
    return {each for each in paths if str(Path(each).resolve()) not in unclean}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--diffs", type=Path, help="file for all diffs")
    given = parser.parse_args()
    for each in given.folders:
        if not each.is_dir():
            parser.error(f"{each} is no folder")
    sys.exit(measure(given.folders, given.diffs))
