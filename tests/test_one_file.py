"""The work that checking and repairing one file takes."""

from __future__ import annotations

import gc

import pytest

from atomic_fix import check
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.fixes.texts import statements_of
from atomic_fix.parse.python import parse
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
from atomic_fix.rewrite import SAFE_ONLY
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

SETTINGS = Resolver({}, isolated=True).for_file("app.py")
PROGRAM = b"""\
import json
from pathlib import Path


def save_state(state):
    Path("state.json").write_text(json.dumps(state))
    print(json)
"""


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The texts that are checked, each with whether the garbage collector was on."""
    texts: list[tuple[str, bool]] = []
    original = check.check

    def noted(
        source: Source,
        config: Config,
        tree: None = None,
        *,
        index: ProjectIndex = EMPTY_INDEX,
        fixes: bool = True,
    ) -> tuple[Finding, ...]:
        texts.append((source.text, gc.isenabled()))
        return original(source, config, tree, index=index, fixes=fixes)

    monkeypatch.setattr(check, "check", noted)
    return texts


@pytest.mark.parametrize("repairs", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
def test_no_cycles_are_searched_for_in_the_trees_of_a_file(
    checked: list[tuple[str, bool]], *, repairs: bool, enabled: bool
) -> None:
    was_enabled = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        if repairs:
            change_file(PROGRAM, "app.py", SETTINGS, ReportFilter(), Apply(SAFE_ONLY))
        else:
            check_file(PROGRAM, "app.py", SETTINGS, ReportFilter())
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()
    assert checked
    assert not any(searches for _, searches in checked)


@pytest.mark.parametrize("broken", [False, True])
def test_no_tree_is_kept_once_a_file_is_done(*, broken: bool) -> None:
    content = PROGRAM + b"(" if broken else PROGRAM
    check_file(content, "app.py", SETTINGS, ReportFilter())
    change_file(content, "app.py", SETTINGS, ReportFilter(), Apply(SAFE_ONLY))
    assert parse.cache_info().currsize == statements_of.cache_info().currsize == 0


def test_a_text_is_checked_once_however_often_a_repair_asks(
    checked: list[tuple[str, bool]],
) -> None:
    """A repair is tried before it is offered, so that the text it produces has already been
    checked."""
    repair = change_file(PROGRAM, "app.py", SETTINGS, ReportFilter(), Apply(SAFE_ONLY))
    assert b"atomic_write_json" in repair.after or b"atomic_write_text" in repair.after
    assert not repair.result.findings
    texts = [text for text, _ in checked]
    assert len(texts) == len(set(texts))
    assert texts[0] == PROGRAM.decode()
    assert len(texts) <= 3
