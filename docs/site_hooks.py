"""Hooks of mkdocs: the playground gets the package that it runs."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def on_post_build(config: Mapping[str, str]) -> None:
    """Put the package into the site, as a zip file that is the same for the same sources."""
    target = Path(config["site_dir"]) / "playground" / "atomic_fix.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((SOURCE / "atomic_fix").rglob("*.py")):
            entry = zipfile.ZipInfo(path.relative_to(SOURCE).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
