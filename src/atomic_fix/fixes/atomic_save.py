"""ATF102: a saver is given a handle of `atomic_open` in place of the path."""

from dataclasses import dataclass
from pathlib import PurePath

import libcst as cst

from atomic_fix.facts import ModuleFacts
from atomic_fix.facts.sites import WriteSite
from atomic_fix.finding import Edit, Fix
from atomic_fix.fixes import Refused
from atomic_fix.fixes.atomic_write import Attempt
from atomic_fix.fixes.place import Place, keyword


@dataclass(frozen=True, slots=True)
class _Handle:
    """What a saver does with a handle in place of a path."""

    arguments: str = '"wb"'
    """How `atomic_open` is called after the path."""
    suffixes: tuple[str, ...] = ()
    """Given a path, the saver writes to that very file, and plainly, only with one of these
    suffixes; empty when the suffix is nothing to it."""
    module: str = ""
    """A package that the module must import: the method alone does not say whose it is."""
    doubt: str = ""
    """Why a person should read it; empty when the bytes are the same."""
    refused: frozenset[str] = frozenset()
    """Keywords that go with a path only, or open the file in another way."""


_TABLE_OPTIONS = frozenset({"mode", "encoding", "errors", "compression", "storage_options"})
_PANDAS_TEXT = '"w", encoding="utf-8", newline=""'

_HANDLES: dict[str, _Handle] = {
    "torch.save": _Handle(doubt="the archive's inner folder is named `archive`, not as the file"),
    "torch.jit.save": _Handle(doubt="the archive's inner folder is named `archive`"),
    "numpy.save": _Handle(suffixes=(".npy",)),
    "numpy.savez": _Handle(suffixes=(".npz",)),
    "numpy.savez_compressed": _Handle(suffixes=(".npz",)),
    "scipy.sparse.save_npz": _Handle(suffixes=(".npz",)),
    "scipy.io.savemat": _Handle(suffixes=(".mat",), refused=frozenset({"appendmat"})),
    "joblib.dump": _Handle(suffixes=(".joblib", ".pkl", ".pickle", ".bin", ".dat", ".job")),
    "paddle.save": _Handle(doubt="paddle writes the same content, but maybe in other chunks"),
    "to_csv": _Handle(_PANDAS_TEXT, (".csv", ".tsv", ".txt"), "pandas", refused=_TABLE_OPTIONS),
    "to_json": _Handle(_PANDAS_TEXT, (".json", ".jsonl"), "pandas", refused=_TABLE_OPTIONS),
    "to_pickle": _Handle(suffixes=(".pkl", ".pickle"), module="pandas", refused=_TABLE_OPTIONS),
    "to_parquet": _Handle(
        module="pandas",
        doubt="the engine may write other metadata to a handle",
        refused=frozenset({"storage_options", "partition_cols", "engine"}),
    ),
    "to_feather": _Handle(module="pandas", doubt="feather may be written in other chunks"),
    "write_csv": _Handle(module="polars", doubt="polars buffers handles in its own way"),
    "write_parquet": _Handle(module="polars", doubt="polars buffers handles in its own way"),
    "write_ipc": _Handle(module="polars", doubt="polars buffers handles in its own way"),
    "write_ndjson": _Handle(module="polars", doubt="polars buffers handles in its own way"),
    "ElementTree.write": _Handle(doubt="on Windows the line ends become \\n"),
}


def fix_save(facts: ModuleFacts, site: WriteSite) -> Fix:
    """The repair of a library's save straight to its final path."""
    if site.content == "copy":
        raise Refused("copy to a temp file beside the target, then `os.replace` it")
    row = _HANDLES.get(site.api)
    if row is None:
        raise Refused(f"`{site.api}` takes a path only; save to a temp file, then `os.replace` it")
    if site.call.shown is not None:
        raise Refused("the saver is called by another function")
    attempt = Attempt(Place(facts, site.function), site)
    place, call = attempt.place, attempt.call
    local = attempt.helper("atomic_open")
    if row.module and not place.imports(row.module):
        raise Refused(f"whether this is {row.module}'s `{site.api}` cannot be seen")
    if row.doubt:
        place.doubt(row.doubt)
    for arg in call.args:
        if arg.star:
            raise Refused("not every argument of the saver is in sight")
        if keyword(arg) in row.refused:
            raise Refused(f"with `{keyword(arg)}` the saver treats a handle in another way")
    suffix = _suffix(site)
    if row.suffixes and suffix is None:
        place.doubt(f"the path must end in {' or '.join(row.suffixes[:2])}")
    elif row.suffixes and suffix not in row.suffixes:
        raise Refused(f"`{site.api}` treats the suffix {suffix} of a path in its own way")
    if not isinstance(place.parents.get(call), cst.Expr):
        raise Refused("what the saver returns is used")
    place.line(call)
    path = attempt.path_text(site.path_node)
    given = next((arg for arg in call.args if arg.value is site.path_node), None)
    if given is None:
        raise Refused("the path is not an argument of the saver")
    handle = place.fresh("file", "handle", "output")
    if place.comments(call):
        raise Refused("comments stand in the call")
    span = place.span(call)
    indent = place.indent(span.start.row)
    deeper = indent + place.unit
    opened, end = [path, *row.arguments.split(", ")], f" as {handle}:"
    opener = place.laid_out(f"with {local}", opened, span, indent, end)
    named = f"{keyword(given)}={handle}" if keyword(given) else handle
    arguments = [named if arg is given else arg for arg in call.args]
    saved = place.laid_out(place.text(call.func), arguments, span, deeper)
    return attempt.made(Edit(span, f"{opener}\n{deeper}{saved}"))


def _suffix(site: WriteSite) -> str | None:
    """The suffix of the path, if the literal that ends it is in sight."""
    found = [
        PurePath("_" + mention.text).suffix.lower()
        for mention in site.path.mentions
        if mention.kind == "literal"
    ]
    suffixes = {suffix for suffix in found if suffix}
    return suffixes.pop() if len(suffixes) == 1 else None
