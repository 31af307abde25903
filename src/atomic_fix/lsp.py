"""`atomic-fix-lsp`: the same findings and repairs in an editor, over standard input and output.

Needs the extra `atomic-fix[lsp]`. Findings of a changed document are pushed as diagnostics, or
pulled by the editor. A diagnostic has the page of its rule as hover, and its repair and a comment
that disables it as quick fixes; all safe repairs together are `source.fixAll.atomic-fix`.

Initialization options: `settings` has configuration keys that override the files, as in
`{"settings": {"min-confidence": 0.7}}`, and `configuration` names a file to use for every document.
"""

import asyncio
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from atomic_fix import __version__
from atomic_fix.facts.outside import FileSlice
from atomic_fix.finding import (
    Applicability,
    Edit,
    FileResult,
    Finding,
    Fix,
    RelatedLocation,
    Span,
    Unreadable,
    listed,
)
from atomic_fix.report import one_per_call, page_url, paragraph, severity_of
from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY
from atomic_fix.rules import RULES
from atomic_fix.run import disk, store
from atomic_fix.run.fix_policy import Apply, OnMissing
from atomic_fix.run.helper_import import HelperImports, Missing
from atomic_fix.run.indexing import Indexing
from atomic_fix.run.one_file import Repair, change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import ConfigError, Resolver, Settings, merge
from atomic_fix.source import Source, decode
from atomic_fix.suppress import add_noqa

try:
    from lsprotocol import types
    from pygls import uris
    from pygls.lsp.server import LanguageServer
    from pygls.workspace import TextDocument
except ImportError as error:
    sys.exit(f"atomic-fix-lsp needs the extra `atomic-fix[lsp]`: {error}")

FIX_ALL = types.CodeActionKind.SourceFixAll + ".atomic-fix"

_KEBAB = re.compile("[A-Z]")
_PAGES = {rule.code: f"# {rule.name} ({rule.code})\n\n{rule.page.strip()}\n" for rule in RULES}


@dataclass(frozen=True)
class _Checked:
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

    def range_of(self, span: Span) -> types.Range:
        # Most editors count UTF-16 units, while our columns count characters.
        count_units = self.document.position_codec.client_num_units
        start, end = (
            types.Position(
                position.row - 1,
                count_units(self.source.line(position.row)[: position.column - 1]),
            )
            for position in (span.start, span.end)
        )
        return types.Range(start, end)

    @property
    def diagnostics(self) -> list[types.Diagnostic]:
        return list(map(self.diagnostic, self.findings))

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
            return types.Location(self.document.uri, self.range_of(related.span))
        # The text of another file is not available, so characters are used as the editor's units.
        start, end = (
            types.Position(each.row - 1, each.column - 1)
            for each in (related.span.start, related.span.end)
        )
        uri = uris.from_fs_path(os.path.abspath(related.path))  # noqa: PTH100
        return types.Location(uri or related.path, types.Range(start, end))

    def meeting(self, place: types.Range, shown: Iterable[types.Diagnostic] = ()) -> list[Finding]:
        """The findings that overlap or touch a range, or are among the diagnostics that an editor
        shows there: for some editors, these are all diagnostics of the line."""
        named = [(each.code, each.range) for each in shown if each.source == "atomic-fix"]
        return [
            finding
            for finding in self.findings
            for own in [self.range_of(finding.span)]
            if (own.start <= place.end and place.start <= own.end) or (finding.code, own) in named
        ]

    def edit(self, edits: Iterable[types.TextEdit]) -> types.WorkspaceEdit:
        return types.WorkspaceEdit({self.document.uri: list(edits)})

    def text_edit(self, edit: Edit) -> types.TextEdit:
        text = edit.text.replace("\n", self.source.newline)
        return types.TextEdit(self.range_of(edit.span), text)

    def edit_to(self, new: str) -> types.TextEdit:
        """The single edit that changes the text to `new`. It covers only the difference, so that
        cursors stay."""
        old = self.source.text
        limit = min(len(old), len(new))
        start = next((i for i in range(limit) if old[i] != new[i]), limit)
        # Do not split the two characters of a line end.
        while start and old[start - 1] == "\r":
            start -= 1
        limit -= start
        end = next((i for i in range(limit) if old[-1 - i] != new[-1 - i]), limit)
        while end and old[-end] == "\n" and "\r" in (old[-end - 1 :][:1], new[-end - 1 :][:1]):
            end -= 1
        span = Span(self.source.position(start), self.source.position(len(old) - end))
        return types.TextEdit(self.range_of(span), new[start : len(new) - end])


_FEW = 20
"""Files that may have changed while a project was linked."""


class _Projects:
    """The project indexes of the files on disk. A separate process links each project and stores
    the index in the cache, so that no editor waits for it."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[
            tuple[str, Resolver, Sequence[str], Callable[[], object]]
        ] = queue.SimpleQueue()
        self._linked: dict[str, Indexing] = {}
        self._thread: threading.Thread | None = None

    def update(
        self,
        path: str,
        resolver: Resolver,
        arguments: Sequence[str],
        then: Callable[[], object],
    ) -> None:
        """Link the project of a file in the background, with the settings of `resolver`;
        `arguments` are the equivalent command-line options. `then` is called from another thread if
        the index has evidence about the file."""
        self._wanted.put((path, resolver, arguments, then))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def said_of(self, path: str, source: Source) -> FileSlice | None:
        """The evidence in other files about one file, as far as it is known; None if there is
        none."""
        indexing = self._linked.get(path)
        said = indexing.slice_of(path) if indexing is not None else None
        if said is None:
            return None
        content = disk.read(path)
        saved = decode(content, path) if isinstance(content, bytes) else content
        if isinstance(saved, Unreadable):
            return None
        from atomic_fix.project.moved import moved

        return said if saved.text == source.text else moved(said, saved.lines, source.lines)

    def _work(self) -> None:
        while True:
            path, resolver, arguments, then = self._wanted.get()
            with suppress(Exception):  # the findings of the file alone are still reported
                indexing = _linked_elsewhere(path, resolver, arguments)
                said = indexing.slice_of(path)
                before = self._linked.get(path)
                if said != (before.slice_of(path) if before is not None else None):
                    self._linked[path] = indexing
                    then()


def _linked_elsewhere(path: str, resolver: Resolver, arguments: Sequence[str]) -> Indexing:
    """Link the project of a file by running the command, in which the time limit per file
    applies."""
    program = (
        f"import sys; sys.path[:] = {[each for each in sys.path if each]!r}; "
        "from atomic_fix.cli import main; main()"
    )
    # Isolated, so that no module of the project is run, whatever the current folder is.
    options = [*arguments, "--output-format", "json"]
    command = [sys.executable, "-I", "-c", program, *options, "--", path]
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, check=False)
    indexing = Indexing(resolver, (), store.default_folder())
    place = indexing.place(path)
    if place is not None and len(place[0].stale) > _FEW:
        raise ValueError("the cache cannot be used")
    # A file that has just been saved is read again to check that it is unchanged.
    indexing.update_project_of(path)
    indexing.is_closed = True
    return indexing


def _toml(value: object) -> str:
    """A value of the JSON initialization options as TOML."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(name))} = {_toml(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value)


def _options_of(given: Any) -> dict[str, object]:
    """The configuration keys in the initialization options, which have them under `settings` or at
    the top.

    Raises:
        ConfigError: the options have another form.
    """
    around = dict(given) if isinstance(given, dict) else {"settings": given}
    options = around.pop("settings", {})
    if not isinstance(options, dict):
        raise ConfigError(f"option: `settings` must be an object, not {options!r}")
    # Editors like `minConfidence`, and the configuration has `min-confidence`.
    return {
        _KEBAB.sub(r"-\g<0>", name).lower(): each for name, each in {**around, **options}.items()
    }


class _Server(LanguageServer):
    """Keeps nothing between requests except the messages it has shown and the project indexes.
    pygls holds the documents, and settings are read again, so that a changed configuration takes
    effect at the next keystroke."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._said: set[str] = set()
        self._options: dict[str, object] = {}
        self._configuration = ""
        self._wrong_options = ""
        self._projects = _Projects()

    def configure(self, given: Any, root: str) -> None:
        """Apply the initialization options, or record why they cannot be used. Relative paths are
        relative to `root`."""
        if given is None:
            return
        try:
            options = _options_of(given)
            named = options.pop("configuration", "")
            if not isinstance(named, str):
                raise ConfigError("option: `configuration` must be a path")
            named = named and os.path.join(root, os.path.expanduser(named))  # noqa: PTH111, PTH118
            Resolver(options, named)
            merge(Settings(), options, "option")
        except ConfigError as error:
            self._wrong_options = f"atomic-fix leaves out the settings of this editor: {error}"
        else:
            self._options, self._configuration = options, named

    def say_what_is_wrong(self) -> None:
        if self._wrong_options:
            self.say(self._wrong_options)

    def asks(self) -> bool:
        """Whether the editor pulls diagnostics, so that they must not be pushed."""
        document = self.client_capabilities.text_document
        return document is not None and document.diagnostic is not None

    def checked(self, uri: str) -> _Checked | None:
        """None for a document that is not open: pygls would read it, and block on a pipe."""
        document = self.workspace.get_text_document(uri)
        if all(document is not each for each in self.workspace.text_documents.values()):
            return None
        source = Source(document.path, document.source, "utf-8", bom=False)
        try:
            resolver = Resolver(self._options, self._configuration)
        except ConfigError as error:
            return self._unusable(document, source, error)
        imports = HelperImports(resolver)
        try:
            settings = resolver.for_file(document.path)
        except ConfigError as error:
            return self._unusable(document, source, error)
        outside = self._projects.said_of(document.path, source) if settings.project else None
        result = check_file(source, document.path, settings, ReportFilter(), outside=outside)
        result = replace(result, findings=one_per_call(result.findings))
        return _Checked(document, source, settings, result, imports, outside)

    @staticmethod
    def _unusable(document: TextDocument, source: Source, error: ConfigError) -> _Checked:
        result = FileResult(document.path, problem=Unreadable(document.path, str(error)))
        return _Checked(document, source, None, result, HelperImports(Resolver({})))

    def say_once(self, missing: Missing) -> None:
        """Show the user why repairs were left out, once per reason, since editors ask for all
        repairs on every save."""
        message = f"atomic-fix leaves out repairs: {missing.message}; {missing.advice}"
        if message not in self._said:
            self._said.add(message)
            self.say(message)

    def say(self, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def update_project_of(self, uri: str) -> None:
        """Link the project of a document, and update the diagnostics of all open documents."""
        loop = asyncio.get_running_loop()
        others = [each for each in self.workspace.text_documents if each != uri]
        for each in (uri, *others):
            path = self.workspace.get_text_document(each).path
            with suppress(ConfigError):
                resolver = Resolver(self._options, self._configuration)
                if path is not None and resolver.for_file(path).project:
                    renew = partial(loop.call_soon_threadsafe, self.renew, each)
                    self._projects.update(path, resolver, self._arguments(), renew)

    def _arguments(self) -> list[str]:
        """The command-line options equivalent to the editor's settings."""
        files = [f"--config={self._configuration}"] if self._configuration else []
        return files + [f"--config={name} = {_toml(x)}" for name, x in self._options.items()]

    def watch_configuration(self) -> None:
        """Ask the editor to notify the server of changed configuration files, if it can."""
        workspace = self.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace is not None else None
        if watching is None or not watching.dynamic_registration:
            return
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        patterns = ["**/atomic-fix.toml", "**/pyproject.toml"]
        options = types.DidChangeWatchedFilesRegistrationOptions(
            [types.FileSystemWatcher(each) for each in patterns]
        )
        registration = types.Registration("atomic-fix configuration", method, options)
        self.client_register_capability(types.RegistrationParams([registration]))

    def renew_all(self) -> None:
        """Update all documents after a change of the configuration."""
        for uri in self.workspace.text_documents:
            self.renew(uri)
            self.update_project_of(uri)

    def renew(self, uri: str) -> None:
        """Make the editor show the current findings, by a push or by asking it to pull."""
        workspace = self.client_capabilities.workspace
        if not self.asks():
            self.publish(uri)
            return
        supported = workspace.diagnostics if workspace is not None else None
        if supported is not None and supported.refresh_support:
            self.workspace_diagnostic_refresh(None)

    def publish(self, uri: str) -> None:
        checked = None if self.asks() else self.checked(uri)
        if checked is not None:
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri, checked.diagnostics, checked.document.version)
            )


def server() -> _Server:
    """The language server, not yet started."""
    # Whole texts: pygls splits lines at form feeds too, and would apply changes elsewhere.
    ls = _Server("atomic-fix", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)

    @ls.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        uri = params.workspace_folders[0].uri if params.workspace_folders else params.root_uri
        ls.configure(params.initialization_options, (uri and uris.to_fs_path(uri)) or "")

    @ls.feature(types.INITIALIZED)
    def initialized(_params: types.InitializedParams) -> None:
        # Before this notification, the server must not send messages or requests.
        ls.say_what_is_wrong()
        ls.watch_configuration()

    @ls.feature(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        types.DiagnosticOptions(
            inter_file_dependencies=True, workspace_diagnostics=False, identifier="atomic-fix"
        ),
    )
    def diagnostics(params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        checked = ls.checked(params.text_document.uri)
        return types.RelatedFullDocumentDiagnosticReport(
            checked.diagnostics if checked is not None else []
        )

    @ls.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        ls.publish(params.text_document.uri)

    @ls.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @ls.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidOpenTextDocumentParams | types.DidSaveTextDocumentParams) -> None:
        ls.publish(params.text_document.uri)
        ls.update_project_of(params.text_document.uri)

    @ls.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def configured(_params: types.DidChangeWatchedFilesParams) -> None:
        ls.renew_all()

    @ls.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        if ls.asks():
            return
        ls.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(params.text_document.uri, [])
        )

    @ls.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        checked = ls.checked(params.text_document.uri)
        if checked is None:
            return None
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
        actions: list[types.CodeAction] = []
        if checked is None:
            return actions
        if _wanted(types.CodeActionKind.QuickFix, params):
            actions += _quick_fixes(checked, params)
        if _wanted(FIX_ALL, params):
            repair = _safe_repair(checked)
            actions += _fix_all(checked, repair)
            if repair is not None and repair.missing is not None and repair.missing.is_setup:
                ls.say_once(repair.missing)
        return actions

    return ls


def _wanted(kind: str, params: types.CodeActionParams) -> bool:
    """Whether the editor asks for actions of this kind: kinds are prefixes, part by part."""
    only = params.context.only
    return only is None or any((kind + ".").startswith(each + ".") for each in only)


def _quick_fixes(checked: _Checked, params: types.CodeActionParams) -> list[types.CodeAction]:
    actions = []
    for finding in checked.meeting(params.range, params.context.diagnostics):
        for fix in _offered(finding):
            if fix.applicability not in SAFE_AND_UNSAFE:
                continue
            title = f"{finding.code}: {fix.title}"
            missing = checked.imports.missing(checked.source, replace(finding, fix=fix))
            if missing is not None and not missing.is_setup:
                continue  # nothing the user can do makes this repair possible in this file
            if missing is not None:
                title += f" (cannot be imported yet: `{missing.module}`)"
            actions.append(
                types.CodeAction(
                    title=title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=[checked.diagnostic(finding)],
                    # Editors may apply the preferred action without asking.
                    is_preferred=fix.applicability is Applicability.SAFE and missing is None,
                    edit=checked.edit(checked.text_edit(each) for each in fix.edits),
                )
            )
        actions += _disable(checked, finding)
    return actions


def _disable(checked: _Checked, finding: Finding) -> list[types.CodeAction]:
    """The comment that suppresses a finding, with a placeholder if a reason is required."""
    if checked.settings is None or not checked.result.analysed:
        return []
    reason = "TODO: say why" if checked.settings.require_reason else ""
    try:
        new = add_noqa(checked.source, [finding], reason)
    except ValueError:  # no place for a comment can be found
        return []
    return [
        types.CodeAction(
            title=f"{finding.code}: Disable for this line",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[checked.diagnostic(finding)],
            is_preferred=False,
            edit=checked.edit([checked.edit_to(new)]),
        )
    ]


def _offered(finding: Finding) -> list[Fix]:
    """The repairs of a finding, the preferred one first."""
    found, fix = [], finding.fix
    while fix is not None:
        found.append(fix)
        fix = fix.alternative
    return found


def _safe_repair(checked: _Checked) -> Repair | None:
    if checked.settings is None:
        return None
    policy = Apply(SAFE_ONLY, checked.imports, OnMissing.LEAVE_OUT)
    name = checked.document.path
    return change_file(
        checked.source, name, checked.settings, ReportFilter(), policy, outside=checked.outside
    )


def _fix_all(checked: _Checked, repair: Repair | None) -> list[types.CodeAction]:
    if repair is None or repair.after == repair.before:
        return []
    new = repair.after.decode(checked.source.encoding)
    return [
        types.CodeAction(
            title="Make all safe repairs of atomic-fix",
            kind=FIX_ALL,
            edit=checked.edit([checked.edit_to(new)]),
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
