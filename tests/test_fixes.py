"""Each fixture, repaired: `<case>.fixed.py` is the exact result of the safe fixes,
`<case>.unsafe.fixed.py` that of all fixes. A case without these files must not change."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from atomic_fix.check import check
from atomic_fix.config import Config, Style
from atomic_fix.finding import Applicability
from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY, Rewrite, rewrite
from atomic_fix.rules import RULES
from atomic_fix.source import Source, decode

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(p for p in FIXTURES.glob("*/*.py") if not p.name.endswith(".fixed.py"))
FIXED = sorted(FIXTURES.glob("*/*.fixed.py"))
ALL_RULES = Config(extend_select=tuple(rule.code for rule in RULES))

TEXT = Path("/repository/service/jobs.py")


def source_of(path: Path) -> Source:
    source = decode(path.read_bytes(), str(path))
    assert isinstance(source, Source)
    return source


def repaired(source: Source, *, unsafe: bool = False, config: Config = ALL_RULES) -> Rewrite:
    allowed = SAFE_AND_UNSAFE if unsafe else SAFE_ONLY
    return rewrite(source, lambda text: check(text, config), allowed)


def repaired_text(text: str, *, unsafe: bool = False, config: Config = ALL_RULES) -> str:
    result = repaired(Source(str(TEXT), text, "utf-8", False), unsafe=unsafe, config=config)
    assert result.refusal == ""
    return result.text


def comments(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_fixes_give_the_expected_file(case: Path) -> None:
    source = source_of(case)
    safe, unsafe = case.with_suffix(".fixed.py"), case.with_suffix(".unsafe.fixed.py")
    expected = safe if safe.exists() else case
    result = repaired(source)
    assert result.refusal == ""
    assert source.encode(result.text) == expected.read_bytes()
    expected = unsafe if unsafe.exists() else expected
    assert source.encode(repaired(source, unsafe=True).text) == expected.read_bytes()


@pytest.mark.parametrize("fixed", FIXED, ids=name)
def test_a_second_run_changes_nothing(fixed: Path) -> None:
    source = source_of(fixed)
    unsafe = fixed.name.endswith(".unsafe.fixed.py")
    assert repaired(source, unsafe=unsafe).text == source.text


@pytest.mark.parametrize("fixed", FIXED, ids=name)
def test_what_was_fixed_compiles_and_keeps_its_comments(fixed: Path) -> None:
    text = fixed.read_text(encoding="utf-8")
    compile(text, str(fixed), "exec")
    case = fixed.with_name(fixed.name.partition(".")[0] + ".py")
    assert not comments(case.read_text(encoding="utf-8")) - comments(text)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_finding_has_a_fix_or_a_reason(case: Path) -> None:
    for finding in check(source_of(case), ALL_RULES):
        assert (finding.fix is None) == bool(finding.why_no_fix), finding.why


@pytest.mark.parametrize("target", ["py38", "py310"])
@pytest.mark.parametrize("fixed", FIXED, ids=name)
def test_the_formatting_stays_that_of_ruff(fixed: Path, target: str, tmp_path: Path) -> None:
    """A case that `ruff format` leaves alone is left alone after the fix too. Markers are removed
    from fixtures, because they make lines longer."""
    case = fixed.with_name(fixed.name.partition(".")[0] + ".py")
    bare = re.sub(r"  # expect: .*", "", case.read_text(encoding="utf-8"))
    formatted = _formatted(bare, tmp_path, target)
    config = replace(ALL_RULES, style=Style(line_length=88, parenthesised_with=target == "py310"))
    after = repaired(Source(str(case), formatted, "utf-8", False), unsafe=True, config=config).text
    assert _formatted(after, tmp_path, target) == after


def _formatted(text: str, folder: Path, target: str = "py38") -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--target-version", target]
    done = subprocess.run(
        [*command, "-"], input=text.encode(), capture_output=True, cwd=folder, check=True
    )
    return done.stdout.decode()


# --- loads --------------------------------------------------------------------------

LOADER = """\
import json
{head}

def load_checkpoint(path):
    try:
        return json.loads(path.read_text())
    except {errors}:
        {body}
"""


def loader(errors: str = "json.JSONDecodeError", body: str = "return None", head: str = "") -> str:
    return LOADER.format(errors=errors, body=body, head=head)


def handler_of(text: str) -> str:
    return text.partition("read_text())\n")[2]


def test_the_handler_s_own_name_is_used_again() -> None:
    text = repaired_text(loader("ValueError as problem"))
    assert handler_of(text) == (
        "    except ValueError as problem:\n"
        "        raise CheckpointCorruptedError(path) from problem\n"
    )


def test_a_name_that_is_taken_is_not_hidden() -> None:
    text = repaired_text(loader(body="return exc.default", head="from settings import exc\n"))
    assert "as error:\n        raise CheckpointCorruptedError(path) from error\n" in text


def test_missing_keeps_its_default() -> None:
    text = repaired_text(loader("(FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError)"))
    assert handler_of(text) == (
        "    except FileNotFoundError:\n"
        "        return None\n"
        "    except (json.JSONDecodeError, UnicodeDecodeError) as exc:\n"
        "        raise CheckpointCorruptedError(path) from exc\n"
    )


def test_a_raise_that_would_be_caught_again_becomes_a_warning() -> None:
    text = """\
import json


def load_checkpoint(path):
    try:
        try:
            return json.loads(path.read_text())
        except json.JSONDecodeError:
            return None
    except Exception:
        raise SystemExit("cannot go on") from None
"""
    for answer in ("auto", "raise"):
        fixed = repaired_text(text, unsafe=True, config=Config(on_corrupt=answer))
        assert "CheckpointCorruptedError" not in fixed
        assert fixed.count(".warning(") == 1


def test_a_path_bound_within_the_try_is_written_out() -> None:
    text = """\
import json


def load_checkpoint(folder):
    try:
        path = folder / "checkpoint.json"
        return json.loads(path.read_text())
    except json.JSONDecodeError:
        return None
"""
    fixed = repaired_text(text, config=Config(on_corrupt="raise"), unsafe=True)
    assert 'raise CheckpointCorruptedError(folder / "checkpoint.json") from exc' in fixed


def test_a_warning_goes_to_the_logger_that_is_there() -> None:
    config = Config(on_corrupt="warn")
    text = repaired_text(
        loader(head="import logging\n\nlog = logging.getLogger(__name__)\n"), config=config
    )
    assert handler_of(text) == (
        "    except json.JSONDecodeError as exc:\n"
        '        log.warning("could not load %s: %s", path, exc)\n'
        "        return None\n"
    )


def test_a_warning_without_a_logger_goes_to_that_of_the_module_s_name() -> None:
    text = repaired_text(loader(), config=Config(on_corrupt="warn"))
    assert text.startswith("import json\nimport logging\n")
    assert handler_of(text) == (
        "    except json.JSONDecodeError as exc:\n"
        '        logging.getLogger(__name__).warning("could not load %s: %s", path, exc)\n'
        "        return None\n"
    )


def test_quarantine_moves_the_file_away() -> None:
    text = repaired_text(loader(), config=Config(on_corrupt="quarantine"))
    assert text.startswith("import contextlib\nimport json\nimport logging\nimport os\n")
    assert handler_of(text) == (
        "    except json.JSONDecodeError as exc:\n"
        '        logging.getLogger(__name__).warning("could not load %s: %s", path, exc)\n'
        "        with contextlib.suppress(OSError):\n"
        '            os.replace(path, str(path) + ".corrupt")\n'
        "        return None\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        loader("ValueError", head="def shape(text):\n    return text\n").replace(
            "return json.loads(path.read_text())",
            "state = json.loads(path.read_text())\n        return shape(state)",
        ),
        loader("Exception"),
        loader()
        .replace("    try", "    for _ in path.parts:\n     try")
        .replace("\n    ex", "\n     ex"),
        loader().replace("def load_checkpoint", "def has_checkpoint"),
        loader().replace(
            "        return None\n", "        pass\n    return json.loads(path.bak.read_text())\n"
        ),
    ],
    ids=["made of the data", "broad", "loop", "question", "another attempt"],
)
def test_a_file_that_may_be_good_or_is_read_again_is_not_moved(text: str) -> None:
    fixed = repaired_text(text, config=Config(on_corrupt="quarantine", min_confidence=0.1))
    assert ".corrupt" not in fixed
    assert ".warning(" in fixed


def test_the_other_repair_is_one_of_two_and_says_why() -> None:
    text = loader().replace("checkpoint", "state")
    (finding,) = check(Source(str(TEXT), text, "utf-8", False), Config())
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.SAFE
    other = finding.fix.alternative
    assert other is not None
    assert other.applicability is Applicability.UNSAFE
    assert other.note == "callers get an exception instead of the default"
    assert "CheckpointCorruptedError" not in repaired_text(text, unsafe=True)


def test_a_python_2_handler_is_left_alone() -> None:
    text = loader("ValueError, error")
    assert repaired_text(text, unsafe=True) == text


OLD = (
    "from __future__ import print_function\n\nimport json\nimport os\nimport pickle\n\nimport six\n"
)
TEXT_AS_BYTES = [
    'open("state.json", "wb").write(json.dumps(x))',
    'with open("state.json", "wb") as f:\n        f.write(json.dumps(x))',
    'with open("state.json", "wb") as f:\n        json.dump(x, f)',
    'pickle.dump(x, open("state.pickle", "w"))',
]


@pytest.mark.parametrize("write", TEXT_AS_BYTES)
def test_text_written_as_bytes_is_python_2(write: str) -> None:
    text = f"{OLD}\n\ndef save_state(x):\n    {write}\n"
    assert repaired_text(text, unsafe=True) == text
    rename = (
        '\n\ndef save_checkpoint(x, path):\n    with open(path + ".tmp", "w") as file:\n'
        "        file.write(x)\n        file.flush()\n        os.fsync(file.fileno())\n"
        '    os.rename(path + ".tmp", path)\n'
    )
    assert "os.replace" not in repaired_text(text + rename)
    assert "os.replace" in repaired_text(OLD + rename)


@pytest.mark.parametrize(
    "write",
    [
        'open("state.json", "wb").write(json.dumps(x).encode())',
        'with open("state.json", "w") as f:\n        f.write(json.dumps(x))',
        'pickle.dump(x, open("state.pickle", "wb"))',
    ],
)
def test_old_code_that_runs_on_both_is_repaired(write: str) -> None:
    text = f"{OLD}\n\ndef save_state(x):\n    {write}\n"
    assert "atomic_" in repaired_text(text, unsafe=True)


def test_errors_without_parentheses_get_them_with_a_name() -> None:
    text = loader("json.JSONDecodeError, UnicodeDecodeError", body="return {}")
    fixed = repaired_text(text, config=Config(on_corrupt="warn"))
    assert "    except (json.JSONDecodeError, UnicodeDecodeError) as exc:\n" in fixed


def test_a_comment_below_the_default_stays_with_it() -> None:
    text = loader("(OSError, ValueError)", body="return {}\n        # none yet")
    fixed = repaired_text(text, config=Config(on_corrupt="warn"))
    assert handler_of(fixed) == (
        "    except (OSError, ValueError) as exc:\n"
        "        if isinstance(exc, ValueError):\n"
        '            logging.getLogger(__name__).warning("could not load %s: %s", path, exc)\n'
        "        return {}\n"
        "        # none yet\n"
    )


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("root / 'checkpoint.json'", "folder", "folder / 'checkpoint.json'"),
        ("Path(root, 'checkpoint.json')", "'here'", "Path('here', 'checkpoint.json')"),
        ("f'{root}/checkpoint.json'", "self.folder", "f'{self.folder}/checkpoint.json'"),
        ("f'{root}/checkpoint.json'", "'here'", None),
    ],
)
def test_a_path_is_named_as_the_loader_is_called(
    path: str, given: str, expected: str | None
) -> None:
    text = (
        "import json\nfrom pathlib import Path\n\n\n"
        f"def read_checkpoint(root):\n    with open({path}) as file:\n"
        "        return json.load(file)\n\n\n"
        f"def load(self, folder):\n    try:\n        return read_checkpoint({given})\n"
        "    except ValueError:\n        return None\n"
    )
    fixed = repaired_text(text, config=Config(on_corrupt="warn"))
    if expected is None:
        assert fixed == text
    else:
        assert f'"could not load %s: %s", {expected}, exc' in fixed


# --- imports ------------------------------------------------------------------------

SAVE = """

def save_checkpoint(path, state):
    path.write_text(json.dumps(state))


def shown(state):
    return json.dumps(state)
"""
IMPORT = "from atomic_fix.runtime import atomic_write_json\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import json\n", f"import json\n\n{IMPORT}"),
        ('"""Doc."""\nimport json\n', f'"""Doc."""\nimport json\n\n{IMPORT}'),
        (
            "# Licence\n\nfrom __future__ import annotations\n\nimport json\n",
            f"# Licence\n\nfrom __future__ import annotations\n\nimport json\n\n{IMPORT}",
        ),
        (
            "import json\n\nimport numpy\nfrom zope import interface\n",
            f"import json\n\nimport numpy\n{IMPORT}from zope import interface\n",
        ),
        (
            "import json\n\nfrom . import other\n",
            f"import json\n\n{IMPORT}\nfrom . import other\n",
        ),
        (
            "import json\n\nfrom service import other\n",
            f"import json\n\n{IMPORT}\nfrom service import other\n",
        ),
        (
            'import json\nimport sys\n\nsys.path.insert(0, "lib")\n\nimport numpy\n',
            'import json\nimport sys\n\nsys.path.insert(0, "lib")\n\n'
            f"{IMPORT}import numpy\n".replace(f"{IMPORT}import numpy\n", f"import numpy\n{IMPORT}"),
        ),
        (
            "# isort: off\nimport json\n# isort: on\nimport os\n",
            f"# isort: off\nimport json\n# isort: on\nimport os\n\n{IMPORT}",
        ),
        (
            f"import json\n\nif TYPE_CHECKING:\n    {IMPORT}",
            (
                f"import json\n\n{IMPORT[:-1]} as _atomic_write_json\n\n"
                f"if TYPE_CHECKING:\n    {IMPORT}"
            ),
        ),
        (
            "from __future__ import annotations\n\n__all__ = []\n\nimport json\n",
            f"from __future__ import annotations\n\n__all__ = []\n\nimport json\n\n{IMPORT}",
        ),
        (
            '"""Doc."""\n\nimport json\nfrom service import other\n',
            f'"""Doc."""\n\nimport json\n{IMPORT}from service import other\n',
        ),
        (
            "import json\nimport zope\nimport abc\nfrom service import other\n",
            f"import json\nimport zope\nimport abc\n{IMPORT}from service import other\n",
        ),
        (
            # Another group has those of its section alone.
            "import json\nimport zope\nimport abc\n\nimport attrs\n",
            f"import json\nimport zope\nimport abc\n\n{IMPORT}import attrs\n".replace(
                f"{IMPORT}import attrs\n", f"import attrs\n{IMPORT}"
            ),
        ),
        (
            "import json\n\n# zope breaks when it is imported late, #12\nimport zope\n",
            f"import json\n\n# zope breaks when it is imported late, #12\nimport zope\n{IMPORT}",
        ),
        (
            "import json\n\n# see issue 12\nfrom zope import x\n",
            f"import json\n\n{IMPORT}# see issue 12\nfrom zope import x\n",
        ),
        (
            "import json\n\n# third-party packages\nfrom zope import x\n",
            f"import json\n\n# third-party packages\n{IMPORT}from zope import x\n",
        ),
        (
            "import json\n\nfrom atomic_fix.runtime import atomic_open\n",
            "import json\n\nfrom atomic_fix.runtime import atomic_open, atomic_write_json\n",
        ),
    ],
)
def test_the_import_is_placed_where_a_person_would_put_it(before: str, after: str) -> None:
    text = repaired_text(before + SAVE)
    assert text.partition("\n\ndef ")[0] + "\n" == after.rstrip("\n") + "\n\n"


@pytest.mark.parametrize(
    ("there", "called"),
    [
        ("from atomic_fix.runtime import atomic_write_json as store", "store"),
        ("from atomic_fix import runtime", "runtime.atomic_write_json"),
        ("import atomic_fix.runtime as rt", "rt.atomic_write_json"),
    ],
)
def test_what_is_imported_is_used_again(there: str, called: str) -> None:
    head = f"import json\n\n{there}\n"
    assert repaired_text(head + SAVE) == head + SAVE.replace(
        "path.write_text(json.dumps(state))", f"{called}(path, state)"
    )


def test_a_name_that_the_module_has_is_imported_under_another() -> None:
    own = "\n\ndef atomic_write_json():\n    return None\n"
    text = repaired_text("import json\n" + SAVE + own)
    assert "import atomic_write_json as _atomic_write_json\n" in text
    assert "    _atomic_write_json(path, state)\n" in text


@pytest.mark.parametrize("how", ["auto", "raise", "warn", "quarantine"])
def test_all_that_is_imported_is_in_order(how: str, tmp_path: Path) -> None:
    """`ruff check --select I,F` reports nothing new about any repaired case."""
    for case in CASES:
        config = Config(on_corrupt=how, extend_select=ALL_RULES.extend_select)
        new = repaired(source_of(case), unsafe=True, config=config)
        (tmp_path / f"{case.parent.name}-{case.name}").write_text(new.text, "utf-8", newline="")
    ruff = str(Path(sys.executable).with_name("ruff"))
    select: list[str] = ["--select", "I001,F401,F811,F821"]
    command = [ruff, "check", "--isolated", "--no-cache", "--output-format=concise", *select]
    fixed = subprocess.run([*command, "."], cwd=tmp_path, capture_output=True, text=True)
    for case in CASES:
        (tmp_path / f"{case.parent.name}-{case.name}").write_bytes(case.read_bytes())
    before = subprocess.run([*command, "."], cwd=tmp_path, capture_output=True, text=True)

    def told(output: str) -> Counter[str]:
        rows = (re.sub(r":\d+:\d+:", "", row) for row in output.splitlines() if ".py:" in row)
        return Counter(row for row in rows)

    assert before.returncode in {0, 1}
    assert fixed.returncode in {0, 1}
    new_ones = told(fixed.stdout) - told(before.stdout)
    # Imports of others may do more than bind a name; they stay.
    assert [row for row in new_ones if "`aiofiles` imported" not in row] == []


def test_the_project_s_copy_is_imported() -> None:
    text = repaired_text("import json\n" + SAVE, config=Config(helper="app.atomic_io"))
    assert "from app.atomic_io import atomic_write_json\n" in text


def test_the_project_s_own_function_is_called() -> None:
    config = Config(helper="app.io:write_json")
    text = repaired_text("import json\n" + SAVE, unsafe=True, config=config)
    assert "from app.io import write_json\n" in text
    assert "    write_json(path, state)\n" in text
    options = ("import json\n" + SAVE).replace("dumps(state)", "dumps(state, indent=2)")
    assert repaired_text(options, unsafe=True, config=config) == options


@pytest.mark.parametrize(
    ("helper", "called"),
    [
        ("app.io:write_json(path, obj)", "write_json(path, state)"),
        ("app.io:write_json(obj, path)", "write_json(state, path)"),
        ("app.io:write_json(obj, to=path)", "write_json(state, to=path)"),
        ("app.io:write_json( data = obj , to=path )", "write_json(data=state, to=path)"),
    ],
)
def test_the_project_s_own_function_is_called_its_own_way(helper: str, called: str) -> None:
    config = Config(helper=helper)
    text = repaired_text("import json\n" + SAVE, unsafe=True, config=config)
    assert f"    {called}\n" in text
    block = SAVE.replace(
        "path.write_text(json.dumps(state))",
        'with open(path, "w") as f:\n        json.dump(state, f)',
    )
    text = repaired_text("import json\n" + block, unsafe=True, config=config)
    assert f"    {called}\n" in text


# --- never harmed -------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("cookie", ["", "# coding: latin-1\n# caf\xe9\n"])
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
@pytest.mark.parametrize("head", ["", "\x0c\n", "# Copyright\n\n"])
def test_all_other_bytes_stay(
    newline: str, bom: bytes, end: str, cookie: str, indent: str, head: str
) -> None:
    if bom and cookie:
        return  # a contradiction that Python itself rejects
    shebang, rest = ("#!/bin/x\n", head) if head.startswith("#") else ("", head)
    text = shebang + cookie + rest
    text += '"""A saver."""\nimport json\n\n'
    text += f"def save_checkpoint(path, state):\n{indent}# keep\n"
    text += f"{indent}path.write_text(json.dumps(state)){end}"
    encoding = "latin-1" if cookie else "utf-8"
    content = bom + text.replace("\n", newline).encode(encoding)
    source = decode(content, "service/jobs.py")
    assert isinstance(source, Source)
    result = repaired(source)
    expected = text.replace("import json\n", f"\n{IMPORT}").replace(
        "path.write_text(json.dumps(state))", "atomic_write_json(path, state)"
    )
    assert source.encode(result.text) == bom + expected.replace("\n", newline).encode(encoding)


KEPT = [
    ("decorated", "@final\ndef save_checkpoint(path, state):\n    {}\n"),
    ("type comment", "def save_checkpoint(path, state):  # type: (str, dict) -> None\n    {}\n"),
    (
        "match",
        "def save_checkpoint(path, state):\n    match state:\n        case {{}}:\n            {}\n",
    ),
    (
        "walrus",
        "def save_checkpoint(path, state):\n    if n := len(state):\n        {}\n    return n\n",
    ),
    (
        "nested f-string",
        "def save_checkpoint(path, state):\n    x = f\"{{f'{{path}}'}}\"\n    {}\n    return x\n",
    ),
    ("method", "class Store:\n    def save_checkpoint(self, path, state):\n        {}\n"),
    (
        "closure",
        "def outer(path):\n    def save_checkpoint(state):\n        {}\n    return path\n",
    ),
    (
        "lambda beside",
        "def save_checkpoint(path, state):\n    key = lambda x: x\n    {}\n    return key\n",
    ),
]


@pytest.mark.parametrize(("kind", "shape"), KEPT, ids=[kind for kind, _ in KEPT])
def test_what_stands_around_is_kept(kind: str, shape: str) -> None:
    before = "import json\n\n\n" + shape.format("path.write_text(json.dumps(state))")
    after = f"{IMPORT}\n\n" + shape.format("atomic_write_json(path, state)")
    assert repaired_text(before) == after


# --- writes that keep their code ----------------------------------------------------

NO_JSON = [
    # An option that the helper would take for its own.
    "path.write_text(json.dumps(state, mode=1))",
    "path.write_text(json.dumps(state, **options))",
    "path.write_text(json.dumps(state) + '\\n', encoding='utf-8')",
    "path.write_text(json.dumps(state), errors='ignore')",
    "return path.write_text(json.dumps(state))",
]


@pytest.mark.parametrize("statement", NO_JSON)
def test_other_text_goes_as_it_is(statement: str) -> None:
    text = repaired_text(
        f"import json\n\n\ndef save_checkpoint(path, state, options):\n    {statement}\n"
    )
    assert statement.replace("path.write_text(", "atomic_write_text(path, ") in text


@pytest.mark.parametrize(
    ("written", "fixed"),
    [
        ("json.dumps(s, ensure_ascii=False), encoding='utf-8'", "s, ensure_ascii=False"),
        ("json.dumps(s, ensure_ascii=False)", "s, ensure_ascii=False, encoding=None"),
        ("json.dumps(s), encoding='latin-1'", "s"),
        ("json.dumps(s), encoding='utf-16'", "s, encoding='utf-16'"),
        ("json.dumps(s, cls=Encoder), 'utf-8', newline=''", "s, cls=Encoder, newline=''"),
    ],
)
def test_json_keeps_its_bytes(written: str, fixed: str) -> None:
    text = repaired_text(
        f"import json\n\n\ndef save_checkpoint(p, s):\n    p.write_text({written})\n"
    )
    assert f"    atomic_write_json(p, {fixed})\n" in text


REFUSED = [
    'with open(path, "r+") as f:\n        json.dump(state, f)\n        f.truncate()',
    'with open(path, "a") as f:\n        f.truncate(0)\n        json.dump(state, f)',
    'with open(path, "a" if state else "w") as f:\n        json.dump(state, f)',
    'with open(path, "w") as f:\n        f.write(state)\n        os.stat(path)',
    'f = open(path, "w")\n    json.dump(state, f)\n    return f',
    'self.f = open(path, "w")\n    json.dump(state, self.f)',
]


@pytest.mark.parametrize("block", REFUSED)
def test_what_cannot_be_kept_right_is_left_with_a_reason(block: str) -> None:
    text = f"import json\nimport os\n\n\ndef save_checkpoint(self, path, state):\n    {block}\n"
    source = Source(str(TEXT), text, "utf-8", False)
    assert repaired(source, unsafe=True).text == text
    for finding in check(source, ALL_RULES):
        assert finding.why_no_fix


def test_comments_in_the_block_make_the_smaller_change() -> None:
    text = repaired_text(
        'import json\n\n\ndef save_checkpoint(path, state):\n    with open(path, "w") as f:\n'
        "        # all of it\n        json.dump(state, f)\n"
    )
    assert '    with atomic_open(path, "w") as f:\n        # all of it\n' in text


def test_long_calls_are_laid_out_as_ruff_does(tmp_path: Path) -> None:
    text = (
        "import json\n\n\ndef save_checkpoint(self, state):\n"
        '    self.checkpoint_directory_path.write_text(json.dumps(state, indent=2) + "\\n")\n'
        "    (\n"
        "        self.checkpoint_directory / self.checkpoint_file_name\n"
        "    ).write_text(json.dumps(state, indent=2, sort_keys=True))\n"
    )
    before = _formatted(text, tmp_path)
    after = repaired_text(before, unsafe=True)
    assert _formatted(after, tmp_path) == after


# --- broad handlers -----------------------------------------------------------------


def broad(body: str, more: str = "") -> str:
    return (
        "import json\nfrom pathlib import Path\n\nNAME = 'state.json'\n\n\n"
        f"def load_checkpoint(folder, path):\n    try:\n{body}"
        f"    except Exception:\n        return None\n{more}"
    )


@pytest.mark.parametrize(
    "body",
    [
        "        return json.loads(path.read_text())\n",
        (
            "        if not path.exists():\n            return None\n"
            "        with path.open() as file:\n            return json.load(file)\n"
        ),
        # What is made of valid data may fail, and keeps its default.
        "        data = json.loads(path.read_text())\n        return State(**data)\n",
        "        return State(json.loads(path.read_text()))\n",
    ],
)
@pytest.mark.parametrize("answer", ["auto", "raise"])
def test_a_broad_handler_stays_below_one_for_the_corrupt_file(body: str, answer: str) -> None:
    text = repaired_text(broad(body), unsafe=True, config=Config(on_corrupt=answer))
    clause = {
        "auto": (
            '        logging.getLogger(__name__).warning("could not load %s: %s", path, exc)\n'
            "        return None\n"
        ),
        "raise": "        raise CheckpointCorruptedError(path) from exc\n",
    }
    assert (
        f"    except ValueError as exc:\n{clause[answer]}"
        "    except Exception:\n        return None\n"
    ) in text


@pytest.mark.parametrize(
    "body",
    [
        "        connect()\n        return json.loads(path.read_text())\n",
        "        for _ in range(3):\n            return json.loads(path.read_text())\n",
    ],
)
def test_a_broad_handler_around_more_stays(body: str) -> None:
    assert repaired_text(broad(body), unsafe=True) == broad(body)


def test_why_a_handler_that_logs_the_error_itself_has_no_repair() -> None:
    logs = "        log.debug('no state: %s', exc)\n"
    code = broad("        return json.loads(path.read_text())\n").replace(
        "except Exception:\n", f"except Exception as exc:\n{logs}"
    )
    code = code.replace(
        "import json\n", "import json\nimport logging\n\nlog = logging.getLogger()\n"
    )

    def reason(text: str) -> str:
        found = check(Source("state.py", text, "utf-8", bom=False), Config())
        return next(each.why_no_fix for each in found if each.code == "ATF202")

    assert reason(code) == ""
    commented = code.replace(logs, f"        # Anything may go wrong here.\n{logs}")
    assert "it has a comment or more than two simple lines" in reason(commented)


def test_the_path_of_a_loader_that_is_called_is_made_of_what_it_is_called_with() -> None:
    loader = (
        "\n\ndef read_state(folder):\n    path = folder / NAME\n"
        "    return json.loads(path.read_text())\n"
    )
    text = repaired_text(broad("        return read_state(folder)\n", loader))
    assert '.warning("could not load %s: %s", folder / NAME, exc)\n' in text
    raising = loader.replace("    return", "    if not path:\n        raise KeyError\n    return")
    told = broad("        return read_state(folder)\n", raising)
    assert repaired_text(told, unsafe=True) == told


def test_a_method_given_away_without_its_text_is_left_alone() -> None:
    code = "import asyncio\nfrom pathlib import Path\n\n"
    code += "def save_checkpoint():\n    return asyncio.to_thread(Path.write_text)\n"
    assert repaired_text(code, unsafe=True) == code


def test_what_shares_the_row_of_an_awaited_write_stays() -> None:
    code = "import aiofiles\n\n\nasync def save_checkpoint(path, text):\n"
    code += '    async with aiofiles.open(path, "w") as f:\n'
    code += '        await f.write(text); print("saved")\n'
    assert repaired_text(code, unsafe=True) == code


def test_a_finally_on_one_row_closes_too() -> None:
    code = "import os\n\n\ndef save_checkpoint(path, text):\n"
    code += '    f = open(path, "w")\n    try:\n        f.write(text)\n    finally: f.close()\n'
    fixed = repaired_text(code)
    assert '    with atomic_open(path, "w") as f:\n        f.write(text)\n' in fixed
    assert "close" not in fixed


def test_a_comment_in_an_opener_that_is_assigned_is_not_lost() -> None:
    code = "def save_checkpoint(path, text):\n    f = open(\n        path,  # the state\n"
    code += '        "w",\n    )\n    f.write(text)\n    f.close()\n'
    assert repaired_text(code) == code


# --- names that are somebody else's -------------------------------------------------

SAVER = """\
def save_checkpoint(checkpoint_path, state):
    with open(checkpoint_path, "w") as file:
        json.dump(state, file)
"""


@pytest.mark.parametrize(
    "head",
    [
        "import json\n\njson.dump = print\n",
        'import json\n\nsetattr(json, "dump", print)\n',
        "import ujson as json\n",
        "import json\n\ntry:\n    import ujson as json\nexcept ImportError:\n    pass\n",
        "import json\nfrom settings import json\n",
        "import json\n\nif True:\n    json = object()\n",
        "import json\n\n\ndef choose():\n    global json\n    json = object()\n",
        "from settings import *\n",
    ],
)
def test_a_json_that_may_be_another_keeps_its_call(head: str) -> None:
    text = repaired_text(f"{head}\n\n{SAVER}")
    assert '    with atomic_open(checkpoint_path, "w") as file:\n' in text
    assert "        json.dump(state, file)\n" in text


@pytest.mark.parametrize(
    "head",
    [
        "import json\n\n\nclass Other:\n    json = None\n",
        "import json\n\n\ndef other(json):\n    return json.dump\n",
        "import json as json\n",
    ],
)
def test_a_name_that_is_another_elsewhere_is_no_obstacle(head: str) -> None:
    assert "    atomic_write_json(checkpoint_path, state)\n" in repaired_text(f"{head}\n\n{SAVER}")


@pytest.mark.parametrize(
    "head",
    [
        "import builtins\nimport json\n\nbuiltins.open = print\n",
        "import json\nfrom os import *\n",
        "import json\nfrom codecs import *\n",
        "import json\n\n\ndef choose():\n    global open\n    open = print\n",
    ],
)
def test_an_open_that_may_be_another_is_left_alone(head: str) -> None:
    text = f"{head}\n\n{SAVER}"
    assert repaired_text(text, unsafe=True) == text


_WRITTEN_TWICE = """\
import json


def save_state(state_path, state):
    with open(state_path, "w") as file:{comment}
        json.dump(state, file)
    state.run()
    with open(state_path, "w") as file:
        json.dump(state, file)
"""


@pytest.mark.parametrize("rules", [("ATF101",), ("ATF1",)])
def test_both_writes_of_one_file_are_repaired_together(rules: tuple[str, ...]) -> None:
    text = repaired_text(_WRITTEN_TWICE.format(comment=""), config=Config(select=rules))
    assert text.count("atomic_write_json(state_path, state)") == 2


def test_a_write_is_not_repaired_alone_after_one_that_stays() -> None:
    text = _WRITTEN_TWICE.format(comment="  # noqa: ATF101")
    source = Source(str(TEXT), text, "utf-8", False)
    *_, second = check(source, ALL_RULES)
    assert second.fix is not None
    assert second.fix.applicability is Applicability.UNSAFE
    assert second.fix.note == (
        "line 5 has already written the file in place; "
        "if it cannot be replaced then, its old content is lost all the same"
    )


def test_a_write_is_not_repaired_alone_where_the_rule_of_the_earlier_one_is_off() -> None:
    text = """\
import json
import pandas as pd


def save_state(state_path, state):
    pd.DataFrame(state).to_pickle(state_path)
    state.run()
    with open(state_path, "w") as file:
        json.dump(state, file)
"""
    both = check(Source(str(TEXT), text, "utf-8", False), ALL_RULES)
    assert [each.code for each in both] == ["ATF102", "ATF101"]
    one = Config(ignore=("ATF102",))
    assert repaired_text(text, config=one) == text
