// Starts `atomic-fix-lsp` for the Python files and notebooks of a workspace. All else is the server's work.

import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions, State } from "vscode-languageclient/node";

const SECTION = "atomic-fix";

let client: LanguageClient | undefined;

/** What the server gets as its initialization options: undefined for what is not set. */
function initializationOptions(): object {
  const given = vscode.workspace.getConfiguration(SECTION);
  return {
    settings: {
      ...given.get<object>("settings"),
      configuration: resolved(given.get<string>("configuration", "")),
    },
  };
}

/** A setting with the first folder of the workspace in place of its variable. */
function resolved(path: string): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  return path.replaceAll("${workspaceFolder}", folder);
}

async function start(output: vscode.OutputChannel): Promise<void> {
  const command = resolved(vscode.workspace.getConfiguration(SECTION).get<string>("path", ""));
  const server: ServerOptions = { command: command || "atomic-fix-lsp" };
  const options: LanguageClientOptions = {
    documentSelector: ["file", "vscode-notebook-cell"].map((scheme) => ({ scheme, language: "python" })),
    initializationOptions,
    outputChannel: output,
  };
  client = new LanguageClient(SECTION, "atomic-fix", server, options);
  try {
    await client.start();
  } catch (error) {
    output.appendLine(String(error));
    const message = `atomic-fix: the server \`${server.command}\` does not start. Install it with the extra \`lsp\`, or set atomic-fix.path.`;
    if ((await vscode.window.showErrorMessage(message, "Show Log")) !== undefined) {
      output.show();
    }
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  if (running?.state === State.Running) {
    await running.stop();
  }
}

export function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("atomic-fix");
  let latest = start(output);
  // One restart after the other, however fast settings are typed.
  const restart = (): Promise<void> => {
    latest = latest.then(stop).then(() => start(output));
    return latest;
  };
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("atomic-fix.restart", restart),
    vscode.commands.registerCommand("atomic-fix.showLog", () => output.show()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SECTION)) {
        void restart();
      }
    }),
  );
  return latest;
}

export function deactivate(): Promise<void> {
  return stop();
}
