"""The helper writes the bytes that the code it replaces would write."""

from __future__ import annotations

import json
from pathlib import Path

from atomic_fix import runtime


def test_json_equals_write_text(tmp_path: Path) -> None:
    state = {"ü": [1, 2.5, None], "b": {"c": True}}
    (tmp_path / "plain").write_text(json.dumps(state, indent=2), encoding="utf-8")
    runtime.atomic_write_json(tmp_path / "atomic", state, indent=2)
    assert (tmp_path / "atomic").read_bytes() == (tmp_path / "plain").read_bytes()
