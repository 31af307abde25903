"""The code style of a project is read from the settings of its tools, the nearest file first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix.check import check
from atomic_fix.cli import main
from atomic_fix.config import Config, ImportStyle, Style
from atomic_fix.rewrite import SAFE_AND_UNSAFE, rewrite
from atomic_fix.run.cache import Cache
from atomic_fix.run.discover import Candidate
from atomic_fix.run.one_file import check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.store import digest
from atomic_fix.settings import Resolver, Settings
from atomic_fix.source import Source
from atomic_fix.style import style_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "app" / "io").mkdir(parents=True)
    return tmp_path


def style(project: Path, files: dict[str, str], where: str = "app/io/a.py") -> Style:
    for name, text in files.items():
        (project / name).write_text(text, encoding="utf-8")
    return style_of(str(project / where))


LENGTHS: list[tuple[dict[str, str], int]] = [
    ({}, 0),
    ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, 100),
    ({"ruff.toml": "line-length = 101\n"}, 101),
    ({".ruff.toml": "line-length = 102\n", "ruff.toml": "line-length = 103\n"}, 102),
    (
        {"ruff.toml": "line-length = 104\n", "pyproject.toml": "[tool.ruff]\nline-length = 105\n"},
        104,
    ),
    ({"pyproject.toml": "[tool.black]\nline-length = 106\n"}, 106),
    ({"pyproject.toml": "[tool.black]\nline_length = 107\n"}, 107),
    ({"pyproject.toml": "[tool.isort]\nline_length = 108\n"}, 108),
    ({"pyproject.toml": "[tool.isort]\nprofile = 'black'\n"}, 88),
    ({".isort.cfg": "[settings]\nline_length = 109\n"}, 109),
    ({"setup.cfg": "[isort]\nline_length = 110\n"}, 110),
    ({"tox.ini": "[tool:isort]\nline_length = 111\n"}, 111),
    ({"setup.cfg": "[flake8]\nmax-line-length = 112\n"}, 112),
    ({"tox.ini": "[flake8]\nmax_line_length = 113\n"}, 113),
    ({".flake8": "[flake8]\nmax-line-length = 114  # wide\n"}, 114),
    ({"setup.cfg": "[pycodestyle]\nmax-line-length = 115\n"}, 115),
    ({"pyproject.toml": "[tool.flake8]\nmax-line-length = 116\n"}, 116),
    ({".editorconfig": "root = true\n\n[*]\nmax_line_length = 117\n"}, 117),
    ({".editorconfig": "[*.py]\nmax_line_length = 118\n[*.md]\nmax_line_length = 60\n"}, 118),
    ({".editorconfig": "[*.{py,pyi}]\nmax_line_length = 119\n"}, 119),
    ({".editorconfig": "[*.js]\nmax_line_length = 60\n"}, 0),
    # What formats wins over what only looks.
    (
        {
            "pyproject.toml": "[tool.black]\nline-length = 99\n",
            ".flake8": "[flake8]\nmax-line-length = 120\n",
        },
        99,
    ),
    # black formats, unless ruff is said to.
    ({"pyproject.toml": "[tool.black]\nline-length = 99\n[tool.ruff]\nline-length = 120\n"}, 99),
    (
        {
            "pyproject.toml": "[tool.black]\nline-length = 99\n[tool.ruff]\nline-length = 120\n"
            "[tool.ruff.format]\nquote-style = 'single'\n"
        },
        120,
    ),
    ({"pyproject.toml": "[tool.ruff]\n", ".flake8": "[flake8]\nmax-line-length = 95\n"}, 95),
]


@pytest.mark.parametrize(("files", "length"), LENGTHS)
def test_the_line_length(project: Path, files: dict[str, str], length: int) -> None:
    assert style(project, files).line_length == length


@pytest.mark.parametrize(
    ("files", "usual"),
    [
        ({}, 0),
        ({"pyproject.toml": "[tool.ruff.lint]\nselect = ['I']\n"}, 88),
        ({"pyproject.toml": "[tool.black]\ntarget-version = ['py310']\n"}, 88),
        ({".flake8": "[flake8]\nignore = E203\n"}, 79),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, 0),
    ],
)
def test_a_tool_without_a_length_has_its_usual_one(
    project: Path, files: dict[str, str], usual: int
) -> None:
    found = style(project, files)
    assert (found.line_length, found.usual_line_length) == (0, usual)


def test_the_nearest_file_of_a_tool_counts(project: Path) -> None:
    files = {
        "pyproject.toml": "[tool.ruff]\nline-length = 100\n[tool.isort]\nline_length = 70\n",
        "app/pyproject.toml": "[tool.black]\n",
        "app/io/ruff.toml": "line-length = 90\n[format]\n",
    }
    assert style(project, files).line_length == 90
    assert style(project, files, "app/a.py").line_length == 0  # black's own, which is its usual one
    assert style(project, files, "a.py").line_length == 100


def test_what_lies_outside_of_the_repository_is_not_read(project: Path) -> None:
    (project / "app" / ".git").mkdir()
    files = {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}
    assert style(project, files).line_length == 0
    assert style(project, files, "a.py").line_length == 100


def test_a_configuration_of_ruff_extends_others(project: Path, tmp_path: Path) -> None:
    files = {
        "ruff.toml": "line-length = 100\n[lint]\nselect = ['I']\n[lint.isort]\n"
        "force-single-line = true\ncombine-as-imports = true\n",
        "app/ruff.toml": "extend = '../ruff.toml'\n",
        "app/io/ruff.toml": "extend = '../ruff.toml'\n[lint.isort]\nforce-single-line = false\n",
    }
    found = style(project, files)
    assert found.line_length == 100
    assert not found.imports.one_a_statement
    assert found.imports.aliases_together
    assert style(project, files, "app/a.py").imports.one_a_statement


@pytest.mark.parametrize(
    "text",
    [
        "line-length = \n",
        "extend = 'missing.toml'\n",
        "extend = 'ruff.toml'\n",
        "extend = 7\nline-length = 'long'\n",
        "line-length = -5\nlint = 3\nformat = []\nsrc = 1\ntarget-version = 4\n",
        "[lint]\nisort = 1\nselect = 1\n",
        "[lint.isort]\nsections = 1\nsection-order = 1\nlines-after-imports = 'x'\n",
        "x = " + "[" * 5000 + "\n",
    ],
)
@pytest.mark.parametrize("name", ["ruff.toml", "pyproject.toml", "setup.cfg", ".editorconfig"])
def test_what_cannot_be_used_counts_as_not_said(project: Path, name: str, text: str) -> None:
    if name == "pyproject.toml":
        text = (
            text.replace("[lint", "[tool.ruff.lint") if "[lint" in text else f"[tool.ruff]\n{text}"
        )
    found = style(project, {name: text})
    assert found.line_length == 0
    assert found.usual_line_length in {0, 88}


@pytest.mark.parametrize(
    "content", [b"\xff\xfe[flake8]\n\x00max-line-length=3", b"[flake8\nx", b"\xef\xbb\xbf"]
)
@pytest.mark.parametrize("name", ["pyproject.toml", "setup.cfg", ".editorconfig", ".isort.cfg"])
def test_what_is_no_text_counts_as_not_said(project: Path, name: str, content: bytes) -> None:
    (project / name).write_bytes(content)
    assert style_of(str(project / "a.py")).line_length == 0


def test_what_cannot_be_read_counts_as_not_there(project: Path) -> None:
    (project / "pyproject.toml").mkdir()
    (project / "setup.cfg").symlink_to("setup.cfg")
    (project / "tox.ini").write_text("[flake8]\n" + "#" * (1 << 20))
    if hasattr(os, "mkfifo"):
        os.mkfifo(project / "ruff.toml")
    assert style_of(str(project / "a.py")) == Style()
    assert style_of("a\0.py").line_length >= 0


def test_a_changed_file_is_read_again(project: Path) -> None:
    assert style(project, {"ruff.toml": "line-length = 100\n"}).line_length == 100
    assert style(project, {"ruff.toml": "line-length = 77\n"}).line_length == 77
    assert style(project, {".ruff.toml": "line-length = 66\n"}).line_length == 66


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("[tool.black]\n", False),
        ("[tool.black]\ntarget-version = ['py38', 'py311']\n", False),
        ("[tool.black]\ntarget-version = ['py39']\n", True),
        ("[project]\nrequires-python = '>=3.9,<4'\n[tool.black]\n", True),
        ("[project]\nrequires-python = '>=3.8'\n[tool.black]\n", False),
        ("[project]\nrequires-python = '~=3.10'\n", True),
        ("[project]\nname = 'x'\n", False),
        ("[tool.ruff]\n", True),
        ("[tool.ruff]\ntarget-version = 'py38'\n", False),
        ("[project]\nrequires-python = '>=3.7'\n[tool.ruff]\n", False),
        ("[project]\nrequires-python = '>3'\n[tool.ruff]\ntarget-version = 'py312'\n", True),
    ],
)
def test_whether_a_with_may_have_parentheses(project: Path, text: str, allowed: bool) -> None:
    assert style(project, {"pyproject.toml": text}).parenthesised_with is allowed


def test_quotes_and_trailing_commas(project: Path) -> None:
    found = style(project, {"ruff.toml": "[format]\nquote-style = 'single'\n"})
    assert (found.quotes, found.keeps_trailing_commas) == ("'", True)
    found = style(project, {"ruff.toml": "[format]\nskip-magic-trailing-comma = true\n"})
    assert (found.quotes, found.keeps_trailing_commas) == ("", False)
    found = style(project, {"ruff.toml": "[lint.flake8-quotes]\ninline-quotes = 'single'\n"})
    assert found.quotes == "'"
    (project / "ruff.toml").unlink()
    found = style(project, {".flake8": "[flake8]\ninline-quotes = double\n"})
    assert found.quotes == '"'


def test_settings_of_isort_in_ini_files(project: Path) -> None:
    text = (
        "[settings]\nprofile = pycharm\nknown_first_party = app,\n    tools\n"
        "known_django = django\nsections = FUTURE,STDLIB,DJANGO,THIRDPARTY,FIRSTPARTY\n"
        "multi_line_output = VERTICAL_GRID_GROUPED\nforce_sort_within_sections = True\n"
        "combine_as_imports = yes\nlines_after_imports = many\ndefault_section = FIRSTPARTY\n"
    )
    imports = style(project, {".isort.cfg": text}).imports
    assert imports == ImportStyle(
        line_length=79,
        layout="grouped",
        trailing_comma=False,
        keeps_rows=False,
        wrapped_from=2,
        mixed=True,
        aliases_together=True,
        sections=("future", "standard-library", "django", "third-party", "first-party"),
        known=(("first-party", ("app", "tools")), ("django", ("django",))),
        own=("app",),
        default_section="first-party",
    )


# --- where it goes ------------------------------------------------------------------

LONG = b"""\
import json


def save_checkpoint(checkpoint_path, state):
    checkpoint_path.write_text(json.dumps(state, indent=2, sort_keys=True))
"""


def title(project: Path, settings: Settings) -> str:
    name = str(project / "app" / "a.py")
    result = check_file(LONG, name, settings, ReportFilter())
    assert result.findings[0].fix is not None
    return result.findings[0].fix.edits[-1].text


def test_a_run_uses_it_and_an_isolated_one_does_not(project: Path) -> None:
    (project / "ruff.toml").write_text("line-length = 60\n")
    assert "\n" in title(project, Resolver({}).for_folder(str(project)))
    assert "\n" not in title(project, Resolver({}, isolated=True).for_folder(str(project)))


def test_a_result_that_was_kept_holds_for_one_style(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    path = project / "app" / "a.py"
    path.write_bytes(LONG)
    os.utime(path, ns=(10**18, 10**18))
    candidate = Candidate(str(path), Settings())

    def checked() -> bool:
        """Whether the file had to be checked."""
        cache = Cache("c")
        found = cache.find(candidate)
        if found is None:
            result = check_file(LONG, str(path), candidate.settings, ReportFilter())
            cache.add(candidate, result, digest(LONG))
            cache.save()
        return found is None

    assert [checked(), checked()] == [True, False]
    (project / "ruff.toml").write_text("line-length = 60\n")
    assert [checked(), checked()] == [True, False]


def test_a_file_that_cannot_match_reads_no_settings(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(filename: str) -> Style:
        raise AssertionError(filename)

    monkeypatch.setattr("atomic_fix.style.style_of", fail)
    assert check_file(b"x = 1\n", str(project / "a.py"), Settings(), ReportFilter()).findings == ()


# --- imports, asked of the tools themselves -----------------------------------------

HEAD = '''"""A module."""

from __future__ import annotations

{}

def save_state(self, path, state):
    path.write_text(json.dumps(state))
    os.remove(path)
    with open("session.json", "w") as file:
        file.write(state.text)


def load_state(path, log, np, requests, app, other, typing, helpers, near, sys, six, ET, alpha):
    os.rename("session.tmp", "session.json")
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
'''
IMPORTS = """\
import json
import os
import sys
import typing
import xml.etree.ElementTree as ET
from collections import OrderedDict

import numpy as np
import requests
import six
from alpha import beta

import app
import other
from app import helpers

from . import near
"""

CONFIGURATIONS = {
    "plain ruff": "[tool.ruff.lint]\nselect = ['I']\n",
    "narrow ruff": "[tool.ruff]\nline-length = 60\n[tool.ruff.lint]\nselect = ['I']\n",
    "single line": "[tool.ruff.lint]\nselect = ['I']\nisort.force-single-line = true\n",
    "mixed": "[tool.ruff.lint]\nselect = ['I']\nisort.force-sort-within-sections = true\n",
    "from first": "[tool.ruff.lint]\nselect = ['I']\nisort.from-first = true\n",
    "between types": "[tool.ruff.lint]\nselect = ['I']\nisort.lines-between-types = 1\n",
    "no sections": "[tool.ruff.lint]\nselect = ['I']\nisort.no-sections = true\n",
    "no types": "[tool.ruff.lint]\nselect = ['I']\nisort.order-by-type = false\n",
    "case": "[tool.ruff.lint]\nselect = ['I']\nisort.case-sensitive = true\n",
    "to the top": "[tool.ruff.lint]\nselect = ['I']\nisort.force-to-top = ['atomic_fix.runtime']\n",
    "known": "[tool.ruff.lint]\nselect = ['I']\nisort.known-first-party = ['atomic_fix']\n",
    "local": "[tool.ruff.lint]\nselect = ['I']\nisort.known-local-folder = ['atomic_fix*']\n",
    "a section": "[tool.ruff.lint]\nselect = ['I']\nisort.sections = { io = ['atomic_fix'] }\n"
    "isort.section-order = ['future', 'standard-library', 'io', 'third-party', 'first-party', "
    "'local-folder']\n",
    "no lines": "[tool.ruff.lint]\nselect = ['I']\nisort.no-lines-before = ['first-party']\n",
    "after": "[tool.ruff.lint]\nselect = ['I']\nisort.lines-after-imports = 3\n",
    "isort": "[tool.isort]\n",
    "isort, narrow": "[tool.isort]\nline_length = 50\n",
    "isort black": "[tool.isort]\nprofile = 'black'\n",
    "isort narrow black": "[tool.isort]\nprofile = 'black'\nline_length = 50\n",
    "isort django": "[tool.isort]\nprofile = 'django'\nline_length = 50\n",
    "isort pycharm": "[tool.isort]\nprofile = 'pycharm'\n",
    "isort google": "[tool.isort]\nprofile = 'google'\n",
    "isort attrs": "[tool.isort]\nprofile = 'attrs'\n",
    "isort vertical": "[tool.isort]\nmulti_line_output = 1\nline_length = 50\n",
    "isort known": "[tool.isort]\nknown_first_party = ['atomic_fix']\n",
    "isort mixed": "[tool.isort]\nforce_sort_within_sections = true\n",
    "isort to the top": "[tool.isort]\nforce_to_top = ['atomic_fix.runtime']\n",
}


def sorted_imports(folder: Path, text: str, *, with_ruff: bool) -> str:
    path = folder / "app" / "io" / "a.py"
    path.write_text(text, encoding="utf-8")
    tool = ["ruff", "check", "--fix", "-q", "--no-cache"] if with_ruff else ["isort", "-q"]
    subprocess.run([sys.executable, "-m", *tool, str(path)], cwd=folder, check=False)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("helper", ["atomic_fix.runtime", "app.io.atomic"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_sorted_imports_stay_so(project: Path, name: str, helper: str) -> None:
    text = CONFIGURATIONS[name]
    (project / "pyproject.toml").write_text(text)
    (project / "other.py").touch()
    for each in ("app/__init__.py", "app/io/__init__.py", "app/io/atomic.py"):
        (project / each).touch()
    with_ruff = "ruff" in text
    before = sorted_imports(project, HEAD.format(IMPORTS), with_ruff=with_ruff)
    path = str(project / "app" / "io" / "a.py")
    config = Config(helper=helper, style=style_of(path), on_corrupt="raise")
    result = rewrite(
        Source(path, before, "utf-8", bom=False),
        lambda source: check(source, config),
        SAFE_AND_UNSAFE,
    )
    assert result.refusal == ""
    for each in ("atomic_write_json", "CheckpointCorruptedError", helper):
        assert each in result.text
    assert sorted_imports(project, result.text, with_ruff=with_ruff) == result.text


@pytest.mark.parametrize(
    "imports",
    [
        "import json\nimport os\n\n# why\nimport requests\nimport six\n",
        "import json\nimport os\n\nimport alpha\n\n# why\nimport requests\nfrom zoo import x\n",
        "import json\nimport os\n\nimport alpha\n\n# why\nfrom aaa import y\nfrom zoo import x\n",
        "import json\n\n# why\nimport os\n\nimport alpha\nfrom aaa import y\n\n# why\nimport z\n",
    ],
)
@pytest.mark.parametrize("name", ["plain ruff", "isort", "isort black", "mixed"])
def test_comments_among_imports_keep_their_rows(project: Path, name: str, imports: str) -> None:
    text = CONFIGURATIONS[name]
    (project / "pyproject.toml").write_text(text)
    with_ruff = "ruff" in text
    before = sorted_imports(project, HEAD.format(imports), with_ruff=with_ruff)
    path = str(project / "app" / "io" / "a.py")
    config = Config(style=style_of(path))
    source = Source(path, before, "utf-8", bom=False)
    result = rewrite(source, lambda each: check(each, config), SAFE_AND_UNSAFE)
    assert "atomic_write_json" in result.text
    assert sorted_imports(project, result.text, with_ruff=with_ruff) == result.text


@pytest.mark.parametrize("name", ["plain ruff", "isort black"])
def test_the_only_imports_stay_sorted(project: Path, name: str) -> None:
    (project / "pyproject.toml").write_text(CONFIGURATIONS[name])
    with_ruff = "ruff" in name
    path = str(project / "app" / "io" / "a.py")
    config = Config(style=style_of(path))
    for head in ('"""A module."""\n\n\n', "", "# Licence: none.\n\n", "import os\n\n\n"):
        body = "    with open(path, 'w') as file:\n        file.write(x)\n"
        text = f"{head}def save_state(path):\n{body}"
        result = rewrite(
            Source(path, text, "utf-8", bom=False),
            lambda source: check(source, config),
            SAFE_AND_UNSAFE,
        )
        assert "atomic_open" in result.text
        assert sorted_imports(project, result.text, with_ruff=with_ruff) == result.text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_in_the_place_of_settings_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "setup.cfg")
    os.mkfifo(project / "pyproject.toml")
    assert style(project, {".flake8": "[flake8]\nmax-line-length = 99\n"}).line_length == 99


LONG_ROWS = """\
import os


def save_state(path, names):
    tmp = path + ".tmp"
    with open(tmp, "w") as new:
        for each in names:
            new.write(each.replace(os.path.basename(tmp), "a clean name"))
    os.replace(tmp, path)


def save_checkpoint_too(path, names):
    tmp = path + ".tmp"
    with open(tmp, "w") as new:
        new.write(os.path.basename(tmp) + "-" + names.replace(tmp, "a clean name"))
    os.replace(tmp, path)
"""


def test_rows_that_are_added_leave_a_long_statement_beside_them_as_it_is(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.ruff]\nline-length = 60\n")
    path = project / "a.py"
    path.write_text(LONG_ROWS)
    arguments = ["--write", "--no-cache", "--assume-helper", str(path)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    before, after = LONG_ROWS.splitlines(), path.read_text().splitlines()
    added = ["        new.flush()", "        os.fsync(new.fileno())"] * 2
    assert [each for each in after if each not in before] == added
    assert [each for each in after if each not in added] == before
