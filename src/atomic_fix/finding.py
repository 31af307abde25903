"""What the checker says of a file: values only, frozen and picklable.

Positions follow Python's own line structure (`\\n`, `\\r\\n` and `\\r` end a row, a
form feed does not), are 1-based, and count characters, not bytes.
"""

import enum
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field


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
    """Another place that a finding speaks of, and what is there: "`load` reads it back".

    `path` is named as `Finding.filename` is; empty stands for that file.
    """

    message: str
    span: Span
    path: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one place.

    `confidence` is between 0 and 1. `noqa_row` is the row on which a `# noqa` comment is
    best put. `why_no_fix` says in a clause why there is none, and is empty otherwise.
    `precedence` is None for a finding that is always reported; of the others at one call, only
    the one with the highest is.
    """

    code: str
    name: str
    filename: str
    span: Span
    message: str
    confidence: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    why_no_fix: str = ""
    noqa_row: int = 1
    source_line: str = ""
    precedence: int | None = None
    related: tuple[RelatedLocation, ...] = ()

    @property
    def applicability(self) -> Applicability | None:
        """That of its fix, if it has one."""
        return self.fix.applicability if self.fix is not None else None

    @property
    def sort_key(self) -> tuple[Position, str]:
        return self.span.start, self.code


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
    """Of a notebook, whose rows here are those of its cells, one after the other."""

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
        )
    yield from result.findings
