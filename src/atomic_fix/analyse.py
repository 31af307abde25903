"""From a source to its facts: the parts that can matter are parsed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.islands import NotParsed
from atomic_fix.source import Source, Unreadable

if TYPE_CHECKING:
    import ast

    import libcst as cst

    from atomic_fix.config import Config
    from atomic_fix.facts.module import ModuleFacts

_MOST_PLACES = 2_000
_MOST_TEXT = 2_000_000
"""Pieces, and characters in them, beyond which a generated file would take minutes."""

__all__ = ["NotParsed", "module_facts", "whole_facts"]


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
    if "\r" in source.text.replace("\r\n", ""):
        return whole_facts(source, config)
    try:
        cut = knife.cut(tree or knife.parse(source.text), source, config, tests=tests)
    except (SyntaxError, ValueError):
        return whole_facts(source, config)  # LibCST may know newer syntax than this Python
    except (RecursionError, MemoryError):
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

    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.tree import Tree

    try:
        module = cst.parse_module(source.text)
    except cst.ParserSyntaxError as error:
        return _not_parsed(source, error)
    except RecursionError:
        return Unreadable(source.filename, "cannot be parsed: nested too deeply")
    return ModuleFacts(source, Tree(source, module), config)


def _not_parsed(source: Source, error: cst.ParserSyntaxError) -> Unreadable:
    """In Python's own words where Python does not take it either: they say more, and where."""
    import ast
    import warnings

    reason, row, column = error.message.splitlines()[0], error.raw_line, error.raw_column + 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are for other linters
            ast.parse(source.text)
    except SyntaxError as own:
        reason, row, column = own.msg, own.lineno or row, max(own.offset or 1, 1)
    except (ValueError, RecursionError, MemoryError):
        pass  # then LibCST's words have to do
    return Unreadable(source.filename, f"cannot be parsed: {reason}", row, column)
