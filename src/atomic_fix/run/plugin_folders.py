"""Finds the programs that take every module of a folder, as plug-ins, choices or tasks: a new one
would be taken as well.
"""

from __future__ import annotations

import os
import re

from atomic_fix.run.project import modules_below

_LISTS = re.compile(r"\b(?:glob|iglob|iterdir|iter_modules|listdir|rglob|scandir|walk)\(")
_OF_MODULES = re.compile(
    r"""\*\.py["']|endswith\(\(?["']\.py["']|\bsuffix\s*==\s*["']\.py["']|iter_modules"""
)
_OWN_FOLDER = re.compile(r"__file__")


def listing(folder: str, top: str) -> str:
    """The module of a tree that lists the modules of a folder; empty if none does."""
    name = os.path.basename(folder)
    named = re.compile(rf"""["'/\\]{re.escape(name)}["'/\\]""")
    for path, text in modules_below(top):
        if not (_LISTS.search(text) and _OF_MODULES.search(text)):
            continue
        is_inside = os.path.dirname(path) == folder and _OWN_FOLDER.search(text)
        if folder != top and (is_inside or named.search(text)):
            return path
    return ""
