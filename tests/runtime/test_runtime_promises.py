"""Each promise of the helper depends on one of its statements, and a test fails without that
statement.

The table has these statements, by function and by a name that they use; each is removed from the
syntax tree in turn. `benchmarks/helper/mutants.py` does so with every other.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from atomic_fix import runtime

HELPER = Path(runtime.__file__ or "")
HERE = Path(__file__).parent

# Promise, function, a name in the statements that go, the test that notices.
STATEMENTS = [
    ("killed", "_replace", "replace", "syscalls::test_killed_at_each_call[bytes-existing]"),
    ("killed", "_write_in_place", "rename", "target::test_killed_while_writing_in_place"),
    ("failed", "__exit__", "filename", "failures::test_call_fails"),
    ("failed", "write", "filename", "failures::test_failed_write"),
    ("failed", "discard", "unlink", "failures::test_body_raises"),
    ("failed", "discard", "close", "failures::test_body_raises"),
    ("failed", "_block", "discard", "failures::test_generator_closed"),
    ("failed", "_write", "discard", "failures::test_full_disk"),
    ("failed", "_sync", "fsync", "failures::test_failed_fsync_is_final"),
    ("failed", "_flush", "dup", "failures::test_error_at_close_stops_the_publish"),
    ("failed", "_no_folder", "text", "target::test_missing_folders"),
    ("failed", "_write_in_place", "strerror", "target::test_failed_write_in_place"),
    ("failed", "_write_in_place", "_flush", "target::test_error_at_close_while_writing_in_place"),
    ("power loss", "settle", "_flush", "power_loss::test_power_loss"),
    ("power loss", "publish", "_sync_directory", "power_loss::test_power_loss"),
    ("power loss", "_keep", "settle", "failures::test_backup_is_on_disk_before"),
    ("power loss", "_make_folder", "_sync_directory", "power_loss::test_power_loss_while_folders"),
    ("power loss", "_write_in_place", "_sync_directory", "target::test_written_in_place_is_synced"),
    ("interrupted", "_write", "discard", "failures::test_interrupted_at_each_step"),
    ("interrupted", "_write_in_place", "add_note", "target::test_interrupted_write_in_place"),
    ("cancelled", "_in_thread", "cancel", "failures::test_async_cancelled_while_no_thread"),
    ("cancelled", "_in_thread", "__cause__", "failures::test_async_cancellation_keeps_the_error"),
    ("forked", "begin", "getpid", "failures::test_child_forked_in_the_block"),
    ("forked", "commit", "_warn", "failures::test_child_forked_in_the_block"),
    ("forked", "discard", "clear", "failures::test_child_forked_in_the_block"),
    ("many writers", "_replace", "replace", "concurrent::test_eight_threads"),
    ("kept", "begin", "_inherit", "target::test_mode_is_kept"),
    ("kept", "settle", "fchmod", "target::test_mode_given"),
    ("kept", "settle", "_inherit_changes", "target::test_mode_changed_by_the_body_counts"),
    ("kept", "_inherit", "_inherit_owner", "target::test_owner_and_group_are_kept"),
    ("kept", "_inherit", "_inherit_xattrs", "target::test_xattrs_are_kept"),
    ("kept", "_inherit", "left", "target::test_mode_changed_by_the_body_counts"),
    ("kept", "_inherit", "fstat", "target::test_rights_of_a_lost_group_are_not_in_the_acl"),
    ("kept", "_inherit_xattrs", "removexattr", "target::test_acl_is_kept"),
    ("the target", "_locate", "readlink", "target::test_symlinks_are_followed"),
    ("the target", "_find", "_release", "target::test_descriptors_of_earlier_looks_are_closed"),
    ("the target", "_find_old", "_make_folder", "target::test_missing_folders"),
    ("the target", "begin", "_warn", "target::test_hard_links"),
    ("the target", "begin", "through", "target::test_fifo_is_written_through"),
    ("the target", "_replace", "_write_in_place", "target::test_bind_mount"),
    ("the target", "_write_in_place", "_warn", "target::test_bind_mount"),
    ("the target", "__enter__", "RuntimeError", "failures::test_entered_twice"),
    ("platforms", "_sync", "fcntl", "platforms::test_mac_flushes_the_drive"),
    ("platforms", "publish", "_release", "platforms::test_windows_waits_for_readers"),
    ("platforms", "_replace", "sleep", "platforms::test_windows_waits_for_readers"),
    ("leftovers", "_lock_temp", "flock", "sweep::test_living_writer_is_left_alone"),
    ("leftovers", "_sweep", "flock", "sweep::test_living_writer_is_left_alone"),
    ("leftovers", "_sweep", "unlink", "sweep::test_leftover_of_a_killed_writer"),
    ("loaded", "_read", "CheckpointCorruptedError", "load::test_corrupted"),
    ("loaded", "_load", "corrupted", "load::test_backup"),
    ("loaded", "_load", "warn_explicit", "load::test_missing_is_not_taken_from_the_backup"),
    ("loaded", "__reduce__", "state", "load::test_size_is_that_of_what_was_read"),
]


class Without(ast.NodeTransformer):
    """Removes the simple statements of a function that use a name."""

    def __init__(self, function: str, name: str) -> None:
        self.function, self.name, self.inside, self.taken = function, name, False, 0

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            before, self.inside = self.inside, self.inside or node.name == self.function
            self.generic_visit(node)
            self.inside = before
            return node
        simple = isinstance(node, ast.stmt) and not hasattr(node, "body")
        if self.inside and simple and self.name in set(self.names(node)):
            self.taken += 1
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    @staticmethod
    def names(node: ast.AST) -> list[str]:
        uses = [n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))]
        return [n.id if isinstance(n, ast.Name) else n.attr for n in uses]


@pytest.mark.parametrize(
    ("promise", "function", "name", "test"),
    STATEMENTS,
    ids=[f"{promise}-{function}-{name}" for promise, function, name, _ in STATEMENTS],
)
def test_without_the_statement_the_promise_is_seen_to_break(
    tmp_path: Path, promise: str, function: str, name: str, test: str
) -> None:
    without = Without(function, name)
    tree = without.visit(ast.parse(HELPER.read_text(encoding="utf-8")))
    assert without.taken, f"{function} does not use {name}"
    copy = tmp_path / "copy.py"
    copy.write_text(ast.unparse(tree), encoding="utf-8")
    file, _, selected = test.partition("::")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    whole = [f"{HERE}/test_runtime_{file}.py::{selected}"]
    if "[" not in selected:
        whole = [f"{HERE}/test_runtime_{file}.py", "-k", selected]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'base'}", *whole],
        cwd=HERE.parents[1],
        env={**os.environ, "ATOMIC_FIX_RUNTIME": str(copy)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode == 0 and " skipped" in done.stdout and " passed" not in done.stdout:
        pytest.skip(f"{selected} needs what is not here")
    assert done.returncode == 1, f"{promise}: {selected} does not notice\n{done.stdout}"
