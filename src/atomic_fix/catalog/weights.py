"""The weight of each feature, in log odds at full strength.

A feature without a row has the weight of `catalog.features`.
"""

from typing import NamedTuple


class Weight(NamedTuple):
    value: float
    support: int
    """Labelled sites that have the feature."""
    error: float
    """The standard error of the value."""


START = -2.2
"""Without any feature, a written file is not considered durable state."""

WEIGHTS: dict[str, Weight] = {}
