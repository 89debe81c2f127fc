"""What became of every prompt: counts that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Dropped:
    """A prompt without a record: its id, why in words that many share, what was found in this one.

    `failed` says that something went wrong; otherwise the method's own rules left the prompt out.
    """

    id: str
    reason: str
    detail: str = ""
    failed: bool = False


@dataclass(slots=True)
class Tally:
    """Counts prompts in and out.

    Args:
        prompts: How many there were to begin with.

    Attributes:
        kept: Prompts that have a record.
        dropped: The others, in the order they were dropped.
    """

    prompts: int
    kept: int = 0
    dropped: list[Dropped] = field(default_factory=list)

    def keep(self) -> None:
        """A prompt has its record."""
        self.kept += 1

    def drop(self, prompt: str, reason: str, detail: str = "") -> None:
        """The method leaves a prompt out: all levels tie, nothing to compare, a balance that was asked for."""
        self.dropped.append(Dropped(prompt, reason, detail))

    def fail(self, prompt: str, reason: str, detail: str = "") -> None:
        """A prompt has no record because something is missing or cannot be used."""
        self.dropped.append(Dropped(prompt, reason, detail, failed=True))

    @property
    def failed(self) -> int:
        """Prompts that were lost, not left out; a verb then ends with `INCOMPLETE`."""
        return sum(one.failed for one in self.dropped)

    @property
    def adds_up(self) -> bool:
        """Whether every prompt was kept or dropped, once."""
        return self.kept + len(self.dropped) == self.prompts

    def count_rows(self) -> Iterator[tuple[str, int]]:
        """The lines of the final table: all prompts, those kept, and the dropped by reason, the commonest first."""
        yield "prompts", self.prompts
        yield "kept", self.kept
        yield from Counter(one.reason for one in self.dropped).most_common()
