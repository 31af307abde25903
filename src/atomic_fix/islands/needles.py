"""What raw bytes must hold before a file is worth decoding.

Every needle comes from a row of the catalogue. A file that is let through too much costs
time; one that is kept back too much would lose a finding.
"""

import builtins
import re
from collections.abc import Iterable
from functools import lru_cache

from atomic_fix.catalog import apis, errors
from atomic_fix.catalog import words as catalog
from atomic_fix.config import Config

ESCAPED = r"\\x77|\\167|\\u0077|\\U00000077|\\N\{LATIN SMALL LETTER W\}"
"""A `w` in a string that hides behind an escape."""

BUILTIN_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)
HARMFUL = frozenset(name.rpartition(".")[2] for name in errors.CORRUPT | errors.BROAD)
"""Last parts of the names of exceptions that may mean "there but unreadable"."""


TRUNCATES = re.compile(r"\.[\s\\]*truncate\b")
"""`handle.truncate`, of a file that is opened for update or to append to."""


def temp_word_pattern() -> str:
    """A pattern for the words that say "temp", where they are words of a name or literal."""
    some = sorted(catalog.TEMP - {"new"})
    lower = "|".join(some)
    title = "|".join(word.title() for word in some)
    upper = "|".join(word.upper() for word in some)
    return (
        rf"(?<![a-z])(?:{lower})s?(?![a-z])|(?:{title})s?(?![a-z])"
        rf"|(?<![A-Z])(?:{upper})|[^\w](?i:tmp|temp[_.])"
    )


def loading_word_pattern() -> str:
    """A pattern for the words that say "load", where they are words of a name."""
    lower, title, upper = (
        "|".join(sorted(map(case, catalog.LOADING))) for case in (str, str.title, str.upper)
    )
    return (
        rf"(?:(?<![A-Za-z])(?:{lower})|{title})s?(?![a-z])"
        rf"|(?<![A-Z])(?:{upper})S?(?![A-Za-z])"
    )


OPENERS = {opener.name.rpartition(".")[2] for opener in apis.OPENERS} | {"open"}
"""Last parts of the names of what opens a file."""
# A search each: where `GzipFile` stands, so does `File`.
_SOME_OPENER = tuple(
    name.encode() for name in OPENERS if not any(each in name for each in OPENERS - {name})
)
_WRITING_MODE = re.compile(
    rb"""["'}](?:[rwaxbtU+]|\\\r?\n)*w[rwaxbtU+]*["'{\\]|""" + ESCAPED.encode()
)
# Of an encoding that may hide what it says, or is unknown.
_COOKIE = re.compile(rb"coding[:=][ \t]*(?!utf-?8\b|latin-1\b|ascii\b)")
_TEMP_WORD = re.compile(temp_word_pattern().encode())
_TEMP_MODULES = tuple({maker.partition(".")[0].encode() for maker in apis.TEMP_MAKERS})

# `.replace("a", "b")` is that of a string, and what has a backtick behind it is prose.
_RENAMES = re.compile(
    rb"(?:%s)[\s\\)]*\((?!\s*(?:`|(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[\w.\[\]]+)"
    rb"\s*,\s*[^\s)#\\]))" % b"|".join(sorted(method.encode() for method in apis.PUBLISH_METHODS))
)
_RENAMING = tuple(method.encode() for method in apis.PUBLISH_METHODS)

_SUPPRESS = re.compile(rb"\bsuppress\b")
_NAME = re.compile(rb"[A-Za-z_][\w.]*")
_CORRUPT = re.compile("|".join(sorted(errors.CORRUPT_WORDS)).encode(), re.IGNORECASE)
_RAISES = re.compile(rb"^[ \t]*raise\b", re.MULTILINE)
_NOT_IN_CODE = rb"(?!['\"`]|[ \t]+(?!(?:as|if|else|and|or|in|is|for|not)\b)[A-Za-z])"


class Needles:
    """The needles of one configuration."""

    def __init__(self, config: Config) -> None:
        self._tests = config.names_rules
        savers = [saver.name for saver in apis.SAVERS]
        savers += [row.partition(":")[0] for row in config.savers]
        # By what they have in common: a pattern that begins with plain text is found fast.
        methods: dict[str, list[str]] = {}
        for name in savers:
            if name[0] == ".":
                start, line, end = name[1:].partition("_")
                methods.setdefault(start + line, []).append(re.escape(end))
        self._methods = [
            re.compile(f"{start}(?:{'|'.join(ends)})".encode()) for start, ends in methods.items()
        ]
        self._by_module = _by_module(name for name in savers if name[0] != ".")
        self._publishers = _by_module(apis.PUBLISHERS)
        self._trees = tuple(
            {maker.rpartition(".")[2].encode() for maker in apis.TREE_MAKERS} | {b"etree"}
        )
        of_paths = [loader.name for loader in apis.LOADERS if loader.takes_path]
        of_paths += config.loaders
        called = "|".join({re.escape(name.rpartition(".")[2]) for name in of_paths})
        plain = "|".join({*OPENERS, *apis.RUNNERS, "read_text", "read_bytes"})
        self._source = re.compile(
            # Called, imported under another name, or handed to what calls it.
            rf"(?<!def )\b(?:[\d_]*(?:{loading_word_pattern()})\w*|{called})"
            rf"(?:[\s\\)]*[(#]|[\s\\]+as\b)|\b(?:{plain}|\w*open(?:_\w*)?)\b".encode()
            + _NOT_IN_CODE
        )

    def may_matter(self, content: bytes) -> bool:
        """Whether a file with these bytes can hold a finding."""
        return (
            self._may_write(content)
            # A test of what was loaded matters to a rule that is off by default.
            or (self._tests and b"isinstance" in content)
            or (_may_be_silent(content) and self._may_load(content))
            or self._may_publish(content)
            or _COOKIE.search(content, 0, 400) is not None
        )

    def _may_write(self, content: bytes) -> bool:
        if b"O_TRUNC" in content or (
            b"write_" in content
            and any(each in content for each in (b"write_text", b"write_bytes", b"getattr"))
        ):
            return True
        if any(opener in content for opener in _SOME_OPENER) and (
            _WRITING_MODE.search(content) is not None
            or (b"truncate" in content and TRUNCATES.search(content.decode("latin-1")) is not None)
        ):
            return True
        if any(method.search(content) for method in self._methods):
            return True
        if b".write" in content and any(tree in content for tree in self._trees):
            return True
        return _any_of(self._by_module, content)

    def _may_publish(self, content: bytes) -> bool:
        """A publication needs a temp file that is in sight."""
        if not (
            any(method in content for method in _RENAMING) and _RENAMES.search(content) is not None
        ) and not _any_of(self._publishers, content):
            return False
        return _TEMP_WORD.search(content) is not None or any(
            module in content for module in _TEMP_MODULES
        )

    def _may_load(self, content: bytes) -> bool:
        """Whether a file is opened, or its path given to what may load it."""
        return self._source.search(content) is not None or (
            b"getattr" in content and b"read_" in content
        )


@lru_cache(maxsize=8)
def needles(config: Config) -> Needles:
    return Needles(config)


def holds_none(content: bytes, config: Config) -> bool:
    """Whether bytes that Python can parse surely hold no finding."""
    return can_be_decoded(content) and not needles(config).may_matter(content)


class _Module:
    """Functions of one package, however they are imported."""

    def __init__(self, module: str, names: set[str]) -> None:
        # No `\b` in front: a pattern that begins with plain text is found many times faster.
        self._module = module.encode()
        every = [name.rpartition(".") for name in names]
        self._lasts = tuple(
            (last.encode(), re.compile(re.escape(last.encode()) + rb"\b" + _NOT_IN_CODE))
            for last in sorted({last for _, _, last in every})
        )
        lasts = "|".join(sorted({re.escape(last) for _, _, last in every}))
        inner = "|".join(sorted({part for path, _, _ in every for part in path.split(".")[1:]}))
        inner = rf"(?<!\w{module})(?:[\s\\]*\.[\s\\]*(?:{inner or '(?!)'}))*[\s\\]"
        # `torch.save`, or `save` and `t.save` once `torch` was imported so.
        self._known = (
            re.compile(rf"{module}(?:[\s\\]*\.[\s\\]*\w+)*?[\s\\]*\.[\s\\]*(?:{lasts})\b".encode()),
            re.compile(rf"from\s+{module}{inner}".encode()),
            re.compile(rf"{module}{inner}+as\b".encode()),
        )

    def is_in(self, content: bytes) -> bool:
        return (
            self._module in content
            and any(name in content and last.search(content) for name, last in self._lasts)
            and any(known.search(content) for known in self._known)
        )


def can_be_decoded(content: bytes) -> bool:
    """Whether Python can surely decode a file; false leaves the answer to `source.decode`."""
    if b"\0" in content or _COOKIE.search(content, 0, 400) is not None:
        return False
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _by_module(names: Iterable[str]) -> tuple[_Module, ...]:
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(name.partition(".")[0], set()).add(name)
    return tuple(_Module(module, lasts) for module, lasts in found.items())


def _any_of(modules: tuple[_Module, ...], content: bytes) -> bool:
    return any(module.is_in(content) for module in modules)


def _may_be_corrupt(caught: bytes) -> bool:
    """Whether what stands between `except` and the colon may mean "there but unreadable"."""
    names = _NAME.findall(caught.partition(b" as ")[0])
    if not names:
        return True
    for raw in names:
        name = raw.decode("latin-1")
        last = name.rpartition(".")[2]
        if last in HARMFUL or _CORRUPT.search(raw):
            return True
        if name == last and name not in BUILTIN_ERRORS:
            return True  # it may stand for several exceptions
    return False


def _may_be_silent(content: bytes) -> bool:
    """Whether there is a handler that may swallow an error."""
    if b"suppress" in content and _SUPPRESS.search(content) is not None:
        return True
    at = content.find(b"except")
    while at >= 0:
        indent = content[content.rfind(b"\n", 0, at) + 1 : at]
        end = content.find(b"\n", at)
        end = end if end >= 0 else len(content)
        if not indent.strip(b" \t\f\r"):
            caught = content[at + len(b"except") : end].partition(b"#")[0]
            harmless = b":" in caught and not _may_be_corrupt(caught.partition(b":")[0])
            if b"\r" in indent or b"\f" in indent:
                return True
            if not harmless and not _raises(content, end, len(indent)):
                return True
        at = content.find(b"except", end)
    return False


def _raises(content: bytes, start: int, indent: int) -> bool:
    """Whether the handler that begins on the row before `start` plainly raises."""
    end = start
    size = len(content)
    while end < size:
        row_end = content.find(b"\n", end + 1)
        row = content[end + 1 : row_end if row_end >= 0 else size]
        text = row.lstrip(b" \t")
        if text.strip() and not text.startswith(b"#") and len(row) - len(text) <= indent:
            break
        if row_end < 0:
            end = size
            break
        end = row_end
    block = content[start:end]
    if _RAISES.search(block) is None:
        return False
    # A string or a nested function may hold a `raise` that is not the handler's.
    return not any(each in block for each in (b'"""', b"'''", b"def ", b"\\\n", b"\r", b"\f"))
