# ruff: noqa: PTH119
"""The possible content of a disk after a power loss, computed from a recorded list of system calls.

The model assumes what POSIX guarantees, and no more. Data and attributes of a file may be lost, cut
short at any write or within one, or be zeros of the full length, until an fsync of that file.
Each change of a directory may be missing, whatever came after it, until an fsync of that
directory. A rename is one change. Nothing else is ordered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, product

from strace_sweep import Call

Content = tuple[str, int]
"""A file's content: whose it is ("old", "new", "zeros") and how many bytes there are."""
State = dict[str, tuple[Content, bool]]
"""File name -> content, and whether its attributes are the last ones set."""

_RESULT = re.compile(r"= (-?\d+)(?:<[^>]*>)?(?: \(.*\)| [A-Z]+ .*)?$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass
class File:
    label: str
    durable: Content
    pending: list[Content] = field(default_factory=list)
    attributes_pending: bool = False

    def contents(self) -> set[Content]:
        states = {self.durable}
        before = self.durable
        for after in self.pending:
            states.add(after)
            states.add((after[0], (before[1] + after[1]) // 2))
            states.add(("zeros", after[1]))
            before = after
        return states

    def attributes(self) -> set[bool]:
        return {True, False} if self.attributes_pending else {True}


@dataclass
class Disk:
    names: dict[str, File]
    durable_names: dict[str, File]
    changes: list[dict[str, File | None]] = field(default_factory=list)

    def states(self) -> Iterator[State]:
        for count in range(len(self.changes) + 1):
            for chosen in combinations(self.changes, count):
                names: dict[str, File | None] = dict(self.durable_names)
                for change in chosen:
                    names.update(change)
                found = [(name, file) for name, file in names.items() if file is not None]
                choices = [list(product(file.contents(), file.attributes())) for _, file in found]
                for choice in product(*choices):
                    yield dict(zip([name for name, _ in found], choice, strict=True))

    def change(self, change: dict[str, File | None]) -> None:
        self.changes.append(change)
        for name, file in change.items():
            if file is None:
                self.names.pop(name, None)
            else:
                self.names[name] = file


def crash_states(calls: list[Call], files: dict[str, int]) -> Iterator[tuple[int, State]]:
    """Every possible state after each call. `files` are the files that exist before: name -> number
    of bytes."""
    there = {name: File("old", ("old", size)) for name, size in files.items()}
    disk = Disk(dict(there), dict(there))
    opened: dict[int, File | None] = {}  # None: a directory
    yield from ((0, state) for state in disk.states())
    for number, call in enumerate(calls, 1):
        done = _RESULT.search(call.text)
        if done is None or int(done[1]) < 0:
            continue
        result = int(done[1])
        names = [os.path.basename(name) for name in _STRING.findall(call.text)]
        fd = int(call.text.split(",")[0].split(")")[0]) if call.text[0].isdigit() else -1
        file = opened.get(fd)
        if call.name in {"open", "openat"}:
            if names[0] not in disk.names and "O_CREAT" not in call.text:
                opened[result] = None
                continue
            if names[0] not in disk.names:
                disk.change({names[0]: File("new", ("new", 0))})
            found = disk.names[names[0]]
            if "O_TRUNC" in call.text:
                found.label = "new"
                found.pending.append(("new", 0))
            opened[result] = found
        elif call.name == "write" and file is not None:
            before = file.pending[-1] if file.pending else file.durable
            file.pending.append((file.label, before[1] + result))
        elif call.name in {"fchmod", "fchown", "fsetxattr"} and file is not None:
            file.attributes_pending = True
        elif call.name in {"fsync", "fdatasync"}:
            if file is not None:
                file.durable = file.pending[-1] if file.pending else file.durable
                file.pending.clear()
                file.attributes_pending = False
            elif fd in opened:
                disk.durable_names = dict(disk.names)
                disk.changes.clear()
        elif call.name in {"rename", "renameat", "renameat2"}:
            disk.change({names[1]: disk.names[names[0]], names[0]: None})
        elif call.name in {"unlink", "unlinkat"}:
            disk.change({names[0]: None})
        elif call.name == "close":
            opened.pop(fd, None)
        yield from ((number, state) for state in disk.states())
