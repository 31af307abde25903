"""Repairs are made only if the file can import the helper: each way to declare it, to have a copy
of it, and to have neither."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix import runtime
from atomic_fix.cli import main
from atomic_fix.finding import Applicability, Edit, Fix, Position, Span
from atomic_fix.run import dependencies, helper_import, python_versions, search_path
from atomic_fix.run.dependencies import normalised, requirement
from atomic_fix.run.project import Projects

SAVER = """\
import json


def save_state(path, state):
    path.write_text(json.dumps(state))


def load_state(path):
    return json.loads(path.read_text())
"""
UNSYNCED = """\
import os


def save_checkpoint(path, data):
    tmp = path + ".tmp"
    with open(tmp, "wb") as file:
        file.write(data)
    os.replace(tmp, path)
"""
RUNTIME = "from atomic_fix.runtime import atomic_write_json\n"
NO_DEPENDENCY = '[project]\nname = "app"\n'
DECLARES = f'{NO_DEPENDENCY}dependencies = ["atomic-fix"]\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["--output-format", "concise", *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def make(**files: str) -> None:
    """Create modules in the current folder: `app__job` is app/job.py, `app__` its `__init__.py`."""
    put({
        re.sub("__$", "/@", name).replace("__", "/").replace("@", "__init__") + ".py": text
        for name, text in files.items()
    })  # fmt: skip


def put(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def refused(name: str, *arguments: str) -> str:
    """The one line that says why a file was not repaired; nothing was written."""
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    result = run("--write", "--no-cache", *arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"atomic-fix: error: {name}"), line
    assert {path: path.read_bytes() for path in before} == before
    return line


def left_out(name: str, *arguments: str) -> str:
    """The warning that says why one file was not repaired, and how it could be; it keeps its
    finding, which alone decides about the exit code."""
    before = Path(name).read_bytes()
    result = run("--write", "--no-cache", *arguments)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"warning: {name}: not repaired: "), line
    assert "--vendor" in line
    assert Path(name).read_bytes() == before
    (diff,) = run("--diff", "--no-cache", *arguments).stderr.splitlines()[1:]
    assert diff == line.replace("not repaired:", "--write would not repair it:")
    return line


def repaired(name: str, statement: str = RUNTIME) -> None:
    result = run("--write", "--no-cache")
    assert result.exit_code == 0, result.output
    text = Path(name).read_text(encoding="utf-8")
    assert statement in text
    assert "write_text" not in text


def left(name: str) -> str:
    """Why the finding of a file has no repair; none was made, and the user need not act."""
    before = Path(name).read_bytes()
    result = run("--write", "--no-cache", "--output-format", "full", name)
    assert (result.exit_code, result.stderr) == (1, "")
    assert Path(name).read_bytes() == before
    (line,) = (each for each in result.stdout.splitlines() if "(no automatic fix: " in each)
    return line.partition("(no automatic fix: ")[2].removesuffix(")")


# What is declared, and where.

POETRY = "[tool.poetry]\nname = 'app'\n"
DECLARATIONS: dict[str, dict[str, str]] = {
    "project": {"pyproject.toml": DECLARES},
    "version": {"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fix>=0.1,<2"]\n'},
    "spelling": {"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["Atomic_Fix"]\n'},
    "dots": {"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic.fix"]\n'},
    "marker": {
        "pyproject.toml": NO_DEPENDENCY + "dependencies = [\"atomic-fix; os_name == 'posix'\"]\n"
    },
    "extras": {"pyproject.toml": NO_DEPENDENCY + 'dependencies = [" atomic-fix [lsp] ~= 0.1"]\n'},
    "address": {
        "pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fix@git+https://x/y.git"]\n'
    },
    "dynamic": {
        "pyproject.toml": NO_DEPENDENCY + 'dynamic = ["dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = { file = ["deps/run.list"] }\n',
        "deps/run.list": "atomic-fix\n",
    },
    "dynamic of hatch": {
        "pyproject.toml": NO_DEPENDENCY
        + "[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ['needs.list']\n",
        "needs.list": "atomic-fix\n",
    },
    "poetry": {"pyproject.toml": POETRY + "[tool.poetry.dependencies]\natomic-fix = '^0.1'\n"},
    "poetry from git": {
        "pyproject.toml": POETRY
        + "[tool.poetry.dependencies]\npython = '^3.10'\natomic-fix = { git = 'https://x/y' }\n"
    },
    "flit": {"pyproject.toml": "[tool.flit.metadata]\nmodule = 'app'\nrequires = ['atomic-fix']\n"},
    "pixi": {"pixi.toml": "[project]\n[pypi-dependencies]\natomic-fix = '*'\n"},
    "pixi in pyproject": {
        "pyproject.toml": NO_DEPENDENCY + "[tool.pixi.pypi-dependencies]\natomic-fix = '*'\n"
    },
    "setup.cfg": {
        "setup.cfg": "[metadata]\nname = app\n[options]\ninstall_requires =\n"
        "    click\n    atomic-fix >= 0.1\n"
    },
    "setup.cfg with a file": {
        "setup.cfg": "[options]\ninstall_requires = file: needs.list\n",
        "needs.list": "atomic-fix\n",
    },
    "setup.py": {
        "setup.py": "import setuptools\nsetuptools.setup(install_requires=['atomic-fix'])\n"
    },
    "setup.py with a name": {
        "setup.py": "from setuptools import setup\nNEEDS = ['click', 'atomic-fix>=0.1']\n"
        "setup(name='app', install_requires=NEEDS + ['x'])\n"
    },
    "Pipfile": {"Pipfile": "[packages]\natomic-fix = '*'\n"},
    "briefcase": {
        "pyproject.toml": "[tool.briefcase]\nproject_name = 'app'\n"
        "[tool.briefcase.app.app]\nrequires = ['toga', 'atomic-fix']\n"
    },
    "requirements": {"requirements.txt": "click\natomic-fix==0.1.0  # for checkpoints\n"},
    "requirements, continued": {
        "requirements.txt": "atomic-fix==0.1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
    },
    "requirements that include": {
        "requirements.txt": "-r deps/base.list\n",
        "deps/base.list": "--requirement=more.list\n",
        "deps/more.list": "atomic-fix\n",
    },
    "requirements in a circle": {
        "requirements.txt": "-r requirements.txt\n-r requirements-two.txt\n",
        "requirements-two.txt": "-r requirements.txt\natomic-fix\n",
    },
    "requirements from git": {"requirements.txt": "git+https://x.example/o/atomic-fix.git@v1\n"},
    "requirements with an egg": {"requirements.txt": "-e git+ssh://git@x/o/r#egg=atomic_fix\n"},
    "requirements by address": {"requirements.txt": "atomic-fix @ git+https://x.example/o/r.git\n"},
    "a path in requirements": {"requirements.txt": "-e ../atomic-fix[lsp]\n"},
    "a wheel in requirements": {"requirements.txt": "./wheels/atomic_fix-0.1.0-py3-none-any.whl\n"},
    "requirements to compile": {"requirements.in": "atomic-fix\n"},
    "a folder of requirements": {"requirements/base.txt": "atomic-fix\n"},
    "conda": {
        "environment.yml": "name: app\ndependencies:\n  - python=3.12\n  - pip:\n"
        "    - click\n    - atomic-fix==0.1.0\n"
    },
}
EXTRAS: dict[str, dict[str, str]] = {
    "optional": {
        "pyproject.toml": NO_DEPENDENCY
        + '[project.optional-dependencies]\nstate = ["atomic-fix"]\n'
    },
    "group": {"pyproject.toml": NO_DEPENDENCY + '[dependency-groups]\ndev = ["atomic-fix"]\n'},
    "included group": {
        "pyproject.toml": NO_DEPENDENCY + "[dependency-groups]\n"
        'dev = [{ include-group = "state" }, "pytest"]\nstate = ["atomic-fix"]\n'
    },
    "poetry, optional": {
        "pyproject.toml": POETRY
        + "[tool.poetry.dependencies]\natomic-fix = { version = '*', optional = true }\n"
    },
    "poetry, group": {
        "pyproject.toml": POETRY + "[tool.poetry.group.x.dependencies]\natomic-fix = '^0.1'\n"
    },
    "poetry, development": {
        "pyproject.toml": POETRY + "[tool.poetry.dev-dependencies]\natomic-fix = '^0.1'\n"
    },
    "pdm": {"pyproject.toml": NO_DEPENDENCY + "[tool.pdm.dev-dependencies]\nx = ['atomic-fix']\n"},
    "uv": {"pyproject.toml": NO_DEPENDENCY + "[tool.uv]\ndev-dependencies = ['atomic-fix']\n"},
    "rye": {"pyproject.toml": NO_DEPENDENCY + "[tool.rye]\ndev-dependencies = ['atomic-fix']\n"},
    "hatch": {
        "pyproject.toml": NO_DEPENDENCY
        + "[tool.hatch.envs.default]\nextra-dependencies = ['atomic-fix']\n"
    },
    "flit": {
        "pyproject.toml": "[tool.flit.metadata]\nmodule = 'app'\n"
        "[tool.flit.metadata.requires-extra]\nx = ['atomic-fix']\n"
    },
    "setup.cfg": {
        "setup.cfg": "[metadata]\nname = app\n[options.extras_require]\nx =\n    atomic-fix\n"
    },
    "setup.py": {
        "setup.py": "from setuptools import setup\nsetup(extras_require={'x': ['atomic-fix']})\n"
    },
    "Pipfile": {"Pipfile": "[dev-packages]\natomic-fix = '*'\n"},
}
NONE: dict[str, dict[str, str]] = {
    "nothing": {"pyproject.toml": NO_DEPENDENCY},
    "settings of tools": {"pyproject.toml": "[tool.black]\nline-length = 90\n"},
    "another": {"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fixtures"]\n'},
    "only to build": {
        "pyproject.toml": NO_DEPENDENCY + '[build-system]\nrequires = ["atomic-fix"]\n'
    },
    "in a comment": {"requirements.txt": "# atomic-fix\nclick  # not atomic-fix\n"},
    "a constraint": {"requirements.txt": "-c c.list\n", "c.list": "atomic-fix\n"},
    "empty requirements": {"requirements.txt": ""},
    "in another string": {
        "setup.py": "from setuptools import setup\nsetup(description='atomic-fix', name='x')\n"
    },
    "no TOML": {"pyproject.toml": "[project\nname"},
    "a Pipfile that is none": {"Pipfile": "atomic-fix = ["},
    "no Python": {"setup.py": "import setuptools\nsetup(install_requires=['atomic-fix']\n"},
    "no INI": {"setup.cfg": "[metadata]\natomic-fix\n[options\n"},
    "wrong types": {
        "pyproject.toml": "project = 1\n[dependency-groups]\nx = 3\n[tool]\npoetry = []\n"
        "[tool.hatch]\nenvs = { a = 3 }\n[tool.setuptools]\npackage-dir = { '' = 7 }\n"
    },
    "files that are not there": {"requirements.txt": "-r gone.txt\n-r /\n-r ../../../etc/passwd\n"},
}


@pytest.mark.parametrize("files", DECLARATIONS.values(), ids=DECLARATIONS)
def test_a_declared_dependency_is_imported(here: Path, files: dict[str, str]) -> None:
    put(files)
    make(app__="", app__job=SAVER)
    repaired("app/job.py")
    assert run("--write").stderr == ""


@pytest.mark.parametrize("files", EXTRAS.values(), ids=EXTRAS)
def test_an_extra_counts_with_a_warning(here: Path, files: dict[str, str]) -> None:
    put(files)
    make(app__="", app__job=SAVER)
    result = run("--write")
    assert result.exit_code == 0, result.output
    assert RUNTIME in Path("app/job.py").read_text()
    assert result.stderr == (
        "warning: `atomic-fix` is declared only as an extra, for a group or for development: "
        "where that is not installed, repaired code does not start\n"
    )


@pytest.mark.parametrize("files", NONE.values(), ids=NONE)
def test_without_it_nothing_is_written(here: Path, files: dict[str, str]) -> None:
    put(files)
    make(app__="", app__job=SAVER)
    line = refused("app/job.py: not repaired: it would import `atomic_fix.runtime`, and ")
    assert "no dependency on atomic-fix; run `atomic-fix --vendor app/atomic_io.py`, " in line
    assert line.endswith(", or declare that dependency")


def test_what_a_tree_declares_is_never_run(here: Path) -> None:
    trap = "open('trap', 'w').close()\n"
    put({
        "setup.py": trap + "from setuptools import setup\nsetup(install_requires=['atomic-fix'])\n",
        "conftest.py": trap, "sitecustomize.py": trap,
    })  # fmt: skip
    make(app__=trap, app__atomic_io=trap, app__job=SAVER)
    put({"atomic-fix.toml": 'helper = "app.atomic_io"\n'})
    refused("app/job.py: not repaired")
    Path("atomic-fix.toml").unlink()
    repaired("app/job.py")
    assert not Path("trap").exists()


def test_files_that_are_no_files_are_not_read(here: Path) -> None:
    """A device that never ends, a pipe that nobody writes to, and a folder."""
    Path("requirements.txt").symlink_to("/dev/zero")
    subprocess.run(["mkfifo", "Pipfile"], check=True)
    Path("setup.cfg").mkdir()
    put({"pyproject.toml": NO_DEPENDENCY})
    make(job=SAVER)
    refused("job.py: not repaired")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("atomic-fix", "atomic-fix"), ("Atomic__Fix>=1", "atomic-fix"), ("a", "a"),
        ("a.b.c==1 ; x", "a-b-c"), ("a[b]@ file:///x", "a"), ("(a)", ""), ("-e x", ""), ("", ""),
        ("a/b", ""), ("https://x", ""),
    ],
)  # fmt: skip
def test_names_of_requirements(text: str, name: str) -> None:
    assert requirement(text) == name


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    dependencies.of_requirements(text)
    dependencies.of_environment(text)
    dependencies.of_environment(f"dependencies:\n  - {text}")
    dependencies.of_script(f"# /// script\n# {text}\n# ///\n")
    dependencies.of_setup_cfg(dependencies.read_ini(text))
    dependencies.of_setup_py(dependencies.read_setup(text))
    dependencies.of_pyproject(dependencies.read_toml(text.encode("utf-8", "replace")))
    assert normalised(requirement(text)) == requirement(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
TABLES = st.sampled_from(
    ["project", "tool", "poetry", "group", "dependencies", "dependency-groups", "pdm", "hatch",
     "envs", "uv", "build-backend", "module-root", "setuptools", "package-dir", "packages", "find",
     "where", "build", "targets", "wheel", "sources", "hooks", "custom", "path", "flit", "metadata",
     "requires", "dynamic", "file", "build-system", "backend-path", "dev-dependencies"]
)  # fmt: skip


@given(st.recursive(JSON, lambda inner: st.dictionaries(TABLES, inner, max_size=4), max_leaves=30))
def test_no_table_breaks_the_readers(value: object) -> None:
    from atomic_fix.run.project import _early, _name, _roots

    table = value if isinstance(value, dict) else {"tool": value}
    found = dependencies.of_pyproject(table)
    assert all(isinstance(each, str) for each in found.names | found.extra)
    roots, _ = _roots("/nowhere", table, {}, {})
    _early("/nowhere", roots, table)
    assert isinstance(_name(table, {}), str)


# Where a project begins.


def test_the_nearest_project_decides(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "inner/pyproject.toml": NO_DEPENDENCY})
    make(app__="", app__job=SAVER, inner__more__="", inner__more__job=SAVER)
    line = refused("inner/more/job.py: not repaired", "inner")
    assert "inner/pyproject.toml declares no dependency" in line
    assert "--vendor inner/more/atomic_io.py`" in line
    result = run("--write")
    assert result.exit_code == 2
    assert RUNTIME in Path("app/job.py").read_text(), "the other project is repaired"


def test_settings_of_a_tool_begin_no_project(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "app/inner/pyproject.toml": "[tool.ruff]\nline-length = 79\n"})
    make(app__="", app__inner__="", app__inner__job=SAVER)
    repaired("app/inner/job.py")


def test_requirements_of_a_package_begin_no_project(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "app/requirements.txt": "click\n"})
    make(app__="", app__job=SAVER)
    repaired("app/job.py")


def test_requirements_at_the_top_hold_for_packages_below(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n"})
    make(service__app__="", service__app__job=SAVER)
    repaired("service/app/job.py")


def test_the_top_of_a_checkout_is_as_far_as_is_looked(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(inner__job=SAVER)
    Path("inner/.git").mkdir()
    repaired("inner/job.py")


def test_what_lies_in_the_folder_for_temporary_files_is_nobody_s(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(here))
    put({"pyproject.toml": NO_DEPENDENCY})
    make(inner__job=SAVER)
    repaired("inner/job.py")


# A tree that declares nothing.


def test_a_tree_that_declares_nothing_has_what_this_python_has(here: Path) -> None:
    make(job=SAVER, tools__deep__job=SAVER)
    repaired("job.py")
    assert RUNTIME in Path("tools/deep/job.py").read_text()


def test_settings_of_ours_and_of_flake8_declare_nothing(here: Path) -> None:
    put({"atomic-fix.toml": "", "setup.cfg": "[flake8]\nmax-line-length = 90\n"})
    make(job=SAVER)
    repaired("job.py")


def test_pre_commit_s_python_is_not_that_of_the_program(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRE_COMMIT", "1")
    make(job=SAVER)
    assert refused("job.py: not repaired").endswith(
        "and what pre-commit has installed is not there when the program runs; "
        "run `atomic-fix --vendor atomic_io.py`"
    )
    put({"requirements.txt": "atomic-fix\n"})
    repaired("job.py")


@pytest.mark.parametrize(
    ("file", "tool"), [("pipx_metadata.json", "pipx"), ("uv-receipt.toml", "uv")]
)
def test_nor_is_that_of_a_tool_that_keeps_commands_apart(
    here: Path, monkeypatch: pytest.MonkeyPatch, file: str, tool: str
) -> None:
    put({f"../python/{file}": ""})
    monkeypatch.setattr(sys, "prefix", str(here.parent / "python"))
    make(job=SAVER)
    assert f"and what {tool} has installed is not there" in refused("job.py: not repaired")


# A helper that the project holds.


def test_two_commands_lead_from_a_finding_to_a_program_that_runs(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, "app.py": SAVER})
    line = refused("app.py: not repaired")
    command = line.partition("`atomic-fix ")[2].partition("`")[0]
    assert run(*command.split()).exit_code == 0
    repaired("app.py", "from atomic_io import atomic_write_json\n")
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "import app, pathlib\n"
        "app.save_state(pathlib.Path('state.json'), {'a': 1})\n"
        "assert app.load_state(pathlib.Path('state.json')) == {'a': 1}\n"
        "assert not any(name.startswith('atomic_fix') for name in sys.modules)\n"
    )
    bare = [sys.executable, "-S", "-E", "-B", "-c", program]
    subprocess.run(bare, check=True)
    assert json.loads(Path("state.json").read_text()) == {"a": 1}


@pytest.mark.parametrize(
    ("copy", "job"),
    [
        ("src/app/atomic_io.py", "src/app/job.py"),
        ("src/app/atomic_io.py", "src/app/inner/job.py"),
        ("app/atomic_io.py", "app/job.py"),
        ("service/app/atomic_io.py", "service/app/job.py"),
        ("atomic_io.py", "job.py"),
        ("lib/atomic_io.py", "lib/job.py"),
    ],
)
@pytest.mark.parametrize("is_package", [True, False])
def test_a_copy_is_found_in_each_layout(here: Path, copy: str, job: str, is_package: bool) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, job: SAVER})
    if is_package:
        for folder in (Path(job).parent, Path(copy).parent):
            if folder.name not in {"", "lib"}:
                put({f"{folder}/__init__.py": ""})
    assert run("--vendor", copy).exit_code == 0
    result = run("--write")
    assert result.exit_code == 0, result.output
    (module,) = (
        line.split()[1] for line in Path(job).read_text().splitlines() if "atomic_io" in line
    )
    assert result.stdout == (
        f"Fixed 1 finding in 1 file. Repaired code imports `{module}` (1 file).\n"
    )
    root = Path(copy).parents[module.count(".")]
    subprocess.run(
        [sys.executable, "-S", "-E", "-B", "-c",
         f"import sys; sys.path.insert(0, {str(root)!r}); import {module}"],
        check=True,
    )  # fmt: skip


def test_the_way_up_from_a_deep_folder_is_not_walked_again_at_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atomic_fix.run.project import _upwards

    (tmp_path / ".git").mkdir()
    folder = str(tmp_path) + "/d" * 300
    Path(folder).mkdir(parents=True)
    asked: list[str] = []
    lstat = os.lstat

    def noted(path: str) -> os.stat_result:
        asked.append(path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", noted)
    assert len(list(_upwards(folder))) == 301
    assert len(asked) < 10_000


@pytest.mark.parametrize("package", ["acme/app", "acme/plugins/app"])
def test_a_namespace_lies_in_src(here: Path, package: str) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, f"src/{package}/job.py": SAVER})
    assert run("--vendor", f"src/{package}/atomic_io.py").exit_code == 0
    module = package.replace("/", ".") + ".atomic_io"
    assert f'helper = "{module}"' in Path("pyproject.toml").read_text()
    assert run("--write").exit_code == 0
    assert f"from {module} import" in Path(f"src/{package}/job.py").read_text()


@pytest.mark.parametrize(
    ("files", "root"),
    [
        ({"pyproject.toml": "[tool.setuptools]\npackage-dir = { '' = 'code' }\n"}, "code"),
        ({"pyproject.toml": "[tool.setuptools.packages.find]\nwhere = ['code']\n"}, "code"),
        ({"pyproject.toml": POETRY + "packages = [{ include = 'app', from = 'code' }]\n"}, "code"),
        ({"pyproject.toml": "[tool.hatch.build.targets.wheel]\npackages = ['code/app']\n"}, "code"),
        ({"pyproject.toml": "[tool.hatch.build.targets.wheel]\nsources = ['code']\n"}, "code"),
        ({"pyproject.toml": "[tool.pdm.build]\npackage-dir = 'code'\n"}, "code"),
        ({"pyproject.toml": "[tool.uv.build-backend]\nmodule-root = 'code'\n"}, "code"),
        ({"pyproject.toml": "[tool.maturin]\npython-source = 'code'\n"}, "code"),
        ({"setup.cfg": "[options]\npackage_dir =\n    = code\n"}, "code"),
        ({"setup.cfg": "[metadata]\n[options.packages.find]\nwhere = code\n"}, "code"),
        ({"setup.py": "from setuptools import setup\nsetup(package_dir={'': 'code'})\n"}, "code"),
        (
            {"setup.py": "from setuptools import setup, find_packages\n"
             "setup(packages=find_packages('code'))\n"},
            "code",
        ),
        ({"pyproject.toml": NO_DEPENDENCY}, "src"),
        ({"pyproject.toml": NO_DEPENDENCY}, "."),
    ],
)  # fmt: skip
def test_source_roots_come_from_the_project_s_settings(
    here: Path, files: dict[str, str], root: str
) -> None:
    """A test elsewhere that imports the package finds the helper in it."""
    put(files)
    put({
        f"{root}/app/__init__.py": "",
        f"{root}/other/__init__.py": "",
        f"{root}/other/job.py": SAVER,
        "checks/deep/job.py": "import app\n" + SAVER,
    })  # fmt: skip
    assert run("--vendor", f"{root}/app/atomic_io.py").exit_code == 0
    if "pyproject.toml" not in files:
        put({"atomic-fix.toml": 'helper = "app.atomic_io"\n'})
    result = run("--write", "--no-cache")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("Repaired code imports `app.atomic_io` (2 files).\n")


def test_a_package_that_lies_in_a_folder_of_another_name(here: Path) -> None:
    put({
        "setup.cfg": "[options]\npackage_dir =\n    app = lib\n",
        "atomic-fix.toml": 'helper = "app.atomic_io"\n',
        "lib/atomic_io.py": "def atomic_write_json(path, obj): ...\n",
        "lib/job.py": SAVER,
    })  # fmt: skip
    repaired("lib/job.py", "from app.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize(
    "module",
    [
        "def atomic_write_json(*_): ...\n",
        "async def atomic_write_json(*_): ...\n",
        "from x import atomic_write_json\n",
        "from x import y as atomic_write_json\n",
        "from x import *\n",
        "atomic_write_json = 1\n",
        "if 1:\n    pass\nelse:\n    atomic_write_json: int = 1\n",
        "try:\n    import x\nexcept ImportError:\n    atomic_write_json = x = None\n",
        "def __getattr__(name): ...\n",
    ],
)
def test_a_helper_of_the_project_has_the_name(here: Path, module: str) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'io_files'\n"})
    make(job=SAVER, io_files=module)
    repaired("job.py", "from io_files import atomic_write_json\n")


def test_a_package_as_helper(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'app'\n"})
    make(app__="from app.files import atomic_write_json\n", app__files="", job=SAVER)
    repaired("job.py", "from app import atomic_write_json\n")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("def atomic_write_text(*_): ...\n", "io_files.py has no `atomic_write_json`; update it"),
        ("def f():\n    atomic_write_json = 1\n", "io_files.py has no `atomic_write_json`"),
        ("def atomic_write_json(:\n", "io_files.py cannot be parsed; correct it"),
    ],
)
def test_a_helper_that_lacks_the_name(here: Path, module: str, reason: str) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'io_files'\n"})
    make(job=SAVER, io_files=module)
    assert reason in refused("job.py: not repaired", "job.py")


def test_a_module_hides_a_folder_of_its_name(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'app.files'\n"})
    make(job=SAVER, app="", app__files="def atomic_write_json(*_): ...\n")
    refused("job.py: not repaired: it would import `app.files`, and helper `app.files` cannot be")


@pytest.mark.parametrize("config", ["pyproject.toml", "atomic-fix.toml"])
def test_a_wrong_setting_is_named(here: Path, config: str) -> None:
    table = "[tool.atomic-fix]\n" if config == "pyproject.toml" else ""
    put({config: f"{table}helper = 'app_io.nowhere'\n", "app.py": SAVER})
    assert refused("app.py: not repaired").endswith(
        "it would import `app_io.nowhere`, and helper `app_io.nowhere` cannot be found; "
        f"correct `helper` in {config}"
    )
    make(app_io__="")
    assert refused("app.py: not repaired").endswith(
        f"correct `helper` in {config}, or run `atomic-fix --vendor app_io/nowhere.py`"
    )


def test_a_module_of_ours_that_is_not_there(here: Path) -> None:
    put({"pyproject.toml": DECLARES + "[tool.atomic-fix]\nhelper = 'atomic_fix.runtimes'\n"})
    make(job=SAVER)
    assert "helper `atomic_fix.runtimes` cannot be found" in refused("job.py: not repaired")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"app/io.py": "def write_json(path, obj): ...\n"}, True),
        ({"app/io.py": "def write(path, obj): ...\n"}, False),
        ({"app/other.py": "def write_json(path, obj): ...\n"}, False),
    ],
)
def test_a_function_of_the_project(here: Path, files: dict[str, str], found: bool) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'app.io:write_json'\n", **files})
    make(app__="", app__job=SAVER)
    result = run("--write", "--unsafe-fixes")
    if found:
        assert result.exit_code == 0, result.output
        assert "from app.io import write_json\n" in Path("app/job.py").read_text()
        assert result.stdout.endswith("Repaired code imports `app.io` (1 file).\n")
    else:
        assert result.exit_code == 2
        assert Path("app/job.py").read_text() == SAVER


def test_a_helper_that_another_distribution_brings(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'state_files.io'\n"})
    make(job=SAVER)
    refused("job.py: not repaired")
    put({"requirements.txt": "State.Files\n"})
    repaired("job.py", "from state_files.io import atomic_write_json\n")


def test_a_distribution_of_another_name(here: Path) -> None:
    """As this Python knows it: `PyYAML` provides `yaml`."""
    put({"pyproject.toml": NO_DEPENDENCY + "dependencies = ['PyYAML']\n"
         "[tool.atomic-fix]\nhelper = 'yaml.files'\n"})  # fmt: skip
    make(job=SAVER)
    repaired("job.py", "from yaml.files import atomic_write_json\n")


def test_modules_of_this_python_are_found_without_importing_any(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put({
        "../path/pack/__init__.py": "raise SystemExit\n",
        "../path/pack/files.py": "raise SystemExit\ndef atomic_write_json(): ...\n",
        "atomic-fix.toml": "helper = 'pack.files'\n",
    })  # fmt: skip
    make(job=SAVER)
    assert "helper `pack.files` cannot be found" in refused("job.py: not repaired")
    monkeypatch.syspath_prepend(str(here.parent / "path"))
    repaired("job.py", "from pack.files import atomic_write_json\n")
    put({"atomic-fix.toml": "helper = 'pack.gone'\n"})
    make(job=SAVER)
    refused("job.py: not repaired")
    put({"atomic-fix.toml": "helper = 'pack.files.deeper'\n"})
    refused("job.py: not repaired")
    assert "pack" not in sys.modules


def test_a_module_that_is_compiled_has_any_name(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'fast'\n"})
    put({f"fast{sysconfig.get_config_var('EXT_SUFFIX')}": ""})
    make(job=SAVER)
    repaired("job.py", "from fast import atomic_write_json\n")


def test_a_package_of_the_project_comes_with_no_distribution(here: Path) -> None:
    """Not with the project itself either, although its extras depend on it."""
    put({"pyproject.toml": NO_DEPENDENCY + "[project.optional-dependencies]\nall = ['app[x]']\n"
         "[tool.atomic-fix]\nhelper = 'app.gone'\n"})  # fmt: skip
    make(job=SAVER)
    refused("job.py: not repaired: it would import `app.gone`, and helper `app.gone` cannot be")
    put({"requirements.txt": "app\natomic-fix\n"})
    make(app__="")
    refused("job.py: not repaired: it would import `app.gone`, and helper `app.gone` cannot be")
    put({"pyproject.toml": NO_DEPENDENCY})
    make(atomic_fix="hides = 'the distribution'\n")
    refused("job.py: not repaired: it would import `atomic_fix.runtime`")


@pytest.mark.parametrize(
    "files",
    [
        {"app/io.py": "import app.job\n"},
        {"app/io.py": "from app import job\n"},
        {"app/io.py": "from . import job\n"},
        {"app/io.py": "from .job import load_state\n"},
        {"app/io.py": "from app.inner import deep\n", "app/inner/deep.py": "from ..job import x\n"},
        {"app/io.py": "import app.inner.deep\n", "app/inner/__init__.py": "import app.job\n"},
        {"app/io.py": "try:\n    import app.other\nexcept ImportError:\n    pass\n",
         "app/other.py": "class A:\n    import app.io\n    import app.job\n"},
    ],
)  # fmt: skip
def test_no_circle_of_imports_is_made(here: Path, files: dict[str, str]) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'app.io'\n"})
    make(app__="", app__inner__="", app__inner__deep="", app__job=SAVER)
    put({name: f"{text}def atomic_write_json(*_): ...\n" for name, text in files.items()})
    assert left("app/job.py") == "it would import `app.io`, and it imports this file in turn"


@pytest.mark.parametrize(
    "text",
    [
        "import json, app, app.inner.deep\n",
        "def later():\n    import app.job\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app.job import x\n",
        "from app import gone\nfrom ....far import away\nfrom .inner import *\n",
    ],
)
def test_what_is_no_circle(here: Path, text: str) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'app.io'\n"})
    make(app__="import app.job\n", app__inner__="", app__inner__deep="", app__job=SAVER)
    make(app__io=f"{text}def atomic_write_json(*_): ...\n")
    repaired("app/job.py", "from app.io import atomic_write_json\n")


# Scripts.


@pytest.mark.parametrize(
    "name", ["setup.py", "sitecustomize.py", "usercustomize.py", "noxfile.py", "hatch_build.py"]
)
def test_what_runs_before_anything_is_installed_imports_nothing(here: Path, name: str) -> None:
    put({"pyproject.toml": DECLARES, name: SAVER, "atomic_io.py": ""})
    assert left(name) == (
        "it would import `atomic_fix.runtime`, and this file runs before anything is installed"
    )


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("[build-system]\nrequires = []\nbackend-path = ['backend']\n", "backend/state.py"),
        ("[tool.hatch.build.hooks.custom]\npath = 'make/state.py'\n", "make/state.py"),
        ("[tool.poetry.build]\nscript = 'make.py'\n", "make.py"),
        ("[tool.pdm.build]\ncustom-hook = 'make.py'\n", "make.py"),
    ],
)
def test_what_builds_the_project_imports_nothing(here: Path, table: str, name: str) -> None:
    put({"pyproject.toml": f"{DECLARES}{table}", name: SAVER})
    assert left(name).endswith("this file runs before anything is installed")


def test_a_setup_script_of_a_tree_that_declares_nothing(here: Path) -> None:
    make(sub__setup=SAVER)
    assert left("sub/setup.py").endswith("this file runs before anything is installed")


def test_a_module_of_a_package_may_be_called_setup(here: Path) -> None:
    put({"pyproject.toml": DECLARES})
    make(app__="", app__setup=SAVER, app__sitecustomize=SAVER)
    repaired("app/setup.py")
    assert RUNTIME in Path("app/sitecustomize.py").read_text()


def test_a_module_about_setup_files_marks_no_project(here: Path) -> None:
    put({"pyproject.toml": DECLARES})
    about = '"""Reads what is given to setup() of setuptools."""\n\n\ndef keywords():\n    pass\n'
    make(app__="", app__inner__="", app__inner__setup=about, app__inner__job=SAVER)
    repaired("app/inner/job.py")


@pytest.mark.parametrize("name", ["tools/make.py", "scripts/deep/make.py", ".github/make.py"])
def test_a_script_that_no_package_holds(here: Path, name: str) -> None:
    put({"pyproject.toml": DECLARES, name: SAVER})
    make(app__="", job=SAVER)
    assert left(name) == (
        "it would import `atomic_fix.runtime`, and this script is in no package or source "
        "folder, and may run where the project is not installed"
    )
    put({name: "import click\n" + SAVER})
    left(name)


def test_in_a_layout_with_src_the_files_beside_it_are_scripts(here: Path) -> None:
    put({"pyproject.toml": DECLARES})
    make(src__app__="", src__app__job=SAVER, tasks=SAVER)
    left("tasks.py")
    repaired_there = run("--write", "src")
    assert repaired_there.exit_code == 0


def test_a_file_beside_the_projects_of_a_tree_belongs_to_none(here: Path) -> None:
    put({"backend/pyproject.toml": DECLARES, ".git/HEAD": ""})
    make(backend__app__job=SAVER, skills__analysis=SAVER)
    assert "belongs to no project of the tree" in left("skills/analysis.py")
    assert run("--write", "--no-cache", "backend").exit_code == 0
    put({"skills/helper.py": Path(runtime.__file__).read_text(encoding="utf-8")})
    put({"pyproject.toml": '[tool.atomic-fix]\nhelper = "helper"\n'})
    repaired("skills/analysis.py", "from helper import")


PYTHON_2 = '    "Programming Language :: Python :: 2",\n'


def classifiers(lines: str, more: str = "") -> dict[str, str]:
    """A setup.py that declares the helper."""
    text = "from setuptools import setup\n\nsetup(\n    install_requires=['atomic-fix'],\n"
    return {"setup.py": f"{text}{more}    classifiers=[\n{lines}    ],\n)\n"}


@pytest.mark.parametrize("line", [PYTHON_2, PYTHON_2.replace("2", "2.7"), f"{PYTHON_2}# and 3\n"])
def test_a_project_for_python_2_too_has_no_such_helper(here: Path, line: str) -> None:
    put(classifiers(line))
    make(app__="", app__job=SAVER)
    assert left("app/job.py").endswith(
        "the project runs on Python 2 too, which the helper does not"
    )


@pytest.mark.parametrize(
    "files",
    [
        classifiers(f"# {PYTHON_2}"),
        classifiers(PYTHON_2.replace("2", "3")),
        classifiers(PYTHON_2.replace("2", "20")),
        classifiers(PYTHON_2, "    python_requires='>=3.10',\n"),
    ],
)
def test_a_project_for_python_3_does(here: Path, files: dict[str, str]) -> None:
    put(files)
    make(app__="", app__job=SAVER)
    repaired("app/job.py")


# Which Pythons the project admits.


@pytest.mark.parametrize(
    ("text", "lowest"),
    [
        (">=3.6", (3, 6)),
        (">=3.6,<3.12", (3, 6)),
        ("~=3.7", (3, 7)),
        ("~=3.7.2", (3, 7)),
        ("~=3.10", (3, 10)),
        (">=3.8, !=3.9.*", (3, 8)),
        (">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*", (3, 4)),
        (">=3.7,!=3.7.*", (3, 8)),
        (">=3.7.9", (3, 7)),
        (">3.9.6", (3, 9)),
        ("==3.7.12", (3, 7)),
        ("==3.9.*", (3, 9)),
        ("===3.8", (3, 8)),
        ("<=3.8", (3, 0)),
        (">=3", (3, 0)),
        (">=3.10", (3, 10)),
        (">=3.12,<4", (3, 10)),
        (">=3.9.0a1", (3, 9)),
        ("^3.7", (3, 7)),
        ("^3.7.1", (3, 7)),
        ("~3.9", (3, 9)),
        ("3.8.*", (3, 8)),
        ("3.9", (3, 9)),
        (">=3.8 <3.12", (3, 8)),
        (">= 3.8", (3, 8)),
        ("^3.11 || ~3.7", (3, 7)),
        ("", None),
        ("*", None),
        ("python", None),
        ("^3.8 || pypy", None),
    ],
)
def test_the_lowest_python_of_a_range(text: str, lowest: tuple[int, int] | None) -> None:
    assert python_versions.lowest_in(text) == lowest


def admitting(version: str) -> dict[str, dict[str, str]]:
    """Projects that declare the helper and support a Python version, each through a different file
    or key."""
    poetry = "[tool.poetry.dependencies]\natomic-fix = '*'\npython = "
    line = f'    "Programming Language :: Python :: {version}",\n'
    cfg = "[options]\ninstall_requires =\n  atomic-fix\npython_requires = >="
    return {
        "project": {"pyproject.toml": f"{DECLARES}requires-python = '>={version},<4'\n"},
        "poetry": {"pyproject.toml": f"{POETRY}{poetry}'^{version}'\n"},
        "poetry table": {"pyproject.toml": f"{POETRY}{poetry}{{version = '~{version}'}}\n"},
        "setup.cfg": {"setup.cfg": f"{cfg}{version}\n"},
        "setup.py": classifiers(PYTHON_2, f"    python_requires='>={version}',\n"),
        "classifiers": classifiers(f"{line}    'Programming Language :: Python :: 3.14',\n"),
    }


@pytest.mark.parametrize("kind", admitting("3.8"))
@pytest.mark.parametrize("version", ["3.6", "3.7"])
def test_no_import_for_pythons_on_which_the_helper_does_not_run(
    here: Path, kind: str, version: str
) -> None:
    files = admitting(version)[kind]
    put(files)
    make(app__="", app__job=SAVER)
    line = refused("app/job.py")
    assert f"{next(iter(files))} admits Python {version} (`" in line
    assert "on which the helper does not run (it needs 3.8); raise that version, or use" in line
    assert run("--write", "--no-cache", "--assume-helper").exit_code == 0
    assert RUNTIME in Path("app/job.py").read_text()


@pytest.mark.parametrize("kind", admitting("3.8"))
@pytest.mark.parametrize("version", ["3.8", "3.9"])
def test_a_copy_runs_on_pythons_for_which_there_is_no_package(
    here: Path, kind: str, version: str
) -> None:
    files = admitting(version)[kind]
    put(files)
    make(app__="", app__job=SAVER)
    line = refused("app/job.py")
    assert f"{next(iter(files))} admits Python {version} (`" in line
    assert "for which there is no atomic-fix (it needs 3.10); run `atomic-fix --vendor" in line
    vendored = run("--vendor", "app/atomic_io.py")
    assert (vendored.exit_code, "warning" in vendored.stderr) == (0, False)
    put({"atomic-fix.toml": 'helper = "app.atomic_io"\n'})
    Path("app/job.py").write_text(SAVER)
    assert run("--write", "--no-cache", "app/job.py").exit_code == 0
    assert "from app.atomic_io import" in Path("app/job.py").read_text()


@pytest.mark.parametrize("kind", admitting("3.10"))
def test_a_project_for_later_pythons_alone_has_the_import(here: Path, kind: str) -> None:
    put(admitting("3.10")[kind])
    make(app__="", app__job=SAVER)
    repaired("app/job.py")


def test_a_range_goes_before_the_classifiers(here: Path) -> None:
    old = '    "Programming Language :: Python :: 3.7",\n'
    put(classifiers(old, "    python_requires='>=3.10',\n"))
    make(app__="", app__job=SAVER)
    repaired("app/job.py")


@pytest.mark.parametrize("value", ["f'>={LOWEST}'", "read_lowest()", "'>=' + '3.6'"])
def test_a_range_that_is_computed_says_nothing(here: Path, value: str) -> None:
    put(classifiers("", f"    python_requires={value},\n"))
    make(app__="", app__job=SAVER)
    repaired("app/job.py")


def test_a_copy_warns_of_older_pythons_and_is_not_imported(here: Path) -> None:
    put({"pyproject.toml": f"{NO_DEPENDENCY}requires-python = '>=3.7'\n"})
    make(app__="", app__job=SAVER)
    result = run("--vendor", "app/atomic_io.py")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: pyproject.toml admits Python 3.7 (`")
    assert "it needs 3.8" in refused("app/job.py")


def test_a_helper_of_the_project_may_run_on_older_pythons(here: Path) -> None:
    put({"pyproject.toml": f"{NO_DEPENDENCY}requires-python = '>=3.6'\n"})
    put({"atomic-fix.toml": 'helper = "app.files"\n'})
    make(app__="", app__job=SAVER, app__files="def atomic_write_json(path, value): ...\n")
    repaired("app/job.py", "from app.files import atomic_write_json\n")


@pytest.mark.parametrize("head", ["", "from .names import NAME\n\n"])
def test_a_package_in_a_folder_of_scripts_is_theirs_alone(here: Path, head: str) -> None:
    put({"pyproject.toml": DECLARES})
    make(app__="", tools__deploy__store__="", tools__deploy__store__names="NAME = 1\n")
    make(tools__deploy__store__state=head + SAVER)
    left("tools/deploy/store/state.py")
    make(tools__deploy__store__state="import app\n" + head + SAVER)
    repaired("tools/deploy/store/state.py")


@pytest.mark.parametrize("folder", ["app", "app/tools", "python/app", "backend/app"])
def test_other_packages_are_part_of_the_program(here: Path, folder: str) -> None:
    put({"pyproject.toml": DECLARES})
    put({f"{folder}/__init__.py": "", f"{folder}/state.py": SAVER, "app/__init__.py": ""})
    repaired(f"{folder}/state.py")


def test_a_folder_of_scripts_that_is_a_source_root_holds_packages(here: Path) -> None:
    put({"pyproject.toml": DECLARES + '[tool.setuptools.packages.find]\nwhere = ["tools"]\n'})
    make(tools__app__="", tools__app__state=SAVER)
    repaired("tools/app/state.py")


@pytest.mark.parametrize("statement", ["import app", "from app.inner import x"])
def test_a_script_that_imports_what_is_installed_runs_there(here: Path, statement: str) -> None:
    put({"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fix", "click"]\n'})
    make(src__app__="", tools__make=f"{statement}\n{SAVER}")
    repaired("tools/make.py")


def test_a_script_of_tools_may_have_some_of_the_packages_alone(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fix", "click"]\n'})
    make(src__app__="", tools__make=f"import click\n{SAVER}", jobs__make=f"import click\n{SAVER}")
    assert "may run where the project is not installed" in left("tools/make.py")
    start = "\nif __name__ == '__main__':\n    save_state({})\n"
    make(tools____init__="", tools__make=f"import click\n{SAVER}{start}")
    assert "may run where the project is not installed" in left("tools/make.py")
    Path("tools/make.py").unlink()
    repaired("jobs/make.py")


def test_a_script_below_a_source_root_that_nothing_imports(here: Path) -> None:
    put({"setup.py": "from setuptools import setup\nsetup(name='app')\n"})
    launch = "from classes import store\n\nif __name__ == '__main__':\n    store\n"
    put({"src/launch.py": launch, "src/classes/__init__.py": ""})
    put({"src/classes/store.py": SAVER, "src/profiles/make.py": f"{SAVER}\nsave_state({{}})\n"})
    assert run("--vendor", "src/classes/atomic_io.py").exit_code == 0
    assert "may not find src/classes/atomic_io.py" in left("src/profiles/make.py")
    put({"src/launch.py": f"from profiles import make\n{launch}"})
    repaired("src/profiles/make.py", "from classes.atomic_io import atomic_write_json")


def test_an_installer_that_is_an_object_of_a_class(here: Path) -> None:
    install = """
import subprocess, sys
from lib.utils import save_state

class Install:
    def __init__(self, names):
        subprocess.check_call([sys.executable, "-m", "pip", "install", *names])

if __name__ == "__main__":
    Install(sys.argv[1:])
"""
    put({"pyproject.toml": DECLARES, "install.py": install})
    make(lib__="", lib__utils=SAVER, lib__other=SAVER)
    assert "before it installs" in left("lib/utils.py")


def test_a_script_of_the_system_that_imports_from_another_folder(here: Path) -> None:
    migrate = """#!/usr/bin/python3
import sys
sys.path.insert(0, 'management')
from utils import load_state, save_state

save_state(load_state())
"""
    put({"pyproject.toml": DECLARES, "setup/migrate.py": migrate})
    put({"management/utils.py": SAVER, "management/daemon.py": "import atomic_fix\nimport utils\n"})
    said = "whatever Python the system has runs setup/migrate.py, which imports this file"
    assert said in left_out("management/utils.py")
    put({"setup/migrate.py": migrate.partition("\n")[2]})
    repaired("management/utils.py")


def test_what_brings_the_program_up_to_date_starts_without_the_copy(here: Path) -> None:
    update = """
import os, requests

ROOT = os.path.dirname(__file__)

def self_update(name):
    found = requests.get("https://raw.githubusercontent.com/a/b/main/" + name)
    with open(os.path.join(ROOT, name), "wb") as file:
        file.write(found.content)
"""
    put({"requirements.txt": "requests\n", "app/__init__.py": "", "app/job.py": SAVER})
    put({"app/update.py": update + SAVER, "main.py": "from app import job, update\n"})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    assert "has to start where the copy is damaged or missing" in left("app/update.py")
    Path("app/update.py").unlink()
    repaired("app/job.py", "from app.atomic_io import atomic_write_json")


LISTS = {
    "setuptools": {"pyproject.toml": DECLARES + "[tool.setuptools]\npackages = ['app', 'app.x']\n"},
    "find": {"pyproject.toml": DECLARES + "[tool.setuptools.packages.find]\ninclude = ['app*']\n"},
    "exclude": {
        "pyproject.toml": DECLARES + "[tool.setuptools.packages.find]\nexclude = ['build_*']\n"
    },
    "hatch": {
        "pyproject.toml": DECLARES + "[tool.hatch.build.targets.wheel]\npackages = ['app']\n"
    },
    "poetry": {"pyproject.toml": DECLARES + "[[tool.poetry.packages]]\ninclude = 'app'\n"},
    "setup.cfg": {
        "setup.cfg": "[options]\ninstall_requires = atomic-fix\npackages =\n  app\n  app.x\n"
    },
    "setup.cfg find": {
        "setup.cfg": "[options]\ninstall_requires = atomic-fix\npackages = find:\n"
        "[options.packages.find]\ninclude = app*\n"
    },
    "setup.py": classifiers("", "    packages=['app', 'app.x'],\n"),
    "setup.py find": classifiers("", "    packages=find_packages(exclude=('build_*',)),\n"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_package_for_builds_is_not_part_of_the_program(here: Path, kind: str) -> None:
    put(LISTS[kind])
    make(app__="", app__job=SAVER, build_tools__="", build_tools__state=SAVER)
    make(make_release="import sys\n\nfrom build_tools.state import save_state\n")
    assert "the project does not distribute this package" in left("build_tools/state.py")
    assert run("--write", "--no-cache", "app").exit_code == 0
    assert RUNTIME in Path("app/job.py").read_text()


@pytest.mark.parametrize(
    "files",
    [
        {"build_tools/more.py": "import app\n"},
        {"build_tools/more.py": "import atomic_fix\n"},
        {"make_release.py": "import atomic_fix\nimport build_tools.state\n"},
        {"app/x/deep.py": "def later():\n    from build_tools import state\n"},
    ],
)
def test_a_package_that_runs_with_the_project_is(here: Path, files: dict[str, str]) -> None:
    put(LISTS["find"])
    make(app__="", build_tools__="", build_tools__state=SAVER, make_release="import build_tools\n")
    put(files)
    repaired("build_tools/state.py")


def test_a_list_of_packages_is_of_its_own_source_root(here: Path) -> None:
    where = "[tool.setuptools.packages.find]\nwhere = ['lib']\ninclude = ['app*']\n"
    put({"pyproject.toml": DECLARES + where})
    make(lib__app__="", lib__app__job=SAVER)
    repaired("lib/app/job.py")


SHIPPED = '[tool.hatch.build.targets.wheel.{table}]\n"{source}" = "{target}"\n'


@pytest.mark.parametrize("table", ["force-include", "shared-data"])
@pytest.mark.parametrize("source", ["scripts", "scripts/python", "scripts/python/store.py"])
def test_scripts_that_are_shipped_as_data(here: Path, table: str, source: str) -> None:
    shipped = SHIPPED.format(table=table, source=source, target="app/data/scripts")
    put({"pyproject.toml": DECLARES + shipped})
    make(src__app__="", scripts__python__serve="import app\n\nimport store\n")
    make(scripts__python__store=SAVER)
    assert "ships this script as data" in left("scripts/python/store.py")
    make(scripts__python__store=f"try:\n    import click\nexcept ImportError:\n    pass\n{SAVER}")
    assert "ships this script as data" in left("scripts/python/store.py")
    make(scripts__python__store=f"import app\n{SAVER}")
    repaired("scripts/python/store.py")


@pytest.mark.parametrize(
    ("source", "target"),
    [("scripts/other", "app/data"), ("scripts/python", "app"), ("scripts/py", "app/data")],
)
def test_scripts_that_are_not_shipped_as_data(here: Path, source: str, target: str) -> None:
    shipped = SHIPPED.format(table="force-include", source=source, target=target)
    put({"pyproject.toml": DECLARES + shipped})
    make(src__app__="", scripts__python__serve="import app\n\nimport store\n")
    make(scripts__python__store=SAVER)
    repaired("scripts/python/store.py")


def test_packages_that_are_shipped_are_no_data(here: Path) -> None:
    shipped = SHIPPED.format(table="force-include", source="lib/store", target="app/store")
    put({"pyproject.toml": DECLARES + shipped})
    make(src__app__="", lib__store__="", lib__store__state=SAVER)
    repaired("lib/store/state.py")


def test_a_script_beside_it_that_imports_it_shows_that_too(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\nflask\n"})
    make(tools__store=SAVER, tools__serve="import flask\n\nimport store\n")
    repaired("tools/store.py")


def test_a_script_whose_neighbours_alone_it_imports(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\nflask\n"})
    make(tools__store="import flask\n" + SAVER, tools__flask="")
    left("tools/store.py")


def test_a_folder_that_a_program_imports_is_a_package(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n"})
    make(main="from utils.state import save_state\n", utils__state=SAVER)
    repaired("utils/state.py")


def test_a_module_that_imports_from_its_package_is_no_script(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n"})
    make(tools__store="from . import other\n" + SAVER)
    repaired("tools/store.py")


def test_a_script_does_not_find_the_package(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(src__app__="", tools__make=SAVER)
    assert run("--vendor", "src/app/atomic_io.py").exit_code == 0
    assert left("tools/make.py") == (
        "it would import `app.atomic_io`, and this script is in no package, and may not find "
        "src/app/atomic_io.py"
    )
    make(tools__make="import app\n" + SAVER)
    repaired("tools/make.py", "from app.atomic_io import atomic_write_json\n")


SCRIPT = "# /// script\n# requires-python = '>=3.11'\n# dependencies = [{}]\n# ///\n"


def test_a_script_with_a_list_of_its_own_has_that_alone(here: Path) -> None:
    put({"pyproject.toml": DECLARES})
    make(job=SCRIPT.format("'click'") + SAVER)
    assert left("job.py").endswith("and the helper is not among them")
    make(job=SCRIPT.format("'click', 'atomic-fix'") + SAVER)
    repaired("job.py")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from a.b import x\n", ("x",)),
        ("import os\n\nfrom a.b import x, Y as _Y\n\n", ("x", "Y")),
        ("from a.b import (\n    x,  # why, indeed\n    y as z,\n)\n", ("x", "y")),
        ("from a.b import x, \\\n    y\n", ("x", "y")),
        ("    from a.b import x  # here\n", ("x",)),
        ("from a.b import x\nfrom a.b import y\n", ("x", "y")),
        ("from a.bc import x\nfrom .a.b import y\n# from a.b import z\nx(from_a)\n", ()),
    ],
)
def test_names_that_a_repair_imports(text: str, names: tuple[str, ...]) -> None:
    at = Position(1, 1)
    fix = Fix("", Applicability.SAFE, (Edit(Span(at, at), text),))
    assert helper_import.imported_names(fix, "a.b") == names
    assert helper_import.imported_names(None, "a.b") == ()


# What is written, and what is said.


def test_a_file_is_repaired_whole_or_not_at_all(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(both=SAVER + "\n\n" + UNSYNCED, plain=UNSYNCED)
    result = run("--write", "--unsafe-fixes")
    assert result.exit_code == 2
    assert Path("both.py").read_text() == SAVER + "\n\n" + UNSYNCED
    assert "os.fsync" in Path("plain.py").read_text(), "it needs nothing of the helper"
    # What was left has its repairs still, for when the program has the helper.
    assert result.stdout.endswith("Left 2 findings (2 fixable once the helper can be imported).\n")


def test_a_repair_that_was_not_asked_for_needs_nothing(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'gone:write'\n"})
    make(job=SAVER)
    result = run("--write")
    assert (result.exit_code, result.stderr) == (1, "")


def test_one_line_for_each_cause(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, "two/pyproject.toml": NO_DEPENDENCY})
    make(a=SAVER, b=SAVER, c=SAVER, two__d=SAVER)
    result = run("--write")
    first, second = result.stderr.splitlines()
    assert first.startswith("atomic-fix: error: a.py and 2 other files: not repaired: ")
    assert second.startswith("atomic-fix: error: two/d.py: not repaired: ")


def test_the_summary_counts_the_files_of_each_helper(here: Path) -> None:
    put({
        "atomic-fix.toml": "", "one/atomic-fix.toml": "helper = 'files'\n",
        "one/files.py": "def atomic_write_json(*_): ...\n",
    })  # fmt: skip
    make(a=SAVER, b=SAVER + "\n\n" + UNSYNCED, one__c=SAVER)
    result = run("--write", "--unsafe-fixes", "--show-fixes")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        "\nFixed 4 findings in 3 files. Repaired code imports `atomic_fix.runtime` (2 files), "
        "`files` (1 file).\n"
    )
    assert "Fixed a.py: ATF101 Write with `atomic_write_json` (imports `atomic_fix.runtime`)\n" in (
        result.stdout
    )
    again = "\n\ndef save_progress(path, state):\n    path.write_text(json.dumps(state))\n"
    Path("a.py").write_text(Path("a.py").read_text().replace("\n\n\n", "\nimport json\n\n\n", 1)
                            + again)  # fmt: skip
    result = run("--write")
    assert result.stdout.endswith("imports `atomic_fix.runtime` (1 file).\n"), result.stdout


@pytest.mark.parametrize("option", [True, False])
def test_an_option_and_a_setting_go_on_all_the_same(here: Path, option: bool) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(setup=SAVER, tools__make=SAVER)
    if not option:
        put({"atomic-fix.toml": "assume-helper = true\n"})
    result = run("--write", *(["--assume-helper"] if option else []))
    assert (result.exit_code, result.stderr) == (0, "")
    for name in ("setup.py", "tools/make.py"):
        assert RUNTIME in Path(name).read_text()


def test_interactive_asks_about_nothing_that_cannot_be(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(job=SAVER)
    result = run("--interactive", stdin="y\n")
    assert result.exit_code == 2
    assert "Apply?" not in result.stdout
    assert "job.py: not repaired: it would import" in result.stderr
    assert Path("job.py").read_text() == SAVER


def test_diff_shows_it_and_says_what_write_would_do(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(job=SAVER, tools__make=SAVER)
    result = run("--diff")
    assert result.exit_code == 1
    assert result.stdout.count("+from atomic_fix.runtime import atomic_write_json") == 1
    first, second = result.stderr.splitlines()
    assert first == (
        "Would fix 1 finding in 1 file once the helper can be imported. 1 finding would remain."
    )
    assert second.startswith("warning: job.py: --write would not repair it: it would import ")
    assert "--vendor atomic_io.py" in second


def test_standard_input_comes_back_as_it_was(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    for arguments in ((), ("--stdin-filename", "app/job.py")):
        result = run("-", "--write", *arguments, stdin=SAVER)
        assert (result.exit_code, result.stdout) == (2, SAVER)
        assert "not repaired: it would import `atomic_fix.runtime`" in result.stderr
    assert "--write would not repair it" in run("-", "--diff", stdin=SAVER).stderr
    put({"pyproject.toml": DECLARES})
    result = run("-", "--write", stdin=SAVER)
    assert result.exit_code == 0
    assert RUNTIME in result.stdout


@pytest.mark.parametrize(
    ("name", "hint", "applicability", "fixable"),
    [
        ("job.py", "--write, not yet", "safe", "1 fixable once the helper can be imported"),
        # Whatever anybody installs, --write leaves a script alone.
        ("tools/make.py", "shown only", "display", "1 without a fix"),
    ],
)
def test_a_report_shows_the_repair_and_what_is_missing(
    here: Path, name: str, hint: str, applicability: str, fixable: str
) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, name: SAVER})
    result = run("--output-format", "full")
    assert result.exit_code == 1
    assert f"= what to do: Write with `atomic_write_json` [{hint}]\n" in result.stdout
    assert result.stdout.endswith(f"Found 1 finding ({fixable}).\n")
    assert "= note: not applied by --write: it would import `atomic_fix.runtime`" in result.stdout
    (found,) = json.loads(run("--output-format", "json").stdout)
    assert found["fix"]["applicability"] == applicability
    assert "not applied by --write" in run("-", "--output-format", "full", stdin=SAVER).stdout


RENAMER = """\
import json
import os


def save_state(path, state):
    temporary = path + ".tmp"
    with open(temporary, "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
"""


def test_a_report_counts_what_write_would_repair_now(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    renamer = RENAMER.replace("save_state", "save_queue").replace("import json\n", "", 1)
    make(needs=SAVER, both=SAVER + "\n\n" + renamer, now=RENAMER)
    report = run("--output-format", "full").stdout
    now, later = "1 fixable with --write", "3 more once the helper can be imported"
    assert report.endswith(f"\nFound 4 findings ({now}, {later}).\n")
    held_up = "--write changes nothing in this file until all its repairs can be made"
    assert " ".join(report.split()).count(held_up) == 1
    assert report.count("[--write]\n") == 1
    for form in ("concise", "grouped"):
        assert run("--output-format", form).stdout.endswith(f"({now}, {later}).\n")
    counts = json.loads(run("--statistics", "--output-format", "json").stdout)
    assert {each["code"]: each["fixable_count"] for each in counts} == {"ATF101": 0, "ATF114": 1}
    assert run("--diff").stderr.splitlines()[0] == (
        "Would fix 1 finding in 1 file, and 3 findings in 2 files once the helper can be imported."
    )
    assert run("--write").stdout.endswith(
        "Fixed 1 finding in 1 file. Left 3 findings (3 fixable once the helper can be imported).\n"
    )
    again = run("both.py", "--write", "--assume-helper")
    assert again.stdout.startswith("Fixed 2 findings in 1 file.")


def test_a_report_counts_an_own_helper_as_write_does(here: Path) -> None:
    own = """\
import json
import os
{}

def write_json(path, obj):
    tmp = path + ".tmp"
    with open(tmp, "w") as file:
        json.dump(obj, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(tmp, path)
"""
    put({
        "pyproject.toml": NO_DEPENDENCY + "[tool.atomic-fix]\nhelper = 'auto'\n",
        "app/__init__.py": "", "app/io.py": own.format("from app import job\n"),
    })  # fmt: skip
    saver = "import json\n\n\ndef save_state(path, state):\n"
    saver += '    with open(path, "w") as file:\n        json.dump(state, file)\n'
    make(app__job=saver)
    found = "Found 1 finding (1 without a fix).\n"
    assert run("--unsafe-fixes").stdout.endswith(found), "it would import itself"
    assert run("--write", "--unsafe-fixes").stdout.endswith(found)
    put({"app/io.py": own.format("")})
    assert run("--unsafe-fixes").stdout.endswith("1 fixable with --write --unsafe-fixes).\n")
    assert run("--write", "--unsafe-fixes").stdout.startswith("Fixed 1 finding in 1 file.")


def test_an_alternative_waits_with_the_repair(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    loader = SAVER.replace(
        "    return json.loads(path.read_text())\n",
        "    try:\n        return json.loads(path.read_text())\n"
        "    except json.JSONDecodeError:\n        return None\n\n\n"
        "def main(path):\n    print(load_state(path) or 'new')\n",
    )
    make(job=loader)
    said = " ".join(run("--output-format", "full").stdout.split())
    assert "[--write --unsafe-fixes, not yet --on-corrupt raise]" not in said
    assert "[--write --unsafe-fixes --on-corrupt raise, not yet]" in said


def test_an_unsafe_repair_that_waits_holds_up_only_unsafe_ones(here: Path) -> None:
    put({"pyproject.toml": "[tool.atomic-fix]\nhelper = 'gone:write'\n"})
    renamer = RENAMER.replace("save_state", "save_queue").replace("import json\n", "", 1)
    make(job=SAVER + "\n\n" + renamer)
    assert run().stdout.endswith(
        "Found 2 findings (1 fixable with --write, 1 more once the helper can be imported).\n"
    )
    assert run("--unsafe-fixes").stdout.endswith(
        "Found 2 findings (2 fixable once the helper can be imported).\n"
    )
    assert "Fixed" not in run("--write", "--unsafe-fixes").stdout
    run("--write")
    assert "os.replace(temporary, path)" in Path("job.py").read_text()


def test_a_report_says_once_what_is_missing(here: Path) -> None:
    names = {f"app/job_{number}.py": SAVER for number in range(3)}
    put({"pyproject.toml": NO_DEPENDENCY, "app/__init__.py": "", **names})
    said = run("--output-format", "full").stdout
    assert said.count("[--write, not yet]\n") == 3
    assert said.count("run `atomic-fix --vendor app/atomic_io.py`") == 1
    note = "= note: not applied by --write, for the reason given at app/job_0.py:5\n"
    assert said.count(note) == 2
    # Whoever reads a finding by itself gets all of it.
    each = json.loads(run("--output-format", "json").stdout)
    assert all("run `atomic-fix --vendor" in one["fix"]["note"] for one in each)
    refused = run("--write", "--output-format", "full")
    assert "app/job_0.py and 2 other files: not repaired: they would import" in refused.stderr
    assert refused.stdout == said


def test_a_clean_report_looks_at_no_project(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(helper_import.HelperImports, "__init__", fail)
    make(job="x = 1\n", broken="def (:\n", unfixable=SAVER.replace("path", "'/state.json'"))
    run()


def test_a_helper_is_read_once_for_all_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from atomic_fix.run.project import text_of

    read: list[str] = []

    def counted(path: str) -> str | None:
        read.append(Path(path).name)
        return text_of(path)

    monkeypatch.setattr(helper_import, "text_of", counted)
    names = {f"app/job_{number}.py": SAVER for number in range(4)}
    put({"pyproject.toml": NO_DEPENDENCY, "app/__init__.py": "", **names})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    result = run("--output-format", "full")
    assert "[--write]" in result.stdout
    assert "not applied by --write" not in result.stdout
    assert read.count("atomic_io.py") == 1


def test_comments_that_suppress_need_no_helper(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(job=SAVER)
    result = run("--add-noqa", "scratch")
    assert (result.exit_code, result.stdout) == (0, "Suppressed 1 finding in 1 file.\n")


def test_the_advice_names_the_package(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY.replace("app", "The_App")})
    make(src__aaa__="", src__the_app__="", checks__x="import aaa\n" + SAVER)
    assert "`atomic-fix --vendor src/the_app/atomic_io.py`" in refused("checks/x.py: not repaired")
    make(src__the_app__atomic_io="mine = 1\n")
    assert "`atomic-fix --vendor src/the_app/atomic_writes.py`" in refused("checks/x.py")


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("src/app/files.py", "app.files"),
        ("src/files.py", "files"),
        ("src/space/files.py", "space.files"),
        ("tools/files.py", "files"),
        ("tests/deep/files.py", "deep.files"),
    ],
)
def test_the_name_of_a_module(here: Path, path: str, module: str) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, "src/app/__init__.py": "", "tests/deep/__init__.py": ""})
    whole = str(here / path)
    assert Projects().of(whole).module_of(whole) == module


@pytest.mark.parametrize(
    "sign", ["if __name__ == '__main__':\n    pass\n", "#!/usr/bin/env python3\n", "import files\n"]
)
def test_a_folder_of_scripts_is_no_package(here: Path, sign: str) -> None:
    put({"pyproject.toml": NO_DEPENDENCY, "lib/job.py": sign, "lib/files.py": ""})
    whole = str(here / "lib/files.py")
    assert Projects().of(whole).module_of(whole) == "files"
    put({"lib/job.py": "import lib.files\n"})
    assert Projects().of(whole).module_of(whole) == "lib.files"


# Files that run without what the project installs.


INSTALLER = """\
import subprocess
import sys

{before}

def ensure_requirements():
    subprocess.check_call([sys.executable, "-m", "pip", "install", "-r", "requirements.txt"])


def main():
    ensure_requirements()
    import late


if __name__ == "__main__":
    main()
"""
REQUIREMENTS = {"requirements.txt": "atomic-fix\n"}
BEFORE = "a start script imports this file before it installs anything"


def apart(name: str, reason: str) -> None:
    """A file gets no import, with or without the option."""
    before = Path(name).read_text(encoding="utf-8")
    for options in ([], ["--assume-helper"]):
        result = run("--write", "--no-cache", "--output-format", "full", *options, name)
        assert result.exit_code == 1, (options, result.output)
        assert reason in result.stdout
        assert Path(name).read_text(encoding="utf-8") == before


def test_what_a_start_script_imports_before_it_installs_gets_no_import(here: Path) -> None:
    put(REQUIREMENTS)
    put({"start.py": INSTALLER.format(before="import store\n")})
    make(store="import deeper\n" + SAVER, deeper=SAVER, late=SAVER)
    apart("store.py", BEFORE)
    apart("deeper.py", BEFORE)
    assert run("--write", "--no-cache", "late.py").exit_code == 0
    assert RUNTIME in Path("late.py").read_text()


def test_a_script_that_installs_gets_no_import_itself(here: Path) -> None:
    put(REQUIREMENTS)
    put({"start.py": INSTALLER.format(before="") + "\n\n" + SAVER})
    apart("start.py", BEFORE)


@pytest.mark.parametrize(
    "script",
    [
        # An import that fails is what starts the installation.
        INSTALLER.format(before="try:\n    import store\nexcept ImportError:\n    pass\n"),
        # It says what to do, and does nothing.
        "import store\n\nprint('run pip install -r requirements.txt')\n",
        # What it installs are the packages of others, when it is asked to.
        "import os, store\n\n\ndef add(name):\n    os.system('pip install ' + name)\n",
        "import os\nos.system('pip install -r requirements.txt')\nimport store\n",
    ],
)
def test_what_is_imported_later_or_anew_may_have_the_import(here: Path, script: str) -> None:
    put({**REQUIREMENTS, "start.py": script})
    make(store=SAVER)
    repaired("store.py")


def test_a_copy_of_the_helper_is_there_before_anything_is_installed(here: Path) -> None:
    put({**REQUIREMENTS, "atomic-fix.toml": 'helper = "files"\n'})
    put({"start.py": INSTALLER.format(before="import store\n")})
    put({"files.py": Path(runtime.__file__).read_text(encoding="utf-8")})
    make(store=SAVER)
    assert run("--write", "--no-cache", "store.py").exit_code == 0
    assert "from files import atomic_write_json" in Path("store.py").read_text()


def test_a_folder_on_the_path_of_a_start_script_is_searched_too(here: Path) -> None:
    script = "import os, sys\nsys.path.append(os.path.join(os.getcwd(), 'parts'))\nimport store\n"
    put({**REQUIREMENTS, "start.py": script + INSTALLER.format(before="")})
    make(parts__store=SAVER)
    apart("parts/store.py", BEFORE)


SENDERS = [
    (
        "import subprocess, os\nHERE = os.path.abspath(os.path.dirname(__file__))\n\n\n"
        "def send(host):\n    subprocess.run(['rsync', '-a', HERE, host])\n"
    ),
    (
        "import os\nfrom subprocess import run\n\n\n"
        "def send(path):\n    run(['rsync', path, 'vm:'])\n\n\n"
        "def prepare():\n    here = os.path.dirname(__file__)\n    send(os.path.join(here))\n"
    ),
    "from pathlib import Path\n\n\ndef send(sftp):\n    sftp.put(Path(__file__).parent, 'app')\n",
    (
        "import os, shutil\nfrom pathlib import Path\n\n\n"
        "def copy(to):\n    shutil.copytree(Path(__file__).resolve().parent, to)\n"
    ),
    (
        "import os\n\n\ndef send(host):\n    here = os.path.dirname(os.path.realpath(__file__))\n"
        "    os.system('scp -r %s %s' % (here, host))\n"
    ),
    (
        "import os\n\n\ndef send(run, host):\n    here = os.path.dirname(__file__)\n"
        "    run(['rsync', '-a', f'{here}/', host])\n"
    ),
]


@pytest.mark.parametrize("sender", SENDERS)
def test_a_package_that_sends_itself_imports_a_copy_alone(here: Path, sender: str) -> None:
    put({"pyproject.toml": DECLARES})
    make(app__="", app__job=SAVER, app__remote=sender, other__="", other__job=SAVER)
    line = refused("app/job.py", "app")
    assert "app/remote.py sends this package to where it may not be installed" in line
    assert line.endswith("run `atomic-fix --vendor app/atomic_io.py`: a copy is sent along")
    assert run("--write", "--no-cache", "other").exit_code == 0
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    assert run("--write", "--no-cache", "app").exit_code == 0
    assert "from app.atomic_io import" in Path("app/job.py").read_text()


@pytest.mark.parametrize(
    "sender",
    [
        # Some of its files, which are data.
        (
            "import os, shutil\n\n\ndef copy(to):\n"
            "    shutil.copytree(os.path.join(os.path.dirname(__file__), 'templates'), to)\n"
        ),
        "import os\nHERE = os.path.dirname(__file__)\nos.system(f'scp {HERE}/data {HERE}/x vm:')\n",
        # Something else, to its own folder.
        (
            "import os, shutil\n\n\ndef copy(what):\n"
            "    shutil.copytree(what, os.path.dirname(__file__))\n"
        ),
        # It is installed there.
        SENDERS[0] + "    subprocess.run(['ssh', host, 'pip install -r requirements.txt'])\n",
        (
            "import os\n\n\ndef run(host):\n    os.system('rsync -a data ' + host)\n"
            "\n\ndef here():\n    return os.path.dirname(__file__)\n"
        ),
    ],
)
def test_a_package_that_sends_something_else_has_the_import(here: Path, sender: str) -> None:
    put({"pyproject.toml": DECLARES})
    make(app__="", app__job=SAVER, app__remote=sender)
    repaired("app/job.py")


ADD_ONS: dict[str, tuple[str, dict[str, str]]] = {
    "Kodi": ("plugin/lib/store.py", {"plugin/addon.xml": '<addon id="plugin.video.x">'}),
    "QGIS": ("plugin/store.py", {"plugin/metadata.txt": "[general]\nqgisMinimumVersion=3.0\n"}),
    "Blender": ("plugin/store.py", {"plugin/__init__.py": 'bl_info = {"name": "x"}\n'}),
    "Anki": ("plugin/store.py", {"plugin/__init__.py": "from aqt import mw\n"}),
    "Sublime Text": ("store.py", {"X.sublime-settings": "{}"}),
    "calibre": ("plugin/store.py", {"plugin/plugin-import-name-x.txt": ""}),
    "Inkscape": ("plugin/store.py", {"plugin/x.inx": "<inkscape-extension/>"}),
    "Home Assistant": (
        "custom_components/x/store.py",
        {"custom_components/x/manifest.json": '{"domain": "x", "requirements": ["six"]}'},
    ),
    "a plugin": (
        "plugin/scripts/store.py",
        {"plugin/skills/x/SKILL.md": "", "plugin/SKILL.md": ""},
    ),
    "whatever Python the system has": ("scripts/store.py", {}),
    "a script packs this file": (
        "app/store.py",
        {"app/__init__.py": "", "make_plugin.py": "import zipfile\nfolders = ['app', 'six']\n"},
    ),
}


@pytest.mark.parametrize("host", ADD_ONS)
def test_what_another_program_loads_gets_no_import(here: Path, host: str) -> None:
    name, files = ADD_ONS[host]
    shebang = "#!/usr/bin/env python3\n" if name.startswith("scripts") else ""
    put({"pyproject.toml": DECLARES, **files, name: shebang + SAVER})
    apart(name, host)


@pytest.mark.parametrize("folder", ["app/_vendor", "third_party", "app/extern", "3rdparty"])
def test_a_copy_of_another_project_gets_no_import(here: Path, folder: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({f"{folder}/__init__.py": "", f"{folder}/six/__init__.py": ""})
    put({f"{folder}/six/store.py": SAVER})
    apart(f"{folder}/six/store.py", "this file is a copy of another project")
    assert run("--write", "--no-cache", "app/job.py").exit_code == 0
    assert RUNTIME in Path("app/job.py").read_text()


def test_vendors_of_a_shop_are_no_other_projects(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/vendor/__init__.py": ""})
    put({"app/vendor/store.py": SAVER, "app/external_api/store.py": SAVER})
    repaired("app/vendor/store.py")


def test_an_add_on_may_import_what_its_host_installs_for_it(here: Path) -> None:
    manifest = '{"domain": "x", "requirements": ["atomic-fix==1.0"]}'
    name = "custom_components/x/store.py"
    put({"custom_components/x/manifest.json": manifest, "custom_components/x/__init__.py": ""})
    put({"pyproject.toml": DECLARES, name: SAVER})
    repaired(name)


def test_a_release_that_packs_no_plugin_changes_nothing(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "release.py": "import zipfile\nfolders = ['app']\n"})
    make(app__="", app__store=SAVER)
    repaired("app/store.py")


def test_a_tree_of_python_2_gets_no_import(here: Path) -> None:
    old = {f"app/{each}.py": "print 'it is %s' % 2\n" for each in "ab"}
    put({"requirements.txt": "atomic-fix\n", "app/__init__.py": "", **old, "app/store.py": SAVER})
    apart("app/store.py", "other files of the project are for Python 2")
    put({f"app/{each}.py": "print('it is %s' % 2)\n" for each in "ab"})
    put({"tests/old.py": "print 'x'\n", "tests/older.py": "print 'x'\n"})
    assert run("--write", "--no-cache", "app").exit_code == 0
    assert RUNTIME in Path("app/store.py").read_text()


def test_a_container_with_python_2_gets_no_import(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n", "Dockerfile": "FROM python:2.7-slim\n"})
    make(app__="", app__store=SAVER)
    apart("app/store.py", "other files of the project are for Python 2")


RENAMED = """\
import os


def save_checkpoint(path, data):
    tmp = path + ".tmp"
    with open(tmp, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.remove(path)
    os.rename(tmp, path)
"""
ON_PYTHON_2 = {
    "an installer": {"scripts/install.sh": "[ ! -d ${D} ] && virtualenv -p python2 ${D}\n"},
    "another": {"install.sh": "virtualenv --python=/usr/bin/python2.7 env\n"},
    "its pip": {"setup.sh": "sudo python2 -m pip install six\n"},
    "a start script": {
        "klippy/main.py": "#!/usr/bin/env python2\nif __name__ == '__main__':\n    pass\n"
    },
    "its tests": {".github/workflows/x.yml": "      python-version: ['2.7', '3.9']\n"},
    "tox": {"tox.ini": "[tox]\nenvlist = py27,py39\n"},
    "a range": {"setup.py": "from setuptools import setup\nsetup(python_requires='>=2.7')\n"},
    "an old range": {"setup.py": "from setuptools import setup\nsetup(python_requires='>=3.2')\n"},
}


@pytest.mark.parametrize("files", ON_PYTHON_2.values(), ids=ON_PYTHON_2)
def test_a_program_on_python_2_is_given_no_os_replace(here: Path, files: dict[str, str]) -> None:
    put({"klippy/store.py": RENAMED, **files})
    result = run("--write", "--unsafe-fixes", "--no-cache", "klippy/store.py")
    assert Path("klippy/store.py").read_text() == RENAMED, result.output
    found = run("--output-format", "json", "--no-cache", "klippy/store.py").stdout
    assert "it would call `os.replace`, and " in found


NOT_ON_PYTHON_2 = {
    "nothing": {},
    "a comment": {"install.sh": "# virtualenv -p python2 env\n"},
    "a package": {"install.sh": "apt-get install virtualenv python2-dev\n"},
    "a module": {"klippy/old.py": "#!/usr/bin/env python2\n"},
    "a range": {
        "pyproject.toml": "[project]\nname = 'x'\nrequires-python = '>=3.8'\n",
        "install.sh": "virtualenv -p python2 env\n",
    },
}


@pytest.mark.parametrize("files", NOT_ON_PYTHON_2.values(), ids=NOT_ON_PYTHON_2)
def test_a_program_on_python_3_is_given_os_replace(here: Path, files: dict[str, str]) -> None:
    put({"klippy/store.py": RENAMED, **files})
    run("--write", "--unsafe-fixes", "--no-cache", "klippy/store.py")
    assert "os.replace(tmp, path)" in Path("klippy/store.py").read_text()


INSTALLS_LIST = {
    "below a variable": "  ${PYTHONDIR}/bin/pip install -r ${SRC}/scripts/app-requirements.txt\n",
    "beside it": 'python3 -m pip install --upgrade -r "$(dirname $0)/app-requirements.txt"\n',
    "in quotes": 'pip install -r "$(dirname "$0")"/app-requirements.txt\n',
    "by its path": "pip3 install --requirement=scripts/app-requirements.txt && true\n",
}


@pytest.mark.parametrize("text", INSTALLS_LIST.values(), ids=INSTALLS_LIST)
def test_a_list_that_an_installer_names_is_a_declaration(here: Path, text: str) -> None:
    put({"scripts/install.sh": text, "scripts/app-requirements.txt": "cffi\n"})
    put({"app/store.py": SAVER, "app/__init__.py": ""})
    assert "scripts/app-requirements.txt declares no dependency" in refused("app/store.py")
    put({"scripts/app-requirements.txt": "cffi\natomic-fix\n"})
    repaired("app/store.py")


@pytest.mark.parametrize(
    "text",
    ["# pip install -r scripts/app-requirements.txt\n", "pip install -r scripts/gone.txt\n",
     "pip install -r scripts/tests-requirements.txt\n"],
)  # fmt: skip
def test_other_lists_of_installers_are_not_read(here: Path, text: str) -> None:
    put({"scripts/install.sh": text, "scripts/app-requirements.txt": "cffi\n"})
    put({"scripts/tests-requirements.txt": "pytest\n"})
    put({"app/store.py": SAVER, "app/__init__.py": ""})
    # They show that something declares what the program needs, but not that this is it.
    assert "and does not name atomic-fix" in refused("app/store.py")


# How the modules of a folder import each other.


def vendored_as_advised(name: str) -> None:
    """The two commands that the message about a refused file leads to."""
    command = refused(name).partition("`atomic-fix ")[2].partition("`")[0]
    assert run(*command.split()).exit_code == 0
    assert run("--write", "--no-cache").exit_code == 0


def starts(*arguments: str) -> None:
    bare = [sys.executable, "-S", "-E", "-B", *arguments]
    subprocess.run(bare, check=True)


def test_a_copy_goes_where_flat_imports_find_it(here: Path) -> None:
    put({"requirements.txt": "click\n"})
    make(apps__main__const="A = 1\n", apps__main__job="from const import A\n\n" + SAVER)
    make(apps__main__other=SAVER)
    vendored_as_advised("apps/main/job.py")
    assert Path("apps/main/atomic_io.py").exists()
    assert "from atomic_io import" in Path("apps/main/other.py").read_text()
    starts("apps/main/job.py")


def test_a_second_copy_where_one_module_of_the_folder_finds_the_first(here: Path) -> None:
    put({"requirements.txt": "click\n", "core/__init__.py": "", "core/paths.py": "A = 1\n"})
    make(core__state=SAVER, studio__const="A = 1\n", studio__job="from const import A\n\n" + SAVER)
    make(studio__bridge="from core.paths import A\n")
    assert run("--vendor", "core/atomic_io.py").exit_code == 0
    assert run("--vendor", "studio/atomic_io.py").exit_code == 0
    repaired("studio/job.py", "from atomic_io import atomic_write_json")
    assert "from core.atomic_io import" in Path("core/state.py").read_text()


def test_a_copy_that_flat_imports_do_not_find_is_not_imported(here: Path) -> None:
    put({"requirements.txt": "click\n"})
    make(apps__main__const="A = 1\n", apps__main__job="from const import A\n\n" + SAVER)
    assert run("--vendor", "apps/atomic_io.py").exit_code == 0
    line = left_out("apps/main/job.py")
    assert "import each other by way of apps/main/, not by way of where apps/atomic_io.py" in line
    assert line.endswith("; run `atomic-fix --vendor apps/main/atomic_io.py`")
    assert run("--vendor", "apps/main/atomic_io.py").exit_code == 0
    nested = Path("apps/main/atomic-fix.toml").read_text()
    assert nested == 'extend = "../../atomic-fix.toml"\nhelper = "atomic_io"\n'
    repaired("apps/main/job.py", "from atomic_io import atomic_write_json")


def test_a_source_root_may_have_an_init_file(here: Path) -> None:
    put({"setup.py": "from setuptools import setup\nsetup(package_dir={'': 'src'})\n"})
    make(src__="", src__names="A = 1\n", src__job="from names import A\n\n" + SAVER)
    make(src__tools__deep="import os, sys\n\nimport job\n\n" + SAVER, src__tools__="")
    vendored_as_advised("src/job.py")
    assert Path("src/atomic_io.py").exists()
    assert "from atomic_io import" in Path("src/tools/deep.py").read_text()
    starts("src/job.py")


def test_relative_imports_make_a_package(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    make(app__="", app__config="", app__job="import config\nfrom . import config as c\n" + SAVER)
    assert "--vendor app/atomic_io.py" in refused("app/job.py")
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    repaired("app/job.py", "from app.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize(
    "row",
    [
        "sys.path.insert(0, 'management')",
        "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'management'))",
        "sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'management'))",
        (
            "HERE = os.path.abspath(__file__)\nsys.path.insert(0, HERE)\n"
            "UP = os.path.dirname(os.path.dirname(HERE))\n"
            "sys.path.insert(0, os.path.join(UP, 'management'))"
        ),
    ],
)
def test_a_script_finds_what_it_puts_on_the_path(here: Path, row: str) -> None:
    put({"requirements.txt": "click\n", "atomic-fix.toml": 'helper = "files"\n'})
    put({"management/files.py": Path(runtime.__file__).read_text(encoding="utf-8")})
    make(setup__migrate=f"import os\nimport sys\nfrom pathlib import Path\n\n{row}\n\n{SAVER}")
    assert run("--write", "--no-cache", "setup").exit_code == 0
    assert "from files import atomic_write_json\n" in Path("setup/migrate.py").read_text()
    starts("setup/migrate.py")


@pytest.mark.parametrize("files", [{}, {"requirements.txt": "click\n"}, {"setup.cfg": "[a]\n"}])
def test_a_project_without_pyproject_gets_a_file_of_settings(
    here: Path, files: dict[str, str]
) -> None:
    put({**files, "app/__init__.py": "", "app/job.py": SAVER})
    result = run("--vendor", "app/atomic_io.py")
    assert (result.exit_code, result.stderr) == (
        0,
        'atomic-fix.toml: new, with `helper = "app.atomic_io"`\n',
    )
    assert Path("atomic-fix.toml").read_text() == 'helper = "app.atomic_io"\n'
    repaired("app/job.py", "from app.atomic_io import atomic_write_json\n")


# Pythons that other files tell of.


GUARD = "import sys\n\nif {}:\n    sys.exit('too old')\n"
SIGNS = {
    "guard": {"run.py": GUARD.format("sys.version_info < (3, {})")},
    "guard of a slice": {"run.py": GUARD.format("sys.version_info[:2] < (3, {})")},
    "guard of parts": {
        "run.py": GUARD.format("sys.version_info.major < 3 or sys.version_info.minor < {}")
    },
    "guard the other way": {"run.py": GUARD.format("not sys.version_info >= (3, {})")},
    "assertion": {"run.py": "import sys\nassert sys.version_info >= (3, {})\n"},
    "mypy.ini": {"mypy.ini": "[mypy]\npython_version = 3.{}\n"},
    "mypy": {"pyproject.toml": "[tool.mypy]\npython_version = '3.{}'\n"},
    "setup.cfg": {"setup.cfg": "[mypy]\npython_version = 3.{}\n"},
    "ruff": {"pyproject.toml": "[tool.ruff]\ntarget-version = 'py3{}'\n"},
    "black": {"pyproject.toml": "[tool.black]\ntarget-version = ['py3{}', 'py312']\n"},
    ".python-version": {".python-version": "3.{}.1\n"},
    "runtime.txt": {"runtime.txt": "python-3.{}.4\n"},
    "Pipfile": {"Pipfile": "[requires]\npython_version = '3.{}'\n[packages]\natomic-fix = '*'\n"},
    "environment": {"environment.yml": "dependencies:\n  - python=3.{}\n  - pip\n"},
    "recipe": {"conda/meta.yaml": "requirements:\n  run:\n    - python >=3.{}\n"},
    "image": {"Dockerfile": "FROM python:3.{}-slim\nRUN pip install -r requirements.txt\n"},
    "image with a variable": {"docker/Dockerfile": "ARG PYTHON_VERSION=3.{}\n"},
    "image with another": {
        "Dockerfile": "ARG BASE=3.{}.2-alpine3.11\nFROM python:${BASE}\nRUN pip install .\n"
    },
    "travis": {".travis.yml": "language: python\npython:\n  - '3.12'\n  - '3.{}'\n"},
    "tox": {"tox.ini": "[tox]\nenvlist = lint, py{{3{},311}}\n"},
    "workflow": {".github/workflows/t.yml": "  python-version: ['3.12', \"3.{}\"]\n"},
    "workflow in rows": {".github/workflows/t.yml": "  python-version:\n    - 3.12\n    - 3.{}\n"},
    "readme": {"README.md": "Needs Python 3.{} or newer.\n"},
}


def signing(kind: str, minor: int) -> dict[str, str]:
    found = {name: text.replace("{}", str(minor)) for name, text in SIGNS[kind].items()}
    if kind == "tox":
        found = {name: text.format(minor) for name, text in SIGNS[kind].items()}
    return {"requirements.txt": "atomic-fix\n", **found}


@pytest.mark.parametrize("kind", SIGNS)
def test_other_files_tell_which_pythons_are_in_use(here: Path, kind: str) -> None:
    put({"app/__init__.py": "", "app/job.py": SAVER, **signing(kind, 10)})
    repaired("app/job.py")
    put({"app/job.py": SAVER, **signing(kind, 7)})
    name = next(iter(SIGNS[kind]))
    assert f"{name} admits Python 3.7 (`" in refused("app/job.py")
    put(signing(kind, 9))
    assert "for which there is no atomic-fix (it needs 3.10)" in refused("app/job.py")


@pytest.mark.parametrize(
    ("image", "minor"), [("ubuntu:18.04", 6), ("debian:buster-slim", 7), ("ubuntu:22.04", None)]
)
def test_the_python_of_a_system(here: Path, image: str, minor: int | None) -> None:
    put({"requirements.txt": "atomic-fix\n", "app/__init__.py": "", "app/job.py": SAVER})
    put({"Dockerfile": f"FROM {image}\nRUN apt-get install -y python3-pip\n"})
    if minor is None:
        repaired("app/job.py")
    else:
        assert f"Dockerfile admits Python 3.{minor}" in refused("app/job.py")


@pytest.mark.parametrize(
    "files",
    [
        # What its installation refuses, no other file admits.
        {"pyproject.toml": DECLARES + "requires-python = '>=3.10'\n[tool.black]\n"
         "target-version = ['py38']\n"},
        {"run.py": GUARD.format("sys.version_info < (3, 10)"), "mypy.ini": "python_version = 3.7"},
        {"run.py": "import sys\nif sys.version_info < (3, 8):\n    import typing_extensions\n"},
        {"tox.ini": "[tox]\n# envlist = py37\nenvlist = py311\n"},
        {"Dockerfile": "FROM ubuntu:18.04\nRUN apt-get install python3.12\n"},
        {"README.md": "Python 3.7 is no longer supported.\n"},
    ],
)  # fmt: skip
def test_what_admits_no_older_python(here: Path, files: dict[str, str]) -> None:
    put({"requirements.txt": "atomic-fix\n", "app/__init__.py": "", "app/job.py": SAVER, **files})
    repaired("app/job.py")


# Whether what is declared reaches the place where the program runs.


@pytest.mark.parametrize(
    "files",
    [
        {"requirements-dev.txt": "atomic-fix\n", "requirements.txt": "click\n"},
        {"dev-requirements.txt": "atomic-fix\n"},
        {"requirements/dev.txt": "atomic-fix\n", "requirements/base.txt": ""},
        # The list of the tests: the program runs without it.
        {"requirements.txt": "atomic-fix\npytest\nflake8\n"},
        {"requirements.txt": "atomic-fix\nrequests\n", "app/x.py": "import flask\n"},
        {
            "requirements.txt": "atomic-fix\nrequests\n",
            "app/x.py": "try:\n    import requests\nexcept ImportError:\n    requests = None\n",
        },
        {
            "requirements.txt": "atomic-fix\n",
            "pyproject.toml": NO_DEPENDENCY + "dependencies=['x']",
        },
    ],
)
def test_a_list_that_is_not_installed_with_the_program(here: Path, files: dict[str, str]) -> None:
    put({"app/__init__.py": "", "app/job.py": SAVER, **files})
    line = refused("app/job.py")
    assert line.endswith("; run `atomic-fix --vendor app/atomic_io.py`: a copy comes with it")


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "atomic-fix\nPyYAML\n", "app/x.py": "import yaml, json\n"},
        {"requirements.txt": "atomic-fix\npython-dotenv\n", "app/x.py": "import dotenv\n"},
        {"requirements.txt": "atomic-fix\npytest\n", "Dockerfile": "COPY requirements.txt .\n"},
        {"requirements.txt": "atomic-fix\npytest\n", "Procfile": "web: python app\n"},
        {
            "requirements.txt": "atomic-fix\npytest\n",
            "docs/install.md": "    pip3 install -r requirements.txt\n    python -m app\n",
        },
        {
            "needs/requirements.txt": "",
            "requirements.txt": "atomic-fix\npytest\n",
            "setup.py": "from setuptools import setup\n"
            "setup(install_requires=open('requirements.txt').read().split())\n",
        },
    ],
)
def test_a_list_that_is(here: Path, files: dict[str, str]) -> None:
    put({"app/__init__.py": "", "app/job.py": SAVER, **files})
    repaired("app/job.py")


UPDATERS = [
    (
        "import os, requests\n\nHERE = os.path.dirname(__file__)\n\n\n"
        "def update(tag):\n    url = f'https://raw.githubusercontent.com/o/r/{tag}/app/job.py'\n"
        "    with open(os.path.join(HERE, 'job.py'), 'wb') as file:\n"
        "        file.write(requests.get(url).content)\n"
    ),
    (
        "import os, subprocess, sys\n\n\ndef update():\n"
        "    subprocess.run(['git', 'pull'])\n    os.execv(sys.executable, sys.argv)\n"
    ),
    (
        "import subprocess\nfrom app.paths import ROOT\n\n\ndef run(args):\n"
        "    return subprocess.run('git ' + args, shell=True, cwd=ROOT)\n\n\n"
        "def update(branch):\n    run('pull origin ' + branch)\n"
    ),
    (
        "import subprocess\nimport app.paths\n\n\ndef run_git(*args):\n"
        "    return subprocess.run(['git', *args], cwd=app.paths.ROOT)\n\n\n"
        "def upgrade():\n    run_git('fetch', 'origin')\n    run_git('checkout', 'stable')\n"
    ),
    (
        "import os\n\n\ndef update():\n    os.chdir(os.path.dirname(__file__))\n"
        "    os.system('git fetch && git reset --hard origin/main')\n"
    ),
    "import os\n\n\ndef upgrade():\n    os.system('git -c color.ui=never pull --rebase')\n",
    (
        "import git\nfrom app import paths\n\n\ndef self_update():\n"
        "    git.Repo(paths.ROOT).remotes.origin.pull()\n"
    ),
    (
        "from dulwich import porcelain\nfrom app import paths\n\n\ndef update():\n"
        "    porcelain.pull(paths.ROOT)\n"
    ),
    (
        "import pygit2\nfrom app import paths\n\n\ndef update(tree):\n"
        "    repo = pygit2.Repository(paths.ROOT)\n    repo.remotes['origin'].fetch()\n"
        "    repo.checkout_tree(tree)\n"
    ),
    (
        "import os, tarfile, requests\nimport app.paths\n\n\ndef update(user, branch):\n"
        "    found = requests.get(f'https://github.com/{user}/app/tarball/{branch}')\n"
        "    tarfile.open(fileobj=found.raw).extractall('new')\n"
        "    for name in os.listdir('new'):\n"
        "        os.renames(f'new/{name}', os.path.join(app.paths.ROOT, name))\n"
    ),
    (
        "import shutil, urllib.request\nfrom app.paths import ROOT\n\nREPO = 'https://example/o/r'\n\n\n"
        "def update(branch):\n"
        "    urllib.request.urlretrieve(f'{REPO}/archive/{branch}.zip', 'new.zip')\n"
        "    shutil.unpack_archive('new.zip', ROOT)\n"
    ),
]
PATHS = "import os\n\nROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n"


@pytest.mark.parametrize("updater", UPDATERS)
def test_a_program_that_replaces_its_own_files_imports_a_copy_alone(
    here: Path, updater: str
) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"app/update.py": updater, "app/paths.py": PATHS})
    assert "app/update.py replaces the files of the program" in refused("app/job.py")
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    repaired("app/job.py", "from app.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize("more", ["subprocess.run(['pip', 'install', '-r', 'requirements.txt'])"])
@pytest.mark.parametrize("updater", UPDATERS)
def test_a_program_that_installs_what_it_needs_then(here: Path, updater: str, more: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"app/update.py": f"{updater}    {more}\n", "app/paths.py": PATHS})
    repaired("app/job.py")


@pytest.mark.parametrize(
    "other",
    [
        # Repositories of its users.
        "import subprocess\n\n\ndef update(x):\n    subprocess.run(['git', 'pull'], cwd=x)\n",
        "import git\n\n\ndef update(folder):\n    git.Repo(folder).remotes.origin.pull()\n",
        # Images of containers.
        "import sys\n\n\ndef update(client):\n    client.images.pull('x')\n    sys.executable\n",
        # Data.
        (
            "import requests\n\n\ndef update(tag, place):\n"
            "    found = requests.get(f'https://raw.githubusercontent.com/o/r/{tag}/words.json')\n"
            "    with open(place, 'wb') as file:\n        file.write(found.content)\n"
        ),
    ],
)
def test_a_program_that_brings_other_things_up_to_date(here: Path, other: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"app/update.py": other, "app/paths.py": PATHS})
    repaired("app/job.py")


@pytest.mark.parametrize(
    ("script", "is_updater"),
    [
        ("cd /srv/app\ngit pull\nsystemctl restart app\n", True),
        ("git pull --ff-only && exec python3 main.py\n", True),
        ("git pull\npip install -r requirements.txt\npython3 main.py\n", False),
        ("git pull\npython setup.py sdist\ngit push\n", False),
        ("# git pull\npython3 main.py\n", False),
    ],
)
def test_a_script_that_pulls_and_starts_the_program(
    here: Path, script: str, is_updater: bool
) -> None:
    put({"requirements.txt": "atomic-fix\n", "main.py": SAVER, "update.sh": script})
    if is_updater:
        assert "update.sh replaces the files of the program" in refused("main.py")
    else:
        repaired("main.py")


def test_an_image_that_installs_packages_by_their_names(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\nflask\n", "app.py": "import flask\n" + SAVER})
    put({"Dockerfile": "FROM python:3.12\nRUN pip install --no-cache-dir flask\nCOPY . .\n"})
    assert "Dockerfile installs packages by their names" in refused("app.py")
    put({"Dockerfile": "FROM python:3.12\nCOPY . .\nRUN pip install flask && pip install .\n"})
    repaired("app.py")


def test_an_image_of_a_folder_that_installs_other_packages(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "src/lib/__init__.py": "", "src/lib/x.py": ""})
    put({"src/lib/serve/scripts/convert.py": SAVER})
    put({"src/lib/serve/Dockerfile.server": "FROM x\nRUN pip install engine torch\n"})
    message = left_out("src/lib/serve/scripts/convert.py")
    assert "Dockerfile.server installs packages by their names, and not the project" in message
    put({"src/lib/serve/scripts/convert.py": "import lib.x\n" + SAVER})
    repaired("src/lib/serve/scripts/convert.py")
    put({"src/lib/serve/scripts/convert.py": SAVER})
    put({"src/lib/serve/Dockerfile.server": "FROM x\nRUN pip install engine && pip install .\n"})
    repaired("src/lib/serve/scripts/convert.py")


@pytest.mark.parametrize("conf", ["conf.py", "conf.py.in"])
def test_an_extension_of_sphinx_finds_a_copy_beside_it(here: Path, conf: str) -> None:
    put({"doc/__init__.py": "", "doc/requirements.txt": "sphinx\n", "app/__init__.py": ""})
    rows = "import os, sys\nhere = os.path.dirname(__file__)\nsys.path.insert(0, here)\n"
    put({f"doc/{conf}": rows + "extensions = ['sphinx.ext.autodoc', 'issues']\n"})
    put({"doc/issues.py": SAVER})
    assert run("--vendor", "doc/atomic_io.py").exit_code == 0
    repaired("doc/issues.py", "from atomic_io import atomic_write_json")
    program = [sys.executable, "-S", "-E", "-B", "-c", "import issues"]
    subprocess.run(program, cwd="doc", check=True)


def test_an_extension_of_sphinx_does_not_find_the_package(here: Path) -> None:
    put({"doc/__init__.py": "", "app/__init__.py": "", "app/job.py": ""})
    put({"doc/conf.py": "import sys\nsys.path.insert(0, 'doc')\nextensions = ['issues']\n"})
    put({"doc/issues.py": SAVER})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    assert left_out("doc/issues.py").endswith("; run `atomic-fix --vendor doc/atomic_io.py`")
    assert run("--vendor", "doc/atomic_io.py").exit_code == 0
    repaired("doc/issues.py", "from atomic_io import atomic_write_json")


@pytest.mark.parametrize(
    ("file", "text"),
    [("serverless.yml", ""), ("template.yaml", "  Type: AWS::Serverless::Function\n")],
)
def test_a_function_with_a_list_of_its_own(here: Path, file: str, text: str) -> None:
    put({file: text})
    put({"pyproject.toml": DECLARES, "src/save/__init__.py": "", "src/save/job.py": SAVER})
    put({"src/save/requirements.txt": "boto3\n"})
    message = left_out("src/save/job.py")
    assert "src/save/requirements.txt lists what this folder needs" in message
    put({"src/save/requirements.txt": "boto3\natomic-fix\n"})
    repaired("src/save/job.py")


def test_a_hook_with_an_environment_of_its_own(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "hooks/__init__.py": "", "hooks/state.py": SAVER})
    hook = "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: python hooks/state.py\n"
    put({".pre-commit-config.yaml": hook + "    language: python\n"})
    assert ".pre-commit-config.yaml runs this file in an environment" in left_out("hooks/state.py")
    needs = "    additional_dependencies: [atomic-fix]\n"
    put({".pre-commit-config.yaml": hook + "    language: python\n" + needs})
    repaired("hooks/state.py")
    put({"hooks/state.py": SAVER, ".pre-commit-config.yaml": hook + "    language: system\n"})
    repaired("hooks/state.py")


def test_a_copy_that_the_distribution_leaves_out(here: Path) -> None:
    project = '[project]\nname = "lib"\nversion = "1"\nrequires-python = ">=3.10"\n'
    find = '[tool.setuptools.packages.find]\ninclude = ["lib", "lib.*"]\n'
    put({"pyproject.toml": project + find, "lib/__init__.py": "", "lib/job.py": SAVER})
    put({"extra/prepare.py": ""})
    assert run("--vendor", "extra/atomic_io.py").exit_code == 0
    message = refused("lib/job.py")
    assert "has the package of this file, and not `extra`" in message
    assert message.endswith("; run `atomic-fix --vendor lib/atomic_io.py`")
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    repaired("lib/job.py", "from lib.atomic_io import atomic_write_json")


def test_a_copy_beside_the_packages_of_a_distribution(here: Path) -> None:
    project = '[project]\nname = "lib"\nversion = "1"\nrequires-python = ">=3.10"\n'
    put({"pyproject.toml": project + '[build-system]\nrequires = ["setuptools"]\n'})
    put({"lib/__init__.py": "", "lib/job.py": SAVER})
    assert run("--vendor", "atomic_io.py").exit_code == 0
    assert "has the package of this file, and not `atomic_io`" in refused("lib/job.py")


def test_a_package_is_not_what_the_settings_take_inside_of_it(here: Path) -> None:
    setup = "from setuptools import find_namespace_packages, setup\n\n"
    put({"setup.py": setup + "setup(packages=find_namespace_packages(include=['ns.*']))\n"})
    put({"ns/lib/__init__.py": "", "ns/lib/job.py": SAVER})
    assert "--vendor ns/lib/atomic_io.py" in refused("ns/lib/job.py")
    assert run("--vendor", "ns/atomic_io.py").exit_code == 0
    assert "--vendor ns/lib/atomic_io.py" in refused("ns/lib/job.py")


def test_the_place_named_for_several_files_is_that_of_most(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY})
    put({"extra/__init__.py": "", "extra/prepare.py": SAVER, "lib/__init__.py": ""})
    put({"lib/job.py": SAVER, "lib/other.py": SAVER})
    message = refused("extra/prepare.py and 2 other files")
    assert "--vendor lib/atomic_io.py" in message


def test_an_import_stands_below_the_row_that_makes_it_possible(here: Path) -> None:
    rows = (
        "import os\nimport sys\n\nsys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n"
    )
    put({"pyproject.toml": NO_DEPENDENCY + "[tool.atomic-fix]\nhelper = 'scripts.atomic_io'\n"})
    put({"scripts/util.py": rows + SAVER.replace("import json", ""), "app/__init__.py": ""})
    assert run("--vendor", "scripts/atomic_io.py").exit_code == 0
    put({"pyproject.toml": NO_DEPENDENCY + "[tool.atomic-fix]\nhelper = 'scripts.atomic_io'\n"})
    assert "above the row that adds" in left("scripts/util.py")


def test_a_copy_in_a_package_that_the_program_does_without(here: Path) -> None:
    put({"requirements.txt": "flask\n", "lib/onlyinlib.py": ""})
    put({"main.py": "import sys\nsys.path.insert(1, 'lib')\nimport app\n"})
    put({"app/__init__.py": "import onlyinlib\n", "app/job.py": SAVER})
    put({"tool.py": "from lib.tagger import save_state\nsave_state\n", "lib/tagger.py": SAVER})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    line = left_out("lib/tagger.py", "lib")
    assert "tool.py, which runs it, does not import that package" in line
    assert line.endswith("; run `atomic-fix --vendor lib/atomic_io.py`")
    # This settles it, and takes nothing from the others.
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    assert run("--write", "--no-cache").exit_code == 0
    assert "from lib.atomic_io import" in Path("lib/tagger.py").read_text()
    assert "from app.atomic_io import" in Path("app/job.py").read_text()
    program = [sys.executable, "-S", "-E", "-B"]
    subprocess.run([*program, "tool.py"], check=True)
    subprocess.run([*program, "main.py"], check=True)


@pytest.mark.parametrize(
    "files",
    [
        {"app/__init__.py": "import os\n"},
        {"tool.py": "import app\nfrom lib.tagger import save_state\n"},
        {"lib/tagger.py": SAVER.replace("import json", "import json\n\nimport app")},
        {"tool.py": "", "lib/other.py": "import app\n"},
    ],
)
def test_a_copy_in_a_package_that_is_imported_anyway(here: Path, files: dict[str, str]) -> None:
    put({"requirements.txt": "flask\n", "app/__init__.py": "import flask\n"})
    put({"tool.py": "from lib.tagger import save_state\n", "lib/tagger.py": SAVER, **files})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    repaired("lib/tagger.py", "from app.atomic_io import atomic_write_json")


def test_a_program_at_the_top_and_a_copy_in_a_package_that_it_does_not_import(here: Path) -> None:
    put({"requirements.txt": "flask\n", "app/__init__.py": "import flask\n", "job.py": SAVER})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    assert "and this program does not import that package" in left("job.py")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"bazaar/main.py": "import init\n", "bazaar/init.py": "", "libs/six.py": "import seven\n",
         "libs/seven.py": ""},
    ],
)  # fmt: skip
def test_the_advice_settles_where_several_folders_have_copies(
    here: Path, more: dict[str, str]
) -> None:
    put({"requirements.txt": "flask\n", "bazaar/__init__.py": "", "bazaar/app/__init__.py": ""})
    put({"bazaar/app/job.py": "from app.config import x\n" + SAVER, "bazaar/app/config.py": ""})
    put({"libs/store/__init__.py": "", "libs/store/job.py": "import store.x\n" + SAVER})
    put({"libs/store/x.py": "", **more})
    done: list[str] = []
    while "--vendor" in (result := run("--write", "--no-cache")).stderr:
        command = result.stderr.partition("`atomic-fix ")[2].partition("`")[0]
        assert command.startswith("--vendor "), result.stderr
        assert command not in done, result.stderr
        assert run(*command.split()).exit_code == 0
        done.append(command)
    assert result.exit_code == 0, result.output
    for name in ("bazaar/app/job.py", "libs/store/job.py"):
        assert "atomic_io import" in Path(name).read_text()


ELSEWHERE = {
    "app.spec": "Name: app\nRequires: python3-flask\n%description\n",
    "packaging/app.spec.in": "Name: app\nBuildRequires: python3-devel\n",
    "debian/control": "Source: app\nDepends: ${misc:Depends}, python3-flask\n",
    "CMakeLists.txt": "INSTALL (FILES ${SRCS} DESTINATION ${PYTHON_INSTALL_DIR}/app)\n",
    "app/CMakeLists.txt": "install(DIRECTORY . DESTINATION lib/python3/site-packages)\n",
    "meson.build": "py = import('python').find_installation('python3')\n",
    "PKGBUILD": "depends=('python-flask')\n",
    "snap/snapcraft.yaml": "name: app\nparts:\n  app:\n    plugin: python\n",
    "org.example.App.json": '{\n  "app-id": "org.example.App",\n  "finish-args": []\n}\n',
    "default.nix": "python3Packages.buildPythonApplication { }\n",
    "doc/requirements.txt": "sphinx\n",
    "conda/meta.yaml": "requirements:\n  run:\n    - python\n",
    "Dockerfile": "FROM python:3.12\nRUN pip install flask\n",
    "BUILD.bazel": 'py_library(name = "app")\n',
    "MANIFEST.in": "include README.md\n",
    "deploy/conda.yml": "channels:\n  - conda-forge\ndependencies:\n  - flask\n  - python=3.12\n",
    "docker-compose.yml": "services:\n  app:\n    image: python:3.12\n"
    "    command: sh -c 'pip install flask && python app/state.py'\n",
    "app.service": "[Service]\nExecStart=/usr/bin/python3 /opt/app/state.py\n",
    "index.html": "<py-config>packages=['numpy']</py-config>\n",
    "start.sh": "pip install flask\nexec python -m app.state\n",
    "cloud/user-data.yml": "#cloud-config\nruncmd:\n  - python3 /opt/app/state.py\n",
    "site.yml": "- hosts: all\n  tasks:\n    - ansible.builtin.pip:\n        name: flask\n",
}


@pytest.mark.parametrize("file", ELSEWHERE)
def test_a_tree_that_declares_its_needs_elsewhere(here: Path, file: str) -> None:
    put({"app/__init__.py": "", "app/state.py": SAVER, file: ELSEWHERE[file]})
    line = refused("app/state.py")
    assert f"{file} shows that the program gets what it needs elsewhere" in line
    assert "run `atomic-fix --vendor app/atomic_io.py`" in line
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    repaired("app/state.py", "from app.atomic_io import atomic_write_json")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("app.spec", "a = Analysis(['state.py'])\npyz = PYZ(a.pure)\n"),
        ("CMakeLists.txt", "project(app C)\n"),
        ("control", "Depends: python3-flask\n"),
        ("config.json", '{"a": 1}\n'),
        ("data.yml", "dependencies:\n  - name: redis\n    version: 1\n"),
        ("deploy/conda.yml", "dependencies:\n  - python=3.12\n  - pip:\n    - atomic-fix\n"),
        ("app.service", "[Service]\nExecStart=/opt/app/venv/bin/python -m app.state\n"),
        ("index.html", "<p>app</p>\n"),
        ("start.sh", "cd app\nexec python -m app.state\n"),
        ("doc/requirements.txt", "atomic-fix\n"),
        ("app.spec", "Name: app\nRequires: python3-atomic-fix\n"),
    ],
)
def test_other_files_declare_nothing(here: Path, file: str, text: str) -> None:
    put({"app/__init__.py": "", "app/state.py": SAVER, file: text})
    repaired("app/state.py")


def test_an_updater_in_a_tree_that_declares_nothing(here: Path) -> None:
    put({"job.py": SAVER, "update.py": UPDATERS[1]})
    assert "update.py replaces the files of the program" in refused("job.py")


def test_a_list_of_all_that_an_app_has(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "app.py": SAVER})
    put({"buildozer.spec": "[app]\nrequirements = python3,kivy\n"})
    assert "buildozer.spec lists all that the program has" in refused("app.py")
    put({"buildozer.spec": "[app]\nrequirements = python3,kivy,atomic-fix\n"})
    repaired("app.py")


@pytest.mark.parametrize("file", ["app.spec", "debian/control", "PKGBUILD", "conda/meta.yaml"])
def test_a_package_of_a_distribution_lists_the_needs_once_more(here: Path, file: str) -> None:
    put({"pyproject.toml": DECLARES, "app.py": SAVER, file: ELSEWHERE[file]})
    result = run("--write", "--no-cache")
    assert result.exit_code == 0
    assert f"{file} lists what the program needs as well" in result.stderr
    put({"app.py": SAVER, file: ELSEWHERE[file] + "\n# atomic-fix\natomic-fix\n"})
    assert "lists what the program" not in run("--write", "--no-cache").stderr


SYSTEM_ONLY = {
    ".appveyor.yml": "install:\n"
    "  - sudo apt-get install -y libfoo \\\n      python3-flask\n"
    "  - python3 -B app.py\n  - pip install -r requirements.txt\n",
    ".github/workflows/build.yml": "    - run: |\n        apt install python3-flask\n"
    "        python3 app.py\n",
    "Dockerfile": "FROM debian\nRUN apt-get install -y python3-flask\nCOPY . .\n"
    'CMD ["python3", "app.py"]\n',
}


@pytest.mark.parametrize("file", SYSTEM_ONLY)
@pytest.mark.parametrize("declared", ["requirements.txt", "pyproject.toml"])
def test_a_program_that_runs_with_packages_of_the_system(
    here: Path, declared: str, file: str
) -> None:
    lists = {
        "requirements.txt": "atomic-fix\nflask\n",
        "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n'
        'requires-python = ">=3.10"\ndependencies = ["atomic-fix", "flask"]\n',
    }
    put({declared: lists[declared], "app.py": "import flask\n" + SAVER})
    put({file: SYSTEM_ONLY[file]})
    message = refused("app.py")
    assert f"{file} runs app.py with the packages of the operating system alone" in message


def test_a_program_that_needs_what_is_not_declared(here: Path) -> None:
    program = (
        "import engine\nimport flask\n"
        + SAVER
        + "\n\nif __name__ == '__main__':\n    save_state()\n"
    )
    put({"requirements.txt": "atomic-fix\nflask\n", "app.py": "import flask\n"})
    put({"convert.py": program})
    assert "this program needs `engine`, which the project does not declare" in left_out(
        "convert.py"
    )
    put({"convert.py": program.replace("import engine\n", "import app\nimport engine\n")})
    repaired("convert.py")


def test_what_such_a_program_imports_has_them_alone_too(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\nflask\n", "state.py": SAVER})
    put({"build_all.py": "import flask\nimport state\n"})
    put({".travis.yml": SYSTEM_ONLY[".appveyor.yml"].replace("app.py", "build_all.py")})
    assert "runs build_all.py with the packages of the operating system" in refused("state.py")
    put({"build_all.py": "import flask\n"})
    repaired("state.py")


@pytest.mark.parametrize(
    "steps",
    [
        "apt-get install -y python3-pip python3-venv\npython3 app.py\n",
        "apt-get install -y python3-flask\npip install -r requirements.txt\npython3 app.py\n",
        "apt-get install -y python3-flask\npip install .\n",
    ],
)
def test_packages_of_the_system_beside_those_declared(here: Path, steps: str) -> None:
    put({"requirements.txt": "atomic-fix\nflask\n", "app.py": "import flask\n" + SAVER})
    put({".gitlab-ci.yml": steps})
    repaired("app.py")


@pytest.mark.parametrize("row", ["COPY app.py other.py /srv/", 'COPY ["app.py", "/srv/"]'])
def test_a_copy_goes_where_the_file_goes(here: Path, row: str) -> None:
    put({"requirements.txt": "flask\n", "app.py": SAVER, "Dockerfile": f"FROM x\n{row}\n"})
    assert run("--vendor", "atomic_io.py").exit_code == 0
    assert "Dockerfile copies this file by its name, and not atomic_io.py" in refused("app.py")
    put({"Dockerfile": f"FROM x\n{row}\nCOPY *.py /srv/\n"})
    repaired("app.py", "from atomic_io import")


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": "from setuptools import setup\nsetup(py_modules=['app'])\n"},
        {"setup.cfg": "[options]\npy_modules = app\n"},
        {"pyproject.toml": NO_DEPENDENCY + "[tool.setuptools]\npy-modules = ['app']\n"},
    ],
)
def test_a_list_of_modules_has_the_copy_too(here: Path, files: dict[str, str]) -> None:
    put({**files, "app.py": SAVER, "script.py": SAVER})
    assert run("--vendor", "atomic_io.py").exit_code == 0
    assert "add `atomic_io` to `py_modules`" in refused("app.py", "app.py")
    put({name: text.replace("app'", "app', 'atomic_io'").replace("= app", "= app, atomic_io")
         .replace(", atomic", "\n  atomic" if name == "setup.cfg" else ", atomic")
         for name, text in files.items() if name != "pyproject.toml"})  # fmt: skip
    if "pyproject.toml" in files:
        text = Path("pyproject.toml").read_text().replace("['app']", "['app', 'atomic_io']")
        put({"pyproject.toml": text})
    repaired("app.py", "from atomic_io import")


def test_a_script_admits_pythons_itself(here: Path) -> None:
    put({"pyproject.toml": DECLARES + "requires-python = '>=3.7'\n"})
    make(job=SCRIPT.format("'atomic-fix'") + SAVER)
    repaired("job.py")
    make(job=SCRIPT.format("'atomic-fix'").replace("3.11", "3.9") + SAVER)
    assert "the script itself admits Python 3.9" in refused("job.py")


def test_a_script_that_finds_the_sources_itself_may_run_uninstalled(here: Path) -> None:
    put({"pyproject.toml": NO_DEPENDENCY + 'dependencies = ["atomic-fix", "click"]\n'})
    head = "import sys\nsys.path.insert(0, 'src')\nimport app\n"
    make(src__app__="", bin__serve=head + SAVER)
    assert "this script is in no package or source folder" in left("bin/serve.py")
    make(bin__serve=head + "import click\n" + SAVER)
    repaired("bin/serve.py")
    make(bin__serve=head + SAVER)
    assert run("--vendor", "src/app/atomic_io.py").exit_code == 0
    repaired("bin/serve.py", "from app.atomic_io import atomic_write_json\n")
    starts("bin/serve.py")


def test_programs_that_one_copy_cannot_serve_are_named(here: Path) -> None:
    put({"requirements.txt": "click\n"})
    for name in ("one", "two"):
        put({f"{name}/{name}_names.py": "A = 1\n"})
        put({f"{name}/job.py": f"from {name}_names import A\n\n{SAVER}"})
    assert run("--vendor", "one/atomic_io.py").exit_code == 0
    result = run("--write", "--no-cache")
    assert "two/job.py: not repaired: it would import `atomic_io`" in result.stderr
    assert "--vendor two/atomic_io.py" in result.stderr
    assert run("--vendor", "two/atomic_io.py").exit_code == 0
    assert run("--write", "--no-cache").exit_code == 0
    starts("two/job.py")
    starts("one/job.py")


@pytest.mark.parametrize("step", [".parent", " / 'a'", ".resolve()"])
def test_a_path_that_goes_too_deep_adds_no_folder(tmp_path: Path, step: str) -> None:
    text = f"import sys\nsys.path.insert(0, __file__{step * 2_000})\n"
    assert not search_path.added(str(tmp_path / "a.py"), text, str(tmp_path))


LOADS_ALL = """
import importlib.resources, os

for each in importlib.resources.files(__name__).iterdir():
    name = os.path.splitext(each.name)[0]
    if each.name.endswith(".py") and name != "__init__":
        globals()[name] = getattr(__import__(f"{__name__}.{name}", fromlist=[name]), name)
"""


@pytest.mark.parametrize(
    "load", [LOADS_ALL, "import pkgutil\nX = [*pkgutil.iter_modules(__path__)]\n"]
)
def test_a_package_whose_modules_are_plug_ins_gets_no_copy(here: Path, load: str) -> None:
    put({"requirements.txt": "pyyaml\n", "main.py": "import app.prefs\n"})
    put({"app/__init__.py": load, "app/prefs.py": SAVER})
    assert "run `atomic-fix --vendor atomic_io.py`" in refused("app/prefs.py")
    result = run("--vendor", "app/atomic_io.py")
    assert result.exit_code == 2
    assert "app/__init__.py imports every module of its folder" in result.stderr
    assert not Path("app/atomic_io.py").exists()
    assert run("--vendor", "atomic_io.py").exit_code == 0
    repaired("app/prefs.py", "from atomic_io import atomic_write_json")


def test_a_copy_among_plug_ins_is_not_imported(here: Path) -> None:
    put({"requirements.txt": "pyyaml\n", "main.py": "import app.prefs\n"})
    put({"app/__init__.py": "", "app/prefs.py": SAVER})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    put({"app/__init__.py": LOADS_ALL})
    assert "imports every module of its folder as a plug-in" in refused("app/prefs.py")


GUARDED = """\
try:
    import pandas
except ImportError:
    {handler}
"""
STARTED = f'{SAVER}\n\nif __name__ == "__main__":\n    save_state(Path("s.json"), 1)\n'


@pytest.mark.parametrize(
    ("imports", "starts_without"),
    [
        (GUARDED.format(handler="pandas = None"), True),
        (GUARDED.format(handler="pandas = None") + "import pandas.errors\n", False),
        (GUARDED.format(handler='raise SystemExit("install pandas")'), False),
        (GUARDED.format(handler="sys.exit(1)"), False),
        ("import pandas\n", False),
        ("def main():\n    import pandas\n", False),
    ],
)
def test_a_script_that_starts_without_what_is_declared(
    here: Path, imports: str, starts_without: bool
) -> None:
    put({"requirements.txt": "pandas\natomic-fix\n", "app/__init__.py": "import pandas\n"})
    put({"tools/load.py": imports + STARTED, "app/config.py": "import pandas\n"})
    if starts_without:
        assert left("tools/load.py").endswith("may run where the project is not installed")
    else:
        repaired("tools/load.py")


REPEATED = {"requirements.txt": "numpy\nrequests\natomic-fix\n", "dev/all.txt": "numpy\nrequests\n"}


@pytest.mark.parametrize("file", ["README.md", ".github/workflows/run.yml", "Dockerfile"])
def test_a_list_that_repeats_the_declared_one_is_installed(here: Path, file: str) -> None:
    put(REPEATED)
    put({"src/app/__init__.py": "", "src/app/job.py": "import numpy\n" + SAVER})
    repaired("src/app/job.py")
    put({"src/app/job.py": "import numpy\n" + SAVER, file: "pip install -r dev/all.txt\n"})
    assert f"{file} installs dev/all.txt, which does not name it" in refused("src/app/job.py")
    put({file: "pip install -r requirements.txt\npip install -r dev/all.txt\n"})
    if file != ".github/workflows/run.yml":
        repaired("src/app/job.py")
    put({"src/app/job.py": "import numpy\n" + SAVER, file: "pip install -r dev/all.txt\n"})
    put({"dev/all.txt": "-r ../requirements.txt\n"})
    repaired("src/app/job.py")


@pytest.mark.parametrize(
    "script",
    [
        'for each in (ROOT / "app" / "job.py", ROOT / "run.py"):\n    shutil.copy(each, IMAGE)\n',
        'shutil.copyfile("app/job.py", "image/app/job.py")\n',
        'subprocess.run(["scp", "app/job.py", host])\n',
        (
            'def main():\n    files = [("app/job.py", "job.py")]\n    for old, new in files:\n'
            "        path = ROOT / old\n        shutil.copy2(path, IMAGE / new)\n"
        ),
        'def main():\n    path = ROOT / "app/job.py"\n    shutil.copy2(path, IMAGE)\n',
    ],
)
def test_a_file_that_a_script_copies_by_its_name(here: Path, script: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"scripts/image.py": script})
    assert "copies this file by its name, maybe to where" in refused("app/job.py")
    put({"scripts/image.py": f'{script}run(["pip", "install", "-r", "x.txt"])\n'})
    repaired("app/job.py")
    put({"pyproject.toml": NO_DEPENDENCY, "scripts/image.py": script, "app/job.py": SAVER})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    line = refused("app/job.py")
    assert "scripts/image.py copies this file by its name, and not app/atomic_io.py" in line
    put({"scripts/image.py": f'{script}shutil.copy("app/atomic_io.py", IMAGE)\n'})
    repaired("app/job.py", "from app.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize(
    "script",
    [
        'shutil.copy("app/other.py", IMAGE)\n',
        'shutil.copy("lib/job.py", IMAGE)\n',
        'shutil.copytree("app", IMAGE)\n',
        'run(["python", "app/job.py"])\n',
    ],
)
def test_a_script_that_copies_other_files(here: Path, script: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"scripts/image.py": script})
    repaired("app/job.py")


def test_a_script_that_names_a_module_at_the_top_and_copies_something_else(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "job.py": "import atomic_fix\n" + SAVER})
    put({"build.py": 'shutil.copy("x.ini", "dist")\nrun(["pyinstaller", "job.py"])\n'})
    repaired("job.py")
    put({"job.py": "import atomic_fix\n" + SAVER})
    listed = 'FILES = ["job.py", "x.ini"]\n'
    put({"build.py": f'{listed}for each in FILES:\n    shutil.copy(each, "d")\n'})
    assert "build.py copies this file by its name" in refused("job.py")


def test_a_script_of_the_standard_library_beside_the_package(here: Path) -> None:
    started = SAVER + 'save_state(Path("s.json"), 1)\n'
    put({"pyproject.toml": f'{DECLARES}[build-system]\nrequires = ["hatchling"]\n'})
    put({"app/__init__.py": "", "patch.py": started})
    assert left("patch.py").endswith("may run where the project is not installed")
    put({"patch.py": f"import app\n{started}"})
    repaired("patch.py")
    put({"patch.py": SAVER})
    repaired("patch.py")


def test_a_script_finds_a_copy_beside_it_whatever_its_neighbours_import(here: Path) -> None:
    setup = "from setuptools import find_packages, setup\n\nsetup(packages=find_packages())\n"
    put({"setup.py": setup, "lib/__init__.py": "", "lib/job.py": ""})
    put({"examples/one/prepare.py": f"{SAVER}\n\nsave_state(1, 2)\n"})
    put({"examples/one/show.py": "import lib.job\n"})
    assert run("--vendor", "examples/one/atomic_io.py").exit_code == 0
    assert Path("atomic-fix.toml").read_text() == 'helper = "atomic_io"\n'
    repaired("examples/one/prepare.py", "from atomic_io import atomic_write_json")


@pytest.mark.parametrize("guard", ['if __name__ == "__main__":\n    main()\n', ""])
def test_a_program_in_a_folder_that_another_one_imports(here: Path, guard: str) -> None:
    """Started by its path, it does not find what is at the top."""
    put({"pyproject.toml": f'{NO_DEPENDENCY}dependencies = ["requests"]\n'})
    put({"backend/__init__.py": "", "main.py": "from tool.sync import save_state\n"})
    put({"tool/sync.py": f"{SAVER}\n\ndef main():\n    save_state(Path('s'), 1)\n\n\n{guard}"})
    assert run("--vendor", "backend/atomic_io.py").exit_code == 0
    if guard:
        assert left("tool/sync.py").endswith("may not find backend/atomic_io.py")
    else:
        repaired("tool/sync.py", "from backend.atomic_io import atomic_write_json\n")


def test_an_optional_import_does_not_show_what_is_on_the_path(here: Path) -> None:
    put({"requirements.txt": "requests\n", "mono.py": "import json\n"})
    assert run("--vendor", "atomic_io.py").exit_code == 0
    think = "def think():\n    try:\n        import mono\n    except Exception:\n        pass\n"
    put({"kernel/main.py": f'{SAVER}\n\n{think}\n\nif __name__ == "__main__":\n    think()\n'})
    assert "it would import `atomic_io`" in left("kernel/main.py")


@pytest.mark.parametrize("file", [".github/workflows/run.yml", "Dockerfile"])
def test_a_job_that_installs_packages_by_name_runs_the_file(here: Path, file: str) -> None:
    put({"requirements.txt": "atomic-fix\nnumpy\n", "engine.py": "import numpy\n" + SAVER})
    put({file: "RUN pip install numpy\nCMD python engine.py\n"})
    assert f"{file} " in refused("engine.py")
    put({file: "RUN pip install numpy atomic-fix\nCMD python engine.py\n"})
    if file != "Dockerfile":
        repaired("engine.py")
    put({"engine.py": "import numpy\n" + SAVER})
    put({file: "RUN pip install -r requirements.txt\nCMD python engine.py\n"})
    repaired("engine.py")


@pytest.mark.parametrize("file", ["Dockerfile", "README.md"])
def test_a_list_beside_the_project_s_own(here: Path, file: str) -> None:
    row = "RUN pip install -r requirements.txt"
    listed = f'{NO_DEPENDENCY}dependencies = ["requests", "atomic-fix"]\n'
    put({"pyproject.toml": listed, "requirements.txt": "requests==2.1\n", file: f"{row}\n"})
    put({"app/__init__.py": "", "app/job.py": "import requests\n" + SAVER})
    line = refused("app/job.py")
    assert f"{file} installs requirements.txt, which does not name it" in line
    for more in ("pip install .", "pip install app", "uv sync"):
        put({file: f"{row}\n{more}\n", "app/job.py": "import requests\n" + SAVER})
        repaired("app/job.py")
    put({"requirements.txt": "requests\natomic-fix\n", file: f"{row}\n"})
    put({"app/job.py": "import requests\n" + SAVER})
    repaired("app/job.py")
    put({"requirements.txt": "flask\n", "app/job.py": "import requests\n" + SAVER})
    repaired("app/job.py")


EXAMPLES = {
    "setup.py": "from setuptools import find_packages, setup\n\n"
    "setup(name='lib', packages=find_packages(), python_requires='>=3.8',\n"
    "      install_requires=['requests'])\n",
    "lib/__init__.py": "",
    "lib/job.py": SAVER,
    "lib/other.py": SAVER,
    "examples/one/prepare.py": f"import requests\n{SAVER}\n\nsave_state(1, 2)\n",
    "examples/one/show.py": "import lib.job\n",
}


def test_each_command_of_a_run_leads_to_files_that_are_repaired(here: Path) -> None:
    put(EXAMPLES)
    result = run("--write", "--no-cache")
    assert result.exit_code == 2
    commands = re.findall(r"`atomic-fix (--vendor \S+)`", result.stderr)
    assert commands == ["--vendor lib/atomic_io.py", "--vendor examples/one/atomic_io.py"]
    for command in commands:
        assert run(*command.split()).exit_code == 0
    result = run("--write", "--no-cache")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "from lib.atomic_io import" in Path("lib/other.py").read_text()
    assert "from atomic_io import" in Path("examples/one/prepare.py").read_text()
    program = "import lib.job, lib.other"
    subprocess.run([sys.executable, "-S", "-E", "-B", "-c", program], check=True)


def test_a_script_that_cannot_have_the_import_stops_nobody(here: Path) -> None:
    put(EXAMPLES)
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    result = run("--write", "--no-cache")
    assert (result.exit_code, result.stderr) == (1, "")
    assert "from lib.atomic_io import" in Path("lib/job.py").read_text()
    assert "may not find lib/atomic_io.py" in left("examples/one/prepare.py")


def test_a_script_of_another_project_of_the_tree_stops_nobody(here: Path) -> None:
    put({"setup.py": "from setuptools import setup\nsetup(package_dir={'': 'src'})\n"})
    put({"src/lib/__init__.py": "", "src/lib/job.py": SAVER})
    put({"data/requirements.txt": "pyinstaller\n", "data/freeze.py": SAVER})
    assert run("--vendor", "src/lib/atomic_io.py").exit_code == 0
    result = run("--write", "--no-cache")
    assert result.exit_code == 1
    assert "from lib.atomic_io import" in Path("src/lib/job.py").read_text()
    said = "warning: data/freeze.py: not repaired: it would import `lib.atomic_io`, and this file "
    assert result.stderr.startswith(f"{said}does not find src/lib/atomic_io.py")


def test_a_repair_that_one_file_can_never_have_holds_up_nothing(here: Path) -> None:
    renamer = RENAMER.replace("save_state", "save_queue").replace("import json\n", "", 1)
    put({"setup.py": "from setuptools import setup\nsetup(package_dir={'': 'src'})\n"})
    put({"src/lib/__init__.py": "", "src/lib/job.py": SAVER})
    put({"data/requirements.txt": "pyinstaller\n", "data/freeze.py": f"{SAVER}\n\n{renamer}"})
    assert run("--vendor", "src/lib/atomic_io.py").exit_code == 0
    assert run().stdout.endswith("(2 fixable with --write, 1 without a fix).\n")
    first, *_ = run("--diff", "--no-cache").stderr.splitlines()
    assert first == "Would fix 2 findings in 2 files. 1 finding would remain."
    assert run("--write", "--no-cache").stdout.startswith("data/freeze.py:5:5: ATF101")
    assert "os.replace(temporary, path)" in Path("data/freeze.py").read_text()


@pytest.mark.parametrize("origin", ["atomic-fix.toml", "pyproject.toml"])
def test_settings_for_the_folder_of_a_second_copy_keep_the_others(here: Path, origin: str) -> None:
    table = "[tool.atomic-fix]\n" if origin == "pyproject.toml" else ""
    put({**EXAMPLES, origin: f'{table}ignore = ["ATF115"]\n'})
    put({"examples/one/prepare.py": EXAMPLES["examples/one/prepare.py"] + UNSYNCED})
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    second = run("--vendor", "examples/one/atomic_io.py")
    name = "examples/one/atomic-fix.toml"
    assert (second.exit_code, second.stderr) == (0, f'{name}: new, with `helper = "atomic_io"`\n')
    assert Path(name).read_text() == f'extend = "../../{origin}"\nhelper = "atomic_io"\n'
    result = run("--write", "--no-cache", "--unsafe-fixes")
    assert (result.exit_code, result.stderr) == (0, "")
    text = Path("examples/one/prepare.py").read_text()
    assert "from atomic_io import" in text
    assert "fsync" not in text


def test_a_second_copy_that_no_file_needs_is_not_named(here: Path) -> None:
    put(EXAMPLES)
    put({"lib/inner/__init__.py": "", "lib/inner/job.py": SAVER})
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    second = run("--vendor", "lib/inner/atomic_io.py")
    assert second.exit_code == 0
    assert 'warning: atomic-fix.toml: `helper` is "lib.atomic_io" and stays so' in second.stderr
    assert not Path("lib/inner/atomic-fix.toml").exists()


# Declarations and deployments of other kinds.


@pytest.mark.parametrize(
    "command",
    [
        "conda env create -f envs/app.yaml",
        "mamba env update --name app --file=envs/app.yaml --prune",
        'micromamba create -y -f "$HERE/envs/app.yaml"',
    ],
)
def test_an_environment_of_conda_that_a_script_names(here: Path, command: str) -> None:
    put({"install.sh": f"#!/bin/sh\n{command}\n", "app/__init__.py": "", "app/job.py": SAVER})
    put({"envs/app.yaml": "dependencies:\n  - python=3.12\n  - flask\n"})
    assert "envs/app.yaml declares no dependency on atomic-fix" in refused("app/job.py")
    put({"envs/app.yaml": "dependencies:\n  - python=3.12\n  - pip:\n    - atomic-fix\n"})
    repaired("app/job.py")


def test_environments_of_conda_for_several_purposes(here: Path) -> None:
    put({"app/__init__.py": "", "app/job.py": SAVER})
    put({"environment-gpu.yml": "dependencies:\n  - python=3.12\n  - atomic-fix\n"})
    repaired("app/job.py")
    put({"environment-gpu.yml": "dependencies:\n  - python\n", "app/job.py": SAVER})
    put({"environment-dev.yml": "dependencies:\n  - atomic-fix\n"})
    assert "its name says that it is for development" in refused("app/job.py")


COMPOSE = """\
services:
  app:
    image: python:3.12
    command: sh -c "pip install flask redis && python app/job.py"
"""


@pytest.mark.parametrize("declared", ["pyproject.toml", "requirements.txt"])
def test_a_service_that_installs_packages_by_their_names(here: Path, declared: str) -> None:
    text = DECLARES if declared == "pyproject.toml" else "flask\natomic-fix\n"
    put({declared: text, "docker-compose.yml": COMPOSE})
    put({"app/__init__.py": "", "app/job.py": SAVER})
    line = refused("app/job.py")
    assert "docker-compose.yml installs packages by their names, and not " in line
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    repaired("app/job.py", "from app.atomic_io import atomic_write_json")


@pytest.mark.parametrize(
    "text",
    [
        COMPOSE.replace("flask redis", "-r requirements.txt"),
        COMPOSE.replace("flask redis", "."),
        COMPOSE.replace("image: python:3.12", "build: ."),
        COMPOSE.replace("python app/job.py", "pytest"),
    ],
)
def test_a_service_that_installs_the_project(here: Path, text: str) -> None:
    put({"pyproject.toml": DECLARES, "docker-compose.yml": text})
    put({"app/__init__.py": "", "app/job.py": SAVER})
    repaired("app/job.py")


@pytest.mark.parametrize("file", ["Makefile", "build.sh"])
def test_an_archive_of_zipapp_has_a_copy_alone(here: Path, file: str) -> None:
    put({"pyproject.toml": DECLARES, file: "\tpython3 -m zipapp src -o app.pyz -m app.job:run\n"})
    put({"src/app/__init__.py": "", "src/app/job.py": SAVER})
    assert f"{file} packs this file with zipapp" in refused("src/app/job.py")
    assert run("--vendor", "src/app/atomic_io.py").exit_code == 0
    repaired("src/app/job.py", "from app.atomic_io import atomic_write_json")
    archive = [sys.executable, "-m", "zipapp", "src", "-o", "app.pyz", "-m", "app.job:load_state"]
    subprocess.run(archive, check=True)
    done = subprocess.run([sys.executable, "-S", "app.pyz"], capture_output=True, text=True)
    assert "ModuleNotFoundError" not in done.stderr
    assert "missing 1 required positional argument" in done.stderr


def test_an_archive_with_the_packages_of_the_project(here: Path) -> None:
    build = "pip install --target src .\npython -m zipapp src -o app.pyz\n"
    put({"pyproject.toml": DECLARES, "build.sh": build})
    put({"src/app/__init__.py": "", "src/app/job.py": SAVER})
    repaired("src/app/job.py")


DAG = f"from airflow.decorators import dag\n\nimport util\n{SAVER}"


def test_a_dag_has_what_its_scheduler_has(here: Path) -> None:
    put({"requirements.txt": "click\natomic-fix\n", "app.py": "import click\n"})
    put({"dags/daily.py": DAG, "dags/util.py": ""})
    line = left_out("dags/daily.py")
    assert "Airflow imports this file with the packages of its scheduler" in line
    assert line.endswith("`atomic-fix --vendor dags/atomic_io.py`")
    assert run("--vendor", "dags/atomic_io.py").exit_code == 0
    repaired("dags/daily.py", "from atomic_io import atomic_write_json")


def test_a_dag_of_a_tree_that_declares_nothing(here: Path) -> None:
    put({"dags/daily.py": DAG, "dags/util.py": "", "dags/store/__init__.py": ""})
    put({"dags/store/job.py": SAVER})
    assert "the packages of its scheduler" in refused("dags/daily.py and 1 other file")
    assert run("--vendor", "dags/store/atomic_io.py").exit_code == 0
    repaired("dags/daily.py", "from store.atomic_io import atomic_write_json")


def test_a_dag_of_a_project_that_declares_airflow(here: Path) -> None:
    put({"requirements.txt": "apache-airflow==2.9\natomic-fix\n"})
    put({"dags/daily.py": DAG, "dags/util.py": ""})
    repaired("dags/daily.py")


def test_relative_imports_alone_make_a_package_without_a_file_for_it(here: Path) -> None:
    put({"requirements.txt": "click\n", "run.py": "import tools.job\n"})
    put({"tools/job.py": f"from .names import A\n\n{SAVER}", "tools/names.py": "A = 1\n"})
    vendored_as_advised("tools/job.py")
    assert "from tools.atomic_io import" in Path("tools/job.py").read_text()
    subprocess.run([sys.executable, "-S", "-E", "-B", "run.py"], check=True)


HOSTED: dict[str, tuple[str, dict[str, str]]] = {
    "Maya": ("scripts/job.py", {"scripts/userSetup.py": "import maya.cmds\nimport job\n"}),
    "Houdini": ("python/x/job.py", {"python/x/__init__.py": "import hou\n"}),
    "GIMP": ("plug-ins/x/job.py", {"plug-ins/x/x.py": "from gi.repository import Gimp, GLib\n"}),
    "WeeChat": ("job.py", {"x.py": "import weechat as w\n"}),
    "LibreOffice": ("python/job.py", {"python/x.py": "import uno\n"}),
    "libpeas": ("x/job.py", {"x.plugin": "[Plugin]\nLoader=python3\n", "x/__init__.py": ""}),
    "Krita": ("x/job.py", {"x.desktop": "[Desktop Entry]\nX-KDE-Library=x\n", "x/__init__.py": ""}),
}


@pytest.mark.parametrize(("name", "files"), HOSTED.values(), ids=HOSTED)
def test_what_runs_inside_another_program_gets_a_copy_alone(
    here: Path, name: str, files: dict[str, str]
) -> None:
    put({"requirements.txt": "atomic-fix\n", name: SAVER, **files})
    reason = left(name)
    assert "inside another program" in reason or "as an add-on" in reason


def test_a_module_with_the_name_of_a_host_is_no_host(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n", "maya.py": "", "hou.py": "", "job.py": SAVER})
    put({"main.py": "import maya\nimport hou\n"})
    repaired("job.py")


def test_a_package_that_is_installed_may_have_a_part_for_another_program(here: Path) -> None:
    built = DECLARES + '[build-system]\nrequires = ["setuptools"]\n'
    put({"pyproject.toml": built, "app/__init__.py": "", "app/for_maya.py": "import maya.cmds\n"})
    put({"app/job.py": SAVER})
    repaired("app/job.py")


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": "import machine\nimport job\n", "lib/job.py": SAVER},
        {"code.py": "import board\nimport job\n", "lib/job.py": SAVER},
    ],
)
def test_a_device_runs_no_copy_either(here: Path, files: dict[str, str]) -> None:
    put({"requirements.txt": "atomic-fix\n", **files})
    assert "MicroPython or CircuitPython" in left("lib/job.py")
    assert run("--vendor", "lib/atomic_io.py").exit_code == 0
    assert "MicroPython or CircuitPython" in left("lib/job.py")


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": "import board\nimport job\n"},
        {"code.py": "import board\nimport job\n", "board.py": ""},
        {"main.py": "import machine\nimport job\n", "machine.py": ""},
    ],
)
def test_a_computer_with_such_modules(here: Path, files: dict[str, str]) -> None:
    put({"requirements.txt": "atomic-fix\n", "job.py": SAVER, **files})
    repaired("job.py")


def test_a_module_of_an_ansible_collection_gets_no_import(here: Path) -> None:
    put({"requirements.txt": "atomic-fix\n", "galaxy.yml": "name: b\n"})
    put({"plugins/module_utils/job.py": SAVER})
    assert "Ansible sends this module to other machines" in left("plugins/module_utils/job.py")


@pytest.mark.parametrize(
    ("call", "is_sent"),
    [
        ("subprocess.run(['python3', '-c', text])", True),
        ("client.exec_command(text)", True),
        ("make_server(user_data=text)", True),
        ("exec(text)", False),
        ("print(text)", False),
    ],
)
def test_a_module_whose_text_is_run_elsewhere(here: Path, call: str, is_sent: bool) -> None:
    put({"requirements.txt": "atomic-fix\nclick\n", "worker/job.py": f"import click\n{SAVER}"})
    put({"main.py": f"import click\ntext = open('worker/job.py').read()\n{call}\n"})
    if is_sent:
        assert "main.py reads the text of this file" in left("worker/job.py")
    else:
        repaired("worker/job.py")


def test_a_package_that_is_the_checkout_has_no_certain_name(here: Path) -> None:
    put({"requirements.txt": "flask\n", "__init__.py": "", "names.py": "A = 1\n"})
    put({"job.py": f"from .names import A\n\n{SAVER}"})
    assert refused("job.py").endswith("; declare that dependency")
    assert run("--vendor", "atomic_io.py").exit_code == 0
    assert "has the name of the checkout, which may be another" in left("job.py")
    put({"other.py": "from work.names import A\n"})
    repaired("job.py", "from work.atomic_io import atomic_write_json")


def test_an_add_on_that_is_loaded_under_another_name(here: Path) -> None:
    put({"src/__init__.py": "from aqt import mw\nfrom . import job\n", "src/names.py": "A = 1\n"})
    put({"src/job.py": f"from .names import A\n\n{SAVER}"})
    assert run("--vendor", "src/atomic_io.py").exit_code == 0
    assert "Anki may load this package under another name than `src`" in left("src/job.py")


def test_an_integration_of_home_assistant_has_the_copy_in_its_folder(here: Path) -> None:
    manifest = '{"domain": "foo", "requirements": []}'
    put({"requirements.txt": "homeassistant\n", "custom_components/foo/manifest.json": manifest})
    put({"custom_components/foo/__init__.py": "", "custom_components/foo/names.py": "A = 1\n"})
    put({"custom_components/foo/job.py": f"from .names import A\n\n{SAVER}"})
    assert "Home Assistant loads this file as an add-on" in left("custom_components/foo/job.py")
    assert run("--vendor", "custom_components/foo/atomic_io.py").exit_code == 0
    repaired(
        "custom_components/foo/job.py",
        "from custom_components.foo.atomic_io import atomic_write_json",
    )


def test_an_integration_of_home_assistant_has_what_its_manifest_lists(here: Path) -> None:
    manifest = '{"domain": "foo", "requirements": ["atomic-fix==0.1"]}'
    put({"requirements.txt": "homeassistant\n", "custom_components/foo/manifest.json": manifest})
    put({"custom_components/foo/__init__.py": "", "custom_components/foo/job.py": SAVER})
    repaired("custom_components/foo/job.py")


SAM = """\
Resources:
  Save:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/save/
"""


def test_a_function_that_is_deployed_without_a_list(here: Path) -> None:
    put({"template.yaml": SAM, "requirements.txt": "boto3\natomic-fix\n"})
    put({"functions/save/app.py": f"import boto3\n{SAVER}"})
    line = left_out("functions/save/app.py")
    assert "functions/save/ is deployed by itself, and has no list of requirements" in line
    put({"functions/save/requirements.txt": "boto3\natomic-fix\n"})
    repaired("functions/save/app.py")


def test_a_program_that_a_manifest_installs_by_its_name(here: Path) -> None:
    manifest = "app-id: x\nfinish-args: []\nbuild-commands:\n  - install -D job.py /app/bin/x\n"
    put({"org.example.flatpak.yml": manifest, "job.py": SAVER})
    assert run("--vendor", "atomic_io.py").exit_code == 0
    line = refused("job.py")
    assert "org.example.flatpak.yml installs this file by its name, and not atomic_io.py" in line
    put({"org.example.flatpak.yml": f"{manifest}  - install -D atomic_io.py /app/bin/\n"})
    repaired("job.py", "from atomic_io import atomic_write_json")


PLAY = "micromamba create -f envs/app.yml -n app\nmicromamba run -n app python app/job.py\n"


def test_a_script_that_installs_another_list_alone(here: Path) -> None:
    put({"requirements.txt": "click\natomic-fix\n", "play.sh": PLAY})
    put({"envs/app.yml": "dependencies:\n  - python=3.12\n  - click\n"})
    put({"app/__init__.py": "", "app/job.py": f"import click\n{SAVER}"})
    message = refused("app/job.py")
    assert "play.sh installs what envs/app.yml lists, which does not name it" in message
    put({"play.sh": f"{PLAY}pip install -r requirements.txt\n"})
    repaired("app/job.py")


@pytest.mark.parametrize(
    "files",
    [
        {"play.sh": f"{PLAY}pip install .\n"},
        {"run_tests.sh": PLAY},
        {"play.sh": PLAY, "envs/app.yml": "dependencies:\n  - python=3.12\n  - atomic-fix\n"},
    ],
)
def test_other_scripts_that_install_lists(here: Path, files: dict[str, str]) -> None:
    put({"requirements.txt": "click\natomic-fix\n"})
    put({"envs/app.yml": "dependencies:\n  - python=3.12\n  - click\n"})
    put({"app/__init__.py": "", "app/job.py": f"import click\n{SAVER}", **files})
    repaired("app/job.py")


def test_the_python_of_an_environment_that_a_script_names(here: Path) -> None:
    put({"requirements.txt": "click\natomic-fix\n", "play.sh": PLAY})
    put({"envs/app.yml": "dependencies:\n  - python=3.8.*\n  - atomic-fix\n"})
    put({"app/__init__.py": "", "app/job.py": f"import click\n{SAVER}"})
    assert "envs/app.yml admits Python 3.8" in refused("app/job.py")


@pytest.mark.parametrize(
    ("command", "is_packed"),
    [
        ("shiv -c app -o app.pyz --site-packages build flask", False),
        ("pex flask -D src -o app.pex -m app.job", False),
        ("shiv -c app -o app.pyz .", True),
        ("pex -r requirements.txt -D src -o app.pex -m app.job", True),
        ("pex flask atomic-fix -D src -o app.pex -m app.job", True),
    ],
)
def test_an_archive_with_packages_by_their_names(here: Path, command: str, is_packed: bool) -> None:
    put({"pyproject.toml": DECLARES, "Makefile": f"app:\n\t{command}\n"})
    put({"src/app/__init__.py": "", "src/app/job.py": SAVER})
    if is_packed:
        repaired("src/app/job.py")
    else:
        message = refused("src/app/job.py")
        assert re.search("Makefile packs the program with (pex|shiv) and with packages", message)


@pytest.mark.parametrize(
    "script",
    [
        'log(f"no key: cp {OLD} {NEW}")\nSTATUS = ["job.py", "x.py"]\n',
        'MODULES = {"app/job.py": "Job"}\nshutil.copy(source, target)\n',
    ],
)
def test_words_of_a_message_copy_nothing(here: Path, script: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"app/other.py": script})
    repaired("app/job.py")


def test_a_shell_script_that_copies_a_module(here: Path) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"deploy.sh": "set -e\nscp app/run.py \\\n    app/job.py host:/srv\n"})
    assert "deploy.sh copies this file by its name" in refused("app/job.py")


def test_a_script_that_is_installed_alone(here: Path) -> None:
    put({"tool.py": SAVER, "Makefile": "install:\n\tinstall tool.py $(PREFIX)/bin/tool\n"})
    assert "Makefile shows that the program gets what it needs elsewhere" in left("tool.py")


@pytest.mark.parametrize("named", ["backend.store", "store"])
def test_a_package_in_a_folder_without_an_init(here: Path, named: str) -> None:
    """The name by which other modules import it counts, not the folder above it."""
    put({"backend/store/__init__.py": "from .saver import save_state\n"})
    put({"backend/store/saver.py": SAVER, "start.py": f"from {named}.saver import save_state\n"})
    assert run("--vendor", "backend/store/atomic_io.py").exit_code == 0
    repaired("backend/store/saver.py", f"from {named}.atomic_io import atomic_write_json\n")


# Programs that run alone elsewhere, and programs that a log would disturb.

STARTED_JOB = SAVER + '\n\nif __name__ == "__main__":\n    save_state(PATH, load_state(PATH))\n'


@pytest.mark.parametrize(
    "module",
    [
        'import cluster\n\ncluster.submit(payload=FOLDER / "job.py")\n',
        'PAYLOAD = "work/job.py"\n\n\ndef submit(client):\n    client.run_script(PAYLOAD)\n',
        'estimator = Estimator(entry_point="job.py", source_dir="work")\n',
    ],
)
def test_a_program_that_a_module_hands_over_by_its_path(here: Path, module: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/work/__init__.py": ""})
    put({"app/work/job.py": STARTED_JOB, "app/submit.py": f"# work\n{module}"})
    assert "app/submit.py hands this program over by its path" in left("app/work/job.py")
    put({"pyproject.toml": NO_DEPENDENCY})
    assert run("--vendor", "app/atomic_io.py").exit_code == 0
    assert "hands this program over" in left("app/work/job.py")
    put({"app/work/job.py": f"import app\n{STARTED_JOB}"})
    repaired("app/work/job.py", "from app.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize(
    "module",
    [
        'import subprocess\n\nsubprocess.run(["python", "work/job.py"])\n',
        'from app.work import job\n\nREPORTS = {"job.py": job}\n',
        'SKIPPED = "work/other.py"\n',
        '"""Uses work/job.py."""\n',
    ],
)
def test_a_program_that_runs_here(here: Path, module: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/work/__init__.py": ""})
    put({"app/work/job.py": STARTED_JOB, "app/submit.py": module})
    repaired("app/work/job.py")


LOADER = """\
import json


def load_session(path):
    try:
        return json.loads(path.read_text())
    except ValueError:
        return {}


def save_session(path, session):
    temp = path.with_suffix(".tmp")
    temp.write_text(json.dumps(session))
    temp.replace(path)
"""
ON_STDOUT = "import logging\nimport sys\n\nlogging.basicConfig(stream=sys.stdout)\n"
PRINTS = "import json\nfrom app.session import load_session\n\n"
STATUS = f"{PRINTS}print(json.dumps(load_session(PATH)))\n"


def warned(files: dict[str, str]) -> bool:
    """Whether the loader in a project with these files gets a warning; else the finding says why
    it does not."""
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/session.py": LOADER, **files})
    arguments = ("--select", "ATF201,ATF202", "--output-format", "full", "app/session.py")
    output = run("--write", "--no-cache", *arguments).stdout
    is_changed = ".warning(" in Path("app/session.py").read_text()
    assert is_changed or "would call `logging.getLogger(__name__).warning`" in output
    return is_changed


@pytest.mark.parametrize(
    "log",
    [
        ON_STDOUT,
        "handler = logging.StreamHandler(sys.stdout)\n",
        "handler = logging.StreamHandler(stream=sys.stdout)\n",
        'LOGGING = {"handlers": {"console": {"stream": "ext://sys.stdout"}}}\n',
        "handler = RichHandler(rich_tracebacks=True)\n",
        "logger.add(sys.stdout)\n",
        "structlog.configure(logger_factory=structlog.PrintLoggerFactory())\n",
    ],
)
def test_a_log_on_standard_output_beside_documents(here: Path, log: str) -> None:
    assert not warned({"app/log.py": log, "app/status.py": STATUS})
    assert warned({"app/log.py": log.replace("stdout", "stderr"), "app/status.py": ""})


@pytest.mark.parametrize(
    "code",
    [
        "print(json.dumps(load_session(PATH), indent=2))\n",
        "click.echo(\n    json.dumps(load_session(PATH))\n)\n",
        "json.dump(load_session(PATH), sys.stdout)\n",
        "sys.stdout.write(yaml.safe_dump(load_session(PATH)))\n",
        "text = json.dumps(load_session(PATH))\nprint(text)\n",
        "console.print_json(data=load_session(PATH))\n",
        "csv.writer(sys.stdout).writerows(load_session(PATH))\n",
        "print(Session(load_session(PATH)).model_dump_json())\n",
    ],
)
def test_documents_on_standard_output_beside_the_log(here: Path, code: str) -> None:
    files = {"app/log.py": ON_STDOUT, "app/status.py": PRINTS + code}
    assert not warned(files)
    assert warned({**files, "app/log.py": ON_STDOUT.replace("stdout", "stderr")})


def test_documents_without_the_loader(here: Path) -> None:
    other = STATUS.replace("app.session", "app.other")
    assert warned({"app/log.py": ON_STDOUT, "app/status.py": other, "tests/test_a.py": STATUS})


def test_a_loader_that_the_printing_program_imports_by_way_of_another(here: Path) -> None:
    store = "from app.session import load_session\n"
    status = STATUS.replace("app.session", "app.store")
    assert not warned({"app/log.py": ON_STDOUT, "app/store.py": store, "app/status.py": status})


def test_a_program_that_draws_on_the_terminal(here: Path) -> None:
    screen = "import curses\nfrom app.session import load_session\n"
    assert not warned({"app/screen.py": screen})
    assert warned({"app/screen.py": screen, "app/log.py": 'basicConfig(filename="a.log")\n'})


PROGRAM = SAVER + '\n\nif __name__ == "__main__":\n    save_state(PATH, load_state(PATH))\n'


def vendored(files: dict[str, str], place: str) -> None:
    put({"requirements.txt": "click\n", **files})
    assert run("--vendor", place).exit_code == 0


@pytest.mark.parametrize("path", ["src/data/job.py", "tools/job.py"])
def test_a_program_in_a_package_that_is_started_by_its_path(here: Path, path: str) -> None:
    packages = {"src/__init__.py": "", "src/data/__init__.py": "", "tools/__init__.py": ""}
    vendored({**packages, path: PROGRAM}, "src/atomic_io.py")
    assert "when it is started by its path" in left(path)
    put({"README.md": f"python -m {path.removesuffix('.py').replace('/', '.')}\n"})
    repaired(path, "from src.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize("imports", ["import src\n", "from . import other\n"])
def test_a_program_in_a_package_that_imports_the_package(here: Path, imports: str) -> None:
    packages = {"src/__init__.py": "", "src/data/__init__.py": "", "src/data/other.py": ""}
    vendored({**packages, "src/data/job.py": imports + PROGRAM}, "src/atomic_io.py")
    repaired("src/data/job.py", "from src.atomic_io import atomic_write_json\n")


def test_a_program_in_a_package_that_is_installed(here: Path) -> None:
    built = '[build-system]\nrequires = ["setuptools"]\n[project]\nname = "app"\n'
    vendored({"pyproject.toml": built, "app/__init__.py": "", "app/job.py": PROGRAM}, "app/aio.py")
    repaired("app/job.py", "from app.aio import atomic_write_json\n")


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("src/train/run.py", "from data.store import load_state"),
        ("src/train/run.py", "import data.store"),
        ("src/train/run.py", "from data import (\n    store,\n)"),
        ("src/data/main.py", "from store import load_state"),
    ],
)
def test_a_file_that_is_imported_under_a_shorter_name(
    here: Path, importer: str, statement: str
) -> None:
    packages = {"src/__init__.py": "", "src/data/__init__.py": "", "src/train/__init__.py": ""}
    files = {**packages, "src/data/store.py": "from src import data\n" + SAVER}
    vendored({**files, importer: f"{statement}\n"}, "src/atomic_io.py")
    assert f"{importer} imports this file as" in left("src/data/store.py")
    put({importer: statement.replace("data", "src.data").replace("m store", "m src.data.store")})
    repaired("src/data/store.py", "from src.atomic_io import atomic_write_json\n")


def test_a_shorter_name_that_is_another_module(here: Path) -> None:
    packages = {"src/__init__.py": "", "src/data/__init__.py": "", "data/__init__.py": ""}
    files = {**packages, "src/data/store.py": "from src import data\n" + SAVER, "data/store.py": ""}
    vendored({**files, "run.py": "from data.store import x\nimport src.data\n"}, "src/atomic_io.py")
    repaired("src/data/store.py", "from src.atomic_io import atomic_write_json\n")


GUARDED = "if HERE not in sys.path:\n    "


@pytest.mark.parametrize(
    "change",
    [
        "sys.path.insert(0, HERE)\n",
        f"{GUARDED}sys.path.insert(0, HERE)\n",
        "try:\n    sys.path.append(HERE)\nfinally:\n    pass\n",
        "for each in (HERE,):\n    sys.path.insert(0, each)\n",
        "sys.path = [HERE, *sys.path]\n",
        "sys.path[:0] = [HERE]\n",
        "sys.path += [HERE]\n",
        "site.addsitedir(HERE)\n",
    ],
)
def test_an_import_above_what_makes_it_possible(here: Path, change: str) -> None:
    head = "import json\nimport site\nimport sys\nfrom pathlib import Path\n\n"
    head += "HERE = str(Path(__file__).parent.parent)\n"
    later = "\n\ndef start():\n    from app import loader\n"
    script = head + change + later + SAVER.removeprefix("import json\n")
    vendored({"app/__init__.py": "", "app/loader.py": "", "scripts/job.py": script}, "app/aio.py")
    assert "above the row that adds" in left("scripts/job.py")
    put({"scripts/job.py": script.replace(later, f"from app import loader\n{later}")})
    repaired("scripts/job.py", "from app import loader\nfrom app.aio import atomic_write_json\n")


def test_a_package_whose_name_only_a_program_elsewhere_shows(here: Path) -> None:
    files = {"src/utils/__init__.py": "", "src/utils/state.py": SAVER}
    put(
        {
            "requirements.txt": "click\n",
            **files,
            "train.py": "from src.utils.state import save_state\n",
        }
    )
    assert run("--vendor", "src/utils/atomic_io.py").exit_code == 0
    repaired("src/utils/state.py", "from src.utils.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dependecies.txt", "Flask==3.1.0\nrequests==2.32.3 # web\n\n"),
        ("packages.txt", "-r more.txt\nuvicorn[standard]>=0.2\n"),
        ("README.md", "Run `pip install requests` first.\n"),
        ("INSTALL", '$ pip3 install -U "numpy>=1"\n'),
    ],
)
def test_other_places_that_list_what_a_program_needs(here: Path, name: str, text: str) -> None:
    put({"store.py": SAVER, name: text})
    assert f"{name} shows that the program gets what it needs elsewhere" in refused("store.py")
    put({name: text.replace("requests", "requests atomic-fix") + "atomic-fix>=1\n"})
    repaired("store.py")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.txt", "buy milk\ncall==home maybe\n"),
        ("words.txt", "alpha\nbeta\n"),
        ("README.md", "pip install .\npip install -e .\npip install -r list\npip install ./here\n"),
    ],
)
def test_texts_that_list_nothing(here: Path, name: str, text: str) -> None:
    put({"store.py": SAVER, name: text})
    repaired("store.py")


def test_a_copy_beside_all_files_that_need_it(here: Path) -> None:
    files = {f"src/{each}.py": f"from src.web import app\n{SAVER}" for each in ("one", "two")}
    put({"requirements.txt": "click\n", "src/web/__init__.py": "", "src/web/app.py": "", **files})
    put({"main.py": "from src.one import save_state\n"})
    assert "`atomic-fix --vendor src/atomic_io.py`" in refused("src/one.py and 1 other file")


def test_a_copy_goes_into_the_package_of_the_only_file_that_needs_it(here: Path) -> None:
    put({"requirements.txt": "click\n", "src/aaa/__init__.py": "", "src/core/__init__.py": ""})
    put({"src/main.py": "import aaa\nfrom core import history\n", "src/core/history.py": SAVER})
    assert "`atomic-fix --vendor src/core/atomic_io.py`" in refused("src/core/history.py")


def test_a_plugin_of_sublime_text_with_its_settings_elsewhere(here: Path) -> None:
    put({"main.py": "import sublime_plugin\nfrom .core import history\n", "core/__init__.py": ""})
    put({"core/history.py": SAVER})
    assert run("--vendor", "core/atomic_io.py").exit_code == 0
    assert "Sublime Text may load this package under another name" in left("core/history.py")


def test_both_branches_are_repaired_where_a_module_may_be_missing(here: Path) -> None:
    Path("cache.py").write_text(
        "import json\n\n\n"
        "def save_state(state, state_path):\n"
        "    try:\n"
        "        import orjson\n\n"
        '        with open(state_path, "wb") as file:\n'
        "            file.write(orjson.dumps(state))\n"
        "    except ImportError:\n"
        '        with open(state_path, "w") as file:\n'
        "            json.dump(state, file)\n\n\n"
        "def load_state(state_path):\n"
        "    return json.load(open(state_path))\n"
    )
    result = run("--write", "--no-cache", "--assume-helper", ".")
    assert result.exit_code == 0, result.output
    assert 'open(state_path, "w")' not in Path("cache.py").read_text()


def test_a_python_that_lacks_what_the_program_imports(here: Path) -> None:
    put({"store.py": SAVER, "main.py": "import json\n\nimport no_such_module\nimport store\n"})
    repaired("store.py")
    put({"store.py": SAVER, "README": "A store.\n"})
    line = refused("store.py")
    assert "the program imports `no_such_module`, which this Python does not have" in line
    assert "`atomic-fix --vendor atomic_io.py`" in line
    put(
        {"main.py": "import click\nimport store\n\ntry:\n    import no_such_module\nexcept: pass\n"}
    )
    repaired("store.py")


def test_a_shorter_name_that_may_never_be_found(here: Path) -> None:
    packages = {"src/__init__.py": "", "src/data/__init__.py": ""}
    tried = "try:\n    from data.store import load_state\nexcept ImportError:\n    pass\n"
    files = {**packages, "src/data/store.py": "from src import data\n" + SAVER, "check.py": tried}
    vendored(files, "src/atomic_io.py")
    repaired("src/data/store.py", "from src.atomic_io import atomic_write_json\n")


STATE = {"src/utils/state.py": SAVER, "main.py": "from src.utils.state import load_state\n"}
ENGINE = {"src/ai/__init__.py": "from .engine import run\n", "src/ai/engine.py": "run = 1\n"}
LEADING_BACK = {**ENGINE, "src/ai/engine.py": "from src.utils.state import load_state as run\n"}


@pytest.mark.parametrize(
    "others",
    [{}, {"src/ai/__init__.py": ""}, ENGINE, LEADING_BACK],
    ids=["alone", "empty package", "package", "package that leads back"],
)
def test_a_package_without_init_whose_name_a_program_shows(
    here: Path, others: dict[str, str]
) -> None:
    put({"requirements.txt": "click\n", **STATE, **others})
    vendored_as_advised("src/utils/state.py")
    assert "from src." in Path("src/utils/state.py").read_text()
    starts("main.py")


def test_a_package_that_leads_back_gets_no_import_of_its_copy(here: Path) -> None:
    put({"requirements.txt": "click\n", **STATE, **LEADING_BACK})
    assert run("--vendor", "src/ai/atomic_io.py").exit_code == 0
    assert "it imports this file in turn" in left("src/utils/state.py")


def test_a_copy_in_an_inner_package_that_imports_more(here: Path) -> None:
    put({"requirements.txt": "click\n", **STATE, **ENGINE})
    assert run("--vendor", "src/ai/atomic_io.py").exit_code == 0
    assert "`src.ai` imports other modules" in left_out("src/utils/state.py")
    put({"main.py": "import src.ai.engine\nfrom src.utils.state import load_state\n"})
    repaired("src/utils/state.py", "from src.ai.atomic_io import atomic_write_json\n")


@pytest.mark.parametrize("relative", ["from .store import load_state", "from . import store"])
def test_a_file_that_a_module_with_a_shorter_name_imports(here: Path, relative: str) -> None:
    files = {"app/__init__.py": "", "app/core/__init__.py": "", "app/core/store.py": SAVER}
    start = {"app/main.py": "from core.config import x\n", "run.py": "import app.core.store\n"}
    vendored({**files, **start, "app/core/config.py": f"{relative}\nx = 1\n"}, "app/core/aio.py")
    assert "app/main.py imports this file as `core.config`" in left("app/core/store.py")
    put({"app/main.py": "from app.core.config import x\n"})
    repaired("app/core/store.py", "from app.core.aio import atomic_write_json\n")


TESTED = """\
from unittest.mock import mock_open, patch

from app.job import save_state


def test_save(monkeypatch):
    REPLACED
        save_state("a.json", {})
"""


@pytest.mark.parametrize(
    "replaced",
    [
        'with patch("builtins.open", mock_open()):',
        'with patch("app.job.json.dumps"):',
        'with patch.object(Path, "write_text"):',
        'with monkeypatch.setattr("builtins.open", fail):',
        'with monkeypatch.setattr(Path, "write_text", fail):',
    ],
)
def test_a_test_that_replaces_what_is_called(here: Path, replaced: str) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    put({"tests/test_job.py": TESTED.replace("REPLACED", replaced)})
    assert "tests/test_job.py replaces what is called here, and would fail" in left("app/job.py")


@pytest.mark.parametrize(
    "change",
    [("mock_open, ", ""), ("app.job", "app.other"), ("save_state", "load_state")],
)
def test_tests_that_replace_something_else(here: Path, change: tuple[str, str]) -> None:
    put({"pyproject.toml": DECLARES, "app/__init__.py": "", "app/job.py": SAVER})
    replaced = 'with patch("app.job.clock"):' if not change[1] else 'with patch("builtins.open"):'
    put({"tests/test_job.py": TESTED.replace("REPLACED", replaced).replace(*change)})
    repaired("app/job.py")


BUILT = '[build-system]\nrequires = ["setuptools"]\n[project]\nname = "src"\n'


def test_an_installation_that_nothing_makes(here: Path) -> None:
    files = {"src/__init__.py": "", "src/utils/__init__.py": "", "src/utils/job.py": PROGRAM}
    vendored({"pyproject.toml": BUILT, "README.md": "pip install -r requirements.txt\n", **files},
             "src/aio.py")  # fmt: skip
    assert "when it is started by its path" in left("src/utils/job.py")
    put({"README.md": "pip install -e .\n"})
    repaired("src/utils/job.py", "from src.aio import atomic_write_json\n")


def test_a_program_of_an_installed_project_that_uses_a_shorter_name(here: Path) -> None:
    files = {"src/__init__.py": "", "src/utils/__init__.py": "", "src/utils/job.py": SAVER}
    longer = {f"{each}.py": "from src.utils.job import load_state\n" for each in ("one", "two")}
    start = {"pyproject.toml": BUILT, "src/cli.py": "from utils.job import load_state\n"}
    vendored({**start, **files, **longer, "src/web/__init__.py": ""}, "src/web/aio.py")
    assert "src/cli.py imports this file as `utils.job`" in left("src/utils/job.py")


def test_a_package_with_the_name_of_another(here: Path) -> None:
    put({"src/models/__init__.py": "", "src/models/net.py": ""})
    put({"src/run.py": "from models.net import x\nfrom models import net\n"})
    main = {"main.py": "from configs.models.active import x\n", "configs/models/active.py": SAVER}
    vendored(main, "configs/models/aio.py")
    repaired("configs/models/active.py", "from configs.models.aio import atomic_write_json\n")


def test_a_file_that_its_package_imports_under_a_shorter_name(here: Path) -> None:
    package = {"src/__init__.py": "", "src/clips/__init__.py": "from .archive import save_state\n"}
    files = {"src/clips/archive.py": "from src import clips\n" + SAVER, "src/clips/align.py": ""}
    start = {"src/examples/demo.py": "from clips.align import align\n"}
    vendored({**package, **files, **start, "app.py": "import src.clips.archive\n"}, "src/aio.py")
    assert "src/examples/demo.py imports this file as `clips`" in left("src/clips/archive.py")


@pytest.mark.parametrize(
    "loader",
    [
        {"run.py": 'for each in (ROOT / "plugins").glob("*.py"):\n    load(each)\n'},
        {"run.py": 'names = [x for x in os.listdir("plugins/") if x.endswith(".py")]\n'},
        {"plugins/tasks.py": 'FILES = Path(__file__).parent.glob("*.py")\n'},
    ],
)
def test_no_copy_in_a_folder_whose_modules_are_all_taken(
    here: Path, loader: dict[str, str]
) -> None:
    put({"requirements.txt": "click\n", "plugins/__init__.py": "", "plugins/job.py": SAVER})
    put({"main.py": "import plugins.job\n", "core/__init__.py": "", "core/a.py": "", **loader})
    assert "`atomic-fix --vendor core/atomic_io.py`" in refused("plugins/job.py")


@pytest.mark.parametrize("path", ["gui/store.py", "gui/inner/store.py"])
def test_a_nested_project_whose_modules_name_its_folder(here: Path, path: str) -> None:
    put({"gui/requirements.txt": "click\n", "gui/app.py": "from gui.store import load_state\n"})
    put({"gui/store.py": "", "gui/inner/__init__.py": "", path: SAVER})
    assert run("--vendor", "gui/aio.py").exit_code == 0
    run("--write", "--no-cache")
    assert "aio" not in Path(path).read_text() or "from gui.aio" in Path(path).read_text()


def test_a_file_in_a_package_that_puts_the_root_on_the_path(here: Path) -> None:
    change = "sys.path.insert(0, str(Path(__file__).parents[1]))\n"
    head = f"import json\nimport sys\nfrom pathlib import Path\n\n{change}"
    script = head + SAVER.removeprefix("import json\n")
    vendored({"gui/__init__.py": "", "cli/__init__.py": "", "gui/job.py": script}, "cli/aio.py")
    assert "above the row that adds" in left("gui/job.py")


def test_a_file_that_nothing_imports_by_its_full_name(here: Path) -> None:
    files = {"src/__init__.py": "", "src/data/__init__.py": "", "src/data/job.py": SAVER}
    vendored(
        {**files, **{f"src/data/m{number}.py": "x = 1\n" for number in range(9)}}, "src/aio.py"
    )
    assert "nothing imports this file as `src.data.job`" in left("src/data/job.py")
    put({"src/data/m1.py": "from . import job\n"})
    assert "nothing imports this file as `src.data.job`" in left("src/data/job.py")
    put({"main.py": "import src.data.m1\n"})
    repaired("src/data/job.py", "from src.aio import atomic_write_json\n")


@pytest.mark.parametrize(
    "shown",
    [
        {"README.md": "uvicorn src.data.job:app\n"},
        {"tests/test_job.py": "from src.data.job import load_state\n"},
        {"src/data/job.py": "from src.data import m1\n" + SAVER},
    ],
)
def test_a_file_whose_full_name_shows_elsewhere(here: Path, shown: dict[str, str]) -> None:
    files = {"src/__init__.py": "", "src/data/__init__.py": "", "src/data/job.py": SAVER}
    files |= {f"src/data/m{number}.py": "x = 1\n" for number in range(9)}
    vendored({**files, **shown}, "src/aio.py")
    repaired("src/data/job.py", "from src.aio import atomic_write_json\n")
