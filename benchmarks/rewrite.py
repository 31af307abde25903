"""How the fixes change real code: `python benchmarks/rewrite.py FOLDER... --package NAME ...`.

Every Python file below the folders and in the wheels of the packages is repaired in memory, as by
`--write --unsafe-fixes`; nothing is written. The output is statistics on the repairs, and with
`--diffs FILE` the diffs themselves.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import io
import re
import subprocess
import sys
import tempfile
import tokenize
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.finding import Edit, Finding, NotAnalysed
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, rewrite
from atomic_fix.source import Source, decode
from atomic_fix.suppress import Suppressions

_ROW = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
BARS = {"writes": 0.80, "loads": 0.70}


def kind(code: str) -> str:
    if code.startswith("ATF2"):
        return "loads"
    return "publishing" if code.startswith("ATF11") else "writes"


def told(source: Source, config: Config) -> tuple[Finding, ...]:
    comments = Suppressions.of(source).comments
    try:
        findings = check(source, config)
    except NotAnalysed:
        return ()
    return tuple(
        finding for finding in findings if not any(comment.covers(finding) for comment in comments)
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
        findings = told(source, config)
        if not findings:
            continue
        for finding in findings:
            sites[kind(finding.code)] += 1
            fixed[kind(finding.code)] += finding.fix is not None
            if finding.fix is None:
                reasons[f"{finding.code}: {finding.why_no_fix or 'no reason given'}"] += 1
        new = rewrite(source, lambda text: told(text, config), SAFE_AND_UNSAFE)
        judge(source, findings, new, config, totals, bad)
        if new.text != source.text:
            shown += difflib.unified_diff(
                source.text.splitlines(keepends=True),
                new.text.splitlines(keepends=True),
                str(path),
                str(path),
            )
    report(sites, fixed, reasons, totals, bad)
    if diffs is not None:
        # For a person to read; rewritten each time.
        diffs.write_text("".join(shown), encoding="utf-8")
    failed = bad or any(
        sites[name] and fixed[name] / sites[name] < bar for name, bar in BARS.items()
    )
    return 1 if failed else 0


def judge(
    source: Source,
    findings: Sequence[Finding],
    new: Rewrite,
    config: Config,
    totals: Counter[str],
    bad: list[str],
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
    if lost:
        bad.append(f"{source.filename}: comments lost")
    stray = outside(source, findings, new)
    if stray:
        bad.append(f"{source.filename}: {stray} characters changed outside")
    totals["bytes outside"] += stray


def outside(source: Source, findings: Sequence[Finding], new: Rewrite) -> int:
    """Changed characters that are neither in an import nor in a function (or, outside of one,
    in a statement) that an edit was meant for."""
    allowed = _meant(source.text, {e.span.start.row for f in findings for e in _edits(f)})
    before, after = _ROW.findall(source.text), _ROW.findall(new.text)
    stray = 0
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, low, high, first, last in matcher.get_opcodes():
        if tag == "equal" or set(range(low + 1, max(high, low + 1) + 1)) & allowed:
            continue
        if low in allowed:  # appended to the last row
            continue
        stray += sum(len(row.strip()) for row in (*before[low:high], *after[first:last]))
    return stray


def _edits(finding: Finding) -> tuple[Edit, ...]:
    return () if finding.fix is None else finding.fix.edits


def _meant(text: str, edited: set[int]) -> set[int]:
    """The rows of imports, and of the innermost function or statement that contains each edit."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return set(range(len(_ROW.findall(text)) + 2))
    rows: set[int] = set()
    functions = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            rows |= _rows(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions.append(_rows(node))
    # A new import may be the only one, below the docstring of the module.
    first = next((each for each in tree.body if not _is_docstring(each)), None)
    rows |= set(range(1, (first.lineno if first is not None else 1) + 1))
    for row in edited:
        around = [each for each in functions if row in each]
        around += [_rows(each) for each in tree.body if row in _rows(each)]
        rows |= min(around, key=len, default={row})
    return rows


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _rows(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


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


def fetched(packages: list[str], folder: Path) -> list[Path]:
    """The folders that wheels of these packages (`name` or `name==version`) unpack to."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command = [*pip, "--only-binary=:all:", "--dest", str(folder / "wheels"), *packages]
    subprocess.run(command, check=True)
    found = []
    for wheel in sorted((folder / "wheels").glob("*.whl")):
        found.append(folder / wheel.stem)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(found[-1])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument(
        "--package", action="append", default=[], help="a package to download as well"
    )
    parser.add_argument("--diffs", type=Path, help="file for all diffs")
    given = parser.parse_args()
    if not given.folders and not given.package:
        parser.error("a folder or --package is needed")
    for path in given.folders:
        if not path.is_dir():
            parser.error(f"{path} is no folder")
    with tempfile.TemporaryDirectory() as temporary:
        more = fetched(given.package, Path(temporary)) if given.package else []
        sys.exit(measure([*given.folders, *more], given.diffs))
