"""`atomic_fix.check_source`: public, pure, picklable, and light to import."""

from __future__ import annotations

import pickle
import subprocess
import sys

import atomic_fix

SAVER = b"def save_state(path, state):\n    path.write_text(state)\n"


def test_it_finds_and_can_be_sent_to_another_process() -> None:
    check = pickle.loads(pickle.dumps(atomic_fix.check_source))
    found = check(SAVER, "state.py")
    assert [each.code for each in found] == ["ATF101"]
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_clean_file_needs_no_libcst() -> None:
    program = (
        "import sys, atomic_fix\n"
        "assert atomic_fix.check_source(b'x = 1', 'a.py') == ()\n"
        "print([m for m in ('libcst', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
