"""The findings of each file under its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.report.content import fix_hint, printable, repairs, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    for result in report.results:
        if not result.findings:
            continue
        yield f"{printable(result.filename)}:\n"
        places = [f"{each.span.start.row}:{each.span.start.column}" for each in result.findings]
        width = max(map(len, places))
        for place, finding in zip(places, result.findings, strict=True):
            hint = f" [{fix_hint(finding)}]" if finding.fix is not None else ""
            yield f"  {place:<{width}}  {finding.code} {printable(finding.message)}{hint}\n"
        yield "\n"
    for line in repairs(report):
        yield f"{line}\n"
    yield f"{summary(report)}\n"
