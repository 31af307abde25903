"""A library saves durable state straight to its final path.

## What it does

Reports a library's save function that is given the final path of durable state:
`torch.save`, `numpy.save`, `joblib.dump`, `DataFrame.to_parquet`, `save_file` of
safetensors, `shutil.copy` onto it, and others.

## Why is this bad

The library opens the path for writing, which empties the file, and then writes it piece by piece. A
crash in between leaves a truncated file, under the name that the next run loads.

## Example

```python
torch.save(model.state_dict(), checkpoint_path)
```

## Use instead

```python
with atomic_open(checkpoint_path, "wb") as file:
    torch.save(model.state_dict(), file)
```

## Fix safety

Safe for savers that write the same bytes to a handle. Where they depend on the suffix of the path,
it must be visible in the code: the suffix that `numpy.save` adds to a path without `.npy` is
written out, and for pandas and joblib, which compress by suffix, it must be a suffix that means no
compression. Unsafe for savers that write the same content in another form (the archive of
`torch.save` names its inner folder after the file), where the content is computed before the path
and may change it, and where the function or a caller has already emptied or written the same file
in place and that write is not repaired safely as well. No fix for savers that accept only a path,
for copies, and where the result of the call is used.

## Not reported

Tables and arrays written for people or other tools, savers that are given a handle or a
memory buffer, and temp files that are published by a rename later.
"""

from collections.abc import Iterator

from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.writes import WriteKind
from atomic_fix.fixes.atomic_save import fix_save
from atomic_fix.rules.rule import CallDetector, Match, Rule, write_match


def _matches(facts: ModuleFacts) -> Iterator[Match]:
    publishing = {p.site.node for p in facts.publications}
    for site in facts.sites.writes:
        # A temp file that is copied to its final name is reported by ATF114.
        if (
            site.kind is WriteKind.SAVE
            and site.node not in publishing
            and not facts.is_staged(site)
        ):
            yield write_match(facts, site, fix_save)


IN_PLACE_SAVE = Rule(
    "ATF102",
    "in-place-save",
    __doc__,
    _matches,
    CallDetector,
    advice="Save to a temp file in the same folder, then replace the target with it",
)
