"""Infers from the imports of its files which folders a program has on Python's path. A folder with
an `__init__.py` may still be on the path itself, and a folder without one may be a package: the way
in which its modules import each other shows which.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import cached_property, lru_cache

from atomic_fix.run import dependencies, disk
from atomic_fix.run.dags import dags_folder
from atomic_fix.run.module_files import find_module, is_below, names_in

_MOST_NEIGHBOURS = 100
_MOST_ABOVE = 4
_MOST_IN_TREE = 1000
_NAMED = re.compile(r"""["'](\w+(?:\.\w+)*)["']""")
_ABSOLUTE = re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+([A-Za-z_][\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)"
    r"|import[ \t]+([^\n#]*))"
)
_IMPORT = re.compile(r"(?m)^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import\b|import[ \t]+([\w.]+))")


_CHANGES_THE_PATH = re.compile(r"\bsys\.path(?:\.\w+\(|\[[^\]]*\]\s*=|\s*\+?=[^=])|\baddsitedir\(")


def searched(
    path: str,
    text: str,
    top: str,
    package_root: str,
    neighbours: dict[str, str],
    installed: AbstractSet[str] = frozenset(),
    *,
    importers: Importers | None = None,
) -> list[str]:
    """The folders, from that of a file up to `top`, from which the file and its neighbours are
    imported, sorted by the number of imports; none if they do not import own modules.

    Args:
        package_root: the folder of the file's top-level package, according to `__init__.py` files.
        neighbours: the other modules of the folder, by their paths.
        installed: the folders of packages that an installation provides: importing them from
            elsewhere says nothing about the path.
        importers: how other modules of the tree import its packages.
    """
    if known := _root_of_extension(path, top) or _root_of_host(path, top):
        return [known]
    found = _votes(path, text, top, package_root, installed)
    if not found:
        for each, other in list(neighbours.items())[:_MOST_NEIGHBOURS]:
            found += _votes(each, other, top, package_root, installed)
    folder, package = os.path.dirname(path), ""
    if package_root not in {folder, top}:
        inside = os.path.relpath(path, package_root).split(os.sep)[0]
        package = os.path.join(package_root, inside)
    elif folder not in found:
        package = folder
    if package and importers is not None and (root := importers.root_of(package)):
        return [root]
    # With equal counts, the nearest.
    return sorted(found, key=lambda each: (-found[each], -len(each)))


class Importers:
    """How the modules of a tree import its packages. Caches what it has read, for one run."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._roots: dict[str, str] = {}

    def root_of(self, package: str) -> str:
        """The folder from which other modules import a package, if the folder around that is a
        package without an `__init__.py`: `from backend.store import x`. Empty if none do."""
        if package not in self._roots:
            self._roots[package] = self._root_of(package)
        return self._roots[package]

    def _root_of(self, package: str) -> str:
        name, around = os.path.basename(package), os.path.dirname(package)
        if not is_below(around, self._top) or around == self._top:
            return ""
        found = self._names
        outer = {
            os.path.relpath(around, each).replace(os.sep, "."): each
            for each in _upwards(os.path.dirname(around), self._top)
        }
        # By its modules, since another package may have the same name.
        inside = {each.removesuffix(".py") for each in names_in(package)} - {"__init__"}
        flat = sum(found[f"{name}.{x}"] for x in inside)
        best = max(outer, key=lambda each: sum(found[f"{each}.{name}.{x}"] for x in inside))
        if sum(found[f"{best}.{name}.{x}"] for x in inside) > flat:
            return outer[best]
        if flat:
            return ""
        best = max(outer, key=lambda each: found[f"{each}.{name}"])
        if found[f"{best}.{name}"] > found[name]:
            return outer[best]
        if found[name]:
            return ""
        # Nothing imports it: the modules and packages beside it say what the path is.
        beside = {each.removesuffix(".py") for each in names_in(around)} - {name}
        if os.path.basename(around) in beside:
            return ""
        best = max(outer, key=lambda each: sum(found[f"{each}.{x}"] for x in beside))
        flat = sum(found[x] for x in beside if not _leads_to(outer[best], [x]))
        return outer[best] if sum(found[f"{best}.{x}"] for x in beside) > flat else ""

    @cached_property
    def _names(self) -> Counter[str]:
        """The absolute dotted names in import statements, with those of the packages in them."""
        found: Counter[str] = Counter()
        for number, path in enumerate(_modules(self._top)):
            if number > _MOST_IN_TREE:
                break
            found.update(names_with_packages(_read(path)))
        return found


def _modules(top: str) -> Iterator[str]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(each for each in folders if each.isidentifier())
        yield from (os.path.join(folder, each) for each in sorted(names) if each.endswith(".py"))


def names_with_packages(text: str) -> frozenset[str]:
    """The same as of `names_imported`, with the names of the packages around each module."""
    return frozenset(
        name[: end.start()] for name in names_imported(text) for end in re.finditer(r"\.|\Z", name)
    )


def names_imported(text: str) -> Iterator[str]:
    """The absolute dotted names of modules that the imports in a text name, or may name."""
    for module, imported, modules in _ABSOLUTE.findall(text):
        if module:
            yield module
            for each in re.findall(r"(\w+)(?:[ \t]+as[ \t]+\w+)?", imported):
                yield f"{module}.{each}"
        for each in modules.split(","):
            if words := each.split():
                yield words[0]


def _root_of_host(path: str, top: str) -> str:
    """The folder that another program puts on the path for the folder of a file, which it looks for
    by its name; empty for other files."""
    inside = f"{os.path.dirname(path)}{os.sep}"
    above, found, _ = inside.rpartition(f"{os.sep}custom_components{os.sep}")
    if found and above.startswith(top):
        return above  # Home Assistant's
    return dags_folder(path, top)


def _root_of_extension(path: str, top: str) -> str:
    """The folder that a conf.py of Sphinx puts on the path, for a file of a folder with extensions
    that it names; empty for other files."""
    own = os.path.dirname(path)
    for folder in list(_upwards(own, top))[:_MOST_ABOVE]:
        for name in ("conf.py", "conf.py.in"):
            conf = os.path.join(folder, name)
            text = _read(conf) if os.path.isfile(conf) else ""
            listed = text.partition("extensions")[2] if "sys.path" in text else ""
            for module in _NAMED.findall(listed)[:_MOST_NEIGHBOURS]:
                for each in (*added(conf, text, top), folder):
                    file = os.path.join(each, *module.split(".")) + ".py"
                    if os.path.dirname(file) == own and os.path.isfile(file):
                        return each
    return ""


def _read(path: str) -> str:
    content = disk.read(path)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _votes(
    path: str, text: str, top: str, package_root: str, installed: AbstractSet[str]
) -> Counter[str]:
    found: Counter[str] = Counter()
    own_folder = os.path.dirname(path)
    folders = list(_upwards(own_folder, top))
    own = os.path.splitext(os.path.basename(path))[0]
    for dots, module, plain in _IMPORT.findall(text):
        name = (module or plain).partition(".")[0]
        if dots:
            # Worth more than a bare name, which may be a third-party module. Without an
            # `__init__.py`, the dots still say how many packages the file is in.
            is_marked = package_root != own_folder
            root = package_root if is_marked else _above(own_folder, len(dots))
            if is_marked or root.startswith(top):
                found[root] += 2
        if dots or not name or name == own or name in sys.stdlib_module_names:
            continue
        parts = (module or plain).split(".")
        for folder in folders:
            if _leads_to(folder, parts):
                package = os.path.join(folder, parts[0])
                if package not in installed or is_below(own_folder, package):
                    found[folder] += 1
                break
    return found


def _above(folder: str, levels: int) -> str:
    for _ in range(levels):
        folder = os.path.dirname(folder)
    return folder


def _leads_to(folder: str, parts: list[str]) -> bool:
    if len(parts) == 1:
        inside = os.path.join(folder, parts[0])
        return bool(find_module(folder, parts)) or (os.path.isdir(inside) and _has_modules(inside))
    return bool(find_module(folder, parts)) or os.path.isdir(os.path.join(folder, *parts))


def _has_modules(folder: str) -> bool:
    try:
        return any(each.endswith(".py") for each in os.listdir(folder))
    except OSError:
        return False


def _upwards(folder: str, top: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if folder == top or parent == folder or not folder.startswith(top):
            return
        folder = parent


# --- folders that a file puts there itself ------------------------------------------------


def added(path: str, text: str, top: str) -> Mapping[str, int]:
    """The folders that a file adds to Python's path before it imports anything from there, with the
    rows from which on they are there."""
    return _added(path, text, top) if "sys.path" in text else {}


@lru_cache(maxsize=64)
def _added(path: str, text: str, top: str) -> Mapping[str, int]:
    tree = dependencies.parsed(text)
    if tree is None:
        return {}
    bound = dependencies.bound_by(tree.body)
    found: dict[str, int] = {}
    for node in _run_at_once(tree.body):
        match node:
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="path"), attr="insert" | "append"),
                    args=[*_, place],
                )
            ):
                with suppress(RecursionError):  # thousands of `.parent` in a row
                    for each in _places(place, path, top, bound):
                        if os.path.isdir(each):
                            found.setdefault(each, node.end_lineno or node.lineno)
    return found


def last_change(text: str) -> int:
    """The last row of a module that changes Python's path when the module runs; 0 if none does."""
    tree = dependencies.parsed(text) if _CHANGES_THE_PATH.search(text) else None
    rows = [
        node.end_lineno or node.lineno
        for node in _run_at_once(tree.body if tree is not None else ())
        if not hasattr(node, "body") and _CHANGES_THE_PATH.search(ast.unparse(node))
    ]
    return max(rows, default=0)


def _run_at_once(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module does, including those of branches and loops."""
    for node in body:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for name in ("body", "handlers", "orelse", "finalbody"):
                yield from _run_at_once(getattr(node, name, ()))


def _places(
    node: ast.expr, path: str, top: str, bound: dict[str, ast.expr], depth: int = 4
) -> list[str]:
    """The possible folders that an expression evaluates to; none if unknown."""
    if not depth:
        return []
    match node:
        case ast.Name(id="__file__"):
            return [path]
        case ast.Constant(value=str(text)):
            # Relative to the folder in which the program is started.
            return [os.path.normpath(os.path.join(each, text)) for each in
                    dict.fromkeys((os.path.dirname(path), top))]  # fmt: skip
        case ast.Name(id=name) if name in bound:
            return _places(bound[name], path, top, bound, depth - 1)
        case ast.Attribute(value=value, attr="parent"):
            return [os.path.dirname(x) for x in _places(value, path, top, bound, depth)]
        case ast.Subscript(
            value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(number))
        ):
            found = _places(value, path, top, bound, depth)
            for _ in range(min(number, 20) + 1):
                found = [os.path.dirname(x) for x in found]
            return found
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(text))):
            return [
                os.path.normpath(os.path.join(x, text))
                for x in _places(left, path, top, bound, depth)
            ]
        case ast.Call(func=ast.Attribute(value=value), args=[]):
            return _places(value, path, top, bound, depth)  # `.resolve()` and its like
        case ast.Call(func=function, args=[first, *rest]):
            name = ast.unparse(function).rpartition(".")[2]
            found = _places(first, path, top, bound, depth)
            if name == "dirname":
                return [os.path.dirname(x) for x in found]
            for each in rest if name == "join" else ():
                if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
                    return []
                found = [os.path.normpath(os.path.join(x, each.value)) for x in found]
            known = {"Path", "abspath", "expanduser", "fspath", "join", "realpath", "str"}
            return found if name in known else []
    return []
