"""What a confidence is called, and from which one on a finding is reported."""

THRESHOLD = 0.5
"""The confidence from which on a finding is reported."""

MEDIUM, HIGH = 0.7, 0.9
"""Where these words begin; docs/detection.md has what was measured of each."""


def in_words(confidence: float) -> str:
    return "high" if confidence >= HIGH else "medium" if confidence >= MEDIUM else "low"
