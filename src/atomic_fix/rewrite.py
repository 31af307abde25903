"""Findings -> new text. Only this module changes text, and only in memory."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from atomic_fix.facts.statements import Statements
from atomic_fix.finding import Applicability, Edit, Finding, NotAnalysed, Span
from atomic_fix.fixes.texts import statements_of
from atomic_fix.fixes.unused_imports import without_unused_imports
from atomic_fix.source import Source

SAFE_ONLY = frozenset({Applicability.SAFE})
SAFE_AND_UNSAFE = frozenset({Applicability.SAFE, Applicability.UNSAFE})

ROUND_LIMIT = 10
"""The most rounds of check and apply. A fix needs a second round if it overlaps an earlier one, and
hardly ever a third; a file that is not stable after ten never will be."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The result for one source. `applied` are the repaired findings, as they were in the round
    that repaired them; `remaining` are those of the final text. If `refusal` is not empty, it is a
    clause that says why the source was left alone, and `text` is the original text; for a review,
    it says why some fixes were not applied. `quit`: the user has ended the review.
    """

    text: str
    applied: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    refusal: str = ""
    quit: bool = False


def apply_fixes(
    source: Source, findings: Sequence[Finding], allowed: AbstractSet[Applicability]
) -> tuple[str, list[Finding]]:
    """Apply every allowed fix that does not overlap an earlier one; return the new text, and the
    findings whose fixes were applied. A fix is applied completely or not at all. An edit that an
    earlier fix already makes (two fixes that add the same import) is made once.
    """
    accepted: set[Edit] = set()
    ordered: list[Edit] = []
    edited = _Edited()
    repaired: list[Finding] = []
    for finding in findings:
        fix = finding.fix
        if fix is None or fix.applicability not in allowed:
            continue
        new = [each for each in dict.fromkeys(fix.edits) if each not in accepted]
        if any(edited.overlaps(each.span) for each in new):
            continue
        if any(_cross(one.span, other.span) for one, other in itertools.combinations(new, 2)):
            continue  # a fix whose own edits overlap cannot be applied
        for edit in new:
            edited.add(edit.span)
        accepted.update(new)
        ordered.extend(new)
        repaired.append(finding)

    pieces = []
    position = 0
    # Stable sort, so that insertions of one fix at one position keep their order.
    for edit in sorted(ordered, key=lambda each: each.span):
        pieces.append(source.text[position : source.offset(edit.span.start)])
        pieces.append(edit.text.replace("\n", source.newline))
        position = source.offset(edit.span.end)
    pieces.append(source.text[position:])
    return "".join(pieces), repaired


class _Edited:
    """The edited spans, which do not overlap. A file may have thousands, so each is compared only
    with its neighbours."""

    def __init__(self) -> None:
        # In order of their starts and, since they do not overlap, of their ends too.
        self._spans: list[Span] = []

    def overlaps(self, span: Span) -> bool:
        """Whether a span overlaps or equals one of them."""
        index = bisect_right(self._spans, span.start, key=lambda each: each.end)
        if index < len(self._spans) and _cross(self._spans[index], span):
            return True
        # Two insertions at one position: their order would be a guess.
        index = bisect_left(self._spans, span)
        return index < len(self._spans) and self._spans[index] == span

    def add(self, span: Span) -> None:
        insort(self._spans, span)


def _cross(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def rewrite(
    source: Source,
    find: Callable[[Source], Sequence[Finding]],
    allowed: AbstractSet[Applicability],
) -> Rewrite:
    """Check and apply until no allowed fix is left. `find` returns the findings to be reported, so
    that suppressed ones and those in a baseline are never touched. The source is refused and left
    unchanged if the result would not compile, would have lost a comment, cannot be written in the
    file's encoding, or does not become stable.

    Raises:
        NotAnalysed: the source itself cannot be analysed.
    """
    first = findings = tuple(find(source))
    current = source
    problem = ""
    repaired: list[Finding] = []
    for _ in range(ROUND_LIMIT):
        text, applied = apply_fixes(current, findings, allowed)
        if text == current.text:
            break
        repaired.extend(applied)
        current = replace(current, text=text)
        findings, problem = _found(current, find)
    else:
        return Rewrite(source.text, (), first, f"the fixes do not settle in {ROUND_LIMIT} rounds")
    if current.text == source.text:
        return Rewrite(source.text, (), first)
    final = tidied(source, current)
    reason = refusal(source, final)
    if not reason and final.text != current.text:
        findings, problem = _found(final, find)  # they are on other rows
    if reason := reason or problem:
        return Rewrite(source.text, (), first, reason)
    return Rewrite(final.text, tuple(repaired), findings)


def _found(
    source: Source, find: Callable[[Source], Sequence[Finding]]
) -> tuple[tuple[Finding, ...], str]:
    """The findings of a text that fixes have produced, or why it cannot be analysed."""
    try:
        return tuple(find(source)), ""
    except NotAnalysed as error:
        return (), f"the result {error}"


def verified(
    source: Source, findings: Sequence[Finding], find: Callable[[Source], Sequence[Finding]]
) -> tuple[Finding, ...]:
    """The findings, without the fixes that `rewrite` would refuse: a fix that leads to endless
    further fixes, or to a text that must not replace the source, must not be offered anywhere. All
    are tried at once, as in `--write`; one by one only if that fails.
    """
    ways = {each.fix.applicability for each in findings if each.fix is not None}
    tried = [SAFE_AND_UNSAFE] if Applicability.UNSAFE in ways else []
    tried += [SAFE_ONLY] if Applicability.SAFE in ways else []
    if not any(_fault(source, findings, find, allowed) for allowed in tried):
        return tuple(findings)
    kept = []
    for finding in findings:
        others = {_key(other) for other in findings if other is not finding}
        if finding.fix is not None and (fault := _fault_of(source, finding, find, others)):
            finding = replace(finding, fix=None, why_no_fix=fault)
        kept.append(finding)
    return tuple(kept)


def _fault_of(
    source: Source,
    finding: Finding,
    find: Callable[[Source], Sequence[Finding]],
    others: AbstractSet[object],
) -> str:
    """Why a fix, together with the fixes that it leads to, must not be applied."""

    def following(text: Source) -> list[Finding]:
        return [each for each in find(text) if _key(each) not in others]

    return _fault(source, [finding], following, SAFE_AND_UNSAFE)


def _key(finding: Finding) -> object:
    """The properties of a finding that do not change if rows are added or removed above it."""
    edits = finding.fix.edits if finding.fix is not None else ()
    return finding.code, finding.source_line, tuple(edit.text for edit in edits)


def _fault(
    source: Source,
    findings: Sequence[Finding],
    find: Callable[[Source], Sequence[Finding]],
    allowed: AbstractSet[Applicability],
) -> str:
    current = source
    problem = ""
    for _ in range(ROUND_LIMIT):
        text, _applied = apply_fixes(current, findings, allowed)
        if text == current.text:
            found = refusal(source, tidied(source, current)) if current is not source else ""
            return found or problem
        current = replace(current, text=text)
        findings, problem = _found(current, find)
    return f"the fixes do not settle in {ROUND_LIMIT} rounds"


def tidied(before: Source, after: Source) -> Source:
    """`after` without the imports whose last use the fixes removed."""
    return replace(after, text=without_unused_imports(before.filename, before.text, after.text))


def refusal(before: Source, after: Source) -> str:
    """A clause that says why `after` must not replace `before`, or empty."""
    try:
        before.encode(after.text)
    except UnicodeEncodeError as error:
        return f"the result cannot be written as {after.encoding}: {error.reason}"
    except ValueError as error:
        return f"the result cannot be written: {error}"
    changed = _changed(before.text, after.text)
    if (
        (changed is None or not _compiles(*changed))
        and not _compile_error(before.text)
        and (said := _compile_error(after.text))
    ):
        return f"the result would not compile: {said}"
    if lost := _lost_comments(before.text, after.text, changed):
        return f"the result would lose a comment: {lost}"
    return ""


def _changed(before: str, after: str) -> tuple[Statements, Statements] | None:
    """The statements of both texts; None if one of them cannot be parsed."""
    try:
        return statements_of(before), statements_of(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _compiles(old: Statements, new: Statements) -> bool:
    """Whether the new statements compile; all others are unchanged. `__future__` imports and
    `global` statements, which affect their meaning, are compiled with them.
    """
    import ast
    import warnings

    wanted = {each for chunk in new.not_in(old) for each in chunk.statements}
    wanted.update(new.that_may_name(["__future__", "global"]))
    body = [each for each in new.module.body if each in wanted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SyntaxWarning is the project's own affair
        try:
            compile(ast.Module(body, []), "<fixed>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _compile_error(text: str) -> str:
    """Python's error for the text; empty if it compiles. A text with syntax newer than the running
    Python does not compile before the fix either, so the caller compares both.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SyntaxWarning is the project's own affair
        try:
            compile(text, "<fixed>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return f"{error.msg} (line {error.lineno})"
        except (ValueError, RecursionError, MemoryError) as error:
            return str(error) or type(error).__name__
    return ""


def _lost_comments(before: str, after: str, changed: tuple[Statements, Statements] | None) -> str:
    """A comment that occurs in one text and less often, or not at all, in the other; empty if there
    is none."""
    if "#" not in before:
        return ""
    if changed is not None:
        old, new = changed
        if not any("#" in row for row in old.rows_not_in(new)):
            return ""  # each row that may hold a comment is still there
        removed = _comments(each.text for each in old.not_in(new))
        added = _comments(each.text for each in new.not_in(old))
    if changed is None or removed is None or added is None:
        removed, added = _comments([before]), _comments([after])
    lost = removed - added if removed is not None and added is not None else ()
    return next(iter(lost), "")


def _comments(texts: Iterable[str]) -> Counter[str] | None:
    """How often each comment occurs in some rows; None if this Python cannot tokenize them."""
    import io
    import tokenize

    try:
        return Counter(
            token.string
            for text in texts
            if "#" in text
            for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline)
            if token.type == tokenize.COMMENT
        )
    except (tokenize.TokenError, SyntaxError):
        return None
