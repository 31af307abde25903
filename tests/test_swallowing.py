"""Silent handlers: how they end, which other code reports the error, and how callers use the
result."""

from __future__ import annotations

import ast
import textwrap

import pytest

from atomic_fix.config import Config
from atomic_fix.facts.fallbacks import Callers
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.swallowing import Ending, Outcome
from atomic_fix.facts.tree import Tree
from atomic_fix.source import Source


def facts_of(program: str) -> ModuleFacts:
    source = Source("app.py", textwrap.dedent(program), "utf-8", bom=False)
    return ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())


def handled(body: str, before: str = "", after: str = "") -> ModuleFacts:
    """The facts about a loader whose handler has this body."""
    return facts_of(
        f"import json, logging\nlog = logging.getLogger()\n{before}\n"
        "def load_state(path):\n"
        "    state = None\n"
        "    try:\n"
        "        state = json.loads(path.read_text())\n"
        f"    except ValueError as error:\n{textwrap.indent(body, ' ' * 8)}\n"
        f"{textwrap.indent(after, ' ' * 4)}\n"
        "    return state\n"
    )


def outcomes(facts: ModuleFacts) -> list[Outcome]:
    return [each.outcome for each in facts.swallows]


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        ("return", Outcome(Ending.RETURNS, "None"), "returns `None`"),
        ("return None", Outcome(Ending.RETURNS, "None"), "returns `None`"),
        ('return {"a": 1}', Outcome(Ending.RETURNS, '{"a": 1}'), 'returns `{"a": 1}`'),
        ("return (0, [])", Outcome(Ending.RETURNS, "(0, [])"), "returns `(0, [])`"),
        ("return {}, *rest", Outcome(Ending.RETURNS, "{}, *rest"), "returns `{}, *rest`"),
        ("return State()", Outcome(Ending.RETURNS, "State()"), "returns `State()`"),
        ("return -1", Outcome(Ending.RETURNS, "-1"), "returns `-1`"),
        ("return default or make()", Outcome(Ending.RETURNS, "default or make()"), ""),
        ("return copy.deepcopy(EMPTY_STATE_OF_ALL)", None, "returns `copy.deepcopy(EMPTY_S...`"),
        ("state = {}", Outcome(Ending.SETS, "{}"), "assigns `{}`"),
        (
            "state: dict = dict(\n    a=1)",
            Outcome(Ending.SETS, "dict( a=1)"),
            "assigns `dict( a=1)`",
        ),
        ("pass", Outcome(Ending.PASSES), "does nothing"),
        ("log.debug('x: %s', error)", Outcome(Ending.GOES_ON), "continues after the block"),
    ],
)
def test_how_a_silent_handler_ends(body: str, outcome: Outcome | None, text: str) -> None:
    (found,) = outcomes(handled(body))
    assert outcome is None or found == outcome
    assert not text or str(found) == text


@pytest.mark.parametrize(
    ("word", "text", "falls_through"),
    [
        ("continue", "goes to the next item", False),
        ("break", "leaves the loop", False),
        ("pass", "does nothing", True),
    ],
)
def test_how_a_handler_in_a_loop_ends(word: str, text: str, falls_through: bool) -> None:
    facts = facts_of(f"""
        import json
        def load_states(paths):
            found = []
            for path in paths:
                try:
                    found.append(json.loads(path.read_text()))
                except ValueError:
                    {word}
            return found
        """)
    (swallow,) = facts.swallows
    assert str(swallow.outcome) == text
    assert swallow.falls_through is falls_through


def test_a_handler_that_keeps_the_line() -> None:
    text = """\
def remove_league(league):
    kept = []
    for line in open(leagues_state):
        try:
            if int(line) == league:
                continue
            kept.append(line)
        except ValueError:
            kept.append(LINE)
    with open(leagues_state, "w") as file:
        file.writelines(kept)
"""
    assert outcomes(facts_of(text.replace("LINE", "line"))) == []
    assert outcomes(facts_of(text.replace("LINE", "None"))) != []


@pytest.mark.parametrize(
    "body",
    [
        "raise",
        "raise StateError(path) from error",
        "log.warning('bad')\nreturn None",
        "log.log(logging.ERROR, 'x')\nreturn None",
        "log('x', level='error')\nreturn None",
        "print('could not load', path)\nreturn None",
        "print('\\nfailed')\nreturn None",
        "print(f'cannot load {path}')\nreturn None",
        "print('缓存已损坏，重新建立')\nreturn None",
        "print('Fehler beim Laden')\nreturn None",
        "print(1, file=sys.stderr)\nreturn None",
        "show('x', err=True)\nreturn None",
        "keep(exc_info=True)\nreturn None",
        "log_exc()\nreturn None",
        "notify_owner()\nreturn None",
        "return {'problem': error}",
        "return {'state': 'file is corrupt'}",
        "restore_backup(path)\nreturn None",
        "return load_backup(path)",
        "return make(other)",
        "return ...",
    ],
)
def test_a_handler_that_is_not_silent(body: str) -> None:
    assert outcomes(handled(body, before="import sys")) == []


@pytest.mark.parametrize(
    "body",
    [
        "log.debug('bad %s', error)\nreturn None",
        "log.info('failed: %s', error)\nreturn None",
        "print('starting')\nreturn None",
        "print('⚠ starting')\nreturn None",
        "log.info('缓存已损坏')\nreturn None",
        "isinstance(error, OSError)\nreturn None",
        "log.debug('x', exc_info=True)\nreturn None",
        "return {'error': None}",
        "def later():\n    raise ValueError\nreturn None",
    ],
)
def test_a_silent_handler(body: str) -> None:
    assert len(outcomes(handled(body))) == 1


def test_what_is_counted_on_the_row_of_the_handler_is_reported_later() -> None:
    program = """
        import json
        def load_states(paths):
            found, bad = [], []
            for path in paths:
                try: found.append(json.loads(path.read_text()))
                except ValueError: bad.append(path)
            return found, bad
        """
    assert outcomes(facts_of(program)) == []
    assert len(outcomes(facts_of(program.replace("return found, bad", "return found")))) == 1


@pytest.mark.parametrize(
    ("body", "after", "silent"),
    [
        ("state = None", "if state is None:\n    raise ValueError", False),
        ("state = None", "if not state or not path:\n    log.error('x')", False),
        ("state = None", "if path:\n    log.error('x')", True),
        ("state = None", "raise ValueError", True),
        ("pass", "raise ValueError", False),
    ],
)
def test_a_default_that_is_reported_below(body: str, after: str, silent: bool) -> None:
    assert bool(outcomes(handled(body, after=after))) is silent


def test_the_shape_of_what_was_loaded() -> None:
    facts = facts_of("""
        import json
        def load_state(path):
            with path.open() as file:
                state = json.load(file)
            if not isinstance(state, dict):
                return {"version": 1}
            return state
        """)
    (dismissal,) = facts.dismissals
    assert dismissal.outcome == Outcome(Ending.RETURNS, '{"version": 1}')
    assert dismissal.node.lineno == 6


LOADER = """
    import json, log
    def load(path):
        try:
            return json.loads(path.read_text())
        except ValueError:
            return None
    """


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("load(path)", Callers()),
        ("return load(path)", Callers()),
        ("return load(path).items()", Callers()),
        ("return load(path)['a']", Callers()),
        ("return table[load(path)]", Callers(looks=True)),
        ("return load(path) or {}", Callers(looks=True)),
        ("state = load(path)\nreturn state.name", Callers()),
        ("state = load(path)\nreturn state", Callers()),
        ("state = load(path)\nreturn table[state]", Callers(looks=True)),
        ("state = load(path)\nkeep(state=1)\nother.state()", Callers()),
        ("if load(path):\n    pass", Callers(looks=True)),
        ("global state\nstate = load(path)", Callers(looks=True)),
        ("self.state = load(path)", Callers(looks=True)),
        ("for path in paths:\n    load(path)", Callers(loops=True)),
        ("while True:\n    load(path)", Callers(loops=True)),
        ("keep([load(path) for path in paths])", Callers(loops=True, looks=True)),
        ("try:\n    load(path)\nexcept Exception:\n    pass", Callers(catches=True)),
        ("try:\n    pass\nexcept OSError:\n    load(path)", Callers()),
        ("try:\n    load(path)\nexcept KeyError:\n    pass", Callers()),
        ("try:\n    pass\nexcept Exception:\n    pass\nelse:\n    load(path)", Callers()),
        ("with suppress(OSError):\n    load(path)", Callers(catches=True)),
    ],
)
def test_what_callers_would_do(body: str, expected: Callers) -> None:
    program = textwrap.dedent(LOADER) + "def use(self, path):\n" + textwrap.indent(body, "    ")
    facts = facts_of(program)
    (loader,) = facts.scopes.functions_named("load")
    assert facts.callers_of_loader(loader) == expected


def test_callers_of_callers_are_looked_at() -> None:
    facts = facts_of(
        textwrap.dedent(LOADER)
        + textwrap.dedent("""
        def first(path):
            return load(path)
        def second(paths):
            for path in paths:
                print(first(path))
        """)
    )
    (loader,) = facts.scopes.functions_named("load")
    assert facts.callers_of_loader(loader) == Callers(loops=True, looks=True)


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ("state = load(path)\nif state is None:\n    log.error('x')", True),
        ("state = load(path)\nif state is not None:\n    log.error('x')", False),
        ("state = load(path)\nif not state:\n    raise KeyError", True),
        ("state = load(path)\nif state:\n    pass\nelse:\n    raise KeyError", True),
        ("state = load(path)\nif state:\n    return state\nlog.error('x')", True),
        ("state = load(path)\nif ready and state and path:\n    return 1\nlog.error('x')", True),
        ("state = load(path)\nif not isinstance(state, dict):\n    sys.exit(1)", True),
        ("if (state := load(path)) is None:\n    log.error('x')", True),
        ("if not load(path):\n    log.error('x')", True),
        ("if path:\n    log.error('x')\nstate = load(path)", False),
        ("state = load(path)\nif state:\n    log.error('x')", False),
    ],
)
def test_a_default_that_a_caller_reports(body: str, reported: bool) -> None:
    program = textwrap.dedent(LOADER) + "import sys\ndef use(path, ready):\n"
    facts = facts_of(program + textwrap.indent(body, "    "))
    (swallow,) = facts.swallows
    assert facts.is_reported(swallow) is reported
