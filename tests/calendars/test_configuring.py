"""Saving a configuration: what it settles, when the policy starts anew, and which Google calendars are read."""

import datetime
from dataclasses import replace

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from calendars import booking
from calendars.configuring import ConfigurationValues, NotAllowed, forget_default, save_configuration
from calendars.models import Calendar, CalendarConfiguration
from calendars.signals import configuration_saved
from contacts.models import Origin, User
from integrations.models import GoogleCalendar
from tests.factories import (
    CalendarFactory,
    ContactFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(hours=3)


@pytest.fixture
def user() -> User:
    return UserFactory()


@pytest.fixture
def linked(user: User) -> GoogleCalendar:
    return GoogleCalendarFactory(account=GoogleAccountFactory(user=user))


def another(linked: GoogleCalendar, google_id: str = "family") -> GoogleCalendar:
    return GoogleCalendarFactory(account=linked.account, google_id=google_id, is_primary=False)


def member_of(user: User) -> Calendar:
    return MembershipFactory(user=user).calendar


def due_at(calendar: GoogleCalendar) -> datetime.datetime | None:
    return GoogleCalendar.objects.get(pk=calendar.pk).next_pull_at


def test_the_first_save_makes_the_configuration_and_starts_the_policy_now(
    user: User, linked: GoogleCalendar
) -> None:
    saved = save_configuration(
        ConfigurationValues(linked_calendar=linked, time_zone="Europe/London"), user=user, now=NOW
    )
    stored = CalendarConfiguration.objects.get(user=user)
    assert stored == saved
    assert (stored.linked_calendar, stored.time_zone, stored.policy_since) == (linked, "Europe/London", NOW)


def test_newly_chosen_google_calendars_are_due_at_once(user: User, linked: GoogleCalendar) -> None:
    conflict = another(linked)
    untouched = another(linked, "other")
    values = ConfigurationValues(linked_calendar=linked, conflict_calendars=(conflict,))
    save_configuration(values, user=user, now=NOW)
    assert [due_at(each) for each in (linked, conflict, untouched)] == [NOW, NOW, None]


def test_a_conflict_calendar_that_becomes_the_linked_one_is_due_again(
    user: User, linked: GoogleCalendar
) -> None:
    conflict = another(linked)
    values = ConfigurationValues(linked_calendar=linked, conflict_calendars=(conflict,))
    save_configuration(values, user=user, now=NOW)
    save_configuration(replace(values, linked_calendar=conflict), user=user, now=LATER)
    assert due_at(conflict) == LATER
    assert due_at(linked) is None


def test_a_google_calendar_nobody_uses_any_more_is_no_longer_read(user: User, linked: GoogleCalendar) -> None:
    conflict = another(linked)
    values = ConfigurationValues(linked_calendar=linked, conflict_calendars=(conflict,))
    save_configuration(values, user=user, now=NOW)
    save_configuration(ConfigurationValues(), user=user, now=LATER)
    assert (due_at(linked), due_at(conflict)) == (None, None)


def test_a_google_calendar_that_another_configuration_uses_is_still_read(
    user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user)
    save_configuration(ConfigurationValues(linked_calendar=linked), user=user, now=NOW)
    save_configuration(ConfigurationValues(linked_calendar=linked), calendar=hall, now=NOW)
    save_configuration(ConfigurationValues(), user=user, now=LATER)
    assert due_at(linked) == NOW


@pytest.mark.parametrize(
    "change",
    [{"sync_option": "smart"}, {"allow_contact_creation": True}, {"allow_trigger": True}, {"linked": True}],
)
def test_the_policy_starts_anew_when_link_option_or_toggle_changes(
    user: User, linked: GoogleCalendar, change: dict[str, object]
) -> None:
    values = ConfigurationValues(linked_calendar=linked, default_calendar=member_of(user))
    save_configuration(values, user=user, now=NOW)
    if change.pop("linked", False):
        change["linked_calendar"] = another(linked)
    saved = save_configuration(replace(values, **change), user=user, now=LATER)  # type: ignore[arg-type]  # the fields of the table
    assert saved.policy_since == LATER


@pytest.mark.parametrize(
    "change", [{"time_zone": "Europe/Paris"}, {"private_events": "normal"}, {"ignored_guests": "x.org"}, {}]
)
def test_the_policy_goes_on_when_anything_else_changes(
    user: User, linked: GoogleCalendar, change: dict[str, str]
) -> None:
    values = ConfigurationValues(linked_calendar=linked)
    save_configuration(values, user=user, now=NOW)
    saved = save_configuration(replace(values, **change), user=user, now=LATER)  # type: ignore[arg-type]  # the fields of the table
    assert saved.policy_since == NOW


def test_the_only_eligible_calendar_is_chosen_when_creation_is_on(user: User) -> None:
    calendar = member_of(user)
    saved = save_configuration(ConfigurationValues(allow_contact_creation=True), user=user, now=NOW)
    assert saved.default_calendar == calendar


@pytest.mark.parametrize("count", [0, 2])
def test_creation_without_a_default_calendar_is_refused_with_words_that_help(user: User, count: int) -> None:
    for _ in range(count):
        member_of(user)
    with pytest.raises(NotAllowed, match="Choose a default calendar first") as refusal:
        save_configuration(ConfigurationValues(allow_contact_creation=True), user=user, now=NOW)
    assert refusal.value.field == "allow_contact_creation"
    assert not CalendarConfiguration.objects.exists()


def test_triggers_without_a_default_calendar_are_off(user: User) -> None:
    assert not save_configuration(ConfigurationValues(allow_trigger=True), user=user, now=NOW).allow_trigger


def test_the_linked_calendar_is_never_a_conflict_calendar_too(user: User, linked: GoogleCalendar) -> None:
    values = ConfigurationValues(linked_calendar=linked, conflict_calendars=(linked,))
    assert not save_configuration(values, user=user, now=NOW).conflict_calendars.exists()


def test_two_unassigned_calendars_cannot_share_a_google_calendar_even_through_two_accounts(
    linked: GoogleCalendar,
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Gym hall")
    pool = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Pool")
    save_configuration(ConfigurationValues(linked_calendar=linked), calendar=hall, now=NOW)
    seen_by_colleague = GoogleCalendarFactory(google_id=linked.google_id)
    for calendar in (linked, seen_by_colleague):
        with pytest.raises(NotAllowed, match="Gym hall"):
            save_configuration(ConfigurationValues(linked_calendar=calendar), calendar=pool, now=NOW)


def test_an_unassigned_calendar_belongs_to_whose_account_is_linked_and_has_no_toggles(
    user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED)
    values = ConfigurationValues(
        linked_calendar=linked, sync_option="two_way", allow_contact_creation=True, allow_trigger=True
    )
    saved = save_configuration(values, calendar=hall, now=NOW)
    assert Calendar.objects.get(pk=hall.pk).owner == user
    assert (saved.allow_contact_creation, saved.allow_trigger, saved.default_calendar) == (False, False, None)


def test_saving_the_same_again_writes_no_history(user: User, linked: GoogleCalendar) -> None:
    values = ConfigurationValues(linked_calendar=linked)
    saved = save_configuration(values, user=user, by=user, now=NOW)
    save_configuration(values, user=user, by=user, now=LATER)
    assert [record.history_user for record in saved.history.all()] == [user]


def test_the_news_goes_out_after_the_commit_and_says_whether_the_link_changed(
    user: User,
    linked: GoogleCalendar,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[tuple[int, bool]] = []

    def listen(*, configuration_id: int, link_changed: bool, **_: object) -> None:
        heard.append((configuration_id, link_changed))

    configuration_saved.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            saved = save_configuration(ConfigurationValues(linked_calendar=linked), user=user, now=NOW)
            assert heard == []
        with django_capture_on_commit_callbacks(execute=True):
            values = ConfigurationValues(linked_calendar=linked, sync_option="smart")
            save_configuration(values, user=user, now=LATER)
    finally:
        configuration_saved.disconnect(listen)
    assert heard == [(saved.pk, True), (saved.pk, False)]


def test_a_calendar_that_is_to_be_deleted_is_forgotten_and_its_people_fall_back_to_blocking(
    user: User,
) -> None:
    calendar = member_of(user)
    values = ConfigurationValues(
        default_calendar=calendar, allow_contact_creation=True, allow_trigger=True, sync_option="two_way"
    )
    save_configuration(values, user=user, now=NOW)
    assert forget_default(calendar) == 1
    stored = CalendarConfiguration.objects.get(user=user)
    assert (stored.default_calendar, stored.allow_contact_creation, stored.allow_trigger) == (
        None,
        False,
        False,
    )
    assert stored.sync_option == "two_way"


def test_what_was_booked_on_a_room_takes_the_time_of_whoever_it_is_linked_to_now(
    linked: GoogleCalendar,
) -> None:
    hall, ahead = CalendarFactory(kind=Calendar.Kind.UNASSIGNED), timezone.now() + datetime.timedelta(days=2)
    save_configuration(ConfigurationValues(linked_calendar=linked), calendar=hall)
    booked, imported, past = (
        booking.book(
            calendar=hall,
            contact=ContactFactory(),
            owner=linked.account.user,
            starts_at=start,
            ends_at=start + datetime.timedelta(hours=1),
            origin=origin,
        )
        for start, origin in (
            (ahead, Origin.STAFF),
            (ahead, Origin.GOOGLE),
            (ahead - datetime.timedelta(days=9), Origin.STAFF),
        )
    )
    other = GoogleCalendarFactory(google_id="somebody else's")
    save_configuration(ConfigurationValues(linked_calendar=other), calendar=hall)
    hosts = {row.pk: row.hosts.get().user for row in (booked, imported, past)}
    assert hosts == {
        booked.pk: other.account.user,
        imported.pk: linked.account.user,
        past.pk: linked.account.user,
    }
