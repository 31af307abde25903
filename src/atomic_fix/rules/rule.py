"""The form of a rule, and how what it finds becomes a finding.

Facts say which functions may hold a defect, and why the file is durable state. Where that is
likely enough, LibCST parses the function, and the rule's visitor finds the call or handler in it.
"""

import ast
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import libcst as cst

from atomic_fix.facts.decisions import destroys, is_intended
from atomic_fix.facts.evidence import Feature, Score
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.publications import Publication
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.finding import Evidence, Finding, Fix, Position, RelatedLocation, Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.corrupted_error import fix_swallow
from atomic_fix.fixes.cst_tree import CstTree, cst_around

# What is overwritten or removed after it could not be read is no harmless default.
_LOST = 1.2


@dataclass(frozen=True, slots=True)
class Match:
    """A place where something is wrong, if the file is durable state."""

    node: ast.AST
    """The call, the handler or the test."""
    message: str
    score: Score
    repair: Callable[[], Fix]
    """Raises `Refused` where there is no repair."""
    function: FunctionFacts | None = None
    """Where it is: in a test, it counts only with `check-tests`."""
    precedence: int | None = None
    """That of its `Finding`."""
    is_handled_elsewhere: Callable[[], bool] = lambda: False
    """Whether code elsewhere in the file handles it. It may cost as much as the repair, and
    is asked only of what is likely enough."""


class Detector(cst.CSTVisitor):
    """Finds, in a piece of a file, the nodes that a rule reports.

    Args:
        code: the piece.
        wanted: Python's nodes for the places that may be wrong.
    """

    def __init__(self, code: CstTree, wanted: Collection[ast.AST]) -> None:
        super().__init__()
        self._code = code
        self._wanted = wanted
        self.found: dict[ast.AST, cst.CSTNode] = {}

    def offer(self, node: cst.CSTNode) -> None:
        """A node of the kind that the rule reports: it is one of those that are wanted, or not."""
        ast_node = self._code.ast_node(node)
        if ast_node is not None and ast_node in self._wanted:
            self.found[ast_node] = node


class CallDetector(Detector):
    """Finds calls that write, or publish."""

    def visit_Call(self, node: cst.Call) -> None:
        self.offer(node)


class HandlerDetector(Detector):
    """Finds handlers, and calls of `suppress`."""

    def visit_ExceptHandler(self, node: cst.ExceptHandler) -> None:
        self.offer(node)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        self.offer(node.item)


class TestDetector(Detector):
    """Finds what an `if` asks."""

    def visit_If(self, node: cst.If) -> None:
        self.offer(node.test)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, what it matches, and its page.

    `page` is the docstring of the rule's file, in Markdown: a first line that says it in
    one sentence, then the sections What it does, Why is this bad, Example, Use instead,
    Fix safety, Not reported.
    """

    code: str
    name: str
    page: str
    matches: Callable[[ModuleFacts], Iterable[Match]]
    detector: type[Detector]
    default: bool = True

    @property
    def summary(self) -> str:
        return self.page.strip().splitlines()[0]

    def check(self, facts: ModuleFacts, *, fixes: bool = True) -> Iterator[Finding]:
        """The findings that are likely enough. Where they are, and how they are repaired, is
        determined only then: it costs more than all the rest.

        Raises:
            NotParsed, TooDeep: LibCST cannot parse what is to be reported.
        """
        reportable = [match for match in self.matches(facts) if _is_reportable(facts, match)]
        found = self._detected(facts, [match.node for match in reportable])
        for match in reportable:
            if match.node not in found:
                continue
            code, node = found[match.node]
            fix, why_no_fix = None, ""
            if fixes:
                try:
                    fix = match.repair()
                except Refused as refused:
                    why_no_fix = str(refused)
            span = code.span(node)
            reasons = evidence_of(facts, match.score)
            because = "; ".join(reason.text for reason in reasons[:3])
            yield Finding(
                code=self.code,
                name=self.name,
                filename=facts.source.filename,
                span=span,
                message=f"{match.message} ({because})" if because else match.message,
                confidence=match.score.confidence,
                evidence=reasons,
                fix=fix,
                why_no_fix=why_no_fix,
                noqa_row=span.start.row,
                source_line=facts.source.line(span.start.row),
                precedence=match.precedence,
                related=tuple(_related(facts, match.score)),
            )

    def _detected(
        self, facts: ModuleFacts, wanted: Collection[ast.AST]
    ) -> dict[ast.AST, tuple[CstTree, cst.CSTNode]]:
        """What the visitor finds, by Python's nodes; each piece is visited once."""
        pieces: dict[CstTree, list[ast.AST]] = {}
        for node in wanted:
            pieces.setdefault(cst_around(facts, node), []).append(node)
        found = {}
        for code, nodes in pieces.items():
            detector = self.detector(code, frozenset(nodes))
            code.module.visit(detector)
            found.update({ast_node: (code, node) for ast_node, node in detector.found.items()})
        return found


def _is_reportable(facts: ModuleFacts, match: Match) -> bool:
    return (
        match.score.confidence >= facts.config.min_confidence
        and not _is_left_out(facts, match)
        and not match.is_handled_elsewhere()
    )


def _is_left_out(facts: ModuleFacts, match: Match) -> bool:
    return (
        not facts.config.check_tests
        and match.function is not None
        and facts.is_scratch_of_test(match.function, match.score)
    )


def evidence_of(facts: ModuleFacts, score: Score) -> tuple[Evidence, ...]:
    found = []
    for reason in score.reasons:
        row = reason.site.node.lineno if reason.site is not None else None
        text = f"{reason.text}, line {row}" if row is not None else reason.text
        where = reason.elsewhere
        found.append(
            Evidence(text, row) if where is None else Evidence(text, where.row, where.path)
        )
    return tuple(found)


def _related(facts: ModuleFacts, score: Score) -> Iterator[RelatedLocation]:
    """The places that show a ground; the message has no row, which a reader sees."""
    for reason in score.reasons:
        if reason.site is not None:
            yield RelatedLocation(reason.text, facts.tree.span(reason.site.node))
        elif reason.elsewhere is not None:
            start = Position(reason.elsewhere.row, 1)
            path = _path_of(reason.elsewhere, facts)
            yield RelatedLocation(reason.text, Span(start, start), path)


def _path_of(place: Location, facts: ModuleFacts) -> str:
    """The path of a place in another file, named as the file itself is: from the current folder if
    that is."""
    path = str(Path(facts.outside.root, place.path))
    if not facts.outside.root or Path(facts.source.filename).is_absolute():
        return path
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return path


def write_match(
    facts: ModuleFacts, site: WriteSite, repair: Callable[[ModuleFacts, WriteSite], Fix]
) -> Match:
    """A write in place."""
    message = f"`{site.api}` overwrites durable state in place: a crash leaves it cut short"
    score = facts.write_score(site)
    return Match(site.node, message, score, partial(repair, facts, site), site.function)


def publication_match(
    facts: ModuleFacts,
    publication: Publication,
    message: str,
    repair: Callable[[ModuleFacts, Publication], Fix],
    precedence: int = 0,
) -> Match:
    """A temp file that takes its final name in a wrong way. Of several ways at one call, the
    one of the highest `precedence` is reported."""
    score = facts.publication_score(publication)
    fix = partial(repair, facts, publication)
    node = publication.site.node
    return Match(node, message, score, fix, publication.function, precedence)


def swallow_match(facts: ModuleFacts, swallow: Swallow, message: str) -> Match:
    """A handler that treats a corrupt file as something harmless."""
    score = facts.load_score(swallow.load, swallow.function)
    if score.confidence >= facts.config.min_confidence and destroys(facts, swallow):
        score = Score([*score.features, Feature("what was not read is then lost for good", _LOST)])
    return Match(
        swallow.node,
        message,
        score,
        partial(fix_swallow, facts, swallow),
        swallow.function,
        is_handled_elsewhere=lambda: facts.is_reported(swallow) or is_intended(facts, swallow),
    )
