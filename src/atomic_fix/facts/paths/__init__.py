"""Derives what is known about a path from its expression.

A `PathValue` says under which expressions the same path is known (`aliases`: two paths that share
one are the same file), which names it comes from (`occurrences`), and a few traits.

`expr` has the expressions, `value` the properties of a path, `names` resolves names, `resolve` and
`calls` compute values from code, `budget` limits that.
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
