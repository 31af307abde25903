"""Finds what brings a program up to date by itself: by `git pull`, or from an archive of its
repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from atomic_fix.run.module_files import names_in
from atomic_fix.run.project import text_of

_MOST_READ = 2000

_REPOSITORY = re.compile(
    r"raw\.githubusercontent\.com|api\.github\.com/repos|codeload\.github\.com"
    r"|github\.com/[^\s\"']*/(?:archive|raw|zipball|tarball)|/(?:zipball|tarball)\b"
    r"|gitlab\.com/[^\s\"']*/(?:archive|raw)|/archive/[^\s\"']*\.(?:zip|tar)\b"
)
_FETCHES = re.compile(
    r"\burlopen\b|\burlretrieve\b|\brequests\.|\bhttpx\b|\baiohttp\b|\bsession\.get\(|\bhttp\.client\b"
    r"|\burllib3\b|\bPoolManager\(|[\"', (](?:curl|wget)[\"', ]"
)
_WRITES = re.compile(
    r"""\bextractall\(|\.extract\(|\bshutil\.(?:move|copy\w*)\(|\bos\.(?:renames?|replace)\("""
    r"""|\bcopy_?tree\(|\bunpack_archive\(|\bwrite_(?:bytes|text)\(|\bopen\([^\n]*,\s*["']w"""
)
# `git pull`, in one text, in a list, or with options between the two.
_BETWEEN = r"""["', ]+(?:-[\w-]+["', =]+(?:[\w.{}()\[\]/=]+["', ]+)?)*"""
_PULLS = re.compile(rf"\bgit{_BETWEEN}(?:pull\b|reset[\"', ]+--hard\b)")
# The same by a function of the program that puts `git` in front: `run_git("pull origin " + name)`.
_RUNS_GIT = re.compile(
    r"""["']git ?["']\s*(?:\+|%|,\s*\*|\]\s*\+)|["']git (?:\{|%s)"""
    r"""|\b\w*[gG]it\w*\(\s*\[?\s*[rf]?["']"""
)
_PULL_IS_ARGUMENT = re.compile(
    r"""(?<!\.get)(?<!\.join)[(\[]\s*[rf]?["'](?:pull\b(?!-)|reset[\"', ]+--hard\b)"""
)
_FETCH_IS_ARGUMENT = re.compile(r"""(?:\bgit[\"', ]+|[(\[]\s*[rf]?["'])fetch\b[ "']""")
_TAKES_OVER = re.compile(r"""(?:\bgit[\"', ]+|[(\[]\s*[rf]?["'])(?:checkout|merge|rebase)\b[ "']""")
_USES_LIBRARY = re.compile(r"(?m)\b(?:import|from)[ \t]+(?:git|dulwich|pygit2)\b")
_PULLS_BY_LIBRARY = re.compile(
    r"\.pull\(|\.reset\([^\n]*(?:--hard|hard|working_tree)|\bcheckout_(?:tree|head)\("
)
_RESTARTS = re.compile(r"\bos\.exec[lv]|\bsys\.executable\b")
# A command for the folder in which the program was started, and signs of another folder.
_IN_CURRENT = re.compile(
    r"""(?:system|run|call|check_call|check_output|Popen|popen|shell|exec)\(\s*\[?\s*[rf]?["']git\b"""
)
_ELSEWHERE_THAN_OWN = re.compile(
    r"""(?:\bcwd[ \t]*=[ \t]*|["' ]-C["', ]+|\bRepo\(\s*)"""
    r"""(?:self\.)?(?:path|folder|dir\w*|repo\w*|dest\w*|target\w*|\w+_(?:path|dir))\b"""
)
_THIS_REPOSITORY = re.compile(r"""\bRepo\(\s*(?:\)|["']\.?["']|os\.getcwd|search_parent)""")
_ELSEWHERE = re.compile(r"""\bcwd\b|\bchdir\(|["' ]-C["' ]|\bRepo\(""")
_OWN_PATH = re.compile(r"\b__file__\b|\bsys\.argv\[0\]")
_OWN_FOLDER = re.compile(
    r"(?m)^[ \t]*(?:\w+\.)*(\w{3,})[ \t]*=[^=\n][^\n]*(?:\b__file__\b|\bsys\.argv\[0\])"
)
_IS_A_FOLDER = re.compile(
    r"^_?[A-Z][A-Z0-9_]*(?:DIR|DIRECTORY|FOLDER|HOME|PATH|ROOT|BASE)$|^(?:ROOT|BASE|HERE|HOME)$"
    r"|(?i:^_?(?:app|base|code|full|home|install|main|own|prog|program|project|root|run|src)_?"
    r"(?:dir|directory|folder|path|root)$)"
)
# Of a text in lower case. Each begins with plain text, which is found many times faster.
_UPDATES = (
    re.compile(r"updat(?:(?<=selfupdat)|(?<=self[_ -]updat)|(?<=autoupdat)|(?<=auto[_ -]updat))"),
    re.compile(r"def (?<!\wdef )\w*(?:(?:updat|upgrad)\w*\(|git_?pull)"),
)
_INSTALLS = re.compile(
    r"\bpip3?\b[\"', \t]+install\b|\brequirements[\w-]*\.txt\b|\buv\b.{0,5}\b(?:sync|pip)\b"
    r"|\bpipx\b|\bpoetry\b[\"', \t]+install\b"
)
_SHELL = re.compile(r"(?i)\.(?:sh|bash|bat|cmd|ps1|command)$")
_FOLDERS_OF_SHELL = ("", "bin", "deploy", "scripts")
_STARTS_AGAIN = re.compile(
    r"(?m)\bpython[\d.]*(?:\.exe)?[ \t]+(?:-[a-zA-Z][ \t]+)*[\w./\\${}-]*\w\.py\b"
    r"|\bpython[\d.]*[ \t]+-m[ \t]+(?!build\b|pytest\b|unittest\b)\w"
    r"|\b(?:systemctl|service|supervisorctl|pm2)\b[^\n]*\brestart\b"
)
_INSTALLS_OR_RELEASES = re.compile(
    r"\bpip[\d.]*\b[\"']?[ \t]+(?:--?\S+[ \t]+)*install\b|\brequirements\b"
    r"|\b(?:uv|poetry|pipenv|pdm|pixi|conda|mamba|hatch|tox|nox|docker|podman|make|twine)\b"
    r"|\bgit[ \t]+(?:push|tag|commit)\b|\bsetup\.py\b"
)
_NOT_THE_PROGRAM = re.compile(r"(?i)^(?:tests?|docs?|examples?|venv|env|build|dist)$")
_FOR_DEVELOPERS = re.compile(r"(?i)^(?:tools|utils|installers?|scripts)$")


def updater(root: str) -> str:
    """The module, or the shell script, of a project that replaces the modules of the project with
    newer ones, and installs nothing for them; empty when none does."""
    folders: set[str] = set()
    waiting = []
    for number, (path, text) in enumerate(_all_modules(root)):
        if number >= _MOST_READ:
            break
        if "__file__" in text or "sys.argv[0]" in text:
            folders.update(filter(_IS_A_FOLDER.search, _OWN_FOLDER.findall(text)))
        if not _is_about_updates(text) or _INSTALLS.search(text):
            continue
        pulls = _pulls(text)
        by_library = not pulls and _pulls_by_library(text)
        if not (pulls or by_library) and not (
            _REPOSITORY.search(text) and _FETCHES.search(text) and _WRITES.search(text)
        ):
            continue
        if _RESTARTS.search(text) and (pulls or (by_library and _THIS_REPOSITORY.search(text))):
            return path
        if (_OWN_PATH.search(text) and not (pulls and _ELSEWHERE_THAN_OWN.search(text))) or (
            pulls and _IN_CURRENT.search(text) and not _ELSEWHERE.search(text)
        ):
            return path
        waiting.append((path, text))
    for path, text in waiting:
        # The folder of the program, by a name that another module gives it.
        words = "|".join(map(re.escape, sorted(folders)))
        if words and re.search(rf"\.(?:{words})\b|\bimport[ \t(][^\n]*\b(?:{words})\b", text):
            return path
        if re.search(r"\bcwd[ \t]*=[ \t]*(?:\w+\.)*_?(?:\w+_)?(?:APP|BASE|HOME|PROG|ROOT)", text):
            return path
    return _updating_script(root)


def _is_about_updates(text: str) -> bool:
    lower = text.lower()
    return any(pattern.search(lower) for pattern in _UPDATES)


def _pulls(text: str) -> bool:
    """Whether a module takes over what its repository has."""
    # Plain words first: each pattern takes as long as everything else for a module.
    if "git" not in text and "Git" not in text:
        return False
    if "pull" in text or "reset" in text:
        if _PULLS.search(text):
            return True
        if _PULL_IS_ARGUMENT.search(text) and _RUNS_GIT.search(text):
            return True
    return (
        "git" in text
        and "fetch" in text
        and _FETCH_IS_ARGUMENT.search(text) is not None
        and _TAKES_OVER.search(text) is not None
    )


def _pulls_by_library(text: str) -> bool:
    return _USES_LIBRARY.search(text) is not None and _PULLS_BY_LIBRARY.search(text) is not None


def _updating_script(root: str) -> str:
    """The shell script that pulls and then starts the program again; empty when none does."""
    for inside in _FOLDERS_OF_SHELL:
        folder = os.path.join(root, inside) if inside else root
        for name in filter(_SHELL.search, names_in(folder)):
            text = re.sub(
                r"(?m)(?:^|[ \t])(?:#|rem\b|::).*", "", text_of(os.path.join(folder, name)) or ""
            )
            pull = _PULLS.search(text)
            if pull is None or _INSTALLS_OR_RELEASES.search(text):
                continue
            if _STARTS_AGAIN.search(text, pull.end()):
                return os.path.join(folder, name)
    return ""


def _all_modules(root: str) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each.isidentifier()
            and not _NOT_THE_PROGRAM.search(each)
            and not (folder == root and _FOR_DEVELOPERS.search(each))
        )
        for name in sorted(names):
            if name.endswith(".py") and name != "setup.py" and (
                text := text_of(os.path.join(folder, name))
            ):  # fmt: skip
                yield os.path.join(folder, name), text
