"""How the time grows with what stands in one function, and how long very long files take.

    python benchmarks/scaling.py [PART OF A NAME]

Prints the processor's seconds for 50, 100, 200 and 400 of each kind, with the quotient of the
last two: about 2 where the time is proportional. Ends with 1 when one is above 3, or when a long
file takes ten seconds or more.
"""

import sys
import time

from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import change_file, check_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import Resolver

HEAD = "import json, os\nfrom pathlib import Path\n"
SAVE = HEAD + "def save_state(path, state):\n"
KINDS = {
    "write_text in a function": (SAVE, "    path.write_text(json.dumps(state))\n"),
    "with blocks in a function": (
        SAVE,
        '    with open(path + "{i}", "w") as f:\n        json.dump(state, f)\n',
    ),
    "with blocks, each its handle": (
        SAVE,
        '    with open(path + "{i}", "w") as f{i}:\n        json.dump(state, f{i})\n',
    ),
    "handlers in a function": (
        HEAD + "def load_state(path):\n",
        """    try:
        x{i} = json.loads(path.read_text())
    except Exception:
        x{i} = {{}}
""",
    ),
    "publications in a function": (
        SAVE,
        """    tmp = path + "{i}.tmp"
    with open(tmp, "w") as f:
        json.dump(state, f)
    os.replace(tmp, path + "{i}")
""",
    ),
    "with blocks in a module": (
        HEAD,
        'with open("state{i}.json", "w") as f:\n    json.dump(state, f)\n',
    ),
    "methods that save and load": (
        HEAD + "class Store:\n",
        """    def save_{i}(self, state):
        self.path.write_text(json.dumps(state))
    def load_{i}(self):
        try:
            return json.loads(self.path.read_text())
        except ValueError:
            return None
""",
    ),
    "callers of one loader": (
        HEAD
        + """def load_state(path):
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
""",
        """def use_{i}(path):
    state = load_state(path)
    if state is None:
        state = {{}}
    return state
""",
    ),
    "branches of `elif` that save": (
        SAVE + "    if not state:\n        return\n",
        "    elif state == {i}:\n        path.write_text(json.dumps(state))\n",
    ),
    "a path bound again and again": (
        SAVE,
        "    path = path / 'part{i}'\n    path.write_text(json.dumps(state))\n",
    ),
    "an attribute bound again": (
        HEAD + "class Store:\n",
        """    def save_{i}(self, state):
        self.path = self.path.parent / 'state{i}.json'
        self.path.write_text(json.dumps(state))
""",
    ),
    "functions that save": (
        HEAD,
        """def save_{i}(path, state):
    path.write_text(json.dumps(state))
""",
    ),
    "functions that load": (
        HEAD,
        """def load_{i}(state_path):
    try:
        return json.loads(state_path.read_text())
    except ValueError:
        return None
""",
    ),
    "functions that save and load": (
        HEAD,
        """def save_part_{i}(path, state):
    path.write_text(json.dumps(state))
def load_part_{i}(path):
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
""",
    ),
    "functions that publish": (
        HEAD,
        """def save_{i}(path, state):
    tmp = path + ".tmp"
    with open(tmp, "w") as f:
        json.dump(state, f)
    os.replace(tmp, path)
""",
    ),
    "functions that call the next": (
        SAVE + "    path.write_text(json.dumps(state))\n",
        """def save_{i}(path, state):
    save_state(path, state)
    load_{i}(path)
""",
    ),
    "attributes of a class": (
        HEAD
        + """class Store:
    def save(self, state):
        self.path_1.write_text(json.dumps(state))
    def __init__(self, folder):
""",
        "        self.path_{i} = folder / 'state{i}.json'\n",
    ),
    "imports": (
        SAVE + "    path.write_text(json.dumps(state))\n",
        "import module_{i}\nfrom package_{i} import name_{i}\n",
    ),
}
COUNTS = (50, 100, 200, 400)
LONG = {
    "100,000 statements": SAVE + "    path.write_text(json.dumps(state))\n" + "x = 1\n" * 100_000,
    "100,000 statements and a write": HEAD
    + "x = 1\n" * 100_000
    + "Path('state.json').write_text(json.dumps(state))\n",
    "100,000 calls and a write": HEAD
    + "register(1)\n" * 100_000
    + "Path('state.json').write_text(json.dumps(state))\n",
    "500,000 blank lines": HEAD
    + "\n" * 500_000
    + "Path('state.json').write_text(json.dumps(state))\n",
    "a table of 100,000 rows": HEAD
    + "TABLE = [\n"
    + "    ('a', 1),\n" * 100_000
    + "]\nPath('state.json').write_text(json.dumps(state))\n",
}
MOST_GROWTH = 3.0
MOST_SECONDS = 10.0


SETTINGS = Resolver({}, isolated=True).for_file("module.py")


def seconds(content: bytes) -> float:
    """For what the command does: the repairs that it shows are tried, too."""
    start = time.process_time()
    found = check_file(content, "module.py", SETTINGS, ReportFilter())
    if not found.findings:
        sys.exit(f"not analysed: {found.problem}")
    return time.process_time() - start


def seconds_to_repair(content: bytes) -> float:
    start = time.process_time()
    repair = change_file(
        content,
        "module.py",
        SETTINGS,
        ReportFilter(),
        Apply(SAFE_AND_UNSAFE),
    )
    if not repair.result.analysed:
        sys.exit(f"not analysed: {repair.result.problem}")
    return time.process_time() - start


def main() -> int:
    failed = False
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    seconds(
        (SAVE + "    path.write_text(json.dumps(state))\n").encode()
    )  # loads what is loaded once
    for doing, measure in (("check", seconds), ("repair", seconds_to_repair)):
        for name, (head, part) in KINDS.items():
            if wanted not in name:
                continue
            times = []
            for count in COUNTS:
                text = head + "".join(part.format(i=i) for i in range(count))
                times.append(measure(text.encode()))
            growth = times[-1] / times[-2]
            failed |= growth > MOST_GROWTH
            rows = "  ".join(f"{each:6.2f}" for each in times)
            print(f"{doing}: {name:30} {rows} s   x{growth:.1f}", flush=True)
    for name, text in LONG.items():
        if wanted not in name:
            continue
        took = seconds(text.encode())
        failed |= took >= MOST_SECONDS
        print(f"check: {name:30} {took:6.2f} s", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
