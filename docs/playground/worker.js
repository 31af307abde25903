// Python in a worker, so that the page stays usable meanwhile. What is run is the command itself.

const PROGRAM = `
from click.testing import CliRunner

from atomic_fix.cli import main


def run(source, filename, *options):
    given = ["--isolated", "--no-cache", "--no-project", "--color", "never", "--stdin-filename"]
    done = CliRunner(env={"COLUMNS": "100"}).invoke(main, [*given, filename, *options, "-"], source)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output
`;

let run;

async function load(base) {
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  const python = await loadPyodide({ indexURL: base });
  postMessage({ progress: "Loading LibCST …" });
  await python.loadPackage(["libcst", "click"], { messageCallback() {} });
  const response = await fetch(new URL("atomic_fix.zip", import.meta.url));
  if (!response.ok) throw new Error(`atomic_fix.zip: ${response.status}`);
  python.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/atomic-fix" });
  python.runPython("import sys; sys.path.append('/atomic-fix')");
  python.runPython(PROGRAM);
  run = python.globals.get("run");
}

function check({ source, filename, unsafe }) {
  const options = unsafe ? ["--unsafe-fixes"] : [];
  return {
    findings: run(source, filename),
    patch: run(source, filename, "--diff", "--assume-helper", ...options),
  };
}

// One message at a time: the page waits for the answer.
onmessage = async ({ data }) => {
  try {
    if (data.load) {
      await load(data.load);
      postMessage({ ready: true });
    } else {
      postMessage(check(data));
    }
  } catch (error) {
    postMessage({ error: String(error.message ?? error).trim().split("\n").at(-1) });
  }
};
