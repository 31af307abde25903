"""A row of the catalogue is enough for an API: its calls are reported, and repaired or refused with
a reason, in every front end."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from atomic_fix import check_source
from atomic_fix.catalog import apis
from atomic_fix.catalog.apis import Opener, Rewriting, Saver
from atomic_fix.cli import main
from atomic_fix.config import Config
from atomic_fix.finding import Finding
from atomic_fix.flake8_plugin import AtomicFixPlugin
from atomic_fix.run.one_file import check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

EVERYTHING = Config(min_confidence=0.0)
REPAIRED = {Rewriting.OPENS, Rewriting.RECODES, Rewriting.COMPRESSES, Rewriting.AWAITS}


def _imported(name: str, module: str = "") -> str:
    packages = {name.rpartition(".")[0].removeprefix("builtins"), module} - {""}
    return "".join(f"import {each}\n" for each in sorted(packages))


def saving(row: Saver) -> str:
    """A program that calls the saver."""
    module, suffix = "", ".bin"
    if row.packages:
        module = min(row.packages)
    if row.handle is not None:
        module, suffix = row.handle.module, (*row.handle.suffixes, ".bin")[0]
    path = f'"checkpoint{suffix}"'
    if row.name.startswith("."):
        call = f"state{row.name}({path})"
    else:
        given = ["state", path] if row.path else [path, "state"]
        call = f"{row.name}({', '.join(given)})"
    return f"{_imported(row.name, module)}\n\ndef save_checkpoint(state):\n    {call}\n"


def opening(row: Opener) -> str:
    """A program that writes through the opener."""
    awaits = row.rewriting is Rewriting.AWAITS
    written = "file.write(state)"
    if row.content is apis.Content.ARCHIVE:
        written = 'file.writestr("state", state)'
    return (
        f"{_imported(row.name)}\n\n{'async ' * awaits}def save_checkpoint(state):\n"
        f"    {'async ' * awaits}with {row.name.removeprefix('builtins.')}"
        f'("checkpoint.bin", "w") as file:\n        {"await " * awaits}{written}\n'
    )


def only_finding(text: str, code: str) -> Finding:
    (finding,) = check_source(text.encode(), "job.py", EVERYTHING)
    assert finding.code == code
    compile(text, "job.py", "exec")
    return finding


@pytest.mark.parametrize("row", apis.SAVERS, ids=lambda row: row.name)
def test_a_row_of_a_saver_is_found_and_repaired_or_refused(row: Saver) -> None:
    finding = only_finding(saving(row), "ATF102")
    assert f"`{row.shown}`" in finding.label
    if row.handle is None:
        assert finding.fix is None
        assert finding.why_no_fix == row.refusal.format(row.shown)
    else:
        assert finding.fix is not None, finding.why_no_fix


@pytest.mark.parametrize("row", apis.OPENERS, ids=lambda row: row.name)
def test_a_row_of_an_opener_is_found_and_repaired_or_refused(row: Opener) -> None:
    finding = only_finding(opening(row), "ATF101")
    if row.rewriting in REPAIRED:
        assert finding.fix is not None, finding.why_no_fix
    else:
        assert finding.fix is None
        assert finding.why_no_fix
        assert row.refusal in finding.why_no_fix


@pytest.mark.parametrize("row", [each for each in apis.SAVERS if each.loader], ids=lambda r: r.name)
def test_the_loader_of_a_saver_reads_the_file_back(row: Saver) -> None:
    text = saving(row)
    path = text[text.index('"checkpoint') :].split(")")[0].split(",")[0]
    text += f"\n\n{_imported(row.loader)}def resume():\n    return {row.loader}({path})\n"
    found = check_source(text.encode(), "job.py", EVERYTHING)
    (finding,) = (each for each in found if each.code == "ATF102")
    assert any("`resume`" in each.text for each in finding.evidence), finding.evidence


def test_every_front_end_finds_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [*map(saving, apis.SAVERS), *map(opening, apis.OPENERS)]
    imports = {line for text in programs for line in text.splitlines() if line[:7] == "import "}
    functions = (text[text.index("\n\n") :] for text in programs)
    text = "\n".join(sorted(imports)) + "".join(functions)
    (tmp_path / "job.py").write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.atomic-fix]\nmin-confidence = 0.0\n")
    monkeypatch.chdir(tmp_path)
    expected = {
        (each.span.start.row, each.code)
        for each in check_source(text.encode(), "job.py", EVERYTHING)
    }
    assert len(expected) == len(programs)
    printed = CliRunner().invoke(main, ["--output-format", "json", "--no-cache", "job.py"])
    command = {(each["location"]["row"], each["code"]) for each in json.loads(printed.output)}
    plugin = AtomicFixPlugin(ast.parse(text), "job.py", text.splitlines(keepends=True))
    flake8 = {(row, said.split()[0]) for row, _, said, _ in plugin.run()}
    source = Source("job.py", text, "utf-8", bom=False)
    result = check_file(source, "job.py", Resolver({}).for_file("job.py"), ReportFilter())
    editor = {(each.span.start.row, each.code) for each in result.findings}
    assert command == flake8 == editor == expected
