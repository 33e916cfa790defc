"""The trigger log's page, the parts of it on other pages, and firing by hand with a look at what would come of it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as default
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import by_hand
from campaigns.delivery import deliver_due
from campaigns.models import Campaign, Enrolment, Message, TriggerEvent
from contacts.models import Contact, Origin, User
from integrations.models import GoogleAccount
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, at_once, before
from tests.factories import GoogleAccountFactory, GoogleCalendarFactory, GoogleEventFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
State = Message.State
DAY = timedelta(days=1)


def log(client: Client, **query: Any) -> str:
    response = client.get(reverse("campaigns:trigger_log"), query)
    assert response.status_code == 200
    return response.content.decode()


def preview(client: Client, *events: TriggerEvent) -> str:
    response = client.get(reverse("campaigns:fire"), {"event": [event.pk for event in events]})
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, *events: TriggerEvent) -> str:
    response = client.post(reverse("campaigns:fire"), {"event": [event.pk for event in events]})
    assert response.status_code == 302
    return [str(message) for message in response.wsgi_request._messages][-1]  # type: ignore[attr-defined]  # Django's, without a name of its own


def silent(number: int = 1, **values: Any) -> list[TriggerEvent]:
    """So many bookings that a first link left silent."""
    for _ in range(number):
        rows.book(rows.contact(), fires=False, why="Silent: it was in Google before.", **values)
    rows.look()
    return list(TriggerEvent.objects.filter(kind="appointment").order_by("pk"))


# --- the log ----------------------------------------------------------------------------------------------


def test_the_log_tells_each_fact_with_what_every_campaign_made_of_it(desk: Client) -> None:
    rows.campaign(at_once(), name="Visit")
    rows.campaign(at_once(), name="Recurring ones", recurring="yes")
    rows.booked()
    text = log(desk)
    assert "Booked by staff." in text
    assert "Visit</a>: entered." in text
    assert "Recurring ones</a>: It takes recurring appointments only." in text


def test_an_empty_log_says_what_will_stand_there(desk: Client) -> None:
    assert "Nothing could have fired yet" in log(desk)
    assert "Nothing found" in log(desk, q="nobody")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "Byron"}, {"Byron"}),
        ({"result": "fired"}, {"Byron"}),
        ({"result": "silent"}, {"Lovelace"}),
        ({"result": "ahead"}, {"Lovelace"}),
        ({"kind": "customer_booked"}, {"Lovelace"}),
        ({"origin": "google"}, {"Lovelace"}),
        ({"what": "booked"}, {"Byron", "Lovelace"}),
        ({"what": "cancelled"}, set()),
        ({"since": "2026-06-01", "until": "2026-06-01"}, {"Byron", "Lovelace"}),
        ({"until": "2026-05-31"}, set()),
        ({"since": "2026-06-02"}, set()),
    ],
)
def test_the_log_can_be_narrowed(desk: Client, query: dict[str, str], found: set[str]) -> None:
    rows.booked(rows.contact(last_name="Byron"))
    rows.booked(rows.contact(last_name="Lovelace"), fires=False, why="Silent.", origin=Origin.GOOGLE)
    text = log(desk, **query)
    assert {name for name in ("Byron", "Lovelace") if f"Ada {name}</a>" in text} == found


def test_the_log_of_one_campaign_shows_whom_it_took_and_whom_it_did_not(desk: Client) -> None:
    first = rows.campaign(at_once(), name="Visit")
    rows.campaign(at_once(), name="Moves", on_changes=["rescheduled"])
    rows.booked(rows.contact(last_name="Byron"))
    rows.booked(rows.contact(last_name="Quiet", no_email=True))
    text = log(desk, campaign=str(first.pk))
    assert "Ada Byron</a>" in text
    assert "Ada Quiet</a>" in text
    moves = Campaign.objects.get(name="Moves")
    assert "Nothing found" in log(desk, campaign=str(moves.pk))


def test_the_log_of_one_person_names_them(desk: Client) -> None:
    person = rows.contact(last_name="Byron")
    rows.booked(person)
    rows.booked()
    text = log(desk, contact=str(person.pk))
    assert "for <a" in text
    assert "Ada Lovelace" not in text


def test_each_fact_tells_the_start_as_it_was_then(desk: Client) -> None:
    appointment = rows.booked()
    for days in (1, 2):
        rows.moved(appointment, START + days * DAY)
    rows.with_status(appointment, "confirmed")
    text = log(desk)
    starts = re.findall(r">(\w+ \d+ Jun 2026, 10:00)</a>(, moved since)?", text)
    assert starts == [
        ("Fri 12 Jun 2026, 10:00", ""),
        ("Fri 12 Jun 2026, 10:00", ""),
        ("Thu 11 Jun 2026, 10:00", ", moved since"),
        ("Wed 10 Jun 2026, 10:00", ", moved since"),
    ]
    page = desk.get(appointment.contact.get_absolute_url()).content.decode()
    assert "Wed 10 Jun, 10:00</a>, moved since" in page


def test_the_log_costs_the_same_for_one_and_four(desk: Client) -> None:
    counts = []
    for number in (1, 3):
        rows.campaign(at_once())
        silent(number)
        with CaptureQueriesContext(connection()) as queries:
            log(desk)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def connection() -> Any:
    return default


def test_a_colleagues_private_appointment_tells_time_and_person_only(desk: Client) -> None:
    (event,) = silent()
    hide(event, rows.user())
    text = log(desk)
    assert "Private appointment" in text
    assert "it was in Google before" not in text
    assert 'name="event"' not in text
    assert "Nothing is left to fire" in preview(desk, event)
    assert press(desk, event) == "Nothing is left to fire: it fired before, or its time has passed."
    assert not TriggerEvent.objects.get().fired


def hide(event: TriggerEvent, owner: User) -> None:
    account: GoogleAccount = GoogleAccountFactory(user=owner)
    calendar = GoogleCalendarFactory(account=account)
    GoogleEventFactory(google_calendar=calendar, appointment=event.appointment, visibility="private")


# --- by hand ----------------------------------------------------------------------------------------------


def test_the_preview_shows_what_would_be_sent_and_when_and_changes_nothing(desk: Client) -> None:
    rows.campaign(
        at_once(subject="Welcome", body="Dear {{ contact.first_name }}"),
        before(24, medium="sms"),
        before(24 * 30, subject="In a month"),
        name="Visit",
    )
    rows.campaign(at_once(), name="Recurring ones", recurring="yes")
    (event,) = silent()
    text = preview(desk, event)
    assert "Visit</a>: would enter." in text
    assert "Recurring ones</a>: It takes recurring appointments only." in text
    assert "Dear Ada" in text
    assert "Mon 1 Jun 2026" in text
    assert "13:00 BST for them" in text
    assert "The contact has no phone number." in text
    assert "Its time had passed when it was planned." in text
    event.refresh_from_db()
    assert not event.fired
    assert (Enrolment.objects.count(), Message.objects.count()) == (0, 0)


def test_firing_many_at_once_sends_nothing_twice(desk: Client, me: User) -> None:
    rows.campaign(at_once(), before(24))
    events = silent(3)
    assert press(desk, *events[:2]) == "Fired 2, entered 2 times in a campaign."
    assert press(desk, *events) == (
        "Fired 1, entered 1 time in a campaign. 2 had fired meanwhile, or may not any more."
    )
    assert press(desk, *events) == "Nothing is left to fire: it fired before, or its time has passed."
    assert Message.objects.count() == 6
    assert {event.why for event in TriggerEvent.objects.all()} == {f"Fired by hand by {me}."}
    assert [outcome.state for outcome in deliver_due(NOW)] == [State.SENT] * 3


def test_what_the_preview_shows_is_what_firing_plans(desk: Client, me: User) -> None:
    rows.campaign(at_once(), before(24), before(24 * 30))
    (event,) = silent()
    (coming,) = by_hand.would_come([event.pk], by=me)
    shown = [(m.step_id, m.due_at, m.state, m.why) for m in coming.messages]
    press(desk, event)
    planned = Message.objects.order_by("due_at", "pk")
    assert shown == list(planned.values_list("step", "due_at", "state", "why"))


def test_firing_costs_the_same_for_one_and_four(me: User) -> None:
    rows.campaign(at_once(), before(24))
    events = silent(5)
    counts = []
    for chosen in (events[:1], events[1:]):
        with CaptureQueriesContext(connection()) as queries:
            assert len(by_hand.fire([event.pk for event in chosen], by=me)) == len(chosen)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_log_ticks_only_what_may_fire(desk: Client) -> None:
    rows.booked(rows.contact(last_name="Fired"))
    gone = rows.book(rows.contact(), fires=False, why="Silent.")
    rows.look()
    rows.with_status(gone, "cancelled", fires=False, why="Silent.")
    (event,) = silent()[-1:]
    text = log(desk)
    assert text.count('name="event"') == 1
    assert f'value="{event.pk}"' in text


def test_an_unreadable_choice_fires_nothing(desk: Client) -> None:
    assert "Nothing is left to fire" in desk.get(reverse("campaigns:fire"), {"event": "x"}).content.decode()
    assert desk.post(reverse("campaigns:fire")).status_code == 302


# --- parts on other pages ---------------------------------------------------------------------------------


def test_a_persons_page_shows_their_triggers(desk: Client) -> None:
    rows.campaign(at_once(), name="Visit")
    person = rows.contact()
    rows.booked(person)
    text = desk.get(person.get_absolute_url()).content.decode()
    assert "Visit</a>: entered." in text
    assert "All triggers of this person" in text


def test_an_appointments_page_says_what_waits_but_would_be_skipped(desk: Client) -> None:
    campaign = rows.campaign(before(24), name="Visit")
    person = rows.contact()
    appointment = rows.booked(person)

    def page() -> str:
        return desk.get(appointment.get_absolute_url()).content.decode()

    assert "Will be skipped" not in page()
    Contact.objects.update(no_email=True)
    assert "Will be skipped: The contact is not to be e-mailed." in page()
    assert (
        "Will be skipped: The contact is not to be e-mailed."
        in desk.get(person.get_absolute_url()).content.decode()
    )
    Contact.objects.update(no_email=False)
    campaign.is_active = False
    campaign.save()
    assert "Will be skipped: The campaign is switched off." in page()


def test_each_message_of_an_appointment_tells_the_time_of_its_own_reader(desk: Client) -> None:
    rows.campaign(before(24))
    ada = rows.contact(time_zone="America/New_York")
    bob = rows.contact(time_zone="Asia/Tokyo")
    appointment = rows.booked(ada, guests=[bob])
    text = desk.get(appointment.get_absolute_url()).content.decode()
    assert "Tue 06:00 EDT for them" in text
    assert "Tue 19:00 JST for them" in text


def test_a_booking_at_short_notice_gets_no_word_of_tomorrow_today(desk: Client) -> None:
    rows.campaign(before(24, subject="See you tomorrow"), before(1, subject="In an hour"))
    appointment = rows.booked(starts_at=NOW + timedelta(hours=5))
    assert rows.messages(appointment) == [
        ("skipped", NOW - timedelta(hours=19)),
        ("waiting", NOW + timedelta(hours=4)),
    ]
    assert deliver_due(NOW) == []
    assert (
        "Its time had passed when it was planned."
        in desk.get(appointment.get_absolute_url()).content.decode()
    )


def test_every_step_has_one_row_from_entering_on_whatever_happens_to_the_appointment() -> None:
    rows.campaign(at_once(), before(24), before(24 * 30), on_changes=["booked", "cancelled", "rescheduled"])
    rows.campaign(before(24), on_changes=["cancelled"])
    person = rows.contact()
    first = rows.booked(person)
    later = rows.booked(person, starts_at=START + 7 * DAY)
    deliver_due(NOW)
    rows.moved(first, START + DAY)
    rows.with_status(later, "cancelled")
    rows.with_status(first, "cancelled")
    rows.with_status(first, "new")
    for enrolment in Enrolment.objects.all():
        for step in enrolment.campaign.steps.all():
            written = Message.objects.filter(enrolment=enrolment, step=step)
            unsent = written.exclude(state__in=[State.SENT, State.SENDING, State.UNKNOWN, State.FAILED])
            assert written.exists()
            assert unsent.count() <= 1
            assert written.filter(for_start=enrolment.appointment.starts_at).count() <= 1
    whys = Message.objects.filter(enrolment__campaign__on_changes=["cancelled"]).values_list("why", flat=True)
    assert "Nothing is sent before the start of what is cancelled." in whys


def test_silence_is_said_once(desk: Client) -> None:
    silent()
    page = log(desk)
    assert "It was in Google before." in page
    assert "Silent: " not in page


def test_what_no_campaign_is_about_is_counted_and_not_drawn(desk: Client) -> None:
    rows.campaign(at_once(), name="Welcome")
    rows.book(fires=False, why="Silent.", origin="customer")
    rows.look()
    events = list(TriggerEvent.objects.order_by("pk"))
    assert [event.kind for event in events] == ["appointment", "customer_booked"]
    page = preview(desk, *events)
    assert page.count('<section class="panel"') == 1
    assert "1 more fires; no campaign is about it." in page
    press(desk, *events)
    assert TriggerEvent.objects.filter(fired=True).count() == 2


def test_firing_for_no_campaign_says_what_it_does(desk: Client) -> None:
    page = preview(desk, *silent())
    assert "No campaign is about this: firing only notes that it happened." in page


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ({}, '<details class="log-more">'),
        ({"q": "Ada"}, '<details class="log-more">'),
        ({"result": "fired", "what": "booked"}, '<details class="log-more" open>'),
    ],
)
def test_filters_that_a_phone_folds_are_open_where_they_narrow(
    desk: Client, query: dict[str, str], line: str
) -> None:
    page = log(desk, **query)
    assert line in page
    assert ("Filters (2)" in page) is ("result" in query)
