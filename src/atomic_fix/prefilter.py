"""Decides from raw bytes whether a file can have a finding. Every pattern comes from a row of the
catalogue. Accepting a file unnecessarily costs time; rejecting one wrongly would lose a finding.
"""

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache, partial
from typing import TypeAlias

from atomic_fix.catalog import apis, errors, reporting
from atomic_fix.catalog import words as catalog
from atomic_fix.config import Config

# A `w` in a string may hide behind an escape.
WRITING_MODE = (
    r"""["'}](?:[rwaxbtU+]|\\\r?\n)*w[rwaxbtU+]*["'{\\]"""
    r"|\\x77|\\167|\\u0077|\\U00000077|\\N\{LATIN SMALL LETTER W\}"
)
"""A pattern for a mode with a `w`."""

BUILTIN_ERRORS = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
HARMFUL = {name.rpartition(".")[2] for name in errors.CORRUPT | errors.BROAD}
"""Last parts of the names of exceptions that may mean "there but unreadable"."""
CORRUPT = re.compile("|".join(sorted(errors.CORRUPT_WORDS)), re.IGNORECASE)
"""What such a name may say, whichever package it is from."""

TRUNCATES = r"\.[\s\\]*truncate\b"
"""A pattern for `handle.truncate`, of a file that is opened for update or to append to."""


def _any_of(words: Iterable[str]) -> str:
    """A pattern for some words."""
    return "|".join(map(re.escape, sorted(words)))


def _cases(words: Iterable[str]) -> tuple[str, str, str]:
    """A pattern for each way to write some words: lower case, title case, upper case."""
    lower = "|".join(sorted(words))
    return lower, lower.title(), lower.upper()


_lower, _title, _upper = _cases(catalog.TEMP - {"new"})
TEMP_WORD = (
    rf"(?<![a-z])(?:{_lower})s?(?![a-z])|(?:{_title})s?(?![a-z])"
    rf"|(?<![A-Z])(?:{_upper})|[^\w](?i:tmp|temp[_.])"
)
"""A pattern for the words that say "temp", where they are words of a name or literal."""

_lower, _title, _upper = _cases(catalog.LOADING)
LOADING_WORD = (
    rf"(?:(?<![A-Za-z])(?:{_lower})|{_title})s?(?![a-z])|(?<![A-Z])(?:{_upper})S?(?![A-Za-z])"
)
"""A pattern for the words that say "load", where they are words of a name."""

OPENERS = {opener.name.rpartition(".")[2] for opener in apis.OPENERS} | {"open"}
"""Last parts of the names of functions that open files."""
_OPENED = "|".join(sorted({*OPENERS, *apis.RUNNERS, "read_text", "read_bytes"}))
_BEGINS = rf"[\d_]*(?:{LOADING_WORD})"
# One search for each: where `GzipFile` is, `File` is too.
_SOME_OPENER = tuple(
    name.encode() for name in OPENERS if not any(each in name for each in OPENERS - {name})
)
TREES = b"etree"
"""Where this stands, `write` may be a method of a tree: it is in the name of each module that makes
one."""

_KEEPERS = sorted(
    {(keeper.name.rpartition(".")[2].encode(), keeper.saves.encode()) for keeper in apis.KEEPERS}
)
# Where such a mode may end: a pattern that begins with plain text is found many times faster.
_MODE_END = re.compile(rb"w[rwaxbtU+]*[\"'{\\]")
_WRITING_MODE = re.compile(WRITING_MODE.encode())
_HIDDEN_W = re.compile(rb"\\(?:x77|167|u0077|U00000077|N\{LATIN SMALL LETTER W\})")
_MODE_LENGTH = 50
_VERBS = ("copy", "dump", "save", "write")
# What is searched for before anything that contains it.
_COMMON = (*(verb.encode() for verb in _VERBS), b"download", b"to_")
_WRITING_FLAGS = (b"O_TRUNC", b"O_WRONLY", b"O_RDWR")
# `write_` in the arguments of `getattr`, or within 1,000 bytes after it.
_WRITE_BY_NAME = re.compile(rb"getattr\b[\s\S]{0,1000}?write_")
# Of an encoding that may hide what it says, or is unknown.
_COOKIE = re.compile(rb"coding[:=][ \t]*(?!utf-?8\b|latin-1\b|ascii\b)")
_TEMP_WORD = re.compile(TEMP_WORD.encode())
_TRUNCATES = re.compile(TRUNCATES.encode())
_TEMP_MODULES = tuple({maker.partition(".")[0].encode() for maker in apis.TEMP_MAKERS})

_RENAMING = sorted(method.encode() for method in apis.PUBLISH_METHODS)
# `.replace("a", "b")` is a string's method, and a name before a backtick is prose.
_RENAMES = re.compile(
    rb"(?:%s)[\s\\)]*\((?!\s*(?:`|(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[\w.\[\]]+)"
    rb"\s*,\s*[^\s)#\\]))" % b"|".join(_RENAMING)
)

_HANDLER = re.compile(rb"except(.*)")
_SUPPRESS = re.compile(rb"suppress(?<!\wsuppress)(?:[\s\\)]*\(|[\s\\]+as\b)")
_NAME = re.compile(rb"[A-Za-z_][\w.]*")
_HEARD = re.compile(
    rb"^[ \t]*(?:raise\b|[\w.]+\.(?:%s)\()" % "|".join(sorted(reporting.METHODS)).encode(),
    re.MULTILINE,
)
_LONG_STRINGS = (b'"""', b"'''")
_SHORT_STRING = re.compile(rb"\"[^\"\\\n]*\"|'[^'\\\n]*'|#[^\n]*")
_BRACKETS = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))
_WITH = re.compile(rb"([ \t\f]*)(?:async[ \t]+)?with\b")
_AS = re.compile(rb"as(?<=[\s\\]as)[\s\\(]+\w+")
# A call: a parenthesis may close between the name and the arguments.
_CALLED = re.compile(
    rb"(?<![\w\x80-\xff])([A-Za-z_\x80-\xff][\w\x80-\xff]*)(?![\w\x80-\xff])"
    rb"[\s\\)]*(?:#[^\n]*\n[\s\\)]*)*\("
)
_LAST_NAME = re.compile(rb"[\w\x80-\xff]+\Z")
_BLOCK = re.compile(
    rb"^([ \t\f]*)(?:async[ \t]+)?(?:def|class)[ \t\f\\\n]+([\w\x80-\xff]+)", re.MULTILINE
)
_NOT_IN_CODE = rb"(?!['\"`]|[ \t]+(?!(?:as|if|else|and|or|in|is|for|not)\b)[A-Za-z])"
_KEYWORDS = {each.encode() for each in keyword.kwlist}
_MOST_NAMES = 10_000
"""The most names whose results are cached."""
_LONG_NAME = 100
_LONG_VALUE = 2_000
"""The number of bytes searched after the first row of a multi-line value."""
_WORD = re.compile(rb"[\w\x80-\xff]+")
_UNCALLED = re.compile(rb"[\w\x80-\xff]+(?![\w\x80-\xff])(?![\s\\)]*\()")
# The value of an assignment or keyword: a dotted name, or the rest of the row.
_VALUE = re.compile(
    rb"=(?!=)(?<![=!<>]=)[ \t]*(?:([A-Za-z_][\w.]*)[ \t\r]*(?:$|[;#)])|([^\n]*))", re.MULTILINE
)
# That such a rest may be a name in the end: one of a choice or a tuple, or in parentheses.
_MAY_BE_NAME = re.compile(
    rb"\A[(\[\\*]|\A[^(\[{]*,|[)\]}][\s\\]*,|\b(?:and|else|getattr|lambda|or)\b"
)


Check: TypeAlias = Callable[[bytes], object]
"""Whether a file may save something in one way."""


class Load(IntEnum):
    """What a call may load, by its name; the larger asks for less around it."""

    NONE = 0
    OF_CONTENT = 1
    """The content of a file that is opened somewhere."""
    OF_PATH = 2


@dataclass(frozen=True, slots=True, order=True)
class _Tried:
    """The location of code whose errors a handler may swallow."""

    start: int
    end: int


class Prefilter:
    """The search patterns for one configuration."""

    def __init__(self, config: Config) -> None:
        self._tests = config.names_rules
        self._loads: dict[bytes, Load] = {}
        savers = saver_names(config) - {row.name for row in apis.SAVERS if row.packages}
        # By a word that several have in common, so that it is searched for once.
        self._saves: dict[bytes, list[Check]] = {}

        def add(part: bytes, check: Check) -> None:
            """A check of files that contain `part`."""
            word = next((word for word in _COMMON if word in part), part)
            self._saves.setdefault(word, []).append(check)

        add(b"write_", _writes_path)
        add(b".write", _writes_tree)
        for made, method in _KEEPERS:
            add(method, partial(_holds_all, some=(made, method)))
        methods: dict[str, list[str]] = {}
        for name in savers:
            if name[0] == ".":
                start, line, end = name[1:].partition("_")
                methods.setdefault(start + line, []).append(re.escape(end))
        for start, ends in methods.items():
            add(start.encode(), re.compile(f"{start}(?:{'|'.join(ends)})".encode()).search)
        for row in apis.SAVERS:
            packages = tuple(package.encode() for package in row.packages)
            if packages:
                method = row.name[1:].encode()
                add(method, partial(_is_method_of, method=method, packages=packages))
        for verb in ("", *_VERBS):
            own = [name for name in savers if name[0] != "." and _verb_of(name) == verb]
            for module in _by_module(own):
                add(verb.encode() or module.shared, module.is_in)
        movers = {name: name.rpartition(".")[2] for name in apis.PUBLISHERS}
        renamers = {name for name, last in movers.items() if _holds(last.encode(), _RENAMING)}
        self._renamers = _by_module(renamers)
        self._publishers = _by_module(movers.keys() - renamers)
        self._called = _any_of(_lasts(loaders_of_paths(config)))
        self._loaders = _any_of(_lasts({*config.loaders, *(row.name for row in apis.LOADERS)}))

    # Patterns that few files need are compiled once one does: a run on a single file needs none.

    @cached_property
    def _opened(self) -> re.Pattern[bytes]:
        return re.compile(rf"\b(?:{_OPENED}|\w*open(?:_\w*)?)\b".encode() + _NOT_IN_CODE)

    @cached_property
    def _given(self) -> re.Pattern[bytes]:
        return re.compile(
            # Called, imported under another name, or passed to a function that calls it.
            rf"(?<!def )\b(?:{_BEGINS}\w*|{self._called})"
            rf"(?:[\s\\)]*[(#]|[\s\\]+as\b)".encode()
        )

    @cached_property
    def _loads_path(self) -> re.Pattern[bytes]:
        """A name that begins so, or is one of these, may load a path."""
        return re.compile(rf"{_BEGINS}|(?:{self._called}|{_OPENED})$|\w*open".encode())

    @cached_property
    def _loads_content(self) -> re.Pattern[bytes]:
        splitters = "|".join(sorted(apis.SPLITTERS))
        content = rf"\w*?(?:{LOADING_WORD}|(?i:validate))|(?:{self._loaders}|{splitters})$"
        return re.compile(content.encode())

    def may_match(self, content: bytes) -> bool:
        """Whether a file with these bytes can hold a finding."""
        return (
            self._may_write(content)
            # A test of what was loaded matters to a rule that is off by default.
            or (self._tests and b"isinstance" in content)
            or self._may_swallow(content)
            or self._may_publish(content)
            or _COOKIE.search(content, 0, 400) is not None
        )

    def may_matter_with_others(self, content: bytes) -> bool:
        """The same where other files say what is called here: it may load or publish a file under
        any name."""
        return (
            self._may_write(content)
            or (self._tests and b"isinstance" in content)
            or next(_silently_tried(content), None) is not None
            or _holds(content, _RENAMING)
            or any(module.is_in(content) for module in self._publishers)
            or _COOKIE.search(content, 0, 400) is not None
        )

    def _may_write(self, content: bytes) -> bool:
        return (
            _holds(content, _SOME_OPENER)
            and (
                _holds(content, _WRITING_FLAGS)
                or _has_writing_mode(content)
                or (b"truncate" in content and _TRUNCATES.search(content) is not None)
            )
        ) or any(
            word in content and any(check(content) for check in checks)
            for word, checks in self._saves.items()
        )

    def _may_publish(self, content: bytes) -> bool:
        """A publication needs a temp file that is visible."""
        return (
            (
                _holds(content, _RENAMING)
                and (
                    _RENAMES.search(content) is not None
                    or any(module.is_in(content) for module in self._renamers)
                )
            )
            or any(module.is_in(content) for module in self._publishers)
        ) and (_TEMP_WORD.search(content) is not None or _holds(content, _TEMP_MODULES))

    def _may_swallow(self, content: bytes) -> bool:
        """Whether an error of what may be a load is swallowed."""
        if not (b"except" in content or b"suppress" in content):
            return False
        tried = [*_silently_tried(content)]
        if not tried:
            return False
        calls = _Calls(content, self, tried)
        loads = calls.strongest
        if loads is not Load.NONE and (
            self._opened.search(content) is not None
            or (b"getattr" in content and b"read_" in content)
        ):
            return True
        if self._given.search(content) is None:
            return False
        return loads is Load.OF_PATH or calls.are_by_another_name

    def load_by(self, name: bytes) -> Load:
        """What a call by this name may load, whatever it stands for in its file."""
        found = self._loads.get(name)
        if found is None:
            found = Load.NONE
            if self._loads_path.match(name):
                found = Load.OF_PATH
            elif self._loads_content.match(name):
                found = Load.OF_CONTENT
            if len(self._loads) < _MOST_NAMES:
                self._loads[name] = found
        return found


class _Calls:
    """The calls in some parts of one file."""

    def __init__(self, content: bytes, needles: Prefilter, tried: Iterable[_Tried]) -> None:
        self._content = content
        self._own = needles.load_by
        self._names = self._called_in(tried)

    def _called_in(self, parts: Iterable[_Tried]) -> set[bytes]:
        found = (_CALLED.findall(self._content, each.start, each.end) for each in _merged(parts))
        return set[bytes]().union(*found) - _KEYWORDS

    @cached_property
    def strongest(self) -> Load:
        """The strongest kind of load, by the names of called functions, there or in a function of
        the file that is called there."""
        found = max(map(self._own, self._names), default=Load.NONE)
        if found is Load.OF_PATH:
            return found
        return max(map(self._own, self._inner_names), default=found)

    @cached_property
    def _inner_names(self) -> set[bytes]:
        """What the functions of the file call that are called there."""
        if not any(b"def " + name in self._content for name in self._names):
            return set()
        functions = self._functions
        return self._called_in(part for name in self._names for part in functions.get(name, ()))

    @property
    def are_by_another_name(self) -> bool:
        """Whether what loads may be called there under another name."""
        others = self._other_names
        return others is None or not (
            others.isdisjoint(self._names) and others.isdisjoint(self._inner_names)
        )

    @cached_property
    def _other_names(self) -> frozenset[bytes] | None:
        """The names and attributes that may stand for what loads under another name; None: any."""
        content, found = self._content, set[bytes]()
        for each in _AS.finditer(content):
            before = content[max(0, each.start() - 1 - _LONG_NAME) : each.start() - 1]
            if any(map(self._own, _LAST_NAME.findall(before))):
                return None
        for each in _VALUE.finditer(content):
            if each[1] is not None:
                is_load = self._own(each[1].rpartition(b".")[2]) is not Load.NONE
            else:
                value = each[2]
                if value.rstrip().endswith(b"\\") or any(
                    value.count(a) > value.count(b) for a, b in _BRACKETS
                ):
                    value = content[each.start(2) : each.end() + _LONG_VALUE]
                is_load = _MAY_BE_NAME.search(value) is not None and (
                    b"getattr" in value or any(map(self._own, _UNCALLED.findall(value)))
                )
            if is_load:
                row = content.rfind(b"\n", 0, each.start()) + 1
                target = content[row : each.start()]
                if any(target.count(a) < target.count(b) for a, b in _BRACKETS):
                    return None  # it begins further up
                found.update(_WORD.findall(target))
        return frozenset(found)

    @cached_property
    def _functions(self) -> dict[bytes, list[_Tried]]:
        """Where the functions of a name begin and end; each may end too late."""
        found: dict[bytes, list[_Tried]] = {}
        above: list[tuple[int, bytes, int]] = []

        def leave(indent: int, end: int) -> None:
            while above and above[-1][0] >= indent:
                _, name, start = above.pop()
                if any(self._content.count(each, start, end) % 2 for each in _LONG_STRINGS):
                    end = len(self._content)  # its end is inside a string
                found.setdefault(name, []).append(_Tried(start, end))

        for each in _BLOCK.finditer(self._content):
            leave(len(each[1]), each.start())
            above.append((len(each[1]), each[2], each.end()))
        leave(0, len(self._content))
        return found


def _writes_path(content: bytes) -> bool:
    return _holds(content, (b"write_text", b"write_bytes")) or (
        b"getattr" in content and _WRITE_BY_NAME.search(content) is not None
    )


def _writes_tree(content: bytes) -> bool:
    return _holds_all(content, (TREES, b".write"))


def _is_method_of(content: bytes, method: bytes, packages: Iterable[bytes]) -> bool:
    return method in content and _holds(content, packages)


def saver_names(config: Config) -> set[str]:
    return {saver.name for saver in apis.SAVERS}.union(
        row.partition(":")[0] for row in config.savers
    )


def loaders_of_paths(config: Config) -> set[str]:
    """Names of the loaders that take a path."""
    return {loader.name for loader in apis.LOADERS if loader.takes_path}.union(config.loaders)


def _lasts(names: Iterable[str]) -> set[str]:
    return {name.rpartition(".")[2] for name in names}


needles = lru_cache(maxsize=8)(Prefilter)


def cannot_match(content: bytes, config: Config, *, with_others: bool = False) -> bool:
    """Whether the bytes certainly have no finding, whether they are Python or not; `with_others`,
    even if other files have evidence about them."""
    known = needles(config)
    may_match = known.may_matter_with_others if with_others else known.may_match
    return can_be_decoded(content) and not may_match(content)


def _has_writing_mode(content: bytes) -> bool:
    """Whether a mode with a `w` may occur."""
    for found in _MODE_END.finditer(content):
        start = max(0, found.start() - _MODE_LENGTH)
        if _WRITING_MODE.search(content, start, found.end()):
            return True
    return b"\\" in content and _HIDDEN_W.search(content) is not None


class _Module:
    """Functions of one package, however they are imported."""

    def __init__(self, module: str, names: set[str]) -> None:
        self._name = module
        self._module = module.encode()
        self._every = [name.rpartition(".") for name in names]
        self._last_parts = sorted({last for _, _, last in self._every})
        self._last_bytes = [last.encode() for last in self._last_parts]

    @cached_property
    def _lasts(self) -> list[tuple[bytes, re.Pattern[bytes]]]:
        # No `\b` in front: a pattern that begins with plain text is found many times faster.
        return [
            (last.encode(), re.compile(rf"{re.escape(last)}\b".encode() + _NOT_IN_CODE))
            for last in self._last_parts
        ]

    @cached_property
    def _known(self) -> tuple[re.Pattern[bytes], ...]:
        """`torch.save`, or `save` and `t.save` once `torch` was imported so."""
        module = self._name
        functions = "|".join(map(re.escape, self._last_parts))
        parts = sorted({part for path, _, _ in self._every for part in path.split(".")[1:]})
        inner = "|".join(parts) or "(?!)"
        inner = rf"(?<!\w{module})(?:[\s\\]*\.[\s\\]*(?:{inner}))*[\s\\]"
        return (
            re.compile(
                rf"{module}(?:[\s\\]*\.[\s\\]*\w+)*?[\s\\]*\.[\s\\]*(?:{functions})\b".encode()
            ),
            re.compile(rf"from\s+{module}{inner}".encode()),
            re.compile(rf"{module}{inner}+as\b".encode()),
        )

    @property
    def shared(self) -> bytes:
        """What the names of all its functions begin with."""
        shared, *others = self._last_bytes
        while not all(each.startswith(shared) for each in others):
            shared = shared[:-1]
        return shared

    def is_in(self, content: bytes) -> bool:
        return (
            self._module in content
            and _holds(content, self._last_bytes)
            and any(name in content and last.search(content) for name, last in self._lasts)
            and any(known.search(content) for known in self._known)
        )


def can_be_decoded(content: bytes) -> bool:
    """Whether Python can surely decode a file; false leaves the answer to `source.decode`."""
    if b"\0" in content or _COOKIE.search(content, 0, 400) is not None:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _by_module(names: Iterable[str]) -> tuple[_Module, ...]:
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(name.partition(".")[0], set()).add(name)
    return tuple(_Module(module, last_parts) for module, last_parts in found.items())


def _verb_of(name: str) -> str:
    """What the last part of a name begins with, of a few words that savers begin with."""
    last = name.rpartition(".")[2]
    return next((verb for verb in _VERBS if last.startswith(verb)), "")


def _holds(content: bytes, some: Iterable[bytes]) -> bool:
    return any(each in content for each in some)


def _holds_all(content: bytes, some: Iterable[bytes]) -> bool:
    return all(each in content for each in some)


def _merged(parts: Iterable[_Tried]) -> list[_Tried]:
    """Parts without what they have in common: a `try` is tried once, however many handlers it
    has."""
    found: list[_Tried] = []
    for each in sorted(set(parts)):
        if found and each.start <= found[-1].end:
            found[-1] = _Tried(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def _may_be_corrupt(caught: bytes) -> bool:
    """Whether what is between `except` and the colon may mean "there but unreadable"."""
    names = _NAME.findall(caught.partition(b" as ")[0])
    if not names:
        return True
    for raw in names:
        name = raw.decode("ascii")
        last = name.rpartition(".")[2]
        if last in HARMFUL or CORRUPT.search(name):
            return True
        is_bound_here = name == last or name.startswith(("self.", "cls."))
        if is_bound_here and last not in BUILTIN_ERRORS:
            return True  # it may stand for several exceptions
    return False


def _silently_tried(content: bytes) -> Iterator[_Tried]:
    """The code in a `try` with a handler that may swallow an error, or in a `with suppress`. If it
    cannot be determined from rows and indentation, it is the whole file."""
    whole = _Tried(0, len(content))
    if b"suppress" in content:
        for found in _SUPPRESS.finditer(content):
            yield _suppressed(content, found.start()) or whole
    plain = _Tried(0, 0)  # the part of the last `try` that is known to hold no long string
    for found in _HANDLER.finditer(content):
        at = found.start()
        row = content.rfind(b"\n", 0, at) + 1
        indent = content[row:at]
        if b"\r" in indent or b"\f" in indent:
            yield whole
            continue
        if indent.strip(b" \t"):
            continue
        caught, colon, _ = found[1].partition(b"#")[0].partition(b":")
        if (colon and not _may_be_corrupt(caught)) or _is_heard(content, found.end(), len(indent)):
            continue
        start = content.rfind(b"\n%stry" % indent, 0, row) + 1
        if not start and not content.startswith(indent + b"try"):
            yield whole
            continue
        unknown = max(start, plain.end - 2) if plain.start == start else start
        if _holds(content[unknown:row], (*_LONG_STRINGS, b"\\\n", b"\r", b"\f")):
            yield whole  # the row that begins with `try` may be in a string
        else:
            plain = _Tried(start, row)
            yield plain


def _suppressed(content: bytes, at: int) -> _Tried | None:
    """The block of the `with` that contains this `suppress`; None if it cannot be determined."""
    row = content.rfind(b"\n", 0, at) + 1
    head = _WITH.match(content, row)
    if head is None or b"\f" in head[1]:
        return None
    # The next row that is not deeper, blank rows, comments and closing brackets apart.
    behind = re.compile(rb"\n[ \t]{0,%d}(?=[^ \t\n#)\]}])" % len(head[1])).search(content, at)
    end = behind.start() if behind else len(content)
    block = content[row:end]
    if _holds(block, (*_LONG_STRINGS, b"\\\n", b"\r", b"\f")):
        return None
    code = _SHORT_STRING.sub(b"", block)
    if any(code.count(opening) != code.count(closing) for opening, closing in _BRACKETS):
        return None  # rows in brackets may have any indent
    return _Tried(row, end)


def _is_heard(content: bytes, start: int, indent: int) -> bool:
    """Whether the handler that begins on the row before `start` plainly raises or warns."""
    # The next row that is not deeper, blank rows and comments apart.
    behind = re.compile(rb"\n[ \t]{0,%d}(?=[^ \t\n#])(?=.*\S)" % indent).search(content, start)
    block = content[start : behind.start() if behind else len(content)]
    # A string or a nested function may hold a `raise` that is not the handler's.
    return _HEARD.search(block) is not None and not _holds(
        block, (*_LONG_STRINGS, b"def ", b"\\\n", b"\r", b"\f")
    )
