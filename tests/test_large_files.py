"""Generated files: those that would take minutes are refused early, with a message."""

import pytest

from atomic_fix.check import check_bytes
from atomic_fix.config import Config

SAVE = """
def save_{number}(state):
    with open("checkpoint_{number}.json", "w") as file:
        json.dump(state, file)

"""


def program(functions: int) -> bytes:
    return ("import json\n" + "".join(SAVE.format(number=n) for n in range(functions))).encode()


@pytest.mark.parametrize("functions", [1, 150])
def test_each_of_many_functions_is_found(functions: int) -> None:
    found = check_bytes(program(functions), "many.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"] * functions
    assert found.analysed


def test_no_number_of_places_is_too_many_by_itself() -> None:
    """The time limit decides what takes too long."""
    found = check_bytes(program(700), "generated.py", Config())
    assert len(found.findings) == 700
    assert found.problem is None


def test_data_in_a_large_file_is_no_reason_to_refuse() -> None:
    data = b"TABLE = {\n" + b"    'key': 'value',\n" * 50_000 + b"}\n"
    found = check_bytes(program(1) + data, "table.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]
    assert found.analysed
