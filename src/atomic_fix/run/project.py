"""The project of a file: its folder, source roots and declared dependencies, all read from the
files that package managers use. No code of the project is run.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from atomic_fix.run import dependencies, disk
from atomic_fix.run.dependencies import Dependencies, normalised, subtable
from atomic_fix.run.distribution import Distribution, distribution
from atomic_fix.run.module_files import names_in
from atomic_fix.run.python_signs import python_2, signs
from atomic_fix.run.python_versions import Admitted, admitted
from atomic_fix.run.search_path import Importers, searched

# Folders of a repository that are not packages unless they have an `__init__.py`: the names that
# setuptools skips in automatic discovery.
_NO_PACKAGES = frozenset({
    "benchmark", "benchmarks", "bin", "build", "changelog", "ci", "contrib", "debian", "dist",
    "doc", "docs", "documentation", "example", "examples", "exercise", "exercises", "fabfile",
    "htmlcov", "manpages", "news", "newsfragments", "node_modules", "python", "scripts",
    "site_scons", "tasks", "test", "tests", "tools", "unit_test", "unit_tests", "util", "utils",
})  # fmt: skip

# Programs that build the project or its environments.
_RUN_EARLY = frozenset(
    {"conanfile.py", "hatch_build.py", "noxfile.py", "pdm_build.py", "setup.py", "toxfile.py"}
)
# Python runs these when it starts.
_RUN_FIRST = frozenset({"sitecustomize.py", "usercustomize.py"})

_REQUIREMENTS = re.compile(
    r"(?:[\w.-]*[-_.])?(?:requirements?|requires|reqs)[\w.-]*\.(?:txt|in|pip)"
)
_ENVIRONMENT = re.compile(r"(?:[\w.-]*[-_.])?environment[\w.-]*\.ya?ml|conda[-_]env[\w.-]*\.ya?ml")
_REQUIREMENTS_FOLDERS = ("requirements", "requires", "reqs")
_FOR_DEVELOPMENT = re.compile(
    r"(?i)(?:^|[^a-z])(?:dev\w*|tests?|testing|lint\w*|docs?|ci|tools?|build|types?|typing|style|"
    r"formatt?\w*|checks?|optional|extras?|bench\w*)(?:$|[^a-z])"
)
_DECLARING_TABLES = (
    ("build-system",), ("dependency-groups",), ("project",), ("tool", "briefcase"),
    ("tool", "flit"), ("tool", "hatch"),
    ("tool", "pdm"), ("tool", "pixi"), ("tool", "poetry"), ("tool", "rye"), ("tool", "setuptools"),
    ("tool", "uv"),
)  # fmt: skip
# Texts that say that a project runs on Python 2, or that it does not.
_FOR_PYTHON_2 = re.compile(r"(?m)^[^#\n]*Programming Language :: Python :: 2(?![0-9])")
_FOR_PYTHON_3 = re.compile(r"(?m)^[^#\n]*(?:python_requires|requires-python)\W*3")
_CHECKOUTS = (".git", ".hg", ".svn")

_NOTHING = Dependencies()
_MOST_BYTES = 1 << 20
_MOST_FILES = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A file for `pip install -r` or `conda env create`, with its requirements."""

    file: str
    names: frozenset[str] = frozenset()
    extra: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Project:
    """One folder and what its files declare about the program in it. `files` are the names of those
    files, none in a tree that declares nothing. `roots` are the folders that contain top-level
    modules, each with the package that its modules belong to (empty in most projects), and `search`
    has further possible ones. `packages` are top-level names that some file declares as packages.
    `early` are programs and folders of programs that run before the project is installed.
    """

    root: str
    files: tuple[str, ...] = ()
    name: str = ""
    declared: Dependencies = _NOTHING
    installed: Dependencies = _NOTHING
    """Of those, the ones that are installed with it."""
    listed: tuple[Listed, ...] = ()
    """Of those, the ones in lists for `pip install -r` and the like."""
    installers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The scripts that install such lists, each with those that it names."""
    modules: frozenset[str] = frozenset()
    """The distributed modules outside of packages, if its files list them."""
    roots: tuple[tuple[str, str], ...] = ()
    search: tuple[tuple[str, str], ...] = ()
    packages: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()
    for_python_2: bool = False
    """Whether it declares that it also runs on Python 2."""
    python_2: str = ""
    """Other evidence that it runs on Python 2, such as its installers."""
    is_beside_projects: bool = False
    """Whether it declares nothing, and a folder in it is a project that does."""
    shipped: frozenset[str] = frozenset()
    """Files and folders that its wheels have as data, under another name."""
    python: Admitted | None = None
    """The Python versions that it supports, if declared."""
    distribution: Distribution | None = None
    """The packages that it distributes, if declared."""
    is_built: bool = False
    """Whether a distribution is built from it."""
    provides: frozenset[str] = frozenset()
    """The folders of the top-level packages that an installation of it provides."""
    neighbours: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)
    """The modules of folders as first read: a run rewrites files without changing how they import
    each other."""
    importers: list[Importers] = field(default_factory=list, compare=False, repr=False)
    """Cache of how other modules import its packages."""

    def is_for_development(self, file: str) -> bool:
        """Whether the name of a list of requirements says that it is for development."""
        return _is_for_development(file)

    def holds(self, path: str) -> bool:
        """Whether a file is part of the program: in a package, or in a source root."""
        base = import_root(path)
        return (
            not self.files
            or any(self.reaches(base, root) for _, root in self.roots)
            or (base != os.path.dirname(path) and not self.is_among_scripts(path))
        )

    def is_among_scripts(self, path: str) -> bool:
        """Whether a file belongs to a package in a folder of scripts, `tools/deploy/` or the like:
        only those scripts can import it, and they may run without the project or on another
        machine."""
        base = import_root(path)
        if base == os.path.dirname(path):
            return False
        top = (_below(base, self.root) or [""])[0]
        # Repositories with several languages may keep Python code in a folder of that name.
        return top.lower() in _NO_PACKAGES - {"python"} and top not in self.packages

    def undistributed_package(self, path: str) -> str:
        """The folder of a file's top-level package if the distribution excludes it; otherwise
        empty."""
        if self.distribution is None:
            return ""
        for prefix, root in self.roots:
            inside = _below(os.path.dirname(path), root)
            if inside and not prefix and not self.distribution.has(inside[0]):
                return os.path.join(root, inside[0])
        return ""

    def leaves_behind(self, path: str, helper: str) -> str:
        """The top-level name of a helper that the distribution of the project does not have, if it
        has the package of a file; empty if it has both or neither, or if that is unknown."""
        for prefix, root in self.roots:
            own, other = (_below(os.path.dirname(x), root) for x in (path, helper))
            if prefix or not own or other is None:
                continue
            top = other[0] if other else os.path.splitext(os.path.basename(helper))[0]
            if top in self.modules:
                continue
            if self.distribution is not None:
                is_left = self.distribution.has(own[0]) and not (
                    other and self.distribution.has_package(".".join(other))
                )
            else:
                # Build tools that look for packages themselves leave out the modules beside them.
                is_package = os.path.isfile(os.path.join(root, own[0], "__init__.py"))
                is_left = self.is_built and is_package and not other and root == self.root
            if is_left:
                return top
        return ""

    def ships(self, path: str) -> bool:
        """Whether a file outside of packages is shipped as data: its users may run a copy with a
        Python that does not have the project."""
        return import_root(path) == os.path.dirname(path) and any(
            _below(path, each) is not None for each in self.shipped
        )

    def reaches(self, folder: str, root: str) -> bool:
        """Whether modules in a folder are imported from a source root."""
        inside = _below(folder, root)
        if inside is None:
            return False
        if not inside or root != self.root:
            return True
        top = inside[0]
        return top in self.packages or _may_be_a_package(top)

    def runs_early(self, path: str) -> bool:
        """Whether a file runs before anything is installed."""
        folder, name = os.path.split(path)
        if name in _RUN_FIRST or name == "setup.py":
            return import_root(path) == folder
        return (
            (folder == self.root and bool(self.files) and name in _RUN_EARLY)
            or path in self.early
            or any(_below(path, each) for each in self.early)
        )

    def package_of(self, path: str) -> str:
        """The folder for a new module that a file will import: the file's top-level package, else
        the project's main package, else the folder of the file."""
        folder = os.path.dirname(path)
        if self.undistributed_package(path) and (main := self.main_package()):
            return main
        by_imports = self.searched(path)
        root = next(iter(by_imports), "") or self._declared_root(folder) or import_root(path)
        if root == folder and not by_imports:
            around = [each for _, each in self.roots if self.reaches(folder, each)]
            if not around:
                return self.main_package() or folder
            root = max(around, key=len)
        inside = _below(folder, root)
        if inside and inside[0] == "custom_components":
            return os.path.join(root, *inside[:2])  # what Home Assistant gets is that folder
        if inside and self._is_flat(root):
            return root
        return self._distributed(root, inside) if inside else folder

    def _distributed(self, root: str, packages: list[str]) -> str:
        """The outermost of nested packages that the distribution includes."""
        if self.distribution is not None:
            for count in range(1, len(packages) + 1):
                if self.distribution.has_package(".".join(packages[:count])):
                    return os.path.join(root, *packages[:count])
        return os.path.join(root, packages[0])

    def searched(self, path: str) -> list[str]:
        """The folders on Python's path through which a file and its neighbours import each other,
        the most used first; none if they do not."""
        folder = os.path.dirname(path)
        if folder not in self.neighbours:
            self.neighbours[folder] = neighbours(folder)
        around = self.neighbours[folder]
        own = text_of(path) or ""
        if not self.importers:
            self.importers.append(Importers(self.root))
        return searched(
            path,
            own,
            self.root,
            import_root(path),
            around,
            self.provides,
            importers=self.importers[0],
        )

    def _declared_root(self, folder: str) -> str:
        """The innermost source root around a folder that the files of the project declare,
        even if it has an `__init__.py`."""
        around = [
            each
            for prefix, each in self.roots
            if not prefix and each != self.root and _below(folder, each) is not None
        ]
        return max(around, key=len, default="")

    def _is_flat(self, root: str) -> bool:
        """Whether modules are directly in a source root and import each other by their bare
        names."""
        return root != self.root and any(
            searched(path, text, self.root, import_root(path), {})[:1] == [root]
            for path, text in neighbours(root).items()
        )

    def main_package(self) -> str:
        """The folder of the package that has the project's name, else of the first one; empty if
        there is none."""
        found = [
            os.path.join(root, each)
            for _, root in self.roots
            for each in names_in(root)
            if _may_be_a_package(each) and os.path.isfile(os.path.join(root, each, "__init__.py"))
        ]
        own = normalised(self.name)
        return next((x for x in found if normalised(os.path.basename(x)) == own), "") or (
            found[0] if found else ""
        )

    def module_of(self, path: str) -> str:
        """The name by which the program imports a file, as far as the folders show it."""
        folder, name = os.path.split(path)
        root = import_root(path)
        prefix = ""
        declared = self._declared_root(folder) if root != folder else ""
        if found := next(iter(self.searched(path)), declared):
            root = found
        elif root == folder:
            around = [each for each in self.roots if self.reaches(folder, each[1])]
            if around and not _holds_scripts(folder, self.root):
                prefix, root = max(around, key=lambda each: len(each[1]))
        inside = _below(folder, root) or []
        return ".".join([*filter(None, [prefix]), *inside, os.path.splitext(name)[0]])


class Projects:
    """Finds the project of a file. Caches what it has read, for one run."""

    def __init__(self) -> None:
        self._by_folder: dict[str, Project] = {}
        self._by_root: dict[str, Project] = {}
        self._signs = lru_cache(maxsize=None)(_signs)

    def of(self, path: str) -> Project:
        """The project of a file, by its absolute path."""
        folder = os.path.dirname(path)
        if folder not in self._by_folder:
            root, declares = _root(folder, self._signs)
            if root not in self._by_root:
                declares = declares or bool(_lists_of_installers(root, names_in(root)))
                self._by_root[root] = _project(root) if declares else _bare(root)
            self._by_folder[folder] = self._by_root[root]
        return self._by_folder[folder]


def import_root(path: str) -> str:
    """The folder that must be on Python's path for a file to be imported by its full name."""
    folder = os.path.dirname(path)
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return folder


def modules_below(root: str, most: int = 2000) -> Iterator[tuple[str, str]]:
    """The first modules of a tree that are not empty, with their text; those at the top first."""
    return islice(_modules_below(root), most)


def _modules_below(root: str) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each.isidentifier() and not os.path.isfile(os.path.join(folder, each, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if name.endswith(".py") and (text := text_of(os.path.join(folder, name))):
                yield os.path.join(folder, name), text


def neighbours(folder: str) -> dict[str, str]:
    """The modules of a folder, with their text."""
    paths = [os.path.join(folder, each) for each in names_in(folder) if each.endswith(".py")]
    return {path: text for path in paths[:_MOST_FILES] if (text := text_of(path))}


def nearest_pyproject(path: str) -> str:
    """The pyproject.toml that applies, or would apply, to a file; empty if there is none."""
    for folder in _upwards(os.path.dirname(path)):
        file = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(file):
            return file
    return ""


def text_of(path: str) -> str | None:
    """The text of an untrusted file; None if it cannot be read."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
        return None
    return _text(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=512)
def _text(path: str, _changed: int, _size: int, _inode: int) -> str | None:
    """Cache of file contents, since several functions read the same files: each is read once, as
    long as it appears unchanged."""
    content = disk.read(path)
    return content.decode("utf-8-sig", "replace") if isinstance(content, bytes) else None


def _may_be_a_package(name: str) -> bool:
    return name.isidentifier() and name[0] != "_" and name.lower() not in _NO_PACKAGES


def _below(path: str, folder: str) -> list[str] | None:
    """The parts of a path below a folder; None if it is not below it."""
    if path == folder:
        return []
    start = folder.rstrip(os.sep) + os.sep
    return path[len(start) :].split(os.sep) if path.startswith(start) else None


def _holds_scripts(folder: str, root: str) -> bool:
    """Whether the modules of a folder without an `__init__.py` are run as scripts, or import each
    other by their bare names: the folder is then on Python's path itself."""
    names = [each for each in names_in(folder) if each.endswith(".py")][:_MOST_FILES]
    stems = "|".join(re.escape(os.path.splitext(each)[0]) for each in names) or r"(?!)"
    sign = re.compile(
        r"(?m)\A#!|^if __name__ == |^(?:main|print|sys\.exit|asyncio\.run|\w+\.run)\("
        rf"|^[ \t]*(?:from|import)[ \t]+(?:{stems})(?:[ \t,]|$)"
    )
    return folder != root and any(
        sign.search(text_of(os.path.join(folder, each)) or "") for each in names
    )


# --- the folder of a project ------------------------------------------------------------


def _root(folder: str, signs: Callable[[str], tuple[bool, bool]]) -> tuple[str, bool]:
    """The folder of the project that a folder belongs to, and whether a file there marks it as one.
    `signs` is `_signs`."""
    second_best = top = ""
    for here in _upwards(folder):
        strong, weak = signs(here)
        # A package may have its own requirements, and its own settings for some tool.
        if strong or (weak and not os.path.isfile(os.path.join(here, "__init__.py"))):
            return here, True
        if not second_best and (weak or os.path.isfile(os.path.join(here, "pyproject.toml"))):
            second_best = here
        top = here
    if second_best:
        return second_best, True
    if top and _is_checkout(top):
        return top, False
    current = os.getcwd()
    return (current if _below(folder, current) is not None else folder), False


def _upwards(folder: str) -> Iterator[str]:
    """A folder and its parents that may belong to one project: up to the top of a checkout, without
    shared folders such as the home folder."""
    own = (os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    names = ("/tmp", "/var/tmp", os.path.expanduser("~"), *filter(None, own))
    shared = set(map(_identity, names)) - {None}
    here = folder
    while here == folder or _identity(here) not in shared:
        yield here
        parent = os.path.dirname(here)
        if parent == here or _is_checkout(here):
            return
        here = parent


def _identity(folder: str) -> tuple[int, int] | None:
    """An identity of a folder that is independent of its name. The real path would serve too, but
    takes a system call for each parent folder."""
    try:
        found = os.stat(folder)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _is_checkout(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, each)) for each in _CHECKOUTS)


def _signs(folder: str) -> tuple[bool, bool]:
    """Whether the files of a folder mark it as a project, and whether some at least list
    requirements."""
    names = names_in(folder)
    strong = "Pipfile" in names or "pixi.toml" in names
    if not strong and "pyproject.toml" in names:
        table = _toml(os.path.join(folder, "pyproject.toml"))
        strong = any(subtable(table, *keys) for keys in _DECLARING_TABLES)
    if not strong and "setup.cfg" in names:
        text = text_of(os.path.join(folder, "setup.cfg")) or ""
        strong = re.search(r"(?m)^\[(?:metadata|options)\b", text) is not None
    if not strong and "setup.py" in names:
        text = text_of(os.path.join(folder, "setup.py")) or ""
        strong = "setup(" in text and ("setuptools" in text or "distutils" in text)
        if strong and "__init__.py" in names:
            # A module of a package that is about such files, unless it really calls it.
            strong = re.search(r"(?m)^(?:\w+\.)?setup\(", text) is not None
    return strong, bool(_requirements_in(folder, names))


def _requirements_in(folder: str, names: Iterable[str]) -> list[str]:
    """The files of a folder for `pip install -r` and `conda env create`."""
    found = []
    for name in names:
        if _REQUIREMENTS.fullmatch(name) or (
            _ENVIRONMENT.fullmatch(name)
            and "dependencies:" in (text_of(os.path.join(folder, name)) or "")
        ):
            found.append(name)
        elif name in _REQUIREMENTS_FOLDERS:
            found += [
                f"{name}/{each}"
                for each in names_in(os.path.join(folder, name))
                if each.endswith((".txt", ".in", ".pip"))
            ]
    return found


# --- declarations in its files ----------------------------------------------------------


_NAMED_FILE = r"((?:\$\([^)\n]*\)|[^\s;&|$]|\$(?!\())+?\.%s)\b"
_INSTALLS_LIST = (
    re.compile(
        r"\bpip[\d.]*[\"']?[ \t]+(?:--?[\w-]+[ \t]+)*install\b[^\n;&|]*?"
        r"(?:[ \t]-r|--requirement)[ \t=]*" + _NAMED_FILE % "(?:txt|in|pip)"
    ),
    re.compile(
        r"\b(?:conda|mamba|micromamba)[\"']?[ \t][^\n;&|]*?\b(?:create|install|update)\b[^\n;&|]*?"
        r"(?:[ \t]-f|--file)[ \t=]*" + _NAMED_FILE % "ya?ml"
    ),
)
_FOLDERS_OF_INSTALLERS = re.compile(r"(?i)^(?:scripts?|bin|install\w*|setup|deploy\w*)$")
_INSTALLERS = re.compile(r"(?i)\.(?:sh|bash|bat|cmd|ps1)$|^(?:docker|container)file|^makefile$")


def _lists_of_installers(root: str, names: Iterable[str]) -> dict[str, list[str]]:
    """The scripts of the tree that install lists of requirements, with these lists, whatever their
    name and folder, as paths relative to the project. Those for development are left out."""
    scripts = []
    for name in names:
        if _INSTALLERS.search(name):
            scripts.append(name)
        elif _FOLDERS_OF_INSTALLERS.search(name):
            inside = names_in(os.path.join(root, name))
            scripts += [f"{name}/{each}" for each in inside if _INSTALLERS.search(each)]
    found: dict[str, list[str]] = {}
    for script in scripts[:_MOST_FILES]:
        text = text_of(os.path.join(root, script)) or ""
        text = re.sub(r"(?m)(?:^|[ \t])#.*", "", text)
        for named in (each for pattern in _INSTALLS_LIST for each in pattern.findall(text)):
            # What comes before is the folder of the tree, or of the script.
            place = re.sub(r"[\"']", "", named)
            place = re.sub(r"^(?:\$\{?\w+\}?|\$\([^)]*\)|%[^%/]*%|~dp0)[/\\]?", "", place)
            place = place.replace("\\", "/")
            for folder in ("", os.path.dirname(script)):
                each = os.path.normpath(os.path.join(folder, place)).replace(os.sep, "/")
                if (
                    not each.startswith(("..", "/"))
                    and not _is_for_development(os.path.basename(each))
                    and os.path.isfile(os.path.join(root, each))
                ):
                    lists = found.setdefault(script, [])
                    lists += [each] if each not in lists else []
                    break
    return found


def _bare(root: str) -> Project:
    roots = (("", root),)
    return Project(
        root,
        roots=roots,
        search=(*roots, ("", os.path.join(root, "src"))),
        is_beside_projects=any(
            os.path.isfile(os.path.join(root, each, name))
            for each in names_in(root)[: 10 * _MOST_FILES]
            for name in ("pyproject.toml", "setup.py")
        ),
        python=admitted({}, {}, {}, {}, signs(root, names_in(root), {}, text_of))
        if _is_checkout(root)
        else None,
        python_2=python_2(root, names_in(root), text_of),
    )


def _project(root: str) -> Project:
    names = names_in(root)
    files = []
    texts = {}
    found = Dependencies()
    pyproject: Mapping[str, Any] = {}
    sections: Mapping[str, Mapping[str, str]] = {}
    keywords: Mapping[str, tuple[str, ...]] = {}
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "pixi.toml"):
        path = os.path.join(root, name)
        text = text_of(path) if name in names else None
        if text is None:
            continue
        files.append(name)
        texts[name] = text
        if name == "pyproject.toml":
            pyproject = dependencies.read_toml(text.encode())
            found |= dependencies.of_pyproject(pyproject)
        elif name == "setup.cfg":
            sections = dependencies.read_ini(text)
            found |= dependencies.of_setup_cfg(sections)
        elif name == "setup.py":
            keywords = dependencies.read_setup(text)
            found |= dependencies.of_setup_py(keywords)
        else:
            of_file = dependencies.of_pipfile if name == "Pipfile" else dependencies.of_pixi
            found |= of_file(text.encode())
    by_setup = _named_by_setup(texts.get("setup.py", ""), root, names)
    files_of_setup = tuple((each, False) for each in by_setup)
    installed = _with_files(root, found | Dependencies(files=files_of_setup))
    listed = _requirements_in(root, names)
    installers = _lists_of_installers(root, names)
    named = dict.fromkeys(each for lists in installers.values() for each in lists)
    listed += [each for each in named if each not in listed]
    lists = [
        (each, _with_files(root, Dependencies(files=((each, _is_for_development(each)),))))
        for each in listed
    ]
    found |= Dependencies(files=tuple((each, _is_for_development(each)) for each in listed))
    roots, are_declared = _roots(root, pyproject, sections, keywords)
    search = (*roots, *(("", os.path.join(root, each)) for each in ("", "src")))
    name = _name(pyproject, sections)
    found = _with_files(root, found)
    said = "\n".join(texts.values())
    environments = [each for each in named if each.endswith((".yml", ".yaml"))]
    shown = signs(root, names, pyproject, text_of, environments)
    python = admitted(pyproject, sections, keywords, texts, shown)
    is_settled = python is not None and python.is_range
    packages = distribution(pyproject, sections, keywords)
    is_built = "setup.py" in texts or "build-system" in pyproject
    itself = {normalised(name)}  # `all = ["app[fast]"]` asks for more of the project itself
    return Project(
        root,
        (*files, *listed),
        name,
        declared=Dependencies(found.names - itself, found.extra - itself),
        installed=Dependencies(installed.names - itself, installed.extra - itself),
        listed=tuple(Listed(each, what.names, what.extra) for each, what in lists),
        installers=tuple((name, tuple(each)) for name, each in installers.items()),
        roots=roots,
        search=tuple(dict.fromkeys((prefix, os.path.normpath(each)) for prefix, each in search)),
        packages=frozenset() if are_declared else _imported_at(root),
        early=_early(root, roots, pyproject),
        for_python_2=bool(_FOR_PYTHON_2.search(said)) and not _FOR_PYTHON_3.search(said),
        modules=_modules(pyproject, sections, keywords),
        shipped=_shipped(root, pyproject),
        python=python,
        python_2="" if is_settled else python_2(root, names, text_of),
        distribution=packages,
        is_built=is_built,
        provides=frozenset(_provided(roots, packages)) if is_built else frozenset(),
    )


def _provided(roots: Iterable[tuple[str, str]], packages: Distribution | None) -> Iterator[str]:
    for prefix, root in roots:
        for name in () if prefix else names_in(root):
            is_package = os.path.isfile(os.path.join(root, name, "__init__.py"))
            if is_package and (packages is None or packages.has(name)):
                yield os.path.join(root, name)


def _named_by_setup(text: str, root: str, names: Iterable[str]) -> Iterator[str]:
    """The lists of requirements that a setup.py reads for its install requirements."""
    if "install_requires" in text:
        for each in _requirements_in(root, names):
            if re.search(rf"""["'/]{re.escape(each)}["']""", text) and not _is_for_development(
                each
            ):
                yield each


def _modules(
    pyproject: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, str]],
    keywords: Mapping[str, tuple[str, ...]],
) -> frozenset[str]:
    listed = (
        *_texts(subtable(pyproject, "tool", "setuptools").get("py-modules")),
        *sections.get("options", {}).get("py_modules", "").split(),
        *keywords.get("py_modules", ()),
    )
    return frozenset(listed) if all(each.isidentifier() for each in listed) else frozenset()


def _shipped(root: str, pyproject: Mapping[str, Any]) -> frozenset[str]:
    """Files that Hatch includes in wheels under another folder, as in `"scripts" =
    "app/data/scripts"`; `"lib/app" = "app"` defines a package instead."""
    hatch = subtable(pyproject, "tool", "hatch", "build")
    wheel = subtable(hatch, "targets", "wheel")
    tables = (
        subtable(hatch, "force-include"),
        subtable(wheel, "force-include"),
        subtable(wheel, "shared-data"),
    )
    return frozenset(
        os.path.normpath(os.path.join(root, source))
        for table in tables
        for source, target in table.items()
        if isinstance(target, str) and "/" in target.strip("/")
    )


def _is_for_development(name: str) -> bool:
    return _FOR_DEVELOPMENT.search(os.path.splitext(name)[0]) is not None


def requirements_of(path: str) -> Dependencies:
    """What a list of requirements names, including the lists that it refers to; nothing for a file
    that does not exist."""
    folder, name = os.path.split(path)
    return _with_files(folder, Dependencies(files=((name, _is_for_development(name)),)))


def _with_files(root: str, found: Dependencies) -> Dependencies:
    """The declared dependencies, including those in the files that are referenced."""
    waiting = [(os.path.join(root, name), extra) for name, extra in found.files]
    result = Dependencies(found.names, found.extra)
    seen: set[tuple[str, bool]] = set()
    while waiting and len(seen) < _MOST_FILES:
        path, extra = waiting.pop()
        path = os.path.normpath(path)
        text = None if (path, extra) in seen else text_of(path)
        seen.add((path, extra))
        if text is None:
            continue
        if path.endswith((".yml", ".yaml")):
            more = dependencies.of_environment(text)
            if extra:
                more = Dependencies(extra=more.names | more.extra, files=more.files)
        else:
            more = dependencies.of_requirements(text, extra=extra)
        result |= Dependencies(more.names, more.extra)
        folder = os.path.dirname(path)
        waiting += [(os.path.join(folder, name), extra) for name, _ in more.files]
    return result


def _name(pyproject: Mapping[str, Any], sections: Mapping[str, Mapping[str, str]]) -> str:
    name = (
        subtable(pyproject, "project").get("name")
        or subtable(pyproject, "tool", "poetry").get("name")
        or sections.get("metadata", {}).get("name")
    )
    return name if isinstance(name, str) else ""


def _roots(
    root: str,
    pyproject: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, str]],
    keywords: Mapping[str, tuple[str, ...]],
) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The source roots, and whether the project's files declare them."""
    declared = [
        *_roots_of_pyproject(pyproject),
        *_roots_of_setuptools(sections, keywords),
    ]
    found = dict.fromkeys(
        (prefix, os.path.normpath(os.path.join(root, folder))) for prefix, folder in declared
    )
    existing = tuple(each for each in found if os.path.isdir(each[1]))
    if existing:
        return existing, True
    source = os.path.join(root, "src")
    is_layout = not os.path.isfile(os.path.join(source, "__init__.py")) and _holds_modules(source)
    return (("", source if is_layout else root),), False


def _holds_modules(folder: str, depth: int = 3) -> bool:
    """Whether a folder contains a module, or a package below it; namespace packages are deeper."""
    names = names_in(folder)
    return any(name.endswith(".py") for name in names) or (
        depth > 0
        and any(
            _holds_modules(os.path.join(folder, name), depth - 1)
            for name in names
            if name.isidentifier()
        )
    )


def _roots_of_pyproject(pyproject: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tool = subtable(pyproject, "tool")
    setuptools = subtable(tool, "setuptools")
    for prefix, folder in subtable(setuptools, "package-dir").items():
        yield prefix, folder if isinstance(folder, str) else ""
    for folder in _texts(subtable(setuptools, "packages", "find").get("where")):
        yield "", folder
    build = subtable(tool, "hatch", "build")
    for target in (build, subtable(build, "targets", "wheel")):
        for folder in _texts(target.get("packages")):
            yield "", os.path.dirname(folder.rstrip("/"))
        sources = target.get("sources")
        for folder in _texts(sources):
            yield "", folder
        for folder, package in subtable(sources).items():
            if isinstance(package, str):
                yield package.strip("/").replace("/", "."), folder
    packages = subtable(tool, "poetry").get("packages")
    for each in packages if isinstance(packages, list) else ():
        folder = subtable(each).get("from", "")
        yield "", folder if isinstance(folder, str) else ""
    for table in (subtable(tool, "pdm"), subtable(tool, "pdm", "build")):
        for folder in _texts(table.get("package-dir")):
            yield "", folder
    for folder in _texts(subtable(tool, "maturin").get("python-source")):
        yield "", folder
    for folder in _texts(subtable(tool, "uv", "build-backend").get("module-root")):
        yield "", folder
    for folder in _texts(subtable(tool, "scikit-build", "wheel").get("packages")):
        yield "", os.path.dirname(folder.rstrip("/"))


def _roots_of_setuptools(
    sections: Mapping[str, Mapping[str, str]], keywords: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, str]]:
    lines = sections.get("options", {}).get("package_dir", "").splitlines()
    for line in (*lines, *keywords.get("package_dir", ())):
        prefix, equals, folder = (part.strip() for part in line.partition("="))
        if equals:
            yield prefix, folder
    for folder in sections.get("options.packages.find", {}).get("where", "").split():
        yield "", folder
    for function in ("find_packages", "find_namespace_packages"):
        for folder in keywords.get(function, ()):
            yield "", folder


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _imported_at(root: str) -> frozenset[str]:
    """The top-level names that programs at the top of the project import: a folder with one of
    these names is a package."""
    found = set()
    for name in names_in(root)[: 10 * _MOST_FILES]:
        if name.endswith(".py") and name not in _RUN_EARLY | _RUN_FIRST:
            text = text_of(os.path.join(root, name)) or ""
            found.update(re.findall(r"(?m)^[ \t]*(?:from|import)[ \t]+(\w+)", text))
    return frozenset(found)


def _early(
    root: str, roots: tuple[tuple[str, str], ...], pyproject: Mapping[str, Any]
) -> frozenset[str]:
    """Programs, and folders of programs, that build the project."""
    tool = subtable(pyproject, "tool")
    build = subtable(tool, "hatch", "build")
    hooks = [
        subtable(each, "hooks", "custom").get("path")
        for each in (build, *subtable(build, "targets").values())
    ]
    poetry = subtable(tool, "poetry").get("build")
    hooks += [poetry, subtable(poetry).get("script")]
    pdm = subtable(tool, "pdm").get("build")
    hooks += [pdm, subtable(pdm).get("custom-hook"), subtable(pdm, "run-setup").get("file")]
    backend = _texts(subtable(pyproject, "build-system").get("backend-path"))
    paths = [*backend, *(each for each in hooks if isinstance(each, str))]
    found = (os.path.normpath(os.path.join(root, each)) for each in paths)
    # If the build backend is in the source root, so is the program.
    folders = [root, *(folder for _, folder in roots)]
    return frozenset(x for x in found if all(_below(folder, x) is None for folder in folders))


def _toml(path: str) -> dict[str, Any]:
    return dependencies.read_toml((text_of(path) or "").encode())
