"""The books of one step: every message planned is in exactly one of its states, so that they add up. Pure."""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEFT_OUT = ("skipped", "void")
FAULTS = ("failed", "unknown")
# Each more than this many reasons of a step is told as one line.
REASONS_SHOWN = 6
OTHER_REASONS = "Other reasons"
NO_REASON = "No reason recorded"


@dataclass(frozen=True, slots=True)
class Tally:
    """So many messages of `step` that were to leave on `day` and are alike."""

    step: int
    day: datetime.date
    state: str
    report: str
    number: int


@dataclass(frozen=True, slots=True)
class Reason:
    state: str
    why: str
    number: int

    @property
    def words(self) -> str:
        return "of unknown outcome" if self.state == "unknown" else self.state


@dataclass(frozen=True, slots=True)
class Books:
    """`planned` counts the rows, the others what became of them; what the carrier reports is a part of `sent`."""

    planned: int = 0
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    void: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0

    @property
    def accounted(self) -> int:
        return self.waiting + self.sent + self.failed + self.unknown + self.skipped + self.void

    @property
    def add_up(self) -> bool:
        return self.planned == self.accounted and self.unreported >= 0

    @property
    def unreported(self) -> int:
        """Sent, and the carrier has said no more of it."""
        return self.sent - self.delivered - self.bounced - self.complained

    @property
    def parts(self) -> list[tuple[str, int]]:
        """What became of them in words, the usual first, without what did not happen."""
        named = [
            ("sent", self.sent),
            ("waiting", self.waiting),
            ("skipped", self.skipped),
            ("void", self.void),
            ("failed", self.failed),
            ("of unknown outcome", self.unknown),
        ]
        return [(words, number) for words, number in named if number]


STATES = frozenset({"waiting", "sent", "failed", "unknown", "skipped", "void"})


def books_of(tallies: Iterable[Tally]) -> Books:
    """Raises KeyError for a state that has no place in the books."""
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts["planned"] += tally.number
        # What is being sent right now waits: nobody has taken it yet.
        column = "waiting" if tally.state == "sending" else tally.state
        if column not in STATES:
            raise KeyError(tally.state)
        counts[column] += tally.number
        if tally.state == "sent" and tally.report:
            counts[tally.report] += tally.number
    return Books(**counts)


def by_step(tallies: Iterable[Tally]) -> Mapping[int, Books]:
    found: dict[int, list[Tally]] = {}
    for tally in tallies:
        found.setdefault(tally.step, []).append(tally)
    return {step: books_of(members) for step, members in found.items()}


def shown_reasons(reasons: Iterable[Reason]) -> list[Reason]:
    """The most frequent of one state first; what is beyond REASONS_SHOWN in one line, so that they add up too."""
    ordered = sorted(reasons, key=lambda reason: (-reason.number, reason.why))
    named = [Reason(each.state, each.why or NO_REASON, each.number) for each in ordered]
    shown, more = named[:REASONS_SHOWN], named[REASONS_SHOWN:]
    if more:
        shown.append(Reason(more[0].state, OTHER_REASONS, sum(each.number for each in more)))
    return shown
