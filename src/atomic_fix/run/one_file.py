"""Processes one file: from its content to its result, and to its new bytes. Every front end calls
`check_file` or `change_file`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from atomic_fix.config import Config
from atomic_fix.finding import Cells, FileResult, Finding, NotAnalysed, Unreadable, in_cells
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.time_limit import REASON, TooLong, limited
from atomic_fix.settings import ConfigError, FileIgnores, Settings
from atomic_fix.source import Source, decode, is_notebook, is_python

if TYPE_CHECKING:
    import ast

    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.outside import FileSlice
    from atomic_fix.patterns import Patterns
    from atomic_fix.project.index import ProjectIndex
    from atomic_fix.run.fix_policy import FixPolicy
    from atomic_fix.run.helper_import import Missing

Content: TypeAlias = bytes | Source | Unreadable
"""The content that a front end has: the bytes, the text, or the reason why there is neither."""
_Result = TypeVar("_Result")

_LONGEST_ERROR = 200
"""Characters."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that Python has already parsed, and its tree."""

    text: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Repair:
    """The outcome of a policy for one file. `before` and `after` are its bytes, equal if nothing
    changes; `result` has the remaining findings. The other fields are those of `Rewrite` and
    `Outcome`.
    """

    before: bytes
    after: bytes
    applied: tuple[Finding, ...]
    result: FileResult
    refusal: str = ""
    quit: bool = False
    missing: Missing | None = None
    remarks: frozenset[str] = frozenset()
    imported: tuple[tuple[Finding, str], ...] = ()
    within: tuple[str, ...] = ()
    """The real paths of the folders that the file has to be in to be written."""


def check_file(
    content: Content,
    filename: str,
    settings: Settings,
    report_filter: ReportFilter,
    parsed: Parsed | None = None,
    *,
    noqa: bool = True,
    fixes: bool = True,
    outside: FileSlice | None = None,
    left_out: bool = False,
) -> FileResult:
    """Check one file that has been read. Never raises because of the content of the file. Without
    `noqa`, comments that flake8 also knows are ignored; without `fixes`, no repairs are computed,
    which take as long as everything else. `outside` is the evidence in other files; `left_out`
    means that the prefilter is known to reject the file.

    Raises:
        ConfigError: the baseline cannot be read.
    """

    cells: Cells | None = None

    def work() -> FileResult:
        nonlocal cells
        is_alone = outside is None
        given = _opened(content, filename)
        cells = given.cells if isinstance(given, Source) else None
        if _is_plainly_clean(
            given,
            filename,
            settings,
            parsed,
            notes=noqa,
            is_alone=is_alone,
            left_out=left_out,
        ):
            return FileResult(filename)
        with _trees_known():
            return analyse(given)

    def analyse(given: Content) -> FileResult:
        source = _source_of(given, filename)
        tree = parsed.tree if parsed is not None and parsed.text == source.text else None
        found = _found(source, settings, tree, outside, fixes=fixes)
        kept = _kept(found, source, settings, report_filter, noqa=noqa)
        notes: tuple[tuple[int, str], ...] = ()
        if noqa and not settings.leaves_out(filename):  # else findings may be missing
            from atomic_fix.suppress import unused

            notes = unused(found, source, settings.config)
        return kept.counted(_result(source, kept.findings, notes))

    result = _guarded(filename, work)
    if isinstance(result, Unreadable):
        return FileResult(filename, problem=result, cells=cells)
    return result


def is_clean_anyway(content: Content, filename: str, settings: Settings) -> bool:
    """Whether the bytes of a file show that there is nothing to report, whatever other files
    contain."""
    found = _guarded(
        filename,
        lambda: _is_plainly_clean(
            _opened(content, filename), filename, settings, notes=True, is_alone=False
        ),
    )
    return found is True


def looked_at(
    content: Content,
    filename: str,
    settings: Settings,
    look: Callable[[ModuleFacts], _Result],
    outside: FileSlice | None = None,
) -> _Result | Unreadable:
    """The result of `look` for the facts of a file, without checking it; `outside` is the evidence
    in other files."""

    def work() -> _Result:
        from atomic_fix.facts.module import ModuleFacts
        from atomic_fix.facts.nodes import forget_nodes
        from atomic_fix.facts.outside import NOTHING_OUTSIDE
        from atomic_fix.facts.tree import Tree
        from atomic_fix.parse import stack
        from atomic_fix.parse.python import parsed

        source = _source_of(content, filename)

        def with_facts() -> _Result:
            module = parsed(source)
            if isinstance(module, Unreadable):
                raise NotAnalysed(module)
            facts = ModuleFacts(
                source, Tree(source, module), settings.config, outside or NOTHING_OUTSIDE
            )
            try:
                return look(facts)
            finally:
                forget_nodes()
                facts.forget()

        return stack.with_enough_stack(with_facts)

    return _guarded(filename, work)


def change_file(
    content: Content,
    filename: str,
    settings: Settings,
    report_filter: ReportFilter,
    policy: FixPolicy,
    *,
    outside: FileSlice | None = None,
) -> Repair:
    """Check one file and change it in memory, as the policy says; `outside` is the evidence in
    other files."""
    given = content if isinstance(content, bytes) else b""
    states: list[_Kept] = []
    known = _Known()
    cells: Cells | None = None

    def work() -> Repair:
        nonlocal cells
        opened = _opened(content, filename)
        cells = opened.cells if isinstance(opened, Source) else None
        if _is_plainly_clean(opened, filename, settings, is_alone=outside is None):
            return Repair(given, given, (), FileResult(filename))
        with _trees_known():
            return repair(opened)

    def repair(opened: Content) -> Repair:
        from atomic_fix.run.fix_policy import Suppress, carry_out

        if outside is not None and not isinstance(policy, Suppress) and policy.imports is not None:
            policy.imports.use_own(filename, outside.helper)
        source = _source_of(opened, filename)

        def find(text: Source) -> tuple[Finding, ...]:
            said = _moved(outside, source, text)
            found = _found(text, settings, outside=said, known=known)
            states.append(_kept(found, text, settings, report_filter))
            return states[-1].findings

        outcome = carry_out(policy, source, find)
        new = outcome.rewrite
        result = _result(replace(source, text=new.text), new.remaining)
        before = after = given if isinstance(content, bytes) else _encoded(source) or b""
        refusal = new.refusal
        if new.text != source.text and before != _encoded(source):
            result = _result(source, find(source))
            refusal = f"the encoding {source.encoding} does not reproduce the bytes of the file"
        elif new.text != source.text:
            after = source.encode(new.text)
        return Repair(
            before,
            after,
            new.applied if after != before else (),
            # The original result: findings hidden by `--add-noqa` are counted separately.
            states[0].counted(result) if states else result,
            refusal,
            new.quit,
            outcome.missing,
            outcome.remarks,
            outcome.imported,
        )

    made = _guarded(filename, work)
    if isinstance(made, Unreadable):
        return Repair(given, given, (), FileResult(filename, problem=made, cells=cells))
    return made


def _guarded(filename: str, work: Callable[[], _Result]) -> _Result | Unreadable:
    """The result of `work` on a file, or the reason for its failure: the file cannot be analysed,
    takes too long, or triggers a defect in atomic-fix, which must not stop the other files or let
    this one pass as clean."""
    try:
        with gc_paused():
            return limited(work)
    except NotAnalysed as error:
        return error.problem
    except TooLong:
        return Unreadable(filename, REASON)
    except MemoryError:
        return Unreadable(filename, "cannot be analysed: it needs more memory than there is")
    except (BrokenPipeError, ConfigError):
        raise  # from the prompts of --interactive, or the baseline
    except Exception as error:
        return defect(error, filename)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable the garbage collector meanwhile: syntax trees are large and contain no cycles, and
    searching them again and again while they grow took a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _trees_known() -> Iterator[None]:
    """Parse each text of a file once, and free the trees at the end."""
    from atomic_fix.fixes.texts import forget_texts

    try:
        yield
    finally:
        forget_texts()


def _is_plainly_clean(
    content: Content,
    filename: str,
    settings: Settings,
    parsed: Parsed | None = None,
    *,
    notes: bool = False,
    is_alone: bool = True,
    left_out: bool = False,
) -> bool:
    """Whether the bytes alone show that there is nothing to report for a file, for which other
    files may have evidence unless it `is_alone`; with `notes`, also nothing about its comments."""
    from atomic_fix.prefilter import cannot_match

    if isinstance(content, Source) and content.cells is not None:
        content = content.text.encode("utf-8", "surrogatepass")
    elif not filename.endswith(".py"):
        return False
    return (
        isinstance(content, bytes)
        and not (notes and may_hold_notes(content))
        and (left_out or cannot_match(content, settings.config, with_others=not is_alone))
        # Syntax errors are reported by other tools, unless check-syntax is set.
        and (not settings.check_syntax or parsed is not None or is_python(content))
    )


def may_hold_notes(content: Content) -> bool:
    """Whether there may be remarks on the comments of a file."""
    return not isinstance(content, bytes) or b"ATF" in content or b"atomic-fix:" in content


def _opened(content: Content, filename: str) -> Content:
    """The content of a file as Python source: for a notebook, its cells."""
    is_packed = isinstance(content, bytes) and is_notebook(filename)
    return _source_of(content, filename) if is_packed else content


def _source_of(content: Content, filename: str) -> Source:
    """The text of a file.

    Raises:
        NotAnalysed: it has none.
    """
    if isinstance(content, bytes):
        content = decode(content, filename)
    if isinstance(content, Unreadable):
        raise NotAnalysed(content)
    return content


def _encoded(source: Source) -> bytes | None:
    """The text in the form in which it would be written; None if that is impossible."""
    try:
        return source.encode(source.text)
    except ValueError:
        return None


class _Known:
    """The findings in the last texts of one file. A repair is tried before it is offered, and
    applying it later produces the same text."""

    _MOST = 4
    """The number of texts to keep: refused repairs are tried one by one, and each try produces
    another text."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Finding, ...]] = {}

    def or_else(
        self, source: Source, find: Callable[[Source], tuple[Finding, ...]]
    ) -> tuple[Finding, ...]:
        """The findings of a text, computed by `find` unless cached."""
        text = source.text
        if text not in self._found:
            found = find(source)
            if len(self._found) >= self._MOST:
                del self._found[next(iter(self._found))]
            self._found[text] = found
        return self._found[text]


def _found(
    source: Source,
    settings: Settings,
    tree: ast.Module | None = None,
    outside: FileSlice | None = None,
    *,
    fixes: bool = True,
    known: _Known | None = None,
) -> tuple[Finding, ...]:
    """Every finding.

    Args:
        known: the findings in other texts of the file.

    Raises:
        NotAnalysed: the source cannot be analysed.
    """
    from atomic_fix.check import check

    left_out = settings.leaves_out(source.filename)
    if left_out and (tree is not None or is_python(source.text.encode())):
        return ()
    config = _styled(settings, source.filename) if fixes else settings.config
    known = _Known() if known is None else known

    def find(text: Source) -> tuple[Finding, ...]:
        given = tree if text is source else None
        index = _index(text, _moved(outside, source, text))
        return known.or_else(
            text, lambda each: check(each, config, given, index=index, fixes=fixes)
        )

    findings = find(source)
    if left_out:
        return ()
    if all(finding.fix is None for finding in findings):
        return findings
    from atomic_fix.rewrite import verified

    return verified(source, findings, find)


def _index(source: Source, outside: FileSlice | None) -> ProjectIndex:
    from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex

    return ProjectIndex({source.filename: outside}) if outside is not None else EMPTY_INDEX


def _moved(outside: FileSlice | None, before: Source, after: Source) -> FileSlice | None:
    """The evidence in other files about a text that fixes have changed."""
    if outside is None or before.text == after.text:
        return outside
    from atomic_fix.project.moved import moved

    return moved(outside, before.lines, after.lines)


def _styled(settings: Settings, filename: str) -> Config:
    """The configuration with the style of the file's project. Settings of other tools are read only
    here, after the prefilter, because most files do not get this far."""
    if settings.isolated:
        return settings.config
    from atomic_fix.style import style_of

    return replace(settings.config, style=style_of(filename))


def defect(error: Exception, filename: str) -> Unreadable:
    """The problem to report for an exception that only a defect of this tool can have raised.

    Raises:
        KeyboardInterrupt: the exception was caused by an interrupt: clean-up code that runs during
        an interrupt, LibCST's for example, may itself fail on incomplete state.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise cause
        cause = cause.__context__
    # The text of an exception may contain a whole syntax tree, too deep for `str`.
    try:
        text = str(error)
    except Exception:
        text = "..."
    said = " ".join(f"internal error: {type(error).__name__}: {text}".split())
    if len(said) > _LONGEST_ERROR:
        said = f"{said[:_LONGEST_ERROR]}..."
    return Unreadable(filename, f"{said} (please report this, with the file)")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The reported findings, and the number of hidden ones."""

    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    known: int = 0

    def counted(self, result: FileResult) -> FileResult:
        return replace(result, suppressed=self.suppressed, known=self.known)


def _kept(
    findings: tuple[Finding, ...],
    source: Source,
    settings: Settings,
    report_filter: ReportFilter,
    *,
    noqa: bool = True,
) -> _Kept:
    findings = _not_ignored_here(findings, source.filename, settings)
    if not findings:
        return _Kept()
    from atomic_fix.suppress import unsuppressed

    left = unsuppressed(findings, source, noqa=noqa, require_reason=settings.require_reason)
    unknown = report_filter.unknown(left)
    changed = report_filter.changed(unknown, source)
    return _Kept(changed, len(findings) - len(left), len(left) - len(unknown))


def _result(
    source: Source, findings: tuple[Finding, ...], notes: tuple[tuple[int, str], ...] = ()
) -> FileResult:
    ordered = tuple(sorted(findings, key=lambda finding: finding.sort_key))
    if source.cells is not None:
        ordered = tuple(in_cells(each, source.cells) for each in ordered)
    is_shown = any(each.fix is not None for each in ordered)
    return FileResult(
        source.filename,
        ordered,
        notes,
        text=source.text if is_shown else None,
        cells=source.cells,
    )


def _not_ignored_here(
    findings: tuple[Finding, ...], filename: str, settings: Settings
) -> tuple[Finding, ...]:
    """The findings without those that `per-file-ignores` excludes."""
    if not findings or not settings.per_file_ignores:
        return findings
    ignored = tuple(
        code
        for patterns, codes in _ignores(settings.per_file_ignores)
        if patterns.leave_out(os.path.abspath(filename))
        for code in codes
    )
    return tuple(each for each in findings if not each.code.startswith(ignored))


@lru_cache
def _ignores(
    per_file_ignores: tuple[FileIgnores, ...],
) -> list[tuple[Patterns, tuple[str, ...]]]:
    from atomic_fix.patterns import Patterns, encoded

    return [
        (Patterns(each.folder, [encoded(each.pattern)]), each.codes) for each in per_file_ignores
    ]
