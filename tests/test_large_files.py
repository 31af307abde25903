"""Generated files: what would take minutes is refused aloud, and long before that."""

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


def test_too_many_places_are_refused() -> None:
    found = check_bytes(program(2_001), "generated.py", Config())
    assert found.findings == ()
    assert found.problem is not None
    assert found.problem.reason == (
        "cannot be analysed: 2001 functions and statements that may write or swallow are too "
        "many for one file"
    )


def test_data_in_a_large_file_is_no_reason_to_refuse() -> None:
    data = b"TABLE = {\n" + b"    'key': 'value',\n" * 50_000 + b"}\n"
    found = check_bytes(program(1) + data, "table.py", Config())
    assert [finding.code for finding in found.findings] == ["ATF101"]
    assert found.analysed
