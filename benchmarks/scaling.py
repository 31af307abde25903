"""How the time grows with the size of one function, class or module, and how long very long files
take.

    python benchmarks/scaling.py [PART OF A NAME]

Prints the CPU seconds for 50, 100, 200 and 400 of each kind, with the quotient of the last two:
about 2 if the time is proportional. Higher ones are measured again, and the lowest counts: a busy
machine takes more seconds for the same work, never fewer. The exit code is 1 if a quotient is above
2.5, or if a long file takes ten seconds or more.
"""

import ast
import re
import sys
import time
from collections.abc import Callable

from atomic_fix.finding import Unreadable
from atomic_fix.rewrite import SAFE_AND_UNSAFE
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.one_file import Parsed, change_file, check_file
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
    "handlers of one `try`": (
        HEAD + "def load_state(path):\n    try:\n        return json.loads(path.read_text())\n",
        "    except Error{i}:\n        pass\n",
    ),
    "lists of lines, added to and written": (
        SAVE,
        """    lines{i} = (path / "{i}").read_text().splitlines()
    lines{i}.append(state)
    (path / "{i}").write_text("\\n".join(lines{i}))
""",
    ),
    "functions that others call by name": (
        HEAD
        + """def publish(name, path, state):
    getattr(Store, name)(path + ".tmp", state)
    os.replace(path + ".tmp", path)
class Store:
""",
        """    def save_{i}(self, path, state):
        with open(path, "w") as f:
            json.dump(state, f)
    chosen{i} = save_{i}
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
    "writes of one class": (
        HEAD + "class Store:\n    def save(self, state):\n",
        "        (self.folder / 'state{i}.json').write_text(json.dumps(state))\n",
    ),
    "methods that save": (
        HEAD + "class Store:\n",
        """    def save_{i}(self, state):
        with open(self.path, "w") as f:
            json.dump(state, f)
""",
    ),
    "methods that load": (
        HEAD + "class Store:\n",
        """    def load_{i}(self):
        try:
            return json.loads(self.path.read_text())
        except Exception:
            return {{}}
""",
    ),
    "methods that publish": (
        HEAD + "class Store:\n",
        """    def save_{i}(self, state):
        tmp = str(self.path) + ".tmp"
        with open(tmp, "w") as f:
            json.dump(state, f)
        os.replace(tmp, self.path)
""",
    ),
    "savers in a function": (
        "import torch\n" + SAVE,
        "    torch.save(state, path / 'checkpoint{i}.pt')\n",
    ),
    "savers in a class": (
        "import torch\nclass Trainer:\n",
        """    def save_{i}(self, state):
        torch.save(state, self.checkpoint_path)
""",
    ),
    "savers, each a function": (
        "import torch\n",
        """def save_{i}(path, state):
    torch.save(state, path / 'checkpoint{i}.pt')
""",
    ),
    "loads in a function": (
        SAVE + "    path.write_text(json.dumps(state))\ndef load_state(path):\n",
        "    x{i} = json.loads(path.read_text())\n",
    ),
    "loads and writes in a function": (
        SAVE,
        """    x{i} = json.loads(path.read_text())
    path.write_text(json.dumps(x{i}))
""",
    ),
    "calls of one saver": (
        SAVE + "    path.write_text(json.dumps(state))\ndef run(path, state):\n",
        "    save_state(path / '{i}', state)\n",
    ),
    "callers of one saver": (
        SAVE + "    path.write_text(json.dumps(state))\n",
        "def run_{i}(path, state):\n    save_state(path / '{i}', state)\n",
    ),
    "functions that call the one before": (
        "import json\ndef save_0(path, state):\n    path.write_text(json.dumps(state))\n",
        "def save_{j}(path, state):\n    save_{i}(path, state)\n",
    ),
    "functions that call the one behind": (
        "import json\n",
        """def save_{i}(path, state):
    save_{j}(path, state)
    path.write_text(json.dumps(state))
""",
    ),
    "a chain of assignments of paths": (
        SAVE + "    p0 = path\n",
        "    p{j} = p{i} / 'part'\n    p{j}.write_text(json.dumps(state))\n",
    ),
    "one variable bound again": (
        SAVE,
        "    path = make({i})\n    with open(path, 'w') as f:\n        json.dump(state, f)\n",
    ),
    "statements of a branch": (
        SAVE + "    if state:\n",
        "        path.write_text(json.dumps(state))\n",
    ),
    "branches of `elif` that bind": (
        SAVE + "    if not state:\n        return\n",
        "    elif state == {i}:\n        path = path / '{i}'\n",
        "    path.write_text(json.dumps(state))\n",
    ),
    "branches of `match`": (
        SAVE + "    match state:\n",
        "        case {i}:\n            path.write_text(json.dumps(state))\n",
    ),
    "rows of a table and a write": (
        HEAD + "TABLE = {\n",
        "    'state{i}': ['a', {i}, {{'b': 'state.json'}}] * 3,\n",
        "}\ndef save_state(path, state):\n    path.write_text(json.dumps(state))\n",
    ),
    "strings put together": (
        SAVE + "    text = ''\n",
        "    text += 'state' + str({i}) + path\n",
        "    open(path, 'w').write(text)\n",
    ),
    "comments": (
        SAVE,
        "    # the state of part {i}\n" * 10,
        "    path.write_text(json.dumps(state))  # last\n",
    ),
    "classes": (
        SAVE + "    path.write_text(json.dumps(state))\n",
        "class State{i}(State):\n    def save(self):\n        save_state(self.path, self.state)\n",
    ),
    "classes that save": (
        HEAD,
        """class State{i}(Base):
    def save(self, state):
        self.path.write_text(json.dumps(state))
""",
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
    "nested branches": SAVE
    + "".join("    " * (i + 1) + f"if state[{i}]:\n" for i in range(90))
    + "    " * 91
    + "path.write_text(json.dumps(state))\n",
    "1,000 branches of `elif`": SAVE
    + "    if not state:\n        return\n"
    + "".join(f"    elif state == {i}:\n        path = path / '{i}'\n" for i in range(1_000))
    + "    path.write_text(json.dumps(state))\n",
    "5,000 strings put together": SAVE
    + "    text = (\n        'state'\n"
    + "        + path\n" * 5_000
    + "    )\n    path.write_text(json.dumps(state))\n",
    "5,000 strings side by side": SAVE
    + "    text = (\n"
    + "        'state'\n" * 5_000
    + "    )\n    path.write_text(json.dumps(state))\n",
    "2,000 imports": HEAD
    + "".join(f"import module_{i}\nfrom package_{i} import name_{i}\n" for i in range(1_000))
    + "Path('state.json').write_text(json.dumps(state))\n",
    "2,000 classes": SAVE
    + "    path.write_text(json.dumps(state))\n"
    + "".join(
        f"class State{i}(State):\n    def save(self):\n        save_state(self.path, {i})\n"
        for i in range(2_000)
    ),
    "a variable bound 2,000 times": SAVE
    + "    path = path / 'part'\n" * 2_000
    + "    path.write_text(json.dumps(state))\n",
    "100,000 comments": HEAD
    + "# what it is\n" * 100_000
    + "Path('state.json').write_text(json.dumps(state))  # why\n",
    "5,000 functions and a write": SAVE
    + "    path.write_text(json.dumps(state))\n"
    + "".join(f"def function_{i}(path):\n    return call_{i}(path)\n" for i in range(5_000)),
}
MOST_GROWTH = 2.5
ENOUGH_GROWTH = 2.3
"""If the quotient is higher, the last two are measured again."""
MOST_SECONDS = 10.0
LEAST_SECONDS = 0.05


_TOO_DEEP = re.compile("nested too deeply|LibCST does not read")
SETTINGS = Resolver({}, isolated=True).for_file("module.py")


def seconds(content: bytes) -> float:
    """For the command, which also tries the repairs that it shows."""
    return _timed(lambda: check_file(content, "module.py", SETTINGS, ReportFilter()).problem)


def seconds_to_repair(content: bytes) -> float:
    """For `--write`."""
    policy = Apply(SAFE_AND_UNSAFE)
    return _timed(
        lambda: change_file(content, "module.py", SETTINGS, ReportFilter(), policy).result.problem
    )


def seconds_under_flake8(content: bytes) -> float:
    """For the plugin, which gets a tree and shows no repairs."""
    text = content.decode()
    try:
        parsed = Parsed(text, ast.parse(text))
    except (RecursionError, MemoryError):
        parsed = None  # flake8 says so itself
    return _timed(
        lambda: (
            check_file(
                content, "module.py", SETTINGS, ReportFilter(), parsed, noqa=False, fixes=False
            ).problem
        )
    )


def _timed(work: Callable[[], Unreadable | None]) -> float:
    start = time.process_time()
    times, problem = 1, work()
    # Work that is too short for the clock is repeated until it is not.
    while time.process_time() - start < LEAST_SECONDS:
        times, problem = times + 1, work()
    # Thousands of strings in one expression are too deep for the parsers, and are rejected
    # immediately.
    if problem is not None and not _TOO_DEEP.search(problem.reason):
        sys.exit(f"not analysed: {problem}")
    return (time.process_time() - start) / times


WAYS = {"check": seconds, "repair": seconds_to_repair, "flake8": seconds_under_flake8}


def program(name: str, count: int) -> bytes:
    head, part, *tail = KINDS[name]
    parts = (part.format(i=i, j=i + 1) for i in range(count))
    return "".join([head, *parts, *tail]).encode()


def main() -> int:
    failed = False
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    kinds = [name for name in KINDS if wanted in name]
    for doing, measure in WAYS.items():
        measure(program("functions that save and load", 1))  # imports what is loaded once
        for name in kinds:
            texts = [program(name, count) for count in COUNTS]
            times = [measure(text) for text in texts]
            for _ in range(4):
                if times[-1] <= ENOUGH_GROWTH * times[-2]:
                    break
                for index in (-2, -1):
                    times[index] = min(times[index], measure(texts[index]))
            growth = times[-1] / times[-2]
            failed |= growth > MOST_GROWTH
            rows = "  ".join(f"{each:6.2f}" for each in times)
            mark = "  !" if growth > MOST_GROWTH else ""
            print(f"{doing}: {name:36} {rows} s   x{growth:.1f}{mark}", flush=True)
    for doing, measure in WAYS.items():
        for name, text in LONG.items():
            if wanted in name:
                took = measure(text.encode())
                failed |= took >= MOST_SECONDS
                print(f"{doing}: {name:36} {took:6.2f} s", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
