"""Two campaigns that tell the same people the same thing: when that is said, and in which words."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.matching import Filters
from campaigns.overlapping import Notifier, Said, what_calendars_tell, what_is_doubled
from tests.campaigns import rows
from tests.campaigns.rows import at_once, before
from tests.campaigns.typed import step, stored, typed

BOOKED = Filters("appointment", frozenset({"booked"}))
NARROW = replace(
    BOOKED,
    calendars=frozenset({1}),
    tags=frozenset({1}),
    owners=frozenset({1}),
    made_by=frozenset({"staff", "google"}),
    recurring="yes",
)
DAY_BEFORE = Said("before_start", timedelta(days=1), "email")
TEXT = Said("before_start", timedelta(hours=1), "sms")
CONFIRMATION = Said("at_once", timedelta(0), "email")
ALL = "already sends an e-mail 24 h before to the same appointments."
SOME = "already sends an e-mail 24 h before to some of the same appointments."


@pytest.mark.parametrize(
    ("mine", "other", "words"),
    [
        (BOOKED, BOOKED, ALL),
        (NARROW, NARROW, ALL),
        (NARROW, BOOKED, ALL),
        (BOOKED, NARROW, SOME),
        (BOOKED, replace(BOOKED, changes=frozenset({"booked", "confirmed"})), ALL),
        (replace(BOOKED, changes=frozenset({"booked", "confirmed"})), BOOKED, SOME),
        (BOOKED, replace(BOOKED, changes=frozenset({"rescheduled"})), ""),
        (NARROW, replace(NARROW, calendars=frozenset({1, 2})), ALL),
        (NARROW, replace(NARROW, calendars=frozenset({2})), ""),
        (NARROW, replace(NARROW, tags=frozenset({2})), ""),
        (NARROW, replace(NARROW, owners=frozenset({2})), ""),
        (NARROW, replace(NARROW, made_by=frozenset({"google"})), SOME),
        (NARROW, replace(NARROW, made_by=frozenset({"customer"})), ""),
        (NARROW, replace(NARROW, recurring="no"), ""),
        # A customer's booking fires both triggers; what staff made fires one.
        (BOOKED, replace(BOOKED, trigger="customer_booked"), SOME),
        (replace(BOOKED, trigger="customer_booked"), BOOKED, ALL),
        (replace(BOOKED, trigger="customer_booked"), replace(BOOKED, made_by=frozenset({"staff"})), ""),
    ],
)
def test_people_hear_twice_where_both_take_the_same(mine: Filters, other: Filters, words: str) -> None:
    assert what_is_doubled(mine, [DAY_BEFORE, CONFIRMATION], other, [DAY_BEFORE, TEXT]) == words


@pytest.mark.parametrize(
    ("mine", "others", "words"),
    [
        ([DAY_BEFORE], [replace(DAY_BEFORE, medium="sms")], ""),
        ([DAY_BEFORE], [replace(DAY_BEFORE, anchor="after_end")], ""),
        ([DAY_BEFORE], [replace(DAY_BEFORE, offset=timedelta(hours=23))], ""),
        ([DAY_BEFORE], [], ""),
        ([CONFIRMATION], [replace(CONFIRMATION, offset=timedelta(hours=1))], "an e-mail at once"),
        (
            [CONFIRMATION, DAY_BEFORE, TEXT],
            [CONFIRMATION, DAY_BEFORE, TEXT],
            "e-mails at once, 24 h before and an SMS 1 h before",
        ),
        (
            [Said("before_start", timedelta(0), "email")],
            [Said("after_start", timedelta(0), "email")],
            "an e-mail at the start",
        ),
    ],
)
def test_only_what_leaves_together_by_one_medium_is_heard_twice(
    mine: list[Said], others: list[Said], words: str
) -> None:
    told = f"already sends {words} to the same appointments." if words else ""
    assert what_is_doubled(BOOKED, mine, BOOKED, others) == told


@pytest.mark.django_db
def test_switching_on_warns_of_the_other_campaign_and_switches_on_all_the_same(desk: Client) -> None:
    other = rows.campaign(before(24), name="Usual <reminder>")
    campaign = rows.campaign(before(24), at_once(), is_active=False)
    page = desk.post(reverse("campaigns:switch", args=[campaign.pk]), follow=True).content.decode()
    link = f'“<a href="{other.get_absolute_url()}">Usual &lt;reminder&gt;</a>”'
    assert f"{link} {ALL} People would hear twice." in page
    campaign.refresh_from_db()
    assert campaign.is_active


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_its_page_and_that_of_upcoming_appointments_warn_too(desk: Client) -> None:
    rows.booked()
    other = rows.campaign(before(24))
    campaign = rows.campaign(before(24), before(2))
    told = f"{other.name}</a>” {ALL}"
    pages = [campaign.get_absolute_url(), reverse("campaigns:upcoming", args=[campaign.pk])]
    for page in pages:
        assert told in desk.get(page).content.decode()
    other.is_active = False
    other.save(update_fields=["is_active"])
    for page in pages:
        assert "hear twice" not in desk.get(page).content.decode()


@pytest.mark.django_db
def test_a_step_that_is_off_is_heard_by_nobody(desk: Client) -> None:
    rows.campaign(before(24, is_active=False), before(1))
    campaign = rows.campaign(before(24))
    assert "hear twice" not in desk.get(campaign.get_absolute_url()).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed_over", "words"),
    [
        ({}, "already sends an e-mail 24 h before to the same appointments."),
        ({"steps-0-amount": "1", "steps-0-unit": "days"}, "an e-mail 24 h before"),
        ({"trigger": "customer_booked"}, "to the same appointments."),
        ({"steps-0-amount": "23"}, ""),
        ({"steps-0-amount": "not a number"}, ""),
        ({"steps-0-medium": "sms"}, ""),
        ({"steps-0-is_active": ""}, ""),
        ({"steps-0-DELETE": "on"}, ""),
        ({"on_changes": ["confirmed"]}, ""),
        ({"calendars": ["999999"]}, "to the same appointments."),
        ({"made_by": ["nobody"]}, ""),
    ],
)
def test_who_writes_a_campaign_is_warned_before_it_is_saved(
    desk: Client, typed_over: dict[str, Any], words: str
) -> None:
    other = rows.campaign(before(24), name="Usual reminder")
    data = {**typed(step(0)), **typed_over}
    for page in (
        desk.post(reverse("campaigns:preview"), data),
        desk.post(reverse("campaigns:campaign_new"), {**data, "look": "1"}),
    ):
        told = page.content.decode()
        assert ("hear twice" in told) is bool(words)
        assert words in told
        if words:
            # It opens beside the form: what is typed is not lost.
            assert f'<a href="{other.get_absolute_url()}" target="_blank"' in told


@pytest.mark.django_db
def test_the_warning_follows_what_is_typed_over_a_stored_campaign(desk: Client) -> None:
    calendar = rows.calendar()
    rows.campaign(before(24)).calendars.add(calendar)
    campaign = rows.campaign(before(24))
    data = {**typed(*stored(campaign), initial=1), "campaign": str(campaign.pk)}
    preview = reverse("campaigns:preview")
    assert "to some of the same appointments." in desk.post(preview, data).content.decode()
    narrow = {**data, "calendars": [str(calendar.pk)]}
    assert "to the same appointments." in desk.post(preview, narrow).content.decode()
    elsewhere = {**data, "calendars": [str(rows.calendar().pk)]}
    assert "hear twice" not in desk.post(preview, elsewhere).content.decode()


@pytest.mark.django_db
def test_saving_and_switching_on_at_once_warns_as_the_switch_does(desk: Client) -> None:
    other = rows.campaign(before(24), name="Usual reminder")
    new = reverse("campaigns:campaign_new")
    page = desk.post(new, {**typed(step(0)), "save": "on"}, follow=True)
    assert [str(each) for each in page.context["messages"]] == [
        "“Reminders” is on. It takes every appointment that is made from now on.",
        f'“<a href="{other.get_absolute_url()}">Usual reminder</a>” {ALL} People would hear twice.',
    ]


KNEES, SPINES, HANDS = (
    Notifier(1, "Knees", "customers"),
    Notifier(2, "Spines", "all"),
    Notifier(3, "Hands", "none"),
)
ALL_THREE = [KNEES, SPINES, HANDS]


@pytest.mark.parametrize(
    ("filters", "said", "words"),
    [
        (BOOKED, [DAY_BEFORE], ""),
        (BOOKED, [replace(CONFIRMATION, medium="sms")], ""),
        (BOOKED, [CONFIRMATION], "“Knees” and “Spines” e-mail confirmations themselves."),
        (
            replace(BOOKED, calendars=frozenset({1})),
            [CONFIRMATION],
            "“Knees” e-mails confirmations itself to customers who book online.",
        ),
        (replace(BOOKED, calendars=frozenset({3})), [CONFIRMATION], ""),
        (
            replace(BOOKED, made_by=frozenset({"staff"})),
            [CONFIRMATION],
            "“Spines” e-mails confirmations itself.",
        ),
        (replace(BOOKED, made_by=frozenset({"google"})), [CONFIRMATION], ""),
        (
            replace(BOOKED, trigger="customer_booked", calendars=frozenset({1})),
            [CONFIRMATION],
            "“Knees” e-mails confirmations itself to customers who book online.",
        ),
        (
            replace(BOOKED, changes=frozenset({"cancelled", "rescheduled"}), calendars=frozenset({2})),
            [CONFIRMATION],
            "“Spines” e-mails moves and cancellations itself.",
        ),
        (replace(BOOKED, changes=frozenset({"no_show"})), [CONFIRMATION], ""),
    ],
)
def test_people_hear_twice_where_their_calendar_tells_them_too(
    filters: Filters, said: list[Said], words: str
) -> None:
    assert what_calendars_tell(filters, said, ALL_THREE) == words


@pytest.mark.django_db
def test_who_writes_a_confirmation_is_warned_that_calendars_confirm(desk: Client) -> None:
    rows.calendar(name="Knees")
    rows.calendar(name="Feet", is_active=False, notices="all")
    preview = reverse("campaigns:preview")
    told = desk.post(preview, typed(step(0, anchor="at_once", amount=""))).content.decode()
    assert "People would hear twice." in told
    assert "<div>“Knees” e-mails confirmations itself to customers who book online. <a " in told
    assert "hear twice" not in desk.post(preview, typed(step(0))).content.decode()
