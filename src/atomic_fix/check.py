"""The pure core: a source and a configuration in, findings out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from atomic_fix.config import Config
from atomic_fix.finding import FileResult, Finding, Position, Span
from atomic_fix.islands import NotParsed, TooDeep, room
from atomic_fix.source import Source, Unreadable, decode, is_python, is_test_file

if TYPE_CHECKING:
    import ast

    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.rules import Rule

UNREADABLE = "ATF000"
UNREADABLE_NAME = "not-analysed"

_MOST_PLACES = 2_000
_MOST_TEXT = 2_000_000
"""Pieces, and characters in them, beyond which a generated file would take minutes."""


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


def check(source: Source, config: Config, tree: ast.Module | None = None) -> tuple[Finding, ...]:
    """Every finding of the selected rules, in order of position. Comments that suppress
    findings are not looked at: see `suppress`. `tree` is Python's syntax tree of the source,
    if there is one already."""
    try:
        if not room.is_wanted():
            try:
                return _check(source, config, tree)
            except TooDeep:
                raise
            except RecursionError:
                pass  # long chains are no defect, and can be followed with more room
        return room.with_room(lambda: _check(source, config, tree))
    except RecursionError:
        too_deep = Unreadable(source.filename, "cannot be analysed: nested too deeply")
        return (unreadable_finding(too_deep),)


def _check(source: Source, config: Config, tree: ast.Module | None) -> tuple[Finding, ...]:
    try:
        return _findings(module_facts(source, config, tree, tests=config.names_rules), config)
    except NotParsed:
        return _findings(whole_facts(source, config), config)


def _findings(facts: ModuleFacts | Unreadable | None, config: Config) -> tuple[Finding, ...]:
    if facts is None:
        return ()
    if isinstance(facts, Unreadable):
        return (unreadable_finding(facts),)
    from atomic_fix.facts.names import forget_nodes

    try:
        findings = [finding for rule in selected_rules(config) for finding in rule.check(facts)]
    finally:
        forget_nodes()
    facts.scopes.forget()
    return tuple(sorted(findings, key=lambda finding: finding.sort_key))


def check_bytes(content: bytes, filename: str, config: Config) -> FileResult:
    """Decode and check. What cannot be decoded or parsed is one ATF000 finding."""
    from atomic_fix.islands.needles import holds_none

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


def module_facts(
    source: Source, config: Config, tree: ast.Module | None = None, *, tests: bool = True
) -> ModuleFacts | Unreadable | None:
    """The facts of a file; None when nothing in it can lead to a finding.

    Args:
        tree: Python's syntax tree of the source, if there is one already.
        tests: whether a rule asks for `ModuleFacts.dismissals`.
    """
    from atomic_fix.islands import knife

    # A lone \r ends a row for some and not for others.
    if "\r" in source.text and "\r" in source.text.replace("\r\n", ""):
        return whole_facts(source, config)
    try:
        cut = knife.cut(tree or knife.parse(source.text), source, config, tests=tests)
    except (SyntaxError, ValueError):
        return whole_facts(source, config)  # LibCST may know newer syntax than this Python
    except MemoryError:  # that of Python's parser for code that is nested too deeply
        return Unreadable(source.filename, "cannot be parsed: nested too deeply")
    if cut is None:
        return None
    places = [piece for piece in cut.marked if not piece.only_loads]
    if len(places) > _MOST_PLACES or sum(len(piece.text) for piece in places) > _MOST_TEXT:
        reason = f"{len(places)} functions and statements that may write or swallow are too many"
        return Unreadable(source.filename, f"cannot be analysed: {reason} for one file")

    from atomic_fix.islands.pieces import facts_of

    return facts_of(source, cut, config)


def whole_facts(source: Source, config: Config) -> ModuleFacts | Unreadable:
    """The facts of a file that is parsed as a whole: what `module_facts` is measured by."""
    import libcst as cst

    from atomic_fix.facts.module import ModuleFacts, Tree
    from atomic_fix.islands.pieces import parse

    try:
        module = parse(source.text)
    except cst.ParserSyntaxError as error:
        reason, row, column = error.message.splitlines()[0], error.raw_line, error.raw_column + 1
        return _not_parsed(source, Unreadable(source.filename, reason, row, column))
    except (NotParsed, TooDeep) as error:
        return _not_parsed(source, Unreadable(source.filename, str(error)))
    return ModuleFacts(source, Tree(source, module), config)


def _not_parsed(source: Source, said: Unreadable) -> Unreadable:
    """In Python's own words where Python does not take it either: they say more, and where."""
    from atomic_fix.islands.knife import parse

    try:
        parse(source.text)
    except SyntaxError as own:
        column = max(own.offset or 1, 1)
        said = Unreadable(source.filename, own.msg, own.lineno or said.row, column)
    except (ValueError, RecursionError, MemoryError):
        pass  # then LibCST's words have to do
    return replace(said, reason=f"cannot be parsed: {said.reason}")


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
