"""Whether anything in a file is likely enough to be a finding.

It is asked before LibCST is imported, which takes longer than all the facts of most files do. What
is a defect is for the rules to say: here a place too many costs time, and one too few a finding.
"""

from collections.abc import Iterator

from atomic_fix.facts.durable import Durability
from atomic_fix.facts.module import ModuleFacts


def is_anything_likely(facts: ModuleFacts, *, shapes: bool) -> bool:
    """Whether some place of the file may be a finding.

    Args:
        shapes: whether tests of a loaded object's shape count.
    """
    return any(
        durability.confidence >= facts.config.min_confidence
        for durability in _places(facts, shapes=shapes)
    )


def _places(facts: ModuleFacts, *, shapes: bool) -> Iterator[Durability]:
    for publication in facts.publications:
        yield facts.publication_durability(publication)
    for write in facts.sites.writes:
        if not facts.is_staged(write):
            yield facts.write_durability(write)
    for swallow in facts.swallows:
        yield facts.load_durability(swallow.load, swallow.function)
    if shapes:
        for dismissal in facts.dismissals:
            yield facts.load_durability(dismissal.load, dismissal.function)
