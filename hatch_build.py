"""The description on a package index: the parts of README.md that hold outside a clone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

SECTIONS = ("Repair",)
"""The sections that follow the introduction."""


class Description(MetadataHookInterface):
    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": description(text)}


def description(readme: str) -> str:
    """The introduction and `SECTIONS`; links to other files of the repository, which would
    lead nowhere, become their text.

    Raises:
        ValueError: a section is missing.
    """
    introduction, *parts = re.split(r"^## ", readme, flags=re.MULTILINE)
    by_heading = {part.partition("\n")[0]: part for part in parts}
    missing = [name for name in SECTIONS if name not in by_heading]
    if missing:
        raise ValueError(f"README.md has no section {', '.join(missing)}")
    whole = introduction + "".join(f"## {by_heading[name]}" for name in SECTIONS)
    # Lines that begin with such a link are about little else.
    whole = re.sub(r"^\[.*(?:\n.+)*\n", "", whole, flags=re.MULTILINE)
    return re.sub(r"\[([^]]+)\]\((?!\w+://)[^)]*\)", r"\1", whole)
