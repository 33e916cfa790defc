"""Which appointments a changed setting leaves standing out, case by case."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from calendars.consequences import Setting, Upcoming, stand_out
from calendars.working_hours import Hours, Range

UTC = ZoneInfo("UTC")
TEN = datetime.datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ADA, BEN = 1, 2
NAMES = {ADA: "Ada", BEN: "Ben"}


def works(starts: int, ends: int, zone: ZoneInfo = UTC) -> Hours:
    return Hours(zone, {day: [Range(datetime.time(starts), datetime.time(ends))] for day in range(7)})


DAY, AFTERNOON = works(9, 17), works(13, 17)


def group(*, is_active: bool = True, **hours: Hours) -> Setting:
    keys = {"ada": ADA, "ben": BEN}
    return Setting({keys[name]: each for name, each in hours.items()}, NAMES, is_active)


def room(hours: Hours) -> Setting:
    return Setting({None: hours})


CASES = [
    ("nothing changed", group(ada=DAY), group(ada=DAY), (ADA,), ""),
    ("shorter hours", group(ada=DAY), group(ada=AFTERNOON), (ADA,), "Outside Ada’s new hours"),
    ("longer hours", group(ada=AFTERNOON), group(ada=DAY), (ADA,), ""),
    ("it stood outside before", group(ada=AFTERNOON), group(ada=works(15, 17)), (ADA,), ""),
    ("shorter hours of a colleague", group(ada=DAY, ben=DAY), group(ada=DAY, ben=AFTERNOON), (ADA,), ""),
    (
        "one of two hosts",
        group(ada=DAY, ben=DAY),
        group(ada=DAY, ben=AFTERNOON),
        (ADA, BEN),
        "Outside Ben’s new hours",
    ),
    ("a host leaves", group(ada=DAY, ben=DAY), group(ben=DAY), (ADA,), "Ada would no longer be asked"),
    ("a host who was no member", group(ada=DAY), group(ada=AFTERNOON), (BEN,), ""),
    ("a host without hours leaves", group(ada=Hours(UTC)), group(), (ADA,), "Ada would no longer be asked"),
    ("first hours", group(ada=Hours(UTC)), group(ada=AFTERNOON), (ADA,), ""),
    ("switched off", group(ada=DAY), group(ada=DAY, is_active=False), (ADA,), "The calendar would be off"),
    ("off before", group(ada=DAY, is_active=False), group(ada=DAY, is_active=False), (ADA,), ""),
    (
        "another zone",
        group(ada=DAY),
        group(ada=works(9, 17, ZoneInfo("Asia/Tokyo"))),
        (ADA,),
        "Outside Ada’s new hours",
    ),
    ("a room's shorter hours", room(DAY), room(AFTERNOON), (ADA,), "Outside the new hours"),
    ("a room's same hours", room(DAY), room(DAY), (), ""),
]


@pytest.mark.parametrize(("case", "before", "after", "hosts", "why"), CASES, ids=[case[0] for case in CASES])
def test_an_appointment_at_ten_stands_out_when(
    case: str, before: Setting, after: Setting, hosts: tuple[int, ...], why: str
) -> None:
    upcoming = Upcoming("one", TEN, TEN + datetime.timedelta(hours=1), hosts)
    assert [each.why for each in stand_out([upcoming], before, after)] == ([why] if why else [])


def test_those_that_stand_out_keep_their_order() -> None:
    later = Upcoming(
        "later", TEN + datetime.timedelta(days=1), TEN + datetime.timedelta(days=1, hours=1), (ADA,)
    )
    sooner = Upcoming("sooner", TEN, TEN + datetime.timedelta(hours=1), (ADA,))
    found = stand_out([sooner, later], group(ada=DAY), group(ada=AFTERNOON))
    assert [each.key for each in found] == ["sooner", "later"]
