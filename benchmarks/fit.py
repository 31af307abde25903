"""Fits the weights of the features to the labels, and evaluates the result.

    python benchmarks/fit.py WORK [--mirror FOLDER] [--source NAME ...] [--trees NAME ...]
                                  [--held GROUPS FEATURES] [--write]

WORK and MIRROR are those of `measure.py`. The fit is a logistic regression in two steps: first a
factor for each group of features, regularised towards the weights set by hand
(`catalog/features.py`), then each feature, regularised towards the result of its group.
Cross-validation by repository chooses both strengths, or `--held` sets them: the stronger, the
nearer the weights stay to those set by hand. No weight changes its sign. Only the part `shown` is
used. The output is:

- log loss, precision and recall before and after, on repositories that the fit has not seen: by
  cross-validation on `shown`, and on `kept`;
- every weight as set by hand and as fitted, with its support and standard error;
- the words of the catalogue, with the number of real and of false findings that contain them;
  which words the labels call into question, and how many occur in no label.

`--write` writes `catalog/weights.py`. `--diagram FILE` draws the share of real findings by their
present confidence.

An example is a place that would be a finding at confidence 0, in a file whose labels are complete:
real if it matches a `flag`, false if it matches an `ok` or no label. With `--trees`, judged
findings in whole repositories are examples too, with the evidence in other files of the project.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from atomic_fix.catalog import words as catalog
from atomic_fix.catalog.features import FeatureName
from atomic_fix.catalog.weights import START
from atomic_fix.facts.explaining import explanations
from atomic_fix.facts.outside import FileSlice
from atomic_fix.finding import THRESHOLD, Explanation, Finding, Unreadable
from atomic_fix.run.indexing import Indexing
from atomic_fix.run.one_file import check_file, looked_at
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import work_through
from atomic_fix.settings import Resolver

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure

PRIOR = {each.label: each.prior for each in FeatureName}
PRIOR_START = -2.2
NOW = {each.label: each.weight for each in FeatureName}
GROUP_STRENGTHS = (1.0, 5.0, 25.0, 100.0)
STRENGTHS = (3.0, 10.0, 100.0)
"""How strongly the fit is regularised towards the previous weights: the inverse of the variance
around them."""
FOLDS = 10
_KINDS = {"write": "write", "replace": "publication", "swallow": "handler"}
_START = "(start)"

_PATH = ("literal", "constant", "attribute", "variable", "parameter", "key", "path-function")
_AROUND = ("function", "class", "module", "caller")
GROUPS: dict[str, tuple[str, ...]] = {
    **{
        f"{place}, {side}": tuple(f"{name}-{side}" for name in names if f"{name}-{side}" in PRIOR)
        for place, names in (("path", _PATH), ("around", _AROUND), ("data", ("data",)))
        for side in ("durable", "maybe", "denied")
    },
    "purpose": ("function-saves", "function-promises"),
    "content for": ("serialised",),
    "content against": ("data-edited", "table", "copied", "always-same"),
    "plain enough": ("restored", "running-process", "backup", "for-testing", "volatile-folder"),
    "path against": ("suffix-denied", "system-temp", "fresh-name"),
    "suffix": ("suffix-data",),
    "read back": ("read-back", "read-back-pair", "read-back-elsewhere"),
    "read back raw": tuple(name for name in PRIOR if name.endswith(("-raw", "-split"))),
    "written": ("written", "written-elsewhere"),
    "not seen": ("foreign", "not-seen-read-back", "uncalled", "unread"),
    "missing": ("only-when-missing", "secret-when-missing"),
    "temp": ("temp-name-first",),
    "parsed": ("parsed",),
    "not parsed": ("not-parsed",),
    "callers deny": ("callers-deny",),
}
"""Features that are first scaled together: most are too rare to be fitted alone."""


@dataclass(frozen=True)
class Example:
    repo: str
    rule: str
    real: bool
    features: tuple[tuple[str, float, str], ...]
    """Name, strength, word."""
    where: str = ""
    kind: str = "site"
    """Or `finding`, of those read on whole repositories."""


@dataclass(frozen=True)
class Fit:
    weights: Mapping[str, float]
    errors: Mapping[str, float]

    def log_odds(self, example: Example) -> float:
        weights = self.weights
        return weights[_START] + sum(weights[n] * s for n, s, _ in example.features)


BY_HAND = Fit({**PRIOR, _START: PRIOR_START}, {})
CURRENT = Fit({**NOW, _START: START}, {})


# Examples


def examples_of_sites(
    labels: Sequence[measure.Label], root: Path, there: frozenset[str]
) -> list[Example]:
    files: dict[tuple[str, str], list[measure.Label]] = defaultdict(list)
    for each in labels:
        if each.folder in there:
            files[each.folder, each.path].append(each)
    found = []
    for (folder, path), known in sorted(files.items()):
        places = _candidates(root / folder / path, None)
        findings = [_as_data(each) for each, _ in places]
        met: dict[int, str] = {}
        for label in known:
            for i in measure.hits(label, findings, known):
                met[i] = "flag" if "flag" in (met.get(i), label.verdict) else label.verdict
        for i, (finding, explained) in enumerate(places):
            verdict = met.get(i, "ok")
            if verdict != "ambiguous":
                rule = measure.family(finding.code)
                where = f"{folder}/{path}:{finding.span.start.row}"
                real = verdict == "flag"
                found.append(Example(known[0].repo, rule, real, _features(explained), where))
    return found


def examples_of_trees(
    labels: Sequence[measure.Label], work: Path, mirror: Path | None
) -> list[Example]:
    trees: dict[str, list[measure.Label]] = defaultdict(list)
    for each in labels:
        trees[each.folder].append(each)
    found = []
    for read in trees.values():
        try:
            root = measure.lay_out_tree(read[0], work, mirror)
        except LookupError as error:
            print(f"left out: {read[0].repo}: {error}", file=sys.stderr)
            continue
        resolver = Resolver({}, "", isolated=True)
        indexing = Indexing(
            resolver, (str(root),), "", lambda works, given: work_through(works, given, 1)
        )
        seen: set[tuple[str, int]] = set()
        for path in sorted({each.path for each in read}):
            file = root / path
            if not file.is_file():
                continue
            places = _candidates(file, indexing.slice_of(str(file)))
            for label in read:
                if label.path != path or label.verdict == "debatable":
                    continue
                for finding, explained in places:
                    row = finding.span.start.row
                    key = (path, row)
                    if (
                        key not in seen
                        and measure.family(finding.code) == label.rule
                        and abs(row - label.line) <= 2
                    ):
                        seen.add(key)
                        real = label.verdict == "real"
                        where = f"{label.folder}/{path}:{row}"
                        found.append(
                            Example(
                                label.repo, label.rule, real, _features(explained), where, "finding"
                            )
                        )
    return found


def _candidates(file: Path, outside: FileSlice | None) -> list[tuple[Finding, Explanation]]:
    """The findings that there would be at confidence 0, one per place, with their features."""
    name, content = str(file), file.read_bytes()
    resolver = Resolver({"min-confidence": 0.0}, "", isolated=True)
    settings = resolver.for_file(name)
    result = check_file(content, name, settings, ReportFilter(), fixes=False, outside=outside)
    found = []
    seen = set()
    for finding in result.findings:
        rule = measure.family(finding.code)
        if (finding.span.start, rule) in seen or rule not in _KINDS:
            continue
        seen.add((finding.span.start, rule))
        row = finding.span.start.row
        known = looked_at(content, name, settings, partial(explanations, row=row), outside)
        if isinstance(known, Unreadable):
            continue
        for each in known:
            is_it = each.kind == _KINDS[rule] and each.span.start == finding.span.start
            if is_it and not each.excluded:
                found.append((finding, each))
                break
    return found


def _as_data(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "location": {"row": finding.span.start.row},
        "end_location": {"row": finding.span.end.row},
    }


def _features(explained: Explanation) -> tuple[tuple[str, float, str], ...]:
    return tuple((each.name, each.strength, each.word) for each in explained.features)


# The fit


def fit(examples: Sequence[Example], group_strength: float, strength: float) -> Fit:
    """Both steps."""
    # A feature without a group is a group of its own.
    by_group = {name: f"{name} alone" for name in PRIOR}
    by_group |= {name: group for group, names in GROUPS.items() for name in names}
    rows = []
    for each in examples:
        row: dict[str, float] = {}
        for name, much, _ in each.features:
            group = by_group[name]
            row[group] = row.get(group, 0.0) + PRIOR[name] * much
        rows.append((row, each.real))
    scales, _ = regression(
        rows, {_START: PRIOR_START, **dict.fromkeys(by_group.values(), 1.0)}, group_strength
    )
    prior = {name: scales[by_group[name]] * value for name, value in PRIOR.items()}
    rows = []
    for each in examples:
        row = {}
        for name, much, _ in each.features:
            row[name] = row.get(name, 0.0) + much
        rows.append((row, each.real))
    return Fit(*regression(rows, {_START: scales[_START], **prior}, strength))


def regression(
    examples: Sequence[tuple[Mapping[str, float], bool]],
    before: Mapping[str, float],
    strength: float,
    rounds: int = 25,
) -> tuple[dict[str, float], dict[str, float]]:
    """Logistic regression by Newton's method, with each weight regularised towards the previous
    one. A weight that would change its sign is held at zero. Returns the weights and their standard
    errors."""
    # Features that no example has stay unchanged.
    used = {_START} | {name for row, _ in examples for name in row}
    names = [name for name in before if name in used]
    index = {name: i for i, name in enumerate(names)}
    prior = [before[name] for name in names]
    rows: list[_Row] = [
        (
            ((0, 1.0), *((index[name], much) for name, much in row.items())),
            float(real),
        )
        for row, real in examples
    ]
    assert names[0] == _START
    held: set[int] = set()
    while True:
        weights = [0.0 if i in held else value for i, value in enumerate(prior)]
        for _ in range(rounds):
            gradient, hessian = _derivatives(rows, weights, prior, strength)
            for i in held:
                gradient[i] = 0.0
                hessian[i] = [float(i == j) for j in range(len(names))]
                for other in hessian:
                    if other is not hessian[i]:
                        other[i] = 0.0
            step = solve(hessian, gradient)
            here, size = _objective(rows, weights, prior, strength), 1.0
            while True:  # A full step may go too far.
                tried = [v - size * change for v, change in zip(weights, step, strict=True)]
                if size < 1e-6 or _objective(rows, tried, prior, strength) <= here:
                    break
                size /= 2
            weights = tried
            if size * max(map(abs, step)) < 1e-5:
                break
        wrong = {
            i
            for i, value in enumerate(weights)
            if i and i not in held and value * PRIOR.get(names[i], 1.0) < 0
        }
        if not wrong:
            break
        held |= wrong
    _, hessian = _derivatives(rows, weights, prior, strength)
    errors = dict.fromkeys(before, strength**-0.5)
    for i, name in enumerate(names):
        unit = [float(i == j) for j in range(len(names))]
        errors[name] = math.sqrt(max(solve(hessian, unit)[i], 0.0))
    return {**before, **dict(zip(names, weights, strict=True))}, errors


_Row: TypeAlias = "tuple[tuple[tuple[int, float], ...], float]"
"""The strength of each feature of an example, and whether it is real."""


def _objective(
    rows: Sequence[_Row], weights: Sequence[float], prior: Sequence[float], strength: float
) -> float:
    held = sum((value - by_hand) ** 2 for value, by_hand in zip(weights, prior, strict=True))
    total = strength * held / 2
    for row, real in rows:
        odds = sum(weights[i] * much for i, much in row)
        total += math.log1p(math.exp(-abs(odds))) + max(odds, 0.0) - real * odds
    return total


def _derivatives(
    rows: Sequence[_Row],
    weights: Sequence[float],
    prior: Sequence[float],
    strength: float,
) -> tuple[list[float], list[list[float]]]:
    size = len(weights)
    gradient = [strength * (weights[i] - prior[i]) for i in range(size)]
    hessian = [[strength * (i == j) for j in range(size)] for i in range(size)]
    for row, real in rows:
        share = _logistic(sum(weights[i] * much for i, much in row))
        slope = max(share * (1 - share), 1e-9)
        for i, much in row:
            gradient[i] += (share - real) * much
            line = hessian[i]
            for j, other in row:
                line[j] += slope * much * other
    return gradient, hessian


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a system of linear equations, by elimination."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        head = rows[i]
        for k in range(i + 1, size):
            line = rows[k]
            if line[i]:
                factor = line[i] / head[i]
                for j in range(i, size + 1):
                    line[j] -= factor * head[j]
    found = [0.0] * size
    for i in reversed(range(size)):
        rest = sum(rows[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (rows[i][size] - rest) / rows[i][i]
    return found


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 30.0), -30.0)))


def cross_validated(
    examples: Sequence[Example], group_strength: float, strength: float
) -> list[tuple[float, Example]]:
    """The confidence of each example by a fit without the examples of its repository."""
    folds: dict[int, list[Example]] = defaultdict(list)
    for each in examples:
        folds[hashlib.sha256(each.repo.encode()).digest()[1] % FOLDS].append(each)
    found = []
    for number, held_out in sorted(folds.items()):
        rest = [each for other, group in folds.items() if other != number for each in group]
        fitted = fit(rest, group_strength, strength)
        found += [(_logistic(fitted.log_odds(each)), each) for each in held_out]
    return found


# Evaluation


def scored(fitted: Fit, examples: Iterable[Example]) -> list[tuple[float, Example]]:
    return [(_logistic(fitted.log_odds(each)), each) for each in examples]


def log_loss(found: Sequence[tuple[float, Example]]) -> float:
    total = -sum(math.log(max(share if each.real else 1 - share, 1e-6)) for share, each in found)
    return total / max(len(found), 1)


def precision_and_recall(
    found: Sequence[tuple[float, Example]], threshold: float
) -> tuple[float, float]:
    """Recall among the examples: places that the tool does not consider at all are left out."""
    hits = sum(each.real for share, each in found if share >= threshold)
    reported = sum(share >= threshold for share, _ in found)
    return hits / max(reported, 1), hits / max(sum(each.real for _, each in found), 1)


def recall_at(found: Sequence[tuple[float, Example]], precision: float) -> tuple[float, float]:
    """The greatest recall with at least the same precision, and the threshold for it."""
    best = (0.0, 1.0)
    for threshold in sorted({share for share, _ in found}):
        reached, recall = precision_and_recall(found, threshold)
        if reached >= precision - 1e-9 and recall > best[0]:
            best = recall, threshold
    return best


def show_figures(name: str, found: Sequence[tuple[float, Example]], precision: float) -> None:
    reached, recall = precision_and_recall(found, THRESHOLD)
    at, threshold = recall_at(found, precision)
    print(
        f"{name:32} log loss {log_loss(found):.3f}  at {THRESHOLD:g}: precision {reached:.3f}"
        f" recall {recall:.3f}  at precision {precision:.3f}: recall {at:.3f} ({threshold:.2f})"
    )


def show_words(examples: Sequence[Example]) -> None:
    real: Counter[str] = Counter()
    false: Counter[str] = Counter()
    sides: dict[str, set[str]] = defaultdict(set)
    for each in examples:
        for name, _, word in each.features:
            if word:
                key = word, "against" if PRIOR[name] < 0 else "for"
                said = f"{key[0]} ({key[1]})"
                sides[said].add(name)
                (real if each.real else false)[said] += 1
    share = sum(each.real for each in examples) / max(len(examples), 1)
    print(f"\nword, real, false (of all examples {share:.2f} are real)")
    questioned = []
    for said in sorted(sides, key=lambda said: (-(real[said] + false[said]), said)):
        count = real[said] + false[said]
        print(f"  {said:28} {real[said]:5} {false[said]:5}")
        is_for = said.endswith("(for)")
        if count >= 5 and (real[said] / count < share) is is_for:
            questioned.append(f"{said} {real[said]}:{false[said]}")
    print("words that point the wrong way, or nowhere:", ", ".join(questioned) or "none")
    used = {said.rpartition(" (")[0] for said in sides}
    for name in ("DURABLE", "MAYBE_DURABLE", "NOT_DURABLE"):
        words = getattr(catalog, name)
        silent = sorted(words - used)
        print(f"{name}: no label shows {len(silent)} of {len(words)}: {', '.join(silent)}")


def written(fitted: Fit, examples: Sequence[Example]) -> str:
    """The text of `catalog/weights.py`."""
    support = Counter(name for each in examples for name in {n for n, _, _ in each.features})
    count, repositories = len(examples), len({each.repo for each in examples})
    made_from = f"{count} labelled places of {repositories} repositories and packages"
    lines = [
        '"""The weight of each feature, in log odds at full strength.',
        "",
        "A feature without a row has the weight of `catalog.features`.",
        "",
        f"Generated by `benchmarks/fit.py` from {made_from}.",
        '"""',
        "",
        "from typing import NamedTuple",
        "",
        "",
        "class Weight(NamedTuple):",
        "    value: float",
        "    support: int",
        '    """Labelled places that have the feature."""',
        "    error: float",
        '    """The standard error of the value."""',
        "",
        "",
        f"START = {fitted.weights[_START]:.2f}",
        '"""Without any feature, a written file is not taken for durable state."""',
        "",
        "WEIGHTS: dict[str, Weight] = {",
    ]
    for name in PRIOR:
        if support[name]:
            value, error = round(fitted.weights[name], 2) + 0.0, fitted.errors[name]
            lines.append(f'    "{name}": Weight({value:g}, {support[name]}, {error:.2f}),')
    return "\n".join([*lines, "}", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--mirror", type=Path)
    parser.add_argument("--source", nargs="+", help="of the sites: packages, bug-reports, blind")
    parser.add_argument("--trees", nargs="*", help="sources of findings on whole repositories")
    parser.add_argument("--held", nargs=2, type=float, help="the strengths, by hand")
    parser.add_argument("--write", action="store_true", help="make catalog/weights.py")
    parser.add_argument(
        "--diagram", type=Path, help="draw what share of the findings is real, and stop"
    )
    args = parser.parse_args()
    examples = gathered(args.work, args.mirror, args.source, args.trees)
    if args.diagram is not None:
        judged = [
            measure.Judged("hit" if each.real else "false", each.rule, round(share, 2), each.where)
            for share, each in scored(CURRENT, examples)
        ]
        measure.show_calibration(judged, markdown=True)
        args.diagram.write_text(measure.diagram(judged), encoding="utf-8")
        return 0
    shown = [each for each in examples if measure.part_of(each.repo) == "shown"]
    kept = [each for each in examples if measure.part_of(each.repo) == "kept"]
    for name, group in (("shown", shown), ("kept", kept)):
        count = Counter((each.rule, each.real) for each in group)
        print(f"{name}: {len(group)} examples, {dict(count)}")

    grid = [(groups, features) for groups in GROUP_STRENGTHS for features in STRENGTHS]
    if args.held:
        grid = [(args.held[0], args.held[1])]
    tried = {strengths: cross_validated(shown, *strengths) for strengths in grid}
    strengths = min(tried, key=lambda each: log_loss(tried[each]))
    for each, found in tried.items():
        print(f"held by {each}: log loss, cross-validated, {log_loss(found):.4f}")
    fitted = fit(shown, *strengths)
    before, after = scored(BY_HAND, shown), tried[strengths]
    reference = precision_and_recall(before, THRESHOLD)[0]
    show_figures("shown, by hand", before, reference)
    show_figures("shown, as it is now", scored(CURRENT, shown), reference)
    show_figures("shown, fitted, cross-validated", after, reference)
    for kind in ("site", "finding"):
        for name, those in (("by hand", before), ("fitted", after)):
            of_kind = [each for each in those if each[1].kind == kind]
            show_figures(f"  {kind}s, {name}", of_kind, reference)
    for rule in measure.FAMILIES:
        for name, those in (("by hand", before), ("fitted", after)):
            show_figures(
                f"  {rule}, {name}", [each for each in those if each[1].rule == rule], reference
            )
    reference = precision_and_recall(scored(BY_HAND, kept), THRESHOLD)[0]
    show_figures("kept, by hand", scored(BY_HAND, kept), reference)
    show_figures("kept, fitted on shown", scored(fitted, kept), reference)

    support = Counter(name for each in shown for name in {n for n, _, _ in each.features})
    real = Counter(name for each in shown if each.real for name in {n for n, _, _ in each.features})
    print("\nfeature, by hand, fitted, standard error, support, of these real")
    for name in (_START, *PRIOR):
        shown_real = f"{support[name]:5} {real[name]:5}" if name != _START else ""
        print(
            f"  {name:26} {BY_HAND.weights[name]:6.2f} {fitted.weights[name]:6.2f}"
            f" {fitted.errors[name]:5.2f} {shown_real}"
        )
    show_words(shown)
    if args.write:
        target = Path(__file__).resolve().parents[1] / "src/atomic_fix/catalog/weights.py"
        target.write_text(written(fitted, shown), encoding="utf-8")
    return 0


def gathered(
    work: Path, mirror: Path | None, sources: Sequence[str] | None, trees: Sequence[str] | None
) -> list[Example]:
    """All examples. Those of a repository are cached in `work`, for the same labels and tool."""
    code = sorted((Path(__file__).resolve().parents[1] / "src").rglob("*.py"))
    tool = hashlib.sha256(
        b"".join(each.read_bytes() for each in code if each.name != "weights.py")
    ).hexdigest()
    groups: dict[tuple[str, str], list[measure.Label]] = defaultdict(list)
    for each in measure.read_labels("sites.jsonl"):
        if sources is None or each.source in sources:
            groups["sites", each.folder].append(each)
    for each in measure.read_labels("findings.jsonl"):
        if trees is not None and (not trees or each.source in trees):
            groups["tree", each.folder].append(each)
    found: list[Example] = []
    folder = work / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for (kind, _), labels in sorted(groups.items()):
        state = hashlib.sha256(repr((tool, kind, labels)).encode()).hexdigest()
        known = folder / f"{state[:24]}.json"
        if not known.is_file():
            if kind == "sites":
                there = measure.lay_out_files(labels, work, mirror, work / "sites")
                made = examples_of_sites(labels, work / "sites", there)
            else:
                made = examples_of_trees(labels, work, mirror)
            text = json.dumps([list(vars(each).values()) for each in made])
            known.write_text(text, encoding="utf-8")
        rows = json.loads(known.read_text(encoding="utf-8"))
        found += [
            Example(repo, rule, real, tuple(map(tuple, features)), where, of)
            for repo, rule, real, features, where, of in rows
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
