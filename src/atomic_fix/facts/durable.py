"""Whether a path is durable state: grounds for and against, weighed into a confidence.

Each ground has a weight, positive or negative; their sum becomes a confidence through the
logistic function, so that 0 stands for "as likely as not" (0.5). The weights were set by
reading what programs do with files of such names, and are measured by `benchmarks/corpus.py`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from atomic_fix.catalog import apis
from atomic_fix.catalog import words as catalog
from atomic_fix.catalog.apis import Content
from atomic_fix.catalog.words import ANSWERS, FORMATS, PRIMITIVE
from atomic_fix.facts.names import phrase_in, words
from atomic_fix.facts.nodes import code_of, dotted, last_name
from atomic_fix.facts.paths import Mention, MentionKind, PathTrait, PathValue, parameter_of
from atomic_fix.facts.paths.expr import FileName, folder
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.scopes import FunctionFacts
from atomic_fix.facts.sites import LoadSite, PublishSite, WriteSite

# With no ground at all a written file is taken for something else.
_START = -2.2

# By kind of place: weight of a durable word, of a word that needs a second ground, and of
# one that denies.
_PLACES: dict[MentionKind, tuple[float, float, float]] = {
    MentionKind.LITERAL: (2.6, 1.1, -2.6),
    MentionKind.CONSTANT: (2.4, 1.0, -2.4),
    MentionKind.ATTRIBUTE: (2.4, 1.0, -2.4),
    MentionKind.VARIABLE: (2.4, 1.0, -2.4),
    MentionKind.PARAMETER: (2.2, 0.9, -2.2),
    MentionKind.KEY: (1.6, 0.8, -1.6),
    MentionKind.FUNCTION: (1.8, 0.8, -1.8),
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
# An editor of somebody's text does that too.
_READ_BACK_SPLIT = 1.9
WRITTEN = 2.2
_STATE_CONTENT = 0.6
_TABLE_CONTENT = -0.8
_COPY = -2.0
_DATA_SUFFIX = 0.3
_SUFFIX_DENIES = -3.0
_FRESH_NAME = -1.6
_ASIDE = -4.0
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


Callers = Callable[[FunctionFacts], "tuple[FunctionFacts, ...]"]
Parsed = dict[FunctionFacts, list[PathValue]]
"""The paths that a function loads and parses."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground: a clause for the message, its weight, and the site that shows it."""

    text: str
    weight: float
    site: LoadSite | WriteSite | PublishSite | None = None
    elsewhere: Location | None = None
    """The place in another file that shows it."""
    of_file: bool = False
    """Whether that place reads or writes the file."""


@dataclass(slots=True)
class Durability:
    grounds: list[Ground] = field(default_factory=list)
    ruled_out: str = ""
    """Why it is not durable state whatever else says so, as a clause; empty for no reason."""

    def add(
        self, text: str, weight: float, site: LoadSite | WriteSite | PublishSite | None = None
    ) -> None:
        self.grounds.append(Ground(text, weight, site))

    def rule_out(self, reason: str) -> None:
        """Take it for something else: what speaks for it no longer counts."""
        self.ruled_out = self.ruled_out or reason

    @property
    def score(self) -> float:
        return _START + sum(ground.weight for ground in self.grounds)

    @property
    def confidence(self) -> float:
        return 0.0 if self.ruled_out else round(1 / (1 + math.exp(-self.score)), 2)

    @property
    def read_back(self) -> bool:
        return any(g.site is not None or g.of_file for g in self.grounds)

    @property
    def reasons(self) -> list[Ground]:
        """The grounds for it, strongest first; one of each place in another file."""
        found = sorted((g for g in self.grounds if g.weight > 0.5), key=lambda g: -g.weight)
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


def name_grounds(
    durability: Durability,
    vocabulary: Vocabulary,
    path: PathValue,
    function: FunctionFacts,
    filename: str,
) -> None:
    """Grounds in the words of the path and of what encloses the call."""
    grounds: list[Ground] = []
    against: list[Ground] = []
    seen: set[str] = set()
    denials: set[str] = set()
    for mention in path.mentions:
        strong, weak, denying = _PLACES[mention.kind]
        text = f"the {mention.kind.value} `{mention.text}` says"
        if mention.kind is MentionKind.LITERAL:
            text = "the path says"
        elif mention.kind is MentionKind.FUNCTION:
            text = f"the function `{mention.text}` that gives the path says"
        phrase = phrase_in(vocabulary.durable, mention.text)
        weight = strong
        if phrase is None:
            phrase = phrase_in(vocabulary.maybe, mention.text)
            weight = weak
        if phrase is not None and not _names_another(mention):
            seen.add(phrase)
            text = _given_by(mention) or f"{text} {phrase}"
            weight *= 0.75**mention.distance * (1.0 if mention.origin is None else _ELSEWHERE)
            grounds.append(Ground(text, weight, elsewhere=mention.origin))
        is_function = mention.kind is MentionKind.FUNCTION
        denying_words = vocabulary.denied_of_functions if is_function else vocabulary.denied
        denied = phrase_in(denying_words, mention.text)
        if denied == "template" and not catalog.PATHS.isdisjoint(words(mention.text)):
            denied = None  # `filename_template`: a pattern for names
        if denied is not None:
            denials.add(denied)
            against.append(Ground(f"{text} {denied}", denying * 0.8**mention.distance))
        if mention.kind is MentionKind.LITERAL:
            suffix = PurePath("_" + mention.text.replace("\\", "/")).suffix.lower()
            if suffix in catalog.NOT_DURABLE_SUFFIXES and mention.distance <= 4:
                durability.add(f"the suffix is {suffix}", _SUFFIX_DENIES)
            elif suffix in catalog.DATA_SUFFIXES:
                durability.add(f"the suffix is {suffix}", _DATA_SUFFIX)
    for found in (grounds, against):
        durability.grounds += sorted(found, key=lambda ground: -abs(ground.weight))[:1]
    for name in (*(m.text for m in path.mentions if m.distance < 3), function.name):
        running = phrase_in(catalog.RUNNING, name)
        if running is not None:
            durability.add(f"`{name}` says {running}", _RUNNING)
            break
    _context_grounds(durability, vocabulary, function, filename, seen, denials)


def _context_grounds(
    durability: Durability,
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
    # Tests themselves are left out by a setting, and not weighed.
    if "testing" in {*words(module), *words(stem.parent.name)}:
        durability.add("it is there to test with", _TESTING)
    for kind, name, (strong, weak, denying) in places:
        phrase = phrase_in(vocabulary.durable, name)
        gain = strong
        if phrase is None:
            phrase, gain = phrase_in(vocabulary.maybe, name), weak
        is_function = kind == "function"
        denied = phrase_in(
            vocabulary.denied_of_functions if is_function else vocabulary.denied, name
        )
        for word, adds, before in ((phrase, gain, found), (denied, denying, denials)):
            if word is not None:
                # The same word again, further out, adds little.
                fade = 0.4 if word in before else 1.0
                before.add(word)
                durability.add(f"the {kind}'s name says {word}", adds * fade)


def _given_by(mention: Mention) -> str:
    """What a message says of a word that another file gives."""
    return f"{mention.origin} gives it `{mention.text}`" if mention.origin is not None else ""


def _names_another(mention: Mention) -> bool:
    """`session_id`, in a path: the session's, but which file it is, other words say."""
    return (
        mention.kind in {MentionKind.ATTRIBUTE, MentionKind.PARAMETER, MentionKind.VARIABLE}
        and words(mention.text)[-1] in catalog.NAMING
    )


def trait_grounds(durability: Durability, path: PathValue) -> None:
    if PathTrait.DEVICE in path.traits:
        durability.rule_out("the path is a device")
    if (PathTrait.TEMP | PathTrait.TEMP_DIR) & path.traits:
        durability.rule_out("the path is a temp file")
    if PathTrait.STAGED in path.traits:
        durability.rule_out("the folder is published when the `with` is left")
    if PathTrait.SYSTEM_TEMP in path.traits:
        durability.add("the path is in the system's temp folder", _SYSTEM_TEMP)
    if PathTrait.ASIDE in path.traits:
        durability.add("the path is a copy put aside", _ASIDE)
    if PathTrait.FRESH in path.traits:
        durability.add("each write has a fresh name", _FRESH_NAME)
    if any(phrase_in(catalog.VOLATILE, mention.text) for mention in path.mentions):
        durability.add("the folder does not outlive the run", _VOLATILE)


def read_back(
    path: PathValue,
    function: FunctionFacts,
    loads: list[LoadSite],
    callers: Callers,
    parsed: Parsed,
) -> tuple[Ground, ...]:
    """Grounds in code of the same module that loads the file that `function` writes; `parsed`
    is what `parsed()` makes of the loads."""
    found: list[Ground] = []
    given = given_by_caller(path, function)
    own = not given and _is_own(path)
    savers = (function, *callers(function)) if given else (function,)
    for load in loads:
        loader = load.function
        elsewhere = loader is not function
        if load.path.same(path) and (elsewhere or not _moved(load.path, path)):
            # What is read by a function from elsewhere, and has no name of the program's, may be
            # anybody's file that is edited.
            edits = load.far and (not elsewhere or not own)
            weight = READ_BACK_RAW if load.raw or edits else READ_BACK_SAME
            if load.api in apis.SPLITTERS:
                weight = _READ_BACK_SPLIT
            if load.raw and elsewhere:
                if any(each.same(load.path) for each in parsed.get(loader, ())):
                    weight = READ_BACK_SAME
                elif own:
                    weight = _READ_BACK_OWN_RAW
            if elsewhere and phrase_in(catalog.NOT_DURABLE - catalog.VERBS, loader.name):
                weight /= 2  # `read_log`, `load_template`
            found.append(Ground(f"{_called(loader, function)} reads it back", weight, load))
            continue
        if load.far:
            continue  # of files of unlike names, the project as a whole says more
        loaders = (loader, *callers(loader)) if given_by_caller(load.path, loader) else (loader,)
        for each in loaders:
            if any(paired(saver, each, own=own) for saver in savers):
                weight = _READ_BACK_PAIR_RAW if load.raw else _READ_BACK_PAIR
                found.append(Ground(f"`{each.name}` reads such a file back", weight, load))
                break
    return tuple(sorted(found, key=lambda ground: -ground.weight)[:1])


def most_read_back(site: WriteSite) -> tuple[Ground, ...]:
    """The best ground that `read_back` could find."""
    return (Ground("it may be read back", READ_BACK_SAME, site),)


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
        mention.kind in {MentionKind.CONSTANT, MentionKind.KEY} and mention.distance < 2
        for mention in path.mentions
    )


def _called(loader: FunctionFacts, function: FunctionFacts) -> str:
    if loader is function:
        return "the same function"
    return "the module" if loader.is_module else f"`{loader.name}`"


def parsed(loads: Iterable[LoadSite]) -> Parsed:
    found: Parsed = {}
    for load in loads:
        if not load.raw and not load.far and load.api not in apis.SPLITTERS:
            found.setdefault(load.function, []).append(load.path)
    return found


def paired(saver: FunctionFacts, loader: FunctionFacts, *, own: bool = False) -> bool:
    """`save` and `load`, `dump_index` and `load_index`: of one class, or both of the module."""
    if saver is loader or saver.owner is not loader.owner:
        return False
    return is_pair_of_names(saver.name, loader.name, methods=saver.owner is not None, own=own)


def is_pair_of_names(saver: str, loader: str, *, methods: bool = False, own: bool = False) -> bool:
    """Whether two functions, by what they are called, save something and load it back."""
    ours, theirs = words(saver), words(loader)
    for verb, answers in ANSWERS.items():
        if verb not in ours:
            continue
        rest = {w for w in ours if w != verb} - FORMATS
        for answer in answers:
            if verb == "to" and not methods and not own:
                continue  # `to_json(x, path)` of a module: a conversion
            if verb == "write" and answer == "read" and set(ours) <= PRIMITIVE and not own:
                continue  # `write_text` and `read_text`: a file system layer, not a store
            if answer in theirs and rest == {w for w in theirs if w != answer} - FORMATS:
                return True
    return False


def foreign_grounds(durability: Durability, path: PathValue, function: FunctionFacts) -> None:
    """Against a load of what nothing in sight writes: mostly another program's file."""
    names = (*(m.text for m in path.mentions), function.name)
    if not any(phrase_in(catalog.OWN, name) for name in names):
        durability.add("nothing in sight writes it", _FOREIGN)


def hint_grounds(durability: Durability) -> None:
    """Against what only weak words speak for: somebody must be seen to read it back."""
    if not durability.read_back and not any(g.weight >= _STRONG for g in durability.grounds):
        durability.add("nothing is seen to read it back", _ONLY_HINTS)


def content_grounds(durability: Durability, site: WriteSite) -> None:
    if site.constant:
        durability.add("what is written is always the same", _CONSTANT)
    elif site.content is Content.STATE:
        durability.add("the data is serialised", _STATE_CONTENT)
    elif site.content is Content.TABLE and not durability.read_back:
        durability.add("the data is a table", _TABLE_CONTENT)
    elif site.content is Content.COPY:
        source = code_of(site.call.arguments[0].value)
        if any(phrase_in(catalog.ASIDE, name) for name in site.data):
            durability.add("a copy put aside is restored", _RESTORED)
        elif any(phrase_in(catalog.ORIGINALS, name) for name in (*site.data, source)):
            durability.add("what is copied came with the program", _RESTORED)
        # In what is called a checkpoint's function much is copied that is no state.
        elif not any(g.weight > 2.0 and g.site is None for g in durability.grounds):
            durability.add("the file is copied", _COPY)


def data_grounds(durability: Durability, vocabulary: Vocabulary, names: tuple[str, ...]) -> None:
    """Grounds in the names of what is written."""
    strong, weak, denying = _DATA
    if any(phrase_in(catalog.SOURCE_TEXT, name) for name in names[:1]):
        durability.add(f"the data `{names[0]}` is a text that is edited", denying)
        return
    for name in names:
        if not {"pid", "getpid"}.isdisjoint(words(name)):
            durability.add(f"the data `{name}` is a running process", _RUNNING)
            return
        for phrases, weight in (
            (vocabulary.durable, strong),
            (vocabulary.maybe, weak),
            (vocabulary.denied, denying),
        ):
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                durability.add(f"the data `{name}` says {phrase}", weight)
                return


def caller_grounds(
    durability: Durability, vocabulary: Vocabulary, callers: tuple[FunctionFacts, ...]
) -> None:
    """The best ground in the names of functions that hand the path down."""
    for phrases, weight in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for caller in callers:
            phrase = phrase_in(phrases, caller.name)
            if phrase is not None:
                durability.add(f"`{caller.name}`, which calls it, says {phrase}", weight)
                return


def caller_ground(vocabulary: Vocabulary, names: Iterable[str], place: Location) -> list[Ground]:
    """The best ground in the names of what hands the path down in another file."""
    for phrases, weight in zip((vocabulary.durable, vocabulary.maybe), _CALLER, strict=True):
        for name in names:
            phrase = phrase_in(phrases, name)
            if phrase is not None:
                text = f"{place}, which calls it, says {phrase}"
                return [Ground(text, weight * _DISTANT, elsewhere=place)]
    return []


def purpose_grounds(durability: Durability, function: FunctionFacts) -> None:
    """Grounds in what the function's name says it does."""
    phrase = phrase_in(catalog.PROMISING, function.name)
    if phrase is not None:
        durability.add(f"the function's name promises {phrase}", _PROMISING)
    phrase = phrase_in(catalog.KEEPING, function.name)
    if phrase is not None:
        durability.add(f"the function's name says {phrase}", _KEEPING)


def absence_grounds(durability: Durability, site: WriteSite) -> None:
    """Against what is written only when the file does not exist: nothing old is lost."""
    if guarded_by_absence(site):
        names = (*(m.text for m in site.path.mentions), *site.data)
        secret = any(phrase_in(catalog.SECRETS, name) for name in names)
        weight = _SECRET_WHEN_MISSING if secret else _ONLY_WHEN_MISSING
        durability.add("it is written only when it does not exist", weight)


def guarded_by_absence(site: WriteSite) -> bool:
    """Whether the write happens only when the file does not exist."""
    return any(
        _implies_absence(inside.node.test, holds=inside.kind == "if")
        if isinstance(inside.node, ast.If)
        else isinstance(inside.node, ast.ExceptHandler)
        and dotted(inside.node.type) == "FileNotFoundError"
        for inside in site.call.inside
    )


def _implies_absence(test: ast.expr, *, holds: bool) -> bool:
    """Whether a file does not exist where a test is known to hold, or not to."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _implies_absence(test.operand, holds=not holds)
    if isinstance(test, ast.BoolOp):
        first, *rest = (_implies_absence(each, holds=holds) for each in test.values)
        if isinstance(test.op, ast.And) is holds:
            return first or any(rest)
        # `not (path and path.exists())`: no path is no file either.
        return all(rest) and (first or (not holds and isinstance(test.values[0], ast.Name)))
    if holds or not isinstance(test, ast.Call):
        return False
    return last_name(test.func) in {"exists", "is_file", "isfile"}
