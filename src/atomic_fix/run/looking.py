"""Examines one file for its summary, which provides evidence about other files of its project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from atomic_fix.config import Config, Style
from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.prefilter import cannot_match
from atomic_fix.project.clues import for_all_files, held_by
from atomic_fix.run import one_file, store
from atomic_fix.run.discover import Candidate
from atomic_fix.run.one_file import Content, check_file, may_hold_notes
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Settings

if TYPE_CHECKING:
    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.project.summary import FileSummary

_MOST_BYTES = 2 << 20
"""The largest file that is summarised; larger ones are not written by hand."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to examine one file: its name in the project, the digest of the cached content, and the
    clues to search for if the prefilter rejects the file. `left_out` says that it is known to be
    rejected. A summary is wanted if `summary` is set, unless the prefilter rejects the file now."""

    name: str
    clues: frozenset[str] = frozenset()
    known: str = ""
    left_out: bool = False
    summary: bool = True
    own: frozenset[str] = frozenset()
    """The first parts of the names of the project's modules."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of examining a file. `summary` is None if it was not requested, if it is empty, or
    if the file cannot be analysed."""

    digest: str
    matters: bool = False
    """Whether the prefilter lets it through."""
    clues: frozenset[str] = frozenset()
    summary: FileSummary | None = None
    is_known: bool = False
    """Whether the content is the cached one; the other fields are then not filled in."""


@lru_cache(maxsize=8)
def settings_of_summary(config: Config) -> Config:
    """The part of a configuration that affects summaries."""
    return replace(config, select=(), extend_select=(), ignore=(), on_corrupt="auto", style=Style())


def looked_at(
    content: Content,
    digest: str,
    candidate: Candidate,
    look: Look,
    report_filter: ReportFilter,
    *,
    checks: bool,
) -> tuple[FileResult | None, Seen | None]:
    """Examine a file, and, if it `checks`, also return the result without evidence from other
    files. The result is None if a full check is needed, which should wait for that evidence."""
    path, settings = candidate.path, candidate.settings
    seen, is_wanted = _glanced_at(content, digest, settings, look)
    if seen is None or not is_wanted:
        result = None
        if checks:
            # Searching the bytes again would cost as much as everything else.
            is_same = settings_of_summary(settings.config) == settings.config
            left_out = seen is not None and is_same and not (seen.matters or seen.is_known)
            result = check_file(content, path, settings, report_filter, left_out=left_out)
        return result, seen

    def look_at(facts: ModuleFacts) -> tuple[FileSummary, bool]:
        from atomic_fix.facts.shortlist import has_likely_finding
        from atomic_fix.project.summarise import summary_of

        is_likely = checks and has_likely_finding(facts, shapes=settings.config.names_rules)
        return summary_of(facts, path=look.name, own=look.own), is_likely

    found = one_file.looked_at(content, path, settings, look_at)
    if isinstance(found, Unreadable):
        return None, seen
    summary, is_likely = found
    is_clean = checks and not is_likely and not may_hold_notes(content)
    return FileResult(path) if is_clean else None, replace(seen, summary=summary)


def _glanced_at(
    content: Content, digest: str, settings: Settings, look: Look
) -> tuple[Seen | None, bool]:
    """What the bytes of a file show, and whether it has to be parsed."""
    if not isinstance(content, bytes):
        return None, False
    if digest == look.known and not look.left_out:
        return Seen(digest, is_known=True), False
    config = settings_of_summary(settings.config)
    matters = not look.left_out and not cannot_match(content, config)
    clues = held_by(content, for_all_files(look.clues) if matters else look.clues)
    is_wanted = (matters or look.left_out) and look.summary and len(content) <= _MOST_BYTES
    return Seen(digest, matters, clues), is_wanted


def seen_in(content: bytes, candidate: Candidate, look: Look) -> Seen | None:
    """Examine a file with this content."""
    _, seen = looked_at(
        content, store.digest(content), candidate, look, ReportFilter(), checks=False
    )
    return seen
