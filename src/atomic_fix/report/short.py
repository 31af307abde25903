"""For people in a hurry: a line for each finding, below its file or with it, or for each code."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from atomic_fix.report import fix_hint, printable, repairs_and_summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.finding import Finding
    from atomic_fix.report import Report


def concise(report: Report) -> Iterator[str]:
    """`path:row:column: CODE message`."""
    for finding in report.findings:
        yield f"{printable(finding.filename)}:{_place(finding)}: {_said(finding)}\n"
    yield from repairs_and_summary(report)


def grouped(report: Report) -> Iterator[str]:
    """The findings of each file under its name."""
    for result in report.results:
        if not result.findings:
            continue
        yield f"{printable(result.filename)}:\n"
        width = max(len(_place(finding)) for finding in result.findings)
        for finding in result.findings:
            yield f"  {_place(finding):<{width}}  {_said(finding)}\n"
        yield "\n"
    yield from repairs_and_summary(report)


def statistics(report: Report) -> Iterator[str]:
    """How many findings each code has, the most first."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    width = max((len(str(number)) for number in counts.values()), default=0)
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{number:>{width}}  {code}  {name}\n"
    yield from repairs_and_summary(report)


def _place(finding: Finding) -> str:
    return f"{finding.span.start.row}:{finding.span.start.column}"


def _said(finding: Finding) -> str:
    hint = f" [{fix_hint(finding)}]" if finding.fix is not None else ""
    return f"{finding.code} {printable(finding.message)}{hint}"
