"""Paths of the command line -> one result for each file, in the order of discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atomic_fix.run import disk
from atomic_fix.run.discover import discover
from atomic_fix.run.one_file import (
    check_bytes,
    repair_bytes,
    review_bytes,
    suppress_bytes,
    unreadable,
)
from atomic_fix.source import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from atomic_fix.finding import Applicability, FileResult, Finding
    from atomic_fix.review import Answer
    from atomic_fix.run.narrowing import Narrowing
    from atomic_fix.run.one_file import Repair
    from atomic_fix.settings import Resolver
    from atomic_fix.source import Source


def check_files(
    paths: Iterable[str], resolver: Resolver, narrowing: Narrowing
) -> Iterator[FileResult]:
    """Check every file that the paths stand for.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    for found in discover(paths, resolver):
        if isinstance(found, Unreadable):
            yield unreadable(found)
        else:
            yield check_bytes(disk.read(found.path), found.path, found.settings, narrowing)


def repair_files(
    paths: Iterable[str],
    resolver: Resolver,
    narrowing: Narrowing,
    allowed: AbstractSet[Applicability],
) -> Iterator[FileResult | Repair]:
    """Repair, in memory, every file that the paths stand for; a path that cannot be walked
    gives the result that says so.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    for found in discover(paths, resolver):
        if isinstance(found, Unreadable):
            yield unreadable(found)
        else:
            content = disk.read(found.path)
            yield repair_bytes(content, found.path, found.settings, narrowing, allowed)


def review_files(
    paths: Iterable[str],
    resolver: Resolver,
    narrowing: Narrowing,
    ask: Callable[[Finding, Source, str], Answer],
) -> Iterator[FileResult | Repair]:
    """As `repair_files`, with the fixes that a person wants; ends when they want no more.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    for found in discover(paths, resolver):
        if isinstance(found, Unreadable):
            yield unreadable(found)
            continue
        content = disk.read(found.path)
        repair, enough = review_bytes(content, found.path, found.settings, narrowing, ask)
        yield repair
        if enough:
            return


def suppress_files(
    paths: Iterable[str], resolver: Resolver, narrowing: Narrowing, reason: str
) -> Iterator[FileResult | Repair]:
    """As `repair_files`, with a `# noqa` comment for each finding instead of its fix.

    Raises:
        ConfigError: a configuration file on the way cannot be used.
    """
    for found in discover(paths, resolver):
        if isinstance(found, Unreadable):
            yield unreadable(found)
        else:
            content = disk.read(found.path)
            yield suppress_bytes(content, found.path, found.settings, narrowing, reason)
