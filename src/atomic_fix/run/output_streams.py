"""Finds programs that a warning in the log would disturb: it would end up inside of a document that
they print for other programs, or on a terminal that they draw on.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from atomic_fix.catalog.reporting import SCREENS
from atomic_fix.run.programs import Programs
from atomic_fix.run.project import Project, modules_below
from atomic_fix.source import is_test_file

_OUT = r"(?:sys\s*\.\s*)?(?:__)?stdout"
_LOGS_TO_STDOUT = re.compile(
    rf"\bStreamHandler\(\s*(?:stream\s*=\s*)?{_OUT}|\bstream\s*=\s*{_OUT}|ext://sys\.stdout"
    rf"|\blogger\.add\(\s*(?:sink\s*=\s*)?{_OUT}|\b(?:Print|Write)LoggerFactory\(\s*\)"
)
_LOGS_BY_RICH = re.compile(r"\bRichHandler\(")
_DUMPS = r"(?:\w*json|yaml|tomli_w|tomllib|toml)\s*\.\s*(?:dumps?|safe_dump)\("
_PRINTS = r"\b(?:print|r?echo|secho|rprint|stdout\.write|stdout\.buffer\.write)\(\s*"
_DOCUMENT = re.compile(
    rf"{_PRINTS}(?:{_DUMPS}|[^\n]*\.(?:model_dump_json|to_json)\()"
    rf"|\bprint_json\(|\bjson\.dump\([^\n]*\bstdout\b|\bcsv\.\w*[wW]riter\(\s*sys\.stdout"
    rf"|(?m:^[ \t]*(\w+)\s*=\s*{_DUMPS}[^\n]*$)(?s:.{{0,500}}?){_PRINTS}\1\s*\)"
)
_DRAWS = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+(?:{'|'.join(SCREENS)})\b")
_CONFIGURES_LOGS = re.compile(
    r"\b(?:basicConfig|dictConfig|fileConfig|addHandler|\w*FileHandler|NullHandler|logging\.disable)\b"
)


@dataclass(frozen=True, slots=True)
class _Streams:
    """What the modules of a project do with its output, by their paths."""

    to_stdout: str = ""
    """The first that sends the log to standard output."""
    documents: tuple[str, ...] = ()
    """Those that print documents."""
    screens: tuple[str, ...] = ()
    """Those that draw on the terminal, if none configures the log."""


class OutputStreams:
    """The outputs of projects. Caches what it has read, for one run."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._of: dict[str, _Streams] = {}

    def why_not_to_log(self, path: str, project: Project) -> str:
        """Why a warning in the log should not be added to a file: a clause; empty if it may be."""
        if project.root not in self._of:
            self._of[project.root] = _streams(project.root)
        found = self._of[project.root]
        if found.to_stdout:
            for each in found.documents:
                if self._programs.reaches(each, path, project):
                    to, by = (os.path.relpath(x, project.root) for x in (found.to_stdout, each))
                    return f"{to} sends the log to standard output, where {by} prints a document"
        for each in found.screens:
            if self._programs.reaches(each, path, project):
                return (
                    f"{os.path.relpath(each, project.root)} draws on the whole terminal, and "
                    "nothing sends the log elsewhere"
                )
        return ""


def _streams(root: str) -> _Streams:
    to_stdout = ""
    documents, screens = [], []
    has_logs = False
    for path, text in modules_below(root):
        if is_test_file(os.path.relpath(path, root)):
            continue
        has_logs = has_logs or _CONFIGURES_LOGS.search(text) is not None
        if not to_stdout and (
            _LOGS_TO_STDOUT.search(text)
            or (_LOGS_BY_RICH.search(text) and not re.search(r"stderr\s*=\s*True|\bstderr\b", text))
        ):
            to_stdout = path
        if _DOCUMENT.search(text):
            documents.append(path)
        if _DRAWS.search(text):
            screens.append(path)
    return _Streams(to_stdout, tuple(documents), () if has_logs else tuple(screens))
