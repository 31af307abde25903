"""The structure of rules, and how matches become findings. Facts say which functions may contain a
defect, and why the file is durable state. If that is likely enough, LibCST parses the function, and
the rule's visitor finds the call or handler in it.
"""

import ast
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import libcst as cst

from atomic_fix.catalog.features import FeatureName
from atomic_fix.facts.decisions import destroys, is_intended
from atomic_fix.facts.evidence import Feature, Score
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.publications import Publication
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.facts.swallowing import Ending, Swallow
from atomic_fix.finding import (
    HEADLINE_WIDTH,
    Evidence,
    Finding,
    Fix,
    Position,
    RelatedLocation,
    Span,
)
from atomic_fix.fixes import Refused
from atomic_fix.fixes.corrupted_error import fix_swallow
from atomic_fix.fixes.cst_tree import CstTree, cst_around

_MOST_REASONS = 3
"""The number of reasons to show; the rest are in `Finding.evidence`."""


@dataclass(frozen=True, slots=True)
class Match:
    """Code that has a defect, if the file is durable state."""

    node: ast.AST
    """The call, the handler or the test."""
    headline: str
    """The possible damage, as in `Finding`."""
    label: str
    """What the node does."""
    score: Score
    repair: Callable[[], Fix]
    """Raises `Refused` if there is no repair."""
    function: FunctionFacts | None = None
    """The function that contains it: in tests, it counts only with `check-tests`."""
    precedence: int | None = None
    """The precedence of its `Finding`."""
    is_handled_elsewhere: Callable[[], bool] = lambda: False
    """Whether code elsewhere in the file handles it. As expensive as the repair, so it is computed
    only for matches that are likely enough."""
    places: tuple[tuple[ast.expr, str], ...] = ()
    """Other calls that belong to the defect, each with a label."""


class Detector(cst.CSTVisitor):
    """Finds, in a piece of a file, the nodes that a rule reports.

    Args:
        code: the piece. wanted: Python's nodes that may have the defect.
    """

    def __init__(self, code: CstTree, wanted: Collection[ast.AST]) -> None:
        super().__init__()
        self._code = code
        self._wanted = wanted
        self.found: dict[ast.AST, cst.CSTNode] = {}

    def offer(self, node: cst.CSTNode) -> None:
        """Handle a node of the kind that the rule reports, if it is a wanted one."""
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
    """Finds the tests of `if` statements."""

    def visit_If(self, node: cst.If) -> None:
        self.offer(node.test)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code and name, what it matches, and its page.

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
    advice: str = ""
    """How to repair what it reports by hand, as an instruction in one clause."""

    @property
    def summary(self) -> str:
        return self.page.strip().splitlines()[0]

    def check(self, facts: ModuleFacts, *, fixes: bool = True) -> Iterator[Finding]:
        """The findings that are likely enough. Positions and repairs are computed only for these,
        because that costs more than everything else.

        Raises:
            NotParsed, TooDeep: LibCST cannot parse the code to report.
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
            yield Finding(
                code=self.code,
                name=self.name,
                filename=facts.source.filename,
                span=span,
                headline=match.headline,
                label=match.label,
                why="; ".join(reason.text for reason in reasons[:_MOST_REASONS]),
                advice=self.advice,
                confidence=match.score.confidence,
                evidence=reasons,
                fix=fix,
                why_no_fix=why_no_fix,
                noqa_row=span.start.row,
                source_line=facts.source.line(span.start.row),
                precedence=match.precedence,
                related=(*_places(facts, match), *_related(facts, match.score)),
            )

    def _detected(
        self, facts: ModuleFacts, wanted: Collection[ast.AST]
    ) -> dict[ast.AST, tuple[CstTree, cst.CSTNode]]:
        """The nodes that the visitor finds, by Python's nodes; each piece is visited once."""
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
    filename = facts.source.filename.replace("\\", "/")
    rows = {reason.site.node.lineno for reason in score.reasons if reason.site is not None}
    for reason in score.reasons:
        row = reason.site.node.lineno if reason.site is not None else None
        text = f"{reason.text} (line {row})" if row is not None else reason.text
        where = reason.elsewhere
        # Another file gives the path to what is in this one: that is said already.
        if where is not None and where.row in rows and f"/{filename}".endswith(f"/{where.path}"):
            continue
        found.append(
            Evidence(text, row) if where is None else Evidence(text, where.row, where.path)
        )
    return tuple(found)


def _places(facts: ModuleFacts, match: Match) -> Iterator[RelatedLocation]:
    """The other calls that belong to the defect."""
    for node, label in match.places:
        yield _place(facts, node, label)


def _place(facts: ModuleFacts, node: ast.expr, label: str) -> RelatedLocation:
    span = facts.tree.span(node)
    return RelatedLocation(label, span, source_line=facts.source.line(span.start.row))


def _related(facts: ModuleFacts, score: Score) -> Iterator[RelatedLocation]:
    """The locations that show a reason, those that read or write the file first. Labels do not
    repeat the location, which the reader sees."""
    reasons = sorted(score.reasons, key=lambda each: each.site is None and not each.of_file)
    for reason in reasons:
        where = reason.elsewhere
        if reason.site is not None:
            yield _place(facts, reason.site.node, reason.text)
        elif where is not None:
            start = Position(where.row, 1)
            name = f"`{where.function}`" if where.function else "this line"
            label = reason.text.replace(str(where), name)
            yield RelatedLocation(label, Span(start, start), _path_of(where, facts))


def _path_of(place: Location, facts: ModuleFacts) -> str:
    """The path of a location in another file, relative to the current folder if that of the file
    itself is."""
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
    score = facts.write_score(site)
    return Match(
        site.node,
        _lost_by_crash(score),
        f"`{site.api}` overwrites the file in place",
        score,
        partial(repair, facts, site),
        site.function,
    )


def _lost_by_crash(score: Score) -> str:
    reader = next((reason.who for reason in score.reasons if reason.who), "")
    if not reader:
        return "a crash during this write destroys the saved state"
    return fitted(
        f"a crash during this write destroys the file that {reader} reads back",
        f"a crash during this write destroys the file {reader} reads back",
        f"a crash here destroys the file {reader} reads back",
        "a crash during this write destroys the file that is read back later",
    )


def fitted(*headlines: str) -> str:
    """The first headline that is not too long, or else the last."""
    return next((each for each in headlines if len(each) <= HEADLINE_WIDTH), headlines[-1])


def publication_match(
    facts: ModuleFacts,
    publication: Publication,
    headline: str,
    label: str,
    repair: Callable[[ModuleFacts, Publication], Fix],
    precedence: int = 0,
    places: tuple[tuple[ast.expr, str], ...] = (),
) -> Match:
    """A temp file that is renamed to its final name incorrectly. Of several defects at one call,
    the one with the highest `precedence` is reported."""
    score = facts.publication_score(publication)
    fix = partial(repair, facts, publication)
    node = publication.site.node
    return Match(node, headline, label, score, fix, publication.function, precedence, places=places)


def swallow_match(facts: ModuleFacts, swallow: Swallow, headline: str, caught: str) -> Match:
    """A handler that treats a corrupt file as harmless; `caught` is its source text."""
    score = facts.load_score(swallow.load, swallow.function)
    if score.confidence >= facts.config.min_confidence and destroys(facts, swallow):
        text = "what was not read is then lost for good"
        score = Score((*score.features, Feature(FeatureName.LOST_FOR_GOOD, text)))
    return Match(
        swallow.node,
        headline,
        f"`{caught}` {swallow.outcome}",
        score,
        partial(fix_swallow, facts, swallow),
        swallow.function,
        is_handled_elsewhere=lambda: facts.is_reported(swallow) or is_intended(facts, swallow),
    )


_EMPTY = frozenset({"", "()", "0", "False", "None", "[]", "{}", "dict()", "list()", "set()", "''"})
_RESULTS = {Ending.CONTINUES: "skipped", Ending.BREAKS: "ignored"}


def swallow_result(swallow: Swallow) -> str:
    """The treatment of a corrupt file, to follow "silently"."""
    outcome = swallow.outcome
    if outcome.kind in _RESULTS:
        return _RESULTS[outcome.kind]
    gives_a_value = outcome.kind in {Ending.RETURNS, Ending.SETS}
    if swallow.missing_too or (gives_a_value and outcome.value in _EMPTY):
        return "treated as missing"
    return "replaced by a default" if gives_a_value else "ignored"
