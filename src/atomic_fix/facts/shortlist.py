"""Decides whether anything in a file is likely enough to be a finding, before LibCST is imported,
which takes longer than all facts of most files. The rules decide what is a defect: here, an extra
candidate costs time, and a missing one loses a finding.
"""

from collections.abc import Iterator

from atomic_fix.facts.evidence import Score
from atomic_fix.facts.module import ModuleFacts


def has_likely_finding(facts: ModuleFacts, *, shapes: bool) -> bool:
    """Whether some code in the file may be a finding.

    Args:
        shapes: whether tests of a loaded object's shape count.
    """
    return any(
        score.confidence >= facts.config.min_confidence for score in _places(facts, shapes=shapes)
    )


def _places(facts: ModuleFacts, *, shapes: bool) -> Iterator[Score]:
    for publication in facts.publications:
        yield facts.publication_score(publication)
    for write in facts.sites.writes:
        if not facts.is_staged(write):
            yield facts.write_score(write)
    for swallow in facts.swallows:
        yield facts.load_score(swallow.load, swallow.function)
    if shapes:
        for dismissal in facts.dismissals:
            yield facts.load_score(dismissal.load, dismissal.function)
