"""Formats for programs: JSON in ruff's format, and the formats of systems that show the findings of
linters."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from atomic_fix.finding import Cells, Finding, Fix, Position, Span, listed
from atomic_fix.report import (
    DEFECT,
    Repairable,
    Report,
    as_json,
    details,
    escape_commands,
    fingerprints,
    in_file,
    page_url,
    paragraph,
    place_of,
    printable,
    relative_path,
    repairable,
    severity_of,
)


def json_array(report: Report) -> Iterator[str]:
    """One array."""
    yield as_json(list(_objects(report)), indent=2, sort_keys=True)
    yield "\n"


def json_lines(report: Report) -> Iterator[str]:
    """One object on each line."""
    for each in _objects(report):
        yield f"{as_json(each, sort_keys=True)}\n"


def statistics_array(report: Report) -> Iterator[str]:
    """The number of findings for each code, as one array in ruff's format."""
    yield as_json(list(_counts(report)), indent=2)
    yield "\n"


def statistics_lines(report: Report) -> Iterator[str]:
    """The same objects, one on each line."""
    for each in _counts(report):
        yield f"{as_json(each)}\n"


def _counts(report: Report) -> Iterator[dict[str, Any]]:
    usable = {Repairable.SAFELY, *([Repairable.UNSAFELY] if report.unsafe_fixes else [])}
    counts = Counter((each.code, each.name) for each in report.findings)
    fixable = Counter(
        finding.code
        for result in report.results
        for finding, way in repairable(result, report)
        if way in usable
    )
    for (code, name), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield {
            "code": code,
            "name": name,
            "count": number,
            "fixable": fixable[code] == number,
            "fixable_count": fixable[code],
        }


def _objects(report: Report) -> Iterator[dict[str, Any]]:
    for finding, severity in report.rated:
        yield {
            **_object(finding),
            "severity": severity.name,
            "url": page_url(report.docs_url, finding.name) if report.docs_url else None,
        }


def _placed(span: Span, cells: Cells | None) -> dict[str, Any]:
    """A location; in a notebook, the rows are those of its cell."""
    if cells is None:
        return {"end_location": asdict(span.end), "location": asdict(span.start)}
    cell, row = cells.place(span.start.row)
    end = replace(span.end, row=row + span.end.row - span.start.row)
    return {
        "cell": cell,
        "end_location": asdict(end),
        "location": asdict(replace(span.start, row=row)),
    }


def _fix(fix: Fix, cells: Cells | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "applicability": fix.applicability.value,
        "edits": [{"content": edit.text, **_placed(edit.span, cells)} for edit in fix.edits],
        "message": fix.title,
    }
    if fix.note:
        found["note"] = fix.note
    if fix.alternative is not None:
        found["alternative"] = _fix(fix.alternative, cells)
    return found


def _object(finding: Finding) -> dict[str, Any]:
    """One finding in ruff's format, with more keys; its `message` is the headline. `filename` is
    absolute, as in ruff."""
    fix = finding.fix
    return {
        "also": [
            {
                "code": each.code,
                "fix": each.fix and _fix(each.fix, each.cells),
                "message": each.headline,
                "name": each.name,
            }
            for each in finding.also
        ],
        "cell": None,
        "code": finding.code,
        "confidence": round(finding.confidence, 3),
        "confidence_level": finding.confidence_level,
        "evidence": [
            {**asdict(each), **({} if each.path else _row(each.row, finding.cells))}
            for each in finding.evidence
        ],
        "filename": _whole(finding.filename),
        "fix": fix and _fix(fix, finding.cells),
        "label": finding.label,
        "message": finding.headline,
        "name": finding.name,
        **{f"noqa_{name}": at for name, at in _row(finding.noqa_row, finding.cells).items()},
        "related_locations": [
            {
                **_placed(each.span, None if each.path else finding.cells),
                "filename": _whole(each.path or finding.filename),
                "message": each.message,
            }
            for each in finding.related
        ],
        "what_to_do": finding.what_to_do,
        "why": finding.why,
        **_placed(finding.span, finding.cells),
    }


def _row(row: int | None, cells: Cells | None) -> dict[str, Any]:
    if cells is None or row is None:
        return {"row": row}
    cell, row = cells.place(row)
    return {"cell": cell, "row": row}


def _whole(filename: str) -> str:
    return filename if filename == "-" else printable(os.path.abspath(filename))  # noqa: PTH100


def github(report: Report) -> Iterator[str]:
    """Workflow commands of GitHub Actions: an annotation for each finding."""
    for finding, severity in report.rated:
        annotated = in_file(finding)
        start, end = annotated.span.start, annotated.span.end
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
        place = f"{path}:{place_of(finding)}"
        text = _data(f"{place}: {finding.code} {paragraph(finding)}")
        yield f"::{severity.name} {named}::{text}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(report: Report) -> Iterator[str]:
    """GitLab's code quality report."""
    entries = [
        {
            "check_name": finding.code,
            "description": f"{finding.code} {finding.headline}",
            "fingerprint": fingerprint,
            "severity": severity_of(result).gitlab,
            "location": {
                "path": printable(relative_path(finding.filename)),
                "lines": {"begin": finding.span.start.row, "end": finding.span.end.row},
            },
        }
        for result, finding, fingerprint in fingerprints(report)
    ]
    yield as_json(entries, indent=2)
    yield "\n"


def junit(report: Report) -> Iterator[str]:
    """JUnit XML: a suite for each file that has findings, with a failed case for each of them. A
    run without any has one passed case, because some tools treat a report without cases as a
    mistake."""
    from xml.etree import ElementTree as ET

    root = ET.Element("testsuites", name="atomic-fix")
    for result in report.results:
        findings = tuple(listed(result))
        if not findings:
            continue
        name = printable(result.filename)
        kind = severity_of(result).junit
        counts = {"failure": 0, "error": 0, kind: len(findings)}
        suite = ET.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(findings)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
        )
        for finding in findings:
            row = in_file(finding).span.start.row
            case = ET.SubElement(
                suite, "testcase", name=finding.code, classname=name, line=str(row)
            )
            message = printable(finding.headline)
            outcome = ET.SubElement(case, kind, message=message, type=finding.code)
            place = f"{name}:{place_of(finding)}"
            rows = [f"{place}: {finding.code} {message}", *map(printable, details(finding))]
            outcome.text = "\n".join(rows)
    if not len(root):
        suite = ET.SubElement(
            root, "testsuite", name="atomic-fix", tests="1", failures="0", errors="0"
        )
        ET.SubElement(suite, "testcase", name="no findings", classname="atomic-fix")
    ET.indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield escape_commands(ET.tostring(root, encoding="unicode"), "&#35;")
    yield "\n"


def rdjson(report: Report) -> Iterator[str]:
    """Reviewdog's diagnostic format."""
    document = {
        "source": {"name": "atomic-fix"},
        "severity": DEFECT.name.upper(),
        "diagnostics": [
            _diagnostic(in_file(finding), severity.name.upper(), report.docs_url)
            for finding, severity in report.rated
        ],
    }
    yield as_json(document, indent=2)
    yield "\n"


def _diagnostic(finding: Finding, severity: str, docs_url: str) -> dict[str, Any]:
    # No `suggestions`: reviewdog offers each edit separately, and a fix without its import, or the
    # import without the fix, would break the file. The message names the fixes.
    code = {"value": finding.code}
    if docs_url:
        code["url"] = page_url(docs_url, finding.name)
    diagnostic: dict[str, Any] = {
        "message": "\n".join([*_said(finding), *_fixes_named(finding)]),
        "severity": severity,
        "code": code,
        "location": {
            "path": printable(relative_path(finding.filename)),
            "range": {
                "start": _position(finding.span.start, finding),
                "end": _position(finding.span.end, finding),
            },
        },
    }
    if finding.related:
        # Without columns, which count bytes in lines that are not available here.
        diagnostic["relatedLocations"] = [
            {
                "message": each.message,
                "location": {
                    "path": printable(relative_path(each.path or finding.filename)),
                    "range": {"start": {"line": each.span.start.row}},
                },
            }
            for each in finding.related
        ]
    return diagnostic


def _said(finding: Finding) -> Iterator[str]:
    yield finding.headline
    if finding.why:
        yield f"why this file: {finding.why}"
    for each in finding.also:
        yield f"also: {each.code} {each.headline}"


def _fixes_named(finding: Finding) -> Iterator[str]:
    if finding.fix is None:
        if finding.what_to_do:
            yield printable(f"what to do: {finding.what_to_do}")
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
