"""The baseline: made, pruned, and what is stale in it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from atomic_fix import baseline
from atomic_fix.commands.session import CLEAN, FAILED, Session, tell_unread
from atomic_fix.report.content import count, printable
from atomic_fix.run import disk
from atomic_fix.run.all_files import check_files
from atomic_fix.settings import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atomic_fix.baseline import Baseline
    from atomic_fix.finding import FileResult


def write_baseline(session: Session, path: str) -> int:
    """Make the baseline, or take out of it what is no longer found; the exit code.

    Raises:
        ConfigError: it cannot be written.
    """
    known = session.narrowing.baseline
    results = tuple(
        check_files(session.paths, session.resolver, replace(session.narrowing, baseline=None))
    )
    failed = [result for result in results if tell_unread(result)]
    if known is None:
        found = [each for result in results if result.analysed for each in result.findings]
        new = baseline.of(found, os.path.dirname(os.path.abspath(path)))
    else:
        new = pruned(known, results)
        for line in baseline.stale(known, new):
            click.echo(f"taken out: {printable(line)}")
    try:
        disk.write_report(path, baseline.text_of(new))
    except OSError as error:
        raise ConfigError(f"{printable(path)}: cannot be written: {disk.reason(error)}") from error
    click.echo(f"{printable(path)}: {count(sum(new.counts.values()), 'known finding')}.")
    return FAILED if failed else CLEAN


def pruned(known: Baseline, results: Sequence[FileResult]) -> Baseline:
    """`known` without what the results no longer hold."""
    analysed = [result for result in results if result.analysed]
    found = baseline.of((each for result in analysed for each in result.findings), known.folder)
    return baseline.shrunk(known, found, {known.path_of(each.filename) for each in analysed})


def tell_stale(known: Baseline, results: Sequence[FileResult]) -> bool:
    """Say on standard error what the baseline holds and the results do not; whether there is
    any."""
    stale = tuple(baseline.stale(known, pruned(known, results)))
    for line in stale:
        click.echo(f"warning: no longer found, see --write-baseline: {printable(line)}", err=True)
    return bool(stale)
