"""The reports in `tests/snapshots/`, as the command prints them on a terminal. Update them with

python tests/snapshots.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from atomic_fix.runtime import atomic_write_text

FOLDER = Path(__file__).parent / "snapshots"
PROGRAM = {
    "bank/accounts.py": """\
import json
import os
import shutil
import tempfile


def load_accounts(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def save_accounts(path, accounts):
    path.write_text(json.dumps(accounts, indent=2, sort_keys=True, default=str, ensure_ascii=False))


def save_session(path, session):
    handle, tmp = tempfile.mkstemp()
    with os.fdopen(handle, "w") as file:
        json.dump(session, file)
    shutil.move(tmp, path)


def save_queue(path, queue):
    with open(path, "r+") as file:
        json.dump(queue, file)
        file.truncate()
""",
    "bank/files.py": """\
def write_text(path, text):
    with open(path, "w") as file:
        file.write(text)
""",
    "bank/progress.py": """\
import json

from bank.files import write_text


def save_progress(done):
    write_text("progress.json", json.dumps(done))


def resume():
    try:
        with open("progress.json") as file:
            return json.load(file)
    except Exception:
        pass
""",
    "requirements.txt": "atomic-fix\n",
}
WIDTHS = (80, 120)


def snapshots() -> Iterator[tuple[str, str]]:
    """The name and text of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in PROGRAM.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        for width in WIDTHS:
            yield f"full-{width}.txt", _printed(folder, width, "full", colour=False)
            yield f"full-{width}-colour.txt", _printed(folder, width, "full", colour=True)
        yield "concise.txt", _printed(folder, 80, "concise", colour=False)


def _printed(folder: Path, width: int, output_format: str, *, colour: bool) -> str:
    """What the command prints on a terminal with this number of columns."""
    import pty

    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR"}}
    environment |= {"COLUMNS": str(width), "TERM": "xterm"}
    command = [sys.executable, "-m", "atomic_fix", "--isolated", "--no-cache", "--jobs", "1"]
    command += ["--color", "always" if colour else "never", "--output-format", output_format, "."]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs
    ) as process:
        os.close(theirs)
        with os.fdopen(ours, "rb") as terminal:
            pieces = []
            # Linux answers with an error when the other end is closed, others with nothing.
            try:
                while piece := terminal.read1():
                    pieces.append(piece)
            except OSError:
                pass
    if process.returncode != 1:
        raise ValueError(f"{command} ended with {process.returncode}")
    return b"".join(pieces).decode("utf-8").replace("\r\n", "\n")


def main() -> None:
    """Update them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in snapshots():
        atomic_write_text(FOLDER / name, text, encoding="utf-8")


if __name__ == "__main__":
    main()
