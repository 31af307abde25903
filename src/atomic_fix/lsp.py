"""`atomic-fix-lsp`: the same findings and repairs in an editor, over standard input and output.

Needs the extra `atomic-fix[lsp]`. Findings of a changed document are pushed as diagnostics, or
pulled by the editor. A diagnostic has the page of its rule as hover, and its repair and a comment
that disables it as quick fixes; all safe repairs together are `source.fixAll.atomic-fix`. The code
cells of a notebook are checked as one module; all its safe repairs together are
`notebook.source.fixAll.atomic-fix`.

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
from dataclasses import replace
from functools import partial
from typing import Any

from atomic_fix import __version__
from atomic_fix.facts.outside import FileSlice
from atomic_fix.finding import Applicability, FileResult, Finding, Fix, Unreadable
from atomic_fix.report import one_per_call
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

    from atomic_fix.lsp_documents import (
        CheckedDocument,
        CheckedNotebook,
        module_of,
        open_cells,
        update_cells,
    )
except ImportError as error:
    sys.exit(f"atomic-fix-lsp needs the extra `atomic-fix[lsp]`: {error}")

FIX_ALL = types.CodeActionKind.SourceFixAll + ".atomic-fix"
FIX_NOTEBOOK = f"notebook.{FIX_ALL}"
"""For notebooks: editors ask for other source actions once per cell, and apply all answers."""

_KEBAB = re.compile("[A-Z]")
_PAGES = {rule.code: f"# {rule.name} ({rule.code})\n\n{rule.page.strip()}\n" for rule in RULES}


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
    """Keeps nothing between requests except the messages it has shown, the project indexes and the
    latest results of notebooks.
    pygls holds the documents, and settings are read again, so that a changed configuration takes
    effect at the next keystroke."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._said: set[str] = set()
        self._options: dict[str, object] = {}
        self._configuration = ""
        self._wrong_options = ""
        self._projects = _Projects()
        self._results: dict[str, tuple[object, FileResult]] = {}

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

    def checked(self, uri: str) -> CheckedDocument | None:
        """The current state of a document, or of the notebook that has it as a cell. None for a
        document that is not open: pygls would read it, and block on a pipe."""
        notebook = self.workspace.get_notebook_document(
            notebook_uri=uri
        ) or self.workspace.get_notebook_document(cell_uri=uri)
        if notebook is not None:
            return self._checked_notebook(notebook)
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
        return CheckedDocument(document, source, settings, result, imports, outside)

    def _checked_notebook(self, notebook: types.NotebookDocument) -> CheckedNotebook:
        codec = self.workspace.position_codec
        document = TextDocument(notebook.uri, "", notebook.version, position_codec=codec)
        source, cells = module_of(notebook, document.path, self.workspace)
        try:
            resolver = Resolver(self._options, self._configuration)
            settings = resolver.for_file(document.path)
        except ConfigError as error:
            wrong = self._unusable(document, source, error)
            return CheckedNotebook(document, source, None, wrong.result, wrong.imports, None, cells)
        # An editor asks for each cell, and the answer is that for the notebook.
        key = source.text, settings
        known, result = self._results.get(notebook.uri, (None, None))
        if result is None or known != key:
            result = check_file(source, document.path, settings, ReportFilter())
            result = replace(result, findings=one_per_call(result.findings))
            self._results[notebook.uri] = key, result
        return CheckedNotebook(
            document, source, settings, result, HelperImports(resolver), None, cells
        )

    def publish_notebook(self, uri: str, closed: Iterable[str] = ()) -> None:
        """Push the findings of every cell of a notebook, and none for cells that were closed."""
        if self.asks():
            return
        notebook = self.workspace.get_notebook_document(notebook_uri=uri)
        checked = self.checked(uri) if notebook is not None else None
        cells = [each.document for each in notebook.cells] if notebook is not None else []
        for cell in [*(each for each in closed if each not in cells), *cells]:
            found = checked.diagnostics_of(cell) if checked is not None and cell in cells else []
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(cell, found))

    def forget(self, uri: str) -> None:
        """Drop what is known about a notebook."""
        self._results.pop(uri, None)

    @staticmethod
    def _unusable(document: TextDocument, source: Source, error: ConfigError) -> CheckedDocument:
        result = FileResult(document.path, problem=Unreadable(document.path, str(error)))
        return CheckedDocument(document, source, None, result, HelperImports(Resolver({})))

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
        others = [each for each in self._files if each != uri]
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

    @property
    def _files(self) -> list[str]:
        """The open documents that are not cells of a notebook."""
        workspace = self.workspace
        return [
            uri
            for uri in workspace.text_documents
            if workspace.get_notebook_document(cell_uri=uri) is None
        ]

    def renew_all(self) -> None:
        """Update all documents after a change of the configuration."""
        for uri in self._files:
            self.renew(uri)
            self.update_project_of(uri)
        for uri in self.workspace.notebook_documents:
            self.renew(uri)

    def renew(self, uri: str) -> None:
        """Make the editor show the current findings, by a push or by asking it to pull."""
        workspace = self.client_capabilities.workspace
        if not self.asks():
            if uri in self.workspace.notebook_documents:
                self.publish_notebook(uri)
            else:
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
    ls = _Server(
        "atomic-fix",
        __version__,
        text_document_sync_kind=types.TextDocumentSyncKind.Full,
        # All cells, so that they are counted as in the file.
        notebook_document_sync=types.NotebookDocumentSyncOptions(
            [types.NotebookDocumentFilterWithNotebook("jupyter-notebook")], save=False
        ),
    )

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
            checked.diagnostics_of(params.text_document.uri) if checked is not None else []
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

    @ls.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def notebook_opened(params: types.DidOpenNotebookDocumentParams) -> None:
        open_cells(ls.workspace, params.cell_text_documents)
        ls.publish_notebook(params.notebook_document.uri)

    @ls.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def notebook_changed(params: types.DidChangeNotebookDocumentParams) -> None:
        closed = update_cells(ls.workspace, params)
        ls.publish_notebook(params.notebook_document.uri, closed)

    @ls.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def notebook_closed(params: types.DidCloseNotebookDocumentParams) -> None:
        uri = params.notebook_document.uri
        ls.forget(uri)
        ls.publish_notebook(uri, [each.uri for each in params.cell_text_documents])

    @ls.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        checked = ls.checked(params.text_document.uri)
        if checked is None:
            return None
        for finding in checked.meeting(
            params.text_document.uri, types.Range(params.position, params.position)
        ):
            if finding.code in _PAGES:
                page = types.MarkupContent(types.MarkupKind.Markdown, _PAGES[finding.code])
                return types.Hover(page, checked.range_of(finding.span))
        return None

    @ls.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(
            code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL, FIX_NOTEBOOK]
        ),
    )
    def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        checked = ls.checked(params.text_document.uri)
        actions: list[types.CodeAction] = []
        if checked is None:
            return actions
        if _wanted(types.CodeActionKind.QuickFix, params):
            actions += _quick_fixes(checked, params)
        kind = FIX_NOTEBOOK if isinstance(checked, CheckedNotebook) else FIX_ALL
        if _wanted(kind, params):
            repair = _safe_repair(checked)
            actions += _fix_all(checked, repair, kind)
            if repair is not None and repair.missing is not None and repair.missing.is_setup:
                ls.say_once(repair.missing)
        return actions

    return ls


def _wanted(kind: str, params: types.CodeActionParams) -> bool:
    """Whether the editor asks for actions of this kind: kinds are prefixes, part by part."""
    only = params.context.only
    return only is None or any((kind + ".").startswith(each + ".") for each in only)


def _quick_fixes(
    checked: CheckedDocument, params: types.CodeActionParams
) -> list[types.CodeAction]:
    actions = []
    uri = params.text_document.uri
    for finding in checked.meeting(uri, params.range, params.context.diagnostics):
        for fix in _offered(finding):
            if fix.applicability not in SAFE_AND_UNSAFE:
                continue
            edit = checked.edit_of(finding, fix)
            if edit is None:
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
                    edit=edit,
                )
            )
        actions += _disable(checked, finding)
    return actions


def _disable(checked: CheckedDocument, finding: Finding) -> list[types.CodeAction]:
    """The comment that suppresses a finding, with a placeholder if a reason is required."""
    if checked.settings is None or not checked.result.analysed:
        return []
    reason = "TODO: say why" if checked.settings.require_reason else ""
    try:
        edit = checked.edit_to(add_noqa(checked.source, [finding], reason))
    except ValueError:  # no place for a comment can be found
        return []
    if edit is None:
        return []
    return [
        types.CodeAction(
            title=f"{finding.code}: Disable for this line",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[checked.diagnostic(finding)],
            is_preferred=False,
            edit=edit,
        )
    ]


def _offered(finding: Finding) -> list[Fix]:
    """The repairs of a finding, the preferred one first."""
    found, fix = [], finding.fix
    while fix is not None:
        found.append(fix)
        fix = fix.alternative
    return found


def _safe_repair(checked: CheckedDocument) -> Repair | None:
    if checked.settings is None:
        return None
    policy = Apply(SAFE_ONLY, checked.imports, OnMissing.LEAVE_OUT)
    name = checked.document.path
    return change_file(
        checked.source, name, checked.settings, ReportFilter(), policy, outside=checked.outside
    )


def _fix_all(checked: CheckedDocument, repair: Repair | None, kind: str) -> list[types.CodeAction]:
    if repair is None or repair.after == repair.before:
        return []
    edit = checked.edit_to(repair.after.decode(checked.source.encoding))
    title = "Make all safe repairs of atomic-fix"
    return [types.CodeAction(title=title, kind=kind, edit=edit)] if edit is not None else []


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
