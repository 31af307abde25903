"""How fast atomic-fix is beside its peers: ratios of runs that take turns.

    python benchmarks/speed.py FOLDER [--rounds N] [PART ...]

fetches the pinned wheels into FOLDER once (with pip) and unpacks them there. Peers that are
installed beside this Python (ruff, flake8, flake8-async, fixit) are timed too, others are told
as missing. The parts are the functions below whose docstring has a bar; all run by default.
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
# flake8 as it is without one of its plugins.
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
    """A process that ended: wall time in seconds, the most memory of any of its processes in
    megabytes."""

    seconds: float
    megabytes: float


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
    """A command that ends with findings or none, or otherwise if `codes` say so.

    Raises:
        RuntimeError: it ends otherwise.
    """
    # Installed packages have their bytecode; a checkout gets it in the first run.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - began
    if process.returncode not in codes:
        raise RuntimeError(f"{command}: {said}")
    return Run(taken, usage.ru_maxrss / 1024)


def verdict(title: str, value: float, bar: float, rest: str = "") -> None:
    met = "met" if value <= bar else "MISSED"
    say(f"{title:47} {value:8.2f}   bar {bar:6.2f}  {met:6}  {rest}")


class Bench:
    """The parts of the benchmark over one tree."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.tree = fetch(folder)
        self.rounds = rounds

    def compare(self, title: str, ours: list[str], other: list[str], bar: float) -> None:
        """Tell the ratio of two commands: medians of runs that take turns."""
        pairs = [(run(ours).seconds, run(other).seconds) for _ in range(self.rounds)]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        verdict(title, mine / theirs, bar, f"{mine:.2f} s / {theirs:.2f} s")

    def fresh(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def cold(self) -> None:
        """Bar 1: the whole tree without a cache beside ruff; its peers on one package."""
        ruff = [PYTHON, "-m", "ruff", "check", "--no-cache", "--isolated", "--quiet"]
        self.compare(
            "cold tree / ruff", [*ATOMIC, "--no-cache", str(self.tree)], [*ruff, str(self.tree)], 1
        )
        one = str(self.tree / "lightning")
        peers = {
            "flake8-async": (
                "flake8_async",
                [PYTHON, "-c", LESS.format(unwanted={"atomic-fix"}), "--isolated", one],
            ),
            "fixit": ("fixit", [PYTHON, "-m", "fixit", "lint", one]),
        }
        for name, (module, command) in peers.items():
            if find_spec(module) is None:
                say(f"lightning / {name}: not installed")
                continue
            self.compare(f"lightning / {name}", [*ATOMIC, "--no-cache", one], command, 1 / 30)

    def warm(self) -> None:
        """Bar 2: with a filled cache, and after one file changed."""
        cache = str(self.fresh("cache"))
        warm = [*ATOMIC, "--cache-dir", cache, str(self.tree)]
        cold = [*ATOMIC, "--no-cache", str(self.tree)]
        run(warm)
        self.compare("warm / cold", warm, cold, 0.4)
        changed = self.tree / "lightning" / "lightning" / "__init__.py"
        before = changed.read_bytes()
        pairs = []
        try:
            for number in range(self.rounds):
                changed.write_bytes(before + b"\n# %d\n" % number)
                pairs.append((run(warm).seconds, run(warm).seconds))
        finally:
            changed.write_bytes(before)
        one, none = (statistics.median(column) for column in zip(*pairs, strict=True))
        verdict("warm, one file changed / warm", one / none, 1.2, f"{one:.2f} s / {none:.2f} s")

    def flake8(self) -> None:
        """Bar 3: flake8 with the plugin and without."""
        without = [PYTHON, "-c", LESS.format(unwanted={"atomic-fix", "flake8-async"})]
        plugin = [PYTHON, "-c", LESS.format(unwanted={"flake8-async"})]
        for part in ("django", "lightning"):
            rest = ["--isolated", str(self.tree / part)]
            self.compare(
                f"{part}: flake8 with / without", [*plugin, *rest], [*without, *rest], 1.03
            )

    def one_file(self) -> None:
        """Bar 4: what a commit feels."""
        clean = next(self.tree.glob("django/django/__init__.py"))
        found = next(self.tree.glob("lightning/lightning/pytorch/utilities/upgrade_checkpoint.py"))
        self.compare(
            "one clean file / import click",
            [*ATOMIC, str(clean)],
            [PYTHON, "-c", "import click"],
            2.5,
        )
        rows = [
            [run(each).seconds for each in (
                [*ATOMIC, str(found)], [*ATOMIC, str(clean)], [PYTHON, "-c", "import libcst"]
            )]
            for _ in range(self.rounds)
        ]  # fmt: skip
        ours, without, libcst = (statistics.median(each) for each in zip(*rows, strict=True))
        verdict(
            "(one finding - one clean file) / import libcst",
            (ours - without) / libcst,
            1.5,
            f"({ours:.2f} s - {without:.2f} s) / {libcst:.2f} s",
        )

    def memory(self) -> None:
        """Bar 5: peak memory of a process, and one very large file."""
        half = max(run([*ATOMIC, "--no-cache", str(self.tree / "django")]).megabytes, 1.0)
        whole = run([*ATOMIC, "--no-cache", str(self.tree)]).megabytes
        verdict("peak memory of the tree, MB", whole, 150, f"of one package: {half:.0f} MB")
        large = self.fresh("large") / "generated.py"
        large.write_text("import json\n" + "".join(STATE.format(number=n) for n in range(40_000)))
        size = large.stat().st_size / 1e6
        taken = run([*ATOMIC, "--no-cache", str(large)], (0, 1, 2))  # 2: it is refused
        verdict(f"a file of {size:.1f} MB, s", taken.seconds, 10, f"peak {taken.megabytes:.0f} MB")

    def growth(self) -> None:
        """Bar 6: cost grows with the tree; one file of the same code as a hundred."""
        one = self.tree / "django"
        copies = self.fresh("copies")
        first = 0.0
        for times in (1, 2, 4, 8):
            while len(list(copies.iterdir())) < times:
                shutil.copytree(one, copies / str(len(list(copies.iterdir()))))
            taken = run([*ATOMIC, "--no-cache", str(copies)]).seconds
            first = first or taken
            verdict(f"{times} times django / 1 time, a copy", taken / first / times, 1.2)
        many = self.fresh("many")
        for number in range(100):
            (many / f"m{number}.py").write_text("import json\n" + STATE.format(number=number) * 10)
        single = self.fresh("single") / "all.py"
        single.write_text("".join(path.read_text() for path in sorted(many.iterdir())))
        self.compare(
            "one file / the same in 100 files",
            [*ATOMIC, "--no-cache", str(single)],
            [*ATOMIC, "--no-cache", str(many)],
            2,
        )

    def write(self) -> None:
        """Bar 7: `--write` on 1,000 findings against the check."""
        pairs = []
        for _ in range(self.rounds):
            many = self.fresh("many")
            for number in range(100):
                text = "".join(STATE.format(number=n) for n in range(10))
                (many / f"m{number}.py").write_text(f"import json\n{text}")
            check = run([*ATOMIC, "--no-cache", str(many)])
            repair = run([*ATOMIC, "--write", str(many)])
            pairs.append((repair.seconds, check.seconds))
        wrote, checked = (statistics.median(column) for column in zip(*pairs, strict=True))
        verdict(
            "--write of 1,000 / the check", wrote / checked, 3, f"{wrote:.2f} s / {checked:.2f} s"
        )


PARTS = ("cold", "warm", "flake8", "one_file", "memory", "growth", "write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    bench = Bench(given.folder, given.rounds)
    for part in given.parts:
        getattr(bench, part)()


if __name__ == "__main__":
    main()
