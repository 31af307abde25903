"""Which of a file's findings are told: what is known or unchanged is left out."""

import os
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from atomic_fix.baseline import Baseline
from atomic_fix.finding import Finding, Span
from atomic_fix.run import disk
from atomic_fix.settings import ConfigError
from atomic_fix.source import Source, Unreadable, decode


@dataclass(frozen=True, slots=True)
class Narrowing:
    """`baseline` holds the known findings; `diff_base` is a git commit, and only findings on
    lines that have changed since are told. Empty values narrow nothing."""

    baseline: Baseline | None = None
    diff_base: str = ""

    def narrow(self, findings: tuple[Finding, ...], source: Source) -> tuple[Finding, ...]:
        if self.baseline is not None:
            findings = self.baseline.unknown(findings)
        if self.diff_base and findings:
            changed = _changed_rows(source, self.diff_base)
            findings = tuple(
                each
                for each in findings
                if not changed.isdisjoint(range(each.span.start.row, each.span.end.row + 1))
            )
        return findings


def one_per_call(
    findings: Sequence[Finding], is_hidden: Callable[[Finding], bool] = lambda _: False
) -> tuple[Finding, ...]:
    """The findings with those at one call that say how it publishes a file as a single one.

    Its message names the codes of the others. It is for reports alone: suppressions, baselines
    and repairs know each by its own code, so that one which is suppressed makes room for the
    next. What `is_hidden` stays as it is, and speaks for no other.
    """
    groups: dict[Span, list[Finding]] = {}
    for each in findings:
        if each.precedence is not None and not is_hidden(each):
            groups.setdefault(each.span, []).append(each)
    told: dict[int, Finding | None] = {}
    for group in groups.values():
        first, *others = sorted(group, key=lambda each: -(each.precedence or 0))
        if others:
            codes = ", ".join(sorted(each.code for each in others))
            told.update((id(each), None) for each in others)
            told[id(first)] = replace(first, message=f"{first.message}; also {codes}")
    return tuple(kept for each in findings if (kept := told.get(id(each), each)) is not None)


def read_baseline(path: str) -> Baseline:
    """The baseline of a file.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    from atomic_fix import baseline

    content = disk.read(path)
    if isinstance(content, Unreadable):
        raise ConfigError(f"{path}: {content.reason}")
    try:
        return baseline.parse(content.decode("utf-8"), path)
    except ValueError as error:
        raise ConfigError(f"{path}: not a baseline: {error}") from error


def commit(revision: str) -> str:
    """The full name of the commit that a revision stands for.

    Raises:
        ConfigError: git does not know it, or is not there.
    """
    found = _git(
        ".", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if found is None:
        raise ConfigError(f"--diff-base: git knows no revision `{revision}` here")
    return found.decode("ascii").strip()


def _changed_rows(source: Source, revision: str) -> AbstractSet[int]:
    """The rows of the source that its file did not have at `revision`; all of them when the
    file was not there.

    The text is compared, not the file on disk, so that this holds between two rounds of
    fixes and for standard input too.
    """
    import difflib

    rows = set(range(1, len(source.line_starts) + 1))
    folder, name = os.path.split(os.path.abspath(source.filename))
    content = _git(folder, "show", f"{revision}:./{name}")
    before = decode(content, source.filename) if content is not None else None
    if not isinstance(before, Source):
        return rows
    same = difflib.SequenceMatcher(None, before.lines, source.lines, False)
    for _, start, size in same.get_matching_blocks():
        rows.difference_update(range(start + 1, start + size + 1))
    return rows


def _git(folder: str, *arguments: str) -> bytes | None:
    """What git prints, or None when it fails."""
    import subprocess

    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise ConfigError(f"--diff-base: git cannot be run: {error.strerror}") from error
    return done.stdout if done.returncode == 0 else None
