"""The playground in a real browser, where the command runs in Pyodide.

All files are served locally. Pyodide comes from npm. Its build of LibCST is not published there, so
LibCST's parser written in Python replaces the native one.
"""

from __future__ import annotations

import hashlib
import json
import queue
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from atomic_fix.cli import main
from tests.test_docs_site import BROWSERS, needed, site

__all__ = ["site"]

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "playground.md").read_text(encoding="utf-8")
ADDRESS = re.search(r'data-pyodide="(\S+?/v(\d\S*?)/full/)"', PAGE)
LIBCST = "1.8.6"
"""What the distribution of this Pyodide has."""

NATIVE = '''
"""LibCST's own parser in Python stands in for the native one."""

from libcst._parser.detect_config import detect_config
from libcst._parser.grammar import get_grammar
from libcst._parser.python_parser import PythonCSTParser
from libcst._parser.types.config import PartialParserConfig


def _parse(source, start, encoding="utf-8"):
    partial = PartialParserConfig(python_version="3.8", encoding=encoding)
    found = detect_config(
        source, partial=partial, detect_trailing_newline=True, detect_default_newline=True
    )
    grammar = get_grammar(partial.parsed_python_version, partial.future_imports)
    return PythonCSTParser(
        tokens=found.tokens, config=found.config, pgen_grammar=grammar, start_nonterminal=start
    ).parse()


def parse_module(source, encoding=None):
    return _parse(source, "file_input", encoding or "utf-8")


def parse_statement(source):
    return _parse(source, "stmt_input")


def parse_expression(source):
    return _parse(source, "expression_input")
'''

ASK = """<!doctype html><iframe src="/playground.html" width="900" height="900"></iframe><script>
const wait = (found) => new Promise((resolve) => {
  const timer = setInterval(() => {
    const value = found()
    if (value) { clearInterval(timer); resolve(value) }
  }, 50)
})
const frame = document.querySelector("iframe")
const page = () => frame.contentDocument
const find = (selector) => page().querySelector("#try " + selector)
const text = (selector) => find(selector).textContent
const done = () => !find("[name=check]").disabled
async function check(source, unsafe) {
  if (source !== undefined) find("[name=source]").value = source
  find("[name=unsafe]").checked = unsafe
  find("[name=check]").click()
  await wait(done)
  return {
    findings: text(".findings"), patch: text(".patch"), status: text("[role=status]"),
    added: [...page().querySelectorAll("#try .added")].length,
  }
}
async function ask() {
  await wait(() => page()?.querySelector("#try") && done())
  const given = await (await fetch("/sources")).json()
  const resources = frame.contentWindow.performance.getEntriesByType("resource")
  const before = resources.map((each) => each.name)
  const found = [{ before, source: find("[name=source]").value }, await check(undefined, false)]
  for (const each of given) found.push(await check(each, true))
  await fetch("/found", { method: "POST", body: JSON.stringify(found) })
}
ask().catch((error) => fetch("/found", { method: "POST", body: JSON.stringify(String(error)) }))
</script>"""

SOURCES = ["x = (\n", "print('nothing')\n", (ROOT / "examples/trainer/checkpoints.py").read_text()]


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Pyodide and the two packages that the page loads."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("pyodide")
    assert ADDRESS is not None
    subprocess.run(
        [npm, "pack", "--silent", f"pyodide@{ADDRESS[2]}"], cwd=folder, check=True, timeout=300
    )
    (archive,) = folder.glob("pyodide-*.tgz")
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            member.name = Path(member.name).name
            packed.extract(member, folder, **_filter())
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, f"libcst=={LIBCST}", "click", "--dest", folder], check=True)
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]["libcst"]["version"] == LIBCST
    (click,) = folder.glob("click-*.whl")
    wheels = {"libcst": _in_python(folder), "click": click}
    lock["packages"] = {
        name: {
            **lock["packages"][name], "depends": [], "file_name": wheel.name,
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        }
        for name, wheel in wheels.items()
    }  # fmt: skip
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return folder


def _filter() -> dict[str, Any]:
    return {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def _in_python(folder: Path) -> Path:
    """LibCST without its native module."""
    (native,) = folder.glob("libcst-*.whl")
    made = folder / f"libcst-{LIBCST}-py3-none-any.whl"
    with zipfile.ZipFile(native) as given, zipfile.ZipFile(made, "w") as target:
        for name in given.namelist():
            if name.endswith((".py", "METADATA", "RECORD", "WHEEL")) and "/tests/" not in name:
                target.writestr(name, given.read(name))
        target.writestr("libcst/native.py", NATIVE)
    return made


@pytest.fixture(scope="module")
def answers(
    site: Path, pyodide: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[dict[str, Any]]]:
    """What the page shows for each source, in one session."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    needed(browser is not None, "chromium")
    assert browser is not None
    assert ADDRESS is not None
    found: queue.Queue[Any] = queue.Queue()
    remote = ADDRESS[1]

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/ask":
                self._answer("text/html", ASK)
            elif path == "/sources":
                self._answer("application/json", json.dumps(SOURCES))
            elif path == "/playground.html":
                text = (site / "playground.html").read_text(encoding="utf-8")
                assert text.count(remote) == 1
                self._answer("text/html", text.replace(remote, "/pyodide/"))
            else:
                super().do_GET()

        def do_POST(self) -> None:
            found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("text/plain", "")

        def _answer(self, kind: str, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def translate_path(self, path: str) -> str:
            if path.startswith("/pyodide/"):
                return str(pyodide / Path(urlsplit(path).path).name)
            return super().translate_path(path)

        def log_request(self, *_: object) -> None:
            pass

    Handler.extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm",
    }  # fmt: skip
    profile = tmp_path_factory.mktemp("profile")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = subprocess.Popen(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
             "--remote-debugging-port=0", f"--user-data-dir={profile}",
             f"http://127.0.0.1:{server.server_port}/ask"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield found.get(timeout=240)
        finally:
            process.terminate()
            process.wait()
            server.shutdown()


def command(source: str, *options: str) -> str:
    """What the command prints here for the same file."""
    given = ["--isolated", "--no-cache", "--no-project", "--color", "never", "--stdin-filename"]
    runner = CliRunner(env={"COLUMNS": "100"})
    return runner.invoke(main, [*given, "checkpoints.py", *options, "-"], source).output


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has no project around the file."""
    monkeypatch.chdir(tmp_path)


def test_the_page_loads_python_only_when_it_is_asked(answers: list[dict[str, Any]]) -> None:
    assert [each for each in answers[0]["before"] if "pyodide" in each or ".zip" in each] == []
    assert [each for each in answers[0]["before"] if each.endswith("/playground/page.js")]


def test_the_example_of_the_page_is_found_and_repaired(answers: list[dict[str, Any]]) -> None:
    source = answers[0]["source"]
    shown = answers[1]
    assert shown["status"] == ""
    assert {"ATF101", "ATF201"} <= set(re.findall(r"ATF\d+", shown["findings"]))
    assert shown["findings"] == command(source)
    assert shown["patch"].rstrip() == command(source, "--diff", "--assume-helper").rstrip()
    assert shown["added"] == len(re.findall(r"^\+(?!\+\+ )", shown["patch"], re.MULTILINE)) > 2


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_the_page_shows_what_the_command_prints(answers: list[dict[str, Any]], number: int) -> None:
    shown, source = answers[2 + number], SOURCES[number]
    assert shown["status"] == ""
    assert shown["findings"] == command(source)
    options = ("--diff", "--assume-helper", "--unsafe-fixes")
    assert shown["patch"].rstrip() == command(source, *options).rstrip()


def test_the_package_in_the_site_is_whole_and_always_the_same(site: Path, tmp_path: Path) -> None:
    from tests.test_repository import script

    made = (site / "playground" / "atomic_fix.zip").read_bytes()
    (tmp_path / "playground").mkdir()
    script("site_hooks", "docs").on_post_build({"site_dir": str(tmp_path)})
    assert (tmp_path / "playground" / "atomic_fix.zip").read_bytes() == made
    with zipfile.ZipFile(tmp_path / "playground" / "atomic_fix.zip") as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    assert names == {
        path.relative_to(source).as_posix() for path in (source / "atomic_fix").rglob("*.py")
    }
