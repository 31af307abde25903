"""A short run of the fuzz target; `python benchmarks/fuzz.py` is the long one."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzz


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0, max_value=999_999))
def test_odd_input_is_analysed_or_refused(number: int) -> None:
    assert fuzz.run(number).wrong == ""


# What it found once.
@pytest.mark.parametrize("number", [11_000_000_021, 1_000_000_977])
def test_what_was_found_is_mended(number: int) -> None:
    assert fuzz.run(number).wrong == ""


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    hypothesmith = pytest.importorskip("hypothesmith")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_grammar())
def test_any_program_is_analysed_or_refused(text: str) -> None:
    program = f"{text}\nimport json\ndef save_state(path, x):\n    path.write_text(json.dumps(x))\n"
    assert fuzz.run_program(program.encode("utf-8", "surrogatepass")).wrong == ""
