"""One line for each finding: `path:row:column: CODE message`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.report.content import fix_hint, printable, repairs, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    for finding in report.findings:
        start = finding.span.start
        hint = f" [{fix_hint(finding)}]" if finding.fix is not None else ""
        yield (
            f"{printable(finding.filename)}:{start.row}:{start.column}: {finding.code} "
            f"{printable(finding.message)}{hint}\n"
        )
    for line in repairs(report):
        yield f"{line}\n"
    yield f"{summary(report)}\n"
