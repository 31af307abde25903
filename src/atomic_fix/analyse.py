"""From a source to its facts: the parts that can matter are parsed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.source import Source, Unreadable

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.facts.module import ModuleFacts


def module_facts(source: Source, config: Config) -> ModuleFacts | Unreadable | None:
    """The facts of a file; None when nothing in it can lead to a finding."""
    import libcst as cst

    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.facts.tree import Tree

    try:
        module = cst.parse_module(source.text)
    except cst.ParserSyntaxError as error:
        return Unreadable(
            source.filename,
            f"cannot be parsed: {error.message.splitlines()[0]}",
            error.raw_line,
            error.raw_column + 1,
        )
    except RecursionError:
        return Unreadable(source.filename, "cannot be parsed: nested too deeply")
    return ModuleFacts(source, Tree(source, module), config)
