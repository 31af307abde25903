"""Findings -> new text. The only place that changes text, and it changes it in memory."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atomic_fix.finding import Applicability, Finding
from atomic_fix.fixes.unused_imports import without_unused_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from atomic_fix.source import Source

SAFE_ONLY = frozenset({Applicability.SAFE})
SAFE_AND_UNSAFE = frozenset({Applicability.SAFE, Applicability.UNSAFE})

ROUND_LIMIT = 10
"""Rounds of check and apply. A fix needs a second round when it overlaps an earlier one,
and hardly ever a third; a file that is not stable after ten is not going to be."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The text after one round, and the findings whose fixes went in."""

    text: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What became of one source.

    `applied` are the findings that were repaired, as they stood in the round that did so.
    `remaining` are those of the final text. When `refusal` is not empty it says in one
    clause why the source was left alone, and `text` is the text it came with; of a review,
    why single fixes did not go in. `quit`: a person wants to see no more.
    """

    text: str
    applied: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    refusal: str = ""
    quit: bool = False


def apply_fixes(
    source: Source, findings: Sequence[Finding], allowed: AbstractSet[Applicability]
) -> Applied:
    """Apply every allowed fix that does not overlap one before it.

    A fix goes in whole or not at all. An edit that an earlier fix already makes (two fixes
    that add the same import) is made once.
    """
    accepted: list[_Replacement] = []
    repaired: list[Finding] = []
    for finding in findings:
        fix = finding.fix
        if fix is None or fix.applicability not in allowed:
            continue
        wanted = [
            _Replacement(
                source.offset(edit.span.start),
                source.offset(edit.span.end),
                edit.text.replace("\n", source.newline),
            )
            for edit in fix.edits
        ]
        new = [each for each in dict.fromkeys(wanted) if each not in accepted]
        if any(one.overlaps(other) for one in new for other in accepted):
            continue
        if any(one.crosses(other) for one, other in itertools.combinations(new, 2)):
            continue  # a fix that contradicts itself says nothing that could be done
        accepted.extend(new)
        repaired.append(finding)

    pieces = []
    position = 0
    # Stable, so that what one fix inserts at one place comes in the order it is given in.
    for replacement in sorted(accepted, key=lambda each: (each.start, each.end)):
        pieces.append(source.text[position : replacement.start])
        pieces.append(replacement.text)
        position = replacement.end
    pieces.append(source.text[position:])
    return Applied("".join(pieces), tuple(repaired))


def rewrite(
    source: Source,
    find: Callable[[Source], Sequence[Finding]],
    allowed: AbstractSet[Applicability],
) -> Rewrite:
    """Check and apply until nothing is left that may be applied.

    `find` gives the findings that are to be told, so that what is suppressed or in a
    baseline is never touched. The source is refused, unchanged, when the result would not
    compile, would have lost a comment, cannot be written in the file's encoding, or does
    not settle.
    """
    findings = tuple(find(source))
    first = findings
    current = source
    repaired: list[Finding] = []
    for _ in range(ROUND_LIMIT):
        applied = apply_fixes(current, findings, allowed)
        if not applied.findings or applied.text == current.text:
            break
        repaired.extend(applied.findings)
        current = replace(current, text=applied.text)
        findings = tuple(find(current))
    else:
        return Rewrite(source.text, (), first, f"the fixes do not settle in {ROUND_LIMIT} rounds")
    if current.text == source.text:
        return Rewrite(source.text, (), first)
    final = tidied(source, current)
    reason = refusal(source, final)
    if reason:
        return Rewrite(source.text, (), first, reason)
    if final.text != current.text:
        findings = tuple(find(final))  # they stand on other rows
    return Rewrite(final.text, tuple(repaired), findings)


def tidied(before: Source, after: Source) -> Source:
    """`after` without the imports whose last use the fixes took."""
    return replace(after, text=without_unused_imports(before.filename, before.text, after.text))


def refusal(before: Source, after: Source) -> str:
    """Why `after` must not replace `before`, as a clause; empty when it may."""
    try:
        after.encode(after.text)
    except UnicodeEncodeError as error:
        return f"the result cannot be written as {after.encoding}: {error.reason}"
    if not _compile_error(before.text):
        error_text = _compile_error(after.text)
        if error_text:
            return f"the result would not compile: {error_text}"
    comments_before, comments_after = _comments(before.text), _comments(after.text)
    if comments_before is not None and comments_after is not None:
        lost = comments_before - comments_after
        if lost:
            return f"the result would lose a comment: {next(iter(lost))}"
    return ""


@dataclass(frozen=True, slots=True)
class _Replacement:
    """Characters `start` to `end` of the text become `text`."""

    start: int
    end: int
    text: str

    def overlaps(self, other: _Replacement) -> bool:
        if self.start == self.end and other.start == other.end:
            # Two insertions at one place: which goes first would be a guess.
            return self.start == other.start
        return self.crosses(other)

    def crosses(self, other: _Replacement) -> bool:
        if self.start == other.start and self.end == other.end:
            return self.start < self.end
        return self.start < other.end and other.start < self.end


def _compile_error(text: str) -> str:
    """What Python says of the text; empty when it compiles.

    A text with syntax newer than the running Python does not compile before the fix either,
    so the caller asks for both.
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


def _comments(text: str) -> Counter[str] | None:
    """How often each comment stands in the text; None when this Python cannot tokenize it."""
    import io
    import tokenize

    try:
        return Counter(
            token.string
            for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline)
            if token.type == tokenize.COMMENT
        )
    except (tokenize.TokenError, SyntaxError):
        return None
