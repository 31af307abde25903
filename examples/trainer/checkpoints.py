"""The state of a training run, kept in a file between runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class TrainingCheckpoint:
    """What a run needs to continue: the next epoch, and the losses so far."""

    epoch: int = 0
    losses: list[float] = field(default_factory=list)


def save_checkpoint(path: Path, checkpoint: TrainingCheckpoint) -> None:
    """Save the state of the training."""
    path.parent.mkdir(parents=True, exist_ok=True)
    payload = asdict(checkpoint)
    path.write_text(json.dumps(payload, indent=2), encoding="utf-8")


def load_checkpoint(path: Path) -> TrainingCheckpoint | None:
    """The last checkpoint, or None to start from the beginning."""
    try:
        raw = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        payload = json.loads(raw)
    except json.JSONDecodeError:
        return None
    return TrainingCheckpoint(epoch=payload["epoch"], losses=payload["losses"])


def save_progress(path: Path, text: str) -> None:
    """Save the names of the files that were read."""
    tmp = path.with_suffix(".tmp")
    tmp.write_text(text, encoding="utf-8")
    os.replace(tmp, path)
