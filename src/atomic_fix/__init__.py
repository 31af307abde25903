"""atomic-fix: finds, explains and repairs unsafe writes and loads of state files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atomic_fix.config import Config
    from atomic_fix.finding import Finding

__version__ = "0.1.0"


def check_source(source: bytes, filename: str, config: Config | None = None) -> tuple[Finding, ...]:
    """Return all findings in the bytes of one Python file, in order of position.

    Fixes that `--write` would refuse are left out, with the reason. Pure: nothing is read or
    written, and suppressing comments are ignored. A file that cannot be decoded, or that has to be
    parsed and cannot be, gives one ATF000. The function can be pickled, so that a pool can map it.

    Args:
        source: the content of the file. filename: the name of the file; its words count as
        evidence. config: the settings; the defaults if it is None.
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
