"""Notebooks: their cells as one module, and the repaired module as cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix.cli import main
from atomic_fix.finding import Unreadable
from atomic_fix.notebook import Notebook, read
from atomic_fix.report import FORMATS
from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver

SETTINGS = Resolver({}, isolated=True).for_file("a.ipynb")
LOAD = """\
def load_state(path):
    try:
        with open(path) as f:
            return json.load(f)
    except Exception:
        return {}
"""
SAVE = "with open('state.json', 'w') as f:\n    json.dump(state, f)"


def notebook(*cells: str | dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cells": [code(each) if isinstance(each, str) else each for each in cells],
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def code(source: str, **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
        **more,
    }


def text_cell(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def dumped(content: dict[str, Any], indent: int | str = 1, end: str = "\n") -> bytes:
    """As Jupyter saves it."""
    return (json.dumps(content, indent=indent, ensure_ascii=False) + end).encode()


def opened(*cells: str | dict[str, Any], **metadata: Any) -> Notebook:
    found = read(dumped(notebook(*cells, **metadata)), "a.ipynb")
    assert isinstance(found, Notebook)
    return found


def places(content: bytes) -> list[tuple[str, tuple[int, int]]]:
    """The code, cell and row of each finding."""
    result = check_file(content, "a.ipynb", SETTINGS, ReportFilter())
    assert result.problem is None
    assert result.cells is not None
    return [(each.code, result.cells.place(each.span.start.row)) for each in result.findings]


def repaired(content: bytes) -> tuple[bytes, str]:
    """The new bytes, and why the first finding that is left has no repair."""
    repair = change_file(
        content, "a.ipynb", SETTINGS, ReportFilter(), Apply(SAFE_AND_UNSAFE, imports=None)
    )
    why = next((each.why_no_fix for each in repair.result.findings), "")
    return repair.after, repair.refusal or why


def test_the_cells_are_one_module() -> None:
    content = dumped(notebook(text_cell("# open('state.json', 'w')"), "import json", LOAD, SAVE))
    assert places(content) == [("ATF202", (3, 5)), ("ATF101", (4, 1))]


def test_a_cell_that_is_not_python_is_left_out() -> None:
    found = opened("%%bash\nls", "%%time\nx = 1", "x = 2", "%%html\n<b>")
    assert found.text == "\n\npass\nx = 1\nx = 2\n\n\n"
    assert opened("ls()", kernelspec={"language": "R"}).text == ""
    assert opened("x", language_info={"name": "julia"}).text == ""
    assert opened(code("x", metadata={"vscode": {"languageId": "sql"}}), "y").text == "y\n"


@pytest.mark.parametrize(
    ("row", "read_as"),
    [
        ("%matplotlib inline", "pass"),
        ("  !ls -l", "  pass"),
        ("files = !ls", "files = None"),
        ("a, b = %timeit -o f()", "a, b = None"),
        ("json.load?", "pass"),
        ("?json.load", "pass"),
        ("!pip install \\\n  one", "pass\n"),
        ("x = 5 % 3", "x = 5 % 3"),
        ("x = (1\n  % 3)", "x = (1\n  % 3)"),
    ],
)
def test_what_ipython_alone_understands_is_left_out(row: str, read_as: str) -> None:
    assert opened(f"if x:\n    y\n{row.lstrip()}\nz").text == (
        f"if x:\n    y\n{read_as.lstrip()}\nz\n"
    )


def test_a_repair_changes_its_cells_alone() -> None:
    before = notebook(text_cell("# Grüße"), "%load_ext a\nimport json", LOAD, "!ls", SAVE)
    before["cells"][1]["outputs"] = [{"output_type": "stream", "text": ["1e3\n", "☃"]}]
    after, why = repaired(dumped(before))
    assert why == ""
    wanted = json.loads(dumped(before))
    sources = ["".join(each["source"]) for each in json.loads(after)["cells"]]
    assert sources == [
        "# Grüße",
        "\n".join(
            [
                "%load_ext a",
                "import json",
                "import logging",
                "",
                "from atomic_fix.runtime import atomic_write_json",
            ]
        ),
        LOAD.replace(
            "    except Exception:\n",
            "    except ValueError as exc:\n"
            "        logging.getLogger(__name__)"
            '.warning("could not load %s: %s", path, exc)\n'
            "        return {}\n"
            "    except Exception:\n",
        ),
        "!ls",
        "atomic_write_json('state.json', state)",
    ]
    for cell, source in zip(wanted["cells"], sources, strict=True):
        cell["source"] = source.splitlines(keepends=True)
    assert after == dumped(wanted)
    assert places(after) == []


@pytest.mark.parametrize("indent", [1, 2, "\t"])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_layout_is_kept(indent: int | str, end: str, ascii_only: bool) -> None:
    before = notebook("import json", SAVE + "  # ü")
    before["cells"][1]["source"] = SAVE + "  # ü"
    content = (json.dumps(before, indent=indent, ensure_ascii=ascii_only) + end).encode()
    after, why = repaired(content)
    assert why == ""
    wanted = json.loads(content)
    wanted["cells"][0]["source"] = ["from atomic_fix.runtime import atomic_write_json"]
    wanted["cells"][1]["source"] = "atomic_write_json('state.json', state)  # ü"
    assert after == (json.dumps(wanted, indent=indent, ensure_ascii=ascii_only) + end).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (json.dumps(notebook("import json", SAVE)).encode(), "not laid out as Jupyter saves it"),
        (dumped(notebook("import json\r\n" + SAVE)), "line ends other than"),
    ],
)
def test_where_other_bytes_would_change_nothing_is_written(content: bytes, why: str) -> None:
    assert [each for each, _ in places(content)] == ["ATF101"]
    after, said = repaired(content)
    assert after == content
    assert why in said


def test_a_row_of_ipython_is_never_changed() -> None:
    found = opened("%load_ext a\nx = 1", "!ls")
    assert found.text == "pass\nx = 1\npass\n"
    for text in ("x = 1\npass\n", "pass\nx = 1\n", "x\nx = 1\npass\n"):
        with pytest.raises(ValueError, match="a row in IPython syntax would change"):
            found.encode(text)
    assert b"%load_ext a\\n" in found.encode("pass\nx = 2\npass\n")


def test_a_change_of_two_cells_is_shared_out() -> None:
    found = opened("import json", "with open(path, 'w') as f:\n    json.dump(x, f)", "y")
    changed = read(found.encode("from a import save\n\nsave(path, x)\ny\n"), "a.ipynb")
    assert isinstance(changed, Notebook)
    assert changed.own_cells.starts == (1, 2, 3)
    with pytest.raises(ValueError, match="too many cells"):
        found.encode("z\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "cannot be read as a notebook: Expecting property name"),
        (b"[]", "it is not in the format of nbformat 4"),
        (b'{"nbformat": 3, "worksheets": []}', "it is not in the format of nbformat 4"),
        (b'{"nbformat": 4, "cells": [1]}', "it is not in the format of nbformat 4"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}', "nbformat 4"),
        (b"\xff", "cannot be decoded as utf-8"),
        (b"[" * 100_000, "cannot be read as a notebook"),
        (dumped(notebook("a\0b")), "cell 1 contains a null byte in row 1"),
        (dumped(notebook("x", "open('state.json', 'w'")), "'(' was never closed"),
    ],
)
def test_what_is_no_notebook_is_said(content: bytes, reason: str) -> None:
    result = check_file(content, "a.ipynb", SETTINGS, ReportFilter())
    assert result.problem is not None
    assert reason in result.problem.reason
    assert repaired(content)[0] == content


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_is_a_notebook_without_cells(content: bytes) -> None:
    result = check_file(content, "a.ipynb", SETTINGS, ReportFilter())
    assert (result.problem, result.findings) == (None, ())


def test_a_problem_has_its_cell() -> None:
    content = dumped(notebook("x", "y\nopen('state.json', 'w'"))
    result = check_file(content, "a.ipynb", SETTINGS, ReportFilter())
    assert result.problem is not None
    assert result.cells is not None
    assert result.cells.place(result.problem.row) == (2, 2)


ROWS = st.sampled_from(["", "x = 1", "if x:", "    y", "%ls", "# c", "!ls \\", "z?", "'''", "ü"])


@given(st.lists(st.lists(ROWS, max_size=4).map("\n".join), max_size=4), st.data())
def test_the_way_back_changes_the_rows_that_were_changed(cells: list[str], data: Any) -> None:
    found = opened(*cells)
    assert found.encode(found.text) == dumped(notebook(*cells))
    rows = found.text.split("\n")
    if len(rows) < 2:
        return
    index = data.draw(st.integers(0, len(rows) - 2))
    rows[index:index] = ["new = 1"]
    changed = read(found.encode("\n".join(rows)), "a.ipynb")
    assert not isinstance(changed, Unreadable)
    joined = "\n".join(changed.rows)
    before = "\n".join(found.rows)
    assert sorted(joined.split("\n")) == sorted([*before.split("\n"), "new = 1"])
    numbers, sources = changed.cells.numbers, found.cells.numbers
    assert numbers == sources


def test_a_fresh_file_is_found_in_a_folder(tmp_path: Path) -> None:
    from atomic_fix.run.discover import Candidate, discover

    for name in ("a.ipynb", "B.IPYNB", "c.py", "d.txt"):
        (tmp_path / name).write_bytes(b"")
    found = discover([str(tmp_path)], Resolver({}, isolated=True))
    names = [Path(each.path).name for each in found if isinstance(each, Candidate)]
    assert names == ["B.IPYNB", "a.ipynb", "c.py"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cells = ("import json", text_cell("# Load"), LOAD, SAVE, "load_state('state.json')")
    (tmp_path / "a.ipynb").write_bytes(dumped(notebook(*cells)))
    return tmp_path


def shown(form: str) -> str:
    result = CliRunner().invoke(main, ["--isolated", "--no-cache", "--output-format", form])
    assert result.exit_code == 1, result.output
    return result.stdout


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("form", [each for each in FORMATS if each != "statistics"])
def test_every_format_says_the_cell_and_the_row(form: str) -> None:
    said = shown(form)
    if form in {"json", "jsonl"}:
        loads = json.loads if form == "json" else lambda text: [*map(json.loads, text.splitlines())]
        first, second = loads(said)
        assert (first["cell"], first["location"]["row"], first["end_location"]["row"]) == (3, 5, 6)
        assert (second["cell"], second["location"]["row"]) == (4, 1)
        (related,) = second["related_locations"]
        assert (related["cell"], related["location"]["row"]) == (3, 3)
        assert [(each["cell"], each["location"]["row"]) for each in second["fix"]["edits"]][-1] == (
            4,
            1,
        )
        assert "(cell 3, line 3)" in second["why"]
        return
    assert "cell 3:5:5" in said
    assert "cell 4:1:6" in said
    if form == "sarif":
        results = json.loads(said)["runs"][0]["results"]
        regions = [each["locations"][0]["physicalLocation"]["region"] for each in results]
        assert {each["startLine"] for each in regions} == {1}  # rows of the file are others
        assert not any("fixes" in each for each in results)


def explained(place: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["--isolated", "--explain-finding", place, *options])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("place", ["a.ipynb:4:1", "a.ipynb:cell 4:1", "a.ipynb:cell 4:1:6"])
def test_a_finding_is_explained_by_its_cell_and_row(place: str) -> None:
    result = explained(place)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "a.ipynb:cell 4:1:6: `open` writes a file\n  reported as ATF101"
    )
    assert "`load_state` reads it back (cell 3, line 3)\n" in result.output
    data = json.loads(explained(place, "--output-format", "json").output)
    assert (data["cell"], data["row"]) == (4, 1)
    (found,) = data["places"]
    assert (found["cell"], found["row"]) == (4, 1)
    assert ("read-back", 3, 3) in [
        (each["name"], each.get("cell"), each["row"]) for each in found["features"]
    ]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("a.ipynb:4", "a row of a notebook needs its cell, as in `a.ipynb:2:4` for cell 2"),
        ("a.ipynb:2:1", "a.ipynb:cell 2:1: the notebook has no such row in a code cell"),
        ("a.ipynb:4:99", "a.ipynb:cell 4:99: the notebook has no such row in a code cell"),
        ("a.ipynb:9:1", "a.ipynb:cell 9:1: the notebook has no such row in a code cell"),
    ],
)
def test_a_place_that_no_cell_has_is_an_error(place: str, said: str) -> None:
    result = explained(place)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.usefixtures("here")
def test_the_report_shows_the_other_cell() -> None:
    said = shown("full")
    assert " --> a.ipynb:cell 4:1:6\n" in said
    assert " ::: a.ipynb:cell 3:3\n" in said
    assert "(cell 3, line 3)" in " ".join(said.split())


def test_a_broken_cell_is_named(here: Path) -> None:
    (here / "a.ipynb").write_bytes(dumped(notebook("x", "y\nopen('state.json', 'w'")))
    result = CliRunner().invoke(main, ["--isolated", "--no-cache", "--output-format", "concise"])
    assert result.exit_code == 2
    assert "a.ipynb:cell 2:2:5: ATF000" in result.output


def test_comments_and_the_cache_work_in_cells(here: Path) -> None:
    result = CliRunner().invoke(main, ["--isolated", "--add-noqa=why not", "."])
    assert result.exit_code == 0, result.output
    assert b"# noqa: ATF101 -- why not" in (here / "a.ipynb").read_bytes()
    result = CliRunner().invoke(main, ["--isolated"])
    assert result.exit_code == 0, result.output
