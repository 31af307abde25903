"""Where a run's settings come from: configuration files, then options.

`KEYS` is the one list of what may be configured; reading, checking, `--show-settings`, the
reference in the documentation and the JSON schema all come from it.
"""

import enum
import errno
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from atomic_fix import files
from atomic_fix.config import Config, own_helper
from atomic_fix.patterns import encoded, too_many
from atomic_fix.source import (
    folder_of_scripts,
    is_test_file,
    may_have_scripts,
    relative_if_inside,
)

DEFAULT_EXCLUDE = (
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints",
    ".mypy_cache", ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache",
    ".svn", ".tox", ".venv", ".vscode", "__pycache__", "__pypackages__", "_build", "buck-out",
    "build", "dist", "node_modules", "site-packages", "venv",
)  # fmt: skip

OUTPUT_FORMATS = (
    "full", "concise", "grouped", "json", "jsonl", "sarif", "github", "gitlab", "junit", "rdjson",
)  # fmt: skip


_MOST = 1 << 20
"""Bytes of the largest configuration file that is read."""
_MOST_EXTENDED = 32
"""Files of one chain of `extend`."""
# The parser of the standard library takes time by the square of a key's parts.
_LONG_KEY = re.compile(
    rb"""(?<![\w"'-])(?:(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*\.[ \t]*){32}"""
)


class ConfigError(Exception):
    """A configuration file or option that cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class PatternList:
    """Patterns as in .gitignore, and the folder that they are relative to: that of the file that
    holds them, or the current one for those of an option."""

    folder: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileIgnores:
    """The codes that are not reported in files that match a pattern of `folder`."""

    folder: str
    pattern: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured for the files below one folder."""

    config: Config = field(default_factory=Config)
    root: str = ""
    """The folder of the configuration file, or the current folder."""
    origin: str = ""
    """The configuration file; empty when there is none."""
    extend: str = ""
    per_file_ignores: tuple[FileIgnores, ...] = ()
    exclude: PatternList = PatternList("", DEFAULT_EXCLUDE)
    extend_exclude: tuple[PatternList, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    baseline: str = ""
    require_reason: bool = False
    fail_on_unused: bool = False
    assume_helper: bool = False
    project: bool = True
    output_format: str = "full"
    check_syntax: bool = False
    docs_url: str = ""
    isolated: bool = False
    """Whether no configuration file is read, those of other tools included."""

    def leaves_out(self, filename: str) -> bool:
        """Whether a file is a test file, and tests are not checked."""
        if self.config.check_tests:
            return False
        path = os.path.abspath(filename)
        if "test" not in path.lower() and "features" not in path:
            return False
        # Relative to the folder of the configuration, or of the project: a folder above it that is
        # called `tests` does not count.
        return is_test_file(relative_if_inside(path, self._root_of(path)) or path)

    def _root_of(self, path: str) -> str:
        return self.root if self.origin else _project_of(path) or self.root

    def is_beside_program(self, folder: str) -> bool:
        """Whether a folder, by its absolute path, holds scripts for the developers of a program,
        beside the package that is the program."""
        if not may_have_scripts(folder):
            return False  # most folders; the root is found by looking into each folder above
        root = self._root_of(os.path.join(folder, "_"))
        inside = relative_if_inside(folder, root)
        top = folder_of_scripts(inside) if inside is not None else ""
        if not top or top.startswith("."):
            return bool(top)
        if os.path.isfile(os.path.join(root, top, "__init__.py")):
            # A package of tools may be part of the program; one of scripts is none of it, and a
            # package only for what checks or runs it.
            return not top.lower().startswith("tool") and _has_package(root, top)
        return has_project_file(root) or _has_package(root, top)


def _has_package(root: str, beside: str) -> bool:
    """Whether a folder holds a package, at its top or in a usual folder for packages, beside the
    one named."""
    for folder in (root, *(os.path.join(root, each) for each in _PACKAGE_FOLDERS)):
        try:
            with os.scandir(folder) as entries:
                names = [each.name for each in entries if each.is_dir()]
        except OSError:
            continue
        for name in names:
            if (
                name != beside
                and not folder_of_scripts(name)
                and not is_test_file(f"{name}/_")
                and os.path.isfile(os.path.join(folder, name, "__init__.py"))
            ):
                return True
    return False


_PACKAGE_FOLDERS = ("src", "custom_components")
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def has_project_file(folder: str) -> bool:
    """Whether a folder has a file of Python's packaging."""
    return any(os.path.isfile(os.path.join(folder, name)) for name in PROJECT_FILES)


def _project_of(path: str) -> str:
    """The folder of the git repository that contains a file, or else the nearest one with a project
    file; empty if there is none."""
    nearest = ""
    folder = os.path.dirname(path)
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return folder
        if not nearest and any(os.path.exists(os.path.join(folder, n)) for n in PROJECT_FILES):
            nearest = folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return nearest
        folder = parent


class Kind(enum.Enum):
    """What a value must look like, in the words of the error message."""

    CODES = "a list of rule codes"
    STRINGS = "a list of strings"
    PATTERNS = "a list of patterns"
    SAVERS = "a list of names, each optionally followed by `:position`"
    HELPER = "a module, a `module:function`, or a call of that with `path` and `obj`"
    STRING = "a string"
    URL = "a URL that begins with `https://`, `http://` or `file://`, or empty"
    BOOLEAN = "true or false"
    FRACTION = "a number between 0 and 1"
    TABLE = "a table of pattern = [codes]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of `[tool.atomic-fix]`. `choices` are the allowed values, if they are limited.
    `option` is the help text of the command-line option of the same name, if there is one."""

    name: str
    kind: Kind
    help: str
    example: str
    choices: tuple[str, ...] = ()
    option: str = ""

    @property
    def attribute(self) -> str:
        return self.name.replace("-", "_")

    @property
    def holds_by_default(self) -> bool:
        """Whether it is a boolean that is true by default."""
        return getattr(Settings(), self.attribute, None) is True

    @property
    def of_config(self) -> bool:
        """Whether it affects findings and is therefore in `Settings.config`."""
        return self.attribute in Config.__dataclass_fields__


KEYS: tuple[Key, ...] = (
    Key("extend", Kind.STRING, "Another configuration file, relative to this one. Its keys apply "
        "unless this file sets them too.", '"../atomic-fix.toml"'),
    Key("select", Kind.CODES, "Codes or prefixes of codes to check. If not set: every rule "
        "that is on by default.", '["ATF1"]', option="Check only these codes; ATF1 is a prefix."),
    Key("extend-select", Kind.CODES, "Codes to check in addition to those of `select`.",
        '["ATF202"]', option="Also check these codes."),
    Key("ignore", Kind.CODES, "Codes not to check.", '["ATF102"]',
        option="Do not check these codes."),
    Key("per-file-ignores", Kind.TABLE, "Codes not to report in files that match a pattern.",
        '{ "scripts/" = ["ATF1"] }', option="Ignore codes in some files: `scripts/:ATF1`."),
    Key("exclude", Kind.PATTERNS, "Patterns, as in .gitignore and relative to the "
        "configuration file, of what is skipped when a folder is searched. Replaces the "
        "default.", '["third_party/"]', option="Skip these files instead of the default ones."),
    Key("extend-exclude", Kind.PATTERNS, "Patterns to skip in addition to `exclude`.",
        '["*_pb2.py"]', option="Skip these files as well."),
    Key("force-exclude", Kind.BOOLEAN, "Whether the patterns also apply to files named on the "
        "command line, as pre-commit names them.", "true",
        option="Skip excluded files even if they are named."),
    Key("respect-gitignore", Kind.BOOLEAN, "Whether files that git ignores are skipped when a "
        "folder is searched.", "false"),
    Key("durable-words", Kind.STRINGS, "Words that suggest durable state in this project.",
        '["ledger"]'),
    Key("not-durable-words", Kind.STRINGS, "Words that suggest that a file is not durable state "
        "in this project.", '["preview"]'),
    Key("atomic-helpers", Kind.STRINGS, "Dotted names of functions that write atomically: "
        "calls of them are not reported.", '["app.io.write_json"]'),
    Key("savers", Kind.SAVERS, "More functions that write to a path, as `name:position`: the "
        "position of the path among the arguments, 0 if not given.", '["mylib.store:1"]'),
    Key("loaders", Kind.STRINGS, "More functions that load data. Their first argument is a "
        "path, a file object or the text.", '["mylib.read_state"]'),
    Key("helper", Kind.HELPER, "Where repaired code imports from: a module that defines the names "
        "of `atomic_fix.runtime`, or your own function that writes JSON, `module:function`, called "
        "as `function(path, obj)`. Spell out another order or other argument names: "
        "`app.io:write(data=obj, to=path)`. With `auto`, such a function is found in the project "
        "by what it does.", '"app.atomic_io"'),
    Key("assume-helper", Kind.BOOLEAN, "Whether code is repaired even if nothing shows that it "
        "can import the helper.", "true",
        option="Repair even if the helper cannot be imported."),
    Key("on-corrupt", Kind.STRING, "What a repaired loader does with a corrupt file. `auto` "
        "raises where nothing relies on the default, and warns everywhere else.", '"warn"',
        ("auto", "raise", "warn", "quarantine"),
        option="In repaired loaders: auto, raise, warn, quarantine."),
    Key("durability", Kind.STRING, "Whether a replace needs an fsync before it (`durable`) "
        "or not (`atomic`).", '"atomic"', ("durable", "atomic")),
    Key("project", Kind.BOOLEAN, "Whether other files of the project provide evidence: what "
        "calls a function, and what reads its file back.", "false",
        option="Use evidence from other files, or not."),
    Key("min-confidence", Kind.FRACTION, "Findings below this confidence are not reported.",
        "0.7", option="Report findings from this confidence on, 0 to 1."),
    Key("check-tests", Kind.BOOLEAN, "Whether tests are checked too: files and folders with the "
        "names that pytest and unittest use, test functions, and methods of a `TestCase`.", "true",
        option="Also check tests."),
    Key("check-syntax", Kind.BOOLEAN, "Whether files that cannot have a finding are parsed as "
        "well, so that every file that is not valid Python is reported as ATF000.", "true",
        option="Report every file that is not valid Python."),
    Key("baseline", Kind.STRING, "A file that lists known findings, which are not reported. "
        "Relative to the configuration file.", '".atomic-fix-baseline"'),
    Key("require-reason", Kind.BOOLEAN, "Whether each suppression must give a reason.", "true"),
    Key("fail-on-unused", Kind.BOOLEAN, "Whether a comment or baseline entry that suppresses "
        "nothing sets the exit code to 1, as a finding does.", "true",
        option="Exit with 1 if a suppression is not needed."),
    Key("output-format", Kind.STRING, "How findings are printed.", '"concise"',
        OUTPUT_FORMATS, option=f"One of {', '.join(OUTPUT_FORMATS)}."),
    Key("docs-url", Kind.URL, "Where this documentation is published, so that reports and editors "
        "can link to the page of a rule.", '"https://docs.example.org/atomic-fix/"'),
)  # fmt: skip


def shown(settings: Settings) -> dict[str, Any]:
    """The value of every key, by key name, as plain lists, strings and numbers."""
    return {key.name: _plain(key, getattr(_holder(key, settings), key.attribute)) for key in KEYS}


def _holder(key: Key, settings: Settings) -> Settings | Config:
    return settings.config if key.of_config else settings


def _plain(key: Key, value: Any) -> Any:
    if key.kind is Kind.TABLE:
        return {each.pattern: list(each.codes) for each in value}
    if isinstance(value, PatternList):
        return list(value.lines)
    if key.kind is Kind.PATTERNS:
        return [line for each in value for line in each.lines]
    return list(value) if isinstance(value, tuple) else value


def merge(
    settings: Settings, values: Mapping[str, object], where: str, folder: str = ""
) -> Settings:
    """`settings` with the given values, by key name, replacing theirs. A key that begins with
    `extend-` adds to what is there.

    Args:
        folder: what paths and patterns are relative to; that of the settings if not given.

    Raises:
        ConfigError: an unknown key, a wrong type or an unknown code; the message starts
            with `where`.
    """
    by_name = {key.name: key for key in KEYS}
    config_values: dict[str, Any] = {}
    own_values: dict[str, Any] = {}
    for name, value in values.items():
        key = by_name.get(name)
        if key is None:
            hint = closest_match(name, by_name)
            raise ConfigError(f"{where}: unknown key `{name}`{hint}")
        made = _located(key, _checked(key, value, where), folder or settings.root, settings)
        if name.startswith("extend-"):
            there = getattr(_holder(key, settings), key.attribute)
            made = (*there, *(made if isinstance(made, tuple) else (made,)))
        (config_values if key.of_config else own_values)[key.attribute] = made
    return replace(settings, config=replace(settings.config, **config_values), **own_values)


def _located(key: Key, value: Any, folder: str, settings: Settings) -> Any:
    """A valid value, with the folder that it is relative to."""
    if key.kind is Kind.PATTERNS:
        return PatternList(folder, value)
    if key.kind is Kind.TABLE:
        return tuple(FileIgnores(folder, pattern, codes) for pattern, codes in value)
    if key.name == "baseline" and value and folder != settings.root:
        return os.path.join(folder, value)
    return value


def closest_match(name: str, known: Iterable[str]) -> str:
    """ ", did you mean ...?" with the known name most like `name`, or nothing."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean `{close[0]}`?" if close else ""


def check_codes(codes: Iterable[str], where: str) -> tuple[str, ...]:
    """The codes in upper case.

    Raises:
        ConfigError: one is neither a code nor a prefix of one.
    """
    # Imported here because rules import everything that analyses code.
    from atomic_fix.rules import RULES

    known = [rule.code for rule in RULES]
    checked = []
    for code in codes:
        upper = code.upper()
        if not upper or not any(each.startswith(upper) for each in known):
            hint = closest_match(upper, known)
            raise ConfigError(f"{where}: unknown rule code `{code}`{hint}")
        checked.append(upper)
    return tuple(checked)


_MOST_VALUES = 1_000
"""Most values of a list: each of them costs time for every file."""
_LONGEST_VALUE = 200
"""Characters of a wrong value that an error shows."""
# Editors open it: a repository written by somebody else must not be able to run a command.
_URL = re.compile(r"(https?|file)://[!-~]+")
_SAVER = re.compile(r"\.?\w+(\.\w+)*(:\d)?")


def _checked(key: Key, value: object, where: str) -> object:
    place = f"{where}: `{key.name}`"
    patterns = key.kind is Kind.PATTERNS
    if isinstance(value, list) and len(value) > _MOST_VALUES and not patterns:
        raise ConfigError(f"{place}: {len(value):,} values are more than {_MOST_VALUES:,}")
    match key.kind, value:
        case Kind.CODES, list() if _are_strings(value):
            return check_codes(value, place)
        case Kind.STRINGS, list() if _are_strings(value):
            return tuple(value)
        case Kind.PATTERNS, list() if _are_strings(value):
            _check_patterns(value, place)
            return tuple(value)
        case Kind.SAVERS, list() if _are_strings(value) and all(map(_SAVER.fullmatch, value)):
            return tuple(value)
        case Kind.HELPER, str():
            try:
                own_helper(value)
            except ValueError as error:
                raise ConfigError(f"{place} is `{value}`: {error}") from error
            return value
        case Kind.STRING, str():
            if key.choices and value not in key.choices:
                allowed = ", ".join(key.choices) + closest_match(value, key.choices)
                raise ConfigError(f"{place} is `{value}` but must be one of {allowed}")
            return value
        case Kind.URL, str() if not value or _URL.fullmatch(value):
            return value
        case Kind.BOOLEAN, bool():
            return value
        case Kind.FRACTION, int() | float() if not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        case Kind.TABLE, dict():
            _check_patterns(value, place)
            for pattern, codes in value.items():
                if not _are_strings(codes):
                    raise ConfigError(f"{place} must give a list of codes for `{pattern}`")
            return tuple((pattern, check_codes(codes, place)) for pattern, codes in value.items())
    given = repr(value)
    if len(given) > _LONGEST_VALUE:
        given = f"{given[:_LONGEST_VALUE]}..."
    raise ConfigError(f"{place} must be {key.kind.value}, not {given}")


def _check_patterns(patterns: Iterable[str], place: str) -> None:
    if problem := too_many([encoded(each) for each in patterns]):
        raise ConfigError(f"{place}: {problem}")


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


class Resolver:
    """Finds the settings of a folder: the nearest configuration file at or above it, overridden by
    the options of the command line. It caches what it has read, for one run.
    """

    def __init__(
        self, options: Mapping[str, object], config_file: str = "", *, isolated: bool = False
    ) -> None:
        """
        Args:
            options: values by key name, as `merge` takes them.
            config_file: the only configuration file to use; empty to look for them.
            isolated: read no configuration file at all.

        Raises:
            ConfigError: an option or `config_file` cannot be used.
        """
        self._options = options
        self._by_folder: dict[str, Settings] = {}
        self._of_files: dict[str, Settings] = {}
        self._beside: dict[int, Settings] = {}
        """By the identity of the settings that hold for other files."""
        self._fixed: Settings | None = None
        self.isolated = isolated
        if isolated:
            self._fixed = self._with_options(Settings(root=os.getcwd(), isolated=True))
        elif config_file:
            found = _load(config_file, required=True)
            assert found is not None
            self._fixed = self._with_options(found)

    def for_folder(self, folder: str) -> Settings:
        """The settings for files in `folder`.

        Raises:
            ConfigError: the configuration file that applies cannot be used.
        """
        folder = os.path.abspath(folder)
        settings = self._of_files.get(folder)
        if settings is None:
            settings = self._fixed or self._configured(folder)
            if settings.is_beside_program(folder):
                key = id(settings)
                if key not in self._beside:
                    config = replace(settings.config, beside_program=True)
                    self._beside[key] = replace(settings, config=config)
                settings = self._beside[key]
            self._of_files[folder] = settings
        return settings

    def _configured(self, folder: str) -> Settings:
        """The settings of the nearest configuration file at or above a folder, or the defaults."""
        without: list[str] = []
        while (settings := self._by_folder.get(folder)) is None:
            without.append(folder)
            parent = os.path.dirname(folder)
            found = _load(os.path.join(folder, "atomic-fix.toml"), required=False) or _load(
                os.path.join(folder, "pyproject.toml"), required=False
            )
            if found is not None or parent == folder:
                settings = self._with_options(found or Settings(root=os.getcwd()))
                break
            folder = parent
        self._by_folder.update(dict.fromkeys(without, settings))
        return settings

    def for_file(self, filename: str) -> Settings:
        """The settings for one file.

        Raises:
            ConfigError: the configuration file that applies cannot be used.
        """
        return self.for_folder(os.path.dirname(filename))

    def _with_options(self, settings: Settings) -> Settings:
        if not self._options:
            return settings
        return merge(settings, self._options, "option", os.getcwd())


def _table(path: str, *, required: bool) -> dict[str, Any] | None:
    """What one file says of atomic-fix; None when it says nothing.

    Raises:
        ConfigError: it cannot be read or is wrong.
    """
    try:
        content = files.read(path, _MOST)
    except (OSError, ValueError) as error:
        absent = (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError)
        too_long = getattr(error, "errno", None) == errno.ENAMETOOLONG
        if (isinstance(error, absent) or too_long) and not required:
            return None
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    if path.endswith("pyproject.toml") and not required and b"atomic-fix" not in content:
        return None  # most pyproject.toml files; loading a TOML parser for them costs more
    try:
        table = section(path, content, "atomic-fix")
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    if table is None:
        if required:
            raise ConfigError(f"{path}: it has no [tool.atomic-fix] table")
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: `tool.atomic-fix` must be a table")
    return table


def _load(path: str, *, required: bool) -> Settings | None:
    """The settings of one file, over those of the file that it extends; None when it says nothing
    of atomic-fix.

    Raises:
        ConfigError: a file cannot be read or is wrong.
    """
    table = _table(path, required=required)
    if table is None:
        return None
    layers = [(path, table)]
    seen = {os.path.realpath(path)}
    while "extend" in table:
        named = table["extend"]
        if not isinstance(named, str):
            break  # said below
        named = os.path.expanduser(named)
        extended = os.path.normpath(os.path.join(os.path.dirname(path), named))
        if os.path.realpath(extended) in seen:
            raise ConfigError(f"{path}: `extend` leads back to {extended}")
        if len(layers) == _MOST_EXTENDED:
            raise ConfigError(f"{path}: more than {_MOST_EXTENDED} files extend one another")
        path = extended
        seen.add(os.path.realpath(path))
        table = _table(path, required=True) or {}
        layers.append((path, table))
    first = layers[0][0]
    settings = Settings(root=os.path.dirname(os.path.abspath(first)), origin=first)
    for origin, values in reversed(layers):
        settings = merge(settings, values, origin, os.path.dirname(os.path.abspath(origin)))
    return settings


def section(path: str, content: bytes, tool: str) -> Any:
    """What a TOML file says of a tool: all that it holds, or, in a pyproject.toml, the table
    of the tool; None when there is none.

    Raises:
        ValueError: it is not valid TOML.
    """
    table = toml(content)
    if os.path.basename(path) != "pyproject.toml":
        return table
    tools = table.get("tool")
    return tools.get(tool) if isinstance(tools, dict) else None


def toml(content: bytes) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        ValueError: it is not valid TOML, or would take too long to parse.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if len(content) > _MOST:
        raise ValueError(f"larger than {_MOST >> 20} MB")
    if _LONG_KEY.search(content):
        raise ValueError("a key of more than 32 parts")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
