"""What a file must hold to matter to other files when it holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from atomic_fix.project.flows import Flows
from atomic_fix.project.modules import Modules
from atomic_fix.project.summary import FileSummary


def words(files: Mapping[str, FileSummary], modules: Modules, flows: Flows) -> frozenset[str]:
    """Names of functions that do something with a path that they are given, or that a name of the
    path comes from."""
    found: set[str] = set()
    for file in files.values():
        for site in file.sites:
            for name in site.path.own:
                if name.startswith("parameter "):
                    found.update(_called(file, name.removeprefix("parameter ")))
            found.update(
                dotted.removesuffix("()").rpartition(".")[2] for _, dotted in site.path.refs
            )
    return frozenset(found)


def _called(file: FileSummary, parameter: str) -> list[str]:
    """What a function with a parameter is called by: for `__init__`, the names of its class."""
    function, row, _ = parameter.split(":")
    if function != "__init__":
        return [function]
    return [
        each.name.rpartition(".")[0]
        for each in file.functions
        if each.row == int(row) and each.is_method
    ]
