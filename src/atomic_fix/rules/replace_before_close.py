"""A temp file takes its final name while it is still open and unflushed.

## What it does

Reports a temp file of durable state that is renamed or moved to its final name inside the
`with` that writes it, or before `close()`, with no `flush()` in between.

## Why is this bad

What was written last still sits in the program's buffer. The file that takes the final name
is cut short until the handle is closed; a crash in between leaves it so for good.

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

Safe. The publishing call moves behind the block, or the `close()`, that it stands right before;
elsewhere `flush` and `fsync` go before it. No fix where the handle is used after it.

## Not reported

Handles that were flushed, synchronised or closed before.
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
