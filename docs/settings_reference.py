"""`settings.KEYS` for readers: a page of the documentation and a JSON schema for editors.

`python docs/generate.py` writes both.
"""

from __future__ import annotations

import json
from typing import Any

from atomic_fix.settings import KEYS, Key, Kind, Settings, shown

_INTRODUCTION = """\
# Configuration

atomic-fix reads `[tool.atomic-fix]` in the `pyproject.toml` nearest to each file, at or above its
folder, or an `atomic-fix.toml` that has the same keys at its top level. A tree may contain
several: only the nearest one is used, with the file that it names in `extend`. `atomic-fix.toml`
takes precedence over a `pyproject.toml` beside it, and a `pyproject.toml` without the table is
ignored.

Command-line options override files. `--config FILE` uses that file for every path,
`--config KEY=VALUE` sets one key, written as TOML (`--config 'loaders=["mylib.read_state"]'`),
`--isolated` reads no file, `--show-settings` prints the settings of the current folder, and
`--show-files` prints which files would be checked.

An unknown key, a value of the wrong type or an unknown rule code ends the run with exit code 2
and one line that names the file, the key and, if there is one, the closest valid word.

[atomic-fix.schema.json](atomic-fix.schema.json) is the JSON schema of the keys. Editors that
support schemas for TOML, such as those that run taplo, complete and check an `atomic-fix.toml`
whose first line is `#:schema` and the path or URL of that file.

A complete table, with every key except `extend` set to a value other than its default:

"""

_PATTERNS = """\
## Patterns

`exclude`, `extend-exclude` and `per-file-ignores` use the patterns of `.gitignore`: `gen/` matches
every folder of that name below the configuration file, `/gen/` only the one beside that file,
`*_pb2.py` file names, and `**` any folders; `!` negates a pattern. Patterns in an option are
relative to the current folder. `--exclude` and `--extend-exclude` accept several patterns,
separated by commas; `--per-file-ignores` accepts `PATTERN:CODE,CODE`, as in ruff and flake8.

A file named on the command line is checked even if it is excluded, unless `force-exclude` is set,
as it is in the pre-commit hooks. A folder named on the command line is searched even if git ignores
it.

"Ignored by git" means listed in `.gitignore` files, in `.git/info/exclude` or in the file that your
own `core.excludesFile` names. The settings of the checked repository cannot change which file the
last one is.

## Shared settings

```
[tool.atomic-fix]
extend = "../../pyproject.toml"  # or any other TOML file; `~` is your home folder
ignore = ["ATF102"]
```

The keys of the other file apply unless this file sets them too. The values of `extend-select` and
`extend-exclude` are combined. Paths and patterns are relative to the file that contains them. The
other file may extend a third one.

## Tests

Files that a test writes are temporary, and loads that fail in a test usually fail on purpose, so
tests are not checked unless `check-tests` or `--check-tests` is set. Tests are:

- files called `test_*.py`, `*_test.py`, `*_tests.py`, `test.py`, `tests.py`, `conftest.py`,
  `TestX.py` or `XTest.py`, and all files in folders called `test`, `tests`, `unittests`,
  `testsuite`, or with such a name after a dash or underscore (`unit_tests`), as well as behave's
  `environment.py` and `steps/` in a folder `features`. Only folders below the configuration
  file count, or, if there is none, below the git repository or the nearest `pyproject.toml`,
  `setup.py` or `setup.cfg`;
- in other files, methods of a `TestCase`, `test…` methods and set-up methods of a class called
  `Test…`, functions with a decorator of pytest or hypothesis, and functions called `test_…` that
  assert, take `tmp_path` or `tmpdir`, or read back what they write.

A package called `testing` is checked: it is code that other tests use. So is a function such as
`test_connection` that does none of the above. A test file that would have to be parsed but cannot
be is still reported as ATF000.

## Codes

A code can be given as a prefix: `ATF1` selects every rule whose code begins with it. If both
`select` and `ignore` match a rule, the longer prefix decides; if they are equally long, `ignore`
does.

## Under flake8

The plugin reads the same files. flake8's own `select`, `ignore`, `per-file-ignores` and `exclude`
are used instead of those here, and its `atf-…` options, one for each other key that affects
findings, override the files: see `flake8 --help`.

"""


def markdown() -> str:
    """The page `docs/configuration.md`."""
    table = "".join(f"{key.name} = {key.example}\n" for key in KEYS if key.name != "extend")
    parts = [_INTRODUCTION, f"```toml\n[tool.atomic-fix]\n{table}```\n\n", _PATTERNS, "## Keys\n"]
    values = shown(Settings())
    for key in KEYS:
        choices = (
            f" One of {', '.join(f'`{each}`' for each in key.choices)}." if key.choices else ""
        )
        parts.append(
            f"\n### `{key.name}`\n\n{key.help}\n\n"
            f"{key.kind.value[0].upper()}{key.kind.value[1:]}.{choices} "
            f"Default: {_default(values[key.name])}"
            f"{f' Option: `--{key.name}`.' if key.option else ''}\n"
        )
    return "".join(parts)


def json_schema() -> dict[str, Any]:
    """A JSON schema of `[tool.atomic-fix]` and of `atomic-fix.toml`."""
    values = shown(Settings())
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "atomic-fix",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key.name: {"description": key.help, "default": values[key.name], **_type(key)}
            for key in KEYS
        },
    }


def _default(value: object) -> str:
    if value in ([], {}, ""):
        return "empty."
    return f"`{json.dumps(value)}`."


def _type(key: Key) -> dict[str, Any]:
    code = {"type": "string", "pattern": "^[Aa][Tt][Ff][0-9]{0,3}$"}
    types: dict[Kind, dict[str, Any]] = {
        Kind.CODES: {"type": "array", "items": code},
        Kind.STRINGS: {"type": "array", "items": {"type": "string"}},
        Kind.PATTERNS: {"type": "array", "items": {"type": "string"}},
        Kind.SAVERS: {"type": "array", "items": {"type": "string"}},
        Kind.STRING: {"type": "string"},
        Kind.HELPER: {"type": "string"},
        Kind.URL: {"type": "string", "pattern": "^((https?|file)://[!-~]+)?$"},
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.FRACTION: {"type": "number", "minimum": 0, "maximum": 1},
        Kind.TABLE: {
            "type": "object",
            "additionalProperties": {"type": "array", "items": code},
        },
    }
    return {**types[key.kind], "enum": list(key.choices)} if key.choices else types[key.kind]


def schema() -> str:
    """The text of `docs/atomic-fix.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"
