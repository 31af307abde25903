"""`--vendor`, `--vendor-check`, `--vendor-update`: copies of the helper in other projects."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix import __version__, runtime
from atomic_fix.cli import main
from atomic_fix.run.toml_setting import AlreadySet, with_setting
from atomic_fix.settings import toml

HELPER = Path(runtime.__file__ or "")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def copy(here: Path) -> Path:
    """A new copy in `here`."""
    assert run("--vendor", "atomic_io.py").exit_code == 0
    return here / "atomic_io.py"


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def of_version(content: bytes, version: str, *, changed: bool = True) -> bytes:
    """The copy as another release would have made it, with a matching digest."""
    first, body = content.split(b"\n", 1)
    if changed:
        body += b"\n# as it was then\n"
    digest = hashlib.sha256(body).hexdigest().encode()
    first = re.sub(rb"atomic-fix \S+,", b"atomic-fix %b," % version.encode(), first)
    return re.sub(rb"[0-9a-f]{64}", digest, first) + b"\n" + body


def lines(*arguments: str, code: int) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    return result.output.splitlines()


# Making one.


def test_the_copy_is_the_helper_below_a_header(here: Path) -> None:
    result = run("--vendor", "atomic_io.py")
    assert result.exit_code == 0
    assert result.stdout == f"atomic_io.py: copied from atomic-fix {__version__}\n"
    content = (here / "atomic_io.py").read_bytes()
    assert content.endswith(HELPER.read_bytes())
    first, body = content.split(b"\n", 1)
    digest = hashlib.sha256(body).hexdigest()
    assert first.decode() == f"# atomic-fix {__version__}, helper, sha256:{digest}"
    header = body.removesuffix(HELPER.read_bytes()).decode().splitlines()
    assert all(line.startswith("#") for line in header)
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()
    notice = licence[2].replace("Copyright (c)", "# SPDX-FileCopyrightText:")
    assert header[:2] == [notice, f"# SPDX-License-Identifier: {licence[0].split()[0]}"]
    assert {each.name for each in here.iterdir()} == {"atomic_io.py", "atomic-fix.toml"}


@pytest.mark.parametrize(
    ("path", "packages", "module"),
    [
        ("atomic_io.py", [], "atomic_io"),
        ("src/app/atomic_io.py", ["src/app"], "app.atomic_io"),
        ("app/inner/files.py", ["app", "app/inner"], "app.inner.files"),
    ],
)
def test_says_how_fixes_come_to_import_it(
    here: Path, path: str, packages: list[str], module: str
) -> None:
    (here / path).parent.mkdir(parents=True, exist_ok=True)
    for package in packages:
        (here / package / "__init__.py").touch()
    assert f'helper = "{module}"' in run("--vendor", path).stderr
    (here / path).unlink()
    (here / "atomic-fix.toml").write_text(f'helper = "{module}"')
    assert run("--vendor", path).stderr == ""


def test_a_copy_that_is_current_is_left(copy: Path) -> None:
    before = copy.stat()
    assert lines("--vendor", "atomic_io.py", code=0) == ["atomic_io.py: current"]
    after = copy.stat()
    # The time of the last access may change: it was read.
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("content", [b"", b"def mine(): ...\n", b"\xff\0"])
def test_another_file_is_not_overwritten(here: Path, content: bytes) -> None:
    (here / "mine.py").write_bytes(content)
    (line,) = lines("--vendor", "mine.py", code=2)
    assert line == (
        "atomic-fix: error: --vendor: mine.py: already exists and is not a copy; left unchanged"
    )
    assert (here / "mine.py").read_bytes() == content


def test_a_link_that_leads_nowhere_is_not_followed(here: Path) -> None:
    (here / "link.py").symlink_to("elsewhere.py")
    lines("--vendor", "link.py", code=2)
    assert list(here.iterdir()) == [here / "link.py"]


def test_edits_and_old_copies_are_not_overwritten(copy: Path) -> None:
    for content, word in (
        (copy.read_bytes() + b"#", "edited since"),
        (of_version(copy.read_bytes(), "0.0.9"), "use --vendor-update"),
    ):
        copy.write_bytes(content)
        (line,) = lines("--vendor", "atomic_io.py", code=2)
        assert "atomic_io.py: not copied again: " in line
        assert word in line
        assert copy.read_bytes() == content


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".", "is a folder; name a file: ./atomic_io.py"),
        ("atomic_io", "cannot be imported"),
        ("atomic-io.py", "cannot be imported"),
        ("class.py", "cannot be imported"),
        ("atomic_io.pyi", "cannot be imported"),
        ("", "cannot be imported"),
        ("missing/atomic_io.py", "No such file or directory (there is no folder 'missing')"),
    ],
)
def test_places_where_it_cannot_go(here: Path, path: str, reason: str) -> None:
    (line,) = lines("--vendor", path, code=2)
    assert line.startswith("atomic-fix: error: --vendor: ")
    assert line.endswith(reason)
    assert list(here.iterdir()) == []


def test_one_thing_at_a_time(copy: Path) -> None:
    before = copy.read_bytes()
    for arguments in (
        ["--vendor", "x.py", "src"],
        ["--vendor", "x.py", "--vendor-check"],
        ["--vendor-check", "--vendor-update"],
        ["--vendor-update", "--write"],
        ["--vendor-check", "-"],
    ):
        assert run(*arguments).exit_code == 2
    assert copy.read_bytes() == before
    assert not Path("x.py").exists()


# The setting that makes fixes import it.


PROJECT = """\
# The project.\r
[project]\r
name = "app"   # as it is\r
"""


def vendored(config: Path, content: str) -> str:
    """The configuration after `--vendor`; a second run changes nothing."""
    config.write_bytes(content.encode())
    (config.parent / "app").mkdir(exist_ok=True)
    (config.parent / "app" / "__init__.py").touch()
    result = run("--vendor", "app/atomic_io.py")
    assert result.exit_code == 0, result.output
    after = config.read_bytes().decode()
    again = run("--vendor", "app/atomic_io.py")
    assert (again.exit_code, again.stdout) == (0, "app/atomic_io.py: current\n")
    assert config.read_bytes().decode() == after
    return after


@pytest.mark.parametrize(
    ("content", "addition"),
    [
        (PROJECT, "\r\n[tool.atomic-fix]\r\nhelper = 'app.atomic_io'\r\n"),
        ("", "[tool.atomic-fix]\nhelper = 'app.atomic_io'\n"),
        ("[tool.x]\na = 1", "\n\n[tool.atomic-fix]\nhelper = 'app.atomic_io'\n"),
    ],
)
def test_the_setting_goes_to_the_end_of_pyproject(here: Path, content: str, addition: str) -> None:
    after = vendored(here / "pyproject.toml", content)
    assert after == content + addition.replace("'", '"')


SETTING = 'helper = "app.atomic_io"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[tool.atomic-fix]  # ours\n# words\nignore = []\n\n[tool.x]\na = 1\n",
            f"[tool.atomic-fix]  # ours\n{SETTING}\n# words\nignore = []\n\n[tool.x]\na = 1\n",
        ),
        ("[tool.atomic-fix]", f"[tool.atomic-fix]\n{SETTING}\n"),
        ("[ tool . 'atomic-fix' ]\n", f"[ tool . 'atomic-fix' ]\n{SETTING}\n"),
        (
            "[tool]\natomic-fix.ignore = []\n",
            f"[tool]\natomic-fix.{SETTING}\natomic-fix.ignore = []\n",
        ),
        (
            "tool.atomic-fix.ignore = []\n[x]\n",
            f"tool.atomic-fix.{SETTING}\ntool.atomic-fix.ignore = []\n[x]\n",
        ),
        (
            "[tool]\natomic-fix = { ignore = [] }\n",
            f"[tool]\natomic-fix = {{ {SETTING}, ignore = [] }}\n",
        ),
        ("[tool]\natomic-fix = {}\n", f"[tool]\natomic-fix = {{ {SETTING} }}\n"),
        (
            "[tool.atomic-fix.per-file-ignores]\n'x' = ['ATF1']\n",
            f"[tool.atomic-fix]\n{SETTING}\n\n[tool.atomic-fix.per-file-ignores]\n'x' = ['ATF1']\n",
        ),
        (
            'x = """\n[tool.atomic-fix]\n"""\n[tool.atomic-fix]\nignore = []\n',
            f'x = """\n[tool.atomic-fix]\n"""\n[tool.atomic-fix]\n{SETTING}\nignore = []\n',
        ),
    ],
)
def test_the_setting_joins_those_of_pyproject(here: Path, before: str, after: str) -> None:
    assert vendored(here / "pyproject.toml", before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{SETTING}\n"),
        ("# a\nignore = []", f"# a\nignore = []\n{SETTING}\n"),
        (
            "ignore = []\n[per-file-ignores]\n'x' = []\n",
            f"ignore = []\n{SETTING}\n\n[per-file-ignores]\n'x' = []\n",
        ),
        (
            "durable-words = [\n  [\n  ]\n]\n".replace("  [\n  ]\n", "  'a',\n"),
            f"durable-words = [\n  'a',\n]\n{SETTING}\n",
        ),
    ],
)
def test_the_setting_goes_to_the_file_of_our_own(here: Path, before: str, after: str) -> None:
    assert vendored(here / "atomic-fix.toml", before) == after
    assert not (here / "pyproject.toml").exists()


@given(
    st.lists(
        st.sampled_from(
            [
                "[tool.atomic-fix]",
                "[tool.atomic-fix.per-file-ignores]",
                "[tool]",
                "[project]",
                "atomic-fix = {}",
                "atomic-fix.ignore = []",
                "tool.atomic-fix.select = []",
                "ignore = []",
                "'x' = [",
                "]",
                '"""',
                'x = """',
                "# [tool.atomic-fix]",
                "",
                "helper = 'mine'",
                "[[tool.atomic-fix.x]]",
                "tool = { atomic-fix = {} }",
            ]
        ),
        max_size=7,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_no_other_byte_and_no_other_value_changes(
    lines: list[str], newline: str, is_pyproject: bool
) -> None:
    before = newline.join(lines).encode()
    try:
        values = toml(before)
        after = with_setting(before, "helper", "a.b", is_pyproject=is_pyproject)
    except (ValueError, AlreadySet):
        return
    if after is None:
        return
    holder = values
    for name in ("tool", "atomic-fix") if is_pyproject else ():
        holder = holder.setdefault(name, {})
    holder["helper"] = "a.b"
    assert toml(after) == values
    kept = iter(after)
    assert all(byte in kept for byte in before), "what was there is still there, in order"
    assert (b"\r\n" in after) == (b"\r\n" in before)


@pytest.mark.parametrize("helper", ["app.io:write_json", "app.other", "atomic_fix.runtime"])
@pytest.mark.parametrize("config", ["pyproject.toml", "atomic-fix.toml"])
def test_another_setting_stays(here: Path, config: str, helper: str) -> None:
    table = "[tool.atomic-fix]\n" if config == "pyproject.toml" else ""
    before = f'{table}helper = "{helper}"\n'
    (here / config).write_text(before)
    result = run("--vendor", "atomic_io.py")
    assert result.exit_code == 0
    assert result.stderr == (
        f'warning: {config}: `helper` is "{helper}" and stays so; with '
        '`helper = "atomic_io"` fixes import the copy\n'
    )
    assert (here / config).read_text() == before


def test_where_there_is_no_place_for_the_setting_it_says_so(here: Path) -> None:
    before = "tool = { x = 1 }\n"
    (here / "pyproject.toml").write_text(before)
    (line,) = run("--vendor", "atomic_io.py").stderr.splitlines()
    assert line == (
        "atomic-fix: error: pyproject.toml: its [tool.atomic-fix] cannot be added to; put "
        '`helper = "atomic_io"` in [tool.atomic-fix] yourself'
    )
    assert (here / "pyproject.toml").read_text() == before
    (here / "pyproject.toml").write_text("[tool")
    (line,) = run("--vendor", "atomic_io.py").stderr.splitlines()
    assert line.endswith('put `helper = "atomic_io"` in [tool.atomic-fix] yourself')


def test_the_setting_of_the_folder_around_is_not_hidden(here: Path) -> None:
    """Settings come from the nearest file that has any, and from no other."""
    (here / "inner").mkdir()
    (here / "inner" / "pyproject.toml").write_text("[project]\nname = 'inner'\n")
    (here / "pyproject.toml").write_text("[tool.atomic-fix]\nignore = ['ATF2']\n")
    assert run("--vendor", "inner/atomic_io.py").exit_code == 0
    assert (here / "inner" / "pyproject.toml").read_text() == "[project]\nname = 'inner'\n"
    assert 'helper = "atomic_io"' in (here / "pyproject.toml").read_text()


def test_isolated_and_config_hold_for_the_setting(here: Path) -> None:
    (here / "pyproject.toml").write_text("")
    assert 'helper = "atomic_io"' in run("--vendor", "atomic_io.py", "--isolated").stderr
    assert (here / "pyproject.toml").read_text() == ""
    (here / "other.toml").write_text("")
    assert run("--vendor", "atomic_io.py", "--config", "other.toml").exit_code == 0
    assert (here / "other.toml").read_text() == 'helper = "atomic_io"\n'


# Checking.


def test_current(copy: Path) -> None:
    for paths in ([], ["."], ["atomic_io.py"], ["atomic_io.py", "."]):
        assert lines("--vendor-check", *paths, code=0) == ["atomic_io.py: current"]


def test_each_edit_is_seen(copy: Path) -> None:
    content = copy.read_bytes()
    body = content.index(b"\n") + 1
    edits = [content[:-1], content + b"\n", content.replace(b"fsync", b"fsink", 1)]
    for at in range(body, len(content), 997):
        edits += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]]
    edits.append(content[:body] + content[body:].replace(b"    ", b"\t"))
    edits.append(content.replace(b"# ruff: noqa\n", b"", 1))
    for edited in edits:
        assert edited != content
        copy.write_bytes(edited)
        (line,) = lines("--vendor-check", code=1)
        assert line.startswith(
            f"atomic_io.py: edited since it was copied from atomic-fix {__version__}; "
        )


def test_what_stands_above_the_header_is_the_project_s_own(copy: Path) -> None:
    copy.write_bytes(b"# (c) Example Ltd\n# all of it\n" + copy.read_bytes())
    lines("--vendor-check", code=0)
    compile(copy.read_bytes(), copy, "exec")


def test_newlines_that_git_has_changed_are_no_edit(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes().replace(b"\n", b"\r\n"))
    assert lines("--vendor-check", code=0) == ["atomic_io.py: current"]


def test_outdated(copy: Path) -> None:
    copy.write_bytes(of_version(copy.read_bytes(), "0.0.9"))
    (line,) = lines("--vendor-check", code=1)
    assert line == (
        f"atomic_io.py: outdated: copied from atomic-fix 0.0.9, and {__version__} has another: "
        "use --vendor-update"
    )


def test_a_release_that_left_the_helper_as_it_was_outdates_nothing(copy: Path) -> None:
    copy.write_bytes(of_version(copy.read_bytes(), "0.0.9", changed=False))
    assert lines("--vendor-check", code=0) == ["atomic_io.py: current"]
    copy.write_bytes(of_version(copy.read_bytes(), "99.0", changed=False))
    assert lines("--vendor-check", code=0) == ["atomic_io.py: current"]


@pytest.mark.parametrize("version", ["99", "0.1.1", "0.10.0rc1"])
def test_newer_than_this_atomic_fix(copy: Path, version: str) -> None:
    content = of_version(copy.read_bytes(), version)
    copy.write_bytes(content)
    (line,) = lines("--vendor-check", code=1)
    assert line == (
        f"atomic_io.py: copied from atomic-fix {version}, and this is {__version__}: "
        "update atomic-fix"
    )
    (line,) = lines("--vendor-update", code=2)
    assert "atomic_io.py: not updated: " in line
    assert copy.read_bytes() == content


def test_no_copy_is_no_success(here: Path) -> None:
    (here / "app").mkdir()
    (here / "app" / "other.py").write_text("print(1)\n")
    for option in ("--vendor-check", "--vendor-update"):
        assert lines(option, "app", code=2) == [
            "atomic-fix: error: app: no copy of the helper there; --vendor FILE makes one"
        ]
        assert lines(option, "app/other.py", code=2) == [
            "atomic-fix: error: app/other.py: is not a copy of the helper"
        ]
        (line,) = lines(option, "gone.py", code=2)
        assert line == "atomic-fix: error: gone.py: cannot be read: No such file or directory"


def test_unreadable_copy(copy: Path) -> None:
    copy.rename("real.py")
    copy.symlink_to(copy.name)
    for option in ("--vendor-check", "--vendor-update"):
        first, second = lines(option, code=2)
        assert first.startswith("atomic-fix: error: atomic_io.py: cannot be read: ")
        assert second == "real.py: current"


def test_a_header_that_is_only_spoken_of_is_none(here: Path) -> None:
    digest = "0" * 64
    (here / "a.py").write_text(f"    # atomic-fix 0.1.0, helper, sha256:{digest}\n")
    (here / "b.py").write_text(f"# atomic-fix 0.1.0, helper, sha256:{digest[1:]}\n")
    lines("--vendor-check", code=2)


def test_every_copy_below_the_folders_is_found(here: Path) -> None:
    for name in ("one", "two", "three"):
        (here / name).mkdir()
        run("--vendor", f"{name}/files.py")
    (here / "two" / "files.py").write_bytes(b"# mine\n" + (here / "two/files.py").read_bytes())
    (here / "three" / "files.py").write_bytes((here / "three/files.py").read_bytes() + b"#")
    (here / "atomic-fix.toml").write_text('extend-exclude = ["one/"]')
    found = lines("--vendor-check", code=1)
    assert [line.split(":")[0] for line in found] == ["three/files.py", "two/files.py"]
    assert lines("--vendor-check", "one/files.py", code=0) == ["one/files.py: current"]


# Updating.


@pytest.mark.parametrize("above", [b"", b"# (c) Example Ltd\n"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_update(copy: Path, above: bytes, newline: bytes) -> None:
    current = above + copy.read_bytes()
    copy.write_bytes((above + of_version(copy.read_bytes(), "0.0.9")).replace(b"\n", newline))
    copy.chmod(0o604)
    assert lines("--vendor-update", code=0) == [
        f"atomic_io.py: updated from 0.0.9 to {__version__}"
    ]
    assert copy.read_bytes() == current.replace(b"\n", newline)
    assert copy.stat().st_mode & 0o777 == 0o604
    assert lines("--vendor-update", code=0) == ["atomic_io.py: current"]
    assert lines("--vendor-check", code=0) == ["atomic_io.py: current"]


def test_update_keeps_edits(here: Path, copy: Path) -> None:
    (here / "other").mkdir()
    old = of_version(copy.read_bytes(), "0.0.9")
    (here / "other" / "files.py").write_bytes(old)
    edited = old.replace(b"fsync", b"fsink")
    copy.write_bytes(edited)
    first, second = lines("--vendor-update", code=2)
    assert first.startswith("atomic-fix: error: atomic_io.py: not updated: edited since it was ")
    assert "to drop the edits, delete it and use --vendor; to keep them" in first
    assert copy.read_bytes() == edited
    assert second.startswith("other/files.py: updated")


def test_copies_are_written_through_the_helper(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = of_version(copy.read_bytes(), "0.0.9")
    copy.write_bytes(content)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runtime, "atomic_write_bytes", full)
    (line,) = lines("--vendor-update", code=2)
    assert line.endswith("atomic_io.py: not written: it cannot be written: No space left on device")
    assert copy.read_bytes() == content
    (line,) = lines("--vendor", "new.py", code=2)
    assert line.endswith("new.py: not written: No space left on device")
    assert {each.name for each in copy.parent.iterdir()} == {copy.name, "atomic-fix.toml"}


# What the copy is worth.


def test_the_copy_passes_the_tests_of_the_helper(copy: Path, tmp_path: Path) -> None:
    """All tests that run in this process, and the crash states. The sweeps under strace take a
    minute; they have been run on the same text."""
    folder = ROOT / "tests" / "runtime"
    slow = {"test_runtime_syscalls.py", "test_runtime_concurrent.py"}
    tests = sorted(str(p) for p in folder.glob("test_*.py") if p.name not in slow)
    assert len(tests) >= 8
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}"],
        cwd=ROOT,
        env={**os.environ, "ATOMIC_FIX_RUNTIME": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 300


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_copy_is_typed(copy: Path, platform: str) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--platform", platform]
    done = subprocess.run(
        [*command, f"--cache-dir={os.devnull}", copy.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_formatters_and_linters_of_the_project_leave_it_alone(here: Path, copy: Path) -> None:
    """However they are configured: otherwise their changes would count as edits."""
    (here / "ruff.toml").write_text(
        "line-length = 60\nformat.quote-style = 'single'\n"
        "lint.select = ['ALL']\n"
        "lint.ignore = ['PGH004']\n"  # it wants that no file is left out
        "lint.isort.force-single-line = true\n"
    )
    content = copy.read_bytes()
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        [*ruff, "format"],
        [*ruff, "check", "--fix", "--unsafe-fixes"],
        [sys.executable, "-m", "flake8", "--max-line-length=60"],
        [sys.executable, "-m", "atomic_fix", "--write"],
    ):
        done = subprocess.run([*command, copy.name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert copy.read_bytes() == content
    assert [p.name for p in here.iterdir() if p.suffix == ".py"] == [copy.name]


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_the_copy_runs_on(copy: Path, tmp_path: Path, version: str) -> None:
    """Its main calls, and an interrupt at each bytecode instruction."""
    minor = int(version.split(".")[1])
    ast.parse(copy.read_text(encoding="utf-8"), feature_version=(3, minor))
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip(f"no Python {version} here")
    (tmp_path / "empty").mkdir()
    child = ROOT / "tests" / "runtime" / "on_any_python.py"
    done = subprocess.run(
        [python, "-S", "-B", "-W", "error", child, copy, tmp_path / "empty"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 500


PROGRAM = """\
import json
import sys
from pathlib import Path

CHECKPOINT = Path("checkpoint.json")


def load_checkpoint():
    try:
        return json.loads(CHECKPOINT.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError:
        return None


def save_checkpoint(state):
    CHECKPOINT.write_text(json.dumps(state, indent=2), encoding="utf-8")


print(load_checkpoint())
save_checkpoint({"step": int(sys.argv[1])})
"""


def test_from_the_copy_to_the_program_that_runs_without_atomic_fix(here: Path) -> None:
    app = here / "src" / "app"
    app.mkdir(parents=True)
    (app / "__init__.py").touch()
    (app / "job.py").write_text(PROGRAM)
    (here / "pyproject.toml").write_text('[project]\nname = "app"\n')
    assert run("--write").exit_code == 2
    assert (app / "job.py").read_text() == PROGRAM
    assert run("--vendor", "src/app/atomic_io.py").exit_code == 0
    result = run("--write", "--unsafe-fixes", "--on-corrupt=raise")
    assert result.exit_code == 0, result.output
    fixed = (app / "job.py").read_text()
    assert "from app.atomic_io import" in fixed
    assert "atomic_fix" not in fixed
    assert run().exit_code == 0
    assert run("--vendor-check").exit_code == 0

    def job(step: int) -> subprocess.CompletedProcess[str]:
        # Neither site-packages nor the variables by which atomic_fix could be found.
        program = (
            f"import sys; sys.path.insert(0, {str(here / 'src')!r}); sys.argv = ['', '{step}']\n"
            "import app.job\n"
            "assert not any(name.startswith('atomic_fix') for name in sys.modules)"
        )
        command = [sys.executable, "-S", "-E", "-B", "-c", program]
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)

    for step, printed in ((1, "None\n"), (2, "{'step': 1}\n")):
        done = job(step)
        assert (done.returncode, done.stdout) == (0, printed), done.stderr
    checkpoint = here / "checkpoint.json"
    assert checkpoint.read_text() == json.dumps({"step": 2}, indent=2)
    checkpoint.write_text('{"step"')
    done = job(3)
    assert done.returncode == 1
    assert "app.atomic_io.CheckpointCorruptedError: checkpoint.json: corrupted" in done.stderr
    assert checkpoint.read_text() == '{"step"'


def test_a_copy_that_no_name_could_import_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout itself is the package, and its name is no identifier."""
    folder = tmp_path / "my-addon" / "addon"
    folder.mkdir(parents=True)
    for each in (folder.parent, folder):
        (each / "__init__.py").touch()
    (folder.parent / "pyproject.toml").write_text('[project]\nname = "x"\n')
    monkeypatch.chdir(folder.parent)
    result = CliRunner().invoke(main, ["--vendor", "addon/atomic_io.py"])
    assert result.exit_code == 2
    assert "Python cannot import it as `my-addon.addon.atomic_io`" in result.output
    assert not (folder / "atomic_io.py").exists()
