"""Asks git for the files of a revision, and for the file with the user's own ignore patterns.

A checked tree may contain something that git treats as a repository with its own settings, and git
settings can name commands. So git only runs at the top of the repository in which the user started
the command, whose settings are the user's own. It is asked for objects by name, with everything
turned off that could run a command, fetch or wait. For settings it is asked outside of any
repository.
"""

import os
import sys
from dataclasses import dataclass
from functools import lru_cache

from atomic_fix.settings import ConfigError
from atomic_fix.source import relative_if_inside

_TIMEOUT = 60
"""Seconds."""
_OFF = (
    "safe.bareRepository=explicit",
    "protocol.allow=never",
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
)
# Variables that say where the user's git settings are, and how far up git may search.
_KEPT = (
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
)
_SET = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class _Refused(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and the top folder of its repository."""

    top: str
    commit: str

    def content(self, path: str) -> bytes | None:
        """The content of the file in the commit; None if it did not exist, or is not in this
        repository.

        Raises:
            ConfigError: git fails.
        """
        folder, name = os.path.split(os.path.abspath(path))
        relative = relative_if_inside(os.path.join(os.path.realpath(folder), name), self.top)
        if relative is None:
            return None
        try:
            listed = _asked(self.top, "ls-tree", "-z", "--full-tree", self.commit, "--", relative)
            found = listed.partition(b"\t")[0].decode("ascii").split()
            # Links, which git stores as text, and nested repositories are not files of the commit.
            if len(found) != 3 or not found[0].startswith("100"):
                return None
            return _asked(self.top, "cat-file", "blob", found[2])
        except _Refused as error:
            raise ConfigError(
                "git cannot read the old version, and in a partial clone is not asked to fetch "
                f"it: {error}"
            ) from error


def revision(name: str) -> Revision:
    """The commit with this name in the repository of the current folder.

    Raises:
        ConfigError: there is no repository, no such commit, or no git.
    """
    here = os.getcwd()
    folder = here
    while not os.path.lexists(os.path.join(folder, ".git")):
        if _looks_like_a_repository(folder):
            # git itself rejects it only since 2.38.
            raise ConfigError(
                f"--diff-base: {folder} looks like a bare repository of git, which may name "
                "commands to run: start at the top of your checkout"
            )
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    try:
        top = os.fsdecode(_asked(here, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
        commit = _asked(
            top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
    except _Refused as error:
        why = f": {error}" if str(error) else ""
        raise ConfigError(f"--diff-base: git knows no revision `{name}` here{why}") from error
    return Revision(os.path.realpath(top), commit.decode("ascii").strip())


def excludes_file() -> str:
    """The file with the ignore patterns for all repositories of this user: the one that
    `core.excludesFile` of the user or the system names, or else the default, whether or not it
    exists. Empty if the setting is empty or not an absolute path."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    usual = os.path.join(base, "git", "ignore")
    outside = f"--git-dir={os.devnull}"
    try:
        said = _asked(os.path.abspath(os.sep), outside, "config", "--path", "core.excludesFile")
    except (_Refused, ConfigError):  # it is not set, or git is not installed
        return usual
    named = os.fsdecode(said.removesuffix(b"\n"))
    return named if os.path.isabs(named) else ""


def _looks_like_a_repository(folder: str) -> bool:
    def has(name: str) -> bool:
        return os.path.lexists(os.path.join(folder, name))

    return has("HEAD") and (has("commondir") or (has("objects") and has("refs")))


def _asked(folder: str, *arguments: str) -> bytes:
    """The output of git.

    Raises:
        _Refused: it fails; the exception has its error message.
        ConfigError: it cannot be run.
    """
    import subprocess

    settings = [word for each in _OFF for word in ("-c", each)]
    command = [_git(), "--no-pager", "--literal-pathspecs", *settings, *arguments]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_KEPT)
    }
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**kept, **_SET},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except OSError as error:
        raise ConfigError(f"--diff-base: git cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"--diff-base: git took longer than {_TIMEOUT} s") from error
    if done.returncode != 0:
        raise _Refused(done.stderr.decode("utf-8", "replace").strip().split("\n")[0])
    return done.stdout


@lru_cache
def _git() -> str:
    """The absolute path of git: Windows would search the current folder first.

    Raises:
        ConfigError: it is not installed.
    """
    name = "git.exe" if sys.platform == "win32" else "git"
    for folder in os.get_exec_path():
        whole = os.path.join(folder, name)
        if os.path.isabs(folder) and os.path.isfile(whole) and os.access(whole, os.X_OK):
            return whole
    raise ConfigError("--diff-base: git cannot be run: it is not in any folder of PATH")
