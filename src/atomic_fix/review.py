"""Applies fixes one by one, as the user decides: the core of `--interactive`."""

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
    """Ask about each finding with a fix, and apply the accepted ones.

    Args:
        find: returns the findings to be reported for a text. ask: gets the finding, the source that
        contains it and the text that its fix would produce. why: returns the reason for the comment
        that suppresses a finding, or None to quit.
    """
    # A fix moves the code below it, so a finding that was declined is recognised in the same way as
    # one in a baseline.
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
    reason = "" if text != source.text else "the comment is already there and has no effect"
    return replace(source, text=text), reason
