"""For programs: JSON in the shape of ruff's, and what systems that run a linter and show what it
found want of each finding."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from atomic_fix.finding import Finding, Fix, Position, listed
from atomic_fix.report import (
    Report,
    as_json,
    escape_commands,
    fingerprints,
    printable,
    relative_path,
)


def json_array(report: Report) -> Iterator[str]:
    """One array."""
    yield as_json(list(_objects(report)), indent=2, sort_keys=True)
    yield "\n"


def json_lines(report: Report) -> Iterator[str]:
    """One object on each line."""
    for each in _objects(report):
        yield f"{as_json(each, sort_keys=True)}\n"


def _objects(report: Report) -> Iterator[dict[str, Any]]:
    for result in report.results:
        for finding in listed(result):
            yield _object(finding, "warning" if result.analysed else "error")


def _fix(fix: Fix) -> dict[str, Any]:
    found: dict[str, Any] = {
        "applicability": fix.applicability.value,
        "edits": [
            {
                "content": edit.text,
                "end_location": asdict(edit.span.end),
                "location": asdict(edit.span.start),
            }
            for edit in fix.edits
        ],
        "message": fix.title,
    }
    if fix.note:
        found["note"] = fix.note
    if fix.alternative is not None:
        found["alternative"] = _fix(fix.alternative)
    return found


def _object(finding: Finding, severity: str) -> dict[str, Any]:
    """One finding as ruff would write it, with `name`, `confidence` and `evidence` added, and
    `note` and `alternative` to its fix.
    `filename` is absolute, as ruff's is."""
    filename, fix = finding.filename, finding.fix
    return {
        "cell": None,
        "code": finding.code,
        "confidence": round(finding.confidence, 3),
        "end_location": asdict(finding.span.end),
        "evidence": [asdict(each) for each in finding.evidence],
        "filename": filename if filename == "-" else printable(os.path.abspath(filename)),  # noqa: PTH100
        "fix": fix and _fix(fix),
        "location": asdict(finding.span.start),
        "message": finding.message,
        "name": finding.name,
        "noqa_row": finding.noqa_row,
        "severity": severity,
        "url": None,
    }


def github(report: Report) -> Iterator[str]:
    """Workflow commands of GitHub Actions: an annotation for each finding."""
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


def gitlab(report: Report) -> Iterator[str]:
    """GitLab's code quality report."""
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
        for _, finding, fingerprint in fingerprints(report)
    ]
    yield as_json(entries, indent=2)
    yield "\n"


def junit(report: Report) -> Iterator[str]:
    """JUnit XML: a suite for each file, a failed case for each finding."""
    from xml.etree import ElementTree as ET

    root = ET.Element("testsuites", name="atomic-fix")
    for result in report.results:
        name = printable(result.filename)
        findings = tuple(listed(result))
        failed = len(findings)
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
        for finding in findings:
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
    yield escape_commands(ET.tostring(root, encoding="unicode"), "&#35;")
    yield "\n"


def rdjson(report: Report) -> Iterator[str]:
    """Reviewdog's diagnostic format."""
    document = {
        "source": {"name": "atomic-fix"},
        "severity": "WARNING",
        "diagnostics": [
            _diagnostic(finding, "WARNING" if result.analysed else "ERROR")
            for result in report.results
            for finding in listed(result)
        ],
    }
    yield as_json(document, indent=2)
    yield "\n"


def _diagnostic(finding: Finding, severity: str) -> dict[str, Any]:
    # No `suggestions`: reviewdog offers each one alone, and a fix without its import, or the
    # import without the fix, would break the file. The message names the fixes.
    return {
        "message": "\n".join([finding.message, *_fixes_named(finding)]),
        "severity": severity,
        "code": {"value": finding.code},
        "location": {
            "path": printable(relative_path(finding.filename)),
            "range": {
                "start": _position(finding.span.start, finding),
                "end": _position(finding.span.end, finding),
            },
        },
    }


def _fixes_named(finding: Finding) -> Iterator[str]:
    if finding.fix is None:
        return
    for what, fix in (("fix", finding.fix), ("or", finding.fix.alternative)):
        if fix is not None:
            note = f" ({fix.note})" if fix.note else ""
            yield printable(f"{what}: {fix.title}{note}")


def _position(position: Position, finding: Finding) -> dict[str, int]:
    """Reviewdog counts columns in bytes of UTF-8."""
    column = position.column
    if position.row == finding.span.start.row:
        before = finding.source_line[: column - 1]
        column += len(before.encode("utf-8", "surrogatepass")) - len(before)
    return {"line": position.row, "column": column}
