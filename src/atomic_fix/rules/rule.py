"""The form of a rule, and how rules turn facts into findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import libcst as cst

from atomic_fix.config import Config
from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.durable import Durability
from atomic_fix.facts.publications import Publication
from atomic_fix.facts.sites import WriteSite
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.finding import Evidence, Finding, Fix
from atomic_fix.fixes import Refused
from atomic_fix.fixes.corrupted_error import fix_swallow


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, when it fires, and its page.

    `page` is the docstring of the rule's file, in Markdown: a first line that says it in
    one sentence, then the sections What it does, Why is this bad, Example, Use instead,
    Fix safety, Not reported.
    """

    code: str
    name: str
    page: str
    check: Callable[[ModuleFacts], Iterator[Finding]]
    default: bool = True

    @property
    def summary(self) -> str:
        return self.page.strip().splitlines()[0]


def evidence(facts: ModuleFacts, durability: Durability) -> tuple[Evidence, ...]:
    found = []
    for ground in durability.reasons:
        row = facts.tree.row(ground.site.node) if ground.site is not None else None
        text = f"{ground.text}, line {row}" if row is not None else ground.text
        found.append(Evidence(text, row))
    return tuple(found)


def findings(
    rule: Rule,
    facts: ModuleFacts,
    node: cst.CSTNode,
    message: str,
    durability: Durability,
    repair: Callable[[], Fix],
) -> Iterator[Finding]:
    """The finding, if it is likely enough. Positions and fixes are looked for only then:
    they cost more than all the rest."""
    if durability.confidence < facts.config.min_confidence:
        return
    fix: Fix | None
    try:
        fix, why_no_fix = repair(), ""
    except Refused as refused:
        fix, why_no_fix = None, str(refused)
    span = facts.tree.span(node)
    grounds = evidence(facts, durability)
    because = "; ".join(ground.text for ground in grounds[:3])
    yield Finding(
        code=rule.code,
        name=rule.name,
        filename=facts.source.filename,
        span=span,
        message=f"{message} ({because})" if because else message,
        confidence=durability.confidence,
        evidence=grounds,
        fix=fix,
        why_no_fix=why_no_fix,
        noqa_row=span.start.row,
        source_line=facts.source.line(span.start.row),
    )


def write_findings(
    rule: Rule,
    facts: ModuleFacts,
    site: WriteSite,
    repair: Callable[[ModuleFacts, WriteSite, Config], Fix],
) -> Iterator[Finding]:
    durability = facts.write_durability(site)
    message = f"`{site.api}` overwrites durable state in place: a crash leaves it cut short"
    return findings(
        rule, facts, site.node, message, durability, lambda: repair(facts, site, facts.config)
    )


def swallow_findings(
    rule: Rule, facts: ModuleFacts, swallow: Swallow, message: str
) -> Iterator[Finding]:
    durability = facts.load_durability(swallow.load, swallow.function)
    return findings(
        rule,
        facts,
        swallow.node,
        message,
        durability,
        lambda: fix_swallow(facts, swallow, facts.config),
    )


def publication_findings(
    rule: Rule,
    facts: ModuleFacts,
    publication: Publication,
    message: str,
    repair: Callable[[ModuleFacts, Publication], Fix],
) -> Iterator[Finding]:
    durability = facts.publication_durability(publication)
    return findings(
        rule,
        facts,
        publication.site.node,
        message,
        durability,
        lambda: repair(facts, publication),
    )
