"""Finds what declares the needs of a program besides the files of Python's own packaging: packages
of distributions, apps and images, build systems, and lists of requirements anywhere in the tree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from atomic_fix.run.module_files import names_in
from atomic_fix.run.project import text_of

_MOST_FOLDERS = 300
_DEPTH = 3
_SKIPPED = re.compile(
    r"(?i)^(?:\.(?!github$|flatpak|snap).*|node_modules|venv|env|site-packages|tests?|fixtures?|"
    r"__pycache__)$"
)
_MOST_ROWS = 1000
_REQUIREMENT = re.compile(
    r"-r\s+\S+|[A-Za-z0-9][\w.-]*(?:\[[\w,. -]+\])?\s*(?:[=<>~!]=?=?[^#]*|@[^#]*|;[^#]*)?"
)
_PINNED = re.compile(r"[=<>~]=")
_OURS = re.compile(r"(?i)\batomic[-_.]fix\b")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of file by its name and content. `alone`: the program has what it lists, and nothing
    that the project declares elsewhere; `as_well`: it lists what the program needs once more."""

    name: re.Pattern[str]
    content: re.Pattern[str]
    alone: bool = False
    as_well: bool = False


_KINDS = (
    # PyInstaller's files of that name are Python, and Buildozer's is an INI file.
    _Kind(
        re.compile(r"\.spec(?:\.in)?$"),
        re.compile(
            r"(?mi)^(?:Build)?Requires:[^\n]*\bpython|^%py3?_(?:install|build)|%\{?python3?_site"
        ),
        as_well=True,
    ),
    _Kind(re.compile(r"^buildozer\.spec$"), re.compile(r"(?m)^requirements\s*="), alone=True),
    _Kind(
        re.compile(r"^control(?:\.in)?$"),
        re.compile(r"(?mi)^\s*(?:Depends|Build-Depends)?:?[^\n]*\bpython3?-\w"),
        as_well=True,
    ),
    _Kind(re.compile(r"^(?:PKG|APK)BUILD$"), re.compile(r"\bpy(?:thon|3)-\w"), as_well=True),
    _Kind(re.compile(r"\.ebuild$"), re.compile(r"\bdev-python/"), as_well=True),
    _Kind(re.compile(r"^meta\.ya?ml$"), re.compile(r"(?m)^requirements:"), as_well=True),
    _Kind(
        re.compile(r"^CMakeLists\.txt$"),
        re.compile(
            r"(?i)python\w*_(?:install|site)|site-packages|find_package\s*\(\s*python"
            r"|\bpython3?_add_|\.py\b"
        ),
    ),
    _Kind(
        re.compile(r"^meson\.build$"),
        re.compile(r"import\(\s*'python'|find_installation|install_sources|\.py'"),
    ),
    _Kind(
        re.compile(r"^(?:configure\.ac|Makefile\.am)$"),
        re.compile(r"AM_PATH_PYTHON|_PYTHON\s*=|pythondir"),
    ),
    _Kind(re.compile(r"^snapcraft\.ya?ml$"), re.compile(r"(?m)^parts\s*:")),
    _Kind(
        re.compile(r"^(?:[\w-]+\.){3,}(?:json|ya?ml)$|flatpak.*\.(?:json|ya?ml)$"),
        re.compile(r"""(?m)^[ \t]*["']?finish-args["']?\s*:"""),
    ),
    _Kind(re.compile(r"\.nix$"), re.compile(r"(?i)\bpython")),
    _Kind(re.compile(r"^(?:guix|manifest)\.scm$"), re.compile(r"\bpython")),
    _Kind(
        re.compile(r"^BUILD(?:\.bazel)?$|^TARGETS$|^pants\.toml$"),
        re.compile(
            r"\bpy_(?:library|binary)\(|\bpython_(?:library|binary|sources?)\b|backend\.python"
        ),
    ),
    # A program in another language may hand its scripts out one by one.
    _Kind(
        re.compile(r"^(?:package\.json|go\.mod|Cargo\.toml|pom\.xml|composer\.json|Gemfile)$"),
        re.compile(r"\S"),
    ),
    _Kind(re.compile(r"^MANIFEST\.in$"), re.compile(r"(?m)^(?:recursive-)?(?:include|graft)\b")),
    _Kind(
        re.compile(
            r"^(?:[\w.-]*[-_.])?(?:requirements?|requires|reqs)[\w.-]*\.(?:txt|in|pip)$"
            r"|^environment[\w.-]*\.ya?ml$|^(?:poetry|uv|pdm)[\w.-]*\.lock$|^pylock[\w.-]*\.toml$"
        ),
        re.compile(r"\w"),
    ),
    _Kind(
        re.compile(
            r"(?i)^(?:docker|container)file|\.(?:dockerfile|sh|bash|bat|cmd|ps1|service)$"
            r"|compose[\w.-]*\.ya?ml$|^(?:makefile|justfile|procfile|vagrantfile)$"
        ),
        re.compile(
            r"\bpip[\d.]*[\"']?\s+install\b|\bpython3?-\w"
            # Started by the system's Python, or copied to where that runs it.
            r"|(?m:^ExecStart=/usr/bin/(?:env\s+)?python)"
            r"|\b(?:install|cp)\b[^\n]*\.py\b[^\n]*/bin\b"
        ),
    ),
    # The commands that a reader is told to run.
    _Kind(
        re.compile(
            r"(?i)^(?:readme|install|usage|setup|quick[-_]?start|getting[-_]started)[\w.-]*$"
        ),
        re.compile(
            r"\bpip[\d.]*[ \t]+install[ \t]+(?:(?:-U|-q|--upgrade|--user|--quiet)[ \t]+)*"
            r"[\"'`]?[A-Za-z][\w.-]*[\w\]](?![\w.-]*[/\\:])"
        ),
    ),
    # Programs that a browser runs.
    _Kind(re.compile(r"\.html?$"), re.compile(r"<py-(?:config|script)\b|\bloadPyodide\(")),
    # Environments of conda under any name, cloud-init, Ansible, and Airflow's own setting.
    _Kind(
        re.compile(r"\.ya?ml$"),
        re.compile(
            r"""(?m)^dependencies\s*:\s*\n(?:\s*-[^\n]*\n)*?\s*-\s*["']?(?:[\w.-]+::)?(?:python|pip)\b"""
            r"|^(?:runcmd|packages)\s*:|^\s*(?:-\s+)?(?:ansible\.builtin\.)?pip\s*:"
            r"|_PIP_ADDITIONAL_REQUIREMENTS"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Packaging:
    """A file that declares what a program needs."""

    file: str
    has_ours: bool
    """Whether it names atomic-fix."""
    alone: bool
    as_well: bool


def packagings(root: str) -> tuple[Packaging, ...]:
    """The files in a tree that declare what programs need; those at the top first."""
    return tuple(_found(root))


def _is_list(text: str) -> bool:
    """Whether a text is a list of requirements, whatever its name: it pins most of them."""
    rows = [row for each in text.splitlines() if (row := each.partition("#")[0].strip())]
    return (
        0 < len(rows) < _MOST_ROWS
        and all(map(_REQUIREMENT.fullmatch, rows))
        and 2 * sum(map(bool, map(_PINNED.search, rows))) >= len(rows)
    )


def _found(root: str) -> Iterator[Packaging]:
    waiting = [(root, 0)]
    seen = 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        for name in names_in(folder):
            path = os.path.join(folder, name)
            for kind in _KINDS:
                if kind.name.search(name) is None or (
                    name.startswith("control") and os.path.basename(folder) != "debian"
                ):
                    continue
                text = re.sub(r"(?m)^[ \t]*#.*", "", text_of(path) or "")
                if kind.content.search(text):
                    yield Packaging(path, bool(_OURS.search(text)), kind.alone, kind.as_well)
                    break
            else:
                if name.endswith(".txt") and _is_list(text := text_of(path) or ""):
                    yield Packaging(path, bool(_OURS.search(text)), alone=False, as_well=False)
            is_inner = depth < _DEPTH and "." not in name[1:] and not _SKIPPED.search(name)
            if is_inner and os.path.isdir(path):
                waiting.append((path, depth + 1))
