"""The evidence in other files of a project counts, however the checked files were named."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main
from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import disk, indexing, workers
from atomic_fix.run.all_files import RunOptions, Shard, check_files
from atomic_fix.run.one_file import check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Checked, Work, do
from atomic_fix.settings import Resolver

OLD = 1_000_000_000_000_000_000
UTILS = """\
import json


def save_json(path, obj):
    with open(path, "w") as file:
        json.dump(obj, file)
"""
JOB = """\
from app.utils import save_json


def save_progress(state):
    save_json("progress_checkpoint.json", state)
"""
REPORT = """\
from app.utils import save_json


def write_report(rows):
    save_json("report.html", rows)
"""
CLEAN = "def double(x):\n    return 2 * x\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which a file has a defect because of what another file passes to it."""
    root = tmp_path / "tree"
    put(root, {"app/__init__.py": "", "app/utils.py": UTILS, "app/job.py": JOB})
    put(root, {f"app/clean_{number}.py": CLEAN for number in range(5)})
    (root / ".git").mkdir()
    monkeypatch.chdir(root)
    return root


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, ns=(OLD, OLD))


def results(*paths: str, run_options: RunOptions | None = None) -> dict[str, FileResult]:
    found = check_files(paths or (".",), Resolver({}), ReportFilter(), run_options or RunOptions())
    return {os.path.normpath(each.filename): each for each in found}


def codes(told: dict[str, FileResult]) -> dict[str, list[str]]:
    return {
        name: [finding.code for finding in each.findings]
        for name, each in told.items()
        if each.findings
    }


FOUND = {"app/utils.py": ["ATF101"]}


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, [*arguments], input=given)


def test_the_place_in_the_other_file_is_named_as_the_file_is(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = str(Path("app", "job.py"))
    ways = [(".", job), (str(tree), str(tree / job))]
    for given, expected in ways:
        (finding,) = (each for found in results(given).values() for each in found.findings)
        assert [(each.path, each.span.start.row) for each in finding.related] == [(expected, 5)]
    monkeypatch.chdir(tree / "app")
    (finding,) = (each for found in results("utils.py").values() for each in found.findings)
    assert [each.path for each in finding.related] == ["job.py"]
    (told,) = json.loads(run("--output-format=json", "--no-cache", "utils.py").stdout)
    assert [each["filename"] for each in told["related_locations"]] == [str(tree / job)]


def test_a_file_is_judged_by_what_another_one_gives_it(tree: Path) -> None:
    told = results()
    assert codes(told) == FOUND
    (finding,) = told["app/utils.py"].findings
    assert "`save_progress` (app/job.py:5)" in finding.why


def test_who_only_reads_the_file_counts_too(tree: Path) -> None:
    reader = """\
import json


def resume():
    with open("data/progress_checkpoint.json") as file:
        return json.load(file)
"""
    put(tree, {"app/resume.py": reader})
    for paths in ((".",), ("app/utils.py",)):
        (finding,) = results(*paths)["app/utils.py"].findings
        assert "`resume` (app/resume.py:6) reads it back" in [
            each.text for each in finding.evidence
        ]


def test_a_single_file_gets_the_same_findings_as_in_a_whole_run(tree: Path) -> None:
    whole = results()
    for name, result in whole.items():
        assert results(name) == {name: result}


def test_the_project_is_that_of_the_file_and_not_of_the_current_folder(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results()["app/utils.py"].findings
    monkeypatch.chdir(tree / "app")
    assert [e.why for e in results("utils.py")["utils.py"].findings] == [e.why for e in whole]
    monkeypatch.chdir("/")
    name = str(tree / "app" / "utils.py")
    assert [e.why for e in results(name)[name].findings] == [e.why for e in whole]


def test_without_the_project_each_file_is_judged_alone(tree: Path) -> None:
    assert run(".").exit_code == 1
    assert run("--no-project", ".").exit_code == 0
    (tree / "pyproject.toml").write_text("[tool.atomic-fix]\nproject = false\n")
    assert run(".").exit_code == 0
    assert run("--project", ".").exit_code == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_warm_cache_and_several_processes_tell_the_same(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setattr(workers, "WORTH_A_POOL", 1)
    monkeypatch.setattr(workers, "_CHUNK", 3)
    alone = results()
    run_options = RunOptions(jobs=jobs, cache_folder=str(tmp_path / "cache"))
    for _ in range(3):
        assert results(run_options=run_options) == alone
        assert results("app/utils.py", run_options=run_options) == {
            "app/utils.py": alone["app/utils.py"]
        }


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Returns the files that were summarised since the last call."""
    from atomic_fix.run import looking

    names: list[str] = []
    usual = looking.looked_at

    def counted(*given: object, **named: object) -> object:
        look = given[3]
        assert isinstance(look, looking.Look)
        names.extend([look.name] if look.summary else [])
        return usual(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "looked_at", counted)

    def since() -> list[str]:
        found = sorted(set(names))
        names.clear()
        return found

    return since


def test_files_are_searched_for_names_only_while_more_of_them_may_be_summarised(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[frozenset[str]] = []
    usual = indexing.Project._search

    def counted(self: indexing.Project, wanted: frozenset[str], looker: indexing.Looker) -> None:
        rounds.append(wanted)
        usual(self, wanted, looker)

    monkeypatch.setattr(indexing.Project, "_search", counted)
    results()
    often = len(rounds)
    monkeypatch.setattr(indexing, "_LEAST_ROOM", 1)
    results()
    assert (often, len(rounds)) == (2, 3)


def test_a_change_in_one_file_changes_what_is_found_in_another(
    tree: Path, tmp_path: Path, looked: Callable[[], list[str]]
) -> None:
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    assert codes(results(run_options=run_options)) == FOUND
    looked()
    put(tree, {"app/job.py": REPORT})
    assert codes(results("app/utils.py", run_options=run_options)) == {}
    assert looked() == ["app/job.py"]
    put(tree, {"app/job.py": JOB + "\n"})
    assert codes(results("app/utils.py", run_options=run_options)) == FOUND
    looked()
    assert codes(results(run_options=run_options)) == FOUND
    assert looked() == []
    (tree / "app" / "job.py").unlink()
    assert codes(results("app/utils.py", run_options=run_options)) == {}
    put(tree, {"app/deeper/job.py": JOB})
    assert codes(results("app/utils.py", run_options=run_options)) == FOUND


def test_only_files_of_which_others_say_something_else_are_checked_again(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tree, {f"app/more_{number}.py": CLEAN for number in range(20)})
    checked: list[str] = []
    usual = check_file

    def counted(content: bytes, filename: str, *given: object, **named: object) -> FileResult:
        checked.append(filename)
        return usual(content, filename, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "check_file", counted)
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    results(run_options=run_options)
    checked.clear()
    assert codes(results(run_options=run_options)) == FOUND
    assert checked == []
    put(tree, {"app/job.py": JOB.replace("progress_", "")})
    assert codes(results(run_options=run_options)) == FOUND
    assert set(checked) - {"app/job.py"} == {"app/utils.py"}


def test_shards_together_report_the_same_as_one_run(tree: Path) -> None:
    parts: dict[str, FileResult] = {}
    for index in (1, 2, 3):
        parts.update(results(run_options=RunOptions(shard=Shard(index, 3))))
    assert parts == results()


def test_standard_input_gets_the_same_findings_as_the_file(tree: Path) -> None:
    whole = json.loads(run("--output-format", "json", "app/utils.py").stdout)
    name = str(Path("app", "utils.py"))
    told = run("--output-format", "json", "--stdin-filename", name, "-", given=UTILS)
    assert json.loads(told.stdout) == whole
    # The text counts, and not what lies on the disk: the call goes to another function now.
    other = UTILS.replace("save_json", "save_other")
    assert run("--stdin-filename", name, "-", given=other).exit_code == 0
    assert run("--stdin-filename", name, "--no-project", "-", given=UTILS).exit_code == 0
    # A file that is still to be saved.
    put(tree, {"app/job.py": JOB.replace("app.utils", "app.new")})
    name = str(Path("app", "new.py"))
    assert run("--stdin-filename", name, "-", given=UTILS).exit_code == 1
    assert run("--stdin-filename", name, "-", given=CLEAN).exit_code == 0
    assert run("-", given=UTILS).exit_code == 0


def test_repairs_count_the_project_too(tree: Path) -> None:
    name = str(Path("app", "utils.py"))
    shown = run("--assume-helper", "--diff", name)
    assert "atomic_write_json" in shown.stdout
    through = run("--assume-helper", "--write", "--stdin-filename", name, "-", given=UTILS)
    assert "atomic_write_json" in through.stdout
    assert run("--assume-helper", "--write", name).exit_code == 0
    assert "atomic_write_json" in (tree / name).read_text()
    assert codes(results()) == {}


OWN = """\
import json
import os
import tempfile


def put_json(path, obj, indent=2):
    folder = os.path.dirname(path)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
        json.dump(obj, file, indent=indent)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
"""


def test_repairs_call_the_projects_own_helper_where_that_is_asked_for(tree: Path) -> None:
    put(tree, {"app/atomic.py": OWN, "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n'})
    with (tree / "pyproject.toml").open("a") as file:
        file.write('[tool.atomic-fix]\nhelper = "auto"\n')
    done = run("--write", "--unsafe-fixes", ".")
    assert done.exit_code == 0, done.output
    assert "Repaired code imports `app.atomic` (1 file)." in done.output
    assert "from app.atomic import put_json" in (tree / "app" / "utils.py").read_text()
    assert (tree / "app" / "atomic.py").read_text() == OWN


LEFT = """

def save_text(path, text):
    file = open(path, "w")
    file.write(text)
    return file
"""


def test_what_is_left_after_a_repair_stands_where_it_stands(tree: Path) -> None:
    """A repair adds and removes lines above, and the evidence of other files about a location is
    not lost."""
    job = JOB.replace("save_json\n", "save_json, save_text\n", 1)
    job += '    save_text("progress_checkpoint.txt", state)\n'
    put(tree, {"app/utils.py": UTILS + LEFT, "app/job.py": job})
    assert codes(results()) == {"app/utils.py": ["ATF101", "ATF101"]}
    told = run("--assume-helper", "--write", "--output-format", "json", "app/utils.py")
    assert "atomic_write_json" in (tree / "app" / "utils.py").read_text()
    (left,) = json.loads(told.stdout)
    assert "`save_progress` (app/job.py:6)" in left["why"]
    assert left["location"]["row"] == 9


def test_what_would_be_reported_anyway_is_reported_once_and_the_same(tree: Path) -> None:
    """A file that is likely to have a finding waits for the evidence of the others."""
    put(tree, {"app/own.py": UTILS.replace("path", "checkpoint_path")})
    alone = list(check_files(["."], Resolver({"project": False}), ReportFilter()))
    whole = results()
    for result in alone:
        if result.findings:
            assert whole[os.path.normpath(result.filename)] == result
    assert codes(whole) == {"app/own.py": ["ATF101"], **FOUND}


def test_a_module_that_is_new_counts_for_files_that_import_it_already(
    tree: Path, tmp_path: Path, looked: Callable[[], list[str]]
) -> None:
    put(tree, {"app/job.py": JOB.replace("app.utils", "helpers")})
    run_options = RunOptions(cache_folder=str(tmp_path / "cache"))
    assert codes(results(run_options=run_options)) == {}
    looked()
    put(tree, {"helpers.py": UTILS})
    assert codes(results("helpers.py", run_options=run_options)) == {"helpers.py": ["ATF101"]}
    assert set(looked()) <= {"helpers.py", "app/job.py"}
    assert codes(results(run_options=run_options)) == codes(results())


def test_an_engine_does_the_work_as_processes_do(tree: Path) -> None:
    done: list[str] = []

    def engine(works: Sequence[Work], report_filter: ReportFilter) -> Iterator[Checked]:
        for each in works:
            done.append(each.candidate.path)
            yield do(pickle.loads(pickle.dumps(each)), report_filter)

    assert results(run_options=RunOptions(engine=engine)) == results()
    assert {os.path.relpath(each, tree) for each in done} >= set(FOUND)


def test_a_project_is_kept_under_what_its_summaries_hang_on(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run_options = RunOptions(cache_folder=str(cache))

    def count(*selected: str, words: tuple[str, ...] = ()) -> int:
        given = {"select": list(selected), "durable-words": list(words)}
        options = {key: value for key, value in given.items() if value}
        list(check_files(["app/utils.py"], Resolver(options), ReportFilter(), run_options))
        return len(list(cache.glob("*.index")))

    assert [count(), count("ATF1"), count("ATF2")] == [1, 1, 1]
    assert count(words=("ledger",)) == 2


def test_no_other_file_is_read_for_one_that_is_clean_whatever_they_say(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    usual = disk.read

    def counted(path: str) -> bytes | Unreadable:
        read.append(path)
        return usual(path)

    monkeypatch.setattr(disk, "read", counted)
    assert run("--no-cache", "app/clean_1.py").exit_code == 0
    assert run("--no-cache", "--diff", "app/clean_1.py").exit_code == 0
    assert {Path(each).name for each in read} == {"clean_1.py"}
    assert run("--no-cache", "app/utils.py").exit_code == 1
    assert str(tree / "app" / "job.py") in read


READER = """\
import plistlib


class ReadError(Exception):
    pass


def read_plist(path):
    try:
        with open(path, "rb") as file:
            return plistlib.load(file)
    except Exception as error:
        raise ReadError(error)
"""
PREFERENCES = """\
from xml.parsers.expat import ExpatError

from app.wrap import ReadError, read_plist


def load_state():
    try:
        return read_plist("state.plist")
    except (OSError, ExpatError, ReadError):
        return {}
"""


def test_a_loader_whose_errors_are_caught_is_looked_at_for_those_that_it_raises(tree: Path) -> None:
    put(tree, {"app/state.py": PREFERENCES, "app/wrap.py": READER})
    assert codes(results()) == FOUND
    put(tree, {"app/wrap.py": READER.replace("raise ReadError(error)", "raise")})
    assert codes(results()) == {
        **FOUND,
        "app/state.py": ["ATF201"],
    }
