"""Combines the evidence on a path with that in other files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from atomic_fix.catalog.features import FeatureName
from atomic_fix.catalog.words import NOT_DURABLE_SUFFIXES
from atomic_fix.facts.evidence import Feature, Vocabulary, caller_name_features
from atomic_fix.facts.names import phrase_in
from atomic_fix.facts.outside import FileSlice, Given, OutsideSite
from atomic_fix.facts.paths import PathTrait, PathValue
from atomic_fix.facts.paths.expr import Global, Literal, Parameter
from atomic_fix.facts.scopes import Site

_TEMP = PathTrait.TEMP | PathTrait.TEMP_DIR | PathTrait.SYSTEM_TEMP
_OF_ALL = _TEMP | PathTrait.BACKUP | PathTrait.UNIQUE | PathTrait.DEVICE | PathTrait.MEMORY

_NEAR = 3


@dataclass(frozen=True, slots=True)
class View:
    """A path as given by one caller, or by the file itself."""

    path: PathValue
    features: tuple[Feature, ...] = ()
    given: Given | None = None
    """None for the file itself."""
    readers: tuple[OutsideSite, ...] = ()
    """The loads of the file in other files."""


def views(
    outside: FileSlice,
    vocabulary: Vocabulary,
    site: Site,
    path: PathValue,
    *,
    reads: bool,
    is_called_here: bool,
) -> list[View]:
    """The variants of a path, of which the most likely one counts. Empty if other files show that
    it is always a temp file.

    Args:
        reads: whether the site loads the file; it writes it otherwise.
        is_called_here: whether the path also comes from callers in the file itself, from a default
            or from an attribute that has a value there.
    """
    elsewhere = outside.site_at(site.node)
    direct: Sequence[OutsideSite] = ()
    if elsewhere is not None:
        direct = elsewhere.writers if reads else elsewhere.readers
    readers = () if reads else tuple(direct)
    own = View(path, _of_sites(direct, reads=reads), readers=readers)
    given = [each for each in outside.given_for(path) if not each.tested]
    if not given:
        return [own]
    is_called_here = is_called_here or _names_its_file(path)
    lasting = [each for each in given if not _is_temp(each)]
    # A path from the file itself is its own, whatever paths others pass in addition.
    is_denied = not is_called_here and all(_is_denied(vocabulary, each) for each in lasting)
    if lasting and is_denied:
        at = lasting[0].at
        text = f"callers such as {at} give it no state"
        denial = Feature(FeatureName.CALLERS_DENY, text, elsewhere=at)
        own = replace(own, features=(*own.features, denial))
    found = [_view(vocabulary, own, each, reads=reads) for each in lasting]
    if is_called_here or (not lasting and own.features):
        found.append(own)
    return found


def _names_its_file(path: PathValue) -> bool:
    """Whether the file itself names the path, and no other file passes one."""
    parts = list(path.expr.walk())
    return any(isinstance(each, Literal) for each in parts) and not any(
        isinstance(each, (Global, Parameter)) for each in parts
    )


def _is_temp(given: Given) -> bool:
    return given.published or bool(given.traits & (PathTrait.TEMP | PathTrait.TEMP_DIR))


def _is_denied(vocabulary: Vocabulary, given: Given) -> bool:
    """Whether the words of a given path say that it is not durable state."""
    said = [each.text for each in given.occurrences if each.distance <= _NEAR]
    if any(phrase_in(vocabulary.durable, name) for name in said):
        return False
    return any(phrase_in(vocabulary.denied, name) for name in said) or any(
        PurePath(f"_{name}").suffix.lower() in NOT_DURABLE_SUFFIXES for name in said
    )


def _view(
    vocabulary: Vocabulary,
    own: View,
    given: Given,
    *,
    reads: bool,
) -> View:
    path = own.path
    occurrences = tuple(replace(each, origin=given.at) for each in given.occurrences)
    known = replace(
        path,
        occurrences=(*path.occurrences, *occurrences),
        traits=path.traits | (given.traits & _OF_ALL),
    )
    site = given.writer if reads else given.reader
    found = [*own.features, *_of_sites([site] if site is not None else [], reads=reads)]
    best = sorted(found, key=lambda feature: -feature.prior)[:1]
    best += [feature for feature in found if feature.prior < 0 and feature not in best]
    best += caller_name_features(vocabulary, given.said, given.at)
    readers = (given.reader,) if given.reader is not None and not reads else ()
    return View(known, tuple(best), given, (*own.readers, *readers))


def _of_sites(sites: Iterable[OutsideSite], *, reads: bool) -> tuple[Feature, ...]:
    """The strongest evidence that other code reads or writes the file."""
    found = []
    for each in sites:
        if reads:
            name, text = FeatureName.WRITTEN_ELSEWHERE, each.does("writes it")
        else:
            text = each.does("reads it back")
            name = (
                FeatureName.READ_BACK_ELSEWHERE
                if each.parsed
                else FeatureName.READ_BACK_ELSEWHERE_RAW
            )
        found.append(
            Feature(name, text, each.weight, elsewhere=each.at, of_file=True, who=each.who)
        )
    return tuple(sorted(found, key=lambda feature: -feature.prior)[:1])
