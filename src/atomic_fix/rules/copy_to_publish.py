"""A temp file is copied, or moved in a way that may copy it, to its final name.

## What it does

Reports a finished temp file of durable state that gets its final name through
`shutil.copy*`, `shutil.move`, or `os.rename` where `os.replace` is meant.

## Why is this bad

A copy overwrites the target in place, which the temp file was meant to avoid. `shutil.move` copies
if the two paths are on different file systems. `os.rename` fails on Windows if the target exists.

## Example

```python
shutil.copy(tmp, path)
os.remove(tmp)
```

## Use instead

```python
os.replace(tmp, path)
```

## Fix safety

Safe for `os.rename` and `Path.rename`, which become `replace`; no fix where a handler around them
renames again, since that code would become useless. Unsafe for `shutil.move`, which also moves into
folders and across file systems, and for `shutil.copy` and `copy2` where the next statement removes
the temp file: a copy leaves links in place and fails on a read-only file. No fix for other copies:
the temp file would stay.

## Not reported

Backup copies, files that the program did not write itself, and `os.rename` in a module that needs
what only POSIX systems have (`fcntl`, `os.fork`, `signal.SIGKILL`, ...) and never checks which
system it runs on.
"""

from collections.abc import Iterator

from atomic_fix.catalog.apis import Move
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.fixes.publishing import fix_copied
from atomic_fix.rules.rule import CallDetector, Match, Rule, publication_match

# What is wrong with a copy is worse than that nothing was synchronised; with the others, it is
# not, since they mostly rename.
_PRECEDENCE = {Move.COPY: 2}

_HEADLINES = {
    Move.COPY: "a crash during this copy leaves an incomplete file",
    Move.MOVE: "a crash leaves an incomplete file if this move has to copy",
    Move.RENAME: "this rename fails on Windows if the target exists",
}
_LABELS = {
    Move.COPY: "overwrites the target in place",
    Move.MOVE: "copies if it cannot rename, for example from another file system",
    Move.RENAME: "does not replace an existing file there, `os.replace` does",
}


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for publication in facts.publications:
        how = publication.site.how
        headline = _HEADLINES.get(how)
        if how is Move.RENAME and facts.posix_only:
            continue  # there it replaces, as `os.replace` does
        if headline is not None:
            label = f"`{publication.site.api}` {_LABELS[how]}"
            yield publication_match(
                facts, publication, headline, label, fix_copied, _PRECEDENCE.get(how, 0)
            )


COPY_TO_PUBLISH = Rule(
    "ATF114",
    "copy-to-publish",
    __doc__,
    _matches,
    CallDetector,
    advice="Publish the temp file with `os.replace`",
)
