"""What no code of a project does counts only if all of the project has been examined."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from atomic_fix.run import indexing
from atomic_fix.run.all_files import RunOptions, Shard, check_files
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver

OLD = 1_000_000_000_000_000_000
SAVE = """\
import json


def save_report_state(path, state):
    with open(path, "w") as file:
        json.dump(state, file)


def load_state(path):
    with open(path) as file:
        return json.load(file)
"""
FINISH = """\
import json


def finish(out, state):
    with open(f"{out}/training_checkpoint.json", "w") as file:
        json.dump(state, file)
"""
CALL = "from app.save import save_report_state\n\nsave_report_state('a', 1)\n"
OTHER = "import json\n\njson.dump(1, open('one_state.json', 'w'))\n"
BOTH = ["app/finish.py", "app/save.py"]
FINISHED = ["app/finish.py"]
SAVED = ["app/save.py"]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which one function is never called, and one file is never read."""
    root = tmp_path / "tree"
    put(root, {"app/__init__.py": "", "app/save.py": SAVE, "app/finish.py": FINISH})
    put(root, {"app/main.py": "from app.finish import finish\n\nfinish('out', {})\n"})
    put(root, {f"app/part{number}.py": "" for number in range(6)})
    (root / ".git").mkdir()
    monkeypatch.chdir(root)
    return root


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, ns=(OLD, OLD))


def found(*paths: str, run_options: RunOptions | None = None) -> list[str]:
    """The files with findings."""
    options = run_options or RunOptions()
    done = check_files(paths or (".",), Resolver({}), ReportFilter(), options)
    return sorted(Path(each.filename).as_posix() for each in done if each.findings)


def without_git(tree: Path) -> None:
    (tree / ".git").rmdir()


def few(tree: Path) -> None:
    (tree / "app/part0.py").unlink()


def excluded(tree: Path) -> None:
    put(tree, {"old/a.py": "", "pyproject.toml": "[tool.atomic-fix]\nextend-exclude = ['old']\n"})


def excluded_by_default(tree: Path) -> None:
    put(tree, {"build/a.py": CALL})


def submodule(tree: Path) -> None:
    put(tree, {"lib/other/a.py": ""})
    (tree / "lib/other/.git").write_text("gitdir: ../../.git/modules/other\n")


def tests_alone(tree: Path) -> None:
    put(tree, {"tests/test_save.py": f"{CALL}\nopen('training_checkpoint.json').read()\n"})


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda tree: None, []),
        (tests_alone, []),
        (excluded_by_default, []),
        (without_git, BOTH),
        (few, BOTH),
        (excluded, BOTH),
        (submodule, BOTH),
    ],
)
def test_absent_code_counts_only_in_a_whole_project(
    tree: Path, change: Callable[[Path], None], names: list[str]
) -> None:
    change(tree)
    assert found() == names
    assert found(*BOTH) == names


def test_a_project_file_shows_where_a_project_begins(tree: Path) -> None:
    without_git(tree)
    put(tree, {"setup.py": "from setuptools import setup\n\nsetup()\n"})
    assert found() == []


def test_a_folder_with_too_many_files_is_no_whole_project(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atomic_fix.run.project_files._MOST_FILES", 2)
    assert found() == BOTH


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("app/job.py", CALL, SAVED),
        # Whatever another file does with the name.
        ("app/job.py", "JOBS = ['save_report_state']\n", SAVED),
        ("app/job.py", "import app.save as s\nJOB = s.save_report_state\n", SAVED),
        ("app/job.py", "import json\njson.load(open('x/training_checkpoint.json'))\n", FINISHED),
        ("app/job.py", "NAMES = ['training_checkpoint.json']\n", FINISHED),
        ("app/job.py", "NAMES = ['old_training_checkpoint.json']\n", []),
        ("app/job.py", f"{OTHER}json.load(open(f'{{stage()}}_checkpoint.json'))\n", FINISHED),
        ("app/job.py", f"{OTHER}json.load(open(f'{{stage()}}_states.json'))\n", []),
        # Files that cannot be parsed, and those in other languages.
        ("app/old.py", "print save_report_state\n", SAVED),
        ("app/old.py", "print 'training_checkpoint.json'\nopen(x, 'w')\n", FINISHED),
        ("run", "#!/usr/bin/env python3\nsave_report_state('a', 1)\n", SAVED),
        ("run.sh", "python -c 'from app.save import *; save_report_state(1, 2)'", SAVED),
        ("run.sh", "jq . < out/training_checkpoint.json\n", FINISHED),
        ("look.ipynb", '{"cells": [{"source": ["save_report_state(1, 2)"]}]}', SAVED),
        # A document shows a function to its users, but reads no file.
        ("README.md", "Use save_report_state; see training_checkpoint.json.\n", SAVED),
    ],
)
def test_whoever_mentions_a_name_may_use_it(
    tree: Path, name: str, text: str, names: list[str]
) -> None:
    put(tree, {name: text})
    assert found(*BOTH) == names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def save_report", "@job\ndef save_report"),
        ("def save_report_state(path, state)", "def save_report_state(state, path='state.json')"),
        # The caller chooses only a part of the name.
        ("with open(path, ", "with open(f'state/{path}.json', "),
        ("    with open(path, ", "    path = choose()\n    with open(path, "),
        ("import json\n", "import json\n\n__all__ = ['save_report_state']\n"),
        ("import json\n", "import json\n\nRUN = globals()\n"),
        ("import json\n", "import json\n\n\ndef run(m, n):\n    return getattr(m, n)(1)\n"),
        ("import json\n", "import json, fire\n"),
    ],
)
def test_a_function_that_may_be_reached_without_its_name(tree: Path, old: str, new: str) -> None:
    assert old in SAVE
    put(tree, {"app/save.py": SAVE.replace(old, new, 1)})
    assert found() == SAVED


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("class Saver:", []),
        ("class Saver(object):", []),
        ("class Saver(Callback):", SAVED),
    ],
)
def test_a_method_may_be_called_by_a_base_class(tree: Path, head: str, names: list[str]) -> None:
    methods = SAVE[SAVE.index("def save") :].replace("(path", "(self, path")
    methods = methods.replace("open(self, path", "open(path").replace("\n", "\n    ")
    put(tree, {"app/save.py": f"import json\n\n\n{head}\n    {methods}\n"})
    put(tree, {"app/use.py": "from app.save import Saver\n\nSaver()\n"})
    assert found() == names


def test_the_evidence_is_shown(tree: Path) -> None:
    from click.testing import CliRunner

    from atomic_fix.cli import main

    for place, text in (
        ("app/save.py:5", "no code of the project calls the function"),
        ("app/finish.py:5", "no code of the project reads it back"),
    ):
        assert text in CliRunner().invoke(main, ["--explain-finding", place]).output


def test_shards_processes_and_caches_report_the_same(tree: Path, tmp_path: Path) -> None:
    put(tree, {"app/job.py": CALL})
    assert found() == SAVED
    kept = RunOptions(jobs=2, cache_folder=str(tmp_path / "cache"))
    for _ in range(3):
        assert found(run_options=kept) == SAVED
        assert found("app/save.py", run_options=kept) == SAVED
        assert found("app/finish.py", run_options=kept) == []
    parts = [found(run_options=RunOptions(shard=Shard(index, 3))) for index in (1, 2, 3)]
    assert sorted(name for each in parts for name in each) == SAVED


@pytest.mark.parametrize("name", ["app/job.py", "run.sh"])
def test_a_cached_project_notices_what_changes(tree: Path, tmp_path: Path, name: str) -> None:
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    assert found(run_options=run_options) == []
    for text, names in (
        (CALL, SAVED),
        ("# nothing\n", []),
        ("open('training_checkpoint.json')\n", FINISHED),
        (f"{CALL}open('training_checkpoint.json')\n", BOTH),
    ):
        put(tree, {name: text})
        for _ in range(2):
            assert found(run_options=run_options) == names, text
    shutil.rmtree(tree / ".git")
    (tree / name).unlink()
    assert found(run_options=run_options) == BOTH
    (tree / ".git").mkdir()
    assert found(run_options=run_options) == []


def test_files_in_other_languages_that_are_too_large_are_not_searched(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tree, {"run.sh": "echo\n" * 10})
    assert found() == []
    monkeypatch.setattr(indexing, "_MOST_OTHERS", 10)
    assert found() == BOTH


def test_a_file_that_is_trusted_or_extended_counts_as_read(tree: Path) -> None:
    put(
        tree,
        {
            "app/finish.py": """\
import json
import os


def finish(out, state):
    path = f"{out}/training_checkpoint.json"
    old = json.load(open(path)) if os.path.exists(path) else []
    old.append(state)
    with open(path, "w") as file:
        json.dump(old, file)
"""
        },
    )
    assert found() == FINISHED


def test_a_name_that_several_files_define_may_be_called_without_it(tree: Path) -> None:
    put(tree, {"app/other.py": SAVE})
    assert SAVED[0] in found()
