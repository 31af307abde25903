"""Adds one setting to the text of a TOML file, keeping every other byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from atomic_fix.settings import toml

_NAME = r"""(?:atomic-fix|"atomic-fix"|'atomic-fix')"""
_TOOL = r"""(?:tool|"tool"|'tool')"""
_DOT = r"[ \t]*\.[ \t]*"
_HEADER = re.compile(rf"(?m)^[ \t]*\[[ \t]*{_TOOL}{_DOT}{_NAME}[ \t]*\][^\n]*(?:\n|\Z)")
_BELOW = re.compile(rf"(?m)^[ \t]*\[[ \t]*{_TOOL}{_DOT}{_NAME}{_DOT}")
_DOTTED = re.compile(rf"(?m)^([ \t]*(?:{_TOOL}{_DOT})?{_NAME}{_DOT})")
_INLINE = re.compile(rf"(?m)^[ \t]*(?:{_TOOL}{_DOT})?{_NAME}[ \t]*=[ \t]*(\{{[ \t]*)")
_ANY_HEADER = re.compile(r"(?m)^[ \t]*\[")


class AlreadySet(Exception):
    """Raised if the file already has a value for the setting."""


def with_setting(content: bytes, key: str, value: str, *, is_pyproject: bool) -> bytes | None:
    """The content with a new string setting of atomic-fix: in `[tool.atomic-fix]`, or at the top
    level of a separate file. None if it cannot be inserted without changing anything else.

    Raises:
        AlreadySet: it already has the setting, with any value.
        ValueError: it is not valid TOML.
    """
    wanted = toml(content)
    place = wanted
    for name in ("tool", "atomic-fix") if is_pyproject else ():
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise ValueError(f"`{name}` is not a table")
    if key in place:
        raise AlreadySet
    place[key] = value
    text = content.decode("utf-8")
    newline = "\r\n" if "\r\n" in text else "\n"
    setting = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for candidate in _candidates(text, setting, newline, is_pyproject=is_pyproject):
        # A line that looks like a table header may be in a string: the parser decides.
        if _parsed(candidate) == wanted:
            return candidate.encode("utf-8")
    return None


def _candidates(text: str, setting: str, newline: str, *, is_pyproject: bool) -> Iterator[str]:
    def inserted(at: int, new: str) -> str:
        return text[:at] + new + text[at:]

    if not is_pyproject:
        for header in _ANY_HEADER.finditer(text):
            yield inserted(header.start(), f"{setting}{newline}{newline}")
        yield f"{_ended(text, newline)}{setting}{newline}"
        return
    for header in _HEADER.finditer(text):
        end = "" if header[0].endswith("\n") else newline
        yield inserted(header.end(), f"{end}{setting}{newline}")
    for dotted in _DOTTED.finditer(text):
        yield inserted(dotted.start(), f"{dotted[1]}{setting}{newline}")
    for brace in _INLINE.finditer(text):
        yield inserted(brace.end(), f"{setting}, ")
        yield inserted(brace.end(1), f"{' ' if brace[1] == '{' else ''}{setting} ")
    table = f"[tool.atomic-fix]{newline}{setting}{newline}"
    for header in _BELOW.finditer(text):
        yield inserted(header.start(), f"{table}{newline}")
    ended = _ended(text, newline)
    yield f"{ended}{newline if ended.strip() else ''}{table}"


def _ended(text: str, newline: str) -> str:
    """The text with a line end after the last line."""
    return text if not text or text.endswith("\n") else text + newline


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return toml(text.encode("utf-8"))
    except ValueError:
        return None
