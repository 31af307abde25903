"""The code that a fix writes is formatted as black and `ruff format` would do it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config, Style
from atomic_fix.fixes.layout import joined, laid_out, line_limit, logical_lines, requoted, width
from atomic_fix.rewrite import SAFE_AND_UNSAFE, rewrite
from atomic_fix.source import Source

TARGETS = ("py38", "py310")


def style(target: str) -> Style:
    return Style(line_length=88, parenthesised_with=target == "py310")


def formatted(text: str, tool: str, target: str, *options: str) -> str:
    command = {
        "black": ["black", "-q", "-t", target, "-"],
        "ruff": ["ruff", "format", "--isolated", "--target-version", target, *options, "-"],
    }[tool]
    done = subprocess.run(
        [sys.executable, "-m", *command], input=text.encode(), capture_output=True, check=True
    )
    return done.stdout.decode().replace("\r\n", "\n")


class Code:
    """Statements of any length, as fixes write them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def name(self) -> str:
        return self.random.choice(
            [
                "a",
                "path",
                "state",
                "self._path",
                "STATE_FILE",
                "config.cache_folder",
                "self.all_of_it",
            ]
        )

    def expression(self, depth: int) -> str:
        kind = self.random.randrange(12) if depth > 0 else 0
        name, inner = self.name(), depth - 1
        if kind < 4:
            return name
        if kind == 4:
            return self.random.choice(['"text"', '"a longer text, with words"', "1", 'f"{a}.json"'])
        if kind == 5:
            return f"{name}[{self.expression(inner)}]"
        if kind == 6:
            count = self.random.randrange(1, 4)
            return "{" + ", ".join(f'"{i}": {self.expression(inner)}' for i in range(count)) + "}"
        if kind == 7:
            count = self.random.randrange(1, 4)
            return "[" + ", ".join(self.expression(inner) for _ in range(count)) + "]"
        if kind == 8:
            return f"{name} {self.random.choice('+/')} {self.expression(inner)}"
        if kind == 9:
            return f"[{name}(x) for x in {self.expression(inner)}]"
        return f"{name}({self.arguments(inner)})"

    def arguments(self, depth: int) -> str:
        found = [self.expression(depth) for _ in range(self.random.randrange(4))]
        if self.random.random() < 0.4:
            found.append(f"indent={self.expression(depth - 1)}")
        return ", ".join(found)

    def statement(self) -> str:
        callee = self.random.choice(["atomic_write_json", "atomic_open", "logger.warning"])
        call = f"{callee}({self.arguments(3)})"
        error = f"CheckpointCorruptedError({self.expression(2)})"
        return self.random.choice(
            [
                call,
                f"await {call}",
                f"return {call}",
                f"raise {error} from exc",
                f"with {call} as file:",
                f"with {call} as raw, gzip.open(raw, {self.expression(1)}) as file:",
            ]
        )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("tool", ["black", "ruff"])
def test_any_statement_is_laid_out_as_formatters_do_it(tool: str, target: str) -> None:
    code = Code(2)
    texts: list[str] = []
    laid: list[str] = []
    while len(texts) < 120:
        statement, depth = code.statement(), code.random.randrange(1, 4)
        indent = "    " * depth
        if len(indent + statement) <= 88:
            continue
        head = "".join(f"{'    ' * i}if x:\n" for i in range(1, depth))
        body = f"\n{indent}    pass\n" if statement.endswith(":") else "\n"
        frame = f"async def f{len(texts)}():\n{head}{indent}{{}}{body}"
        texts.append(frame.replace("{}", statement, 1))
        new = laid_out(statement, indent, "    ", 88, style(target))
        laid.append(frame.replace("{}", new, 1))
    assert formatted("\n\n".join(texts), tool, target) == "\n\n".join(laid)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short(1)", "short(1)"),
        ("call(\n    1,\n    2,\n)", "call(\n    1,\n    2,\n)"),
        ("call(\n    1, 2\n)", "call(1, 2)"),
        (
            "except (FirstLongError, SecondLongError) as exc:",
            "except (\n    FirstLongError,\n    SecondLongError,\n) as exc:",
        ),
        ("x = nothing_to_break_in_this_rather_long_name", None),
        ("call(aaaaaaaaaaaaaaaaaaaaaaaaa, '''b\nc''')", None),
        ("call(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,  # why\n b)", None),
        ("call(aaaaaaaaaaaaaaaaaaaaaa, \\\n bbbbbbbbbbbbbbbbbbbbbbbb)", None),
        ("call(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]", None),
        ("call(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa $)", None),
        (
            "if first_condition_of_it and second_one_too:",
            "if (\n    first_condition_of_it\n    and second_one_too\n):",
        ),
        (
            "with (open_this_one() as a, open_the_other() as b):",
            "with (\n    open_this_one() as a,\n    open_the_other() as b,\n):",
        ),
        (
            "call(lambda one, two: one_of_them_both + two, -1)",
            "call(\n    lambda one, two: one_of_them_both + two,\n    -1,\n)",
        ),
    ],
)
def test_a_line_that_is_too_long(text: str, expected: str | None) -> None:
    found = laid_out(text, "", "    ", 33, Style())
    assert found == (text if expected is None else expected)


def test_a_trailing_comma_keeps_rows_unless_a_setting_says_no() -> None:
    text = "call(\n    1,\n    2,\n)"
    assert joined(text, Style()) == text
    assert joined(text, Style(keeps_trailing_commas=False)) == "call(1, 2)"
    assert joined("(\n    1,\n)", Style()) == "(1,)"
    assert joined("call(\n    1,  # why\n)", Style()) == "call(\n    1,  # why\n)"


def test_logical_lines() -> None:
    text = "if x:  # why\n    call(\n        1\n    )\n\ny = '''\n'''\n"
    text += "z = \\\n    1\ncall(\n    # why\n)\n"
    assert [text[each.start : each.end] for each in logical_lines(text)] == [
        "if x:",
        "call(\n        1\n    )",
    ]
    assert list(logical_lines("x = (")) == []


def test_requoted() -> None:
    text = 'call("a", f"b", "it\'s", f"{c}", """d""", r"e\\f", \'g\')'
    wanted = 'call(\'a\', f\'b\', "it\'s", f"{c}", """d""", r"e\\f", \'g\')'
    assert requoted(text, "'") == wanted
    assert requoted(text, "") == text
    assert requoted('call("a"', "'") == "call('a'"


def test_columns() -> None:
    assert width("x = 1") == 5
    assert width("\tx = 1  # noqa: E501, of no length") == 9
    assert width('"\u6587\u5b57"') == 6
    assert "\n" in laid_out('call("\u6587\u5b57", "\u6587")', "", "    ", 16, Style())
    assert "\n" in laid_out("call(1, 2)", "\t\t", "\t", 16, Style())
    assert "\n" not in laid_out("call(1, 2)", "  ", "\t", 16, Style())


def test_the_limit() -> None:
    short = Source("a.py", "x = 1\n", "utf-8", bom=False)
    long = Source("a.py", f"{'x' * 96} = 1\n", "utf-8", bom=False)
    assert line_limit(short, Style()) == 88
    assert line_limit(long, Style()) == 100
    assert line_limit(long, Style(line_length=79)) == 79
    assert line_limit(short, Style(usual_line_length=100)) == 100
    # The file is not what a tool with its usual length makes of it.
    assert line_limit(long, Style(usual_line_length=88)) == 100


SOURCE = """\
import gzip
import json
import pickle


class Cache:
    def save_checkpoint(self, name, entry, value):
        with gzip.open(self._entry_path(name, entry), "wb") as fd:
            pickle.dump(value, fd)

    def save_all_checkpoints(self, name, entries):
        checkpoint = open(self._entry_path(name, "checkpoint"), "w")
        for entry in entries:
            if entry.name and entry.number > 0 and entry.name.startswith(name + "_"):
                checkpoint.write(entry.as_row(name, entry.number, entry.name + "_" + a))
        checkpoint.close()

    def load_checkpoint(self, name, entry):
        try:
            return json.loads((self.folder / name / "checkpoint.json").read_text())
        except (json.JSONDecodeError, UnicodeDecodeError):
            return None
"""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_no_fix_is_refused_for_its_length(target: str, newline: str) -> None:
    config = Config(style=style(target), on_corrupt="raise")
    source = Source("a.py", SOURCE.replace("\n", newline), "utf-8", bom=False)
    assert formatted(SOURCE, "black", target) == SOURCE
    result = rewrite(source, lambda text: check(text, config), SAFE_AND_UNSAFE)
    assert not result.remaining
    text = result.text.replace(newline, "\n")
    assert max(map(len, text.split("\n"))) <= 88
    for tool in ("black", "ruff"):
        assert formatted(text, tool, target) == text
    assert ("    with (\n" in text) == (target == "py310")
    # Nothing but those fixes, and each line end as it was.
    assert result.text.count(newline) == text.count("\n")


def test_quotes_are_those_of_the_settings() -> None:
    text = "import json\n\n\ndef save_checkpoint(path, x):\n    path.write_text(str(x) + '\\n')\n"
    config = Config(style=Style(quotes="'"))
    text = text.replace("path.write", "with open(path, 'w') as f:\n        f.write(str(x))\n    #")
    text = text.replace("with open(path, 'w')", "with gzip.open(path, 'wt')")
    source = Source("a.py", "import gzip\n" + text, "utf-8", bom=False)
    result = rewrite(source, lambda each: check(each, config), SAFE_AND_UNSAFE)
    assert "atomic_open(path, 'wb') as raw, gzip.open(raw, 'wt') as f:" in result.text


def test_what_was_too_long_stays_so_where_no_setting_says_how_long() -> None:
    name = "checkpoint_" * 9
    text = f"import json\n\n\ndef save({name}, x):\n    {name}.write_text(json.dumps(x))  # noqa\n"
    for limit in (0, 88):
        config = Config(style=Style(line_length=limit))
        source = Source("a.py", text, "utf-8", bom=False)
        result = rewrite(source, lambda each: check(each, config), SAFE_AND_UNSAFE)  # noqa: B023
        assert (f"    atomic_write_json({name}, x)  # noqa" in result.text) == (not limit)
