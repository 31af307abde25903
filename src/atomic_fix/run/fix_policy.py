"""Policies, which say what to do about the findings of a file, and their outcomes."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from atomic_fix.finding import Applicability, Finding
from atomic_fix.review import Answer, review
from atomic_fix.rewrite import SAFE_AND_UNSAFE, Rewrite, rewrite
from atomic_fix.run.helper_import import Found, HelperImports, Missing
from atomic_fix.source import Source
from atomic_fix.suppress import add_noqa

Find: TypeAlias = Callable[[Source], Sequence[Finding]]


class OnMissing(enum.Enum):
    """What to do if a fix needs an import that is not available yet."""

    LEAVE_FILE = enum.auto()
    """Change nothing in the file."""
    LEAVE_OUT = enum.auto()
    """Make the other fixes."""
    APPLY = enum.auto()
    """Apply it anyway: the result is only shown."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply the fixes that are `allowed`. `imports` resolves their imports; without it, they are
    assumed to be available."""

    allowed: AbstractSet[Applicability]
    imports: HelperImports | None = None
    on_missing: OnMissing = OnMissing.LEAVE_FILE


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask about each fix. The prompt gets the finding, its source and the text that the fix would
    produce; `why` asks for the reason to put into a comment."""

    prompt: Callable[[Finding, Source, str], Answer]
    imports: HelperImports | None = None
    why: Callable[[Finding], str | None] = lambda _: ""


@dataclass(frozen=True, slots=True)
class Suppress:
    """Put a `# noqa` comment with a reason on each finding."""

    reason: str


FixPolicy: TypeAlias = Apply | Ask | Suppress


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one source. `missing` is an unavailable import because of which nothing was
    done, or some repairs were left out (if it `is_setup` not). `remarks` are about imports that may
    still be unavailable, and `imported` has the modules that applied fixes import."""

    rewrite: Rewrite
    missing: Missing | None = None
    remarks: frozenset[str] = frozenset()
    imported: tuple[tuple[Finding, str], ...] = field(default=())


def carry_out(policy: FixPolicy, source: Source, find: Find) -> Outcome:
    """Change a source in memory; `find` returns the findings to report in a text.

    Raises:
        NotAnalysed: the source cannot be analysed.
    """
    if isinstance(policy, Suppress):
        return Outcome(_suppressed(source, find, policy.reason))
    allowed: AbstractSet[Applicability] = SAFE_AND_UNSAFE
    on_missing = OnMissing.LEAVE_FILE
    if isinstance(policy, Apply):
        allowed, on_missing = policy.allowed, policy.on_missing
    guarded = _Importable(policy.imports, find, allowed, on_missing is not OnMissing.APPLY)
    unchanged = Rewrite(source.text, (), guarded(source))
    leaves = on_missing is OnMissing.LEAVE_FILE
    if leaves and guarded.missing is not None:
        return Outcome(Rewrite(source.text, (), tuple(find(source))), guarded.missing)
    if isinstance(policy, Ask):
        new = review(source, guarded, policy.prompt, policy.why)
    else:
        new = rewrite(source, guarded, allowed)
    if guarded.missing is not None:
        return Outcome(unchanged if leaves else new, guarded.missing)
    if policy.imports is None or not new.applied:
        return Outcome(new, guarded.left_out)
    modules = ((each, policy.imports.imported(each, new.text)) for each in new.applied)
    imported = tuple((each, module) for each, module in modules if module)
    return Outcome(new, guarded.left_out, frozenset(guarded.remarks), imported)


def _suppressed(source: Source, find: Find, reason: str) -> Rewrite:
    """The source with a `# noqa` comment for each finding; these are the `applied` ones."""
    findings = tuple(find(source))
    if not findings:
        return Rewrite(source.text, (), findings)
    try:
        new = replace(source, text=add_noqa(source, findings, reason))
        new.encode(new.text)
    except ValueError as error:  # includes UnicodeEncodeError, for the reason
        return Rewrite(source.text, (), findings, str(error))
    return Rewrite(new.text, findings, tuple(find(new)))


@dataclass(slots=True)
class _Importable:
    """Finds the findings of one file, and replaces repairs that cannot be made by the reason.

    `allowed` are the repairs that may be made. `missing` says why one of them cannot be made until
    the user acts, `left_out` why one cannot be made in this file, and `remarks` has remarks about
    those that can. Without `withhold`, repairs that could be made once the user has acted are kept.
    """

    imports: HelperImports | None
    find: Find
    allowed: AbstractSet[Applicability]
    withhold: bool
    missing: Missing | None = None
    left_out: Missing | None = None
    remarks: set[str] = field(default_factory=set)
    last: tuple[str, tuple[Finding, ...]] | None = None

    def __call__(self, source: Source) -> tuple[Finding, ...]:
        if self.last is None or self.last[0] != source.text:
            findings = tuple(self._guarded(source, each) for each in self.find(source))
            self.last = source.text, findings
        return self.last[1]

    def _guarded(self, source: Source, finding: Finding) -> Finding:
        if finding.fix is None or self.imports is None:
            return finding
        found = self.imports.resolve(source, finding)
        if isinstance(found, Found):
            if found.remark and finding.applicability in self.allowed:
                self.remarks.add(found.remark)
            return finding
        is_wanted = finding.applicability in self.allowed
        if found.is_setup and is_wanted:
            self.missing = self.missing or found
        if found.is_setup and not self.withhold:
            return finding
        if found.of_file and found.advice and is_wanted:
            self.left_out = self.left_out or found
        advice = f"; {found.advice}" if found.is_setup and not is_wanted else ""
        return replace(finding, fix=None, why_no_fix=f"{found.message}{advice}")
