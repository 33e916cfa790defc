"""Firing all that a filter of the trigger log finds: what is counted, what is fired, and what is not."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import trigger_pages, whole_log
from campaigns.models import Enrolment, Message, TriggerEvent
from contacts import paging
from contacts.models import Appointment, User
from tests.campaigns import rows
from tests.campaigns.rows import NOW, START, at_once, before
from tests.factories import GoogleAccountFactory, GoogleCalendarFactory, GoogleEventFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def me() -> User:
    return rows.user()


@pytest.fixture
def desk(me: User) -> Client:
    client = Client()
    client.force_login(me)
    return client


def silent(number: int, last_name: str = "Byron", **values: Any) -> list[TriggerEvent]:
    """So many bookings that stayed silent, the latest in the log."""
    for _ in range(number):
        person = rows.contact(last_name=last_name)
        rows.book(person, fires=False, why="Silent: it was in Google before.", **values)
    rows.look()
    return list(TriggerEvent.objects.order_by("-pk")[:number])


def preview(client: Client, **query: str) -> str:
    response = client.get(reverse("campaigns:fire_all"), query)
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, page: str) -> str:
    """Presses the button of `page`, with what stands in its form."""
    form = page.partition(f'action="{reverse("campaigns:fire_all")}"')[2].partition("</form>")[0]
    given = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    given.pop("csrfmiddlewaretoken", None)
    response = client.post(reverse("campaigns:fire_all"), given)
    return [str(message) for message in response.wsgi_request._messages][-1]  # type: ignore[attr-defined]  # Django's, without a name of its own


def fired() -> int:
    return TriggerEvent.objects.filter(fired=True).count()


def test_all_that_match_are_counted_by_campaign_and_the_first_are_shown_in_full(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigger_pages, "FIRST_PAGE", 2)
    rows.campaign(at_once(), name="Visit")
    rows.campaign(at_once(), name="Recurring ones", recurring="yes")
    silent(4)
    silent(2, "Hopper")
    text = preview(desk, q="Byron")
    assert "Visit</a>: 4 would enter" in text
    assert "Recurring ones</a>: 0 would enter; 4 not: It takes recurring appointments only." in text
    assert "4 of 4 people" in text
    assert "Fire 4 now" in text
    assert text.count('id="event-') == 2
    assert (fired(), Enrolment.objects.count(), Message.objects.count()) == (0, 0, 0)


def test_firing_all_fires_what_matches_and_nothing_else(desk: Client) -> None:
    rows.campaign(before(24))
    silent(3)
    silent(2, "Hopper")
    assert press(desk, preview(desk, q="Byron")) == "Fired 3, entered 3 times in a campaign."
    people = TriggerEvent.objects.filter(fired=True).values_list("contact__last_name", flat=True)
    assert set(people) == {"Byron"}


def test_what_came_after_it_was_counted_is_not_fired_along(desk: Client) -> None:
    silent(2)
    page = preview(desk)
    silent(1)
    assert press(desk, page) == "Fired 2, entered 0 times in a campaign."


def test_what_has_fired_or_is_over_is_not_in_it(desk: Client) -> None:
    rows.campaign(at_once())
    rows.booked()
    silent(1, starts_at=NOW - (START - NOW))
    (gone,) = silent(1)
    Appointment.objects.filter(pk=gone.appointment_id).update(status="cancelled")
    (chosen,) = silent(1)
    text = preview(desk)
    assert "Fire 1 now" in text
    assert f'id="event-{chosen.pk}"' in text


def test_a_colleagues_private_appointment_is_neither_counted_nor_fired(desk: Client) -> None:
    (event,) = silent(1)
    account = GoogleAccountFactory(user=rows.user())
    GoogleEventFactory(
        google_calendar=GoogleCalendarFactory(account=account),
        appointment=event.appointment,
        visibility="private",
    )
    assert "Nothing is left to fire" in preview(desk)
    desk.post(reverse("campaigns:fire_all"), {"latest": str(event.pk)})
    assert fired() == 0


def test_a_filter_that_cannot_be_read_selects_nothing(desk: Client) -> None:
    silent(1)
    assert "Nothing is left to fire" in preview(desk, since="soon")
    desk.post(reverse("campaigns:fire_all"), {"since": "soon"})
    assert fired() == 0


def test_more_than_can_be_fired_at_once_is_said_and_left_for_the_next_time(
    me: User, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_log, "MOST", 2)
    silent(5)
    selection = whole_log.fireable(TriggerEvent.objects.all(), me, timezone.now())
    assert (len(selection.events), selection.has_more) == (2, True)
    page = preview(desk)
    assert "There are more; they can be fired after these." in page
    assert press(desk, page) == "Fired 2, entered 0 times in a campaign."
    assert fired() == 2


def test_the_log_offers_all_of_its_pages_once_there_are_several(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(3)
    address = reverse("campaigns:trigger_log")
    assert "Select all" not in desk.get(address).content.decode()
    monkeypatch.setattr(paging.page_of, "__kwdefaults__", {**paging.page_of.__kwdefaults__, "size": 2})
    text = desk.get(address, {"q": "Byron", "page": "1"}).content.decode()
    assert "Select all 3 that match…" in text
    assert f"{reverse('campaigns:fire_all')}?q=Byron" in text


def test_choosing_all_costs_the_same_for_one_and_three(desk: Client) -> None:
    rows.campaign(at_once(), before(24))
    counts = []
    for number in (1, 3):
        silent(number, f"Name{number}")
        with CaptureQueriesContext(connection) as queries:
            preview(desk, q=f"Name{number}")
        counts.append(len(queries))
    assert counts[0] == counts[1]
