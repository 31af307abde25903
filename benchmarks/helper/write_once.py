# ruff: noqa: PTH100, PTH108, PTH120, T201
"""Child process of the sweep: one write between two marks. Arguments: writer, target, bytes,
warm-up, and anything more to write as the user nobody.
"""

import gc
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from writers import WRITERS, descriptors

name, target, size, warm, *as_nobody = sys.argv[1:]
write = WRITERS[name]()
content = b"new" + b"n" * (int(size) - 3)
if name != "plain open":
    write(warm, b"warm")  # so that late imports happen now
    os.unlink(warm)
if as_nobody:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
gc.disable()
before = descriptors()
error = None
os.access("/begin-of-the-write", os.F_OK)
try:
    write(target, content)
except Exception as exc:
    error = {"errno": getattr(exc, "errno", None), "text": str(exc), "type": type(exc).__name__}
os.access("/end-of-the-write", os.F_OK)
print(json.dumps({"error": error, "left": [f for f in descriptors() if f not in before]}))
