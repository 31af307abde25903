"""Patterns as in .gitignore, matched as in git, in time linear in the length of a path. A line that
git ignores, such as `!`, a lone backslash or an unclosed bracket, matches nothing here either. Like
git, this compares bytes.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import count
from typing import NamedTuple

from atomic_fix.source import relative_if_inside

_MOST = 5_000
"""The most patterns in one file or setting."""
_MOST_BYTES = 1 << 17
MOST_AT_ONCE = 10_000
"""The most patterns that one path is compared with: those of its folder and of all folders
above."""
_LONGEST = 4_096
"""The length of the longest possible path, in bytes."""

_SPECIAL = re.compile(rb"[*?\[\\]")
_CLASSES = {
    b"alnum": re.compile(rb"[0-9A-Za-z]"),
    b"alpha": re.compile(rb"[A-Za-z]"),
    b"blank": re.compile(rb"[ \t]"),
    b"cntrl": re.compile(rb"[\x00-\x1f\x7f]"),
    b"digit": re.compile(rb"[0-9]"),
    b"graph": re.compile(rb"[!-~]"),
    b"lower": re.compile(rb"[a-z]"),
    b"print": re.compile(rb"[ -~]"),
    b"punct": re.compile(rb"[!-/:-@\[-`{-~]"),
    b"space": re.compile(rb"[ \t-\r]"),
    b"upper": re.compile(rb"[A-Z]"),
    b"xdigit": re.compile(rb"[0-9A-Fa-f]"),
}


_STAR, _FOLDERS, _REST = b"*", b"**/", b"**"
"""Separates the parts of a pattern that each match one character."""


def encoded(pattern: str) -> bytes:
    """A pattern from a setting in the form of a line of a file."""
    try:
        return os.fsencode(pattern)
    except UnicodeEncodeError:  # no file name on this system can match it
        return pattern.encode("utf-8", "surrogatepass")


def too_many(lines: Collection[bytes]) -> str:
    """A clause that says why there are too many patterns to use, or empty. Each costs time for
    every file."""
    if len(lines) > _MOST:
        return f"{len(lines):,} patterns are more than {_MOST:,}"
    if sum(map(len, lines)) > _MOST_BYTES:
        return f"its patterns are longer than {_MOST_BYTES >> 10} kB"
    return ""


class _Pattern(NamedTuple):
    """One pattern. `match` gets either the name alone or the whole path."""

    negated: bool
    folders_only: bool
    by_name: bool
    match: Callable[[bytes], bool]


class Patterns:
    """The patterns of one file or setting, relative to one folder."""

    def __init__(self, folder: str, lines: Iterable[bytes]) -> None:
        self._folder = folder
        self._inside = folder.rstrip(os.sep) + os.sep
        patterns = [each for each in map(_pattern, lines) if each is not None]
        self._negated = [each.negated for each in patterns]
        numbered = list(enumerate(patterns))[::-1]  # of those that match, the last one decides
        self._of_names = [each for each in numbered if each[1].by_name]
        self._of_paths = [each for each in numbered if not each[1].by_name]
        self.count = len(patterns)
        self._by_name: dict[tuple[str, bool], int] = {}
        """Results cached by name, since names repeat."""

    def decide(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the patterns exclude the absolute path (True), include it again (False), or do
        not match it (None). Folders above it have been checked before."""
        if not self._of_paths and path.startswith(self._inside):
            # Nested folders may each have patterns, which are all tried for every path below: those
            # that need only the name are tried before the path is copied.
            return self._answer(self._named(path[path.rfind(os.sep) + 1 :], is_folder))
        relative = self._relative(path)
        return None if relative is None else self._decide(relative, is_folder)

    def leave_out(self, path: str) -> bool:
        """Whether the absolute path of a file, or a folder above it, is excluded."""
        relative = self._relative(path)
        if relative is None:
            return False
        parts = relative.split("/")
        return any(
            self._decide("/".join(parts[:end]), end < len(parts))
            for end in range(1, len(parts) + 1)
        )

    def _relative(self, path: str) -> str | None:
        if path.startswith(self._inside):  # the usual case, and `below` is much slower
            return path[len(self._inside) :].replace(os.sep, "/")
        return relative_if_inside(path, self._folder)

    def _decide(self, path: str, is_folder: bool) -> bool | None:
        last = self._named(path[path.rfind("/") + 1 :], is_folder)
        if self._of_paths:
            last = max(last, _last(self._of_paths, os.fsencode(path), is_folder))
        return self._answer(last)

    def _named(self, name: str, is_folder: bool) -> int:
        last = self._by_name.get((name, is_folder))
        if last is None:
            last = _last(self._of_names, os.fsencode(name), is_folder)
            self._by_name[name, is_folder] = last
        return last

    def _answer(self, last: int) -> bool | None:
        return None if last < 0 else not self._negated[last]


def _last(patterns: list[tuple[int, _Pattern]], text: bytes, is_folder: bool) -> int:
    """The number of the first pattern in the list that matches, -1 if none does."""
    for number, (_, folders_only, _, match) in patterns:
        if (is_folder or not folders_only) and match(text):
            return number
    return -1


def _pattern(line: bytes) -> _Pattern | None:
    """The pattern of a line; None if it matches nothing."""
    if line.startswith(b"#"):
        return None
    line = _without_blanks_behind(line)
    negated = line.startswith(b"!")
    line = line[negated:]
    folders_only = line.endswith(b"/")
    line = line[: len(line) - folders_only]
    if line.startswith(b"**/") and b"/" not in line[3:]:
        line = line[3:]  # at any depth: the same as without it
    by_name = b"/" not in line
    line = line.removeprefix(b"/")
    special = _SPECIAL.search(line)
    if not line or (special is None and len(line) > _LONGEST):
        return None
    match: Callable[[bytes], bool]
    if special is None:
        match = line.__eq__
    elif by_name and line.startswith(b"*") and _SPECIAL.search(line, 1) is None:
        end = line[1:]
        match = lambda name: name.endswith(end)  # noqa: E731
    else:
        match = _Glob(line, special.start(), by_name)
    return _Pattern(negated, folders_only, by_name, match)


def _without_blanks_behind(line: bytes) -> bytes:
    """The line without trailing blanks, except for one after a backslash."""
    kept = line.rstrip(b" ")
    behind = len(kept) - len(kept.rstrip(b"\\"))
    return line[: len(kept) + 1] if behind % 2 else kept


class _Glob:
    """A pattern with wildcards, none of them in the first `plain` bytes."""

    def __init__(self, glob: bytes, plain: int, by_name: bool) -> None:
        self._plain = glob[:plain]
        self._rest = glob[plain:]
        self._by_name = by_name
        self._parts: _Parts | None = None
        self._is_read = False

    def __call__(self, path: bytes) -> bool:
        if not path.startswith(self._plain):
            return False
        if not self._is_read:  # for many patterns, only the beginning is ever compared
            self._is_read = True
            self._parts = _read(self._rest, self._by_name)
        if self._parts is None:
            return False
        head, tail, slashes = self._parts
        path = path[len(self._plain) :]
        if head is not None:
            found = head.match(path)
            if found is None or tail is None:
                return found is not None
            # The tail contains no `**`, so it matches exactly as many folders as it names.
            folders = path[found.end() :].rsplit(b"/", slashes + 1)
            if len(folders) <= slashes:
                return False
            path = b"/".join(folders[-slashes - 1 :])
        return tail is not None and tail.fullmatch(path) is not None


class _Parts(NamedTuple):
    """The parts of a pattern before and after its last `**/`, with the slashes of the latter."""

    head: re.Pattern[bytes] | None
    tail: re.Pattern[bytes] | None
    slashes: int


def _read(glob: bytes, by_name: bool) -> _Parts | None:
    """None when the pattern matches nothing."""
    tokens = _tokens(glob, by_name)
    if tokens is None:
        return None
    sections: list[list[bytes]] = [[]]
    for token in tokens:
        if token in (_FOLDERS, _REST):
            sections.append([])
        else:
            sections[-1].append(token)
    tail = sections.pop()
    if sum(map(len, sections), len(tail)) > 2 * _LONGEST:
        return None  # at least every second one is a character
    numbers = count()
    head = None
    if sections:
        # The first match is always sufficient, since `**/` can skip everything that follows, so
        # there is no backtracking.
        parts = [_section(sections[0], numbers)]
        parts += [
            _once(rb"(?:[^/]*/)*?" + _section(each, numbers), numbers) for each in sections[1:]
        ]
        head = re.compile(b"".join(parts))
        if tokens[-1] == _REST:
            return _Parts(head, None, 0)
    return _Parts(head, re.compile(_section(tail, numbers)), tail.count(b"/"))


def _section(tokens: list[bytes], numbers: Iterator[int]) -> bytes:
    """A regular expression for a pattern without `**`. Between two stars, the first match is also
    sufficient; the part after the last star has to match at the end of the folder's name.
    """
    made: list[bytes] = []
    text = b""
    starred = False
    for token in tokens:
        if token not in (_STAR, b"/"):
            text += token
            continue
        if token == b"/":
            made.append((rb"[^/]*" if starred else b"") + text + b"/")
        else:
            made.append(_once(rb"[^/]*?" + text, numbers) if starred else text)
        text = b""
        starred = token == _STAR
    made.append((rb"[^/]*" if starred else b"") + text)
    return b"".join(made)


def _once(expression: bytes, numbers: Iterator[int]) -> bytes:
    """An atomic group, which never backtracks: `(?>...)`, which Python supports since 3.11."""
    name = b"_%d" % next(numbers)
    return b"(?=(?P<%b>%b))(?P=%b)" % (name, expression, name)


def _tokens(glob: bytes, by_name: bool) -> list[bytes] | None:
    """The stars unchanged, and a regular expression for each part that matches one character; None
    if the pattern matches nothing."""
    tokens: list[bytes] = []
    place = 0
    while place < len(glob):
        character = glob[place : place + 1]
        if character == b"*":
            start = place
            while glob[place : place + 1] == b"*":
                place += 1
            # git compares the plain text before the first star separately, so this is also part of
            # it.
            begins = place - start > 1 and (start == 0 or glob[start - 1 : start] == b"/")
            if by_name or not begins:
                tokens.append(_STAR)
            elif place == len(glob):
                tokens.append(_REST)
            elif glob.startswith(b"/", place):
                tokens.append(_FOLDERS)
                place += 1
            elif glob.startswith(b"\\/", place):  # at least one
                tokens += (_STAR, b"/", _FOLDERS)
                place += 2
            else:
                tokens.append(_STAR)
        elif character == b"[":
            found = _set(glob, place + 1)
            if found is None:
                return None
            expression, place = found
            tokens.append(expression)
        elif character == b"?":
            tokens.append(rb"[^/]")
            place += 1
        else:
            if character == b"\\":
                place += 1
                character = glob[place : place + 1]
                if not character:
                    return None
            tokens.append(re.escape(character))
            place += 1
    return tokens


def _set(glob: bytes, place: int) -> tuple[bytes, int] | None:
    """The regular expression for a set whose bracket is right before `place`, and the position
    after it; None if it is not closed or names an unknown class."""
    members: set[int] = set()
    negated = glob[place : place + 1] in (b"!", b"^")
    place += negated
    first = place
    before = 0
    """The character with which a following `-` would begin a range."""
    while place == first or glob[place : place + 1] != b"]":
        character = glob[place : place + 1]
        if not character:
            return None
        if character == b"-" and before and glob[place + 1 : place + 2] not in (b"", b"]"):
            place += 1
            if glob[place : place + 1] == b"\\":
                place += 1
            if place == len(glob):
                return None
            members.update(range(before, glob[place] + 1))
            before = 0
        elif character == b"[" and glob[place + 1 : place + 2] == b":":
            end = glob.find(b"]", place + 2)
            if end < 0:
                return None
            name = glob[place + 2 : end]
            if name.endswith(b":"):
                known = _CLASSES.get(name[:-1])
                if known is None:
                    return None
                members.update(each for each in range(256) if known.match(bytes([each])))
                place = end
                before = 0
            else:
                members.add(before := ord("["))
        else:
            if character == b"\\":
                place += 1
                if place == len(glob):
                    return None
            members.add(before := glob[place])
        place += 1
    members = (set(range(256)) - members if negated else members) - {ord("/")}
    return (b"[%b]" % _listed(members) if members else b"(?!)"), place + 1


def _listed(members: set[int]) -> bytes:
    """The members of a set as ranges."""
    starts = [each for each in sorted(members) if each - 1 not in members]
    ends = [each for each in sorted(members) if each + 1 not in members]
    return b"".join(b"\\x%02x-\\x%02x" % each for each in zip(starts, ends, strict=True))
