"""The pure core: a source and a configuration in, findings out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.config import Config
from atomic_fix.finding import FileResult, Finding, Position, Span
from atomic_fix.source import Source, Unreadable, decode

if TYPE_CHECKING:
    import ast

    from atomic_fix.rules import Rule

UNREADABLE = "ATF000"
UNREADABLE_NAME = "not-analysed"


def selected_rules(config: Config) -> tuple[Rule, ...]:
    """The rules that a configuration turns on, in the order of `RULES`."""
    # Here, and not above: with the rules comes LibCST, and most files need neither.
    from atomic_fix.rules import RULES

    chosen = []
    for rule in RULES:
        # The longest prefix that matches decides; `ignore` wins a tie, as in ruff.
        on = max(
            (len(c) for c in (*config.select, *config.extend_select) if rule.code.startswith(c)),
            default=-1,
        )
        off = max((len(c) for c in config.ignore if rule.code.startswith(c)), default=-1)
        exact = rule.code in (*config.select, *config.extend_select)
        if not rule.default and not exact:
            continue
        if not config.select and on < 0:
            on = 0
        if on > off:
            chosen.append(rule)
    return tuple(chosen)


def check(source: Source, config: Config, tree: ast.Module | None = None) -> tuple[Finding, ...]:
    """Every finding of the selected rules, in order of position. Comments that suppress
    findings are not looked at: see `suppress`. `tree` is Python's syntax tree of the source,
    if there is one already."""
    from atomic_fix.analyse import NotParsed, module_facts

    facts = module_facts(source, config, tree, tests=config.names_rules)
    if facts is None:
        return ()
    if isinstance(facts, Unreadable):
        return (unreadable_finding(facts),)
    try:
        findings = [
            finding
            for rule in selected_rules(config)
            for finding in rule.check(facts, config)
            if finding.confidence >= config.min_confidence
        ]
    except NotParsed as error:
        return (unreadable_finding(error.reason),)
    except RecursionError:
        too_deep = Unreadable(source.filename, "cannot be analysed: nested too deeply")
        return (unreadable_finding(too_deep),)
    facts.scopes.forget()
    return tuple(sorted(findings, key=lambda finding: finding.sort_key))


def check_bytes(content: bytes, filename: str, config: Config) -> FileResult:
    """Decode and check. What cannot be decoded or parsed is one ATF000 finding."""
    from atomic_fix.islands.needles import holds_none
    from atomic_fix.islands.syntax import is_python

    if holds_none(content, config) and is_python(content):
        return FileResult(filename, ())
    source = decode(content, filename)
    if isinstance(source, Unreadable):
        return FileResult(filename, (unreadable_finding(source),), analysed=False)
    findings = check(source, config)
    analysed = not any(finding.code == UNREADABLE for finding in findings)
    return FileResult(filename, findings, analysed)


def unreadable_finding(reason: Unreadable) -> Finding:
    """The ATF000 finding of a file that could not be analysed."""
    start = Position(reason.row, reason.column)
    return Finding(
        code=UNREADABLE,
        name=UNREADABLE_NAME,
        filename=reason.filename,
        span=Span(start, start),
        message=reason.reason,
        noqa_row=reason.row,
    )
