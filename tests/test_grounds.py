"""What speaks for and against durable state: pairs of programs that differ in one ground."""

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


def test_a_word_against_it_counts_little_the_second_time() -> None:
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


def test_a_copy_put_aside_is_no_temp_file_but_what_is_written_there_is() -> None:
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
def test_short_words_for_settings_need_a_second_ground(word: str) -> None:
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
