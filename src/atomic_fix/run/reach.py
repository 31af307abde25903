"""Determines whether the dependencies that a project declares are installed where its files run.

A list of requirements may be for the tests only, and a program that updates its own files never
installs packages that are added to a list.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache

from atomic_fix.run.ci_jobs import (
    INSTALLS_A_LIST,
    INSTALLS_BY_NAME,
    jobs,
    run_without,
)
from atomic_fix.run.dependencies import normalised, of_requirements
from atomic_fix.run.module_files import find_module, names_in
from atomic_fix.run.project import Project, neighbours, requirements_of, text_of
from atomic_fix.run.self_update import updater

_MOST_READ = 2000
_MOST_DOCUMENTS = 200

# --- how a program is started --------------------------------------------------------------

_DOCUMENTS = re.compile(
    r"(?i)^(?:readme|install|getting|quick|usage|setup|deploy|docs?)[\w.-]*$"
    r"|\.(?:md|rst|txt|adoc|sh|bat|cmd|ps1|service|command)$"
    r"|^(?:docker|container)file|\.dockerfile$|compose[\w.-]*\.ya?ml$"
    r"|^(?:procfile|makefile|justfile|app\.ya?ml|app\.json|render\.ya?ml|nixpacks\.toml|"
    r"railway\.(?:json|toml)|replit\.nix)$"
)
_FOR_CONTRIBUTORS = re.compile(
    r"(?i)^(?:contribut|develop|hacking|testing|change|history|news|release)|requirements|reqs"
)
_FOLDERS_OF_DOCUMENTS = re.compile(
    r"(?i)^(?:docs?|documentation|docker|containers?|deploy\w*|install\w*|bin|setup|scripts?|"
    r"source|user\w*|guides?|packaging|getting[\w-]*)$"
)
_STARTS_BY_ITSELF = ("Procfile", "app.yaml", "app.json", "render.yaml", "replit.nix")
_TESTS = re.compile(r"\b(?:pytest|unittest|tox|nosetests?|ruff|flake8|mypy|coverage)\b")

_IMAGE_FILE = re.compile(r"(?i)^(?:docker|container)file|\.dockerfile$")
_INSTALLS_LIST = re.compile(r"(?:-r|--requirements?)[\s=]*[\"']?([\w./-]+\.(?:txt|in|pip))\b")
_INSTALLS_PROJECT = re.compile(
    r"\bpip3?\s+install\s+(?:-[\w-]+\s+)*[\"']?\.|\buv\s+(?:sync|run|pip\s+install\s+(?:-\w+\s+)*\.)"
    r"|\b(?:poetry|pdm|hatch|rye|pixi)\b|\bpipx?\s+install\s+(?:-[\w-]+\s+)*git\+|setup\.py\s+(?:install|develop)"
)
_COMPOSE_FILE = re.compile(r"(?i)compose[\w.-]*\.ya?ml$")
_BUILDS = re.compile(r"(?m)^[ \t]*build[ \t]*:")
_STARTS = re.compile(r"\bpython[\d.]*\b[^\n]*(?:\.py\b|-m\b)")
_ZIPAPP = re.compile(r"\bpython[\w.]*[ \t]+-m[ \t]+zipapp[ \t]+[\"']?([\w./-]+)")
_PEX = re.compile(r"(?m)^[^\n#`]*?(?<![\w./-])(pex|shiv)[ \t]+([^\n]*)")
_PACKS_LISTS = re.compile(
    r"(?:^|\s)(?:-r|--requirements?|--lock|--project|\.|\./\S*)(?:[\s=\[]|$)|\.whl\b"
)
_TAKES_PACKAGES = re.compile(r"--target\b|\bpip[\d.]*[ \t]+install[^\n]*[ \t]-t\b")
_COPIES = re.compile(r"(?mi)^[ \t]*(?:COPY|ADD)[ \t]+([^\n]*)")

# Tools for developers: a list with one of them may be for the tests only.
_TOOLS = frozenset({
    "black", "bandit", "coverage", "flake8", "hypothesis", "isort", "mock", "mypy", "nose", "nose2",
    "parameterized", "pre-commit", "pylint", "pytest", "pytest-asyncio", "pytest-cov",
    "pytest-mock",
    "pytest-xdist", "ruff", "sphinx", "tox", "twine",
})  # fmt: skip

# Modules whose name is neither that of their distribution nor a part of it.
_OTHER_NAMES = {
    "airflow": "apache-airflow", "attr": "attrs", "bs4": "beautifulsoup4",
    "crypto": "pycryptodome", "cv2": "opencv",
    "dateutil": "python-dateutil", "docx": "python-docx", "fitz": "pymupdf", "git": "gitpython",
    "github": "pygithub", "gi": "pygobject", "google": "google", "jwt": "pyjwt",
    "magic": "python-magic", "mysqldb": "mysqlclient", "openssl": "pyopenssl", "pil": "pillow",
    "pkg_resources": "setuptools", "skimage": "scikit-image", "sklearn": "scikit-learn",
    "socks": "pysocks", "telegram": "python-telegram-bot", "win32api": "pywin32",
    "yaml": "pyyaml", "zmq": "pyzmq", "ruamel": "ruamel-yaml", "serial": "pyserial",
    "usb": "pyusb", "paho": "paho-mqtt", "lxml": "lxml", "nacl": "pynacl",
}  # fmt: skip

_AT_START = re.compile(r"(?m)^(?:from[ \t]+([\w]+)[\w.]*[ \t]+import\b|import[ \t]+([\w., \t]+))")
_LATER = re.compile(
    r"(?m)^[ \t]+(?:from[ \t]+([\w]+)[\w.]*[ \t]+import\b|import[ \t]+([\w., \t]+))"
)

# Top-level modules that are not part of the program.
_BESIDE = re.compile(r"^(?:setup|conftest|noxfile|tasks|fabfile|test_\w+|\w+_test)\.py$")


class Reach:
    """Determines whether declared packages are installed where a file runs. Everything that is read
    is cached for one run."""

    def __init__(self) -> None:
        self.updater = cache(updater)
        self._documents = cache(_documents)
        self._listed = cache(_listed_imports)
        self._run_without = cache(run_without)

    def why_not(self, project: Project, path: str, names: Iterable[str]) -> str:
        """A clause that says why packages that a project declares are not available to one of its
        files; empty if they are.

        Args:
            names: of the distributions, of which one is enough.
        """
        if replaces := self.updater(project.root):
            return (
                f"{os.path.relpath(replaces, project.root)} replaces the files of the program with "
                "newer ones and installs nothing"
            )
        wanted = set(names)
        if reason := self._run_without(project.root, frozenset(wanted)).get(path):
            return reason
        if packing := self._packing(path, project, wanted):
            return packing
        if wanted & project.installed.names or wanted & project.installed.extra:
            image = self._image_without_lists(project.root, starts=True)
            if image:
                return f"{image} installs packages by their names, and not the project"
            return self._why_not_installed(project, wanted)
        lists = [each for each in project.listed if wanted & each.names or wanted & each.extra]
        if lists and project.installed.names:
            return (
                f"{lists[0].file} declares it, which an installation of the project does not read"
            )
        if lists and (reason := self._other_lists(project, wanted)):
            return reason
        reasons = [self._why_not_by(each.file, each.names | each.extra, wanted, project, path)
                   for each in lists]  # fmt: skip
        return "" if not reasons or "" in reasons else reasons[0]

    def _why_not_installed(self, project: Project, wanted: set[str]) -> str:
        """Why a project's own dependencies are not installed where it runs: what starts it installs
        a list that repeats them, and not the project."""
        others = project.installed.names - wanted
        itself = re.compile(rf"\bpipx?3?\s+install\s[^\n]*{re.escape(project.name or chr(0))}\b")
        texts = [
            (document, text)
            for document, text in (self._documents(project.root) if others else ())
            if not _INSTALLS_PROJECT.search(text) and not itself.search(text)
        ]
        return _another_installed(texts, others, wanted, project)

    @staticmethod
    def why_not_here(project: Project, path: str, names: Iterable[str]) -> str:
        """A clause that says why declared packages are not available to this file, although they
        are to others; empty if they are."""
        wanted = set(names)
        if image := _image_around(path, project, wanted):
            return (
                f"{os.path.relpath(image, project.root)} installs packages by their names, and not "
                "the project"
            )
        if folder := _deployed_alone(path, project):
            return f"{folder}/ is deployed by itself, and has no list of requirements"
        if own := _list_of_folder(path, project, wanted):
            return f"{own} lists what this folder needs, and does not name it"
        if _is_local_hook(path, project, wanted):
            return f"{_HOOKS} runs this file in an environment of its own, which does not have it"
        return ""

    @staticmethod
    def _other_lists(project: Project, wanted: set[str]) -> str:
        """Why a program that one of the project's scripts installs lacks what a list has: the
        script installs other lists alone."""
        known = {each.file: each.names | each.extra for each in project.listed}
        for script, files in project.installers:
            is_for_program = not re.search(r"(?i)test|lint|doc|\bci\b|dev|build", script)
            has_it = any(wanted & known.get(each, frozenset()) for each in files)
            text = text_of(os.path.join(project.root, script)) or ""
            if is_for_program and not has_it and not re.search(_INSTALLS_PROJECT, text):
                return f"{script} installs what {files[0]} lists, which does not name it"
        return ""

    def _why_not_by(
        self, file: str, names: frozenset[str], wanted: set[str], project: Project, path: str
    ) -> str:
        """Why nothing shows that a list of requirements is installed where the program runs."""
        nowhere = f"nothing shows that what {file} lists is installed where this program runs"
        if image := self._image_without_lists(project.root):
            return f"{image} installs packages by their names, and not what {file} lists"
        if self._is_named(file, project.root):
            return ""
        if project.is_for_development(file):
            return f"{nowhere}: its name says that it is for development"
        others = names - wanted
        if not others:
            return ""  # the list has nothing else
        texts = [
            *self._documents(project.root),
            *((each, text_of(each) or "") for each in jobs(project.root)),
        ]
        if other := _another_installed(texts, others, wanted, project, of_any_kind=True):
            return f"{nowhere}: {other}"
        package = project.package_of(path)
        at_start, later = self._listed(package, project.root)
        if at_start:
            known = sum(any(brings(each, top) for each in others) for top in at_start)
            if 2 * known >= len(at_start):
                return ""
            return f"{nowhere}: most of what the program imports is not in it"
        if others & _TOOLS:
            return f"{nowhere}: it has tools for developers"
        if any(brings(each, top) for each in others for top in later):
            return f"{nowhere}: the program does without the rest of it"
        return ""

    def _image_without_lists(self, root: str, *, starts: bool = False) -> str:
        """The container file at the top that installs packages by name, not from a list.

        Args:
            starts: whether it also has to start a program of the tree.
        """
        for document, text in self._documents(root):
            folder, name = os.path.split(document)
            is_composed = _COMPOSE_FILE.search(name) and not _BUILDS.search(text)
            is_image = folder == root and (is_composed or _IMAGE_FILE.search(name))
            text = re.sub(r"(?m)^[ \t]*#.*", "", text)
            if (
                is_image
                and INSTALLS_BY_NAME.search(text)
                and not INSTALLS_A_LIST.search(text)
                and (not starts or (_STARTS.search(text) and not _TESTS.search(text)))
            ):
                return name
        return ""

    def _packing(self, path: str, project: Project, wanted: set[str]) -> str:
        """Why a file has nothing that its project installs in an archive that a command makes;
        empty if none of the commands that are visible makes one."""
        for document, text in self._documents(project.root):
            if _TAKES_PACKAGES.search(text):
                continue
            for found in _PEX.finditer(text):
                packed = found[2]
                if "-o" in packed.split() and not (
                    _PACKS_LISTS.search(packed) or any(x in normalised(packed) for x in wanted)
                ):
                    return (
                        f"{os.path.relpath(document, project.root)} packs the program with "
                        f"{found[1]} and with packages by their names"
                    )
            for found in _ZIPAPP.finditer(text):
                for above in dict.fromkeys((project.root, os.path.dirname(document))):
                    folder = os.path.normpath(os.path.join(above, found[1]))
                    if os.path.isdir(folder) and path.startswith(os.path.join(folder, "")):
                        return (
                            f"{os.path.relpath(document, project.root)} packs this file with "
                            "zipapp, without what the project installs"
                        )
        return ""

    def left_behind(self, project: Project, path: str, helper: str) -> str:
        """The container file that copies a file by its name, but not the project's helper that it
        would import; empty if there is none."""
        wanted, other = (os.path.relpath(x, project.root).replace(os.sep, "/")
                         for x in (path, helper))  # fmt: skip
        for document, text in self._documents(project.root):
            if os.path.dirname(document) != project.root:
                continue
            if not _IMAGE_FILE.search(os.path.basename(document)):
                continue
            sources = [
                os.path.normpath(each)
                for row in _COPIES.findall(text.replace("\\\n", " "))
                for each in re.sub(r"""[\[\]",]""", " ", row).split()[:-1]
                if not each.startswith("--")
            ]
            if wanted in sources and not any(_covers(each, other) for each in sources):
                return os.path.basename(document)
        return ""

    def imported_at_start(self, package: str, root: str) -> frozenset[str]:
        """The modules from elsewhere that a package, and the programs at the top of its tree,
        import when they start."""
        return self._listed(package, root)[0]

    def may_be_installed(self, root: str) -> bool:
        """Whether the documentation, or a file that starts the program, installs the project, or
        at least does not install a list of requirements instead."""
        texts = [text for _, text in self._documents(root)]
        return any(map(_INSTALLS_PROJECT.search, texts)) or not any(
            map(_INSTALLS_LIST.search, texts)
        )

    def is_started_as_module(self, module: str, root: str) -> bool:
        """Whether the documentation, or a file that starts the program, does so by the name of a
        module: with `-m`, or as `app.main:app`."""
        name = re.escape(module)
        start = re.compile(rf"-m[ \t\"',]+{name}(?![\w.])|(?<![\w./-]){name}:\w")
        return any(start.search(text) for _, text in self._documents(root))

    def _is_named(self, file: str, root: str) -> bool:
        """Whether the documentation, or a file that starts the program, installs from a list."""
        name = re.escape(os.path.basename(file))
        install = re.compile(
            rf"(?:-r|--requirements?|-f|--file)[\s=]*[\"']?[\w./\\${{}}-]*{name}\b|\b(?:COPY|ADD)\b[^\n]*{name}\b"
        )
        for document, text in self._documents(root):
            for found in install.finditer(text):
                row = text[text.rfind("\n", 0, found.start()) + 1 : found.end() + 200]
                if not _TESTS.search(row.partition("\n\n")[0]):
                    return True
            if os.path.basename(document) in _STARTS_BY_ITSELF and file == "requirements.txt":
                return True
        return False


def _another_installed(
    texts: Iterable[tuple[str, str]],
    others: frozenset[str],
    wanted: set[str],
    project: Project,
    *,
    of_any_kind: bool = False,
) -> str:
    """A clause on a list that some documents or jobs install: it repeats most of some dependencies,
    or most of it does, without those that are wanted. Empty if there is none.

    Args:
        of_any_kind: whether lists for development count.
    """
    for document, text in texts:
        for name in _INSTALLS_LIST.findall(text):
            if not of_any_kind and project.is_for_development(name):
                continue
            for folder in dict.fromkeys((project.root, os.path.dirname(document))):
                path = os.path.normpath(os.path.join(folder, name))
                if not path.startswith(os.path.join(project.root, "")):
                    continue
                found = requirements_of(path)
                listed = found.names | found.extra
                most = min(len(others), len(listed)) if of_any_kind else len(others)
                if wanted.isdisjoint(listed) and 2 * len(others & listed) >= max(most, 1):
                    where, what = (os.path.relpath(each, project.root) for each in (document, path))
                    return f"{where} installs {what}, which does not name it"
    return ""


_SERVERLESS = frozenset({
    "cdk.json", "firebase.json", "function.json", "host.json", "samconfig.toml", "serverless.yaml",
    "serverless.yml", "zappa_settings.json",
})  # fmt: skip
_HOOKS = ".pre-commit-config.yaml"


def _is_local_hook(path: str, project: Project, wanted: set[str]) -> bool:
    """Whether a local hook of pre-commit runs a file with dependencies of its own."""
    inside = os.path.relpath(path, project.root).replace(os.sep, "/")
    text = text_of(os.path.join(project.root, _HOOKS)) or ""
    hooks = re.split(r"(?m)^[ \t]*-[ \t]+(?=id[ \t]*:)", text)[1:] if inside in text else []
    return any(
        inside in hook
        and re.search(r"(?m)^[ \t]*language[ \t]*:[ \t]*python\b", hook) is not None
        and not any(each in normalised(hook) for each in wanted)
        for hook in hooks
    )


_CODE_URI = re.compile(
    r"""(?m)^[ \t]*(?:CodeUri|ContentUri)[ \t]*:[ \t]*["']?(?:\./)?([\w./-]+?)/?["']?[ \t]*$"""
)


def _deployed_alone(path: str, project: Project) -> str:
    """The folder around a file that AWS SAM deploys by itself, if it lists no requirements; empty
    for other files."""
    for name in ("template.yaml", "template.yml"):
        for each in _CODE_URI.findall(text_of(os.path.join(project.root, name)) or ""):
            folder = os.path.join(project.root, os.path.normpath(each))
            inside = {*names_in(folder), *names_in(os.path.join(folder, "python"))}
            is_around = folder != project.root and path.startswith(os.path.join(folder, ""))
            if is_around and inside.isdisjoint({"requirements.txt", "Makefile"}):
                return os.path.relpath(folder, project.root)
    return ""


def _list_of_folder(path: str, project: Project, wanted: set[str]) -> str:
    """In a project of serverless functions, where each folder is deployed separately: the list of
    requirements in a folder that contains the file, below the top of the project, if it has none of
    the distributions. Empty if there is none."""
    folder = os.path.dirname(path)
    around = {*names_in(project.root), *names_in(folder)}
    template = next((x for x in ("template.yaml", "template.yml") if x in around), "")
    if _SERVERLESS.isdisjoint(around) and (
        "AWS::" not in (text_of(os.path.join(project.root, template)) or "") if template else True
    ):
        return ""
    while folder.startswith(os.path.join(project.root, "")):
        file = os.path.join(folder, "requirements.txt")
        text = text_of(file)
        name = os.path.relpath(file, project.root).replace(os.sep, "/")
        is_read = any(each.file == name for each in project.listed)
        if text and not is_read and re.search(r"(?m)^[ \t]*[A-Za-z]", text):
            found = of_requirements(text)
            is_whole = "-r" in text or "-e" in text or "-c" in text
            if not is_whole and wanted.isdisjoint(found.names | found.extra):
                return name
        folder = os.path.dirname(folder)
    return ""


def _image_around(path: str, project: Project, wanted: set[str]) -> str:
    """The container file below the top of a project that installs other packages, not the project,
    for the folder of a file that imports nothing from the project; empty if there is none."""
    folder = os.path.dirname(path)
    while folder.startswith(os.path.join(project.root, "")):
        for name in filter(_IMAGE_FILE.search, names_in(folder)):
            text = text_of(os.path.join(folder, name)) or ""
            is_own = INSTALLS_BY_NAME.search(text) and not INSTALLS_A_LIST.search(text)
            has_it = any(each in normalised(text) for each in wanted)
            if is_own and not has_it and not _imports_project(path, project):
                return os.path.join(folder, name)
        folder = os.path.dirname(folder)
    return ""


def _imports_project(path: str, project: Project) -> bool:
    text = text_of(path) or ""
    if re.search(r"(?m)^[ \t]*from[ \t]+\.", text):
        return True
    tops = re.findall(r"(?m)^[ \t]*(?:from|import)[ \t]+(\w+)", text)
    folder = os.path.dirname(path)
    return any(
        os.path.isdir(os.path.join(root, top)) or find_module(root, [top])
        for _, root in project.roots
        for top in tops
        if not find_module(folder, [top])
    )


def _covers(source: str, file: str) -> bool:
    return source in {".", file} or file.startswith(f"{source}/") or fnmatchcase(file, source)


def _documents(root: str) -> tuple[tuple[str, str], ...]:
    """The files that say how to start the program, for people or machines, with their texts."""
    found: list[tuple[str, str]] = []
    waiting = [(root, 0)]
    while waiting and len(found) < _MOST_DOCUMENTS:
        folder, depth = waiting.pop(0)
        for name in names_in(folder):
            path = os.path.join(folder, name)
            if depth < 3 and _FOLDERS_OF_DOCUMENTS.search(name) and os.path.isdir(path):
                waiting.append((path, depth + 1))
            elif _DOCUMENTS.search(name) and not _FOR_CONTRIBUTORS.search(name):
                found.append((path, text_of(path) or ""))
    return tuple(found)


def _listed_imports(package: str, root: str) -> tuple[frozenset[str], frozenset[str]]:
    """The modules from elsewhere that a package, and the programs next to it, import when they
    start; and those that they import later, or only if available."""
    at_start: set[str] = set()
    later: set[str] = set()
    for number, (path, text) in enumerate(_modules(package, root)):
        if number >= _MOST_READ:
            break
        for pattern, names in ((_AT_START, at_start), (_LATER, later)):
            for one, several in pattern.findall(text):
                tops = (
                    [one]
                    if one
                    else [each.split()[0] for each in several.split(",") if each.strip()]
                )
                for top in (each.partition(".")[0] for each in tops):
                    if top not in sys.stdlib_module_names and not _is_near(
                        top, path, package, root
                    ):
                        names.add(top)
    return frozenset(at_start), frozenset(later - at_start)


def _modules(package: str, root: str) -> Iterator[tuple[str, str]]:
    for path, text in neighbours(root).items():
        if not _BESIDE.search(os.path.basename(path)):
            yield path, text
    for folder, folders, _ in os.walk(package):
        folders[:] = sorted(
            each for each in folders if each.isidentifier() and "test" not in each.lower()
        )
        if folder != root:
            yield from neighbours(folder).items()


def _is_near(top: str, path: str, package: str, root: str) -> bool:
    folders = {os.path.dirname(path), package, os.path.dirname(package), root}
    return any(
        bool(find_module(each, [top])) or os.path.isdir(os.path.join(each, top)) for each in folders
    )


def brings(distribution: str, top: str) -> bool:
    """Whether a distribution contains a module, judged by its name."""
    top = normalised(top)
    other = _OTHER_NAMES.get(top.replace("-", "_"), top)
    return (
        distribution == other
        or distribution.startswith((f"{other}-", f"{other}."))
        or _bare(distribution) == _bare(top)
    )


def _bare(name: str) -> str:
    name = re.sub(r"^(?:python|py)-?|-?(?:python3?|py)$", "", name)
    return re.sub(r"[^a-z]", "", name)
