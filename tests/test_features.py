"""Evidence for and against durable state: pairs of programs that differ in one feature."""

from __future__ import annotations

import textwrap

import pytest

from atomic_fix import check_source
from atomic_fix.config import Config


def codes(program: str, filename: str = "program.py") -> list[str]:
    source = textwrap.dedent(program).encode()
    return [finding.code for finding in check_source(source, filename, Config())]


def test_a_parser_that_writes_itself_is_the_data_whatever_else_it_is_given() -> None:
    program = """
        from configparser import ConfigParser

        class Places:
            def __init__(self, location):
                self.parser = ConfigParser()
                self.location = location
                self.parser.read(self.location)

            def save(self):
                with open(self.location, "w") as file:
                    self.parser.write(file, True)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace("self.parser.write(file, True)", 'file.write("[a]")')) == []


@pytest.mark.parametrize("written", ["str(START)", "str(0)", '"0"'])
def test_a_number_that_stands_in_the_code_is_always_the_same(written: str) -> None:
    program = f"""
        from pathlib import Path

        START = 0
        COUNTER = Path("counter")

        def begin(count):
            COUNTER.write_text({written})

        def count():
            return int(COUNTER.read_text())
    """
    assert codes(program) == []
    assert codes(program.replace(f"write_text({written})", "write_text(str(count))")) == ["ATF101"]


def test_a_repeated_denying_word_counts_little() -> None:
    program = """
        import json

        class VideoPlayer:
            def save_video(self, index_path, entries):
                with open(index_path, "w") as file:
                    json.dump(entries, file)

            def load_video(self, path):
                with open(path) as file:
                    return json.load(file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace("VideoPlayer", "PicturePlayer")) == []


def test_a_word_against_the_function_is_not_held_against_what_it_reads_too() -> None:
    program = """
        import json

        def add_image(index_path, name):
            names = json.loads(index_path.read_text())
            index_path.write_text(json.dumps([*names, name]))
    """
    assert codes(program) == ["ATF101"]


@pytest.mark.parametrize(("name", "expected"), [("{}.csv", []), ("{}_index.csv", ["ATF101"])])
def test_a_name_that_is_all_open_is_no_name(name: str, expected: list[str]) -> None:
    program = f"""
        import json, os

        def save_all(folder, name, rows):
            with open(os.path.join(folder, "{name}".format(name)), "w") as file:
                json.dump(rows, file)

        class Table:
            def __init__(self, root, name):
                with open(os.path.join(root, "{name}".format(name))) as file:
                    self.rows = json.load(file)
    """
    assert codes(program) == expected


def test_a_backup_is_no_temp_file_but_writing_to_it_is() -> None:
    program = """
        import os, shutil

        def save_session(path, text):
            aside = path + ".bak"
            with open(aside, "w") as file:
                file.write(text)
            os.replace(aside, path)
    """
    assert codes(program) == ["ATF115"]
    restored = """
        import os, shutil

        def save_session(path, text):
            aside = path + ".bak"
            shutil.copy(path, aside)
            os.replace(aside, path)
    """
    assert codes(restored) == []


@pytest.mark.parametrize("call", ["log.log_trace()", 'log_err("no state")'])
def test_a_call_that_logs_an_error_is_not_silent(call: str) -> None:
    program = f"""
        import json

        def load_state(path):
            try:
                return json.loads(path.read_text())
            except ValueError:
                {call}
                return None
    """
    assert codes(program) == []
    assert codes(program.replace(call, "log.log_call()")) == ["ATF201"]


def test_items_set_are_items_got() -> None:
    program = """
        import json

        class Kept:
            def __setitem__(self, where, value):
                with open(self.folder / where, "w") as file:
                    json.dump(value, file)

            def __getitem__(self, where):
                with open(self.root / where) as file:
                    return json.load(file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace("__getitem__", "seen")) == []


@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_what_the_kernel_shows_as_files_is_a_device(folder: str) -> None:
    program = f"""
        import json

        def save_state(state):
            with open("{folder}/state", "w") as file:
                json.dump(state, file)
    """
    assert codes(program) == []
    assert codes(program.replace(folder, "/srv")) == ["ATF101"]


@pytest.mark.parametrize("word", ["conf", "cfg", "recovery"])
def test_short_words_for_settings_need_a_second_feature(word: str) -> None:
    program = f"""
        def save(the_{word}, text):
            with open(the_{word}, "w") as file:
                file.write(text)
    """
    assert codes(program) == []
    second = f"""
        def change(the_{word}, line):
            with open(the_{word}) as file:
                known = file.read()
            with open(the_{word}, "w") as file:
                file.write(known + line)
    """
    assert codes(second) == ["ATF101"]
    assert codes(second.replace(word, "letter")) == []


def test_a_weak_word_is_enough_for_what_is_published_by_a_save() -> None:
    program = """
        import os

        class TaskSaver:
            def __init__(self, settings):
                self.tasks_file = settings.TASKS_FILE

            def save(self):
                original = self.tasks_file
                spare = original + ".tmp"
                with open(spare, "w") as file:
                    for row in self.rows:
                        file.write(row.line)
                os.replace(spare, original)
    """
    assert codes(program) == ["ATF115"]
    assert codes(program.replace("tasks_file", "target").replace("TASKS_FILE", "TARGET")) == []


def test_a_text_at_a_path_of_the_program_s_own_is_kept_when_another_function_reads_it() -> None:
    program = """
        from pathlib import Path

        class Workspace:
            def __init__(self, home):
                self.chosen = Path(home) / "chosen.txt"

            def choose(self, name):
                self.chosen.write_text(name)

            def current(self):
                return self.chosen.read_text()
    """
    assert codes(program) == ["ATF101"]
    # Whose file that is, the caller knows.
    assert codes(program.replace("self.chosen.", "chosen.").replace("(self", "(self, chosen")) == []
    assert codes(program.replace("read_text", "exists")) == []


@pytest.mark.parametrize("pair", [("enqueue", "dequeue"), ("set_theme", "get_theme")])
def test_verb_pairs_show_who_reads_back(pair: tuple[str, str]) -> None:
    program = """
        import json, os

        class Disk:
            def SAVER(self, where, value):
                with open(os.path.join(self.folder, where), "w") as file:
                    json.dump(value, file)

            def LOADER(self, what):
                for entry in os.scandir(self.folder):
                    with open(entry.path) as file:
                        return json.load(file)
    """
    program = program.replace("SAVER", pair[0])
    assert codes(program.replace("LOADER", pair[1])) == ["ATF101"]
    assert codes(program.replace("LOADER", "look")) == []


def test_write_data_is_a_layer_only_where_the_caller_gives_the_path() -> None:
    program = """
        import yaml

        def read_data(where):
            with open(where["board"]) as stream:
                return yaml.safe_load(stream)

        def write_data(where, value):
            with open(where["board"], "w") as stream:
                yaml.dump(value, stream)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace('where["board"]', "where")) == []


def test_the_path_of_a_loader_may_stand_behind_an_object() -> None:
    program = """
        from configparser import RawConfigParser

        class Parser(RawConfigParser):
            def read(self, filename):
                self.filename = filename
                RawConfigParser.read(self, filename)

            def write(self):
                with open(self.filename, "w") as file:
                    RawConfigParser.write(self, file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace("RawConfigParser.read(self, filename)", "self.clear()")) == []


def test_a_parser_reads_the_files_of_a_list() -> None:
    program = """
        from configparser import ConfigParser

        def change(filename, name):
            parser = ConfigParser()
            parser.read(["defaults.ini", filename])
            parser["general"]["name"] = name
            with open(filename, "w") as file:
                parser.write(file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace(", filename]", "]")) == []


def test_what_is_made_from_a_name_is_not_loaded() -> None:
    program = """
        import json
        from shapes import Shape

        def save(model_file, shape):
            with open(model_file, "w") as file:
                json.dump(shape, file)

        def load(model_file):
            try:
                return Shape.from_KIND(model_file)
            except ValueError:
                return None
    """
    assert codes(program.replace("KIND", "file")) == ["ATF101", "ATF201"]
    assert codes(program.replace("KIND", "name")) == []


@pytest.mark.parametrize("name", ["smart_open", "zopen", "open_text_file", "open_file_like"])
def test_an_opener_from_elsewhere_opens_in_place_unless_its_name_says_otherwise(name: str) -> None:
    program = f"""
        import json
        from shop.tools import {name}

        def save_state(path, state):
            with {name}(path, "w") as file:
                json.dump(state, file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace('"w"', '"r"')) == []
    for other in ("atomic_open", "safe_open", "urlopen", "popen", "open_remote_file", "opener"):
        assert codes(program.replace(name, other)) == [], other


def test_an_opener_of_the_module_is_judged_by_its_body() -> None:
    program = """
        import json
        from atomicwrites import atomic_write

        def smart_open(path, mode):
            return atomic_write(path, mode=mode)

        def save_state(path, state):
            with smart_open(path, "w") as file:
                json.dump(state, file)
    """
    assert codes(program) == []


def test_a_descriptor_is_opened_once() -> None:
    program = """
        import os

        class Keys:
            def _save(self, name, data):
                descriptor = os.open(self.folder + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                with open(descriptor, "wb") as file:
                    file.write(data)

            def _load(self, name):
                with open(self.folder + name, "rb") as file:
                    return file.read()
    """
    assert codes(program) == ["ATF101"]
    # Without O_TRUNC, the tail of what was longer stays behind as well.
    assert codes(program.replace(" | os.O_TRUNC", "")) == ["ATF101"]
    assert codes(program.replace("O_TRUNC", "O_APPEND")) == []


def test_what_went_wrong_is_kept_for_people() -> None:
    program = """
        from pathlib import Path

        class Watch:
            def save_text(self, text):
                Path(self.folder, "last-error.txt").write_text(text)

            def get_text(self):
                return Path(self.folder, "last-error.txt").read_text()
    """
    assert codes(program) == []
    assert codes(program.replace("error", "query")) == ["ATF101"]


def test_a_layer_that_resolves_the_path_it_is_given_is_no_store() -> None:
    program = """
        from pathlib import Path

        class Tools:
            def write_file(self, name, text):
                target = Path(self.base) / name
                target.write_text(text)

            def read_file(self, name):
                target = Path(self.base) / name
                return target.read_text()
    """
    assert codes(program) == []
    assert codes(program.replace("/ name", '/ "chosen.txt"')) == ["ATF101"]


def test_no_word_makes_a_file_in_a_temp_folder_durable() -> None:
    program = """
        import os, tempfile, torch

        STATE_FILE = "state.pt"

        class Trainer:
            def _write_checkpoint(self, state_dict, archive):
                with tempfile.TemporaryDirectory() as folder:
                    with open(os.path.join(folder, STATE_FILE), "wb") as file:
                        torch.save(state_dict, file)
                    archive.add(folder)

            def _load_checkpoint(self, path):
                return torch.load(path)
    """
    assert codes(program) == []
    assert codes(program.replace("tempfile.TemporaryDirectory()", "self.folder()")) == ["ATF101"]


@pytest.mark.parametrize(
    ("imported", "call"),
    [
        ("from atomic_fix.runtime import atomic_write_json", "atomic_write_json(SETTINGS, values)"),
        ("from shop.files import write_json", "write_json(values, SETTINGS)"),
        ("import safer", 'print(values, file=safer.open(SETTINGS, "w"))'),
    ],
)
def test_a_load_is_judged_alike_when_its_write_is_made_atomic(imported: str, call: str) -> None:
    program = f"""
        import json
        from pathlib import Path
        {imported}

        SETTINGS = Path.home() / "settings.json"

        def store(values):
            {call}

        def fetch():
            try:
                return json.loads(SETTINGS.read_text())
            except ValueError:
                return {{}}
    """
    assert codes(program) == ["ATF201"]
    assert codes(program.replace(call, "print(SETTINGS, values)")) == []


def test_a_handle_that_a_thread_opens_is_that_of_the_path() -> None:
    program = """
        import asyncio, json

        async def load_session(folder):
            path = folder / "session.json"
            file = await asyncio.to_thread(path.open, mode="r")
            try:
                return json.load(file)
            except json.JSONDecodeError:
                return None
    """
    assert codes(program) == ["ATF201"]
    assert codes(program.replace("path.open", "path.stat")) == []


def test_a_name_that_a_caller_gives_is_no_name_of_the_function_s_own() -> None:
    program = """
        class Editor:
            def look(self, filename):
                with open(filename) as file:
                    return file.read()

            def change(self, filename, text):
                with open(filename, "w") as file:
                    file.write(text)

            def run(self):
                self.change("notes.txt", self.look("notes.txt").upper())
    """
    assert codes(program) == []
    assert codes(program.replace("(filename", '("notes.txt"')) == ["ATF101"]


def test_a_file_that_is_opened_and_closed_is_emptied_and_cannot_be_torn() -> None:
    program = """
        class Queue:
            def reset(self):
                file = open(self.queue_file, "w")
                file.close()
    """
    assert codes(program) == []
    assert codes(program.replace("file.close()", "file.write(self.text)")) == ["ATF101"]


def test_what_is_opened_to_be_written_anew_is_not_loaded() -> None:
    program = """
        def load_history(history_file):
            try:
                with open(history_file, "w+"):
                    pass
            except Exception:
                pass

        def save_history(history_file, lines):
            with open(history_file, "w") as file:
                file.writelines(lines)
    """
    assert codes(program) == ["ATF101"]
    loading = program.replace('open(history_file, "w+"):', "open(history_file) as file:")
    loading = loading.replace("pass", "return file.read().splitlines()", 1)
    assert codes(loading) == ["ATF202", "ATF101"]


def test_a_sample_that_is_copied_came_with_the_program() -> None:
    program = """
        import configparser, os
        from shutil import copyfile

        class Settings:
            def __init__(self, folder):
                self.user_config = folder + "/config.ini"
                self.parser = configparser.ConfigParser()
                self.parser.read(self.user_config)

            def make_config(self):
                home = os.path.dirname(__file__)
                copyfile("%s/config.sample.ini" % home, self.user_config)
    """
    assert codes(program) == []
    assert codes(program.replace(".sample", "")) == ["ATF102"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("os.rename(tmp, path)", "Windows"),
        ("shutil.move(tmp, path)", "another file system"),
        ("shutil.copy(tmp, path)", "in place"),
    ],
)
def test_each_wrong_way_to_publish_has_its_own_finding(call: str, said: str) -> None:
    program = f"""
        import os, shutil

        def save_state(path, text):
            tmp = path + ".tmp"
            with open(tmp, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            {call}
    """
    (finding,) = check_source(textwrap.dedent(program).encode(), "program.py", Config())
    assert finding.code == "ATF114"
    assert said in f"{finding.headline}; {finding.label}"


def test_a_path_that_a_function_gives_for_a_name_with_a_suffix_is_beside_that_of_the_name() -> None:
    program = """
        import os

        class Store:
            def path_of(self, name):
                return os.path.join(self.folder, name)

            def read_state(self, name):
                with open(self.path_of(name)) as file:
                    return int(file.read())

            def write_state(self, name, value):
                old = self.path_of(name)
                new = self.path_of(f"{name}.new")
                with open(new, "w") as file:
                    file.write(str(value))
                os.replace(new, old)
    """
    assert codes(program) == ["ATF115"]
    assert codes(program.replace(".new", "").replace("os.replace(new, old)", "")) == ["ATF101"]


def test_a_file_in_a_temp_folder_is_not_the_one_of_that_name_elsewhere() -> None:
    program = """
        import json, os, shutil, tempfile

        class Store:
            def save_state(self, state):
                name = "state.json"
                with tempfile.TemporaryDirectory() as folder:
                    fresh = os.path.join(folder, name)
                    with open(fresh, "w") as file:
                        json.dump(state, file)
                    shutil.move(fresh, os.path.join(self.folder, name))
    """
    assert codes(program) == ["ATF112", "ATF114", "ATF115"]
    in_place = program.replace("tempfile.TemporaryDirectory()", "self.folder")
    assert codes(in_place.replace("shutil.move", "print")) == ["ATF101"]


def test_what_is_saved_is_recovered() -> None:
    program = """
        class Counter:
            def _save(self, path):
                with open(path, "w") as file:
                    file.write(str(self.current))

            def _recover(self, path):
                with open(path) as file:
                    self.current = int(file.read())
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace("_recover", "_show")) == []


def test_an_object_that_is_written_to_a_file_of_the_program_s_own_is_no_conversion() -> None:
    program = """
        import json, os

        def run_to_json(run, path):
            filename = os.path.join(run.folder, "run.json")
            with open(filename, "w") as file:
                json.dump(run.state(), file)

        def run_from_json(filename):
            with open(filename) as file:
                return json.load(file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace('os.path.join(run.folder, "run.json")', "path")) == []


def test_a_field_of_loaded_data_is_not_the_file() -> None:
    program = """
        import json

        def load_state(state_file):
            with open(state_file) as file:
                payload = json.load(file)
            try:
                return state_from(payload)
            except ValueError:
                return None
    """
    assert codes(program) == ["ATF201"]
    assert codes(program.replace("state_from(payload)", 'state_from(payload["at"])')) == []


def test_a_vector_index_is_saved_and_loaded() -> None:
    program = """
        import faiss

        class Memory:
            def save(self):
                faiss.write_index(self.index, self.path)

            def load(self):
                self.index = faiss.read_index(self.path)
    """
    assert codes(program) == ["ATF102"]
    assert codes(program.replace("faiss.write_index", "print")) == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("self.state_file.write_text(text)", ["ATF101"]),
        ('self.state_file.write_text(text, "utf-8")', ["ATF101"]),
        ("self.state_file.write_text(text, ENCODING)", ["ATF101"]),
        ('self.state_file.write_text(text, encoding="utf-8", newline="")', ["ATF101"]),
        ("self.state_storage.write_text(text, path)", []),
        ('self.state_storage.write_text(text, "state.txt")', []),
        ("self.state_storage.write_text(text, to=path)", []),
    ],
)
def test_a_receiver_given_the_path_is_no_path(call: str, expected: list[str]) -> None:
    program = f"""
        class Store:
            def save_state(self, text, path):
                {call}
    """
    assert codes(program) == expected


def test_what_is_written_through_another_handle_of_that_name_says_nothing() -> None:
    program = """
        import json, os

        def save(folder, words, history):
            with open(os.path.join(folder, "words"), "w") as file:
                json.dump(words, file)
            with open(os.path.join(folder, "past"), "w") as file:
                json.dump(history, file)
    """
    (finding,) = check_source(textwrap.dedent(program).encode(), "program.py", Config())
    assert finding.span.start.row == 7


def test_a_handle_opened_in_a_branch_and_written_after_it() -> None:
    program = """
        import json

        def save(path, binary, history, words):
            if binary:
                file = open(path, "wb")
            else:
                file = open(path, "w")
            json.dump(history, file)
            file.close()
    """
    assert codes(program) == ["ATF101", "ATF101"]
    assert codes(program.replace("dump(history", "dump(words")) == []


@pytest.mark.parametrize("said", ["is not valid", "is not a valid TOML file", "is invalid"])
def test_a_handler_that_returns_that_a_file_is_not_valid_is_not_silent(said: str) -> None:
    program = f"""
        import json

        def look(state_file):
            try:
                with open(state_file) as file:
                    state = json.load(file)
            except ValueError:
                return "{said}"
            return state
    """
    assert codes(program) == []
    assert codes(program.replace(said, "is there")) == ["ATF201"]


@pytest.mark.parametrize(
    "folder", ['"{}/job.pem".format(gettempdir())', '"%s/job.pem" % gettempdir()']
)
def test_a_filled_template_is_in_the_folder_of_its_values(folder: str) -> None:
    program = f"""
        from tempfile import gettempdir

        def make(text):
            with open({folder}, "w") as file:
                file.write(text)

        def use():
            with open({folder}) as file:
                return file.read()
    """
    assert codes(program) == []
    assert codes(program.replace("gettempdir()", "home")) == ["ATF101"]


def test_files_of_one_folder_and_one_suffix_are_of_one_kind() -> None:
    program = """
        import json, os

        class Notes:
            def add(self, name, note):
                with open(os.path.join(self.folder, f"{name}.json"), "w") as file:
                    json.dump(note, file)

            def show(self, title):
                with open(os.path.join(self.folder, f"{title}.json")) as file:
                    return json.load(file)
    """
    assert codes(program) == ["ATF101"]
    assert codes(program.replace('f"{title}.json"', 'f"{title}.txt"')) == []


def test_a_conversion_from_folder_to_folder_reads_nothing_back() -> None:
    program = """
        import json, os

        def convert(source, target):
            with open(os.path.join(source, "model.json")) as file:
                model = json.load(file)
            with open(os.path.join(target, "model.json"), "w") as file:
                json.dump(model, file)
    """
    assert codes(program) == []
    assert codes(program.replace("target", "source").replace("source, source", "source")) == [
        "ATF101"
    ]


def test_a_pid_file_is_not_state() -> None:
    program = """
        def claim(path, pid):
            (path / ".owner").write_text(str(pid))

        def sweep(path):
            return int((path / ".owner").read_text())
    """
    assert codes(program) == []
    assert codes(program.replace("pid", "count")) == ["ATF101"]


def test_the_end_of_a_stream_of_objects_is_no_torn_file() -> None:
    program = """
        import pickle

        def load_state(state_file):
            with open(state_file, "rb") as file:
                entries = pickle.load(file)
                try:
                    version = pickle.load(file)
                except EOFError:
                    version = 0
            return entries, version
    """
    assert codes(program) == []
    assert codes(program.replace("entries = pickle.load(file)", "entries = []")) == ["ATF201"]
