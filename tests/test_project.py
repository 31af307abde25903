"""What the files of a project say about each other, and what becomes of findings by it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
from atomic_fix.project.link import link
from atomic_fix.project.summarise import summarise
from atomic_fix.project.summary import FileSummary
from atomic_fix.run.stored import plain, read
from atomic_fix.source import Source

CONFIG = Config()


def source_of(path: str, text: str) -> Source:
    return Source(path, text, "utf-8", bom=False)


def summaries_of(files: Mapping[str, str]) -> list[FileSummary]:
    return [summarise(source_of(path, text), CONFIG) for path, text in files.items()]


def index_of(files: Mapping[str, str]) -> ProjectIndex:
    return link(summaries_of(files))


def findings_in(files: Mapping[str, str], index: ProjectIndex | None = None) -> list[Finding]:
    """The findings of all files, with what the files say about each other."""
    linked = index if index is not None else index_of(files)
    return [
        finding
        for path, text in files.items()
        for finding in check(source_of(path, text), CONFIG, index=linked)
    ]


def places(findings: list[Finding]) -> list[str]:
    return [f"{each.filename}:{each.span.start.row} {each.code}" for each in findings]


WRAPPER = """\
def write_text(path, text):
    with open(path, "w") as file:
        file.write(text)
"""

CALLER = """\
from app.files import write_text


def save_progress(done):
    write_text("progress.json", str(done))
"""

PROJECT = {"app/files.py": WRAPPER, "app/job.py": CALLER}


def test_a_wrapper_is_reported_for_what_a_caller_in_another_file_gives_it() -> None:
    assert places(findings_in(PROJECT, EMPTY_INDEX)) == []
    (finding,) = findings_in(PROJECT)
    assert places([finding]) == ["app/files.py:2 ATF101"]
    assert finding.message.endswith("(`save_progress` (app/job.py:5) gives it `progress.json`)")
    (evidence,) = finding.evidence[:1]
    assert (evidence.path, evidence.row) == ("app/job.py", 5)


def test_a_file_alone_says_nothing_about_itself() -> None:
    for path, text in PROJECT.items():
        assert not index_of({path: text}).slice_of(path)


def test_summaries_and_slices_can_be_stored_and_sent() -> None:
    index = index_of(PROJECT)
    for summary in summaries_of(PROJECT):
        assert read(FileSummary, plain(summary)) == summary
        assert pickle.loads(pickle.dumps(summary)) == summary
    for part in index.slices.values():
        assert read(type(part), plain(part)) == part
    assert pickle.loads(pickle.dumps(index)) == index
