"""Whether code reports an error: it raises, logs at warning level or above, notifies the user, or
moves the bad file away."""

import ast
from collections.abc import Iterable

from atomic_fix.catalog import reporting
from atomic_fix.facts.names import words
from atomic_fix.facts.nodes import arguments, children, dotted, string, walk
from atomic_fix.facts.sites import Sites


class BodyScan:
    """The nodes that decide whether a block is silent, without functions that are only defined in
    it."""

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
                quiet = quiet or is_quiet(node) or _is_for_debugging(node)
                quiet = quiet or dotted(node.func) in {"isinstance", "type"}
                given = (dotted(node.func) or "").rpartition(".")[2] in reporting.GIVING_THE_ERROR
                self.uses_error = self.uses_error or (given and not quiet)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=name):
                self.uses_error = self.uses_error or (name == self._bound is not None and not quiet)
            case ast.Constant():
                text = (string(node) or "").replace("_", " ")
                if not quiet and reporting.FAILURE_TEXT.search(text):
                    self.mentions_failure = True
            case ast.Dict(values=values):
                # A key describes its value, not the error.
                below = [*values]
            case ast.AugAssign(target=ast.Attribute(attr=name)) if is_collected(name):
                self.mentions_failure = True
            case ast.Assign(value=ast.Attribute(attr=name)):
                self._look_at_state(name)
            case ast.Return(value=value):
                if isinstance(value, ast.Attribute):
                    self._look_at_state(value.attr)
                self.returns_false = self.returns_false or dotted(value) == "False"
                self.returns_true = self.returns_true or dotted(value) == "True"
        for each in below:
            self._look_at(each, quiet)

    def _look_at_state(self, name: str) -> None:
        """`return Status.CORRUPTED`: the caller is informed."""
        if name.isupper() and reporting.FAILURE_TEXT.search(name.replace("_", " ")):
            self.mentions_failure = True


def is_collected(name: str) -> bool:
    return not reporting.COLLECTED.isdisjoint(words(name))


def is_quiet(call: ast.Call) -> bool:
    """Whether a call logs at a level that is usually not shown."""
    if not isinstance(call.func, ast.Attribute):
        return False
    method = call.func.attr
    if method == "log":
        return any(map(_is_quiet_level, call.args[:2] + [x.value for x in call.keywords]))
    return (
        method in reporting.QUIET
        and not _warns(call)
        and (method not in reporting.QUIET_FOR_LOGGERS or is_logger(call.func.value))
    )


def _is_for_debugging(call: ast.Call) -> bool:
    """`debug_print(...)`, `self._log_to_debug(...)`: a function of the project's own whose name
    says that only its developers look at what it shows."""
    said = words((dotted(call.func) or "").rpartition(".")[2])
    return len(said) > 1 and "debug" in said and not _warns(call)


def quiet_words(handler: ast.ExceptHandler) -> list[ast.Call]:
    """The calls with which a handler logs the error at a level that is usually not shown."""
    return [
        node
        for line in handler.body
        for node in walk(line)
        if isinstance(node, ast.Call) and is_quiet(node) and _is_of_the_error(node, handler.name)
    ]


def _is_of_the_error(call: ast.Call, bound: str | None) -> bool:
    if any(a.keyword == "exc_info" and dotted(a.value) != "False" for a in arguments(call)):
        return True
    for node in walk(call):
        match node:
            case ast.Name(id=name) if name == bound:
                return True
            case ast.Call(func=func) if node is not call:
                if (dotted(func) or "").rpartition(".")[2] in reporting.GIVING_THE_ERROR:
                    return True
            case _:
                if reporting.FAILURE_TEXT.search(string(node) or ""):
                    return True
    return False


def is_logger(node: ast.expr) -> bool:
    """Whether an expression is a logger, by its name: `log`, `self._logger`, `get_logger()`."""
    node = node.func if isinstance(node, ast.Call) else node
    name = node.attr if isinstance(node, ast.Attribute) else dotted(node) or ""
    return any(
        word in reporting.LOGGER_WORDS or word.endswith("logger")
        for word in words(name.rpartition(".")[2])
    )


def _is_quiet_level(node: ast.expr) -> bool:
    """`logging.DEBUG`, `10`, `"info"`."""
    match node:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() as number):
            return number in reporting.QUIET_NUMBERS
    text = string(node)
    level = (dotted(node) or "").rpartition(".")[2] if text is None else text
    return reporting.QUIET_LEVEL.fullmatch(level.upper()) is not None


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
    kept = (name.full or name.written).rpartition(".")[0]
    if last in reporting.COLLECTING and "." in kept and is_collected(kept):
        return True
    if last in reporting.PRINTING and (_mentions_failure(call) or _is_not_in_english(call)):
        return True
    for arg in arguments(call):
        value = dotted(arg.value)
        match arg.keyword:
            case "err" if value == "True":
                return True
            case "file" if value is not None and "stderr" in value:
                return True
            case "exc_info" if value != "False":
                return not is_quiet(call)
    if any(each <= said for each in reporting.WINDOWS):
        return True
    return bool(said & reporting.WORDS) and last != "isinstance"


def _mentions_failure(call: ast.Call) -> bool:
    """Whether a string or a name in a call says that something is wrong: `print(error)`."""
    for node in walk(call):
        match node:
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.keyword(arg=text):
                pass
            case _:
                text = string(node)
        if text and reporting.FAILURE_TEXT.search(text):
            return True
    return False


def _is_not_in_english(call: ast.Call) -> bool:
    """Whether a call shows a text in letters that English does not have: it may say anything."""
    return any(
        letter.isalpha() and not letter.isascii()
        for node in walk(call)
        for letter in string(node) or ""
    )


def moves_to_backup(call: ast.Call, sites: Sites) -> bool:
    """Whether a call keeps the bad file under another name, or restores a copy in its place."""
    if any(p.call.node is call for p in sites.publishes):
        return True
    last = (dotted(call.func) or "").rpartition(".")[2]
    return bool(set(words(last)) & reporting.RESCUING)
