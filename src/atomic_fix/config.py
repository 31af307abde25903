"""The settings, without regard to where they come from."""

import re
from dataclasses import dataclass

from atomic_fix.finding import THRESHOLD

_OWN_HELPER = re.compile(r"([^:()\s]+)\s*:\s*([^:()\s]+)\s*(?:\((.*)\))?")


AUTO = "auto"
"""The value of `helper` for the project's own function that writes JSON atomically, if one is
found."""


@dataclass(frozen=True, slots=True)
class OwnHelper:
    """A project's own function that writes JSON atomically, and how it is called."""

    module: str
    function: str
    arguments: tuple[tuple[str, str], ...] = (("", "path"), ("", "obj"))
    """For each argument in order, its keyword (empty for none) and its value: `path` or `obj`."""


def own_helper(helper: str) -> OwnHelper | None:
    """Parse the value of `helper`: a function, or None if it names a module.

    `app.io:write` stands for `write(path, obj)`; other orders and names are spelled out, as in
    `app.io:write(obj, path)` or `app.io:write(data=obj, to=path)`.

    Raises:
        ValueError: the value is ambiguous or invalid; the message is a clause.
    """
    if all(part.isidentifier() for part in helper.split(".")):
        return None
    found = _OWN_HELPER.fullmatch(helper.strip())
    module, function, given = found.groups() if found is not None else ("", "", None)
    if not all(part.isidentifier() for part in (function, *module.split("."))):
        raise ValueError("it must be `module`, `module:function` or a call of that function")
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
class ImportStyle:
    """How a project sorts and lays out its imports, in isort's terms; the defaults are those that
    isort and `ruff check --select I` share."""

    line_length: int = 0
    """0 means the line length of other code."""
    layout: str = "vertical"
    """If names do not fit on one row, there is one name per row, indented (`vertical`) or after the
    opening parenthesis (`aligned`), or rows are filled, indented (`grouped`) or after it
    (`grid`)."""
    trailing_comma: bool = True
    """Whether the last of several rows of names ends in a comma."""
    keeps_rows: bool = True
    """Whether an import that ends in such a comma stays on several rows even if it fits on one."""
    wrapped_from: int = 0
    """The number of names from which each gets its own row even if they fit on one; 0 for never."""
    one_a_statement: bool = False
    one_a_statement_except: tuple[str, ...] = ()
    mixed: bool = False
    """Whether `import a` and `from b import c` are sorted together by the name of the module."""
    from_first: bool = False
    by_type: bool = True
    """Whether constants are sorted before classes, and classes before other names."""
    case_sensitive: bool = False
    aliases_together: bool = False
    """Whether `from a import b as c` shares a statement with other names of `a`."""
    first: tuple[str, ...] = ()
    """Modules that are sorted to the top of their section."""
    sections: tuple[str, ...] = (
        "future", "standard-library", "third-party", "first-party", "local-folder",
    )  # fmt: skip
    known: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Patterns of modules, by section."""
    own: tuple[str, ...] = ()
    """Packages and modules in the project's source folders."""
    default_section: str = "third-party"
    lines_after: int = -1
    """Blank rows below the imports; -1 means two above a function or class and one otherwise."""
    lines_between_types: int = 0
    parts_comments: bool = False
    """Whether a blank row separates an import from the comment above the next one."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a project lays out its code, according to the settings of its formatters and linters."""

    line_length: int = 0
    """0 if no setting defines it: it is then derived from the file."""
    usual_line_length: int = 0
    """The default of a tool that is configured without a length; used for files that keep to it."""
    parenthesised_with: bool = False
    """Whether the items of a `with` may be in parentheses, as Python 3.9 and later allow."""
    keeps_trailing_commas: bool = True
    """Whether a trailing comma keeps a list of items on several rows."""
    quotes: str = ""
    """The preferred quotes of strings; empty if no setting defines them."""
    imports: ImportStyle = ImportStyle()


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one run that affect findings, after files and options were merged.

    Each field that is a key is described under the key of the same name in `settings.KEYS`.
    """

    select: tuple[str, ...] = ()
    """Empty means every rule that is on by default."""
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    durable_words: tuple[str, ...] = ()
    not_durable_words: tuple[str, ...] = ()
    atomic_helpers: tuple[str, ...] = ()
    savers: tuple[str, ...] = ()
    """`mylib.store:1`; `.store:0` is a method of any object."""
    loaders: tuple[str, ...] = ()
    helper: str = "atomic_fix.runtime"
    """A module, or a function in the form that `own_helper` parses."""
    on_corrupt: str = "auto"
    durability: str = "durable"
    min_confidence: float = THRESHOLD
    check_tests: bool = False
    beside_program: bool = False
    """Not a key: whether the file is one of the scripts beside the program, set for each file."""
    style: Style = Style()
    """Not a key: read from the settings of other tools, for each file."""

    @property
    def names_rules(self) -> bool:
        """Whether rules that are off by default can be on."""
        return bool(self.select or self.extend_select)
