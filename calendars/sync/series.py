"""Pairs vanished and new occurrences of a moved or split series, so that a move stays a move. Pure.

When a series moves, Google cancels its occurrences and lists others under other ids (R2, W3). Taken one by
one that is a row of cancellations and a row of bookings; paired it is what the person did.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

NOTHING: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence: `key` is the caller's, `series` and `guests` tell what it belongs to, times are local."""

    key: int
    series: str
    guests: frozenset[str]
    starts_at: datetime
    # Not of a series: what was made to repeat, or repeats no more; `series` is its own id, that of the occurrences.
    is_single: bool = False

    @property
    def day(self) -> date:
        return self.starts_at.date()


def pair(
    vanished: Iterable[Occurrence],
    arrived: Iterable[Occurrence],
    *,
    remains_until: Mapping[str, datetime] = NOTHING,
    known: Collection[str] = (),
) -> dict[int, int]:
    """Key of a vanished occurrence → key of the new one that takes its place; those left over stand alone.

    Within one series first (a single event that was made to repeat, or repeats no more, is of it), then, for a series
    that was split and goes on under another id, among those with the same guests. In each the same local date decides,
    else the same ordinal. Only the end of a series goes on so: what vanished before `remains_until`, the last start
    that its series still has, was cancelled; and only in a series that is new: not one of `known`.
    """
    gone, new = list(vanished), list(arrived)
    pairs = _pair_groups(_grouped(gone, _series), _grouped(new, _series))
    taken = set(pairs.values())
    ends = [
        each
        for each in gone
        if each.key not in pairs
        and not each.is_single
        and (each.series not in remains_until or each.starts_at > remains_until[each.series])
    ]
    begins = [
        each for each in new if each.key not in taken and not each.is_single and each.series not in known
    ]
    return pairs | _pair_groups(_grouped(ends, _guests), _grouped(begins, _guests))


def _pair_groups(
    olds: Mapping[Hashable, Sequence[Occurrence]], news: Mapping[Hashable, Sequence[Occurrence]]
) -> dict[int, int]:
    pairs: dict[int, int] = {}
    for name in olds.keys() & news.keys():
        pairs |= _pair_one(olds[name], news[name])
    return pairs


def _series(occurrence: Occurrence) -> Hashable:
    return occurrence.series


def _guests(occurrence: Occurrence) -> Hashable:
    return occurrence.guests


def _grouped(
    occurrences: Iterable[Occurrence], belongs_to: Callable[[Occurrence], Hashable]
) -> dict[Hashable, list[Occurrence]]:
    """Occurrences by what they belong to; those that belong to nothing are left out."""
    groups = defaultdict(list)
    for each in occurrences:
        if name := belongs_to(each):
            groups[name].append(each)
    return groups


def _pair_one(olds: Sequence[Occurrence], news: Sequence[Occurrence]) -> dict[int, int]:
    """Same local date first (in order, when a day has several), then in order of time."""
    pairs: dict[int, int] = {}
    free = sorted(news, key=_when)
    left = []
    for old in sorted(olds, key=_when):
        same_day = next((new for new in free if new.day == old.day), None)
        if same_day is None:
            left.append(old)
            continue
        free.remove(same_day)
        pairs[old.key] = same_day.key
    return pairs | {old.key: new.key for old, new in zip(left, free, strict=False)}


def _when(occurrence: Occurrence) -> datetime:
    return occurrence.starts_at
