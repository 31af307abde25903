"""The steps of `action.yml`, in Python so that they work in the same way on Linux, macOS and
Windows runners.

Run as `action.py key`, `action.py install` and `action.py check`, with the inputs in environment
variables. Uses only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = ("pyproject.toml", "README.md", "LICENSE", "src")
_MERGE = 2
"""Parents of a merge."""


def lines(text: str) -> list[str]:
    """The non-blank lines of an input."""
    return [each.strip() for each in text.splitlines() if each.strip()]


def requirement(version: str, action: str) -> str:
    """The requirement for pip: by default the commit of the action itself."""
    if not version:
        return action
    return f"atomic-fix=={version}" if re.fullmatch(r"v?\d[\w.]*", version) else version


def key(version: str, action: Path) -> str:
    """The key of the cache, made of everything that the wheels depend on. The suffix of extension
    modules tells a free-threaded Python from another one of the same version, and musl from
    glibc."""
    digest = hashlib.sha256(version.encode())
    for path in _files(action):
        digest.update(f"{path.relative_to(action).as_posix()}\0".encode() + path.read_bytes())
    digest.update(str(sysconfig.get_config_var("EXT_SUFFIX")).encode())
    system = (sys.platform, platform.machine(), f"{sys.version_info[0]}.{sys.version_info[1]}")
    return "-".join(("atomic-fix", *system, digest.hexdigest()[:32]))


def _files(action: Path) -> Iterator[Path]:
    for name in _PACKAGE:
        path = action / name
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.py") if each.is_file())
        else:
            yield path


def python_of(environment: Path, system: str = os.name) -> Path:
    """The Python interpreter of a virtual environment."""
    if system == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def install(folder: Path, wanted: str) -> None:
    """Create an environment with the tool, from cached wheels if there are any."""
    wheels = folder / "wheels"
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", str(environment))
    python = str(python_of(environment))
    quiet = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    if not any(wheels.glob("atomic_fix-*.whl")):
        _run(python, *quiet, "wheel", "--wheel-dir", str(wheels), wanted)
    found = map(str, sorted(wheels.glob("*.whl")))
    _run(python, *quiet, "install", "--no-index", *found)


def _run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode:
        sys.exit(1)


def _git(*arguments: str) -> str:
    """The output of git, empty if it fails. Commit messages may be in any encoding."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def diff_base(given: str) -> str:
    """The revision to compare with, empty for none."""
    if given != "auto":
        return given
    name = os.environ.get("GITHUB_EVENT_PATH", "")
    event = json.loads(Path(name).read_text(encoding="utf-8")) if name else {}
    if "pull_request" not in event:
        return ""
    # By default the merge of a pull request with its base is checked out; the base is its first
    # parent.
    head = _git("cat-file", "commit", "HEAD").partition("\n\n")[0]
    parents = re.findall(r"^parent (\w+)$", head, re.MULTILINE)
    base = event["pull_request"]["base"]["sha"]
    found = parents[0] if len(parents) == _MERGE else _git("merge-base", base, "HEAD")
    if not found or not _git("cat-file", "-t", found):
        sys.exit(
            "::error::diff-base: auto needs the base of the pull request: check out with"
            " `fetch-depth: 2`, or `fetch-depth: 0` where `ref` is set"
        )
    return found


def arguments(environment: dict[str, str]) -> list[str]:
    """The arguments for the command."""
    found = lines(environment["ARGUMENTS"])
    if environment["CONFIG"]:
        found.append(f"--config={environment['CONFIG']}")
    if environment["BASELINE"]:
        found.append(f"--baseline={environment['BASELINE']}")
    base = diff_base(environment["DIFF_BASE"])
    if base:
        found.append(f"--diff-base={base}")
    return [*found, "--", *(lines(environment["PATHS"]) or ["."])]


def check(folder: Path, given: list[str]) -> tuple[Path, int]:
    """Check twice, the second time from the cache: as SARIF, and as annotations in the log."""
    # The runner reads UTF-8, which Python does not write to a pipe on Windows by default.
    python = str(python_of(folder / "environment"))
    command = [python, "-I", "-X", "utf8", "-m", "atomic_fix"]
    sarif = folder / "atomic-fix.sarif"
    sarif.unlink(missing_ok=True)  # a job may use the action twice
    to_file = ("--output-format=sarif", f"--output-file={sarif}")
    code = subprocess.run([*command, *to_file, *given], check=False).returncode
    if not sarif.is_file():
        sys.exit(code or 1)
    subprocess.run([*command, "--output-format=github", *given], check=False)
    return sarif, code


def put_out(**values: object) -> None:
    """Set the outputs of the step."""
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        file.writelines(f"{name.replace('_', '-')}={value}\n" for name, value in values.items())


def main(step: str) -> None:
    """Run one step."""
    environment = dict(os.environ)
    if step == "key":
        found = key(environment["VERSION"], Path(environment["ACTION"]))
        # A folder for each key: a job may use the action twice, with different versions.
        put_out(key=found, folder=Path(environment["TEMPORARY"], found[-12:]))
    elif step == "install":
        wanted = requirement(environment["VERSION"], environment["ACTION"])
        install(Path(environment["FOLDER"]), wanted)
    else:
        sarif, code = check(Path(environment["FOLDER"]), arguments(environment))
        put_out(sarif=sarif, exit_code=code)


if __name__ == "__main__":
    main(sys.argv[1])
