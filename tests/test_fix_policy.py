"""A policy decides what happens to the findings of a file, in every front end."""

from __future__ import annotations

from pathlib import Path

import pytest

from atomic_fix.finding import Finding
from atomic_fix.review import Answer
from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY
from atomic_fix.run.fix_policy import Apply, Ask, FixPolicy, OnMissing, Suppress
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.run.one_file import Repair, change_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

TEXT = """\
import torch


def save_checkpoint(model):
    torch.save(model, "checkpoint.pt")


def save_state(text):
    with open("state.json", "w") as file:
        file.write(text)
"""
CONTENT = TEXT.encode()
RESOLVER = Resolver({}, isolated=True)


def changed(policy: FixPolicy, content: bytes | Source = CONTENT) -> Repair:
    return change_file(content, "job.py", RESOLVER.for_file("job.py"), ReportFilter(), policy)


def declines_the_first() -> Ask:
    answers = iter([Answer.NO, Answer.YES])

    def prompt(_finding: Finding, _source: Source, _new: str) -> Answer:
        return next(answers)

    return Ask(prompt)


@pytest.mark.parametrize(
    ("policy", "applied", "left"),
    [
        (Apply(SAFE_ONLY), ["ATF101"], ["ATF102"]),
        (Apply(SAFE_AND_UNSAFE), ["ATF101", "ATF102"], []),
        (declines_the_first(), ["ATF101"], ["ATF102"]),
        (Suppress("why"), ["ATF101", "ATF102"], []),
    ],
)
def test_a_policy_decides_what_goes_in(
    policy: FixPolicy, applied: list[str], left: list[str]
) -> None:
    repair = changed(policy)
    assert sorted(each.code for each in repair.applied) == applied
    assert [each.code for each in repair.result.findings] == left
    assert repair.before == CONTENT != repair.after
    assert (b"noqa: ATF102 -- why" in repair.after) is isinstance(policy, Suppress)
    assert (b"atomic_open" in repair.after) is not isinstance(policy, Suppress)


def test_a_text_is_changed_as_its_bytes_are() -> None:
    text = Source("job.py", TEXT, "utf-8", bom=False)
    assert changed(Apply(SAFE_ONLY), text) == changed(Apply(SAFE_ONLY))


@pytest.mark.parametrize("on_missing", OnMissing)
def test_an_import_that_is_missing(
    on_missing: OnMissing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'app'\n")
    repair = changed(Apply(SAFE_ONLY, HelperImports(RESOLVER), on_missing))
    assert repair.missing is not None
    assert repair.missing.module == "atomic_fix.runtime"
    assert (repair.after != repair.before) is (on_missing is OnMissing.APPLY)
