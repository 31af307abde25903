"""The labels, and how findings are compared with them."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import measure
from benchmarks.measure import Label


@pytest.mark.parametrize("name", ["sites.jsonl", "findings.jsonl"])
def test_labels_are_data_without_code(name: str) -> None:
    rows = [json.loads(line) for line in (measure.LABELS / name).read_text().splitlines()]
    key = "rule" if name == "sites.jsonl" else "code"
    seen = Counter((row["repo"], row["sha"], row["path"], row["line"], row[key]) for row in rows)
    assert set(seen.values()) == {1}
    for row in rows:
        verdicts = {"flag", "ok", "ambiguous"} if key == "rule" else {"real", "debatable", "false"}
        assert row["verdict"] in verdicts
        assert len(row["why"]) <= 200
        assert "\n" not in row["why"]
        assert not Path(row["path"]).is_absolute()
        if key == "rule":
            assert (row["verdict"] == "flag") == (row["tier"] in {"named", "readback", "far"})
            assert row["rule"] in measure.FAMILIES
            assert row["repo"].startswith("pypi:") == ("file" in row)


def test_every_archive_is_pinned() -> None:
    pinned = {
        line.split("\t")[2] for line in (measure.LABELS / "packages.tsv").read_text().splitlines()
    }
    files = {each.file for each in measure.read_labels("sites.jsonl") if each.file}
    assert files
    assert files <= pinned


def test_a_part_hangs_on_the_name_alone() -> None:
    assert measure.part_of("pypi:poetry==1.0") == measure.part_of("pypi:poetry==2.1")
    parts = Counter(measure.part_of(f"owner/name{number}") for number in range(600))
    assert 150 < parts["kept"] < 250


def label(line: int, rule: str = "write", verdict: str = "flag", tier: str | None = None) -> Label:
    tier = tier or ("named" if verdict == "flag" else None)
    return Label("blind", "a/b", "1" * 40, "app.py", line, rule, verdict, tier, "why")


def finding(root: Path, row: int, confidence: float, code: str = "ATF101") -> dict[str, Any]:
    return {
        "code": code,
        "confidence": confidence,
        "filename": str(root / "a+b" / ("1" * 12) / "app.py"),
        "location": {"row": row},
        "end_location": {"row": row},
    }


@pytest.mark.parametrize(
    ("known", "found", "counts"),
    [
        ([label(5)], [(5, 0.9, "ATF101")], {"hit": 1}),
        ([label(5)], [(5, 0.4, "ATF101")], {"miss": 1}),
        ([label(5)], [(5, 0.9, "ATF201")], {"miss": 1, "false": 1}),
        ([label(5, tier="far")], [], {}),
        ([label(5, tier="far")], [(5, 0.9, "ATF102")], {"hit": 1}),
        ([label(5, verdict="ok")], [(5, 0.9, "ATF101")], {"false": 1}),
        ([label(5, verdict="ok")], [(5, 0.4, "ATF101")], {}),
        ([label(5, verdict="ambiguous")], [(5, 0.9, "ATF101")], {}),
        ([label(5)], [(9, 0.9, "ATF101")], {"miss": 1, "false": 1}),
        # The finding is on the row of the other label.
        ([label(5), label(6, verdict="ok")], [(6, 0.9, "ATF101")], {"miss": 1, "false": 1}),
        ([label(5, "swallow")], [(6, 0.9, "ATF202")], {"hit": 1}),
    ],
)
def test_what_is_found_missed_and_false(
    tmp_path: Path,
    known: list[Label],
    found: list[tuple[int, float, str]],
    counts: dict[str, int],
) -> None:
    findings = [finding(tmp_path, *each) for each in found]
    tally, _ = measure.compare(known, findings, tmp_path, 0.5)
    assert +tally["all"] == Counter(counts)
    assert +tally[f"all {measure.part_of('a/b')}"] == Counter(counts)


def test_less_likely_findings_count_for_calibration_alone(tmp_path: Path) -> None:
    known = [label(5), label(9, verdict="ok"), label(12, verdict="ambiguous")]
    found = [finding(tmp_path, row, 0.3) for row in (5, 9, 12, 20)]
    tally, judged = measure.compare(known, found, tmp_path, 0.5)
    assert +tally["all"] == Counter(miss=1)
    assert [(each.outcome, each.confidence) for each in judged] == [
        ("hit", 0.3),
        ("false", 0.3),
        ("false", 0.3),
    ]


def test_calibration(capsys: pytest.CaptureFixture[str]) -> None:
    judged = [
        measure.Judged("hit", "write", 0.85, ""),
        measure.Judged("hit", "write", 0.81, ""),
        measure.Judged("false", "write", 0.8, ""),
        measure.Judged("miss", "write", 0.0, ""),
        measure.Judged("false", "swallow", 0.55, ""),
    ]
    measure.show_calibration(judged, markdown=True)
    shown = capsys.readouterr().out.splitlines()
    assert "| 0.50 to 0.60 | 1 | 0 | 0.00 |" in shown
    assert "| 0.80 to 0.90 | 3 | 2 | 0.67 |" in shown


def test_the_diagram_of_the_calibration() -> None:
    judged = [
        measure.Judged("hit", "write", 0.85, ""),
        measure.Judged("false", "write", 0.8, ""),
        measure.Judged("hit", "write", 1.0, ""),
        measure.Judged("miss", "write", 0.0, ""),
        measure.Judged("hit", "write", 0.4, ""),  # not reported
    ]
    picture = ElementTree.fromstring(measure.diagram(judged))
    space = "{http://www.w3.org/2000/svg}"
    heights = [float(each.attrib["height"]) for each in picture.iter(f"{space}rect")]
    assert len(heights) == 2
    assert heights[1] == 2 * heights[0]
    said = [each.text for each in picture.iter(f"{space}text")]
    assert said.count("2") == said.count("1") - 1 == 1  # the axis has a 1


def test_files_of_a_repository(tmp_path: Path) -> None:
    made = tmp_path / "mirror" / "a+b"
    made.mkdir(parents=True)
    git = ["git", "-C", str(made), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (made / "app.py").write_text("open('state.json', 'w')\n")
    (made / "data.bin").write_text("x")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)
    sha = subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    one = Label("blind", "a/b", sha, "app.py", 1, "write", "flag", "named", "")
    work = tmp_path / "work"
    there = measure.lay_out_files([one], work, tmp_path / "mirror", work / "sites")
    assert there == {one.folder}
    assert (work / "sites" / one.folder / "app.py").read_bytes() == (made / "app.py").read_bytes()
    tree = measure.lay_out_tree(one, work, tmp_path / "mirror")
    assert [each.name for each in tree.iterdir()] == ["app.py"]
    gone = Label("blind", "a/b", "2" * 40, "../app.py", 1, "write", "flag", "named", "")
    with pytest.raises(SystemExit, match="refused path"):
        measure.lay_out_files([gone], work, tmp_path / "mirror", work / "sites")
