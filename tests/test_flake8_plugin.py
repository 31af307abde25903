"""The plugin inside a real flake8, compared with the command."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from atomic_fix import flake8_plugin
from atomic_fix.rules import RULES
from atomic_fix.settings import KEYS

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(FIXTURES.glob("**/*.py"))
FORMAT = "%(path)s:%(row)d:%(col)d: %(code)s %(text)s"
OFF_BY_DEFAULT = [rule.code for rule in RULES if not rule.default]

WRITE = "import json\n\n\ndef save(state_path, x):\n    state_path.write_text(json.dumps(x))"


def run_flake8(
    *arguments: str, stdin: bytes | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "flake8", *arguments],
        input=stdin, capture_output=True, check=False, cwd=cwd,
    )  # fmt: skip


def flake8(*arguments: str, stdin: bytes | None = None, cwd: Path | None = None) -> list[str]:
    done = run_flake8(f"--format={FORMAT}", *arguments, stdin=stdin, cwd=cwd)
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def atf(*arguments: str, stdin: bytes | None = None) -> list[str]:
    return flake8("--isolated", "--select=ATF", *arguments, stdin=stdin)


def reported(*arguments: str) -> list[dict[str, Any]]:
    """What the command reports, with absolute paths."""
    run = [sys.executable, "-m", "atomic_fix", "--output-format=json", *arguments]
    done = subprocess.run(run, capture_output=True, check=False)
    assert done.returncode in (0, 1, 2), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def command(*arguments: str) -> list[str]:
    """The same, in the form of flake8's lines."""
    return [
        f"{each['filename']}:{each['location']['row']}:{each['location']['column']}:"
        f" {each['code']} {each['message']}"
        for each in reported(*arguments)
    ]


def by_file(lines: list[str]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in lines:
        found[line.split(":")[0]].append(line)
    return {name: sorted(each) for name, each in found.items()}


@pytest.fixture(scope="module")
def everywhere() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What both report about every fixture, including rules that are off by default; one run of
    each."""
    paths = [str(path) for path in CASES]
    extra = ",".join(OFF_BY_DEFAULT)
    return (
        by_file(atf(f"--extend-select={extra}", *paths)),
        by_file(command(f"--extend-select={extra}", *paths)),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_same_findings_as_the_command(
    case: Path, everywhere: tuple[dict[str, list[str]], dict[str, list[str]]]
) -> None:
    by_flake8, by_command = everywhere
    assert by_flake8.get(str(case), []) == by_command.get(str(case), [])


def test_the_fixtures_give_something_to_compare(
    everywhere: tuple[dict[str, list[str]], dict[str, list[str]]],
) -> None:
    codes = {line.split()[1] for lines in everywhere[0].values() for line in lines}
    assert codes == {rule.code for rule in RULES}


CONTENTS = {
    "byte order mark": (b"\xef\xbb\xbf" + WRITE.encode() + b"\n", 1),
    "crlf": (WRITE.replace("\n", "\r\n").encode(), 1),
    "latin-1": (("# coding: latin-1\nx = 'é'; " + WRITE + "  # é\n").encode("latin-1"), 1),
    "wide characters before": (WRITE.replace("    ", "    é = 'ü'; ").encode(), 1),
    "form feed": (WRITE.replace("\n\n\n", "\n\x0c\n\n").encode(), 1),
    "noqa": ((WRITE + "  # noqa\n").encode(), 0),
    "noqa with the code": ((WRITE + "  # noqa: ATF101\n").encode(), 0),
    "noqa with a prefix": ((WRITE + "  # noqa: ATF1, E501\n").encode(), 0),
    "noqa of others": ((WRITE + "  # noqa: E501\n").encode(), 1),
    "noqa for the file": (("# flake8: noqa\n" + WRITE).encode(), 0),
    "off": (("# atomic-fix: off\n" + WRITE).encode(), 0),
    "off and on": (("# atomic-fix: off\n# atomic-fix: on\n" + WRITE).encode(), 1),
    "noqa on the next row": (
        (WRITE.replace("(json", "(\n        json") + "  # noqa: ATF101\n").encode(),
        1,
    ),
    "noqa behind a long string": (
        WRITE.replace("json.dumps(x)", '"""\n{}\n""".format(x)').encode() + b"  # noqa: ATF101\n",
        0,
    ),
    "noqa behind a backslash": (
        WRITE.replace(".write", ".\\\n        write").encode() + b"  # noqa: ATF101\n",
        0,
    ),
    "not decodable": (WRITE.encode() + b"  # \xff\n", 1),
    "unknown encoding": (b"# coding: klingon\n" + WRITE.encode(), 1),
}


@pytest.mark.parametrize(("content", "count"), CONTENTS.values(), ids=CONTENTS)
def test_encodings_and_suppressions_are_the_same_in_both(
    content: bytes, count: int, tmp_path: Path
) -> None:
    path = tmp_path / "case.py"
    path.write_bytes(content)
    found = atf(str(path))
    assert found == command(str(path))
    assert len(found) == count


def test_noqa_is_ignored_with_disable_noqa(tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(WRITE + "  # noqa\n")
    assert atf(str(path)) == []
    assert len(atf("--disable-noqa", str(path))) == 1


@pytest.mark.parametrize("content", [WRITE.encode(), WRITE.replace("\n", "\r\n").encode()])
def test_standard_input(content: bytes, tmp_path: Path) -> None:
    found = atf("-", stdin=content)
    assert [line.split(" ")[:2] for line in found] == [["stdin:5:5:", "ATF101"]]
    # Its display name may be that of a file with other contents.
    shown = tmp_path / "case.py"
    shown.write_text("x = 1\n")
    found = atf(f"--stdin-display-name={shown}", "-", stdin=content)
    assert [line.split(" ")[:2] for line in found] == [[f"{shown}:5:5:", "ATF101"]]


def test_each_setting_that_affects_findings_is_an_option() -> None:
    text = run_flake8("--isolated", "--help").stdout.decode()
    not_about_findings = {
        "per-file-ignores", "exclude", "extend-exclude", "force-exclude", "respect-gitignore",
        "extend", "docs-url", "baseline", "require-reason", "fail-on-unused", "output-format",
        "select", "extend-select", "ignore", "assume-helper", "check-syntax",
    }  # fmt: skip
    for key in KEYS:
        assert (f"--atf-{key.name} " in text) is (key.name not in not_about_findings), key.name


def test_options(tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    path.write_text(WRITE.replace("state_path", "breadcrumbs"))
    assert atf(str(path)) == []
    assert len(atf("--atf-durable-words=crumbs,breadcrumbs", str(path))) == 1
    options = ("--atf-durable-words=breadcrumbs", "--atf-min-confidence=1")
    assert atf(*options, str(path)) == []


def test_options_from_the_configuration_of_flake8(tmp_path: Path) -> None:
    (tmp_path / "case.py").write_text(WRITE)
    assert len(flake8("--select=ATF", "case.py", cwd=tmp_path)) == 1
    config = tmp_path / ".flake8"
    config.write_text("[flake8]\nselect = ATF\natf-not-durable-words = x,\n  state\n")
    assert flake8("case.py", cwd=tmp_path) == []
    config.write_text("[flake8]\nselect = ATF\natf_min_confidence = 1.0\n")
    assert flake8("case.py", cwd=tmp_path) == []


def test_it_runs_without_being_selected(tmp_path: Path) -> None:
    (tmp_path / "case.py").write_text(WRITE + "\n")
    assert [line.split()[1] for line in flake8("case.py", cwd=tmp_path)] == ["ATF101"]
    # Setting these replaces flake8's own defaults; it must not silence the plugin.
    for option in ("--ignore=E501", "--extend-ignore=E501"):
        assert len(flake8(option, "case.py", cwd=tmp_path)) == 1


def test_our_configuration_holds_and_that_of_flake8_wins(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.atomic-fix]\nnot-durable-words = ['state']\nignore = ['ATF201']\n"
        "per-file-ignores = { 'quiet.py' = ['ATF1'] }\n"
    )
    (tmp_path / "case.py").write_text(WRITE + "\n")
    (tmp_path / "quiet.py").write_text(WRITE + "\n")
    for name in ("case.py", "quiet.py"):
        assert flake8("--select=ATF", name, cwd=tmp_path) == []
    options = ("--select=ATF", "--atf-not-durable-words=other")
    found = flake8(*options, "case.py", "quiet.py", cwd=tmp_path)
    assert [line.split(":")[0] for line in found] == ["case.py"]


def test_the_baseline_of_our_configuration_holds(tmp_path: Path) -> None:
    (tmp_path / "case.py").write_text(WRITE + "\n")
    (tmp_path / "pyproject.toml").write_text("[tool.atomic-fix]\nbaseline = 'known'\n")
    found = flake8("--select=ATF", "case.py", cwd=tmp_path)
    assert len(found) == 1
    assert "ATF000" in found[0]
    assert "cannot be read" in found[0]
    subprocess.run(
        [sys.executable, "-m", "atomic_fix", "--write-baseline", "."],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert flake8("--select=ATF", "case.py", cwd=tmp_path) == []
    (tmp_path / "known").write_text("<<<<<<<\n")
    found = flake8("--select=ATF", "case.py", cwd=tmp_path)
    assert len(found) == 1
    assert "not a baseline" in found[0]


def test_a_rule_that_is_off_by_default_needs_its_whole_code() -> None:
    paths = [str(path) for path in (FIXTURES / "invalid-treated-as-missing").glob("*.py")]

    def codes(*options: str) -> set[str]:
        return {line.split()[1] for line in flake8("--isolated", *options, *paths)} & {"ATF203"}

    assert codes() == set()
    assert codes("--select=ATF") == set()
    assert codes("--ignore=E501") == set()  # `extend_default_ignore` would be lost here
    assert codes("--select=ATF203") == {"ATF203"}
    assert codes("--extend-select=ATF203") == {"ATF203"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--atf-min-confidence=2", "`min-confidence` must be a number between 0 and 1"),
        ("--atf-min-confidence=high", "`min-confidence` must be a number between 0 and 1"),
        ("--atf-durability=eternal", "`durability` is `eternal` but must be one of"),
        ("--atf-savers=a:b", "`savers` must be a list of names"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(option: str, said: str) -> None:
    done = run_flake8("--isolated", option, str(CASES[0]))
    assert done.returncode == 1
    assert said in done.stdout.decode() + done.stderr.decode()
    assert b"Traceback" not in done.stdout + done.stderr


def test_a_configuration_that_cannot_be_used_does_not_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.atomic-fix]\nselekt = []\n")
    (tmp_path / "case.py").write_text("import os\n")
    found = flake8("case.py", cwd=tmp_path)
    assert [line.split()[1] for line in found] == ["ATF000", "F401"]
    assert "unknown key `selekt`, did you mean `select`?" in found[0]


def test_a_file_that_does_not_parse_is_flake8s_own_error(tmp_path: Path) -> None:
    """It reports E999 itself and calls no plugin, so `select` should contain E9 as well as ATF."""
    path = tmp_path / "case.py"
    path.write_text("def broken(:\n")
    for options in ((), ("--select=ATF,E9",)):
        found = flake8("--isolated", *options, str(path))
        assert [line.split()[1] for line in found][:1] == ["E999"]


@pytest.mark.parametrize("error", [RecursionError("too\ndeep"), MemoryError(), ValueError("x")])
def test_a_defect_of_ours_does_not_end_the_run(
    monkeypatch: pytest.MonkeyPatch, error: Exception, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    path = tmp_path / "case.py"
    path.write_text(WRITE)
    monkeypatch.setattr("atomic_fix.flake8_plugin.check_file", fail)
    plugin = flake8_plugin.AtomicFixPlugin(ast.parse(""), str(path), [WRITE])
    expected = (
        f"ATF000 internal error: {type(error).__name__}: {error} "
        "(please report this, with the file)"
    )
    expected = " ".join(expected.split())
    assert [row[:3] for row in plugin.run()] == [(1, 0, expected)]


def test_no_repair_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """flake8 shows none, and computing one takes as long as everything else."""
    file = tmp_path / "state.py"
    file.write_text(f"{WRITE}\n")
    repairs: list[object] = []
    monkeypatch.setattr("atomic_fix.fixes.atomic_write.EditContext", repairs.append)
    lines = file.read_text().splitlines(keepends=True)
    plugin = flake8_plugin.AtomicFixPlugin(ast.parse(file.read_text()), str(file), lines)
    assert [text.split()[0] for _, _, text, _ in plugin.run()] == ["ATF101"]
    assert repairs == []


def test_a_vanished_file_is_reported(tmp_path: Path) -> None:
    plugin = flake8_plugin.AtomicFixPlugin(ast.parse(""), str(tmp_path / "gone.py"), [WRITE])
    found = list(plugin.run())
    assert [row[:2] for row in found] == [(1, 0)]
    assert found[0][2].startswith("ATF000 cannot be read: ")


def test_workers_get_the_options(tmp_path: Path) -> None:
    for number in range(8):
        text = WRITE.replace("state_path", "breadcrumbs")
        (tmp_path / f"case_{number}.py").write_text(text)
    found = atf("--jobs=2", "--atf-durable-words=breadcrumbs", str(tmp_path))
    assert len(found) == 8


def test_one_file_never_ends_the_run(tmp_path: Path) -> None:
    save = WRITE + "\n"
    files = {
        "brackets.py": save + "    y = " + "(" * 150 + ")" * 150 + "\n",
        "chain.py": save + "    y = " + "-" * 5_000 + "1\n",
        "null.py": "x = 1\0\n",
        "cookie.py": "# coding: rot13\nx = 1\n",
        "pattern.py": save
        + "    match x:\n        case "
        + '{"a": ' * 12
        + "b"
        + "}" * 12
        + ": pass\n",
        "plain.py": save,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    lines = flake8(
        "--isolated", "--select=ATF,E9", "--jobs=1", *(str(tmp_path / name) for name in files)
    )
    told = {
        Path(name).name: [line.split()[1] for line in of] for name, of in by_file(lines).items()
    }
    assert told["plain.py"] == told["brackets.py"] == ["ATF101"]
    assert told["cookie.py"] == told["pattern.py"] == ["ATF000"]
    # Some versions of Python can parse it.
    assert told["chain.py"] in (["E999"], ["ATF000"], ["ATF101"])
    assert set(told["null.py"]) <= {"E999", "E902", "ATF000"}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_project_counts_as_it_does_for_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    utils, job, clean = (tree / name for name in ("utils.py", "job.py", "clean.py"))
    utils.write_text(
        "import json\n\n\ndef save_json(path, obj):\n"
        '    with open(path, "w") as file:\n        json.dump(obj, file)\n'
    )
    job.write_text(
        "from utils import save_json\n\n\ndef save_progress(state):\n"
        '    save_json("progress_checkpoint.json", state)\n'
    )
    clean.write_text("x = 1\n")
    (found,) = expected = command("--no-cache", str(tree))
    (why,) = (each["why"] for each in reported("--no-cache", str(tree)))
    assert "`save_progress` (job.py:5)" in why
    for paths in ([str(tree)], [str(utils)], [str(utils), str(clean)]):
        assert atf(f"--jobs={jobs}", *paths) == expected
    given = utils.read_bytes()
    (told,) = atf(f"--stdin-display-name={utils}", "-", stdin=given)
    assert told == found
    assert atf(f"--jobs={jobs}", "--atf-project=false", str(tree)) == []
    (tree / "atomic-fix.toml").write_text("project = false\n")
    assert atf(f"--jobs={jobs}", str(tree)) == []
