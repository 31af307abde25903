"""The target is removed, or moved away, before the new file takes its name.

## What it does

Reports durable state whose file is deleted or renamed away before the new one is renamed to
its place.

## Why is this bad

Between the two steps there is no file at all. After a crash between them, the next run sees no
file, as if there had never been a checkpoint. `os.replace` replaces an existing target in one step,
on every platform.

## Example

```python
os.remove(path)
os.rename(tmp, path)
```

## Use instead

```python
os.replace(tmp, path)
```

## Fix safety

Unsafe: if the write fails half-way, the target is no longer removed. An old file that is kept under
another name is copied there instead of moved. No fix if the target may be a folder.

## Not reported

Removal in an error handler, and removal of the temp file itself.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_removed
from atomic_fix.rules.rule import CallDetector, Match, Rule, publication_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for publication in facts.publications:
        if publication.removed is not None:
            headline = "the old file is removed first, so a crash here leaves no file"
            label = f"`{publication.site.api}` puts the new file in place only now"
            gone = ((publication.removed.node, "the old file is removed or moved away here"),)
            yield publication_match(
                facts, publication, headline, label, fix_removed, 4, places=gone
            )


REMOVE_BEFORE_REPLACE = Rule(
    "ATF113",
    "remove-before-replace",
    __doc__,
    _matches,
    CallDetector,
    advice="Keep the old file and publish the new one with `os.replace`",
)
