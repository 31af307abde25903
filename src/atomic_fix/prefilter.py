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
"""What such a name may say, whoever's exception it is."""

TRUNCATES = r"\.[\s\\]*truncate\b"
"""A pattern for `handle.truncate`, of a file that is opened for update or to append to."""


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
"""Last parts of the names of what opens a file."""
# A search each: where `GzipFile` stands, so does `File`.
_SOME_OPENER = tuple(
    name.encode() for name in OPENERS if not any(each in name for each in OPENERS - {name})
)
TREES = {maker.rpartition(".")[2] for maker in apis.TREE_MAKERS} | {"etree"}
"""Where one of these stands, `write` may be a method of a tree."""

_WRITING_MODE = re.compile(WRITING_MODE.encode())
# Of an encoding that may hide what it says, or is unknown.
_COOKIE = re.compile(rb"coding[:=][ \t]*(?!utf-?8\b|latin-1\b|ascii\b)")
_TEMP_WORD = re.compile(TEMP_WORD.encode())
_TRUNCATES = re.compile(TRUNCATES.encode())
_TEMP_MODULES = tuple({maker.partition(".")[0].encode() for maker in apis.TEMP_MAKERS})

_RENAMING = sorted(method.encode() for method in apis.PUBLISH_METHODS)
# `.replace("a", "b")` is that of a string, and what has a backtick behind it is prose.
_RENAMES = re.compile(
    rb"(?:%s)[\s\\)]*\((?!\s*(?:`|(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[\w.\[\]]+)"
    rb"\s*,\s*[^\s)#\\]))" % b"|".join(_RENAMING)
)

_HANDLER = re.compile(rb"except(.*)")
_SUPPRESS = re.compile(rb"\bsuppress\b")
_NAME = re.compile(rb"[A-Za-z_][\w.]*")
_RAISES = re.compile(rb"^[ \t]*raise\b", re.MULTILINE)
_NOT_IN_CODE = rb"(?!['\"`]|[ \t]+(?!(?:as|if|else|and|or|in|is|for|not)\b)[A-Za-z])"


class Prefilter:
    """The needles of one configuration."""

    def __init__(self, config: Config) -> None:
        self._tests = config.names_rules
        savers = saver_names(config)
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
        self._trees = [tree.encode() for tree in TREES]
        called = "|".join({re.escape(name.rpartition(".")[2]) for name in loaders_of_paths(config)})
        plain = "|".join({*OPENERS, *apis.RUNNERS, "read_text", "read_bytes"})
        self._source = re.compile(
            # Called, imported under another name, or handed to what calls it.
            rf"(?<!def )\b(?:[\d_]*(?:{LOADING_WORD})\w*|{called})"
            rf"(?:[\s\\)]*[(#]|[\s\\]+as\b)|\b(?:{plain}|\w*open(?:_\w*)?)\b".encode()
            + _NOT_IN_CODE
        )

    def may_match(self, content: bytes) -> bool:
        """Whether a file with these bytes can hold a finding."""
        return (
            self._may_write(content)
            # A test of what was loaded matters to a rule that is off by default.
            or (self._tests and b"isinstance" in content)
            or (_may_be_silent(content) and self._may_load(content))
            or self._may_publish(content)
            or _COOKIE.search(content, 0, 400) is not None
        )

    def may_matter_with_others(self, content: bytes) -> bool:
        """The same where other files say what is called here: it may load or publish a file under
        any name."""
        return (
            self._may_write(content)
            or (self._tests and b"isinstance" in content)
            or _may_be_silent(content)
            or _holds(content, _RENAMING)
            or any(module.is_in(content) for module in self._publishers)
            or _COOKIE.search(content, 0, 400) is not None
        )

    def _may_write(self, content: bytes) -> bool:
        return (
            b"O_TRUNC" in content
            or (
                b"write_" in content
                and _holds(content, (b"write_text", b"write_bytes", b"getattr"))
            )
            or (
                _holds(content, _SOME_OPENER)
                and (
                    _WRITING_MODE.search(content) is not None
                    or (b"truncate" in content and _TRUNCATES.search(content) is not None)
                )
            )
            or any(method.search(content) for method in self._methods)
            or (b".write" in content and _holds(content, self._trees))
            or any(module.is_in(content) for module in self._by_module)
        )

    def _may_publish(self, content: bytes) -> bool:
        """A publication needs a temp file that is in sight."""
        return (
            (_holds(content, _RENAMING) and _RENAMES.search(content) is not None)
            or any(module.is_in(content) for module in self._publishers)
        ) and (_TEMP_WORD.search(content) is not None or _holds(content, _TEMP_MODULES))

    def _may_load(self, content: bytes) -> bool:
        """Whether a file is opened, or its path given to what may load it."""
        return self._source.search(content) is not None or (
            b"getattr" in content and b"read_" in content
        )


def saver_names(config: Config) -> set[str]:
    return {saver.name for saver in apis.SAVERS}.union(
        row.partition(":")[0] for row in config.savers
    )


def loaders_of_paths(config: Config) -> set[str]:
    """Names of the loaders that take a path."""
    return {loader.name for loader in apis.LOADERS if loader.takes_path}.union(config.loaders)


needles = lru_cache(maxsize=8)(Prefilter)


def cannot_match(content: bytes, config: Config, *, with_others: bool = False) -> bool:
    """Whether bytes that Python can parse surely hold no finding; `with_others`, even where other
    files say something of theirs."""
    known = needles(config)
    may_match = known.may_matter_with_others if with_others else known.may_match
    return can_be_decoded(content) and not may_match(content)


class _Module:
    """Functions of one package, however they are imported."""

    def __init__(self, module: str, names: set[str]) -> None:
        # No `\b` in front: a pattern that begins with plain text is found many times faster.
        self._module = module.encode()
        every = [name.rpartition(".") for name in names]
        last_parts = sorted({last for _, _, last in every})
        self._lasts = [
            (last.encode(), re.compile(rf"{re.escape(last)}\b".encode() + _NOT_IN_CODE))
            for last in last_parts
        ]
        functions = "|".join(map(re.escape, last_parts))
        inner = "|".join(sorted({part for path, _, _ in every for part in path.split(".")[1:]}))
        inner = rf"(?<!\w{module})(?:[\s\\]*\.[\s\\]*(?:{inner or '(?!)'}))*[\s\\]"
        # `torch.save`, or `save` and `t.save` once `torch` was imported so.
        self._known = (
            re.compile(
                rf"{module}(?:[\s\\]*\.[\s\\]*\w+)*?[\s\\]*\.[\s\\]*(?:{functions})\b".encode()
            ),
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


def _holds(content: bytes, some: Iterable[bytes]) -> bool:
    return any(each in content for each in some)


def _may_be_corrupt(caught: bytes) -> bool:
    """Whether what stands between `except` and the colon may mean "there but unreadable"."""
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


def _may_be_silent(content: bytes) -> bool:
    """Whether there is a handler that may swallow an error."""
    if b"suppress" in content and _SUPPRESS.search(content) is not None:
        return True
    for found in _HANDLER.finditer(content):
        at = found.start()
        indent = content[content.rfind(b"\n", 0, at) + 1 : at]
        if indent.strip(b" \t\f\r"):
            continue
        caught, colon, _ = found[1].partition(b"#")[0].partition(b":")
        if b"\r" in indent or b"\f" in indent:
            return True
        if not (colon and not _may_be_corrupt(caught)) and not _raises(
            content, found.end(), len(indent)
        ):
            return True
    return False


def _raises(content: bytes, start: int, indent: int) -> bool:
    """Whether the handler that begins on the row before `start` plainly raises."""
    # The next row that is not deeper, blank rows and comments apart.
    behind = re.compile(rb"\n[ \t]{0,%d}(?=[^ \t\n#])(?=.*\S)" % indent).search(content, start)
    block = content[start : behind.start() if behind else len(content)]
    # A string or a nested function may hold a `raise` that is not the handler's.
    return _RAISES.search(block) is not None and not _holds(
        block, (b'"""', b"'''", b"def ", b"\\\n", b"\r", b"\f")
    )
