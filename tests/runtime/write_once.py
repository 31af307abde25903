# ruff: noqa: PTH123, PTH208, T201
"""Child process of the sweeps: one write by the helper between two marks, and its result.

Arguments: file of the helper, kind of write, target, number of bytes, further options as JSON.
"""

import importlib.util
import json
import os
import sys

helper, kind, target, size, given = sys.argv[1:]
spec = importlib.util.spec_from_file_location("runtime_under_test", helper)
assert spec is not None
assert spec.loader is not None
runtime = importlib.util.module_from_spec(spec)
sys.modules["runtime_under_test"] = runtime
spec.loader.exec_module(runtime)
options = json.loads(given)
content = b"new" + b"n" * (int(size) - 3)


def write() -> None:
    if kind == "bytes":
        runtime.atomic_write_bytes(target, content, **options)
    elif kind == "text":
        runtime.atomic_write_text(target, content.decode(), "utf-8", **options)
    elif kind == "stream":
        with runtime.atomic_open(target, "wb", **options) as file:
            for start in range(0, len(content), 1 << 20):
                file.write(content[start : start + (1 << 20)])
    elif kind == "plain":
        with open(target, "wb") as file:
            file.write(content)


def descriptors() -> "list[str]":
    return sorted(set(os.listdir("/proc/self/fd")))


before = descriptors()
error = None
os.access("/begin-of-the-write", os.F_OK)
try:
    write()
except OSError as exc:
    error = {"errno": exc.errno, "text": str(exc)}
os.access("/end-of-the-write", os.F_OK)
print(json.dumps({"error": error, "before": before, "after": descriptors()}))
