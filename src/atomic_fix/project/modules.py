"""Resolves modules to files, and dotted names in a file: imports, aliases, names re-exported by
`__init__`, star imports, source folders, scripts beside each other. A name in a circular
definition, or from outside of the project, is not resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atomic_fix.project.summary import ClassSummary, FileSummary, FunctionSummary, NameSummary

_STEPS = 12
"""The most successive imports that are followed."""
_BASES = 6

Folder = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The target of a dotted name: a module, or something defined in one."""

    file: FileSummary
    what: FunctionSummary | ClassSummary | NameSummary | None = None
    """None for the module itself."""
    attribute: str = ""
    """For a class: the attribute of the class or its instances."""


class Modules:
    """Answers for one project."""

    def __init__(self, files: Mapping[str, FileSummary]) -> None:
        self._files = files
        self._folders: dict[str, Folder] = {}
        # By the last part of a module's name: the possible files.
        self._by_stem: dict[str, list[tuple[Folder, str]]] = {}
        self._packages: set[Folder] = set()
        for path in sorted(files):
            *folders, name = path.split("/")
            folder = tuple(folders)
            stem = name.rpartition(".")[0]
            self._folders[path] = folder
            if stem == "__init__":
                self._packages.add(folder)
                if folder:
                    self._by_stem.setdefault(folder[-1], []).append((folder, path))
            else:
                self._by_stem.setdefault(stem, []).append(((*folder, stem), path))
        self._modules: dict[tuple[str, str], str | None] = {}
        self._imports: dict[str, dict[str, str]] = {}
        self._stars: dict[str, list[str]] = {}
        self._defined: dict[str, dict[str, FunctionSummary | ClassSummary | NameSummary]] = {}

    # --- modules ------------------------------------------------------------------

    def module(self, path: str, target: str) -> str | None:
        """The file of a module that is imported in another one."""
        known = (path, target)
        if known not in self._modules:
            self._modules[known] = self._module(path, target)
        return self._modules[known]

    def _module(self, path: str, target: str) -> str | None:
        name = target.lstrip(".")
        parts = tuple(name.split(".")) if name else ()
        folder = self._folders[path]
        up = len(target) - len(name)
        if up:
            if up - 1 > len(folder):
                return None
            return self._at((*folder[: len(folder) - up + 1], *parts))
        candidates = (
            [
                (full[: len(full) - len(parts)], file)
                for full, file in self._by_stem.get(parts[-1], ())
                if full[-len(parts) :] == parts
            ]
            if parts
            else []
        )
        ranked = sorted(
            (rank, file)
            for root, file in candidates
            if (rank := self._rank(folder, root, len(parts))) is not None
        )
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None  # two with the same name that cannot be distinguished
        return ranked[0][1]

    def _at(self, parts: Folder) -> str | None:
        """The file of a module in a folder."""
        for base in ("/".join((*parts, "__init__")), "/".join(parts)):
            for suffix in (".py", ".pyi", ".pyw"):
                if base + suffix in self._files:
                    return base + suffix
        return None

    def _rank(self, folder: Folder, root: Folder, length: int) -> tuple[int, int] | None:
        """The distance between a folder of modules and a file that imports one of them; None if
        Python is unlikely to search it: a folder inside a package other than the file's own."""
        if root == folder and root not in self._packages:
            return (0, 0)
        if root in self._packages and root != folder:
            return None
        if root == folder and length == 1:
            return (3, 0)
        shared = 0
        for ours, theirs in zip(folder, root, strict=False):
            if ours != theirs:
                break
            shared += 1
        is_above = shared == len(root)
        return (1 if is_above else 2, -shared + (len(root) - shared) * (0 if is_above else 1))

    # --- names --------------------------------------------------------------------

    def resolve(self, path: str, name: str, steps: int = _STEPS) -> Found | None:
        """The target of a dotted name in a file."""
        head, _, rest = name.partition(".")
        found = self._head(path, head, steps) if steps > 0 else None
        for part in rest.split(".") if rest else ():
            if found is None:
                return None
            found = self._part(found, part, steps)
        return found

    def target(self, path: str, name: str) -> str:
        """The imported dotted name for a name in a file; the name itself if it is not imported."""
        return self._imports_of(self._files[path]).get(name, name)

    def _head(self, path: str, name: str, steps: int) -> Found | None:
        if steps <= 0:
            return None
        file = self._files[path]
        own = self._defined_in(file).get(name)
        if own is not None:
            return Found(file, own)
        target = self._imports_of(file).get(name)
        if target is not None:
            return self._imported(path, target, steps - 1)
        for star in self._stars_of(file):
            module = self.module(path, star)
            if module is None or module == path:
                continue
            exports = self._files[module].exports
            if (exports is None and name.startswith("_")) or (
                exports is not None and name not in exports
            ):
                continue
            found = self._head(module, name, steps - 1)
            if found is not None:
                return found
        return None

    def _imported(self, path: str, target: str, steps: int) -> Found | None:
        """The target of `import target` or `from ... import ...` for a name."""
        module = self.module(path, target)
        outer, _, last = target.rpartition(".")
        dots = target[: len(target) - len(target.lstrip("."))]
        if not last:
            outer = target
        elif target.startswith(".") and len(outer) < len(dots):
            outer = dots
        if last and outer and outer != target:
            around = self.module(path, outer)
            # A name defined in the package takes precedence over a submodule, as in Python.
            if around is not None and around != path:
                found = self._head(around, last, steps)
                if found is not None:
                    return found
        if module is not None:
            return Found(self._files[module])
        # `import a` of a folder without `__init__`, of which a module is meant in the end.
        return self._deeper(path, target)

    def _deeper(self, path: str, target: str) -> Found | None:
        name = target.lstrip(".")
        return Found(FileSummary(path), None, target) if name else None

    def _part(self, found: Found, part: str, steps: int) -> Found | None:
        if found.what is None:
            if found.attribute:
                # A namespace package: it contains only modules.
                return self._imported(found.file.path, f"{found.attribute}.{part}", steps - 1)
            inside = self._head(found.file.path, part, steps - 1)
            if inside is not None:
                return inside
            *folders, name = found.file.path.split("/")
            below = self._at((*folders, part)) if name.startswith("__init__.") else None
            return Found(self._files[below]) if below is not None else None
        if isinstance(found.what, ClassSummary) and not found.attribute:
            return self.member(found, part, steps - 1)
        kind = self.type_of(found, steps - 1)
        return self.member(kind, part, steps - 1) if kind is not None else None

    def member(self, owner: Found, name: str, steps: int = _STEPS) -> Found | None:
        """A method or attribute of a class or of a base class."""
        for each in self.lineage(owner, steps):
            assert isinstance(each.what, ClassSummary)
            method = self._defined_in(each.file).get(f"{each.what.name}.{name}")
            if method is not None:
                return Found(each.file, method)
            if any(name == known for known, *_ in (*each.what.attributes, *each.what.types)):
                return Found(each.file, each.what, name)
        return None

    def lineage(self, owner: Found, steps: int = _STEPS) -> Iterator[Found]:
        """A class and its base classes, in any file."""
        seen: set[tuple[str, str]] = set()
        waiting = [(owner, 0)]
        while waiting:
            found, depth = waiting.pop(0)
            if not isinstance(found.what, ClassSummary) or found.attribute:
                continue
            known = (found.file.path, found.what.name)
            if known in seen:
                continue
            seen.add(known)
            yield found
            if depth < _BASES:
                for name in found.what.bases if steps > 0 else ():
                    base = self.resolve(found.file.path, name, steps - 1) if name else None
                    if base is not None:
                        waiting.append((base, depth + 1))

    def type_of(self, found: Found, steps: int = _STEPS) -> Found | None:
        """The class of which a name, an attribute or the result of a function is an instance."""
        match found.what:
            case FunctionSummary(makes=kind) | NameSummary(type=kind):
                pass
            case ClassSummary(types=types) if found.attribute:
                kind = next((kind for name, kind in types if name == found.attribute), "")
            case _:
                return None
        if not kind or steps <= 0:
            return None
        made = self.resolve(found.file.path, kind, steps - 1)
        if made is None or (isinstance(made.what, ClassSummary) and not made.attribute):
            return made
        return self.type_of(made, steps - 1)

    def _defined_in(
        self, file: FileSummary
    ) -> dict[str, FunctionSummary | ClassSummary | NameSummary]:
        if file.path not in self._defined:
            every: Iterable[FunctionSummary | ClassSummary | NameSummary]
            every = (*file.names, *file.functions, *file.classes)
            self._defined[file.path] = {each.name: each for each in every}
        return self._defined[file.path]

    def _imports_of(self, file: FileSummary) -> dict[str, str]:
        if file.path not in self._imports:
            self._imports[file.path] = {
                each.name: each.target for each in file.imports if each.name != "*"
            }
        return self._imports[file.path]

    def _stars_of(self, file: FileSummary) -> Sequence[str]:
        if file.path not in self._stars:
            self._stars[file.path] = [each.target for each in file.imports if each.name == "*"]
        return self._stars[file.path]
