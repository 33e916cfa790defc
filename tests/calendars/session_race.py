"""Seats of a class taken, moved, confirmed, edited, cancelled and looked at by triggers at the same moment, on a real
database (DATABASE_URL); prints what everybody got as JSON. Run by test_session_race."""

import datetime
import json
import random
import sys
import threading
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import django
from django.db import connection

WORKERS = 4
SEATS = 4
TURNS = 8
ROUNDS = 1
HOUR = datetime.timedelta(hours=1)
NOW = datetime.datetime(2027, 3, 1, 9, tzinfo=datetime.UTC)
TIMES = [NOW + datetime.timedelta(days=7) + number * HOUR for number in range(2)]
LATER = NOW + datetime.timedelta(days=9)


def main() -> None:
    django.setup()
    from tests.campaigns import rows

    rows.campaign(rows.at_once(), rows.before(24))
    yoga = a_class()
    for starts_at in TIMES:
        for _ in range(SEATS // 2):
            seat(yoga, starts_at)
    answers = at_once([lambda number=number: live(yoga, number) for number in range(WORKERS)])
    json.dump(
        {
            "answers": sum(answers, Counter()),
            "most_people": max(people(yoga).values()),
            "events": sorted(events_of_sessions(yoga)),
            "circle": in_a_circle(),
            "moves": [move_as_one(number) for number in range(ROUNDS)],
        },
        sys.stdout,
    )


def a_class(slug: str = "yoga") -> int:
    """Open at every hour; its host has a Google calendar, so that each session has one event to hand on."""
    from calendars.models import Calendar, Membership, WeeklyHours
    from tests.factories import (
        ConfigurationFactory,
        GoogleAccountFactory,
        GoogleCalendarFactory,
        UserFactory,
    )

    calendar = Calendar.objects.create(
        name=slug, slug=slug, kind="class", duration=HOUR, seats=SEATS, horizon_days=400, notices="all"
    )
    user = UserFactory(email=f"{slug}@office.test")
    membership = Membership.objects.create(calendar=calendar, user=user)
    WeeklyHours.objects.bulk_create(
        WeeklyHours(membership=membership, weekday=day, starts=datetime.time(0), ends=datetime.time(0))
        for day in range(7)
    )
    linked = GoogleCalendarFactory(
        account=GoogleAccountFactory(user=user), window_ends_at=NOW + datetime.timedelta(days=400)
    )
    ConfigurationFactory(user=user, linked_calendar=linked)
    return calendar.pk


def seat(calendar: int, starts_at: datetime.datetime) -> Any:
    from django.db import transaction

    from calendars import booking
    from calendars.models import Calendar
    from tests.factories import ContactFactory

    contact = ContactFactory(address=f"p{random.getrandbits(64)}@x.org")
    with transaction.atomic():
        held = booking.hold(Calendar.objects.get(pk=calendar), starts_at, now=NOW)
        return booking.take(held, contact)


def live(calendar: int, number: int) -> Counter[str]:
    """What one worker was answered: "done", "refused" in words, or what went wrong."""
    dice = random.Random(number)  # noqa: S311 (the same deeds every time)
    answers: Counter[str] = Counter()
    for _ in range(TURNS):
        name = dice.choice(sorted(DEEDS))
        answers[f"{name}: {answered(lambda name=name: DEEDS[name](calendar, dice))}"] += 1
    return answers


def answered(deed: Callable[[], object]) -> str:
    from calendars import booking

    try:
        deed()
    except booking.NotPossible:
        return "refused"
    except Exception as error:
        traceback.print_exc()
        return repr(error)
    return "done"


def some_seat(calendar: int, dice: random.Random) -> Any:
    from contacts.models import Appointment

    standing = list(Appointment.objects.standing().filter(calendar=calendar).select_related("calendar"))
    return dice.choice(standing) if standing else seat(calendar, TIMES[0])


def a_move(calendar: int, dice: random.Random) -> None:
    from calendars import booking

    row = some_seat(calendar, dice)
    booking.move_to(row, TIMES[row.starts_at == TIMES[0]], now=NOW)


def a_cancellation(calendar: int, dice: random.Random) -> None:
    from calendars import booking

    booking.cancel(some_seat(calendar, dice))


def a_confirmation(calendar: int, dice: random.Random) -> None:
    from calendars import booking

    row = some_seat(calendar, dice)
    booking.set_status(row, "confirmed", known_revision=row.revision)


def an_edit(calendar: int, dice: random.Random) -> None:
    from calendars import booking

    row = some_seat(calendar, dice)
    booking.set_details(row, title=f"Mat {dice.random()}", description="", location="")


def a_look(calendar: int, dice: random.Random) -> None:
    """What campaigns do after many seats changed: they hold all of them, and bring messages in line."""
    from django.db import transaction

    from campaigns.enrolment import settle
    from campaigns.triggers import locked
    from contacts.models import Appointment

    with transaction.atomic():
        ids = Appointment.objects.filter(calendar=calendar).values_list("pk", flat=True)
        settle(locked(list(ids)).values(), now=NOW)


def a_change_of_steps(calendar: int, dice: random.Random) -> None:
    from django.db import transaction

    from campaigns.enrolment import follow_steps
    from campaigns.models import Campaign

    with transaction.atomic():
        follow_steps(Campaign.objects.get(), now=NOW, moves_waiting=True)


DEEDS: dict[str, Callable[[int, random.Random], object]] = {
    "book": lambda calendar, dice: seat(calendar, dice.choice(TIMES)),
    "move": a_move,
    "cancel": a_cancellation,
    "confirm": a_confirmation,
    "edit": an_edit,
    "look": a_look,
    "change the steps": a_change_of_steps,
}


def people(calendar: int) -> Counter[datetime.datetime]:
    from contacts.models import Appointment

    return Counter(
        Appointment.objects.standing().filter(calendar=calendar).values_list("starts_at", flat=True)
    )


def events_of_sessions(calendar: int) -> list[int]:
    """How many events each session that somebody comes to has at Google."""
    from calendars.models import PushTarget
    from contacts.models import Appointment

    found: dict[datetime.datetime, int] = defaultdict(int)
    for row in Appointment.objects.standing().filter(calendar=calendar):
        found[row.starts_at] += PushTarget.objects.filter(appointment=row, is_withdrawn=False).count()
    return list(found.values())


def in_a_circle() -> Counter[str]:
    """One holds the seat that stands for its session and leaves it to the other seat, while campaigns want both, which
    they take in the order of their keys."""
    from django.db import transaction

    from calendars import booking
    from calendars.booking.record import locked

    calendar, stands = two_seats()
    is_held = threading.Event()

    def leave() -> None:
        with transaction.atomic():
            locked(stands)
            is_held.set()
            until_somebody_waits()
            booking.cancel(stands)

    def look() -> None:
        is_held.wait(30)
        a_look(calendar, random.Random())  # noqa: S311 (asks it nothing)

    return Counter(at_once([lambda: answered(leave), lambda: answered(look)]))


def two_seats() -> tuple[int, Any]:
    """A class with two seats in one session, and the one that stands for it, which has the higher key."""
    for number in range(64):
        calendar = a_class(f"circle-{number}")
        stands, heir = seat(calendar, TIMES[0]), seat(calendar, TIMES[0])
        if stands.pk > heir.pk:
            return calendar, stands
    raise SystemExit("Keys are no longer random.")


def until_somebody_waits() -> None:
    """For a lock. SQLite has none to wait for: there whoever writes first keeps all others out."""
    if connection.vendor != "postgresql":
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(1000):
        with connection.cursor() as cursor:
            # A transaction sees who waits as it was when it first asked.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.01)
    raise TimeoutError("Nobody waits for the seat that is held.")


def move_as_one(number: int) -> dict[str, Any]:
    """Everybody moves one whole session, each to a time of their own, all from the same page."""
    from calendars import booking
    from contacts.models import Appointment

    calendar = a_class(f"class-{number}")
    seats = [seat(calendar, TIMES[0]) for _ in range(SEATS)]
    by = seats[0].owner
    version = booking.version_of(booking.session_of(seats[0]))

    def move(worker: int) -> str:
        starts_at = LATER + worker * HOUR
        return answered(
            lambda: booking.move_session(
                Appointment.objects.select_related("calendar").get(pk=seats[worker].pk),
                starts_at=starts_at,
                ends_at=starts_at + HOUR,
                by=by,
                version=version,
            )
        )

    answers = Counter(at_once([lambda worker=worker: move(worker) for worker in range(WORKERS)]))
    return {
        "answers": answers,
        "together": sorted(people(calendar).values()),
        "events": events_of_sessions(calendar),
    }


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """What each job came to, all begun at the same moment, each on a connection of its own."""
    barrier = threading.Barrier(len(jobs))
    results: list[Any] = []

    def work(job: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) != len(jobs):
        raise SystemExit("A worker failed; its traceback stands above.")
    return results


if __name__ == "__main__":
    main()
