"""The position of an import among others, and its layout, as isort and `ruff check --select I`
require under a project's settings."""

import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from atomic_fix.config import ImportStyle

Natural: TypeAlias = tuple[str | int, ...]


class ImportOrder:
    """The import order of one file.

    Args:
        folders: the folders that contain the file. limit: the line length of imports, in
        characters. unit: one step of indentation.
    """

    def __init__(self, style: ImportStyle, folders: Sequence[str], limit: int, unit: str) -> None:
        self.style = style
        self.folders = folders
        self.limit = limit
        self.unit = unit

    def section(self, module: str) -> int:
        """The rank of a module's section."""
        sections = self.style.sections
        found = self._section(module)
        if found not in sections:
            found = self.style.default_section
        return sections.index(found) if found in sections else len(sections)

    def _section(self, module: str) -> str:
        top = module.partition(".")[0]
        if module.startswith("."):
            return "local-folder"
        if top == "__future__":
            return "future"
        name = module
        while name:
            for section, patterns in self.style.known:
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    return section
            name = name.rpartition(".")[0]
        if top in sys.stdlib_module_names:
            return "standard-library"
        if top in self.folders or top in self.style.own:
            return "first-party"
        return self.style.default_section

    def group(self, module: str, *, is_from: bool) -> tuple[int, bool]:
        """The group that blank rows separate from other imports: the section and, in some styles,
        the kind of statement."""
        parted = self.style.lines_between_types > 0 and not self.style.mixed
        return self.section(module), parted and self._is_late(is_from=is_from)

    def rank(self, module: str, name: str, *, is_from: bool) -> tuple[object, ...]:
        """The sort key of statements. `name` is the first name imported from the module."""
        late = not self.style.mixed and self._is_late(is_from=is_from)
        return self.group(module, is_from=is_from), late, *self.by_name(module, name)

    def by_name(self, module: str, name: str) -> tuple[object, ...]:
        level = len(module) - len(module.lstrip("."))
        return (
            module not in self.style.first,
            -level,
            self._natural(module.lstrip(".")),
            module,
            self.name_key(name),
        )

    def _is_late(self, *, is_from: bool) -> bool:
        return is_from != self.style.from_first

    def name_key(self, name: str) -> tuple[object, ...]:
        """The sort key of names within a statement."""
        kind = 0
        if self.style.by_type:
            kind = 2
            if len(name) > 1 and name.isupper():
                kind = 0
            elif name[:1].isupper():
                kind = 1
        return kind, self._natural(name), name

    def _natural(self, text: str) -> Natural:
        """A natural sort key: `a10` comes after `a9`."""
        if not self.style.case_sensitive:
            text = text.lower()
        return tuple(int(x) if x.isdigit() else x for x in re.split(r"([0-9]+)", text))

    def stands_alone(self, module: str) -> bool:
        """Whether each name of a module is imported by a statement of its own."""
        return self.style.one_a_statement and module not in self.style.one_a_statement_except

    def statement(self, module: str, names: Sequence[str], *, exploded: bool = False) -> str:
        """`from module import names`, names sorted.

        Args:
            names: each optionally with `as` and another name. exploded: whether they were on
            several rows with a trailing comma.
        """
        ordered = sorted(dict.fromkeys(names), key=lambda each: self.name_key(each.split()[0]))
        head = f"from {module} import "
        flat = head + ", ".join(ordered)
        wrapped = 0 < self.style.wrapped_from <= len(ordered) and len(ordered) > 1
        if not wrapped and not (exploded and self.style.keeps_rows) and len(flat) <= self.limit:
            return flat
        comma = "," if self.style.trailing_comma else ""
        if self.style.layout == "aligned":
            rows = f",\n{' ' * (len(head) + 1)}".join(ordered)
            return f"{head}({rows}{comma})"
        if self.style.layout == "grid":
            filled = f"{head}({self._filled(ordered, len(head) + 1, 1, comma)})"
            if max(map(len, filled.split("\n"))) > self.limit:
                rows = self._filled(ordered, len(self.unit), 1, comma)
                return f"{head}(\n{self.unit}{rows})"
            return filled
        if self.style.layout == "grouped":
            rows = self._filled(ordered, len(self.unit), 0, comma)
            return f"{head}(\n{self.unit}{rows}\n)"
        rows = f",\n{self.unit}".join(ordered)
        return f"{head}(\n{self.unit}{rows}{comma}\n)"

    def _filled(self, names: Sequence[str], indent: int, after: int, comma: str) -> str:
        """The names in rows filled up to the limit."""
        rows = [""]
        for index, name in enumerate(names):
            last = index == len(names) - 1
            end = comma + " " * after if last else ","
            longer = f"{rows[-1]} {name}" if rows[-1] else name
            if rows[-1] and indent + len(longer + end) > self.limit:
                rows.append(name + end.rstrip())
            else:
                rows[-1] = longer + end.rstrip()
        return f"\n{' ' * indent}".join(rows)
