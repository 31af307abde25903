"""The language server as an editor runs it: a process that communicates over standard streams."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.workspace import PositionCodec, TextDocument

from atomic_fix import __version__
from atomic_fix.finding import FileResult, Position, RelatedLocation, Span
from atomic_fix.lsp import FIX_ALL
from atomic_fix.lsp_documents import CheckedDocument
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.settings import Resolver
from atomic_fix.source import Source

SAVER = "import json\n\n\ndef save(state_path, x):\n    state_path.write_text(json.dumps(x))\n"
LOADER = """\
import json


def load(state_path):
    try:
        return json.loads(state_path.read_text())
    except json.JSONDecodeError:
        return None
"""


PLAIN = """\
import json


def save_json(path, obj):
    with open(path, "w") as file:
        json.dump(obj, file)
"""
CALLER = """\
from utils import save_json


def save_progress(state):
    save_json("progress_checkpoint.json", state)
"""


class Editor(LanguageClient):
    """Keeps the latest diagnostics of each document, and the messages that it is asked to show."""

    def __init__(self) -> None:
        super().__init__("editor", "1")
        self.latest: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: list[str] = []
        self.refreshed = asyncio.Event()
        self.registered: asyncio.Queue[Sequence[types.Registration]] = asyncio.Queue()

        @self.feature(types.WORKSPACE_DIAGNOSTIC_REFRESH)  # type: ignore[untyped-decorator]
        def refresh(_params: None) -> None:
            self.refreshed.set()

        @self.feature(types.CLIENT_REGISTER_CAPABILITY)  # type: ignore[untyped-decorator]
        def register(params: types.RegistrationParams) -> None:
            self.registered.put_nowait(params.registrations)

        @self.feature(types.WINDOW_SHOW_MESSAGE)  # type: ignore[untyped-decorator]
        def shown(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.latest.put_nowait(params)

    async def diagnostics(self) -> list[types.Diagnostic]:
        params = await asyncio.wait_for(self.latest.get(), 60)
        return list(params.diagnostics)

    async def open(self, path: Path, text: str) -> list[types.Diagnostic]:
        item = types.TextDocumentItem(path.as_uri(), "python", 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.diagnostics()

    async def change(self, path: Path, text: str, version: int) -> list[types.Diagnostic]:
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, path.as_uri()),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return await self.diagnostics()

    async def actions(
        self,
        path: Path,
        place: types.Range,
        *kinds: types.CodeActionKind | str,
        shown: Sequence[types.Diagnostic] = (),
    ) -> list[types.CodeAction]:
        found = await self.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(path.as_uri()),
                place,
                types.CodeActionContext(shown, only=list(kinds) or None),
            )
        )
        actions = [each for each in found or [] if isinstance(each, types.CodeAction)]
        assert len(actions) == len(found or [])
        return actions


def in_editor(
    work: Callable[[Editor], Awaitable[None]],
    folder: Path,
    options: object = None,
    capabilities: types.TextDocumentClientCapabilities | None = None,
    workspace: types.WorkspaceClientCapabilities | None = None,
    notebooks: types.NotebookDocumentClientCapabilities | None = None,
) -> None:
    """Start a server, do some work with it and shut it down as an editor would."""

    async def session() -> None:
        editor = Editor()
        await editor.start_io(sys.executable, "-m", "atomic_fix.lsp", "--stdio")
        try:
            result = await editor.initialize_async(
                types.InitializeParams(
                    types.ClientCapabilities(
                        workspace, text_document=capabilities, notebook_document=notebooks
                    ),
                    root_uri=folder.as_uri(),
                    initialization_options=options,
                )
            )
            assert result.server_info == types.ServerInfo("atomic-fix", __version__)
            editor.initialized(types.InitializedParams())
            await work(editor)
        finally:
            # Without this the server would not end, and what went wrong would be a timeout.
            await editor.shutdown_async(None)
            editor.exit(None)
            await editor.stop()  # type: ignore[no-untyped-call]

    asyncio.run(asyncio.wait_for(session(), 120))


def applied(text: str, action: types.CodeAction, path: Path) -> str:
    """The text after the action, as an editor that counts UTF-16 units applies it."""
    assert action.edit is not None
    assert action.edit.changes is not None
    before = text
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n", before))]

    def offset(position: types.Position) -> int:
        line = before[starts[position.line] :]
        units = line.encode("utf-16-le")[: 2 * position.character]
        return starts[position.line] + len(units.decode("utf-16-le"))

    edits = list(action.edit.changes[path.as_uri()])
    for number in sorted(
        range(len(edits)), key=lambda n: (offset(edits[n].range.start), n), reverse=True
    ):
        edit = edits[number]
        start, end = offset(edit.range.start), offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


def test_diagnostics_follow_the_text(tmp_path: Path) -> None:
    path = tmp_path / "state.py"

    async def work(editor: Editor) -> None:
        (found,) = await editor.open(path, SAVER)
        assert (found.code, found.source) == ("ATF101", "atomic-fix")
        assert found.severity is types.DiagnosticSeverity.Warning
        assert found.range.start == types.Position(4, 4)
        assert "in place" in found.message
        assert await editor.change(path, SAVER.replace("))", "))  # noqa: ATF101"), 2) == []
        # Columns count UTF-16 units: one for é, two for a character beyond the first plane.
        wide = SAVER.replace("    state_path.w", "    é = '🗄'; state_path.w")
        (found,) = await editor.change(path, wide, 3)
        assert found.range.start == types.Position(4, 4 + len("é = '🗄'; ") + 1)
        (found,) = await editor.change(path, "open('checkpoint.json', 'w'\n", 4)
        assert (found.code, found.severity) == ("ATF000", types.DiagnosticSeverity.Error)
        identifier = types.TextDocumentIdentifier(path.as_uri())
        editor.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
        assert await editor.diagnostics() == []

    in_editor(work, tmp_path)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_hover_quick_fix_and_fix_all(tmp_path: Path, newline: str) -> None:
    path = tmp_path / "state.py"
    text = ("# é🗄\n" + SAVER + LOADER.partition("\n")[2]).replace("\n", newline)

    async def work(editor: Editor) -> None:
        saver, loader = await editor.open(path, text)
        assert (saver.code, loader.code) == ("ATF101", "ATF201")
        hover = await editor.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(path.as_uri()), saver.range.start)
        )
        assert hover is not None
        assert isinstance(hover.contents, types.MarkupContent)
        assert hover.contents.value.startswith("# in-place-write (ATF101)\n")
        assert "## Use instead" in hover.contents.value
        nothing = types.HoverParams(
            types.TextDocumentIdentifier(path.as_uri()), types.Position(0, 0)
        )
        assert await editor.text_document_hover_async(nothing) is None

        fix, disable = await editor.actions(path, saver.range, types.CodeActionKind.QuickFix)
        assert fix.title.startswith("ATF101: ")
        assert disable.title == "ATF101: Disable for this line"
        assert list(fix.diagnostics or ()) == [saver]
        repaired = applied(text, fix, path)
        assert f"    atomic_write_json(state_path, x){newline}" in repaired
        assert [each.code for each in await editor.change(path, repaired, 2)] == ["ATF201"]

        await editor.change(path, text, 3)
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        assert await editor.actions(path, start, types.CodeActionKind.QuickFix) == []
        assert await editor.actions(path, start, types.CodeActionKind.Refactor) == []
        for kind in (FIX_ALL, types.CodeActionKind.SourceFixAll, types.CodeActionKind.Source):
            (fix_all,) = await editor.actions(path, start, kind)
            assert fix_all.kind == FIX_ALL
        repaired = applied(text, fix_all, path)
        assert await editor.change(path, repaired, 4) == []
        command = subprocess.run(
            [sys.executable, "-m", "atomic_fix", "--isolated", "--write", "-"],
            input=text.encode(), capture_output=True, check=True,
        )  # fmt: skip
        assert repaired.encode() == command.stdout
        assert await editor.actions(path, start) == []

    in_editor(work, tmp_path)


def test_the_other_files_of_the_project_count_once_they_are_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "tree"
    (folder / ".git").mkdir(parents=True)
    utils, job = folder / "utils.py", folder / "job.py"
    utils.write_text(PLAIN)
    job.write_text(CALLER)

    async def work(editor: Editor) -> None:
        assert await editor.open(utils, PLAIN) == []
        (found,) = await editor.diagnostics()  # by itself, when the project is linked
        assert "`save_progress` (job.py:5)" in found.message
        # Not saved yet: the rows follow the text.
        (moved,) = await editor.change(utils, f"# A comment.\n{PLAIN}", 2)
        assert moved.range.start.line == found.range.start.line + 1
        (again,) = await editor.change(utils, PLAIN, 3)
        assert again == found
        job.write_text(CALLER.replace("progress_checkpoint.json", "report.html"))
        editor.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(utils.as_uri()))
        )
        assert len(await editor.diagnostics()) == 1
        assert await editor.diagnostics() == []

    in_editor(work, folder)


def test_an_editor_that_asks_is_said_to_ask_again_once_the_project_is_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "tree"
    (folder / ".git").mkdir(parents=True)
    utils, job = folder / "utils.py", folder / "job.py"
    utils.write_text(PLAIN)
    job.write_text(CALLER)
    identifier = types.TextDocumentIdentifier(utils.as_uri())

    async def work(editor: Editor) -> None:
        item = types.TextDocumentItem(utils.as_uri(), "python", 1, PLAIN)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(item))
        await asyncio.wait_for(editor.refreshed.wait(), 60)
        report = await editor.text_document_diagnostic_async(
            types.DocumentDiagnosticParams(identifier)
        )
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        (found,) = report.items
        (related,) = found.related_information or ()
        assert related.location.uri == job.as_uri()
        assert related.location.range.start == types.Position(4, 0)
        assert editor.latest.empty()

    pulls = types.TextDocumentClientCapabilities(diagnostic=types.DiagnosticClientCapabilities())
    refreshes = types.WorkspaceClientCapabilities(
        diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    )
    # What the editor configures holds where projects are linked too.
    options = {
        "minConfidence": 0.6,
        "extendExclude": ["old/"],
        "perFileIgnores": {"b.py": ["ATF2"]},
    }
    in_editor(work, folder, options, pulls, refreshes)


def test_repairs_that_cannot_be_imported_are_left_out_and_one_message_says_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.py"
    unsynced = (
        "\n\ndef save_checkpoint(path, data):\n    tmp = path + '.tmp'\n"
        "    with open(tmp, 'wb') as file:\n        file.write(data)\n    os.replace(tmp, path)\n"
    )
    text = f"import os\n{SAVER}{unsynced}"
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'app'\n")
    start = types.Range(types.Position(0, 0), types.Position(0, 0))

    async def work(editor: Editor) -> None:
        saver, _ = await editor.open(path, text)
        fix, _ = await editor.actions(path, saver.range, types.CodeActionKind.QuickFix)
        assert fix.title.endswith(" (cannot be imported yet: `atomic_fix.runtime`)")
        assert fix.is_preferred is False
        assert editor.messages == [], "nobody has asked for it"
        for _ in range(2):
            (fix_all,) = await editor.actions(path, start, FIX_ALL)
            repaired = applied(text, fix_all, path)
            assert "os.fsync" in repaired
            assert "state_path.write_text(json.dumps(x))" in repaired
            assert "atomic_fix" not in repaired
        (message,) = editor.messages
        assert message.endswith(
            "pyproject.toml declares no dependency on atomic-fix; run "
            f"`atomic-fix --vendor {tmp_path / 'atomic_io.py'}`, or declare that dependency"
        )
        (tmp_path / "requirements.txt").write_text("atomic-fix\n")
        fix, _ = await editor.actions(path, saver.range, types.CodeActionKind.QuickFix)
        assert fix.is_preferred is True
        (fix_all,) = await editor.actions(path, start, FIX_ALL)
        assert "from atomic_fix.runtime import" in applied(text, fix_all, path)

    in_editor(work, tmp_path)


def test_a_loader_gets_both_repairs_and_the_warning_is_preferred(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    text = SAVER + LOADER.partition("\n")[2]

    async def work(editor: Editor) -> None:
        _, loader = await editor.open(path, text)
        warns, raises, _ = await editor.actions(path, loader.range, types.CodeActionKind.QuickFix)
        assert (warns.is_preferred, raises.is_preferred) == (True, False)
        assert ".warning(" in applied(text, warns, path)
        assert "raise CheckpointCorruptedError(" in applied(text, raises, path)

    in_editor(work, tmp_path)


def test_a_finding_can_be_disabled_for_its_line(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    both = SAVER.replace("(x))", "(x), encoding='utf-8')  # noqa: E501")

    async def work(editor: Editor) -> None:
        for version, (text, comment) in enumerate(
            [(SAVER, "  # noqa: ATF101"), (both, "  # noqa: E501,ATF101")], 1
        ):
            (found,) = await (
                editor.open(path, text) if version == 1 else editor.change(path, text, version)
            )
            _, disable = await editor.actions(path, found.range, types.CodeActionKind.QuickFix)
            assert (disable.title, disable.is_preferred) == ("ATF101: Disable for this line", False)
            assert [each.code for each in disable.diagnostics or ()] == ["ATF101"]
            disabled = applied(text, disable, path)
            assert disabled.splitlines()[4].endswith(comment)
            assert disable.edit is not None
            assert disable.edit.changes is not None
            (edit,) = disable.edit.changes[path.as_uri()]
            assert (edit.range.start, edit.range.end.line) == (edit.range.end, 4)
            assert await editor.change(path, disabled, 10 * version) == []
        # Where a comment has to say why, a person is reminded to.
        (tmp_path / "atomic-fix.toml").write_text("require-reason = true\n")
        (found,) = await editor.change(path, SAVER, 30)
        _, disable = await editor.actions(path, found.range, types.CodeActionKind.QuickFix)
        disabled = applied(SAVER, disable, path)
        assert disabled.splitlines()[4].endswith("  # noqa: ATF101 -- TODO: say why")
        assert await editor.change(path, disabled, 31) == []
        # What could not be analysed cannot be.
        (found,) = await editor.change(path, "open('checkpoint.json', 'w'\n", 32)
        assert await editor.actions(path, found.range) == []

    in_editor(work, tmp_path)


def test_a_cursor_beside_a_finding_gets_the_actions_of_the_diagnostics_shown(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.py"

    async def work(editor: Editor) -> None:
        (found,) = await editor.open(path, SAVER)
        cursor = types.Position(4, 0)
        place = types.Range(cursor, cursor)
        quick = types.CodeActionKind.QuickFix
        assert await editor.actions(path, place, quick) == []
        # Neovim sends all diagnostics of the line, those of other servers too.
        other = types.Diagnostic(found.range, "long", code="ATF101", source="other")
        assert await editor.actions(path, place, quick, shown=[other]) == []
        repair, disable = await editor.actions(path, place, quick, shown=[other, found])
        assert (repair.title, disable.title) == (
            "ATF101: Write with `atomic_write_json`",
            "ATF101: Disable for this line",
        )
        # A diagnostic of an earlier text has no action.
        assert (await editor.change(path, f"\n{SAVER}", 2))[0].range != found.range
        assert await editor.actions(path, place, quick, shown=[found]) == []

    in_editor(work, tmp_path)


def test_the_other_place_and_the_page_are_linked(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    text = "# é🗄\n" + SAVER + LOADER.partition("\n")[2].replace("return json", "'🗄'; return json")
    address = "https://docs.example.org/atomic-fix"

    async def work(editor: Editor) -> None:
        saver, _ = await editor.open(path, text)
        assert saver.code_description is None
        (related,) = saver.related_information or ()
        assert related.message == "`load` appears to read it back"
        assert related.location.uri == path.as_uri()
        row = next(i for i, line in enumerate(text.splitlines()) if "json.loads" in line)
        before = text.splitlines()[row].partition("json.loads")[0]
        units = len(before.encode("utf-16-le")) // 2
        assert related.location.range.start == types.Position(row, units)
        (tmp_path / "atomic-fix.toml").write_text(f"docs-url = '{address}'\n")
        saver, _ = await editor.change(path, text, 2)
        assert saver.code_description == types.CodeDescription(
            f"{address}/rules/in-place-write.html"
        )

    in_editor(work, tmp_path)


def test_a_related_location_may_be_in_another_file(tmp_path: Path) -> None:
    source = Source("a.py", SAVER, "utf-8", bom=False)
    document = TextDocument("file:///a.py", SAVER)
    checked = CheckedDocument(
        document, source, None, FileResult("a.py"), HelperImports(Resolver({}))
    )
    span = Span(Position(3, 5), Position(3, 9))
    location = checked.location(RelatedLocation("read back", span, str(tmp_path / "b c.py")))
    assert location.uri == (tmp_path / "b c.py").as_uri()
    assert location.range == types.Range(types.Position(2, 4), types.Position(2, 8))


def test_an_editor_that_asks_for_diagnostics_is_not_sent_them(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    identifier = types.TextDocumentIdentifier(path.as_uri())

    async def asked(editor: Editor) -> list[str]:
        params = types.DocumentDiagnosticParams(identifier)
        report = await editor.text_document_diagnostic_async(params)
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        return [str(each.code) for each in report.items]

    async def work(editor: Editor) -> None:
        item = types.TextDocumentItem(path.as_uri(), "python", 1, SAVER)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(item))
        assert await asked(editor) == ["ATF101"]
        editor.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(2, path.as_uri()),
                [types.TextDocumentContentChangeWholeDocument(LOADER)],
            )
        )
        assert await asked(editor) == ["ATF201"]
        editor.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
        assert await asked(editor) == []
        assert editor.latest.empty()

    async def sent(editor: Editor) -> None:
        assert [each.code for each in await editor.open(path, SAVER)] == ["ATF101"]
        # It may ask all the same.
        assert await asked(editor) == ["ATF101"]

    pulls = types.TextDocumentClientCapabilities(diagnostic=types.DiagnosticClientCapabilities())
    in_editor(work, tmp_path, capabilities=pulls)
    in_editor(sent, tmp_path)


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (None, ["ATF101"]),
        ({}, ["ATF101"]),
        ({"settings": {"min-confidence": 1}}, []),
        ({"settings": {"minConfidence": 1, "ignore": ["ATF2"]}}, []),
        ({"min-confidence": 0.9, "select": ["ATF1"]}, []),
        ({"settings": {"configuration": "other/settings.toml"}}, []),
        ({"configuration": "other/settings.toml", "ignore": []}, ["ATF101"]),
        ({"settings": {}, "configuration": "other/settings.toml"}, []),
        ({"minConfidence": 1, "settings": {"min-confidence": 0.2}}, ["ATF101"]),
    ],
)
def test_initialization_options_win_over_the_configuration(
    tmp_path: Path, options: object, codes: list[str]
) -> None:
    path = tmp_path / "state.py"
    (tmp_path / "atomic-fix.toml").write_text("min-confidence = 0.2\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/settings.toml").write_text("ignore = ['ATF101']\n")

    async def work(editor: Editor) -> None:
        assert [each.code for each in await editor.open(path, SAVER)] == codes
        assert editor.messages == []

    in_editor(work, tmp_path, options)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"settings": {"minConfidense": 1}},
         "option: unknown key `min-confidense`, did you mean `min-confidence`?"),
        ({"settings": {"configuration": 3}}, "option: `configuration` must be a path"),
        ({"settings": {"configuration": "none.toml"}}, "none.toml: cannot be read: No such file"),
        ({"settings": ["ATF101"]}, "option: `settings` must be an object, not ['ATF101']"),
        (3, "option: `settings` must be an object, not 3"),
        ({"configuration": "none.toml", "settings": {}}, "none.toml: cannot be read: No such file"),
        ({"ignore": "ATF101"}, "option: `ignore` must be a list of rule codes, not 'ATF101'"),
    ],
)  # fmt: skip
def test_initialization_options_that_are_wrong_are_said_and_left_out(
    tmp_path: Path, options: object, problem: str
) -> None:
    path = tmp_path / "state.py"

    async def work(editor: Editor) -> None:
        assert [each.code for each in await editor.open(path, SAVER)] == ["ATF101"]
        (message,) = editor.messages
        assert message.startswith("atomic-fix leaves out the settings of this editor: ")
        assert problem in message

    in_editor(work, tmp_path, options)


def test_configuration_holds_and_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    config = tmp_path / "atomic-fix.toml"
    config.write_text("ignore = ['ATF101']\n")

    async def work(editor: Editor) -> None:
        assert await editor.open(path, SAVER) == []
        config.write_text("ignore = ['ATF201']\n")
        (found,) = await editor.change(path, SAVER, 2)
        assert found.code == "ATF101"
        config.write_text("ignor = []\n")
        (found,) = await editor.change(path, SAVER, 3)
        assert found.code == "ATF000"
        assert "unknown key `ignor`, did you mean `ignore`?" in found.message

    in_editor(work, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_nothing_beside_a_document_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state.py"
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "pyproject.toml").symlink_to("/dev/zero")

    async def work(editor: Editor) -> None:
        (found,) = await editor.open(path, SAVER)
        assert found.code == "ATF000"
        assert found.message.endswith("pyproject.toml: cannot be read: not a regular file")
        # One that is not open, which pygls would read.
        place = types.Range(types.Position(0, 0), types.Position(0, 0))
        assert await editor.actions(tmp_path / "pipe.py", place) == []
        identifier = types.TextDocumentIdentifier((tmp_path / "pipe.py").as_uri())
        hover = types.HoverParams(identifier, types.Position(0, 0))
        assert await editor.text_document_hover_async(hover) is None

    in_editor(work, tmp_path)


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "git:/a/b.py?x",
        "file:///a%00b.py",
        "file:///a%20b.py",
        "file://host/a.py",
        "a b",
    ],
)
def test_a_document_that_is_no_file_is_checked(tmp_path: Path, uri: str) -> None:
    async def work(editor: Editor) -> None:
        item = types.TextDocumentItem(uri, "python", 1, SAVER)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(item))
        assert [each.code for each in await editor.diagnostics()] == ["ATF101"]

    in_editor(work, tmp_path)


def test_code_that_is_too_deep_is_a_diagnostic(tmp_path: Path) -> None:
    async def work(editor: Editor) -> None:
        path = tmp_path / "deep.py"
        deep = SAVER + "    y = " + "(" * 5_000 + ")" * 5_000 + "\n"
        pattern = (
            SAVER + "    match x:\n        case " + '{"a": ' * 12 + "b" + "}" * 12 + ": pass\n"
        )
        for version, (text, code) in enumerate(
            [(deep, "ATF000"), (SAVER, "ATF101"), (pattern, "ATF000"), (SAVER, "ATF101")], 1
        ):
            found = await (
                editor.open(path, text) if version == 1 else editor.change(path, text, version)
            )
            assert [each.code for each in found] == [code]

    in_editor(work, tmp_path)


def test_arguments() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "atomic_fix.lsp", *arguments]
        return subprocess.run(command, capture_output=True, check=False, text=True)

    assert run("--version").stdout == f"atomic-fix-lsp {__version__}\n"
    wrong = run("--tcp")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "'--tcp'" in wrong.stderr
    assert wrong.stderr.count("\n") == 1


def test_without_its_extra_it_says_so_in_one_line() -> None:
    code = "import sys; sys.modules['pygls'] = None; import atomic_fix.lsp"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("atomic-fix-lsp needs the extra `atomic-fix[lsp]`")
    assert done.stderr.count("\n") == 1


TEXTS = st.lists(st.sampled_from(["a", "b", "é", "🗄", "\n", "\r\n"]), max_size=12).map("".join)


@given(TEXTS, TEXTS)
def test_the_one_edit_of_fix_all_leads_to_the_new_text(old: str, new: str) -> None:
    source = Source("a.py", old, "utf-8", bom=False)
    codec = PositionCodec(types.PositionEncodingKind.Utf32)
    document = TextDocument("file:///a.py", old, position_codec=codec)
    imports = HelperImports(Resolver({}))
    checked = CheckedDocument(document, source, None, FileResult("a.py"), imports)
    found = checked.edit_to(new)
    assert found is not None
    assert found.changes is not None
    (edit,) = found.changes[document.uri]
    assert isinstance(edit, types.TextEdit)

    def offset(position: types.Position) -> int:
        return source.line_starts[position.line] + position.character

    start, end = offset(edit.range.start), offset(edit.range.end)
    assert old[:start] + edit.new_text + old[end:] == new


def test_a_changed_configuration_holds_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(SAVER)
    watching = types.WorkspaceClientCapabilities(
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(
            dynamic_registration=True
        )
    )

    async def work(editor: Editor) -> None:
        (registration,) = await asyncio.wait_for(editor.registered.get(), 60)
        assert registration.method == "workspace/didChangeWatchedFiles"
        assert "atomic-fix.toml" in str(registration.register_options)
        assert "pyproject.toml" in str(registration.register_options)
        assert [each.code for each in await editor.open(path, SAVER)] == ["ATF101"]
        configuration = tmp_path / "atomic-fix.toml"
        configuration.write_text('ignore = ["ATF1"]\n')
        change = types.FileEvent(configuration.as_uri(), types.FileChangeType.Created)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        assert await editor.diagnostics() == []

    in_editor(work, tmp_path, workspace=watching)
