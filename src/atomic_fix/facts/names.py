"""The words inside an identifier."""

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words of an identifier or path, lower case and singular, in order.

    Case, underscores and punctuation separate words, so `estate` and `restate` do not contain
    `state`, and the words of `lastRunIDs` are `last`, `run`, `id`.
    """
    return tuple(_singular(word.lower()) for word in _WORD.findall(text) if not word.isdigit())


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def phrase_in(phrases: frozenset[str], text: str) -> str | None:
    """The first word or phrase of `phrases` that occurs in the words of `text`."""
    found = words(text)
    for size in (1, 2, 3):
        for start in range(len(found) - size + 1):
            phrase = " ".join(found[start : start + size])
            if phrase in phrases:
                return phrase
    return None
