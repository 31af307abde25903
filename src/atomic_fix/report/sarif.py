"""SARIF 2.1.0, for GitHub's code scanning and other readers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from atomic_fix import __version__
from atomic_fix.finding import NOT_ANALYSED, NOT_ANALYSED_NAME, Finding, Fix, Span, listed
from atomic_fix.report import (
    DEFECT,
    NOT_ANALYSED_PAGE,
    NOT_CHECKED,
    Report,
    Severity,
    as_json,
    fingerprints,
    in_file,
    page_url,
    relative_path,
    severity_of,
)
from atomic_fix.rules import RULES

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


_ROOT = "%SRCROOT%"
"""Stands for the current folder."""
_TAGS = {
    "ATF1": ("reliability", "data-loss", "file-writes"),
    "ATF2": ("reliability", "data-loss", "error-handling"),
}
"""Tags by the family of a rule."""


def render(report: Report) -> Iterator[str]:
    unread = [each for result in report.results if not result.analysed for each in listed(result)]
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "atomic-fix",
                        "version": __version__,
                        **({"informationUri": report.docs_url} if report.docs_url else {}),
                        "rules": [
                            _rule(
                                NOT_ANALYSED,
                                NOT_ANALYSED_NAME,
                                NOT_ANALYSED_PAGE,
                                NOT_CHECKED,
                                report.docs_url,
                            ),
                            *(
                                _rule(
                                    each.code,
                                    each.name,
                                    each.page,
                                    DEFECT,
                                    report.docs_url,
                                    enabled=each.default,
                                )
                                for each in RULES
                            ),
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"uri": _file_uri(f"{Path.cwd()}/")}},
                "invocations": [
                    {
                        "executionSuccessful": not unread,
                        "toolExecutionNotifications": [
                            {
                                "level": NOT_CHECKED.name,
                                "message": {"text": each.headline},
                                "locations": [_location(in_file(each))],
                            }
                            for each in unread
                        ],
                    }
                ],
                "results": [
                    _result(finding, fingerprint, severity_of(result).name)
                    for result, finding, fingerprint in fingerprints(report)
                ],
            }
        ],
    }
    yield as_json(document, indent=2)
    yield "\n"


def _rule(
    code: str, name: str, page: str, severity: Severity, docs_url: str, *, enabled: bool = True
) -> dict[str, Any]:
    summary = page.strip().splitlines()[0]
    rule: dict[str, Any] = {
        "id": code,
        "name": name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": page.strip(), "markdown": page.strip()},
        "defaultConfiguration": {"enabled": enabled, "level": severity.name},
    }
    if docs_url:
        rule["helpUri"] = page_url(docs_url, name)
    if tags := _TAGS.get(code[:4]):
        rule["properties"] = {"tags": list(tags)}
    return rule


def _result(finding: Finding, fingerprint: str, level: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": [NOT_ANALYSED, *(rule.code for rule in RULES)].index(finding.code),
        "level": level,
        "message": {"text": finding.headline},
        "locations": [_location(finding, finding.label)],
        "partialFingerprints": {"atomicFix/v1": fingerprint},
        "properties": {
            "also": [each.code for each in finding.also],
            "confidence": round(finding.confidence, 3),
            "confidenceLevel": finding.confidence_level,
            "evidence": [each.text for each in finding.evidence],
            "whatToDo": finding.what_to_do,
            "why": finding.why,
        },
    }
    if finding.related:
        result["relatedLocations"] = [
            {
                "id": number,
                "message": {"text": each.message},
                "physicalLocation": {
                    "artifactLocation": _artifact(each.path or finding.filename),
                    "region": _region(each.span),
                },
            }
            for number, each in enumerate(finding.related, 1)
        ]
    if finding.fix is not None:
        fixes = [each for each in (finding.fix, finding.fix.alternative) if each is not None]
        result["fixes"] = [_fix(each, finding.filename) for each in fixes]
    return result


def _fix(fix: Fix, filename: str) -> dict[str, Any]:
    return {
        "description": {"text": f"{fix.title}: {fix.note}" if fix.note else fix.title},
        "artifactChanges": [
            {
                "artifactLocation": _artifact(filename),
                "replacements": [
                    {
                        "deletedRegion": _region(edit.span),
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in fix.edits
                ],
            }
        ],
    }


def _location(finding: Finding, label: str = "") -> dict[str, Any]:
    region = _region(finding.span)
    if finding.source_line:
        region["snippet"] = {"text": finding.source_line}
    return {
        **({"message": {"text": label}} if label else {}),
        "physicalLocation": {
            "artifactLocation": _artifact(finding.filename),
            "region": region,
        },
    }


def _region(span: Span) -> dict[str, Any]:
    return {
        "startLine": span.start.row,
        "startColumn": span.start.column,
        "endLine": span.end.row,
        "endColumn": span.end.column,
    }


def _artifact(filename: str) -> dict[str, str]:
    """Below the current folder, which is treated as the source root, the path is relative;
    elsewhere it is absolute."""
    path = relative_path(filename)
    if os.path.isabs(path):  # noqa: PTH117
        return {"uri": _file_uri(path)}
    return {"uri": _quoted(path), "uriBaseId": _ROOT}


def _file_uri(path: str) -> str:
    name = _quoted(path)
    return f"file://{name}" if name.startswith("/") else f"file:///{name}"


def _quoted(path: str) -> str:
    return quote(os.fsencode(path.replace(os.sep, "/")))
