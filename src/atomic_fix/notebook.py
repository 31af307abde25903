"""A Jupyter notebook as one module: its code cells one after the other, and back.

The format is that of nbformat 4: https://nbformat.readthedocs.io/en/latest/format_description.html
IPython syntax (`%matplotlib inline`, `!ls`, `name?`, cells of `%%bash`) is replaced row by row, so
that every row of the module is a row of a cell.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, NamedTuple

from atomic_fix.alignment import aligned
from atomic_fix.finding import Cells, Unreadable
from atomic_fix.source import Source

# Cell magics whose cell is Python that runs in the notebook's own namespace.
_RUNS_HERE = frozenset({"capture", "debug", "memit", "prun", "time", "timeit"})
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_MAGIC = re.compile(r"([ \t]*)(?:%%?\w|!|\?|[\w.*]+\?{1,2}[ \t]*\Z)")
_ASSIGNED_MAGIC = re.compile(r"([ \t]*[A-Za-z_][\w.,\[\]'\" \t]*=[ \t]*)(?:%\w|!)")
_MANY = 100
"""The most rows of one change that are distributed between two cells."""


class Layout(NamedTuple):
    """How the JSON of a notebook is formatted."""

    indent: str
    ascii_only: bool
    end: str

    def dumped(self, notebook: Any) -> str:
        text = json.dumps(notebook, indent=self.indent, ensure_ascii=self.ascii_only)
        return text + self.end


@dataclass(frozen=True)
class Notebook(Source):
    """The module made of a notebook's code cells, and the notebook around it."""

    content: str = field(default="", repr=False)
    """The whole file, decoded."""
    module: str = field(default="", repr=False)
    """The text of the module in the file; `text` may be the result of repairs."""
    rows: tuple[str, ...] = field(default=(), repr=False)
    """The rows of `module` as they are in the cells, where they differ because of IPython
    syntax."""
    own_cells: Cells = field(default_factory=Cells, repr=False)
    """Of `module`."""

    @cached_property
    def cells(self) -> Cells:
        """Which row of `text` is in which cell."""
        if self.text == self.module:
            return self.own_cells
        changed = read(self.encode(self.text), self.filename)
        return changed.cells if isinstance(changed, Notebook) else self.own_cells

    @cached_property
    def why_not_written(self) -> str:
        """A clause that says why repairs cannot be written; empty if they can."""
        if "\r" in self.module:
            return "its cells have line ends other than `\\n`"
        if self._layout is None:
            return "the notebook is not laid out as Jupyter saves it, so other bytes would change"
        return ""

    @cached_property
    def _layout(self) -> Layout | None:
        """The layout that reproduces the file byte for byte."""
        notebook = json.loads(self.content)
        second = re.match(r"\{\n([ \t]+)", self.content)
        indent = " " if second is None else second.group(1)
        end = "\n" if self.content.endswith("\n") else ""
        layouts = (Layout(indent, ascii_only, end) for ascii_only in (False, True))
        return next((each for each in layouts if each.dumped(notebook) == self.content), None)

    def encode(self, text: str) -> bytes:
        """The file with `text` as the module of its cells.

        Raises:
            ValueError: other parts of the file would change too, or it is unclear which cell a
            change is in.
        """
        if text == self.module:
            return super().encode(self.content)
        if self._layout is None or self.why_not_written:
            raise ValueError(self.why_not_written)
        notebook = json.loads(self.content)
        for number, rows in self.changed_cells(text):
            cell = notebook["cells"][number - 1]
            source = "\n".join(rows)
            cell["source"] = source if isinstance(cell["source"], str) else _pieces(source)
        return super().encode(self._layout.dumped(notebook))

    def changed_cells(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """The number and the new rows of each cell that changes if `text` is the module.

        Raises:
            ValueError: it is unclear which cell a change is in.
        """
        new = text.removesuffix("\n").split("\n")
        old = self.module.removesuffix("\n").split("\n")
        cell_of = [self.own_cells.place(row)[0] for row in range(1, len(old) + 1)]
        found: dict[int, list[str]] = {}
        changed: set[int] = set()
        end = last = 0
        for match in aligned(old, new):
            start, end, first, last = end, match.before, last, match.after
            if (start, first) != (end, last):
                if tuple(old[start:end]) != self.rows[start:end]:
                    raise ValueError("a row in IPython syntax would change")
                # Inserted rows belong to the cell that ends there.
                inside = cell_of[start:end] or cell_of[max(start - 1, 0) :][:1]
                parts = _parts(inside, old[start:end], new[first:last])
                for cell, rows in parts.items():
                    found.setdefault(cell, []).extend(rows)
                changed.update(parts)
            for row in range(end, end + match.size):
                found.setdefault(cell_of[row], []).append(self.rows[row])
            end, last = end + match.size, last + match.size
        for cell in sorted(changed):
            yield cell, found[cell]


@dataclass(frozen=True)
class OpenNotebook(Notebook):
    """The module made of the cells of a notebook in an editor, which writes the file itself."""

    @cached_property
    def cells(self) -> Cells:
        if self.text == self.module:
            return self.own_cells
        starts = self.own_cells.starts
        ends = [*starts[1:], len(self.rows) + 1]
        rows = {
            number: list(self.rows[start - 1 : end - 1])
            for number, start, end in zip(self.own_cells.numbers, starts, ends, strict=True)
        }
        try:
            rows.update(self.changed_cells(self.text))
        except ValueError:
            return self.own_cells
        return _assembled({number: "\n".join(rows[number]) for number in rows})[2]

    def encode(self, text: str) -> bytes:
        """The module as bytes.

        Raises:
            ValueError: it is unclear which cell a change is in.
        """
        for _ in self.changed_cells(text):
            pass
        return text.encode(self.encoding)


def of_cells(sources: Mapping[int, str], filename: str) -> OpenNotebook:
    """The module made of the code cells of an open notebook, by their numbers. Line ends in the
    cells are `\\n`."""
    module, rows, cells = _assembled(sources)
    return OpenNotebook(filename, module, "utf-8", False, "", module, rows, cells)


def read(content: bytes, filename: str) -> Notebook | Unreadable:
    """The module made of a notebook's cells; without rows for a notebook in another language."""
    try:
        text = content.decode("utf-8")
        # An editor creates it so, and fills it when it is first saved.
        notebook = json.loads(text) if text.strip() else {"cells": [], "nbformat": 4}
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        return Unreadable(filename, f"cannot be decoded as utf-8: {error.reason}", row)
    except json.JSONDecodeError as error:
        reason = f"cannot be read as a notebook: {error.msg}"
        return Unreadable(filename, reason, error.lineno, error.colno)
    except (RecursionError, ValueError) as error:
        return Unreadable(filename, f"cannot be read as a notebook: {error}")
    try:
        sources = _code_cells(notebook)
    except (AttributeError, KeyError, TypeError):
        reason = "cannot be read as a notebook: it is not in the format of nbformat 4"
        return Unreadable(filename, reason)
    module, rows, cells = _assembled(sources)
    if "\0" in module:
        cell, row = cells.place(module.count("\n", 0, module.index("\0")) + 1)
        reason = f"cannot be parsed: cell {cell} contains a null byte in row {row}"
        return Unreadable(filename, reason)
    return Notebook(filename, module, "utf-8", False, text, module, rows, cells)


def _assembled(sources: Mapping[int, str]) -> tuple[str, tuple[str, ...], Cells]:
    """The module made of some cells, its rows as they are in the cells, and where each begins."""
    rows: list[str] = []
    read_as: list[str] = []
    starts: list[int] = []
    for source in sources.values():
        starts.append(len(rows) + 1)
        given = source.split("\n")
        rows += given
        read_as += _without_magics(given)
    module = "".join(f"{row}\n" for row in read_as)
    return module, tuple(rows), Cells(tuple(sources), tuple(starts))


def _code_cells(notebook: Any) -> dict[int, str]:
    """The source of each cell of Python, by the number of the cell."""
    if notebook["nbformat"] < 4:
        raise TypeError
    metadata = notebook.get("metadata", {})
    language = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get(
        "language"
    )
    found = {}
    for number, cell in enumerate(notebook["cells"], 1):
        of_cell = cell.get("metadata", {}).get("vscode", {}).get("languageId", language)
        if cell["cell_type"] == "code" and str(of_cell or "python").lower().startswith(
            ("python", "ipython")
        ):
            source = cell["source"]
            found[number] = source if isinstance(source, str) else "".join(source)
    return found


def _without_magics(rows: Sequence[str]) -> list[str]:
    """The rows of a cell as Python reads them."""
    magic = next((_CELL_MAGIC.match(row) for row in rows if row.strip()), None)
    if magic is not None and magic.group(1) not in _RUNS_HERE:
        return [""] * len(rows)
    if magic is None and _is_python("\n".join(rows)):
        return [*rows]
    found = []
    goes_on = False
    for row in rows:
        if goes_on:
            found.append("")
        elif (match := _MAGIC.match(row)) is not None:
            found.append(f"{match.group(1)}pass")
        elif (match := _ASSIGNED_MAGIC.match(row)) is not None:
            found.append(f"{match.group(1)}None")
        else:
            found.append(row)
            continue
        goes_on = row.endswith("\\")
    return found


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _pieces(source: str) -> list[str]:
    """A source as nbformat stores it: a list of rows with line ends."""
    return [each for each in re.split(r"(?<=\n)", source) if each]


def _parts(
    cells: Sequence[int], old: Sequence[str], new: Sequence[str]
) -> dict[int, Sequence[str]]:
    """Which of the new rows go to which cell, where `cells` has the cell of each old row. Any split
    gives the same module; the best one leaves both cells most similar to before.

    Raises:
        ValueError: the old rows are in more than two cells.
    """
    first, *others = dict.fromkeys(cells)
    if not others:
        return {first: new}
    if len(others) > 1 or len(new) > _MANY:
        raise ValueError("a change spans too many cells")
    border = cells.index(others[0])

    def likeness(split: int) -> float:
        return _likeness(old[:border], new[:split]) + _likeness(old[border:], new[split:])

    best = max(range(len(new) + 1), key=likeness)
    above, below = best, best
    # Blank rows separate two statements just as two cells do.
    while above > 0 and not new[above - 1].strip():
        above -= 1
    while below < len(new) and not new[below].strip():
        below += 1
    return {first: new[:above] or [""], others[0]: new[below:] or [""]}


def _likeness(one: Sequence[str], other: Sequence[str]) -> float:
    return SequenceMatcher(None, "\n".join(one), "\n".join(other), autojunk=False).ratio()
