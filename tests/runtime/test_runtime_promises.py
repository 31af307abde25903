"""Each promise of the helper hangs on a line of it, and on a test that fails without that line.

The table says which; the lines are really taken out. Numbers are those in docs/helper.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_fix import runtime

HELPER = Path(runtime.__file__ or "")
HERE = Path(__file__).parent

# ruff: noqa: E501
# Promise, a part of the helper, what stands there instead, the test that notices.
LINES = [
    ("1", "os.O_WRONLY | _O", "os.O_WRONLY | os.O_TRUNC | _O", "syscalls::test_killed_at_each_call[bytes-existing]"),
    ("1", "if self.old is None and self.perm", "if self.perm", "target::test_secret_is_never_readable_by_others"),
    ("2", "            if ours and isinstance(error, OSError):\n                _name(error, path)\n", "", "failures::test_call_fails"),
    ("2", "            error.filename = self.name\n", "", "failures::test_failed_write"),
    ("2", "staged.discard()", "pass", "failures::test_body_raises"),
    ("2", "                self._release()\n\n    # A", "                break\n\n    # A", "failures::test_body_raises"),
    ("2", "    os.fsync(fd)\n", "    with contextlib.suppress(OSError):\n        return os.fsync(fd)\n    os.fsync(fd)\n", "failures::test_failed_fsync_is_final"),
    ("2", "                if error.errno not in _UNSUPPORTED:\n                    raise\n        self", "                pass\n        self", "failures::test_directory_fsync"),
    ("2", "while done < data.nbytes", "if done < data.nbytes", "failures::test_short_writes_are_continued"),
    ("2", "            except FileExistsError:\n", "            except OSError:\n", "syscalls::test_each_call_fails[bytes-existing]"),
    ("3", "            _sync(self.new)\n", "            pass\n", "power_loss::test_power_loss"),
    ("3", "                _sync(self.dir_fd)\n", "                pass\n", "power_loss::test_power_loss"),
    ("3", "        if self.perm is not None and hasattr(os, \"fchmod\"):\n            os.fchmod(self.new, self.perm)\n", "", "target::test_mode_given"),
    ("4", "    text = json.dumps(obj, **options)\n    _write_json(", "    open(path, \"w\").close()\n    text = json.dumps(obj, **options)\n    _write_json(", "bytes::test_wrong_type_touches_nothing"),
    ("4", "            staged.discard()  # an interrupt", "            pass  # an interrupt", "failures::test_interrupted_at_each_step"),
    ("4", "                await asyncio.wait({future})\n", "                break\n", "failures::test_async_cancellation"),
    ("4", "staged.discard()", "pass", "failures::test_full_disk"),
    ("4", "staged.discard()", "pass", "failures::test_generator_closed"),
    ("5", "os.urandom(8).hex()", "\"0\" * 16", "concurrent::test_eight_threads"),
    ("5", "os.urandom(8).hex()", "\"0\" * 16", "concurrent::test_eight_processes"),
    ("6", "            _inherit(self.old, self.new, self.made, self.path)\n", "            pass\n", "target::test_mode_is_kept"),
    ("6", "mode = _inherit_owner(was, new, mode, path)", "pass", "target::test_owner_and_group_are_kept"),
    ("6", "if _inherit_xattrs(old, new, path):", "if False:", "target::test_xattrs_are_kept"),
    ("6", "if _inherit_xattrs(old, new, path):", "if False:", "target::test_acl_is_kept"),
    ("6", "        now = os.fstat(new)  # an ACL", "        pass  # an ACL", "target::test_rights_of_a_lost_group_are_not_in_the_acl"),
    ("6", "0o666 if self.old is None", "0o644 if self.old is None", "target::test_new_file_obeys_the_umask"),
    ("6", "os.O_WRONLY | _O", "os.O_RDONLY | _O", "target::test_read_only_target_is_refused_as_open_would"),
    ("6", "        path = os.path.join(directory, os.readlink(path))\n", "        return directory, name\n", "target::test_symlinks_are_followed"),
    ("6", "        _warn(path, f\"has {was.st_nlink} names", "        (path, f\"has {was.st_nlink} names", "target::test_hard_links"),
    ("6", "error.errno == errno.EBUSY", "False", "target::test_bind_mount"),
    ("6", "if error.errno == errno.EBUSY and", "if", "failures::test_call_fails"),
    ("6", "self.prefix + _PREFIX +", "self.prefix + _PREFIX + self.name +", "target::test_longest_names"),
    ("6", "            except FileExistsError:\n", "            except OSError:\n", "target::test_directory_without_write_permission"),
    ("6", "dst_dir_fd=self.dir_fd)", "dst_dir_fd=None)", "target::test_relative_path_survives_chdir"),
    ("6", "_locate(os.fsdecode(path))", "_locate(path)", "target::test_standard_output_is_written_through"),
    ("6", "            if not stat.S_ISREG(os.stat(path).st_mode):\n                return None\n        path =", "            pass\n        path =", "target::test_fifo_is_written_through"),
    ("6", "        if directory == \"/dev/fd\" or", "        if", "target::test_standard_output_is_written_through"),
    ("6", "                if error.errno not in _UNSUPPORTED:\n                    raise\n        self", "                raise\n        self", "failures::test_directory_fsync"),
    ("7", "            fcntl.fcntl(fd, full)\n", "            os.fsync(fd)\n", "platforms::test_mac_flushes_the_drive"),
    ("7", "            if error.errno not in _UNSUPPORTED | {errno.ENOTTY}:\n                raise\n", "            raise\n", "platforms::test_mac_falls_back_where_the_volume_cannot"),
    ("7", "        if self.fsync and self.dir_fd is not None:\n", "        if self.fsync:\n", "platforms::test_windows_waits_for_readers"),
    ("7", "            self._release()  # an open", "            pass  # an open", "platforms::test_windows_waits_for_readers"),
    ("7", "{5, 32, 33} or delay > 0.6", "{5, 32, 33}", "platforms::test_windows_waits_no_longer_than_about_a_second"),
    ("7", "not in {5, 32, 33}", "not in {5}", "platforms::test_windows_waits_for_readers"),
    ("8", "_PREFIX, _SUFFIX = \".atomic-\", \".tmp\"", "_PREFIX, _SUFFIX = \".atomic-\", \".json\"", "target::test_temp_name_is_not_listed_as_data"),
    ("8", "                fcntl.flock(self.new, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "                pass\n", "sweep::test_living_writer_is_left_alone"),
    ("8", " or time.time() - found.st_mtime < least", "", "sweep::test_age"),
    ("8", "        if not _TEMP.fullmatch(name):\n            continue\n", "", "sweep::test_other_names_stay"),
    ("8", "        except FileNotFoundError:\n            return False\n        return True\n", "        except FileNotFoundError:\n            pass\n        return True\n", "sweep::test_swept_before_it_was_locked"),
    ("8", "        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "        pass\n", "sweep::test_living_writer_is_left_alone"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("promise", "line", "instead", "test"),
    LINES,
    ids=[f"{promise}-{n}" for n, (promise, *_) in enumerate(LINES)],
)
def test_without_the_line_the_promise_is_seen_to_break(
    tmp_path: Path, promise: str, line: str, instead: str, test: str
) -> None:
    source = HELPER.read_text(encoding="utf-8")
    assert line in source
    copy = tmp_path / "copy.py"
    copy.write_text(source.replace(line, instead), encoding="utf-8")
    file, name = test.split("::")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}", f"{HERE}/test_runtime_{file}.py::{name}"],
        cwd=HERE.parents[1],
        env={**os.environ, "ATOMIC_FIX_RUNTIME": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 and " skipped" in done.stdout and " passed" not in done.stdout:
        pytest.skip(f"{name} needs what is not here")
    assert done.returncode == 1, f"promise {promise}: {name} does not notice\n{done.stdout}"


def test_every_promise_has_its_lines() -> None:
    assert {promise for promise, *_ in LINES} == set("12345678")
