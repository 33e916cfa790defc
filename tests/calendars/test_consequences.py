"""Which appointments a changed setting leaves standing out, case by case."""

import datetime
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from calendars.consequences import (
    Promise,
    Setting,
    Upcoming,
    broken_promise,
    moves_with,
    promised,
    stand_out,
)
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


# --- seats ------------------------------------------------------------------------------------------------------


def course(seats: int) -> Setting:
    return Setting({ADA: DAY}, NAMES, seats=seats)


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        (5, 2, "4 are booked for 2 seats"),
        (5, 1, "4 are booked for 1 seat"),
        (5, 4, ""),
        (2, 5, ""),
        # More than its seats were given away before: that is no news.
        (3, 2, ""),
    ],
)
def test_fewer_seats_than_a_session_has_taken_name_everybody_in_it(was: int, becomes: int, why: str) -> None:
    later = TEN + datetime.timedelta(days=1)
    hour = datetime.timedelta(hours=1)
    full = [Upcoming(number, TEN, TEN + hour, (ADA,)) for number in range(4)]
    alone = Upcoming("alone", later, later + hour, (ADA,))
    found = [(each.key, each.why) for each in stand_out([*full, alone], course(was), course(becomes))]
    assert found == ([(number, why) for number in range(4)] if why else [])


@pytest.mark.parametrize(
    ("minutes", "seats", "why"),
    [
        (45, 4, "Its free seats would not be offered: a class would last 45 min"),
        (60, 4, ""),
        # Nobody could join it anyway.
        (45, 2, ""),
    ],
)
def test_another_length_of_a_class_takes_the_free_seats_of_its_sessions_off_offer(
    minutes: int, seats: int, why: str
) -> None:
    hour = datetime.timedelta(hours=1)
    before = replace(course(seats), length=hour)
    after = replace(before, length=datetime.timedelta(minutes=minutes))
    pair = [Upcoming(number, TEN, TEN + hour, (ADA,)) for number in range(2)]
    # Of a length of its own already, it is not offered today either.
    longer = Upcoming("longer", TEN + 4 * hour, TEN + 6 * hour, (ADA,))
    found = [(each.key, each.why) for each in stand_out([*pair, longer], before, after)]
    assert found == ([(0, why), (1, why)] if why else [])


# --- what visitors were told ------------------------------------------------------------------------------------

H24, H48 = datetime.timedelta(hours=24), datetime.timedelta(hours=48)
TOLD = "Visitors were told: move or cancel until 1 d before the start. They "


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Promise(), Promise(), ""),
        (Promise(), Promise(may_cancel=False), TOLD + "could no longer cancel online."),
        (Promise(), Promise(False, False), TOLD + "could no longer move or cancel online."),
        (Promise(), Promise(deadline=H48), TOLD + "could move or cancel only until 2 d before the start."),
        (
            Promise(),
            Promise(may_move=False, deadline=H48),
            TOLD + "could no longer move online and could cancel only until 2 d before the start.",
        ),
        (
            Promise(deadline=datetime.timedelta(0)),
            Promise(),
            "Visitors were told: move or cancel until the start. "
            "They could move or cancel only until 1 d before the start.",
        ),
        # More than was promised breaks nothing.
        (Promise(deadline=H48), Promise(), ""),
        (Promise(False, False), Promise(), ""),
        (Promise(False, False), Promise(False, False, H48), ""),
    ],
)
def test_a_promise_that_would_not_be_kept_is_said_with_what_is_left_of_it(
    before: Promise, after: Promise, words: str
) -> None:
    assert broken_promise(before, after) == words


def test_only_those_who_were_told_and_could_still_do_it_are_counted() -> None:
    now, hour = TEN - datetime.timedelta(days=3), datetime.timedelta(hours=1)
    too_late = now + datetime.timedelta(hours=20)
    upcoming = [
        Upcoming("online", TEN, TEN + hour),
        Upcoming("by staff", TEN, TEN + hour, made_by="staff"),
        Upcoming("at Google", TEN, TEN + hour, made_by="google"),
        Upcoming("too late by now", too_late, too_late + hour),
    ]
    after = Setting(promise=Promise(may_cancel=False))
    assert promised(upcoming, Setting(), after, now=now) == 1
    assert promised(upcoming, Setting(tells_all=True), after, now=now) == 2
    assert promised(upcoming, Setting(tells_all=True), Setting(), now=now) == 0


# --- another zone -----------------------------------------------------------------------------------------------


def test_hours_move_with_their_zone_and_the_first_of_them_says_how() -> None:
    london = works(9, 16, ZoneInfo("Europe/London"))
    assert moves_with(london, ZoneInfo("America/New_York"), now=TEN) == (
        "Monday 09:00 to 16:00 would be Monday 14:00 to 21:00 on the clocks of Europe/London."
    )
    assert moves_with(london, ZoneInfo("Europe/Jersey"), now=TEN) == ""
    assert moves_with(Hours(UTC), ZoneInfo("Asia/Tokyo"), now=TEN) == ""


def test_zones_that_part_in_summer_alone_move_hours_as_well() -> None:
    winter = works(9, 17, ZoneInfo("Europe/London"))
    assert moves_with(winter, ZoneInfo("Africa/Abidjan"), now=TEN) != ""
