"""The extension for VS Code: it builds, starts the language server and shows its findings.

Without Node and npm the tests that run it are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import atomic_fix

ROOT = Path(__file__).parent.parent
EXTENSION = ROOT / "editors" / "vscode"
PACKAGE = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
SETTINGS = PACKAGE["contributes"]["configuration"]["properties"]


def test_its_version_is_that_of_the_project() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    versions = {PACKAGE["version"], lock["version"], lock["packages"][""]["version"]}
    assert versions == {atomic_fix.__version__}


def test_the_lock_names_no_host_and_has_a_digest_for_each_package() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert "node_modules/vscode-languageclient" in packages
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each] == []


def test_pages_name_each_setting() -> None:
    for page in (EXTENSION / "README.md", ROOT / "docs" / "editors.md"):
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"`(atomic-fix\.\w+)`", text)) == set(SETTINGS)


def test_a_workspace_that_is_not_trusted_names_no_program() -> None:
    restricted = PACKAGE["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert "atomic-fix.path" in restricted


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the extension with the packages of its lock file."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    version = subprocess.run([node, "--version"], capture_output=True, check=True, text=True).stdout
    if int(version[1:].split(".")[0]) < 20:
        pytest.skip("Node is older than version 20")
    copy = tmp_path_factory.mktemp("editors") / "vscode"
    shutil.copytree(EXTENSION, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    npm(copy, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    return copy


def npm(folder: Path, *arguments: str) -> str:
    program = shutil.which("npm")
    assert program is not None
    server = shutil.which("atomic-fix-lsp", path=str(Path(sys.executable).parent))
    assert server is not None
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, check=False, text=True,
        env={**os.environ, "ATOMIC_FIX_LSP": server},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_shows_what_the_server_finds(installed: Path) -> None:
    printed = npm(installed, "test")
    assert re.search(r"^(#|ℹ) pass 4$", printed, re.MULTILINE), printed
    assert re.search(r"^(#|ℹ) (fail|skipped) 0$", printed, re.MULTILINE)


def test_it_is_packaged(installed: Path) -> None:
    npm(installed, "run", "package")
    with zipfile.ZipFile(installed / "atomic-fix.vsix") as package:
        names = {each for each in package.namelist() if each.startswith("extension/")}
    assert names == {
        f"extension/{each}"
        for each in ("LICENSE.txt", "package.json", "readme.md", "dist/extension.js")
    }
