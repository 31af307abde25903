"""Estimates the resources that LibCST's parser needs for a text, and provides them. The parser is
native code: a stack overflow cannot be caught, and backtracking in patterns cannot be interrupted.
So an upper bound is estimated here, with weights measured on the default stacks of Linux. Texts
that need too much are refused, and those that need more than any thread is sure to have are parsed
in a thread with a larger stack.
"""

from __future__ import annotations

import re

import libcst as cst

from atomic_fix.parse import NotParsed, TooDeep, stack

# Bytes of stack, at least one and a half times the most that was measured for a kind.
_INDENT, _BRACKET, _LAMBDA, _LINK, _BRANCH = 40_000, 12_000, 24_000, 3_000, 2_000
_AT_HAND = 1_000_000
"""The stack that the main thread has left on every system."""
_MOST_STACK = 200_000_000

_MOST_BRACKETS, _MOST_INDENTS = 200, 100
"""Python's own limits."""
_MOST_COPIES = 2_000_000
"""At every link of a chain (`a.b.c`, `a + b + c`, `not not a`) LibCST copies the chain so far:
beyond this many copied tokens it takes seconds, and hundreds of megabytes."""
_FEW_BRACKETS = 4
_COPIES_A_BRACKET = 4
"""How often code that is nested deeper is copied for each bracket around it."""
_COPIES_A_LAMBDA = 2
"""And for each `lambda` that it is in, at any depth."""
_MOST_TRIES = 400_000
"""The content of a bracket in a pattern is parsed again for each way to parse the bracket, so the
time at least doubles with each enclosing bracket."""

_EVENT = re.compile(
    r"""
      (?P<line>[\r\n][ \t\f\r\n]*)
    | \#[^\r\n]*
    | \\(?:\r\n?|\n)
    | (?P<prefix>\b[A-Za-z]{1,2})?(?P<quote>\"\"\"|'''|"|')
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<end>[,;:=])
    | (?P<link>\*\*|//|<<|>>|[-+*/%@&|^~.])
    | \b(?P<word>lambda|not|await|if|else|elif|for|and|or|case|del)\b
    """,
    re.VERBOSE,
)
_STRING = {
    '"': re.compile(r'[^"\\\r\n]*(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*)*"?'),
    "'": re.compile(r"[^'\\\r\n]*(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*)*'?"),
    '"""': re.compile(r'[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*(?:""")?'),
    "'''": re.compile(r"[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*(?:''')?"),
}
# The text of a template up to a field, or to its end; that of a field's format up to its own.
_TEMPLATE = {
    '"': re.compile(r'(?:[^"\\\r\n{]|\\(?:\r\n|[\s\S])|\{\{)*'),
    "'": re.compile(r"(?:[^'\\\r\n{]|\\(?:\r\n|[\s\S])|\{\{)*"),
    '"""': re.compile(r'(?:[^"\\{]|\\[\s\S]|"(?!"")|\{\{)*'),
    "'''": re.compile(r"(?:[^'\\{]|\\[\s\S]|'(?!'')|\{\{)*"),
}
_FORMAT = re.compile(r"[^{}\r\n\"']*")
# How often LibCST parses the content of a bracket: in a pattern, and after `del`.
_WAYS = {"(": 4, "{": 4, "[": 2, "call": 3}
_WAYS_DELETED = {"(": 2, "{": 1, "[": 2, "call": 1}


def parse_module(text: str) -> cst.Module:
    """LibCST's tree of a text.

    Raises:
        ParserSyntaxError: LibCST cannot parse it. NotParsed: LibCST fails in another way; the
        message says how. TooDeep: the text is refused before it is parsed.
    """
    need = stack_needed(text)
    if need <= _AT_HAND or stack.is_deep_thread():
        return _parsed(text)
    return stack.with_stack(need, lambda: _parsed(text))


def _parsed(text: str) -> cst.Module:
    try:
        return cst.parse_module(text)
    except (cst.ParserSyntaxError, RecursionError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        # For concatenated template strings, for example, it builds a node that it then rejects.
        raise NotParsed(_said(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust; cannot be imported
            raise
        raise NotParsed(_said(error)) from error


def _said(error: BaseException) -> str:
    return " ".join(f"LibCST cannot parse it ({type(error).__name__}: {error})".split())[:200]


def stack_needed(text: str) -> int:
    """An upper bound for the stack, in bytes, that LibCST's parser needs for a text.

    Raises:
        TooDeep: it needs too much stack, or would take too long.
    """
    scan = _Scan(text)
    scan.run()
    return scan.most


class _Frame:
    """An open construct at the current position: a logical line, a bracket, a template string or a
    part of one."""

    __slots__ = ("bodies", "chain", "heads", "kept", "links", "tries", "what")

    def __init__(self, what: str, chain: int, tries: int) -> None:
        self.what = what
        self.kept = 0
        """Bytes of stack in use until the frame is closed."""
        self.links = 0
        """Bytes of stack for the current chain."""
        self.chain = chain
        """The event that this chain began at."""
        self.tries = tries
        """How often LibCST may read this; 0 where it is known to read it once."""
        self.heads = 0
        """The number of enclosing `lambda`, before their colon."""
        self.bodies = 0
        """And after it."""


class _Scan:
    """One pass over a text. When in doubt, it overestimates."""

    def __init__(self, text: str) -> None:
        self.most = _INDENT
        self._text = text
        self._at = 0
        self._events = 0
        self._copies = 0
        self._tries = 0
        self._lambdas = 0
        """An upper bound for the number of enclosing ones."""
        self._stack = _INDENT
        """Bytes in use at the current position."""
        self._frames = [_Frame("", 0, 0)]
        self._indents = [0]
        self._branches = [0]
        self._statement = 0
        """The beginning of the current statement."""
        self._ways = _WAYS

    def run(self) -> None:
        text = self._text
        steps = {name: getattr(self, f"_{name}") for name in _EVENT.groupindex if name != "prefix"}
        self._indent(text[: len(text) - len(text.lstrip(" \t\f\r\n"))])
        while True:
            frame = self._frames[-1]
            if frame.what == "format" or frame.what in _TEMPLATE:
                if self._at >= len(text):
                    break
                self._template(frame)
                continue
            found = _EVENT.search(text, self._at)
            if found is None:
                break
            self._at = found.end()
            if found.lastgroup is None:
                continue  # a comment, or a line end without a meaning
            self._events += 1
            self._tries += frame.tries
            self._copies += _COPIES_A_LAMBDA * self._lambdas
            deeper = len(self._frames) - 1 - _FEW_BRACKETS
            if deeper > 0:
                self._copies += _COPIES_A_BRACKET * deeper
            steps[found.lastgroup](found)
            self.most = max(self.most, self._stack)
            if (
                self.most > _MOST_STACK
                or deeper + _FEW_BRACKETS > _MOST_BRACKETS
                or len(self._indents) > _MOST_INDENTS + 1
                or self._copies > _MOST_COPIES
                or self._tries > _MOST_TRIES
            ):
                raise TooDeep("nested too deeply")

    # --- rows ---------------------------------------------------------------------

    def _line(self, found: re.Match[str]) -> None:
        if len(self._frames) > 1:
            return
        self._end_chain()
        self._frames[0].tries = self._frames[0].kept = 0
        self._frames[0].heads = self._frames[0].bodies = self._lambdas = 0
        self._stack = sum(self._branches) + _INDENT * len(self._indents)
        self._statement = self._at
        if self._text[self._at : self._at + 1] not in {"", "#"}:
            self._indent(found.group())

    def _indent(self, blank: str) -> None:
        self._at = max(self._at, len(blank)) if not self._events else self._at
        row = blank[max(blank.rfind("\n"), blank.rfind("\r")) + 1 :]
        # A form feed begins the row again.
        width = len(row.rpartition("\f")[2].expandtabs(8))
        while width < self._indents[-1]:
            self._indents.pop()
            self._stack -= _INDENT + self._branches.pop()
        if width > self._indents[-1]:
            self._indents.append(width)
            self._branches.append(0)
            self._stack += _INDENT

    # --- within a row -------------------------------------------------------------

    def _push(self, what: str, tries: int = 0) -> None:
        self._stack += _BRACKET
        self._frames.append(_Frame(what, self._events, tries))

    def _pop(self) -> None:
        frame = self._frames.pop()
        self._stack -= _BRACKET + frame.links + frame.kept
        self._lambdas -= frame.heads + frame.bodies

    def _end_chain(self) -> None:
        frame = self._frames[-1]
        self._stack -= frame.links
        frame.links = 0
        frame.chain = self._events

    def _add(self, *, copied: bool = True) -> None:
        """Another link of the chain."""
        frame = self._frames[-1]
        frame.links += _LINK
        self._stack += _LINK
        if copied:
            self._copies += self._events - frame.chain

    def _quote(self, found: re.Match[str]) -> None:
        prefix, quote = (found["prefix"] or "").lower(), found["quote"]
        self._add(copied=False)
        if "f" in prefix or "t" in prefix:
            self._push(quote)
            return
        end = _STRING[quote].match(self._text, self._at)
        assert end is not None  # all of it may be missing
        self._at = end.end()

    def _template(self, frame: _Frame) -> None:
        pattern = _FORMAT if frame.what == "format" else _TEMPLATE[frame.what]
        plain = pattern.match(self._text, self._at)
        assert plain is not None  # all of it may be missing
        self._at = plain.end()
        if self._text.startswith("{", self._at):
            self._at += 1
            self._push("field")
        elif frame.what == "format":
            self._pop()
            self._pop()
            self._at += self._text.startswith("}", self._at)
        else:
            self._pop()
            if self._text.startswith(frame.what, self._at):
                self._at += len(frame.what)

    def _open(self, found: re.Match[str]) -> None:
        self._add()
        bracket = found.group()
        tries = self._frames[-1].tries
        if tries:
            before = self._text[max(0, found.start() - 40) : found.start()].rstrip()[-1:]
            is_call = before.isalnum() or before in {"_", ")", "]", "}", '"', "'"}
            tries *= self._ways["call" if is_call else bracket]
        # Larger numbers are refused anyway.
        self._push(bracket, min(tries, _MOST_TRIES + 1))

    def _close(self, _found: re.Match[str]) -> None:
        if len(self._frames) > 1:
            self._pop()

    def _end(self, found: re.Match[str]) -> None:
        self._end_chain()
        frame, what = self._frames[-1], found.group()
        if not frame.heads:
            self._lambdas -= frame.bodies  # no body goes on after it
            frame.bodies = 0
        elif what == ":":
            frame.heads -= 1
            frame.bodies += 1
        if what == ":" and frame.what == "field":
            self._push("format")
        elif len(self._frames) == 1 and what != ",":
            frame.tries = 0  # `case = 1`, too
            if what != "=":
                self._statement = self._at

    def _link(self, _found: re.Match[str]) -> None:
        self._add()

    def _word(self, found: re.Match[str]) -> None:
        word, frame = found.group(), self._frames[-1]
        if word in {"case", "del"}:
            if not self._text[self._statement : found.start()].strip():
                frame.tries = 1
                self._ways = _WAYS if word == "case" else _WAYS_DELETED
        elif word == "elif":
            self._branches[-1] += _BRANCH
            self._stack += _BRANCH
        elif word == "lambda":
            # Its default values and its body are within it, whatever is before them.
            frame.kept += _LAMBDA
            self._stack += _LAMBDA
            frame.heads += 1
            self._lambdas += 1
        else:
            if word == "if" and len(self._frames) == 1:
                frame.tries = 0  # the guard of a pattern
            self._add(copied=word not in {"and", "or", "for"})
