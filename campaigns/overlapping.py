"""Whether two campaigns, or a campaign and a calendar, tell the same people the same thing at the same time. Pure."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from campaigns import wording
from campaigns.matching import Filters

CUSTOMER_BOOKED = "customer_booked"
EVERYBODY = frozenset({"staff", "customer", "google"})
# What a booking has to be for the narrower trigger to fire.
BY_CUSTOMER = frozenset({"customer", "google"})
# What calendars tell of by themselves. Of what came from Google they say nothing.
NOTICED = {
    "booked": "confirmations",
    "confirmed": "confirmations",
    "rescheduled": "moves",
    "cancelled": "cancellations",
}
MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a campaign: when it leaves, and by which medium."""

    anchor: str
    offset: datetime.timedelta
    medium: str

    @property
    def moment(self) -> tuple[str, datetime.timedelta, str]:
        """Equal where two leave together: the start is one moment, counted from before it or after it."""
        if self.anchor == "at_once":
            return self.anchor, datetime.timedelta(0), self.medium
        anchor = self.anchor if self.offset or self.anchor == "after_end" else "start"
        return anchor, self.offset, self.medium


@dataclass(frozen=True, slots=True)
class Notifier:
    """A calendar. `notices`: whose bookings it tells of by itself, "all", "customers" or "none"."""

    pk: int
    name: str
    notices: str


def what_calendars_tell(filters: Filters, said: Collection[Said], calendars: Iterable[Notifier]) -> str:
    """What is said at once by e-mail that calendars e-mail by themselves: "“Back class” e-mails confirmations itself to
    customers who book online." "" where nobody hears twice."""
    told = list(dict.fromkeys(words for what, words in NOTICED.items() if what in filters.changes))
    makers = _makers(filters) - {"google"}
    telling = [
        each
        for each in calendars
        if (not filters.calendars or each.pk in filters.calendars)
        and (each.notices == "all" or (each.notices == "customers" and "customer" in makers))
    ]
    if not (told and makers and telling and any(each.moment == AT_ONCE_BY_EMAIL for each in said)):
        return ""
    names, more = [f"“{each.name}”" for each in telling[:MOST_NAMES]], len(telling) - MOST_NAMES
    whom = " to customers who book online" if all(each.notices == "customers" for each in telling) else ""
    many = len(telling) > 1
    tell, alone = ("e-mail", "themselves") if many else ("e-mails", "itself")
    who = wording.listed([*names, f"{more} more"] if more > 0 else names)
    return f"{who} {tell} {wording.listed(told)} {alone}{whom}."


def what_is_doubled(
    filters: Filters, said: Collection[Said], other: Filters, others_said: Collection[Said]
) -> str:
    """What `other` says to those whom `filters` take at a moment of `said` too, as the end of a sentence about it:
    "already sends an e-mail 24 h before to the same appointments." "" where nobody hears twice.

    Of two lists of tags that share none somebody may have both; that is no plan of anybody's, and is not told.
    """
    moments = {each.moment for each in said}
    both = [each for each in others_said if each.moment in moments]
    if not both or not meet(filters, other):
        return ""
    whom = "the same appointments" if covers(other, filters) else "some of the same appointments"
    return f"already sends {wording.messages(both)} to {whom}."


AT_ONCE_BY_EMAIL = Said("at_once", datetime.timedelta(0), "email").moment


def meet(one: Filters, other: Filters) -> bool:
    """Whether an appointment that both take can be meant."""
    return bool(one.changes & other.changes) and all(
        not mine or not theirs or mine & theirs for mine, theirs in _dimensions(one, other)
    )


def covers(wide: Filters, narrow: Filters) -> bool:
    """Whether `wide` takes all that `narrow` takes."""
    return narrow.changes <= wide.changes and all(
        not all_of or (some and some <= all_of) for all_of, some in _dimensions(wide, narrow)
    )


def _dimensions(one: Filters, other: Filters) -> list[tuple[frozenset[object], frozenset[object]]]:
    """Each filter of both, empty where it takes everything."""
    return [
        (frozenset(one.calendars), frozenset(other.calendars)),
        (frozenset(one.tags), frozenset(other.tags)),
        (frozenset(one.owners), frozenset(other.owners)),
        (_makers(one), _makers(other)),
        (_kinds(one), _kinds(other)),
    ]


def _makers(filters: Filters) -> frozenset[object]:
    makers = filters.made_by or EVERYBODY
    return frozenset(makers & BY_CUSTOMER if filters.trigger == CUSTOMER_BOOKED else makers)


def _kinds(filters: Filters) -> frozenset[object]:
    return frozenset({filters.recurring} - {""})
