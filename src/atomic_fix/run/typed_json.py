"""Converts our values to plain lists, strings and numbers that JSON supports, and back."""

import enum
import math
import types
import typing
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar

_T = TypeVar("_T")
_LARGEST = 1 << 53
_AS_THEY_ARE = {str, int, bool, float, type(None)}


def plain(value: Any) -> Any:
    """A frozen dataclass as the list of its fields, an enumeration's member as its value."""
    kind: type = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is tuple:
        return [plain(each) for each in value]
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value):
        return [plain(getattr(value, name)) for name, _ in _fields(kind)]
    return value


def read(kind: type[_T], value: Any) -> _T:
    """The value of that type from which `plain` produced `value`.

    Raises:
        ValueError: `value` does not have the form of that type.
    """
    made: _T = _read(kind, value)
    return made


def _read(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, list):
        return kind(*_each([each for _, each in _fields(kind)], value))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType):  # with None only
        return None if value is None else _read(arguments[0], value)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        if arguments[-1] is Ellipsis:
            return tuple(_read(arguments[0], each) for each in value)
        return _each(arguments, value)
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind is type(value) and (kind in (str, bool) or (kind is int and 0 <= value <= _LARGEST)):
        return value
    raise ValueError(f"not a {kind}")


def _each(kinds: typing.Sequence[Any], values: list[Any]) -> tuple[Any, ...]:
    return tuple(_read(kind, value) for kind, value in zip(kinds, values, strict=True))


@lru_cache
def _fields(kind: type) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(kind)
    return [(each.name, hints[each.name]) for each in fields(kind)]
