"""Print pip constraints for the lowest version of each dependency that pyproject.toml allows."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def lowest(requirement: str) -> str:
    """`name>=1.2; marker` -> `name==1.2; marker`.

    Raises:
        ValueError: the requirement has no single lower bound, or another bound too.
    """
    found = re.fullmatch(r"([\w.-]+)>=([\w.]+)\s*(;.*)?", requirement)
    if found is None:
        raise ValueError(f"no single lower bound: {requirement}")
    name, version, marker = found.groups()
    return f"{name}=={version}{marker or ''}"


def main() -> None:
    """Read the runtime dependencies of the project beside this folder."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        sys.stdout.write(lowest(requirement) + "\n")


if __name__ == "__main__":
    main()
