"""How many findings each code has, the most first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from atomic_fix.report.content import repairs, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    width = max((len(str(number)) for number in counts.values()), default=0)
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{number:>{width}}  {code}  {name}\n"
    for line in repairs(report):
        yield f"{line}\n"
    yield f"{summary(report)}\n"
