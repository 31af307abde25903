"""What the checker says of a file: values only, frozen and picklable.

Positions follow Python's own line structure (`\\n`, `\\r\\n` and `\\r` end a row, a
form feed does not), are 1-based, and count characters, not bytes.
"""

import enum
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two characters: 1-based row, 1-based column in characters."""

    row: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` up to, not including, `end`."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the text of `span` by `text`. Line ends in `text` are `\\n`; whoever applies
    the edit turns them into those of the file."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a notebook whose rows make a module: their numbers in the notebook, from 1, and
    the row of the module that each begins at."""

    numbers: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()

    def place(self, row: int) -> tuple[int, int]:
        """The number of the cell that a row of the module is in, and the row of that cell, both
        from 1; 0 for the cell where there is none."""
        index = bisect_right(self.starts, row) - 1
        return (self.numbers[index], row - self.starts[index] + 1) if index >= 0 else (0, row)

    def row(self, cell: int, row: int) -> int | None:
        """The row of the module that is this row of a cell, or None where there is no such cell,
        or it has fewer rows."""
        if cell not in self.numbers or row < 1:
            return None
        found = self.starts[self.numbers.index(cell)] + row - 1
        return found if self.place(found)[0] == cell else None


class Applicability(enum.Enum):
    """How far a fix may be trusted, in ruff's words."""

    SAFE = "safe"
    """The program does the same, except that it no longer loses data."""
    UNSAFE = "unsafe"
    """Right in most programs; a person should read it."""
    DISPLAY = "display"
    """Shown only; never applied."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that repair one finding, all against the same text.

    `note` says what a reader should know before applying it; empty when nothing.
    `alternative` is another repair of the same finding, which a person may prefer: it is shown
    and offered in editors, and never applied automatically.
    """

    title: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    note: str = ""
    alternative: "Fix | None" = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a finding, as a clause: "the function's name says checkpoint"."""

    text: str
    row: int | None = None
    path: str = ""
    """Of the file that the row is in; empty for that of the finding."""


@dataclass(frozen=True, slots=True)
class RelatedLocation:
    """Another place that belongs to a finding, with a label: "`load` reads it back".

    `path` is relative to the same folder as `Finding.filename`; empty means that file.
    `source_line` is the line that the span begins on, where it is known.
    """

    message: str
    span: Span
    path: str = ""
    source_line: str = ""


HEADLINE_WIDTH = 72
"""With a code before it, a headline fits in a terminal of 80 columns."""
THRESHOLD = 0.5
"""The confidence from which on a finding is reported."""

CONFIDENCE_LEVELS = {"high": 0.9, "medium": 0.7}
"""The words for a confidence, each with the lowest one that it stands for; the rest is low."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one place.

    `headline` says what can go wrong, in at most `HEADLINE_WIDTH` columns and without evidence.
    `label` says what the code at `span` does, `why` why the file is taken for durable state, and
    `related` has the other places to look at, the most telling one first. `advice` says how to
    repair the defect by hand.

    `confidence` is between 0 and 1. `noqa_row` is the row on which a `# noqa` comment is
    best put. `why_no_fix` says in a clause why there is none, and is empty otherwise.
    `precedence` is None for a finding that is always reported on its own. Of the others at one
    call, the one with the highest is reported, and `also` has the rest.
    """

    code: str
    name: str
    filename: str
    span: Span
    headline: str
    label: str = ""
    why: str = ""
    advice: str = ""
    confidence: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    why_no_fix: str = ""
    noqa_row: int = 1
    source_line: str = ""
    precedence: int | None = None
    related: tuple[RelatedLocation, ...] = ()
    also: tuple["Finding", ...] = ()
    cells: Cells | None = None
    """Of a notebook, whose rows are those of its cells, one after the other."""

    @property
    def what_to_do(self) -> str:
        """The title of the fix; without one, how to repair it by hand and why there is none."""
        if self.fix is not None:
            return self.fix.title
        if not self.why_no_fix:
            return self.advice
        reason = f"no automatic fix: {self.why_no_fix}"
        return f"{self.advice} ({reason})" if self.advice else reason

    @property
    def confidence_level(self) -> str:
        """The confidence in a word."""
        return in_a_word(self.confidence)

    @property
    def applicability(self) -> Applicability | None:
        """That of its fix, if it has one."""
        return self.fix.applicability if self.fix is not None else None

    @property
    def sort_key(self) -> tuple[Position, str]:
        return self.span.start, self.code


def in_a_word(confidence: float) -> str:
    """What a confidence is called."""
    levels = (level for level, least in CONFIDENCE_LEVELS.items() if confidence >= least)
    return next(levels, "low")


_ROW = re.compile(r"\(line (\d+)\)")


def in_cells(finding: Finding, cells: Cells) -> Finding:
    """The finding of a notebook, which says in words too which cell a row is in."""

    def said(text: str) -> str:
        return _ROW.sub(lambda row: "(cell {}, line {})".format(*cells.place(int(row[1]))), text)

    evidence = tuple(
        each if each.path else replace(each, text=said(each.text)) for each in finding.evidence
    )
    return replace(finding, why=said(finding.why), evidence=evidence, cells=cells)


@dataclass(frozen=True, slots=True)
class WeighedFeature:
    """One thing that counts for or against a file being durable state.

    `name` stays from version to version, `text` says it as a clause. It adds `weight` times
    `strength` to the log odds. `word` is what it finds in a name, `row` and `path` are those of the
    place that shows it.
    """

    name: str
    text: str
    strength: float
    weight: float
    word: str = ""
    row: int | None = None
    path: str = ""

    @property
    def contribution(self) -> float:
        return self.weight * self.strength


@dataclass(frozen=True, slots=True)
class Explanation:
    """What counts at one place that may be a finding, whether it is one or not.

    `excluded` says in a clause why it is none, whatever its confidence; empty for no such reason.
    """

    kind: str
    """`write`, `publication`, `handler`, `load` or `test`."""
    span: Span
    what: str
    confidence: float
    features: tuple[WeighedFeature, ...]
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be analysed, in one line, and where if that is known."""

    filename: str
    reason: str
    row: int = 1
    column: int = 1


class NotAnalysed(Exception):
    """Raised within the analysis of one file when it cannot be done; `problem` says why."""

    def __init__(self, problem: Unreadable) -> None:
        super().__init__(problem.reason)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class FileResult:
    """All that is to be reported of one file, its findings in order of position.

    `problem` is why the file could not be analysed; there are no findings then. `notes` are
    (row, remark) about comments in it that suppress nothing: they are no findings. `text` is what
    was checked, where a finding has a fix, so that nobody has to read it again to show that.
    `suppressed` findings are hidden by comments, and `known` ones by a baseline.
    """

    filename: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()
    problem: Unreadable | None = None
    text: str | None = field(default=None, compare=False, repr=False)
    suppressed: int = 0
    known: int = 0
    cells: Cells | None = None
    """As `Finding.cells`."""

    @property
    def analysed(self) -> bool:
        return self.problem is None


NOT_ANALYSED, NOT_ANALYSED_NAME = "ATF000", "not-analysed"


def listed(result: FileResult) -> Iterator[Finding]:
    """The findings of a file as they are reported. That it was not analysed is one as well,
    in reports and nowhere else."""
    if result.problem is not None:
        start = Position(result.problem.row, result.problem.column)
        yield Finding(
            NOT_ANALYSED,
            NOT_ANALYSED_NAME,
            result.problem.filename,
            Span(start, start),
            result.problem.reason,
            noqa_row=start.row,
            cells=result.cells,
        )
    yield from result.findings
