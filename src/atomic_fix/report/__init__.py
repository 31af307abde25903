"""What the findings look like to a reader. A format decides nothing; it only shows.

A format is one module with `render(report) -> Iterator[str]`; the pieces of text are
printed one after the other. It is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from atomic_fix.report.content import Report

FORMATS: dict[str, str] = {
    "full": "atomic_fix.report.full",
    "concise": "atomic_fix.report.concise",
    "grouped": "atomic_fix.report.grouped",
    "json": "atomic_fix.report.as_json",
    "jsonl": "atomic_fix.report.jsonl",
    "sarif": "atomic_fix.report.sarif",
    "github": "atomic_fix.report.github",
    "gitlab": "atomic_fix.report.gitlab",
    "junit": "atomic_fix.report.junit",
    "rdjson": "atomic_fix.report.rdjson",
    "statistics": "atomic_fix.report.statistics",
}
"""Module of each output format, by its name; `statistics` has an option of its own."""


def renderer(name: str) -> Callable[[Report], Iterator[str]]:
    """The function that renders a format of `FORMATS`."""
    from importlib import import_module

    render: Callable[[Report], Iterator[str]] = import_module(FORMATS[name]).render
    return render
