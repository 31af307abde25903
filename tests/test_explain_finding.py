"""`--explain-finding FILE:ROW`: the evidence for and against, and why nothing is reported."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main

PROGRAM = """\
import json, os, tempfile

class Store:
    def save(self, path):
        with open(path, "w") as file:
            json.dump(self.rows, file)

    def load(self, path):
        try:
            return json.loads(path.read_text())
        except ValueError:
            return {}

def report(rows):
    with open("report.html", "w") as file:
        file.write(rows)

def scratch():
    with open(tempfile.mktemp(), "w") as file:
        file.write("state")

def publish(state):
    with open("state.next", "w") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace("state.next", "state.json")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("app.py").write_text(PROGRAM)
    return tmp_path


def explained(place: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["--explain-finding", place, *options])


def row_of(text: str, program: str = PROGRAM) -> int:
    return next(i for i, line in enumerate(program.splitlines(), 1) if text in line)


def test_a_finding_is_explained_with_every_feature() -> None:
    result = explained(f"app.py:{row_of('open(path')}")
    assert result.exit_code == 0, result.output
    assert result.output == textwrap.dedent("""\
        app.py:5:14: `open` writes a file
          reported as ATF101
          confidence 0.83, medium
           -2.20  start
           +2.20  read-back-pair: `load` appears to read it back (line 10)
           +0.60  serialised: it holds serialised data
           +0.50  class-maybe: the class name contains `store`
           +0.50  function-saves: the function name contains `save`
           +1.60  sum (log odds)

        """)


def test_a_place_may_be_pasted_from_a_report() -> None:
    row = row_of("open(path")
    assert explained(f"app.py:{row}:14").output == explained(f"app.py:{row}").output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("report.html", "not reported: the confidence is below 0.5 (`min-confidence`)"),
        ("report.html", "suffix-denied: the suffix is .html"),
        ("report.html", "not-seen-read-back: "),
        ("mktemp", "not reported: the path is a temp file"),
        ('"state.next", "w"', "not reported: what it writes is published under another name later"),
        ("os.replace", "a temp file is published"),
        ("os.replace", "not reported: no rule that is on finds a defect there"),
        ("except ValueError", "the handler of a load, line 10"),
        ("json.loads", "not reported: a load is reported at the handler that hides its errors"),
        ("class Store", "app.py:3: no write or load of a file is recognised there"),
    ],
)
def test_why_it_is_not_reported(text: str, said: str) -> None:
    result = explained(f"app.py:{row_of(text)}")
    assert result.exit_code == 0
    assert said in result.output


def test_below_the_threshold_nothing_is_left_out() -> None:
    # A run looks for no readers where they could not make it a finding.
    result = explained(f"app.py:{row_of('open(path')}", "--min-confidence", "0.99")
    assert "not reported: the confidence is below 0.99" in result.output
    assert "read-back-pair: `load` appears to read it back" in result.output


def test_the_scratch_of_a_test(here: Path) -> None:
    program = (
        "def test_save(tmp_path):\n    with open('state.json', 'w') as f:\n        f.write(a)\n"
    )
    Path("check.py").write_text(program)
    assert "not reported: it is part of a test" in explained("check.py:2").output
    assert "part of a test" not in explained("check.py:2", "--check-tests").output


def test_other_files_count_as_they_do_in_a_run() -> None:
    Path("tool.py").write_text(
        "import json\nfrom store import write\n\ndef save_progress(state):\n"
        "    write('progress.json', state)\n"
    )
    Path("store.py").write_text(
        "import json\n\ndef write(path, value):\n    with open(path, 'w') as file:\n"
        "        json.dump(value, file)\n"
    )
    assert "tool.py:5" in explained("store.py:4").output
    assert "reported as ATF101" in explained("store.py:4").output
    assert "not reported" in explained("store.py:4", "--no-project").output


def test_as_json() -> None:
    row = row_of("open(path")
    found = json.loads(explained(f"app.py:{row}", "--output-format", "json").output)
    assert (found["filename"], found["row"]) == ("app.py", row)
    (place,) = found["places"]
    assert (place["kind"], place["codes"]) == ("write", ["ATF101"])
    assert place["not_reported"] is None
    assert (place["confidence"], place["min_confidence"]) == (0.83, 0.5)
    assert place["features"][0] == {
        "name": "class-maybe",
        "text": "the class name contains `store`",
        "weight": 0.5,
        "strength": 1.0,
        "contribution": 0.5,
        "word": "store",
        "row": None,
        "path": None,
    }
    total = place["start"] + sum(each["contribution"] for each in place["features"])
    assert total == pytest.approx(1.6)
    (refused,) = json.loads(
        explained(f"app.py:{row_of('mktemp')}", "--output-format", "json").output
    )["places"]
    assert refused["codes"] == []
    assert refused["not_reported"] == "the path is a temp file"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("app.py", "`app.py` is not FILE:ROW, as in `app.py:12`"),
        ("app.py:x", "`app.py:x` is not FILE:ROW"),
        ("gone.py:3", "gone.py: "),
        ("broken.py:1", "broken.py: "),
    ],
)
def test_what_cannot_be_explained(place: str, said: str) -> None:
    Path("broken.py").write_text("open('state.json', 'w'\n")
    result = explained(place)
    assert result.exit_code == 2
    assert said in result.output
