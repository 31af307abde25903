"""What may be configured, and nothing about where it comes from."""

import re
from dataclasses import dataclass

_OWN_HELPER = re.compile(r"([^:()\s]+)\s*:\s*([^:()\s]+)\s*(?:\((.*)\))?")


@dataclass(frozen=True, slots=True)
class OwnHelper:
    """A project's own function that writes JSON atomically, and how it is called."""

    module: str
    function: str
    arguments: tuple[tuple[str, str], ...] = (("", "path"), ("", "obj"))
    """In order, the keyword (empty for none) and what is given: `path` or `obj`."""


def own_helper(helper: str) -> OwnHelper | None:
    """What `helper` says of a function; None when it names a module.

    `app.io:write` stands for `write(path, obj)`; other orders and names are written out, as in
    `app.io:write(obj, path)` or `app.io:write(data=obj, to=path)`.

    Raises:
        ValueError: what is unclear, as a clause.
    """
    if all(part.isidentifier() for part in helper.split(".")):
        return None
    found = _OWN_HELPER.fullmatch(helper.strip())
    module, function, given = found.groups() if found is not None else ("", "", None)
    if not all(part.isidentifier() for part in (function, *module.split("."))):
        raise ValueError("it is neither `module` nor `module:function` nor a call of that")
    if given is None:
        return OwnHelper(module, function)
    names: list[str] = []
    values: list[str] = []
    for text in given.split(","):
        keyword, equals, value = (part.strip() for part in text.rpartition("="))
        if value not in {"path", "obj"} or (equals and not keyword.isidentifier()):
            raise ValueError(f"`{text.strip()}` is not `path`, `obj`, `name=path` or `name=obj`")
        if not keyword and any(names):
            raise ValueError(f"`{value}` follows an argument given by name")
        names.append(keyword)
        values.append(value)
    if sorted(values) != ["obj", "path"]:
        raise ValueError("`path` and `obj` must both be given, and once")
    if names[0] and names[0] == names[1]:
        raise ValueError("two arguments have the same name")
    return OwnHelper(module, function, tuple(zip(names, values, strict=True)))


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one run that tell what is found, after files and options were merged.

    Each is the key of its name in `settings.KEYS`, which says what it means.
    """

    select: tuple[str, ...] = ()
    """Empty stands for every rule that is on by default."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    durable_words: tuple[str, ...] = ()
    not_durable_words: tuple[str, ...] = ()
    atomic_helpers: tuple[str, ...] = ()
    savers: tuple[str, ...] = ()
    """`mylib.store:1`; `.store:0` is a method of any object."""
    loaders: tuple[str, ...] = ()
    helper: str = "atomic_fix.runtime"
    """A module, or a function as `own_helper` reads it."""
    on_corrupt: str = "auto"
    durability: str = "durable"
    min_confidence: float = 0.5

    @property
    def names_rules(self) -> bool:
        """Whether rules that are off by default may be on."""
        return bool(self.select or self.extend_select)
