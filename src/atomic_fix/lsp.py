"""`atomic-fix-lsp`: the same findings and repairs in an editor, over standard input and output.

Needs the extra `atomic-fix[lsp]`. Whoever changes a document gets its findings as diagnostics;
a diagnostic has the page of its rule as hover, its repair as quick fix, and all safe repairs
together as `source.fixAll.atomic-fix`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atomic_fix import __version__
from atomic_fix.check import UNREADABLE, unreadable_finding
from atomic_fix.finding import Applicability, Edit, Finding, Span
from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY, rewrite
from atomic_fix.rules import RULES
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.one_file import told
from atomic_fix.settings import ConfigError, Resolver, Settings
from atomic_fix.source import Source, Unreadable

try:
    from lsprotocol import types
    from pygls.lsp.server import LanguageServer
    from pygls.workspace import TextDocument
except ImportError as error:
    sys.exit(f"atomic-fix-lsp needs the extra `atomic-fix[lsp]`: {error}")

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.atomic-fix"

_PAGES = {rule.code: f"# {rule.name} ({rule.code})\n\n{rule.page.strip()}\n" for rule in RULES}


@dataclass(frozen=True)
class _Checked:
    """One state of a document. `count_units` measures text as the editor does: most count
    UTF-16 units, and our columns are characters."""

    source: Source
    findings: tuple[Finding, ...]
    find: Callable[[Source], Sequence[Finding]]
    count_units: Callable[[str], int]

    def range_of(self, span: Span) -> types.Range:
        start, end = (
            types.Position(
                position.row - 1,
                self.count_units(self.source.line(position.row)[: position.column - 1]),
            )
            for position in (span.start, span.end)
        )
        return types.Range(start, end)

    def diagnostic(self, finding: Finding) -> types.Diagnostic:
        return types.Diagnostic(
            range=self.range_of(finding.span),
            message=finding.message,
            severity=(
                types.DiagnosticSeverity.Error
                if finding.code == UNREADABLE
                else types.DiagnosticSeverity.Warning
            ),
            code=finding.code,
            source="atomic-fix",
        )

    def meeting(self, place: types.Range) -> list[Finding]:
        """The findings that share a place, at least a border, with a range."""

        def key(position: types.Position) -> tuple[int, int]:
            return position.line, position.character

        met = []
        for finding in self.findings:
            own = self.range_of(finding.span)
            if key(own.start) <= key(place.end) and key(place.start) <= key(own.end):
                met.append(finding)
        return met

    def text_edit(self, edit: Edit) -> types.TextEdit:
        text = edit.text.replace("\n", self.source.newline)
        return types.TextEdit(self.range_of(edit.span), text)

    def edit_to(self, new: str) -> types.TextEdit:
        """The one edit that makes the text `new`: of what differs, so that cursors stay."""
        old = self.source.text
        limit = min(len(old), len(new))
        start = next((i for i in range(limit) if old[i] != new[i]), limit)
        # Not between the two characters of a line end.
        while start and old[start - 1] == "\r":
            start -= 1
        limit -= start
        end = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
        while end and old[len(old) - end] == "\n":
            end -= 1
        span = Span(self.source.position(start), self.source.position(len(old) - end))
        return types.TextEdit(self.range_of(span), new[start : len(new) - end])


class _Server(LanguageServer):
    """Holds no state of its own between requests: documents are pygls's, settings are read
    anew, so that a changed configuration holds at the next keystroke."""

    def checked(self, uri: str) -> _Checked:
        document = self.workspace.get_text_document(uri)
        source = Source(document.path, document.source, "utf-8", bom=False)
        settings = _settings(document)

        def find(text: Source) -> tuple[Finding, ...]:
            if isinstance(settings, Unreadable):
                return (unreadable_finding(settings),)
            return told(text, settings, Narrowing())

        return _Checked(source, find(source), find, document.position_codec.client_num_units)

    def publish(self, uri: str) -> None:
        checked = self.checked(uri)
        document = self.workspace.get_text_document(uri)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri, [checked.diagnostic(each) for each in checked.findings], document.version
            )
        )


def _settings(document: TextDocument) -> Settings | Unreadable:
    folder = document.path.replace("\\", "/").rpartition("/")[0]
    try:
        return Resolver({}).for_folder(folder or ".")
    except ConfigError as error:
        return Unreadable(document.path, str(error))


def server() -> LanguageServer:
    """The language server, not yet started."""
    # Whole texts: pygls splits lines at form feeds too, and would apply changes elsewhere.
    ls = _Server("atomic-fix", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)

    @ls.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        ls.publish(params.text_document.uri)

    @ls.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        ls.publish(params.text_document.uri)

    @ls.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        ls.publish(params.text_document.uri)

    @ls.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        ls.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(params.text_document.uri, [])
        )

    @ls.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        checked = ls.checked(params.text_document.uri)
        for finding in checked.meeting(types.Range(params.position, params.position)):
            if finding.code in _PAGES:
                page = types.MarkupContent(types.MarkupKind.Markdown, _PAGES[finding.code])
                return types.Hover(page, checked.range_of(finding.span))
        return None

    @ls.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        checked = ls.checked(params.text_document.uri)
        uri = params.text_document.uri
        actions = []
        if _wanted(types.CodeActionKind.QuickFix.value, params):
            actions += _quick_fixes(checked, uri, params.range)
        if _wanted(FIX_ALL, params):
            actions += _fix_all(checked, uri)
        return actions

    return ls


def _wanted(kind: str, params: types.CodeActionParams) -> bool:
    """Whether the editor asks for actions of this kind: kinds are prefixes, part by part."""
    only = params.context.only
    return only is None or any(f"{kind}.".startswith(f"{_text(each)}.") for each in only)


def _text(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _quick_fixes(checked: _Checked, uri: str, place: types.Range) -> list[types.CodeAction]:
    actions = []
    for finding in checked.meeting(place):
        fix = finding.fix
        if fix is None or fix.applicability not in SAFE_AND_UNSAFE:
            continue
        actions.append(
            types.CodeAction(
                title=f"{finding.code}: {fix.title}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[checked.diagnostic(finding)],
                # An editor may apply the preferred one without asking.
                is_preferred=fix.applicability is Applicability.SAFE,
                edit=types.WorkspaceEdit({uri: [checked.text_edit(each) for each in fix.edits]}),
            )
        )
    return actions


def _fix_all(checked: _Checked, uri: str) -> list[types.CodeAction]:
    new = rewrite(checked.source, checked.find, SAFE_ONLY).text
    if new == checked.source.text:
        return []
    return [
        types.CodeAction(
            title="Make all safe repairs of atomic-fix",
            kind=FIX_ALL,
            edit=types.WorkspaceEdit({uri: [checked.edit_to(new)]}),
        )
    ]


def main() -> None:
    """Serve one editor on standard input and output."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"atomic-fix-lsp {__version__}\n")
        return
    if sys.argv[1:] not in ([], ["--stdio"]):
        sys.exit(f"atomic-fix-lsp: unknown argument {sys.argv[1]!r}; it takes none, or --stdio")
    server().start_io()


if __name__ == "__main__":
    main()
