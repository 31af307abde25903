"""Configuration files and options -> settings."""

from __future__ import annotations

import ast
import inspect
import json
import re
import runpy
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from atomic_fix.config import Config
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.settings import (
    KEYS,
    ConfigError,
    FileIgnores,
    Kind,
    PatternList,
    Resolver,
    Settings,
    merge,
    shown,
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = Resolver({}).for_folder(str(tmp_path))
    assert settings.config == Config()
    assert settings.origin == ""


def test_the_nearest_file_holds_and_a_pyproject_that_says_nothing_is_passed_by(
    tmp_path: Path,
) -> None:
    write(tmp_path / "pyproject.toml", '[tool.atomic-fix]\nignore = ["ATF101"]\n')
    write(tmp_path / "a/pyproject.toml", '[project]\nname = "atomic-fix-user"\n')
    write(tmp_path / "b/atomic-fix.toml", "min-confidence = 0.75\n")
    write(tmp_path / "b/pyproject.toml", "[tool.atomic-fix]\nmin-confidence = 0.1\n")
    resolver = Resolver({})
    assert resolver.for_folder(str(tmp_path / "a")).config.ignore == ("ATF101",)
    beside = resolver.for_folder(str(tmp_path / "b"))
    assert beside.config.ignore == ()
    assert beside.config.min_confidence == 0.75
    assert beside.root == str(tmp_path / "b")


def test_options_win_over_files_and_isolated_reads_none(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.atomic-fix]\nignore = ["ATF101"]\n')
    options = {"ignore": ["ATF201"]}
    assert Resolver(options).for_folder(str(tmp_path)).config.ignore == ("ATF201",)
    assert Resolver({}, isolated=True).for_folder(str(tmp_path)).config.ignore == ()


def test_a_file_that_is_named_holds_everywhere(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.atomic-fix]\nignore = ["ATF101"]\n')
    named = write(tmp_path / "other/settings.toml", 'on-corrupt = "warn"\n')
    settings = Resolver({}, str(named)).for_folder(str(tmp_path))
    assert (settings.config.ignore, settings.config.on_corrupt) == ((), "warn")


def test_a_file_extends_another_one(tmp_path: Path) -> None:
    write(
        tmp_path / "pyproject.toml",
        """
        [tool.atomic-fix]
        min-confidence = 0.75
        ignore = ["ATF101"]
        extend-select = ["ATF203"]
        exclude = ["/drop/"]
        extend-exclude = ["/a/gen/"]
        per-file-ignores = { "/a/tools/" = ["ATF1"] }
        baseline = "known.txt"
        """,
    )
    write(tmp_path / "a/shared.toml", 'extend = "../pyproject.toml"\ndurability = "atomic"\n')
    write(
        tmp_path / "a/b/atomic-fix.toml",
        'extend = "../shared.toml"\nignore = ["ATF102"]\nextend-select = ["ATF202"]\n'
        'extend-exclude = ["/x/"]\n',
    )
    settings = Resolver({}).for_folder(str(tmp_path / "a/b/c"))
    assert settings.root == str(tmp_path / "a/b")
    assert settings.config.min_confidence == 0.75
    assert settings.config.durability == "atomic"
    assert settings.config.ignore == ("ATF102",)
    assert settings.config.extend_select == ("ATF203", "ATF202")
    # Paths and patterns stay relative to the file that has them.
    assert settings.baseline == str(tmp_path / "known.txt")
    assert settings.exclude == PatternList(str(tmp_path), ("/drop/",))
    assert settings.extend_exclude == (
        PatternList(str(tmp_path), ("/a/gen/",)),
        PatternList(str(tmp_path / "a/b"), ("/x/",)),
    )
    assert settings.per_file_ignores == (FileIgnores(str(tmp_path), "/a/tools/", ("ATF1",)),)
    for name in ("a/gen/y.py", "a/b/gen/y.py", "a/b/x/y.py", "a/b/c/x/y.py"):
        write(tmp_path / name, "")
    found = [each.path for each in discover([str(tmp_path / "a/b")], Resolver({}))
             if isinstance(each, Candidate)]  # fmt: skip
    assert found == [str(tmp_path / "a/b/c/x/y.py"), str(tmp_path / "a/b/gen/y.py")]


def test_options_add_to_the_keys_that_extend(tmp_path: Path) -> None:
    write(tmp_path / "atomic-fix.toml", 'extend-select = ["ATF203"]\nextend-exclude = ["x"]\n')
    resolver = Resolver({"extend-select": ["ATF2"], "extend-exclude": ["y"]})
    settings = resolver.for_folder(str(tmp_path))
    assert settings.config.extend_select == ("ATF203", "ATF2")
    assert [each.lines for each in settings.extend_exclude] == [("x",), ("y",)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"atomic-fix.toml": 'extend = "b.toml"'},
         "b.toml: cannot be read: No such file or directory"),
        ({"atomic-fix.toml": 'extend = "b.toml"', "b.toml": 'extend = "./atomic-fix.toml"'},
         "b.toml: `extend` leads back to {}/atomic-fix.toml"),
        ({"atomic-fix.toml": 'extend = "atomic-fix.toml"'}, "`extend` leads back to "),
        ({"atomic-fix.toml": "extend = 3"}, "`extend` must be a string, not 3"),
        ({"atomic-fix.toml": 'extend = "pyproject.toml"', "pyproject.toml": "[tool.x]"},
         "pyproject.toml: it has no [tool.atomic-fix] table"),
        ({"atomic-fix.toml": 'extend = "b.toml"', "b.toml": "slect = []"},
         "b.toml: unknown key `slect`, did you mean `select`?"),
        ({"atomic-fix.toml": 'extend = "/dev/zero"'},
         "/dev/zero: cannot be read: not a regular file"),
        ({"atomic-fix.toml": 'extend = "0.toml"',
          **{f"{n}.toml": f"extend = '{n + 1}.toml'" for n in range(40)}},
         "30.toml: more than 32 files extend one another"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_extended_is_one_line(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(ConfigError) as error:
        Resolver({}).for_folder(str(tmp_path))
    assert message.format(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slect = []", "unknown key `slect`, did you mean `select`?"),
        ("zzz = 1", "unknown key `zzz`"),
        ('select = "ATF101"', "`select` must be a list of rule codes, not 'ATF101'"),
        ('select = ["ATF999"]', "`select`: unknown rule code `ATF999`"),
        ('ignore = ["AFT101"]', "`ignore`: unknown rule code `AFT101`, did you mean `ATF101`?"),
        ('on-corrupt = "wran"',
         "must be one of auto, raise, warn, quarantine, did you mean `warn`?"),
        ("helper = 3", "`helper` must be a module, a `module:function`, or a call of that"),
        ('helper = "app io"',
         "`helper` is `app io`: it must be `module`, `module:function` or a call of that function"),
        ('helper = "app.io:"', "it must be `module`, `module:function` or a call of that function"),
        ('helper = "app.io:write json"',
         "it must be `module`, `module:function` or a call of that function"),
        ('helper = "app.io:w(obj)"', "`path` and `obj` must both be given, and once"),
        ('helper = "app.io:w(path, obj, obj)"', "`path` and `obj` must both be given, and once"),
        ('helper = "app.io:w(path, data)"', "`data` is not `path`, `obj`, `name=path` or"),
        ('helper = "app.io:w(path, 1=obj)"', "`1=obj` is not `path`, `obj`, `name=path` or"),
        ('helper = "app.io:w(to=path, obj)"', "`obj` follows an argument given by name"),
        ('helper = "app.io:w(x=path, x=obj)"', "two arguments have the same name"),
        ('force-exclude = "yes"', "`force-exclude` must be true or false, not 'yes'"),
        ("min-confidence = 1.5", "`min-confidence` must be a number between 0 and 1, not 1.5"),
        ("min-confidence = true", "`min-confidence` must be a number between 0 and 1, not True"),
        ('per-file-ignores = ["a"]', "`per-file-ignores` must be a table of pattern = [codes]"),
        ('per-file-ignores = { a = "ATF1" }', "must give a list of codes for `a`"),
        ('per-file-ignores = { a = ["X"] }', "unknown rule code `X`"),
        ('docs-url = "docs/"', "`docs-url` must be a URL that begins with `https://`, `http://`"),
        ('docs-url = "command://x"', "`docs-url` must be a URL"),
        ('docs-url = "https://a b"', "`docs-url` must be a URL"),
        ("select = [", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "atomic-fix.toml", text + "\n")
    with pytest.raises(ConfigError) as error:
        Resolver({}).for_folder(str(tmp_path))
    assert str(error.value).startswith(f"{file}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pyproject.toml", "[tool.atomic-fixx]\n", "it has no [tool.atomic-fix] table"),
        ("pyproject.toml", "[tool]\natomic-fix = 3\n", "`tool.atomic-fix` must be a table"),
        ("missing.toml", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_named_file_that_cannot_be_used(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    path = tmp_path / name
    if text is not None:
        write(path, text)
    with pytest.raises(ConfigError) as error:
        Resolver({}, str(path))
    assert str(error.value) == f"{path}: {message}"


def test_a_prefix_of_a_code_and_lower_case_are_taken() -> None:
    settings = merge(Settings(), {"select": ["atf1"], "ignore": ["ATF101"]}, "x")
    assert (settings.config.select, settings.config.ignore) == (("ATF1",), ("ATF101",))


def test_every_key_takes_its_example_and_shows_it() -> None:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    for key in KEYS:
        value = tomllib.loads(f"{key.name} = {key.example}")[key.name]
        assert shown(merge(Settings(), {key.name: value}, "x"))[key.name] == value
        assert shown(Settings())[key.name] != value, f"{key.name}: the example shows nothing"


def test_every_field_of_config_has_a_key() -> None:
    """A setting that cannot be configured would be dead code."""
    tree = ast.parse(inspect.getsource(Config))
    fields = {each.target.id for each in ast.walk(tree)
              if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)}  # fmt: skip
    # What other tools' settings say of the style, and where a file is, is not configured here.
    assert fields - {"style", "beside_program"} <= {key.attribute for key in KEYS}
    assert all(key.choices == () or key.kind is Kind.STRING for key in KEYS)


DOCS = Path(__file__).parent.parent / "docs"
REFERENCE = runpy.run_path(str(DOCS / "settings_reference.py"))


def test_the_reference_and_the_schema_are_those_of_the_code() -> None:
    """Run `python docs/generate.py` to update them."""
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == REFERENCE["markdown"]()
    schema = json.loads((DOCS / "atomic-fix.schema.json").read_text(encoding="utf-8"))
    assert schema == REFERENCE["json_schema"]()


def test_the_table_of_the_reference_is_taken_as_it_stands(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", REFERENCE["markdown"](), re.DOTALL)
    write(tmp_path / "pyproject.toml", block)
    settings = Resolver({}).for_folder(str(tmp_path))
    assert settings.config.min_confidence == 0.7


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ({"select": ["ATF1", "atf101"], "min-confidence": 0.5, "force-exclude": True}, True),
        ({"per-file-ignores": {"tests/": ["ATF"]}, "on-corrupt": "warn"}, True),
        ({"docs-url": "https://docs.example.org/x/"}, True),
        ({"docs-url": ""}, True),
        ({"docs-url": "javascript:x"}, False),
        ({"slect": []}, False),
        ({"select": "ATF1"}, False),
        ({"select": ["F401"]}, False),
        ({"on-corrupt": "wran"}, False),
        ({"min-confidence": 2}, False),
        ({"per-file-ignores": {"a": "ATF1"}}, False),
    ],
)
def test_the_schema_says_what_the_reader_says(values: dict[str, object], right: bool) -> None:
    assert jsonschema.Draft7Validator(REFERENCE["json_schema"]()).is_valid(values) is right
    if right:
        merge(Settings(), values, "x")
    else:
        with pytest.raises(ConfigError):
            merge(Settings(), values, "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a." * 5_000 + "a = 1", "not valid TOML: a key of more than 32 parts"),
        ("x = " + "[" * 100_000, "not valid TOML: nested too deeply"),
        ("x = '" + "y" * (1 << 20) + "'", "cannot be read: larger than 1 MB"),
        ("exclude = [" + "'a'," * 6_000 + "]", "`exclude`: 6,000 patterns are more than 5,000"),
        ("savers = [" + "'a.b:1'," * 1_001 + "]", "`savers`: 1,001 values are more than 1,000"),
        ("[per-file-ignores]\n'" + "a" * 200_000 + "' = []", "longer than 128 kB"),
        ("select = '" + "y" * 5_000 + "'", "must be a list of rule codes, not 'yyyy"),
    ],
)
def test_a_file_that_would_take_for_ever_is_refused_at_once(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "atomic-fix.toml").write_text(text)
    began = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        Resolver({}).for_folder(str(tmp_path))
    assert time.perf_counter() - began < 5
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 600
