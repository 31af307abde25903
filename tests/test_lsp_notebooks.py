"""Notebooks in an editor: every cell is a document, and the cells are checked as one module."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from atomic_fix.cli import main
from atomic_fix.finding import Cells, FileResult
from atomic_fix.lsp import FIX_ALL, FIX_NOTEBOOK
from atomic_fix.lsp_documents import CellDocument, CheckedNotebook
from atomic_fix.notebook import of_cells
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.settings import Resolver
from atomic_fix.source import Source
from tests.test_lsp import Editor, in_editor
from tests.test_notebook import code, notebook, text_cell

LOAD = """\
import json


def load_state(path):
    try:
        with open(path) as file:
            return json.load(file)
    except json.JSONDecodeError:
        return None"""
SAVE = """\
%matplotlib inline
é = '🗄'; state = {}
with open('state.json', 'w') as file:
    json.dump(state, file)"""
CALL = "state = load_state('state.json')"
TEXTS = ["# Words", LOAD, SAVE, CALL]

SYNCHRONISED = types.NotebookDocumentClientCapabilities(
    types.NotebookDocumentSyncClientCapabilities()
)


class Desk:
    """An editor with one notebook, whose cells are identified by number."""

    def __init__(self, editor: Editor, path: Path) -> None:
        self.editor = editor
        self.uri = path.as_uri()
        self.texts: dict[str, str] = {}
        self.shown: dict[str, list[types.Diagnostic]] = {}

    def cell(self, number: int) -> str:
        return f"vscode-notebook-cell:{self.uri.removeprefix('file:')}#W{number}"

    def item(self, number: int, text: str, language: str = "python") -> types.TextDocumentItem:
        self.texts[self.cell(number)] = text
        return types.TextDocumentItem(self.cell(number), language, 1, text)

    def open(self, *texts: str, language: str = "python") -> None:
        code_kind, markup = types.NotebookCellKind.Code, types.NotebookCellKind.Markup
        kinds = [markup if each.startswith("#") else code_kind for each in texts]
        cells = [types.NotebookCell(kind, self.cell(n)) for n, kind in enumerate(kinds, 1)]
        items = [
            self.item(n, text, language if kind is code_kind else "markdown")
            for n, (text, kind) in enumerate(zip(texts, kinds, strict=True), 1)
        ]
        document = types.NotebookDocument(self.uri, "jupyter-notebook", 1, cells)
        self.editor.notebook_document_did_open(types.DidOpenNotebookDocumentParams(document, items))

    def change(self, change: types.NotebookDocumentCellChanges) -> None:
        self.editor.notebook_document_did_change(
            types.DidChangeNotebookDocumentParams(
                types.VersionedNotebookDocumentIdentifier(2, self.uri),
                types.NotebookDocumentChangeEvent(cells=change),
            )
        )

    def type_in(self, number: int, *changes: types.TextDocumentContentChangePartial) -> None:
        document = types.VersionedTextDocumentIdentifier(2, self.cell(number))
        content = types.NotebookDocumentCellContentChanges(document, list(changes))
        self.change(types.NotebookDocumentCellChanges(text_content=[content]))

    async def codes(self, count: int) -> dict[int, list[object]]:
        """The codes shown in each cell, once `count` cells have got new ones."""
        for _ in range(count):
            params = await asyncio.wait_for(self.editor.latest.get(), 60)
            self.shown[params.uri] = list(params.diagnostics)
        return {
            int(uri.rpartition("#W")[2]): [each.code for each in found]
            for uri, found in sorted(self.shown.items())
        }

    def diagnostic(self, number: int) -> types.Diagnostic:
        (found,) = self.shown[self.cell(number)]
        return found

    async def actions(
        self, number: int, place: types.Range, *kinds: types.CodeActionKind | str
    ) -> list[types.CodeAction]:
        found = await self.editor.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.cell(number)),
                place,
                types.CodeActionContext([], only=list(kinds) or None),
            )
        )
        actions = [each for each in found or [] if isinstance(each, types.CodeAction)]
        assert len(actions) == len(found or [])
        return actions

    def applied(self, action: types.CodeAction) -> list[str]:
        """The texts of all cells after an action."""
        assert action.edit is not None
        assert action.edit.changes is not None
        new = dict(self.texts)
        for uri, edits in action.edit.changes.items():
            cell = CellDocument(uri, new[uri], 1, "python", PositionCodec())
            for edit in edits:
                cell.apply_change(partial(edit.range, edit.new_text))
            new[uri] = cell.source
        return list(new.values())


def partial(place: types.Range, text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(place, text)


def at(row: int, column: int, end_row: int, end_column: int) -> types.Range:
    return types.Range(types.Position(row, column), types.Position(end_row, end_column))


def at_a_desk(
    work: Callable[[Desk], Awaitable[None]],
    folder: Path,
    capabilities: types.TextDocumentClientCapabilities | None = None,
) -> None:
    async def session(editor: Editor) -> None:
        await work(Desk(editor, folder / "train it.ipynb"))

    in_editor(session, folder, capabilities=capabilities, notebooks=SYNCHRONISED)


def by_command(folder: Path, texts: list[str]) -> list[str]:
    """The cells as --write repairs them."""
    cells = [text_cell(each) if each.startswith("#") else code(each) for each in texts]
    path = folder / "by command.ipynb"
    path.write_text(json.dumps(notebook(*cells), indent=1) + "\n")
    result = CliRunner().invoke(main, ["--isolated", "--no-cache", "--write", str(path)])
    assert result.exit_code in (0, 1), result.output
    return ["".join(each["source"]) for each in json.loads(path.read_text())["cells"]]


def test_cells_are_checked_as_one_module(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.open(*TEXTS)
        assert await desk.codes(4) == {1: [], 2: ["ATF201"], 3: ["ATF101"], 4: []}
        found = desk.diagnostic(3)
        assert found.range.start == types.Position(2, 5)
        assert "(cell 2, line " in found.message
        (related,) = found.related_information or ()
        assert related.location.uri == desk.cell(2)
        assert related.location.range.start.line == 5
        hover = await desk.editor.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(desk.cell(3)), found.range.start)
        )
        assert hover is not None
        assert hover.range == found.range
        # The same place in another cell is another place.
        elsewhere = types.HoverParams(types.TextDocumentIdentifier(desk.cell(4)), found.range.start)
        assert await desk.editor.text_document_hover_async(elsewhere) is None

    at_a_desk(work, tmp_path)


def test_repairs_of_a_cell_are_those_of_the_file(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.open(*TEXTS)
        await desk.codes(4)
        place = desk.diagnostic(3).range
        fix, disable = await desk.actions(3, place, types.CodeActionKind.QuickFix)
        repaired = desk.applied(fix)
        name = "atomic_write_json"
        assert repaired[1].startswith(f"import json\n\nfrom atomic_fix.runtime import {name}\n")
        assert repaired[2].startswith("%matplotlib inline\né = '🗄'; state = {}\n" + name)
        assert desk.applied(disable) == [
            *TEXTS[:2], SAVE.replace("file:", "file:  # noqa: ATF101"), CALL
        ]  # fmt: skip
        # Editors ask for these once per cell and would make the repairs as many times.
        for kind in (FIX_ALL, types.CodeActionKind.SourceFixAll, types.CodeActionKind.Source):
            assert await desk.actions(3, place, kind) == []
        for kind in (FIX_NOTEBOOK, "notebook.source.fixAll", "notebook"):
            (fix_all,) = await desk.actions(1, at(0, 0, 0, 0), kind)
            assert fix_all.kind == FIX_NOTEBOOK
        assert desk.applied(fix_all) == by_command(tmp_path, TEXTS) != TEXTS

    at_a_desk(work, tmp_path)


def test_a_change_that_belongs_to_no_single_cell_is_not_offered() -> None:
    source = of_cells({1: "!ls", 3: "x = 1", 4: "y = 2"}, "a.ipynb")
    documents = {n: CellDocument(f"cell:{n}", "", 1, "python", PositionCodec()) for n in (1, 3, 4)}
    checked = CheckedNotebook(
        documents[1], source, None, FileResult("a.ipynb"), HelperImports(Resolver({})), None,
        documents,
    )  # fmt: skip
    assert checked.edit_to("pass\nx = 3\ny = 2\n") is not None
    wrong = {
        "passed\nx = 1\ny = 2\n": "a row in IPython syntax",
        "print()\n": "would change|too many",
    }
    for new, why in wrong.items():
        assert checked.edit_to(new) is None
        with pytest.raises(
            ValueError, match=why
        ):  # which keeps the repair from being offered at all
            source.encode(new)


def test_the_cells_of_a_repaired_notebook_begin_where_their_text_does() -> None:
    source = of_cells({1: "!ls", 3: "x = 1", 4: "y = 2"}, "a.ipynb")
    changed = replace(source, text="pass\nimport z\nx = 1\ny = 3\n")
    assert changed.cells == Cells((1, 3, 4), (1, 3, 4))
    assert replace(source, text="print()\n").cells == source.cells


def test_diagnostics_follow_the_cells(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.open(*TEXTS)
        await desk.codes(4)
        # Columns count UTF-16 units, and a form feed ends no line.
        wide = partial(at(1, 9, 1, 9), " # a\fb")
        desk.type_in(3, wide, partial(at(2, 37, 2, 37), "  # noqa: ATF101"))
        assert (await desk.codes(4))[3] == []
        desk.type_in(3, partial(at(2, 37, 2, 60), ""))
        assert (await desk.codes(4))[3] == ["ATF101"]
        # A new first cell, which is typed in at once, moves everything down.
        new = types.NotebookCell(types.NotebookCellKind.Code, desk.cell(5))
        desk.change(
            types.NotebookDocumentCellChanges(
                structure=types.NotebookDocumentCellChangeStructure(
                    types.NotebookCellArrayChange(0, 0, [new]), [desk.item(5, "x = 1\n")]
                ),
                text_content=[
                    types.NotebookDocumentCellContentChanges(
                        types.VersionedTextDocumentIdentifier(2, desk.cell(5)),
                        [partial(at(1, 0, 1, 0), "y = (")],
                    )
                ],
            )
        )
        assert await desk.codes(5) == {1: [], 2: [], 3: [], 4: [], 5: ["ATF000"]}
        assert desk.diagnostic(5).range.start.line == 1
        desk.type_in(5, partial(at(1, 5, 1, 5), ")"))
        assert (await desk.codes(5))[3] == ["ATF101"]
        assert "(cell 3, line " in desk.diagnostic(3).message
        # What is gone is cleared, and its findings with it.
        desk.change(
            types.NotebookDocumentCellChanges(
                structure=types.NotebookDocumentCellChangeStructure(
                    types.NotebookCellArrayChange(2, 1),
                    [],
                    [types.TextDocumentIdentifier(desk.cell(2))],
                )
            )
        )
        found = await desk.codes(5)
        assert found[2] == []
        desk.editor.notebook_document_did_close(
            types.DidCloseNotebookDocumentParams(
                types.NotebookDocumentIdentifier(desk.uri),
                [types.TextDocumentIdentifier(desk.cell(number)) for number in (5, 1, 3, 4)],
            )
        )
        assert set(map(len, (await desk.codes(4)).values())) == {0}

    at_a_desk(work, tmp_path)


def test_an_editor_that_asks_gets_the_findings_of_each_cell(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.open(*TEXTS)
        for number, codes in enumerate(([], ["ATF201"], ["ATF101"], []), 1):
            report = await desk.editor.text_document_diagnostic_async(
                types.DocumentDiagnosticParams(types.TextDocumentIdentifier(desk.cell(number)))
            )
            assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
            assert [each.code for each in report.items] == codes
        assert desk.editor.latest.empty()

    asks = types.TextDocumentClientCapabilities(diagnostic=types.DiagnosticClientCapabilities())
    at_a_desk(work, tmp_path, asks)


def test_cells_in_other_languages_are_no_part_of_the_module(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        desk.open(*TEXTS, language="r")
        assert set(map(len, (await desk.codes(4)).values())) == {0}

    at_a_desk(work, tmp_path)


def test_settings_apply_to_notebooks_and_a_wrong_file_is_reported_in_the_first_cell(
    tmp_path: Path,
) -> None:
    path = tmp_path / "atomic-fix.toml"
    path.write_text('ignore = ["ATF201"]\n')

    async def work(desk: Desk) -> None:
        desk.open(*TEXTS)
        assert await desk.codes(4) == {1: [], 2: [], 3: ["ATF101"], 4: []}
        path.write_text("nothing = 1\n")
        desk.type_in(4, partial(at(0, 0, 0, 0), " "))
        assert await desk.codes(4) == {1: [], 2: ["ATF000"], 3: [], 4: []}

    at_a_desk(work, tmp_path)


def test_line_ends_of_windows_stay(tmp_path: Path) -> None:
    texts = [each.replace("\n", "\r\n") for each in TEXTS]

    async def work(desk: Desk) -> None:
        desk.open(*texts)
        assert await desk.codes(4) == {1: [], 2: ["ATF201"], 3: ["ATF101"], 4: []}
        (fix_all,) = await desk.actions(1, at(0, 0, 0, 0), FIX_NOTEBOOK)
        expected = by_command(tmp_path, TEXTS)
        assert desk.applied(fix_all) == [each.replace("\n", "\r\n") for each in expected]

    at_a_desk(work, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-32"])
@given(data=st.data())
def test_typing_changes_a_cell_as_it_changes_the_text(encoding: str, data: st.DataObject) -> None:
    texts = st.text(st.sampled_from("aé🗄\n\r\f\u2028 "), max_size=12)
    old, typed = data.draw(texts), data.draw(texts)
    codec = PositionCodec(encoding)
    source = Source("", old, "utf-8", bom=False)
    # The two characters of a line end are not divided.
    offsets = [n for n in range(len(old) + 1) if old[max(n - 1, 0) : n + 1] != "\r\n"]
    start, end = sorted(data.draw(st.sampled_from(offsets)) for _ in range(2))

    def position(offset: int) -> types.Position:
        where = source.position(offset)
        before = source.text[source.line_starts[where.row - 1] : offset]
        return types.Position(where.row - 1, codec.client_num_units(before))

    cell = CellDocument("", old, 1, "python", codec)
    cell.apply_change(partial(types.Range(position(start), position(end)), typed))
    assert cell.source == old[:start] + typed + old[end:]
