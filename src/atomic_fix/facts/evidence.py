"""Whether a path is durable state: features for and against, summed up to a confidence.

Each feature has a weight, positive or negative; their sum becomes a confidence through the
logistic function, so that 0 stands for "as likely as not" (0.5). The weights were set by
reading what programs do with files of such names, and are measured by `benchmarks/corpus.py`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from atomic_fix.catalog import apis
from atomic_fix.catalog import words as catalog
from atomic_fix.catalog.apis import Content
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

# Without any feature, a written file is not taken for durable state.
_START = -2.2

# By kind of place: weight of a durable word, of a word that needs a second feature, and of
# one that denies.
_OCCURRENCES: dict[OccurrenceKind, tuple[float, float, float]] = {
    OccurrenceKind.LITERAL: (2.6, 1.1, -2.6),
    OccurrenceKind.CONSTANT: (2.4, 1.0, -2.4),
    OccurrenceKind.ATTRIBUTE: (2.4, 1.0, -2.4),
    OccurrenceKind.VARIABLE: (2.4, 1.0, -2.4),
    OccurrenceKind.PARAMETER: (2.2, 0.9, -2.2),
    OccurrenceKind.KEY: (1.6, 0.8, -1.6),
    OccurrenceKind.FUNCTION: (1.8, 0.8, -1.8),
}
_FUNCTION = (1.9, 0.7, -1.4)
_CLASS = (1.1, 0.5, -0.8)
_MODULE = (0.9, 0.4, -0.8)

_DATA = (1.3, 0.4, -0.8)
_CALLER = (1.0, 0.3)
# What stands in another file counts a little less.
_DISTANT = 0.8
_ELSEWHERE = 0.97
_KEEPING = 0.5
_PROMISING = 1.6

READ_BACK_SAME = 2.6
_READ_BACK_PAIR = 2.2
_READ_BACK_PAIR_RAW = 1.8
READ_BACK_RAW = 1.7
# The program chose the path, wrote it in one function and reads it in another.
_READ_BACK_OWN_RAW = 2.3
# An editor of the user's text does that too.
_READ_BACK_SPLIT = 1.9
READ_BACK_LINES = 2.3
WRITTEN = 2.2
_STATE_CONTENT = 0.6
_TABLE_CONTENT = -0.8
_COPY = -2.0
_DATA_SUFFIX = 0.3
_SUFFIX_DENIES = -3.0
_UNIQUE_NAME = -1.6
_BACKUP = -4.0
_SYSTEM_TEMP = -1.5
_RUNNING = -4.0
_ONLY_HINTS = -0.35
_FOREIGN = -0.85
_STRONG = 1.2
_TESTING = -2.5
_VOLATILE = -2.5
_ONLY_WHEN_MISSING = -2.6
_SECRET_WHEN_MISSING = -1.0
_CONSTANT = -1.5
_RESTORED = -4.0

_NAMES_DENIED = catalog.NOT_DURABLE - catalog.VERBS
"""Of loaders whose name says that what they load is no state."""


Callers = Callable[[FunctionFacts], "tuple[FunctionFacts, ...]"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A clause for the message, its weight, and the site that shows it."""

    text: str
    weight: float
    site: LoadSite | WriteSite | PublishSite | None = None
    elsewhere: Location | None = None
    """The place in another file that shows it."""
    of_file: bool = False
    """Whether that place reads or writes the file."""


@dataclass(slots=True)
class Score:
    features: list[Feature] = field(default_factory=list)
    ruled_out: str = ""
    """Why it is not durable state whatever else says so, as a clause; empty for no reason."""

    def add(
        self, text: str, weight: float, site: LoadSite | WriteSite | PublishSite | None = None
    ) -> None:
        self.features.append(Feature(text, weight, site))

    def rule_out(self, reason: str) -> None:
        """Exclude it: the features for it no longer count."""
        self.ruled_out = self.ruled_out or reason

    @property
    def log_odds(self) -> float:
        return _START + sum(feature.weight for feature in self.features)

    @property
    def confidence(self) -> float:
        return 0.0 if self.ruled_out else round(1 / (1 + math.exp(-self.log_odds)), 2)

    @property
    def read_back(self) -> bool:
        return any(g.site is not None or g.of_file for g in self.features)

    @property
    def reasons(self) -> list[Feature]:
        """The features for it, strongest first; one of each place in another file."""
        found = sorted((g for g in self.features if g.weight > 0.5), key=lambda g: -g.weight)
        places = [each.elsewhere for each in found]
        return [
            each
            for index, each in enumerate(found)
            if each.elsewhere is None or each.elsewhere not in places[:index]
        ]


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


def add_name_features(
    score: Score,
    vocabulary: Vocabulary,
    path: PathValue,
    function: FunctionFacts,
    filename: str,
) -> None:
    """Features in the words of the path and of what encloses the call."""
    features: list[Feature] = []
    against: list[Feature] = []
    seen: set[str] = set()
    denials: set[str] = set()
    for occurrence in path.occurrences:
        strong, weak, denying = _OCCURRENCES[occurrence.kind]
        text = f"the {occurrence.kind.value} `{occurrence.text}` says"
        if occurrence.kind is OccurrenceKind.LITERAL:
            text = "the path says"
        elif occurrence.kind is OccurrenceKind.FUNCTION:
            text = f"the function `{occurrence.text}` that gives the path says"
        phrase = phrase_in(vocabulary.durable, occurrence.text)
        weight = strong
        if phrase is None:
            phrase = phrase_in(vocabulary.maybe, occurrence.text)
            weight = weak
        if phrase is not None and not (_names_another(occurrence) or _counts(occurrence, function)):
            seen.add(phrase)
            text = _given_by(occurrence) or f"{text} {phrase}"
            weight *= 0.75**occurrence.distance * (1.0 if occurrence.origin is None else _ELSEWHERE)
            features.append(Feature(text, weight, elsewhere=occurrence.origin))
        is_function = occurrence.kind is OccurrenceKind.FUNCTION
        denying_words = vocabulary.denied_of_functions if is_function else vocabulary.denied
        denied = phrase_in(denying_words, occurrence.text)
        if denied == "template" and not catalog.PATHS.isdisjoint(words(occurrence.text)):
            denied = None  # `filename_template`: a pattern for names
        if denied is not None:
            denials.add(denied)
            against.append(Feature(f"{text} {denied}", denying * 0.8**occurrence.distance))
        if occurrence.kind is OccurrenceKind.LITERAL:
            suffix = PurePath("_" + occurrence.text.replace("\\", "/")).suffix.lower()
            if suffix in catalog.NOT_DURABLE_SUFFIXES and occurrence.distance <= 4:
                score.add(f"the suffix is {suffix}", _SUFFIX_DENIES)
            elif suffix in catalog.DATA_SUFFIXES:
                score.add(f"the suffix is {suffix}", _DATA_SUFFIX)
    for found in (features, against):
        score.features += sorted(found, key=lambda feature: -abs(feature.weight))[:1]
    for name in (*(m.text for m in path.occurrences if m.distance < 3), function.name):
        running = phrase_in(catalog.RUNNING, name)
        if running is not None:
            score.add(f"`{name}` says {running}", _RUNNING)
            break
    _add_context_features(score, vocabulary, function, filename, seen, denials)


def _add_context_features(
    score: Score,
    vocabulary: Vocabulary,
    function: FunctionFacts,
    filename: str,
    found: set[str],
    denials: set[str],
) -> None:
    places: list[tuple[str, str, tuple[float, float, float]]] = []
    scope: FunctionFacts | None = function
    weight = 1.0
    while scope is not None and not scope.is_module:
        faded = (_FUNCTION[0] * weight, _FUNCTION[1] * weight, _FUNCTION[2] * weight)
        places.append(("function", scope.name, faded))
        scope = scope.outer
        weight *= 0.7
    if function.owner is not None:
        places.append(("class", function.owner.name, _CLASS))
    stem = PurePath(filename.replace("\\", "/"))
    module = stem.parent.name if stem.stem == "__init__" else stem.stem
    places.append(("module", module, _MODULE))
    # Tests themselves are left out by a setting, not by their score.
    if "testing" in {*words(module), *words(stem.parent.name)}:
        score.add("it is there to test with", _TESTING)
    for kind, name, (strong, weak, denying) in places:
        phrase = phrase_in(vocabulary.durable, name)
        gain = strong
        if phrase is None:
            phrase, gain = phrase_in(vocabulary.maybe, name), weak
        is_function = kind == "function"
        if is_function and phrase == "sync" and words(name)[0] != "sync":
            phrase = None  # `_write_sync`: not asynchronous
        denied = phrase_in(
            vocabulary.denied_of_functions if is_function else vocabulary.denied, name
        )
        for word, adds, before in ((phrase, gain, found), (denied, denying, denials)):
            if word is not None:
                # The same word again, further out, adds little.
                fade = 0.4 if word in before else 1.0
                before.add(word)
                score.add(f"the {kind}'s name says {word}", adds * fade)


def _given_by(occurrence: NameOccurrence) -> str:
    """What a message says of a word that another file gives."""
    return (
        f"{occurrence.origin} gives it `{occurrence.text}`" if occurrence.origin is not None else ""
    )


def _names_another(occurrence: NameOccurrence) -> bool:
    """`session_id`, in a path: the session's, but which file it is, other words say."""
    return (
        occurrence.kind
        in {OccurrenceKind.ATTRIBUTE, OccurrenceKind.PARAMETER, OccurrenceKind.VARIABLE}
        and words(occurrence.text)[-1] in catalog.NAMING
    )


def _counts(occurrence: NameOccurrence, function: FunctionFacts) -> bool:
    """`for index, page in enumerate(pages)`: a number, whatever it is called."""
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


def add_trait_features(score: Score, path: PathValue) -> None:
    if PathTrait.DEVICE in path.traits:
        score.rule_out("the path is a device")
    if (PathTrait.TEMP | PathTrait.TEMP_DIR) & path.traits:
        score.rule_out("the path is a temp file")
    if PathTrait.STAGED in path.traits:
        score.rule_out("the folder is published when the `with` is left")
    if PathTrait.SYSTEM_TEMP in path.traits:
        score.add("the path is in the system's temp folder", _SYSTEM_TEMP)
    if PathTrait.BACKUP in path.traits:
        score.add("the path is a copy put aside", _BACKUP)
    if PathTrait.UNIQUE in path.traits:
        score.add("each write has a fresh name", _UNIQUE_NAME)
    if any(phrase_in(catalog.VOLATILE, occurrence.text) for occurrence in path.occurrences):
        score.add("the folder does not outlive the run", _VOLATILE)


class Readers:
    """The loads of one module, by the files and functions that they answer."""

    def __init__(self, loads: Iterable[LoadSite], callers: Callers) -> None:
        self._callers = callers
        # Of loads that say the same of a write, the first is enough.
        self._loads: dict[object, LoadSite] = {}
        self._parsed: dict[FunctionFacts, list[PathValue]] = {}
        for load in loads:
            if load.raw and is_only_shown(load):
                continue
            key = (load.function, load.raw, load.far, load.api in apis.SPLITTERS, load.path)
            is_new = self._loads.setdefault(key, load) is load
            if is_new and not load.raw and not load.far and load.api not in apis.SPLITTERS:
                self._parsed.setdefault(load.function, []).append(load.path)
        self._weights: dict[tuple[LoadSite, bool], float] = {}
        self._by_file = ByFile((load, load.path) for load in self._loads.values())

    def of(self, path: PathValue) -> list[LoadSite]:
        """The loads of a file."""
        return self._by_file.same(path)

    def weight(self, load: LoadSite, *, own: bool) -> float:
        """Of a load of a file that another function writes; `own`: the program chose its name."""
        if (load, own) not in self._weights:
            self._weights[load, own] = self._weight(load, own=own)
        return self._weights[load, own]

    def _weight(self, load: LoadSite, *, own: bool) -> float:
        # What is read by a function from elsewhere, and has no name of the program's, may be
        # anybody's file that is edited.
        weight = _weight(load, edits=load.far and not own)
        if load.raw:
            if any(each.same(load.path) for each in self._parsed.get(load.function, ())):
                weight = READ_BACK_SAME
            elif own:
                weight = _READ_BACK_OWN_RAW
        if phrase_in(_NAMES_DENIED, load.function.name):
            weight /= 2  # `read_log`, `load_template`
        return weight

    def loaders(self, load: LoadSite) -> tuple[FunctionFacts, ...]:
        """The function that a load stands in, with those that give it the path."""
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
                    # Of files of unlike names, the project as a whole says more.
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
    """Grounds in code of the same module that loads the file that `function` writes."""
    given = given_by_caller(path, function)
    own = not given and _is_own(path)
    best: LoadSite | None = None
    weight = 0.0
    seen: set[LoadSite] = set()
    for load in readers.of(path):
        if load.function is not function:
            found = readers.weight(load, own=own)
            if (
                load.raw
                and not given
                and function.owner is not None
                and load.function.owner is function.owner
                and keeps_lines(load)
            ):
                # What a method writes line by line, another one of the class gathers again.
                found = max(found, READ_BACK_LINES)
        elif _moved(load.path, path):
            continue
        else:
            # What one function reads and writes may be anybody's file that it edits.
            found = _weight(load, edits=load.far)
        seen.add(load)
        if found > weight:
            best, weight = load, found
            if weight >= READ_BACK_SAME:
                break  # none is better
    if weight < _READ_BACK_PAIR:
        savers = (function, *callers(function)) if given else (function,)
        if pair := readers.are_paired(savers, seen, own=own):
            load, loader = pair
            found = _READ_BACK_PAIR_RAW if load.raw else _READ_BACK_PAIR
            if found > weight:
                return (Feature(f"`{loader.name}` reads such a file back", found, load),)
    if best is None:
        return ()
    return (Feature(f"{_loader_shown(best.function, function)} reads it back", weight, best),)


def _weight(load: LoadSite, *, edits: bool = False) -> float:
    """Of a load of the file that is written; `edits`: it may be no more than a step of that."""
    if load.api in apis.SPLITTERS:
        return _READ_BACK_SPLIT
    return READ_BACK_RAW if load.raw or edits else READ_BACK_SAME


def best_possible_read_back(site: WriteSite) -> tuple[Feature, ...]:
    """The strongest feature that `read_back` could find."""
    return (Feature("it may be read back", READ_BACK_SAME, site),)


def _moved(loaded: PathValue, written: PathValue) -> bool:
    """Whether two paths of one function have the name in common, and not the folder."""
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
        return "the same function"
    return "the module" if loader.is_module else f"`{loader.name}`"


def add_foreign_features(score: Score, path: PathValue, function: FunctionFacts) -> None:
    """Against a load of a file that no visible code writes: mostly another program's."""
    names = (*(m.text for m in path.occurrences), function.name)
    if not any(phrase_in(catalog.OWN, name) for name in names):
        score.add("nothing in sight writes it", _FOREIGN)


def add_hint_features(score: Score) -> None:
    """Against files with weak words only: something must be seen to read them back."""
    if not score.read_back and not any(g.weight >= _STRONG for g in score.features):
        score.add("nothing is seen to read it back", _ONLY_HINTS)


def add_content_features(score: Score, site: WriteSite) -> None:
    if site.constant:
        score.add("what is written is always the same", _CONSTANT)
    elif site.content is Content.STATE:
        score.add("the data is serialised", _STATE_CONTENT)
    elif site.content is Content.TABLE and not score.read_back:
        score.add("the data is a table", _TABLE_CONTENT)
    elif site.content is Content.COPY:
        source = code_of(site.call.arguments[0].value)
        if any(phrase_in(catalog.BACKUP, name) for name in site.data):
            score.add("a copy put aside is restored", _RESTORED)
        elif any(phrase_in(catalog.ORIGINALS, name) for name in (*site.data, source)):
            score.add("what is copied came with the program", _RESTORED)
        # Functions named for checkpoints copy much that is not state.
        elif not any(g.weight > 2.0 and g.site is None for g in score.features):
            score.add("the file is copied", _COPY)


def add_data_features(score: Score, vocabulary: Vocabulary, names: tuple[str, ...]) -> None:
    """Features in the names of what is written."""
    strong, weak, denying = _DATA
    if any(phrase_in(catalog.SOURCE_TEXT, name) for name in names[:1]):
        score.add(f"the data `{names[0]}` is a text that is edited", denying)
        return
    for name in names:
        if not {"pid", "getpid"}.isdisjoint(words(name)):
            score.add(f"the data `{name}` is a running process", _RUNNING)
            return
        for phrases, weight in (
            (vocabulary.durable, strong),
            (vocabulary.maybe, weak),
            (vocabulary.denied, denying),
        ):
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                score.add(f"the data `{name}` says {phrase}", weight)
                return


def add_caller_features(
    score: Score, vocabulary: Vocabulary, callers: tuple[FunctionFacts, ...]
) -> None:
    """The strongest feature in the names of functions that pass the path on."""
    for phrases, weight in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for caller in callers:
            phrase = phrase_in(phrases, caller.name)
            if phrase is not None:
                score.add(f"`{caller.name}`, which calls it, says {phrase}", weight)
                return


def caller_ground(vocabulary: Vocabulary, names: Iterable[str], place: Location) -> list[Feature]:
    """The best ground in the names of what hands the path down in another file."""
    for phrases, weight in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for name in names:
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                text = f"{place}, which calls it, says {phrase}"
                return [Feature(text, weight * _DISTANT, elsewhere=place)]
    return []


def add_purpose_features(score: Score, function: FunctionFacts) -> None:
    """Features in what the function's name says it does."""
    phrase = phrase_in(catalog.PROMISING_ATOMICITY, function.name)
    if phrase is not None:
        score.add(f"the function's name promises {phrase}", _PROMISING)
    phrase = phrase_in(catalog.SAVE_VERBS, function.name)
    if phrase is not None:
        score.add(f"the function's name says {phrase}", _KEEPING)


def add_absence_features(score: Score, site: WriteSite) -> None:
    """Against what is written only when the file does not exist: nothing old is lost."""
    if guarded_by_absence(site):
        names = (*(m.text for m in site.path.occurrences), *site.data)
        secret = any(phrase_in(catalog.SECRETS, name) for name in names)
        weight = _SECRET_WHEN_MISSING if secret else _ONLY_WHEN_MISSING
        score.add("it is written only when it does not exist", weight)


def guarded_by_absence(site: WriteSite) -> bool:
    """Whether the write happens only when the file does not exist."""
    return any(
        _implies_absence(block.node.test, holds=block.kind is BlockKind.IF)
        if isinstance(block.node, ast.If)
        else isinstance(block.node, ast.ExceptHandler)
        and dotted(block.node.type) == "FileNotFoundError"
        for block in site.call.enclosing
    )


def _asks_of_path(tests: Sequence[ast.expr]) -> bool:
    """Whether the first of some tests is a path whose existence the others ask for."""
    first, *others = map(code_of, tests)
    return isinstance(tests[0], (ast.Name, ast.Attribute)) and any(
        each.startswith(f"{first}.") or each.endswith((f"({first})", f"(str({first}))"))
        for each in others
    )


def _implies_absence(test: ast.expr, *, holds: bool) -> bool:
    """Whether a file does not exist where a test is known to hold, or not to."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _implies_absence(test.operand, holds=not holds)
    if isinstance(test, ast.BoolOp):
        first, *rest = (_implies_absence(each, holds=holds) for each in test.values)
        if isinstance(test.op, ast.And) is holds:
            return first or any(rest)
        # `not (path and path.exists())`: without a path there is no file either. Without what
        # else is asked, as in `not (update and path.exists())`, there may be one.
        return all(rest) and (first or (not holds and _asks_of_path(test.values)))
    if holds or not isinstance(test, ast.Call):
        return False
    return last_name(test.func) in {"exists", "is_file", "isfile"}
