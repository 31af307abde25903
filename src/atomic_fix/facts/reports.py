"""Whether code reports an error: it raises, logs at warning level or above, tells the user, or
moves the bad file aside."""

import re

import libcst as cst

from atomic_fix.facts.names import code_of, dotted, words
from atomic_fix.facts.sites import Sites

_REPORT_METHODS = frozenset(
    {"warning", "warn", "error", "exception", "critical", "fatal", "capture_exception", "abort"}
)
_REPORT_CALLS = frozenset(
    {
        "warnings.warn",
        "traceback.print_exc",
        "traceback.print_exception",
        "sys.exit",
        "sys.stderr.write",
        "os._exit",
        "builtins.exit",
        "builtins.quit",
        "builtins.SystemExit",
        "sentry_sdk.capture_exception",
    }
)
# Words in a called function's name that say it tells somebody or stops.
_REPORT_WORDS = frozenset(
    {"abort", "alert", "complain", "die", "error", "fail", "fatal", "notify", "warn", "warning"}
)
# In the name of a call that logs: `log_trace`, `log_err`.
_LOGGED = frozenset({"err", "exc", "trace", "traceback"})
_ASIDE_WORDS = frozenset({"backup", "quarantine", "recover", "repair", "restore"})
_QUIET_METHODS = frozenset({"debug", "info", "trace", "log"})
# Calls that show a text to whoever runs the program.
_PRINTING = frozenset({"echo", "print", "pprint", "secho"})
_BAD_NEWS = re.compile(
    r"\b(bad|broken|cannot|can't|corrupt\w*|could not|couldn't|damaged|error\w*|fail\w*|invalid"
    r"|malformed|not (a )?valid|unable|unreadable|warn\w*)\b",
    re.IGNORECASE,
)


class BodyScan(cst.CSTVisitor):
    """Collects what decides whether a handler is silent."""

    def __init__(self, bound: str | None) -> None:
        super().__init__()
        self.bound = bound
        self.raises = False
        self.calls: list[cst.Call] = []
        self.uses_error = False
        self.says_bad_news = False
        self.says_no = False
        self._quiet = 0

    def visit_Raise(self, node: cst.Raise) -> None:
        self.raises = True

    def visit_Call(self, node: cst.Call) -> None:
        self.calls.append(node)
        if _is_quiet(node):
            self._quiet += 1

    def leave_Call(self, original_node: cst.Call) -> None:
        if _is_quiet(original_node):
            self._quiet -= 1

    def visit_Name(self, node: cst.Name) -> None:
        if node.value == self.bound and not self._quiet:
            self.uses_error = True

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self._hear(node.raw_value)

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self._hear(node.value)

    def _hear(self, text: str) -> None:
        if not self._quiet and _BAD_NEWS.search(text.replace("_", " ")):
            self.says_bad_news = True

    def visit_DictElement(self, node: cst.DictElement) -> bool:
        node.value.visit(self)  # a key says what stands behind it, and nothing of this case
        return False

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None and dotted(node.value) == "False":
            self.says_no = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False


def _is_quiet(node: cst.Call) -> bool:
    if isinstance(node.func, cst.Attribute):
        return node.func.attr.value in _QUIET_METHODS and not _warns(node)
    return dotted(node.func) in {"isinstance", "type"}


def _warns(node: cst.Call) -> bool:
    """`logger.log(logging.WARNING, ...)`, `log("...", level="error")`."""
    for arg in node.args:
        if isinstance(arg.value, cst.SimpleString):
            level = str(arg.value.evaluated_value).upper()
        else:
            level = (dotted(arg.value) or "").rpartition(".")[2]
        if level in {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}:
            return True
    return False


def reports(node: cst.CSTNode, sites: Sites) -> bool:
    """Whether a block raises, tells somebody, or moves the file aside."""
    seen = BodyScan(None)
    node.visit(seen)
    return seen.raises or any(is_report(c, sites) or moves_aside(c, sites) for c in seen.calls)


def is_report(call: cst.Call, sites: Sites) -> bool:
    name = sites.paths.qualified(dotted(call.func)) or ""
    if name in _REPORT_CALLS:
        return True
    last = name.rpartition(".")[2]
    if isinstance(call.func, cst.Attribute):
        last = call.func.attr.value
    said = set(words(last))
    if last in _REPORT_METHODS or ("log" in said and (_warns(call) or said & _LOGGED)):
        return True
    if last in _PRINTING and _BAD_NEWS.search(code_of(call)):
        return True
    for arg in call.args:
        if arg.keyword is not None:
            value = dotted(arg.value)
            if arg.keyword.value == "err" and value == "True":
                return True
            if arg.keyword.value == "file" and value is not None and "stderr" in value:
                return True
            if arg.keyword.value == "exc_info" and value != "False":
                return last not in _QUIET_METHODS
    return bool(said & _REPORT_WORDS) and last != "isinstance"


def moves_aside(call: cst.Call, sites: Sites) -> bool:
    if any(p.call.node is call for p in sites.publishes):
        return True
    last = (dotted(call.func) or "").rpartition(".")[2]
    return bool(set(words(last)) & _ASIDE_WORDS)
