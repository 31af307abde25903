"""Checked documents in the terms of the Language Server Protocol: files, and notebooks, each of
whose cells is a text document of its own."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import unquote

from lsprotocol import types
from pygls import uris
from pygls.workspace import PositionCodec, TextDocument, Workspace

from atomic_fix.facts.outside import FileSlice
from atomic_fix.finding import Edit, FileResult, Finding, Fix, RelatedLocation, Span, listed
from atomic_fix.notebook import OpenNotebook, of_cells
from atomic_fix.report import page_url, paragraph, severity_of
from atomic_fix.rewrite import SAFE_AND_UNSAFE, apply_fixes
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.settings import Settings
from atomic_fix.source import Source


@dataclass(frozen=True)
class CheckedDocument:
    """One state of a document."""

    document: TextDocument
    source: Source
    settings: Settings | None
    result: FileResult
    imports: HelperImports
    outside: FileSlice | None = None

    @property
    def findings(self) -> Iterable[Finding]:
        """As they are reported: if the document cannot be analysed, a finding says so."""
        return listed(self.result)

    def uri_of(self, span: Span) -> str:
        """The text document that contains a span."""
        del span
        return self.document.uri

    def range_of(self, span: Span) -> types.Range:
        # Most editors count UTF-16 units, while our columns count characters.
        return range_of(self.source, span, self.document.position_codec)

    @property
    def diagnostics(self) -> list[types.Diagnostic]:
        return list(map(self.diagnostic, self.findings))

    def diagnostics_of(self, uri: str) -> list[types.Diagnostic]:
        """Those of one text document."""
        return [
            self.diagnostic(each)
            for each in self.findings
            if unquote(self.uri_of(each.span)) == unquote(uri)
        ]

    def diagnostic(self, finding: Finding) -> types.Diagnostic:
        docs_url = self.settings.docs_url if self.settings is not None else ""
        page = types.CodeDescription(page_url(docs_url, finding.name)) if docs_url else None
        related = [
            types.DiagnosticRelatedInformation(self.location(each), each.message)
            for each in finding.related
        ]
        return types.Diagnostic(
            range=self.range_of(finding.span),
            message=paragraph(finding),
            severity=types.DiagnosticSeverity(severity_of(self.result).lsp),
            code=finding.code,
            code_description=page,
            source="atomic-fix",
            related_information=related or None,
        )

    def location(self, related: RelatedLocation) -> types.Location:
        if not related.path:
            return types.Location(self.uri_of(related.span), self.range_of(related.span))
        # The text of another file is not available, so characters are used as the editor's units.
        start, end = (
            types.Position(each.row - 1, each.column - 1)
            for each in (related.span.start, related.span.end)
        )
        uri = uris.from_fs_path(os.path.abspath(related.path))  # noqa: PTH100
        return types.Location(uri or related.path, types.Range(start, end))

    def meeting(
        self, uri: str, place: types.Range, shown: Iterable[types.Diagnostic] = ()
    ) -> list[Finding]:
        """The findings that overlap or touch a range of a text document, or are among the
        diagnostics that an editor shows there: for some editors, these are all diagnostics of the
        line."""
        named = [(each.code, each.range) for each in shown if each.source == "atomic-fix"]
        return [
            finding
            for finding in self.findings
            for own in [self.range_of(finding.span)]
            if unquote(self.uri_of(finding.span)) == unquote(uri)
            and (
                (own.start <= place.end and place.start <= own.end) or (finding.code, own) in named
            )
        ]

    def edit_of(self, finding: Finding, fix: Fix) -> types.WorkspaceEdit | None:
        """The edit that makes one fix of a finding; None if there is none."""
        del finding
        return types.WorkspaceEdit({self.document.uri: list(map(self.text_edit, fix.edits))})

    def text_edit(self, edit: Edit) -> types.TextEdit:
        text = edit.text.replace("\n", self.source.newline)
        return types.TextEdit(self.range_of(edit.span), text)

    def edit_to(self, new: str) -> types.WorkspaceEdit | None:
        """The edit that changes the text to `new`; None if there is none."""
        edit = difference(self.source, new)
        text_edit = types.TextEdit(self.range_of(edit.span), edit.text)
        return types.WorkspaceEdit({self.document.uri: [text_edit]})


def range_of(source: Source, span: Span, codec: PositionCodec) -> types.Range:
    """A span in the units of the editor."""
    start, end = (
        types.Position(
            position.row - 1,
            codec.client_num_units(source.line(position.row)[: position.column - 1]),
        )
        for position in (span.start, span.end)
    )
    return types.Range(start, end)


def difference(source: Source, new: str) -> Edit:
    """The edit that changes a text to `new`, as it is. It covers only the difference, so that
    cursors stay."""
    old = source.text
    limit = min(len(old), len(new))
    start = next((i for i in range(limit) if old[i] != new[i]), limit)
    # Do not split the two characters of a line end.
    while start and old[start - 1] == "\r":
        start -= 1
    limit -= start
    end = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
    while end and old[-end] == "\n" and "\r" in (old[-end - 1 :][:1], new[-end - 1 :][:1]):
        end -= 1
    span = Span(source.position(start), source.position(len(old) - end))
    return Edit(span, new[start : len(new) - end])


# --- notebooks --------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckedNotebook(CheckedDocument):
    """One state of a notebook, whose code cells are one module."""

    cells: Mapping[int, TextDocument] | None = None
    """The text document of each cell in the module, by the number of the cell."""

    @property
    def _module(self) -> OpenNotebook:
        return cast(OpenNotebook, self.source)

    @property
    def findings(self) -> Iterable[Finding]:
        return listed(self.result) if self.cells else ()

    def _place(self, row: int) -> tuple[int, int]:
        """The cell of a row of the module, and the row within it."""
        cell, here = self._module.own_cells.place(row)
        return (cell, here) if cell else (next(iter(self.cells or ())), row)

    def uri_of(self, span: Span) -> str:
        return (self.cells or {})[self._place(span.start.row)[0]].uri

    def range_of(self, span: Span) -> types.Range:
        cell, start = self._place(span.start.row)
        other, end = self._place(span.end.row)
        found = super().range_of(span)
        if other != cell:  # it ends with its cell
            lines = source_of((self.cells or {})[cell]).lines
            codec = self.document.position_codec
            last = types.Position(len(lines) - 1, codec.client_num_units(lines[-1]))
            return types.Range(types.Position(start - 1, found.start.character), last)
        return types.Range(
            types.Position(start - 1, found.start.character),
            types.Position(end - 1, found.end.character),
        )

    def edit_of(self, finding: Finding, fix: Fix) -> types.WorkspaceEdit | None:
        # A fix may change several cells, or remove rows up to the beginning of the next one.
        alone = [replace(finding, fix=fix)]
        return self.edit_to(apply_fixes(self.source, alone, SAFE_AND_UNSAFE)[0])

    def edit_to(self, new: str) -> types.WorkspaceEdit | None:
        changes: dict[str, Sequence[types.TextEdit]] = {}
        try:
            for cell, rows in self._module.changed_cells(new):
                document = (self.cells or {})[cell]
                old = source_of(document)
                edit = difference(old, old.newline.join(rows))
                place = range_of(old, edit.span, self.document.position_codec)
                changes[document.uri] = [types.TextEdit(place, edit.text)]
        except ValueError:  # it is unclear which cell a change is in
            return None
        return types.WorkspaceEdit(changes)


def source_of(cell: TextDocument) -> Source:
    """The text of a cell."""
    return Source(cell.path or "", cell.source, "utf-8", bom=False)


def module_of(
    notebook: types.NotebookDocument, path: str, workspace: Workspace
) -> tuple[OpenNotebook, dict[int, TextDocument]]:
    """The module made of the Python cells of a notebook, and their documents by the number of the
    cell, counted as in the file."""
    cells = {
        number: document
        for number, cell in enumerate(notebook.cells, 1)
        for document in [workspace.text_documents.get(unquote(cell.document))]
        if cell.kind == types.NotebookCellKind.Code
        and document is not None
        and (document.language_id or "python").lower().startswith(("python", "ipython"))
    }
    texts = {number: "\n".join(source_of(each).lines) for number, each in cells.items()}
    return of_cells(texts, path), cells


class CellDocument(TextDocument):
    """The text of a cell. Its changes are always incremental, whatever is agreed on for files, and
    only `\\n`, `\\r\\n` and `\\r` end a line: pygls also splits lines at form feeds."""

    def __init__(self, uri: str, source: str, version: int | None, language: str | None,
                 codec: PositionCodec) -> None:  # fmt: skip
        super().__init__(uri, source, version, language, position_codec=codec)
        self._text = source

    @property
    def source(self) -> str:
        return self._text

    def apply_change(self, change: Any) -> None:
        if not isinstance(change, types.TextDocumentContentChangePartial):
            self._text = change.text
            return
        source = source_of(self)
        start, end = (
            self._offset(source, position) for position in (change.range.start, change.range.end)
        )
        self._text = self._text[:start] + change.text + self._text[end:]

    def _offset(self, source: Source, position: types.Position) -> int:
        """The offset of an editor's position; positions after the end of a line mean its end."""
        if position.line >= len(source.line_starts):
            return len(self._text)
        line = source.line(position.line + 1)
        column = units = 0
        while column < len(line) and units < position.character:
            units += self.position_codec.client_num_units(line[column])
            column += 1
        return source.line_starts[position.line] + column


def open_cells(workspace: Workspace, items: Iterable[types.TextDocumentItem]) -> None:
    """Replace pygls's documents of cells that were opened."""
    for item in items:
        workspace.text_documents[unquote(item.uri)] = CellDocument(
            item.uri, item.text, item.version, item.language_id, workspace.position_codec
        )


def update_cells(workspace: Workspace, params: types.DidChangeNotebookDocumentParams) -> list[str]:
    """Open the cells that a change adds, which pygls has changed already; return the ones that it
    closes."""
    cells = params.change.cells
    if cells is None or cells.structure is None:
        return []
    opened = cells.structure.did_open or ()
    open_cells(workspace, opened)
    new = {unquote(each.uri) for each in opened}
    for text in cells.text_content or ():
        if unquote(text.document.uri) in new:
            for change in text.changes:
                workspace.update_text_document(text.document, change)
    return [each.uri for each in cells.structure.did_close or ()]
