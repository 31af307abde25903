"""Workflow commands of GitHub Actions: an annotation for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.report.content import printable, relative_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    for finding in report.findings:
        start, end = finding.span.start, finding.span.end
        path = printable(relative_path(finding.filename))
        properties = {
            "title": f"atomic-fix ({finding.code})",
            "file": path,
            "line": start.row,
            "col": start.column,
            "endLine": end.row,
            "endColumn": end.column,
        }
        named = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
        place = f"{path}:{start.row}:{start.column}"
        yield f"::error {named}::{_data(f'{place}: {finding.code} {finding.message}')}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
