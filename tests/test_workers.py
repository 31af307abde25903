"""One process, several processes, a filled cache and shards give the same report in the same
order."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atomic_fix.finding import FileResult
from atomic_fix.run import all_files, looking, workers
from atomic_fix.run.all_files import RunOptions, check_files
from atomic_fix.run.discover import Candidate
from atomic_fix.run.one_file import check_file, gc_paused
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Work
from atomic_fix.settings import Resolver, Settings

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").rglob("*.py"))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of each kind: with findings, clean, and broken."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for number, path in enumerate(FIXTURES):
        (folder / f"{number:02}_{path.name}").write_bytes(path.read_bytes())
    for number in range(60):
        (folder / f"clean_{number}.py").write_text("x = 1\n")
    (folder / "broken.py").write_text("def save_state(p:\n    p.write_text('x')\n")
    (folder / "latin.py").write_bytes(b"x = '\xe9'\n")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(workers, "WORTH_A_POOL", 1)
    monkeypatch.setattr(workers, "_CHUNK", 7)
    return folder


def results(run_options: RunOptions) -> list[FileResult]:
    return list(check_files(["."], Resolver({}, isolated=True), ReportFilter(), run_options))


def test_several_processes_report_what_one_reports(tree: Path) -> None:
    alone = results(RunOptions(jobs=1))
    assert sum(len(each.findings) for each in alone) > 20
    assert results(RunOptions(jobs=3)) == alone


def test_a_warm_cache_reports_what_a_cold_one_reports(tree: Path, tmp_path: Path) -> None:
    alone = results(RunOptions())
    cached = RunOptions(cache_folder=str(tmp_path / "cache"))
    assert results(cached) == alone
    assert results(cached) == alone
    changed = tree / "clean_7.py"
    changed.write_text("def save_state(path, state):\n    path.write_text(state)\n")
    again = results(cached)
    assert again == results(RunOptions())
    assert again != alone


def test_shards_make_up_the_whole(tree: Path) -> None:
    parts = [results(RunOptions(shard=all_files.Shard(index, 3))) for index in (1, 2, 3)]
    assert all(parts)
    joined = sorted((each for part in parts for each in part), key=lambda each: each.filename)
    assert joined == sorted(results(RunOptions()), key=lambda each: each.filename)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "²/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="I/N"):
        all_files.shard_of(text)


@pytest.mark.skipif(sys.platform != "linux", reason="a worker that is not forked is not patched")
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda: os._exit(7), "internal error: the process that analysed it ended with 7"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "was ended by signal 11"),
        (lambda: os.kill(os.getpid(), signal.SIGPROF), "takes longer than"),
    ],
)
def test_a_crashing_worker_affects_only_its_file(
    tree: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None], said: str
) -> None:
    alone = results(RunOptions(jobs=1))
    usual = check_file
    # Those that no other process has to look at more closely are checked there and then.
    checked = [each.filename for each in alone if each.findings]
    deadly = {checked[10], checked[-3]}

    def check(content: bytes, filename: str, *given: Any, **named: Any) -> FileResult:
        if filename in deadly:
            end()
        return usual(content, filename, *given, **named)

    for module in (workers, looking):
        monkeypatch.setattr(module, "check_file", check)
    told = results(RunOptions(jobs=2))
    assert [each.filename for each in told] == [each.filename for each in alone]
    for each, before in zip(told, alone, strict=True):
        if each.filename in deadly:
            assert each.problem is not None
            assert said in each.problem.reason
        else:
            assert each == before


LOADED = """
import sys
from atomic_fix.finding import FileResult, Unreadable
from atomic_fix.run import workers
from atomic_fix.run.all_files import RunOptions, check_files
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Work
from atomic_fix.settings import Resolver, Settings

def check(content, filename, *given, outside=None):
    return FileResult(filename, problem=Unreadable(filename, str("libcst" in sys.modules)))

workers.check_file = check
workers.WORTH_A_POOL = int(sys.argv[1])
alone = Resolver({"project": False}, isolated=True)
found = check_files(["."], alone, ReportFilter(), RunOptions(jobs=2))
print({each.problem.reason for each in found})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
@pytest.mark.parametrize(("least", "loaded"), [(1, True), (10_000, False)])
def test_what_workers_need_is_loaded_once_before_the_fork(
    tree: Path, least: int, loaded: bool
) -> None:
    command = [sys.executable, "-c", LOADED, str(least)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str({str(loaded)})


@pytest.mark.skipif(sys.platform != "linux", reason="a worker that is not forked is not patched")
def test_a_worker_that_hangs_in_native_code_is_ended(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = results(RunOptions(jobs=1))
    usual = check_file

    def check(content: bytes, filename: str, *given: Any, **named: Any) -> FileResult:
        if Path(filename).name == "clean_7.py":
            while True:  # to Python, native code is as if it did not listen
                with contextlib.suppress(BaseException):
                    sum(range(100_000))
        return usual(content, filename, *given, **named)

    for module in (workers, looking):
        monkeypatch.setattr(module, "check_file", check)
    monkeypatch.setattr(workers, "_HANGS_AFTER", 3.0)  # the others take up to half a second
    told = {each.filename: each for each in results(RunOptions(jobs=2))}
    unread = {each.filename for each in told.values() if not each.analysed}
    assert len(unread - {each.filename for each in alone if not each.analysed}) == 1
    problem = told[str(Path("clean_7.py"))].problem
    assert problem is not None
    assert "takes longer than" in problem.reason


@pytest.mark.skipif(sys.platform != "linux", reason="a worker that is not forked is not patched")
def test_workers_that_die_before_any_file_are_reported(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_begin", lambda *_given: os._exit(7))
    with pytest.raises(workers.WorkerDied, match="--jobs 1"):
        results(RunOptions(jobs=2))


def test_default_run_options_use_no_cache(tree: Path, tmp_path: Path) -> None:
    report_filter = replace(ReportFilter(), diff_base=None)
    assert all_files.DEFAULT_RUN_OPTIONS.cache_folder == ""
    assert list(check_files(["clean_1.py"], Resolver({}, isolated=True), report_filter))


@pytest.mark.parametrize(
    ("term", "ci", "shows"), [("xterm", "", True), ("dumb", "", False), ("xterm", "1", False)]
)
def test_a_bar_shows_where_somebody_waits(
    monkeypatch: pytest.MonkeyPatch, term: str, ci: str, shows: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(all_files, "_DELAY", -1.0)
    monkeypatch.setattr(all_files, "_REFRESH", -1.0)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("CI", ci)
    progress = all_files._Progress(2)
    for _ in range(2):
        progress.advance()
    progress.end()
    half, whole = "#" * 15 + "." * 15, "#" * 30
    bar = f"\r[{half}] 1/2 files\r[{whole}] 2/2 files\r\x1b[2K"
    assert terminal.getvalue() == (bar if shows else "")


LEFT_EARLY = """
import sys

from atomic_fix.finding import FileResult
from atomic_fix.run import workers
from atomic_fix.run.all_files import RunOptions, check_files
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Work
from atomic_fix.settings import Resolver, Settings

# No file is analysed, so that workers do little else than answer.
note = "x" * (1 << 20)
workers.do = lambda each, _: workers.Checked(
    FileResult(each.candidate.path, notes=((1, note),))
)
workers.WORTH_A_POOL = 1
alone = Resolver({"project": False}, isolated=True)  # results come while others are worked out
for _ in range(10):
    found = check_files(["."], alone, ReportFilter(), RunOptions(jobs=2))
    assert next(found).notes == ((1, note),)
    found.close()
    sys.stdout.write("closed\\n")
    sys.stdout.flush()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other workers know nothing of the stand-in")
def test_workers_are_not_ended_within_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is larger than a pipe can hold. If a worker were killed, half of it would arrive,
    and the command would wait forever for the rest."""
    for number in range(300):
        (tmp_path / f"m{number}.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", LEFT_EARLY], bufsize=0, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            for _ in range(10):
                ready, _, _ = select.select([process.stdout], [], [], 60)
                assert ready, "it waits for half an answer"
                assert process.stdout.readline() == b"closed\n"
            assert process.wait(60) == 0
        finally:
            process.kill()


STARTED = """
from atomic_fix.cli import main
from atomic_fix.run import workers

workers._FORKS = False
if __name__ == "__main__":
    main(["--isolated", "--no-cache", "--jobs", "2", "--statistics", "."])
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="files are checked in one process there")
def test_a_new_process_takes_no_module_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(300):
        (tree / f"m{number}.py").write_text("x = 1\n")
    for name in ("multiprocessing", "pickle", "copy", "json", "libcst"):
        (tree / f"{name}.py").write_text(f"print('PLANTED {name}')\n")
    (tmp_path / "start.py").write_text(STARTED)
    monkeypatch.chdir(tree)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "start.py")],
        capture_output=True, check=False, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "No findings in 305 files.\n"


def test_garbage_is_collected_before_the_next_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    counts: list[int] = []
    monkeypatch.setattr(workers, "_MUCH_GARBAGE", 1_000)
    monkeypatch.setattr(gc, "collect", lambda: counts.append(gc.get_count()[0]))
    with gc_paused():
        gc.freeze()
        kept = [[each] for each in range(2_000)]
        try:
            for _ in range(3):
                workers.do(Work(Candidate(str(path), Settings())), ReportFilter())
        finally:
            gc.unfreeze()
    assert len(kept) == 2_000
    # What is left of a collection is not counted, nor searched, again.
    assert len(counts) == 1
    assert counts[0] > 1_000
