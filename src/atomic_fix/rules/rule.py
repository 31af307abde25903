"""The form of a rule, and how what it matches becomes a finding."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.durable import Durability
from atomic_fix.facts.publications import Publication
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.finding import Evidence, Finding, Fix
from atomic_fix.fixes import Refused
from atomic_fix.fixes.corrupted_error import fix_swallow


@dataclass(frozen=True, slots=True)
class Match:
    """A place where something is wrong, if it is durable state that is handled there."""

    node: cst.CSTNode
    message: str
    durability: Durability
    repair: Callable[[], Fix]
    """Raises `Refused` where there is no repair."""
    function: FunctionFacts | None = None
    """Where it stands: in a test, it counts only with `check-tests`."""
    precedence: int | None = None
    """That of its `Finding`."""
    is_dealt_with: Callable[[], bool] = lambda: False
    """Whether code elsewhere in the file makes it right. It may cost as much as the repair, and
    is asked only of what is likely enough."""


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
    default: bool = True

    @property
    def summary(self) -> str:
        return self.page.strip().splitlines()[0]

    def check(self, facts: ModuleFacts) -> Iterator[Finding]:
        """The findings that are likely enough. Positions and fixes are looked for only then:
        they cost more than all the rest."""
        for match in self.matches(facts):
            confidence = match.durability.confidence
            if confidence < facts.config.min_confidence or _is_left_out(facts, match):
                continue
            if match.is_dealt_with():
                continue
            fix, why_no_fix = None, ""
            try:
                fix = match.repair()
            except Refused as refused:
                why_no_fix = str(refused)
            span = facts.tree.span(match.node)
            grounds = evidence(facts, match.durability)
            because = "; ".join(ground.text for ground in grounds[:3])
            yield Finding(
                code=self.code,
                name=self.name,
                filename=facts.source.filename,
                span=span,
                message=f"{match.message} ({because})" if because else match.message,
                confidence=confidence,
                evidence=grounds,
                fix=fix,
                why_no_fix=why_no_fix,
                noqa_row=span.start.row,
                source_line=facts.source.line(span.start.row),
                precedence=match.precedence,
            )


def _is_left_out(facts: ModuleFacts, match: Match) -> bool:
    return (
        not facts.config.check_tests
        and match.function is not None
        and facts.is_scratch_of_test(match.function, match.durability)
    )


def evidence(facts: ModuleFacts, durability: Durability) -> tuple[Evidence, ...]:
    found = []
    for ground in durability.reasons:
        row = facts.tree.row(ground.site.node) if ground.site is not None else None
        text = f"{ground.text}, line {row}" if row is not None else ground.text
        found.append(Evidence(text, row))
    return tuple(found)


def written(
    facts: ModuleFacts, site: WriteSite, repair: Callable[[ModuleFacts, WriteSite], Fix]
) -> Match:
    """A write in place."""
    message = f"`{site.api}` overwrites durable state in place: a crash leaves it cut short"
    durability = facts.write_durability(site)
    return Match(site.node, message, durability, partial(repair, facts, site), site.function)


def published(
    facts: ModuleFacts,
    publication: Publication,
    message: str,
    repair: Callable[[ModuleFacts, Publication], Fix],
    precedence: int = 0,
) -> Match:
    """A temp file that takes its final name in a wrong way. Of several ways at one call, the
    one of the highest `precedence` is reported."""
    durability = facts.publication_durability(publication)
    fix = partial(repair, facts, publication)
    node = publication.site.node
    return Match(node, message, durability, fix, publication.function, precedence)


def swallowed(facts: ModuleFacts, swallow: Swallow, message: str) -> Match:
    """A handler that takes a corrupt file for something harmless."""
    durability = facts.load_durability(swallow.load, swallow.function)
    return Match(
        swallow.node,
        message,
        durability,
        partial(fix_swallow, facts, swallow),
        swallow.function,
        is_dealt_with=partial(facts.is_reported, swallow),
    )
