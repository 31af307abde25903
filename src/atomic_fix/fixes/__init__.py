"""Which characters change to repair a finding: a `Fix`, or `Refused` with the reason."""


class Refused(Exception):
    """There is no fix. The reason completes the sentence "no fix: ..."."""
