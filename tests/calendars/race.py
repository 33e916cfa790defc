"""Visitors in processes of their own who press the same slots at the same moment, on one real database (DATABASE_URL);
prints what they got as JSON. Run by test_booking_race."""

import datetime
import json
import multiprocessing
import sys
from collections import Counter
from multiprocessing.synchronize import Barrier
from typing import Any

import django
from django.db import connection

PROCESSES = 3
ROUNDS = 3
TOGETHER, ROUNDS_TOGETHER = "together", 6
FORM = "form"
HOUR = datetime.timedelta(hours=1)
NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
SLOTS = [NOW + datetime.timedelta(days=1) + number * HOUR for number in range(ROUNDS)]


def main() -> None:
    django.setup()
    kinds = {"personal": 1, "round_robin": 2, "class": 1}
    calendars = {kind: a_calendar(kind, members) for kind, members in kinds.items()}
    calendars |= {
        f"{TOGETHER} {number}": a_calendar("personal", 1, f"t{number}") for number in range(PROCESSES)
    }
    calendars[FORM] = a_calendar("personal", 1, FORM)
    connection.close()
    json.dump(race(calendars), sys.stdout)


def a_calendar(kind: str, members: int, slug: str = "") -> int:
    """A calendar open every hour of the week; a class has two seats."""
    from calendars.models import Calendar, Membership, WeeklyHours
    from contacts.models import User

    calendar = Calendar.objects.create(
        name=kind, slug=slug or kind, kind=kind, duration=HOUR, seats=2 if kind == "class" else 1
    )
    for number in range(members):
        user = User.objects.create(email=f"{calendar.slug}{number}@office.test")
        membership = Membership.objects.create(calendar=calendar, user=user)
        WeeklyHours.objects.bulk_create(
            WeeklyHours(membership=membership, weekday=day, starts=datetime.time(0), ends=datetime.time(0))
            for day in range(7)
        )
    return calendar.pk


def race(calendars: dict[str, int]) -> dict[str, Any]:
    """By calendar how often each answer was given, and how many claims of one host begin at one moment."""
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=visitor, args=(calendars, number, barrier, answers))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    contested = [kind for kind in calendars if not kind.startswith((TOGETHER, FORM))]
    answered = PROCESSES * (ROUNDS * (len(contested) + 1) + ROUNDS_TOGETHER)
    counted = Counter(answers.get(timeout=60) for _ in range(answered))
    for process in processes:
        process.join()
    found = {kind: outcome(kind, calendars[kind], counted) for kind in contested}
    return found | {
        name: {answer: times for (kind, answer), times in counted.items() if kind == name}
        for name in (TOGETHER, FORM)
    }


def outcome(kind: str, calendar: int, counted: Counter[tuple[str, str]]) -> dict[str, Any]:
    from contacts.models import Appointment, AppointmentHost

    hosted = AppointmentHost.objects.filter(appointment__calendar=calendar).exclude(claims_from=None)
    claims = Counter(hosted.values_list("user", "claims_from"))
    return {
        "answers": {answer: number for (whose, answer), number in counted.items() if whose == kind},
        "booked": Appointment.objects.filter(calendar=calendar).count(),
        "most_of_one_host": max(claims.values(), default=0),
    }


def visitor(calendars: dict[str, int], number: int, barrier: Barrier, answers: Any) -> None:
    from calendars import booking, customers
    from calendars.models import Calendar
    from contacts.newcomers import Newcomer

    for kind, pk in calendars.items():
        if kind.startswith((TOGETHER, FORM)):
            continue
        chosen = Calendar.objects.get(pk=pk)
        for starts_at in SLOTS:
            person = Newcomer(first_name=f"Visitor {number}", address=f"visitor{number}@{starts_at:%H}.test")
            visit = customers.Visit(calendar=chosen, newcomer=person, starts_at=starts_at)
            barrier.wait()
            try:
                customers.book_visit(visit, now=NOW)
            except booking.Taken:
                answers.put((kind, "taken"))
            else:
                answers.put((kind, "booked"))
    bring_each_other(calendars[f"{TOGETHER} {number}"], number, barrier, answers)
    send_one_form(calendars[FORM], number, barrier, answers)


def bring_each_other(calendar: int, number: int, barrier: Barrier, answers: Any) -> None:
    """Each books a calendar of their own and brings all the others along, whom nobody knows yet."""
    from calendars import customers
    from calendars.models import Calendar
    from contacts.models import Contact
    from contacts.newcomers import Newcomer

    chosen = Calendar.objects.get(pk=calendar)
    for turn in range(ROUNDS_TOGETHER):
        people = [f"Friend{each}@{turn}.test" for each in range(PROCESSES)]
        mine = people.pop(number)
        visit = customers.Visit(
            calendar=chosen,
            newcomer=Newcomer(first_name="Friend", address=mine, phone=f"+4420794609{turn:02}"),
            starts_at=SLOTS[0] + turn * HOUR,
            # In an order that differs from visitor to visitor.
            others=people[::-1] if number % 2 else people,
        )
        barrier.wait()
        try:
            customers.book_visit(visit, now=NOW)
            is_one = Contact.objects.filter(emails__address=mine.lower()).count() == 1
            answers.put((TOGETHER, "booked" if is_one else "doubled"))
        except Exception as error:
            answers.put((TOGETHER, repr(error)))


def send_one_form(calendar: int, number: int, barrier: Barrier, answers: Any) -> None:
    """One form under several addresses and for several times: it makes one appointment."""
    from calendars import customers
    from calendars.models import Calendar
    from contacts.newcomers import Newcomer

    chosen = Calendar.objects.get(pk=calendar)
    for turn in range(ROUNDS):
        visit = customers.Visit(
            calendar=chosen,
            newcomer=Newcomer(first_name="Form", address=f"form{number}@{turn}.test"),
            starts_at=SLOTS[0] + (turn * PROCESSES + number) * HOUR,
            form_key=f"form{turn}",
        )
        barrier.wait()
        try:
            customers.book_visit(visit, now=NOW)
            answers.put((FORM, "booked"))
        except customers.FormIsUsed:
            answers.put((FORM, "used"))
        except Exception as error:
            answers.put((FORM, repr(error)))


if __name__ == "__main__":
    main()
