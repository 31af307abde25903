"""Where a copy of the helper goes, and which configuration file names it there."""

from __future__ import annotations

import os

from atomic_fix.config import AUTO, Config, own_helper
from atomic_fix.run.module_files import loads_all_beside
from atomic_fix.run.project import Projects, nearest_pyproject, text_of
from atomic_fix.settings import Resolver
from atomic_fix.source import relative_if_inside


def free_place(folder: str) -> str:
    """The path for a copy of the helper, or of an existing one: beside a package whose modules are
    all plug-ins."""
    if loads_all_beside(folder):
        folder = os.path.dirname(folder)
    places = [os.path.join(folder, f"{name}.py") for name in ("atomic_io", "atomic_writes")]
    for place in places:
        if not os.path.lexists(place) or is_copy(place):
            return shown(place)
    return shown(places[0])


def is_copy(path: str) -> bool:
    """Whether a file is a copy of the helper, judged by its first lines."""
    return ", helper, sha256:" in (text_of(path) or "")


def shown(path: str) -> str:
    """A path as messages show it."""
    return relative_if_inside(path, ".") or path


def settings_file(path: str, resolver: Resolver, projects: Projects) -> str:
    """The configuration file to name a copy: the one that applies to it, else the nearest
    pyproject.toml, else a new file of the project."""
    whole = os.path.abspath(path)
    origin = resolver.for_file(whole).origin or nearest_pyproject(whole)
    # Do not create a pyproject.toml in a project without one, because other tools would read it.
    return os.path.abspath(origin or os.path.join(projects.of(whole).root, "atomic-fix.toml"))


def nested_settings_file(path: str, origin: str, helper: str) -> str:
    """A new configuration file for the folder of a copy alone, where the one that applies names
    another module; empty if that one has to be changed.

    Args:
        origin: the file that applies.
        helper: the module that it names.
    """
    folder = os.path.dirname(os.path.abspath(path))
    above = os.path.dirname(os.path.abspath(origin))
    if not origin or helper in {AUTO, Config().helper} or own_helper(helper) is not None:
        return ""
    is_below = above != folder and relative_if_inside(folder, above) is not None
    return os.path.join(folder, "atomic-fix.toml") if is_below else ""
