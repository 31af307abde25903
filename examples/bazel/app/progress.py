"""How far a batch job has come."""

import json
from pathlib import Path


def save_progress(path: Path, done: list[str]) -> None:
    """Write down which items are done."""
    path.write_text(json.dumps(done), encoding="utf-8")
