"""From the edits of fixes to the new text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic_fix.finding import (
    Applicability,
    Edit,
    Finding,
    Fix,
    NotAnalysed,
    Position,
    Span,
    Unreadable,
)
from atomic_fix.rewrite import (
    ROUND_LIMIT,
    SAFE_AND_UNSAFE,
    SAFE_ONLY,
    apply_fixes,
    rewrite,
    verified,
)
from atomic_fix.source import Source, decode


def source(content: bytes) -> Source:
    decoded = decode(content, "a.py")
    assert isinstance(decoded, Source)
    return decoded


def edit(row: int, start: int, end: int, text: str) -> Edit:
    return Edit(Span(Position(row, start), Position(row, end)), text)


def finding(*edits: Edit, how: Applicability = Applicability.SAFE, code: str = "ATF101") -> Finding:
    return Finding(
        code=code,
        name="in-place-write",
        filename="a.py",
        span=edits[0].span,
        headline="written in place",
        fix=Fix("use the helper", how, edits),
    )


IMPORT = edit(1, 1, 1, "import helper\n")


def finds(
    old: str, new: str, *extra: Edit, how: Applicability = Applicability.SAFE
) -> Callable[[Source], list[Finding]]:
    """A check that wants every `old` to be replaced by `new`."""

    def find(text: Source) -> list[Finding]:
        found = []
        at = text.text.find(old)
        while at >= 0:
            span = Span(text.position(at), text.position(at + len(old)))
            found.append(finding(Edit(span, new), *extra, how=how))
            at = text.text.find(old, at + 1)
        return found

    return find


def test_every_fix_that_does_not_overlap_goes_in_and_the_same_edit_once() -> None:
    text = source(b"a = 1\nb = 2\n")
    findings = [finding(edit(1, 5, 6, "x"), IMPORT), finding(edit(2, 5, 6, "y"), IMPORT)]
    new_text, applied = apply_fixes(text, findings, SAFE_ONLY)
    assert new_text == "import helper\na = x\nb = y\n"
    assert applied == findings


def test_of_two_that_overlap_the_first_wins_whole() -> None:
    text = source(b"abcdef\n")
    first = finding(edit(1, 2, 4, "XX"))
    second = finding(edit(1, 6, 7, "Z"), edit(1, 3, 5, "YY"))
    new_text, applied = apply_fixes(text, [first, second], SAFE_ONLY)
    assert new_text == "aXXdef\n"
    assert applied == [first]


def test_two_different_insertions_at_one_place_are_not_ordered_by_guess() -> None:
    text = source(b"a\n")
    first, second = finding(edit(1, 1, 1, "x")), finding(edit(1, 1, 1, "y"))
    assert apply_fixes(text, [first, second], SAFE_ONLY)[0] == "xa\n"


def test_an_insertion_may_touch_a_replacement() -> None:
    text = source(b"abc\n")
    new_text, _ = apply_fixes(
        text,
        [finding(edit(1, 1, 4, "X")), finding(edit(1, 1, 1, "+"), edit(1, 4, 4, "-"))],
        SAFE_ONLY,
    )
    assert new_text == "+X-\n"


@pytest.mark.parametrize(
    ("how", "allowed", "text"),
    [
        (Applicability.SAFE, SAFE_ONLY, "X\n"),
        (Applicability.UNSAFE, SAFE_ONLY, "a\n"),
        (Applicability.UNSAFE, SAFE_AND_UNSAFE, "X\n"),
        (Applicability.DISPLAY, SAFE_AND_UNSAFE, "a\n"),
    ],
)
def test_applicability(how: Applicability, allowed: frozenset[Applicability], text: str) -> None:
    assert apply_fixes(source(b"a\n"), [finding(edit(1, 1, 2, "X"), how=how)], allowed)[0] == text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_line_ends_of_the_file_are_used(newline: str) -> None:
    text = source(f"a = 1{newline}b = 2".encode())
    new = rewrite(text, finds("2", "(\n    3\n)"), SAFE_ONLY)
    assert new.text == f"a = 1{newline}b = ({newline}    3{newline})"


def test_what_overlapped_is_done_in_the_next_round() -> None:
    new = rewrite(source(b"p = 'one two'\n"), _one_then_two, SAFE_ONLY)
    assert new.text == "p = '1 2'\n"
    assert [each.code for each in new.applied] == ["ATF101", "ATF102"]
    assert new.remaining == ()


def _one_then_two(text: Source) -> list[Finding]:
    """Two findings whose fixes both touch the blank between the words."""
    found = []
    if "one " in text.text:
        found.append(finding(edit(1, 6, 10, "1 ")))
    at = text.text.find(" two")
    if at >= 0:
        found.append(finding(edit(1, at + 1, at + 5, " 2"), code="ATF102"))
    return found


def test_a_fix_whose_result_cannot_be_analysed_is_refused() -> None:
    def find(text: Source) -> list[Finding]:
        if "X" in text.text:
            raise NotAnalysed(Unreadable(text.filename, "cannot be analysed: nested too deeply"))
        return [finding(edit(1, 1, 2, "X"))]

    new = rewrite(source(b"a = 1\n"), find, SAFE_ONLY)
    assert new.text == "a = 1\n"
    assert new.applied == ()
    assert new.refusal == "the result cannot be analysed: nested too deeply"
    (kept,) = verified(source(b"a = 1\n"), find(source(b"a = 1\n")), find)
    assert kept.fix is None
    assert kept.why_no_fix == "the result cannot be analysed: nested too deeply"


def test_a_fix_that_never_settles_is_refused_and_the_text_kept() -> None:
    new = rewrite(source(b"a = 1\n"), finds("1", "11"), SAFE_ONLY)
    assert new.text == "a = 1\n"
    assert new.applied == ()
    assert len(new.remaining) == 1
    assert new.refusal == f"the fixes do not settle in {ROUND_LIMIT} rounds"


def test_a_result_that_does_not_compile_is_refused() -> None:
    new = rewrite(source(b"a = 1\n"), finds("1", "("), SAFE_ONLY)
    assert new.text == "a = 1\n"
    assert "would not compile" in new.refusal
    assert "line 1" in new.refusal


@pytest.mark.parametrize(
    ("before", "old", "new", "why"),
    [
        ("a\nfrom __future__ import annotations\n", "a", "'a'", ""),
        ("'a'\nfrom __future__ import annotations\n", "'a'", "a", "from __future__ imports must"),
        ("a = 1\nb = 2\nif b:\n    global x\n", "a", "x", "assigned to before global"),
        ("def f():\n    pass\n\n\nb = 2\n", "2", "(yield)", "'yield' outside function"),
        ("return 1\nb = 2\n", "2", "3", ""),
        ("return 1\nb = 2\n", "2", "(yield)", ""),
    ],
)
def test_what_does_not_compile_because_of_other_statements(
    before: str, old: str, new: str, why: str
) -> None:
    """Only changed statements are compiled, with those that they depend on."""
    text = source(before.encode())
    at = before.index(old)
    span = Span(text.position(at), text.position(at + len(old)))

    def find(current: Source) -> list[Finding]:
        return [finding(Edit(span, new))] if current.text == before else []

    found = rewrite(text, find, SAFE_ONLY)
    assert (why in found.refusal) if why else (found.refusal == "")
    assert found.text == (before if why else before.replace(old, new, 1))


def test_a_comment_counts_as_often_as_it_stands() -> None:
    before = "a = (  # why\n    1)\n\n# why\nb = 2\n"
    new = rewrite(source(before.encode()), finds("(  # why\n    1)", "1"), SAFE_ONLY)
    assert new.refusal == "the result would lose a comment: # why"
    moved = rewrite(source(before.encode()), finds("(  # why\n    1)", "1  # why"), SAFE_ONLY)
    assert (moved.refusal, moved.text) == ("", "a = 1  # why\n\n# why\nb = 2\n")


def test_a_text_newer_than_this_python_may_still_be_fixed() -> None:
    new = rewrite(source(b"not python at all = 1\n"), finds("1", "2"), SAFE_ONLY)
    assert (new.text, new.refusal) == ("not python at all = 2\n", "")


def test_a_result_that_loses_a_comment_is_refused() -> None:
    new = rewrite(source(b"a = (  # why\n    1)\n"), finds("(  # why\n    1)", "1"), SAFE_ONLY)
    assert new.refusal == "the result would lose a comment: # why"


def test_a_result_that_the_encoding_cannot_express_is_refused() -> None:
    text = source(b"# coding: latin-1\na = '\xe9'\n")
    new = rewrite(text, finds("\xe9", "\u20ac"), SAFE_ONLY)
    assert "cannot be written as iso-8859-1" in new.refusal


def test_a_fix_that_changes_nothing_ends_the_rounds() -> None:
    new = rewrite(source(b"a = 1\n"), finds("1", "1"), SAFE_ONLY)
    assert (new.text, new.applied, new.refusal) == ("a = 1\n", (), "")


@st.composite
def texts_with_findings(draw: st.DrawFn) -> tuple[Source, list[Finding]]:
    text = Source("a.py", draw(st.text("ab\r\n\t é\x0c", min_size=1, max_size=40)), "utf-8", False)
    offsets = st.integers(0, len(text.text))
    found = []
    for _ in range(draw(st.integers(1, 5))):
        pairs = draw(st.lists(st.tuples(offsets, offsets), min_size=1, max_size=2))
        edits = []
        for pair in pairs:
            span = Span(text.position(min(pair)), text.position(max(pair)))
            edits.append(Edit(span, draw(st.text("XY\n", max_size=3))))
        found.append(finding(*edits))
    return text, found


@given(texts_with_findings())
def test_whatever_the_edits_all_else_stays_and_nothing_is_done_by_halves(
    case: tuple[Source, list[Finding]],
) -> None:
    text, found = case
    new_text, applied = apply_fixes(text, found, SAFE_ONLY)
    done = list(
        dict.fromkeys(
            (text.offset(each.span.start), text.offset(each.span.end), each.text)
            for one in applied
            for each in one.fix.edits  # type: ignore[union-attr]
        )
    )
    # Replaying the edits from the end, one at a time, gives the same text.
    replayed = text.text
    in_order = sorted(enumerate(done), key=lambda each: (*each[1][:2], each[0]))
    for _, (start, end, new) in reversed(in_order):
        replayed = replayed[:start] + new.replace("\n", text.newline) + replayed[end:]
    assert new_text == replayed
    # What was left out is left out for a reason: one of its edits is in the way of one that
    # was made, or of another of its own.
    for one in found:
        if any(one is each for each in applied):
            continue
        assert one.fix is not None
        own = [
            (text.offset(each.span.start), text.offset(each.span.end), each.text)
            for each in one.fix.edits
        ]
        assert any(_clash(a, b) for a in own for b in (*done, *own) if a != b)


def _clash(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    touching = one[:2] == other[:2] and one[0] == one[1]
    return touching or (one[0] < other[1] and other[0] < one[1])


def test_a_fix_that_would_be_refused_is_not_offered() -> None:
    text = source(b"a = 1\nb = 2\nc = 3  # why\n")

    def find(text: Source) -> list[Finding]:
        return [
            *finds("a = 1", "a = 5")(text),
            *finds("b = 2", "b = (")(text),
            *finds("  # why", "")(text),
        ]

    good, broken, lost = verified(text, find(text), find)
    assert good == find(text)[0]
    assert broken.fix is None
    assert "would not compile" in broken.why_no_fix
    assert lost.fix is None
    assert "would lose a comment" in lost.why_no_fix


def test_a_fix_that_does_not_settle_is_not_offered() -> None:
    text = source(b"a = 1\nb = 2\n")
    restless, still = finds("a", "aa"), finds("2", "3", how=Applicability.UNSAFE)

    def find(text: Source) -> list[Finding]:
        return [*restless(text), *still(text)]

    one, other = verified(text, find(text), find)
    assert one.fix is None
    assert one.why_no_fix == f"the fixes do not settle in {ROUND_LIMIT} rounds"
    assert other == find(text)[1]


def test_fixes_that_may_go_in_are_offered_as_they_are() -> None:
    text = source(b"a = 1\n")
    asked = []

    def find(text: Source) -> list[Finding]:
        asked.append(text.text)
        return finds("1", "2")(text)

    assert verified(text, find(text), find) == tuple(finds("1", "2")(text))
    assert len(asked) == 2  # the text as it is, and once more behind the fix
