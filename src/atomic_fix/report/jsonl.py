"""One JSON object on each line, the objects of `json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from atomic_fix.report.as_json import as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield f"{json.dumps(as_object(finding))}\n"
