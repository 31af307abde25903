// The page of the playground: starts a worker at the first check, and shows what it answers.

const root = document.getElementById("try");
const find = (selector) => root.querySelector(selector);
const button = find("[name=check]");
const status = find("[role=status]");

const LONGEST = 30_000; // milliseconds that one check may take

const EXAMPLE = `import json


def save_checkpoint(path, state):
    path.write_text(json.dumps(state))


def load_checkpoint(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except json.JSONDecodeError:
        return None
`;

let worker;

/** A worker that has loaded Python, or a rejected promise that says why there is none. */
function started() {
  return new Promise((resolve, reject) => {
    const made = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    made.onerror = (event) => reject(new Error(event.message || "the worker cannot be started"));
    made.onmessage = ({ data }) => {
      if (data.error) reject(new Error(data.error));
      else if (data.ready) resolve(made);
      else status.textContent = data.progress;
    };
    made.postMessage({ load: root.dataset.pyodide });
  });
}

/** What the worker finds; the worker is ended if it takes too long. */
function checked(request) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      worker.terminate();
      worker = undefined;
      reject(new Error("stopped after 30 seconds"));
    }, LONGEST);
    worker.onmessage = ({ data }) => {
      clearTimeout(timer);
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
    worker.postMessage(request);
  });
}

/** Shows a patch, a line at a time, so that added and removed lines have a colour. */
function showPatch(text) {
  const rows = text.split("\n").map((line) => {
    const row = document.createElement("span");
    row.textContent = `${line}\n`;
    if (/^\+(?!\+\+ )/.test(line)) row.className = "added";
    if (/^-(?!-- )/.test(line)) row.className = "removed";
    return row;
  });
  find(".patch").replaceChildren(...rows);
}

async function check() {
  button.disabled = true;
  try {
    if (worker === undefined) {
      status.textContent = "Loading Python …";
      worker = await started();
    }
    status.textContent = "Checking …";
    const found = await checked({
      source: find("[name=source]").value,
      filename: find("[name=filename]").value.trim() || "app.py",
      unsafe: find("[name=unsafe]").checked,
    });
    find(".findings").textContent = found.findings;
    showPatch(found.patch);
    status.textContent = "";
  } catch (error) {
    status.textContent = `It did not work: ${error.message}`;
  }
  button.textContent = worker === undefined ? "Load Python and check" : "Check";
  button.disabled = false;
}

button.addEventListener("click", check);
find("[name=source]").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) check();
});
find("[name=source]").value ||= EXAMPLE; // browsers keep what was typed over a reload
if (location.protocol === "file:") {
  status.textContent = "This needs the pages to come from a server: mkdocs serve.";
} else {
  button.disabled = false;
  status.textContent = "";
}
