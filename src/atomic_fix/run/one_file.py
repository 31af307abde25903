"""One file from its bytes to what is to be told of it, and to its new bytes."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from atomic_fix.config import Config
from atomic_fix.finding import FileResult, Finding
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.time_limit import REASON, TooLong, limited
from atomic_fix.settings import Settings
from atomic_fix.source import Source, Unreadable, below, decode, is_python, is_test_file

if TYPE_CHECKING:
    import ast

    from atomic_fix.patterns import Patterns
    from atomic_fix.rewrite import Rewrite
    from atomic_fix.suppress import Suppression, Suppressions

Find: TypeAlias = Callable[[Source], Sequence[Finding]]
_Result = TypeVar("_Result")
Change: TypeAlias = "Callable[[Source, Find], Rewrite]"
"""Makes of a source, and of what finds the findings to be told of a text, a new text."""

_LONGEST_ERROR = 200
"""Characters."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What a change makes of one file.

    `before` and `after` are its bytes, equal when nothing is to change; `result` tells what
    remains. The others are those of `Rewrite`.
    """

    before: bytes
    after: bytes
    applied: tuple[Finding, ...]
    result: FileResult
    refusal: str = ""
    quit: bool = False
    within: tuple[str, ...] = ()
    """The folders, by their real paths, that the file has to lie in to be written."""


def check_bytes(
    content: bytes | Unreadable, filename: str, settings: Settings, narrowing: Narrowing
) -> FileResult:
    """Check one file that was read already. Never raises for what stands in the file."""
    result = _guarded(filename, lambda: _check_bytes(content, filename, settings, narrowing))
    return unreadable(result) if isinstance(result, Unreadable) else result


def _check_bytes(
    content: bytes | Unreadable, filename: str, settings: Settings, narrowing: Narrowing
) -> FileResult:
    if isinstance(content, bytes) and _is_plainly_clean(content, filename, settings):
        return FileResult(filename, ())
    source = _decoded(content, filename)
    if isinstance(source, Unreadable):
        return unreadable(source)
    findings = _found(source, settings)
    result = _result(filename, _kept(findings, source, settings, narrowing))
    if not result.analysed or _is_left_out(filename, settings):
        return result  # what is not looked for cannot be missed
    return replace(result, notes=_notes(findings, source, settings))


def _guarded(filename: str, work: Callable[[], _Result]) -> _Result | Unreadable:
    """What `work` makes of a file, or why it cannot: it takes too long, or fails by a defect of
    ours, which must not stop the other files, nor let this one pass."""
    try:
        return limited(work)
    except TooLong:
        return Unreadable(filename, REASON)
    except MemoryError:
        return Unreadable(filename, "cannot be analysed: it takes more memory than there is")
    except BrokenPipeError:
        raise  # of who is asked about each repair, and went away
    except Exception as error:
        return defect(error, filename)


@contextmanager
def uncollected() -> Iterator[None]:
    """Search for no cycles meanwhile: the trees of a file are large and hold none, and to
    search them, again and again while they grow, took a fourth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_plainly_clean(content: bytes, filename: str, settings: Settings) -> bool:
    """Whether the bytes alone show that there is nothing to tell of a file."""
    from atomic_fix.prefilter import holds_none

    return (
        filename.endswith(".py")
        and not (b"ATF" in content or b"atomic-fix:" in content)  # comments to look at
        and holds_none(content, settings.config)
        and is_python(content)
    )


def change_bytes(
    content: bytes | Unreadable,
    filename: str,
    settings: Settings,
    narrowing: Narrowing,
    change: Change,
) -> Repair:
    """Check one file and change it in memory."""
    kept = b"" if isinstance(content, Unreadable) else content
    repair = _guarded(
        filename, lambda: _change_bytes(content, filename, settings, narrowing, change)
    )
    if isinstance(repair, Unreadable):
        return Repair(kept, kept, (), unreadable(repair))
    return repair


def _change_bytes(
    content: bytes | Unreadable,
    filename: str,
    settings: Settings,
    narrowing: Narrowing,
    change: Change,
) -> Repair:
    source = _decoded(content, filename)
    if isinstance(content, Unreadable) or isinstance(source, Unreadable):
        kept = b"" if isinstance(content, Unreadable) else content
        return Repair(kept, kept, (), _check_bytes(content, filename, settings, narrowing))
    new = change(source, lambda text: _told(text, settings, narrowing))
    if new.text == source.text:
        return Repair(content, content, (), _result(filename, new.remaining), new.refusal, new.quit)
    if not _gives_back(source, content):
        findings = _told(source, settings, narrowing)
        refusal = f"the encoding {source.encoding} does not give its bytes back as they are"
        return Repair(content, content, (), _result(filename, findings), refusal, new.quit)
    return Repair(
        content,
        source.encode(new.text),
        new.applied,
        _result(filename, new.remaining),
        new.refusal,
        new.quit,
    )


def _gives_back(source: Source, content: bytes) -> bool:
    """Whether the text is written as the bytes that it was read from."""
    try:
        return source.encode(source.text) == content
    except ValueError:
        return False


def told(
    source: Source,
    settings: Settings,
    narrowing: Narrowing,
    tree: ast.Module | None = None,
    *,
    noqa: bool = True,
) -> tuple[Finding, ...]:
    """The findings that are to be told: all, less what this file may keep.

    What is left out here is never fixed either. `tree` is Python's syntax tree of the source,
    if there is one already. Without `noqa`, comments that flake8 knows too are not looked at.
    Never raises for what stands in the text.
    """
    found = _guarded(source.filename, lambda: _told(source, settings, narrowing, tree, noqa=noqa))
    return unreadable(found).findings if isinstance(found, Unreadable) else found


def _told(
    source: Source,
    settings: Settings,
    narrowing: Narrowing,
    tree: ast.Module | None = None,
    *,
    noqa: bool = True,
) -> tuple[Finding, ...]:
    return _kept(_found(source, settings, tree), source, settings, narrowing, noqa=noqa)


def _found(
    source: Source, settings: Settings, tree: ast.Module | None = None
) -> tuple[Finding, ...]:
    """Every finding, or the ATF000 that says why there are none."""
    from atomic_fix.check import UNREADABLE, check

    left_out = _is_left_out(source.filename, settings)
    if left_out and (tree is not None or is_python(source.text.encode())):
        return ()
    config = _styled(settings, source.filename)
    findings = check(source, config, tree)
    if left_out:
        return tuple(each for each in findings if each.code == UNREADABLE)
    if all(finding.fix is None for finding in findings):
        return findings
    from atomic_fix.rewrite import proven

    return proven(source, findings, lambda text: check(text, config))


def _styled(settings: Settings, filename: str) -> Config:
    """The configuration with the style of the file's project. Only here, behind the filter on
    bytes, are files of other tools read: most files never get so far."""
    if settings.isolated:
        return settings.config
    from atomic_fix.style import style_of

    return replace(settings.config, style=style_of(filename))


def _is_left_out(filename: str, settings: Settings) -> bool:
    """Whether a file is one of tests, and those are not checked."""
    if settings.config.check_tests:
        return False
    path = os.path.abspath(filename)
    if "test" not in path.lower():
        return False
    # Seen from the folder of the configuration, or of the project: that a folder above it is
    # called `tests` says nothing.
    root = settings.root if settings.origin else _project_of(path) or settings.root
    return is_test_file(below(path, root) or path)


_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def _project_of(path: str) -> str:
    """The folder of the git repository that holds a file, or else the nearest one with a project
    file; empty for none."""
    nearest = ""
    folder = os.path.dirname(path)
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return folder
        if not nearest and any(os.path.exists(os.path.join(folder, n)) for n in _PROJECT_FILES):
            nearest = folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return nearest
        folder = parent


def defect(error: Exception, filename: str) -> Unreadable:
    """What to tell of an error that only a defect of this tool can have raised.

    Raises:
        KeyboardInterrupt: the error came of an interrupt: clean-up code that an interrupt
            leads through, LibCST's for example, may itself fail on what it finds half-done.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise cause
        cause = cause.__context__
    # The text of an error may be a whole syntax tree, and too deep to be made.
    try:
        text = str(error)
    except Exception:
        text = "..."
    said = " ".join(f"internal error: {type(error).__name__}: {text}".split())
    if len(said) > _LONGEST_ERROR:
        said = f"{said[:_LONGEST_ERROR]}..."
    return Unreadable(filename, f"{said} (please report this, with the file)")


def _kept(
    findings: tuple[Finding, ...],
    source: Source,
    settings: Settings,
    narrowing: Narrowing,
    *,
    noqa: bool = True,
) -> tuple[Finding, ...]:
    from atomic_fix.check import UNREADABLE

    if not findings or findings[0].code == UNREADABLE:
        return findings
    from atomic_fix.suppress import Reach, Suppressions

    suppressions = Suppressions.of(source)
    if not noqa:
        suppressions = suppressions.only(Reach.RANGE)
    left = []
    for finding in findings:
        comments = [each for each in suppressions.comments if each.covers(finding)]
        if not comments:
            left.append(finding)
        elif settings.require_reason and not any(each.reason for each in comments):
            reminder = f"{finding.message}; the comment that suppresses it gives no reason"
            left.append(replace(finding, message=reminder))
    return narrowing.narrow(_not_ignored_here(tuple(left), source.filename, settings), source)


def _notes(
    findings: tuple[Finding, ...], source: Source, settings: Settings
) -> tuple[tuple[int, str], ...]:
    """What to say of comments that suppress none of the findings, from which nothing may have
    been left out."""
    if "ATF" not in source.text and "atomic-fix:" not in source.text:
        return ()
    from atomic_fix.check import selected_rules
    from atomic_fix.rules import RULES
    from atomic_fix.suppress import Reach, Suppressions

    on = {rule.code for rule in selected_rules(settings.config)}
    # What is not looked for cannot be missed.
    off = {rule.code for rule in RULES if rule.code not in on}
    usual = {rule.code for rule in RULES if rule.default} & off
    notes = []
    for comment in _real_comments(Suppressions.of(source), source):
        row = comment.span.start.row
        covered = [each for each in findings if comment.covers(each)]
        if comment.reach is Reach.NOTHING:
            notes.append((row, f"`{source.slice(comment.span)}` switches nothing off or on"))
        elif comment.reach is Reach.RANGE and not covered and not usual:
            notes.append((row, f"`{source.slice(comment.span)}` suppresses nothing"))
        notes.extend(
            (row, f"`# noqa: {code}` suppresses nothing")
            for code in comment.codes
            if code.startswith("ATF")
            and not any(each.code.startswith(code) for each in covered)
            and code not in off
            and not any(each.startswith(code) for each in usual)
        )
    return tuple(notes)


def _real_comments(suppressions: Suppressions, source: Source) -> Iterator[Suppression]:
    """Those that are comments to Python too: flake8, and so we, take them in strings as well,
    but one that only stands in a string, such as an example, is not worth a word."""
    from atomic_fix.suppress import CommentRows

    if not suppressions.comments:
        return
    try:
        columns = CommentRows(source).comments
    except ValueError:
        return
    for each in suppressions.comments:
        start = each.span.start
        if start.row in columns and start.column > columns[start.row]:
            yield each


def unreadable(problem: Unreadable) -> FileResult:
    """The result for a path that could not be analysed."""
    from atomic_fix.check import unreadable_finding

    return FileResult(problem.filename, (unreadable_finding(problem),), analysed=False)


def _decoded(content: bytes | Unreadable, filename: str) -> Source | Unreadable:
    if isinstance(content, Unreadable):
        return content
    if filename.lower().endswith(".ipynb"):
        # Its JSON may well parse as Python, and would then pass in silence.
        return Unreadable(filename, "notebooks are not checked")
    return decode(content, filename)


def _result(filename: str, findings: tuple[Finding, ...]) -> FileResult:
    from atomic_fix.check import UNREADABLE

    ordered = tuple(sorted(findings, key=lambda finding: finding.sort_key))
    return FileResult(filename, ordered, analysed=all(each.code != UNREADABLE for each in ordered))


def _not_ignored_here(
    findings: tuple[Finding, ...], filename: str, settings: Settings
) -> tuple[Finding, ...]:
    """The findings less those of `per-file-ignores`."""
    if not settings.per_file_ignores:
        return findings
    ignored = tuple(
        code
        for patterns, codes in _ignores(settings.root, settings.per_file_ignores)
        if patterns.leave_out(os.path.abspath(filename))
        for code in codes
    )
    return tuple(each for each in findings if not each.code.startswith(ignored))


@lru_cache
def _ignores(
    root: str, per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...]
) -> list[tuple[Patterns, tuple[str, ...]]]:
    from atomic_fix.patterns import Patterns, encoded

    return [(Patterns(root, [encoded(pattern)]), codes) for pattern, codes in per_file_ignores]
