"""One logical line, laid out within a line length as black and `ruff format` do it.

Not a formatter: it handles only code that a fix wrote or moved to another column. Code that it
cannot break is left as it is, which may be ugly but is never wrong.
"""

import io
import keyword
import re
import tokenize
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from atomic_fix.config import Style
from atomic_fix.source import Source

_TRIPLE = re.compile(r"\"\"\"|'''")
# Formatters let these exceed the limit.
_PRAGMA = re.compile(r"#\s*(?:noqa|type:|pyright:|pylint:|flake8:|ruff:|isort:|nosec)")
_OPEN, _CLOSE, _PAIRS = frozenset("([{"), frozenset(")]}"), frozenset({"()", "[]", "{}"})
_LEFT_OUT = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
_STRING_STARTS = {getattr(tokenize, f"{kind}STRING_START", None) for kind in "FT"}
_STRING_ENDS = {getattr(tokenize, f"{kind}STRING_END", None) for kind in "FT"}
_PARENTHESISED = frozenset({"if", "elif", "while", "return"})
# Higher values bind less tightly: a line is broken at the loosest operators.
_OPERATORS = {
    "for": 20, "async": 20, "if": 16, "else": 16, "and": 14, "or": 14,
    "in": 10, "not": 10, "is": 10, "<": 10, ">": 10, "==": 10, "!=": 10, "<=": 10, ">=": 10,
    "|": 9, "^": 8, "&": 7, "<<": 6, ">>": 6, "+": 5, "-": 5,
    "*": 4, "/": 4, "//": 4, "%": 4, "@": 4,
}  # fmt: skip


def line_limit(source: Source, style: Style) -> int:
    """The line length that the file keeps to."""
    if style.line_length:
        return style.line_length
    return max(_limit_of_rows(source), style.usual_line_length)


@lru_cache(maxsize=1)
def _limit_of_rows(source: Source) -> int:
    """The line length that the rows of a file suggest. Rows with strings or comments do not count,
    because formatters leave those long.
    """
    lengths = []
    within = ""  # the quotes of the multi-line string that contains a row
    for line in source.lines:
        was_within = within
        for quotes in _TRIPLE.findall(line):
            if within in {"", quotes}:
                within = "" if within else quotes
        if not was_within and not any(mark in line for mark in "#\"'"):
            lengths.append(len(line))
    longest = max(lengths, default=0)
    narrow = sum(length > 70 for length in lengths) >= 3
    limits = (79, 88, 100, 120) if narrow else (88, 100, 120)
    return next((limit for limit in limits if longest <= limit), longest)


def width(text: str) -> int:
    """The length of a row, or of its end, as formatters count it."""
    found = _PRAGMA.search(text)
    return columns(text if found is None else text[: found.start()].rstrip())


def columns(text: str) -> int:
    """The width of a text in columns: a tab counts as four, a wide character as two."""
    length = len(text) + text.count("\t") * 3
    if not text.isascii():
        length += sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return length


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """The range of characters of a statement, or of its head, in a text, without indentation, line
    end and trailing comment."""

    start: int
    end: int


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """The logical lines of a text, without those that contain a comment or a multi-line string,
    which cannot be laid out again. None if this Python cannot tokenise the text."""
    starts = [0]
    for row in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(row))
    first: int | None = None
    end = end_row = 0
    usable = True
    comment = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type == tokenize.NEWLINE:
                if first is not None and usable:
                    yield LogicalLine(first, end)
                first, usable, comment = None, True, False
            elif token.type == tokenize.COMMENT:
                comment = first is not None
            elif token.type not in _LEFT_OUT:
                start = starts[token.start[0] - 1] + token.start[1]
                first = start if first is None else first
                usable = usable and not comment and token.start[0] == token.end[0]
                # A backslash at the end of a row, between two tokens.
                usable = usable and (end_row == 0 or "\\" not in text[max(end, first) : start])
                end, end_row = starts[token.end[0] - 1] + token.end[1], token.end[0]
    except (tokenize.TokenError, SyntaxError):
        return


def laid_out(text: str, indent: str, unit: str, limit: int, style: Style, after: int = 0) -> str:
    """Lay out a logical line within the limit, on one row if it fits.

    Args:
        indent: the indentation of its first row. unit: one step of indentation. after: the
        characters that follow on its last row.

    Returns:
        The line without the indentation of its first row; `text` if it cannot be laid out.
    """
    try:
        line = _Line(text, style)
    except (tokenize.TokenError, SyntaxError):
        return text
    rows = _Layout(line, unit, limit, style).rows(indent, after)
    return "\n".join(rows)[len(indent) :]


def joined(text: str, style: Style) -> str:
    """A multi-line expression on one row; `text` if it has to keep its rows because of comments,
    multi-line strings or a trailing comma that formatters respect."""
    try:
        line = _Line(text, style)
    except (tokenize.TokenError, SyntaxError):
        return text
    return text if line.keeps_rows(0, len(line.tokens)) else line.text(0, len(line.tokens))


class _Line:
    """The tokens of a logical line, as if they were on one row.

    Raises:
        SyntaxError: it contains a comment, a multi-line string, or an invalid token.
    """

    def __init__(self, text: str, style: Style) -> None:
        self.tokens: list[str] = []
        self.is_string: list[bool] = []
        self.spaced: list[bool] = []
        self.match: dict[int, int] = {}
        """The closing bracket of each opening bracket."""
        self.magic: set[int] = set()
        """Opening brackets whose trailing comma keeps several rows."""
        self.optional: set[int] = set()
        """Trailing commas that are not needed on one row."""
        if "\\\n" in text:
            raise SyntaxError("rows that a backslash joins")
        self._read(f"({text}\n)")
        self._heed_commas(style)

    def _read(self, text: str) -> None:
        rows = text.split("\n")
        end = (1, 1)
        strings = 0  # f-strings that are still open: before Python 3.12, each is one token
        for token in list(tokenize.generate_tokens(io.StringIO(text).readline))[1:]:
            if token.type in _LEFT_OUT:
                continue
            (row, column), said = token.start, token.string
            within = strings > 0
            strings += (token.type in _STRING_STARTS) - (token.type in _STRING_ENDS)
            gap = rows[row - 1][end[1] : column] if row == end[0] else " "
            if (
                token.type in {tokenize.COMMENT, tokenize.ERRORTOKEN}
                or row != token.end[0]
                or (within and row != end[0])
            ):
                raise SyntaxError("it cannot be laid out")
            if within:
                self.tokens[-1] += rows[row - 1][end[1] : token.end[1]]
            else:
                tight = not self.tokens or (
                    row != end[0]
                    and (self.tokens[-1] in _OPEN or said in _CLOSE or said in {".", ","})
                )
                self.tokens.append(said)
                self.is_string.append(token.type in {tokenize.STRING, *_STRING_STARTS})
                self.spaced.append(bool(gap) and not tight)
            end = token.end
        self.tokens.pop()  # the bracket that is added around it
        opened: list[int] = []
        for index, token_text in enumerate(self.tokens):
            if token_text in _OPEN:
                opened.append(index)
            elif token_text in _CLOSE:
                if not opened or self.tokens[opened[-1]] + token_text not in _PAIRS:
                    raise SyntaxError("a bracket that nothing opens")
                self.match[opened.pop()] = index

    def _heed_commas(self, style: Style) -> None:
        for start, end in self.match.items():
            last = end - 1
            if last <= start or self.tokens[last] != ",":
                continue
            commas = len(self.commas(start + 1, end))
            # `(a,)` and `x[a,]` need the comma.
            needed = commas == 1 and (
                (self.tokens[start] == "(" and not self.is_trailer(start))
                or (self.tokens[start] == "[" and self.is_trailer(start))
            )
            if not needed and style.keeps_trailing_commas:
                self.magic.add(start)
            elif not needed:
                self.optional.add(last)

    def is_trailer(self, index: int) -> bool:
        """Whether a bracket belongs to the preceding expression: a call, a subscript."""
        if index == 0:
            return False
        before = self.tokens[index - 1]
        is_name = before.isidentifier() and not keyword.iskeyword(before)
        return is_name or before in _CLOSE or self.is_string[index - 1]

    def text(self, start: int, end: int) -> str:
        return "".join(
            (" " if self.spaced[i] and i > start else "") + self.tokens[i]
            for i in range(start, end)
            if i not in self.optional
        )

    def keeps_rows(self, start: int, end: int) -> bool:
        return any(start <= each < end for each in self.magic)

    def top(self, start: int, end: int) -> Iterator[int]:
        """The tokens of a part outside of its brackets, including opening brackets."""
        index = start
        while index < end:
            yield index
            index = self.match.get(index, index) + 1

    def commas(self, start: int, end: int) -> list[int]:
        """The commas that separate its elements."""
        found = []
        in_lambda = False
        for index in self.top(start, end):
            token = self.tokens[index]
            in_lambda = token == "lambda" or (in_lambda and token != ":")
            if token == "," and not in_lambda:
                found.append(index)
        return found

    def elements(self, start: int, end: int) -> list[tuple[int, int]]:
        parts = []
        for comma in [*self.commas(start, end), end]:
            if comma > start:
                parts.append((start, comma))
            start = comma + 1
        return parts

    @cached_property
    def is_with(self) -> bool:
        return "with" in self.tokens[:2] and self.tokens[0] in {"with", "async"}


class _Layout:
    def __init__(self, line: _Line, unit: str, limit: int, style: Style) -> None:
        self.line = line
        self.unit = unit
        self.limit = limit
        self.style = style

    def rows(self, indent: str, after: int) -> list[str]:
        line, end = self.line, len(self.line.tokens)
        flat = indent + line.text(0, end)
        if columns(flat) + after <= self.limit and not line.keeps_rows(0, end):
            return [flat]
        if line.is_with and self.style.parenthesised_with:
            first = line.tokens.index("with") + 1
            items = line.elements(first, end - 1)
            if len(items) > 1 and line.tokens[end - 1] == ":":
                deeper = indent + self.unit
                rows = [
                    row for item in items for row in self._part(*item, deeper, ",", inside=True)
                ]
                return [f"{indent}{line.text(0, first)} (", *rows, f"{indent}):"]
        return self._parenthesised(indent, after) or self._part(
            0, end, indent, "", inside=False, after=after
        )

    def _parenthesised(self, indent: str, after: int) -> list[str]:
        """`if`, `return` and the like with the expression in added parentheses and broken at
        operators; None if that does not apply."""
        line, end = self.line, len(self.line.tokens)
        if line.tokens[0] not in _PARENTHESISED:
            return []
        last = end - 1 if line.tokens[-1] == ":" else end
        if not self._cuts(1, last) or line.commas(1, last):
            return []
        rows = self._part(1, last, indent + self.unit, "", inside=True)
        closing = indent + ")" + line.text(last, end)
        return [f"{indent}{line.tokens[0]} (", *rows, closing]

    def _part(
        self, start: int, end: int, indent: str, suffix: str, *, inside: bool, after: int = 0
    ) -> list[str]:
        """The rows of a part; `inside` brackets, it can be broken anywhere."""
        line = self.line
        flat = indent + line.text(start, end) + suffix
        if columns(flat) + after <= self.limit and not line.keeps_rows(start, end):
            return [flat]
        if inside:
            cuts = self._cuts(start, end)
            if cuts:
                rows = []
                for low, high in zip([start, *cuts], [*cuts, end], strict=True):
                    rows += self._part(
                        low, high, indent, suffix if high == end else "", inside=True
                    )
                return rows
        groups = [
            index
            for index in line.top(start, end)
            if index in line.match and line.match[index] > index + 1
        ]
        for group in reversed(groups):
            head = indent + line.text(start, group + 1)
            if columns(head) <= self.limit and not line.keeps_rows(start, group):
                return self._broken(start, group, end, indent, suffix, after)
        if groups:
            return self._broken(start, groups[0], end, indent, suffix, after)
        return [flat]

    def _broken(
        self, start: int, group: int, end: int, indent: str, suffix: str, after: int
    ) -> list[str]:
        """A part with the content of one bracket on rows of its own."""
        line = self.line
        close = line.match[group]
        deeper = indent + self.unit
        elements = line.elements(group + 1, close)
        has_commas = bool(line.commas(group + 1, close))
        rows = [indent + line.text(start, group + 1)]
        flat = deeper + ", ".join(line.text(*each) for each in elements)
        explodes = line.keeps_rows(group, close) or (has_commas and not line.is_trailer(group))
        if columns(flat) <= self.limit and not explodes:
            rows.append(flat)
        else:
            for each in elements:
                rows += self._part(*each, deeper, "," if has_commas else "", inside=True)
        return rows + self._part(close, end, indent, suffix, inside=False, after=after)

    def _cuts(self, start: int, end: int) -> list[int]:
        """The operators of the lowest precedence, at which a part is broken."""
        line = self.line
        found: dict[int, int] = {}
        in_comprehension = binds = False
        for index in line.top(start, end):
            token = line.tokens[index]
            if token == "lambda":
                break
            if token == "in" and binds:  # the `in` of `for`, which is not an operator
                binds = False
                continue
            binds = binds or token == "for"
            if index == start:
                continue
            before = line.tokens[index - 1]
            if line.is_string[index] and line.is_string[index - 1]:
                found[index] = 12
            if token not in _OPERATORS or (token == "for" and before == "async"):
                continue
            in_comprehension = in_comprehension or token == "for"
            if (
                not (before.isidentifier() or before in _CLOSE or before[0].isdigit())
                and not (line.is_string[index - 1])
            ):
                continue  # a sign, not an operator
            if keyword.iskeyword(before) and before not in {"None", "True", "False"}:
                continue  # `not in`, `is not`, `return -1`
            found[index] = 20 if in_comprehension and token == "if" else _OPERATORS[token]
        loosest = max(found.values(), default=0)
        return [index for index, priority in found.items() if priority == loosest]


def requoted(text: str, quotes: str) -> str:
    """Code with plain strings in the project's quotes, as formatters do it."""
    other = {"'": '"', '"': "'"}.get(quotes)
    if other is None or other not in text:
        return text
    rows = text.split("\n")
    changes: list[tuple[int, int, int]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            said = token.string
            body = said.lstrip("rRbBuUfF")
            if (
                token.type == tokenize.STRING
                and body.startswith(other)
                and not body.startswith(other * 3)
                and not set(body[1:-1]) & {"'", '"', "\\", "{"}
            ):
                prefix = len(said) - len(body)
                changes.append((token.start[0], token.start[1] + prefix, token.end[1]))
    except (tokenize.TokenError, SyntaxError):
        pass  # a part of a statement: the tokens before its end are known
    for row, start, end in reversed(changes):
        whole = rows[row - 1]
        rows[row - 1] = f"{whole[:start]}{quotes}{whole[start + 1 : end - 1]}{quotes}{whole[end:]}"
    return "\n".join(rows)
