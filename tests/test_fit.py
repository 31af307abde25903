"""The fit of the weights to the labels."""

from __future__ import annotations

import ast
import math
import random
from pathlib import Path

import pytest

from benchmarks import fit
from benchmarks.fit import Example


def example(real: bool, *features: str, repo: str = "a/b") -> Example:
    return Example(repo, "write", real, tuple((each, 1.0, "") for each in features))


def test_linear_equations() -> None:
    # The first pivot is zero.
    matrix = [[0.0, 2.0, 1.0], [1.0, -2.0, -3.0], [-1.0, 1.0, 2.0]]
    assert fit.solve(matrix, [-8.0, 0.0, 3.0]) == pytest.approx([-4.0, -5.0, 2.0])


def test_without_examples_the_weights_are_those_by_hand() -> None:
    fitted = fit.fit([], 1.0, 1.0)
    assert fitted.weights == pytest.approx(dict(fit.BY_HAND.weights))
    # As far as they are from known: the standard deviation that they were given.
    assert fitted.errors["read-back"] == pytest.approx(1.0)


def test_what_is_rare_follows_its_group() -> None:
    # Of words in the path, one kind is seen often, and another one never.
    examples = [example(index % 5 == 0, "literal-durable") for index in range(300)]
    fitted = fit.fit(examples, 1.0, 100.0)
    assert fitted.weights["literal-durable"] < fit.PRIOR["literal-durable"]
    share = fitted.weights["constant-durable"] / fit.PRIOR["constant-durable"]
    assert share == pytest.approx(fitted.weights["key-durable"] / fit.PRIOR["key-durable"])
    assert share < 0.9
    assert fitted.weights["class-durable"] == fit.PRIOR["class-durable"]


def test_the_fit_follows_what_the_labels_show_and_leaves_the_rest() -> None:
    drawn = random.Random(7)
    odds = {"serialised": 2.0, "function-saves": 0.1}
    examples = []
    for _ in range(3000):
        features = [name for name in odds if drawn.random() < 0.5]
        share = 1 / (1 + math.exp(1.0 - sum(odds[name] for name in features)))
        examples.append(example(drawn.random() < share, *features))
    fitted = fit.fit(examples, 1.0, 1.0)
    assert fitted.weights["serialised"] == pytest.approx(2.0, abs=0.3)
    assert fitted.weights["function-saves"] == pytest.approx(0.1, abs=0.2)
    assert fitted.weights["(start)"] == pytest.approx(-1.0, abs=0.25)
    assert fitted.errors["serialised"] < 0.15
    assert fitted.weights["class-durable"] == fit.PRIOR["class-durable"]


def test_no_weight_changes_its_sign() -> None:
    examples = [example(index % 10 != 0, "suffix-denied") for index in range(200)]
    examples += [example(index % 10 == 0, "suffix-data") for index in range(200)]
    fitted = fit.fit(examples, 0.1, 0.1)
    assert fitted.weights["suffix-denied"] == 0.0
    assert fitted.weights["suffix-data"] == 0.0


def test_what_is_cross_validated_has_seen_nothing_of_its_repository() -> None:
    # A mark of each repository says all, and nothing of the others.
    marks = ["serialised", "function-saves", "suffix-data", "class-maybe"]
    examples = [
        example(number % 2 == 0, marks[number], repo=f"owner/{number}")
        for number in range(4)
        for _ in range(50)
    ]
    seen = fit.log_loss(fit.scored(fit.fit(examples, 0.3, 0.3), examples))
    assert seen < 0.3 < fit.log_loss(fit.cross_validated(examples, 0.3, 0.3))


def test_precision_and_recall() -> None:
    found = [
        (0.9, example(True)),
        (0.8, example(True)),
        (0.7, example(False)),
        (0.6, example(True)),
        (0.2, example(True)),
        (0.1, example(False)),
    ]
    assert fit.precision_and_recall(found, 0.5) == (0.75, 0.75)
    assert fit.recall_at(found, 0.75) == (1.0, 0.2)
    assert fit.recall_at(found, 1.0) == (0.5, 0.8)


def test_the_table_is_python_and_holds_what_labels_show() -> None:
    examples = [example(True, "serialised"), example(False, "table")]
    text = fit.written(fit.fit(examples, 1.0, 1.0), examples)
    names: dict[str, object] = {}
    exec(compile(ast.parse(text), "weights.py", "exec"), names)
    weights = names["WEIGHTS"]
    assert isinstance(weights, dict)
    assert set(weights) == {"serialised", "table"}
    assert weights["serialised"].support == 1
    here = Path(fit.__file__).resolve().parents[1] / "src/atomic_fix/catalog/weights.py"
    assert here.read_text().splitlines()[0] == text.splitlines()[0]


def test_examples_of_labelled_files(tmp_path: Path) -> None:
    from benchmarks.measure import Label

    folder = tmp_path / "a+b" / ("1" * 12)
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(
        "import json\n\ndef save(state):\n    with open('state.json', 'w') as f:\n"
        "        json.dump(state, f)\n    with open('report.html', 'w') as f:\n"
        "        f.write(state)\n"
    )
    label = Label("blind", "a/b", "1" * 40, "app.py", 4, "write", "flag", "named", "")
    found = fit.examples_of_sites([label], tmp_path, frozenset({label.folder}))
    assert [(each.rule, each.real) for each in found] == [("write", True), ("write", False)]
    assert ("literal-durable", 1.0, "state") in found[0].features
    assert ("suffix-denied", 1.0, ".html") in found[1].features
