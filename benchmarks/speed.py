"""How fast atomic-fix is beside its peers: ratios of runs that take turns.

    python benchmarks/speed.py FOLDER

fetches the pinned wheels into FOLDER once (with pip) and unpacks them there.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

WHEELS = (
    "transformers==5.23.0",
    "Django==5.2.19",
    "apache-airflow-core==3.3.2",
    "lightning==2.6.6",
)
ROUNDS = 5


def fetch(folder: Path) -> Path:
    """The folder with the unpacked wheels."""
    tree = folder / "tree"
    if not tree.is_dir():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(folder / "wheels"), *WHEELS], check=True)
        for wheel in sorted((folder / "wheels").glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(tree / wheel.name.partition("-")[0])
    return tree


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def seconds(command: list[str]) -> float:
    """Wall time of a command that ends with findings or none.

    Raises:
        RuntimeError: it ends otherwise.
    """
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    taken = time.perf_counter() - began
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')}")
    return taken


def compare(title: str, ours: list[str], other: list[str], bar: float) -> None:
    """Print the ratio of two commands: medians of runs that take turns."""
    pairs = [(seconds(ours), seconds(other)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    verdict = "met" if mine / theirs <= bar else "MISSED"
    say(f"{title:46} {mine:8.2f} s {theirs:8.2f} s {mine / theirs:7.2f}  bar {bar:5.2f} {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    tree = fetch(folder)
    python = sys.executable
    atomic = [python, "-m", "atomic_fix", "--isolated", "--output-format", "concise"]
    cold = [*atomic, "--no-cache", str(tree)]
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    warm = [*atomic, "--cache-dir", str(cache), str(tree)]
    seconds(warm)
    clean = next(tree.glob("django/django/__init__.py"))
    found = next(tree.glob("lightning/lightning/pytorch/utilities/upgrade_checkpoint.py"))
    say(f"{'':46} {'ours':>10} {'other':>10} {'ratio':>7}")
    ruff = [python, "-m", "ruff", "check", "--no-cache", "--isolated", "--quiet", str(tree)]
    compare("cold tree / ruff", cold, ruff, 1.0)
    compare("warm / cold", warm, cold, 0.4)
    compare(
        "one clean file / import click", [*atomic, str(clean)], [python, "-c", "import click"], 2.5
    )
    both = [python, "-c", "import click, libcst"]
    compare("one finding / import click, libcst", [*atomic, str(found)], both, 1.5)
    lightning = str(tree / "lightning")
    for name, bar in (("fixit", 1 / 30), ("flake8", 1 / 30)):
        peer = [name, "lint", lightning] if name == "fixit" else [name, "--isolated", lightning]
        if shutil.which(name) is not None:
            compare(f"lightning / {name}", [*atomic, "--no-cache", lightning], peer, bar)


if __name__ == "__main__":
    main()
