"""What counts for and against each place of a row, whether it is reported or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

from atomic_fix.facts.evidence import Score
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.finding import Explanation, WeighedFeature

STAGED = "what it writes is published under another name later"
TESTING = "it is part of a test"
LOADED = "a load is reported at the handler that hides its errors, if one does"


def explanations(facts: ModuleFacts, row: int) -> tuple[Explanation, ...]:
    """The explanations of all places of a row, from the left to the right.

    The facts have to be those of a configuration that reports everything: below the least
    confidence, no more is looked up than that takes.
    """
    found = sorted(_places(facts, row), key=lambda each: (each[0].lineno, each[0].col_offset))
    return tuple(
        _explanation(facts, node, what, score, why_not) for node, what, score, why_not in found
    )


_Node: TypeAlias = ast.expr | ast.ExceptHandler


def _places(facts: ModuleFacts, row: int) -> Iterator[tuple[_Node, str, Score, str]]:
    seen: set[_Node] = set()
    for publication in facts.publications:
        node = publication.site.node
        if _is_on(node, row) and node not in seen:
            seen.add(node)
            score = facts.publication_score(publication)
            why_not = _of_test(facts, publication.function, score)
            yield node, "a temp file is published", score, why_not
    for write in facts.sites.writes:
        if _is_on(write.node, row) and write.node not in seen:
            score = facts.write_score(write)
            why_not = STAGED if facts.is_staged(write) else ""
            why_not = why_not or _of_test(facts, write.function, score)
            yield write.node, f"`{write.api}` writes a file", score, why_not
    for swallow in facts.swallows:
        first = swallow.node.type if isinstance(swallow.node, ast.ExceptHandler) else swallow.node
        if swallow.node.lineno == row or (first is not None and _is_on(first, row)):
            score = facts.load_score(swallow.load, swallow.function)
            why_not = _of_test(facts, swallow.function, score)
            if not why_not and facts.is_reported(swallow):
                why_not = "a caller says so"
            text = f"the handler of a load, line {swallow.load.node.lineno}"
            yield swallow.node, text, score, why_not
    for load in facts.sites.loads:
        if _is_on(load.node, row):
            score = facts.load_score(load, load.function)
            yield load.node, f"`{load.api}` loads a file", score, LOADED
    for dismissal in facts.dismissals:
        if _is_on(dismissal.node.test, row):
            score = facts.load_score(dismissal.load, dismissal.function)
            text = f"a test of what was loaded, line {dismissal.load.node.lineno}"
            yield dismissal.node.test, text, score, _of_test(facts, dismissal.function, score)


def _of_test(facts: ModuleFacts, function: FunctionFacts, score: Score) -> str:
    is_left_out = not facts.config.check_tests and facts.is_scratch_of_test(function, score)
    return TESTING if is_left_out else ""


def _is_on(node: ast.expr, row: int) -> bool:
    return node.lineno <= row <= (node.end_lineno or node.lineno)


def _explanation(
    facts: ModuleFacts, node: _Node, what: str, score: Score, why_not: str
) -> Explanation:
    return Explanation(
        facts.tree.span(node),
        what,
        score.confidence,
        tuple(
            WeighedFeature(
                each.name.label,
                each.text,
                each.strength,
                each.name.weight,
                each.elsewhere.row
                if each.elsewhere is not None
                else each.site.node.lineno
                if each.site is not None
                else None,
                each.elsewhere.path if each.elsewhere is not None else "",
            )
            for each in score.features
        ),
        score.ruled_out or why_not,
    )
