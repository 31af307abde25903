# ruff: noqa: PTH207, PTH208, PTH115, PTH119
"""The kinds of target files, and which of their attributes are kept: promise 6."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomic_fix import runtime

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="needs root")
NOBODY = 65534
HELPER = str(Path(runtime.__file__ or ""))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    path.write_text("old")
    return path


def child(code: str, *arguments: object, unprivileged: bool = False) -> Any:
    """Run `code` with the helper as `runtime`, if wanted as the user nobody, and return its
    `result`."""
    program = f"""
import importlib.util, json, os, sys, warnings
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
arguments = {[str(a) for a in arguments]!r}
os.umask(0o022)
open(os.devnull, "w").close()  # loads the codec, from where nobody may not look
if {unprivileged and ROOT}:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
def attempt(write, *args, **kwargs):
    try:
        write(*args, **kwargs)
    except OSError as error:
        return [type(error).__name__, error.errno, str(error)]
def plain(path, text):
    with open(path, "w") as file:
        file.write(text)
{textwrap.dedent(code)}
print(json.dumps(result))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def world(path: Path) -> None:
    """Let the user nobody reach `path`: pytest's directories are accessible only to their owner."""
    for parent in [path, *path.parents]:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(stat.S_IMODE(parent.stat().st_mode) | 0o755)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666, 0o640, 0o755, 0o777, 0o222, 0o1644])
def test_mode_is_kept(target: Path, mode: int) -> None:
    target.chmod(mode)
    runtime.atomic_write_text(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6777])
def test_set_id_bits_go(target: Path, mode: int) -> None:
    target.chmod(mode)
    runtime.atomic_write_text(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == mode & 0o777


def test_mode_changed_by_the_body_counts(target: Path) -> None:
    with runtime.atomic_open(target) as file:
        target.chmod(0o604)
        file.write("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_new_file_obeys_the_umask(tmp_path: Path, umask: int) -> None:
    code = f"""
    os.umask({umask})
    runtime.atomic_write_text(arguments[0], "x")
    plain(arguments[1], "x")
    result = [oct(os.stat(a).st_mode) for a in arguments]
    """
    ours, plain = child(code, tmp_path / "a", tmp_path / "b")
    assert ours == plain


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("mode", [0o600, 0o666, 0o751])
def test_mode_given(tmp_path: Path, exists: bool, mode: int) -> None:
    path = tmp_path / "x"
    if exists:
        path.write_text("old")
    runtime.atomic_write_json(path, 1, mode=mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    with runtime.atomic_open(path, "wb", perm=mode ^ 0o004):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == mode ^ 0o004


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o644])
@pytest.mark.parametrize("was", [0o644, 0o600])
def test_mode_set_by_descriptor_counts(target: Path, mode: int, was: int) -> None:
    """Even if the target's own mode changes meanwhile."""
    target.chmod(was)
    with runtime.atomic_open(target) as file:
        os.fchmod(file.fileno(), mode)
        file.write("new")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    with runtime.atomic_open(target) as file:
        os.fchmod(file.fileno(), 0o640)
        target.chmod(0o604)
        file.write("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@needs_root
def test_owner_set_by_descriptor_counts(target: Path) -> None:
    os.chown(target, 12, 34)
    with runtime.atomic_open(target) as file:
        os.fchown(file.fileno(), 56, 78)
    assert (target.stat().st_uid, target.stat().st_gid) == (56, 78)
    with runtime.atomic_open(target) as file:
        os.fchown(file.fileno(), 0, 0)
        os.chown(target, 12, 34)
    assert (target.stat().st_uid, target.stat().st_gid) == (0, 0)
    with runtime.atomic_open(target) as file:
        os.chown(target, 12, 34)
    assert (target.stat().st_uid, target.stat().st_gid) == (12, 34)


def test_xattrs_set_by_descriptor_count(target: Path) -> None:
    for name in ("changed", "removed", "kept"):
        xattr(target, f"user.{name}", b"old")
    with runtime.atomic_open(target) as file:
        os.setxattr(file.fileno(), "user.changed", b"new")
        os.setxattr(file.fileno(), "user.added", b"new")
        os.removexattr(file.fileno(), "user.removed")
        target.chmod(0o604)
    values = {name: os.getxattr(target, name) for name in os.listxattr(target)}
    ours = {name: value for name, value in values.items() if name.startswith("user.")}
    assert ours == {"user.changed": b"new", "user.added": b"new", "user.kept": b"old"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    with runtime.atomic_open(target):
        os.setxattr(target, "user.changed", b"meanwhile")
        os.removexattr(target, "user.added")
    assert os.getxattr(target, "user.changed") == b"meanwhile"
    assert "user.added" not in os.listxattr(target)


@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs setfacl")
def test_acl_given_meanwhile_leaves_the_mode_set_by_descriptor(target: Path) -> None:
    target.chmod(0o644)
    with runtime.atomic_open(target) as file:
        os.fchmod(file.fileno(), 0o600)
        if subprocess.run(["setfacl", "-m", "u:12:rw", target], check=False).returncode:
            pytest.skip("no ACLs here")
    assert "system.posix_acl_access" in os.listxattr(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_permissions_given_come_before_what_the_block_sets(target: Path) -> None:
    with runtime.atomic_open(target, permissions=0o640) as file:
        os.fchmod(file.fileno(), 0o604)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


WRITERS: list[Any] = [
    lambda path, **options: runtime.atomic_write_bytes(path, b"1", **options),
    lambda path, **options: runtime.atomic_write_text(path, "1", **options),
    lambda path, **options: runtime.atomic_write_json(path, 1, **options),
    lambda path, **options: asyncio.run(runtime.atomic_write_bytes_async(path, b"1", **options)),
    lambda path, **options: asyncio.run(runtime.atomic_write_text_async(path, "1", **options)),
    lambda path, **options: asyncio.run(runtime.atomic_write_json_async(path, 1, **options)),
]


@pytest.mark.parametrize("number", range(7))
def test_permissions_by_their_older_names(tmp_path: Path, number: int) -> None:
    def opened(path: Path, **options: Any) -> None:
        with runtime.atomic_open(path, **options):
            pass

    write, old = [*((w, "mode") for w in WRITERS), (opened, "perm")][number]
    write(tmp_path / "x", permissions=0o640)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    write(tmp_path / "x", **{old: 0o604})
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o604
    with pytest.raises(TypeError, match=f"given twice: {old} is an older name"):
        write(tmp_path / "x", permissions=0o640, **{old: 0o640})


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("where", ["given", "link", "backup", "here"])
def test_missing_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, where: str
) -> None:
    """They are named in the error, or created; each is then on disk before it is used."""
    monkeypatch.chdir(tmp_path)
    folder, options = "a/b", {}
    path = tmp_path / "x"
    if where == "given":
        folder = str(tmp_path / "a" / "b")
        path = tmp_path / "a" / "b" / "x"
    elif where == "here":
        path = Path("a/b/x")
    elif where == "link":
        path.symlink_to("a/b/x")
        folder = str(tmp_path / "a" / "b")
    else:
        path.write_text("old")
        options = {"backup": Path("a/b/x.bak")}

    def opened(path: Path, **options: Any) -> None:
        with runtime.atomic_open(path, **options) as file:
            file.write("1")

    write = [*WRITERS, opened][number]
    if where == "backup" and number in {2, 5}:
        path.write_text("0")  # only JSON is kept by those
    text = re.escape(f"No such file or directory (there is no folder '{folder}'): ")
    with pytest.raises(FileNotFoundError, match=text) as caught:
        write(path, **options)
    assert caught.value.filename == str(options.get("backup", path))
    synced = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").resolve())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    write(path, make_parents=True, **options)
    assert path.read_text() == "1"
    assert synced[:2] == [tmp_path, tmp_path / "a"]
    write(path, make_parents=True, **options)
    write(tmp_path / "c" / "d" / "e", make_parents=True, fsync=False)
    assert not {tmp_path / "c", tmp_path / "c" / "d"} & set(synced)


def test_folders_that_are_made_hold_no_descriptors(
    tmp_path: Path, no_leak: Callable[[], list[str]]
) -> None:
    with runtime.atomic_open(tmp_path / "x"):
        usual = len(no_leak())
    with runtime.atomic_open(tmp_path / "a" / "b" / "c" / "x", make_parents=True):
        assert len(no_leak()) == usual


def test_folder_made_by_another_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.mkdir

    def mkdir(path: str) -> None:
        real(path)
        real(path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    runtime.atomic_write_text(tmp_path / "a" / "b" / "x", "new", make_parents=True)
    assert (tmp_path / "a" / "b" / "x").read_text() == "new"


@pytest.mark.parametrize("name", ["file/x", "file/a/x", "dangling/x", "dangling/a/x"])
def test_folder_that_cannot_be_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "dangling").symlink_to("none")
    with pytest.raises(OSError, match=re.escape(f"{tmp_path}/{name}")):
        runtime.atomic_write_text(tmp_path / name, "new", make_parents=True)
    assert sorted(os.listdir(tmp_path)) == ["dangling", "file"]


def test_root_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like that of a drive on Windows: it has no parent."""

    def missing(path: str, *_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such drive", path)

    monkeypatch.setattr(os, "mkdir", missing)
    with pytest.raises(FileNotFoundError, match="no such drive"):
        runtime.atomic_write_text(tmp_path / "a" / "x", "new", make_parents=True)


def test_folder_of_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError, match=r"x'$"):
        runtime.atomic_write_text("a/x", "new", make_parents=True)


@pytest.mark.parametrize(
    ("mode", "perm"), [(0o600, None), (None, 0o600), (0o600, 0o600), (0o666, 0o600), (0o666, 0o640)]
)
def test_secret_is_never_readable_by_others(
    tmp_path: Path, mode: int | None, perm: int | None
) -> None:
    path = tmp_path / "x"
    if mode is not None:
        path.write_text("old")
        path.chmod(mode)
    with runtime.atomic_open(path, perm=perm):
        (temp,) = tmp_path.glob(".atomic-*")
        assert stat.S_IMODE(temp.stat().st_mode) == 0o600


def test_nothing_is_set_that_is_so_already(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and some network file systems refuse chmod and chown, and need neither."""

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not here")

    target.chmod(0o600)
    monkeypatch.setattr(os, "fchown", refused)
    monkeypatch.setattr(os, "fchmod", refused)
    runtime.atomic_write_text(target, "new")
    assert target.read_text() == "new"


def change_by_another(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> tuple[type[BaseException] | None, str]:
    """The result of a write to a target with an attribute, if another process changes its mode
    meanwhile and its attributes can no longer be listed: the error, if any, and the content."""

    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    target.chmod(0o600)
    xattr(target, "user.origin", b"here")
    try:
        with runtime.atomic_open(target) as file:
            file.write("new")
            target.chmod(0o640)
            monkeypatch.setattr(os, "listxattr", refused)
    except OSError as error:
        return type(error), target.read_text()
    return None, target.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="no attributes by descriptor")
def test_change_by_another_where_there_are_no_xattrs(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert change_by_another(target, monkeypatch, errno.ENOTSUP) == (None, "new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform != "linux", reason="no attributes by descriptor")
def test_xattrs_that_cannot_be_listed_after_a_change_by_another(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert change_by_another(target, monkeypatch, errno.EIO) == (OSError, "old")
    assert os.listdir(target.parent) == [target.name]


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EOPNOTSUPP])
def test_no_xattrs_here(target: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, "not here")

    monkeypatch.setattr(os, "listxattr", refused)
    runtime.atomic_write_text(target, "new")
    assert target.read_text() == "new"


@needs_root
def test_owner_and_group_are_kept(target: Path) -> None:
    os.chown(target, 12, 34)
    runtime.atomic_write_text(target, "new")
    assert (target.stat().st_uid, target.stat().st_gid) == (12, 34)


def file_of_another(folder: Path, mode: int) -> Path:
    """A file of another user in a folder that is writable for everybody."""
    world(folder)
    folder.chmod(0o777)
    path = folder / "x"
    path.write_text("old")
    os.chown(path, 12, 34)
    path.chmod(mode)
    return path


@needs_root
def test_owner_that_cannot_be_kept(tmp_path: Path) -> None:
    """Without root: the group's rights must not pass to another group, and there is a warning."""
    path = file_of_another(tmp_path, 0o773)
    code = """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        runtime.atomic_write_text(arguments[0], "new")
    result = [str(w.message) for w in told]
    """
    (told,) = child(code, path, unprivileged=True)
    assert "cannot keep its owner and group, uid 12 gid 34" in told
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o733
    # As an error, the warning refuses the write.
    os.chown(path, 12, 34)
    code = """
    warnings.simplefilter("error", runtime.AtomicWriteWarning)
    try:
        runtime.atomic_write_text(arguments[0], "newer")
    except runtime.AtomicWriteWarning:
        result = "refused"
    """
    assert child(code, path, unprivileged=True) == "refused"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@needs_root
@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs setfacl")
def test_rights_of_a_lost_group_are_not_in_the_acl(tmp_path: Path) -> None:
    """Setting the old ACL gives the group rights that it must not have; they are removed
    afterwards."""
    path = file_of_another(tmp_path, 0o660)
    if subprocess.run(["setfacl", "-m", f"u:{NOBODY}:rw", path], check=False).returncode:
        pytest.skip("no ACLs here")
    code = """
    warnings.simplefilter("ignore")
    runtime.atomic_write_text(arguments[0], "new")
    result = None
    """
    child(code, path, unprivileged=True)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_root
def test_group_kept_where_the_owner_cannot_be(tmp_path: Path) -> None:
    world(tmp_path)
    tmp_path.chmod(0o777)
    path = tmp_path / "x"
    path.write_text("old")
    os.chown(path, 12, NOBODY)
    path.chmod(0o660)
    code = """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        runtime.atomic_write_text(arguments[0], "new")
    result = [str(w.message) for w in told]
    """
    (told,) = child(code, path, unprivileged=True)
    assert told.endswith("cannot keep its owner, uid 12")
    found = path.stat()
    assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, 0o660)


def xattr(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"no {name} here: {error}")


def test_xattrs_are_kept(target: Path) -> None:
    xattr(target, "user.one", b"1")
    xattr(target, "user.two", b"\0two")
    runtime.atomic_write_text(target, "new")
    assert os.getxattr(target, "user.one") == b"1"
    assert os.getxattr(target, "user.two") == b"\0two"


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("security.selinux", errno.EPERM, True),
        ("security.selinux", errno.EACCES, True),
        ("trusted.mark", errno.EPERM, True),
        ("user.mark", errno.ENOTSUP, True),
        ("system.posix_acl_access", errno.EOPNOTSUPP, True),
        ("security.selinux", errno.ENOSPC, False),
        ("user.mark", errno.EPERM, False),
        ("user.mark", errno.EACCES, False),
        ("system.posix_acl_access", errno.EPERM, False),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_xattr_that_cannot_be_set(
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    number: int,
    told: bool,
    there: bool,
) -> None:
    """If an attribute of the system is refused, there is a warning; if one of the user is, that is
    an error."""

    def refused(*_: object) -> None:
        raise OSError(number, "refused")

    calls: list[int] = []

    def names(fd: int) -> list[str]:
        calls.append(fd)
        return [name] if (len(calls) == 1) == there else []

    monkeypatch.setattr(os, "listxattr", names)
    monkeypatch.setattr(os, "getxattr", lambda *_: b"mark")
    monkeypatch.setattr(os, "setxattr", refused)
    monkeypatch.setattr(os, "removexattr", refused)
    if told:
        with pytest.warns(runtime.AtomicWriteWarning, match=f"cannot keep its attribute {name}"):
            runtime.atomic_write_text(target, "new")
        assert target.read_text() == "new"
    else:
        with pytest.raises(OSError, match=r"refused: .*state\.json"):
            runtime.atomic_write_text(target, "new")
        assert target.read_text() == "old"


@pytest.mark.parametrize("name", ["security.capability", "security.ima", "security.evm"])
def test_what_vouches_for_the_old_content_goes(
    target: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("not to be touched")

    monkeypatch.setattr(os, "listxattr", lambda _: [name])
    for call in ("getxattr", "setxattr", "removexattr"):
        monkeypatch.setattr(os, call, refused)
    runtime.atomic_write_text(target, "new")


def test_xattr_that_is_so_already(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label that the system gives to every file here need not be set, and possibly cannot be."""

    def refused(*_: object) -> None:
        raise AssertionError("not to be set")

    monkeypatch.setattr(os, "listxattr", lambda _: ["security.selinux"])
    monkeypatch.setattr(os, "getxattr", lambda *_: b"label")
    monkeypatch.setattr(os, "setxattr", refused)
    runtime.atomic_write_text(target, "new")


@needs_root
def test_capabilities_go_with_the_content(target: Path) -> None:
    xattr(target, "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    runtime.atomic_write_text(target, "new")
    assert "security.capability" not in os.listxattr(target)


@pytest.mark.skipif(shutil.which("setfacl") is None, reason="needs setfacl")
def test_acl_is_kept(tmp_path: Path) -> None:
    def acl(path: Path) -> str:
        done = subprocess.run(["getfacl", "-cE", path], capture_output=True, text=True, check=True)
        return done.stdout

    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    done = subprocess.run(["setfacl", "-m", "u:12:rw,g:34:r", path], check=False)
    if done.returncode:
        pytest.skip("no ACLs here")
    before = acl(path)
    assert "user:12:rw-" in before
    runtime.atomic_write_text(path, "new")
    assert acl(path) == before
    # A default ACL of the directory is for new files, not for this one.
    subprocess.run(["setfacl", "-d", "-m", "u:13:rwx", tmp_path], check=True)
    runtime.atomic_write_text(path, "new")
    assert acl(path) == before
    bare = tmp_path / "bare"
    bare.write_text("old")
    subprocess.run(["setfacl", "-b", bare], check=True)
    bare.chmod(0o640)
    before = acl(bare)
    runtime.atomic_write_text(bare, "new")
    assert acl(bare) == before
    runtime.atomic_write_text(tmp_path / "ours", "new")
    (tmp_path / "plain").write_text("new")
    assert acl(tmp_path / "ours") == acl(tmp_path / "plain")


@pytest.mark.parametrize("link", ["state.json", "./state.json", "absolute", "chain", "folder"])
def test_symlinks_are_followed(tmp_path: Path, target: Path, link: str) -> None:
    given = tmp_path / "link"
    if link == "absolute":
        given.symlink_to(target)
    elif link == "chain":
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "next").symlink_to("../state.json")
        given.symlink_to("sub/next")
    elif link == "folder":
        (tmp_path / "here").symlink_to(".")
        given = tmp_path / "here" / "state.json"
    else:
        given.symlink_to(link)
    runtime.atomic_write_text(given, "new")
    assert target.read_text() == "new"
    assert not target.is_symlink()
    assert given.is_symlink() or link == "folder"


def test_temp_lies_beside_the_real_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/x")  # dangling: open would create real/x
    with runtime.atomic_open(tmp_path / "link") as file:
        assert len(list((tmp_path / "real").iterdir())) == 1
        assert list(tmp_path.glob(".atomic*")) == []
        file.write("new")
    assert (tmp_path / "real" / "x").read_text() == "new"
    assert (tmp_path / "link").is_symlink()


def test_symlink_loop(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links") as caught:
        runtime.atomic_write_text(tmp_path / "a", "x")
    assert caught.value.errno == errno.ELOOP


def test_symlink_loop_made_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target is not written through it either, even if open() would follow it again."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "a").symlink_to("file")
    with monkeypatch.context() as patched:
        patched.setattr(os, "readlink", lambda _: "a")
        with pytest.raises(OSError, match="symbolic links"):
            runtime.atomic_write_text(tmp_path / "a", "x")
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("kind", ["symlink", "fifo"])
def test_target_swapped_after_it_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The new target is neither followed nor waited for."""
    (tmp_path / "victim").write_text("old")
    if kind == "symlink":
        (tmp_path / "x").symlink_to("victim")
    else:
        os.mkfifo(tmp_path / "x")
    monkeypatch.setattr(runtime, "_locate", lambda _: (str(tmp_path), "x"))
    with pytest.raises(OSError, match=str(tmp_path / "x")):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert sorted(os.listdir(tmp_path)) == ["victim", "x"]


@pytest.mark.parametrize("at", ["lstat", "readlink"])
@pytest.mark.parametrize("turns", [1, 5])
@pytest.mark.parametrize("first", ["link", "file"])
def test_target_that_changes_while_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, turns: int, first: str
) -> None:
    """It changes between a link, a file and nothing. open() would find one of them, and so does
    this."""
    path = tmp_path / "x"
    (tmp_path / "victim").write_text("old")
    left = [turns]

    def make(kind: str) -> None:
        path.unlink(missing_ok=True)
        if kind == "link":
            path.symlink_to("victim")
        else:
            path.write_text("old")

    make(first)
    real_lstat, real_readlink = os.lstat, os.readlink

    def change() -> None:
        if left[0]:
            left[0] -= 1
            was_link = path.is_symlink()
            make("file" if was_link else "link")

    def lstat(given: str) -> os.stat_result:
        found = real_lstat(given)
        change()
        return found

    def readlink(given: str) -> str:
        change()
        return real_readlink(given)

    with monkeypatch.context() as patched:
        patched.setattr(os, at, lstat if at == "lstat" else readlink)
        runtime.atomic_write_text(path, "new")
    assert path.read_text() == "new"
    assert not list(tmp_path.glob(".atomic-*"))


def test_descriptors_of_earlier_looks_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    looks: list[str] = []

    def locate(given: str) -> tuple[str, str] | None:
        looks.append(given)
        path.unlink()
        if len(looks) < 9:
            path.symlink_to("x")
        else:
            path.write_text("old")
        return str(tmp_path), "x"

    with runtime.atomic_open(path):
        expected = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(runtime, "_locate", locate)
    with runtime.atomic_open(path):
        assert len(os.listdir("/proc/self/fd")) == expected
    assert len(looks) == 9


@pytest.mark.parametrize("becomes", ["file", "nothing"])
def test_link_that_is_gone_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    path = tmp_path / "x"
    path.symlink_to("victim")
    (tmp_path / "victim").write_text("old")
    real = os.readlink

    def readlink(given: str) -> str:
        path.unlink(missing_ok=True)
        if becomes == "file":
            path.write_text("old")
        return real(given)

    monkeypatch.setattr(os, "readlink", readlink)
    runtime.atomic_write_text(path, "new")
    assert (path.read_text(), path.is_symlink()) == ("new", False)
    assert (tmp_path / "victim").read_text() == "old"


def test_fifo_with_a_reader_that_comes_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be opened, but it is not a file that could be replaced."""
    path = tmp_path / "x"
    path.write_text("old")
    real = runtime._locate
    reader: list[int] = []

    def locate(given: str) -> tuple[str, str] | None:
        found = real(given)
        if not reader:
            path.unlink()
            os.mkfifo(path)
            reader.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return found

    monkeypatch.setattr(runtime, "_locate", locate)
    runtime.atomic_write_text(path, "through")
    assert os.read(reader[0], 100) == b"through"
    os.close(reader[0])
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


def test_fifo_that_is_gone_again_when_it_has_been_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    real = runtime._locate
    reader: list[int] = []

    def locate(given: str) -> tuple[str, str] | None:
        found = real(given)
        path.unlink()
        if not reader:
            os.mkfifo(path, 0o600)
            reader.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return found or (str(tmp_path), "x")

    usual = stat.S_IMODE(path.stat().st_mode)
    monkeypatch.setattr(runtime, "_locate", locate)
    runtime.atomic_write_text(path, "new")
    os.close(reader[0])
    assert (path.is_file(), path.read_text()) == (True, "new")
    assert stat.S_IMODE(path.stat().st_mode) == usual  # and not that of the FIFO
    assert list(tmp_path.iterdir()) == [path]


def test_directory_called_fd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of /dev and /proc contain descriptors, and not everything in /proc does."""
    (tmp_path / "fd").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "fd" / "1", Path("/proc/self/cwd/x")):
        path.write_text("old")
        before = path.stat().st_ino
        with runtime.atomic_open(path):
            assert path.read_text() == "old"
        assert path.stat().st_ino != before


@needs_root
def test_ids_that_are_not_mapped(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EINVAL, "not in this namespace")

    os.chown(target, 12, 34)
    monkeypatch.setattr(os, "fchown", refused)
    with (
        pytest.warns(runtime.AtomicWriteWarning, match="owner and group") as said,
        runtime.atomic_open(target) as file,
    ):
        file.write("new")
    assert len(said) == 1  # what nobody has changed since then is not tried again
    assert target.read_text() == "new"


@needs_root
def test_planted_symlink(tmp_path: Path) -> None:
    """fs.protected_symlinks: a link of another user in a directory such as /tmp is not followed."""
    if Path("/proc/sys/fs/protected_symlinks").read_text().strip() != "1":
        pytest.skip("fs.protected_symlinks is off")
    tmp_path.chmod(0o1777)
    (tmp_path / "victim").write_text("old")
    for name, aim in (("link", "victim"), ("dangling", "new")):
        (tmp_path / name).symlink_to(aim)
        os.chown(tmp_path / name, NOBODY, NOBODY, follow_symlinks=False)
        with pytest.raises(PermissionError):
            runtime.atomic_write_text(tmp_path / name, "x")
    assert (tmp_path / "victim").read_text() == "old"
    assert not (tmp_path / "new").exists()


def test_hard_links(tmp_path: Path, target: Path) -> None:
    """The name that is written gets the new content, the others keep the old one, and there is a
    warning."""
    other = tmp_path / "other"
    os.link(target, other)
    with pytest.warns(runtime.AtomicWriteWarning, match="has 2 hard links"):
        runtime.atomic_write_text(target, "new")
    assert (target.read_text(), other.read_text()) == ("new", "old")
    os.link(target, tmp_path / "third")
    with pytest.raises(runtime.AtomicWriteWarning):  # warnings are errors here: refused
        runtime.atomic_write_text(target, "newer")
    assert target.read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.fixture
def mount_point(tmp_path: Path) -> Iterator[Path]:
    """A file that is itself a mount point, like a file that is bind-mounted into a container."""
    source, path = tmp_path / "outside" / "real", tmp_path / "in" / "x"
    for file in (source, path):
        file.parent.mkdir()
        file.write_text("old, and long")
    done = subprocess.run(["mount", "--bind", source, path], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mount is refused")
    yield path
    subprocess.run(["umount", path], check=True)


def test_bind_mount(mount_point: Path) -> None:
    """It cannot be replaced: it is written in place, with a warning."""
    with pytest.warns(runtime.AtomicWriteWarning, match="mount point"):
        runtime.atomic_write_text(mount_point, "new")
    assert mount_point.read_text() == "new"
    assert list(mount_point.parent.iterdir()) == [mount_point]
    assert (mount_point.parents[1] / "outside" / "real").read_text() == "new"
    with pytest.raises(runtime.AtomicWriteWarning):
        runtime.atomic_write_text(mount_point, "newer")
    assert mount_point.read_text() == "new"
    assert list(mount_point.parent.iterdir()) == [mount_point]


def busy(*_: object, **__: object) -> None:
    raise OSError(errno.EBUSY, "busy")


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize("path", ["relative", "absolute"])
def test_failed_write_in_place_leaves_the_whole_content(
    target: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """It is left under a name that the error mentions and that no sweep removes."""
    monkeypatch.chdir(target.parent)
    given = "state.json" if path == "relative" else str(target)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", busy)
        patched.setattr(runtime, "_copy", full)
        told = pytest.warns(runtime.AtomicWriteWarning)
        text = r"full; .* new content is in .*state\.json"
        with told, pytest.raises(OSError, match=text) as caught:
            runtime.atomic_write_text(given, "new")
    assert caught.value.filename == given
    (rescued,) = target.parent.glob(".atomic-*")
    assert rescued.read_text() == "new"
    assert str(caught.value).startswith(
        f"[Errno 28] full; the complete new content is in "
        f"{'.' if path == 'relative' else target.parent}/{rescued.name}: "
    )
    os.utime(rescued, (0, 0))
    assert runtime.sweep_leftovers(target.parent, older_than=0) == []
    assert rescued.exists()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no notes before")
def test_interrupted_write_in_place_tells_of_the_whole_content(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(runtime, "_copy", interrupted)
    with pytest.warns(runtime.AtomicWriteWarning), pytest.raises(KeyboardInterrupt) as caught:
        runtime.atomic_write_text(target, "new")
    (rescued,) = target.parent.glob(".atomic-*.rescued")
    assert getattr(caught.value, "__notes__") == [f"the complete new content is in {rescued}"]  # noqa: B009


def test_killed_while_writing_in_place(target: Path) -> None:
    """Then no error names the file: what matters is that the next sweep leaves it alone."""
    code = """
    def busy(*_, **__):
        raise OSError(16, "busy")
    def killed(source, target):
        target.write(b"n")
        target.flush()
        print("null", flush=True)
        os._exit(0)
    os.replace, runtime._copy = busy, killed
    warnings.simplefilter("ignore")
    runtime.atomic_write_text(arguments[0], "new")
    """
    child(code, target)
    assert target.read_text() == "nld"
    assert runtime.sweep_leftovers(target.parent, older_than=0) == []
    (rescued,) = target.parent.glob(".atomic-*.rescued")
    assert rescued.read_text() == "new"


def test_rescue_that_fails_leaves_the_target_alone(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", busy)
        patched.setattr(os, "rename", lambda *_, **__: full())
        with pytest.warns(runtime.AtomicWriteWarning), pytest.raises(OSError, match="full: "):
            runtime.atomic_write_text(target, "new")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_rescue_that_is_not_on_disk_leaves_the_target_and_nothing_else(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target is still complete then, so nothing needs to be rescued."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", busy)
        patched.setattr(runtime, "_sync_directory", full)
        with pytest.warns(runtime.AtomicWriteWarning), pytest.raises(OSError, match="full: "):
            runtime.atomic_write_text(target, "new")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("fsync", [True, False])
def test_written_in_place_is_synced(
    target: Path, monkeypatch: pytest.MonkeyPatch, fsync: bool
) -> None:
    """The complete content is on disk under a name of its own before the target is touched."""
    synced: list[tuple[str, str]] = []

    def note(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        synced.append((os.path.basename(path), target.read_text()))

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", busy)
    with pytest.warns(runtime.AtomicWriteWarning):
        runtime.atomic_write_text(target, "new", fsync=fsync)
    assert target.read_text() == "new"
    if fsync:
        assert synced[0][0].startswith(".atomic-")
        assert synced[1:3] == [(target.parent.name, "old"), ("state.json", "new")]
    else:
        assert synced == []


def test_error_at_close_while_writing_in_place(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nothing is synced, the file system may report the error only at close: the complete
    content stays."""
    real = os.close

    def close(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        real(fd)
        if path == str(target):
            raise OSError(errno.EDQUOT, "over quota")

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(os, "close", close)
    told = pytest.warns(runtime.AtomicWriteWarning)
    with told, pytest.raises(OSError, match="over quota; the complete"):
        runtime.atomic_write_text(target, "new", fsync=False)
    (rescued,) = target.parent.glob(".atomic-*.rescued")
    assert rescued.read_text() == "new"


def test_busy_with_nothing_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(OSError, match="busy"):
        runtime.atomic_write_text(tmp_path / "x", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "." + "n" * 254])
def test_longest_names(tmp_path: Path, name: str) -> None:
    for content in ("one", "two"):
        runtime.atomic_write_text(tmp_path / name, content)
        assert (tmp_path / name).read_text() == content
    with pytest.raises(OSError, match="too long"):
        runtime.atomic_write_text(tmp_path / (name + "n" * 10), "x")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_temp_name_is_not_listed_as_data(tmp_path: Path) -> None:
    import glob

    with runtime.atomic_open(tmp_path / "state.json"):
        (name,) = os.listdir(tmp_path)
        assert glob.glob(str(tmp_path / "*")) == []
        assert name.startswith(".")
        assert name.endswith(".tmp")
        assert "state" not in name
        assert len(name) <= 32


def test_read_only_target_is_refused_as_open_would(tmp_path: Path) -> None:
    world(tmp_path)
    tmp_path.chmod(0o777)
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o444)
    code = """
    result = [attempt(w, arguments[0], "new") for w in (plain, runtime.atomic_write_text)]
    """
    plain, ours = child(code, path, unprivileged=True)
    assert ours == plain
    assert ours[0] == "PermissionError"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unreadable_target(tmp_path: Path) -> None:
    """Writing does not need the right to read, unless the content is to be kept."""
    world(tmp_path)
    tmp_path.chmod(0o777)
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o222)
    code = """
    result = [attempt(runtime.atomic_write_json, arguments[0], 1)]
    os.chmod(arguments[0], 0o222)
    result.append(attempt(runtime.atomic_write_json, arguments[0], 2, backup=arguments[1]))
    """
    if ROOT:
        os.chown(path, NOBODY, NOBODY)
    first, second = child(code, path, tmp_path / "bak", unprivileged=True)
    assert first is None
    assert second[0] == "PermissionError"
    assert path.read_text() == "1"
    assert list(tmp_path.iterdir()) == [path]


def test_directory_without_write_permission(tmp_path: Path) -> None:
    """Refused: a replacement needs room beside the target, and nothing is written in place."""
    world(tmp_path)
    path = tmp_path / "closed" / "x"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o666)
    path.parent.chmod(0o555)
    code = """
    result = attempt(runtime.atomic_write_text, arguments[0], "new")
    """
    name, number, text = child(code, path, unprivileged=True)
    assert (name, number) == ("PermissionError", errno.EACCES)
    assert str(path) in text
    assert path.read_text() == "old"
    path.parent.chmod(0o755)


@pytest.mark.parametrize("mode", [0o600, 0o000])
def test_errors_are_those_of_open(tmp_path: Path, mode: int) -> None:
    world(tmp_path)
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut").chmod(mode)
    names = ["folder", "new/", "folder/", "folder/.", "file/x", "none/x", "none/../file"]
    names += ["shut/x", "none/.", ""]
    code = """
    result = {}
    os.chdir(arguments[0])
    for name in arguments[1:]:
        result[name] = [attempt(w, name, "new") for w in (plain, runtime.atomic_write_text)]
    """
    outcomes = child(code, tmp_path, *names, unprivileged=True)
    folders = {"none/x": "none", "none/.": "none", "none/../file": "none/.."}
    for name, (plain, ours) in outcomes.items():
        assert ours is not None, name
        if name in folders:  # open() leaves it open what is not there
            plain[2] = plain[2].replace(": ", f" (there is no folder '{folders[name]}'): ")
        assert ours == plain
    assert (tmp_path / "file").read_text() == "old"


def test_relative_path_survives_chdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with runtime.atomic_open("x") as file:
        monkeypatch.chdir(tmp_path / "elsewhere")
        file.write("new")
    assert (tmp_path / "x").read_text() == "new"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_directory_renamed_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with runtime.atomic_open(tmp_path / "a" / "x") as file:
        (tmp_path / "a").rename(tmp_path / "b")
        file.write("new")
    assert (tmp_path / "b" / "x").read_text() == "new"
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["x"]


class Given:
    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> str | bytes:
        return self.path


@pytest.mark.parametrize("kind", [str, Path, os.fsencode, Given, lambda p: Given(os.fsencode(p))])
@pytest.mark.parametrize("relative", [True, False])
def test_kinds_of_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = kind("x" if relative else str(tmp_path / "x"))
    runtime.atomic_write_bytes(path, b"1")
    runtime.atomic_write_text(path, "2")
    runtime.atomic_write_json(path, 3, backup=kind("x.bak"))
    assert runtime.load_json_checkpoint(path) == 3
    with runtime.atomic_open(path) as file:
        assert file.name == os.fspath(path)
        assert isinstance(file.name, type(os.fspath(path)))
    assert sorted(os.listdir(tmp_path)) == ["x", "x.bak"]


def test_undecodable_name(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe"
    try:
        runtime.atomic_write_text(path, "x")
    except OSError as error:
        pytest.skip(f"this file system refuses the name: {error}")
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe"]


@pytest.mark.parametrize("path", [3, None, "a\0b"])
def test_what_is_no_path(path: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        runtime.atomic_write_text(path, "x")


@pytest.mark.parametrize("write", ["text", "open"])
def test_fifo_is_written_through(tmp_path: Path, write: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()), daemon=True)
    reader.start()
    if write == "text":
        runtime.atomic_write_text(fifo, "through")
    else:
        with runtime.atomic_open(fifo) as file:
            file.write("through")
    reader.join(10)
    assert got == ["through"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert list(tmp_path.iterdir()) == [fifo]


@pytest.mark.parametrize("name", ["null", "full"])
def test_device_is_written_through(tmp_path: Path, name: str) -> None:
    device = Path("/dev") / name
    if ROOT:  # who could damage the system's own
        number = device.stat().st_rdev
        device = tmp_path / name
        os.mknod(device, 0o666 | stat.S_IFCHR, number)
        try:
            device.open("rb").close()
        except OSError:
            pytest.skip("no devices here")
    if name == "full":
        with pytest.raises(OSError, match="No space"):
            runtime.atomic_write_text(device, "x")
    else:
        runtime.atomic_write_text(device, "x")
    assert stat.S_ISCHR(device.stat().st_mode)


DESCRIPTORS = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", b"/dev/fd/1", "//dev/fd/1"]
DESCRIPTORS += ["/dev//fd/1", "/dev/./fd/1", "/dev/fd/../fd/1", "/proc/thread-self/fd/1"]
DESCRIPTORS += ["link-to-it", "link-to-folder/1", "link-to-link"]


@pytest.mark.parametrize("path", DESCRIPTORS)
def test_standard_output_is_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | bytes
) -> None:
    """Even if the shell has redirected it to a file: that file must remain the one that it has
    opened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link-to-it").symlink_to("//dev/fd/1")
    (tmp_path / "link-to-folder").symlink_to("/dev/fd")
    (tmp_path / "link-to-link").symlink_to("link-to-folder/1")
    program = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
runtime.atomic_write_text({path!r}, "through")
"""
    command = [sys.executable, "-S", "-B", "-c", program]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"through"
    out = tmp_path / "out"
    with out.open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
        assert os.fstat(file.fileno()).st_ino == out.stat().st_ino
    assert out.read_bytes() == b"through"


@needs_root
@pytest.mark.skipif(shutil.which("chattr") is None, reason="needs chattr")
def test_immutable_target_is_refused(target: Path) -> None:
    if subprocess.run(["chattr", "+i", target], capture_output=True, check=False).returncode:
        pytest.skip("no such attribute here")
    try:
        with pytest.raises(PermissionError):
            runtime.atomic_write_text(target, "new")
    finally:
        subprocess.run(["chattr", "-i", target], check=True)
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]
