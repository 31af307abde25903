"""Repairs of code with a temp file and a replace, where the form of the code decides which repair
is right."""

from __future__ import annotations

import json
import types
from pathlib import Path

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.rewrite import SAFE_AND_UNSAFE, rewrite
from atomic_fix.source import Source

FIXTURES = Path(__file__).parent.parent / "fixtures"


def repaired(text: str) -> str:
    source = Source("/repository/service/jobs.py", text, "utf-8", False)
    result = rewrite(source, lambda each: check(each, Config()), SAFE_AND_UNSAFE)
    assert result.refusal == ""
    return result.text


def reasons(text: str) -> dict[str, str]:
    source = Source("/repository/service/jobs.py", text, "utf-8", False)
    return {finding.code: finding.why_no_fix for finding in check(source, Config())}


def program(body: str) -> str:
    rows = "".join(f"    {row}\n" if row else "\n" for row in body.splitlines())
    return (
        "import gzip\nimport io\nimport json\nimport os\nimport shutil\nimport tempfile\n\n\n"
        f"def save_checkpoint(path, state, fill):\n{rows}"
    )


OPENED_AGAIN = 'with open(tmp, "r+b") as'


@pytest.mark.parametrize(
    "written",
    [
        # `file` is closed, and the buffer written, by `text` alone.
        (
            'file = open(tmp, "wb")\ntext = io.TextIOWrapper(file)\ntext.write(state)\n'
            "text.close()\nfile.close()"
        ),
        'with open(tmp, "wb") as file:\n    text = io.TextIOWrapper(file)\n    text.write(state)',
        # What it is called with is closed by whoever keeps it.
        'file = open(tmp, "w")\nwriter = fill(file)\nwriter.close()\nfile.close()',
        # Another handle writes.
        "fd, tmp = tempfile.mkstemp(dir=os.path.dirname(path))\nos.close(fd)\nfill(tmp, state)",
        (
            "with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:\n"
            "    tmp = file.name\n    fill(tmp, state)"
        ),
        # The trailer comes when it is closed.
        'with gzip.open(tmp, "wt") as file:\n    json.dump(state, file)',
        # Closed at either of two places.
        (
            'file = open(tmp, "w")\nif state:\n    file.write(state)\n    file.close()\n'
            "else:\n    file.close()"
        ),
        # Left before its end.
        (
            'for row in state:\n    with open(tmp, "w") as file:\n        file.write(row)\n'
            "        break"
        ),
    ],
)
def test_what_the_handle_does_not_hold_is_synchronised_through_another(written: str) -> None:
    body = f'tmp = path + ".tmp"\n{written}\nos.replace(tmp, path)'
    text = repaired(program(body))
    assert OPENED_AGAIN in text
    assert text.count("fsync") == 1
    assert text.index("fsync") < text.index("os.replace")


def test_the_step_is_placed_above_the_next_step_s_comment() -> None:
    body = 'tmp = path + ".tmp"\nwith gzip.open(tmp, "wb") as file:\n    file.write(state)\n'
    text = repaired(program(f"{body}# Readers see\n# the whole of it.\nos.replace(tmp, path)"))
    assert 'r+b") as handle:\n        os.fsync(handle.fileno())\n    # Readers see\n' in text


def test_a_removal_that_must_stay_is_no_place_for_an_atomic_write() -> None:
    rows = "try:\n    os.remove(path)\nexcept FileNotFoundError:\n    print(path)\n"
    text = program(f"{rows}path.write_text(state)")
    assert "the file is removed first" in reasons(text)["ATF101"]
    assert "atomic_write_text(path, state)" in repaired(text.replace("os.remove", "os.stat"))
    assert "atomic_write_text(path, state)" in repaired(program("if state: path.write_text(state)"))


def test_a_comment_at_the_end_of_a_block_stays_there() -> None:
    body = 'tmp = path + ".tmp"\nwith gzip.open(tmp, "wb") as file:\n    file.write(state)\n'
    text = repaired(program(f"{body}    # Closed here.\nos.replace(tmp, path)"))
    assert '(state)\n        # Closed here.\n    with open(tmp, "r+b") as handle:\n' in text


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (
            (
                "tmp = tempfile.mkdtemp(dir=os.path.dirname(path))\nfill(tmp, state)\n"
                'os.rename(path, path + ".old")\nos.replace(tmp, path)'
            ),
            "ATF113",
            "whether a file or a folder",
        ),
        (
            (
                'tmp = path + ".tmp"\nwith open(tmp, "w") as file:\n    json.dump(state, file)\n'
                '    os.fsync(file)\nkept = shutil.move(path, path + ".old")\nos.replace(tmp, path)'
            ),
            "ATF113",
            "the call that moves the old file is part of a larger statement",
        ),
        (
            (
                'tmp = path + ".tmp"\nwith open(tmp, "w") as file:\n    json.dump(state, file)\n'
                "    os.fsync(file)\nshutil.copyfile(tmp, path)\nos.remove(tmp)"
            ),
            "ATF114",
            "the temp file may remain after `shutil.copyfile`",
        ),
        (
            (
                'tmp = path + ".tmp"\nwith open(tmp, "w") as file:\n    json.dump(state, file)\n'
                "    os.fsync(file)\nshutil.copy(tmp, path)\nos.remove(path)"
            ),
            "ATF114",
            "the temp file would remain after the copy",
        ),
        (
            (
                'tmp = path + ".tmp"\nwith open(tmp, "w") as file:\n    os.replace(tmp, path)\n'
                "    json.dump(state, file)"
            ),
            "ATF111",
            "used after the file is published",
        ),
        (
            (
                'tmp = path + ".tmp"\nfill(tmp, state)\nwith gzip.open(tmp, "wb") as file:\n'
                "    file.write(state)\nfill(lambda: os.replace(tmp, path))"
            ),
            "ATF115",
            "the statement itself decides whether the file is published",
        ),
        (
            (
                'tmp = path + ".tmp"\nwith gzip.open(tmp, "wb") as file:\n    file.write(state)\n'
                "state and os.replace(tmp, path)"
            ),
            "ATF115",
            "the statement itself decides whether the file is published",
        ),
    ],
)
def test_without_a_repair_the_reason_is_given(body: str, code: str, reason: str) -> None:
    assert reason in reasons(program(body))[code]


def test_to_synchronise_a_temp_file_that_is_copied_protects_nothing() -> None:
    text = program(
        'tmp = path + ".tmp"\nwith open(tmp, "w") as file:\n    json.dump(state, file)\n'
        "shutil.copyfile(tmp, path)\nos.remove(tmp)"
    )
    assert "writes the target again" in reasons(text)["ATF115"]
    assert repaired(text) == text


def test_nothing_blocks_the_event_loop() -> None:
    body = 'tmp = path + ".tmp"\nwith gzip.open(tmp, "wb") as file:\n    file.write(state)\n'
    text = program(f"{body}os.replace(tmp, path)").replace("def save", "async def save")
    assert "event loop" in reasons(text)["ATF115"]
    assert repaired(text) == text


@pytest.mark.parametrize(
    ("comment", "collapsed"),
    [
        ("# So that a crash leaves the old one.", True),
        ("# Write to a temp file, then rename.", False),
        ("# tmp first", False),
        ("# Keep it whole.\n# The swap is atomic.", False),
    ],
)
def test_a_comment_on_the_steps_keeps_them(comment: str, collapsed: bool) -> None:
    body = f'{comment}\ntmp = path.with_suffix(".tmp")\ntmp.write_text(state)\ntmp.replace(path)'
    text = repaired(program(body))
    assert ("atomic_write_text(path, state)" in text) is collapsed
    assert (OPENED_AGAIN in text) is not collapsed
    behind = body.removeprefix(f"{comment}\n") + f"  {comment.splitlines()[-1]}"
    assert ("atomic_write_text(path, state)" in repaired(program(behind))) is collapsed


def test_a_file_that_goes_with_its_handle_is_copied_whole(tmp_path: Path) -> None:
    contents = []
    for name in ("within.py", "within.fixed.py"):
        module = types.ModuleType("program")
        exec((FIXTURES / "replace-before-close" / name).read_text(), module.__dict__)
        module.__dict__["save_session"](tmp_path / "session.json", {"step": 3})
        contents.append((tmp_path / "session.json").read_text())
    assert contents[0] == ""  # still in the buffer when it was copied
    assert json.loads(contents[1]) == {"step": 3}


@pytest.mark.parametrize(
    ("opened", "is_always_open"),
    [
        ('if state:\n    file = open(tmp, "w")\nelse:\n    file = None', False),
        ('file = io.StringIO()\nif state:\n    file = open(tmp, "w")', False),
        ('try:\n    file = open(tmp, "w")\nexcept OSError:\n    file = None', False),
        ('for tmp in state:\n    file = open(tmp, "w")', False),
        ('try:\n    file = open(tmp, "w")\nexcept OSError:\n    return', True),
        ('with fill:\n    file = open(tmp, "w")', True),
        ('file = None\nfile = open(tmp, "w")', True),
    ],
)
def test_a_file_that_is_opened_in_some_cases_only(opened: str, is_always_open: bool) -> None:
    body = (
        f'tmp = path + ".tmp"\n{opened}\ntry:\n    file.write(state)\nfinally:\n'
        "    if file is not None:\n        file.close()\nos.replace(tmp, path)\n"
    )
    text = program(body)
    if is_always_open:
        assert "        file.flush()\n        os.fsync(file.fileno())\n    finally:" in repaired(
            text
        )
    else:
        assert "fsync(file.fileno())" not in repaired(text)
