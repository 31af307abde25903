"""The results of checking a file: values only, frozen and picklable.

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
    """A position between two characters: 1-based row, 1-based column in characters."""

    row: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` up to but not including `end`."""

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
    """The cells of a notebook that make up a module: their 1-based numbers in the notebook, and the
    row of the module at which each begins."""

    numbers: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()

    def place(self, row: int) -> tuple[int, int]:
        """The number of the cell that contains a row of the module, and the row within that cell,
        both 1-based; the number is 0 if no cell contains it."""
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
    """How safe a fix is, in ruff's terms."""

    SAFE = "safe"
    """The program behaves the same, except that it no longer loses data."""
    UNSAFE = "unsafe"
    """Correct in most programs; should be reviewed."""
    DISPLAY = "display"
    """Shown only; never applied."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that repair one finding, all against the same text.

    `note` says what a reader should know before applying it, or is empty. `alternative` is another
    repair of the same finding, which a user may prefer: it is shown, and offered in editors, but
    never applied automatically. `waits` is set in a report if --write leaves the fix out until the
    program can import what it needs.
    """

    title: str
    applicability: Applicability
    edits: tuple[Edit, ...]
    note: str = ""
    alternative: "Fix | None" = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a finding, as a clause: "the function's name says checkpoint"."""

    text: str
    row: int | None = None
    path: str = ""
    """The file that contains the row; empty for that of the finding."""


@dataclass(frozen=True, slots=True)
class RelatedLocation:
    """Another location that belongs to a finding, with a label: "`load` reads it back".

    `path` is relative to the same folder as `Finding.filename`; empty means that file.
    `source_line` is the line on which the span begins, if known.
    """

    message: str
    span: Span
    path: str = ""
    source_line: str = ""


HEADLINE_WIDTH = 72
"""With a code before it, a headline fits in a terminal of 80 columns."""
THRESHOLD = 0.5
"""The lowest confidence at which a finding is reported."""

CONFIDENCE_LEVELS = {"high": 0.9, "medium": 0.7}
"""The words for a confidence, each with the lowest value that it covers; below these it is low."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one location.

    `headline` says what can go wrong, in at most `HEADLINE_WIDTH` columns and without evidence.
    `label` says what the code at `span` does, `why` says why the file is believed to be durable
    state, and `related` has other locations to look at, the most important first. `advice` says how
    to repair the defect by hand.

    `confidence` is between 0 and 1. `noqa_row` is the row for a `# noqa` comment. `why_no_fix` is a
    clause that says why there is no fix, or empty. `precedence` is None for a finding that is
    always reported on its own. Of the other findings at one call, the one with the highest
    precedence is reported, and `also` has the rest.
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
    """The cells, if the file is a notebook: rows are then counted through all cells."""

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
        """The confidence as a word."""
        return in_a_word(self.confidence)

    @property
    def applicability(self) -> Applicability | None:
        """The applicability of its fix, if it has one."""
        return self.fix.applicability if self.fix is not None else None

    @property
    def sort_key(self) -> tuple[Position, str]:
        return self.span.start, self.code


def in_a_word(confidence: float) -> str:
    """The word for a confidence."""
    levels = (level for level, least in CONFIDENCE_LEVELS.items() if confidence >= least)
    return next(levels, "low")


_ROW = re.compile(r"\(line (\d+)\)")


def in_cells(finding: Finding, cells: Cells) -> Finding:
    """The finding of a notebook, with the cells of rows named in its texts."""

    def said(text: str) -> str:
        return _ROW.sub(lambda row: "(cell {}, line {})".format(*cells.place(int(row[1]))), text)

    evidence = tuple(
        each if each.path else replace(each, text=said(each.text)) for each in finding.evidence
    )
    return replace(finding, why=said(finding.why), evidence=evidence, cells=cells)


@dataclass(frozen=True, slots=True)
class WeighedFeature:
    """One thing that counts for or against a file being durable state.

    `name` is stable between versions, `text` describes the feature as a clause. It adds `weight`
    times `strength` to the log odds. `word` is the word that it finds in a name; `row` and `path`
    locate the code that shows it.
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
    """The evidence at one location that may be a finding, whether it is one or not. `excluded` is a
    clause that says why it cannot be one, whatever its confidence, or empty.
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
    """Raised if a file cannot be analysed; `problem` says why. Caught within the analysis of that
    file."""

    def __init__(self, problem: Unreadable) -> None:
        super().__init__(problem.reason)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class FileResult:
    """Everything to be reported about one file, its findings in order of position. `problem` says
    why the file could not be analysed; there are no findings then. `notes` are pairs of row and
    remark about comments that suppress nothing; these are not findings. `text` is the checked text
    if a finding has a fix, so that it need not be read again to show the fix. `suppressed` findings
    are hidden by comments, and `known` ones by a baseline.
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
    """The findings of a file as they are reported. In reports, and nowhere else, a file that was
    not analysed has a finding that says so."""
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
