"""The error that says a state file is corrupt is swallowed.

## What it does

Reports a handler around the load of durable state that catches an error meaning "the file exists
but cannot be read" (`JSONDecodeError`, `ValueError`, `UnicodeDecodeError`, `UnpicklingError`,
`EOFError`, the project's own `...CorruptedError`) and ends in a default, `pass`, `continue` or
`suppress`, without raising or logging at warning level or above.

## Why is this bad

A truncated file looks just like a file that does not exist yet. The program starts from scratch,
and the next save overwrites data that could still have been rescued.

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
    log.warning("could not load %s: %s", path, exc)
    return None
```

A function that loads a single checkpoint, without which a long job has to start over, raises
instead:

```python
except json.JSONDecodeError as exc:
    raise CheckpointCorruptedError(path) from exc
```

## Fix safety

The fix logs a warning with the path and the error, and changes nothing else: the default is
returned, the loop continues, or the backup is tried. The fix is safe. It warns only about errors
that mean "exists but unreadable": a handler that also catches a missing file, or a `KeyError` from
valid data, is split, and those errors still lead to the default silently.

Raising `CheckpointCorruptedError` is the safe fix only in a function that loads one checkpoint file
by its path and returns a default, where no comment or docstring says that this is intended, and
where no caller in the file tests for the default, calls it in a loop or has a handler that would
catch the exception. Elsewhere raising is shown as an alternative, which `--on-corrupt raise` with
`--unsafe-fixes` applies; it is not shown in loops, before another attempt, or in functions that
answer a yes/no question. [What the fixes do](../fixes.md#loads-atf201-atf202) has the table.

No fix is offered when the path cannot be written in the handler, or if the error may come from
another file or from something else in the `try`.

## Not reported

Handlers that raise (even later), log or warn, show a message box, use the error, move the bad file
away, or try a backup; handlers of a missing file alone; loads of other files. Loops that read the
same file again until it can be read; a default that leads to another attempt which warns or raises;
functions whose caller in the same file tests for the default and then warns or raises.

Also decisions that the code explains: a comment or docstring says that a corrupt file is treated as
missing, and neither the function nor its caller removes or overwrites that file. Also loads where
nothing can be lost: of a cache, of text that is used as it is, of content that is only compared
with what will be written, and of a file whose load is only by chance inside a broad handler that is
there for other code.
"""

import ast
from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.rules.rule import HandlerDetector, Match, Rule, swallow_match, swallow_result


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for swallow in facts.swallows:
        if swallow.broad:
            continue
        headline = f"a corrupt state file is silently {swallow_result(swallow)}"
        errors = ", ".join(swallow.errors[:2])
        is_handler = isinstance(swallow.node, ast.ExceptHandler)
        caught = f"except {errors}" if is_handler else f"suppress({errors})"
        yield swallow_match(facts, swallow, headline, caught)


SWALLOWED_LOAD_ERROR = Rule(
    "ATF201",
    "swallowed-load-error",
    __doc__,
    _matches,
    HandlerDetector,
    advice="Log a warning, or raise, when the file exists but cannot be read",
)
