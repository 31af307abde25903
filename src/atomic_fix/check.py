"""The pure core: a source and a configuration in, findings out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from atomic_fix.config import AUTO, Config
from atomic_fix.finding import FileResult, Finding, NotAnalysed, Unreadable
from atomic_fix.parse import NotParsed, stack
from atomic_fix.parse.python import parsed
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
from atomic_fix.source import Source, decode, is_test_file

if TYPE_CHECKING:
    import ast

    from atomic_fix.rules import Rule


def selected_rules(config: Config) -> tuple[Rule, ...]:
    """The rules that a configuration turns on, in the order of `RULES`."""
    # Imported here because the rules import LibCST, and most files need neither.
    from atomic_fix.rules import RULES

    # Every code begins with the empty prefix.
    selected = (*(config.select or ("",)), *config.extend_select)
    return tuple(
        rule
        for rule in RULES
        # The longest prefix that matches decides; `ignore` wins a tie, as in ruff.
        if _longest_prefix(rule.code, selected) > _longest_prefix(rule.code, config.ignore)
        and (rule.default or rule.code in selected)
    )


def _longest_prefix(code: str, prefixes: Iterable[str]) -> int:
    """The length of the longest of these prefixes that the code begins with; -1 for none."""
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)


def check(
    source: Source,
    config: Config,
    tree: ast.Module | None = None,
    *,
    index: ProjectIndex = EMPTY_INDEX,
    fixes: bool = True,
) -> tuple[Finding, ...]:
    """Every finding of the selected rules, in order of position. Comments that suppress
    findings are ignored: see `suppress`.

    Args:
        tree: Python's syntax tree of the source, if there is one already. index: evidence about
        this file in the other files of the project, by its name. fixes: whether to compute repairs,
        which takes as long as everything else together.

    Raises:
        NotAnalysed: the source cannot be parsed by Python or LibCST.
    """
    try:
        return stack.with_enough_stack(lambda: _check(source, config, tree, index, fixes=fixes))
    except RecursionError:
        reason = "cannot be analysed: nested too deeply"
        raise NotAnalysed(Unreadable(source.filename, reason)) from None


def _check(
    source: Source,
    config: Config,
    tree: ast.Module | None,
    index: ProjectIndex,
    *,
    fixes: bool,
) -> tuple[Finding, ...]:
    module = tree if tree is not None else parsed(source)
    if isinstance(module, Unreadable):
        raise NotAnalysed(module)
    if config.helper == AUTO:
        config = replace(config, helper=index.slice_of(source.filename).helper or Config().helper)
    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.nodes import forget_nodes
    from atomic_fix.facts.shortlist import has_likely_finding
    from atomic_fix.facts.tree import Tree

    facts = ModuleFacts(source, Tree(source, module), config, index.slice_of(source.filename))
    try:
        if not has_likely_finding(facts, shapes=config.names_rules):
            return ()
        rules = selected_rules(config)
        findings = [each for rule in rules for each in rule.check(facts, fixes=fixes)]
        if findings and fixes:
            from atomic_fix.fixes.earlier_writes import unsafe_after_earlier_writes

            findings = unsafe_after_earlier_writes(facts, findings)
    except NotParsed as error:
        reason = f"cannot be analysed: {error}"
        raise NotAnalysed(Unreadable(source.filename, reason)) from error
    finally:
        forget_nodes()
        facts.forget()
    return tuple(sorted(findings, key=lambda finding: finding.sort_key))


def check_bytes(content: bytes, filename: str, config: Config) -> FileResult:
    """Decode and check one file. If it cannot be decoded, or has to be parsed and cannot be, the
    result says so."""
    from atomic_fix.prefilter import cannot_match

    if cannot_match(content, config):
        return FileResult(filename)
    source = decode(content, filename)
    if isinstance(source, Unreadable):
        return FileResult(filename, problem=source)
    try:
        findings = check(source, config)
    except NotAnalysed as error:
        return FileResult(filename, problem=error.problem)
    if not config.check_tests and is_test_file(filename):
        return FileResult(filename)
    return FileResult(filename, findings)
