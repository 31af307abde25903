"""The modes that files are opened in."""

from dataclasses import dataclass

_LETTERS = frozenset("rwaxbtU+")


def of_letters(text: str | None) -> bool:
    """Whether a text has the letters of a mode, and no other. `tarfile` writes its compression
    after a bar or colon: no mode of `open`."""
    return bool(text) and _LETTERS.issuperset(text or "")


def is_mode(text: str | None) -> bool:
    """Whether a text is a mode, and neither empty nor longer than any."""
    return text is not None and len(text) <= 4 and of_letters(text)


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode as it is written: `w`, `wb`, `r+`."""

    text: str

    @property
    def is_binary(self) -> bool:
        return "b" in self.text

    @property
    def is_update(self) -> bool:
        """Whether the file is kept when it is opened."""
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
