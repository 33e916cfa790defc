"""The page of figures, the file, the line on other pages: what they count, what narrows them, what they cost."""

import csv
import io
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.delivery import deliver_due
from campaigns.figures.comparing import FEWEST, Comparison, compare
from campaigns.figures.counting import of_steps
from campaigns.figures.periods import Chosen
from campaigns.models import Campaign, Enrolment, Message
from contacts.models import Appointment, AppointmentChange
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, after, at_once, before

pytestmark = pytest.mark.django_db
State = Message.State
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(rows.user())
    return client


def page(client: Client, campaign: Campaign, **query: str) -> str:
    response = client.get(reverse("campaigns:figures", args=[campaign.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


def lines(client: Client, campaign: Campaign, **query: str) -> list[dict[str, str]]:
    response = client.get(reverse("campaigns:figures_file", args=[campaign.pk]), query)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def planned(campaign: Campaign, chosen: Chosen) -> int:
    return sum(figures.books.planned for figures in of_steps(campaign, chosen)[0])


# --- what is counted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["figures", "figures_file", "endings_file"])
def test_the_figures_ask_for_a_sign_in(name: str) -> None:
    response = Client().get(reverse(f"campaigns:{name}", args=[1]))
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_the_page_tells_of_each_message_what_became_of_it_and_that_it_adds_up(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24), name="Visit")
    rows.booked()
    silent = rows.contact()
    rows.booked(silent)
    silent.emails.all().delete()
    deliver_due(NOW)
    Message.objects.filter(state=State.SENT).update(report="delivered")
    text = page(desk, campaign)
    assert "2 planned = 1 sent + 1 skipped" in text
    assert "2 planned = 2 waiting" in text
    assert 'aria-label="1 delivered, 1 skipped"' in text
    assert "skipped: The contact has no e-mail address." in text


def test_a_campaign_that_nobody_entered_says_what_will_stand_there(desk: Client) -> None:
    assert "Nothing was planned in this time" in page(desk, rows.campaign(before()))


def test_a_removed_step_stays_in_the_books_as_long_as_something_is_in_them(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    rows.booked()
    campaign.steps.update(is_active=False, removed_at=NOW)
    assert "E-mail, removed" in page(desk, campaign)
    assert lines(desk, campaign)[0]["Message"] == "At once (removed)"
    Message.objects.all().delete()
    assert "E-mail, removed" not in page(desk, campaign)


def test_a_step_that_is_switched_off_is_not_called_removed(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    rows.booked()
    campaign.steps.filter(position=1).update(is_active=False)
    text = page(desk, campaign)
    assert text.count("E-mail, switched off") == 1
    assert "removed" not in text
    assert [line["Message"] for line in lines(desk, campaign)] == ["At once", "24 h before (switched off)"]


@pytest.mark.parametrize("seed", range(4))
def test_through_any_life_everybody_who_entered_is_in_the_books_of_every_step(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 (the same lives every time)
    campaign = rows.campaign(at_once(), before(24), before(1, medium="sms"), after(2))
    now, booked = NOW, [rows.booked() for _ in range(3)]
    for _ in range(12):
        now += timedelta(hours=dice.randrange(1, 40))
        with time_machine.travel(now, tick=False):
            live(dice, booked, now)
        figures, _ = of_steps(campaign, Chosen())
        assert all(each.books.add_up for each in figures)
        assert sum(each.books.planned for each in figures) == Message.objects.count()
        for each in figures:
            entered = Message.objects.filter(step=each.step).values("enrolment").distinct().count()
            assert entered == Enrolment.objects.count()
            told = sum(reason.number for reason in each.reasons)
            assert told == each.books.skipped + each.books.void + each.books.failed + each.books.unknown


def live(dice: random.Random, booked: list[Appointment], now: Any) -> None:
    """Something happens: a booking, a move, a status, a delivery, a report."""
    chosen = Appointment.objects.get(pk=dice.choice(booked).pk)
    what = dice.choice(["book", "move", "cancelled", "new", "showed", "deliver", "report"])
    if what == "book":
        booked.append(rows.booked(starts_at=now + timedelta(hours=dice.randrange(1, 90)), now=now))
    elif what == "move" and not chosen.is_void:
        rows.moved(chosen, chosen.starts_at + timedelta(hours=dice.randrange(1, 50)), now=now)
    elif what in Appointment.Status.values:
        rows.with_status(chosen, what, now=now)
    elif what == "report":
        Message.objects.filter(state=State.SENT, report="").update(
            report=dice.choice(["delivered", "bounced", "complained"])
        )
    deliver_due(now)


# --- narrowing --------------------------------------------------------------------------------------------


def test_the_usual_figures_are_of_thirty_days_and_all_that_lies_ahead() -> None:
    campaign = rows.campaign(before(24))
    rows.booked()
    rows.booked()
    gone, ahead = Message.objects.order_by("pk")
    Message.objects.filter(pk=gone.pk).update(due_at=NOW - 40 * DAY)
    Message.objects.filter(pk=ahead.pk).update(due_at=NOW + 300 * DAY)
    since = NOW.date() - 29 * DAY
    assert planned(campaign, Chosen(since)) == 1
    assert planned(campaign, Chosen()) == 2
    assert planned(campaign, Chosen(until=NOW.date())) == 1


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, "1"),
        ({"period": "all"}, "2"),
        ({"period": "7"}, "1"),
        ({"since": "2026-03-01", "until": "2026-03-02"}, "1"),
        ({"period": "dates", "since": "2026-03-03"}, "1"),
        ({"period": "nonsense"}, "1"),
    ],
)
def test_the_page_and_the_file_are_narrowed_by_time(desk: Client, query: dict[str, str], number: str) -> None:
    campaign = rows.campaign(before(24))
    rows.booked()
    rows.booked()
    late = Message.objects.order_by("pk").first()
    assert late is not None
    # A quarter past midnight in London, where it is summer time on neither day.
    Message.objects.filter(pk=late.pk).update(due_at=NOW.replace(month=3, day=2, hour=0, minute=15))
    assert f"{number} planned" in page(desk, campaign, **query)
    (line,) = lines(desk, campaign, **query)
    assert line["Planned"] == number


def test_a_period_that_ends_before_it_begins_is_told_so(desk: Client) -> None:
    text = page(desk, rows.campaign(before()), period="dates", since="2026-06-02", until="2026-06-01")
    assert "The period ends before it begins." in text


def test_the_page_and_the_file_are_narrowed_by_calendar(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    room, hall = rows.calendar(name="Room"), rows.calendar(name="Hall")
    rows.booked(calendar=room)
    rows.booked(calendar=room)
    rows.booked(calendar=hall)
    assert "2 planned" in page(desk, campaign, calendar=str(room.pk))
    (line,) = lines(desk, campaign, calendar=str(hall.pk))
    assert (line["Planned"], line["Calendar"]) == ("1", "Hall")


def test_the_file_has_words_days_and_no_formula(desk: Client) -> None:
    campaign = rows.campaign(before(24), name='=HYPERLINK("x")')
    person = rows.contact()
    rows.booked(person)
    Message.objects.update(state=State.SKIPPED, why="-1+1")
    (line,) = lines(desk, campaign, since="2026-06-01", until="2026-06-30")
    assert line["Campaign"] == '\'=HYPERLINK("x")'
    assert (line["From"], line["To"], line["Message"]) == ("2026-06-01", "2026-06-30", "24 h before")
    assert line["Why skipped, void or failed"] == "1 skipped: -1+1"


# --- how appointments ended -------------------------------------------------------------------------------


def ended(number: int, status: str, *, campaign: Campaign | None = None, **values: Any) -> list[Appointment]:
    """So many appointments of last week, booked well before, that ended so; with a campaign: it reminded of them."""
    found = []
    for at in range(number):
        start = NOW - 7 * DAY + timedelta(minutes=at)
        with time_machine.travel(start - 5 * DAY, tick=False):
            row = rows.book(starts_at=start, **values)
        Appointment.objects.filter(pk=row.pk).update(status=status)
        if campaign is not None:
            enrolment = Enrolment.objects.create(campaign=campaign, appointment=row, contact=row.contact)
            Message.objects.create(
                enrolment=enrolment,
                step=campaign.steps.get(),
                for_start=start,
                due_at=start - DAY,
                state=State.SENT,
                sent_at=start - DAY,
            )
        found.append(row)
    return found


def compared(campaign: Campaign, chosen: Chosen | None = None) -> Comparison:
    found = compare(campaign, chosen or Chosen(), NOW)
    assert found is not None
    return found


def test_reminded_appointments_stand_beside_the_others_of_the_same_calendars() -> None:
    room = rows.calendar()
    campaign = rows.campaign(before(24))
    campaign.calendars.add(room)
    ended(2, "showed", campaign=campaign, calendar=room)
    ended(1, "no_show", campaign=campaign, calendar=room)
    ended(1, "no_show", calendar=room)
    ended(1, "cancelled", calendar=room)
    ended(3, "showed")
    found = compared(campaign)
    assert (found.reminded.appointments, found.reminded.showed, found.reminded.no_show) == (3, 2, 1)
    assert (found.others.appointments, found.others.no_show, found.others.cancelled) == (2, 1, 1)
    assert [share.percent for _, share, _ in found.rows] == [0, 0, 67, 33]


def test_what_could_not_be_reminded_is_not_held_against_the_others() -> None:
    campaign = rows.campaign(before(24))
    (early,) = ended(1, "cancelled")
    (late,) = ended(1, "cancelled")
    (last_minute,) = ended(1, "no_show")
    ended(1, "invalid")
    for row, gone in ((early, 30), (late, 2)):
        change = AppointmentChange.objects.create(
            appointment=row, revision=2, what="cancelled", origin="customer"
        )
        AppointmentChange.objects.filter(pk=change.pk).update(at=row.starts_at - timedelta(hours=gone))
    Appointment.objects.filter(pk=last_minute.pk).update(
        created_at=last_minute.starts_at - timedelta(hours=3)
    )
    others = compared(campaign).others
    assert (others.appointments, others.cancelled, others.no_show) == (1, 1, 0)


def test_only_what_is_over_and_lies_in_the_time_chosen_is_compared() -> None:
    campaign = rows.campaign(before(24))
    ended(1, "showed", campaign=campaign)
    rows.booked(starts_at=START)
    assert compared(campaign).reminded.appointments == 1
    assert compared(campaign).others.appointments == 0
    assert compared(campaign, Chosen(since=NOW.date())).reminded.appointments == 0
    assert compared(campaign, Chosen(until=NOW.date() - 8 * DAY)).reminded.appointments == 0


def test_confirming_counts_whatever_came_after_it() -> None:
    campaign = rows.campaign(before(24))
    (row,) = ended(1, "showed")
    AppointmentChange.objects.create(appointment=row, revision=2, what="confirmed", origin="customer")
    assert compared(campaign).others.confirmed == 1


def test_too_few_are_not_compared(desk: Client) -> None:
    campaign = rows.campaign(before(24))
    ended(FEWEST, "showed", campaign=campaign)
    ended(FEWEST - 1, "no_show")
    assert "Too few to compare" in page(desk, campaign)
    ended(1, "no_show", calendar=rows.calendar())
    text = page(desk, campaign)
    assert "Too few to compare" not in text
    assert "a comparison, not a proof" in text
    assert f"{FEWEST} of {FEWEST}" in text


def test_how_appointments_ended_is_drawn_and_leaves_as_a_file(desk: Client) -> None:
    campaign = rows.campaign(before(24), name="=cmd()")
    room = rows.calendar(name="Room")
    ended(FEWEST, "showed", campaign=campaign, calendar=room)
    ended(FEWEST, "no_show", calendar=room)
    address = reverse("campaigns:endings_file", args=[campaign.pk])
    text = page(desk, campaign, period="90", calendar=str(room.pk))
    assert f'{address}?period=90&amp;calendar={room.pk}"' in text
    assert re.findall(r'<rect class="fill-(\w+)" x="0" y="0" width="(\d+)" height="10"/>', text) == [
        ("sent", "0"),
        ("skipped", "0"),
        ("sent", "0"),
        ("skipped", "0"),
        ("sent", "100"),
        ("skipped", "0"),
        ("sent", "0"),
        ("skipped", "100"),
    ]
    response = desk.get(address, {"period": "90", "calendar": str(room.pk)})
    lines = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    since = f"{NOW - 89 * DAY:%Y-%m-%d}"
    assert lines[1:] == [
        ["'=cmd()", "Reminded", since, "", "Room", "20", "0", "0", "20", "0"],
        ["'=cmd()", "Not reminded", since, "", "Room", "20", "0", "0", "0", "20"],
    ]
    assert "endings-cmd-2026-06-01.csv" in response["Content-Disposition"]
    nothing = reverse("campaigns:endings_file", args=[rows.campaign(after(2)).pk])
    assert desk.get(nothing).status_code == 404


def test_a_campaign_that_reminds_of_nothing_compares_nothing(desk: Client) -> None:
    campaign = rows.campaign(at_once(), after(2))
    assert compare(campaign, Chosen(), NOW) is None
    assert "sends nothing before the start" in page(desk, campaign)


# --- what it costs, and the line on other pages -----------------------------------------------------------


def test_figures_cost_the_same_for_one_and_three(desk: Client) -> None:
    counts = []
    for _ in (1, 3):
        campaign = rows.campaign(at_once(), *[before(hours) for hours in range(1, 2 + len(counts))])
        for _ in range(1 + 2 * len(counts)):
            rows.booked()
        with CaptureQueriesContext(connection) as queries:
            page(desk, campaign, period="all")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["message_figures", "message_left_out", "message_waiting"])
def test_the_indexes_that_make_counting_quick_are_there(name: str) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Message._meta.db_table)
    assert name in found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by what the tables hold.")
def test_reasons_are_counted_from_the_index_alone(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    rows.booked()
    plans = []

    def plan(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"why"' in sql and "COUNT" in sql:
            execute(f"EXPLAIN QUERY PLAN {sql}", params, many, context)
            plans.append(" ".join(str(line) for line in context["cursor"].fetchall()))
        return execute(sql, params, many, context)

    # With its parameters, as SQLite gets it.
    with connection.execute_wrapper(plan):
        page(desk, campaign, period="all")
    (told,) = plans
    assert "COVERING INDEX message_left_out" in told


def test_the_pages_of_campaigns_say_in_short_how_each_is_doing(desk: Client) -> None:
    campaign = rows.campaign(at_once(), before(24))
    rows.booked()
    rows.booked()
    deliver_due(NOW)
    old = Message.objects.filter(state=State.SENT).order_by("pk").first()
    assert old is not None
    Message.objects.filter(pk=old.pk).update(due_at=NOW - 31 * DAY)
    text = desk.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    assert "2 messages waiting, 1 sent in the last 30 days." in text
    assert reverse("campaigns:figures", args=[campaign.pk]) in text
    listed = desk.get(reverse("campaigns:campaigns")).content.decode()
    assert 'data-label="Waiting">2</td>' in listed
    assert 'data-label="Sent, 30 days">1</td>' in listed
