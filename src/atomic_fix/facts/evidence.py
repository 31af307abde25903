"""Whether a path is durable state: features for and against, which add up to a confidence.

Each feature has a name and a strength between 0 and 1; `catalog.weights` says how much the name
counts at full strength, for or against. The sum becomes a confidence through the logistic
function, so that 0 stands for "as likely as not" (0.5). Which features a site has does not depend
on the weights. A definite "no" is a rule outside of the sum: see `exclusion`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import NamedTuple

from atomic_fix.catalog import apis
from atomic_fix.catalog import words as catalog
from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.calls import ASKING
from atomic_fix.catalog.features import FeatureName as Name
from atomic_fix.catalog.remarks import PROMISES_ATOMICITY
from atomic_fix.catalog.weights import START
from atomic_fix.facts.lines import keeps_lines
from atomic_fix.facts.names import phrase_in, words
from atomic_fix.facts.nodes import code_of, dotted, last_name
from atomic_fix.facts.pairs import ByFile, Partners, answered, are_paired, asked
from atomic_fix.facts.paths import (
    NameOccurrence,
    OccurrenceKind,
    PathTrait,
    PathValue,
    parameter_of,
)
from atomic_fix.facts.paths.expr import FileName, folder
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.scopes import BindingKind, BlockKind, FunctionFacts
from atomic_fix.facts.shown import is_only_shown
from atomic_fix.facts.sites import LoadSite, PublishSite, WriteSite

# By kind of name: the features of a durable word, of a word that needs a second feature, and of one
# that counts against.
_OCCURRENCES = {
    OccurrenceKind.LITERAL: (Name.LITERAL_DURABLE, Name.LITERAL_MAYBE, Name.LITERAL_DENIED),
    OccurrenceKind.CONSTANT: (Name.CONSTANT_DURABLE, Name.CONSTANT_MAYBE, Name.CONSTANT_DENIED),
    OccurrenceKind.ATTRIBUTE: (Name.ATTRIBUTE_DURABLE, Name.ATTRIBUTE_MAYBE, Name.ATTRIBUTE_DENIED),
    OccurrenceKind.VARIABLE: (Name.VARIABLE_DURABLE, Name.VARIABLE_MAYBE, Name.VARIABLE_DENIED),
    OccurrenceKind.PARAMETER: (Name.PARAMETER_DURABLE, Name.PARAMETER_MAYBE, Name.PARAMETER_DENIED),
    OccurrenceKind.KEY: (Name.KEY_DURABLE, Name.KEY_MAYBE, Name.KEY_DENIED),
    OccurrenceKind.FUNCTION: (
        Name.PATH_FUNCTION_DURABLE,
        Name.PATH_FUNCTION_MAYBE,
        Name.PATH_FUNCTION_DENIED,
    ),
}
_FUNCTION = (Name.FUNCTION_DURABLE, Name.FUNCTION_MAYBE, Name.FUNCTION_DENIED)
_CLASS = (Name.CLASS_DURABLE, Name.CLASS_MAYBE, Name.CLASS_DENIED)
_MODULE = (Name.MODULE_DURABLE, Name.MODULE_MAYBE, Name.MODULE_DENIED)
_DATA = (Name.DATA_DURABLE, Name.DATA_MAYBE, Name.DATA_DENIED)
_CALLER = (Name.CALLER_DURABLE, Name.CALLER_MAYBE)

# Evidence in another file counts a little less.
_DISTANT = 0.8
_ELSEWHERE = 0.97
_STRONG = 1.2

_CONVERTING = frozenset({"to", "write"})

_OF_FORMATS = 0.75
"""The strength of evidence by functions that read and write any file of a format."""

_FAR_IN = 3
"""The distance of an argument of a nested call."""

_NAMES_DENIED = catalog.NOT_DURABLE - catalog.VERBS
"""Words in the names of loaders which say that they do not load state."""


Callers = Callable[[FunctionFacts], "tuple[FunctionFacts, ...]"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A piece of evidence for or against: a name, a clause for the message, and the site that shows
    it."""

    name: Name
    text: str
    strength: float = 1.0
    """The strength, between 0 and 1."""
    site: LoadSite | WriteSite | PublishSite | None = None
    elsewhere: Location | None = None
    """The location in another file that shows it."""
    of_file: bool = False
    """Whether the code there reads or writes the file."""
    word: str = ""
    """The phrase of the catalogue that was found, for a feature based on words."""
    who: str = ""
    """The function that reads the file there, as named in messages: "`load_state`"."""

    @property
    def weight(self) -> float:
        """Its contribution to the log odds."""
        return self.name.weight * self.strength

    @property
    def prior(self) -> float:
        """The same with the weights set by hand. Only these decide which of several features is
        kept, and how features affect each other."""
        return self.name.prior * self.strength


@dataclass(frozen=True, slots=True)
class Score:
    features: tuple[Feature, ...] = ()
    ruled_out: str = ""
    """A clause that says why it cannot be durable state, regardless of the score; or empty."""

    @property
    def log_odds(self) -> float:
        return START + sum(feature.weight for feature in self.features)

    @property
    def confidence(self) -> float:
        return 0.0 if self.ruled_out else round(1 / (1 + math.exp(-self.log_odds)), 2)

    @property
    def reasons(self) -> list[Feature]:
        """The features for it, strongest first; only one for each place in another file."""
        found = sorted((g for g in self.features if g.weight > 0.5), key=lambda g: -g.weight)
        places = [each.elsewhere for each in found]
        return [
            each
            for index, each in enumerate(found)
            if each.elsewhere is None or each.elsewhere not in places[:index]
        ]


def is_read_back(features: Iterable[Feature]) -> bool:
    """Whether other code that reads or writes the same file was found."""
    return any(each.site is not None or each.of_file for each in features)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of the catalogue with those of the configuration."""

    durable: frozenset[str]
    maybe: frozenset[str]
    denied: frozenset[str]

    @property
    def denied_of_functions(self) -> frozenset[str]:
        return self.denied - catalog.VERBS

    @classmethod
    def of(cls, durable: tuple[str, ...], denied: tuple[str, ...]) -> Vocabulary:
        more = frozenset(" ".join(words(w)) for w in durable)
        less = frozenset(" ".join(words(w)) for w in denied)
        return cls(
            (catalog.DURABLE | more) - less,
            catalog.MAYBE_DURABLE - more - less,
            (catalog.NOT_DURABLE | less) - more,
        )


def exclusion(path: PathValue) -> str:
    """A clause that says why a path cannot be durable state, regardless of the score; or empty."""
    if PathTrait.DEVICE in path.traits:
        return "the path is a device"
    if any(phrase_in(catalog.KERNEL_FILES, each.text) for each in path.occurrences):
        return "the kernel provides the content of the file"
    if (PathTrait.TEMP | PathTrait.TEMP_DIR) & path.traits:
        return "the path is a temp file"
    if PathTrait.STAGED in path.traits:
        return "the folder is published at the end of the `with` block"
    return ""


def name_features(
    vocabulary: Vocabulary, path: PathValue, function: FunctionFacts, filename: str
) -> Iterator[Feature]:
    """Features in the words of the path, and of the functions and the class around the call."""
    features: list[Feature] = []
    against: list[Feature] = []
    seen: set[str] = set()
    denials: set[str] = set()
    suffixes: set[Name] = set()
    for occurrence in path.occurrences:
        strong, weak, denying = _OCCURRENCES[occurrence.kind]
        text = f"the {occurrence.kind.value} `{occurrence.text}` contains"
        if occurrence.kind is OccurrenceKind.LITERAL:
            text = "the path contains"
        elif occurrence.kind is OccurrenceKind.FUNCTION:
            text = f"the path comes from `{occurrence.text}`, whose name contains"
        phrase = phrase_in(vocabulary.durable, occurrence.text)
        name = strong
        if phrase is None:
            phrase = phrase_in(vocabulary.maybe, occurrence.text)
            name = weak
        if phrase is not None and not (_names_another(occurrence) or _counts(occurrence, function)):
            seen.add(phrase)
            said = _given_by(occurrence) or f"{text} `{phrase}`"
            strength = 0.75**occurrence.distance * (
                1.0 if occurrence.origin is None else _ELSEWHERE
            )
            features.append(Feature(name, said, strength, elsewhere=occurrence.origin, word=phrase))
        is_function = occurrence.kind is OccurrenceKind.FUNCTION
        denying_words = vocabulary.denied_of_functions if is_function else vocabulary.denied
        denied = phrase_in(denying_words, occurrence.text)
        if denied == "template" and not catalog.PATHS.isdisjoint(words(occurrence.text)):
            denied = None  # `filename_template`: a pattern for names
        if denied is not None:
            denials.add(denied)
            strength = 0.8**occurrence.distance
            against.append(Feature(denying, f"{text} `{denied}`", strength, word=denied))
        if occurrence.kind is OccurrenceKind.LITERAL:
            suffix = PurePath("_" + occurrence.text.replace("\\", "/")).suffix.lower()
            if suffix in catalog.NOT_DURABLE_SUFFIXES and occurrence.distance <= 4:
                name = Name.SUFFIX_DENIED
            elif suffix in catalog.DATA_SUFFIXES:
                name = Name.SUFFIX_DATA
            else:
                continue
            # The same suffix in several names is still one piece of evidence.
            if name not in suffixes:
                suffixes.add(name)
                yield Feature(name, f"the suffix is {suffix}", word=suffix)
    for found in (features, against):
        yield from sorted(found, key=lambda feature: -abs(feature.prior))[:1]
    for text in (*(m.text for m in path.occurrences if m.distance < 3), function.name):
        running = phrase_in(catalog.RUNNING, text)
        if running is not None:
            yield Feature(Name.RUNNING_PROCESS, f"`{text}` contains `{running}`", word=running)
            break
    yield from _context_features(vocabulary, function, filename, seen, denials)


def _context_features(
    vocabulary: Vocabulary,
    function: FunctionFacts,
    filename: str,
    found: set[str],
    denials: set[str],
) -> Iterator[Feature]:
    places: list[tuple[str, str, tuple[Name, Name, Name], float]] = []
    strength = 1.0
    for scope in function.with_outer():
        places.append(("function", scope.name, _FUNCTION, strength))
        strength *= 0.7
    if function.owner is not None:
        places.append(("class", function.owner.name, _CLASS, 1.0))
    stem = PurePath(filename.replace("\\", "/"))
    module = stem.parent.name if stem.stem == "__init__" else stem.stem
    places.append(("module", module, _MODULE, 1.0))
    # Tests themselves are skipped by a setting, not by their score.
    if "testing" in {*words(module), *words(stem.parent.name)}:
        yield Feature(Name.FOR_TESTING, "it supports tests")
    for kind, text, (strong, weak, denying), strength in places:
        phrase = phrase_in(vocabulary.durable, text)
        name = strong
        if phrase is None:
            phrase, name = phrase_in(vocabulary.maybe, text), weak
        is_function = kind == "function"
        if is_function and phrase == "sync" and words(text)[0] != "sync":
            phrase = None  # `_write_sync`: not asynchronous
        denied = phrase_in(
            vocabulary.denied_of_functions if is_function else vocabulary.denied, text
        )
        if is_function and denied == "download" and "downloads" in text.lower():
            denied = None  # `set_parallel_downloads`: a noun, which says what is set
        for word, says, before in ((phrase, name, found), (denied, denying, denials)):
            if word is not None:
                # The same word again, further away, adds little.
                fade = 0.4 if word in before else 1.0
                before.add(word)
                said = f"the {kind} name contains `{word}`"
                yield Feature(says, said, strength * fade, word=word)


def _given_by(occurrence: NameOccurrence) -> str:
    """The clause for a word that comes from another file."""
    if occurrence.origin is None:
        return ""
    return f"{occurrence.origin} passes it `{occurrence.text}`"


def _names_another(occurrence: NameOccurrence) -> bool:
    """`session_id` in a path: it says which session, not what the file is. The same holds for
    `path_of(agent_of(self.session, name))`, where an object only provides parts of the path."""
    return occurrence.kind in {
        OccurrenceKind.ATTRIBUTE,
        OccurrenceKind.PARAMETER,
        OccurrenceKind.VARIABLE,
    } and (
        words(occurrence.text)[-1] in catalog.NAMING
        or (occurrence.distance >= _FAR_IN and occurrence.text.lower() in catalog.SERVICES)
    )


def _counts(occurrence: NameOccurrence, function: FunctionFacts) -> bool:
    """`for index, page in enumerate(pages)`: a number, whatever its name."""
    bound = (
        function.bindings.get(occurrence.text, ())
        if occurrence.kind is OccurrenceKind.VARIABLE
        else ()
    )
    return bool(bound) and all(
        each.kind is BindingKind.FOR
        and isinstance(each.value, ast.Call)
        and (dotted(each.value.func), each.unpacked) in {("enumerate", (0,)), ("range", ())}
        for each in bound
    )


def trait_features(path: PathValue) -> Iterator[Feature]:
    """Features of the path other than its words."""
    if PathTrait.SYSTEM_TEMP in path.traits:
        yield Feature(Name.SYSTEM_TEMP, "the path is in the system's temp folder")
    if PathTrait.BACKUP in path.traits:
        yield Feature(Name.BACKUP, "the path is a backup copy")
    if PathTrait.UNIQUE in path.traits:
        yield Feature(Name.FRESH_NAME, "each write uses a new name")
    if any(phrase_in(catalog.VOLATILE, occurrence.text) for occurrence in path.occurrences):
        yield Feature(Name.VOLATILE_FOLDER, "the folder is removed after the run")


class _Reading(NamedTuple):
    """How a load reads a file back."""

    name: Name
    strength: float = 1.0

    @property
    def prior(self) -> float:
        return self.name.prior * self.strength


class Readers:
    """The loads of one module, indexed by file and by the functions that they correspond to."""

    def __init__(
        self,
        loads: Iterable[LoadSite],
        callers: Callers,
        follows_write: Callable[[LoadSite], bool] = lambda _: False,
    ) -> None:
        self._callers = callers
        self.follows_write = follows_write
        """Whether a load only reads what the same run has written."""
        # Of equivalent loads, the first is enough.
        self._loads: dict[object, LoadSite] = {}
        self._parsed: dict[FunctionFacts, list[PathValue]] = {}
        for load in loads:
            if load.raw and is_only_shown(load):
                continue
            key = (load.function, load.raw, load.far, load.api in apis.SPLITTERS, load.path)
            is_new = self._loads.setdefault(key, load) is load
            if is_new and not load.raw and not load.far and load.api not in apis.SPLITTERS:
                self._parsed.setdefault(load.function, []).append(load.path)
        self._readings: dict[tuple[LoadSite, bool], _Reading] = {}
        self._by_file = ByFile((load, load.path) for load in self._loads.values())

    def of(self, path: PathValue) -> list[LoadSite]:
        """The loads of a file."""
        return self._by_file.same(path)

    def reading(self, load: LoadSite, *, own: bool) -> _Reading:
        """How a load reads a file that another function writes; `own`: the program chose its
        name."""
        if (load, own) not in self._readings:
            self._readings[load, own] = self._reading(load, own=own)
        return self._readings[load, own]

    def _reading(self, load: LoadSite, *, own: bool) -> _Reading:
        # A file read by a function from elsewhere, without a name chosen by the program, may be any
        # file that is being edited.
        name = _reading(load, edits=load.far and not own)
        if load.raw:
            if any(each.same(load.path) for each in self._parsed.get(load.function, ())):
                name = Name.READ_BACK
            elif own:
                name = Name.READ_BACK_OWN_RAW
        # `read_log`, `load_template`
        return _Reading(name, 0.5 if phrase_in(_NAMES_DENIED, load.function.name) else 1.0)

    def loaders(self, load: LoadSite) -> tuple[FunctionFacts, ...]:
        """The function that contains a load, with those that give it the path."""
        if given_by_caller(load.path, load.function):
            return (load.function, *self._callers(load.function))
        return (load.function,)

    @cached_property
    def _partners(self) -> dict[bool, Partners[LoadSite]]:
        return {
            raw: Partners(
                (
                    (each, self.loaders(each))
                    for each in self._loads.values()
                    # For files with different names, the whole project is better evidence.
                    if each.raw is raw and not each.far
                ),
                answered,
            )
            for raw in (False, True)
        }

    def are_paired(
        self, savers: Sequence[FunctionFacts], but: AbstractSet[LoadSite], *, own: bool
    ) -> tuple[LoadSite, FunctionFacts] | None:
        """A load by a function that is named as the partner of one of some others, and that
        function; one that parses before one that only reads."""
        for raw in (False, True):
            load = self._partners[raw].first(
                savers, lambda saver: asked(saver, own=own), lambda each: each not in but
            )
            if load is not None:
                return load, next(
                    each
                    for each in self.loaders(load)
                    if any(are_paired(saver, each, own=own) for saver in savers)
                )
        return None


def read_back(
    path: PathValue, function: FunctionFacts, readers: Readers, callers: Callers
) -> tuple[Feature, ...]:
    """Evidence in code of the same module that loads the file that `function` writes."""
    given = given_by_caller(path, function)
    own = not given and _is_own(path)
    best: LoadSite | None = None
    how: _Reading | None = None
    seen: set[LoadSite] = set()
    for load in readers.of(path):
        if readers.follows_write(load):
            seen.add(load)
            continue
        if load.function is not function:
            found = readers.reading(load, own=own)
            gathers = (
                load.raw
                and not given
                and function.owner is not None
                and load.function.owner is function.owner
                and keeps_lines(load)
            )
            if gathers and found.prior < Name.READ_BACK_LINES.prior:
                found = _Reading(Name.READ_BACK_LINES)
        elif _moved(load.path, path):
            continue
        else:
            # A file that one function both reads and writes may be any file that it edits.
            found = _Reading(_reading(load, edits=load.far))
        seen.add(load)
        if how is None or found.prior > how.prior:
            best, how = load, found
            if how.prior >= Name.READ_BACK.prior:
                break  # none is better
    if how is None or how.prior < Name.READ_BACK_PAIR.prior:
        savers = (function, *callers(function)) if given else (function,)
        if pair := readers.are_paired(savers, seen, own=own):
            load, loader = pair
            name = Name.READ_BACK_PAIR_RAW if load.raw else Name.READ_BACK_PAIR
            is_better = how is None or name.prior > how.prior
            if is_better and not _goes_the_other_way(path, load.path):
                who = f"`{loader.name}`"
                # `write_labels(path, labels)` and `read_labels(path)`: any file of a format.
                strength = _OF_FORMATS if given and _is_of_format(function) else 1.0
                text = f"{who} appears to read it back"
                return (Feature(name, text, strength, load, who=who),)
    if best is None or how is None:
        return ()
    who = _loader_shown(best.function, function)
    return (Feature(how.name, f"{who} reads it back", how.strength, best, who=who),)


def _is_of_format(saver: FunctionFacts) -> bool:
    """Whether a function writes files of one format for its callers, by its name: `write_labels`,
    but not `write_to`."""
    said = set(words(saver.name))
    return not _CONVERTING.isdisjoint(said) and not (
        said <= _CONVERTING or said & catalog.SAVE_VERBS
    )


def _goes_the_other_way(written: PathValue, loaded: PathValue) -> bool:
    """Whether one path is called an output, and the other one an input."""
    return any(
        not catalog.OUTPUT.isdisjoint(words(each.text))
        for each in written.occurrences
        if each.distance < 2
    ) and any(
        not catalog.INPUT.isdisjoint(words(each.text))
        for each in loaded.occurrences
        if each.distance < 2
    )


def _reading(load: LoadSite, *, edits: bool = False) -> Name:
    """How a load reads the written file; `edits`: the load may only be part of editing it."""
    if load.api in apis.SPLITTERS:
        return Name.READ_BACK_SPLIT
    return Name.READ_BACK_RAW if load.raw or edits else Name.READ_BACK


_READINGS = (
    Name.READ_BACK,
    Name.READ_BACK_OWN_RAW,
    Name.READ_BACK_LINES,
    Name.READ_BACK_PAIR,
    Name.READ_BACK_SPLIT,
    Name.READ_BACK_PAIR_RAW,
    Name.READ_BACK_RAW,
)


def best_possible_read_back(site: WriteSite) -> tuple[Feature, ...]:
    """The strongest feature that `read_back` could find."""
    strongest = max(_READINGS, key=lambda name: name.weight)
    return (Feature(strongest, "it may be read back", site=site),)


def _moved(loaded: PathValue, written: PathValue) -> bool:
    """Whether two paths of one function share the file name but not the folder."""
    if loaded.is_unknown or written.is_unknown or folder(loaded.expr) == folder(written.expr):
        return False
    return all(isinstance(alias, FileName) for alias in loaded.aliases & written.aliases)


def given_by_caller(path: PathValue, function: FunctionFacts) -> bool:
    """Whether the path comes in as a parameter of the function."""
    return any(parameter_of(function, p.name) in path.aliases for p in function.parameters)


def _is_own(path: PathValue) -> bool:
    """Whether the program chose the file's name."""
    return any(isinstance(alias, FileName) for alias in path.aliases) or any(
        occurrence.kind in {OccurrenceKind.CONSTANT, OccurrenceKind.KEY} and occurrence.distance < 2
        for occurrence in path.occurrences
    )


def _loader_shown(loader: FunctionFacts, function: FunctionFacts) -> str:
    if loader is function:
        return "this function"
    return "this module" if loader.is_module else f"`{loader.name}`"


def foreign_features(path: PathValue, function: FunctionFacts) -> Iterator[Feature]:
    """Evidence against a load of a file that no visible code writes: it usually belongs to another
    program."""
    names = (*(m.text for m in path.occurrences), function.name)
    if not any(phrase_in(catalog.OWN, name) for name in names):
        yield Feature(Name.FOREIGN, "no visible code writes it")


def hint_features(found: Sequence[Feature]) -> Iterator[Feature]:
    """Evidence against files with weak words only: code that reads them back must be visible."""
    if not is_read_back(found) and not any(g.prior >= _STRONG for g in found):
        yield Feature(Name.NOT_SEEN_READ_BACK, "no visible code reads it back")


def content_features(site: WriteSite, found: Sequence[Feature]) -> Iterator[Feature]:
    """Features of the written data, which depend on those that were `found` so far."""
    if site.constant:
        yield Feature(Name.ALWAYS_SAME, "the content is always the same")
    elif site.content is Content.STATE:
        yield Feature(Name.SERIALISED, "it holds serialised data")
    elif site.content is Content.TABLE and not is_read_back(found):
        yield Feature(Name.TABLE, "it holds a table")
    elif site.content is Content.COPY:
        source = code_of(site.call.arguments[0].value)
        if any(phrase_in(catalog.BACKUP, name) for name in site.data):
            yield Feature(Name.RESTORED, "a backup copy is restored")
        elif any(phrase_in(catalog.ORIGINALS, name) for name in (*site.data, source)):
            yield Feature(Name.RESTORED, "the copied file ships with the program")
        # Functions named for checkpoints copy much that is not state.
        elif not any(g.prior > 2.0 and g.site is None for g in found):
            yield Feature(Name.COPIED, "the file is copied")


def data_features(vocabulary: Vocabulary, names: tuple[str, ...]) -> Iterator[Feature]:
    """Features in the names of what is written."""
    if any(phrase_in(catalog.SOURCE_TEXT, name) for name in names[:1]):
        yield Feature(Name.DATA_EDITED, f"the data `{names[0]}` is text that is being edited")
        return
    strong, weak, denying = _DATA
    for name in names:
        if not {"pid", "getpid"}.isdisjoint(words(name)):
            yield Feature(Name.RUNNING_PROCESS, f"the data `{name}` identifies a running process")
            return
        for phrases, says in (
            (vocabulary.durable, strong),
            (vocabulary.maybe, weak),
            (vocabulary.denied, denying),
        ):
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                yield Feature(says, f"the data `{name}` contains `{phrase}`", word=phrase)
                return


def caller_features(
    vocabulary: Vocabulary, callers: tuple[FunctionFacts, ...]
) -> Iterator[Feature]:
    """The strongest feature in the names of functions that pass the path on."""
    for phrases, says in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for caller in callers:
            phrase = phrase_in(phrases, caller.name)
            if phrase is not None:
                text = f"its caller `{caller.name}` contains `{phrase}` in its name"
                yield Feature(says, text, word=phrase)
                return


def caller_name_features(
    vocabulary: Vocabulary, names: Iterable[str], place: Location
) -> list[Feature]:
    """The strongest evidence in the names of callers in another file that pass the path on."""
    for phrases, says in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for name in names:
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                text = f"its caller {place} contains `{phrase}` in a name"
                return [Feature(says, text, _DISTANT, elsewhere=place, word=phrase)]
    return []


def purpose_features(function: FunctionFacts) -> Iterator[Feature]:
    """Features of what the function does according to its name."""
    phrase = phrase_in(catalog.PROMISING_ATOMICITY, function.name)
    if phrase is not None:
        text = f"the function name promises `{phrase}`"
        yield Feature(Name.FUNCTION_PROMISES, text, word=phrase)
    phrase = phrase_in(catalog.SAVE_VERBS, function.name)
    if phrase is not None:
        yield Feature(Name.FUNCTION_SAVES, f"the function name contains `{phrase}`", word=phrase)


def promise_in(remarks: Iterable[str]) -> Iterator[Feature]:
    """The feature of comments or a docstring which say that a file is written in one step."""
    for remark in remarks:
        found = PROMISES_ATOMICITY.search(remark)
        if found is not None:
            phrase = found[0].lower()
            yield Feature(
                Name.FUNCTION_PROMISES, f"a comment or docstring says `{phrase}`", word=phrase
            )
            return


def absence_features(site: WriteSite) -> Iterator[Feature]:
    """Evidence against a file that is written only if it does not exist: no old content is lost."""
    if guarded_by_absence(site):
        names = (*(m.text for m in site.path.occurrences), *site.data)
        secret = any(phrase_in(catalog.SECRETS, name) for name in names)
        name = Name.SECRET_WHEN_MISSING if secret else Name.ONLY_WHEN_MISSING
        yield Feature(name, "it is written only if it does not exist yet")


def guarded_by_absence(site: WriteSite) -> bool:
    """Whether the write happens only when the file does not exist."""
    for block in site.call.enclosing:  # not a generator, which would be slow for a long `elif`
        node = block.node
        match node:
            case ast.If(test=ast.Compare()):
                continue
            case ast.If():
                if implies_absence(node.test, holds=block.kind is BlockKind.IF):
                    return True
            case ast.ExceptHandler():
                if dotted(node.type) == "FileNotFoundError":
                    return True
    return False


def _asks_of_path(tests: Sequence[ast.expr]) -> bool:
    """Whether the first of some tests is a path whose existence another one tests."""
    first, *others = map(code_of, tests)
    return isinstance(tests[0], (ast.Name, ast.Attribute)) and any(
        each.startswith(f"{first}.") or each.endswith((f"({first})", f"(str({first}))"))
        for each in others
    )


def implies_absence(test: ast.expr, *, holds: bool) -> bool:
    """Whether a file does not exist if a test is true, or false."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return implies_absence(test.operand, holds=not holds)
    if isinstance(test, ast.BoolOp):
        first, *rest = (implies_absence(each, holds=holds) for each in test.values)
        if isinstance(test.op, ast.And) is holds:
            return first or any(rest)
        # `not (path and path.exists())`: without a path there is no file either. Without what
        # else is asked, as in `not (update and path.exists())`, there may be one.
        return all(rest) and (first or (not holds and _asks_of_path(test.values)))
    if holds or not isinstance(test, ast.Call):
        return False
    return last_name(test.func) in ASKING
