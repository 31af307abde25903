"""The error that says a state file is corrupt is swallowed.

## What it does

Reports a handler around the load of durable state that takes an error meaning "the file is
there but cannot be read" (`JSONDecodeError`, `ValueError`, `UnicodeDecodeError`,
`UnpicklingError`, `EOFError`, the project's own `...CorruptedError`) and ends in a default,
`pass`, `continue` or `suppress`, without raising or logging at warning level or above.

## Why is this bad

A file that was cut short looks just like a file that is not there yet. The program starts
again from nothing, and the next save writes over what could still have been rescued.

## Example

```python
try:
    payload = json.loads(path.read_text())
except (FileNotFoundError, json.JSONDecodeError):
    return None
```

## Use instead

```python
try:
    payload = json.loads(path.read_text())
except FileNotFoundError:
    return None
except json.JSONDecodeError as exc:
    raise CheckpointCorruptedError(path) from exc
```

## Fix safety

The fixed loader raises where it returned a default: that is what `--write` is for in code
that plainly loads a checkpoint, and `--on-corrupt warn` or `quarantine` keep the default. A
missing file still gives the default: a handler of both is split. The fix is unsafe when the
handler ends a turn of a loop, holds a comment, or does more than giving a default. It is not
offered when the path of the file cannot be written in the handler, or when a handler further
out would take the exception.

## Not reported

Handlers that raise (also later), log or warn, use the error, move the bad file aside, or try
a backup; handlers of a missing file alone; loads of what is no durable state.
"""

from collections.abc import Iterator

from atomic_fix.facts import ModuleFacts
from atomic_fix.rules.rule import Match, Rule, swallowed


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for swallow in facts.swallows:
        if swallow.broad:
            continue
        errors = " and ".join(f"`{name}`" for name in swallow.errors[:2])
        too = " like a missing one" if swallow.missing_too else ""
        message = (
            f"a corrupt state file is taken{too} without a word: the handler of {errors} "
            f"{swallow.outcome}"
        )
        yield swallowed(facts, swallow, message)


SWALLOWED_LOAD_ERROR = Rule("ATF201", "swallowed-load-error", __doc__, _matches)
