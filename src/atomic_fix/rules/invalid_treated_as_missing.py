"""Loaded state of an unexpected shape is silently treated as missing.

Off by default: turn it on with `--extend-select ATF203`.

## What it does

Reports a check of data loaded from durable state, `if not isinstance(payload, dict)`,
that ends in the same default as a missing file, without raising or logging at warning level
or above.

## Why is this bad

The file was there and held something: an older format, another program's data, or what is left of a
damaged file. The program starts from scratch, and the next save overwrites the file.

## Example

```python
payload = json.loads(path.read_text())
if not isinstance(payload, dict):
    return None
```

## Use instead

```python
payload = json.loads(path.read_text())
if not isinstance(payload, dict):
    raise CheckpointCorruptedError(path)
```

## Fix safety

No fix: only the project knows whether another shape is an error or an old format.

## Not reported

Checks that raise, log or warn, and data that was not loaded from durable state.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.finding import Fix
from atomic_fix.fixes import Refused
from atomic_fix.rules.rule import Match, Rule, TestDetector


def _no_fix() -> Fix:
    raise Refused("only the project knows whether another shape is an error")


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for dismissal in facts.dismissals:
        score = facts.load_score(dismissal.load, dismissal.function)
        headline = "state of an unexpected shape is silently treated as missing"
        label = f"data of another shape: {dismissal.outcome}"
        node, function = dismissal.node.test, dismissal.function
        yield Match(node, headline, label, score, _no_fix, function)


INVALID_TREATED_AS_MISSING = Rule(
    "ATF203",
    "invalid-treated-as-missing",
    __doc__,
    _matches,
    TestDetector,
    default=False,
    advice="Log a warning, or raise, when the data has an unexpected shape",
)
