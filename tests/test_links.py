"""Files are written only inside the given tree: no symbolic link leads a write out of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atomic_fix.cli import main
from atomic_fix.run import disk

SAVER = (
    "import json\n\n\ndef save_state(path, state):\n"
    "    with open(path, 'w') as file:\n        json.dump(state, file)\n"
)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree to start in, and beside it a folder that belongs to somebody else."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/app.py").write_text(SAVER)
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def repaired(path: Path) -> bool:
    return "atomic_write_json" in path.read_text()


@pytest.mark.parametrize("named", [".", "app.py"])
@pytest.mark.parametrize("way", [["--write"], ["--add-noqa", "why"], ["--diff"], ["--interactive"]])
def test_a_link_out_of_the_tree_is_left_alone_and_named(
    here: Path, named: str, way: list[str]
) -> None:
    (here / "app.py").symlink_to("../own/app.py")
    result = run(*way, named)
    assert result.exit_code == 2
    own = here.parent / "own/app.py"
    assert own.read_text() == SAVER
    assert "+++" not in result.stdout
    assert result.stderr.splitlines()[0] == (
        f"atomic-fix: error: app.py: not repaired: it leads through a link to {own}, "
        f"outside of {here}"
    )


def test_no_repair_of_it_is_offered(here: Path) -> None:
    (here / "app.py").symlink_to("../own/app.py")
    for _ in range(2):
        result = run("--output-format", "full", ".")
        assert result.exit_code == 1
        assert "[--write]" not in result.stdout
        assert "no automatic fix: it leads through a link to " in result.stdout
        assert "1 without a fix" in result.stdout


def test_it_stops_no_other_and_the_target_may_be_named(here: Path) -> None:
    (here / "app.py").symlink_to("../own/app.py")
    (here / "b.py").write_text(SAVER)
    assert run("--write", ".").exit_code == 2
    assert repaired(here / "b.py")
    assert run("--write", "../own/app.py").exit_code == 0
    assert repaired(here.parent / "own/app.py")
    # With nothing to repair there is nothing to say.
    result = run("--write", ".")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_link_within_the_tree_is_written_through_and_stays(here: Path) -> None:
    (here / "d").mkdir()
    (here / "d/script").write_text(SAVER)
    (here / "link.py").symlink_to("d/script")
    assert run("--write", ".").exit_code == 0
    assert (here / "link.py").is_symlink()
    assert repaired(here / "d/script")


def test_a_link_out_of_the_folder_of_its_configuration(here: Path) -> None:
    (here / "script").write_text(SAVER)
    (here / "d").mkdir()
    (here / "d/link.py").symlink_to("../script")
    (here / "d/atomic-fix.toml").write_text("helper = 'evil.pwn'\n")
    result = run("--write", ".")
    assert result.exit_code == 2
    assert f"outside of {here}/d" in result.stderr
    assert (here / "script").read_text() == SAVER


@pytest.mark.parametrize("named", ["d", "d/", "./d", "d/app.py"])
def test_a_linked_folder_cannot_be_written_through(here: Path, named: str) -> None:
    (here / "d").symlink_to("../own")
    result = run("--write", named)
    assert result.exit_code == 2
    assert "app.py: not repaired: it leads through a link to " in result.stderr
    assert (here.parent / "own/app.py").read_text() == SAVER
    assert run("--write", ".").exit_code == 0


def test_the_way_to_what_is_named_may_hold_links(here: Path) -> None:
    (here.parent / "shortcut").symlink_to("own")
    assert run("--write", "../shortcut/app.py").exit_code == 0
    assert repaired(here.parent / "own/app.py")
    (here.parent / "own/app.py").write_text(SAVER)
    (here.parent / "own/app").mkdir()
    (here.parent / "own/app/b.py").write_text(SAVER)
    assert run("--write", "../shortcut/app").exit_code == 0
    assert repaired(here.parent / "own/app/b.py")


def test_a_folder_that_becomes_a_link_meanwhile(here: Path) -> None:
    (here / "d").symlink_to("../own")
    with pytest.raises(disk.NotWritten, match="leads through a link"):
        disk.write("d/app.py", SAVER.encode(), b"", (str(here),))
    assert (here.parent / "own/app.py").read_text() == SAVER


def test_a_baseline_that_the_configuration_names_stays_in_its_folder(here: Path) -> None:
    (here / "b.py").write_text(SAVER)
    for name in ("../known", str(here.parent / "known"), "link"):
        (here / "atomic-fix.toml").write_text(f"baseline = '{name}'\n")
        if name == "link":
            (here / "link").symlink_to("../known")
        result = run("--write-baseline", ".")
        assert result.exit_code == 2
        assert not (here.parent / "known").exists()
        assert result.stderr.count("\n") == 1
    # What the command line names is the user's own word.
    assert run("--write-baseline", "--baseline", "../known", ".").exit_code == 0
    assert (here.parent / "known").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--write-baseline", "--baseline", "known"],
        ["--output-file", "known"],
        ["--vendor", "d/atomic_io.py"],
        ["--write-baseline", "--baseline", "d/known"],
    ],
)
def test_no_other_file_is_written_through_a_link(here: Path, arguments: list[str]) -> None:
    (here / "b.py").write_text(SAVER)
    known = here.parent / "own/known"
    known.write_text("# Findings\n")
    (here / "known").symlink_to("../own/known")
    (here / "d").symlink_to("../own")
    before = sorted((here.parent / "own").iterdir())
    result = run(*arguments)
    assert result.exit_code == 2
    assert "it leads through a link to " in result.stderr
    assert known.read_text() == "# Findings\n"
    assert sorted((here.parent / "own").iterdir()) == before


def test_a_linked_copy_is_not_updated(here: Path) -> None:
    own = here.parent / "own/atomic_io.py"
    assert run("--vendor", str(own)).exit_code == 0
    first, _, rest = own.read_text().partition("\n")
    # An older release made it, of another body.
    import hashlib

    body = "# old\n" + rest
    digest = hashlib.sha256(body.encode()).hexdigest()
    old = f"# atomic-fix 0.0.1, helper, sha256:{digest}\n{body}"
    assert first.startswith("# atomic-fix ")
    own.write_text(old)
    (here / "atomic_io.py").symlink_to(own)
    result = run("--vendor-update", ".")
    assert result.exit_code == 2
    assert "atomic_io.py: not written: it leads through a link" in result.stderr
    assert own.read_text() == old
    assert run("--vendor-update", "../own").exit_code == 0
    assert own.read_text() != old
