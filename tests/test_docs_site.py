"""The documentation site builds, loads nothing from other hosts, and has no broken links.

Without mkdocs-material or Chromium these tests are skipped, unless CI_BROWSER=1 is set.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from atomic_fix.rules import RULES

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Links(HTMLParser):
    """The links of a page, what it loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.update(filter(None, [found.get("id"), found.get("name")]))
        href, src = found.get("href"), found.get("src")
        if tag == "a" and href:
            self.targets.append(href)
        elif tag == "link" and href:
            self.loaded.append(href)
        if src:
            self.loaded.append(src)


def needed(there: bool, what: str) -> None:
    if not there and os.environ.get("CI_BROWSER") == "1":
        pytest.fail(f"{what} is not installed")
    if not there:
        pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed(importlib.util.find_spec("material") is not None, "mkdocs-material")
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    loaded = [
        each
        for page in site.rglob("*.html")
        for each in Links(page.read_text(encoding="utf-8")).loaded
    ]
    assert any(each.endswith(".css") for each in loaded)
    assert [each for each in loaded if urlsplit(each).netloc] == []


def test_a_browser_opens_each_page_and_every_link_leads_somewhere(
    site: Path, tmp_path: Path
) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    needed(browser is not None, "chromium")
    assert browser is not None
    pages: dict[str, Links] = {}
    links: set[tuple[str, str]] = set()
    waiting = [(site / "index.html").as_uri()]
    while waiting:
        url = waiting.pop()
        if url in pages:
            continue
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
             "--dump-dom", url],
            capture_output=True, check=True, text=True, timeout=60,
        )  # fmt: skip
        # The scripts ran: the theme puts this class in place of `no-js`.
        assert re.search(r'<html[^>]* class="(?:[^"]* )?js[ "]', done.stdout), url
        pages[url] = Links(done.stdout)
        for each in pages[url].loaded + pages[url].targets:
            target = urljoin(url, each)
            if urlsplit(target).scheme == "file":
                links.add((url, target))
                if urldefrag(target).url.endswith(".html"):
                    waiting.append(urldefrag(target).url)
    broken = [
        (page, target)
        for page, target in links
        if not Path(unquote(urlsplit(target).path)).is_file()
        or (
            (fragment := urldefrag(target).fragment)
            and unquote(fragment) not in pages[urldefrag(target).url].anchors
        )
    ]
    assert broken == []
    opened = {Path(unquote(urlsplit(url).path)).relative_to(site).as_posix() for url in pages}
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")} - {"404.html"}
    assert opened == built
    assert {f"rules/{rule.name}.html" for rule in RULES} <= opened


ASK = """<!doctype html><iframe src="/index.html?q=quarantine"></iframe><script>
setInterval(() => {
  const page = document.querySelector("iframe").contentDocument
  const found = [...page.querySelectorAll("a.md-search-result__link")].map(each => each.href)
  if (found.length) fetch("/found?" + new URLSearchParams(found.map(each => ["page", each])))
}, 200)
</script>"""
"""A page that searches the site, and tells the server what a reader would see."""


def test_a_browser_finds_a_word(site: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    needed(browser is not None, "chromium")
    assert browser is not None
    answers: queue.Queue[list[str]] = queue.Queue()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/found":
                answers.put(parse_qs(url.query)["page"])
                self.send_response(204)
                self.end_headers()
            elif url.path == "/ask":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(ASK.encode())
            else:
                super().do_GET()

        def log_request(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = subprocess.Popen(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}",
             f"http://127.0.0.1:{server.server_port}/ask"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            found = answers.get(timeout=120)
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    assert "configuration.html" in {urlsplit(each).path.rpartition("/")[2] for each in found}


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "docs" / "pictures").glob("*.svg")), ids=lambda p: p.name
)
def test_pictures_say_in_words_what_they_show_and_are_used(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
    assert {"title", "desc"} <= names
    assert "prefers-color-scheme: dark" in text
    pages = [each.read_text(encoding="utf-8") for each in (ROOT / "docs").glob("*.md")]
    assert any(f"(pictures/{picture.name})" in page for page in pages)
