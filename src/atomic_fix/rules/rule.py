"""The form of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.facts.module import ModuleFacts
    from atomic_fix.finding import Finding


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
    check: Callable[[ModuleFacts, Config], Iterator[Finding]]
    default: bool = True

    @property
    def summary(self) -> str:
        return self.page.strip().splitlines()[0]
