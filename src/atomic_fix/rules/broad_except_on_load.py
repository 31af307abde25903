"""A broad handler swallows the error that says a state file is corrupt.

## What it does

Reports `except Exception`, `except BaseException` and a bare `except` around the load of
durable state that end in a default, `pass` or `continue`, without raising or logging at
warning level or above.

## Why is this bad

As for ATF201: a truncated file looks like a missing one, and work starts again from the beginning.
A broad handler also hides programming errors in the loader.

## Example

```python
try:
    with open(self.state_path) as file:
        self.state = json.load(file)
except Exception:
    self.state = {}
```

## Use instead

```python
try:
    with open(self.state_path) as file:
        self.state = json.load(file)
except FileNotFoundError:
    self.state = {}
except ValueError as exc:
    log.warning("could not load %s: %s", self.state_path, exc)
    self.state = {}
```

## Fix safety

Safe: what the parser raises for a corrupt file (`ValueError` for JSON) gets a handler of its own,
with a warning and the same default, and the broad handler stays for everything else. For libraries
that raise almost anything for a corrupt file (torch, joblib, numpy, pandas), the warning covers all
errors except `OSError` and those of valid data (`KeyError`, `AttributeError`, `TypeError`).

Offered only if the `try` holds nothing but the load and the use of its result, and if it is known
what the parser raises. Raising instead is never safe here: the broad handler may exist for other
errors as well.

## Not reported

As for ATF201.
"""

import ast
from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.nodes import code_of
from atomic_fix.rules.rule import HandlerDetector, Match, Rule, swallow_match, swallow_result


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for swallow in facts.swallows:
        if swallow.broad:
            headline = f"broad handler: a corrupt file is silently {swallow_result(swallow)}"
            yield swallow_match(facts, swallow, headline, _caught(swallow.node))


def _caught(node: ast.ExceptHandler | ast.Call) -> str:
    """How a handler that catches nearly everything is written."""
    if isinstance(node, ast.Call):
        return code_of(node)
    return f"except {code_of(node.type)}" if node.type is not None else "except:"


BROAD_EXCEPT_ON_LOAD = Rule(
    "ATF202",
    "broad-except-on-load",
    __doc__,
    _matches,
    HandlerDetector,
    advice="Handle the parser's error on its own, and log a warning or raise",
)
