"""Recognises cache files by their names."""

from atomic_fix.catalog.words import CACHE, KEPT_IN_CACHES
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.scopes import FunctionFacts


def is_cache(path: PathValue, function: FunctionFacts) -> bool:
    """Whether a file is a cache by its names, without content that cannot be recreated."""
    names = [each.text for each in path.occurrences if each.distance < 3]
    names.append(function.name)
    return any(phrase_in(CACHE, each) for each in names) and not any(
        phrase_in(KEPT_IN_CACHES, each) for each in names
    )
