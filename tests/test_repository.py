"""What the project says about itself is true, and its text speaks of nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

import atomic_fix
from atomic_fix.rules import RULES, Rule
from tests.conftest import QUICK

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def script(name: str, folder: str = ".ci") -> ModuleType:
    """A script that is not part of a package, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts() -> list[tuple[Path, str]]:
    """Every text file of the project: those that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                found.append((path, content.decode("utf-8", "replace")))
    assert len(found) > 50
    return found


def test_there_is_one_version() -> None:
    assert metadata.version("atomic-fix") == atomic_fix.__version__
    places = [
        path.relative_to(ROOT).as_posix()
        for path, text in texts()
        if re.search(r"^__version__|^version = ", text, re.MULTILINE)
    ]
    assert places == ["src/atomic_fix/__init__.py"]


def test_the_changelog_has_a_section_for_what_comes_and_for_each_release() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert sections[1:] == sorted(set(sections[1:]), key=_numbers, reverse=True)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_readme_shows_what_the_example_prints_and_every_rule() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert script("refresh_readme").refreshed(text) == text, "run `python .ci/refresh_readme.py`"


def test_what_readme_calls_quick_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    command = text.partition("<!-- quick-tests -->")[2].splitlines()[2]
    assert command == "$ .venv/bin/python -m pytest -q --quick"
    assert [name for name in QUICK if not (ROOT / "tests" / f"{name}.py").is_file()] == []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--quick", "--collect-only"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    collected = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert collected == {f"tests/{name}.py" for name in QUICK}


def test_readme_promises_no_release_while_there_is_none() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[\d", changelog, re.MULTILINE)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert releases or "There is no release yet" in text
    assert releases or not re.search(r"pip install atomic-fix|<a tag", text)


def test_readme_names_what_comes_with_it() -> None:
    found: set[str] = set()
    waiting = ["atomic-fix"]
    while waiting:
        for each in metadata.requires(waiting.pop()) or ():
            requirement = Requirement(each)
            name = requirement.name.lower()
            marker = requirement.marker
            if name not in found and (marker is None or marker.evaluate({"extra": ""})):
                found.add(name)
                waiting.append(name)
    # On some Pythons another build of PyYAML, and a reader of TOML.
    found = {each.removesuffix("-ft") for each in found} - {"tomli"}
    assert found == {
        "click", "libcst", "pyyaml", "flake8", "mccabe", "pycodestyle", "pyflakes",
    }  # fmt: skip
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "It installs seven other packages" in text
    assert "LibCST, PyYAML, click, and flake8 with its three dependencies" in text


def test_links_inside_the_documents_lead_somewhere() -> None:
    broken = [
        f"{path.name}: {target}"
        for path, text in texts()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_its_file_its_fixtures_and_a_row_in_the_readme(rule: Rule) -> None:
    module = ROOT / "src" / "atomic_fix" / "rules" / f"{rule.name.replace('-', '_')}.py"
    assert rule.page in module.read_text(encoding="utf-8")
    assert any((ROOT / "fixtures" / rule.name).glob("*.py"))
    assert f"| {rule.code} | {rule.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_each_folder_of_fixtures_belongs_to_a_rule() -> None:
    folders = {path.name for path in (ROOT / "fixtures").iterdir() if path.is_dir()}
    assert folders == {rule.name for rule in RULES}


def test_the_lowest_dependencies_come_from_the_project_file() -> None:
    lowest = script("lowest").lowest
    assert lowest("libcst>=1.8.6") == "libcst==1.8.6"
    assert lowest("tomli>=2.0; python_version < '3.11'") == "tomli==2.0; python_version < '3.11'"
    for wrong in ("click", "click>8", "click>=8,<9", "click~=8.1"):
        with pytest.raises(ValueError, match="no single lower bound"):
            lowest(wrong)
    for each in PROJECT["project"]["dependencies"]:
        lowest(each)


def test_each_supported_python_is_classified() -> None:
    classifiers = PROJECT["project"]["classifiers"]
    versions = [each.rpartition(" ")[2] for each in classifiers if re.search(r":: 3\.\d+$", each)]
    assert versions == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"
