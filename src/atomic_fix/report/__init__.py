"""What the findings look like to a reader. A format decides nothing; it only shows.

A format is a function `render(report) -> Iterator[str]`; the pieces of text are printed one
after the other. Its module is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from atomic_fix.report.content import Report

FORMATS: dict[str, str] = {
    "full": "full.render",
    "concise": "short.concise",
    "grouped": "short.grouped",
    "json": "as_json.render",
    "jsonl": "as_json.lines",
    "sarif": "sarif.render",
    "github": "ci.github",
    "gitlab": "ci.gitlab",
    "junit": "ci.junit",
    "rdjson": "ci.rdjson",
    "statistics": "short.statistics",
}
"""Module and function of each output format; `statistics` has an option of its own."""


def renderer(name: str) -> Callable[[Report], Iterator[str]]:
    """The function that renders a format of `FORMATS`."""
    from importlib import import_module

    module, _, function = FORMATS[name].partition(".")
    render: Callable[[Report], Iterator[str]] = getattr(
        import_module(f"atomic_fix.report.{module}"), function
    )
    return render
