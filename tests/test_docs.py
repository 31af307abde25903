"""The pages agree with the rules and the command."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rule_pages_are_up_to_date() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "rules").iterdir()}
    assert there == generator().pages(), "run `python docs/generate.py`"


def test_the_options_are_those_of_the_command() -> None:
    there = generator().COMMAND_LINE.read_text(encoding="utf-8")
    assert there == generator().with_options(there), "run `python docs/generate.py`"
    assert "\n  --fail-on-unused " in there


def test_the_output_in_pages_is_that_of_the_command() -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    shown = [path for path, text in pages.items() if "<!-- output -->\n```console\n" in text]
    assert DOCS / "index.md" in shown
    for path in shown:
        assert pages[path] == generator().with_output(pages[path]), "run `python docs/generate.py`"
        assert pages[path].count("<!-- output -->") == len(
            re.findall(r"<!-- output -->\n```console\n\$ atomic-fix .*\n.*ATF", pages[path])
        )


def test_the_navigation_has_every_rule() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert text == generator().with_rules(text), "run `python docs/generate.py`"
    assert "\n      - ATF101 in-place-write: rules/in-place-write.md\n" in text


def test_the_files_that_pages_name_are_there() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    named = {name for page in pages for name in re.findall(r"`(\w+/[\w/]+\.py)`", page.read_text())}
    assert len(named) > 10
    places = (ROOT, ROOT / "src" / "atomic_fix")
    assert [name for name in sorted(named) if not any((p / name).is_file() for p in places)] == []
