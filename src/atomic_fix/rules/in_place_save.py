"""A library saves durable state straight to its final path.

## What it does

Reports a library's save function that is given the final path of durable state:
`torch.save`, `numpy.save`, `joblib.dump`, `DataFrame.to_parquet`, `save_file` of
safetensors, `shutil.copy` onto it, and others.

## Why is this bad

The library opens the path for writing, which empties it, and then takes its time. A crash
in between leaves a file that is cut short, under the name that the next run loads.

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

Safe for savers that write the same bytes to a handle. Where they go by the suffix of the path, it
has to be in sight: what `numpy.save` adds to a path without `.npy` is put into the path, and
pandas and joblib, which compress by suffix, must be given a plain one. Unsafe for savers that
write the same content in another form (the archive of `torch.save` names its inner folder after
the file), and where the content is worked out before a path that it may change. No fix for savers
that take a path only, for copies, and where the result of the call is used.

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
        # A temp file that is copied to its final name is told by ATF114.
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
