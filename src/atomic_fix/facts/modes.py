"""The modes that files are opened in."""

from dataclasses import dataclass

_LETTERS = frozenset("rwaxbtU+")


def of_letters(text: str | None) -> bool:
    """Whether a text consists of the letters of a mode. Modes of `tarfile`, with the compression
    after a bar or colon, are not modes of `open`."""
    return bool(text) and _LETTERS.issuperset(text or "")


def is_mode(text: str | None) -> bool:
    """Whether a text is a mode: not empty, and no longer than the longest mode."""
    return text is not None and len(text) <= 4 and of_letters(text)


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode as written in code: `w`, `wb`, `r+`."""

    text: str

    @property
    def is_binary(self) -> bool:
        return "b" in self.text

    @property
    def is_update(self) -> bool:
        """Whether opening keeps the content of the file."""
        return "r" in self.text

    @property
    def is_text(self) -> bool:
        """Whether it replaces the file by a new text: `w`, `wt`, `w+`."""
        return set(self.text) - set("t+") == {"w"}

    @property
    def of_text(self) -> str:
        """The same mode for text."""
        return self.text.replace("b", "")


WRITE = Mode("w")
