"""A temp file takes its final name while it is still open and unflushed.

## What it does

Reports a temp file of durable state that is renamed or moved to its final name inside the
`with` that writes it, or before `close()`, with no `flush()` in between.

## Why is this bad

The data written last is still in the program's buffer. The renamed file is truncated until the
handle is closed; if the program crashes in between, it stays truncated.

## Example

```python
with open(tmp, "w") as file:
    json.dump(state, file)
    os.replace(tmp, path)
```

## Use instead

```python
with open(tmp, "w") as file:
    json.dump(state, file)
    file.flush()
    os.fsync(file.fileno())
os.replace(tmp, path)
```

or `atomic_write_json(path, state)`.

## Fix safety

Safe. If the publishing call comes right before the end of the block, or before `close()`, it is
moved after that; elsewhere `flush` and `fsync` are added before it. No fix where the handle is used
later.

## Not reported

Handles that were flushed, synced or closed before.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_still_open
from atomic_fix.rules.rule import CallDetector, Match, Rule, publication_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for publication in facts.publications:
        if publication.still_open:
            headline = "the temp file is moved into place before all its data is written"
            label = f"`{publication.site.api}` runs while the temp file is open and not flushed"
            yield publication_match(facts, publication, headline, label, fix_still_open, 5)


REPLACE_BEFORE_CLOSE = Rule(
    "ATF111",
    "replace-before-close",
    __doc__,
    _matches,
    CallDetector,
    advice="Flush, sync and close the temp file before publishing it",
)
