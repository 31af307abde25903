"""Reviewdog's diagnostic format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from atomic_fix.report.content import printable, relative_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.finding import Finding, Position
    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    document = {
        "source": {"name": "atomic-fix"},
        "severity": "WARNING",
        "diagnostics": [
            _diagnostic(finding, "WARNING" if result.analysed else "ERROR")
            for result in report.results
            for finding in result.findings
        ],
    }
    yield json.dumps(document, indent=2)
    yield "\n"


def _diagnostic(finding: Finding, severity: str) -> dict[str, Any]:
    # No `suggestions`: reviewdog offers each one alone, and a fix without its import, or the
    # import without the fix, would break the file.
    return {
        "message": finding.message,
        "severity": severity,
        "code": {"value": finding.code},
        "location": {
            "path": printable(relative_path(finding.filename)),
            "range": {
                "start": _position(finding.span.start, finding),
                "end": _position(finding.span.end, finding),
            },
        },
    }


def _position(position: Position, finding: Finding) -> dict[str, int]:
    """Reviewdog counts columns in bytes of UTF-8."""
    column = position.column
    if position.row == finding.span.start.row:
        before = finding.source_line[: column - 1]
        column += len(before.encode("utf-8", "surrogatepass")) - len(before)
    return {"line": position.row, "column": column}
