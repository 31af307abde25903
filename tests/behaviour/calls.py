"""How the functions of the fixtures are called, to compare them before and after a repair."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pickle
import sys
import threading
import types
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from unittest import mock

STATE: dict[str, Any] = {"step": 3, "name": "caf\xe9", "text": "a\nb"}
# Neither JSON nor pickle takes it, and a part of it is written before that is found.
UNWRITABLE: dict[str, Any] = {"step": 4, "lock": threading.Lock()}
STATES: dict[int, Any] = {3: ["step", "name", "text"], 4: None}
EXISTING = b'{"step": 2}'


@dataclass(frozen=True)
class Call:
    """`call(module, state)` runs in a folder that contains `files`, as the input wants them. `good`
    is a state that can be written, `bad` one that fails half-way. A call that has neither writes
    nothing."""

    promise: Literal["write", "load", "louder", "publish", "uncopied", "collapse"]
    files: tuple[str, ...]
    call: Callable[[Any, Any], object]
    content: bytes = EXISTING
    good: object = None
    bad: object = None


def write(file: str, call: Callable[[Any, Any], object], **more: Any) -> Call:
    return Call("write", (file,), call, **{"good": STATE, "bad": UNWRITABLE, **more})


def _text(file: str, call: Callable[[Any, Any], object]) -> Call:
    return write(file, call, good="caf\xe9", bad="caf\xe9 \ud800")


def load(file: str, call: Callable[[Any], object], content: bytes = EXISTING) -> Call:
    return Call("load", (file,), lambda module, _: call(module), content)


def louder(file: str, call: Callable[[Any], object]) -> Call:
    return Call("louder", (file,), lambda module, _: call(module))


def publish(file: str, call: Callable[[Any, Any], object], **more: Any) -> Call:
    return Call("publish", (file,), call, **{"good": STATE, "bad": UNWRITABLE, **more})


def uncopied(file: str, call: Callable[[Any, Any], object], **more: Any) -> Call:
    return Call("uncopied", (file,), call, **{"good": STATE, "bad": UNWRITABLE, **more})


def collapse(file: str, call: Callable[[Any, Any], object], **more: Any) -> Call:
    return Call("collapse", (file,), call, **{"good": STATE, "bad": UNWRITABLE, **more})


def rotated(aside: str, file: str, call: Callable[[Any, Any], object]) -> Call:
    return Call("publish", (aside, file), call, good=STATE, bad=UNWRITABLE)


def zipped(name: str) -> str:
    """A new archive, with the same bytes each time."""
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), "text")
    return name


def dated(name: str) -> str:
    """A new file, with the same modification time each time."""
    Path(name).write_text("text")
    os.utime(name, (0, 10**9))
    return name


def made(kind: Any, **attributes: object) -> Any:
    """An instance with these attributes, created without running `__init__`."""
    instance = object.__new__(kind)
    instance.__dict__.update(attributes)
    return instance


def _move_settings(module: Any, state: Any) -> object:
    Path("previous").mkdir()
    Path("previous/settings.json").touch()
    return module.move_settings(state, ".", "previous")


def save_names(module: Any, path: str, state: Any) -> object:
    """Save with the state as the names of the main module."""
    names: dict[Any, int] = {b"no text": 1} if state is UNWRITABLE else dict.fromkeys(state, 1)
    main = types.ModuleType("__main__")
    main.__dict__.clear()
    main.__dict__.update(names)
    with mock.patch.dict(sys.modules, {"__main__": main}):
        return module.save_session(path)


def named(function: str) -> Callable[[Any], object]:
    return lambda module: getattr(module, function)(Path("c.json"))


class Host:
    """Runs what it is given in a thread."""

    async def async_add_executor_job(self, function: Callable[..., object], *given: object) -> None:
        await asyncio.get_running_loop().run_in_executor(None, function, *given)


async def in_an_executor(module: Any, state: object) -> object:
    return await module.in_an_executor(asyncio.get_running_loop(), state)


class Entry:
    """Stands for something that is written as a row, or cannot be."""

    name, ident = "entry_a", 1

    def __init__(self, text: Any) -> None:
        self.text = text

    def row(self, *_given: object) -> Any:
        return self.text


class Model:
    """Stands for a model and for an optimizer; its random state may be unwritable."""

    def __init__(self, rng: object) -> None:
        self.rng = rng

    def state_dict(self) -> object:
        return STATE

    def tensors(self) -> object:
        return STATE


class Server:
    def reload(self) -> None:
        pass


class Latest:
    def __init__(self, state: object) -> None:
        self.state = state

    def latest(self) -> object:
        return self.state


class Table:
    """Stands for a table of pandas."""

    def __init__(self, state: object) -> None:
        self.state = state

    def to_parquet(self, target: Any) -> None:
        _dump(self.state, target)


class Last(dict[str, Any]):
    is_last = False


def element(module: Any, state: Any) -> Any:
    root = module.ET.Element("registry")
    root.text = str(state["step"])
    if state is UNWRITABLE:
        root.append(module.ET.Element(3))  # no name of a tag
    return root


CHECKPOINT = "work/checkpoint.json"
C_JSON = Path("c.json")
PICKLED = pickle.dumps({"step": 2}, protocol=4)


CALLS: dict[str, dict[str, Call]] = {
    "broad-except-on-load/base_exception": {
        "load_history": load("history.json", lambda m: m.load_history(Path("history.json"))),
        "save_history": write("history.json", lambda m, s: m.save_history(Path("history.json"), s)),
    },
    "broad-except-on-load/beside_the_point": {
        "Server.start": load("state.json", lambda m: started(m.Server())),
        "Server.position": load("p.txt", lambda m: m.Server().position(Path("p.txt")), b"1"),
        "resume": load("state.json", lambda m: announced(m.resume)),
    },
    "broad-except-on-load/broad": {
        "Store.load": load("state.json", lambda m: stored(m.Store("state.json"), "state")),
        "load_checkpoint": load("c.pkl", lambda m: m.load_checkpoint("c.pkl"), PICKLED),
    },
    "broad-except-on-load/for_developers": {
        "load_session": load("s.json", lambda m: m.load_session("s.json")),
        "Session.load_session": load(
            "s.json", lambda m: made(m.Session, _log_to_debug=print).load_session("s.json")
        ),
    },
    "broad-except-on-load/told_at_debug": {
        "Store.saved_checkpoints": load("c.json", lambda m: m.Store().saved_checkpoints(C_JSON)),
        "Store.save_checkpoints": write(
            "c.json", lambda m, s: m.Store().save_checkpoints(C_JSON, s)
        ),
        "Store.old_checkpoints": load("c.json", lambda m: m.Store().old_checkpoints(C_JSON)),
    },
    "broad-except-on-load/commented": {
        "load_session": load("s.json", lambda m: m.load_session("s.json")),
        "load_queue": louder("q.json", lambda m: m.load_queue("q.json")),
    },
    "broad-except-on-load/kinds": {
        "load_state": load("s.json", lambda m: m.load_state(Path("s.json")), b'{"state": 1}'),
        "load_settings_state": load("s.json", lambda m: m.load_settings_state("s.json")),
        "load_checkpoint": load("c.pt", lambda m: m.load_checkpoint("c.pt"), PICKLED),
        "Cursor.load": load(
            "c.txt",
            lambda m: stored(made(m.Cursor, cursor_path=Path("c.txt"), position=0), "position"),
            b"1",
        ),
    },
    "copy-to-publish/within_folder": {
        "save_state_from": publish("s.json", lambda m, s: m.save_state_from(".", "s.json", s)),
    },
    "in-place-write/removed_again": {
        "move_settings": write("settings.json", _move_settings),
    },
    "in-place-write/swept_folder": {
        "add_job": write("job", lambda m, s: m.add_job(".", "job", s)),
        "save_state": write("s.json", lambda m, s: m.save_state(".", "s.json", s)),
        "save_sessions": write("sessions.json", lambda m, s: m.save_sessions(".", s)),
    },
    "copy-to-publish/copied": {
        "save_session": publish("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
    },
    "copy-to-publish/removed_after": {
        "save_checkpoint": uncopied("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_session": uncopied("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
        "save_queue": publish("q.json", lambda m, s: m.save_queue("q.json", s)),
    },
    "copy-to-publish/renamed_again": {
        "save_progress": publish(
            "p.txt", lambda m, s: m.save_progress("p.txt", s), good="new\n", bad=b"no text"
        ),
    },
    "copy-to-publish/by_platform": {
        "save_state": publish("s.json", lambda m, s: m.save_state("s.json", s)),
        "save_index": publish("i.json", lambda m, s: m.save_index("i.json", s)),
    },
    "copy-to-publish/posix_where_it_can": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
    },
    "in-place-save/savers": {
        "save_checkpoint": Call(
            "write",
            (
                "rng_state.npy",
                "checkpoint.pt",
                "optimizer.pt",
                "checkpoint.npz",
                "checkpoint.joblib",
                "checkpoint.safetensors",
            ),
            lambda m, s: m.save_checkpoint(Model(s), Model(STATE), Path()),
            good=STATE,
            bad=UNWRITABLE,
        ),
        "save_registry": write("r.xml", lambda m, s: m.save_registry(element(m, s), "r.xml")),
    },
    "in-place-save/suffix": {
        "State.save_state": Call(
            "write",
            (
                "s_state.npy",
                "s.state.npy",
                "state.data.npy",
                "state-rng.npy",
                "s_state.npz",
                "state.joblib",
            ),
            lambda m, s: made(m.State, rng=s).save_state(Path(), "s"),
            good=STATE,
            bad=UNWRITABLE,
        ),
    },
    "in-place-write/absence_not_implied": {
        "merge_rows": write("i.json", lambda m, s: m.merge_rows("i.json", s, update=False)),
        "renew": write("p.json", lambda m, s: m.renew(Path("p.json"), s, force=True)),
        "keep": write(
            "i.json", lambda m, s: m.keep(Path("i.json"), s, types.SimpleNamespace(keep=False))
        ),
    },
    "swallowed-load-error/torn_text_kept": {
        "load_session": load("session.json", lambda m: m.load_session()),
        "load_token": load("session.json", lambda m: m.load_token()),
    },
    "in-place-write/lines_and_records": {
        "Lists._write_paths": write(
            "a.list",
            lambda m, s: m.Lists(Path())._write_paths("a", s),
            good=["a", "b"],
            bad=["a", "\ud800"],
        ),
        "Points.dump": write(
            "p", lambda m, s: m.Points("p").dump(s), good=[(1, 2)], bad=[(1, 2), (3,)]
        ),
        "Pairs.keep": write(
            "p",
            lambda m, s: made(m.Pairs, path="p", pairs=s).keep(),
            good={"a": 1},
            bad={"a": 1, "b": "\ud800"},
        ),
    },
    "in-place-write/text_grows": {
        "Notes._store": _text("n.md", lambda m, s: made(m.Notes)._store(Path("n.md"), s)),
        "add_memory": _text("m.txt", lambda m, s: m.add_memory(Path("m.txt"), s)),
        "add_to_history": _text("h.txt", lambda m, s: m.add_to_history("h.txt", s)),
        "grow_journal": _text("j.txt", lambda m, s: m.grow_journal(Path("j.txt"), s)),
    },
    "in-place-write/handed_to_functions": {
        "Files.write_session": _text(
            "s.txt", lambda m, s: made(m.Files, session="s.txt").write_session(s)
        ),
        "write_history": write("history.json", lambda m, s: m.write_history(Path(), s)),
    },
    "in-place-write/nothing_is_lost": {
        "Catalogue.write_events_cache": write(
            "c.json",
            lambda m, s: made(
                m.Catalogue, catalogue_cache_path="c.json", state=s
            ).write_events_cache(),
        ),
        "Catalogue.write_token_cache": write(
            "t.json", lambda m, s: m.Catalogue("c.json", "t.json").write_token_cache(s)
        ),
        "write_queue_cache": write("q.json", lambda m, s: m.write_queue_cache("q.json", s)),
        "write_answer_cache": write("a.pkl", lambda m, s: m.write_answer_cache("a.pkl", s)),
        "write_tuned_cache": write("t.json", lambda m, s: m.write_tuned_cache("t.json", s)),
        "set_session": write("session.json", lambda m, s: m.set_session(s)),
        "pack_again": write("out/manifest.json", lambda m, s: m.pack_again("out", s)),
        "merge_below": write("manifest.json", lambda m, s: m.merge_below("", old_folder(), s)),
        "migrate_states": write("a.state", lambda m, s: migrated(m, "a.state", s)),
    },
    "in-place-write/handed_to_others": {
        "by_host": write("state.json", lambda m, s: asyncio.run(m.by_host(Host(), s))),
    },
    "in-place-write/flushed_for_others": {
        "save_state": write("s.json", lambda m, s: m.save_state("s.json", s, Server())),
        "save_progress": write("p.json", lambda m, s: m.save_progress("p.json", STATES[s["step"]])),
        "save_cursor": write("c.json", lambda m, s: m.save_cursor("c.json", s)),
        "save_index": write("i.json", lambda m, s: m.save_index("i.json", s)),
    },
    "in-place-write/emptied_first": {
        "save_lease_state": write(
            "s.json",
            lambda m, s: m.save_lease_state(
                Path("s.json"), types.SimpleNamespace(wait=bool, name=s)
            ),
            good="lease\n",
            bad=3,
        ),
        "save_session": write(
            "s.json",
            lambda m, s: m.save_session(Path("s.json"), types.SimpleNamespace(ask=bool, state=s)),
        ),
        "save_checked": write("s.json", lambda m, s: m.save_checked(Path("s.json"), s)),
        "save_progress": write("p.json", lambda m, s: m.save_progress(Path("p.json"), s)),
        "save_slowly": write(
            "s.json",
            lambda m, s: m.save_slowly(Path("s.json"), types.SimpleNamespace(worked_out=lambda: s)),
            good="text\n",
            bad=3,
        ),
    },
    "in-place-write/locked_itself": {
        "save_session": write("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
    },
    "in-place-write/read_only_to_print": {
        "write_parts": write(
            "p-parts.list", lambda m, s: m.write_parts(s, "p"), good=["one", "two"], bad=["one", 2]
        ),
    },
    "in-place-write/watched": {
        "save_queue": write("q.json", lambda m, s: m.save_queue(None, Path("q.json"), s)),
    },
    "in-place-write/written_before": {
        "Project._save_project": write("p.json", lambda m, s: m.Project("p.json")._save_project(s)),
        "_save_queue": write("q.json", lambda m, s: m._save_queue("q.json", s)),
        "save_twice": write(
            "s.json",
            lambda m, s: m.save_twice("s.json", types.SimpleNamespace(state=s, run=lambda: None)),
        ),
        "save_or_empty": write("s.json", lambda m, s: m.save_or_empty("s.json", s)),
        "save_either": write("r.json", lambda m, s: m.save_either("r.json", s)),
        "save_another": write("s.json", lambda m, s: m.save_another("s.json", "log.txt", s)),
        "save_then_empty": write("o.json", lambda m, s: m.save_then_empty("o.json", Last(s))),
    },
    "in-place-write/format_of_others": {
        "save_positions": write(
            "f.txt", lambda m, s: m.save_positions("f.txt", s), good=[(1, 2)], bad=[(1, 2), None]
        ),
        "write_jobs": write(
            "f.txt", lambda m, s: m.write_jobs("f.txt", s), good=[(1, "a")], bad=[(1, "a"), None]
        ),
    },
    "in-place-save/earlier_run": {
        "Store.change": write("s.json", lambda m, s: made(m.Store, path="s.json").change(s)),
        "write_and_check": write("s.json", lambda m, s: m.write_and_check("s.json", s)),
        "Model.save": write(
            "m.parquet", lambda m, s: made(m.Model, table=Path("m.parquet")).save(Table(s))
        ),
    },
    "in-place-write/left_half_way": {
        "calls_what_was_registered": write(
            "c.json", lambda m, s: m.calls_what_was_registered("c.json", s)
        ),
    },
    "in-place-write/main_by_name": {
        "save_session": write("names.json", lambda m, s: save_names(m, "names.json", s)),
    },
    "in-place-write/source_sent_on": {
        "save_session": write(
            "s.txt", lambda m, s: m.save_session("s.txt", s), good="new\n", bad=b"no text"
        ),
    },
    "in-place-write/order_of_work": {
        "Store.save_folder": write(
            "state.pkl", lambda m, s: m.Store(Path() if s is STATE else None).save_folder()
        ),
        "save_given": write("s.pkl", lambda m, s: m.save_given("s.pkl", Latest(s))),
    },
    "in-place-write/others_names": {
        "either": write("c.json", lambda m, s: m.either("c.json", s)),
        "encoded_alone": write(
            "c.json", lambda m, s: m.encoded_alone("c.json", s), good=[0.12345, 2.5]
        ),
    },
    "in-place-write/run_by_decorator": {
        "save_checkpoint": write(
            "c.txt", lambda m, s: m.save_checkpoint("c.txt", s), good="new\n", bad=b"no text"
        ),
    },
    "in-place-write/run_before_imports": {
        "save_checkpoint": write(
            "c.txt", lambda m, s: m.save_checkpoint("c.txt", s), good="new\n", bad=b"no text"
        ),
    },
    "in-place-write/told_of_path": {
        "tells_the_path": write(
            "c.json", lambda m, s: m.tells_the_path("c.json", STATES[s["step"]])
        ),
        "leaves_by_break": write(
            "c.json", lambda m, s: m.leaves_by_break("c.json", STATES[s["step"]])
        ),
        "catches_within": write(
            "c.json", lambda m, s: m.catches_within("c.json", STATES[s["step"]])
        ),
        "answers_a_failure": write("c.json", lambda m, s: m.answers_a_failure("c.json", s)),
    },
    "in-place-write/prepared_in_block": {
        "Store.save_settings": write(
            "settings.json", lambda m, s: asyncio.run(m.Store().save_settings(s))
        ),
        "Store.save_known": write(
            "settings.json", lambda m, s: asyncio.run(m.Store().save_known(s))
        ),
    },
    "in-place-write/removed_first": {
        "save_checkpoint": collapse("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_session": collapse("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
        "save_queue": write("q.json", lambda m, s: m.save_queue("q.json", s)),
        "save_cursor": collapse("c.json", lambda m, s: m.save_cursor("c.json", s)),
        "save_index": collapse("i.json", lambda m, s: m.save_index("i.json", s)),
    },
    "in-place-write/path_from_elsewhere": {
        "through_a_function": write("state.json", lambda m, s: m.through_a_function("", s)),
        "through_a_join": write("state.json", lambda m, s: m.through_a_join(Path(), s)),
        "through_an_f_string": write(
            "cursor_1.json", lambda m, s: m.through_an_f_string(".", 1, s)
        ),
        "through_an_attribute": write(
            "resume.json", lambda m, s: m.through_an_attribute(m.Settings(), s)
        ),
        "_write": write("session.json", lambda m, s: m.remember("session.json", s)),
    },
    "in-place-write/read_back_through_self": {
        "Crawler._store": write("places.json", lambda m, s: m.Crawler("")._store(s)),
        "Pages.add": write(
            "pages.json", lambda m, s: made(m.Pages, root="").add(s), content=b"[1, 2]"
        ),
        "Points.save": write("p.json", lambda m, s: made(m.Points, points=s).save("p.json")),
    },
    "in-place-write/spellings": {
        "write_text": write(CHECKPOINT, lambda m, s: m.write_text(s)),
        "write_bytes": write(CHECKPOINT, lambda m, s: m.write_bytes(s)),
        "builtin": write(CHECKPOINT, lambda m, s: m.builtin(s)),
        "mode_by_keyword": write(CHECKPOINT, lambda m, s: m.mode_by_keyword(s)),
        "mode_by_constant": write(CHECKPOINT, lambda m, s: m.mode_by_constant(s)),
        "mode_by_variable": write(
            CHECKPOINT,
            lambda m, s: m.mode_by_variable(s, binary=isinstance(s, bytes)),
            good=b"\x00new",
            bad="caf\xe9 \ud800",
        ),
        "path_open": write(CHECKPOINT, lambda m, s: m.path_open(s)),
        "io_open": write(CHECKPOINT, lambda m, s: m.io_open(s)),
        "codecs_open": write(CHECKPOINT, lambda m, s: m.codecs_open(s)),
        "codecs_open_binary": write(CHECKPOINT, lambda m, s: m.codecs_open_binary(s)),
        "kept_handle": write(CHECKPOINT, lambda m, s: m.kept_handle(s)),
        "handle_in_argument": write(CHECKPOINT, lambda m, s: m.handle_in_argument(s)),
        "several_in_one": write(CHECKPOINT, lambda m, s: m.several_in_one(s, "<p>")),
        "on_a_stack": write(CHECKPOINT, lambda m, s: m.on_a_stack(s)),
        "with_aiofiles": write(CHECKPOINT, lambda m, s: asyncio.run(m.with_aiofiles(s))),
        "with_anyio": write(CHECKPOINT, lambda m, s: asyncio.run(m.with_anyio(s))),
        "in_a_thread": write(CHECKPOINT, lambda m, s: asyncio.run(m.in_a_thread(s))),
        "in_an_executor": write(CHECKPOINT, lambda m, s: asyncio.run(in_an_executor(m, s))),
        "later": write(CHECKPOINT, lambda m, s: m.later(s)()),
        "compressed": write(CHECKPOINT, lambda m, s: m.compressed(s)),
    },
    "in-place-write/too_long": {
        "EntryCache.put": write("a_b", lambda m, s: m.EntryCache(Path()).put("a", "b", s)),
        "EntryCache.checkpoint_in_thread": write(
            "a_0",
            lambda m, s: asyncio.run(m.EntryCache(Path()).checkpoint_in_thread("a", s)),
        ),
        "EntryCache.checkpoint_all": write(
            "a_checkpoint",
            lambda m, s: made(m.EntryCache, _root=Path(), done=()).checkpoint_all("a", s, 1, 2),
            good=[Entry("1;2")],
            bad=[Entry("1;2"), Entry(None)],
        ),
    },
    "in-place-write/two_step_loader": {
        "load_reindex_checkpoint": load(
            "reindex.json",
            lambda m: m.load_reindex_checkpoint(Path("reindex.json")),
            b'{"done": 4}',
        ),
        "save_reindex_checkpoint": write(
            "deep/reindex.json",
            lambda m, s: m.save_reindex_checkpoint(
                Path("deep/reindex.json"), m.ReindexCheckpoint(s, None)
            ),
        ),
    },
    "invalid-treated-as-missing/wrong_shape": {
        "save_session": write("s.json", lambda m, s: m.save_session("s.json", s)),
    },
    "remove-before-replace/moved_aside": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_session": publish("s.json", lambda m, s: m.save_session("s.json", s)),
    },
    "remove-before-replace/window": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_queue": publish("q.json", lambda m, s: m.save_queue(Path("q.json"), s)),
        "save_ledger": publish("l.json", lambda m, s: m.save_ledger(Path("l.json"), s)),
    },
    "replace-before-close/compressed": {
        "save_state": publish("s.json", lambda m, s: m.save_state(s, "s.json")),
        "save_checkpoint": publish(
            "c.zip",
            lambda m, s: m.save_checkpoint([dated("a.txt"), *s], "c.zip"),
            good=[],
            bad=["absent.txt"],
        ),
        "save_session": publish("s.json.gz", lambda m, s: m.save_session(s, "s.json.gz")),
        "save_cursor": publish("c.json.gz", lambda m, s: m.save_cursor(s, "c.json.gz")),
    },
    "replace-before-close/inside_with": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_session": publish("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
        "save_queue": publish("q.json", lambda m, s: m.save_queue(Path("q.json"), s)),
    },
    "replace-before-close/within": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s, [])),
        "save_queue": publish(
            "q.json", lambda m, s: m.save_queue(Path("q.json"), s, threading.Lock())
        ),
        "save_cursor": publish("c.json", lambda m, s: m.save_cursor(Path("c.json"), s)),
        "save_manifest": publish("m.json", lambda m, s: m.save_manifest(Path("m.json"), s)),
    },
    "swallowed-load-error/answered": {
        "save": write("state.json", lambda m, s: m.save(s)),
    },
    "swallowed-load-error/answered_with_failure": {
        "sessions_of": load("s.json", lambda m: m.sessions_of(Path("s.json"))),
        "load_session_visits": load(
            "s.json", lambda m: m.load_session_visits(Path("s.json")), b'{"visits": 3}'
        ),
        "Load.first_interval": load("p/state", lambda m: m.Load("").first_interval("p"), b"1"),
    },
    "swallowed-load-error/callers": {
        "load_checkpoint": load("c.json", lambda m: m.load_checkpoint(Path("c.json"))),
        "load_journal_checkpoint": load("c.json", lambda m: m.begin(Path("c.json"))),
        "load_old_checkpoint": load("c.json", lambda m: m.load_old_checkpoint(Path("c.json"))),
        "load_training_checkpoint": load(
            "c.json", lambda m: m.load_training_checkpoint(Path("c.json"))
        ),
    },
    "swallowed-load-error/documented": {
        "load_older_checkpoint": load("c.json", lambda m: m.load_older_checkpoint(Path("c.json"))),
    },
    "swallowed-load-error/explained": {
        "Progress.load_first": load("p.json", lambda m: m.Progress(Path("p.json")).load_first()),
        "add": write(
            "p.json", lambda m, s: m.add(Path("p.json"), s), good="job", bad=("no", "name")
        ),
        "read_queue": load("q.json", lambda m: m.read_queue(Path("q.json"))),
        "write_queue": write("q.json", lambda m, s: m.write_queue(Path("q.json"), s)),
        "load_session": load("s.json", lambda m: kept(m.load_session, "s.json")),
    },
    "swallowed-load-error/conditional_default": {
        "load_graph_state": load("s.json", lambda m: m.load_graph_state("s.json")),
    },
    "swallowed-load-error/log_function_of_the_object": {
        "Storage.load_state": load("state.json", lambda m: m.Storage("", logging.warning).state),
        "App.load_state": load("s.json", lambda m: m.App().load_state(Path("s.json"))),
        "Method.load_state": load("s.json", lambda m: printed(m, m.Method(), Path("s.json"))),
        "Levels.load_state": load("s.json", lambda m: m.Levels(print).load_state(Path("s.json"))),
        "Awaited.load_state": load("s.json", lambda m: m.Awaited(None).load_state(Path("s.json"))),
        "Late.load_state": load("s.json", lambda m: m.Late(Path("s.json"), print).state),
        "Optional.load_state": load(
            "s.json", lambda m: m.Optional(Path("s.json")).load_state(Path("s.json"))
        ),
    },
    "swallowed-load-error/logger_that_may_be_missing": {
        "Optional.load": load("s.json", lambda m: m.Optional("s.json").load()),
        "Function.load": load("s.json", lambda m: m.Function("s.json", None).load()),
        "Tested.load": load("s.json", lambda m: m.Tested("s.json", logging.getLogger()).load()),
    },
    "swallowed-load-error/miss": {
        "cached_session": load("s.json", lambda m: m.cached_session("s.json")),
        "first_day": load("s.json", lambda m: m.first_day("s.json", {"monday": 1})),
    },
    "swallowed-load-error/path_changed_above": {
        "load_state": load("state.json", lambda m: m.load_state()),
    },
    "swallowed-load-error/polled": {
        "Relay._load_state": load("s.json", lambda m: polled(m.Relay, Path("s.json"))),
        "watch": load("s.json", lambda m: one_round(m)),
        "load_timed_state": load("state.json", lambda m: m.load_timed_state()),
        "load_first_state": load("state.json", lambda m: m.load_first_state()),
        "load_state_of_job": load("s.json", lambda m: m.load_state_of_job(Path("s.json"))),
    },
    "swallowed-load-error/values_of_parsed_data": {
        "save_state": _text("s.txt", lambda m, s: m.save_state(Path("s.txt"), s)),
        "load_state_counter": load("s.txt", lambda m: m.load_state_counter(Path("s.txt")), b"1"),
        "load_state_step": load("s.json", lambda m: m.load_state_step(Path("s.json"))),
    },
    "swallowed-load-error/own_logger": {
        "Early._load": load("s.json", lambda m: m.Early(Path("s.json")).state),
        "Late._load": load("s.json", lambda m: m.Late(Path("s.json")).state),
        "Loaded.load": load(
            "s.json", lambda m: stored(made(m.Loaded, state_path="s.json", state=0), "state")
        ),
    },
    "swallowed-load-error/places": {
        "load_session": load("s.json", lambda m: asyncio.run(m.load_session(Locked("s.json")))),
        "each_checkpoint": load("c.json", lambda m: [*m.each_checkpoint([Path("c.json")])]),
        "Store.state": load("s.json", lambda m: made(m.Store, state_path=Path("s.json")).state),
        "load_queue": load("q.json", lambda m: m.load_queue(Path("q.json")), b"[2, 1]"),
        "of_another_suffix": load("s.json.1", lambda m: m.of_another_suffix(Path("s.json"))),
        "without_a_space": load("s.json", lambda m: m.without_a_space(Path("s.json"))),
        "with_a_name_that_is_taken": load(
            "s.json", lambda m: m.with_a_name_that_is_taken(Path("s.json"), 1)
        ),
    },
    "swallowed-load-error/second_attempts": {
        "load_state": load("s.json", lambda m: m.load_state(Path("s.json"), Backup())),
        "Store.load_state": load(
            "s.json",
            lambda m: made(m.Store, state_file=Path("s.json"), backup=Backup()).load_state(),
        ),
        "load_checkpoint": load("checkpoint_1.json", lambda m: m.load_checkpoint(Path())),
        "read_checkpoint": load("c.json", lambda m: m.latest_checkpoint([Path("c.json")])),
        "load_state_entries": load("s.json", lambda m: m.load_state_entries(Path("s.json"))),
    },
    "swallowed-load-error/several_files": {
        "load_state_with_note": load(
            "s.json", lambda m: m.load_state_with_note(Path("s.json"), Backup())
        ),
    },
    "swallowed-load-error/without_the_key": {
        "load_checkpoint": load("c.json", lambda m: m.load_checkpoint("c.json"), b'{"step": 2}'),
        "load_session": load("s.pkl", lambda m: m.load_session(Path("s.pkl")), PICKLED),
        "Progress.load": load(
            "p.json", lambda m: stored(made(m.Progress, progress_path=Path("p.json")), "done")
        ),
        "load_checkpoint_step": load("c.json", lambda m: m.load_checkpoint_step("c.json")),
        "load_checkpoint_and_count": load(
            "c.json", lambda m: m.load_checkpoint_and_count("c.json", set())
        ),
    },
    "swallowed-load-error/decided": {
        **{
            name: load("c.json", named(name))
            for name in (
                "load_checkpoint",
                "load_usable_checkpoint",
                "read_first_checkpoint",
                "restore_checkpoint",
                "restore_old_checkpoint",
                "read_old_checkpoint",
                "load_checkpoint_or_default",
                "load_any_checkpoint",
                "load_hidden_checkpoint",
            )
        },
        "load_checkpoint_or": load("c.json", lambda m: m.load_checkpoint_or(Path("c.json"), {})),
    },
    "swallowed-load-error/decided_for_the_module": {
        "load_checkpoint": load("c.json", lambda m: m.load_checkpoint(Path("c.json"))),
    },
    "swallowed-load-error/taken_by_name": {
        "Job.load_checkpoint": load("checkpoint.json", lambda m: m.Job().run("checkpoint")),
    },
    "swallowed-load-error/logger_bound_later": {
        "load_state": load("s.json", lambda m: m.load_state("s.json")),
    },
    "swallowed-load-error/loader_from_elsewhere": {
        "Store.load_state": load("state.json", lambda m: m.Store("").load_state()),
        "Store.reload_state": load("state.json", lambda m: m.Store("").reload_state()),
    },
    "in-place-write/imported_later_in_the_function": {
        "save_state": write("data/state.json", lambda m, s: m.save_state({"a": s})),
    },
    "swallowed-load-error/module_imported_later": {
        "load_late": load("data/state.json", lambda m: m.load_late()),
        "load_early": load("data/state.json", lambda m: m.load_early()),
    },
    "swallowed-load-error/logger_made_in_init": {
        "Above.__init__": load("state.json", lambda m: m.Above("").state),
        "Below.__init__": load("s.json", lambda m: m.Below(Path("s.json")).state),
        "Sometimes.__init__": load(
            "s.json", lambda m: m.Sometimes(Path("s.json"), verbose=False).state
        ),
        "NotYet.__init__": load("s.json", lambda m: m.NotYet(Path("s.json")).state),
    },
    **{
        f"swallowed-load-error/{case}": {
            "open_session": load("s.json", lambda m: m.open_session(Path("s.json"))),
            "save_session": write("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
        }
        for case in (
            "logger_of_a_function",
            "logger_of_a_function_unused",
            "root_logger",
            "root_logger_and_own",
        )
    },
    "swallowed-load-error/outcomes": {
        "returns_none": load("state.json", lambda m: m.returns_none()),
        "returns_empty": load("state.json", lambda m: m.returns_empty()),
        "through_an_alias": load("state.json", lambda m: m.through_an_alias()),
        "passes": load("state.json", lambda m: m.passes()),
        "suppressed": load("state.json", lambda m: m.suppressed()),
        "sets_a_default": load("session.pkl", lambda m: m.sets_a_default(), PICKLED),
        "goes_on_to_the_next": load("checkpoint-1.json", lambda m: m.goes_on_to_the_next(Path())),
        "whispers": louder("state.json", lambda m: m.whispers(Log())),
        "Queue.load": load("q.json", lambda m: stored(made(m.Queue, queue_path=Path("q.json")))),
        "Queue.save": write(
            "q.json", lambda m, s: made(m.Queue, queue_path=Path("q.json"), jobs=s).save()
        ),
        "load_progress": load("p.json", lambda m: type(m.load_progress(Path("p.json"))).__name__),
        "says_nothing_of_it": load("state.json", lambda m: m.says_nothing_of_it()),
        "keep_session": write("session.pkl", lambda m, s: m.keep_session(s)),
        "save_progress": write("p.json", lambda m, s: m.save_progress(Path("p.json"), s)),
    },
    "swallowed-load-error/no_place_to_log": {
        "Listener.load_session": load("session_state.json", lambda m: m.Listener().load_session()),
    },
    "swallowed-load-error/status_for_nobody": {
        "load_state": load(
            "s.json", lambda m: m.load_state(Path("s.json")), b'{"step": 2, "name": "a"}'
        ),
        "load_session": load("s.json", lambda m: m.load_session(Path("s.json"))),
    },
    "swallowed-load-error/told_quietly": {
        "by_its_method": louder("session_state.json", lambda m: m.by_its_method()),
        "with_its_traceback": louder("session_state.json", lambda m: m.with_its_traceback()),
        "in_so_many_words": load("session_state.json", lambda m: m.in_so_many_words()),
        "of_something_else": load("session_state.json", lambda m: m.of_something_else()),
    },
    "temp-on-another-filesystem/system_temp": {
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s)),
        "save_session": publish("s.json", lambda m, s: m.save_session("s.json", s)),
    },
    "unsynced-replace/closed_within": {
        "save_queue": publish("q.json", lambda m, s: m.save_queue(Path("q.json"), s)),
        "save_cursor": publish("c.json", lambda m, s: m.save_cursor(Path("c.json"), s)),
        "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint(Path("c.json"), s)),
        "save_session": publish("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
    },
    "unsynced-replace/filled_elsewhere": {
        "rename": publish("info", lambda m, s: made(m.Queue, folder=".", info=s)._save_info()),
        "save_progress": publish("p.json", lambda m, s: m.save_progress(s, "p.json")),
        "secure_dump": publish("v.pkl", lambda m, s: m.secure_dump(s, "v.pkl")),
    },
    "unsynced-replace/no_fsync": {
        "save_checkpoint": collapse("c.json", lambda m, s: m.save_checkpoint(Path("c.json"), s)),
        "save_session": publish("s.json", lambda m, s: m.save_session("s.json", s)),
        "Registry._stage": publish("registry.json", lambda m, s: registry(m, s).save()),
        "save_cursor": publish("cursor.json", lambda m, s: m.save_cursor("cursor.json", s)),
        "save_progress": publish("p.json", lambda m, s: m.save_progress(Path("p.json"), s)),
        "save_manifest": collapse(
            "m.json",
            lambda m, s: m.save_manifest(Path("m.json"), s),
            good="text\n",
            bad="half of it \ud800",
        ),
        "save_queue": publish(
            "q.json", lambda m, s: m.save_queue(Path("q.json"), s), good=b"1", bad="no bytes"
        ),
    },
    "unsynced-replace/remarks": {
        "put_policy": publish(
            "rules.toml", lambda m, s: m.put_policy(Path(), s), good="caf\xe9", bad="\ud800"
        ),
        "put_nodes": publish(
            "a.conf", lambda m, s: m.put_nodes("a.conf", s), good="caf\xe9", bad="\ud800"
        ),
    },
    "unsynced-replace/tolerated_cache": {
        "read_session": load("s.json", lambda m: m.read_session("s.json")),
        "write_session": publish("s.json", lambda m, s: m.write_session("s.json", s)),
    },
    "unsynced-replace/other_handles": {
        "save_compressed": publish("c.json", lambda m, s: m.save_compressed(Path("c.json"), s)),
        "save_session": publish("s.json", lambda m, s: m.save_session(Path("s.json"), s)),
        "save_queue": publish("q.json", lambda m, s: m.save_queue(Path("q.json"), s)),
        "save_cursor": publish("cursor.json", lambda m, s: m.save_cursor(Path("cursor.json"), s)),
        "save_offset": publish("offset.json", lambda m, s: m.save_offset("offset.json", s)),
        "checkpoint_writer": publish("c.json", lambda m, s: through(m.checkpoint_writer, s)),
        "save_registry": publish("r.json", lambda m, s: m.save_registry(Path("r.json"), s)),
        "save_ledger": publish("l.json", lambda m, s: m.save_ledger(Path("l.json"), s)),
        "save_state": publish("s.json", lambda m, s: m.save_state(Path("s.json"), s)),
        "save_progress": publish("p.json", lambda m, s: m.save_progress("p.json", s)),
    },
}
"""For each fixture the functions that a fix changes."""

# What was there moves to the name that comes first, and is not lost.
CALLS["in-place-write/rotated"] = {
    "History.save": Call(
        "publish",
        ("s.json.2", "s.json.1", "s.json"),
        lambda m, s: m.History("s.json").save(s),
        good=STATE,
        bad=UNWRITABLE,
    ),
    "save_state": rotated("s.json.1", "s.json", lambda m, s: m.save_state("s.json", s)),
    "save_session": rotated("s.json.1", "s.json", lambda m, s: m.save_session("s.json", s)),
    "save_queue": rotated("q.bak", "q.json", lambda m, s: m.save_queue(Path("q.json"), s)),
    "save_cursor": write("c.json", lambda m, s: m.save_cursor(Path("c.json"), s)),
    "save_current": rotated(
        "previous_state.json", "current_state.json", lambda m, s: m.save_current(s)
    ),
    "save_manifest": rotated("m.0.json", "m.json", lambda m, s: m.save_manifest(Path("m.json"), s)),
}
CALLS["in-place-write/parts_of_a_key"] = {
    "Values.set": write("app.json", lambda m, s: m.Values("").set("app.step", s)),
}
_SETTINGS = b"Parallel = 2\nname=a\n"
CALLS["in-place-write/lines_edited"] = {
    "set_parallel_downloads": write(
        "packages.txt",
        lambda m, s: m.set_parallel_downloads(s),
        content=_SETTINGS,
        good="caf\xe9",
        bad="\ud800",
    ),
    "put_keys": write(
        ".env",
        lambda m, s: m.put_keys(Path(), {"name": s}),
        content=_SETTINGS,
        good=None,
    ),
    "remove_mount": write(
        "mounts.txt", lambda m, s: m.remove_mount("name"), content=_SETTINGS, good=None
    ),
    "drop_last": write("hosts", lambda m, s: m.drop_last(), content=_SETTINGS, good=None),
}
_ENTRIES = b"first\nsecond\n"
CALLS["in-place-write/entries_removed"] = {
    "unpin": write(
        "pins.txt", lambda m, s: m.unpin("pins.txt", "first"), content=_ENTRIES, good=None
    ),
    "trim": write(
        "history.txt", lambda m, s: m.trim("history.txt", 1), content=_ENTRIES, good=None
    ),
    "put_token": write(
        ".env",
        lambda m, s: m.put_token(s),
        content=_SETTINGS,
        good="caf\xe9",
        bad="\ud800",
    ),
    "refuse": write(
        "refused.txt",
        lambda m, s: m.refuse(s),
        content=_ENTRIES,
        good="caf\xe9",
        bad="\ud800",
    ),
}
_RESULTS = b'{"results": []}'


def _evaluated(module: Any, state: Any) -> object:
    return module.evaluate([state], "results.json", lambda question: question)


CALLS["in-place-write/results_carried_on"] = {
    "evaluate": write("results.json", _evaluated, content=_RESULTS),
    "Benchmark.put": write(
        "s.json", lambda m, s: m.Benchmark("s.json").put("first", s), content=_RESULTS
    ),
}
CALLS["broad-except-on-load/ends_otherwise"] = {
    "Job.load_and_note": load("state.json", lambda m: m.Job().load_and_note()),
    "Job.load_or_init": load("state.json", lambda m: m.Job().load_or_init()),
    "Job.load_or_zeros": load("state.json", lambda m: m.Job().load_or_zeros()),
    "Job.load_or_begin": write("state.json", lambda m, s: m.Job().load_or_begin(), good=None),
}
CALLS["broad-except-on-load/results_carried_on"] = {
    "evaluate": write("results.json", _evaluated, content=_RESULTS),
}
CALLS["in-place-write/mode_of_callers"] = {
    "write_session": write("s.json", lambda m, s: m.write_session("s.json", s)),
}
CALLS["in-place-write/mode_of_object"] = {
    "save_by_constant": write("s.json", lambda m, s: m.save_by_constant("s.json", s)),
}


def _load_session(name: str, module: Any) -> object:
    return getattr(module, name)(Path("s.json"))


for _case, *_functions in (
    ("converted", "load_session_age", "load_session"),
    ("imported_logger_with_arguments", "load_session"),
    ("imported_logger_with_text", "load_session"),
    ("older_format", "load_session"),
    ("taken_for_good", "resume_session"),
):
    CALLS[f"swallowed-load-error/{_case}"] = {
        name: load("s.json", partial(_load_session, name)) for name in _functions
    }
CALLS["unsynced-replace/written_again"] = {
    "save_session": publish("s.json", lambda m, s: m.save_session("s.json", s, ())),
    "save_checkpoint": publish("c.json", lambda m, s: m.save_checkpoint("c.json", s, ())),
}
CALLS["unsynced-replace/rotated"] = {
    "save_raw_state": publish("state.json", lambda m, s: m.save_raw_state(Path(), s)),
}
CALLS["in-place-write/bound_again"] = {
    "unpack": write("install-state.json", lambda m, s: m.unpack(zipped("a.zip"), Path(), s)),
    "save_state": write("s.json", lambda m, s: m.save_state("s.json", s)),
}
CALLS["in-place-write/filled_for_some_callers"] = {
    "Nodes._save_json": write("s.json", lambda m, s: made(m.Nodes, nodes=s)._save_json("s.json")),
    "Cells._save_pickle": write("s", lambda m, s: made(m.Cells, cells=s)._save_pickle("s")),
}
_ONLY_FIRST = "writes only where no file is, and the inputs for a write that fails have one"
_ONE_BRANCH = "one branch of it writes only where no file is, and is left as it was"
_FETCHES = "fetches a file from the network"
_TOOLKIT = "its module needs a toolkit for a graphical interface"
_EMPTIED = (
    "what empties or creates the file before the write is not repaired, and may succeed alone"
)
NOT_RUN: dict[str, str] = {
    "in-place-write/swept_folder: add_to_spool": "its folder is not made in the test's",
    "in-place-write/removed_again: work": "removes the file at its end",
    "in-place-write/written_without_name: load_key": _ONLY_FIRST,
    "in-place-save/earlier_run: resume": _ONLY_FIRST,
    "in-place-write/written_before: save_emptied": _EMPTIED,
    "in-place-write/written_before: save_cut": _EMPTIED,
    "in-place-write/written_before: save_emptied_by_helper": _EMPTIED,
    "in-place-write/written_before: save_created": _EMPTIED,
    "in-place-write/downloads_streamed: stream": _FETCHES,
    "in-place-write/downloads_streamed: copied": _FETCHES,
    "in-place-write/downloads_streamed: at_once": _FETCHES,
    "in-place-write/read_by_toolkit: Window.remember": _TOOLKIT,
    "in-place-write/read_by_toolkit: Columns.remember": _TOOLKIT,
    "in-place-write/nothing_is_lost: keep_salt": _ONLY_FIRST,
    "in-place-write/nothing_is_lost: keep_token": _ONE_BRANCH,
    "in-place-write/nothing_is_lost: keep_parsed_token": _ONE_BRANCH,
    "in-place-write/first_write: prepare": _ONLY_FIRST,
    "in-place-write/first_write: lookup": _ONLY_FIRST,
    "in-place-write/first_write: keys": _ONLY_FIRST,
    "in-place-write/given_as_whole: extract": _ONLY_FIRST,
    "in-place-write/given_as_whole: download_url": _ONLY_FIRST,
    "in-place-write/given_as_whole: vocabulary": _ONLY_FIRST,
    "in-place-write/random_values: Cipher.__init__": _ONLY_FIRST,
    "in-place-write/random_values: find_node": _ONLY_FIRST,
    "in-place-write/random_values: name": _ONLY_FIRST,
    "in-place-write/random_values: secret_key": _ONLY_FIRST,
    "in-place-write/emptied_first: save_answers": "asks a person, who may interrupt it, as its "
    "note says",
    "in-place-write/emptied_first: create_user_state": "a program that fails no longer empties the "
    "file, as its note says",
    "in-place-write/emptied_first: install_state": "a program that fails no longer empties the "
    "file, as its note says",
    "in-place-write/lists_folder: save_manifest": "a new file is in its own list only before, "
    "as its note says",
    "in-place-write/order_of_work: Store.save_state": "goes to another file, as its note says",
    "in-place-write/order_of_work: save_checkpoint": "goes to another file, as its note says",
    "in-place-write/order_of_work: Store.save_number": "goes to another file, as its note says",
    "in-place-write/left_half_way: calls_what_a_table_holds": "the old content stays when it ends "
    "the program, as its note says",
    "in-place-write/future_above_mixed_imports: save_state": "imports from a package around it; "
    "the write is one that `in-place-write/spellings` has too",
    "replace-before-close/within: save_session": "copied an empty file; test_fixes_publishing.py",
}
"""`fixture: function` and why it cannot be run; a test holds this and `CALLS` to what is there."""


def old_folder() -> str:
    Path("old").mkdir()
    return "old"


def migrated(module: Any, name: str, state: Any) -> None:
    """As if the folder listed this file, which need not exist now, and it had the state too."""
    parse = json.loads
    with (
        mock.patch.object(Path, "rglob", return_value=[Path(name)]),
        mock.patch.object(json, "loads", lambda text: {**parse(text), **state}),
    ):
        module.migrate_states("")


def registry(module: Any, state: object) -> Any:
    instance = module.Registry("")
    instance.entries = state
    return instance


def through(writer: Any, state: object) -> None:
    with writer("c.json") as stream:
        json.dump(state, stream)


def started(instance: Any) -> object:
    instance.start()
    return instance.state


def announced(resume: Callable[[Any], object]) -> object:
    """What the server is notified of."""
    server = mock.Mock()
    resume(server)
    return server.announce.call_args


def stored(instance: Any, attribute: str = "jobs") -> object:
    """An attribute that `load` sets."""
    instance.load()
    return getattr(instance, attribute)


class Kept:
    """A path that only records that it was removed."""

    def __init__(self, name: str) -> None:
        self.path = Path(name)
        self.removed = False

    def read_text(self) -> str:
        return self.path.read_text()

    def unlink(self) -> None:
        self.removed = True

    def __str__(self) -> str:
        return str(self.path)


def kept(loader: Callable[[Any], object], name: str) -> object:
    path = Kept(name)
    return loader(path), path.removed


def printed(module: Any, instance: Any, path: Path) -> object:
    """Printed text is recorded as log output."""
    with mock.patch.object(module, "print", logging.warning, create=True):
        return instance.load_state(path)


def polled(kind: Any, path: Path) -> object:
    async def once() -> object:
        return await kind(path).poll_all()

    return asyncio.run(once())


def one_round(module: Any) -> object:
    """What is found before the first pause."""
    found = []
    pause = mock.Mock(side_effect=InterruptedError)
    with (
        mock.patch.object(module, "time", types.SimpleNamespace(sleep=pause)),
        contextlib.suppress(InterruptedError),
    ):
        for each in module.watch(Path()):
            found.append(each)  # noqa: PERF402
    return found


class Backup:
    """An older file that can be read."""

    def read_text(self) -> str:
        return '{"step": 1}'


class Locked:
    """A path with a lock."""

    def __init__(self, name: str) -> None:
        self.path = Path(name)
        self.lock = asyncio.Lock()

    def read_text(self) -> str:
        return self.path.read_text()

    def __str__(self) -> str:
        return str(self.path)


class Log:
    def debug(self, text: str, *values: object) -> None:
        pass

    def warning(self, text: str, *values: object) -> None:
        logging.warning(text, *values)


# --- other people's packages ----------------------------------------------------------


def stubs() -> dict[str, types.ModuleType]:
    """Modules, by name, that open and write files as the real packages do, whatever is installed
    here."""
    contents: dict[str, dict[str, Any]] = {
        "aiofiles": {"open": _opened},
        "anyio": {"open_file": _open_file, "Path": _AsyncPath},
        "config_utils": {"load_config": lambda root: {}},
        "filelock": {"FileLock": contextlib.nullcontext},
        "joblib": {"dump": _dump},
        "numpy": {
            "save": _save_array,
            "savez": _save_arrays,
            "savez_compressed": _save_arrays,
        },
        "pandas": {"read_parquet": lambda path: Path(path).read_bytes()},
        "PySide6": {},
        "PySide6.QtCore": {"QFileSystemWatcher": mock.Mock},
        "project": {},
        "project.files": {"FileSystem": _FileSystem, "read_state": _read_state},
        "project.log": {"logger": logging.getLogger("project")},
        "pyinotify": {},
        "registry": {"register": _register},
        "safetensors": {},
        "safetensors.torch": {"save_file": _dump},
        "shell": {"debug_print": mock.Mock(), "show_message": mock.Mock()},
        "system": {
            "etc": Path(),
            "modules": (),
            "mounts": "mounts.txt",
            "packages": "packages.txt",
        },
        "tags": {"write_tags": lambda path, tags: None},
        "torch": {"save": _save, "load": _load},
        "watchdog": {},
        "watchdog.observers": {"Observer": mock.Mock},
        "watchfiles": {"watch": mock.Mock},
        "web": {"Response": _Response},
        "yaml": {"safe_load": _safe_load, "YAMLError": _YAMLError},
    }
    return {name: _module(name, attributes) for name, attributes in contents.items()}


def _module(name: str, attributes: dict[str, Any]) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__dict__.update(attributes)
    return made


@dataclass
class _Response:
    status: int = 200
    text: str = ""


class _Hass:
    """Stands for the base class of apps, which has a method for logging."""

    def log(self, text: str, level: str = "INFO") -> None:
        logging.log(logging.getLevelName(level), text)


def unbound() -> dict[str, object]:
    """Names that fixtures use without importing or defining them."""
    return {"Hass": _Hass}


class _FileSystem:
    def __init__(self, folder: str) -> None:
        self.folder = folder


def _read_state(path: str) -> object:
    return json.loads(Path(path).read_text())


def _register(imports: list[str]) -> Callable[[Any], Any]:
    return lambda function: function


def _load(path: str) -> object:
    with Path(path).open("rb") as file:
        return pickle.load(file)


def _dump(value: object, target: Any) -> None:
    """Write to a path or a handle, one piece at a time."""
    if isinstance(value, Model):
        value = value.rng
    if not hasattr(target, "write"):
        with Path(target).open("wb") as file:
            return _dump(value, file)
    target.write(b"head")
    target.write(pickle.dumps(value, protocol=4))
    return None


def _save(value: object, f: Any) -> None:
    _dump(value, f)


def _save_array(target: Any, value: object) -> None:
    _with_suffix(".npy", target, value)


def _save_arrays(target: Any, value: object) -> None:
    _with_suffix(".npz", target, value)


def _with_suffix(suffix: str, target: Any, value: object) -> None:
    """As in numpy: a path gets the suffix if it lacks it."""
    if not hasattr(target, "write") and not str(target).endswith(suffix):
        target = f"{target}{suffix}"
    _dump(value, target)


class _YAMLError(Exception):
    pass


def _safe_load(stream: Any) -> object:
    try:
        return json.loads(stream if isinstance(stream, str) else stream.read())
    except json.JSONDecodeError as error:
        raise _YAMLError(str(error)) from error


class _Opened:
    """An asynchronous handle."""

    def __init__(self, path: Path | str, mode: str, encoding: str | None = None) -> None:
        self.file = Path(path).open(mode, encoding=encoding)  # noqa: SIM115

    async def __aenter__(self) -> _Opened:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.file.close()

    async def write(self, text: str) -> int:
        return self.file.write(text)


def _opened(path: Path | str, mode: str, encoding: str | None = None) -> _Opened:
    return _Opened(path, mode, encoding)


async def _open_file(path: Path, mode: str) -> _Opened:
    return _Opened(path, mode)


class _AsyncPath:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)

    async def write_text(self, text: str) -> int:
        return self.path.write_text(text)
