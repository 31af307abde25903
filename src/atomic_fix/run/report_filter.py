"""Filters a file's findings: known ones, and those on unchanged lines, are left out."""

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from atomic_fix import files
from atomic_fix.baseline import Baseline
from atomic_fix.finding import Finding, NotAnalysed, Unreadable
from atomic_fix.run import disk
from atomic_fix.run.git import Revision
from atomic_fix.settings import ConfigError
from atomic_fix.source import Source, decode

_MUCH = 20_000_000
"""The most pairs of equal lines for aligning two texts; above that, a line counts as unchanged if
it occurred anywhere in the old text."""


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """`baseline` has the known findings, or `baseline_file` is read for them once there are
    findings; with `diff_base`, only findings on lines changed since then are reported. None means
    no filter."""

    baseline: Baseline | None = None
    diff_base: Revision | None = None
    baseline_file: str = ""

    def unknown(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The findings that are not in the baseline.

        Raises:
            ConfigError: the baseline cannot be read.
        """
        known = self.baseline
        if self.baseline_file and findings:
            known = read_baseline(self.baseline_file)
        return known.unknown(findings) if known is not None else findings

    def changed(self, findings: tuple[Finding, ...], source: Source) -> tuple[Finding, ...]:
        """The findings on changed lines.

        Raises:
            NotAnalysed: git cannot determine what has changed.
        """
        if self.diff_base is None or not findings:
            return findings
        try:
            rows = _changed_rows(source, self.diff_base)
        except ConfigError as error:
            raise NotAnalysed(Unreadable(source.filename, str(error))) from error
        return tuple(
            each
            for each in findings
            if not rows.isdisjoint(range(each.span.start.row, each.span.end.row + 1))
        )


def read_baseline(path: str) -> Baseline:
    """The baseline of a file.

    Raises:
        ConfigError: it cannot be read or is invalid.
    """
    from atomic_fix import baseline

    try:
        content = files.read(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {disk.reason(error)}") from error
    try:
        return baseline.parse(content.decode("utf-8"), path)
    except ValueError as error:
        raise ConfigError(f"{path}: not a baseline: {error}") from error


def _changed_rows(source: Source, revision: Revision) -> AbstractSet[int]:
    """The rows of the source that its file did not have at `revision`; all rows if the file did not
    exist. The text is compared, not the file on disk, so that this also works between two rounds of
    fixes and for standard input.
    """
    content = revision.content(source.filename)
    before = decode(content, source.filename) if content is not None else None
    if not isinstance(before, Source):
        return set(range(1, len(source.line_starts) + 1))
    old, new = before.lines, source.lines
    rows = set(range(1, len(new) + 1))
    times = Counter(old)
    if sum(times[line] for line in new) > _MUCH:
        return {row for row in rows if new[row - 1] not in times}
    from difflib import SequenceMatcher

    for _, start, size in SequenceMatcher(None, old, new, False).get_matching_blocks():
        rows.difference_update(range(start + 1, start + size + 1))
    return rows
