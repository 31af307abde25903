"""A temp file is published without fsync.

## What it does

Reports a temp file of durable state that takes its final name without `os.fsync` of what was
written. Off with `durability = "atomic"`.

## Why is this bad

File systems may write the new name to disk before the data. After a power loss, the name can then
belong to an empty or partly written file, and the old content is gone. This happens only if the
machine crashes; killing the process does not cause it.

## Example

```python
tmp.write_text(json.dumps(state))
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

Safe where the code shows the temp file's handle, from `open`, `os.fdopen`, `NamedTemporaryFile`
or a descriptor: `flush` and `fsync` are added at the end of its block, or before it is closed.
Unsafe if a `yield` passes it to a caller. Slower: each save waits for the disk.

Unsafe where the temp file is named, written by `write_text` or `write_bytes` and published in three
neighbouring statements, and used nowhere else: they become one call of the helper. The temp file
gets another name, the target keeps its mode and links, and writing to a read-only target fails. If
comments describe the steps, the steps are kept.

Unsafe elsewhere: the finished file is opened again by name for `fsync`, so it must be writable. No
fix in `async` functions, or if the temp file may be a folder.

## Not reported

Code that calls `os.fsync`, `os.fdatasync` or a function with "sync" in its name between the write
and the rename.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_unsynced
from atomic_fix.rules.rule import CallDetector, Match, Rule, fitted, publication_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    if facts.config.durability == "atomic":
        return
    for publication in facts.publications:
        if not publication.synced:
            api = publication.site.api
            headline = fitted(
                f"a power loss after this `{api}` can leave the file empty",
                "a power loss after this call can leave the file empty",
            )
            label = f"`{api}` publishes data that `os.fsync` has not written to disk"
            yield publication_match(facts, publication, headline, label, fix_unsynced, 1)


UNSYNCED_REPLACE = Rule(
    "ATF115",
    "unsynced-replace",
    __doc__,
    _matches,
    CallDetector,
    advice="Call `flush` and `os.fsync` before the temp file is closed",
)
