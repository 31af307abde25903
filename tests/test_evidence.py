"""The evidence for and against a path being durable state, before it is weighed."""

from __future__ import annotations

import ast
import math
import textwrap

import pytest

from atomic_fix.catalog.features import FeatureName
from atomic_fix.catalog.weights import START, WEIGHTS
from atomic_fix.config import Config
from atomic_fix.facts.elsewhere import View
from atomic_fix.facts.evidence import Feature, Score, guarded_by_absence
from atomic_fix.facts.module import ModuleFacts
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.paths.value import Location
from atomic_fix.facts.scopes import collect
from atomic_fix.facts.testing import is_test
from atomic_fix.facts.tree import Tree
from atomic_fix.rules.rule import evidence_of
from atomic_fix.source import Source


def facts_of(program: str, filename: str = "app.py") -> ModuleFacts:
    source = Source(filename, textwrap.dedent(program), "utf-8", bom=False)
    return ModuleFacts(source, Tree(source, ast.parse(source.text)), Config())


@pytest.mark.parametrize(
    ("test", "absent"),
    [
        ("not path.exists()", True),
        ("not os.path.isfile(path)", True),
        ("path.exists()", False),
        ("not force", False),
        ("first and not path.exists() and second", True),
        ("not path.exists() or not other.exists()", True),
        ("force or not path.exists()", False),
        ("not path.exists() or force or not path.exists()", False),
        ("not (path and path.exists())", True),
        ("not (path and path.exists() and other.exists())", True),
        ("not (path and ready() and path.exists())", False),
        ("not (path.exists() or force)", True),
    ],
)
def test_written_only_when_missing(test: str, absent: bool) -> None:
    program = f"""
        def save(path, other, data):
            if {test}:
                path.write_text(data)
            if not ({test}):
                pass
            else:
                path.write_text(data)
        """
    # The `else` of the opposite test is the same branch.
    assert [guarded_by_absence(site) for site in facts_of(program).sites.writes] == [absent] * 2


def test_written_only_when_it_was_not_found() -> None:
    program = """
        def load(path):
            try:
                return path.read_text()
            except FileNotFoundError:
                path.write_text("{}")
            except OSError:
                path.write_text("{}")
        """
    assert [guarded_by_absence(site) for site in facts_of(program).sites.writes] == [True, False]


def test_evidence_of_a_write() -> None:
    program = """
        import json

        class Session:
            def save_state(self):
                with open("state.json", "w") as file:
                    json.dump(self.jobs, file)

            def load_state(self):
                with open("state.json") as file:
                    self.jobs = json.load(file)
        """
    facts = facts_of(program)
    (site,) = facts.sites.writes
    found = facts.write_score(site)
    assert not found.ruled_out
    assert [(feature.text, round(feature.prior, 2)) for feature in found.features] == [
        ("the suffix is .json", 0.3),
        ("the path contains `state`", 2.6),
        ("the function name contains `state`", 0.76),
        ("the class name contains `session`", 1.1),
        ("`load_state` reads it back", 2.6),
        ("it holds serialised data", 0.6),
        ("the data `jobs` contains `job`", 0.4),
        ("the function name contains `save`", 0.5),
    ]


def test_names_of_features() -> None:
    labels = [each.label for each in FeatureName]
    assert len(set(labels)) == len(labels)
    # A row of the table that no feature has would count for nothing.
    assert set(WEIGHTS) <= set(labels)
    # What the labels say of a feature may be little, never the opposite.
    assert all(each.weight * each.prior >= 0 for each in FeatureName)


def test_which_features_a_site_has_does_not_depend_on_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = """
        import json

        class Session:
            def save_state(self, path):
                with open(path or "cache.json", "w") as file:
                    file.write(json.dumps(self.jobs))

            def load_state(self, path):
                with open(path or "cache.json") as file:
                    return file.read()

            def show(self, path):
                with open(path or "cache.json") as file:
                    return json.load(file)
        """

    def named() -> list[tuple[FeatureName, float]]:
        facts = facts_of(program)
        (site,) = facts.sites.writes
        return [(each.name, each.strength) for each in facts.features(site, View(site.path))]

    before = named()
    assert FeatureName.READ_BACK in dict(before)
    for each in FeatureName:
        monkeypatch.setattr(each, "weight", -each.weight)
    assert named() == before


def test_a_sum_is_what_its_features_weigh() -> None:
    features = (
        Feature(FeatureName.READ_BACK, "it is read back"),
        Feature(FeatureName.CLASS_DURABLE, "the class's name says state", 0.4),
    )
    total = START + FeatureName.READ_BACK.weight + 0.4 * FeatureName.CLASS_DURABLE.weight
    assert Score(features).log_odds == pytest.approx(total)
    assert Score(features).confidence == round(1 / (1 + math.exp(-total)), 2)
    assert Score(features, "the path is a device").confidence == 0.0


@pytest.mark.parametrize(
    ("path", "row", "said"),
    [
        ("app.py", 3, 1),
        ("other.py", 3, 2),
        ("app.py", 8, 2),
    ],
)
def test_one_place_is_named_once(path: str, row: int, said: int) -> None:
    facts = facts_of(
        """
        def load(path):
            with open("first") as file:
                return file.read()
        """,
        "/src/app.py",
    )
    (load, *_) = facts.sites.loads
    assert load.node.lineno == 3
    here = Feature(FeatureName.READ_BACK, "`load` reads it back", site=load)
    at = Location(path, row, "load")
    there = Feature(FeatureName.READ_BACK_ELSEWHERE, f"{at} reads it back", elsewhere=at)
    assert len(evidence_of(facts, Score((here, there)))) == said


def test_evidence_of_a_load() -> None:
    program = """
        def save_queue(path):
            path.write_text(dump())

        def load_queue(path):
            return path.read_text()
        """
    facts = facts_of(program)
    (load,) = facts.sites.loads
    found = facts.load_score(load, load.function)
    assert [(feature.text, round(feature.prior, 2)) for feature in found.features] == [
        ("the function name contains `queue`", 1.9),
        ("`save_queue` writes it", 2.2),
        ("its content is read but not parsed", -0.8),
    ]
    assert found.features[1].site is facts.sites.writes[0]


@pytest.mark.parametrize(
    ("program", "test"),
    [
        ("def test_save(tmp_path):\n    save(tmp_path)\n", True),
        ("def test_save():\n    assert save()\n", True),
        ("async def test_save():\n    assert await save()\n", True),
        ("def test_save(self):\n    self.assertTrue(save())\n", True),
        ("def test_save(self):\n    with self.assertRaises(OSError):\n        save()\n", True),
        ("def test_save():\n    with pytest.raises(OSError):\n        save()\n", True),
        ("def test_connection():\n    return open_connection()\n", False),
        ("def test_words():\n    '''It is said to\n    assert nothing.'''\n", False),
        ("def save(tmp_path):\n    assert write(tmp_path)\n", False),
        ("@pytest.fixture\ndef store():\n    save()\n", True),
        ("class A(unittest.TestCase):\n    def helper(self):\n        save()\n", True),
        ("class TestStore:\n    def setup_method(self):\n        save()\n", True),
        ("class TestStore:\n    def helper(self):\n        save()\n", False),
        ("def test_save():\n    def inner():\n        save()\n    assert inner()\n", True),
    ],
)
def test_what_is_a_test(program: str, test: bool) -> None:
    scopes = collect(ast.parse(program))
    (function,) = {call.function for call in scopes.calls() if call.name in {"save", "write"}} or {
        scopes.functions[-1]
    }
    assert is_test(function, Paths(scopes)) is test
