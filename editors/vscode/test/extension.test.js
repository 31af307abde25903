// Runs the extension as it is built, with the language server of $ATOMIC_FIX_LSP or PATH.

"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { editor } = require("./vscode.js");

const BUNDLE = path.join(__dirname, "..", "dist", "extension.js");
const SERVER = process.env.ATOMIC_FIX_LSP ?? "atomic-fix-lsp";
const UNSAFE = "def save_checkpoint(path, text):\n    path.write_text(text)\n";

/** The extension in an editor that has one document, and what it shows. */
async function activated(settings) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "atomic-fix-"));
  const file = path.join(folder, "state.py");
  fs.writeFileSync(file, UNSAFE);
  const { api, shown } = editor({ folder, path: file, text: UNSAFE, settings });
  const load = Module._load;
  Module._load = function (name, ...rest) {
    return name === "vscode" ? api : load.call(this, name, ...rest);
  };
  delete require.cache[BUNDLE];
  const extension = require(BUNDLE);
  Module._load = load;
  const diagnostics = new Promise((resolve) => shown.diagnostics.event(resolve));
  // The client has messages of its own.
  const error = new Promise((resolve) =>
    shown.errors.event((each) => /Install it/.test(each) && resolve(each)),
  );
  const context = { subscriptions: [] };
  await extension.activate(context);
  return { extension, shown, diagnostics, error, folder };
}

test("a finding is shown", { timeout: 60_000 }, async () => {
  const { extension, shown, diagnostics } = await activated({ "atomic-fix.path": SERVER });
  const [found, ...others] = await diagnostics;
  assert.deepStrictEqual(others, []);
  assert.strictEqual(found.code, "ATF101");
  assert.strictEqual(found.range.start.line, 1);
  assert.strictEqual(found.severity, 1);
  assert.deepStrictEqual(Object.keys(shown.commands).sort(), [
    "atomic-fix.restart", "atomic-fix.showLog",
  ]);
  const again = new Promise((resolve) => shown.diagnostics.event((each) => each.length && resolve(each)));
  await shown.commands["atomic-fix.restart"]();
  assert.strictEqual((await again)[0].code, "ATF101");
  await extension.deactivate();
});

test("settings reach the server", { timeout: 60_000 }, async () => {
  const { extension, diagnostics } = await activated({
    "atomic-fix.path": SERVER,
    "atomic-fix.settings": { ignore: ["ATF1"] },
  });
  assert.deepStrictEqual(await diagnostics, []);
  await extension.deactivate();
});

test("a configuration file is used", { timeout: 60_000 }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "atomic-fix-"));
  const file = path.join(folder, "mine.toml");
  fs.writeFileSync(file, 'ignore = ["ATF1"]\n');
  const { extension, diagnostics } = await activated({
    "atomic-fix.path": SERVER,
    "atomic-fix.configuration": file,
  });
  assert.deepStrictEqual(await diagnostics, []);
  await extension.deactivate();
});

test("a server that is not there is an error that says what to do", { timeout: 60_000 }, async () => {
  const { extension, error } = await activated({
    "atomic-fix.path": "${workspaceFolder}/nowhere",
  });
  const message = await error;
  assert.match(message, /nowhere` does not start\. Install it with the extra `lsp`/);
  assert.doesNotMatch(message, /\$\{/);
  await extension.deactivate();
});
