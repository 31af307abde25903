"""Fixes one by one, each as the user decides: the core of `--interactive`."""

import enum
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from atomic_fix.baseline import Baseline, Entry
from atomic_fix.finding import Finding
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, apply_fixes, refusal, rewrite, tidied
from atomic_fix.source import Source
from atomic_fix.suppress import add_noqa


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
    why: Callable[[Finding], str | None] = lambda _: "",
) -> Rewrite:
    """Ask about each finding with a fix, and apply those that are wanted.

    Args:
        find: the findings that are to be reported of a text.
        ask: is given the finding, the source that it was found in and the text that its fix
            would make of it.
        why: gives the reason to put into the comment that suppresses a finding, None to quit.
    """
    # A fix moves what is below it, so that a finding that was declined is known again as
    # those of a baseline are.
    counts: Counter[Entry] = Counter()
    declined = Baseline(".", counts)
    applied: list[Finding] = []
    refused: list[str] = []
    current = source
    answer = None
    while True:
        open_questions = declined.unknown(find(current))
        finding = next((x for x in open_questions if x.applicability in SAFE_AND_UNSAFE), None)
        if finding is None:
            break
        text, _ = apply_fixes(current, [finding], SAFE_AND_UNSAFE)
        new = tidied(current, replace(current, text=text))
        answer = ask(finding, current, new.text)
        comment = why(finding) if answer is Answer.SUPPRESS else ""
        if answer is Answer.QUIT or comment is None:
            answer = Answer.QUIT
            break
        if answer is Answer.ALL:
            rest = rewrite(current, lambda text: declined.unknown(find(text)), SAFE_AND_UNSAFE)
            current = replace(current, text=rest.text)
            applied.extend(rest.applied)
            if rest.refusal:
                refused.append(rest.refusal)
            break
        if answer is not Answer.NO:
            if answer is Answer.SUPPRESS:
                new, reason = _suppressed(current, finding, comment)
            elif new.text == current.text:
                reason = "its fix changes nothing"
            else:
                reason = refusal(current, new)
            if not reason:
                current = new
                if answer is Answer.YES:
                    applied.append(finding)
                continue
            refused.append(reason)
        counts[declined.entry(finding)] += 1
    return Rewrite(
        current.text,
        tuple(applied),
        tuple(find(current)),
        "; ".join(refused),
        quit=answer is Answer.QUIT,
    )


def _suppressed(source: Source, finding: Finding, comment: str) -> tuple[Source, str]:
    """The source with a comment that suppresses the finding, or why there is none."""
    try:
        text = add_noqa(source, [finding], comment)
        source.encode(text)
    except ValueError as error:
        return source, str(error)
    reason = "" if text != source.text else "the comment is there already and does not hold"
    return replace(source, text=text), reason
