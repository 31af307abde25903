"""Known findings, which are not reported: the file of `--baseline` and `--write-baseline`.

The file holds one line for each kind of finding of each file, in a fixed order:

    src/app/state.py ATF101 2 path.write_text(json.dumps(state))

that is, the path (percent-encoded, relative to the baseline's own folder), the code, the count, and
the source line without its indentation. So code can move without losing its entry, and changes of
two branches merge, or conflict, in readable lines.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from atomic_fix.finding import Finding
from atomic_fix.source import relative_posix

HEADER = "# Findings that atomic-fix is not to report. Counts may only shrink.\n"


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One kind of finding. `path` has forward slashes and is relative to the baseline."""

    path: str
    code: str
    line: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """How many findings of each kind are known. `folder` is the folder of the file."""

    folder: str
    counts: Mapping[Entry, int]

    def path_of(self, filename: str) -> str:
        """The path of a file in the form that entries use."""
        return relative_posix(filename, self.folder)

    def entry(self, finding: Finding) -> Entry:
        return Entry(self.path_of(finding.filename), finding.code, normalised(finding.source_line))

    def unknown(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings that the baseline does not cover; of several equal ones, the last."""
        covered: Counter[Entry] = Counter()
        unknown = []
        for finding in findings:
            entry = self.entry(finding)
            if covered[entry] < self.counts.get(entry, 0):
                covered[entry] += 1
            else:
                unknown.append(finding)
        return tuple(unknown)


def normalised(line: str) -> str:
    """A source line without details that may change: indentation and runs of blanks."""
    return " ".join(line.split())


def of(findings: Iterable[Finding], folder: str) -> Baseline:
    """The baseline that covers exactly these findings."""
    empty = Baseline(folder, {})
    return Baseline(folder, Counter(map(empty.entry, findings)))


def shrunk(known: Baseline, found: Baseline, analysed: AbstractSet[str]) -> Baseline:
    """`known` with its counts lowered to what was found, never raised. Entries of files that were
    not `analysed` in this run are kept, unless the file no longer exists.
    """
    counts = {}
    for entry, count in known.counts.items():
        if entry.path in analysed:
            count = min(count, found.counts.get(entry, 0))
        elif not os.path.lexists(os.path.join(known.folder, entry.path)):
            count = 0
        if count:
            counts[entry] = count
    return Baseline(known.folder, counts)


def stale(known: Baseline, pruned: Baseline) -> Iterator[str]:
    """A line for each entry of `known` whose count is lower in `pruned`."""
    for entry, count in sorted(known.counts.items()):
        left = pruned.counts.get(entry, 0)
        if left < count:
            yield f"{entry.path} {entry.code} {count} -> {left}: {entry.line}"


def parse(text: str, path: str) -> Baseline:
    """Read the text of the baseline file at `path`.

    Raises:
        ValueError: a line is not an entry, or an entry occurs twice.
    """
    counts: dict[Entry, int] = {}
    for row, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.rstrip("\r").split(" ", 3)
        if len(fields) < 3 or not fields[2].isascii() or not fields[2].isdigit():
            raise ValueError(
                f"{path}:{row}: not an entry of a baseline (`path CODE count source line`)"
            )
        entry = Entry(_unquoted(fields[0]), fields[1], fields[3] if len(fields) > 3 else "")
        if entry in counts:
            raise ValueError(f"{path}:{row}: duplicate entry")
        counts[entry] = int(fields[2])
    return Baseline(os.path.dirname(os.path.abspath(path)), counts)


def text_of(baseline: Baseline) -> str:
    """The text of the file, its lines sorted."""
    lines = [
        f"{_quoted(entry.path)} {entry.code} {count} {entry.line}".rstrip()
        for entry, count in sorted(baseline.counts.items())
        if count
    ]
    return HEADER + "".join(f"{line}\n" for line in lines)


def _quoted(path: str) -> str:
    """A path without blanks, line ends or bytes that are not text."""
    from urllib.parse import quote

    return quote(os.fsencode(path), safe="/!$&'()*+,;=:@~")


def _unquoted(text: str) -> str:
    from urllib.parse import unquote_to_bytes

    return os.fsdecode(unquote_to_bytes(text))
