"""The table of contents: every rule, one line each."""

from __future__ import annotations

from atomic_fix.rules.broad_except_on_load import BROAD_EXCEPT_ON_LOAD
from atomic_fix.rules.in_place_save import IN_PLACE_SAVE
from atomic_fix.rules.in_place_write import IN_PLACE_WRITE
from atomic_fix.rules.rule import Rule
from atomic_fix.rules.swallowed_load_error import SWALLOWED_LOAD_ERROR

__all__ = ["RULES", "Rule"]

RULES: tuple[Rule, ...] = (
    IN_PLACE_WRITE,
    IN_PLACE_SAVE,
    SWALLOWED_LOAD_ERROR,
    BROAD_EXCEPT_ON_LOAD,
)
