"""Programs that a CI job or an image runs with the Python packages of the operating system, or with
packages that it installs by their names: what the project declares is not installed there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from atomic_fix.run import dependencies
from atomic_fix.run.dependencies import normalised
from atomic_fix.run.module_files import names_in, run_imports
from atomic_fix.run.project import text_of

_JOBS = re.compile(
    r"(?i)^\.?(?:appveyor|travis|gitlab-ci|cirrus|drone|woodpecker)\.ya?ml$"
    r"|^azure-pipelines[\w.-]*\.ya?ml$|^jenkinsfile$|^(?:docker|container)file|\.dockerfile$"
)
_FOLDERS = ((".", _JOBS), (os.path.join(".github", "workflows"), re.compile(r"\.ya?ml$")))
_INSTALLS = re.compile(
    r"\b(?:apt|apt-get|aptitude|dnf|yum|zypper|apk)\b[^\n]*?\b(?:install|add)\b((?:[^\n\\]|\\.|\\\n)*)"
)
# Tools for building and installing come with most images and say nothing.
_PACKAGE = re.compile(
    r"(?<![\w-])(?:python3?|py3)-(?!(?:all|config|dev|devel|distutils|full|minimal|pip|pipx|setuptools|"
    r"tk|tkinter|venv|virtualenv|wheel)(?![\w-]))[a-z]"
)
_OTHER_INSTALLERS = re.compile(
    r"\bpip[\d.]*[\"', ]+install\b|\bvenv\b"
    r"|\b(?:poetry|uv|pipenv|conda|mamba|pdm|pixi|hatch|tox|nox)\b"
)
INSTALLS_BY_NAME = re.compile(r"\bpip3?\s+install\s+(?:-[\w-]+\s+)*[A-Za-z]")
INSTALLS_A_LIST = re.compile(
    r"(?:-r|--requirements?)[\s=]|requirements|\bpip3?\s+install\s+(?:-[\w-]+\s+)*\.|\bpoetry\b|\buv\b"
    r"|\bpipenv\b|\bpdm\b|\bconda\b|setup\.py|pyproject|environment\.ya?ml|\.whl\b|\bpixi\b"
)
# They name lists of requirements that the job need not install.
_KEYS_OF_CACHES = re.compile(r"hashFiles\([^)]*\)|cache-dependency-path:.*")
_RUNS = re.compile(r"\bpython[\d.]*(?:[\"', ]+-[A-Za-z]+)*[\"', ]+([\w./-]+\.py)\b")
_MOST_MODULES = 500


def run_without(root: str, wanted: frozenset[str]) -> dict[str, str]:
    """The modules that such jobs and images run or import without any of some distributions, each
    with the reason, as a clause."""
    found: dict[str, str] = {}
    for path in jobs(root):
        text = (text_of(path) or "").replace("\\\n", "  ")
        for script, packages in _scripts(text, wanted):
            file = os.path.normpath(os.path.join(root, script))
            if os.path.isfile(file) and file.startswith(os.path.join(root, "")):
                name = os.path.relpath(path, root)
                reason = f"{name} runs {script} with {packages}"
                for each in _imported(file, root):
                    found.setdefault(each, reason)
    return found


def jobs(root: str) -> Iterator[str]:
    """The files of CI jobs and images in a tree."""
    for inside, pattern in _FOLDERS:
        folder = os.path.normpath(os.path.join(root, inside))
        yield from (os.path.join(folder, each) for each in names_in(folder) if pattern.search(each))


def _scripts(text: str, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The scripts that run behind an installation of such packages, and before any other one; with
    the packages, as a phrase."""
    for installation in _INSTALLS.finditer(text):
        if not _PACKAGE.search(installation[1]):
            continue
        other = _OTHER_INSTALLERS.search(text, installation.end())
        end = other.start() if other is not None else len(text)
        for run in _RUNS.finditer(text, installation.end(), end):
            yield run[1], "the packages of the operating system alone"
    text = _KEYS_OF_CACHES.sub("", text)
    by_name = INSTALLS_BY_NAME.search(text)
    if by_name is None or INSTALLS_A_LIST.search(text):
        return
    if not any(each in normalised(text) for each in wanted):
        for run in _RUNS.finditer(text, by_name.end()):
            yield run[1], "packages that it installs by their names"


def _imported(script: str, root: str) -> list[str]:
    """A script and the modules of the project that it imports, directly or not."""
    found = {script: None}
    waiting = [script]
    while waiting and len(found) < _MOST_MODULES:
        here = waiting.pop()
        tree = dependencies.parsed(text_of(here) or "")
        for source in dict.fromkeys((os.path.dirname(script), root)):
            for each in run_imports(tree.body if tree is not None else (), here, source):
                if each not in found:
                    found[each] = None
                    waiting.append(each)
    return list(found)
