"""`--interactive`: the change that a person is shown is the change that is made."""

from __future__ import annotations

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.review import Answer, review
from atomic_fix.rewrite import SAFE_AND_UNSAFE, rewrite
from atomic_fix.source import Source

TEXT = """\
import json
import os


def save_checkpoint(path, state):
    with open(path, "w") as file:
        json.dump(state, file)


def save_session(path, state):
    path.write_text(json.dumps(state))
"""
SOURCE = Source("/repository/service/jobs.py", TEXT, "utf-8", False)


def find(source: Source) -> tuple[Finding, ...]:
    return check(source, Config())


def test_the_import_goes_in_the_step_that_takes_its_last_use() -> None:
    shown: list[str] = []

    def ask(finding: Finding, source: Source, text: str) -> Answer:
        shown.append(text)
        return Answer.YES

    done = review(SOURCE, find, ask)
    assert ["import json\n" in text for text in shown] == [True, False]
    assert done.text == shown[-1] == rewrite(SOURCE, find, SAFE_AND_UNSAFE).text
    assert "import os\n" in done.text  # it was without a use before


def test_the_import_stays_where_its_last_use_does() -> None:
    answers = iter([Answer.YES, Answer.NO])
    done = review(SOURCE, find, lambda finding, source, text: next(answers))
    assert "import json\n" in done.text
    assert "atomic_write_json(path, state)" in done.text
