// Stands in for the module `vscode`: what the extension and the client for language servers need to
// start a server, open one document and show its diagnostics. Whatever is not written out here is a
// class without behaviour, or a function that returns something to dispose of.

"use strict";

const { pathToFileURL, fileURLToPath } = require("node:url");

const disposable = { dispose() {} };

class Emitter {
  listeners = new Set();
  event = (listener, self) => {
    const bound = self ? listener.bind(self) : listener;
    this.listeners.add(bound);
    return { dispose: () => this.listeners.delete(bound) };
  };
  fire(value) {
    for (const each of [...this.listeners]) each(value);
  }
  dispose() {
    this.listeners.clear();
  }
}

class Position {
  constructor(line, character) {
    Object.assign(this, { line, character });
  }
}

class Range {
  constructor(start, end, endLine, endCharacter) {
    if (typeof start === "number") {
      [start, end] = [new Position(start, end), new Position(endLine, endCharacter)];
    }
    Object.assign(this, { start, end });
  }
}

class Uri {
  constructor(text) {
    const url = new URL(text);
    this.text = text;
    this.scheme = url.protocol.slice(0, -1);
    this.path = decodeURIComponent(url.pathname);
    this.fsPath = this.scheme === "file" ? fileURLToPath(text) : this.path;
  }
  static parse(text) {
    return new Uri(text);
  }
  static file(path) {
    return new Uri(pathToFileURL(path).href);
  }
  toString() {
    return this.text;
  }
}

class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}

class CancellationTokenSource {
  token = { isCancellationRequested: false, onCancellationRequested: () => disposable };
  cancel() {}
  dispose() {}
}

class Disposable {
  constructor(action) {
    this.dispose = action;
  }
  static from(...all) {
    return new Disposable(() => all.forEach((each) => each.dispose()));
  }
}

class TabInputText {
  constructor(uri) {
    this.uri = uri;
  }
}

class CodeActionKind {
  constructor(value) {
    this.value = value;
  }
  append(part) {
    return new CodeActionKind(this.value ? `${this.value}.${part}` : part);
  }
}
CodeActionKind.Empty = new CodeActionKind("");
CodeActionKind.QuickFix = new CodeActionKind("quickfix");
CodeActionKind.Refactor = new CodeActionKind("refactor");
CodeActionKind.Source = new CodeActionKind("source");

/** The parts that are written out, and for every other name something that does nothing. */
function withRest(known) {
  return new Proxy(known, {
    get(target, name) {
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      if (/^[A-Z]/.test(name)) {
        target[name] = class {};
      } else {
        target[name] = () => disposable;
      }
      return target[name];
    },
  });
}

/** A stand-in with the given settings, whose one document is open from the start. */
exports.editor = function editor({ folder, path, text, settings }) {
  const shown = { diagnostics: new Emitter(), errors: new Emitter(), log: [], commands: {} };
  const changed = new Emitter();
  const uri = Uri.file(path);
  const document = {
    uri, languageId: "python", version: 1, isClosed: false, isUntitled: false, fileName: path,
    getText: () => text,
  };
  const values = (section) => ({
    get: (name, fallback) => settings[section ? `${section}.${name}` : name] ?? fallback,
  });
  const api = withRest({
    version: "1.91.0",
    EventEmitter: Emitter, Position, Range, Uri, Diagnostic, CancellationTokenSource, CodeActionKind,
    Disposable, TabInputText,
    DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2, Hint: 3 },
    DiagnosticTag: { Unnecessary: 1, Deprecated: 2 },
    DiagnosticRelatedInformation: class {
      constructor(location, message) {
        Object.assign(this, { location, message });
      }
    },
    Location: class {
      constructor(where, range) {
        Object.assign(this, { uri: where, range });
      }
    },
    env: { appName: "test", language: "en" },
    window: withRest({
      activeTextEditor: { document },
      visibleTextEditors: [{ document }],
      tabGroups: {
        all: [{ tabs: [{ input: new TabInputText(uri) }] }],
        onDidChangeTabs: () => disposable,
      },
      createOutputChannel: () => ({
        ...disposable, show() {}, clear() {},
        append: (line) => shown.log.push(line), appendLine: (line) => shown.log.push(line),
      }),
      showErrorMessage: async (message) => void shown.errors.fire(message),
    }),
    workspace: withRest({
      textDocuments: [document],
      notebookDocuments: [],
      workspaceFolders: [{ uri: Uri.file(folder), name: "folder", index: 0 }],
      getConfiguration: values,
      onDidChangeConfiguration: changed.event,
    }),
    languages: withRest({
      match: (selector, each) => Number(selector.some((one) => one.language === each.languageId)),
      createDiagnosticCollection: () => ({
        ...disposable, clear() {}, delete() {},
        set: (_, found) => shown.diagnostics.fire(found ?? []),
      }),
    }),
    commands: withRest({
      registerCommand: (name, action) => {
        shown.commands[name] = action;
        return disposable;
      },
    }),
  });
  return { api, shown };
};
