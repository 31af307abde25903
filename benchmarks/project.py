"""The cost of the evidence in other files of a project: CPU seconds with and without it, in turn.

    python benchmarks/project.py FOLDER... [--rounds N]

Each folder is one project. `cold` is a whole run without a cache; `warm`, a whole run when nothing
has changed; `one file`, a run on one file with the index in the cache; `after a change`, the same
after another file has changed. A ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ATOMIC = [sys.executable, "-m", "atomic_fix", "--isolated", "--jobs", "1"]


def seconds(*arguments: str) -> float:
    """The CPU seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*ATOMIC, "--output-format", "concise", *arguments], capture_output=True, check=False
    )
    if done.returncode not in (0, 1, 2):
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def compare(
    what: str, rounds: int, run: Callable[[str], float], before: Callable[[], None] | None = None
) -> None:
    ratios, alone, whole = [], [], []
    for _ in range(rounds):
        if before is not None:
            before()
        alone.append(run("--no-project"))
        whole.append(run("--project"))
        ratios.append(whole[-1] / alone[-1])
    say(
        f"| {what} | {statistics.median(alone):.2f} | {statistics.median(whole):.2f} "
        f"| {statistics.median(ratios):.2f} |"
    )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(folder: Path, rounds: int) -> None:
    files = sorted(folder.rglob("*.py"))
    with tempfile.TemporaryDirectory() as cache:
        say(f"\n{folder.name}: {len(files):,} files\n")
        say("| run | alone | project | ratio |")
        say("| --- | ---: | ---: | ---: |")
        one, other = str(files[len(files) // 2]), files[len(files) // 3]
        compare("cold", rounds, lambda how: seconds("--no-cache", how, str(folder)))

        def warm(how: str, path: str) -> float:
            # A cached result is valid for one of the two ways.
            return seconds("--cache-dir", f"{cache}/{how}", how, path)

        for how in ("--no-project", "--project"):
            warm(how, str(folder))
        compare("warm", rounds, lambda how: warm(how, str(folder)))
        # Run in the folder itself, so that the project is the same.
        os.chdir(folder)
        warm("--project", one)
        compare("one file", rounds, lambda how: warm(how, one))
        content = other.read_bytes()

        def change() -> None:
            other.write_bytes(other.read_bytes() + b"\n")

        try:
            compare("after a change", rounds, lambda how: warm(how, one), change)
        finally:
            other.write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for folder in given.folders:
        measure(folder.resolve(), given.rounds)


if __name__ == "__main__":
    main()
