"""JSON in the shape of ruff's, with `name`, `confidence` and `evidence` added."""

import json
import os
from collections.abc import Iterator
from typing import Any

from atomic_fix.check import UNREADABLE
from atomic_fix.finding import Finding, Fix, Position
from atomic_fix.report import Report, printable


def render(report: Report) -> Iterator[str]:
    """One array."""
    yield json.dumps([_object(finding) for finding in report.findings], indent=2)
    yield "\n"


def lines(report: Report) -> Iterator[str]:
    """One object on each line."""
    for finding in report.findings:
        yield f"{json.dumps(_object(finding))}\n"


def _object(finding: Finding) -> dict[str, Any]:
    """One finding as ruff would write it. `filename` is absolute, as ruff's is."""
    filename = finding.filename
    return {
        "cell": None,
        "code": finding.code,
        "confidence": round(finding.confidence, 3),
        "end_location": _location(finding.span.end),
        "evidence": [{"row": each.row, "text": each.text} for each in finding.evidence],
        "filename": filename if filename == "-" else printable(os.path.abspath(filename)),  # noqa: PTH100
        "fix": None if finding.fix is None else _fix(finding.fix),
        "location": _location(finding.span.start),
        "message": finding.message,
        "name": finding.name,
        "noqa_row": finding.noqa_row,
        "severity": "error" if finding.code == UNREADABLE else "warning",
        "url": None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "applicability": fix.applicability.value,
        "edits": [
            {
                "content": edit.text,
                "end_location": _location(edit.span.end),
                "location": _location(edit.span.start),
            }
            for edit in fix.edits
        ],
        "message": fix.title,
    }


def _location(position: Position) -> dict[str, int]:
    return {"column": position.column, "row": position.row}
