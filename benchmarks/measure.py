"""Precision, recall and calibration on labelled code.

    python benchmarks/measure.py WORK [--mirror FOLDER] [--source NAME ...] [--part all|shown|kept]
                                     [--whole] [--trees] [--list] [--markdown]

WORK     folder for archives, repositories and extracted files; created if absent, reused if
         present.
MIRROR   folder of git directories, `<owner>+<name>`, to take repositories from; without it they
         are fetched from GitHub. Packages come from the package index, with pinned hashes.

Sources that cannot be fetched are listed and left out of all figures. `labels/README.md` explains
the labels. A repository or package is `kept` if the first byte of the SHA-256 of its name is
divisible by three: no weight was fitted on these.

`--whole` checks each labelled file as a user would, within its whole repository and with the
evidence in other files; packages are left out. `--trees` also measures the findings in whole
repositories, which were judged one by one. Both take longer: each repository is extracted and
checked as a whole.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

LABELS = Path(__file__).resolve().parent / "labels"
FAMILIES = {
    "write": "in-place writes (ATF101, 102)",
    "replace": "broken replaces (ATF111 to 115)",
    "swallow": "swallowed errors (ATF201, 202)",
}
_CODES = (("ATF10", "write"), ("ATF11", "replace"), ("ATF2", "swallow"))
BANDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)
LEAST = BANDS[0]
_EXPORTED = (".py", ".pyi", ".toml", ".cfg", ".ini", ".gitignore", "Pipfile", "requirements.txt")
# The tags by which the wheels were chosen, independent of the Python that runs this script.
_WHEEL = ["--only-binary", ":all:", "--python-version", "3.13"]
for _tag in (
    "any", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64",
):  # fmt: skip
    _WHEEL += ["--platform", _tag]


@dataclass(frozen=True)
class Label:
    """One line of `labels/sites.jsonl` or `labels/findings.jsonl`."""

    source: str
    repo: str
    sha: str
    path: str
    line: int
    rule: str
    """The family; for a finding, that of its code."""
    verdict: str
    tier: str | None = None
    why: str = ""
    file: str = ""

    @property
    def part(self) -> str:
        return part_of(self.repo)

    @property
    def folder(self) -> str:
        if self.repo.startswith("pypi:"):
            return self.repo.removeprefix("pypi:").replace("==", "-")
        return f"{self.repo.replace('/', '+')}/{self.sha[:12]}"


def part_of(repo: str) -> str:
    name = repo.removeprefix("pypi:").partition("==")[0]
    return "kept" if hashlib.sha256(name.encode()).digest()[0] % 3 == 0 else "shown"


def family(code: str) -> str:
    return next((name for prefix, name in _CODES if code.startswith(prefix)), "other")


def read_labels(name: str) -> list[Label]:
    found = []
    for line in (LABELS / name).read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        row.pop("second", None)
        if "code" in row:
            row["rule"] = family(row.pop("code"))
        found.append(Label(**row))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--source", nargs="+", help="packages, bug-reports, blind, ...")
    parser.add_argument("--part", choices=("all", "shown", "kept"), default="all")
    parser.add_argument("--whole", action="store_true", help="labelled files in their repository")
    parser.add_argument("--trees", action="store_true", help="the findings on whole repositories")
    parser.add_argument("--threshold", type=float, help="instead of the one of the tool")
    parser.add_argument("--list", action="store_true", help="name every miss and false alarm")
    parser.add_argument("--markdown", action="store_true", help="tables for the documentation")
    args = parser.parse_args()
    if args.list and args.part != "shown":
        parser.error("--list goes with --part shown: the kept part is not to be looked at")
    from atomic_fix.finding import THRESHOLD

    threshold = THRESHOLD if args.threshold is None else args.threshold

    def wanted(labels: Iterable[Label]) -> list[Label]:
        return [
            each
            for each in labels
            if (args.source is None or each.source in args.source)
            and (args.part == "all" or each.part == args.part)
        ]

    judged: list[Judged] = []
    sites = wanted(read_labels("sites.jsonl"))
    if sites:
        if args.whole:
            sites = [each for each in sites if not each.repo.startswith("pypi:")]
            root = args.work / "trees"
            there, found = findings_in_trees(sites, args.work, args.mirror)
        else:
            root = args.work / "sites"
            there = lay_out_files(sites, args.work, args.mirror, root)
            found = findings_in([root], project=False)
        tally, judged = compare(
            [each for each in sites if each.folder in there], found, root, threshold
        )
        show(tally, markdown=args.markdown)
        if args.list:
            for each in judged:
                if each.outcome != "hit":
                    print(f"{each.outcome:5} {each.label}")
    if args.trees:
        judged += measure_trees(
            wanted(read_labels("findings.jsonl")), args.work, args.mirror, threshold
        )
    show_calibration(judged, markdown=args.markdown)
    return 0


# Fetching


def lay_out_files(
    labels: Sequence[Label], work: Path, mirror: Path | None, root: Path
) -> frozenset[str]:
    """Write the labelled files below `root`, and return the folders of the sources that could be
    fetched."""
    paths: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for each in labels:
        pure = PurePosixPath(each.path)
        if pure.is_absolute() or ".." in pure.parts:
            raise SystemExit(f"refused path: {each.path}")
        paths[each.repo, each.sha, each.file, each.folder].add(each.path)
    there = set()
    for (repo, sha, file, folder), names in sorted(paths.items()):
        base = root / folder
        if all((base / name).is_file() for name in names):
            there.add(folder)
            continue
        try:
            if repo.startswith("pypi:"):
                contents = dict(_members(_archive(file, work / "archives"), sorted(names)))
            else:
                contents = dict(_blobs(_git(repo, sha, work, mirror), sha, names))
        except LookupError as error:
            print(f"left out: {repo}: {error}", file=sys.stderr)
            continue
        for name, content in contents.items():
            target = base / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        there.add(folder)
    return frozenset(there)


def _archive(file: str, cache: Path) -> Path:
    """A pinned archive.

    Raises:
        LookupError: it cannot be had.
    """
    with (LABELS / "packages.tsv").open(encoding="utf-8", newline="") as handle:
        row = next(row for row in csv.DictReader(handle, delimiter="\t") if row["file"] == file)
    archive = cache / file
    cache.mkdir(parents=True, exist_ok=True)
    if not archive.is_file():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(cache)]
        kind = _WHEEL if row["kind"] == "wheel" else ["--no-binary", ":all:"]
        subprocess.run([*pip, *kind, f"{row['name']}=={row['version']}"], check=False)
    if not archive.is_file():
        raise LookupError("pip does not bring it")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != row["sha256"]:
        raise LookupError("another hash than the one that is pinned")
    return archive


def _members(archive: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as box:
            for name in names:
                yield name, box.read(name)
        return
    with tarfile.open(archive) as tar:
        for name in names:
            member = tar.extractfile(name)
            if member is not None:
                yield name, member.read()


def _git(repo: str, sha: str, work: Path, mirror: Path | None) -> Path:
    """A git directory that has a commit.

    Raises:
        LookupError: there is no such commit.
    """
    name = repo.replace("/", "+")
    bases = [] if mirror is None else [mirror / name]
    for base in (*bases, work / "git" / name):
        for each in (base, base / ".git", base / "repo", base / "repo" / ".git"):
            if (each / "HEAD").is_file() and _has(each, sha):
                return each
    made = work / "git" / name
    subprocess.run(["git", "init", "--quiet", "--bare", str(made)], check=True)
    fetch = ["git", f"--git-dir={made}", "fetch", "--quiet", "--depth=1"]
    subprocess.run([*fetch, f"https://github.com/{repo}", sha], check=False, capture_output=True)
    if not _has(made, sha):
        raise LookupError(f"commit {sha[:12]} cannot be fetched")
    return made


def _has(directory: Path, sha: str) -> bool:
    command = ["git", f"--git-dir={directory}", "cat-file", "-e", f"{sha}^{{commit}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _blobs(directory: Path, sha: str, names: set[str] | None) -> Iterator[tuple[str, bytes]]:
    """The files of a commit with these names, or all that an analysis may look at."""
    git = ["git", f"--git-dir={directory}"]
    listed = subprocess.run([*git, "ls-tree", "-r", "-z", sha], capture_output=True, check=True)
    wanted = []
    for row in listed.stdout.split(b"\0"):
        head, _, name = row.partition(b"\t")
        path = name.decode("utf-8", "surrogateescape")
        if head.startswith(b"100") and (
            path.endswith(_EXPORTED) if names is None else path in names
        ):
            wanted.append((head.split()[2], path))
    given = b"".join(object_id + b"\n" for object_id, _ in wanted)
    batch = subprocess.run([*git, "cat-file", "--batch"], input=given, capture_output=True)
    at = 0
    for _, path in wanted:
        end = batch.stdout.index(b"\n", at)
        head_fields = batch.stdout[at:end].split()
        at = end + 1
        if head_fields[1:2] != [b"blob"]:
            continue  # the snapshot lacks it
        size = int(head_fields[2])
        yield path, batch.stdout[at : at + size]
        at += size + 1


def lay_out_tree(label: Label, work: Path, mirror: Path | None) -> Path:
    """All of a repository that an analysis may look at.

    Raises:
        LookupError: it cannot be had.
    """
    target = work / "trees" / label.folder
    if target.is_dir():
        return target
    part = target.with_name(f"{target.name}.part")
    for name, content in _blobs(_git(label.repo, label.sha, work, mirror), label.sha, None):
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    part.rename(target)
    return target


# Measuring


@dataclass(frozen=True)
class Judged:
    """The outcome for a label, or for a finding that matches none."""

    outcome: str
    """hit, miss or false."""
    rule: str
    confidence: float
    """The confidence of the finding; 0 for a miss."""
    label: str


def findings_in(roots: Sequence[Path], *, project: bool) -> list[dict[str, Any]]:
    """The findings of the tool, including some below the confidence at which it reports."""
    command = [
        *(sys.executable, "-m", "atomic_fix", "--isolated", "--no-cache", "--output-format=json"),
        *(f"--min-confidence={LEAST}", "--project" if project else "--no-project"),
        *map(str, roots),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.stderr.write(done.stderr)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def findings_in_trees(
    labels: Sequence[Label], work: Path, mirror: Path | None
) -> tuple[frozenset[str], list[dict[str, Any]]]:
    """The folders of the repositories that could be fetched, and the findings in labelled files."""
    wanted = {f"{each.folder}/{each.path}" for each in labels}
    found = []
    there = set()
    for folder, label in {each.folder: each for each in labels}.items():
        try:
            root = lay_out_tree(label, work, mirror)
        except LookupError as error:
            print(f"left out: {label.repo}: {error}", file=sys.stderr)
            continue
        there.add(folder)
        found += [
            each
            for each in findings_in([root], project=True)
            if _below(work / "trees", each) in wanted
        ]
    return frozenset(there), found


def compare(
    labels: Sequence[Label], found: Iterable[Mapping[str, Any]], root: Path, threshold: float
) -> tuple[dict[str, Counter[str]], list[Judged]]:
    """Counts by family and part, and each outcome. The labels of a file are complete: a finding
    that matches no label is a false alarm. Findings below the threshold only count as outcomes."""
    by_file: dict[str, list[Label]] = defaultdict(list)
    for each in labels:
        by_file[f"{each.folder}/{each.path}"].append(each)
    findings: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in found:
        findings[_below(root, finding)].append(finding)
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    judged: list[Judged] = []

    def count(rule: str, part: str, outcome: str) -> None:
        for key in (rule, f"{rule} {part}", "all", f"all {part}"):
            tally[key][outcome] += 1

    for path in sorted(by_file):
        met: set[int] = set()
        here = findings[path]
        part = by_file[path][0].part
        for label in by_file[path]:
            near = hits(label, here, by_file[path])
            met.update(near)
            sure = max((here[i]["confidence"] for i in near), default=0.0)
            said = f"{label.rule:8} {path}:{label.line}  {label.why}"
            if label.verdict == "flag":
                judged.append(Judged("hit" if near else "miss", label.rule, sure, said))
                if sure >= threshold:
                    count(label.rule, part, "hit")
                elif label.tier != "far":  # only other files show it, so this is not a miss
                    count(label.rule, part, "miss")
            elif label.verdict == "ok" and near:
                judged.append(Judged("false", label.rule, sure, said))
                if sure >= threshold:
                    count(label.rule, part, "false")
        for i, finding in enumerate(here):
            if i not in met:
                rule, sure = family(finding["code"]), finding["confidence"]
                said = f"{rule:8} {path}:{finding['location']['row']}  (no label)"
                judged.append(Judged("false", rule, sure, said))
                if sure >= threshold:
                    count(rule, part, "false")
    return tally, judged


def _below(root: Path, finding: Mapping[str, Any]) -> str:
    return Path(finding["filename"]).resolve().relative_to(root.resolve()).as_posix()


def hits(label: Label, found: Sequence[Mapping[str, Any]], others: Sequence[Label]) -> list[int]:
    """The findings of a file that match a label: on its row, or else next to it, unless they are on
    the row of another label."""
    near = [
        i
        for i, each in enumerate(found)
        if family(each["code"]) == label.rule
        and each["location"]["row"] - 1
        <= label.line
        <= max(each["end_location"]["row"], each["location"]["row"]) + 1
    ]
    exact = [i for i in near if found[i]["location"]["row"] == label.line]
    return exact or [
        i
        for i in near
        if not any(
            other is not label
            and other.rule == label.rule
            and other.line == found[i]["location"]["row"]
            for other in others
        )
    ]


def measure_trees(
    labels: Sequence[Label], work: Path, mirror: Path | None, threshold: float
) -> list[Judged]:
    """The judged findings in whole repositories, and which of them are still reported."""
    trees: dict[str, list[Label]] = defaultdict(list)
    for each in labels:
        trees[each.folder].append(each)
    judged: list[Judged] = []
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for read in trees.values():
        try:
            root = lay_out_tree(read[0], work, mirror)
        except LookupError as error:
            print(f"left out: {read[0].repo}: {error}", file=sys.stderr)
            continue
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for finding in findings_in([root], project=True):
            found[_below(root, finding)].append(finding)
        for label in read:
            sure = max(
                (
                    each["confidence"]
                    for each in found[label.path]
                    if family(each["code"]) == label.rule
                    and abs(each["location"]["row"] - label.line) <= 2
                ),
                default=0.0,
            )
            kept = "kept" if sure >= threshold else "gone"
            for key in (label.source, f"{label.source} {label.rule}"):
                tally[key][f"{label.verdict} {kept}"] += 1
            if sure and label.verdict != "debatable":
                outcome = "hit" if label.verdict == "real" else "false"
                judged.append(Judged(outcome, label.rule, sure, f"{label.repo} {label.path}"))
    for key, row in sorted(tally.items()):
        real, false = row["real kept"], row["false kept"]
        print(
            f"{key:28} real kept {real:4} gone {row['real gone']:4}  "
            f"false left {false:4} gone {row['false gone']:4}  "
            f"precision {_share(real, real + false)}"
        )
    return judged


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def show(tally: Mapping[str, Counter[str]], *, markdown: bool) -> None:
    if markdown:
        print("| family | part | found | missed | false alarms | precision | recall |")
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for key in sorted(tally, key=lambda key: (key.startswith("all"), key)):
        rule, _, part = key.partition(" ")
        row = tally[key]
        precision = _share(row["hit"], row["hit"] + row["false"])
        recall = _share(row["hit"], row["hit"] + row["miss"])
        counts = (row["hit"], row["miss"], row["false"])
        if markdown:
            name = FAMILIES.get(rule, rule)
            shown = " | ".join(map(str, (*counts, precision, recall)))
            print(f"| {name} | {part or 'both'} | {shown} |")
        else:
            found, missed, false = counts
            print(
                f"{key:14} found {found:4} missed {missed:4} false {false:4}"
                f"  precision {precision:4} recall {recall:4}"
            )


def show_calibration(judged: Sequence[Judged], *, markdown: bool) -> None:
    """The share of real findings in each band of confidence."""
    if markdown:
        print("\n| confidence | findings | real | share |\n| --- | ---: | ---: | ---: |")
    for low, high in pairwise(BANDS):
        inside = [
            each for each in judged if each.outcome != "miss" and low <= each.confidence < high
        ]
        real = sum(each.outcome == "hit" for each in inside)
        if not inside:
            continue
        band = f"{low:.2f} to {min(high, 1.0):.2f}"
        share = _share(real, len(inside))
        if markdown:
            print(f"| {band} | {len(inside)} | {real} | {share} |")
        else:
            print(f"confidence {band}: {len(inside):4} findings, {real:4} real, share {share}")


_WIDTH, _HEIGHT, _EDGE = 640, 320, 44
_SAID = (
    "A bar for each band of confidence is as high as the share of its findings that are real, "
    "with their number above it. On the dashed line, confidence and share would be equal."
)
_STYLE = (
    "text { fill: #57606a } .line { stroke: #d0d7de } .bar { fill: #2f81f7 } "
    ".even { stroke: #cf222e } @media (prefers-color-scheme: dark) { text { fill: #9198a1 } "
    ".line { stroke: #3d444d } .bar { fill: #4493f8 } .even { stroke: #f85149 } }"
)


def diagram(judged: Sequence[Judged]) -> str:
    """The share of real findings in each band of confidence, as a picture: a bar for each band with
    the number of findings above it, and the line on which the bars would end if confidence were
    this share."""
    bands = [(low, min(high, 1.0)) for low, high in pairwise(BANDS) if low >= 0.5]
    across, up = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE

    def x(confidence: float) -> float:
        return _EDGE + (confidence - 0.5) / 0.5 * across

    def y(share: float) -> float:
        return _HEIGHT - _EDGE - share * up

    def text(left: float, top: float, said: str, anchor: str = "middle") -> str:
        place = f'x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}"'
        return f"<text {place}>{said}</text>"

    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {view}>',
        "<title>Share of real findings by confidence</title>",
        f"<desc>{_SAID}</desc>",
        f"<style>{_STYLE}</style>",
    ]
    lines += [
        f'<path d="M{_EDGE} {y(share):.1f}H{_WIDTH - _EDGE}" class="line"/>'
        + text(_EDGE - 6, y(share) + 4, f"{share:.0%}", "end")
        for share in (0.0, 0.5, 1.0)
    ]
    for low, high in bands:
        inside = [
            each
            for each in judged
            if each.outcome != "miss" and low <= each.confidence < (high if high < 1 else BANDS[-1])
        ]
        if not inside:
            continue
        share = sum(each.outcome == "hit" for each in inside) / len(inside)
        left, right = x(low) + 1, x(high) - 1
        lines.append(
            f'<rect x="{left:.1f}" y="{y(share):.1f}" width="{right - left:.1f}"'
            f' height="{share * up:.1f}" class="bar"/>'
            + text((left + right) / 2, y(share) - 5, str(len(inside)))
        )
    lines.append(
        f'<path d="M{x(0.5):.1f} {y(0.5):.1f}L{x(1.0):.1f} {y(1.0):.1f}" class="even"'
        ' stroke-dasharray="5 4"/>'
    )
    marks = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    lines += [text(x(each), _HEIGHT - _EDGE + 18, f"{each:g}") for each in marks]
    lines.append(text(_WIDTH / 2, _HEIGHT - 6, "confidence"))
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    sys.exit(main())
