"""Finds files that run without the packages that their project installs, and so cannot import them:
modules that a start script imports before it installs anything, add-ons that another program loads,
and code for Python 2. Declaring the helper makes no difference to them, nor does `--assume-helper`.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from atomic_fix.run import dependencies
from atomic_fix.run.module_files import find_module, is_below, names_in, run_imports
from atomic_fix.run.project import Project, import_root, text_of

_MOST_FILES = 100
_MOST_IMPORTED = 500

# How a program installs packages into the Python that runs it.
_INSTALLS = re.compile(
    r"""(["'])pip3?\1\s*,\s*(["'])install\2|(["'])install\3\s*,\s*(["'])(?:-r|--requirement)\4"""
    r"""|(?:system|run|call|check_call|check_output|Popen)\(\s*[rf]?["'][^"'\n]*\bpip3?\s+install\b"""
    r"""|\bpip(?:\._internal)?\.main\(|\bpip_?main\("""
)
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})

# A file that marks its folder as an add-on of another program, which has only its own packages, and
# the content by which it is recognised.
_MANIFESTS = (
    ("addon.xml", re.compile(r"<addon\b"), "Kodi"),
    ("metadata.txt", re.compile(r"(?mi)^qgisMinimumVersion\s*="), "QGIS"),
    ("blender_manifest.toml", re.compile(r"(?m)^schema_version\s*="), "Blender"),
    ("__init__.py", re.compile(r"(?m)^bl_info\s*="), "Blender"),
    ("__init__.py", re.compile(r"(?m)^(?:import|from)[ \t]+(?:aqt|anki)\b"), "Anki"),
    ("manifest.ini", re.compile(r"(?m)^minimumNVDAVersion\s*="), "NVDA"),
    ("InitGui.py", re.compile(r"\bFreeCADGui\b|\bWorkbench\b"), "FreeCAD"),
    ("info.plist", re.compile(r"alfred", re.IGNORECASE), "Alfred"),
)
_NAMES_OF_MANIFESTS = (
    (re.compile(r"\.sublime-(?:commands|keymap|menu|settings)$|^Default.*\.sublime-\w+$"),
     "Sublime Text"),
    (re.compile(r"^plugin-import-name-\w*\.txt$"), "calibre"),
    (re.compile(r"\.inx$"), "Inkscape"),
)  # fmt: skip

_BY_CONTENT = (
    (
        re.compile(r"\.py$"),
        re.compile(r"(?m)^(?:import|from)[ \t]+sublime_plugin\b"),
        "Sublime Text",
    ),
    (re.compile(r"\.plugin$"), re.compile(r"(?m)^\[Plugin\]"), "libpeas"),
    (re.compile(r"\.desktop$"), re.compile(r"(?m)^X-KDE-Library\s*=|Krita/PythonPlugin"), "Krita"),
)
# These import a package under a name that is not that of its folder.
_RENAMING = frozenset({"Anki", "Blender", "Krita", "NVDA", "Sublime Text", "calibre"})

# Modules that only another program has. Whatever imports them at its start runs inside it, and so
# do the modules beside it.
_OF_HOSTS = re.compile(
    r"(?m)^(?:import|from)[ \t]+(adsk|binaryninja|bpy|c4d|gdb|ghidra|gimpfu|hexchat|hou|idaapi"
    r"|inkex|krita|lldb|maya|nuke|obspython|pcbnew|pymxs|qgis|scribus|sublime|sublime_plugin|uno|unreal|vim"
    r"|weechat|xbmc\w*)\b"
    r"|^from[ \t]+gi\.repository[ \t]+import\b[^\n]*"
    r"\b(?:Caja|Gedit|Gimp|Nautilus|Nemo|Peas|RB|Totem)\b"
)
# Devices whose Python is no CPython. A computer may have the second kind, too.
_OF_DEVICES = re.compile(
    r"(?m)^(?:import|from)[ \t]+(machine|micropython|pyb|uasyncio|umqtt|usocket)\b"
)
_OF_BOARDS = re.compile(r"(?m)^(?:import|from)[ \t]+(board|digitalio|microcontroller)\b")
_STARTED_BY_BOARDS = frozenset({"boot.py", "code.py"})

# How a program hands on the text of a file.
_READS = re.compile(r"\.read(?:_text|_bytes)?\(|\bget_data\(")
_HANDS_ON = re.compile(
    r"""["']-c["']|\bexec_command\(|\buser_?data\b|cloud-init|["']ssh["']""", re.IGNORECASE
)

# Only for scripts: a package may have a plugin beside it.
_PLUGIN_OF_AN_AGENT = re.compile(r"^\.[a-z]+-plugin$|^SKILL\.md$")

# A program that packs a folder for another program.
_PACKS = re.compile(r"\bzipfile\b|\bmake_archive\(|\b\w*Zip\w*\(")
_FOR_ANOTHER = re.compile(r"plug-?in|add-?on", re.IGNORECASE)
_TAKES_ITS_PACKAGES = re.compile(r"""["']--target\b|\bpip\d? install -t\b|["']-t["']""")

_PYTHON_2 = re.compile(
    r"""(?m)^[ \t]*print[ \t]+(?:["'\w%]|>>)|^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:"""
    r"""|^[ \t]*exec[ \t]+["'\w]|^[ \t]*raise[ \t]+[\w.]+[ \t]*,|<>"""
)
_PYTHON_2_IMAGE = re.compile(
    r"(?m)^\s*(?:FROM|image:)\s*[\"']?(?:[\w./-]*/)?python:2\b|^python-2\."
)
_FILES_OF_IMAGES = ("Dockerfile", "docker-compose.yml", "docker-compose.yaml", "runtime.txt")
# Folders whose files say nothing about the rest of the project.
_NOT_COUNTED = re.compile(
    r"(?i)(?:^|[_.-])(?:build|data|docs?|examples?|externals?|fixtures?|legacy|lib2to3|old|py2|"
    r"python2|samples?|site-packages|tests?|third[_-]party|vendor(?:ed)?|venv|env)(?:[_.-]|$)"
    r"|^\.|node_modules"
)
# Copies of other projects, which are updated from there.
_OF_OTHERS = re.compile(
    r"(?i)_?_vendor(?:ed)?|third[_-]?party|3rd[_-]?party|_?externs?|externals?|site-packages"
)
_SYSTEMS_PYTHON = re.compile(r"\A#!\s*/usr/bin/(?:env +(?:-S +)?)?python3?\s*$", re.MULTILINE)


class Apart:
    """Determines why files run without installed packages. Caches what it has read, for one run."""

    def __init__(self) -> None:
        self._hosts: dict[str, str] = {}
        self._installing: dict[str, list[tuple[str, str]]] = {}
        self._before: dict[tuple[str, str], frozenset[str]] = {}
        self._packed: dict[str, tuple[str, ...]] = {}
        self._python_2: dict[str, bool] = {}
        # As first read: a run rewrites files without changing what they are for.
        self._modules = cache(lambda folder: tuple(_texts(folder)))
        self._runs_inside = cache(self._find_inside)

    def why_at_all(self, path: str, project: Project) -> str:
        """A clause that says why a file cannot import even a copy of the helper in its own folder;
        empty if it can."""
        around = list(_folders(path, project))
        if any(os.path.basename(each) == "module_utils" for each in around):
            return "Ansible sends this module to other machines, where the helper is not"
        for folder in () if project.is_built else around:
            if self._runs_inside(_OF_DEVICES, folder, project.root) or (
                not _STARTED_BY_BOARDS.isdisjoint(names_in(folder))
                and self._runs_inside(_OF_BOARDS, folder, project.root)
            ):
                return "it runs on MicroPython or CircuitPython, which the helper does not"
        if sender := self._sender_of_text(path, project):
            return (
                f"{os.path.basename(sender)} reads the text of this file and has it run elsewhere, "
                "where the helper may not be found"
            )
        return ""

    def _find_inside(self, pattern: re.Pattern[str], folder: str, top: str) -> bool:
        """Whether a module of a folder imports at its start what only another program has."""
        return any(
            not any(found[1] and find_module(each, [found[1]]) for each in (folder, top))
            for _, text in self._modules(folder)
            for found in pattern.finditer(text)
        )

    def _sender_of_text(self, path: str, project: Project) -> str:
        folder, name = os.path.split(path)
        named = re.compile(rf"""["'/]{re.escape(name)}["']""")
        signs = (named, _READS, _HANDS_ON)
        for each in dict.fromkeys((folder, os.path.dirname(folder), project.root)):
            for other, text in self._modules(each) if is_below(each, project.root) else ():
                if other != path and all(sign.search(text) for sign in signs):
                    return other
        return ""

    @staticmethod
    def is_installed_by_host(path: str, project: Project, distribution: str) -> bool:
        """Whether Home Assistant installs a distribution for the integration that has a file."""
        return any(
            distribution in needed
            for folder in _folders(path, project)
            if (needed := _needed_by_integration(folder)) is not None
        )

    def renaming_host(self, path: str, project: Project) -> tuple[str, str]:
        """The program that loads the package of a file as an add-on and under a name of its own,
        and the folder of the add-on; empty if there is none."""
        for folder in _folders(path, project):
            if (host := self._host_of(folder, "")) in _RENAMING:
                return host, folder
        return "", ""

    def why(self, path: str, project: Project, distribution: str) -> str:
        """A clause that says why a file cannot import installed packages; empty if it can.

        Args:
            distribution: the normalised name of the distribution to import.
        """
        around = list(_folders(path, project))
        if any(_OF_OTHERS.fullmatch(os.path.basename(each)) for each in around[:-1]):
            return "this file is a copy of another project's, which imports nothing of this one's"
        for folder in around:
            if host := self._host_of(folder, distribution):
                return f"{host} loads this file as an add-on, without what its project installs"
        is_installed = any(is_below(path, each) for each in project.provides)
        if not is_installed and self._runs_inside(_OF_HOSTS, around[0], project.root):
            return "this file, or one beside it, runs inside another program, which may not have it"
        if import_root(path) == around[0] and any(
            map(_PLUGIN_OF_AN_AGENT.search, (name for each in around for name in names_in(each)))
        ):
            return "this script is part of a plugin, whose users install nothing for it"
        if any(path in self._before_installing(each, path, project) for each in around):
            return (
                "a start script imports this file before it installs anything: "
                "only a copy of the helper (`--vendor`) is there by then"
            )
        if any(is_below(path, each) for each in self._packed_in(project)):
            return "a script packs this file for another program, without what its project installs"
        return ""

    # --- add-ons ------------------------------------------------------------------------

    def _host_of(self, folder: str, distribution: str) -> str:
        if folder not in self._hosts:
            self._hosts[folder] = _host_of(folder, distribution)
        return self._hosts[folder]

    def _packed_in(self, project: Project) -> tuple[str, ...]:
        """The folders that a program at the top of the project packs for another program."""
        root = project.root
        if root not in self._packed:
            self._packed[root] = tuple(_packed(root)) if project.files else ()
        return self._packed[root]

    # --- start scripts ------------------------------------------------------------------

    def _before_installing(self, folder: str, path: str, project: Project) -> frozenset[str]:
        """The files that programs in a folder import before they install anything."""
        if folder not in self._installing:
            self._installing[folder] = [
                each for each in _texts(folder) if _INSTALLS.search(each[1])
            ]
        nearby = os.path.dirname(path)
        key = folder, nearby
        if key not in self._before:
            found: set[str] = set()
            for script, text in self._installing[folder]:
                roots = [folder, project.root, *(root for _, root in project.roots)]
                if re.search(rf"""["'/]{re.escape(os.path.basename(nearby))}["'/]""", text):
                    roots.append(nearby)  # by way of `sys.path`
                found |= _before_it_installs(script, text, dict.fromkeys(roots))
            self._before[key] = frozenset(found)
        return self._before[key]

    # --- Python 2 -----------------------------------------------------------------------

    def is_for_python_2(self, project: Project) -> bool:
        """Whether other files of the program do not parse because they are for Python 2, or its
        container has only Python 2."""
        root = project.root
        if root not in self._python_2:
            self._python_2[root] = _is_for_python_2(root)
        return self._python_2[root]


def runs_by_the_systems_python(path: str, text: str) -> bool:
    """Whether a script is run by the system's Python, or is imported by one that is."""
    if _SYSTEMS_PYTHON.match(text):
        return True
    if text.startswith("#!"):
        return False
    stem = re.escape(os.path.splitext(os.path.basename(path))[0])
    imported = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+{stem}\b")
    return any(
        _SYSTEMS_PYTHON.match(other) and imported.search(other)
        for each, other in _texts(os.path.dirname(path))
        if each != path
    )


def _folders(path: str, project: Project) -> Iterator[str]:
    """The folder of a file and its parents within the project."""
    folder = os.path.dirname(path)
    yield folder
    while folder != project.root and is_below(folder, project.root):
        folder = os.path.dirname(folder)
        yield folder


def _texts(folder: str) -> Iterator[tuple[str, str]]:
    """The modules of a folder, with their text."""
    for name in [each for each in names_in(folder) if each.endswith(".py")][:_MOST_FILES]:
        path = os.path.join(folder, name)
        if text := text_of(path):
            yield path, text


def _host_of(folder: str, distribution: str) -> str:
    """The program that loads a folder as an add-on, unless it installs the distribution for it."""
    names = set(names_in(folder))
    for name, sign, host in _MANIFESTS:
        if name in names and sign.search(text_of(os.path.join(folder, name)) or ""):
            return host
    for pattern, host in _NAMES_OF_MANIFESTS:
        if any(pattern.search(each) for each in names):
            return host
    for pattern, sign, host in _BY_CONTENT:
        if any(
            pattern.search(each) and sign.search(text_of(os.path.join(folder, each)) or "")
            for each in names
        ):
            return host
    needed = _needed_by_integration(folder) if "manifest.json" in names else None
    return "Home Assistant" if needed is not None and distribution not in needed else ""


def _needed_by_integration(folder: str) -> frozenset[str] | None:
    """The distributions that an integration of Home Assistant in a folder lists; None for other
    folders."""
    manifest = _json(os.path.join(folder, "manifest.json"))
    requirements = manifest.get("requirements")
    if not isinstance(manifest.get("domain"), str) or not (
        isinstance(requirements, list) or "custom_components" in folder.split(os.sep)
    ):
        return None
    listed = requirements if isinstance(requirements, list) else []
    return frozenset(dependencies.requirement(each) for each in listed if isinstance(each, str))


def _json(path: str) -> dict[str, Any]:
    try:
        found = json.loads(text_of(path) or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _packed(root: str) -> Iterator[str]:
    for path, text in _texts(root):
        named = f"{os.path.basename(path)}\n{text}"
        if not _PACKS.search(text) or not _FOR_ANOTHER.search(named):
            continue
        if _TAKES_ITS_PACKAGES.search(text):
            continue
        for name in set(re.findall(r"""["'](?:\./)?([\w-]+)/?["']""", text)):
            folder = os.path.join(root, name)
            if os.path.isfile(os.path.join(folder, "__init__.py")):
                yield folder


# --- code that runs before a program installs its packages ------------------------------


def _before_it_installs(script: str, text: str, roots: Iterable[str]) -> set[str]:
    """The program itself, and the files that it imports first; nothing if it installs only when a
    function is called from elsewhere."""
    tree = dependencies.parsed(text)
    row = _row_of_installation(tree, text) if tree is not None else None
    if tree is None or row is None:
        return set()
    found = {script}
    first = [each for each in tree.body if each.lineno < row and not handles_import_errors(each)]
    waiting = [each for root in roots for each in run_imports(first, script, root)]
    while waiting and len(found) < _MOST_IMPORTED:
        here = waiting.pop()
        if here in found or not here.endswith(".py"):
            continue
        found.add(here)
        module = dependencies.parsed(text_of(here) or "")
        body = module.body if module is not None else ()
        for root in {import_root(here), *roots}:
            waiting += run_imports(body, here, root)
    return found


def handles_import_errors(statement: ast.AST) -> bool:
    """Whether a statement handles the error of a failing import in it."""
    return isinstance(statement, ast.Try) and any(
        handler.type is None
        or any(
            isinstance(node, ast.Name) and node.id in _IMPORT_ERRORS
            for node in ast.walk(handler.type)
        )
        for handler in statement.handlers
    )


def _row_of_installation(tree: ast.Module, text: str) -> int | None:
    """The row of the module-level statement that installs packages."""
    rows = [text.count("\n", 0, found.start()) + 1 for found in _INSTALLS.finditer(text)]
    # Making an object of a class may install, too: `Install(sys.argv)`.
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    installing: set[str] = set()
    own = [each for each in tree.body if not isinstance(each, definitions)]
    defined = [each for each in tree.body if isinstance(each, definitions)]
    for each in defined:
        if any(each.lineno <= row <= (each.end_lineno or row) for row in rows):
            installing.add(each.name)
    grown = True
    while grown:
        more = {f.name for f in defined if f.name not in installing and _calls(f, installing)}
        installing |= more
        grown = bool(more)
    return next(
        (
            each.lineno
            for each in own
            if any(each.lineno <= row <= (each.end_lineno or row) for row in rows)
            or _calls(each, installing)
        ),
        None,
    )


def _calls(node: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in names
        for each in ast.walk(node)
    )


# --- Python 2 ---------------------------------------------------------------------------


def _is_for_python_2(root: str) -> bool:
    for name in _FILES_OF_IMAGES:
        if _PYTHON_2_IMAGE.search(text_of(os.path.join(root, name)) or ""):
            return True
    seen = old = 0
    waiting = [root]
    while waiting and seen < _MOST_IMPORTED:
        folder = waiting.pop(0)
        for _, text in _texts(folder):
            seen += 1
            old += bool(_PYTHON_2.search(text)) and dependencies.parsed(text) is None
        waiting += [
            os.path.join(folder, each)
            for each in names_in(folder)
            if not _NOT_COUNTED.search(each)
            and "." not in each
            and os.path.isdir(os.path.join(folder, each))
        ]
    # One or two of many may be leftovers.
    return old > 1 and 20 * old >= seen
