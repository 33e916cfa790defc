"""Settings → Profile: who may see what, what a post changes, and what the page says."""

import datetime
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, Membership
from contacts.models import Appointment, User
from integrations.models import GoogleAccount, GoogleCalendar
from tests.calendars.settings_pages import member_of
from tests.desk import HOUR, NOW, booked
from tests.factories import (
    CalendarFactory,
    ConfigurationFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    GoogleEventFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
PROFILE = "/settings/profile/"


@pytest.fixture
def user() -> User:
    return UserFactory()


@pytest.fixture
def staff(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def linked(user: User) -> GoogleCalendar:
    return GoogleCalendarFactory(account=GoogleAccountFactory(user=user), summary="Dana")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_the_page_is_for_people_who_are_signed_in(client: Client) -> None:
    assert client.get(PROFILE)["Location"] == f"/accounts/login/?next={PROFILE}"


def test_a_plain_post_saves_and_says_what_it_comes_to(
    staff: Client, user: User, linked: GoogleCalendar
) -> None:
    calendar = MembershipFactory(user=user).calendar
    response = staff.post(
        PROFILE,
        {
            "linked_calendar": linked.pk,
            "sync_option": "two_way",
            "allow_contact_creation": "on",
            "default_calendar": calendar.pk,
            "allow_trigger": "on",
        },
        follow=True,
    )
    assert response.redirect_chain == [(PROFILE, 302)]
    assert "Saved. From now on: known and new guests get an appointment and triggers fire." in text(response)
    stored = CalendarConfiguration.objects.get(user=user)
    assert (stored.linked_calendar, stored.sync_option, stored.default_calendar) == (
        linked,
        "two_way",
        calendar,
    )
    assert (stored.allow_contact_creation, stored.allow_trigger) == (True, True)
    assert stored.history.get().history_user == user


def test_creation_without_a_default_calendar_changes_nothing_and_says_why(staff: Client) -> None:
    response = staff.post(PROFILE, {"sync_option": "two_way", "allow_contact_creation": "on"})
    assert response.status_code == 200
    assert "Choose a default calendar first" in text(response)
    assert not CalendarConfiguration.objects.exists()


def test_looking_at_the_page_stores_nothing(staff: Client) -> None:
    staff.get(PROFILE)
    assert not CalendarConfiguration.objects.exists()


def test_without_a_google_account_the_page_says_so_and_the_rest_still_saves(
    staff: Client, user: User
) -> None:
    assert "No Google account is connected" in text(staff.get(PROFILE))
    staff.post(PROFILE, {"sync_option": "smart", "time_zone": "Asia/Tokyo"})
    stored = CalendarConfiguration.objects.get(user=user)
    assert (stored.sync_option, stored.time_zone) == ("smart", "Asia/Tokyo")


def test_the_cards_say_what_each_option_comes_to_as_the_toggles_stand(
    staff: Client, linked: GoogleCalendar
) -> None:
    page = text(staff.get(PROFILE))
    assert page.count("No default calendar: events only block time.") == 3
    assert "Select Default Calendar" in page


def test_the_effect_of_unsaved_values_is_shown_and_nothing_is_saved(
    staff: Client, user: User, linked: GoogleCalendar
) -> None:
    calendar = MembershipFactory(user=user, calendar__colour="#c2410c").calendar
    response = staff.get(
        reverse("calendars:profile_effect"),
        {"sync_option": "disable_trigger", "default_calendar": calendar.pk},
    )
    page = text(response)
    assert "Allow Contact Creation is off: known guests get an appointment and nothing fires" in page
    assert 'class="chip chip-appointment" data-colour="#c2410c"' in page
    assert 'id="effect-two_way" hx-swap-oob="true"' in page
    assert not CalendarConfiguration.objects.exists()


def test_the_effect_of_creation_without_a_calendar_is_the_refusal(staff: Client) -> None:
    response = staff.get(
        reverse("calendars:profile_effect"), {"sync_option": "two_way", "allow_contact_creation": "on"}
    )
    assert "Choose a default calendar first" in text(response)
    assert "No default calendar: events only block time." in text(response)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_effect_can_only_be_looked_at(staff: Client, method: str) -> None:
    assert getattr(staff, method)(reverse("calendars:profile_effect")).status_code == 405


@pytest.mark.parametrize(
    ("loss", "words"),
    [("off", "is switched off"), ("left", "no longer counts you as a member")],
)
def test_a_default_calendar_that_no_longer_counts_is_named_with_the_reason(
    staff: Client, user: User, loss: str, words: str
) -> None:
    membership = MembershipFactory(user=user, calendar__name="Physio")
    ConfigurationFactory(user=user, default_calendar=membership.calendar, sync_option="two_way")
    if loss == "off":
        Calendar.objects.update(is_active=False)
    else:
        membership.delete()
    page = text(staff.get(PROFILE))
    assert f"Your default calendar “Physio” {words}." in page
    assert "No default calendar: events only block time." in page


def test_a_disconnected_link_is_told(staff: Client, user: User, linked: GoogleCalendar) -> None:
    ConfigurationFactory(user=user, linked_calendar=linked)
    GoogleAccount.objects.update(state=GoogleAccount.State.DISCONNECTED)
    page = text(staff.get(PROFILE))
    assert "“Dana” stays chosen and is kept in step again once you reconnect it." in page
    assert "Reconnect it in Integrations" in page
    assert "No Google account is connected" not in page
    assert "Dana (disconnected)" in page
    assert "no calendar to link yet" not in page


def test_a_calendar_linked_in_both_places_is_told_on_both_pages(
    staff: Client, user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Gym hall", owner=user)
    ConfigurationFactory(user=user, linked_calendar=linked)
    ConfigurationFactory(user=None, calendar=hall, linked_calendar=linked)
    words = "An event is processed once: the unassigned calendar&#x27;s option decides; both still block."
    own = text(staff.get(PROFILE))
    assert words in own
    assert "Gym hall" in own
    other = text(staff.get(reverse("calendars:unassigned", args=[hall.pk])))
    assert words in other
    assert str(user) in other


def test_an_unassigned_calendar_is_configured_by_its_owner(
    staff: Client, user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Gym hall", owner=user)
    url = reverse("calendars:unassigned", args=[hall.pk])
    assert f'href="{url}"' in text(staff.get(PROFILE))
    assert "Allow Contact Creation</label>" not in text(staff.get(url))
    response = staff.post(url, {"linked_calendar": linked.pk, "sync_option": "two_way"})
    assert (response.status_code, response["Location"]) == (302, url)
    stored = CalendarConfiguration.objects.get(calendar=hall)
    assert (stored.user, stored.linked_calendar, stored.sync_option) == (None, linked, "two_way")
    effect = staff.get(reverse("calendars:unassigned_effect", args=[hall.pk]), {"sync_option": "smart"})
    assert "Known guests get an appointment and triggers fire; others block time." in text(effect)


def test_an_unassigned_calendar_without_an_owner_belongs_to_whoever_links_it(
    staff: Client, user: User, linked: GoogleCalendar
) -> None:
    hall = Calendar.objects.create(name="Gym hall", slug="gym-hall", kind=Calendar.Kind.UNASSIGNED)
    url = reverse("calendars:unassigned", args=[hall.pk])
    assert f'href="{url}"' in text(staff.get(PROFILE))
    assert staff.post(url, {"linked_calendar": linked.pk, "sync_option": "smart"}).status_code == 302
    hall.refresh_from_db()
    assert hall.owner == user


def test_an_unassigned_calendar_of_someone_else_is_not_there_except_for_admins(
    staff: Client, user: User
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Gym hall", owner=UserFactory())
    url = reverse("calendars:unassigned", args=[hall.pk])
    assert staff.get(url).status_code == 404
    assert staff.post(url, {"sync_option": "two_way"}).status_code == 404
    assert "Gym hall" not in text(staff.get(PROFILE))
    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert staff.get(url).status_code == 200
    assert "Gym hall" in text(staff.get(PROFILE))


def test_a_team_calendar_has_no_configuration_page(staff: Client, user: User) -> None:
    team = MembershipFactory(user=user, calendar__owner=user).calendar
    assert staff.get(reverse("calendars:unassigned", args=[team.pk])).status_code == 404


def test_the_page_asks_as_much_for_three_of_everything_as_for_one(
    staff: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def add(number: int) -> None:
        google = GoogleCalendarFactory(account=GoogleAccountFactory(user=user), google_id=f"g{number}")
        hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user)
        ConfigurationFactory(user=None, calendar=hall, linked_calendar=google)
        MembershipFactory(user=user)

    add(1)
    with django_assert_num_queries(13):
        staff.get(PROFILE)
    add(2)
    add(3)
    with django_assert_num_queries(13):
        staff.get(PROFILE)


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin@tandem.example", "a long secret"))
    return client


def test_the_admin_saves_through_the_same_rules(desk: Client, user: User, linked: GoogleCalendar) -> None:
    MembershipFactory(user=user), MembershipFactory(user=user)
    add = reverse("admin:calendars_calendarconfiguration_add")
    values = {
        "user": user.pk,
        "calendar": "",
        "linked_calendar": linked.pk,
        "sync_option": "two_way",
        "recurring_events": "each",
        "private_events": "block",
        "time_zone": "Europe/Paris",
    }
    refused = desk.post(add, {**values, "allow_contact_creation": "on"})
    assert "Choose a default calendar first" in text(refused)
    assert desk.post(add, values).status_code == 302
    stored = CalendarConfiguration.objects.get(user=user)
    assert (stored.linked_calendar, stored.time_zone, stored.blocks_unanswered) == (
        linked,
        "Europe/Paris",
        False,
    )
    assert GoogleCalendar.objects.get(pk=linked.pk).next_pull_at is not None
    change = reverse("admin:calendars_calendarconfiguration_change", args=[stored.pk])
    assert desk.get(change).status_code == 200
    assert desk.post(change, {**values, "sync_option": "smart"}).status_code == 302
    stored.refresh_from_db()
    assert stored.sync_option == "smart"
    assert {record.history_user.email for record in stored.history.all()} == {"admin@tandem.example"}
    history = desk.get(reverse("admin:calendars_calendarconfiguration_history", args=[stored.pk]))
    assert "admin@tandem.example" in text(history)


def test_a_configuration_belongs_to_one_person_or_one_unassigned_calendar(desk: Client, user: User) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED)
    add = reverse("admin:calendars_calendarconfiguration_add")
    rest = {"sync_option": "smart", "recurring_events": "each", "private_events": "block", "time_zone": "UTC"}
    for whose in ({"user": user.pk, "calendar": hall.pk}, {"user": "", "calendar": ""}):
        assert "only one of them" in text(desk.post(add, {**whose, **rest}))
    assert desk.post(add, {"user": "", "calendar": hall.pk, **rest}).status_code == 302
    stored = CalendarConfiguration.objects.get(calendar=hall)
    page = text(desk.get(reverse("admin:calendars_calendarconfiguration_change", args=[stored.pk])))
    assert "id_allow_contact_creation" not in page


def test_the_admins_form_wears_the_admins_dress(desk: Client, user: User, linked: GoogleCalendar) -> None:
    stored = ConfigurationFactory(user=user)
    page = text(desk.get(reverse("admin:calendars_calendarconfiguration_change", args=[stored.pk])))
    for name in ("conflict_calendars", "sync_option", "ignored_guests", "time_zone", "default_calendar"):
        fields = re.findall(rf'<(?:input|select|textarea)[^>]*name="{name}"[^>]*>', page)
        assert fields, name
        assert all("border-base-" in field for field in fields), name


def test_deleting_a_default_calendar_in_the_admin_leaves_its_people_blocking(
    desk: Client, user: User
) -> None:
    calendar = MembershipFactory(user=user).calendar
    ConfigurationFactory(
        user=user, default_calendar=calendar, allow_contact_creation=True, sync_option="two_way"
    )
    url = reverse("admin:calendars_calendar_delete", args=[calendar.pk])
    assert desk.post(url, {"post": "yes", "anyway": "1"}).status_code == 302
    stored = CalendarConfiguration.objects.get(user=user)
    assert (stored.default_calendar, stored.allow_contact_creation) == (None, False)


@pytest.mark.parametrize(
    "model",
    [
        "calendar",
        "membership",
        "weeklyhours",
        "dateoverride",
        "blockedtime",
        "calendarconfiguration",
        "googleevent",
        "pushtarget",
        "syncrun",
    ],
)
def test_every_list_of_the_desk_opens(desk: Client, model: str) -> None:
    assert desk.get(reverse(f"admin:calendars_{model}_changelist")).status_code == 200
    add = desk.get(reverse(f"admin:calendars_{model}_add"))
    # Hours are changed as a whole, with whom they belong to.
    elsewhere = {"weeklyhours", "dateoverride", "googleevent", "pushtarget", "syncrun"}
    assert add.status_code == (403 if model in elsewhere else 200)


@pytest.fixture
def upcoming(user: User, linked: GoogleCalendar) -> Calendar:
    """A saved one-way configuration, and two upcoming events: one with a known contact, one with nobody."""
    calendar = MembershipFactory(user=user, calendar__name="Physio").calendar
    ConfigurationFactory(user=user, linked_calendar=linked, sync_option="one_way")
    ContactFactory(address="ada@marsh.example")
    starts_at = timezone.now() + datetime.timedelta(days=2)
    for title, addresses in (("Ada comes", ["ada@marsh.example"]), ("Dentist", [])):
        GoogleEventFactory(
            google_calendar=linked,
            summary=title,
            starts_at=starts_at,
            ends_at=starts_at + datetime.timedelta(hours=1),
            attendees=[attendee(address) for address in addresses],
        )
    return calendar


def attendee(address: str) -> dict[str, object]:
    return {
        "address": address,
        "name": "",
        "response": "accepted",
        "is_self": False,
        "is_organizer": False,
        "is_resource": False,
        "is_optional": False,
    }


def test_the_real_upcoming_events_are_shown_under_unsaved_values(staff: Client, upcoming: Calendar) -> None:
    assert '<b class="nums">0</b> appointments' in text(staff.get(PROFILE))
    response = staff.get(
        reverse("calendars:profile_effect"), {"sync_option": "two_way", "default_calendar": upcoming.pk}
    )
    page = text(response)
    assert '<b class="nums">1</b> appointment, <b class="nums">0</b> new contacts' in page
    assert "Ada comes" in page
    assert CalendarConfiguration.objects.get().sync_option == "one_way"
    assert not GoogleEvent.objects.exclude(appointment=None).exists()


def test_events_that_are_appointments_already_are_counted_as_staying_so(
    staff: Client, user: User, upcoming: Calendar
) -> None:
    assert "appointment already" not in text(staff.get(PROFILE))
    made = {"outcome": GoogleEvent.Outcome.APPOINTMENT, "appointment": booked(user)}
    GoogleEvent.objects.filter(summary="Ada comes").update(**made)
    page = text(staff.get(PROFILE))
    assert '<b class="nums">1</b> is an appointment already and stays one. Of the others:' in page
    GoogleEvent.objects.update(**made)
    page = text(staff.get(PROFILE))
    assert '<b class="nums">2</b> are appointments already and stay so.' in page
    assert "Nothing lies ahead" not in page


def test_values_that_cannot_be_saved_show_no_events(staff: Client, upcoming: Calendar) -> None:
    response = staff.get(reverse("calendars:profile_effect"), {"sync_option": "no such"})
    assert "Your upcoming events" not in text(response)


def test_the_owner_sees_titles_of_the_preview_and_an_admin_sees_times(
    client: Client, linked: GoogleCalendar, user: User
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user)
    ConfigurationFactory(user=None, calendar=hall, linked_calendar=linked)
    starts_at = timezone.now() + datetime.timedelta(days=2)
    GoogleEventFactory(
        google_calendar=linked,
        summary="Dentist",
        starts_at=starts_at,
        ends_at=starts_at + datetime.timedelta(hours=1),
    )
    private = GoogleEventFactory(
        google_calendar=linked,
        summary="",
        visibility="private",
        starts_at=starts_at,
        ends_at=starts_at + datetime.timedelta(hours=1),
    )
    url = reverse("calendars:unassigned", args=[hall.pk])
    client.force_login(user)
    assert "Dentist" in text(client.get(url))
    # As the agenda calls it.
    assert '<span class="chip-title">Private</span>' in text(client.get(url))
    private.delete()
    client.force_login(UserFactory(is_staff=True))
    page = text(client.get(url))
    assert "Dentist" not in page
    assert "Busy" in page


def test_what_is_imported_already_follows_only_when_asked(
    staff: Client, user: User, linked: GoogleCalendar, upcoming: Calendar
) -> None:
    staff.post(PROFILE, {"sync_option": "two_way", "default_calendar": upcoming.pk})
    assert "1 upcoming event from Dana only blocks time now." in text(staff.get(PROFILE))
    assert set(GoogleEvent.objects.values_list("replan", flat=True)) == {GoogleEvent.Replan.NO}
    response = staff.post(reverse("calendars:profile_apply"), follow=True)
    assert "1 upcoming event will become an appointment; nothing fires." in text(response)
    assert GoogleEvent.objects.get(summary="Ada comes").replan == GoogleEvent.Replan.APPLY
    assert GoogleEvent.objects.get(summary="Dentist").replan == GoogleEvent.Replan.NO
    staff.post(reverse("calendars:profile_apply"), {"fires": "on"})
    assert GoogleEvent.objects.get(summary="Ada comes").replan == GoogleEvent.Replan.FIRE


def test_applying_to_someone_elses_calendar_is_not_possible(staff: Client) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=UserFactory())
    ConfigurationFactory(user=None, calendar=hall)
    assert staff.post(reverse("calendars:unassigned_apply", args=[hall.pk])).status_code == 404
    assert staff.get(reverse("calendars:profile_apply")).status_code == 405


def test_where_an_unassigned_calendar_decides_the_users_page_previews_and_applies_nothing(
    staff: Client, user: User, linked: GoogleCalendar, upcoming: Calendar
) -> None:
    staff.post(PROFILE, {"sync_option": "two_way", "default_calendar": upcoming.pk})
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user)
    ConfigurationFactory(user=None, calendar=hall, linked_calendar=linked)
    assert "Your upcoming events" not in text(staff.get(PROFILE))
    staff.post(reverse("calendars:profile_apply"))
    assert set(GoogleEvent.objects.values_list("replan", flat=True)) == {GoogleEvent.Replan.NO}


# --- the zone, in which one's hours are told --------------------------------------------------------------------


@pytest.fixture
def member(user: User) -> Iterator[Membership]:
    """Nine to five in London, with an appointment tomorrow at ten and one at four."""
    with time_machine.travel(NOW, tick=False):
        ConfigurationFactory(user=user, time_zone="Europe/London")
        member = member_of(CalendarFactory(name="First visit"), user=user)
        for hours in (25, 31):
            booked(user, NOW + hours * HOUR, calendar=member.calendar)
        yield member


def test_hours_that_another_zone_would_move_are_shown_beside_it_before_saving(
    staff: Client, member: Membership
) -> None:
    live = text(staff.get(f"{PROFILE}effect/", {"sync_option": "one_way", "time_zone": "America/New_York"}))
    assert "<dt>First visit</dt>" in live
    assert "Monday 09:00 to 17:00 would be Monday 14:00 to 22:00 on the clocks of Europe/London." in live
    assert "1 upcoming appointment would no longer fit and stays as it is: Tue 24 November, 10:00" in live
    assert CalendarConfiguration.objects.get().time_zone == "Europe/London"
    same = text(staff.get(f"{PROFILE}effect/", {"sync_option": "one_way", "time_zone": "Europe/London"}))
    assert "would move" not in same
    assert 'id="zone-effect"' in same


def test_a_saved_zone_is_told_with_the_appointments_it_leaves_outside_in_that_zone(
    staff: Client, member: Membership
) -> None:
    name = Appointment.objects.earliest("starts_at").contact.name
    sent = {"sync_option": "one_way", "time_zone": "America/New_York"}
    page = text(staff.post(PROFILE, sent, follow=True))
    assert "Your hours moved with your time zone in First visit." in page
    assert f"1 upcoming appointment no longer fits and stays as it is: 24 November 05:00 {name}." in page
    assert "would move" not in page
    assert "hours moved" not in text(staff.post(PROFILE, sent, follow=True))


def test_a_zone_that_shows_the_same_times_moves_nothing(staff: Client, member: Membership) -> None:
    sent = {"sync_option": "one_way", "time_zone": "Europe/Jersey"}
    assert "hours moved" not in text(staff.post(PROFILE, sent, follow=True))


def test_the_first_zone_moves_hours_that_were_told_in_the_calendars_own(staff: Client, user: User) -> None:
    member_of(CalendarFactory(name="First visit", time_zone="Asia/Tokyo"), user=user)
    page = text(staff.post(PROFILE, {"sync_option": "one_way", "time_zone": "UTC"}, follow=True))
    assert "Your hours moved with your time zone in First visit." in page


# --- two who save ------------------------------------------------------------------------------------------


def drawn_from(response: Any) -> str:
    found = re.search(r'name="drawn_from" value="([^"]*)"', response.content.decode())
    assert found is not None
    return found[1]


def test_who_saves_what_was_changed_meanwhile_is_told_and_keeps_what_they_typed(
    staff: Client, user: User
) -> None:
    staff.post(PROFILE, {"sync_option": "one_way", "time_zone": "Asia/Tokyo"})
    first_tab = drawn_from(staff.get(PROFILE))
    staff.post(PROFILE, {"sync_option": "smart", "time_zone": "Asia/Tokyo", "drawn_from": first_tab})
    typed = {"sync_option": "disable_trigger", "time_zone": "Europe/Paris", "drawn_from": first_tab}
    refused = staff.post(PROFILE, typed)
    assert "It was changed meanwhile: Sync option. Here is what you typed." in text(refused)
    assert 'value="Europe/Paris"' in refused.content.decode()
    assert CalendarConfiguration.objects.get(user=user).sync_option == "smart"
    staff.post(PROFILE, typed | {"drawn_from": drawn_from(refused)})
    assert CalendarConfiguration.objects.get(user=user).sync_option == "disable_trigger"
