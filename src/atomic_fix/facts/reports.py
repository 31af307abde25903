"""Whether code reports an error: it raises, logs at warning level or above, notifies the user, or
moves the bad file away."""

import ast
from collections.abc import Iterable

from atomic_fix.catalog import reporting
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import arguments, children, dotted, string, walk
from atomic_fix.facts.sites import Sites


class BodyScan:
    """What decides whether a block is silent. Functions that are defined in it do not run there."""

    def __init__(self, block: Iterable[ast.AST], bound: str | None = None) -> None:
        """
        Args:
            bound: the name of the error that the block handles.
        """
        self.raises = False
        self.calls: list[ast.Call] = []
        self.uses_error = False
        self.mentions_failure = False
        self.returns_false = False
        self.returns_true = False
        self._bound = bound
        for statement in block:
            self._look_at(statement, quiet=False)

    def _look_at(self, node: ast.AST, quiet: bool) -> None:
        below = children(node)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return
            case ast.Raise():
                self.raises = True
            case ast.Call():
                self.calls.append(node)
                quiet = quiet or _is_quiet(node)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=name):
                self.uses_error = self.uses_error or (name == self._bound is not None and not quiet)
            case ast.Constant():
                text = (string(node) or "").replace("_", " ")
                if not quiet and reporting.FAILURE_TEXT.search(text):
                    self.mentions_failure = True
            case ast.Dict(values=values):
                # A key describes its value, not this case.
                below = [*values]
            case ast.Return(value=value):
                self.returns_false = self.returns_false or dotted(value) == "False"
                self.returns_true = self.returns_true or dotted(value) == "True"
        for each in below:
            self._look_at(each, quiet)


def _is_quiet(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in reporting.QUIET and not _warns(call)
    return dotted(call.func) in {"isinstance", "type"}


def _warns(call: ast.Call) -> bool:
    """`logger.log(logging.WARNING, ...)`, `log("...", level="error")`."""
    for arg in arguments(call):
        text = string(arg.value)
        level = (dotted(arg.value) or "").rpartition(".")[2] if text is None else text.upper()
        if level in reporting.ALARM_LEVELS:
            return True
    return False


def reports(block: Iterable[ast.AST], sites: Sites) -> bool:
    """Whether some statements raise, report, or move the file away."""
    seen = BodyScan(block)
    return seen.raises or any(is_report(c, sites) or moves_to_backup(c, sites) for c in seen.calls)


def is_report(call: ast.Call, sites: Sites) -> bool:
    """Whether a call reports, or ends the program."""
    name = sites.paths.qualified(dotted(call.func))
    if name.full in reporting.CALLS:
        return True
    last = name.last
    if isinstance(call.func, ast.Attribute):
        last = call.func.attr
    said = set(words(last))
    logs = "log" in said and (_warns(call) or said & reporting.LOGGED)
    if last in reporting.METHODS or logs:
        return True
    if last in reporting.PRINTING and _mentions_failure(call):
        return True
    for arg in arguments(call):
        value = dotted(arg.value)
        match arg.keyword:
            case "err" if value == "True":
                return True
            case "file" if value is not None and "stderr" in value:
                return True
            case "exc_info" if value != "False":
                return last not in reporting.QUIET
    return bool(said & reporting.WORDS) and last != "isinstance"


def _mentions_failure(call: ast.Call) -> bool:
    """Whether a text in a call says that something is wrong, or a name: `print(error)`."""
    for node in walk(call):
        match node:
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.keyword(arg=text):
                pass
            case _:
                text = string(node)
        if text and reporting.FAILURE_TEXT.search(text):
            return True
    return False


def moves_to_backup(call: ast.Call, sites: Sites) -> bool:
    """Whether a call keeps the bad file under another name, or takes a copy in its place."""
    if any(p.call.node is call for p in sites.publishes):
        return True
    last = (dotted(call.func) or "").rpartition(".")[2]
    return bool(set(words(last)) & reporting.RESCUING)
