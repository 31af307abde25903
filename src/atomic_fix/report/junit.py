"""JUnit XML: a suite for each file, a failed case for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from atomic_fix.report.content import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atomic_fix.report.content import Report


def render(report: Report) -> Iterator[str]:
    root = ET.Element("testsuites", name="atomic-fix")
    for result in report.results:
        name = printable(result.filename)
        failed = len(result.findings)
        errors = 0 if result.analysed else failed
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(failed or 1),
            failures=str(failed - errors),
            errors=str(errors),
        )
        if not failed:
            ET.SubElement(suite, "testcase", name="atomic-fix", classname=name)
        for finding in result.findings:
            start = finding.span.start
            case = ET.SubElement(
                suite, "testcase", name=finding.code, classname=name, line=str(start.row)
            )
            message = printable(finding.message)
            outcome = ET.SubElement(
                case, "failure" if result.analysed else "error", message=message, type=finding.code
            )
            outcome.text = f"{name}:{start.row}:{start.column}: {finding.code} {message}"
    ET.indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield ET.tostring(root, encoding="unicode")
    yield "\n"
