"""atomic-fix: finds, explains and repairs checkpoints that a crash cuts short."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.finding import Finding

__version__ = "0.1.0"


def check_source(source: bytes, filename: str, config: Config | None = None) -> tuple[Finding, ...]:
    """Every finding in the bytes of one Python file, in order of position.

    Its fix is one that may go in: one that `--write` would refuse is left out, with the reason.
    Pure: nothing is read or written, and suppressing comments are ignored. A file that
    cannot be decoded or parsed gives one ATF000. Picklable, so that a pool can map it.

    Args:
        source: what the file holds.
        filename: what it is called; its words count as evidence.
        config: the settings; the defaults when it is None.
    """
    from atomic_fix.check import check, check_bytes
    from atomic_fix.config import Config
    from atomic_fix.finding import listed
    from atomic_fix.source import Source, decode

    known = config or Config()
    result = check_bytes(source, filename, known)
    findings = tuple(listed(result))
    text = decode(source, filename) if any(each.fix is not None for each in findings) else None
    if not isinstance(text, Source):
        return findings
    from atomic_fix.rewrite import verified

    return verified(text, findings, lambda new: check(new, known))
