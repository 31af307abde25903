"""Bytes of a file -> `Source`, or `Unreadable` with the reason; and what files are called."""

import codecs
import io
import os
import re
import tokenize
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import ModuleType

from atomic_fix.finding import Cells, Position, Span, Unreadable

NOTEBOOK = ".ipynb"

# The line ends of Python's tokenizer. `str.splitlines` would also split at form feeds, \x1c and
# U+2028, and every later row number would be wrong.
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Source:
    """The decoded text of one Python file, with the details needed to write it back unchanged."""

    filename: str
    text: str
    encoding: str
    bom: bool

    @property
    def cells(self) -> Cells | None:
        """For a notebook: which row of the text is in which of its cells."""
        return None

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each row."""
        if "\r" in self.text:
            return (0, *(match.end() for match in _LINE_END.finditer(self.text)))
        ends = accumulate(map((1).__add__, map(len, self.text.split("\n"))), initial=0)
        return tuple(ends)[:-1]

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses first; `\\n` for a file of one line."""
        match = _LINE_END.search(self.text)
        return match.group() if match else "\n"

    def line(self, row: int) -> str:
        """The text of a 1-based row, without its line end."""
        if not 1 <= row <= len(self.line_starts):
            return ""
        start = self.line_starts[row - 1]
        end = self.line_starts[row] if row < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    @property
    def lines(self) -> list[str]:
        """The text of every row, without line ends."""
        if "\r" not in self.text:
            return self.text.split("\n")
        return [self.line(row) for row in range(1, len(self.line_starts) + 1)]

    def indent(self, row: int) -> str:
        """The white space at the beginning of a row, without form feeds."""
        line = self.line(row)
        return line[: len(line) - len(line.lstrip(" \t\f"))].replace("\f", "")

    def offset(self, position: Position) -> int:
        """The offset of a position in the text; the row after the last one is its end."""
        if position.row > len(self.line_starts):
            return len(self.text)
        return self.line_starts[position.row - 1] + position.column - 1

    def position(self, offset: int) -> Position:
        row = bisect_right(self.line_starts, offset)
        return Position(row, offset - self.line_starts[row - 1] + 1)

    def slice(self, span: Span) -> str:
        return self.text[self.offset(span.start) : self.offset(span.end)]

    def encode(self, text: str) -> bytes:
        """`text` as bytes in this file's encoding, with its byte order mark if it had one.

        Raises:
            ValueError: the encoding cannot express a character of `text`. It is nearly always a
                UnicodeEncodeError.
        """
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)


def is_notebook(filename: str) -> bool:
    return filename.lower().endswith(NOTEBOOK)


def decode(content: bytes, filename: str) -> Source | Unreadable:
    """Decode as Python does: byte order mark, PEP 263 cookie, else UTF-8. For a notebook, the text
    is that of its code cells."""
    if is_notebook(filename):
        from atomic_fix import notebook

        return notebook.read(content, filename)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError as error:
        return Unreadable(filename, f"cannot be decoded: {error.msg}")
    bom = content.startswith(codecs.BOM_UTF8)
    encoding = encoding.removesuffix("-sig")
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        return Unreadable(filename, f"cannot be decoded as {encoding}: {error.reason}", row)
    except LookupError:
        return Unreadable(filename, f"cannot be decoded: {encoding} is not a text encoding")
    except Exception as error:
        # Any package can register codecs, and they may raise anything.
        reason = " ".join(str(error).split())
        return Unreadable(filename, f"cannot be decoded as {encoding}: {reason}")
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        return Unreadable(filename, "cannot be parsed: it contains a null byte", row)
    return Source(filename, text, encoding, bom)


def is_python(content: bytes) -> bool:
    """Whether this Python can parse a file; also False if that cannot be determined."""
    import warnings

    # A nonexistent `__future__` feature stops the compiler right after parsing, before it creates
    # `ast` objects. That saves half of the time.
    first = b"from __future__ import _\n"
    try:
        if content.startswith(codecs.BOM_UTF8) or b"coding" in content[:400]:
            source = decode(content, "")  # a coding cookie counts only in the first rows
            if isinstance(source, Unreadable):
                return False
            content = source.text.encode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are for other linters
            compile(first + content, "", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.msg == "future feature _ is not defined"
    except (ValueError, RecursionError, MemoryError, OverflowError):
        pass
    return False


_TEST_FILE = re.compile(r"(?:conftest|tests?|test_.*|.*_tests?|Test[A-Z].*|.*[a-z0-9]Tests?)\.\w+")
_TEST_FOLDER = re.compile(r"(?:.*[_-])?(?:tests?|unittests?|testsuite)", re.IGNORECASE)
_BEHAVE = re.compile(r"(?:.*/)?features/(?:environment\.py|steps/[^/]*)")


def is_test_file(path: str) -> bool:
    """Whether a file is a test, by the naming rules of pytest, unittest, Django and behave. A
    package called `testing` does not count: it mostly contains tools for tests.

    Args:
        path: relative to the folder of the project, because the names of that folder and those
        above it do not matter. For an absolute path, only the last folder counts.
    """
    *folders, name = path.replace("\\", "/").split("/")
    if _BEHAVE.fullmatch("/".join([*folders, name])):
        return True
    if os.path.isabs(path):
        folders = folders[-1:]
    return _TEST_FILE.fullmatch(name) is not None or any(map(_TEST_FOLDER.fullmatch, folders))


_SCRIPTS = re.compile(
    r"\.ci|\.github|\.gitlab|ci|dev|dev[_-]?(tools|scripts)|hack|maintenance|maintainer|release"
    r"|scripts?|tools?",
    re.IGNORECASE,
)
_DOCUMENTS = re.compile(r"docs?", re.IGNORECASE)


def may_have_scripts(path: str) -> bool:
    """Whether any folder of a path has a usual name for scripts."""
    return any(
        _SCRIPTS.fullmatch(each) or _DOCUMENTS.fullmatch(each)
        for each in path.replace("\\", "/").split("/")
    )


def folder_of_scripts(folder: str) -> str:
    """The top folder of a project that contains a folder of scripts, if it has a usual name for
    them, such as `tools`, or is the one of the documentation; otherwise empty. Examples in the
    documentation are for users.

    Args:
        folder: relative to the folder of the project.
    """
    top, *inner = folder.replace("\\", "/").split("/")
    if _DOCUMENTS.fullmatch(top) and (not inner or any(map(_SCRIPTS.fullmatch, inner))):
        return top
    return top if _SCRIPTS.fullmatch(top) else ""


def relative_posix(path: str, folder: str, flavour: ModuleType = os.path) -> str:
    """`path` as used in reports, patches, patterns and baselines: relative to `folder`, with
    forward slashes on every system; absolute if it is on another drive. `flavour` is the module
    with the path rules of the system.
    """
    try:
        seen: str = flavour.relpath(path, folder)
    except ValueError:  # on Windows there is no relative path from one drive to another
        seen = flavour.abspath(path)
    return seen.replace(flavour.sep, "/")


def relative_if_inside(path: str, folder: str, flavour: ModuleType = os.path) -> str | None:
    """`path` relative to `folder` if it is inside, otherwise None."""
    seen = relative_posix(path, folder, flavour)
    if seen == ".." or seen.startswith("../") or flavour.isabs(seen):
        return None
    return seen
