"""Steps in words, as the list, the editor and the outbox tell them. Pure."""

import datetime
from collections.abc import Iterable, Sequence
from typing import Protocol

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)

REMOVED = "The step was removed from the campaign."
MEDIUMS = {"email": ("an e-mail", "e-mails"), "sms": ("an SMS", "SMS")}
SIDES = {"before_start": "before", "after_start": "after the start", "after_end": "after the end"}


class Dated(Protocol):
    @property
    def anchor(self) -> str: ...
    @property
    def offset(self) -> datetime.timedelta: ...


def duration(offset: datetime.timedelta) -> str:
    """ "24 h", "3 days", "1 h 30 min": one day is told in hours, as people name that reminder."""
    if offset > DAY and not offset % DAY:
        return f"{offset // DAY} days"
    hours, minutes = offset // HOUR, offset % HOUR // MINUTE
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part) or "0 min"


def step(one: Dated) -> str:
    """ "At once", "24 h before", "At the start"."""
    if one.anchor == "at_once":
        return "At once"
    if not one.offset:
        return "At the end" if one.anchor == "after_end" else "At the start"
    return f"{duration(one.offset)} {SIDES[one.anchor]}"


def steps(every: Iterable[Dated]) -> str:
    """ "At once, 24 h and 1 h before, 2 h after the end"; the same side is named once."""
    groups: dict[str, list[Dated]] = {}
    for one in every:
        groups.setdefault(SIDES[one.anchor] if one.anchor in SIDES and one.offset else step(one), []).append(
            one
        )
    parts = []
    for side, members in groups.items():
        if side not in SIDES.values():
            parts.append(side)
            continue
        longest_first = sorted(members, key=lambda one: one.offset, reverse=side == SIDES["before_start"])
        parts.append(f"{listed([duration(one.offset) for one in longest_first])} {side}")
    return ", ".join(parts)


class Sent(Dated, Protocol):
    @property
    def medium(self) -> str: ...


def messages(every: Iterable[Sent]) -> str:
    """ "an e-mail 24 h before", "e-mails at once and 2 h before", "e-mails 2 h before and an SMS 1 h before"."""
    every = list(every)
    parts = []
    for medium, (one, several) in MEDIUMS.items():
        theirs = [each for each in every if each.medium == medium]
        if theirs:
            parts.append(f"{one if len(theirs) == 1 else several} {steps(theirs).lower()}")
    if len(parts) == 1 and " and " not in parts[0]:
        return listed(parts[0].split(", "))
    return " and ".join(parts)


class Removable(Protocol):
    @property
    def removed_at(self) -> datetime.datetime | None: ...


def why_step_is_off(one: Removable) -> str:
    """Of a step that is not active."""
    return REMOVED if one.removed_at is not None else "The step is switched off."


def listed(words: Sequence[str]) -> str:
    """ "Ann", "Ann and Bob", "Ann, Bob and Cy"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


TAKEN = {
    "booked": "made",
    "rescheduled": "moved",
    "showed": "marked as showed",
    "no_show": "marked as no-show",
    "invalid": "marked as invalid",
}


def takes(trigger: str, changes: Iterable[str]) -> str:
    """What a campaign that is on takes: "every appointment that is moved or cancelled from now on"."""
    if trigger == "customer_booked":
        return "every appointment that a customer makes from now on"
    *others, last = [TAKEN.get(what, what) for what in changes]
    return f"every appointment that is {', '.join(others)}{' or ' if others else ''}{last} from now on"


def sets_off(trigger: str, on_changes: list[str]) -> str:
    """ "Appointment: rescheduled or cancelled"; booked, the usual one, is not named alone."""
    whats = [what.replace("_", "-") for what in on_changes]
    if not whats or whats == ["booked"]:
        return trigger
    return f"{trigger}: {', '.join(whats[:-1])}{' or ' if len(whats) > 1 else ''}{whats[-1]}"
