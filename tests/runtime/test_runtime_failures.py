# ruff: noqa: PT012, PT017, PTH112, PTH115, PTH123, PTH208
"""What goes wrong inside the process: errors, interrupts, full disks, cancellation."""

from __future__ import annotations

import array
import asyncio
import contextvars
import errno
import gc
import io
import logging
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from atomic_fix import runtime

HELPER = str(Path(runtime.__file__ or ""))


@pytest.fixture
def target(tmp_path: Path, no_leak: Callable[[], list[str]]) -> Iterator[Path]:
    """A file that must have its old content, and be alone in its directory, when the test ends."""
    path = tmp_path / "state.json"
    path.write_text("old")
    yield path
    gc.collect()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, Stop, OSError])
@pytest.mark.parametrize("mode", ["w", "wb", "w+"])
def test_body_raises(target: Path, mode: str, error: type[BaseException]) -> None:
    with pytest.raises(error), runtime.atomic_open(target, mode) as file:
        file.write("half" if "b" not in mode else b"half")
        raise error
    assert file.closed


def test_errors_of_the_body_are_left_as_they_are(target: Path) -> None:
    with pytest.raises(OSError, match="theirs") as caught, runtime.atomic_open(target):
        raise OSError(errno.ENOSPC, "theirs")
    assert caught.value.filename is None


def test_generator_closed(target: Path) -> None:
    def work() -> Generator[None, None, None]:
        with runtime.atomic_open(target) as file:
            file.write("half")
            yield

    running = work()
    next(running)
    running.close()


def test_context_manager_dropped(target: Path) -> None:
    manager = runtime.atomic_open(target)
    manager.__enter__().write("half")
    del manager


def test_never_entered(target: Path) -> None:
    runtime.atomic_open(target)


def test_entered_twice(target: Path) -> None:
    """Both inside its own block and after it."""
    manager = runtime.atomic_open(target)
    text = r"state\.json: entered twice; each block needs its own atomic_open\(\)"
    with pytest.raises(KeyError), manager as file:
        file.write("half")
        with pytest.raises(RuntimeError, match=text), manager:
            pass
        assert not file.closed
        raise KeyError
    with pytest.raises(RuntimeError, match=text), manager:
        pass


CHILDREN = {
    "exits": "sys.exit(0)",
    "fails": "raise KeyError",
    "falls out": "pass",
    "writes": "file.write('of the child'); sys.exit(0)",
    "is collected": "del file; import gc; gc.collect(); os._exit(0)",
}


@pytest.mark.parametrize("how", CHILDREN)
@pytest.mark.parametrize("backup", [None, "bak"])
def test_child_forked_in_the_block(tmp_path: Path, how: str, backup: str | None) -> None:
    """The child neither publishes nor removes the file, and does not write what is in its parent's
    buffer."""
    program = f"""
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
os.chdir({str(tmp_path)!r})
open("x", "w").write("old")
parent = os.getpid()
opened = len(os.listdir("/proc/self/fd"))
try:
    with runtime.atomic_open("x", backup={backup!r}) as file:
        file.write("new of the parent")
        if os.fork() == 0:
            {CHILDREN[how]}
        else:
            os.wait()
            assert open("x").read() == "old", "published by the child"
            assert len([n for n in os.listdir(".") if n.startswith(".")]) == {2 if backup else 1}
finally:
    if os.getpid() != parent:
        if {how != "is collected"}:
            assert file.closed
            assert len(os.listdir("/proc/self/fd")) == opened, "descriptors left"
        print("child done", flush=True)
        os._exit(0)
assert open("x").read() == "new of the parent", open("x").read()
assert sorted(os.listdir(".")) == {["bak", "x"] if backup else ["x"]}, os.listdir(".")
"""
    command = [sys.executable, "-S", "-B", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("" if how == "is collected" else "child done\n")
    told = "x is written by the process that opened it, not by this child process"
    assert (f"AtomicWriteWarning: {told}" in done.stderr) == (how == "falls out")


def test_opened_in_a_child_of_the_process_that_called(tmp_path: Path) -> None:
    """What counts is the process that enters the block."""
    manager = runtime.atomic_open(tmp_path / "x")
    pid = os.fork()
    if pid == 0:
        with manager as file:
            file.write("new")
        os._exit(0)
    os.waitpid(pid, 0)
    assert (tmp_path / "x").read_text() == "new"


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("how", ["write", "open"])
def test_error_at_close_stops_the_publish(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int, how: str
) -> None:
    """Without fsync, file systems such as NFS report only at close what they could not write."""
    real = os.close

    def close(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        real(fd)
        if ".atomic-" in path:
            raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", close)
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            if how == "write":
                runtime.atomic_write_text(target, "new", fsync=False)
            else:
                with runtime.atomic_open(target, fsync=False) as file:
                    file.write("new")
    assert caught.value.filename == str(target)


FAILING = ["fstat", "fchmod", "fchown", "fsync", "replace", "stat", "lstat", "write", "listxattr"]


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_call_fails(target: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    target.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(target, 12, 34)
    elif name == "fchown":
        pytest.skip("needs root")

    def failing(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            runtime.atomic_write_text(target, "new")
    assert caught.value.errno == number
    assert caught.value.filename == str(target)
    assert str(caught.value).endswith(f": {str(target)!r}")


@pytest.mark.parametrize("name", ["stat", "readlink"])
def test_link_cannot_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "link").symlink_to("state.json")

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "lost")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with pytest.raises(OSError, match=r"lost: .*link"):
            runtime.atomic_write_text(tmp_path / "link", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["link"]


@pytest.mark.parametrize("name", ["setxattr", "getxattr"])
def test_attribute_fails(target: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    try:
        os.setxattr(target, "user.kept", b"1")
    except OSError:
        pytest.skip("no attributes here")

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with pytest.raises(OSError, match=r"full: .*state\.json"):
            runtime.atomic_write_text(target, "new")


@pytest.mark.parametrize("what", ["no directory", "read", "write", "fsync"])
def test_failed_backup(
    target: Path, monkeypatch: pytest.MonkeyPatch, no_leak: Callable[[], list[str]], what: str
) -> None:
    """The file with the old content is closed even though the traceback still refers to it, and the
    error names the backup. Any failure of the backup stops the write, including a failure to sync
    it."""
    backup = target.parent / ("absent" if what == "no directory" else "") / "backup"
    expected = no_leak()

    class Unreadable(io.BytesIO):
        def __init__(self, path: str, *_: object) -> None:
            self.file = open(path, "rb")  # noqa: SIM115

        def fileno(self) -> int:
            return self.file.fileno()

        def read(self, *_: object) -> bytes:
            raise OSError(errno.EIO, "lost")

        def close(self) -> None:
            self.file.close()

    def failing(*_: object) -> None:
        raise OSError(errno.EIO, "lost")

    with monkeypatch.context() as patched:
        if what == "read":
            patched.setattr(runtime, "open", Unreadable, raising=False)
        elif what != "no directory":
            patched.setattr(os, what, failing)
        with pytest.raises(OSError, match=r"lost|No such file") as caught:
            runtime.atomic_write_text(target, "new", backup=backup)
    assert caught.value.filename == str(target if what == "read" else backup)
    assert no_leak() == expected


def test_failed_write(target: Path) -> None:
    """The file is on a device that is always full, and the content is larger than any of Python's
    buffers."""
    raises = pytest.raises(OSError, match=r"No space left on device: .*state\.json")
    with raises as caught, runtime.atomic_open(target) as file, open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), file.fileno())
        file.write("n" * 1_000_000)
    assert caught.value.filename == str(target)


def test_clean_up_error_does_not_hide_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise PermissionError("no unlink")

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", failing)
        with pytest.raises(KeyError), runtime.atomic_open(tmp_path / "x"):
            raise KeyError


def test_failed_close_does_not_hide_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_leak: object
) -> None:
    real = os.close

    def failing(fd: int) -> None:
        real(fd)
        raise OSError(errno.EIO, "lost")

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", failing)
        with pytest.raises(KeyError), runtime.atomic_open(tmp_path / "x"):
            raise KeyError
        with pytest.raises(OSError, match=r"lost: .*x"):
            runtime.atomic_write_text(tmp_path / "x", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(runtime._File):
        def write(self, data: Any, /) -> int:
            return super().write(memoryview(data)[:1000])

    real = os.write
    monkeypatch.setattr(runtime, "_File", Short)
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:1000]))
    content = os.urandom(50_000)
    assert runtime.atomic_write_bytes(tmp_path / "x", array.array("I", content)) == 50_000
    assert (tmp_path / "x").read_bytes() == content
    with runtime.atomic_open(tmp_path / "y", "wb") as file:
        file.write(content)
    assert (tmp_path / "y").read_bytes() == content


def test_file_size_limit(target: Path) -> None:
    """The write that reaches the limit is short; the next one fails."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"too large: .*state\.json"):
            runtime.atomic_write_bytes(target, b"n" * 150_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_out_of_descriptors(target: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    seen = set()
    for spare in range(8):
        held = [os.open(os.devnull, os.O_RDONLY)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, limits[1]))
        try:
            while True:
                held.append(os.dup(held[0]))
        except OSError:
            pass
        try:
            for _ in range(spare):
                os.close(held.pop())
            with runtime.atomic_open(target) as file:
                seen.add("opened")
                file.write("new")
                raise Stop
        except OSError as error:
            assert error.errno == errno.EMFILE
            seen.add("refused")
        except Stop:
            pass
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for fd in held:
                os.close(fd)
    assert seen == {"opened", "refused"}


def test_failed_fsync_is_final(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fsync(fd: int) -> None:
        calls.append(fd)
        if len(calls) == 1:
            raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="lost"):
        runtime.atomic_write_text(target, "new")
    assert len(calls) == 1


REFUSED = [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP]
LOST = [errno.EIO, errno.ENOSPC, errno.EDQUOT]


@pytest.mark.parametrize("number", REFUSED + LOST)
def test_directory_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """If the system refuses it, as some network and FUSE file systems do, that is tolerated; if it
    fails, that is reported."""
    real = os.fsync
    synced = []

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        if os.path.isdir(synced[-1]):
            raise OSError(number, os.strerror(number))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "x"
    if number in REFUSED:
        runtime.atomic_write_text(path, "new")
    else:
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            runtime.atomic_write_text(path, "new")
        assert caught.value.filename == str(path)
    assert path.read_text() == "new"
    assert len(synced) == 2
    assert synced[1] == str(tmp_path)


@pytest.mark.parametrize("number", REFUSED)
def test_file_fsync_refused_is_an_error(
    target: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="refused"):
        runtime.atomic_write_text(target, "new")


def test_no_fsync_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise AssertionError("not asked for")

    monkeypatch.setattr(os, "fsync", fsync)
    for write in (runtime.atomic_write_json, runtime.atomic_write_text):
        write(tmp_path / "x", "new", fsync=False, backup=tmp_path / "y")
    runtime.atomic_write_bytes(tmp_path / "x", b"new", fsync=False)


def test_backup_is_on_disk_before_the_target_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets its name only after that, so that one good version exists at every moment."""
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace
    path, backup = tmp_path / "x", tmp_path / "y"
    path.write_text("old")

    def note_fsync(fd: int) -> None:
        held = Path(f"/proc/self/fd/{fd}").resolve()
        calls.append("fsync " + ("folder" if held.is_dir() else held.read_text()))
        fsync(fd)

    def note_replace(source: str, target: str, **options: Any) -> None:
        calls.append(f"replace {target}")
        replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    runtime.atomic_write_text(path, "new", backup=backup)
    before, after = calls[: calls.index("replace x")], calls[calls.index("replace x") :]
    assert before == ["fsync old", "fsync new"]
    assert after == ["replace x", "fsync folder", "replace y", "fsync folder"]


def test_mode_is_set_before_the_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it were set afterwards, the mode would not be durable."""
    order: list[str] = []
    for name in ("fchmod", "fchown", "setxattr", "fsync", "replace"):
        real = getattr(os, name)

        def note(*args: Any, name: str = name, real: Any = real, **kwargs: Any) -> Any:
            order.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, note)
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    runtime.atomic_write_text(path, "new")
    kept = [name for name in order if name.startswith("f") and name != "fsync"]
    assert order == [*kept, "fsync", "replace", "fsync"]
    order.clear()
    runtime.atomic_write_text(tmp_path / "new", "new", mode=0o600)
    runtime.atomic_write_text(tmp_path / "new", "new", mode=0o604)
    assert order[-4:] == ["fchmod", "fsync", "replace", "fsync"]


def interrupt_at_each_step(
    work: Callable[[], None], check: Callable[[], None], files: set[str]
) -> int:
    """Raise KeyboardInterrupt at each bytecode instruction that `work` runs in `files`, one at a
    time."""
    steps = 0

    def run(at: int) -> bool:
        nonlocal steps
        steps = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal steps
            if frame.f_code.co_filename not in files:
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            if event == "opcode":
                steps += 1
                if steps == at:
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # 3.12 looks at it when tracing begins
        sys.settrace(trace)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    at = 0
    while True:
        at += 1
        try:
            interrupted = run(at)
        except KeyError:  # from the body
            interrupted = False
        check()
        if not interrupted and steps < at:
            return at - 1


@pytest.mark.parametrize(
    ("how", "exists", "body_fails"),
    [
        ("open", True, False),
        ("open", False, False),
        ("open", False, True),
        ("bytes", True, False),
        ("bytes", False, False),
        ("bytes", True, True),
        ("backup", True, False),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_at_each_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_leak: Callable[[], list[str]],
    how: str,
    exists: bool,
    body_fails: bool,
) -> None:
    """Including those that remove what a failed block or write has left."""
    import contextlib

    def full(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(os, "fsync", lambda _: None)
    if body_fails and how != "open":
        monkeypatch.setattr(runtime, "_flush", full)
    path = tmp_path / "x"
    backup = tmp_path / "y" if how == "backup" else None
    expected = no_leak()
    seen = set()

    def prepare() -> None:
        path.unlink(missing_ok=True)
        if backup is not None:
            backup.unlink(missing_ok=True)
        if exists:
            path.write_text("old")
            path.chmod(0o640)
            if os.geteuid() == 0:
                os.chown(path, 12, 34)

    def work() -> None:
        if how != "open":
            runtime.atomic_write_bytes(path, b"new", backup=backup)
            return
        with runtime.atomic_open(path) as file:
            file.write("new")
            if body_fails:
                raise KeyError

    def check() -> None:
        content = path.read_text() if path.exists() else None
        assert content in {"new", "old" if exists else None}
        seen.add(content)
        assert set(os.listdir(tmp_path)) <= {"x", "y"}
        assert backup is None or not backup.exists() or backup.read_text() == "old"
        assert no_leak() == expected
        prepare()

    prepare()
    files = {HELPER, contextlib.__file__ or ""}
    steps = interrupt_at_each_step(work, check, files)
    assert steps > (300 if how == "bytes" else 500)
    assert len(seen) == (1 if body_fails else 2)
    logging.info(f"{steps} interrupts")


def test_signal_during_a_big_write(target: Path) -> None:
    """A real SIGINT, not a simulated one."""
    with pytest.raises(KeyboardInterrupt), runtime.atomic_open(target, "wb") as file:
        timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        while True:
            file.write(b"n" * 100_000)
            file.seek(0)


def in_mount_namespace(code: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` where `directory` is a tmpfs of 256 kB."""
    program = f"""
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("runtime_under_test", {HELPER!r})
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
os.chdir({str(directory)!r})
{textwrap.dedent(code)}
"""
    script = directory.with_suffix(".py")
    script.write_text(program)
    mount = (
        f"mount -t tmpfs -o size=256k none {directory} || exit 99; exec {sys.executable} {script}"
    )
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount]
    done = subprocess.run(unshare, capture_output=True, text=True, check=False)
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("mount is refused; ENOSPC is also injected under strace")
    return done


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_full_disk(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    code = """
    runtime.atomic_write_bytes("x", b"o" * 100_000)
    for size in (160_000, 300_000, 8 << 20):
        for write in ("bytes", "text", "stream"):
            try:
                if write == "bytes":
                    runtime.atomic_write_bytes("x", b"n" * size)
                elif write == "text":
                    runtime.atomic_write_text("x", "n" * size)
                else:
                    with runtime.atomic_open("x", "wb") as file:
                        for _ in range(0, size, 1000):
                            file.write(b"n" * 1000)
            except OSError as error:
                assert (error.errno, error.filename) == (28, "x"), error
            else:
                raise AssertionError("published on a full disk")
            assert open("x", "rb").read() == b"o" * 100_000
            assert os.listdir(".") == ["x"], os.listdir(".")
    runtime.atomic_write_bytes("x", b"n" * 100_000)  # there is room for both
    assert open("x", "rb").read() == b"n" * 100_000
    """
    done = in_mount_namespace(code, tmp_path / "small")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cancels", [1, 3])
def test_async_cancellation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_leak: object, cancels: int
) -> None:
    """The cancelled write ends before the caller sees the cancellation, so that it cannot overtake
    a later one."""
    path = tmp_path / "x"
    path.write_text("old")
    started, go = threading.Event(), threading.Event()

    def fsync(_: int) -> None:
        started.set()
        assert go.wait(10)

    monkeypatch.setattr(os, "fsync", fsync)

    async def main() -> None:
        write = asyncio.ensure_future(runtime.atomic_write_json_async(path, "first"))
        while not started.is_set():
            await asyncio.sleep(0.001)
        for _ in range(cancels):
            write.cancel()
            await asyncio.sleep(0.01)
            assert not write.done()
        assert path.read_text() == "old"
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await write
        assert path.read_text() == '"first"'
        await runtime.atomic_write_json_async(path, "second")

    asyncio.run(main())
    assert path.read_text() == '"second"'
    assert list(tmp_path.iterdir()) == [path]


def test_async_cancelled_while_no_thread_is_free(target: Path) -> None:
    """It is cancelled at once and never written."""
    busy = threading.Event()
    queued: list[Future[Any]] = []

    class Executor(ThreadPoolExecutor):
        def submit(self, *given: Any, **options: Any) -> Any:
            queued.append(super().submit(*given, **options))
            return queued[-1]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with Executor(1) as executor:
            loop.set_default_executor(executor)
            waiting = loop.run_in_executor(None, busy.wait)
            write = asyncio.ensure_future(runtime.atomic_write_text_async(target, "new"))
            await asyncio.sleep(0.01)
            write.cancel()
            done, _ = await asyncio.wait({write}, timeout=5)
            busy.set()
            assert done == {write}
            assert write.cancelled()
            assert queued[-1].cancelled()
            await waiting

    asyncio.run(main())


def test_async_keeps_context_variables(tmp_path: Path) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="lost")

    def loads(_: bytes) -> str:
        return variable.get()

    async def main() -> Any:
        variable.set("kept")
        await runtime.atomic_write_text_async(tmp_path / "x", "new")
        return await runtime.load_checkpoint_async(tmp_path / "x", loads)

    assert asyncio.run(main()) == "kept"


def test_async_load_does_not_hold_up_a_cancellation(tmp_path: Path) -> None:
    """A load cannot overtake anything."""
    (tmp_path / "x").write_text("1")
    started, go = threading.Event(), threading.Event()

    def loads(_: bytes) -> None:
        started.set()
        assert go.wait(10)

    async def main() -> None:
        load = asyncio.ensure_future(runtime.load_checkpoint_async(tmp_path / "x", loads))
        while not started.is_set():
            await asyncio.sleep(0.001)
        load.cancel()
        done, _ = await asyncio.wait({load}, timeout=5)
        assert done == {load}
        assert load.cancelled()
        go.set()

    asyncio.run(main())


def test_async_cancelled_before_it_starts(target: Path) -> None:
    async def main() -> None:
        write = asyncio.ensure_future(runtime.atomic_write_text_async(target, "new"))
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write

    asyncio.run(main())


def test_async_error(target: Path) -> None:
    with pytest.raises(TypeError):
        asyncio.run(runtime.atomic_write_json_async(target, {1}))
    with pytest.raises(OSError, match="absent"):
        asyncio.run(runtime.atomic_write_text_async(target.parent / "absent" / "x", "new"))


def test_cleaned_up_no_more_than_once(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then, the descriptor number of the directory may belong to another one."""
    removed = []
    unlink = os.unlink

    def counted(path: str, **options: int) -> None:
        removed.append(path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", counted)
    with pytest.raises(KeyError), runtime.atomic_open(target):
        raise KeyError
    assert len(removed) == 1
    runtime.atomic_write_text(target, "old")
    assert len(removed) == 1


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 8), reason="asyncio raises another CancelledError, without cause"
)
def test_async_cancellation_keeps_the_error(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go = threading.Event(), threading.Event()

    def fsync(_: int) -> None:
        started.set()
        assert go.wait(10)
        raise OSError(errno.EIO, "lost")

    monkeypatch.setattr(os, "fsync", fsync)

    async def main() -> None:
        write = asyncio.ensure_future(runtime.atomic_write_text_async(target, "new"))
        while not started.is_set():
            await asyncio.sleep(0.001)
        write.cancel()
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await write
        errors = []
        error: BaseException | None = caught.value
        while error is not None:
            errors.append(error)
            error = error.__cause__ or error.__context__
        assert any(isinstance(e, OSError) for e in errors)

    asyncio.run(main())
