"""Every fixture: there are findings exactly where the markers in the file expect them.

A marker is a comment at the end of the row on which a finding starts: `# expect: ATF101`.
A fixture without markers is similar to a defect, and must have no finding. All rules are on.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atomic_fix.check import check_bytes
from atomic_fix.config import Config
from atomic_fix.finding import HEADLINE_WIDTH
from atomic_fix.rules import RULES, Rule
from atomic_fix.rules.rule import fitted

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(p for p in FIXTURES.glob("*/*.py") if not p.name.endswith(".fixed.py"))
ALL_RULES = Config(extend_select=tuple(rule.code for rule in RULES))

_MARKER = re.compile(r"# expect:((?: ATF\d{3})+)")


def expected(text: str) -> list[tuple[int, str]]:
    return sorted(
        (row, code)
        for row, line in enumerate(text.split("\n"), 1)
        for match in _MARKER.finditer(line)
        for code in match.group(1).split()
    )


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_findings_stand_where_they_are_expected(case: Path) -> None:
    result = check_bytes(case.read_bytes(), str(case), ALL_RULES)
    found = sorted((f.span.start.row, f.code) for f in result.findings)
    assert found == expected(case.read_text(encoding="utf-8"))
    for each in result.findings:
        assert len(each.headline) <= HEADLINE_WIDTH, each.headline
        assert not any(reason.text in each.headline for reason in each.evidence)
        assert each.label
        assert each.why
        assert each.what_to_do


def test_a_headline_names_the_reader_as_far_as_there_is_room() -> None:
    def headline(name: str) -> str:
        return fitted(
            f"a crash during this write destroys the file that {name} reads back",
            f"a crash here destroys the file {name} reads back",
            "a crash during this write destroys the file that is read back later",
        )

    assert "that `load` reads" in headline("`load`")
    assert "here destroys the file `load_configuration`" in headline("`load_configuration`")
    assert headline("`" + "load" * 20 + "`").endswith("read back later")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_cases_and_near_misses(rule: Rule) -> None:
    name, code = rule.name, rule.code
    texts = [p.read_text(encoding="utf-8") for p in CASES if p.parent.name == name]
    assert any(code in text for text in texts), f"no fixture expects {code}"
    assert any("# expect:" not in text for text in texts), f"{name} has no near miss"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_a_whole_page(rule: Rule) -> None:
    page = rule.page
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == [
        "What it does",
        "Why is this bad",
        "Example",
        "Use instead",
        "Fix safety",
        "Not reported",
    ]


def test_codes_and_names_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    assert len({rule.name for rule in RULES}) == len(RULES)
