"""The evidence that files of a project have about each other, and how it changes findings."""

from __future__ import annotations

import itertools
import pickle
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from atomic_fix import runtime
from atomic_fix.check import check
from atomic_fix.config import Config
from atomic_fix.facts.scopes import Call
from atomic_fix.finding import Applicability, Finding
from atomic_fix.project.index import EMPTY_INDEX, ProjectIndex
from atomic_fix.project.link import link
from atomic_fix.project.receivers import Receivers
from atomic_fix.project.summarise import summarise
from atomic_fix.project.summary import FileSummary
from atomic_fix.run.typed_json import plain, read
from atomic_fix.source import Source

CONFIG = Config()
Files = Mapping[str, str]


def source_of(path: str, text: str) -> Source:
    return Source(path, textwrap.dedent(text), "utf-8", bom=False)


def summaries_of(files: Files) -> list[FileSummary]:
    return [summarise(source_of(path, text), CONFIG) for path, text in files.items()]


def index_of(files: Files) -> ProjectIndex:
    return link(summaries_of(files))


def findings_in(files: Files, index: ProjectIndex | None = None) -> list[Finding]:
    """The findings of all files, with the evidence that the files give about each other."""
    linked = index if index is not None else index_of(files)
    return [
        finding
        for path, text in files.items()
        for finding in check(source_of(path, text), CONFIG, index=linked)
    ]


def places(findings: list[Finding]) -> list[str]:
    return [f"{each.filename}:{each.span.start.row} {each.code}" for each in findings]


def told(files: Files) -> list[str]:
    return places(findings_in(files))


def alone(files: Files) -> list[str]:
    return places(findings_in(files, EMPTY_INDEX))


WRAPPER = """\
def write_text(path, text):
    with open(path, "w") as file:
        file.write(text)
"""

CALLER = """\
from app.files import write_text


def save_progress(done):
    write_text("progress.json", str(done))
"""

PROJECT = {"app/files.py": WRAPPER, "app/job.py": CALLER}


def test_a_wrapper_is_reported_for_what_a_caller_in_another_file_gives_it() -> None:
    assert alone(PROJECT) == []
    (finding,) = findings_in(PROJECT)
    assert places([finding]) == ["app/files.py:2 ATF101"]
    assert finding.why.endswith("`save_progress` (app/job.py:5) passes it `progress.json`")
    (evidence,) = finding.evidence[:1]
    assert (evidence.path, evidence.row) == ("app/job.py", 5)


def test_a_file_alone_says_nothing_about_itself() -> None:
    for path, text in PROJECT.items():
        assert not index_of({path: text}).slice_of(path)


def test_summaries_and_slices_can_be_stored_and_sent() -> None:
    index = index_of(PROJECT)
    for summary in summaries_of(PROJECT):
        assert read(FileSummary, plain(summary)) == summary
        assert pickle.loads(pickle.dumps(summary)) == summary
    for part in index.slices.values():
        assert read(type(part), plain(part)) == part
    assert pickle.loads(pickle.dumps(index)) == index


# --- imports ---------------------------------------------------------------------------

SAVE = """
def save_progress(done):
    {call}("progress.json", str(done))
"""

IMPORTS = {
    "plain": ("import app.files", "app.files.write_text", {}),
    "plain as": ("import app.files as store", "store.write_text", {}),
    "from": ("from app.files import write_text", "write_text", {}),
    "alias": ("from app.files import write_text as put", "put", {}),
    "module": ("from app import files", "files.write_text", {}),
    "relative": ("from .files import write_text", "write_text", {}),
    "relative module": ("from . import files", "files.write_text", {}),
    "star": ("from app.files import *", "write_text", {}),
    "passed on": (
        "from app import write_text",
        "write_text",
        {"app/__init__.py": "from .files import write_text\n"},
    ),
    "passed on under another name": (
        "from app import put",
        "put",
        {"app/__init__.py": "from .files import write_text as put\n"},
    ),
    "passed on by a star": (
        "from app import write_text",
        "write_text",
        {"app/__init__.py": "from .files import *\n"},
    ),
    "in a function": ("", "write_text", {}),
}


@pytest.mark.parametrize("kind", IMPORTS)
def test_a_helper_is_known_however_it_is_imported(kind: str) -> None:
    statement, call, more = IMPORTS[kind]
    caller = f"{statement}\n{SAVE.format(call=call)}"
    if not statement:
        caller = caller.replace("    write", "    from app.files import write_text\n    write")
    files = {**more, "app/files.py": WRAPPER, "app/job.py": caller}
    assert told(files) == ["app/files.py:2 ATF101"]


LAYOUTS = {
    "src": ("src/app/files.py", "src/app/job.py", "from app.files import write_text"),
    "tools beside src": ("src/app/files.py", "tools/job.py", "from app.files import write_text"),
    "namespace package": ("src/a/b/files.py", "src/a/c/job.py", "from a.b.files import write_text"),
    "scripts": ("scripts/files.py", "scripts/job.py", "from files import write_text"),
    "above": ("app/files.py", "app/inner/job.py", "from ..files import write_text"),
    "root": ("files.py", "job.py", "from files import write_text"),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_modules_are_found_in_every_layout(kind: str) -> None:
    helper, caller, statement = LAYOUTS[kind]
    files = {helper: WRAPPER, caller: f"{statement}\n{SAVE.format(call='write_text')}"}
    assert told(files) == [f"{helper}:2 ATF101"]


def test_of_two_packages_of_one_name_the_nearer_one_is_meant() -> None:
    caller = f"from app.files import write_text\n{SAVE.format(call='write_text')}"
    files = {
        "one/app/files.py": WRAPPER,
        "one/job.py": caller,
        "two/app/files.py": WRAPPER,
    }
    assert told(files) == ["one/app/files.py:2 ATF101"]
    # Nothing tells which is meant.
    assert told({**files, "one/job.py": "", "job.py": caller}) == []


def test_cycles_and_missing_modules_are_nothing() -> None:
    caller = f"from app.job import *\nfrom gone import more\n{SAVE.format(call='write_text')}"
    files = {
        "app/files.py": f"from app.job import write_text as again\n{WRAPPER}",
        "app/job.py": caller + "\nfrom app.other import write_text, Base\nclass Own(Base): pass\n",
        "app/other.py": "from app.job import write_text, Own\nclass Base(Own): pass\n",
    }
    assert told(files) == []


def test_tests_of_a_package_say_nothing_of_it() -> None:
    test = "from app.files import write_text\ndef test_it():\n    write_text('progress.json', '')\n"
    assert told({"app/files.py": WRAPPER, "tests/test_files.py": test}) == []


def test_the_order_and_the_groups_of_summaries_do_not_matter() -> None:
    summaries = summaries_of({**PROJECT, **LOADED, **STORE})
    whole = link(summaries)
    for few in itertools.permutations(summaries[:4]):
        assert link([*few, *summaries[4:]]) == whole
    assert link([*summaries[2:], *summaries]) == whole


# --- who reads, who writes -------------------------------------------------------------

LOADED = {
    "app/paths.py": """
        from pathlib import Path

        FOLDER = Path.home() / ".app"
        SEEN = FOLDER / "seen.txt"
        """,
    "app/writer.py": """
        from app.paths import SEEN

        def finish(text):
            SEEN.write_text(text)
        """,
    "app/reader.py": """
        import json
        from app import paths

        def begin():
            return json.loads(paths.SEEN.read_text())
        """,
}


def test_a_load_in_another_file_is_evidence() -> None:
    assert alone(LOADED) == []
    (finding,) = findings_in(LOADED)
    assert places([finding]) == ["app/writer.py:5 ATF101"]
    assert "`begin` (app/reader.py:6) reads it back" in finding.why


GIVEN = {
    "app/store.py": """
        import json

        def save_it(data, location):
            with open(location, "w") as file:
                json.dump(data, file)

        def parse_it(location):
            with open(location) as file:
                return json.load(file)
        """,
    "app/main.py": """
        from app.store import parse_it, save_it

        def start():
            return parse_it("progress.json")

        def stop(data):
            save_it(data, "progress.json")
        """,
}


def test_a_function_that_only_passes_the_path_is_not_called_the_reader() -> None:
    (finding,) = findings_in(GIVEN)
    assert finding.headline.endswith("the file that `parse_it` reads back")
    assert "`parse_it`, which `start` (app/main.py:5) calls, reads it back" in finding.why
    (place,) = [each for each in finding.related if "reads it back" in each.message]
    assert place.message == "`parse_it`, which `start` calls, reads it back"
    assert (place.path, place.span.start.row) == ("app/main.py", 5)


@pytest.mark.parametrize(("use", "found"), [("return set({})", 1), ("print({})", 0)])
def test_a_load_that_is_only_printed_is_no_evidence(use: str, found: int) -> None:
    writer = LOADED["app/writer.py"].replace("finish", "remember")
    use = use.format("paths.SEEN.read_text()")
    reader = LOADED["app/reader.py"].replace("return json.loads(paths.SEEN.read_text())", use)
    assert use in reader
    assert len(told({**LOADED, "app/writer.py": writer, "app/reader.py": reader})) == found


BY = {
    "the same folder and name": (
        "from app.paths import FOLDER\ndef finish(t):\n    (FOLDER / 'a.dat').write_text(t)\n",
        "import app.paths as p\ndef begin():\n    return int((p.FOLDER / 'a.dat').read_text())\n",
    ),
    "a function that gives the path": (
        "from app.paths import where\ndef finish(t):\n    where().write_text(t)\n",
        "from app.paths import where\ndef begin():\n    return int(where().read_text())\n",
    ),
    "an attribute of a shared object": (
        "from app.paths import options\ndef finish(t):\n    options.seen.write_text(t)\n",
        "from app.paths import options\ndef begin():\n    return int(options.seen.read_text())\n",
    ),
    "an attribute of a class": (
        (
            "from app.paths import Options\n"
            "def finish(options: Options, t):\n    options.seen.write_text(t)\n"
        ),
        (
            "from app.paths import Options\n"
            "def begin():\n    o = Options()\n    return int(o.seen.read_text())\n"
        ),
    ),
    "a name of its own": (
        "def finish(folder, t):\n    (folder / 'seen-urls.dat').write_text(t)\n",
        "def begin(base):\n    return int((base / 'seen-urls.dat').read_text())\n",
    ),
}
PATHS = """\
from pathlib import Path

FOLDER = Path.home() / ".app"


def where():
    return FOLDER / "seen.dat"


class Options:
    def __init__(self):
        self.seen = FOLDER / "seen.dat"


options = Options()
"""


@pytest.mark.parametrize("kind", BY)
def test_files_are_the_same_by(kind: str) -> None:
    writer, reader = BY[kind]
    files = {"app/paths.py": PATHS, "app/writer.py": writer, "app/reader.py": reader}
    (site,) = index_of(files).slice_of("app/writer.py").sites
    assert [each.at.path for each in site.readers] == ["app/reader.py"]


@pytest.mark.parametrize("name", ["config.json", "data.json", "index.json", "state.json"])
def test_common_names_in_folders_that_differ_are_not_one_file(name: str) -> None:
    files = {
        "app/writer.py": f"def finish(folder, t):\n    (folder / '{name}').write_text(t)\n",
        "app/reader.py": f"def begin(base):\n    return int((base / '{name}').read_text())\n",
    }
    assert not index_of(files).slice_of("app/writer.py")


def test_a_function_that_makes_a_path_of_what_it_is_given_makes_many() -> None:
    files = {
        "app/paths.py": "def checked(path):\n    return path.resolve()\n",
        "app/writer.py": "from app.paths import checked\n"
        "def finish(path, t):\n    checked(path).write_text(t)\n",
        "app/reader.py": "from app.paths import checked\n"
        "def begin(path):\n    return int(checked(path).read_text())\n",
    }
    assert index_of(files).slice_of("app/writer.py").sites == ()


def test_methods_of_objects_of_one_name_give_many_paths() -> None:
    files = {
        "app/local.py": """
            import json

            class Local:
                def readtext(self, path):
                    return json.loads(path.read_text())

                def writetext(self, path, text):
                    path.write_text(text)
            """,
        "app/remote.py": """
            from app.local import Local

            class Remote:
                def __init__(self):
                    self.local = Local()

                def readtext(self, path):
                    full_path = path.canonical()
                    return self.local.readtext(full_path)

                def writetext(self, path, text):
                    full_path = path.canonical()
                    self.local.writetext(full_path, text)
            """,
    }
    assert told(files) == []


def test_what_others_give_a_function_that_makes_a_path_is_another_file() -> None:
    files = {
        "app/paths.py": "def checked(path):\n    return path.resolve()\n",
        "app/edit.py": """
            from app.paths import checked

            def edit(path, text):
                checked(path).write_text(text)
            """,
        "app/job.py": """
            from pathlib import Path
            from app.paths import checked

            def resume():
                return int(checked(Path("checkpoint.txt")).read_text())
            """,
    }
    assert told(files) == []


# --- classes ---------------------------------------------------------------------------

STORE = {
    "app/store.py": """
        import json

        class Store:
            def __init__(self, path):
                self.path = path

            def put(self, items):
                with open(self.path, "w") as file:
                    json.dump(items, file)
        """,
    "app/main.py": """
        from app.store import Store

        class Job:
            def __init__(self):
                self.store = Store("checkpoint.json")

            def step(self, items):
                self.store.put(items)
        """,
}


def test_a_store_is_reported_for_the_path_that_it_is_made_with() -> None:
    assert alone(STORE) == []
    assert told(STORE) == ["app/store.py:9 ATF101"]


CLASSES = {
    "a method of an attribute": """
        from app.dumps import Dumper

        class Job:
            def __init__(self):
                self.dumper = Dumper()

            def step(self, items):
                self.dumper.put("checkpoint.json", items)
        """,
    "a method of a local object": """
        from app.dumps import Dumper

        def step(items):
            dumper = Dumper()
            dumper.put("checkpoint.json", items)
        """,
    "a method of a parameter": """
        from app.dumps import Dumper

        def step(dumper: Dumper | None, items):
            dumper.put("checkpoint.json", items)
        """,
    "a method of the class below": """
        import app.dumps

        class Job(app.dumps.Dumper):
            def step(self, items):
                self.put("checkpoint.json", items)
        """,
    "by super": """
        from app.dumps import Dumper

        class Job(Dumper):
            def put(self, items):
                super().put("checkpoint.json", items)
        """,
    "an object of the module": """
        from app.dumps import dumper

        def step(items):
            dumper.put("checkpoint.json", items)
        """,
    "what a function makes": """
        from app.dumps import make

        def step(items):
            make().put("checkpoint.json", items)
        """,
    "an attribute of the class below": """
        from app.dumps import Dumper

        class Job(Dumper):
            where = "checkpoint.json"
        """,
}
DUMPS = """
import json


class Dumper:
    def put(self, path, items):
        with open(path, "w") as file:
            json.dump(items, file)

    def put_here(self, items):
        with open(self.where, "w") as file:
            json.dump(items, file)


def make():
    return Dumper()


dumper = Dumper()
"""


@pytest.mark.parametrize("kind", CLASSES)
def test_methods_are_known_through(kind: str) -> None:
    files = {"app/dumps.py": DUMPS, "app/job.py": CLASSES[kind]}
    row = 11 if "attribute of the class" in kind else 7
    assert told(files) == [f"app/dumps.py:{row} ATF101"]


def test_wrappers_of_wrappers_are_seen_through() -> None:
    files = {
        "app/files.py": WRAPPER,
        "app/json_files.py": """
            import json
            from app.files import write_text

            def dump_to(target, value):
                write_text(target, json.dumps(value))
            """,
        "app/job.py": """
            from app import json_files as files

            def save_progress(value):
                files.dump_to("progress.json", value)
                files.dump_to(target="report.html", value=value)
            """,
    }
    (finding,) = findings_in(files)
    assert places([finding]) == ["app/files.py:2 ATF101"]
    assert "`save_progress` (app/job.py:5) passes it `progress.json`" in finding.why


# --- loaders ---------------------------------------------------------------------------

FETCH = """\
import json


def fetch(path):
    with open(path) as file:
        return json.load(file)
"""
FETCH_OR_NONE = """\
import json


def fetch(path):
    try:
        with open(path) as file:
            return json.load(file)
    except ValueError:
        return None
"""


def test_an_error_of_a_loader_in_another_file_is_swallowed() -> None:
    files = {
        "app/files.py": FETCH,
        "app/job.py": """
            from app.files import fetch

            def resume():
                try:
                    return fetch("progress.json")
                except ValueError:
                    return None
            """,
    }
    assert alone(files) == []
    assert told(files) == ["app/job.py:7 ATF201"]
    # It handles that itself, and what the caller catches is something else.
    assert told({**files, "app/files.py": FETCH_OR_NONE}) == ["app/files.py:8 ATF201"]


def test_a_writer_that_looks_at_the_old_content_is_no_loader() -> None:
    helper = Path(runtime.__file__).read_text(encoding="utf-8")
    store = """
        import logging
        from atomic_io import atomic_open, atomic_write_json

        class Store:
            def __init__(self, data_location):
                self.data_location = data_location

            def make(self):
                with atomic_open(self.data_location, "w") as file:
                    file.write("{}")

            def save(self):
                try:
                    atomic_write_json(self.data_location, self)
                except Exception:
                    logging.info("failed")
        """
    assert told({"atomic_io.py": helper, "store.py": store}) == []


def test_a_loader_that_raises_an_error_of_its_own_handles_nothing() -> None:
    loader = FETCH_OR_NONE.replace("except ValueError:", "except ValueError as error:").replace(
        "return None", "raise RuntimeError(path) from error"
    )
    job = """
        from app.files import fetch

        def resume():
            try:
                return fetch("progress.json")
            except Exception:
                return None
        """
    assert told({"app/files.py": loader, "app/job.py": job}) == ["app/job.py:7 ATF202"]


TURNED = """
    import plistlib

    class PreferencesError({base}):
        pass

    class PreferencesReadError(PreferencesError):
        pass

    def fetch(path):
        try:
            with open(path, "rb") as file:
                return plistlib.load(file)
        except {caught} as error:
            raise {raised}(error)
    """


@pytest.mark.parametrize(
    ("base", "caught", "raised", "wanted", "found"),
    [
        ("Exception", "Exception", "PreferencesReadError", "ExpatError", []),
        ("Exception", "Exception", "PreferencesReadError", "ValueError, ExpatError", []),
        ("Exception", "(ExpatError, ValueError)", "RuntimeError", "JSONDecodeError", []),
        ("Exception", "ValueError", "PreferencesReadError", "ExpatError", ["ATF201"]),
        ("ValueError", "Exception", "PreferencesReadError", "ValueError", ["ATF201"]),
        ("Unknown", "Exception", "PreferencesReadError", "ValueError", ["ATF201"]),
        ("Exception", "Exception", "ValueError", "ValueError", ["ATF201"]),
        ("Exception", "Exception", "PreferencesReadError", "Exception", ["ATF202"]),
    ],
)
@pytest.mark.parametrize("name", ["fetch", "readPlist"])
def test_an_error_that_a_loader_turns_into_another_one_is_not_swallowed(
    name: str, base: str, caught: str, raised: str, wanted: str, found: list[str]
) -> None:
    loader = TURNED.format(base=base, caught=caught, raised=raised)
    files = {
        "app/files.py": loader.replace("fetch", name),
        "app/state.py": f"""
            from app.files import {name}

            STATE = "state.plist"

            def load_state():
                try:
                    return {name}(STATE)
                except (OSError, {wanted}):
                    return {{}}
            """,
    }
    assert [each.code for each in findings_in(files)] == found


def test_an_error_of_a_method_that_loads_a_file_of_its_own_is_swallowed() -> None:
    files = {
        "app/store.py": """
            import json

            class Store:
                def __init__(self):
                    self.path = "checkpoint.json"

                def load(self):
                    with open(self.path) as file:
                        return json.load(file)
            """,
        "app/job.py": """
            from app.store import Store

            def resume():
                store = Store()
                try:
                    return store.load()
                except ValueError:
                    return None
            """,
    }
    assert alone(files) == []
    assert told(files) == ["app/job.py:8 ATF201"]


LOADING = {
    "app/files.py": FETCH_OR_NONE,
    "app/job.py": """
        from app.files import fetch

        def resume():
            state = fetch("progress.json")
            return state
        """,
}


def test_a_loader_is_reported_for_what_callers_in_other_files_have_it_load() -> None:
    assert alone(LOADING) == []
    assert told(LOADING) == ["app/files.py:8 ATF201"]


def test_a_default_that_a_caller_in_another_file_reports_is_none() -> None:
    job = """
        import logging
        from app.files import fetch

        def resume():
            state = fetch("progress.json")
            if state is None:
                logging.warning("no progress")
            return state
        """
    assert told({**LOADING, "app/job.py": job}) == []


EXPLAINED = """
    import json

    def read_queue(queue_path):
        \"\"\"Return the queue; a malformed one is treated as empty.\"\"\"
        try:
            return json.loads(queue_path.read_text())
        except ValueError:
            return []
    """


@pytest.mark.parametrize(
    ("then", "is_lost"),
    [
        ("queue_path.write_text(str(queue))", True),
        ("put(queue_path, queue)", True),
        ("other.write_text(str(queue))", False),
        ("print(queue_path)", False),
    ],
)
def test_an_explained_default_is_none_if_a_caller_in_another_file_overwrites_the_file(
    then: str, is_lost: bool
) -> None:
    files = {
        "app/files.py": EXPLAINED,
        "app/low.py": """
            def put(path, queue):
                path.write_text(str(queue))
            """,
        "app/job.py": f"""
            from app.files import read_queue
            from app.low import put

            def enqueue(queue_path, other, job):
                queue = read_queue(queue_path)
                queue.append(job)
                {then}
            """,
    }
    assert alone({"app/files.py": EXPLAINED}) == []
    found = [each for each in told(files) if "files.py" in each]
    assert found == (["app/files.py:8 ATF201"] if is_lost else [])


def test_a_default_that_is_an_object_is_not_what_a_caller_tests_for() -> None:
    loader = FETCH_OR_NONE.replace("return None", "return State()")
    job = """
        import logging
        from app.files import fetch

        def resume():
            state = fetch("progress.json")
            if not state:
                logging.warning("no progress")
            return state
        """
    assert told({"app/files.py": loader, "app/job.py": job}) == ["app/files.py:8 ATF201"]


def test_a_loader_that_a_caller_in_another_file_asks_is_not_made_to_raise() -> None:
    loader = """
        import json

        def load_checkpoint(path):
            try:
                return json.loads(path.read_text())
            except ValueError:
                return None
        """
    caller = """
        from app.files import load_checkpoint

        def resume(path, older):
            state = load_checkpoint(path)
            return state or load_checkpoint(older)
        """
    titles = [
        [each.fix.title for each in findings_in(files) if each.fix is not None]
        for files in ({"app/files.py": loader}, {"app/files.py": loader, "app/job.py": caller})
    ]
    assert titles == [
        ["Raise `CheckpointCorruptedError`"],
        ["Log a warning about the corrupt file"],
    ]


# --- publishing ------------------------------------------------------------------------

PUBLISHED = {
    "app/files.py": """
        import shutil

        def publish(source, target):
            shutil.move(source, target)
        """,
    "app/job.py": """
        import json
        from app.files import publish

        def save_progress(path, state):
            tmp = path + ".tmp"
            with open(tmp, "w") as file:
                json.dump(state, file)
            publish(tmp, path)
        """,
}
SYNCED = """
import os

def publish(source, target):
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source, target)
"""


def test_a_helper_in_another_file_publishes_badly() -> None:
    assert told(PUBLISHED) == ["app/job.py:9 ATF114", "app/job.py:9 ATF115"]


def test_a_helper_in_another_file_publishes_well() -> None:
    assert told({**PUBLISHED, "app/files.py": SYNCED}) == []


def test_a_temp_file_that_a_helper_writes_and_the_caller_publishes() -> None:
    files = {
        "app/files.py": WRAPPER,
        "app/job.py": """
            import os
            from app.files import write_text

            def save_progress(path, state):
                write_text(path + ".tmp", str(state))
                os.replace(path + ".tmp", path)

            def save_state(path, state):
                name = f"{path}-2"
                write_text(name, str(state))
                os.replace(name, path)
            """,
    }
    assert "app/files.py:2 ATF101" not in told(files)


def test_a_temp_file_that_one_helper_writes_and_another_publishes() -> None:
    files = {
        "app/files.py": f"{WRAPPER}\n{SYNCED}",
        "app/job.py": """
            from app.files import publish, write_text

            def save_progress(path, state):
                fresh = path + "-fresh"
                write_text(fresh, str(state))
                publish(fresh, path)
            """,
    }
    assert told(files) == []


def test_callers_of_an_atomic_helper_are_silent_and_a_broken_one_is_reported_once() -> None:
    helper = """
        import os
        import tempfile

        def put(path, text):
            folder = os.path.dirname(path)
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(file.name, path)
        """
    caller = """
        from app.files import put

        def save_progress(state):
            put("progress.json", str(state))

        def save_session(state):
            put("session.json", str(state))
        """
    files = {"app/files.py": helper, "app/job.py": caller}
    assert told(files) == []
    assert told({**files, "app/files.py": helper.replace("os.fsync(", "print(")}) == [
        "app/files.py:11 ATF115"
    ]


PUBLISHES_WHAT_ANOTHER_WRITES = {
    "app/files.py": """
        import os
        from app.low import dump

        def write_json(path, obj):
            temp = path + ".tmp"
            dump(obj, temp)
            os.replace(temp, path)
        """,
    "app/low.py": """
        import json
        import os

        def dump(obj, path):
            with open(path, "w") as file:
                json.dump(obj, file)
        """,
    "app/job.py": """
        from app.files import write_json

        def save_progress(state):
            write_json("progress.json", state)
        """,
}


def test_a_temp_file_that_a_function_from_another_file_does_not_synchronise() -> None:
    files = PUBLISHES_WHAT_ANOTHER_WRITES
    assert alone(files) == []
    (finding,) = findings_in(files)
    assert places([finding]) == ["app/files.py:8 ATF115"]
    # What another function writes under the name may be a folder.
    assert (finding.fix, finding.why_no_fix[:13]) == (None, "it is unknown")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "app/low.py",
            "json.dump(obj, file)\n",
            "json.dump(obj, file)\n                os.fsync(file.fileno())\n",
        ),
        ("app/files.py", "os.replace(", "sync_file(temp)\n            os.replace("),
        ("app/files.py", "app.low", "app.middle"),
        ("app/files.py", "dump(obj, temp)", "dump(obj, temp + '.other')"),
    ],
)
def test_a_temp_file_that_may_be_synchronised(path: str, old: str, new: str) -> None:
    files = {
        **PUBLISHES_WHAT_ANOTHER_WRITES,
        "app/middle.py": """
            import os
            from app import low

            def dump(obj, path):
                low.dump(obj, path)
                descriptor = os.open(path, os.O_RDONLY)
                os.fsync(descriptor)
            """,
    }
    assert old in files[path]
    assert told({**files, path: files[path].replace(old, new)}) == []


SAVE_INDEX = """
    import json

    def save_index(path, index):
        with open(path, "w") as file:
            json.dump(index, file)
    """
LOAD_INDEX = """
    import json

    def load_index(path):
        with open(path) as file:
            return json.load(file)
    """


@pytest.mark.parametrize(
    ("loader", "beside", "found"),
    [
        (LOAD_INDEX, {}, ["app/saving.py:5 ATF101"]),
        (LOAD_INDEX.replace("load_index", "load_words"), {}, []),
        # It only reads, which many do.
        (LOAD_INDEX.replace("json.load(file)", "file.read()"), {}, []),
        # Two that are called so: which one is meant, nobody knows.
        (LOAD_INDEX, {"app/more.py": LOAD_INDEX}, []),
    ],
)
def test_functions_of_two_files_that_save_and_load_the_same(
    loader: str, beside: Files, found: list[str]
) -> None:
    files = {"app/saving.py": SAVE_INDEX, "app/loading.py": loader, **beside}
    assert alone(files) == []
    assert told(files) == found
    # In another folder, it may be of something else.
    assert told({"app/saving.py": SAVE_INDEX, "other/loading.py": loader}) == []


# --- taking away -----------------------------------------------------------------------


def test_what_all_callers_give_the_names_of_reports_is_no_state() -> None:
    files = {
        "app/files.py": """
            import json

            def save_data(path, data):
                with open(path, "w") as file:
                    json.dump(data, file)

            def load_data(path):
                with open(path) as file:
                    return json.load(file)
            """,
        "app/job.py": """
            from app.files import save_data

            def finish(result):
                save_data("report.json", result)
                save_data("export.json", result)
            """,
    }
    assert alone(files) == ["app/files.py:5 ATF101"]
    assert told(files) == []
    state = "\ndef go_on(state):\n    save_data('state.json', state)\n"
    job = textwrap.dedent(files["app/job.py"]) + state
    assert told({**files, "app/job.py": job}) == ["app/files.py:5 ATF101"]


def test_what_a_file_gives_its_function_itself_is_not_denied_by_other_callers() -> None:
    files = {
        "app/stats.py": """
            import os
            import pandas

            STATS = "stats.csv"

            class Stats:
                def __init__(self):
                    if os.path.exists(STATS):
                        self.table = pandas.read_csv(STATS)

                def export(self, path):
                    self.table.to_csv(path)

                def save(self):
                    self.export(STATS)
            """,
        "app/window.py": """
            from app.stats import Stats

            def on_export(export_path):
                Stats().export(export_path)
            """,
    }
    assert alone(files) == ["app/stats.py:13 ATF102"]
    assert told(files) == alone(files)


WITH_DEFAULT = {
    "parameter": """
        import json

        def save(data, path="session.json"):
            with open(path, "w") as file:
                json.dump(data, file)
        """,
    "attribute": """
        import json

        class Store:
            path = "session.json"

            def save(self, data):
                with open(self.path, "w") as file:
                    json.dump(data, file)
        """,
    "parameter of a class": """
        import json

        class Store:
            def __init__(self, path="session.json"):
                self.path = path

            def save(self, data):
                with open(self.path, "w") as file:
                    json.dump(data, file)
        """,
}


@pytest.mark.parametrize("kind", WITH_DEFAULT)
@pytest.mark.parametrize("path", ["'report.html'", "tempfile.mkdtemp() + '/a.json'"])
def test_who_gives_another_path_says_nothing_of_the_default(kind: str, path: str) -> None:
    use = {
        "parameter": f"save(data, {path})",
        "attribute": f"class Own(Store):\n    path = {path}",
        "parameter of a class": f"Store({path}).save(data)",
    }
    caller = f"import tempfile\nfrom app.store import *\n\ndata = {{}}\n{use[kind]}\n"
    files = {"app/store.py": WITH_DEFAULT[kind], "app/report.py": caller}
    assert len(alone(files)) == 1
    assert told(files) == alone(files)


GENERAL = """
    import json

    def save(data, path):
        with open(path, "w") as file:
            json.dump(data, file)

    def load(path):
        with open(path) as file:
            return json.load(file)
    """
KEEPS = """
    from app.files import save

    def keep(data):
        save(data, "thumbnail_cache.json")
    """
TAKES_FOR_A_MISS = """
    from app.files import load

    def get():
        try:
            return load("thumbnail_cache.json")
        except (OSError, ValueError):
            return {}
    """


def test_a_cache_that_every_reader_takes_for_a_miss_is_no_state() -> None:
    files = {"app/files.py": GENERAL, "app/a.py": KEEPS, "app/b.py": TAKES_FOR_A_MISS}
    assert told(files) == []
    strict = """
        from app.files import load

        def show():
            return load("thumbnail_cache.json")["shown"]
        """
    warns = TAKES_FOR_A_MISS.replace("return {}", "logging.warning('broken')")
    for reader in (strict, warns):
        assert told({**files, "app/c.py": reader}) == ["app/files.py:5 ATF101"]
    session = KEEPS.replace("thumbnail_cache", "session")
    assert told({**files, "app/c.py": session}) == ["app/files.py:5 ATF101"]
    arrays = {
        path: text.replace("import json", "import pickle as json") for path, text in files.items()
    }
    assert "app/files.py:5 ATF101" in told(arrays)  # took long to compute


def test_a_cache_in_one_file_is_state_if_a_reader_in_another_one_needs_it() -> None:
    cache = """
        import json

        def keep(data):
            with open("thumbnail_cache.json", "w") as file:
                json.dump(data, file)

        def get():
            try:
                with open("thumbnail_cache.json") as file:
                    return json.load(file)
            except (OSError, ValueError):
                return {}
        """
    reader = """
        import json

        def show():
            with open("thumbnail_cache.json") as file:
                return json.load(file)["shown"]
        """
    assert told({"app/cache.py": cache}) == []
    assert told({"app/cache.py": cache, "app/show.py": reader}) == ["app/cache.py:5 ATF101"]
    tolerant = """
        import json

        def show():
            try:
                with open("thumbnail_cache.json") as file:
                    return json.load(file)["shown"]
            except ValueError:
                return None
        """
    assert told({"app/cache.py": cache, "app/show.py": tolerant}) == []


def test_what_a_function_does_to_the_file_of_a_user_is_no_save_and_load() -> None:
    files = {
        "app/documents.py": """
            import json

            def document_of(path):
                with open(path) as file:
                    return json.load(file)
            """,
        "app/edit.py": """
            from app.documents import document_of

            def edit(target, old, new):
                if target.endswith(".json"):
                    document_of(target)
                with open(target) as file:
                    text = file.read()
                with open(target, "w") as file:
                    file.write(text.replace(old, new))
            """,
    }
    assert told(files) == []


def test_a_file_that_is_emptied_to_be_removed_is_no_state() -> None:
    files = {
        "app/files.py": """
            import os

            def truncate_and_unlink(path):
                with open(path, "r+b") as file:
                    file.truncate()
                os.unlink(path)
            """,
        "app/job.py": """
            from app.files import truncate_and_unlink

            def compact():
                truncate_and_unlink("checkpoint.dat")

            def load():
                return int(open("checkpoint.dat").read())
            """,
    }
    assert told(files) == []


_SAVER = """
    def write_lines(text, filename):
        with open(filename, "w") as file:
            file.write(text)
    """


@pytest.mark.parametrize(
    ("before", "applicability"),
    [
        ('open(self.project_file, "w").close()', Applicability.UNSAFE),
        ('open(self.log_file, "w").close()', Applicability.SAFE),
        ("", Applicability.SAFE),
    ],
)
def test_the_repair_of_a_write_is_unsafe_if_a_caller_has_emptied_the_file(
    before: str, applicability: Applicability
) -> None:
    files = {
        "app/util.py": _SAVER,
        "app/project.py": f"""
            import json
            from app import util

            class Project:
                def __init__(self, project_file, log_file):
                    self.project_file = project_file
                    self.log_file = log_file

                def load_project(self):
                    with open(self.project_file) as file:
                        return json.load(file)

                def save_project(self, state):
                    {before}
                    util.write_lines(json.dumps(state), self.project_file)
            """,
    }
    fix = next(each.fix for each in findings_in(files) if each.filename == "app/util.py")
    assert fix is not None
    assert fix.applicability is applicability
    is_noted = "app/project.py:15) has already written the file in place" in fix.note
    assert is_noted is (applicability is Applicability.UNSAFE)


def test_a_caller_that_empties_the_file_afterwards_makes_no_repair_unsafe() -> None:
    files = {
        "app/util.py": _SAVER,
        "app/session.py": """
            import json
            from app import util

            def load_session(session_file):
                return json.loads(open(session_file).read())

            def save_session(session_file, session):
                util.write_lines(json.dumps(session), session_file)
                if session.ended:
                    open(session_file, "w").close()
            """,
    }
    fix = next(each.fix for each in findings_in(files) if each.filename == "app/util.py")
    assert fix is not None
    assert fix.applicability is Applicability.SAFE


# --- the project's own helper ----------------------------------------------------------

OWN = """
import json
import os
import tempfile


def write_json({parameters}, indent=2):
    folder = os.path.dirname(path)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
        json.dump(value, file, indent=indent)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
"""
USED = """
import json


def save_progress(path, state):
    with open(path, "w") as file:
        json.dump(state, file)
"""


@pytest.mark.parametrize(
    ("parameters", "setting"),
    [
        ("path, value", "app.files:write_json(path, obj)"),
        ("value, path", "app.files:write_json(obj, path)"),
    ],
)
def test_the_projects_own_helper_is_used_for_repairs(parameters: str, setting: str) -> None:
    files = {
        "src/app/__init__.py": "",
        "src/app/files.py": OWN.format(parameters=parameters),
        "src/app/job.py": USED,
    }
    index = link(summaries_of(files), helper=True)
    assert index.slice_of("src/app/job.py").helper == setting
    assert index.slice_of("src/app/files.py").helper == ""
    assert index_of(files).slice_of("src/app/job.py").helper == ""
    config = Config(helper="auto")
    (finding,) = check(source_of("src/app/job.py", USED), config, index=index)
    assert finding.fix is not None
    added = "".join(edit.text for edit in finding.fix.edits)
    assert "from app.files import write_json" in added
    assert f"write_json({parameters.replace('value', 'state')}" in added
    # Without a project, ours.
    (finding,) = check(source_of("src/app/job.py", USED), config)
    assert finding.fix is not None
    assert "atomic_fix.runtime" in "".join(edit.text for edit in finding.fix.edits)


def test_a_helper_that_does_not_synchronise_is_none() -> None:
    text = OWN.format(parameters="path, value").replace("os.fsync(", "print(")
    index = link(summaries_of({"app/files.py": text, "app/job.py": USED}), helper=True)
    assert index.slice_of("app/job.py").helper == ""


def test_what_is_copied_to_the_place_that_a_caller_gives_is_no_state() -> None:
    files = {
        "app/files.py": """
            import shutil

            def put_back(kept, target):
                shutil.copy2(kept, target)
            """,
        "app/job.py": """
            from app.files import put_back

            def undo(kept):
                put_back(kept, "progress.json")

            def load():
                return int(open("progress.json").read())
            """,
    }
    assert told(files) == []


def test_a_default_that_came_with_the_program_is_no_state() -> None:
    files = {
        "app/config.py": """
            import json
            from app.paths import CONFIG_FILE

            def get_config():
                return json.loads(CONFIG_FILE.read_text())
            """,
        "app/paths.py": """
            from pathlib import Path

            CONFIG_FILE = Path.home() / "app.json"
            DEFAULTS = {"size": 1}
            """,
        "app/console.py": """
            import json
            from app.paths import CONFIG_FILE, DEFAULTS

            def reset():
                with open(CONFIG_FILE, "w") as file:
                    json.dump(DEFAULTS, file)
            """,
    }
    assert told(files) == []
    console = files["app/console.py"].replace("DEFAULTS", "OPTIONS")
    assert told({**files, "app/console.py": console}) == ["app/console.py:6 ATF101"]


def test_what_is_called_is_kept_only_where_a_path_may_be_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    callee = Receivers.callee

    def counted(self: Receivers, call: Call) -> str | None:
        asked.append(call.name)
        return callee(self, call)

    monkeypatch.setattr(Receivers, "callee", counted)
    text = (
        "from app import store\n\n\n"
        "def run(x, path):\n"
        "    store.reset()\n"
        "    store.count(1, x)\n"
        "    store.put(path)\n"
        "    store.load()\n"
        "    store.save(x)\n"
    )
    found = summarise(source_of("app/main.py", text), CONFIG)
    # Looking up a name costs less than resolving arguments.
    assert asked == ["store.count", "store.put", "store.load", "store.save"]
    assert [each.callee for each in found.calls] == asked[1:]


@pytest.mark.parametrize(("mode", "found"), [("w", 0), ("wb", 0), ("r", 1), ("r+", 1)])
def test_an_opener_of_another_file_does_what_its_mode_says(mode: str, found: int) -> None:
    files = {
        "app/core.py": """
        def xopen(path, mode="r"):
            return open(path, mode)
        """,
        "app/main.py": f"""
        import json
        from app.core import xopen

        def put(rows):
            with open("rows.json", "w") as file:
                json.dump(rows, file)

        def work(rows):
            with xopen("rows.json", "{mode}") as file:
                rows.work(file.read())
        """,
    }
    assert len(told(files)) == found


@pytest.mark.parametrize("in_one_file", [True, False])
@pytest.mark.parametrize(
    ("written", "found"), [('"tune_index.json"', 1), ('"other.json"', 0), ("*x", 0)]
)
def test_a_function_that_joins_any_number_of_names(
    written: str, found: int, in_one_file: bool
) -> None:
    join = """
    import json
    import os

    ROOT = os.getcwd()

    def in_data(*args, **options):
        return os.path.join(ROOT, *args)
    """
    write = f"""
    def emit(rows, *x):
        with open(in_data({written}), "w") as file:
            json.dump(rows, file)
    """
    read = """
    def view(*x):
        with open(in_data("tune_index.json")) as file:
            return json.load(file)
    """
    imports = "\n    import json\n    from app.paths import in_data\n"
    files = {"app/paths.py": join, "app/put.py": imports + write, "app/get.py": imports + read}
    if in_one_file:
        files = {"app/all.py": join + write + read}
    # From file to file, no function that is given names is followed.
    assert len(told(files)) == (found if in_one_file else 0)
