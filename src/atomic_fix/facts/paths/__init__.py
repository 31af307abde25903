"""Derives what is known about a path from its expression.

A `PathValue` has the expressions that stand for the path (`aliases`: two paths that share one are
the same file), the names that it comes from (`occurrences`), and a few traits.

`expr` has the expressions and `value` the properties of a path; `names` resolves names, `resolve`
and `calls` compute values from code, and `budget` limits the work.
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
