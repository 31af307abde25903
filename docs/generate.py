"""Writes what the docs take from the code.

That is `docs/rules/`, a page for each rule from the docstring of its file, their table, and their
place in the navigation (`mkdocs.yml`); what `--help` prints, in `docs/command-line.md`; what other
commands print, below `<!-- output -->` in any page; and the settings, in `docs/configuration.md`
and `docs/atomic-fix.schema.json`.

Run `python docs/generate.py` after a rule, an option, a setting or the report was changed.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from atomic_fix.catalog import apis
from atomic_fix.cli import main as command
from atomic_fix.rules import RULES, Rule
from atomic_fix.runtime import atomic_write_text

DOCS = Path(__file__).parent
FOLDER = DOCS / "rules"
COMMAND_LINE = DOCS / "command-line.md"
SITE = DOCS.parent / "mkdocs.yml"
REFERENCE = Path(__file__).parent / "settings_reference.py"
_OPTIONS = re.compile(r"(?<=^## Options\n\n```text\n).+?(?=^```$)", re.MULTILINE | re.DOTALL)

_OUTPUT = re.compile(
    r"(?<=^<!-- output -->\n)```console\n\$ (atomic-fix .*)\n(?:.*\n)*?```$", re.MULTILINE
)
_RULES = re.compile(
    r"(?<=^      # Written by docs/generate.py.\n)(?:.*\n)*?"
    r"(?=^      # The end of what docs/generate.py writes.$)",
    re.MULTILINE,
)

_INTRODUCTION = """\
# Rules

Each rule has a page: what it reports, why, what to write instead, and what it does not report.
`atomic-fix --explain ATF101` prints the same text in the terminal. The calls that the rules
recognise are in a [table](apis.md).

| code | name | reports |
| --- | --- | --- |
"""

_ONE_PER_CALL = """
A call that publishes a file in several wrong ways is reported once, by the first of these that
applies: ATF111, ATF113, ATF112, ATF114 for a copy, ATF115, ATF114 for a move or rename. The message
ends with the codes of the others. Each can be ignored, suppressed or put into a baseline by itself;
then the next one is reported. `--write` repairs all of them.
"""

_UNREADABLE = """
ATF000 stands for a file that could not be analysed. It is always reported and never suppressed; the
[exit code](../exit-codes.md) is then 2.
"""


_APIS = """\
# Calls

The calls that open a file for writing, and those that save to a path, by their full names; a name
that begins with a dot is a method. You can add others in [the configuration](../configuration.md).

| call | what a repair makes of it | loaded by |
| --- | --- | --- |
"""


def pages() -> dict[str, str]:
    """What `docs/rules/` should hold: file names and their texts."""
    rows = "".join(
        f"| [{rule.code}]({rule.name}.md) | {rule.name}"
        f"{'' if rule.default else ' (off by default)'} | {rule.summary} |\n"
        for rule in RULES
    )
    found = {"index.md": f"{_INTRODUCTION}{rows}{_ONE_PER_CALL}{_UNREADABLE}"}
    found["apis.md"] = _apis()
    found.update((f"{rule.name}.md", _page(rule)) for rule in RULES)
    return found


def _apis() -> str:
    """The table of the calls that the catalogue knows."""
    rows = [(each.name, each.refusal or each.rewriting.value, "") for each in apis.OPENERS]
    for saver in apis.SAVERS:
        made = saver.refusal.format(saver.shown)
        if saver.handle is not None:
            made = f"with a handle of `atomic_open` in place of the path{_condition(saver.handle)}"
        rows.append((saver.name, made, saver.loader and f"`{saver.loader}`"))
    table = "".join(f"| `{name}` | {made} | {loader} |\n" for name, made, loader in rows)
    return f"{_APIS}{table}"


def _condition(handle: apis.Handle) -> str:
    parts = []
    if handle.suffixes:
        parts.append(f"the path ends in {' or '.join(f'`{each}`' for each in handle.suffixes)}")
    if handle.module:
        parts.append(f"the module imports `{handle.module}`")
    return f", if {' and '.join(parts)}" if parts else ""


def _page(rule: Rule) -> str:
    return f"# {rule.code} {rule.name}\n\n{rule.page.strip()}\n"


def with_options(text: str) -> str:
    """The text of `docs/command-line.md` as it should be."""
    printed = CliRunner().invoke(
        command, ["--help"], prog_name="atomic-fix", terminal_width=80, color=False
    )
    return _OPTIONS.sub(lambda _: printed.output, text)


def with_output(text: str) -> str:
    """The text of a page, with what the commands below `<!-- output -->` print."""
    return _OUTPUT.sub(lambda found: f"```console\n$ {found[1]}\n{_printed(found[1])}```", text)


def _printed(line: str) -> str:
    """What a command prints at the root of the repository, in 88 columns.

    Raises:
        ValueError: it ends with something else than findings, or says something on standard error.
    """
    environment = {**os.environ, "COLUMNS": "88"}
    done = subprocess.run(
        [sys.executable, "-m", "atomic_fix", *shlex.split(line)[1:]],
        cwd=DOCS.parent, capture_output=True, check=False, text=True, env=environment,
    )  # fmt: skip
    if done.returncode != 1 or done.stderr:
        raise ValueError(f"`{line}` ends with {done.returncode}: {done.stderr}")
    return done.stdout


def with_rules(text: str) -> str:
    """The text of `mkdocs.yml` with each page of the rules in the navigation."""
    pages = [(f"{rule.code} {rule.name}", f"{rule.name}.md") for rule in RULES]
    pages.append(("Calls", "apis.md"))
    rows = "".join(f"      - {title}: rules/{name}\n" for title, name in pages)
    return _RULES.sub(lambda _: rows, text)


def main() -> None:
    """Write the pages, and remove those of rules that are gone."""
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        atomic_write_text(FOLDER / name, text, encoding="utf-8")
    page = COMMAND_LINE.read_text(encoding="utf-8")
    atomic_write_text(COMMAND_LINE, with_options(page), encoding="utf-8")
    atomic_write_text(SITE, with_rules(SITE.read_text(encoding="utf-8")), encoding="utf-8")
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "\n<!-- output -->\n" in text:
            atomic_write_text(path, with_output(text), encoding="utf-8")
    reference = runpy.run_path(str(REFERENCE))
    for name, made in (("configuration.md", "markdown"), ("atomic-fix.schema.json", "schema")):
        text = reference[made]()
        atomic_write_text(REFERENCE.with_name(name), text, encoding="utf-8")


if __name__ == "__main__":
    main()
