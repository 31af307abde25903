"""Precision and recall on labelled code of published packages.

    python benchmarks/corpus.py CORPUS WORK [--part all|kept|shown] [--list] [--markdown]

CORPUS  folder with labels.jsonl, packages.tsv, materialise.py and score.py.
WORK    folder for archives and unpacked files; made when absent, used again when present.

`kept` is the part of the packages that was set aside before the checker was written, and whose
misses and false alarms were looked at one by one last of all; `shown` is the rest. A package is
kept when the first byte of the SHA-256 of its name is divisible by three.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

FAMILIES = {
    "write": "in-place writes (ATF101, 102)",
    "replace": "broken replaces (ATF111 to 115)",
    "swallow": "swallowed errors (ATF201, 202)",
    "all": "all",
}


def is_kept(package: str) -> bool:
    return hashlib.sha256(package.encode()).digest()[0] % 3 == 0


def package_of(label: str) -> str:
    repo: str = json.loads(label)["repo"]
    return repo.removeprefix("pypi:").partition("==")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--part", choices=("all", "kept", "shown"), default="all")
    parser.add_argument("--list", action="store_true", help="name every miss and false alarm")
    parser.add_argument("--markdown", action="store_true", help="a table for the README")
    args = parser.parse_args()
    if args.list and args.part != "shown":
        parser.error("--list goes with --part shown: the kept part is not to be looked at")

    root = args.work / "unpacked"
    unpack = [sys.executable, str(args.corpus / "materialise.py"), str(args.work / "archives")]
    done = subprocess.run([*unpack, str(root)], stdout=subprocess.DEVNULL)
    if done.returncode:
        return done.returncode

    labels = (args.corpus / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = [
        label
        for label in labels
        if args.part == "all" or is_kept(package_of(label)) == (args.part == "kept")
    ]
    chosen = args.work / f"labels-{args.part}.jsonl"
    chosen.write_text("\n".join(wanted) + "\n", encoding="utf-8")

    findings = args.work / "findings.json"
    command = [sys.executable, "-m", "atomic_fix", "--isolated", "--output-format", "json"]
    checked = subprocess.run([*command, str(root)], capture_output=True, text=True, check=False)
    if checked.returncode == 2:
        sys.stderr.write(checked.stderr)
    findings.write_text(checked.stdout, encoding="utf-8")

    score = [sys.executable, str(args.corpus / "score.py"), str(chosen), str(root), str(findings)]
    if args.list:
        return subprocess.run([*score, "--list"]).returncode
    rows = json.loads(subprocess.run([*score, "--json"], stdout=subprocess.PIPE, check=True).stdout)
    show(rows, markdown=args.markdown)
    return 0


def show(rows: dict[str, dict[str, float | None]], *, markdown: bool) -> None:
    if markdown:
        print("| family | found | missed | false alarms | precision | recall |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, row in rows.items():
        precision, recall = (
            "-" if row[key] is None else f"{row[key]:.2f}" for key in ("precision", "recall")
        )
        if markdown and name in FAMILIES:
            counts = f"{row['hit']} | {row['miss']} | {row['false']}"
            print(f"| {FAMILIES[name]} | {counts} | {precision} | {recall} |")
        elif not markdown:
            shown = "-" if "/" in name else precision
            print(
                f"{name:18} found {row['hit']:4} missed {row['miss']:4} false {row['false']:4}"
                f"  precision {shown:5} recall {recall}"
            )


if __name__ == "__main__":
    sys.exit(main())
