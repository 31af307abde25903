"""Durable state is overwritten in place.

## What it does

Reports a call that opens a file of durable state for writing, or writes its whole text or
bytes, straight under its final name: `Path.write_text`, `Path.write_bytes`, and `open` in
a truncating mode in any spelling (`Path.open`, `io.open`, `codecs.open`, `gzip.open`,
`os.open` to write, `aiofiles.open`, ...).

Durable state is a file that the program writes so that a later run reads it back. The
report says why a file is believed to be one.

## Why is this bad

The call empties the file first and fills it afterwards. If the process is killed, the machine loses
power or the disk is full in between, the old content is gone and the new content is truncated.

## Example

```python
def save_checkpoint(path, state):
    path.write_text(json.dumps(state))
```

## Use instead

```python
from atomic_fix.runtime import atomic_write_json


def save_checkpoint(path, state):
    atomic_write_json(path, state)
```

The new content is written to a temp file beside the target, flushed to disk, and then renamed to
the target in one step: a reader sees either the old file or the new one, never part of one.

## Fix safety

Safe where the bytes written stay the same. `write_text(json.dumps(...))` and a block that only
dumps JSON become `atomic_write_json`; other text and bytes become `atomic_write_text` and
`atomic_write_bytes`; any other block keeps its code and gets `atomic_open` as its opener. The only
difference is intended: a write that fails leaves the old content, not part of the new.

Unsafe where other code can see the file meanwhile (`yield`, `await`, `flush` before something else,
a folder that is listed), where the path and the content would be evaluated in a different order,
for a file opened on an exit stack, for anyio (the asynchronous helper runs on asyncio), for a
project's own helper, where the preceding statement removes the file (the fix deletes that
statement too), and where the function or a caller has already emptied or written the same file in
place and that write is not repaired safely as well: then a write that fails does not leave the old
content.

No fix for a file descriptor; for `r+`; for a mode or a handle that comes from elsewhere; for a
block that uses the path while it writes (under any name, also in functions that it calls), uses the
descriptor, or may be left by an exception although its content is wanted (`sys.exit`, an exception
that only ends a loop); for a file that is open elsewhere; for a `write_text` that may be another
class's method; for the fallback of a failed atomic write; and in files that cannot have the import
(Python 2, modules that run without their packages).

## Not reported

Appending, exclusive creation (`"x"`, `O_EXCL`) of a file that the function has not just removed,
lock and PID files, temp files that are published by a rename later (even if a helper writes them
for its callers), an incomplete last record that `truncate` cuts off, reports, exports, plots, logs,
and files whose names or readers give no sign that they are read back. Also caches whose readers
treat a broken file as a miss (unless they hold objects or arrays, which take long to compute),
files under version control that describe a project (`package.json`, `.gitignore`), files in a
folder that the function has just created, a constant file that is created once, text that is edited
in each file of a listing, and the first text of a file that the other branch of the same test edits
if the file exists. Scripts for developers (`tools/`, `scripts/`, `.github/` and the like at the top
of a project that has a package of its own) need more evidence than others. As for every rule, tests
are checked only with `check-tests`.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.writes import WriteKind
from atomic_fix.fixes.atomic_write import fix_write
from atomic_fix.rules.rule import CallDetector, Match, Rule, write_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    for site in facts.sites.writes:
        if site.kind is not WriteKind.SAVE and not facts.is_staged(site):
            yield write_match(facts, site, fix_write)


IN_PLACE_WRITE = Rule(
    "ATF101",
    "in-place-write",
    __doc__,
    _matches,
    CallDetector,
    advice="Write a temp file in the same folder, then replace the target with it",
)
