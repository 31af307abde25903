"""Files that the prefilter rejects are still found when a project index needs them."""

from __future__ import annotations

import pytest

from atomic_fix.project.clues import clues, held_by
from atomic_fix.project.index import ProjectIndex

INDEX = ProjectIndex(
    wanted={"save_json": frozenset({"utils"}), "store": frozenset({"Store", "db"})}
)
SAVE, STORE = "save_json utils", "store Store db"


def test_a_clue_is_a_name_with_those_of_which_one_stands_beside_it() -> None:
    assert clues(INDEX.wanted) == {SAVE, STORE, "* utils", "* Store", "* db"}
    assert clues({}) == frozenset()


@pytest.mark.parametrize(
    ("content", "held"),
    [
        (b"from app.utils import save_json\n", {SAVE}),
        (b"import app.utils as u\nu.save_json(x)\n", {SAVE}),
        (b"save_json(x)\n", set()),
        (b"save_json_2(utils)\n", set()),
        (b"from . import save_json\n", {SAVE}),
        (b"from . import (\n    load_json,\n    save_json,\n)\n", {SAVE}),
        (b"from ..io import load\nsave_json(x)\n", set()),
        (b"from app.utils import *\n", {"* utils"}),
        (b"from app.my_utils import *\n", set()),
        (b"def run(db):\n    db.store(1)\n", {STORE}),
        ("# größe\nfrom app.utils import save_json\n".encode(), {SAVE}),
        (b"", set()),
    ],
)
def test_the_clues_of_a_file(content: bytes, held: set[str]) -> None:
    some = clues(INDEX.wanted)
    assert held_by(content, some) == held
    # However many others are looked for.
    many = some | {f"name_{number} home" for number in range(50)}
    assert held_by(content, many) == held
    assert held_by(content, frozenset()) == frozenset()


@pytest.mark.parametrize(
    ("content", "is_held"),
    [
        (b'open("progress.json")\n', True),
        (b'open(folder + "/progress.json")\n', True),
        (b'open("my_progress.json")\n', False),
        (b"def progress(json):\n", False),
        (b"from . import progress\n", False),
    ],
)
def test_a_file_may_be_wanted_for_the_name_of_a_file_in_it(content: bytes, is_held: bool) -> None:
    index = ProjectIndex(wanted={"progress": frozenset({'"progress.json'})})
    some = clues(index.wanted)
    assert some == {'progress "progress.json'}
    assert held_by(content, some) == (some if is_held else set())
    many = some | {f"name_{number} home" for number in range(50)}
    assert held_by(content, many) == (some if is_held else set())
