"""Scan many repositories on a cluster of Dask, and write the findings as JSON lines.

    python scan.py --workers 2 --output findings.jsonl REPOSITORY...
    python scan.py --scheduler tcp://host:8786 --output findings.jsonl REPOSITORY...

The workers look at files and check them; each repository is linked here, from what its files say
to each other. A line is what `atomic-fix --output-format jsonl REPOSITORY` prints. The workers see
the files under the same names as this process does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from dask.distributed import Client

from atomic_fix.report import Report, one_per_call, renderer
from atomic_fix.run.all_files import RunOptions, check_files
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.run.workers import Checked, Work, do
from atomic_fix.runtime import atomic_open
from atomic_fix.settings import Resolver

BATCH = 24
"""Files that go to a worker at once."""


def do_several(works: Sequence[Work], report_filter: ReportFilter) -> list[Checked]:
    return [do(each, report_filter) for each in works]


def engine(client: Client) -> Callable[[Sequence[Work], ReportFilter], Iterable[Checked]]:
    """Does the work on files by the workers of a cluster."""

    def work_through(works: Sequence[Work], report_filter: ReportFilter) -> Iterator[Checked]:
        batches = [works[i : i + BATCH] for i in range(0, len(works), BATCH)]
        # A file may change, so what came of one is never taken for another.
        futures = client.map(partial(do_several, report_filter=report_filter), batches, pure=False)
        for future in futures:
            yield from future.result()

    return work_through


def lines(repository: str, run_options: RunOptions) -> Iterator[str]:
    """The findings of one repository."""
    results = check_files([repository], Resolver({}), ReportFilter(), run_options)
    shown = tuple(replace(each, findings=one_per_call(each.findings)) for each in results)
    yield from renderer("jsonl")(Report(shown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="+")
    parser.add_argument("--output", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", help="that of a cluster which runs already")
    given = parser.parse_args()
    # One thread each: to analyse a file keeps a processor busy.
    client = (
        Client(given.scheduler)
        if given.scheduler
        else Client(n_workers=given.workers, threads_per_worker=1, dashboard_address=None)
    )
    with client, atomic_open(given.output, "w", encoding="utf-8") as file:
        for repository in given.repositories:
            file.writelines(lines(repository, RunOptions(engine=engine(client))))


if __name__ == "__main__":
    main()
