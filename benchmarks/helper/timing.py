# ruff: noqa: PTH100, PTH118, PTH120, T201
"""Seconds of one write: every writer in turn, round by round, the median as JSON."""

import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from writers import WRITERS

order = random.Random(0)
result = {}
for label, directory in json.loads(sys.argv[1]).items():
    for size, rounds in ((2_000, 600), (8_000_000, 25)):
        data = os.urandom(size)
        writers = {name: make() for name, make in WRITERS.items()}
        taken = {name: [] for name in writers}
        for _ in range(rounds):
            # In random order, because the order matters: in a fixed one, the recipe with the
            # directory would always follow the one without, and find its code in the CPU cache.
            for name in order.sample(list(writers), len(writers)):
                path = os.path.join(directory, name.replace(" ", "-"))
                start = time.perf_counter()
                writers[name](path, data)
                taken[name].append(time.perf_counter() - start)
        result[f"{label} {size}"] = {n: statistics.median(t) for n, t in taken.items()}
print(json.dumps(result))
