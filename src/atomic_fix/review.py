"""Fixes one by one, each as a person answers: the core of `--interactive`."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from atomic_fix.baseline import normalised
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, apply_fixes, refusal, rewrite, tidied
from atomic_fix.suppress import add_noqa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from atomic_fix.finding import Finding
    from atomic_fix.source import Source


class Answer(enum.Enum):
    YES = "y"
    NO = "n"
    ALL = "a"
    SUPPRESS = "s"
    QUIT = "q"


def review(
    source: Source,
    find: Callable[[Source], Sequence[Finding]],
    ask: Callable[[Finding, Source, str], Answer],
) -> Rewrite:
    """Ask about each finding with a fix, and apply those that are wanted.

    Args:
        find: the findings that are to be told of a text.
        ask: is given the finding, the source that it was found in and the text that its fix
            would make of it.
    """
    # A fix moves what stands below it, so that a finding that was declined is known again by
    # its code and line, and by how many alike were declined above it.
    declined: Counter[tuple[str, str]] = Counter()
    applied: list[Finding] = []
    refused: list[str] = []
    current = source
    answer = None
    while True:
        open_questions = _without(declined, find(current))
        finding = next((each for each in open_questions if _fixable(each)), None)
        if finding is None:
            break
        applied_text = apply_fixes(current, [finding], SAFE_AND_UNSAFE).text
        new = tidied(current, replace(current, text=applied_text))
        answer = ask(finding, current, new.text)
        if answer is Answer.QUIT:
            break
        if answer is Answer.ALL:
            rest = rewrite(current, lambda text: _without(declined, find(text)), SAFE_AND_UNSAFE)
            current = replace(current, text=rest.text)
            applied.extend(rest.applied)
            if rest.refusal:
                refused.append(rest.refusal)
            break
        if answer is Answer.SUPPRESS:
            commented, reason = _suppressed(current, finding)
            if not reason:
                current = commented
                continue
            refused.append(reason)
        if answer is Answer.YES:
            same = "its fix changes nothing" if new.text == current.text else ""
            reason = same or refusal(current, new)
            if not reason:
                current = new
                applied.append(finding)
                continue
            refused.append(reason)
        declined[_key(finding)] += 1
    return Rewrite(
        current.text,
        tuple(applied),
        tuple(find(current)),
        "; ".join(refused),
        quit=answer is Answer.QUIT,
    )


def _suppressed(source: Source, finding: Finding) -> tuple[Source, str]:
    """The source with a comment that suppresses the finding, or why there is none."""
    try:
        text = add_noqa(source, [finding], "")
    except ValueError as error:
        return source, str(error)
    reason = "" if text != source.text else "the comment is there already and does not hold"
    return replace(source, text=text), reason


def _fixable(finding: Finding) -> bool:
    return finding.fix is not None and finding.fix.applicability in SAFE_AND_UNSAFE


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, normalised(finding.source_line)


def _without(
    declined: Counter[tuple[str, str]], findings: Sequence[Finding]
) -> tuple[Finding, ...]:
    left = Counter(declined)
    kept = []
    for finding in findings:
        if left[_key(finding)] > 0:
            left[_key(finding)] -= 1
        else:
            kept.append(finding)
    return tuple(kept)
