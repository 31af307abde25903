"""How fast atomic-fix is compared with its peers: a table of ratios, each with the target to meet.

    python benchmarks/speed.py FOLDER [--rounds N] [PART ...]

fetches the pinned wheels into FOLDER once (with pip) and unpacks them there. Each ratio compares
two commands that take turns, in CPU time and in wall time, both medians. A target is met if both
meet it; on a busy machine, trust the CPU time. Peers that are installed beside this Python (ruff,
flake8, flake8-async, fixit) are timed too, others are reported as missing. The parts are the
functions below whose docstring begins with "Target"; all run by default.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

WHEELS = (
    "transformers==5.23.0",
    "Django==5.2.19",
    "apache-airflow-core==3.3.2",
    "lightning==2.6.6",
)
PYTHON = sys.executable
ATOMIC = [PYTHON, "-m", "atomic_fix", "--isolated", "--output-format", "concise"]
LINEAR = 1.2
"""Above the linear growth: the margin for variation from run to run."""
# flake8 without one of its plugins.
LESS = """
import sys
from importlib import metadata
from flake8.plugins import finder
every = finder._find_importlib_plugins
finder._find_importlib_plugins = lambda: (
    each for each in every() if each.package not in {unwanted!r}
)
from flake8.main.cli import main
sys.exit(main())
"""
STATE = """
def save_{number}(state):
    with open("checkpoint_{number}.json", "w") as file:
        json.dump(state, file)

"""


@dataclass(frozen=True)
class Run:
    """A process that has ended: its CPU seconds, including those of its child processes, its wall
    time, and the peak memory of any of them in megabytes."""

    cpu: float
    wall: float
    megabytes: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row of the table: the ratios of CPU time and of wall time."""

    what: str
    target: float
    cpu: float
    wall: float
    rest: str = ""

    def __str__(self) -> str:
        met = [value <= self.target for value in (self.cpu, self.wall)]
        said = "met" if all(met) else "met by CPU" if met[0] else "MISSED"
        return (
            f"| {self.what} | {self.target:.3g} | {self.cpu:.3g} | {self.wall:.3g} | {said} |"
            f" {self.rest} |"
        )


def fetch(folder: Path) -> Path:
    """The folder with the unpacked wheels."""
    tree = folder / "tree"
    if not tree.is_dir():
        pip = [PYTHON, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(folder / "wheels"), *WHEELS], check=True)
        for wheel in sorted((folder / "wheels").glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(tree / wheel.name.partition("-")[0])
    return tree


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(command: list[str], codes: tuple[int, ...] = (0, 1)) -> Run:
    """Run a command whose exit code must be among `codes`, by default with findings or without.

    Raises:
        RuntimeError: it has another exit code.
    """
    # Installed packages have bytecode files; a checkout gets them in the first run.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode not in codes:
        raise RuntimeError(f"{command}: {said}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(runs: Iterable[Run]) -> Run:
    """Of each figure of the runs."""
    columns = zip(*((each.cpu, each.wall, each.megabytes) for each in runs), strict=True)
    return Run(*map(statistics.median, columns))


def program(sites: int) -> str:
    """A function that saves this many files."""
    rows = (
        f"    Path('checkpoint_{n}.json').write_text(json.dumps(state))\n" for n in range(sites)
    )
    return f"import json\nfrom pathlib import Path\n\n\ndef save(state):\n{''.join(rows)}"


class Bench:
    """The parts of the benchmark over one tree."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.tree = fetch(folder)
        self.rounds = rounds

    def part(self, name: str) -> Path:
        """One package of the tree, named as its wheel, or as the part of that before the
        version."""
        return next(each for each in sorted(self.tree.iterdir()) if each.name.startswith(name))

    def in_turn(self, *commands: list[str]) -> list[Run]:
        """The medians of commands that run in turn."""
        rounds = [[run(each) for each in commands] for _ in range(self.rounds)]
        return [median(column) for column in zip(*rounds, strict=True)]

    def compare(self, what: str, target: float, ours: list[str], other: list[str]) -> None:
        """Report the ratio of two commands."""
        mine, theirs = self.in_turn(ours, other)
        self.tell(what, target, mine, theirs)

    def tell(self, what: str, target: float, mine: Run, theirs: Run, times: float = 1) -> None:
        """Report the ratio of two medians, with the second one multiplied."""
        rest = f"{mine.cpu:.2f} s / {theirs.cpu:.2f} s"
        row = Row(
            what, target, mine.cpu / theirs.cpu / times, mine.wall / theirs.wall / times, rest
        )
        say(str(row))

    def fresh(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def cold(self) -> None:
        """Targets of a run without a cache: the tree beside ruff, one package beside others."""
        ruff = [PYTHON, "-m", "ruff", "check", "--no-cache", "--isolated", "--quiet"]
        ours, alone, other = self.in_turn(
            [*ATOMIC, "--no-cache", str(self.tree)],
            [*ATOMIC, "--no-cache", "--no-project", str(self.tree)],
            [*ruff, str(self.tree)],
        )
        self.tell("whole tree, cold / `ruff check`", 2.5, ours, other)
        self.tell("the same with `--no-project`", 2.5, alone, other)
        one = str(self.part("lightning"))
        peers = {
            "fixit": ("fixit", [PYTHON, "-m", "fixit", "lint", one]),
            "flake8 + flake8-async": (
                "flake8_async",
                [PYTHON, "-c", LESS.format(unwanted={"atomic-fix"}), "--isolated", one],
            ),
        }
        for name, (module, command) in peers.items():
            if find_spec(module) is None:
                say(f"| `lightning`, cold / {name} | 1/60 | | | not installed | |")
                continue
            self.compare(
                f"`lightning`, cold / {name}", 1 / 60, [*ATOMIC, "--no-cache", one], command
            )

    def warm(self) -> None:
        """Targets of a run with a filled cache, and of one after a file changed."""
        cache = str(self.fresh("cache"))
        warm = [*ATOMIC, "--cache-dir", cache, str(self.tree)]
        cold = [*ATOMIC, "--no-cache", str(self.tree)]
        run(warm)
        self.compare("warm / cold", 0.05, warm, cold)
        changed = self.part("lightning") / "lightning" / "__init__.py"
        before = changed.read_bytes()
        pairs = []
        try:
            for number in range(self.rounds):
                changed.write_bytes(before + b"\n# %d\n" % number)
                pairs.append((run(warm), run(warm)))
        finally:
            changed.write_bytes(before)
        one, none = map(median, zip(*pairs, strict=True))
        self.tell("one file changed / warm", 1.2, one, none)

    def flake8(self) -> None:
        """Targets of flake8 with and without the plugin, on code without findings and with 12."""
        without = [PYTHON, "-c", LESS.format(unwanted={"atomic-fix", "flake8-async"})]
        plugin = [PYTHON, "-c", LESS.format(unwanted={"flake8-async"})]
        for name, path, target in (
            ("Django's `db`", self.part("django") / "django" / "db", 1.03),
            ("`lightning`", self.part("lightning"), 1.1),
        ):
            rest = ["--isolated", "--jobs=1", str(path)]
            self.compare(
                f"flake8 with plugin / without: {name}", target, [*plugin, *rest], [*without, *rest]
            )

    def one_file(self) -> None:
        """Targets for the wait at a commit."""
        clean = self.part("django") / "django" / "__init__.py"
        found = next(self.part("lightning").rglob("pytorch/utilities/upgrade_checkpoint.py"))
        ours, without, click, libcst = self.in_turn(
            [*ATOMIC, str(found)],
            [*ATOMIC, str(clean)],
            [PYTHON, "-c", "import click"],
            [PYTHON, "-c", "import libcst"],
        )
        self.tell("one clean file / `import click`", 2.2, without, click)
        added = Run(ours.cpu - without.cpu, ours.wall - without.wall)
        self.tell("a finding adds / `import libcst`", 1.3, added, libcst)

    def index(self) -> None:
        """Target of the project index."""
        cold = [*ATOMIC, "--no-cache", str(self.tree)]
        self.compare("project index on / off, cold", 1.3, cold, [*cold, "--no-project"])

    def growth(self) -> None:
        """Targets of growth: linear is 1, whatever there is more of."""
        sites = self.fresh("sites")
        for number in (50, 400):
            (sites / f"of_{number}.py").write_text(program(number))
        few, many, none = self.in_turn(
            [*ATOMIC, "--no-cache", str(sites / "of_50.py")],
            [*ATOMIC, "--no-cache", str(sites / "of_400.py")],
            [*ATOMIC, "--no-cache", str(self.part("django") / "django" / "__init__.py")],
        )
        few, many = (Run(each.cpu - none.cpu, each.wall - none.wall) for each in (few, many))
        self.tell("50 to 400 sites in one function, a site", LINEAR, many, few, 8)
        one = self.part("django")
        copies = self.fresh("copies")
        first: Run | None = None
        for times in (1, 2, 4, 8):
            while len(list(copies.iterdir())) < times:
                shutil.copytree(one, copies / str(len(list(copies.iterdir()))))
            taken = run([*ATOMIC, "--no-cache", str(copies)])
            if first is not None:
                self.tell(f"1 to {times} copies of Django, a copy", LINEAR, taken, first, times)
            first = first or taken
        several = self.fresh("many")
        for number in range(100):
            text = "import json\n" + STATE.format(number=number) * 10
            (several / f"m{number}.py").write_text(text)
        single = self.fresh("single") / "all.py"
        single.write_text("".join(path.read_text() for path in sorted(several.iterdir())))
        self.compare(
            "one file / the same in a hundred",
            LINEAR,
            [*ATOMIC, "--no-cache", str(single)],
            [*ATOMIC, "--no-cache", str(several)],
        )

    def memory(self) -> None:
        """Target of the most memory of a process."""
        whole = run([*ATOMIC, "--no-cache", str(self.tree)]).megabytes
        say(str(Row("memory of a process on the tree, MB", 100, whole, whole)))
        large = self.fresh("large") / "generated.py"
        large.write_text("import json\n" + "".join(STATE.format(number=n) for n in range(40_000)))
        size = large.stat().st_size / 1e6
        taken = run([*ATOMIC, "--no-cache", str(large)], (0, 1, 2))  # 2: it is refused
        row = Row(f"a file of {size:.1f} MB, s", 10, taken.cpu, taken.wall)
        say(f"{row}".removesuffix(" |") + f"{taken.megabytes:.0f} MB |")

    def write(self) -> None:
        """Target of `--write` on 1,000 findings against the check."""
        pairs = []
        for _ in range(self.rounds):
            many = self.fresh("many")
            for number in range(100):
                text = "".join(STATE.format(number=n) for n in range(10))
                (many / f"m{number}.py").write_text(f"import json\n{text}")
            check = run([*ATOMIC, "--no-cache", str(many)])
            pairs.append((run([*ATOMIC, "--write", str(many)]), check))
        wrote, checked = map(median, zip(*pairs, strict=True))
        self.tell("`--write` of 1,000 / the check", 3, wrote, checked)


PARTS = ("cold", "warm", "flake8", "one_file", "index", "growth", "memory", "write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_intermixed_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    bench = Bench(given.folder, given.rounds)
    say("| what | target | CPU | wall | | CPU seconds |")
    say("| --- | ---: | ---: | ---: | --- | ---: |")
    for part in given.parts:
        getattr(bench, part)()


if __name__ == "__main__":
    main()
