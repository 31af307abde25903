"""What the fixes do to real code: `python benchmarks/rewrite.py FOLDER...`.

Every Python file below the folders is rewritten in memory as `--write --unsafe-fixes` would,
and nothing is written. Printed are the shares that a reviewer asks for, and with
`--diffs FILE` the diffs themselves.
"""

from __future__ import annotations

import argparse
import difflib
import io
import sys
import tokenize
import warnings
from collections import Counter
from pathlib import Path

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, rewrite
from atomic_fix.source import Source, decode
from atomic_fix.suppress import Suppressions

BARS = {"writes": 0.80, "loads": 0.70}


def kind(code: str) -> str:
    if code.startswith("ATF2"):
        return "loads"
    return "publishing" if code.startswith("ATF11") else "writes"


def told(source: Source, config: Config) -> tuple[Finding, ...]:
    comments = Suppressions.of(source).comments
    return tuple(
        finding
        for finding in check(source, config)
        if not any(comment.covers(finding) for comment in comments)
    )


def compiles(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<rewritten>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return False
    return True


def comments(text: str) -> Counter[str]:
    try:
        return Counter(
            token.string
            for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline)
            if token.type == tokenize.COMMENT
        )
    except (tokenize.TokenError, SyntaxError):
        return Counter()


def measure(folders: list[Path], diffs: Path | None) -> int:
    config = Config()
    sites: Counter[str] = Counter()
    fixed: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    shown: list[str] = []
    bad: list[str] = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        source = decode(content, str(path))
        if not isinstance(source, Source):
            continue
        totals["files"] += 1
        findings = [f for f in told(source, config) if f.code != "ATF000"]
        if not findings:
            continue
        for finding in findings:
            sites[kind(finding.code)] += 1
            fixed[kind(finding.code)] += finding.fix is not None
            if finding.fix is None:
                reasons[f"{finding.code}: {finding.why_no_fix or 'no reason given'}"] += 1
        new = rewrite(source, lambda text: told(text, config), SAFE_AND_UNSAFE)
        judge(source, new, config, totals, bad)
        if new.text != source.text:
            shown += difflib.unified_diff(
                source.text.splitlines(keepends=True),
                new.text.splitlines(keepends=True),
                str(path),
                str(path),
            )
    report(sites, fixed, reasons, totals, bad)
    if diffs is not None:
        # For a person to read, made anew each time.
        diffs.write_text("".join(shown), encoding="utf-8")
    failed = bad or any(
        sites[name] and fixed[name] / sites[name] < bar for name, bar in BARS.items()
    )
    return 1 if failed else 0


def judge(
    source: Source, new: Rewrite, config: Config, totals: Counter[str], bad: list[str]
) -> None:
    if new.refusal:
        bad.append(f"{source.filename}: {new.refusal}")
        totals["refused"] += 1
    if new.text == source.text:
        return
    totals["changed"] += 1
    if compiles(new.text) or not compiles(source.text):
        totals["compile"] += 1
    else:
        bad.append(f"{source.filename}: does not compile")
    again = rewrite(
        Source(source.filename, new.text, source.encoding, source.bom),
        lambda text: told(text, config),
        SAFE_AND_UNSAFE,
    )
    if again.text == new.text:
        totals["stable"] += 1
    else:
        bad.append(f"{source.filename}: not stable")
    lost = comments(source.text) - comments(new.text)
    totals["comments lost"] += lost.total()
    totals["bytes outside"] += outside(source, new)


def outside(source: Source, new: Rewrite) -> int:
    """Changed rows further than the repaired statements and imports can reach."""
    rows = {row for f in new.applied for row in range(f.span.start.row - 40, f.span.end.row + 41)}
    before, after = source.text.splitlines(), new.text.splitlines()
    stray = 0
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, low, high, first, last in matcher.get_opcodes():
        if tag == "equal" or rows & set(range(low, high + 2)):
            continue
        changed = [*before[low:high], *after[first:last]]
        if not any("import" in row or not row.strip() or row in "()" for row in changed):
            stray += sum(map(len, changed))
    return stray


def report(
    sites: Counter[str],
    fixed: Counter[str],
    reasons: Counter[str],
    totals: Counter[str],
    bad: list[str],
) -> None:
    out = sys.stdout.write
    out(f"files read           {totals['files']:6}\n")
    out(f"files changed        {totals['changed']:6}\n")
    out(f"  that compile       {totals['compile']:6}\n")
    out(f"  stable, 2nd run    {totals['stable']:6}\n")
    out(f"  refused            {totals['refused']:6}\n")
    out(f"comments lost        {totals['comments lost']:6}\n")
    out(f"bytes outside edits  {totals['bytes outside']:6}\n")
    for name in sorted(sites):
        share = fixed[name] / sites[name]
        bar = f"  (bar {BARS[name]:.2f})" if name in BARS else ""
        out(f"{name:12} {fixed[name]:5} of {sites[name]:5} with a fix: {share:.2f}{bar}\n")
    for reason, count in reasons.most_common(25):
        out(f"{count:5}  {reason}\n")
    for line in bad:
        out(f"BAD  {line}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--diffs", type=Path, help="file for all diffs")
    given = parser.parse_args()
    sys.exit(measure(given.folders, given.diffs))
