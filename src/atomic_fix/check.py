"""The pure core: a source and a configuration in, findings out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from atomic_fix.config import Config
from atomic_fix.finding import FileResult, Finding, Position, Span
from atomic_fix.parse import NotParsed, TooDeep, room
from atomic_fix.parse.python import parsed
from atomic_fix.source import Source, Unreadable, decode, is_python, is_test_file

if TYPE_CHECKING:
    import ast

    from atomic_fix.rules import Rule

UNREADABLE = "ATF000"
UNREADABLE_NAME = "not-analysed"


def selected_rules(config: Config) -> tuple[Rule, ...]:
    """The rules that a configuration turns on, in the order of `RULES`."""
    # Here, and not above: with the rules comes LibCST, and most files need neither.
    from atomic_fix.rules import RULES

    # Every code begins with the empty one.
    selected = (*(config.select or ("",)), *config.extend_select)
    return tuple(
        rule
        for rule in RULES
        # The longest prefix that matches decides; `ignore` wins a tie, as in ruff.
        if _longest_prefix(rule.code, selected) > _longest_prefix(rule.code, config.ignore)
        and (rule.default or rule.code in selected)
    )


def _longest_prefix(code: str, prefixes: Iterable[str]) -> int:
    """The length of the longest prefix that the code has; -1 for none."""
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)


def check(
    source: Source, config: Config, tree: ast.Module | None = None, *, fixes: bool = True
) -> tuple[Finding, ...]:
    """Every finding of the selected rules, in order of position. Comments that suppress
    findings are not looked at: see `suppress`.

    Args:
        tree: Python's syntax tree of the source, if there is one already.
        fixes: whether to look for repairs, which takes as long as all the rest.
    """
    try:
        if not room.is_wanted():
            try:
                return _check(source, config, tree, fixes=fixes)
            except TooDeep:
                raise
            except RecursionError:
                pass  # long chains are no defect, and can be followed with more room
        return room.with_room(lambda: _check(source, config, tree, fixes=fixes))
    except RecursionError:
        too_deep = Unreadable(source.filename, "cannot be analysed: nested too deeply")
        return (unreadable_finding(too_deep),)


def _check(
    source: Source, config: Config, tree: ast.Module | None, *, fixes: bool
) -> tuple[Finding, ...]:
    module = tree if tree is not None else parsed(source)
    if isinstance(module, Unreadable):
        return (unreadable_finding(module),)
    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.nodes import forget_nodes
    from atomic_fix.facts.shortlist import is_anything_likely
    from atomic_fix.facts.tree import Tree

    facts = ModuleFacts(source, Tree(source, module), config)
    try:
        if not is_anything_likely(facts, shapes=config.names_rules):
            return ()
        rules = selected_rules(config)
        findings = [each for rule in rules for each in rule.check(facts, fixes=fixes)]
    except NotParsed as error:
        return (unreadable_finding(Unreadable(source.filename, f"cannot be analysed: {error}")),)
    finally:
        forget_nodes()
    return tuple(sorted(findings, key=lambda finding: finding.sort_key))


def check_bytes(content: bytes, filename: str, config: Config) -> FileResult:
    """Decode and check. What cannot be decoded or parsed is one ATF000 finding."""
    from atomic_fix.prefilter import holds_none

    if holds_none(content, config) and is_python(content):
        return FileResult(filename, ())
    source = decode(content, filename)
    if isinstance(source, Unreadable):
        return FileResult(filename, (unreadable_finding(source),), analysed=False)
    findings = check(source, config)
    if not config.check_tests and is_test_file(filename):
        findings = tuple(each for each in findings if each.code == UNREADABLE)
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
