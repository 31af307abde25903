"""Finds folders of Airflow's DAGs. The scheduler and its workers import the modules below such a
folder, which is on Python's path itself, with the packages that are installed for them."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from atomic_fix.run import disk
from atomic_fix.run.module_files import names_in

_IMPORTS_AIRFLOW = re.compile(rb"(?m)^[ \t]*(?:from|import)[ \t]+airflow\b")
_MOST_FILES = 100


def dags_folder(path: str, top: str) -> str:
    """The folder of DAGs that contains a file; empty if there is none up to `top`."""
    folder = os.path.dirname(path)
    while folder.startswith(top):
        if os.path.basename(folder) == "dags" and _holds_dags(folder):
            return folder
        parent = os.path.dirname(folder)
        if folder == top or parent == folder:
            break
        folder = parent
    return ""


@lru_cache(maxsize=64)
def _holds_dags(folder: str) -> bool:
    for name in [each for each in names_in(folder) if each.endswith(".py")][:_MOST_FILES]:
        content = disk.read(os.path.join(folder, name))
        if isinstance(content, bytes) and _IMPORTS_AIRFLOW.search(content):
            return True
    return False
