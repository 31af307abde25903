"""The temp file is not created next to its target.

## What it does

Reports a temp file of durable state that is created in the system's temp folder (`mkstemp()`,
`NamedTemporaryFile()` without `dir=`) and then renamed or moved to its final name elsewhere.

## Why is this bad

A rename is atomic only within one file system. Across two file systems, `os.replace` fails with
`EXDEV`, and `shutil.move` falls back to a copy onto the target, which a crash can cut short.

## Example

```python
descriptor, tmp = tempfile.mkstemp()
...
shutil.move(tmp, path)
```

## Use instead

```python
descriptor, tmp = tempfile.mkstemp(dir=os.path.dirname(path))
...
os.replace(tmp, path)
```

or `atomic_write_text(path, text)`.

## Fix safety

Unsafe: the folder of the target must be writable, which was not necessary before.

## Not reported

Temp files created with `dir=`, or whose folder is unknown. A temp file that is copied to its final
name is ATF114.
"""

from collections.abc import Iterator

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_elsewhere
from atomic_fix.rules.rule import CallDetector, Match, Rule, publication_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for publication in facts.publications:
        # A copy overwrites the target wherever it comes from, which ATF114 says.
        if publication.elsewhere and publication.site.how is not Move.COPY:
            headline = "moving a file out of the system's temp folder is not atomic"
            label = f"`{publication.site.api}` may have to cross file systems"
            made = tuple((each.node, "the temp file is made here") for each in publication.made[:1])
            yield publication_match(
                facts, publication, headline, label, fix_elsewhere, 3, places=made
            )


TEMP_ON_ANOTHER_FILESYSTEM = Rule(
    "ATF112",
    "temp-on-another-filesystem",
    __doc__,
    _matches,
    CallDetector,
    advice="Make the temp file in the folder of its target",
)
