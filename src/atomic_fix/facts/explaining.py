"""The evidence for and against each site in a row, whether it is reported or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from atomic_fix.facts.evidence import Feature, Score
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Explanation, WeighedFeature

STAGED = "what it writes is published under another name later"
TESTING = "it is part of a test"
REPORTED = "a caller tests for the default and reports it"
LOADED = "a load is reported at the handler that hides its errors, if one does"


_Node: TypeAlias = ast.expr | ast.ExceptHandler


@dataclass(frozen=True, slots=True)
class _Place:
    kind: str
    node: _Node
    what: str
    score: Score
    why_not: str = ""


def explanations(facts: ModuleFacts, row: int) -> tuple[Explanation, ...]:
    """The explanations of all sites in a row, from left to right. The facts must be computed with a
    configuration that reports everything, because some evidence is skipped below the minimum
    confidence.
    """
    found = sorted(_places(facts, row), key=lambda each: (each.node.lineno, each.node.col_offset))
    return tuple(_explanation(facts, each) for each in found)


def _places(facts: ModuleFacts, row: int) -> Iterator[_Place]:
    seen: set[_Node] = set()
    for publication in facts.publications:
        node = publication.site.node
        if _is_on(node, row) and node not in seen:
            seen.add(node)
            score = facts.publication_score(publication)
            why_not = _of_test(facts, publication.function, score)
            yield _Place("publication", node, "a temp file is published", score, why_not)
    for write in facts.sites.writes:
        if _is_on(write.node, row) and write.node not in seen:
            score = facts.write_score(write)
            why_not = STAGED if facts.is_staged(write) else ""
            why_not = why_not or _of_test(facts, write.function, score)
            yield _Place("write", write.node, f"`{write.api}` writes a file", score, why_not)
    for swallow in facts.swallows:
        first = swallow.node.type if isinstance(swallow.node, ast.ExceptHandler) else swallow.node
        if swallow.node.lineno == row or (first is not None and _is_on(first, row)):
            score = facts.load_score(swallow.load, swallow.function)
            why_not = _of_test(facts, swallow.function, score)
            if not why_not and facts.is_reported(swallow):
                why_not = REPORTED
            what = f"the handler of a load, line {swallow.load.node.lineno}"
            yield _Place("handler", swallow.node, what, score, why_not)
    for load in facts.sites.loads:
        if _is_on(load.node, row):
            score = facts.load_score(load, load.function)
            yield _Place("load", load.node, f"`{load.api}` loads a file", score, LOADED)
    for dismissal in facts.dismissals:
        if _is_on(dismissal.node.test, row):
            score = facts.load_score(dismissal.load, dismissal.function)
            what = f"a test of what was loaded, line {dismissal.load.node.lineno}"
            why_not = _of_test(facts, dismissal.function, score)
            yield _Place("test", dismissal.node.test, what, score, why_not)


def _of_test(facts: ModuleFacts, function: FunctionFacts, score: Score) -> str:
    is_left_out = not facts.config.check_tests and facts.is_scratch_of_test(function, score)
    return TESTING if is_left_out else ""


def _is_on(node: ast.expr, row: int) -> bool:
    return node.lineno <= row <= (node.end_lineno or node.lineno)


def _explanation(facts: ModuleFacts, place: _Place) -> Explanation:
    return Explanation(
        place.kind,
        facts.tree.span(place.node),
        place.what,
        place.score.confidence,
        tuple(map(_weighed, place.score.features)),
        place.score.ruled_out or place.why_not,
    )


def _weighed(feature: Feature) -> WeighedFeature:
    row, path = None, ""
    if feature.elsewhere is not None:
        row, path = feature.elsewhere.row, feature.elsewhere.path
    elif feature.site is not None:
        row = feature.site.node.lineno
    name = feature.name
    return WeighedFeature(
        name.label, feature.text, feature.strength, name.weight, feature.word, row, path
    )
