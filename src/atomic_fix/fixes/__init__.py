"""Determines the characters that change to repair a finding: a `Fix`, or `Refused` with the
reason."""


class Refused(Exception):
    """Raised if there is no fix. The reason completes the sentence "no automatic fix: ..."."""
