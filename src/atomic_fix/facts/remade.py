"""Files written in place whose truncation loses nothing: they are recreated, new, or under version
control. Each reason excludes a write, whatever its names say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from atomic_fix.catalog.apis import SPLITTERS, Content
from atomic_fix.catalog.calls import ASKING, LISTING
from atomic_fix.catalog.words import KEPT_IN_CACHES, VERSIONED_FILES
from atomic_fix.facts.caches import is_cache
from atomic_fix.facts.elsewhere import View
from atomic_fix.facts.evidence import Readers, Score, guarded_by_absence, is_read_back
from atomic_fix.facts.loads import LoadSite
from atomic_fix.facts.names import phrase_in, words
from atomic_fix.facts.nodes import FORS, argument, called_name, code_of, last_name, walk
from atomic_fix.facts.outside import OutsideSite
from atomic_fix.facts.paths import OccurrenceKind, PathValue
from atomic_fix.facts.reports import reports
from atomic_fix.facts.scopes import BindingKind, BlockKind, Call, FunctionFacts
from atomic_fix.facts.sites import Sites, WriteSite
from atomic_fix.facts.swallowing import is_handled
from atomic_fix.facts.trusted import is_trusted

# Data stored as objects or arrays is expensive to compute.
_COSTLY = frozenset({"cloudpickle", "dill", "joblib", "numpy", "pandas", "pickle", "torch"})
_MAKING = frozenset({"makedirs", "mkdir"})
_WRITING = frozenset({"dump", "save", "write"})
_WORD = re.compile(r"\w+")


def why_nothing_is_lost(
    sites: Sites,
    site: WriteSite,
    view: View,
    readers: Readers,
    new_files: NewFiles,
    score: Score,
) -> str:
    """A clause that says why truncating a file loses nothing; or empty."""
    path, function = view.path, site.function
    if is_versioned(path):
        return "such a file is under version control"
    # Data that libraries save, such as arrays, is expensive to compute.
    is_state = any(phrase_in(KEPT_IN_CACHES, each) for each in site.data)
    is_cached = site.saver is None and not is_state
    if is_cached and is_tolerated_cache(sites, path, function, readers, view.readers):
        return "it is a cache, and a broken one is a miss"
    is_state = site.content is Content.STATE and is_trusted(sites, site)
    if site.constant and guarded_by_absence(site) and not is_state:
        return "it is created once, from constants in the code"
    if guarded_by_absence(site) and _is_kept_up(sites, site):
        return "it is created where it is missing, and rewritten where it exists"
    if not is_read_back(score.features) and new_files.holds(site):
        return "there is no earlier file"
    if _edits_what_it_lists(sites, site):
        return "it edits the text of files that it lists"
    if _is_target(site):
        return "such a target takes its final name when it is closed"
    return ""


def _is_kept_up(sites: Sites, site: WriteSite) -> bool:
    """Whether the other branch of the test edits the text of the file and writes it again, and
    nothing parses the file: if the first version is cut short, no reader fails."""
    if site.content is Content.STATE:
        return False
    around = [
        block
        for block in site.call.enclosing
        if isinstance(block.node, ast.If)
        and any(each in code_of(block.node.test) for each in ASKING)
    ]
    if not around or any(
        not load.raw and load.path.same(site.path) for load in sites.loads_in(site.function)
    ):
        return False
    # This still holds after the other write has been repaired with the helper.
    return any(
        not _WRITING.isdisjoint(words(last_name(call.node.func) or ""))
        and any(
            block.node is around[-1].node and block.kind is not around[-1].kind
            for block in call.enclosing
        )
        and any(
            isinstance(each, (ast.Name, ast.Attribute))
            and sites.handles.resolve(each, call).same(site.path)
            for each in (call.receiver, *(given.value for given in call.arguments))
        )
        for call in site.function.calls
    )


def is_versioned(path: PathValue) -> bool:
    """Whether a file is one of those that describe a project, judged by its full name."""
    return any(
        each.kind is OccurrenceKind.LITERAL
        and each.distance < 3
        and each.text.replace("\\", "/").rpartition("/")[2].lower() in VERSIONED_FILES
        for each in path.occurrences
    )


def is_tolerated_cache(
    sites: Sites,
    path: PathValue,
    function: FunctionFacts,
    readers: Readers,
    elsewhere: Sequence[OutsideSite] = (),
) -> bool:
    """Whether a file is a cache whose readers, including those `elsewhere`, all silently treat a
    broken file as a cache miss."""
    if not is_cache(path, function):
        return False
    loads = _parsing(readers.of(path))
    if (
        not loads
        and not elsewhere
        and (pair := readers.are_paired((function,), frozenset(), own=True))
    ):
        loads = _parsing([pair[0]])
    return (
        bool(loads or elsewhere)
        and all(is_miss(sites, each.call) and not is_costly(each.api) for each in loads)
        and all(each.misses for each in elsewhere)
    )


def is_costly(api: str) -> bool:
    """Whether the loaded data is expensive to compute."""
    return not _COSTLY.isdisjoint(api.split("."))


def is_miss(sites: Sites, call: Call) -> bool:
    """Whether the function that contains a call silently treats a broken file as a cache miss."""
    return is_handled(call) and not _is_warned_of(sites, call)


def _is_warned_of(sites: Sites, call: Call) -> bool:
    """Whether the reader does not expect a broken file."""
    return any(
        reports(handler.body, sites)
        for block in call.enclosing
        if block.kind is BlockKind.TRY and isinstance(block.node, ast.Try)
        for handler in block.node.handlers
    )


def _parsing(loads: Iterable[LoadSite]) -> list[LoadSite]:
    return [each for each in loads if not each.raw]


class NewFiles:
    """Determines which writes create a file that cannot exist before. Each function is analysed
    once."""

    def __init__(self) -> None:
        self._known: dict[FunctionFacts, _Cleared] = {}

    def holds(self, site: WriteSite) -> bool:
        """Whether the function created the file's folder and would have failed if it existed,
        emptied the folder, or requires that the file does not exist."""
        function = site.function
        cleared = self._known.get(function)
        if cleared is None:
            cleared = self._known[function] = _cleared_in(function)
        return cleared.holds(code_of(site.path_node), site.node.lineno)


@dataclass(frozen=True, slots=True)
class _Cleared:
    """The paths, as code, that a function ensures do not exist, each with the row from which this
    holds."""

    files: dict[str, int] = field(default_factory=dict)
    folders: dict[str, dict[str, int]] = field(default_factory=dict)
    """Indexed by the last word of each path: a path in such a folder contains that word, too."""

    def add_file(self, path: ast.expr, row: int) -> None:
        text = code_of(path)
        self.files[text] = min(row, self.files.get(text, row))

    def add_folder(self, path: ast.expr, row: int) -> None:
        text = code_of(path)
        *_, word = ("", *_WORD.findall(text))
        rows = self.folders.setdefault(word, {})
        rows[text] = min(row, rows.get(text, row))

    def holds(self, path: str, row: int) -> bool:
        """Whether a file is known not to exist at a row."""
        if self.files.get(path, row + 1) <= row:
            return True
        return bool(self.folders) and any(
            since <= row and _is_in(path, folder)
            for word in {"", *_WORD.findall(path)} & self.folders.keys()
            for folder, since in self.folders[word].items()
        )


def _cleared_in(function: FunctionFacts) -> _Cleared:
    found = _Cleared()
    # Folders created in any case: under no test, and in no `try`.
    bare = {call.node for call in function.calls if not call.enclosing}
    for node in walk(function.node):
        match node:
            case ast.Assert(test=ast.UnaryOp(op=ast.Not(), operand=ast.Call() as asked)):
                where = asked.args[0] if asked.args else getattr(asked.func, "value", None)
                if where is not None and last_name(asked.func) in ASKING:
                    found.add_file(where, node.lineno)
            case ast.Call(args=[where, *_]) if called_name(node) == "rmtree":
                found.add_folder(where, node.lineno + 1)
            case ast.Call() if (
                node in bare
                and called_name(node) in _MAKING
                and argument(node, None, "exist_ok") is None
            ):
                where = node.args[0] if node.args else getattr(node.func, "value", None)
                if isinstance(where, ast.Call) and last_name(where.func) == "Path" and where.args:
                    where = where.args[0]  # `Path(folder).mkdir()`
                if isinstance(where, (ast.Name, ast.Attribute)) and code_of(where) != "os":
                    found.add_folder(where, node.lineno)
    return found


def _is_in(path: str, folder: str) -> bool:
    """Whether a path, as code, consists of a folder and something more."""
    return folder != path and re.search(rf"(?<![\w.]){re.escape(folder)}(?!\w)", path) is not None


def _edits_what_it_lists(sites: Sites, site: WriteSite) -> bool:
    """`for path in root.rglob("*"): path.write_text(edited(path.read_text()))`."""
    loads = [each for each in sites.loads_in(site.function) if each.path.same(site.path)]
    if not loads or not all(each.raw or each.api in SPLITTERS for each in loads):
        return False
    loops = [block.node.iter for block in site.call.enclosing if isinstance(block.node, FORS)]
    return any(_lists(each, site.function, depth=3) for each in loops)


def _lists(node: ast.expr, function: FunctionFacts, depth: int) -> bool:
    for each in walk(node):
        if isinstance(each, ast.Call) and called_name(each) in LISTING:
            return True
        if isinstance(each, ast.Name) and depth:
            for binding in function.bindings.get(each.id, ()):
                if binding.kind is not BindingKind.FOR and _lists(
                    binding.value, function, depth - 1
                ):
                    return True
    return False


def _is_target(site: WriteSite) -> bool:
    """`LocalTarget(path).open("w")`, which renames a temp file when it is closed."""
    receiver = site.call.receiver
    if site.call.method != "open" or not isinstance(receiver, ast.Call):
        return False
    name = called_name(receiver)
    return name.endswith("Target") or (name == "output" and not receiver.args)
