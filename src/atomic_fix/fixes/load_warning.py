"""The warning that a file could not be loaded: which logger it uses, and how it is written."""

import ast
import re
from dataclasses import dataclass

from atomic_fix.catalog import reporting
from atomic_fix.facts import fallbacks
from atomic_fix.facts.nodes import FUNCTIONS, dotted
from atomic_fix.facts.swallowing import Swallow
from atomic_fix.finding import Span
from atomic_fix.fixes import Refused
from atomic_fix.fixes.edit_context import EditContext
from atomic_fix.fixes.imports import import_module

_LEVELS = rf"(?:{'|'.join(sorted(reporting.LOGGER_METHODS))})"
_OWN = re.compile(rf"\b(self|cls)\.(_?log(?:ger)?)\.{_LEVELS}\(")
# Functions that objects have instead of a logger, and how a warning is marked in them.
_LOG_FUNCTIONS = frozenset({"_log", "log", "log_message", "logger", "logging", "write_log"})
_LEVEL_OF_TEXT = re.compile(r"""\blevel\s*=\s*(["'])WARN(?:ING)?\1""")
# Methods of a named logger, not of the root logger.
_MADE = re.compile(rf"\b(?:{'|'.join(sorted(reporting.LOGGER_MAKERS))})\((?!\))")


@dataclass(frozen=True, slots=True)
class _Logger:
    name: str
    style: str
    """How it accepts arguments: `%`, `{`, `key` (keywords), `text` (one string), or `call` (one
    string; it is a function, not a logger)."""
    more: tuple[str, ...] = ()
    """Additional arguments of a function."""


def warning(context: EditContext, swallow: Swallow, path: str, error: str, indent: str) -> str:
    """The statement, for a row with this indentation.

    Raises:
        Refused: there is no logger, and none can be created.
    """
    _must_not_log_here(context, swallow)
    logger = _logger(context, swallow)
    said = "could not load"
    if fallbacks.is_of_loop_item(swallow.region, swallow.load):
        said = "invalid data in"  # the rest of the module has been executed
    match logger.style:
        case "key":
            arguments = [f'"{said} the file"', f"path=str({path})", f"error=str({error})"]
        case "{":
            arguments = [f'"{said} {{}}: {{}}"', path, error]
        case "%":
            arguments = [f'"{said} %s: %s"', path, error]
        case _ if re.search(r"[\"\\{}]", path):
            arguments = [f'"{said} %s: %s" % ({path}, {error})']
        case _:
            arguments = [f'f"{said} {{{path}}}: {{{error}}}"']
    called = logger.name if logger.style == "call" else f"{logger.name}.warning"
    end = context.end_of_row(swallow.node.lineno)
    return context.format_call(called, [*arguments, *logger.more], Span(end, end), indent)


def _must_not_log_here(context: EditContext, swallow: Swallow) -> None:
    """Refuses a warning that would be sent back to the same code, or that cannot be logged."""
    function, owner = swallow.function, swallow.function.owner
    for base in owner.bases if owner is not None else ():
        name = context.facts.paths.qualified(base).full
        if name.startswith("logging.") and name.endswith(("Filter", "Formatter", "Handler")):
            raise Refused(f"a warning would be sent to this same `{base}`")
    if function.name in {"__repr__", "__str__", "__format__"}:
        raise Refused(f"a warning may be logged while `{function.name}` handles one")
    if function.name == "__del__":
        raise Refused("logging may no longer work in `__del__`")
    names = {each.name for each in function.parameters}
    if "frame" in names and not names.isdisjoint({"sig", "signal", "signum", "signo"}):
        raise Refused("the code is a signal handler, in which logging is not safe")


def _logger(context: EditContext, swallow: Swallow) -> _Logger:
    found = (
        _of_module(context, swallow)
        or _imported(context)
        or _of_object(context, swallow)
        or _of_function(context)
    )
    if found is not None:
        return found
    if context.imports(*reporting.SCREENS):
        raise Refused("a warning would disturb the terminal interface of the program")
    module = import_module(context, "logging")
    if _logs_through_root(context, module):
        return _Logger(module, "%")
    if context.function.is_module and any(
        edit.span.start.row > swallow.node.lineno for edit in context.added
    ):
        raise Refused("`logging` would be imported below its first use")
    return _Logger(f"{module}.getLogger(__name__)", "%")


def _logs_through_root(context: EditContext, module: str) -> bool:
    """Whether the file logs with `logging.error(...)` and the like, and has no other logger."""
    return (
        context.search_source(rf"(?<![\w.]){module}\.{_LEVELS}\(") is not None
        and context.search_source(_MADE) is None
        and context.facts.scopes.imports.get(module) == "logging"
        and _is_at_top(context, module)
    )


def _of_module(context: EditContext, swallow: Swallow) -> _Logger | None:
    """`log = logging.getLogger(__name__)` at the top of the file, also of other packages."""
    for row, name, style in context.cached("made loggers", lambda: _made_loggers(context)):
        if not swallow.function.hides(name) and not _is_bound_too_late(context, swallow, row):
            return _Logger(name, style)
    return None


def _made_loggers(context: EditContext) -> list[tuple[int, str, str]]:
    """The rows and names of the loggers that the module creates, and how each accepts arguments."""
    facts = context.facts
    found = []
    for statement in facts.tree.module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name), *_], value=ast.Call(func=func)):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=func)):
                pass
            case _:
                continue
        if len(facts.scopes.module.bindings.get(name, ())) != 1:
            continue
        called = facts.paths.qualified(dotted(func))
        if called.last in reporting.LOGGER_MAKERS:
            style = {"logging": "%", "structlog": "key"}.get(called.package, "text")
            found.append((statement.lineno, name, style))
    return found


def _is_bound_too_late(context: EditContext, swallow: Swallow, row: int) -> bool:
    """Whether the handler may run before this row of the module has run."""
    handler = swallow.node.lineno
    if row < handler:
        return False
    definitions = (*FUNCTIONS, ast.Import, ast.ImportFrom)
    return swallow.function.is_module or any(
        isinstance(node, ast.Call)
        for line in context.facts.tree.module.body
        if handler < line.lineno < row and not isinstance(line, definitions)
        for node in ast.walk(line)
    )


def _imported(context: EditContext) -> _Logger | None:
    """`from loguru import logger`, or a logger of another module that this one uses."""
    for local, target in context.facts.scopes.imports.items():
        if context.function.hides(local) or local in context.facts.scopes.module.bindings:
            continue
        if not _is_at_top(context, local):
            continue
        if target == "loguru.logger":
            return _Logger(local, "{")
        if local in reporting.LOGGERS and context.search_source(rf"(?<![\w.]){local}\.{_LEVELS}\("):
            return _Logger(local, "%" if _takes_arguments(context, local) else "text")
    return None


def _takes_arguments(context: EditContext, name: str) -> bool:
    """Whether the file logs by `logger.info("at %s", step)` with a logger that it imports."""
    text = r"""(["'])[^"'\n]*%[drs][^"'\n]*\1,\s*(?!\w+\s*=)"""
    return context.search_source(rf"(?<![\w.]){name}\.{_LEVELS}\(\s*{text}") is not None


def _of_function(context: EditContext) -> _Logger | None:
    """`_get_logger().warning(...)`, where the file has such a function and logs with it."""
    if context.function.is_module or not context.search_source(rf"(?<![\w.])\w+\(\)\.{_LEVELS}\("):
        return None
    for line in context.facts.tree.module.body:
        if not isinstance(line, ast.FunctionDef) or line.decorator_list:
            continue
        last, arguments, name = line.body[-1], line.args, line.name
        if (
            not isinstance(last, ast.Return)
            or not isinstance(last.value, ast.Call)
            or any((arguments.args, arguments.posonlyargs, arguments.kwonlyargs))
            or context.function.hides(name)
            or len(context.facts.scopes.module.bindings.get(name, ())) > 1
        ):
            continue
        called = context.facts.paths.qualified(dotted(last.value.func))
        used = context.search_source(rf"(?<![\w.]){name}\(\)\.{_LEVELS}\(")
        if called.last in reporting.LOGGER_MAKERS and used:
            return _Logger(f"{name}()", "%" if called.full == "logging.getLogger" else "text")
    return None


def _is_at_top(context: EditContext, name: str) -> bool:
    """Whether an import at the top of the file binds a name."""
    return name in context.cached("at top", lambda: _bound_at_top(context))


def _bound_at_top(context: EditContext) -> set[str]:
    """The names that imports at the top of the file bind."""
    return {
        alias.asname or alias.name.partition(".")[0]
        for statement in context.facts.tree.module.body
        if isinstance(statement, (ast.Import, ast.ImportFrom))
        for alias in statement.names
    }


def _of_object(context: EditContext, swallow: Swallow) -> _Logger | None:
    """`self.logger`, if it exists when the handler runs."""
    first = swallow.function.parameters[:1]
    owner = swallow.function.owner
    if owner is None or not first or swallow.function.outer is None:
        return None
    receiver, row = first[0].name, swallow.node.lineno
    around = context.enclosing_definitions(swallow.node)
    classes = [node for node in around if isinstance(node, ast.ClassDef)]
    functions = [node for node in around if not isinstance(node, ast.ClassDef)]
    if not classes or not functions or receiver not in {"self", "cls"}:
        return None
    home = classes[-1]
    loggers = context.cached(("loggers of", home), lambda: _loggers_of(context, home))
    for of, name in loggers:
        if name in _attributes_of(context, home).optional:
            continue
        if of == receiver and _is_there(home, functions[-1], name, receiver, row):
            bound = context.facts.paths.attribute(owner, name)
            made = [each.value for each in bound if isinstance(each.value, ast.Call)]
            names = {context.facts.paths.qualified(dotted(each.func)).full for each in made}
            style = "%" if names == {"logging.getLogger"} else "text"
            return _Logger(f"{receiver}.{name}", style)
    if receiver == "self":
        return _function_of_object(context, home, functions[-1], row)
    return None


def _function_of_object(
    context: EditContext, home: ast.ClassDef, function: ast.AST, row: int
) -> _Logger | None:
    """`self.log("...")`: a method that other methods of the class call with one text."""
    calls = context.cached(("log functions of", home), lambda: _log_calls(home))
    attributes = _attributes_of(context, home)
    for name, found in calls.items():
        if not all(map(_gives_one_text, found)):
            continue
        if not (
            _has_method(home, name)
            or (
                _is_there(home, function, name, "self", row)
                and name not in attributes.optional | attributes.given
            )
            or _is_inherited(home, function, name)
        ):
            continue
        texts = [context.facts.tree.text(each) for each in found]
        louder = next((m[0] for m in map(_LEVEL_OF_TEXT.search, texts) if m), "")
        return _Logger(f"self.{name}", "call", (louder,) if louder else ())
    return None


def _log_calls(home: ast.ClassDef) -> dict[str, list[ast.Call]]:
    """The calls of `self.log` and the like in a class; a name with awaited calls is not used."""
    found: dict[str, list[ast.Call]] = {}
    awaited = {each.value for each in ast.walk(home) if isinstance(each, ast.Await)}
    out = {each.name for each in home.body if isinstance(each, ast.AsyncFunctionDef)}
    for node in ast.walk(home):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if (
                name in _LOG_FUNCTIONS
            ):
                found.setdefault(name, []).append(node)
                if node in awaited:
                    out.add(name)
    return {name: calls for name, calls in found.items() if name not in out}


def _has_method(home: ast.ClassDef, name: str) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == name for each in home.body)


@dataclass(frozen=True, slots=True)
class _Attributes:
    """The possible values of the attributes of a class, by name."""

    optional: frozenset[str]
    """May be None: the class sets or tests them so, or gets them from an optional parameter."""
    given: frozenset[str]
    """Passed by the caller of `__init__`."""


def _attributes_of(context: EditContext, home: ast.ClassDef) -> _Attributes:
    return context.cached(("attributes of", home), lambda: _find_attributes(home))


def _find_attributes(home: ast.ClassDef) -> _Attributes:
    optional: set[str] = set()
    given: set[str] = set()
    for node in ast.walk(home):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test):
                parts = [each for each in ast.walk(test) if isinstance(each, ast.Attribute)]
                # `self.logger.disabled` tests nothing of `self.logger`.
                inner = {each.value for each in parts}
                optional |= {each.attr for each in parts if each not in inner}
            case ast.Assign(targets=targets, value=ast.Constant(value=None)):
                optional |= {each.attr for each in targets if isinstance(each, ast.Attribute)}
            case ast.FunctionDef(name="__init__", args=arguments):
                defaults = _defaults_of(arguments)
                for each in ast.walk(node):
                    if (
                        isinstance(each, ast.Assign)
                        and isinstance(each.value, ast.Name)
                        and each.value.id in defaults
                    ):
                        names = {x.attr for x in each.targets if isinstance(x, ast.Attribute)}
                        given |= names
                        default = defaults[each.value.id]
                        if isinstance(default, ast.Constant) and default.value is None:
                            optional |= names
    return _Attributes(frozenset(optional), frozenset(given))


def _defaults_of(arguments: ast.arguments) -> dict[str, ast.expr | None]:
    """The parameters of a function with their defaults, if they have any."""
    by_place = [*arguments.posonlyargs, *arguments.args]
    found: dict[str, ast.expr | None] = {each.arg: None for each in by_place}
    with_default = by_place[len(by_place) - len(arguments.defaults) :]
    found.update((each.arg, x) for each, x in zip(with_default, arguments.defaults, strict=True))
    found.update(
        (each.arg, x) for each, x in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    return found


def _gives_one_text(call: ast.Call) -> bool:
    if len(call.args) != 1 or any(each.arg != "level" for each in call.keywords):
        return False
    match call.args[0]:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format")):
            return True
        case ast.BinOp(op=ast.Mod() | ast.Add(), left=ast.Constant(value=str()) | ast.BinOp()):
            return True
    return False


def _is_inherited(home: ast.ClassDef, function: ast.AST, name: str) -> bool:
    """Whether an attribute comes from a class of another file, and exists in a method that
    `__init__` does not call."""
    own = getattr(function, "name", "__init__")
    bound = any(
        isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Store)
        for node in ast.walk(home)
    )
    first = [each for each in home.body if getattr(each, "name", "") == "__init__"]
    return (
        bool(home.bases)
        and not bound
        and own != "__init__"
        and not any(
            isinstance(node, ast.Attribute) and node.attr == own
            for each in first
            for node in ast.walk(each)
        )
    )


def _loggers_of(context: EditContext, home: ast.ClassDef) -> list[tuple[str, str]]:
    """The attributes that a class uses for logging, and its names for the object that has them."""
    text = context.facts.tree.text(home)
    return list(dict.fromkeys((met[1], met[2]) for met in _OWN.finditer(text)))


def _is_bound_first(function: ast.FunctionDef, name: str, row: int) -> bool:
    """Whether a statement that always runs assigns `self.<name>` above a row."""
    return any(
        isinstance(target, ast.Attribute)
        and target.attr == name
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
        for line in function.body
        if isinstance(line, (ast.Assign, ast.AnnAssign)) and (line.end_lineno or row) < row
        if isinstance(line.value, ast.Call)
        for target in (line.targets if isinstance(line, ast.Assign) else [line.target])
    )


def _is_there(owner: ast.ClassDef, function: ast.AST, name: str, receiver: str, row: int) -> bool:
    """Whether the attribute exists when the row runs: the class has it, the function also uses it,
    or `__init__` assigns it before that row or before it calls its own methods."""
    for statement in owner.body:
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        if any(isinstance(each, ast.Name) and each.id == name for each in targets):
            return True
    if receiver == "cls":
        return False
    uses = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load)
    ]
    if uses and getattr(function, "name", "") != "__init__":
        return True
    if isinstance(function, ast.FunctionDef) and function.name == "__init__":
        return _is_bound_first(function, name, row)
    for method in owner.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            bound = [
                node.lineno
                for node in ast.walk(method)
                if isinstance(node, ast.Attribute)
                and node.attr == name
                and isinstance(node.ctx, ast.Store)
            ]
            calls = [
                node.lineno
                for node in ast.walk(method)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, (ast.Name, ast.Call))
                and (
                    getattr(node.func.value, "id", "") == "self"
                    or getattr(getattr(node.func.value, "func", None), "id", "") == "super"
                )
            ]
            return bool(bound) and (not calls or min(bound) < min(calls))
    return False
