"""What is known of a path from the expression that it comes from.

A `PathValue` says under which expressions the same path is known (`aliases`: two paths that share
one are the same file), which names it comes from (`occurrences`), and a few traits.

`expr` has the expressions, `value` what is known of a path, `names` what names stand for, `resolve`
and `calls` how values come from code, `budget` how far that goes.
"""

from atomic_fix.facts.paths.names import QualifiedName, parameter_of
from atomic_fix.facts.paths.resolve import Paths
from atomic_fix.facts.paths.value import NameOccurrence, OccurrenceKind, PathTrait, PathValue

__all__ = [
    "NameOccurrence",
    "OccurrenceKind",
    "PathTrait",
    "PathValue",
    "Paths",
    "QualifiedName",
    "parameter_of",
]
