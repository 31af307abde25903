"""The list of all rules."""

from atomic_fix.rules.broad_except_on_load import BROAD_EXCEPT_ON_LOAD
from atomic_fix.rules.copy_to_publish import COPY_TO_PUBLISH
from atomic_fix.rules.in_place_save import IN_PLACE_SAVE
from atomic_fix.rules.in_place_write import IN_PLACE_WRITE
from atomic_fix.rules.invalid_treated_as_missing import INVALID_TREATED_AS_MISSING
from atomic_fix.rules.remove_before_replace import REMOVE_BEFORE_REPLACE
from atomic_fix.rules.replace_before_close import REPLACE_BEFORE_CLOSE
from atomic_fix.rules.rule import Rule
from atomic_fix.rules.swallowed_load_error import SWALLOWED_LOAD_ERROR
from atomic_fix.rules.temp_on_another_filesystem import TEMP_ON_ANOTHER_FILESYSTEM
from atomic_fix.rules.unsynced_replace import UNSYNCED_REPLACE

__all__ = ["RULES", "Rule"]

RULES: tuple[Rule, ...] = (
    IN_PLACE_WRITE,
    IN_PLACE_SAVE,
    REPLACE_BEFORE_CLOSE,
    TEMP_ON_ANOTHER_FILESYSTEM,
    REMOVE_BEFORE_REPLACE,
    COPY_TO_PUBLISH,
    UNSYNCED_REPLACE,
    SWALLOWED_LOAD_ERROR,
    BROAD_EXCEPT_ON_LOAD,
    INVALID_TREATED_AS_MISSING,
)
