"""Copies of the helper in other projects: create, check and update them.

A copy is the text of `atomic_fix.runtime` below a header whose first line has the version and a
digest of all that follows it. Lines above it belong to the project.
"""

import hashlib
import json
import keyword
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources

import click

from atomic_fix import __version__
from atomic_fix.commands import CLEAN, FOUND, report_error, warn
from atomic_fix.config import Config
from atomic_fix.finding import Unreadable
from atomic_fix.report import display_name, printable
from atomic_fix.run import disk
from atomic_fix.run.copies import nested_settings_file, settings_file
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.run.module_files import loads_all_beside
from atomic_fix.run.project import Projects
from atomic_fix.run.python_versions import FIRST_OF_COPIES
from atomic_fix.run.toml_setting import AlreadySet, with_setting
from atomic_fix.settings import Resolver
from atomic_fix.source import relative_if_inside

_FIRST_LINE = re.compile(
    rb"^# atomic-fix (?P<version>\S+), helper, sha256:(?P<digest>[0-9a-f]{64})\n", re.MULTILINE
)

# Formatters and linters differ between projects, and any change they make would count as an edit.
_NOTICE = b"""\
# SPDX-FileCopyrightText: 2026 The atomic-fix authors
# SPDX-License-Identifier: MIT
#
# A copy, not to be edited: `atomic-fix --vendor-check` shows whether it still equals what was
# copied and whether there is a newer one, `atomic-fix --vendor-update` brings that.
#
# fmt: off
# isort: skip_file
# flake8: noqa
# pylint: skip-file
# ruff: noqa
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy in a file. `current` means that it equals what would be copied now; a release that
    does not change the helper does not make copies outdated."""

    path: str
    content: bytes
    above: bytes
    version: str
    edited: bool
    current: bool
    within: tuple[str, ...] = ()
    """The folders that it has to be in, to be updated."""

    @property
    def newer(self) -> bool:
        """Whether it was made by a later release than this one."""
        return _release(self.version) > _release(__version__)

    def updated(self) -> bytes:
        """The content with the current helper, in the newlines of the file."""
        content = self.above + _copy()
        return content.replace(b"\n", b"\r\n") if b"\r\n" in self.content else content


def vendor(path: str, resolver: Resolver) -> int:
    """Copy the helper to a new file, and set `helper` so that fixes import it; return the exit
    code."""
    shown = f"--vendor: {path}"
    if os.path.isdir(path):
        example = os.path.join(path, "atomic_io.py")
        return report_error(f"{shown}: is a folder; name a file: {example}")
    stem, suffix = os.path.splitext(os.path.basename(path))
    if suffix != ".py" or not stem.isidentifier() or keyword.iskeyword(stem):
        return report_error(f"{shown}: a file of that name cannot be imported")
    if os.path.lexists(path):
        found = _read(path)
        if not isinstance(found, Copy):
            return report_error(f"{shown}: already exists and is not a copy; left unchanged")
        if not found.current:
            return report_error(f"{shown}: not copied again: {_verdict(found)}")
        click.echo(f"{display_name(path)}: current")
        return _configure(path, resolver, is_new=False)
    whole = os.path.abspath(path)
    module = _imported_as(path)
    if not all(each.isidentifier() and not keyword.iskeyword(each) for each in module.split(".")):
        return report_error(
            f"{shown}: not written: Python cannot import it as `{module}`, the name that the "
            "folders around it give it"
        )
    if loader := loads_all_beside(os.path.dirname(whole)):
        return report_error(
            f"{shown}: not written: {display_name(loader)} imports every module of its folder as a "
            "plug-in; name a file in another folder"
        )
    try:
        disk.write_new(path, _copy(), disk.write_boundary(path))
    except disk.NotWritten as error:
        return report_error(f"{shown}: not written: {error}")
    click.echo(f"{display_name(path)}: copied from atomic-fix {__version__}")
    admitted = Projects().of(whole).python
    if admitted is not None and admitted.lowest < FIRST_OF_COPIES:
        needed = ".".join(map(str, FIRST_OF_COPIES))
        warn(f"{admitted}: the copy needs {needed}, and stops what imports it on older ones")
    return _configure(path, resolver)


def _configure(path: str, resolver: Resolver, *, is_new: bool = True) -> int:
    """Set `helper` so that fixes import the copy; return the exit code."""
    whole = os.path.abspath(path)
    module = _imported_as(path)
    settings = resolver.for_file(path)
    if settings.config.helper == module:
        return CLEAN
    setting = f"helper = {_quoted(module)}"
    there = settings.config.helper
    origin = settings.origin and (relative_if_inside(settings.origin, ".") or settings.origin)
    other = f'{origin}: `helper` is "{there}" and stays so; with `{setting}` fixes import the copy'
    if there != Config().helper:
        nested = nested_settings_file(whole, settings.origin, there)
        if nested and not HelperImports(resolver).all_find_helper(os.path.dirname(whole)):
            extended = os.path.relpath(settings.origin, os.path.dirname(nested)).replace(
                os.sep, "/"
            )
            return _create(nested, [f"extend = {_quoted(extended)}", setting])
        warn(other)
        return CLEAN
    if resolver.isolated:
        if is_new:
            click.echo(f"Fixes import it with `{setting}` in [tool.atomic-fix].", err=True)
        return CLEAN
    file = settings_file(path, resolver, Projects())
    if not os.path.lexists(file):
        return _create(file, [setting])
    file = relative_if_inside(file, ".") or file
    before = disk.read(file)
    try:
        if isinstance(before, Unreadable):
            raise disk.NotWritten(before.reason)
        is_pyproject = os.path.basename(file) == "pyproject.toml"
        after = with_setting(before, "helper", module, is_pyproject=is_pyproject)
        if after is None:
            raise disk.NotWritten("its [tool.atomic-fix] cannot be added to")
        disk.write(file, before, after, disk.write_boundary(file))
    except AlreadySet:
        warn(other)
        return CLEAN
    except (disk.NotWritten, ValueError) as error:
        return report_error(f"{file}: {error}; put `{setting}` in [tool.atomic-fix] yourself")
    click.echo(f"{display_name(file)}: {setting}")
    return CLEAN


def _imported_as(path: str) -> str:
    """The name by which the program imports a file."""
    whole = os.path.abspath(path)
    return Projects().of(whole).module_of(whole)


def _create(file: str, settings: list[str]) -> int:
    """Create a configuration file; return the exit code."""
    file = relative_if_inside(file, ".") or file
    text = "".join(f"{each}\n" for each in settings)
    shown = f"`{settings[-1]}`"
    try:
        disk.write_new(file, text.encode(), disk.write_boundary(file))
    except disk.NotWritten as error:
        return report_error(f"{file}: not written: {error}; put {shown} there yourself")
    click.echo(f"{display_name(file)}: new, with {shown}", err=True)
    return CLEAN


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def check_copies(paths: tuple[str, ...], resolver: Resolver, *, update: bool) -> int:
    """Report whether each copy is current, or replace the outdated ones that were not edited;
    return the exit code."""
    worst = CLEAN
    for found in _find(paths, resolver):
        if isinstance(found, Unreadable):
            worst = report_error(f"{found.filename}: {found.reason}")
            continue
        name = display_name(found.path)
        if found.current or not update:
            click.echo(f"{name}: {_verdict(found)}")
            worst = max(worst, CLEAN if found.current else FOUND)
        elif found.edited or found.newer:
            worst = report_error(f"{found.path}: not updated: {_verdict(found)}")
        else:
            try:
                disk.write(found.path, found.content, found.updated(), found.within)
            except disk.NotWritten as error:
                worst = report_error(f"{found.path}: not written: {error}")
            else:
                click.echo(f"{name}: updated from {found.version} to {__version__}")
    return worst


def _verdict(copy: Copy) -> str:
    """The message about a copy, and what to do about it."""
    origin = f"copied from atomic-fix {printable(copy.version)}"
    if copy.edited:
        return (
            f"edited since it was {origin}; to drop the edits, delete it and use --vendor; "
            "to keep them and maintain it yourself, delete its header line"
        )
    if copy.current:
        return "current"
    if copy.newer:
        return f"{origin}, and this is {__version__}: update atomic-fix"
    return f"outdated: {origin}, and {__version__} has another: use --vendor-update"


def _find(paths: tuple[str, ...], resolver: Resolver) -> Iterator[Copy | Unreadable]:
    """The copies among the named files and below the named folders; never empty."""
    from atomic_fix.run.discover import Candidate, discover

    named = {path for path in paths if not os.path.isdir(path)}
    none = True
    for found in discover(paths, resolver):
        if isinstance(found, Candidate):
            copy = _read(found.path)
            if isinstance(copy, Copy):
                copy = replace(copy, within=found.within)
            if copy is None and found.path in named:
                copy = Unreadable(found.path, "is not a copy of the helper")
        else:
            copy = found
        if copy is not None:
            none = False
            yield copy
    if none:
        where = ", ".join(paths)
        yield Unreadable(where, "no copy of the helper there; --vendor FILE makes one")


def _read(path: str) -> Copy | Unreadable | None:
    content = disk.read(path)
    if isinstance(content, Unreadable):
        return content
    plain = content.replace(b"\r\n", b"\n")  # git may have changed the line ends
    first = _FIRST_LINE.search(plain)
    if first is None:
        return None
    body = plain[first.end() :]
    edited = _digest(body) != first["digest"].decode("ascii")
    return Copy(
        path,
        content,
        above=plain[: first.start()],
        version=first["version"].decode("utf-8", "replace"),
        edited=edited,
        current=not edited and body == _body(),
    )


def _copy() -> bytes:
    body = _body()
    first = f"# atomic-fix {__version__}, helper, sha256:{_digest(body)}\n"
    return first.encode("ascii") + body


def _body() -> bytes:
    return _NOTICE + (resources.files("atomic_fix") / "runtime.py").read_bytes()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _release(version: str) -> list[int]:
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(number) for number in found[0].split(".")] if found else []
