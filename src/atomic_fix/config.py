"""What may be configured, and nothing about where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one run, after files and options were merged.

    Codes may be given as prefixes: `ATF1` stands for every rule of that family.
    """

    select: tuple[str, ...] = ()
    """Codes to check; empty stands for every rule that is on by default."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    durable_words: tuple[str, ...] = ()
    """Words that name durable state in this project, beyond those in `catalog.words`."""
    not_durable_words: tuple[str, ...] = ()
    """Words that deny it, beyond those in `catalog.words`."""
    atomic_helpers: tuple[str, ...] = ()
    """Dotted names of functions that write atomically: a call of them is no finding."""
    savers: tuple[str, ...] = ()
    """Functions that write to a path given as an argument: `mylib.store` for the first one,
    `mylib.store:1` for the second, `.store:0` for a method of any object."""
    loaders: tuple[str, ...] = ()
    """Functions that parse a path, a handle or a text given as first argument."""
    helper: str = "atomic_fix.runtime"
    """Where fixed code imports from: a module with the names of `runtime`, or `module:function`."""
    on_corrupt: str = "raise"
    """What a fixed loader does with a corrupt file: `raise`, `warn` or `quarantine`."""
    durability: str = "durable"
    """`durable` asks for fsync before the replace (ATF115); `atomic` does not."""
    min_confidence: float = 0.5
    """Findings below this confidence (0 to 1) are not reported."""

    @property
    def names_rules(self) -> bool:
        """Whether rules that are off by default may be on."""
        return bool(self.select or self.extend_select)
