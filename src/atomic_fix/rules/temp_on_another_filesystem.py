"""The temp file is not made beside its target.

## What it does

Reports a temp file of durable state that is made in the system's temp folder (`mkstemp()`,
`NamedTemporaryFile()` without `dir=`) and then renamed or moved to its final name elsewhere.

## Why is this bad

A rename is atomic only within one file system. Across two, `os.replace` fails with `EXDEV`,
and `shutil.move` falls back to a copy onto the target, which a crash can cut short.

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

Unsafe: the target's folder must be writable, and was not needed to be before.

## Not reported

Temp files made with `dir=`, or whose folder cannot be told.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_elsewhere
from atomic_fix.rules.rule import CallDetector, Match, Rule, publication_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for publication in facts.publications:
        if publication.elsewhere:
            message = (
                "the temp file is made in the system's temp folder, not beside its target: "
                f"`{publication.site.api}` is no atomic step across file systems"
            )
            yield publication_match(facts, publication, message, fix_elsewhere, 3)


TEMP_ON_ANOTHER_FILESYSTEM = Rule(
    "ATF112", "temp-on-another-filesystem", __doc__, _matches, CallDetector
)
