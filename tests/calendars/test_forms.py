"""Calendar Configuration as a form: what may be chosen, what is refused and in which words, what a request may omit."""

import pytest
from django.http import QueryDict

from calendars.forms import ConfigurationForm, UnassignedConfigurationForm, is_address_or_domain
from calendars.models import Calendar, CalendarConfiguration
from contacts.models import User
from integrations.models import GoogleAccount, GoogleCalendar
from tests.factories import (
    CalendarFactory,
    ConfigurationFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory()


@pytest.fixture
def account(user: User) -> GoogleAccount:
    return GoogleAccountFactory(user=user, address="dana@gmail.example")


@pytest.fixture
def linked(account: GoogleAccount) -> GoogleCalendar:
    return GoogleCalendarFactory(account=account, summary="Dana", time_zone="Europe/London")


def form_for(user: User, instance: CalendarConfiguration | None = None, **data: object) -> ConfigurationForm:
    query = QueryDict(mutable=True)
    for name, value in data.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return ConfigurationForm(query, instance=instance, user=user)


def offered(form: ConfigurationForm, name: str) -> list[str]:
    return [
        label
        for _, group in form.fields[name].choices  # type: ignore[attr-defined]  # a choice field
        for label in ([text for _, text in group] if isinstance(group, list) else [group])
    ]


def test_the_fields_are_those_that_outside_tools_know(user: User) -> None:
    assert list(ConfigurationForm(user=user).fields) == [
        "linked_calendar",
        "conflict_calendars",
        "sync_option",
        "allow_contact_creation",
        "default_calendar",
        "allow_trigger",
        "recurring_events",
        "blocks_unanswered",
        "private_events",
        "ignored_guests",
        "time_zone",
    ]


def test_only_own_calendars_that_may_be_changed_can_be_linked(
    user: User, account: GoogleAccount, linked: GoogleCalendar
) -> None:
    GoogleCalendarFactory(account=account, google_id="r", summary="Only read", access_role="reader")
    GoogleCalendarFactory(account=account, google_id="g", summary="Gone", gone_at="2026-01-01T00:00Z")
    GoogleCalendarFactory(summary="A colleague's")
    gone_account = GoogleAccountFactory(user=user, state=GoogleAccount.State.DISCONNECTED)
    GoogleCalendarFactory(account=gone_account, summary="Disconnected")
    form = ConfigurationForm(user=user)
    assert offered(form, "linked_calendar") == ["No Google calendar", "Dana"]
    assert offered(form, "conflict_calendars") == ["Dana", "Only read"]


def test_calendars_are_grouped_by_their_account(user: User, linked: GoogleCalendar) -> None:
    groups = [group for group, _ in ConfigurationForm(user=user).fields["conflict_calendars"].choices]  # type: ignore[attr-defined]  # a choice field
    assert groups == ["dana@gmail.example"]


def test_a_linked_calendar_whose_account_is_disconnected_stays_and_says_so(
    user: User, account: GoogleAccount, linked: GoogleCalendar
) -> None:
    configuration = ConfigurationFactory(user=user, linked_calendar=linked)
    account.state = GoogleAccount.State.DISCONNECTED
    account.save()
    form = form_for(user, configuration, linked_calendar=linked.pk, sync_option="smart")
    assert "Dana (disconnected)" in offered(form, "linked_calendar")
    assert form.is_valid()
    assert form.values().linked_calendar == linked


def test_a_colleagues_calendar_is_refused(user: User) -> None:
    theirs = GoogleCalendarFactory()
    form = form_for(user, linked_calendar=theirs.pk)
    assert "Choose a Google calendar of your own" in form.errors["linked_calendar"][0]
    assert not form_for(user, conflict_calendars=[theirs.pk]).is_valid()


def test_only_active_calendars_with_the_user_among_the_members_can_be_the_default(user: User) -> None:
    mine = MembershipFactory(user=user, calendar__name="Mine").calendar
    MembershipFactory(user=user, calendar__name="Off", calendar__is_active=False)
    MembershipFactory(user=user, calendar__name="Hall", calendar__kind=Calendar.Kind.UNASSIGNED)
    MembershipFactory(calendar__name="Another's")
    form = ConfigurationForm(user=user)
    assert [label for _, label in form.fields["default_calendar"].choices] == [  # type: ignore[attr-defined]  # a choice field
        "Select Default Calendar",
        "Mine",
    ]
    assert form_for(user, default_calendar=mine.pk).is_valid()


@pytest.mark.parametrize("others", [{}, {"time_zone": "Mars/Base"}])
def test_creation_without_a_default_calendar_is_refused_whatever_else_is_wrong(
    user: User, others: dict[str, str]
) -> None:
    form = form_for(user, allow_contact_creation="on", default_calendar="", sync_option="two_way", **others)
    assert form.errors["allow_contact_creation"] == [
        "Choose a default calendar first: contacts found in Google need a calendar to be filed on."
    ]


def test_a_trigger_without_a_default_calendar_is_saved_as_off(user: User) -> None:
    form = form_for(user, allow_trigger="on", default_calendar="", sync_option="two_way")
    assert form.is_valid()
    assert form.settled
    assert not form.settled.allow_trigger


def test_the_six_main_fields_are_enough(user: User, linked: GoogleCalendar) -> None:
    calendar = MembershipFactory(user=user).calendar
    form = form_for(
        user,
        linked_calendar=linked.pk,
        conflict_calendars=[],
        sync_option="two_way",
        allow_contact_creation="on",
        default_calendar=calendar.pk,
        allow_trigger="on",
    )
    assert form.is_valid(), form.errors
    values = form.values()
    assert (values.linked_calendar, values.default_calendar) == (linked, calendar)
    assert (values.allow_contact_creation, values.allow_trigger, values.blocks_unanswered) == (
        True,
        True,
        True,
    )
    assert values.time_zone == "Europe/London"


def test_what_a_request_leaves_out_stays_but_a_toggle_left_out_is_off(
    user: User, linked: GoogleCalendar
) -> None:
    calendar = MembershipFactory(user=user).calendar
    stored = ConfigurationFactory(
        user=user,
        linked_calendar=linked,
        sync_option="two_way",
        default_calendar=calendar,
        allow_contact_creation=True,
        allow_trigger=True,
        recurring_events="block",
        private_events="normal",
        ignored_guests="x.org",
        time_zone="Asia/Tokyo",
        blocks_unanswered=True,
    )
    form = form_for(user, stored, sync_option="smart", default_calendar=calendar.pk)
    assert form.is_valid(), form.errors
    values = form.values()
    assert (values.linked_calendar, values.sync_option) == (linked, "smart")
    assert (values.allow_contact_creation, values.allow_trigger) == (False, False)
    assert (values.recurring_events, values.private_events, values.ignored_guests, values.time_zone) == (
        "block",
        "normal",
        "x.org",
        "Asia/Tokyo",
    )
    assert values.blocks_unanswered


def test_the_unanswered_switch_is_off_only_when_it_was_on_the_page(user: User) -> None:
    stored = ConfigurationFactory(user=user, blocks_unanswered=True)
    form = form_for(user, stored, sync_option="smart", blocks_unanswered_shown="1")
    assert form.is_valid()
    assert not form.values().blocks_unanswered


def test_an_ignored_guest_that_is_neither_address_nor_domain_is_named_with_its_line(user: User) -> None:
    form = form_for(user, sync_option="smart", ignored_guests="ann@x.org\n\nnot one\nx.org\n@")
    assert form.errors["ignored_guests"] == [
        "Line 3, “not one”, is neither an address nor a domain.",
        "Line 5, “@”, is neither an address nor a domain.",
    ]


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("ann@x.org", True),
        ("x.org", True),
        ("@x.org", True),
        ("mail.x.co.uk", True),
        ("x", False),
        ("x.", False),
        ("ann@", False),
        ("two words.org", False),
        ("-x.org", False),
    ],
)
def test_addresses_and_domains_are_told_from_other_text(line: str, is_one: bool) -> None:
    assert is_address_or_domain(line) is is_one


@pytest.mark.parametrize(
    ("zone", "is_one"), [("Europe/Paris", True), ("US/Eastern", True), ("Mars/Base", False)]
)
def test_a_time_zone_is_a_name_that_exists(user: User, zone: str, is_one: bool) -> None:
    form = form_for(user, sync_option="smart", time_zone=zone)
    assert form.is_valid() is is_one


def test_a_new_configuration_starts_in_the_zone_of_the_main_google_calendar(
    user: User, linked: GoogleCalendar
) -> None:
    assert ConfigurationForm(user=user)["time_zone"].value() == "Europe/London"
    assert ConfigurationForm(user=UserFactory())["time_zone"].value() == "UTC"


@pytest.mark.parametrize("option", ["", "three_way"])
def test_an_option_that_does_not_exist_is_refused(user: User, option: str) -> None:
    assert "sync_option" in form_for(user, sync_option=option).errors


def test_an_unassigned_calendar_has_no_default_calendar_and_no_toggles(
    user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user, time_zone="Europe/Paris")
    form = UnassignedConfigurationForm(
        QueryDict(f"linked_calendar={linked.pk}&sync_option=two_way"), user=user, calendar=hall
    )
    assert not form.fields.keys() & {"default_calendar", "allow_contact_creation", "allow_trigger"}
    assert form.is_valid(), form.errors
    assert form.values().time_zone == "Europe/Paris"


def test_a_second_unassigned_calendar_is_told_which_one_has_the_link(
    user: User, linked: GoogleCalendar
) -> None:
    hall = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, name="Gym hall", owner=user)
    ConfigurationFactory(user=None, calendar=hall, linked_calendar=linked)
    pool = CalendarFactory(kind=Calendar.Kind.UNASSIGNED, owner=user)
    form = UnassignedConfigurationForm(
        QueryDict(f"linked_calendar={linked.pk}&sync_option=two_way"), user=user, calendar=pool
    )
    assert "Gym hall" in form.errors["linked_calendar"][0]


def test_creation_against_an_explicit_empty_choice_is_refused(user: User) -> None:
    """The table's INV: the only calendar is chosen for who says nothing of one, not against a person's word."""
    MembershipFactory(user=user)
    sent = {"sync_option": "two_way", "allow_contact_creation": "on"}
    silent, emptied = (
        ConfigurationForm(sent, user=user),
        ConfigurationForm({**sent, "default_calendar": ""}, user=user),
    )
    assert silent.is_valid()
    assert not emptied.is_valid()
    assert "default calendar" in emptied.errors["allow_contact_creation"][0]


def test_the_only_calendar_is_shown_as_chosen_the_first_time(user: User) -> None:
    only = MembershipFactory(user=user).calendar
    assert ConfigurationForm(user=user).default_calendar == only
    assert ConfigurationForm(instance=ConfigurationFactory(user=user), user=user).default_calendar is None
