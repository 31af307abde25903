"""Packs the wheel as tightly as deflate can."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TightWheel(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        wheel = Path(artifact_path)
        if version != "standard":
            return  # an editable install is no archive to pass on
        with zipfile.ZipFile(wheel) as packed:
            members = [(info, packed.read(info)) for info in packed.infolist()]
        with zipfile.ZipFile(wheel, "w") as packed:
            for info, content in members:
                packed.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
