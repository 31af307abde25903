"""GitLab's code quality report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from atomic_fix.report.content import fingerprints, printable, relative_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    entries = [
        {
            "check_name": finding.code,
            "description": f"{finding.code} {finding.message}",
            "fingerprint": fingerprint,
            "severity": "major",
            "location": {
                "path": printable(relative_path(finding.filename)),
                "lines": {"begin": finding.span.start.row, "end": finding.span.end.row},
            },
        }
        for finding, fingerprint in fingerprints(report)
    ]
    yield json.dumps(entries, indent=2)
    yield "\n"
