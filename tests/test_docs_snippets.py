"""Runs what the pages show: commands are executed, and files are loaded by the tools that they are
for."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml

from atomic_fix.cli import main
from atomic_fix.lsp import FIX_ALL, FIX_NOTEBOOK
from atomic_fix.settings import Resolver, Settings, merge
from tests.test_precommit import INSTALLED, git

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = ("index", "install", "pre-commit", "ci", "editors", "agents", "flake8", "faq")
ELSEWHERE = {"uv", "uvx", "pipx", "code", "npm", "cd"}
"""Programs that pages name and that need not be installed here."""

STATE = """\
import json


def save_state(path, state):
    path.write_text(json.dumps(state))


def load_state(path):
    return json.loads(path.read_text())
"""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    page: str
    language: str
    text: str
    generated: bool


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        assert text.count("```") == 2 * len(_BLOCK.findall(text)), page
        for found in _BLOCK.finditer(text):
            before = text[: found.start()]
            yield Block(page, found[1], found[2], before.endswith("<!-- output -->\n"))


BLOCKS = list(_blocks())


def of(*languages: str) -> list[Any]:
    found = [each for each in BLOCKS if each.language in languages]
    assert found
    return [pytest.param(each, id=f"{each.page}-{number}") for number, each in enumerate(found)]


def test_every_block_is_of_a_kind_that_is_tried() -> None:
    assert {each.language for each in BLOCKS} == {
        "console", "elisp", "groovy", "ini", "json", "lua", "markdown", "python", "toml", "yaml",
    }  # fmt: skip


class Machine(NamedTuple):
    """A user's machine: the programs that are installed, and where this repository is published."""

    programs: Path
    address: str
    commit: str

    def filled(self, text: str) -> str:
        """The text, with the values that a reader fills in."""
        return (
            text.replace("<address>", self.address)
            .replace("<commit>", self.commit)
            .replace("<owner>", "somebody")
        )

    def run(self, command: str, folder: Path, given: str = "") -> tuple[int, str]:
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        kept = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.filled(command)],
            cwd=folder, check=False, text=True, input=given,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**kept, "PATH": path, "PIP_QUIET": "1", "NO_COLOR": "1"},
        )  # fmt: skip
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    if os.name == "nt":
        pytest.skip("the pages are written for a POSIX shell")
    repository = tmp_path_factory.mktemp("published") / "atomic-fix"
    repository.mkdir()
    for name in INSTALLED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, repository / name)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=All")
    commit = git(repository, "rev-parse", "HEAD").strip()
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    found = Machine(folder / "bin", repository.as_uri(), commit)
    # Older ones take no name before the address of a repository on the disk.
    code, output = found.run("pip install --upgrade pip", folder)
    assert code == 0, output
    # As the pages say it.
    command = 'pip install "atomic-fix[lsp] @ git+<address>@<commit>"'
    assert any(command in each.text for each in BLOCKS)
    code, output = found.run(command, folder)
    assert code == 0, output
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A program that saves its state in place, in a repository with a commit that is also on
    `origin/main`."""
    folder = tmp_path / "project"
    package = folder / "src" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "state.py").write_text(STATE)
    (folder / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n')
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=All")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with its printed output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.parametrize(
    "page", sorted({each.page for each in BLOCKS if each.language == "console"})
)
def test_the_commands_of_a_page_run_in_its_order(
    page: str, machine: Machine, project: Path
) -> None:
    run = 0
    for block in BLOCKS:
        if block.page != page or block.language != "console" or block.generated:
            continue
        for command, output in _commands(block):
            program = shlex.split(command)[0]
            if program in ELSEWHERE:
                continue
            if program == ".venv/bin/pip":  # as for the one of the machine
                machine.run(".venv/bin/pip install --upgrade pip", project)
            code, printed = machine.run(command, project)
            assert code in ((0, 1) if program in ("atomic-fix", "flake8") else (0,)), printed
            assert "Error:" not in printed
            assert output in ("", printed), command
            run += 1
    assert run


def test_repairs_of_the_home_page_start(machine: Machine, project: Path) -> None:
    commands = [
        command
        for block in BLOCKS
        if block.page == "index" and block.language == "console" and not block.generated
        for command, _ in _commands(block)
        if command.startswith("atomic-fix")
    ]
    assert len(commands) == 3
    for command in commands:
        code, printed = machine.run(command, project)
    assert code == 0, printed
    program = (project / "src" / "app" / "state.py").read_text()
    assert "from app.atomic_io import atomic_write_json" in program
    start = "python -c 'import app.state, sys; assert \"atomic_fix\" not in sys.modules'"
    assert machine.run(f"cd src && {start}", project)[0] == 0


_INLINE = re.compile(r"`(?:[\w/.]+/)?(atomic-fix(?:-lsp)? [^@`][^`]*)`")
_LINE = re.compile(
    r"^\s*(?:- (?:script: |run: )?|sh '|\$ )?(?:\.venv/bin/)?(atomic-fix .+?)'?$", re.MULTILINE
)


def _shown() -> list[tuple[str, str]]:
    """Every command line of atomic-fix that the pages show, in files of any kind."""
    found = []
    for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            found += [(path.stem, each) for each in _LINE.findall(block[2])]
        found += [(path.stem, each) for each in _INLINE.findall(_BLOCK.sub("", text))]
    assert len(found) > 25
    return found


@pytest.mark.parametrize(("page", "line"), sorted(set(_shown())))
def test_every_command_line_has_options_that_exist(page: str, line: str) -> None:
    if line.startswith("atomic-fix-lsp"):
        pytest.fail(f"{page}: the server takes no arguments: {line}")
    words = shlex.split(re.sub(r"\$\([^)]*\)|…", "X", line), comments=True)[1:]
    words = [re.sub(r"^<(\w+)>$", r"\1", each) for each in words if each != "|"]
    message = ""
    try:
        main.make_context("atomic-fix", words)
    except click.exceptions.Exit:  # it has printed help, say
        pass
    except click.UsageError as error:
        message = error.message
    assert not re.search("No such option|is not one of|exclude each other", message), line


CI = [each for each in BLOCKS if each.page == "ci" and each.language in ("yaml", "groovy")]


@pytest.mark.parametrize("block", CI, ids=range(len(CI)))
def test_the_checks_of_ci_find_what_is_there(block: Block, machine: Machine, project: Path) -> None:
    lines = _LINE.findall(block.text)
    assert lines or "uses: <owner>/atomic-fix@<commit>" in block.text
    for line in lines:
        code, printed = machine.run(line, project)
        assert code == 1, printed
        written = re.search(r"--output-file (\S+)", line)
        report = (project / written[1]).read_text() if written else printed
        assert "ATF101" in report
        # The file that the command writes is the one that is handed on.
        assert written is None or block.text.count(written[1]) == 2
    for line in re.findall(r'(?:pip install|-m pip install) "(.+?)"', block.text):
        assert line == "git+<address>@<commit>"


def _schema(text: str) -> str:
    for word, name in (
        ("jobs:", "github-workflows"), ("codequality:", "gitlab-ci"), ("pool:", "azure-pipelines"),
    ):  # fmt: skip
        if word in text:
            return name
    return ""


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_follows_the_schema_of_what_reads_it(
    block: Block, machine: Machine, tmp_path: Path
) -> None:
    text = machine.filled(block.text)
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    if text.startswith("repos:"):
        command = ["-m", "pre_commit", "validate-config", str(path)]
        _validate_hooks(yaml.safe_load(text))
    else:
        schema = _schema(text)
        assert schema
        command = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run([sys.executable, *command], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_of_the_page_are_safe(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for number, block in enumerate(CI):
        if "jobs:" in block.text:
            (folder / f"{number}.yml").write_text(machine.filled(block.text))
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [program, "--offline", "--no-progress", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _validate_hooks(configuration: dict[str, Any]) -> None:
    """Check that the hooks are ours, and accept the arguments that they are given."""
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    entries = {each["id"]: each["entry"] for each in manifest}
    for repository in configuration["repos"]:
        for hook in repository["hooks"]:
            if hook["id"] == "flake8":
                continue
            entry = hook.get("entry") or entries[hook["id"]]
            words = [*shlex.split(entry)[1:], *hook.get("args", [])]
            main.make_context("atomic-fix", words)


def test_the_hooks_of_the_page_run(machine: Machine, project: Path, tmp_path: Path) -> None:
    """The first configuration and the local one; `test_precommit.py` covers the others."""
    blocks = [each for each in BLOCKS if each.page == "pre-commit" and each.language == "yaml"]
    assert len(blocks) == 3
    for block in (blocks[0], blocks[2]):
        (project / ".pre-commit-config.yaml").write_text(machine.filled(block.text))
        git(project, "add", "--all")
        command = f"PRE_COMMIT_HOME={tmp_path / 'cache'} {sys.executable} -m pre_commit run -a"
        code, printed = machine.run(command, project)
        assert code == 1, printed
        assert "ATF101" in printed
        assert "src/app/state.py:5:5" in printed


def test_the_action_has_the_inputs_that_the_page_lists() -> None:
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    rows = dict(re.findall(r"^\| `([\w-]+)` \| `?(.*?)`? ?\| ", text, re.MULTILINE))
    assert rows == {name: each["default"] for name, each in action["inputs"].items()}
    outputs = re.search(r"^Its outputs are `(.+?)`.* and `(.+?)`\.$", text, re.MULTILINE)
    assert outputs is not None
    assert set(outputs.groups()) == set(action["outputs"])
    for block in CI:
        workflow = yaml.safe_load(block.text) if block.language == "yaml" else {}
        for job in workflow.get("jobs", {}).values():
            for step in job["steps"]:
                if step.get("uses", "").startswith("<owner>"):
                    assert set(step["with"]) <= set(action["inputs"])


def test_actions_are_those_that_the_repository_uses_itself() -> None:
    used = set()
    for path in [ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")]:
        used.update(re.findall(r"uses: (\S+@\w+ # v\S+)", path.read_text(encoding="utf-8")))
    shown = [each for block in CI for each in re.findall(r"uses: (?!<owner>)(.+)", block.text)]
    assert len(shown) > 2
    assert set(shown) <= used


@pytest.mark.parametrize("block", of("toml"))
def test_toml_is_read(block: Block, machine: Machine, project: Path) -> None:
    read = tomllib.loads(block.text)
    if "tool" in read:
        (project / "pyproject.toml").write_text(block.text)
        code, printed = machine.run("atomic-fix --show-settings", project)
        assert code == 0, printed
    else:
        server = read["language-server"]["atomic-fix"]
        _server_takes(server["command"], server["config"], machine)
        assert "atomic-fix" in read["language"][0]["language-servers"]


def _server_takes(command: str, options: dict[str, Any], machine: Machine) -> None:
    assert (machine.programs / command).is_file()
    assert set(options) == {"settings"}
    merge(Settings(), options["settings"], "option")
    Resolver(options["settings"])


@pytest.mark.parametrize("block", of("ini"))
def test_ini_is_read_by_flake8(block: Block, machine: Machine, project: Path) -> None:
    read = configparser.ConfigParser()
    read.read_string(block.text)
    assert read.sections() == ["flake8"]
    (project / ".flake8").write_text(block.text)
    code, printed = machine.run("flake8 src/", project)
    assert code == 1, printed
    assert "src/app/state.py:5:5: ATF101" in printed


@pytest.mark.parametrize("block", of("json"))
def test_json_is_read(block: Block, machine: Machine, project: Path) -> None:
    read = json.loads(block.text)
    if isinstance(read, list):
        tasks = read
    elif "tasks" in read:
        tasks = read["tasks"]
    elif "settings" in read:
        return _server_takes("atomic-fix-lsp", read, machine)
    elif "hooks" in read:
        (group,) = read["hooks"]["PostToolUse"]
        assert set(group["matcher"].split("|")) == {"Edit", "MultiEdit", "Write"}
        assert group["hooks"][0]["type"] == "command"
        return None
    else:
        package = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text())
        known = package["contributes"]["configuration"]["properties"]
        ours = {name: each for name, each in read.items() if name.startswith("atomic-fix.")}
        assert set(ours) <= set(known)
        merge(Settings(), ours.get("atomic-fix.settings", {}), "option")
        on_save = {
            "notebook" if "notebook.codeActionsOnSave" in each else "file": action
            for each in (read, read.get("[python]", {}))
            for name, actions in each.items()
            if name.endswith("codeActionsOnSave")
            for action in actions
        }
        assert on_save.items() <= {"file": FIX_ALL, "notebook": FIX_NOTEBOOK}.items()
        assert on_save
        return None
    for task in tasks:
        words = [each.replace("$ZED_FILE", "src/app/state.py") for each in task["args"]]
        code, printed = machine.run(shlex.join([task["command"], *words]), project)
        assert code == 1, printed
        if "problemMatcher" in task:
            pattern = task["problemMatcher"]["pattern"]
            found = [re.fullmatch(pattern["regexp"], each) for each in printed.splitlines()]
            place = [m and [m[pattern[key]] for key in ("file", "line", "column")] for m in found]
            assert place == [["src/app/state.py", "5", "5"]]
    return None


def test_the_hook_for_agents_hands_findings_to_the_agent(machine: Machine, project: Path) -> None:
    (script,) = [each for each in BLOCKS if each.page == "agents" and each.language == "python"]
    (settings,) = [each for each in BLOCKS if each.page == "agents" and each.language == "json"]
    hook = json.loads(settings.text)["hooks"]["PostToolUse"][0]["hooks"][0]
    folder = project / ".claude" / "hooks"
    folder.mkdir(parents=True)
    (folder / "atomic_fix_hook.py").write_text(script.text)

    def edited(path: Path) -> tuple[int, str]:
        given = {"tool_name": "Edit", "tool_input": {"file_path": str(path)}}
        command = f"export CLAUDE_PROJECT_DIR={project}; {hook['command']}"
        return machine.run(command, project, json.dumps(given))

    code, printed = edited(project / "src" / "app" / "state.py")
    assert code == 2
    assert "ATF101" in printed
    assert "atomic_write_json(path, state)" in printed
    assert edited(project / "src" / "app" / "__init__.py") == (0, "")
    assert edited(project / "pyproject.toml") == (0, "")


def test_lisp_closes_what_it_opens() -> None:
    blocks = [each.text for each in BLOCKS if each.language == "elisp"]
    assert len(blocks) == 2
    for text in blocks:
        assert text.count("(") == text.count(")")
        assert '"atomic-fix-lsp"' in text


NEOVIM = shutil.which("nvim")
CHECK = """
vim.cmd.edit("src/app/state.py")
local function found()
  return vim.diagnostic.get(0)[1]
end
assert(vim.wait(60000, function() return found() ~= nil end, 50), "no diagnostic")
io.stdout:write(found().code, " ", found().lnum, " ", #vim.lsp.get_clients(), "\\n")
vim.fn.feedkeys(vim.keycode("<leader>a"), "x")
vim.wait(10000, function() return vim.fn.search("app.atomic_io", "n") > 0 end, 50)
io.stdout:write(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\\n"), "\\n")
vim.cmd("qa!")
"""


def test_neovim_shows_and_repairs(machine: Machine, project: Path, tmp_path: Path) -> None:
    command = [NEOVIM or "true", "--version"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    version = re.match(r"NVIM v(\d+)\.(\d+)", printed)
    if version is None or (int(version[1]), int(version[2])) < (0, 11):
        pytest.skip("Neovim 0.11 is not installed")
    blocks = [each.text for each in BLOCKS if each.language == "lua"]
    assert len(blocks) == 2
    machine.run("atomic-fix --vendor src/app/atomic_io.py", project)
    (tmp_path / "init.lua").write_text("\n".join(blocks))
    (tmp_path / "check.lua").write_text(CHECK)
    editor = f"{NEOVIM} --headless -u {tmp_path / 'init.lua'} -S {tmp_path / 'check.lua'}"
    code, printed = machine.run(f"XDG_STATE_HOME={tmp_path} {editor}", project)
    assert code == 0, printed
    assert printed.splitlines()[0] == "ATF101 4 1"
    assert "    atomic_write_json(path, state)" in printed
